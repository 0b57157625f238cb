//! Judges the cases whose accepted outcomes are told by a profile.

use std::time::Duration;

use wsspec_cases::{Case, Closes, Event, Expected, Fails, Level, Profile, Tolerance, Tolerates};
use wsspec_wire::Opcode;

use super::words;
use crate::Time;
use crate::observation::{Observation, TcpEnd, TesterRole};
use crate::outcome::Check;
use crate::wire_log::{Direction, LogKind};

/// An answer to a Close frame that takes longer is late.
const PROMPT: Duration = Duration::from_secs(1);

/// What a profile found.
pub(super) struct Judged {
    pub(super) checks: Vec<Check>,
    /// Nothing is broken, but what came is told rather than graded.
    pub(super) informs: Option<String>,
}

pub(super) fn judge(profile: &Profile, case: &Case, observation: &Observation) -> Judged {
    let bench = Bench { case, observation };
    match profile {
        Profile::Fails(fails) => bench.fails(fails),
        Profile::Closes(closes) => bench.closes(closes),
        Profile::Tolerates(tolerates) => bench.tolerates(tolerates),
        Profile::Driven => Judged { checks: Vec::new(), informs: None },
    }
}

/// The case and what was seen.
struct Bench<'a> {
    case: &'a Case,
    observation: &'a Observation,
}

