//! Peers that want to hang the tester, fill its memory or look green: every case, both roles.

use std::collections::BTreeSet;
use std::time::Duration;

use wsspec_cases::words::text;
use wsspec_cases::{COMMANDS, Case, Event, Play, Profile, Step, suite};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit, TesterEnd, play};
use wsspec_engine::{
    CaseRun, LogKind, Observation, Settings, Snippet, TcpEnd, TesterRole, Time, Transmit, Verdict, WireLog,
    judge,
};
use wsspec_wire::{
    Deflater, FrameHeader, HeadBuffer, HeadProgress, LengthForm, Opcode, RequestHead, Rsv, accept_key,
    write_response,
};

use crate::common::{Endpoint, case, connecting, opening, playable, request, request_with};

/// What a hostile peer does as soon as it can, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Says nothing at all, not even in the opening handshake.
    Mute,
    /// Ends TCP at once.
    Drops,
    /// Answers the request with noise.
    NotHttp,
    /// Opens the connection, then says nothing.
    Silent,
    /// Opens the connection, then resets TCP.
    Resets,
    /// Noise without end.
    Noise,
    /// One message whose fragments never end.
    Fragments,
    /// Messages without end.
    Messages,
    /// Pings without end.
    Pings,
    /// Pongs without end.
    Pongs,
    /// A frame of 2^63 - 1 octets.
    Giant,
    /// A Close frame, then messages without end.
    ClosesAndGoesOn,
    /// Close frames without end.
    Closes,
}

const KINDS: [Kind; 13] = [
    Kind::Mute,
    Kind::Drops,
    Kind::NotHttp,
    Kind::Silent,
    Kind::Resets,
    Kind::Noise,
    Kind::Fragments,
    Kind::Messages,
    Kind::Pings,
    Kind::Pongs,
    Kind::Giant,
    Kind::ClosesAndGoesOn,
    Kind::Closes,
];

struct Hostile {
    kind: Kind,
    /// A client masks, as else each frame would be the same fault.
    masks: bool,
    head: HeadBuffer,
    response: Option<Vec<u8>>,
    open: bool,
    /// How many transmissions there were since the connection is open.
    count: u32,
    noise: u32,
}

impl Hostile {
    fn new(kind: Kind, role: TesterRole) -> Self {
        let is_client = role == TesterRole::Server;
        let head = HeadBuffer::new(4096);
        Self { kind, masks: is_client, head, response: None, open: is_client, count: 0, noise: 1 }
    }

    fn noise(&mut self, len: usize) -> Vec<u8> {
        let mut next = || {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 17;
            self.noise ^= self.noise << 5;
            self.noise as u8
        };
        (0..len).map(|_| next()).collect()
    }

    fn frame(&self, header: FrameHeader, payload: &[u8]) -> PeerTransmit {
        // The key 0 masks nothing.
        let header = FrameHeader { mask: self.masks.then_some([0; 4]), ..header };
        let mut out = Vec::new();
        header.encode(&mut out);
        out.extend_from_slice(payload);
        PeerTransmit::Octets(out)
    }

    fn simple(&self, opcode: Opcode, payload: &[u8]) -> PeerTransmit {
        self.frame(FrameHeader::new(opcode, payload.len() as u64), payload)
    }

