//! 15.*: how lengths are written.

use crate::prelude::*;

const SHORTEST: Rule = Rule::must(Rfc6455, "5.2", "the length is written in the shortest form");

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(15, "Lengths");

    s.group(5, "Lengths of the peer").rules([SHORTEST]);
    s.case("15.5.1", "watch-length-form", "The length of every frame that comes in the whole run")
        .expect("Every length is written in the shortest form.")
        .watch(["frame.length"]);
}
