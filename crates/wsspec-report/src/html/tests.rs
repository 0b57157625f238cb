#[expect(clippy::disallowed_methods, reason = "these tests start a browser and write what it drew")]
mod browser;
mod case_page;
mod contrast;
mod packing;
mod parts;
mod safety;
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
        cases.push(died(agent, "6.3.2"));
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

/// A case in which the process died, as a run leaves it.
fn died(agent: &str, id: &str) -> CaseRecord {
    let mut case = with_verdict(
        failed(agent, id),
        Verdict::Crash,
        "exited: signal 11 (SIGSEGV) 3 ms after octet 60 was sent",
    );
    let mut check = case.checks[0].clone();
    (check.id, check.rfc) = ("process.alive".to_owned(), None);
    check.expected = "the process to keep running".into();
    check.wanted = Some(Box::new(wsspec_engine::Wanted::other("the process to keep running")));
    check.found = Some(Box::new(wsspec_engine::Found::other("the process exited: signal 11 (SIGSEGV)")));
    case.checks.insert(0, check);
    case.log = Some(AgentLog { to: 5, text: "panic".into(), ..AgentLog::default() });
    case
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

#[test]
fn what_is_worse_than_before_stands_first_in_a_comparison() {
    let mut new =
        sample(vec![passed("a", "1.1.1"), failed("a", "5.15"), failed("a", "5.16"), passed("a", "2.1")]);
    new.cases[3].verdict = Verdict::Pass;
    let mut old =
        sample(vec![passed("a", "1.1.1"), passed("a", "5.15"), passed("a", "5.16"), failed("a", "2.1")]);
    old.run.targets.clear();
    let index = folder_against(&new, Some(("main", &old))).find_any(|page| page.name == "index.html");
    for page in [report_against(&new, Some(("main", &old))).unwrap(), index.unwrap().content] {
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
fn a_comparison_tells_what_only_one_side_has_and_holds_the_earlier_pages_of_what_changed() {
    let new = sample(vec![passed("a", "1.1.1"), failed("a", "5.15"), passed("new", "1.1.1")]);
    let old =
        sample(vec![passed("a", "1.1.1"), passed("a", "2.1"), passed("a", "5.15"), passed("old", "1.1.1")]);
    let html = report_against(&new, Some(("main", &old))).unwrap();
    assert!(html.contains("Compared with <code>main</code>: 2 cases of a."));
    assert!(html.contains("href=\"#5.15@a~a+before\">5.15</a>"), "a change leads to both pages");
    let alone = html
        .split("Cases with a verdict on one side only")
        .nth(1)
        .and_then(|rest| rest.split("</table>").next());
    let rows: Vec<&str> = alone.unwrap().split("<tr>").skip(2).collect();
    assert!(rows[0].contains(">before</th><td>a</td>") && rows[0].contains("2.1 "), "{rows:?}");
    assert!(rows[1].contains("<td>old</td>") && rows[1].contains("the whole implementation"), "{rows:?}");
    assert!(rows[2].contains(">now</th><td>new</td>") && rows.len() == 3, "{rows:?}");
    let pages = packed(&html);
    let [before, now] = ["5.15@a+before", "5.15@a"].map(|name| &pages[name].0);
    assert!(
        before.contains("<span class=\"agent\">a (main)</span>") && before.contains("v-pass"),
        "{before}"
    );
    assert!(now.contains("href=\"#5.15@a+before\""), "{now}");
    assert!(!pages.contains_key("1.1.1@a+before"), "what is the same is not kept twice");
    // Nothing in common is no agreement.
    let other = sample(vec![passed("b", "1.1.1"), passed("c", "1.1.1")]);
    let html = report_against(&new, Some(("main", &other))).unwrap();
    assert!(html.contains("nothing could be compared") && !html.contains("No verdict is different"));
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

/// The pages and the records in the blocks of data, by the names that the blocks are found by.
fn packed(html: &str) -> BTreeMap<String, (String, String)> {
    unpacked(html).into_iter().map(|(name, [page, _, record])| (name, (page, record))).collect()
}

/// The scripts in the blocks of data.
fn packed_scripts(html: &str) -> BTreeMap<String, String> {
    unpacked(html).into_iter().map(|(name, [_, scripts, _])| (name, scripts)).collect()
}

/// Page, scripts and record of each case.
fn unpacked(html: &str) -> BTreeMap<String, [String; 3]> {
    let mut cases = BTreeMap::new();
    for block in html.split("<script type=\"application/json\" class=\"pages\"").skip(1) {
        let (attributes, rest) = block.split_once('>').unwrap();
        let packed = STANDARD.decode(rest.split_once('<').unwrap().0).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut text).unwrap();
        assert!(attributes.contains(&format!("data-octets=\"{}\"", text.len())));
        let (often, text) = text.split_once('\0').unwrap();
        let often: Vec<&str> = often.split('\n').collect();
        let line = |place: char| often[place as usize - 0x100];
        let expanded = text.split('\u{2}').enumerate().fold(String::new(), |all, (n, part)| {
            let mut rest = part.chars();
            let line = if n == 0 { "" } else { line(rest.next().unwrap()) };
            all + line + rest.as_str()
        });
        let texts: Vec<&str> = expanded.split_terminator('\0').collect();
        let names = attributes.split("data-names=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let names: Vec<&str> = names.split(' ').collect();
        let columns: Vec<&[&str]> = texts.chunks(names.len()).collect();
        let parts = data::PARTS + data::SCRIPTS;
        assert_eq!((columns.len(), texts.len() % names.len()), (parts + 1, 0), "{attributes}");
        for (at, name) in names.iter().enumerate() {
            let joined = |columns: &[&[&str]]| columns.iter().map(|column| column[at]).collect::<String>();
            let page = joined(&columns[..data::PARTS]).replace('\u{1}', name);
            let scripts = joined(&columns[data::PARTS..parts]);
            let record = columns[parts][at].to_owned();
            cases.insert((*name).to_owned(), [page, scripts, record]);
        }
    }
    cases
}

#[test]
fn the_folder_holds_both_runs_of_what_has_changed() {
    let new = sample(vec![passed("a", "1.1.1"), failed("a", "5.15"), failed("a (main)", "5.15")]);
    let old = sample(vec![passed("a", "1.1.1"), passed("a", "5.15")]);
    let pages: BTreeMap<String, String> =
        folder_against(&new, Some(("main", &old))).map(|page| (page.name, page.content)).collect();
    let both = &pages["a__main__2_case_5_15.html"];
    for part in [
        "id=\"5.15@a\"",
        "id=\"5.15@a+before\"",
        "<th scope=\"col\">a (main)</th><th scope=\"col\">Mark</th>",
        "= same",
        "≠ only here",
        "href=\"#5.15@a+before:f",
    ] {
        assert!(both.contains(part), "{part}: {both}");
    }
    assert!(pages["a_case_5_15.html"].contains("href=\"a__main__2_case_5_15.html\""), "the case leads there");
    let index = &pages["index.html"];
    assert!(index.contains("href=\"a__main__2_case_5_15.html\">5.15</a>"), "so does the list of changes");
    assert!(index.contains("href=\"index.html#diff\">Changes</a>") && index.contains("id=\"diff\""));
    assert!(pages.keys().filter(|name| name.contains("1_1_1")).count() == 2, "{:?}", pages.keys());
}

#[test]
fn links_of_the_folder_lead_to_its_files() {
    let mut better = every_verdict();
    better.cases.iter_mut().for_each(|case| case.verdict = Verdict::Pass);
    let pages: Vec<Page> = folder_against(&every_verdict(), Some(("main", &better))).collect();
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    for page in pages.iter().filter(|page| page.name.ends_with(".html")) {
        for link in page.content.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            assert!(file.is_empty() || link.starts_with("https:") || names.contains(&file), "{link}");
            let there =
                if file.is_empty() { Some(page) } else { pages.iter().find(|page| page.name == file) };
            let part = link.split_once('#').map_or("", |(_, part)| part);
            let is_there = |page: &Page| page.content.contains(&format!("id=\"{part}\""));
            assert!(part.is_empty() || link.starts_with("https:") || there.is_some_and(is_there), "{link}");
        }
        assert!(!page.content.contains("<script"));
    }
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
