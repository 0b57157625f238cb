//! What is typed wrongly is said at once, with status 2 or 4, and nothing is run.

use std::process::Command;

use tempfile::tempdir;

use crate::program::{Done, wsspec};

fn run(args: &[&str]) -> Done {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), args);
    assert!(!folder.path().join("wsspec-out").exists(), "nothing was run");
    done
}

#[test]
fn unknown_cases_get_a_suggestion() {
    for (pattern, meant) in [("7.12.*", "7.13.*"), ("99.*", ""), ("1.1.99", "1.1."), ("@cor", "@core")] {
        let done = run(&["run", pattern]);
        done.expect_error(2, "E17");
        assert!(done.err.contains(meant), "{done:#?}");
    }
}

#[test]
fn a_selection_that_leaves_nothing_has_its_own_status() {
    run(&["run", "1.1.1", "-x", "1.*"]).expect_error(4, "E29");
    run(&["run", "1.1.1", "--set", "limits"]).expect_error(4, "E29");
}

#[test]
fn a_list_of_nothing_is_an_error() {
    run(&["list", "7.1.1", "-E", "section(9)"]).expect_error(4, "E29");
    run(&["list", "nothing"]).expect_error(2, "E17");
}

#[test]
fn addresses_and_headers_are_checked() {
    run(&["run", "http://localhost:1"]).expect_error(2, "E27");
    run(&["run", "ws://localhost:1", "-H", "no colon"]).expect_error(2, "E18");
    run(&["run", "ws://localhost:1", "-H", "A: env:NOT_SET"]).expect_error(2, "E18");
    run(&["run", "ws://localhost:1", "--agent", "a", "--agent", "b"]).expect_error(2, "E27");
}

#[test]
fn a_header_without_a_colon_was_told_with_its_value() {
    for header in ["Authorization Bearer hunter2", "Authorization=hunter2"] {
        for args in [&["run", "ws://h:1"][..], &["probe", "ws://h:1"]] {
            let done = run(&[args, &["-H", header]].concat());
            done.expect_error(2, "E18");
            assert!(done.err.contains("the header \"Authorization …\""), "{done:#?}");
            assert!(!done.err.contains("hunter2"), "{done:#?}");
        }
    }
}

#[test]
fn a_name_that_no_host_can_have_was_proposed_as_an_address() {
    let proposed = |name: &str| run(&["run", name]).expect_error(2, "E17").err.contains("ws://");
    assert!(proposed("my-server.example") && proposed("db_1"));
    for name in ["a\u{1b}[31mb", "a b", "höst", "a*"] {
        assert!(!proposed(name), "{name:?}");
    }
    assert!(!run(&["run", "a\u{1b}[31mb"]).err.contains('\u{1b}'));
}

#[test]
fn unknown_flags_and_commands_are_usage_errors() {
    for args in
        [&["run", "--no-such-flag"][..], &["dance"], &["run", "--jobs", "0"], &["run", "--seed", "xyz"]]
    {
        let done = run(args);
        assert_eq!((done.code, done.err.lines().last()), (2, Some("exit 2 (usage)")), "{done:#?}");
    }
    for typed in ["rnu", "rn"] {
        assert!(run(&[typed, "1.1.1"]).err.contains("'run'"), "{typed}");
    }
}

#[test]
fn the_output_folder_is_tried_before_the_first_case() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let done = wsspec(folder.path(), &["run", "-o", "file/out", "1.1.1"]);
    done.expect_error(6, "E21");
    assert!(done.out.is_empty(), "{done:#?}");
    assert!(done.err.contains("file is no folder, owned by "), "{done:#?}");
    if cfg!(target_os = "linux") {
        // Nobody makes folders there, not even root.
        let done = wsspec(folder.path(), &["run", "-o", "/sys/wsspec-out", "1.1.1"]);
        done.expect_error(6, "E21");
        assert!(done.err.contains("/sys is a folder, owned by root, mode 555"), "{done:#?}");
    }
}

#[test]
fn help_and_explanations_need_no_network() {
    let bare = run(&[]);
    assert!(bare.code == 0 && bare.out.contains("wsspec run ws://127.0.0.1:9001"), "{bare:#?}");
    for what in
        ["5.15", "1007", "E09", "rfc6455#5.4", "non-strict", "UNCLEAN", "wrong-code", "7.1.*", "echo-server"]
    {
        let done = run(&["explain", what]);
        assert!(done.code == 0 && done.out.len() > 50, "{what}: {done:#?}");
    }
    run(&["explain", "nonsense"]).expect_error(2, "E17");
    assert!(run(&["--help"]).out.contains("130 interrupted"));
}

