//! `cargo xtask octets`: the same octets as the reference suite, shown by recording what both send.

mod conversation;
mod frame;
mod record;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Result;

use crate::case_sets::{self, SectionChoice};
use crate::install::{InstallArgs, Kit, Kits};
use crate::peers::RoleChoice;
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
}

/// Records both suites in both roles and compares; fails (exit status 1) on any difference.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let kits = Kits::new(&args.install)?;
    kits.install(Kit::Reference)?;
    if !args.reference_only {
        kits.build_wsspec()?;
    }
    let mut differences = 0;
    for (manner, sections) in [
        // Without permessage-deflate of the recorder, sections 12 and 13 only offer it and close.
        (Manner::Echo, [SectionChoice::All].as_slice()),
        (Manner::Silent, &[SectionChoice::Functional]),
    ] {
        for set in case_sets::selected(sections, &args.cases) {
            for role in args.role.roles() {
                differences += compare_session(args, &Session { kits: &kits, role, manner, set: &set })?;
            }
        }
    }
    println!("{differences} cases differ");
    Ok(ExitCode::from(u8::from(differences > 0)))
}

/// The number of cases that differ.
fn compare_session(args: &Args, session: &Session<'_>) -> Result<usize> {
    println!("{session}: reference");
    let reference = session.reference(args.fresh)?;
    if args.reference_only {
        return Ok(0);
    }
    println!("{session}: wsspec");
    Ok(compare(&reference, &session.wsspec()?))
}

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
