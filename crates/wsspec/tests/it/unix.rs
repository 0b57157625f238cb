//! `--unix`: servers behind a Unix socket.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use tempfile::tempdir;

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer, Then};
use crate::program::wsspec;
use crate::whole_run::Echo;

/// Hands every connection to a Unix socket on to a server on TCP.
fn forward(listener: &UnixListener, port: u16) {
    for here in listener.incoming() {
        let (here, there) = (here.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
        there.set_nodelay(true).unwrap();
        let (back_here, back_there) = (here.try_clone().unwrap(), there.try_clone().unwrap());
        thread::spawn(move || {
            let _ = io::copy(&mut &here, &mut &there);
            let _ = there.shutdown(Shutdown::Write);
        });
        thread::spawn(move || {
            let _ = io::copy(&mut &back_there, &mut &back_here);
            let _ = back_here.shutdown(Shutdown::Write);
        });
    }
}

/// A server on TCP gets a Unix socket at `s.sock` in this folder.
fn behind_socket(folder: &Path, port: u16) {
    let listener = UnixListener::bind(folder.join("s.sock")).unwrap();
    thread::spawn(move || forward(&listener, port));
}

/// Not a test in itself: with these variables it is the server that `--exec` starts.
#[test]
fn forwarder() {
    let (Ok(path), Ok(port)) = (std::env::var("FORWARD_FROM"), std::env::var("FORWARD_TO")) else { return };
    forward(&UnixListener::bind(path).unwrap(), port.parse().unwrap());
}

#[test]
fn a_server_behind_a_unix_socket_is_tested() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    behind_socket(folder.path(), server.port());
    let done = wsspec(folder.path(), &["run", "--unix", "s.sock", "1.*", "7.1.*", "12.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("ws://localhost over s.sock   101 in"), "{done:#?}");
    let record = record(folder.path());
    let case = record.iter().find(|line| line["id"] == "1.1.1").unwrap();
    assert!(case["handshake"].to_string().contains(r"Host: localhost\r\n"), "{case}");
    assert!(case["repro"].to_string().contains(r#""--unix","s.sock""#), "{case}");

    let done = wsspec(folder.path(), &["run", "ws://a.test/x?y", "--unix", "s.sock", "1.1.1", "-vvv"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("GET /x?y HTTP/1.1") && done.out.contains("Host: a.test"), "{done:#?}");
}

#[test]
fn what_is_behind_a_unix_socket_can_be_probed() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    behind_socket(folder.path(), server.port());
    let done = wsspec(folder.path(), &["probe", "--unix", "s.sock"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.starts_with("socket   s.sock open in "), "{done:#?}");
    assert!(done.out.contains("yes: wsspec run ws://localhost --unix s.sock"), "{done:#?}");
}

#[test]
fn tls_runs_over_a_unix_socket_and_is_captured() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--tls"]);
    behind_socket(folder.path(), server.port());
    let run = ["run", "wss://localhost", "--unix", "s.sock", "-k", "1.1.1", "--pcap", "run.pcapng"];
    let done = wsspec(folder.path(), &run);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(folder.path().join("run.pcapng").exists());
}

#[test]
fn a_server_with_a_unix_socket_is_started_and_stopped() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let program = std::env::current_exe().unwrap();
    let program = program.display();
    let port = server.port();
    // Once it is told where, once it knows by itself.
    for (number, path) in ["{unix}", "1.sock"].into_iter().enumerate() {
        let exec = format!("env FORWARD_TO={port} FORWARD_FROM={path} {program} --exact unix::forwarder");
        let socket = format!("{number}.sock");
        let done = wsspec(folder.path(), &["run", "--unix", &socket, "--exec", &exec, "1.1.*", "2.1"]);
        assert_eq!(done.code, 0, "{done:#?}");
        assert!(done.out.contains("ready in"), "{done:#?}");
    }
    // The second one has left its socket behind, and nobody listens on it.
    wsspec(folder.path(), &["run", "--unix", "1.sock", "1.1.1"]).expect_error(3, "E01");
}

#[test]
fn the_socket_can_stand_in_the_configuration() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    behind_socket(folder.path(), server.port());
    std::fs::write(folder.path().join("wsspec.toml"), "schema = 1\n[[target]]\nunix = \"s.sock\"\n").unwrap();
    let done = wsspec(folder.path(), &["run", "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("over s.sock"), "{done:#?}");
}

#[test]
fn sockets_that_nobody_listens_on_are_one_error() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for command in ["run", "probe"] {
        for path in ["missing.sock", "file"] {
            let done = wsspec(folder.path(), &[command, "--unix", path]);
            done.expect_error(3, "E01");
            assert!(done.err.contains(&format!("on the socket {path}")), "{done:#?}");
        }
        let long = format!("{}/s.sock", "x".repeat(120));
        let done = wsspec(folder.path(), &[command, "--unix", &long]);
        done.expect_error(2, "E27");
        assert!(done.err.contains("127 octets"), "{done:#?}");
    }
    let both = wsspec(folder.path(), &["run", "--unix", "s.sock", "-4"]);
    assert_eq!(both.code, 2, "{both:#?}");
}

#[test]
fn a_socket_that_is_taken_is_not_tested_by_mistake() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    behind_socket(folder.path(), server.port());
    let run = ["run", "--unix", "s.sock", "--exec", "sleep 60", "1.1.1"];
    wsspec(folder.path(), &run).expect_error(3, "E16");
    let done = wsspec(folder.path(), &[&run[..], &["--reuse"]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn advice_keeps_the_socket() {
    let folder = tempdir().unwrap();
    let peer =
        Peer::always(Manner::Answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Then::Close));
    behind_socket(folder.path(), peer.address.port());
    let done = wsspec(folder.path(), &["run", "--unix", "s.sock"]);
    done.expect_error(3, "E04");
    assert!(done.err.contains("/PATH --unix s.sock"), "{done:#?}");
    drop(UnixStream::connect(folder.path().join("s.sock")));
}
