//! The command that an error proposes: the one that was typed, with what was typed beside it.

use tempfile::tempdir;

use crate::looking::{RECORD, with_record};
use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, command, finish, wsspec};
use crate::secure::{echo, files, refusing};
use crate::tester::{Tester, free_port, wstest};
use crate::wording::{fact, said};

fn typed(args: &[&str]) -> Done {
    wsspec(tempdir().unwrap().path(), args)
}

/// What the error says to type.
#[track_caller]
fn advice(done: &Done, exit: i32, code: &str) -> String {
    fact(&said(done, exit, code), "try").to_owned()
}

#[test]
fn tls_errors_dropped_what_was_typed() {
    let files = files();
    let (server, url) = echo(&files);
    let run = |more: &[&str]| wsspec(files.folder.path(), &[&["run", &url, "1.1.1"], more].concat());
    let untrusted = advice(&run(&["-o", "out"]), 3, "E11");
    let again = format!("wsspec run {url} 1.1.1 -o out --cacert cert.pem   with this certificate itself");
    assert_eq!(untrusted, again);
    let other_name = run(&["--cacert", files.cert.to_str().unwrap(), "--sni", "b.test"]);
    let again = format!("wsspec run {url} 1.1.1 --cacert {} --sni a.test", files.cert.display());
    assert_eq!(advice(&other_name, 3, "E11"), again, "the name in the place of the one that was typed");
    drop(server);

    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let args = ["echo", &address, "--cert", cert, "--key", key, "--client-ca", cert];
    let _server = Tester::start(command(files.folder.path(), &args), port, "listening on wss://");
    let url = format!("wss://{address}");
    let without = wsspec(files.folder.path(), &["probe", &url, "-k", "-s", "chat"]);
    let again = format!("wsspec probe {url} -k -s chat --cert cert.pem --key key.pem");
    assert_eq!(advice(&without, 3, "E30"), again);
}

#[test]
fn require_tls_dropped_what_was_typed() {
    let peer = Peer::start(|_| Manner::Echo);
    let done = typed(&["run", &peer.url(), "1.1.1", "--require", "tls", "-s", "chat"]);
    let url = peer.url().replace("ws://", "wss://");
    assert_eq!(advice(&done, 3, "E30"), format!("wsspec run {url} 1.1.1 --require tls -s chat"));
}

#[test]
fn probe_of_a_closed_port_was_told_to_run() {
    let url = format!("ws://127.0.0.1:{}", free_port());
    let done = typed(&["probe", &url, "-H", "A: b"]);
    assert_eq!(advice(&done, 3, "E01"), format!("wsspec probe {url} -H 'A: b'"));
    let start = fact(&said(&done, 3, "E01"), "start").to_owned();
    let echo = url.replace("ws://", "wsspec echo ");
    assert_eq!(start, format!("your server, or {echo}, in another terminal"));
    let done = typed(&["run", &url, "1.1.1", "-H", "A: b"]);
    let (host, _) = url.rsplit_once(':').unwrap();
    let again = format!("wsspec run '{host}:{{port}}/' 1.1.1 -H 'A: b' --exec './my_server {{port}}'");
    assert_eq!(advice(&done, 3, "E01"), again);
}

#[test]
fn a_longer_look_dropped_what_was_typed_of_the_peer() {
    let silent = Peer::always(Manner::Answer(b"", Then::Silence));
    let url = silent.url();
    let done = typed(&["run", &url, "1.1.1", "--open-timeout", "200ms", "-H", "A: b", "--origin=http://c"]);
    let again = format!("wsspec probe {url} -H 'A: b' --origin=http://c --timeout 20s");
    assert_eq!(advice(&done, 3, "E03"), again);
    let done = typed(&["probe", &url, "--timeout", "200ms"]);
    assert_eq!(advice(&done, 3, "E03"), format!("wsspec probe {url} --timeout 20s"));
    assert!(!done.err.contains("--open-timeout"), "probe has no such option: {done:#?}");
}

