//! One look at the peer before the first case, so that one mistake gives one message.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use wsspec_engine::ClientOpening;
use wsspec_report::Untrusted;

use crate::errors::{ErrorCode, Problem};
use crate::net::client::{ConnectError, connect, list, resolve};
use crate::net::exchange::{self, Answer, Breach, Echo, NoAnswer};
use crate::target::Target;
use crate::text;

/// The offer of permessage-deflate that is tried.
pub const OFFER: &str = "permessage-deflate; client_max_window_bits";
const ECHO_LIMIT: Duration = Duration::from_secs(2);
/// How long a second connection may take while the first is open, before the server is taken for one that
/// serves one at a time.
const SECOND_LIMIT: Duration = Duration::from_secs(1);
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What is known of a peer before the first case.
#[derive(Clone, Debug)]
pub struct PeerFacts {
    /// Where it is.
    pub addresses: Vec<SocketAddr>,
    /// The value of its `Server` header.
    pub server: Option<Untrusted>,
    /// It agreed on permessage-deflate.
    pub deflate: bool,
    /// It does not take a second connection while one is open.
    pub one_at_a_time: bool,
    /// From the upgrade request to its answer.
    pub answered_in: Duration,
}

/// How to look.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// The address.
    pub target: &'a Target,
    /// What is said in the opening handshake.
    pub opening: &'a ClientOpening,
    /// For the connection, and again for the answer.
    pub limit: Duration,
    /// Whether an echo is needed.
    pub echo: bool,
}

/// Connects, opens a WebSocket and has something echoed.
///
/// # Errors
/// The one reason why no case can run, E01 to E12.
pub async fn preflight(look: &Look<'_>) -> Result<PeerFacts, Problem> {
    let addresses = resolve(look.target, look.limit).await.map_err(|error| look.unreachable(error, &[]))?;
    let (first, answer) = look.open(&addresses, Some(OFFER), look.limit).await?;
    let mut facts = PeerFacts {
        addresses,
        server: answer.head.headers.get("Server").map(Untrusted::from_octets),
        deflate: answer.has_deflate(),
        one_at_a_time: false,
        answered_in: answer.took,
    };
    // The second connection is opened while the first is there: some servers take one at a time.
    let limit = SECOND_LIMIT.min(look.limit);
    let second = match look.open(&facts.addresses, None, limit).await {
        Ok(second) => {
            tokio::spawn(exchange::close(first, CLOSE_LIMIT));
            second
        }
        Err(_) => {
            exchange::close(first, CLOSE_LIMIT).await;
            facts.one_at_a_time = true;
            look.open(&facts.addresses, None, look.limit).await?
        }
    };
    look.check_echo(second).await?;
    Ok(facts)
}

