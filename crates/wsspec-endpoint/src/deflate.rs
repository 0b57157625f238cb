//! Compression state of one connection (RFC 7692 section 7.2).

use wsspec_wire::deflate::Deflater;
use wsspec_wire::inflate::{InflateError, Inflater};

use crate::{DeflateAgreement, DeflateConfig, Role, Violation};

/// Both directions of permessage-deflate. Contexts are made when the first message needs them.
#[derive(Debug)]
pub(crate) struct Deflate {
    sending: Direction,
    receiving: Direction,
    level: u8,
    min_size: usize,
    deflater: Option<Deflater>,
    inflater: Option<Inflater>,
}

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
            deflater: None,
            inflater: None,
        }
    }

    /// True if a message of `len` octets is worth compressing.
    pub(crate) fn wants(&self, len: usize) -> bool {
        len >= self.min_size
    }

    /// Appends the compressed form of a whole message.
    pub(crate) fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let (bits, level) = (self.sending.window_bits, self.level);
        let deflater = self
            .deflater
            .get_or_insert_with(|| Deflater::new(bits, level).expect("window bits are between 8 and 15"));
        deflater.message(payload, out);
        if self.sending.no_context_takeover {
            deflater.reset();
        }
    }

    /// Inflates a part of a message and appends it to `out`, as long as `out` has at most `limit` octets.
    /// False: there is more than that.
    pub(crate) fn inflate(
        &mut self,
        octets: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Violation> {
        let inflated = self.inflater().feed(octets, limit, out).map_err(|_| Violation::InvalidDeflate)?;
        Ok(!inflated.limit_reached)
    }

    /// Ends an inflated message, as if what its sender cut off had come (RFC 7692 section 7.2.2).
    pub(crate) fn finish(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<bool, Violation> {
        let no_context_takeover = self.receiving.no_context_takeover;
        let inflater = self.inflater();
        let complete = match inflater.finish_message(limit, out) {
            Ok(inflated) => !inflated.limit_reached,
            // Nothing is missing from the message itself.
            Err(InflateError::MissingFlush) => true,
            Err(_) => return Err(Violation::InvalidDeflate),
        };
        if no_context_takeover {
            inflater.reset();
        }
        Ok(complete)
    }

    fn inflater(&mut self) -> &mut Inflater {
        let bits = self.receiving.window_bits;
        self.inflater.get_or_insert_with(|| Inflater::new(bits).expect("window bits are between 8 and 15"))
    }
}
