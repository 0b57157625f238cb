//! TLS under the WebSocket, by rustls: both roles, and what to say when it does not come about.

mod explain;
mod verify;
mod witness;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, KeyLog, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::errors::{ErrorCode, Problem};
use explain::Attempt;
pub use explain::{alert, explain_alert};
use verify::Witnessed;
pub use witness::Witness;

/// What the user asked for as a client.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    /// PEM file of the authorities to trust instead of the system's, or of the server's own certificate.
    pub ca: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
    /// PEM file of the client's certificate, with its chain.
    pub cert: Option<PathBuf>,
    /// PEM file of the private key that goes with it; without one, it is looked for in `cert`.
    pub key: Option<PathBuf>,
    /// The name to ask for and to check, where it differs from the host of the address.
    pub sni: Option<String>,
    /// Protocols to offer with ALPN (RFC 7301), the preferred one first.
    pub alpn: Vec<String>,
    /// Told what decrypts the connections.
    pub key_log: Option<Arc<dyn KeyLog>>,
}

/// Makes TLS connections as a client. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    verifier: Arc<Witnessed>,
    sni: Option<String>,
    /// The file of what is trusted.
    ca: Option<PathBuf>,
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// E18 for a file that is missing or holds nothing of use.
    pub fn connector(&self) -> Result<Connector, Problem> {
        let verifier = Arc::new(self.verifier()?);
        let builder = ClientConfig::builder_with_provider(verify::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("the TLS library", &error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config = match &self.cert {
            None => builder.with_no_client_auth(),
            Some(cert) => {
                let key = self.key.as_ref().unwrap_or(cert);
                let (chain, secret) = (read_chain(cert)?, read_key(key)?);
                builder.with_client_auth_cert(chain, secret).map_err(|error| mismatch(cert, key, &error))?
            }
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        if let Some(key_log) = &self.key_log {
            config.key_log = key_log.clone();
        }
        Ok(Connector { config: Arc::new(config), verifier, sni: self.sni.clone(), ca: self.ca.clone() })
    }

    fn verifier(&self) -> Result<Witnessed, Problem> {
        if self.insecure {
            return Ok(Witnessed::insecure());
        }
        let mut roots = RootCertStore::empty();
        let Some(path) = &self.ca else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            return Ok(Witnessed::new(roots, Vec::new()));
        };
        let named = read_chain(path)?;
        roots.add_parsable_certificates(named.iter().cloned());
        Ok(Witnessed::new(roots, named))
    }
}

impl Connector {
    /// The handshake as a client, over a connection that is open.
    ///
    /// # Errors
    /// E10 if the peer speaks no TLS, E11 if its certificate is refused, E30 otherwise.
    pub async fn connect<S>(&self, stream: S, host: &str) -> Result<ClientStream<S>, Problem>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = self.sni.as_deref().unwrap_or(host);
        let server = ServerName::try_from(name.to_owned()).map_err(|_| {
            Problem::new(ErrorCode::E30, format!("{name:?} is no name that TLS can ask for"))
                .fact("form", "a DNS name or an IP address")
                .fact("try", "--sni NAME")
        })?;
        let mut connecting =
            TlsConnector::from(self.config.clone()).connect(server, Witness::new(stream)).into_fallible();
        let (error, stream) = match (&mut connecting).await {
            Ok(stream) => return Ok(stream),
            Err(failed) => failed,
        };
        let (certificate, first) = (self.verifier.last(), stream.first_octets());
        let attempt = Attempt { host, name, ca: self.ca.as_deref(), certificate, first };
        Err(attempt.explain(&error))
    }
}

/// A TLS connection as a client.
pub type ClientStream<S> = tokio_rustls::client::TlsStream<Witness<S>>;

