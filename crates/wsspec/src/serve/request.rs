//! Reading the head of a request: bounded in octets and time.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};
use wsspec_wire::{HeadBuffer, HeadProgress, RequestHead};

use crate::net::Transport;

/// The longest head that is read, in octets.
const HEAD_LIMIT: usize = 16 << 10;

/// A request head, and what came right behind it.
#[derive(Debug)]
pub(crate) struct Request {
    /// The head, taken apart.
    pub(crate) head: RequestHead,
    /// The octets behind the head.
    pub(crate) rest: Vec<u8>,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRequest {
    /// The connection was closed before any octet came, as health checks do.
    Nothing,
    /// It ended in the middle.
    Torn,
    /// The octets begin a TLS handshake.
    Tls,
    /// The head is too long.
    TooLarge,
    /// It was not complete in time.
    TimedOut,
}

/// Reads the head of a request.
///
/// # Errors
/// There is no complete head within `limit`.
pub(crate) async fn read(stream: &mut impl Transport, limit: Duration) -> Result<Request, NoRequest> {
    let deadline = Instant::now() + limit;
    let mut head = HeadBuffer::new(HEAD_LIMIT);
    let mut buffer = vec![0; 4096];
    loop {
        let read = match timeout_at(deadline, stream.read(&mut buffer)).await {
            Err(_) => return Err(NoRequest::TimedOut),
            Ok(Ok(0) | Err(_)) if head.octets().is_empty() => return Err(NoRequest::Nothing),
            Ok(Ok(0) | Err(_)) => return Err(NoRequest::Torn),
            Ok(Ok(read)) => read,
        };
        let progress = head.feed(&buffer[..read]);
        // A TLS record of the type handshake, version 3.
        if head.octets().starts_with(&[22, 3]) {
            return Err(NoRequest::Tls);
        }
        match progress {
            HeadProgress::Incomplete => {}
            HeadProgress::TooLarge => return Err(NoRequest::TooLarge),
            HeadProgress::Complete { consumed } => {
                let rest = buffer[consumed..read].to_vec();
                return Ok(Request { head: RequestHead::parse(head.octets()), rest });
            }
        }
    }
}
