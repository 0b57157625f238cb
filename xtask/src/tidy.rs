//! `cargo xtask tidy`: what no compiler and no lint checks.

use std::fmt;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::repository;

/// Something to put right.
#[derive(Debug, PartialEq)]
struct Fault {
    path: String,
    /// From 1; 0 where the fault is the whole file's.
    line: usize,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// A text file of the repository.
struct Source {
    path: String,
    text: String,
}

/// Prints every fault; fails (exit status 1) if there is one.
pub(crate) fn run() -> Result<ExitCode> {
    let faults = faults()?;
    faults.iter().for_each(|fault| println!("{fault}"));
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

fn faults() -> Result<Vec<Fault>> {
    let sources = sources()?;
    let mut faults = Vec::new();
    for source in &sources {
        faults.extend(too_long(source));
        faults.extend(unwanted_words(source));
    }
    faults.extend(undeclared_sections(&sources));
    faults.extend(upward_dependencies(&workspace_metadata()?));
    Ok(faults)
}

/// The files that git tracks or would add, except those that are no text.
fn sources() -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(repository());
    let listing = git.output().context("git is needed to list the files")?;
    ensure!(listing.status.success(), "git cannot list the files");
    let paths = String::from_utf8(listing.stdout)?;
    let read = |path: &str| {
        let text = fs::read_to_string(repository().join(path)).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    Ok(paths.split_terminator('\0').filter_map(read).collect())
}

const LINE_LIMIT: usize = 800;

/// Source files have at most 800 lines; tables of cases and test vectors may have more.
fn too_long(source: &Source) -> Option<Fault> {
    let is_code = [".rs", ".py", ".js", ".css"].iter().any(|ending| source.path.ends_with(ending));
    let is_table = source.path.contains("/sections/") || source.path.contains("/vectors");
    let lines = source.text.lines().count();
    let what = format!("{lines} lines, more than {LINE_LIMIT}: split it");
    (is_code && !is_table && lines > LINE_LIMIT).then(|| Fault { path: source.path.clone(), line: 0, what })
}

/// What must not stand in any file, and why. Written in halves, so that this file is clean itself.
const UNWANTED: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tm", "p/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("py", "pi.org"), "the host of a package registry"),
    (concat!("pythonho", "sted.org"), "the host of a package registry"),
    (concat!("crates", ".io"), "the host of a package registry"),
    (concat!("npm", "js.org"), "the host of a package registry"),
    (concat!("npm", "js.com"), "the host of a package registry"),
    (concat!("TO", "DO"), "unfinished work"),
    (concat!("FIX", "ME"), "unfinished work"),
    (concat!("to", "do!("), "unfinished work"),
    (concat!("unimple", "mented!("), "unfinished work"),
    (concat!("#[ig", "nore"), "a test that does not run"),
    (concat!("#[al", "low("), "a lint switched off without a reason: use #[expect(…, reason = \"…\")]"),
];

fn unwanted_words(source: &Source) -> Vec<Fault> {
    if source.path.ends_with(".lock") {
        return Vec::new(); // written by cargo, with registries in it
    }
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        for (word, why) in UNWANTED.iter().filter(|(word, _)| stands_alone(line, word)) {
            faults.push(Fault { path: source.path.clone(), line: number, what: format!("{word} is {why}") });
        }
    }
    faults
}

/// Whether `word` occurs in `line` other than as the end of a longer word.
fn stands_alone(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Behind a number sign and a space it is a directive of TAP, part of that format.
    let directive = |at: usize| word == concat!("TO", "DO") && line[..at].ends_with("# ");
    // A program that tests start may be their own, which stands among them.
    let program = |at: usize| line[at..].starts_with(concat!("#[ig", "nore = \"not a test: "));
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(in_word) && !directive(at) && !program(at))
}

const SECTIONS: &str = "crates/wsspec-cases/src/sections.rs";

