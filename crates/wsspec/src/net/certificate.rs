//! What a certificate says.

use std::net::IpAddr;

use jiff::Timestamp;
use wsspec_report::Untrusted;
use wsspec_report::record::CertificateRecord;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

/// Characters of a name that are kept.
const LENGTH: usize = 256;
/// Names that are kept.
const NAMES: usize = 16;

/// Reads a certificate in DER; nothing if it cannot be read.
pub(super) fn read(der: &[u8]) -> Option<CertificateRecord> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(name);
    let time = |time: ASN1Time| Timestamp::from_second(time.timestamp()).map(|time| time.to_string());
    Some(CertificateRecord {
        subject: cut(&certificate.subject().to_string()),
        issuer: cut(&certificate.issuer().to_string()),
        names: names.take(NAMES).collect(),
        not_before: time(certificate.validity().not_before).ok()?,
        not_after: time(certificate.validity().not_after).ok()?,
    })
}

fn name(name: &GeneralName<'_>) -> Option<Untrusted> {
    match name {
        GeneralName::DNSName(name) => Some(cut(name)),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from)).ok()?;
            Some(Untrusted::from(address.to_string()))
        }
        _ => None,
    }
}

fn cut(text: &str) -> Untrusted {
    Untrusted::from(text.chars().take(LENGTH).collect::<String>())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn subject_names_and_validity_are_read() {
        let mut params = CertificateParams::new(vec!["a.test".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "x".repeat(300));
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2027, 3, 4);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = read(certificate.der()).unwrap();
        assert!(read.subject.raw().starts_with("CN=") && read.subject.raw().chars().count() == LENGTH);
        assert_eq!(read.issuer, read.subject);
        assert_eq!(read.names, ["a.test", "127.0.0.1"].map(Untrusted::from));
        assert_eq!((&*read.not_before, &*read.not_after), ("2026-01-02T00:00:00Z", "2027-03-04T00:00:00Z"));
    }

    #[test]
    fn what_is_no_certificate_is_nothing() {
        assert_eq!(read(b""), None);
        assert_eq!(read(&[0x30, 0x82, 0xff, 0xff, 0]), None);
    }
}
