//! The wire log as lists: `["RO", [len, hex]]` and so on.

use serde_json::{Value, json};

use crate::record::event::hex;
use crate::record::{Dir, Happening, Payload};

/// How many octets of data the lists show.
const SHOWN: usize = 64;

/// The list for one entry; none for what the reference does not log.
pub(super) fn entry(what: &Happening) -> Option<Value> {
    Some(match what {
        Happening::Octets { dir: Dir::Rx, data, .. } => json!(["RO", octets(data)]),
        Happening::Octets { dir: Dir::Tx, data, sync } => json!(["TO", octets(data), sync]),
        Happening::Frame { dir: Dir::Rx, op, fin, rsv, mask, data, .. } => {
            json!(["RF", [data.len(), text(data)], op, fin, rsv, mask.is_some(), mask.map(|key| hex(&key))])
        }
        Happening::Frame { dir: Dir::Tx, op, fin, rsv, mask, data, repeated_to, chop, sync, .. } => {
            let mask = mask.map(|key| hex(&key));
            json!(["TF", [data.len(), text(data)], op, fin, rsv, mask, repeated_to, chop, sync])
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

fn octets(data: &Payload) -> Value {
    json!([data.len(), with_dots(hex(beginning(data)), data)])
}

/// The payload as text, or as `0x` and hex if it is no UTF-8.
pub(super) fn text(data: &Payload) -> String {
    let shown = data.shortened(SHOWN);
    let text = match std::str::from_utf8(shown.kept()) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("0x{}", hex(beginning(data))),
    };
    with_dots(text, data)
}

fn beginning(data: &Payload) -> &[u8] {
    &data.kept()[..data.kept().len().min(SHOWN)]
}

fn with_dots(text: String, data: &Payload) -> String {
    if data.len() > SHOWN as u64 { text + " ..." } else { text }
}

/// Whole seconds as an integer, else with a fraction.
fn seconds(us: u64) -> Value {
    match us % 1_000_000 {
        0 => json!(us / 1_000_000),
        _ => json!(us as f64 / 1e6),
    }
}
