//! What errors say, each provoked: what was tried, what came back, and the command that helps.

use std::net::TcpListener;

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};
use crate::server;
use crate::tester::{Tester, free_port};

fn run(args: &[&str]) -> Done {
    wsspec(tempdir().unwrap().path(), &[&["run"], args].concat())
}

/// The lines of the error, behind its first one, without their labels.
#[track_caller]
pub(crate) fn said(done: &Done, exit: i32, code: &str) -> Vec<(String, String)> {
    done.expect_error(exit, code);
    let mark = format!("error[{code}]");
    let lines = done.err.lines().skip_while(|line| !line.starts_with(&mark)).skip(1);
    let mut facts: Vec<(String, String)> = Vec::new();
    for (label, text) in lines.filter_map(|line| line.strip_prefix("  ")?.split_once(' ')) {
        match facts.last_mut().filter(|(last, _)| label.is_empty() && last == "try") {
            // What is said of a long command stands below it.
            Some((_, advice)) => advice.push_str(&format!("   {}", text.trim())),
            None => facts.push((label.to_owned(), text.trim().to_owned())),
        }
    }
    facts
}

pub(crate) fn fact<'a>(facts: &'a [(String, String)], label: &str) -> &'a str {
    facts.iter().find(|(name, _)| name == label).map_or("", |(_, text)| text)
}

#[test]
fn e02_a_name_that_is_nearly_localhost_and_one_without_an_address_of_the_kind() {
    let typo = said(&run(&["ws://locahost:9001/echo"]), 3, "E02");
    assert_eq!(fact(&typo, "meant"), "localhost?");
    assert_eq!(fact(&typo, "try"), "wsspec run ws://localhost:9001/echo");
    let typed = run(&["ws://127.0.0.1:9001", "-6"]);
    assert!(
        typed.err.starts_with("error[E02]: the host name \"127.0.0.1\" has no IPv6 address\n"),
        "{typed:#?}"
    );
    let facts = said(&typed, 3, "E02");
    assert_eq!(fact(&facts, "meant"), "", "nobody meant what was typed: {facts:?}");
    assert_eq!(fact(&facts, "usually"), "the server is reached without -6");
    assert_eq!(fact(&facts, "try"), "wsspec run ws://127.0.0.1:9001");
}

