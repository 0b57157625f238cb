//! The server on real sockets.

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wsspec_wire::{FrameHeader, Opcode};

use super::EchoServer;
use crate::commands::echo::echo_config;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Serving {
    address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn serve() -> Serving {
    let server = EchoServer::bind("127.0.0.1:0", echo_config(), 10).await.unwrap();
    let address = server.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    Serving { address, stop, task: tokio::spawn(server.serve(stopped)) }
}

/// A connection after the opening handshake.
async fn open(serving: &Serving) -> TcpStream {
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// A binary frame with a masking key of zeros.
fn frame(payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { mask: Some([0; 4]), ..FrameHeader::new(Opcode::BINARY, payload.len() as u64) };
    let mut octets = Vec::new();
    header.encode(&mut octets);
    [&octets, payload].concat()
}

async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).await.unwrap();
    octets
}

/// With a congestion control that paces, a message of 1 MiB took a third longer to come back.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn answers_over_loopback_are_not_paced_and_others_as_the_system_has_it() {
    for (address, unpaced) in [("127.0.0.1:0", true), ("0.0.0.0:0", false)] {
        let usual = TcpListener::bind(address).await.unwrap();
        let server = EchoServer::bind(address, echo_config(), 10).await.unwrap();
        let control = |listener: &TcpListener| SockRef::from(listener).tcp_congestion().unwrap();
        let expected = if unpaced { b"reno".to_vec() } else { control(&usual) };
        assert!(control(&server.listener).starts_with(&expected), "{address}");
    }
}

#[tokio::test]
async fn a_server_that_stops_closes_its_connections() {
    let serving = serve().await;
    let mut stream = open(&serving).await;
    serving.stop.send(true).unwrap();
    let mut close = [0; 4];
    stream.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 2, 0x03, 0xe9]);
    stream.write_all(b"\x88\x82\0\0\0\0\x03\xe9").await.unwrap();
    assert_eq!(rest(stream).await, b"");
    serving.task.await.unwrap();
}

/// Every time: a thread was not woken where its waker was closed before it had looked.
#[tokio::test]
async fn a_server_that_is_dropped_drops_its_connections_every_time() {
    for _ in 0..200 {
        let serving = serve().await;
        let mut stream = open(&serving).await;
        serving.task.abort();
        let _ = serving.task.await;
        assert!(matches!(stream.read(&mut [0; 10]).await, Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn what_comes_with_the_end_of_the_peer_is_echoed() {
    let serving = serve().await;
    let mut stream = open(&serving).await;
    stream.write_all(b"\x82\x83\0\0\0\0abc").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest(stream).await, b"\x82\x03abc");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_waited_for() {
    let serving = serve().await;
    let stream = open(&serving).await;
    let payload: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let (mut reader, mut writer) = stream.into_split();
    let sent = frame(&payload);
    let writing = tokio::spawn(async move {
        for _ in 0..16 {
            writer.write_all(&sent).await.unwrap();
        }
        writer
    });
    // Both directions fill up before anything is read.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut echo = vec![0; 10 + payload.len()];
    for number in 0..16 {
        reader.read_exact(&mut echo).await.unwrap();
        assert!(echo.ends_with(&payload), "message {number}");
    }
    drop(writing.await.unwrap());
}

#[tokio::test]
async fn connections_that_are_ready_together_get_each_its_own_answers() {
    let serving = serve().await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(open(&serving).await);
    }
    // Short answers wait for each other, long ones do not. Some peers break off between two rounds.
    let payload =
        |number: usize, round: u8| vec![round; if number.is_multiple_of(3) { 40_000 } else { number }];
    for round in 0..20 {
        for (number, stream) in streams.iter_mut().enumerate() {
            let messages = [frame(&payload(number, round)), frame(&payload(number + 1, round))];
            stream.write_all(&messages.concat()).await.unwrap();
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            for payload in [payload(number, round), payload(number + 1, round)] {
                let head = if payload.len() < 126 { 2 } else { 4 };
                let mut echo = vec![0; head + payload.len()];
                stream.read_exact(&mut echo).await.unwrap();
                assert_eq!(echo[head..], payload, "connection {number}, round {round}");
            }
        }
        if streams.len() > 5 {
            reset(streams.remove(0));
        }
    }
}

fn reset(stream: TcpStream) {
    crate::net::transport::reset_on_close(&stream);
}
