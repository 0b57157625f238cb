//! `--log`: the steps, one a line.

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{command, finish, wsspec};
use crate::tester::free_port;

#[test]
fn the_debug_log_tells_each_step_and_no_secret() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let header = "Authorization: Bearer hunter2hunter2";
    let run = ["run", &peer.url(), "1.1.1", "-H", header, "--log", "logs/debug.log", "-qq"];
    let done = wsspec(folder.path(), &run);
    assert_eq!((done.code, done.err.as_str(), done.out.as_str()), (0, "", ""));
    let file = folder.path().join("logs/debug.log");
    let text = std::fs::read_to_string(&file).unwrap();
    for step in [
        "wsspec 0.",
        " run ws://127.0.0.1:",
        "connected to 127.0.0.1:",
        "GET / answered with Some(101)",
        "1.1.1 begins",
        "1.1.1 pass after",
        "1 run in",
        "exit 0 (ok)",
    ] {
        assert!(text.contains(step), "{step:?} is not in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.lines().all(|line| line.starts_with("20") && line.contains("Z ")), "{text}");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o777, 0o600);
}

#[test]
fn the_debug_log_held_the_secrets_of_an_address() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let address = format!("{}/chat?token=hunter2a&sig=hunter2b&room=env:ROOM", peer.url());
    let text = || std::fs::read_to_string(folder.path().join("debug.log")).unwrap();
    for args in [&["run", &address, "1.1.1"][..], &["probe", &address]] {
        let mut command = command(folder.path(), &[args, &["--log", "debug.log", "-qq"]].concat());
        command.env("ROOM", "hunter2c");
        assert_eq!(finish(command).code, 0);
        let secret = "[redacted 8 bytes]";
        let told = format!("GET /chat?token={secret}&sig={secret}&room={secret} answered");
        assert!(text().contains(&told) && !text().contains("hunter2"), "{}", text());
    }
}

#[test]
fn the_debug_log_is_for_all_commands_and_makes_text_of_the_peer_harmless() {
    let folder = tempdir().unwrap();
    let hostile = b"HTTP/1.1 200 \x1b[2Jx\r\nServer: \x1b]0;x\r\n\r\n";
    let peer = Peer::always(Manner::Answer(hostile, Then::Close));
    let done = wsspec(folder.path(), &["probe", &peer.url(), "--log", "debug.log"]);
    done.expect_error(3, "E07");
    let text = std::fs::read_to_string(folder.path().join("debug.log")).unwrap();
    assert!(text.contains("error[E07]") && !text.contains('\x1b'), "{text}");
    let client = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let port = free_port().to_string();
    let serve = ["--log", "serve.log", "serve", "--port", &port, "1.1.1", "--exec", &client];
    assert_eq!(wsspec(folder.path(), &serve).code, 0);
    let text = std::fs::read_to_string(folder.path().join("serve.log")).unwrap();
    assert!(text.contains("CaseEnded") && text.contains("exit 0 (ok)"), "{text}");
}

#[test]
fn a_debug_log_that_cannot_be_written_is_an_error() {
    let folder = tempdir().unwrap();
    wsspec(folder.path(), &["list", "--log", "."]).expect_error(6, "E21");
}
