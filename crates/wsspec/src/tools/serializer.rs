//! Test vectors for WAMP version 2: every message type of the basic profile, as JSON and as MessagePack.

use std::fmt::Write;

use rmpv::Value as Pack;
use serde_json::{Value, json};

/// One message in both serialisations.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// The message type, such as `HELLO`.
    pub name: &'static str,
    /// The message: a list that begins with the number of its type.
    pub message: Value,
    /// The message as JSON text.
    pub json: String,
    /// The message as MessagePack.
    pub msgpack: Vec<u8>,
}

/// The largest id that WAMP allows: 2^53.
const LARGEST_ID: u64 = 1 << 53;

/// All vectors, in the order of the numbers of their types.
pub fn vectors() -> Vec<Vector> {
    let session = [
        ("HELLO", json!([1, "some.realm", {"roles": {"publisher": {}, "caller": {}}}])),
        ("HELLO", json!([1, "some.realm", {"agent": "ümläut/1.0", "roles": {"subscriber": {}}}])),
        ("WELCOME", json!([2, LARGEST_ID, {"roles": {"broker": {}, "dealer": {}}}])),
        ("ABORT", json!([3, {}, "wamp.error.no_such_realm"])),
        ("ABORT", json!([3, {"message": "The realm does not exist."}, "wamp.error.no_such_realm"])),
        ("GOODBYE", json!([6, {}, "wamp.close.normal"])),
        ("GOODBYE", json!([6, {"message": "closing for maintenance"}, "wamp.close.system_shutdown"])),
    ];
    let publish_subscribe = [
        ("SUBSCRIBE", json!([32, 1, {}, "com.example.topic"])),
        ("SUBSCRIBED", json!([33, 1, 5_512_315_355_u64])),
        ("UNSUBSCRIBE", json!([34, 2, 5_512_315_355_u64])),
        ("UNSUBSCRIBED", json!([35, 2])),
        ("PUBLISHED", json!([17, 3, 4_429_313_566_u64])),
    ];
    let remote_calls = [
        ("REGISTER", json!([64, 4, {}, "com.example.procedure"])),
        ("REGISTERED", json!([65, 4, 2_103_333_224])),
        ("UNREGISTER", json!([66, 5, 2_103_333_224])),
        ("UNREGISTERED", json!([67, 5])),
    ];
    let with_payload = [
        ("ERROR", json!([8, 48, 6, {}, "com.example.error"])),
        ("PUBLISH", json!([16, 3, {}, "com.example.topic"])),
        ("EVENT", json!([36, 5_512_315_355_u64, 4_429_313_566_u64, {}])),
        ("CALL", json!([48, 6, {}, "com.example.procedure"])),
        ("RESULT", json!([50, 6, {}])),
        ("INVOCATION", json!([68, 7, 2_103_333_224, {}])),
        ("YIELD", json!([70, 7, {}])),
    ];
    let payloads = with_payload.into_iter().flat_map(|(name, message)| payloads(&message).map(|m| (name, m)));
    let messages = session.into_iter().chain(publish_subscribe).chain(remote_calls).chain(payloads);
    let mut all: Vec<Vector> = messages.map(|(name, message)| vector(name, message)).collect();
    all.sort_by_key(|vector| vector.message[0].as_u64());
    all
}

/// The message without a payload, with arguments, with named ones instead, and with large ones.
fn payloads(message: &Value) -> [Value; 4] {
    let with = |more: &[Value]| {
        let mut list = message.as_array().cloned().unwrap_or_default();
        list.extend_from_slice(more);
        Value::Array(list)
    };
    let arguments = json!([23, -1, 3.5, true, null, "Grüße 世界 😀"]);
    let nested = json!({"level": {"deeper": [[], {}, [1, [2]]]}, "number": -2_147_483_649_i64});
    [
        with(&[]),
        with(&[arguments]),
        with(&[json!([]), nested]),
        with(&[json!(["x".repeat(300), LARGEST_ID]), json!({"named": false})]),
    ]
}