#[test]
fn an_address_that_cannot_be_read_was_corrected_for_run_alone() {
    for (args, again) in [
        (&["probe", "http://h:1", "-k"][..], "wsspec probe ws://h:1 -k"),
        (&["run", "wss:/h", "1.1.1"], "wsspec run wss://h 1.1.1"),
        (&["load", "rtt", "ws://h:0", "--rate", "5"], "wsspec load rtt ws://h:9001 --rate 5"),
        (&["run", "ws://h:{port}", "1.1.1"], "wsspec run 'ws://h:{port}' 1.1.1 --exec './my_server {port}'"),
        (&["echo", "--connect=http://h:1"], "wsspec echo --connect=ws://h:1"),
        (&["run", "--origin", "http://h:1", "http://h:1"], "wsspec run --origin http://h:1 ws://h:1"),
        (&["probe", "http://h/?token=abc", "-k"], "wsspec probe 'ws://h/?token=env:TOKEN' -k"),
    ] {
        assert_eq!(advice(&typed(args), 2, "E27"), again);
    }
}

#[test]
fn what_was_typed_of_an_address_was_lost_in_its_correction() {
    for (args, told, again) in [
        (
            &["run", "ws://h:99999/echo?a=1", "1.1.1"][..],
            "ws://h:99999/echo?a=1",
            "wsspec run 'ws://h:9001/echo?a=1' 1.1.1",
        ),
        (
            &["run", "ws://[::1]:{port}/{port}#b", "--exec", "./s {port}"],
            "ws://[::1]:{port}/{port}#b",
            "wsspec run 'ws://[::1]:{port}/{port}' --exec './s {port}'",
        ),
        (&["probe", "ws://h:1/ä?b"], "ws://h:1/ä?b", "wsspec probe 'ws://h:1/%C3%A4?b'"),
        (&["probe", "ws://:9002/a"], "ws://:9002/a", "wsspec probe ws://127.0.0.1:9002/a"),
        (
            &["probe", "ws://me:hunter2@h:1/a", "-k"],
            "ws://[redacted 10 bytes]@h:1/a",
            "wsspec probe ws://h:1/a -k -H 'Authorization: Basic env:CREDENTIALS'",
        ),
    ] {
        let done = typed(args);
        assert_eq!(advice(&done, 2, "E27"), again);
        assert!(done.err.contains(&format!("the address {told:?}")), "{done:#?}");
        assert!(!done.err.contains("hunter2"), "{done:#?}");
    }
}

#[test]
fn an_address_that_cannot_be_read_was_told_with_the_secret_of_its_variable() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str], value: &str| {
        let mut wsspec = command(folder.path(), args);
        wsspec.env("SESAME", value);
        let done = finish(wsspec);
        done.expect_error(2, "E27");
        let told = format!("{}{}", done.out, done.err);
        assert!(!["opensecret", "open secret"].iter().any(|secret| told.contains(secret)), "{done:#?}");
        done
    };
    for command in [&["run"][..], &["probe"], &["load", "rtt"]] {
        for address in ["http://h:1/?x=env:SESAME", "ws:/h:1/?x=env:SESAME", "ws://h:0/?x=env:SESAME"] {
            run(&[command, &[address]].concat(), "opensecret");
        }
        let done = run(&[command, &["ws://h:1/?x=env:SESAME&y=1"]].concat(), "open secret");
        assert!(done.err.contains("the address \"ws://h:1/?x=env:SESAME&y=1\""), "{done:#?}");
        assert!(done.err.contains("percent-encod"), "{done:#?}");
    }
    let file = "schema = 1\n[[target]]\nurl = \"ws://h:0/?x=env:SESAME\"\n";
    std::fs::write(folder.path().join("wsspec.toml"), file).unwrap();
    run(&["run", "1.1.1"], "opensecret");
    let done = run(&["run", "ws:/h:1/?token=opensecret"], "");
    assert!(done.err.contains("the address \"ws:/h:1/?token=env:TOKEN\""), "{done:#?}");
}

