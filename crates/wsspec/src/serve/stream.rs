//! The lines of the record on stdout, if that holds data.

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use wsspec_report::record::Line;
use wsspec_report::strictness::Strictness;

use super::ledger::InHand;
use crate::outputs::args::Format;
use crate::outputs::feed::Feed;
use crate::terminal::Console;

/// Takes the lines from the ledger.
pub struct Stream<'a> {
    feed: Feed<'a>,
    lines: UnboundedReceiver<(Line, InHand)>,
}

impl<'a> Stream<'a> {
    /// The stream, and what the ledger tells its lines; nothing if nobody wants them.
    pub fn new(
        console: &'a Console,
        strictness: Strictness,
    ) -> (Self, Option<UnboundedSender<(Line, InHand)>>) {
        let (tell, lines) = mpsc::unbounded_channel();
        let wanted = !matches!(console.format(), Format::Human | Format::None);
        // Who connects is not known before: each line names the client.
        (Self { feed: Feed::new(console, true, strictness), lines }, wanted.then_some(tell))
    }

    /// Waits for a line and prints it. Never returns if there are none.
    pub async fn next(&mut self) {
        match self.lines.recv().await {
            Some((line, _in_hand)) => self.feed.line(&line),
            None => std::future::pending().await,
        }
    }

    /// Prints what has come.
    pub fn drain(&mut self) {
        while let Ok((line, _in_hand)) = self.lines.try_recv() {
            self.feed.line(&line);
        }
    }
}
