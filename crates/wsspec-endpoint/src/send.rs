//! Messages to frames (RFC 6455 section 6.1).

use thiserror::Error;
use wsspec_wire::{FrameHeader, MaskingKey, Opcode, Rsv, apply_mask, copy_masked};

use crate::assembly::{HEADROOM, PartialMessage};
use crate::connection::{Connection, Phase};
use crate::receive::check_text;
use crate::rules::MAX_CONTROL;
use crate::{Message, Role, State, Violation, pool};

/// Payloads from this length on are not copied to be written, if they need not be masked.
const LARGE: usize = 32 << 10;

/// How many times its compressed length a message is expected to have.
const EXPECTED_RATIO: usize = 3;

/// Room for some more small messages.
const COMPRESSED_ROOM: usize = 4 << 10;

/// Why something cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake is not done, or the closing handshake has begun (RFC 6455 section 6.1).
    #[error("the connection is not open but {0:?}")]
    NotOpen(State),
    /// A control frame holds at most 125 octets (RFC 6455 section 5.5).
    #[error("{0} octets are too long for a control frame")]
    ControlTooLong(usize),
    /// The status code must not be sent (RFC 6455 section 7.4).
    #[error("status code {0} must not be sent")]
    CloseCode(u16),
    /// A Close frame without status code cannot have a reason (RFC 6455 section 5.5.1).
    #[error("a reason needs a status code")]
    ReasonWithoutCode,
}

impl Connection {
    /// Queues a message.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`] before the opening handshake is done and after a Close frame was sent.
    pub fn send(&mut self, message: Message) -> Result<(), SendError> {
        self.check_open()?;
        let opcode = message.opcode();
        let payload = message.into_payload();
        if self.is_sent_as_it_is(&payload) && payload.len() >= LARGE {
            FrameHeader::new(opcode, payload.len() as u64).encode(self.outbox.tail());
            self.outbox.push(payload);
        } else {
            self.write_message(opcode, &payload);
        }
        Ok(())
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.check_open()?;
        self.write_message(Opcode::TEXT, text.as_bytes());
        Ok(())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        self.write_message(Opcode::BINARY, payload);
        Ok(())
    }

    /// Queues a Ping with up to 125 octets.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`], and [`SendError::ControlTooLong`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send_control(Opcode::PING, payload)
    }

    /// Queues a Pong that no Ping asked for, with up to 125 octets. Pings are answered without this.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`], and [`SendError::ControlTooLong`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send_control(Opcode::PONG, payload)
    }

    fn send_control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL {
            return Err(SendError::ControlTooLong(payload.len()));
        }
        self.write_frame(true, Rsv::NONE, opcode, payload);
        Ok(())
    }

    pub(crate) fn check_open(&self) -> Result<(), SendError> {
        if matches!(self.phase, Phase::Open) { Ok(()) } else { Err(SendError::NotOpen(self.state())) }
    }

    /// Answers a Ping, as long as this endpoint may send frames.
    pub(crate) fn answer_ping(&mut self, payload: &[u8]) {
        if matches!(self.phase, Phase::Open) {
            self.write_frame(true, Rsv::NONE, Opcode::PONG, payload);
        }
    }

    /// Whether a payload goes out unchanged, in one frame.
    fn is_sent_as_it_is(&self, payload: &[u8]) -> bool {
        let compressed = self.deflate.as_ref().is_some_and(|deflate| deflate.wants(payload.len()));
        let fragmented = self.config.auto_fragment.is_some_and(|size| size < payload.len());
        self.config.role == Role::Server && !compressed && !fragmented
    }

    /// Queues a message, compressed if that is agreed.
    pub(crate) fn write_message(&mut self, opcode: Opcode, payload: &[u8]) {
        match &mut self.deflate {
            Some(deflate) if deflate.wants(payload.len()) => match self.config.auto_fragment {
                None => self.write_compressed(opcode, payload),
                Some(_) => {
                    let mut compressed = Vec::new();
                    deflate.compress(payload, &mut compressed);
                    self.write_fragments(opcode, Rsv::RSV1, &compressed);
                }
            },
            _ => self.write_fragments(opcode, Rsv::NONE, payload),
        }
    }

    /// Queues a message as one compressed frame. It is compressed where it is sent from, behind a header that is put
    /// right once the length is known.
    fn write_compressed(&mut self, opcode: Opcode, payload: &[u8]) {
        let mask = self.next_masking_key();
        let Some(deflate) = &mut self.deflate else { return };
        let header = |length| FrameHeader { rsv: Rsv::RSV1, mask, ..FrameHeader::new(opcode, length as u64) };
        let expected = payload.len() / EXPECTED_RATIO;
        let (out, start) = self.outbox.tail_over(expected, COMPRESSED_ROOM);
        let written_at = start + header(expected).encoded_len();
        if out.len() < written_at {
            out.resize(written_at, 0);
        }
        let mut end = written_at;
        deflate.compress_over(payload, out, &mut end);
        let length = end - written_at;
        let (header, header_len) = header(length).encode_array();
        let payload_start = start + header_len;
        if payload_start != written_at {
            out.resize(out.len().max(payload_start + length), 0);
            out.copy_within(written_at..end, payload_start);
        }
        out.truncate(payload_start + length);
        out[start..payload_start].copy_from_slice(&header[..header_len]);
        if let Some(key) = mask {
            apply_mask(key, 0, &mut out[payload_start..]);
        }
    }

    fn write_fragments(&mut self, opcode: Opcode, rsv: Rsv, payload: &[u8]) {
        let size = match self.config.auto_fragment {
            Some(size) if size < payload.len() => size.max(1),
            _ => return self.write_frame(true, rsv, opcode, payload),
        };
        let last = (payload.len() - 1) / size;
        for (index, fragment) in payload.chunks(size).enumerate() {
            let (opcode, rsv) = if index == 0 { (opcode, rsv) } else { (Opcode::CONTINUATION, Rsv::NONE) };
            self.write_frame(index == last, rsv, opcode, fragment);
        }
    }

    pub(crate) fn write_frame(&mut self, fin: bool, rsv: Rsv, opcode: Opcode, payload: &[u8]) {
        let mask = self.next_masking_key();
        let out = match payload.len() {
            LARGE.. => self.outbox.tail_for(payload.len(), 0),
            _ => self.outbox.tail(),
        };
        FrameHeader { fin, rsv, mask, ..FrameHeader::new(opcode, payload.len() as u64) }.encode(out);
        match mask {
            Some(key) => copy_masked(key, 0, payload, out),
            None => out.extend_from_slice(payload),
        }
    }

    /// A fresh unpredictable key for every frame of a client (RFC 6455 section 5.3).
    fn next_masking_key(&mut self) -> Option<MaskingKey> {
        use rand_chacha::rand_core::Rng as _;
        match self.config.role {
            Role::Server => None,
            Role::Client => Some(self.keys().next_u32().to_ne_bytes()),
        }
    }
}

