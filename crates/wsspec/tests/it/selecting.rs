//! Which cases run, how the peer is found, and what becomes of earlier records.

use std::collections::HashSet;
use std::path::Path;

use tempfile::tempdir;

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer, Then};
use crate::program::{command, wsspec};
use crate::tester::{Tester, free_port};

fn ran(folder: &Path) -> Vec<String> {
    let cases = record(folder).into_iter().filter(|line| line["t"] == "case");
    cases.map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_host_can_be_given_an_address_and_a_family() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let port = peer.address.port();
    let url = format!("ws://no-such-host.invalid:{port}/");
    let fixed = format!("no-such-host.invalid:{port}:127.0.0.1");
    let done = wsspec(folder.path(), &["run", &url, "1.1.1", "--resolve", &fixed]);
    assert_eq!(done.code, 0, "{done:#?}");
    let request = record(folder.path())[1]["handshake"]["request"].to_string();
    assert!(request.contains(&format!("Host: no-such-host.invalid:{port}")), "{request}");

    let here = format!("ws://127.0.0.1:{port}");
    assert_eq!(wsspec(folder.path(), &["run", &here, "1.1.1", "-4"]).code, 0);
    let done = wsspec(folder.path(), &["run", &here, "1.1.1", "-6"]);
    done.expect_error(3, "E02");
    assert_eq!(wsspec(folder.path(), &["run", &here, "1.1.1", "-4", "-6"]).code, 2);
}

#[test]
fn a_server_that_discards_is_tested_by_what_needs_no_echo() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.*", "2.*", "3.1", "--mode", "discard"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("echo not tried"), "{done:#?}");
    let ran = ran(folder.path());
    assert!(!ran.contains(&"1.1.1".to_owned()) && ran.contains(&"2.1".to_owned()), "{ran:?}");
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "--mode", "discard"]);
    done.expect_error(4, "E29");
}

#[test]
fn an_expression_was_true_for_a_case_by_the_results_of_different_implementations() {
    let folder = tempdir().unwrap();
    let (good, bad) = (Peer::always(Manner::Echo), Peer::always(Manner::Defective(&["pong-truncated"])));
    let (good, bad) = (good.url(), bad.url());
    let names = ["--agent", "good", "--agent", "bad", "--no-confirm"];
    let done = wsspec(folder.path(), &[&["run", &good, &bad, "2.1", "2.4"], &names[..]].concat());
    assert_eq!(done.code, 1, "{done:#?}");
    let out = |args: &[&str]| wsspec(folder.path(), args).out;
    for (filter, ids) in [
        ("agent(good) and status(fail)", ""),
        ("agent(bad) and status(fail)", "2.4\n"),
        ("agent(bad) and not status(pass)", "2.4\n"),
        ("agent(good) and not status(pass)", ""),
        ("differs()", "2.4\n"),
    ] {
        // A case that did not run has no result.
        let filter = format!("id(2.[14]) and {filter}");
        assert_eq!(out(&["list", "-E", &filter, "--format", "ids"]), ids, "{filter}");
        let shown = out(&["show", "-E", &filter]);
        assert_eq!(shown.contains("2.4"), !ids.is_empty(), "{filter}: {shown}");
    }
    let again = ["run", &good, "-E", "agent(good) and status(fail)", "--from", "wsspec-out"];
    wsspec(folder.path(), &again).expect_error(4, "E29");
    let lines = out(&["report", "-E", "differs()", "--format", "lines"]);
    assert_eq!(lines.lines().count(), 2, "both results of the case that differs: {lines}");
}

#[test]
fn tls_can_be_required() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "--require", "tls"]);
    done.expect_error(3, "E30");
}

