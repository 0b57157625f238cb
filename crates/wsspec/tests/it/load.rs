//! `wsspec load` against peers that carry it, and peers that do not.

use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::peer::{Manner, Peer, Then};
use crate::program::{command, finish, wait, wsspec};
use crate::tester::{Tester, free_port};

/// The built-in echo server, and its address.
fn echo(folder: &TempDir, options: &[&str]) -> (Tester, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let server = command(folder.path(), &[&["echo", &address], options].concat());
    (Tester::start(server, 0, "listening on "), format!("ws://{address}"))
}

/// The text without what differs from run to run.
fn steady(text: &str) -> String {
    let replacements = [
        // Rows of the histogram, however many there are.
        (r"(?m)(^ +[0-9.]+\+? \|#* +[0-9 ]+\n)+", "   ROWS\n"),
        (r"(?s)   without correction .*?\)\n", ""),
        (r"\d+(\.\d+)? ms", "TIME ms"),
        (r"(min|p50|p90|p99|p99\.9|p99\.99) \d+(\.\d+)?\b", "$1 TIME"),
        (r"\d+%", "N%"),
        (r"achieved \d[\d ]*/s", "achieved N/s"),
        (r", \d+\.\d (K|M)iB/s", ", N MiB/s"),
        (r"[\d ]*\d echoes", " N echoes"),
        (r"(open files|local ports) [\d ]*\d", "$1 N"),
        (r"may be the bottleneck|not the bottleneck", "REMARK"),
        // Where the times are long, the line is broken.
        (r"(p[\d.]+ TIME)\n   (p|max)", "$1  $2"),
    ];
    replacements.iter().fold(text.to_owned(), |text, (pattern, by)| {
        Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned()
    })
}

#[test]
fn mock_up_g_messages_at_a_steady_rate() {
    let folder = tempdir().unwrap();
    let (_server, url) = echo(&folder, &[]);
    let args = ["load", "rtt", &url, "--rate", "400", "--size", "100B", "-n", "8", "--for", "500ms"];
    let limits = ["--threshold", "p50<1us", "--threshold", "errors=0"];
    for width in [60, 80] {
        let mut load = command(folder.path(), &[&args[..], &limits].concat());
        load.env("COLUMNS", width.to_string());
        let done = finish(load);
        assert_eq!(done.code, 1, "{done:#?}");
        assert!(done.out.lines().all(|line| line.chars().count() <= width), "{}", done.out);
        if width == 80 {
            insta::assert_snapshot!("load_rtt", steady(&done.out));
        }
    }
}

#[test]
fn mock_up_g_connections() {
    let folder = tempdir().unwrap();
    let (_server, url) = echo(&folder, &[]);
    let done =
        wsspec(folder.path(), &["load", "connect", &url, "-n", "150", "--rate", "3000", "--for", "50ms"]);
    assert_eq!(done.code, 0, "{done:#?}");
    insta::assert_snapshot!("load_connect", steady(&done.out));
}

#[test]
fn as_much_as_it_echoes() {
    let folder = tempdir().unwrap();
    let (_server, url) = echo(&folder, &[]);
    // 80 MiB take an unoptimized build on a busy machine longer than the others.
    for (time, more) in [
        ("300ms", &["--text", "--deflate"][..]),
        ("300ms", &["--size", "0"]),
        ("5s", &["--size", "1MiB", "--in-flight", "40", "-n", "2"]),
    ] {
        let args = ["load", "throughput", &url, "--for", time];
        let thresholds = ["--threshold", "rate>1", "--threshold", "errors=0"];
        let done = wsspec(folder.path(), &[&args[..], &thresholds, more].concat());
        assert_eq!(done.code, 0, "{done:#?}");
        assert!(done.out.contains(" in flight on each") && done.out.ends_with("exit 0 (ok)\n"), "{done:#?}");
    }
}

