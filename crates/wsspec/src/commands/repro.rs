//! `wsspec repro`: a case as a script that needs no wsspec.

use std::io::{IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use wsspec_cases::{Case, Roles, suite};
use wsspec_engine::ClientOpening;
use wsspec_report::pcap::{self, Flow, Side};
use wsspec_report::record::{CaseRecord, Report, Role};
use wsspec_report::repro::{End, Form, Move, PATIENCE, Script, Unfit, answer_any_key, expected, head};

use crate::cli::parse_seed;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::outputs::{file, wire};
use crate::repro::{agrees, play};
use crate::target::Target;
use crate::terminal::Console;
use crate::{results, select};

/// Where a server is if nothing else is known.
const ADDRESS: &str = "ws://127.0.0.1:9001";

/// `wsspec repro`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReproArgs {
    /// The case: its id or its name
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Make the octets for this address from case and seed, also if there is a record
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// The language
    #[arg(long = "as", value_name = "FORM", default_value = "python")]
    pub form: ReproForm,
    /// The results, as a file or as the folder with results.jsonl [default: wsspec-out]
    #[arg(long, value_name = "FILE|DIR")]
    pub from: Option<PathBuf>,
    /// The implementation whose record is meant [default: the first, of those that fail]
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Make the octets from case and this seed, also if there is a record
    #[arg(long, value_name = "HEX", value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// Of a case with several connections, make the octets of the one with this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub connection: Option<u32>,
    /// Without a record: the implementation is a client, and the script waits for it
    #[arg(long)]
    pub client: bool,
    /// Write the script to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The forms of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReproForm {
    /// Python 3
    Python,
    /// A shell script around nc (netcat)
    Nc,
    /// Rust
    Rust,
    /// JavaScript for Node.js
    Js,
    /// The octets in hex
    Hex,
    /// Packets for Wireshark
    Pcap,
    /// curl, for the opening handshake
    Curl,
}

const EXAMPLES: &str = "\
Examples:
  wsspec repro 5.15 > repro.py && python3 repro.py
  wsspec repro 5.15 --as nc | sh
  wsspec repro 5.15 ws://127.0.0.1:9002/echo --seed 7f3a91 --as js
  wsspec repro 5.15 --as pcap -o 5.15.pcapng
  wsspec repro 18.1.10 --connection 1006   one connection of a case that has several
  wsspec repro 5.15 --client               waits for a client at port 9001";

/// Writes the script.
///
/// # Errors
/// E17: the name means no case, or several. E18: there are no results where they were said to be. E29: they hold no such
/// implementation. E32: the case cannot be had in this form.
pub fn run(args: &ReproArgs, console: &Console) -> Result<ExitCode> {
    let case = the_case(&args.case)?;
    let report = earlier(args)?;
    if let Some((report, agent)) = report.as_ref().zip(args.agent.as_deref()) {
        results::check_agent(report, agent, "--agent NAME")?;
    }
    let found = report.as_ref().and_then(|report| find(report, case, args.agent.as_deref()));
    let whole = found.map(CaseRecord::whole);
    let record = whole.as_deref();
    let earlier = report.as_ref().zip(record);
    let script = match part(args, case, earlier, console)? {
        Some(part) => script(args, &part, earlier, true, console)?,
        None => script(args, case, earlier, false, console)?,
    };
    if args.form == ReproForm::Pcap {
        let record = report.as_ref().zip(record);
        return packets(args, record, &script, console);
    }
    let text = script.render(form(args.form)).map_err(|unfit| unsuitable(case, unfit))?;
    match &args.out {
        None => console.data(&text),
        Some(path) => {
            file::make_folder(path, None, console)?;
            file::write(path, text.as_bytes())?;
            console.say(-1, format!("wrote {}", path.display()));
        }
    }
    Ok(ExitCode::Ok)
}

fn the_case(name: &str) -> Result<&'static Case, Problem> {
    let cases = select::cases(suite(), &[name.to_owned()])?;
    match cases.as_slice() {
        [case] => Ok(case),
        several => Err(Problem::new(ErrorCode::E17, format!("{name:?} means {} cases", several.len()))
            .fact(
                "known",
                several.iter().take(6).map(|case| case.id.to_string()).collect::<Vec<_>>().join(" "),
            )
            .fact("try", format!("wsspec repro {}", several[0].id))),
    }
}

