//! The words that every surface uses, explained.

/// A word and its meaning, one paragraph a line; lines that begin with four blanks are code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As it is printed.
    pub word: &'static str,
    /// What it means.
    pub text: &'static str,
}

/// The entry of a word, whatever its case.
pub fn find(word: &str) -> Option<&'static Entry> {
    let same =
        |other: &str| other.eq_ignore_ascii_case(word) || other.replace(' ', "-").eq_ignore_ascii_case(word);
    ENTRIES.iter().find(|entry| same(entry.word))
}

/// Verdicts, and the words of the reference suite.
pub const ENTRIES: &[Entry] = &[
    Entry { word: "pass", text: "All checks of the case hold." },
    Entry {
        word: "non-strict",
        text: "Every MUST is kept, a SHOULD is not, or the implementation chose the less strict of two ways \
that the RFC leaves open. Counts as a failure with --strict only.",
    },
    Entry { word: "fail", text: "A MUST of the RFC is broken." },
    Entry {
        word: "info",
        text: "What the implementation does is recorded and not judged: the RFC leaves it open.",
    },
    Entry {
        word: "n/a",
        text: "The feature was not offered or not negotiated, so there is nothing to test. Never a failure.",
    },
    Entry {
        word: "timeout",
        text: "The implementation went silent until the time was up. Counts as a failure.",
    },
    Entry {
        word: "crash",
        text: "The implementation was gone: its process ended, or it takes no more connections. Counts as a failure.",
    },
    Entry {
        word: "error",
        text: "wsspec could not run the case: no connection, no upgrade. Never counts as a pass, and makes the run \
incomplete.",
    },
    Entry { word: "skipped", text: "The case was left out on purpose." },
    Entry { word: "not run", text: "The case was selected, but the run ended before its turn." },
    Entry {
        word: "flaky",
        text: "The case failed and did not fail when it was run again, alone. The second result stands; the first \
one is in the record. --fail-on flaky makes it count, unless the baseline lists the case.",
    },
    Entry {
        word: "rating",
        text: "Rating rule 1, which every summary and report names. strict: no failure, and every SHOULD kept. \
conformant: no failure. not conformant: a MUST is broken, or a case ended in a timeout or a crash. incomplete: no \
failure, but cases could not be run or were not. What was skipped, n/a, known to the baseline or flaky makes no \
failure of the run, but known failures keep the rating down.",
    },
    Entry {
        word: "strict",
        text: "The rating of an implementation that keeps every MUST and every SHOULD: see rating.",
    },
    Entry {
        word: "conformant",
        text: "The rating of an implementation that breaks no MUST. What keeps it from strict stands beside it: see \
rating.",
    },
    Entry {
        word: "not conformant",
        text: "The rating of an implementation that breaks a MUST, is silent or gone in a case: see rating.",
    },
    Entry {
        word: "incomplete",
        text: "Not every selected case ran: the run was cut short, or a case could not be run. Never green: exit 6.",
    },
    Entry {
        word: "expected",
        text: "The verdict is the one that there has to be without a baseline, or the one that the baseline has.",
    },
    Entry {
        word: "known",
        text: "The baseline lists this failure, with its reason. It is shown, and does not make the run fail.",
    },
    Entry {
        word: "unexpected",
        text: "A failure that the baseline does not list, or a worse one. The run fails.",
    },
    Entry {
        word: "fixed",
        text: "Better than the baseline says: its entry is stale. wsspec baseline update --only-fixed takes it out, \
--strict-baseline makes it count (exit 5).",
    },
    Entry { word: "echo-server", text: include_str!("echo_server.txt") },
    Entry { word: "OK", text: "The reference suite's word for pass, on the behaviour and on the close." },
    Entry { word: "INFORMATIONAL", text: "The reference suite's word for info." },
    Entry {
        word: "UNIMPLEMENTED",
        text: "The reference suite's word for n/a: permessage-deflate was not negotiated.",
    },
    Entry {
        word: "FAILED",
        text: "The reference suite's word for fail. On the close: the wrong side closed.",
    },
    Entry {
        word: "WRONG CODE",
        text: "The close code that came is none of those that the case accepts. Behaviour and close are judged \
apart: the behaviour can be right all the same.",
    },
    Entry {
        word: "UNCLEAN",
        text: "The connection did not end as RFC 6455 7.1.4 describes it: Close frames both ways, then the server \
drops TCP.",
    },
    Entry {
        word: "FAILED BY CLIENT",
        text: "The tester, a client, had to drop TCP because the server did not (RFC 6455 7.1.1).",
    },
    Entry {
        word: "W01",
        text: "While one connection was open the server did not take another one, so the cases run one at a time. \
The run takes longer; its verdicts are the same. Many test servers forget to accept in a loop or to start a task for \
each connection.",
    },
    Entry {
        word: "W02",
        text: "The server took several connections before the first case, but later, under more of them, it did not open \
one, or it served one after the other and answered the rest too late. From then on the cases run one at a time, and \
what had got nothing in time is judged by how it does alone. --jobs 1 does so from the beginning. A server that serves \
one connection at a time lets each client wait for all others: most often a lock is held, or a task is awaited, for as \
long as a connection is open. A server that `--exec` started and that does nothing on any connection is ended and \
started again: the case that it hangs of is found by itself, and no other pays for it.",
    },
    Entry {
        word: "W03",
        text: "Two implementations are called the same. Two addresses: most often both servers send the same Server \
header; the later one gets a number, and --agent KEY=NAME gives names. Two clients of `serve`: both came with the same \
?agent=NAME, or without one, and run a case at the same time; the later result of each case counts, so give them names \
of their own.",
    },
    Entry {
        word: "W04",
        text: "The summary of the job is appended to the file that $GITHUB_STEP_SUMMARY names, and that cannot be \
written. Everything else is as it should be.",
    },
    Entry {
        word: "W05",
        text: "--redact none records headers such as Authorization and Cookie as they are, in every file of the run. \
The report is marked; do not pass it on.",
    },
    Entry {
        word: "W06",
        text: "The server goes on, but its reports cannot be written to the output folder, so they get old. \
results.jsonl may be affected as well.",
    },
    Entry {
        word: "W07",
        text: "The address is neither loopback nor private. Many cases send what the RFC forbids; test only what is \
yours, or ask.",
    },
    Entry {
        word: "W08",
        text: "A header or variable in wsspec.toml has a value that should not stand in a file that others read. \
Write \"env:NAME\" instead: the value is then taken from the environment and kept out of every file of the run.",
    },
    Entry {
        word: "W09",
        text: "A variable of the environment begins with WSSPEC_, but no option has that name, so it changes nothing. \
`wsspec config show` lists the options; WSSPEC_FAIL_ON sets --fail-on.",
    },
    Entry {
        word: "W10",
        text: "The files of --pcap and --keylog hold every octet of the run and what decrypts it, with all headers and \
credentials. Only their owner can read them; no report holds any of it. Delete them when you have seen enough.",
    },
    Entry {
        word: "W11",
        text: "The answer to the opening handshake has no Server header, so nothing tells which implementation this is, \
and reports call it by its address. `wsspec diff` and baselines compare implementations of one name, and a port that is \
another one the next time is another name then. --agent NAME gives one that stays; agent in wsspec.toml does too.",
    },
    Entry {
        word: "W14",
        text: "A client asks `serve` for cases again and again, and each of their results is a line of results.jsonl. Where \
that has grown to 1 GiB, frames, what came and logs are left out of the results of further cases; verdicts, checks and \
counts stay, and each such result says that it is short. At 2 GiB further cases are refused (HTTP status 507). What is \
recorded stays as it is. To go on, end the server and start it again with another folder (-o); if the client is not \
meant to run cases for ever, end that first.",
    },
    Entry {
        word: "W13",
        text: "A spec file of the reference suite holds something that does nothing or more than it seems to: a key that \
never had an effect, a pattern that matches no case, \"9\" without \".*\" in exclude-cases, which excludes nothing, or \
\"1*\", which takes in 10.*, 12.* and 13.* too. The run goes on with what the reference suite makes of it.",
    },
    Entry {
        word: "W12",
        text: "While the run went on, the wall clock and the clock that only goes forward went apart by a second or more: \
somebody or something set the clock, or the machine slept. Dates in the record are those of the wall clock. If the \
machine slept, connections may have broken and waits may have ended late: run failures and timed cases again.",
    },
];

