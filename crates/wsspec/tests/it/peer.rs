//! Servers that behave as a test says, connection by connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::Instant;
use wsspec::commands::echo::echo_config;
use wsspec_endpoint::{Config, Connection, Transmit, deviation};
use wsspec_wire::{RequestHead, accept_key, write_response};

use crate::tester::free_port;

/// What a connection is treated with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// The strict endpoint.
    Echo,
    /// The same with these defects.
    Defective(&'static [&'static str]),
    /// The strict endpoint, which opens every connection at once and serves one of them at a time.
    EchoInTurn,
    /// Octets in answer to the request, then this.
    Answer(&'static [u8], Then),
    /// A correct 101, then octets, then this.
    Upgrade(&'static [u8], Then),
    /// A 101 with this header line besides, then octets, then this.
    Hostile(&'static str, &'static [u8], Then),
    /// The connection is closed before anything is read.
    DropAtOnce,
    /// The listener is closed, and nobody listens any more.
    Leave,
}

/// What follows the octets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Close.
    Close,
    /// Say nothing more, for ever.
    Silence,
    /// The octets again and again.
    Repeat,
}

/// A server, gone when it is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Where its connections came from.
    pub(crate) visitors: Arc<Mutex<Vec<IpAddr>>>,
    _runtime: Runtime,
}

impl Peer {
    /// A server that asks `manner` how to treat each connection; they count from 0.
    pub(crate) fn start(manner: impl Fn(usize) -> Manner + Send + 'static) -> Self {
        Self::at(free_port(), manner)
    }

    /// The same at this port.
    pub(crate) fn at(port: u16, manner: impl Fn(usize) -> Manner + Send + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", port))).unwrap();
        let address = listener.local_addr().unwrap();
        let visitors = Arc::<Mutex<Vec<IpAddr>>>::default();
        let seen = visitors.clone();
        let turn = Arc::<Turn>::default();
        runtime.spawn(async move {
            for n in 0.. {
                let (stream, visitor) = listener.accept().await.unwrap();
                seen.lock().unwrap().push(visitor.ip());
                match manner(n) {
                    Manner::Leave => return,
                    manner => drop(tokio::spawn(treat(stream, manner, turn.clone()))),
                }
            }
        });
        Self { address, visitors, _runtime: runtime }
    }

    /// A server that treats all connections alike.
    pub(crate) fn always(manner: Manner) -> Self {
        Self::start(move |_| manner)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}

/// Whom one connection at a time holds.
type Turn = tokio::sync::Mutex<()>;

async fn treat(mut stream: TcpStream, manner: Manner, turn: Arc<Turn>) {
    match manner {
        Manner::Echo => echo(stream, strict(&[])).await,
        Manner::Defective(defects) => echo(stream, strict(defects)).await,
        Manner::EchoInTurn => echo_in_turn(stream, &turn).await,
        Manner::Answer(octets, then) => {
            let _ = request(&mut stream).await;
            send(&mut stream, octets, then).await;
        }
        Manner::Upgrade(octets, then) => {
            let Some(request) = request(&mut stream).await else { return };
            let _ = stream.write_all(&upgrade(&request)).await;
            send(&mut stream, octets, then).await;
        }
        Manner::Hostile(header, octets, then) => {
            let Some(request) = request(&mut stream).await else { return };
            let mut head = upgrade(&request);
            head.truncate(head.len() - 2);
            let _ = stream.write_all(&[&head, header.as_bytes(), b"\r\n"].concat()).await;
            send(&mut stream, octets, then).await;
        }
        Manner::DropAtOnce | Manner::Leave => {}
    }
}

fn strict(but: &[&str]) -> Connection {
    let deviations = but.iter().map(|id| deviation(id).unwrap()).collect();
    Connection::server(Arc::new(Config { deviations, ..echo_config() }), Duration::ZERO)
}

async fn echo(stream: TcpStream, connection: Connection) {
    let (_keep, stop) = watch::channel(false);
    wsspec::net::endpoint::run(stream, connection, Instant::now(), stop).await;
}

async fn echo_in_turn(mut stream: TcpStream, turn: &Turn) {
    let mut connection = strict(&[]);
    let Some(request) = head(&mut stream).await else { return };
    connection.handle_input(&request, Duration::ZERO);
    while let Some(Transmit::Octets(octets)) = connection.poll_transmit() {
        let _ = stream.write_all(&octets).await;
    }
    let _turn = turn.lock().await;
    echo(stream, connection).await;
}

async fn request(stream: &mut TcpStream) -> Option<RequestHead> {
    Some(RequestHead::parse(&head(stream).await?))
}

async fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n\r\n") {
        octets.push(stream.read_u8().await.ok()?);
    }
    Some(octets)
}

fn upgrade(request: &RequestHead) -> Vec<u8> {
    let accept = accept_key(request.headers.get("Sec-WebSocket-Key").unwrap_or_default());
    let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)];
    write_response(101, "Switching Protocols", &headers)
}

async fn send(stream: &mut TcpStream, octets: &[u8], then: Then) {
    let _ = stream.write_all(octets).await;
    match then {
        Then::Close => {
            // What was sent must not be lost to a reset: read until the client is done.
            let _ = stream.shutdown().await;
            let mut sink = [0; 4096];
            while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {}
        }
        Then::Silence => std::future::pending().await,
        Then::Repeat => {
            let many = octets.repeat(1 + (64 << 10) / octets.len().max(1));
            while stream.write_all(&many).await.is_ok() {}
        }
    }
}
