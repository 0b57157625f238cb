//! From what was typed to what it means.

use std::path::PathBuf;
use std::time::Duration;

use wsspec_cases::sets::SETS;
use wsspec_cases::{Case, suite};
use wsspec_engine::{ClientOpening, Settings};
use wsspec_report::record::Redaction;
use wsspec_report::strictness::Strictness;

use super::again;
use super::choice::{self, Choice, NEGOTIATED};
use super::folder::Earlier;
use super::peer::{self, PeerPlan, give_names, plan_peers};
use crate::baseline::BaselineFile;
use crate::cli::{FailOn, Feature, Mode, Order, RunArgs};
use crate::config::Setting;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::socket::check_path;
use crate::outputs::args::Trace;
use crate::outputs::wire::Wire;
use crate::outputs::{Outputs, redaction};
use crate::sut::plan::ANY_PORT;
use crate::target::{Family, OVER_SOCKET, Target, Via};
use crate::terminal::in_ci;
use crate::typed;
use crate::wstest::AgentExclusions;

/// Functional cases at a time: they mostly wait.
const OVERLAP: usize = 64;

/// Loops with many messages at a time, for each core.
const STREAMS_PER_CORE: usize = 4;

/// A run, decided in all details before the first connection.
#[derive(Debug)]
pub struct RunPlan {
    /// What is tested.
    pub peers: Vec<PeerPlan>,
    /// The cases in the order of their ids.
    pub cases: Vec<&'static Case>,
    /// What was asked for, as words.
    pub asked: Vec<String>,
    /// Nothing was: the cases of `@deflate` are for those that negotiate permessage-deflate.
    pub by_default: bool,
    /// Which of the cases are not for which server.
    pub exclusions: AgentExclusions,
    /// For the engine.
    pub settings: Settings,
    /// How much at a time and for how long.
    pub limits: Limits,
    /// Which case is started first.
    pub order: Order,
    /// What makes the run fail.
    pub rating: Rating,
    /// Where values came from that were not typed: the file, with its profile.
    pub config: Option<String>,
    /// What is odd about that file.
    pub warnings: Vec<String>,
    /// Options that were not typed.
    pub untyped: Vec<Setting>,
    /// What is known not to pass.
    pub baseline: Option<BaselineFile>,
    /// Secrets that no file may hold.
    pub redaction: Redaction,
    /// The folder for record and reports.
    pub out: PathBuf,
    /// What is written beyond them.
    pub outputs: Outputs,
    /// Whether the octets on the wire are captured.
    pub wire: Wire,
    /// Where the echo server behind a proxy listens.
    pub backend: Option<String>,
    /// Of which cases frames and octets are recorded.
    pub trace: Trace,
    /// What each peer has to have.
    pub require: Vec<Feature>,
    /// What becomes of the last record.
    pub earlier: Earlier,
    /// Whether the echo is tried first.
    pub echo_check: bool,
    /// The options that make a repetition the same.
    pub repeat: Vec<String>,
    /// The command that repeats cases, if that is not `wsspec run` with an address and options.
    pub command: Option<Vec<String>>,
}

/// How much at a time and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Functional cases at a time.
    pub jobs: usize,
    /// Cases with large messages at a time.
    pub heavy_jobs: usize,
    /// Cases with many messages at a time.
    pub stream_jobs: usize,
    /// No case takes longer.
    pub case_timeout: Option<Duration>,
    /// No case is started later.
    pub time_budget: Option<Duration>,
    /// So many cases in a row without an octet end the run of that peer; 0: never.
    pub max_hangs: u32,
    /// So many failures end the run.
    pub fail_fast: Option<u32>,
    /// So often a failure is tried again, alone, until it passes.
    pub retries: u32,
}

/// What makes the run fail.
#[derive(Clone, Copy, Debug)]
pub struct Rating {
    /// The verdicts that count.
    pub fail_on: FailOn,
    /// Failures do not change the exit status.
    pub exit_zero: bool,
    /// Entries of the baseline that are better than they say do.
    pub strict_baseline: bool,
}

