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
fn long_data_is_cut_to_64_octets() {
    let octets = |data: &[u8]| {
        wirelog::entry(&Happening::Octets { dir: Dir::Rx, data: Payload::new(data, 256), sync: false })
    };
    assert_eq!(octets(&[0xab; 65]).unwrap()[1][1], format!("{} ...", "ab".repeat(64)));
    assert_eq!(octets(&[0xab; 64]).unwrap()[1][1], "ab".repeat(64));
    assert_eq!(
        wirelog::text(&Payload::new("ä".repeat(40).as_bytes(), 256)),
        format!("{} ...", "ä".repeat(32))
    );
    assert_eq!(wirelog::text(&Payload::new(&[0xfe; 300], 256)), format!("0x{} ...", "fe".repeat(64)));
    let wait = Happening::Wait { delay_us: 1_500_000, tag: Some("A".to_owned()) };
    assert_eq!(wirelog::entry(&wait).unwrap().to_string(), r#"["CT",1.5,"A"]"#);
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
