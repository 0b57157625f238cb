//! Large payloads without a copy: echoed in the buffer they were read to, or read straight into their message.

use wsspec_wire::{FrameHeader, Opcode, apply_mask};

use crate::connection::{Connection, Phase};
use crate::receive::check_text;
use crate::{Buffer, Role, Time, Violation};

/// The shortest payload that is echoed in place: a shorter one is copied, and does not keep a whole buffer.
const ECHOED_IN_PLACE: usize = 16 << 10;

/// As much as this must be missing from a payload to be read by itself.
const READ_IN_PLACE: usize = 8 << 10;

/// No more is read at once, so that it is unmasked while it is in the cache.
const CHUNK: usize = 256 << 10;

/// Whole frames, in a buffer of the caller.
impl Connection {
    /// Takes the octets of a buffer, as [`handle_input`](Self::handle_input), and leaves it empty: large frames at
    /// its start are sent back in it, and it comes back when they are written.
    pub fn handle_buffer(&mut self, buffer: &mut Buffer, now: Time) {
        self.keepalive.heard(now);
        let mut echoes = Vec::new();
        let mut taken = 0;
        let mut failed = None;
        while self.echoes_in_place()
            && let Some((header, header_len)) = self.large_frame(&buffer.octets()[taken..])
        {
            let end = taken + header_len + header.length as usize;
            match self.echo_in_place(&header, header_len, &mut buffer.octets_mut()[taken..end]) {
                Ok(skipped) => echoes.push(taken + skipped..end),
                Err(violation) => {
                    failed = Some(violation);
                    break;
                }
            }
            taken = end;
        }
        if !echoes.is_empty() {
            let octets = buffer.share();
            echoes.into_iter().for_each(|echo| self.outbox.push(octets.slice(echo)));
            self.handle_rest(&octets[taken..], failed, now);
        } else {
            self.handle_rest(buffer.octets(), failed, now);
            buffer.clear();
        }
    }

    fn handle_rest(&mut self, rest: &[u8], failed: Option<Violation>, now: Time) {
        match failed {
            None => self.handle_input(rest, now),
            Some(violation) => self.fail(violation, now),
        }
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

    /// Makes a frame its own echo: removes the mask, and puts the new header where the old one ended. Returns how
    /// many octets come before it.
    fn echo_in_place(
        &mut self,
        header: &FrameHeader,
        header_len: usize,
        frame: &mut [u8],
    ) -> Result<usize, Violation> {
        self.incoming.rules(&self.config, self.deflate.is_some()).check(header)?;
        let payload = &mut frame[header_len..];
        if let Some(key) = header.mask {
            apply_mask(key, 0, payload);
        }
        check_text(header.opcode, payload)?;
        let (answer, answer_len) = FrameHeader { mask: None, ..*header }.encode_array();
        let skipped = header_len - answer_len;
        frame[skipped..header_len].copy_from_slice(&answer[..answer_len]);
        Ok(skipped)
    }
}

/// The rest of a frame, in its message.
impl Connection {
    /// Where to read to, if the next octets belong to a large payload: they are not given to
    /// [`handle_input`](Self::handle_input), but told by [`handle_payload`](Self::handle_payload).
    pub fn payload_room(&mut self) -> Option<&mut [u8]> {
        if !self.phase.receives_frames() {
            return None;
        }
        let missing = self.incoming.frame.as_ref()?.missing();
        let message = self.incoming.message.as_deref_mut().filter(|message| !message.compressed)?;
        if missing < READ_IN_PLACE as u64 { None } else { Some(message.room(missing, CHUNK)) }
    }

    /// Takes as many octets as were read to the [`payload_room`](Self::payload_room).
    pub fn handle_payload(&mut self, octets: usize, now: Time) {
        self.keepalive.heard(now);
        if let Err(violation) = self.receive_read(octets) {
            self.fail(violation, now);
        }
        self.obey(now);
    }

    fn receive_read(&mut self, octets: usize) -> Result<(), Violation> {
        let (Some(frame), Some(message)) = (&mut self.incoming.frame, &mut self.incoming.message) else {
            return Ok(());
        };
        let before = message.payload_len();
        message.fill(octets);
        let part = message.payload_from(before);
        if let Some(key) = frame.header.mask {
            apply_mask(key, (frame.received % 4) as usize, part);
        }
        frame.received += part.len() as u64;
        if message.opcode == Opcode::TEXT {
            message.check_text_from(before)?;
        }
        if frame.missing() > 0 {
            return Ok(());
        }
        let ends_message = frame.header.fin;
        self.incoming.frame = None;
        if ends_message { self.end_message() } else { Ok(()) }
    }
}