/// Where it is laid down what a close code is for.
pub fn clause_of_code(code: u16) -> &'static str {
    match code {
        1000..=1006 | 1008..=1011 | 1015 => "RFC 6455 7.4.1",
        1007 => "RFC 6455 7.4.1; text that is no UTF-8: 8.1",
        1012..=1014 => "the IANA registry of WebSocket close codes",
        3000..=4999 => "RFC 6455 7.4.2",
        _ => "RFC 6455 7.4.2: reserved",
    }
}

/// What a close code is for (RFC 6455 7.4 and the IANA registry).
pub fn close_code(code: u16) -> &'static str {
    match code {
        1000 => "Normal closure: the purpose of the connection is fulfilled.",
        1001 => "An endpoint is going away: a server shuts down, or a browser leaves the page.",
        1002 => {
            "A protocol error: a frame that breaks a rule of the RFC, such as a reserved bit or opcode, a \
fragmented control frame, a continuation without a beginning."
        }
        1003 => {
            "The endpoint cannot accept this type of data, such as binary where it understands text only."
        }
        1005 => {
            "Reserved: tells an application that the Close frame had no code. It must never be on the wire."
        }
        1006 => {
            "Reserved: tells an application that the connection ended without a Close frame. It must never be \
on the wire."
        }
        1007 => "The data does not fit its type: above all, a text message that is not UTF-8.",
        1008 => "A policy is violated; the general code when no other fits, or details shall be hidden.",
        1009 => "A message is too big to be processed.",
        1010 => {
            "A client misses an extension that it needs; the reason lists it. Only clients send it: a server \
would fail the opening handshake."
        }
        1011 => "A server met an unexpected condition and cannot fulfil the request.",
        1012 => "Registered with IANA: the service restarts.",
        1013 => "Registered with IANA: try again later.",
        1014 => "Registered with IANA: a gateway got an invalid answer from behind.",
        1015 => "Reserved: tells an application that the TLS handshake failed. It must never be on the wire.",
        1004 => "Reserved, without a meaning yet; it must not be sent.",
        1016..=2999 => "Reserved for future versions of the RFC and its extensions; not to be sent today.",
        3000..=3999 => "For libraries and frameworks, registered with IANA; valid on the wire.",
        4000..=4999 => "For private use between applications that agree on it; valid on the wire.",
        _ => "Not used: codes below 1000 are invalid, and there are none above 4999.",
    }
}

#[cfg(test)]
mod tests {
    use wsspec_report::record::verdict_order;

    use super::*;

    #[test]
    fn every_verdict_is_explained() {
        for verdict in verdict_order() {
            assert!(find(verdict.word()).is_some(), "{}", verdict.word());
        }
        assert!(find("wrong-code").is_some() && find("WRONG CODE").is_some());
    }

    /// The codes of warnings in a folder of sources.
    fn codes(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes(&path, found);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.extend(
                    text.split("warning[").skip(1).filter_map(|rest| rest.get(..3)).map(str::to_owned),
                );
            }
        }
    }

    #[test]
    fn every_warning_is_explained() {
        let mut found = Vec::new();
        codes(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found.retain(|code| code.starts_with('W') && code[1..].bytes().all(|b| b.is_ascii_digit()));
        assert!(found.len() > 5, "{found:?}");
        for code in found {
            assert!(find(&code).is_some(), "explain {code}");
        }
    }
}
