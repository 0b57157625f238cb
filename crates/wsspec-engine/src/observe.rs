//! Reads what the peer sends, as a strict endpoint does, and in bounded memory whatever that is.

mod faults;
mod message;

use std::collections::VecDeque;

use bytes::Bytes;
use wsspec_cases::Received;
use wsspec_wire::{
    CloseBody, FrameDecoder, FrameHeader, Inspection, Opcode, Rsv, Token, Utf8Validator, close_code,
};

use crate::deflate::Decompressor;
use crate::observation::{PeerFault, TesterRole};
use crate::settings::Conduct;
use crate::wire_log::{Snippet, Snipping};
use message::Message;

/// What came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The end of any frame.
    Frame { header: FrameHeader, payload: Snippet },
    /// What the DEFLATE blocks of the message that comes next say.
    Inspected(Inspection),
    /// A whole message, after inflation.
    Message { binary: bool, payload: Received },
    /// A Ping.
    Ping(Bytes),
    /// A Pong.
    Pong(Received),
    /// A Close frame: the code, the reason if it is not empty, and what is wrong with them.
    Close { code: Option<u16>, reason: Option<Vec<u8>>, violation: Option<Violation> },
    /// The peer broke a rule.
    Violation(Violation),
    /// The peer broke a rule, but what it sent can be read.
    Breach(PeerFault),
    /// A further rule that the header broke which was the last `Violation`.
    Further(PeerFault),
}

/// A rule was broken such that the connection has to be failed, with this code.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) fault: PeerFault,
}

/// Decodes what comes.
#[derive(Debug)]
pub(crate) struct Observer {
    role: TesterRole,
    conduct: Conduct,
    decoder: FrameDecoder,
    decompressor: Option<Decompressor>,
    /// How many octets of a message are kept.
    keep: usize,
    /// Frames are logged.
    logged: bool,
    frame: Option<Frame>,
    message: Option<Message>,
    /// What the last octets amounted to; a handful at most.
    ready: VecDeque<Incoming>,
}

/// The frame that is coming.
#[derive(Debug)]
struct Frame {
    header: FrameHeader,
    /// What came of the payload: all of it is kept in a lawful control frame.
    payload: Snipping,
    /// The payload belongs to no message: it is counted only.
    skip: bool,
}

impl Observer {
    pub(crate) fn new(role: TesterRole, keep: usize, conduct: Conduct) -> Self {
        Self {
            role,
            conduct,
            decoder: FrameDecoder::new(),
            decompressor: None,
            keep,
            logged: true,
            frame: None,
            message: None,
            ready: VecDeque::new(),
        }
    }

    /// permessage-deflate was agreed.
    pub(crate) fn decompress_with(&mut self, decompressor: Decompressor) {
        self.decompressor = Some(decompressor);
    }

    /// Whether frames that begin from now on are logged.
    pub(crate) const fn logs(&mut self, logged: bool) {
        self.logged = logged;
    }

    /// Whether what is told now belongs to a frame of which more has to come.
    pub(crate) const fn is_inside_frame(&self) -> bool {
        self.frame.is_some()
    }

    /// The frame that is coming, as far as it came and as it goes on in `rest`, which is not taken.
    pub(crate) fn unfinished(&self, rest: &[u8]) -> Option<(FrameHeader, Snippet)> {
        let Frame { header, payload, .. } = self.frame.as_ref()?;
        let mut payload = payload.clone();
        let mut more = rest.to_vec();
        let (taken, token) = self.decoder.clone().next(&mut more);
        let goes_on = matches!(token, Some(Token::Payload { .. }));
        payload.add(&more[..if goes_on { taken } else { 0 }]);
        Some((*header, payload.finish()))
    }

