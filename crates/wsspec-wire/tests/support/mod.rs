//! Shared by the tests of this crate.

use proptest::prelude::*;

/// Cuts `octets` into pieces at the given places, which are taken modulo what is left.
pub(crate) fn chop<'a>(octets: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = octets;
    let pieces = cuts.iter().map(move |&cut| {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        rest = after;
        piece
    });
    let cut: Vec<&[u8]> = pieces.collect();
    let taken = cut.iter().map(|piece| piece.len()).sum::<usize>();
    cut.into_iter().chain([&octets[taken..]])
}

/// Places to cut at, mostly close together.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![4 => 0_usize..6, 1 => 0_usize..5000], 0..40)
}
