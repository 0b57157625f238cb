//! `cargo xtask octets`: the same octets as the reference suite, shown by recording what both send.

mod conversation;
mod frame;
mod record;

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use anyhow::Result;

use crate::case_sets::{self, CaseSet, SectionChoice};
use crate::install::{InstallArgs, Kit, Kits};
use crate::peers::RoleChoice;
use crate::repository;
use conversation::Manner;
use record::{Recordings, Session};

/// Options of `cargo xtask octets`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these cases: ids, or prefixes with a star such as `7.1.*` (repeatable)
    #[arg(long = "cases", value_name = "PATTERN")]
    cases: Vec<String>,
    /// Be a server to the suites, a client, or both
    #[arg(long, value_enum, default_value = "both")]
    role: RoleChoice,
    #[command(flatten)]
    install: InstallArgs,
    /// Record the reference again although its recording is in the cache
    #[arg(long)]
    fresh: bool,
    /// Only fill the cache with the reference's recordings
    #[arg(long)]
    reference_only: bool,
    /// Write the result to docs/octets.md
    #[arg(long)]
    write_docs: bool,
}

/// Records both suites in both roles and compares; fails (exit status 1) on any difference.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let kits = Kits::new(&args.install)?;
    kits.install(Kit::Reference)?;
    if !args.reference_only {
        kits.build_wsspec()?;
    }
    let mut rows = Vec::new();
    for (manner, set) in sessions(&args.cases) {
        for role in args.role.roles().filter(|role| manner.plays(*role)) {
            rows.extend(compare_session(args, &Session { kits: &kits, role, manner, set: &set })?);
        }
    }
    if args.write_docs {
        let path = repository().join("docs/octets.md");
        fs::write(&path, page(&rows))?;
        println!("written: {}", path.display());
    }
    let differing: usize = rows.iter().map(|row| row.differing).sum();
    println!("{differing} cases differ");
    Ok(ExitCode::from(u8::from(differing > 0)))
}

fn sessions(patterns: &[String]) -> Vec<(Manner, CaseSet)> {
    // Without permessage-deflate of the recorder, sections 12 and 13 only offer it and close.
    let echo = case_sets::selected(&[SectionChoice::All], patterns, None);
    let silent = case_sets::selected(&[SectionChoice::Functional], patterns, None);
    let echo = echo.into_iter().map(|set| (Manner::Echo, set));
    let mut sessions: Vec<_> = echo.chain(silent.into_iter().map(|set| (Manner::Silent, set))).collect();
    if patterns.is_empty() {
        sessions.push((Manner::Offering, case_sets::deflate_parameters()));
    }
    sessions
}

/// What came out of a session.
struct Row {
    session: String,
    cases: usize,
    differing: usize,
}

fn compare_session(args: &Args, session: &Session<'_>) -> Result<Option<Row>> {
    println!("{session}: reference");
    let reference = session.reference(args.fresh)?;
    if args.reference_only {
        return Ok(None);
    }
    println!("{session}: wsspec");
    let differing = compare(&reference, &session.wsspec()?);
    Ok(Some(Row { session: session.to_string(), cases: reference.len(), differing }))
}

/// The page docs/octets.md.
fn page(rows: &[Row]) -> String {
    let row = |Row { session, cases, differing }: &Row| format!("| {session} | {cases} | {differing} |\n");
    INTRODUCTION.to_owned() + &rows.iter().map(row).collect::<String>()
}

const INTRODUCTION: &str = "\
# The octets of the reference suite

Both suites run against a recorder, which takes the place of a peer: as a server, and as a client. For each case
it notes every frame that comes in: the first octet, whether it is masked, in how many bits the length stands, the
length, and the payload without its mask (of long payloads a hash); and as a server also the extensions that are
offered. An echoing recorder answers like a well-behaved endpoint and falls silent at the first violation, so that
a case takes its usual course. A silent recorder never answers, so that the whole script is sent, and what
the timers send after it. An offering recorder is a client that offers permessage-deflate in eight ways to one
case of each set of parameters, and notes what is accepted. The recordings of both suites are compared case by case.

This page is written by `cargo xtask octets --write-docs`.

| recorder, role and cases | cases | differ |
|---|--:|--:|
";

/// Prints the cases that differ, and gives their number.
fn compare(reference: &Recordings, wsspec: &Recordings) -> usize {
    let mut differences = 0;
    let nothing = Vec::new();
    let ids: BTreeSet<_> = reference.keys().chain(wsspec.keys()).collect();
    for id in ids {
        let ours = wsspec.get(id).unwrap_or(&nothing);
        let theirs = reference.get(id).unwrap_or(&nothing);
        if ours != theirs {
            differences += 1;
            let place = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
            let line = |lines: &[String]| lines.get(place).map_or("nothing".to_owned(), Clone::clone);
            println!(
                "  DIFFERENCE {id}, frame {}: reference {}; wsspec {}",
                place + 1,
                line(theirs),
                line(ours)
            );
        }
    }
    println!("  {} cases, {differences} differ", reference.len());
    differences
}
