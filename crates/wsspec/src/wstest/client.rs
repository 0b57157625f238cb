//! `fuzzingclient`: tests servers, one case after the other.

use std::collections::BTreeSet;

use anyhow::Result;
use tokio::time::Instant;
use wsspec_cases::sets::CATALOG;
use wsspec_cases::{Case, suite};
use wsspec_engine::{ClientOpening, Verdict};
use wsspec_report::record::{
    CaseRecord, Line, NotRun, Redaction, Role, RunRecord, SCHEMA, Target as TargetRecord,
};
use wsspec_report::sanitise::shell::posix;
use wsspec_report::summary::RATING_RULE;

use super::patterns::{self, Selected};
use super::spec::{self, FuzzingClientSpec, ServerEntry};
use super::{Args, announce_spec, lenient, peer, settings, shown};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::client::{Secure, resolve};
use crate::net::socket::Address;
use crate::net::tls::ClientTls;
use crate::run::attempt::{Agent, Attempt, Conditions, now};
use crate::serve::end;
use crate::serve::ledger::Ledger;
use crate::signals::Signals;
use crate::target::Target;
use crate::terminal::Console;

/// A script may start its server beside this program: so often is the first case tried again, for a second each.
const STARTING: u8 = 3;
/// What a server is called that does not say its name.
const NAMELESS: &str = "UnknownServer";

/// Runs the cases of the spec against its servers.
///
/// # Errors
/// The spec cannot be read, or the output folder cannot be written to.
pub(super) async fn run(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let loaded = spec::load::<FuzzingClientSpec>(args.spec.as_deref())?;
    announce_spec(&loaded, args.spec.is_some(), console);
    let selected = patterns::select(&loaded.spec.choice, suite().cases())?;
    for warning in &selected.warnings {
        console.warn(spec::warning(warning));
    }
    let servers = servers(&loaded.spec, args, console)?;
    let version = env!("CARGO_PKG_VERSION");
    console.say(0, format!("Autobahn Fuzzing WebSocket Client (wsspec {version})"));
    let (cases, count) = (selected.cases.len(), servers.len());
    console.say(0, format!("Ok, will run {cases} test cases against {count} servers"));

    let ledger = Ledger::create(&loaded.spec.outdir)?;
    // What an earlier run has left must not be taken for the result of this one.
    ledger.begin();
    ledger.write(Line::Run(record(&selected, &servers)));
    let mut run = Run {
        selected: &selected,
        ledger,
        console,
        signals,
        started: Instant::now(),
        names: BTreeSet::new(),
        verdicts: Vec::new(),
        not_run: Vec::new(),
    };
    run.names = servers.iter().filter_map(|server| server.entry.agent.clone()).collect();
    for server in &servers {
        run.server(server).await;
    }
    let code = run.conclude().await?;
    if !super::is_set("WSSPEC_NO_HINTS") {
        let spec = posix(&[loaded.path.display().to_string()]);
        let server = if loaded.spec.servers.is_empty() { args.wsuri.iter() } else { None.iter() };
        let server: String = server.map(|url| format!(" {}", posix(std::slice::from_ref(url)))).collect();
        console.warn(format!(
            "hint: wsspec run --spec {spec}{server}   does the same with exit codes\n      \
             wsspec config migrate {spec} > wsspec.toml   converts it\n      \
             (silence: WSSPEC_NO_HINTS=1)"
        ));
    }
    Ok(lenient(code, args))
}

/// A server under test, its address read.
struct Server {
    entry: ServerEntry,
    /// The name as the spec has it, which exclusions go by; the entry's own may have a number behind it.
    written: Option<String>,
    target: Target,
    secure: Option<Secure>,
}

/// The servers of the spec with names of their own, or the one of `-w`.
fn servers(spec: &FuzzingClientSpec, args: &Args, console: &Console) -> Result<Vec<Server>, Problem> {
    let mut entries = spec.servers.clone();
    if let (Some(url), false) = (&args.wsuri, entries.is_empty()) {
        console.warn(format!("warning: -w {url} has no effect: the spec names the servers"));
    }
    if entries.is_empty() {
        let url = args.wsuri.clone().ok_or_else(|| {
            Problem::new(ErrorCode::E27, "there is no server to test")
                .fact("why", "the spec names no servers, and there is no -w")
                .fact("try", "wstest -m fuzzingclient -w ws://127.0.0.1:9001")
        })?;
        entries.push(ServerEntry { url, options: spec.options.clone(), ..ServerEntry::default() });
    }
    let mut taken = BTreeSet::new();
    let mut servers = Vec::new();
    for mut entry in entries {
        let written = entry.agent.take();
        entry.agent = written.clone().map(|name| free(name, &mut taken));
        if entry.agent != written {
            warn_of_namesakes(written.as_deref(), entry.agent.as_deref(), console);
        }
        servers.push(server(entry, written)?);
    }
    Ok(servers)
}

