//! The page of one case and one implementation.

use askama::Template;
use wsspec_cases::{CaseId, Grade, suite};
use wsspec_engine::Verdict;
use wsspec_wire::Opcode;

use super::body::Body;
use super::broken::{self, BrokenRule};
use super::dissected::Dissected;
use super::drawing;
use super::links::Links;
use super::matrix;
use super::rows::{Row, Rows};
use super::scripts::Scripts;
use crate::Untrusted;
use crate::explain::Description;
use crate::markdown;
use crate::record::{
    AgentLog, CaseRecord, CertificateRecord, CheckRecord, Report, RoundTripsRecord, Standing,
};
use crate::sanitise::shell;
use crate::story::{
    self, Alternative, Flag, HeaderLine, HeaderState, Mark, Negotiation, Side, SpanKind, compression, units,
};
use crate::verdict::Shown;

/// Frames of which every octet is named; of the others the timeline shows the octets.
pub(super) const DISSECTED: usize = 8;
/// Characters of a payload in lists.
const PREVIEW: usize = 80;
/// The folder in which commands look by themselves.
const USUAL: &str = "wsspec-out";
/// Ids of the same cause that are listed.
const SAME_CAUSE: usize = 12;
/// Octets of the body of a response that refuses the upgrade.
const BODY: usize = 4096;
/// Sizes of reads and writes that are listed.
const SIZES: usize = 40;

/// Accepted outcomes that can be looked at.
const TABS: usize = 8;
/// Bars of the histogram, and blocks of the longest one.
const BARS: usize = 33;
const LONGEST_BAR: u64 = 32;

/// The template of the page, and of nothing else.
#[derive(Template)]
#[template(path = "case.html", whitespace = "minimize")]
pub(super) struct Article<'a> {
    case: &'a CaseRecord,
    anchor: String,
    overview: String,
    section: String,
    sets: String,
    seed: &'a str,
    /// Where the record went to, if that was said.
    folder: Option<&'a str>,
    previous: Option<Link>,
    next: Option<Link>,
    rules: Vec<BrokenRule<'a>>,
    same_cause: Vec<Link>,
    /// How many more there are, and the address that shows them.
    more_of_cause: Option<(usize, String)>,
    others: Vec<Other<'a>>,
    before: Option<Before>,
    alternatives: Vec<Alternative>,
    /// For each check the place in another case where what it is about was seen.
    seen_in: Vec<Option<SeenIn>>,
    timeline: Rows,
    drawing: Option<String>,
    frames: Vec<Dissected<'a>>,
    negotiation: Negotiation,
    request: Vec<HeaderLine>,
    response: Vec<HeaderLine>,
    body: Option<Body>,
    closing: Untrusted,
    flags: Vec<Flag>,
    tables: Vec<Table>,
    command: String,
    command_powershell: String,
    bug_report: String,
    scripts: Scripts,
    description: Option<&'static Description>,
    has_others: bool,
    /// The times that the script writes are written here.
    has_no_script: bool,
    /// In the one file the records are packed.
    json: Option<Untrusted>,
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for Article<'_> {}

/// A place in another case.
struct SeenIn {
    /// None if that case has not run.
    href: Option<String>,
    words: String,
}

/// A link to another case of the same implementation.
struct Link {
    href: String,
    id: String,
}

/// The same case with another implementation.
pub(super) struct Other<'a> {
    pub(super) agent: &'a Untrusted,
    pub(super) href: String,
    pub(super) verdict: Verdict,
}

/// The earlier result of the case.
struct Before {
    agent: Untrusted,
    href: String,
    verdict: Verdict,
}

/// A bar of the histogram.
struct Bar {
    bound: String,
    count: String,
    blocks: String,
}

/// A table of counts.
struct Table {
    caption: &'static str,
    heads: [&'static str; 3],
    rows: Vec<[String; 3]>,
    more: usize,
}

impl<'a> Article<'a> {
    /// With every octet named of so many frames.
    pub(super) fn new(
        report: &'a Report,
        links: &Links,
        case: &'a CaseRecord,
        dissected_frames: usize,
        scripts: Scripts,
    ) -> Self {
        let link = |other: &CaseRecord| Link { href: links.case(other), id: other.id.to_string() };
        let near = links.neighbours(report, case, SAME_CAUSE);
        let frames = Dissected::all(case, dissected_frames);
        let timeline = Rows::of(case, &frames);
        Self {
            anchor: links.anchor(case),
            overview: links.overview(""),
            section: matrix::title(case.id.section()),
            sets: suite().get(case.id).map(matrix::sets).unwrap_or_default(),
            seed: &report.run.seed,
            folder: report.run.folder(),
            previous: near.previous.map(link),
            next: near.next.map(link),
            rules: broken::rules(case),
            same_cause: near.same_cause.into_iter().map(link).collect(),
            more_of_cause: case
                .cause
                .as_ref()
                .filter(|_| near.more_of_cause > 0)
                .map(|cause| (near.more_of_cause, links.cause(cause))),
            others: others(report, links, &case.agent, case.id),
            before: links.earlier(&case.agent, case.id).map(|earlier| Before {
                agent: earlier.agent.clone(),
                href: earlier.href.clone(),
                verdict: earlier.verdict,
            }),
            alternatives: story::alternatives(case, PREVIEW),
            seen_in: case.checks.iter().map(|check| seen_in(links, case, check)).collect(),
            drawing: drawing::svg(&timeline),
            timeline,
            frames,
            negotiation: story::negotiation(case),
            request: story::request_lines(case),
            response: story::response_lines(case),
            body: Body::of(case, BODY),
            closing: story::closing_sentence(case),
            flags: story::closing_flags(case),
            tables: tables(case),
            command: shell::posix(&case.repro),
            command_powershell: shell::powershell(&case.repro),
            bug_report: if case.is_accused() { markdown::bug_report(report, case) } else { String::new() },
            scripts,
            description: Description::known(case.id),
            has_others: links.has_several(),
            has_no_script: links.is_folder(),
            json: links.is_folder().then(|| case.to_json().into()),
            case,
        }
    }

