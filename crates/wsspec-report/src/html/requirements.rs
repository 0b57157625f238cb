//! The rules of the RFCs with the cases that test them, and what became of these.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use wsspec_cases::{CaseId, Level, requirements, suite};
use wsspec_engine::Verdict;

use super::ids::Ids;
use super::links::Links;
use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, Clause, Report, RuleRecord};

/// Ids of a requirement that are named.
const IDS: usize = 8;

/// A rule of an RFC with the cases that test it, and those that broke it before they came to what they test.
pub(super) struct Requirement {
    /// The name of its row; none if another one has the same clause.
    pub(super) anchor: String,
    pub(super) clause: Clause,
    pub(super) level: &'static str,
    pub(super) summary: String,
    /// Its cases; those without a result in this report have no address.
    pub(super) ids: Ids,
    /// For every agent: the worst verdict, and how many cases passed of how many. Empty if none of its cases is here.
    pub(super) results: Vec<(Verdict, String)>,
    /// No case tests it.
    pub(super) is_untested: bool,
}

/// RFC, section, clause, level, words: in the order of the RFC.
type RuleKey = (u16, Vec<u32>, Clause, Level, String);

/// The clauses that have a row in every report, in order.
static CLAUSES: LazyLock<BTreeSet<(u16, Vec<u32>)>> = LazyLock::new(|| {
    let all = requirements::requirements(suite());
    all.iter().map(|one| (one.rule.rfc.number(), section_order(one.rule.section))).collect()
});

/// The row that a clause leads to: its own, or the first one below it.
pub(super) fn row(clause: &Clause) -> Option<String> {
    let section = section_order(&clause.section);
    let first = CLAUSES.range((clause.rfc, section.clone())..).next()?;
    let is_there = first.0 == clause.rfc && first.1.starts_with(&section);
    let section: Vec<String> = first.1.iter().map(u32::to_string).collect();
    is_there.then(|| anchor(clause.rfc, &section.join(".")))
}

fn anchor(rfc: u16, section: &str) -> String {
    format!("rfc{rfc}-{section}")
}

/// The rules that the cases of the report name, those of other cases, and those that no case tests.
pub(super) fn all(report: &Report, links: &Links) -> Vec<Requirement> {
    let agents = report.agents();
    let mut by_rule = by_rule(report);
    let known = requirements::requirements(suite());
    let untested: BTreeSet<RuleKey> =
        known.iter().filter(|one| !one.is_tested).map(|one| rule_key(&RuleRecord::from(&one.rule))).collect();
    for one in known {
        by_rule.entry(rule_key(&RuleRecord::from(&one.rule))).or_default();
    }
    let told = told(report);
    let mut last: Option<Clause> = None;
    let requirement = |(key, cases): (RuleKey, Vec<&CaseRecord>)| {
        let is_untested = untested.contains(&key);
        let (_, _, clause, level, summary) = key;
        let is_first = last.replace(clause.clone()).is_none_or(|last| last != clause);
        Requirement {
            anchor: if is_first { anchor(clause.rfc, &clause.section) } else { String::new() },
            level: level.name(),
            ids: match (cases.is_empty(), is_untested) {
                (true, _) => ids_of(&clause, &summary),
                (false, true) => ids_with_result(&cases, links),
                (false, false) => ids_here(&clause, &cases, links),
            },
            results: match cases.is_empty() {
                true => Vec::new(),
                false => agents.iter().map(|agent| result(agent, &clause, &cases, &told)).collect(),
            },
            is_untested,
            summary,
            clause,
        }
    };
    by_rule.into_iter().map(requirement).collect()
}

/// The cases by the rules that they name. Those that broke a rule of the opening handshake are with that, too.
fn by_rule(report: &Report) -> BTreeMap<RuleKey, Vec<&CaseRecord>> {
    let mut by_rule: BTreeMap<RuleKey, Vec<&CaseRecord>> = BTreeMap::new();
    for case in &report.cases {
        for rule in &case.rules {
            by_rule.entry(rule_key(rule)).or_default().push(case);
        }
        let is_broken = |check: &&CheckRecord| !check.ok && check.header.is_some() && case.is_accused();
        let failed = case.checks.iter().filter(is_broken);
        for rule in failed.filter_map(|check| case.rule_behind(check)) {
            let cases = by_rule.entry(rule_key(&rule)).or_default();
            if !case.rules.contains(&rule) {
                cases.push(case);
            }
        }
    }
    by_rule
}

fn rule_key(rule: &RuleRecord) -> RuleKey {
    (rule.rfc.rfc, section_order(&rule.rfc.section), rule.rfc.clone(), rule.level, rule.summary.clone())
}

fn section_order(section: &str) -> Vec<u32> {
    section.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

/// The cases of the suite that name a rule.
fn ids_of(clause: &Clause, summary: &str) -> Ids {
    let names = |rule: &wsspec_cases::Rule| rule.summary == summary && rule.section == clause.section;
    let cases = suite().cases().iter().filter(|case| case.rules.iter().any(names));
    Ids::new(cases.map(|case| (case.id, None)), IDS)
}

/// The cases of a rule that have a result; the filter shows all that name its clause.
fn ids_here(clause: &Clause, cases: &[&CaseRecord], links: &Links) -> Ids {
    let ids = ids_with_result(cases, links);
    if links.is_folder() {
        return ids;
    }
    ids.elsewhere(format!("#?q=rfc({}%23{})", clause.rfc, clause.section))
}

/// Cases; each leads to its worst result.
fn ids_with_result(cases: &[&CaseRecord], links: &Links) -> Ids {
    let mut worst: BTreeMap<CaseId, &CaseRecord> = BTreeMap::new();
    for case in cases {
        let known = worst.entry(case.id).or_insert(case);
        if gravity(case.verdict) > gravity(known.verdict) {
            *known = case;
        }
    }
    let href = |id: CaseId, case| if links.is_folder() { links.case(case) } else { format!("#{id}") };
    Ids::new(worst.into_iter().map(|(id, case)| (id, Some(href(id, case)))), IDS)
}

/// For every agent the clauses in whose rows a failure can be seen: those that a case of theirs broke.
type Told<'a> = HashSet<(&'a Untrusted, Clause)>;

