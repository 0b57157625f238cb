//! What can be done with results later, without the implementation: show, report, merge, diff.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};

/// The record of a real run: 1.1.2 passed; 2.5, 5.15 and 5.16 failed, the last two of one cause.
pub(crate) const RECORD: &str = include_str!("../../src/terminal/testdata/results.jsonl");

pub(crate) fn with_record(record: &str) -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("wsspec-out")).unwrap();
    fs::write(folder.path().join("wsspec-out/results.jsonl"), record).unwrap();
    folder
}

/// All lines but the last.
fn without_end() -> String {
    RECORD.lines().filter(|line| !line.starts_with(r#"{"t":"end""#)).map(|line| format!("{line}\n")).collect()
}

fn ok(folder: &Path, args: &[&str]) -> Done {
    let done = wsspec(folder, args);
    assert_eq!(done.code, 0, "{done:#?}");
    done
}

#[test]
fn show_prints_the_block_of_a_case() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["show", "5.15"]);
    for part in
        ["FAIL 5.15", "5.16   same check, same observation", "observed", "wsspec-out/report.html#5.15"]
    {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    let frames = ok(folder.path(), &["show", "5.15", "-vvv"]).out;
    let octets = ok(folder.path(), &["show", "5.15", "--hex"]).out;
    assert!(done.out.len() < frames.len() && frames.len() < octets.len());
    for text in [&frames, &octets] {
        assert_eq!(text.matches("rsv=000 mask=").count(), 8, "every frame once, in full: {text}");
        assert!(text.contains("mask=") && text.contains("\"fragment3\"") && !text.contains("--->"), "{text}");
    }
    assert!(ok(folder.path(), &["show", "text-of-125"]).out.starts_with("ok 1.1.2"));
}

#[test]
fn show_prints_all_failures_by_cause() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["show", "--from", "wsspec-out/results.jsonl"]);
    assert!(done.out.contains("cause 2 of 2") && !done.out.contains("1.1.2"), "{done:#?}");
    let none = wsspec(folder.path(), &["show", "--agent", "nobody"]);
    assert!(none.code == 4 && none.err.contains("the results hold no \"nobody\""), "{none:#?}");
}

#[test]
fn show_says_what_is_not_there() {
    let folder = with_record(RECORD);
    wsspec(folder.path(), &["show", "7.1.1"]).expect_error(4, "E29");
    wsspec(folder.path(), &["show", "99.1"]).expect_error(2, "E17");
    wsspec(folder.path(), &["show", "--from", "nowhere"]).expect_error(2, "E18");
    let misspelt = wsspec(folder.path(), &["show", "faill"]);
    misspelt.expect_error(2, "E17");
    assert!(misspelt.err.contains("  meant    fail, a verdict?\n"), "{misspelt:#?}");
    let none = wsspec(folder.path(), &["show", "-E", "status(timeout)"]);
    none.expect_error(4, "E29");
    assert!(!none.err.contains("--agent"), "none was typed: {none:#?}");
}

#[test]
fn an_implementation_that_one_side_lacks_was_left_out_of_diff_without_a_word() {
    let folder = with_record(RECORD);
    fs::write(folder.path().join("other.jsonl"), RECORD.replace("mylib/2.3", "other/1.0")).unwrap();
    ok(folder.path(), &["merge", "wsspec-out", "other.jsonl", "-o", "both"]);
    let done = ok(folder.path(), &["diff", "wsspec-out", "both"]);
    let note = "note: both: the other side has no other/1.0 to compare with\n";
    assert!(done.err == note && done.out.starts_with("mylib/2.3   "), "{done:#?}");
}

#[test]
fn a_code_with_one_digit_was_no_code_and_a_section_that_there_is_not_another_one() {
    let folder = tempdir().unwrap();
    for (what, again) in [
        ("e9", "wsspec explain E09"),
        ("W5", "wsspec explain W05"),
        ("W99", "wsspec explain W01   or the code as it was printed"),
        ("rfc7692#99", "wsspec list --clauses"),
    ] {
        let done = wsspec(folder.path(), &["explain", what]);
        done.expect_error(2, "E17");
        assert!(done.err.contains(&format!("  try      {again}\n")), "{done:#?}");
    }
    let done = wsspec(folder.path(), &["list", "99"]);
    done.expect_error(2, "E17");
    assert!(done.err.starts_with("error[E17]: no case matches \"99\"\n"), "{done:#?}");
}

