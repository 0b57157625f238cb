//! Frames to messages (RFC 6455 section 6.2).

use bytes::{Bytes, BytesMut};
use wsspec_wire::{FrameHeader, MaskingKey, Opcode, Rsv, Utf8Validator, apply_mask, copy_masked};

use crate::assembly::{HEADROOM, PartialMessage};
use crate::connection::Connection;
use crate::rules::{Begun, MAX_CONTROL, Rules};
use crate::{Config, Event, Message, Time, Violation, pool};

/// Payloads up to this length share memory, of this length at most.
const SHARED_SIZE: usize = 8 << 10;

/// What has been received of the current frame and message.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// The beginning of a header.
    head: [u8; FrameHeader::MAX_LEN],
    head_len: u8,
    /// A frame whose payload is not complete.
    pub(crate) frame: Option<PartialFrame>,
    /// The payload so far, if that is a control frame.
    control: Vec<u8>,
    /// A message that is not complete.
    pub(crate) message: Option<Box<PartialMessage>>,
    /// The payloads of the messages that came whole in this input.
    whole: BytesMut,
}

#[derive(Debug)]
pub(crate) struct PartialFrame {
    pub(crate) header: FrameHeader,
    pub(crate) received: u64,
}

impl PartialFrame {
    /// Octets of the payload that are still to come.
    pub(crate) fn missing(&self) -> u64 {
        self.header.length - self.received
    }
}

impl Incoming {
    /// The header at the start of the input, as far as it is complete, and how many octets it takes.
    fn header(&mut self, input: &[u8]) -> (Option<FrameHeader>, usize) {
        if self.head_len == 0
            && let Some((header, len)) = FrameHeader::decode(input)
        {
            return (Some(header), len);
        }
        let before = usize::from(self.head_len);
        let added = input.len().min(FrameHeader::MAX_LEN - before);
        self.head[before..before + added].copy_from_slice(&input[..added]);
        match FrameHeader::decode(&self.head[..before + added]) {
            Some((header, len)) => {
                self.head_len = 0;
                (Some(header), len - before)
            }
            None => {
                self.head_len = (before + added) as u8;
                (None, added)
            }
        }
    }

    /// A payload without its mask, in memory that it shares with those in the `rest` of this input.
    fn unmasked(&mut self, mask: Option<MaskingKey>, payload: &[u8], rest: usize) -> Bytes {
        // Masking with zeros changes nothing.
        let key = mask.unwrap_or_default();
        let is_last = self.whole.capacity() == 0 && rest == 0;
        if is_last || payload.len() > SHARED_SIZE {
            let mut alone = pool::take(payload.len());
            copy_masked(key, 0, payload, &mut alone);
            return pool::into_bytes(alone);
        }
        if self.whole.capacity() < payload.len() {
            self.whole.reserve((payload.len() + rest).min(SHARED_SIZE));
        }
        self.whole.extend_from_slice(payload);
        apply_mask(key, 0, &mut self.whole);
        self.whole.split().freeze()
    }

    /// Octets of memory in use.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |message| message.memory());
        message + self.control.capacity() + self.whole.capacity()
    }

    /// Whether the next octet begins a frame.
    pub(crate) fn is_at_frame_start(&self) -> bool {
        self.frame.is_none() && self.head_len == 0
    }

    pub(crate) fn rules<'a>(&self, config: &'a Config, deflate: bool) -> Rules<'a> {
        let message = self.message.as_ref().map(|message| Begun {
            compressed: message.compressed,
            fragments: message.fragments,
            received: message.payload_len() as u64,
        });
        Rules { config, deflate, message }
    }
}

impl Connection {
    /// Takes octets of frames.
    pub(crate) fn receive(&mut self, mut input: &[u8], now: Time) {
        while !input.is_empty() && self.phase.receives_frames() {
            match self.receive_some(input, now) {
                Ok(octets) => input = &input[octets..],
                Err(violation) => self.fail(violation, now),
            }
            self.obey(now);
        }
        self.incoming.whole = BytesMut::new();
    }

    /// Takes some of the input: a header, a part of a payload, or a whole frame. Returns how much that is.
    pub(crate) fn receive_some(&mut self, input: &[u8], now: Time) -> Result<usize, Violation> {
        match self.incoming.frame {
            None => self.receive_header(input, now),
            Some(_) => self.receive_payload(input, now),
        }
    }

    /// Takes the header of a frame, and its payload if that is complete.
    fn receive_header(&mut self, input: &[u8], now: Time) -> Result<usize, Violation> {
        let (header, header_len) = self.incoming.header(input);
        let rules = self.incoming.rules(&self.config, self.deflate.is_some());
        let Some(header) = header else {
            rules.check_beginning(&self.incoming.head[..self.incoming.head_len.into()])?;
            return Ok(header_len);
        };
        rules.check(&header)?;
        let rest = &input[header_len..];
        if header.length > rest.len() as u64 {
            self.incoming.frame = Some(PartialFrame { header, received: 0 });
            self.begin_data(&header, false);
            return Ok(header_len);
        }
        let (payload, rest) = rest.split_at(header.length as usize);
        self.receive_frame(&header, payload, rest.len(), now)?;
        Ok(header_len + payload.len())
    }

