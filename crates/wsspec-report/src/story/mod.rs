//! What a record tells, for people: the same facts for the terminal, the page and the summary.
//!
//! Nothing here is tied to a form of output; text that can hold the peer's words is [`Untrusted`](crate::Untrusted).

pub(crate) mod alignment;
mod anatomy;
mod breach;
mod broken_text;
mod cause;
mod closing;
mod compression;
mod difference;
mod frame;
mod handshake;
mod inflated;
pub mod last_words;
mod lawful;
mod marks;
mod negotiation;
mod spans;
mod telling;
mod text;
mod timeline;
pub(crate) mod units;

pub use anatomy::{Part, anatomy, anatomy_in_case, display_filter};
pub use breach::{SentBreach, sent_breach};
pub use broken_text::{Break, broken_texts};
pub use cause::{came_back, cause_fault, cause_name, cause_sentence};
pub use closing::{Flag, closing_flags, closing_sentence};
pub use compression::compression;
pub use difference::{Alternative, Difference, Mark, alternatives};
pub use frame::{FrameWords, opcode_name, payload_preview};
pub use handshake::{HeaderLine, HeaderState, request_lines, response_lines};
pub use inflated::{Compressed, compressed, inflated};
pub use last_words::died_saying;
pub use lawful::{asked_for, observed};
pub use marks::FrameMarks;
pub use negotiation::{Lack, Negotiation, lack, negotiation};
pub use spans::{Span, SpanKind, Spans};
pub use telling::telling_frames;
pub use text::{plain_anatomy, plain_timeline};
pub use timeline::{Row, Side, timeline};
pub use units::count as grouped;
