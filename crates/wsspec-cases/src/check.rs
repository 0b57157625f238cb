//! What every table of cases has to keep: checked by a test for ours, and to be checked for those of others.

use std::collections::BTreeSet;
use std::fmt;

use crate::case::{Case, Grade, Play};
use crate::event::Expected;
use crate::id::CaseId;
use crate::profile::{Fails, Profile};
use crate::rule::Level;
use crate::step::{Await, FrameSpec, Step};
use crate::suite::Suite;

/// Something that is wrong with a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The case.
    pub id: CaseId,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "case {}: {}", self.id, self.what)
    }
}

/// So that a list of cases fits a terminal of 80 columns.
const LONGEST_SLUG: usize = 34;

/// Looks at every case; no defects are found in a sound table.
pub fn check(suite: &Suite) -> Vec<Defect> {
    let cases = suite.cases();
    let each = cases.iter().flat_map(|case| {
        let found = [texts(case), rules(case), deflate(case)].into_iter().flatten();
        found.chain(case.parts(Some(3)).flat_map(|part| connection(&part))).map(|what| defect(case, what))
    });
    order(cases).chain(slugs(cases)).chain(places(suite)).chain(each).collect()
}

/// What has to hold for each connection of a case.
fn connection(case: &Case) -> Vec<String> {
    [time(case), outcomes(case), profile(case), close(case)].concat()
}

fn order(cases: &[Case]) -> impl Iterator<Item = Defect> {
    let unordered = cases.windows(2).filter(|pair| pair[0].id >= pair[1].id);
    unordered.map(|pair| defect(&pair[1], format!("does not come after {}", pair[0].id)))
}

fn slugs(cases: &[Case]) -> impl Iterator<Item = Defect> {
    let mut known = BTreeSet::new();
    cases.iter().filter_map(move |case| {
        let lawful = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if case.slug.len() > LONGEST_SLUG {
            Some(defect(case, "the slug is too long for a table"))
        } else if case.slug.is_empty() || !case.slug.bytes().all(lawful) {
            Some(defect(case, "the slug is not made of a-z, 0-9 and -"))
        } else if !known.insert(&*case.slug) {
            Some(defect(case, format!("the slug {} is taken", case.slug)))
        } else {
            None
        }
    })
}

fn places(suite: &Suite) -> impl Iterator<Item = Defect> {
    suite.cases().iter().filter_map(|case| {
        let has_groups = suite.section_of(case.id).map(|section| !section.groups.is_empty());
        match (has_groups, suite.group_of(case.id)) {
            (None, _) => Some(defect(case, "its section is not declared")),
            (Some(true), None) => Some(defect(case, "its group is not declared")),
            _ => None,
        }
    })
}

fn texts(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    if case.title.is_empty() || case.title.ends_with(['.', ' ']) {
        found.push("the title is missing, or ends with a full stop or a space".to_owned());
    }
    if !case.expectation.ends_with('.') {
        found.push("the expectation is missing, or is no sentence".to_owned());
    }
    for (bit, rsv) in [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")] {
        let sent =
            steps(case).iter().any(|step| matches!(step, Step::Send(f) if odd_bits(case, f) & bit != 0));
        if case.title.contains(rsv) != sent {
            found.push(format!("the title and the frames do not agree on {rsv}"));
        }
    }
    found
}

/// The reserved bits, without the one that says of a message that it is compressed.
fn odd_bits(case: &Case, frame: &FrameSpec) -> u8 {
    let compressed = case.deflate.is_some() && frame.opcode.is_data();
    if compressed { frame.rsv.bits() & 3 } else { frame.rsv.bits() }
}

fn rules(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    if case.rules.is_empty() {
        found.push("it tests no rule".to_owned());
    }
    let vague = |rule: &&crate::Rule| rule.section.is_empty() || rule.summary.is_empty();
    if case.rules.iter().any(|rule| vague(&rule)) {
        found.push("a rule names no section, or says nothing".to_owned());
    }
    found
}

fn time(case: &Case) -> Vec<String> {
    let Play::Script(steps) = &case.play else { return Vec::new() };
    let mut open = std::time::Duration::ZERO;
    let mut bound = None;
    for step in steps {
        match step {
            Step::Wait { duration, .. } => open += *duration,
            Step::Await(Await { within, perhaps, .. }) => {
                open += *within;
                bound = if *perhaps { bound } else { Some(open) };
            }
            Step::FailAfter(duration) | Step::CloseAfter(duration) => bound = Some(open + *duration),
            _ => {}
        }
    }
    match bound {
        None => vec!["no timer ends it".to_owned()],
        Some(bound) if bound >= case.time_limit => vec!["its timer ends it after its time limit".to_owned()],
        Some(_) => Vec::new(),
    }
}

