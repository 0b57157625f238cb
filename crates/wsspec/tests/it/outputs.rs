//! What a run, and a report of an earlier one, writes and prints beyond the record.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::looking::{RECORD, with_record};
use crate::peer::{Manner, Peer};
use crate::program::{Done, command, finish, wsspec};

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[test]
fn every_file_that_is_asked_for_is_written_whole() {
    let folder = tempdir().unwrap();
    let outputs = ["--junit", "ci/j.xml", "--md", "s.md", "--badge", "b.svg", "--badge-detail"];
    let pages = ["--html-dir", "pages", "--html", "page.html"];
    let args: Vec<&str> = ["run", "1.1.*", "7.1.1"].iter().chain(&outputs).chain(&pages).copied().collect();
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    let at = |name: &str| folder.path().join(name);
    assert!(read(at("ci/j.xml")).contains("wsspec-out/report.html#"), "a file elsewhere finds the page");
    assert!(read(at("wsspec-out/junit.xml")).contains("\"report.html#"));
    assert!(read(at("s.md")).starts_with("## wsspec: "));
    assert!(read(at("b.svg")).contains("strict 9/9"));
    assert_eq!(serde_json::from_str::<Value>(&read(at("b.json"))).unwrap()["message"], "strict 9/9");
    assert!(read(at("page.html")).contains("Content-Security-Policy"));
    assert!(read(at("pages/index.html")).contains("Content-Security-Policy"));
    for name in ["report.html", "summary.md", "badge.svg", "badge.json", "failed.txt", "non-strict.txt"] {
        assert!(at("wsspec-out").join(name).exists(), "{name}");
    }
    for dir in ["", "ci", "wsspec-out", "pages"] {
        let names = fs::read_dir(at(dir)).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".part")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn files_of_a_server_that_was_not_there_were_those_of_an_earlier_run() {
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "1.1.*", "--junit", "j.xml", "--badge", "b.svg"]).code, 0);
    let record = read(folder.path().join("wsspec-out/results.jsonl"));
    let asked = ["1.1.*", "--junit", "j.xml", "--badge", "b.svg", "--format", "json"];
    let args: Vec<&str> = ["run", "ws://127.0.0.1:9"].iter().chain(&asked).copied().collect();
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 3, "{done:#?}");
    let note = "wsspec-out/results.jsonl and report.html are of an earlier run";
    assert!(done.err.contains(note), "{done:#?}");
    for junit in ["j.xml", "wsspec-out/junit.xml"] {
        let junit = read(folder.path().join(junit));
        assert!(junit.contains("tests=\"1\"") && junit.contains("errors=\"1\""), "{junit}");
        assert!(junit.contains("message=\"error[E01]: nothing is listening on 127.0.0.1:9\""), "{junit}");
    }
    let badge: Value = serde_json::from_str(&read(folder.path().join("wsspec-out/badge.json"))).unwrap();
    assert_eq!(badge["isError"], true, "the badge of the folder is not that of the earlier run");
    let badge: Value = serde_json::from_str(&read(folder.path().join("b.json"))).unwrap();
    assert_eq!(badge["isError"], true);
    let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["t"], &lines[1]["t"]), (&"run".into(), &"end".into()));
    assert_eq!((&lines[1]["exit"], &lines[1]["complete"]), (&3.into(), &false.into()));
    assert!(lines[1]["duration_us"].as_u64() > Some(0), "how long it was tried: {:#?}", lines[1]);
    assert_eq!((&lines[0]["selected"], &lines[1]["totals"]["not run"]), (&8.into(), &8.into()));
    assert_eq!(read(folder.path().join("wsspec-out/results.jsonl")), record, "an earlier record stays");
}

