//! The programs with which Java-WebSocket is tested, unchanged, from the source of its release: the verdicts are those that
//! the reference reached on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use wsspec_testkit::{checkout, debian_source, java_classes, skip};

use super::{LIMIT, alone, has_networks, programs};
use crate::program::{Done, finish_within};

const RELEASE: &str = "j/java-websocket/java-websocket_1.6.0.orig.tar.gz";
const SHA256: &str = "f3ce29efde338707241d47ab4784b19a1e3658bfa0564b5bc5f80c27e5118728";
const LIBRARIES: &str = "/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar";

/// Whether the files of this class path are there; the Debian packages that have them.
fn has(libraries: &str, packages: &str) -> bool {
    let all = libraries.split(':').all(|file| Path::new(file).exists());
    if !all {
        skip(&format!("Debian packages {packages}"));
    }
    all
}

/// The class path of both programs; `None`, and the test is skipped, if they cannot be had or have no network.
fn class_path() -> Option<String> {
    if !has(LIBRARIES, "libslf4j-java") || !has_networks() {
        return None;
    }
    let source = debian_source(RELEASE, SHA256)?;
    let example = |name: &str| source.join("src/test/java/org/java_websocket/example").join(name);
    let files: [PathBuf; 2] = ["AutobahnServerTest.java", "AutobahnClientTest.java"].map(example);
    let classes = java_classes("java-websocket-1.6.0", &files, &source.join("src/main/java"), LIBRARIES)?;
    Some(format!("{}:{LIBRARIES}", classes.display()))
}

/// What a run left behind.
struct Ran {
    folder: TempDir,
    done: Done,
    verdicts: Verdicts,
}

/// A program of the library, and the tester; what they are told.
struct Role {
    script: &'static str,
    /// The first word of the script.
    healthy: &'static str,
    cases: &'static [&'static str],
    /// How many these are.
    count: usize,
    /// What the reference finds other than OK twice: cases, behaviour, behaviour in the closing handshake.
    found: &'static [(&'static str, &'static str, &'static str)],
}

/// The server ends when so many connections have been closed.
const SERVER: Role = Role {
    script: "
        java org.java_websocket.example.AutobahnServerTest 9003 $1 > server.log 2>&1 &
        trap \"kill $!\" EXIT
        while kill -0 $! && ! grep -q started server.log; do sleep 0.1; done 2> /dev/null
        wstest -m fuzzingclient -s spec.json",
    healthy: "1000",
    // In cases of a thousand messages one may be left lying in this server.
    cases: &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "10.*"],
    count: 248,
    found: &[
        ("6.4.1 6.4.2 6.4.3 6.4.4", "NON-STRICT", "OK"),
        ("7.1.6 7.13.1 7.13.2", "INFORMATIONAL", "INFORMATIONAL"),
        // It gives no answer to a close reason that is not UTF-8.
        ("7.5.1", "OK", "FAILED BY CLIENT"),
    ],
};

/// The client is told what its users type; `N` is the number of cases.
const CLIENT: Role = Role {
    script: "
        wstest -m fuzzingserver -s spec.json -u 0 > tester.log 2>&1 &
        trap \"kill $!; wait $!\" EXIT
        while kill -0 $! && ! grep -q 'will run' tester.log; do sleep 0.1; done 2> /dev/null
        count=$(sed -n 's/.*will run \\([0-9]*\\) .*/\\1/p' tester.log)
        echo \"$1\" | sed s/N/$count/ | java org.java_websocket.example.AutobahnClientTest",
    healthy: "r 1 N\nu\nex",
    cases: &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "10.*", "12.1.1", "13.1.1"],
    count: 250,
    found: &[
        ("6.4.1 6.4.2 6.4.3 6.4.4", "NON-STRICT", "OK"),
        ("7.1.6 7.13.1 7.13.2", "INFORMATIONAL", "INFORMATIONAL"),
        ("12.1.1 13.1.1", "UNIMPLEMENTED", "OK"),
    ],
};

/// Whether the library has sent the echo of a message when it meets the frame behind it, which is not allowed, depends on how
/// many octets one read gave it: the reference finds OK or NON-STRICT.
const OK_OR_NON_STRICT: &str = "3.2 3.3 3.4 4.1.3 4.1.4 4.1.5 4.2.3 4.2.4 4.2.5";

/// Whether it ends TCP before or after it has read the second Close: OK or UNCLEAN.
const OK_OR_UNCLEAN: &str = "7.1.2";

