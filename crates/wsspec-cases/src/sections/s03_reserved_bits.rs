//! 3.*: reserved bits that no extension gave a meaning.

use crate::prelude::*;

const RSV: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "the reserved bits are zero unless a negotiated extension gives them a meaning; a receiver that finds \
     one set fails the connection",
);

const BEFORE_ECHO: &str = "the connection may fail before the application has echoed the first message";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(3, "Reserved bits");
    s.rules([RSV]);

    s.case("3.1", "rsv3-text", "A text message with RSV3 set")
        .expect("The connection is failed, and nothing comes back.")
        .send(text("Hello, world!").rsv(1))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));

    s.case("3.2", "rsv2-second-text", "A text message, then one with RSV2 set, then a ping")
        .expect("The first message comes back, then the connection is failed; no pong.")
        .send(text("Hello, world!"))
        .send(text("Hello, world!").rsv(2))
        .send(ping(""))
        .fail_after(secs(1))
        .ok([message("Hello, world!")])
        .non_strict([], BEFORE_ECHO)
        .close(peer_fails([PROTOCOL_ERROR]));

    s.case(
        "3.3",
        "rsv2-rsv3-by-frame",
        "A text message, then one with RSV2 and RSV3 set, then a ping, each frame pushed on its own",
    )
    .expect("The first message comes back, then the connection is failed; no pong.")
    .send(text("Hello, world!").sync())
    .send(text("Hello, world!").rsv(3).sync())
    .send(ping("").sync())
    .fail_after(secs(1))
    .ok([message("Hello, world!")])
    .non_strict([], BEFORE_ECHO)
    .close(peer_fails([PROTOCOL_ERROR]));

    s.case(
        "3.4",
        "rsv1-by-octet",
        "A text message, then one with RSV1 set, then a ping, handed to the network octet by octet",
    )
    .expect("The first message comes back, then the connection is failed; no pong.")
    .send(text("Hello, world!").chop(1))
    .send(text("Hello, world!").rsv(4).chop(1))
    .send(ping("").chop(1))
    .fail_after(secs(1))
    .ok([message("Hello, world!")])
    .non_strict([], BEFORE_ECHO)
    .close(peer_fails([PROTOCOL_ERROR]));

    s.case("3.5", "rsv1-rsv3-binary", "A binary message with RSV1 and RSV3 set")
        .expect("The connection is failed, and nothing comes back.")
        .send(binary([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff].to_vec()).rsv(5))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));

    s.case("3.6", "rsv1-rsv2-binary", "A binary message with RSV1 and RSV2 set")
        .expect("The connection is failed, and nothing comes back.")
        .send(binary("Hello, world!").rsv(6))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));

    s.case("3.7", "rsv-all-close", "An empty close frame with RSV1, RSV2 and RSV3 set")
        .expect("The connection is failed; the frame does not count as the start of a closing handshake.")
        .send(close_frame("").rsv(7))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));
}
