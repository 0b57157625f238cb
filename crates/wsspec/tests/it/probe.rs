//! `wsspec probe`: what there is, line by line, or the one reason why nothing can be tested.

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};
use crate::tester::free_port;

fn probe(url: &str, args: &[&str]) -> Done {
    wsspec(tempdir().unwrap().path(), &[&["probe", url], args].concat())
}

/// The line with this label.
fn line<'a>(done: &'a Done, label: &str) -> &'a str {
    let found = done.out.lines().find(|line| line.starts_with(label));
    found.unwrap_or_else(|| panic!("no line {label}: {done:#?}"))
}

#[test]
fn a_good_peer_is_told_in_eight_lines() {
    let peer = Peer::start(|_| Manner::Echo);
    let done = probe(&peer.url(), &[]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(line(&done, "tcp").contains(&format!("{} open in ", peer.address)));
    assert!(line(&done, "http").contains("101 Switching Protocols in "));
    assert!(line(&done, "accept").contains("ok      extensions: permessage-deflate"));
    assert!(line(&done, "accept").contains("subprotocol: none"));
    assert!(line(&done, "echo").contains("ok (text, binary, empty)      ping -> pong "));
    assert!(line(&done, "close").contains("1000 answered with 1000, TCP closed by the peer after "));
    assert!(line(&done, "limits").contains("16 MiB message ok      8 parallel connections ok"));
    assert!(line(&done, "ready").contains(&format!("yes: wsspec run {}", peer.url())));
    assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
    assert!(done.err.is_empty(), "{done:#?}");
}

#[test]
fn nothing_is_left_behind() {
    let folder = tempdir().unwrap();
    let peer = Peer::start(|_| Manner::Echo);
    wsspec(folder.path(), &["probe", &peer.url()]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_peer_that_greets_is_no_echo() {
    let peer = Peer::start(|_| Manner::Upgrade(b"\x81\x07welcome", Then::Silence));
    let done = probe(&peer.url(), &["--timeout", "1s"]);
    done.expect_error(3, "E12");
    assert!(line(&done, "accept").contains("ok"), "what was found is told: {done:#?}");
    assert!(line(&done, "echo").contains("no: Text \"welcome\""), "{done:#?}");
}

#[test]
fn a_peer_with_limits_is_told_which() {
    // The handshake, then echo and close; whoever comes later is turned away.
    let refusal = Manner::Upgrade(b"\x88\x02\x03\xf1", Then::Close);
    let peer = Peer::start(move |n| if n < 2 { Manner::Echo } else { refusal });
    let done = probe(&peer.url(), &["--timeout", "1s"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(line(&done, "limits").contains("16 MiB: Close 1009"), "{done:#?}");
    assert!(line(&done, "limits").contains("0 of 8 parallel connections"), "{done:#?}");
}

#[test]
fn why_there_is_no_peer_is_told_as_before_a_run() {
    probe(&format!("ws://127.0.0.1:{}", free_port()), &[]).expect_error(3, "E01");
    let none = Peer::start(|_| Manner::Answer(b"HTTP/1.1 404 Not Found\r\n\r\n", Then::Close));
    let done = probe(&none.url(), &[]);
    done.expect_error(3, "E04");
    assert!(line(&done, "tcp").contains("open in"), "{done:#?}");
    let silent = Peer::start(|_| Manner::Answer(b"", Then::Silence));
    let done = probe(&silent.url(), &["--timeout", "300ms"]);
    done.expect_error(3, "E03");
    assert!(done.err.contains("within 300 ms"), "{done:#?}");
    assert_eq!(probe("http://127.0.0.1:1", &[]).code, 2);
}

#[test]
fn text_of_the_peer_cannot_drive_the_terminal() {
    let head = b"HTTP/1.1 101 \x1b[2J\r\nUpgrade: websocket\r\nServer: \x1b]0;x\x07\r\n\r\n";
    let peer = Peer::start(move |_| Manner::Answer(head, Then::Close));
    let done = probe(&peer.url(), &[]);
    assert!(!(done.out + &done.err).contains('\x1b'));
}