#[test]
fn e08_the_rule_that_the_upgrade_breaks() {
    let wrong = |response: &'static [u8]| {
        let peer = Peer::always(Manner::Answer(response, Then::Silence));
        let done = run(&[&peer.url()]);
        let headline = done.err.lines().next().unwrap().to_owned();
        (headline, said(&done, 3, "E08"))
    };
    let head = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: c2FtcGxl\r\n\r\n";
    let (headline, facts) = wrong(head);
    assert!(headline.ends_with("wrong: Sec-WebSocket-Accept does not match"), "{headline}");
    assert_eq!((fact(&facts, "key").len(), fact(&facts, "expected").len()), (24, 28), "{facts:?}");
    assert_eq!(fact(&facts, "got"), "c2FtcGxl");
    assert_eq!(fact(&facts, "rule"), "RFC 6455 4.2.2 step 5.4: base64(SHA-1(key + GUID))");
    assert!(fact(&facts, "try").contains(" @handshake "), "{facts:?}");
    let (headline, facts) = wrong(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    assert!(headline.ends_with("wrong: Sec-WebSocket-Accept is missing"), "{headline}");
    assert_eq!(fact(&facts, "got"), "no such header");
    let (_, facts) = wrong(b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(
        (fact(&facts, "key"), fact(&facts, "expected"), fact(&facts, "got")),
        ("", "websocket", "h2c")
    );
}

#[test]
fn e09_nearby_the_certificate_is_nobodys_and_k_is_proposed() {
    let peer = Peer::always(Manner::Answer(b"\x15\x03\x03\x00\x02\x02\x16", Then::Close));
    let facts = said(&run(&[&peer.url()]), 3, "E09");
    assert_eq!(fact(&facts, "got"), "15 03 03 00 02 02 16   = a TLS alert");
    let there = peer.url().replace("ws://", "wss://");
    assert_eq!(fact(&facts, "try"), format!("wsspec run {there} -k     (-k: accept any certificate)"));
    let words = Peer::always(Manner::Answer(
        b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port",
        Then::Close,
    ));
    let facts = said(&run(&[&words.url()]), 3, "E09");
    assert_eq!(
        fact(&facts, "got"),
        "\"The plain HTTP request was sent to HTTPS port\"",
        "words are no record"
    );
}

#[test]
fn e12_what_follows_a_message_that_is_no_echo() {
    for (frames, then) in [
        (&b"\x81\x02hi"[..], "Text \"hi\"   then nothing for 2.00 s"),
        (b"\x81\x02hi\x81\x03you", "Text \"hi\"   then more messages, none of them the echo"),
        (b"\x81\x02hi\x88\x00", "Text \"hi\"   then the end of the connection"),
    ] {
        let peer = Peer::always(Manner::Upgrade(frames, Then::Silence));
        let facts = said(&run(&[&peer.url()]), 3, "E12");
        assert_eq!(fact(&facts, "got"), then);
        assert!(fact(&facts, "try").ends_with("wsspec help echo-server"), "{facts:?}");
        let runs = fact(&facts, "or").strip_prefix("--mode discard to run the ").unwrap();
        assert!(runs.split(' ').next().unwrap().parse::<u32>().unwrap() > 50, "{facts:?}");
    }
}

#[test]
fn e12_proposed_an_option_of_run_to_other_commands() {
    let peer = Peer::always(Manner::Upgrade(b"\x81\x02hi", Then::Silence));
    for command in [&["probe"][..], &["load", "rtt"]] {
        let done = wsspec(tempdir().unwrap().path(), &[command, &[&peer.url()]].concat());
        done.expect_error(3, "E12");
        assert!(!done.err.contains("--mode"), "{done:#?}");
    }
}

#[test]
fn help_explains_what_is_no_command() {
    let folder = tempdir().unwrap();
    let help = |word: &str| wsspec(folder.path(), &["help", word]);
    for word in ["echo-server", "5.15", "E09", "1007"] {
        let (help, explain) = (help(word), wsspec(folder.path(), &["explain", word]));
        assert_eq!((help.code, &help.out), (0, &explain.out), "{word}");
    }
    assert!(help("run").out.contains("Usage: wsspec run"));
    let typo = help("rnu");
    assert!(typo.code == 2 && typo.err.contains("'run'"), "{typo:#?}");
}

#[test]
fn e14_the_advice_leaves_out_the_cases_that_hung() {
    let hang = |cases: &[&str]| {
        // The look before the first case takes two connections.
        let peer = Peer::start(|n| if n < 2 { Manner::Echo } else { Manner::Answer(b"", Then::Silence) });
        let url = peer.url();
        let args = [&url, "--max-hangs", "2", "--open-timeout", "200ms", "-j", "1", "--no-confirm"];
        said(&run(&[&args[..], cases].concat()), 6, "E14")
    };
    let facts = hang(&["1.1.2", "1.1.3", "1.1.4"]);
    assert_eq!(fact(&facts, "try"), "-x '1.1.*'   or   --timeout-scale 4   on slow machines", "{facts:?}");
    let facts = hang(&["1.1.8", "1.2.1", "1.2.2"]);
    assert!(fact(&facts, "try").starts_with("-x '1.*'   or"), "{facts:?}");
    let facts = hang(&["9.1.1", "9.2.1", "9.2.2"]);
    assert!(fact(&facts, "cases").ends_with("(all large: a message limit?)"), "{facts:?}");
    assert!(fact(&facts, "try").starts_with("-x @limits   or"), "{facts:?}");
}

#[test]
fn e18_a_comma_too_many_was_answered_with_advice_about_quotes() {
    let folder = tempdir().unwrap();
    for (cases, comma) in [("[\"1.1.*\",]", "\"]\""), ("[\"1.1.*\",,\"2.*\"]", "\",\"")] {
        let spec = format!("{{\n  \"servers\": [],\n  \"cases\": {cases}\n}}\n");
        std::fs::write(folder.path().join("spec.json"), spec).unwrap();
        let done = wsspec(folder.path(), &["run", "--spec", "spec.json"]);
        assert!(done.err.contains(&format!("^ a comma before {comma} is not allowed in JSON")), "{done:#?}");
        let facts = said(&done, 2, "E18");
        assert_eq!(fact(&facts, "try"), "remove the comma     (wsspec.toml allows comments and such commas)");
    }
}

#[test]
fn e18_a_certificate_file_that_is_not_there() {
    let done = run(&["wss://127.0.0.1:9", "--cacert", "missing.pem"]);
    assert!(done.err.starts_with("error[E18]: cannot read missing.pem"), "{done:#?}");
    let facts = said(&done, 2, "E18");
    assert_eq!(fact(&facts, "why"), "no such file or directory");
}

#[test]
fn e18_a_record_names_one_line_and_a_way_out() {
    let folder = tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.jsonl"),
        "{\"t\":\"run\",\"schema\":\"wsspec/results/1\"}\n{\"t\":\"case\"}\n{\"t\":\"end\"}\n",
    )
    .unwrap();
    let done = wsspec(folder.path(), &["show", "--from", "a.jsonl"]);
    let facts = said(&done, 2, "E18");
    assert_eq!(done.err.matches("line ").count(), 1, "{done:#?}");
    assert!(!fact(&facts, "try").starts_with("wsspec run"), "{facts:?}");
    let newer = "{\"t\":\"run\",\"schema\":\"wsspec/results/9\"}\n";
    std::fs::write(folder.path().join("a.jsonl"), newer).unwrap();
    let facts = said(&wsspec(folder.path(), &["show", "--from", "a.jsonl"]), 2, "E18");
    assert!(fact(&facts, "try").starts_with("a newer version of wsspec"), "{facts:?}");
}

