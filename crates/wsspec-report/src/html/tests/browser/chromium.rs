//! Drives a headless Chromium over its DevTools protocol, through pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::turns::Turn;

/// The browser gets its commands on file descriptor 3 and answers on 4.
const START: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// A browser that says nothing for so long is taken for dead.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser with one page, gone when it is dropped.
pub(super) struct Browser {
    child: Child,
    commands: ChildStdin,
    answers: mpsc::Receiver<Value>,
    session: Option<String>,
    number: u64,
    events: Vec<Value>,
    _profile: TempDir,
    _turn: Turn,
}

impl Browser {
    /// Starts a browser with an empty page; none, and the test is skipped, if there is none on this machine.
    pub(super) fn start() -> Option<Self> {
        let turn = Turn::beside_another();
        let program = wsspec_testkit::program(&PROGRAMS)?;
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", START])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox"])
            .args(["--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-extensions"])
            .args(["--disable-background-networking", "--force-device-scale-factor=1"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, answers) = mpsc::channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                let text = message.strip_suffix(&[0]).unwrap_or(&message);
                if send.send(serde_json::from_slice(text).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let commands = child.stdin.take().unwrap();
        let mut browser = Self {
            child,
            commands,
            answers,
            session: None,
            number: 0,
            events: Vec::new(),
            _profile: profile,
            _turn: turn,
        };
        browser.open_page();
        Some(browser)
    }

    fn open_page(&mut self) {
        let target = self.send("Target.createTarget", json!({"url": "about:blank"}));
        let id = target["targetId"].clone();
        let attached = self.send("Target.attachToTarget", json!({"targetId": id, "flatten": true}));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Network", "Log", "Runtime", "Audits"] {
            self.send(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Gives a command and returns the answer.
    #[track_caller]
    pub(super) fn send(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        write!(self.commands, "{command}\0").unwrap();
        loop {
            let message = self.answers.recv_timeout(LIMIT).expect("the browser answers");
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Opens an address and waits until it is loaded.
    pub(super) fn open(&mut self, url: &str) {
        self.events.clear();
        self.send("Page.navigate", json!({"url": url}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.answers.recv_timeout(LIMIT).expect("the page loads");
            self.events.push(event);
        }
    }

    /// Goes to a part of the page that is open and waits until the condition, an expression, is true.
    #[track_caller]
    pub(super) fn go(&mut self, hash: &str, until: &str) {
        self.eval(&format!("location.hash = {}", json!(hash)));
        self.wait(until);
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(super) fn wait(&mut self, condition: &str) {
        let script = format!(
            "new Promise((done) => {{ let n = 0; const look = () => ({condition}) ? done(true) \
             : ++n > 500 ? done(false) : setTimeout(look, 20); look(); }})"
        );
        if self.eval(&script) != Value::Bool(true) {
            let text = self.eval(
                "document.title + ' ' + location.href + '\\n' + document.body.innerText.slice(0, 2000)",
            );
            panic!("never true: {condition}\n{}", text.as_str().unwrap_or_default());
        }
    }

    /// The value of an expression.
    #[track_caller]
    pub(super) fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.send("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The value of an expression, as text.
    #[track_caller]
    pub(super) fn text(&mut self, expression: &str) -> String {
        self.eval(&format!("String({expression})")).as_str().unwrap_or_default().to_owned()
    }

    /// A screen of this size.
    pub(super) fn screen(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.send("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the user prefers: `prefers-color-scheme` and the like.
    pub(super) fn prefer(&mut self, media: &str, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.send("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowRight" => (39, ""),
            key if key.chars().count() == 1 => (0, key),
            _ => (0, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text});
            self.send("Input.dispatchKeyEvent", event);
        }
    }

    /// Draws what is on the screen into a file.
    pub(super) fn draw(&mut self, file: &Path) {
        let picture = self.send("Page.captureScreenshot", json!({"format": "png"}));
        let octets = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, octets).unwrap();
    }

    /// What was asked for from elsewhere since the page was opened; its own address is not.
    pub(super) fn requests(&self) -> Vec<String> {
        let urls = self.named("Network.requestWillBeSent");
        let urls = urls.map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default());
        urls.skip(1).filter(|url| !url.starts_with("data:")).map(str::to_owned).collect()
    }

    /// What the browser complained of since the page was opened: refused by a policy, errors, dialogs.
    pub(super) fn complaints(&self) -> Vec<String> {
        let kinds = [
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Audits.issueAdded",
            "Page.javascriptDialogOpening",
        ];
        let events = self.events.iter().filter(|event| kinds.iter().any(|kind| event["method"] == *kind));
        // Of the issues only the policy is meant; others are advice about forms and history.
        let events = events.filter(|event| {
            let issue = &event["params"]["issue"]["code"];
            issue.is_null() || issue == "ContentSecurityPolicyIssue"
        });
        events.map(|event| event["params"].to_string()).collect()
    }

    fn named<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        self.events.iter().filter(move |event| event["method"] == method)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let _ = write!(self.commands, "{}\0", json!({"id": 0, "method": "Browser.close"}));
        // The shell has become the browser; its own children end with it.
        std::thread::sleep(Duration::from_millis(50));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says something on the terminal, past the test harness.
pub(super) fn tell(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
