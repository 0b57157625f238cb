//! Opening connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use super::Stream;
use super::capture::{Capture, Tapped};
use super::socket::{Address, Socket};
use super::tls::Connector;
use crate::errors::Problem;
use crate::target::Target;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("the host name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// The name has addresses, but none of the kind that is wanted.
    #[error("no address of the kind that is wanted, only {}", list(.0))]
    WrongFamily(Vec<Address>),
    /// All addresses refuse.
    #[error("connection refused by {}", list(.0))]
    Refused(Vec<Address>),
    /// No reply in time.
    #[error("no reply within {0:?}")]
    TimedOut(Duration),
    /// TCP is open, but the TLS handshake was not over in time.
    #[error("TCP is open, but the TLS handshake is not over within {0:?}")]
    TlsTimedOut(Duration),
    /// TCP is open, but there is no TLS on it.
    #[error("{}", .0.headline())]
    Tls(Box<Problem>),
    /// Something else, such as no route.
    #[error("{1} ({0})")]
    Other(Address, io::Error),
}

/// The addresses of a host as text.
pub fn list(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Where a target is: at the addresses of its host, or at a Unix socket.
///
/// # Errors
/// The name is unknown, or the resolver does not answer in time.
pub async fn resolve(target: &Target, limit: Duration) -> Result<Vec<Address>, ConnectError> {
    if let Some(path) = &target.via.unix {
        return Ok(vec![Address::Unix(path.clone())]);
    }
    Ok(lookup(target, limit).await?.into_iter().map(Address::Tcp).collect())
}

/// The addresses of the host of a target.
///
/// # Errors
/// As [`resolve`].
pub async fn lookup(target: &Target, limit: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Some(address) = target.via.fixed(&target.host, target.port) {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let lookup = tokio::time::timeout(limit, lookup_host((target.host.as_str(), target.port)));
    let mut addresses: Vec<SocketAddr> = match lookup.await {
        Ok(found) => found.map_err(ConnectError::Resolve)?.collect(),
        Err(_) => return Err(ConnectError::TimedOut(limit)),
    };
    addresses.dedup();
    let (wanted, others): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.into_iter().partition(|address| target.via.allows(address.ip()));
    if wanted.is_empty() {
        return Err(ConnectError::WrongFamily(others.into_iter().map(Address::Tcp).collect()));
    }
    Ok(wanted)
}

/// Connects to the first address that answers, one after the other.
///
/// # Errors
/// No address took the connection in time.
pub async fn connect(addresses: &[Address], limit: Duration) -> Result<Socket, ConnectError> {
    let deadline = Instant::now() + limit;
    let mut refused = Vec::new();
    let mut other = None;
    for address in addresses {
        let connected = timeout_at(deadline, Socket::connect(address)).await;
        match &connected {
            Ok(Ok(_)) => log::debug!("connected to {address}"),
            Ok(Err(error)) => log::debug!("cannot connect to {address}: {error}"),
            Err(_) => log::debug!("cannot connect to {address} within {limit:?}"),
        }
        match connected {
            Err(_) => return Err(ConnectError::TimedOut(limit)),
            Ok(Ok(stream)) => {
                // Every write is a segment of its own: chopped frames are part of the test.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                refused.push(address.clone())
            }
            Ok(Err(error)) => other = Some(ConnectError::Other(address.clone(), error)),
        }
    }
    Err(other.unwrap_or(ConnectError::Refused(refused)))
}

/// TLS to a host.
#[derive(Clone)]
pub struct Secure {
    /// What makes the connections.
    pub connector: Connector,
    /// The host of the address.
    pub host: String,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secure({:?})", self.host)
    }
}

/// Connects as [`connect`] does, and puts TLS on the connection if that is asked for.
///
/// # Errors
/// No address took the connection in time, or TLS does not come about.
pub async fn dial(
    addresses: &[Address],
    secure: Option<&Secure>,
    limit: Duration,
) -> Result<Stream, ConnectError> {
    dial_captured(addresses, secure, limit, None).await
}

/// Connects as [`dial`] does, and captures what flows below TLS.
///
/// # Errors
/// As [`dial`].
pub async fn dial_captured(
    addresses: &[Address],
    secure: Option<&Secure>,
    limit: Duration,
    capture: Option<&Arc<Capture>>,
) -> Result<Stream, ConnectError> {
    let deadline = Instant::now() + limit;
    let stream = Tapped::new(connect(addresses, limit).await?, capture);
    let Some(secure) = secure else { return Ok(Stream::Plain(stream)) };
    match timeout_at(deadline, secure.connector.connect(stream, &secure.host)).await {
        Ok(Ok(stream)) => Ok(Stream::Secure(Box::new(stream))),
        Ok(Err(problem)) => Err(ConnectError::Tls(Box::new(problem))),
        Err(_) => Err(ConnectError::TlsTimedOut(limit)),
    }
}
