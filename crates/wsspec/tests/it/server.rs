//! A server to be started with `--exec`: this very program, told by a variable how to behave. It knows no more
//! than the cases that the tests choose.
#![expect(clippy::print_stdout, clippy::exit, reason = "it is a program: it prints, and it dies")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use wsspec_wire::{FrameDecoder, FrameHeader, Opcode, RequestHead, Token, accept_key, write_response};

/// The command that starts it. `manner` is a word of [`manner`].
pub(crate) fn command(manner: &str) -> String {
    let program = std::env::current_exe().unwrap();
    format!("env SERVER={manner} {} --exact --nocapture server::under_test", program.display())
}

fn manner(word: &str) -> Option<usize> {
    let manner = std::env::var("SERVER").unwrap_or_default();
    let (name, number) = manner.split_once('=').unwrap_or((manner.as_str(), "0"));
    (name == word).then(|| number.parse().unwrap())
}

/// Not a test in itself: with the variables of [`command`] it is the server that other tests start.
#[test]
fn under_test() {
    let (Ok(port), Ok(_)) = (std::env::var("WSSPEC_PORT"), std::env::var("SERVER")) else { return };
    let port = if manner("other-port").is_some() { 0 } else { port.parse().unwrap() };
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    if manner("hostile-text").is_some() {
        println!("\x1b[2J\x1b]0;owned\x07::error::faked\u{202e} <script>alert(1)</script>");
    }
    if let Ok(secret) = std::env::var("SECRET") {
        println!("the secret is {secret}");
    }
    if let Ok(case) = std::env::var("WSSPEC_CASE") {
        println!("started for case {case}");
    }
    say_ready();
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    for (n, stream) in listener.incoming().enumerate() {
        if manner("die-after").is_some_and(|most| n >= most) {
            println!("thread 'conn-{n}' panicked at src/utf8.rs:88: index out of bounds");
            std::process::abort();
        }
        if manner("deaf-after").is_some_and(|most| n >= most) {
            drop(listener);
            loop {
                std::thread::park();
            }
        }
        OPEN.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            let _ = serve(stream.unwrap());
            let open = OPEN.fetch_sub(1, Ordering::SeqCst);
            // The connections before the first case are left alone.
            if manner("die-between").is_some_and(|most| n >= most) && open == 1 {
                std::process::exit(0);
            }
        });
    }
}

fn say_ready() {
    let Ok(descriptor) = std::env::var("WSSPEC_READY_FD") else { return };
    let mut file = std::fs::File::options().write(true).open(format!("/proc/self/fd/{descriptor}")).unwrap();
    writeln!(file, "ready").unwrap();
}

fn serve(mut stream: TcpStream) -> Option<()> {
    let request = head(&mut stream)?;
    let key = request.headers.get("Sec-WebSocket-Key");
    let Some(key) = key else {
        let status = if request.target == b"/health" { 200 } else { 404 };
        return stream.write_all(&write_response(status, "Here", &[("Content-Length", "0")])).ok();
    };
    if manner("silent").is_some() {
        loop {
            std::thread::park();
        }
    }
    let accept = accept_key(key);
    let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)];
    stream.write_all(&write_response(101, "Switching Protocols", &headers)).ok()?;
    let (mut decoder, mut input) = (FrameDecoder::default(), Vec::new());
    while let Some((opcode, payload)) = frame(&mut stream, &mut decoder, &mut input) {
        if let Some(len) = manner("hang-at") {
            hang_if(payload.len() == len);
        }
        match opcode {
            Opcode::PING => send(&mut stream, Opcode::PONG, &payload)?,
            Opcode::CLOSE => {
                send(&mut stream, Opcode::CLOSE, &payload)?;
                return None;
            }
            opcode if opcode.is_data() => send(&mut stream, opcode, &payload)?,
            Opcode::PONG => {}
            _ if manner("die-later").is_some() => {
                send(&mut stream, Opcode::CLOSE, &1002u16.to_be_bytes())?;
                std::thread::spawn(|| {
                    let millis = manner("die-later").unwrap_or_default();
                    std::thread::sleep(std::time::Duration::from_millis(millis as u64));
                    std::process::exit(7);
                });
                return frame(&mut stream, &mut decoder, &mut input).map(drop);
            }
            opcode => {
                println!("connection has sent {opcode:?}, which nobody expected");
                std::process::abort();
            }
        }
    }
    None
}

/// Lets nothing be answered any more, on no connection, when it is so. All else comes a little later than that.
fn hang_if(so: bool) {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    if !so {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let _turn = TURN.lock();
    if so {
        loop {
            std::thread::park();
        }
    }
}

fn head(stream: &mut TcpStream) -> Option<RequestHead> {
    let (mut octets, mut one) = (Vec::new(), [0]);
    while !octets.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut one).ok()?;
        octets.push(one[0]);
    }
    Some(RequestHead::parse(&octets))
}

fn frame(
    stream: &mut TcpStream,
    decoder: &mut FrameDecoder,
    input: &mut Vec<u8>,
) -> Option<(Opcode, Vec<u8>)> {
    let mut header: Option<FrameHeader> = None;
    let mut payload = Vec::new();
    loop {
        let mut octets = std::mem::take(input);
        let mut at = 0;
        while let (consumed, Some(token)) = decoder.next(&mut octets[at..]) {
            match token {
                Token::Header(found) => header = Some(found),
                Token::Payload { .. } => payload.extend_from_slice(&octets[at..at + consumed]),
                Token::FrameEnd => {
                    *input = octets.split_off(at + consumed);
                    return header.map(|header| (header.opcode, payload));
                }
            }
            at += consumed;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => input.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

fn send(stream: &mut TcpStream, opcode: Opcode, payload: &[u8]) -> Option<()> {
    let mut octets = Vec::new();
    FrameHeader::new(opcode, payload.len() as u64).encode(&mut octets);
    octets.extend_from_slice(payload);
    stream.write_all(&octets).ok()
}