/// The record, unless octets are to be made.
fn earlier(args: &ReproArgs) -> Result<Option<Report>, Problem> {
    let made = args.url.is_some() || args.seed.is_some() || args.client;
    match &args.from {
        Some(path) => results::read(path).map(Some),
        None if made => Ok(None),
        None => Ok(results::read(Path::new("wsspec-out")).ok()),
    }
}

fn find<'a>(report: &'a Report, case: &Case, agent: Option<&str>) -> Option<&'a CaseRecord> {
    let of_case = || {
        let named = move |record: &&CaseRecord| agent.is_none_or(|name| record.agent.raw() == name);
        report.cases.iter().filter(|record| record.id == case.id).filter(named)
    };
    of_case().find(|record| record.verdict.is_failure()).or_else(|| of_case().next())
}

/// One connection of a case that has several, unless the record has the octets of the one that the verdict comes from.
fn part(
    args: &ReproArgs,
    case: &Case,
    earlier: Option<(&Report, &CaseRecord)>,
    console: &Console,
) -> Result<Option<Case>, Problem> {
    let (id, all) = (case.id, case.connections());
    if let Some(number) = args.connection.filter(|&number| number > all) {
        let connections = if all == 1 { "1 connection".to_owned() } else { format!("{all} connections") };
        return Err(Problem::new(
            ErrorCode::E32,
            format!("{id} has {connections}, and none has the number {number}"),
        )
        .fact("try", format!("wsspec repro {id} --connection {all}")));
    }
    let known = args.connection.is_none()
        && earlier.is_some_and(|(report, record)| Script::recorded(report, record, case).is_some());
    if case.series().is_none() || known {
        return Ok(None);
    }
    let number = args.connection.unwrap_or(1);
    if args.connection.is_none() {
        console.remark(&format!(
            "note: {id} has {all} connections: this is the first; another one with --connection N"
        ));
    }
    let part = case.part(number - 1);
    let title = format!("{}, connection {number} of {all}", part.title);
    Ok(Some(Case { title: title.into(), ..part }))
}

/// The script of a case; `afresh`: of octets that are made from case and seed, also if there is a record.
fn script(
    args: &ReproArgs,
    case: &Case,
    earlier: Option<(&Report, &CaseRecord)>,
    afresh: bool,
    console: &Console,
) -> Result<Script, Problem> {
    let target = target(args, earlier)?;
    if target.scheme_guessed {
        console.note(format!("note: no scheme, using ws:// for {}", target.authority()));
    }
    let known = earlier.filter(|_| !afresh && args.seed.is_none());
    if let Some(script) = known.and_then(|(report, record)| Script::recorded(report, record, case)) {
        return Ok(Script { host: target.host, port: target.port, tls: target.secure, ..script });
    }
    let role = earlier.map_or_else(|| role(args, case), |(_, record)| record.role);
    let recorded_seed = earlier.and_then(|(report, _)| parse_seed(&report.run.seed).ok());
    let seed = args.seed.or(recorded_seed).unwrap_or(0);
    let earlier = earlier.filter(|_| !afresh);
    let (moves, end) = made(case, role, &target, seed, earlier.map(|(_, record)| record), console);
    Ok(Script {
        name: format!("{} {}", case.id, case.slug),
        title: case.title.to_string(),
        expected: expected(case),
        origin: format!("from case and seed {seed:x}"),
        role,
        host: target.host,
        port: target.port,
        tls: target.secure,
        redacted: earlier.is_some_and(|(_, record)| record.handshake.redacted > 0),
        moves,
        end,
        patience: PATIENCE,
    })
}

fn role(args: &ReproArgs, case: &Case) -> Role {
    if args.client || case.roles == Roles::Server { Role::Client } else { Role::Server }
}

