//! 14.*: masking, the frames that lack it and those that have it.

use crate::prelude::*;

const BY_ROLE: Rule =
    Rule::must(Rfc6455, "5.1", "a client masks every frame that it sends, a server masks none");

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(14, "Masking");

    s.group(4, "Masking of the peer").rules([BY_ROLE]);
    s.case("14.4.1", "watch-mask-bit", "The MASK bit of every frame that comes in the whole run")
        .expect("A client masks every frame, a server masks none.")
        .watch(["frame.mask"]);
}
