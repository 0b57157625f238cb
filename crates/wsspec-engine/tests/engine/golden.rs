//! What goes on the wire, octet by octet: one golden file per section in `tests/golden`, for review.
//!
//! Scripts are played as a client to a server that opens the connection and then only listens; driven cases,
//! three rounds of them, to the built-in endpoint. A frame is a line: when it was sent, its header, its
//! unmasked payload. How TCP is ended follows: with FIN while reading goes on, as a whole, or with RST. Long payloads stand as length and hash. Compressed messages are shown decompressed, as
//! their octets depend on the compressor, unless the case wrote them itself and they are short. To write the files anew: `WSSPEC_UPDATE_GOLDEN=1`.

use std::fmt::Write as _;
use std::path::PathBuf;

use wsspec_cases::{Case, DeflateNeed, DeflateOffer, DeflatePlan, Play, Roles, Step, suite};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{CaseRun, Settings, Time};
use wsspec_wire::{FrameDecoder, FrameHeader, Inflater, Opcode, RequestHead, Rsv, Token};

use crate::common::{CONNECTIONS, Endpoint, Scripted, opening};

/// Longer payloads stand as length and hash.
const SHOWN: usize = 64;
/// More frames are cut in the middle.
const FRAMES: usize = 40;

#[test]
fn the_octets_of_every_case_are_those_of_the_golden_files() {
    let update = is_update();
    let mut stale = Vec::new();
    for section in suite().sections() {
        let cases = suite().cases().iter().filter(|case| case.id.section() == section.number);
        let text: String = cases.map(told).collect();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/golden/s{:02}.txt", section.number));
        if update {
            write(&path, &text);
        } else if let Some(line) = first_difference(&read(&path), &text) {
            stale.push(format!("{}: {line}", path.display()));
        }
    }
    assert!(stale.is_empty(), "{}\nto accept: WSSPEC_UPDATE_GOLDEN=1", stale.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a test may be told to update its files")]
fn is_update() -> bool {
    std::env::var_os("WSSPEC_UPDATE_GOLDEN").is_some()
}

#[expect(clippy::disallowed_methods, reason = "golden files")]
fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "golden files")]
fn write(path: &PathBuf, text: &str) {
    std::fs::write(path, text).expect("a golden file to write to");
}

fn first_difference(golden: &str, now: &str) -> Option<String> {
    let (mut golden, mut now) = (golden.lines(), now.lines());
    for number in 1.. {
        match (golden.next(), now.next()) {
            (None, None) => return None,
            (was, is) if was == is => {}
            (was, is) => {
                return Some(format!(
                    "line {number}\n  was {}\n  is  {}",
                    was.unwrap_or("nothing"),
                    is.unwrap_or("nothing")
                ));
            }
        }
    }
    None
}

/// A case as the golden file has it.
fn told(case: &Case) -> String {
    if case.is_passive() {
        return format!("{}\n  no connection\n", case.id);
    }
    if let Some(series) = case.series() {
        let connection = |number: u32| {
            let part = told(&case.part(number));
            let (_, lines) = part.split_once('\n').unwrap_or_default();
            format!("  connection {} of {}\n{lines}", number + 1, series.count)
        };
        let connections: String = series.numbers(Some(CONNECTIONS)).into_iter().map(connection).collect();
        return format!("{}\n{connections}", case.id);
    }
    let Played { writes, ends } = if case.roles == Roles::Server { as_server(case) } else { as_client(case) };
    let (head, writes) = behind_the_head(writes);
    let mut out = format!("{}\n", case.id);
    let request = RequestHead::parse(&head);
    if let Some(extensions) = request.headers.get("Sec-WebSocket-Extensions") {
        let does = if case.roles == Roles::Server { "answers" } else { "offers" };
        let _ = writeln!(out, "  {does} {}", String::from_utf8_lossy(extensions));
    }
    tell_frames(&frames(&writes), case.deflate.is_some(), is_raw(case), &mut out);
    if case.deflate.is_none() {
        let _ = writeln!(out, "  writes{}", sizes(&writes));
    }
    for (at, how) in ends {
        let how = match how {
            TesterEnd::Fin => "FIN",
            TesterEnd::Drop => "end of TCP",
            TesterEnd::Reset => "RST",
        };
        let _ = writeln!(out, "  {:.3} {how}", at.as_secs_f64());
    }
    out
}

