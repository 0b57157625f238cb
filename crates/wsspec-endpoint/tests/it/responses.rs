//! The opening handshake as a client sees it.

use std::time::Duration;

use wsspec_endpoint::{
    ClientRequest, Config, Connection, DeflateConfig, End, Event, InvalidRequest, ResponseViolation, State,
    Timer, Transmit, Violation,
};

const NOW: Duration = Duration::ZERO;

fn request() -> ClientRequest {
    ClientRequest { subprotocols: vec!["chat".into(), "soap".into()], ..ClientRequest::new("h:1", "/a?b=c") }
}

fn config() -> Config {
    Config::client([7; 32])
}

fn deflate() -> Config {
    Config { deflate: Some(DeflateConfig::default()), ..config() }
}

fn sent(client: &mut Connection) -> String {
    match client.poll_transmit() {
        Some(Transmit::Octets(octets)) => String::from_utf8(octets.to_vec()).unwrap(),
        other => panic!("no request but {other:?}"),
    }
}

fn accept_for(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    wsspec_wire::accept_key(key.as_bytes())
}

/// A client that got a lawful response with this text replaced, or with a field added.
fn answered(config: Config, from: &str, to: &str) -> Connection {
    let mut client = Connection::client(config, request(), NOW);
    let accept = accept_for(&sent(&mut client));
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    assert!(response.contains(from));
    client.handle_input(response.replacen(from, to, 1).as_bytes(), NOW);
    client
}

#[track_caller]
fn accepts(config: Config, from: &str, to: &str) {
    let mut client = answered(config, from, to);
    let event = client.poll_event();
    assert!(matches!(event, Some(Event::Open(_))), "{event:?}");
}

#[track_caller]
fn fails(config: Config, from: &str, to: &str, violation: ResponseViolation) {
    let mut client = answered(config, from, to);
    assert_eq!(client.state(), State::Closing);
    client.handle_input(b"\x81\x00", NOW);
    assert_eq!(client.poll_transmit(), Some(Transmit::CloseTcp), "no frame is sent");
    assert_eq!(client.poll_transmit(), None);
    client.handle_end(End::Fin, NOW);
    let Some(Event::Closed(closed)) = client.poll_event() else { panic!("not closed") };
    assert_eq!(closed.violation, Some(Violation::Response(violation)));
}

fn field(line: &str) -> String {
    format!("Connection: Upgrade\r\n{line}\r\n")
}

#[track_caller]
fn fails_with_field(config: Config, line: &str, violation: ResponseViolation) {
    fails(config, "Connection: Upgrade\r\n", &field(line), violation);
}

#[track_caller]
fn accepts_with_field(config: Config, line: &str) {
    accepts(config, "Connection: Upgrade\r\n", &field(line));
}

