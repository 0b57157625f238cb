//! The octets of a frame with the meaning of each.

use wsspec_report::record::Payload;
use wsspec_wire::FrameHeader;

/// Payload octets that are printed.
const SHOWN: usize = 64;
const PER_LINE: usize = 16;

/// A frame, header field by header field, then its payload as it was on the wire.
pub(super) fn annotate(wire: &[u8], payload: &Payload) -> Vec<String> {
    let Some((header, length)) = FrameHeader::decode(wire) else {
        return vec![hex(wire)];
    };
    let mut out = vec![
        row(&wire[..1], &first_octet(&header)),
        row(&wire[1..2], &format!("MASK={} length={}", u8::from(header.mask.is_some()), header.length)),
    ];
    let key_at = length - if header.mask.is_some() { 4 } else { 0 };
    if key_at > 2 {
        out.push(row(&wire[2..key_at], &format!("length in {} octets", key_at - 2)));
    }
    if header.mask.is_some() {
        out.push(row(&wire[key_at..length], "masking key"));
    }
    out.extend(payload_rows(&header, &wire[length..], payload));
    out
}

fn payload_rows(header: &FrameHeader, octets: &[u8], payload: &Payload) -> Vec<String> {
    let shown = &octets[..octets.len().min(SHOWN)];
    let mut rows: Vec<String> = shown.chunks(PER_LINE).map(spaced).collect();
    if rows.is_empty() {
        return rows;
    }
    let more = payload.len().saturating_sub(shown.len() as u64);
    if more > 0 {
        rows.push(format!("... {more} more"));
    }
    let meaning = format!("-> {}", super::diagram::body(header.opcode, payload, 40));
    match rows.last_mut() {
        Some(last) if rows_are_short(last) => last.push_str(&format!("   {meaning}")),
        _ => rows.push(meaning),
    }
    rows
}

fn rows_are_short(row: &str) -> bool {
    row.len() <= 3 * PER_LINE / 2
}

fn first_octet(header: &FrameHeader) -> String {
    format!(
        "FIN={} RSV={:03b} opcode={} {}",
        u8::from(header.fin),
        header.rsv.bits(),
        header.opcode.bits(),
        super::diagram::name(header.opcode)
    )
}

fn row(octets: &[u8], meaning: &str) -> String {
    format!("{:<8} {meaning}", hex(octets))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn spaced(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}
