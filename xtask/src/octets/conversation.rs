//! One recorded connection: how the recorder behaves towards a suite, and what it notes.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use wsspec_wire::{
    HeadBuffer, HeadProgress, RequestHead, ResponseHead, accept_key, write_request, write_response,
};

use super::frame::Frame;
use crate::peers::Role;

/// How the recorder behaves. Both suites meet the same manner, so what they send can be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Echoes messages, answers pings and the closing handshake; falls silent at the first violation.
    Echo,
    /// Opens the connection and then says nothing: the whole script goes out, and what its timers send.
    Silent,
    /// As a client: offers permessage-deflate in several ways, notes each answer and goes away.
    Offering,
}

impl Manner {
    /// Whether a recorder in this role can behave so.
    pub(super) fn plays(self, role: Role) -> bool {
        self != Self::Offering || role == Role::Client
    }

    /// The word in messages and folder names.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Silent => "silent",
            Self::Offering => "offering",
        }
    }
}

/// What a suite sent in one connection, one line for each thing.
pub(super) type Recording = Vec<String>;

/// Longer than any case stays quiet.
const QUIET_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait for frames behind a close frame before dropping the connection.
const LINGER: Duration = Duration::from_millis(100);
const HEAD_LIMIT: usize = 64 << 10;

/// Takes one connection of a suite that tests servers; `None` if it goes away without a request.
pub(super) fn serve(stream: &TcpStream, manner: Manner) -> Result<Option<Recording>> {
    let mut input = prepare(stream)?;
    let Ok(head) = read_head(&mut input) else { return Ok(None) };
    let request = RequestHead::parse(&head);
    let accept = accept_key(request.headers.get("Sec-WebSocket-Key").unwrap_or_default());
    let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)];
    { stream }.write_all(&write_response(101, "Switching Protocols", &headers))?;
    let offers = request.headers.get_all("Sec-WebSocket-Extensions");
    let lines = offers.map(|offer| format!("offers {}", String::from_utf8_lossy(offer))).collect();
    let conversation = Conversation { stream, input, manner, key: None, message: None, lines };
    Ok(Some(conversation.run()))
}

/// Asks a suite that tests clients for `target`, and records what it sends.
pub(super) fn visit(stream: &TcpStream, target: &str, manner: Manner) -> Result<Recording> {
    let input = open(stream, target)?;
    let key = Some([0x52, 0x65, 0x63, 0x21]);
    let lines = Vec::new();
    let conversation = Conversation { stream, input, manner, key, message: None, lines };
    Ok(conversation.run())
}

/// Asks a suite that tests clients for `target`, and gives the payload of the first frame it sends, if any.
pub(super) fn ask(stream: &TcpStream, target: &str) -> Result<Option<Vec<u8>>> {
    let mut input = open(stream, target)?;
    let reply = Frame::read(&mut input).filter(|frame| frame.opcode() == 1);
    while Frame::read(&mut input).is_some() {}
    Ok(reply.map(|frame| frame.payload))
}

/// The offers of [`Manner::Offering`]: with and without what a server may only ask for if it is offered.
pub(super) const OFFERS: &[&str] = &[
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9",
];

/// Asks a suite that tests clients for `target` with this offer, and notes which extensions it accepts.
pub(super) fn offer(stream: &TcpStream, target: &str, offer: &str) -> Result<String> {
    let (_, response) = upgrade(stream, target, Some(offer))?;
    let accepted = response.headers.get_all("Sec-WebSocket-Extensions").map(String::from_utf8_lossy);
    let accepted: Vec<_> = accepted.collect();
    stream.shutdown(Shutdown::Both)?;
    let status = response.status.unwrap_or_default();
    Ok(format!("{offer} => {status} {}", accepted.join(" | ")))
}

/// The opening handshake as a client, up to a connection.
fn open<'a>(stream: &'a TcpStream, target: &str) -> Result<BufReader<&'a TcpStream>> {
    let (input, response) = upgrade(stream, target, None)?;
    ensure!(response.status == Some(101), "{target} is answered with status {:?}", response.status);
    Ok(input)
}

/// Sends the request and reads the response, whatever it is.
fn upgrade<'a>(
    stream: &'a TcpStream,
    target: &str,
    offer: Option<&str>,
) -> Result<(BufReader<&'a TcpStream>, ResponseHead)> {
    let mut input = prepare(stream)?;
    let host = stream.peer_addr()?.to_string();
    let mut headers = vec![
        ("Host", host.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    headers.extend(offer.map(|offer| ("Sec-WebSocket-Extensions", offer)));
    { stream }.write_all(&write_request(target, &headers))?;
    let response = ResponseHead::parse(&read_head(&mut input)?);
    Ok((input, response))
}

fn prepare(stream: &TcpStream) -> Result<BufReader<&TcpStream>> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(QUIET_LIMIT))?;
    stream.set_write_timeout(Some(QUIET_LIMIT))?;
    Ok(BufReader::with_capacity(256 << 10, stream))
}

