//! Peers that are no WebSocket echo server: one cause, one short message, status 3, no case run.

#[cfg(target_os = "linux")]
use std::net::{SocketAddr, TcpStream};
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use socket2::{Domain, Socket, Type};
use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, all_at_once, wsspec};
use crate::tester::free_port;

fn run(manner: Manner) -> Done {
    run_with(manner, &[])
}

fn run_with(manner: Manner, args: &[&str]) -> Done {
    let folder = tempdir().unwrap();
    let peer = Peer::always(manner);
    let url = peer.url();
    let done = wsspec(folder.path(), &[&["run", &url], args].concat());
    assert!(!folder.path().join("wsspec-out/results.jsonl").exists(), "nothing was run");
    done
}

fn answer(text: &'static str) -> Manner {
    Manner::Answer(text.as_bytes(), Then::Close)
}

#[test]
fn nobody_listens() {
    let folder = tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    // Nothing is waited for.
    let done = wsspec(folder.path(), &["run", &address, "--open-timeout", "1h"]);
    done.expect_error(3, "E01");
    assert!(done.err.contains(&address), "{done:#?}");
}

/// The queue of this listener is full, so that the system answers nobody who would connect.
#[cfg(target_os = "linux")]
#[test]
fn nobody_answers() {
    let folder = tempdir().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let waits = Duration::from_millis(200);
    let connect = || TcpStream::connect_timeout(&address, waits).ok();
    let queue: Vec<TcpStream> = std::iter::from_fn(connect).take(8).collect();
    assert!(queue.len() < 8, "the queue has an end");
    let done = wsspec(folder.path(), &["run", &format!("ws://{address}"), "--open-timeout", "500ms"]);
    done.expect_error(3, "E03");
    assert!(done.err.contains("no reply at all") && done.err.contains("firewall"), "{done:#?}");
}

#[test]
fn the_host_has_no_address() {
    let folder = tempdir().unwrap();
    wsspec(folder.path(), &["run", "ws://no-such-host.invalid:9001"]).expect_error(3, "E02");
}

#[test]
fn the_handshake_stalls() {
    let args = ["--open-timeout", "300ms"];
    run_with(Manner::Answer(b"", Then::Silence), &args).expect_error(3, "E03");
    run_with(Manner::Answer(b"HTTP/1.1 101 Sw", Then::Silence), &args).expect_error(3, "E03");
}

#[test]
fn a_server_without_tls_that_waits_is_told_from_one_that_says_nothing() {
    let folder = tempdir().unwrap();
    let run = |peer: &Peer| {
        let url = peer.url().replace("ws://", "wss://");
        wsspec(folder.path(), &["run", &url, "-k", "--open-timeout", "300ms"])
    };
    let plain = Peer::always(Manner::Upgrade(b"", Then::Silence));
    let done = run(&plain);
    done.expect_error(3, "E10");
    assert!(
        done.err.contains(&format!("try      wsspec run {} -k --open-timeout 300ms\n", plain.url())),
        "{done:#?}"
    );
    let silent = run(&Peer::always(Manner::Answer(b"", Then::Silence)));
    silent.expect_error(3, "E03");
    assert!(silent.err.contains("TCP was accepted") && !silent.err.contains("firewall"), "{silent:#?}");
}

#[test]
fn a_server_at_the_next_port_or_at_another_path_is_found() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let (port, next) = (peer.address.port(), peer.address.port() - 1);
    let done = wsspec(folder.path(), &["run", &format!("ws://127.0.0.1:{next}")]);
    done.expect_error(3, "E01");
    assert!(done.err.contains(&format!("try      wsspec run ws://127.0.0.1:{port}\n")), "{done:#?}");
    let page = b"HTTP/1.1 200 OK\r\n\r\n";
    let behind = |n| if n == 0 { Manner::Answer(page, Then::Close) } else { Manner::Echo };
    let done = wsspec(folder.path(), &["run", &Peer::start(behind).url()]);
    done.expect_error(3, "E07");
    assert!(done.err.contains("(/ws answered 101 just now)") && done.err.contains("nginx"), "{done:#?}");
}