    fn attack(&mut self) -> Option<PeerTransmit> {
        let first = self.count == 0;
        self.count += 1;
        let data = [b'a'; 1000];
        Some(match self.kind {
            Kind::Mute | Kind::Silent | Kind::NotHttp => return None,
            Kind::Drops => PeerTransmit::End(TcpEnd::PeerFin),
            Kind::Resets => PeerTransmit::End(TcpEnd::PeerReset),
            Kind::Noise => PeerTransmit::Octets(self.noise(1000)),
            Kind::Fragments => {
                let opcode = if first { Opcode::TEXT } else { Opcode::CONTINUATION };
                self.frame(FrameHeader { fin: false, ..FrameHeader::new(opcode, 1000) }, &data)
            }
            Kind::Messages => self.simple(Opcode::TEXT, &data),
            Kind::Pings => self.simple(Opcode::PING, &data[..125]),
            Kind::Pongs => self.simple(Opcode::PONG, &data[..125]),
            Kind::Giant if first => {
                let length_form = LengthForm::Bits64;
                let header = FrameHeader { length_form, ..FrameHeader::new(Opcode::BINARY, i64::MAX as u64) };
                self.frame(header, &data)
            }
            Kind::Giant => PeerTransmit::Octets(data.to_vec()),
            Kind::ClosesAndGoesOn if !first => self.simple(Opcode::TEXT, &data),
            Kind::ClosesAndGoesOn | Kind::Closes => self.simple(Opcode::CLOSE, &1000u16.to_be_bytes()),
        })
    }
}

impl Peer for Hostile {
    fn handle_input(&mut self, octets: &mut [u8], _: Time) {
        if self.open || self.response.is_some() {
            return;
        }
        if let HeadProgress::Complete { .. } = self.head.feed(octets) {
            let request = RequestHead::parse(self.head.octets());
            let accept = accept_key(request.headers.get("Sec-WebSocket-Key").unwrap());
            let mut headers = vec![
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", &accept[..]),
            ];
            if request.headers.get("Sec-WebSocket-Extensions").is_some() {
                headers.push(("Sec-WebSocket-Extensions", "permessage-deflate"));
            }
            if request.headers.get("Sec-WebSocket-Protocol").is_some() {
                headers.push(("Sec-WebSocket-Protocol", COMMANDS));
            }
            self.response = Some(write_response(101, "Switching Protocols", &headers));
        }
    }

    fn handle_end(&mut self, _: TesterEnd, _: Time) {}

    fn poll_transmit(&mut self, _: Time) -> Option<PeerTransmit> {
        if self.open {
            return self.attack();
        }
        match self.kind {
            Kind::Mute => None,
            Kind::Drops => Some(PeerTransmit::End(TcpEnd::PeerFin)),
            Kind::NotHttp => Some(PeerTransmit::Octets(self.noise(100))),
            _ => {
                let response = self.response.take()?;
                self.open = true;
                Some(PeerTransmit::Octets(response))
            }
        }
    }
}

fn client_request(case: &Case) -> RequestHead {
    let subprotocol = case.conduct.commands.then_some(COMMANDS);
    request_with(
        case.deflate
            .as_ref()
            .map(|_| "permessage-deflate; client_no_context_takeover; client_max_window_bits"),
        subprotocol,
    )
}

fn start(case: &Case, role: TesterRole) -> CaseRun<'_> {
    match role {
        TesterRole::Client => CaseRun::client(case, &opening(), Settings::default()),
        TesterRole::Server => CaseRun::server(case, &client_request(case), Settings::default()),
    }
}

/// What a run may take: the opening handshake, the case, the closing handshake and the end of TCP.
fn longest(case: &Case) -> Duration {
    let Settings { open_timeout, close_timeout, linger_timeout, .. } = Settings::default();
    open_timeout + case.time_limit + close_timeout + linger_timeout
}

fn suffer(case: &Case, kind: Kind, role: TesterRole) -> Observation {
    let mut pair = Pair::new(start(case, role), Hostile::new(kind, role));
    // Slow enough that the timers of the case are reached with few transmissions.
    pair.delay = case.time_limit / 25;
    let (observation, _) = pair.finish();
    let took = observation.duration;
    let bound = longest(case) + case.time_limit / 10;
    assert!(took <= bound, "{} as {role:?} against {kind:?} took {took:?}", case.id);
    observation
}

