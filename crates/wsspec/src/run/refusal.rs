//! Why no case can run, in words: what was tried, what came back, what to type.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use wsspec_engine::ClientOpening;
use wsspec_report::Untrusted;
use wsspec_report::story::opcode_name;

use super::choice;
use super::preflight::{ECHO_LIMIT, Look, SECOND_LIMIT};
use crate::errors::{ErrorCode, Problem};
use crate::net::client::{ConnectError, dial, list, resolve};
use crate::net::exchange::{self, Answer, Breach, Echo, NoAnswer, Then};
use crate::net::socket::Address;
use crate::net::tls;
use crate::target::{Family, Target};
use crate::{text, typed};

/// Ports and paths at which servers nearby are looked for.
const PORTS: [u16; 4] = [USUAL_PORT, 8080, 8000, 3000];
const USUAL_PORT: u16 = 9001;
/// So many of them, beginning with the neighbours of the one that was asked for.
const PORTS_TRIED: usize = 5;
const TOKEN: &str = "Authorization: Bearer env:TOKEN";
const PATHS: [&str; 4] = ["/ws", "/echo", "/websocket", "/socket"];

impl Look<'_> {
    pub(crate) async fn unreachable(&self, error: ConnectError, addresses: &[Address]) -> Problem {
        let target = self.target;
        let authority = target.authority();
        match error {
            ConnectError::Resolve(error) => self.no_such_host(&error),
            ConnectError::WrongFamily(others) => self.wrong_family(&others),
            ConnectError::Refused(_) if let Some(path) = &target.via.unix => self.no_socket(path, "refused"),
            ConnectError::Other(_, error) if let Some(path) = &target.via.unix => {
                self.no_socket(path, &text::io_error(&error))
            }
            ConnectError::Refused(refused) => {
                let problem = Problem::new(ErrorCode::E01, format!("nothing is listening on {authority}"))
                    .fact("tried", format!("TCP connect to {}: refused", list(&refused)))
                    .fact("usually", "the server is not running, or listens on another port or address");
                self.other_port(problem, &refused).await
            }
            ConnectError::TimedOut(limit) => {
                let within = text::duration(limit);
                let problem =
                    Problem::new(ErrorCode::E03, format!("no answer from {authority} within {within}"))
                        .fact("tried", "TCP connect: no reply at all (not refused)")
                        .fact("usually", "a firewall drops packets, or the wrong address");
                self.more_time(problem)
            }
            ConnectError::TlsTimedOut(limit) => self.silent_about_tls(limit, addresses).await,
            ConnectError::Tls(problem) if problem.code == ErrorCode::E10 => {
                problem.fact("try", self.plain_command())
            }
            ConnectError::Tls(problem) => problem.at(&authority, |options| self.with(options)),
            ConnectError::Other(address, error) => {
                let tried = if addresses.is_empty() { address.to_string() } else { list(addresses) };
                Problem::new(ErrorCode::E01, format!("cannot connect to {authority}"))
                    .fact("tried", format!("TCP connect to {tried}: {error}"))
                    .fact("usually", "no route to that network, or the wrong address")
                    .fact("try", self.at(&format!("ws://{}", example_address(target))))
            }
        }
    }

    /// The command that was typed, at another address.
    fn at(&self, address: &str) -> String {
        typed::at(self.target, address)
    }

    /// The same at another place.
    fn there(&self, target: &Target) -> String {
        self.at(&target.to_string())
    }

    fn no_such_host(&self, error: &io::Error) -> Problem {
        let host = &self.target.host;
        let local = host != "localhost" && !text::did_you_mean(host, ["localhost"]).is_empty();
        let near = match self.target.via.family {
            _ if local => "localhost",
            Some(Family::V6) => "::1",
            _ => "127.0.0.1",
        };
        let meant = Target { host: near.to_owned(), ..self.target.clone() };
        // Nearby hardly anything listens at the port that is taken where none was given.
        let meant = match meant.port {
            80 if !meant.secure => Target { port: USUAL_PORT, ..meant },
            _ => meant,
        };
        let problem = Problem::new(ErrorCode::E02, format!("cannot resolve the host name \"{host}\""))
            .fact("tried", format!("looking up {host}: {}", text::io_error(error)));
        let problem = if local { problem.fact("meant", "localhost?") } else { problem };
        problem.fact("try", self.there(&meant))
    }

    fn wrong_family(&self, others: &[Address]) -> Problem {
        let (letter, option, wanted) = match self.target.via.family {
            Some(Family::V6) => ("-6", "ipv6", "IPv6"),
            _ => ("-4", "ipv4", "IPv4"),
        };
        Problem::new(
            ErrorCode::E02,
            format!("the host name \"{}\" has no {wanted} address", self.target.host),
        )
        .fact("tried", format!("looking it up: {}", list(others)))
        .fact("usually", format!("the server is reached without {letter}"))
        .fact("try", typed::without(self.target, option))
    }

    /// A server that waits for a whole HTTP request says nothing to a ClientHello.
    async fn silent_about_tls(&self, limit: Duration, addresses: &[Address]) -> Problem {
        let authority = self.target.authority();
        let within = text::duration(limit);
        if let Some(status) = self.plain_status(addresses).await {
            return Problem::new(ErrorCode::E10, "the address says wss://, but the server speaks plain HTTP")
                .fact("sent", format!("TLS ClientHello: no answer within {within}"))
                .fact("got", format!("to a plain request: {status}"))
                .fact("try", self.plain_command());
        }
        let problem =
            Problem::new(ErrorCode::E03, format!("no TLS handshake with {authority} within {within}"))
                .fact("tried", "TCP was accepted, but the TLS ClientHello was not answered")
                .fact("usually", "the port does not speak TLS, or the server takes one connection at a time");
        self.more_time(problem)
    }

    /// How the server answers without TLS, if it does.
    async fn plain_status(&self, addresses: &[Address]) -> Option<String> {
        let mut stream = dial(addresses, None, SECOND_LIMIT).await.ok()?;
        let answer = exchange::open(&mut stream, self.opening, None, SECOND_LIMIT).await.ok()?;
        Some(status_line(&answer))
    }

    /// The same address without TLS.
    fn plain_command(&self) -> String {
        self.there(&Target { secure: false, ..self.target.clone() })
    }

    /// The same command with other options.
    fn with(&self, options: &[&str]) -> String {
        typed::with(self.target, &self.target.to_string(), options)
    }

    /// Advises to look at the same address with more time.
    fn more_time(&self, problem: Problem) -> Problem {
        if self.started {
            return problem.fact("try", self.with(&["--open-timeout", "20s"]));
        }
        let problem = problem.fact("try", typed::other("probe", self.target, &["--timeout", "20s"]));
        match typed::is("run") {
            true => problem.fact("or", "--open-timeout 20s, if it only takes that long"),
            false => problem,
        }
    }

    /// What to do where nobody listens: `run` can start the server itself, at this address.
    fn start(&self, problem: Problem, address: &str, server: &str) -> Problem {
        if self.started {
            let again = typed::with_options(&["--ready", "ws"]);
            return problem.fact("try", format!("{again}   (waits for its answer)"));
        }
        if !typed::is("probe") && !typed::is("load") {
            return problem.fact("try", typed::with(self.target, address, &["--exec", server]));
        }
        if !is_nearby_name(&self.target.host) || self.target.via.unix.is_some() {
            return problem.fact("start", "the server").fact("try", self.there(self.target));
        }
        // The certificate of that server is nobody's.
        let (tls, again) = match self.target.secure {
            true => (" --tls", self.with(&["-k"])),
            false => ("", self.there(self.target)),
        };
        let echo = format!("wsspec echo {}{tls}", self.target.authority());
        problem.fact("start", format!("your server, or {echo}, in another terminal")).fact("try", again)
    }

    fn no_socket(&self, path: &Path, why: &str) -> Problem {
        let shown = path.display();
        let problem = Problem::new(ErrorCode::E01, format!("nothing is listening on the socket {shown}"))
            .fact("tried", format!("connect to {shown}: {why}"))
            .fact("usually", "the server is not running, or its socket has another path (ss -xl lists them)");
        self.start(problem, &self.target.to_string(), "./my_server --socket {unix}")
    }

    pub(super) fn no_answer(&self, error: &NoAnswer, limit: Duration) -> Problem {
        let target = self.target;
        let authority = target.authority();
        match error {
            NoAnswer::TimedOut(octets) => {
                let within = text::duration(limit);
                let got = if *octets == 0 { "nothing".to_owned() } else { text::count(*octets, "octet") };
                let problem =
                    Problem::new(ErrorCode::E03, format!("no answer from {authority} within {within}"))
                        .fact("sent", self.request_line())
                        .fact("got", format!("TCP was accepted, then {got}"))
                        .fact(
                            "usually",
                            "the server takes one connection at a time, or the port is not HTTP",
                        );
                self.more_time(problem)
            }
            NoAnswer::Alert(alert) => tls::explain_alert(*alert).at(&authority, |options| self.with(options)),
            NoAnswer::Closed(seen) | NoAnswer::NotHttp(seen) if is_tls(seen) => self.tls(seen),
            NoAnswer::Closed(seen) if seen.is_empty() => {
                Problem::new(ErrorCode::E28, format!("{authority} closed the connection without an answer"))
                    .fact("sent", self.request_line())
                    .fact("usually", "the server died on the request (see its log), or the port wants TLS")
                    .fact("try", self.at(&format!("wss://{authority}{}", target.resource)))
            }
            NoAnswer::Closed(seen) => {
                Problem::new(ErrorCode::E28, format!("{authority} closed the connection within its answer"))
                    .fact("sent", self.request_line())
                    .fact("got", quoted(seen))
                    .fact("usually", "the server died while it answered (see its log)")
                    .fact("try", self.there(target))
            }
            NoAnswer::NotHttp(seen) => {
                Problem::new(ErrorCode::E28, format!("{authority} does not speak HTTP"))
                    .fact("sent", self.request_line())
                    .fact("got", quoted(seen))
                    .fact("usually", "the port belongs to another protocol")
                    .fact("try", self.at(&format!("ws://{}:PORT", bracketed(&target.host))))
            }
            NoAnswer::TooLarge => {
                Problem::new(ErrorCode::E28, format!("the answer of {authority} does not end"))
                    .fact("sent", self.request_line())
                    .fact("got", "more than 16 KiB of header fields without an empty line")
                    .fact("try", self.at(&format!("ws://{}:PORT", bracketed(&target.host))))
            }
        }
    }

    fn tls(&self, seen: &[u8]) -> Problem {
        let octets: Vec<String> = seen.iter().take(7).map(|octet| format!("{octet:02x}")).collect();
        let got = match seen.first() {
            Some(0x15) => format!("{}   = a TLS alert", octets.join(" ")),
            Some(0x16) => format!("{}   = a TLS handshake", octets.join(" ")),
            _ => quoted(seen),
        };
        let there = self.there(&Target { secure: true, ..self.target.clone() });
        // Nearby, hardly any certificate is signed by an authority that the system knows.
        let there = match is_nearby_name(&self.target.host) {
            true => format!("{there} -k     (-k: accept any certificate)"),
            false => there,
        };
        Problem::new(ErrorCode::E09, "the server speaks TLS, but the address says ws://")
            .fact("sent", self.request_line())
            .fact("got", got)
            .fact("try", there)
    }

    pub(super) async fn refused(&self, answer: &Answer, body: &[u8]) -> Problem {
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
            Some(403) => self.forbidden(answer, body),
            Some(401 | 407) => {
                let what = format!("the server wants authentication ({status})");
                problem(ErrorCode::E05, what)
                    .fact("got", self.headers(answer, &["WWW-Authenticate", "Server"]))
                    .fact("try", self.with(&["-H", TOKEN]))
            }
            Some(300..=399) => {
                let location = head.headers.get("Location").map_or_else(|| "nowhere".to_owned(), quoted);
                let problem =
                    problem(ErrorCode::E06, format!("the server redirects ({status}) to {location}"))
                        .fact("usually", "the target must be given as wss://, or with another path")
                        .fact("note", "redirects are not followed");
                match head.headers.get("Location").and_then(|location| self.redirected(location)) {
                    Some(there) => problem.fact("try", self.there(&there)),
                    None => problem.advise("the address that Location means, if it is one that you trust"),
                }
            }
            _ => self.not_switched(answer, body).await,
        }
    }

    /// 403 to an upgrade is most often the check of the Origin, and sometimes one of credentials.
    fn forbidden(&self, answer: &Answer, body: &[u8]) -> Problem {
        let what = format!("the server refuses the upgrade ({})", status_line(answer));
        let mut got = self.headers(answer, &["WWW-Authenticate", "Server"]);
        if !body.is_empty() {
            got.push_str(&format!("   {}", quoted(body)));
        }
        let problem = Problem::new(ErrorCode::E05, what).fact("sent", self.request_line()).fact("got", got);
        match &self.opening.origin {
            Some(origin) => problem
                .fact("usually", format!("it does not accept the Origin {origin}, or wants credentials"))
                .fact("try", self.with(&["-H", TOKEN])),
            None => problem
                .fact("usually", "it takes only requests with an Origin that it knows, as browsers send it")
                .fact("try", self.with(&["--origin", &self.own_origin()]))
                .fact("or", format!("-H '{TOKEN}'")),
        }
    }

    /// Where a Location leads, as a target, if it is an address without anything odd.
    fn redirected(&self, location: &[u8]) -> Option<Target> {
        let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~:/?%=&+,@[]".contains(octet);
        let text =
            std::str::from_utf8(location).ok().filter(|text| text.bytes().all(|octet| plain(&octet)))?;
        let there = match text.split_once("://") {
            Some(("http" | "ws", rest)) => Target::parse(&format!("ws://{rest}")).ok()?,
            Some(("https" | "wss", rest)) => Target::parse(&format!("wss://{rest}")).ok()?,
            None if text.starts_with('/') && !text.starts_with("//") => {
                Target { resource: text.to_owned(), ..self.target.clone() }
            }
            _ => return None,
        };
        (there.to_string() != self.target.to_string()).then_some(there)
    }

    async fn not_switched(&self, answer: &Answer, body: &[u8]) -> Problem {
        if String::from_utf8_lossy(body).contains("HTTPS port") {
            return self.tls(body);
        }
        let what = format!("the server answered {} instead of 101 Switching Protocols", status_line(answer));
        let mut got = self.headers(answer, &["Content-Type", "Server", "Sec-WebSocket-Version"]);
        if !body.is_empty() {
            got.push_str(&format!("   {}", quoted(body)));
        }
        let problem = Problem::new(ErrorCode::E07, what).fact("sent", self.request_line()).fact("got", got);
        match answer.head.status {
            Some(426) if let Some(versions) = answer.head.headers.get("Sec-WebSocket-Version") => problem
                .fact("usually", format!("it speaks version {} of the protocol only", quoted_bare(versions)))
                .fact("why", "wsspec speaks version 13, the one of RFC 6455 and of every browser")
                .advise("a release of the server that speaks version 13"),
            Some(429) => problem
                .fact(
                    "usually",
                    "the server, or a proxy before it, limits how many connections come in a time",
                )
                .fact("try", typed::other("run", self.target, &["--jobs", "1"]))
                .fact("or", "lift that limit for this test"),
            Some(500..) => problem
                .fact("usually", "the server or one behind it fails; a proxy may have nothing behind it")
                .fact("look", "at its log, and at that of the proxy")
                .fact("try", self.there(self.target)),
            Some(400) => self.bad_request(problem).await,
            _ => {
                let problem = problem
                    .fact("usually", "an HTTP route, or a proxy in between that drops the Upgrade header")
                    .fact("nginx", "proxy_http_version 1.1; and pass Upgrade and Connection on");
                self.other_path(problem).await
            }
        }
    }

    /// 400 to an upgrade: something in the request is not what the server wants.
    async fn bad_request(&self, problem: Problem) -> Problem {
        let problem = problem.fact(
            "usually",
            "an Origin, Host, path or subprotocol that it does not know, or a proxy in between that drops the Upgrade header",
        );
        if let Some(path) = self.open_path().await {
            return problem.fact("try", format!("{}   ({path} answered 101 just now)", self.at_path(path)));
        }
        match (&self.opening.origin, self.opening.subprotocols.is_empty()) {
            (None, _) => {
                let origin = self.with(&["--origin", &self.own_origin()]);
                problem.fact("try", origin).fact("or", "-s SUBPROTOCOL")
            }
            (_, true) => problem.fact("try", self.with(&["-s", "SUBPROTOCOL"])).fact("or", "another path"),
            _ => problem.fact("try", self.at_path("/PATH")),
        }
    }

    /// The Origin of a page of this server.
    fn own_origin(&self) -> String {
        let scheme = if self.target.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.target.host_header())
    }

    pub(super) fn wrong_upgrade(&self, answer: &Answer, breach: &Breach) -> Problem {
        let got = breach.got.as_deref().map_or_else(|| "no such header".to_owned(), quoted_bare);
        let mut problem =
            Problem::new(ErrorCode::E08, format!("the upgrade response is wrong: {}", breach.what));
        if breach.hangs_on_key {
            problem = problem.fact("key", answer.key.clone());
        }
        let command = typed::other("run", self.target, &[]);
        problem
            .fact("expected", breach.expected.clone())
            .fact("got", got)
            .fact("rule", breach.rule)
            .fact("try", format!("{command} @handshake   (leaves that to the cases)"))
    }

    /// On this host the other loopback address is tried, and nearby a few usual ports.
    async fn other_port(&self, problem: Problem, refused: &[Address]) -> Problem {
        let (target, nearby) = (self.target, refused.iter().filter(|address| address.is_nearby()));
        if let Some(ip) = other_loopback(refused) {
            let there = Target { host: ip.to_string(), ..target.clone() };
            if dial(&[SocketAddr::new(ip, target.port).into()], None, SECOND_LIMIT).await.is_ok() {
                return problem
                    .fact("note", format!("something does listen on {}", there.authority()))
                    .fact("try", self.there(&there));
            }
        }
        for address in nearby.filter_map(Address::tcp).take(1) {
            for port in ports_near(target.port).filter(|port| !self.others.contains(port)) {
                let other = SocketAddr::new(address.ip(), port);
                if self.is_websocket(&[other.into()], self.opening).await {
                    let there = Target { port, ..target.clone() };
                    return problem
                        .fact("note", format!("port {port} on this host does speak WebSocket"))
                        .fact("try", self.there(&there));
                }
            }
        }
        let scheme = if target.secure { "wss" } else { "ws" };
        let started = format!("{scheme}://{}:{{port}}{}", bracketed(&target.host), target.resource);
        self.start(problem, &started, "./my_server {port}")
    }

    async fn is_websocket(&self, addresses: &[Address], opening: &ClientOpening) -> bool {
        let Ok(mut stream) = dial(addresses, self.secure, SECOND_LIMIT).await else { return false };
        let answer = exchange::open(&mut stream, opening, None, SECOND_LIMIT).await;
        answer.is_ok_and(|answer| answer.head.status == Some(101))
    }

    /// The usual path at which there is a WebSocket, on hosts nearby.
    async fn open_path(&self) -> Option<&'static str> {
        let nearby = resolve(self.target, self.limit).await.unwrap_or_default();
        for path in PATHS.into_iter().filter(|_| nearby.iter().all(Address::is_nearby)) {
            let opening = ClientOpening { target: path.to_owned(), ..self.opening.clone() };
            if self.is_websocket(&nearby, &opening).await {
                return Some(path);
            }
        }
        None
    }

    fn at_path(&self, path: &str) -> String {
        self.there(&Target { resource: path.to_owned(), ..self.target.clone() })
    }

    async fn other_path(&self, problem: Problem) -> Problem {
        match self.open_path().await {
            Some(path) => {
                let command = self.at_path(path);
                problem.fact("try", format!("{command}   ({path} answered 101 just now)"))
            }
            None => problem.fact("try", self.at_path("/PATH")),
        }
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

/// E12.
pub(crate) fn no_echo(sent: &str, echo: &Echo, then: Option<Then>) -> Problem {
    let seconds = text::duration(ECHO_LIMIT);
    let mut got = match echo {
        Echo::Other(opcode, octets) => format!("{} {}", opcode_name(*opcode), quoted(octets)),
        Echo::Closed(Some(code), reason) if reason.is_empty() => format!("Close {code}"),
        Echo::Closed(Some(code), reason) => format!("Close {code} {}", quoted(reason)),
        Echo::Closed(None, _) => "the end of the connection".to_owned(),
        Echo::Nothing => format!("nothing for {seconds}"),
        Echo::Same => "the echo".to_owned(),
    };
    let what = match echo {
        Echo::Same => "connected, but the server sends more than the echo",
        _ => "connected, but the server does not echo",
    };
    match then {
        Some(Then::More) if *echo == Echo::Same => {
            got.push_str("   then another message, though no other was sent")
        }
        Some(Then::Echo) => got.push_str("   then the echo"),
        Some(Then::More) => got.push_str("   then more messages, none of them the echo"),
        Some(Then::End) => got.push_str("   then the end of the connection"),
        Some(Then::Nothing) => got.push_str(&format!("   then nothing for {seconds}")),
        None => {}
    }
    let problem = Problem::new(ErrorCode::E12, what)
        .fact("sent", format!("Text \"{sent}\""))
        .fact("got", got)
        .fact("why", "almost every case needs an echo: same type, same content, no more")
        .advise("an echo endpoint, usually ten lines:  wsspec help echo-server");
    if typed::is("probe") || typed::is("load") {
        return problem;
    }
    problem.fact("or", format!("--mode discard to run the {} cases that need no echo", choice::discards()))
}

fn status_line(answer: &Answer) -> String {
    let status = answer.head.status.map_or_else(|| "no status".to_owned(), |code| code.to_string());
    format!("{status} {}", quoted_bare(&answer.head.reason)).trim_end().to_owned()
}

/// The neighbours of a port, and then the usual ones.
fn ports_near(port: u16) -> impl Iterator<Item = u16> {
    let neighbours = [port.checked_add(1), port.checked_sub(1).filter(|port| *port > 0)];
    let usual = PORTS.into_iter().filter(move |usual| usual.abs_diff(port) > 1);
    neighbours.into_iter().flatten().chain(usual).take(PORTS_TRIED)
}

/// The loopback address of the other family, if that was not refused too.
fn other_loopback(refused: &[Address]) -> Option<IpAddr> {
    let refused: Vec<IpAddr> = refused.iter().filter_map(Address::tcp).map(|address| address.ip()).collect();
    let other = match refused.first()? {
        IpAddr::V4(ip) if ip.is_loopback() => IpAddr::from(Ipv6Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_loopback() => IpAddr::from(Ipv4Addr::LOCALHOST),
        _ => return None,
    };
    (!refused.contains(&other)).then_some(other)
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn example_address(target: &Target) -> String {
    if target.port == 9001 { format!("{}:PORT", target.host) } else { format!("{}:9001", target.host) }
}

/// Whether a host is of this machine or of a private network, as far as its name tells.
fn is_nearby_name(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => Address::Tcp(SocketAddr::new(ip, 0)).is_nearby(),
        Err(_) => {
            !host.contains('.') || [".local", ".localhost", ".internal"].iter().any(|end| host.ends_with(end))
        }
    }
}

/// The first octets of a TLS alert or handshake record.
fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [0x15 | 0x16, 0x03, ..])
}

/// Text of the peer in quotation marks, cut and with everything odd made visible.
pub(crate) fn quoted(octets: &[u8]) -> String {
    format!("\"{}\"", quoted_bare(octets))
}

fn quoted_bare(octets: &[u8]) -> String {
    Untrusted::from_octets(octets).for_terminal(200)
}
