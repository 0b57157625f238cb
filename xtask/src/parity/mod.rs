//! `cargo xtask parity`: the same verdicts as the reference suite, shown by running both against the same peers.

mod compare;
mod summary;
mod verdicts;

use std::process::ExitCode;

use anyhow::{Result, bail};

pub(crate) use compare::{CaseId, read_index};
use compare::{Comparison, Verdicts};
use summary::Row;
use verdicts::Subject;

use crate::case_sets::{self, SectionChoice};
use crate::install::{InstallArgs, Kits};
use crate::peers::{self, RoleChoice};
use crate::repository;

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
    /// Send N messages in each case of sections 12 and 13, in both suites; the reference needs half an hour for
    /// its thousand
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    volume_messages: Option<u32>,
    /// How often the reference runs
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs: usize,
    #[command(flatten)]
    install: InstallArgs,
    /// How often both suites run the cases again on which they differ, before that is called a difference
    #[arg(long, value_name = "N", default_value_t = 8)]
    confirm: usize,
    /// Run the reference again although its results are in the cache
    #[arg(long)]
    fresh: bool,
    /// Take wsspec's results, too, out of the cache where there are any: for a comparison that was run in parts
    #[arg(long)]
    recorded: bool,
    /// Only fill the cache with the reference's results
    #[arg(long)]
    reference_only: bool,
    /// Write the result to docs/parity.md
    #[arg(long)]
    write_docs: bool,
}

/// Runs the comparison; fails (exit status 1) on any difference.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let peers = peers::named(&args.peers)?;
    let kits = Kits::new(&args.install)?;
    if !args.reference_only {
        kits.build_wsspec()?;
    }
    let sets = case_sets::selected(&args.sections, &args.cases, args.volume_messages);
    let mut rows = Vec::new();
    for peer in peers {
        if let Err(reason) = kits.install(peer.kit) {
            println!("{}: skipped, it cannot be installed: {reason:#}", peer.name);
            rows.push(Row::skipped(peer, format!("{reason:#}")));
            continue;
        }
        for role in args.role.roles().filter(|role| peer.plays(*role)) {
            for set in &sets {
                rows.extend(compare_one(args, Subject { kits: &kits, peer, role, set })?);
            }
        }
    }
    print!("{}", summary::table(&rows));
    if args.write_docs {
        let path = repository().join("docs/parity.md");
        std::fs::write(&path, summary::markdown(&rows, args.volume_messages, args.confirm))?;
        println!("written: {}", path.display());
    }
    if !args.reference_only && rows.iter().all(Row::is_skipped) {
        bail!("nothing was compared");
    }
    Ok(ExitCode::from(u8::from(rows.iter().any(Row::differs))))
}

fn compare_one(args: &Args, subject: Subject<'_>) -> Result<Option<Row>> {
    let what = format!("{} as {}, {}", subject.peer.name, subject.role.name(), subject.set.name);
    let mut reference = Vec::new();
    for number in 1..=args.runs.max(1) {
        println!("{what}: reference, run {number}");
        reference.push(subject.reference(number, args.fresh)?);
    }
    if args.reference_only {
        return Ok(None);
    }
    println!("{what}: wsspec");
    let mut wsspec = vec![subject.wsspec(!args.recorded)?];
    let mut comparison = Comparison::new(&reference, &wsspec);
    for number in 1..=args.confirm {
        if comparison.differences.is_empty() {
            break;
        }
        println!("{what}: {} cases once more", comparison.differences.len());
        let set = subject.set.only(comparison.differences.iter().map(|difference| difference.id.to_string()));
        let again = Subject { set: &set, ..subject };
        reference.push(repeated(&reference[0], again.reference(number, true)?));
        wsspec.push(repeated(&wsspec[0], again.wsspec(true)?));
        comparison = Comparison::new(&reference, &wsspec);
    }
    print!("{comparison}");
    Ok(Some(Row::compared(subject.peer.label()?, subject.role, subject.set, comparison)))
}

/// The verdicts of a run with those that were found out once more.
fn repeated(run: &Verdicts, again: Verdicts) -> Verdicts {
    let mut all = run.clone();
    all.extend(again);
    all
}
