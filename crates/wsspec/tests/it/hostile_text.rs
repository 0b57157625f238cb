//! A peer whose header, payload and close reason, and whose name, are made to be taken for something else, in every place in
//! which text of it is shown.

use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, command, finish};

/// Markup, Markdown, commands of runners and of shells. It is typed here, so that it holds no control characters.
const NAME: &str =
    "x\"><svg/onload=alert(1)> ]]>&x; `` ` ``` | ##[add-mask]y ##vso[task]z ##teamcity[q] \u{202e}$(id)";
/// A header's value: an HTTP line takes no line break.
const HEADER: &str = "Server: ::error::h <svg/onload=alert(2)> ##[h] \x1b]52;c;aGk=\x07 ` | \u{9b}31m\r\n";
/// A text of 96 octets with lines of its own, and a Close frame with a reason.
const OCTETS: &[u8] = b"\x81\x60\n::error::p\n  ::add-mask::q\n##[group]r\nimport os\nok 1 - s # SKIP\n</script><svg/onload=alert(3)>\x1b[2J  \
      \x88\x37\x03\xe8\n::error::c ##[c] <svg/onload=alert(4)> ` | \x1b[2J\nok 9 - t";

/// What no text may hold: what moves the cursor, reorders, or hides.
fn unseen(text: &str) -> Option<char> {
    let is_unseen =
        |c: &char| c.is_control() && *c != '\n' && *c != '\t' || ('\u{202a}'..='\u{202e}').contains(c);
    text.chars().find(is_unseen)
}

/// A failing run against such a peer with everything that it can write; what it said.
fn run() -> (TempDir, Done) {
    let peer =
        Peer::start(|n| if n < 2 { Manner::Echo } else { Manner::Hostile(HEADER, OCTETS, Then::Close) });
    let folder = tempdir().unwrap();
    let mut run = command(
        folder.path(),
        &[
            "run",
            &peer.url(),
            "1.1.2",
            "2.1",
            "7.1.1",
            "--agent",
            NAME,
            "--no-confirm",
            "-j",
            "1",
            "-vv",
            "--log",
            "d.log",
        ],
    );
    run.args(["--trace", "all", "--html-dir", "pages", "--pcap", "run.pcapng", "--badge", "b.svg"]);
    run.env("NO_COLOR", "1")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", folder.path().join("page.md"));
    let done = finish(run);
    assert_eq!(done.code, 1, "{done:#?}");
    (folder, done)
}

fn typed(folder: &Path, words: &[&str]) -> Done {
    let mut typed = command(folder, words);
    typed.env("NO_COLOR", "1").env("GITHUB_ACTIONS", "true");
    finish(typed)
}

/// No line is a command of a runner but our own annotations, and nothing is unseen.
#[track_caller]
fn assert_harmless_log(text: &str) {
    assert_eq!(unseen(text), None, "{text}");
    let commands = ["##[", "##vso[", "##teamcity["];
    assert!(!commands.iter().any(|command| text.contains(command)), "{text}");
    for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("::")) {
        let title = line.strip_prefix("::error title=wsspec%3A ").and_then(|line| line.split("::").next());
        assert!(title.is_some_and(|title| !title.contains([':', ','])), "{line}");
    }
}

/// Markdown without what stands in code.
fn outside_of_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if ticks == *open && line == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && line[ticks.len()..] == *"text" => fence = Some(ticks),
            None => out.push_str(&format!("{}\n", without_spans(line))),
        }
    }
    assert_eq!(fence, None, "a block that does not end");
    out
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        out.push_str(&rest[..at]);
        let inner = &rest[at + ticks..];
        // The next run of just as many ends the span.
        let end = inner.match_indices('`').map(|(place, _)| place).find(|place| {
            let run = inner[*place..].chars().take_while(|c| *c == '`').count();
            run == ticks && !inner[..*place].ends_with('`')
        });
        rest = &inner[end.unwrap_or_else(|| panic!("a span that does not end: {line}")) + ticks..];
    }
    out + rest
}

