//! 22.1.* and 22.2.*: what is kept from message to message.

use wsspec_wire::{BlockType, DeflateWriter};

use super::super::s21_deflate::{HELLO, HELLO_AGAIN, deflated, deflated_binary};
use super::echoed;
use super::history::History;
use super::windows::accepted;
use crate::case::{Grade, Roles};
use crate::data::{Dice, json};
use crate::deflate::{DeflateAnswer, DeflateNeed, DeflateOffer, DeflatePlan};
use crate::driver::Conclusion;
use crate::drivers::{Rounds, Seen};
use crate::event::Expected;
use crate::prelude::*;

const KEEPS: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "without no_context_takeover a compressed message is inflated with the window that the compressed message \
     before it left",
);
const DROPS: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "with no_context_takeover every message is compressed on its own, and a receiver inflates it",
);
const PEER_DROPS: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "an endpoint that agreed to no_context_takeover for itself starts every message with an empty window",
);
const MAY_KEEP: Rule = Rule::may(
    Rfc7692,
    "7.2.1",
    "without no_context_takeover an endpoint may keep its window for the next message",
);
const BROKEN: &str = "The connection is failed, or what was meant comes back; other text never does.";

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(1, "Context takeover").rules([KEEPS]);
    reaching_back(s);
    whole_window(s);
    s.group(2, "No context takeover");
    tester_drops(s);
    peer_drops(s);
}

fn reaching_back(s: &mut Declaration<'_>) {
    echoes(
        s.case("22.1.1", "takeover", "A message, and one that refers to it")
            .expect("Both come back.")
            .send(deflated(HELLO))
            .send(deflated(HELLO_AGAIN)),
        [message("Hello"), message("Hello")],
    );
    echoes(
        s.case("22.1.2", "takeover-over-plain", "40,000 octets that are not compressed before a reference")
            .expect("All come back: what is not compressed is not in the window.")
            .send(deflated(HELLO))
            .send(text(repeat(b"*", 40_000)))
            .send(deflated(HELLO_AGAIN)),
        [message("Hello"), message(repeat(b"*", 40_000)), message("Hello")],
    );
    echoes(
        s.case("22.1.3", "takeover-over-control", "Control frames and plain fragments before a reference")
            .expect("All come back.")
            .send(deflated(HELLO))
            .send(ping("p"))
            .send(pong(""))
            .send(text("a").not_final())
            .send(continuation("b"))
            .send(deflated(HELLO_AGAIN)),
        [message("Hello"), ponged("p"), message("ab"), message("Hello")],
    )
    .pongs_anywhere();
    echoes(
        s.case("22.1.4", "takeover-over-types", "A binary message, and a text that refers to it")
            .expect("Both come back: there is one window for both types.")
            .send(deflated_binary(HELLO))
            .send(deflated(HELLO_AGAIN)),
        [binary_message("Hello"), message("Hello")],
    );
    echoes(
        s.case(
            "22.1.5",
            "takeover-over-fragments",
            "A message in three fragments, and one that refers to it",
        )
        .expect("Both come back.")
        .send(deflated(&HELLO[..2]).not_final())
        .send(continuation(&HELLO[2..4]).not_final())
        .send(continuation(&HELLO[4..]))
        .send(deflated(HELLO_AGAIN)),
        [message("Hello"), message("Hello")],
    );
}

fn whole_window(s: &mut Declaration<'_>) {
    let noise = Dice::new(22).octets(32_768);
    let mut writer = DeflateWriter::new();
    let first = writer.stored(&noise, false).flush().finish();
    let again = writer.block(BlockType::Fixed, false).matched(3, 32_768).end_of_block().flush().finish();
    echoes(
        s.case("22.1.6", "takeover-32768-octets", "32,768 octets, and a reference to the first of them")
            .expect("Both messages come back: without a limit the window has 32,768 octets.")
            .send(deflated_binary(first))
            .send(deflated_binary(again)),
        [binary_message(noise.clone()), binary_message(noise[..3].to_vec())],
    )
    .deflate(plain().needing(DeflateNeed::Window(15)));

    let title = "100 messages whose matches reach 20 to 32 KiB back";
    s.case("22.1.7", "takeover-over-many", title)
        .expect("Every message comes back.")
        .deflate(plain().needing(DeflateNeed::Window(15)))
        .drive(format!("{title}, each sent when the one before has come back"), || {
            Rounds::of(History::new(22).far_reaching(100), secs(20))
        })
        .within(secs(20))
        .close(we_close([NORMAL]));

    echoes(
        s.case("22.1.8", "takeover-over-empty", "An empty compressed message before a reference")
            .expect("All three come back.")
            .send(deflated(HELLO))
            .send(deflated(b"\x00".to_vec()))
            .send(deflated(HELLO_AGAIN)),
        [message("Hello"), message(""), message("Hello")],
    );
}

fn plain() -> DeflatePlan {
    DeflatePlan::plain().needing(DeflateNeed::Takeover)
}

