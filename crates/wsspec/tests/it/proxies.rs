//! Proxies, with the echo server of `--backend` behind them.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use wsspec_wire::accept_key;

use crate::program::wsspec;
use crate::tester::free_port;

/// What a proxy does with the key of the opening handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    PassedOn,
    ItsOwn,
}

/// A proxy that passes everything else on to this port; gone when the runtime is dropped.
fn proxy(backend: u16, key: Key) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(("127.0.0.1", backend)).await {
                    if key == Key::ItsOwn {
                        speak_for_itself(&mut near, &mut far).await;
                    }
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    (runtime, address)
}

/// Opens the connection behind the proxy with a key of the proxy's own.
async fn speak_for_itself(near: &mut TcpStream, far: &mut TcpStream) {
    const OWN: &str = "d3NzcGVjIHByb3h5IGtleQ==";
    let request = head(near).await;
    let begin = request.find("Sec-WebSocket-Key: ").unwrap() + "Sec-WebSocket-Key: ".len();
    let key = &request[begin..begin + OWN.len()];
    far.write_all(request.replace(key, OWN).as_bytes()).await.unwrap();
    let response = head(far).await.replace(&accept_key(OWN.as_bytes()), &accept_key(key.as_bytes()));
    near.write_all(response.as_bytes()).await.unwrap();
}

/// A head, octet by octet, as what follows it is not taken.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The cases of the record, those with a connection.
fn cases(folder: &Path) -> Vec<Value> {
    let record = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["t"] == "case").collect()
}

/// The payloads of the text frames that were sent one way, on the leg with these events.
fn texts<'a>(events: &'a Value, way: &str) -> Vec<&'a Value> {
    let frames = events.as_array().unwrap().iter();
    let frames = frames.filter(|line| line["k"] == "frame" && line["op"] == 1 && line["dir"] == way);
    frames.map(|line| &line["data"]).collect()
}

/// Each case has its own connection behind the proxy: what it sent arrived there, and not before.
fn assert_both_legs(cases: &[Value], by: &str) {
    for case in cases {
        let (id, backend) = (&case["id"], &case["backend"]);
        assert_eq!(backend["by"], by, "{id}: {backend:#}");
        let (sent, arrived) = (texts(&case["events"], "tx"), texts(&backend["events"], "rx"));
        assert!(!sent.is_empty(), "{id}");
        assert_eq!(sent, arrived, "{id}");
        let first = backend["events"][0]["us"].as_u64().unwrap();
        let took = case["duration_us"].as_u64().unwrap() + case["handshake"]["took_us"].as_u64().unwrap();
        assert!(first <= took, "{id}: {first} {took}");
    }
}

#[test]
fn cases_at_the_same_time_are_recorded_with_their_own_connection_behind_the_proxy() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let (_proxy, address) = proxy(port, Key::PassedOn);
    let (url, backend) = (format!("ws://{address}"), format!("127.0.0.1:{port}"));
    let done = wsspec(folder.path(), &["run", &url, "1.1.*", "6.2.*", "--backend", &backend, "--jobs", "8"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let cases = cases(folder.path());
    assert!(cases.len() > 8, "{}", cases.len());
    assert_both_legs(&cases, "key");
    let shown = wsspec(folder.path(), &["show", "1.1.2"]);
    assert!(shown.out.contains("proxy ---> origin   Text fin=1"), "{}", shown.out);
    assert!(shown.out.contains("proxy <--- origin   Text fin=1"), "{}", shown.out);
}

#[test]
fn behind_a_proxy_with_a_key_of_its_own_cases_run_one_at_a_time() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let (_proxy, address) = proxy(port, Key::ItsOwn);
    let (url, backend) = (format!("ws://{address}"), format!("127.0.0.1:{port}"));
    let done = wsspec(folder.path(), &["run", &url, "1.1.*", "--backend", &backend, "--jobs", "8"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("Sec-WebSocket-Key of its own: cases run one at a time"), "{done:#?}");
    assert_both_legs(&cases(folder.path()), "time");
}

/// HAProxy before this port; `None`, with a notice, where there is none.
fn haproxy(folder: &Path, backend: u16) -> Option<(Guard, u16)> {
    let port = free_port();
    let config = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n timeout tunnel 30s\n\
         frontend f\n bind 127.0.0.1:{port}\n default_backend b\nbackend b\n server s 127.0.0.1:{backend}\n"
    );
    fs::write(folder.join("haproxy.cfg"), config).unwrap();
    let mut command = Command::new(wsspec_testkit::program(&["haproxy"])?);
    command.args(["-db", "-f", "haproxy.cfg"]).current_dir(folder);
    let guard = Guard(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let limit = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < limit, "haproxy does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some((guard, port))
}

/// A process that is killed when this is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn both_legs_of_haproxy_are_recorded() {
    let folder = tempdir().unwrap();
    let backend = free_port();
    let Some((_haproxy, port)) = haproxy(folder.path(), backend) else { return };
    let (url, backend) = (format!("ws://127.0.0.1:{port}"), format!("127.0.0.1:{backend}"));
    let done = wsspec(folder.path(), &["run", &url, "1.1.*", "--backend", &backend, "-H", "Cookie: secret"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let cases = cases(folder.path());
    assert_both_legs(&cases, "key");
    assert!(cases.iter().all(|case| case["backend"]["redacted"] == 1), "{cases:#?}");
    assert!(!cases.iter().any(|case| case.to_string().contains("secret")));
}

#[test]
fn both_legs_of_a_proxy_are_seen() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let (_proxy, address) = proxy(port, Key::PassedOn);
    let (url, backend) = (format!("ws://{address}"), format!("127.0.0.1:{port}"));
    let args = ["run", &url, "1.1.1", "2.1", "5.1", "--backend", &backend, "--pcap", "legs.pcapng"];
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.out.contains(&format!("backend        echoes on ws://{backend}, for the proxy")),
        "{done:#?}"
    );
    // Two connections before the first case; one for each case; 5.1 breaks a rule.
    let told = "backend        5 connections: 4 ended cleanly, 1 failed for a broken rule, 0 otherwise";
    assert!(done.out.contains(told), "{done:#?}");
    let capture = fs::read(folder.path().join("legs.pcapng")).unwrap();
    let answers = capture.windows(12).filter(|part| part == b"HTTP/1.1 101").count();
    assert_eq!(answers, 6, "three connections on each leg");
}

#[test]
fn e16_a_backend_needs_a_port_of_its_own() {
    let folder = tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let backend = holder.local_addr().unwrap().to_string();
    let done = wsspec(folder.path(), &["run", "ws://127.0.0.1:9", "1.1.1", "--backend", &backend]);
    assert!(done.code != 0 && done.err.contains("error[E16]") && done.err.contains("--backend"), "{done:#?}");
}
