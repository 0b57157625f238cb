//! The opening handshake (RFC 6455 4): what the tester sends, and whether what it got is lawful.

use wsspec_cases::{COMMANDS, Case, DeflatePlan};
use wsspec_wire::{
    HeadBuffer, HeadProgress, RequestHead, ResponseHead, accept_key, encode_key, is_valid_key,
    parse_extensions, write_request, write_response,
};

use crate::deflate::Agreement;
use crate::negotiation::{answer_offers, offer_header, read_answer};
use crate::observation::{NeverOpened, PeerFault, Unlawful};
use crate::settings::{ClientOpening, Settings};

/// The header in which extensions are offered and agreed on.
pub(crate) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// What was agreed.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) deflate: Option<Agreement>,
    pub(crate) extensions: Option<String>,
    pub(crate) subprotocol: Option<String>,
    /// A rule of the negotiation that the peer broke without making the connection useless.
    pub(crate) fault: Option<PeerFault>,
}

/// The opening handshake of a client tester, after its request.
#[derive(Debug)]
pub(crate) struct ClientHandshake {
    key: String,
    subprotocols: Vec<String>,
    head: HeadBuffer,
}

impl ClientHandshake {
    /// The longest response head that is read, in octets.
    const LONGEST_HEAD: usize = 16 * 1024;

    /// Starts the handshake: the request, and what is needed to read the response.
    pub(crate) fn start(
        opening: &ClientOpening,
        plan: Option<&DeflatePlan>,
        nonce: [u8; 16],
    ) -> (Self, Vec<u8>) {
        let key = encode_key(nonce);
        let request = write_client_request(opening, plan, &key);
        let head = HeadBuffer::new(Self::LONGEST_HEAD);
        (Self { key, subprotocols: opening.subprotocols.clone(), head }, request)
    }

    /// Takes octets of the response. `Ok(None)`: more are needed. When the head is complete: how many of
    /// `input` belonged to it, and the head.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Option<(usize, ResponseHead)>, NeverOpened> {
        let progress = self.head.feed(input);
        let so_far = self.head.octets();
        let begin = so_far.len().min(b"HTTP/".len());
        if so_far[..begin] != b"HTTP/"[..begin] {
            return Err(NeverOpened::NotHttp);
        }
        match progress {
            HeadProgress::Incomplete => Ok(None),
            HeadProgress::TooLarge => Err(NeverOpened::TooLarge),
            HeadProgress::Complete { consumed } => Ok(Some((consumed, ResponseHead::parse(so_far)))),
        }
    }

    /// The octets of the response that have come.
    pub(crate) fn received(&self) -> &[u8] {
        self.head.octets()
    }

    /// Whether the response opens the connection (RFC 6455 4.1), and with what.
    pub(crate) fn check(
        &self,
        response: &ResponseHead,
        plan: Option<&DeflatePlan>,
    ) -> Result<Agreed, NeverOpened> {
        match response.status {
            Some(101) => {}
            Some(status) => return Err(NeverOpened::Status(status)),
            None => return Err(NeverOpened::Invalid(Unlawful::line("the status line has no status code"))),
        }
        self.check_upgrade(response).map_err(NeverOpened::Invalid)?;
        let subprotocol = self.check_subprotocol(response).map_err(NeverOpened::Invalid)?;
        let extensions = parse_extensions(response.headers.get_all(EXTENSIONS))
            .map_err(|error| NeverOpened::Invalid(unlawful_extensions(error)))?;
        let read = read_answer(plan, &extensions);
        let unlawful = |text| NeverOpened::Invalid(Unlawful::header(EXTENSIONS, text));
        let (deflate, fault) = read.map_err(unlawful)?;
        let names: Vec<String> = extensions.iter().map(ToString::to_string).collect();
        let extensions = (!names.is_empty()).then(|| names.join(", "));
        Ok(Agreed { deflate, extensions, subprotocol, fault })
    }

    fn check_upgrade(&self, response: &ResponseHead) -> Result<(), Unlawful> {
        let headers = &response.headers;
        if response.version != b"HTTP/1.1" {
            return Err(Unlawful::line(format!("the HTTP version is {:?}", lossy(&response.version))));
        }
        if !headers.get("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err(Unlawful::header("Upgrade", "the header Upgrade: websocket is missing"));
        }
        if !headers.has_token("Connection", "upgrade") {
            return Err(Unlawful::header("Connection", "the header Connection: Upgrade is missing"));
        }
        let expected = accept_key(self.key.as_bytes());
        let accepts: Vec<_> = headers.get_all("Sec-WebSocket-Accept").collect();
        let text = match accepts[..] {
            [accept] if accept == expected.as_bytes() => return Ok(()),
            [accept] => format!("Sec-WebSocket-Accept is {:?}, not {expected:?}", lossy(accept)),
            [] => "the header Sec-WebSocket-Accept is missing".into(),
            _ => "the header Sec-WebSocket-Accept is there more than once".into(),
        };
        Err(Unlawful::header("Sec-WebSocket-Accept", text))
    }

    fn check_subprotocol(&self, response: &ResponseHead) -> Result<Option<String>, Unlawful> {
        let unlawful = |text: String| Unlawful::header("Sec-WebSocket-Protocol", text);
        let named: Vec<_> = response.headers.get_all("Sec-WebSocket-Protocol").collect();
        match named[..] {
            [] | [b""] => Ok(None),
            [name] => match self.subprotocols.iter().find(|offered| offered.as_bytes() == name) {
                Some(agreed) => Ok(Some(agreed.clone())),
                None => Err(unlawful(format!("the subprotocol {:?} was not offered", lossy(name)))),
            },
            _ => Err(unlawful("the header Sec-WebSocket-Protocol is there more than once".into())),
        }
    }
}

