//! Compression in the hands of the layer.

use wsspec_wire::{DeflateInspector, Deflater, InflateError, Inflater};

use crate::{DeflateAgreement, Role, Violation};

/// One direction of permessage-deflate as agreed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Direction {
    pub(super) window_bits: u8,
    pub(super) no_context_takeover: bool,
}

/// What this endpoint sends, and what its peer sends.
pub(super) fn directions(role: Role, agreed: &DeflateAgreement) -> (Direction, Direction) {
    let server = Direction {
        window_bits: agreed.server_max_window_bits,
        no_context_takeover: agreed.server_no_context_takeover,
    };
    let client = Direction {
        window_bits: agreed.client_max_window_bits,
        no_context_takeover: agreed.client_no_context_takeover,
    };
    if role == Role::Server { (server, client) } else { (client, server) }
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Compressor {
    pub(super) agreed: Direction,
    pub(super) deflater: Deflater,
    /// Messages so far.
    pub(super) count: u64,
}

impl Compressor {
    pub(super) fn new(agreed: Direction) -> Self {
        Self { agreed, deflater: deflater(agreed.window_bits, 1), count: 0 }
    }

    /// As it was agreed.
    pub(super) fn lawful(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.deflater.message(message, &mut out);
        if self.agreed.no_context_takeover {
            self.deflater.reset();
        }
        out
    }
}

/// A compressor with a window of so many bits.
pub(super) fn deflater(window_bits: u8, level: u8) -> Deflater {
    Deflater::new(window_bits.clamp(8, 15), level).expect("8 to 15 bits")
}

/// How a compressed message that came whole is inflated.
pub(super) type Inflation = fn(&mut Decompressor, &[u8]) -> Inflated;

/// What a compressed message is taken for.
#[derive(Debug)]
pub(super) enum Inflated {
    Message(Vec<u8>),
    Fails(Violation),
}

/// What is received.
#[derive(Debug)]
pub(super) struct Decompressor {
    pub(super) agreed: Direction,
    pub(super) inflater: Inflater,
    /// Messages so far.
    pub(super) count: u64,
    /// Looks into messages, in a window of its own.
    pub(super) inspector: Option<DeflateInspector>,
    /// Nothing can be inflated any more.
    pub(super) ended: bool,
    limit: usize,
}

impl Decompressor {
    pub(super) fn new(agreed: Direction, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            agreed,
            inflater: Inflater::new(15).expect("8 to 15 bits"),
            count: 0,
            inspector: None,
            ended: false,
            limit,
        }
    }

    /// What is in a message, and the error after it.
    pub(super) fn inflate(&mut self, octets: &[u8]) -> (Vec<u8>, Result<(), InflateError>) {
        let mut out = Vec::new();
        let fed = self.inflater.feed(octets, self.limit, &mut out);
        let done = fed.and_then(|_| self.inflater.finish_message(self.limit, &mut out));
        let done = match done {
            Ok(_) | Err(InflateError::MissingFlush) => Ok(()),
            Err(error) => Err(error),
        };
        (out, done)
    }

    /// As it was agreed.
    pub(super) fn lawful(&mut self, octets: &[u8]) -> Inflated {
        let (message, done) = self.inflate(octets);
        if self.agreed.no_context_takeover {
            self.inflater.reset();
        }
        match done {
            Ok(()) if message.len() >= self.limit => {
                Inflated::Fails(Violation::MessageTooBig { limit: self.limit as u64 })
            }
            Ok(()) => Inflated::Message(message),
            Err(_) => Inflated::Fails(Violation::InvalidDeflate),
        }
    }
}
