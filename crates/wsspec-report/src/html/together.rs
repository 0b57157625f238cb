//! Two results of a case on one static page: one timeline of both, and the page of each below it.

use askama::Template;

use super::article::Article;
use super::rows::{Row, Rows};
use crate::Untrusted;
use crate::story::alignment::aligned;

/// The template.
#[derive(Template)]
#[template(path = "together.html", whitespace = "minimize")]
pub(super) struct Together<'a> {
    names: [Untrusted; 2],
    pairs: Vec<Pair>,
    articles: [Article<'a>; 2],
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for Together<'_> {}

/// Rows that tell the same, or one that only one of both has.
struct Pair([Option<Told>; 2]);

/// A row of a timeline as it stands beside one of another.
#[derive(Clone)]
struct Told {
    ms: String,
    text: Untrusted,
    href: String,
}

impl Pair {
    const fn is_same(&self) -> bool {
        matches!(self.0, [Some(_), Some(_)])
    }
}

impl<'a> Together<'a> {
    pub(super) fn new(articles: [Article<'a>; 2]) -> Self {
        let [left, right] = articles.each_ref().map(told);
        let names = articles.each_ref().map(|article| article.agent().clone());
        Self { names, pairs: paired(&left, &right), articles }
    }

    fn is_same(&self) -> bool {
        self.pairs.iter().all(Pair::is_same)
    }
}

/// The rows of its timeline that are no reads and writes.
fn told(article: &Article<'_>) -> Vec<Told> {
    let Rows { rows, .. } = article.timeline();
    let told = |row: &Row| Told {
        ms: row.ms(),
        text: match row.side.words() {
            "" => row.text.clone(),
            way => Untrusted::from(format!("{way} {}", row.text.raw())),
        },
        href: article.href_of(row),
    };
    rows.iter().filter(|row| !row.is_octets).map(told).collect()
}

/// The rows that tell the same side by side, with what only one side has in between.
fn paired(left: &[Told], right: &[Told]) -> Vec<Pair> {
    let row = |rows: &[Told], place: Option<usize>| place.map(|place| rows[place].clone());
    let pairs = aligned(left, right, |left, right| left.text == right.text, false).into_iter();
    pairs.map(|(_, l, r)| Pair([row(left, l), row(right, r)])).collect()
}