/// The names of the files of the output folder that speak of this implementation.
fn speaking_of(agent: &str, folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder.join("wsspec-out")).unwrap().map(|entry| entry.unwrap().path());
    let speaking = files.filter(|file| read(file).contains(agent));
    let mut names: Vec<String> =
        speaking.map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn lists_and_pages_of_an_earlier_run_stood_beside_the_files_of_one_that_could_not_start() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let earlier = ["run", "1.1.*", "2.1", "--agent", "first-peer"];
    for unstarted in [
        &["run", "ws://127.0.0.1:9", "2.*", "--agent", "second-peer"][..],
        &["serve", "--once", "--port", "0", "--idle-timeout", "100ms", "2.*", "--agent", "second-peer"],
    ] {
        assert_eq!(wsspec(path, &earlier).code, 0);
        assert!(speaking_of("first-peer", path).contains(&"index.html".to_owned()));
        let done = wsspec(path, unstarted);
        assert!(done.code == 3 || done.code == 4, "{done:#?}");
        assert!(done.err.contains("results.jsonl and report.html are of an earlier run"), "{done:#?}");
        assert_eq!(speaking_of("first-peer", path), ["report.html", "results.jsonl"]);
        let second = speaking_of("second-peer", path);
        assert!(!second.contains(&"report.html".to_owned()), "no file speaks of two runs: {second:?}");
        let names = fs::read_dir(path.join("wsspec-out")).unwrap().map(|entry| entry.unwrap().file_name());
        let stale = names.map(|name| name.into_string().unwrap()).find(|name| name.starts_with("first_peer"));
        assert_eq!(stale, None, "a page of the earlier run, to which nothing leads");
        let failed = read(path.join("wsspec-out/failed.txt"));
        assert_eq!(failed.lines().count(), 11, "what index.json calls FAILED: {failed}");
        // What was there before can be had again.
        assert_eq!(wsspec(path, &["report"]).code, 0);
        assert!(speaking_of("second-peer", path).is_empty());
        assert_eq!(read(path.join("wsspec-out/failed.txt")), "");
    }
}

#[test]
fn files_of_a_run_that_could_not_start_stayed_beside_those_of_the_next() {
    let folder = tempdir().unwrap();
    let nobody = ["run", "ws://127.0.0.1:9", "--agent", "agent-nought"];
    assert_eq!(wsspec(folder.path(), &[&nobody[..], &["1.1.*"]].concat()).code, 3);
    assert_eq!(wsspec(folder.path(), &[&nobody[..], &["2.1"]].concat()).code, 3);
    assert!(!folder.path().join("wsspec-out/agent_nought_case_1_1_1.json").exists());
    assert_eq!(wsspec(folder.path(), &["run", "1.1.1", "--agent", "somebody"]).code, 0);
    assert!(
        speaking_of("agent-nought", folder.path()).is_empty(),
        "{:?}",
        speaking_of("agent-nought", folder.path())
    );
}

/// What scripts that look for FAILED in the index of the reference suite see.
#[test]
fn the_index_of_a_server_that_was_not_there_was_green() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("wsspec-out");
    let nobody = ["run", "ws://127.0.0.1:9", "--agent", "a", "1.1.*"];
    for earlier in [false, true] {
        if earlier {
            assert_eq!(wsspec(folder.path(), &["run", "1.1.*", "2.1", "--agent", "a"]).code, 0);
            assert!(out.join("a_case_1_1_1.json").exists());
        }
        assert_eq!(wsspec(folder.path(), &nobody).code, 3);
        let index: Value = serde_json::from_str(&read(out.join("index.json"))).unwrap();
        let cases = index["a"].as_object().unwrap();
        assert_eq!((cases.len(), index.as_object().unwrap().len()), (8, 1), "{index}");
        for case in cases.values() {
            assert_eq!((&case["behavior"], &case["behaviorClose"]), (&"FAILED".into(), &"FAILED".into()));
        }
        for case in cases.values() {
            let file = read(out.join(case["reportfile"].as_str().unwrap()));
            let file: Value = serde_json::from_str(&file).unwrap();
            assert_eq!(file["behavior"], "FAILED", "{file:#}");
            assert!(file["result"].as_str().unwrap().contains("nothing is listening"), "{file:#}");
        }
        assert!(!out.join("a_case_2_1.json").exists(), "an old file says OK of what was not asked for");
    }
}

