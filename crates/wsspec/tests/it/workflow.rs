//! Recipes for CI services, taken from documents and run step by step.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Done, finish_within};

pub(crate) const README: &str = include_str!("../../../../README.md");

/// How a recipe installs wsspec: from a repository, in which this is the package that has the program.
pub(crate) const INSTALL: &str = "cargo install --locked --git https://github.com/OWNER/wsspec wsspec";

/// A job with a server under test takes a quarter of a minute.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// The recipe of README.md.
pub(crate) fn of_the_readme() -> &'static str {
    block(README, "### In CI\n")
}

/// The first code block behind a heading.
pub(crate) fn block(text: &'static str, heading: &str) -> &'static str {
    let (_, rest) = text.split_once(heading).expect("the document has this heading");
    rest.split("```").nth(1).unwrap().split_once('\n').unwrap().1
}

/// The commands of a workflow for GitHub, `run:` with one line or with a block.
pub(crate) fn github_steps(workflow: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((before, command)) = line.split_once("- run: ") else { continue };
        if command != "|" {
            steps.push(command.to_owned());
            continue;
        }
        let depth = before.len() + 4;
        let mut block = String::new();
        while let Some(inside) =
            lines.next_if(|line| line.get(..depth).is_some_and(|at| at.trim().is_empty()))
        {
            block.push_str(inside.trim());
            block.push('\n');
        }
        steps.push(block);
    }
    steps
}

/// The commands of a script for GitLab.
pub(crate) fn gitlab_steps(text: &str) -> Vec<String> {
    let script = text.split("script:").nth(1).unwrap().split("artifacts:").next().unwrap();
    script.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect()
}

/// The commands of a stage for Jenkins.
pub(crate) fn jenkins_steps(text: &str) -> Vec<String> {
    let steps = text.lines().filter_map(|line| line.trim().strip_prefix("sh '")?.strip_suffix('\''));
    steps.map(str::to_owned).collect()
}

/// Runs commands as a service does: one after the other, until one fails. Returns what each left behind.
pub(crate) fn job(folder: &Path, steps: &[String], path: &str, variables: &[(&str, &str)]) -> Vec<Done> {
    let mut all = Vec::new();
    for step in steps {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", step]).current_dir(folder).env_clear().stdin(Stdio::null());
        shell.env("PATH", path).env("CI", "true").envs(variables.iter().copied());
        all.push(finish_within(shell, LIMIT));
        if all.last().is_some_and(|done| done.code != 0) {
            break;
        }
    }
    all
}

/// A program of the project's folder `bin`.
pub(crate) fn add_program(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A `cargo` for the folder `bin` that puts wsspec into `installed` if it is asked as the real one has to be
/// (`cargo xtask test` installs it truly), and does this, too.
pub(crate) fn add_cargo(folder: &Path, more: &str) {
    let installed = folder.join("installed");
    std::fs::create_dir_all(&installed).unwrap();
    let (program, installed) = (env!("CARGO_BIN_EXE_wsspec"), installed.display());
    let script = format!(
        "#!/bin/sh\ncase \"cargo $*\" in\n  '{INSTALL}') ln -s {program} {installed}/wsspec ;;\n{more}  *) exit 101 ;;\nesac\n"
    );
    add_program(folder, "bin/cargo", &script);
}
