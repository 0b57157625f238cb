//! `cargo xtask defects`: the suite against every defect and quirk of the built-in endpoint.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use wsspec_cases::CaseId;
use wsspec_endpoint::{Role, defects, quirks};
use wsspec_selftest::{
    Blame, Change, Heavy, Matrix, OldVerdict, Row, blamed_in_heavy_cases, heavy_cases, least_of, old_samples,
    old_verdicts,
};

use crate::repository;

/// The last section of the reference suite.
const LAST_OLD: u16 = 13;
/// How many cases or defects a line of the pages names.
const NAMED: usize = 8;

/// What is written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write docs/defects.md, docs/quirks.md and what `echo --defect CASE` means
    #[arg(long)]
    write_docs: bool,
}

/// Fails (exit status 1) if a defect survives, a case cannot fail, or a quirk is blamed.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let start = Instant::now();
    let found = Found::play();
    if args.write_docs {
        fs::write(repository().join("docs/defects.md"), found.defects_page())?;
        fs::write(repository().join("docs/quirks.md"), found.quirks_page())?;
        fs::write(repository().join("crates/wsspec/src/defects_of_cases.txt"), found.of_cases())?;
    }
    let problems = found.problems();
    problems.iter().for_each(|problem| println!("{problem}"));
    println!("{} in {:.0} s", found.summary(), start.elapsed().as_secs_f64());
    Ok(ExitCode::from(u8::from(!problems.is_empty())))
}

struct Found {
    defects: Matrix,
    quirks: Matrix,
    heavy: Vec<Heavy>,
    /// For each row of the defects.
    old: Vec<OldVerdict>,
    /// Quirks that a heavy case behind the reference suite's sections takes for a fault.
    blamed_in_heavy: Vec<Blame>,
}

impl Found {
    fn play() -> Self {
        let defects = Matrix::play(defects());
        Self {
            old: old_verdicts(&defects.rows, LAST_OLD),
            defects,
            quirks: Matrix::play(quirks()),
            heavy: heavy_cases(),
            blamed_in_heavy: blamed_in_heavy_cases(quirks(), LAST_OLD),
        }
    }

    fn problems(&self) -> Vec<String> {
        let survives = |row: &&Row| !row.is_caught();
        let survivors = self.defects.rows.iter().filter(survives);
        let survivors = survivors.map(|row| format!("survives: {} ({})", row.deviation.id, name(row.role)));
        let never = self.defects.cases.iter().filter(|(role, id, _)| self.killers(*role, *id).is_empty());
        let never = never.map(|(role, id, _)| format!("cannot fail: {id} ({})", name(*role)));
        let heavy = self.heavy.iter().filter(|heavy| heavy.defect.is_none());
        let heavy = heavy.map(|heavy| format!("cannot fail: {} ({})", heavy.id, name(heavy.role)));
        let blamed = self.quirks.rows.iter().flat_map(|row| {
            let new = row.with(Change::Fails).filter(|id| id.section() > LAST_OLD);
            let ours = row.blamed_by_us_alone.iter().copied().filter(|id| id.section() <= LAST_OLD);
            new.chain(ours).map(|id| format!("blamed: {} ({}) by {id}", row.deviation.id, name(row.role)))
        });
        let in_heavy = self.blamed_in_heavy.iter();
        let in_heavy =
            in_heavy.map(|(quirk, role, id)| format!("blamed: {} ({}) by {id}", quirk.id, name(*role)));
        survivors.chain(never).chain(heavy).chain(blamed).chain(in_heavy).collect()
    }

    fn summary(&self) -> String {
        let rows = &self.defects.rows;
        let failed = rows.iter().filter(|row| row.with(Change::Fails).next().is_some()).count();
        let caught = rows.iter().filter(|row| row.is_caught()).count();
        let (native, reference) = self.caught_by_old();
        format!(
            "{} defects, {} with both roles: {caught} caught, {failed} of them by a failure; by the reference suite's \
             cases alone {native}, in its own words {reference}. {} quirks, {} with both roles",
            defects().count(),
            rows.len(),
            quirks().count(),
            self.quirks.rows.len(),
        )
    }

