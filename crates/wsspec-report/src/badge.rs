//! A badge: a picture and the form that shields.io reads. No text of the peer, no percentage.

use wsspec_engine::Verdict;

use crate::record::{CaseRecord, Report, Standing};
use crate::strictness::Strictness;
use crate::summary::{AgentSummary, Rating};

/// The words on the left.
const LABEL: &str = "RFC 6455";

/// What a badge says about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    message: String,
    colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    BrightGreen,
    Green,
    Red,
    LightGrey,
}

impl Colour {
    /// The name that shields.io knows, and a dark enough colour under white text.
    const fn forms(self) -> (&'static str, &'static str) {
        match self {
            Self::BrightGreen => ("brightgreen", "#1d7a2c"),
            Self::Green => ("green", "#4b7a1f"),
            Self::Red => ("red", "#a3161d"),
            Self::LightGrey => ("lightgrey", "#5f666d"),
        }
    }
}

impl Badge {
    /// The badge of a run: the worst rating of its implementations, and red where something less made the run fail. With
    /// `detail`, how many cases are in order.
    pub fn of(report: &Report, strictness: Strictness, detail: bool) -> Self {
        let summaries = AgentSummary::all(report);
        let Some(worst) = summaries.iter().max_by_key(|summary| summary.rating.gravity()) else {
            return Self { message: "incomplete".to_owned(), colour: Colour::LightGrey };
        };
        let (message, colour) = match worst.rating {
            Rating::NotConformant { failures, .. } => (format!("{failures} MUST fail"), Colour::Red),
            Rating::Incomplete { .. } => ("incomplete".to_owned(), Colour::LightGrey),
            _ if let Some(lesser) = lesser(report, strictness) => (lesser, Colour::Red),
            Rating::Strict => ("strict".to_owned(), Colour::BrightGreen),
            Rating::Conformant(_) => ("conformant".to_owned(), Colour::Green),
        };
        let ran = worst.counts.ran();
        let is_lesser = |case: &&CaseRecord| {
            case.agent == *worst.agent && !case.verdict.is_failure() && strictness.fails_for(case)
        };
        let lesser: u64 = report.cases.iter().filter(is_lesser).map(|_| 1).sum();
        let good = ran - worst.counts.failures() - lesser;
        Self { message: if detail { format!("{message} {good}/{ran}") } else { message }, colour }
    }

    /// For the endpoint badge of shields.io.
    pub fn json(&self) -> String {
        let mut json = serde_json::json!({
            "schemaVersion": 1,
            "label": LABEL,
            "message": self.message,
            "color": self.colour.forms().0,
        });
        if self.colour == Colour::LightGrey {
            json["isError"] = true.into();
        }
        json.to_string()
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let (left, right) = (width(LABEL), width(&self.message));
        let (colour, total) = (self.colour.forms().1, left + right);
        let message = &self.message;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{LABEL}: {message}">
<title>{LABEL}: {message}</title>
<rect width="{total}" height="20" rx="3" fill="{colour}"/>
<path d="M3 0h{w}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#3c4248"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{x}" y="14">{LABEL}</text>
<text x="{y}" y="14">{message}</text>
</g>
</svg>
"##,
            w = left - 3,
            x = left / 2,
            y = left + right / 2,
        )
    }
}

/// A word, and the cases that it stands for.
type Kind = (&'static str, fn(&CaseRecord) -> bool);

/// What made the run fail though every MUST was kept.
fn lesser(report: &Report, strictness: Strictness) -> Option<String> {
    let failing = || report.cases.iter().filter(|case| strictness.fails_for(case));
    let kinds: [Kind; 3] = [
        ("flaky", |case| case.outcome == Some(Standing::Flaky)),
        ("fixed", |case| case.outcome == Some(Standing::Fixed)),
        ("non-strict", |case| case.verdict == Verdict::NonStrict),
    ];
    let counted = kinds.into_iter().map(|(word, is)| (failing().filter(|case| is(case)).count(), word));
    counted
        .filter(|(number, _)| *number > 0)
        .max_by_key(|(number, _)| *number)
        .map(|(number, word)| format!("{number} {word}"))
}

/// The width of a text in pixels, generously.
fn width(text: &str) -> usize {
    text.chars().count() * 7 + 12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report, with_verdict};

    const LAX: Strictness = Strictness { non_strict: false, flaky: false, fixed: false };

    #[test]
    fn the_badge_follows_the_worst_rating() {
        let strict = report(vec![passed("a", "1.1.1")]);
        assert_eq!(
            Badge::of(&strict, LAX, false).json(),
            r#"{"color":"brightgreen","label":"RFC 6455","message":"strict","schemaVersion":1}"#
        );
        let broken = report(vec![passed("a", "1.1.1"), failed("b", "5.15")]);
        assert_eq!(Badge::of(&broken, LAX, false).message, "1 MUST fail");
        let lesser = with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late");
        assert_eq!(
            Badge::of(&report(vec![passed("a", "1.1.1"), lesser]), LAX, true).message,
            "conformant 2/2"
        );
        let mut torn = strict.clone();
        (torn.end, torn.run.selected) = (None, 9);
        assert!(Badge::of(&torn, LAX, false).json().contains(r#""isError":true"#));
        assert_eq!(Badge::of(&report(vec![]), LAX, false).message, "incomplete");
    }

    #[test]
    fn the_badge_of_a_run_that_was_red_for_less_was_green() {
        let late = with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late");
        let flaky = CaseRecord { outcome: Some(Standing::Flaky), ..passed("a", "1.1.2") };
        let run = report(vec![passed("a", "1.1.1"), flaky, late]);
        let badge = |strictness| Badge::of(&run, strictness, false);
        assert_eq!((badge(LAX).message.as_str(), badge(LAX).colour), ("conformant", Colour::Green));
        let some = badge(Strictness { flaky: true, ..LAX });
        assert_eq!((some.message.as_str(), some.colour), ("1 flaky", Colour::Red));
        let all = badge(Strictness { non_strict: true, ..LAX });
        assert_eq!((all.message.as_str(), all.colour), ("1 non-strict", Colour::Red));
        let strict = Strictness { non_strict: true, flaky: true, ..LAX };
        assert_eq!(
            Badge::of(&run, strict, true).message,
            "1 non-strict 1/3",
            "what made it fail is not in order"
        );
    }

    #[test]
    fn the_picture_holds_no_text_of_the_peer() {
        let svg = Badge::of(&report(vec![failed("<script>", "5.15")]), LAX, true).svg();
        assert!(svg.contains("1 MUST fail 0/1") && !svg.contains("script"));
        insta::assert_snapshot!(svg);
    }
}
