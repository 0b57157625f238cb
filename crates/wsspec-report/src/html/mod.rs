//! HTML: one self-contained file, or a folder of static pages.
//!
//! Both forms come from the same templates. In the one file failures are written out, so that they
//! can be read without JavaScript; the other cases are packed in blocks of data that the script
//! unpacks. The folder needs no JavaScript at all.

mod absent;
mod article;
mod before;
mod body;
mod brief;
mod broken;
mod data;
mod dissected;
mod drawing;
mod ids;
mod lines;
mod links;
mod matrix;
mod one_file;
mod overview;
mod requirements;
mod rows;
mod scripts;
mod together;
mod trim;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use askama::Template;
use rayon::prelude::*;

use crate::Untrusted;
use crate::record::{CaseRecord, Report};
use absent::{Absent, AbsentPage};
use article::{Article, DISSECTED, has_run};
use before::Before;
use links::Links;
use overview::Overview;
use scripts::{Scripts, Which};
use together::Together;

const STYLE: &str = include_str!("../../assets/style.css");
/// One script in the page; its parts see each other, and the page sees none of them.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("../../assets/script/page.js"),
    include_str!("../../assets/script/packed.js"),
    include_str!("../../assets/script/filter.js"),
    include_str!("../../assets/script/route.js"),
    include_str!("../../assets/script/case.js"),
    include_str!("../../assets/script/columns.js"),
    include_str!("../../assets/script/keys.js"),
    "})();\n"
);

/// The places of cases in the one-file report.
pub struct Anchors(Links);

impl Anchors {
    /// The places in the report of this run.
    pub fn of(report: &Report) -> Self {
        Self(Links::one_file(report))
    }

    /// The key of an implementation: `mylib-2.3`.
    pub fn agent(&self, agent: &Untrusted) -> &str {
        self.0.key(agent)
    }

    /// The fragment that leads to a case: `5.15@mylib-2.3`.
    pub fn case(&self, case: &CaseRecord) -> String {
        self.0.anchor(case)
    }
}

/// The title of a section of the suite; empty if this version has no such section.
pub fn section_title(number: u16) -> String {
    matrix::title(number)
}

/// The report was not written into one file.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// It does not fit, however much is left out.
    #[error("the report would be {octets} octets, too large for one file; write it as a folder (--html-dir)")]
    TooLarge {
        /// How large it would be.
        octets: usize,
    },
    /// It cannot be written to where it should be.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Earlier results to compare with, and their name.
pub type Against<'a> = (&'a str, &'a Report);

/// A file of the folder form.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its name, without a folder.
    pub name: String,
    /// Its content.
    pub content: String,
}

/// Writes the whole report as one HTML document, with what is different from earlier results. It is not in memory as a
/// whole. What turns out too large is written again with less in it: for each attempt `begin` gives an empty place to
/// write to, and what was written to the last one counts.
///
/// # Errors
/// If it is too large even without most payloads and wire logs, or cannot be written.
pub fn write<W: io::Write>(
    report: &Report,
    against: Option<Against<'_>>,
    begin: impl FnMut() -> io::Result<W>,
) -> Result<(), Unwritten> {
    one_file::write(report, against, begin)
}

/// The same in memory.
#[cfg(test)]
pub(crate) fn report_against(report: &Report, against: Option<Against<'_>>) -> Result<String, Unwritten> {
    let page = std::sync::Mutex::new(Vec::new());
    write(report, against, || {
        page.lock().unwrap().clear();
        Ok(crate::samples::Shared(&page))
    })?;
    Ok(String::from_utf8(page.into_inner().unwrap()).unwrap())
}

/// The same without a comparison.
#[cfg(test)]
pub(crate) fn report(report: &Report) -> Result<String, Unwritten> {
    report_against(report, None)
}

/// The overview of the folder form, `index.html`.
pub fn index_page(report: &Report) -> String {
    let folder = Folder::new(report, Links::folder(report), None);
    folder.index(None, &absent::all(report, &folder.links))
}

/// The page of one case in the folder form.
pub fn case_page(report: &Report, case: &CaseRecord) -> Page {
    Folder::new(report, Links::folder(report), None).case(&case.whole())
}

/// The style sheet of the folder form.
pub fn style_sheet() -> Page {
    Page { name: "wsspec.css".to_owned(), content: STYLE.to_owned() }
}

/// The icon of the folder form, so that browsers do not look for another one.
fn icon() -> Page {
    let content = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
        <path d=\"M1 5h10l-3-3M15 11H5l3 3\" fill=\"none\" stroke=\"#0a4f86\" stroke-width=\"2\"/></svg>\n";
    Page { name: "wsspec.svg".to_owned(), content: content.to_owned() }
}

/// The folder form: static pages that need no JavaScript and one style sheet. The names are those of
/// the reference's files.
pub fn folder(report: &Report) -> impl ParallelIterator<Item = Page> + '_ {
    folder_against(report, None)
}

/// The same, with what is different from earlier results.
pub fn folder_against<'a>(
    report: &'a Report,
    against: Option<Against<'_>>,
) -> impl ParallelIterator<Item = Page> + use<'a> {
    folder_beside(report, against, |_| None)
}

