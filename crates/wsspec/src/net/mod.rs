//! Sockets. [`pump`] is the only loop that drives a case over a stream; [`client`] opens connections,
//! [`endpoint`] serves the strict endpoint.

pub mod capture;
pub mod client;
pub mod endpoint;
pub mod exchange;
pub(crate) mod holder;
pub mod pump;
pub mod session;
mod stream;
pub mod talk;
pub mod tls;
mod transport;

pub use stream::Stream;
pub use transport::Transport;
pub(crate) use transport::{Drain, drain};
