//! Pings of our own, to find out whether a silent peer is still there (RFC 6455 section 5.5.2).

use crate::{Config, Time};

/// When something was heard last, and when a Ping was sent since.
#[derive(Debug, Default)]
pub(crate) struct Keepalive {
    heard: Time,
    pinged: Option<Time>,
}

/// What the time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    GiveUp,
}

impl Keepalive {
    /// Something came in.
    pub(crate) fn heard(&mut self, now: Time) {
        *self = Self { heard: now, pinged: None };
    }

    /// A Ping was sent.
    pub(crate) fn pinged(&mut self, now: Time) {
        self.pinged = Some(now);
    }

    /// When something is due next.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Time> {
        let interval = config.ping_interval?;
        Some(match self.pinged {
            None => self.heard.saturating_add(interval),
            Some(pinged) => pinged.saturating_add(config.pong_timeout),
        })
    }

    pub(crate) fn due(&self, config: &Config, now: Time) -> Due {
        match self.deadline(config) {
            Some(deadline) if deadline <= now => {
                if self.pinged.is_none() {
                    Due::Ping
                } else {
                    Due::GiveUp
                }
            }
            _ => Due::Nothing,
        }
    }
}
