//! A look at a peer from all sides: handshake, echo, ping, close, limits.

mod talks;

use std::time::Duration;

use tokio::time::{Instant, timeout};
use wsspec_report::Untrusted;
use wsspec_wire::Opcode;

use crate::errors::Problem;
use crate::net::Stream;
use crate::net::capture::Tapped;
use crate::net::client::{ConnectError, connect, resolve};
use crate::net::exchange::{self, Answer, Echo};
use crate::net::socket::Address;
use crate::net::talk::{Heard, Talk};
use crate::run::preflight::{Look, OFFER};
use crate::run::refusal::no_echo;
use crate::terminal::Tone;
use talks::{Reply, close, echo, ping};

/// The sizes of messages that are tried, the largest first.
const SIZES: [(usize, &str); 3] = [(16 << 20, "16 MiB"), (1 << 20, "1 MiB"), (64 << 10, "64 KiB")];
/// Connections that are open at a time.
const PARALLEL: usize = 8;
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// A line of what was found.
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) label: &'static str,
    /// What was seen.
    pub(crate) texts: Vec<(Tone, String)>,
}

/// How to look, and who is told.
pub(crate) struct Probe<'a> {
    pub(crate) look: Look<'a>,
    /// Limits are tried at public addresses too.
    pub(crate) always_limits: bool,
    pub(crate) tell: &'a dyn Fn(&Finding),
}

