//! The programs with which Java-WebSocket is tested, unchanged, from the source of its release: the verdicts are those that
//! the reference reached on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;
use wsspec_testkit::{debian_source, java_classes, skip};

use super::{alone, has_networks, programs};
use crate::program::{Done, finish_within};

const RELEASE: &str = "j/java-websocket/java-websocket_1.6.0.orig.tar.gz";
const SHA256: &str = "f3ce29efde338707241d47ab4784b19a1e3658bfa0564b5bc5f80c27e5118728";
const LIBRARIES: &str = "/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar";
const LIMIT: Duration = Duration::from_secs(240);

/// The class path of both programs.
fn class_path() -> Option<String> {
    if !LIBRARIES.split(':').all(|file| Path::new(file).exists()) {
        skip("Debian package libslf4j-java");
        return None;
    }
    let source = debian_source(RELEASE, SHA256)?;
    let example = |name: &str| source.join("src/test/java/org/java_websocket/example").join(name);
    let files: [PathBuf; 2] = ["AutobahnServerTest.java", "AutobahnClientTest.java"].map(example);
    let classes = java_classes("java-websocket-1.6.0", &files, &source.join("src/main/java"), LIBRARIES)?;
    Some(format!("{}:{LIBRARIES}", classes.display()))
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
    /// Runs the script in a new folder; what it left behind, and the verdicts.
    fn run(&self, class_path: &str, word: &str, cases: &[&str]) -> (Done, Verdicts) {
        let (folder, programs) = (tempdir().unwrap(), programs("", ""));
        let url = "ws://127.0.0.1:9003";
        let spec = json!({ "url": url, "servers": [{ "agent": "Java-WebSocket", "url": url }], "outdir": "reports",
            "cases": cases, "exclude-cases": [], "exclude-agent-cases": {} });
        std::fs::write(folder.path().join("spec.json"), spec.to_string()).unwrap();
        let mut command = alone(folder.path(), programs.path(), &["sh", "-c", self.script, "sh", word]);
        command.env("CLASSPATH", class_path);
        (finish_within(command, LIMIT), verdicts(folder.path()))
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
        let (done, first) = self.run(class_path, self.healthy, self.cases);
        assert_eq!((done.code, first.len()), (0, self.count), "{done:#?}");
        let mut wrong = self.differences(&first);
        assert!(wrong.len() < self.count / 10, "{wrong:?} {first:#?}");
        for _ in 0..3 {
            if wrong.is_empty() {
                break;
            }
            let (done, again) = self.run(class_path, self.healthy, &wrong);
            assert_eq!(again.len(), wrong.len(), "{done:#?}");
            wrong.retain(|id| self.differences(&again).contains(id));
        }
        assert!(wrong.is_empty(), "{wrong:?} {first:#?}");
    }
}

type Verdicts = BTreeMap<String, (String, String)>;

/// What index.json says of each case: behaviour, and behaviour in the closing handshake. Empty where there is none.
fn verdicts(folder: &Path) -> Verdicts {
    let Ok(text) = std::fs::read_to_string(folder.join("reports/index.json")) else { return Verdicts::new() };
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
    if !has_networks() {
        return;
    }
    SERVER.healthy(&class_path);
    // One that ends after 20 cases, and one that cannot be started.
    for (word, class_path, right) in [("20", class_path.as_str(), 20), ("1000", "", 0)] {
        let (done, verdicts) = SERVER.run(class_path, word, SERVER.cases);
        assert_ne!(done.code, 0, "{done:#?}");
        assert!(SERVER.right(&verdicts) <= right, "{verdicts:#?}");
    }
}

#[test]
fn the_client_of_java_websocket_gets_the_verdicts_of_the_reference() {
    let Some(class_path) = class_path() else { return };
    if !has_networks() {
        return;
    }
    CLIENT.healthy(&class_path);
    // One that ends after 20 cases, and one that asks for none. Its exit status is 0 in any case.
    for (word, right) in [("r 1 20\nu\nex", 20), ("ex", 0)] {
        let (done, verdicts) = CLIENT.run(&class_path, word, CLIENT.cases);
        assert!(CLIENT.right(&verdicts) <= right, "{done:#?} {verdicts:#?}");
    }
}
