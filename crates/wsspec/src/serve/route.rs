//! What a request asks for. Pure: a request head in, a [`Route`] out.

use wsspec_cases::{Case, CaseId};
use wsspec_wire::RequestHead;

/// Names of agents are no longer than this many characters.
pub const AGENT_LIMIT: usize = 128;

/// What a request asks for.
#[derive(Clone, Debug)]
pub enum Route {
    /// How many cases there are.
    CaseCount,
    /// Id and title of a case.
    CaseInfo(&'static Case),
    /// Run a case.
    Run(Job),
    /// The verdict of a case, as soon as there is one.
    Status(Job),
    /// Write the reports.
    UpdateReports {
        /// For whom; reports are always of all agents.
        agent: String,
        /// End the server afterwards.
        shutdown: bool,
    },
    /// End the server.
    Stop,
    /// Some other WebSocket, at this path, which is cut.
    Other(String),
    /// No WebSocket: the page and what belongs to it.
    Page(Page),
    /// Something is missing or wrong.
    Wrong(String),
}

/// A case of an agent.
#[derive(Clone, Debug)]
pub struct Job {
    /// The name of the implementation under test.
    pub agent: String,
    /// The case.
    pub case: &'static Case,
}

/// A plain HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The method.
    pub method: String,
    /// The path, decoded.
    pub path: String,
    /// The parameters, decoded.
    pub query: Vec<(String, String)>,
    /// A browser asks, which wants HTML.
    pub html: bool,
    /// What a case would have been asked for by, and lacks.
    pub wrong: Option<String>,
}

const NO_UPGRADE: &str = "is for WebSocket clients: Upgrade is missing";

/// Works out what a request asks for; `cases` are the selected ones.
pub fn route(head: &RequestHead, cases: &[&'static Case]) -> Route {
    let (path, query) = split_target(&head.target);
    let with_agent = matches!(path.as_str(), "/runCase" | "/getCaseStatus");
    let form = if with_agent { "?case=N&agent=NAME" } else { "?case=N" };
    let asked = Asked { query: &query, cases, form };
    if !wants_websocket(head) {
        let why = match path.as_str() {
            "/runCase" => asked.job().err().or(Some(NO_UPGRADE.to_owned())),
            "/stopServer" => Some(format!("{NO_UPGRADE}; or POST /api/stop?token=TOKEN")),
            "/getCaseCount" | "/getCaseInfo" | "/getCaseStatus" | "/updateReports" => {
                Some(NO_UPGRADE.to_owned())
            }
            _ => None,
        };
        let wrong = why.map(|why| format!("{path} {why}"));
        let accept = head.headers.get("Accept").unwrap_or_default();
        let html = accept.windows(9).any(|part| part.eq_ignore_ascii_case(b"text/html"));
        let method = String::from_utf8_lossy(&head.method).into_owned();
        return Route::Page(Page { method, path, query, html, wrong });
    }
    let answer = match path.as_str() {
        "/getCaseCount" => Ok(Route::CaseCount),
        "/getCaseInfo" => asked.case().map(Route::CaseInfo),
        "/runCase" => asked.job().map(Route::Run),
        "/getCaseStatus" => asked.job().map(Route::Status),
        "/updateReports" => {
            asked.agent().map(|agent| Route::UpdateReports { agent, shutdown: asked.shutdown() })
        }
        "/stopServer" => Ok(Route::Stop),
        path => Ok(Route::Other(shown(path))),
    };
    answer.unwrap_or_else(|why| Route::Wrong(format!("{path} {why}")))
}

/// A request that names the protocol at all is judged as an opening handshake, also if it is a bad one.
fn wants_websocket(head: &RequestHead) -> bool {
    head.headers.has_token("Upgrade", "websocket") || head.headers.get("Sec-WebSocket-Key").is_some()
}

struct Asked<'a> {
    query: &'a [(String, String)],
    cases: &'a [&'static Case],
    /// The parameters that are needed.
    form: &'static str,
}

