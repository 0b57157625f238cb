//! The report as one document: failures written out in brief, the pages of all cases packed, as much as fits.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write as _};
use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::absent::{self, Absent, AbsentPage};
use super::article::{Article, has_run};
use super::before::Before;
use super::brief::{self, Length};
use super::data::{Block, PARTS, Page, Pages, SCRIPTS};
use super::links::Links;
use super::overview::Overview;
use super::scripts::{Scripts, Which};
use super::trim::Trim;
use super::{Against, SCRIPT, STYLE, Unwritten, heading, print_into, render as print_text, to_the_minute};
use crate::Untrusted;
use crate::record::{CaseRecord, Report};
use crate::story::units;

/// Up to this size nothing is left out that other files of the run have as well, in octets.
const WANTED: usize = 1_500_000;
/// From this size on more is left out.
const SOFT_LIMIT: usize = 10 << 20;
/// No file is larger than that, in octets.
const HARD_LIMIT: usize = 25 << 20;

/// Cases that are unpacked together: neighbours have much in common, and the fewer there are the larger the file. What
/// their pages, some 25 KB each, do not share is in memory at the same time.
const IN_A_BLOCK: usize = 256;
/// From so many cases on a part of them tells how large the whole will be.
const SAMPLED_FROM: usize = 2000;
/// So many neighbours are in the sample, and then none of so many times as many.
const SAMPLED: usize = 4;
const SAMPLE: usize = 41;

/// Of failures with the same cause, so many of each implementation are told in full when all would be too much.
const FULL_OF_A_CAUSE: usize = 2;

/// Writes the document with as few details left out as its size allows. For each attempt `begin` gives an empty place
/// to write to; the last one counts.
pub(super) fn write<W: io::Write>(
    report: &Report,
    against: Option<Against<'_>>,
    mut begin: impl FnMut() -> io::Result<W>,
) -> Result<(), Unwritten> {
    let mut links = Links::one_file(report);
    let before = against.map(|against| Before::of(report, &mut links, against));
    let absent = absent::all(report, &links);
    let writer = |step: Trim| Writer {
        before: before.as_ref(),
        ..Writer::new(report, &links, &absent, against, step)
    };
    let first = first_that_fits(|step| writer(step).estimate());
    let mut octets = 0;
    for step in &Trim::STEPS[first..] {
        let mut out = Counting { out: begin()?, octets: 0 };
        writer(*step).document().write_into(&mut out)?;
        out.flush()?;
        octets = out.octets;
        if octets <= step.limit() {
            return Ok(());
        }
    }
    if first == Trim::STEPS.len() {
        octets = writer(Trim::Repeated).estimate();
    }
    Err(Unwritten::TooLarge { octets })
}

/// The place of the first step that seems to fit.
fn first_that_fits(estimate: impl Fn(Trim) -> usize) -> usize {
    let mut steps = 0..Trim::STEPS.len();
    while !steps.is_empty() {
        let middle = usize::midpoint(steps.start, steps.end);
        let octets = estimate(Trim::STEPS[middle]);
        if octets > Trim::STEPS[middle].limit() {
            steps.start = middle + 1;
        } else {
            // Milder steps leave in as much at least.
            let too_small = Trim::STEPS.partition_point(|step| step.limit() < octets);
            steps = steps.start.max(too_small)..middle;
        }
    }
    steps.start
}

/// Counts what is written.
struct Counting<W> {
    out: W,
    octets: usize,
}

impl<W: io::Write> io::Write for Counting<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.out.write(octets)?;
        self.octets += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Trim {
    /// The size that is accepted: rather than to leave out what failed, the file may grow.
    const fn limit(self) -> usize {
        match self {
            Self::Volume | Self::Records => WANTED,
            Self::Alike | Self::Middle | Self::Payloads => SOFT_LIMIT,
            Self::Failures | Self::Repeated => HARD_LIMIT,
        }
    }
}

/// One step of leaving out.
struct Writer<'a> {
    report: &'a Report,
    links: &'a Links,
    absent: &'a [Absent<'a>],
    against: Option<Against<'a>>,
    /// The earlier results that have changed.
    before: Option<&'a Before>,
    step: Trim,
    /// The places in the report of the failures that are written out, in brief, each with that of the first with the same
    /// cause and implementation.
    written: BTreeMap<usize, usize>,
    /// The places in the report of failures that are told in short where this step does so.
    alike: HashSet<usize>,
    /// The places of all cases that have run. The same case with several implementations looks alike, and so
    /// do neighbours: next to each other they pack well.
    told: Vec<usize>,
}

