//! What wsspec tests: every case is a value, built once, immutable, holding no result.
//!
//! A [`Case`] says what goes on the wire ([`Step`]s, or a [`Driver`] where control flow is needed),
//! which answers are accepted ([`Accept`], ordered, the first match wins), how the connection has to
//! end ([`CloseRule`]) and which rules of the RFCs it tests ([`Rule`]). It knows nothing of sockets,
//! clocks or the endpoint that it is tried on.
#![forbid(unsafe_code)]

mod builder;
mod case;
mod check;
mod close_rule;
pub mod data;
mod deflate;
mod describe;
mod driver;
pub mod drivers;
mod event;
mod id;
mod prelude;
mod profile;
pub mod requirements;
mod rule;
mod sections;
mod series;
pub mod sets;
mod size;
mod step;
mod suite;
pub mod tags;
pub mod words;

pub use case::{Accept, COMMANDS, Case, Conduct, Cost, Grade, Measures, Play, Roles, Text, Watch};
pub use check::{Defect, check};
pub use close_rule::{CloseRule, EndOfTcp, FirstToClose};
pub use deflate::{
    DeflateAgreement, DeflateAnswer, DeflateDirection, DeflateEffort, DeflateNeed, DeflateOffer, DeflatePlan,
};
pub use describe::StepText;
pub use driver::{Conclusion, Driver, Opened, Outbox};
pub use event::{Event, Expected, Received};
pub use id::{CaseId, CaseIdError};
pub use profile::{Closes, Ends, Fails, Messages, PeerCloses, Profile, Tolerance, Tolerates};
pub use rule::{Level, Rfc, Rule};
pub use series::{Footprint, Series};
pub use step::{Await, Awaited, CloseSpec, FrameSpec, Length, Masking, MessageSpec, Payload, Step};
pub use suite::{Declaration, Group, Section, Suite, suite};
