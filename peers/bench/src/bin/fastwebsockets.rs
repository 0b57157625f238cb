//! Echo server on fastwebsockets, which writes every message at once. Usage: fastwebsockets PORT

use bench_peers::{Failure, handshake, serve};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use tokio::net::TcpStream;

async fn handle(mut stream: TcpStream) -> Result<(), Failure> {
    handshake(&mut stream, |_| None).await?;
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}

fn main() -> Result<(), Failure> {
    serve(handle)
}
