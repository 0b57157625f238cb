//! Echo server on tokio-tungstenite. Usage: tokio-tungstenite PORT

use bench_peers::{Failure, echo, serve};
use futures_util::{SinkExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

async fn handle(stream: TcpStream) -> Result<(), Failure> {
    let socket = accept_async(stream).await?.err_into().sink_err_into();
    echo(socket, |message: &Message| message.is_text() || message.is_binary()).await
}

fn main() -> Result<(), Failure> {
    serve(handle)
}
