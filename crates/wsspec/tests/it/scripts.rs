//! `wsspec repro`: scripts that send the octets of a case without wsspec.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;
use wsspec_wire::accept_key;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, finish, wait, wsspec};
use crate::tester::free_port;
use crate::whole_run::Echo;

/// Passes one connection on to a server, and keeps what the client sent.
struct Wiretap {
    port: u16,
    sent: mpsc::Receiver<Vec<u8>>,
}

impl Wiretap {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, sent) = mpsc::channel();
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            server.set_nodelay(true).unwrap();
            let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || drop(copy(from, to)));
            let _ = tell.send(copy(client, server));
        });
        Self { port, sent }
    }

    fn sent(&self) -> Vec<u8> {
        self.sent.recv_timeout(Duration::from_secs(30)).expect("the script has ended its connection")
    }
}

/// Copies to the end, and hands out what it was.
fn copy(mut from: TcpStream, mut to: TcpStream) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    while let Ok(read) = from.read(&mut buffer) {
        all.extend_from_slice(&buffer[..read]);
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    all
}

/// The octets that wsspec sent in a case, if the record holds all of them, and how many they were.
fn recorded(folder: &Path, id: &str) -> (Option<Vec<u8>>, u64) {
    let text = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let case = lines.into_iter().find(|line| line["id"] == id && line["t"] == "case").unwrap();
    let sent = case["events"].as_array().unwrap().iter();
    let sent = sent.filter(|event| event["k"] == "octets" && event["dir"] == "tx");
    let octets: Option<Vec<Vec<u8>>> = sent.map(|event| octets(&event["data"])).collect();
    let count = case["stats"]["tx_octets"].as_u64().unwrap();
    // Of large volumes nothing is recorded but how much it was.
    (octets.map(|parts| parts.concat()).filter(|octets| octets.len() as u64 == count), count)
}

fn octets(data: &Value) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let octets = match (data["utf8"].as_str(), data["b64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(text)) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
        _ => Vec::new(),
    };
    (octets.len() as u64 == data["len"]).then_some(octets)
}

/// Makes a script of the last record and says how it is run; `None` where its language is absent.
fn script(folder: &Path, id: &str, form: &str) -> Option<Command> {
    let (program, ending) = match form {
        "python" => ("python3", "py"),
        "js" => ("node", "js"),
        "rust" => ("rustc", "rs"),
        _ => ("nc", "sh"),
    };
    wsspec_testkit::program(&[program])?;
    let file = format!("{}.{ending}", id.replace('.', "_"));
    let done = wsspec(folder, &["repro", id, "--as", form, "-o", &file]);
    assert_eq!(done.code, 0, "{done:#?}");
    let file = folder.join(file);
    Some(match form {
        "rust" => {
            let binary = file.with_extension("");
            let mut compile = Command::new("rustc");
            compile.args(["--edition", "2021", "-o"]).arg(&binary).arg(&file);
            let compiled = compile.output().unwrap();
            assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
            Command::new(binary)
        }
        "nc" => with_file("sh", file),
        _ => with_file(program, file),
    })
}

fn with_file(program: &str, file: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.arg(file);
    command
}

/// Runs a script against a server through a wiretap.
fn replay(folder: &Path, id: &str, form: &str, server: u16) -> Option<(Done, Vec<u8>)> {
    let mut command = script(folder, id, form)?;
    let tap = Wiretap::before(server);
    command.args(["127.0.0.1", &tap.port.to_string()]).stdin(Stdio::null());
    let done = finish(command);
    assert_eq!(done.code, 0, "{done:#?}");
    Some((done, tap.sent()))
}

