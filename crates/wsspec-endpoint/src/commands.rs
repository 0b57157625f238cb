//! The commands of the subprotocol `wst.cmd`: a tester asks this endpoint to do what echoing never shows.
//!
//! Where the subprotocol is agreed on, a text message that begins with `!` is a command. `docs/wst-cmd.md` says
//! what each of them does. All are bounded: whatever is asked for, little memory is needed.

use wsspec_wire::{Opcode, Rsv};

use crate::connection::{Connection, Phase};
use crate::{Closed, SendError, Time};

/// The name of the subprotocol.
pub const COMMANDS: &str = "wst.cmd";

/// The most octets of payload that one command makes this endpoint send.
const MOST_OCTETS: usize = 16 << 20;
/// The most frames.
const MOST_FRAMES: usize = 1 << 16;

/// What an endpoint that takes commands knows about them.
#[derive(Debug, Default)]
pub(crate) struct Commander {
    /// Messages are not echoed any more.
    quiet: bool,
    /// A command that came and is not obeyed yet.
    pending: Option<String>,
}

/// A command, read.
#[derive(Debug, PartialEq, Eq)]
enum Command<'a> {
    Close { code: Option<u16>, reason: &'a str },
    Send { opcode: Opcode, len: usize, seed: usize },
    SendInFragments { len: usize, size: usize },
    Ping { count: usize },
    Burst { count: usize, len: usize },
    Reset,
    Quiet,
    State,
}

/// Why a command is not obeyed.
type Refusal = String;

impl<'a> Command<'a> {
    /// Reads a command, without its `!`.
    fn read(text: &'a str) -> Result<Self, Refusal> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut words = rest.split(' ').filter(|word| !word.is_empty());
        let command = match name {
            "close" => return Self::read_close(rest),
            "close-api" => Self::Close { code: Some(number(words.next())?), reason: "" },
            "send" => Self::Send {
                opcode: kind(words.next())?,
                len: number(words.next())?,
                seed: words.next().map_or(Ok(0), |word| number(Some(word)))?,
            },
            "sendfrag" => Self::SendInFragments { len: number(words.next())?, size: number(words.next())? },
            "ping" => Self::Ping { count: number(words.next())? },
            "burst" => Self::Burst { count: number(words.next())?, len: number(words.next())? },
            "reset" => Self::Reset,
            "quiet" => Self::Quiet,
            "state" => Self::State,
            _ => return Err("no such command".into()),
        };
        match words.next() {
            None => Ok(command),
            Some(_) => Err("too many words".into()),
        }
    }

    /// What follows the code and one space is the reason, to the last octet.
    fn read_close(rest: &'a str) -> Result<Self, Refusal> {
        if rest.is_empty() {
            return Ok(Self::Close { code: None, reason: "" });
        }
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        Ok(Self::Close { code: Some(number(Some(code))?), reason })
    }
}

fn number<N: std::str::FromStr>(word: Option<&str>) -> Result<N, Refusal> {
    word.and_then(|word| word.parse().ok()).ok_or_else(|| "a number is missing or too large".into())
}

fn kind(word: Option<&str>) -> Result<Opcode, Refusal> {
    match word {
        Some("text") => Ok(Opcode::TEXT),
        Some("bin") => Ok(Opcode::BINARY),
        _ => Err("text or bin is missing".into()),
    }
}

/// A payload that the tester can foretell: letters, or octets that count.
fn payload(opcode: Opcode, len: usize, seed: usize) -> Vec<u8> {
    let octet = |n: usize| match opcode {
        Opcode::TEXT => b'a' + (n % 26) as u8,
        _ => n as u8,
    };
    (0..len).map(|n| octet(seed.wrapping_add(n))).collect()
}

/// What `!state` is answered with.
fn state(last: Option<&Closed>) -> String {
    let Some(Closed { clean, code, reason, .. }) = last else { return "!state none".into() };
    let how = if *clean { "clean" } else { "unclean" };
    format!("!state {code} {how} {reason}").trim_end().to_owned()
}

impl Connection {
    /// Takes commands from now on.
    pub(crate) fn take_commands(&mut self) {
        self.commander = Some(Box::default());
    }