#[test]
fn completions_and_manual_pages_know_all_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, 0, "{script:#?}");
        assert!(script.out.contains("fail-fast") && script.out.contains("explain"), "{shell}");
    }
    assert_eq!(run(&["completions", "cmd.exe"]).code, 2);
    let page = run(&["man"]);
    assert!(page.code == 0 && page.out.contains(".TH wsspec 1"), "{page:#?}");
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["man", "-o", "man1"]).code, 0);
    for name in ["wsspec.1", "wsspec-run.1", "wsspec-completions.1"] {
        let page = std::fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        assert!(page.contains(".SH NAME"), "{name}");
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let Some(bash) = wsspec_testkit::program(&["bash"]) else { return };
    let script = run(&["completions", "bash"]).out;
    let complete = |words: &str, at: usize| {
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={at}; _wsspec wsspec \"${{COMP_WORDS[{at}]}}\" \
             \"${{COMP_WORDS[{}]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            at - 1
        );
        Command::new(&bash).args(["--norc", "-c", &ask]).output().unwrap()
    };
    let commands = complete("wsspec pro", 1);
    assert_eq!(String::from_utf8_lossy(&commands.stdout).trim(), "probe", "{commands:?}");
    let flags = complete("wsspec run --junit-", 2);
    assert!(String::from_utf8_lossy(&flags.stdout).trim().is_empty());
    let flags = complete("wsspec run --jun", 2);
    assert_eq!(String::from_utf8_lossy(&flags.stdout).trim(), "--junit");
    let forms = complete("wsspec repro --as py", 3);
    assert_eq!(String::from_utf8_lossy(&forms.stdout).trim(), "python");
}

#[test]
fn manual_pages_are_read_without_warnings() {
    let Some(groff) = wsspec_testkit::program(&["groff"]) else { return };
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["man", "-o", "."]).code, 0);
    for page in std::fs::read_dir(folder.path()).unwrap() {
        let page = page.unwrap().path();
        let read = Command::new(&groff).args(["-man", "-z", "-Tutf8"]).arg(&page).output().unwrap();
        assert!(
            read.status.success() && read.stderr.is_empty(),
            "{page:?}: {}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
}

#[test]
fn every_error_code_has_a_page() {
    for page in wsspec::errors::ErrorCode::pages() {
        let code = page.code.to_string();
        let done = run(&["explain", &code]);
        assert!(done.code == 0 && done.out.contains(page.title) && done.out.lines().count() > 2, "{done:#?}");
        assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
    }
}

#[test]
fn a_secret_that_was_typed_stood_in_a_usage_error() {
    for args in [
        &["load", "ws://me:hunter2@h:1"][..],
        &["load", "ws://h:1/?token=hunter2", "-k"],
        &["config", "ws://h:1/?token=hunter2"],
        &["run", "--jobs", "ws://me:hunter2@h:1"],
    ] {
        let done = wsspec(tempdir().unwrap().path(), args);
        assert!(done.code == 2 && done.err.contains("ws://h:1"), "{done:#?}");
        assert!(!done.err.contains("hunter2") && !done.out.contains("hunter2"), "{done:#?}");
    }
}

#[test]
fn an_address_that_cannot_be_read_was_told_with_its_password() {
    let spellings = [
        "ws:/me:hunter2@h:1",
        "ws//me:hunter2@h:1",
        "htp:/me:hunter2@h:1",
        "me:hunter2@h:1",
        "ws://me:hun/hunter2@h:1",
        "http://me:hunter2@h:1",
        "ws://h:1/?token=hun hunter2",
    ];
    for address in spellings {
        let folder = tempdir().unwrap();
        let target = format!("schema = 1\n[[target]]\nurl = \"{address}\"\n");
        std::fs::write(folder.path().join("wsspec.toml"), target).unwrap();
        for args in [
            &["run", address][..],
            &["probe", address],
            &["load", "rtt", address],
            &["repro", "1.1.1", address],
            &["echo", "--connect", address],
            &["run", "1.1.1"],
        ] {
            let done = wsspec(folder.path(), args);
            done.expect_error(2, "E27");
            let told = format!("{}{}", done.out, done.err);
            assert!(!["me:", "hun"].iter().any(|secret| told.contains(secret)), "{done:#?}");
        }
        let shown = wsspec(folder.path(), &["config", "show"]);
        assert!(shown.code == 0 && shown.out.contains("[redacted "), "{shown:#?}");
        assert!(!shown.out.contains("hunter2"), "{shown:#?}");
    }
}
