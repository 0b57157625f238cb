//! Echo server on sockudo-ws, with the fastest DEFLATE. Usage: sockudo-ws PORT

use bench_peers::{Failure, MAX_MESSAGE, echo, handshake, serve};
use futures_util::{SinkExt, TryStreamExt};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::{CompressedWebSocketStream, Config, Message, WebSocketStream};
use tokio::net::TcpStream;

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

async fn handle(mut stream: TcpStream) -> Result<(), Failure> {
    let config = Config::builder().max_frame_size(MAX_MESSAGE).max_message_size(MAX_MESSAGE).build();
    let policy = DeflateConfig { compression_level: 1, ..DeflateConfig::default() };
    let mut agreed = None;
    handshake(&mut stream, |offer| {
        let negotiation = negotiate_server_deflate(offer, &policy)?;
        let header = negotiation.to_response_header();
        agreed = Some(negotiation.config);
        Some(header)
    })
    .await?;
    match agreed {
        None => echo(WebSocketStream::server(stream, config).err_into().sink_err_into(), is_data).await,
        Some(deflate) => {
            let socket = CompressedWebSocketStream::server(stream, config, deflate);
            echo(socket.err_into().sink_err_into(), is_data).await
        }
    }
}

fn main() -> Result<(), Failure> {
    serve(handle)
}
