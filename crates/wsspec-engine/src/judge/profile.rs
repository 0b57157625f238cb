//! Judges the cases whose accepted outcomes are told by a profile.

use std::time::Duration;

use wsspec_cases::{
    Awaited, Case, Closes, EndOfTcp, Ends, Event, Expected, Fails, Level, Messages, PeerCloses, Profile,
    Tolerance, Tolerates,
};
use wsspec_wire::Opcode;

use super::{places, words};
use crate::Time;
use crate::found::{Found, Wanted, close_code};
use crate::observation::{Observation, TcpEnd, TesterRole};
use crate::outcome::Check;
use crate::wire_log::{Direction, LogKind};

/// An answer to a Close frame that takes longer is late.
const PROMPT: Duration = Duration::from_secs(1);

/// RFC 6455 7.1.1.
const BY_SERVER: &str = "the server to end TCP with FIN";

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
        Profile::PeerCloses(closes) => bench.peer_closes(closes),
        Profile::Ends(ends) => bench.ends(ends),
        Profile::Tolerates(tolerates) => bench.tolerates(tolerates),
        Profile::Driven => Judged { checks: Vec::new(), informs: None },
    }
}

/// Whether the close code that nobody may send is judged milder in this case: of codes from 5000 on the RFC
/// says nothing (RFC 6455 7.4.2).
pub(super) fn forgives(case: &Case, observation: &Observation) -> bool {
    let fault = observation.fault.as_ref().is_some_and(|fault| fault.id == "close.code.unlawful");
    let beyond = observation.close.remote_code.filter(|&code| fault && code >= 5000);
    beyond.is_some_and(|code| match &case.profile {
        Some(Profile::Fails(fails)) => fails.echoed == Some(code),
        Some(Profile::PeerCloses(closes)) => closes.codes.is_empty(),
        _ => false,
    })
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
            let observed = Found::other("it was taken, and what it holds was delivered").because(&**because);
            let check = self.check("fails", Level::Should, false, Wanted::failing(), observed);
            let last = self.observation.events.len().checked_sub(1);
            return only(check.at(last.and_then(|last| places::event(self.observation, last))));
        }
        let mut before = self.before(&events, &fails.before, Level::Should);
        if !before.ok && before.level == Level::Must {
            before.expected = Wanted::failing();
        }
        let mut checks = vec![before];
        if fails.waits.is_some_and(|tag| self.observation.events.contains(&Event::Elapsed(tag))) {
            let observed = Found::other("the peer waits for more");
            let Some(because) = &fails.waits_because else {
                return Judged { checks, informs: Some(observed.to_string()) };
            };
            let check =
                self.check("fails", Level::Should, false, Wanted::failing(), observed.because(&**because));
            checks.push(check.at(places::stimulus(self.observation)));
            return Judged { checks, informs: None };
        }
        checks.extend(self.failing(fails));
        checks.extend(self.behind_the_close());
        let late = self.observation.events.iter().any(waited);
        let informs = late.then(|| "the connection was failed only when more had come".to_string());
        Judged { checks, informs }
    }

    /// Whether and how the peer failed the connection.
    fn failing(&self, fails: &Fails) -> Vec<Check> {
        let close = &self.observation.close;
        let expected = Wanted::Failing { codes: fails.codes.clone() };
        let by_peer = matches!(close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
        if close.closed_by_me && !self.close_received() && !by_peer || self.observation.ran_out {
            let observed = words::ending(self.observation);
            let check = self.check("fails", Level::Must, false, expected.clone(), observed);
            let code = self.check("close.code", Level::Should, true, expected, Found::other(""));
            let check = check.at(places::stimulus(self.observation));
            return vec![check, code.unreached(), self.end_of_tcp().unreached()];
        }
        let answered = fails.answered.as_ref().filter(|_| self.close_received());
        if answered.is_none() && self.answered_as_if_lawful(fails) {
            let code = close_code(close.remote_code);
            let observed = Found::other(format!("it was answered as if it were lawful, with {code}"));
            let check = self.check("fails", Level::Must, false, expected, observed);
            return vec![check.at(places::close_frame(self.observation))];
        }
        let (ok, observed) = match (close.remote_code, self.close_received(), answered) {
            (Some(code), ..) if fails.codes.contains(&code) => (true, Found::Code { code: Some(code) }),
            (code, _, Some(because)) => (false, Found::Code { code }.because(&**because)),
            (code @ Some(_), ..) => (false, Found::Code { code }),
            (None, true, _) => (false, Found::CodelessClose),
            (None, false, _) => (false, Found::NoCloseFrame),
        };
        let code = self.check("close.code", Level::Should, ok, expected, observed);
        vec![code.at(places::ending(self.observation)), self.end_of_tcp()]
    }

    /// Whether the tester's Close frame, which broke a rule, got its own code back. An answer with another code cannot
    /// be told from a failure with an unusual one, nor one without a code from a failure without.
    fn answered_as_if_lawful(&self, fails: &Fails) -> bool {
        let close = &self.observation.close;
        close.closed_by_me
            && close
                .remote_code
                .is_some_and(|code| Some(code) == close.local_code && !fails.codes.contains(&code))
    }

    fn closes(&self, closes: &Closes) -> Judged {
        let mut checks = vec![self.before_the_answer(closes)];
        if self.close_received() {
            checks.extend([self.answer_code(closes), self.prompt(closes), self.end_of_tcp()]);
        } else {
            let by_peer = matches!(self.observation.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
            let level = if closes.may_fail && by_peer { Level::Should } else { Level::Must };
            checks.push(Check { level, ..self.no_answer() });
            let behind = [self.answer_code(closes), self.prompt(closes), self.end_of_tcp()];
            checks.extend(behind.map(Check::unreached));
        }
        checks.extend(self.behind_the_close());
        let told = closes.messages == Some(Messages::Any);
        let messages = self.observation.traffic.rx_messages;
        let took = self.answer_took().unwrap_or_default().as_secs_f64();
        let told = told.then(|| format!("the answer came after {messages} messages and {took:.1} s"));
        Judged { checks, informs: told.or_else(|| self.end_told()) }
    }

    fn before_the_answer(&self, closes: &Closes) -> Check {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let came = self.observation.traffic.rx_messages;
        let only_messages = events.iter().all(|event| matches!(event, Event::Message { .. }));
        let (level, ok, expected) = match closes.messages {
            None => {
                let level = if closes.all_before { Level::Must } else { Level::Should };
                return self.before(&events, &closes.before, level);
            }
            Some(Messages::Any) => (Level::Must, only_messages, Wanted::other("messages only")),
            Some(Messages::Exactly(count)) => {
                let level = if only_messages && came <= count { Level::Should } else { Level::Must };
                (level, only_messages && came == count, Wanted::other(format!("{count} messages")))
            }
        };
        let check = self.check("events", level, ok, expected, Found::Messages { count: came });
        let strange = events.iter().position(|event| !matches!(event, Event::Message { .. }));
        let strange = strange.and_then(|at| places::event(self.observation, at));
        check.at(strange.or_else(|| places::ending(self.observation)))
    }

    fn no_answer(&self) -> Check {
        let observed = words::ending(self.observation);
        let expected = Wanted::other("the Close frame to be answered");
        let check = self.check("close.answer", Level::Must, false, expected, observed);
        check.at(places::sent_close(self.observation).or_else(|| places::ending(self.observation)))
    }

    fn peer_closes(&self, closes: &PeerCloses) -> Judged {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let mut checks = vec![self.before(&events, &closes.perhaps, Level::May)];
        checks.extend(self.behind_the_close());
        let close = &self.observation.close;
        let forgiven = forgives(self.case, self.observation);
        if self.close_received() && (!close.closed_by_me || forgiven) {
            checks.extend([self.code_asked_for(closes, forgiven), self.reason(closes), self.end_of_tcp()]);
            checks.extend(self.waited_for_the_answer());
            let informs = match (closes.perhaps.is_empty(), events.is_empty()) {
                (true, _) => self.end_told(),
                (false, true) => Some("nothing was answered behind its Close frame".to_string()),
                (false, false) => Some(format!(
                    "answered behind its Close frame: {}",
                    words::list(self.case, &closes.perhaps)
                )),
            };
            return Judged { checks, informs };
        }
        if closes.may_refuse {
            checks.extend((!self.close_received()).then(|| self.no_answer()));
            let silent = self.observation.refused.is_none();
            let informs = silent.then(|| "the command was neither obeyed nor refused".to_string());
            return Judged { checks, informs };
        }
        let observed = words::ending(self.observation);
        let expected = Wanted::other("a Close frame, as was told");
        let check = self.check("close.peer", Level::Must, false, expected, observed);
        checks.push(check.at(places::stimulus(self.observation)));
        let behind = [self.code_asked_for(closes, false), self.reason(closes), self.end_of_tcp()];
        checks.extend(behind.map(Check::unreached));
        Judged { checks, informs: None }
    }

    /// A peer that ends TCP before the answer to its Close frame leaves the closing handshake undone.
    fn waited_for_the_answer(&self) -> Option<Check> {
        let close = &self.observation.close;
        let ended = matches!(close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
        let undone = ended && !close.was_clean && self.case.close.tcp != EndOfTcp::Told;
        let observed = Found::other("the peer ended TCP before its Close frame was answered");
        let expected = Wanted::other("Close frames both ways");
        let check = self.check("close.clean", Level::Should, false, expected, observed);
        undone.then(|| check.at(places::end_of_tcp(self.observation)))
    }

    fn code_asked_for(&self, closes: &PeerCloses, forgiven: bool) -> Check {
        let code = self.observation.close.remote_code;
        let expected = match &closes.codes[..] {
            [] => Wanted::other("a lawful code or none"),
            codes => Wanted::Codes { codes: codes.to_vec() },
        };
        let (level, ok) = match code {
            _ if forgiven => (Level::Should, false),
            Some(code) => (Level::Must, closes.codes.is_empty() || closes.codes.contains(&code)),
            None => (Level::Must, closes.bare),
        };
        let check = self.check("close.code", level, ok, expected, Found::Code { code });
        check.at(places::close_frame(self.observation))
    }

    /// A reason that nobody asked for is lawful; one that is not the one asked for is not what was meant.
    fn reason(&self, closes: &PeerCloses) -> Check {
        let reason = self.observation.close.remote_reason.as_deref().unwrap_or_default();
        let ok = reason == closes.reason || closes.cut && closes.reason.starts_with(reason);
        let ok = ok || closes.codes.is_empty();
        let level = if closes.reason.is_empty() { Level::Should } else { Level::Must };
        let words = |reason: &[u8]| Found::Reason { text: words::visible(&String::from_utf8_lossy(reason)) };
        let expected = Wanted::other(words(&closes.reason).to_string());
        let check = self.check("close.reason", level, ok, expected, words(reason));
        check.at(places::close_frame(self.observation))
    }

    fn ends(&self, ends: &Ends) -> Judged {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let mut checks = vec![self.before(&events, &ends.perhaps, Level::May), self.end_of_tcp()];
        checks.extend(self.behind_the_close());
        let told = (!ends.perhaps.is_empty()).then(|| match events.is_empty() {
            true => "nothing came back".to_string(),
            false => format!("this came back: {}", words::list(self.case, &ends.perhaps)),
        });
        Judged { checks, informs: told.or_else(|| self.end_told()) }
    }

    /// What the peer sent behind its own Close frame (RFC 6455 5.5.1).
    fn behind_the_close(&self) -> Option<Check> {
        let breach = self.observation.watched.find(&["close.again", "close.data"])?;
        let section = breach.fault.section.to_string();
        let expected = Wanted::other("the Close frame to be the last");
        let observed = Found::Breach { text: breach.fault.text.clone() };
        let check = self.check("close.last", Level::Must, false, expected, observed);
        Some(Check { section, ..check }.at(places::behind_the_close(self.observation)))
    }

    fn answer_code(&self, closes: &Closes) -> Check {
        let code = self.observation.close.remote_code;
        let ok = code.is_none_or(|code| closes.codes.contains(&code));
        let expected = Wanted::Codes { codes: closes.codes.clone() };
        let check = self.check("close.code", Level::Should, ok, expected, Found::Code { code });
        check.at(places::close_frame(self.observation))
    }

    fn prompt(&self, closes: &Closes) -> Check {
        let took = self.answer_took();
        let prompt = closes.prompt.unwrap_or(PROMPT);
        let ok = took.is_none_or(|took| took <= self.scaled(prompt));
        let observed = Found::Late { after_us: words::micros(took.unwrap_or_default()) };
        let expected = Wanted::other(format!("an answer within {} s", prompt.as_secs_f64()));
        let check = self.check("close.prompt", Level::Should, ok, expected, observed);
        check.at(places::close_frame(self.observation))
    }

    /// From the tester's Close frame to the peer's.
    fn answer_took(&self) -> Option<Duration> {
        let sent = self.close_frame(Direction::Tx);
        sent.zip(self.close_frame(Direction::Rx)).map(|(sent, got)| got.saturating_sub(sent))
    }

    fn scaled(&self, time: Duration) -> Duration {
        if self.observation.time_scale > 0.0 { time.mul_f64(self.observation.time_scale) } else { time }
    }

    /// Who has to end TCP, and whether it did (RFC 6455 7.1.1).
    fn end_of_tcp(&self) -> Check {
        let close = &self.observation.close;
        let by_peer = matches!(close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
        let delay = self.observation.end_delay.unwrap_or_default();
        let late = self.observation.role == TesterRole::Client && close.was_server_connection_drop_timeout;
        let after = format!("the peer ended TCP after {:.1} s", delay.as_secs_f64());
        let (level, ok, expected, observed) = match (self.case.close.tcp, close.tcp) {
            (EndOfTcp::Within(soon, latest), _) => {
                let level = if by_peer && delay <= self.scaled(latest) { Level::Should } else { Level::Must };
                let expected = format!("the peer to end TCP within {} s", soon.as_secs_f64());
                let observed = if by_peer { after } else { "the peer left TCP open".into() };
                let ok = close.tcp == Some(TcpEnd::PeerFin) && delay <= self.scaled(soon);
                (level, ok, expected, observed)
            }
            (EndOfTcp::NotBefore(time), _) if by_peer && delay < self.scaled(time) => {
                let expected = format!("the peer to leave TCP open for {} s", time.as_secs_f64());
                (Level::Should, false, expected, after)
            }
            (_, Some(TcpEnd::PeerReset)) => (Level::Should, false, BY_SERVER.into(), "TCP was reset".into()),
            (EndOfTcp::ByTheServer, _) if late => {
                (Level::Should, false, BY_SERVER.into(), "the server left TCP open".into())
            }
            _ => (Level::Should, true, BY_SERVER.into(), "TCP was ended".into()),
        };
        let check = Check::new("close.tcp", level, "RFC 6455 section 7.1.1", ok);
        let check = check.of(Wanted::other(expected), Found::other(observed));
        Check { entry: places::end_of_tcp(self.observation), ..check }
    }

    /// When TCP ended, if that is told rather than judged.
    fn end_told(&self) -> Option<String> {
        if self.case.close.tcp != EndOfTcp::Told {
            return None;
        }
        Some(match self.observation.end_delay {
            Some(delay) => format!("the peer ended TCP after {:.1} s", delay.as_secs_f64()),
            None if self.observation.overdue == Some(Awaited::EndOfTcp) => {
                "the peer had not ended TCP when the case was over".to_string()
            }
            None => "TCP was ended".to_string(),
        })
    }

    fn tolerates(&self, tolerates: &Tolerates) -> Judged {
        let events: Vec<&Event> = self.observation.events.iter().collect();
        let mut checks = vec![self.before(&events, &tolerates.intact, Level::May)];
        let close = &self.observation.close;
        if let Some(code) = close.remote_code.filter(|_| !close.closed_by_me) {
            let ok = tolerates.codes.contains(&code);
            let expected = Wanted::Codes { codes: tolerates.codes.clone() };
            let observed = Found::Code { code: Some(code) };
            let check = self.check("close.code", Level::Should, ok, expected, observed);
            checks.push(check.at(places::close_frame(self.observation)));
        }
        if self.observation.ran_out {
            let observed = words::ending(self.observation);
            let check = self.check("reaction", Level::Must, false, Wanted::other("a reaction"), observed);
            checks.push(check.at(places::stimulus(self.observation)));
        }
        let taken = events.len() == tolerates.intact.len();
        let by_peer = matches!(close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
        let refused = !taken && matches!(tolerates.grades, Tolerance::MayRefuse);
        if refused && by_peer && !self.close_received() {
            let observed = Found::other("TCP was ended without one");
            let expected = Wanted::other("a Close frame that tells why");
            let check = self.check("close.code", Level::Should, false, expected, observed);
            checks.push(check.at(places::end_of_tcp(self.observation)));
        }
        let informs = match &tolerates.grades {
            Tolerance::Either if taken => Some("what was sent was taken as it is meant"),
            Tolerance::Either | Tolerance::MayRefuse if !taken => Some("what was sent was refused"),
            Tolerance::BetterNotRefuse(because) if !taken => {
                let observed = Found::other("what was sent was refused").because(&**because);
                let expected = words::list(self.case, &tolerates.intact);
                let check = self.check("events", Level::Should, false, expected, observed);
                checks.push(check.at(places::ending(self.observation)));
                None
            }
            _ => None,
        };
        Judged { checks, informs: informs.map(str::to_string) }
    }

    /// The events have to be the first of `wanted`; what is missing breaks a rule of that level.
    fn before(&self, events: &[&Event], wanted: &[Expected], missing: Level) -> Check {
        let common = events.iter().zip(wanted).take_while(|(event, wanted)| wanted.matches(event)).count();
        let expected = words::list(self.case, wanted);
        let seen: Vec<Event> = events.iter().map(|&event| event.clone()).collect();
        let observed = words::events(self.case, &seen);
        let extra = common < events.len() || self.observation.events_dropped > 0;
        let ok = !extra && (common == wanted.len() || missing == Level::May);
        let level = if extra { Level::Must } else { missing };
        let entry = places::event(self.observation, common);
        let entry = entry.or_else(|| places::unanswered(self.observation, wanted, common));
        self.check("events", level, ok, expected, observed).at(entry)
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

    fn check(&self, id: &'static str, level: Level, ok: bool, expected: Wanted, observed: Found) -> Check {
        Check::new(id, level, super::checks::section(self.case, level), ok).of(expected, observed)
    }
}

fn only(check: Check) -> Judged {
    Judged { checks: vec![check], informs: None }
}

fn are(events: &[&Event], wanted: &[Expected]) -> bool {
    events.len() == wanted.len() && wanted.iter().zip(events).all(|(wanted, event)| wanted.matches(event))
}
