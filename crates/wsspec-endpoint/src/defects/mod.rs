//! Ways in which an endpoint can deviate from the strict one: defects break a rule, quirks keep all of them.
//!
//! They show what a test suite is worth: each defect has to be caught, and no quirk may be blamed. The strict
//! endpoint knows nothing of them. It stays as it is, and a [`layer`] around it alters what goes in and what
//! comes out: heads, headers, frames, messages, compression, the end of TCP. A deviation is a value: a name, the
//! rule, and the functions that the layer calls.
//!
//! | to see | look in |
//! |---|---|
//! | where each function is called | [`part`], [`layer`] |
//! | octets to frames and back | [`reader`], [`writer`] |
//! | the deviations themselves | `framing`, `masking`, `lengths`, …, `quirks` |

mod closing;
mod compression;
mod control;
mod deflate;
mod frame;
mod framing;
mod growing;
mod handshake;
mod head;
mod layer;
mod lengths;
mod masking;
mod messages;
mod part;
mod quirks;
mod reader;
mod text;
mod writer;

use std::fmt;

use crate::Role;

pub use layer::Connection;
use part::{Part, Take};

/// One way to deviate from the strict endpoint.
pub struct Deviation {
    /// Its name, such as `pong-empty`.
    pub id: &'static str,
    /// What the endpoint does, without subject: "answers a Ping with an empty Pong".
    pub title: &'static str,
    /// The rule that a defect breaks, or that leaves a quirk the room: "RFC 6455 5.5.3".
    pub rule: &'static str,
    /// The roles in which it shows.
    pub roles: Roles,
    /// What the layer does.
    parts: &'static [Part],
}

/// The roles in which a deviation shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    /// Client and server.
    Both,
    /// Only a client can do it.
    Client,
    /// Only a server can do it.
    Server,
}

impl Roles {
    /// Whether that role is one of them.
    pub fn include(self, role: Role) -> bool {
        match self {
            Self::Both => true,
            Self::Client => role == Role::Client,
            Self::Server => role == Role::Server,
        }
    }
}

impl fmt::Debug for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Deviation {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Deviation {}

/// The defects by topic.
const DEFECTS: &[&[Deviation]] = &[
    handshake::DEFECTS,
    masking::DEFECTS,
    lengths::DEFECTS,
    framing::DEFECTS,
    control::DEFECTS,
    messages::DEFECTS,
    text::DEFECTS,
    closing::DEFECTS,
    compression::DEFECTS,
];

/// Every defect: what breaks a rule.
pub fn defects() -> impl Iterator<Item = &'static Deviation> + Clone {
    DEFECTS.iter().copied().flatten()
}

/// The defects that no answer shows, and that are none of [`defects`]: the memory of the process does.
pub fn growing() -> impl Iterator<Item = &'static Deviation> + Clone {
    growing::DEFECTS.iter()
}

/// Every quirk: what is lawful and unusual.
pub fn quirks() -> impl Iterator<Item = &'static Deviation> + Clone {
    quirks::QUIRKS.iter()
}

/// No deviation at all, and yet all octets pass through the layer: what shows that the layer alone changes nothing.
pub static NOTHING: Deviation = both(
    "nothing",
    "RFC 6455",
    "is the strict one",
    &[
        Part::HeadIn(|_| {}),
        Part::HeadOut(|_| {}),
        Part::Meets(|_, _| Take::Stream),
        Part::Sends(|_, frame, out| out.push(frame.into())),
        Part::Ends(|_, end, out| out.push(end.into())),
        Part::Keys(|_, key| key),
    ],
);

/// The deviation of that name.
pub fn deviation(id: &str) -> Option<&'static Deviation> {
    defects().chain(growing()).chain(quirks()).find(|deviation| deviation.id == id)
}

const fn both(
    id: &'static str,
    rule: &'static str,
    title: &'static str,
    parts: &'static [Part],
) -> Deviation {
    Deviation { id, title, rule, roles: Roles::Both, parts }
}

const fn server(
    id: &'static str,
    rule: &'static str,
    title: &'static str,
    parts: &'static [Part],
) -> Deviation {
    Deviation { id, title, rule, roles: Roles::Server, parts }
}

const fn client(
    id: &'static str,
    rule: &'static str,
    title: &'static str,
    parts: &'static [Part],
) -> Deviation {
    Deviation { id, title, rule, roles: Roles::Client, parts }
}
