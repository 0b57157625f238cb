//! The cases that need control flow: state machines that emit the same steps as a script.

mod difference;
mod echo_loop;
mod single_echo;
mod windows;

pub use echo_loop::EchoLoop;
pub use single_echo::SingleEcho;
