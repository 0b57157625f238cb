//! Servers over real sockets: their end, how much they record, and processes that they start.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wsspec_cases::suite;
use wsspec_engine::{Outcome, Verdict, unreachable};
use wsspec_report::record::{EndRecord, Line, RunRecord, SCHEMA};

use super::campaign::{Campaign, Ended};
use super::end::End;
use super::exec_case::ExecCase;
use super::*;
use crate::cli::{FailOn, Global};
use crate::exit_code::ExitCode;
use crate::outputs::Outputs;
use crate::run::plan::Rating;
use crate::sut::command::CommandLine;
use crate::sut::log::LOG;
use crate::terminal::Console;

/// An empty Close frame, of the server and of a client.
const CLOSE: [u8; 2] = [0x88, 0];
const MASKED_CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

fn plan() -> Plan {
    Plan {
        cases: suite().cases()[..1].iter().collect(),
        passive: Vec::new(),
        exclusions: AgentExclusions::default(),
        settings: Settings::default(),
        as_reference: false,
        process_per_case: false,
        admission: Admission::default(),
        page: true,
        tls: None,
        no_delay: true,
        hosts: Vec::new(),
        token: String::new(),
        repro: Vec::new(),
        redaction: Redaction::default(),
        log: Arc::new(Log::nowhere()),
        trace: Trace::All,
        expected: None,
        limits: Limits::default(),
        capture: None,
    }
}

/// What a page asks for: it takes no commands.
fn request(resource: &str) -> Vec<u8> {
    format!(
        "GET {resource} HTTP/1.1\r\nHost: tester.invalid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Origin: http://tester.invalid\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// Sees the closing handshake through. What the server sent.
async fn until_closed(mut client: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    while !got.ends_with(&CLOSE) {
        assert_ne!(client.read_buf(&mut got).await.unwrap(), 0, "no Close: {got:?}");
    }
    client.write_all(&MASKED_CLOSE).await.unwrap();
    client.read_to_end(&mut got).await.unwrap();
    got
}

#[tokio::test]
async fn clients_that_had_connected_when_the_server_ended_were_reset() {
    const EACH: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan(), ledger, |_| {}).await.unwrap();
    let address = server.addresses().unwrap()[0];
    // Nobody takes connections yet, so all of these wait in the queue of the listener.
    let mut clients = Vec::new();
    for resource in
        ["/updateReports?agent=a", "/getCaseCount", "/getCaseStatus?case=1&agent=a", "/getCaseInfo?case=1"]
    {
        for _ in 0..EACH {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(&request(resource)).await.unwrap();
            clients.push(client);
        }
    }
    let slow = TcpStream::connect(address).await.unwrap();
    server.shared().stop();
    let asked = async {
        let mut clients: JoinSet<_> = clients.into_iter().map(until_closed).collect();
        let mut slow = slow;
        slow.write_all(&request("/updateReports?agent=b")).await.unwrap();
        clients.spawn(until_closed(slow));
        clients.join_all().await
    };
    let ((), answers) = tokio::join!(server.serve(), asked);
    assert_eq!(answers.len(), 4 * EACH + 1);
    let counts = answers.iter().filter(|got| got.windows(3).any(|part| part == [0x81, 1, b'1'])).count();
    assert_eq!(counts, EACH, "how many cases there are");
    assert!(answers.iter().all(|got| got.starts_with(b"HTTP/1.1 101 ")));
}

/// Begins the first case and gives it up. Returns what the server sent.
async fn give_up(address: SocketAddr) -> Vec<u8> {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&request("/runCase?case=1&agent=a")).await.unwrap();
    let mut got = Vec::new();
    client.read_buf(&mut got).await.unwrap();
    // Who was turned away cannot write any more.
    let _ = client.write_all(&MASKED_CLOSE).await;
    let _ = client.read_to_end(&mut got).await;
    got
}

fn run_line() -> Line {
    Line::Run(RunRecord { schema: SCHEMA.to_owned(), ..RunRecord::default() })
}

/// The cases of the record.
fn recorded(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["t"] == "case").collect()
}

