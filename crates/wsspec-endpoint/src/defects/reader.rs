//! What comes in: octets to frames, past the deviations, to the strict endpoint.

use std::collections::VecDeque;

use wsspec_wire::{FrameHeader, LengthForm, MaskingKey, Opcode, Rsv, apply_mask};

use super::deflate::{Decompressor, Inflated};
use super::frame::{Frame, Mask};
use super::part::{Flaws, Part, Take};
use super::text::{Checker, TextCheck};
use crate::{Transmit, Violation};

/// Splits what comes into frames.
#[derive(Debug, Default)]
pub(super) struct Reader {
    head: Vec<u8>,
    /// The header began in the octets that ended the frame before.
    behind: bool,
    /// A frame ended in the octets that were read at once.
    ended: bool,
    frame: Option<Arriving>,
    pub(super) sink: Sink,
}

/// A frame that is not complete.
#[derive(Debug)]
struct Arriving {
    /// As the deviations left it.
    header: FrameHeader,
    key: Option<MaskingKey>,
    take: Take,
    received: u64,
    whole: Vec<u8>,
}

impl Reader {
    /// Octets were read at once.
    pub(super) fn begin(&mut self, flaws: &mut Flaws) {
        flaws.torn = !self.head.is_empty();
        flaws.behind = flaws.torn && self.behind;
        self.ended = false;
    }

    /// Takes octets up to the end of a frame: how many, and the rule that is broken.
    pub(super) fn read(&mut self, octets: &[u8], flaws: &mut Flaws) -> (usize, Result<(), Violation>) {
        self.sink.start = 0;
        let mut at = 0;
        while at < octets.len() {
            let taken = match self.frame {
                None => self.read_head(octets[at], flaws),
                Some(_) => self.read_payload(&octets[at..], flaws),
            };
            match taken {
                Ok(taken) => at += taken,
                Err(violation) => {
                    self.frame = None;
                    return (octets.len(), Err(violation));
                }
            }
            if self.frame.as_ref().is_some_and(|frame| frame.received == frame.header.length) {
                return (at, self.end_frame(flaws));
            }
        }
        (at, Ok(()))
    }

    fn read_head(&mut self, octet: u8, flaws: &mut Flaws) -> Result<usize, Violation> {
        if self.head.is_empty() {
            self.behind = self.ended;
        }
        self.head.push(octet);
        let Some((mut header, _)) = FrameHeader::decode(&self.head) else { return Ok(1) };
        self.head.clear();
        let key = header.mask;
        let take = flaws.meet(&mut header);
        (flaws.torn, flaws.behind) = (false, false);
        match take {
            Take::Fail(violation) => return Err(violation),
            Take::Stream => self.sink.begin(header, flaws),
            Take::Die => flaws.extra.push(Transmit::Abort.into()),
            Take::Whole | Take::Skip => {}
        }
        self.frame = Some(Arriving { header, key, take, received: 0, whole: Vec::new() });
        Ok(1)
    }

    fn read_payload(&mut self, octets: &[u8], flaws: &mut Flaws) -> Result<usize, Violation> {
        let Some(frame) = &mut self.frame else { return Ok(0) };
        let missing = usize::try_from(frame.header.length - frame.received).unwrap_or(usize::MAX);
        let len = octets.len().min(missing);
        let mut part = octets[..len].to_vec();
        if let Some(key) = frame.key {
            let (offset, key) = flaws.unmask(key, frame.received, len);
            apply_mask(key, offset, &mut part);
        }
        frame.received += len as u64;
        match frame.take {
            Take::Stream => self.sink.payload(&part, flaws)?,
            Take::Whole => frame.whole.append(&mut part),
            _ => {}
        }
        Ok(len)
    }