#[test]
fn e22_names_where_it_listened_and_who_could_come() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let wait = |bind: &[&str]| {
        let args = ["serve", "--once", "--port", &port, "--idle-timeout", "100ms"];
        said(&wsspec(folder.path(), &[&args[..], bind].concat()), 4, "E22")
    };
    let open = wait(&["--bind", "0.0.0.0"]);
    assert_eq!(fact(&open, "waiting"), format!("on 0.0.0.0:{port} (other hosts can reach it)"));
    assert!(!fact(&open, "usually").contains("--bind"), "{open:?}");
    let own = wait(&["--bind", "127.0.0.1"]);
    assert_eq!(fact(&own, "waiting"), format!("on 127.0.0.1:{port} (this machine only)"));
    assert!(fact(&own, "usually").ends_with("--bind 0.0.0.0"), "{own:?}");
}

#[test]
fn e27_and_e13_say_what_is_true() {
    let folder = tempdir().unwrap();
    let page = |code: &str| wsspec(folder.path(), &["explain", code]).out.replace("\n  ", " ");
    assert!(page("E27").contains("localhost and IP addresses do not"), "{}", page("E27"));
    assert!(page("E13").contains("12, 13 and 19 to 22"), "{}", page("E13"));
    // 127.0.0.1 without a port is port 80, as the page says.
    let listener = TcpListener::bind("127.0.0.1:80");
    if listener.is_ok() {
        drop(listener);
        let done = run(&["127.0.0.1"]);
        assert!(done.err.contains("error[E01]: nothing is listening on 127.0.0.1:80"), "{done:#?}");
    }
}

#[test]
fn a_control_address_without_an_upgrade_and_a_report_that_is_not_there_yet() {
    let folder = tempdir().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    let get = |path: &str, more: &str| crate::visitor::get(tester.port, path, more);
    for path in ["/getCaseCount", "/getCaseInfo?case=1", "/getCaseStatus", "/updateReports", "/stopServer"] {
        let (head, body) = get(path, "Origin: http://evil.example\r\n");
        assert!(head.starts_with("HTTP/1.1 400 "), "{path}: {head}");
        assert!(body.contains("Upgrade is missing"), "{path}: {body}");
    }
    let (head, body) = get("/report", "");
    assert!(head.starts_with("HTTP/1.1 404 ") && body.contains("there is no report yet"), "{head}{body}");
}

