use super::breach::sent_breach;
use super::timeline::{Side, timeline};
use super::units::{milliseconds, spaced_hex};
use crate::record::{CaseRecord, LogLine};
use crate::sanitise::terminal;
use crate::story::{anatomy_in_case, compressed};

/// Octets on a line.
const SHOWN: usize = 10;

/// The sequence of a case as plain lines: time, direction, what happened; what the tester did wrong on purpose is named, and
/// the frame at which a rule was broken has the mark `(!)`.
pub fn plain_timeline(case: &CaseRecord) -> Vec<String> {
    let breach = sent_breach(case);
    let rows = timeline(case, false, 60);
    rows.iter()
        .map(|row| {
            let arrow = match row.side {
                Side::Sent => "-->",
                Side::Received => "<--",
                Side::Note => "   ",
                Side::ToOrigin => "    proxy --> origin",
                Side::FromOrigin => "    proxy <-- origin",
                Side::AtOrigin => "    origin:",
            };
            let wrong = breach.as_ref().filter(|(i, _)| *i == row.line.i).map(|(_, breach)| breach.mark());
            let mark = match (row.is_deviation || row.is_telling, wrong) {
                (true, Some(wrong)) => format!("   (!) {wrong}"),
                (true, None) => "   (!)".to_owned(),
                (false, Some(wrong)) => format!("   ({wrong})"),
                (false, None) => String::new(),
            };
            format!("{:>9} ms {arrow} {}{mark}", milliseconds(row.us), terminal::line(row.text.raw(), 200))
        })
        .collect()
}

/// The octets of a frame of the case as plain lines, with what they mean.
pub fn plain_anatomy(case: &CaseRecord, line: &LogLine) -> Vec<String> {
    let parts = anatomy_in_case(&line.what, None, compressed(case).get(&line.i));
    let octets: Vec<String> = parts.iter().map(|part| octets(&part.octets)).collect();
    let width = octets.iter().map(String::len).max().unwrap_or(0);
    parts
        .iter()
        .zip(octets)
        .map(|(part, octets)| format!("{octets:<width$}  {}", terminal::line(part.meaning.raw(), 120)))
        .collect()
}

fn octets(octets: &[u8]) -> String {
    let more = if octets.len() > SHOWN { " …" } else { "" };
    format!("{}{more}", spaced_hex(&octets[..octets.len().min(SHOWN)]))
}
