//! The options of commands that connect over TLS.

use std::path::PathBuf;

use clap::Args;

use crate::net::tls::ClientTls;

/// How `wss://` addresses are connected to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Trust the authorities in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Accept any certificate: for tests only
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// Ask for this name, and check it, instead of the host of the address
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// Offer these protocols with ALPN, as in http/1.1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub alpn: Vec<String>,
    /// Show the certificate in this PEM file if the server wants one
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// The private key that goes with it, if it is in another file
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
}

impl TlsArgs {
    /// What they mean.
    pub fn to_tls(&self) -> ClientTls {
        ClientTls {
            ca: self.cacert.clone(),
            insecure: self.insecure,
            cert: self.cert.clone(),
            key: self.key.clone(),
            sni: self.sni.clone(),
            alpn: self.alpn.clone(),
            key_log: None,
        }
    }

    /// The words that say the same again.
    pub fn words(&self) -> Vec<String> {
        let files = [("--cacert", &self.cacert), ("--cert", &self.cert), ("--key", &self.key)];
        let files =
            files.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?.display().to_string())));
        let alpn = Some(self.alpn.join(",")).filter(|names| !names.is_empty());
        let pairs = files.chain(self.sni.clone().map(|name| ("--sni", name)));
        let pairs = pairs.chain(alpn.map(|names| ("--alpn", names)));
        let words = pairs.flat_map(|(name, value)| [name.to_owned(), value]);
        words.chain(self.insecure.then(|| "-k".to_owned())).collect()
    }
}
