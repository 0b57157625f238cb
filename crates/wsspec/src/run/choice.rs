//! Which cases are run.

use std::path::PathBuf;

use wsspec_cases::{Case, Expected, Roles, Suite, suite};

use super::before::Before;
use super::folder::RESULTS;
use crate::cli::{FailOn, Mode, RunArgs, Slice};
use crate::errors::{ErrorCode, Problem};
use crate::filter::Filter;
use crate::target::Target;
use crate::{results, select};

/// The set that is run if nothing else is asked for.
const DEFAULT: &str = "@core";

/// The set that is run too if nothing else is asked for, against those that negotiate permessage-deflate.
pub(super) const NEGOTIATED: &str = "@deflate";

/// The cases of the sets, of them those that are named, that failed last time, that the filter is true for,
/// without those that are excluded, and of the rest one slice.
#[derive(Debug)]
pub(super) struct Choice {
    sets: Vec<String>,
    by_default: bool,
    names: Vec<String>,
    exclude: Vec<String>,
    filter: Option<(String, Filter)>,
    before: Option<Before>,
    fail_on: FailOn,
    slice: Option<Slice>,
    mode: Mode,
    earlier: PathBuf,
}

impl Choice {
    /// What was typed.
    ///
    /// # Errors
    /// E18: there are no earlier results. E20: the filter cannot be read.
    pub(super) fn new(names: Vec<String>, args: &RunArgs) -> Result<Self, Problem> {
        let mut sets: Vec<String> =
            args.set.iter().map(|set| format!("@{}", set.trim_start_matches('@'))).collect();
        let anything = !sets.is_empty() || !names.is_empty() || args.filter.is_some() || args.last_failed;
        if !anything {
            sets.push(DEFAULT.to_owned());
        }
        let filter =
            args.filter.as_ref().map(|text| Filter::parse(text).map(|filter| (text.clone(), filter)));
        Ok(Self {
            sets,
            by_default: !anything,
            names,
            exclude: args.exclude.clone(),
            filter: filter.transpose()?,
            before: args.last_failed.then(|| before(args)).transpose()?,
            fail_on: args.fails_on(),
            slice: args.slice,
            mode: args.mode,
            earlier: args.from.clone().unwrap_or_else(|| args.out.join(RESULTS)),
        })
    }

    /// What was asked for, in words.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> = self.sets.iter().chain(&self.names).cloned().collect();
        asked.extend(self.filter.iter().map(|(text, _)| text.clone()));
        asked.extend((self.mode == Mode::Discard).then(|| "without echo".to_owned()));
        asked.extend(self.before.as_ref().map(|_| "failed last time".to_owned()));
        asked.extend(self.slice.map(|slice| format!("part {}/{}", slice.part, slice.of)));
        asked
    }

    /// Whether nothing was asked for, so that [`NEGOTIATED`] is for those that negotiate permessage-deflate only.
    pub(super) fn is_default(&self) -> bool {
        self.by_default
    }

    /// The cases in the order of their ids, those that stay only where something is negotiated among them.
    ///
    /// # Errors
    /// E17: a name means nothing. E18: there are no earlier results. E29: no case is left.
    pub(super) fn cases(&self, suite: &'static Suite) -> Result<Vec<&'static Case>, Problem> {
        let mut cases: Vec<&Case> = suite.cases().iter().filter(|case| case.roles != Roles::Server).collect();
        let mut sets = self.sets.clone();
        sets.extend(self.by_default.then(|| NEGOTIATED.to_owned()));
        for names in [&sets, &self.names].into_iter().filter(|names| !names.is_empty()) {
            let named = select::cases(suite, names).map_err(|problem| or_an_address(problem, names))?;
            cases.retain(|case| named.iter().any(|other| other.id == case.id));
        }
        let excluded = select::cases(suite, &self.exclude)?;
        cases.retain(|case| !excluded.iter().any(|other| other.id == case.id));
        if self.mode == Mode::Discard {
            cases.retain(|case| !needs_echo(case));
        }
        if let Some(before) = &self.before {
            cases.retain(|case| before.failed(self.fail_on).any(|record| record.id == case.id));
        }
        if let Some((_, filter)) = &self.filter {
            let read = match &self.before {
                None if filter.needs_results() => Some(results::read(&self.earlier)?),
                _ => None,
            };
            let earlier = self.before.as_ref().map(|before| &before.report).or(read.as_ref());
            cases.retain(|case| filter.matches(case, earlier));
        }
        if let Some(Slice { part, of }) = self.slice {
            cases = cases.into_iter().skip(part - 1).step_by(of).collect();
        }
        if cases.is_empty() { Err(self.nothing_left()) } else { Ok(cases) }
    }

    /// What failed last time, if that is asked for.
    pub(super) const fn before(&self) -> Option<&Before> {
        self.before.as_ref()
    }

    fn nothing_left(&self) -> Problem {
        let mut problem =
            Problem::new(ErrorCode::E29, "no case is left to run").fact("asked", self.asked().join("   "));
        if !self.exclude.is_empty() {
            problem = problem.fact("without", self.exclude.join(" "));
        }
        let names: Vec<String> = self.sets.iter().chain(&self.names).cloned().collect();
        // Cases were named, but all of them are for clients.
        let named = select::cases(suite(), &names).unwrap_or_default();
        if named.iter().all(|case| case.roles == Roles::Server) && !named.is_empty() {
            problem =
                problem.fact("note", "a server is tested: cases that need a client under test do not count");
        }
        problem.fact("try", format!("wsspec list {}", names.join(" ")).trim_end().to_owned())
    }
}

/// A word that is no case may be the host of a server.
fn or_an_address(problem: Problem, names: &[String]) -> Problem {
    let is_host = |name: &&String| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let unknown = |name: &&String| select::cases(suite(), &[(*name).clone()]).is_err();
    match names.iter().filter(is_host).find(unknown) {
        Some(name) => problem.fact("or", format!("ws://{name}:PORT, if it is a server")),
        None => problem,
    }
}

/// How many of the cases that are run by default need no echo.
pub(super) fn discards() -> usize {
    let core = select::cases(suite(), &["@core".to_owned()]).unwrap_or_default();
    core.iter().filter(|case| case.roles != Roles::Server && !needs_echo(case)).count()
}

/// Whether the best outcome that is accepted holds a message: the peer has to send one.
fn needs_echo(case: &Case) -> bool {
    let sends = |event: &Expected| matches!(event, Expected::Message { .. });
    match case.accepts.first() {
        Some(best) => best.events.iter().any(sends),
        None => !case.is_passive(),
    }
}

/// Where `--last-failed` looks.
pub(super) fn before(args: &RunArgs) -> Result<Before, Problem> {
    let path = args.from.clone().unwrap_or_else(|| args.out.join(RESULTS));
    let addresses = args.words.iter().filter(|word| Target::looks_like(word));
    let addresses = addresses.filter_map(|word| Target::parse(word).ok()).map(|target| target.to_string());
    Before::read(&path, &addresses.collect::<Vec<_>>())
}
