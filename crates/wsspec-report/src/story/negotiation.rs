//! The negotiation of extensions, in words.

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
