use std::time::Duration;

/// How the connection has to end. Judged apart from the behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseRule {
    /// Who has to send the first Close frame or fail the connection.
    pub first: FirstToClose,
    /// The close codes that the peer may send; sending none is accepted always. The first one is what
    /// the tester closes with on a match.
    pub codes: Vec<u16>,
    /// Close frames both ways and TCP dropped by the side that should (RFC 6455 7.1.4).
    pub clean: bool,
    /// A wrong code fails the behaviour too.
    pub wrong_code_fails: bool,
    /// The wrong side closing fails the behaviour too.
    pub wrong_end_fails: bool,
    /// The tester does not close by itself when the accepted events have come.
    pub stays_open: bool,
    /// Who has to end TCP, and when. Judged with a profile only.
    pub tcp: EndOfTcp,
}

/// The end of TCP behind the closing handshake, or behind what stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndOfTcp {
    /// The server ends it (RFC 6455 7.1.1).
    #[default]
    ByTheServer,
    /// The peer ends it so soon; later, but within the second time, is non-strict.
    Within(Duration, Duration),
    /// The peer leaves it to the tester; ending it sooner than this is non-strict.
    NotBefore(Duration),
    /// When the peer ends it is told, not judged.
    Told,
}

/// Who has to end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstToClose {
    /// The tester starts the closing handshake.
    Tester,
    /// The implementation under test has to fail the connection.
    Peer,
}

impl CloseRule {
    /// A clean end that this side begins.
    pub fn new(first: FirstToClose, codes: Vec<u16>) -> Self {
        Self {
            first,
            codes,
            clean: true,
            wrong_code_fails: false,
            wrong_end_fails: false,
            stays_open: false,
            tcp: EndOfTcp::ByTheServer,
        }
    }

    /// A wrong close code fails the case.
    pub fn wrong_code_fails(mut self) -> Self {
        self.wrong_code_fails = true;
        self
    }

    /// The wrong side closing fails the case.
    pub fn wrong_end_fails(mut self) -> Self {
        self.wrong_end_fails = true;
        self
    }

    /// The tester leaves the connection open when the accepted events have come.
    pub fn stays_open(mut self) -> Self {
        self.stays_open = true;
        self
    }

    /// The connection need not end cleanly.
    pub fn need_not_be_clean(mut self) -> Self {
        self.clean = false;
        self
    }
}
