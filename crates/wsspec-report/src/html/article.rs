//! The page of one case and one implementation.

use askama::Template;
use wsspec_cases::{CaseId, Grade};
use wsspec_engine::Verdict;
use wsspec_wire::Opcode;

use super::links::Links;
use super::matrix;
use crate::Untrusted;
use crate::markdown;
use crate::record::{CaseRecord, CertificateRecord, CheckRecord, Dir, Happening, Report, RoundTripsRecord};
use crate::sanitise::shell;
use crate::story::{
    self, Alternative, Break, Flag, HeaderLine, HeaderState, Mark, Negotiation, Part, Side, SpanKind,
    compression, units,
};
use crate::verdict::Shown;

/// Frames of which every octet is named; of the others the timeline shows the octets.
pub(super) const DISSECTED: usize = 24;
/// Characters of a payload in lists.
const PREVIEW: usize = 80;
/// Ids of the same cause that are listed.
const SAME_CAUSE: usize = 12;
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
    previous: Option<Link>,
    next: Option<Link>,
    same_cause: Vec<Link>,
    others: Vec<Other<'a>>,
    alternatives: Vec<Alternative>,
    /// For each check the place in another case where what it is about was seen.
    seen_in: Vec<Option<SeenIn>>,
    rows: Vec<TimeRow>,
    frames: Vec<Dissected>,
    negotiation: Negotiation,
    request: Vec<HeaderLine>,
    response: Vec<HeaderLine>,
    closing: Untrusted,
    flags: Vec<Flag>,
    tables: Vec<Table>,
    command: String,
    command_powershell: String,
    bug_report: String,
    octets_sent: String,
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

/// A row of the timeline.
struct TimeRow {
    number: usize,
    ms: String,
    us: i64,
    side: Side,
    text: Untrusted,
    hex: Option<String>,
    is_octets: bool,
    is_deviation: bool,
    is_dissected: bool,
    /// Where its text stops being UTF-8.
    flaw: Option<String>,
    /// What is not shown before this row.
    gap: Option<String>,
}

/// A frame with every octet named.
struct Dissected {
    number: usize,
    heading: Untrusted,
    is_deviation: bool,
    parts: Vec<Part>,
    size: u64,
    /// The payload without its mask, in hex.
    unmasked: Option<String>,
    /// What the message that ends here inflates to.
    inflated: Option<Untrusted>,
    /// What finds it in a capture.
    filter: String,
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
    /// With every octet named of so many frames, and of the one at which a rule was broken.
    pub(super) fn new(
        report: &'a Report,
        links: &Links,
        case: &'a CaseRecord,
        dissected_frames: usize,
    ) -> Self {
        let link = |other: &CaseRecord| Link { href: links.case(other), id: other.id.to_string() };
        let near = links.neighbours(report, case, SAME_CAUSE);
        let frames = dissected(case, dissected_frames);
        Self {
            anchor: links.anchor(case),
            overview: links.overview(""),
            section: matrix::title(case.id.section()),
            previous: near.previous.map(link),
            next: near.next.map(link),
            same_cause: near.same_cause.into_iter().map(link).collect(),
            others: others(report, links, &case.agent, case.id),
            alternatives: story::alternatives(case, PREVIEW),
            seen_in: case.checks.iter().map(|check| seen_in(links, case, check)).collect(),
            rows: rows(case, &frames),
            frames,
            negotiation: story::negotiation(case),
            request: story::request_lines(case),
            response: story::response_lines(case),
            closing: story::closing_sentence(case),
            flags: story::closing_flags(case),
            tables: tables(case),
            command: shell::posix(&case.repro),
            command_powershell: shell::powershell(&case.repro),
            bug_report: markdown::bug_report(report, case),
            octets_sent: octets_sent(case),
            json: links.is_folder().then(|| case.to_json().into()),
            case,
        }
    }

    fn is_good(&self) -> bool {
        matches!(self.case.verdict, Verdict::Pass | Verdict::Info | Verdict::NotApplicable)
    }

    /// The words of the command, each quoted where it has to be.
    fn command_words(&self) -> Vec<String> {
        self.case.repro.iter().map(|word| shell::posix(std::slice::from_ref(word))).collect()
    }

    fn is_octets_only(&self) -> bool {
        self.rows.iter().all(|row| row.is_octets)
    }

