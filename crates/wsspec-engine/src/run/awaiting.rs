use wsspec_cases::{Await, Awaited};
use wsspec_wire::{Opcode, close_code};

use super::closing::CloseFrame;
use super::{CaseRun, Phase};
use crate::Time;
use crate::timers::Timer;

/// The step `Await`.
impl CaseRun<'_> {
    /// Starts to wait, unless what is waited for is there already.
    pub(super) fn start_await(&mut self, awaited: Await, now: Time) {
        let is_there = match awaited.what {
            Awaited::Close => self.recorder.received_frames(Opcode::CLOSE) > 0,
            Awaited::Messages(count) => self.recorder.traffic.rx_messages >= count,
            Awaited::Ping => self.recorder.received_frames(Opcode::PING) > 0,
            Awaited::EndOfTcp => false,
        };
        if !is_there {
            self.awaiting = Some((awaited, now));
            self.timers.arm(now + self.settings.scaled(awaited.within), Timer::Await);
        }
    }

    /// This came: the steps that waited for it go on.
    pub(super) fn came(&mut self, what: Awaited, now: Time) {
        let Some((awaited, _)) = self.awaiting else { return };
        let it_is = match (awaited.what, what) {
            (Awaited::Messages(wanted), Awaited::Messages(count)) => count >= wanted,
            (wanted, came) => wanted == came,
        };
        if it_is {
            self.stop_awaiting();
            self.do_steps(now);
        }
    }

    /// The peer ended TCP.
    pub(super) fn end_came(&mut self, now: Time) {
        if let Some((Await { what: Awaited::EndOfTcp, .. }, since)) = self.awaiting {
            self.end_delay = Some(now.saturating_sub(since));
        }
        self.stop_awaiting();
    }

    pub(super) fn await_timed_out(&mut self, now: Time) {
        let Some((awaited, _)) = self.awaiting else { return };
        self.stop_awaiting();
        self.overdue.get_or_insert(awaited.what);
        if awaited.perhaps {
            self.do_steps(now);
        } else {
            self.ran_out |= self.phase == Phase::Open;
            self.steps.clear();
            self.fail(close_code::GOING_AWAY, "the peer did not do in time what it had to", now);
        }
    }

    /// The peer does not do what it was told to: the case is over.
    pub(super) fn command_refused(&mut self, words: &[u8], now: Time) {
        /// Of the words.
        const KEPT: usize = 200;
        let words = String::from_utf8_lossy(&words[..words.len().min(KEPT)]).into_owned();
        self.refused.get_or_insert(words);
        self.stop_awaiting();
        self.steps.clear();
        self.send_close(CloseFrame::First, Some(close_code::NORMAL), b"", now);
    }

    fn stop_awaiting(&mut self) {
        self.awaiting = None;
        self.timers.cancel(Timer::Await);
    }
}
