use wsspec_wire::{FrameHeader, LengthForm, Opcode, close_code};

use super::broken_text::Break;
use super::frame::{octets_preview, opcode_name, payload_preview};
use super::inflated::Compressed;
use super::units::{count, spaced_hex};
use crate::Untrusted;
use crate::record::{Happening, Payload};

/// The name that Wireshark gives to a payload.
const PAYLOAD: &str = "websocket.payload";

/// A run of octets of a frame that belong together.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it starts in the frame.
    pub offset: usize,
    /// The octets, as far as they were kept.
    pub octets: Vec<u8>,
    /// The names that Wireshark gives to what they hold.
    pub fields: &'static str,
    /// What they hold, in words.
    pub meaning: Untrusted,
}

/// Octets that are read aloud at most; what they mean follows.
const NAMED: usize = 16;

impl Part {
    /// `octets 2 to 5`
    pub fn place(&self) -> String {
        match self.octets.len() {
            0 | 1 => format!("octet {}", self.offset),
            more => format!("octets {} to {}", self.offset, self.offset + more - 1),
        }
    }

    /// `octets 2 to 5, hex 37 fa 21 3d`
    pub fn name(&self) -> String {
        let shown = &self.octets[..self.octets.len().min(NAMED)];
        format!("{}, hex {}", self.place(), spaced_hex(shown))
    }
}

/// The octets of a frame with every bit named, in order; empty if it is no frame.
pub fn anatomy(what: &Happening) -> Vec<Part> {
    let Happening::Frame { wire, data, .. } = what else { return Vec::new() };
    let Some((header, size)) = FrameHeader::decode(wire) else { return Vec::new() };
    let mut parts = vec![
        part(wire, 0..1, "websocket.fin websocket.rsv websocket.opcode", first_octet(&header)),
        part(wire, 1..2, "websocket.mask websocket.payload_length", second_octet(&header, wire[1])),
    ];
    let key_at = size - header.mask.map_or(0, |key| key.len());
    if key_at > 2 {
        parts.push(part(wire, 2..key_at, "websocket.payload_length_ext", long_length(&header)));
    }
    if header.mask.is_some() {
        parts.push(part(wire, key_at..size, "websocket.masking_key", "masking key".to_owned()));
    }
    if !data.is_empty() {
        parts.push(Part {
            meaning: payload(&header, data),
            ..part(wire, size..wire.len(), PAYLOAD, String::new())
        });
    }
    parts
}

/// The same for a frame of a case: what a compressed payload holds is told, and that of a text is split where it stops
/// being UTF-8.
pub fn anatomy_in_case(
    what: &Happening,
    broken: Option<&Break>,
    compressed: Option<&Compressed>,
) -> Vec<Part> {
    let mut parts = anatomy(what);
    if let (Some(compressed), Some(payload), Happening::Frame { mask, data, .. }) =
        (compressed, parts.last_mut().filter(|part| part.fields == PAYLOAD), what)
    {
        let masked = if mask.is_some() { "payload, unmasked: " } else { "payload: " };
        payload.meaning = format!("{masked}{}", compressed.words(data.len(), 60).raw()).into();
    }
    let (Some(broken), Some(payload)) = (broken, parts.last_mut()) else { return parts };
    let split = broken.octet.is_some() && payload.fields == PAYLOAD && broken.at < payload.octets.len();
    if !split {
        return parts;
    }
    let rest = payload.octets.split_off(broken.at);
    let at = payload.offset + broken.at;
    let part = |offset, octets: &[u8], meaning: String| Part {
        offset,
        octets: octets.to_vec(),
        fields: PAYLOAD,
        meaning: meaning.into(),
    };
    let tail = part(at + 1, &rest[1..], "the rest of the payload".to_owned());
    if broken.at == 0 {
        parts.pop();
    }
    parts.push(part(at, &rest[..1], broken.words()));
    if rest.len() > 1 {
        parts.push(tail);
    }
    parts
}

/// A display filter with which Wireshark finds the frame; none if it is no frame.
pub fn display_filter(what: &Happening) -> Option<String> {
    let Happening::Frame { wire, .. } = what else { return None };
    let (header, _) = FrameHeader::decode(wire)?;
    let mut parts = vec![
        format!("websocket.opcode == {}", header.opcode.bits()),
        format!("websocket.fin == {}", header.fin),
    ];
    if let Some(key) = header.mask {
        parts.push(format!("websocket.masking_key == {}", key.map(|octet| format!("{octet:02x}")).join(":")));
    }
    Some(parts.join(" && "))
}

