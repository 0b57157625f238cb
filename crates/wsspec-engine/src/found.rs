//! What a check asks for and what it found, as data; the only place that words them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many events of a list are told.
const LISTED: usize = 5;

/// What had to be. [`Display`](fmt::Display) words it as a noun phrase: "expected …".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Wanted {
    /// What the case says of itself: a sentence.
    Expectation {
        /// The sentence.
        text: String,
    },
    /// Frames that keep the rules of RFC 6455 section 5.
    LawfulFrames,
    /// An opening handshake that agrees on what may be agreed on.
    LawfulAnswer,
    /// A connection that is open.
    OpenConnection,
    /// The peer fails the connection (RFC 6455 section 7.1.7).
    Failing {
        /// With one of these codes, or none; empty if that is not asked here.
        codes: Vec<u16>,
    },
    /// The tester closes the connection first.
    TesterCloses,
    /// These events in order.
    Events {
        /// The first ones.
        first: Vec<Sight>,
        /// How many there are.
        count: u64,
    },
    /// This event at this place, counted from 1.
    Event {
        /// The event.
        event: Sight,
        /// Its place.
        place: u64,
    },
    /// Nothing behind so many events.
    NothingAfter {
        /// How many.
        count: u64,
    },
    /// One of these close codes, or none.
    Codes {
        /// The codes.
        codes: Vec<u16>,
    },
    /// Something else: a noun phrase.
    Other {
        /// The phrase.
        text: String,
    },
}

impl Wanted {
    /// The peer fails the connection; the code is not asked here.
    pub const fn failing() -> Self {
        Self::Failing { codes: Vec::new() }
    }

    /// Any noun phrase.
    pub fn other(text: impl Into<String>) -> Self {
        Self::Other { text: text.into() }
    }

    /// Whether it says no more than what many cases ask for, so that the case itself says it better.
    pub fn is_general(&self) -> bool {
        match self {
            Self::LawfulFrames | Self::LawfulAnswer | Self::OpenConnection | Self::TesterCloses => true,
            Self::Failing { codes } => codes.is_empty(),
            Self::Events { count, .. } => *count == 0,
            _ => false,
        }
    }

    /// Whether it is a sentence and no noun phrase.
    pub const fn is_sentence(&self) -> bool {
        matches!(self, Self::Expectation { .. })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expectation { text } | Self::Other { text } => f.write_str(text),
            Self::LawfulFrames => f.write_str("lawful frames"),
            Self::LawfulAnswer => f.write_str("a lawful answer"),
            Self::OpenConnection => f.write_str("an open connection"),
            Self::Failing { codes } if codes.is_empty() => f.write_str("the peer to fail the connection"),
            Self::Failing { codes } => write!(f, "the peer to fail the connection with {}", any_of(codes)),
            Self::TesterCloses => f.write_str("the peer to leave closing to the tester"),
            Self::Events { first, count } => f.write_str(&list(first, *count)),
            Self::Event { event, place: 1 } => write!(f, "{event}"),
            Self::Event { event, place } => write!(f, "{event} as event {place}"),
            Self::NothingAfter { count: 1 } => f.write_str("nothing behind the first event"),
            Self::NothingAfter { count } => write!(f, "nothing behind {count} events"),
            Self::Codes { codes } => f.write_str(&any_of(codes)),
        }
    }
}

/// An event that a case is judged by: the beginning of what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Sight {
    /// A text message.
    Text {
        /// Its beginning: in quotation marks if it is text, else octets in hexadecimal.
        shown: String,
    },
    /// A binary message.
    Binary {
        /// Its beginning.
        shown: String,
    },
    /// A Pong.
    Pong {
        /// Its payload.
        shown: String,
    },
    /// The connection was still open when the tester had waited.
    StillOpen {
        /// For how long, in microseconds; 0 if that is not known.
        for_us: u64,
    },
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { shown } => write!(f, "Text {shown}"),
            Self::Binary { shown } => write!(f, "Binary {shown}"),
            Self::Pong { shown } => write!(f, "Pong {shown}"),
            Self::StillOpen { for_us: 0 } => f.write_str("the connection still open"),
            Self::StillOpen { for_us } => write!(f, "the connection still open {} later", seconds(*for_us)),
        }
    }
}

