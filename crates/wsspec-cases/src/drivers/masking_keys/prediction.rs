//! Whether simple generators made the numbers: each is recovered from the first ones and has to tell the rest.

/// The words of state of the Mersenne Twister, and the distance of its middle word.
const TWISTER: (usize, usize) = (624, 397);

/// Whether a generator of some kind tells the keys.
type Guess = fn(&[u32]) -> bool;

/// The generator that tells the keys, read in either order of octets.
pub(super) fn generator(keys: &[u32]) -> Option<&'static str> {
    let swapped: Vec<u32> = keys.iter().map(|key| key.swap_bytes()).collect();
    // The low bits of some of them are shift registers: the first one that fits is the plainest.
    let known: [(&str, Guess); 5] = [
        ("it is the one before plus a constant", same_step),
        ("it is the one before, xored with a constant", same_xor),
        ("a linear congruential generator", congruential),
        ("a shift register, or a generator of the family xorshift", shift_register),
        ("the Mersenne Twister MT19937", twister),
    ];
    known.into_iter().find(|(_, tells)| tells(keys) || tells(&swapped)).map(|(name, _)| name)
}

/// Whether the prediction is right for most of the places from `first` on. By chance it is for none.
fn tells(keys: &[u32], first: usize, predict: impl Fn(usize) -> u32) -> bool {
    let places = first..keys.len();
    let hits = places.clone().filter(|&at| predict(at) == keys[at]).count();
    places.len() >= 8 && hits * 2 > places.len()
}

fn same_step(keys: &[u32]) -> bool {
    tells(keys, 2, |at| keys[at - 1].wrapping_add(keys[at - 1].wrapping_sub(keys[at - 2])))
}

fn same_xor(keys: &[u32]) -> bool {
    tells(keys, 2, |at| keys[at - 2])
}

/// `x' = a x + c` modulo 2^32. Two differences of which the first is odd give `a`.
fn congruential(keys: &[u32]) -> bool {
    let step = |at: usize| keys[at + 1].wrapping_sub(keys[at]);
    let Some(at) = (0..keys.len().saturating_sub(2)).find(|&at| step(at) % 2 == 1) else { return false };
    let factor = step(at + 1).wrapping_mul(inverse(step(at)));
    let constant = keys[at + 1].wrapping_sub(factor.wrapping_mul(keys[at]));
    tells(keys, 1, |at| keys[at - 1].wrapping_mul(factor).wrapping_add(constant))
}

/// The inverse of an odd number modulo 2^32: each round doubles the bits that are right, three at first.
fn inverse(odd: u32) -> u32 {
    (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))))
}

/// Whether each bit is the sum of some of the bits before it, as it is with every generator that only shifts
/// and xors a small state: the shortest such recurrence is then far shorter than half of what came.
fn shift_register(keys: &[u32]) -> bool {
    const MARGIN: usize = 40;
    keys.len() > 4 * MARGIN
        && [0, 31].into_iter().any(|bit| {
            let bits: Vec<bool> = keys.iter().map(|key| key >> bit & 1 == 1).collect();
            linear_complexity(&bits) + MARGIN < bits.len() / 2
        })
}

/// The length of the shortest linear recurrence over single bits (Berlekamp and Massey).
fn linear_complexity(bits: &[bool]) -> usize {
    let (mut current, mut previous) = (vec![true], vec![true]);
    let (mut length, mut shift) = (0, 1);
    for at in 0..bits.len() {
        let terms = current.iter().enumerate().take(length + 1);
        let differs = terms.fold(false, |sum, (back, &term)| sum ^ (term && bits[at - back]));
        if !differs {
            shift += 1;
            continue;
        }
        let before = current.clone();
        current.resize(current.len().max(previous.len() + shift), false);
        for (place, &term) in previous.iter().enumerate() {
            current[place + shift] ^= term;
        }
        if 2 * length <= at {
            (length, previous, shift) = (at + 1 - length, before, 1);
        } else {
            shift += 1;
        }
    }
    length
}

/// The words of the state behind the outputs tell the one that comes 624 later.
fn twister(keys: &[u32]) -> bool {
    let (words, middle) = TWISTER;
    let state: Vec<u32> = keys.iter().copied().map(untempered).collect();
    let next = |at: usize| {
        let joined = state[at - words] & 0x8000_0000 | state[at - words + 1] & 0x7fff_ffff;
        let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
        state[at - words + middle] ^ (joined >> 1) ^ twist
    };
    tells(&state, words, next)
}

/// The word of state that an output of the Mersenne Twister shows.
fn untempered(output: u32) -> u32 {
    let x = output ^ output >> 18;
    let x = x ^ x << 15 & 0xefc6_0000;
    // Each round makes seven more bits right.
    let x = (0..4).fold(x, |y, _| x ^ y << 7 & 0x9d2c_5680);
    x ^ x >> 11 ^ x >> 22
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_by(next: impl FnMut(&mut u32) -> u32) -> Vec<u32> {
        let (mut state, mut next) = (0x1234_5679, next);
        (0..1300).map(|_| next(&mut state)).collect()
    }

    fn step(state: &mut u32, new: u32) -> u32 {
        *state = new;
        new
    }

    /// A generator that nobody has to recognise.
    fn mixed() -> Vec<u32> {
        (0..1300_u64)
            .map(|n| {
                let x = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let x = (x ^ (x >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                (x ^ (x >> 29)) as u32
            })
            .collect()
    }

    /// The outputs of the Mersenne Twister, seeded as its authors do.
    fn twisted() -> Vec<u32> {
        let mut state = vec![5489_u32];
        for n in 1..624 {
            let last = state[n - 1];
            state.push((last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(n as u32));
        }
        for n in 624..624 + 1300 {
            let joined = state[n - 624] & 0x8000_0000 | state[n - 623] & 0x7fff_ffff;
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            state.push(state[n - 227] ^ joined >> 1 ^ twist);
        }
        let tempered = |mut x: u32| {
            x ^= x >> 11;
            x ^= x << 7 & 0x9d2c_5680;
            x ^= x << 15 & 0xefc6_0000;
            x ^ x >> 18
        };
        state[624..].iter().map(|&word| tempered(word)).collect()
    }

    #[test]
    fn each_generator_is_recognised_in_either_order_of_octets() {
        let xorshift = |state: &mut u32| {
            let mut x = *state;
            x ^= x << 13;
            x ^= x >> 17;
            step(state, x ^ x << 5)
        };
        assert_eq!(twisted()[0], 3_499_211_612, "the first output for the seed 5489");
        let made = [
            ("plus a constant", made_by(|state| step(state, state.wrapping_add(7)))),
            ("xored", made_by(|state| step(state, *state ^ 0xdead_beef))),
            ("congruential", made_by(|s| step(s, s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)))),
            ("xorshift", made_by(xorshift)),
            ("Twister", twisted()),
        ];
        for (name, keys) in made {
            for keys in [keys.clone(), keys.iter().map(|key| key.swap_bytes()).collect()] {
                assert!(generator(&keys).is_some_and(|found| found.contains(name)), "{name}");
            }
        }
    }

    #[test]
    fn what_is_mixed_well_is_not_told() {
        assert_eq!(generator(&mixed()), None);
        assert_eq!(generator(&mixed()[..3]), None);
        assert_eq!(generator(&[]), None);
    }

    #[test]
    fn a_generator_is_recognised_behind_a_few_other_keys() {
        let mut keys = made_by(|s| step(s, s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)));
        for key in keys.iter_mut().skip(500).step_by(100) {
            *key ^= 0x55;
        }
        assert_eq!(generator(&keys), Some("a linear congruential generator"));
    }
}
