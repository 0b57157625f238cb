//! Echo server on yawc, with the buffers of its own benchmarks and the fastest DEFLATE. Usage: yawc PORT

use bench_peers::{Failure, MAX_MESSAGE, echo, handshake, serve};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use yawc::{Frame, OpCode, Options, Role, WebSocket};

async fn handle(mut stream: TcpStream) -> Result<(), Failure> {
    let options = Options::default()
        .with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE)
        .with_read_buffer_capacity(128 << 10)
        .with_backpressure_boundary(64 << 10)
        .with_low_latency_compression()
        .with_utf8();
    let agree = |offer: &str| offer.contains("permessage-deflate").then(|| "permessage-deflate".to_owned());
    let extensions = handshake(&mut stream, agree).await?;
    let socket =
        WebSocket::from_stream_with_extensions(stream, Role::Server, extensions.as_deref(), options)?;
    let is_data = |frame: &Frame| matches!(frame.opcode(), OpCode::Text | OpCode::Binary);
    echo(socket.map(Ok).sink_err_into(), is_data).await
}

fn main() -> Result<(), Failure> {
    serve(handle)
}