impl Look<'_> {
    async fn open(
        &self,
        addresses: &[SocketAddr],
        extensions: Option<&str>,
        limit: Duration,
    ) -> Result<(TcpStream, Answer), Problem> {
        let mut stream =
            connect(addresses, limit).await.map_err(|error| self.unreachable(error, addresses))?;
        let answer = exchange::open(&mut stream, self.opening, extensions, limit)
            .await
            .map_err(|error| self.no_answer(&error, limit))?;
        if answer.head.status != Some(101) {
            let body = exchange::body_start(&mut stream, &answer).await;
            return Err(self.refused(&answer, &body).await);
        }
        match answer.breach(self.opening, extensions.is_some()) {
            Some(breach) => Err(self.wrong_upgrade(&answer, &breach)),
            None => Ok((stream, answer)),
        }
    }

    async fn check_echo(&self, (mut stream, answer): (TcpStream, Answer)) -> Result<(), Problem> {
        if !self.echo {
            exchange::close(stream, CLOSE_LIMIT).await;
            return Ok(());
        }
        let text = format!("wsspec-probe-{:04x}", rand::random::<u16>());
        let echo = exchange::echo(&mut stream, &answer.rest, &text, ECHO_LIMIT).await;
        if echo == Echo::Same {
            exchange::close(stream, CLOSE_LIMIT).await;
            return Ok(());
        }
        Err(no_echo(&text, &echo))
    }

    fn unreachable(&self, error: ConnectError, addresses: &[SocketAddr]) -> Problem {
        let target = self.target;
        let authority = target.authority();
        match error {
            ConnectError::Resolve(error) => {
                Problem::new(ErrorCode::E02, format!("cannot resolve the host name \"{}\"", target.host))
                    .fact("tried", format!("looking up {}: {error}", target.host))
                    .fact("try", format!("wsspec run ws://127.0.0.1:{}", target.port))
            }
            ConnectError::Refused(refused) => {
                Problem::new(ErrorCode::E01, format!("nothing is listening on {authority}"))
                    .fact("tried", format!("TCP connect to {}: refused", list(&refused)))
                    .fact("usually", "the server is not running, or listens on another port or address")
                    .fact("try", format!("wsspec run ws://{}", example_address(target)))
            }
            ConnectError::TimedOut(limit) => {
                let within = text::duration(limit);
                Problem::new(ErrorCode::E03, format!("no answer from {authority} within {within}"))
                    .fact("tried", "TCP connect: no reply at all (not refused)")
                    .fact("usually", "a firewall drops packets, or the wrong address")
                    .fact("try", format!("wsspec run {target} --open-timeout 20s"))
            }
            ConnectError::Other(address, error) => {
                let tried = if addresses.is_empty() { address.to_string() } else { list(addresses) };
                Problem::new(ErrorCode::E01, format!("cannot connect to {authority}"))
                    .fact("tried", format!("TCP connect to {tried}: {error}"))
                    .fact("usually", "no route to that network, or the wrong address")
                    .fact("try", format!("wsspec run ws://{}", example_address(target)))
            }
        }
    }

    fn no_answer(&self, error: &NoAnswer, limit: Duration) -> Problem {
        let target = self.target;
        let authority = target.authority();
        match error {
            NoAnswer::TimedOut(octets) => {
                let within = text::duration(limit);
                let got = if *octets == 0 { "nothing".to_owned() } else { text::count(*octets, "octet") };
                Problem::new(ErrorCode::E03, format!("no answer from {authority} within {within}"))
                    .fact("sent", self.request_line())
                    .fact("got", format!("TCP was accepted, then {got}"))
                    .fact("usually", "the server takes one connection at a time, or the port is not HTTP")
                    .fact("try", format!("wsspec run {target} --open-timeout 20s"))
            }
            NoAnswer::Closed(seen) | NoAnswer::NotHttp(seen) if is_tls(seen) => self.tls(seen),
            NoAnswer::Closed(seen) if seen.is_empty() => {
                Problem::new(ErrorCode::E28, format!("{authority} closed the connection without an answer"))
                    .fact("sent", self.request_line())
                    .fact("usually", "the server died on the request (see its log), or the port wants TLS")
                    .fact("try", format!("wsspec run wss://{authority}{}", target.resource))
            }
            NoAnswer::Closed(seen) => {
                Problem::new(ErrorCode::E28, format!("{authority} closed the connection within its answer"))
                    .fact("sent", self.request_line())
                    .fact("got", quoted(seen))
                    .fact("usually", "the server died while it answered (see its log)")
                    .fact("try", format!("wsspec run {target}"))
            }
            NoAnswer::NotHttp(seen) => {
                Problem::new(ErrorCode::E28, format!("{authority} does not speak HTTP"))
                    .fact("sent", self.request_line())
                    .fact("got", quoted(seen))
                    .fact("usually", "the port belongs to another protocol")
                    .fact("try", format!("wsspec run ws://{}:PORT", target.host))
            }
            NoAnswer::TooLarge => {
                Problem::new(ErrorCode::E28, format!("the answer of {authority} does not end"))
                    .fact("sent", self.request_line())
                    .fact("got", "more than 16 KiB of header fields without an empty line")
                    .fact("try", format!("wsspec run ws://{}:PORT", target.host))
            }
        }
    }

    fn tls(&self, seen: &[u8]) -> Problem {
        let octets: Vec<String> = seen.iter().take(7).map(|octet| format!("{octet:02x}")).collect();
        Problem::new(ErrorCode::E09, "the server speaks TLS, but the address says ws://")
            .fact("sent", self.request_line())
            .fact("got", format!("{}   = a TLS record", octets.join(" ")))
            .fact("try", format!("wsspec run wss://{}{}", self.target.authority(), self.target.resource))
    }

    async fn refused(&self, answer: &Answer, body: &[u8]) -> Problem {
        let head = &answer.head;
        let status = status_line(answer);
        let problem = |code, what: String| Problem::new(code, what).fact("sent", self.request_line());
        match head.status {
            Some(404 | 405 | 410) => {
                let what = format!("the server answered {status}, not a WebSocket upgrade");
                let problem = problem(ErrorCode::E04, what)
                    .fact("got", self.headers(answer, &["Server"]))
                    .fact("usually", "the WebSocket endpoint has another path");
                self.other_path(problem).await
            }
            Some(401 | 403 | 407) => {
                let what = format!("the server wants authentication ({status})");
                problem(ErrorCode::E05, what)
                    .fact("got", self.headers(answer, &["WWW-Authenticate", "Server"]))
                    .fact("try", format!("wsspec run {} -H 'Authorization: env:TOKEN'", self.target))
            }
            Some(300..=399) => {
                let location = head.headers.get("Location").map_or_else(|| "nowhere".to_owned(), quoted);
                problem(ErrorCode::E06, format!("the server redirects ({status}) to {location}"))
                    .fact("usually", "the target must be given as wss://, or with another path")
                    .fact("note", "redirects are not followed")
                    .fact(
                        "try",
                        format!("wsspec run wss://{}{}", self.target.authority(), self.target.resource),
                    )
            }
            _ => self.not_switched(answer, body),
        }
    }

    fn not_switched(&self, answer: &Answer, body: &[u8]) -> Problem {
        if String::from_utf8_lossy(body).contains("HTTPS port") {
            return self.tls(body);
        }
        let what = format!("the server answered {} instead of 101 Switching Protocols", status_line(answer));
        let mut got = self.headers(answer, &["Content-Type", "Server", "Sec-WebSocket-Version"]);
        if !body.is_empty() {
            got.push_str(&format!("   {}", quoted(body)));
        }
        Problem::new(ErrorCode::E07, what)
            .fact("sent", self.request_line())
            .fact("got", got)
            .fact("usually", "an HTTP route, or a proxy in between that drops the Upgrade header")
            .fact("try", format!("wsspec run ws://{}/ws", self.target.authority()))
    }

    fn wrong_upgrade(&self, answer: &Answer, breach: &Breach) -> Problem {
        let got = breach.got.as_deref().map_or_else(|| "no such header".to_owned(), quoted);
        Problem::new(ErrorCode::E08, format!("the upgrade response is wrong: {}", breach.what))
            .fact("key", answer.key.clone())
            .fact("expected", breach.expected.clone())
            .fact("got", got)
            .fact("rule", format!("RFC 6455 section {}", breach.section))
            .fact("try", "wsspec explain E08")
    }

    /// On hosts nearby, a few usual paths are tried.
    async fn other_path(&self, problem: Problem) -> Problem {
        let nearby = resolve(self.target, self.limit).await.unwrap_or_default();
        if !nearby.iter().all(is_nearby) {
            return problem.fact("try", format!("wsspec run ws://{}/ws", self.target.authority()));
        }
        for path in ["/ws", "/echo", "/websocket", "/socket"] {
            let opening = ClientOpening { target: path.to_owned(), ..self.opening.clone() };
            let Ok(mut stream) = connect(&nearby, SECOND_LIMIT).await else { break };
            let answer = exchange::open(&mut stream, &opening, None, SECOND_LIMIT).await;
            if answer.is_ok_and(|answer| answer.head.status == Some(101)) {
                let command = format!("wsspec run ws://{}{path}", self.target.authority());
                return problem.fact("try", format!("{command}   ({path} answered 101 just now)"));
            }
        }
        problem.fact("try", format!("wsspec run ws://{}/PATH", self.target.authority()))
    }

    fn request_line(&self) -> String {
        format!("GET {} HTTP/1.1   Upgrade: websocket", self.target.resource)
    }

    fn headers(&self, answer: &Answer, names: &[&str]) -> String {
        let mut parts = vec![format!("{} {}", quoted_bare(&answer.head.version), status_line(answer))];
        for name in names {
            if let Some(value) = answer.head.headers.get(name) {
                parts.push(format!("{name}: {}", quoted_bare(value)));
            }
        }
        parts.join("   ")
    }
}

