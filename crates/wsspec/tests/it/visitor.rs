//! A client by hand: writes the request, reads octets, sends frames. It knows no more than RFC 6455. One that falls silent
//! can be started as a process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wsspec_wire::{FrameDecoder, FrameHeader, Opcode, Token};

/// A connection to a tester.
pub(crate) struct Visitor {
    stream: TcpStream,
    /// The head of the response.
    pub(crate) head: String,
    input: Vec<u8>,
    decoder: FrameDecoder,
}

impl Visitor {
    /// Asks for a WebSocket on this resource and reads the head of the response.
    pub(crate) fn ask(port: u16, resource: &str) -> Self {
        Self::ask_with(port, resource, "")
    }

    /// The same with further header lines.
    pub(crate) fn ask_with(port: u16, resource: &str, more: &str) -> Self {
        let request = format!(
            "GET {resource} HTTP/1.1\r\nHost: tester.invalid:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
        );
        Self::send(port, request.as_bytes())
    }

    /// Sends octets and reads the head of the response.
    pub(crate) fn send(port: u16, request: &[u8]) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        let mut input = Vec::new();
        let mut buffer = [0; 4096];
        let end = loop {
            if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let read = stream.read(&mut buffer).unwrap();
            if read == 0 {
                break input.len();
            }
            input.extend_from_slice(&buffer[..read]);
        };
        let head = String::from_utf8(input.drain(..end).collect()).unwrap();
        Self { stream, head, input, decoder: FrameDecoder::default() }
    }

    /// The status code.
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    /// Reads on until this has come.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, octets: &[u8]) {
        let mut buffer = [0; 4096];
        while !self.input.windows(octets.len()).any(|part| part == octets) {
            let read = self.stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the end came before {}", octets.escape_ascii());
            self.input.extend_from_slice(&buffer[..read]);
        }
    }

    /// The rest of the connection, as it comes.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let _ = self.stream.read_to_end(&mut self.input);
        self.input
    }

    /// The body of the response as text.
    pub(crate) fn body(self) -> String {
        String::from_utf8(self.rest()).unwrap()
    }

    /// The next frame: opcode and payload; `None` at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<(Opcode, Vec<u8>)> {
        let mut header: Option<FrameHeader> = None;
        let mut payload = Vec::new();
        loop {
            let mut input = std::mem::take(&mut self.input);
            let mut at = 0;
            while let (consumed, Some(token)) = self.decoder.next(&mut input[at..]) {
                match token {
                    Token::Header(found) => header = Some(found),
                    Token::Payload { .. } => payload.extend_from_slice(&input[at..at + consumed]),
                    Token::FrameEnd => {
                        self.input = input.split_off(at + consumed);
                        return header.map(|header| (header.opcode, payload));
                    }
                }
                at += consumed;
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(read) if read > 0 => self.input.extend_from_slice(&buffer[..read]),
                _ => return None,
            }
        }
    }

    /// Sends a frame, masked with a key of zeros.
    pub(crate) fn tell(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut octets = Vec::new();
        let header = FrameHeader { mask: Some([0; 4]), ..FrameHeader::new(opcode, payload.len() as u64) };
        header.encode(&mut octets);
        octets.extend_from_slice(payload);
        let _ = self.stream.write_all(&octets);
    }

    /// Echoes until the connection ends, as a client under test does.
    pub(crate) fn echo(mut self) {
        while let Some((opcode, payload)) = self.frame() {
            match opcode {
                Opcode::PING => self.tell(Opcode::PONG, &payload),
                Opcode::CLOSE => {
                    self.tell(Opcode::CLOSE, &payload);
                    break;
                }
                opcode if opcode.is_data() => self.tell(opcode, &payload),
                _ => {}
            }
        }
        self.rest();
    }
}

/// The one text message of a control address; asserts that an empty Close frame follows.
#[track_caller]
pub(crate) fn control(port: u16, resource: &str) -> String {
    let mut visitor = Visitor::ask(port, resource);
    assert_eq!(visitor.status(), 101, "{resource}: {}", visitor.head);
    let (opcode, text) = visitor.frame().expect("a message");
    assert_eq!(opcode, Opcode::TEXT, "{resource}");
    assert_eq!(visitor.frame(), Some((Opcode::CLOSE, Vec::new())), "{resource}: an empty Close frame");
    visitor.tell(Opcode::CLOSE, &[]);
    assert_eq!(visitor.rest(), b"", "the server ends TCP");
    String::from_utf8(text).unwrap()
}

/// The empty Close frame of an address that says nothing else.
#[track_caller]
pub(crate) fn closed(port: u16, resource: &str) {
    let mut visitor = Visitor::ask(port, resource);
    assert_eq!(visitor.frame(), Some((Opcode::CLOSE, Vec::new())), "{resource}: {}", visitor.head);
    visitor.tell(Opcode::CLOSE, &[]);
    visitor.rest();
}

/// A plain HTTP request: head and body.
pub(crate) fn get(port: u16, path: &str, more: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{more}\r\n");
    let visitor = Visitor::send(port, request.as_bytes());
    (visitor.head.clone(), visitor.body())
}

/// The command of a client that asks for this resource, below the address that it is given, and says nothing then.
pub(crate) fn silent(resource: &str) -> String {
    let program = std::env::current_exe().unwrap();
    format!("env 'SILENT={resource}' {} --exact --nocapture visitor::that_is_silent", program.display())
}

/// Not a test in itself: with the variables of [`silent`] it is the client that other tests start.
#[test]
#[expect(clippy::print_stdout, reason = "it is a program: it prints")]
fn that_is_silent() {
    let (Ok(resource), Ok(url)) = (std::env::var("SILENT"), std::env::var("WSSPEC_URL")) else { return };
    let url = url + &resource;
    let (host, resource) = url.strip_prefix("ws://127.0.0.1:").unwrap().split_once('/').unwrap();
    let _open = Visitor::ask(host.parse().unwrap(), &format!("/{resource}"));
    println!("silent");
    loop {
        std::thread::park();
    }
}