    /// Takes a frame whose payload is complete, and after which `rest` octets of input follow.
    fn receive_frame(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        rest: usize,
        now: Time,
    ) -> Result<(), Violation> {
        if header.opcode.is_control() {
            let mut unmasked = [0; MAX_CONTROL];
            let unmasked = &mut unmasked[..payload.len()];
            unmasked.copy_from_slice(payload);
            if let Some(key) = header.mask {
                apply_mask(key, 0, unmasked);
            }
            return self.receive_control(header.opcode, unmasked, now);
        }
        if header.fin && header.rsv.is_none() && header.opcode.is_data() {
            return self.receive_whole_message(header, payload, rest);
        }
        self.begin_data(header, header.fin);
        self.receive_data(header, 0, payload)?;
        if header.fin { self.end_message() } else { Ok(()) }
    }

    /// Takes payload of a frame that came in several parts.
    fn receive_payload(&mut self, input: &[u8], now: Time) -> Result<usize, Violation> {
        let Some(PartialFrame { header, received }) = self.incoming.frame.take() else { return Ok(0) };
        let missing = header.length - received;
        let part = &input[..input.len().min(usize::try_from(missing).unwrap_or(usize::MAX))];
        if header.opcode.is_control() {
            let before = self.incoming.control.len();
            self.incoming.control.extend_from_slice(part);
            if let Some(key) = header.mask {
                apply_mask(key, before, &mut self.incoming.control[before..]);
            }
        } else {
            self.receive_data(&header, received, part)?;
        }
        if (part.len() as u64) < missing {
            self.incoming.frame = Some(PartialFrame { header, received: received + part.len() as u64 });
        } else if header.opcode.is_control() {
            let control = std::mem::take(&mut self.incoming.control);
            self.receive_control(header.opcode, &control, now)?;
        } else if header.fin {
            self.end_message()?;
        }
        Ok(part.len())
    }

    fn receive_control(&mut self, opcode: Opcode, payload: &[u8], now: Time) -> Result<(), Violation> {
        match opcode {
            Opcode::CLOSE => self.receive_close(payload, now)?,
            Opcode::PING => {
                self.answer_ping(payload);
                self.events.push_back(Event::Ping(Bytes::copy_from_slice(payload)));
            }
            _ => self.events.push_back(Event::Pong(Bytes::copy_from_slice(payload))),
        }
        Ok(())
    }

    /// Notes the beginning of a data frame; `ends`: with it its message comes to its end now.
    fn begin_data(&mut self, header: &FrameHeader, ends: bool) {
        if header.opcode.is_control() {
            return;
        }
        let compressed = header.rsv.contains(Rsv::RSV1);
        let lasts = !(ends && self.config.echo);
        let begin = || Box::new(PartialMessage::new(header.opcode, compressed, header.length, lasts));
        self.incoming.message.get_or_insert_with(begin).fragments += 1;
    }

    /// Takes a part of the payload of a data frame. Text is checked at once, so that it fails with the octet
    /// that makes it invalid (RFC 6455 section 8.1).
    fn receive_data(&mut self, header: &FrameHeader, offset: u64, part: &[u8]) -> Result<(), Violation> {
        let Some(message) = &mut self.incoming.message else { return Ok(()) };
        let before = message.payload_len();
        let taken = match &mut self.deflate {
            Some(deflate) if message.compressed => {
                message.inflate(deflate, header, offset, part, self.config.max_message_size)
            }
            _ => {
                message.take(header.mask, offset, part, header.length - offset);
                Ok(())
            }
        };
        // Text that could be inflated comes before the octet that could not.
        if message.opcode == Opcode::TEXT {
            message.check_text_from(before)?;
        }
        taken
    }

    /// The last frame of a message is complete.
    pub(crate) fn end_message(&mut self) -> Result<(), Violation> {
        let Some(mut message) = self.incoming.message.take() else { return Ok(()) };
        if let Some(deflate) = &mut self.deflate
            && message.compressed
        {
            let before = message.payload_len();
            message.finish_inflating(deflate, self.config.max_message_size)?;
            if message.opcode == Opcode::TEXT {
                message.check_text_from(before)?;
            }
        }
        if message.opcode == Opcode::TEXT {
            message.utf8.finish()?;
        }
        if self.config.echo {
            self.echo(*message);
        } else {
            let opcode = message.opcode;
            let payload = pool::into_bytes(message.into_octets()).split_off(HEADROOM);
            self.events.push_back(Event::Message(Message::checked(opcode, payload)));
        }
        Ok(())
    }

    /// Takes an uncompressed message that came whole, in one frame: by far the most frequent case.
    fn receive_whole_message(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        rest: usize,
    ) -> Result<(), Violation> {
        if self.echoes_frames() {
            return self.echo_frame(header, payload, rest);
        }
        let payload = self.incoming.unmasked(header.mask, payload, rest);
        check_text(header.opcode, &payload)?;
        if self.config.echo {
            self.echo_payload(header.opcode, &payload);
        } else {
            self.events.push_back(Event::Message(Message::checked(header.opcode, payload)));
        }
        Ok(())
    }
}

/// Checks the payload of a whole message.
pub(crate) fn check_text(opcode: Opcode, payload: &[u8]) -> Result<(), Violation> {
    if opcode != Opcode::TEXT || simdutf8::basic::from_utf8(payload).is_ok() {
        return Ok(());
    }
    let mut utf8 = Utf8Validator::new();
    utf8.feed(payload)?;
    Ok(utf8.finish()?)
}

impl From<wsspec_wire::InvalidUtf8> for Violation {
    fn from(error: wsspec_wire::InvalidUtf8) -> Self {
        Self::InvalidUtf8 { offset: error.offset }
    }
}