/// Echoes, for [`Config::echo`](crate::Config::echo).
impl Connection {
    /// Whether the echo of a frame is that frame, with masking undone or applied.
    pub(crate) fn echoes_frames(&self) -> bool {
        self.config.echo
            && self.deflate.is_none()
            && self.config.auto_fragment.is_none()
            && self.commander.is_none()
    }

    /// Echoes a message that came in one uncompressed frame: its payload goes from the input to the output in
    /// one step. After it, `rest` octets of input follow.
    pub(crate) fn echo_frame(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        rest: usize,
    ) -> Result<(), Violation> {
        if !matches!(self.phase, Phase::Open) {
            return Ok(());
        }
        if header.mask.is_none() {
            check_text(header.opcode, payload)?;
        }
        let mask = self.next_masking_key();
        // The echoes of what is in the rest of this input will be about as long as it is.
        let out = self.outbox.tail_for(payload.len(), rest);
        let start = out.len();
        FrameHeader { mask, ..*header }.encode(out);
        let payload_start = out.len();
        // One endpoint of the two masks, so there is one key: the received one or the new one.
        match header.mask.or(mask) {
            Some(key) => copy_masked(key, 0, payload, out),
            None => out.extend_from_slice(payload),
        }
        let checked = match header.mask {
            Some(_) => check_text(header.opcode, &out[payload_start..]),
            None => Ok(()),
        };
        if checked.is_err() {
            out.truncate(start);
        }
        checked
    }

    /// Echoes a message that was put together behind a [`HEADROOM`]; its payload is not copied.
    pub(crate) fn echo(&mut self, mut message: PartialMessage) {
        let opcode = message.opcode;
        let payload = message.payload_from(0);
        if payload.len() < LARGE || !self.echoes_frames() || !matches!(self.phase, Phase::Open) {
            self.echo_payload(opcode, payload);
            return message.recycle();
        }
        let mut octets = message.into_octets();
        let payload = &mut octets[HEADROOM..];
        let mask = self.next_masking_key();
        let header = FrameHeader { mask, ..FrameHeader::new(opcode, payload.len() as u64) };
        if let Some(key) = mask {
            apply_mask(key, 0, payload);
        }
        let (header, len) = header.encode_array();
        let start = HEADROOM - len;
        octets[start..HEADROOM].copy_from_slice(&header[..len]);
        self.outbox.push(pool::into_bytes(octets).split_off(start));
    }

    pub(crate) fn echo_payload(&mut self, opcode: Opcode, payload: &[u8]) {
        if matches!(self.phase, Phase::Open) && !self.keeps_from_echoing(opcode, payload) {
            self.write_message(opcode, payload);
        }
    }
}