fn warn_of_namesakes(name: Option<&str>, new: Option<&str>, console: &Console) {
    let (name, new) = (shown(name.unwrap_or_default()), shown(new.unwrap_or_default()));
    console.warn(format!("warning: two servers are called {name:?}; the later one is {new:?}"));
}

fn server(entry: ServerEntry, written: Option<String>) -> Result<Server, Problem> {
    let target = Target::parse(&entry.url)?;
    // The reference checks no certificates, and its servers under test seldom have real ones.
    let tls = ClientTls { insecure: true, sni: entry.hostname.clone(), ..ClientTls::default() };
    let secure = match target.secure {
        true => Some(Secure { connector: tls.connector()?, host: target.host.clone() }),
        false => None,
    };
    Ok(Server { entry, written, target, secure })
}

/// `name`, or `name (2)` if that is taken.
fn free(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

struct Run<'a> {
    selected: &'a Selected,
    ledger: Ledger,
    console: &'a Console,
    signals: &'a Signals,
    started: Instant,
    /// The names of agents that are taken.
    names: BTreeSet<String>,
    verdicts: Vec<Verdict>,
    not_run: Vec<NotRun>,
}

impl Run<'_> {
    async fn server(&mut self, server: &Server) {
        let options = settings(&server.entry.options);
        let addresses = match resolve(&server.target, options.open_timeout).await {
            Ok(addresses) => addresses,
            Err(error) => return self.unreachable(server, &error.to_string(), 0),
        };
        let agent = Agent {
            name: server.entry.agent.clone().unwrap_or_default(),
            url: server.target.to_string(),
            deflate: false, // is not asked: all cases are run
            address: server.target.to_string(),
            built_in: false,
            addresses,
            secure: server.secure.clone(),
            opening: opening(server),
            again: Vec::new(),
            at_a_time: 1,
            no_delay: server.entry.options.tcp_no_delay.unwrap_or(true),
            sut: None,
            process: None,
            capture: None,
            legs: None,
        };
        let conditions = Conditions::with(options, Redaction::default(), Vec::new(), self.started);
        let (asked, written) = (server.entry.agent.is_some(), server.written.clone());
        let mut visit = Visit { agent, asked, written, header: None, patience: STARTING };
        for (place, case) in self.selected.cases.iter().enumerate() {
            if *self.signals.stop().borrow() {
                return self.missing(&visit.agent, place);
            }
            if let Err(why) = self.case(&conditions, &mut visit, case).await {
                return self.unreachable(server, &why, place);
            }
        }
    }

    /// Runs a case. The name of a server that has none in the spec is known only once it has answered.
    async fn case(
        &mut self,
        conditions: &Conditions,
        visit: &mut Visit,
        case: &'static Case,
    ) -> Result<(), String> {
        let known = visit.asked || visit.header.is_some();
        if known {
            self.announce(&visit.agent, case);
            if self.is_skipped(visit, case) {
                return Ok(());
            }
        }
        let number = suite().cases().binary_search_by_key(&case.id, |other| other.id);
        let number = number.map_or(0, |place| u32::try_from(place + 1).unwrap_or(0));
        let mut attempt = conditions.attempt(&visit.agent, case, number, 1).await;
        while matches!(attempt, Attempt::Gone) && visit.patience > 0 && !*self.signals.stop().borrow() {
            visit.patience -= 1;
            attempt = conditions.attempt(&visit.agent, case, number, 1).await;
        }
        visit.patience = 0;
        let mut record = match attempt {
            Attempt::Judged(record, _) | Attempt::NotOpened(record) | Attempt::Died(record, _) => record,
            Attempt::Gone => return Err("Connection was refused by other side".to_owned()),
        };
        if !visit.asked {
            self.name(visit, &record);
            record.agent = visit.agent.name.as_str().into();
        }
        if !known {
            self.announce(&visit.agent, case);
            if self.is_skipped(visit, case) {
                return Ok(());
            }
        }
        self.verdicts.push(record.verdict);
        self.ledger.write(Line::Case(record));
        Ok(())
    }

    fn name(&mut self, visit: &mut Visit, record: &CaseRecord) {
        let header = record.handshake.agent.as_ref().map_or(NAMELESS, |agent| agent.raw());
        let header = header.chars().take(crate::serve::route::AGENT_LIMIT).collect::<String>();
        if visit.header.as_deref() == Some(header.as_str()) {
            return;
        }
        visit.agent.name = free(header.clone(), &mut self.names);
        if visit.agent.name != header {
            warn_of_namesakes(Some(&header), Some(&visit.agent.name), self.console);
        }
        visit.header = Some(header);
    }

    fn announce(&self, agent: &Agent, case: &Case) {
        let peer = agent.addresses.iter().find_map(Address::tcp).map(peer).unwrap_or_default();
        self.console.say(
            0,
            format!("Running test case ID {} for agent {} from peer {peer}", case.id, shown(&agent.name)),
        );
    }

    fn is_skipped(&self, visit: &Visit, case: &Case) -> bool {
        let written = visit.written.as_deref().or(visit.header.as_deref()).unwrap_or(&visit.agent.name);
        let skipped = self.selected.by_agent.excludes(written, case.id);
        if skipped {
            let name = shown(&visit.agent.name);
            self.console
                .say(0, format!("Skipping test case {} for agent {name} by test configuration!", case.id));
        }
        skipped
    }

    fn unreachable(&mut self, server: &Server, why: &str, place: usize) {
        self.console.say(0, format!("Connection to {} failed ({why})", server.entry.url));
        let name = server.entry.agent.clone().unwrap_or_else(|| server.target.authority());
        let left = self.selected.cases.len() - place;
        let cases = crate::text::count(left, "case");
        self.console.warn(format!(
            "warning: {cases} not run for {}: no connection to {}",
            shown(&name),
            server.target
        ));
        self.note_missing(&name, place);
    }

    fn missing(&mut self, agent: &Agent, place: usize) {
        let name = if agent.name.is_empty() { agent.url.clone() } else { agent.name.clone() };
        self.note_missing(&name, place);
    }

    fn note_missing(&mut self, name: &str, place: usize) {
        let cases = self.selected.cases[place..].iter().map(|case| case.id.to_string()).collect();
        self.not_run.push(NotRun { agent: name.into(), cases });
    }

    /// Writes the end of the record and the reports.
    async fn conclude(self) -> Result<ExitCode> {
        let failed = self.verdicts.iter().any(|verdict| verdict.is_failure());
        let mut code = if failed { ExitCode::Failed } else { ExitCode::Ok };
        if !self.not_run.is_empty() {
            code = code.worst(if self.verdicts.is_empty() {
                ExitCode::Unreachable
            } else {
                ExitCode::Incomplete
            });
        }
        code = self.signals.exit_code().map_or(code, |signal| code.worst(signal));
        let reason = (!self.not_run.is_empty()).then_some("a server could not be reached");
        let (_, unwritten) = end::finish(&self.ledger, self.not_run, code, self.started, reason, &[]).await?;
        unwritten.map_or(Ok(code), |problem| Err(problem.into()))
    }
}

