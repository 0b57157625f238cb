//! The wire log as lists: `["RO", [len, hex]]` and so on.

use serde_json::{Value, json};

use crate::record::event::hex;
use crate::record::{Dir, Happening, Payload};

/// How many octets of data the lists show.
const SHOWN: usize = 64;
const DOTS: &str = " ...";

/// The list for one entry; none for what the reference does not log.
pub(super) fn entry(what: &Happening) -> Option<Value> {
    if what.is_begun_only() {
        return None;
    }
    Some(match what {
        Happening::Octets { dir: Dir::Rx, data, .. } => json!(["RO", octets(data)]),
        Happening::Octets { dir: Dir::Tx, data, sync } => json!(["TO", octets(data), sync]),
        Happening::Frame { dir: Dir::Rx, op, fin, rsv, mask, data, .. } => {
            json!(["RF", [data.len(), text(data)], op, fin, rsv, mask.is_some(), mask.map(|key| hex(&key))])
        }
        Happening::Frame { dir: Dir::Tx, op, fin, rsv, mask, data, unit, chop, sync, .. } => {
            let mask = mask.map(|key| hex(&key));
            let (shown, repeated_to) = repetition(data, *unit);
            json!(["TF", [shown.len(), text(&shown)], op, fin, rsv, mask, repeated_to, chop, sync])
        }
        Happening::Wait { delay_us, tag } => json!(["CT", seconds(*delay_us), tag]),
        Happening::WaitEnd { tag } => json!(["CTE", tag]),
        Happening::FailTimer { delay_us } => json!(["KL", seconds(*delay_us)]),
        Happening::FailTimerFired => json!(["KLE"]),
        Happening::CloseTimer { delay_us } => json!(["TI", seconds(*delay_us)]),
        Happening::CloseTimerFired => json!(["TIE"]),
        Happening::Recording { on } => json!(["WLM", on]),
        Happening::Failed { .. } | Happening::Tcp { .. } | Happening::Unknown => return None,
    })
}

/// A frame that was sent without all of its payload: the rest follows piece by piece. The reference tells of the
/// octets of such frames only.
pub(super) fn is_streamed(what: &Happening) -> bool {
    matches!(what, Happening::Frame { dir: Dir::Tx, .. }) && what.is_begun_only()
}

/// A repeated payload is given as what is repeated, and to which length. Single octets are no unit: the reference
/// writes them out.
fn repetition(data: &Payload, unit: Option<u64>) -> (Payload, Option<u64>) {
    let unit = unit.and_then(|unit| usize::try_from(unit).ok());
    match unit.and_then(|unit| data.kept().get(..unit)).filter(|unit| unit.len() > 1) {
        Some(unit) => (Payload::new(unit, SHOWN), Some(data.len())),
        None => (data.clone(), None),
    }
}

fn octets(data: &Payload) -> Value {
    json!([data.len(), with_dots(hex(beginning(data)), data)])
}

/// The payload as text, or as `0x` and hex if what is shown of it is no UTF-8: a character that is cut is none.
pub(super) fn text(data: &Payload) -> String {
    let text = match std::str::from_utf8(beginning(data)) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("0x{}", hex(beginning(data))),
    };
    with_dots(text, data)
}

fn beginning(data: &Payload) -> &[u8] {
    &data.kept()[..data.kept().len().min(SHOWN)]
}

/// The reference leaves room for the dots, and then cuts without it.
fn with_dots(text: String, data: &Payload) -> String {
    if data.len() > (SHOWN - DOTS.len()) as u64 { text + DOTS } else { text }
}

/// Whole seconds as an integer, else with a fraction.
fn seconds(us: u64) -> Value {
    match us % 1_000_000 {
        0 => json!(us / 1_000_000),
        _ => json!(us as f64 / 1e6),
    }
}