#[test]
fn scripts_send_the_octets_of_the_record() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let cases = ["1.1.6", "2.10", "5.15", "5.19", "9.2.3"];
    let done = wsspec(folder.path(), &[&["run", &server.url][..], &cases].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    for (id, forms) in [
        ("2.10", &["python", "js", "nc", "rust"][..]),
        // nc sees the end of TCP before the answer to the Close frame is due.
        ("5.15", &["python", "js"]),
        ("5.19", &["python", "nc"]),
        ("1.1.6", &["python", "js"]),
        ("9.2.3", &["python"]),
    ] {
        let (whole, count) = recorded(folder.path(), id);
        assert_eq!(whole.is_some(), !["1.1.6", "9.2.3"].contains(&id), "{id}: long octets are cut");
        for form in forms {
            let Some((done, sent)) = replay(folder.path(), id, form, server.port()) else { continue };
            assert_eq!(sent.len() as u64, count, "{id} as {form}: {done:#?}");
            if let Some(whole) = &whole {
                assert_eq!(sent, *whole, "{id} as {form}");
            }
            let received = done.out.split("received").nth(1).unwrap_or_else(|| panic!("{done:#?}"));
            assert!(done.out.contains("expected"), "{done:#?}");
            let answer = if *form == "nc" { "H   T   T   P" } else { "HTTP/1.1 101 Switching Protocols" };
            assert!(received.contains(answer), "{id} as {form}: {done:#?}");
            if id == "5.15" {
                assert!(received.contains("code 1002"), "{done:#?}");
            }
        }
    }
}

