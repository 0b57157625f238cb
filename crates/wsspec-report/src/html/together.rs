//! Two results of a case on one static page: one timeline of both, and the page of each below it.

use askama::Template;

use super::article::Article;
use super::rows::{Row, Rows};
use crate::Untrusted;

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
        Self { names, pairs: aligned(&left, &right), articles }
    }

    fn is_same(&self) -> bool {
        self.pairs.iter().all(Pair::is_same)
    }
}

/// The rows of its timeline that are no reads and writes.
fn told(article: &Article<'_>) -> Vec<Told> {
    let Rows { rows, .. } = article.timeline();
    let told = |row: &Row| Told {
        ms: row.ms.clone(),
        text: match row.side.words() {
            "" => row.text.clone(),
            way => Untrusted::from(format!("{way} {}", row.text.raw())),
        },
        href: article.href_of(row),
    };
    rows.iter().filter(|row| !row.is_octets).map(told).collect()
}

/// The rows along their longest common subsequence, with what only one side has in between.
fn aligned(left: &[Told], right: &[Told]) -> Vec<Pair> {
    let mut lengths = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            lengths[l][r] = match left[l].text == right[r].text {
                true => lengths[l + 1][r + 1] + 1,
                false => lengths[l + 1][r].max(lengths[l][r + 1]),
            };
        }
    }
    let (mut l, mut r, mut pairs) = (0, 0, Vec::new());
    while l < left.len() || r < right.len() {
        let both = l < left.len() && r < right.len();
        let is_same = both && left[l].text == right[r].text;
        let is_left = is_same || r == right.len() || (both && lengths[l + 1][r] >= lengths[l][r + 1]);
        let is_right = is_same || !is_left;
        pairs.push(Pair([is_left.then(|| left[l].clone()), is_right.then(|| right[r].clone())]));
        l += usize::from(is_left);
        r += usize::from(is_right);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &str) -> Vec<Told> {
        let row = |text: &str| Told { ms: String::new(), text: text.into(), href: String::new() };
        texts.split(' ').filter(|text| !text.is_empty()).map(row).collect()
    }

    #[test]
    fn rows_that_tell_the_same_stand_side_by_side_and_none_is_lost() {
        for (left, right, both) in [
            ("a b c", "a b c", "aa bb cc"),
            ("a b c", "a x c", "aa b- -x cc"),
            ("a", "b a", "-b aa"),
            ("a b", "", "a- b-"),
            ("", "a", "-a"),
        ] {
            let side = |told: &Option<Told>| told.as_ref().map_or("-", |told| told.text.raw()).to_owned();
            let pairs = aligned(&rows(left), &rows(right));
            let pairs: Vec<String> =
                pairs.iter().map(|Pair([left, right])| side(left) + &side(right)).collect();
            assert_eq!(pairs.join(" "), both, "{left} | {right}");
        }
    }
}
