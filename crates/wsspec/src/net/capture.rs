//! The octets of connections, as they flow, in a capture file for Wireshark.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::KeyLog;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wsspec_engine::{Direction, TcpEnd};
use wsspec_report::pcap::{self, Flow, Side};

use super::Transport;
use super::legs::Leg;
use super::socket::Socket;

/// What decrypts the TLS connections of this process, in the form of SSLKEYLOGFILE.
#[derive(Debug, Default)]
pub struct Keys {
    lines: Mutex<Vec<u8>>,
    file: Mutex<Option<File>>,
}

impl Keys {
    /// Writes every key to this file too, as soon as it is known: Wireshark can watch.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_to(&self, path: &Path) -> io::Result<()> {
        *lock(&self.file) = Some(private(path)?);
        Ok(())
    }
}

impl KeyLog for Keys {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        lock(&self.lines).extend_from_slice(line.as_bytes());
        if let Some(file) = lock(&self.file).as_mut() {
            // A disk that is full must not end a TLS handshake.
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// A capture in the making. Its packets are in a temporary file, because the keys have to stand before them.
#[derive(Debug)]
pub struct Capture {
    path: PathBuf,
    keys: Arc<Keys>,
    packets: Mutex<Option<Packets>>,
    connections: AtomicU16,
}

#[derive(Debug)]
struct Packets {
    file: BufWriter<File>,
    failed: Option<io::Error>,
}

impl Capture {
    /// Begins a capture that is going to be at this path, readable by its owner only.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn create(path: &Path, keys: Arc<Keys>) -> io::Result<Self> {
        let capture =
            Self { path: path.to_owned(), keys, packets: Mutex::default(), connections: AtomicU16::new(0) };
        let file = BufWriter::new(private(&capture.beside("packets"))?);
        *lock(&capture.packets) = Some(Packets { file, failed: None });
        Ok(capture)
    }

    /// Puts the file together. What comes later is not captured.
    ///
    /// # Errors
    /// It cannot be written, or a packet could not be.
    pub fn finish(&self) -> io::Result<()> {
        let Some(mut packets) = lock(&self.packets).take() else { return Ok(()) };
        packets.file.flush()?;
        if let Some(error) = packets.failed {
            return Err(error);
        }
        let (parts, whole) = (self.beside("packets"), self.beside("part"));
        let mut out = private(&whole)?;
        out.write_all(&pcap::header())?;
        let keys = lock(&self.keys.lines);
        if !keys.is_empty() {
            out.write_all(&pcap::secrets(&keys))?;
        }
        io::copy(&mut File::open(&parts)?, &mut out)?;
        fs::rename(&whole, &self.path)?;
        fs::remove_file(&parts)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.{ending}"))
    }

    fn write(&self, blocks: &[u8]) {
        if let Some(packets) = lock(&self.packets).as_mut()
            && let Err(error) = packets.file.write_all(blocks)
        {
            packets.failed.get_or_insert(error);
        }
    }
}

/// A new file that only its owner can read.
///
/// # Errors
/// It cannot be made.
pub fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        // One that was there keeps its mode otherwise.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Microseconds since 1970.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A connection that may be captured.
#[derive(Debug)]
pub struct Tapped {
    stream: Socket,
    tap: Option<Box<Tap>>,
    /// Who takes down what flows, too.
    leg: Option<Arc<Leg>>,
}

#[derive(Debug)]
struct Tap {
    capture: Arc<Capture>,
    flow: Flow,
    /// The end that is ours.
    own: Side,
    peer: Side,
}

impl Tapped {
    /// A connection that has just been opened.
    pub fn new(stream: Socket, capture: Option<&Arc<Capture>>) -> Self {
        Self::with_tap(stream, capture, Side::Client)
    }

    /// A connection that has just been accepted.
    pub fn accepted(stream: Socket, capture: Option<&Arc<Capture>>) -> Self {
        Self::with_tap(stream, capture, Side::Server)
    }

    fn with_tap(stream: Socket, capture: Option<&Arc<Capture>>, own: Side) -> Self {
        let tap = capture.and_then(|capture| {
            let (here, there) = stream.ends(capture.connections.fetch_add(1, Ordering::Relaxed))?;
            let (client, server, peer) = match own {
                Side::Client => (here, there, Side::Server),
                Side::Server => (there, here, Side::Client),
            };
            let (flow, packets) = Flow::open(client, server, now_us());
            capture.write(&packets);
            Some(Box::new(Tap { capture: capture.clone(), flow, own, peer }))
        });
        Self { stream, tap, leg: None }
    }

    /// What flows is taken down there, too.
    pub fn watched_by(mut self, leg: Arc<Leg>) -> Self {
        self.leg = Some(leg);
        self
    }

    /// Whether small writes go out at once.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.stream.set_nodelay(on)
    }

    fn tell(&self, direction: Direction, octets: &[u8]) {
        if let Some(leg) = &self.leg {
            leg.octets(direction, octets);
        }
    }

    fn tell_end(&self, how: TcpEnd) {
        if let Some(leg) = &self.leg {
            leg.end(how);
        }
    }

    fn note(&mut self, from: Whose, packets: impl FnOnce(&mut Flow, u64, Side) -> Vec<u8>) {
        if let Some(tap) = &mut self.tap {
            let side = if from == Whose::Own { tap.own } else { tap.peer };
            let packets = packets(&mut tap.flow, now_us(), side);
            tap.capture.write(&packets);
        }
    }
}

/// Who sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    Peers,
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.note(Whose::Own, Flow::fin);
        if let Some(leg) = &self.leg {
            leg.over();
        }
    }
}

impl Transport for Tapped {
    fn abort(mut self) {
        self.note(Whose::Own, Flow::reset);
        self.stream.reset_on_close();
    }
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        let octets = &buf.filled()[before..];
        match &done {
            Poll::Ready(Ok(())) if octets.is_empty() => self.tell_end(TcpEnd::PeerFin),
            Poll::Ready(Ok(())) => self.tell(Direction::Rx, octets),
            Poll::Ready(Err(_)) => self.tell_end(TcpEnd::PeerReset),
            Poll::Pending => {}
        }
        if self.tap.is_some() {
            match &done {
                Poll::Ready(Ok(())) if octets.is_empty() => self.note(Whose::Peers, Flow::fin),
                Poll::Ready(Ok(())) => {
                    self.note(Whose::Peers, |flow, now, side| {
                        flow.data(now, side, octets, octets.len() as u64)
                    });
                }
                Poll::Ready(Err(_)) => self.note(Whose::Peers, Flow::reset),
                Poll::Pending => {}
            }
        }
        done
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, octets);
        if let Poll::Ready(Ok(written)) = done {
            self.tell(Direction::Tx, &octets[..written]);
            self.note(Whose::Own, |flow, now, side| flow.data(now, side, &octets[..written], written as u64));
        }
        done
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.tap.is_some() || self.leg.is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note(Whose::Own, Flow::fin);
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
