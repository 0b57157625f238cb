//! docs/walkthrough.md and the recipe of README.md, run on real releases of a library: one with a bug, and the one
//! that mended it. Skipped with a notice where Node.js or the library cannot be had.
//!
//! With `WSSPEC_UPDATE_DOCS=1` in the environment the blocks of the document become what the program prints.
#![cfg(unix)]

use std::fmt::Write as _;
use std::path::Path;

use regex::Regex;

use crate::program::Done;
use crate::released::{REPOSITORY, library, project, typed};

const DOCUMENT: &str = "docs/walkthrough.md";

/// Lets a project use this release of the library.
fn use_release(folder: &Path, version: &str) -> Option<()> {
    let modules = library(version)?.join("node_modules");
    let _ = std::fs::remove_file(folder.join("node_modules"));
    std::os::unix::fs::symlink(modules, folder.join("node_modules")).unwrap();
    Some(())
}

/// A block of the document: what is typed, or what a command prints.
struct Block<'a> {
    typed: bool,
    lines: Vec<&'a str>,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let parts = document.split("\n```").skip(1).step_by(2);
    let block = |part: &'_ str| -> Option<(bool, usize)> {
        let (kind, _) = part.split_once('\n')?;
        Some((kind == "console", kind.len() + 1))
    };
    parts
        .filter_map(|part| {
            block(part).map(|(typed, at)| Block { typed, lines: part[at..].lines().collect() })
        })
        .collect()
}

/// A line without times and other numbers that differ from run to run.
fn steady(line: &str) -> String {
    let replacements = [
        (r"^ *(\+?) *\d+\.\d\d ", "$1 TIME "),
        (r"(\d+ min )?\d+(\.\d+)? (ms|s|us)\b", "TIME"),
        (r"--seed [0-9a-f]+", "--seed SEED"),
        (r"slowest .*", "slowest"),
        (r"\s+", " "),
    ];
    replacements.iter().fold(line.to_owned(), |line, (pattern, by)| {
        Regex::new(pattern).unwrap().replace_all(&line, *by).into_owned()
    })
}

fn steady_lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| steady(line)).collect()
}

/// The part of what was printed that begins and ends as this block does.
fn part<'a>(printed: &'a str, block: &[&str]) -> Option<Vec<&'a str>> {
    let lines: Vec<&str> = printed.lines().collect();
    let at = |wanted: &str, from: usize| {
        lines[from..].iter().position(|line| steady(line) == steady(wanted)).map(|at| at + from)
    };
    let from = at(block.first()?, 0)?;
    let to = at(block.last()?, from)?;
    Some(lines[from..=to].to_vec())
}

/// What a command prints where the document says so. Under much load a case can end otherwise, so there is a second try.
fn printed(folder: &Path, command: &str, block: &[&str]) -> Done {
    let done = typed(folder, command);
    match part(&done.out, block) {
        Some(part) if steady_lines(&part) == steady_lines(block) => done,
        _ => typed(folder, command),
    }
}

/// The exit status that a block ends with.
fn told_status(block: &[&str]) -> Option<i32> {
    let (_, status) = block.last()?.split_once("exit ")?;
    status.split(' ').next()?.parse().ok()
}

#[test]
fn the_walkthrough_is_what_the_program_prints() {
    let path = Path::new(REPOSITORY).join(DOCUMENT);
    let mut document = std::fs::read_to_string(&path).unwrap();
    let original = document.clone();
    let folder = project();
    let (mut pending, mut shown) = (None::<&str>, 0);
    let mut differences = String::new();
    for block in blocks(&original) {
        if block.typed {
            for line in block.lines.iter().filter_map(|line| line.strip_prefix("$ ")) {
                if let Some(command) = pending.take() {
                    typed(folder.path(), command);
                }
                match line.strip_prefix("npm install ws@") {
                    Some(version) => match use_release(folder.path(), version) {
                        Some(()) => {}
                        None => return,
                    },
                    None => pending = Some(line),
                }
            }
            continue;
        }
        let command = pending.take().expect("a command stands before what it prints");
        let done = printed(folder.path(), command, &block.lines);
        let (told, status) = (done.out, told_status(&block.lines));
        assert!(status.is_none_or(|status| status == done.code), "{command}: {}, not {status:?}", done.code);
        shown += 1;
        match part(&told, &block.lines) {
            Some(part) if steady_lines(&part) == steady_lines(&block.lines) => {}
            Some(part) => {
                let _ = writeln!(differences, "$ {command}\n{}\n", part.join("\n"));
                document = document.replace(&block.lines.join("\n"), &part.join("\n"));
            }
            None => panic!("{command} does not print the first or last line of its block:\n{told}"),
        }
    }
    assert_eq!(
        shown, 7,
        "summary, failure, rule, the case again, the script, the mended release, the comparison"
    );
    if std::env::var_os("WSSPEC_UPDATE_DOCS").is_some() {
        std::fs::write(&path, document).unwrap();
        return;
    }
    assert!(
        differences.is_empty(),
        "{DOCUMENT} says otherwise; WSSPEC_UPDATE_DOCS=1 mends it:\n{differences}"
    );
}

#[test]
fn the_walkthrough_begins_with_the_recipe_of_the_readme() {
    let read = |name: &str| std::fs::read_to_string(Path::new(REPOSITORY).join(name)).unwrap();
    let readme = read("README.md");
    let recipe = readme.lines().find_map(|line| line.trim().strip_prefix("- run: wsspec run "));
    let recipe = format!("$ wsspec run {}\n", recipe.expect("README.md has a recipe"));
    assert!(read(DOCUMENT).contains(&recipe), "{recipe}");
}

#[test]
fn a_block_that_the_program_does_not_print_is_found() {
    let printed = "before\n---- a   CONFORMANT ----\n + 12.50   x\n1 run in 2.00 s   exit 0 (ok)\nafter";
    let block = ["---- a   CONFORMANT ----", " + 9.10   x", "1 run in 322 ms   exit 0 (ok)"];
    assert_eq!(steady_lines(&part(printed, &block).unwrap()), steady_lines(&block), "times are left out");
    let other = ["---- a   CONFORMANT ----", " + 9.10   y", "1 run in 322 ms   exit 0 (ok)"];
    assert_ne!(steady_lines(&part(printed, &other).unwrap()), steady_lines(&other));
    assert!(part(printed, &["---- b   CONFORMANT ----", "1 run in 322 ms   exit 0 (ok)"]).is_none());
}
