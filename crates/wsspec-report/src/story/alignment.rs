//! Two lists side by side, along their longest common subsequence.

use super::Mark;

/// What stands side by side: how, and the places in the two lists.
pub(crate) type Pair = (Mark, Option<usize>, Option<usize>);

/// Every item of both lists in its order. With `replacing`, what is only in one stands beside what is only in the other
/// ([`Mark::Differs`]); else each has a line of its own.
pub(crate) fn aligned<T>(
    left: &[T],
    right: &[T],
    is_same: impl Fn(&T, &T) -> bool,
    replacing: bool,
) -> Vec<Pair> {
    let head = left.iter().zip(right).take_while(|(a, b)| is_same(a, b)).count();
    let (rest, other) = (&left[head..], &right[head..]);
    let tail = rest.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
    let (end, other_end) = (left.len() - tail, right.len() - tail);
    let lengths = common_lengths(&left[head..end], &right[head..other_end], &is_same);
    let length = |l: usize, r: usize| lengths[l - head][r - head];
    let mut pairs: Vec<Pair> = (0..head).map(|at| (Mark::Same, Some(at), Some(at))).collect();
    let (mut l, mut r) = (head, head);
    while l < end || r < other_end {
        let both = l < end && r < other_end;
        let pair = if both && is_same(&left[l], &right[r]) {
            (Mark::Same, Some(l), Some(r))
        } else if replacing && both && length(l + 1, r + 1) == length(l, r) {
            (Mark::Differs, Some(l), Some(r))
        } else if r == other_end || (l < end && length(l + 1, r) >= length(l, r + 1)) {
            (Mark::Missing, Some(l), None)
        } else {
            (Mark::Extra, None, Some(r))
        };
        l += usize::from(pair.1.is_some());
        r += usize::from(pair.2.is_some());
        pairs.push(pair);
    }
    pairs.extend((0..tail).map(|at| (Mark::Same, Some(end + at), Some(other_end + at))));
    pairs
}

/// `[l][r]`: the length of the longest common subsequence of the two rests.
fn common_lengths<T>(left: &[T], right: &[T], is_same: impl Fn(&T, &T) -> bool) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            lengths[l][r] = if is_same(&left[l], &right[r]) {
                lengths[l + 1][r + 1] + 1
            } else {
                lengths[l + 1][r].max(lengths[l][r + 1])
            };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(left: &str, right: &str, replacing: bool) -> String {
        let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let at = |list: &[char], place: Option<usize>| place.map_or('-', |place| list[place]);
        let pairs = aligned(&left, &right, |a, b| a == b, replacing).into_iter();
        pairs
            .flat_map(|(_, l, r)| [at(&left, l), at(&right, r), ' '])
            .collect::<String>()
            .trim_end()
            .to_owned()
    }

    #[test]
    fn what_is_the_same_stands_side_by_side_and_nothing_is_lost() {
        for (left, right, apart, replaced) in [
            ("abc", "abc", "aa bb cc", "aa bb cc"),
            ("abc", "axc", "aa b- -x cc", "aa bx cc"),
            ("a", "ba", "-b aa", "-b aa"),
            ("ab", "", "a- b-", "a- b-"),
            ("", "a", "-a", "-a"),
            ("abcd", "xbyd", "a- -x bb c- -y dd", "ax bb cy dd"),
        ] {
            assert_eq!(shown(left, right, false), apart, "{left} | {right}");
            assert_eq!(shown(left, right, true), replaced, "{left} | {right}");
        }
    }
}
