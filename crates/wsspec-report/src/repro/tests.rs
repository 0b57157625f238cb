use super::*;
use crate::sanitise::fixtures::HOSTILE;

fn script(octets: &[&[u8]]) -> Script {
    Script {
        name: "5.15 orphan-continuation".to_owned(),
        title: "A continuation frame arrives while no message is open.".to_owned(),
        expected: vec!["The connection fails with 1002.".to_owned()],
        origin: "the record".to_owned(),
        role: Role::Server,
        host: "127.0.0.1".to_owned(),
        port: 9001,
        tls: false,
        redacted: false,
        moves: octets.iter().map(|octets| Move { octets: octets.to_vec(), ..Move::default() }).collect(),
        end: End::Close,
        patience: Duration::from_secs(2),
    }
}

const REQUEST: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\n\r\n";
const FORMS: [Form; 6] = [Form::Python, Form::Nc, Form::Rust, Form::Js, Form::Hex, Form::Curl];

#[test]
fn repetitions_are_found_and_nothing_is_lost() {
    let mut octets = b"head".to_vec();
    octets.extend(b"\x12\x34\x56\x78".repeat(10_000));
    octets.extend(b"\x12\x34tail");
    let pieces = pieces(&octets);
    assert!(pieces.len() < 10, "{}", pieces.len());
    assert_eq!(pieces.iter().flat_map(|piece| piece.octets.repeat(piece.times)).collect::<Vec<_>>(), octets);
}

#[test]
fn scripts_say_what_they_are() {
    let script = script(&[REQUEST, b"\x01\x82\x00\x00\x00\x00ab", b"\x88\x80\x00\x00\x00\x00"]);
    for form in FORMS {
        let text = script.render(form).unwrap();
        assert!(text.contains("5.15 orphan-continuation") && text.contains("fails with 1002"), "{text}");
        assert!(!text.contains("{{HEADING") && !text.contains("{{MOVES"), "{text}");
    }
    let python = script.render(Form::Python).unwrap();
    assert!(
        python.contains(r#"(0.000, False, "Text fin=0, length 2", octets("0182000000006162")),"#),
        "{python}"
    );
}

#[test]
fn a_payload_that_is_sent_alone_is_called_so() {
    let header = b"\x82\x83\x00\x00\x00\x00";
    let writes: [&[u8]; 6] = [REQUEST, &header[..2], &header[2..], b"\x88\x80", b"\x00\x89\x00", b"\x8a\x00"];
    let sent = script(&writes);
    assert_eq!(
        sent.labels(),
        [
            "the request",
            "a part of a header, 2 octets",
            "Binary fin=1, length 3",
            "payload, 2 octets",
            "Ping fin=1, length 0",
            "Pong fin=1, length 0"
        ]
    );
    for form in FORMS.into_iter().filter(|form| *form != Form::Curl) {
        let text = sent.render(form).unwrap();
        assert!(text.contains("payload, 2 octets"), "{text}");
    }
    let response = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02a";
    let client = Script { role: Role::Client, ..script(&[response, b"b"]) };
    assert_eq!(client.labels(), ["the response, Text fin=1, length 2", "payload, 1 octets"]);
}

#[test]
fn a_form_says_what_it_cannot_do() {
    let noise: Vec<u8> = (0..LIMIT as u32 * 2).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(matches!(script(&[REQUEST, &noise]).render(Form::Python), Err(Unfit::TooLarge(_))));
    let repeated = vec![b'x'; 16 << 20];
    assert!(script(&[REQUEST, &repeated]).render(Form::Python).unwrap().len() < 20_000);
    assert!(matches!(script(&[REQUEST, &repeated]).render(Form::Nc), Err(Unfit::TooLarge(_))));
    let mut client = script(&[REQUEST]);
    client.role = Role::Client;
    assert_eq!(client.render(Form::Nc), Err(Unfit::Client));
    let mut secure = script(&[REQUEST]);
    secure.tls = true;
    assert_eq!(secure.render(Form::Rust), Err(Unfit::Tls));
    assert_eq!(script(&[]).render(Form::Hex), Err(Unfit::Silent));
    for head in [&b"GET / HTTP/1.1\nHost: a\n\n"[..], b"GET / HTTP/1.1\r\nA: b\r\nHost: c\r\n\r\n", b"\xff"] {
        assert_eq!(script(&[head]).render(Form::Curl), Err(Unfit::Curl), "{head:?}");
    }
}

#[test]
fn hostile_words_stay_inside_their_strings() {
    for text in HOSTILE {
        let mut script = script(&[REQUEST, text.as_bytes()]);
        (script.name, script.title) = ((*text).to_owned(), format!("{text}\n{text}"));
        (script.host, script.expected) = ((*text).to_owned(), vec![(*text).to_owned()]);
        for form in [Form::Python, Form::Js, Form::Rust, Form::Nc, Form::Hex] {
            let rendered = script.render(form).unwrap();
            let mark = if matches!(form, Form::Js | Form::Rust) { "//" } else { "#" };
            let loose = rendered.lines().filter(|line| line.contains("evil") && !line.starts_with(mark));
            for line in loose {
                let quoted = line.trim_start().starts_with('"') || line.contains("HOST") || form == Form::Nc;
                assert!(quoted, "{form:?}: {line}");
            }
        }
    }
}
