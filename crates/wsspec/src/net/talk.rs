//! A WebSocket connection by hand, as a client that judges nothing.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use wsspec_wire::{FrameDecoder, FrameHeader, Opcode, Token, copy_masked};

/// Sends frames, and puts together what comes.
pub struct Talk<S> {
    stream: S,
    reader: MessageReader,
    heard: VecDeque<(Opcode, Vec<u8>)>,
    buffer: Vec<u8>,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A control frame, or a whole message; of a long one the first octets.
    Frame(Opcode, Vec<u8>),
    /// The connection is gone.
    End,
    /// Nothing in time.
    Nothing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Goes on behind the opening handshake; `keep`: the most octets that are kept of a message.
    pub fn new(stream: S, already_read: &[u8], keep: usize) -> Self {
        let mut reader = MessageReader::new(keep);
        let heard = reader.feed(&mut already_read.to_vec()).into();
        Self { stream, reader, heard, buffer: vec![0; 16 << 10] }
    }

    /// Sends a masked frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(opcode, payload)).await?;
        self.stream.flush().await
    }

    /// Sends a masked frame, and reads meanwhile: a peer may send before it has read all.
    pub async fn send_and_hear(&mut self, opcode: Opcode, payload: &[u8], deadline: Instant) -> Heard {
        let octets = frame(opcode, payload);
        let (mut input, mut output) = tokio::io::split(&mut self.stream);
        let write = async {
            // A peer that refuses tells why in what it sends.
            let _ = output.write_all(&octets).await;
            let _ = output.flush().await;
        };
        let hear = hear(&mut input, &mut self.reader, &mut self.heard, &mut self.buffer, deadline);
        tokio::pin!(write, hear);
        tokio::select! {
            biased;
            heard = &mut hear => return heard,
            () = &mut write => {}
        }
        hear.await
    }

    /// The next message or control frame.
    pub async fn next(&mut self, deadline: Instant) -> Heard {
        hear(&mut self.stream, &mut self.reader, &mut self.heard, &mut self.buffer, deadline).await
    }
}

async fn hear(
    stream: &mut (impl AsyncRead + Unpin),
    reader: &mut MessageReader,
    heard: &mut VecDeque<(Opcode, Vec<u8>)>,
    buffer: &mut [u8],
    deadline: Instant,
) -> Heard {
    loop {
        if let Some((opcode, payload)) = heard.pop_front() {
            return Heard::Frame(opcode, payload);
        }
        match timeout_at(deadline, stream.read(buffer)).await {
            // A flood keeps the stream readable for ever, so the clock is looked at as well.
            _ if Instant::now() >= deadline => return Heard::Nothing,
            Err(_) => return Heard::Nothing,
            Ok(Ok(0) | Err(_)) => return Heard::End,
            Ok(Ok(read)) => heard.extend(reader.feed(&mut buffer[..read])),
        }
    }
}

fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let key = rand::random();
    let mut octets = Vec::with_capacity(FrameHeader::MAX_LEN + payload.len());
    let header = FrameHeader { mask: Some(key), ..FrameHeader::new(opcode, payload.len() as u64) };
    header.encode(&mut octets);
    copy_masked(key, 0, payload, &mut octets);
    octets
}

/// Puts frames together to messages, keeping their first octets only.
struct MessageReader {
    /// The most octets that are kept of a message.
    keep: usize,
    decoder: FrameDecoder,
    frame: Option<FrameHeader>,
    control: Vec<u8>,
    message: Vec<u8>,
    opcode: Option<Opcode>,
}

impl MessageReader {
    fn new(keep: usize) -> Self {
        Self {
            keep,
            decoder: FrameDecoder::default(),
            frame: None,
            control: Vec::new(),
            message: Vec::new(),
            opcode: None,
        }
    }

    fn feed(&mut self, mut input: &mut [u8]) -> Vec<(Opcode, Vec<u8>)> {
        let mut done = Vec::new();
        while let (consumed, Some(token)) = self.decoder.next(input) {
            let (taken, rest) = input.split_at_mut(consumed);
            match token {
                Token::Header(header) => self.begin(header),
                Token::Payload { .. } => self.keep(taken),
                Token::FrameEnd => done.extend(self.end()),
            }
            input = rest;
        }
        done
    }

    fn begin(&mut self, header: FrameHeader) {
        self.frame = Some(header);
        self.control.clear();
        if !header.opcode.is_control() && !header.opcode.is_continuation() {
            self.opcode = Some(header.opcode);
            self.message.clear();
        }
    }

    fn keep(&mut self, octets: &[u8]) {
        let control = self.frame.is_some_and(|frame| frame.opcode.is_control());
        let kept = if control { &mut self.control } else { &mut self.message };
        let room = self.keep.saturating_sub(kept.len());
        kept.extend_from_slice(&octets[..octets.len().min(room)]);
    }

    fn end(&mut self) -> Option<(Opcode, Vec<u8>)> {
        let frame = self.frame.take()?;
        if frame.opcode.is_control() {
            return Some((frame.opcode, self.control.clone()));
        }
        let opcode = self.opcode.filter(|_| frame.fin)?;
        Some((opcode, std::mem::take(&mut self.message)))
    }
}