    fn any_check_holds(&self) -> bool {
        self.case.checks.iter().any(|check| check.ok)
    }

    fn standing(&self) -> Option<&'static str> {
        self.case.outcome.and_then(matrix::standing)
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

fn rows(case: &CaseRecord, frames: &[Dissected]) -> Vec<TimeRow> {
    let broken = story::broken_texts(case);
    let told = story::timeline(case, true, PREVIEW);
    let mut last: Option<(usize, i64)> = None;
    told.into_iter()
        .map(|row| {
            let gap = last.and_then(|last| gap(last, (row.line.i, row.us)));
            let is_dissected = frames.iter().any(|frame| frame.number == row.line.i);
            last = Some((row.line.i, row.us));
            TimeRow {
                number: row.line.i,
                ms: units::milliseconds(row.us),
                us: row.us,
                side: row.side,
                text: row.text,
                hex: hex(&row.line.what).filter(|_| !is_dissected),
                is_octets: matches!(row.line.what, Happening::Octets { .. }),
                is_deviation: row.is_deviation,
                is_dissected,
                flaw: broken.get(&row.line.i).map(Break::words),
                gap,
            }
        })
        .collect()
}

/// What lies between two rows: entries that were not kept, or a long time.
fn gap((number, us): (usize, i64), (next, then): (usize, i64)) -> Option<String> {
    let missing = next.saturating_sub(number + 1) as u64;
    if missing > 0 {
        return Some(format!("{} not kept", units::plural(missing, "line")));
    }
    let passed = u64::try_from(then - us).unwrap_or(0);
    (passed >= 100_000).then(|| format!("{} pass", units::duration(passed)))
}

/// The octets of a chunk or a frame.
fn hex(what: &Happening) -> Option<String> {
    let (octets, cut) = match what {
        Happening::Octets { data, .. } => (data.kept(), data.is_cut()),
        Happening::Frame { wire, data, .. } => (wire.as_slice(), data.is_cut()),
        _ => return None,
    };
    Some(format!("{}{}", units::spaced_hex(octets), if cut { " …" } else { "" }))
}

fn dissected(case: &CaseRecord, most: usize) -> Vec<Dissected> {
    let deviation = case.first_failed().and_then(CheckRecord::line);
    let frames = case.events.iter().filter(|line| matches!(line.what, Happening::Frame { .. }));
    let chosen = frames.enumerate().filter(|(place, line)| *place < most || deviation == Some(line.i));
    let mut inflated = story::inflated(case);
    let broken = story::broken_texts(case);
    chosen
        .map(|(_, line)| Dissected {
            unmasked: unmasked(&line.what),
            inflated: inflated.remove(&line.i),
            filter: story::display_filter(&line.what).unwrap_or_default(),
            number: line.i,
            heading: frame_heading(&line.what),
            is_deviation: deviation == Some(line.i),
            parts: story::anatomy_of_text(&line.what, broken.get(&line.i)),
            size: frame_size(&line.what),
        })
        .collect()
}

fn unmasked(what: &Happening) -> Option<String> {
    let Happening::Frame { mask: Some(_), data, .. } = what else { return None };
    let more = if data.is_cut() { " …" } else { "" };
    (!data.is_empty()).then(|| format!("{}{more}", units::spaced_hex(data.kept())))
}

fn frame_heading(what: &Happening) -> Untrusted {
    let way = if matches!(what, Happening::Frame { dir: Dir::Tx, .. }) { "sent" } else { "received" };
    let words = story::FrameWords::of(what, 40).map(|words| words.line()).unwrap_or_default();
    Untrusted::from(format!("{way}: {}", words.raw()))
}

fn frame_size(what: &Happening) -> u64 {
    let Happening::Frame { wire, data, .. } = what else { return 0 };
    (wire.len() as u64).saturating_add(data.len()).saturating_sub(data.kept().len() as u64)
}

fn octets_sent(case: &CaseRecord) -> String {
    let frames = case.events.iter().filter_map(|line| match &line.what {
        Happening::Frame { dir: Dir::Tx, wire, data, .. } => Some((wire, data.is_cut())),
        _ => None,
    });
    let lines =
        frames.map(|(wire, cut)| format!("{}{}", units::spaced_hex(wire), if cut { " …" } else { "" }));
    lines.collect::<Vec<_>>().join("\n")
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
