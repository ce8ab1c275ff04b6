// SPDX-License-Identifier: GPL-2.0-only
//! `size IMAGE...`: of how much a file system consists, as one line of JSON; for
//! benches/growth.py.
use gc_core::finding::Answer;
use gc_core::layout::BtreeId;
use gc_v0::fs::{Options, open};
use gc_v0::recovery::{RecoveryArgs, begin};
use gc_v0::report::{Found, Reporter, answer};
use gc_v0::tree::walk;

/// Buckets that lie together in memory.
const REGION: u64 = 32;

/// Counts nodes as they are read.
struct Nodes(u64);

impl Reporter for Nodes {
    fn found(&mut self, found: Found) -> Answer {
        answer(found.flags, false)
    }
    fn log(&mut self, _: &str) {}
    fn node_read(&mut self) {
        self.0 += 1;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).map(std::path::PathBuf::from).collect();
    let mut read = Nodes(0);
    let fs = open(&paths, &Options::default(), &mut read)?;
    let mut begun = begin(fs, RecoveryArgs::new(true), &mut read)?;
    let (mut keys, mut alloc, mut regions) = (0_u64, 0_u64, 0_u64);
    // Of keys that have one, of keys that have several, and those to another bucket than
    // the one before.
    let (mut lone, mut several, mut jumps) = (0_u64, 0_u64, 0_u64);
    let (mut last_region, mut last) = (None, None);
    for root in &begun.roots {
        let (fs, nodes, journal) = (&begun.fs, &mut begun.nodes, &begun.journal);
        walk(fs, nodes, journal, root, &mut read, &mut |level, key, _| {
            match root.btree {
                _ if level > 0 => {}
                BtreeId::ALLOC => {
                    alloc += 1;
                    let p = key.k.p;
                    let region = Some((p.inode, p.offset / REGION));
                    regions += u64::from(region != last_region);
                    last_region = region;
                }
                _ => {
                    keys += 1;
                    let n = u64::try_from(key.as_ref().pointers().count()).unwrap_or(0);
                    *if n > 1 { &mut several } else { &mut lone } += n;
                    for p in key.as_ref().pointers() {
                        let size = fs.device(p.dev()).map_or(1, |d| d.geometry().bucket_size);
                        let bucket = Some((p.dev(), p.offset() / u64::from(size.max(1))));
                        jumps += u64::from(bucket != last);
                        last = bucket;
                    }
                }
            }
            Ok(())
        })?;
    }
    let buckets: u64 = begun.fs.members().map(|(_, d)| d.member.nbuckets).sum();
    let (nodes, node_sectors) = (read.0, begun.fs.btree_node_sectors());
    println!(
        "{{\"keys\":{keys},\"lone\":{lone},\"several\":{several},\"jumps\":{jumps},\
         \"alloc\":{alloc},\"regions\":{regions},\"nodes\":{nodes},\
         \"node_sectors\":{node_sectors},\"buckets\":{buckets}}}"
    );
    Ok(())
}
