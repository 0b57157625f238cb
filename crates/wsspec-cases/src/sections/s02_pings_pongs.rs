//! 2.*: every Ping is answered with its own payload, and Pongs that nobody asked for are ignored.

use crate::prelude::*;

const ANSWER: Rule = Rule::must(Rfc6455, "5.5.2", "a Ping is answered with a Pong unless a Close has come");
const SAME_PAYLOAD: Rule = Rule::must(Rfc6455, "5.5.3", "a Pong carries the application data of its Ping");
const LATEST: Rule =
    Rule::may(Rfc6455, "5.5.3", "with several Pings outstanding, the latest alone may be answered");
const UNASKED: Rule = Rule::may(Rfc6455, "5.5.3", "a Pong may be sent unasked, and needs no answer");
const SHORT: Rule = Rule::must(Rfc6455, "5.5", "a control frame has a payload of at most 125 octets");

const BYTES: &[u8] = &[0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
const UNSOLICITED: &str = "unsolicited pong payload";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(2, "Pings and pongs");
    s.rules([ANSWER, SAME_PAYLOAD]);

    s.case("2.1", "ping-empty", "A ping without payload")
        .expect("An empty pong comes back.")
        .send(ping(""))
        .close_after(secs(1))
        .ok([ponged("")])
        .close(we_close([NORMAL]));

    s.case("2.2", "ping-text", "A ping with a short text as payload")
        .expect("A pong with the same payload comes back.")
        .send(ping("Hello, world!"))
        .close_after(secs(1))
        .ok([ponged("Hello, world!")])
        .close(we_close([NORMAL]));

    s.case("2.3", "ping-binary", "A ping with octets as payload that are no UTF-8")
        .expect("A pong with the same payload comes back: control frames carry octets, not text.")
        .send(ping(BYTES))
        .close_after(secs(1))
        .ok([ponged(BYTES)])
        .close(we_close([NORMAL]));

    s.case("2.4", "ping-of-125", "A ping with 125 octets, the most that a control frame may carry")
        .expect("A pong with the same payload comes back.")
        .send(ping(repeat(&[0xfe], 125)))
        .close_after(secs(1))
        .ok([ponged(repeat(&[0xfe], 125))])
        .close(we_close([NORMAL]));

    s.rules([SHORT]);
    s.case("2.5", "ping-of-126", "A ping with 126 octets, one more than a control frame may carry")
        .expect("The connection is failed, and no pong comes back.")
        .send(ping(repeat(&[0xfe], 126)))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));

    s.rules([ANSWER, SAME_PAYLOAD]);
    s.case("2.6", "ping-by-octet", "A ping with 125 octets, handed to the network octet by octet")
        .expect("A pong with the same payload comes back.")
        .send(ping(repeat(&[0xfe], 125)).chop(1))
        .close_after(secs(2))
        .ok([ponged(repeat(&[0xfe], 125))])
        .close(we_close([NORMAL]));

    s.rules([UNASKED]);
    s.case("2.7", "pong-unasked-empty", "A pong that nobody asked for, without payload")
        .expect("Nothing comes back, and the connection closes normally.")
        .send(pong(""))
        .send(close(NORMAL))
        .close_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]));

    s.case("2.8", "pong-unasked", "A pong that nobody asked for, with payload")
        .expect("Nothing comes back, and the connection closes normally.")
        .send(pong(UNSOLICITED))
        .send(close(NORMAL))
        .close_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]));

    s.case("2.9", "pong-unasked-then-ping", "A pong that nobody asked for, then a ping")
        .expect("One pong comes back, with the payload of the ping.")
        .also(ANSWER)
        .also(SAME_PAYLOAD)
        .send(pong(UNSOLICITED))
        .send(ping("ping payload"))
        .close_after(secs(1))
        .ok([ponged("ping payload")])
        .close(we_close([NORMAL]));

    s.rules([ANSWER, SAME_PAYLOAD, LATEST]);
    let payloads = || (0..10).map(|n| format!("payload-{n}"));
    let pongs = || payloads().map(ponged).collect::<Vec<_>>();

    s.case("2.10", "ten-pings", "Ten pings in a row, each with its own payload")
        .expect("Ten pongs come back, in the order of the pings.")
        .send_all(payloads().map(ping))
        .close_after(secs(3))
        .ok(pongs())
        .close(we_close([NORMAL]));

    s.case("2.11", "ten-pings-by-octet", "Ten pings in a row, handed to the network octet by octet")
        .expect("Ten pongs come back, in the order of the pings.")
        .send_all(payloads().map(|payload| ping(payload).chop(1)))
        .close_after(secs(3))
        .ok(pongs())
        .close(we_close([NORMAL]));
}
