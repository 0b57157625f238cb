//! Frames as the layer holds them.

use wsspec_wire::{FrameHeader, LengthForm, MaskingKey, Opcode, Rsv, apply_mask};

use crate::{Time, Transmit};

/// A frame that is whole and not masked.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) fin: bool,
    pub(super) rsv: Rsv,
    pub(super) opcode: Opcode,
    pub(super) mask: Mask,
    pub(super) payload: Vec<u8>,
    /// How the length is written, if not in the shortest form.
    pub(super) form: Option<LengthForm>,
    /// What the length says, if not the truth.
    pub(super) claims: Option<u64>,
}

/// Whether and how a frame is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    /// As the role asks.
    Lawful,
    /// With this key, whatever the role.
    Key(MaskingKey),
    /// Not, whatever the role.
    None,
}

impl Frame {
    pub(super) fn new(opcode: Opcode, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            rsv: Rsv::NONE,
            opcode,
            mask: Mask::Lawful,
            payload: payload.into(),
            form: None,
            claims: None,
        }
    }

    pub(super) fn with_header(header: &FrameHeader, payload: Vec<u8>) -> Self {
        Self { fin: header.fin, rsv: header.rsv, ..Self::new(header.opcode, payload) }
    }

    pub(super) fn is(&self, opcode: Opcode) -> bool {
        self.opcode == opcode
    }

    /// Text, binary or a continuation.
    pub(super) fn is_data(&self) -> bool {
        !self.opcode.is_control()
    }

    /// The frame, written in `count` pieces of `size` octets 1 ms apart, and the rest at once.
    pub(super) fn in_pieces(self, size: usize, count: u32) -> [Item; 1] {
        [Item { what: What::Pieces(self, size, count), wait: Time::ZERO }]
    }

    /// Cut into two fragments.
    pub(super) fn split(mut self, at: usize) -> [Self; 2] {
        let rest = self.payload.split_off(at.min(self.payload.len()));
        let last = Self { fin: self.fin, ..Self::new(Opcode::CONTINUATION, rest) };
        self.fin = false;
        [self, last]
    }

    /// Appends the octets of the frame, masked with `key`.
    pub(super) fn encode(&self, key: Option<MaskingKey>, out: &mut Vec<u8>) {
        let length = self.claims.unwrap_or(self.payload.len() as u64);
        let header =
            FrameHeader { fin: self.fin, rsv: self.rsv, mask: key, ..FrameHeader::new(self.opcode, length) };
        let form = self.form.unwrap_or(header.length_form);
        FrameHeader { length_form: form, ..header }.encode(out);
        let start = out.len();
        out.extend_from_slice(&self.payload);
        if let Some(key) = key {
            apply_mask(key, 0, &mut out[start..]);
        }
    }
}

/// Something that goes out.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) what: What,
    /// How long it waits, after what goes out before it.
    pub(super) wait: Time,
}

/// What goes out.
#[derive(Debug, Clone)]
pub(super) enum What {
    Frame(Frame),
    Octets(Vec<u8>),
    /// A frame that is written in so many pieces of so many octets, and the rest.
    Pieces(Frame, usize, u32),
    /// The end of TCP: never octets.
    End(Transmit),
}

impl Item {
    pub(super) fn after(wait: Time, what: impl Into<What>) -> Self {
        Self { what: what.into(), wait }
    }
}

impl<T: Into<What>> From<T> for Item {
    fn from(what: T) -> Self {
        Self { what: what.into(), wait: Time::ZERO }
    }
}

impl From<Frame> for What {
    fn from(frame: Frame) -> Self {
        Self::Frame(frame)
    }
}

impl From<Vec<u8>> for What {
    fn from(octets: Vec<u8>) -> Self {
        Self::Octets(octets)
    }
}

impl From<Transmit> for What {
    fn from(end: Transmit) -> Self {
        Self::End(end)
    }
}
