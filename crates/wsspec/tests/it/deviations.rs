//! Defects and quirks of `wsspec echo`.

use tempfile::tempdir;

use crate::program::{Done, wsspec};
use crate::tester::free_port;

fn run(args: &[&str]) -> Done {
    wsspec(tempdir().unwrap().path(), args)
}

#[test]
fn defects_and_quirks_are_listed_and_explained() {
    let defects = run(&["list", "--defects"]);
    assert_eq!(defects.code, 0, "{defects:#?}");
    for part in ["pong-empty", "answers Pings with empty Pongs", "RFC 6455 5.5.3", "both", "defects\n"] {
        assert!(defects.out.contains(part), "{part}: {}", defects.out);
    }
    let quirks = run(&["list", "--quirks"]);
    assert!(quirks.out.contains("fragments-of-1") && quirks.out.contains("quirks\n"), "{quirks:#?}");
    let page = run(&["explain", "pong-empty"]).out;
    assert!(page.contains("--defect pong-empty") && page.contains("RFC 6455 5.5.3"), "{page}");
    let page = run(&["explain", "fragments-of-1"]).out;
    assert!(page.contains("--quirk fragments-of-1"), "{page}");
}

#[test]
fn unknown_defects_get_a_suggestion() {
    let done = run(&["echo", "--defect", "pong-emty"]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert!(done.err.contains("pong-empty") && done.err.contains("wsspec list --defects"), "{done:#?}");
    let quirk = run(&["echo", "--quirk", "pong-empty"]);
    assert_eq!(quirk.code, 2, "a defect is no quirk: {quirk:#?}");
}

#[test]
fn a_defect_shows_over_tcp_and_a_quirk_does_not() {
    let verdict = |flag: &str, id: &str| {
        let port = free_port();
        let url = format!("ws://127.0.0.1:{port}");
        let exec = format!("{} echo 127.0.0.1:{port} {flag} {id}", env!("CARGO_BIN_EXE_wsspec"));
        run(&["run", &url, "1.1.2", "2.3", "--exec", &exec])
    };
    let defect = verdict("--defect", "pong-empty");
    assert_eq!(defect.code, 1, "{defect:#?}");
    assert!(defect.out.contains("2.3"), "{defect:#?}");
    let quirk = verdict("--quirk", "octet-by-octet");
    assert_eq!(quirk.code, 0, "{quirk:#?}");
}

#[test]
fn a_client_has_defects_too() {
    let client = |defect: &str| {
        let driver = format!("{} echo --connect {{url}} --agent c {defect}", env!("CARGO_BIN_EXE_wsspec"));
        run(&["serve", "--port", &free_port().to_string(), "1.1.2", "2.3", "--exec", &driver])
    };
    let strict = client("");
    assert_eq!(strict.code, 0, "{strict:#?}");
    let defect = client("--defect pong-empty");
    assert!(defect.code == 1 && defect.out.contains("2.3"), "{defect:#?}");
}

/// A tester that speaks wst.cmd turned the checks of text of such a client on again.
#[test]
fn a_client_with_a_defect_of_text_shows_it() {
    let folder = tempdir().unwrap();
    let client = format!("{} echo --connect {{url}} --defect utf8-unchecked", env!("CARGO_BIN_EXE_wsspec"));
    let done = wsspec(folder.path(), &["serve", "6.3.1", "--port", "0", "--once", "--exec", &client]);
    assert_eq!(done.code, 1, "{done:#?}");
}

#[test]
fn reserved_bits_where_deflate_was_agreed_on_broke_a_rule_that_was_not_named() {
    for (defect, rule) in
        [("sends-rsv2", "RFC 6455 section 5.2"), ("deflate-rsv1-on-all", "RFC 7692 section 6.1")]
    {
        let folder = tempdir().unwrap();
        let exec = format!("{} echo 127.0.0.1:{{port}} --defect {defect}", env!("CARGO_BIN_EXE_wsspec"));
        let args = ["run", "12.1.6", "--volume-messages", "5", "--exec", &exec, "--no-confirm"];
        let done = wsspec(folder.path(), &args);
        assert!(done.code == 1 && done.out.contains(&format!("MUST   {rule}\n")), "{done:#?}");
        let page = std::fs::read_dir(folder.path().join("wsspec-out")).unwrap().flatten();
        let page =
            page.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with("_12_1_6.html"));
        let page = std::fs::read_to_string(page.expect("each case has a page")).unwrap();
        assert!(page.contains(rule), "{defect}: {page}");
    }
}
