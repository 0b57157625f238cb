//! What `-q` to `-vvv` print, of the program itself against a peer with two bugs.
//!
//! Each level is pinned as a whole: stdout, and stderr behind it.

use regex::Regex;
use tempfile::tempdir;

use crate::mock_ups::steady;
use crate::program::wsspec;

/// The text without what differs from run to run in frames: times, masking keys, and what is masked with them.
fn steadier(text: &str) -> String {
    let replacements = [
        (r"(?m)^([-+ ])(?: {3}\d| {2}\d\d| \d{3}|\d{4})\.\d\d ", "$1   T.TT "),
        (r"mask=[0-9a-f]{8}", "mask=MASK"),
        // An answer may come before or after the tester has set its clock.
        (r"(?m)^.* wsspec gives up in .*\n", ""),
        (r"Sec-WebSocket-(Key|Accept): \S+", "Sec-WebSocket-$1: BASE64"),
        (r"(?m)^\S+Z (listening)", "TIMESTAMP $1"),
    ];
    // Where the line is broken depends on the digits.
    let open = Regex::new(r"stayed open for\s+[0-9.]+\s+m?s\b").unwrap();
    let text = open.replace_all(text, "stayed open for TIME");
    replacements.iter().fold(steady(&text), |text, (pattern, by)| {
        Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned()
    })
}

/// Pins what a run of three cases, of which two fail, prints with this flag.
fn pin(name: &str, flag: Option<&str>) {
    let folder = tempdir().unwrap();
    let peer = format!(
        "{} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered --defect orphan-as-text",
        env!("CARGO_BIN_EXE_wsspec")
    );
    let args =
        ["run", "1.1.1", "2.1", "5.9", "--exec", &peer, "--agent", "mylib", "-j", "1", "--order", "id"];
    let args: Vec<&str> = args.into_iter().chain(["--no-confirm", "--seed", "1"]).chain(flag).collect();
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 1, "{done:#?}");
    insta::assert_snapshot!(name, format!("{}\n---- stderr\n{}", steadier(&done.out), steadier(&done.err)));
}

#[test]
fn very_quiet_prints_nothing() {
    pin("very_quiet", Some("-qq"));
}

#[test]
fn quiet_prints_a_line_for_each_cause_and_the_last_line() {
    pin("quiet", Some("-q"));
}

#[test]
fn usually_failures_are_told_as_they_happen_and_in_full_at_the_end() {
    pin("usual", None);
}

#[test]
fn verbose_prints_a_line_for_each_case() {
    pin("verbose", Some("-v"));
}

#[test]
fn more_verbose_adds_handshake_and_checks_of_what_does_not_pass() {
    pin("more_verbose", Some("-vv"));
}

#[test]
fn very_verbose_adds_every_frame() {
    pin("very_verbose", Some("-vvv"));
}
