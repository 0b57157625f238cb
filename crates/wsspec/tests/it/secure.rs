//! wss in both roles.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc;

use serde_json::json;
use tempfile::TempDir;

use crate::program::{Done, finish, wsspec};
use crate::tester::{Tester, free_port, wstest};

pub(crate) struct Files {
    pub(crate) folder: TempDir,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// A certificate for `a.test`, signed by itself.
pub(crate) fn files() -> Files {
    let folder = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Files { folder, cert, key }
}

fn run(files: &Files, url: &str, more: &[&str]) -> Done {
    let mut args = vec!["run", url, "1.1.*", "7.1.*", "9.1.1", "12.1.1"];
    args.extend_from_slice(more);
    wsspec(files.folder.path(), &args)
}

/// `wsspec echo` with the certificate of the files.
pub(crate) fn echo(files: &Files) -> (Tester, String) {
    let port = free_port();
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let address = format!("127.0.0.1:{port}");
    let args = ["echo", &address, "--cert", cert, "--key", key, "--alpn", "http/1.1"];
    let server =
        Tester::start(crate::program::command(files.folder.path(), &args), port, "listening on wss://");
    (server, format!("wss://{address}"))
}

/// The address of a server that answers every TLS handshake with this fatal alert.
pub(crate) fn refusing(alert: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut hello = [0; 512];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, alert]);
            while stream.read(&mut hello).is_ok_and(|read| read > 0) {}
        }
    });
    url
}

#[test]
fn servers_are_tested_over_tls() {
    let files = files();
    let (_server, url) = echo(&files);
    let cert = files.cert.to_str().unwrap();
    let done = run(&files, &url, &["--cacert", cert, "--sni", "a.test"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(run(&files, &url, &["-k"]).code, 0);
    assert_eq!(run(&files, &url, &["-k", "--alpn", "http/1.1"]).code, 0);
    let record = crate::hostile_peer::record(files.folder.path());
    let tls = &record[1]["handshake"]["tls"];
    assert_eq!((&tls["version"], &tls["alpn"]), (&"1.3".into(), &"http/1.1".into()), "{tls}");
    assert_eq!(tls["certificate"].as_str().unwrap().len(), 64, "{tls}");
    // Cases of several connections tell of the first.
    let series =
        wsspec(files.folder.path(), &["run", &url, "-k", "18.3.16", "22.7.1", "--volume-messages", "3"]);
    assert_eq!(series.code, 0, "{series:#?}");
    let record = crate::hostile_peer::record(files.folder.path());
    for case in record.iter().filter(|line| line["t"] == "case") {
        assert_eq!(case["handshake"]["tls"]["version"], "1.3", "{case}");
    }
    // A server that speaks none of what is offered says so (RFC 7301 section 3.2).
    run(&files, &url, &["-k", "--alpn", "h2"]).expect_error(3, "E30");
}

#[test]
fn tls_that_does_not_come_about_is_one_error() {
    let files = files();
    let (server, url) = echo(&files);
    let untrusted = run(&files, &url, &[]);
    untrusted.expect_error(3, "E11");
    assert!(untrusted.err.contains("signed by itself") && untrusted.err.contains("a.test"), "{untrusted:#?}");
    let wrong_name = run(&files, &url, &["--cacert", files.cert.to_str().unwrap()]);
    assert!(wrong_name.err.contains("not for the name \"127.0.0.1\" but for a.test"), "{wrong_name:#?}");
    run(&files, &server.url(""), &[]).expect_error(3, "E09");
    run(&files, &plain_http(), &["-k"]).expect_error(3, "E10");
    let missing = run(&files, &url, &["--cacert", "absent.pem"]);
    assert!(missing.code == 2 && missing.err.contains("absent.pem"), "{missing:#?}");
}

/// The wss address of a server that speaks no TLS, and says so at the first octets.
fn plain_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(8).flatten() {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    format!("wss://{address}")
}

#[test]
fn client_certificates_are_shown_and_asked_for() {
    let files = files();
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let args = ["echo", &address, "--tls", "--client-ca", cert];
    let echo = crate::program::command(files.folder.path(), &args);
    let server = Tester::start(echo, port, "listening on wss://");
    let url = format!("wss://{address}");
    assert_eq!(run(&files, &url, &["-k", "--cert", cert, "--key", key]).code, 0);
    let without = run(&files, &url, &["-k"]);
    without.expect_error(3, "E30");
    assert!(without.err.contains("--cert"), "{without:#?}");
    drop(server);

    let mut tester = Tester::serve(files.folder.path(), &["1.1.1", "--once", "--tls", "--client-ca", cert]);
    let url = format!("wss://127.0.0.1:{}", tester.port);
    let connect = ["echo", "--connect", &url, "-k", "--agent", "x"];
    let without = wsspec(files.folder.path(), &connect);
    assert!(without.code == 3 && without.err.contains("--cert"), "{without:#?}");
    tester.wait_for("");
    let with = wsspec(files.folder.path(), &[&connect[..], &["--cert", cert, "--key", key]].concat());
    assert_eq!(with.code, 0, "{with:#?}");
    assert_eq!(tester.end().code, 0);
}

#[test]
fn clients_are_tested_over_tls_with_a_certificate_made_on_the_spot() {
    let files = files();
    let port = free_port().to_string();
    let driver = format!("{} echo --connect {{url}} -k --agent secure", env!("CARGO_BIN_EXE_wsspec"));
    let args = ["serve", "--tls", "--port", &port, "1.1.*", "7.1.*", "9.1.1", "12.1.1", "--exec", &driver];
    let done = wsspec(files.folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("wss://127.0.0.1:") && done.out.contains("SHA-256 "), "{done:#?}");
    // It is longer than a line.
    let shown = done.out.split("SHA-256 ").nth(1).unwrap();
    let shown: String = shown.chars().filter(|letter| !" \n:".contains(*letter)).take(64).collect();
    for case in crate::hostile_peer::record(files.folder.path()).iter().filter(|line| line["t"] == "case") {
        let tls = &case["handshake"]["tls"];
        assert_eq!(
            (&tls["version"], &tls["certificate"]),
            (&"1.3".into(), &shown.as_str().into()),
            "{case:#}"
        );
        assert!(tls["holder"]["names"].as_array().is_some_and(|names| !names.is_empty()), "{tls:#}");
        let again = case["repro"].as_array().unwrap();
        assert!(again.contains(&"--exec".into()) && again.contains(&"--tls".into()), "{again:?}");
    }
}

#[test]
fn clients_are_tested_over_tls_with_key_and_certificate() {
    let files = files();
    let mut tester = Tester::serve(
        files.folder.path(),
        &["1.1.1", "--once", "--cert", files.cert.to_str().unwrap(), "--key", files.key.to_str().unwrap()],
    );
    // A client that speaks no TLS is told so in the terminal.
    drop(std::net::TcpStream::connect(("127.0.0.1", tester.port)).unwrap());
    let url = format!("wss://127.0.0.1:{}", tester.port);
    let cert = files.cert.to_str().unwrap();
    let args = ["echo", "--connect", &url, "--cacert", cert, "--sni", "a.test", "--agent", "x"];
    let done = wsspec(files.folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    tester.wait_for("");
    assert_eq!(tester.end().code, 0);
}

/// The address of a server that notes for which name it is asked (SNI), and closes.
fn noting_names() -> (String, mpsc::Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let (tell, names) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut acceptor = rustls::server::Acceptor::default();
            let hello = loop {
                match acceptor.accept() {
                    Ok(None) if acceptor.read_tls(&mut stream).is_ok_and(|read| read > 0) => {}
                    Ok(hello) => break hello,
                    Err((error, _)) => panic!("{error}"),
                }
            };
            let name = hello.and_then(|hello| hello.client_hello().server_name().map(str::to_owned));
            let _ = tell.send(name);
        }
    });
    (url, names)
}

