//! Scripts that are in no package: fetched from GitHub at a commit, or taken from the checkouts in the folder that
//! `TESTKIT_HARNESSES` names (`actor-framework`, `websocket.zig`).

use std::path::Path;
use std::process::Command;

use tempfile::{TempDir, tempdir};
use wsspec_testkit::{checkout, python};

use super::{LIMIT, WSTEST, alone, has_networks, run};
use crate::program::{Done, finish_within};
use crate::workflow::add_program;

/// These scripts ask for all cases; the `wstest` that they find puts these into the spec instead.
const CASES: &str = r#""1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "10.*", "12.1.1""#;

/// A copy of what is in this folder.
fn copy(source: &Path) -> TempDir {
    let folder = tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(source.join(".")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    folder
}

/// How many cases have this verdict in index.json of this folder.
fn count(reports: &Path, word: &str) -> i32 {
    let index = std::fs::read_to_string(reports.join("index.json")).unwrap();
    i32::try_from(index.matches(&format!(r#""behavior": "{word}""#)).count()).unwrap()
}

/// The script of CAF ends with the number of cases that are not strictly right. Its driver is built from all of CAF; another
/// server stands in for it.
#[test]
fn the_script_of_caf_counts_what_is_wrong() {
    let commit = "d7d169a3a3b3e8c63e5cae2fc25a764e0cd3cb71";
    let Some(source) = checkout("actor-framework/actor-framework", commit) else { return };
    if !has_networks() {
        return;
    }
    let harness = source.join(".ci/autobahn-testsuite");
    let run = |driver: &str| -> (TempDir, Done) {
        let folder = copy(&harness);
        let driver = format!("#!/bin/sh\n{driver}\n");
        add_program(folder.path(), "build/libcaf_net/caf-net-autobahn-driver", &driver);
        let wstest = format!("#!/bin/sh\nsed -i 's/\"\\*\"/{CASES}/' \"$4\"\nexec {WSTEST} \"$@\"\n");
        add_program(folder.path(), "programs/wstest", &wstest);
        let programs = folder.path().join("programs");
        let mut command = alone(folder.path(), &programs, &["bash", "run.sh", "build"]);
        command.env("BUILD_DIR", "build");
        let done = finish_within(command, LIMIT);
        (folder, done)
    };
    let echo = format!("exec {} echo 127.0.0.1:$2 --no-deflate --no-commands", env!("CARGO_BIN_EXE_wsspec"));
    let (folder, healthy) = run(&echo);
    assert_eq!(healthy.code, 0, "{healthy:#?}");
    assert!(count(&folder.path().join("reports"), "OK") > 240, "{healthy:#?}");

    let (folder, broken) = run(&format!("{echo} --defect length-head-torn"));
    let wrong =
        count(&folder.path().join("reports"), "FAILED") + count(&folder.path().join("reports"), "NON-STRICT");
    assert!(wrong > 0 && broken.code == wrong, "{wrong} {broken:#?}");

    let (_folder, dead) = run("exit 1");
    assert_ne!(dead.code, 0, "{dead:#?}");
}

/// A container in which the folder of the script is called `/ab`.
const DOCKER: &str = r#"#!/bin/sh
while [ "$1" != /opt/pypy/bin/wstest ]; do
    [ "$1" != -v ] || folder=${2%:/ab}
    shift
done
sed -e "s#/ab/#$folder/#" -e 's/"\*"/CASES/' "$folder/config.json" > "$folder/spec.json"
exec WSTEST "$2" "$3" "$4" "$folder/spec.json"
"#;

/// The compiler on one processor: with more, the servers that it makes crash.
const ZIG: &str = r#"#!/bin/sh
one=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
package=$(PYTHON -c 'import ziglang; print(ziglang.__path__[0])')
exec taskset -c "$one" "$package/zig" "$@"
"#;

/// The script waits two seconds for a server that is compiled first, unless that has been done.
const COMPILE: &str = "
    zig run autobahn.zig > compiled.log 2>&1 &
    while kill -0 $! && ! grep -q listening compiled.log; do sleep 0.1; done 2> /dev/null
    kill $!";

#[test]
fn the_script_of_websocket_zig_is_green_and_red_as_with_the_reference() {
    let commit = "d71dcb04b3578398db72768a6ff8acf58cd551ed";
    let Some(source) = checkout("karlseguin/websocket.zig", commit) else { return };
    let Some(python) = python(&["ziglang==0.9.1"]) else { return };
    if !has_networks() {
        return;
    }
    let programs = tempdir().unwrap();
    add_program(programs.path(), "docker", &DOCKER.replace("CASES", CASES).replace("WSTEST", WSTEST));
    let zig = ZIG.replace("PYTHON", python.to_str().unwrap());
    add_program(programs.path(), "zig", &zig);
    let folder = copy(&source);
    let compiled = run(folder.path(), programs.path(), &["sh", "-c", COMPILE]);
    assert_eq!(compiled.code, 0, "{compiled:#?}");
    let script = ["bash", "support/autobahn/run.sh"];
    let healthy = run(folder.path(), programs.path(), &script);
    assert_eq!(healthy.code, 0, "{healthy:#?}");
    let reports = folder.path().join("support/autobahn/reports");
    let [fine, strange, unimplemented, failed] =
        ["OK", "NON-STRICT", "UNIMPLEMENTED", "FAILED"].map(|word| count(&reports, word));
    // 6.4.1 to 6.4.4, and what a race decides so of 3.4, 4.1.5 and 4.2.5, in which octets come one by one.
    assert!(matches!(strange, 4..=7), "{healthy:#?}");
    assert_eq!((fine + strange, unimplemented, failed), (245, 1, 0), "{healthy:#?}");

    // A server that is killed in the middle, and one that does not start.
    for zig in [zig.replacen('\n', "\n(sleep 5; kill -9 $$) &\n", 1), "#!/bin/sh\nexit 1\n".to_owned()] {
        add_program(programs.path(), "zig", &zig);
        let dead = run(folder.path(), programs.path(), &script);
        assert_ne!(dead.code, 0, "{dead:#?}");
    }
}