/// The facts of the error that a server with this response gets.
fn answered(response: &'static [u8], args: &[&str], code: &str) -> (String, Vec<(String, String)>) {
    let peer = Peer::always(Manner::Answer(response, Then::Close));
    let url = peer.url();
    let done = run(&[&[url.as_str()], args].concat());
    (url, said(&done, 3, code))
}

#[test]
fn e05_403_is_most_often_the_origin_and_401_never() {
    let (url, facts) = answered(b"HTTP/1.1 403 Forbidden\r\n\r\nOrigin not allowed", &[], "E05");
    let host = url.trim_start_matches("ws://");
    assert_eq!(fact(&facts, "got"), "HTTP/1.1 403 Forbidden   \"Origin not allowed\"");
    assert_eq!(fact(&facts, "try"), format!("wsspec run {url} --origin http://{host}"));
    let (_, facts) = answered(b"HTTP/1.1 403 Forbidden\r\n\r\n", &["--origin", "http://a.test"], "E05");
    assert!(fact(&facts, "usually").contains("the Origin http://a.test"), "{facts:?}");
    let challenge = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"chat\"\r\n\r\n";
    let (url, facts) = answered(challenge, &[], "E05");
    assert!(fact(&facts, "got").contains("WWW-Authenticate: Bearer realm="), "{facts:?}");
    assert_eq!(fact(&facts, "try"), format!("wsspec run {url} -H 'Authorization: Bearer env:TOKEN'"));
}

#[test]
fn e07_a_version_a_limit_a_failure_and_a_route_are_told_apart() {
    let of = |response: &'static [u8]| answered(response, &[], "E07").1;
    let version = of(b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n\r\n");
    assert_eq!(fact(&version, "usually"), "it speaks version 8 of the protocol only");
    assert!(fact(&version, "try").contains("version 13"), "{version:?}");
    let limit = of(b"HTTP/1.1 429 Too Many Requests\r\n\r\n");
    assert!(fact(&limit, "try").ends_with(" --jobs 1"), "{limit:?}");
    let failure = of(b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
    assert!(fact(&failure, "usually").starts_with("the server or one behind it fails"), "{failure:?}");
    let route = of(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html>");
    assert_eq!(fact(&route, "got"), "HTTP/1.1 200 OK   Content-Type: text/html   \"<!doctype html>\"");
    assert!(fact(&route, "nginx").contains("proxy_http_version 1.1"), "{route:?}");
}

#[test]
fn e21_a_file_in_the_place_of_the_folder_was_blamed_on_a_container() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("f.json"), "").unwrap();
    let facts = said(&wsspec(folder.path(), &["run", "1.1.1", "-o", "f.json"]), 6, "E21");
    assert!(fact(&facts, "there").starts_with("f.json is no folder, owned by "), "{facts:?}");
    assert_eq!((fact(&facts, "usually"), fact(&facts, "why")), ("", "file exists"));
}

#[test]
fn e21_two_documents_do_not_share_stdout() {
    for args in [["--junit", "-", "--format", "json"], ["--html", "-", "--md", "-"]] {
        let done = run(&[&["1.1.1"][..], &args].concat());
        said(&done, 2, "E21");
        assert!(done.out.is_empty() && done.err.contains("stdout can hold one document"), "{done:#?}");
    }
}

#[test]
fn e18_a_baseline_that_is_not_there_is_created_by_its_own_command() {
    let facts = said(&run(&["1.1.1", "--baseline", "missing.toml"]), 2, "E18");
    assert!(fact(&facts, "try").starts_with("wsspec baseline create "), "{facts:?}");
    let facts = said(&run(&["1.1.1", "-C", "missing.toml"]), 2, "E18");
    assert!(fact(&facts, "try").starts_with("wsspec config init"), "{facts:?}");
}

#[test]
fn e01_the_other_loopback_address_was_not_looked_at() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    let facts = said(&run(&[&format!("ws://127.0.0.1:{port}/a"), "1.1.1", "-o", "here"]), 3, "E01");
    assert_eq!(fact(&facts, "note"), format!("something does listen on [::1]:{port}"));
    assert_eq!(fact(&facts, "try"), format!("wsspec run 'ws://[::1]:{port}/a' 1.1.1 -o here"));
}

