//! The negotiation of permessage-deflate, RFC 7692 section 7.1, from the side of the tester.

use wsspec_cases::{DeflateAnswer, DeflateOffer, DeflatePlan};
use wsspec_wire::{Extension, Param, ParamValue};

use crate::deflate::{Agreement, Direction};
use crate::observation::PeerFault;

pub(crate) const NAME: &str = "permessage-deflate";

/// The breach of an answer that leaves out a parameter which changes nothing: milder than others.
pub(crate) const UNSAID: &str = "handshake.deflate.unsaid";

/// The window that is agreed on where none is named.
const LARGEST_WINDOW: u8 = 15;

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_WINDOW: &str = "server_max_window_bits";
const CLIENT_WINDOW: &str = "client_max_window_bits";

/// The offers of a client tester as a header value; `None`: nothing is offered.
pub(crate) fn offer_header(plan: Option<&DeflatePlan>) -> Option<String> {
    let offers: Vec<String> = plan?.offers.iter().map(|offer| offer_extension(offer).to_string()).collect();
    (!offers.is_empty()).then(|| offers.join(", "))
}

fn offer_extension(offer: &DeflateOffer) -> Extension {
    let mut params = Vec::new();
    params.extend(offer.client_no_context_takeover.then(|| flag(CLIENT_TAKEOVER)));
    params.extend(offer.client_max_window_bits.then(|| match offer.client_window_limit {
        Some(bits) => window(CLIENT_WINDOW, bits),
        None => flag(CLIENT_WINDOW),
    }));
    params.extend(offer.server_no_context_takeover.then(|| flag(SERVER_TAKEOVER)));
    params.extend(offer.server_max_window_bits.map(|bits| window(SERVER_WINDOW, bits)));
    Extension { name: NAME.into(), params }
}

fn flag(name: &str) -> Param {
    Param { name: name.into(), value: None }
}

fn window(name: &str, bits: u8) -> Param {
    Param { name: name.into(), value: Some(ParamValue { text: bits.to_string(), quoted: false }) }
}

/// The parameters of one permessage-deflate extension, offered or agreed.
#[derive(Debug, Default)]
struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Present, and with which value if it has one.
    client_max_window_bits: Option<Option<u8>>,
}

impl Params {
    /// Reads parameters; the error says what is wrong. Only an offer may have `client_max_window_bits`
    /// without a value (RFC 7692 7.1.2.2).
    fn read(extension: &Extension) -> Result<Self, String> {
        let mut read = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for Param { name, value } in &extension.params {
            let name = name.as_str();
            if seen.contains(&name) {
                return Err(format!("the parameter {name} twice"));
            }
            seen.push(name);
            let value = value.as_ref().map(|value| value.text.as_str());
            match (name, value) {
                (SERVER_TAKEOVER, None) => read.server_no_context_takeover = true,
                (CLIENT_TAKEOVER, None) => read.client_no_context_takeover = true,
                (SERVER_WINDOW, Some(bits)) => read.server_max_window_bits = Some(window_bits(name, bits)?),
                (CLIENT_WINDOW, None) => read.client_max_window_bits = Some(None),
                (CLIENT_WINDOW, Some(bits)) => {
                    read.client_max_window_bits = Some(Some(window_bits(name, bits)?));
                }
                (SERVER_TAKEOVER | CLIENT_TAKEOVER, Some(_)) => {
                    return Err(format!("the parameter {name} with a value"));
                }
                (SERVER_WINDOW, None) => return Err(format!("the parameter {name} without a value")),
                _ => return Err(format!("the unknown parameter {name:?}")),
            }
        }
        Ok(read)
    }
}

/// A window size: 8 to 15, without leading zeros (RFC 7692 7.1.2.1).
fn window_bits(name: &str, text: &str) -> Result<u8, String> {
    let bits = text.parse().ok().filter(|bits| (8..=15).contains(bits) && !text.starts_with(['0', '+']));
    bits.ok_or_else(|| format!("the parameter {name} with the value {text:?}"))
}

