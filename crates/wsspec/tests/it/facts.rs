//! The lines of errors that no other test reads: each of them is somebody's way out.

use std::net::TcpStream;
use std::time::Duration;

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, command, wsspec};
use crate::tester::{Tester, free_port};
use crate::visitor::{Visitor, get};
use crate::wording::{fact, said};

fn typed(args: &[&str]) -> Done {
    wsspec(tempdir().unwrap().path(), args)
}

#[test]
fn e01_proposes_to_start_the_server() {
    let port = free_port();
    let facts = said(&typed(&["run", &format!("ws://127.0.0.1:{port}/a")]), 3, "E01");
    assert_eq!(fact(&facts, "tried"), format!("TCP connect to 127.0.0.1:{port}: refused"));
    assert_eq!(fact(&facts, "usually"), "the server is not running, or listens on another port or address");
    // Another server of this machine may be found nearby, and is then proposed.
    if fact(&facts, "note").is_empty() {
        let start = "wsspec run 'ws://127.0.0.1:{port}/a' --exec './my_server {port}'";
        assert_eq!(fact(&facts, "try"), start);
    }
}

#[test]
fn an_address_without_a_scheme_is_taken_for_ws_and_that_is_said() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let address = peer.address.to_string();
    let done = wsspec(folder.path(), &["run", &address, "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains(&format!("note: no scheme, using ws:// for {address}\n")), "{done:#?}");
}

#[test]
fn e03_a_slow_host_is_asked_again_with_more_time() {
    let peer = Peer::always(Manner::Answer(b"", Then::Silence));
    let facts = said(&typed(&["run", &peer.url(), "--open-timeout", "300ms"]), 3, "E03");
    assert!(fact(&facts, "try").starts_with("wsspec "), "{facts:?}");
    assert!(
        fact(&facts, "try").contains(&peer.url()) && fact(&facts, "try").contains("timeout"),
        "{facts:?}"
    );
}

#[test]
fn e06_redirects_are_not_followed() {
    let peer = Peer::always(Manner::Answer(
        b"HTTP/1.1 301 Moved\r\nLocation: https://example.org/ws\r\n\r\n",
        Then::Close,
    ));
    let facts = said(&typed(&["run", &peer.url()]), 3, "E06");
    assert_eq!(fact(&facts, "note"), "redirects are not followed");
    assert_eq!(fact(&facts, "try"), "wsspec run wss://example.org/ws");
}

/// An echo server without TLS and without compression.
fn plain_server() -> (Tester, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let start = command(&std::env::temp_dir(), &["echo", &address, "--no-deflate"]);
    (Tester::start(start, 0, "listening on "), format!("ws://{address}"))
}

#[test]
fn e10_shows_the_octets_that_are_no_tls() {
    let (_server, url) = plain_server();
    let facts = said(&typed(&["run", &url.replace("ws://", "wss://")]), 3, "E10");
    assert_eq!(fact(&facts, "sent"), "TLS ClientHello");
    assert_eq!(fact(&facts, "got"), "48 54 54 50 2f 31 2e 31 = \"HTTP/1.1\"");
    assert_eq!(fact(&facts, "try"), format!("wsspec run {url}"));
}

#[test]
fn e13_the_error_did_not_say_what_came() {
    let (_server, url) = plain_server();
    let facts = said(&typed(&["run", &url, "12.1.1", "--require", "deflate"]), 3, "E13");
    let same = [
        ("offered", "permessage-deflate; client_max_window_bits"),
        ("got", "an answer without permessage-deflate"),
        ("fine", "if the library has no compression; else: is it on for this endpoint?"),
    ];
    for (label, text) in same {
        assert_eq!(fact(&facts, label), text, "{facts:?}");
    }
    let note = typed(&["run", &url, "1.1.1", "12.1.1"]);
    for (label, text) in [&same[..], &[("strict", "--require deflate makes this exit 3")]].concat() {
        assert!(note.err.contains(&format!("\n  {label:<9}{text}\n")), "{label}: {note:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn e16_names_who_has_the_port_and_what_to_do() {
    let peer = Peer::always(Manner::Echo);
    let port = peer.address.port().to_string();
    let mine = format!("process {} \"", std::process::id());
    let served = said(&typed(&["serve", "--port", &port]), 3, "E16");
    assert!(fact(&served, "by").starts_with(&mine), "{served:?}");
    assert_eq!(fact(&served, "try"), "wsspec serve --port 0        any free port, printed, also in {url}");
    let run = said(&typed(&["run", &peer.url(), "1.1.1", "--exec", "sleep 9"]), 3, "E16");
    assert!(fact(&run, "by").starts_with(&mine), "{run:?}");
    assert_eq!(fact(&run, "or"), "--reuse if this is the server you want to test");
}

#[test]
fn e17_says_which_sections_there_are() {
    let facts = said(&typed(&["run", "7.12.*"]), 2, "E17");
    assert!(fact(&facts, "meant").contains("7.13.*"), "{facts:?}");
    assert_eq!(fact(&facts, "known"), "7.1 7.3 7.5 7.7 7.9 7.13");
    assert_eq!(fact(&facts, "try"), "wsspec list 7");
}

#[cfg(unix)]
#[test]
fn e19_tells_how_it_waited_and_which_port_the_output_names() {
    let mute = "sh -c 'echo listening on 0.0.0.0:9001; exec sleep 60'";
    let late = typed(&["run", "ws://127.0.0.1:{port}", "--exec", mute, "--ready-timeout", "1s"]);
    let facts = said(&late, 3, "E19");
    assert!(fact(&facts, "command").contains("(still running, pid "), "{facts:?}");
    let waited = fact(&facts, "waited");
    assert!(waited.starts_with("ready=ws on port ") && waited.ends_with(" times"), "{facts:?}");
    assert!(
        fact(&facts, "output").contains("| listening on 0.0.0.0:9001   <- another port than "),
        "{facts:?}"
    );
    assert!(fact(&facts, "try").starts_with("pass the port on:   --exec "), "{facts:?}");
    assert!(fact(&facts, "or").starts_with("use the fixed one: ws://127.0.0.1:9001 "), "{facts:?}");
    // The quotes of the command stood within others, so that it could not be pasted.
    let quoted = r#"'sh -c '\''echo listening on 0.0.0.0:{port}; exec sleep 60'\'''"#;
    assert!(fact(&facts, "try").ends_with(quoted), "{facts:?}");
    let once = typed(&["run", "ws://127.0.0.1:{port}", "--exec", "sh -c 'echo no such option; exit 101'"]);
    // Where the machine is slow there is no room for the time beside it.
    let how = [" ended at once (exit status 101, ", " ended at once\n  how      exit status 101, "];
    assert!(how.iter().any(|how| once.err.contains(how)), "{once:#?}");
    assert_eq!(fact(&said(&once, 3, "E19"), "output"), "| no such option");
}

#[test]
fn e20_lists_the_atoms() {
    let done = typed(&["list", "-E", "nto status(fail)"]);
    done.expect_error(2, "E20");
    let words = done.err.split_whitespace().collect::<Vec<_>>().join(" ");
    let atoms = "atoms id slug section set tag rfc level needs time size since status outcome agent differs";
    assert!(words.contains(atoms), "{done:#?}");
    assert!(done.err.contains("^^^ expected \"not\", \"(\" or an atom; did you mean \"not\"?"), "{done:#?}");
}

#[test]
fn e22_tells_of_connections_without_a_request_and_of_those_that_could_not_be_served() {
    let folder = tempdir().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "--once", "--idle-timeout", "1s"]);
    for _ in 0..3 {
        drop(TcpStream::connect(("127.0.0.1", tester.port)).unwrap());
    }
    let refused = Visitor::ask(tester.port, "/runCase?case=900&agent=a");
    assert_eq!(refused.status(), 400);
    let text = refused.body();
    assert!(text.contains("N from 1 to 1; got case=900\n"), "{text}");
    let way_out = "\n  try      GET /getCaseCount first; or use --exec-case and write no loop at all\n";
    assert!(text.contains(way_out), "{text}");
    let done = tester.end();
    done.expect_error(4, "E22");
    for part in
        ["3 TCP connections without a request (a health check?)", "1 request that could not be served"]
    {
        assert!(done.err.contains(&format!("  seen     {part}\n")), "{part}: {done:#?}");
    }
}

#[cfg(unix)]
#[test]
fn e25_proposes_what_there_is_room_for() {
    let peer = Peer::always(Manner::Echo);
    let mut limited = std::process::Command::new("/bin/sh");
    let load = "ulimit -n 200; exec \"$0\" load connect \"$1\" -n 20000 --for 1s";
    limited.args(["-c", load, env!("CARGO_BIN_EXE_wsspec"), &peer.url()]).env_clear();
    let done = crate::program::finish(limited);
    let facts = said(&done, 3, "E25");
    let headline = "error[E25]: cannot open 20 000 connections: the limit of open files is 200\n";
    assert!(done.err.starts_with(headline), "{done:#?}");
    assert!(fact(&facts, "try").contains("ulimit -n "), "{facts:?}");
    assert!(fact(&facts, "or").starts_with("no more than 1"), "{facts:?}");
    assert!(fact(&facts, "also").ends_with("per source address: --source 127.0.0.0/28"), "{facts:?}");
}

#[test]
fn load_is_for_hosts_that_are_ones_own() {
    let facts = said(&typed(&["load", "rtt", "ws://198.51.100.7:9"]), 2, "E33");
    assert!(fact(&facts, "why").contains("is a public address, and load may bring a host down"), "{facts:?}");
    assert_eq!(fact(&facts, "try"), "--i-own-this-host   if it is yours");
}

/// The name of a page decides what it may read: one that a stranger's DNS points here is no page of ours.
#[test]
fn a_host_name_is_served_where_it_was_allowed() {
    let folder = tempdir().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "--allow-host", "tester.test"]);
    let asked = |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}:{}\r\n\r\n", tester.port);
        Visitor::send(tester.port, request.as_bytes()).status()
    };
    assert_eq!((asked("tester.test"), asked("evil.test"), asked("127.0.0.1")), (200, 421, 200));
}

/// The folder that it was started in, and the record, are nobody's business.
#[test]
fn files_of_the_folder_are_not_served() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "hunter2").unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    Visitor::ask(tester.port, "/runCase?case=1&agent=a").echo();
    crate::visitor::closed(tester.port, "/updateReports?agent=a");
    for path in
        ["/secret.txt", "/./secret.txt", "/wsspec-out/../secret.txt", "/%2e/secret.txt", "/wsspec-out/"]
    {
        let (head, body) = get(tester.port, path, "");
        assert!(head.starts_with("HTTP/1.1 404 ") && !body.contains("hunter2"), "{path}: {head}{body}");
    }
}

/// Whoever binds to more than this machine is told what that means.
#[test]
fn what_can_be_reached_is_printed() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let serve = ["serve", "--bind", "0.0.0.0", "--port", &port, "1.1.1", "--once", "--idle-timeout", "300ms"];
    let done = wsspec(folder.path(), &serve);
    assert!(
        done.out.contains(&format!("listening on 0.0.0.0:{port}   other hosts can reach it\n")),
        "{done:#?}"
    );
    assert!(done.took < Duration::from_secs(30), "{done:#?}");
}