fn echoes(case: &mut Case, messages: impl Into<Vec<Expected>>) -> &mut Case {
    case.deflate(plain()).fail_after(secs(2)).ok(messages).close(we_close([NORMAL]))
}

/// The tester drops its context, or promised to.
fn tester_drops(s: &mut Declaration<'_>) {
    let hint = DeflateOffer { client_no_context_takeover: true, ..DeflateOffer::PLAIN };
    let promise = DeflateAnswer { server_no_context_takeover: true, ..DeflateAnswer::PLAIN };
    let as_client = DeflatePlan::with(hint, DeflateAnswer::PLAIN).needing(DeflateNeed::NoTakeover);
    let as_server = DeflatePlan::with(DeflateOffer::PLAIN, promise).needing(DeflateNeed::NoTakeover);

    s.rules([DROPS]);
    let title = "The same 1 KiB of text 100 times, compressed on its own each time";
    s.case("22.2.1", "tester-drops-context", title)
        .expect("Every message comes back.")
        .deflate(as_client.clone())
        .drive(format!("{title}, sent when the one before has come back"), || {
            Rounds::of((0..100).map(|_| echoed(json(1024), true)), secs(20))
        })
        .within(secs(20))
        .close(we_close([NORMAL]))
        .roles = Roles::Client;

    for (id, slug, plan, roles) in [
        ("22.2.2", "client-breaks-no-takeover", as_client, Roles::Client),
        ("22.2.3", "server-breaks-no-takeover", as_server, Roles::Server),
    ] {
        s.case(id, slug, "A reference to the message before, which was promised not to be made")
            .expect(BROKEN)
            .deflate(plan)
            .send(deflated(HELLO))
            .send(deflated(HELLO_AGAIN))
            .fail_after(secs(2))
            .tolerates([message("Hello"), message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD])
            .roles = roles;
    }
}

/// The peer drops its context, or may keep it.
fn peer_drops(s: &mut Declaration<'_>) {
    let offer = DeflateOffer { server_no_context_takeover: true, ..DeflateOffer::PLAIN };
    let answer = DeflateAnswer { client_no_context_takeover: true, ..DeflateAnswer::PLAIN };
    let asked = DeflatePlan::with(offer, answer).refusable();

    s.rules([PEER_DROPS]);
    for (id, slug, roles) in
        [("22.2.4", "server-drops-context", Roles::Client), ("22.2.5", "client-drops-context", Roles::Server)]
    {
        same_text(s, id, slug, "no context takeover agreed on for the peer", |_| true, no_reach)
            .expect("No message of the peer refers to the one before.")
            .deflate(asked.clone())
            .roles = roles;
    }

    s.rules([MAY_KEEP]);
    same_text(s, "22.2.6", "peer-takeover", "nothing agreed on", |_| true, reach)
        .expect("Every message comes back. Whether they refer to those before is told.")
        .deflate(DeflatePlan::plain());

    s.rules([PEER_DROPS]);
    same_text(
        s,
        "22.2.7",
        "peer-drops-context-mixed",
        "every second time compressed, no context takeover agreed on for the peer",
        |n| n % 2 == 0,
        no_reach,
    )
    .expect("No message of the peer refers to the one before.")
    .deflate(asked);
}

/// Behind a Ping ten times the same text, each sent when the one before has come back.
fn same_text<'s>(
    s: &'s mut Declaration<'_>,
    id: &str,
    slug: &'static str,
    how: &str,
    compress: fn(usize) -> bool,
    finding: fn(&Seen) -> Conclusion,
) -> &'s mut Case {
    let title = format!("The same 1 KiB of text ten times, {how}");
    s.case(id, slug, title.clone())
        .drive(format!("{title}, behind a Ping, each sent when the one before has come back"), move || {
            let rounds = (0..10).map(|n| echoed(json(1024), compress(n)));
            Rounds::of(std::iter::once(accepted()).chain(rounds), secs(5)).finding(finding)
        })
        .within(secs(5))
        .close(we_close([NORMAL]))
}

fn no_reach(seen: &Seen) -> Conclusion {
    let far = seen.inspections.iter().map(|inspection| inspection.reach_before_message).max();
    match far {
        None => Conclusion::new(Grade::Informational, "The peer compresses none of its messages"),
        Some(0) => Conclusion::new(Grade::Ok, "No message refers to the one before"),
        Some(octets) => {
            let text = format!("A message refers {octets} octets back before its beginning");
            Conclusion::new(Grade::Failed, text)
        }
    }
}

fn reach(seen: &Seen) -> Conclusion {
    let far = seen.inspections.iter().map(|inspection| inspection.reach_before_message).max();
    let text = match far {
        None => "The peer compresses none of its messages".to_owned(),
        Some(0) => "The peer starts every message with an empty window".to_owned(),
        Some(octets) => format!("The peer keeps its window: a message refers {octets} octets back"),
    };
    Conclusion::new(Grade::Informational, text)
}