fn vector(name: &'static str, message: Value) -> Vector {
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, &pack(&message)).expect("writing to memory does not fail");
    Vector { name, json: message.to_string(), msgpack, message }
}

/// The same value in MessagePack's terms.
fn pack(value: &Value) -> Pack {
    match value {
        Value::Null => Pack::Nil,
        Value::Bool(value) => Pack::Boolean(*value),
        Value::String(value) => value.as_str().into(),
        Value::Array(items) => Pack::Array(items.iter().map(pack).collect()),
        Value::Object(members) => {
            Pack::Map(members.iter().map(|(name, value)| (name.as_str().into(), pack(value))).collect())
        }
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => value.into(),
            (_, Some(value)) => value.into(),
            _ => number.as_f64().into_iter().map(Pack::F64).next().unwrap_or(Pack::Nil),
        },
    }
}

/// The vectors as a JSON document: a list of objects with `name`, `message`, `json` (text) and `msgpack` (hex).
pub fn document() -> String {
    let lines: Vec<String> = vectors().iter().map(line).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn line(vector: &Vector) -> String {
    let hex = vector.msgpack.iter().fold(String::new(), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    });
    let Vector { name, message, json, .. } = vector;
    format!("  {}", json!({ "name": name, "message": message, "json": json, "msgpack": hex }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The basic profile of the protocol: number and name.
    const TYPES: [(u64, &str); 20] = [
        (1, "HELLO"),
        (2, "WELCOME"),
        (3, "ABORT"),
        (6, "GOODBYE"),
        (8, "ERROR"),
        (16, "PUBLISH"),
        (17, "PUBLISHED"),
        (32, "SUBSCRIBE"),
        (33, "SUBSCRIBED"),
        (34, "UNSUBSCRIBE"),
        (35, "UNSUBSCRIBED"),
        (36, "EVENT"),
        (48, "CALL"),
        (50, "RESULT"),
        (64, "REGISTER"),
        (65, "REGISTERED"),
        (66, "UNREGISTER"),
        (67, "UNREGISTERED"),
        (68, "INVOCATION"),
        (70, "YIELD"),
    ];

    #[test]
    fn every_type_of_the_basic_profile_is_there() {
        let made: BTreeSet<(u64, &str)> =
            vectors().iter().map(|vector| (vector.message[0].as_u64().unwrap(), vector.name)).collect();
        assert_eq!(made.into_iter().collect::<Vec<_>>(), TYPES);
    }

    #[test]
    fn both_serialisations_hold_the_same_message() {
        for vector in vectors() {
            assert_eq!(serde_json::from_str::<Value>(&vector.json).unwrap(), vector.message);
            let mut octets = &vector.msgpack[..];
            assert_eq!(rmpv::decode::read_value(&mut octets).unwrap(), pack(&vector.message));
            assert!(octets.is_empty());
        }
    }

    /// Octets worked out by hand from the MessagePack specification.
    #[test]
    fn the_octets_are_those_of_the_specification() {
        let octets = |name: &str| vectors().into_iter().find(|vector| vector.name == name).unwrap().msgpack;
        assert_eq!(octets("UNSUBSCRIBED"), [0x92, 35, 2]);
        let subscribed = [0x93, 33, 1, 0xcf, 0, 0, 0, 1, 0x48, 0x8f, 0x41, 0xdb];
        assert_eq!(octets("SUBSCRIBED"), subscribed);
        assert_eq!(octets("REGISTERED"), [0x93, 65, 4, 0xce, 0x7d, 0x5e, 0x51, 0x68]);
        let goodbye = [&[0x93, 6, 0x80, 0xb1][..], b"wamp.close.normal"].concat();
        assert_eq!(octets("GOODBYE"), goodbye);
    }

    #[test]
    fn the_document_is_json() {
        let list: Vec<Value> = serde_json::from_str(&document()).unwrap();
        assert_eq!(list.len(), vectors().len());
        assert!(list.iter().all(|item| item["msgpack"].as_str().is_some_and(|hex| hex.len() % 2 == 0)));
    }
}
