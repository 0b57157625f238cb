//! The threads that serve connections without TLS.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use mio::Waker;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc as signal};
use wsspec_endpoint::Config;

use super::event_loop::EventLoop;

/// What a thread is told.
pub(super) enum Order {
    /// A new connection, and its share of the most that are served at a time.
    Serve(std::net::TcpStream, OwnedSemaphorePermit),
    /// Close all connections and end.
    Stop,
}

/// The threads. Dropped, they drop their connections and end.
pub(super) struct Workers {
    workers: Vec<Worker>,
    /// Who gets the next connection.
    next: usize,
    /// Closed when all threads have ended.
    ended: signal::Receiver<Infallible>,
}

struct Worker {
    orders: Option<Sender<Order>>,
    waker: Arc<Waker>,
}

impl Workers {
    /// Starts so many threads.
    ///
    /// # Errors
    /// There are no file descriptors or threads left.
    pub(super) fn start(threads: usize, config: &Arc<Config>) -> io::Result<Self> {
        let (running, ended) = signal::channel(1);
        let workers = (0..threads).map(|_| Worker::start(config.clone(), running.clone()));
        Ok(Self { workers: workers.collect::<io::Result<_>>()?, next: 0, ended })
    }

    /// Serves a connection.
    pub(super) fn take(&mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        // It fails where the socket is gone.
        if let Ok(stream) = stream.into_std() {
            self.workers[self.next].order(Order::Serve(stream, permit));
            self.next = (self.next + 1) % self.workers.len();
        }
    }

    /// Ends all connections, `politely` or at once, and waits until that is done.
    pub(super) async fn end(mut self, politely: bool) {
        if politely {
            self.workers.iter().for_each(|worker| worker.order(Order::Stop));
            // Nothing is ever sent.
            let _ = self.ended.recv().await;
        }
    }
}

impl Worker {
    fn start(config: Arc<Config>, running: signal::Sender<Infallible>) -> io::Result<Self> {
        let (orders, inbox): (_, Receiver<Order>) = mpsc::channel();
        let (event_loop, waker) = EventLoop::new(config, inbox)?;
        thread::Builder::new().name("echo".to_owned()).spawn(move || {
            event_loop.run();
            drop(running);
        })?;
        Ok(Self { orders: Some(orders), waker })
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            // A thread that cannot be woken takes its orders with the next event.
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.waker.wake();
    }
}
