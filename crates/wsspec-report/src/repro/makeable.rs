//! Of which cases scripts can be made anew: an estimate from the record, which need not hold the octets.

use wsspec_cases::Case;

use super::{Form, LIMIT};
use crate::record::{CaseRecord, Report, Role};

/// Frames and writes of so many octets are written as a repetition, where they are one.
const REPEATED: u64 = 1024;

/// The forms that the command line makes of a case, by their names there.
pub fn forms(report: &Report, record: &CaseRecord, case: &Case) -> Vec<&'static str> {
    let target = report.run.targets.iter().find(|target| target.agent == record.agent);
    let url = target.and_then(|target| target.url.as_deref()).unwrap_or_default();
    let is_plain = record.role == Role::Server && !url.starts_with("wss:");
    let (sent, spelled) = octets(record, case);
    let fits = |form: &Form| match form {
        _ if case.is_passive() => false,
        Form::Python | Form::Js => spelled <= LIMIT as u64,
        Form::Rust => is_plain && spelled <= LIMIT as u64,
        Form::Nc => is_plain && sent <= LIMIT as u64,
        Form::Curl => record.role == Role::Server && spelled <= LIMIT as u64,
        Form::Hex => sent <= LIMIT as u64,
    };
    let forms = [Form::Python, Form::Js, Form::Rust, Form::Nc, Form::Curl, Form::Hex];
    let name = |form: Form| match form {
        Form::Python => "python",
        Form::Js => "js",
        Form::Rust => "rust",
        Form::Nc => "nc",
        Form::Curl => "curl",
        Form::Hex => "hex",
    };
    forms.into_iter().filter(fits).map(name).collect()
}

/// How many octets the whole case sends, and how many of them a script spells out.
fn octets(record: &CaseRecord, case: &Case) -> (u64, u64) {
    let stats = &record.stats;
    // A run may have sent fewer messages than the case has, or ended before.
    let messages = case.title.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
    let factor = messages.map_or(1, |all| all.div_ceil(record.traffic.tx_messages.max(1)));
    let sent = stats.tx_octets.saturating_mul(factor).max(case.largest_message());
    let frames: u64 = stats.tx_frames.values().sum();
    let mean = stats.tx_octets / frames.max(stats.tx_chunks.values().sum()).max(1);
    let repeats = case.deflate.is_none() && mean >= REPEATED;
    (sent, if repeats { 0 } else { sent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, report};

    fn made(change: impl FnOnce(&mut CaseRecord), id: &str, url: &str) -> Vec<&'static str> {
        let mut record = failed("a", id);
        change(&mut record);
        let mut report = report(vec![record]);
        report.run.targets[0].url = Some(url.to_owned());
        let case = wsspec_cases::suite().get(id.parse().unwrap()).unwrap();
        forms(&report, &report.cases[0], case)
    }

    /// So many frames of so many octets, each written at once.
    fn sends(frames: u64, octets: u64) -> impl FnOnce(&mut CaseRecord) {
        move |record| {
            record.stats.tx_octets = frames * octets;
            record.stats.tx_frames = [(1, frames)].into();
            record.stats.tx_chunks = [(octets, frames)].into();
            record.traffic.tx_messages = frames;
        }
    }

    #[test]
    fn forms_are_named_that_fit_the_peer_and_what_is_sent() {
        let all = ["python", "js", "rust", "nc", "curl", "hex"];
        assert_eq!(made(|_| {}, "5.15", "ws://a"), all);
        assert_eq!(made(|_| {}, "5.15", "wss://a"), ["python", "js", "curl", "hex"]);
        assert_eq!(made(|record| record.role = Role::Client, "5.15", ""), ["python", "js", "hex"]);
    }

    #[test]
    fn scripts_were_offered_that_are_too_large() {
        // 1000 messages of compressed text, of which 8 were sent.
        assert!(made(sends(8, 610), "12.1.5", "ws://a").is_empty());
        assert!(made(sends(8, 60), "12.1.1", "ws://a").contains(&"python"));
        // 1 MiB in pieces: none of them repeats enough.
        assert!(made(sends(16_384, 70), "9.3.1", "ws://a").is_empty());
        assert_eq!(made(sends(1, 16 << 20), "9.1.6", "ws://a"), ["python", "js", "rust", "curl"]);
    }
}
