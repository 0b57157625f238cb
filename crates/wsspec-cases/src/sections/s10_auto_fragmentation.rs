//! 10.*: a sender that fragments whatever it is given.

use crate::prelude::*;

const FRAGMENTS: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "a message may come in any number of fragments: the first with FIN clear and the opcode of the message, \
     the others with opcode 0, the last with FIN set",
);

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(10, "Fragmentation by the sender");
    s.rules([FRAGMENTS]);
    s.group(1, "Fragments of a fixed size");

    s.case("10.1.1", "fragments-of-1300", "A text message of 65536 octets in fragments of 1300 octets")
        .expect("The message comes back, in whatever fragments.")
        .send(text(repeat(b"*", 65_536)).in_fragments_of(1300))
        .fail_after(secs(10))
        .ok([message(repeat(b"*", 65_536))])
        .close(we_close([NORMAL]));
}
