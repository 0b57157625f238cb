//! What is written out, what is packed, and how large that gets.

use super::*;

#[test]
fn every_failure_is_written_out_in_brief_and_every_page_is_packed() {
    let html = report(&every_verdict()).unwrap();
    for anchor in ["5.15@mylib-2.3", "5.16@mylib-2.3", "6.3.2@mylib-2.3"] {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    assert!(!html.contains("id=\"1.1.1@mylib-2.3\""));
    let cases = packed(&html);
    let (page, _) = &cases["1.1.1@mylib-2.3"];
    assert!(page.starts_with("<article class=\"page\" id=\"1.1.1@mylib-2.3\""), "{page}");
    let (page, record) = &cases["5.15@mylib-2.3"];
    assert!(page.contains("Wire statistics") && record.starts_with("{\"t\":\"case\""), "{record}");
    assert!(cases.values().all(|(page, _)| !page.is_empty()));
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

/// So many cases that their size is estimated first, each with a text that does not pack.
fn very_many(agents: usize, make: fn(&str, &str) -> CaseRecord, noise: u32) -> Report {
    let ids: Vec<_> = wsspec_cases::suite().cases().iter().map(|case| case.id.to_string()).collect();
    let of_agent = |agent: usize| ids.iter().map(move |id| make(&format!("lib{agent}"), id));
    let mut report = sample((0..agents).flat_map(of_agent).collect());
    for (place, case) in (0..).zip(&mut report.cases) {
        let octets = |n: u32| format!("{:08x}", (n + 7919 * place).wrapping_mul(2_654_435_761));
        case.summary = (0..noise).map(octets).collect::<String>().into();
        // Without its data a check tells the summary.
        case.checks.iter_mut().for_each(|check| (check.wanted, check.found) = (None, None));
    }
    report
}

#[test]
fn a_report_that_no_step_makes_fit_is_refused_and_says_how_large_it_would_be() {
    let error = report(&very_many(4, passed, 2000)).unwrap_err();
    assert!(matches!(error, Unwritten::TooLarge { octets } if octets > 25 << 20), "{error}");
}

#[test]
fn when_there_are_too_many_failures_some_of_each_cause_are_written_out_and_the_rest_is_packed() {
    let run = very_many(4, failed, 400);
    let html = report(&run).unwrap();
    let written = html.matches("<article ").count();
    assert_eq!(written, 2 * run.agents().len(), "all of an implementation have the same cause");
    assert!(html.contains("only the first failures of each cause"));
    let cases = packed(&html);
    assert_eq!(cases.len(), run.cases.len());
    assert!(cases.values().all(|(page, _)| !page.is_empty()), "a page is never lost");
    let records = cases.values().filter(|(_, record)| !record.is_empty()).count();
    assert_eq!(records, 2 * run.agents().len(), "those that are told in full keep their records");
}

/// Failures enough for a file that is larger than wanted, all of one cause.
#[test]
fn failures_with_a_cause_that_two_others_told_in_full_are_told_in_short() {
    let mut run = very_many(1, failed, 300);
    let mut html = report(&run).unwrap();
    let briefs = |html: &str| -> Vec<String> {
        html.split("<article class=\"brief\"")
            .skip(1)
            .map(|rest| rest.split("</article>").next().unwrap().to_owned())
            .collect()
    };
    let all = briefs(&html);
    assert_eq!(all.len(), run.cases.len(), "every failure can be read without JavaScript");
    assert!(html.contains("told in full twice for each implementation"), "{}", html.len());
    let first = &run.cases[0].id;
    for (place, brief) in all.iter().enumerate() {
        assert_eq!(brief.contains("<b>Rule</b>"), place < 2, "{brief}");
        let like = format!("<b>Cause and rule</b> as in <a href=\"#{first}@lib0\">{first}</a>");
        assert_eq!(brief.contains(&like), place >= 2, "{brief}");
        for part in ["Expected and observed", "rule broken here", "wsspec run ws:", "<b>Closing</b>"] {
            assert!(brief.contains(part), "{part}: {brief}");
        }
    }
    let (scripts, pages) = (packed_scripts(&html), packed(&html));
    for (place, case) in run.cases.iter().enumerate() {
        let name = format!("{}@lib0", case.id);
        let forms = scripts[&name].matches("<summary>").count();
        let (page, record) = &pages[&name];
        assert_eq!((forms > 1, !record.is_empty()), (place < 2, place < 2), "{name}");
        assert!(place < 2 || scripts[&name].contains("python3"), "{name}");
        assert_eq!(page.contains("other failures with this cause have them"), place >= 2, "{page}");
    }
    // Where there is room, all are told in full.
    run.cases.truncate(20);
    html = report(&run).unwrap();
    assert!(briefs(&html).iter().all(|brief| brief.contains("<b>Rule</b>")));
}

/// The first block of pages, as it is packed and as a text.
fn first_block(html: &str) -> (Vec<u8>, String) {
    let block = html.split("class=\"pages\"").nth(1).unwrap().split_once('>').unwrap().1;
    let packed = STANDARD.decode(block.split_once('<').unwrap().0).unwrap();
    let mut text = String::new();
    io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut text).unwrap();
    (packed, text)
}

#[test]
fn large_reports_are_packed_quickly_and_small_ones_tightly() {
    for (agents, level) in [(1, 9), (3, 5)] {
        let (packed, text) = first_block(&report(&very_many(agents, passed, 1)).unwrap());
        let at = |level| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
            io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let levels: Vec<u32> = (1..=9).filter(|level| at(*level) == packed).collect();
        assert_eq!(levels, [level], "{agents} implementations");
    }
}

#[test]
fn a_line_that_stands_in_many_pages_is_packed_once() {
    let html = report(&very_many(1, passed, 1)).unwrap();
    let (_, text) = first_block(&html);
    let line = "<caption>Octets received by chop size</caption>";
    assert_eq!(text.matches(line).count(), 1);
    assert!(packed(&html).values().all(|(page, _)| page.contains(line)));
}
