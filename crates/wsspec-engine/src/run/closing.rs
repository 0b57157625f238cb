use wsspec_cases::{Awaited, Closes, Profile};
use wsspec_wire::{Opcode, close_code};

use super::{Broken, CaseRun, Phase};
use crate::Time;
use crate::observation::{TcpEnd, TesterRole};
use crate::observe::Violation;
use crate::outbox::Transmit;
use crate::timers::Timer;
use crate::wire_log::LogKind;

/// The longest reason that fits a Close frame behind its code (RFC 6455 5.5).
const LONGEST_REASON: usize = 123;

/// Which Close frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseFrame {
    /// The first one: the tester starts the closing handshake.
    First,
    /// The answer to the peer's.
    Reply,
}

impl CaseRun<'_> {
    /// Sends a Close frame, unless one was sent.
    pub(super) fn send_close(&mut self, frame: CloseFrame, code: Option<u16>, reason: &[u8], now: Time) {
        if self.phase != Phase::Open {
            return;
        }
        self.outbox.close(code, reason);
        self.close.local_reason = (!reason.is_empty()).then(|| reason.to_vec());
        self.closing_began(frame, code, now);
    }

    /// The tester's Close frame is on its way.
    pub(super) fn closing_began(&mut self, frame: CloseFrame, code: Option<u16>, now: Time) {
        self.phase = Phase::Closing;
        let answers_by_script = self.case.conduct.closes_by_script && self.close_came();
        let answers = frame == CloseFrame::Reply || answers_by_script;
        self.close.was_clean |= answers_by_script;
        self.close.closed_by_me = !answers;
        self.close.local_code = code;
        if !answers {
            let patience = match &self.case.profile {
                // Whoever judges that an answer is late has to wait for it.
                Some(Profile::Closes(Closes { prompt: Some(prompt), .. })) => {
                    self.settings.scaled(*prompt).max(self.settings.patient_close_timeout)
                }
                Some(_) => self.settings.patient_close_timeout,
                None => self.settings.close_timeout,
            };
            self.timers.arm(now + patience, Timer::Close);
        }
    }

    fn close_came(&self) -> bool {
        self.recorder.received_frames(Opcode::CLOSE) > 0
    }

    /// Fails the connection (RFC 6455 7.1.7); if it is being closed already, by ending TCP.
    pub(super) fn fail(&mut self, code: u16, reason: &str, now: Time) {
        self.close.failed_by_me = true;
        self.recorder.note(now, LogKind::Failed(reason.to_string()));
        if self.settings.conduct.fail_by_drop {
            self.not_clean("the tester failed the connection by ending TCP");
            self.abort_tcp(now);
        } else if self.phase == Phase::Open {
            self.send_close(CloseFrame::First, Some(code), fitting(reason).as_bytes(), now);
        } else {
            self.drop_tcp(now);
        }
    }

    /// Whether the connection is failed without a Close frame.
    pub(super) fn fails_by_ending_tcp(&self) -> bool {
        self.settings.conduct.fail_by_drop || self.phase != Phase::Open
    }

    /// The peer broke a rule.
    pub(super) fn fail_for(&mut self, violation: Violation, now: Time) {
        let Violation { code, fault } = violation;
        let from = Some(self.culprit());
        self.fail(code, &fault.text, now);
        self.fault.get_or_insert(Broken { fault, from });
    }

    /// A Close frame came.
    pub(super) fn peer_closed(
        &mut self,
        code: Option<u16>,
        reason: Option<Vec<u8>>,
        violation: Option<Violation>,
        now: Time,
    ) {
        self.close.remote_code = code;
        self.close.remote_reason = reason;
        if let Some(violation) = violation {
            self.fail_for(violation, now);
        }
        match self.phase {
            _ if self.case.conduct.closes_by_script => self.peer_closed_by_script(),
            Phase::Open => {
                self.answer_close(now);
                self.closing_handshake_done(Timer::Linger, now);
            }
            Phase::Closing => self.closing_handshake_done(Timer::Drop, now),
            Phase::Opening | Phase::Dropping | Phase::Closed => {}
        }
        self.came(Awaited::Close, now);
    }

    fn answer_close(&mut self, now: Time) {
        let (code, reason) = if self.settings.conduct.echo_close {
            (self.close.remote_code, self.close.remote_reason.clone().unwrap_or_default())
        } else {
            (Some(close_code::NORMAL), Vec::new())
        };
        self.send_close(CloseFrame::Reply, code, &reason, now);
    }

    /// The steps of the case do the rest.
    fn peer_closed_by_script(&mut self) {
        self.timers.cancel(Timer::Close);
        self.close.was_clean = self.phase == Phase::Closing;
    }

    /// Both Close frames are there: the server ends TCP (RFC 6455 7.1.1), and gets some time for it.
    pub(super) fn closing_handshake_done(&mut self, timer: Timer, now: Time) {
        self.timers.cancel(Timer::Close);
        self.close.was_clean = true;
        match self.role {
            TesterRole::Server => self.drop_tcp(now),
            TesterRole::Client if timer == Timer::Linger => {
                self.timers.arm(now + self.settings.linger_timeout, Timer::Linger);
            }
            TesterRole::Client if !self.timers.is_armed(Timer::Drop) => {
                self.timers.arm(now + self.settings.drop_timeout, Timer::Drop);
            }
            TesterRole::Client => {}
        }
    }

    /// The peer ended TCP while the connection was open or closing.
    pub(super) fn peer_ended(&mut self, how: TcpEnd, now: Time) {
        self.end_came(now);
        if !self.close.was_clean {
            self.not_clean("the peer ended TCP without a closing handshake");
        }
        self.end(how, now);
    }

    pub(super) fn close_timed_out(&mut self, now: Time) {
        self.not_clean("the peer's Close frame did not come in time");
        self.close.was_close_handshake_timeout = true;
        self.abort_tcp(now);
    }

    pub(super) fn drop_timed_out(&mut self, now: Time) {
        self.not_clean("the server did not end TCP in time");
        self.close.was_server_connection_drop_timeout = true;
        self.abort_tcp(now);
    }

    pub(super) fn fail_timer_fired(&mut self, now: Time) {
        self.note(LogKind::FailTimerFired, now);
        self.ran_out |= self.phase == Phase::Open;
        self.fail(close_code::GOING_AWAY, "Going Away", now);
    }

    pub(super) fn close_timer_fired(&mut self, now: Time) {
        self.note(LogKind::CloseTimerFired, now);
        self.ran_out |= self.phase == Phase::Open;
        self.send_close(CloseFrame::First, None, b"", now);
    }

    pub(super) fn limit_reached(&mut self, now: Time) {
        self.ran_out |= self.phase == Phase::Open;
        self.fail(close_code::GOING_AWAY, "the time limit of the case", now);
    }

    /// Ends TCP when all that is queued has gone out, which may take a moment.
    pub(super) fn drop_tcp(&mut self, now: Time) {
        self.end_tcp(Transmit::Drop, now);
        self.timers.arm(now + self.settings.drop_timeout, Timer::Flush);
    }

    /// Ends TCP at once: nothing is waited for, not even a write that is blocked.
    pub(super) fn abort_tcp(&mut self, now: Time) {
        self.end_tcp(Transmit::Drop, now);
        self.stop_sending(now);
    }

    /// Ends TCP with a RST.
    pub(super) fn reset_tcp(&mut self, now: Time) {
        self.end_tcp(Transmit::Reset, now);
        self.timers.arm(now + self.settings.drop_timeout, Timer::Flush);
    }

    fn end_tcp(&mut self, how: Transmit, now: Time) {
        self.close.dropped_by_me = true;
        self.phase = Phase::Dropping;
        self.end(TcpEnd::Tester, now);
        self.outbox.end(how);
    }

    /// Gives up what has not gone out yet.
    pub(super) fn stop_sending(&mut self, now: Time) {
        self.outbox.discard_octets(now, &mut self.recorder);
        self.phase = Phase::Closed;
    }

    fn not_clean(&mut self, why: &str) {
        self.close.was_clean = false;
        self.close.was_not_clean_reason = Some(why.to_string());
    }
}

/// As much of a reason as fits a Close frame.
fn fitting(reason: &str) -> &str {
    let most = reason.len().min(LONGEST_REASON);
    let end = (0..=most).rev().find(|&at| reason.is_char_boundary(at)).unwrap_or(0);
    &reason[..end]
}
