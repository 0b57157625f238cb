//! What people see of a load.

use std::time::Duration;

use hdrhistogram::Histogram;
use wsspec_report::story::grouped;

use super::measured::{Measured, Outcome, PERCENTILES};
use super::meter::PAUSE;
use crate::exit_code::ExitCode;
use crate::terminal::{Style, Tone};
use crate::text::wrap;

/// The longest bar of the histogram.
const BAR: u64 = 40;
/// Rows of the histogram at most.
const ROWS: usize = 8;
/// From this share of a core on the tester itself may be what is slow.
const BUSY: f64 = 0.8;

/// The whole result.
pub(super) fn render(outcome: &Outcome, code: ExitCode, style: &Style) -> String {
    let measured = &outcome.measured;
    let mut lines = thresholds(outcome, style);
    lines.push(String::new());
    lines.extend(folded(&headline(outcome), style));
    if measured.times.is_empty() {
        lines.push("   nothing came back".to_owned());
    } else {
        lines.extend(folded(&quantiles(&measured.times), style));
        lines.extend(rows(&measured.times, style));
    }
    let correction = outcome.asked_rate.and_then(|_| correction(measured));
    let room = style.width.saturating_sub(3).max(20);
    lines.extend(correction.iter().flat_map(|text| wrap(text, room)).map(|line| format!("   {line}")));
    lines.extend(went_wrong(measured, style));
    lines.extend(folded(&achieved(outcome, style), style));
    let remark = if code == ExitCode::Failed { "exit 1 (threshold)".to_owned() } else { code.to_string() };
    lines.push(style.paint(Tone::Faint, &remark));
    lines.join("\n")
}

