use super::*;

fn read<T: SpecFile>(text: &str) -> (T, Vec<String>) {
    parse("spec.json", text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}"))
}

fn refused<T: SpecFile>(text: &str) -> String {
    match parse::<T>("spec.json", text.as_bytes()) {
        Ok(_) => panic!("accepted: {text}"),
        Err(problem) => {
            assert_eq!(problem.code, ErrorCode::E18);
            problem.to_string()
        }
    }
}

#[test]
fn every_key_of_a_client_spec_is_read() {
    let text = r#"{
        "outdir": "./out",
        "options": {"failByDrop": false, "openHandshakeTimeout": 2.5, "version": 18},
        "servers": [
            {"agent": "A", "url": "wss://a:1/x", "hostname": "a.test", "origin": "http://o", "protocols": ["p"],
             "options": {"openHandshakeTimeout": 1, "tcpNoDelay": true}},
            {"url": "ws://b"}
        ],
        "cases": ["1.*", "2.1"], "exclude-cases": ["1.1.1"], "exclude-agent-cases": {"A*": ["9.*"], "B": "1.*"}
    }"#;
    let (spec, warnings) = read::<FuzzingClientSpec>(text);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(spec.outdir, PathBuf::from("./out"));
    let [a, b] = &spec.servers[..] else { panic!("two servers") };
    assert_eq!(
        (a.agent.as_deref(), a.url.as_str(), a.hostname.as_deref()),
        (Some("A"), "wss://a:1/x", Some("a.test"))
    );
    assert_eq!((a.origin.as_deref(), &a.protocols[..]), (Some("http://o"), &["p".to_owned()][..]));
    assert_eq!(a.options.open_handshake_timeout, Some(std::time::Duration::from_secs(1)));
    assert_eq!((a.options.fail_by_drop, a.options.tcp_no_delay), (Some(false), Some(true)));
    assert_eq!((b.agent.as_deref(), &b.options), (None, &spec.options));
    let agents = vec![("A*".to_owned(), vec!["9.*".to_owned()]), ("B".to_owned(), vec!["1.*".to_owned()])];
    assert_eq!(spec.choice.exclude_agent_cases, agents);
    assert_eq!(spec.choice.cases, ["1.*", "2.1"]);
}

#[test]
fn every_option_is_read() {
    let text = r#"{"url": "ws://h", "cases": [], "protocols": ["p"], "key": "k", "cert": "c", "options": {
        "version": 13, "failByDrop": true, "openHandshakeTimeout": 1, "closeHandshakeTimeout": 2,
        "serverConnectionDropTimeout": 3, "maskClientFrames": false, "maskServerFrames": true, "acceptMaskedServerFrames": true,
        "requireMaskedClientFrames": false, "tcpNoDelay": false, "utf8validateIncoming": false,
        "maxFramePayloadSize": 4, "maxMessagePayloadSize": 5, "autoFragmentSize": 6, "echoCloseCodeReason": true,
        "allowedOrigins": ["http://*"], "maxConnections": 7, "webStatus": false}}"#;
    let (spec, warnings) = read::<FuzzingServerSpec>(text);
    assert!(warnings.is_empty(), "{warnings:?}");
    let seconds = |n| Some(std::time::Duration::from_secs(n));
    let options = Options {
        open_handshake_timeout: seconds(1),
        close_handshake_timeout: seconds(2),
        server_connection_drop_timeout: seconds(3),
        fail_by_drop: Some(true),
        echo_close_code_reason: Some(true),
        mask_client_frames: Some(false),
        mask_server_frames: Some(true),
        accept_masked_server_frames: Some(true),
        require_masked_client_frames: Some(false),
        utf8_validate_incoming: Some(false),
        max_frame_payload_size: Some(4),
        max_message_payload_size: Some(5),
        auto_fragment_size: Some(6),
        tcp_no_delay: Some(false),
        allowed_origins: Some(vec!["http://*".to_owned()]),
        max_connections: Some(7),
        web_status: Some(false),
    };
    assert_eq!(spec.options, options);
    assert_eq!((spec.key, spec.cert), (Some("k".into()), Some("c".into())));
    assert_eq!(spec.outdir, PathBuf::from("./reports/clients"));
}

#[test]
fn the_default_files_are_valid() {
    let (client, warnings) = read::<FuzzingClientSpec>(FuzzingClientSpec::DEFAULT);
    assert_eq!((client.servers[0].url.as_str(), warnings.len()), ("ws://127.0.0.1:9001", 0));
    let (server, warnings) = read::<FuzzingServerSpec>(FuzzingServerSpec::DEFAULT);
    assert_eq!((server.url.as_str(), warnings.len()), ("ws://127.0.0.1:9001", 0));
    let (mass, warnings) = read::<MassConnectSpec>(MassConnectSpec::DEFAULT);
    assert_eq!((mass.connections, mass.batch_size, warnings.len()), (10_000, 100, 0));
    assert_eq!(
        (mass.batch_delay, mass.retry_delay),
        (std::time::Duration::from_millis(10), mass.batch_delay)
    );
}

