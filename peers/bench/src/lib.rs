//! What the servers share: the command line, the listening loop, the handshake, and the echo of whole batches.

use std::error::Error;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use bytes::BytesMut;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use rustix::net::sockopt::set_tcp_congestion;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub type Failure = Box<dyn Error + Send + Sync>;

/// No limit of any library gets in the way of the benchmark's messages.
pub const MAX_MESSAGE: usize = 64 << 20;

/// The port to serve on: the first argument.
pub fn port() -> u16 {
    std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("usage: PROGRAM PORT")
}

/// As many messages as are ready, up to this many, are answered with one flush: the second argument, or 1.
fn batch() -> usize {
    std::env::args().nth(2).map_or(1, |batch| batch.parse().expect("usage: PROGRAM PORT BATCH"))
}

/// Serves every connection on one thread, with TCP_NODELAY.
pub fn serve<F>(handle: fn(TcpStream) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port()))).await?;
        send_unpaced(&listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(tokio::task::unconstrained(handle(stream)));
        }
    })
}

/// Lets connections to a listener be sent to without pacing, as wsspec has it over loopback: servers are compared, not
/// what the system has for them.
pub fn send_unpaced(listener: impl AsFd) -> Result<(), Failure> {
    Ok(set_tcp_congestion(listener, "reno")?)
}

/// Answers the opening handshake, for libraries that take a stream from there on. `negotiate` turns the
/// client's Sec-WebSocket-Extensions into the server's.
pub async fn handshake(
    stream: &mut TcpStream,
    negotiate: impl FnOnce(&str) -> Option<String>,
) -> Result<Option<String>, Failure> {
    let mut request = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Err("no request".into());
        }
        if let Some((parsed, _)) = parse_request(&request)? {
            let extensions = parsed.extensions.and_then(negotiate);
            let response = build_response(&generate_accept_key(parsed.key), None, extensions.as_deref());
            stream.write_all(&response).await?;
            return Ok(extensions);
        }
    }
}

/// Echoes data messages: all that are ready are written with one flush.
pub async fn echo<S, M>(mut socket: S, is_data: impl Fn(&M) -> bool) -> Result<(), Failure>
where
    S: Stream<Item = Result<M, Failure>> + Sink<M, Error = Failure> + Unpin,
{
    let most = batch();
    while let Some(first) = socket.next().await {
        let mut next = Some(first);
        let mut batch = 0;
        while let Some(message) = next {
            let message = message?;
            if is_data(&message) {
                socket.feed(message).await?;
            }
            batch += 1;
            next = if batch < most { socket.next().now_or_never().flatten() } else { None };
        }
        socket.flush().await?;
    }
    Ok(())
}