#[test]
fn files_of_cases_of_an_earlier_run_stood_beside_the_index_of_another() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("wsspec-out");
    assert_eq!(wsspec(folder.path(), &["run", "1.1.*", "--agent", "other"]).code, 0);
    fs::write(out.join("notes_case_1.json"), "of the user").unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "2.1"]).code, 0);
    let names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("_case_"))
        .collect();
    assert_eq!(names.len(), 3, "a page and a file of 2.1, and what is not ours: {names:?}");
    assert!(names.iter().all(|name| name.contains("_case_2_1.") || name == "notes_case_1.json"), "{names:?}");
}

#[test]
fn a_job_in_which_nothing_could_be_tested_had_an_empty_page_and_no_files() {
    let folder = tempdir().unwrap();
    let done = in_ci(folder.path(), "GITHUB_ACTIONS", &["run", "ws://127.0.0.1:9", "--md", "m.md"]);
    assert_eq!(done.code, 3, "{done:#?}");
    let commands: Vec<&str> = done.out.lines().filter(|line| line.starts_with("::")).collect();
    let [command] = commands[..] else { panic!("{done:#?}") };
    let title = "::error title=wsspec%3A error[E01]%3A nothing is listening on 127.0.0.1%3A9::";
    assert!(command.starts_with(title) && command.contains("%0A  try "), "{command}");
    for page in ["job.md", "m.md", "wsspec-out/summary.md"] {
        let page = read(folder.path().join(page));
        assert!(page.contains("**nothing was tested**") && page.contains("error[E01]"), "{page}");
        assert!(page.contains("  try      wsspec run"), "{page}");
    }
    let junit = read(folder.path().join("wsspec-out/junit.xml"));
    assert!(junit.contains("tests=\"1\"") && junit.contains("errors=\"1\""), "{junit}");
    assert!(read(folder.path().join("wsspec-out/report.html")).contains("INCOMPLETE"));
    let results = folder.path().join("wsspec-out/results.jsonl");
    assert!(!results.exists(), "a run of no case leaves no record");

    let tap = wsspec(folder.path(), &["run", "ws://127.0.0.1:9", "--format", "tap"]);
    let bail_out = "Bail out! the run did not come to its end: error[E01]: nothing is listening on 127";
    assert!(tap.out.contains(bail_out), "{tap:#?}");
}

#[test]
fn every_error_of_a_job_stands_on_its_page() {
    for (args, code, says) in [
        (&["run", "99.*"][..], 2, "error[E17]"),
        (&["run", "5.15", "-x", "5.15"], 4, "error[E29]"),
        (&["run", "--no-such-flag"], 2, "--no-such-flag"),
        (&["serve", "--once", "--port", "0", "--idle-timeout", "200ms"], 4, "error[E22]"),
        (&["merge", "nowhere", "-o", "all"], 2, "error[E18]"),
    ] {
        let folder = tempdir().unwrap();
        let done = in_ci(folder.path(), "GITHUB_ACTIONS", args);
        assert_eq!(done.code, code, "{done:#?}");
        let errors = done.out.lines().filter(|line| line.starts_with("::error ")).count();
        assert_eq!(errors, 1, "{done:#?}");
        let page = read(folder.path().join("job.md"));
        assert!(page.contains("nothing was tested") && page.contains(says), "{page}");
        let quiet = tempdir().unwrap();
        if args.contains(&"99.*") {
            in_ci(quiet.path(), "GITHUB_ACTIONS", &["run", "99.*", "--ci", "none"]);
            assert!(!quiet.path().join("job.md").exists());
        }
    }
}

#[test]
fn a_server_to_which_no_client_came_left_a_green_file() {
    let folder = tempdir().unwrap();
    let serve = ["serve", "--once", "--port", "0", "--idle-timeout", "200ms", "--junit", "j.xml"];
    wsspec(folder.path(), &serve).expect_error(4, "E22");
    for junit in ["j.xml", "wsspec-out/junit.xml"] {
        let junit = read(folder.path().join(junit));
        assert!(junit.contains("errors=\"1\"") && junit.contains("no client connected"), "{junit}");
    }
}