impl Asked<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn job(&self) -> Result<Job, String> {
        Ok(Job { agent: self.agent()?, case: self.case()? })
    }

    fn agent(&self) -> Result<String, String> {
        let agent = self.get("agent").ok_or("needs ?agent=NAME")?;
        match agent.chars().count() {
            0 => Err("needs a name in ?agent=NAME".to_owned()),
            1..=AGENT_LIMIT => Ok(agent.to_owned()),
            _ => Err(format!("takes names of at most {AGENT_LIMIT} characters in ?agent=NAME")),
        }
    }

    fn case(&self) -> Result<&'static Case, String> {
        match (self.get("case"), self.get("casetuple")) {
            (Some(number), _) => self.by_number(number),
            (None, Some(id)) => self.by_id(id),
            (None, None) => {
                Err(format!("needs {}, N from 1 to {}, or casetuple=ID", self.form, self.cases.len()))
            }
        }
    }

    fn by_number(&self, text: &str) -> Result<&'static Case, String> {
        let place = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let case = place.and_then(|place| self.cases.get(place));
        let wrong =
            || format!("needs {}, N from 1 to {}; got case={}", self.form, self.cases.len(), shown(text));
        case.copied().ok_or_else(wrong)
    }

    fn by_id(&self, text: &str) -> Result<&'static Case, String> {
        let id: Option<CaseId> = text.parse().ok();
        let case = id.and_then(|id| self.cases.iter().find(|case| case.id == id));
        case.copied()
            .ok_or_else(|| format!("got casetuple={}, which is none of the selected cases", shown(text)))
    }

    fn shutdown(&self) -> bool {
        self.get("shutdownOnComplete").is_some_and(|value| matches!(value, "true" | "True" | "1"))
    }
}

/// A value from the peer inside a message.
fn shown(value: &str) -> String {
    let cut: String = value.chars().take(20).collect();
    cut.escape_debug().to_string()
}

/// Path and parameters of a request target (RFC 3986 3.3 and 3.4), decoded. An absolute form is accepted too.
fn split_target(target: &[u8]) -> (String, Vec<(String, String)>) {
    let target = String::from_utf8_lossy(target);
    let target = target.split('#').next().unwrap_or_default();
    let target = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => &rest[rest.find(['/', '?']).unwrap_or(rest.len())..],
        _ => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = if path.is_empty() { "/".to_owned() } else { decode(path, false) };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    (path, pairs.map(|(name, value)| (decode(name, true), decode(value, true))).collect())
}