/// A server while it is tested.
struct Visit {
    agent: Agent,
    /// The spec gives it a name.
    asked: bool,
    /// The name as the spec has it, without a number behind it.
    written: Option<String>,
    /// The name that it gave itself.
    header: Option<String>,
    /// How often its first case is tried again where nobody listens.
    patience: u8,
}

fn opening(server: &Server) -> ClientOpening {
    ClientOpening {
        host: server.target.host_header(),
        target: server.target.resource.clone(),
        origin: server.entry.origin.clone(),
        subprotocols: server.entry.protocols.clone(),
        ..ClientOpening::default()
    }
}

fn record(selected: &Selected, servers: &[Server]) -> RunRecord {
    let targets = servers.iter().filter_map(|server| {
        let agent = server.entry.agent.as_deref()?.into();
        Some(TargetRecord { agent, url: Some(server.target.to_string()), role: Role::Server, deflate: None })
    });
    RunRecord {
        schema: SCHEMA.to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: CATALOG.to_owned(),
        id: format!("{:016x}", rand::random::<u64>()),
        started: now(),
        argv: crate::run::argv(&Redaction::default()),
        selected: selected.cases.len() as u64,
        rating_rule: RATING_RULE,
        targets: targets.collect(),
        ..RunRecord::default()
    }
}
