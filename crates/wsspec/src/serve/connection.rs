//! One connection: what its request asks for is done.

mod play;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, timeout};
use wsspec_cases::{COMMANDS, Case};
use wsspec_engine::CaseRun;
use wsspec_report::record::TlsRecord;
use wsspec_wire::write_response;

use self::play::drive;
use super::admission::Refusal;
use super::control::Control;
use super::notice::Notice;
use super::request::{NoRequest, Request, read};
use super::route::{Job, Route, route};
use super::{Shared, commands};
use crate::net::Transport;
use crate::web;

/// For the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// What a case gets beyond its own limit before it is cut off from outside.
const GRACE: Duration = Duration::from_secs(30);
/// So long the reports wait for cases of the agent that still close.
const CLOSING_LIMIT: Duration = Duration::from_secs(5);
/// So long a client that asks for reports waits for the answer to its handshake. Few give up sooner.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);
/// The reference has none, and its scripts read the reports as soon as they are answered.
const ANSWER_LIMIT_AS_REFERENCE: Duration = Duration::from_secs(60);
/// So long a client waits for the verdict of a case that it has not asked for yet: the two requests may overtake each other.
const NEVER_RUN: Duration = Duration::from_secs(3);
/// So long a client that waits for a verdict goes on waiting when the server ends.
const LAST_VERDICT: Duration = Duration::from_secs(1);

/// Reads the request of a connection and does what it asks for.
pub(super) async fn serve<T: Transport>(
    mut stream: T,
    tls: Option<TlsRecord>,
    peer: SocketAddr,
    shared: Arc<Shared>,
) {
    let started = Instant::now();
    match read(&mut stream, HEAD_LIMIT).await {
        Ok(request) => Visit { peer, tls, shared, started }.answer(stream, request).await,
        Err(NoRequest::Nothing) => shared.tell(Notice::NoRequest { peer }),
        Err(why) => turn_away(stream, peer, &shared, why).await,
    }
}

async fn turn_away(mut stream: impl Transport, peer: SocketAddr, shared: &Shared, why: NoRequest) {
    let (status, reason, text) = match why {
        NoRequest::TooLarge => {
            (431, "Request Header Fields Too Large", "the head of the request is too long")
        }
        NoRequest::TimedOut => (408, "Request Timeout", "the head of the request did not end in time"),
        NoRequest::Tls => {
            (400, "Bad Request", "the client speaks TLS, but this port does not: wsspec serve --tls")
        }
        NoRequest::Torn | NoRequest::Nothing => {
            (400, "Bad Request", "the connection ended within its request")
        }
    };
    shared.tell(Notice::Refused { peer, why: text.to_owned() });
    let head = write_response(status, reason, &[("Connection", "close"), ("Content-Length", "0")]);
    let _ = stream.write_all(&head).await;
    web::finish(stream).await;
}

/// What there is, as short as the reason of a Close frame has to be.
const ADDRESSES: &str = "/getCaseCount first, then /runCase?case=1&agent=NAME";

