//! The table against `facts.json`: what every case of sections 1 to 13 puts on the wire, accepts, and asks of
//! the close, as the field's reference suite has it. A change here is a change of a case that others rely on.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use wsspec_cases::{
    Accept, Case, CloseSpec, Expected, FirstToClose, FrameSpec, Grade, Length, Masking, MessageSpec, Payload,
    Play, Step, suite,
};
use wsspec_wire::{LengthForm, Opcode, Rsv};

fn facts() -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("facts.json")).expect("facts.json is JSON");
    all.into_iter().filter(|fact| !fact["steps"].is_null()).collect()
}

fn case_of(fact: &Value) -> &'static Case {
    let id = fact["id"].as_str().unwrap();
    suite().get(id.parse().unwrap()).unwrap_or_else(|| panic!("case {id} is missing"))
}

#[test]
fn scripts_send_what_the_facts_say() {
    for fact in facts().iter().filter(|fact| !fact["steps"].is_null()) {
        let case = case_of(fact);
        let Play::Script(ours) = &case.play else { panic!("{} is a script", case.id) };
        let theirs: Vec<Step> = list(&fact["steps"]).iter().map(step).collect();
        assert_eq!(*ours, theirs, "{}", case.id);
    }
}

#[test]
fn accepted_outcomes_are_those_of_the_facts() {
    for fact in &facts() {
        let case = case_of(fact);
        let grades = [(Grade::Ok, "ok"), (Grade::NonStrict, "non_strict")];
        let theirs: Vec<(Grade, Vec<Expected>)> = grades
            .into_iter()
            .filter(|(_, key)| !fact[*key].is_null())
            .map(|(grade, key)| (grade, list(&fact[key]).iter().map(expected).collect()))
            .collect();
        let ours: Vec<_> =
            case.accepts.iter().map(|Accept { grade, events, .. }| (*grade, events.clone())).collect();
        assert_eq!(ours, theirs, "{}", case.id);
    }
}

#[test]
fn close_rules_and_flags_are_those_of_the_facts() {
    for fact in &facts() {
        let case = case_of(fact);
        let rule = &case.close;
        let first = if rule.first == FirstToClose::Tester { "tester" } else { "peer" };
        let ours = serde_json::json!({"first": first, "codes": rule.codes, "clean": rule.clean});
        assert_eq!(ours, fact["close"], "{}", case.id);

        let has = |flag: &str| fact["flags"].as_array().is_some_and(|flags| flags.iter().any(|f| f == flag));
        assert_eq!(rule.wrong_code_fails, has("wrong_code_fails"), "{}", case.id);
        assert_eq!(rule.wrong_end_fails, has("wrong_end_fails"), "{}", case.id);
        assert_eq!(rule.stays_open, has("stays_open"), "{}", case.id);
        assert_eq!(case.informational.is_some(), has("informational"), "{}", case.id);
        assert_eq!(case.measures.time, has("report_time"), "{}", case.id);
    }
}

fn step(fact: &Value) -> Step {
    let ms = |key: &str| Duration::from_millis(number(&fact[key]));
    if !fact["frame"].is_null() {
        Step::Send(frame(fact))
    } else if !fact["message"].is_null() {
        Step::SendMessage(MessageSpec {
            opcode: Opcode::new(number(&fact["message"]) as u8),
            payload: payload(&fact["payload"]),
            fragment: Some(number(&fact["fragment"]) as usize),
            chop: None,
            compress: true,
        })
    } else if !fact["data"].is_null() {
        Step::Data(payload(&fact["data"]))
    } else if fact.get("close").is_some() {
        let reason = fact.get("reason").map_or(Bytes::new(), |reason| payload(reason).to_bytes());
        Step::Close(CloseSpec { code: fact["close"].as_u64().map(|code| code as u16), reason })
    } else if !fact["wait_ms"].is_null() {
        let tag = fact["tag"].as_str().map(|tag| if tag == "A" { "A" } else { "B" });
        Step::Wait { duration: ms("wait_ms"), tag }
    } else if !fact["fail_after_ms"].is_null() {
        Step::FailAfter(ms("fail_after_ms"))
    } else {
        Step::CloseAfter(ms("close_after_ms"))
    }
}

fn frame(fact: &Value) -> FrameSpec {
    let announced = |length| Length::Claimed(LengthForm::minimal(length), length);
    FrameSpec {
        opcode: Opcode::new(number(&fact["frame"]) as u8),
        fin: fact["fin"].as_bool().unwrap_or(true),
        rsv: Rsv::new(fact["rsv"].as_u64().unwrap_or(0) as u8),
        mask: Masking::ByRole,
        length: fact["announce"].as_u64().map_or(Length::Minimal, announced),
        payload: payload(&fact["payload"]),
        chop: fact["chop"].as_u64().map(|octets| octets as usize),
        sync: fact["sync"].as_bool().unwrap_or(false),
    }
}

fn expected(fact: &Value) -> Expected {
    if let Some(opcode) = fact["message"].as_u64() {
        Expected::Message { binary: opcode == 2, payload: payload(&fact["payload"]) }
    } else if !fact["pong"].is_null() {
        Expected::Pong(payload(&fact["pong"]))
    } else {
        Expected::Elapsed(if fact["elapsed"] == "A" { "A" } else { "B" })
    }
}

/// `HEX`, or `HEX*LEN` for a unit that is repeated to a length.
fn payload(fact: &Value) -> Payload {
    let text = fact.as_str().expect("a payload is a string");
    let (hex, len) = text.split_once('*').map_or((text, None), |(hex, len)| (hex, len.parse().ok()));
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let unit: Bytes = hex.as_bytes().chunks(2).map(octet).collect();
    match len {
        Some(len) => Payload::Repeat { unit, len },
        None => Payload::Bytes(unit),
    }
}

fn list(fact: &Value) -> &[Value] {
    fact.as_array().expect("a list")
}

fn number(fact: &Value) -> u64 {
    fact.as_u64().expect("a number")
}