#[test]
fn cases_that_are_run_again_leave_the_record_of_all_where_it_can_be_found() {
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "1.1.*", "2.*"]).code, 0);
    let all = read(folder.path().join("wsspec-out/results.jsonl"));
    let done = wsspec(folder.path(), &["run", "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("kept     wsspec-out/results.1.jsonl   19 results"), "{done:#?}");
    assert_eq!(read(folder.path().join("wsspec-out/results.1.jsonl")), all);
    let numbers = done.out.split("not chosen").nth(1).unwrap().split("\n\n").next().unwrap();
    let left_out: u64 = numbers
        .split(['(', ',', ')', ' ', '\n'])
        .scan(false, |behind_name, word| {
            let number = word.parse::<u64>().ok().filter(|_| *behind_name);
            *behind_name = ["core", "deflate", "frames", "limits", "volume", "slow", "many"].contains(&word);
            Some(number)
        })
        .flatten()
        .sum();
    let listed =
        wsspec(folder.path(), &["list", "@all", "@many", "-E", "not needs(client)", "--format", "ids"]);
    assert_eq!(left_out + 1, listed.out.lines().count() as u64, "{numbers}");
}

#[test]
fn ids_of_failures_can_be_run_again() {
    let folder = with_record(RECORD);
    wsspec(folder.path(), &["report"]);
    let failed = read(folder.path().join("wsspec-out/failed.txt"));
    assert_eq!(failed.lines().filter(|id| *id == "5.15").count(), 1, "{failed}");
    let ids: Vec<&str> = ["list"].into_iter().chain(failed.lines()).collect();
    assert_eq!(wsspec(folder.path(), &ids).code, 0);
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_first_case() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for args in [["--junit", "file/j.xml"], ["--md", "."], ["--html-dir", "file"]] {
        let done = wsspec(folder.path(), &["run", "1.1.1", args[0], args[1]]);
        done.expect_error(6, "E21");
        assert!(!folder.path().join("wsspec-out").exists(), "{done:#?}");
    }
}

#[test]
fn an_address_is_not_taken_for_the_file_of_html() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["run", "--html", "ws://127.0.0.1:1", "1.1.1"]);
    assert!(done.code == 2 && done.err.contains("address"), "{done:#?}");
}

#[test]
fn json_on_stdout_is_the_record() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["run", "1.1.1", "7.1.1", "--format", "json"]);
    assert_eq!(done.out, read(folder.path().join("wsspec-out/results.jsonl")), "{done:#?}");
    assert!(done.err.contains("2 run in"), "text for people goes to stderr: {done:#?}");
    let again = wsspec(folder.path(), &["report", "--format", "json"]);
    let ids = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| format!("{} {}", line["t"], line["id"])).collect()
    };
    let mut sorted = ids(&done.out);
    sorted[1..3].sort();
    assert_eq!(ids(&again.out), sorted);
}

#[test]
fn a_failure_began_on_the_line_of_the_dots() {
    let folder = tempdir().unwrap();
    let echo = format!("{} echo 127.0.0.1:{{port}} --defect orphan-as-text", env!("CARGO_BIN_EXE_wsspec"));
    let done = wsspec(folder.path(), &["run", "1.1.1", "5.9", "--exec", &echo, "--progress", "dots"]);
    let line = done.out.lines().find(|line| line.contains("FAIL")).unwrap();
    assert!(line.trim_start().starts_with("FAIL"), "{done:#?}");
    assert!(done.out.lines().any(|line| line == "."), "{done:#?}");
}

#[test]
fn data_on_stdout_has_no_text_beside_it() {
    let folder = tempdir().unwrap();
    let run = |form: &str| wsspec(folder.path(), &["run", "2.*", "--format", form]);
    let lines = run("lines");
    assert_eq!(lines.out.lines().count(), 11, "{lines:#?}");
    assert!(lines.out.lines().all(|line| line.starts_with("pass\t2.") && line.split('\t').count() == 5));
    assert_eq!(run("dots").out.lines().count(), 1);
    let tap = run("tap");
    assert!(tap.out.starts_with("TAP version 14\nok 1 - 2.") && tap.out.ends_with("\n1..11\n"), "{tap:#?}");
    let none = run("none");
    assert!(none.out.is_empty() && none.err.contains("11 run in"), "{none:#?}");
    assert_eq!(wsspec(folder.path(), &["run", "2.*", "--format", "none", "-qq"]).err, "");
    let served = wsspec(folder.path(), &["report", "--format", "tap"]);
    let names = |text: &str| {
        let points = text.lines().filter_map(|line| line.split_once(" - ").map(|(_, name)| name.to_owned()));
        points.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&served.out), names(&tap.out), "while the run goes on they come as they end");
    assert!(served.out.contains("\nok 11 - 2.11 "), "{served:#?}");
}

