//! The negotiation of extensions, in words.

use wsspec_cases::suite;
use wsspec_engine::Verdict;
use wsspec_wire::{Extension, RequestHead, ResponseHead, parse_extensions};

use crate::Untrusted;
use crate::record::CaseRecord;

const HEADER: &str = "Sec-WebSocket-Extensions";

/// Offer, answer, and what is in effect.
#[derive(Clone, Debug)]
pub struct Negotiation {
    /// What the client offered; none if nothing.
    pub offer: Option<Untrusted>,
    /// What the server answered.
    pub answer: Option<Untrusted>,
    /// What that means for the connection.
    pub effect: String,
}

/// What was offered, answered and agreed in the opening handshake.
pub fn negotiation(case: &CaseRecord) -> Negotiation {
    let request = RequestHead::parse(case.handshake.request.kept());
    let response = ResponseHead::parse(case.handshake.response.kept());
    let value = |value: Option<&[u8]>| value.map(Untrusted::from_octets);
    let (offer, answer) = (request.headers.get(HEADER), response.headers.get(HEADER));
    let effect = match (offer, answer) {
        (None, None) => "No extension was offered, so none is in use.".to_owned(),
        (None, Some(_)) => {
            "No extension was offered, and yet the answer names one: the client has to fail the connection."
                .to_owned()
        }
        (Some(_), None) if response.status == Some(101) => {
            format!("The answer has no {HEADER} header: the server declined, and no extension is in use.")
        }
        (Some(_), None) => "The connection was not upgraded.".to_owned(),
        (Some(_), Some(answer)) => match parse_extensions([answer]) {
            Ok(extensions) => extensions.iter().map(effect).collect::<Vec<_>>().join(" "),
            Err(error) => format!("The answer cannot be read: {error}."),
        },
    };
    Negotiation { offer: value(offer), answer: value(answer), effect }
}

/// What keeps a case from applying: it needs something that was offered or answered in a header.
#[derive(Clone, Debug)]
pub struct Lack {
    header: &'static str,
    offer: Option<Untrusted>,
    answer: Option<Untrusted>,
    /// The status line, if it is not that of an upgrade.
    refusal: Option<Untrusted>,
}

impl Lack {
    /// What the client offered.
    pub fn offered(&self) -> Untrusted {
        self.told(self.offer.as_ref())
    }

    /// What the server answered.
    pub fn answered(&self) -> Untrusted {
        self.refusal.clone().unwrap_or_else(|| self.told(self.answer.as_ref()))
    }

    /// Which header is missing, if one is.
    pub fn missing(&self) -> Option<String> {
        match (&self.offer, &self.answer) {
            (None, _) => Some(format!("no {} in the request", self.header)),
            (_, None) if self.refusal.is_none() => Some(format!("no {} in the answer", self.header)),
            _ => None,
        }
    }

    fn told(&self, value: Option<&Untrusted>) -> Untrusted {
        match value {
            Some(value) => format!("{}: {}", self.header, value.raw()).into(),
            None => format!("no header {}", self.header).into(),
        }
    }
}

/// What was offered and answered where a case does not apply; none if that is not the reason.
pub fn lack(case: &CaseRecord) -> Option<Lack> {
    if case.verdict != Verdict::NotApplicable || case.handshake.request.is_empty() {
        return None;
    }
    let known = suite().get(case.id)?;
    let header = match (known.conduct.commands, known.deflate.is_some()) {
        (true, _) => "Sec-WebSocket-Protocol",
        (false, true) => HEADER,
        (false, false) => return None,
    };
    let request = RequestHead::parse(case.handshake.request.kept());
    let response = ResponseHead::parse(case.handshake.response.kept());
    let value = |value: Option<&[u8]>| value.map(Untrusted::from_octets);
    let line =
        || Untrusted::from_octets(case.handshake.response.kept()).raw().lines().next().map(Untrusted::from);
    Some(Lack {
        header,
        offer: value(request.headers.get(header)),
        answer: value(response.headers.get(header)),
        refusal: line().filter(|_| response.status != Some(101)),
    })
}

fn effect(extension: &Extension) -> String {
    if !extension.name.eq_ignore_ascii_case("permessage-deflate") {
        return "An extension other than permessage-deflate was agreed.".to_owned();
    }
    format!("permessage-deflate is in use. {} {}", side(extension, "server"), side(extension, "client"))
}

/// How one side compresses.
fn side(extension: &Extension, side: &str) -> String {
    let find = |name: String| extension.params.iter().find(move |param| param.name == name);
    let bits = find(format!("{side}_max_window_bits"))
        .and_then(|param| param.value.as_ref()?.text.parse::<u8>().ok())
        .filter(|bits| (8..=15).contains(bits))
        .unwrap_or(15);
    let context = match find(format!("{side}_no_context_takeover")) {
        Some(_) => "begins each message with an empty window",
        None => "keeps its window from message to message",
    };
    let octets = 1_u32 << bits;
    format!("The {side} {context}, of 2^{bits} = {octets} octets at most.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Payload;
    use crate::samples::passed;

    fn told(offer: &str, answer: &str) -> String {
        let mut case = passed("a", "1.1.1");
        case.handshake.request = Payload::new(format!("GET / HTTP/1.1\r\n{offer}\r\n").as_bytes(), 16384);
        case.handshake.response = Payload::new(format!("HTTP/1.1 101 x\r\n{answer}\r\n").as_bytes(), 16384);
        negotiation(&case).effect
    }

    #[test]
    fn what_keeps_a_case_from_applying_is_the_header_that_is_missing() {
        let mut case = passed("a", "12.1.1");
        case.handshake.response = Payload::new(b"HTTP/1.1 101 x\r\nServer: b\r\n\r\n", 16384);
        assert!(lack(&case).is_none(), "it applies");
        case.verdict = Verdict::NotApplicable;
        let offer = b"GET / HTTP/1.1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        assert_eq!(lack(&case).unwrap().missing().unwrap(), "no Sec-WebSocket-Extensions in the request");
        case.handshake.request = Payload::new(offer, 16384);
        let lack = lack(&case).unwrap();
        assert_eq!(lack.offered().raw(), "Sec-WebSocket-Extensions: permessage-deflate");
        assert_eq!(lack.answered().raw(), "no header Sec-WebSocket-Extensions");
        assert_eq!(lack.missing().unwrap(), "no Sec-WebSocket-Extensions in the answer");
    }

    #[test]
    fn the_effect_is_told_in_words() {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        assert!(told("", "").starts_with("No extension was offered, so"));
        assert!(told(offer, "").contains("the server declined"));
        assert!(told("", offer).contains("fail the connection"));
        let answer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9; \
            client_no_context_takeover\r\n";
        let effect = told(offer, answer);
        assert!(effect.contains("server keeps its window from message to message, of 2^9 = 512 octets"));
        assert!(effect.contains("client begins each message with an empty window, of 2^15"), "{effect}");
        assert!(told(offer, "Sec-WebSocket-Extensions: ;;=\r\n").contains("cannot be read"));
    }
}