/// Octets that an observation keeps.
fn kept(observation: &Observation) -> usize {
    let of_event = |event: &Event| match event {
        Event::Message { payload, .. } | Event::Pong(payload) => payload.kept.len(),
        Event::Elapsed(_) => 0,
    };
    let of_entry = |kind: &LogKind| match kind {
        LogKind::Octets { data, .. } => data.kept.len(),
        LogKind::Frame { payload, .. } => payload.kept.len(),
        LogKind::Failed(reason) => reason.len(),
        _ => 0,
    };
    observation.events.iter().map(of_event).sum::<usize>()
        + observation.log.entries.iter().map(|entry| of_entry(&entry.kind)).sum::<usize>()
        + observation.handshake.response.len()
}

/// Whether a conforming peer could look like that. Ending TCP, or closing, is how a peer fails a connection.
fn may_pass(kind: Kind) -> bool {
    matches!(kind, Kind::Resets | Kind::Drops | Kind::Closes | Kind::ClosesAndGoesOn)
}

/// A connection that is there for the next one: nothing is judged on it.
fn only_plays(case: &Case) -> bool {
    matches!((&case.play, &case.profile), (Play::Script(_), Some(Profile::Driven)))
}

fn every_case_survives(role: TesterRole) {
    for case in connecting(role) {
        for kind in KINDS {
            let observation = suffer(case, kind, role);
            let name = format!("{} as {role:?} against {kind:?}", case.id);
            assert!(observation.log.entries.len() <= 2 * WireLog::KEPT, "{name}");
            assert!(kept(&observation) < 256 * 1024 + 2 * WireLog::KEPT * Snippet::KEPT, "{name}");
            let never_opened = observation.handshake.never_opened.is_some();
            let verdict = judge(case, observation).verdict;
            let green = matches!(verdict, Verdict::Pass | Verdict::NonStrict);
            assert!(!green || (may_pass(kind) || only_plays(case)) && !never_opened, "{name}: {verdict:?}");
            assert!(!never_opened || verdict.is_red() || case.conduct.hurries, "{name}: {verdict:?}");
        }
    }
}

#[test]
fn no_hostile_server_hangs_a_case_or_looks_green() {
    every_case_survives(TesterRole::Client);
}

#[test]
fn no_hostile_client_hangs_a_case_or_looks_green() {
    every_case_survives(TesterRole::Server);
}

/// A case of several connections, each against a peer of that kind.
fn no_series_looks_green(role: TesterRole) {
    for case in playable(role).filter(|case| case.series().is_some()) {
        for kind in KINDS {
            let outcome = play(case, role, Some(40), |part| suffer(part, kind, role));
            let green = matches!(outcome.verdict, Verdict::Pass | Verdict::NonStrict);
            let summary = &outcome.summary;
            assert!(!green || may_pass(kind), "{} as {role:?} against {kind:?}: {summary}", case.id);
        }
    }
}

#[test]
fn no_hostile_server_makes_a_series_green() {
    no_series_looks_green(TesterRole::Client);
}

#[test]
fn no_hostile_client_makes_a_series_green() {
    no_series_looks_green(TesterRole::Server);
}

/// Conforms for so many transmissions, and then turns on the tester.
struct Turncoat {
    endpoint: Endpoint,
    left: u32,
    /// Transmissions so far that conform.
    sent: u32,
    hostile: Hostile,
}

impl Peer for Turncoat {
    fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        if self.left > 0 {
            self.endpoint.handle_input(octets, now);
        }
    }

    fn handle_end(&mut self, how: TesterEnd, now: Time) {
        self.endpoint.handle_end(how, now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Time) -> Option<PeerTransmit> {
        if self.left == 0 {
            return self.hostile.attack();
        }
        let transmit = self.endpoint.poll_transmit(now)?;
        self.left -= 1;
        self.sent += 1;
        Some(transmit)
    }

    fn poll_timeout(&self) -> Option<Time> {
        if self.left > 0 { self.endpoint.poll_timeout() } else { None }
    }
}

/// How a peer turns on the tester: it stalls, drops, resets, answers with noise, floods.
const TURNS: [Kind; 5] = [Kind::Silent, Kind::Drops, Kind::Resets, Kind::Noise, Kind::Messages];
/// Transmissions of a conforming peer after which it turns: all, or so many that lie evenly apart. The response is
/// the first one of a server.
const STEPS: u32 = 6;