    /// By the native verdict, and by the reference suite's own words.
    fn caught_by_old(&self) -> (usize, usize) {
        let count = |is: fn(&OldVerdict) -> bool| self.old.iter().filter(|verdict| is(verdict)).count();
        (count(|verdict| verdict.native), count(|verdict| verdict.reference))
    }

    fn light_old(&self) -> usize {
        let old = |(role, id, _): &&(Role, CaseId, _)| *role == Role::Server && id.section() <= LAST_OLD;
        self.defects.cases.iter().filter(old).count()
    }

    /// The defects that the case catches, those first that the fewest cases catch: what the case is there for.
    fn killers(&self, role: Role, id: CaseId) -> Vec<&'static str> {
        let least = least_of(id);
        let rows = self.defects.rows.iter().filter(|row| row.role == role);
        let caught = rows.filter(|row| row.changes.get(&id).is_some_and(|change| *change >= least));
        let mut caught: Vec<&Row> = caught.collect();
        caught.sort_by_key(|row| row.changes.len());
        caught.into_iter().map(|row| row.deviation.id).collect()
    }

    fn defects_page(&self) -> String {
        let mut out = String::from(DEFECTS_HEAD);
        let rows = &self.defects.rows;
        let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count();
        let all = rows.len();
        let caught = count(&Row::is_caught);
        let failed = count(&|row| row.with(Change::Fails).next().is_some());
        let (old, reference) = self.caught_by_old();
        let samples = old_samples(Role::Server).count();
        let _ = write!(
            out,
            "| {} defects, {all} with both roles | all cases | the reference suite's cases, native verdict | \
             the same, in that suite's own words |\n|---|--:|--:|--:|\n| caught | {caught} | {old} | {reference} |\n\
             | of these by a failure | {failed} | | |\n| not caught | {} | {} | {} |\n\n\
             The reference suite's cases are here its {} light ones, and {samples} of its sections 9, 12 and 13: of each \
             group the smallest, and of 12 and 13 the one with messages of 8 KiB besides.\n\n## Defect by defect\n\n\
             Cases in parentheses find it non-strict: a SHOULD. The last column counts light cases.\n\n\
             | defect | role | the endpoint | rule | caught by | of the reference's cases |\n|---|---|---|---|---|---|\n",
            defects().count(),
            all - caught,
            all - old,
            all - reference,
            self.light_old(),
        );
        for row in rows {
            let old =
                row.changes.iter().filter(|(id, change)| id.section() <= LAST_OLD && **change > Change::Told);
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {} | {} |",
                row.deviation.id,
                name(row.role),
                row.deviation.title,
                row.deviation.rule,
                caught_by(row),
                old.count(),
            );
        }
        out.push_str(
            "\n## Case by case\n\nThe defects that the fewest cases catch come first.\n\n\
             | case | role of the endpoint | makes fail |\n|---|---|---|\n",
        );
        for (role, id, _) in &self.defects.cases {
            let killers = self.killers(*role, *id);
            let _ = writeln!(out, "| {id} | {} | {} |", name(*role), some(&killers));
        }
        out.push_str(HEAVY_HEAD);
        for Heavy { id, role, defect } in &self.heavy {
            let defect = defect.map_or("none", |defect| defect.id);
            let _ = writeln!(out, "| {id} | {} | {defect} |", name(*role));
        }
        out
    }

    /// For each case the first of its killers, as a server and as a client.
    fn of_cases(&self) -> String {
        let mut first: BTreeMap<CaseId, [Option<&str>; 2]> = BTreeMap::new();
        let light = self.defects.cases.iter();
        let light = light.map(|(role, id, _)| (*role, *id, self.killers(*role, *id).first().copied()));
        let heavy =
            self.heavy.iter().map(|heavy| (heavy.role, heavy.id, heavy.defect.map(|defect| defect.id)));
        for (role, id, defect) in light.chain(heavy) {
            let place = usize::from(role == Role::Client);
            let known = &mut first.entry(id).or_default()[place];
            *known = known.or(defect);
        }
        let mut out = String::from(OF_CASES_HEAD);
        for (id, [server, client]) in first.iter().filter(|(_, defects)| defects.iter().any(Option::is_some))
        {
            let _ = writeln!(out, "{id} {} {}", server.unwrap_or("-"), client.unwrap_or("-"));
        }
        out
    }

    fn quirks_page(&self) -> String {
        let mut out = String::from(QUIRKS_HEAD);
        for row in &self.quirks.rows {
            let strings = |ids: Vec<CaseId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
            let failed = strings(row.with(Change::Fails).collect());
            let weak = strings(row.with(Change::NonStrict).collect());
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {} | {} |",
                row.deviation.id,
                name(row.role),
                row.deviation.title,
                row.deviation.rule,
                some(&failed),
                some(&weak),
            );
        }
        out
    }
}