    fn end_frame(&mut self, flaws: &mut Flaws) -> Result<(), Violation> {
        let Some(frame) = self.frame.take() else { return Ok(()) };
        self.ended = true;
        match frame.take {
            Take::Stream => self.sink.end(flaws).inspect_err(|_| self.sink.forget_frame()),
            Take::Whole => {
                let masked = frame.header.mask.is_some();
                let mask = frame.key.map_or(Mask::None, Mask::Key);
                let whole = Frame { mask, ..Frame::with_header(&frame.header, frame.whole) };
                for frame in flaws.take(whole) {
                    self.sink.frame(&frame, masked, flaws)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Where frames become octets for the strict endpoint, messages inflated and text checked on the way if the
/// layer does that.
#[derive(Debug, Default)]
pub(super) struct Sink {
    /// For the strict endpoint.
    pub(super) octets: Vec<u8>,
    header: Option<FrameHeader>,
    /// Where in `octets` the frame begins.
    start: usize,
    /// The message that is not complete.
    message: Option<Message>,
    /// The types of the messages whose echoes are to come, if the strict endpoint takes all for binary.
    pub(super) types: VecDeque<Opcode>,
    /// Who inflates, if not the strict endpoint.
    pub(super) decompressor: Option<Decompressor>,
    pub(super) text: Option<TextCheck>,
}

#[derive(Debug)]
struct Message {
    checker: Option<Checker>,
    /// What is collected of a compressed message.
    compressed: Option<Vec<u8>>,
}

impl Sink {
    fn frame(&mut self, frame: &Frame, masked: bool, flaws: &mut Flaws) -> Result<(), Violation> {
        let header = FrameHeader::new(frame.opcode, frame.payload.len() as u64);
        let mask = masked.then_some([0; 4]);
        self.begin(FrameHeader { fin: frame.fin, rsv: frame.rsv, mask, ..header }, flaws);
        self.payload(&frame.payload, flaws)?;
        self.end(flaws)
    }

    /// The strict endpoint must not see the end of a frame that is refused.
    fn forget_frame(&mut self) {
        self.octets.truncate(self.start);
    }

    fn begin(&mut self, mut header: FrameHeader, flaws: &mut Flaws) {
        self.header = Some(header);
        self.start = self.octets.len();
        // It has been unmasked, which a mask of zeros leaves as it is.
        header.mask = header.mask.map(|_| [0; 4]);
        let interleaved = header.opcode.is_data() && self.message.is_some();
        if interleaved || header.opcode.is_continuation() && !header.rsv.is_none() {
            // The strict endpoint refuses it.
            self.message = None;
        } else if header.opcode.is_data() {
            let collects = self.decompressor.is_some() && header.rsv == Rsv::RSV1 && header.is_minimal();
            // What the strict endpoint refuses by its header is no text.
            let lawful = collects || header.rsv.is_none();
            let checked = |check: &TextCheck| lawful && (header.opcode == Opcode::TEXT || check.binary);
            let checker = self.text.filter(checked).map(Checker::new);
            self.message = Some(Message { checker, compressed: collects.then(Vec::new) });
            flaws.message = Some(header.opcode);
            if self.text.is_some() {
                self.types.push_back(header.opcode);
                header.opcode = Opcode::BINARY;
            }
        }
        let compressed = self.message.as_ref().is_some_and(|message| message.compressed.is_some());
        if compressed && !header.opcode.is_control() {
            // The strict endpoint sees the frames of the message, empty; what is in it comes last.
            let rsv = if header.opcode.is_data() { Rsv::NONE } else { header.rsv };
            let empty = FrameHeader { length: 0, length_form: LengthForm::Bits7, fin: false, rsv, ..header };
            empty.encode(&mut self.octets);
        } else {
            header.encode(&mut self.octets);
        }
    }

    fn payload(&mut self, part: &[u8], _flaws: &mut Flaws) -> Result<(), Violation> {
        let is_data = self.header.is_some_and(|header| !header.opcode.is_control());
        match &mut self.message {
            Some(message) if is_data => {
                if let Some(octets) = &mut message.compressed {
                    octets.extend_from_slice(part);
                    return Ok(());
                }
                if let Some(checker) = &mut message.checker {
                    checker.feed(part)?;
                }
            }
            _ => {}
        }
        self.octets.extend_from_slice(part);
        Ok(())
    }

    fn end(&mut self, flaws: &mut Flaws) -> Result<(), Violation> {
        let Some(header) = self.header.take() else { return Ok(()) };
        if header.opcode.is_control() {
            return Ok(());
        }
        if let Some(message) = &mut self.message
            && message.compressed.is_none()
            && let Some(checker) = &mut message.checker
        {
            checker.end_frame(header.fin)?;
        }
        if !header.fin {
            return Ok(());
        }
        flaws.message = None;
        match self.message.take() {
            Some(Message { checker, compressed: Some(octets), .. }) => {
                self.inflate(checker, &octets, header.mask.is_some(), flaws)
            }
            _ => Ok(()),
        }
    }

    /// A compressed message is complete: the strict endpoint gets it uncompressed.
    fn inflate(
        &mut self,
        checker: Option<Checker>,
        octets: &[u8],
        masked: bool,
        flaws: &Flaws,
    ) -> Result<(), Violation> {
        let Some(decompressor) = &mut self.decompressor else { return Ok(()) };
        let inflation = flaws.parts().find_map(|part| match part {
            Part::Inflates(inflation) => Some(inflation),
            _ => None,
        });
        let inflated = match inflation {
            Some(inflation) => inflation(decompressor, octets),
            None => decompressor.lawful(octets),
        };
        decompressor.count += 1;
        let message = match inflated {
            Inflated::Message(message) => message,
            Inflated::Fails(violation) => return Err(violation),
        };
        if let Some(mut checker) = checker {
            checker.feed(&message)?;
            checker.end_frame(true)?;
        }
        let header = FrameHeader::new(Opcode::CONTINUATION, message.len() as u64);
        FrameHeader { mask: masked.then_some([0; 4]), ..header }.encode(&mut self.octets);
        self.octets.extend_from_slice(&message);
        Ok(())
    }
}
