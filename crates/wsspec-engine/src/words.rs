//! What happened, in words.

use crate::observation::{NeverOpened, TcpEnd};

/// Why a connection never opened.
pub(crate) fn never_opened(why: &NeverOpened) -> String {
    match why {
        NeverOpened::TimedOut => "the opening handshake was not complete in time".into(),
        NeverOpened::Dropped(how) => {
            format!("the peer {} during the opening handshake", tcp_end(*how))
        }
        NeverOpened::Status(status) => format!("the server answered with status {status} instead of 101"),
        NeverOpened::Invalid(what) => format!("the opening handshake is not lawful: {}", what.text),
        NeverOpened::NotHttp => "the first octets of the answer are not HTTP".into(),
        NeverOpened::TooLarge => "the head of the response is larger than 16 KiB".into(),
        NeverOpened::Unreachable(what) => what.clone(),
    }
}

/// What somebody did to TCP.
pub(crate) const fn tcp_end(how: TcpEnd) -> &'static str {
    match how {
        TcpEnd::PeerFin | TcpEnd::Tester => "ended TCP",
        TcpEnd::PeerReset => "reset TCP",
    }
}
