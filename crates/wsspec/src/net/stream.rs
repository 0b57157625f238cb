use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::CertificateDer;
use rustls::{CommonState, ProtocolVersion};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wsspec_report::record::TlsRecord;

use super::capture::Tapped;
use super::tls::ClientStream;
use super::{Transport, certificate};

/// A connection to a server, with TLS or without.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Plain(Tapped),
    /// TLS over TCP.
    Secure(Box<ClientStream<Tapped>>),
}

impl Stream {
    /// Whether small writes go out at once (`TCP_NODELAY`) or wait for more octets or an acknowledgement.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_nodelay(on),
            Self::Secure(stream) => stream.get_ref().0.inner().set_nodelay(on),
        }
    }

    /// What TLS came to, if there is TLS.
    pub fn tls(&self) -> Option<TlsRecord> {
        match self {
            Self::Plain(_) => None,
            Self::Secure(stream) => {
                let connection = stream.get_ref().1;
                tls_facts(connection, connection.peer_certificates().and_then(<[_]>::first))
            }
        }
    }
}

/// What the TLS handshake came to; `certificate` is the server's.
pub fn tls_facts(connection: &CommonState, certificate: Option<&CertificateDer<'_>>) -> Option<TlsRecord> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => "1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "1.3".to_owned(),
        other => format!("{other:?}"),
    };
    Some(TlsRecord {
        version,
        cipher: connection.negotiated_cipher_suite()?.suite().as_str().unwrap_or("unknown").to_owned(),
        alpn: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).as_ref().into()),
        certificate: certificate.map(|der| hex(&Sha256::digest(der))),
        holder: certificate.and_then(|der| certificate::read(der)),
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Transport for Stream {
    fn abort(self) {
        match self {
            Self::Plain(stream) => stream.abort(),
            Self::Secure(stream) => stream.abort(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Secure(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
