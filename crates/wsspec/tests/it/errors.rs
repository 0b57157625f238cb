//! Every error that no other test provokes, and the page of each.

use std::path::Path;

use regex::Regex;
use tempfile::tempdir;
use wsspec::errors::ErrorCode;

use crate::peer::{Manner, Peer};
use crate::program::{command, finish, wsspec};
use crate::secure::{echo, files, refusing};
use crate::tester::{Tester, free_port};

#[test]
fn every_code_has_a_page_in_80_columns() {
    let folder = tempdir().unwrap();
    for page in ErrorCode::pages() {
        let done = wsspec(folder.path(), &["explain", &page.code.to_string()]);
        assert!(done.code == 0 && done.out.contains(page.title), "{done:#?}");
        assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
        assert!(done.out.lines().count() >= 3, "a page of background: {done:#?}");
    }
    assert_eq!(wsspec(folder.path(), &["explain", "W01"]).code, 0);
}

#[test]
fn e13_no_deflate_is_a_note_unless_it_is_required() {
    let folder = tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let start = command(folder.path(), &["echo", &address, "--no-deflate"]);
    let _server = Tester::start(start, 0, "listening on ");
    let url = format!("ws://{address}");
    wsspec(folder.path(), &["run", &url, "12.1.1", "--require", "deflate"]).expect_error(3, "E13");
    let done = wsspec(folder.path(), &["run", &url, "1.1.1", "12.1.1"]);
    assert!(done.code == 0 && done.err.contains("note[E13]"), "{done:#?}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason =
        "n/a 12.1.1: Permessage-deflate was not agreed on (no Sec-WebSocket-Extensions in the answer)";
    assert!(words(&done.out).contains(reason), "{done:#?}");
    let block = wsspec(folder.path(), &["show", "n/a"]);
    for part in [
        "offered Sec-WebSocket-Extensions: permessage-deflate",
        "answered no header Sec-WebSocket-Extensions",
    ] {
        assert!(words(&block.out).contains(part), "{block:#?}");
    }
}

#[test]
fn e18_a_file_that_cannot_be_read_is_named_with_its_line() {
    let folder = tempdir().unwrap();
    let spec = "{\n  \"outdir\": \"./reports\",\n  \"cases\": [\"1.1.*\",],\n}\n";
    std::fs::write(folder.path().join("fuzzingclient.json"), spec).unwrap();
    let done = wsspec(folder.path(), &["wstest", "-m", "fuzzingclient", "-s", "fuzzingclient.json"]);
    assert_eq!(done.code, 2, "{done:#?}");
    let place = "error[E18]: fuzzingclient.json is not valid JSON (line 3, column 20)";
    assert!(done.err.contains(place), "file, line and column: {done:#?}");
    let lines: Vec<&str> = done.err.lines().collect();
    let at = lines.iter().position(|line| line.contains("\"cases\": [")).expect("the line is shown");
    assert!(lines[at + 1].contains('^'), "and the place in it is marked: {done:#?}");
}

#[test]
fn the_mark_in_a_damaged_file_was_beyond_a_narrow_terminal() {
    let folder = tempdir().unwrap();
    let ids: Vec<String> = (1..30).map(|n| format!("\"1.1.{}\"", n % 8 + 1)).collect();
    let ids = ids.join(", ");
    let entry = format!("cases = [{ids}, \"99.1\"]\nverdict = \"fail\"\nreason = \"known\"");
    for (name, text) in [
        ("spec.json", format!("{{\"servers\": [], \"cases\": [{ids},]}}")),
        ("run.toml", format!("schema = 1\n[run]\nexclude = [{ids} \"2.1\"]\n")),
        ("list.toml", format!("schema = 1\n[[expect]]\n{entry}\n")),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let filter = format!("{} nto id(2.1)", ["id(1.1.1)"; 9].join(" or "));
    for (args, code) in [
        (&["run", "--spec", "spec.json"][..], "E18"),
        (&["run", "1.1.1", "-C", "run.toml"], "E18"),
        (&["baseline", "check", "--file", "list.toml"], "E18"),
        (&["list", "-E", &filter], "E20"),
    ] {
        for width in [60, 80] {
            let mut narrow = command(folder.path(), args);
            narrow.env("COLUMNS", width.to_string());
            let done = finish(narrow);
            assert!(done.code == 2 && done.err.contains('^'), "{done:#?}");
            done.expect_width(code, width);
        }
    }
}

#[test]
fn advice_was_wider_than_the_terminal() {
    let folder = tempdir().unwrap();
    let files = files();
    let (_server, secure) = echo(&files);
    let peer = Peer::always(Manner::Echo);
    let (url, port) = (peer.url(), free_port().to_string());
    let driver = |option, command| ["serve", "--once", "--port", &port, "1.1.1", option, command];
    let silent = "sh -c 'echo listening on 0.0.0.0:9001; exec sleep 60' and some more words";
    let path = "/a/long/path/for/the/address?with=query&and=more";
    let long = format!("ws://127.0.0.1:{{port}}{path}");
    for width in [60, 80] {
        for (args, code) in [
            (&["run", &url, "1.1.1", "--exec", "sleep 9"][..], "E16"),
            (&["run", &secure, "1.1.1", "--origin", "http://example.org"], "E11"),
            (&driver("--exec", "sh -c 'exit 3' {url}"), "E22"),
            (&driver("--exec-case", "sh -c 'exit 127' {url}"), "E22"),
            (&driver("--exec-case", "sh -c 'exit 3' {url}"), "E22"),
            (&["run", "ws://127.0.0.1:{port}", "--exec", silent, "--ready-timeout", "300ms"], "E19"),
            (&["run", &long, "--exec", silent, "--ready-timeout", "300ms"], "E19"),
        ] {
            let mut narrow = command(folder.path(), args);
            narrow.env("COLUMNS", width.to_string());
            let done = finish(narrow);
            done.expect_width(code, width);
            assert!(args[1] != long || done.err.contains(&format!("ws://127.0.0.1:9001{path}")), "{done:#?}");
        }
    }
}

/// `fact("try", …)` takes what is typed, which is never broken; `advise` takes words, which are wrapped.
#[test]
fn advice_in_words_was_taken_for_a_command() {
    let advice = Regex::new(r#"\.fact\(\s*"try",\s*(format!\()?"((?:[^"\\]|\\.)*)""#).unwrap();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for found in advice.captures_iter(&text) {
                let first = found[2].split("   ").next().unwrap();
                let is_value = found.get(1).is_some() && first.starts_with('{');
                let is_typed = ["wsspec ", "wstest ", "-"].iter().any(|word| first.starts_with(word));
                assert!(is_value || is_typed || first.len() < 50, "{}: {first}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn e20_a_filter_is_marked_where_it_goes_wrong() {
    let folder = tempdir().unwrap();
    for command in [&["list", "-E"][..], &["run", "-E"]] {
        let filter = "rfc(6455#5.4) and nto status(fail)";
        let done = wsspec(folder.path(), &[command, &[filter]].concat());
        done.expect_error(2, "E20");
        let lines: Vec<&str> = done.err.lines().collect();
        let at = lines.iter().position(|line| line.contains(filter)).expect("the expression is repeated");
        assert_eq!(lines[at].find("nto"), lines[at + 1].find('^'), "{done:#?}");
        assert!(done.err.contains("not"), "{done:#?}");
    }
}

#[test]
fn e22_no_client_comes() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let done = wsspec(folder.path(), &["serve", "--once", "--port", &port, "--idle-timeout", "300ms"]);
    done.expect_error(4, "E22");
    assert!(done.err.contains("--bind") && done.err.contains(&port), "{done:#?}");
}

#[cfg(unix)]
#[test]
fn e25_more_connections_than_open_files() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let options = r#"{"connections": 400, "batchsize": 100, "batchdelay": 10, "retrydelay": 10}"#;
    let server = format!(r#"{{"name": "a", "uri": "{}", "desc": ""}}"#, peer.url());
    let spec = format!(r#"{{"options": {options}, "servers": [{server}]}}"#);
    std::fs::write(folder.path().join("massconnect.json"), spec).unwrap();
    let mut limited = std::process::Command::new("/bin/sh");
    limited.arg("-c").arg("ulimit -n 200; exec \"$0\" -m massconnect -s massconnect.json");
    limited.arg(env!("CARGO_BIN_EXE_wstest")).current_dir(folder.path()).env_clear();
    let done = finish(limited);
    assert!(done.err.contains("error[E25]") && done.err.contains("open files is 200"), "{done:#?}");
    assert_eq!(done.code, 3, "{done:#?}");
}

#[test]
fn e30_tls_comes_to_no_agreement() {
    let folder = tempdir().unwrap();
    let url = refusing(0x28); // handshake_failure
    wsspec(folder.path(), &["run", &url, "-k"]).expect_error(3, "E30");
}

#[test]
fn e31_a_command_that_cannot_be_started() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let client = ["serve", "--once", "--port", &port, "--exec-case", "./no_such_client {url}"];
    wsspec(folder.path(), &client).expect_error(3, "E31");
    assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
    let open = command(folder.path(), &["report", "--open"]);
    finish(open).expect_error(2, "E31");
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_of_the_system_gets_the_page() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempdir().unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
    let opener = folder.path().join("xdg-open");
    std::fs::write(&opener, "#!/bin/sh\necho \"$1\" >opened\n").unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut open = command(folder.path(), &["report", "--open"]);
    open.env("PATH", folder.path());
    assert_eq!(finish(open).code, 0);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("opened")).unwrap().trim(),
        "wsspec-out/report.html"
    );
}
