//! What is sent: one message, framed and masked once.

use wsspec_wire::deflate::Deflater;
use wsspec_wire::{FrameHeader, Opcode, Rsv, apply_mask};

use crate::payload::{noise, text};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const PAGE: usize = 4096;

/// The same frame several times in a row, and the message in it.
pub struct Frames {
    octets: Vec<u8>,
    start: usize,
    /// The length of one frame.
    pub len: usize,
    pub payload: Vec<u8>,
}

impl Frames {
    /// Frames with a message of `size` octets: any octets as binary, or compressed text.
    pub fn new(size: usize, count: usize, deflate: bool) -> Self {
        let payload = if deflate { text(size) } else { noise(size) };
        let mut body = payload.clone();
        let (mut opcode, mut rsv) = (Opcode::BINARY, Rsv::NONE);
        if deflate {
            // Compressed from an empty window, so the same octets can be sent again and again.
            body.clear();
            Deflater::new(15, 6).expect("15 bits are allowed").message(&payload, &mut body);
            (opcode, rsv) = (Opcode::TEXT, Rsv::RSV1);
        }
        apply_mask(KEY, 0, &mut body);
        let mut frame = Vec::new();
        FrameHeader { mask: Some(KEY), rsv, ..FrameHeader::new(opcode, body.len() as u64) }
            .encode(&mut frame);
        frame.append(&mut body);
        // The frames begin with a page: what the kernel copies from other addresses can be much slower.
        let mut octets: Vec<u8> = Vec::with_capacity(PAGE + count * frame.len());
        let start = octets.as_ptr().align_offset(PAGE);
        octets.resize(start, 0);
        for _ in 0..count {
            octets.extend_from_slice(&frame);
        }
        Self { octets, start, len: frame.len(), payload }
    }

    /// What is left to send of `count` frames if `sent` octets of the first are sent.
    pub fn rest(&self, count: usize, sent: usize) -> &[u8] {
        &self.octets[self.start..][..count * self.len][sent..]
    }
}
