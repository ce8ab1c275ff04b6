// SPDX-License-Identifier: GPL-2.0-only
//! From inodes to paths, by the names in directories.

use crate::fs::Fs;
use crate::journal::Recovered;
use crate::node::Node;
use crate::tables::{self, DIRENTS};
use crate::valid::Place;
use crate::walk::{Lost, Visitor, Walk};
use gc_core::bkey::KeyRef;
use std::collections::HashMap;

/// Number of the root directory.
const ROOT: u64 = 4096;
/// Directories above a file, at most.
const DEPTH: usize = 4096;
/// Bytes of a dirent before its name: the inode, and its type.
const HEAD: usize = 9;

/// Names of inodes: the directory, and the name in it.
#[derive(Debug, Default)]
pub struct Paths {
    names: HashMap<u64, (u64, String)>,
}

impl Paths {
    /// Reads all names.
    #[must_use]
    pub fn read(fs: &Fs, recovered: &Recovered) -> Self {
        let mut paths = Self::default();
        Walk::run(fs, recovered, DIRENTS, &mut paths);
        paths
    }

    /// The path of an inode; its number where no name leads to it.
    #[must_use]
    pub fn of(&self, inode: u64) -> String {
        let (mut at, mut parts) = (inode, Vec::new());
        while at != ROOT && parts.len() < DEPTH {
            let Some((dir, name)) = self.names.get(&at) else {
                return format!("(inode {inode})");
            };
            parts.push(name.as_str());
            at = *dir;
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }
}

impl Visitor for Paths {
    fn node(&mut self, _: Place, _: KeyRef<'_>, _: &Node) {}
    fn lost(&mut self, _: Lost) {}
    fn key(&mut self, place: Place, key: KeyRef<'_>) {
        if place.level != 0 || key.k.type_.0 != tables::DIRENT {
            return;
        }
        let Some(target) = key.v.first() else { return };
        let bytes: Vec<u8> = key.v.iter().flat_map(|w| w.to_le_bytes()).collect();
        let name = bytes.get(HEAD..).unwrap_or(&[]);
        let len = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        let name = String::from_utf8_lossy(name.get(..len).unwrap_or(&[])).into_owned();
        self.names.insert(*target, ({ key.k.p }.inode, name));
    }
}
