//! What is measured: sizes, connections, and how many messages are in flight.

use serde::{Deserialize, Serialize};

use super::Args;

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Octets of a message.
    pub(super) size: usize,
    pub(super) connections: usize,
    /// Messages in flight on each connection.
    pub(super) window: usize,
    pub(super) deflate: bool,
}

/// No more octets than these are in flight at a time: beyond that, the kernel's memory is what is measured.
const IN_FLIGHT: usize = 64 << 20;

impl Cell {
    /// Whether it shows latency: the next message waits for the reply to the one before.
    pub(super) fn is_ping_pong(&self) -> bool {
        self.window == 1
    }

    /// Whether a round trip takes so long that there is more time for it.
    pub(super) fn is_slow(&self) -> bool {
        self.size * self.connections > IN_FLIGHT / 2
    }

    /// Where it stands in tables.
    pub(super) fn place(&self) -> impl Ord + use<> {
        (self.deflate, self.size, self.connections, self.window)
    }

    /// As it is called in tables.
    pub(super) fn name(&self) -> String {
        format!("{} x {} x {}", size_words(self.size), self.connections, self.window)
    }

    /// In words.
    pub(super) fn label(&self) -> String {
        let Self { connections, window, deflate, .. } = self;
        let extension = if *deflate { ", permessage-deflate" } else { "" };
        format!("{} x {connections} connections, {window} in flight{extension}", size_words(self.size))
    }
}

/// A size in words.
pub(super) fn size_words(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

/// How many messages are in flight on each of so many connections, where more than one is.
fn window(size: usize, connections: usize) -> usize {
    let window = match size {
        0..256 => 64,
        256..8192 => 16,
        8192..524_288 => 4,
        _ => 2,
    };
    window.min(IN_FLIGHT / (size * connections).max(1)).max(1)
}

/// All cells of a run: each size and number of connections once with one message in flight and once with more.
pub(super) fn all(args: &Args) -> Vec<Cell> {
    let mut cells = Vec::new();
    for deflate in [false, true] {
        for &size in args.sizes.iter().filter(|_| args.deflate.is_none_or(|only| only == deflate)) {
            for &connections in &args.connections {
                let mut windows = vec![1, window(size, connections)];
                windows.dedup();
                let cell = |window| Cell { size, connections, window, deflate };
                cells.extend(windows.into_iter().map(cell));
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_messages_are_in_flight_where_they_are_large_or_many() {
        assert_eq!(window(16, 1), 64);
        assert_eq!(window(16, 1000), 64);
        assert_eq!(window(1 << 16, 64), 4);
        assert_eq!(window(1 << 16, 1000), 1);
        assert_eq!(window(1 << 20, 1), 2);
        assert_eq!(window(1 << 20, 1000), 1);
    }
}
