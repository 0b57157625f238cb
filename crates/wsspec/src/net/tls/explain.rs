use std::io;
use std::net::IpAddr;
use std::path::Path;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, Error};

use super::{fingerprint, verify::is_self_signed, words};
use crate::errors::{ErrorCode, Problem};
use crate::net::certificate;

/// The alert by which the peer ended TLS. In TLS 1.3 a server judges the client's certificate after the client's part
/// of the handshake, so that its alert comes with the first read (RFC 8446 4.4.2.4).
pub fn alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// Shows what neither side says of itself.
const BOTH_SIDES: &str = "openssl s_client -connect HOST:PORT   (shows both sides)";

/// What a server means by an alert, and what to do.
pub fn explain_alert(alert: AlertDescription) -> Problem {
    const OWN: &str = "--cert cert.pem --key key.pem";
    let (why, way) = match alert {
        AlertDescription::CertificateRequired => ("the server wants a client certificate", OWN),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown => ("the server does not accept the client certificate", OWN),
        AlertDescription::ProtocolVersion => ("the server speaks no TLS 1.2 or 1.3", BOTH_SIDES),
        AlertDescription::HandshakeFailure => {
            ("no cipher in common, or the server has no certificate for the name", BOTH_SIDES)
        }
        AlertDescription::UnrecognisedName => ("the server knows no such name", "--sni NAME"),
        AlertDescription::NoApplicationProtocol => {
            ("the server wants another protocol to be chosen by ALPN", "--alpn http/1.1")
        }
        _ => ("the server gives no further reason", BOTH_SIDES),
    };
    Problem::new(ErrorCode::E30, "the server broke off the TLS handshake")
        .fact("got", format!("the TLS alert {}", words::alert(alert)))
        .fact("why", why)
        .fact("try", way)
}

/// A TLS handshake that failed, and what is known of it.
pub(super) struct Attempt<'a> {
    pub(super) host: &'a str,
    /// The name that was asked for.
    pub(super) name: &'a str,
    /// The file of what is trusted, if one was given.
    pub(super) ca: Option<&'a Path>,
    /// The certificate that the server showed, if it came so far.
    pub(super) certificate: Option<CertificateDer<'static>>,
    /// The first octets from the server.
    pub(super) first: &'a [u8],
}