fn part(wire: &[u8], range: std::ops::Range<usize>, fields: &'static str, meaning: String) -> Part {
    let octets = wire.get(range.clone()).unwrap_or_default().to_vec();
    Part { offset: range.start, octets, fields, meaning: meaning.into() }
}

fn first_octet(header: &FrameHeader) -> String {
    let name = match header.opcode {
        opcode if opcode.is_reserved() => "reserved".to_owned(),
        opcode => opcode_name(opcode),
    };
    format!(
        "FIN={} RSV={:03b} opcode={} {name}",
        u8::from(header.fin),
        header.rsv.bits(),
        header.opcode.bits()
    )
}

fn second_octet(header: &FrameHeader, octet: u8) -> String {
    let mask = u8::from(header.mask.is_some());
    match header.length_form {
        LengthForm::Bits7 => format!("MASK={mask} length={}", header.length),
        LengthForm::Bits16 => format!("MASK={mask} length={}: 16 bits follow", octet & 0x7f),
        LengthForm::Bits64 => format!("MASK={mask} length={}: 64 bits follow", octet & 0x7f),
    }
}

fn long_length(header: &FrameHeader) -> String {
    let minimal = if header.is_minimal() { "" } else { ", not the shortest form" };
    format!("length={}{minimal}", count(header.length))
}

fn payload(header: &FrameHeader, data: &Payload) -> Untrusted {
    let masked = if header.mask.is_some() { "payload, unmasked: " } else { "payload: " };
    if header.opcode == Opcode::CLOSE && data.kept().len() >= 2 {
        let code = u16::from_be_bytes([data.kept()[0], data.kept()[1]]);
        let name = close_code::name(code).map_or_else(String::new, |name| format!(" ({name})"));
        let reason = Payload::beginning(&data.kept()[2..], data.len() - 2, usize::MAX);
        return Untrusted::from(format!(
            "{masked}code {code}{name}, reason {}",
            payload_preview(&reason, 60).raw()
        ));
    }
    let shown = match header.opcode {
        Opcode::BINARY | Opcode::PING | Opcode::PONG => octets_preview(data, 60),
        _ => payload_preview(data, 60),
    };
    Untrusted::from(format!("{masked}{}", shown.raw()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Dir;
    use crate::samples;
    use crate::story::units::spaced_hex;

    fn told(what: &Happening) -> Vec<String> {
        let parts = anatomy(what);
        parts
            .iter()
            .map(|p| format!("{:02} {} {}", p.offset, spaced_hex(&p.octets), p.meaning.raw()))
            .collect()
    }

    #[test]
    fn every_octet_of_a_masked_frame_is_named() {
        let frame = samples::frame(Dir::Tx, Opcode::CONTINUATION, false, b"fragment3");
        assert_eq!(
            told(&frame),
            [
                "00 00 FIN=0 RSV=000 opcode=0 Continuation",
                "01 89 MASK=1 length=9",
                "02 37 fa 21 3d masking key",
                "06 51 88 40 5a 5a 9f 4f 49 04 payload, unmasked: \"fragment3\"",
            ]
        );
    }

    #[test]
    fn the_octet_that_is_no_utf8_is_a_part_of_its_own() {
        let frame = samples::frame(Dir::Rx, Opcode::TEXT, true, b"a\xedb");
        let broken = Break { at: 1, in_message: 1, octet: Some(0xed) };
        let parts = anatomy_in_case(&frame, Some(&broken), None);
        let told: Vec<_> = parts[2..].iter().map(|part| (part.offset, part.octets.as_slice())).collect();
        assert_eq!(told, [(2, &b"a"[..]), (3, b"\xed"), (4, b"b")]);
        assert!(parts[3].meaning.raw().starts_with("no UTF-8 from offset 1"));
        assert_eq!(anatomy_in_case(&frame, None, None).len(), 3);
    }

    #[test]
    fn a_frame_can_be_found_in_a_capture() {
        let frame = samples::frame(Dir::Tx, Opcode::CONTINUATION, false, b"fragment3");
        let filter =
            "websocket.opcode == 0 && websocket.fin == false && websocket.masking_key == 37:fa:21:3d";
        assert_eq!(display_filter(&frame).unwrap(), filter);
    }

    #[test]
    fn long_lengths_and_close_codes_are_read() {
        let frame = samples::frame(Dir::Rx, Opcode::BINARY, true, &[7; 300]);
        assert_eq!(told(&frame)[1..3], ["01 7e MASK=0 length=126: 16 bits follow", "02 01 2c length=300"]);
        let close = samples::frame(Dir::Rx, Opcode::CLOSE, true, b"\x03\xeabad");
        assert_eq!(told(&close)[2], "02 03 ea 62 61 64 payload: code 1002 (protocol error), reason \"bad\"");
    }
}