#[test]
fn handshakes_alone_are_judged_where_the_upgrade_breaks_a_rule() {
    let folder = tempdir().unwrap();
    let text = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n";
    let peer = Peer::always(Manner::Answer(text, Then::Close));
    let done = wsspec(folder.path(), &["run", &peer.url(), "@handshake", "--no-confirm"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.out.contains("echo not tried"), "{done:#?}");
}

#[test]
fn the_upgrade_is_refused() {
    let answers = [
        ("HTTP/1.1 404 Not Found\r\nServer: nginx/1.27\r\nContent-Length: 0\r\n\r\n", "E04", "nginx/1.27"),
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"chat\"\r\n\r\n",
            "E05",
            "Bearer realm",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://example.org/ws\r\n\r\n",
            "E06",
            "run wss://example.org/ws\n",
        ),
        ("HTTP/1.1 302 Found\r\nLocation: /there?a=b\r\n\r\n", "E06", "/there?a=b'\n"),
        ("HTTP/1.1 302 Found\r\nLocation: https://a/$(id)\r\n\r\n", "E06", "if it is one that you trust"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "E07", "the server or one behind it fails"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html>", "E07", "<!doctype html>"),
        ("HTTP/1.1 500 Oops\r\n\r\n", "E07", "500 Oops"),
        ("HTTP/1.1 banana\r\n\r\n", "E07", "no status"),
        ("HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port", "E09", "wss://"),
    ];
    all_at_once(answers, |(text, code, says)| {
        let done = run(answer(text));
        done.expect_error(3, code);
        assert!(done.err.contains(says), "{done:#?}");
    });
}

#[test]
fn the_upgrade_breaks_a_rule() {
    let heads = [
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: c2FtcGxl",
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Upgrade: h2c\r\nConnection: Upgrade",
        "Upgrade: websocket\r\nConnection: close",
    ];
    all_at_once(heads, |headers| {
        let text = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n\r\n");
        run(answer(text.leak())).expect_error(3, "E08");
    });
}

#[test]
fn the_port_speaks_tls() {
    let alert = Manner::Answer(b"\x15\x03\x03\x00\x02\x02\x16", Then::Close);
    let done = run(alert);
    done.expect_error(3, "E09");
    assert!(done.err.contains("15 03 03 00 02 02 16"), "{done:#?}");
}

#[test]
fn the_answer_is_no_http() {
    let manners = [
        Manner::DropAtOnce,
        Manner::Answer(b"", Then::Close),
        Manner::Answer(b"SSH-2.0-OpenSSH_9.9\r\n", Then::Silence),
        Manner::Answer(b"HTTP/1.1 101 Switching", Then::Close),
        Manner::Answer(b"x", Then::Repeat),
        Manner::Answer(b"HTTP/1.1 101 X\r\nX: y\r\n", Then::Repeat),
    ];
    all_at_once(manners, |manner| {
        run(manner).expect_error(3, "E28");
    });
}

#[test]
fn the_peer_does_not_echo() {
    let manners: [(Manner, &str); 5] = [
        (Manner::Upgrade(b"\x81\x07welcome", Then::Silence), "Text \"welcome\"   then nothing for 2.00 s"),
        (Manner::Upgrade(b"", Then::Silence), "nothing for 2.00 s"),
        (Manner::Upgrade(b"\x88\x02\x03\xf0", Then::Close), "Close 1008"),
        (Manner::Upgrade(b"\x89\x00", Then::Repeat), "nothing for 2.00 s"),
        (Manner::Upgrade(b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", Then::Silence), "nothing for 2.00 s"),
    ];
    all_at_once(manners, |(manner, says)| {
        let done = run(manner);
        done.expect_error(3, "E12");
        assert!(done.err.contains(says), "{done:#?}");
        assert!(done.err.contains("wsspec help echo-server"), "{done:#?}");
    });
}

#[test]
fn text_of_the_peer_cannot_steer_the_terminal() {
    let done = run(answer("HTTP/1.1 404 \x1b[2J\x1b]52;c;\x07\u{202e}\r\nServer: a\x1b[31mb\r\n\r\n"));
    done.expect_error(3, "E04");
    assert!(!done.err.contains(['\x1b', '\x07', '\u{202e}']), "{done:#?}");
}
