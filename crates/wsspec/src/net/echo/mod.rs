//! The echo server: the strict endpoint on a port.
//!
//! Connections without TLS are served by [`workers`]: threads with an [`event_loop`] each, whose [`session`]s cost
//! little more than the state of the connection. Those with TLS are tasks of the runtime.

mod event_loop;
mod session;
#[cfg(test)]
mod tests;
mod timers;
mod vigil;
mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use wsspec_endpoint::{Config, Connection};

use super::endpoint::{FAREWELL, run};
use super::tls::ServerTls;
use super::transport::send_unpaced;
use workers::Workers;

/// An echo server, bound and not yet serving.
pub struct EchoServer {
    listener: TcpListener,
    config: Arc<Config>,
    connections: Arc<Semaphore>,
    carrier: Carrier,
}

/// What connections run on.
enum Carrier {
    Plain(Workers),
    Secure(ServerTls),
}

impl EchoServer {
    /// Listens on this address.
    ///
    /// # Errors
    /// The address cannot be bound, or the system has no threads or file descriptors left.
    pub async fn bind(address: &str, config: Config, max_connections: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        send_unpaced(&listener);
        let connections = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        let config = Arc::new(config);
        // As many as the runtime has.
        let threads = tokio::runtime::Handle::current().metrics().num_workers();
        let carrier = Carrier::Plain(Workers::start(threads, &config)?);
        Ok(Self { listener, config, connections, carrier })
    }

    /// Speaks TLS on all connections.
    pub fn with_tls(self, tls: Option<ServerTls>) -> Self {
        match tls {
            Some(tls) => Self { carrier: Carrier::Secure(tls), ..self },
            None => self,
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` becomes true, then closes what is open with 1001. Connections beyond the cap wait to
    /// be accepted.
    pub async fn serve(mut self, mut stop: watch::Receiver<bool>) {
        let mut secure = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = secure.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((stream, permit)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            match &mut self.carrier {
                Carrier::Plain(workers) => workers.take(stream, permit),
                Carrier::Secure(tls) => {
                    let serve = serve_secure(stream, tls.clone(), self.config.clone(), stop.clone());
                    secure.spawn(async move {
                        serve.await;
                        drop(permit);
                    });
                }
            }
        }
        if let Carrier::Plain(workers) = self.carrier {
            let stopped_and_not_forgotten = *stop.borrow();
            workers.end(stopped_and_not_forgotten).await;
        }
        let _ = timeout(FAREWELL, secure.join_all()).await;
    }

    async fn accept(&self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permit = self.connections.clone().acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => Some((stream, permit)),
            Err(_) => {
                // Out of file descriptors, say: give the open connections time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

async fn serve_secure(stream: TcpStream, tls: ServerTls, config: Arc<Config>, stop: watch::Receiver<bool>) {
    if let Ok(Ok(stream)) = timeout(config.handshake_timeout, tls.acceptor.accept(stream)).await {
        let connection = Connection::server(config, Duration::ZERO);
        drop(Box::pin(run(stream, connection, Instant::now().into(), stop)).await);
    }
}
