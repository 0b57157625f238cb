//! The strict endpoint as a client under test: asks a tester for its cases and echoes in each of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use wsspec_endpoint::{
    COMMANDS, ClientRequest, Closed, Config, Connection, DeflateConfig, Deviation, Event, Violation,
};

use crate::errors::{ErrorCode, Problem};
use crate::net::client::{ConnectError, Secure, dial, resolve};
use crate::net::session::Session;
use crate::net::socket::Address;
use crate::net::{Stream, endpoint};
use crate::serve::route::encode;
use crate::target::Target;
use crate::typed;

/// For connections and control messages.
const LIMIT: Duration = Duration::from_secs(10);
/// Reports of large runs take a while.
const REPORTS_LIMIT: Duration = Duration::from_secs(120);

/// A client, and the tester that it asks.
#[derive(Clone)]
pub struct Driver {
    target: Target,
    addresses: Vec<Address>,
    secure: Option<Secure>,
    agent: String,
    deflate: Option<DeflateConfig>,
    /// Offer the subprotocol `wst.cmd`, and obey its commands.
    commands: bool,
    /// How the last connection ended.
    last_closed: Option<Closed>,
    deviations: Vec<&'static Deviation>,
}

/// What the driver tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The tester is asked how many cases it has.
    Asking,
    /// It has so many.
    Cases(u32),
    /// The so many-th is starting.
    Case(u32),
    /// The tester writes its reports.
    Reports,
}

impl Driver {
    /// Looks up where the tester is.
    ///
    /// # Errors
    /// E02, E03: its name cannot be resolved.
    pub async fn new(
        target: Target,
        secure: Option<Secure>,
        agent: &str,
        deflate: Option<DeflateConfig>,
    ) -> Result<Self, Problem> {
        let addresses = resolve(&target, LIMIT).await.map_err(|error| unreachable(&target, error))?;
        Ok(Self {
            target,
            addresses,
            secure,
            agent: agent.to_owned(),
            deflate,
            commands: false,
            last_closed: None,
            deviations: Vec::new(),
        })
    }

    /// Obeys the commands of a tester that asks for it.
    pub fn obeying(self, commands: bool) -> Self {
        Self { commands, ..self }
    }

    /// Echoes with these defects and quirks.
    pub fn deviating(self, deviations: &[&'static Deviation]) -> Self {
        Self { deviations: deviations.to_vec(), ..self }
    }

    /// Where the tester is.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Runs all cases, one after the other, until `stop` becomes true. Returns how many.
    ///
    /// # Errors
    /// The tester cannot be reached, or does not answer as one.
    pub async fn run(
        &mut self,
        stop: &watch::Receiver<bool>,
        mut tell: impl FnMut(Progress),
    ) -> Result<u32, Problem> {
        tell(Progress::Asking);
        let count = self.case_count().await?;
        tell(Progress::Cases(count));
        let agent = encode(&self.agent);
        for number in 1..=count {
            if *stop.borrow() {
                return Ok(number - 1);
            }
            tell(Progress::Case(number));
            // Who obeys no commands does not ask: nearly all that it could do is run them once.
            let connections = match self.commands {
                true => self.connections(&format!("case={number}")).await?.unwrap_or(1),
                false => 1,
            };
            for _ in 0..connections {
                self.echo(&format!("/runCase?case={number}&agent={agent}"), stop).await?;
                if *stop.borrow() {
                    return Ok(number - 1);
                }
            }
        }
        tell(Progress::Reports);
        self.control(&format!("/updateReports?agent={agent}"), REPORTS_LIMIT).await?;
        Ok(count)
    }

    /// Echoes on the address itself: in the case that it asks for, as often as that has connections, or once.
    ///
    /// # Errors
    /// There is no connection; or no WebSocket, on an address that asks for no case.
    pub async fn run_one(&mut self, stop: &watch::Receiver<bool>) -> Result<(), Problem> {
        let resource = self.target.resource.clone();
        let connections = match resource.strip_prefix("/runCase?") {
            Some(query) => self.connections(query).await?,
            None => None,
        };
        // A case may answer the opening handshake wrongly on purpose, and nobody else may.
        let Some(connections) = connections else { return self.visit(&resource, stop).await };
        for _ in 0..connections {
            self.echo(&resource, stop).await?;
        }
        Ok(())
    }

    /// Echoes on this resource until the connection ends.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn echo(&mut self, resource: &str, stop: &watch::Receiver<bool>) -> Result<(), Problem> {
        let (stream, connection) = self.connect(resource, true).await?;
        self.last_closed = endpoint::run(stream, connection, Instant::now(), stop.clone()).await;
        Ok(())
    }

