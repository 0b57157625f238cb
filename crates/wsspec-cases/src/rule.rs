use std::fmt;

/// The document that a rule stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rfc {
    /// The WebSocket Protocol.
    Rfc6455,
    /// Compression Extensions for WebSocket (permessage-deflate).
    Rfc7692,
    /// WebSocket over HTTP/2.
    Rfc8441,
    /// WebSocket over HTTP/3.
    Rfc9220,
}

impl Rfc {
    /// The number of the RFC.
    pub const fn number(self) -> u16 {
        match self {
            Self::Rfc6455 => 6455,
            Self::Rfc7692 => 7692,
            Self::Rfc8441 => 8441,
            Self::Rfc9220 => 9220,
        }
    }
}

/// How binding a rule is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A breach is a failure.
    Must,
    /// A breach is non-strict.
    Should,
    /// Either way conforms.
    May,
}

impl Level {
    /// The level as the RFCs write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// One rule of an RFC that a case tests, in our own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The document.
    pub rfc: Rfc,
    /// The section, such as `5.4`.
    pub section: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What it asks, in our own words.
    pub summary: &'static str,
}

impl Rule {
    /// A rule whose breach is a failure.
    pub const fn must(rfc: Rfc, section: &'static str, summary: &'static str) -> Self {
        Self { rfc, section, level: Level::Must, summary }
    }

    /// A rule whose breach is non-strict.
    pub const fn should(rfc: Rfc, section: &'static str, summary: &'static str) -> Self {
        Self { rfc, section, level: Level::Should, summary }
    }

    /// A permission: either way conforms.
    pub const fn may(rfc: Rfc, section: &'static str, summary: &'static str) -> Self {
        Self { rfc, section, level: Level::May, summary }
    }

    /// The address of the section at the RFC editor's.
    pub fn url(&self) -> String {
        format!("https://www.rfc-editor.org/rfc/rfc{}#section-{}", self.rfc.number(), self.section)
    }
}

/// `RFC 6455 section 5.4`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RFC {} section {}", self.rfc.number(), self.section)
    }
}
