#[expect(clippy::disallowed_methods, reason = "these tests start a browser and write what it drew")]
mod browser;
#[expect(clippy::disallowed_methods, reason = "these tests start a validator and write files for it")]
mod validator;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use wsspec_engine::Verdict;

use super::*;
use crate::record::{AgentLog, NotRun, Payload, Standing};
use crate::samples::{failed, never_opened, passed, report as sample, with_verdict};
use crate::sanitise::fixtures::HOSTILE;

const HOSTILE_AGENT: &str = "other \"><svg/onload=alert(1)> lib";

/// One case for every verdict, for two agents.
fn every_verdict() -> Report {
    let mut cases = Vec::new();
    for agent in ["mylib/2.3", HOSTILE_AGENT] {
        cases.push(passed(agent, "1.1.1"));
        cases.push(with_verdict(passed(agent, "1.1.2"), Verdict::NonStrict, "It closed late."));
        cases.push(failed(agent, "5.15"));
        cases.push(with_verdict(failed(agent, "5.16"), Verdict::Timeout, "Nothing came for 10 s."));
        cases.push(with_verdict(failed(agent, "6.3.2"), Verdict::Crash, "It died of signal 11."));
        cases.push(with_verdict(passed(agent, "7.1.6"), Verdict::Info, "Recorded."));
        cases.push(never_opened(agent, "7.5.1"));
        cases.push(with_verdict(passed(agent, "9.1.1"), Verdict::Skipped, "Deselected."));
        cases.push(with_verdict(passed(agent, "9.1.2"), Verdict::NotRun, "The run ended first."));
        cases.push(with_verdict(passed(agent, "12.1.1"), Verdict::NotApplicable, "No deflate."));
    }
    cases[2].outcome = Some(Standing::Unexpected);
    cases[12] = passed(HOSTILE_AGENT, "5.15");
    sample(cases)
}

/// A report in which the peer put a hostile text wherever it can put one.
fn hostile(text: &str) -> Report {
    let mut case = failed(text, "5.15");
    let payload = Some(Payload::new(text.as_bytes(), 256));
    case.summary = text.into();
    case.checks[0].observed = text.into();
    case.received = vec![crate::samples::text_event(text)];
    case.close.remote_reason.clone_from(&payload);
    case.close.not_clean_reason = Some(text.into());
    case.handshake.response =
        Payload::new(format!("HTTP/1.1 101 {text}\r\n{text}: {text}\r\n\r\n").as_bytes(), 16384);
    case.handshake.extensions = Some(text.into());
    case.handshake.subprotocol = Some(text.into());
    case.log = Some(AgentLog { text: text.into(), ..AgentLog::default() });
    case.autobahn.result = text.into();
    let mut good = passed(text, "1.1.1");
    good.summary = text.into();
    sample(vec![case, good])
}

fn documents(report: &Report) -> Vec<String> {
    let one = super::report(report).unwrap();
    folder(report).filter(|page| page.name.ends_with(".html")).map(|page| page.content).chain([one]).collect()
}

/// The tags and attribute values of a document, without its text, style, script and data.
fn tags(html: &str) -> Vec<&str> {
    let body = html.split_once("<body>").unwrap().1;
    let body = body.split_once("<script type=").map_or(body, |(body, _)| body);
    body.split('<').skip(1).map(|tag| tag.split_once('>').unwrap().0).collect()
}

