//! 22.3.* to 22.6.*: windows of every size, the peer's and the tester's.

use super::echoed;
use super::history::History;
use crate::case::{Grade, Roles};
use crate::data::Dice;
use crate::deflate::{DeflateAnswer, DeflateNeed, DeflateOffer, DeflatePlan};
use crate::driver::Conclusion;
use crate::drivers::{Round, Rounds, Seen};
use crate::prelude::*;

const SERVER_WINDOW: Rule = Rule::must(
    Rfc7692,
    "7.1.2.1",
    "a server that agreed to server_max_window_bits uses no larger window when it compresses",
);
const CLIENT_WINDOW: Rule = Rule::must(
    Rfc7692,
    "7.1.2.2",
    "a client that is told client_max_window_bits uses no larger window when it compresses",
);
const INFLATES: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "a receiver inflates what was compressed with the agreed window, the whole of it",
);

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(3, "The window of a server").rules([SERVER_WINDOW]);
    for bits in 8..=15 {
        let offer = DeflateOffer { server_max_window_bits: Some(bits), ..DeflateOffer::PLAIN };
        let plan = DeflatePlan::with(offer, DeflateAnswer::PLAIN);
        peer_window(s, 3, "server", bits, None).deflate(plan).roles = Roles::Client;
    }
    s.group(4, "The window of a client").rules([CLIENT_WINDOW]);
    for bits in 8..=15 {
        let answer = DeflateAnswer { client_max_window_bits: Some(bits), ..DeflateAnswer::PLAIN };
        let plan = DeflatePlan::with(DeflateOffer::PLAIN, answer);
        // The largest window is what a client uses anyway.
        let plan = if bits < 15 { plan.refusable() } else { plan };
        peer_window(s, 4, "client", bits, Some(accepted())).deflate(plan).roles = Roles::Server;
    }
    s.group(5, "The window of the tester").rules([INFLATES]);
    (8..=15).for_each(|bits| tester_window(s, bits));
    s.group(6, "References of the tester beyond the window");
    beyond_window(s);
}

/// A client that answers a Ping has accepted the response.
pub(super) fn accepted() -> Round {
    Round { send: vec![ping("accepted").into()], echo: ponged("accepted") }
}

/// Texts that repeat themselves at distances around the size of the window, behind the first round if there is one.
fn peer_window<'s>(
    s: &'s mut Declaration<'_>,
    group: u16,
    peer: &str,
    bits: u8,
    first: Option<Round>,
) -> &'s mut Case {
    let id = format!("22.{group}.{}", bits - 7);
    let title = format!("Texts that repeat themselves around a window of {bits} bits");
    let behind_ping = if first.is_some() { ", behind a Ping" } else { "" };
    s.case(id, format!("{peer}-window-{bits}"), format!("{title}, for the {peer}"))
        .expect(format!("No match of the peer reaches further back than {} octets.", 1 << bits))
        .drive(format!("{title}{behind_ping}, each sent when the one before has come back"), move || {
            let rounds = first.iter().cloned().chain(repetitions(1 << bits));
            Rounds::of(rounds, secs(10)).finding(longest_distance)
        })
        .within(secs(10))
        .close(we_close([NORMAL]))
}

/// Letters that come again at a distance below, at, above and far above the size of the window: first inside a
/// message, then from one message to the next.
fn repetitions(window: usize) -> Vec<Round> {
    let mut dice = Dice::new(window as u64);
    let mut rounds = Vec::new();
    for distance in [window * 9 / 10, window, window + 1, window * 3 / 2] {
        let repeated = dice.letters(300.min(window / 4));
        let begun = repeated.clone() + &dice.letters(distance - repeated.len());
        rounds.push(echoed(begun.clone() + &repeated, true));
        rounds.push(echoed(begun, true));
        rounds.push(echoed(repeated, true));
    }
    rounds
}

/// An agreed window that is exceeded is found by the engine, in every case.
fn longest_distance(seen: &Seen) -> Conclusion {
    match seen.inspections.iter().map(|inspection| inspection.longest_distance).max() {
        None => Conclusion::new(Grade::Informational, "The peer compresses none of its messages"),
        Some(far) => Conclusion::new(Grade::Ok, format!("The longest distance of a match is {far} octets")),
    }
}

/// Matches at the very end of the window, inside a message and from one message to the next.
fn tester_window(s: &mut Declaration<'_>, bits: u8) {
    let offer =
        DeflateOffer { client_max_window_bits: true, client_window_limit: Some(bits), ..DeflateOffer::PLAIN };
    let answer = DeflateAnswer { server_max_window_bits: Some(bits), ..DeflateAnswer::PLAIN };
    let plan =
        DeflatePlan::with(offer, answer).needing(DeflateNeed::Window(bits)).needing(DeflateNeed::Takeover);
    // The largest window is that of a server which says nothing of it.
    let plan = if bits < 15 { plan.refusable() } else { plan };
    let window = 1u16 << bits;
    let title = format!("Matches exactly {window} octets back, in a window of {bits} bits");
    s.case(format!("22.5.{}", bits - 7), format!("tester-window-{bits}"), title.clone())
        .expect("Every message comes back.")
        .deflate(plan)
        .drive(
            format!("{title}, behind a Ping, each message sent when the one before has come back"),
            move || {
                let mut history = History::new(window.into());
                let rounds = [usize::from(window), 0, 1, 100].map(|new| history.message(new, 258, window));
                Rounds::of(std::iter::once(accepted()).chain(rounds), secs(5))
            },
        )
        .within(secs(5))
        .close(we_close([NORMAL]));
}

fn beyond_window(s: &mut Declaration<'_>) {
    let limit =
        DeflateOffer { client_max_window_bits: true, client_window_limit: Some(9), ..DeflateOffer::PLAIN };
    let promise = DeflateAnswer { server_max_window_bits: Some(9), ..DeflateAnswer::PLAIN };
    let plan =
        DeflatePlan::with(limit, promise).needing(DeflateNeed::ExactWindow(9)).needing(DeflateNeed::Takeover);
    let distances = [513, 600, 32_768];
    for (first, tester, roles) in [(1, "client", Roles::Client), (4, "server", Roles::Server)] {
        for (n, distance) in (first..).zip(distances) {
            let mut history = History::new(distance.into());
            let rounds = [history.message(distance.into(), 3, 1), history.message(0, 100, distance)];
            let title =
                format!("A match {distance} octets back by a {tester} that promised a window of 9 bits");
            s.case(format!("22.6.{n}"), format!("{tester}-beyond-window-{distance}"), title)
                .expect("The connection is failed, or what was meant comes back; other text never does.")
                .deflate(plan.clone())
                .send_all(rounds.iter().flat_map(|round| round.send.clone()))
                .fail_after(secs(2))
                .tolerates(rounds.map(|round| round.echo), [PROTOCOL_ERROR, INVALID_PAYLOAD])
                .roles = roles;
        }
    }
}
