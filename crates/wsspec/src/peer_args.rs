//! The options of commands that connect to one peer and run no cases.

use std::path::PathBuf;

use clap::Args;
use wsspec_engine::ClientOpening;
use wsspec_report::record::Redaction;

use crate::errors::Problem;
use crate::net::socket::check_path;
use crate::run::peer::{PeerPlan, plan_peers, secure};
use crate::run::plan::read_headers;
use crate::target::OVER_SOCKET;
use crate::terminal::Console;
use crate::tls_args::TlsArgs;
use crate::typed;

/// Which peer, and what is said in the opening handshake.
#[derive(Clone, Debug, Args)]
pub struct PeerArgs {
    /// The address: ws://HOST:PORT/PATH or wss://
    #[arg(value_name = "URL", required_unless_present = "unix")]
    pub url: Option<String>,
    /// Add a header to the opening handshake; a value env:NAME is taken from the environment
    #[arg(short = 'H', long, value_name = "K: V")]
    pub header: Vec<String>,
    /// Offer this subprotocol
    #[arg(short, long, value_name = "NAME")]
    pub subprotocol: Vec<String>,
    /// Send this Origin
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// Connect to this Unix socket, whatever the address says [default address: ws://localhost]
    #[arg(long, value_name = "PATH")]
    pub unix: Option<PathBuf>,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
}

impl PeerArgs {
    /// The address.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(OVER_SOCKET)
    }

    /// What they mean. Their secrets are kept out of what is printed and logged.
    ///
    /// # Errors
    /// E27, E18: the address, a header or a certificate cannot be read.
    pub fn plan(&self, console: &Console) -> Result<PeerPlan, Problem> {
        let mut redaction = Redaction::default();
        let opening = ClientOpening {
            origin: self.origin.clone(),
            subprotocols: self.subprotocol.clone(),
            headers: read_headers(&self.header, &mut redaction)?,
            ..ClientOpening::default()
        };
        self.unix.as_deref().map(check_path).transpose()?;
        let address = typed::read_address(self.url(), &mut redaction)?;
        console.redact(&redaction);
        let mut peers = plan_peers(&[address], &[], &opening)?;
        secure(&mut peers, &self.tls.to_tls())?;
        let mut peer = peers.remove(0);
        if let Some(target) = &mut peer.target {
            target.via.unix.clone_from(&self.unix);
        }
        Ok(peer)
    }
}
