//! Masking, RFC 6455 section 5.3.

/// The masking key of a frame.
pub type MaskingKey = [u8; 4];

/// Small enough to stay in the first-level cache between copying and masking, and for a copy by ordinary
/// instructions: the string instructions that longer copies are made with are many times slower on some
/// processors where the addresses differ by little modulo the page size.
const COPY_CHUNK: usize = 1024;

/// Masks or unmasks `data` in place.
///
/// `offset` says how many octets of this payload came before `data`, so that a payload may be processed in
/// pieces of any size.
pub fn apply_mask(key: MaskingKey, offset: usize, data: &mut [u8]) {
    let [a, b, c, d] = key_at(key, offset);
    let key = [a, b, c, d, a, b, c, d];
    let word_key = u64::from_ne_bytes(key);
    let (words, rest) = data.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
    }
    for (octet, key) in rest.iter_mut().zip(key) {
        *octet ^= key;
    }
}

/// Appends `src`, masked or unmasked, to `out`; `offset` as for [`apply_mask`].
pub fn copy_masked(key: MaskingKey, offset: usize, src: &[u8], out: &mut Vec<u8>) {
    out.reserve(src.len());
    // A chunk is a multiple of the key's length, so the offset holds for each of them.
    for chunk in src.chunks(COPY_CHUNK) {
        let start = out.len();
        out.extend_from_slice(chunk);
        apply_mask(key, offset, &mut out[start..]);
    }
}

/// The key turned so that its first octet belongs to the payload octet at `offset`.
fn key_at(key: MaskingKey, offset: usize) -> MaskingKey {
    u32::from_be_bytes(key).rotate_left(8 * (offset % 4) as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_comes_out() {
        let mut payload = *b"Hello";
        apply_mask([0x37, 0xFA, 0x21, 0x3D], 0, &mut payload);
        assert_eq!(payload, [0x7F, 0x9F, 0x4D, 0x51, 0x58]);
    }
}
