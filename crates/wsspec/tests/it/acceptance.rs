//! What a user may rely on, end to end: repeatable runs, small reports, narrow terminals.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::peer::{Manner, Peer};
use crate::program::{Done, command, finish, finish_within, wsspec};

/// What a record says of time, and of how TCP cut what came.
const TIMES: [&str; 11] = [
    "us",
    "started",
    "started_us",
    "duration_us",
    "took_us",
    "finished",
    "remote_us",
    "delay_us",
    "rx_chunks",
    "kept",
    "round_trips",
];

/// The records of a run by case, without times.
fn records(folder: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(folder.join("results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases = lines.filter(|line| line["t"] == "case");
    cases.map(|case| (case["id"].as_str().unwrap().to_owned(), timeless(case))).collect()
}

fn timeless(mut case: Value) -> Value {
    let events = case["events"].as_array_mut().unwrap();
    events.retain(|event| event["k"] == "frame");
    without_times(&mut case);
    case
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !TIMES.contains(&name.as_str()) && name != "i" && name != "event");
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        Value::String(text) => *text = untimed(text),
        _ => {}
    }
}

/// A text without times, days and the id of the run.
fn untimed(text: &str) -> String {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let parts = [
            r"\d+(\.\d+)?( |&nbsp;)?(ms|s|us)\b",
            r#"\b(time|data-ms)="?[0-9.]+"?"#,
            r#""duration": ?\d+"#,
            r"20\d\d-\d\d-\d\d[T ][0-9:.]+Z?",
            "<td>[0-9a-f]{16}</td>",
            " {2,}",
        ];
        Regex::new(&parts.join("|")).unwrap()
    });
    PATTERN.replace_all(text, "~").into_owned()
}

/// The page that holds everything without what is packed in it: that are times above all. Which cases it holds stays.
fn unpacked(page: &str) -> String {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?s)<script type="application/json" class="pages".*?data-names="([^"]*)">.*?</script>"#)
            .unwrap()
    });
    PATTERN.replace_all(page, "pages of $1").into_owned()
}

/// The octets that were sent in a case, the opening handshake first.
fn sent(case: &Value) -> (String, Vec<String>) {
    let frames = case["events"].as_array().unwrap().iter().filter(|event| event["dir"] == "tx");
    let frames = frames.map(|frame| frame["wire"].as_str().unwrap().to_owned());
    (case["handshake"]["request"]["utf8"].as_str().unwrap().to_owned(), frames.collect())
}

#[test]
fn two_runs_with_the_same_seed_send_the_same_octets_and_report_the_same() {
    let (first, second) = (tempdir().unwrap(), tempdir().unwrap());
    let peer = Peer::always(Manner::Echo);
    let out = |folder: &TempDir| folder.path().join("wsspec-out");
    for folder in [&first, &second] {
        let run = ["run", &peer.url(), "1.*", "2.*", "3.*", "5.*", "7.*", "12.1.1", "--seed", "7f3a91"];
        assert_eq!(wsspec(folder.path(), &run).code, 0);
    }
    let [a, b] = [&first, &second].map(|folder| records(&out(folder)));
    assert!(a.len() > 80 && a.keys().eq(b.keys()), "{} and {} cases", a.len(), b.len());
    let wholly = a.iter().filter(|(id, case)| is_same(id, case, &b[*id])).count();
    assert!(wholly * 10 > a.len() * 9, "{wholly} of {} cases could be compared in all they say", a.len());
    for file in [
        "index.json",
        "junit.xml",
        "summary.md",
        "failed.txt",
        "non-strict.txt",
        "badge.json",
        "index.html",
        "report.html",
    ] {
        let [a, b] = [&first, &second].map(|folder| std::fs::read_to_string(out(folder).join(file)).unwrap());
        let (a, b) = (untimed(&unpacked(&a)), untimed(&unpacked(&b)));
        assert!(file != "report.html" || a.contains("pages of 1.1.1@"), "the cases that are packed");
        let other = a.lines().zip(b.lines()).find(|(one, other)| one != other);
        assert!(other.is_none() && a.lines().count() == b.lines().count(), "{file}: {other:#?}");
    }
    let other = ["run", &peer.url(), "1.*", "--seed", "1", "-o", "c"];
    assert_eq!(wsspec(first.path(), &other).code, 0);
    let c = records(&first.path().join("c"));
    assert_ne!(sent(&a["1.1.2"]), sent(&c["1.1.2"]), "another seed gives other masking keys");
}