#[test]
fn what_is_worse_than_before_stands_first_in_a_comparison() {
    let mut new =
        sample(vec![passed("a", "1.1.1"), failed("a", "5.15"), failed("a", "5.16"), passed("a", "2.1")]);
    new.cases[3].verdict = Verdict::Pass;
    let mut old =
        sample(vec![passed("a", "1.1.1"), passed("a", "5.15"), passed("a", "5.16"), failed("a", "2.1")]);
    old.run.targets.clear();
    for page in
        [report_against(&new, Some(("main", &old))).unwrap(), index_against(&new, Some(("main", &old)))]
    {
        let table = page.split("Against earlier results</caption>").nth(1).expect("there is a comparison");
        let table = table.split("</table>").next().unwrap();
        let [worse, better] = ["worse</th>", "better</th>"].map(|word| table.find(word).expect("a change"));
        assert!(worse < better && table.contains(">5.15<") && table.contains(">5.16<"), "{table}");
        assert_eq!(table.matches("<tr><th scope=\"row\">").count(), 2, "one row for each change: {table}");
    }
    assert!(report_against(&new, Some(("main", &old))).unwrap().contains("href=\"#diff\">Changes</a>"));
    assert!(!report(&new).unwrap().contains("Against earlier results"));
}

#[test]
fn hostile_text_never_becomes_markup() {
    let plain: Vec<usize> = documents(&hostile("plain")).iter().map(|html| tags(html).len()).collect();
    for text in HOSTILE {
        let documents = documents(&hostile(text));
        let counts: Vec<usize> = documents.iter().map(|html| tags(html).len()).collect();
        // A name that is no header is no line of the table, and nothing more changes.
        assert!(counts.iter().zip(&plain).all(|(a, b)| a.abs_diff(*b) <= 24), "{text}: {counts:?} {plain:?}");
        for html in &documents {
            assert!(
                !html.contains("<svg") && !html.contains("<script>alert") && !html.contains("<!--"),
                "{text}"
            );
            assert!(!html.contains("\x1b") && !html.contains('\u{202e}'), "{text}");
        }
    }
}

#[test]
fn documents_hold_no_inline_style_no_handlers_and_no_remote_resources() {
    for html in documents(&every_verdict()) {
        for tag in tags(&html) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{tag}");
            for (address, _) in tag.match_indices("href=\"") {
                let address = tag[address + 6..].split('"').next().unwrap();
                let inside =
                    address.starts_with('#') || (address.contains(".html") && !address.contains(':'));
                assert!(inside || address.starts_with("https://www.rfc-editor.org/"), "{address}");
            }
            assert!(!tag.starts_with("img") && !tag.starts_with("iframe") && !tag.contains("src="), "{tag}");
        }
    }
}

#[test]
fn the_policy_is_the_first_thing_and_allows_exactly_the_script_and_the_style() {
    let html = report(&every_verdict()).unwrap();
    let head = html.split_once("<head>").unwrap().1;
    let metas: Vec<&str> = head.trim_start().lines().take(3).collect();
    assert!(metas[0].contains("charset") && metas[1].contains("Content-Security-Policy"));
    assert!(metas[2].contains("no-referrer"));
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let inner = |from: &str, to: &str| html.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
    let policy = metas[1].replace("&#39;", "'");
    assert!(policy.contains(&format!("style-src {};", hash(&inner("<style>", "</style>")))), "{policy}");
    assert!(policy.contains(&format!("script-src {};", hash(&inner("<script>", "</script>")))), "{policy}");
}

#[test]
fn scripts_that_count_failures_by_class_find_two_mentions_when_nothing_failed() {
    let good = sample(vec![passed("a", "1.1.1"), passed("a", "1.1.2")]);
    let bad = sample(vec![passed("a", "1.1.1"), failed("a", "5.15")]);
    let lines = |html: &str| html.lines().filter(|line| line.contains("case_failed")).count();
    for make in [index_page, |report: &Report| super::report(report).unwrap()] {
        assert_eq!((make(&good).matches("case_failed").count(), lines(&make(&good))), (2, 2));
        assert_eq!((make(&bad).matches("case_failed").count(), lines(&make(&bad))), (3, 3));
        assert!(make(&good).contains("<head>"));
    }
}