#[tokio::test]
async fn a_client_that_asked_for_cases_without_end_filled_the_disk() {
    const FULL: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    ledger.write(run_line());
    let told = Arc::new(Mutex::new(Vec::new()));
    let voice = {
        let told = told.clone();
        move |notice: &Notice| {
            told.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{notice:?}"));
        }
    };
    let plan = Plan { limits: Limits { short: 1, full: FULL }, ..plan() };
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan, ledger, voice).await.unwrap();
    let (address, shared) = (server.addresses().unwrap()[0], server.shared());
    let serving = tokio::spawn(server.serve());
    let mut taken = 0;
    while give_up(address).await.starts_with(b"HTTP/1.1 101 ") {
        shared.book.verdict("a", suite().cases()[0].id).await;
        // What was written so far counts.
        shared.ledger.read().await.unwrap();
        taken += 1;
        assert!(taken < 100, "no end");
    }
    let refusal = String::from_utf8(give_up(address).await).unwrap();
    assert!(
        refusal.starts_with("HTTP/1.1 507 ") && refusal.contains("\r\n\r\nwsspec: the record is full"),
        "{refusal}"
    );
    let report = shared.ledger.read().await.unwrap();
    assert_eq!(report.cases.len(), 1, "the last attempt stands");
    shared.stop();
    serving.await.unwrap();

    let cases = recorded(folder.path());
    assert_eq!(cases.len(), taken);
    assert!(std::fs::metadata(folder.path().join("results.jsonl")).unwrap().len() < 2 * FULL);
    assert!(
        !cases[0]["events"].as_array().unwrap().is_empty() && cases[0]["short"].is_null(),
        "{}",
        cases[0]
    );
    for case in &cases[1..] {
        assert!(case["events"].as_array().unwrap().is_empty() && case["short"] == true, "{case}");
        assert_eq!(case["stats"]["dropped"], cases[0]["stats"]["kept"], "what is left out is counted");
        assert_eq!(
            (&case["verdict"], &case["checks"][0]["id"]),
            (&cases[0]["verdict"], &cases[0]["checks"][0]["id"])
        );
    }
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let about = told.iter().filter(|notice| notice.starts_with("Record") || notice.starts_with("Refused"));
    assert_eq!(about.collect::<Vec<_>>(), ["RecordLong", "RecordFull"], "each is told once");
}

/// So many results of different cases.
fn results(count: usize) -> impl Iterator<Item = Line> {
    let record = include_str!("../terminal/testdata/results.jsonl");
    let case = record.lines().find_map(|line| match Line::from_json(line.as_bytes()).unwrap() {
        Some(Line::Case(case)) => Some(*case),
        _ => None,
    });
    let case = case.unwrap();
    suite().cases()[..count].iter().map(move |other| {
        let mut case = case.clone();
        case.id = other.id;
        Line::Case(Box::new(case))
    })
}

#[tokio::test]
async fn cases_went_on_while_their_results_piled_up() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::with(folder.path(), None, 4).unwrap();
    ledger.write(run_line());
    results(100).for_each(|line| ledger.write(line));
    ledger.keep_up().await;
    // The first line is that of the run.
    let text = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    let written = text.matches('\n').count() - 1;
    assert!(written > 100 - 4, "{written}");
}

#[tokio::test]
async fn cases_went_on_while_nobody_read_the_data_of_their_results() {
    let folder = tempfile::tempdir().unwrap();
    let (tell, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let ledger = Ledger::with(folder.path(), Some(tell), 4).unwrap();
    ledger.write(run_line());
    results(10).for_each(|line| ledger.write(line));
    let report = ledger.read().await.unwrap();
    assert_eq!(report.cases.len(), 10, "all is in the record");
    assert!(timeout(Duration::from_millis(50), ledger.keep_up()).await.is_err(), "11 lines are not read");
    for _ in 0..8 {
        lines.recv().await.unwrap();
    }
    ledger.keep_up().await;
}

#[tokio::test]
async fn who_asked_for_reports_waited_for_all_cases_that_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::with(folder.path(), None, 4).unwrap();
    ledger.write(run_line());
    let mut lines = results(100);
    lines.by_ref().take(10).for_each(|line| ledger.write(line));
    let (report, ()) = tokio::join!(ledger.read(), async { lines.for_each(|line| ledger.write(line)) });
    let seen = report.unwrap().cases.len();
    assert!((10..=14).contains(&seen), "{seen}");
}

