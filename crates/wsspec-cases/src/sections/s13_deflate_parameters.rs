//! 13.*: the parameters of permessage-deflate, asked for by a client and by a server.

use super::s12_deflate_payloads::loops;
use crate::data::DataSet;
use crate::deflate::{DeflateAnswer, DeflateOffer, DeflatePlan};
use crate::prelude::*;

const SERVER_TAKEOVER: Rule = Rule::must(
    Rfc7692,
    "7.1.1.1",
    "a server that agreed to server_no_context_takeover starts every message with an empty window",
);
const CLIENT_TAKEOVER: Rule = Rule::must(
    Rfc7692,
    "7.1.1.2",
    "a client that is told client_no_context_takeover starts every message with an empty window",
);
const SERVER_WINDOW: Rule = Rule::must(
    Rfc7692,
    "7.1.2.1",
    "a server that agreed to server_max_window_bits keeps to that window, or a smaller one, when it compresses",
);
const CLIENT_WINDOW: Rule = Rule::must(
    Rfc7692,
    "7.1.2.2",
    "a client that is told client_max_window_bits keeps to that window, or a smaller one, when it compresses",
);
const NEGOTIATION: Rule =
    Rule::must(Rfc7692, "5.1", "of several offers the server accepts one that it can serve, or none");

/// What the tester asks of the other side, whichever side that is: to drop its context after each message,
/// and to use a window of that many bits.
type Wish = (bool, Option<u8>);

const WISHES: [&[Wish]; 7] = [
    &[(false, None)],
    &[(true, None)],
    &[(false, Some(9))],
    &[(false, Some(15))],
    &[(true, Some(9))],
    &[(true, Some(15))],
    &[(true, Some(9)), (true, None), (false, None)],
];

const GROUPS: [&str; 7] = [
    "No parameters asked for",
    "No context takeover",
    "A window of 9 bits",
    "A window of 15 bits",
    "No context takeover, a window of 9 bits",
    "No context takeover, a window of 15 bits",
    "Three offers: no takeover and 9 bits, no takeover, no parameters",
];

const SLUGS: [&str; 7] = [
    "no-parameters",
    "no-takeover",
    "window-9",
    "window-15",
    "no-takeover-window-9",
    "no-takeover-window-15",
    "three-offers",
];

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(13, "Compression: parameters");
    s.rules([NEGOTIATION, SERVER_TAKEOVER, CLIENT_TAKEOVER, SERVER_WINDOW, CLIENT_WINDOW]);
    for (n, wishes) in (0..).zip(WISHES) {
        let (number, title) = (n + 1, GROUPS[usize::from(n)]);
        s.group(number, title);
        let parameters = format!("; asked for: {}", asked_for(wishes));
        loops(&mut s, number, DataSet::Json, SLUGS[usize::from(n)], &parameters, &plan(wishes));
    }
}

fn plan(wishes: &[Wish]) -> DeflatePlan {
    let offer = |&(no_context_takeover, max_window_bits): &Wish| DeflateOffer {
        server_no_context_takeover: no_context_takeover,
        server_max_window_bits: max_window_bits,
        ..DeflateOffer::OPEN
    };
    let answer = |&(no_context_takeover, max_window_bits): &Wish| DeflateAnswer {
        client_no_context_takeover: no_context_takeover,
        client_max_window_bits: max_window_bits,
        ..DeflateAnswer::PLAIN
    };
    DeflatePlan::of(wishes.iter().map(offer).collect(), wishes.iter().map(answer).collect())
}

fn asked_for(wishes: &[Wish]) -> String {
    let one = |&wish: &Wish| match wish {
        (false, None) => "nothing".to_owned(),
        (true, None) => "no context takeover".to_owned(),
        (false, Some(bits)) => format!("a window of {bits} bits"),
        (true, Some(bits)) => format!("no context takeover and a window of {bits} bits"),
    };
    wishes.iter().map(one).collect::<Vec<_>>().join(", else ")
}