fn told(report: &Report) -> Told<'_> {
    let broken = report.cases.iter().flat_map(|case| {
        let own = broken(case).filter(|clause| case.rules.iter().any(|rule| rule.rfc == *clause));
        own.map(|clause| (&case.agent, clause))
    });
    broken.collect()
}

/// Where the rules stand that a case broke.
fn broken(case: &CaseRecord) -> impl Iterator<Item = Clause> {
    case.checks.iter().filter(|check| !check.ok).filter_map(|check| case.clause_of(check))
}

fn result(agent: &Untrusted, clause: &Clause, cases: &[&CaseRecord], told: &Told<'_>) -> (Verdict, String) {
    let own = cases.iter().filter(|case| case.agent == *agent);
    let of_agent: Vec<Verdict> = own.map(|case| verdict_of_rule(case, clause, told)).collect();
    let worst = of_agent.iter().copied().max_by_key(|verdict| gravity(*verdict)).unwrap_or(Verdict::NotRun);
    let good = of_agent.iter().filter(|verdict| gravity(**verdict) < gravity(Verdict::NonStrict)).count();
    (worst, format!("{good} / {}", of_agent.len()))
}

/// The verdict of a case as far as a clause goes. A rule that it broke elsewhere does not count against it, unless no row
/// would tell of a failure then.
fn verdict_of_rule(case: &CaseRecord, clause: &Clause, told: &Told<'_>) -> Verdict {
    let is_here = || broken(case).any(|broken| broken == *clause);
    let is_told = || broken(case).any(|broken| told.contains(&(&case.agent, broken)));
    match case.verdict {
        Verdict::NonStrict if !is_here() && broken(case).next().is_some() => Verdict::Pass,
        Verdict::Fail if !is_here() && !case.is_without_connection() && is_told() => Verdict::Pass,
        verdict => verdict,
    }
}

/// Which of several verdicts stands for all.
const fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skipped => 0,
        Verdict::NotApplicable => 1,
        Verdict::Info => 2,
        Verdict::Pass => 3,
        Verdict::NonStrict => 4,
        Verdict::NotRun => 5,
        Verdict::Error => 6,
        Verdict::Fail | Verdict::Timeout | Verdict::Crash => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report};

    /// What the rules of these cases say of them, by their words.
    fn results(cases: Vec<CaseRecord>) -> Vec<(String, Verdict, String)> {
        let report = report(cases);
        let told = all(&report, &Links::one_file(&report)).into_iter().filter_map(|one| {
            let (worst, tally) = one.results.into_iter().next()?;
            Some((one.summary, worst, tally))
        });
        told.collect()
    }

    /// A case that fails a check of another clause than its own, 5.4.
    fn failing(id: &str, check: &str, rfc: &str, header: Option<&str>) -> CaseRecord {
        let mut case = failed("a", id);
        case.checks.truncate(1);
        case.checks[0].id = check.to_owned();
        case.checks[0].rfc = Clause::parse(rfc);
        case.checks[0].header = header.map(str::to_owned);
        case
    }

    #[test]
    fn rules_of_cases_that_failed_were_ok_where_the_clause_of_the_check_has_no_row() {
        let stays_open = |id| failing(id, "close.initiator", "6455#7.1.7", None);
        let told = results(vec![stays_open("5.9"), stays_open("5.10"), passed("a", "1.1.1")]);
        let rule = ("a continuation frame continues a message that has begun".to_owned(), Verdict::Fail);
        assert_eq!(
            told,
            [
                (rule.0, rule.1, "0 / 2".to_owned()),
                ("a text message carries UTF-8".to_owned(), Verdict::Pass, "1 / 1".to_owned())
            ]
        );
        let masked = results(vec![failing("5.9", "frame.mask", "6455#5.1", None)]);
        assert_eq!(masked[0].1, Verdict::Fail, "no row of 5.1 tells of it");
    }

    #[test]
    fn a_handshake_that_failed_counts_against_the_rule_of_its_header_and_that_of_the_case() {
        let told = results(vec![failing("5.9", "handshake", "6455#4", Some("Sec-WebSocket-Accept"))]);
        let words: Vec<&str> = told.iter().map(|(words, ..)| &words[..20]).collect();
        assert_eq!(words, ["Sec-WebSocket-Accept", "a continuation frame"]);
        assert!(told.iter().all(|(_, verdict, tally)| (*verdict, &**tally) == (Verdict::Fail, "0 / 1")));
        let mut told_only = failing("16.5.10", "handshake", "6455#4", Some("Sec-WebSocket-Accept"));
        told_only.verdict = Verdict::Info;
        assert_eq!(results(vec![told_only]).len(), 1, "nothing was judged");
    }

    #[test]
    fn a_clause_leads_to_its_row_or_to_the_first_one_below_it() {
        let row = |text: &str| row(&Clause::parse(text).unwrap());
        assert_eq!(row("6455#5.4").as_deref(), Some("rfc6455-5.4"));
        assert_eq!(row("6455#7.4").as_deref(), Some("rfc6455-7.4.1"));
        assert_eq!((row("6455#11"), row("1#1")), (None, None));
    }
}