#[test]
fn the_advice_dropped_what_was_typed_and_load_was_told_to_run() {
    let done = run(&["ws://nohost.invalid", "1.1.1", "-H", "Cookie: a=b", "-s", "chat"]);
    let again = "wsspec run ws://127.0.0.1:9001 1.1.1 -H 'Cookie: env:COOKIE' -s chat";
    assert_eq!(fact(&said(&done, 3, "E02"), "try"), again, "nothing listens on port 80: {done:#?}");

    let folder = tempdir().unwrap();
    let url = format!("ws://127.0.0.1:{}", free_port());
    let done = wsspec(folder.path(), &["load", "rtt", &url, "--for", "1s"]);
    assert_eq!(fact(&said(&done, 3, "E01"), "try"), format!("wsspec load rtt {url} --for 1s"));
    let done = wsspec(folder.path(), &["load", "rtt", "ws://nohost.invalid:7", "--for", "1s"]);
    assert_eq!(fact(&said(&done, 3, "E02"), "try"), "wsspec load rtt ws://127.0.0.1:7 --for 1s");
}

#[test]
fn e07_a_bad_request_is_not_only_about_proxies() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let peer = Peer::always(Manner::Answer(answer, Then::Close));
    let facts = said(&run(&[&peer.url(), "1.1.1"]), 3, "E07");
    for part in ["Origin", "subprotocol", "path"] {
        let words = facts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{part}: {facts:?}");
    }
    let url = peer.url();
    let origin = format!("wsspec run {url} 1.1.1 --origin {}", url.replace("ws://", "http://"));
    assert_eq!(fact(&facts, "try"), origin.trim_end_matches('/'));
}

#[test]
fn e17_a_section_is_no_case_but_has_some() {
    let folder = tempdir().unwrap();
    for command in ["run", "explain", "show"] {
        if command == "show" {
            assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
        }
        let done = wsspec(folder.path(), &[command, "1.1"]);
        let facts = said(&done, 2, "E17");
        assert_eq!(fact(&facts, "meant"), "1.1 is a section: '1.1.*' has 8 cases", "{done:#?}");
    }
}

#[test]
fn the_exit_codes_have_a_page() {
    let folder = tempdir().unwrap();
    for words in [&["help", "exit-codes"][..], &["explain", "exit status"]] {
        let done = wsspec(folder.path(), words);
        assert!(done.code == 0 && done.out.contains("\n  3   unreachable  no connection"), "{done:#?}");
    }
}

#[test]
fn a_word_that_is_no_case_may_be_a_server() {
    let facts = said(&run(&["myhost"]), 2, "E17");
    assert_eq!(fact(&facts, "or"), "ws://myhost:PORT, if it is a server");
    let facts = said(&run(&["ws:/127.0.0.1:9001"]), 2, "E27");
    assert_eq!(fact(&facts, "try"), "wsspec run ws://127.0.0.1:9001");
    assert_eq!(fact(&said(&run(&["99.1"]), 2, "E17"), "or"), "");
}

#[test]
fn e03_about_a_server_that_is_started_advises_more_time_and_no_probe() {
    let exec = server::command("silent");
    let args = ["--exec", &exec, "--ready", "tcp", "--open-timeout", "300ms", "1.1.1"];
    let done = run(&args);
    let facts = said(&done, 3, "E03");
    assert_eq!(fact(&facts, "got"), "TCP was accepted, then nothing");
    let again = fact(&facts, "try");
    assert!(again.starts_with("wsspec run 'ws://127.0.0.1:{port}' --exec "), "{facts:?}");
    assert!(again.ends_with(" --open-timeout 20s 1.1.1"), "{facts:?}");
    assert!(!done.err.contains("probe"), "nobody else starts it: {done:#?}");
    assert_eq!(fact(&facts, "or"), "");
}
