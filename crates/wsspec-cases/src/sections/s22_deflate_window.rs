//! 22.*: permessage-deflate, the context and the window.

mod history;
mod takeover;
mod windows;

use crate::deflate::{DeflateNeed, DeflatePlan};
use crate::drivers::Round;
use crate::prelude::*;
use crate::step::MessageSpec;

const CONTEXTS: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "without no_context_takeover the window of each connection is kept from message to message",
);

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(22, "Compression: context and window");
    takeover::declare(&mut s);
    windows::declare(&mut s);
    many_contexts(&mut s);
}

fn many_contexts(s: &mut Declaration<'_>) {
    s.group(7, "Many contexts").rules([CONTEXTS]);
    s.case(
        "22.7.1",
        "1000-contexts",
        "1000 connections with context takeover, all open, with a message each",
    )
    .of_servers()
    .deflate(DeflatePlan::plain().needing(DeflateNeed::Takeover))
    .expect("Every message comes back. What the server takes for a connection is told.")
    .each_of(1000, "a compressed text message, and another one 5 s later", |n, case| {
        let words = format!("connection {n} of many");
        case.called("Two compressed text messages 5 s apart, while the other connections are open")
            .send(text(words.clone()).as_message())
            .wait(secs(5))
            .send(text(words.clone()).as_message())
            .fail_after(secs(10))
            .ok([message(words.clone()), message(words)])
            .close(we_close([NORMAL]));
    })
    .at_once()
    .footprint(Footprint::Told)
    .many();
}

/// A text that the tester compresses, or not, and its echo.
fn echoed(words: impl Into<String>, compress: bool) -> Round {
    let words = words.into();
    let sent = MessageSpec { compress, ..text(words.clone()).into() };
    Round { send: vec![sent.into()], echo: message(words) }
}