    pub(super) const fn agent(&self) -> &Untrusted {
        &self.case.agent
    }

    pub(super) const fn timeline(&self) -> &Rows {
        &self.timeline
    }

    /// Where a row of its timeline is, on the same page.
    pub(super) fn href_of(&self, row: &Row) -> String {
        let kind = if row.side.is_behind() { 'o' } else { 'f' };
        format!("#{}:{kind}{}", self.anchor, row.number)
    }

    fn is_good(&self) -> bool {
        !self.case.is_accused()
    }

    /// The command that makes a script of this form. The implementation has a name of its own: it is no part of it.
    fn repro(&self, form: &str) -> String {
        let id = self.case.id;
        let to = if form == "pcap" { format!(" -o {id}.pcapng") } else { String::new() };
        let from = self.folder.filter(|folder| *folder != USUAL).map_or_else(String::new, |folder| {
            format!(" {}", shell::posix(&["--from", folder].map(str::to_owned)))
        });
        format!("wsspec repro {id} --as {form}{from}{to}")
    }

    /// The words of the command, each quoted where it has to be.
    fn command_words(&self) -> Vec<Untrusted> {
        shell::words(&self.case.repro).into_iter().map(Untrusted::from).collect()
    }

    fn is_about_extensions(&self) -> bool {
        suite().get(self.case.id).is_some_and(|case| case.deflate.is_some())
    }

    /// What its standing against the baseline is called, and what it means.
    fn standing_words(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.case.outcome? {
            Standing::Expected => return None,
            Standing::Known => ("Known", "the baseline lists this: it does not count."),
            Standing::Unexpected => ("Unexpected", "the baseline does not list this."),
            Standing::Fixed => {
                ("Fixed", "better than the baseline has it: wsspec baseline update puts the entry right.")
            }
            Standing::Flaky => ("Flaky", "it failed once, and not when it was run again, alone."),
        })
    }

    const fn is_error(&self) -> bool {
        matches!(self.case.verdict, Verdict::Error)
    }

    /// How the process ended, if that is what went wrong.
    fn death(&self) -> Option<Untrusted> {
        (self.case.verdict == Verdict::Crash).then(|| broken::sentence(self.case))
    }

    /// The line at which a rule was broken, if the timeline has it.
    fn deviation(&self) -> Option<usize> {
        self.timeline.rows.iter().find(|row| row.is_deviation).map(|row| row.number)
    }

    /// What the timeline says of a frame that shows what went wrong.
    fn said_of(&self, number: &usize) -> &str {
        let row = self.timeline.rows.iter().find(|row| row.number == *number);
        row.map_or("", |row| row.mark.as_deref().unwrap_or(row.here))
    }

    /// Checks that failed, and that the comparison of events has no row for.
    fn checks_apart(&self) -> Vec<&CheckRecord> {
        let shown = self.alternatives.iter().filter(|one| one.is_closest).flat_map(|one| &one.differences);
        let shown: Vec<usize> = shown.flat_map(|row| row.checks.iter().copied()).collect();
        let is_apart = |(place, check): &(usize, &CheckRecord)| !check.ok && !shown.contains(place);
        self.case.checks.iter().enumerate().filter(is_apart).map(|(_, check)| check).collect()
    }

    /// Why there is no timeline.
    fn why_empty(&self) -> String {
        let stats = &self.case.stats;
        match (stats.kept, stats.dropped) {
            (0, lines) if self.case.short => format!(
                "Not kept, as the record of the run had grown too long: {}.",
                units::plural(lines, "line")
            ),
            (0, _) if self.case.measures.quiet => {
                "Not kept: the traffic of this case is large. --trace all keeps it.".to_owned()
            }
            (0, 0) => "Nothing was recorded.".to_owned(),
            (0, lines) => format!("Not kept: {}. --trace all keeps them.", units::plural(lines, "line")),
            (lines, _) => format!(
                "Left out to keep this file small: results.jsonl has {}.",
                units::plural(lines, "line")
            ),
        }
    }