#[test]
fn the_correction_of_an_address_could_not_be_typed() {
    let form = "an address of the form ws://HOST:PORT/PATH";
    for (args, again) in [
        (&["probe", "ws://h:1/?token=hunter2#b"][..], "wsspec probe 'ws://h:1/?token=env:TOKEN'"),
        (&["probe", "localhost:9001/?token=hunter2#x"], "wsspec probe 'localhost:9001/?token=env:TOKEN'"),
        (&["probe", "ws://h:1/?token=env:MINE#b"], "wsspec probe 'ws://h:1/?token=env:MINE'"),
        (&["probe", "ws://h:1/?token=hun ter2"], "wsspec probe 'ws://h:1/?token=env:TOKEN'"),
        (&["probe", "ws://::1:9001/x"], "wsspec probe 'ws://[::1]:9001/x'"),
        (&["probe", "ws://:99999/a"], form),
        (&["probe", "ws://me:hunter2@"], form),
        (&["probe", "ws://[::1]x:9/a"], "wsspec probe 'ws://[::1]:9/a'"),
        (
            &["run", "ws://{port}/", "--exec", "./s {port}"],
            "wsspec run 'ws://127.0.0.1:{port}/' --exec './s {port}'",
        ),
        (
            &["run", "ws:/me:hunter2@h", "1.1.1"],
            "wsspec run ws://h 1.1.1 -H 'Authorization: Basic env:CREDENTIALS'",
        ),
        (&["echo", "--connect", "ws://me:hunter2@h"], "wsspec echo --connect ws://h"),
        (&["repro", "1.1.1", "ws:/127.0.0.1"], "wsspec repro 1.1.1 ws://127.0.0.1"),
    ] {
        assert_eq!(advice(&typed(args), 2, "E27"), again);
    }
}

/// What was proposed had an address and no command: nothing listened there.
#[test]
fn advice_about_a_target_of_a_file_started_no_server() {
    let folder = tempdir().unwrap();
    let target = |url: &str| {
        let exec = "exec = \"python3 -m http.server {port}\"\nready = \"tcp\"\nheaders = { X-A = \"b\" }";
        let file = format!("schema = 1\n[[target]]\nagent = \"mylib\"\n{url}\n{exec}\n");
        std::fs::write(folder.path().join("wsspec.toml"), file).unwrap();
        wsspec(folder.path(), &["run", "1.1.1", "--ci", "none"])
    };
    let with = "-H 'X-A: b' --agent mylib --exec 'python3 -m http.server {port}' --ready tcp";
    let done = target("url = \"ws://127.0.0.1:{port}/echo\"");
    let again = advice(&done, 3, "E04");
    assert_eq!(again, format!("wsspec run 'ws://127.0.0.1:{{port}}/PATH' 1.1.1 --ci none {with}"));
    std::fs::remove_file(folder.path().join("wsspec.toml")).unwrap();
    let words = shell_words::split(&again).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let done = wsspec(folder.path(), &words);
    assert_eq!(advice(&done, 3, "E04"), again, "it starts the same server");

    std::fs::write(folder.path().join("index.html"), "a page").unwrap();
    let file = "schema = 1\n[run]\nexec = \"python3 -m http.server {port}\"\nready = \"tcp\"\n";
    std::fs::write(folder.path().join("wsspec.toml"), file).unwrap();
    let done = wsspec(folder.path(), &["run", "1.1.1", "--ci", "none"]);
    let again = "wsspec run 'ws://127.0.0.1:{port}/PATH' 1.1.1 --ci none";
    assert_eq!(advice(&done, 3, "E07"), again, "the file starts it at any address");
}

#[test]
fn a_client_without_a_tester_was_told_to_listen() {
    let done = typed(&["echo", "--connect=ws://no-such-host.invalid:9001", "--agent", "a"]);
    assert_eq!(advice(&done, 3, "E02"), "wsspec echo --connect=ws://127.0.0.1:9001 --agent a");
}

#[test]
fn the_advice_to_run_one_case_at_a_time_was_refused_beside_j() {
    let answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    let peer = Peer::always(Manner::Answer(answer, Then::Close));
    let url = peer.url();
    for jobs in [&["-j", "8"][..], &["-j8"], &["--jobs=8"]] {
        let done = typed(&[&["run", &url], jobs, &["1.1.1"]].concat());
        assert_eq!(advice(&done, 3, "E07"), format!("wsspec run {url} --jobs 1 1.1.1"));
    }
}