impl Bench<'_> {
    fn fails(&self, fails: &Fails) -> Judged {
        let waited = |event: &Event| match event {
            Event::Elapsed(tag) => fails.late == Some(*tag) || fails.waits == Some(*tag),
            _ => false,
        };
        let events: Vec<&Event> = self.observation.events.iter().filter(|event| !waited(event)).collect();
        if let Some((intact, because)) = &fails.tolerated
            && are(&events, intact)
        {
            let observed = format!("what was meant was delivered ({because})");
            return only(self.check("fails", Level::Should, false, "the connection to be failed", &observed));
        }
        let mut checks = vec![self.before(&events, &fails.before, Level::Should)];
        if fails.waits.is_some_and(|tag| self.observation.events.contains(&Event::Elapsed(tag))) {
            return Judged { checks, informs: Some("the peer waits for more".to_string()) };
        }
        checks.extend(self.failing(fails));
        let late = self.observation.events.iter().any(waited);
        let informs = late.then(|| "the connection was failed only when more had come".to_string());
        Judged { checks, informs }
    }

    /// Whether and how the peer failed the connection.
    fn failing(&self, fails: &Fails) -> Vec<Check> {
        let close = &self.observation.close;
        let expected = format!("the peer to fail the connection with {}", words::codes(&fails.codes));
        if close.closed_by_me && close.remote_code.is_none() && close.tcp != Some(TcpEnd::PeerFin)
            || self.observation.ran_out
        {
            let observed = words::ending(self.observation);
            return vec![self.check("fails", Level::Must, false, &expected, &observed)];
        }
        let answered = fails.answered.as_ref().filter(|_| self.close_received());
        let (ok, observed) = match (close.remote_code, self.close_received(), answered) {
            (Some(code), ..) if fails.codes.contains(&code) => (true, words::close_code(Some(code))),
            (code, _, Some(because)) => (false, format!("{} ({because})", words::close_code(code))),
            (Some(code), ..) => (false, words::close_code(Some(code))),
            (None, true, _) => (false, "a Close frame without a code".into()),
            (None, false, _) => (false, "the end of TCP without a Close frame".into()),
        };
        vec![self.check("close.code", Level::Should, ok, &expected, &observed), self.end_of_tcp()]
    }

    fn closes(&self, closes: &Closes) -> Judged {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let level = if closes.all_before { Level::Must } else { Level::Should };
        let mut checks = vec![self.before(&events, &closes.before, level)];
        if self.close_received() {
            checks.extend([self.answer_code(closes), self.prompt(), self.end_of_tcp()]);
        } else {
            let observed = words::ending(self.observation);
            checks.push(self.check(
                "close.answer",
                Level::Must,
                false,
                "the Close frame to be answered",
                &observed,
            ));
        }
        Judged { checks, informs: None }
    }

    fn answer_code(&self, closes: &Closes) -> Check {
        let code = self.observation.close.remote_code;
        let ok = code.is_none_or(|code| closes.codes.contains(&code));
        self.check("close.code", Level::Should, ok, &words::codes(&closes.codes), &words::close_code(code))
    }

    fn prompt(&self) -> Check {
        let sent = self.close_frame(Direction::Tx);
        let took = sent.zip(self.close_frame(Direction::Rx)).map(|(sent, got)| got.saturating_sub(sent));
        let ok = took.is_none_or(|took| took <= PROMPT);
        let observed = format!("after {:.1} s", took.unwrap_or_default().as_secs_f64());
        self.check("close.prompt", Level::Should, ok, "an answer within 1 s", &observed)
    }

    /// Who has to end TCP, and whether it did (RFC 6455 7.1.1).
    fn end_of_tcp(&self) -> Check {
        let close = &self.observation.close;
        let late = self.observation.role == TesterRole::Client && close.was_server_connection_drop_timeout;
        let (ok, observed) = match close.tcp {
            Some(TcpEnd::PeerReset) => (false, "TCP was reset"),
            _ if late => (false, "the server left TCP open"),
            _ => (true, "TCP was ended"),
        };
        Check {
            section: "RFC 6455 section 7.1.1".into(),
            ..self.check("close.tcp", Level::Should, ok, "the server to end TCP with FIN", observed)
        }
    }

    fn tolerates(&self, tolerates: &Tolerates) -> Judged {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let mut checks = vec![self.before(&events, &tolerates.intact, Level::May)];
        let close = &self.observation.close;
        if let Some(code) = close.remote_code.filter(|_| !close.closed_by_me) {
            let ok = tolerates.codes.contains(&code);
            let expected = words::codes(&tolerates.codes);
            checks.push(self.check(
                "close.code",
                Level::Should,
                ok,
                &expected,
                &words::close_code(Some(code)),
            ));
        }
        if self.observation.ran_out {
            let observed = words::ending(self.observation);
            checks.push(self.check("reaction", Level::Must, false, "a reaction", &observed));
        }
        let taken = events.len() == tolerates.intact.len();
        let informs = match &tolerates.grades {
            Tolerance::Either if taken => Some("the stimulus was taken as it is meant"),
            Tolerance::Either | Tolerance::MayRefuse if !taken => Some("the stimulus was refused"),
            Tolerance::BetterNotRefuse(because) if !taken => {
                let observed = format!("the stimulus was refused ({because})");
                let expected = words::list(&tolerates.intact);
                checks.push(self.check("events", Level::Should, false, &expected, &observed));
                None
            }
            _ => None,
        };
        Judged { checks, informs: informs.map(str::to_string) }
    }

    /// The events have to be the first of `wanted`; what is missing breaks a rule of that level.
    fn before(&self, events: &[&Event], wanted: &[Expected], missing: Level) -> Check {
        let common = events.iter().zip(wanted).take_while(|(event, wanted)| wanted.matches(event)).count();
        let expected = match wanted.len() {
            0 => "no message and no pong".to_string(),
            _ => words::list(wanted),
        };
        let seen: Vec<Event> = events.iter().map(|&event| event.clone()).collect();
        let observed = words::events(&seen);
        let extra = common < events.len() || self.observation.events_dropped > 0;
        let ok = !extra && (common == wanted.len() || missing == Level::May);
        let level = if extra { Level::Must } else { missing };
        self.check("events", level, ok, &expected, &observed)
    }

    fn close_received(&self) -> bool {
        let frames = &self.observation.stats.rx_frames;
        frames.get(&Opcode::CLOSE.bits()).copied().unwrap_or(0) > 0
    }

    fn close_frame(&self, way: Direction) -> Option<Time> {
        self.observation.log.entries.iter().find_map(|entry| match &entry.kind {
            LogKind::Frame { direction, header, .. }
                if *direction == way && header.opcode == Opcode::CLOSE =>
            {
                Some(entry.at)
            }
            _ => None,
        })
    }

    fn check(&self, id: &'static str, level: Level, ok: bool, expected: &str, observed: &str) -> Check {
        let section = self.case.rules.first().map_or_else(String::new, ToString::to_string);
        Check { id, level, section, ok, expected: expected.into(), observed: observed.into(), entry: None }
    }
}

fn only(check: Check) -> Judged {
    Judged { checks: vec![check], informs: None }
}

fn are(events: &[&Event], wanted: &[Expected]) -> bool {
    events.len() == wanted.len() && wanted.iter().zip(events).all(|(wanted, event)| wanted.matches(event))
}