    fn cut_of_log(&self, log: &AgentLog) -> Option<String> {
        let (all, here) = (log.to.saturating_sub(log.from), log.text.raw().len() as u64);
        (here + 512 < all).then(|| format!("{} are not kept here.", units::plural(all - here, "octet")))
    }

    /// Columns of the timeline: the tester, the implementation, and what is behind it.
    fn lanes(&self) -> usize {
        if self.case.backend.is_some() { 3 } else { 2 }
    }

    fn any_check_holds(&self) -> bool {
        self.case.checks.iter().any(|check| check.ok)
    }

    fn standing(&self) -> Option<&'static str> {
        self.case.outcome.and_then(matrix::standing)
    }

    /// What is said of a case that sent fewer messages than its title has, as was asked for.
    fn fewer_messages(&self) -> Option<String> {
        let title = self.case.title.split_whitespace().next()?.parse::<u64>().ok()?;
        let option = self.case.repro.iter().position(|word| word == "--volume-messages")?;
        let sent = self.case.repro.get(option + 1)?.parse::<u64>().ok()?;
        let messages = units::plural(sent, "message");
        (sent < title).then(|| format!("{messages} instead of {title}, by --volume-messages"))
    }

    fn duration(&self) -> String {
        units::duration(self.case.duration_us)
    }

    /// Whether the certificate did not hold when the case ran. Both times are UTC and ISO 8601, which sorts.
    fn is_out_of_time(&self, holder: &CertificateRecord) -> bool {
        let started = self.case.started.get(..19).unwrap_or_default();
        let bounds = [&holder.not_before, &holder.not_after].map(|time| time.get(..19).unwrap_or_default());
        !started.is_empty() && (started < bounds[0] || started > bounds[1])
    }

    /// Messages and octets per second of a case that echoes many.
    fn rate(&self) -> Option<String> {
        let trips = self.case.round_trips.as_ref().filter(|trips| trips.count > 1)?;
        let seconds = self.case.duration_us.max(1) as f64 / 1e6;
        let messages = (trips.count as f64 / seconds).round();
        let payload = self.case.traffic.rx_app as f64 / seconds / f64::from(1 << 20);
        Some(format!(
            "{} messages and {payload:.2} MiB of their payload came back each second.",
            units::count(messages as u64)
        ))
    }

    /// The histogram of the round trips.
    fn bars(&self, trips: &RoundTripsRecord) -> Vec<Bar> {
        let most = trips.histogram.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let blocks = |count: u64| match usize::try_from(count.saturating_mul(LONGEST_BAR) / most) {
            Ok(0) if count > 0 => "▏".to_owned(),
            length => "█".repeat(length.unwrap_or(0)),
        };
        let bars = trips.histogram.iter().take(BARS);
        bars.map(|(bound, count)| Bar {
            bound: units::bound(*bound),
            count: units::count(*count),
            blocks: blocks(*count),
        })
        .collect()
    }

    fn ratios(&self) -> Option<String> {
        let [sent, received] = compression(self.case)?;
        Some(format!("Sent {sent}, received {received}."))
    }
}

/// Whether a case ran, or at least something was tried.
pub(super) const fn has_run(case: &CaseRecord) -> bool {
    !matches!(case.verdict, Verdict::Skipped | Verdict::NotRun)
}

/// The results of other implementations.
pub(super) fn others<'a>(report: &'a Report, links: &Links, agent: &Untrusted, id: CaseId) -> Vec<Other<'a>> {
    links
        .others(report, agent, id)
        .map(|other| Other { agent: &other.agent, href: links.case(other), verdict: other.verdict })
        .collect()
}

fn seen_in(links: &Links, case: &CaseRecord, check: &CheckRecord) -> Option<SeenIn> {
    let id = check.case?.0;
    let line = check.event.map_or_else(String::new, |line| format!(", line {line}"));
    Some(SeenIn { href: links.line_of(&case.agent, id, check.event), words: format!("case {id}{line}") })
}

fn tables(case: &CaseRecord) -> Vec<Table> {
    let stats = &case.stats;
    let sizes = |caption, counts: &std::collections::BTreeMap<u64, u64>| Table {
        caption,
        heads: ["Size", "Count", "Octets"],
        rows: counts
            .iter()
            .take(SIZES)
            .map(|(size, n)| [units::count(*size), units::count(*n), units::count(size.saturating_mul(*n))])
            .collect(),
        more: counts.len().saturating_sub(SIZES),
    };
    let opcodes = |caption, counts: &std::collections::BTreeMap<u8, u64>| Table {
        caption,
        heads: ["Opcode", "Name", "Count"],
        rows: counts
            .iter()
            .map(|(op, n)| [op.to_string(), story::opcode_name(Opcode::new(*op)), units::count(*n)])
            .collect(),
        more: 0,
    };
    vec![
        sizes("Octets received by chop size", &stats.rx_chunks),
        sizes("Octets transmitted by chop size", &stats.tx_chunks),
        opcodes("Frames received by opcode", &stats.rx_frames),
        opcodes("Frames transmitted by opcode", &stats.tx_frames),
    ]
}
