//! Offers and answers of permessage-deflate (RFC 7692 sections 5 and 7.1).

use std::fmt::Write as _;

use wsspec_wire::extension::Extension;

use crate::{DeflateConfig, ResponseViolation};

/// Name of the extension.
pub(crate) const PERMESSAGE_DEFLATE: &str = "permessage-deflate";

const MAX_BITS: u8 = 15;

/// The parameters of permessage-deflate that both endpoints agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeflateAgreement {
    /// The server compresses every message from an empty window.
    pub server_no_context_takeover: bool,
    /// The client compresses every message from an empty window.
    pub client_no_context_takeover: bool,
    /// Base-2 logarithm of the server's window, 8 to 15.
    pub server_max_window_bits: u8,
    /// Base-2 logarithm of the client's window, 8 to 15.
    pub client_max_window_bits: u8,
}

/// The value of Sec-WebSocket-Extensions that a client offers.
pub(crate) fn offer(config: &DeflateConfig) -> String {
    let mut text = String::from(PERMESSAGE_DEFLATE);
    write_flags(&mut text, config.server_no_context_takeover, config.client_no_context_takeover);
    if config.server_max_window_bits < MAX_BITS {
        write_bits(&mut text, "server_max_window_bits", config.server_max_window_bits);
    }
    match config.client_max_window_bits {
        None => {}
        Some(bits) if bits < MAX_BITS => write_bits(&mut text, "client_max_window_bits", bits),
        Some(_) => text.push_str("; client_max_window_bits"),
    }
    text
}

/// A server's choice among the client's offers: the first one it can keep to, with the value of
/// Sec-WebSocket-Extensions that accepts it. `None` declines them all.
pub(crate) fn answer(offers: &[Extension], config: &DeflateConfig) -> Option<(DeflateAgreement, String)> {
    offers
        .iter()
        .filter(|offer| offer.name == PERMESSAGE_DEFLATE)
        .find_map(|offer| Parameters::parse(offer).ok())
        .map(|offered| accept_offer(&offered, config))
}

fn accept_offer(offered: &Parameters, config: &DeflateConfig) -> (DeflateAgreement, String) {
    let server_bits = offered.server_max_window_bits.unwrap_or(MAX_BITS).min(config.server_max_window_bits);
    let client_limit = config.client_max_window_bits.unwrap_or(MAX_BITS);
    // A client that does not offer the parameter cannot limit its window (RFC 7692 section 7.1.2.2).
    let client_bits = match offered.client_max_window_bits {
        ClientBits::Absent => MAX_BITS,
        ClientBits::NoValue => client_limit,
        ClientBits::Value(bits) => bits.min(client_limit),
    };
    let agreement = DeflateAgreement {
        server_no_context_takeover: offered.server_no_context_takeover || config.server_no_context_takeover,
        client_no_context_takeover: offered.client_no_context_takeover || config.client_no_context_takeover,
        server_max_window_bits: server_bits,
        client_max_window_bits: client_bits,
    };
    let mut text = String::from(PERMESSAGE_DEFLATE);
    write_flags(&mut text, agreement.server_no_context_takeover, agreement.client_no_context_takeover);
    if offered.server_max_window_bits.is_some() || server_bits < MAX_BITS {
        write_bits(&mut text, "server_max_window_bits", server_bits);
    }
    if matches!(offered.client_max_window_bits, ClientBits::Value(_)) || client_bits < MAX_BITS {
        write_bits(&mut text, "client_max_window_bits", client_bits);
    }
    (agreement, text)
}

/// What a client agrees to when a server answers its offer with `response`.
pub(crate) fn conclude(
    response: &Extension,
    config: &DeflateConfig,
) -> Result<DeflateAgreement, ResponseViolation> {
    use ResponseViolation::{DeflateBeyondOffer, DeflateParameter};

    let chosen = Parameters::parse(response).map_err(DeflateParameter)?;
    if config.server_no_context_takeover && !chosen.server_no_context_takeover {
        return Err(DeflateBeyondOffer("server_no_context_takeover is missing"));
    }
    let server_bits = chosen.server_max_window_bits.unwrap_or(MAX_BITS);
    if server_bits > config.server_max_window_bits {
        return Err(DeflateBeyondOffer("server_max_window_bits"));
    }
    let client_bits = match (chosen.client_max_window_bits, config.client_max_window_bits) {
        (ClientBits::Absent, offered) => offered.unwrap_or(MAX_BITS),
        (ClientBits::NoValue, _) => return Err(DeflateParameter("client_max_window_bits without a value")),
        (ClientBits::Value(bits), Some(offered)) if bits <= offered => bits,
        (ClientBits::Value(_), _) => return Err(DeflateBeyondOffer("client_max_window_bits")),
    };
    Ok(DeflateAgreement {
        server_no_context_takeover: chosen.server_no_context_takeover,
        client_no_context_takeover: chosen.client_no_context_takeover || config.client_no_context_takeover,
        server_max_window_bits: server_bits,
        client_max_window_bits: client_bits,
    })
}

fn write_flags(text: &mut String, server: bool, client: bool) {
    if server {
        text.push_str("; server_no_context_takeover");
    }
    if client {
        text.push_str("; client_no_context_takeover");
    }
}

fn write_bits(text: &mut String, name: &str, bits: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "; {name}={bits}");
}

/// The parameters of one offer or response. Values are valid, names are known and not repeated.
#[derive(Debug, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: ClientBits,
}

/// `client_max_window_bits`, which may stand without a value in an offer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ClientBits {
    #[default]
    Absent,
    NoValue,
    Value(u8),
}

impl Parameters {
    fn parse(extension: &Extension) -> Result<Self, &'static str> {
        let mut parsed = Self::default();
        for param in &extension.params {
            let value = param.value.as_ref().map(|value| value.text.as_str());
            parsed.set(&param.name, value)?;
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), &'static str> {
        let repeated = match (name, value) {
            ("server_no_context_takeover", None) => {
                std::mem::replace(&mut self.server_no_context_takeover, true)
            }
            ("client_no_context_takeover", None) => {
                std::mem::replace(&mut self.client_no_context_takeover, true)
            }
            ("server_max_window_bits", Some(bits)) => {
                self.server_max_window_bits.replace(window_bits(bits)?).is_some()
            }
            ("client_max_window_bits", bits) => {
                let bits =
                    bits.map_or(Ok(ClientBits::NoValue), |bits| window_bits(bits).map(ClientBits::Value));
                std::mem::replace(&mut self.client_max_window_bits, bits?) != ClientBits::Absent
            }
            ("server_no_context_takeover" | "client_no_context_takeover", Some(_)) => {
                return Err("no_context_takeover with a value");
            }
            ("server_max_window_bits", None) => return Err("server_max_window_bits without a value"),
            _ => return Err("unknown name"),
        };
        if repeated { Err("repeated") } else { Ok(()) }
    }
}

/// 8 to 15, decimal, without leading zeros (RFC 7692 section 7.1.2).
fn window_bits(text: &str) -> Result<u8, &'static str> {
    match text {
        "8" => Ok(8),
        "9" => Ok(9),
        "10" => Ok(10),
        "11" => Ok(11),
        "12" => Ok(12),
        "13" => Ok(13),
        "14" => Ok(14),
        "15" => Ok(15),
        _ => Err("window bits are not 8 to 15"),
    }
}
