//! A failure in brief: what can be read of it without JavaScript, on paper, and in a browser for text.

use askama::Template;
use wsspec_cases::Grade;

use super::body::Body;
use super::broken::{self, BrokenRule};
use super::dissected::Dissected;
use super::links::Links;
use super::rows::{Row, Rows};
use crate::Untrusted;
use crate::record::CaseRecord;
use crate::sanitise::shell;
use crate::story::{self, Alternative, Mark, Side, SpanKind, units};
use crate::verdict::Shown;

/// Characters of a payload in lists.
const PREVIEW: usize = 80;
/// Rows of the timeline; half of them stand before the one at which a rule was broken if not all do.
const ROWS: usize = 24;
/// The same in short, and how many stand behind that one.
const ROWS_IN_SHORT: usize = 4;
const BEHIND_IN_SHORT: usize = 1;
/// Rows of the comparison.
const DIFFERENCES: usize = 16;
/// Characters at the end of the log of a process.
const LOG: usize = 2000;
const LOG_IN_SHORT: usize = 300;

/// Octets of the body of a response that refuses the upgrade.
const BODY: usize = 500;

/// How much is told.
pub(super) enum Length<'a> {
    /// The first of its cause and implementation: its octets are named.
    First,
    /// All but the names of the octets.
    Full,
    /// What is its own; for cause and rules there is this case.
    Short(&'a CaseRecord),
}

/// The template.
#[derive(Template)]
#[template(path = "brief.html", whitespace = "minimize")]
pub(super) struct Brief<'a> {
    case: &'a CaseRecord,
    anchor: String,
    /// The place and the id of the case that has its cause and its rules, if they are not here.
    like: Option<(String, String)>,
    rules: Vec<BrokenRule<'a>>,
    closest: Option<Alternative>,
    rows: Vec<Row>,
    /// What is wrong with a frame that was sent stands beside it in the first of a cause.
    has_marks: bool,
    /// Rows that are not here.
    more_rows: u64,
    /// The frames that show what went wrong.
    frames: Vec<Dissected<'a>>,
    closing: Untrusted,
    /// Request and response, if nothing else was said.
    heads: Vec<(&'static str, Untrusted)>,
    log: Option<Untrusted>,
    command: Untrusted,
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for Brief<'_> {}

impl<'a> Brief<'a> {
    pub(super) fn new(links: &Links, case: &'a CaseRecord, length: &Length<'_>) -> Self {
        let like = match length {
            Length::Short(like) => Some((links.anchor(like), like.id.to_string())),
            Length::First | Length::Full => None,
        };
        let (most, behind, log) = match like {
            Some(_) => (ROWS_IN_SHORT, BEHIND_IN_SHORT, LOG_IN_SHORT),
            None => (ROWS, usize::MAX, LOG),
        };
        let is_told = |row: &Row| !row.is_octets;
        let told: Vec<Row> = Rows::of(case, &[]).rows.into_iter().filter(is_told).collect();
        let rows_have_frames = told.iter().any(|row| !row.name.is_empty());
        let (rows, more_rows) = around_deviation(told, most, behind);
        let is_first = matches!(length, Length::First);
        let frames = if is_first { Dissected::all(case, 0) } else { Vec::new() };
        let alternatives = story::alternatives(case, PREVIEW);
        Self {
            anchor: links.anchor(case),
            rules: if like.is_some() { Vec::new() } else { broken::rules(case) },
            like,
            closest: alternatives.into_iter().find(|one| one.is_closest),
            rows,
            has_marks: is_first,
            more_rows,
            frames,
            closing: story::closing_sentence(case),
            heads: if rows_have_frames { Vec::new() } else { heads(case) },
            log: case.log.as_ref().map(|one| last_of(one.text.raw(), log)).filter(|text| !text.is_empty()),
            command: shell::posix(&case.repro).into(),
            case,
        }
    }

    fn differences(&self) -> &[story::Difference] {
        let all = self.closest.as_ref().map_or(&[][..], |one| &one.differences);
        &all[..all.len().min(DIFFERENCES)]
    }

    fn more_differences(&self) -> usize {
        self.closest.as_ref().map_or(0, |one| one.differences.len().saturating_sub(DIFFERENCES))
    }

    fn is_non_strict(&self) -> bool {
        self.closest.as_ref().is_some_and(|one| one.grade != Grade::Ok)
    }
}

/// As many rows as are shown, so many of them behind the one at which a rule was broken, and how many are not shown.
fn around_deviation(mut rows: Vec<Row>, most: usize, behind: usize) -> (Vec<Row>, u64) {
    let all = rows.len();
    let at = rows.iter().position(|row| row.is_deviation);
    if let Some(at) = at {
        rows.truncate(at.saturating_add(behind).saturating_add(1));
    }
    let more = rows.len().saturating_sub(most);
    rows.drain(..at.unwrap_or(0).saturating_sub(most / 2).min(more));
    rows.truncate(most);
    let shown = rows.len();
    (rows, (all - shown) as u64)
}

/// The heads of the opening handshake.
fn heads(case: &CaseRecord) -> Vec<(&'static str, Untrusted)> {
    let head = |name, octets: &[u8]| (name, Untrusted::from_octets(octets));
    let handshake = &case.handshake;
    let mut heads =
        vec![head("Request", handshake.request.kept()), head("Response", handshake.response.kept())];
    heads.extend(Body::of(case, BODY).map(|body| ("Body of the response", body.text)));
    heads.retain(|(_, text)| !text.is_empty());
    heads
}

fn last_of(log: &str, characters: usize) -> Untrusted {
    let start = log.char_indices().rev().take(characters).last().map_or(0, |(at, _)| at);
    Untrusted::new(&log[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{AgentLog, LogLine};
    use crate::samples::{failed, report};

    fn brief(case: CaseRecord) -> String {
        let report = report(vec![case]);
        Brief::new(&Links::one_file(&report), &report.cases[0], &Length::First).render().unwrap()
    }

    #[test]
    fn a_long_timeline_is_shown_around_the_place_where_a_rule_was_broken() {
        let mut case = failed("a", "5.15");
        let frames = case.events.iter().skip(2).cycle().take(200).cloned().enumerate();
        case.events = frames.map(|(i, line)| LogLine { i, us: 10 * i as u64, ..line }).collect();
        let failed = case.checks.iter_mut().find(|check| !check.ok).unwrap();
        failed.event = Some(150);
        let page = brief(case);
        assert!(page.contains("rule broken here") && page.contains("<td>150<td>"), "{page}");
        assert!(page.contains("more lines") && page.len() < 8000, "{} octets: {page}", page.len());
    }

    #[test]
    fn the_end_of_the_log_of_a_process_is_part_of_it() {
        let log = AgentLog {
            text: format!("{}<last words>", "x".repeat(9000)).as_str().into(),
            ..AgentLog::default()
        };
        let page = brief(CaseRecord { log: Some(log), ..failed("a", "5.15") });
        assert!(page.contains("xxx&lt;last words&gt;") && page.len() < 9000, "{page}");
    }
}