fn write_client_request(opening: &ClientOpening, plan: Option<&DeflatePlan>, key: &str) -> Vec<u8> {
    let subprotocols = opening.subprotocols.join(", ");
    let extensions = offer_header(plan);
    let mut headers = vec![
        ("Host", opening.host.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ];
    headers.extend(opening.origin.as_deref().map(|origin| ("Origin", origin)));
    headers.extend((!subprotocols.is_empty()).then_some(("Sec-WebSocket-Protocol", &subprotocols[..])));
    headers.extend(extensions.as_deref().map(|offers| ("Sec-WebSocket-Extensions", offers)));
    headers.extend(opening.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    write_request(&opening.target, &headers)
}

/// What a server tester answers to a request: the 101 with what it agrees to, or a 400 with the reason.
pub(crate) fn answer_request(
    request: &RequestHead,
    case: &Case,
    settings: &Settings,
) -> (Vec<u8>, Result<Agreed, Unlawful>) {
    match check_request(request) {
        Err(reason) => (refusal(), Err(reason)),
        Ok(key) => match parse_extensions(request.headers.get_all(EXTENSIONS)) {
            Err(error) => (refusal(), Err(unlawful_extensions(error))),
            Ok(offered) => {
                let (deflate, extension) = answer_offers(case.deflate.as_ref(), &offered).unzip();
                let extensions = extension.map(|extension| extension.to_string());
                let subprotocol = choose_subprotocol(request, case.conduct.commands, settings);
                let agreed = Agreed { deflate, extensions, subprotocol, fault: None };
                (acceptance(key, &agreed, settings), Ok(agreed))
            }
        },
    }
}

/// Whether the request asks for a WebSocket (RFC 6455 4.2.1); its key.
fn check_request(request: &RequestHead) -> Result<&[u8], Unlawful> {
    let headers = &request.headers;
    let key = headers.get("Sec-WebSocket-Key");
    if request.method != b"GET" {
        Err(Unlawful::line(format!("the method is {:?}", lossy(&request.method))))
    } else if request.version != b"HTTP/1.1" {
        Err(Unlawful::line(format!("the HTTP version is {:?}", lossy(&request.version))))
    } else if !headers.has_token("Upgrade", "websocket") {
        Err(Unlawful::header("Upgrade", "the header Upgrade: websocket is missing"))
    } else if !headers.has_token("Connection", "upgrade") {
        Err(Unlawful::header("Connection", "the header Connection: Upgrade is missing"))
    } else if headers.get("Sec-WebSocket-Version") != Some(b"13") {
        let text = "the header Sec-WebSocket-Version: 13 is missing";
        Err(Unlawful::header("Sec-WebSocket-Version", text))
    } else {
        let text = "the header Sec-WebSocket-Key is missing or not 16 octets in base64";
        let no_key = || Unlawful::header("Sec-WebSocket-Key", text);
        key.filter(|key| is_valid_key(key)).ok_or_else(no_key)
    }
}

fn unlawful_extensions(why: impl std::fmt::Display) -> Unlawful {
    Unlawful::header(EXTENSIONS, format!("{EXTENSIONS}: {why}"))
}

/// The first subprotocol of the client's list that the tester speaks. Commands are agreed to in all cases, as
/// some clients fail a connection without a subprotocol; only where they are needed do they come first.
fn choose_subprotocol(request: &RequestHead, needs_commands: bool, settings: &Settings) -> Option<String> {
    let offered = request.headers.get_all("Sec-WebSocket-Protocol");
    let names = offered.flat_map(|value| value.split(|&octet| octet == b',')).map(<[u8]>::trim_ascii);
    let names: Vec<&[u8]> = names.collect();
    let spoken = settings.spoken();
    let is = |name: &[u8], wanted: &str| name == wanted.as_bytes();
    let commands = names.iter().find(|name| needs_commands && settings.commands && is(name, COMMANDS));
    let first = || names.iter().find(|name| spoken.iter().any(|spoken| is(name, spoken)));
    commands.or_else(first).map(|name| lossy(name).into_owned())
}

fn acceptance(key: &[u8], agreed: &Agreed, settings: &Settings) -> Vec<u8> {
    let accept = accept_key(key);
    let mut headers =
        vec![("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept[..])];
    headers.extend(agreed.subprotocol.as_deref().map(|name| ("Sec-WebSocket-Protocol", name)));
    headers.extend(agreed.extensions.as_deref().map(|list| ("Sec-WebSocket-Extensions", list)));
    headers.extend(settings.response_headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    write_response(101, "Switching Protocols", &headers)
}

fn refusal() -> Vec<u8> {
    let headers = [("Connection", "close"), ("Content-Length", "0"), ("Sec-WebSocket-Version", "13")];
    write_response(400, "Bad Request", &headers)
}

/// A header of the peer as text for reports.
pub(crate) fn header_text(value: Option<&[u8]>) -> Option<String> {
    value.map(|value| lossy(value).into_owned())
}

fn lossy(octets: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(octets)
}
