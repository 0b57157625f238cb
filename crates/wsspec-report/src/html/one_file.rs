//! The report as one document: failures written out, the other cases packed, as much as fits.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::absent::{self, Absent, AbsentPage};
use super::article::{Article, has_run};
use super::data::{Block, PARTS, Pages};
use super::links::Links;
use super::overview::Overview;
use super::scripts::{Scripts, Which};
use super::trim::Trim;
use super::{Against, SCRIPT, STYLE, TooLarge, heading, print_into, render as print_text, to_the_minute};
use crate::Untrusted;
use crate::record::{CaseRecord, Report};
use crate::verdict::Shown;

/// From this size on details are left out, in octets.
const SOFT_LIMIT: usize = 10 << 20;
/// No file is larger than that, in octets.
const HARD_LIMIT: usize = 25 << 20;

/// Cases that are unpacked together: neighbours have much in common, and the fewer
/// there are the larger the file. Their pages, some 25 KB each, are in memory at the same time.
const IN_A_BLOCK: usize = 160;
/// From so many cases on a part of them tells how large the whole will be.
const SAMPLED_FROM: usize = 2000;
/// So many neighbours are in the sample, and then none of so many times as many.
const SAMPLED: usize = 4;
const SAMPLE: usize = 41;

/// Frames of a failure of which every octet is named: those around the deviation. They are not packed.
const DISSECTED_OF_A_FAILURE: usize = 5;
/// Of failures with the same cause, so many of each implementation are written out when all would be too much.
const WRITTEN_OF_A_CAUSE: usize = 2;

/// The document with as few details left out as its size allows.
pub(super) fn render(report: &Report, against: Option<Against<'_>>) -> Result<String, TooLarge> {
    let links = Links::one_file(report);
    let absent = absent::all(report, &links);
    let writer = |step: Trim| Writer::new(report, &links, &absent, against, step);
    let seems_to_fit = |step: &Trim| writer(*step).estimate() <= step.limit();
    let first = Trim::STEPS.partition_point(|step| !seems_to_fit(step));
    let mut octets = 0;
    for step in &Trim::STEPS[first..] {
        let html = writer(*step).document();
        octets = html.len();
        if octets <= step.limit() {
            return Ok(html);
        }
    }
    if first == Trim::STEPS.len() {
        octets = writer(Trim::Repeated).estimate();
    }
    Err(TooLarge { octets })
}

impl Trim {
    /// The size that is accepted: rather than to leave out what failed, the file may grow.
    const fn limit(self) -> usize {
        match self {
            Self::Volume | Self::Middle | Self::Payloads | Self::Records => SOFT_LIMIT,
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
    step: Trim,
    /// The places in the report of the failures that are written out.
    written: BTreeSet<usize>,
    /// Those of them with scripts that can be read without JavaScript: the first of each cause and implementation.
    scripted: BTreeSet<usize>,
    /// The places of all cases that have run. The same case with several implementations looks alike, and so
    /// do neighbours: next to each other they pack well.
    told: Vec<usize>,
}

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
        let most = if step == Trim::Repeated { WRITTEN_OF_A_CAUSE } else { usize::MAX };
        let mut of_cause = HashMap::<_, usize>::new();
        let (mut written, mut scripted) = (BTreeSet::new(), BTreeSet::new());
        for (place, case) in cases().filter(|(_, case)| case.verdict.is_failure()) {
            let same = of_cause.entry((&case.agent, &case.cause)).or_default();
            *same += 1;
            if *same == 1 && step.scripts() != Which::None {
                scripted.insert(place);
            }
            if *same <= most {
                written.insert(place);
            }
        }
        Self { report, links, absent, against, step, written, scripted, told }
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
        let packed: usize = sample.par_chunks(IN_A_BLOCK).map(|places| self.block(places).base64.len()).sum();
        let failing: Vec<_> = self.written.iter().step_by(SAMPLE).collect();
        let pages: usize = failing.par_iter().map(|place| self.failing(**place).article.len()).sum();
        (packed + pages) * SAMPLE
    }

    fn document(&self) -> String {
        let without = self.absent.par_chunks(IN_A_BLOCK).map(|cases| self.block_without(cases));
        let pack =
            || self.told.par_chunks(IN_A_BLOCK).map(|places| self.block(places)).chain(without).collect();
        let failing: Vec<_> = self.written.iter().collect();
        let write = || failing.par_iter().map(|place| self.failing(**place)).collect();
        let overview = || Overview::new(self.report, self.links, self.against, self.absent);
        let (overview, (failing, blocks)): (_, (Vec<_>, Vec<Block>)) =
            rayon::join(overview, || rayon::join(write, pack));
        let packed: usize = blocks.iter().map(|block| block.base64.len()).sum();
        let written: usize = failing.iter().map(|page: &FailingPage<'_>| page.article.len()).sum();
        let mut html = String::with_capacity((packed + written) / 4 * 5);
        let (policy, heading) = (&*POLICY, heading(self.report));
        let (report, style, script, step) = (self.report, STYLE, SCRIPT, self.step);
        print_into(
            &OneFile { report, heading, policy, style, script, overview, failing, blocks, step },
            &mut html,
        );
        html
    }

    fn block(&self, places: &[usize]) -> Block {
        let mut pages = Pages::default();
        for place in places {
            let whole = self.report.whole(&self.report.cases[*place]);
            let case = self.step.apply(&whole);
            let record = if self.step.has_record(&case) { case.to_json() } else { String::new() };
            let print = |out: &mut String| {
                if !self.written.contains(place) {
                    print_into(&self.article(&case, Which::None), out);
                }
            };
            let scripts = Scripts::of(self.report, &case, self.step.scripts(), false);
            let scripts = if scripts.is_empty() { String::new() } else { print_text(&scripts) };
            pages.add(&self.links.anchor(&case), print, &scripts, &record);
        }
        pages.pack(self.level())
    }

    /// The pages of cases that were not run.
    fn block_without(&self, cases: &[Absent<'_>]) -> Block {
        let mut pages = Pages::default();
        for absent in cases {
            if let Some(page) = AbsentPage::new(self.report, self.links, absent) {
                let name = self.links.anchor_of(absent.agent, absent.id);
                pages.add(&name, |out| print_into(&page, out), "", "");
            }
        }
        pages.pack(self.level())
    }

    fn article<'c>(&'c self, case: &'c CaseRecord, which: Which) -> Article<'c> {
        let most = if case.verdict.is_failure() { DISSECTED_OF_A_FAILURE } else { usize::MAX };
        Article::new(self.report, self.links, case, self.step.dissected().min(most), which)
    }

    fn failing(&self, place: usize) -> FailingPage<'a> {
        let whole = &self.report.cases[place];
        let which = if self.scripted.contains(&place) { Which::Few } else { Which::None };
        let case = self.step.apply(whole);
        FailingPage {
            label: case.verdict.label(),
            id: case.id.to_string(),
            slug: &whole.slug,
            agent: &whole.agent,
            article: print_text(&self.article(&case, which)),
        }
    }
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
    failing: Vec<FailingPage<'a>>,
    blocks: Vec<Block>,
    step: Trim,
}

impl OneFile<'_> {
    fn has_all_failures(&self) -> bool {
        self.step != Trim::Repeated
    }

    fn started(&self) -> String {
        to_the_minute(&self.report.run.started)
    }
}

/// A case that is written out.
struct FailingPage<'a> {
    label: &'static str,
    id: String,
    slug: &'a str,
    agent: &'a Untrusted,
    article: String,
}
