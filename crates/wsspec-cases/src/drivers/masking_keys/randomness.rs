//! Whether numbers look as if each of their bits had been tossed. The bounds are so wide that good keys pass
//! them in all but one of some 10,000 runs.

/// How far a count may be from what is expected, in standard deviations.
const FAR: f64 = 5.0;

/// The first property in which the keys are not what chance makes.
pub(super) fn deviation(keys: &[u32]) -> Option<String> {
    unbalanced_bit(keys).or_else(|| uneven_octets(keys)).or_else(|| correlated(keys))
}

/// A bit that is set too often or too seldom.
fn unbalanced_bit(keys: &[u32]) -> Option<String> {
    (0..u32::BITS).find_map(|bit| {
        let ones = keys.iter().filter(|key| *key >> bit & 1 == 1).count();
        let set = format!("bit {bit} is set in {ones} of {} keys", keys.len());
        (from_half(ones, keys.len()) > FAR).then_some(set)
    })
}

/// An octet whose values do not come about equally often: chi-square with 255 degrees of freedom, of which
/// the deviation is the root of 510.
fn uneven_octets(keys: &[u32]) -> Option<String> {
    (0..4).find_map(|place| {
        let mut counts = [0_u32; 256];
        for key in keys {
            counts[usize::from(key.to_be_bytes()[place])] += 1;
        }
        let expected = keys.len() as f64 / 256.0;
        let chi_square: f64 =
            counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        let far = (chi_square - 255.0).abs() / 510_f64.sqrt() > FAR + 1.0;
        far.then(|| format!("octet {place} is spread unevenly or too evenly: chi-square {chi_square:.0}"))
    })
}

/// Bits that keep or change their value from one key to the next too often.
fn correlated(keys: &[u32]) -> Option<String> {
    let equal: u32 = keys.windows(2).map(|pair| (pair[0] ^ pair[1]).count_zeros()).sum();
    let all = keys.len().saturating_sub(1) * 32;
    let told = format!("{equal} of {all} bits are those of the key before");
    (from_half(equal as usize, all) > FAR).then_some(told)
}

/// How far from the half of `all` the count is, in standard deviations.
fn from_half(count: usize, all: usize) -> f64 {
    let (count, all) = (count as f64, all as f64);
    (2.0 * count - all).abs() / all.sqrt().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(key: impl FnMut(u32) -> u32) -> String {
        deviation(&(0..1024).map(key).collect::<Vec<_>>()).unwrap_or_default()
    }

    #[test]
    fn each_property_finds_its_deviation() {
        let random = |n: u32| {
            let x = u64::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let x = (x ^ (x >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (x ^ (x >> 29)) as u32
        };
        assert_eq!(told(random), "");
        assert!(told(|n| random(n) & !(1 << 5)).contains("bit 5"));
        assert!(told(|n| random(n) & !0xff | n & 0xff).contains("too evenly"));
        let half_kept = |n: u32| random(n & !1) & 0x0f0f_0f0f | random(n) & 0xf0f0_f0f0;
        assert!(told(half_kept).contains("key before"));
    }
}