/// Answers TLS connections as a server. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls {
    /// Takes the handshake.
    pub acceptor: TlsAcceptor,
    /// The SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ServerTls {
    /// A certificate with its chain, and its key, from PEM files.
    ///
    /// # Errors
    /// E18 for a file that is missing, holds nothing of use, or does not fit the other.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, Problem> {
        Self::new(read_chain(cert)?, read_key(key)?).map_err(|error| mismatch(cert, key, &error))
    }

    /// Takes only clients that show a certificate of the authorities in this PEM file; `None`: takes all.
    ///
    /// # Errors
    /// E18 for a file that is missing or holds nothing of use.
    pub fn for_clients_of(self, authorities: Option<&Path>) -> Result<Self, Problem> {
        let Some(authorities) = authorities else { return Ok(self) };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(read_chain(authorities)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), verify::provider())
            .build()
            .map_err(|error| {
                no_pem(authorities, "CERTIFICATE", &format!("no authority for clients: {error}"))
            })?;
        Self::configure(self.chain, self.key, verifier)
            .map_err(|error| unusable("the server's certificate", &error))
    }

    /// The certificate that clients are shown.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// Tells this log what decrypts the connections.
    pub fn logging(self, key_log: Option<Arc<dyn KeyLog>>) -> Self {
        let Some(key_log) = key_log else { return self };
        let mut config = ServerConfig::clone(self.acceptor.config());
        config.key_log = key_log;
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), ..self }
    }

    /// Chooses among these protocols if a client offers some with ALPN, and refuses clients that offer none of
    /// them (RFC 7301 section 3.2); without names ALPN is ignored.
    pub fn choosing(self, names: &[String]) -> Self {
        if names.is_empty() {
            return self;
        }
        let mut config = ServerConfig::clone(self.acceptor.config());
        config.alpn_protocols = names.iter().map(|name| name.clone().into_bytes()).collect();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), ..self }
    }

    /// A certificate made on the spot for these names and addresses, signed by itself.
    ///
    /// # Errors
    /// E18 if a name is none.
    pub fn self_signed(names: &[String]) -> Result<Self, Problem> {
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| {
            Problem::new(ErrorCode::E18, format!("cannot make a certificate for {}", names.join(", ")))
                .fact("why", error.to_string())
        })?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        Self::new(vec![made.cert.der().clone()], key).map_err(|error| unusable("the new certificate", &error))
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, rustls::Error> {
        Self::configure(chain, key.into(), WebPkiClientVerifier::no_client_auth())
    }

    fn configure(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<PrivateKeyDer<'static>>,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> Result<Self, rustls::Error> {
        let config = ServerConfig::builder_with_provider(verify::provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain.clone(), key.clone_key())?;
        let fingerprint = fingerprint(&chain[0]);
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint, chain, key })
    }
}

/// Whether reading ended because the peer ended TCP without TLS's own farewell (`close_notify`, RFC 8446 6.1).
/// Many WebSocket implementations do that after their closing handshake, where nothing can be cut off any more.
pub fn ended_without_close_notify(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::UnexpectedEof
}

/// Pairs of hexadecimal digits with colons between.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate).iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(":")
}

/// At least one certificate.
fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(no_pem(path, "CERTIFICATE", "there is no such block in the file")),
        Err(error) => Err(no_pem(path, "CERTIFICATE", &error.to_string())),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| no_pem(path, "PRIVATE KEY", &error.to_string()))
}

fn no_pem(path: &Path, block: &str, why: &str) -> Problem {
    // What the file should hold is of no interest where there is none that can be read.
    if let Err(error) = std::fs::File::open(path) {
        return Problem::new(ErrorCode::E18, format!("cannot read {}", path.display()))
            .fact("why", crate::text::io_error(&error))
            .advise("the path of a PEM file, relative to this folder");
    }
    Problem::new(ErrorCode::E18, format!("cannot read {} as PEM", path.display())).fact("why", why).fact(
        "form",
        format!("-----BEGIN {block}----- and lines of base64; DER files need `openssl x509 -inform der`"),
    )
}

fn mismatch(cert: &Path, key: &Path, error: &rustls::Error) -> Problem {
    let what = format!("certificate {} and key {} cannot be used", cert.display(), key.display());
    Problem::new(ErrorCode::E18, what).fact("why", error.to_string())
}

fn unusable(what: &str, error: &rustls::Error) -> Problem {
    Problem::new(ErrorCode::E30, format!("{what} cannot be used")).fact("why", error.to_string())
}

#[cfg(test)]
mod tests;
