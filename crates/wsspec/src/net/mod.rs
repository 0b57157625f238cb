//! Sockets. [`pump`] is the only loop that drives a case over a stream; [`client`] opens connections,
//! [`endpoint`] drives the strict endpoint, and [`echo`] serves it.

pub mod backend;
pub mod capture;
mod certificate;
pub mod client;
pub mod echo;
pub mod endpoint;
pub mod exchange;
pub(crate) mod holder;
pub mod legs;
mod outflow;
pub mod pump;
pub mod session;
pub mod socket;
mod stream;
pub mod talk;
pub mod tls;
mod transport;

pub use stream::{Stream, tls_facts};
pub use transport::Transport;
pub(crate) use transport::{Drain, drain};
