use std::time::Duration;

use bytes::Bytes;

use crate::case::Text;
use crate::event::Expected;

/// What is accepted where "exactly these events, then this close" is too narrow: the RFC leaves room, and
/// a case that is fair says how much.
#[derive(Clone, Debug, PartialEq)]
pub enum Profile {
    /// The peer has to fail the connection (RFC 6455 7.1.7).
    Fails(Fails),
    /// The peer has to answer the tester's Close frame (RFC 6455 5.5.1).
    Closes(Closes),
    /// The peer, told to, starts the closing handshake (RFC 6455 7.1.2).
    PeerCloses(PeerCloses),
    /// The peer has to end TCP, with a Close frame or without.
    Ends(Ends),
    /// Any sane reaction conforms; which one is recorded.
    Tolerates(Tolerates),
    /// The driver's conclusion is the verdict; how the connection ends is not judged.
    Driven,
}

/// The peer fails the connection: a Close frame with one of the codes, then the end of TCP. An end of TCP
/// without a Close frame, or another lawful code, is non-strict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fails {
    /// The codes that fit the violation.
    pub codes: Vec<u16>,
    /// What may come before: the answers to what was lawful. Missing ones are non-strict.
    pub before: Vec<Expected>,
    /// If these events come instead, the violation was tolerated and what was meant was delivered intact;
    /// non-strict, for this reason: the rule binds the sender only.
    pub tolerated: Option<(Vec<Expected>, Text)>,
    /// A Close frame that breaks a rule may be answered as if it did not; non-strict, for this reason.
    pub answered: Option<Text>,
    /// A Close frame with this code back is non-strict, though the code is none that may be sent.
    pub echoed: Option<u16>,
    /// If the wait with this tag ran out, the peer decided later than it could have; that is recorded.
    pub late: Option<&'static str>,
    /// If the wait with this tag ran out, the peer waits for more, which is lawful; that is recorded.
    pub waits: Option<&'static str>,
    /// Waiting for more is non-strict instead, for this reason.
    pub waits_because: Option<Text>,
}

/// The tester's Close frame is answered once, with one of the codes or none, and TCP ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closes {
    /// The codes of the answer; none is always right, another lawful one non-strict.
    pub codes: Vec<u16>,
    /// What may come before the answer.
    pub before: Vec<Expected>,
    /// Whether all of `before` has to come; if not, what is missing is non-strict.
    pub all_before: bool,
    /// Messages may come before the answer, whatever is in them.
    pub messages: Option<Messages>,
    /// Ending TCP instead of an answer is non-strict: the peer may not know the code.
    pub may_fail: bool,
    /// How soon the answer has to come; later is non-strict. `None`: within 1 s.
    pub prompt: Option<Duration>,
}

/// Messages whose content a case does not look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// So many; fewer are non-strict.
    Exactly(u64),
    /// Any number, which is told.
    Any,
}

/// The peer closes because a command asked for it; the tester answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerCloses {
    /// The code that was asked for; none given: any lawful one.
    pub codes: Vec<u16>,
    /// A Close frame without a code is right, too.
    pub bare: bool,
    /// The reason that was asked for.
    pub reason: Bytes,
    /// The beginning of the reason is enough, down to nothing.
    pub cut: bool,
    /// Refusing the command, or staying open, is right, too.
    pub may_refuse: bool,
    /// These events may come; whether they do is told.
    pub perhaps: Vec<Expected>,
}

/// The peer ends TCP. What it answers to what came before is its own choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// These events may come; whether they do is told.
    pub perhaps: Vec<Expected>,
}

/// Events up to these, in this order, and then a lawful end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerates {
    /// What comes from a peer that takes the stimulus as it is meant.
    pub intact: Vec<Expected>,
    /// The codes with which the peer may fail the connection.
    pub codes: Vec<u16>,
    /// How the two reactions are graded.
    pub grades: Tolerance,
}