#[test]
fn reports_are_written_again() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["report"]);
    assert!(done.err.is_empty() && done.out.contains("not conformant"), "{done:#?}");
    let page = fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    assert!(page.contains("mylib/2.3") && !page.contains("INCOMPLETE"));
    ok(folder.path(), &["report", "--html", "new/page.html", "--html-dir", "pages"]);
    assert_eq!(fs::read_to_string(folder.path().join("new/page.html")).unwrap(), page);
    assert!(folder.path().join("pages/index.html").exists());
    ok(folder.path(), &["report", "--from", "wsspec-out/results.jsonl", "-o", "other"]);
    assert!(folder.path().join("other/index.json").exists());
}

#[test]
fn a_file_of_results_was_no_argument_of_report() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["report", "wsspec-out/results.jsonl", "--html", "page.html"]);
    assert!(done.out.contains("not conformant") && folder.path().join("page.html").exists(), "{done:#?}");
    let both = wsspec(folder.path(), &["report", "wsspec-out", "--from", "other"]);
    assert!(both.code == 2 && both.err.contains("cannot be used with"), "{both:#?}");
    wsspec(folder.path(), &["report", "nowhere"]).expect_error(2, "E18");
}

#[test]
fn a_run_that_was_killed_is_reported_as_incomplete() {
    let unfinished = without_end();
    let torn = &unfinished[..unfinished.len() - 100];
    for record in [&unfinished, torn] {
        let folder = with_record(record);
        let done = wsspec(folder.path(), &["report"]);
        assert!(done.code == 6 && done.err.contains("INCOMPLETE"), "{done:#?}");
        assert_eq!(done.err.contains("cut off"), record == torn, "{done:#?}");
        let page = fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
        assert!(page.contains("INCOMPLETE") && page.contains("5.15"));
    }
}

#[test]
fn a_last_line_that_is_cut_off_stops_nobody_and_is_told() {
    let unfinished = without_end();
    let folder = with_record(&unfinished[..unfinished.len() - 100]);
    let path = folder.path();
    fs::write(path.join("whole.jsonl"), RECORD).unwrap();
    let told = "INCOMPLETE: this run did not come to its end; its last record is cut off";
    let torn = "wsspec-out";
    for (args, code) in [
        (&["show"][..], 0),
        (&["diff", "whole.jsonl", torn], 6),
        (&["diff", torn, "whole.jsonl"], 0),
        (&["merge", torn, "whole.jsonl", "-o", "all"], 6),
    ] {
        let done = wsspec(path, args);
        assert!(done.code == code && done.notes().contains(told), "{args:?}: {done:#?}");
        assert!(!done.out.is_empty(), "{done:#?}");
    }
    let sides = wsspec(path, &["diff", torn, "whole.jsonl"]);
    assert!(sides.err.starts_with("wsspec-out: INCOMPLETE"), "which side it is: {sides:#?}");
}

