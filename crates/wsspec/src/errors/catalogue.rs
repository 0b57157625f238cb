use std::fmt;
use std::str::FromStr;

use crate::exit_code::ExitCode;

/// The errors and notes that have a code. A code keeps its meaning for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// Nothing listens there.
    E01,
    /// The host name has no address.
    E02,
    /// No answer in time.
    E03,
    /// 404 and the like: no WebSocket at this path.
    E04,
    /// 401 or 403.
    E05,
    /// A redirect.
    E06,
    /// A status other than 101.
    E07,
    /// A 101 that breaks a rule.
    E08,
    /// TLS behind `ws://`.
    E09,
    /// No TLS behind `wss://`.
    E10,
    /// The certificate is not accepted.
    E11,
    /// The peer does not echo.
    E12,
    /// permessage-deflate was not negotiated.
    E13,
    /// The implementation hangs again and again.
    E14,
    /// The implementation died.
    E15,
    /// The port is taken.
    E16,
    /// A pattern that matches no case.
    E17,
    /// A file that cannot be read as what it should be.
    E18,
    /// The server that was started is not ready.
    E19,
    /// A filter expression that cannot be read.
    E20,
    /// The output folder cannot be written.
    E21,
    /// No client came.
    E22,
    /// A client asks for a case that there is not.
    E23,
    /// Entries of the baseline that are wrong.
    E24,
    /// More connections than this process may have open files.
    E25,
    /// The page that tests a browser cannot reach its server.
    E26,
    /// A target address that cannot be read.
    E27,
    /// The answer is no HTTP, or there is none.
    E28,
    /// The selection left no case.
    E29,
    /// TLS does not come about.
    E30,
    /// A command cannot be started.
    E31,
    /// A case cannot be had as a script of this form.
    E32,
    /// Load on a host that is not the user's.
    E33,
}

/// What `wsspec explain E01` prints.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The code.
    pub code: ErrorCode,
    /// The exit status that goes with it.
    pub exit: ExitCode,
    /// The error in a few words.
    pub title: &'static str,
    /// What it means, how it comes about and what to do, one paragraph a line.
    pub text: &'static str,
}

impl ErrorCode {
    /// Its page.
    pub fn page(self) -> &'static Page {
        PAGES.iter().find(|page| page.code == self).expect("every code has a page; a test says so")
    }

    /// All pages in the order of their codes.
    pub fn pages() -> &'static [Page] {
        PAGES
    }
}

/// `E01`
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for ErrorCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        PAGES.iter().map(|page| page.code).find(|code| code.to_string().eq_ignore_ascii_case(text)).ok_or(())
    }
}

