//! The file of one case.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use wsspec_cases::Grade;

use super::{duration_ms, wirelog};
use crate::record::event::hex;
use crate::record::{CaseRecord, CloseRuleRecord, EventRecord, Happening, Payload, Role, TrafficRecord};

/// The keys are in alphabetic order, as the reference writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CaseFile<'a> {
    agent: &'a str,
    behavior: &'a str,
    behavior_close: &'a str,
    case: u32,
    closed_by_me: bool,
    create_stats: bool,
    create_wirelog: bool,
    description: &'a str,
    dropped_by_me: bool,
    duration: u64,
    expectation: &'a str,
    expected: BTreeMap<&'static str, Vec<Value>>,
    expected_close: ExpectedClose<'a>,
    failed_by_me: bool,
    http_request: String,
    http_response: String,
    id: String,
    is_server: bool,
    local_close_code: Option<u16>,
    local_close_reason: Option<String>,
    received: Vec<Value>,
    remote_close_code: Option<u16>,
    remote_close_reason: Option<String>,
    report_compression_ratio: bool,
    report_time: bool,
    result: &'a str,
    result_close: &'a str,
    rx_frame_stats: &'a BTreeMap<u8, u64>,
    rx_octet_stats: &'a BTreeMap<u64, u64>,
    started: &'a str,
    traffic_stats: Option<TrafficStats>,
    tx_frame_stats: BTreeMap<u8, u64>,
    tx_octet_stats: &'a BTreeMap<u64, u64>,
    was_clean: bool,
    was_close_handshake_timeout: bool,
    was_not_clean_reason: Option<&'a str>,
    was_open_handshake_timeout: bool,
    was_server_connection_drop_timeout: bool,
    wirelog: Vec<Value>,
}

impl<'a> From<&'a CaseRecord> for CaseFile<'a> {
    fn from(case: &'a CaseRecord) -> Self {
        let close = &case.close;
        Self {
            agent: case.agent.raw(),
            behavior: case.autobahn.behavior.word(),
            behavior_close: case.autobahn.behavior_close.word(),
            case: case.number,
            closed_by_me: close.closed_by_wsspec,
            create_stats: true,
            create_wirelog: is_recording(case),
            description: &case.title,
            dropped_by_me: close.dropped_by_wsspec,
            duration: duration_ms(case),
            expectation: &case.expectation,
            expected: expected(case),
            expected_close: ExpectedClose::from(&case.close_rule),
            failed_by_me: close.failed_by_wsspec,
            http_request: head(&case.handshake.request),
            http_response: head(&case.handshake.response),
            id: case.id.to_string(),
            is_server: case.role == Role::Client,
            local_close_code: close.local,
            local_close_reason: close.local_reason.as_ref().and_then(reason),
            received: case.received.iter().filter(|_| !is_driven(case)).map(event).collect(),
            remote_close_code: close.remote,
            remote_close_reason: close.remote_reason.as_ref().and_then(reason),
            report_compression_ratio: case.measures.compression,
            // The echo loops over permessage-deflate are timed too, though not run alone for it.
            report_time: case.measures.time || case.measures.compression,
            result: case.autobahn.result.raw(),
            result_close: case.autobahn.result_close.raw(),
            rx_frame_stats: &case.stats.rx_frames,
            rx_octet_stats: &case.stats.rx_chunks,
            started: &case.started,
            traffic_stats: traffic_stats(case),
            tx_frame_stats: tx_frame_stats(case),
            tx_octet_stats: &case.stats.tx_chunks,
            was_clean: close.clean,
            was_close_handshake_timeout: close.close_timeout,
            was_not_clean_reason: close.not_clean_reason.as_ref().map(|reason| reason.raw()),
            was_open_handshake_timeout: close.open_timeout,
            was_server_connection_drop_timeout: close.drop_timeout,
            wirelog: wirelog(case),
        }
    }
}

/// The reference counts a frame when it is handed over, whether or not it still can go out; but none whose payload
/// is streamed.
fn tx_frame_stats(case: &CaseRecord) -> BTreeMap<u8, u64> {
    let mut counts = case.stats.tx_frames.clone();
    for (opcode, count) in &case.stats.unsent_frames {
        *counts.entry(*opcode).or_default() += count;
    }
    for line in case.events.iter().filter(|line| wirelog::is_streamed(&line.what)) {
        let Happening::Frame { op, .. } = line.what else { continue };
        counts.entry(op).and_modify(|count| *count = count.saturating_sub(1));
    }
    counts.retain(|_, count| *count > 0);
    counts
}

fn wirelog(case: &CaseRecord) -> Vec<Value> {
    // It does not tell there that the log is off, as it does in all other cases with large volumes.
    let silent = case.id.section() == 9 && case.id.numbers()[1] <= 6;
    let lines = case.events.iter().map(|line| &line.what);
    let told = lines.filter(|what| !(silent && matches!(what, Happening::Recording { .. })));
    told.filter_map(wirelog::entry).collect()
}