/// A line that is too wide, broken at its gaps if there are some.
fn folded(line: &str, style: &Style) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in line.split_inclusive("  ") {
        let last = lines.last_mut().expect("there is always a line");
        if last.trim().is_empty() || last.chars().count() + part.trim_end().chars().count() <= style.width {
            last.push_str(part);
        } else {
            lines.push(format!("   {}", part.trim_start()));
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn thresholds(outcome: &Outcome, style: &Style) -> Vec<String> {
    let mut lines = vec![" thresholds".to_owned()];
    for threshold in &outcome.thresholds {
        let holds = threshold.holds(&outcome.measured);
        let (tone, word) = if holds { (Tone::Good, "ok  ") } else { (Tone::Bad, "FAIL") };
        let limit = threshold.to_string();
        lines.push(format!(
            "   {}  {limit:<16} {}",
            style.paint(tone, word),
            threshold.found(&outcome.measured)
        ));
    }
    lines
}

fn headline(outcome: &Outcome) -> String {
    let measured = &outcome.measured;
    let connections = format!("{} connections", grouped(outcome.connections.into()));
    let echoes = format!("{} echoes", grouped(measured.done));
    match (outcome.load, outcome.in_flight) {
        ("connect", _) => format!(
            " TCP and opening handshake    {} of {} open at the same time",
            grouped(measured.open.into()),
            connections
        ),
        (_, Some(in_flight)) => format!(" rtt    {echoes}   {connections}   {in_flight} in flight on each"),
        _ => format!(" rtt from intended send time    {echoes}   {connections}   open loop"),
    }
}

fn quantiles(times: &Histogram<u64>) -> String {
    let mut parts = vec![format!("min {}", milliseconds(times.min() as f64))];
    parts.extend(PERCENTILES.iter().map(|(name, percent)| {
        format!("{name} {}", milliseconds(times.value_at_percentile(*percent) as f64))
    }));
    parts.push(format!("max {} ms", milliseconds(times.max() as f64)));
    format!("   {}", parts.join("  "))
}

/// How many times there are up to each border, in milliseconds; the last row holds all longer ones.
fn rows(times: &Histogram<u64>, style: &Style) -> Vec<String> {
    let room = (style.width.saturating_sub(24) as u64).clamp(8, BAR);
    let borders = borders(times);
    let mut counts = Vec::new();
    let mut below = 0;
    for border in &borders {
        let count = times.count_between(0, *border);
        counts.push(((*border as f64 / 1e6).to_string(), count - below));
        below = count;
    }
    if times.len() > below {
        let last = borders.last().map_or(0.0, |border| *border as f64 / 1e6);
        counts.push((format!("{last}+"), times.len() - below));
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    counts
        .into_iter()
        .map(|(label, count)| {
            // What is there is seen, however little it is.
            let bar = "#".repeat((count * room).div_ceil(most) as usize);
            format!("   {label:>6} |{bar:<fill$} {:>12}", grouped(count), fill = room as usize)
        })
        .collect()
}

/// 1, 2, 5, 10, ... from the first that is not below all times, until all but one in a thousand are below.
fn borders(times: &Histogram<u64>) -> Vec<u64> {
    let steps = (3..13).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let mut borders: Vec<u64> = steps.filter(|border| *border >= times.min()).collect();
    let enough = borders.iter().position(|border| *border >= times.value_at_quantile(0.999));
    borders.truncate(enough.map_or(ROWS, |place| place + 1).min(ROWS));
    borders
}

/// What coordinated omission would have hidden.
fn correction(measured: &Measured) -> Option<String> {
    let p99 = |times: &Histogram<u64>| times.value_at_quantile(0.99) as f64;
    if measured.uncorrected.is_empty() || measured.pauses == 0 {
        return None;
    }
    let without = milliseconds(p99(&measured.uncorrected));
    let pauses = match measured.pauses {
        1 => "1 pause".to_owned(),
        many => format!("{} pauses", grouped(many)),
    };
    let longest = milliseconds(measured.longest_pause.as_nanos() as f64);
    Some(format!(
        "without correction p99 would read {without} ms ({pauses} of more than {} ms, the longest {longest} ms)",
        PAUSE.as_millis()
    ))
}

fn went_wrong(measured: &Measured, style: &Style) -> Option<String> {
    let parts: Vec<String> = measured
        .errors
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{} {what}", grouped(*count)))
        .collect();
    (!parts.is_empty()).then(|| format!(" {}", style.paint(Tone::Bad, &parts.join("   "))))
}

fn achieved(outcome: &Outcome, style: &Style) -> String {
    let measured = &outcome.measured;
    let rate = grouped(measured.rate().round() as u64);
    let mut line = match outcome.asked_rate {
        Some(asked) => format!(" achieved {rate}/s of {}/s", grouped(asked.round() as u64)),
        None => format!(" achieved {rate}/s"),
    };
    if measured.octets > 0 {
        line.push_str(&format!(
            ", {}",
            octets_a_second(measured.octets as f64 / measured.took.as_secs_f64())
        ));
    }
    if let Some(share) = measured.cpu_share {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
        let remark = match share > BUSY * cores {
            true => style.paint(Tone::Doubtful, "may be the bottleneck"),
            false => "not the bottleneck".to_owned(),
        };
        line.push_str(&format!("    wsspec cpu {:.0}%: {remark}", share * 100.0));
    }
    line
}

fn octets_a_second(rate: f64) -> String {
    const KIB: f64 = 1024.0;
    if rate < 10.0 * KIB * KIB {
        format!("{:.1} KiB/s", rate / KIB)
    } else {
        format!("{:.1} MiB/s", rate / KIB / KIB)
    }
}

/// Nanoseconds as milliseconds with about three digits: `0.11`, `9.71`, `31.2`, `1204`.
pub(super) fn milliseconds(nanoseconds: f64) -> String {
    let time = nanoseconds / 1e6;
    match time {
        _ if time < 0.095 => format!("{time:.3}"),
        _ if time < 9.995 => format!("{time:.2}"),
        _ if time < 99.95 => format!("{time:.1}"),
        _ => format!("{time:.0}"),
    }
}

/// What limits the number of connections.
pub(super) fn limits(files: u64, ports: Option<u64>) -> String {
    let ports = ports.map(|ports| format!("   local ports {} to one address of the server", grouped(ports)));
    format!(" limits: open files {}{}", grouped(files), ports.unwrap_or_default())
}

/// `5 410 open   488/s   0 refused`
pub(super) fn opening(open: u32, failed: u32, since: Duration) -> String {
    let rate = f64::from(open) / since.as_secs_f64().max(0.001);
    format!(
        "{} open   {}/s   {} failed",
        grouped(open.into()),
        grouped(rate.round() as u64),
        grouped(failed.into())
    )
}