#[track_caller]
fn assert_harmless_markdown(text: &str) {
    assert_eq!(unseen(text), None, "{text}");
    let plain = outside_of_code(text);
    for part in ["svg", "::", "##[", "alert", "$(id)", "SKIP", "import os"] {
        assert!(!plain.contains(part), "{part}: {plain}");
    }
    let rows: Vec<usize> =
        text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect();
    assert!(rows.windows(2).all(|two| two[0] == two[1]), "a cell more: {text}");
}

#[test]
fn logs_of_runners_and_terminals_show_it_and_do_nothing() {
    let (folder, done) = run();
    assert_harmless_log(&(done.out.clone() + &done.err));
    assert!(done.out.contains("alert("), "it is shown: {done:#?}");
    let path = folder.path();
    for words in [
        &["show", "1.1.2", "-vvvv"][..],
        &["show", "1.1.2", "--hex"],
        &["list", "-E", "status(fail)"],
        &["report"],
        &["diff", "wsspec-out", "wsspec-out", "--md", "-"],
        &["report", "--md", "-"],
        &["report", "--junit", "-"],
        &["report", "--html", "-"],
        &["report", "--badge", "-"],
        &["report", "--format", "tap"],
        &["report", "--format", "lines"],
    ] {
        let done = typed(path, words);
        assert_harmless_log(&(done.out + &done.err));
    }
    // The record is data, and stdout may be a terminal: what is invisible is an escape there.
    let record = typed(path, &["report", "--format", "json"]).out;
    assert_eq!(unseen(&record), None, "{record}");
    let name = serde_json::from_str::<serde_json::Value>(record.lines().next().unwrap()).unwrap();
    assert_eq!(name["targets"][0]["agent"], NAME, "which says the same");
    assert!(record.lines().count() > 3 && !record.contains("##"), "{record}");
    assert!(record.lines().all(|line| line.starts_with('{')), "{record}");
    let log = std::fs::read_to_string(path.join("d.log")).unwrap();
    assert_eq!(unseen(&log), None, "{log}");
}

#[test]
fn documents_for_services_hold_it_as_text() {
    let (folder, _) = run();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["page.md", "wsspec-out/summary.md"] {
        let text = read(name);
        assert!(text.contains("svg/onload"), "it is shown: {text}");
        assert_harmless_markdown(&text);
    }
    let junit = read("wsspec-out/junit.xml");
    assert!(junit.contains("&lt;svg") && !junit.contains("<svg") && !junit.contains("]]>"), "{junit}");
    assert!(!junit.contains(|c: char| c < ' ' && c != '\n' && c != '\t'), "{junit}");
    let tap = typed(folder.path(), &["report", "--format", "tap"]).out;
    let points: Vec<&str> =
        tap.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).collect();
    assert_eq!(points.len(), 3, "{tap}");
    assert!(tap.contains("\n1..3\n") && !points.iter().any(|line| line.contains(" # ")), "{tap}");
    for name in ["b.svg", "wsspec-out/badge.svg", "b.json"] {
        assert!(!read(name).contains("alert"), "{name}");
    }
    for line in read("wsspec-out/results.jsonl").lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok() && !line.contains('\x1b'), "{line}");
    }
    for entry in std::fs::read_dir(folder.path().join("pages")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.len() <= 120 && !name.contains(['<', '"', '|', '$', '`']), "{name}");
        let page = read(&format!("pages/{name}"));
        let found = ["<svg/onload", "\x1b"].iter().find_map(|part| page.find(part));
        assert!(found.is_none(), "{name}: {:?}", found.map(|at| &page[at.saturating_sub(200)..]));
    }
}

#[test]
fn scripts_that_play_it_again_hold_it_as_data() {
    let (folder, _) = run();
    for form in ["python", "js", "rust", "nc", "curl", "hex"] {
        let script = typed(folder.path(), &["repro", "1.1.2", "--as", form]);
        assert_eq!(script.code, 0, "{form}: {script:#?}");
        assert_eq!(unseen(&script.out), None, "{form}: {}", script.out);
        for line in script.out.lines().map(str::trim_start) {
            assert!(!line.starts_with("import os") && !line.starts_with("::"), "{form}: {line}");
            assert!(!line.contains("$(id)") && !line.contains("<svg"), "{form}: {line}");
        }
    }
}
