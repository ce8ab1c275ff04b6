// SPDX-License-Identifier: GPL-2.0-only
//! What the host keeps: the rest of the input, what it has lent, what is locked.

use gc_core::layout::{BkeyFormat, BkeyI, Bpos, Stripe};
use gc_host_sys as sys;
use std::cell::RefCell;
use std::collections::HashMap;

/// Devices.
pub const DEVICES: usize = 3;
/// Nodes.
pub const NODES: usize = 6;

/// A node.
#[derive(Debug, Default)]
pub struct Node {
    pub min: Bpos,
    pub max: Bpos,
    pub key: Vec<u64>,
    pub level: u8,
    pub btree: u8,
}

/// A device.
#[derive(Debug, Default)]
pub struct Dev {
    pub geom: [u64; 4],
    /// Live and second buckets with their heads.
    pub buckets: [Vec<u64>; 2],
    pub journal: Vec<u64>,
}

/// The host.
#[derive(Debug, Default)]
#[allow(clippy::vec_box, reason = "their addresses are lent and stay")]
pub struct State {
    data: Vec<u8>,
    at: usize,
    pub devs: Vec<Box<Dev>>,
    pub nodes: Vec<Box<Node>>,
    /// Keys that were lent.
    pub keys: Vec<Box<[u64]>>,
    /// Formats and tables that were lent.
    pub formats: Vec<Box<BkeyFormat>>,
    pub rows: Vec<Vec<u8>>,
    pub usage: [Vec<u64>; 2],
    pub stripes: Vec<Box<Stripe>>,
    pub entry: Vec<u8>,
    pub pos: [u32; 8],
    pub locks: Vec<u32>,
    pub refs: i64,
    pub node_reads: HashMap<usize, i64>,
    pub node_intents: HashMap<usize, i64>,
    pub walks: Vec<Box<u64>>,
    pub open_buckets: Vec<u32>,
    pub journal_blocked: i64,
    pub waits: i64,
    pub thread: Option<(unsafe extern "C" fn(*mut core::ffi::c_void) -> i32, usize)>,
    pub calls: u64,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Something of the state.
pub fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(f)
}

impl State {
    /// The next byte of the input, 0 behind its end.
    pub fn byte(&mut self) -> u8 {
        let b = self.data.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        b
    }

    /// Whether the input is used up: then everything ends.
    pub fn over(&self) -> bool {
        self.at >= self.data.len()
    }

    /// Another one of something, while there is input.
    pub fn more(&mut self) -> bool {
        !self.over() && self.byte() & 7 != 0
    }

    /// A number: small ones, those near limits, any.
    pub fn number(&mut self) -> u64 {
        let kind = self.byte();
        match kind & 7 {
            0..=2 => u64::from(kind >> 3),
            3 => u64::from(self.byte()),
            4 => u64::from(self.byte()) << 8 | u64::from(self.byte()),
            5 => (1_u64 << (kind >> 3)).wrapping_sub(u64::from(kind & 1)),
            6 => u64::MAX - u64::from(kind >> 3),
            _ => (0..8).fold(0, |n, _| n << 8 | u64::from(self.byte())),
        }
    }

    /// 0 mostly; else an errno, or no result at all.
    pub fn result(&mut self) -> i32 {
        match self.byte() {
            0..=199 => 0,
            200 => -12,
            201 => -11,
            202 => -4,
            203 => -30,
            204 => -5,
            205 => -17,
            206 => 1,
            207 => 2,
            208 => i32::MIN,
            209 => i32::MAX,
            b => -i32::from(b),
        }
    }

    /// A position, near others.
    pub fn pos(&mut self) -> Bpos {
        match self.byte() & 7 {
            0 => Bpos::default(),
            1 => gc_core::layout::POS_MAX,
            2 => Bpos { snapshot: self.byte().into(), ..Bpos::new(self.number(), self.number()) },
            _ => Bpos::new((self.byte() & 3).into(), self.byte().into()),
        }
    }

    /// A key as long as it says, but never shorter than a head.
    pub fn key(&mut self) -> Box<[u64]> {
        let p = self.pos();
        let mut k = gc_core::layout::Bkey::new(p, 0);
        k.type_ = gc_core::layout::KeyType(self.byte() % 22);
        k.u64s = match self.byte() {
            b @ 0..=15 => b,
            b @ 16..=239 => 5 + b % 12,
            b => b,
        };
        k.size = self.number() as u32;
        k.version.lo = self.number();
        k.format_ws = if self.byte() < 250 { 1 } else { self.byte() };
        let mut words = k.to_words().to_vec();
        while words.len() < usize::from(k.u64s) {
            let w = match self.byte() & 3 {
                0 => self.number(),
                // A pointer to a bucket that there may be.
                1 => {
                    let (dev, sector) = (self.byte() % 4, self.byte());
                    1 | u64::from(sector) << 4 | u64::from(dev) << 48
                }
                _ => u64::from(self.byte()),
            };
            words.push(w);
        }
        words.into()
    }