#[test]
fn parts_of_a_run_become_one_result() {
    let folder = tempdir().unwrap();
    for part in ["1", "2"] {
        let slice = format!("{part}/2");
        ok(folder.path(), &["run", "2.*", "--agent", "built-in", "--slice", &slice, "-o", part]);
    }
    let done = ok(folder.path(), &["merge", "1", "2/results.jsonl", "-o", "all"]);
    assert!(done.out.contains("built-in   11 cases   strict") && done.err.is_empty(), "{done:#?}");
    let whole = ok(folder.path(), &["show", "2.1", "2.2", "--from", "all"]);
    assert!(whole.out.contains("ok 2.1 ") && whole.out.contains("ok 2.2 "), "{whole:#?}");
    assert!(folder.path().join("all/report.html").exists());
    let again = ok(folder.path(), &["merge", "1", "2", "1", "-o", "twice"]);
    assert!(again.err.contains("6 results in several parts"), "{again:#?}");
    // A part that got lost, say as an artifact of CI, must not leave the rest green.
    let lost = wsspec(folder.path(), &["merge", "1", "-o", "lost"]);
    assert_eq!(lost.code, 6, "{lost:#?}");
    assert!(lost.err.contains("INCOMPLETE") && lost.err.contains("slice 2/2 is missing"), "{lost:#?}");
    assert!(lost.out.contains("6 cases   incomplete"), "{lost:#?}");
    let green = wsspec(folder.path(), &["diff", "all", "lost"]);
    assert!(
        green.code == 6 && green.out.contains("no regression, no improvement, 5 cases not compared"),
        "{green:#?}"
    );
    let fewer = ok(folder.path(), &["diff", "all", "1"]);
    assert!(fewer.out.contains("5 cases not compared"), "a part that is whole in itself: {fewer:#?}");
    let junit = fs::read_to_string(folder.path().join("lost/junit.xml")).unwrap();
    assert!(junit.contains("errors=\"1\"") && junit.contains("slice 2/2 is missing"), "{junit}");
}

#[test]
fn a_part_that_was_killed_leaves_the_whole_incomplete() {
    let folder = with_record(&without_end());
    fs::write(folder.path().join("end.jsonl"), RECORD).unwrap();
    let done = wsspec(folder.path(), &["merge", "wsspec-out", "wsspec-out", "-o", "all"]);
    assert!(done.code == 6 && done.err.contains("INCOMPLETE"), "{done:#?}");
    wsspec(folder.path(), &["merge", "wsspec-out", "nowhere", "-o", "all"]).expect_error(2, "E18");
}

#[test]
fn diff_names_regressions_and_improvements() {
    let folder = with_record(RECORD);
    let passed = RECORD.replace(r#""verdict":"fail""#, r#""verdict":"pass""#);
    fs::write(folder.path().join("good.jsonl"), passed).unwrap();
    let worse = wsspec(folder.path(), &["diff", "good.jsonl", "wsspec-out"]);
    assert_eq!(worse.code, 1, "{worse:#?}");
    for part in
        ["WORSE", "5.15 5.16   ok -> FAIL", "2 regressions (3 cases), no improvement", "exit 1 (failed)"]
    {
        assert!(worse.out.contains(part), "{part}: {worse:#?}");
    }
    let better = ok(folder.path(), &["diff", "wsspec-out", "good.jsonl"]);
    assert!(better.out.contains("better     5.15 5.16   FAIL -> ok"), "{better:#?}");
    assert!(ok(folder.path(), &["diff", "wsspec-out"]).out.contains("no difference"));
}

#[test]
fn results_with_nothing_in_common_are_never_equal() {
    let folder = with_record(RECORD);
    let run: String = RECORD.lines().take(1).map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("empty.jsonl"), run).unwrap();
    wsspec(folder.path(), &["diff", "empty.jsonl", "wsspec-out"]).expect_error(4, "E29");
}