impl Rating {
    /// By what outputs say which results make the run fail.
    pub fn strictness(self) -> Strictness {
        Strictness { fixed: self.strict_baseline, ..self.fail_on.strictness() }
    }
}

impl RunPlan {
    /// Works out what was typed.
    ///
    /// # Errors
    /// E17, E27 or E29: nothing has been touched yet.
    pub fn new(args: &RunArgs) -> Result<Self, Problem> {
        let (addresses, words): (Vec<_>, Vec<_>) =
            args.words.iter().cloned().partition(|w| Target::looks_like(w));
        let names = if words.is_empty() { args.cases.clone() } else { words };
        let choice = Choice::new(names, args)?;
        let cases = choice.cases(suite())?;
        let mut redaction = redaction(&args.record.redact);
        let wire = Wire::new(&args.wire);
        let targets = match args.last_failed && args.targets.is_empty() && args.exec.exec.is_none() {
            true => {
                let before = choice.before().map(|before| again::targets(before, args.fails_on()));
                before.transpose()?.unwrap_or_default()
            }
            false => args.targets.clone(),
        };
        let peers = if addresses.is_empty() && !targets.is_empty() {
            let each = targets.iter().map(|target| peers(&target.words, target, &wire, &mut redaction));
            let mut peers = each.collect::<Result<Vec<_>, _>>()?.concat();
            for peer in &mut peers {
                let words = peer.address.iter().chain(&peer.again).cloned().collect();
                peer.was_not_typed(words);
            }
            give_names(&mut peers, typed_names(args))?;
            peers
        } else {
            let mut peers = peers(&addresses, args, &wire, &mut redaction)?;
            for peer in peers.iter_mut().filter(|_| addresses.is_empty()) {
                peer.was_not_typed(peer.address.iter().cloned().collect());
            }
            peers
        };
        let seed = args.seed.unwrap_or_else(|| rand::random::<u64>() >> 40);
        let rating = Rating {
            fail_on: args.fails_on(),
            exit_zero: args.exit_zero,
            strict_baseline: args.strict_baseline,
        };
        let (baseline, to_be_made) = baseline(args)?;
        let last_failed = choice.before().into_iter().flat_map(|before| before.told(rating.fail_on));
        Ok(Self {
            peers,
            cases,
            asked: choice.asked(),
            by_default: choice.is_default(),
            exclusions: args.exclusions.clone(),
            settings: Settings {
                seed,
                open_timeout: args.open_timeout,
                time_scale: args.timeout_scale,
                loop_count: args.volume_messages,
                commands: !args.no_commands,
                ..closing_times(args.timeout_scale)
            },
            limits: limits(args),
            order: args.order,
            rating,
            outputs: Outputs::new(args.output.clone(), rating),
            wire,
            backend: args.backend.clone(),
            trace: args.record.trace,
            config: args.config.as_ref().map(|file| match &args.profile {
                Some(profile) => format!("{file}   profile {profile}"),
                None => file.clone(),
            }),
            warnings: args.warnings.iter().cloned().chain(to_be_made).chain(last_failed).collect(),
            untyped: args.settings.clone(),
            baseline,
            redaction,
            out: args.out.clone(),
            require: args.require.clone(),
            earlier: if args.append { Earlier::Continue } else { Earlier::Keep(args.keep) },
            echo_check: !args.no_echo_check && args.mode == Mode::Echo,
            repeat: repeat(args, seed),
            command: None,
        })
    }

    /// Whether nothing but opening handshakes is tested.
    pub fn handshake_only(&self) -> bool {
        let set = SETS.iter().find(|set| set.name == "handshake");
        set.is_some_and(|set| !self.cases.is_empty() && self.cases.iter().all(|case| set.contains(case)))
    }