#[test]
fn request_is_complete() {
    let origin = Some("https://o".to_owned());
    let headers = vec![("Cookie".to_owned(), "a=b".to_owned())];
    let request = ClientRequest { origin, headers, ..request() };
    let mut client = Connection::client(deflate(), request, NOW);
    let sent = sent(&mut client);
    let (head, key) = sent.split_once("Sec-WebSocket-Key: ").unwrap();
    assert_eq!(head, "GET /a?b=c HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let (key, rest) = key.split_once("\r\n").unwrap();
    assert!(wsspec_wire::is_valid_key(key.as_bytes()));
    assert_eq!(
        rest,
        "Sec-WebSocket-Version: 13\r\nOrigin: https://o\r\nSec-WebSocket-Protocol: chat, soap\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nCookie: a=b\r\n\r\n"
    );
}

#[test]
fn keys_depend_on_the_seed() {
    let key = |seed| sent(&mut Connection::client(Config::client([seed; 32]), request(), NOW));
    assert_ne!(key(1), key(2));
}

#[test]
fn invalid_requests_are_not_sent() {
    let good = request();
    let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let bad = [
        ClientRequest { host: "h\r\nX: y".into(), ..good.clone() },
        ClientRequest { host: String::new(), ..good.clone() },
        ClientRequest { target: "/a b".into(), ..good.clone() },
        ClientRequest { target: "/a#b".into(), ..good.clone() },
        ClientRequest { target: "a".into(), ..good.clone() },
        ClientRequest { target: "/a\r\nX: y".into(), ..good.clone() },
        ClientRequest { origin: Some("o\r\nX: y".into()), ..good.clone() },
        ClientRequest { subprotocols: vec!["a b".into()], ..good.clone() },
        ClientRequest { subprotocols: vec!["a".into(), "a".into()], ..good.clone() },
        ClientRequest { headers: field("X", "a\r\nb"), ..good.clone() },
        ClientRequest { headers: field("X Y", "a"), ..good.clone() },
        ClientRequest { headers: field("sec-websocket-key", "a"), ..good.clone() },
    ];
    for request in bad {
        let mut client = Connection::client(config(), request.clone(), NOW);
        assert_eq!(client.poll_transmit(), Some(Transmit::Abort), "{request:?}");
        assert_eq!(client.state(), State::Closed);
        let Some(Event::Closed(closed)) = client.poll_event() else { panic!("not closed") };
        assert!(matches!(closed.violation, Some(Violation::InvalidRequest(InvalidRequest { .. }))));
    }
}

#[test]
fn lawful_responses() {
    accepts(config(), "101 Switching Protocols", "101 ");
    accepts(config(), "101 Switching Protocols", "101");
    accepts(config(), "Upgrade: websocket", "upgrade: WebSocket");
    accepts(config(), "Connection: Upgrade", "Connection: keep-alive, upgrade");
    accepts(config(), "Accept: ", "Accept: \t  ");
    accepts(config(), "HTTP/1.1 101", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101");
    accepts_with_field(config(), "X-Unknown: y");
    accepts_with_field(config(), "Sec-WebSocket-Protocol: soap");
}

#[test]
fn status_line() {
    for status in [200, 301, 400, 401, 426, 500] {
        fails(config(), "101", &status.to_string(), ResponseViolation::Status(status));
    }
    for version in ["HTTP/1.0", "HTTP/2.0", "ICY"] {
        fails(config(), "HTTP/1.1", version, ResponseViolation::HttpVersion);
    }
    for status in [" 101", "0101", "1O1"] {
        fails(config(), "101", status, ResponseViolation::Malformed("status code"));
    }
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(5) + "HTTP/1.1";
    fails(config(), "HTTP/1.1", &interim, ResponseViolation::TooManyInterim);
}

#[test]
fn header_lines() {
    let malformed = ResponseViolation::Malformed;
    fails_with_field(config(), "X y", malformed("line that is not a header field"));
    fails_with_field(config(), "X: a\rb", malformed("line end that is not CRLF"));
    fails_with_field(config(), "X: a\0b", malformed("control character"));
    fails_with_field(config(), "X: a\r\n b", malformed("folded header field"));
    fails_with_field(config(), &"X: y\r\n".repeat(4000), ResponseViolation::TooLarge { limit: 16 << 10 });
}

#[test]
fn upgrade() {
    for upgrade in ["Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n", "Upgrade:\r\n", ""] {
        fails(config(), "Upgrade: websocket\r\n", upgrade, ResponseViolation::Upgrade);
    }
    for connection in ["Connection: close\r\n", "Connection: notupgrade\r\n", ""] {
        fails(config(), "Connection: Upgrade\r\n", connection, ResponseViolation::Connection);
    }
}

#[test]
fn accept() {
    fails(config(), "Sec-WebSocket-Accept", "X", ResponseViolation::AcceptMissing);
    fails(config(), "Accept: ", "Accept: x", ResponseViolation::AcceptWrong);
    fails(config(), "=\r\n", "==\r\n", ResponseViolation::AcceptWrong);
    fails_with_field(config(), "Sec-WebSocket-Accept: x", ResponseViolation::AcceptRepeated);
}

#[test]
fn subprotocol() {
    for value in ["x", "CHAT", "chat, soap", ""] {
        let line = format!("Sec-WebSocket-Protocol: {value}");
        fails_with_field(config(), &line, ResponseViolation::SubprotocolNotOffered);
    }
    let twice = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat";
    fails_with_field(config(), twice, ResponseViolation::SubprotocolRepeated);
}

#[track_caller]
fn extension_fails(config: Config, value: &str, violation: ResponseViolation) {
    fails_with_field(config, &format!("Sec-WebSocket-Extensions: {value}"), violation);
}

#[test]
fn extensions() {
    extension_fails(config(), "permessage-deflate", ResponseViolation::ExtensionNotOffered);
    extension_fails(deflate(), "x-foo", ResponseViolation::ExtensionNotOffered);
    extension_fails(deflate(), "permessage-deflate, x-foo", ResponseViolation::ExtensionNotOffered);
    extension_fails(deflate(), "permessage-deflate, permessage-deflate", ResponseViolation::DeflateRepeated);
    for value in ["permessage-deflate;", "permessage-deflate; a=\"x", ";"] {
        extension_fails(deflate(), value, ResponseViolation::Extensions);
    }
}

#[test]
fn deflate_parameters() {
    let lawful = [
        "",
        "; server_no_context_takeover",
        "; client_no_context_takeover",
        "; server_max_window_bits=8",
        "; client_max_window_bits=8",
        "; client_max_window_bits=\"15\"",
    ];
    for parameters in lawful {
        accepts_with_field(deflate(), &format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}"));
    }
    let invalid = [
        ("foo", "unknown name"),
        ("server_max_window_bits=7", "window bits are not 8 to 15"),
        ("server_max_window_bits", "server_max_window_bits without a value"),
        ("client_max_window_bits", "client_max_window_bits without a value"),
        ("client_max_window_bits=08", "window bits are not 8 to 15"),
        ("server_max_window_bits=9; server_max_window_bits=9", "repeated"),
        ("client_no_context_takeover; client_no_context_takeover", "repeated"),
        ("server_no_context_takeover=1", "no_context_takeover with a value"),
    ];
    for (parameters, what) in invalid {
        let value = format!("permessage-deflate; {parameters}");
        extension_fails(deflate(), &value, ResponseViolation::DeflateParameter(what));
    }
}

#[test]
fn deflate_parameters_keep_to_the_offer() {
    let narrow = || DeflateConfig {
        server_no_context_takeover: true,
        server_max_window_bits: 10,
        client_max_window_bits: None,
        ..DeflateConfig::default()
    };
    let beyond = [
        ("", "server_no_context_takeover is missing"),
        ("; server_no_context_takeover", "server_max_window_bits"),
        ("; server_no_context_takeover; server_max_window_bits=11", "server_max_window_bits"),
        (
            "; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10",
            "client_max_window_bits",
        ),
    ];
    for (parameters, what) in beyond {
        let config = Config { deflate: Some(narrow()), ..config() };
        let value = format!("permessage-deflate{parameters}");
        extension_fails(config, &value, ResponseViolation::DeflateBeyondOffer(what));
    }
}

#[test]
fn response_must_come_in_time() {
    let mut client = Connection::client(config(), request(), NOW);
    sent(&mut client);
    client.handle_timeout(client.poll_timeout().unwrap());
    assert_eq!(client.poll_transmit(), Some(Transmit::CloseTcp));
    client.handle_end(End::Fin, NOW);
    let Some(Event::Closed(closed)) = client.poll_event() else { panic!("not closed") };
    assert_eq!(closed.timed_out, Some(Timer::Handshake));
}

#[test]
fn frames_in_the_segment_of_the_response_count() {
    let mut client = Connection::client(config(), request(), NOW);
    let accept = accept_for(&sent(&mut client));
    let response = format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    client.handle_input(&[response.as_bytes(), b"\x89\x01p"].concat(), NOW);
    assert!(matches!(client.poll_event(), Some(Event::Open(_))));
    assert_eq!(client.poll_event(), Some(Event::Ping("p".into())));
}
