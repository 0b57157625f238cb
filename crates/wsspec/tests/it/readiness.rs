//! Signs of readiness that never come: one error that says what was waited for, and no process that is left.

use std::path::Path;

use tempfile::tempdir;

use crate::exec::is_running;
use crate::program::{Done, wsspec};

/// A process with a child, which does nothing but run.
const IDLE: &str = "sh -c 'echo starting up; sleep 62 & echo parent $$ child $!; wait'";

/// A run whose server is not ready within half a second.
fn never(folder: &Path, ready: &str, exec: &str) -> Done {
    wsspec(folder, &["run", "1.1.1", "--exec", exec, "--ready", ready, "--ready-timeout", "500ms"])
}

/// The processes that it told of.
fn processes(folder: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(folder.join("wsspec-out/agent.log")).unwrap();
    let (_, told) = log.split_once(" parent ").expect("it told of them");
    let words: Vec<&str> = told.lines().next().unwrap().split(' ').collect();
    vec![words[0].to_owned(), words[2].to_owned()]
}

#[test]
fn a_sign_that_never_comes_is_one_error_with_the_output_and_leaves_no_process() {
    let signs = [
        ("ws", "TCP connect refused ", "--ready log:listening"),
        ("tcp", "TCP connect refused ", "--ready log:listening"),
        ("http:/health", "TCP connect refused ", "--ready ws"),
        ("log:^listening", "no line of its output matches", "--ready ws"),
        ("fd", "no line came", "--ready ws"),
    ];
    for (ready, seen, other) in signs {
        let folder = tempdir().unwrap();
        let exec = format!("{IDLE} server {{port}}");
        let done = never(folder.path(), ready, &exec);
        done.expect_error(3, "E19");
        assert!(done.err.contains("was not ready after 500 ms"), "{done:#?}");
        assert!(done.err.contains(&format!("ready={ready} on port ")), "{done:#?}");
        assert!(done.err.contains(&format!(": {seen}")), "{done:#?}");
        assert!(done.err.contains("| starting up") && done.err.contains("still running, pid "), "{done:#?}");
        assert!(done.err.contains("--ready-timeout 60s") && done.err.contains(other), "{done:#?}");
        for process in processes(folder.path()) {
            assert!(!is_running(&process), "{ready}: {process} is left");
        }
    }
}

#[test]
fn a_descriptor_that_is_closed_without_a_line_is_no_sign() {
    let folder = tempdir().unwrap();
    let exec = "sh -c 'eval \"exec $WSSPEC_READY_FD>&-\"; echo parent $$ child $$; sleep 63'";
    let done = never(folder.path(), "fd", exec);
    done.expect_error(3, "E19");
    assert!(done.err.contains("ready=fd on port "), "{done:#?}");
    assert!(done.err.contains(": WSSPEC_READY_FD was closed without a line"), "{done:#?}");
    assert!(!is_running(&processes(folder.path())[0]));
}

/// Time passes for a process that has ended, too, and for one that does not listen.
#[test]
fn a_time_that_passes_is_no_sign_of_a_server_that_is_not_there() {
    let folder = tempdir().unwrap();
    let done = never(folder.path(), "after:400ms", "sh -c 'echo no such option; exit 9'");
    done.expect_error(3, "E19");
    assert!(done.err.contains("(exit status 9, ") && done.err.contains("| no such option"), "{done:#?}");
    let folder = tempdir().unwrap();
    let done = never(folder.path(), "after:100ms", IDLE);
    done.expect_error(3, "E01");
    for process in processes(folder.path()) {
        assert!(!is_running(&process), "{process} is left");
    }
}
