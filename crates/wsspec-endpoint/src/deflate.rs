//! Compression state of one connection (RFC 7692 section 7.2).

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::LocalKey;

use wsspec_wire::deflate::Deflater;
use wsspec_wire::inflate::{InflateError, Inflater};

use crate::{DeflateAgreement, DeflateConfig, Role, Violation};

/// Messages from this length on are compressed from an empty window: they find nearly all there is to find in
/// themselves.
const LARGE: usize = 16 << 10;

/// So many connections keep a compressor of their own, with what it remembers. All others share one, which is in
/// the cache, where one of 300 KiB for each of many connections is not: it remembers as long as nobody else uses it.
const OWN_COMPRESSORS: usize = 64;

/// How many compressors and decompressors a thread keeps for all.
const KEPT: usize = 4;

/// How many connections have a compressor of their own.
static OWNED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static DEFLATERS: RefCell<Vec<(Effort, Shared)>> = const { RefCell::new(Vec::new()) };
    static INFLATERS: RefCell<Vec<(u8, Inflater)>> = const { RefCell::new(Vec::new()) };
}

/// A compressor for all connections of a thread, and which message it compressed last.
#[derive(Debug)]
struct Shared {
    deflater: Deflater,
    last: Option<Mark>,
}

/// A message of a connection: the number of the connection, and that of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    connection: u64,
    message: u64,
}

impl Mark {
    /// That of a connection which has sent nothing yet.
    fn new() -> Self {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        Self { connection: CONNECTIONS.fetch_add(1, Ordering::Relaxed), message: 0 }
    }
}

/// A compressor that only one connection uses.
#[derive(Debug)]
struct Own(Deflater);

impl Own {
    /// One more, if there are not too many.
    fn new(effort: Effort) -> Option<Self> {
        if OWNED.fetch_add(1, Ordering::Relaxed) < OWN_COMPRESSORS {
            return Some(Self(new_deflater(effort)));
        }
        OWNED.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        OWNED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Both directions of permessage-deflate. Contexts are made when the first message needs them, and only kept where
/// the next one may.
#[derive(Debug)]
pub(crate) struct Deflate {
    sending: Direction,
    receiving: Direction,
    level: u8,
    min_size: usize,
    own: Option<Own>,
    /// Whether messages were sent that `own` does not know.
    outdated: bool,
    last: Mark,
    inflater: Option<Inflater>,
}

/// Window bits and level.
type Effort = (u8, u8);

#[derive(Debug, Clone, Copy)]
struct Direction {
    window_bits: u8,
    no_context_takeover: bool,
}

impl Deflate {
    pub(crate) fn new(role: Role, agreement: &DeflateAgreement, config: &DeflateConfig) -> Self {
        let server = Direction {
            window_bits: agreement.server_max_window_bits.clamp(8, 15),
            no_context_takeover: agreement.server_no_context_takeover,
        };
        let client = Direction {
            window_bits: agreement.client_max_window_bits.clamp(8, 15),
            no_context_takeover: agreement.client_no_context_takeover,
        };
        let (sending, receiving) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        Self {
            sending,
            receiving,
            level: config.level.min(9),
            min_size: config.min_size,
            own: None,
            outdated: false,
            last: Mark::new(),
            inflater: None,
        }
    }

    /// True if a message of `len` octets is worth compressing.
    pub(crate) fn wants(&self, len: usize) -> bool {
        len >= self.min_size
    }

    /// Appends the compressed form of a whole message.
    pub(crate) fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let mut len = out.len();
        self.compress_over(payload, out, &mut len);
        out.truncate(len);
    }

    /// Writes the compressed form of a whole message behind the first `len` octets of `out`, whatever is there.
    pub(crate) fn compress_over(&mut self, payload: &[u8], out: &mut Vec<u8>, len: &mut usize) {
        let effort = (self.sending.window_bits, self.level);
        let alone = self.sending.no_context_takeover || payload.len() >= LARGE;
        if !alone && self.own.is_none() {
            self.own = Own::new(effort);
        }
        match &mut self.own {
            Some(Own(deflater)) if !alone => {
                if std::mem::take(&mut self.outdated) {
                    deflater.reset();
                }
                deflater.message_over(payload, out, len);
            }
            _ => {
                self.outdated = true;
                self.compress_shared(effort, alone, payload, out, len);
            }
        }
    }

    /// Compresses a message with the compressor of the thread: from an empty window, or from what it remembers if
    /// that are the messages of this connection.
    fn compress_shared(
        &mut self,
        effort: Effort,
        alone: bool,
        payload: &[u8],
        out: &mut Vec<u8>,
        len: &mut usize,
    ) {
        let new = || Shared { deflater: new_deflater(effort), last: None };
        let mut shared = kept(&DEFLATERS, effort).unwrap_or_else(new);
        if alone || shared.last != Some(self.last) {
            shared.deflater.reset();
        }
        shared.deflater.message_over(payload, out, len);
        self.last.message += 1;
        shared.last = Some(self.last);
        keep(&DEFLATERS, (effort, shared));
    }

    /// Inflates a part of a message and writes it behind the first `len` octets of `out`, as long as these are at
    /// most `limit`. False: there is more than that.
    pub(crate) fn inflate(
        &mut self,
        octets: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
        len: &mut usize,
    ) -> Result<bool, Violation> {
        let inflated = self.inflater().feed_over(octets, limit, out, len);
        inflated.map(|inflated| !inflated.limit_reached).map_err(|_| Violation::InvalidDeflate)
    }

    /// Ends an inflated message, as if what its sender cut off had come (RFC 7692 section 7.2.2).
    pub(crate) fn finish(
        &mut self,
        limit: usize,
        out: &mut Vec<u8>,
        len: &mut usize,
    ) -> Result<bool, Violation> {
        let Direction { window_bits, no_context_takeover } = self.receiving;
        let inflater = self.inflater();
        let complete = match inflater.finish_message_over(limit, out, len) {
            Ok(inflated) => !inflated.limit_reached,
            // Nothing is missing from the message itself.
            Err(InflateError::MissingFlush) => true,
            Err(_) => return Err(Violation::InvalidDeflate),
        };
        if no_context_takeover && let Some(mut inflater) = self.inflater.take() {
            inflater.reset();
            keep(&INFLATERS, (window_bits, inflater));
        }
        Ok(complete)
    }

    fn inflater(&mut self) -> &mut Inflater {
        let bits = self.receiving.window_bits;
        self.inflater.get_or_insert_with(|| {
            let kept = kept(&INFLATERS, bits);
            kept.unwrap_or_else(|| Inflater::new(bits).expect("window bits are between 8 and 15"))
        })
    }
}

fn new_deflater((bits, level): Effort) -> Deflater {
    Deflater::new(bits, level).expect("window bits are between 8 and 15")
}

/// What this thread keeps under a key.
fn kept<K: PartialEq, T>(all: &'static LocalKey<RefCell<Vec<(K, T)>>>, key: K) -> Option<T> {
    all.with_borrow_mut(|all| {
        let last = all.iter().rposition(|(other, _)| *other == key)?;
        Some(all.remove(last).1)
    })
}

/// Keeps something for the next message of any connection.
fn keep<T>(all: &'static LocalKey<RefCell<Vec<T>>>, one: T) {
    all.with_borrow_mut(|all| {
        all.push(one);
        if all.len() > KEPT {
            all.remove(0);
        }
    });
}
