//! What a deviation consists of: functions that the layer calls at their place.

use wsspec_wire::{FrameHeader, MaskingKey, Opcode};

use super::Deviation;
use super::deflate::{Compressor, Inflation};
use super::frame::{Frame, Item, What};
use super::head::Head;
use super::text::TextCheck;
use crate::{Config, Role, State, Time, Transmit, Violation};

/// One function of a deviation, named by when it is called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Before the connection is made: other limits, other offers.
    Config(fn(&mut Config)),
    /// The head of the peer came.
    HeadIn(fn(&mut Head)),
    /// The head of this endpoint is to be sent.
    HeadOut(fn(&mut Head)),
    /// The header of a frame came. What the function makes of it is what the strict endpoint sees.
    Meets(fn(&mut Cx<'_>, &mut FrameHeader) -> Take),
    /// A frame came whose [`Take`] is `Whole`: the frames that the strict endpoint sees instead.
    Takes(fn(&mut Cx<'_>, Frame, &mut Vec<Frame>)),
    /// A part of a payload is to be unmasked.
    Unmasks(Unmasking),
    /// How text is checked.
    Text(TextCheck),
    /// How compressed messages are inflated.
    Inflates(Inflation),
    /// A frame of the strict endpoint, messages not compressed yet.
    Says(OnFrame),
    /// How a message is compressed, if that was agreed; `None`: not.
    Deflates(fn(&mut Compressor, &[u8]) -> Option<Vec<u8>>),
    /// A frame as it is to be sent, messages compressed.
    Sends(OnFrame),
    /// TCP is to be ended.
    Ends(fn(&mut Cx<'_>, Transmit, &mut Vec<Item>)),
    /// The connection is closed when nothing came for that long.
    Idle(Time),
    /// A frame is to be masked: a fresh key is given.
    Keys(fn(&mut Memory, MaskingKey) -> MaskingKey),
}

/// What goes out instead of a frame.
pub(super) type OnFrame = fn(&mut Cx<'_>, Frame, &mut Vec<Item>);

/// The key, the offset of the part in the frame, and its length: where to begin in which key.
pub(super) type Unmasking = fn(&mut Memory, MaskingKey, u64, usize) -> (usize, MaskingKey);

/// What is done with a frame of which the header came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Take {
    /// The strict endpoint gets it as it comes.
    Stream,
    /// It is kept until it is complete, for [`Part::Takes`].
    Whole,
    /// Nobody sees it.
    Skip,
    /// The connection is failed.
    Fail(Violation),
    /// TCP is dropped.
    Die,
}

/// What a function can see and keep.
#[derive(Debug)]
pub(super) struct Cx<'a> {
    pub(super) role: Role,
    /// Of the strict endpoint.
    pub(super) state: State,
    /// The strict endpoint failed the connection.
    pub(super) failed: bool,
    /// The opcode of a message of the peer that is not complete.
    pub(super) message: Option<Opcode>,
    /// permessage-deflate was agreed on.
    pub(super) deflate: bool,
    /// The header of the frame came in several reads.
    pub(super) torn: bool,
    /// And it began in the octets that ended the frame before.
    pub(super) behind: bool,
    /// What the strict endpoint sends next, if it is there already.
    pub(super) next: Option<Opcode>,
    /// What the deviation keeps.
    pub(super) memory: &'a mut Memory,
    /// What goes out beside the answers of the strict endpoint.
    extra: &'a mut Vec<Item>,
}

/// What one deviation keeps from call to call.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) count: u64,
    pub(super) flag: bool,
    pub(super) octets: Vec<u8>,
    pub(super) frames: Vec<Frame>,
}

impl Cx<'_> {
    /// Sends something beside the answers of the strict endpoint.
    pub(super) fn say(&mut self, item: impl Into<Item>) {
        self.extra.push(item.into());
    }
}

/// The deviations of one connection, with what they keep and see.
#[derive(Debug)]
pub(super) struct Flaws {
    active: Vec<(&'static Deviation, Memory)>,
    pub(super) role: Role,
    pub(super) state: State,
    pub(super) failed: bool,
    pub(super) message: Option<Opcode>,
    pub(super) deflate: bool,
    pub(super) torn: bool,
    pub(super) behind: bool,
    pub(super) next: Option<Opcode>,
    pub(super) extra: Vec<Item>,
}

impl Flaws {
    pub(super) fn new(deviations: &[&'static Deviation], role: Role) -> Self {
        let mut active: Vec<(&'static Deviation, Memory)> = Vec::new();
        for deviation in deviations {
            if !active.iter().any(|(known, _)| known == deviation) {
                active.push((deviation, Memory::default()));
            }
        }
        Self {
            active,
            role,
            state: State::Connecting,
            failed: false,
            message: None,
            deflate: false,
            torn: false,
            behind: false,
            next: None,
            extra: Vec::new(),
        }
    }

    /// All functions, deviation by deviation.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        self.active.iter().flat_map(|(deviation, _)| deviation.parts.iter().copied())
    }

    /// Calls `call` with each function and what its deviation sees.
    fn each(&mut self, mut call: impl FnMut(&mut Cx<'_>, Part)) {
        let Self { role, state, failed, message, deflate, torn, behind, next, .. } = *self;
        for (deviation, memory) in &mut self.active {
            let mut cx = Cx {
                role,
                state,
                failed,
                message,
                deflate,
                torn,
                behind,
                next,
                memory,
                extra: &mut self.extra,
            };
            for part in deviation.parts {
                call(&mut cx, *part);
            }
        }
    }

    /// The header of a frame came.
    pub(super) fn meet(&mut self, header: &mut FrameHeader) -> Take {
        let mut take = Take::Stream;
        self.each(|cx, part| {
            if let Part::Meets(meets) = part
                && matches!(take, Take::Stream | Take::Whole)
            {
                match meets(cx, header) {
                    Take::Stream => {}
                    stronger => take = stronger,
                }
            }
        });
        take
    }

    /// A frame came whole.
    pub(super) fn take(&mut self, frame: Frame) -> Vec<Frame> {
        let mut frames = vec![frame];
        self.each(|cx, part| {
            if let Part::Takes(takes) = part {
                let mut taken = Vec::new();
                frames.drain(..).for_each(|frame| takes(cx, frame, &mut taken));
                frames = taken;
            }
        });
        frames
    }

    /// What is to be sent passes the functions of one stage, `at`.
    fn pass(&mut self, items: Vec<Item>, at: fn(Part) -> Option<OnFrame>) -> Vec<Item> {
        let mut items = items;
        self.each(|cx, part| {
            let Some(stage) = at(part) else { return };
            let mut passed = Vec::new();
            for Item { what, wait } in items.drain(..) {
                let before = passed.len();
                match what {
                    What::Frame(frame) => stage(cx, frame, &mut passed),
                    other => passed.push(other.into()),
                }
                if let Some(first) = passed.get_mut(before) {
                    first.wait += wait;
                }
            }
            items = passed;
        });
        items
    }

    /// A frame of the strict endpoint, not compressed.
    pub(super) fn say(&mut self, frame: Frame) -> Vec<Item> {
        self.pass(vec![frame.into()], |part| match part {
            Part::Says(says) => Some(says),
            _ => None,
        })
    }

    /// What is to be sent.
    pub(super) fn send(&mut self, items: Vec<Item>) -> Vec<Item> {
        self.pass(items, |part| match part {
            Part::Sends(sends) => Some(sends),
            _ => None,
        })
    }

    /// TCP is to be ended.
    pub(super) fn end(&mut self, end: Transmit) -> Vec<Item> {
        let mut items = vec![Item::from(end)];
        self.each(|cx, part| {
            if let Part::Ends(ends) = part {
                let mut passed = Vec::new();
                for item in items.drain(..) {
                    match item.what {
                        What::End(end) => ends(cx, end, &mut passed),
                        _ => passed.push(item),
                    }
                }
                items = passed;
            }
        });
        items
    }

    /// Where to begin in which key.
    pub(super) fn unmask(&mut self, key: MaskingKey, offset: u64, len: usize) -> (usize, MaskingKey) {
        let mut unmasked = ((offset % 4) as usize, key);
        self.each(|cx, part| {
            if let Part::Unmasks(unmasks) = part {
                unmasked = unmasks(cx.memory, key, offset, len);
            }
        });
        unmasked
    }

    /// The key of the next frame.
    pub(super) fn key(&mut self, fresh: MaskingKey) -> MaskingKey {
        let mut key = fresh;
        self.each(|cx, part| {
            if let Part::Keys(keys) = part {
                key = keys(cx.memory, key);
            }
        });
        key
    }
}
