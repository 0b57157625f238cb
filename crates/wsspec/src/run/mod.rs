//! `wsspec run`, from the plan to the exit status.

mod again;
pub mod attempt;
mod before;
mod choice;
pub mod conclude;
pub mod folder;
mod forecast;
pub mod journal;
mod meeting;
pub mod order;
pub mod peer;
pub mod plan;
pub mod preflight;
pub mod record_file;
pub(crate) mod refusal;
pub mod schedule;
mod series;
mod unreached;
pub mod write_reports;

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use wsspec_cases::sets::CATALOG;
use wsspec_cases::{Case, CaseId, Roles, suite};
use wsspec_report::record::{
    HostRecord, Line, Redaction, Role, RunRecord, SCHEMA, SettingRecord, Target as TargetRecord, set_names,
};
use wsspec_report::strictness::Strictness;
use wsspec_report::summary::RATING_RULE;

use self::attempt::{Agent, Conditions, now};
use self::folder::{Earlier, Folder, RESULTS};
use self::journal::{Expected, Journal, Patience};
use self::peer::PeerPlan;
use self::plan::RunPlan;
use self::preflight::PeerFacts;
use self::record_file::RecordFile;
use self::schedule::{Job, Scheduler};
use crate::baseline;
use crate::clock::Clocks;
use crate::commands::echo::echo_config;
use crate::config::Setting;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::backend::Backend;
use crate::net::echo::EchoServer;
use crate::outputs::{self, wire};
use crate::select;
use crate::signals::Signals;
use crate::sut::Sut;
use crate::sut::process::leak;
use crate::target::Target;
use crate::terminal::opening::{self, Announced};
use crate::terminal::{Console, failure};
use crate::typed;

/// Runs a plan to its end.
///
/// # Errors
/// The output folder cannot be written, or a peer cannot be tested; nothing was run then.
pub async fn run(plan: RunPlan, console: &Console, signals: &Signals) -> Result<ExitCode> {
    console.set_format(plan.outputs.args.stdout());
    console.redact(&plan.redaction);
    plan.outputs.probe(&plan.out, console)?;
    let mut servers = Servers::default();
    let ended = run_with(plan, &mut servers, console, signals).await;
    servers.stop(console).await;
    ended
}

async fn run_with(
    mut plan: RunPlan,
    servers: &mut Servers,
    console: &Console,
    signals: &Signals,
) -> Result<ExitCode> {
    let typed: Vec<String> = typed::process().iter().map(|word| plan.redaction.text(word)).collect();
    log::info!("{}", failure::shell(&typed));
    let began = Instant::now();
    let (folder, record) = Folder::create(&plan.out, plan.earlier)?;
    announce(&plan, console);
    let _built_in = start_built_in(&mut plan.peers).await?;
    let backend = start_backend(&plan, console).await;
    let mut backend =
        backend.map_err(|problem| unreached::tell(problem, &plan, &folder, console, began.elapsed()))?;
    let (mut agents, facts) = match meeting::meet_all(&plan, servers, console, signals).await {
        Ok(Some(met)) => met,
        Ok(None) => return Ok(signals.exit_code().unwrap_or(ExitCode::Interrupted)),
        Err(problem) => return Err(unreached::tell(problem, &plan, &folder, console, began.elapsed()).into()),
    };
    meeting::separate_names(&mut agents, console);
    plan.settle(agents.iter().any(|agent| agent.deflate));

    let capture = plan.wire.open(&plan.out, console)?;
    agents.iter_mut().for_each(|agent| agent.capture = capture.clone());
    if let (Some(backend), Some(capture)) = (&mut backend, &capture) {
        backend.capture(capture.clone());
    }
    if let Some(backend) = &backend {
        look_behind(&mut agents, &facts, backend, console);
    }
    let (started, clocks) = (Instant::now(), Clocks::now());
    let today = baseline::today();
    let strict = plan.rating.strictness().non_strict;
    let expected = plan.baseline.as_ref();
    let expected = expected.map(|file| Expected { baseline: &file.baseline, today: &today, strict });
    let jobs = jobs(&plan, &agents);
    if jobs.is_empty() {
        return Err(unreached::tell(nothing_left(&plan), &plan, &folder, console, began.elapsed()).into());
    }
    let (record, larger) = record.publish_smaller(jobs.len() as u64)?;
    let mut journal = Journal::new(
        console,
        RecordFile::new(record, folder.file(RESULTS)),
        &agents,
        jobs.len(),
        plan.rating,
    )
    .expect(expected)
    .plan(&jobs, &plan.limits)
    .patient(Patience { limit: plan.limits.case_timeout, scale: plan.settings.time_scale });
    let run = run_record(&plan, &agents, &facts);
    journal.write(&Line::Run(run));
    let conditions = Conditions::new(&plan, started);
    let scheduler = Scheduler::new(conditions, agents.clone(), &plan.limits, signals.stop(), &mut journal);
    scheduler.run(jobs, plan.order, plan.settings.seed).await;
    journal.clear_bar();
    let leaks = servers.stop(console).await;
    if let Some(backend) = backend {
        console.say(0, format!("\n{}", backend.stop().await));
    }
    let captured = wire::tell(plan.wire.close(capture.as_deref()), console);
    let end = conclude::End {
        plan: &plan,
        agents: &agents,
        folder: &folder,
        console,
        signals,
        started,
        clocks,
        larger,
        leaks,
    };
    end.conclude(journal).await.map(|code| code.worst(captured))
}

