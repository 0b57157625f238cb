use wsspec_cases::Received;
use wsspec_wire::{InflateError, InvalidUtf8, Utf8Validator, close_code};

use super::{Incoming, Violation, faults};
use crate::deflate::Decompressor;
use crate::settings::Conduct;

/// The message that is coming.
#[derive(Debug)]
pub(super) struct Message {
    binary: bool,
    compressed: bool,
    /// The payload of its frames so far, in octets on the wire, the frame that is coming included.
    on_the_wire: u64,
    content: Content,
    /// It is unlawful and will not be delivered.
    bad: bool,
}

/// The payload after inflation.
#[derive(Debug)]
struct Content {
    kept: Vec<u8>,
    len: u64,
    /// Of text only.
    validator: Option<Utf8Validator>,
    invalid: Option<InvalidUtf8>,
}

impl Message {
    /// A message whose payload has to be text, or may be anything.
    pub(super) fn new(binary: bool, compressed: bool, text: bool) -> Self {
        let validator = text.then(Utf8Validator::new);
        let content = Content { kept: Vec::new(), len: 0, validator, invalid: None };
        Self { binary, compressed, on_the_wire: 0, content, bad: false }
    }

    /// Another frame begins. Says if it is more than the tester takes.
    pub(super) fn grow(&mut self, length: u64, conduct: &Conduct) -> Option<Incoming> {
        self.on_the_wire = self.on_the_wire.saturating_add(length);
        let over = |length: u64, limit: Option<u64>| limit.filter(|&limit| length > limit);
        let (code, fault) = if let Some(limit) = over(self.on_the_wire, conduct.largest_message) {
            (close_code::MESSAGE_TOO_BIG, faults::too_large("message", self.on_the_wire, limit))
        } else if let Some(limit) = over(length, conduct.largest_frame) {
            (close_code::POLICY_VIOLATION, faults::too_large("frame", length, limit))
        } else {
            return None;
        };
        let first = !std::mem::replace(&mut self.bad, true);
        first.then_some(Incoming::Violation(Violation { code, fault }))
    }

    /// Takes payload. Says at once if it makes the message unlawful.
    pub(super) fn add(
        &mut self,
        octets: &[u8],
        decompressor: Option<&mut Decompressor>,
        keep: usize,
    ) -> Option<Incoming> {
        let content = &mut self.content;
        let inflated = match decompressor.filter(|_| self.compressed) {
            None => {
                content.add(octets, keep);
                Ok(())
            }
            // Also when the message is known to be bad: the next one may refer to it.
            Some(decompressor) => decompressor.feed(octets, |piece| content.add(piece, keep)),
        };
        if self.bad {
            None
        } else if let Err(error) = inflated {
            Some(self.inflate_failed(error))
        } else {
            let invalid = self.content.invalid?;
            Some(self.is_no_text(invalid))
        }
    }

    /// Ends the message: everything that is to be said of it.
    pub(super) fn finish(mut self, decompressor: Option<&mut Decompressor>) -> Vec<Incoming> {
        let mut incoming = Vec::new();
        if let Some(decompressor) = decompressor.filter(|_| self.compressed) {
            match decompressor.finish_message() {
                Ok(()) => {}
                Err(_) if self.bad => {}
                Err(error @ (InflateError::Invalid { .. } | InflateError::UnexpectedEnd)) => {
                    incoming.push(self.inflate_failed(error));
                }
                Err(error) => incoming.push(Incoming::Breach(faults::compressed_end(error))),
            }
            if let Some(inspection) = decompressor.inspect() {
                let far = decompressor.beyond_window(&inspection);
                incoming.extend(far.map(|far| Incoming::Breach(faults::window(far))));
                let far = decompressor.beyond_beginning(&inspection);
                incoming.extend(far.map(|far| Incoming::Breach(faults::takeover(far))));
                incoming.push(Incoming::Inspected(inspection));
            }
        }
        if let Some(Err(invalid)) = self.content.validator.as_mut().map(Utf8Validator::finish)
            && !self.bad
        {
            incoming.push(self.is_no_text(invalid));
        }
        if !self.bad {
            let payload = Received { kept: self.content.kept.into(), len: self.content.len };
            incoming.push(Incoming::Message { binary: self.binary, payload });
        }
        incoming
    }

    fn inflate_failed(&mut self, error: InflateError) -> Incoming {
        self.bad = true;
        let fault = faults::compressed_data(error);
        Incoming::Violation(Violation { code: close_code::INVALID_PAYLOAD, fault })
    }

    fn is_no_text(&mut self, invalid: InvalidUtf8) -> Incoming {
        self.bad = true;
        let fault = faults::text(invalid.offset);
        Incoming::Violation(Violation { code: close_code::INVALID_PAYLOAD, fault })
    }
}

/// From this size on a piece says that more is to come: growing by doubling copies everything again.
const LARGE: usize = 32 * 1024;

impl Content {
    fn add(&mut self, octets: &[u8], keep: usize) {
        let room = keep.saturating_sub(self.kept.len());
        if self.kept.is_empty() && octets.len() > LARGE {
            self.kept.reserve(keep.min(4 * octets.len()));
        }
        self.kept.extend_from_slice(&octets[..octets.len().min(room)]);
        self.len += octets.len() as u64;
        if let Some(Err(invalid)) = self.validator.as_mut().map(|validator| validator.feed(octets)) {
            self.invalid.get_or_insert(invalid);
        }
    }
}