/// The head of the request or response, and what is written behind it, be it at once.
fn behind_the_head(mut writes: Vec<(Time, Vec<u8>)>) -> (Vec<u8>, Vec<(Time, Vec<u8>)>) {
    let head = &mut writes[0].1;
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of a head") + 4;
    let behind = head.split_off(end);
    let (at, head) = std::mem::replace(&mut writes[0], (Time::ZERO, behind));
    writes[0].0 = at;
    writes.retain(|(_, octets)| !octets.is_empty());
    (head, writes)
}

fn settings() -> Settings {
    Settings { loop_count: Some(3), ..Settings::default() }
}

fn as_client(case: &Case) -> Played {
    let run = CaseRun::client(case, &opening(), settings());
    if needs_answers(case) {
        return Tap::listen(run, Endpoint::server());
    }
    let mut listener = Scripted::server(|_| vec![]);
    if let Some(plan) = &case.deflate {
        listener = listener.extensions(answer(plan));
    }
    Tap::listen(run, listener)
}

/// Whether what is sent depends on what comes back.
fn needs_answers(case: &Case) -> bool {
    match &case.play {
        _ if case.conduct.commands => true,
        Play::Script(steps) => steps.iter().any(|step| matches!(step, Step::Await(_))),
        Play::Drive(..) => true,
        Play::Passive(_) | Play::Series(_) => false,
    }
}

/// What a server answers that agrees to everything.
fn answer(plan: &DeflatePlan) -> String {
    let DeflateOffer { server_no_context_takeover, server_max_window_bits, client_window_limit, .. } =
        plan.offers[0];
    let mut answer = "permessage-deflate".to_string();
    if server_no_context_takeover {
        answer += "; server_no_context_takeover";
    }
    if plan.needs.contains(&DeflateNeed::NoTakeover) {
        answer += "; client_no_context_takeover";
    }
    for (name, bits) in [("server", server_max_window_bits), ("client", client_window_limit)] {
        if let Some(bits) = bits {
            let _ = write!(answer, "; {name}_max_window_bits={bits}");
        }
    }
    answer
}

/// Whether the case writes its compressed payloads itself.
fn is_raw(case: &Case) -> bool {
    let Play::Script(steps) = &case.play else { return false };
    !steps.iter().any(|step| matches!(step, Step::SendMessage(_)))
}

/// Of the cases for clients alone.
fn as_server(case: &Case) -> Played {
    let (endpoint, request) = Endpoint::client(case);
    let run = CaseRun::server(case, &request, settings());
    match needs_answers(case) {
        true => Tap::listen(run, endpoint),
        false => Tap::listen(run, Mute),
    }
}

/// Only listens.
struct Mute;

impl Peer for Mute {
    fn handle_input(&mut self, _: &mut [u8], _: Time) {}

    fn handle_end(&mut self, _: TesterEnd, _: Time) {}

    fn poll_transmit(&mut self, _: Time) -> Option<PeerTransmit> {
        None
    }
}

/// Keeps what a peer gets.
struct Tap<P> {
    peer: P,
    played: Played,
}

/// What the tester did.
#[derive(Default)]
struct Played {
    writes: Vec<(Time, Vec<u8>)>,
    ends: Vec<(Time, TesterEnd)>,
}

impl<P: Peer> Tap<P> {
    fn listen(run: CaseRun<'_>, peer: P) -> Played {
        Pair::new(run, Self { peer, played: Played::default() }).finish().1.played
    }
}

impl<P: Peer> Peer for Tap<P> {
    fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        self.played.writes.push((now, octets.to_vec()));
        self.peer.handle_input(octets, now);
    }

    fn handle_end(&mut self, how: TesterEnd, now: Time) {
        self.played.ends.push((now, how));
        self.peer.handle_end(how, now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.peer.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Time) -> Option<PeerTransmit> {
        self.peer.poll_transmit(now)
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.peer.poll_timeout()
    }
}

struct Sent {
    at: Time,
    header: FrameHeader,
    payload: Vec<u8>,
    whole: bool,
}

