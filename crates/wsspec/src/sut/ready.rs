//! When a server that was started can be tested.

use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use regex::Regex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};
use wsspec_engine::ClientOpening;
use wsspec_report::Untrusted;
use wsspec_wire::{HeadBuffer, HeadProgress, ResponseHead, write_request};

use super::log::Log;
use crate::net::Stream;
use crate::net::client::{ConnectError, Secure, dial};
use crate::net::exchange::{self, Echo};
use crate::net::socket::Address;

/// Between two looks: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));
/// For one look.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// So long may a server answer otherwise than with an echo, as one that is not through with its start.
const ANSWERS_LIMIT: Duration = Duration::from_secs(3);
/// The variable with the number of the file descriptor for [`Ready::Fd`].
pub(super) const FD_VARIABLE: &str = "WSSPEC_READY_FD";

/// What shows that a server is ready.
#[derive(Clone, Debug)]
pub enum Ready {
    /// A WebSocket is opened, and it echoes.
    Ws,
    /// The port takes connections.
    Tcp,
    /// A GET of this path is answered with 2xx or 3xx.
    Http(String),
    /// It prints a line that matches.
    Log(Regex),
    /// It writes a line to the file descriptor whose number is in `WSSPEC_READY_FD`.
    Fd,
    /// So much time has passed.
    After(Duration),
}

/// What is looked at.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) addresses: &'a [Address],
    pub(super) secure: Option<&'a Secure>,
    pub(super) opening: &'a ClientOpening,
    /// Whether an echo belongs to being ready.
    pub(super) echo: bool,
    pub(super) log: &'a Arc<Log>,
    /// Where the output of the process begins in the log.
    pub(super) from: u64,
    /// The other end of the file descriptor for [`Ready::Fd`].
    pub(super) pipe: Option<ReadyPipe>,
}

/// Why a server is not ready.
#[derive(Debug)]
enum Why {
    /// It may be in a moment.
    NotYet(String),
    /// It answers, with something else than an echo.
    Answers(String),
}

impl Why {
    fn into_text(self) -> String {
        match self {
            Self::NotYet(text) | Self::Answers(text) => text,
        }
    }
}

/// What was seen while it was not ready yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The last answer, and how often it came in a row.
    last: String,
    times: usize,
}

/// A pipe to which a process says that it is ready.
#[derive(Debug)]
pub(super) struct ReadyPipe {
    receiver: tokio::net::unix::pipe::Receiver,
}

impl Ready {
    /// Returns as soon as the server is ready. What was seen until then is put into `seen`.
    pub(super) async fn wait(&self, mut look: Look<'_>, seen: &mut Seen) {
        match self {
            Self::After(time) => sleep(*time).await,
            Self::Log(pattern) => {
                seen.note("no line of its output matches".to_owned());
                look.line(pattern).await;
            }
            Self::Fd => match look.pipe.take() {
                Some(pipe) => pipe.line(seen).await,
                None => std::future::pending().await,
            },
            Self::Ws | Self::Tcp | Self::Http(_) => self.poll(&look, seen).await,
        }
    }

    async fn poll(&self, look: &Look<'_>, seen: &mut Seen) {
        let (mut pause, mut answers) = (PAUSES.0, None);
        loop {
            let found = match timeout(LOOK_LIMIT, self.look(look)).await {
                Ok(Ok(())) => return,
                Ok(Err(why)) => why,
                Err(_) => Why::NotYet(format!("no answer within {}", crate::text::duration(LOOK_LIMIT))),
            };
            // Who goes on answering like that is up: the look before the first case says what is wrong.
            answers = if let Why::Answers(_) = &found { answers.or(Some(Instant::now())) } else { None };
            if answers.is_some_and(|since| since.elapsed() >= ANSWERS_LIMIT) {
                return;
            }
            seen.note(found.into_text());
            sleep(pause).await;
            pause = (pause * 3 / 2).min(PAUSES.1);
        }
    }

    async fn look(&self, look: &Look<'_>) -> Result<(), Why> {
        match self {
            Self::Tcp => look.dial(None).await.map(drop).map_err(Why::NotYet),
            Self::Http(path) => look.http(path).await.map_err(Why::NotYet),
            _ => look.websocket().await,
        }
    }
}