/// What is said to who asks for the verdict of a case that does not run.
fn not_run(job: &Job, cases: &[&'static Case]) -> String {
    let number = cases.iter().position(|case| case.id == job.case.id).map_or(0, |at| at + 1);
    let agent: String = job.agent.chars().take(20).collect();
    format!("{} was not run by {agent}: /runCase?case={number}&agent=... comes first", job.case.id)
}

struct Visit {
    peer: SocketAddr,
    /// What TLS came to, if there is TLS.
    tls: Option<TlsRecord>,
    shared: Arc<Shared>,
    started: Instant,
}

impl Visit {
    async fn answer<T: Transport>(self, stream: T, request: Request) {
        let route = route(&request.head, &self.shared.plan.cases);
        // Held until the connection is over.
        let _place = match &route {
            Route::Page(_) => None,
            _ => match self.shared.plan.admission.admit(&request.head) {
                Ok(place) => place,
                Err(refusal) => return self.turn_down(stream, refusal).await,
            },
        };
        let shared = self.shared.clone();
        // Cases and connections that only wait are not waited for when the server ends.
        let lasts = match &route {
            Route::Page(page) => page.path == web::EVENTS,
            Route::Run(_) | Route::Other(_) => true,
            _ => false,
        };
        let _answering = (!lasts).then(|| shared.answering());
        match route {
            Route::Page(_) if !self.shared.plan.page => self.ask_for_upgrade(stream).await,
            Route::Page(page) => web::answer(stream, &page, &request.head, &self.shared).await,
            Route::Wrong(why) => self.refuse(stream, 400, "Bad Request", why).await,
            Route::Run(job) => self.run(stream, request, job).await,
            Route::Stop => self.stop(stream, &request).await,
            Route::Other(_) if self.may_command(&request) => self.obey(stream, request).await,
            Route::UpdateReports { agent, shutdown } => self.report(stream, &request, agent, shutdown).await,
            other => {
                if let Some(control) = self.open(stream, &request).await {
                    self.control(control, other).await;
                }
            }
        }
    }

    async fn open<T: Transport>(&self, stream: T, request: &Request) -> Option<Control<T>> {
        Control::open(stream, request, &self.shared.plan.settings.spoken()).await
    }

    async fn control<T: Transport>(&self, control: Control<T>, route: Route) {
        let shared = &self.shared;
        if matches!(route, Route::CaseCount | Route::CaseInfo(_) | Route::Status(_)) {
            shared.tell(Notice::Asked);
        }
        match route {
            Route::CaseCount => control.say(async { Some(shared.plan.cases.len().to_string()) }).await,
            Route::CaseInfo(case) => control.say(async { Some(self.info(case)) }).await,
            Route::Status(job) => self.tell_status(control, &job).await,
            Route::Other(path) => {
                self.send_off(control, format!("{path} is no address here: {ADDRESSES}")).await
            }
            _ => control.close().await,
        }
    }

    /// Closes, and says why: to the client, and on the terminal.
    async fn send_off<T: Transport>(&self, control: Control<T>, why: String) {
        self.shared.tell(Notice::Refused { peer: self.peer, why: why.clone() });
        control.close_with(1008, &why).await;
    }

    async fn tell_status<T: Transport>(&self, mut control: Control<T>, job: &Job) {
        match control.wait_for(self.is_begun(job)).await {
            Some(true) => control.say(self.status(job)).await,
            Some(false) => self.send_off(control, not_run(job, &self.shared.plan.cases)).await,
            None => {}
        }
    }

    /// Whether the case was ever asked for, or is within a moment. The reference waits without end.
    async fn is_begun(&self, job: &Job) -> bool {
        let mut stop = self.shared.stopped();
        tokio::select! {
            () = self.shared.book.begun(&job.agent, job.case.id) => true,
            _ = stop.wait_for(|stop| *stop) => true,
            () = sleep(NEVER_RUN), if !self.shared.plan.as_reference => false,
        }
    }

    fn info(&self, case: &Case) -> String {
        let mut info = json!({ "id": case.id.to_string(), "description": case.title });
        if case.conduct.commands {
            info["subprotocol"] = COMMANDS.into();
        }
        if let Some(series) = case.series() {
            info["connections"] = series.numbers(self.shared.plan.settings.loop_count).len().into();
        }
        info.to_string()
    }

    /// Nothing if the server ends without a verdict.
    async fn status(&self, job: &Job) -> Option<String> {
        self.shared.abandon(&job.agent, |id| id == job.case.id);
        let mut stop = self.shared.stopped();
        let verdict = self.shared.book.verdict(&job.agent, job.case.id);
        let too_late = async {
            let _ = stop.wait_for(|stop| *stop).await;
            sleep(LAST_VERDICT).await;
        };
        tokio::select! {
            brief = verdict => Some(json!({ "behavior": brief.behavior }).to_string()),
            () = too_late => None,
        }
    }

    /// The answer to the handshake comes when the reports are written, as that of the reference does: there are drivers
    /// that end as soon as they have it, and scripts that read the reports then. Who is refused has asked for nothing.
    async fn report<T: Transport>(&self, stream: T, request: &Request, agent: String, shutdown: bool) {
        if shutdown && !self.may_end(request) {
            let why = "shutdownOnComplete is for drivers on this machine, not for pages in browsers";
            return self.refuse(stream, 403, "Forbidden", why.to_owned()).await;
        }
        let Some(control) = self.open(stream, request).await else { return };
        let mut reports = pin!(self.update_reports(agent));
        let limit = if self.shared.plan.as_reference { ANSWER_LIMIT_AS_REFERENCE } else { ANSWER_LIMIT };
        match timeout(limit, reports.as_mut()).await {
            Ok(()) => control.close().await,
            Err(_) => control.after(reports).await,
        }
        if shutdown {
            self.shared.stop();
        }
    }

    async fn update_reports(&self, agent: String) {
        let shared = &self.shared;
        let _ = timeout(CLOSING_LIMIT, shared.book.idle(&agent)).await;
        shared.goes_on(&agent, None);
        shared.judge_passive(&agent);
        shared.tell(Notice::ReportsAsked { agent, peer: self.peer });
        shared.tell(match shared.ledger.reports().await {
            Ok(_) => Notice::ReportsWritten,
            Err(error) => Notice::ReportsFailed(crate::text::io_error(&error)),
        });
    }

    async fn stop<T: Transport>(&self, stream: T, request: &Request) {
        if request.head.headers.get("Origin").is_some() || !self.is_nearby() {
            let why = "/stopServer is for drivers on this machine, not for pages in browsers";
            return self.refuse(stream, 403, "Forbidden", why.to_owned()).await;
        }
        if let Some(control) = Control::open(stream, request, &[]).await {
            self.shared.tell(Notice::StopAsked);
            control.close().await;
            self.shared.stop();
        }
    }

    /// Commands make the server send anything: they are not for pages of browsers, nor for other hosts. Who has only
    /// mistaken the address would wait in vain, so they have to be asked for by a subprotocol, unless the reference is
    /// stood in for.
    fn may_command(&self, request: &Request) -> bool {
        let asked = request.head.headers.has_token("Sec-WebSocket-Protocol", COMMANDS);
        (asked || self.shared.plan.as_reference) && self.may_end(request)
    }

    /// Whether this client may end the server. Any page in a browser of this machine can connect to it.
    fn may_end(&self, request: &Request) -> bool {
        let page = request.head.headers.get("Origin").is_some();
        self.shared.plan.as_reference || (!page && self.is_nearby())
    }

    fn is_nearby(&self) -> bool {
        self.peer.ip().to_canonical().is_loopback() || self.shared.plan.as_reference
    }

    async fn obey<T: Transport>(&self, stream: T, mut request: Request) {
        self.shared.tell(Notice::Commands { peer: self.peer });
        let case = commands::case();
        let run = CaseRun::server(&case, &request.head, self.shared.plan.settings.clone());
        drive(stream, run, &mut request.rest, case.time_limit + GRACE).await;
    }

    /// Scripts of the reference run until they meet the status 500.
    async fn refuse<T: Transport>(&self, stream: T, status: u16, reason: &'static str, why: String) {
        let refusal = self.refusal(status, reason, why);
        self.turn_down(stream, refusal).await;
    }

    fn refusal(&self, status: u16, reason: &'static str, why: String) -> Refusal {
        let (status, reason) =
            if self.shared.plan.as_reference { (500, "Internal Server Error") } else { (status, reason) };
        Refusal { status, reason, why }
    }

    async fn ask_for_upgrade<T: Transport>(&self, mut stream: T) {
        let headers = [
            ("Connection", "close"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Content-Length", "0"),
        ];
        let _ = stream.write_all(&write_response(426, "Upgrade Required", &headers)).await;
        web::finish(stream).await;
    }

    async fn turn_down<T: Transport>(&self, stream: T, refusal: Refusal) {
        self.shared.tell(Notice::Refused { peer: self.peer, why: refusal.why.clone() });
        refusal.answer(stream).await;
    }
}
