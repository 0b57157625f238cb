//! What holds for every frame of the peer, whatever the case is about.
//!
//! Each run takes down which rules the peer broke in passing; this changes no verdict of the case itself. At
//! the end, [`passive_outcomes`] judges the cases that have no connection of their own by what all others saw.

use std::collections::{BTreeSet, HashMap};

use wsspec_cases::{Case, CaseId, Conclusion, Grade, Play, Watch};
use wsspec_wire::{MaskingKey, Opcode, Rsv, close_code};

use crate::judge;
use crate::observation::{Observation, PeerFault, TesterRole};
use crate::observe::{Incoming, Violation};
use crate::outcome::{Outcome, SeenIn};
use crate::wire_log::WireLog;

/// Of a case with many connections the first keys of so many are kept.
const OPENINGS: usize = 1024;

/// What was seen in passing, in one case. Bounded: there is one entry per rule at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// How many frames of the peer were looked at.
    pub frames: u64,
    /// How many of them began a compressed message.
    pub compressed: u64,
    /// The rules that it broke, and the habits that are told.
    pub breaches: Vec<Breach>,
    /// How each connection began that had two masked frames.
    pub openings: Vec<Opening>,
}

/// The beginning of a connection with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The first two masking keys.
    pub keys: [MaskingKey; 2],
    /// The number in the log of the frame with the second one; none if this connection is not in the log.
    pub number: Option<usize>,
}

/// A rule that the peer broke, or a habit of its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The first time.
    pub fault: PeerFault,
    /// How often it was.
    pub times: u64,
    /// The number in the log of the frame that showed it first; none if that connection is not in the log.
    pub number: Option<usize>,
}

impl Watched {
    /// Whether the peer did something that this passive case is about.
    pub fn concerns(&self, case: &Case) -> bool {
        let Play::Passive(Watch { breaches, habits, .. }) = &case.play else { return false };
        self.find(breaches).or_else(|| self.find(habits)).is_some()
    }

    /// The first of these that the peer did.
    pub(crate) fn find(&self, ids: &[&str]) -> Option<&Breach> {
        self.breaches.iter().find(|breach| ids.contains(&breach.fault.id))
    }

    /// Takes in what was seen on a further connection of the same case.
    pub(crate) fn merge(&mut self, other: Self) {
        self.frames += other.frames;
        self.compressed += other.compressed;
        for other in other.breaches {
            match self.breaches.iter_mut().find(|breach| breach.fault.id == other.fault.id) {
                Some(breach) => {
                    breach.times += other.times;
                    breach.number = breach.number.or(other.number);
                }
                None => self.breaches.push(other),
            }
        }
        let room = OPENINGS.saturating_sub(self.openings.len());
        self.openings.extend(other.openings.into_iter().take(room));
    }

    /// The log is not kept of the connections that this is from.
    pub(crate) fn without_places(mut self) -> Self {
        self.breaches.iter_mut().for_each(|breach| breach.number = None);
        self.openings.iter_mut().for_each(|opening| opening.number = None);
        self
    }

    /// The log of the connection is complete: what was to come into it stands there, or never will.
    pub(crate) fn settle(&mut self, log: &WireLog) {
        let numbers = self.breaches.iter_mut().map(|breach| &mut breach.number);
        for number in numbers.chain(self.openings.iter_mut().map(|opening| &mut opening.number)) {
            *number = number.and_then(|number| log.received_from(number)).map(|index| log.number(index));
        }
    }

    fn note(&mut self, fault: &PeerFault, at: usize) {
        match self.breaches.iter_mut().find(|breach| breach.fault.id == fault.id) {
            Some(breach) => breach.times += 1,
            None => self.breaches.push(Breach { fault: fault.clone(), times: 1, number: Some(at) }),
        }
    }
}

/// Looks at everything that comes from the peer.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    pub(crate) watched: Watched,
    first_key: Option<MaskingKey>,
    pongs: u64,
    /// A header was wrong: nobody knows whether what follows it begins where a frame begins.
    out_of_step: bool,
    /// The peer's Close frame came; whether it failed the connection by it.
    closed: Option<Closed>,
}

/// What the peer's Close frame said.
#[derive(Clone, Copy, Debug)]
struct Closed {
    /// It failed the connection (RFC 6455 7.1.7).
    failed: bool,
}

/// What the tester has sent so far.
pub(crate) struct Sent {
    pub(crate) pings: u64,
    /// The Close frame, and the code in it.
    pub(crate) close: Option<Option<u16>>,
}

