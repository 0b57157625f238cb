//! Every MUST and SHOULD of RFC 6455 and RFC 7692, in our own words: those that cases test, and those that no case
//! tests.
//!
//! What no case tests was compared with the text of RFC 6455, sections 3 to 7 and 10. For RFC 7692 the numbers and
//! levels of sections 6.1, 7, 7.1.2.1, 7.1.2.2 and 7.2.2 were compared with quotations of it, of 5.1, 6, 7.1.1.1, 7.1.1.2
//! and 7.2.1 a part.

use crate::Rfc::{self, Rfc6455, Rfc7692};
use crate::{Rule, Suite};

/// A rule and whether any case of the suite names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The rule.
    pub rule: Rule,
    /// A case names it.
    pub is_tested: bool,
}

/// All requirements by RFC and section; those that cases name in the order of the cases, then the others.
pub fn requirements(suite: &Suite) -> Vec<Requirement> {
    let mut all: Vec<Requirement> = Vec::new();
    let named = suite.cases().iter().flat_map(|case| &case.rules).map(|rule| (*rule, true));
    for (rule, is_tested) in named.chain(UNTESTED.iter().map(|rule| (*rule, false))) {
        if !all.iter().any(|known| known.rule == rule) {
            all.push(Requirement { rule, is_tested });
        }
    }
    all.sort_by_key(|requirement| (requirement.rule.rfc, numbers(requirement.rule.section)));
    all
}