#[test]
fn unknown_keys_are_named_and_have_no_effect() {
    let text = "{\"url\": \"ws://h\",\n \"cases\": [\"*\"],\n \"webport\": 8080, \"enable-ssl\": false,\n \"exclude-case\": [],\n \"options\": {\"allowHixie76\": true, \"failByDorp\": false, \"version\": 0}}";
    let (_, warnings) = read::<FuzzingServerSpec>(text);
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    spec.json:3: the key "webport" has no effect: the port of the page is set with -u
    spec.json:3: the key "enable-ssl" has no effect: TLS is on where the address says wss://
    spec.json:4: the key "exclude-case" has no effect: did you mean "exclude-cases"?
    spec.json:5: the key "allowHixie76" has no effect: only the protocol of RFC 6455 is spoken
    spec.json:5: the key "failByDorp" has no effect: did you mean "failByDrop"?
    spec.json: version 0 has no effect: only the protocol of RFC 6455 is spoken, known as 13 to 18
    "#);
}

#[test]
fn what_is_wrong_is_shown_in_its_line() {
    insta::assert_snapshot!(refused::<FuzzingClientSpec>("{\n   \"outdir\": \".\",\n   \"servers\": [],\n   \"cases\": [\"1.1.*\",],\n}"), @r#"
    error[E18]: spec.json is not valid JSON (line 4, column 21)
        4 |    "cases": ["1.1.*",],
          |                     ^ a comma before "]" is not allowed in JSON
      try      remove the comma     (wsspec.toml allows comments and such commas)
    "#);
    insta::assert_snapshot!(refused::<FuzzingClientSpec>("{\n   \"servers\": [],\n   \"casez\": [\"*\"]\n}"), @r#"
    error[E18]: spec.json: unknown key "casez" (line 3, column 4)
        3 |    "casez": ["*"]
          |    ^^^^^^^ did you mean "cases"?
      try      write "cases"
    "#);
    insta::assert_snapshot!(refused::<FuzzingServerSpec>("{\"cases\": [\"*\"]}"), @r#"
    error[E18]: spec.json: the key "url" is missing (line 1, column 1)
        1 | {"cases": ["*"]}
          | ^ the key "url" is missing in here
      try      add "url"
    "#);
    insta::assert_snapshot!(refused::<FuzzingServerSpec>("{\"url\": 9001, \"cases\": [\"*\"]}"), @r#"
    error[E18]: spec.json: a value of the wrong kind (line 1, column 9)
        1 | {"url": 9001, "cases": ["*"]}
          |         ^^^^ this has to be text in double quotes
      try      compare it with the spec that wstest writes where there is none
    "#);
    insta::assert_snapshot!(refused::<FuzzingClientSpec>("{\"servers\": [{\"agent\": \"a\"}], \"cases\": []}"), @r#"
    error[E18]: spec.json: the key "url" is missing (line 1, column 14)
        1 | {"servers": [{"agent": "a"}], "cases": []}
          |              ^ the key "url" is missing in here
      try      add "url"
    "#);
    insta::assert_snapshot!(refused::<FuzzingClientSpec>("{\"cases\": \"*\"}"), @r#"
    error[E18]: spec.json: a value of the wrong kind (line 1, column 11)
        1 | {"cases": "*"}
          |           ^^^ this has to be a list: [ … ]
      try      compare it with the spec that wstest writes where there is none
    "#);
    insta::assert_snapshot!(refused::<MassConnectSpec>("{\"servers\": [], \"options\": {\"connections\": -1}}"), @r#"
    error[E18]: spec.json: a value of the wrong kind (line 1, column 44)
        1 | {"servers": [], "options": {"connections": -1}}
          |                                            ^^
          | this has to be a whole number from 0 to 1000000
      try      compare it with the spec that wstest writes where there is none
    "#);
}

#[test]
fn a_file_that_is_not_utf8_is_named() {
    let problem = parse::<FuzzingClientSpec>("spec.json", b"{\n\"a\": \"\xe4\"}").unwrap_err().to_string();
    assert!(problem.contains("line 2, octet 9"), "{problem}");
}

#[test]
fn a_file_that_is_not_there_is_written_only_if_none_was_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let named = dir.path().join("absent.json");
    assert_eq!(load::<FuzzingClientSpec>(Some(&named)).unwrap_err().code, ErrorCode::E18);
    assert!(!named.exists());
}
