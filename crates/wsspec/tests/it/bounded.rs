//! Memory stays bounded whatever the peer sends.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{command, finish};
use crate::tester::free_port;
use crate::visitor::{Visitor, closed};

/// Address space in KiB. Stacks and arenas of the threads take most of it.
const LIMIT: u32 = 600_000;

/// Runs in a shell that limits the address space: a program that keeps what it receives dies of it.
#[test]
fn floods_do_not_fill_the_memory() {
    for octets in [&b"\x81\x05flood"[..], b"\x89\x01x", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffxxxxxx"] {
        let folder = tempdir().unwrap();
        let peer =
            Peer::start(move |n| if n < 2 { Manner::Echo } else { Manner::Upgrade(octets, Then::Repeat) });
        let mut shell = Command::new("sh");
        let script = format!(
            "ulimit -v {LIMIT}; exec \"$0\" run \"$1\" 1.1.2 9.8.1 12.1.1 15.3.3 17.1.12 21.2.17 --no-confirm --case-timeout 2s"
        );
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_wsspec"), &peer.url()]).current_dir(folder.path());
        let done = finish(shell);
        // A case that is cut short may wait longer by itself; then not all of them could be run.
        assert!(matches!(done.code, 1 | 6), "{done:#?}");
    }
}

const REQUESTS: usize = 2000;

/// A server that prints more than its pipe holds, which nobody reads.
fn unread(folder: &Path, port: u16, more: &[&str]) -> Child {
    let port_word = port.to_string();
    let mut serve = command(folder, &[&["serve", "1.1.1", "-v", "--port", &port_word], more].concat());
    let serve = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..REQUESTS {
        assert_eq!(Visitor::ask(port, "/runCase?case=2&agent=a").status(), 400);
    }
    serve
}

/// Nobody reads what `serve` prints: its lines piled up in memory. Who is through is known all the same.
#[test]
fn lines_that_nobody_read_piled_up() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let mut serve = unread(folder.path(), port, &["--once"]);
    Visitor::ask(port, "/runCase?case=1&agent=a").echo();
    closed(port, "/updateReports?agent=a");
    let mut out = String::new();
    serve.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    let status = serve.wait().unwrap();
    let end: Vec<&str> = out.lines().rev().take(40).collect();
    assert!(status.success(), "{status}: {end:#?}");
    let left_out = out.lines().find(|line| line.contains(" events left out: ")).unwrap_or_default();
    let left_out = left_out.split_whitespace().nth(1).and_then(|count| count.parse::<usize>().ok());
    let told = out.matches(" refused ").count();
    assert!(left_out.is_some_and(|count| count > 0 && told + count >= REQUESTS), "{told}: {end:#?}");
    assert!(out.contains("1/1"), "how far the client came is told: {end:#?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_waited_until_somebody_read_what_was_printed() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let mut serve = unread(folder.path(), port, &["--pcap", "s.pcapng"]);
    Visitor::ask(port, "/runCase?case=1&agent=a").echo();
    let kill = Command::new("kill").args(["-INT", &serve.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let results = folder.path().join("wsspec-out/results.jsonl");
    let is_over = || std::fs::read_to_string(&results).unwrap().contains("\"exit\":130");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_over() {
        assert!(Instant::now() < deadline, "the record has no end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut out = String::new();
    serve.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(serve.wait().unwrap().code(), Some(130));
    assert!(out.contains("   capture  s.pcapng\n") && out.contains("exit 130 (interrupted)"), "{out}");
}
