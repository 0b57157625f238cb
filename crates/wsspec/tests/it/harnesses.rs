//! Three ways in which public projects call the reference suite and read its files, in our own words: a comparison
//! of index.json with a committed one, a search in texts, a poll of the control addresses.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, finish};
use crate::tester::{Tester, free_port};
use crate::visitor::{closed, control};

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/expected/index.json");

/// A shell script of a project, with `wstest` on its path as if it were the reference suite's.
fn script(folder: &Path, text: &str, variables: &[(&str, &str)]) -> Done {
    let programs = Path::new(env!("CARGO_BIN_EXE_wstest")).parent().unwrap();
    let system = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", text]).current_dir(folder).env_clear();
    command.env("PATH", format!("{}:{system}", programs.display()));
    command.envs(variables.iter().copied());
    finish(command)
}

/// Cases of every kind that do not depend on who is faster.
const CASES: [&str; 12] =
    ["1.*", "2.*", "3.5", "3.6", "3.7", "5.*", "6.2.*", "6.3.*", "7.*", "9.1.1", "12.1.1", "13.3.1"];

fn spec_for(folder: &Path, url: &str, cases: &[&str]) {
    let spec = json!({
        "outdir": "./reports/servers",
        "servers": [{ "agent": "My Library", "url": url }],
        "cases": cases, "exclude-cases": [], "exclude-agent-cases": {},
    });
    std::fs::create_dir_all(folder.join("autobahn")).unwrap();
    std::fs::write(folder.join("autobahn/fuzzingclient.json"), spec.to_string()).unwrap();
}