    /// The cases for an implementation that negotiates permessage-deflate or not.
    pub fn cases_for(&self, deflate: bool) -> impl Iterator<Item = &'static Case> {
        let everything = deflate || !self.by_default;
        self.cases.iter().copied().filter(move |case| everything || !is_negotiated(case))
    }

    /// How many cases hang on the negotiation of permessage-deflate.
    pub fn negotiated(&self) -> usize {
        if self.by_default { self.cases.iter().filter(|case| is_negotiated(case)).count() } else { 0 }
    }

    /// Settles which cases are chosen, when it is known whether any of the implementations negotiates
    /// permessage-deflate.
    pub fn settle(&mut self, deflate: bool) {
        if deflate && self.negotiated() > 0 {
            self.asked.insert(1, NEGOTIATED.to_owned());
        }
        self.cases = self.cases_for(deflate).collect();
    }

    /// The seed as it is printed and typed.
    pub fn seed(&self) -> String {
        format!("{:x}", self.settings.seed)
    }
}

/// What to say where `--last-failed` has nothing to repeat, and how the run ends then.
///
/// # Errors
/// E18: there are no earlier results.
pub fn nothing_failed(args: &RunArgs) -> Result<Option<(String, ExitCode)>, Problem> {
    if !args.last_failed {
        return Ok(None);
    }
    let before = choice::before(args)?;
    if before.failed(args.fails_on()).next().is_some() {
        return Ok(None);
    }
    let path = before.path().display();
    Ok(Some(match before.complete {
        true => (format!("nothing failed last time ({path})"), ExitCode::Ok),
        false => {
            (format!("nothing failed last time, but that run is incomplete ({path})"), ExitCode::Incomplete)
        }
    }))
}

/// Whether a case is of the set that hangs on the negotiation of permessage-deflate.
pub(super) fn is_negotiated(case: &Case) -> bool {
    SETS.iter().any(|set| NEGOTIATED.strip_prefix('@') == Some(set.name) && set.contains(case))
}

/// The names that were typed; those of a file, or a variable, each of its targets has already.
fn typed_names(args: &RunArgs) -> &[String] {
    if args.is_typed("agent") { &args.agent } else { &[] }
}

/// What is tested, at these addresses or where a server is started.
fn peers(
    addresses: &[String],
    args: &RunArgs,
    wire: &Wire,
    redaction: &mut Redaction,
) -> Result<Vec<PeerPlan>, Problem> {
    let headers = read_headers(&args.header, redaction)?;
    let opening = ClientOpening {
        host: String::new(),
        target: String::new(),
        origin: args.origin.clone(),
        subprotocols: args.subprotocol.clone(),
        headers,
    };
    let addresses = default_address(addresses.to_vec(), args)?;
    let real = addresses.iter().map(|address| typed::read_address(address, redaction));
    let real = real.collect::<Result<Vec<_>, _>>()?;
    let mut peers = plan_peers(&real, &args.agent, &opening)?;
    peer::secure(&mut peers, &wire.tls(args.tls.to_tls()))?;
    let via = via(args);
    for (at, peer) in peers.iter_mut().enumerate() {
        peer.again = again(args, redaction);
        // One with an equals sign would be read as an address and a name.
        let name = peer.name.iter().filter(|name| !name.contains('='));
        peer.again.extend(name.flat_map(|name| ["--agent".to_owned(), name.clone()]));
        if let Some(target) = &mut peer.target {
            target.via.clone_from(&via);
        }
        let (Some(typed), Some(address)) = (addresses.get(at), real.get(at)) else { continue };
        peer.address = Some(redaction.query_as_variables(typed));
        let secret = |value: &str| *redaction = redaction.clone().value(value);
        peer.exec = args.exec.plan(address, secret)?;
        peer.again.extend(peer.exec.iter().flat_map(|exec| exec.again.clone()));
    }
    Ok(peers)
}