/// Closes, and waits for nobody: a server whose closing handshake is wrong is ready, too.
fn leave(stream: Stream) {
    tokio::spawn(exchange::close(stream, LOOK_LIMIT));
}

impl Look<'_> {
    async fn dial(&self, secure: Option<&Secure>) -> Result<Stream, String> {
        dial(self.addresses, secure, LOOK_LIMIT).await.map_err(|error| match error {
            ConnectError::Refused(by) if by.iter().any(|address| address.tcp().is_some()) => {
                "TCP connect refused".to_owned()
            }
            other => other.to_string(),
        })
    }

    async fn websocket(&self) -> Result<(), Why> {
        let mut stream = self.dial(self.secure).await.map_err(Why::NotYet)?;
        let answer = exchange::open(&mut stream, self.opening, None, LOOK_LIMIT).await;
        let answer = answer.map_err(|_| Why::NotYet("no answer to the upgrade request".to_owned()))?;
        let answered = |status| format!("the upgrade request was answered with {status}");
        match answer.head.status {
            Some(101) => {}
            Some(status @ 500..) => return Err(Why::NotYet(answered(status))),
            Some(status) => return Err(Why::Answers(answered(status))),
            None => return Err(Why::NotYet("the answer to the upgrade request is no HTTP".to_owned())),
        }
        if !self.echo {
            leave(stream);
            return Ok(());
        }
        match exchange::echo(&mut stream, &answer.rest, "ready?", LOOK_LIMIT).await {
            // A server that speaks but does not echo is ready: the look before the first case says more.
            Echo::Same | Echo::Other(..) | Echo::Closed(Some(_), _) => {
                leave(stream);
                Ok(())
            }
            Echo::Nothing => Err(Why::Answers("a WebSocket opened, but nothing was echoed".to_owned())),
            Echo::Closed(None, _) => {
                Err(Why::Answers("a WebSocket opened, and was closed at once".to_owned()))
            }
        }
    }

    async fn http(&self, path: &str) -> Result<(), String> {
        let mut stream = self.dial(self.secure).await?;
        let headers = [("Host", self.opening.host.as_str()), ("Connection", "close")];
        let lost = |_| "the connection was closed".to_owned();
        stream.write_all(&write_request(path, &headers)).await.map_err(lost)?;
        let (mut head, mut buffer) = (HeadBuffer::new(16 << 10), vec![0; 4096]);
        loop {
            let read = stream.read(&mut buffer).await.map_err(lost)?;
            match head.feed(&buffer[..read]) {
                HeadProgress::Complete { .. } => break,
                HeadProgress::Incomplete if read > 0 => {}
                _ => return Err(format!("GET {path} was not answered with HTTP")),
            }
        }
        match ResponseHead::parse(head.octets()).status {
            Some(200..=399) => Ok(()),
            Some(status) => Err(format!("GET {path} was answered with {status}")),
            None => Err(format!("GET {path} was not answered with HTTP")),
        }
    }

    /// A line of the log that matches.
    async fn line(&self, pattern: &Regex) {
        let mut count = self.log.count();
        loop {
            count.borrow_and_update();
            if self.log.tail(self.from, usize::MAX).iter().any(|line| pattern.is_match(line)) {
                return;
            }
            if count.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl Seen {
    fn note(&mut self, found: String) {
        self.times = if found == self.last { self.times + 1 } else { 1 };
        self.last = found;
    }

    /// Whether nothing listened.
    pub(super) fn is_refused(&self) -> bool {
        self.last.contains("refused")
    }

    /// `TCP connect refused 142 times`
    pub(super) fn in_words(&self) -> String {
        let last = Untrusted::from(self.last.as_str()).for_terminal(200);
        match self.times {
            0 => "nothing".to_owned(),
            1 => last,
            times => format!("{last} {times} times"),
        }
    }
}

impl ReadyPipe {
    /// A pipe, and its writing end.
    pub(super) fn new() -> std::io::Result<(Self, OwnedFd)> {
        let (reader, writer) = std::io::pipe()?;
        let reader = OwnedFd::from(reader);
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let receiver = tokio::net::unix::pipe::Receiver::from_owned_fd(reader)?;
        Ok((Self { receiver }, OwnedFd::from(writer)))
    }

    async fn line(mut self, seen: &mut Seen) {
        let mut buffer = [0; 1024];
        seen.note("no line came".to_owned());
        loop {
            match self.receiver.read(&mut buffer).await {
                Ok(read) if buffer[..read].contains(&b'\n') => return,
                Ok(read) if read > 0 => seen.note("text without the end of a line".to_owned()),
                _ => {
                    seen.note(format!("{FD_VARIABLE} was closed without a line"));
                    return std::future::pending().await;
                }
            }
        }
    }
}

impl FromStr for Ready {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, argument) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, argument) {
            ("ws", None) => Ok(Self::Ws),
            ("tcp", None) => Ok(Self::Tcp),
            ("fd", None) => Ok(Self::Fd),
            ("http", Some(path)) if path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Self::Http(path.to_owned()))
            }
            ("http", _) => Err("a path, as in http:/health".to_owned()),
            ("log", Some(pattern)) if !pattern.is_empty() => {
                Regex::new(pattern).map(Self::Log).map_err(|error| format!("no regular expression: {error}"))
            }
            ("log", _) => Err("a regular expression, as in log:listening".to_owned()),
            ("after", Some(time)) => crate::cli::parse_duration(time).map(Self::After),
            ("after", None) => Err("a time, as in after:500ms".to_owned()),
            _ => Err("ws, tcp, http:PATH, log:REGEX, fd or after:TIME".to_owned()),
        }
    }
}

