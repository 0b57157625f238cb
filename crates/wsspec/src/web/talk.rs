//! The page of the echo and broadcast servers: a line to type in, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wsspec_wire::write_response;

use crate::serve::request::read;
use crate::target::Target;

const PAGE: &str = include_str!("talk.html");
const SCRIPT: &str = include_str!("talk.js");
/// The page talks to the server that it is given.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
const LIMIT: Duration = Duration::from_secs(5);

/// Serves while it lives.
pub(crate) struct Talk(JoinHandle<()>);

impl Drop for Talk {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the page for this WebSocket server, if an address is given.
pub(crate) async fn serve(address: Option<SocketAddr>, target: &Target) -> Option<Talk> {
    let listener = TcpListener::bind(address?).await.ok()?;
    let scheme = if target.secure { "wss" } else { "ws" };
    let config =
        serde_json::json!({ "scheme": scheme, "port": target.port, "path": target.resource }).to_string();
    Some(Talk(tokio::spawn(async move {
        loop {
            // One after the other is enough for a page, and bounds what it takes.
            if let Ok((stream, _)) = listener.accept().await {
                let _ = tokio::time::timeout(LIMIT, answer(stream, &config)).await;
            }
        }
    })))
}

async fn answer(mut stream: TcpStream, config: &str) {
    let Ok(request) = read(&mut stream, LIMIT).await else { return };
    let (kind, body) = match request.head.target.as_slice() {
        b"/talk.js" => ("text/javascript; charset=utf-8", SCRIPT),
        b"/config" => ("application/json", config),
        _ => ("text/html; charset=utf-8", PAGE),
    };
    let length = body.len().to_string();
    let headers = [
        ("Connection", "close"),
        ("Content-Type", kind),
        ("Content-Length", length.as_str()),
        ("Content-Security-Policy", POLICY),
    ];
    let mut octets = write_response(200, "OK", &[&headers[..], &super::GUARD].concat());
    octets.extend_from_slice(body.as_bytes());
    let _ = stream.write_all(&octets).await;
    super::finish(stream).await;
}