/// Failures first, what is non-strict in parentheses if nothing fails.
fn caught_by(row: &Row) -> String {
    let failed: Vec<String> = row.with(Change::Fails).map(|id| id.to_string()).collect();
    if failed.is_empty() {
        let weak: Vec<String> = row.with(Change::NonStrict).map(|id| id.to_string()).collect();
        return format!("({})", some(&weak));
    }
    some(&failed)
}

/// The first few, and how many there are.
fn some<S: AsRef<str>>(all: &[S]) -> String {
    let first: Vec<&str> = all.iter().take(NAMED).map(AsRef::as_ref).collect();
    match all.len() {
        0 => "–".to_owned(),
        len if len > NAMED => format!("{} … ({len})", first.join(" ")),
        _ => first.join(" "),
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Client => "client",
    }
}

const DEFECTS_HEAD: &str = "\
# What the suite catches

A suite is worth the bugs that it finds. The built-in endpoint has switchable defects (`wsspec list --defects`,
`wsspec echo --defect ID`), each of which breaks one rule, and every case is played against each of them, in memory
and virtual time, in both roles. Every defect has to be caught, and every case has to catch one:
`cargo test -p wsspec-selftest` fails otherwise. This page is written by `cargo xtask defects --write-docs`.

Caught means: a case that passes the strict endpoint fails, or is non-strict where the rule is a SHOULD. Verdicts are
the native ones also for the reference suite's cases; the rules that are watched in every case count only for the
whole suite. Cases that move megabytes or thousands of frames (all of 9, 12 and 13, and some others) are left out of
the tables and listed at the end, each with the first defect that makes it fail; those that loop are played with
three round trips here.

Two more defects show in the memory of the process alone, `memory-of-the-length` and `connections-kept`. They are no part
of the tables: 15.3.12 and 18.6.8 catch them where `--exec` starts the server on Linux, and 22.7.1 tells of the second.

";

const OF_CASES_HEAD: &str = "# For each case the defect that it is there for, the rarest that it catches: as a server, as a client.\n";

const HEAVY_HEAD: &str = "\n## Heavy cases\n\n| case | role of the endpoint | fails with |\n|---|---|---|\n";

const QUIRKS_HEAD: &str = "\
# Lawful, and unusual

The other half of trust: no lawful peer is blamed. The built-in endpoint has switchable quirks
(`wsspec list --quirks`, `wsspec echo --quirk ID`): what the RFCs allow and few do. No case from section 14 on may
fail any of them, and a case of the reference suite only where that suite fails it, too: `cargo test -p
wsspec-selftest` and `cargo xtask defects` fail otherwise. This page is written by `cargo xtask defects --write-docs`.

Where the reference suite's cases fail, it is the suite that asks for more than the RFC:

- `pong-unasked`, `pong-in-message`: it takes every Pong for part of the answer. RFC 6455 5.5.3: a Pong may be sent
  unsolicited.
- `pongs-for-last`: it wants all Pings answered. RFC 6455 5.5.3: an endpoint may answer only the Ping processed last.
- `close-late`: its cases from 6.5 on give less time for the answer. RFC 6455 5.5.1: it comes as soon as practical.
- `fails-with-1008`, `fails-with-1011`: in its cases about unlawful Close frames (7.3, 7.5, 7.9) only 1002 and 1007
  pass. RFC 6455 7.1.7 leaves the code to the endpoint, 7.4.1 gives the ones that fit.

That the suite fails them is taken from its own pair of verdicts, which wsspec keeps for each of these cases.

| quirk | role | the endpoint | room left by | fails | non-strict |
|---|---|---|---|---|---|
";
