/// permessage-deflate as a case wants it, in both roles of the tester (RFC 7692 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeflatePlan {
    /// What a client tester offers, in order of preference; empty: no offer.
    pub offers: Vec<DeflateOffer>,
    /// What a server tester accepts with, in order of preference; empty: it declines.
    pub answers: Vec<DeflateAnswer>,
}

/// One offer of permessage-deflate by a client tester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateOffer {
    /// `server_no_context_takeover`
    pub server_no_context_takeover: bool,
    /// `server_max_window_bits=N`
    pub server_max_window_bits: Option<u8>,
    /// `client_no_context_takeover`, a hint that the client can do without.
    pub client_no_context_takeover: bool,
    /// `client_max_window_bits` without a value: the client can use any window the server asks for.
    pub client_max_window_bits: bool,
}

/// What a server tester asks for when it accepts an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateAnswer {
    /// Ask for `client_no_context_takeover`.
    pub client_no_context_takeover: bool,
    /// Ask for `client_max_window_bits=N`; only if the offer names it.
    pub client_max_window_bits: Option<u8>,
}

impl DeflateOffer {
    /// The client can do whatever the server asks for, and asks for nothing itself.
    pub const OPEN: Self = Self {
        server_no_context_takeover: false,
        server_max_window_bits: None,
        client_no_context_takeover: true,
        client_max_window_bits: true,
    };
}

impl DeflateAnswer {
    /// Nothing is asked for.
    pub const PLAIN: Self = Self { client_no_context_takeover: false, client_max_window_bits: None };
}