/// What a client tester makes of the server's answer to its offers.
///
/// A breach of the negotiation that leaves the streams readable does not end the case, but is told.
pub(crate) fn read_answer(
    plan: Option<&DeflatePlan>,
    extensions: &[Extension],
) -> Result<(Option<Agreement>, Option<PeerFault>), String> {
    let offers = plan.map_or(&[][..], |plan| &plan.offers);
    let [extension, rest @ ..] = extensions else { return Ok((None, None)) };
    if !extension.name.eq_ignore_ascii_case(NAME) || offers.is_empty() {
        return Err(format!("the response names the extension {:?}, which was not offered", extension.name));
    }
    if !rest.is_empty() {
        return Err("the response names more than one extension".into());
    }
    let answer = Params::read(extension).map_err(|what| format!("the response to {NAME} has {what}"))?;
    if answer.client_max_window_bits == Some(None) {
        return Err(format!("the response to {NAME} has the parameter {CLIENT_WINDOW} without a value"));
    }
    let fault = (!offers.iter().any(|offer| fits(offer, &answer))).then(|| unfit(offers, extension, &answer));
    let agreement = Agreement {
        sent: Direction {
            window_bits: answer.client_max_window_bits.flatten().unwrap_or(15),
            no_context_takeover: answer.client_no_context_takeover,
        },
        received: Direction {
            window_bits: answer.server_max_window_bits.unwrap_or(15),
            no_context_takeover: answer.server_no_context_takeover,
        },
    };
    Ok((Some(agreement), fault))
}

fn unfit(offers: &[DeflateOffer], extension: &Extension, answer: &Params) -> PeerFault {
    let (id, what) = match offers.iter().any(|offer| means(offer, answer)) {
        true => (UNSAID, "leaves out a window of 15 bits that was offered and holds without it, too"),
        false => ("handshake.deflate", "fits none of the offers"),
    };
    PeerFault { id, section: "RFC 7692 section 7", text: format!("the response \"{extension}\" {what}") }
}

/// Whether an answer means what it had to say: the window that was offered is the one that holds without it, too.
fn means(offer: &DeflateOffer, answer: &Params) -> bool {
    let offered = offer.server_max_window_bits.filter(|&bits| bits < LARGEST_WINDOW);
    fits(&DeflateOffer { server_max_window_bits: offered, ..*offer }, answer)
}

/// Whether an answer is a lawful one to the offer (RFC 7692 7.1.1 and 7.1.2).
fn fits(offer: &DeflateOffer, answer: &Params) -> bool {
    let server_window = match (offer.server_max_window_bits, answer.server_max_window_bits) {
        (Some(offered), Some(agreed)) => agreed <= offered,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let server_takeover = answer.server_no_context_takeover || !offer.server_no_context_takeover;
    let client_window = match answer.client_max_window_bits.flatten() {
        Some(agreed) => offer.client_max_window_bits && agreed <= offer.client_window_limit.unwrap_or(agreed),
        None => true,
    };
    server_window && server_takeover && client_window
}

/// What a server tester answers to the client's offers: the first answer of the plan that an offer allows,
/// with the first such offer. Offers that are not lawful are declined (RFC 7692 7).
pub(crate) fn answer_offers(
    plan: Option<&DeflatePlan>,
    extensions: &[Extension],
) -> Option<(Agreement, Extension)> {
    let offers: Vec<Params> = extensions
        .iter()
        .filter(|extension| extension.name.eq_ignore_ascii_case(NAME))
        .filter_map(|extension| Params::read(extension).ok())
        .collect();
    plan?.answers.iter().find_map(|answer| {
        let offer = offers.iter().find(|offer| allows(offer, answer))?;
        Some(accept(offer, answer))
    })
}

/// Any server may ask for `client_no_context_takeover` (RFC 7692 7.1.1.2), but for a window of the client only if
/// the offer names it (7.1.2.2).
fn allows(offer: &Params, answer: &DeflateAnswer) -> bool {
    match (answer.client_max_window_bits, offer.client_max_window_bits) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(asked), Some(offered)) => asked <= offered.unwrap_or(15),
    }
}

fn accept(offer: &Params, answer: &DeflateAnswer) -> (Agreement, Extension) {
    let no_takeover = offer.server_no_context_takeover || answer.server_no_context_takeover;
    let bits = [offer.server_max_window_bits, answer.server_max_window_bits].into_iter().flatten().min();
    let mut params = Vec::new();
    params.extend(no_takeover.then(|| flag(SERVER_TAKEOVER)));
    params.extend(bits.map(|bits| window(SERVER_WINDOW, bits)));
    params.extend(answer.client_no_context_takeover.then(|| flag(CLIENT_TAKEOVER)));
    params.extend(answer.client_max_window_bits.map(|bits| window(CLIENT_WINDOW, bits)));
    let agreement = Agreement {
        sent: Direction { window_bits: bits.unwrap_or(15), no_context_takeover: no_takeover },
        received: Direction {
            window_bits: answer.client_max_window_bits.unwrap_or(15),
            no_context_takeover: answer.client_no_context_takeover,
        },
    };
    (agreement, Extension { name: NAME.into(), params })
}
