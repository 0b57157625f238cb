//! One opening handshake and one echo, by hand and lenient: what preflight and `probe` are made of.

use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use wsspec_engine::ClientOpening;
use wsspec_wire::{
    HeadBuffer, HeadProgress, Opcode, ResponseHead, accept_key, close_code, encode_close, encode_key,
    write_request,
};

use super::talk::{Heard, Talk};
use super::transport::{Drain, drain};
use super::{Transport, tls};

const HEAD_LIMIT: usize = 16 << 10;
const BODY_KEPT: usize = 200;
const MESSAGE_KEPT: usize = 1024;

/// The answer to an upgrade request.
#[derive(Debug)]
pub struct Answer {
    /// The key that was sent.
    pub key: String,
    /// The head of the response.
    pub head: ResponseHead,
    /// The first octets behind the head.
    pub rest: Vec<u8>,
    /// From the request until the end of the head.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// The head was not complete in time; so many octets came.
    TimedOut(usize),
    /// The server ended TLS with this alert.
    Alert(AlertDescription),
    /// The peer closed the connection first; these octets came.
    Closed(Vec<u8>),
    /// It begins with something that is no HTTP.
    NotHttp(Vec<u8>),
    /// The head does not end.
    TooLarge,
}

/// Sends an upgrade request and reads the head of the response.
///
/// # Errors
/// There is no complete head within `limit`.
pub async fn open(
    stream: &mut impl Transport,
    opening: &ClientOpening,
    extensions: Option<&str>,
    limit: Duration,
) -> Result<Answer, NoAnswer> {
    let key = encode_key(rand::random());
    let started = Instant::now();
    let request = request(opening, &key, extensions);
    // A peer that closes before it has read all is told by what it sends, not by the write error.
    let _ = stream.write_all(&request).await;
    let mut head = HeadBuffer::new(HEAD_LIMIT);
    let mut buffer = vec![0; 4096];
    loop {
        let read = match timeout_at(started + limit, stream.read(&mut buffer)).await {
            Err(_) => return Err(NoAnswer::TimedOut(head.octets().len())),
            Ok(Err(error)) if let Some(alert) = tls::alert(&error) => return Err(NoAnswer::Alert(alert)),
            Ok(Ok(0) | Err(_)) => return Err(NoAnswer::Closed(head.octets().to_vec())),
            Ok(Ok(read)) => read,
        };
        let progress = head.feed(&buffer[..read]);
        let seen = head.octets();
        if !b"HTTP/".starts_with(&seen[..seen.len().min(5)]) {
            return Err(NoAnswer::NotHttp(seen[..seen.len().min(64)].to_vec()));
        }
        match progress {
            HeadProgress::Incomplete => {}
            HeadProgress::TooLarge => return Err(NoAnswer::TooLarge),
            HeadProgress::Complete { consumed } => {
                let rest = buffer[consumed..read].to_vec();
                let head = ResponseHead::parse(head.octets());
                log::debug!(
                    "GET {} answered with {:?} in {:?}",
                    opening.target,
                    head.status,
                    started.elapsed()
                );
                return Ok(Answer { key, head, rest, took: started.elapsed() });
            }
        }
    }
}

