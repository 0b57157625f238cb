//! What stands on the page of a case.

use wsspec_wire::Opcode;

use super::*;
use crate::record::{Dir, SeenIn};
use crate::repro::{Form, Script};
use crate::story;

#[test]
fn a_case_that_was_not_run_has_a_page_that_says_why_and_how_to_run_it() {
    let mut report = sample(vec![passed("a", "1.1.1"), passed("a", "1.1.2"), passed("b", "1.1.1")]);
    let end = report.end.as_mut().unwrap();
    (end.complete, end.reason) = (false, Some("the time budget is <used> up".into()));
    end.not_run = vec![NotRun { agent: "a".into(), cases: vec!["5.15".to_owned()] }];
    let pages: BTreeMap<String, String> = folder(&report).map(|page| (page.name, page.content)).collect();
    for (name, parts) in [
        (
            "a_case_5_15.html",
            [
                "The run ended before this case had its turn: the time budget is &lt;used&gt; up.",
                "wsspec run ws://127.0.0.1:9001 5.15 -vvv",
                "What would be tested",
            ],
        ),
        (
            "b_case_1_1_2.html",
            [
                "It was not selected for this implementation.",
                "wsspec run ws://127.0.0.1:9001 1.1.2 -vvv",
                "a: <span aria-hidden=\"true\">✓</span>&nbsp;ok",
            ],
        ),
    ] {
        let words = pages[name].replace("<span>", "").replace("</span> ", " ");
        assert!(parts.iter().all(|part| words.contains(part)), "{name}: {words}");
        assert!(pages["index.html"].contains(&format!("href=\"{name}\"")), "the matrix leads to {name}");
    }
    let html = super::report(&report).unwrap();
    let packed = packed(&html);
    assert!(packed["5.15@a"].0.contains("the time budget is") && packed["5.15@b"].0.contains("not selected"));
    assert!(html.contains("href=\"#5.15@a\""));
    // A run that was cut off names no cases, but those that another implementation has are known.
    report.end = None;
    let pages: BTreeMap<String, String> = folder(&report).map(|page| (page.name, page.content)).collect();
    assert!(pages["b_case_1_1_2.html"].contains("did not come to its end"));
}