/// As it is typed.
impl std::fmt::Display for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ws => f.write_str("ws"),
            Self::Tcp => f.write_str("tcp"),
            Self::Http(path) => write!(f, "http:{path}"),
            Self::Log(pattern) => write!(f, "log:{pattern}"),
            Self::Fd => f.write_str("fd"),
            Self::After(time) => write!(f, "after:{}ms", time.as_millis()),
        }
    }
}

/// Whether someone listens at one of these addresses.
pub(super) async fn is_taken(addresses: &[Address]) -> bool {
    let started = Instant::now();
    let limit = Duration::from_millis(500);
    dial(addresses, None, limit).await.is_ok() && started.elapsed() < limit
}

#[cfg(test)]
mod tests {
    use wsspec_report::record::Redaction;

    use super::super::command::{CommandLine, Surroundings};
    use super::super::log::LOG;
    use super::super::ready_pipe;
    use super::*;

    #[test]
    fn forms_are_read_and_written() {
        for text in ["ws", "tcp", "fd", "http:/health?x=1", "log:listening on .*:\\d+", "after:500ms"] {
            assert_eq!(text.parse::<Ready>().unwrap().to_string(), text);
        }
        for text in ["", "udp", "ws:1", "http:", "http:health", "log:", "log:(", "after", "after:5"] {
            assert!(text.parse::<Ready>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_posix_shell_took_the_number_of_the_descriptor_for_a_syntax_error() {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::create(folder.path(), LOG, Redaction::default(), false).unwrap());
        let mut surroundings = Surroundings::default();
        let pipe = ready_pipe(&mut surroundings).unwrap();
        let command = CommandLine::parse("sh -c 'echo up >&$WSSPEC_READY_FD'").unwrap();
        let process = command.start_in(&[], &log, &surroundings).unwrap();
        drop(surroundings);
        let mut seen = Seen::default();
        let line = timeout(Duration::from_secs(10), pipe.line(&mut seen)).await;
        assert!(line.is_ok(), "{}: {:?}", seen.in_words(), log.tail(0, 9));
        drop(process);
    }

    #[test]
    fn answers_in_a_row_are_counted() {
        let mut seen = Seen::default();
        assert_eq!(seen.in_words(), "nothing");
        for answer in ["a", "b", "b", "b"] {
            seen.note(answer.to_owned());
        }
        assert_eq!(seen.in_words(), "b 3 times");
    }
}
