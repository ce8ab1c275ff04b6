// SPDX-License-Identifier: GPL-2.0-only
//! From inodes to file names: directory entries walked backwards, from the one
//! that names the inode up to the root (layout: docs/facts/namespace.md).

use crate::host::{Image, Met};
use crate::key::{dirent_name, value_head};
use core::ops::ControlFlow;
use gc_core::bkey::KeyRef;
use gc_core::layout::value::DirentValue;
use gc_core::layout::{BtreeId, KeyType, POS_MAX, POS_MIN};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Inode of the root directory.
const ROOT: u64 = 4096;
/// Type of a directory in a directory entry.
const DIRECTORY: u8 = 4;
/// Names of one inode that are kept.
const NAMES_KEPT: usize = 4;

/// What an inode is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// From the root if it can be reached; else as far up as entries go.
    pub path: String,
    /// Whether the path begins at the root.
    pub reachable: bool,
    /// Further names of the same inode (hard links).
    pub others: usize,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reachable, self.path.is_empty()) {
            (true, _) => f.write_str(&self.path)?,
            (false, true) => f.write_str("(unreachable: no directory entry)")?,
            (false, false) => write!(f, "(unreachable) …/{}", self.path)?,
        }
        if self.others > 0 {
            write!(f, " and {} more names", self.others)?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Names {
    /// Directory and name.
    kept: Vec<(u64, String)>,
    nr: usize,
}

/// Names of the inodes asked for, and of all directories.
#[derive(Debug, Default)]
pub struct Paths {
    names: HashMap<u64, Names>,
    /// Nodes of the dirents btree that cannot be read.
    pub unreadable: u64,
}

/// Inode and type that a directory entry names, and its name; control characters
/// are escaped.
#[must_use]
pub fn dirent(key: KeyRef<'_>) -> Option<(u64, u8, String)> {
    if key.k.type_ != KeyType::DIRENT {
        return None;
    }
    if key.v.is_empty() {
        return None;
    }
    let DirentValue { inum, type_ } = value_head(key.v);
    let mut name = String::new();
    for c in String::from_utf8_lossy(dirent_name(key.v)).chars() {
        if c.is_control() {
            name.extend(c.escape_default());
        } else {
            name.push(c);
        }
    }
    Some((inum.get(), type_, name))
}

impl Paths {
    /// Walks all directory entries once; directories are always kept, since any
    /// of them may lie on a path.
    #[must_use]
    pub fn of(image: &Image<'_>, inodes: &HashSet<u64>) -> Self {
        let mut this = Self::default();
        if inodes.is_empty() {
            return this;
        }
        let all = POS_MIN..=POS_MAX;
        let _whole = image.survey(BtreeId::DIRENTS, all, &mut |met| {
            match met {
                Met::Key { level: 0, key, .. } => {
                    let dir = { key.k.p }.inode;
                    if let Some((inum, kind, name)) = dirent(key) {
                        if kind == DIRECTORY || inodes.contains(&inum) {
                            this.add(inum, dir, name);
                        }
                    }
                }
                Met::Key { .. } => {}
                Met::Unreadable { .. } => this.unreadable = this.unreadable.saturating_add(1),
            }
            ControlFlow::Continue(())
        });
        this
    }

    fn add(&mut self, inum: u64, dir: u64, name: String) {
        let names = self.names.entry(inum).or_default();
        names.nr = names.nr.saturating_add(1);
        if names.kept.len() < NAMES_KEPT {
            names.kept.push((dir, name));
        }
    }

    /// Name of an inode.
    #[must_use]
    pub fn name(&self, inum: u64) -> FileName {
        let Some(names) = self.names.get(&inum) else {
            let path = if inum == ROOT { "/" } else { "" };
            return FileName { path: path.into(), reachable: inum == ROOT, others: 0 };
        };
        let others = names.nr.saturating_sub(1);
        let mut best = None;
        for (dir, name) in &names.kept {
            let (path, reachable) = self.up(inum, *dir, name);
            if reachable || best.is_none() {
                best = Some((path, reachable));
            }
            if reachable {
                break;
            }
        }
        let (path, reachable) = best.unwrap_or_default();
        FileName { path, reachable, others }
    }

    /// The path to a name in a directory, and whether it begins at the root.
    fn up(&self, inum: u64, dir: u64, name: &str) -> (String, bool) {
        let mut parts = vec![name];
        let mut seen = HashSet::from([inum]);
        let mut at = dir;
        // A directory that lies within itself is reached from nowhere.
        while at != ROOT && seen.insert(at) {
            let Some((dir, name)) = self.names.get(&at).and_then(|n| n.kept.first()) else { break };
            parts.push(name);
            at = *dir;
        }
        let reachable = at == ROOT;
        parts.reverse();
        let root = if reachable { "/" } else { "" };
        (format!("{root}{}", parts.join("/")), reachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gc_core::layout::{Bkey, Bpos};

    fn paths(entries: &[(u64, u64, &str)]) -> Paths {
        let mut p = Paths::default();
        for (dir, inum, name) in entries {
            p.add(*inum, *dir, (*name).into());
        }
        p
    }

    // Oracle: paths written out by hand.
    #[test]
    fn backwards() {
        let p = paths(&[
            (ROOT, 5000, "a"),
            (5000, 5001, "b"),
            (5001, 6000, "file"),
            (ROOT, 6000, "link"),
            (7000, 7001, "inner"),
            (7001, 7000, "outer"),
            (7001, 7002, "lost"),
            (8000, 8001, "child"),
        ]);
        assert_eq!(p.name(ROOT).to_string(), "/");
        assert_eq!(p.name(5001).to_string(), "/a/b");
        assert_eq!(p.name(6000).to_string(), "/a/b/file and 1 more names");
        // In a circle of directories.
        assert_eq!(p.name(7002).to_string(), "(unreachable) …/outer/inner/lost");
        // Its directory has no entry.
        assert_eq!(p.name(8001).to_string(), "(unreachable) …/child");
        assert_eq!(p.name(9999).to_string(), "(unreachable: no directory entry)");
    }

    // Oracle: the bytes of docs/facts/namespace.md.
    #[test]
    fn entries() {
        let mut k = Bkey::new(Bpos::new(4096, 77), 0);
        k.type_ = KeyType::DIRENT;
        let v = [4711, u64::from_le_bytes([8, b'x', b'\n', b'y', 0, 0, 0, 0])];
        assert_eq!(dirent(KeyRef::new(&k, &v)), Some((4711, 8, "x\\ny".into())));
        assert_eq!(dirent(KeyRef::new(&k, &[])), None);
        k.type_ = KeyType::XATTR;
        assert_eq!(dirent(KeyRef::new(&k, &v)), None);
    }
}
