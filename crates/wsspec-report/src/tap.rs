//! TAP 14, the Test Anything Protocol.

use wsspec_engine::Verdict;

use crate::record::{CaseRecord, EndRecord, Standing};
use crate::sanitise::{ci_log, terminal};
use crate::story;
use crate::strictness::Strictness;

/// The first line.
pub const VERSION: &str = "TAP version 14";

/// The points of a run, one per case and implementation, as they come.
#[derive(Clone, Debug)]
pub struct Points {
    made: usize,
    several: bool,
    strictness: Strictness,
}

impl Points {
    /// None yet. With several implementations each point names its own.
    pub const fn new(several: bool, strictness: Strictness) -> Self {
        Self { made: 0, several, strictness }
    }

    /// The next point, with the end of its last line.
    pub fn point(&mut self, case: &CaseRecord) -> String {
        self.made += 1;
        point(self.made, case, self.several, self.strictness)
    }

    /// The plan, which may stand behind the points, and that they are not all, if so, and why.
    pub fn end(&self, end: Option<&EndRecord>) -> String {
        let plan = format!("1..{}\n", self.made);
        if end.is_some_and(|end| end.complete) {
            return plan;
        }
        let reason = end.and_then(|end| end.reason.as_ref()).and_then(|why| why.raw().lines().next());
        let why = reason.map_or_else(String::new, |why| format!(": {}", terminal::line(why, 200)));
        format!("{plan}Bail out! the run did not come to its end{}\n", ci_log::line(&why, 220))
    }
}

fn point(number: usize, case: &CaseRecord, several: bool, strictness: Strictness) -> String {
    // What the baseline lists is bad as well, and excused behind the sign.
    let bad = case.verdict.is_red() || case.verdict == Verdict::NotRun;
    let bad = bad || strictness.fails_for(case);
    let agent = if several { format!(" ({})", case.agent.for_terminal(60)) } else { String::new() };
    let name = described(&format!("{} {}{agent}", case.id, case.slug));
    let summary = described(&case.summary.for_terminal(200));
    let directive = match (case.verdict, case.outcome) {
        (Verdict::Skipped | Verdict::NotApplicable, _) => format!(" # SKIP {summary}"),
        (_, Some(Standing::Known)) => {
            let reason = case.known.as_ref().map_or("", |known| &known.reason);
            format!(" # TODO {}", described(&terminal::line(reason, 200)))
        }
        (_, Some(Standing::Flaky)) => format!(" # flaky, passed when run again: {summary}"),
        _ => String::new(),
    };
    let status = if bad { "not ok" } else { "ok" };
    let flaky = case.outcome == Some(Standing::Flaky);
    let more = if bad || flaky { diagnostics(case) } else { String::new() };
    format!("{status} {number} - {name}{directive}\n{more}")
}

/// `#` and `\` mean something in a description.
fn described(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// YAML; strings in the form of JSON are YAML too.
fn diagnostics(case: &CaseRecord) -> String {
    let quoted = |text: &str| ci_log::json(&serde_json::to_string(text).unwrap_or_default());
    let mut lines = vec![
        format!("verdict: {}", quoted(case.verdict.word())),
        format!("message: {}", quoted(&case.summary.for_terminal(400))),
    ];
    match case.outcome {
        Some(Standing::Flaky) => lines.push("outcome: \"flaky\"".to_owned()),
        Some(Standing::Fixed) => lines.push("outcome: \"fixed, the baseline expects less\"".to_owned()),
        _ => {}
    }
    if let Some(check) = case.first_failed() {
        lines.push(format!("check: {}", quoted(&check.id)));
        lines.push(format!("level: {}", check.level.name()));
        lines.extend(case.clause_of(check).map(|clause| format!("rfc: {}", quoted(&clause.to_string()))));
        lines.push(format!("expected: {}", quoted(&check.expected.for_terminal(400))));
        lines.push(format!("observed: {}", quoted(&story::observed(check).for_terminal(400))));
    }
    lines.push(format!("duration_ms: {:.3}", case.duration_us as f64 / 1e3));
    let body: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("  ---\n{body}  ...\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Excuse;
    use crate::samples::{failed, passed, with_verdict};

    fn tap(cases: &[CaseRecord], several: bool) -> String {
        let mut points = Points::new(several, Strictness::default());
        let all: String = cases.iter().map(|case| points.point(case)).collect();
        let end = EndRecord { complete: true, ..EndRecord::default() };
        format!("{VERSION}\n{all}{}", points.end(Some(&end)))
    }

    #[test]
    fn every_verdict_has_its_form() {
        let mut known = failed("a", "5.16");
        known.outcome = Some(Standing::Known);
        known.known = Some(Excuse { reason: "see #97".to_owned(), issue: None });
        let cases = vec![
            passed("a", "1.1.1"),
            failed("a", "5.15"),
            known,
            with_verdict(passed("a", "12.1.1"), Verdict::NotApplicable, "no deflate"),
            with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late"),
        ];
        insta::assert_snapshot!(tap(&cases, false));
    }

    #[test]
    fn text_of_the_peer_makes_no_points_and_no_directives() {
        let hostile =
            with_verdict(failed("x # SKIP", "5.15"), Verdict::Fail, "a\nok 2 - b # TODO\n... ##[x]");
        let tap = tap(&[hostile, passed("y", "5.15")], true);
        assert!(!tap.contains("##"), "{tap}");
        let is_point = |line: &&str| line.starts_with("ok") || line.starts_with("not ok");
        assert_eq!(tap.lines().filter(is_point).count(), 2);
        assert!(!tap.lines().filter(is_point).any(|line| line.contains(" # ")), "{tap}");
    }

    #[test]
    fn a_run_that_was_cut_short_bails_out() {
        let mut points = Points::new(false, Strictness::default());
        points.point(&passed("a", "1.1.1"));
        assert_eq!(points.end(None), "1..1\nBail out! the run did not come to its end\n");
        let end = EndRecord { reason: Some("the time is used up\nand more".into()), ..EndRecord::default() };
        let text = points.end(Some(&end));
        assert_eq!(text, "1..1\nBail out! the run did not come to its end: the time is used up\n");
    }

    #[test]
    fn what_made_the_exit_status_was_ok() {
        let strict = Strictness { non_strict: true, flaky: true, fixed: true };
        let late = with_verdict(failed("a", "6.4.1"), Verdict::NonStrict, "late");
        let standing = |standing| CaseRecord { outcome: Some(standing), ..passed("a", "1.1.1") };
        for case in [late, standing(Standing::Flaky), standing(Standing::Fixed)] {
            let [lax, strict] = [Strictness::default(), strict].map(|rule| point(1, &case, false, rule));
            assert!(lax.starts_with("ok 1 - "), "{lax}");
            assert!(strict.starts_with("not ok 1 - ") && strict.contains("message: "), "{strict}");
        }
    }

    #[test]
    fn flaky_points_say_what_failed_at_first() {
        let mut case = passed("a", "1.1.1");
        case.outcome = Some(Standing::Flaky);
        case.summary = "At first: no Pong came in 1 s.".into();
        let told = point(1, &case, false, Strictness::default());
        assert!(told.starts_with("ok 1 - 1.1.1"), "{told}");
        assert!(
            told.contains("message: \"At first: no Pong came in 1 s.\"")
                && told.contains("outcome: \"flaky\"")
        );
    }
}