#[test]
fn earlier_records_are_kept_or_continued_when_asked_for() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("wsspec-out");
    for case in ["1.1.1", "1.1.2", "1.1.3", "1.1.4"] {
        assert_eq!(wsspec(folder.path(), &["run", case, "--keep", "2"]).code, 0);
    }
    let first_case =
        |name: &str| std::fs::read_to_string(out.join(name)).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(first_case("results.jsonl").contains("\"1.1.4\""));
    assert!(first_case("results.1.jsonl").contains("\"1.1.3\""));
    assert!(first_case("results.2.jsonl").contains("\"1.1.2\""));
    assert!(!out.join("results.3.jsonl").exists());

    // The last line of a run that was killed is cut off; it is not continued.
    let mut text = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    text.push_str("{\"t\":\"case\",\"agent\"");
    std::fs::write(out.join("results.jsonl"), text).unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "2.1", "--append"]).code, 0);
    let done = wsspec(folder.path(), &["show", "1.1.4", "2.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(ran(folder.path()), ["1.1.4", "2.1"]);
}

#[test]
fn sets_and_tags_choose() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["list", "-E", "set(quick) and not tag(close)", "--format", "ids"]);
    let ids: Vec<&str> = done.out.lines().collect();
    assert!(done.code == 0 && ids.len() > 20 && !ids.iter().any(|id| id.starts_with("7.")), "{done:#?}");
    let done = wsspec(folder.path(), &["run", "@quick", "-o", "quick"]);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn the_last_failed_are_run_against_the_server_that_failed_them() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str]| wsspec(folder.path(), &[&["run", "-o", "out"], args].concat());
    // It answers no Ping; the built-in endpoint, which is tested if no address is known, passes everything.
    let program = env!("CARGO_BIN_EXE_wsspec");
    let server = format!("{program} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered");
    let first = run(&["2.1", "1.1.1", "2.2", "--exec", &server, "--agent", "mine", "--no-echo-check"]);
    assert_eq!(first.code, 1, "{first:#?}");
    assert!(first.out.contains("wsspec run --last-failed -o out"), "{first:#?}");
    let again = run(&["--last-failed"]);
    assert!(again.code == 1 && again.out.contains("mine"), "{again:#?}");
    let record = std::fs::read_to_string(folder.path().join("out/results.jsonl")).unwrap();
    let mut cases = record.lines().filter(|line| line.contains(r#""t":"case""#)).peekable();
    assert!(cases.peek().is_some() && cases.all(|case| case.contains(r#""id":"2.1""#)), "{record}");
}

#[test]
fn the_last_failed_were_forgotten_once_another_case_had_been_run() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str]| wsspec(folder.path(), &[&["run"], args].concat());
    let program = env!("CARGO_BIN_EXE_wsspec");
    let server = format!("{program} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered");
    let peer = ["--exec", &server, "--agent", "mine", "--no-echo-check"];
    assert_eq!(run(&[&["2.1", "1.1.1", "2.2"][..], &peer].concat()).code, 1);
    assert_eq!(run(&[&["1.1.1"][..], &peer].concat()).code, 0);
    let again = run(&["--last-failed"]);
    assert_eq!(again.code, 1, "{again:#?}");
    assert!(ran(folder.path()).iter().all(|id| id == "2.1"), "{again:#?}");
    let source = Path::new("wsspec-out").join("results.1.jsonl");
    let told = format!("note: last failed: 1 result in {}\n", source.display());
    assert!(again.err.contains(&told), "{again:#?}");

    assert_eq!(run(&["2.1", "1.1.1", "2.2", "--agent", "mine"]).code, 0, "the newest results count");
    let again = run(&["--last-failed"]);
    assert!(again.code == 0 && again.out.starts_with("nothing failed last time"), "{again:#?}");
    assert_eq!(again.err, "");
}

#[test]
fn what_failed_is_repeated_for_the_implementation_at_the_address() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str]| wsspec(folder.path(), &[&["run"], args].concat());
    let (bad, good) = (Peer::always(Manner::Upgrade(b"", Then::Silence)), Peer::always(Manner::Echo));
    let failing = run(&[&bad.url(), "1.1.1", "2.1", "--agent", "bad", "--no-echo-check", "--no-confirm"]);
    assert_eq!(failing.code, 1, "{failing:#?}");
    assert_eq!(run(&[&good.url(), "1.1.1", "--agent", "good"]).code, 0);
    let again = run(&[&good.url(), "--last-failed"]);
    assert!(again.code == 0 && again.out.contains("nothing failed last time"), "{again:#?}");
    let again = run(&[&bad.url(), "--last-failed", "--no-echo-check", "--no-confirm"]);
    assert!(again.code == 1 && ran(folder.path()).contains(&"1.1.1".to_owned()), "{again:#?}");
}

#[test]
fn every_set_holds_what_its_name_says() {
    let folder = tempdir().unwrap();
    let ids = |set: &str| -> Vec<String> {
        let done = wsspec(folder.path(), &["list", &format!("@{set}"), "--format", "ids"]);
        assert_eq!(done.code, 0, "{done:#?}");
        done.out.lines().map(str::to_owned).collect()
    };
    for (set, cases) in [("core", 247), ("limits", 54), ("volume", 216), ("autobahn", 517)] {
        assert_eq!(ids(set).len(), cases, "{set}");
    }
    let is_within = |inner: &str, outer: &str| {
        let outer = ids(outer);
        ids(inner).iter().all(|id| outer.contains(id))
    };
    assert!(is_within("quick", "core") && is_within("core", "autobahn") && is_within("autobahn", "all"));
    let sections = ["21.", "22."];
    assert!(ids("deflate").iter().all(|id| sections.iter().any(|section| id.starts_with(section))));
    assert!(!ids("deflate").is_empty() && !ids("quick").is_empty());
}