fn request(opening: &ClientOpening, key: &str, extensions: Option<&str>) -> Vec<u8> {
    let protocols = opening.subprotocols.join(", ");
    let mut headers = vec![
        ("Host", opening.host.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ];
    headers.extend(extensions.map(|value| ("Sec-WebSocket-Extensions", value)));
    headers.extend((!protocols.is_empty()).then_some(("Sec-WebSocket-Protocol", protocols.as_str())));
    headers.extend(opening.origin.as_deref().map(|value| ("Origin", value)));
    headers.extend(opening.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    write_request(&opening.target, &headers)
}

impl Answer {
    /// The rule that a 101 breaks, if it does: what was expected and what came (RFC 6455 4.1).
    pub fn breach(&self, offered: &ClientOpening, extensions: bool) -> Option<Breach> {
        let headers = &self.head.headers;
        let accept = accept_key(self.key.as_bytes());
        let got = |name: &str| headers.get(name).map(<[u8]>::to_vec);
        if !headers.has_token("Upgrade", "websocket") {
            let rule = "RFC 6455 4.1: Upgrade is websocket, in any case of letters";
            return Some(Breach::new("Upgrade is not websocket", "websocket", got("Upgrade"), rule));
        }
        if !headers.has_token("Connection", "upgrade") {
            let rule = "RFC 6455 4.1: Connection has the token Upgrade";
            return Some(Breach::new("Connection lacks Upgrade", "Upgrade", got("Connection"), rule));
        }
        let sent = got("Sec-WebSocket-Accept");
        if sent.as_deref() != Some(accept.as_bytes()) {
            let what = match sent {
                Some(_) => "Sec-WebSocket-Accept does not match",
                None => "Sec-WebSocket-Accept is missing",
            };
            let rule = "RFC 6455 4.2.2 step 5.4: base64(SHA-1(key + GUID))";
            return Some(Breach { hangs_on_key: true, ..Breach::new(what, &accept, sent, rule) });
        }
        let protocol = got("Sec-WebSocket-Protocol");
        let known = |p: &Vec<u8>| offered.subprotocols.iter().any(|o| o.as_bytes() == p.as_slice());
        if protocol.as_ref().is_some_and(|p| !known(p)) {
            let rule = "RFC 6455 4.1: only a subprotocol that the client offered";
            return Some(Breach::new("a subprotocol that was not offered", "no subprotocol", protocol, rule));
        }
        let extension = got("Sec-WebSocket-Extensions").filter(|value| !extensions && !value.is_empty());
        let rule = "RFC 6455 4.1: only extensions that the client offered";
        extension.map(|e| Breach::new("an extension that was not offered", "no extension", Some(e), rule))
    }

    /// Whether permessage-deflate was agreed.
    pub fn has_deflate(&self) -> bool {
        let values = self.head.headers.get_all("Sec-WebSocket-Extensions");
        wsspec_wire::parse_extensions(values)
            .is_ok_and(|list| list.iter().any(|ext| ext.name.eq_ignore_ascii_case("permessage-deflate")))
    }
}

/// A rule that the upgrade response breaks.
#[derive(Debug)]
pub struct Breach {
    /// In a few words.
    pub what: &'static str,
    /// What should have come.
    pub expected: String,
    /// What came, if anything.
    pub got: Option<Vec<u8>>,
    /// The rule, and where it stands.
    pub rule: &'static str,
    /// What was expected hangs on the key that was sent.
    pub hangs_on_key: bool,
}

impl Breach {
    fn new(what: &'static str, expected: &str, got: Option<Vec<u8>>, rule: &'static str) -> Self {
        Self { what, expected: expected.to_owned(), got, rule, hangs_on_key: false }
    }
}

/// The first octets of the body of a response, as far as they come at once.
pub async fn body_start(stream: &mut impl Transport, answer: &Answer) -> Vec<u8> {
    let mut body = answer.rest.clone();
    let mut buffer = [0; BODY_KEPT];
    let read_on = async {
        while body.len() < BODY_KEPT {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => body.extend_from_slice(&buffer[..read]),
            }
        }
    };
    let _ = timeout(Duration::from_millis(200), read_on).await;
    body.truncate(BODY_KEPT);
    body
}

/// What came back for a text message.
#[derive(Debug, PartialEq, Eq)]
pub enum Echo {
    /// The same message.
    Same,
    /// Another one: opcode and the first octets.
    Other(Opcode, Vec<u8>),
    /// A Close frame with this code and reason, or the end of TCP.
    Closed(Option<u16>, Vec<u8>),
    /// Nothing in time.
    Nothing,
}

impl Echo {
    /// What the payload of a Close frame says.
    pub fn closed(payload: &[u8]) -> Self {
        let body = wsspec_wire::CloseBody::decode(payload);
        Self::Closed(body.code, body.reason.to_vec())
    }
}

/// For the answer to a Close frame.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What came after the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The echo.
    Echo,
    /// More messages, and no echo among them.
    More,
    /// The end of the connection.
    End,
    /// Nothing in time.
    Nothing,
}

