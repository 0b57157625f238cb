//! Echo client on tokio-tungstenite. Usage: tungstenite-client URL AGENT
//!
//! Asks the fuzzing server at URL for its cases, echoes through each, then asks it to write its report.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

async fn case_count(url: &str) -> Result<u32, Box<dyn std::error::Error>> {
    let (mut socket, _) = connect_async(format!("{url}/getCaseCount")).await?;
    let message = socket.next().await.ok_or("the fuzzing server gave no case count")??;
    socket.close(None).await?;
    Ok(message.to_text()?.parse()?)
}

async fn run_case(url: String) -> Result<(), Error> {
    let (mut socket, _) = connect_async(url).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn update_reports(url: String) -> Result<(), Error> {
    let (mut socket, _) = connect_async(url).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (url, agent) = parity_peers::url_and_agent();
    for number in 1..=case_count(&url).await? {
        // The fuzzing server judges; here a failed case only ends its own connection.
        let _ = run_case(format!("{url}/runCase?case={number}&agent={agent}")).await;
    }
    Ok(update_reports(format!("{url}/updateReports?agent={agent}")).await?)
}