/// Verdicts, close codes, file names and agents are compared to the letter; only times may differ.
#[test]
fn a_script_compares_index_json_with_a_committed_one_but_for_the_durations() {
    if wsspec_testkit::program(&["jq"]).is_none() {
        return;
    }
    const SCRIPT: &str = r#"
        set -e
        wstest -m fuzzingclient -s autobahn/fuzzingclient.json > log.txt
        strip() { jq -S 'del(.[][].duration)' "$1"; }
        strip "$EXPECTED" > want.json
        strip reports/servers/index.json > got.json
        diff want.json got.json || exit 64
    "#;
    let folder = TempDir::new().unwrap();
    let server = Peer::always(Manner::Echo);
    spec_for(folder.path(), &server.url(), &CASES);
    let same = script(folder.path(), SCRIPT, &[("EXPECTED", EXPECTED)]);
    assert_eq!(same.code, 0, "{same:#?}");

    let broken = Peer::always(Manner::Upgrade(b"", Then::Close));
    spec_for(folder.path(), &broken.url(), &["1.1.1", "2.1"]);
    let differs = script(folder.path(), SCRIPT, &[("EXPECTED", EXPECTED)]);
    assert_eq!(differs.code, 64, "{differs:#?}");
    assert!(differs.out.contains(r#"<       "behavior": "OK""#), "{differs:#?}");
}

/// One project counts `case_failed` in index.html, which stands there twice when nothing failed; another takes
/// index.json apart with tr, sed and grep; a third looks for one word in it; and all wait for lines on stdout.
#[test]
fn scripts_search_the_texts_of_a_run() {
    const SCRIPT: &str = r#"
        set -e
        wstest --mode=fuzzingclient --spec=autobahn/fuzzingclient.json | tee log.txt > /dev/null
        grep -q 'Ok, will run [0-9]* test cases against 1 servers' log.txt
        test "$(grep -c '^Running test case ID .* for agent My Library from peer tcp4:' log.txt)" = "$COUNT"
        failed=$(grep -o case_failed reports/servers/index.html | wc -l)
        test "$failed" -le 2 || echo "html: $failed"
        tr -d '\n' < reports/servers/index.json | sed 's/},/},\n/g' > lines.txt
        bad=$(grep '"behavior"' lines.txt | grep -v '"behavior": "OK"' | grep -v '"behavior": "NON-STRICT"' \
            | grep -v '"behavior": "INFORMATIONAL"' | wc -l)
        test "$bad" -eq 0 || echo "json: $bad"
        ! grep FAILED reports/servers/index.json* > /dev/null || echo "word: FAILED"
    "#;
    let folder = TempDir::new().unwrap();
    let server = Peer::always(Manner::Echo);
    spec_for(folder.path(), &server.url(), &["1.1.*", "2.*", "7.1.6", "7.13.*"]);
    let good = script(folder.path(), SCRIPT, &[("COUNT", "22")]);
    assert_eq!((good.code, good.out.as_str()), (0, ""), "{good:#?}");

    let broken = Peer::always(Manner::Upgrade(b"", Then::Close));
    spec_for(folder.path(), &broken.url(), &["1.1.*", "7.13.1"]);
    let bad = script(folder.path(), SCRIPT, &[("COUNT", "9")]);
    assert_eq!(bad.code, 0, "a finished run ends with 0: {bad:#?}");
    assert!(bad.out.contains("html: ") && bad.out.contains("json: 8") && bad.out.contains("word: FAILED"));
}

/// What a script does that stops at the first command that fails, or looks for the result of each case.
#[test]
fn scripts_are_red_when_the_server_is_dead() {
    let folder = TempDir::new().unwrap();
    spec_for(folder.path(), &format!("ws://127.0.0.1:{}", free_port()), &["1.*", "2.*"]);
    let run = "wstest -m fuzzingclient -s autobahn/fuzzingclient.json";
    for text in [
        format!("set -e; {run}; ! grep FAILED reports/servers/index.json"),
        format!("{run} || exit 3; ! grep -q '\"behavior\": \"FAILED\"' reports/servers/index.json"),
        format!("{run}; grep -q '\"behavior\": \"OK\"' reports/servers/index.json"),
        format!("set -o pipefail 2>/dev/null; {run} && test -s reports/servers/index.json"),
    ] {
        let done = script(folder.path(), &text, &[]);
        assert_ne!(done.code, 0, "{text}: {done:#?}");
    }
}

/// The client of one project runs case after case until the server answers 500, asks for the reports, and then only
/// the shell looks at the result.
#[test]
fn a_script_runs_cases_until_the_server_answers_500() {
    const SCRIPT: &str = r#"
        which wstest > /dev/null || exit 9
        n=1
        while wstest -m echoclient -w "ws://127.0.0.1:$PORT/runCase?case=$n&agent=lws" 2> err.txt; do
            n=$((n + 1))
            test $n -lt 50 || exit 8
        done
        grep 500 err.txt > /dev/null || exit 7
        wstest -m echoclient -w "ws://127.0.0.1:$PORT/updateReports?agent=lws"
        echo "$((n - 1)) cases"
        grep -c '"behavior": "OK"' reports/clients/index.json
    "#;
    let folder = TempDir::new().unwrap();
    let spec = r#"{"url": "URL", "outdir": "./reports/clients", "cases": ["1.1.*", "2.1"],
        "exclude-cases": [], "exclude-agent-cases": {}}"#;
    let tester = Tester::fuzzing_server(folder.path(), spec);
    let done = script(folder.path(), SCRIPT, &[("PORT", &tester.port.to_string())]);
    assert_eq!((done.code, done.out.as_str()), (0, "9 cases\n9\n"), "{done:#?}");
}

/// A test per case asks for the count, runs a case, and asks for its status, which comes when the result is in.
#[test]
fn tests_of_a_project_ask_for_the_status_of_each_case() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let spec =
        format!(r#"{{"url": "ws://127.0.0.1:{port}", "outdir": "out", "cases": ["1.1.1", "2.1", "3.2"]}}"#);
    std::fs::write(folder.path().join("fuzzingserver.json"), spec).unwrap();
    let command = crate::tester::wstest(folder.path(), &["--mode", "fuzzingserver", "--webport=0"]);
    let tester = Tester::start(command, port, "Ok, will run 3 test cases");
    let count: u32 = control(port, "/getCaseCount").parse().unwrap();
    let mut statuses = Vec::new();
    for case in 1..=count {
        // This client looks at no reserved bit.
        crate::visitor::Visitor::ask(port, &format!("/runCase?case={case}&agent=mint")).echo();
        let status = control(port, &format!("/getCaseStatus?case={case}&agent=mint"));
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        statuses.push(status["behavior"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["OK", "OK", "FAILED"]);
    closed(port, "/updateReports?agent=mint&shutdownOnComplete=true");
    assert_eq!(tester.end().code, 0);
}
