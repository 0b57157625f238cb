use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::close_rule::CloseRule;
use crate::deflate::DeflatePlan;
use crate::driver::Driver;
use crate::event::{Event, Expected};
use crate::id::CaseId;
use crate::profile::Profile;
use crate::rule::{Rfc, Rule};
use crate::series::Series;
use crate::step::Step;

/// Prose in our own words, mostly literals.
pub type Text = Cow<'static, str>;

/// One conversation with the implementation under test: a value, immutable, holding no result.
#[derive(Clone, Debug)]
pub struct Case {
    /// Never renumbered, never reused.
    pub id: CaseId,
    /// A name for people, unique, such as `orphan-continuation`.
    pub slug: Text,
    /// What the tester does.
    pub title: Text,
    /// What a conforming implementation does.
    pub expectation: Text,
    /// What is tested; the first rule is the main one.
    pub rules: Vec<Rule>,
    /// Which roles the tester can play in it.
    pub roles: Roles,
    /// The permessage-deflate offer, if any.
    pub deflate: Option<DeflatePlan>,
    /// Where the tester departs from how it plays other cases.
    pub conduct: Conduct,
    /// What happens on the wire.
    pub play: Play,
    /// Accepted outcomes, in order; the first match gives the verdict. Empty for drivers.
    pub accepts: Vec<Accept>,
    /// What is accepted, if `accepts` and `close` are too narrow to say it.
    pub profile: Option<Profile>,
    /// How the connection has to end.
    pub close: CloseRule,
    /// If given: the case only informs, for this reason, and no verdict is worse than that.
    pub informational: Option<Text>,
    /// When the case is over at the latest, counted from the open connection.
    pub time_limit: Duration,
    /// What the report shows beyond the verdict.
    pub measures: Measures,
    /// What it takes to run the case.
    pub cost: Cost,
}

/// What it takes to run a case. Some are run only if asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// Little.
    #[default]
    Usual,
    /// A minute or more of waiting.
    Slow,
    /// Hundreds of connections or more.
    Many,
}

impl Case {
    /// How long the wait with this tag is, if the script has one.
    pub fn noted_wait(&self, name: &str) -> Option<Duration> {
        let Play::Script(steps) = &self.play else { return None };
        steps.iter().find_map(|step| match step {
            Step::Wait { duration, tag: Some(tag) } if *tag == name => Some(*duration),
            _ => None,
        })
    }

    /// All events that some outcome names that is not a failure.
    pub fn expected(&self) -> impl Iterator<Item = &Expected> {
        let by_profile: [&[Expected]; 2] = match &self.profile {
            Some(Profile::Fails(fails)) => {
                let tolerated = fails.tolerated.as_ref().map_or(&[][..], |(events, _)| events);
                [&fails.before, tolerated]
            }
            Some(Profile::Closes(closes)) => [&closes.before, &[]],
            Some(Profile::PeerCloses(closes)) => [&closes.perhaps, &[]],
            Some(Profile::Ends(ends)) => [&ends.perhaps, &[]],
            Some(Profile::Tolerates(tolerates)) => [&tolerates.intact, &[]],
            Some(Profile::Driven) | None => [&[], &[]],
        };
        self.accepts.iter().flat_map(|accept| &accept.events).chain(by_profile.into_iter().flatten())
    }

    /// Whether the main rule is one of the opening handshake (RFC 6455 section 4) or of the negotiation of
    /// permessage-deflate (RFC 7692 sections 5 and 7.1).
    pub fn is_of_handshake(&self) -> bool {
        self.rules.first().is_some_and(|rule| match rule.rfc {
            Rfc::Rfc6455 => rule.section.starts_with("4."),
            Rfc::Rfc7692 => rule.section.starts_with("5.") || rule.section.starts_with("7.1."),
            Rfc::Rfc8441 | Rfc::Rfc9220 => false,
        })
    }