/// Plays the case against a peer that turns after so many transmissions. Says how many of them conformed.
fn betray(case: &Case, role: TesterRole, kind: Kind, left: u32) -> (Observation, u32) {
    let hostile = Hostile { open: true, ..Hostile::new(kind, role) };
    let settings = Settings { loop_count: Some(3), ..Settings::default() };
    let (endpoint, run) = match role {
        TesterRole::Client => (Endpoint::server(), CaseRun::client(case, &opening(), settings)),
        TesterRole::Server => {
            let (endpoint, request) = Endpoint::client(case);
            (endpoint, CaseRun::server(case, &request, settings))
        }
    };
    let mut pair = Pair::new(run, Turncoat { endpoint, left, sent: 0, hostile });
    pair.delay = case.time_limit / 200;
    let (observation, peer) = pair.finish();
    (observation, peer.sent)
}

/// The first steps, the last ones, and a few between them.
fn turns(steps: u32) -> BTreeSet<u32> {
    let spread = (0..=STEPS).map(|n| u64::from(n) * u64::from(steps) / u64::from(STEPS));
    let spread = spread.filter_map(|step| u32::try_from(step).ok());
    spread.chain([1, 2, 3, steps.saturating_sub(1)]).filter(|step| (1..=steps).contains(step)).collect()
}

