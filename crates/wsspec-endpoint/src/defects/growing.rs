//! Defects that show in the process alone: all that is sent is right, and memory grows.

use std::sync::Mutex;

use super::part::Part::{Config, Meets};
use super::part::Take;
use super::{Deviation, server};

/// What is kept of each connection.
const EACH: usize = 256 << 10;
/// The most that is set aside for a frame.
const MOST: u64 = 1 << 20;

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

pub(super) const DEFECTS: &[Deviation] = &[
    server(
        "memory-of-the-length",
        "RFC 6455 10.4",
        "sets aside up to 1 MiB for a length as soon as the header claims it",
        &[
            Config(|config| (config.max_message_size, config.max_frame_size) = (u64::MAX, u64::MAX)),
            Meets(|cx, header| {
                let claimed = usize::try_from(header.length.min(MOST)).unwrap_or_default();
                if claimed > cx.memory.octets.len() {
                    // Memory that is written to, as only that counts.
                    cx.memory.octets = vec![1; claimed];
                }
                Take::Stream
            }),
        ],
    ),
    server(
        "connections-kept",
        "RFC 6455 7.2.1",
        "keeps 256 KiB of every connection for ever",
        &[Config(|_| {
            if let Ok(mut kept) = KEPT.lock() {
                kept.push(vec![1; EACH]);
            }
        })],
    ),
];