impl Probe<'_> {
    /// Looks, and tells each thing as soon as it is known.
    pub(crate) async fn run(&self) -> Result<(), Problem> {
        let addresses = match resolve(self.look.target, self.look.limit).await {
            Ok(addresses) => addresses,
            Err(error) => return Err(self.look.unreachable(error, &[]).await),
        };
        let stream = self.connect(&addresses).await?;
        let (stream, answer) = self.look.upgrade(stream, Some(OFFER), self.look.limit).await?;
        self.tell_answer(&answer);
        exchange::close(stream, CLOSE_LIMIT).await;
        self.converse(&addresses).await?;
        if self.always_limits || addresses.iter().all(Address::is_nearby) {
            let message = self.largest_message(&addresses).await;
            let parallel = self.parallel(&addresses).await;
            self.tell("limits", vec![message, parallel]);
        } else {
            self.note("limits", "not tried at a public address (--limits tries them)");
        }
        Ok(())
    }

    fn tell(&self, label: &'static str, texts: Vec<(Tone, String)>) {
        (self.tell)(&Finding { label, texts });
    }

    fn note(&self, label: &'static str, text: impl Into<String>) {
        self.tell(label, vec![(Tone::Note, text.into())]);
    }

    async fn connect(&self, addresses: &[Address]) -> Result<Stream, Problem> {
        let started = Instant::now();
        let stream = match connect(addresses, self.look.limit).await {
            Ok(stream) => stream,
            Err(error) => return Err(self.look.unreachable(error, addresses).await),
        };
        let took = millis(started.elapsed());
        match (&self.look.target.via.unix, stream.peer()) {
            (Some(path), _) => self.note("socket", format!("{} open in {took}", path.display())),
            (None, Some(address)) => self.note("tcp", format!("{address} open in {took}")),
            (None, None) => self.note("tcp", format!("{} open in {took}", self.look.target.authority())),
        }
        let stream = Tapped::new(stream, None);
        let Some(secure) = self.look.secure else { return Ok(Stream::Plain(stream)) };
        let started = Instant::now();
        let stream = match timeout(self.look.limit, secure.connector.connect(stream, &secure.host)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(problem)) => {
                let failed = ConnectError::Tls(Box::new(problem));
                return Err(self.look.unreachable(failed, addresses).await);
            }
            Err(_) => {
                let late = ConnectError::TlsTimedOut(self.look.limit);
                return Err(self.look.unreachable(late, addresses).await);
            }
        };
        let version = stream.get_ref().1.protocol_version().map_or_else(String::new, |v| format!("{v:?}, "));
        self.note("tls", format!("{}handshake in {}", version.replace('_', "."), millis(started.elapsed())));
        Ok(Stream::Secure(Box::new(stream)))
    }

    fn tell_answer(&self, answer: &Answer) {
        let text = |octets: &[u8]| Untrusted::from_octets(octets).for_terminal(60);
        let headers = &answer.head.headers;
        let status = format!("101 {} in {}", text(&answer.head.reason), millis(answer.took));
        let server = headers.get("Server").map(|name| (Tone::Note, format!("Server: {}", text(name))));
        self.tell("http", std::iter::once((Tone::Note, status)).chain(server).collect());
        let extensions: Vec<String> = headers.get_all("Sec-WebSocket-Extensions").map(text).collect();
        let extensions = if extensions.is_empty() { "none".to_owned() } else { extensions.join(", ") };
        let protocol = headers.get("Sec-WebSocket-Protocol").map_or_else(|| "none".to_owned(), text);
        self.tell(
            "accept",
            vec![
                (Tone::Good, "ok".to_owned()),
                (Tone::Note, format!("extensions: {extensions}")),
                (Tone::Note, format!("subprotocol: {protocol}")),
            ],
        );
    }

    async fn open(&self, addresses: &[Address]) -> Result<Talk<Stream>, Problem> {
        let (stream, answer) = self.look.open(addresses, None, self.look.limit).await?;
        Ok(Talk::new(stream, &answer.rest, SIZES[0].0 + 1))
    }

    /// Echo, ping and close on one connection, or on more if the peer ends one.
    async fn converse(&self, addresses: &[Address]) -> Result<(), Problem> {
        let mut talk = self.open(addresses).await?;
        let probe = format!("wsspec-probe-{:04x}", rand::random::<u16>());
        let first = echo(&mut talk, Opcode::TEXT, probe.as_bytes(), self.deadline()).await;
        if first != Reply::Same {
            self.tell("echo", vec![(Tone::Bad, format!("no: {first}"))]);
            return Err(no_echo(&probe, &as_echo(first), None));
        }
        let (mut same, mut other) = (vec!["text"], Vec::new());
        let all_octets: Vec<u8> = (0..=255).collect();
        for (name, opcode, payload) in
            [("binary", Opcode::BINARY, all_octets.as_slice()), ("empty", Opcode::TEXT, b"")]
        {
            match echo(&mut talk, opcode, payload, self.deadline()).await {
                Reply::Same => same.push(name),
                reply => {
                    other.push((Tone::Bad, format!("{name}: {reply}")));
                    talk = self.open(addresses).await?;
                }
            }
        }
        let mut texts = vec![(Tone::Good, format!("ok ({})", same.join(", ")))];
        texts.append(&mut other);
        texts.push(match ping(&mut talk, self.deadline()).await {
            Ok(took) => (Tone::Note, format!("ping -> pong {}", millis(took))),
            Err(reply) => {
                talk = self.open(addresses).await?;
                (Tone::Bad, format!("ping -> {reply}"))
            }
        });
        self.tell("echo", texts);
        self.tell("close", vec![close(talk, self.look.limit).await]);
        Ok(())
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.look.limit
    }

    /// The largest message that comes back.
    async fn largest_message(&self, addresses: &[Address]) -> (Tone, String) {
        let mut refused = String::new();
        for (size, name) in SIZES {
            // No two neighbouring kilobytes are alike.
            let payload: Vec<u8> = (0..size).map(|at| (at ^ at >> 10) as u8).collect();
            let Ok(mut talk) = self.open(addresses).await else {
                return (Tone::Bad, "no further connection".to_owned());
            };
            match echo(&mut talk, Opcode::BINARY, &payload, self.deadline()).await {
                Reply::Same if refused.is_empty() => return (Tone::Note, format!("{name} message ok")),
                Reply::Same => return (Tone::Note, format!("{name} message ok, {refused}")),
                reply if refused.is_empty() => refused = format!("{name}: {reply}"),
                _ => {}
            }
        }
        (Tone::Bad, refused)
    }

    /// How many of several connections echo while all of them are open.
    async fn parallel(&self, addresses: &[Address]) -> (Tone, String) {
        let mut open = Vec::new();
        for _ in 0..PARALLEL {
            let Ok(mut talk) = self.open(addresses).await else { break };
            if echo(&mut talk, Opcode::TEXT, b"hello", self.deadline()).await != Reply::Same {
                break;
            }
            open.push(talk);
        }
        match open.len() {
            PARALLEL => (Tone::Note, format!("{PARALLEL} parallel connections ok")),
            number => (Tone::Doubtful, format!("{number} of {PARALLEL} parallel connections")),
        }
    }
}

fn as_echo(reply: Reply) -> Echo {
    match reply {
        Reply::Same => Echo::Same,
        Reply::Heard(Heard::Frame(Opcode::CLOSE, body)) => Echo::closed(&body),
        Reply::Heard(Heard::Frame(opcode, payload)) => Echo::Other(opcode, payload),
        Reply::Heard(Heard::End) => Echo::Closed(None, Vec::new()),
        Reply::Heard(Heard::Nothing) => Echo::Nothing,
    }
}

/// `0.02 ms`, `0.2 ms`, `3.0 ms`, `1.02 s`
fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 0.095 {
        format!("{millis:.2} ms")
    } else if millis < 9.95 {
        format!("{millis:.1} ms")
    } else {
        crate::text::duration(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_was_told_as_none() {
        let told = |us| millis(Duration::from_micros(us));
        assert_eq!([20, 94, 240, 3_000].map(told), ["0.02 ms", "0.09 ms", "0.2 ms", "3.0 ms"]);
        assert_eq!(told(1_020_000), "1.02 s");
    }
}