impl Role {
    /// Runs the script in a new folder.
    fn run(&self, class_path: &str, word: &str, cases: &[&str]) -> Ran {
        let (folder, programs) = (tempdir().unwrap(), programs("", ""));
        let url = "ws://127.0.0.1:9003";
        let spec = json!({ "url": url, "servers": [{ "agent": "TooTallNate Java-WebSocket", "url": url }],
            "outdir": "reports/servers", "cases": cases, "exclude-cases": [], "exclude-agent-cases": {} });
        std::fs::write(folder.path().join("spec.json"), spec.to_string()).unwrap();
        let mut command = alone(folder.path(), programs.path(), &["sh", "-c", self.script, "sh", word]);
        command.env("CLASSPATH", class_path);
        let done = finish_within(command, LIMIT);
        let verdicts = verdicts(&folder.path().join("reports/servers/index.json"));
        Ran { folder, done, verdicts }
    }

    /// The cases with another verdict than that of the reference.
    fn differences<'a>(&self, verdicts: &'a Verdicts) -> Vec<&'a str> {
        let differs = |(id, (behavior, close)): &(&String, &(String, String))| {
            let has = |list: &str| list.split(' ').any(|word| word == *id);
            let found = self.found.iter().find(|(list, _, _)| has(list));
            let (_, wanted, wanted_close) = found.unwrap_or(&("", "OK", "OK"));
            !(behavior == wanted || has(OK_OR_NON_STRICT) && behavior == "NON-STRICT")
                || !(close == wanted_close || has(OK_OR_UNCLEAN) && close == "UNCLEAN")
        };
        verdicts.iter().filter(differs).map(|(id, _)| id.as_str()).collect()
    }

    /// How many cases have the verdict of the reference.
    fn right(&self, verdicts: &Verdicts) -> usize {
        verdicts.len() - self.differences(verdicts).len()
    }

    /// Asserts the verdicts of the reference. Once in a hundred cases the library ends TCP before its Close is written, and
    /// once in a thousand its server forgets to answer, also with the reference; so what differs is tried again.
    fn healthy(&self, class_path: &str) {
        let Ran { done, verdicts: first, .. } = self.run(class_path, self.healthy, self.cases);
        assert_eq!((done.code, first.len()), (0, self.count), "{done:#?}");
        let mut wrong = self.differences(&first);
        assert!(wrong.len() < self.count / 10, "{wrong:?} {first:#?}");
        for _ in 0..3 {
            if wrong.is_empty() {
                break;
            }
            let Ran { done, verdicts: again, .. } = self.run(class_path, self.healthy, &wrong);
            assert_eq!(again.len(), wrong.len(), "{done:#?}");
            wrong.retain(|id| self.differences(&again).contains(id));
        }
        assert!(wrong.is_empty(), "{wrong:?} {first:#?}");
    }
}

type Verdicts = BTreeMap<String, (String, String)>;

/// What index.json says of each case: behaviour, and behaviour in the closing handshake. Empty where there is none.
fn verdicts(index: &Path) -> Verdicts {
    let Ok(text) = std::fs::read_to_string(index) else { return Verdicts::new() };
    let index: Value = serde_json::from_str(&text).unwrap();
    let agents: Vec<&Value> = index.as_object().unwrap().values().collect();
    let word = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let both = |case: &Value| (word(case, "behavior"), word(case, "behaviorClose"));
    let cases = agents.iter().flat_map(|cases| cases.as_object().unwrap());
    cases.map(|(id, case)| (id.clone(), both(case))).collect()
}

#[test]
fn the_server_of_java_websocket_gets_the_verdicts_of_the_reference() {
    let Some(class_path) = class_path() else { return };
    SERVER.healthy(&class_path);
    // One that ends after 20 cases, and one that cannot be started.
    for (word, class_path, right) in [("20", class_path.as_str(), 20), ("1000", "", 0)] {
        let Ran { done, verdicts, .. } = SERVER.run(class_path, word, SERVER.cases);
        assert_ne!(done.code, 0, "{done:#?}");
        assert!(SERVER.right(&verdicts) <= right, "{verdicts:#?}");
    }
}

