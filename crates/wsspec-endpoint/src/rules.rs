//! The rules for frame headers (RFC 6455 section 5), each in its place.
//!
//! They are applied as soon as the octets they speak of have arrived, which may be before the header is
//! complete.

use wsspec_wire::{FrameHeader, LengthForm, Opcode, Rsv};

use crate::{Config, Role, Violation};

/// The longest payload of a control frame (RFC 6455 section 5.5).
pub(crate) const MAX_CONTROL: usize = 125;

/// What the rules depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) config: &'a Config,
    /// Whether permessage-deflate is in use.
    pub(crate) deflate: bool,
    /// The message that is being received.
    pub(crate) message: Option<Begun>,
}

/// A message of which fragments were received, but not the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) compressed: bool,
    pub(crate) fragments: u32,
    /// Payload octets so far.
    pub(crate) received: u64,
}

impl Rules<'_> {
    /// Checks a whole header.
    pub(crate) fn check(&self, header: &FrameHeader) -> Result<(), Violation> {
        self.check_first_octet(header.fin, header.rsv, header.opcode)?;
        self.check_masking(header.mask.is_some())?;
        self.check_length(header)
    }

    /// Checks what can be known of a header that is still incomplete.
    pub(crate) fn check_beginning(&self, octets: &[u8]) -> Result<(), Violation> {
        let Some(&first) = octets.first() else { return Ok(()) };
        let opcode = Opcode::new(first);
        self.check_first_octet(first & 0x80 != 0, Rsv::new(first >> 4), opcode)?;
        let Some(&second) = octets.get(1) else { return Ok(()) };
        self.check_masking(second & 0x80 != 0)?;
        if opcode.is_control() && usize::from(second & 0x7f) > MAX_CONTROL {
            return Err(Violation::ControlTooLong(opcode));
        }
        // All but the masking key.
        let mut unmasked = [0; FrameHeader::MAX_LEN];
        unmasked[..octets.len()].copy_from_slice(octets);
        unmasked[1] &= 0x7f;
        match FrameHeader::decode(&unmasked[..octets.len()]) {
            Some((header, _)) => self.check_length(&header),
            None => Ok(()),
        }
    }

    fn check_first_octet(&self, fin: bool, rsv: Rsv, opcode: Opcode) -> Result<(), Violation> {
        if opcode.is_reserved() {
            return Err(Violation::ReservedOpcode(opcode));
        }
        if !rsv.is_none() {
            self.check_reserved_bits(rsv, opcode)?;
        }
        if opcode.is_control() {
            return if fin { Ok(()) } else { Err(Violation::ControlFragmented(opcode)) };
        }
        match (self.message, opcode.is_continuation()) {
            (None, true) => Err(Violation::OrphanContinuation),
            (Some(_), false) => Err(Violation::MessageInterleaved(opcode)),
            _ => Ok(()),
        }
    }

    /// RSV1 marks the first frame of a compressed message (RFC 7692 section 6.1); there is no other use.
    fn check_reserved_bits(&self, rsv: Rsv, opcode: Opcode) -> Result<(), Violation> {
        if rsv != Rsv::RSV1 || !self.deflate {
            return Err(Violation::ReservedBits(rsv));
        }
        if opcode.is_data() { Ok(()) } else { Err(Violation::CompressedBit(opcode)) }
    }

    fn check_masking(&self, masked: bool) -> Result<(), Violation> {
        match (self.config.role, masked) {
            (Role::Server, false) => Err(Violation::NotMasked),
            (Role::Client, true) => Err(Violation::Masked),
            _ => Ok(()),
        }
    }

    fn check_length(&self, header: &FrameHeader) -> Result<(), Violation> {
        let length = header.length;
        if header.opcode.is_control() {
            let fits = header.length_form == LengthForm::Bits7;
            return if fits { Ok(()) } else { Err(Violation::ControlTooLong(header.opcode)) };
        }
        if length >> 63 != 0 {
            return Err(Violation::LengthTopBit(length));
        }
        if !header.is_minimal() {
            return Err(Violation::LengthNotMinimal(length));
        }
        self.check_limits(header)
    }

    /// The limits of this endpoint (RFC 6455 section 10.4). What a compressed message inflates to is bounded
    /// while it is inflated.
    fn check_limits(&self, header: &FrameHeader) -> Result<(), Violation> {
        let Config { max_frame_size, max_message_size, max_fragments, .. } = *self.config;
        if header.length > max_frame_size {
            return Err(Violation::FrameTooBig { length: header.length, limit: max_frame_size });
        }
        let compressed = header.rsv.contains(Rsv::RSV1);
        let begun = self.message.unwrap_or(Begun { compressed, fragments: 0, received: 0 });
        if begun.fragments >= max_fragments {
            return Err(Violation::TooManyFragments { limit: max_fragments });
        }
        if !begun.compressed && begun.received.saturating_add(header.length) > max_message_size {
            return Err(Violation::MessageTooBig { limit: max_message_size });
        }
        Ok(())
    }
}