/// `5.5.1` as numbers, for sorting.
fn numbers(section: &str) -> Vec<u32> {
    section.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

const fn must(section: &'static str, summary: &'static str) -> Rule {
    Rule::must(Rfc6455, section, summary)
}

const fn should(section: &'static str, summary: &'static str) -> Rule {
    Rule::should(Rfc6455, section, summary)
}

const fn deflate(section: &'static str, summary: &'static str) -> Rule {
    Rule::must(Rfc7692, section, summary)
}

const REQUEST_UPGRADE: Rule =
    must("4.1", "the request has Upgrade with websocket, and Connection with Upgrade");
const REQUEST_KEY: Rule =
    must("4.1", "Sec-WebSocket-Key is 16 random octets in base64, new for each connection");
const REQUEST_VERSION: Rule = must("4.1", "the request has Sec-WebSocket-Version: 13");
const RESPONSE_UPGRADE: Rule =
    must("4.2.2", "the response has status 101, Upgrade: websocket and Connection: Upgrade");
const RESPONSE_ACCEPT: Rule =
    must("4.2.2", "Sec-WebSocket-Accept is the base64 of the SHA-1 of the key and the fixed GUID");
const RESPONSE_EXTENSIONS: Rule =
    must("4.2.2", "the response names no extension that the client did not offer");
const RESPONSE_SUBPROTOCOL: Rule = must(
    "4.2.2",
    "the subprotocol of the response is one that the client asked for; if none suits, the header is left out",
);
const EXTENSION_LIST: Rule =
    must("9.1", "a header of extensions that is no list of extensions fails the connection");

/// The rule that a header of the request breaks, if it is wrong or missing.
pub fn of_request(header: &str) -> Option<Rule> {
    Some(match header {
        "Upgrade" | "Connection" => REQUEST_UPGRADE,
        "Sec-WebSocket-Key" => REQUEST_KEY,
        "Sec-WebSocket-Version" => REQUEST_VERSION,
        "Sec-WebSocket-Extensions" => EXTENSION_LIST,
        _ => return None,
    })
}

/// The rule that a header of the response breaks, if it is wrong or missing.
pub fn of_response(header: &str) -> Option<Rule> {
    Some(match header {
        "Upgrade" | "Connection" => RESPONSE_UPGRADE,
        "Sec-WebSocket-Accept" => RESPONSE_ACCEPT,
        "Sec-WebSocket-Extensions" => RESPONSE_EXTENSIONS,
        "Sec-WebSocket-Protocol" => RESPONSE_SUBPROTOCOL,
        _ => return None,
    })
}

/// What no case tests. The opening handshake is checked in every case, as a whole and header by header, without a
/// case for each of its rules.
const UNTESTED: &[Rule] = &[
    must("3", "an address has no fragment; a # that begins none is written %23"),
    must("4.1", "a client opens no connection to an address that is no valid WebSocket address"),
    must("4.1", "a client has at most one connection to an address that is not open yet; others wait"),
    should(
        "4.1",
        "a client that does not know the address, behind a proxy, limits how many connections are pending",
    ),
    should("4.1", "a client that is told to use a proxy has that open TCP; another one opens TCP itself"),
    must("4.1", "a client fails the connection if TCP, or the proxy, cannot be reached"),
    must("4.1", "for wss the TLS handshake comes before the request, and if it fails so does the connection"),
    must("4.1", "a client names the server in the TLS handshake (SNI)"),
    must("4.1", "the request is a GET of HTTP/1.1 or later, for the resource of the address"),
    must("4.1", "the request has Host: the host, and the port unless it is the default"),
    REQUEST_UPGRADE,
    REQUEST_KEY,
    must("4.1", "a browser sends Origin"),
    REQUEST_VERSION,
    must("4.1", "subprotocols that a client asks for are tokens, none of them twice"),
    must(
        "4.1",
        "a client fails the connection if the response lacks Upgrade: websocket or Connection: Upgrade",
    ),
    must("4.1", "a client fails the connection if Sec-WebSocket-Accept does not answer its key"),
    must("4.1", "a client fails the connection if the response names an extension that it did not offer"),
    must("4.1", "a client fails the connection if the response names a subprotocol that it did not ask for"),
    must("4.1", "a client fails the connection if the response is wrong in any other way"),
    must(
        "4.2.1",
        "a server answers a request that is no lawful opening handshake with an HTTP error, such as 400",
    ),
    should("4.2.1", "a request without Origin is not taken for one of a browser"),
    must("4.2.2", "on a port for TLS the whole handshake goes through TLS"),
    must("4.2.2", "a server that does not want an origin answers with an HTTP error, such as 403"),
    must(
        "4.2.2",
        "a server that does not know the version answers with an HTTP error and the versions that it knows",
    ),
    must("4.2.2", "a server that does not have the resource answers with an HTTP error, such as 404"),
    RESPONSE_SUBPROTOCOL,
    RESPONSE_EXTENSIONS,
    RESPONSE_UPGRADE,
    RESPONSE_ACCEPT,
    must("4.3", "the value of a parameter is a token, also if it is written in quotes"),
    must(
        "4.4",
        "a server that does not speak the version that was asked for lists all versions that it speaks",
    ),
    must(
        "5.4",
        "an intermediary leaves fragments as they are where it does not know what reserved bits mean",
    ),
    must("5.4", "an intermediary leaves fragments as they are where it does not know the extensions in use"),
    must("5.4", "an intermediary that has not seen the handshake leaves fragments as they are"),
    must("5.5.1", "a client does not show the reason of a Close to its user"),
    must("5.8", "extensions are agreed on in the opening handshake"),
    must("6.1", "an endpoint sends messages on open connections only, and stops when that changes"),
    must("6.2", "a server takes the mask off what a client sends"),
    should(
        "7.1.7",
        "an endpoint that fails an open connection sends a Close with a suitable code before TCP ends",
    ),
    should("7.1.7", "a server writes down that it failed a connection"),
    must("7.2.1", "a client that loses TCP unexpectedly fails the connection"),
    should("7.2.1", "a client does not close without one of the reasons that are named, or the application"),
    must("7.2.2", "a server that gives up a handshake closes TCP"),
    should(
        "7.2.3",
        "a client that connects again after a loss waits a random time first, and longer each time",
    ),
    should("7.3", "a client does not close without a reason"),
    EXTENSION_LIST,
    should("10.2", "a server that is not meant for every page looks at Origin"),
    should("10.2", "an origin that a server does not take is answered with 403"),
    must("10.6", "an implementation can use TLS"),
    should("10.6", "an implementation uses TLS"),
    must("10.7", "both sides check what comes in, always"),
    should(
        "10.7",
        "what is not understood on an open connection is answered with a Close and a suitable code",
    ),
    should("10.7", "a handshake that is not valid is answered with a suitable status"),
    deflate("5.1", "the answer to an offer names parameters that fit the offer, or there is no answer to it"),
    deflate(
        "7",
        "a server declines an offer with an unknown parameter, one that comes twice, or a wrong value",
    ),
    deflate(
        "7",
        "a client fails the connection if the answer has an unknown parameter, one twice, or a wrong value",
    ),
    deflate("7.1.1.1", "a server that accepts an offer of server_no_context_takeover says so in its answer"),
    Rule::should(Rfc7692, "7.1.1.1", "a server knows server_no_context_takeover"),
    Rule::should(Rfc7692, "7.1.1.2", "a client knows client_no_context_takeover"),
    deflate("7.1.2.1", "a size of a window is a number from 8 to 15 without leading zeros"),
    deflate("7.1.2.1", "the answer to server_max_window_bits names the same size or a smaller one"),
    deflate(
        "7.1.2.2",
        "a server names client_max_window_bits only if the client offered it, and no larger size",
    ),
];

/// The sections with rules, for tests and tables.
pub const SECTIONS: [(Rfc, &[&str]); 2] = [
    (
        Rfc6455,
        &[
            "3", "4.1", "4.2.1", "4.2.2", "4.3", "4.4", "5.1", "5.2", "5.3", "5.4", "5.5", "5.5.1", "5.5.2",
            "5.5.3", "5.6", "5.8", "6.1", "6.2", "7.1.1", "7.1.2", "7.1.5", "7.1.7", "7.2.1", "7.2.2",
            "7.2.3", "7.3", "7.4.1", "7.4.2", "8.1", "9.1", "10.2", "10.4", "10.6", "10.7",
        ],
    ),
    (Rfc7692, &["5.1", "6", "6.1", "7", "7.1.1.1", "7.1.1.2", "7.1.2.1", "7.1.2.2", "7.2.1", "7.2.2"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite;

    #[test]
    fn every_rule_that_cases_name_is_a_requirement_and_no_other_is_called_tested() {
        let all = requirements(suite());
        for case in suite().cases() {
            for rule in &case.rules {
                let known: Vec<_> = all.iter().filter(|one| one.rule == *rule).collect();
                assert_eq!((known.len(), known[0].is_tested), (1, true), "{} {rule:?}", case.id);
            }
        }
        let named = |rule: &Rule| suite().cases().iter().any(|case| case.rules.contains(rule));
        assert!(all.iter().all(|one| one.is_tested == named(&one.rule)));
        assert!(all.iter().filter(|one| !one.is_tested).count() >= UNTESTED.len());
    }

    #[test]
    fn the_rules_of_the_opening_handshake_are_requirements() {
        let all = requirements(suite());
        let both = ["Upgrade", "Connection", "Sec-WebSocket-Extensions"];
        let requests = both.into_iter().chain(["Sec-WebSocket-Key", "Sec-WebSocket-Version"]);
        let responses = both.into_iter().chain(["Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"]);
        let rules = requests.map(of_request).chain(responses.map(of_response));
        for rule in rules {
            assert!(all.iter().any(|one| Some(one.rule) == rule), "{rule:?}");
        }
        assert_eq!(of_response("Host"), None);
    }

    #[test]
    fn no_section_with_rules_is_left_out() {
        let all = requirements(suite());
        for (rfc, sections) in SECTIONS {
            for section in sections {
                assert!(
                    all.iter().any(|one| one.rule.rfc == rfc && one.rule.section == *section),
                    "{section}"
                );
            }
        }
        let sorted = all.is_sorted_by_key(|one| (one.rule.rfc, numbers(one.rule.section)));
        assert!(sorted, "as in the RFC");
    }
}
