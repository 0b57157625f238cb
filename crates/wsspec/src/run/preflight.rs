//! One look at the peer before the first case, so that one mistake gives one message.

use std::time::Duration;

use wsspec_engine::ClientOpening;
use wsspec_report::Untrusted;

use super::refusal::no_echo;
use crate::errors::Problem;
use crate::net::Stream;
use crate::net::client::{Secure, dial, resolve};
use crate::net::exchange::{self, Answer, Echo};
use crate::net::socket::Address;
use crate::target::Target;

/// The offer of permessage-deflate that is tried.
pub const OFFER: &str = "permessage-deflate; client_max_window_bits";
pub(super) const ECHO_LIMIT: Duration = Duration::from_secs(2);
/// How long a second connection may take while the first is open, before the server is taken for one that
/// serves one at a time.
pub(super) const SECOND_LIMIT: Duration = Duration::from_secs(1);
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What is known of a peer before the first case.
#[derive(Clone, Debug)]
pub struct PeerFacts {
    /// Where it is.
    pub addresses: Vec<Address>,
    /// The value of its `Server` header.
    pub server: Option<Untrusted>,
    /// It echoed what was sent, if that was tried.
    pub echoed: bool,
    /// It agreed on permessage-deflate.
    pub deflate: bool,
    /// It does not take a second connection while one is open.
    pub one_at_a_time: bool,
    /// A key that was sent in an opening handshake.
    pub key: String,
    /// From the upgrade request to its answer.
    pub answered_in: Duration,
}

/// How to look.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// The address.
    pub target: &'a Target,
    /// What is said in the opening handshake.
    pub opening: &'a ClientOpening,
    /// TLS, if the address asks for that.
    pub secure: Option<&'a Secure>,
    /// For the connection, and again for the answer.
    pub limit: Duration,
    /// Whether an echo is needed.
    pub echo: bool,
    /// Whether an opening handshake that breaks a rule is left to the cases.
    pub lenient: bool,
    /// Whether wsspec starts the server.
    pub started: bool,
    /// Ports nearby that are known to be somebody else's: other servers of the run, the backend.
    pub others: &'a [u16],
}

/// Connects, opens a WebSocket and has something echoed.
///
/// # Errors
/// The one reason why no case can run, E01 to E12.
pub async fn preflight(look: &Look<'_>) -> Result<PeerFacts, Problem> {
    let addresses = match resolve(look.target, look.limit).await {
        Ok(addresses) => addresses,
        Err(error) => return Err(look.unreachable(error, &[]).await),
    };
    let (first, answer) = look.open(&addresses, Some(OFFER), look.limit).await?;
    let mut facts = PeerFacts {
        addresses,
        server: answer.head.headers.get("Server").map(Untrusted::from_octets),
        echoed: false,
        deflate: answer.has_deflate(),
        one_at_a_time: false,
        key: answer.key.clone(),
        answered_in: answer.took,
    };
    // The second connection is opened while the first is there: some servers take one at a time.
    let limit = SECOND_LIMIT.min(look.limit);
    let second = match look.open(&facts.addresses, None, limit).await {
        Ok(second) => {
            tokio::spawn(exchange::close(first, CLOSE_LIMIT));
            second
        }
        Err(_) => {
            exchange::close(first, CLOSE_LIMIT).await;
            facts.one_at_a_time = true;
            look.open(&facts.addresses, None, look.limit).await?
        }
    };
    facts.echoed = look.check_echo(second).await?;
    Ok(facts)
}

impl Look<'_> {
    /// Connects and opens a WebSocket.
    ///
    /// # Errors
    /// Why that is not possible, E01 to E11.
    pub async fn open(
        &self,
        addresses: &[Address],
        extensions: Option<&str>,
        limit: Duration,
    ) -> Result<(Stream, Answer), Problem> {
        match dial(addresses, self.secure, limit).await {
            Ok(stream) => self.upgrade(stream, extensions, limit).await,
            Err(error) => Err(self.unreachable(error, addresses).await),
        }
    }

    /// Opens a WebSocket on a connection.
    ///
    /// # Errors
    /// Why that is not possible, E03 to E09.
    pub async fn upgrade(
        &self,
        mut stream: Stream,
        extensions: Option<&str>,
        limit: Duration,
    ) -> Result<(Stream, Answer), Problem> {
        let answer = exchange::open(&mut stream, self.opening, extensions, limit)
            .await
            .map_err(|error| self.no_answer(&error, limit))?;
        if answer.head.status != Some(101) {
            let body = exchange::body_start(&mut stream, &answer).await;
            return Err(self.refused(&answer, &body).await);
        }
        match answer.breach(self.opening, extensions.is_some()) {
            Some(breach) if !self.lenient => Err(self.wrong_upgrade(&answer, &breach)),
            _ => Ok((stream, answer)),
        }
    }

    /// Whether it echoes, if that is asked for and the upgrade is right.
    async fn check_echo(&self, (mut stream, answer): (Stream, Answer)) -> Result<bool, Problem> {
        if !self.echo || answer.breach(self.opening, false).is_some() {
            exchange::close(stream, CLOSE_LIMIT).await;
            return Ok(false);
        }
        let text = format!("wsspec-probe-{:04x}", rand::random::<u16>());
        let (echo, then) = exchange::echo_and_more(&mut stream, &answer.rest, &text, ECHO_LIMIT).await;
        if echo == Echo::Same && then.is_none() {
            exchange::closed(stream, CLOSE_LIMIT).await;
            return Ok(true);
        }
        Err(no_echo(&text, &echo, then))
    }
}
