//! Large payloads without a copy: echoed in the buffer they were read to, or read straight into their message.

use bytes::buf::Limit;
use bytes::{Buf as _, BufMut as _, BytesMut};
use wsspec_wire::{FrameHeader, Opcode, apply_mask};

use crate::connection::{Connection, Phase};
use crate::receive::check_text;
use crate::{Role, Time, Violation};

/// The shortest payload that is echoed in place: a shorter one is copied, and does not keep a whole buffer.
const ECHOED_IN_PLACE: usize = 16 << 10;

/// As much as this must be missing from a payload to be read by itself.
const READ_IN_PLACE: usize = 8 << 10;

/// No more is read at once, so that it is unmasked while it is in the cache.
const CHUNK: usize = 256 << 10;

/// Whole frames, in a buffer of the caller.
impl Connection {
    /// Takes octets that were read, as [`handle_input`](Self::handle_input). Of `buffer`, parts that are sent
    /// back as they are may be kept until they are written; what is left of it has no meaning.
    pub fn handle_buffer(&mut self, buffer: &mut BytesMut, now: Time) {
        self.keepalive.heard(now);
        let mut taken = 0;
        while taken < buffer.len() && self.echoes_in_place() {
            let step = match self.large_frame(&buffer[taken..]) {
                None => self.receive_some(&buffer[taken..], now),
                Some((header, header_len)) => {
                    buffer.advance(taken);
                    taken = 0;
                    let frame = buffer.split_to(header_len + header.length as usize);
                    self.echo_in_place(&header, header_len, frame).map(|()| 0)
                }
            };
            match step {
                Ok(octets) => taken += octets,
                Err(violation) => self.fail(violation, now),
            }
        }
        self.handle_input(&buffer[taken..], now);
    }

    /// Whether frames are sent back as they came, with a header that is no longer: a server's has no key.
    fn echoes_in_place(&self) -> bool {
        self.config.role == Role::Server && matches!(self.phase, Phase::Open) && self.echoes_frames()
    }

    /// The header of a large message at the start of the input, if the message is complete and in one
    /// uncompressed frame.
    fn large_frame(&self, input: &[u8]) -> Option<(FrameHeader, usize)> {
        if input.len() < ECHOED_IN_PLACE || !self.incoming.is_at_frame_start() {
            return None;
        }
        let (header, header_len) = FrameHeader::decode(input)?;
        let is_message =
            header.fin && header.rsv.is_none() && header.opcode.is_data() && header.mask.is_some();
        let is_large =
            header.length >= ECHOED_IN_PLACE as u64 && header.length <= (input.len() - header_len) as u64;
        (is_message && is_large).then_some((header, header_len))
    }

    /// Sends a frame back: removes the mask, and puts the new header where the old one ended.
    fn echo_in_place(
        &mut self,
        header: &FrameHeader,
        header_len: usize,
        mut frame: BytesMut,
    ) -> Result<(), Violation> {
        self.incoming.rules(&self.config, self.deflate.is_some()).check(header)?;
        let payload = &mut frame[header_len..];
        if let Some(key) = header.mask {
            apply_mask(key, 0, payload);
        }
        check_text(header.opcode, payload)?;
        let (answer, answer_len) = FrameHeader { mask: None, ..*header }.encode_array();
        frame.advance(header_len - answer_len);
        frame[..answer_len].copy_from_slice(&answer[..answer_len]);
        self.outbox.push(frame.freeze());
        Ok(())
    }
}

/// The rest of a frame, in its message.
impl Connection {
    /// Where to read to, if the next octets belong to a large payload: they are appended to this buffer, not
    /// given to [`handle_input`](Self::handle_input), and told by [`handle_payload`](Self::handle_payload).
    pub fn payload_buffer(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        if !self.phase.receives_frames() {
            return None;
        }
        let missing = self.incoming.frame.as_ref()?.missing();
        let message = self.incoming.message.as_deref_mut().filter(|message| !message.compressed)?;
        if missing < READ_IN_PLACE as u64 {
            return None;
        }
        let room = message.room(missing);
        Some((&mut message.octets).limit(room.min(CHUNK)))
    }

    /// Takes as many octets as were appended to the [`payload_buffer`](Self::payload_buffer).
    pub fn handle_payload(&mut self, octets: usize, now: Time) {
        self.keepalive.heard(now);
        if let Err(violation) = self.receive_appended(octets) {
            self.fail(violation, now);
        }
        self.obey(now);
    }

    fn receive_appended(&mut self, octets: usize) -> Result<(), Violation> {
        let (Some(frame), Some(message)) = (&mut self.incoming.frame, &mut self.incoming.message) else {
            return Ok(());
        };
        let before = message.octets.len().saturating_sub(octets);
        let part = &mut message.octets[before..];
        if let Some(key) = frame.header.mask {
            apply_mask(key, (frame.received % 4) as usize, part);
        }
        if message.opcode == Opcode::TEXT {
            message.utf8.feed(part)?;
        }
        frame.received += part.len() as u64;
        if frame.missing() > 0 {
            return Ok(());
        }
        let ends_message = frame.header.fin;
        self.incoming.frame = None;
        if ends_message { self.end_message() } else { Ok(()) }
    }
}
