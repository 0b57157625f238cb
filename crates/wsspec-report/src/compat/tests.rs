use serde_json::Value;

use super::*;
use crate::record::{Dir, Happening, MeasuresRecord, Payload, TrafficRecord};
use crate::samples;

/// The keys of a file of the reference.
const KEYS: [&str; 39] = [
    "agent",
    "behavior",
    "behaviorClose",
    "case",
    "closedByMe",
    "createStats",
    "createWirelog",
    "description",
    "droppedByMe",
    "duration",
    "expectation",
    "expected",
    "expectedClose",
    "failedByMe",
    "httpRequest",
    "httpResponse",
    "id",
    "isServer",
    "localCloseCode",
    "localCloseReason",
    "received",
    "remoteCloseCode",
    "remoteCloseReason",
    "reportCompressionRatio",
    "reportTime",
    "result",
    "resultClose",
    "rxFrameStats",
    "rxOctetStats",
    "started",
    "trafficStats",
    "txFrameStats",
    "txOctetStats",
    "wasClean",
    "wasCloseHandshakeTimeout",
    "wasNotCleanReason",
    "wasOpenHandshakeTimeout",
    "wasServerConnectionDropTimeout",
    "wirelog",
];

fn index_json(cases: &[CaseRecord]) -> String {
    let mut out = Vec::new();
    write_index(cases, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_index_has_the_form_of_the_reference() {
    let cases = [samples::passed("My Agent", "2.10"), samples::failed("My Agent", "2.9")];
    let want = r#"{
   "My Agent": {
      "2.10": {
         "behavior": "OK",
         "behaviorClose": "OK",
         "duration": 2,
         "remoteCloseCode": 1000,
         "reportfile": "my_agent_case_2_10.json"
      },
      "2.9": {
         "behavior": "FAILED",
         "behaviorClose": "FAILED",
         "duration": 1020,
         "remoteCloseCode": null,
         "reportfile": "my_agent_case_2_9.json"
      }
   }
}"#;
    assert_eq!(index_json(&cases), want);
    assert_eq!(index_json(&[]), "{}");
}

#[test]
fn cases_that_never_ran_are_absent() {
    let skipped = samples::with_verdict(samples::passed("a", "1.1.1"), Verdict::Skipped, "deselected");
    assert_eq!(index_json(&[skipped]), "{}");
}

#[test]
fn a_case_file_has_exactly_the_keys_of_the_reference_in_its_order() {
    let text = case_json(&samples::failed("a", "5.15"));
    let keys: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("   \""))
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once('"').map(|(key, _)| key))
        .collect();
    assert_eq!(keys, KEYS);
}

