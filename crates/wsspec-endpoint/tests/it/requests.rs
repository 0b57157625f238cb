//! The opening handshake as a server sees it.

use std::time::Duration;

use wsspec_endpoint::{
    Config, Connection, DeflateConfig, End, Event, RequestViolation, State, Transmit, Violation,
};

use crate::pair::REQUEST;

const NOW: Duration = Duration::ZERO;

/// What a server does with a request: what it sends, whether it drops TCP then, and what it reports.
struct Answer {
    text: String,
    fin: bool,
    server: Connection,
}

fn answer_with(config: Config, request: &[u8]) -> Answer {
    let mut server = Connection::server(config, NOW);
    server.handle_input(request, NOW);
    let (mut octets, mut fin) = (Vec::new(), false);
    while let Some(transmit) = server.poll_transmit() {
        match transmit {
            Transmit::Octets(part) => octets.extend_from_slice(&part),
            Transmit::CloseTcp => fin = true,
            Transmit::Abort => panic!("reset"),
        }
    }
    Answer { text: String::from_utf8(octets).unwrap(), fin, server }
}

fn server() -> Config {
    Config { subprotocols: vec!["chat".into(), "soap".into()], ..Config::server([0; 32]) }
}

/// [`REQUEST`] with a line replaced, or with lines added.
fn changed(from: &str, to: &str) -> String {
    assert!(REQUEST.contains(from));
    REQUEST.replacen(from, to, 1)
}

fn with_field(field: &str) -> String {
    changed("\r\n\r\n", &format!("\r\n{field}\r\n\r\n"))
}