fn in_ci(folder: &Path, service: &str, args: &[&str]) -> Done {
    let mut command = command(folder, args);
    command.env(service, "true").env("GITHUB_STEP_SUMMARY", folder.join("job.md"));
    finish(command)
}

#[test]
fn a_run_on_github_adds_to_the_page_of_the_job() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("job.md"), "before\n").unwrap();
    let done = in_ci(folder.path(), "GITHUB_ACTIONS", &["run", "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let page = read(folder.path().join("job.md"));
    assert!(page.starts_with("before\n## wsspec: ") && page.contains("is **strict**"), "{page}");
    assert!(done.out.contains("wsspec-out/junit.xml") && !done.out.contains("::error"), "{done:#?}");
    in_ci(folder.path(), "GITHUB_ACTIONS", &["run", "1.1.1", "--ci", "none"]);
    assert_eq!(read(folder.path().join("job.md")), page);
}

#[test]
fn a_job_was_red_and_nothing_said_why() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Defective(&["fails-with-1000"]));
    let url = peer.url();
    let run = |more: &[&str]| {
        in_ci(folder.path(), "GITHUB_ACTIONS", &[&["run", &url, "1.1.1", "3.1"][..], more].concat())
    };
    let lax = run(&[]);
    assert!(lax.code == 0 && !lax.out.contains("::error"), "{lax:#?}");
    fs::remove_file(folder.path().join("job.md")).unwrap();
    let strict = run(&["--strict"]);
    assert_eq!(strict.code, 1, "{strict:#?}");
    assert!(
        strict.out.contains("::error title=wsspec%3A 1 case is not strict%2C 1 cause (3.1)::"),
        "{strict:#?}"
    );
    for page in ["job.md", "wsspec-out/summary.md"] {
        let page = read(folder.path().join(page));
        assert!(page.contains("1. **`3.1`** ") && page.contains("sequence of 3.1"), "{page}");
    }
    let again = in_ci(folder.path(), "GITHUB_ACTIONS", &["report", "--ci", "auto", "-o", "again"]);
    assert!(
        again.out.contains("1 case is not strict"),
        "the record tells how strict the run was: {again:#?}"
    );
    let tap = run(&["--strict", "--format", "tap"]);
    assert!(tap.out.contains("\nnot ok ") && tap.out.contains(" - 3.1 rsv3-text\n  ---\n"), "{tap:#?}");
}

#[test]
fn failures_are_annotated_by_cause() {
    let folder = with_record(RECORD);
    let done = in_ci(folder.path(), "GITHUB_ACTIONS", &["report", "--ci", "auto"]);
    assert_eq!(done.out.matches("::error title=wsspec%3A ").count(), 2, "{done:#?}");
    let quiet = in_ci(folder.path(), "GITHUB_ACTIONS", &["report"]);
    assert!(!quiet.out.contains("::error"), "the run has told them already: {quiet:#?}");
    let data = in_ci(folder.path(), "GITHUB_ACTIONS", &["report", "--ci", "github", "--format", "tap"]);
    assert!(data.out.starts_with("TAP") && !data.out.contains("::error"), "{data:#?}");
    assert!(data.err.contains("::error"), "{data:#?}");
    let gitlab = in_ci(folder.path(), "GITLAB_CI", &["report", "--ci", "auto"]);
    assert!(gitlab.out.contains("junit.xml") && !gitlab.out.contains("::error"), "{gitlab:#?}");
}

#[test]
fn what_a_peer_sent_is_no_command_in_the_log_of_a_runner() {
    let hostile = RECORD.replace("mylib/2.3", "::error::x ##vso[task] ##teamcity[a] ##[group]");
    let folder = with_record(&hostile);
    for args in
        [&["show", "-vvvv"][..], &["report"], &["report", "--format", "json"], &["report", "--format", "tap"]]
    {
        for service in ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"] {
            let done = in_ci(folder.path(), service, args);
            let text = done.out + &done.err;
            assert!(!text.contains("##"), "{args:?}: {text}");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{args:?}: {text}");
            assert!(text.contains("vso"), "{args:?}: {text}");
        }
    }
}