    /// The same, but an answer that opens no WebSocket is an error.
    ///
    /// # Errors
    /// There is no connection, or no WebSocket on it.
    pub async fn visit(&mut self, resource: &str, stop: &watch::Receiver<bool>) -> Result<(), Problem> {
        self.echo(resource, stop).await?;
        let violation = self.last_closed.as_ref().and_then(|closed| closed.violation.as_ref());
        let Some(Violation::Response(why)) = violation else { return Ok(()) };
        let what = format!("{} opens no WebSocket on {resource:.80}", self.target.authority());
        Err(Problem::new(ErrorCode::E07, what).fact("why", why.to_string()))
    }

    async fn case_count(&self) -> Result<u32, Problem> {
        let text = self.control("/getCaseCount", LIMIT).await?;
        text.as_deref().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            Problem::new(ErrorCode::E28, format!("{} does not say how many cases it has", self.target))
                .fact("sent", "GET /getCaseCount   Upgrade: websocket")
                .fact(
                    "got",
                    text.map_or_else(
                        || "no message".to_owned(),
                        |text| format!("{:.60}", text.escape_debug()),
                    ),
                )
                .fact(
                    "usually",
                    match self.target.secure {
                        true => "the tester wants a client certificate (wsspec echo --cert), or the address is not that of a tester",
                        false => "the address is not that of a tester: wsspec serve, or wstest -m fuzzingserver",
                    },
                )
        })
    }

    /// How often the case of this query is to be asked for, if the tester says what it is.
    async fn connections(&self, query: &str) -> Result<Option<u64>, Problem> {
        let text = self.control(&format!("/getCaseInfo?{query}"), LIMIT).await?.unwrap_or_default();
        let info: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        Ok(info.map(|info| info["connections"].as_u64().unwrap_or(1)))
    }

    /// The first text message that comes on this resource.
    async fn control(&self, resource: &str, limit: Duration) -> Result<Option<String>, Problem> {
        let (stream, connection) = self.connect(resource, false).await?;
        let mut session = Session::new(stream, connection, Instant::now());
        let first = async {
            let mut text = None;
            while let Some(event) = session.event().await {
                if let Event::Message(message) = event {
                    text = text.or_else(|| message.as_text().map(str::to_owned));
                }
            }
            text
        };
        tokio::time::timeout(limit, first).await.map_err(|_| {
            let within = crate::text::duration(limit);
            Problem::new(ErrorCode::E03, format!("{} does not end {resource} within {within}", self.target))
        })
    }

    async fn connect(&self, resource: &str, echo: bool) -> Result<(Stream, Connection), Problem> {
        let stream = dial(&self.addresses, self.secure.as_ref(), LIMIT)
            .await
            .map_err(|error| unreachable(&self.target, error))?;
        let config = Config {
            echo,
            commands: self.commands,
            last_closed: self.last_closed.clone(),
            deflate: self.deflate.clone().filter(|_| echo),
            handshake_timeout: LIMIT,
            deviations: if echo { self.deviations.clone() } else { Vec::new() },
            ..Config::client(rand::random())
        };
        let commands = (self.commands && echo).then(|| COMMANDS.to_owned());
        let request = ClientRequest {
            subprotocols: commands.into_iter().collect(),
            headers: vec![("User-Agent".to_owned(), self.agent.clone())],
            ..ClientRequest::new(self.target.host_header(), resource)
        };
        Ok((stream, Connection::client(Arc::new(config), request, Duration::ZERO)))
    }
}

fn unreachable(target: &Target, error: ConnectError) -> Problem {
    let again = |address: &str, options: &[&str]| typed::driver(target, address, options);
    match error {
        ConnectError::Tls(problem) if problem.code == ErrorCode::E10 => {
            let plain = Target { secure: false, ..target.clone() };
            problem.fact("try", again(&plain.to_string(), &[]))
        }
        ConnectError::Tls(problem) => {
            problem.at(&target.authority(), |options| again(&target.to_string(), options))
        }
        ConnectError::Resolve(_) | ConnectError::WrongFamily(_) => {
            Problem::new(ErrorCode::E02, format!("cannot resolve the host name {:?}", target.host))
                .fact("try", again("ws://127.0.0.1:9001", &[]))
        }
        ConnectError::TimedOut(_) => {
            Problem::new(ErrorCode::E03, format!("no answer from {}", target.authority()))
                .fact("try", typed::other("probe", target, &["--timeout", "20s"]))
        }
        error => Problem::new(ErrorCode::E01, format!("cannot connect to {}", target.authority()))
            .fact("why", error.to_string())
            .fact("try", "wsspec serve   in another terminal, then this again"),
    }
}
