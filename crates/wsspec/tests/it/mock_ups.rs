//! What a user sees from beginning to end, of the program itself, with times, ports and paths taken out.
//! Parts of single screens at several widths are pinned beside the code that prints them.

use std::path::Path;
use std::process::Command;

use regex::Regex;
use tempfile::tempdir;

use crate::peer::{Manner, Peer};
use crate::program::{Done, command, finish, wsspec};
use crate::server;
use crate::tester::{Tester, free_port};

/// The text without what differs from run to run.
pub(crate) fn steady(text: &str) -> String {
    let replacements = [
        (r"wsspec \d+\.\d+\.\d+", "wsspec VERSION"),
        (r"(127\.0\.0\.1|localhost):\d+", "$1:PORT"),
        (r"--port \d+", "--port PORT"),
        (r"\d+(\.\d+)? (ms|s|us|µs)\b", "TIME"),
        (r"\d\d:\d\d:\d\d", "HH:MM:SS"),
        (r"seed [0-9a-f]+", "seed SEED"),
        (r"token=[0-9a-zA-Z]+", "token=TOKEN"),
        (r"after octet \d+", "after octet N"),
        (r"(?m)^ +slowest .*\n", ""),
        // Whether there is room for it depends on the time.
        (r"(?m)^(target .*\S)\n +echo ok", "$1   echo ok"),
        // The command is cut where it becomes too long, and paths differ.
        (r"(?m)^exec .*\s+ready in", "exec COMMAND ready in"),
    ];
    let program = text.replace(env!("CARGO_BIN_EXE_wsspec"), "wsspec");
    replacements.iter().fold(program, |text, (pattern, by)| {
        Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned()
    })
}

/// The same without the blocks of failures, which are pinned where they are made.
fn without_blocks(text: &str) -> String {
    let blocks = Regex::new(r"(?s)---- (?:\x1b\[1m)?cause .*?\n(---- (?:\x1b\[1m)?[^c\x1b])").unwrap();
    blocks.replace_all(&steady(text), "BLOCKS\n\n$1").into_owned()
}

/// The ways in which each screen is pinned: ASCII without colour at these widths, UTF-8 with colour at 80 and 60.
const WAYS: [&str; 5] = ["60", "80", "100", "colour", "colour_60"];

fn dress(run: &mut Command, way: &str) {
    run.env("COLUMNS", way.rsplit('_').next().filter(|width| *width != "colour").unwrap_or("80"));
    if way.starts_with("colour") {
        run.env("CLICOLOR_FORCE", "1").env("LANG", "C.UTF-8");
    }
}

fn shown(folder: &Path, args: &[&str], way: &str) -> Done {
    let mut run = command(folder, args);
    dress(&mut run, way);
    finish(run)
}

fn ci(folder: &Path, args: &[&str], way: &str) -> Done {
    let mut run = command(folder, args);
    dress(&mut run, way);
    run.env("CI", "true").env("LANG", "C.UTF-8");
    finish(run)
}

/// Pins a screen; the usual way has no name.
fn pin(name: &str, way: &str, text: &str) {
    let name = if way == "80" { name.to_owned() } else { format!("{name}_{way}") };
    insta::assert_snapshot!(name, without_blocks(text).replace('\x1b', "\\e"));
}

#[test]
fn mock_up_d_ci_with_a_baseline() {
    let folder = tempdir().unwrap();
    let baseline = "schema = 1\n\n[[expect]]\ncases = [\"2.1\"]\nverdict = \"timeout\"\n\
                    reason = \"an empty ping is not answered\"\nissue = \"https://example.org/7\"\n\n\
                    [[expect]]\ncases = [\"1.1.1\"]\nverdict = \"fail\"\nreason = \"was wrong once\"\n";
    std::fs::write(folder.path().join("wsspec.baseline.toml"), baseline).unwrap();
    let peer = format!(
        "{} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered --defect orphan-as-text",
        env!("CARGO_BIN_EXE_wsspec")
    );
    let args = ["run", "1.1.*", "2.*", "5.*", "--exec", &peer, "--agent", "mylib", "-j", "1"];
    let more =
        ["--order", "id", "--no-confirm", "--baseline", "wsspec.baseline.toml", "--junit", "junit.xml"];
    for way in WAYS {
        let done = ci(folder.path(), &[&args[..], &more].concat(), way);
        assert_eq!(done.code, 1, "{done:#?}");
        pin("ci_with_a_baseline", way, &done.out);
    }
}