#[tokio::test]
async fn the_record_was_read_again_for_each_step_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    ledger.write(run_line());
    let mut lines = results(11);
    lines.by_ref().take(10).for_each(|line| ledger.write(line));
    assert_eq!(ledger.read().await.unwrap().cases.len(), 10);
    let record = folder.path().join("results.jsonl");
    std::fs::write(&record, "no record\nany more\n").unwrap();
    ledger.write(Line::End(EndRecord { exit: 1, ..EndRecord::default() }));
    let report = ledger.read().await.unwrap();
    assert_eq!((report.cases.len(), report.end.map(|end| end.exit)), (10, Some(1)));
    lines.for_each(|line| ledger.write(line));
    assert!(ledger.read().await.is_err(), "there is news");
}

fn processes(command: &str) -> ExecCase {
    ExecCase::new(CommandLine::parse(command).unwrap(), "client".to_owned(), 2, 1.0)
}

/// How a server ends whose processes have ended for this reason.
async fn end(shared: &Shared, why: String) -> String {
    let console = Console::new(&Global::default());
    let end = End {
        shared,
        campaign: &Campaign::new(Vec::new(), Duration::ZERO, Instant::now()),
        ended: &Ended::Stalled(why),
        rating: Rating { fail_on: FailOn::Must, exit_zero: false, strict_baseline: false },
        baseline: None,
        outputs: &Outputs::default(),
        agent: "client",
        listened: &[],
    };
    end.conclude(&console, async { ExitCode::Ok }).await.unwrap_err().to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn processes_that_hang_took_their_time_for_every_case() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    ledger.write(run_line());
    let log = Arc::new(Log::create(folder.path(), LOG, Redaction::default(), false).unwrap());
    let plan = Plan { cases: suite().cases()[..100].iter().collect(), log, ..plan() };
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan, ledger, |_| {}).await.unwrap();
    let shared = server.shared();
    let hanging =
        ExecCase { base: shared.address(), patience: Duration::from_millis(100), ..processes("sleep 100") };
    let why = Arc::new(hanging).run(shared.clone()).await.unwrap();
    assert!(why.ends_with(" processes in a row did not connect"), "{why}");
    let tried = shared.book.agents()[0].1.len();
    assert!((2..6).contains(&tried), "{tried}");
    let error = end(&shared, why).await;
    for part in ["error[E22]: no process has connected", "did not connect within 100 ms", "--timeout-scale 4"]
    {
        assert_eq!(error.matches(part).count(), 1, "{part}: {error}");
    }
}

/// Whether a case of several connections, of which one has come, is over when the client asks for another case.
async fn is_over_between_connections(process_per_case: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    ledger.write(run_line());
    let plan = Plan { process_per_case, ..plan() };
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan, ledger, |_| {}).await.unwrap();
    let shared = server.shared();
    let case = suite().get("18.1.10".parse().unwrap()).unwrap();
    let meta = record::meta(&shared, case, shared.started, 1);
    let number = shared.begun.next("client", case, None, &meta).unwrap();
    let passed = Outcome { verdict: Verdict::Pass, ..unreachable(case, TesterRole::Server, String::new()) };
    assert!(shared.begun.ended("client", number, &case.part(number), passed).is_none());
    shared.goes_on("client", Some("1.1.1".parse().unwrap()));
    !shared.ledger.read().await.unwrap().cases.is_empty()
}

#[tokio::test]
async fn a_case_was_over_between_two_connections_when_the_process_of_another_asked_for_its_own() {
    assert!(!is_over_between_connections(true).await);
    assert!(is_over_between_connections(false).await, "a client that goes through the cases leaves it");
}

#[tokio::test]
async fn fewer_processes_may_hang_while_none_has_connected() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path()).unwrap();
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], plan(), ledger, |_| {}).await.unwrap();
    let (shared, exec) = (server.shared(), processes("true"));
    let is_vain = || exec.is_vain(&shared).is_some();
    let hang = |times: u32| (0..times).for_each(|_| exec.count(false, Duration::from_secs(30)));
    exec.count(false, Duration::from_secs(1));
    hang(1);
    assert!(!is_vain(), "it may be slow to start");
    hang(1);
    assert!(is_vain());
    shared.book.visit();
    assert!(!is_vain(), "others have connected");
    hang(2);
    exec.count(true, Duration::from_secs(1));
    hang(4);
    assert!(!is_vain(), "not in a row");
    hang(1);
    assert!(is_vain());
}
