//! Numbers for people.

use crate::record::event::digits;

/// A time with a unit and three significant digits: `0.61 ms`, `1.02 s`.
pub(crate) fn duration(us: u64) -> String {
    let us = us as f64;
    match us {
        _ if us < 1000.0 => format!("{} ms", three(us / 1e3)),
        _ if us < 1e6 => format!("{} ms", three(us / 1e3)),
        _ if us < 120e6 => format!("{} s", three(us / 1e6)),
        _ => format!("{:.0} min {:.0} s", (us / 60e6).floor(), (us % 60e6) / 1e6),
    }
}

/// A round time: `50 µs`, `2 ms`, `1 s`.
pub(crate) fn bound(us: u64) -> String {
    match us {
        _ if us < 1000 => format!("{us} µs"),
        _ if us < 1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{} s", us / 1_000_000),
    }
}

fn three(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Milliseconds with two digits after the point, for columns: `1000.02`.
pub(crate) fn milliseconds(us: i64) -> String {
    format!("{:.2}", us as f64 / 1e3)
}

/// An integer with its thousands apart: `65 536`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() <= 3 {
        return digits;
    }
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 octet`, `2 octets`, `2 echoes`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = match number {
        1 => "",
        _ if noun.ends_with('o') => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", count(number))
}

/// Octets in hex with spaces between.
pub(crate) fn spaced_hex(octets: &[u8]) -> String {
    let mut out = Vec::with_capacity(octets.len() * 3);
    for octet in octets {
        let [high, low] = digits(*octet);
        out.extend_from_slice(&[high, low, b' ']);
    }
    out.pop();
    String::from_utf8(out).expect("digits and spaces are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(duration(610), "0.61 ms");
        assert_eq!(duration(20_311), "20.3 ms");
        assert_eq!(duration(1_020_311), "1.02 s");
        assert_eq!(duration(125_000_000), "2 min 5 s");
        assert_eq!(count(65_536), "65 536");
        assert_eq!(count(999), "999");
        assert_eq!(
            (plural(1, "octet"), plural(1_000_000, "octet")),
            ("1 octet".into(), "1 000 000 octets".into())
        );
        assert_eq!(milliseconds(-1_500), "-1.50");
        assert_eq!((spaced_hex(&[0, 0x1f, 0xff]), spaced_hex(&[])), ("00 1f ff".into(), String::new()));
    }
}