/// A terminal breaks them, and what is copied from it is one line.
#[test]
fn commands_that_are_to_be_typed_are_whole_at_every_width() {
    let folder = tempdir().unwrap();
    let peer = format!("{} echo 127.0.0.1:{{port}} --defect orphan-as-text", env!("CARGO_BIN_EXE_wsspec"));
    let header = ["-H", "X-Purpose: to be longer than any terminal is wide, with what stands around it"];
    let failing = ["run", "5.9", "--exec", &peer, "--agent", "mylib", "--no-confirm"];
    let nobody = ["run", "ws://127.0.0.1:9/a-path-that-is-not-short/and-goes-on", "5.9"];
    for way in ["60", "80", "100"] {
        let commands = [&failing[..], &nobody[..]].map(|words| [words, &header[..]].concat());
        let shown = commands.iter().map(Vec::as_slice).chain([&["demo", "5.9"][..]]).map(|words| {
            let done = shown(folder.path(), words, way);
            let typed =
                |line: &&str| ["again ", "try "].iter().any(|label| line.trim_start().starts_with(label));
            done.out.lines().chain(done.err.lines()).filter(typed).collect::<Vec<_>>().join("\n")
        });
        pin("typed", way, &shown.collect::<Vec<_>>().join("\n\n"));
    }
}

#[test]
fn the_first_lines_of_a_run_were_wider_than_the_terminal() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let secret = format!("{}/?token=0123456789abcdef&room=a-room-with-a-name-of-its-own", peer.url());
    for way in ["60", "80"] {
        for args in [&["run", &secret, "1.1.1"][..], &["demo", "1.1.1"]] {
            let done = shown(folder.path(), args, way);
            let first = done.out.split("----").next().unwrap();
            for line in first.lines().chain(done.err.lines()) {
                assert!(line.chars().count() <= way.parse().unwrap(), "{way}: {line:?} in {done:#?}");
            }
            assert!(first.contains("target ") && !done.out.contains("0123456789abcdef"), "{done:#?}");
        }
    }
}

#[test]
fn mock_up_e_the_agent_dies() {
    let folder = tempdir().unwrap();
    let exec = server::command("echo");
    let args = ["run", "--exec", &exec, "--no-confirm", "1.1.1", "4.1.1", "5.1", "--progress", "none"];
    for way in WAYS {
        let done = shown(folder.path(), &[&args[..], &["-j", "1", "--order", "id"]].concat(), way);
        assert_eq!(done.code, 1, "{done:#?}");
        let died = done.out.find("DIED").expect("the death is told when it happens");
        let at = done.out[..died].rfind('\n').map_or(0, |at| at + 1);
        let told: Vec<&str> = done.out[at..].lines().take_while(|line| !line.is_empty()).collect();
        // Where the sentence is broken depends on the digits of the time.
        let told = told.join("\n").replace("\n             sent.", " sent.");
        pin("the_agent_dies", way, &told);
    }
}

#[test]
fn mock_up_f_serve() {
    for way in WAYS {
        let folder = tempdir().unwrap();
        let port = free_port();
        let mut serve =
            command(folder.path(), &["serve", "--port", &port.to_string(), "1.1.*", "2.1", "1.1.1", "1.1.2"]);
        dress(&mut serve, way);
        let mut tester = Tester::start(serve, port, "stop  ");
        let client = ["echo", "--connect", &tester.url(""), "--agent", "mylib-client/0.9"];
        let client = [&client[..], &["--defect", "ping-empty-unanswered"]].concat();
        assert_eq!(wsspec(folder.path(), &client).code, 0);
        tester.wait_for_part("Reports are already in");
        pin("serve", way, &tester.terminate().out);
    }
}

/// Lets all cases take the same time: what took longer on a machine that has more to do is a matter of luck.
fn same_times(record: &Path) {
    let text = std::fs::read_to_string(record).unwrap();
    let times = Regex::new(r#""duration_us":\d+"#).unwrap();
    std::fs::write(record, times.replace_all(&text, r#""duration_us":1000"#).as_bytes()).unwrap();
}

#[test]
fn mock_up_h_diff() {
    let folder = tempdir().unwrap();
    for (out, defect) in [("main", "ping-empty-unanswered"), ("new", "orphan-as-text")] {
        let peer = format!("{} echo 127.0.0.1:{{port}} --defect {defect}", env!("CARGO_BIN_EXE_wsspec"));
        let args =
            ["run", "2.*", "5.9", "5.1", "--exec", &peer, "--agent", "mylib", "--no-confirm", "-o", out];
        assert_eq!(wsspec(folder.path(), &args).code, 1);
        same_times(&folder.path().join(out).join("results.jsonl"));
    }
    for way in WAYS {
        let done = shown(folder.path(), &["diff", "main", "new"], way);
        assert_eq!(done.code, 1, "{done:#?}");
        pin("diff", way, &done.out);
    }
}

#[test]
fn mock_up_j_probe() {
    let folder = tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let _server = Tester::start(command(folder.path(), &["echo", &address]), 0, "listening on ");
    for way in WAYS {
        let done = shown(folder.path(), &["probe", &format!("ws://{address}")], way);
        assert_eq!(done.code, 0, "{done:#?}");
        pin("probe", way, &done.out);
    }
}