    /// Takes octets from the start of `input` until something is complete: how many were taken, and what it
    /// is. To be called again with the rest until nothing is complete any more.
    pub(crate) fn next(&mut self, input: &mut [u8]) -> (usize, Option<Incoming>) {
        let mut taken = 0;
        while self.ready.is_empty() {
            let (consumed, token) = self.decoder.next(&mut input[taken..]);
            let Some(token) = token else { return (taken + consumed, None) };
            match token {
                Token::Header(header) => self.begin_frame(header),
                Token::Payload { len, .. } => self.payload(&input[taken..taken + len]),
                Token::FrameEnd => self.end_frame(),
            }
            taken += consumed;
        }
        (taken, self.ready.pop_front())
    }

    fn begin_frame(&mut self, header: FrameHeader) {
        let mut faults = self.header_faults(&header);
        let first = faults.next();
        let bad = first.is_some();
        let violation = |fault| Violation { code: close_code::PROTOCOL_ERROR, fault };
        self.ready.extend(first.map(|fault| Incoming::Violation(violation(fault))));
        self.ready.extend(faults.map(Incoming::Further));
        if !bad && header.opcode.is_data() {
            let binary = header.opcode == Opcode::BINARY;
            let text = !binary && self.conduct.validate_utf8;
            self.message = Some(Message::new(binary, header.rsv.contains(Rsv::RSV1), text));
        }
        if !bad && !header.opcode.is_control() {
            let too_large =
                self.message.as_mut().and_then(|message| message.grow(header.length, &self.conduct));
            self.ready.extend(too_large);
        }
        let skip = bad || header.opcode.is_control();
        let payload = Snipping::new(header.length, self.logged || header.opcode == Opcode::CLOSE);
        self.frame = Some(Frame { header, payload, skip });
    }

    fn payload(&mut self, octets: &[u8]) {
        let Some(frame) = &mut self.frame else { return };
        frame.payload.add(octets);
        if frame.skip {
            return;
        }
        if let Some(message) = &mut self.message {
            let fault = message.add(octets, self.decompressor.as_mut(), self.keep);
            self.ready.extend(fault);
        }
    }

    fn end_frame(&mut self) {
        let Some(Frame { header, payload, skip }) = self.frame.take() else { return };
        let payload = payload.finish();
        let kept = payload.kept.clone();
        self.ready.push_back(Incoming::Frame { header, payload });
        match header.opcode {
            Opcode::PING => self.ready.push_back(Incoming::Ping(kept)),
            Opcode::PONG => {
                self.ready.push_back(Incoming::Pong(Received { kept, len: header.length }));
            }
            Opcode::CLOSE => self.close(&kept),
            _ if header.fin && !skip => self.end_message(),
            _ => {}
        }
    }

    fn end_message(&mut self) {
        let Some(message) = self.message.take() else { return };
        self.ready.extend(message.finish(self.decompressor.as_mut()));
    }

    /// Checks the body of a Close frame (RFC 6455 5.5.1 and 7.4).
    fn close(&mut self, body: &[u8]) {
        let CloseBody { code, reason, .. } = CloseBody::decode(body);
        let mut validator = Utf8Validator::new();
        let violation = if let Some(fault) = code.and_then(faults::close_code) {
            Some(Violation { code: close_code::PROTOCOL_ERROR, fault })
        } else if let Err(error) = validator.feed(reason).and_then(|()| validator.finish()) {
            let fault = faults::close_reason(error.offset);
            Some(Violation { code: close_code::INVALID_PAYLOAD, fault })
        } else {
            None
        };
        let reason = (!reason.is_empty()).then(|| reason.to_vec());
        self.ready.push_back(Incoming::Close { code, reason, violation });
    }

    /// The rules of framing that the header breaks, the first one first (RFC 6455 5).
    fn header_faults(&self, header: &FrameHeader) -> impl Iterator<Item = PeerFault> + use<> {
        let inside_message = self.message.is_some();
        [
            faults::reserved_bits(header, self.decompressor.is_some()),
            faults::masking(header, self.role, &self.conduct),
            faults::opcode(header, inside_message),
            faults::control(header),
            faults::length(header),
        ]
        .into_iter()
        .flatten()
    }
}
