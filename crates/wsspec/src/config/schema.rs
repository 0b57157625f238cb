//! The form of `wsspec.toml` as a JSON Schema, from the definition of the command line.

use clap::Command;
use serde_json::{Map, Value, json};

use super::keys::{CASES, Key, Keys};

/// The schema (JSON Schema 2020-12), for editors that complete and check TOML.
pub fn schema(command: &Command) -> Value {
    let keys = Keys::of(command);
    let cases = (CASES.to_owned(), json!({ "type": "array", "items": { "type": "string" } }));
    let table = |keys: &[Key], more: Vec<(String, Value)>| {
        let own = keys.iter().map(|key| (key.name.clone(), value(key)));
        json!({ "type": "object", "additionalProperties": false,
            "properties": more.into_iter().chain(own).collect::<Map<_, _>>() })
    };
    let headers = json!({ "type": "object", "additionalProperties": { "type": "string" },
        "description": "Headers of the opening handshake; env:NAME is taken from the environment" });
    let url = json!({ "type": "string", "description": "Where it is; {port} takes a free port" });
    // What a target calls `headers` is `header` on the command line.
    let of_target: Vec<Key> = keys.target().filter(|key| key.name != "header").cloned().collect();
    let target = table(&of_target, vec![("url".to_owned(), url), ("headers".to_owned(), headers)]);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wsspec.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "schema": { "const": 1 },
            "run": table(&keys.run, vec![cases.clone()]),
            "serve": table(&keys.serve, vec![cases.clone()]),
            "output": table(&keys.output, Vec::new()),
            "target": { "type": "array", "items": target },
            "profile": { "type": "object", "additionalProperties": table(&keys.profile(), vec![cases]) },
        },
        "required": ["schema"],
    })
}

fn value(key: &Key) -> Value {
    let one = match key.choices.is_empty() {
        true => json!({ "type": ["string", "number"] }),
        false => json!({ "enum": key.choices }),
    };
    let mut form = match (key.is_flag, key.is_list) {
        (true, _) => json!({ "type": "boolean" }),
        (false, true) => json!({ "anyOf": [one, { "type": "array", "items": { "type": "string" } }] }),
        (false, false) => one,
    };
    form["description"] = Value::from(key.help.as_str());
    form
}
