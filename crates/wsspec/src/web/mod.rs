//! The pages: what a browser, `curl` or a health check gets from the port of the server.
//!
//! Only embedded files and the reports of this run are served. Names and texts of peers go out as JSON, and the
//! script of the page puts them into text nodes only.

mod events;
mod host;
mod reports;
pub(crate) mod talk;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use wsspec_cases::suite;
use wsspec_wire::{RequestHead, write_response};

use crate::net::{Drain, Transport, drain};
use crate::serve::Shared;
use crate::serve::book::Brief;
use crate::serve::notice::Notice;
use crate::serve::route::Page;

const HTML: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
/// Where what happens is told as it happens.
pub(crate) const EVENTS: &str = "/events";
/// For a client that does not read.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Between our end of TCP and the client's.
const LINGER: Drain = Drain { time: Duration::from_millis(500), octets: 1 << 20 };

const NO_REPORT: &str = "wsspec: there is no report yet: it is written with the first verdicts, and when a client asks \
for /updateReports\n";

/// What is sent back.
#[derive(Debug)]
struct Answer {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, kind, body: body.into() }
    }

    fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text)
    }

    fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    const fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Misdirected Request",
        }
    }
}

/// Answers a plain HTTP request and ends the connection.
pub(crate) async fn answer<T: Transport>(
    mut stream: T,
    page: &Page,
    head: &RequestHead,
    shared: &Arc<Shared>,
) {
    let host = head.headers.get("Host").map(String::from_utf8_lossy).unwrap_or_default();
    if !host::is_ours(&host, &shared.plan.hosts) {
        // The bare page says nothing of this run; on every name it tells health checks of the reference's users that
        // the server is up.
        if shared.plan.as_reference && page.method == "GET" && page.path == "/" {
            return send(stream, page, &Answer::new(200, "text/html; charset=utf-8", HTML), "").await;
        }
        let text =
            "wsspec: this server does not answer for that host name; if it should: --allow-host NAME\n";
        return send(stream, page, &Answer::text(421, text), "").await;
    }
    if page.path == EVENTS && page.method == "GET" {
        if timeout(WRITE_LIMIT, stream.write_all(&events::head())).await.is_ok_and(|sent| sent.is_ok()) {
            events::stream(&mut stream, shared).await;
        }
        return finish(stream).await;
    }
    let answer = match page.method.as_str() {
        "GET" | "HEAD" => get(page, shared, &host),
        "POST" => post(page, head, shared, &host),
        _ => Answer::text(405, "wsspec: GET only\n"),
    };
    send(stream, page, &answer, &host).await;
}

fn get(page: &Page, shared: &Shared, host: &str) -> Answer {
    match page.path.as_str() {
        "/page.js" => Answer::new(200, "text/javascript; charset=utf-8", SCRIPT),
        "/page.css" => Answer::new(200, "text/css; charset=utf-8", STYLE),
        "/api/cases" => Answer::json(&cases(shared)),
        "/api/results" => Answer::json(&results(shared)),
        "/" if page.html || shared.plan.as_reference => Answer::new(200, "text/html; charset=utf-8", HTML),
        "/" => Answer::text(200, &instructions(shared, host)),
        path => match reports::find(path, shared) {
            Some(answer) => answer,
            // The reference answers so on every path, and health checks ask on odd ones.
            None if shared.plan.as_reference => Answer::new(200, "text/html; charset=utf-8", HTML),
            None => match &page.wrong {
                Some(why) => Answer::text(400, &format!("wsspec: {why}\n")),
                None if reports::is_page(path) => Answer::text(404, NO_REPORT),
                None => Answer::text(404, "wsspec: there is no such page\n"),
            },
        },
    }
}

