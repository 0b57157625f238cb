use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

/// The cryptography: ring, chosen here and not by whichever crate comes first.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Which certificates of servers are accepted.
#[derive(Debug)]
enum Trust {
    /// Any.
    All,
    /// Those that one of these authorities has issued; `None`: there is no authority that can be used.
    Issued(Option<Arc<WebPkiServerVerifier>>),
}

/// Checks certificates, or lets all pass, and in both cases remembers the last one for messages.
#[derive(Debug)]
pub(super) struct Witnessed {
    trust: Trust,
    /// These need no issuer: the user named them.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    last: Mutex<Option<CertificateDer<'static>>>,
}

impl Witnessed {
    /// Accepts what one of the roots has issued, and a certificate that is itself one of `pinned`.
    pub(super) fn new(roots: RootCertStore, pinned: Vec<CertificateDer<'static>>) -> Self {
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok();
        Self { trust: Trust::Issued(strict), pinned, provider: provider(), last: Mutex::new(None) }
    }

    /// Accepts any certificate.
    pub(super) fn insecure() -> Self {
        Self { trust: Trust::All, pinned: Vec::new(), provider: provider(), last: Mutex::new(None) }
    }

    /// The certificate that was seen last.
    pub(super) fn last(&self) -> Option<CertificateDer<'static>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a certificate is signed with its own key.
pub(super) fn is_self_signed(certificate: &CertificateDer<'static>, name: &ServerName<'_>) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(certificate.clone()).is_err() {
        return false;
    }
    let itself = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let issuer_unknown = CertificateError::UnknownIssuer;
    let checked = itself.map(|check| check.verify_server_cert(certificate, &[], name, &[], UnixTime::now()));
    matches!(checked, Ok(result) if result.as_ref().err() != Some(&Error::InvalidCertificate(issuer_unknown)))
}

/// A certificate that the user named: it needs no issuer, and may be made for an authority, as the usual command of
/// OpenSSL makes it. Its days and its name count as ever.
fn verify_pinned(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let (_, read) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let time = |at: ASN1Time| {
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0)))
    };
    let (not_before, not_after) = (time(read.validity().not_before), time(read.validity().not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
    Ok(ServerCertVerified::assertion())
}

impl ServerCertVerifier for Witnessed {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate.clone().into_owned());
        match &self.trust {
            Trust::All => Ok(ServerCertVerified::assertion()),
            Trust::Issued(_) if self.pinned.contains(certificate) => verify_pinned(certificate, name, now),
            Trust::Issued(Some(strict)) => strict.verify_server_cert(certificate, chain, name, ocsp, now),
            Trust::Issued(None) => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