/// Whether all came that comes from a peer that does not turn, and the end of it, where the end is judged.
fn is_done(case: &Case, observation: &Observation, whole: &[Event]) -> bool {
    let closed = observation.stats.rx_frames.contains_key(&Opcode::CLOSE.bits());
    let ended = matches!(observation.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
    observation.events.starts_with(whole)
        && match &case.profile {
            Some(Profile::Driven | Profile::Tolerates(_)) => true,
            Some(Profile::Ends(_)) => closed || ended,
            None if !case.close.clean => closed || ended,
            _ => closed,
        }
}

/// Whether a peer that did not do all of the case may be found non-strict: it ends TCP, or waits for more.
fn may_be_non_strict(case: &Case, kind: Kind) -> bool {
    let waits = matches!(&case.profile, Some(Profile::Fails(fails)) if fails.waits.is_some());
    may_pass(kind) || waits && kind == Kind::Silent
}

fn no_turncoat_hangs_a_new_case_or_passes(role: TesterRole) {
    let mut passed = 0;
    let cases: Vec<&Case> = connecting(role).filter(|case| case.id.section() > 13).collect();
    for case in &cases {
        // What the peer conforms with so far may be kept, too.
        let lawful: usize = case.expected().map(wsspec_cases::Expected::len).sum();
        let (observation, steps) = betray(case, role, Kind::Silent, u32::MAX);
        let whole = observation.events.clone();
        passed += usize::from(judge(case, observation).verdict == Verdict::Pass);
        let points = turns(steps).into_iter().flat_map(|left| TURNS.map(|kind| (kind, left)));
        for (kind, left) in points {
            let name = format!("{} as {role:?} against {kind:?} after {left} of {steps}", case.id);
            let observation = betray(case, role, kind, left).0;
            let (took, bound) = (observation.duration, longest(case) + case.time_limit / 5);
            assert!(took <= bound, "{name} took {took:?} of {bound:?}");
            assert!(kept(&observation) < lawful + 256 * 1024 + 2 * WireLog::KEPT * Snippet::KEPT, "{name}");
            let done = is_done(case, &observation, &whole);
            let verdict = judge(case, observation).verdict;
            let lawful = verdict == Verdict::NonStrict && may_be_non_strict(case, kind);
            let green = matches!(verdict, Verdict::Pass | Verdict::NonStrict);
            assert!(!green || done || lawful, "{name}: {verdict:?}");
        }
    }
    assert!(passed * 10 > cases.len() * 9, "a conforming peer passes, or its steps mean nothing: {passed}");
}

#[test]
fn no_server_that_turns_hostile_half_way_hangs_a_new_case_or_passes() {
    no_turncoat_hangs_a_new_case_or_passes(TesterRole::Client);
}

#[test]
fn no_client_that_turns_hostile_half_way_hangs_a_new_case_or_passes() {
    no_turncoat_hangs_a_new_case_or_passes(TesterRole::Server);
}

#[test]
fn a_peer_that_never_reads_ends_with_the_timers() {
    for case in connecting(TesterRole::Server) {
        let mut run = start(case, TesterRole::Server);
        let mut now = Duration::ZERO;
        while !run.is_finished() {
            now = run.poll_timeout().unwrap_or_else(|| panic!("{} waits without a timer", case.id));
            run.handle_timeout(now);
        }
        assert!(now <= longest(case), "{} took {now:?}", case.id);
        let ends: Vec<Transmit> = std::iter::from_fn(|| run.poll_transmit(now)).collect();
        let gone = matches!(&ends[..], [Transmit::Drop | Transmit::Reset] | [Transmit::Fin, Transmit::Drop]);
        assert!(gone, "{}: {ends:?}", case.id);
    }
}

#[test]
fn a_flood_of_pings_is_answered_from_bounded_memory() {
    let case = case([]);
    let mut run = CaseRun::server(&case, &request(None), Settings::default());
    let now = Duration::ZERO;
    let Some(Transmit::Octets { .. }) = run.poll_transmit(now) else { panic!("the response") };
    for number in 0..100_000u32 {
        let mut ping = [&[0x89, 0x84, 0, 0, 0, 0][..], &number.to_be_bytes()[..]].concat();
        run.handle_input(&mut ping, now);
    }
    let mut octets = Vec::new();
    while let Some(Transmit::Octets { data, .. }) = run.poll_transmit(now) {
        octets.extend_from_slice(&data);
    }
    assert_eq!(octets.len(), 1024 * 6, "1,024 pongs");
    assert!(octets.ends_with(&99_999u32.to_be_bytes()), "the latest one among them (RFC 6455 5.5.3)");
}

#[test]
fn a_large_message_of_the_peer_is_read_without_being_kept() {
    let mut case = case([Step::Send(text("x"))]);
    case.ok([]);
    let mut run = CaseRun::server(&case, &request(None), Settings::default());
    let now = Duration::ZERO;
    let mut header = Vec::new();
    FrameHeader { mask: Some([0; 4]), ..FrameHeader::new(Opcode::BINARY, 1 << 28) }.encode(&mut header);
    run.handle_input(&mut header, now);
    let mut piece = vec![0; 64 * 1024];
    for _ in 0..(1 << 28) / piece.len() {
        run.handle_input(&mut piece, now);
    }
    let observation = run.finish(now);
    let Event::Message { payload, .. } = &observation.events[0] else { panic!("the message") };
    assert_eq!(payload.len, 1 << 28);
    assert!(kept(&observation) < 128 * 1024);
}

#[test]
fn a_compression_bomb_is_counted_and_not_kept() {
    let case = suite().get("12.1.1".parse().unwrap()).expect("a case with compression");
    let mut run = CaseRun::server(case, &client_request(case), Settings::default());
    let now = Duration::ZERO;
    let mut bomb = Vec::new();
    Deflater::new(15, 9).unwrap().message(&vec![0; 64 << 20], &mut bomb);
    let length = bomb.len() as u64;
    let header =
        FrameHeader { rsv: Rsv::RSV1, mask: Some([0; 4]), ..FrameHeader::new(Opcode::BINARY, length) };
    let mut octets = Vec::new();
    header.encode(&mut octets);
    octets.append(&mut bomb);
    run.handle_input(&mut octets, now);
    let observation = run.finish(now);
    assert_eq!(observation.traffic.rx_app, 64 << 20);
    assert_eq!(observation.traffic.rx_ws, length);
    assert!(kept(&observation) < 128 * 1024);
}