/// The same, and what else is made of the record of each case that has run: where it is read from a file, it is read
/// once for both.
pub fn folder_beside<'a, F>(
    report: &'a Report,
    against: Option<Against<'_>>,
    beside: F,
) -> impl ParallelIterator<Item = Page> + use<'a, F>
where
    F: Fn(&CaseRecord) -> Option<Page> + Send + Sync + 'a,
{
    let mut links = Links::folder(report);
    let before = against.map(|against| Before::of(report, &mut links, against));
    let folder = Arc::new(Folder::new(report, links, against.map(|_| "Changes")));
    let absent = absent::all(report, &folder.links);
    let index = Page { name: "index.html".to_owned(), content: folder.index(against, &absent) };
    let earlier = before.map_or_else(Vec::new, |before| folder.earlier(&before));
    let without = {
        let folder = folder.clone();
        absent.into_par_iter().filter_map(move |absent| folder.absent(&absent))
    };
    let cases = report.cases.par_iter().filter(|case| has_run(case));
    let cases = cases.flat_map_iter(move |case| {
        let whole = case.whole();
        beside(&whole).into_iter().chain([folder.case(&whole)])
    });
    [style_sheet(), icon(), index].into_par_iter().chain(cases).chain(without).chain(earlier)
}

/// The folder form on its way.
struct Folder<'a> {
    report: &'a Report,
    links: Links,
    /// The name of the part in which the results are compared with others, if they are.
    compared: Option<&'static str>,
}

impl<'a> Folder<'a> {
    fn new(report: &'a Report, links: Links, compared: Option<&'static str>) -> Self {
        let compared = overview::compared_with(report, compared.is_some());
        Self { report, links, compared }
    }

    fn index(&self, against: Option<Against<'_>>, absent: &[Absent<'_>]) -> String {
        let overview = Box::new(Overview::new(self.report, &self.links, against, absent));
        self.page(heading(self.report), Content::Overview(overview))
    }

    fn absent(&self, absent: &Absent<'_>) -> Option<Page> {
        let title = format!("{} {}", absent.id, absent.agent.raw());
        let page = Box::new(AbsentPage::new(self.report, &self.links, absent)?);
        let content = self.page(title.into(), Content::Absent(page));
        Some(Page { name: self.links.case_of(absent.agent, absent.id), content })
    }

    /// The page of a case whose record is whole.
    fn case(&self, case: &CaseRecord) -> Page {
        let title = format!("{} {} {}", case.id, case.slug, case.agent.raw());
        let content = self.page(title.into(), Content::Case(Box::new(self.article(case))));
        Page { name: self.links.case(case), content }
    }

    fn article<'b>(&self, case: &'b CaseRecord) -> Article<'b>
    where
        'a: 'b,
    {
        let scripts = Scripts::of(self.report, case, Which::All, true);
        Article::new(self.report, &self.links, case, DISSECTED, scripts)
    }

    /// The pages of cases that have changed: what was found before beside what was found now.
    fn earlier(&self, before: &Before) -> Vec<Page> {
        let pages = before.cases(self.report).par_bridge().map(|(now, earlier)| {
            let title = format!("{} {} {}, before and now", now.id, now.slug, now.agent.raw());
            let now = now.whole();
            let scripts = Scripts::of(&before.report, earlier, Which::All, true);
            let article = Article::new(&before.report, &before.links, earlier, DISSECTED, scripts);
            let both = Box::new(Together::new([article, self.article(&now)]));
            Page { name: before.links.case(earlier), content: self.page(title.into(), Content::Both(both)) }
        });
        pages.collect()
    }

    fn page(&self, title: Untrusted, content: Content<'_>) -> String {
        StaticPage::render(self, title, content)
    }
}

/// The names of the implementations, as far as they fit.
fn heading(report: &Report) -> Untrusted {
    let agents = report.agents();
    let more = agents.len().saturating_sub(2);
    let names: Vec<&str> = agents.iter().take(2).map(|agent| agent.raw()).collect();
    let more = if more > 0 { format!(" +{more} more") } else { String::new() };
    Untrusted::from(format!("{}{more}", names.join(", ")))
}

/// `2026-11-21T10:14:02.113Z` to the minute: `2026-11-21 10:14 UTC`.
fn to_the_minute(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => time.to_owned(),
    }
}

impl StaticPage<'_> {
    fn started(&self) -> String {
        to_the_minute(&self.report.run.started)
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct StaticPage<'a> {
    report: &'a Report,
    links: &'a Links,
    compared: Option<&'static str>,
    title: Untrusted,
    policy: &'static str,
    content: Content<'a>,
}

enum Content<'a> {
    Overview(Box<Overview<'a>>),
    Case(Box<Article<'a>>),
    Both(Box<Together<'a>>),
    Absent(Box<AbsentPage<'a>>),
}

impl StaticPage<'_> {
    fn render(folder: &Folder<'_>, title: Untrusted, content: Content<'_>) -> String {
        let policy =
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";
        let Folder { report, links, compared } = folder;
        render(&StaticPage { report, links, compared: *compared, title, policy, content })
    }
}

fn render(template: &impl Template) -> String {
    template.render().expect("writing to memory does not fail")
}

fn print_into(template: &impl Template, out: &mut String) {
    template.render_into(out).expect("writing to memory does not fail");
}
