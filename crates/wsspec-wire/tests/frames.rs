//! Frames: any header survives the wire, any cutting of a stream gives the same frames.

mod support;

use proptest::prelude::*;
use support::{chop, cuts};
use wsspec_wire::{
    FrameDecoder, FrameHeader, LengthForm, MaskingKey, Opcode, Rsv, Token, apply_mask, copy_masked,
};

fn length() -> impl Strategy<Value = (u64, LengthForm)> {
    prop_oneof![
        (0_u64..=125).prop_map(|length| (length, LengthForm::Bits7)),
        any::<u16>().prop_map(|length| (length.into(), LengthForm::Bits16)),
        any::<u64>().prop_map(|length| (length, LengthForm::Bits64)),
    ]
}

prop_compose! {
    fn header()(
        fin: bool,
        rsv in (0_u8..8).prop_map(Rsv::new),
        opcode in (0_u8..16).prop_map(Opcode::new),
        mask: Option<MaskingKey>,
        (length, length_form) in length(),
    ) -> FrameHeader {
        FrameHeader { fin, rsv, opcode, mask, length, length_form }
    }
}

/// A header and the payload it announces.
fn frame() -> impl Strategy<Value = (FrameHeader, Vec<u8>)> {
    let forms = [LengthForm::Bits7, LengthForm::Bits16, LengthForm::Bits64];
    let payload = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..=125),
        1 => prop::collection::vec(any::<u8>(), 126..1000)
    ];
    (header(), payload, 0_usize..3).prop_map(move |(header, payload, form)| {
        let length = payload.len() as u64;
        let length_form = if payload.len() > 125 { forms[1 + form % 2] } else { forms[form] };
        (FrameHeader { length, length_form, ..header }, payload)
    })
}

fn stream(frames: &[(FrameHeader, Vec<u8>)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (header, payload) in frames {
        header.encode(&mut octets);
        copy_masked(header.mask.unwrap_or_default(), 0, payload, &mut octets);
    }
    octets
}

/// Decodes the pieces one after the other into whole frames, and checks what the tokens say on the way.
fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(FrameHeader, Vec<u8>)> {
    let mut decoder = FrameDecoder::new();
    let mut frames = Vec::new();
    let mut open = None;
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        loop {
            let (consumed, token) = decoder.next(rest);
            let (taken, after) = rest.split_at_mut(consumed);
            rest = after;
            match token {
                Some(Token::Header(header)) => {
                    assert!(open.replace((header, Vec::new())).is_none());
                }
                Some(Token::Payload { len, offset }) => {
                    let (_, payload) = open.as_mut().expect("a header before");
                    assert_eq!((len, offset), (taken.len(), payload.len() as u64));
                    assert_ne!(len, 0);
                    payload.extend_from_slice(taken);
                }
                Some(Token::FrameEnd) => {
                    assert_eq!(consumed, 0);
                    frames.push(open.take().expect("a header before"));
                }
                None => break,
            }
        }
        assert!(rest.is_empty(), "without a token everything is consumed");
    }
    assert!(open.is_none() && decoder.is_at_frame_start());
    frames
}

proptest! {
    #[test]
    fn a_decoded_header_is_the_encoded_one(header in header(), behind: Vec<u8>) {
        let mut octets = Vec::new();
        header.encode(&mut octets);
        prop_assert_eq!(octets.len(), header.encoded_len());
        for torn in 0..octets.len() {
            prop_assert_eq!(FrameHeader::decode(&octets[..torn]), None);
        }
        octets.extend(behind);
        prop_assert_eq!(FrameHeader::decode(&octets), Some((header, header.encoded_len())));
    }

    #[test]
    fn an_encoded_header_is_the_decoded_one(octets: [u8; FrameHeader::MAX_LEN]) {
        let (header, len) = FrameHeader::decode(&octets).expect("enough octets for any header");
        let (encoded, encoded_len) = header.encode_array();
        prop_assert_eq!(&encoded[..encoded_len], &octets[..len]);
    }

    #[test]
    fn any_cutting_gives_the_same_frames(frames in prop::collection::vec(frame(), 0..6), cuts in cuts()) {
        let octets = stream(&frames);
        prop_assert_eq!(decode(chop(&octets, &cuts)), frames);
    }

    #[test]
    fn octet_by_octet_gives_the_same_frames(frames in prop::collection::vec(frame(), 0..6)) {
        let octets = stream(&frames);
        prop_assert_eq!(decode(octets.chunks(1)), frames);
    }

    #[test]
    fn masking_is_octet_by_octet_xor(key: MaskingKey, offset in 0_usize..1000, data: Vec<u8>) {
        let octets = data.iter().enumerate();
        let expected: Vec<u8> = octets.map(|(index, octet)| octet ^ key[(offset + index) % 4]).collect();
        let mut masked = data.clone();
        apply_mask(key, offset, &mut masked);
        prop_assert_eq!(&masked, &expected);
        let mut appended = b"before".to_vec();
        copy_masked(key, offset, &data, &mut appended);
        prop_assert_eq!(&appended[6..], expected);
    }

    #[test]
    fn masking_in_pieces_is_masking_at_once(key: MaskingKey, data: Vec<u8>, cuts in cuts()) {
        let mut at_once = data.clone();
        apply_mask(key, 0, &mut at_once);
        let mut in_pieces = Vec::new();
        for piece in chop(&data, &cuts) {
            copy_masked(key, in_pieces.len(), piece, &mut in_pieces);
        }
        prop_assert_eq!(in_pieces, at_once);
    }
}

#[test]
fn a_large_copy_is_masked_throughout() {
    let data: Vec<u8> = (0..100_000_u32).map(|index| index as u8).collect();
    let (key, offset) = ([1, 20, 33, 200], 3);
    let mut copied = Vec::new();
    copy_masked(key, offset, &data, &mut copied);
    apply_mask(key, offset, &mut copied);
    assert_eq!(copied, data);
}
