//! Drives a headless Firefox over Marionette: JSON with its length in front, over TCP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::turns::Turn;

const PROGRAMS: [&str; 2] = ["firefox-esr", "firefox"];
/// A free port, written into a file of the profile; and nothing that a first start would ask.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("ui.prefersReducedMotion", 1);
"#;
const PAUSE: Duration = Duration::from_millis(20);
/// A browser that says nothing for so long is taken for dead.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser with one page, gone when it is dropped.
pub(super) struct Firefox {
    child: Child,
    stream: BufReader<TcpStream>,
    number: u64,
    _profile: TempDir,
    _turn: Turn,
}

impl Firefox {
    /// Starts a browser; none, and the test is skipped, if there is none on this machine.
    pub(super) fn start(width: u32, height: u32) -> Option<Self> {
        let turn = Turn::alone();
        let program = wsspec_testkit::program(&PROGRAMS)?;
        let profile = tempfile::tempdir().unwrap();
        std::fs::write(profile.path().join("user.js"), PREFERENCES).unwrap();
        let child = Command::new(program)
            .args(["--headless", "--marionette", "--no-remote", "--profile"])
            .arg(profile.path())
            .env("HOME", profile.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stream = BufReader::new(connect(&profile.path().join("MarionetteActivePort")));
        let mut browser = Self { child, stream, number: 0, _profile: profile, _turn: turn };
        browser.read();
        browser.send("WebDriver:NewSession", json!({}));
        // The window is larger than the page by its bars.
        browser.send("WebDriver:SetWindowRect", json!({"width": width, "height": height}));
        let bars = browser.eval("outerHeight - innerHeight").as_u64().unwrap();
        let size = json!({"width": width, "height": u64::from(height) + bars});
        browser.send("WebDriver:SetWindowRect", size);
        Some(browser)
    }

    fn read(&mut self) -> Value {
        let mut length = Vec::new();
        self.stream.read_until(b':', &mut length).expect("the browser answers");
        let length = String::from_utf8_lossy(&length).trim_end_matches(':').parse().expect("a length");
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).unwrap();
        serde_json::from_slice(&message).unwrap()
    }

    /// Gives a command and returns the answer.
    #[track_caller]
    fn send(&mut self, name: &str, parameters: Value) -> Value {
        self.number += 1;
        let message = json!([0, self.number, name, parameters]).to_string();
        write!(self.stream.get_mut(), "{}:{message}", message.len()).unwrap();
        let answer = self.read();
        assert!(answer[2].is_null(), "{name}: {}", answer[2]);
        answer[3].clone()
    }

    pub(super) fn open(&mut self, url: &str) {
        self.send("WebDriver:Navigate", json!({"url": url}));
    }

    /// The value of an expression.
    #[track_caller]
    pub(super) fn eval(&mut self, expression: &str) -> Value {
        let script = json!({"script": format!("return {expression}"), "args": []});
        self.send("WebDriver:ExecuteScript", script)["value"].clone()
    }

    /// Goes to a part of the page that is open and waits until the condition, an expression, is true.
    #[track_caller]
    pub(super) fn go(&mut self, hash: &str, until: &str) {
        self.eval(&format!("(location.hash = {}, true)", json!(hash)));
        self.wait(until);
    }

    #[track_caller]
    pub(super) fn wait(&mut self, condition: &str) {
        let is_so = format!("Boolean({condition})");
        for _ in 0..500 {
            if self.eval(&is_so) == true {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let shown = self
            .eval("document.title + ' ' + location.href + '\\n' + document.body.innerText.slice(0, 2000)");
        panic!("never true: {condition}\n{}", shown.as_str().unwrap_or_default());
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let source = json!([{"type": "key", "id": "keyboard", "actions": keys}]);
        self.send("WebDriver:PerformActions", json!({"actions": source}));
    }

    /// Draws what is on the screen into a file.
    pub(super) fn draw(&mut self, file: &Path) {
        let picture = self.send("WebDriver:TakeScreenshot", json!({"full": false}));
        std::fs::write(file, STANDARD.decode(picture["value"].as_str().unwrap()).unwrap()).unwrap();
    }
}

/// The port is known once the browser has written it down.
fn connect(port: &Path) -> TcpStream {
    for _ in 0..LIMIT.as_millis() / PAUSE.as_millis() {
        let known = std::fs::read_to_string(port).ok().and_then(|port| port.trim().parse::<u16>().ok());
        if let Some(stream) = known.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok()) {
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            return stream;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("Firefox does not say where it listens");
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let message = json!([0, self.number + 1, "Marionette:Quit", {"flags": ["eForceQuit"]}]).to_string();
        let _ = write!(self.stream.get_mut(), "{}:{message}", message.len());
        let mut rest = Vec::new();
        // It closes the connection when it ends.
        let _ = self.stream.read_to_end(&mut rest);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
