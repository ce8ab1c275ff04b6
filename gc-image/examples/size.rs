// SPDX-License-Identifier: GPL-2.0-only
//! `size IMAGE...`: of how much a file system consists, as one line of JSON; for
//! benches/growth.py.
use gc_core::finding::Answer;
use gc_core::layout::BtreeId;
use gc_image::fs::{Options, open};
use gc_image::recovery::{RecoveryArgs, begin};
use gc_image::report::{Found, Reporter, answer};
use gc_image::tree::walk;

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
    let mut begun = begin(fs, RecoveryArgs { fsck: true }, &mut read)?;
    let (mut keys, mut alloc, mut pointers) = (0_u64, 0_u64, 0_u64);
    for root in &begun.roots {
        let (fs, nodes, journal) = (&begun.fs, &mut begun.nodes, &begun.journal);
        walk(fs, nodes, journal, root, &mut read, &mut |level, key, _| {
            match root.btree {
                _ if level > 0 => {}
                BtreeId::ALLOC => alloc += 1,
                _ => {
                    keys += 1;
                    pointers += u64::try_from(key.as_ref().pointers().count()).unwrap_or(0);
                }
            }
            Ok(())
        })?;
    }
    let buckets: u64 = begun.fs.members().map(|(_, d)| d.member.nbuckets).sum();
    let (nodes, node_sectors) = (read.0, begun.fs.btree_node_sectors());
    println!(
        "{{\"keys\":{keys},\"pointers\":{pointers},\"alloc\":{alloc},\"nodes\":{nodes},\
         \"node_sectors\":{node_sectors},\"buckets\":{buckets}}}"
    );
    Ok(())
}