impl Sight {
    fn clause(&self) -> String {
        match self {
            Self::StillOpen { for_us: 0 } => "the connection was still open".to_owned(),
            Self::StillOpen { for_us } => format!("the connection was still open {} later", seconds(*for_us)),
            came => format!("{came} came"),
        }
    }

    /// What it is, whatever it carries; and several of them.
    const fn nouns(&self) -> [&'static str; 2] {
        match self {
            Self::Text { .. } => ["a text message", "text messages"],
            Self::Binary { .. } => ["a binary message", "binary messages"],
            Self::Pong { .. } => ["a Pong", "Pongs"],
            Self::StillOpen { .. } => ["the wait", "waits"],
        }
    }

    const fn noun(&self) -> &'static str {
        self.nouns()[0]
    }

    fn name(&self) -> String {
        match self {
            Self::StillOpen { .. } => "the connection was still open".to_owned(),
            came => format!("{} came", came.noun()),
        }
    }

    /// That it did not come.
    fn absent(&self, whole: bool) -> String {
        match self {
            Self::StillOpen { .. } => "the connection did not stay open".to_owned(),
            Self::Pong { .. } => "no Pong came".to_owned(),
            message if whole => format!("{message} did not come back"),
            message => format!("{} did not come back", message.noun()),
        }
    }
}

/// What was. [`Display`](fmt::Display) words it for "observed …", [`clause`](Self::clause) as a part of a sentence,
/// [`name`](Self::name) as one that fits all cases in which the same was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Found {
    /// These events in order.
    Events {
        /// The first ones.
        first: Vec<Sight>,
        /// How many there were.
        count: u64,
    },
    /// This event, where another one or none was due.
    Event {
        /// The event.
        event: Sight,
        /// The first octet that is not as it was to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        differs_at: Option<u64>,
        /// How many octets it has and had to have, if they are the same as far as they go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lengths: Option<[u64; 2]>,
    },
    /// So many messages.
    Messages {
        /// How many.
        count: u64,
    },
    /// The peer broke a rule of the frame level or of what was agreed on.
    Breach {
        /// How: a clause.
        text: String,
    },
    /// The tester failed the connection for a breach.
    FailedByTester {
        /// Which.
        text: String,
    },
    /// The connection was not opened.
    NeverOpened {
        /// Why: a clause.
        text: String,
    },
    /// The peer did nothing until the tester gave up.
    StayedOpen {
        /// For how long since the tester had sent what it was about, in microseconds.
        for_us: u64,
    },
    /// The tester closed, and the peer did not answer.
    NoAnswer,
    /// The tester closed, and the peer ended TCP instead of answering.
    TcpForAnswer {
        /// With a RST.
        reset: bool,
    },
    /// The tester closed first.
    TesterClosed {
        /// When, in microseconds after the opening handshake.
        after_us: u64,
    },
    /// The peer closed first.
    PeerClosed {
        /// With this code.
        code: Option<u16>,
    },
    /// The peer ended TCP without a Close frame.
    TcpEnded {
        /// With a RST.
        reset: bool,
    },
    /// The peer failed the connection by ending TCP, without a Close frame.
    NoCloseFrame,
    /// The tester ended TCP.
    TesterEndedTcp,
    /// Neither a Close frame nor the end of TCP came.
    Silence,
    /// The closing handshake was whole.
    CleanEnd,
    /// It was not.
    UncleanEnd {
        /// Why: a clause, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The close code of the peer.
    Code {
        /// The code.
        code: Option<u16>,
    },
    /// The Close frame of the peer without a code.
    CodelessClose,
    /// The reason in the peer's Close frame.
    Reason {
        /// The reason.
        text: String,
    },
    /// The answer to the tester's Close frame came late.
    Late {
        /// So many microseconds after it.
        after_us: u64,
    },
    /// The frames that the tester sent.
    FramesSent {
        /// First frames of messages.
        first: u64,
        /// Frames that continue them.
        continuations: u64,
    },
    /// It is accepted, though another outcome would be better.
    Tolerated {
        /// What was.
        found: Box<Self>,
        /// Why it is accepted.
        because: String,
    },
    /// Something else: a clause.
    Other {
        /// The clause.
        text: String,
    },
}