/// Sends a text message and waits for the first message that comes back.
pub async fn echo(stream: &mut impl Transport, already_read: &[u8], text: &str, limit: Duration) -> Echo {
    let mut talk = Talk::new(stream, already_read, MESSAGE_KEPT);
    first(&mut talk, text, Instant::now() + limit).await
}

/// The same; after a message that is no echo, waits for what follows it. After an echo it closes and looks whether more
/// comes than was sent.
pub async fn echo_and_more(
    stream: &mut impl Transport,
    already_read: &[u8],
    text: &str,
    limit: Duration,
) -> (Echo, Option<Then>) {
    let deadline = Instant::now() + limit;
    let mut talk = Talk::new(stream, already_read, MESSAGE_KEPT);
    let echo = first(&mut talk, text, deadline).await;
    let then = match &echo {
        Echo::Other(..) => Some(then(&mut talk, text, deadline).await),
        Echo::Same => more(&mut talk, deadline.min(Instant::now() + CLOSE_LIMIT)).await,
        _ => None,
    };
    (echo, then)
}

async fn first<T: Transport>(talk: &mut Talk<&mut T>, text: &str, deadline: Instant) -> Echo {
    if talk.send(Opcode::TEXT, text.as_bytes()).await.is_err() {
        return Echo::Closed(None, Vec::new());
    }
    loop {
        match talk.next(deadline).await {
            Heard::Frame(Opcode::PING, payload) => drop(talk.send(Opcode::PONG, &payload).await),
            Heard::Frame(Opcode::PONG, _) => {}
            Heard::Frame(Opcode::CLOSE, payload) => return Echo::closed(&payload),
            Heard::Frame(Opcode::TEXT, payload) if payload == text.as_bytes() => return Echo::Same,
            Heard::Frame(opcode, payload) => return Echo::Other(opcode, payload),
            Heard::Nothing => return Echo::Nothing,
            Heard::End => return Echo::Closed(None, Vec::new()),
        }
    }
}

/// Whether messages come before the answer to a Close frame.
async fn more<T: Transport>(talk: &mut Talk<&mut T>, deadline: Instant) -> Option<Then> {
    talk.send(Opcode::CLOSE, &encode_close(Some(close_code::NORMAL), b"")).await.ok()?;
    loop {
        match talk.next(deadline).await {
            Heard::Frame(opcode, _) if opcode.is_data() => return Some(Then::More),
            Heard::Frame(Opcode::CLOSE, _) | Heard::End | Heard::Nothing => return None,
            Heard::Frame(..) => {}
        }
    }
}

async fn then<T: Transport>(talk: &mut Talk<&mut T>, text: &str, deadline: Instant) -> Then {
    let mut then = Then::Nothing;
    loop {
        match talk.next(deadline).await {
            Heard::Frame(Opcode::PING, payload) => drop(talk.send(Opcode::PONG, &payload).await),
            Heard::Frame(Opcode::PONG, _) => {}
            Heard::Frame(Opcode::TEXT, payload) if payload == text.as_bytes() => return Then::Echo,
            Heard::Frame(Opcode::CLOSE, _) | Heard::End => return Then::End,
            Heard::Frame(..) => then = Then::More,
            Heard::Nothing => return then,
        }
    }
}

/// Waits for the server's FIN behind a Close frame that was sent, at most `limit`.
pub async fn closed(stream: impl Transport, limit: Duration) {
    drain(stream, Drain { time: limit, octets: 1 << 20 }).await;
}

/// Ends the connection as a client should: Close, wait for the server's FIN, at most `limit`.
pub async fn close(mut stream: impl Transport, limit: Duration) {
    let mut talk = Talk::new(&mut stream, &[], MESSAGE_KEPT);
    if talk.send(Opcode::CLOSE, &encode_close(Some(close_code::NORMAL), b"")).await.is_ok() {
        drain(stream, Drain { time: limit, octets: 1 << 20 }).await;
    }
}