fn outcomes(case: &Case) -> Vec<String> {
    let Play::Script(_) = &case.play else {
        let driven = case.accepts.is_empty();
        return if driven { Vec::new() } else { vec!["a driver judges by itself".to_owned()] };
    };
    let mut found = Vec::new();
    let strict = case.profile.is_none();
    let must = strict && case.rules.first().is_some_and(|rule| rule.level == Level::Must);
    if must && !case.accepts.iter().any(|accept| accept.grade == Grade::Ok) {
        found.push("a MUST that nobody can keep: no outcome is OK".to_owned());
    }
    for (n, accept) in case.accepts.iter().enumerate() {
        if (accept.grade == Grade::Ok) != accept.because.is_empty() {
            found.push(format!("outcome {n}: a reason belongs to those that are not OK, and only to them"));
        }
        if case.accepts[..n].iter().any(|earlier| earlier.events == accept.events) {
            found.push(format!("outcome {n} never applies: an earlier one has the same events"));
        }
        if accept.events.iter().any(|event| matches!(event, Expected::Elapsed(tag) if !waits(case, tag))) {
            found.push(format!("outcome {n} names a wait that is none of the steps"));
        }
    }
    if strict && case.accepts.is_empty() {
        found.push("no outcome is accepted".to_owned());
    }
    found
}

fn profile(case: &Case) -> Vec<String> {
    match case.profile {
        Some(Profile::Fails(Fails { late, waits: open, .. })) => {
            let missing = [late, open].into_iter().flatten().find(|tag| !waits(case, tag));
            missing
                .map(|tag| format!("its profile names a wait {tag} that is none of the steps"))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn close(case: &Case) -> Vec<String> {
    if case.close.codes.is_empty() { vec!["no close rule".to_owned()] } else { Vec::new() }
}

fn deflate(case: &Case) -> Vec<String> {
    let Some(plan) = &case.deflate else { return Vec::new() };
    let offered = plan.offers.iter().filter_map(|offer| offer.server_max_window_bits);
    let mut bits = offered.chain(plan.answers.iter().filter_map(|answer| answer.client_max_window_bits));
    if bits.all(|bits| (8..=15).contains(&bits)) {
        Vec::new()
    } else {
        vec!["a window has 8 to 15 bits".to_owned()]
    }
}

fn waits(case: &Case, name: &str) -> bool {
    steps(case).iter().any(|step| matches!(step, Step::Wait { tag: Some(tag), .. } if *tag == name))
}

fn steps(case: &Case) -> &[Step] {
    match &case.play {
        Play::Script(steps) => steps,
        Play::Drive(..) | Play::Passive(_) | Play::Series(_) => &[],
    }
}

fn defect(case: &Case, what: impl Into<String>) -> Defect {
    Defect { id: case.id, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Rfc, Rule};
    use crate::suite::{Declaration, suite};
    use crate::words::*;

    #[test]
    fn our_table_is_sound() {
        let defects: Vec<String> = check(suite()).iter().map(ToString::to_string).collect();
        assert!(defects.is_empty(), "{}", defects.join("\n"));
    }

    fn sound<'s>(s: &'s mut Declaration<'_>, id: &str, slug: &'static str) -> &'s mut Case {
        s.case(id, slug, "A ping")
            .expect("A pong.")
            .send(ping(""))
            .fail_after(secs(1))
            .ok([ponged("")])
            .close(we_close([1000]))
    }

    /// What is found in two cases of which the second was spoilt.
    fn defects(spoil: impl FnOnce(&mut Case)) -> String {
        let mut suite = Suite::default();
        let mut s = suite.section(20, "Test");
        s.rules([Rule::must(Rfc::Rfc6455, "5.5", "a rule")]);
        sound(&mut s, "20.1", "first");
        spoil(sound(&mut s, "20.2", "second"));
        check(&suite).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_sound_case_has_no_defects() {
        assert_eq!(defects(|_| {}), "");
    }

    #[test]
    fn every_defect_is_found() {
        type Spoil = fn(&mut Case);
        let spoilt: [(&str, Spoil); 19] = [
            ("come after", |case| case.id = "20.1".parse().unwrap()),
            ("section is not declared", |case| case.id = "21.1".parse().unwrap()),
            ("slug is too long", |case| case.slug = "p".repeat(35).into()),
            ("slug is not made", |case| case.slug = "Pings!".into()),
            ("slug first is taken", |case| case.slug = "first".into()),
            ("title is missing", |case| case.title = "A ping.".into()),
            ("expectation is missing", |case| case.expectation = "A pong".into()),
            ("agree on RSV2", |case| case.title = "A ping with RSV2 set".into()),
            ("agree on RSV1", |case| {
                case.send(ping("").rsv(4));
            }),
            ("tests no rule", |case| case.rules.clear()),
            ("names no section", |case| case.rules[0].section = ""),
            ("no timer ends it", |case| case.play = Play::Script(vec![ping("").into()])),
            ("after its time limit", |case| case.time_limit = secs(1)),
            ("no outcome is OK", |case| case.accepts[0].grade = Grade::NonStrict),
            ("a reason belongs", |case| {
                case.non_strict([], "");
            }),
            ("never applies", |case| {
                case.ok([ponged("")]);
            }),
            ("none of the steps", |case| {
                case.ok([elapsed("A")]);
            }),
            ("its profile names a wait", |case| {
                case.fails(Fails::with([1002]).or_later_than("A"));
            }),
            ("no close rule", |case| case.close.codes.clear()),
        ];
        for (what, spoil) in spoilt {
            let found = defects(spoil);
            assert!(found.contains(what), "{what} is not in {found:?}");
        }
    }
}
