// SPDX-License-Identifier: GPL-2.0-only
//! Locks that are released on every way out.

use super::{DeviceHost, Host, Lock};

/// A lock, held until this is dropped.
#[must_use = "the lock is released at once"]
pub struct Locked<'h, H: DeviceHost + ?Sized> {
    host: &'h H,
    which: Lock,
}

impl<'h, H: DeviceHost + ?Sized> Locked<'h, H> {
    /// Takes the lock.
    pub fn new(host: &'h H, which: Lock) -> Self {
        host.lock(which);
        Self { host, which }
    }
}

impl<'h, H: Host + ?Sized> Locked<'h, H> {
    /// Takes the lock, unless the calling thread is asked to stop meanwhile.
    pub fn unless_stopping(host: &'h H, which: Lock) -> Option<Self> {
        // Made only where the lock is held: its end is the unlock.
        host.lock_unless_stopping(which).then(|| Self { host, which })
    }
}

impl<H: DeviceHost + ?Sized> Drop for Locked<'_, H> {
    fn drop(&mut self) {
        self.host.unlock(self.which);
    }
}

/// A node, read locked until this is dropped.
#[must_use = "the node is unlocked at once"]
pub struct NodeRead<'h, H: Host + ?Sized> {
    host: &'h H,
    node: H::Node,
}

impl<'h, H: Host + ?Sized> NodeRead<'h, H> {
    /// Locks the node.
    pub fn lock(host: &'h H, node: H::Node) -> Self {
        host.node_lock_read(node);
        Self { host, node }
    }

    /// Takes over a node that is locked already, as [`Host::node_get`] returns it.
    pub fn adopt(host: &'h H, node: H::Node) -> Self {
        Self { host, node }
    }

    /// The node.
    pub fn get(&self) -> H::Node {
        self.node
    }
}

impl<H: Host + ?Sized> Drop for NodeRead<'_, H> {
    fn drop(&mut self) {
        self.host.node_unlock_read(self.node);
    }
}
