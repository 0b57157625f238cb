//! Server-sent events: what happens, as it happens.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use wsspec_wire::write_response;

use super::{GUARD, WRITE_LIMIT};
use crate::net::Transport;
use crate::serve::Shared;
use crate::serve::notice::Notice;

/// A sign of life, so that both sides notice when the other is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The head of the response.
pub(super) fn head() -> Vec<u8> {
    let headers = [
        ("Connection", "close"),
        ("Content-Type", "text/event-stream"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ];
    write_response(200, "OK", &[&headers[..], &GUARD].concat())
}

/// Sends notices until the client is gone or the server ends.
pub(super) async fn stream<T: Transport>(stream: &mut T, shared: &Arc<Shared>) {
    let mut notices = shared.notices();
    let mut stop = shared.stopped();
    let mut nothing = [0; 64];
    let mut text = ": hello\n\n".to_owned();
    loop {
        match timeout(WRITE_LIMIT, send(stream, &text)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
        text = tokio::select! {
            notice = notices.recv() => match notice {
                Ok(notice) => event(&notice),
                // Too slow to follow: the page asks for the state anew.
                Err(RecvError::Lagged(_)) => "event: missed\ndata: {}\n\n".to_owned(),
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep(HEARTBEAT) => ": still here\n\n".to_owned(),
            read = stream.read(&mut nothing) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => String::new(),
            },
            _ = stop.wait_for(|stop| *stop) => return,
        };
    }
}

async fn send<T: Transport>(stream: &mut T, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

/// JSON has no raw line break, so a value is one line.
fn event(notice: &Notice) -> String {
    match describe(notice) {
        Some((name, data)) => format!("event: {name}\ndata: {data}\n\n"),
        None => String::new(),
    }
}

fn describe(notice: &Notice) -> Option<(&'static str, Value)> {
    Some(match notice {
        Notice::AgentCame { agent, .. } => ("agent", json!({ "agent": agent })),
        Notice::CaseStarted { agent, case, .. } => {
            ("started", json!({ "agent": agent, "case": case.to_string() }))
        }
        Notice::CaseSkipped { agent, case } => {
            ("verdict", json!({ "agent": agent, "case": case.to_string(), "verdict": "skipped" }))
        }
        Notice::CaseEnded { agent, case, brief, summary } => {
            let (verdict, outcome) = (brief.verdict.word(), brief.standing);
            let case = case.to_string();
            let data = json!({
                "agent": agent, "case": case, "verdict": verdict, "outcome": outcome, "summary": summary
            });
            ("verdict", data)
        }
        Notice::ReportsWritten => ("reports", json!({})),
        Notice::StopAsked => ("stop", json!({})),
        Notice::ReportsFailed(_)
        | Notice::ReportsAsked { .. }
        | Notice::Asked
        | Notice::Commands { .. }
        | Notice::Refused { .. }
        | Notice::NoRequest { .. }
        | Notice::ProcessNote(_)
        | Notice::Leak(_)
        | Notice::Twin { .. }
        | Notice::RecordLong
        | Notice::RecordFull
        | Notice::PageDone => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::book::Brief;

    #[test]
    fn text_of_the_peer_cannot_make_an_event_of_its_own() {
        let brief = Brief { behavior: "FAILED", ..wsspec_engine::Verdict::Fail.into() };
        let hostile = "x\n\nevent: stop\ndata: {}\r\n\r\n\u{2028}".to_owned();
        let case = "1.1.1".parse().unwrap();
        let text =
            event(&Notice::CaseEnded { agent: hostile.clone(), case, brief, summary: hostile.clone() });
        assert_eq!(text.matches('\n').count(), 3, "{text}");
        let data: Value =
            serde_json::from_str(text.lines().nth(1).unwrap().strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["agent"], hostile);
        assert_eq!(data["verdict"], "fail");
    }
}