impl Found {
    /// Any clause.
    pub fn other(text: impl Into<String>) -> Self {
        Self::Other { text: text.into() }
    }

    /// An event where another one or none was due.
    pub const fn event(event: Sight) -> Self {
        Self::Event { event, differs_at: None, lengths: None }
    }

    /// The same, which is accepted for a reason.
    #[must_use]
    pub fn because(self, because: impl Into<String>) -> Self {
        Self::Tolerated { found: Box::new(self), because: because.into() }
    }

    /// Whether the peer did nothing, or did it too late, which may be so because it was busy.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::StayedOpen { .. }
            | Self::NoAnswer
            | Self::Silence
            | Self::Late { .. }
            | Self::TesterEndedTcp => true,
            Self::Tolerated { found, .. } => found.is_absence(),
            _ => false,
        }
    }

    /// A clause that follows "…, but": what was seen, with its values.
    pub fn clause(&self) -> String {
        match self {
            Self::Events { count: 0, .. } => "nothing came".to_owned(),
            Self::Events { first, count: 1 } if first.len() == 1 => first[0].clause(),
            Self::Events { first, count } => format!("{} came", list(first, *count)),
            Self::Event { event, .. } => format!("{}{}", event.clause(), self.difference()),
            Self::Messages { count } => format!("{count} messages came"),
            Self::Code { code } => format!("the connection was closed with {}", close_code(*code)),
            Self::CodelessClose => "a Close frame without a code came".to_owned(),
            Self::NoCloseFrame => "the peer ended TCP without a Close frame".to_owned(),
            Self::Silence => "neither a Close frame nor the end of TCP came".to_owned(),
            Self::NeverOpened { text } => format!("the connection was not opened: {text}"),
            Self::CleanEnd => "the connection ended cleanly".to_owned(),
            Self::UncleanEnd { text: None } => "the connection did not end cleanly".to_owned(),
            Self::Reason { text } => format!("the connection was closed with the reason \"{text}\""),
            Self::Late { after_us } => format!("the answer came after {}", seconds(*after_us)),
            Self::FramesSent { .. } => format!("the tester sent {self}"),
            Self::Tolerated { found, because } => format!("{} ({because})", found.clause()),
            clause => clause.to_string(),
        }
    }

    /// The same without what differs from case to case.
    pub fn name(&self) -> String {
        match self {
            Self::Events { first, .. } => first.last().map_or_else(|| "nothing came".to_owned(), Sight::name),
            Self::Event { event, .. } => event.name(),
            Self::StayedOpen { .. } => "the connection stayed open".to_owned(),
            Self::Tolerated { found, .. } => found.name(),
            other => other.clause(),
        }
    }

    /// How an event differs from the one that was due.
    fn difference(&self) -> String {
        match self {
            Self::Event { differs_at: Some(at), .. } => format!(", which differs from octet {at} on"),
            Self::Event { lengths: Some([got, wanted]), .. } => {
                format!(", which has {got} octets instead of {wanted}")
            }
            _ => String::new(),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = |reset: bool| if reset { "reset TCP" } else { "ended TCP" };
        match self {
            Self::Events { first, count } => f.write_str(&list(first, *count)),
            Self::Event { event, .. } => write!(f, "{event}{}", self.difference()),
            Self::Messages { count } => write!(f, "{count} messages"),
            Self::Breach { text } | Self::NeverOpened { text } | Self::Other { text } => f.write_str(text),
            Self::FailedByTester { text } => write!(f, "the tester had to fail the connection: {text}"),
            Self::StayedOpen { for_us } => write!(f, "the connection stayed open for {}", seconds(*for_us)),
            Self::NoAnswer => f.write_str("the peer did not answer the Close frame"),
            Self::TcpForAnswer { reset } => {
                write!(f, "the peer {} instead of answering the Close frame", how(*reset))
            }
            Self::TesterClosed { after_us } => write!(f, "the tester closed after {}", seconds(*after_us)),
            Self::PeerClosed { code } => write!(f, "the peer closed with {}", close_code(*code)),
            Self::TcpEnded { reset } => write!(f, "the peer {} without a Close frame", how(*reset)),
            Self::NoCloseFrame => f.write_str("the end of TCP without a Close frame"),
            Self::TesterEndedTcp => f.write_str("the tester ended TCP"),
            Self::Silence => f.write_str("no Close frame and no end of TCP"),
            Self::CleanEnd => f.write_str("a clean end"),
            Self::UncleanEnd { text } => f.write_str(text.as_deref().unwrap_or("no clean end")),
            Self::Code { code } => f.write_str(&close_code(*code)),
            Self::CodelessClose => f.write_str("a Close frame without a code"),
            Self::Reason { text } => write!(f, "the reason \"{text}\""),
            Self::Late { after_us } => write!(f, "an answer after {}", seconds(*after_us)),
            Self::FramesSent { first, continuations } => {
                write!(f, "{first} first and {continuations} continuation frames")
            }
            Self::Tolerated { found, because } => write!(f, "{found} ({because})"),
        }
    }
}

