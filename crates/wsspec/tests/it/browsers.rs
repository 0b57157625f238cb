//! The WebSocket classes of Node and Chromium, which are clients that cannot be changed: the functional cases run
//! through them. Skipped, with a notice, where the program is absent.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Done, command, finish_within};
use crate::tester::free_port;
use wsspec_testkit::{program, skip};

const FUNCTIONAL: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
const LIMIT: Duration = Duration::from_secs(300);

/// `wsspec serve` with the functional cases, and a client that it starts.
fn serve(folder: &Path, client: &[&str]) -> Done {
    let port = free_port().to_string();
    let mut args = vec!["serve", "--port", &port];
    args.extend(FUNCTIONAL);
    args.extend_from_slice(client);
    let mut command = command(folder, &args);
    // Programs of the system need both.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    finish_within(command, LIMIT)
}

/// The cases by their verdict, from index.json: `behavior`, `behaviorClose` and the code of the close.
fn verdicts(folder: &Path, agent: &str) -> BTreeMap<String, (String, String, Option<u64>)> {
    let index = std::fs::read(folder.join("wsspec-out/index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let verdict = |entry: &Value| {
        (text(entry, "behavior"), text(entry, "behaviorClose"), entry["remoteCloseCode"].as_u64())
    };
    let cases = index[agent].as_object().unwrap_or_else(|| panic!("{agent} in {index}"));
    cases.iter().map(|(id, entry)| (id.clone(), verdict(entry))).collect()
}

/// Where the race between an echo and a later violation decides (docs/verdicts.md), and text that is told to be no
/// UTF-8 late.
fn may_be_non_strict(id: &str) -> bool {
    ["3.", "4.", "5.15", "6.4."].iter().any(|prefix| id.starts_with(prefix))
}

#[test]
fn the_websocket_of_node_passes_the_functional_cases() {
    let Some(node) = program(&["node"]) else { return };
    let folder = TempDir::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers/node/builtin-client.js");
    // Node 20 has its WebSocket behind this flag; later ones take it and ignore it.
    let driver = format!("{} --experimental-websocket {} {{url}} node 16", node.display(), script.display());
    let done = serve(folder.path(), &["--exec", &driver]);
    if done.err.contains("bad option") {
        return skip("a Node with WebSocket (20 or later)");
    }
    assert_eq!(done.code, 0, "{done:#?}");
    let verdicts = verdicts(folder.path(), "node");
    assert_eq!(verdicts.len(), 247);
    for (id, (behavior, close, _)) in &verdicts {
        let fine = matches!(behavior.as_str(), "OK" | "INFORMATIONAL");
        assert!(fine || may_be_non_strict(id) && behavior == "NON-STRICT", "{id}: {behavior}");
        assert!(matches!(close.as_str(), "OK" | "INFORMATIONAL"), "{id}: {close}");
    }
}

#[test]
fn chromium_runs_the_functional_cases_from_the_page() {
    let Some(chromium) = program(&["chromium"]) else { return };
    let folder = TempDir::new().unwrap();
    let profile = folder.path().join("profile");
    let browser = format!(
        "{} --headless=new --no-sandbox --disable-gpu --user-data-dir={} {{page}}",
        chromium.display(),
        profile.display()
    );
    // A browser that starts on a busy machine is slow to answer.
    let done = serve(folder.path(), &["--agent", "Chromium", "--timeout-scale", "3", "--browser", &browser]);
    let verdicts = verdicts(folder.path(), "Chromium");
    assert_eq!(verdicts.len(), 247, "{done:#?}");
    // Chromium echoes close codes that nobody may send, and fails with 1002 what 1007 is for.
    assert_eq!(done.code, 1, "{done:#?}");
    for (id, (behavior, close, code)) in &verdicts {
        let known = match (behavior.as_str(), close.as_str()) {
            ("OK" | "INFORMATIONAL", "OK" | "INFORMATIONAL") => true,
            ("NON-STRICT", "OK") => may_be_non_strict(id),
            ("OK" | "NON-STRICT", "WRONG CODE") => id.starts_with("6.") && *code == Some(1002),
            ("FAILED", "WRONG CODE") => id.starts_with("7.9."),
            _ => false,
        };
        assert!(known, "{id}: {behavior}, {close}, {code:?}");
    }
    assert_eq!(verdicts["7.9.1"].1, "WRONG CODE", "the page reports what the browser does");
}
