//! The recipes of README.md, docs/ci.md and `wsspec config init --github`, run step by step in a project with an echo
//! server, on a machine that has no wsspec. `make`, `npm` and `node` are stand-ins that put the server in its place, and so
//! is `cargo`, which installs wsspec only if it is asked as the real one has to be (`cargo xtask test` installs it truly);
//! all else is what the recipe says. A real library with real `npm` and `node`: released.rs.
#![cfg(unix)]

use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::program::{Done, wsspec};
use crate::workflow::{
    self, INSTALL, add_cargo, add_program, block, github_steps, gitlab_steps, jenkins_steps, of_the_readme,
};

const GUIDE: &str = include_str!("../../../../docs/ci.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_wsspec");

/// A project whose server has this defect, or none.
fn project(defect: &str) -> TempDir {
    let project = tempdir().unwrap();
    let folder = project.path();
    let option = if defect.is_empty() { String::new() } else { format!(" --defect {defect}") };
    let server =
        format!("#!/bin/sh\nfor port; do :; done\nexec {PROGRAM} echo \"127.0.0.1:$port\"{option}\n");
    let build = "  'cargo build --release --example echo') mkdir -p target/release/examples && \
                 cp server.sh target/release/examples/echo ;;\n";
    add_cargo(folder, build);
    add_program(folder, "server.sh", &server);
    add_program(folder, "bin/make", "#!/bin/sh\n[ \"$*\" = my_server ] && cp server.sh my_server\n");
    add_program(folder, "bin/npm", "#!/bin/sh\n[ \"$*\" = ci ] && cp server.sh server.js\n");
    add_program(folder, "bin/node", "#!/bin/sh\nexec \"./$@\"\n");
    project
}

/// The code block under a heading of docs/ci.md.
fn recipe(heading: &str) -> &'static str {
    block(GUIDE, &format!("## {heading}\n"))
}

/// Runs a recipe in a project with these stand-ins; what its last command left behind.
fn job(folder: &Path, steps: &[String], variables: &[(&str, &str)]) -> Done {
    assert!(steps.iter().any(|step| step.contains("wsspec run")), "{steps:?}");
    let here = folder.display();
    let path = format!("{here}/bin:{here}/installed:/usr/bin:/bin");
    workflow::job(folder, steps, &path, variables).pop().unwrap()
}

/// What a recipe has to leave behind for the service.
fn assert_artifacts(folder: &Path, failures: bool) {
    let junit = std::fs::read_to_string(folder.join("wsspec-out/junit.xml")).unwrap();
    assert_eq!(junit.contains("<failure"), failures, "{junit}");
    assert!(std::fs::metadata(folder.join("wsspec-out/report.html")).unwrap().len() > 10_000);
}

#[test]
fn recipes_install_one_way_and_use_the_same_actions() {
    let workflow = wsspec(tempdir().unwrap().path(), &["config", "init", "--github"]).out;
    let github = [of_the_readme(), recipe("GitHub"), &workflow];
    let mut all: Vec<Vec<String>> = github.iter().map(|text| github_steps(text)).collect();
    all.extend([gitlab_steps(recipe("GitLab")), jenkins_steps(recipe("Jenkins"))]);
    for steps in all {
        assert_eq!(steps.iter().filter(|step| *step == INSTALL).count(), 1, "{steps:?}");
        assert!(INSTALL.ends_with(concat!(" ", env!("CARGO_PKG_NAME"))), "which package");
        // Without it there is no wsspec: that these tests can fail is part of them.
        let without: Vec<String> = steps.into_iter().filter(|step| *step != INSTALL).collect();
        assert_eq!(job(project("").path(), &without, &[]).code, 127, "{without:?}");
    }
    for text in github {
        let uses = text.lines().filter_map(|line| line.trim_start().strip_prefix("- uses: "));
        let actions: Vec<&str> = uses.filter_map(|action| action.split(' ').next()).collect();
        let expected = ["actions/checkout@v6", "actions/upload-artifact@v7"];
        assert_eq!(actions, expected, "the project, and what is kept: {text}");
        assert!(text.contains("if: always()") && text.contains("path: wsspec-out"), "{text}");
        assert!(text.contains("on: [push, pull_request]"), "a job has to be started by something: {text}");
    }
}

#[test]
fn the_recipe_of_the_readme_is_green_for_a_good_server_and_red_for_a_bad_one() {
    is_green_for_a_good_server_and_red_for_a_bad_one(of_the_readme());
}

