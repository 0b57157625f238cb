use std::sync::Arc;
use std::time::Duration;

use wsspec_cases::COMMANDS;

use crate::deflate::SharedWindows;

/// How a case is run, the case itself apart.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Masking keys and nonces are drawn from it and the id of the case, so that a run can be repeated octet
    /// for octet.
    pub seed: u64,
    /// How long the opening handshake may take.
    pub open_timeout: Duration,
    /// How long the peer may take to answer the tester's Close frame.
    pub close_timeout: Duration,
    /// The same for cases that judge a late answer milder than none.
    pub patient_close_timeout: Duration,
    /// How long a server may take to drop TCP after it answered the tester's Close frame.
    pub drop_timeout: Duration,
    /// How long a server that sent the first Close frame may take to drop TCP.
    pub linger_timeout: Duration,
    /// Stretches the waits and timers of the case itself, for slow peers. 1 changes nothing.
    pub time_scale: f64,
    /// Stands in for the number of round trips of cases that loop, for quick runs.
    pub loop_count: Option<u32>,
    /// The tester offers and agrees to the subprotocol of commands
    /// ([`COMMANDS`](wsspec_cases::COMMANDS)). If not, the cases that need it do not apply.
    pub commands: bool,
    /// The subprotocols that a server tester speaks: the client's first choice among them is agreed on.
    pub subprotocols: Vec<String>,
    /// Header fields that a server tester adds to its response.
    pub response_headers: Vec<(String, String)>,
    /// How the tester behaves as an endpoint.
    pub conduct: Conduct,
    /// What runs with these settings have compressed for each other.
    pub shared: Arc<SharedWindows>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            open_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(1),
            patient_close_timeout: Duration::from_secs(3),
            drop_timeout: Duration::from_secs(1),
            linger_timeout: Duration::from_secs(5),
            time_scale: 1.0,
            loop_count: None,
            commands: true,
            subprotocols: Vec::new(),
            response_headers: Vec::new(),
            conduct: Conduct::default(),
            shared: Arc::default(),
        }
    }
}

impl Settings {
    /// All subprotocols that a server tester speaks.
    pub fn spoken(&self) -> Vec<String> {
        let commands = self.commands.then(|| COMMANDS.to_string());
        self.subprotocols.iter().cloned().chain(commands).collect()
    }

    /// A time of the case as it is run.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        // A factor that is no positive number, or a product that is no duration, changes nothing.
        let seconds = duration.as_secs_f64() * self.time_scale;
        match Duration::try_from_secs_f64(seconds) {
            Ok(scaled) if self.time_scale != 1.0 && self.time_scale > 0.0 => scaled,
            _ => duration,
        }
    }
}

/// How the tester behaves as an endpoint, apart from what its cases ask of it. By default as the RFC has it; users
/// of spec files can ask for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conduct {
    /// Fail a connection by ending TCP, without a Close frame.
    pub fail_by_drop: bool,
    /// Answer a Close frame with its own code and reason, not with 1000.
    pub echo_close: bool,
    /// A client tester masks its frames (RFC 6455 5.1).
    pub mask_client_frames: bool,
    /// A server tester masks its frames, which RFC 6455 5.1 forbids.
    pub mask_server_frames: bool,
    /// A client tester takes masked frames.
    pub accept_masked_server_frames: bool,
    /// A server tester insists on masked frames (RFC 6455 5.1).
    pub require_masked_client_frames: bool,
    /// Text that comes has to be UTF-8 (RFC 6455 8.1).
    pub validate_utf8: bool,
    /// Send messages that a script sends whole in fragments of this many octets.
    pub auto_fragment: Option<usize>,
    /// The largest payload of a data frame that is taken, in octets; larger ones are answered with 1008.
    pub largest_frame: Option<u64>,
    /// The largest message that is taken, in octets on the wire; larger ones are answered with 1009.
    pub largest_message: Option<u64>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            fail_by_drop: false,
            echo_close: false,
            mask_client_frames: true,
            mask_server_frames: false,
            accept_masked_server_frames: false,
            require_masked_client_frames: true,
            validate_utf8: true,
            auto_fragment: None,
            largest_frame: None,
            largest_message: None,
        }
    }
}

/// What a client tester says in its opening handshake (RFC 6455 4.1), the WebSocket headers apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOpening {
    /// The `Host` header.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// The subprotocols to offer, in order of preference.
    pub subprotocols: Vec<String>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
}