/// What went wrong: a clause that needs nothing else to be understood. `whole`: with the values of the case; without,
/// it fits all cases in which the same was found.
pub fn fault(wanted: &Wanted, found: &Found, whole: bool) -> String {
    let seen = if whole { found.clause() } else { found.name() };
    match (wanted, found) {
        // No moment is set for it, or the like: it did not have to be.
        (Wanted::Failing { .. }, Found::Tolerated { found, .. })
            if !matches!(**found, Found::Code { .. }) =>
        {
            if whole {
                seen
            } else {
                found.name()
            }
        }
        (_, Found::Tolerated { found, because }) if whole => {
            format!("{} ({because})", fault(wanted, found, whole))
        }
        (_, Found::Tolerated { found, .. }) => fault(wanted, found, whole),
        (_, Found::Breach { .. } | Found::NeverOpened { .. } | Found::Other { .. } | Found::NoAnswer) => seen,
        (Wanted::Expectation { .. }, _) => seen,
        (_, Found::Event { event, differs_at: Some(at), .. }) if whole => {
            format!("what came back differs from octet {at} on: {event}")
        }
        (_, Found::Event { event, lengths: Some([got, due]), .. }) if whole => {
            format!("what came back has {got} octets instead of {due}: {event}")
        }
        (_, Found::Event { differs_at: Some(_), .. } | Found::Event { lengths: Some(_), .. }) => {
            "what came back is not what was sent".to_owned()
        }
        (Wanted::NothingAfter { .. }, _) => format!("{seen}, and nothing more was due"),
        (Wanted::Events { count: 0, .. }, _) => format!("{seen}, and nothing was due"),
        (Wanted::Failing { codes } | Wanted::Codes { codes }, Found::Code { code }) => {
            format!("the peer closed with {}; {} was due", close_code(*code), any_of(codes))
        }
        (Wanted::Failing { .. }, _) => format!("{seen}, and the peer had to fail the connection"),
        (Wanted::Event { event, .. }, _) => instead(event, found, &seen, whole),
        (Wanted::Events { first, count }, Found::Events { first: came, count: number }) => {
            events_instead((first, *count), (came, *number), whole)
        }
        (wanted, _) => format!("{seen}; expected {wanted}"),
    }
}

/// What came where `due` had to come.
fn instead(due: &Sight, found: &Found, seen: &str, whole: bool) -> String {
    let name = || if whole { due.to_string() } else { due.noun().to_owned() };
    match found {
        Found::StayedOpen { for_us } if whole => format!("{} in {}", due.absent(whole), seconds(*for_us)),
        Found::StayedOpen { .. } => due.absent(whole),
        _ if matches!(due, Sight::StillOpen { .. }) => format!("{seen} before the tester had gone on"),
        Found::Event { .. } => format!("{seen} instead of {}", name()),
        _ => format!("{seen} before {} came", name()),
    }
}