/// The servers that were started.
#[derive(Default)]
struct Servers(Vec<Arc<Sut>>);

/// A peer at its true address, and what keeps it running.
struct Started {
    peer: PeerPlan,
    sut: Option<Arc<Sut>>,
}

impl Servers {
    /// Starts the server of this peer, if that is asked for.
    async fn start(&mut self, plan: &RunPlan, at: usize, console: &Console) -> Result<Started, Problem> {
        let peer = plan.peers[at].clone();
        let Some(exec) = peer.exec.clone() else { return Ok(Started { peer, sut: None }) };
        let ready = exec.ready.to_string();
        let (place, append) = (self.0.len(), plan.earlier == Earlier::Continue);
        let sut = Sut::launch(exec, peer.clone(), plan.echo_check, &plan.out, place, &plan.redaction, append)
            .await?;
        let sut = Arc::new(sut);
        self.0.push(sut.clone());
        let Some(life) = sut.life().await else {
            console.say(0, "exec           not started: a server is there already (--reuse)");
            return Ok(Started { peer, sut: None });
        };
        let command = plan.redaction.text(&failure::shell(&life.words));
        console.say(0, opening::exec(&command, &ready, life.ready_in(), console.style));
        Ok(Started { peer: peer.at(life.target.clone()), sut: Some(sut) })
    }

    /// Ends them all; what does not end as it should is named.
    async fn stop(&self, console: &Console) -> Vec<String> {
        let mut leaks = Vec::new();
        for sut in &self.0 {
            leaks.extend(sut.stop().await);
        }
        leaks.iter().for_each(|line| console.aside(leak(line)));
        leaks
    }
}

fn announce(plan: &RunPlan, console: &Console) {
    if plan.peers.iter().any(|peer| peer.built_in) {
        console.note(
            "note: no address given: testing wsspec's own endpoint\n  your server: wsspec run ws://127.0.0.1:PORT",
        );
    }
    let out = plan.out.display().to_string();
    let what = Announced {
        cases: plan.cases_for(false).count(),
        asked: &plan.asked,
        jobs: plan.limits.jobs,
        seed: &plan.seed(),
        out: out.trim_end_matches('/'),
    };
    console.say(0, opening::run(&what, console.style));
    if let Some(file) = &plan.baseline {
        let (name, entries) = (file.path.display(), file.baseline.entries.len());
        console.say(0, format!("baseline       {name} ({entries})"));
    }
    if let Some(config) = &plan.config {
        console.say(0, format!("config         {config}"));
    }
    for warning in &plan.warnings {
        console.note(warning);
    }
    outputs::warn_of_secrets(&plan.redaction, console);
    if let Some(messages) = plan.settings.loop_count {
        console.note(reduced_volume(messages));
    }
    for peer in plan.peers.iter().filter_map(|peer| peer.target.as_ref()) {
        if peer.scheme_guessed {
            console.note(format!("note: no scheme, using ws:// for {}", peer.authority()));
        }
    }
}

/// What has to be known of a run that sends less than its cases say.
pub(crate) fn reduced_volume(messages: u32) -> String {
    format!("note: cases that send a thousand messages send {messages}: this is no full run")
}

/// The built-in endpoint, for as long as this value lives.
struct BuiltIn(JoinHandle<()>);

impl Drop for BuiltIn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the built-in endpoint on a free port if a peer has no address.
async fn start_built_in(peers: &mut [PeerPlan]) -> Result<Option<BuiltIn>> {
    let Some(peer) = peers.iter_mut().find(|peer| peer.built_in) else { return Ok(None) };
    let server = EchoServer::bind("127.0.0.1:0", echo_config(), usize::MAX).await?;
    let target = Target::parse(&format!("ws://{}", server.local_addr()?))?;
    let mut found = peer.clone().at(target);
    found.name.get_or_insert_with(|| format!("wsspec-endpoint/{}", env!("CARGO_PKG_VERSION")));
    *peer = found;
    let (keep, stop) = tokio::sync::watch::channel(false);
    Ok(Some(BuiltIn(tokio::spawn(async move {
        server.serve(stop).await;
        drop(keep);
    }))))
}

/// Starts the echo server behind a proxy, if that is asked for.
async fn start_backend(plan: &RunPlan, console: &Console) -> Result<Option<Backend>, Problem> {
    let Some(address) = &plan.backend else { return Ok(None) };
    let backend = Backend::start(address).await?;
    refuse_backend(plan, backend.address())?;
    console.say(0, format!("backend        echoes on ws://{}, for the proxy", backend.address()));
    Ok(Some(backend))
}

