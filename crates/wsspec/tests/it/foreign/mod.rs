//! Harnesses that other projects wrote around the reference suite, fetched from where these projects publish and run as they
//! are: the same verdict for what is healthy, red for what is not. Where one cannot be had, its test is skipped.
//! Each has a network of its own, because they have fixed ports.
#![cfg(target_os = "linux")]

mod checkouts;
mod java;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use wsspec_testkit::{QUICK_BUILD, python, python_source, rust_examples, skip, without_our_cargo};

use crate::program::{Done, finish_within};
use crate::workflow::add_program;

const WSTEST: &str = env!("CARGO_BIN_EXE_wstest");
const LIMIT: Duration = Duration::from_secs(900);

/// A command in a network of its own, with programs that stand before those of the system.
fn alone(folder: &Path, programs: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", "ip link set lo up; exec \"$@\"", "sh"]).args(words);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", programs.display()));
    without_our_cargo(&mut command);
    command.env_remove("TERM").envs([QUICK_BUILD]).current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, programs: &Path, words: &[&str]) -> Done {
    finish_within(alone(folder, programs, words), LIMIT)
}

/// Whether there can be such a network.
fn has_networks() -> bool {
    let mut command = alone(Path::new("/"), Path::new("/"), &["true"]);
    let can = command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !can {
        skip("a network of its own (unshare -rn)");
    }
    can
}

/// A folder of programs: `wstest`, and a program of this name with this text.
fn programs(name: &str, text: &str) -> TempDir {
    let folder = tempdir().unwrap();
    std::os::unix::fs::symlink(WSTEST, folder.path().join("wstest")).unwrap();
    if !name.is_empty() {
        add_program(folder.path(), name, text);
    }
    folder
}

/// The scripts of tokio-tungstenite compare all verdicts and close codes of the 517 cases with those that the reference
/// once wrote. Its crate has everything but the compiled examples.
#[test]
fn the_scripts_of_tokio_tungstenite_find_what_the_reference_found() {
    let examples = ["autobahn-server", "autobahn-client"];
    let Some(folder) = rust_examples("tokio-tungstenite", "0.13.0", &examples) else { return };
    if !has_networks() || wsspec_testkit::program(&["jq"]).is_none() {
        return;
    }
    let (healthy, dead) = (programs("", ""), programs("cargo", "#!/bin/sh\n[ \"$1\" = build ]\n"));
    for (script, results) in
        [("scripts/autobahn-server.sh", "server"), ("scripts/autobahn-client.sh", "client")]
    {
        let results = folder.join("autobahn").join(results);
        for (programs, red) in [(&healthy, false), (&dead, true)] {
            let _ = std::fs::remove_dir_all(&results);
            let done = run(&folder, programs.path(), &["bash", script]);
            assert_eq!(done.code != 0, red, "{script}: {done:#?}");
        }
    }
}

/// The driver of wsproto looks at both verdicts of every case. It wants the reference in a folder of a certain name.
#[test]
fn the_driver_of_wsproto_judges_as_with_the_reference() {
    const CASES: &str = r#"--cases=["1.*", "2.*", "5.*", "6.1.*", "7.*", "9.1.1", "10.*", "12.1.1"]"#;
    const RELEASE: &str = "wsproto==1.2.0";
    let (Some(source), Some(python)) = (python_source(RELEASE), python(&[RELEASE])) else { return };
    if !has_networks() {
        return;
    }
    let healthy = compliance(&source);
    for role in ["server", "client"] {
        let done = drive(healthy.path(), &python, role, CASES);
        assert_eq!(done.code, 0, "{role}: {done:#?}");
        assert!(done.out.contains("failed 0 out of ") && done.out.contains("SUCCESS!"), "{role}: {done:#?}");
    }
    // A server that is gone once it has been seen, and a client that does nothing.
    let dead = compliance(&source);
    std::fs::write(dead.path().join("test_server.py"), GONE).unwrap();
    std::fs::write(dead.path().join("test_client.py"), "").unwrap();
    for role in ["server", "client"] {
        let done = drive(dead.path(), &python, role, r#"--cases=["1.*"]"#);
        assert_ne!(done.code, 0, "{role}: {done:#?}");
    }
}

const GONE: &str = "
import socket
seen, stop = (socket.create_server(('127.0.0.1', port)) for port in (8642, 8643))
seen.accept()
seen.close()
stop.accept()
";

/// The driver and its peers in a folder that can be written to.
fn compliance(source: &Path) -> TempDir {
    let folder = tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(source.join("compliance/.")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    let programs = folder.path().join("autobahntestsuite-venv/bin");
    std::fs::create_dir_all(&programs).unwrap();
    std::os::unix::fs::symlink(WSTEST, programs.join("wstest")).unwrap();
    folder
}

fn drive(folder: &Path, python: &Path, role: &str, cases: &str) -> Done {
    let python = python.to_str().unwrap();
    run(folder, Path::new("/usr/bin"), &[python, "run-autobahn-tests.py", role, cases])
}

/// The test of nhooyr.io/websocket, now coder/websocket, as Debian packages it. It asks for all cases, which are many; so the
/// `wstest` that it finds puts others into the spec.
#[test]
fn the_test_of_the_websocket_library_of_go_judges_as_with_the_reference() {
    const LIBRARY: &str = "/usr/share/gocode/src/nhooyr.io/websocket";
    if wsspec_testkit::program(&["go"]).is_none() || !has_networks() {
        return;
    }
    if !Path::new(LIBRARY).is_dir() {
        return skip("Debian package golang-nhooyr-websocket-dev");
    }
    let workspace = tempdir().unwrap();
    let folder = workspace.path().join("src/nhooyr.io/websocket");
    std::fs::create_dir_all(&folder).unwrap();
    let copied = Command::new("cp").arg("-rL").arg(format!("{LIBRARY}/.")).arg(&folder).status();
    assert!(copied.unwrap().success());
    let go = |spec: &str| -> Done {
        let stand_in = format!("#!/bin/sh\nsed -i '{spec}' \"$4\"\nexec {WSTEST} \"$@\"\n");
        let programs = tempdir().unwrap();
        add_program(programs.path(), "wstest", &stand_in);
        let mut command = alone(&folder, programs.path(), &["go", "test", "-run", "^TestAutobahn$", "."]);
        command.envs([("GO111MODULE", "off"), ("CGO_ENABLED", "0"), ("AUTOBAHN_TEST", "1")]);
        command.env("GOPATH", format!("{}:/usr/share/gocode", workspace.path().display()));
        command.env("GOCACHE", cache());
        finish_within(command, LIMIT)
    };
    let healthy = go(r#"s/"\*"/"1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "9.1.1", "10.*", "12.1.1"/"#);
    assert_eq!(healthy.code, 0, "{healthy:#?}");
    // What it says of itself that it does not check.
    let broken = go(r#"s/"\*"/"6.3.1"/; s/"6\.\*"/"9.*"/"#);
    assert!(broken.code != 0 && broken.out.contains("detected autobahn violation"), "{broken:#?}");
}

/// Where Go keeps what it has compiled.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache")
}