#[test]
fn the_hostname_of_a_spec_is_the_name_that_tls_asks_for() {
    let files = files();
    let (url, names) = noting_names();
    let entry = json!({ "agent": "A", "url": url, "hostname": "a.test" });
    let spec = json!({ "outdir": "servers", "servers": [entry], "cases": ["1.1.1"] });
    std::fs::write(files.folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    finish(wstest(files.folder.path(), &["-m", "fuzzingclient"]));
    assert_eq!(names.recv().unwrap().as_deref(), Some("a.test"));
}

#[test]
fn wstest_speaks_tls_in_both_roles() {
    let files = files();
    let folder = files.folder.path();
    let (server, client) = (free_port(), free_port());
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let uri = format!("wss://127.0.0.1:{server}");
    let testee = wstest(folder, &["-m", "testeeserver", "-w", &uri, "-k", key, "-c", cert]);
    let _testee = Tester::start(testee, server, "listening on");
    let entry = json!({ "agent": "A", "url": uri, "hostname": "a.test" });
    let spec = json!({ "outdir": "servers", "servers": [entry], "cases": ["1.1.*", "12.1.1"] });
    std::fs::write(folder.join("fuzzingclient.json"), spec.to_string()).unwrap();
    let done = finish(wstest(folder, &["-m", "fuzzingclient", "--strict-exit"]));
    assert_eq!(done.code, 0, "{done:#?}");

    let uri = format!("wss://127.0.0.1:{client}");
    // Key and certificate come from the command line here.
    let spec = json!({ "url": uri, "outdir": "clients", "cases": ["1.1.*"] });
    std::fs::write(folder.join("fuzzingserver.json"), spec.to_string()).unwrap();
    let command = wstest(folder, &["-m", "fuzzingserver", "-u", "0", "--strict-exit", "-k", key, "-c", cert]);
    let tester = Tester::start(command, client, "Ok, will run 8 test cases");
    let done = finish(wstest(folder, &["-m", "testeeclient", "-w", &uri]));
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(std::fs::read_to_string(folder.join("clients/index.json")).unwrap().contains("\"1.1.8\""));
    drop(tester);
}