/// What the tester listens on itself is no server under test.
fn refuse_backend(plan: &RunPlan, backend: SocketAddr) -> Result<(), Problem> {
    let is_here =
        |host: &str| host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    let is_it = |target: &&Target| target.port == backend.port() && is_here(&target.host);
    match plan.peers.iter().filter_map(|peer| peer.target.as_ref()).find(is_it) {
        None => Ok(()),
        Some(target) => Err(Problem::new(ErrorCode::E27, format!("{target} is the backend itself"))
            .fact("why", "--backend is the echo server behind the proxy; what is tested is the proxy")
            .fact("try", typed::at(target, &format!("ws://{}:PORT", target.host)))),
    }
}

/// Lets the cases find their connection behind the proxy: by its key, or if the proxy sends keys of its own by running
/// one at a time.
fn look_behind(agents: &mut [Agent], facts: &[PeerFacts], backend: &Backend, console: &Console) {
    let legs = backend.legs();
    agents.iter_mut().for_each(|agent| agent.legs = Some(legs.clone()));
    if facts.iter().all(|facts| legs.has_key(facts.key.as_bytes())) {
        return;
    }
    if let [agent] = agents {
        agent.at_a_time = 1;
        legs.one_at_a_time();
        console.note(
            "note: the proxy sends a Sec-WebSocket-Key of its own: cases run one at a time, so that each is recorded with \
             its connection behind the proxy",
        );
    }
}

fn jobs(plan: &RunPlan, agents: &[Agent]) -> Vec<Job> {
    let all = suite().cases();
    let number = |case: &Case| {
        let place = all.iter().position(|other| other.id == case.id);
        place.map_or(0, |place| u32::try_from(place + 1).unwrap_or(0))
    };
    let of_agent = |(at, agent): (usize, &Agent)| {
        let wanted =
            plan.cases_for(agent.deflate).filter(|case| !plan.exclusions.excludes(&agent.name, case.id));
        wanted.map(|case| Job { agent: at, case, number: number(case) }).collect::<Vec<_>>()
    };
    agents.iter().enumerate().flat_map(of_agent).collect()
}

fn nothing_left(plan: &RunPlan) -> Problem {
    Problem::new(ErrorCode::E29, "no case is left to run")
        .fact("asked", plan.asked.join("   "))
        .fact("why", "what is left hangs on permessage-deflate, which was not negotiated, or is excluded for this agent")
        .fact("try", typed::with_operand("@deflate"))
}

fn run_record(plan: &RunPlan, agents: &[Agent], facts: &[PeerFacts]) -> RunRecord {
    let targets = agents.iter().zip(facts).map(|(agent, facts)| TargetRecord {
        agent: agent.name.as_str().into(),
        url: Some(plan.redaction.text(&agent.url)),
        role: Role::Server,
        deflate: Some(facts.deflate),
    });
    let Strictness { non_strict: strict, flaky, fixed } = plan.rating.strictness();
    RunRecord {
        schema: SCHEMA.to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: CATALOG.to_owned(),
        id: format!("{:016x}", rand::random::<u64>()),
        started: now(),
        argv: argv(&plan.redaction),
        seed: plan.seed(),
        set: set_names(&plan.asked),
        selected: plan.cases.len() as u64,
        not_selected: not_selected(plan),
        rating_rule: RATING_RULE,
        unredacted: plan.redaction.is_off(),
        strict,
        flaky,
        fixed,
        out: None,
        host: Some(Box::new(host())),
        config: plan.untyped.iter().map(|setting| setting_record(setting, &plan.redaction)).collect(),
        baseline: plan.baseline.as_ref().map(|file| file.path.display().to_string()),
        targets: targets.collect(),
    }
}

/// What was typed, without secrets.
pub(crate) fn argv(redaction: &Redaction) -> Vec<String> {
    let typed = typed::without_secrets(&typed::process(), redaction);
    typed.iter().skip(1).map(|word| redaction.text(word)).collect()
}

/// What may be said of this machine.
pub(crate) fn host() -> HostRecord {
    HostRecord {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    }
}

fn setting_record(setting: &Setting, redaction: &Redaction) -> SettingRecord {
    SettingRecord {
        key: setting.key.clone(),
        values: setting.values.iter().map(|value| redaction.text(value)).collect(),
        origin: setting.origin.to_string(),
    }
}

/// How many cases for a server are not run, by set; what is in two of them counts in the first. With those that are run
/// they are all cases.
fn not_selected(plan: &RunPlan) -> BTreeMap<String, u64> {
    const APART: [&str; 7] = ["core", "deflate", "frames", "limits", "volume", "slow", "many"];
    let place = |case: &Case| {
        APART.iter().position(|name| select::SETS.iter().any(|set| set.name == *name && set.contains(case)))
    };
    let mut sizes = [0_u64; APART.len()];
    let chosen: HashSet<CaseId> = plan.cases.iter().map(|case| case.id).collect();
    for case in suite().cases().iter().filter(|case| case.roles != Roles::Server) {
        let Some(place) = place(case).filter(|_| !chosen.contains(&case.id)) else { continue };
        sizes[place] += 1;
    }
    let sets = APART.into_iter().zip(sizes);
    sets.filter(|(_, size)| *size > 0).map(|(name, size)| (name.to_owned(), size)).collect()
}