#[test]
fn a_page_tells_everything_that_a_page_of_the_reference_tells() {
    let report = every_verdict();
    let page = case_page(&report, &report.cases[2]).content;
    for part in [
        "A continuation frame arrives while no message is open.",
        "The connection is failed at the orphaned continuation frame.",
        "Text &quot;fragment1fragment2&quot;",
        "Text &quot;fragment4&quot;",
        "Sec-WebSocket-Accept",
        "wasServerConnectionDropTimeout",
        "Octets received by chop size",
        "Octets transmitted by chop size",
        "Frames received by opcode",
        "Frames transmitted by opcode",
        "Timeline and wire log",
        "rule broken here",
        "FIN=0 RSV=000 opcode=0 Continuation",
        "wsspec run ws://127.0.0.1:9001 5.15 -vvv --seed 7f3a91",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn round_trips_are_drawn_and_a_certificate_is_told() {
    let mut case = passed("a", "12.1.1");
    case.round_trips = Some(crate::samples::round_trips());
    (case.traffic.rx_app, case.duration_us) = (16_000, 100_000);
    let mut report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    for part in [
        "1 000 echoes: the fastest took 0.04 ms, half of them at most 0.06 ms, 90 % at most 0.10 ms",
        "<th scope=\"row\">100 µs</th><td>608</td>",
        &format!(">{}</span>", "█".repeat(32)),
        ">▏</span>",
        "10 000 messages and 0.15 MiB of their payload came back each second.",
        "CN=mylib CA, O=Example",
        "localhost, 127.0.0.1",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("not when the case ran"));
    report.cases[0].started = "2027-01-01T00:00:01.000Z".to_owned();
    assert!(case_page(&report, &report.cases[0]).content.contains("not when the case ran"));
}

#[test]
fn a_case_that_does_not_apply_accuses_nobody_and_says_what_was_not_negotiated() {
    let case = with_verdict(failed("a", "12.1.1"), Verdict::NotApplicable, "Compression was not agreed on.");
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    assert!(
        page.contains("Nothing was judged") && page.contains("<code>Sec-WebSocket-Extensions</code> in the")
    );
    for word in ["rule broken here", "✗", "differs", "What broke", "deviation"] {
        assert!(!page.contains(word), "{word}: {page}");
    }
    let why = "title=\"Compression was not agreed on.\"";
    assert!(index_page(&report).contains(why), "the cell says it as well");
}

#[test]
fn a_case_that_is_only_told_accused_the_implementation_of_a_broken_must() {
    let case = with_verdict(failed("a", "7.1.6"), Verdict::Info, "Two of three messages came back.");
    let failing = case_page(&sample(vec![failed("a", "7.1.6")]), &failed("a", "7.1.6")).content;
    assert!(failing.contains("class=\"check\">✗ MUST"), "{failing}");
    let page = case_page(&sample(vec![case.clone()]), &case).content;
    assert!(
        page.contains("class=\"where\">noted") && page.contains("<table class=\"diff noted\">"),
        "{page}"
    );
    for word in ["✗ MUST", "class=\"check\"", "class=\"bad\""] {
        assert!(!page.contains(word), "{word}: {page}");
    }
}

#[test]
fn a_failure_has_its_scripts_on_its_page_as_the_command_line_makes_them() {
    let mut report = sample(vec![failed("a", "5.15"), passed("a", "1.1.1"), failed("a", "5.16")]);
    report.run.targets[0].url = Some("ws://127.0.0.1:9001/echo".to_owned());
    let case = wsspec_cases::suite().get(report.cases[0].id).unwrap();
    let script = Script::recorded(&report, &report.cases[0], case).unwrap();
    let page = case_page(&report, &report.cases[0]).content;
    for form in [Form::Python, Form::Nc, Form::Rust, Form::Js, Form::Hex] {
        let text = script.render(form).unwrap();
        assert!(page.contains(&format!("<pre class=\"copy\">{}</pre>", escaped(&text))), "{form:?}");
    }
    assert!(page.contains("wsspec repro 5.15 --as pcap -o 5.15.pcapng"));
    assert!(!case_page(&report, &report.cases[1]).content.contains("socket.create_connection"));
    // One file: they are in the data.
    let html = super::super::report(&report).unwrap();
    for id in ["5.15", "5.16"] {
        let scripts = &packed_scripts(&html)[&format!("{id}@a")];
        assert!(scripts.contains("socket.create_connection") && scripts.contains("use std::"), "{scripts}");
    }
    assert!(packed_scripts(&html)["1.1.1@a"].is_empty());
}

fn escaped(text: &str) -> String {
    let escapes = [("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"), ("\"", "&#34;"), ("'", "&#39;")];
    escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn a_page_says_which_scripts_it_does_not_have_and_why() {
    let mut secure = sample(vec![failed("a", "5.15"), passed("a", "1.1.1")]);
    secure.run.targets[0].url = Some("wss://127.0.0.1:9001/echo".to_owned());
    let page = |run: &Report, place: usize| case_page(run, &run.cases[place]).content;
    let why = "<p class=\"small missing\">Not as nc or rust: this form speaks no TLS.</p>";
    assert!(page(&secure, 0).contains(why) && page(&secure, 0).contains("socket.create_connection"));
    let html = report(&secure).unwrap();
    assert!(packed(&html)["5.15@a"].0.contains(why), "the one file says it as well");
    // What was not recorded cannot be sent again.
    secure.cases[0].stats.dropped = 3;
    assert!(page(&secure, 0).contains("the record does not hold all octets that were sent"));
    assert!(!page(&secure, 1).contains("class=\"small missing\""), "a passing case asks for none");
    // Where there is room, what is not strict can be played again, too.
    let lesser = sample(vec![with_verdict(failed("a", "5.15"), Verdict::NonStrict, "It closed late.")]);
    assert!(page(&lesser, 0).contains("socket.create_connection"));
}

#[test]
fn the_commands_of_a_page_looked_elsewhere_and_made_what_cannot_be_made() {
    let mut run = sample(vec![passed("a", "1.1.1"), failed("a", "12.1.5")]);
    run.run.argv.extend(["-o", "my out"].map(str::to_owned));
    run.cases[1].stats.dropped = 3;
    run.cases[1].stats.tx_octets = 1 << 20;
    let page = |place: usize| case_page(&run, &run.cases[place]).content;
    let command =
        |form: &str, more: &str| escaped(&format!("wsspec repro 1.1.1 --as {form} --from 'my out'{more}"));
    assert!(page(0).contains(&command("python", "")), "{}", page(0));
    assert!(page(0).contains(&command("pcap", " -o 1.1.1.pcapng")), "{}", page(0));
    assert!(!page(1).contains("as a script") && page(1).contains("and they are too many"), "{}", page(1));
}

#[test]
fn the_table_of_a_crash_begins_with_the_death() {
    let report = sample(vec![died("a", "5.15")]);
    let page = case_page(&report, &report.cases[0]).content;
    let row = page.split("<tbody>").nth(1).and_then(|rest| rest.split("</tr>").next()).unwrap();
    for part in [
        "≠ differs",
        "process.alive",
        "the process to keep running",
        "the process exited: signal 11 (SIGSEGV)",
    ] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert!(page.contains("+ extra"), "what else was seen is told below it");
    assert!(page.contains("<p>The process exited: signal 11 (SIGSEGV).</p>"), "the log says how it ended");
}

#[test]
fn a_difference_and_octets_that_are_no_text_are_marked_where_they_are() {
    let mut case = failed("a", "5.15");
    case.received = vec![crate::samples::text_event("fragment1fragment3")];
    let broken = crate::samples::frame(Dir::Rx, Opcode::TEXT, true, b"ok\xed\xa0\x80 \xe2\x80\xae");
    case.events[7].what = broken;
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    for part in [
        "Text &quot;fragment1fragment<mark>3</mark>&quot; <em class=\"where\">differs at offset 17 of 18: \
         expected 32, got 33</em>",
        "<em class=\"flaw\">no UTF-8 from offset 3 of the message on: a0</em>",
        "octet 5, hex a0: no UTF-8 from offset 3 of the message on: a0",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_check_that_was_seen_in_another_case_or_in_a_header_leads_there() {
    let mut watching = failed("a", "18.9.1");
    watching.checks.iter_mut().filter(|check| !check.ok).for_each(|check| {
        (check.event, check.case) = (Some(7), Some(SeenIn("5.15".parse().unwrap())));
        check.header = Some("Sec-WebSocket-Extensions".to_owned());
    });
    let both = sample(vec![failed("a", "5.15"), watching.clone()]);
    let html = &packed(&report(&both).unwrap())["18.9.1@a"].0;
    assert!(html.contains(r##"<a class="line" href="#5.15@a:f7">case 5.15, line 7</a>"##));
    assert!(html.contains("in Sec-WebSocket-Extensions"));
    assert!(html.contains("the check events fails here"), "the handshake block marks the header");
    let alone = &packed(&report(&sample(vec![watching])).unwrap())["18.9.1@a"].0;
    assert!(alone.contains("case 5.15, line 7") && !alone.contains("#5.15@a:f7"), "there is no such page");
}

#[test]
fn the_timeline_of_a_proxy_has_three_lanes() {
    let mut case = failed("a", "5.15");
    case.backend = Some(Box::new(crate::samples::backend()));
    let html = &packed(&report(&sample(vec![case])).unwrap())["5.15@a"].0;
    assert!(html.contains(r#"<th scope="col">origin</th>"#));
    assert!(html.contains(r#"<span class="hop">proxy to origin</span> Text fin=1"#));
    assert!(html.contains(r#"id="5.15@a:o1" class="origin""#), "lines of both legs have names of their own");
}

#[test]
fn the_pieces_of_a_frame_that_was_chopped_are_drawn() {
    let mut case = failed("a", "5.15");
    if let crate::record::Happening::Frame { chop, .. } = &mut case.events[2].what {
        *chop = Some(4);
    }
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    let drawn = "written in 4 pieces of at most 4 octets <code>01 89 37 fa</code> <code>21 3d 51 88</code>";
    assert!(page.contains(drawn), "{page}");
}

#[test]
fn what_was_cut_is_told_in_place_with_its_length_and_hash() {
    let mut case = passed("a", "1.1.7");
    let long = Payload::new(&[b'x'; 70_000], 256);
    for line in &mut case.events {
        if let crate::record::Happening::Frame { op: 1, data, wire, .. } = &mut line.what {
            *data = long.clone();
            wire.truncate(256);
        }
    }
    case.events.remove(3);
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    let cut = format!("69 744 of 70 000 octets not kept here, SHA-256 {}", long.sha256().unwrap());
    assert!(page.matches(&cut).count() >= 2, "in the timeline and with the frame: {page}");
    assert!(page.contains("1 line not kept"), "{page}");
    // What a report cuts was whole before: its hash is known.
    let short = Payload::new(b"Hello, world", 256).shortened(5);
    assert_eq!((short.kept(), short.sha256()), (&b"Hello"[..], Payload::new(b"Hello, world", 5).sha256()));
}

#[test]
fn the_body_of_a_refusal_is_shown_escaped_and_bounded() {
    let mut case = never_opened("a", "1.1.1");
    let body = format!("<h1>no such path</h1>\n{}", "x".repeat(9000));
    case.handshake.body = Payload::new(body.as_bytes(), 16384);
    let mut failing = case.clone();
    failing.id = "1.1.2".parse().unwrap();
    failing.verdict = Verdict::Fail;
    let mut binary = case.clone();
    binary.id = "1.1.3".parse().unwrap();
    binary.handshake.body = Payload::new(b"\x1f\x8b\x08\xff", 16384);
    let report = sample(vec![case, failing, binary]);
    let page = case_page(&report, &report.cases[0]).content;
    let (_, shown) = page.split_once("<h4>Body of the response</h4>").expect("it is shown");
    let shown = shown.split("</details>").next().unwrap();
    assert!(shown.contains("&lt;h1&gt;no such path&lt;/h1&gt;") && shown.len() < 4300, "{shown}");
    assert!(shown.contains("octets are not shown here."), "{shown}");
    assert!(case_page(&report, &report.cases[2]).content.contains("<pre>1f 8b 08 ff</pre>"));
    let html = super::report(&report).unwrap();
    let brief =
        html.split("class=\"brief\"").nth(1).and_then(|rest| rest.split("</article>").next()).unwrap();
    assert!(brief.contains("&lt;h1&gt;no such path") && !brief.contains(&"x".repeat(600)), "{brief}");
    let none = sample(vec![passed("a", "1.1.1")]);
    assert!(!case_page(&none, &none.cases[0]).content.contains("Body of the response"));
}

#[test]
fn a_case_that_sent_fewer_messages_than_its_title_has_says_so() {
    let mut case = passed("a", "12.1.1");
    case.title = "1000 messages of 16 characters".to_owned();
    let page = |case: &CaseRecord| {
        let report = sample(vec![case.clone()]);
        case_page(&report, &report.cases[0]).content
    };
    let words = "20 messages instead of 1000, by --volume-messages";
    assert!(!page(&case).contains("instead of"));
    case.repro.extend(["--volume-messages".to_owned(), "20".to_owned()]);
    assert_eq!(page(&case).matches(words).count(), 2, "in the head and beside the title");
    case.title = "A text message".to_owned();
    assert!(!page(&case).contains("instead of"));
}

#[test]
fn checks_that_were_not_reached_are_named() {
    let mut case = failed("a", "5.15");
    case.not_reached = vec![crate::record::UnreachedRecord {
        id: "close.tcp".to_owned(),
        level: wsspec_cases::Level::Should,
        rfc: None,
        expected: "<the server> to end TCP first".into(),
    }];
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    let part = "Not reached</span> <span aria-hidden=\"true\">–</span>&nbsp;SHOULD \
        <code title=\"&lt;the server&gt; to end TCP first\">close.tcp</code>";
    assert!(page.contains(part), "{page}");
    let good = sample(vec![passed("a", "1.1.1")]);
    assert!(!case_page(&good, &good.cases[0]).content.contains("Not reached"));
}

/// What was sent and had to be refused says more than what came back; the page named the octets of what came back.
#[test]
fn the_page_named_the_octets_of_another_frame_than_the_terminal() {
    let mut case = failed("a", "5.15");
    let check = case.checks.iter_mut().find(|check| !check.ok).unwrap();
    check.event = Some(8);
    let [sent] = story::telling_frames(&case)[..] else { panic!("one frame tells") };
    assert_eq!((case.deviation(), sent.i), (Some(8), 4));
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    let open: Vec<&str> = page.split("<details open><summary>line ").skip(1).collect();
    let [open] = open[..] else { panic!("{} frames are open", open.len()) };
    assert!(open.starts_with("4, 15 octets, sent: Continuation"), "{}", &open[..200]);
    assert!(open.split("</summary>").next().unwrap().contains("nothing to continue"), "{}", &open[..200]);
    let row = page.split("<tr id=\"").find(|row| row.contains(":f4\"")).unwrap();
    assert!(row.contains("<em class=\"here\">nothing to continue</em>"), "{row}");
    let brief = super::report(&report).unwrap();
    assert_eq!(brief.matches("<b>Octets of line ").count(), 1);
    assert!(brief.contains("<b>Octets of line 4</b>"));
}

#[test]
fn a_short_record_says_what_is_left_out_and_compares_nothing() {
    let mut case = failed("a", "5.15");
    let (lines, came) = (case.stats.kept, case.received.len());
    case.log = Some(AgentLog { from: 10, to: 2010, text: "words\n".into(), core: None });
    case.shorten();
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    for part in [
        &format!("Not kept, as the record of the run had grown too long: {lines} lines."),
        &format!("{came} more event"),
        "2 000 octets are not kept here.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("- missing"), "what came is not known: {page}");
    assert!(page.contains("✗ MUST <code>events</code>"), "the checks stay: {page}");
}

#[test]
fn frames_that_were_not_asked_for_were_said_to_be_in_the_record() {
    let mut case = passed("a", "1.1.1");
    let lines = case.stats.kept;
    case.leave_out_frames();
    let report = sample(vec![case]);
    let page = case_page(&report, &report.cases[0]).content;
    assert!(page.contains(&format!("Not kept: {lines} lines. --trace all keeps them.")), "{page}");
    assert!(!page.contains("results.jsonl has"), "{page}");
}