/// Whether the wire log was on at the end of the case.
fn is_recording(case: &CaseRecord) -> bool {
    let switch = case.events.iter().rev().find_map(|line| match line.what {
        Happening::Recording { on } => Some(on),
        _ => None,
    });
    switch.unwrap_or(true)
}

/// The reference keeps no events of cases that have no list of expected ones.
fn is_driven(case: &CaseRecord) -> bool {
    case.accepts.is_empty()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpectedClose<'a> {
    close_code: &'a [u16],
    closed_by_me: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    closed_by_wrong_endpoint_is_fatal: bool,
    require_clean: bool,
}

impl<'a> From<&'a CloseRuleRecord> for ExpectedClose<'a> {
    fn from(rule: &'a CloseRuleRecord) -> Self {
        Self {
            close_code: &rule.codes,
            closed_by_me: rule.by_tester,
            closed_by_wrong_endpoint_is_fatal: rule.wrong_end_fails,
            require_clean: rule.clean,
        }
    }
}

/// The reference has one list for each of the two grades; ours may have more, the first one stands.
fn expected(case: &CaseRecord) -> BTreeMap<&'static str, Vec<Value>> {
    let mut lists = BTreeMap::new();
    for accept in &case.accepts {
        let key = if accept.grade == Grade::Ok { "OK" } else { "NON-STRICT" };
        lists.entry(key).or_insert_with(|| accept.events.iter().map(event).collect());
    }
    lists
}

fn event(event: &EventRecord) -> Value {
    match event {
        EventRecord::Message { binary, data, .. } => json!(["message", wirelog::text(data), binary]),
        EventRecord::Pong { data } => json!(["pong", wirelog::text(data)]),
        EventRecord::Elapsed { tag, .. } => json!(["timeout", tag]),
    }
}

fn head(octets: &Payload) -> String {
    String::from_utf8_lossy(octets.kept()).into_owned()
}

/// A close reason as text, or as hex if it is no UTF-8; an empty one is none.
fn reason(octets: &Payload) -> Option<String> {
    let text = match octets.text() {
        Some(text) => text.raw().to_owned(),
        None => hex(octets.kept()),
    };
    (!octets.is_empty()).then_some(text)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrafficStats {
    incoming_compression_ratio: Option<f64>,
    incoming_octets_app_level: u64,
    incoming_octets_web_socket_level: u64,
    incoming_octets_wire_level: u64,
    incoming_web_socket_frames: u64,
    incoming_web_socket_messages: u64,
    incoming_web_socket_overhead: Option<f64>,
    outgoing_compression_ratio: Option<f64>,
    outgoing_octets_app_level: u64,
    outgoing_octets_web_socket_level: u64,
    outgoing_octets_wire_level: u64,
    outgoing_web_socket_frames: u64,
    outgoing_web_socket_messages: u64,
    outgoing_web_socket_overhead: Option<f64>,
    preopen_incoming_octets_wire_level: u64,
    preopen_outgoing_octets_wire_level: u64,
}

/// Given for cases that measure compression, once they have sent something.
fn traffic_stats(case: &CaseRecord) -> Option<TrafficStats> {
    let TrafficRecord { tx_app, tx_ws, tx_wire, rx_app, rx_ws, rx_wire, .. } = case.traffic;
    if !case.measures.compression || case.traffic.tx_messages == 0 {
        return None;
    }
    let (request, response) = (case.handshake.request.len(), case.handshake.response.len());
    let (sent, received) = if case.role == Role::Server { (request, response) } else { (response, request) };
    Some(TrafficStats {
        incoming_compression_ratio: ratio(rx_ws, rx_app),
        incoming_octets_app_level: rx_app,
        incoming_octets_web_socket_level: rx_ws,
        incoming_octets_wire_level: rx_wire,
        incoming_web_socket_frames: case.traffic.rx_frames,
        incoming_web_socket_messages: case.traffic.rx_messages,
        incoming_web_socket_overhead: ratio(rx_wire.saturating_sub(rx_ws), rx_ws),
        outgoing_compression_ratio: ratio(tx_ws, tx_app),
        outgoing_octets_app_level: tx_app,
        outgoing_octets_web_socket_level: tx_ws,
        outgoing_octets_wire_level: tx_wire,
        outgoing_web_socket_frames: case.traffic.tx_frames,
        outgoing_web_socket_messages: case.traffic.tx_messages,
        outgoing_web_socket_overhead: ratio(tx_wire.saturating_sub(tx_ws), tx_ws),
        preopen_incoming_octets_wire_level: received,
        preopen_outgoing_octets_wire_level: sent,
    })
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