fn json(folder: &TempDir, args: &[&str]) -> (i32, Value) {
    let done = wsspec(folder.path(), &[&["load"], args, &["--format", "json"]].concat());
    (done.code, serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:#?}")))
}

#[test]
fn messages_count_from_when_they_were_due() {
    let folder = tempdir().unwrap();
    let (_server, url) = echo(&folder, &[]);
    let (code, outcome) = json(&folder, &["rtt", &url, "--rate", "100", "-n", "4", "--for", "1s"]);
    assert_eq!(code, 0, "{outcome:#}");
    // 100 are due in a second: the first at its beginning, none at its end.
    assert_eq!((&outcome["done"], &outcome["octets"]), (&100.into(), &102_400.into()), "{outcome:#}");
    let p50 = |kind: &str| outcome[kind]["p50"].as_f64().unwrap();
    assert!(p50("times_us") >= p50("uncorrected_us"), "{outcome:#}");
}

#[test]
fn a_server_with_room_for_few_is_told_so() {
    let folder = tempdir().unwrap();
    let (_server, url) = echo(&folder, &["--max-connections", "20"]);
    let (code, outcome) =
        json(&folder, &["connect", &url, "-n", "60", "--rate", "10000", "--timeout", "500ms"]);
    assert_eq!((code, &outcome["connections"]["open"]), (1, &20.into()), "{outcome:#}");
    assert!(outcome["errors"]["attempts failed"].as_u64() > Some(0), "{outcome:#}");
}

#[test]
fn a_peer_that_stops_answering_ends_the_wait() {
    let folder = tempdir().unwrap();
    // The look at the peer takes two connections.
    let peer = Peer::start(|n| if n < 2 { Manner::Echo } else { Manner::Upgrade(b"", Then::Silence) });
    let started = Instant::now();
    let (code, outcome) = json(
        &folder,
        &["rtt", &peer.url(), "--rate", "100", "-n", "2", "--for", "300ms", "--timeout", "300ms"],
    );
    assert_eq!((code, &outcome["done"], &outcome["times_us"]), (1, &0.into(), &Value::Null), "{outcome:#}");
    assert_eq!(outcome["errors"]["messages unanswered"], 30, "{outcome:#}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_flood_is_no_echo() {
    let folder = tempdir().unwrap();
    let flood = Manner::Upgrade(b"\x82\x03abc", Then::Repeat);
    let peer = Peer::start(move |n| if n < 2 { Manner::Echo } else { flood });
    let (code, outcome) =
        json(&folder, &["throughput", &peer.url(), "-n", "1", "--for", "200ms", "--timeout", "200ms"]);
    assert_eq!((code, &outcome["done"]), (1, &0.into()), "{outcome:#}");
    assert!(outcome["errors"]["wrong echoes"].as_u64() > Some(0), "{outcome:#}");
}

#[test]
fn connections_that_the_peer_ends_are_counted() {
    let folder = tempdir().unwrap();
    let peer =
        Peer::start(|n| if n < 2 { Manner::Echo } else { Manner::Upgrade(b"\x88\x02\x03\xe9", Then::Close) });
    let (code, outcome) = json(&folder, &["rtt", &peer.url(), "--rate", "50", "-n", "3", "--for", "200ms"]);
    assert_eq!((code, &outcome["errors"]["connections lost"]), (1, &3.into()), "{outcome:#}");
    let (code, outcome) = json(&folder, &["connect", &peer.url(), "-n", "3", "--for", "500ms"]);
    assert_eq!((code, &outcome["errors"]["connections lost"]), (1, &3.into()), "{outcome:#}");
}

#[test]
fn e33_strangers_are_left_alone() {
    let folder = tempdir().unwrap();
    for load in ["connect", "rtt", "throughput"] {
        let started = Instant::now();
        wsspec(folder.path(), &["load", load, "ws://192.0.2.1:9001"]).expect_error(2, "E33");
        assert!(started.elapsed() < Duration::from_secs(10), "nothing is connected to");
    }
}

#[test]
fn mistakes_are_told_before_anything_is_loaded() {
    let folder = tempdir().unwrap();
    let url = format!("ws://127.0.0.1:{}", free_port());
    wsspec(folder.path(), &["load", "rtt", &url]).expect_error(3, "E01");
    for wrong in
        [&["--threshold", "p99<5"][..], &["--rate", "0"], &["--size", "1GB"], &["-n", "0"], &["--for", "5"]]
    {
        let done = wsspec(folder.path(), &[&["load", "rtt", &url], wrong].concat());
        assert!(done.code == 2 && done.err.contains("For more information"), "{done:#?}");
    }
    let peer = Peer::always(Manner::Echo);
    wsspec(folder.path(), &["load", "connect", &peer.url(), "-n", "4000000000"]).expect_error(3, "E25");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_load_with_what_was_measured() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let url = peer.url();
    let mut load = command(folder.path(), &["load", "rtt", &url, "--for", "1h", "--format", "json"]);
    load.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = load.spawn().unwrap();
    while peer.visitors.lock().unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(700));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let done = wait(child, Instant::now());
    assert_eq!(done.code, 130, "{done:#?}");
    let outcome: Value = serde_json::from_str(&done.out).unwrap();
    assert!(outcome["done"].as_u64() > Some(0), "{outcome:#}");
}

/// Linux answers for all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[test]
fn connections_begin_at_several_addresses_by_turns() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let load = |source: &str| {
        wsspec(
            folder.path(),
            &["load", "connect", &peer.url(), "-n", "12", "--rate", "2000", "--source", source],
        )
    };
    let done = load("127.0.0.0/29");
    assert_eq!(done.code, 0, "{done:#?}");
    let visitors = peer.visitors.lock().unwrap().clone();
    for last in 1..=6_u8 {
        let from = visitors.iter().filter(|ip| **ip == std::net::Ipv4Addr::new(127, 0, 0, last)).count();
        assert!(from >= 2, "{visitors:?}");
    }
    let files = load("198.51.100.7");
    files.expect_error(2, "E27");
    assert!(files.err.contains("no connection can begin at 198.51.100.7"), "{files:#?}");
    load("::1").expect_error(2, "E27");
    assert_eq!(load("127.0.0.0/4").code, 2);
    let many = wsspec(folder.path(), &["load", "connect", &peer.url(), "-n", "4000000000"]);
    assert!(many.err.contains("per source address: --source 127.0.0.0/28"), "{many:#?}");
}