/// The addresses, or where the server is that the tester starts.
fn default_address(mut addresses: Vec<String>, args: &RunArgs) -> Result<Vec<String>, Problem> {
    let starts = args.exec.exec.is_some();
    if let Some(path) = &args.unix {
        check_path(path)?;
        if addresses.is_empty() {
            addresses.push(OVER_SOCKET.to_owned());
        }
    } else if starts && addresses.is_empty() {
        addresses.push(ANY_PORT.to_owned());
    }
    if starts && addresses.len() > 1 {
        return Err(Problem::new(ErrorCode::E27, "--exec starts one server, but there are more addresses")
            .fact("got", addresses.join(" "))
            .advise("a [[target]] for each in wsspec.toml   (wsspec config init)"));
    }
    if let Some(address) = addresses.iter().find(|address| !starts && address.contains("{port}")) {
        return Err(Problem::new(ErrorCode::E27, format!("{address} has no port"))
            .fact("why", "{port} is a free port for the server that --exec starts")
            .fact("try", typed::with_options(&["--exec", "./my_server {port}"])));
    }
    if addresses.is_empty() {
        check_file(args)?;
    }
    Ok(addresses)
}

/// Who names a file, or has one in CI, means a server of it: to test the tester's own endpoint would be green for nothing.
fn check_file(args: &RunArgs) -> Result<(), Problem> {
    let Some(file) = args.config.as_ref().filter(|_| args.config_named || in_ci()) else { return Ok(()) };
    Err(Problem::new(ErrorCode::E27, format!("no address was given, and {file} names no server"))
        .fact("why", "without one wsspec would test its own endpoint")
        .fact("try", typed::with_operand("ws://127.0.0.1:PORT"))
        .fact("or", format!("a [[target]] with its url in {file}   (wsspec config init shows one)")))
}

/// The default settings with the times of the closing handshake stretched.
fn closing_times(scale: f64) -> Settings {
    let settings = Settings::default();
    Settings {
        close_timeout: settings.close_timeout.mul_f64(scale),
        patient_close_timeout: settings.patient_close_timeout.mul_f64(scale),
        drop_timeout: settings.drop_timeout.mul_f64(scale),
        linger_timeout: settings.linger_timeout.mul_f64(scale),
        ..settings
    }
}

fn limits(args: &RunArgs) -> Limits {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map(usize::from);
    Limits {
        jobs: jobs.unwrap_or(OVERLAP),
        // A conversation keeps one core busy: now ours, now that of the server under test.
        heavy_jobs: jobs.unwrap_or(cores.min(8)),
        // Those that send the same messages do best side by side: they compress them once.
        stream_jobs: jobs.unwrap_or(STREAMS_PER_CORE * cores.min(8)),
        case_timeout: args.case_timeout,
        time_budget: args.time_budget,
        max_hangs: args.max_hangs,
        fail_fast: args.fail_fast,
        retries: if args.no_confirm { 0 } else { args.retries },
    }
}

/// Headers whose values are kept out of every file, also where the command line is recorded.
pub(crate) const SECRET_HEADERS: [&str; 3] = ["Authorization", "Proxy-Authorization", "Cookie"];

/// `K: V`; a word `env:NAME` in the value is a secret from the environment.
pub(crate) fn read_headers(
    typed: &[String],
    redaction: &mut Redaction,
) -> Result<Vec<(String, String)>, Problem> {
    typed.iter().map(|header| read_header(header, redaction)).collect()
}

fn read_header(header: &str, redaction: &mut Redaction) -> Result<(String, String), Problem> {
    let shown = typed::header(header, &redaction.clone().on());
    let unread = || Problem::new(ErrorCode::E18, format!("cannot read the header {shown:?}"));
    let wrong = |why: String| {
        unread()
            .fact("why", why)
            .fact("try", "-H 'X-Api-Version: 2'   or   -H 'Authorization: Bearer env:TOKEN'")
    };
    let (name, value) = header.split_once(':').ok_or_else(|| wrong("there is no colon".to_owned()))?;
    let (name, mut value) = (name.trim().to_owned(), value.trim().to_owned());
    if value.split(' ').any(|word| word.starts_with("env:")) {
        let words = value.split(' ').map(|word| match word.strip_prefix("env:") {
            None => Ok(word.to_owned()),
            Some(variable) => {
                let secret = typed::from_environment(variable, unread)?;
                *redaction = redaction.clone().value(&secret);
                Ok(secret)
            }
        });
        value = words.collect::<Result<Vec<_>, _>>()?.join(" ");
    } else if redaction.hides_header(&name) {
        *redaction = redaction.clone().value(&value);
    }
    let token =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;\\\"/[]?={}".contains(&b));
    if !token || value.bytes().any(|b| b.is_ascii_control()) {
        return Err(wrong("name or value has characters that a header cannot have".to_owned()));
    }
    Ok((name, value))
}