#[test]
fn nothing_asked_for_is_core_and_deflate_where_that_is_negotiated() {
    let folder = tempdir().unwrap();
    let echo = |more: &[&str]| {
        let address = format!("127.0.0.1:{}", free_port());
        let server = command(folder.path(), &[&["echo", &address], more].concat());
        (Tester::start(server, 0, "listening on "), address)
    };
    let (_with, with) = echo(&[]);
    let (_without, without) = echo(&["--no-deflate"]);
    let deflate = wsspec(folder.path(), &["list", "@deflate", "-E", "not needs(client)", "--format", "ids"]);
    let all: HashSet<&str> = deflate.out.lines().collect();
    assert!(all.len() > 80, "{deflate:#?}");

    let (a, b) = (format!("{with}=with"), format!("{without}=without"));
    let done = wsspec(folder.path(), &["run", &with, &without, "--agent", &a, "--agent", &b]);
    assert_eq!(done.code, 0, "{done:#?}");
    let record = record(folder.path());
    // One that failed beside the others, on a busy machine, was tried again.
    let of = |agent: &str| -> HashSet<&str> {
        let cases = record.iter().filter(|line| line["t"] == "case" && line["agent"] == agent);
        cases.map(|line| line["id"].as_str().unwrap()).collect()
    };
    assert_eq!((of("with").len(), of("without").len()), (247 + all.len(), 247));
    assert!(all.is_subset(&of("with")), "{done:#?}");
    let run = &record[0];
    assert_eq!(run["set"], serde_json::json!(["core", "deflate"]));
    assert_eq!(run["catalog"], wsspec_cases::sets::CATALOG);
    assert_eq!(run["selected"], 247 + all.len());
    assert_eq!(record.last().unwrap()["complete"], true);
    let more = format!("deflate        is negotiated: {} cases more", all.len());
    let none =
        format!("note[E13]: permessage-deflate was not negotiated; the {} cases of @deflate", all.len());
    assert!(done.out.contains("247 cases (core)") && done.out.contains(&more), "{done:#?}");
    let told = done.err.split_whitespace().collect::<Vec<_>>().join(" ");
    let block =
        ["offered permessage-deflate", "got an answer without", "fine if", "strict --require deflate"];
    assert!(block.iter().all(|fact| told.contains(fact)), "{done:#?}");
    assert!(told.contains(&none) && !done.out.contains("not negotiated"), "{done:#?}");

    let done = wsspec(folder.path(), &["run", &without]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.out.contains(&format!("not chosen  deflate {} (~2 s; not negotiated)", all.len())),
        "{done:#?}"
    );
    assert!(done.out.contains("\n247 run in"), "{done:#?}");
    let run = &self::record(folder.path())[0];
    assert_eq!((&run["set"], &run["selected"]), (&serde_json::json!(["core"]), &247.into()));

    let done = wsspec(folder.path(), &["run", &without, "-x", "@core", "--html"]);
    done.expect_error(4, "E29");
    let again = format!("  try      wsspec run {without} @deflate -x @core --html\n");
    assert!(done.err.contains(&again), "the advice dropped what was typed: {done:#?}");
    let named = wsspec(folder.path(), &["run", &with, "@core"]);
    assert!(named.out.contains("\n247 run in"), "a set that is named is just that: {named:#?}");
    wsspec(folder.path(), &["run", &without, "--require", "deflate"]).expect_error(3, "E13");
}

#[test]
fn sets_are_listed_with_the_version_of_the_catalogue() {
    let folder = tempdir().unwrap();
    let version = wsspec_cases::sets::CATALOG;
    let sets = wsspec(folder.path(), &["list", "--sets"]);
    assert!(sets.out.contains(&format!("catalogue {version}")), "{sets:#?}");
    let program = wsspec(folder.path(), &["--version"]);
    assert!(program.out.contains(&format!("(catalogue {version})")), "{program:#?}");
    assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
    let page = std::fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    assert!(
        page.contains(&format!("<th scope=\"row\">catalogue</th><td>{version}</td>")),
        "the page of the run names it"
    );
    assert_eq!(record(folder.path())[0]["catalog"], version);
}
