//! What a load must not miss: `p99<5ms`, `errors=0`.

use std::fmt;
use std::str::FromStr;

use wsspec_report::story::grouped;

use super::measured::Measured;
use super::view::milliseconds;

/// Nanoseconds in a millisecond.
const MS: f64 = 1e6;

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    metric: Metric,
    relation: Relation,
    /// Nanoseconds, or a number.
    limit: f64,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    /// The time that so many of a hundred did not exceed.
    Percentile(f64),
    Min,
    Mean,
    Max,
    Errors,
    Open,
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Below,
    AtMost,
    Above,
    AtLeast,
    Is,
}

impl Threshold {
    /// There are no errors.
    pub const NO_ERRORS: Self = Self { metric: Metric::Errors, relation: Relation::Is, limit: 0.0 };

    /// Whether it holds; what was never measured does not.
    pub fn holds(&self, measured: &Measured) -> bool {
        self.value(measured).is_some_and(|value| match self.relation {
            Relation::Below => value < self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::Above => value > self.limit,
            Relation::AtLeast => value >= self.limit,
            Relation::Is => value == self.limit,
        })
    }

    /// What was measured, for people.
    pub fn found(&self, measured: &Measured) -> String {
        self.value(measured).map_or_else(|| "nothing measured".to_owned(), |value| self.metric.show(value))
    }

    /// Nanoseconds, or a number.
    fn value(&self, measured: &Measured) -> Option<f64> {
        let times = Some(&measured.times).filter(|times| !times.is_empty());
        match self.metric {
            Metric::Percentile(percent) => times.map(|times| times.value_at_percentile(percent) as f64),
            Metric::Min => times.map(|times| times.min() as f64),
            Metric::Mean => times.map(hdrhistogram::Histogram::mean),
            Metric::Max => times.map(|times| times.max() as f64),
            Metric::Errors => Some(measured.errors() as f64),
            Metric::Open => Some(f64::from(measured.open)),
            Metric::Rate => Some(measured.rate()),
        }
    }
}

impl Metric {
    fn is_time(self) -> bool {
        !matches!(self, Self::Errors | Self::Open | Self::Rate)
    }

    fn show(self, value: f64) -> String {
        match self.is_time() {
            true => format!("{} ms", milliseconds(value)),
            false => grouped(value.round() as u64),
        }
    }
}

/// `p99 < 5 ms`
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metric {
            Metric::Percentile(percent) => write!(f, "p{percent}")?,
            other => f.write_str(&format!("{other:?}").to_lowercase())?,
        }
        let sign =
            RELATIONS.iter().find(|(_, relation)| *relation == self.relation).map_or("", |(sign, _)| sign);
        write!(
            f,
            " {sign} {}",
            if self.metric.is_time() { limit(self.limit) } else { self.limit.to_string() }
        )
    }
}

/// As it was typed, in milliseconds.
fn limit(nanoseconds: f64) -> String {
    format!("{} ms", nanoseconds / MS)
}

/// The longer ones first.
const RELATIONS: [(&str, Relation); 5] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Below),
    (">", Relation::Above),
    ("=", Relation::Is),
];

const FORM: &str = "a limit is p50, p99.9, min, mean, max, errors, open or rate, then < <= > >= or =, then a time \
                    or a number, as in p99<5ms or errors=0";

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let at = text.find(['<', '>', '=']).ok_or(FORM)?;
        let (name, rest) = text.split_at(at);
        let (sign, relation) = RELATIONS.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or(FORM)?;
        let metric = metric(name).ok_or(FORM)?;
        let limit = &rest[sign.len()..];
        let limit =
            if metric.is_time() { time(limit) } else { limit.parse().ok().filter(|n: &f64| *n >= 0.0) };
        Ok(Self { metric, relation: *relation, limit: limit.filter(|n| n.is_finite()).ok_or(FORM)? })
    }
}

fn metric(name: &str) -> Option<Metric> {
    Some(match name {
        "min" => Metric::Min,
        "mean" => Metric::Mean,
        "max" => Metric::Max,
        "errors" => Metric::Errors,
        "open" => Metric::Open,
        "rate" => Metric::Rate,
        _ => Metric::Percentile(
            name.strip_prefix('p')?.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))?,
        ),
    })
}

/// Nanoseconds.
fn time(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "us" | "µs" => 1e3,
        "ms" => MS,
        "s" => 1e9,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Threshold {
        text.parse().unwrap()
    }

    #[test]
    fn limits_are_read_and_shown() {
        for (typed, shown) in [
            ("p99<5ms", "p99 < 5 ms"),
            ("p99.9 <= 1.5s", "p99.9 <= 1500 ms"),
            ("max<800us", "max < 0.8 ms"),
            ("errors=0", "errors = 0"),
            ("rate>=50000", "rate >= 50000"),
            ("open=100", "open = 100"),
        ] {
            assert_eq!(read(typed).to_string(), shown);
        }
        for wrong in [
            "",
            "p99",
            "p99<5",
            "p101<5ms",
            "errors=few",
            "errors=-1",
            "speed>3",
            "p99<ms",
            "<5ms",
            "rate>NaN",
        ] {
            assert!(wrong.parse::<Threshold>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_judged_at_their_border() {
        let mut measured = Measured { errors: vec![("wrong echoes", 2)], open: 7, ..Measured::default() };
        assert!(!read("p99<5ms").holds(&measured), "nothing measured");
        assert_eq!(read("p99<5ms").found(&measured), "nothing measured");
        for ms in 1..=100_u64 {
            measured.times.record(ms * 1_000_000).unwrap();
        }
        for (text, holds) in [
            ("p50<51ms", true),
            ("p50<49ms", false),
            ("max<=100.1ms", true),
            ("max<99ms", false),
            ("min>0.9ms", true),
            ("mean>50ms", true),
            ("errors=0", false),
            ("errors<=2", true),
            ("errors<2", false),
            ("open>6", true),
            ("open>7", false),
            ("open>=7", true),
        ] {
            assert_eq!(read(text).holds(&measured), holds, "{text}");
        }
    }
}