/// Asserts that two results of a case are the same in all that matters. Returns whether they are in all they say: whether a
/// peer that fails the connection still takes our Close, what else it takes in cases that send single octets with pauses, and
/// what is sent before its answer to a Ping comes, are races of theirs and ours.
fn is_same(id: &str, case: &Value, other: &Value) -> bool {
    let [(head, frames), (other_head, others)] = [sent(case), sent(other)];
    assert_eq!(head, other_head, "request of {id}");
    let common = frames.len().min(others.len());
    assert_eq!(frames[..common], others[..common], "octets of {id}");
    let rest = frames[common..].iter().chain(&others[common..]);
    let is_close = rest.clone().count() <= 1 && rest.into_iter().all(|frame| frame.starts_with("88"));
    assert!(is_close || case["stats"]["tx_chunks"]["1"].is_u64(), "{id}");
    assert!(!frames.is_empty() || id == "7.3.1", "{id} sends nothing");
    for field in ["verdict", "received", "handshake", "autobahn", "repro"] {
        assert_eq!(case[field], other[field], "{field} of {id}");
    }
    case == other
}

#[test]
fn a_report_of_three_implementations_stays_within_its_budget() {
    let folder = tempdir().unwrap();
    // Many failures with many causes: what is written out is what makes the file grow.
    let defects: [&[&str]; 3] = [
        // It fails nearly all.
        &["server-masks", "orphan-skipped", "control-too-long-truncated"],
        &["opcodes-as-text", "orphan-as-text", "interleaved-continues", "pong-truncated", "utf8-surrogates"],
        &["rsv1-accepted", "rsv2-accepted", "rsv3-accepted", "fragments-echoed-alone", "utf8-overlong"],
    ];
    let peers = defects.map(|defects| Peer::always(Manner::Defective(defects)));
    let urls: Vec<String> = peers.iter().map(Peer::url).collect();
    let mut args = vec!["run", "@core", "--retries", "0", "-j", "16"];
    args.extend(urls.iter().map(String::as_str));
    // Without optimisation such a report takes long on a busy machine.
    let done = finish_within(command(folder.path(), &args), Duration::from_secs(240));
    assert_eq!(done.code, 1, "{}", done.err);
    let page = std::fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    let failures = page.matches("<article class=\"brief\"").count();
    assert!(failures > 260, "{failures} failures can be read without JavaScript");
    assert!(page.len() < 1_500_000, "{} octets", page.len());
    assert!(page.contains("741") || page.contains("247 cases"), "three times the core cases");
}

#[test]
fn nothing_wraps_on_80_columns_and_all_of_it_is_ascii() {
    let folder = tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &[],
        &["run", "2.*", "6.6.1", "7.1.*"],
        &["run", "2.*", "-v"],
        &["show"],
        &["show", "2.1", "-vvv"],
        &["list", "5.*"],
        &["list", "--sets"],
        &["explain", "7.1.2", "1007", "E09", "W01", "rfc6455#5.4", "non-strict", "UNCLEAN", "echo-server"],
        &["report"],
        &["diff", "wsspec-out", "wsspec-out"],
        &["run", "ws://127.0.0.1:1"],
        &["list", "-E", "nto id(1.*)"],
    ];
    for args in commands {
        narrow(folder.path(), args);
    }
}

