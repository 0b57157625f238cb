//! A server that sends every message to all of its clients, and a client for it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wsspec_endpoint::{Config, Connection, DeflateConfig, Event, Message};
use wsspec_wire::close_code;

use crate::net::Transport;
use crate::net::session::Session;
use crate::net::tls::ServerTls;
use crate::signals::raised;

/// Between two ticks of the server.
const TICK: Duration = Duration::from_secs(1);
/// Between two greetings of a client.
const GREETING: Duration = Duration::from_secs(2);
/// Messages that a slow client may be behind; it misses those before.
const BACKLOG: usize = 256;
/// The longest message, in octets.
const LARGEST: u64 = 1 << 20;
const CONNECTIONS: usize = 1024;

/// A broadcast server, bound and not yet serving.
pub struct BroadcastServer {
    listeners: Vec<TcpListener>,
    tls: Option<ServerTls>,
}

impl BroadcastServer {
    /// Takes listeners.
    pub fn new(listeners: Vec<TcpListener>, tls: Option<ServerTls>) -> Self {
        Self { listeners, tls }
    }

    /// Serves until `stop` becomes true. Once a second all clients are sent `tick N`.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let hub = broadcast::Sender::new(BACKLOG);
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut clients = JoinSet::new();
        let mut ticks = tokio::time::interval(TICK);
        let mut tick = 0_u64;
        loop {
            tokio::select! {
                () = raised(&mut stop) => break,
                _ = ticks.tick() => {
                    tick += 1;
                    // Nobody has to listen.
                    let _ = hub.send(Message::text(format!("tick {tick}")));
                }
                Some(_) = clients.join_next() => {}
                accepted = accept(&self.listeners, &room) => {
                    let Ok((stream, permit)) = accepted else { continue };
                    let (hub, tls, stop) = (hub.clone(), self.tls.clone(), stop.clone());
                    clients.spawn(async move {
                        secure(stream, tls, hub, stop).await;
                        drop(permit);
                    });
                }
            }
        }
        let _ = tokio::time::timeout(TICK, clients.join_all()).await;
    }
}

async fn accept(
    listeners: &[TcpListener],
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = poll_fn(|context| {
        let ready = listeners.iter().map(|listener| listener.poll_accept(context)).find(Poll::is_ready);
        ready.unwrap_or(Poll::Pending)
    })
    .await?;
    let _ = stream.set_nodelay(true);
    Ok((stream, permit))
}

async fn secure(
    stream: TcpStream,
    tls: Option<ServerTls>,
    hub: broadcast::Sender<Message>,
    stop: watch::Receiver<bool>,
) {
    match tls {
        None => serve_client(stream, hub, stop).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(TICK * 10, tls.acceptor.accept(stream)).await {
                serve_client(stream, hub, stop).await;
            }
        }
    }
}

async fn serve_client<T: Transport>(
    stream: T,
    hub: broadcast::Sender<Message>,
    mut stop: watch::Receiver<bool>,
) {
    let config = Config {
        deflate: Some(DeflateConfig::default()),
        max_message_size: LARGEST,
        max_frame_size: LARGEST,
        // A server draws no random numbers.
        ..Config::server([0; 32])
    };
    let mut session = Session::new(stream, Connection::server(config, Duration::ZERO), Instant::now());
    let mut messages = hub.subscribe();
    loop {
        tokio::select! {
            event = session.event() => match event {
                None => return,
                Some(Event::Message(message)) => drop(hub.send(message)),
                Some(_) => {}
            },
            Ok(message) = messages.recv() => {
                // Before the opening handshake and after the Close frame there is nobody to send to.
                let _ = session.connection().send(message);
            }
            () = raised(&mut stop) => return session.close(Some(close_code::GOING_AWAY)).await,
        }
    }
}

/// Greets every two seconds and tells every text message that comes, until the connection ends or `stop` becomes
/// true.
pub async fn listen<T: Transport>(
    stream: T,
    connection: Connection,
    greeting: &str,
    mut stop: watch::Receiver<bool>,
    mut tell: impl FnMut(&str),
) {
    let mut session = Session::new(stream, connection, Instant::now());
    let mut greetings = tokio::time::interval(GREETING);
    loop {
        tokio::select! {
            event = session.event() => match event {
                None => return,
                Some(Event::Message(message)) => message.as_text().into_iter().for_each(&mut tell),
                Some(_) => {}
            },
            _ = greetings.tick() => {
                let _ = session.connection().send_text(greeting);
            }
            () = raised(&mut stop) => return session.close(Some(close_code::NORMAL)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use wsspec_endpoint::ClientRequest;

    use super::*;

    #[tokio::test]
    async fn everybody_gets_every_message_and_the_ticks() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(BroadcastServer::new(vec![listener], None).serve(stopped.clone()));
        let heard: Arc<Mutex<Vec<Vec<String>>>> = Arc::new(Mutex::new(vec![Vec::new(); 2]));
        let clients: Vec<_> = (0..2)
            .map(|place| {
                let (heard, stopped) = (heard.clone(), stopped.clone());
                tokio::spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    let request = ClientRequest::new("localhost", "/");
                    let config = Config::client([place as u8; 32]);
                    let connection = Connection::client(config, request, Duration::ZERO);
                    let greeting = format!("hello from {place}");
                    let tell = |text: &str| heard.lock().unwrap()[place].push(text.to_owned());
                    listen(stream, connection, &greeting, stopped, tell).await;
                })
            })
            .collect();
        let complete = |heard: &[Vec<String>]| {
            let wanted = ["hello from 0", "hello from 1"];
            heard.iter().all(|all| {
                let greeted = wanted.iter().all(|greeting| all.iter().any(|text| text == greeting));
                greeted && all.iter().any(|text| text.starts_with("tick "))
            })
        };
        let waited = Instant::now();
        while !complete(&heard.lock().unwrap()) {
            assert!(waited.elapsed() < Duration::from_secs(10), "{heard:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.send(true).unwrap();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    }
}
