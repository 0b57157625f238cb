//! The end of a connection (RFC 6455 section 7).

use wsspec_wire::{CloseBody, Opcode, Rsv, close_code, encode_close};

use crate::connection::{Connection, Phase};
use crate::outbox::Ending;
use crate::rules::MAX_CONTROL;
use crate::{Closed, End, Event, RequestViolation, Role, SendError, Time, Timer, Violation};

/// What was said about the end of the connection so far.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    /// Status code of the Close frame sent; 1005 if it has none.
    sent: Option<u16>,
    /// Status code and reason of the Close frame received.
    received: Option<(u16, String)>,
    violation: Option<Violation>,
    timed_out: Option<Timer>,
    /// Octets thrown away since this endpoint sent its FIN.
    drained: u64,
}

/// Whether a status code may be in a Close frame (RFC 6455 section 7.4, and the IANA registry it founds).
pub(crate) fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// As many whole characters as fit into so many octets.
fn cut_at_character(text: &str, octets: usize) -> &str {
    let mut end = text.len().min(octets);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Connection {
    /// Starts the closing handshake. Without `code` the Close frame has no body.
    ///
    /// A reason that does not fit into the frame is cut at the end of a character.
    ///
    /// # Errors
    ///
    /// [`SendError::NotOpen`], [`SendError::CloseCode`] for codes that must not be sent, and
    /// [`SendError::ReasonWithoutCode`].
    pub fn close(&mut self, code: impl Into<Option<u16>>, reason: &str, now: Time) -> Result<(), SendError> {
        self.check_open()?;
        match code.into() {
            Some(code) if !is_sendable(code) => return Err(SendError::CloseCode(code)),
            None if !reason.is_empty() => return Err(SendError::ReasonWithoutCode),
            code => self.send_close(code, reason),
        }
        self.phase = Phase::CloseSent;
        self.deadline = Some(now.saturating_add(self.config.close_timeout));
        Ok(())
    }

    fn closing(&mut self) -> &mut Closing {
        self.closing.get_or_insert_default()
    }

    fn send_close(&mut self, code: Option<u16>, reason: &str) {
        let reason = cut_at_character(reason, MAX_CONTROL - 2);
        self.write_frame(true, Rsv::NONE, Opcode::CLOSE, &encode_close(code, reason.as_bytes()));
        self.closing().sent = Some(code.unwrap_or(close_code::NO_STATUS));
    }

    /// Takes the peer's Close frame, and answers it if it is the first one.
    pub(crate) fn receive_close(&mut self, payload: &[u8], now: Time) -> Result<(), Violation> {
        let body = CloseBody::decode(payload);
        if body.malformed {
            return Err(Violation::CloseBodyTooShort);
        }
        if let Some(code) = body.code
            && !is_sendable(code)
        {
            return Err(Violation::CloseCode(code));
        }
        let reason = std::str::from_utf8(body.reason).map_err(|_| Violation::CloseReason)?.to_owned();
        self.events.push_back(Event::CloseReceived { code: body.code, reason: reason.clone() });
        self.closing().received = Some((body.code.unwrap_or(close_code::NO_STATUS), reason));
        if self.closing().sent.is_none() {
            self.send_close(body.code, "");
        }
        self.end_tcp(self.config.tcp_close_timeout, now);
        Ok(())
    }

    /// Fails the connection (RFC 6455 section 7.1.7): nothing that comes after this is processed.
    pub(crate) fn fail(&mut self, violation: Violation, now: Time) {
        if matches!(self.phase, Phase::Handshake(_)) {
            self.closing().violation = Some(violation);
            return self.drop_tcp(now);
        }
        if self.closing().sent.is_none() {
            self.send_close(Some(violation.close_code()), &violation.message());
        }
        self.closing().violation = Some(violation);
        self.end_tcp(self.config.fail_timeout, now);
    }

    /// The server drops TCP first; the client leaves it `patience` to do so (RFC 6455 section 7.1.1).
    fn end_tcp(&mut self, patience: Time, now: Time) {
        match self.config.role {
            Role::Server => self.drop_tcp(now),
            Role::Client => {
                self.phase = Phase::AwaitingEnd;
                self.deadline = Some(now.saturating_add(patience));
            }
        }
        self.release();
    }

    /// Sends FIN after all that is queued, and waits for the peer's.
    fn drop_tcp(&mut self, now: Time) {
        self.outbox.end_with(Ending::CloseTcp);
        self.phase = Phase::Draining;
        self.deadline = Some(now.saturating_add(self.config.tcp_close_timeout));
        self.release();
    }

    /// Throws away what comes after the end.
    pub(crate) fn drain(&mut self, octets: &[u8]) {
        let drained = &mut self.closing().drained;
        *drained = drained.saturating_add(octets.len() as u64);
        if *drained > self.config.drain_limit {
            self.abort();
            self.finish();
        }
    }

    /// The peer ended TCP.
    pub(crate) fn end(&mut self, how: End) {
        match how {
            End::Reset => self.outbox.clear(),
            End::Fin if matches!(self.phase, Phase::Draining) => {}
            End::Fin => self.outbox.end_with(Ending::CloseTcp),
        }
        self.finish();
    }

    /// The deadline of this phase has passed.
    pub(crate) fn time_out(&mut self, now: Time) {
        match self.phase {
            Phase::Handshake(_) => {
                self.closing().timed_out = Some(Timer::Handshake);
                match self.config.role {
                    Role::Server => self.refuse(RequestViolation::TimedOut, now),
                    Role::Client => self.drop_tcp(now),
                }
            }
            // A peer that reads slowly, but reads, gets its time.
            _ if self.outbox.take_progress() && !self.outbox.is_empty() => {
                self.deadline = Some(now.saturating_add(self.config.tcp_close_timeout));
            }
            Phase::CloseSent => self.finish_late(Timer::Close),
            Phase::AwaitingEnd | Phase::Draining => self.finish_late(Timer::TcpClose),
            Phase::Open | Phase::Closed => {}
        }
    }

    /// The peer was given its time; this endpoint ends TCP on its own.
    fn finish_late(&mut self, timer: Timer) {
        self.closing().timed_out.get_or_insert(timer);
        if self.outbox.is_empty() && !matches!(self.phase, Phase::Draining) {
            self.outbox.end_with(Ending::CloseTcp);
        } else {
            self.abort();
        }
        self.finish();
    }

    /// Ends the connection with a RST.
    pub(crate) fn reset(&mut self) {
        self.abort();
        self.finish();
    }

    /// Whether it was this endpoint that failed the connection (RFC 6455 section 7.1.7).
    pub fn has_failed(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.violation.is_some())
    }

    fn abort(&mut self) {
        self.outbox.clear();
        self.outbox.end_with(Ending::Abort);
    }

    /// Ends a connection of which nothing was sent yet.
    pub(crate) fn withdraw(&mut self, violation: Violation) {
        self.closing().violation = Some(violation);
        self.abort();
        self.finish();
    }

    /// The peer did not react to a Ping.
    pub(crate) fn give_up(&mut self, now: Time) {
        self.closing().timed_out = Some(Timer::Pong);
        self.send_close(Some(close_code::POLICY_VIOLATION), "no answer to a Ping");
        self.end_tcp(self.config.fail_timeout, now);
    }

    fn finish(&mut self) {
        self.phase = Phase::Closed;
        self.deadline = None;
        self.release();
        let Closing { sent, received, violation, timed_out, .. } =
            self.closing.take().map(|closing| *closing).unwrap_or_default();
        let clean = sent.is_some() && received.is_some() && violation.is_none();
        let (code, reason) = received.unwrap_or((close_code::ABNORMAL, String::new()));
        let sent_code = sent.unwrap_or(close_code::ABNORMAL);
        let closed = Closed { clean, code, reason, sent_code, violation, timed_out };
        self.events.push_back(Event::Closed(Box::new(closed)));
    }
}