    /// Whether a message is for the commander, which echoes it or does not.
    pub(crate) fn keeps_from_echoing(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let Some(commander) = &mut self.commander else { return false };
        if opcode == Opcode::TEXT
            && let Some(command) = payload.strip_prefix(b"!")
        {
            commander.pending = Some(String::from_utf8_lossy(command).into_owned());
            return true;
        }
        commander.quiet
    }

    /// Does what the last message asked for.
    pub(crate) fn obey(&mut self, now: Time) {
        let Some(text) = self.commander.as_mut().and_then(|commander| commander.pending.take()) else {
            return;
        };
        if let Err(refusal) = Command::read(&text).and_then(|command| self.carry_out(&command, now)) {
            // A connection that is being closed has nothing more to say.
            let _ = self.send_text(&format!("!refused {refusal}"));
        }
    }

    fn carry_out(&mut self, command: &Command<'_>, now: Time) -> Result<(), Refusal> {
        let refused = |error: SendError| error.to_string();
        match *command {
            Command::Close { code, reason } => self.close(code, reason, now).map_err(refused),
            Command::Send { opcode, len, seed } => {
                within(len, 1)?;
                self.check_open().map_err(refused)?;
                self.write_message(opcode, &payload(opcode, len, seed));
                Ok(())
            }
            Command::SendInFragments { len, size } => self.send_in_fragments(len, size),
            Command::Ping { count } => {
                within(0, count)?;
                (1..=count).try_for_each(|n| self.ping(n.to_string().as_bytes())).map_err(refused)
            }
            Command::Burst { count, len } => {
                within(count.saturating_mul(len), count)?;
                (0..count)
                    .try_for_each(|n| self.send_binary(&payload(Opcode::BINARY, len, n)))
                    .map_err(refused)
            }
            Command::Reset => {
                self.reset();
                Ok(())
            }
            Command::Quiet => {
                self.commander.iter_mut().for_each(|commander| commander.quiet = true);
                Ok(())
            }
            Command::State => {
                let text = state(self.config.last_closed.as_ref());
                self.send_text(&text).map_err(refused)
            }
        }
    }

    /// A binary message in fragments of `size` octets, uncompressed.
    fn send_in_fragments(&mut self, len: usize, size: usize) -> Result<(), Refusal> {
        let size = size.max(1);
        within(len, len.div_ceil(size))?;
        if !matches!(self.phase, Phase::Open) {
            return Ok(());
        }
        let payload = payload(Opcode::BINARY, len, 0);
        let last = len.saturating_sub(1) / size;
        for index in 0..=last {
            let part = &payload[index * size..len.min((index + 1) * size)];
            let opcode = if index == 0 { Opcode::BINARY } else { Opcode::CONTINUATION };
            self.write_frame(index == last, Rsv::NONE, opcode, part);
        }
        Ok(())
    }
}

fn within(octets: usize, frames: usize) -> Result<(), Refusal> {
    if octets <= MOST_OCTETS && frames <= MOST_FRAMES { Ok(()) } else { Err("that is too much".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let close = |code, reason| Ok(Command::Close { code, reason });
        assert_eq!(Command::read("close"), close(None, ""));
        assert_eq!(Command::read("close 1000"), close(Some(1000), ""));
        assert_eq!(Command::read("close 3001 bye  bye "), close(Some(3001), "bye  bye "));
        assert_eq!(Command::read("close-api 1005"), close(Some(1005), ""));
        let opcode = Opcode::TEXT;
        assert_eq!(Command::read("send text 5"), Ok(Command::Send { opcode, len: 5, seed: 0 }));
        assert_eq!(Command::read("send text 5 7"), Ok(Command::Send { opcode, len: 5, seed: 7 }));
        assert_eq!(Command::read("burst 3 9"), Ok(Command::Burst { count: 3, len: 9 }));
        for wrong in
            ["", "shout", "close x", "close 70000", "send", "send foo 1", "ping", "quiet now", "ping 1 2"]
        {
            assert!(Command::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn payloads_can_be_foretold() {
        assert_eq!(payload(Opcode::TEXT, 4, 24), b"yzab");
        assert_eq!(payload(Opcode::BINARY, 3, 254), [254, 255, 0]);
    }
}
