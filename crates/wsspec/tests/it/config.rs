//! `wsspec.toml`: what it says, what is stronger, and what is said about mistakes.

use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer};
use crate::program::{Done, command, finish, wsspec};

fn folder(text: &str) -> TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("wsspec.toml"), text).unwrap();
    folder
}

fn with(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Done {
    let mut command = command(folder, args);
    command.envs(variables.iter().copied());
    finish(command)
}

/// The line of `config show` about a key.
fn shown(folder: &Path, variables: &[(&str, &str)], key: &str, more: &[&str]) -> String {
    let done = with(folder, variables, &[&["config", "show"], more].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    let line = done.out.lines().find(|line| line.split_whitespace().next() == Some(key));
    line.unwrap_or_else(|| panic!("{key}: {done:#?}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

const LAYERED: &str = "schema = 1\n\n[run]\njobs = 3\nfail-on = \"should\"\ncases = [\"1.1.1\", \"2.1\"]\n\n\
                       [output]\nout = \"results\"\n\n[profile.ci]\njobs = 2\n";

#[test]
fn flags_beat_variables_beat_profiles_beat_the_file_beat_what_is_usual() {
    let folder = folder(LAYERED);
    let path = folder.path();
    let ci = ["--profile", "ci"];
    assert_eq!(shown(path, &[], "jobs", &[]), "jobs 3 wsspec.toml:4");
    assert_eq!(shown(path, &[], "jobs", &ci), "jobs 2 wsspec.toml:12 (profile ci)");
    assert_eq!(shown(path, &[("WSSPEC_JOBS", "5")], "jobs", &ci), "jobs 5 $WSSPEC_JOBS");
    assert_eq!(shown(path, &[("WSSPEC_PROFILE", "ci")], "jobs", &[]), "jobs 2 wsspec.toml:12 (profile ci)");
    assert_eq!(shown(path, &[], "max-hangs", &[]), "max-hangs 5 default");
    assert_eq!(shown(path, &[], "out", &[]), "out results wsspec.toml:9");

    let done = wsspec(path, &["run"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("config         wsspec.toml"), "{done:#?}");
    assert!(path.join("results/report.html").exists() && !path.join("wsspec-out").exists());
    assert_eq!(ran(path, "results"), ["1.1.1", "2.1"]);
    assert_eq!(wsspec(path, &["show", "2.1"]).code, 0, "the readers look where run writes");
    let done = with(path, &[("WSSPEC_OUT", "elsewhere")], &["run", "1.1.2", "-o", "here"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(ran(path, "here"), ["1.1.2"], "cases that are typed are the ones");
}

#[test]
fn a_file_that_names_no_server_tested_the_own_endpoint_of_wsspec() {
    let folder = folder("schema = 1\n[run]\ncases = [\"1.1.1\"]\n[profile.ci]\njobs = 2\n");
    let run = |variables: &[(&str, &str)], more: &[&str]| {
        with(folder.path(), variables, &[&["run"], more].concat())
    };
    let ci = [("GITLAB_CI", "true")];
    let other_ci = [("CI", "1")];
    for done in
        [run(&[], &["--profile", "ci"]), run(&[], &["-C", "wsspec.toml"]), run(&ci, &[]), run(&other_ci, &[])]
    {
        done.expect_error(2, "E27");
        assert!(done.err.contains("wsspec.toml names no server"), "{done:#?}");
    }
    let loud = "note: no address given: testing wsspec's own endpoint\n  your server: wsspec run ws://";
    let elsewhere = tempdir().unwrap();
    for done in [run(&[], &[]), with(elsewhere.path(), &ci, &["run", "1.1.1"])] {
        assert!(done.code == 0 && done.err.starts_with(loud), "{done:#?}");
    }
    let own = Peer::always(Manner::Echo);
    let done = run(&ci, &["--profile", "ci", &own.url()]);
    assert!(done.code == 0 && !done.err.contains("no address"), "{done:#?}");
}

fn ran(folder: &Path, out: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(out).join("results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut ids: Vec<_> = lines
        .filter(|line| line["t"] == "case")
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[test]
fn a_name_that_was_typed_was_refused_by_all_targets_but_the_one_it_was_for() {
    let (one, two) = (Peer::always(Manner::Echo), Peer::always(Manner::Echo));
    let table = |name: &str, url: &str| format!("[[target]]\nagent = \"{name}\"\nurl = \"{url}\"\n");
    let folder = folder(&format!("schema = 1\n{}{}", table("libA", &one.url()), table("libB", &two.url())));
    let names = |more: &[&str]| {
        let done = wsspec(folder.path(), &[&["run", "1.1.1"], more].concat());
        assert_eq!(done.code, 0, "{done:#?}");
        let targets = record(folder.path())[0]["targets"].clone();
        [0, 1].map(|at| targets[at]["agent"].as_str().unwrap().to_owned())
    };
    assert_eq!(names(&["--agent", "libB=new"]), ["libA", "new"]);
    let key = format!("{}=other", one.address);
    assert_eq!(names(&["--agent", &key]), ["other", "libB"]);
    let done = wsspec(folder.path(), &["run", "1.1.1", "--agent", "libC=new"]);
    done.expect_error(2, "E27");
    assert!(done.err.contains("1 or libA or ws://"), "{done:#?}");
}

#[test]
fn what_was_typed_was_lost_when_a_variable_or_the_file_said_the_same() {
    let (one, two) = (Peer::always(Manner::Echo), Peer::always(Manner::Echo));
    let table = |name: &str, url: &str| format!("[[target]]\nagent = \"{name}\"\nurl = \"{url}\"\n");
    let tables = format!("{}{}", table("libA", &one.url()), table("libB", &two.url()));
    let folder = folder(&format!("schema = 1\n[run]\nbaseline = \"known.toml\"\n{tables}"));
    let same = [("WSSPEC_AGENT", "libB=new")];
    let done = with(folder.path(), &same, &["run", "1.1.1", "--agent", "libB=new"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let targets = record(folder.path())[0]["targets"].clone();
    assert_eq!([0, 1].map(|at| targets[at]["agent"].as_str().unwrap()), ["libA", "new"]);
    assert!(done.err.contains("there is no known.toml yet"), "it may still be made: {done:#?}");
    let typed = wsspec(folder.path(), &["run", "1.1.1", "--baseline", "known.toml"]);
    typed.expect_error(2, "E18");
}

#[test]
fn the_nearest_file_above_counts_and_its_paths_are_its_own() {
    let folder =
        folder("schema = 1\n[run]\nbaseline = \"known.toml\"\nset = [\"limits\"]\n[output]\nout = \"o\"\n");
    std::fs::write(folder.path().join("known.toml"), "schema = 1\n").unwrap();
    let deep = folder.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    assert_eq!(shown(&deep, &[], "baseline", &[]), "baseline ../../known.toml ../../wsspec.toml:3");
    let done = wsspec(&deep, &["run", "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(ran(folder.path(), "o"), ["1.1.1"]);
    let other = deep.join("other.toml");
    std::fs::write(&other, "schema = 1\n[run]\nset = [\"core\"]\n").unwrap();
    assert_eq!(shown(&deep, &[], "set", &["-C", "other.toml"]), "set core other.toml:3");
    assert_eq!(shown(&deep, &[("WSSPEC_CONFIG", "other.toml")], "set", &[]), "set core other.toml:3");
}

#[test]
fn what_contradicts_a_stronger_value_is_left_out() {
    let folder = folder("schema = 1\n[run]\nfail-on = \"never\"\ncases = [\"1.1.1\"]\n");
    let done = wsspec(folder.path(), &["run", "--strict"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let folder = self::folder("schema = 1\n[run]\nstrict = true\ncases = [\"1.1.1\"]\n");
    let done = with(folder.path(), &[("WSSPEC_FAIL_ON", "never")], &["run"]);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn mistakes_have_a_line_a_column_and_a_suggestion() {
    for (text, says) in [
        ("schema = 1\n[run]\njbos = 2\n", ":3:1: unknown key \"jbos\""),
        ("schema = 1\n[run]\njbos = 2\n", "did you mean \"jobs\"?"),
        ("schema = 1\n[run]\njobs = 0\n", ":3:8: the value of \"jobs\" cannot be used"),
        ("schema = 1\n[run]\nfail-on = \"musst\"\n", "must"),
        ("schema = 1\n[run]\nstrict = \"yes\"\n", "true or false"),
        ("schema = 1\n[run]\nexclude = [1]\n", "a list of texts"),
        ("schema = 1\n[rnu]\n", "did you mean \"run\"?"),
        ("schema = 1\n[[target]]\nurl = 5\n", "a text"),
        ("schema = 1\n[[target]]\nexce = \"x\"\n", "did you mean \"exec\"?"),
        ("schema = 1\n[[target]]\nready = \"udp\"\n", "ws, tcp, http:PATH"),
        ("schema = 1\n[run\n", "is not valid TOML"),
        ("schema = 7\n", "schema = 1"),
        ("[run]\n", "schema = 1"),
    ] {
        let folder = folder(text);
        let done = wsspec(folder.path(), &["run"]);
        done.expect_error(2, "E18");
        assert!(done.err.contains(says) && done.err.contains("wsspec.toml:"), "{text}: {done:#?}");
        assert_eq!(wsspec(folder.path(), &["config", "check"]).code, 2, "{text}");
    }
    let folder = folder(LAYERED);
    let done = wsspec(folder.path(), &["run", "--profile", "cl"]);
    done.expect_error(2, "E18");
    assert!(done.err.contains("ci?"), "{done:#?}");
    let done = with(folder.path(), &[("WSSPEC_JOBS", "many")], &["run"]);
    done.expect_error(2, "E18");
    assert!(done.err.contains("WSSPEC_JOBS"), "{done:#?}");
    let done = with(folder.path(), &[("WSSPEC_JOSB", "2")], &["config", "check"]);
    assert!(done.code == 0 && done.err.contains("did you mean WSSPEC_JOBS?"), "{done:#?}");
}

#[cfg(unix)]
#[test]
fn targets_are_started_and_tested_each_by_its_own_rules() {
    let echo =
        format!("sh -c 'echo I am $NAME; exec {} echo {{host}}:{{port}}'", env!("CARGO_BIN_EXE_wsspec"));
    let target = |name: &str, more: &str| {
        format!("[[target]]\nagent = {name:?}\nexec = {echo:?}\nexec-env = [\"NAME={name}\"]\n{more}\n")
    };
    let headers =
        "url = \"ws://127.0.0.1:{port}/a\"\nheaders = { Authorization = \"env:TOKEN\", X-Api = \"2\" }\n";
    let text =
        format!("schema = 1\n[run]\ncases = [\"1.1.1\"]\n{}{}", target("one", ""), target("two", headers));
    let folder = folder(&text);
    let done = with(folder.path(), &[("TOKEN", "hunter2hunter2")], &["run"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let record = record(folder.path());
    let targets: Vec<_> =
        record[0]["targets"].as_array().unwrap().iter().map(|target| &target["agent"]).collect();
    assert_eq!(targets, ["one", "two"]);
    let second = record.iter().find(|line| line["t"] == "case" && line["agent"] == "two").unwrap();
    let request = second["handshake"]["request"].to_string();
    assert!(request.contains("GET /a ") && request.contains("X-Api: 2"), "{request}");
    let out = folder.path().join("wsspec-out");
    let log = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    assert!(log("agent.log").contains("I am one") && log("agent.2.log").contains("I am two"));
    assert!(!log("results.jsonl").contains("hunter2"));
    assert!(!done.err.contains("W08"), "{done:#?}");
}

#[test]
fn a_secret_in_the_file_is_warned_of_and_not_shown() {
    let folder = folder(
        "schema = 1\n[[target]]\nurl = \"ws://127.0.0.1:1\"\nheaders = { Authorization = \"Bearer hunter2\" }\n",
    );
    let done = wsspec(folder.path(), &["config", "show"]);
    assert!(done.err.contains("warning[W08]: wsspec.toml:4:") && done.err.contains("env:NAME"), "{done:#?}");
    assert!(!done.out.contains("hunter2"), "{done:#?}");
    let done = wsspec(folder.path(), &["run", "1.1.1"]);
    assert!(done.code == 3 && done.err.contains("W08"), "{done:#?}");
}

#[test]
fn what_is_shown_of_a_target_has_the_line_on_which_it_stands() {
    let text = "schema = 1\n[[target]]\nagent = \"one\"\nurl = \"ws://127.0.0.1:1\"\n\
                [target.headers]\nX-Api = \"2\"\nX-More = \"3\"\n";
    let done = wsspec(folder(text).path(), &["config", "show"]);
    assert_eq!(done.code, 0, "{done:#?}");
    for (value, line) in [("one", 3), ("ws://127.0.0.1:1", 4), ("X-Api: 2", 6), ("X-More: 3", 7)] {
        let shown = done.out.lines().find(|shown| shown.contains(value)).expect("it is shown");
        assert!(shown.ends_with(&format!("wsspec.toml:{line}")), "{shown}");
    }
}

#[test]
fn a_file_to_begin_with_and_one_from_a_spec() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let done = wsspec(path, &["config", "check"]);
    done.expect_error(2, "E18");
    assert_eq!(wsspec(path, &["config", "init"]).code, 0);
    assert_eq!(wsspec(path, &["config", "check"]).code, 0);
    let done = wsspec(path, &["config", "init"]);
    assert!(done.code == 2 && done.err.contains("is there already"), "{done:#?}");
    let done = wsspec(path, &["config", "init", "--github"]);
    assert!(
        done.code == 0 && done.out.contains("- run: wsspec run\n") && done.out.lines().count() < 20,
        "{done:#?}"
    );

    let spec = r#"{"outdir": "./reports", "servers": [{"agent": "a", "url": "ws://127.0.0.1:1"}],
        "cases": ["1.1.*"], "exclude-cases": ["1.1.8"], "exclude-agent-cases": {}}"#;
    std::fs::write(path.join("fuzzingclient.json"), spec).unwrap();
    let done = wsspec(path, &["config", "migrate", "fuzzingclient.json"]);
    assert_eq!(done.code, 0, "{done:#?}");
    std::fs::write(path.join("wsspec.toml"), &done.out).unwrap();
    assert_eq!(wsspec(path, &["config", "check"]).code, 0);
    assert_eq!(shown(path, &[], "cases", &[]), "cases 1.1.* wsspec.toml:4");
}

#[test]
fn a_pattern_without_a_case_was_migrated_and_then_refused() {
    let folder = tempdir().unwrap();
    let spec = r#"{"outdir": "./reports", "servers": [{"agent": "a", "url": "ws://127.0.0.1:1"}],
        "cases": ["1.1.*", "99.*"], "exclude-cases": ["9", "1.1.8", "98.*"], "exclude-agent-cases": {}}"#;
    std::fs::write(folder.path().join("old.json"), spec).unwrap();
    let done = wsspec(folder.path(), &["config", "migrate", "old.json"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.err.contains("\"9\" is no case") && done.err.contains("\"99.*\" matches no case"),
        "{done:#?}"
    );
    assert!(
        !done.out.contains("\"9\"") && !done.out.contains("99.*") && !done.out.contains("98.*"),
        "{done:#?}"
    );
    std::fs::write(folder.path().join("wsspec.toml"), &done.out).unwrap();
    wsspec(folder.path(), &["run"]).expect_error(3, "E01");
}

#[test]
fn check_tries_cases_sets_and_filters_as_run_would() {
    let folder = tempdir().unwrap();
    for (table, code) in [
        ("[run]\nexclude = [\"9\"]", "E17"),
        ("[run]\nset = [\"cor\"]", "E17"),
        ("[profile.a]\nfilter = \"nto id(1)\"", "E20"),
    ] {
        std::fs::write(folder.path().join("wsspec.toml"), format!("schema = 1\n{table}\n")).unwrap();
        let done = wsspec(folder.path(), &["config", "check"]);
        done.expect_error(2, code);
        assert!(done.err.contains("wsspec.toml:3"), "{done:#?}");
    }
}

#[test]
fn a_baseline_that_wsspec_toml_names_need_not_be_there_before_the_first_run() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("wsspec.toml"), "schema = 1\n[run]\nbaseline = \"b.toml\"\n").unwrap();
    let done = wsspec(folder.path(), &["run", "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("b.toml yet") && done.err.contains("wsspec baseline create"), "{done:#?}");
    wsspec(folder.path(), &["run", "1.1.1", "--baseline", "typed.toml"]).expect_error(2, "E18");
}

#[test]
fn a_target_without_an_address_is_told_where_it_stands() {
    let folder = folder("schema = 1\n[[target]]\nagent = \"a\"\n");
    let done = wsspec(folder.path(), &["run", "1.1.1"]);
    done.expect_error(2, "E18");
    assert!(done.err.contains("wsspec.toml:2:") && done.err.contains("has no address"), "{done:#?}");
}