#[test]
fn counts_are_in_numeric_order() {
    let text = case_json(&samples::passed("a", "1.1.1"));
    let stats = text.split_once("\"rxOctetStats\": ").unwrap().1;
    let stats: String = stats.split_inclusive('}').next().unwrap().split_whitespace().collect();
    assert_eq!(stats, r#"{"4":1,"7":1,"129":1}"#);
}

#[test]
fn a_failed_case_is_told_in_the_words_of_the_reference() {
    let file: Value = serde_json::from_str(&case_json(&samples::failed("a", "5.15"))).unwrap();
    assert_eq!(
        file["expected"].to_string(),
        r#"{"NON-STRICT":[],"OK":[["message","fragment1fragment2",false]]}"#
    );
    assert_eq!(
        file["expectedClose"].to_string(),
        r#"{"closeCode":[1002],"closedByMe":false,"requireClean":false}"#
    );
    assert_eq!(file["received"][1].to_string(), r#"["message","fragment4",false]"#);
    assert_eq!((&file["case"], &file["isServer"]), (&Value::from(59), &Value::from(false)));
}

#[test]
fn the_wire_log_has_the_entries_of_the_reference() {
    let file: Value = serde_json::from_str(&case_json(&samples::failed("a", "5.15"))).unwrap();
    let log = file["wirelog"].as_array().unwrap();
    assert_eq!(log[2].to_string(), r#"["TF",[9,"fragment1"],1,false,0,"37fa213d",null,null,false]"#);
    assert_eq!(log[6].to_string(), r#"["KL",1]"#);
    assert_eq!(log[7].to_string(), r#"["RF",[18,"fragment1fragment2"],1,true,0,false,null]"#);
    assert_eq!(log[9].to_string(), r#"["KLE"]"#);
    assert_eq!(log[10][1].to_string(), r#"[2,"0x03e9"]"#);
    assert_eq!(log.len(), 11);
}

#[test]
fn data_of_more_than_60_octets_has_dots_and_is_cut_to_64() {
    let octets = |data: &[u8]| {
        wirelog::entry(&Happening::Octets { dir: Dir::Rx, data: Payload::new(data, 256), sync: false })
    };
    assert_eq!(octets(&[0xab; 65]).unwrap()[1][1], format!("{} ...", "ab".repeat(64)));
    for len in 61..=64 {
        assert_eq!(octets(&vec![0xab; len]).unwrap()[1][1], format!("{} ...", "ab".repeat(len)));
    }
    assert_eq!(octets(&[0xab; 60]).unwrap()[1][1], "ab".repeat(60));
    let text = |octets: &[u8]| wirelog::text(&Payload::new(octets, 256));
    assert_eq!(text("ä".repeat(40).as_bytes()), format!("{} ...", "ä".repeat(32)));
    assert_eq!(text(&[b'x'; 62]), format!("{} ...", "x".repeat(62)));
    assert_eq!(text(&[0xfe; 300]), format!("0x{} ...", "fe".repeat(64)));
    // A character that is cut at the 64th octet leaves no text.
    assert_eq!(text("€".repeat(30).as_bytes()), format!("0x{}e2 ...", "e282ac".repeat(21)));
    let wait = Happening::Wait { delay_us: 1_500_000, tag: Some("A".to_owned()) };
    assert_eq!(wirelog::entry(&wait).unwrap().to_string(), r#"["CT",1.5,"A"]"#);
}

#[test]
fn a_repeated_payload_is_given_as_its_unit_and_its_length() {
    let frame = |octets: &[u8], unit| {
        let what = Happening::Frame {
            dir: Dir::Tx,
            op: 1,
            fin: true,
            rsv: 0,
            mask: None,
            data: Payload::new(octets, 256),
            wire: Vec::new(),
            unit,
            chop: None,
            sync: false,
        };
        wirelog::entry(&what).unwrap().to_string()
    };
    let payload = b"BAsd7&jh23".repeat(40);
    assert_eq!(frame(&payload, Some(10)), r#"["TF",[10,"BAsd7&jh23"],1,true,0,null,400,null,false]"#);
    assert_eq!(frame(b"***", Some(1)), r#"["TF",[3,"***"],1,true,0,null,null,null,false]"#);
    assert_eq!(frame(b"abc", None), r#"["TF",[3,"abc"],1,true,0,null,null,null,false]"#);
}

#[test]
fn frames_that_never_went_out_are_counted_as_the_reference_counts_them() {
    let mut case = samples::passed("a", "1.1.1");
    case.stats.unsent_frames = [(0, 3), (1, 1)].into();
    let file: Value = serde_json::from_str(&case_json(&case)).unwrap();
    assert_eq!(file["txFrameStats"].to_string(), r#"{"0":3,"1":2,"8":1}"#);
}

#[test]
fn a_frame_whose_payload_is_streamed_is_neither_told_nor_counted() {
    let mut case = samples::failed("a", "6.4.3");
    let place = |case: &CaseRecord, dir| {
        let is = |what: &Happening| matches!(what, Happening::Frame { dir: d, .. } if *d == dir);
        case.events.iter().position(|line| is(&line.what)).unwrap()
    };
    let first = place(&case, Dir::Tx);
    let before: Value = serde_json::from_str(&case_json(&case)).unwrap();
    let Happening::Frame { wire, .. } = &mut case.events[first].what else { panic!("a frame") };
    wire[1] = 0x80 | 100; // the length that is announced
    let file: Value = serde_json::from_str(&case_json(&case)).unwrap();
    let count = |file: &Value| file["txFrameStats"]["1"].as_u64().unwrap_or(0);
    assert_eq!(count(&file), count(&before) - 1);
    assert_eq!(file["wirelog"].as_array().unwrap().len(), before["wirelog"].as_array().unwrap().len() - 1);
}

#[test]
fn switches_of_the_wire_log_are_told_except_in_9_1_to_9_6() {
    for (id, told) in [("9.1.1", 0), ("9.6.6", 0), ("9.7.1", 2), ("12.1.1", 2)] {
        let mut case = samples::passed("a", id);
        for (place, on) in [(0, false), (1, true)] {
            case.events[place].what = Happening::Recording { on };
        }
        let file: Value = serde_json::from_str(&case_json(&case)).unwrap();
        let switches = file["wirelog"].as_array().unwrap().iter().filter(|entry| entry[0] == "WLM");
        assert_eq!(switches.count(), told, "{id}");
        assert_eq!(file["createWirelog"], true);
    }
}

#[test]
fn traffic_is_told_where_compression_is_measured() {
    let mut case = samples::passed("a", "12.1.1");
    case.measures = MeasuresRecord { compression: true, ..MeasuresRecord::default() };
    case.traffic = TrafficRecord {
        tx_app: 16000,
        tx_ws: 4673,
        tx_wire: 10673,
        tx_messages: 1000,
        tx_frames: 1000,
        ..TrafficRecord::default()
    };
    let text = case_json(&case);
    for line in [
        "\"outgoingCompressionRatio\": 0.2920625,",
        "\"outgoingWebSocketOverhead\": 1.2839717526214423,",
        "\"incomingCompressionRatio\": null,",
        &format!("\"preopenOutgoingOctetsWireLevel\": {}\n", samples::REQUEST.len()),
    ] {
        assert!(text.contains(line), "{line}");
    }
}