#[test]
fn every_failure_is_written_out_and_the_rest_is_packed() {
    let html = report(&every_verdict()).unwrap();
    for anchor in ["5.15@mylib-2.3", "5.16@mylib-2.3", "6.3.2@mylib-2.3"] {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    assert!(!html.contains("id=\"1.1.1@mylib-2.3\""));
    let cases = packed(&html);
    let (page, _) = &cases["1.1.1@mylib-2.3"];
    assert!(page.starts_with("<article class=\"page\" id=\"1.1.1@mylib-2.3\""), "{page}");
    let (page, record) = &cases["5.15@mylib-2.3"];
    assert!(
        page.is_empty() && record.starts_with("{\"t\":\"case\""),
        "it is written out, and has its record"
    );
    assert_eq!(cases.values().filter(|(page, _)| !page.is_empty()).count(), 15);
}

/// What the script reads: start tags with attributes in double quotes, end tags, text without `<`; every element
/// closed.
fn assert_readable(page: &str) {
    let mut open = Vec::new();
    for part in page.trim().split_inclusive('>').filter(|part| !part.trim().is_empty()) {
        let tag = part.split_once('<').unwrap_or_else(|| panic!("text outside of elements: {part}")).1;
        let tag = tag.strip_suffix('>').unwrap();
        assert!(!tag.contains('<'), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{part}");
            continue;
        }
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{tag}");
        for (place, outside) in attributes.split('"').enumerate().filter(|(place, _)| place % 2 == 0) {
            let is_key = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            let last = place == attributes.matches('"').count();
            let keys = if last { outside } else { outside.strip_suffix('=').expect("a value has a name") };
            assert!(keys.split_whitespace().all(is_key), "{tag}");
        }
        if !["br", "input"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn packed_pages_are_markup_that_the_script_can_read() {
    for text in HOSTILE.iter().copied().chain(["plain"]) {
        let mut run = every_verdict();
        run.cases.extend(hostile(text).cases);
        for (page, _) in packed(&report(&run).unwrap()).values().filter(|(page, _)| !page.is_empty()) {
            assert_readable(page);
            for reference in page.split('&').skip(1) {
                let name = reference.split(';').next().unwrap();
                let known = ["amp", "lt", "gt", "quot", "nbsp"].contains(&name);
                assert!(known || name.strip_prefix('#').is_some_and(|n| n.parse::<u32>().is_ok()), "{name}");
            }
        }
    }
}

/// The pages and the records in the blocks of data, by the names that the blocks are found by.
fn packed(html: &str) -> BTreeMap<String, (String, String)> {
    let mut cases = BTreeMap::new();
    for block in html.split("<script type=\"application/json\" class=\"pages\"").skip(1) {
        let (attributes, rest) = block.split_once('>').unwrap();
        let packed = STANDARD.decode(rest.split_once('<').unwrap().0).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut text).unwrap();
        assert!(attributes.contains(&format!("data-octets=\"{}\"", text.len())));
        let texts: Vec<&str> = text.split_terminator('\0').collect();
        let names = attributes.split("data-names=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let names: Vec<&str> = names.split(' ').collect();
        let (pages, records) = texts.split_at(names.len());
        assert_eq!(pages.len(), records.len(), "a page and a record for each name: {attributes}");
        let both = pages.iter().zip(records).map(|(page, record)| (page.to_string(), record.to_string()));
        cases.extend(names.iter().map(|name| name.to_string()).zip(both));
    }
    cases
}

#[test]
fn links_of_the_folder_lead_to_its_files() {
    let pages: Vec<Page> = folder(&every_verdict()).collect();
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    for page in pages.iter().filter(|page| page.name.ends_with(".html")) {
        for link in page.content.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            assert!(file.is_empty() || link.starts_with("https:") || names.contains(&file), "{link}");
        }
        assert!(!page.content.contains("<script"));
    }
}

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
                "a: <span aria-hidden=\"true\">✓</span> ok",
            ],
        ),
    ] {
        let page = &pages[name];
        assert!(parts.iter().all(|part| page.contains(part)), "{name}: {page}");
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
fn incomplete_runs_say_so() {
    let mut report = sample(vec![passed("a", "1.1.1")]);
    assert!(!super::report(&report).unwrap().contains("INCOMPLETE"));
    report.end = None;
    for html in documents(&report).iter().filter(|html| html.contains("id=\"overview\"")) {
        assert!(html.contains("INCOMPLETE"));
    }
}

#[test]
fn a_report_of_three_implementations_stays_small_and_is_the_same_every_time() {
    let mut cases = Vec::new();
    for agent in ["a", "b", "c"] {
        cases.extend((1..=40).map(|n| passed(agent, &format!("1.{n}"))));
    }
    let report = sample(cases);
    let html = super::report(&report).unwrap();
    assert!(html.len() < 1 << 19, "{} octets", html.len());
    assert_eq!(html, super::report(&report).unwrap());
}

/// The relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The light and the dark value of a colour of the style sheet.
fn colours(name: &str) -> [&'static str; 2] {
    let line = STYLE.lines().find(|line| line.trim().starts_with(&format!("--{name}:"))).unwrap();
    let values = line.split_once("light-dark(").unwrap().1.split_once(')').unwrap().0;
    let (light, dark) = values.split_once(", ").unwrap();
    [light, dark]
}

#[test]
fn text_has_enough_contrast_in_light_and_dark() {
    let kinds = ["pass", "non-strict", "fail", "info", "na", "error", "skipped"];
    for mode in 0..2 {
        for kind in kinds {
            let text = colours(kind)[mode];
            for ground in
                [colours(&format!("{kind}-tint"))[mode], colours("page")[mode], colours("panel")[mode]]
            {
                assert!(
                    contrast(text, ground) >= 4.5,
                    "{kind} {text} on {ground}: {}",
                    contrast(text, ground)
                );
            }
            // Text and links in the colour of the page stand on the tints as well.
            for other in ["text", "link", "faint"] {
                let (text, tint) = (colours(other)[mode], colours(&format!("{kind}-tint"))[mode]);
                assert!(
                    contrast(text, tint) >= 4.5,
                    "{other} {text} on {kind} {tint}: {}",
                    contrast(text, tint)
                );
            }
        }
        for text in ["text", "faint", "link"] {
            for ground in ["page", "panel"] {
                assert!(contrast(colours(text)[mode], colours(ground)[mode]) >= 4.5, "{text} on {ground}");
            }
        }
        assert!(contrast(colours("focus")[mode], colours("page")[mode]) >= 3.0);
    }
}

#[test]
fn the_script_never_parses_text_as_markup() {
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        ".style",
        "onclick",
    ] {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}

/// So many cases that their size is estimated first, each with a text that does not pack.
fn very_many(agents: usize, make: fn(&str, &str) -> CaseRecord, noise: u32) -> Report {
    let ids: Vec<_> = wsspec_cases::suite().cases().iter().map(|case| case.id.to_string()).collect();
    let of_agent = |agent: usize| ids.iter().map(move |id| make(&format!("lib{agent}"), id));
    let mut report = sample((0..agents).flat_map(of_agent).collect());
    for (place, case) in (0..).zip(&mut report.cases) {
        let octets = |n: u32| format!("{:08x}", (n + 7919 * place).wrapping_mul(2_654_435_761));
        case.summary = (0..noise).map(octets).collect::<String>().into();
    }
    report
}

#[test]
fn a_report_that_no_step_makes_fit_is_refused_and_says_how_large_it_would_be() {
    let error = report(&very_many(4, passed, 2000)).unwrap_err();
    assert!(error.octets > 25 << 20, "{error}");
}

#[test]
fn when_there_are_too_many_failures_some_of_each_cause_are_written_out_and_the_rest_is_packed() {
    let run = very_many(4, failed, 0);
    let html = report(&run).unwrap();
    let written = html.matches("<article ").count();
    assert_eq!(written, 2 * run.agents().len(), "all of an implementation have the same cause");
    assert!(html.contains("only the first failures of each cause"));
    let cases = packed(&html);
    assert_eq!(cases.len(), run.cases.len());
    assert_eq!(cases.values().filter(|(page, _)| page.is_empty()).count(), written, "a page is never lost");
    assert!(cases.values().all(|(_, record)| !record.is_empty()), "failures keep their records");
}
