use wsspec_cases::{
    COMMANDS, Case, Conclusion, Event, FirstToClose, FrameSpec, Grade, MessageSpec, Opened, Play, Step,
};
use wsspec_wire::{Opcode, close_code};

use super::closing::CloseFrame;
use super::{CaseRun, DriverBox, Phase};
use crate::Time;
use crate::deflate::Agreement;
use crate::observation::TesterRole;
use crate::outbox::Transmit;
use crate::timers::Timer;
use crate::wire_log::LogKind;

pub(super) fn driver_of(case: &Case) -> Option<DriverBox> {
    match &case.play {
        Play::Drive(make, _) => Some(DriverBox(make())),
        Play::Script(_) | Play::Passive(_) | Play::Series(_) => None,
    }
}

impl CaseRun<'_> {
    pub(super) fn begin_play(&mut self, opened: &Opened, agreement: Option<Agreement>, now: Time) {
        if self.case.measures.quiet {
            self.recorder.record(now, false);
        }
        let unmet = self.unmet_commands(opened).or_else(|| self.unmet(agreement));
        if let Some(text) = unmet {
            self.conclude(Conclusion::new(Grade::Unimplemented, text), now);
            self.send_close(CloseFrame::First, Some(close_code::NORMAL), b"", now);
            return;
        }
        if let Play::Script(steps) = &self.case.play
            && !self.case.conduct.hurries
        {
            self.steps = steps.iter().cloned().collect();
        }
        self.drive(now, |driver, out| driver.0.open(opened, out));
        self.do_steps(now);
    }

    /// The peer does not agree to take commands, which the case needs.
    fn unmet_commands(&self, opened: &Opened) -> Option<String> {
        let agreed = opened.subprotocol.as_deref() == Some(COMMANDS);
        let unmet = self.case.conduct.commands && !agreed;
        unmet.then(|| format!("the peer does not speak the subprotocol {COMMANDS}, which this case needs"))
    }

    /// What the case needs of permessage-deflate and was not agreed on.
    fn unmet(&self, agreement: Option<Agreement>) -> Option<String> {
        let plan = self.case.deflate.as_ref()?;
        let wanted = match self.role {
            TesterRole::Client => !plan.offers.is_empty(),
            TesterRole::Server => !plan.answers.is_empty(),
        };
        let Some(agreement) = agreement else {
            return wanted.then(|| "permessage-deflate was not agreed on".to_string());
        };
        let unmet = plan.needs.iter().find(|need| !need.is_met(&agreement))?;
        Some(format!("{unmet} was not agreed on"))
    }

    /// Something came that counts.
    pub(super) fn event(&mut self, event: &Event, now: Time) {
        self.events.push(event, self.recorder.last_frame);
        self.drive(now, |driver, out| driver.0.event(event, out));
        self.do_steps(now);
        if !matches!(event, Event::Elapsed(_)) {
            self.close_on_match(now);
        }
    }

    /// Closes when the case is through. If there are several accepted outcomes, more may be to come.
    fn close_on_match(&mut self, now: Time) {
        let rule = &self.case.close;
        let [accept] = &self.case.accepts[..] else { return };
        let may_close = rule.first == FirstToClose::Tester && !rule.stays_open;
        if may_close && self.events.are(accept) {
            let code = rule.codes.first().copied();
            self.send_close(CloseFrame::First, code, b"", now);
        }
    }

    /// Lets the driver, if there is one, react.
    pub(super) fn drive(&mut self, now: Time, react: impl FnOnce(&mut DriverBox, &mut wsspec_cases::Outbox)) {
        let Some(driver) = &mut self.driver else { return };
        let mut out = wsspec_cases::Outbox::default();
        react(driver, &mut out);
        self.steps.append(&mut out.steps);
        if let Some(conclusion) = out.conclusion {
            self.conclude(conclusion, now);
        }
    }

    fn conclude(&mut self, conclusion: Conclusion, now: Time) {
        if self.conclusion.is_none() {
            self.conclusion = Some(conclusion);
            self.recorder.record(now, true);
        }
    }

    /// Does steps until one waits, or none is left.
    pub(super) fn do_steps(&mut self, now: Time) {
        while !self.timers.is_armed(Timer::Wait)
            && self.awaiting.is_none()
            && matches!(self.phase, Phase::Open | Phase::Closing)
            && let Some(step) = self.steps.pop_front()
        {
            self.do_step(step, now);
        }
    }

    fn do_step(&mut self, step: Step, now: Time) {
        let open = self.phase == Phase::Open;
        match step {
            // Single frames go out also behind a Close frame: some cases are about that.
            Step::Send(spec) => self.outbox.frame(spec),
            Step::Octets(octets) => self.outbox.octets(octets),
            Step::SendMessage(spec) if open => self.outbox.message(self.fragmented(spec)),
            Step::Data(payload) if open => self.outbox.data(payload),
            Step::SendMessage(_) | Step::Data(_) => {}
            Step::Close(spec) => self.send_close(CloseFrame::First, spec.code, &spec.reason, now),
            Step::Wait { duration, tag } => {
                let delay = self.settings.scaled(duration);
                self.tag = tag;
                self.timers.arm(now + delay, Timer::Wait);
                self.note(LogKind::WaitStarted { delay, tag }, now);
            }
            Step::FailAfter(duration) => {
                let delay = self.settings.scaled(duration);
                self.timers.arm(now + delay, Timer::Fail);
                self.note(LogKind::FailTimerArmed(delay), now);
            }
            Step::CloseAfter(duration) => {
                let delay = self.settings.scaled(duration);
                self.timers.arm(now + delay, Timer::CloseAfter);
                self.note(LogKind::CloseTimerArmed(delay), now);
            }
            Step::ClosingBegan(code) if open => self.closing_began(CloseFrame::First, code, now),
            Step::ClosingBegan(_) => {}
            Step::Await(awaited) => self.start_await(awaited, now),
            Step::AnswerPing => self.outbox.frame(FrameSpec::new(Opcode::PONG, self.last_ping.clone())),
            Step::StopReading => self.reading_stopped = true,
            Step::ResumeReading => self.reading_stopped = false,
            Step::HalfClose => self.outbox.end(Transmit::Fin),
            Step::EndByRole => self.closing_handshake_done(Timer::Linger, now),
            Step::EndTcp => self.drop_tcp(now),
            Step::Reset => self.reset_tcp(now),
        }
    }

    /// A message of a script may have to be fragmented; a driver says itself what it needs.
    fn fragmented(&self, spec: MessageSpec) -> MessageSpec {
        let asked = self.settings.conduct.auto_fragment.filter(|_| self.driver.is_none());
        MessageSpec { fragment: spec.fragment.or(asked), ..spec }
    }

    /// Notes what the script did, behind the frames that it sent before.
    pub(super) fn note(&mut self, kind: LogKind, now: Time) {
        self.outbox.note(kind, now, &mut self.recorder);
    }

    pub(super) fn wait_ended(&mut self, now: Time) {
        let tag = self.tag.take();
        self.note(LogKind::WaitEnded { tag }, now);
        match tag {
            Some(tag) if self.phase == Phase::Open => self.event(&Event::Elapsed(tag), now),
            // What was to be learnt by waiting is known: the connection is being closed.
            Some(_) => self.steps.clear(),
            None => self.do_steps(now),
        }
    }
}
