//! Echo server on tokio-websockets. Usage: tokio-websockets PORT

use bench_peers::{Failure, echo, serve};
use futures_util::{SinkExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio_websockets::{Config, Limits, Message, ServerBuilder};

async fn handle(stream: TcpStream) -> Result<(), Failure> {
    let builder =
        ServerBuilder::new().config(Config::default().frame_size(usize::MAX)).limits(Limits::unlimited());
    let (_, socket) = builder.accept(stream).await?;
    echo(socket.err_into().sink_err_into(), |message: &Message| message.is_text() || message.is_binary())
        .await
}

fn main() -> Result<(), Failure> {
    serve(handle)
}