#[test]
fn frames_are_recorded_of_the_cases_that_are_asked_for() {
    let folder = tempdir().unwrap();
    for (trace, recorded) in [("off", false), ("failures", false), ("all", true)] {
        let done = wsspec(folder.path(), &["run", "1.1.1", "--trace", trace, "--format", "json"]);
        let case: Value = serde_json::from_str(done.out.lines().nth(1).unwrap()).unwrap();
        assert_eq!(!case["events"].as_array().unwrap().is_empty(), recorded, "{trace}");
        assert_eq!(case["verdict"], "pass", "{trace}");
    }
}

#[test]
fn what_is_to_be_kept_out_of_files_is() {
    let folder = tempdir().unwrap();
    let header = ["-H", "X-Api: hush-hush", "-H", "Cookie: biscuit"];
    let run = |redact: &[&str]| {
        let args: Vec<&str> = ["run", "1.1.1"].iter().chain(&header).chain(redact).copied().collect();
        assert_eq!(wsspec(folder.path(), &args).code, 0);
        read(folder.path().join("wsspec-out/results.jsonl"))
    };
    let usual = run(&[]);
    assert!(usual.contains("hush-hush") && !usual.contains("biscuit"));
    let by_name = run(&["--redact", "header:X-Api"]);
    assert!(!by_name.contains("hush-hush"), "{by_name}");
    for file in fs::read_dir(folder.path().join("wsspec-out")).unwrap() {
        let path = file.unwrap().path();
        assert!(path.is_dir() || !read(&path).contains("hush-hush"), "{}", path.display());
    }
    assert!(!run(&["--redact", "hush-hush"]).contains("hush-hush"));
    let nothing = run(&["--redact", "none"]);
    assert!(nothing.contains("biscuit") && nothing.contains(r#""unredacted":true"#));
}

#[test]
fn secrets_of_an_address_were_printed() {
    let folder = tempdir().unwrap();
    for (url, code) in
        [("ws://127.0.0.1:9/x?token=abcdef99&q=1", "E01"), ("ws://me:abcdef99@127.0.0.1:9/", "E27")]
    {
        let done = wsspec(folder.path(), &["run", url, "1.1.1", "--log", "debug.log"]);
        assert!(done.err.contains(code), "{done:#?}");
        let printed = format!("{}{}{}", done.out, done.err, read(folder.path().join("debug.log")));
        assert!(printed.contains("[redacted ") && !printed.contains("abcdef99"), "{printed}");
    }
}

#[test]
fn a_document_can_go_to_stdout_and_is_alone_there() {
    let folder = tempdir().unwrap();
    let run = wsspec(folder.path(), &["run", "1.1.1", "--md", "-"]);
    assert!(run.code == 0 && run.out.starts_with("## wsspec: ") && run.err.contains("1 run in"), "{run:#?}");
    for (flag, beginning) in [("--junit", "<?xml"), ("--badge", "<svg"), ("--html=-", "<!doctype html>")] {
        let more = if flag.contains('=') { &[flag][..] } else { &[flag, "-"] };
        let done = wsspec(folder.path(), &[&["report"], more].concat());
        assert!(done.code == 0 && done.out.to_lowercase().starts_with(beginning), "{done:#?}");
        assert!(!done.out.contains("wrote"), "{done:#?}");
    }
    assert!(!folder.path().join("-").exists() && !folder.path().join("-.json").exists());
}

#[test]
fn folders_of_files_were_made_in_silence() {
    let folder = tempdir().unwrap();
    let told = |words: &[&str]| {
        let done = wsspec(folder.path(), words);
        assert_eq!(done.code, 0, "{words:?}: {done:#?}");
        let notes = done.err.lines().filter_map(|line| line.strip_prefix("note: there was no folder "));
        notes.map(|note| note.trim_end_matches(": made it").to_owned()).collect::<Vec<_>>()
    };
    let run = |words: &[&str]| told(&[&["run", "1.1.1"], words].concat());
    assert_eq!(run(&["--junit", "wsspec-out/j.xml"]), [""; 0], "that one a run makes");
    assert_eq!(run(&["--junit", "a/b/j.xml", "--md", "a/b/s.md"]), ["a/b"]);
    assert_eq!(run(&["--junit", "a/b/j.xml"]), [""; 0]);
    assert_eq!(run(&["--badge", "c/b.svg", "--keylog", "d/k", "--log", "e/l"]), ["e", "c", "d"]);
    for (words, made) in [
        (&["report", "--md", "f/s.md", "--pcap", "g/p"][..], &["f", "g"][..]),
        (&["diff", "wsspec-out", "wsspec-out", "--md", "h/d.md"], &["h"]),
        (&["repro", "1.1.1", "-o", "i/r.py"], &["i"]),
        (&["baseline", "create", "--file", "k/b.toml", "--reason", "known"], &["k"]),
    ] {
        assert_eq!(told(words), made);
    }
    if cfg!(target_os = "linux") {
        // Nobody makes folders there, not even root.
        wsspec(folder.path(), &["run", "1.1.1", "--junit", "/sys/x/j.xml"]).expect_error(6, "E21");
    }
}

#[test]
fn the_folder_that_every_run_makes_was_told_of() {
    let silent = |words: &dyn Fn(&Path) -> Vec<String>| {
        let folder = tempdir().unwrap();
        let words = words(folder.path());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = wsspec(folder.path(), &words);
        assert!(folder.path().join("wsspec-out").is_dir(), "{done:#?}");
        assert!(!done.err.contains("there was no folder"), "{done:#?}");
    };
    for words in [
        &["run", "1.1.1", "--log", "wsspec-out/d.log"][..],
        &["run", "1.1.1", "--junit", "./wsspec-out/j.xml"],
        &["run", "1.1.1", "-o", "./wsspec-out/", "--md", "wsspec-out/a/s.md", "--keylog", "wsspec-out/b/k"],
        &["serve", "--once", "--port", "0", "--idle-timeout", "300ms", "--pcap", "wsspec-out/p.pcapng"],
    ] {
        silent(&|_| words.iter().copied().map(str::to_owned).collect());
    }
    silent(&|folder| {
        let path = folder.join("wsspec-out/j.xml").display().to_string();
        ["run", "1.1.1", "--junit", &path].map(str::to_owned).to_vec()
    });
}

#[test]
fn errors_at_the_end_were_80_columns_wide_on_every_terminal() {
    let folder = tempdir().unwrap();
    // The badge can be written, and what stands beside it cannot.
    let badges = "some/long/folder/of/badges";
    fs::create_dir_all(folder.path().join(badges).join("badge.json")).unwrap();
    let badge = format!("{badges}/badge.svg");
    let mut run = command(folder.path(), &["run", "ws://127.0.0.1:9", "1.1.1", "--badge", &badge]);
    run.env("COLUMNS", "60");
    finish(run).expect_width("E21", 60);
}

#[cfg(target_os = "linux")]
#[test]
fn an_argument_that_is_no_text_was_a_panic() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempdir().unwrap();
    let out = std::ffi::OsStr::from_bytes(b"out\xff");
    let mut run = command(folder.path(), &["run", "1.1.1", "-o"]);
    run.arg(out);
    let done = finish(run);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(read(folder.path().join(out).join("results.jsonl")).contains("out\u{fffd}"));
}

#[test]
fn a_dash_for_a_folder_made_one_of_that_name() {
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
    for words in [
        &["report", "-o", "-"][..],
        &["report", "--html-dir", "-"],
        &["run", "1.1.1", "-o", "-"],
        &["run", "1.1.1", "--html-dir=-"],
        &["merge", "wsspec-out", "-o", "-"],
        &["serve", "--port", "0", "-o", "-"],
    ] {
        let done = wsspec(folder.path(), words);
        assert!(done.code == 2 && done.err.contains("error[E21]: stdout can hold one document"), "{done:#?}");
        assert!(done.err.contains("--html -") && !folder.path().join("-").exists(), "{words:?}: {done:#?}");
    }
}