fn post(page: &Page, head: &RequestHead, shared: &Shared, host: &str) -> Answer {
    let origin = head.headers.get("Origin").map(String::from_utf8_lossy);
    let own = origin.is_none_or(|origin| origin.split_once("://").is_some_and(|(_, rest)| rest == host));
    let token = page.query.iter().find(|(name, _)| name == "token").map(|(_, value)| value.as_str());
    match page.path.as_str() {
        "/api/done" if own => {
            shared.tell(Notice::PageDone);
            Answer::text(200, "")
        }
        "/api/stop" if own && token == Some(&shared.plan.token) => {
            shared.tell(Notice::StopAsked);
            shared.stop();
            Answer::text(200, "wsspec: stopping\n")
        }
        "/api/done" | "/api/stop" => {
            Answer::text(403, "wsspec: this needs the token that the terminal shows\n")
        }
        _ => Answer::text(404, "wsspec: there is no such page\n"),
    }
}

fn instructions(shared: &Shared, host: &str) -> String {
    let scheme = if shared.plan.tls.is_some() { "wss" } else { "ws" };
    let cases = shared.plan.cases.len();
    let host = if host.is_empty() { "HOST:PORT" } else { host };
    format!(
        "wsspec {version}: WebSocket tester, {cases} cases, waiting for clients\n\
         browser   open this address in it and press Start\n\
         client    {scheme}://{host}/getCaseCount\n\
         \u{20}         {scheme}://{host}/runCase?case=N&agent=NAME      echo until closed, N from 1 to {cases}\n\
         \u{20}         {scheme}://{host}/updateReports?agent=NAME       at the end\n\
         reports   /report\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn cases(shared: &Shared) -> Value {
    let sections: Vec<Value> = suite()
        .sections()
        .iter()
        .map(|section| json!({ "number": section.number, "title": section.title }))
        .collect();
    let cases: Vec<Value> = shared
        .plan
        .cases
        .iter()
        .map(|case| json!({ "id": case.id.to_string(), "slug": case.slug, "title": case.title }))
        .collect();
    let address = shared.address().replacen("ws", "http", 1);
    json!({ "version": env!("CARGO_PKG_VERSION"), "address": address, "sections": sections, "cases": cases })
}

fn results(shared: &Shared) -> Value {
    let agents = shared.book.agents().into_iter().map(|(agent, verdicts)| {
        let of_all = |value: fn(&Brief) -> Value| -> Value {
            verdicts.iter().map(|(id, brief)| (id.to_string(), value(brief))).collect()
        };
        let words = of_all(|brief| brief.verdict.word().into());
        json!({ "agent": agent, "verdicts": words, "outcomes": of_all(|brief| json!(brief.standing)) })
    });
    json!({ "agents": agents.collect::<Vec<_>>() })
}

async fn send<T: Transport>(mut stream: T, page: &Page, answer: &Answer, host: &str) {
    let length = answer.body.len().to_string();
    let policy = policy(host, answer.kind);
    let headers = [
        ("Connection", "close"),
        ("Content-Type", answer.kind),
        ("Content-Length", length.as_str()),
        ("Content-Security-Policy", policy.as_str()),
    ];
    let headers = [&headers[..], &GUARD].concat();
    let mut octets = write_response(answer.status, answer.reason(), &headers);
    if page.method != "HEAD" {
        octets.extend_from_slice(&answer.body);
    }
    let _ = timeout(WRITE_LIMIT, stream.write_all(&octets)).await;
    finish(stream).await;
}

/// What every answer says, beside its policy.
const GUARD: [(&str, &str); 4] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
];

/// What a page may do. Reports bring a policy of their own for scripts and styles, which are inside of them.
fn policy(host: &str, kind: &str) -> String {
    let plain = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    let sockets = if plain { format!(" ws://{host} wss://{host}") } else { String::new() };
    let sources = match kind {
        reports::KIND => {
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'".to_owned()
        }
        _ => format!("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{sockets}"),
    };
    format!("{sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

/// Ends the connection so that the client gets everything: FIN, and what it still sends is thrown away.
pub(crate) async fn finish<T: Transport>(mut stream: T) {
    if timeout(WRITE_LIMIT, stream.shutdown()).await.is_ok() {
        drain(stream, LINGER).await;
    }
}
