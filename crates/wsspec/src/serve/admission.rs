//! Which WebSocket connections a server takes at all: by the client's Origin (RFC 6455 4.2.2), and by how many
//! are open.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wsspec_report::glob;
use wsspec_wire::{RequestHead, write_response};

use crate::net::Transport;
use crate::web;

/// What a server takes.
#[derive(Debug, Default)]
pub struct Admission {
    /// Patterns of the origins of browser pages that may connect, as in `https://*.example.com`; `None`: any.
    /// A client that sends no Origin is no page, and may.
    origins: Option<Vec<String>>,
    /// Room for connections; `None`: for as many as come.
    room: Option<Arc<Semaphore>>,
}

/// Why a connection is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) why: String,
}

/// What a client is told that asks for what is not there (E23).
const WHAT_TO_DO: &str = "  try      GET /getCaseCount first; or use --exec-case and write no loop at all
  why      wsspec explain E23
";

impl Refusal {
    /// Answers that the connection is not taken, and ends it.
    pub(super) async fn answer<T: Transport>(&self, mut stream: T) {
        let advice = if self.status == 400 { WHAT_TO_DO } else { "" };
        let body = format!("wsspec: {}\n{advice}", self.why);
        let length = body.len().to_string();
        let headers = [
            ("Connection", "close"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Length", length.as_str()),
        ];
        let mut octets = write_response(self.status, self.reason, &headers);
        octets.extend_from_slice(body.as_bytes());
        // The client may have gone.
        let _ = stream.write_all(&octets).await;
        web::finish(stream).await;
    }
}

/// Counts as an open connection until it is dropped.
pub(super) type Place = Option<OwnedSemaphorePermit>;

impl Admission {
    /// Pages of these origins, and at most so many connections at once.
    pub fn new(origins: Option<Vec<String>>, connections: Option<usize>) -> Self {
        let room = connections.map(|most| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))));
        Self { origins, room }
    }

    /// Takes the connection, or says why not.
    pub(super) fn admit(&self, head: &RequestHead) -> Result<Place, Refusal> {
        if let Some(origin) = head.headers.get("Origin").map(String::from_utf8_lossy)
            && !self.allows(&origin)
        {
            let why = format!("the Origin {} is none of allowedOrigins", origin.escape_debug());
            return Err(Refusal { status: 403, reason: "Forbidden", why });
        }
        let Some(room) = &self.room else { return Ok(None) };
        room.clone().try_acquire_owned().map(Some).map_err(|_| Refusal {
            status: 503,
            reason: "Service Unavailable",
            why: "as many connections as maxConnections allows are open".to_owned(),
        })
    }

    fn allows(&self, origin: &str) -> bool {
        let Some(patterns) = &self.origins else { return true };
        let port = match origin.split_once("://") {
            Some((_, authority)) if authority.rsplit(']').next().is_some_and(|end| end.contains(':')) => "",
            Some(("http", _)) => ":80",
            Some(("https", _)) => ":443",
            _ => "",
        };
        let origin = origin.to_ascii_lowercase();
        // A pattern may name the port that the origin leaves out.
        let forms = [origin.clone(), format!("{origin}{port}")];
        let matches = |pattern: &String| {
            let pattern = pattern.to_ascii_lowercase();
            forms.iter().any(|form| glob::matches(&pattern, form))
        };
        patterns.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(origin: Option<&str>) -> RequestHead {
        let line = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        RequestHead::parse(format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n").as_bytes())
    }

    #[test]
    fn origins_are_taken_by_pattern() {
        let admission = Admission::new(
            Some(vec!["https://*.example.com".to_owned(), "http://[::1]:80".to_owned()]),
            None,
        );
        for origin in
            [None, Some("https://a.example.com"), Some("HTTPS://A.example.com"), Some("http://[::1]")]
        {
            assert!(admission.admit(&head(origin)).is_ok(), "{origin:?}");
        }
        for origin in ["https://example.com", "http://a.example.com", "null", "https://a.example.com:8443"] {
            let refusal = admission.admit(&head(Some(origin))).unwrap_err();
            assert_eq!(refusal.status, 403, "{origin}");
        }
        assert!(Admission::default().admit(&head(Some("null"))).is_ok());
    }

    #[test]
    fn a_connection_more_than_allowed_is_refused_until_one_ends() {
        let admission = Admission::new(None, Some(1));
        let place = admission.admit(&head(None)).unwrap();
        assert_eq!(admission.admit(&head(None)).unwrap_err().status, 503);
        drop(place);
        assert!(admission.admit(&head(None)).is_ok());
    }
}