/// How the reactions to a stimulus that may be refused are graded.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tolerance {
    /// Both are told rather than graded.
    #[default]
    Either,
    /// Taking the stimulus as it is meant passes; refusing it is told.
    MayRefuse,
    /// Taking the stimulus as it is meant passes; refusing it is non-strict, for this reason.
    BetterNotRefuse(Text),
}

impl Fails {
    /// With one of these codes.
    pub fn with(codes: impl Into<Vec<u16>>) -> Self {
        Self { codes: codes.into(), ..Self::default() }
    }

    /// These answers to what was lawful may come first.
    pub fn after(mut self, events: impl Into<Vec<Expected>>) -> Self {
        self.before = events.into();
        self
    }

    /// Delivering what was meant is non-strict.
    pub fn or_delivers(mut self, events: impl Into<Vec<Expected>>, because: impl Into<Text>) -> Self {
        self.tolerated = Some((events.into(), because.into()));
        self
    }

    /// Answering the Close frame as if it were lawful is non-strict.
    pub fn or_answers(mut self, because: impl Into<Text>) -> Self {
        self.answered = Some(because.into());
        self
    }

    /// Sending the code back is non-strict, though it is none that may be sent.
    pub fn or_echoes(mut self, code: u16, because: impl Into<Text>) -> Self {
        self.echoed = Some(code);
        self.answered = Some(because.into());
        self
    }

    /// Having waited for more until the wait with this tag ran out is recorded; what comes then is not judged.
    pub fn or_waits(mut self, tag: &'static str) -> Self {
        self.waits = Some(tag);
        self
    }

    /// Having waited for more until the wait with this tag ran out is non-strict, for this reason.
    pub fn or_waits_because(mut self, tag: &'static str, because: impl Into<Text>) -> Self {
        self.waits_because = Some(because.into());
        self.or_waits(tag)
    }

    /// Failing only after the wait with this tag is recorded.
    pub fn or_later_than(mut self, tag: &'static str) -> Self {
        self.late = Some(tag);
        self
    }
}

impl Closes {
    /// With one of these codes, or none.
    pub fn with(codes: impl Into<Vec<u16>>) -> Self {
        Self { codes: codes.into(), ..Self::default() }
    }

    /// These events have to come before the answer.
    pub fn after(mut self, events: impl Into<Vec<Expected>>) -> Self {
        self.before = events.into();
        self.all_before = true;
        self
    }

    /// So many messages may come before the answer; fewer are non-strict.
    pub fn after_messages(mut self, count: u64) -> Self {
        self.messages = Some(Messages::Exactly(count));
        self
    }

    /// Any messages may come before the answer; how many is told.
    pub fn after_any_messages(mut self) -> Self {
        self.messages = Some(Messages::Any);
        self
    }

    /// Failing the connection without a Close frame is non-strict.
    pub fn or_fails(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// The answer has to come that soon; later is non-strict.
    pub fn within(mut self, time: Duration) -> Self {
        self.prompt = Some(time);
        self
    }

    /// These events may come before the answer; what is missing is non-strict.
    pub fn perhaps_after(mut self, events: impl Into<Vec<Expected>>) -> Self {
        self.before = events.into();
        self
    }
}

impl PeerCloses {
    /// With this code, and without a reason.
    pub fn with(code: u16) -> Self {
        Self { codes: vec![code], ..Self::default() }
    }

    /// With any lawful code.
    pub fn somehow() -> Self {
        Self { bare: true, cut: true, ..Self::default() }
    }

    /// A Close frame without a code is right, too.
    pub fn or_none(mut self) -> Self {
        self.bare = true;
        self
    }

    /// With this reason.
    pub fn reason(mut self, reason: impl Into<Bytes>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The beginning of the reason is enough.
    pub fn or_less(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Refusing the command, or staying open, is right, too.
    pub fn or_refuses(mut self) -> Self {
        self.may_refuse = true;
        self
    }

    /// These events may come; whether they do is told.
    pub fn perhaps(mut self, events: impl Into<Vec<Expected>>) -> Self {
        self.perhaps = events.into();
        self
    }
}