/// A failure that is written out, by its place in the report.
type Brief = (usize, String);

impl<'a> Writer<'a> {
    fn new(
        report: &'a Report,
        links: &'a Links,
        absent: &'a [Absent<'a>],
        against: Option<Against<'a>>,
        step: Trim,
    ) -> Self {
        let cases = || report.cases.iter().enumerate().filter(|(_, case)| has_run(case));
        let mut told: Vec<usize> = cases().map(|(place, _)| place).collect();
        told.sort_by_key(|place| report.cases[*place].id);
        let mut of_cause = HashMap::<_, Vec<usize>>::new();
        let (mut written, mut alike) = (BTreeMap::new(), HashSet::new());
        for (place, case) in cases().filter(|(_, case)| case.verdict.is_failure()) {
            let same = of_cause.entry((&case.agent, &case.cause)).or_default();
            same.push(place);
            let is_alike = same.len() > FULL_OF_A_CAUSE;
            if is_alike && step >= Trim::Alike {
                alike.insert(place);
            }
            if !is_alike || step != Trim::Repeated {
                written.insert(place, same[0]);
            }
        }
        Self { report, links, absent, against, before: None, step, written, alike, told }
    }

    /// Large reports are packed quickly, others tightly.
    fn level(&self) -> Compression {
        Compression::new(if self.told.len() < SAMPLED_FROM { 9 } else { 5 })
    }

    /// About how large the document will be. Small reports are just written.
    fn estimate(&self) -> usize {
        if self.told.len() < SAMPLED_FROM {
            return 0;
        }
        let sample = self.told.chunks(SAMPLED).step_by(SAMPLE).collect::<Vec<_>>().concat();
        let block = |places: &[usize]| {
            let mut pages = Pages::default();
            let made: Vec<Page> =
                places.par_iter().map(|place| self.page(&self.case(*place), *place)).collect();
            made.into_iter().for_each(|page| pages.add(page));
            pages.pack(self.level()).base64.len()
        };
        let packed = || -> usize { sample.chunks(IN_A_BLOCK).map(block).sum() };
        let failing: Vec<_> = self.written.keys().step_by(SAMPLE).collect();
        let brief = |place: &&usize| self.brief(&self.case(**place), **place).map_or(0, |brief| brief.len());
        let pages = || -> usize { failing.par_iter().map(brief).sum() };
        // While one thread packs, others have something to do.
        let (packed, pages) = rayon::join(packed, pages);
        (packed + pages) * SAMPLE
    }

    fn document(&self) -> OneFile<'_> {
        let (mut blocks, briefs): (Vec<Block>, Vec<Vec<Brief>>) =
            blocks_of(&self.told, |places| self.block(places)).into_iter().unzip();
        blocks.extend(blocks_of(self.absent, |cases| self.block_without(cases)));
        let earlier = self.before.map_or(&[][..], |before| &before.report.cases);
        blocks.extend(blocks_of(earlier, |cases| self.block_before(cases)));
        let mut briefs: Vec<Brief> = briefs.into_iter().flatten().collect();
        briefs.sort_unstable_by_key(|(place, _)| *place);
        OneFile {
            report: self.report,
            heading: heading(self.report),
            policy: &POLICY,
            style: STYLE,
            script: SCRIPT,
            overview: Overview::new(self.report, self.links, self.against, self.absent),
            briefs,
            blocks,
            step: self.step,
        }
    }

    /// What is packed of some cases, and what is written out of them: each is read once for both.
    fn block(&self, places: &[usize]) -> (Block, Vec<Brief>) {
        let (mut pages, mut briefs) = (Pages::default(), Vec::new());
        for place in places {
            let case = self.case(*place);
            pages.add(self.page(&case, *place));
            briefs.extend(self.brief(&case, *place).map(|brief| (*place, brief)));
        }
        (pages.pack(self.level()), briefs)
    }

    /// A case with what this step leaves in.
    fn case(&self, place: usize) -> Cow<'a, CaseRecord> {
        self.step.apply(self.report.cases[place].whole())
    }

    /// What is packed of a case.
    fn page(&self, case: &CaseRecord, place: usize) -> Page {
        let is_alike = self.alike.contains(&place);
        let has_record = self.step.has_record(case, is_alike);
        let record = if has_record { record_of_page(case) } else { String::new() };
        let mut scripts = Scripts::of(self.report, case, self.step.scripts(is_alike), false);
        let texts = scripts.take();
        let article = Article::new(self.report, self.links, case, self.step.dissected(), scripts);
        Page::new(self.links.anchor(case), |out| print_into(&article, out)).with(texts, record)
    }

    /// The pages of earlier results.
    fn block_before(&self, cases: &[CaseRecord]) -> Block {
        let mut pages = Pages::default();
        for case in cases {
            let Some(before) = self.before else { continue };
            let (case, dissected) = (self.step.apply(Cow::Borrowed(case)), self.step.dissected());
            let scripts = Scripts::of(&before.report, &case, Which::None, false);
            let article = Article::new(&before.report, &before.links, &case, dissected, scripts);
            let record =
                if self.step.has_record(&case, false) { record_of_page(&case) } else { String::new() };
            let page = Page::new(before.links.anchor(&case), |out| print_into(&article, out));
            pages.add(page.with(Vec::new(), record));
        }
        pages.pack(self.level())
    }

    /// The pages of cases that were not run.
    fn block_without(&self, cases: &[Absent<'_>]) -> Block {
        let mut pages = Pages::default();
        for absent in cases {
            if let Some(page) = AbsentPage::new(self.report, self.links, absent) {
                let name = self.links.anchor_of(absent.agent, absent.id);
                pages.add(Page::new(name, |out| print_into(&page, out)));
            }
        }
        pages.pack(self.level())
    }

    /// What is written out of a case, if it is one of these.
    fn brief(&self, case: &CaseRecord, place: usize) -> Option<String> {
        let first = *self.written.get(&place)?;
        let length = match place {
            _ if place == first => Length::First,
            _ if self.alike.contains(&place) => Length::Short(&self.report.cases[first]),
            _ => Length::Full,
        };
        Some(print_text(&brief::Brief::new(self.links, case, &length)))
    }
}

