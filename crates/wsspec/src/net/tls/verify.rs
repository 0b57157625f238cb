use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The cryptography: ring, chosen here and not by whichever crate comes first.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Checks certificates, or lets all pass, and in both cases remembers the last one for messages.
#[derive(Debug)]
pub(super) struct Witnessed {
    /// `None`: any certificate is accepted.
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    last: Mutex<Option<CertificateDer<'static>>>,
}

impl Witnessed {
    pub(super) fn new(roots: RootCertStore, insecure: bool) -> Self {
        let strict = || WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok();
        Self { strict: if insecure { None } else { strict() }, provider: provider(), last: Mutex::new(None) }
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
    let issuer_unknown = rustls::CertificateError::UnknownIssuer;
    let checked = itself.map(|check| check.verify_server_cert(certificate, &[], name, &[], UnixTime::now()));
    matches!(checked, Ok(result) if result.as_ref().err() != Some(&Error::InvalidCertificate(issuer_unknown)))
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
        match &self.strict {
            Some(strict) => strict.verify_server_cert(certificate, chain, name, ocsp, now),
            None => Ok(ServerCertVerified::assertion()),
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