#[test]
fn the_client_of_java_websocket_gets_the_verdicts_of_the_reference() {
    let Some(class_path) = class_path() else { return };
    CLIENT.healthy(&class_path);
    // One that ends after 20 cases, and one that asks for none. Its exit status is 0 in any case.
    for (word, right) in [("r 1 20\nu\nex", 20), ("ex", 0)] {
        let Ran { done, verdicts, .. } = CLIENT.run(&class_path, word, CLIENT.cases);
        assert!(CLIENT.right(&verdicts) <= right, "{done:#?} {verdicts:#?}");
    }
    // Where there is no tester, it says so for each case, and for the reports that nobody writes.
    let script = "echo \"$1\" | java org.java_websocket.example.AutobahnClientTest 2>&1";
    let alone = Role { script, ..CLIENT };
    let Ran { done, verdicts, .. } = alone.run(&class_path, "r 1 3\nu\nex", CLIENT.cases);
    assert!(verdicts.is_empty(), "{verdicts:#?}");
    assert!(done.out.matches("Closed: -1 Connection refused").count() > 3, "{done:#?}");
}

/// The class that looks at 302 verdicts in index.json needs a later JSON library, whose exceptions are not declared.
const UNCHECKED: &str = "package org.json;
public class JSONException extends RuntimeException {
    public JSONException(String text) { super(text); }
    public JSONException(Throwable cause) { super(cause); }
}";

/// The class path of that class, which is one of the library's own tests, from GitHub or a checkout (`Java-WebSocket`).
fn judge_class_path() -> Option<String> {
    const LIBRARIES: &str =
        "/usr/share/java/json.jar:/usr/share/java/junit4.jar:/usr/share/java/hamcrest.jar";
    if !has(LIBRARIES, "junit4 and libandroid-json-org-java") {
        return None;
    }
    const COMMIT: &str = "63bde93751d5424d7ca41b67df7c13a0dcfdf268";
    let source = checkout("TooTallNate/Java-WebSocket", COMMIT)?;
    let unchecked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("JSONException.java");
    std::fs::write(&unchecked, UNCHECKED).unwrap();
    let sources = source.join("src/test/java");
    let judge = sources.join("org/java_websocket/autobahn/AutobahnServerResultsTest.java");
    let classes =
        java_classes(&format!("java-websocket-junit-{COMMIT}"), &[unchecked, judge], &sources, LIBRARIES)?;
    Some(format!("{}:{LIBRARIES}", classes.display()))
}

/// Runs the class; the cases of which it says that they are wrong.
fn judge(class_path: &str, ran: &Ran) -> (Done, Vec<String>) {
    let mut junit = Command::new("java");
    junit.args(["-cp", class_path, "org.junit.runner.JUnitCore"]);
    junit.arg("org.java_websocket.autobahn.AutobahnServerResultsTest").current_dir(ran.folder.path());
    let done = finish_within(junit, LIMIT);
    let id = |line: &str| Some(line.split_once(") test")?.1.split_once('(')?.0.replace('_', "."));
    let wrong = done.out.lines().filter_map(id).collect();
    (done, wrong)
}

#[test]
fn the_junit_class_of_java_websocket_judges_as_with_the_reference() {
    const CASES: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];
    // The reference has no cases 7.9.10 and 7.9.11 any more, and to 7.5.1 this release gives no answer.
    const WRONG: [&str; 3] = ["7.5.1", "7.9.10", "7.9.11"];
    let Some(class) = judge_class_path() else { return };
    let Some(server) = class_path() else { return };

    let (healthy, mut wrong) = judge(&class, &SERVER.run(&server, SERVER.healthy, &CASES));
    assert!(healthy.out.contains("Tests run: 302,"), "{healthy:#?}");
    assert!(WRONG.iter().all(|id| wrong.iter().any(|wrong| wrong == id)), "{wrong:?}");
    let races = |id: &String| {
        [OK_OR_NON_STRICT, OK_OR_UNCLEAN].iter().any(|list| list.split(' ').any(|one| one == id))
    };
    wrong.retain(|id| !WRONG.contains(&id.as_str()) && !races(id));
    // In one case of a hundred the library ends TCP before its Close is written.
    assert!(wrong.len() < 9, "{wrong:?}");

    let (dying, wrong) = judge(&class, &SERVER.run(&server, "20", &CASES));
    assert!(dying.code != 0 && wrong.len() >= 302 - 20, "{dying:#?}");
    let (absent, _) = judge(&class, &SERVER.run("", SERVER.healthy, &CASES));
    assert_ne!(absent.code, 0, "{absent:#?}");
}