/// A block for every [`IN_A_BLOCK`] of the cases, made by each thread one after the other: what is made for a block takes
/// much memory. All of them are no more than the file.
fn blocks_of<'a, T: Sync, U: Send>(cases: &'a [T], pack: impl Fn(&'a [T]) -> U + Sync + Send) -> Vec<U> {
    cases.par_chunks(IN_A_BLOCK).with_max_len(1).map(pack).collect()
}

/// What the one file may do: run this script, use this style sheet, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'none'; \
         font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// Style, script and articles are markup that this crate has printed: they stand as they are.
#[derive(Template)]
#[template(path = "report.html")]
struct OneFile<'a> {
    report: &'a Report,
    heading: Untrusted,
    policy: &'a str,
    style: &'static str,
    script: &'static str,
    overview: Overview<'a>,
    briefs: Vec<Brief>,
    blocks: Vec<Block>,
    step: Trim,
}

impl OneFile<'_> {
    fn has_failures(&self) -> bool {
        !self.briefs.is_empty()
    }

    fn has_all_failures(&self) -> bool {
        self.step != Trim::Repeated
    }

    fn started(&self) -> String {
        to_the_minute(&self.report.run.started)
    }

    fn number_of_cases(&self) -> String {
        units::plural(self.overview.number_of_cases() as u64, "case")
    }
}

/// The record as the page holds it: what checks found stands in it in words, as data in `results.jsonl` only.
fn record_of_page(case: &CaseRecord) -> String {
    if case.checks.iter().all(|check| check.ok) {
        return case.to_json();
    }
    let mut case = case.clone();
    for check in &mut case.checks {
        (check.wanted, check.found) = (None, None);
    }
    case.to_json()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_mildest_step_that_fits_is_found_without_trying_those_that_cannot() {
        // Estimates of all steps, the first that fits, and how many are asked for it.
        for (sizes, fits, asked) in [
            ([9, 8, 7, 6, 5, 4, 3].map(|n| n << 20), 2, 2),
            ([9, 1, 1, 1, 1, 1, 1].map(|n| n << 20), 1, 3),
            ([1; 7].map(|n| n << 20), 0, 3),
            ([90, 80, 70, 60, 50, 40, 30].map(|n| n << 20), 7, 3),
            ([90, 80, 70, 60, 9, 8, 7].map(|n| n << 20), 4, 3),
        ] {
            let count = Cell::new(0);
            let estimate = |step: Trim| {
                count.set(count.get() + 1);
                sizes[Trim::STEPS.iter().position(|other| *other == step).unwrap()]
            };
            assert_eq!((first_that_fits(estimate), count.get()), (fits, asked), "{sizes:?}");
        }
    }
}
