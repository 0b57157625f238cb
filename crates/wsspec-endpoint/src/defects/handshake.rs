//! The opening handshake, as far as cases about frames notice (RFC 6455 section 4, RFC 7692 section 7.1).

use super::head::Head;
use super::part::Part::HeadOut;
use super::{Deviation, client, server};

const RESPONSE: &str = "RFC 6455 4.2.2";
const REQUEST: &str = "RFC 6455 4.1";
const OFFERS: &str = "RFC 6455 9.1";
const PARAMETERS: &str = "RFC 7692 7";
const SERVER_CONTEXT: &str = "RFC 7692 7.1.1.1";
const SERVER_WINDOW: &str = "RFC 7692 7.1.2.1";

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// Adds to the extension, if there is one.
fn add(head: &mut Head, what: &str) {
    if let Some(value) = head.get(EXTENSIONS) {
        value.push_str(what);
    }
}

pub(super) const DEFECTS: &[Deviation] = &[
    server(
        "accept-wrong",
        RESPONSE,
        "answers with a wrong Sec-WebSocket-Accept",
        &[HeadOut(|head| {
            head.set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        })],
    ),
    server(
        "accept-missing",
        RESPONSE,
        "answers without Sec-WebSocket-Accept",
        &[HeadOut(|head| {
            head.remove("Sec-WebSocket-Accept");
        })],
    ),
    server(
        "status-200",
        RESPONSE,
        "answers with status 200",
        &[HeadOut(|head| {
            head.start = "HTTP/1.1 200 OK".to_owned();
        })],
    ),
    server("upgrade-missing", RESPONSE, "answers without Upgrade", &[HeadOut(|head| head.remove("Upgrade"))]),
    server(
        "connection-missing",
        RESPONSE,
        "answers without Connection",
        &[HeadOut(|head| head.remove("Connection"))],
    ),
    server(
        "subprotocol-not-offered",
        RESPONSE,
        "agrees to a subprotocol that was not offered",
        &[HeadOut(|head| {
            head.set("Sec-WebSocket-Protocol", "chat");
        })],
    ),
    server(
        "extension-not-offered",
        OFFERS,
        "agrees to permessage-deflate that was not offered",
        &[HeadOut(|head| {
            if head.get(EXTENSIONS).is_none() {
                head.set(EXTENSIONS, "permessage-deflate");
            }
        })],
    ),
    server(
        "extension-unknown",
        OFFERS,
        "agrees to an extension that does not exist",
        &[HeadOut(|head| {
            if head.get(EXTENSIONS).is_some() {
                head.set(EXTENSIONS, "x-compress");
            }
        })],
    ),
    server(
        "deflate-parameter-unknown",
        PARAMETERS,
        "answers with a parameter that does not exist",
        &[HeadOut(|head| {
            add(head, "; level=9");
        })],
    ),
    server(
        "deflate-bits-16",
        PARAMETERS,
        "answers with a window of 16 bits",
        &[HeadOut(|head| {
            if head.get(EXTENSIONS).is_some_and(|value| !value.contains("server_max_window_bits")) {
                add(head, "; server_max_window_bits=16");
            }
        })],
    ),
    server(
        "deflate-bits-missing",
        SERVER_WINDOW,
        "leaves the window that the client asked for out of its answer",
        &[HeadOut(|head| {
            if let Some(value) = head.get(EXTENSIONS)
                && let Some(at) = value.find("; server_max_window_bits")
            {
                value.truncate(at);
            }
        })],
    ),
    server(
        "deflate-takeover-missing",
        SERVER_CONTEXT,
        "leaves out of its answer that it does not take over context",
        &[HeadOut(|head| {
            if let Some(value) = head.get(EXTENSIONS) {
                *value = value.replace("; server_no_context_takeover", "");
            }
        })],
    ),
    server(
        "deflate-answered-twice",
        PARAMETERS,
        "agrees to permessage-deflate twice",
        &[HeadOut(|head| {
            add(head, ", permessage-deflate");
        })],
    ),
    client(
        "version-12",
        REQUEST,
        "asks for version 12",
        &[HeadOut(|head| head.set("Sec-WebSocket-Version", "12"))],
    ),
    client(
        "key-missing",
        REQUEST,
        "asks without Sec-WebSocket-Key",
        &[HeadOut(|head| head.remove("Sec-WebSocket-Key"))],
    ),
    client(
        "key-short",
        REQUEST,
        "asks with a key of 8 octets",
        &[HeadOut(|head| head.set("Sec-WebSocket-Key", "MTIzNDU2Nzg="))],
    ),
    client("upgrade-not-asked", REQUEST, "asks without Upgrade", &[HeadOut(|head| head.remove("Upgrade"))]),
];
