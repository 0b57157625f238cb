use wsspec_wire::close_code;

use crate::Untrusted;
use crate::record::{CaseRecord, CloseRecord, Dir, Happening, Role};
use crate::story::units::duration;

/// A fact about the end of a connection.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The name in the files of the reference.
    pub name: &'static str,
    /// Its value.
    pub value: Untrusted,
    /// What it means.
    pub meaning: &'static str,
}

impl Flag {
    /// Whether it is true, or has a value.
    pub fn is_so(&self) -> bool {
        !matches!(self.value.raw(), "false" | "none")
    }
}

/// How the connection ended, in one sentence.
pub fn closing_sentence(case: &CaseRecord) -> Untrusted {
    if let Some(why) = &case.handshake.never_opened {
        return Untrusted::from(format!("The connection never opened: {}.", why.text.raw()));
    }
    let close = &case.close;
    let first = match close.first.as_str() {
        "wsspec" if close.failed_by_wsspec => "wsspec failed the connection".to_owned(),
        "wsspec" => format!("wsspec closed first{}", with_code(close.local)),
        "peer" => format!("The agent closed first{}", with_code(close.remote)),
        _ => "Nobody sent a Close frame".to_owned(),
    };
    let answer = match (close.first.as_str(), close.remote) {
        ("wsspec", None) if !peer_closed(case) => "; the agent sent no Close frame".to_owned(),
        ("wsspec", code) => format!("; the agent answered{}{}", with_code(code), answer_time(case)),
        _ => String::new(),
    };
    let tcp = match close.tcp.as_deref() {
        Some("wsspec") => "; wsspec closed TCP",
        Some("peer-rst") => "; the agent reset TCP",
        Some(_) => "; the agent closed TCP",
        None => "",
    };
    let clean = if close.clean { "clean" } else { "not clean" };
    let tcp_time = if tcp.is_empty() { String::new() } else { tcp_time(case) };
    Untrusted::from(format!("{first}{answer}{tcp}{tcp_time}: {clean}."))
}

/// How long after the last Close frame TCP ended.
fn tcp_time(case: &CaseRecord) -> String {
    let end = case.events.iter().rfind(|line| matches!(line.what, Happening::Tcp { .. })).map(|line| line.us);
    let close = case.events.iter().rfind(|line| matches!(line.what, Happening::Frame { op: 8, .. }));
    match (close.map(|line| line.us), end) {
        (Some(close), Some(end)) if end >= close => format!(" {} later", duration(end - close)),
        _ => String::new(),
    }
}

fn with_code(code: Option<u16>) -> String {
    match code {
        Some(code) => format!(" with {code}{}", code_name(code)),
        None => " without a code".to_owned(),
    }
}

fn code_name(code: u16) -> String {
    close_code::name(code).map_or_else(String::new, |name| format!(" ({name})"))
}

fn peer_closed(case: &CaseRecord) -> bool {
    case.events.iter().any(|line| matches!(line.what, Happening::Frame { dir: Dir::Rx, op: 8, .. }))
}

fn answer_time(case: &CaseRecord) -> String {
    let close_at = |wanted: Dir| {
        let mut lines = case.events.iter();
        lines
            .find(|line| matches!(line.what, Happening::Frame { dir, op: 8, .. } if dir == wanted))
            .map(|l| l.us)
    };
    match (close_at(Dir::Tx), close_at(Dir::Rx)) {
        (Some(sent), Some(came)) if came >= sent => format!(" {} later", duration(came - sent)),
        _ => String::new(),
    }
}

/// The facts that the reference's report lists, each with what it means.
pub fn closing_flags(case: &CaseRecord) -> Vec<Flag> {
    let close = &case.close;
    let flag = |name, value: bool, meaning| Flag { name, value: Untrusted::from(value.to_string()), meaning };
    let mut flags = vec![
        flag("isServer", case.role == Role::Client, "wsspec was the server"),
        flag("closedByMe", close.closed_by_wsspec, "wsspec sent the first Close frame"),
        flag("failedByMe", close.failed_by_wsspec, "wsspec failed the connection: it had to end it by force"),
        flag("droppedByMe", close.dropped_by_wsspec, "wsspec closed TCP, not the agent"),
        flag("wasClean", close.clean, "Close frames went both ways and the right side closed TCP"),
        Flag {
            name: "wasNotCleanReason",
            value: close.not_clean_reason.clone().unwrap_or_else(|| Untrusted::from("none")),
            meaning: "why it was not clean",
        },
        flag("wasOpenHandshakeTimeout", close.open_timeout, "the opening handshake took too long"),
        flag("wasCloseHandshakeTimeout", close.close_timeout, "the agent's Close frame did not come in time"),
        flag(
            "wasServerConnectionDropTimeout",
            close.drop_timeout,
            "the agent, a server, did not close TCP in time after the closing handshake",
        ),
    ];
    flags.extend(codes(close));
    flags
}

fn codes(close: &CloseRecord) -> [Flag; 4] {
    let code = |code: Option<u16>| {
        Untrusted::from(code.map_or("none".to_owned(), |c| format!("{c}{}", code_name(c))))
    };
    let reason = |reason: &Option<crate::record::Payload>| match reason {
        Some(reason) if !reason.is_empty() => super::payload_preview(reason, 123),
        _ => Untrusted::from("none"),
    };
    [
        Flag { name: "localCloseCode", value: code(close.local), meaning: "the code that wsspec sent" },
        Flag {
            name: "localCloseReason",
            value: reason(&close.local_reason),
            meaning: "the reason that wsspec sent",
        },
        Flag { name: "remoteCloseCode", value: code(close.remote), meaning: "the code that the agent sent" },
        Flag {
            name: "remoteCloseReason",
            value: reason(&close.remote_reason),
            meaning: "the reason that the agent sent",
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn one_sentence_says_who_closed_what_and_when() {
        assert_eq!(
            closing_sentence(&samples::passed("a", "1.1.1")).raw(),
            "wsspec closed first with 1000 (normal closure); the agent answered with 1000 (normal closure) \
             0.50 ms later; the agent closed TCP 0.10 ms later: clean."
        );
        assert_eq!(
            closing_sentence(&samples::failed("a", "5.15")).raw(),
            "wsspec failed the connection; the agent sent no Close frame; wsspec closed TCP 1.00 s later: not clean."
        );
        assert_eq!(
            closing_sentence(&samples::never_opened("a", "1.1.1")).raw(),
            "The connection never opened: the response has the status 404."
        );
        assert_eq!(closing_flags(&samples::failed("a", "5.15")).len(), 13);
    }
}
