//! The table against `facts.json`: what every case of sections 1 to 13 puts on the wire, accepts, and asks of
//! the close, as the field's reference suite has it. A change here is a change of a case that others rely on.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use wsspec_cases::data::DataSet;
use wsspec_cases::{
    Accept, Case, CloseSpec, Conclusion, Driver, Event, Expected, FirstToClose, FrameSpec, Grade, Length,
    Masking, MessageSpec, Opened, Outbox, Payload, Play, Step, suite,
};
use wsspec_wire::{LengthForm, Opcode, Rsv};

fn facts() -> Vec<Value> {
    serde_json::from_str(include_str!("facts.json")).expect("facts.json is JSON")
}

fn case_of(fact: &Value) -> &'static Case {
    let id = fact["id"].as_str().unwrap();
    suite().get(id.parse().unwrap()).unwrap_or_else(|| panic!("case {id} is missing"))
}

#[test]
fn sections_1_to_13_are_the_cases_of_the_facts() {
    let ours = suite().cases().iter().map(|case| case.id.to_string());
    let ours: Vec<_> = ours.take_while(|id| !id.starts_with("14.")).collect();
    let theirs: Vec<_> = facts().iter().map(|fact| fact["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(theirs.len(), 517);
    assert!(
        ours == theirs,
        "missing or in the wrong place: {:?}",
        theirs.iter().find(|id| !ours.contains(id))
    );
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

#[test]
fn single_echoes_are_those_of_the_facts() {
    for fact in facts().iter().filter(|fact| !fact["echo"].is_null()) {
        let (case, echo) = (case_of(fact), &fact["echo"]);
        let mut run = Run::open(case, false);
        let timer = Duration::from_secs(number(&echo["timeout_s"]));
        assert_eq!(run.out.steps[1], Step::CloseAfter(timer), "{}", case.id);
        let sent = run.message();
        assert_eq!(sent, whole_or_fragmented(&echo["send"]), "{}", case.id);
        assert_eq!(sent.payload.len() as u64, number(&echo["len"]), "{}", case.id);

        let missing = format!("Did not receive message within {} seconds.", timer.as_secs());
        assert_eq!(run.driver.unfinished(), Conclusion::new(Grade::Failed, missing), "{}", case.id);
        run.echo(&sent);
        assert_eq!(run.end(), Grade::Ok, "{}", case.id);
    }
}

/// The first messages are looked at; the smaller loops are run to their end.
#[test]
fn echo_loops_are_those_of_the_facts() {
    for fact in facts().iter().filter(|fact| !fact["loop"].is_null()) {
        let (case, echo) = (case_of(fact), &fact["loop"]);
        let count = number(&echo["count"]);
        let Play::Drive(_, words) = &case.play else { panic!("{} is driven", case.id) };
        assert!(words.starts_with(&format!("{count} ")), "{}: {words}", case.id);

        let mut run = Run::open(case, true);
        let timer = Duration::from_secs(number(&echo["timeout_s"]));
        assert_eq!(run.out.steps.pop_front(), Some(Step::CloseAfter(timer)), "{}", case.id);
        let round = data(&echo["data"]).repeat(4);
        let mut at = 0;
        for _ in 0..3 {
            let sent = run.message();
            loop_message(case, echo, &sent, &round[at.min(round.len())..]);
            run.echo(&sent);
            at += sent.payload.len();
        }
        if number(&echo["len"]) <= 4096 {
            assert_eq!(3 + run.rest(), count, "{}", case.id);
        }
    }
}

fn loop_message(case: &Case, echo: &Value, sent: &MessageSpec, round: &[u8]) {
    assert_eq!(sent.opcode == Opcode::BINARY, echo["binary"], "{}", case.id);
    assert_eq!(sent.fragment.map(|octets| octets as u64), echo["fragment"].as_u64(), "{}", case.id);
    if echo["send"].is_null() {
        let payload = sent.payload.to_bytes();
        let units = match std::str::from_utf8(&payload) {
            Ok(text) if echo["binary"] == false => text.chars().count(),
            _ => payload.len(),
        };
        assert_eq!(units as u64, number(&echo["len"]), "{}", case.id);
        assert!(round.starts_with(&payload), "{}: the windows follow", case.id);
    } else {
        assert_eq!(*sent, whole_or_fragmented(&echo["send"]), "{}", case.id);
        assert_eq!(sent.payload.len() as u64, number(&echo["len"]), "{}", case.id);
    }
}

fn data(name: &Value) -> &'static [u8] {
    match name.as_str() {
        Some("json") => DataSet::Json.octets(),
        Some("bitmap") => DataSet::Bitmap.octets(),
        Some("prose") => DataSet::Prose.octets(),
        Some("html") => DataSet::Html.octets(),
        Some("document") => DataSet::Document.octets(),
        _ => &[],
    }
}

#[test]
fn deflate_loops_negotiate_what_the_facts_say() {
    for fact in &facts() {
        let case = case_of(fact);
        let Some(plan) = &case.deflate else {
            assert!(fact["offers"].is_null(), "{}", case.id);
            continue;
        };
        let offers = plan.offers.iter().map(|offer| {
            let bits = offer.server_max_window_bits.unwrap_or(0);
            let (drop, can_drop) = (offer.server_no_context_takeover, offer.client_no_context_takeover);
            serde_json::json!([drop, bits, can_drop, offer.client_max_window_bits])
        });
        assert_eq!(Value::from_iter(offers), fact["offers"], "{}", case.id);
        let answers = plan.answers.iter().map(|answer| {
            let bits = answer.client_max_window_bits.unwrap_or(0);
            serde_json::json!([answer.client_no_context_takeover, bits])
        });
        assert_eq!(Value::from_iter(answers), fact["answers"], "{}", case.id);

        let declined = Run::open(case, false);
        assert_eq!(declined.end(), Grade::Unimplemented, "{}", case.id);
    }
}

/// A driver that is played by hand.
struct Run {
    driver: Box<dyn Driver>,
    out: Outbox,
}

impl Run {
    fn open(case: &Case, deflate: bool) -> Self {
        let Play::Drive(make, _) = &case.play else { panic!("{} is driven", case.id) };
        let mut run = Self { driver: make(), out: Outbox::default() };
        run.driver.open(&Opened { deflate, ..Opened::default() }, &mut run.out);
        run
    }

    fn message(&mut self) -> MessageSpec {
        match self.out.steps.pop_front() {
            Some(Step::SendMessage(message)) => message,
            other => panic!("a message, not {other:?}"),
        }
    }

    fn echo(&mut self, sent: &MessageSpec) {
        let payload = sent.payload.to_bytes();
        assert!(payload.len() <= self.driver.largest_message());
        let event = Event::Message { binary: sent.opcode == Opcode::BINARY, payload: payload.into() };
        self.driver.event(&event, &mut self.out);
    }

    /// Echoes all that is still to come, and says how many messages that were.
    fn rest(mut self) -> u64 {
        let mut count = 0;
        while self.out.conclusion.is_none() {
            let sent = self.message();
            self.echo(&sent);
            count += 1;
        }
        assert_eq!(self.end(), Grade::Ok);
        count
    }

    /// The verdict; the last step is the close.
    fn end(mut self) -> Grade {
        let close = CloseSpec { code: Some(1000), reason: Bytes::new() };
        assert_eq!(self.out.steps.pop_back(), Some(Step::Close(close)));
        self.out.conclusion.expect("a conclusion").grade
    }
}

/// What a driver sends as a message, the facts tell as a frame if it is not fragmented.
fn whole_or_fragmented(fact: &Value) -> MessageSpec {
    match step(fact) {
        Step::SendMessage(message) => message,
        Step::Send(FrameSpec { opcode, payload, chop, .. }) => {
            MessageSpec { opcode, payload, fragment: None, chop, compress: true, window: None }
        }
        other => panic!("a message, not {other:?}"),
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
            fragment: fact["fragment"].as_u64().map(|octets| octets as usize),
            chop: None,
            compress: true,
            window: None,
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
        torn: false,
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
