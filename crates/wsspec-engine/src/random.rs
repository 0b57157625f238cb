use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wsspec_cases::CaseId;
use wsspec_wire::MaskingKey;

/// Masking keys and nonces: unpredictable without the seed, the same with it, whatever ran before.
#[derive(Debug)]
pub(crate) struct Random(ChaCha8Rng);

/// What random numbers are drawn for. Apart, so that answers to the peer do not shift the keys of the case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Handshake,
    Frames,
    Pongs,
}

impl Random {
    pub(crate) fn new(seed: u64, case: CaseId, purpose: Purpose) -> Self {
        let id = case.numbers().iter().fold(0, |id, &number| id << 16 | u64::from(number));
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(id << 2 | purpose as u64);
        Self(generator)
    }

    pub(crate) fn masking_key(&mut self) -> MaskingKey {
        self.0.next_u32().to_be_bytes()
    }

    /// The octets of `Sec-WebSocket-Key` (RFC 6455 4.1).
    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.0.fill_bytes(&mut nonce);
        nonce
    }
}
