//! Where a peer is, and the bare connection to it: TCP or a Unix socket.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpSocket, TcpStream};

use super::transport::reset_on_close;
use crate::errors::{ErrorCode, Problem};

/// Before the next try while the queue of a Unix socket is full.
const QUEUE_PAUSE: Duration = Duration::from_millis(2);

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// IP address and port.
    Tcp(SocketAddr),
    /// The same, reached from this address of our own machine.
    From(IpAddr, SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether both lead to the same server, wherever they come from.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self == other || self.tcp().is_some_and(|place| other.tcp() == Some(place))
    }

    /// The address of TCP, if it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::From(_, address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The same address, reached from this one; a Unix socket has no such thing.
    #[must_use]
    pub fn from(&self, source: IpAddr) -> Self {
        self.tcp().map_or_else(|| self.clone(), |address| Self::From(source, address))
    }

    /// On this machine, or in a private network.
    pub fn is_nearby(&self) -> bool {
        match self.tcp().map(|address| address.ip().to_canonical()) {
            // Whoever connects to no address in particular reaches this machine.
            Some(ip) if ip.is_unspecified() => true,
            Some(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            Some(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
            None => true,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::From(source, address) => write!(f, "{address} (from {source})"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Finds out whether a path can be that of a Unix socket, before anything is run.
///
/// # Errors
/// E27: it is too long, or this system knows no such sockets.
#[cfg(unix)]
pub fn check_path(path: &Path) -> Result<(), Problem> {
    use std::os::unix::ffi::OsStrExt as _;
    if !path.as_os_str().is_empty() && std::os::unix::net::SocketAddr::from_pathname(path).is_ok() {
        return Ok(());
    }
    let octets = path.as_os_str().as_bytes().len();
    let problem = Problem::new(ErrorCode::E27, "that is no path for a Unix socket")
        .fact("got", path.display().to_string());
    Err(match octets {
        0 => problem.fact("why", "it is empty").fact("try", "--unix ./server.sock"),
        _ => problem
            .fact("why", format!("it has {octets} octets; the system takes 107 at most (103 on macOS)"))
            .advise("cd to its folder, and give the name alone:  --unix server.sock"),
    })
}

/// The same where there is none.
#[cfg(not(unix))]
pub fn check_path(path: &Path) -> Result<(), Problem> {
    Err(Problem::new(ErrorCode::E27, "this system has no Unix sockets")
        .fact("got", format!("--unix {}", path.display()))
        .fact("try", "wsspec run ws://127.0.0.1:PORT"))
}

/// A connection, before TLS.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Connects.
    ///
    /// # Errors
    /// Nobody takes the connection.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpStream::connect(address).await.map(Self::Tcp),
            Address::From(source, address) => {
                let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
                socket.bind(SocketAddr::new(*source, 0))?;
                socket.connect(*address).await.map(Self::Tcp)
            }
            Address::Unix(path) => connect_unix(path).await,
        }
    }

    /// Whether small writes go out at once; those to a Unix socket always do.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(on),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }

    /// Lets the end of the connection be a reset. A Unix socket has none: its peer sees an end.
    pub(super) fn reset_on_close(&self) {
        match self {
            Self::Tcp(stream) => reset_on_close(stream),
            #[cfg(unix)]
            Self::Unix(_) => {}
        }
    }

    /// The address of TCP at the other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.ends(0).map(|(_, peer)| peer)
    }

    /// Both ends for a capture, which knows TCP only: `number` tells connections over Unix sockets apart.
    pub(super) fn ends(&self, number: u16) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Tcp(stream) => Some((stream.local_addr().ok()?, stream.peer_addr().ok()?)),
            #[cfg(unix)]
            Self::Unix(_) => {
                let client = 49_152 + number % 16_384;
                Some((SocketAddr::new(HERE, client), SocketAddr::new(HERE, 80)))
            }
        }
    }
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A socket whose queue is full says so at once, where TCP would wait.
#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<Socket> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(QUEUE_PAUSE).await,
            done => return done.map(Socket::Unix),
        }
    }
}

#[cfg(not(unix))]
async fn connect_unix(_: &Path) -> io::Result<Socket> {
    Err(io::ErrorKind::Unsupported.into())
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

/// What both kinds can do.
trait Octets: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Octets for T {}

impl Socket {
    fn octets(self: Pin<&mut Self>) -> Pin<&mut dyn Octets> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.octets().poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.octets().poll_write(cx, octets)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.octets().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.octets().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.octets().poll_shutdown(cx)
    }
}