/// The screens of failures, errors, warnings, servers, clients and tools.
#[test]
fn no_other_screen_wraps_either() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let peer = Peer::always(Manner::Defective(&["orphan-as-text", "rsv1-accepted"]));
    let (url, program) = (peer.url(), env!("CARGO_BIN_EXE_wsspec"));
    let dying = "sh -c 'for n in 1 2 3 4 5 6 7 8 9; do echo a line that is not short at all, number $n; done; exit 7'";
    let client = format!("{program} echo --connect {{url}} --agent mine --defect ping-empty-unanswered");
    let run = |words: &[&str]| narrow(path, &[&["run"], words].concat());
    let failed = run(&[&url, "5.*", "3.*"]);
    assert!(failed.code == 1 && failed.err.contains("warning[W11]"), "{failed:#?}");
    run(&[&url, &url, "5.15", "--agent", "1=lib", "--agent", "2=lib"]);
    run(&["5.9", "--exec", dying]);
    run(&["1.1.*", "--exec", &format!("{program} echo --port {{port}}")]);
    run(&["1.1.*", "--exec", &format!("{program} echo 127.0.0.1:{{port}}")]);
    run(&["5.15", "-x", "5.15"]);
    run(&["99.*"]);
    run(&["ws://"]);
    std::fs::write(path.join("file"), "").unwrap();
    run(&["1.1.1", "-o", "file"]);
    run(&["1.1.1", "--baseline", "nothing.toml"]);
    for filter in
        ["tag(nosuch)", "set(nosuch)", "5.9", "since(9)", "time(1s) and level(must) or slug(/orphan/)"]
    {
        narrow(path, &["list", "-E", filter]);
    }
    let spec = r#"{"outdir": "./r", "servers": [], "cases": ["1*"], "exclude-cases": ["9"], "casez": 1}"#;
    std::fs::write(path.join("spec.json"), spec).unwrap();
    narrow(path, &["config", "migrate", "spec.json"]);
    std::fs::write(path.join("wsspec.toml"), "schema = 1\n[run]\nbaseline = \"b.toml\"\n").unwrap();
    run(&["1.1.1"]);
    narrow(path, &["config", "show"]);
    narrow(path, &["config", "check"]);
    std::fs::remove_file(path.join("wsspec.toml")).unwrap();

    run(&[&url, "5.*", "3.*", "-o", "now"]);
    narrow(path, &["baseline", "create", "--from", "now", "--reason", "a reason"]);
    run(&[&url, "5.*", "3.*", "--baseline", "wsspec.baseline.toml"]);
    narrow(path, &["baseline", "check", "--from", "now"]);
    narrow(path, &["merge", "now", "wsspec-out", "-o", "all"]);
    narrow(path, &["diff", "now", "wsspec-out"]);
    narrow(path, &["probe", &url]);
    narrow(path, &["demo"]);
    let serve = ["serve", "--port", "0", "1.1.*", "2.*", "--once"];
    narrow(path, &[&serve[..], &["--exec", &client]].concat());
    narrow(path, &[&serve[..], &["--exec", "true"]].concat());
    narrow(path, &[&serve[..], &["--tls", "--idle-timeout", "100ms"]].concat());
    narrow(path, &["load", "rtt", &url, "--rate", "50", "--for", "300ms"]);
    narrow(path, &["load", "connect", &url, "-n", "10", "--for", "200ms"]);
}

/// What is said around the cases: the first lines, the last ones, errors, a server that waits.
#[test]
fn the_first_and_the_last_lines_wrapped_on_60_columns() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let at_60 = |args: &[&str]| within(60, path, args);
    let client = format!("{} echo --connect {{url}} --agent mine", env!("CARGO_BIN_EXE_wsspec"));
    at_60(&["run", "1.1.*", "2.*", "3.*", "5.*", "7.1.*", "-o", "a-folder/of-this-name"]);
    let smaller = at_60(&["run", "1.1.1", "-o", "a-folder/of-this-name"]);
    assert!(smaller.out.contains("results, of the run before"), "{smaller:#?}");
    at_60(&["run", "1.1.1", "-o", "t60"]);
    at_60(&["run", "ws://127.0.0.1:9", "-o", "t60"]);
    at_60(&["run", "5.15", "-x", "5.15"]);
    at_60(&["run", "99.*"]);
    at_60(&["run", "1.1.1", "--exec", "sh -c 'echo no; exit 3'"]);
    at_60(&["diff", "t60", "t60"]);
    let serve = ["serve", "--port", "0", "1.1.*", "--once", "--tls", "--idle-timeout", "100ms"];
    at_60(&serve);
    at_60(&["serve", "--port", "0", "1.1.*", "2.1", "--exec", &client]);
    at_60(&["serve", "--port", "0", "1.1.1", "--exec", "true"]);
}