    /// Whether the case has no connection of its own.
    pub const fn is_passive(&self) -> bool {
        matches!(self.play, Play::Passive(_))
    }
}

/// Where the tester departs from how it plays other cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// The case needs a peer that obeys the commands of [`COMMANDS`].
    pub commands: bool,
    /// The peer's Close frame is answered by the steps of the case, which also end TCP.
    pub closes_by_script: bool,
    /// Pings are not answered.
    pub ignores_pings: bool,
    /// The first steps are sent together with the request, before its response.
    pub hurries: bool,
}

/// The subprotocol by which a peer agrees to obey commands (`docs/wst-cmd.md`).
pub const COMMANDS: &str = "wst.cmd";

/// The roles of the tester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Client and server.
    Both,
    /// Only as a client: a server is under test.
    Client,
    /// Only as a server: a client is under test.
    Server,
}

/// How a case is played.
#[derive(Clone)]
pub enum Play {
    /// A list of steps.
    Script(Vec<Step>),
    /// A state machine that emits steps, made anew for every run, and what it does in words.
    Drive(Arc<dyn Fn() -> Box<dyn Driver> + Send + Sync>, Text),
    /// No connection of its own: the peer is watched in all other cases.
    Passive(Watch),
    /// Several connections.
    Series(Series),
}

/// What is watched in all other cases: rules by the names of their breaches, such as `frame.mask`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// A breach of one of these is a failure.
    pub breaches: Vec<&'static str>,
    /// These are lawful, but told.
    pub habits: Vec<&'static str>,
    /// It applies only if the peer compressed messages.
    pub compressed: bool,
    /// Two connections that begin with the same masking keys are a failure.
    pub keys: bool,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(steps) => f.debug_tuple("Script").field(steps).finish(),
            Self::Drive(_, words) => f.debug_tuple("Drive").field(words).finish(),
            Self::Passive(watch) => f.debug_tuple("Passive").field(watch).finish(),
            Self::Series(series) => f.debug_tuple("Series").field(series).finish(),
        }
    }
}

/// An accepted outcome: exactly these events, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Accept {
    /// `Ok` or `NonStrict`.
    pub grade: Grade,
    /// The events, nothing missing, nothing extra.
    pub events: Vec<Expected>,
    /// Why it is accepted, if it is not OK.
    pub because: Text,
    /// Pongs may come before or behind any message: RFC 6455 5.5.2 gives them no place.
    pub pongs_anywhere: bool,
}

impl Accept {
    /// Whether exactly these events came.
    pub fn is_met_by(&self, events: &[Event]) -> bool {
        let all_match = |pongs: Option<bool>| {
            let wanted =
                self.events.iter().filter(|event| pongs.is_none_or(|pongs| event.is_pong() == pongs));
            let came = events
                .iter()
                .filter(|event| pongs.is_none_or(|pongs| matches!(event, Event::Pong(_)) == pongs));
            wanted.zip(came).all(|(wanted, event)| wanted.matches(event))
        };
        let count = |pong: bool| {
            let came = events.iter().filter(|event| matches!(event, Event::Pong(_)) == pong).count();
            came == self.events.iter().filter(|event| event.is_pong() == pong).count()
        };
        count(true)
            && count(false)
            && if self.pongs_anywhere {
                all_match(Some(true)) && all_match(Some(false))
            } else {
                all_match(None)
            }
    }
}

/// The judgement of behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// As the RFC asks.
    Ok,
    /// Every MUST kept, a SHOULD broken.
    NonStrict,
    /// Recorded, not judged.
    Informational,
    /// The feature was not offered or not negotiated.
    Unimplemented,
    /// A MUST broken.
    Failed,
}

/// What the report shows beyond the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// The time that the case took means something.
    pub time: bool,
    /// The compression ratio both ways.
    pub compression: bool,
    /// No octets in the wire log: the traffic is large.
    pub quiet: bool,
}