#[test]
fn a_comparison_can_be_had_as_markdown() {
    let folder = with_record(RECORD);
    let passed = RECORD.replace(r#""verdict":"fail""#, r#""verdict":"pass""#);
    fs::write(folder.path().join("good.jsonl"), passed).unwrap();
    let worse = wsspec(folder.path(), &["diff", "good.jsonl", "wsspec-out", "--md", "diff.md"]);
    assert_eq!(worse.code, 1, "{worse:#?}");
    let text = fs::read_to_string(folder.path().join("diff.md")).unwrap();
    let printed = wsspec(folder.path(), &["diff", "good.jsonl", "wsspec-out", "--md", "-"]);
    assert!(printed.out == text && printed.err.contains("2 regressions"), "{printed:#?}");
    assert!(!folder.path().join("-").exists());
    for part in
        ["**2 regressions (3 cases)**", "| **worse** | 5.15 5.16 | pass | fail | `", "4 cases compared"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn results_are_chosen_by_verdict_and_by_expression() {
    let folder = with_record(RECORD);
    let fails = ok(folder.path(), &["show", "fail"]);
    assert!(fails.out.contains("FAIL 2.5") && fails.out.contains("FAIL 5.16"), "{fails:#?}");
    assert!(!fails.out.contains("1.1.2"), "{fails:#?}");
    let one = ok(folder.path(), &["show", "-E", "status(fail) and section(2)"]);
    assert!(one.out.starts_with("FAIL 2.5") && !one.out.contains("5.15"), "{one:#?}");
    assert!(ok(folder.path(), &["show", "pass", "1.*"]).out.starts_with("ok 1.1.2"));
    wsspec(folder.path(), &["show", "timeout"]).expect_error(4, "E29");
    wsspec(folder.path(), &["show", "-E", "nonsense("]).expect_error(2, "E20");
}

#[test]
fn a_report_can_hold_a_part_and_compare() {
    let folder = with_record(RECORD);
    ok(folder.path(), &["report", "-E", "section(5)", "--junit", "j.xml"]);
    let junit = fs::read_to_string(folder.path().join("j.xml")).unwrap();
    assert!(junit.contains("tests=\"2\"") && !junit.contains("1.1.2"), "{junit}");
    fs::write(folder.path().join("old.jsonl"), RECORD).unwrap();
    ok(
        folder.path(),
        &["report", "--md", "s.md", "--html", "p.html", "--html-dir", "d", "--against", "old.jsonl"],
    );
    for page in ["p.html", "d/index.html"] {
        let page = fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(
            page.contains("Against earlier results") && page.contains("No verdict is different"),
            "{page}"
        );
    }
    let text = fs::read_to_string(folder.path().join("s.md")).unwrap();
    assert!(text.contains("| this run | 1 | 0 | **3** |") && text.contains("| `old.jsonl` | 1 |"), "{text}");
}

#[test]
fn lists_tell_sections_tags_clauses_and_sets() {
    let folder = tempdir().unwrap();
    for (flag, part) in [
        ("--sections", "cases   Closing"),
        ("--tags", "  utf8 "),
        ("--clauses", "  6455#5.4 "),
        ("--sets", "  @core "),
    ] {
        let done = ok(folder.path(), &["list", flag]);
        assert!(done.out.contains(part), "{flag}: {done:#?}");
    }
    let json = ok(folder.path(), &["list", "5.15", "--format", "json"]).out;
    for part in ["\"sets\"", "\"core\"", "\"tags\"", "\"fragmentation\"", "\"limit_ms\""] {
        assert!(json.contains(part), "{part}: {json}");
    }
}

#[test]
fn show_tells_how_well_messages_were_compressed() {
    let folder = tempdir().unwrap();
    let run = ["run", "12.1.5", "1.1.1", "--volume-messages", "20"];
    assert_eq!(wsspec(folder.path(), &run).code, 0);
    let shown = ok(folder.path(), &["show", "12.1.5"]).out;
    for way in ["sent    ", "received"] {
        let line = shown
            .lines()
            .find(|line| line.trim_start().starts_with(way))
            .unwrap_or_else(|| panic!("{shown}"));
        assert!(line.contains(" octets of messages as "), "{line}");
    }
    assert!(shown.contains("(ratio 0."), "{shown}");
    assert!(!ok(folder.path(), &["show", "1.1.1"]).out.contains("ratio"));
}

#[test]
fn explain_knows_codes_with_their_clause_and_cases_sets_and_whole_rfcs() {
    let folder = tempdir().unwrap();
    let page = |what: &str| ok(folder.path(), &["explain", what]).out;
    let code = page("1007");
    assert!(code.contains("rule       RFC 6455 7.4.1; text that is no UTF-8: 8.1"), "{code}");
    assert!(code.contains("asked of   ") && code.contains(" 6.3.1 "), "{code}");
    let set = page("@quick");
    assert!(set.starts_with("@quick  76 cases") && set.contains("wsspec run ws://HOST:PORT @quick"), "{set}");
    assert!(set.lines().count() < 20, "{set}");
    let rfc = page("rfc6455");
    assert!(rfc.contains("\n  5.4        ") && rfc.contains("wsspec explain rfc6455#SECTION"), "{rfc}");
    let clause = page("rfc6455#5.4");
    let same = clause.matches("a message may come in any number of fragments").count();
    assert_eq!(same, 1, "one rule is told once: {clause}");
    assert!(page("5.15").contains("(octets before masking)"));
    assert!(page("rating").contains("not conformant"));
    let unknown = wsspec(folder.path(), &["explain", "E99"]);
    unknown.expect_error(2, "E17");
    assert!(unknown.err.contains("there is no code E99"), "{unknown:#?}");
}

#[test]
fn a_race_inside_the_peer_was_a_regression() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let run = |peer: Manner, out: &str| {
        let peer = Peer::always(peer);
        let url = peer.url();
        let args = ["run", &url, "3.2", "4.2.5", "5.9", "--no-echo-check", "--agent", "a", "--no-confirm"];
        wsspec(path, &[&args[..], &["-o", out]].concat())
    };
    // It fails the connection at once, with the right code: what was to be echoed before is not.
    run(Manner::Echo, "late");
    run(Manner::Upgrade(b"\x88\x02\x03\xea", Then::Close), "early");
    for sides in [["late", "early"], ["early", "late"]] {
        let done = wsspec(path, &["diff", sides[0], sides[1]]);
        assert!(done.out.contains("  race       3.2 4.2.5"), "{done:#?}");
        assert!(done.code == 0 && done.out.contains("no regression, no improvement"), "{done:#?}");
    }
    // What breaks a rule is one.
    run(Manner::Defective(&["orphan-as-text"]), "worse");
    let done = wsspec(path, &["diff", "late", "worse"]);
    assert!(done.code == 1 && done.out.contains("WORSE"), "{done:#?}");
}

#[test]
fn a_compressed_frame_tells_what_it_holds() {
    let folder = tempdir().unwrap();
    let peer = Peer::start(|_| Manner::Defective(&["inflate-last-octet-lost"]));
    let done = wsspec(folder.path(), &["run", &peer.url(), "21.2.1", "--no-confirm"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let block = wsspec(folder.path(), &["show", "21.2.1"]).out;
    assert!(block.contains("rsv=100 \"Hello\", "), "{block}");
    let frames = wsspec(folder.path(), &["show", "21.2.1", "-vvv"]).out;
    assert!(
        frames.contains("inflates to 5 octets: \"Hello\" (") && !frames.contains("inflated:"),
        "{frames}"
    );
}

#[test]
fn a_result_of_one_implementation_has_an_address() {
    let folder = tempdir().unwrap();
    let (one, two) = (Peer::always(Manner::Echo), Peer::always(Manner::Echo));
    let args = ["run", &one.url(), &two.url(), "1.1.1", "--agent", "1=libA", "--agent", "2=libB@2"];
    ok(folder.path(), &args);
    assert_eq!(ok(folder.path(), &["show", "1.1.1"]).out.matches("ok 1.1.1").count(), 2);
    for name in ["1.1.1@libA", "1.1.*@libB@2", "@core@libA"] {
        assert_eq!(ok(folder.path(), &["show", name]).out.matches("ok 1.1.1").count(), 1, "{name}");
    }
    for args in [&["show", "1.1.1@libC"][..], &["show", "--agent", "libC"]] {
        let done = wsspec(folder.path(), args);
        done.expect_error(4, "E29");
        assert!(done.err.contains("known    libA, libB@2"), "{done:#?}");
    }
}

#[test]
fn commands_on_the_page_of_merged_results_named_the_first_part() {
    let folder = tempdir().unwrap();
    for (part, case) in [("one", "1.1.1"), ("two", "2.1")] {
        ok(folder.path(), &["run", case, "-o", part]);
    }
    ok(folder.path(), &["merge", "one", "two", "-o", "all"]);
    let mut pages = fs::read_dir(folder.path().join("all")).unwrap().flatten().map(|entry| entry.path());
    let page =
        pages.find(|path| path.to_string_lossy().ends_with("_1_1_1.html")).expect("each case has a page");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(" --from all") && !page.contains("--from one"), "{page}");
    ok(folder.path(), &["repro", "1.1.1", "--from", "all"]);
}
