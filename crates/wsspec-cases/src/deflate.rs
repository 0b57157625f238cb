/// permessage-deflate as a case wants it, in both roles of the tester (RFC 7692 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeflatePlan {
    /// What a client tester offers, in order of preference; empty: no offer.
    pub offers: Vec<DeflateOffer>,
    /// What a server tester accepts with, in order of preference; empty: it declines.
    pub answers: Vec<DeflateAnswer>,
    /// What has to be agreed on; otherwise the case does not apply.
    pub needs: Vec<DeflateNeed>,
    /// How well the tester compresses.
    pub effort: DeflateEffort,
    /// A client may fail the connection at the answer, before any frame: it cannot keep what the answer asks for
    /// (RFC 7692 7.1).
    pub may_be_refused: bool,
}

/// How well the tester compresses. What is in a message does not depend on it, its DEFLATE blocks do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeflateEffort {
    /// As zlib does by default: blocks with Huffman codes of their own (RFC 1951 3.2.7).
    #[default]
    Usual,
    /// As little as there is: blocks with the fixed Huffman codes (RFC 1951 3.2.6).
    Least,
}

/// What the payloads of a case rely on. The answer to an offer may leave it out, and an offer may rule it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeflateNeed {
    /// The tester may refer to its earlier messages.
    Takeover,
    /// The tester promised to start every message with an empty window.
    NoTakeover,
    /// The tester may use a window of at least that many bits.
    Window(u8),
    /// The tester promised to use no window larger than that many bits, and may use that one.
    ExactWindow(u8),
    /// The peer may refer to its earlier messages.
    PeerTakeover,
    /// The peer promised to start every message with an empty window.
    PeerNoTakeover,
}

/// What was agreed on (RFC 7692 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeflateAgreement {
    /// For what the tester sends.
    pub sent: DeflateDirection,
    /// For what the peer sends.
    pub received: DeflateDirection,
}

/// The parameters of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateDirection {
    /// The size of the LZ77 window as a power of two, 8 to 15.
    pub window_bits: u8,
    /// The window is emptied after every message.
    pub no_context_takeover: bool,
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
    /// `client_max_window_bits`: the client can use the window that the server asks for.
    pub client_max_window_bits: bool,
    /// The value of that parameter, if it has one: the client uses no larger window in any case.
    pub client_window_limit: Option<u8>,
}

/// What a server tester asks for when it accepts an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateAnswer {
    /// Ask for `client_no_context_takeover`.
    pub client_no_context_takeover: bool,
    /// Ask for `client_max_window_bits=N`; only if the offer names it.
    pub client_max_window_bits: Option<u8>,
    /// Promise `server_no_context_takeover`, asked for or not.
    pub server_no_context_takeover: bool,
    /// Promise `server_max_window_bits=N`, or less if the offer asks for less.
    pub server_max_window_bits: Option<u8>,
}

impl DeflatePlan {
    /// The offer without parameters, and the answer without parameters.
    pub fn plain() -> Self {
        Self::with(DeflateOffer::PLAIN, DeflateAnswer::PLAIN)
    }

    /// With this offer as a client, this answer as a server.
    pub fn with(offer: DeflateOffer, answer: DeflateAnswer) -> Self {
        Self::of(vec![offer], vec![answer])
    }

    /// With these offers as a client, these answers as a server, in order of preference.
    pub fn of(offers: Vec<DeflateOffer>, answers: Vec<DeflateAnswer>) -> Self {
        Self { offers, answers, needs: Vec::new(), effort: DeflateEffort::default(), may_be_refused: false }
    }

    /// The tester compresses with that effort.
    pub fn compressed_with(mut self, effort: DeflateEffort) -> Self {
        self.effort = effort;
        self
    }

    /// The case does not apply to a client that fails the connection at the answer.
    pub const fn refusable(mut self) -> Self {
        self.may_be_refused = true;
        self
    }

    /// The case applies only if this is agreed on.
    pub fn needing(mut self, need: DeflateNeed) -> Self {
        self.needs.push(need);
        self
    }
}

impl DeflateNeed {
    /// Whether the agreement has it.
    pub const fn is_met(self, agreement: &DeflateAgreement) -> bool {
        let DeflateAgreement { sent, received } = agreement;
        match self {
            Self::Takeover => !sent.no_context_takeover,
            Self::NoTakeover => sent.no_context_takeover,
            Self::Window(bits) => sent.window_bits >= bits,
            Self::ExactWindow(bits) => sent.window_bits == bits,
            Self::PeerTakeover => !received.no_context_takeover,
            Self::PeerNoTakeover => received.no_context_takeover,
        }
    }
}

/// What was not agreed on, if the need is not met.
impl std::fmt::Display for DeflateNeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Takeover => f.write_str("context takeover for the tester"),
            Self::NoTakeover => f.write_str("no context takeover for the tester"),
            Self::Window(bits) => write!(f, "a window of at least {bits} bits for the tester"),
            Self::ExactWindow(bits) => write!(f, "a window of {bits} bits for the tester"),
            Self::PeerTakeover => f.write_str("context takeover for the peer"),
            Self::PeerNoTakeover => f.write_str("no context takeover for the peer"),
        }
    }
}

impl Default for DeflateDirection {
    fn default() -> Self {
        Self { window_bits: 15, no_context_takeover: false }
    }
}

impl DeflateOffer {
    /// No parameters: everything is left as it is by default.
    pub const PLAIN: Self = Self {
        server_no_context_takeover: false,
        server_max_window_bits: None,
        client_no_context_takeover: false,
        client_max_window_bits: false,
        client_window_limit: None,
    };

    /// The client can do whatever the server asks for, and asks for nothing itself.
    pub const OPEN: Self = Self {
        server_no_context_takeover: false,
        server_max_window_bits: None,
        client_no_context_takeover: true,
        client_max_window_bits: true,
        client_window_limit: None,
    };
}

impl DeflateAnswer {
    /// Nothing is asked for, nothing is promised.
    pub const PLAIN: Self = Self {
        client_no_context_takeover: false,
        client_max_window_bits: None,
        server_no_context_takeover: false,
        server_max_window_bits: None,
    };
}
