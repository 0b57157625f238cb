//! Words for what the TLS library says in names of its own.

use rustls::{AlertDescription, CertificateError, Error};
use webpki::Error as Chain;

/// The name of an alert as RFC 8446 section 6 writes it: `handshake_failure`.
pub(super) fn alert(alert: AlertDescription) -> String {
    let Some(name) = alert.as_str() else { return format!("number {}", u8::from(alert)) };
    // In `UnknownCA` the last two letters are one word.
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let begins = at > 0 && letter.is_ascii_uppercase() && letters[at - 1].is_ascii_lowercase();
        out.extend(begins.then_some('_'));
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// What is wrong with a certificate, beyond its issuer, name and days.
pub(super) fn of_certificate(why: &CertificateError) -> String {
    let words = match why {
        CertificateError::BadEncoding => "it cannot be read: it is no X.509 certificate in DER",
        CertificateError::Revoked => "its issuer has revoked it",
        CertificateError::UnhandledCriticalExtension => {
            "it has an extension that is marked critical, and that nobody here understands"
        }
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. }
        | CertificateError::InvalidOcspResponse => "it is not certain whether its issuer has revoked it",
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed by an algorithm that is not accepted (SHA-1, MD5, a short key)"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not made for servers: extendedKeyUsage lacks serverAuth"
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<Chain>() {
            Some(error) => of_chain(error),
            None => "the TLS library does not accept it",
        },
        _ => "the TLS library does not accept it",
    };
    words.to_owned()
}

fn of_chain(error: &Chain) -> &'static str {
    match error {
        Chain::CaUsedAsEndEntity => {
            "it is one of an authority (CA:TRUE), not of a server; only if it stands itself in --cacert is it taken"
        }
        Chain::EndEntityUsedAsCa => "it is issued by a certificate that is none of an authority (CA:FALSE)",
        Chain::UnsupportedCertVersion => "it is of X.509 version 1 or 2; TLS wants version 3 with extensions",
        Chain::UnsupportedCriticalExtension => {
            "it has an extension that is marked critical, and that nobody here understands"
        }
        Chain::NameConstraintViolation => "its issuer may not issue for that name (nameConstraints)",
        Chain::PathLenConstraintViolated | Chain::MaximumPathDepthExceeded => {
            "its chain of issuers is longer than is allowed"
        }
        Chain::InvalidSerialNumber => "its serial number is not lawful",
        Chain::SignatureAlgorithmMismatch => "it names two different algorithms for one signature",
        Chain::MaximumSignatureChecksExceeded
        | Chain::MaximumPathBuildCallsExceeded
        | Chain::MaximumNameConstraintComparisonsExceeded => {
            "its chain of issuers takes too much work to check"
        }
        Chain::ExtensionValueInvalid
        | Chain::MalformedExtensions
        | Chain::MalformedDnsIdentifier
        | Chain::MalformedNameConstraint
        | Chain::EmptyEkuExtension => "one of its extensions cannot be read",
        _ => "something in its chain of issuers is not accepted",
    }
}

/// Why a handshake failed, where it was neither the certificate nor an alert.
pub(super) fn of_tls(error: &Error) -> String {
    match error {
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent a message of TLS that has no place there".to_owned()
        }
        Error::InvalidMessage(_) => "the server sent something that is no message of TLS".to_owned(),
        Error::PeerIncompatible(_) => {
            "the server and wsspec have no version or cipher of TLS in common".to_owned()
        }
        Error::PeerMisbehaved(_) => "the server breaks a rule of TLS".to_owned(),
        Error::NoCertificatesPresented => "the server has no certificate".to_owned(),
        Error::DecryptError => "what the server sent cannot be decrypted".to_owned(),
        Error::PeerSentOversizedRecord => "the server sent a record longer than TLS allows".to_owned(),
        Error::NoApplicationProtocol => "the server chose none of the protocols of --alpn".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[test]
    fn alerts_are_named_as_the_rfc_names_them() {
        for (given, name) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::CertificateRequired, "certificate_required"),
            (AlertDescription::Unknown(0xfe), "number 254"),
        ] {
            assert_eq!(alert(given), name);
        }
    }

    #[test]
    fn the_names_of_the_library_stood_in_messages() {
        let chain = |error: Chain| CertificateError::Other(OtherError(Arc::new(error)));
        for why in [
            CertificateError::BadEncoding,
            CertificateError::InvalidPurpose,
            CertificateError::ApplicationVerificationFailure,
            chain(Chain::CaUsedAsEndEntity),
            chain(Chain::UnsupportedCertVersion),
            chain(Chain::NameConstraintViolation),
            chain(Chain::UnsupportedNameType),
            CertificateError::Other(OtherError(Arc::new(std::fmt::Error))),
        ] {
            let (words, name) = (of_certificate(&why), format!("{why:?}"));
            let name = name.trim_end_matches(')').rsplit('(').next().unwrap_or_default();
            assert!(words.contains(' ') && !words.contains(name), "{words}");
        }
    }
}
