//! What the server says on its control addresses: one text message, then an empty Close frame.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wsspec_endpoint::{Config, Connection, Event, Message};

use super::request::Request;
use crate::net::Transport;
use crate::net::session::Session;

/// A WebSocket that is open and waits for the server to say something.
pub(super) struct Control<T> {
    session: Session<T>,
}

impl<T: Transport> Control<T> {
    /// Takes the opening handshake; `None` if the request does not ask for one as it should. A refusal is sent here, the
    /// answer as soon as this waits for something.
    pub(super) async fn open(stream: T, request: &Request, subprotocols: &[String]) -> Option<Self> {
        let config = Config {
            subprotocols: subprotocols.to_vec(),
            close_timeout: Duration::from_secs(1),
            tcp_close_timeout: Duration::from_secs(1),
            max_message_size: 1 << 20,
            max_frame_size: 1 << 20,
            // A server draws no random numbers.
            ..Config::server([0; 32])
        };
        let mut session =
            Session::new(stream, Connection::server(Arc::new(config), Duration::ZERO), Instant::now());
        session.connection().handle_input(&request.head.raw, Duration::ZERO);
        session.connection().handle_input(&request.rest, Duration::ZERO);
        while let Some(event) = session.event().await {
            if let Event::Open(_) = event {
                return Some(Self { session });
            }
        }
        None
    }

    /// Waits for something; nothing if the client goes before.
    pub(super) async fn wait_for<O>(&mut self, what: impl Future<Output = O>) -> Option<O> {
        tokio::select! {
            what = what => Some(what),
            () = self.wait() => None,
        }
    }

    /// Sends the text, if there is one, as soon as that is known, then closes. Ends early if the client goes.
    pub(super) async fn say(mut self, text: impl Future<Output = Option<String>>) {
        let text = tokio::select! {
            text = text => text,
            () = self.wait() => return,
        };
        if let Some(text) = text {
            // A connection that was closed meanwhile takes nothing.
            let _ = self.session.connection().send(Message::text(text));
        }
        self.close().await;
    }

    /// Waits for something to be done, then closes. Ends early if the client goes, but what is to be done is done.
    pub(super) async fn after(mut self, done: impl Future<Output = ()>) {
        tokio::pin!(done);
        let gone = tokio::select! {
            () = &mut done => false,
            () = self.wait() => true,
        };
        if gone {
            done.await;
        } else {
            self.close().await;
        }
    }

    /// A Close frame with a code, and a reason that is cut where it is too long for one (RFC 6455 5.5).
    pub(super) async fn close_with(self, code: u16, reason: &str) {
        const MOST: usize = 123;
        let end = (0..=reason.len().min(MOST)).rev().find(|end| reason.is_char_boundary(*end));
        self.session.close_because(Some(code), &reason[..end.unwrap_or(0)]).await;
    }

    /// An empty Close frame.
    pub(super) async fn close(self) {
        self.session.close(None).await;
    }

    async fn wait(&mut self) {
        while self.session.event().await.is_some() {}
    }
}