fn target(args: &ReproArgs, earlier: Option<(&Report, &CaseRecord)>) -> Result<Target, Problem> {
    let recorded = earlier.and_then(|(report, record)| {
        let target = report.run.targets.iter().find(|target| target.agent == record.agent)?;
        Target::parse(target.url.as_deref()?).ok()
    });
    let is_case =
        |url: &String| !Target::looks_like(url) && select::cases(suite(), std::slice::from_ref(url)).is_ok();
    if let Some(case) = args.url.as_ref().filter(|url| is_case(url)) {
        return Err(Problem::new(ErrorCode::E27, format!("{case} is a case, not an address"))
            .fact("why", "a script is of one case, and the address may follow")
            .fact("try", format!("wsspec repro {}   and   wsspec repro {case}", args.case)));
    }
    match (&args.url, recorded) {
        (Some(url), _) => Target::parse(url),
        (None, Some(target)) => Ok(target),
        (None, None) => Target::parse(ADDRESS),
    }
}

/// The octets of case and seed, with the head of the record if there is one.
fn made(
    case: &Case,
    role: Role,
    target: &Target,
    seed: u64,
    record: Option<&CaseRecord>,
    console: &Console,
) -> (Vec<Move>, End) {
    let opening = ClientOpening {
        host: target.host_header(),
        target: target.resource.clone(),
        ..ClientOpening::default()
    };
    let mut played = play(case, role, &opening, seed);
    let mut request = played.request;
    if let (Some(record), Some(first)) = (record, played.moves.first_mut()) {
        let head = head(record);
        if !head.is_cut() && !head.is_empty() {
            first.octets = head.kept().to_vec();
            request = record.handshake.request.kept().to_vec();
        }
        if !agrees(record, &played.moves) {
            console.remark(
                "note: what was recorded is cut, and the peer led the case another way than the script",
            );
        }
    }
    if let (Role::Client, Some(first)) = (role, played.moves.first_mut()) {
        answer_any_key(first, &request);
    }
    (played.moves, played.end)
}

const fn form(form: ReproForm) -> Form {
    match form {
        ReproForm::Python | ReproForm::Pcap => Form::Python,
        ReproForm::Nc => Form::Nc,
        ReproForm::Rust => Form::Rust,
        ReproForm::Js => Form::Js,
        ReproForm::Hex => Form::Hex,
        ReproForm::Curl => Form::Curl,
    }
}

fn unsuitable(case: &Case, unfit: Unfit) -> Problem {
    let other = match unfit {
        Unfit::TooLarge(_) | Unfit::Silent => format!("wsspec run URL {} -vvvv", case.id),
        Unfit::Client | Unfit::Tls => format!("wsspec repro {} --as python", case.id),
        Unfit::Curl => format!("wsspec repro {} --as nc", case.id),
    };
    Problem::new(ErrorCode::E32, format!("no script of this form can be made of {}", case.id))
        .fact("why", unfit.to_string())
        .fact("try", other)
}

/// The recorded octets both ways, or those that are sent.
fn packets(
    args: &ReproArgs,
    record: Option<(&Report, &CaseRecord)>,
    script: &Script,
    console: &Console,
) -> Result<ExitCode> {
    let octets = match record {
        Some((report, record)) if !record.events.is_empty() => {
            let alone = Report { run: report.run.clone(), cases: vec![record.clone()], ..Report::default() };
            let mut octets = Vec::new();
            pcap::write(&alone, &mut octets)?;
            octets
        }
        _ => sent(script),
    };
    match &args.out {
        Some(path) => {
            file::make_folder(path, None, console)?;
            wire::put(path, |out| out.write_all(&octets))?;
            console.say(-1, format!("wrote {}", path.display()));
        }
        None if std::io::stdout().is_terminal() => {
            return Err(Problem::new(ErrorCode::E32, "packets are nothing for a terminal")
                .fact("try", format!("wsspec repro {} --as pcap -o FILE", args.case))
                .into());
        }
        None => std::io::stdout().lock().write_all(&octets)?,
    }
    Ok(ExitCode::Ok)
}

fn sent(script: &Script) -> Vec<u8> {
    let [client, server] =
        [49_152, script.port].map(|port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    let tester = if script.role == Role::Server { Side::Client } else { Side::Server };
    let mut out = pcap::header();
    let (mut flow, opening) = Flow::open(client, server, 0);
    out.extend(opening);
    let mut now = Duration::ZERO;
    for step in &script.moves {
        now += step.pause;
        let at = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        out.extend(flow.data(at, tester, &step.octets, step.octets.len() as u64));
    }
    out
}