#[track_caller]
fn accepts(request: &str) -> String {
    let mut answer = answer_with(server(), request.as_bytes());
    assert!(answer.text.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{}", answer.text);
    assert!(answer.text.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert!(answer.text.ends_with("\r\n\r\n") && !answer.fin);
    assert!(matches!(answer.server.poll_event(), Some(Event::Open(_))));
    answer.text
}

#[track_caller]
fn refuses(request: &str, violation: RequestViolation) -> String {
    refuses_with(server(), request.as_bytes(), violation)
}

#[track_caller]
fn refuses_with(config: Config, request: &[u8], violation: RequestViolation) -> String {
    let Answer { text, fin, mut server } = answer_with(config, request);
    let (status, reason) = violation.status();
    assert!(text.starts_with(&format!("HTTP/1.1 {status} {reason}\r\n")), "{text}");
    let (head, body) = text.split_once("\r\n\r\n").expect("a complete head");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert!(body.is_empty() || body.len().to_string() == length);
    assert!(fin, "TCP is dropped");
    assert_eq!(server.state(), State::Closing);
    server.handle_input(b"\x81\x80\0\0\0\0", NOW);
    assert_eq!(server.poll_transmit(), None);
    server.handle_end(End::Fin, NOW);
    let Some(Event::Closed(closed)) = server.poll_event() else { panic!("not closed") };
    assert_eq!(closed.violation, Some(Violation::Request(violation)));
    assert_eq!((closed.clean, closed.code), (false, 1006));
    text
}

#[test]
fn lawful_requests() {
    accepts(REQUEST);
    accepts(&changed("GET /chat", "GET http://localhost/chat"));
    accepts(&changed("HTTP/1.1", "HTTP/1.2"));
    accepts(&changed("GET", "\r\nGET"));
    accepts(&changed("Upgrade: websocket", "upgrade:  WebSocket\t"));
    accepts(&changed("Upgrade: websocket", "Upgrade: h2c, websocket"));
    accepts(&changed("Connection: Upgrade", "CONNECTION: keep-alive, upgrade"));
    accepts(&changed("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"));
    accepts(&with_field("X-Unknown: \u{fc}\u{20ac}"));
    accepts(&with_field("Content-Length: 0"));
}

#[test]
fn request_line() {
    refuses(&changed("GET", "get"), RequestViolation::Method);
    assert!(refuses(&changed("GET", "POST"), RequestViolation::Method).contains("\r\nAllow: GET\r\n"));
    assert!(refuses(&changed("GET", "HEAD"), RequestViolation::Method).ends_with("\r\n\r\n"));
    for version in ["HTTP/1.0", "HTTP/2.0", "http/1.1", "HTTP/1.", "HTTP/1.1x"] {
        refuses(&changed("HTTP/1.1", version), RequestViolation::HttpVersion);
    }
    for target in ["*", "chat", "/chat#x", "/ch at", "/ch\u{e4}t", "ftp://localhost/"] {
        refuses(&changed("/chat", target), RequestViolation::Target);
    }
    refuses("GET /\r\n\r\n", RequestViolation::HttpVersion);
    refuses("PRI * HTTP/2.0\r\n\r\n", RequestViolation::Method);
}

#[test]
fn header_lines() {
    for field in ["no colon", ": x", "X y: z", "Upgrade : websocket"] {
        let violation = RequestViolation::Malformed("line that is not a header field");
        refuses(&with_field(field), violation);
    }
    refuses(&with_field("X: a\r\n b"), RequestViolation::Malformed("folded header field"));
    refuses(&with_field("X: a\0b"), RequestViolation::Malformed("control character"));
    refuses(&with_field("X: a\rb"), RequestViolation::Malformed("line end that is not CRLF"));
    let bare = RequestViolation::Malformed("line end that is not CRLF");
    refuses(&REQUEST.replace("\r\n", "\n"), bare);
}

#[test]
fn garbage_is_refused_at_once() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    refuses_with(server(), hello, RequestViolation::Malformed("control character"));
}

#[test]
fn host() {
    refuses(&changed("Host: localhost\r\n", ""), RequestViolation::Host);
    refuses(&with_field("Host: localhost"), RequestViolation::Host);
    for host in ["", "a b", "h:abc", "u@h", "%%%", "h:99999", "[::1", "h:1:2"] {
        refuses(&changed("Host: localhost", &format!("Host: {host}")), RequestViolation::Host);
    }
    for host in ["LOCALHOST.", "127.0.0.1:9001", "[::1]:9001", "[::1]", "h:", "xn--bcher-kva.test"] {
        accepts(&changed("Host: localhost", &format!("Host: {host}")));
    }
}

#[test]
fn body() {
    for field in ["Content-Length: 5", "Content-Length: abc", "Transfer-Encoding: chunked"] {
        refuses(&with_field(field), RequestViolation::Body);
    }
}

#[test]
fn upgrade() {
    for upgrade in ["Upgrade: h2c\r\n", "Upgrade: web socket\r\n", "Upgrade: websockets\r\n", ""] {
        let text = refuses(&changed("Upgrade: websocket\r\n", upgrade), RequestViolation::Upgrade);
        assert!(text.contains("\r\nUpgrade: websocket\r\n"));
    }
    for connection in ["Connection: notupgrade\r\n", "Connection: Up grade\r\n", ""] {
        refuses(&changed("Connection: Upgrade\r\n", connection), RequestViolation::Connection);
    }
}

#[test]
fn key() {
    let line = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    refuses(&changed(line, "X: y"), RequestViolation::KeyMissing);
    refuses(&with_field(line), RequestViolation::KeyRepeated);
    for key in ["", "test", "dGhlIHNhbXBsZSBub25jZQ", "!!!!!!!!!!!!!!!!!!!!!!!!", "dGhlIHNhbXBsZSBub25jZTE="]
    {
        refuses(&changed(line, &format!("Sec-WebSocket-Key: {key}")), RequestViolation::KeyInvalid);
    }
    accepts(&changed(line, "Sec-WebSocket-Key: \t dGhlIHNhbXBsZSBub25jZQ==  "));
}

#[test]
fn version() {
    let line = "Sec-WebSocket-Version: 13";
    let says_13 = |text: String| assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
    says_13(refuses(&changed(line, "X: y"), RequestViolation::VersionMissing));
    says_13(refuses(&with_field(line), RequestViolation::VersionRepeated));
    for version in ["8", "0", "14", "256", "-1", "013", "13, 8", "13;q=1", "abc", ""] {
        let request = changed(line, &format!("Sec-WebSocket-Version: {version}"));
        says_13(refuses(&request, RequestViolation::VersionUnsupported));
    }
}

#[test]
fn subprotocols() {
    let chosen = |field: &str| {
        let text = accepts(&with_field(field));
        text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: ").map(str::to_owned))
    };
    assert_eq!(chosen("Sec-WebSocket-Protocol: soap, chat"), Some("soap".into()));
    assert_eq!(chosen("Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: chat"), Some("chat".into()));
    assert_eq!(chosen("Sec-WebSocket-Protocol: x, y"), None);
    assert_eq!(chosen("Sec-WebSocket-Protocol: CHAT"), None);
    for value in ["", "a b", "a,a", "\u{e9}"] {
        let field = format!("Sec-WebSocket-Protocol: {value}");
        refuses(&with_field(&field), RequestViolation::Subprotocols);
    }
}

#[test]
fn extensions_must_follow_their_grammar() {
    for value in ["permessage-deflate;", "permessage-deflate; a=\"x", "; foo", "a; b=", "a b", "a; b=1=2"] {
        let field = format!("Sec-WebSocket-Extensions: {value}");
        refuses(&with_field(&field), RequestViolation::Extensions);
    }
    let text = accepts(&with_field("Sec-WebSocket-Extensions: x-unknown; a=1"));
    assert!(!text.contains("Sec-WebSocket-Extensions"));
}

#[test]
fn resources_and_origins() {
    let config = || Config {
        resources: Some(vec!["/chat".into()]),
        origins: Some(vec!["https://good.example".into()]),
        ..server()
    };
    let accepted =
        |request: &str| answer_with(config(), request.as_bytes()).text.starts_with("HTTP/1.1 101 ");
    assert!(accepted(REQUEST));
    assert!(accepted(&changed("/chat", "/chat?room=1")));
    assert!(accepted(&with_field("Origin: https://good.example")));
    refuses_with(config(), changed("/chat", "/other").as_bytes(), RequestViolation::Resource);
    for origin in ["null", "https://good.example.evil.test", "http://good.example"] {
        let request = with_field(&format!("Origin: {origin}"));
        refuses_with(config(), request.as_bytes(), RequestViolation::Origin);
    }
}

#[test]
fn head_is_bounded() {
    let request = with_field(&format!("X: {}", "x".repeat(20_000)));
    refuses(&request, RequestViolation::TooLarge { limit: 16 << 10 });
}

#[test]
fn request_must_come_in_time() {
    let mut server = Connection::server(server(), NOW);
    server.handle_input(b"GET / HTTP/1.1\r\n", NOW);
    let deadline = server.poll_timeout().unwrap();
    server.handle_timeout(deadline - Duration::from_nanos(1));
    assert_eq!(server.poll_transmit(), None);
    server.handle_timeout(deadline);
    let Some(Transmit::Octets(octets)) = server.poll_transmit() else { panic!("no answer") };
    assert!(octets.starts_with(b"HTTP/1.1 408 "));
    assert_eq!(server.poll_transmit(), Some(Transmit::CloseTcp));
}

#[test]
fn half_a_request_is_not_answered() {
    let mut server = Connection::server(server(), NOW);
    server.handle_input(b"GET / HTTP/1.1\r\n", NOW);
    server.handle_end(End::Fin, NOW);
    assert_eq!(server.poll_transmit(), Some(Transmit::CloseTcp));
    assert_eq!(server.state(), State::Closed);
}

#[test]
fn frames_in_the_segment_of_the_request_count() {
    let config = Config { echo: true, ..server() };
    let octets = [REQUEST.as_bytes(), b"\x81\x81\0\0\0\0x"].concat();
    let mut server = Connection::server(config, NOW);
    server.handle_input(&octets, NOW);
    let Some(Transmit::Octets(octets)) = server.poll_transmit() else { panic!("no answer") };
    assert!(octets.ends_with(b"\r\n\r\n\x81\x01x"));
}

#[test]
fn first_acceptable_offer_is_accepted() {
    let config = || Config { deflate: Some(DeflateConfig::default()), ..server() };
    let accepted = |offer: &str| {
        let request = with_field(&format!("Sec-WebSocket-Extensions: {offer}"));
        let text = answer_with(config(), request.as_bytes()).text;
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ").map(str::to_owned))
    };
    let pmd = "permessage-deflate";
    let same = [
        pmd.to_owned(),
        format!("{pmd}; server_max_window_bits=8"),
        format!("{pmd}; server_max_window_bits=15"),
        format!("{pmd}; client_max_window_bits=8"),
        format!("{pmd}; server_no_context_takeover"),
        format!("{pmd}; client_no_context_takeover"),
        format!(
            "{pmd}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=11"
        ),
    ];
    for offer in same {
        assert_eq!(accepted(&offer), Some(offer));
    }
    assert_eq!(accepted("permessage-deflate; client_max_window_bits"), Some(pmd.into()));
    assert_eq!(
        accepted("permessage-deflate; client_max_window_bits=\"10\""),
        Some(format!("{pmd}; client_max_window_bits=10"))
    );
    assert_eq!(accepted("x; a, permessage-deflate; foo, permessage-deflate"), Some(pmd.into()));
    assert_eq!(
        accepted(
            "permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"
        ),
        Some(pmd.into())
    );
    let declined = [
        "foo",
        "foo=1",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=15.0",
        "server_max_window_bits=99999999999999999999",
        "client_max_window_bits=7",
        "client_max_window_bits=010",
        "client_max_window_bits=4294967304",
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
    ];
    for parameters in declined {
        assert_eq!(accepted(&format!("permessage-deflate; {parameters}")), None, "{parameters}");
    }
}
