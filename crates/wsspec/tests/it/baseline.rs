//! The file of expected verdicts: what it excuses, what it does not, and how it is kept.

use std::path::Path;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::hostile_peer::{PREFLIGHT, record};
use crate::looking::{RECORD, with_record};
use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};
use crate::tester::Tester;
use crate::visitor::{Visitor, closed};
use crate::whole_run::Echo;

const FILE: &str = "wsspec.baseline.toml";

/// A server whose pongs, and everything else, are missing: every case fails that wants an answer.
fn silent() -> Peer {
    Peer::always(Manner::Upgrade(b"", Then::Close))
}

fn run(folder: &Path, peer: &Peer, more: &[&str]) -> Done {
    let url = peer.url();
    let mut args = vec!["run", &url, "2.1", "2.2", "2.8", "--no-echo-check", "--no-confirm"];
    args.extend_from_slice(more);
    wsspec(folder, &args)
}

fn write(folder: &TempDir, entries: &str) {
    std::fs::write(folder.path().join(FILE), format!("schema = 1\n{entries}")).unwrap();
}

fn entry(cases: &str, verdict: &str, more: &str) -> String {
    format!(
        "# about {cases}\n[[expect]]\ncases = [{cases:?}]\nverdict = {verdict:?}\nreason = \"known\"\n{more}\n"
    )
}

fn outcomes(folder: &Path) -> Vec<(String, String)> {
    let cases = record(folder).into_iter().filter(|line| line["t"] == "case");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    cases.map(|case| (text(&case["id"]), text(&case["outcome"]))).collect()
}

/// A text without its breaks of lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn exit_in_record(folder: &Path) -> Value {
    record(folder).last().unwrap()["exit"].clone()
}

#[test]
fn what_is_listed_is_known_and_what_is_worse_is_unexpected() {
    let folder = tempdir().unwrap();
    write(&folder, &entry("2.*", "fail", "issue = \"https://example.org/97\""));
    let done = run(folder.path(), &silent(), &["--baseline", FILE]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("3 known") && !done.out.contains("fixed"), "{done:#?}");
    assert!(done.out.contains(&format!("baseline       {FILE} (1)")), "{done:#?}");
    assert!(
        outcomes(folder.path()).iter().all(|(_, outcome)| outcome == "known"),
        "{:?}",
        outcomes(folder.path())
    );
    let case = record(folder.path()).into_iter().find(|line| line["id"] == "2.1").unwrap();
    assert_eq!(case["known"], serde_json::json!({"reason": "known", "issue": "https://example.org/97"}));
    assert_eq!(record(folder.path())[0]["baseline"], FILE);

    write(&folder, &entry("2.1", "fail", ""));
    let done = run(folder.path(), &silent(), &["--baseline", FILE]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.out.contains("2 unexpected: 2.2 2.8 (") && done.out.contains("1 known"), "{done:#?}");
    assert_eq!(exit_in_record(folder.path()), 1);
}

