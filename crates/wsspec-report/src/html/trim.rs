//! What is left out when a report is too large for one file, step by step.

use std::borrow::Cow;

use wsspec_engine::Verdict;

use super::article::DISSECTED;
use super::scripts::Which;
use crate::record::{CaseRecord, EventRecord, Happening, LogLine, Payload};

/// How much is left out; each step includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trim {
    /// The wire log of passing cases with much traffic.
    Volume,
    /// The records of passing cases.
    Records,
    /// Of failures with the same cause as others of the implementation: what these have told.
    Alike,
    /// Passing cases: all but the first and the last lines of the wire log.
    Middle,
    /// Most of every payload.
    Payloads,
    /// Failing cases too: all but the first and the last lines.
    Failures,
    /// Failures too are packed, but for some of each cause.
    Repeated,
}

/// Lines that are kept at each end.
const ENDS: usize = 16;
/// Frames of a case of which every octet is named.
const FEW_DISSECTED: usize = 2;
/// Octets of a payload that are kept.
const PREVIEW: usize = 32;

impl Trim {
    /// All steps, the mildest first.
    pub(super) const STEPS: [Self; 7] = [
        Self::Volume,
        Self::Records,
        Self::Alike,
        Self::Middle,
        Self::Payloads,
        Self::Failures,
        Self::Repeated,
    ];

    /// The note on the page about what was left out.
    pub(super) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Volume => None,
            Self::Records => Some("To keep it small, records of passing cases are in results.jsonl only."),
            Self::Alike => Some(
                "To keep it small, records of passing cases are in results.jsonl only, and failures with the same \
                 cause are told in full twice for each implementation, then in short.",
            ),
            Self::Middle => Some(
                "To keep it small, wire logs of passing cases are cut in the middle; results.jsonl has all of them.",
            ),
            Self::Payloads => Some(
                "To keep it small, wire logs of passing cases and all payloads are cut; results.jsonl has more.",
            ),
            Self::Failures => {
                Some("To keep it small, all wire logs and payloads are cut; results.jsonl has more.")
            }
            Self::Repeated => Some(
                "To keep it small, all wire logs and payloads are cut, and only the first failures of each cause \
                 can be read without JavaScript; results.jsonl has more.",
            ),
        }
    }

    /// Whether the record of the case, which may be like others, is kept beside its page.
    pub(super) fn has_record(self, case: &CaseRecord, is_alike: bool) -> bool {
        self < Self::Records || !(is_passed(case) || is_alike)
    }

    /// Frames of a case of which every octet is named; the timeline has the octets of the others.
    pub(super) fn dissected(self) -> usize {
        if self < Self::Failures { DISSECTED } else { FEW_DISSECTED }
    }

    /// The scripts of a failure that are kept: the record no longer holds all that was sent when it is cut.
    pub(super) fn scripts(self, is_alike: bool) -> Which {
        match self {
            _ if self >= Self::Payloads => Which::None,
            _ if is_alike => Which::Python,
            _ => Which::All,
        }
    }

    /// The case without what this step leaves out.
    pub(super) fn apply(self, case: Cow<'_, CaseRecord>) -> Cow<'_, CaseRecord> {
        let passed = is_passed(&case);
        let quiet = passed && case.measures.quiet && !case.events.is_empty();
        if self < Self::Middle && !quiet {
            return case;
        }
        let mut case = case.into_owned();
        if quiet {
            case.events.clear();
            case.backend.iter_mut().for_each(|backend| backend.events.clear());
        }
        let limit =
            if self >= Self::Failures || (self >= Self::Middle && passed) { 2 * ENDS } else { usize::MAX };
        let legs = case.backend.iter_mut().map(|backend| &mut backend.events);
        for events in legs.chain([&mut case.events]).filter(|events| events.len() > limit) {
            events.drain(ENDS..events.len() - ENDS);
        }
        if self >= Self::Payloads {
            shorten(&mut case);
        }
        Cow::Owned(case)
    }
}

const fn is_passed(case: &CaseRecord) -> bool {
    matches!(case.verdict, Verdict::Pass | Verdict::Info | Verdict::NotApplicable)
}

fn shorten(case: &mut CaseRecord) {
    let other_leg = case.backend.iter_mut().flat_map(|backend| &mut backend.events);
    for line in other_leg.chain(&mut case.events) {
        shorten_line(line);
    }
    let accepted = case.accepts.iter_mut().flat_map(|accept| &mut accept.events);
    for event in accepted.chain(&mut case.received) {
        if let EventRecord::Message { data, .. } | EventRecord::Pong { data } = event {
            *data = data.shortened(PREVIEW);
        }
    }
}

fn shorten_line(line: &mut LogLine) {
    match &mut line.what {
        Happening::Octets { data, .. } => *data = data.shortened(PREVIEW),
        Happening::Frame { data, wire, .. } => {
            let cut = data.kept().len().saturating_sub(PREVIEW);
            wire.truncate(wire.len().saturating_sub(cut));
            *data = Payload::shortened(data, PREVIEW);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn long(case: CaseRecord) -> CaseRecord {
        let events = case.events.iter().cycle().take(100).cloned().enumerate();
        CaseRecord { events: events.map(|(i, line)| LogLine { i, ..line }).collect(), ..case }
    }

    #[test]
    fn failing_cases_are_cut_last() {
        let (good, bad) = (long(samples::passed("a", "1.1.1")), long(samples::failed("a", "5.15")));
        let kept = |case: &CaseRecord| Trim::STEPS.map(|step| step.apply(Cow::Borrowed(case)).events.len());
        assert_eq!(kept(&good), [100, 100, 100, 32, 32, 32, 32]);
        assert_eq!(kept(&bad), [100, 100, 100, 100, 100, 32, 32]);
        let middle = Trim::Middle.apply(Cow::Borrowed(&good));
        let numbers: Vec<usize> = middle.events.iter().map(|line| line.i).collect();
        assert_eq!(numbers[15..17], [15, 84]);
    }

    #[test]
    fn passing_cases_with_much_traffic_lose_their_log_first() {
        let mut quiet = samples::passed("a", "12.1.1");
        quiet.measures.quiet = true;
        assert!(Trim::Volume.apply(Cow::Owned(quiet)).events.is_empty());
    }
}
