//! One connection of the load generator.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use bench_peers::Failure;
use rustix::net::{RecvFlags, recv};
use wsspec_wire::inflate::Inflater;
use wsspec_wire::{FrameHeader, Rsv, apply_mask};

use crate::frames::Frames;

const READ_SIZE: usize = 256 << 10;
/// Payload of at least this length is skipped in the kernel.
const LARGE: u64 = 16 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

pub struct Connection {
    stream: TcpStream,
    /// Octets of the first frame that is due which are sent.
    sent: usize,
    /// Messages due.
    due: usize,
    /// Messages of this lap that were sent or are due, and the replies that came.
    lap_due: u64,
    lap_replies: u64,
    /// The beginning of a header of a reply.
    head: Vec<u8>,
    /// Octets of the payload of a reply that are still to come.
    missing: u64,
    /// Whether they end a message.
    last: bool,
    sent_at: Instant,
}

/// What a call of [`Connection::pump`] got.
#[derive(Default)]
pub struct Pumped {
    pub replies: u64,
    pub octets: u64,
    pub round_trip: Option<Duration>,
    pub ends_lap: bool,
}

impl Connection {
    /// Does the opening handshake.
    pub fn open(port: u16, deflate: bool) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let extension = if deflate { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
        let request = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet)?;
            head.push(octet[0]);
        }
        let head = String::from_utf8(head)?.to_lowercase();
        if !head.starts_with("http/1.1 101 ") || head.contains("permessage-deflate") != deflate {
            return Err(format!("unexpected response: {head}").into());
        }
        let sent_at = Instant::now();
        Ok(Self {
            stream,
            sent: 0,
            due: 0,
            lap_due: 0,
            lap_replies: 0,
            head: Vec::new(),
            missing: 0,
            last: true,
            sent_at,
        })
    }

    /// Sends one message and checks that it comes back.
    pub fn verify(&mut self, frames: &Frames) -> Result<(), Failure> {
        // Written on the side: neither end may wait for the other to read.
        let mut writer = self.stream.try_clone()?;
        std::thread::scope(|scope| {
            let writing = scope.spawn(move || writer.write_all(frames.rest(1, 0)));
            let echoed = read_message(&mut self.stream)?;
            writing.join().map_err(|_| "the writer has failed")??;
            if echoed == frames.payload { Ok(()) } else { Err("the echo differs from the message".into()) }
        })
    }

    /// The socket, which from now on never blocks.
    pub fn start(&mut self) -> Result<RawFd, Failure> {
        self.stream.set_nonblocking(true)?;
        Ok(self.stream.as_raw_fd())
    }

    /// Begins a lap: puts messages in flight.
    pub fn begin_lap(&mut self, frames: &Frames, window: usize) -> Result<(), Failure> {
        (self.lap_due, self.lap_replies) = (window as u64, 0);
        self.due += window;
        self.write(frames)
    }

    /// Reads what has come, and sends a message for each reply that came, up to so many in a lap.
    pub fn pump(&mut self, frames: &Frames, window: usize, lap: u64) -> Result<Pumped, Failure> {
        let mut pumped = Pumped::default();
        self.read(&mut pumped)?;
        if window == 1 && pumped.replies > 0 {
            pumped.round_trip = Some(self.sent_at.elapsed());
        }
        let more = pumped.replies.min(lap.saturating_sub(self.lap_due));
        self.lap_due += more;
        self.due += more as usize;
        self.lap_replies += pumped.replies;
        pumped.ends_lap = pumped.replies > 0 && self.lap_replies == lap;
        self.write(frames)?;
        Ok(pumped)
    }

    fn write(&mut self, frames: &Frames) -> Result<(), Failure> {
        if self.due > 0 && self.sent == 0 {
            self.sent_at = Instant::now();
        }
        while self.due > 0 {
            match self.stream.write(frames.rest(self.due, self.sent)) {
                Ok(written) => {
                    self.sent += written;
                    self.due -= self.sent / frames.len;
                    self.sent %= frames.len;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads until there is nothing left.
    fn read(&mut self, pumped: &mut Pumped) -> Result<(), Failure> {
        BUFFER.with_borrow_mut(|buffer| {
            loop {
                let skip = self.missing >= LARGE;
                let room = if skip { buffer.len().min(self.missing as usize) } else { buffer.len() };
                // With TRUNC the octets of a TCP stream are thrown away without a copy.
                let flags = if skip { RecvFlags::TRUNC } else { RecvFlags::empty() };
                let read = match recv(&self.stream, &mut buffer[..room], flags) {
                    Ok((_, 0)) => return Err("the server has closed the connection".into()),
                    Ok((_, read)) => read,
                    Err(rustix::io::Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                };
                pumped.octets += read as u64;
                if skip {
                    self.payload(read as u64, pumped)
                } else {
                    self.parse(&buffer[..read], pumped)
                }
                if read < room {
                    return Ok(());
                }
            }
        })
    }

    fn payload(&mut self, octets: u64, pumped: &mut Pumped) {
        self.missing -= octets;
        if self.missing == 0 && self.last {
            pumped.replies += 1;
        }
    }

    fn parse(&mut self, mut octets: &[u8], pumped: &mut Pumped) {
        while !octets.is_empty() {
            if self.missing == 0 {
                let before = self.head.len();
                let header = if before == 0 { FrameHeader::decode(octets) } else { None };
                let (header, len) = match header {
                    Some(found) => found,
                    None => {
                        self.head.extend_from_slice(&octets[..octets.len().min(FrameHeader::MAX_LEN)]);
                        let Some((header, len)) = FrameHeader::decode(&self.head) else { return };
                        self.head.clear();
                        (header, len - before)
                    }
                };
                octets = &octets[len..];
                self.last = header.fin && !header.opcode.is_control();
                self.missing = header.length;
            }
            let part = octets.len().min(usize::try_from(self.missing).unwrap_or(usize::MAX));
            octets = &octets[part..];
            self.payload(part as u64, pumped);
        }
    }
}

/// Reads one message, blocking.
fn read_message(stream: &mut TcpStream) -> Result<Vec<u8>, Failure> {
    let (mut message, mut compressed) = (Vec::new(), false);
    loop {
        let mut head = Vec::new();
        let header = loop {
            let mut octet = [0];
            stream.read_exact(&mut octet)?;
            head.push(octet[0]);
            if let Some((header, _)) = FrameHeader::decode(&head) {
                break header;
            }
        };
        let mut payload = vec![0; usize::try_from(header.length)?];
        stream.read_exact(&mut payload)?;
        // As it was sent, where the server only sends octets back.
        if let Some(key) = header.mask {
            apply_mask(key, 0, &mut payload);
        }
        if header.opcode.is_control() {
            continue;
        }
        compressed |= header.rsv.contains(Rsv::RSV1);
        message.append(&mut payload);
        if header.fin {
            break;
        }
    }
    if !compressed {
        return Ok(message);
    }
    let mut inflated = Vec::new();
    let mut inflater = Inflater::new(15)?;
    inflater.feed(&message, usize::MAX - 1, &mut inflated)?;
    inflater.finish_message(usize::MAX - 1, &mut inflated)?;
    Ok(inflated)
}