#[test]
fn a_script_shows_the_defect_that_the_run_found() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--defect", "orphan-not-last-skipped"]);
    let done = wsspec(folder.path(), &["run", &server.url, "5.15", "--no-confirm"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let (whole, _) = recorded(folder.path(), "5.15");
    let Some((done, sent)) = replay(folder.path(), "5.15", "python", server.port()) else { return };
    let received = done.out.split("received").nth(1).unwrap();
    assert!(received.contains("Text fin=1") && !received.contains("code 1002"), "{done:#?}");
    let whole = whole.unwrap();
    assert!(sent.starts_with(&whole) || whole.starts_with(&sent), "{done:#?}");
}

#[test]
fn scripts_wait_for_a_client() {
    let folder = tempdir().unwrap();
    let driver = format!("{} echo --connect {{url}} --agent mine", env!("CARGO_BIN_EXE_wsspec"));
    let done = wsspec(folder.path(), &["serve", "5.15", "--once", "--port", "0", "--exec", &driver]);
    assert_eq!(done.code, 0, "{done:#?}");
    let (whole, _) = recorded(folder.path(), "5.15");
    let frames = behind_head(&whole.unwrap());
    for form in ["python", "js"] {
        let Some(mut command) = script(folder.path(), "5.15", form) else { continue };
        let port = free_port();
        command.args(["127.0.0.1", &port.to_string()]).stdin(Stdio::null());
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut client = connect(port);
        client.write_all(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").unwrap();
        let mut received = vec![0; 4096];
        let mut seen = Vec::new();
        while !seen.ends_with(&frames) {
            let read = client.read(&mut received).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&received[..read]);
            if seen.windows(4).any(|part| part == b"\r\n\r\n") && !seen.ends_with(&frames) {
                // The answer to the Close frame that ends the case.
                std::thread::sleep(Duration::from_millis(200));
                let _ = client.write_all(b"\x88\x82\x00\x00\x00\x00\x03\xea");
            }
        }
        let head = String::from_utf8_lossy(&seen).into_owned();
        assert!(head.contains(&accept_key(b"AAAAAAAAAAAAAAAAAAAAAA==")), "{form}: {head}");
        assert_eq!(behind_head(&seen), frames, "{form}");
        drop(client);
        let done = wait(running, Instant::now());
        assert!(done.code == 0 && done.out.contains("Sec-WebSocket-Key"), "{done:#?}");
    }
    wsspec(folder.path(), &["repro", "5.15", "--as", "nc"]).expect_error(2, "E32");
}

fn behind_head(octets: &[u8]) -> Vec<u8> {
    let end = octets.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    octets[end + 4..].to_vec()
}

fn connect(port: u16) -> TcpStream {
    for _ in 0..200 {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            return stream;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the script does not listen");
}

/// The octets of the hex form, all of them or those of the opening handshake.
fn hex(folder: &Path, args: &[&str]) -> Vec<u8> {
    let done = wsspec(folder, &[&["repro", "--as", "hex"], args].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    let lines = done.out.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// A masked Close frame with a code.
const CLOSE: usize = 8;

#[test]
fn case_and_seed_make_the_same_octets_as_the_run() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let cases = ["2.10", "5.15", "5.19", "7.7.1"];
    let done = wsspec(folder.path(), &[&["run", &server.url, "--seed", "7f"][..], &cases].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    for id in cases {
        let made = hex(folder.path(), &[id, &server.url, "--seed", "7f"]);
        let recorded = recorded(folder.path(), id).0.unwrap();
        assert_eq!(recorded, hex(folder.path(), &[id]), "{id}");
        // Where the server fails the connection, the record ends with the answer to its Close frame.
        let same = if id == "5.15" { recorded.len() - CLOSE } else { recorded.len() };
        assert!(made.len() >= recorded.len(), "{id}");
        assert_eq!(made[..same], recorded[..same], "{id}");
        assert_ne!(hex(folder.path(), &[id, &server.url, "--seed", "80"]), hex(folder.path(), &[id]), "{id}");
    }
}

#[test]
fn a_script_without_a_record_does_not_end_where_our_endpoint_would() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["repro", "16.3.7"]);
    assert_eq!(done.code, 0, "{done:#?}");
    // The endpoint fails the connection at the header.
    let labels = ["Pong fin=1, length 126", "payload, 126 octets", "Close fin=1"];
    let mut rest = &done.out[..];
    for label in labels {
        rest = rest.split_once(label).unwrap_or_else(|| panic!("{label}: {done:#?}")).1;
    }
}

#[test]
fn a_script_of_a_series_is_that_of_one_connection() {
    let folder = tempdir().unwrap();
    let close = |args: &[&str]| {
        let done = wsspec(folder.path(), &[&["repro", "18.1.10", "--as", "hex"], args].concat());
        assert_eq!(done.code, 0, "{done:#?}");
        done
    };
    let first = close(&[]);
    assert!(first.err.contains("--connection N") && first.out.contains("connection 1 of "), "{first:#?}");
    let other = close(&["--connection", "1007"]);
    assert!(other.err.is_empty() && other.out.contains("connection 1007 of "), "{other:#?}");
    assert_ne!(first.out, other.out);
    wsspec(folder.path(), &["repro", "18.1.10", "--connection", "9999999"]).expect_error(2, "E32");
    wsspec(folder.path(), &["repro", "5.15", "--connection", "2"]).expect_error(2, "E32");
    // A record without the frames of the connection, too.
    let server = Echo::start(folder.path());
    let done =
        wsspec(folder.path(), &["run", &server.url, "14.4.1", "1.1.1", "18.1.10", "--volume-messages", "3"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let part = close(&["--connection", "1007"]);
    assert!(part.out.contains("connection 1007 of "), "{part:#?}");
}

#[test]
fn scripts_reset_tcp_where_the_case_does() {
    let folder = tempdir().unwrap();
    // A header that promises more than comes, against a server that waits for it.
    let silent = Peer::always(Manner::Upgrade(b"", Then::Silence));
    let done = wsspec(folder.path(), &["run", &silent.url(), "15.3.9", "--no-echo-check", "--no-confirm"]);
    assert_eq!(done.code, 0, "{done:#?}");
    for form in ["python", "js", "rust"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let Some(mut command) = script(folder.path(), "15.3.9", form) else { continue };
        command.args(["127.0.0.1", &port.to_string()]).stdin(Stdio::null());
        let end = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").unwrap();
            let mut buffer = [0; 65536];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => return "FIN",
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return "RST",
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let done = finish(command);
        assert_eq!((done.code, end.join().unwrap()), (0, "RST"), "{form}: {done:#?}");
        assert!(done.out.contains("this script reset TCP"), "{form}: {done:#?}");
    }
}

#[test]
fn curl_sends_the_opening_handshake() {
    if wsspec_testkit::program(&["curl"]).is_none() {
        return;
    }
    let folder = tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/chat?room=1", listener.local_addr().unwrap());
    let done = wsspec(folder.path(), &["repro", "1.1.1", &url, "--as", "curl", "-o", "c.sh"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let request = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap() > 0 {
            head.push(octet[0]);
        }
        head
    });
    finish(with_file("sh", folder.path().join("c.sh")));
    let whole = hex(folder.path(), &["1.1.1", &url]);
    let end = whole.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(String::from_utf8(request.join().unwrap()), String::from_utf8(whole[..end].to_vec()));
}

#[test]
fn packets_of_a_case_can_be_had_without_a_run() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["repro", "5.15", "--as", "pcap", "-o", "c.pcapng"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(&fs::read(folder.path().join("c.pcapng")).unwrap()[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
}

#[test]
fn what_no_script_can_hold_is_said() {
    let folder = tempdir().unwrap();
    wsspec(folder.path(), &["repro", "7.*"]).expect_error(2, "E17");
    wsspec(folder.path(), &["repro", "99.1"]).expect_error(2, "E17");
    wsspec(folder.path(), &["repro", "1.1.1", "wss://127.0.0.1:1", "--as", "nc"]).expect_error(2, "E32");
    wsspec(folder.path(), &["repro", "9.1.6", "--as", "hex"]).expect_error(2, "E32");
    wsspec(folder.path(), &["repro", "1.1.1", "--from", "nowhere"]).expect_error(2, "E18");
}

#[test]
fn a_second_case_was_taken_for_a_host_without_a_word() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["repro", "5.15", "5.16"]);
    done.expect_error(2, "E27");
    assert!(done.out.is_empty() && done.err.contains("5.16 is a case"), "{done:#?}");
    let host = wsspec(folder.path(), &["repro", "5.15", "myhost"]);
    assert!(host.err.starts_with("note: no scheme, using ws:// for myhost"), "{host:#?}");
}

#[test]
fn a_misspelt_implementation_had_a_script_that_is_of_none() {
    let folder = crate::looking::with_record(crate::looking::RECORD);
    let done = wsspec(folder.path(), &["repro", "5.15", "--agent", "mylib"]);
    done.expect_error(4, "E29");
    assert!(done.out.is_empty() && done.err.contains("  known    mylib/2.3\n"), "{done:#?}");
    assert_eq!(wsspec(folder.path(), &["repro", "5.15", "--agent", "mylib/2.3"]).code, 0);
}

#[test]
fn text_of_the_peer_is_never_part_of_a_script() {
    let evil = "$(touch evil) `evil` \\\"; import evil # */ evil";
    let record = crate::looking::RECORD.replace("mylib/2.3", evil);
    let folder = crate::looking::with_record(&record);
    for form in ["python", "js", "rust", "nc", "hex", "curl"] {
        let done = wsspec(folder.path(), &["repro", "5.15", "--as", form]);
        assert_eq!(done.code, 0, "{done:#?}");
        assert!(!done.out.contains("evil"), "{form}: {done:#?}");
    }
}

#[test]
fn a_script_for_node_is_a_module_too() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    assert_eq!(wsspec(folder.path(), &["run", &server.url, "1.1.2"]).code, 0);
    if wsspec_testkit::program(&["node"]).is_none() {
        return;
    }
    fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
    for name in ["a.mjs", "a.js", "a.cjs"] {
        assert_eq!(wsspec(folder.path(), &["repro", "1.1.2", "--as", "js", "-o", name]).code, 0);
        let mut node = Command::new("node");
        let port = server.url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
        node.current_dir(folder.path()).args([name, "127.0.0.1", &port]).stdin(Stdio::null());
        let done = finish(node);
        assert!(done.code == 0 && done.out.contains("received"), "{name}: {done:#?}");
    }
}
