//! The pages in a headless Chromium, and in a Firefox: routes, keys, policies, accessibility, hostile text, sizes of screens.
//!
//! Skipped with a notice where there is none. Pictures are left in `target/pages`.

mod axe;
mod chromium;
mod firefox;
mod keyboard;
mod live;
mod other;
mod policy;
mod screens;
mod served;
mod turns;
mod ways;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use self::chromium::Browser;
use super::*;
use crate::record::{Excuse, Happening};
use crate::samples::frame;
use wsspec_wire::{Deflater, Opcode};

const PLAIN: &str = "mylib-2.3";

/// A report in a file of its own.
struct Written {
    folder: TempDir,
}

impl Written {
    fn new(report: &Report) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("report.html"), super::report(report).unwrap()).unwrap();
        Self { folder }
    }

    /// Compared with results in which everything passed.
    fn against_better(report: &Report) -> Self {
        let written = Self::new(report);
        let mut better = report.clone();
        better.cases.iter_mut().for_each(|case| case.verdict = Verdict::Pass);
        let page = report_against(report, Some(("main-out", &better))).unwrap();
        std::fs::write(written.folder.path().join("report.html"), page).unwrap();
        written
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().join("report.html").display())
    }
}

/// Every verdict for two implementations, and a case with compressed messages.
fn rich() -> Report {
    let mut report = every_verdict();
    let mut case = passed("mylib/2.3", "12.1.2");
    let mut octets = Vec::new();
    Deflater::new(15, 6).unwrap().message(b"Hello Hello Hello", &mut octets);
    for line in &mut case.events {
        if let Happening::Frame { op: 1, dir, .. } = line.what {
            line.what = frame(dir, Opcode::TEXT, true, &octets);
            if let Happening::Frame { rsv, .. } = &mut line.what {
                *rsv = 4;
            }
        }
    }
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let add =
        |head: &str| Payload::new(head.replace("\r\n\r\n", &format!("\r\n{extension}")).as_bytes(), 16384);
    case.handshake.request = add(crate::samples::REQUEST);
    case.handshake.response = add(crate::samples::RESPONSE);
    case.handshake.extensions = Some("permessage-deflate".into());
    case.round_trips = Some(crate::samples::round_trips());
    report.cases.push(case);
    report
}

/// The folder form, compared with results in which everything passed, and one line was not seen.
fn with_earlier(report: &Report) -> std::collections::HashMap<String, String> {
    let mut better = report.clone();
    for case in &mut better.cases {
        case.verdict = Verdict::Pass;
        case.events.retain(|line| line.i != 8);
    }
    folder_against(report, Some(("main-out", &better))).map(|page| (page.name, page.content)).collect()
}

/// An address within the report, and what is true once it is shown.
const KINDS: [(&str, &str, &str); 10] = [
    ("overview", "#", "document.querySelector('#overview.current')"),
    ("fail", "#5.15@mylib-2.3", "document.title.startsWith('FAIL 5.15')"),
    ("timeout", "#5.16@mylib-2.3", "document.title.includes('5.16')"),
    ("pass", "#1.1.1@mylib-2.3", "document.title.startsWith('ok 1.1.1')"),
    ("deflate", "#12.1.2@mylib-2.3", "document.title.startsWith('ok 12.1.2')"),
    ("not-run", "#9.1.2@mylib-2.3", "document.title.startsWith('not run 9.1.2')"),
    ("both", "#5.16@mylib-2.3~other-svg-onload-alert-1-lib", "document.querySelector('#page.pair')"),
    ("requirements", "#rfc", "document.querySelector('#rfc.current')"),
    ("baseline", "#diff", "document.querySelector('#diff.current')"),
    ("run", "#run", "document.querySelector('#run.current')"),
];

fn started() -> Option<(Browser, Written)> {
    let browser = Browser::start()?;
    Some((browser, Written::new(&rich())))
}