/// Each file of a section is called from the visible list: otherwise its cases never run.
fn undeclared_sections(sources: &[Source]) -> Vec<Fault> {
    let list = sources.iter().find(|source| source.path == SECTIONS).map_or("", |source| &source.text);
    let section = |source: &Source| {
        let name = source.path.strip_prefix("crates/wsspec-cases/src/sections/")?.strip_suffix(".rs")?;
        let is_section = name.starts_with('s') && name[1..].starts_with(|c: char| c.is_ascii_digit());
        let declared = list.contains(&format!("mod {name};")) && list.contains(&format!("{name}::declare("));
        let what = format!("not declared in {SECTIONS}");
        let fault = || Fault { path: source.path.clone(), line: 0, what };
        (is_section && !name.contains('/') && !declared).then(fault)
    };
    sources.iter().filter_map(section).collect()
}

/// Which crates of ours each crate may be built on: no arrow points up.
const MAY_USE: &[(&str, &[&str])] = &[
    ("wsspec-wire", &[]),
    ("wsspec-endpoint", &["wsspec-wire"]),
    ("wsspec-cases", &["wsspec-wire"]),
    ("wsspec-engine", &["wsspec-wire", "wsspec-cases"]),
    ("wsspec-report", &["wsspec-wire", "wsspec-cases", "wsspec-engine"]),
];

fn upward_dependencies(metadata: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, allowed) in MAY_USE {
        let path = format!("crates/{name}/Cargo.toml");
        let Some(package) = array(metadata, "packages").find(|package| package["name"] == *name) else {
            faults.push(Fault { path, line: 0, what: "not in the workspace".to_owned() });
            continue;
        };
        // Tests may look up: the engine is tried on the endpoint.
        let built_on = array(package, "dependencies").filter(|dependency| dependency["kind"] != "dev");
        for used in built_on.filter_map(|dependency| dependency["name"].as_str()) {
            if used.starts_with("wsspec") && !allowed.contains(&used) {
                faults.push(Fault {
                    path: path.clone(),
                    line: 0,
                    what: format!("must not depend on {used}"),
                });
            }
        }
    }
    faults
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn workspace_metadata() -> Result<Value> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(repository());
    Ok(serde_json::from_slice(&cargo.output()?.stdout)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_repository_is_tidy() {
        let faults: Vec<String> = faults().unwrap().iter().map(Fault::to_string).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn files_may_have_800_lines_and_tables_more() {
        assert_eq!(too_long(&source("a.rs", &"\n".repeat(800))), None);
        assert!(too_long(&source("a.rs", &"\n".repeat(801))).is_some());
        assert_eq!(too_long(&source("crates/x/src/sections/s06.rs", &"\n".repeat(801))), None);
    }

    #[test]
    fn unwanted_words_are_found_with_their_line() {
        let path_of_a_machine = concat!("a\n see /tm", "p/x");
        assert_eq!(unwanted_words(&source("a.md", path_of_a_machine))[0].line, 2);
        assert!(unwanted_words(&source("a.md", concat!("assets/tm", "p/x"))).is_empty());
        assert!(unwanted_words(&source("Cargo.lock", path_of_a_machine)).is_empty());
    }

    #[test]
    fn a_section_that_nobody_calls_is_found() {
        let section = || source("crates/wsspec-cases/src/sections/s99_new.rs", "");
        let half = source(SECTIONS, "mod s99_new;");
        let whole = source(SECTIONS, "mod s99_new;\n s99_new::declare(suite);");
        assert_eq!(undeclared_sections(&[section(), half]).len(), 1);
        assert_eq!(undeclared_sections(&[section(), whole]), []);
    }

    #[test]
    fn an_arrow_upwards_is_found_except_in_tests() {
        let depends = |kind: Value| {
            let packages: Vec<Value> = MAY_USE
                .iter()
                .map(|(name, _)| json!({"name": name, "dependencies": [{"name": "wsspec", "kind": kind}]}))
                .collect();
            upward_dependencies(&json!({"packages": packages})).len()
        };
        assert_eq!(depends(Value::Null), MAY_USE.len());
        assert_eq!(depends(json!("dev")), 0);
    }
}