    /// One of the nodes.
    pub fn node(&mut self) -> *mut sys::btree {
        if self.byte() == 0 {
            return std::ptr::null_mut();
        }
        let n = usize::from(self.byte()) % NODES;
        self.nodes.get(n).map_or(std::ptr::null_mut(), |n| address(n.as_ref()))
    }
}

/// An address as C has it.
pub fn address<T, U>(of: &T) -> *mut U {
    std::ptr::from_ref(of).cast_mut().cast()
}

/// A device by index.
pub fn device(n: usize) -> *mut sys::bch_dev {
    with(|s| s.devs.get(n).map_or(std::ptr::null_mut(), |d| address(d.as_ref())))
}

/// The device at an address.
pub fn dev_of(s: &mut State, ca: *mut sys::bch_dev) -> &mut Dev {
    let at = s.devs.iter().position(|d| address::<Dev, sys::bch_dev>(d) == ca);
    let at = at.expect("a device that was lent");
    &mut s.devs[at]
}

/// The node at an address.
pub fn node_of(s: &mut State, b: *mut sys::btree) -> &mut Node {
    let at = s.nodes.iter().position(|n| address::<Node, sys::btree>(n) == b);
    let at = at.expect("a node that was lent");
    &mut s.nodes[at]
}

fn buckets(s: &mut State, first: u64) -> Vec<u64> {
    if s.byte() & 15 == 0 {
        return Vec::new();
    }
    let nbuckets = match s.byte() {
        b @ 0..=199 => u64::from(b % 24),
        b => u64::from(b),
    };
    let mut words = vec![0, 0, first & 0xffff, nbuckets];
    for _ in 0..nbuckets {
        let mark = if s.byte() & 3 == 0 { s.number() } else { 0 };
        words.extend([mark, 0]);
    }
    words
}

/// Starts over with this input.
pub fn begin(data: &[u8]) -> *mut sys::bch_fs {
    with(|s| {
        *s = State { data: data.to_vec(), ..State::default() };
        for idx in 0..DEVICES {
            // As many calls as there are buckets: not more than memory would hold.
            let nbuckets = s.number() % (1 << 10);
            let geom = [nbuckets, s.number(), s.number(), idx as u64];
            let geom = if s.byte() & 1 == 0 { [16, 8, 1, idx as u64] } else { geom };
            let two = [buckets(s, geom[2]), buckets(s, geom[2])];
            let journal = (0..s.byte() % 5).map(|_| s.number()).collect();
            s.devs.push(Box::new(Dev { geom, buckets: two, journal }));
        }
        for _ in 0..NODES {
            let (min, max) = (s.pos(), s.pos());
            let key = s.key().into_vec();
            let (level, btree) = (s.byte() % 6, s.byte() % 10);
            s.nodes.push(Box::new(Node { min, max, key, level, btree }));
        }
        for side in 0..2 {
            let nr = s.byte() % 40;
            s.usage[side] = (0..nr).map(|_| s.number()).collect();
        }
        s.entry = vec![0; 3 + 255];
        address(&s.devs)
    })
}

/// Whether everything that was taken was given back.
pub fn end() {
    with(|s| {
        assert!(s.locks.is_empty(), "locks are released: {:?}", s.locks);
        assert_eq!(s.refs, 0, "devices are given back");
        assert!(s.node_reads.values().all(|n| *n == 0), "nodes are unlocked: {:?}", s.node_reads);
        assert!(s.node_intents.values().all(|n| *n == 0), "intent locks: {:?}", s.node_intents);
        assert!(s.walks.is_empty(), "walks are closed");
        assert!(s.open_buckets.is_empty(), "open buckets are unlocked");
        assert_eq!(s.journal_blocked, 0, "the journal goes on");
        assert_eq!(s.waits, 0, "waits are finished");
    });
}

/// A key at an address, for reading it whole.
pub fn read_key(k: *const BkeyI) {
    // SAFETY: the library hands in keys that lie whole.
    let u64s = unsafe { (*k).k.u64s };
    let words = std::ptr::slice_from_raw_parts(k.cast::<u64>(), usize::from(u64s.max(5)));
    // SAFETY: as above.
    let sum = unsafe { &*words }.iter().fold(0_u64, |a, b| a ^ b);
    std::hint::black_box(sum);
}
