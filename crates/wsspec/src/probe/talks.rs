//! The single questions of a probe.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;
use wsspec_wire::{CloseBody, Opcode, close_code, encode_close};

use super::millis;
use crate::net::Stream;
use crate::net::talk::{Heard, Talk};
use crate::run::refusal::quoted;
use crate::terminal::Tone;

/// Frames between a question and its answer, at most.
const BETWEEN: usize = 1000;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The same.
    Same,
    /// Something else.
    Heard(Heard),
}

/// `Close 1009`
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("ok"),
            Self::Heard(Heard::End) => f.write_str("the connection is gone"),
            Self::Heard(Heard::Nothing) => f.write_str("no answer in time"),
            Self::Heard(Heard::Frame(Opcode::CLOSE, body)) => f.write_str(&close_text(body)),
            Self::Heard(Heard::Frame(opcode, octets)) => {
                let opcode = match *opcode {
                    Opcode::TEXT => "Text",
                    Opcode::BINARY => "Binary",
                    _ => "another frame",
                };
                write!(f, "{opcode} {}", quoted(&octets[..octets.len().min(40)]))
            }
        }
    }
}

fn close_text(body: &[u8]) -> String {
    CloseBody::decode(body).code.map_or_else(|| "Close".to_owned(), |code| format!("Close {code}"))
}

/// Sends a message; the answer is the next one that comes.
pub(super) async fn echo(
    talk: &mut Talk<Stream>,
    opcode: Opcode,
    payload: &[u8],
    deadline: Instant,
) -> Reply {
    let mut heard = talk.send_and_hear(opcode, payload, deadline).await;
    for _ in 0..BETWEEN {
        match heard {
            Heard::Frame(Opcode::PING, ping) => drop(talk.send(Opcode::PONG, &ping).await),
            Heard::Frame(Opcode::PONG, _) => {}
            Heard::Frame(got, octets) if got == opcode && octets == payload => return Reply::Same,
            other => return Reply::Heard(other),
        }
        heard = talk.next(deadline).await;
    }
    Reply::Heard(Heard::Nothing)
}

/// Until the Pong with the payload of the Ping is there.
pub(super) async fn ping(talk: &mut Talk<Stream>, deadline: Instant) -> Result<Duration, Reply> {
    let started = Instant::now();
    let mut heard = talk.send_and_hear(Opcode::PING, b"wsspec", deadline).await;
    for _ in 0..BETWEEN {
        match heard {
            Heard::Frame(Opcode::PONG, payload) if payload == b"wsspec" => return Ok(started.elapsed()),
            Heard::Frame(Opcode::PING, ping) => drop(talk.send(Opcode::PONG, &ping).await),
            Heard::Frame(Opcode::CLOSE, _) | Heard::End | Heard::Nothing => return Err(Reply::Heard(heard)),
            Heard::Frame(..) => {}
        }
        heard = talk.next(deadline).await;
    }
    Err(Reply::Heard(Heard::Nothing))
}

/// The closing handshake, and who ends TCP.
pub(super) async fn close(mut talk: Talk<Stream>, limit: Duration) -> (Tone, String) {
    let body = encode_close(Some(close_code::NORMAL), b"");
    let deadline = Instant::now() + limit;
    let mut heard = talk.send_and_hear(Opcode::CLOSE, &body, deadline).await;
    for _ in 0..BETWEEN {
        if !matches!(heard, Heard::Frame(opcode, _) if opcode != Opcode::CLOSE) {
            break;
        }
        heard = talk.next(deadline).await;
    }
    let answered = match &heard {
        Heard::Frame(_, body) if CloseBody::decode(body).code == Some(close_code::NORMAL) => {
            "1000 answered with 1000".to_owned()
        }
        Heard::Frame(_, body) => format!("1000 answered with {}", close_text(body)),
        Heard::End => return (Tone::Bad, "1000 not answered: TCP closed by the peer".to_owned()),
        Heard::Nothing => return (Tone::Bad, "1000 not answered".to_owned()),
    };
    let started = Instant::now();
    match talk.next(deadline).await {
        Heard::End => {
            let took = millis(started.elapsed());
            (Tone::Note, format!("{answered}, TCP closed by the peer after {took}"))
        }
        Heard::Frame(..) => (Tone::Doubtful, format!("{answered}, and then more frames")),
        Heard::Nothing => (Tone::Doubtful, format!("{answered}, TCP not closed by the peer")),
    }
}