fn frames(writes: &[(Time, Vec<u8>)]) -> Vec<Sent> {
    let mut frames: Vec<Sent> = Vec::new();
    let mut decoder = FrameDecoder::new();
    for (at, octets) in writes {
        let mut octets = octets.clone();
        let mut rest = &mut octets[..];
        while let (consumed, Some(token)) = decoder.next(rest) {
            let (taken, after) = rest.split_at_mut(consumed);
            match (token, frames.last_mut()) {
                (Token::Header(header), _) => {
                    frames.push(Sent { at: *at, header, payload: Vec::new(), whole: false });
                }
                (Token::Payload { .. }, Some(frame)) => frame.payload.extend_from_slice(taken),
                (Token::FrameEnd, Some(frame)) => frame.whole = true,
                (_, None) => {}
            }
            rest = after;
        }
    }
    frames
}

fn tell_frames(frames: &[Sent], deflate: bool, raw: bool, out: &mut String) {
    let mut inflater = Inflater::new(15).expect("the largest window");
    let mut compressed: Option<Vec<&Sent>> = None;
    let shown = |index: usize| frames.len() <= FRAMES || index < 3 || index + 3 >= frames.len();
    for (index, frame) in frames.iter().enumerate() {
        let short = raw && frame.payload.len() <= SHOWN;
        if deflate && !short && frame.header.rsv == Rsv::RSV1 && frame.header.opcode.is_data() {
            compressed = Some(Vec::new());
        }
        if let Some(message) = compressed.as_mut().filter(|_| !frame.header.opcode.is_control()) {
            message.push(frame);
            if frame.header.fin {
                tell_compressed(message, &mut inflater, out);
                compressed = None;
            }
        } else if shown(index) {
            tell_frame(frame, out);
        } else if !shown(index) && shown(index - 1) {
            let hidden = &frames[3..frames.len() - 3];
            let octets: Vec<u8> = hidden.iter().flat_map(|frame| &frame.payload).copied().collect();
            let _ = writeln!(out, "  and {} more frames, together {}", hidden.len(), payload(&octets));
        }
    }
}

fn tell_frame(frame: &Sent, out: &mut String) {
    let mut header = Vec::new();
    frame.header.encode(&mut header);
    let lacks = if frame.whole { "" } else { " and no more" };
    let at = frame.at.as_secs_f64();
    let _ = writeln!(out, "  {at:.3} {} {}{lacks}", hex(&header), payload(&frame.payload));
}

/// A compressed message: its octets depend on the compressor, what is in it does not.
fn tell_compressed(frames: &[&Sent], inflater: &mut Inflater, out: &mut String) {
    let octets: Vec<u8> = frames.iter().flat_map(|frame| &frame.payload).copied().collect();
    let mut message = Vec::new();
    let inflated = inflater.feed(&octets, usize::MAX, &mut message);
    inflated.expect("a message that inflates");
    inflater.finish_message(usize::MAX, &mut message).expect("the end of a message");
    let first = frames[0];
    let kind = if first.header.opcode == Opcode::TEXT { "text" } else { "binary" };
    let later_compressed = frames[1..].iter().any(|frame| !frame.header.rsv.is_none());
    assert!(!later_compressed, "RSV1 stands on the first frame only (RFC 7692 6)");
    let fragments = match frames {
        [_] => "in one frame".to_string(),
        _ => format!("in fragments of {}", first.header.length),
    };
    let at = first.at.as_secs_f64();
    let _ = writeln!(out, "  {at:.3} compressed {kind} {fragments}: {}", payload(&message));
}

fn payload(octets: &[u8]) -> String {
    if octets.is_empty() {
        "empty".to_string()
    } else if octets.len() <= SHOWN {
        hex(octets)
    } else {
        format!("{} octets, hash {:016x}", octets.len(), fnv1a(octets))
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// FNV-1a with 64 bits: not for secrets, but a changed octet changes it.
fn fnv1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// How many octets were handed over at a time.
fn sizes(writes: &[(Time, Vec<u8>)]) -> String {
    let mut out = String::new();
    for same in writes.chunk_by(|(_, one), (_, other)| one.len() == other.len()) {
        let size = same[0].1.len();
        let _ = match same.len() {
            1 => write!(out, " {size}"),
            times => write!(out, " {times}*{size}"),
        };
    }
    out
}