#[test]
fn secrets_of_an_address_were_a_mark_in_what_is_to_be_typed() {
    let address = format!("ws://127.0.0.1:{}", free_port());
    let done = typed(&["probe", &format!("{address}/?token=abc&q=1"), "-s", "chat"]);
    assert_eq!(advice(&done, 3, "E01"), format!("wsspec probe '{address}/?token=env:TOKEN&q=1' -s chat"));
    let folder = tempdir().unwrap();
    let mut probe = command(folder.path(), &["probe", &format!("{address}/?k=env:MINE")]);
    probe.env("MINE", "hunter2");
    assert_eq!(advice(&finish(probe), 3, "E01"), format!("wsspec probe '{address}/?k=env:MINE'"));
}

#[test]
fn wstest_was_advised_options_that_it_does_not_have() {
    let url = refusing(0x74); // certificate_required
    let folder = tempdir().unwrap();
    let done = finish(wstest(folder.path(), &["-m", "testeeclient", "-w", &url]));
    let again = format!("wsspec echo --connect {url} --cert cert.pem --key key.pem");
    assert_eq!(advice(&done, 3, "E30"), again);
    let done = typed(&["echo", "--connect", &url, "-k", "--no-deflate"]);
    let again = format!("wsspec echo --connect {url} -k --no-deflate --cert cert.pem --key key.pem");
    assert_eq!(advice(&done, 3, "E30"), again);
}

#[test]
fn a_server_that_is_started_and_does_not_listen_was_replaced_by_another() {
    let folder = tempdir().unwrap();
    let exec = "sh -c 'sleep 30; exit 0'";
    let args = ["run", "--exec", exec, "--ready=after:100ms", "1.1.1"];
    let again = advice(&wsspec(folder.path(), &args), 3, "E01");
    let end = "--ready ws 1.1.1   (waits for its answer)";
    assert!(again.starts_with("wsspec run --exec ") && again.ends_with(end), "{again}");
    assert!(again.contains("sleep 30"), "{again}");
}

#[test]
fn a_server_of_a_variable_or_the_file_was_replaced_by_another() {
    let exec = "sh -c 'sleep 30; exit 0'";
    let again = "wsspec run 1.1.1 --ready ws   (waits for its answer)";
    let folder = tempdir().unwrap();
    let mut by_variable = command(folder.path(), &["run", "1.1.1"]);
    by_variable.envs([("WSSPEC_EXEC", exec), ("WSSPEC_READY", "after:100ms")]);
    assert_eq!(advice(&finish(by_variable), 3, "E01"), again);
    let target = format!("schema = 1\n[[target]]\nexec = \"{exec}\"\nready = \"after:100ms\"\n");
    std::fs::write(folder.path().join("wsspec.toml"), target).unwrap();
    assert_eq!(advice(&wsspec(folder.path(), &["run", "1.1.1"]), 3, "E01"), again);
}

#[test]
fn the_echo_server_that_was_proposed_for_wss_spoke_no_tls() {
    let address = format!("127.0.0.1:{}", free_port());
    let done = typed(&["probe", &format!("wss://{address}"), "-s", "chat"]);
    assert_eq!(advice(&done, 3, "E01"), format!("wsspec probe wss://{address} -s chat -k"));
    let facts = said(&done, 3, "E01");
    let start = format!("your server, or wsspec echo {address} --tls, in another");
    assert_eq!(fact(&facts, "start"), start, "the rest is on the next line");
}

#[test]
fn a_folder_as_a_baseline_was_told_to_be_created() {
    let folder = tempdir().unwrap();
    let run = |name: &str| wsspec(folder.path(), &["run", "1.1.1", "--baseline", name]);
    std::fs::create_dir_all(folder.path().join("kept")).unwrap();
    let empty = run("kept");
    assert!(empty.err.contains("error[E18]: kept is a folder, not a file"), "{empty:#?}");
    assert!(advice(&empty, 2, "E18").starts_with("wsspec baseline create "), "{empty:#?}");
    std::fs::write(folder.path().join("kept/a.toml"), "schema = 1\n").unwrap();
    assert_eq!(advice(&run("kept"), 2, "E18"), "kept/a.toml   (a file in it)");
}

