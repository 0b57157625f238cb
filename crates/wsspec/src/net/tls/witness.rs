use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that remembers the first octets that came, so that one can tell what it was if it was not TLS.
#[derive(Debug)]
pub struct Witness<S> {
    inner: S,
    first: [u8; 8],
    len: usize,
}

impl<S> Witness<S> {
    /// Nothing came yet.
    pub fn new(inner: S) -> Self {
        Self { inner, first: [0; 8], len: 0 }
    }

    /// The first octets, at most eight.
    pub fn first_octets(&self) -> &[u8] {
        &self.first[..self.len]
    }

    /// The stream below, to look at.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The stream below.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Witness<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        let (at, take) = (self.len, new.len().min(self.first.len() - self.len));
        self.first[at..at + take].copy_from_slice(&new[..take]);
        self.len += take;
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Witness<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