#[test]
fn stale_and_expired_entries_are_told_of_and_strict_makes_them_5() {
    let folder = tempdir().unwrap();
    write(&folder, &(entry("2.1", "fail", "") + &entry("2.2", "any", "until = \"2020-01-31\"")));
    let peer = Peer::always(Manner::Echo);
    let done = run(folder.path(), &peer, &["--baseline", FILE]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("note[E24]") && done.out.contains("1 fixed"), "{done:#?}");

    let done = run(folder.path(), &peer, &["--baseline", FILE, "--strict-baseline"]);
    done.expect_error(5, "E24");
    assert!(done.err.contains(&format!("{FILE}:3   2.1 is listed as fail but passes now")), "{done:#?}");
    assert!(done.err.contains(&format!("{FILE}:9   the entry for 2.2 expired on 2020-01-31")), "{done:#?}");
    assert_eq!(exit_in_record(folder.path()), 5);
    assert!(done.err.contains("baseline update --reason TEXT"), "{done:#?}");
    // Reports that are made again say the same.
    for again in [false, true] {
        let read = |name: &str| std::fs::read_to_string(folder.path().join("wsspec-out").join(name)).unwrap();
        assert!(
            read("badge.json").contains(r#""message":"1 fixed""#),
            "again {again}: {}",
            read("badge.json")
        );
        assert_eq!(read("failed.txt"), "2.1\n", "again {again}");
        assert_eq!(wsspec(folder.path(), &["report", "wsspec-out"]).code, 0);
    }

    let done = run(folder.path(), &peer, &["--baseline", FILE, "--strict-baseline", "--exit-zero"]);
    assert_eq!(done.code, 0, "{done:#?}");
    // A failure is graver than a stale entry.
    write(&folder, &(entry("2.*", "any", "until = \"2020-01-31\"")));
    let done = run(folder.path(), &silent(), &["--baseline", FILE, "--strict-baseline"]);
    assert_eq!(done.code, 1, "what has expired excuses nothing: {done:#?}");
}

#[test]
fn only_fixed_took_out_what_had_expired_and_named_nothing() {
    let folder = tempdir().unwrap();
    write(&folder, &(entry("2.1", "fail", "") + &entry("2.2", "any", "until = \"2020-01-31\"")));
    assert_eq!(run(folder.path(), &Peer::always(Manner::Echo), &[]).code, 0);
    let done = wsspec(folder.path(), &["baseline", "update", "--only-fixed"]);
    assert!(done.out.contains("without 2.1: ") && !done.out.contains("2.2"), "{done:#?}");
    let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert!(!text.contains("\"2.1\"") && text.contains("\"2.2\""), "{text}");
    let done = wsspec(folder.path(), &["baseline", "update"]);
    assert!(done.out.contains("removed 2.2: it expired on 2020-01-31"), "{done:#?}");
}

#[test]
fn a_baseline_is_created_checked_explained_and_updated() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    assert_eq!(run(path, &silent(), &[]).code, 1);
    let done = wsspec(path, &["baseline", "create"]);
    assert!(done.code == 2 && done.err.contains("--reason"), "{done:#?}");
    let done = wsspec(
        path,
        &["baseline", "create", "--reason", "initial import", "--issue", "https://example.org/1"],
    );
    assert_eq!(done.code, 0, "{done:#?}");
    let done = wsspec(path, &["baseline", "create", "--reason", "again"]);
    assert!(done.code == 2 && done.err.contains("is there already"), "{done:#?}");

    let done = wsspec(path, &["baseline", "check"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("3 known") && done.out.contains("0 unexpected"), "{done:#?}");
    let done = wsspec(path, &["baseline", "explain", "2.1"]);
    assert!(done.out.contains("initial import") && done.out.contains("known"), "{done:#?}");
    assert_eq!(run(path, &silent(), &["--baseline", FILE, "--strict-baseline"]).code, 0);

    // All is well now, and the file says so after an update; comments stay.
    let text = std::fs::read_to_string(path.join(FILE)).unwrap();
    std::fs::write(path.join(FILE), format!("# mine\n{text}")).unwrap();
    assert_eq!(run(path, &Peer::always(Manner::Echo), &["--agent", "127.0.0.1"]).code, 0);
    let file = std::fs::read_to_string(path.join(FILE)).unwrap();
    let agent = file.lines().find_map(|line| line.strip_prefix("agent   = ")).unwrap().to_owned();
    std::fs::write(path.join(FILE), file.replace(&agent, "\"*\"")).unwrap();
    let done = wsspec(path, &["baseline", "check"]);
    assert!(done.code == 5 && done.err.contains("error[E24]") && done.out.contains("3 fixed"), "{done:#?}");
    let done = wsspec(path, &["baseline", "update", "--only-fixed"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let file = std::fs::read_to_string(path.join(FILE)).unwrap();
    assert!(file.starts_with("# mine\nschema = 1") && !file.contains("2.1"), "{file}");

    assert_eq!(run(path, &silent(), &[]).code, 1);
    let done = wsspec(path, &["baseline", "check"]);
    assert!(done.code == 1 && done.out.contains("unexpected: 2.1 2.2 2.8"), "{done:#?}");
    let done = wsspec(path, &["baseline", "update", "--reason", "new"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(wsspec(path, &["baseline", "check"]).code, 0);
}

#[test]
fn mistakes_in_a_baseline_stop_before_the_first_case() {
    let folder = tempdir().unwrap();
    write(&folder, "[[expect]]\ncases = [\"2.1\"]\nverdct = \"fail\"\n");
    let done = run(folder.path(), &silent(), &["--baseline", FILE]);
    done.expect_error(2, "E18");
    assert!(done.err.contains(&format!("{FILE}:4:1: unknown key \"verdct\"")), "{done:#?}");
    assert!(done.err.contains("did you mean \"verdict\"?"), "{done:#?}");
    assert!(!folder.path().join("wsspec-out/results.jsonl").exists());
    let done = run(folder.path(), &silent(), &["--baseline", "missing.toml"]);
    done.expect_error(2, "E18");
}

#[test]
fn fail_on_and_strict_say_what_is_red() {
    let folder = tempdir().unwrap();
    assert_eq!(run(folder.path(), &silent(), &["--fail-on", "never"]).code, 0);
    assert_eq!(run(folder.path(), &silent(), &["--exit-zero"]).code, 0);
    assert_eq!(run(folder.path(), &silent(), &["--strict"]).code, 1);
    assert_eq!(exit_in_record(folder.path()), 1);
    let nothing = wsspec(folder.path(), &["run", "127.0.0.1:1", "2.1", "--exit-zero"]);
    assert_eq!(nothing.code, 3, "what could not be run is never 0: {nothing:#?}");
}

#[test]
fn a_server_that_echoes_twice_is_no_echo_peer() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--defect", "message-twice"]);
    let done = wsspec(folder.path(), &["run", &server.url, "1.1.1"]);
    done.expect_error(3, "E12");
    assert!(done.err.contains("the server sends more than the echo"), "{done:#?}");
}

#[test]
fn a_limit_of_the_user_breaks_no_rule_of_the_server() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let done =
        wsspec(folder.path(), &["run", &server.url, "6.4.1", "--case-timeout", "50ms", "--no-confirm"]);
    assert_eq!(done.code, 6, "{done:#?}");
    for part in ["ERR", "The case was cut short after 50 ms (--case-timeout)"] {
        assert!(done.out.contains(part), "{part}: {done:#?}");
    }
}

#[test]
fn what_is_not_strict_is_red_only_if_asked_for() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--quirk", "fails-without-close"]);
    let run = |more: &[&str]| wsspec(folder.path(), &[&["run", &server.url, "14.1.1"][..], more].concat());
    let done = run(&[]);
    assert!(done.code == 0 && done.out.contains("1 non-strict"), "{done:#?}");
    for more in [&["--strict"][..], &["--fail-on", "should"]] {
        let done = run(more);
        assert_eq!(done.code, 1, "{more:?}");
        assert_eq!(exit_in_record(folder.path()), 1, "{more:?}");
        for part in
            ["---- cause 1 of 1 --", "non-strict 14.1.1 ", "again    wsspec run --last-failed --strict"]
        {
            assert!(done.out.contains(part), "{part}: {done:#?}");
        }
        assert!(
            done.out.find("  non-strict 14.1.1 ") < done.out.find("---- cause"),
            "as it happens: {done:#?}"
        );
    }
    let again = wsspec(folder.path(), &["run", &server.url, "--last-failed", "--strict"]);
    assert!(again.code == 1 && again.out.contains("1 run in"), "{again:#?}");
    assert_eq!(run(&["--fail-on", "must"]).code, 0);
}

#[test]
fn a_fail_that_is_only_not_strict_now_lost_its_entry_under_strict() {
    let folder = tempdir().unwrap();
    let server = Echo::start_with(folder.path(), &["--quirk", "fails-without-close"]);
    let strict = |more: &[&str]| {
        let args = ["run", &server.url, "14.1.1", "1.1.1", "--strict", "--baseline", FILE];
        wsspec(folder.path(), &[&args[..], more].concat())
    };
    write(&folder, &entry("14.1.1", "fail", "issue = \"https://example.org/97\""));
    let done = strict(&["--strict-baseline"]);
    done.expect_error(5, "E24");
    for told in [&done, &wsspec(folder.path(), &["baseline", "check"])] {
        let advice = "or verdict = \"non-strict\" in the entry; without one the run fails";
        let is = format!("{FILE}:3 14.1.1 is listed as fail but is non-strict now");
        for part in [&is, "try wsspec baseline update --only-fixed", advice] {
            assert!(one_line(&told.err).contains(part), "{part}: {told:#?}");
        }
    }
    let done = wsspec(folder.path(), &["baseline", "update", "--only-fixed"]);
    assert!(done.out.contains(&format!("{FILE}:3   non-strict 14.1.1: it was fail (known)\n")), "{done:#?}");
    assert!(done.out.contains("0 entries narrowed, 1 lowered, 0 removed, 0 added"), "{done:#?}");
    assert_eq!(strict(&["--strict-baseline"]).code, 0, "the entry is as narrow as can be");
    // Where it need not be strict, the entry goes.
    write(&folder, &entry("14.1.1", "fail", ""));
    let done = wsspec(folder.path(), &["run", &server.url, "14.1.1", "--baseline", FILE]);
    assert!(done.code == 0 && !done.err.contains("or  "), "{done:#?}");
    wsspec(folder.path(), &["baseline", "update", "--only-fixed"]);
    assert!(!std::fs::read_to_string(folder.path().join(FILE)).unwrap().contains("14.1.1"));
}

#[test]
fn a_known_failure_that_passed_when_it_was_tried_again_was_fixed() {
    let folder = tempdir().unwrap();
    let peer = || {
        Peer::start(|n| match n {
            PREFLIGHT => Manner::Upgrade(b"", Then::Close),
            _ => Manner::Echo,
        })
    };
    let run = |verdict: &str| {
        write(&folder, &entry("1.1.2", verdict, ""));
        let args = ["1.1.2", "--baseline", FILE, "--strict-baseline", "--fail-on", "flaky"];
        wsspec(folder.path(), &[&["run", &peer().url()], &args[..]].concat())
    };
    for (verdict, outcome) in [("fail", "flaky"), ("timeout", "flaky"), ("flaky", "known")] {
        let done = run(verdict);
        assert!(done.code == 0 && !done.err.contains("E24"), "{verdict}: {done:#?}");
        assert!(done.out.contains(&format!("1 {outcome}")), "{verdict}: {done:#?}");
        let last = outcomes(folder.path()).pop().unwrap();
        assert_eq!(last, ("1.1.2".to_owned(), outcome.to_owned()), "{verdict}");
        let done = wsspec(folder.path(), &["baseline", "check"]);
        assert!(done.code == 0 && done.out.contains("0 fixed"), "{verdict}: {done:#?}");
    }
}

#[test]
fn clients_are_compared_with_a_baseline_too() {
    let folder = tempdir().unwrap();
    let entry = |cases: &str, verdict: &str| {
        format!("[[expect]]\ncases = [\"{cases}\"]\nverdict = \"{verdict}\"\nreason = \"it is so\"\n\n")
    };
    let known = format!("schema = 1\n\n{}", entry("2.1", "timeout"));
    std::fs::write(folder.path().join("known.toml"), &known).unwrap();
    std::fs::write(folder.path().join("stale.toml"), known + &entry("1.1.1", "fail")).unwrap();
    let client = format!(
        "{} echo --connect {{url}} --agent mine --defect ping-empty-unanswered",
        env!("CARGO_BIN_EXE_wsspec")
    );
    let serve = |more: &[&str]| {
        let args = ["serve", "1.1.*", "2.1", "--once", "--port", "0", "--exec", &client];
        wsspec(folder.path(), &[&args[..], more].concat())
    };
    assert_eq!(serve(&[]).code, 1);
    let done = serve(&["--baseline", "known.toml"]);
    assert!(done.code == 0 && done.out.contains("1 known"), "{done:#?}");
    let done = serve(&["--baseline", "stale.toml"]);
    assert!(done.code == 0 && done.err.contains("note[E24]"), "{done:#?}");
    let done = serve(&["--baseline", "stale.toml", "--strict-baseline"]);
    assert!(done.code == 5 && done.err.contains("error[E24]"), "{done:#?}");
    let done = serve(&["--baseline", "stale.toml", "--ci", "github"]);
    let told = format!("{}{}", done.out, done.err);
    assert!(told.contains("::warning file=stale.toml,line="), "only run annotated the entry: {done:#?}");
}

#[test]
fn what_is_better_for_several_implementations_was_told_twice_and_in_bad_grammar() {
    let folder = tempdir().unwrap();
    write(&folder, &entry("2.*", "fail", ""));
    let with = |defect: &'static [&'static str]| Peer::always(Manner::Defective(defect));
    let (good, also, bad) = (with(&[]), with(&[]), with(&["ping-refused"]));
    let told = |urls: [&str; 2]| {
        let args = ["2.1", "2.2", "--agent", "libA", "--agent", "libB", "--baseline", FILE];
        let done = wsspec(
            folder.path(),
            &[&["run"], &urls[..], &args, &["--no-echo-check", "--no-confirm"]].concat(),
        );
        let words = one_line(&done.err);
        let entry = words.split_once(&format!("{FILE}:3 ")).map_or("", |(_, entry)| entry);
        entry.split(" try ").next().unwrap_or_default().to_owned()
    };
    let both = told([&good.url(), &also.url()]);
    assert_eq!(both, "2.1 2.2 are listed as fail but pass now for libA, libB");
    let one = told([&good.url(), &bad.url()]);
    assert_eq!(one, "2.1 2.2 are listed as fail but pass now for libA, not for libB");
    // Each has become better in another case.
    let (first, second) = (with(&["pong-empty"]), with(&["ping-empty-refused"]));
    let each = told([&first.url(), &second.url()]);
    let (passes, does_not) = ("libA (2.1), libB (2.2)", "libA (2.2), libB (2.1)");
    assert_eq!(each, format!("2.1 2.2 are listed as fail but pass now for {passes}, not for {does_not}"));
}

#[test]
fn results_that_are_not_where_they_were_said_to_be_made_check_green() {
    let folder = tempdir().unwrap();
    write(&folder, &entry("2.1", "fail", ""));
    assert_eq!(wsspec(folder.path(), &["baseline", "check"]).code, 0, "before the first run");
    for action in ["check", "explain"] {
        wsspec(folder.path(), &["baseline", action, "--from", "nowhere"]).expect_error(2, "E18");
    }
    let other = wsspec(folder.path(), &["baseline", "check", "--file", "nope.toml"]);
    other.expect_error(2, "E18");
    let create = "  try      wsspec baseline create --reason TEXT --file nope.toml\n           after a run";
    assert!(other.err.contains(create), "{other:#?}");
}

#[test]
fn an_entry_without_results_was_told_in_a_line_of_any_length() {
    let folder = with_record(RECORD);
    let cases: Vec<String> = (1..=8).map(|n| format!("1.2.{n}")).collect();
    let entry = format!("cases = {cases:?}\nverdict = \"fail\"\nreason = \"known\"");
    std::fs::write(folder.path().join(FILE), format!("schema = 1\n[[expect]]\n{entry}\n")).unwrap();
    let done = wsspec(folder.path(), &["baseline", "check"]);
    assert!(one_line(&done.err).contains("1.2.8 matches no result"), "{done:#?}");
    assert!(done.err.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
}

#[test]
fn an_entry_went_that_one_implementation_passes_and_another_needs() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    write(&folder, &(entry("2.1", "fail", "") + &entry("2.2", "fail", "agent = \"libA\"")));
    let (good, mended, bad) = (Peer::always(Manner::Echo), Peer::always(Manner::Echo), silent());
    let run = |urls: [&str; 2]| {
        let args = ["2.1", "2.2", "--agent", "libA", "--agent", "libB", "--baseline", FILE];
        let more = ["--strict-baseline", "--no-echo-check", "--no-confirm", "--exit-zero"];
        wsspec(path, &[&["run"], &urls[..], &args, &more].concat())
    };
    let done = run([&good.url(), &bad.url()]);
    for part in [
        &format!("{FILE}:9 2.2 is listed as fail but passes now for libA {FILE}"),
        &format!("{FILE}:3 2.1 is listed as fail but passes now for libA, not for libB try"),
        "try agent = \"NAME\" in the entry, for who needs it",
    ] {
        assert!(one_line(&done.err).contains(part), "{part}: {done:#?}");
    }
    done.expect_width("E24", 80);
    let done = wsspec(path, &["baseline", "update", "--only-fixed"]);
    let kept = format!("{FILE}:3 kept 2.1: another implementation still needs the entry");
    assert!(done.code == 0 && one_line(&done.out).contains(&kept), "{done:#?}");
    assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
    let stands = one_line(&wsspec(path, &["baseline", "explain", "2.1"]).out);
    for part in ["result 2.1 pass fixed libA", "result 2.1 fail known libB"] {
        assert!(stands.contains(part), "{part}: {stands}");
    }
    let text = std::fs::read_to_string(path.join(FILE)).unwrap();
    assert!(text.contains("cases = [\"2.1\"]") && !text.contains("cases = [\"2.2\"]"), "{text}");
    // Once nobody needs it, it goes.
    run([&good.url(), &mended.url()]);
    wsspec(path, &["baseline", "update", "--only-fixed"]);
    let text = std::fs::read_to_string(path.join(FILE)).unwrap();
    assert!(!text.contains("\"2.1\""), "{text}");
}

#[test]
fn what_became_worse_for_one_implementation_took_the_entry_of_another() {
    let folder = with_record(RECORD);
    let path = folder.path();
    let other =
        RECORD.replace("mylib/2.3", "other/1.0").replace("\"verdict\":\"fail\"", "\"verdict\":\"crash\"");
    std::fs::write(path.join("other.jsonl"), other).unwrap();
    assert_eq!(wsspec(path, &["merge", "wsspec-out", "other.jsonl", "-o", "both"]).code, 0);
    let listed = "cases = [\"2.5\", \"5.*\"]\nverdict = \"fail\"\nreason = \"known\"\nissue = \"https://example.org/97\"";
    std::fs::write(path.join(FILE), format!("schema = 1\n[[expect]]\n{listed}\n")).unwrap();
    let baseline = |words: &[&str]| wsspec(path, &[&["baseline"], words, &["--from", "both"]].concat());
    assert_eq!(baseline(&["check"]).code, 1);
    assert_eq!(baseline(&["update", "--reason", "new"]).code, 0);
    let done = baseline(&["check"]);
    assert!(done.code == 0 && done.out.contains(" 0 unexpected"), "{done:#?}");
    let text = std::fs::read_to_string(path.join(FILE)).unwrap();
    let own = "agent   = \"mylib/*\"\nverdict = \"fail\"\nreason  = \"known\"\nissue   = \"https://example.org/97\"\n";
    assert!(text.contains(own), "{text}");
}

#[test]
fn results_are_compared_with_a_baseline_as_with_what_is_expected() {
    let folder = tempdir().unwrap();
    run(folder.path(), &silent(), &[]);
    std::fs::rename(folder.path().join("wsspec-out/results.jsonl"), folder.path().join("bad.jsonl")).unwrap();
    let diff = |words: &[&str]| wsspec(folder.path(), &[&["diff"][..], words].concat());
    // One is known, one is better than listed once the server is mended, one is of no use.
    write(&folder, &(entry("2.1", "fail", "") + &entry("7.1.1", "fail", "")));
    for sides in [[FILE, "bad.jsonl"], ["bad.jsonl", FILE]] {
        let done = diff(&sides);
        assert_eq!(done.code, 1, "{done:#?}");
        assert!(done.out.contains(&format!("{FILE}  ->  127.0.0.1:")), "{done:#?}");
        assert!(done.out.contains("WORSE      2.2   ok -> FAIL"), "{done:#?}");
        assert!(done.err.contains(&format!("{FILE}:9   the entry for 7.1.1 matches no result")), "{done:#?}");
    }
    run(folder.path(), &Peer::always(Manner::Echo), &[]);
    let done = diff(&[FILE, "wsspec-out", "--md", "diff.md"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("better     2.1   FAIL -> ok"), "{done:#?}");
    let page = std::fs::read_to_string(folder.path().join("diff.md")).unwrap();
    assert!(page.contains(FILE) && page.contains("| better | 2.1 | fail | pass |"), "{page}");
    write(&folder, "");
    assert!(diff(&[FILE]).out.contains("no difference"));
    diff(&[FILE, FILE]).expect_error(2, "E18");
    diff(&["missing.toml", "wsspec-out"]).expect_error(2, "E18");
}

/// The client by hand does not look at reserved bits: case 3.2 fails.
#[test]
fn serve_told_a_known_failure_as_a_new_one() {
    let folder = tempdir().unwrap();
    write(&folder, &entry("3.2", "fail", ""));
    let args = ["1.1.1", "3.2", "3.3", "--once", "-v", "--baseline", FILE];
    let tester = Tester::serve(folder.path(), &args);
    for case in 1..=3 {
        Visitor::ask(tester.port, &format!("/runCase?case={case}&agent=a")).echo();
    }
    closed(tester.port, "/updateReports?agent=a");
    let done = tester.end();
    assert_eq!(done.code, 1, "3.3 is not listed: {done:#?}");
    assert!(done.out.contains("known      3.2\n"), "nothing is said of it: {done:#?}");
    assert!(done.out.contains("FAIL       3.3\n"), "{done:#?}");
    assert!(done.out.contains("1 ok   1 FAIL (3.3)   1 known"), "{done:#?}");
}

#[test]
fn a_filter_that_was_reviewed_is_kept_but_for_what_needs_it_no_more() {
    let folder = tempdir().unwrap();
    let file = |filter: &str| {
        format!(
            "schema = 1\n[[expect]]\nfilter = {filter:?} # reviewed\nverdict = \"timeout\"\nreason = \"known\"\n"
        )
    };
    std::fs::write(folder.path().join(FILE), file("id(2.*)")).unwrap();
    let peer = Peer::always(Manner::Defective(&["ping-empty-unanswered"]));
    let done = run(folder.path(), &peer, &["--baseline", FILE]);
    assert_eq!(done.code, 0, "{done:#?}");
    let done = wsspec(folder.path(), &["baseline", "update", "--only-fixed"]);
    let told = format!("{FILE}:2 without 2.2 2.8: it is not so any more; the filter leaves them out (known)");
    assert!(one_line(&done.out).contains(&told), "{done:#?}");
    let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert_eq!(text, file("id(2.*) and not id(2.2) and not id(2.8)"));
    let done = wsspec(folder.path(), &["baseline", "check"]);
    assert!(done.code == 0 && done.out.contains("0 fixed"), "{done:#?}");
}
