//! 22.*: permessage-deflate, the context and the window.

mod history;
mod takeover;
mod windows;

use crate::drivers::Round;
use crate::prelude::*;
use crate::step::MessageSpec;

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(22, "Compression: context and window");
    takeover::declare(&mut s);
    windows::declare(&mut s);
}

/// A text that the tester compresses, or not, and its echo.
fn echoed(words: impl Into<String>, compress: bool) -> Round {
    let words = words.into();
    let sent = MessageSpec { compress, ..text(words.clone()).into() };
    Round { send: vec![sent.into()], echo: message(words) }
}