const PAGES: &[Page] = &[
    Page {
        code: ErrorCode::E01,
        exit: ExitCode::Unreachable,
        title: "nothing is listening there",
        text: "The host answered that nobody listens on this port. The server is not running, it has not \
come up yet, or it listens on another port or only on another address: 127.0.0.1 and ::1 are two addresses.\n\
On Linux `ss -ltn` lists who listens where.",
    },
    Page {
        code: ErrorCode::E02,
        exit: ExitCode::Unreachable,
        title: "the host name cannot be resolved",
        text: "Neither DNS nor the hosts file knows the name. Look for a typing error; inside a container the \
names of the host and of other containers are not known unless they are passed in.",
    },
    Page {
        code: ErrorCode::E03,
        exit: ExitCode::Unreachable,
        title: "no answer in time",
        text: "Either TCP got no reply at all, which is what a firewall that drops packets looks like, or the \
connection was accepted and the upgrade request was never answered. The second happens when the server takes one \
connection at a time and another one is open, when its accept loop is blocked, or when the port belongs to another \
protocol in which the server waits for more.\n\
--open-timeout gives a slow server more time.",
    },
    Page {
        code: ErrorCode::E04,
        exit: ExitCode::Unreachable,
        title: "the server knows no WebSocket at this path",
        text: "The server speaks HTTP and said that there is nothing at this path (404, 405 or 410). WebSocket \
endpoints often live at a path such as /ws, /echo or /websocket: put it behind the port.",
    },
    Page {
        code: ErrorCode::E05,
        exit: ExitCode::Unreachable,
        title: "the server wants authentication, or another Origin",
        text: "The upgrade was refused with 401, 403 or 407. Give credentials with -H: a word env:NAME in the value is taken from \
the environment, and no value given that way is written into any report.\n\
403 is also what servers answer that check the Origin header: --origin sets it.",
    },
    Page {
        code: ErrorCode::E06,
        exit: ExitCode::Unreachable,
        title: "the server redirects",
        text: "RFC 6455 4.1 lets a client follow redirects, but wsspec tests the address that it was given and \
follows none: give the address that the Location header names.",
    },
    Page {
        code: ErrorCode::E07,
        exit: ExitCode::Unreachable,
        title: "the server did not switch protocols",
        text: "The only status that opens a WebSocket is 101 (RFC 6455 4.2.2). Anything else means that the \
request ended at an ordinary HTTP route, or that a proxy in between dropped the hop-by-hop headers Upgrade and \
Connection. nginx needs `proxy_http_version 1.1` and both headers passed on. 426 asks for another version of the \
protocol: wsspec speaks 13, the one of the RFC. 429 is a limit of connections in a time, which --jobs 1 may stay below; \
a status from 500 on is a failure of the server, or of the one behind a proxy.",
    },
    Page {
        code: ErrorCode::E08,
        exit: ExitCode::Unreachable,
        title: "the upgrade response breaks a rule",
        text: "A client has to fail the connection if the 101 lacks `Upgrade: websocket` or `Connection: Upgrade`, \
if Sec-WebSocket-Accept is not the base64 of the SHA-1 of key and GUID, or if the server chooses an extension or a \
subprotocol that was not offered (RFC 6455 4.1). No browser will open such a connection, so no case can run.\n\
Usual slips: the key was decoded before hashing, the GUID has a typing error, or the digest was written in hex.",
    },
    Page {
        code: ErrorCode::E09,
        exit: ExitCode::Unreachable,
        title: "TLS behind a ws:// address",
        text: "The answer to the plain request was a TLS record. Give the address as wss://.",
    },
    Page {
        code: ErrorCode::E10,
        exit: ExitCode::Unreachable,
        title: "no TLS behind a wss:// address",
        text: "The answer to the TLS ClientHello was plain text, usually an HTTP error. Give the address as ws://, \
or the port on which the server speaks TLS.",
    },
    Page {
        code: ErrorCode::E11,
        exit: ExitCode::Unreachable,
        title: "the TLS certificate is not accepted",
        text: "The certificate is not signed by an authority that this system trusts, is for another name, or is \
out of date. --cacert names a file with the authority to trust (for a certificate signed by itself, the certificate), \
--sni the name to ask for, and -k accepts any certificate, for tests only: the connection is then open to \
whoever sits in between.",
    },
    Page {
        code: ErrorCode::E12,
        exit: ExitCode::Unreachable,
        title: "the peer does not echo",
        text: "Nearly every case needs a server that sends each message back with the same type and content, and \
sends nothing else. A chat room, a greeting or a broadcast is no echo. Write an echo handler with the library under \
test, at a path of its own if need be; it is usually ten lines.\n\
--no-echo-check runs the cases anyway.",
    },
    Page {
        code: ErrorCode::E13,
        exit: ExitCode::Ok,
        title: "permessage-deflate was not negotiated",
        text: "The server answered without Sec-WebSocket-Extensions, or declined the offer. The cases that \
need it, those of the sections 12, 13 and 19 to 22, are then not applicable, which is no failure: compression is optional (RFC 7692). If the library \
has it, it may be off for this endpoint.",
    },
    Page {
        code: ErrorCode::E14,
        exit: ExitCode::Incomplete,
        title: "the implementation hangs again and again",
        text: "Several cases in a row got no octet until their time was up, so the rest was not run. Usual \
causes: a limit of the message size after which the connection is neither read nor closed, or a deadlock after an \
earlier case. --max-hangs says how many are allowed, --timeout-scale helps slow machines.",
    },
    Page {
        code: ErrorCode::E15,
        exit: ExitCode::Incomplete,
        title: "the implementation is gone",
        text: "New connections have been refused since some case. The cases that were running then are the ones \
to look at. The rest was not run, and a run like that is never green.\n\
A server that was started by --exec is started again when it dies (--restart crash). The case that it died of gets \
the verdict crash, with the exit status or signal and the last lines of its log; if several cases ran, each of them is \
run again alone. After three restarts wsspec gives up. --restart case starts a process for every case, so that one \
death disturbs nothing else; --restart never stops at the first one.",
    },
    Page {
        code: ErrorCode::E16,
        exit: ExitCode::Unreachable,
        title: "the port is already in use",
        text: "Another process listens there. Port 0 takes any free port and prints it.\n\
With run --exec, something answered at the address before the server was started; testing that by mistake would be a \
result about the wrong program. {port} in address and command takes a free port; --reuse tests what is there.",
    },
    Page {
        code: ErrorCode::E17,
        exit: ExitCode::Usage,
        title: "no case matches",
        text: "A case is named by its id (7.1.2), by a glob over ids (7.1.*, anchored at both ends), by its slug, \
or by a set (@core). A name that matches nothing is taken for a typing error, so nothing was run. \
`wsspec list` shows all names, `wsspec list --sets` the sets.",
    },
    Page {
        code: ErrorCode::E18,
        exit: ExitCode::Usage,
        title: "the file cannot be read",
        text: "The file is missing, is not of the form that was expected, or has a key that does not exist. The \
message names the line.",
    },
    Page {
        code: ErrorCode::E19,
        exit: ExitCode::Unreachable,
        title: "the server that was started is not ready",
        text: "--exec starts the server, and --ready says what shows that it can be tested: ws (a WebSocket opens \
and echoes), tcp (the port takes connections), http:PATH (a GET is answered with 2xx or 3xx), log:REGEX (a line of \
its output matches), fd (it writes a line to the file descriptor in $WSSPEC_READY_FD) or after:TIME. --ready-timeout \
says how long that may take.\n\
Usual causes: the port is not passed on ({port} in the command, or $WSSPEC_PORT), the server listens on another \
address, it buffers its output (log:), or it ends at once: its last lines are shown, and all of them are in agent.log.",
    },
    Page {
        code: ErrorCode::E20,
        exit: ExitCode::Usage,
        title: "the filter expression cannot be read",
        text: "A filter is made of atoms such as section(5), rfc(6455#5.4), level(must), slug(/utf-?8/), set(core), \
time(<1s), needs(deflate), joined by `and`, `or`, `not` and brackets. `and` binds closer than `or`.",
    },
    Page {
        code: ErrorCode::E21,
        exit: ExitCode::Incomplete,
        title: "the output folder cannot be written",
        text: "The folder is made and tried before the first case, so that a run is not lost at its end. Often an \
earlier run in a container made it as another user: take another one with -o, or run the container with --user.",
    },
    Page {
        code: ErrorCode::E22,
        exit: ExitCode::Empty,
        title: "no client connected",
        text: "The tester waited as a server, and no case was asked for. The client may use another port or path, \
or it runs in a container or on another host, which the address 127.0.0.1 keeps out: --bind 0.0.0.0 listens for all.",
    },
    Page {
        code: ErrorCode::E23,
        exit: ExitCode::Ok,
        title: "a client asks for what is not there",
        text: "A client that is tested asks for its cases by address: /runCase?case=N&agent=NAME, N from 1 to the number \
that /getCaseCount answers, or casetuple=ID instead of case=N. What is missing or out of range is answered with HTTP 400 and \
a line that says what is wrong; the terminal shows the same line, and the run goes on.\n\
GET /getCaseCount first, then loop from 1; /getCaseStatus takes the same parameters, /updateReports the agent. With \
--exec-case wsspec starts the client once for every case, and no loop is needed.",
    },
    Page {
        code: ErrorCode::E24,
        exit: ExitCode::Stale,
        title: "entries of the baseline are wrong",
        text: "A baseline lists what is known not to pass, with a reason: [[expect]] with cases (ids, globs, sets) or \
filter, verdict (non-strict, fail, timeout, flaky or any), reason, and optionally agent, issue and until. A result \
is then expected, known (as listed), unexpected (worse), fixed (better than listed) or flaky (a failure that was none when \
it was tried again: listed or not, its entry stays); only what is unexpected makes the run fail.\n\
An entry is wrong when its cases have become better, or when its last day (until) is over; an entry that has expired \
does not excuse anything any more. Without --strict-baseline that is a note, with it the exit status is 5.\n\
`wsspec baseline update --only-fixed` takes out what is fixed and nothing else; what is better and would be unexpected \
without an entry gets a lower verdict (with --strict a fail that is only non-strict now). `wsspec baseline update --reason \
TEXT` adds what is new, too. Both keep what another implementation of the run still needs: agent in the entry says who it is for. \
`wsspec baseline check` and `explain` say how things stand. Comments stay, and a filter keeps its words: cases that need it no \
more are left out behind them (`and not id(2.1)`).",
    },
    Page {
        code: ErrorCode::E25,
        exit: ExitCode::Unreachable,
        title: "more connections than open files are allowed",
        text: "Every connection is an open file of this process, and the system sets a limit to these. `ulimit -n` \
shows it, `ulimit -n 65536` raises it for the shell up to what `ulimit -Hn` allows. The server needs as many. From one \
address to one port of another there are also no more connections than local ports, 28 232 on Linux unless \
net.ipv4.ip_local_port_range says otherwise; `load --source 127.0.0.0/28` begins at several addresses, each with ports \
of its own.",
    },
    Page {
        code: ErrorCode::E26,
        exit: ExitCode::Unreachable,
        title: "the page cannot reach the server",
        text: "The page on which a browser is tested opens its WebSockets to the address that it was loaded from. \
When it was opened from elsewhere, the browser may keep it from that: an https page may not use ws:// (mixed content), \
and a page from a public address needs the permission to reach a local one (Local Network Access). A proxy in between \
may also drop the Upgrade header. Open the page at the address that wsspec serve prints.",
    },
    Page {
        code: ErrorCode::E27,
        exit: ExitCode::Usage,
        title: "the address cannot be read",
        text: "An address is ws://HOST:PORT/PATH?QUERY; the scheme, the port (80, with wss 443) and the path (/) may \
be left out. Without a scheme a name needs its port, or it would be taken for that of a case; localhost and IP addresses do \
not. An IPv6 address stands in brackets. A fragment (#) is not allowed \
(RFC 6455 3).",
    },
    Page {
        code: ErrorCode::E28,
        exit: ExitCode::Unreachable,
        title: "the answer is no HTTP",
        text: "The upgrade request was not answered with an HTTP response: the connection was closed first, the \
octets are something else, or the head does not end within 16 KiB. The port may belong to another protocol, or the \
server may have crashed on the request: look at its log.",
    },
    Page {
        code: ErrorCode::E29,
        exit: ExitCode::Empty,
        title: "the selection left no case",
        text: "All names exist, but filter, exclusions or slice leave nothing. Nothing was run, and that is never \
green.",
    },
    Page {
        code: ErrorCode::E30,
        exit: ExitCode::Unreachable,
        title: "TLS does not come about",
        text: "Both sides speak TLS, or seem to, but did not come to an agreement: no version or cipher in common \
(wsspec speaks TLS 1.2 and 1.3), a client certificate is wanted (--cert, --key) or not accepted, or the server has \
nothing for the name that was asked for (--sni). `openssl s_client -connect HOST:PORT` shows more.\n\
The same code stands for files of --cert, --key and --cacert that hold nothing of use, for a name that --sni cannot \
ask for, and for --require tls with an address that is ws://.",
    },
    Page {
        code: ErrorCode::E31,
        exit: ExitCode::Unreachable,
        title: "the command cannot be started",
        text: "The words of --exec, --exec-case and --browser are split as a shell does, with quotes, and the program \
is looked for along PATH; no shell is involved unless it is named: \"sh -c '…'\". \
Placeholders in such a script are quoted for the shell. The folder is the current one, or \
that of --exec-cwd.",
    },
    Page {
        code: ErrorCode::E32,
        exit: ExitCode::Usage,
        title: "the case cannot be had as a script of this form",
        text: "`repro` spells out the octets of a case. Not every form can hold every case: nc, Rust and curl only \
connect, so they test servers; nc and Rust speak no TLS; curl sends an opening handshake and no frames; and a case \
that sends megabytes which do not repeat is better run with `wsspec run`. Python and JavaScript can do most.",
    },
    Page {
        code: ErrorCode::E33,
        exit: ExitCode::Usage,
        title: "load on a public address",
        text: "`wsspec load` opens thousands of connections and sends as much as it can, which may bring a host down. It \
does so to this host and to private networks; for any other address --i-own-this-host says that you may.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_page_in_order() {
        let codes: Vec<ErrorCode> = PAGES.iter().map(|page| page.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        for code in codes {
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(code));
        }
        assert_eq!("E00".parse::<ErrorCode>(), Err(()));
    }
}