/// Octet by octet, since what follows the head has to stay where it is.
fn read_head(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = HeadBuffer::new(HEAD_LIMIT);
    let mut octet = [0];
    loop {
        input.read_exact(&mut octet).context("no complete HTTP head")?;
        match head.feed(&octet) {
            HeadProgress::Incomplete => {}
            HeadProgress::Complete { .. } => return Ok(head.octets().to_vec()),
            HeadProgress::TooLarge => bail!("an HTTP head of more than {HEAD_LIMIT} octets"),
        }
    }
}

struct Conversation<'a> {
    stream: &'a TcpStream,
    input: BufReader<&'a TcpStream>,
    manner: Manner,
    /// Masks what the recorder sends as a client.
    key: Option<[u8; 4]>,
    /// Opcode and payload so far of the message that is coming in.
    message: Option<(u8, Vec<u8>)>,
    lines: Recording,
}

impl Conversation<'_> {
    fn run(mut self) -> Recording {
        while let Some(frame) = Frame::read(&mut self.input) {
            self.lines.push(frame.to_string());
            if frame.opcode() == 8 && self.stream.set_read_timeout(Some(LINGER)).is_err() {
                break;
            }
            if self.manner == Manner::Echo && self.answer(frame).is_none() {
                self.manner = Manner::Silent;
            }
        }
        // Fails only if the suite has dropped the connection already.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.lines
    }

    /// Does what a well-behaved endpoint does with a frame; `None` if the frame breaks a rule.
    fn answer(&mut self, frame: Frame) -> Option<()> {
        if !frame.is_lawful() {
            return None;
        }
        match frame.opcode() {
            8 => self.close(&frame.payload)?,
            9 => self.send(10, &frame.payload),
            10 => {}
            _ => self.data(frame)?,
        }
        Some(())
    }

    fn data(&mut self, frame: Frame) -> Option<()> {
        let fin = frame.fin();
        let (opcode, mut payload) = match (self.message.take(), frame.opcode()) {
            (None, 0) | (Some(_), 1 | 2) => return None,
            (None, opcode) => (opcode, Vec::new()),
            (Some(message), _) => message,
        };
        payload.extend(frame.payload);
        if !fin {
            self.message = Some((opcode, payload));
            return Some(());
        }
        if opcode == 1 && std::str::from_utf8(&payload).is_err() {
            return None;
        }
        self.send(opcode, &payload);
        Some(())
    }

    fn close(&mut self, body: &[u8]) -> Option<()> {
        if let [high, low, reason @ ..] = body {
            let code = u16::from_be_bytes([*high, *low]);
            let reserved = matches!(code, 0..1000 | 1004..=1006 | 1014..3000 | 5000..);
            if reserved || std::str::from_utf8(reason).is_err() {
                return None;
            }
        } else if !body.is_empty() {
            return None;
        }
        self.send(8, body);
        self.manner = Manner::Silent;
        Some(())
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) {
        // An error means that the suite has gone, which the next read notices.
        let _ = { self.stream }.write_all(&Frame::encode(0x80 | opcode, payload, self.key));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// Sends `octets` to a recorder after the opening handshake; gives its lines and what came back.
    fn talk(manner: Manner, octets: &[u8]) -> (Recording, Vec<u8>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let recorder = thread::spawn(move || serve(&listener.accept().unwrap().0, manner).unwrap().unwrap());
        client.write_all(&write_request("/", &[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])).unwrap();
        read_head(&mut client).unwrap();
        client.write_all(octets).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut replies = Vec::new();
        client.read_to_end(&mut replies).unwrap();
        (recorder.join().unwrap(), replies)
    }

    #[test]
    fn echo_answers_messages_pings_and_the_close_and_notes_what_follows() {
        let script = [
            Frame::encode(0x01, b"Hel", Some([1; 4])),
            Frame::encode(0x89, b"?", Some([2; 4])),
            Frame::encode(0x80, b"lo", Some([3; 4])),
            Frame::encode(0x88, &[3, 232], Some([4; 4])),
            Frame::encode(0x89, b"late", Some([5; 4])),
        ];
        let (lines, replies) = talk(Manner::Echo, &script.concat());
        assert_eq!(lines.len(), 5);
        let answers = [
            Frame::encode(0x8a, b"?", None),
            Frame::encode(0x81, b"Hello", None),
            Frame::encode(0x88, &[3, 232], None),
        ];
        assert_eq!(replies, answers.concat());
    }

    #[test]
    fn echo_falls_silent_at_a_violation() {
        let script = [Frame::encode(0xc1, b"rsv", Some([1; 4])), Frame::encode(0x89, b"", Some([1; 4]))];
        let (lines, replies) = talk(Manner::Echo, &script.concat());
        assert_eq!(lines.len(), 2);
        assert!(replies.is_empty());
    }

    #[test]
    fn silent_answers_nothing() {
        let (lines, replies) = talk(Manner::Silent, &Frame::encode(0x81, b"Hello", Some([1; 4])));
        assert_eq!(lines, ["81 masked 7 bits: 5 octets 48656c6c6f"]);
        assert!(replies.is_empty());
    }
}
