//! A strict WebSocket endpoint: client and server of RFC 6455 with permessage-deflate of RFC 7692.
//!
//! Every rule of the RFCs that a peer can break is a variant of [`Violation`], which knows its section and
//! the status code that the connection is failed with. Input is judged octet by octet as it arrives: a header
//! fails before its payload, text with the octet that makes it invalid.
//!
//! The endpoint has no sockets, no clock and no tasks. [`Connection`] takes octets and the time, and hands
//! back events and octets; so it runs the same over TCP, over TLS, and in a test with virtual time.
//!
//! ```
//! use std::time::Duration;
//! use wsspec_endpoint::{ClientRequest, Config, Connection, Event, Message, Transmit};
//!
//! let now = Duration::ZERO;
//! let mut server = Connection::server(Config { echo: true, ..Config::server([0; 32]) }, now);
//! let mut client =
//!     Connection::client(Config::client([1; 32]), ClientRequest::new("localhost", "/"), now);
//!
//! fn carry(from: &mut Connection, to: &mut Connection, now: Duration) {
//!     while let Some(Transmit::Octets(octets)) = from.poll_transmit() {
//!         to.handle_input(&octets, now);
//!     }
//! }
//! carry(&mut client, &mut server, now);
//! carry(&mut server, &mut client, now);
//! assert!(matches!(client.poll_event(), Some(Event::Open(_))));
//!
//! client.send(Message::text("Hello")).unwrap();
//! carry(&mut client, &mut server, now);
//! carry(&mut server, &mut client, now);
//! assert_eq!(client.poll_event(), Some(Event::Message(Message::text("Hello"))));
//! ```
//!
//! | to see | look in |
//! |---|---|
//! | the life of a connection | `connection`, `close` |
//! | the rules for frames | `rules`; what breaks them: `violation` |
//! | frames to messages and back | `receive` with `assembly`, `send` with `outbox`, `large` with `buffer` |
//! | what a tester can ask an endpoint to do | `commands` |
//! | the opening handshake | `handshake`, `deflate_negotiation` |

#![forbid(unsafe_code)]

mod assembly;
mod buffer;
mod close;
mod commands;
mod config;
mod connection;
#[cfg(feature = "defects")]
mod defects;
mod deflate;
mod deflate_negotiation;
mod event;
mod handshake;
mod keepalive;
mod large;
mod outbox;
mod pool;
mod receive;
mod rules;
mod send;
mod violation;

pub use buffer::Buffer;
pub use commands::COMMANDS;
pub use config::{ClientRequest, Config, DeflateConfig, Role};
#[cfg(not(feature = "defects"))]
pub use connection::Connection;
pub use connection::State;
#[cfg(feature = "defects")]
pub use defects::{Connection, Deviation, NOTHING, Roles, defects, deviation, growing, quirks};
pub use deflate_negotiation::DeflateAgreement;
pub use event::{Closed, End, Event, Message, Opened, Timer, Transmit};
pub use send::SendError;
pub use violation::{InvalidRequest, RequestViolation, ResponseViolation, Violation};

/// Time since any fixed origin. The caller supplies it.
pub type Time = std::time::Duration;