#[test]
fn the_recipe_for_github_is_green_for_a_good_server_and_red_for_a_bad_one() {
    is_green_for_a_good_server_and_red_for_a_bad_one(recipe("GitHub"));
}

fn is_green_for_a_good_server_and_red_for_a_bad_one(workflow: &str) {
    let steps = github_steps(workflow);
    for (defect, code) in [("", 0), ("orphan-as-text", 1)] {
        let folder = project(defect);
        let summary = folder.path().join("summary.md");
        let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        let done = job(folder.path(), &steps, &variables);
        assert_eq!(done.code, code, "{done:#?}");
        assert_artifacts(folder.path(), code == 1);
        let page = std::fs::read_to_string(summary).unwrap();
        let title = "\n::error title=wsspec%3A 4 cases fail%2C 1 cause";
        match code {
            0 => assert!(page.contains("**strict**") && !done.out.contains("\n::error"), "{page}{done:#?}"),
            _ => assert!(page.contains("**not conformant**") && done.out.contains(title), "{page}{done:#?}"),
        }
    }
}

#[test]
fn a_job_whose_server_does_not_start_is_red() {
    let folder = project("");
    std::fs::write(folder.path().join("server.sh"), "#!/bin/sh\necho no such option >&2\nexit 2\n").unwrap();
    let done = job(folder.path(), &github_steps(recipe("GitHub")), &[("GITHUB_ACTIONS", "true")]);
    done.expect_error(3, "E19");
    assert!(done.out.contains("\n::error title=wsspec%3A error[E19]"), "{done:#?}");
    // What the recipes upload is there, and red.
    for recipe in [gitlab_steps(recipe("GitLab")), jenkins_steps(recipe("Jenkins"))] {
        let folder = project("");
        std::fs::write(folder.path().join("server.sh"), "#!/bin/sh\nexit 2\n").unwrap();
        job(folder.path(), &recipe, &[]).expect_error(3, "E19");
        let junit = std::fs::read_to_string(folder.path().join("wsspec-out/junit.xml")).unwrap();
        assert!(junit.contains("errors=\"1\"") && junit.contains("error[E19]"), "{junit}");
        assert!(folder.path().join("wsspec-out/report.html").exists());
    }
}

#[test]
fn the_recipe_for_gitlab_leaves_what_it_names() {
    let text = recipe("GitLab");
    let steps = gitlab_steps(text);
    for (defect, code) in [("", 0), ("orphan-as-text", 1)] {
        let folder = project(defect);
        let done = job(folder.path(), &steps, &[("GITLAB_CI", "true")]);
        assert_eq!(done.code, code, "{done:#?}");
        assert_artifacts(folder.path(), code == 1);
    }
    for named in ["wsspec-out/report.html", "wsspec-out/junit.xml"] {
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn the_recipe_for_jenkins_leaves_what_it_names() {
    let steps = jenkins_steps(recipe("Jenkins"));
    let folder = project("");
    let done = job(folder.path(), &steps, &[("JENKINS_URL", "https://ci.example")]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_artifacts(folder.path(), false);
}

#[test]
fn a_workflow_to_begin_with_runs_as_it_is() {
    let folder = project("orphan-as-text");
    let workflow = wsspec(folder.path(), &["config", "init", "--github"]).out;
    let done = job(folder.path(), &github_steps(&workflow), &[("GITHUB_ACTIONS", "true")]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_artifacts(folder.path(), true);
    // With a baseline and a file the workflow takes both.
    let reason = ["baseline", "create", "--reason", "orphans are taken for text"];
    assert_eq!(wsspec(folder.path(), &reason).code, 0);
    let target = "schema = 1\n\n[[target]]\nagent = \"my_server\"\nexec = \"./my_server --port {port}\"\n";
    std::fs::write(folder.path().join("wsspec.toml"), target).unwrap();
    let workflow = wsspec(folder.path(), &["config", "init", "--github"]).out;
    assert!(workflow.contains("- run: wsspec run --baseline wsspec.baseline.toml\n"), "{workflow}");
    std::fs::remove_file(folder.path().join("installed/wsspec")).unwrap();
    let done = job(folder.path(), &github_steps(&workflow), &[("GITHUB_ACTIONS", "true")]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("4 known"), "{done:#?}");
}
