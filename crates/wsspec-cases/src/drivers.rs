//! The cases that need control flow: state machines that emit the same steps as a script.

mod all_characters;
mod difference;
mod echo_loop;
mod masking_keys;
mod pings_answered;
mod pong_among_echoes;
mod rounds;
mod single_echo;
mod windows;

pub use all_characters::AllCharacters;
pub use echo_loop::EchoLoop;
pub use masking_keys::{MaskingKeys, Question};
pub use pings_answered::PingsAnswered;
pub use pong_among_echoes::PongAmongEchoes;
pub use rounds::{Round, Rounds, Seen};
pub use single_echo::SingleEcho;
