//! Captures, as Wireshark reads them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::tempdir;

use crate::looking::{RECORD, with_record};
use crate::program::wsspec;
use crate::tester::free_port;
use crate::whole_run::Echo;

/// What is sent, connection by connection: first by wsspec, then by the peer; the opcodes in their order.
type Opcodes = Vec<[Vec<String>; 2]>;

/// Dissects a capture; `None`, with a notice, where there is no tshark.
fn tshark(file: &Path, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new(wsspec_testkit::program(&["tshark"])?);
    command.arg("-r").arg(file).args(["-Y", "websocket", "-T", "fields"]);
    // The port, which may be that of another protocol, is not what tells the protocol.
    command.args(["-o", "tcp.try_heuristic_first:TRUE"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn dissected(file: &Path, server: u16) -> Option<Opcodes> {
    let mut streams: BTreeMap<usize, [Vec<String>; 2]> = BTreeMap::new();
    for line in tshark(file, &["tcp.stream", "tcp.srcport", "websocket.opcode"])? {
        let [stream, source, opcodes] = line.try_into().unwrap();
        let peer = source.parse() == Ok(server);
        let sent = &mut streams.entry(stream.parse().unwrap()).or_default()[usize::from(peer)];
        sent.extend(opcodes.split(',').map(str::to_owned));
    }
    Some(streams.into_values().collect())
}

/// The same from the record.
fn recorded(record: &str) -> Opcodes {
    let lines = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases = lines.filter(|line| line["t"] == "case");
    cases
        .map(|case| {
            let of = |dir: &str| {
                let frames = case["events"].as_array().unwrap().iter();
                let frames = frames.filter(|event| event["k"] == "frame" && event["dir"] == dir);
                frames.map(|event| event["op"].to_string()).collect()
            };
            [of("tx"), of("rx")]
        })
        .collect()
}

fn is_private(file: &Path) {
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(file).unwrap()) & 0o777, 0o600);
    assert!(file.exists());
}

fn no_temporary_files(folder: &Path) {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

const CASES: [&str; 6] = ["1.1.6", "2.*", "4.1.3", "5.6", "5.15", "7.1.5"];

fn run(folder: &Path, url: &str, more: &[&str]) -> String {
    let args = [&["run", url, "-j", "1", "--order", "id"][..], &CASES, more].concat();
    let done = wsspec(folder, &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("warning[W10]"), "{done:#?}");
    fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap()
}

#[test]
fn wireshark_sees_the_frames_of_the_record() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let record = run(folder.path(), &server.url, &["--pcap", "deep/run.pcapng"]);
    let file = folder.path().join("deep/run.pcapng");
    is_private(&file);
    no_temporary_files(&folder.path().join("deep"));
    let Some(seen) = dissected(&file, server.port()) else { return };
    assert_eq!(seen, recorded(&record));
    // The record of an earlier run serves as well.
    assert_eq!(wsspec(folder.path(), &["report", "--pcap", "later.pcapng"]).code, 0);
    let later = folder.path().join("later.pcapng");
    is_private(&later);
    assert_eq!(dissected(&later, server.port()), Some(seen));
}

#[test]
fn wireshark_decrypts_what_went_over_tls() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--tls"]);
    let record = run(folder.path(), &server.url, &["-k", "--pcap", "run.pcapng", "--keylog", "keys.txt"]);
    is_private(&folder.path().join("run.pcapng"));
    is_private(&folder.path().join("keys.txt"));
    let keys = fs::read_to_string(folder.path().join("keys.txt")).unwrap();
    assert!(keys.contains("CLIENT_TRAFFIC_SECRET_0 "), "{keys}");
    let Some(seen) = dissected(&folder.path().join("run.pcapng"), server.port()) else { return };
    assert_eq!(seen, recorded(&record));
}

/// A client drives these cases; what the capture of the server holds, and the record.
fn serve(folder: &Path, secure: bool) -> Option<(Opcodes, Opcodes)> {
    let port = free_port();
    let insecure = if secure { " -k" } else { "" };
    let client = format!("{} echo --connect {{url}} --agent us{insecure}", env!("CARGO_BIN_EXE_wsspec"));
    let number = port.to_string();
    let mut args = vec!["serve", "--port", &number, "--exec", &client, "--pcap", "s.pcapng"];
    args.extend(CASES);
    if secure {
        args.extend(["--tls", "--keylog", "keys.txt"]);
    }
    let done = wsspec(folder, &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("warning[W10]") && done.out.contains("capture  s.pcapng"), "{done:#?}");
    let file = folder.join("s.pcapng");
    is_private(&file);
    no_temporary_files(folder);
    let record = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    // The tester is the server: what it sends comes first in the record.
    let recorded = recorded(&record).into_iter().map(|[tester, client]| [client, tester]);
    Some((dissected(&file, port)?, recorded.collect()))
}

#[test]
fn wireshark_sees_what_a_server_sees() {
    for secure in [false, true] {
        let folder = tempdir().unwrap();
        let Some((seen, recorded)) = serve(folder.path(), secure) else { return };
        // The driver asks for the number of cases first, before each case for what it is, and at last for the reports.
        assert_eq!(seen.len(), 2 + 2 * recorded.len());
        let cases: Opcodes = seen.into_iter().skip(2).step_by(2).collect();
        assert_eq!(cases, recorded);
        if secure {
            is_private(&folder.path().join("keys.txt"));
            let keys = fs::read_to_string(folder.path().join("keys.txt")).unwrap();
            assert!(keys.contains("CLIENT_TRAFFIC_SECRET_0 "), "{keys}");
        }
    }
}

#[test]
fn the_capture_was_told_in_the_middle_of_the_progress() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let client = format!("{} echo --connect {{url}}", env!("CARGO_BIN_EXE_wsspec"));
    let args =
        ["serve", "--port", &port, "1.1.1", "1.1.2", "2.1", "--pcap", "s.pcapng", "--exec-case", &client];
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    let (before, _) = done.out.split_once("\n   capture  s.pcapng\n").unwrap();
    assert!(before.contains(" 3/3 "), "{done:#?}");
}

#[test]
fn a_capture_that_cannot_be_written_is_found_before_the_first_case() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for flag in ["--pcap", "--keylog"] {
        wsspec(folder.path(), &["run", "1.1.1", flag, "file/x"]).expect_error(6, "E21");
        wsspec(folder.path(), &["serve", "--port", "0", flag, "file/x"]).expect_error(6, "E21");
    }
}

#[test]
fn old_results_make_packets_whatever_the_agent_is_called() {
    let folder = with_record(&RECORD.replace("ws://127.0.0.1:9001", "ws://../../x\\u0000:70000"));
    let done = wsspec(folder.path(), &["report", "--pcap", "x.pcapng"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let file = folder.path().join("x.pcapng");
    let Some(lines) = tshark(&file, &["websocket.opcode"]) else { return };
    assert!(!lines.is_empty());
}