/// Undoes percent-encoding; what is not UTF-8 afterwards becomes U+FFFD.
pub fn decode(text: &str, plus_is_space: bool) -> String {
    let octets = text.as_bytes();
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while at < octets.len() {
        let hex = octets.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = hex.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
        match (octets[at], value.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(octet)) => {
                out.push(octet);
                at += 3;
                continue;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            (octet, _) => out.push(octet),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes everything but letters, digits, `-`, `.`, `_` and `~`.
pub fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, octet| {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(octet.into()),
            _ => {
                let _ = write!(out, "%{octet:02X}");
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wsspec_cases::suite;

    use super::*;

    fn cases() -> Vec<&'static Case> {
        suite().cases().iter().filter(|case| case.id.section() == 2).collect()
    }

    fn asked(target: &str) -> Route {
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
        route(&RequestHead::parse(head.as_bytes()), &cases())
    }

    fn in_words(route: Route) -> String {
        match route {
            Route::CaseCount => "count".to_owned(),
            Route::CaseInfo(case) => format!("info {}", case.id),
            Route::Run(job) => format!("run {} {}", job.case.id, job.agent),
            Route::Status(job) => format!("status {} {}", job.case.id, job.agent),
            Route::UpdateReports { agent, shutdown } => format!("update {agent} {shutdown}"),
            Route::Stop => "stop".to_owned(),
            Route::Other(path) => format!("other {path}"),
            Route::Page(page) => format!("page {}", page.path),
            Route::Wrong(why) => format!("wrong: {why}"),
        }
    }

    #[test]
    fn every_address_of_the_reference_is_known() {
        for (target, words) in [
            ("/getCaseCount", "count"),
            ("/getCaseCount?agent=x&y", "count"),
            ("/getCaseInfo?case=2", "info 2.2"),
            ("/getCaseInfo?casetuple=2.10", "info 2.10"),
            ("/runCase?case=11&agent=A", "run 2.11 A"),
            ("/runCase?agent=A&casetuple=2.3&x=1", "run 2.3 A"),
            ("ws://h:9001/runCase?case=1&agent=A", "run 2.1 A"),
            ("/getCaseStatus?casetuple=2.3&agent=A", "status 2.3 A"),
            ("/updateReports?agent=A", "update A false"),
            ("/updateReports?agent=A&shutdownOnComplete=true", "update A true"),
            ("/stopServer", "stop"),
            ("/", "other /"),
            ("/echo", "other /echo"),
            ("/getcasecount", "other /getcasecount"),
        ] {
            assert_eq!(in_words(asked(target)), words);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for target in [
            "/runCase?case=12&agent=A",
            "/runCase?case=0&agent=A",
            "/runCase?case=-1&agent=A",
            "/runCase?case=abc&agent=A",
            "/runCase?case=1",
            "/runCase?case=1&agent=",
            "/runCase?agent=A",
            "/runCase?casetuple=1.1.1&agent=A",
            "/getCaseStatus?case=1",
            "/getCaseInfo",
            "/updateReports",
        ] {
            assert!(matches!(asked(target), Route::Wrong(_)), "{target}");
        }
        let Route::Wrong(why) = asked("/runCase?case=900&agent=A") else { panic!("a wrong number") };
        assert_eq!(why, "/runCase needs ?case=N&agent=NAME, N from 1 to 11; got case=900");
        let long = "x".repeat(AGENT_LIMIT + 1);
        assert!(matches!(asked(&format!("/runCase?case=1&agent={long}")), Route::Wrong(_)));
    }

    #[test]
    fn names_are_decoded() {
        let name = |target: &str| match asked(target) {
            Route::Run(job) => job.agent,
            other => panic!("{other:?}"),
        };
        assert_eq!(name("/runCase?case=1&agent=my%20lib%2F1.0+x%7Cy"), "my lib/1.0 x|y");
        assert_eq!(name("/runCase?case=1&agent=%C3%BC%ff%zz%4"), "ü\u{fffd}%zz%4");
    }

    #[test]
    fn a_request_without_upgrade_is_for_the_page() {
        let page = |head: &str| route(&RequestHead::parse(head.as_bytes()), &cases());
        let Route::Page(browser) = page("GET /?x=1 HTTP/1.1\r\nAccept: text/html,*/*\r\n\r\n") else {
            panic!("a page")
        };
        assert_eq!((browser.path.as_str(), browser.html), ("/", true));
        assert_eq!(browser.query, [("x".to_owned(), "1".to_owned())]);
        let Route::Page(curl) = page("GET /status HTTP/1.1\r\nAccept: */*\r\n\r\n") else { panic!("a page") };
        assert!(!curl.html);
        let wrong = |target: &str| match page(&format!("GET {target} HTTP/1.1\r\n\r\n")) {
            Route::Page(page) => page.wrong.unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert!(wrong("/runCase?case=900&agent=a").contains("got case=900"));
        assert!(wrong("/runCase?case=1&agent=a").contains("Upgrade is missing"));
        assert!(wrong("/getCaseCount").contains("Upgrade is missing"));
        assert!(wrong("/stopServer").contains("POST /api/stop"));
        assert_eq!(wrong("/"), "");
        let bad = "GET /getCaseCount HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n";
        assert_eq!(in_words(page(bad)), "count", "a bad opening handshake is one all the same");
    }

    proptest! {
        #[test]
        fn any_name_survives_encoding(name in "\\PC{1,20}") {
            prop_assert_eq!(decode(&encode(&name), true), name);
        }

        #[test]
        fn any_head_has_a_route(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            route(&RequestHead::parse(&octets), &cases());
        }
    }
}