/// What came where other events had to come.
fn events_instead(due: (&[Sight], u64), came: (&[Sight], u64), whole: bool) -> String {
    let told = |(first, count): (&[Sight], u64)| if whole { list(first, count) } else { nouns(first, count) };
    let (wanted, seen) = (told(due), told(came));
    let (was, one) = if due.1 == 1 { ("was", "the one") } else { ("were", "those") };
    if came.1 == 0 {
        format!("nothing came, and {wanted} {was} due")
    } else if wanted == seen {
        format!("{seen} came, but not {one} that {was} due")
    } else {
        format!("{seen} came instead of {wanted}")
    }
}

/// `a text message`, `2 text messages and a Pong`: what events are, whatever they carry.
fn nouns(first: &[Sight], count: u64) -> String {
    if count > first.len() as u64 {
        return format!("{count} events");
    }
    let mut kinds: Vec<(&Sight, usize)> = Vec::new();
    for sight in first {
        match kinds.iter_mut().find(|(kind, _)| kind.noun() == sight.noun()) {
            Some((_, number)) => *number += 1,
            None => kinds.push((sight, 1)),
        }
    }
    let told = |(kind, number): &(&Sight, usize)| match number {
        1 => kind.noun().to_owned(),
        number => format!("{number} {}", kind.nouns()[1]),
    };
    kinds.iter().map(told).collect::<Vec<_>>().join(" and ")
}

/// A close code, with its name if it has one.
pub(crate) fn close_code(code: Option<u16>) -> String {
    match code {
        None => "no close code".into(),
        Some(code) => match wsspec_wire::close_code::name(code) {
            Some(name) => format!("close code {code} ({name})"),
            None => format!("close code {code}"),
        },
    }
}

fn any_of(codes: &[u16]) -> String {
    let list: Vec<String> = codes.iter().map(ToString::to_string).collect();
    format!("close code {} or none", list.join(" or "))
}

fn list(first: &[Sight], count: u64) -> String {
    if count == 0 {
        return "no message and no pong".to_owned();
    }
    let mut list: Vec<String> = first.iter().take(LISTED).map(ToString::to_string).collect();
    let more = count.saturating_sub(list.len() as u64);
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// Of a list so many are kept.
pub(crate) fn first<T>(events: &[T], sight: impl FnMut(&T) -> Sight) -> (Vec<Sight>, u64) {
    (events.iter().take(LISTED).map(sight).collect(), events.len() as u64)
}

/// `1 s`, `0.35 s`
fn seconds(us: u64) -> String {
    let hundredths = us.div_euclid(10_000) + u64::from(us % 10_000 >= 5000);
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) if whole > 0 => format!("{whole} s"),
        (whole, rest) => format!("{whole}.{rest:02} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shown: &str) -> Sight {
        Sight::Text { shown: format!("\"{shown}\"") }
    }

    fn fault_of(due: &[Sight], came: &[Sight]) -> [String; 2] {
        let wanted = Wanted::Events { first: due.to_vec(), count: due.len() as u64 };
        let found = Found::Events { first: came.to_vec(), count: came.len() as u64 };
        [true, false].map(|whole| fault(&wanted, &found, whole))
    }

    #[test]
    fn events_are_named_by_what_they_are_where_the_sentence_is_for_several_cases() {
        let pong = Sight::Pong { shown: "70".to_owned() };
        let [whole, name] = fault_of(&[text("a"), text("b")], &[text("a")]);
        assert_eq!(whole, "Text \"a\" came instead of Text \"a\", Text \"b\"");
        assert_eq!(name, "a text message came instead of 2 text messages");
        let [_, name] = fault_of(&[text("a"), pong.clone()], &[pong.clone(), pong]);
        assert_eq!(name, "2 Pongs came instead of a text message and a Pong");
        let [_, name] = fault_of(&[text("a")], &[text("b")]);
        assert_eq!(name, "a text message came, but not the one that was due");
        assert_eq!(fault_of(&[text("a"), text("b")], &[])[1], "nothing came, and 2 text messages were due");
    }

    #[test]
    fn what_is_tolerated_did_not_have_to_be() {
        let late = Found::event(Sight::StillOpen { for_us: 1_000_000 }).because("no moment is set");
        let told = fault(&Wanted::failing(), &late, true);
        assert_eq!(told, "the connection was still open 1 s later (no moment is set)");
    }
}
