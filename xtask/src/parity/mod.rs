//! `cargo xtask parity`: the same verdicts as the reference suite, shown by running both against the same peers.

mod case_sets;
mod compare;
mod install;
mod peers;
mod product;
mod reference;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{repository, target_folder};
use case_sets::CaseSet;
use compare::Comparison;
use install::Kits;
use peers::{PEERS, Peer};
use summary::Row;

/// Options of `cargo xtask parity`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this peer (repeatable; `--peer help` lists them)
    #[arg(long = "peer", value_name = "NAME")]
    peers: Vec<String>,
    /// Only these cases: ids, or prefixes with a star such as `7.1.*` (repeatable)
    #[arg(long = "cases", value_name = "PATTERN")]
    cases: Vec<String>,
    /// Test the peers as servers, as clients, or both
    #[arg(long, value_enum, default_value = "both")]
    role: RoleChoice,
    /// Which sections: functional (1-7, 10), limits (9), volume (12, 13: half an hour for each peer)
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["functional", "limits"])]
    sections: Vec<SectionChoice>,
    /// How often the reference runs: a case whose verdict differs between its runs is a race of the peer
    #[arg(long, default_value_t = 2)]
    runs: usize,
    /// An existing installation of the reference (a Python 2.7 environment with bin/wstest)
    #[arg(long, value_name = "DIR")]
    reference_dir: Option<PathBuf>,
    /// CPython 2.7, which the reference needs
    #[arg(long, value_name = "PROGRAM", default_value = "python2.7")]
    python27: PathBuf,
    /// Where installations and the reference's results are kept [default: parity in cargo's target folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Run the reference again although its results are in the cache
    #[arg(long)]
    fresh: bool,
    /// Only fill the cache with the reference's results
    #[arg(long)]
    reference_only: bool,
    /// Write the result to docs/parity.md
    #[arg(long)]
    write_docs: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum RoleChoice {
    Server,
    Client,
    Both,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum SectionChoice {
    Functional,
    Limits,
    Volume,
    All,
}

/// What the peer is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Role {
    /// The word in tables and folder names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// Runs the comparison; fails (exit status 1) on any difference.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let peers = selected_peers(&args.peers)?;
    let cache = args.cache.clone().unwrap_or_else(|| target_folder().join("parity"));
    let kits = Kits::new(cache, args.python27.clone(), args.reference_dir.clone())?;
    if !args.reference_only {
        product::build()?;
    }
    let mut rows = Vec::new();
    for peer in peers {
        if let Err(reason) = kits.install(peer.kit) {
            println!("{}: skipped, it cannot be installed: {reason:#}", peer.name);
            rows.push(Row::skipped(peer, format!("{reason:#}")));
            continue;
        }
        for role in selected_roles(args.role, peer) {
            for set in case_sets::selected(&args.sections, &args.cases) {
                rows.extend(compare_one(args, &kits, peer, role, &set)?);
            }
        }
    }
    print!("{}", summary::table(&rows));
    if args.write_docs {
        let path = repository().join("docs/parity.md");
        std::fs::write(&path, summary::markdown(&rows))?;
        println!("written: {}", path.display());
    }
    Ok(ExitCode::from(u8::from(rows.iter().any(Row::differs))))
}

#[expect(clippy::print_stdout, reason = "runs take minutes: say what is going on")]
fn compare_one(
    args: &Args,
    kits: &Kits,
    peer: &'static Peer,
    role: Role,
    set: &CaseSet,
) -> Result<Option<Row>> {
    let mut reference = Vec::new();
    for run in 1..=args.runs.max(1) {
        println!("{} as {}, {}: reference, run {run}", peer.name, role.name(), set.name);
        reference.push(reference::verdicts(kits, peer, role, set, run, args.fresh)?);
    }
    if args.reference_only {
        return Ok(None);
    }
    println!("{} as {}, {}: wsspec", peer.name, role.name(), set.name);
    let product = product::verdicts(kits, peer, role, set)?;
    let comparison = Comparison::new(&reference, &product);
    print!("{comparison}");
    Ok(Some(Row::compared(peer, role, set, comparison)))
}

fn selected_peers(names: &[String]) -> Result<Vec<&'static Peer>> {
    if names.is_empty() {
        return Ok(PEERS.iter().collect());
    }
    let find = |name: &String| match PEERS.iter().find(|peer| peer.name == name) {
        Some(peer) => Ok(peer),
        None => bail!(
            "no peer is called {name}; there are {}",
            PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ")
        ),
    };
    names.iter().map(find).collect()
}

fn selected_roles(choice: RoleChoice, peer: &Peer) -> Vec<Role> {
    let server = choice != RoleChoice::Client && peer.server.is_some();
    let client = choice != RoleChoice::Server && peer.client.is_some();
    [server.then_some(Role::Server), client.then_some(Role::Client)].into_iter().flatten().collect()
}