#[test]
fn a_baseline_that_is_there_was_told_to_be_updated_without_what_that_needs() {
    let folder = with_record(RECORD);
    let create =
        |more: &[&str]| wsspec(folder.path(), &[&["baseline", "create", "--file", "b.toml"], more].concat());
    let again = advice(&create(&[]), 2, "E18");
    assert_eq!(again, "wsspec baseline create --file b.toml --reason 'initial import'");
    assert_eq!(create(&["--reason", "it is so"]).code, 0);
    let there = create(&["--reason", "again"]);
    assert_eq!(
        advice(&there, 2, "E21"),
        "wsspec baseline update --reason TEXT --file b.toml   (adds what is new)"
    );
    let anew =
        "  try      wsspec baseline create --file b.toml --reason again --force\n           (starts anew)\n";
    assert!(there.err.contains(anew), "{there:#?}");
    std::fs::write(folder.path().join("b.toml"), "schema = 1\n").unwrap();
    let new = wsspec(folder.path(), &["baseline", "update", "--file", "b.toml"]);
    let only = "  try      wsspec baseline update --file b.toml --only-fixed   (adds nothing)\n";
    assert!(new.err.contains(only), "{new:#?}");
}

#[test]
fn a_baseline_was_told_to_be_updated_from_the_results_of_another_run() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let entry = "schema = 1\n[[expect]]\ncases = [\"2.1\"]\nverdict = \"fail\"\nreason = \"known\"\n";
    std::fs::write(folder.path().join("b.toml"), entry).unwrap();
    let args = ["run", &peer.url(), "2.1", "--baseline", "b.toml", "--strict-baseline", "-o", "out"];
    let again = advice(&wsspec(folder.path(), &args), 5, "E24");
    let update = "wsspec baseline update --only-fixed --file b.toml --from out";
    assert_eq!(again, format!("{update}   then commit the file"));
    let words: Vec<&str> = update.split(' ').skip(1).collect();
    let done = wsspec(folder.path(), &words);
    assert!(done.code == 0 && done.out.contains("without 2.1: "), "{done:#?}");
}

#[test]
fn results_of_another_place_were_left_out_of_the_advice() {
    let folder = with_record(RECORD);
    std::fs::rename(folder.path().join("wsspec-out"), folder.path().join("other")).unwrap();
    let again = advice(&wsspec(folder.path(), &["show", "7.1.1", "--from", "other"]), 4, "E29");
    assert_eq!(again, "wsspec show 1.1.2 --from other   or run the case: wsspec run URL CASE");
}

#[test]
fn load_named_none_of_its_commands() {
    let done = typed(&["load", "foo"]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert!(done.err.contains("tip: the commands of load: connect rtt throughput\n"), "{done:#?}");
    let done = typed(&["load", "ws://127.0.0.1:9001"]);
    let first = "tip: one of them comes first: wsspec load connect ws://127.0.0.1:9001\n";
    assert!(done.err.contains(first), "{done:#?}");
    let done = typed(&["load", "ws://h/?a=1&b=2"]);
    assert!(done.err.contains("wsspec load connect 'ws://h/?a=1&b=2'\n"), "{done:#?}");
    let done = typed(&["load", "ws://h:1", "--rate", "5", "--size", "1KiB", "-H", "Cookie: abc"]);
    let rtt = "wsspec load rtt ws://h:1 --rate 5 --size 1KiB -H 'Cookie: env:COOKIE'\n";
    assert!(done.err.contains(rtt), "{done:#?}");
    let done = typed(&["baseline", "ws://h:1"]);
    assert!(done.err.contains("the commands of baseline: create"), "{done:#?}");
    assert!(!done.err.contains("comes first"), "none of them takes an address: {done:#?}");
    let done = typed(&["load", "conect"]);
    assert!(done.err.contains("'connect'") && !done.err.contains("first"), "{done:#?}");
}