#[test]
fn list_was_wider_than_60_columns() {
    let folder = tempdir().unwrap();
    let of_sets: [&[&str]; 5] = [&["--sets"], &["--sections"], &["--clauses"], &["--defects"], &["--quirks"]];
    for more in of_sets.iter().chain(&[&["@all"][..], &["@all", "-v"]]) {
        let args = [&["list"], *more].concat();
        let (narrow, wide) = (within(60, folder.path(), &args), within(80, folder.path(), &args));
        let words = |done: &Done| done.out.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(&wide), "nothing is left out: {args:?}");
    }
}

/// Runs a command on 80 columns: nothing is wider but commands that are to be typed.
#[track_caller]
fn narrow(folder: &Path, args: &[&str]) -> Done {
    within(80, folder, args)
}

/// Runs a command on so many columns without colour and in ASCII.
#[track_caller]
fn within(columns: usize, folder: &Path, args: &[&str]) -> Done {
    let mut run = command(folder, &[&["--ascii"], args].concat());
    run.env("COLUMNS", columns.to_string());
    run.env("NO_COLOR", "1").env("LANG", "C.UTF-8").env("FORCE_COLOR", "1").env("PATH", "/usr/bin:/bin");
    let done = finish(run);
    for line in done.out.lines().chain(done.err.lines()) {
        let label = line.trim_start().split_once("  ").map_or("", |(label, _)| label);
        let is_typed = ["again", "try", "or"].contains(&label)
            || ["again ", "wsspec report --open "].iter().any(|start| line.trim_start().starts_with(start));
        assert!(line.is_ascii(), "{args:?}: {line}");
        assert!(is_typed || line.chars().count() <= columns, "{args:?}: {line}");
    }
    done
}

#[test]
fn the_steps_of_the_first_minute_lead_to_a_failure_that_can_be_read() {
    let folder = tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_wsspec"));
    let walked = wsspec_testkit::first_minute::walk(program, folder.path());
    assert!(walked.is_ok(), "{}", walked.unwrap_err());
}

/// A command of a failure block, as a shell runs it where the program is called `wsspec`.
fn again(block: &str) -> Vec<String> {
    let (_, command) = block.split_once("again    wsspec ").expect("a command that repeats the case");
    // Long commands go on in further lines.
    let lines = command.split("\n   why").next().unwrap();
    shell_words::split(lines).unwrap()
}

#[test]
fn the_demo_shows_three_bugs_and_how_to_look_at_each() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["demo"]);
    assert_eq!(done.code, 1, "a server with bugs is never green: {done:#?}");
    assert!(done.out.contains("demo-peer") && done.out.contains("3 causes"), "{done:#?}");
    let (_, next) = done.out.rsplit_once("exit 1").unwrap();
    let named = |word: &str| next.split(word).nth(1).and_then(|rest| rest.split_whitespace().next());
    let case = named("wsspec show").expect("it says what to type next").to_owned();
    assert_eq!(named("wsspec explain"), Some(case.as_str()));
    let block = wsspec(folder.path(), &["show", &case]);
    for part in ["FAIL", "MUST   RFC 6455 section", "expected ", "observed ", "octets of the marked frame"] {
        assert!(block.out.contains(part), "{part}: {block:#?}");
    }
    assert_eq!(wsspec(folder.path(), &["explain", &case]).code, 0);
    // The peer is gone, and is started again by the command that repeats the case.
    let words = again(&block.out);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["-o", "again"]).collect();
    let repeated = wsspec(folder.path(), &words);
    assert!(repeated.code == 1 && repeated.out.contains(&case), "{repeated:#?}");
    let long = done.out.lines().find(|line| line.starts_with("   again ") && line.len() > 60);
    assert_eq!(long, None, "the command that starts the peer was repeated in full");
    let failed = wsspec(folder.path(), &["run", "--last-failed"]);
    assert!(failed.code == 1 && failed.out.contains("demo-peer"), "{failed:#?}");
}