fn no_echo(sent: &str, echo: &Echo) -> Problem {
    let seconds = text::duration(ECHO_LIMIT);
    let got = match echo {
        Echo::Other(opcode, octets) => format!("{opcode:?} {}", quoted(octets)),
        Echo::Closed(Some(code)) => format!("Close {code}"),
        Echo::Closed(None) => "the end of the connection".to_owned(),
        Echo::Nothing | Echo::Same => format!("nothing for {seconds}"),
    };
    Problem::new(ErrorCode::E12, "connected, but the server does not echo")
        .fact("sent", format!("Text \"{sent}\""))
        .fact("got", got)
        .fact("why", "almost every case needs an echo: same type, same content, no more")
        .fact("try", "point wsspec at an echo endpoint; --no-echo-check runs the cases all the same")
}

fn status_line(answer: &Answer) -> String {
    let status = answer.head.status.map_or_else(|| "no status".to_owned(), |code| code.to_string());
    format!("{status} {}", quoted_bare(&answer.head.reason)).trim_end().to_owned()
}

fn example_address(target: &Target) -> String {
    if target.port == 9001 { format!("{}:PORT", target.host) } else { format!("{}:9001", target.host) }
}

/// The first octets of a TLS alert or handshake record.
fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [0x15 | 0x16, 0x03, ..])
}

fn is_nearby(address: &SocketAddr) -> bool {
    match address.ip() {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

/// Text of the peer in quotation marks, cut and with everything odd made visible.
fn quoted(octets: &[u8]) -> String {
    format!("\"{}\"", quoted_bare(octets))
}

fn quoted_bare(octets: &[u8]) -> String {
    Untrusted::from_octets(octets).for_terminal(200)
}
