//! docs/benchmarks.md: prose by hand, and one marked block for each benchmark.

use std::fs;

use anyhow::{Context, Result};

use crate::repository;

/// Puts `text` into the block `name` of the page, in place of what stands there.
pub(crate) fn write_block(name: &str, text: &str) -> Result<()> {
    let path = repository().join("docs/benchmarks.md");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = replaced(&page, name, text)
        .with_context(|| format!("{} has no block {:?}", path.display(), begin(name)))?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn begin(name: &str) -> String {
    format!("<!-- begin {name}: written by cargo xtask bench {name} --write-docs -->")
}

fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let begin = begin(name);
    let (before, rest) = page.split_once(&begin)?;
    let end = format!("<!-- end {name} -->");
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_block_for_every_benchmark() {
        let page = fs::read_to_string(repository().join("docs/benchmarks.md")).unwrap();
        for name in
            ["suite --server endpoint", "suite --server ws", "growth", "echo", "short", "micro", "limits"]
        {
            assert!(replaced(&page, name, "").is_some(), "{name}");
        }
    }

    #[test]
    fn a_block_is_replaced_and_the_rest_stays() {
        let page = format!("a\n{}\nold\n<!-- end x -->\nb\n", begin("x"));
        let new = replaced(&page, "x", "new\n").unwrap();
        assert_eq!(new, format!("a\n{}\n\nnew\n\n<!-- end x -->\nb\n", begin("x")));
        assert_eq!(replaced(&new, "x", "new").unwrap(), new, "writing again changes nothing");
        assert_eq!(replaced(&page, "y", "new"), None);
    }
}