impl Attempt<'_> {
    pub(super) fn explain(&self, error: &io::Error) -> Problem {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(why)) => self.refused(why),
            Some(Error::AlertReceived(alert)) => explain_alert(*alert),
            _ if self.is_plain_http() => self.plain(),
            Some(other) => self.failed(&words::of_tls(other)),
            None => self.broken_off(error),
        }
    }

    /// A TLS record begins with its type, 20 to 23, and the version 3.
    fn is_plain_http(&self) -> bool {
        self.first.len() >= 4 && self.first.iter().all(|octet| matches!(octet, 9 | 10 | 13 | 32..=126))
    }

    fn plain(&self) -> Problem {
        let hex: Vec<String> = self.first.iter().map(|octet| format!("{octet:02x}")).collect();
        let text = String::from_utf8_lossy(self.first).escape_debug().to_string();
        Problem::new(ErrorCode::E10, "the address says wss://, but the server does not speak TLS")
            .fact("sent", "TLS ClientHello")
            .fact("got", format!("{} = \"{text}\"", hex.join(" ")))
    }

    fn refused(&self, why: &CertificateError) -> Problem {
        let mut problem =
            Problem::new(ErrorCode::E11, format!("the TLS certificate of {:?} is not accepted", self.host));
        problem = problem.fact("why", self.in_words(why));
        if let Some(names) = self.other_names(why) {
            problem =
                problem.fact("also", format!("the name does not match: the certificate is for {names}"));
        }
        if let Some(certificate) = &self.certificate {
            problem = problem.fact("got", self.in_short(certificate));
        }
        let sni = self.other_name(why).map(|name| format!("--sni {name}"));
        let mut ways: Vec<String> = self.trust(why).into_iter().chain(sni).collect();
        ways.push("-k   accepts any certificate, for tests only".to_owned());
        let first = problem.fact("try", ways.remove(0));
        ways.into_iter().fold(first, |problem, way| problem.fact("or", way))
    }

    /// What to trust, where that is what is lacking.
    fn trust(&self, why: &CertificateError) -> Option<String> {
        let lacking = match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
            CertificateError::Other(_) => self.is_self_signed(),
            _ => false,
        };
        let (itself, what) = match self.is_self_signed() {
            true => ("cert.pem", "with this certificate itself"),
            false => ("ca.pem", "with the certificate of its issuer"),
        };
        lacking.then(|| match self.ca {
            None => format!("--cacert {itself}   {what}"),
            Some(ca) => format!("--cacert {itself}   {what}, which {} does not hold", ca.display()),
        })
    }

    /// `self-signed, CN=localhost, valid to 2027-01-03, SHA-256 4f:1c:..:9e`
    fn in_short(&self, shown: &CertificateDer<'_>) -> String {
        let mut parts = Vec::new();
        if let Some(read) = certificate::read(shown) {
            let subject = read.subject.for_terminal(NAME);
            match self.is_self_signed() {
                true => parts.push(format!("self-signed, {subject}")),
                false => parts.push(format!("{subject}, issued by {}", read.issuer.for_terminal(NAME))),
            }
            let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
            parts.push(format!("valid {} to {}", day(&read.not_before), day(&read.not_after)));
        }
        parts.push(format!("SHA-256 {}", shortened(&fingerprint(shown))));
        parts.join(", ")
    }

    /// A name of the certificate that could be asked for, where the one that is asked for is not among them.
    fn other_name(&self, why: &CertificateError) -> Option<String> {
        let wrong = matches!(
            why,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        );
        if !wrong && self.other_names(why).is_none() {
            return None;
        }
        let read = certificate::read(self.certificate.as_ref()?)?;
        let name = read.names.first()?.raw();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | ':');
        (name.len() <= NAME && name != self.name && name.chars().all(plain)).then(|| name.to_owned())
    }

    fn in_words(&self, why: &CertificateError) -> String {
        match why {
            // A wrong signature: another issuer of the same name is trusted.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => match self.is_self_signed() {
                true => "it is signed by itself, and not trusted".to_owned(),
                false => "its issuer is not trusted".to_owned(),
            },
            CertificateError::NotValidForName => format!("it is not for the name {:?}", self.name),
            CertificateError::NotValidForNameContext { presented, .. } => {
                format!("it is not for the name {:?} but for {}", self.name, listed(presented))
            }
            CertificateError::Expired => "it has expired".to_owned(),
            CertificateError::ExpiredContext { time, not_after } => {
                let days = time.as_secs().saturating_sub(not_after.as_secs()) / 86_400;
                format!("it expired {days} days ago, or the clock of this machine is wrong")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet, or the clock of this machine is wrong".to_owned()
            }
            other => words::of_certificate(other),
        }
    }

    fn is_self_signed(&self) -> bool {
        let name = ServerName::try_from(self.name.to_owned());
        matches!((&self.certificate, name), (Some(shown), Ok(name)) if is_self_signed(shown, &name))
    }

    /// The names of the certificate, if they are wrong beside what was found wrong first.
    fn other_names(&self, why: &CertificateError) -> Option<String> {
        if matches!(why, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
        {
            return None;
        }
        let parsed = ParsedCertificate::try_from(self.certificate.as_ref()?).ok()?;
        let name = ServerName::try_from(self.name.to_owned()).ok()?;
        match verify_server_name(&parsed, &name) {
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented, ..
            })) => Some(listed(&presented)),
            _ => None,
        }
    }

    fn failed(&self, why: &str) -> Problem {
        Problem::new(ErrorCode::E30, "the TLS handshake failed").fact("why", why).fact("try", BOTH_SIDES)
    }

    fn broken_off(&self, error: &io::Error) -> Problem {
        let got = match self.first.len() {
            0 => "the connection was closed before any octet came".to_owned(),
            _ => format!("the connection was closed in the middle ({})", error.kind()),
        };
        Problem::new(ErrorCode::E30, "the server broke off the TLS handshake")
            .fact("got", got)
            .fact("usually", "the port does not speak TLS, or the server needs a client certificate")
            .fact("try", BOTH_SIDES)
    }
}

/// Characters of a name that are shown.
const NAME: usize = 60;

/// Enough of a fingerprint to tell certificates apart.
fn shortened(fingerprint: &str) -> String {
    format!("{}:..:{}", &fingerprint[..23], &fingerprint[fingerprint.len() - 5..])
}

fn listed(names: &[String]) -> String {
    /// The names come from the peer.
    const MOST: usize = 5;
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| bare(name)).collect();
    match names.len() {
        0 => return "no name at all (it has no subjectAltName)".to_owned(),
        n if n > MOST => shown.push(format!("{} more", n - MOST)),
        _ => {}
    }
    shown.join(", ")
}

/// The library writes `DnsName("a.test")` and `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> String {
    let address = name.strip_prefix("IpAddress(").and_then(|rest| rest.strip_suffix(')'));
    let bare =
        address.map(|text| text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string()));
    bare.unwrap_or_else(|| name.split('"').nth(1).unwrap_or(name).to_owned()).escape_debug().to_string()
}
