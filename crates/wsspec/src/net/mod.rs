//! Sockets. [`pump`] is the only loop that drives a case over a stream; [`client`] opens connections,
//! [`endpoint`] serves the strict endpoint.

pub mod client;
pub mod endpoint;
pub mod exchange;
pub mod pump;
mod transport;

pub use transport::Transport;