impl Lookout {
    /// Something came, after the tester had sent this; `at` is the number in the log of the frame.
    pub(crate) fn see(&mut self, incoming: &Incoming, sent: &Sent, at: usize) {
        match incoming {
            Incoming::Further(fault) => self.watched.note(fault, at),
            _ if self.out_of_step => {}
            Incoming::Violation(violation) => {
                self.out_of_step = violation.fault.id.starts_with("frame.");
                self.watched.note(&violation.fault, at);
            }
            Incoming::Close { code, violation, .. } => self.close(*code, violation.as_ref(), sent, at),
            Incoming::Breach(fault) => self.watched.note(fault, at),
            Incoming::Pong(_) => self.pong(sent.pings, at),
            Incoming::Frame { header, .. } => {
                self.behind_the_close(header.opcode, at);
                self.key(header.mask, at);
                let compressed = header.rsv.contains(Rsv::RSV1) && header.opcode.is_data();
                self.watched.frames += 1;
                self.watched.compressed += u64::from(compressed);
            }
            Incoming::Inspected(_) | Incoming::Message { .. } | Incoming::Ping(_) => {}
        }
    }

    fn key(&mut self, key: Option<MaskingKey>, at: usize) {
        match (self.first_key, key) {
            (None, _) => self.first_key = key,
            (Some(first), Some(second)) if self.watched.openings.is_empty() => {
                self.watched.openings.push(Opening { keys: [first, second], number: Some(at) });
            }
            _ => {}
        }
    }

    fn close(&mut self, code: Option<u16>, violation: Option<&Violation>, sent: &Sent, at: usize) {
        match (violation, code) {
            (Some(_), Some(code @ 5000..)) => {
                let text = format!("a Close frame has the code {code}, of which nothing is said");
                let (id, section) = ("close.code.beyond", "RFC 6455 section 7.4.2");
                self.watched.note(&PeerFault { id, section, text }, at);
            }
            (Some(violation), _) => self.watched.note(&violation.fault, at),
            _ => {}
        }
        let its_own = code.filter(|&code| sent.close != Some(Some(code)));
        if let Some(code @ (close_code::MANDATORY_EXTENSION | close_code::INTERNAL_ERROR)) = its_own {
            let text = format!("the peer closes with {code} of its own accord");
            let (id, section) = ("close.code.role", "RFC 6455 section 7.4.1");
            self.watched.note(&PeerFault { id, section, text }, at);
        }
        let failed = sent.close.is_none() && its_own.is_some_and(is_failure);
        self.closed.get_or_insert(Closed { failed });
    }

    /// Looks at a frame, if it comes behind the peer's Close frame.
    fn behind_the_close(&mut self, opcode: Opcode, at: usize) {
        let Some(Closed { failed }) = self.closed else { return };
        let (id, section, text) = if opcode == Opcode::CLOSE {
            ("close.again", "RFC 6455 section 5.5.1", "a second Close frame comes")
        } else if !opcode.is_control() {
            ("close.data", "RFC 6455 section 5.5.1", "a data frame comes behind the Close frame")
        } else if failed {
            let text = "a control frame comes behind the Close frame that failed the connection";
            ("close.failed", "RFC 6455 section 7.1.7", text)
        } else {
            return;
        };
        self.watched.note(&PeerFault { id, section, text: text.into() }, at);
    }

    fn pong(&mut self, pings: u64, at: usize) {
        self.pongs += 1;
        if self.pongs > pings {
            let text = "a Pong comes that no Ping asked for".to_string();
            let (id, section) = ("pong.unasked", "RFC 6455 section 5.5.3");
            self.watched.note(&PeerFault { id, section, text }, at);
        }
    }
}

/// The codes by which an endpoint says that it fails the connection.
const fn is_failure(code: u16) -> bool {
    matches!(
        code,
        close_code::PROTOCOL_ERROR
            | close_code::UNSUPPORTED_DATA
            | close_code::INVALID_PAYLOAD
            | close_code::POLICY_VIOLATION
            | close_code::MESSAGE_TOO_BIG
            | close_code::MANDATORY_EXTENSION
    )
}