/// The expected verdicts, if there are any, or that they are still to be made.
fn baseline(args: &RunArgs) -> Result<(Option<BaselineFile>, Option<String>), Problem> {
    match no_baseline_yet(args) {
        Some(note) => Ok((None, Some(note))),
        None => Ok((args.baseline.as_deref().map(BaselineFile::read).transpose()?, None)),
    }
}

/// A file that stands in wsspec.toml may be made from the results of the first run; one that was typed has to be there.
fn no_baseline_yet(args: &RunArgs) -> Option<String> {
    let path = args.baseline.as_ref().filter(|path| !path.exists())?;
    let path = path.display();
    (!args.is_typed("baseline")).then(|| {
        format!("note: there is no {path} yet, so nothing is known:\n  wsspec baseline create makes it")
    })
}

/// The options of the command that repeats a case, which are the same for all peers.
fn repeat(args: &RunArgs, seed: u64) -> Vec<String> {
    let mut options = vec!["-vvv".to_owned(), "--seed".to_owned(), format!("{seed:x}")];
    if args.timeout_scale != 1.0 {
        options.extend(["--timeout-scale".to_owned(), args.timeout_scale.to_string()]);
    }
    if let Some(messages) = args.volume_messages {
        options.extend(["--volume-messages".to_owned(), messages.to_string()]);
    }
    options
}

fn via(args: &RunArgs) -> Via {
    let family = match (args.ipv4, args.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        _ => None,
    };
    Via { family, fixed: args.resolve.clone(), unix: args.unix.clone(), ..Via::default() }
}

/// The options that say how this peer is spoken to.
fn again(args: &RunArgs, redaction: &Redaction) -> Vec<String> {
    let mut options = Vec::new();
    let mut option = |name: &str, value: &str| options.extend([name.to_owned(), value.to_owned()]);
    args.header.iter().for_each(|header| option("-H", &typed::header(header, redaction)));
    args.subprotocol.iter().for_each(|protocol| option("-s", protocol));
    args.origin.iter().for_each(|origin| option("--origin", origin));
    args.resolve.iter().for_each(|fixed| option("--resolve", &fixed.to_string()));
    args.unix.iter().for_each(|path| option("--unix", &path.display().to_string()));
    args.backend.iter().for_each(|address| option("--backend", address));
    let flags = [
        (args.ipv4, "-4"),
        (args.ipv6, "-6"),
        (args.no_commands, "--no-commands"),
        (args.no_echo_check || args.mode == Mode::Discard, "--no-echo-check"),
    ];
    options.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned()));
    options.extend(args.tls.words());
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn limits_of(words: &[&str]) -> Limits {
        let cli = Cli::try_parse_from([&["wsspec", "run"], words].concat()).unwrap();
        let Some(Command::Run(args)) = cli.command else { panic!("run was asked for") };
        limits(&args)
    }

    #[test]
    fn how_many_cases_run_at_a_time_follows_from_the_cores_unless_it_is_said() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let limits = limits_of(&[]);
        assert_eq!((limits.heavy_jobs, limits.stream_jobs), (cores, 4 * cores));
        assert_eq!(limits.jobs, OVERLAP, "cases that wait need no core");
        let limits = limits_of(&["-j", "3"]);
        assert_eq!([limits.jobs, limits.heavy_jobs, limits.stream_jobs], [3; 3]);
    }

    #[test]
    fn a_failure_is_confirmed_once_unless_something_else_is_said() {
        let retries = |words: &[&str]| limits_of(words).retries;
        assert_eq!([retries(&[]), retries(&["--retries", "3"]), retries(&["--no-confirm"])], [1, 3, 0]);
    }
}
