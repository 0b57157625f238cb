//! Messages to measure with.

/// Octets of no pattern.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut octets: Vec<u8> = (0..size.div_ceil(8)).flat_map(|_| next().to_le_bytes()).collect();
    octets.truncate(size);
    octets
}

/// Text as programs send it: records with names that repeat and values that do not.
pub fn text(size: usize) -> Vec<u8> {
    let mut text = String::new();
    for (number, octets) in noise(size).chunks_exact(8).enumerate() {
        if text.len() >= size {
            break;
        }
        let value = u32::from_le_bytes([octets[0], octets[1], octets[2], octets[3]]);
        let price = u16::from_le_bytes([octets[4], octets[5]]);
        text += &format!(
            "{{\"id\":{number},\"user\":\"user-{value:08x}\",\"price\":{price},\"state\":\"open\"}},"
        );
    }
    text += &"x".repeat(size.saturating_sub(text.len()));
    text.truncate(size);
    text.into_bytes()
}