/// Judges the passive ones of these cases by what was seen in all others, told by the id of the case.
pub fn passive_outcomes(cases: &[&Case], role: TesterRole, seen: &[(CaseId, Watched)]) -> Vec<Outcome> {
    let outcome = |case: &&Case| {
        let Play::Passive(watch) = &case.play else { return None };
        let (conclusion, seen_in) = conclude(watch, seen);
        let conclusion = Some(conclusion);
        Some(judge(case, Observation { conclusion, seen_in, ..Observation::of_nothing(role) }))
    };
    cases.iter().filter_map(outcome).collect()
}

/// The verdict, and where what is wrong was seen.
fn conclude(watch: &Watch, seen: &[(CaseId, Watched)]) -> (Conclusion, Option<SeenIn>) {
    let count = |of: fn(&Watched) -> u64| seen.iter().map(|(_, watched)| of(watched)).sum::<u64>();
    let (frames, compressed) = (count(|watched| watched.frames), count(|watched| watched.compressed));
    if watch.keys {
        return compare_keys(seen);
    }
    let because = |grade, (text, seen_in): (String, SeenIn)| (Conclusion::new(grade, text), Some(seen_in));
    if let Some(told) = tell(&watch.breaches, seen) {
        return because(Grade::Failed, told);
    } else if let Some(told) = tell(&watch.habits, seen) {
        return because(Grade::Informational, told);
    }
    let conclusion = if frames == 0 {
        Conclusion::new(Grade::Unimplemented, "no frame came in the other cases of the run")
    } else if watch.compressed && compressed == 0 {
        Conclusion::new(Grade::Unimplemented, "no compressed message came in the other cases of the run")
    } else if watch.compressed {
        Conclusion::new(Grade::Ok, format!("{compressed} compressed messages were looked at"))
    } else {
        Conclusion::new(Grade::Ok, format!("{frames} frames were looked at in {} cases", cases(seen)))
    };
    (conclusion, None)
}

/// Two connections that begin with the same two keys do not have them from a strong source: by chance that happens
/// once in 2^64 pairs.
fn compare_keys(seen: &[(CaseId, Watched)]) -> (Conclusion, Option<SeenIn>) {
    let mut known: HashMap<[MaskingKey; 2], CaseId> = HashMap::new();
    let all = seen.iter().flat_map(|(id, watched)| watched.openings.iter().map(move |one| (*id, *one)));
    for (id, Opening { keys, number }) in all {
        if let Some(earlier) = known.insert(keys, id) {
            let hex = |key: MaskingKey| key.map(|octet| format!("{octet:02x}")).concat();
            let keys = keys.map(hex).join(" and ");
            let cases =
                if earlier == id { format!("case {id}") } else { format!("cases {earlier} and {id}") };
            let text = format!("two connections begin with the masking keys {keys} ({cases})");
            return (Conclusion::new(Grade::Failed, text), Some(SeenIn { case: id, number }));
        }
    }
    let conclusion = match known.len() {
        0 | 1 => {
            Conclusion::new(Grade::Unimplemented, "no two connections of the run had two masked frames each")
        }
        count => Conclusion::new(Grade::Ok, format!("the first keys of {count} connections differ")),
    };
    (conclusion, None)
}

/// The first time, how often it was in all, and where it is to be seen: first in a log.
fn tell(ids: &[&str], seen: &[(CaseId, Watched)]) -> Option<(String, SeenIn)> {
    let (first, breach) = seen.iter().find_map(|(id, watched)| Some((id, watched.find(ids)?)))?;
    let text = &breach.fault.text;
    let all = seen.iter().flat_map(|(_, watched)| &watched.breaches);
    let times: u64 = all.filter(|breach| ids.contains(&breach.fault.id)).map(|breach| breach.times).sum();
    let concerned: BTreeSet<&CaseId> =
        seen.iter().filter(|(_, watched)| watched.find(ids).is_some()).map(|(id, _)| id).collect();
    let text = match concerned.len() {
        1 => format!("{text} (case {first}, {times} times)"),
        more => format!("{text} (first in case {first}, {times} times in {more} cases)"),
    };
    let logged = |(case, watched): &(CaseId, Watched)| {
        let logged = |breach: &&Breach| ids.contains(&breach.fault.id) && breach.number.is_some();
        let number = watched.breaches.iter().find(logged)?.number;
        Some(SeenIn { case: *case, number })
    };
    let nowhere = SeenIn { case: *first, number: None };
    Some((text, seen.iter().find_map(logged).unwrap_or(nowhere)))
}

fn cases(seen: &[(CaseId, Watched)]) -> usize {
    seen.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len()
}
