use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::tls;

/// A stream of octets that WebSocket can run on.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Drops the connection at once, with RST where the transport knows it.
    fn abort(self);
}

impl Transport for TcpStream {
    fn abort(self) {
        reset_on_close(&self);
    }
}

impl<S: Transport> Transport for tokio_rustls::server::TlsStream<S> {
    fn abort(self) {
        self.into_inner().0.abort();
    }
}

impl<S: Transport> Transport for tls::ClientStream<S> {
    fn abort(self) {
        self.into_inner().0.into_inner().abort();
    }
}

impl Transport for tokio::io::DuplexStream {
    fn abort(self) {}
}

/// Closing with a linger time of zero makes the kernel send RST.
pub(super) fn reset_on_close<'a>(stream: impl Into<SockRef<'a>>) {
    let _ = stream.into().set_linger(Some(Duration::ZERO));
}

/// Lets connections to a listener on loopback be sent to as fast as they are read: a congestion control that paces (BBR)
/// would have large answers wait for timers, and there is no congestion between two programs on one machine.
pub(super) fn send_unpaced(listener: &TcpListener) {
    #[cfg(target_os = "linux")]
    if listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback()) {
        // It fails where the system has no choice of them; what it does by itself is right, too.
        let _ = SockRef::from(listener).set_tcp_congestion(b"reno");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
}

/// How long and how much a socket is read after its FIN, before it is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) time: Duration,
    pub(crate) octets: usize,
}

/// Reads and throws away until the peer's FIN. A socket that is closed with unread input sends RST, and the
/// peer may then lose what it has not read yet.
pub(crate) async fn drain(mut stream: impl Transport, limit: Drain) {
    let mut buffer = vec![0; 16 << 10];
    let mut left = limit.octets;
    let read_on = async {
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 || read >= left {
                break;
            }
            left -= read;
        }
    };
    let _ = tokio::time::timeout(limit.time, read_on).await;
}
