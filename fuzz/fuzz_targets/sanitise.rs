//! Text of a peer never leaves its place, wherever it is written: no control sequence, no markup, no command of a CI
//! runner, no second line, no word of a shell.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_report::Untrusted;
use wsspec_report::sanitise::{ci_log, file_name, markdown, shell};

/// A character that moves the cursor, hides or reorders what stands around it.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The words that a POSIX shell makes of a quoted command.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            '\\' if !quoted => word.extend(chars.next()),
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    assert!(!quoted, "a quote is left open: {command}");
    words.push(word);
    words
}

fuzz_target!(|octets: &[u8]| {
    let text = Untrusted::from_octets(octets);
    let raw = text.raw();

    let line = text.for_terminal(200);
    assert!(!line.chars().any(is_odd) && line.chars().count() <= 4 * 1024, "{line:?}");

    let log = text.for_ci_log(200);
    assert!(!log.contains("::") && !log.contains("##") && !log.chars().any(is_odd), "{log:?}");
    let quoted = ci_log::quoted(raw, 200);
    assert!(quoted.lines().all(|line| line.starts_with("| ")), "{quoted:?}");
    let lines = ci_log::lines(raw);
    assert!(!lines.contains("##"), "{lines:?}");
    assert!(lines.split('\n').all(|line| !line.trim_start().starts_with("::")), "{lines:?}");

    for html in [text.for_html().to_string(), text.for_html_lines().to_string()] {
        assert!(!html.contains(['<', '>', '"', '\'']), "{html:?}");
    }

    let xml = text.for_xml();
    let may_stand = |c: char| c >= ' ' || matches!(c, '\n' | '\t' | '\r');
    assert!(xml.chars().all(|c| may_stand(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')), "{xml:?}");

    let span = text.for_markdown();
    assert!(!span.contains('\n') && !span.contains('|'), "{span:?}");
    let fence: String = span.chars().take_while(|c| *c == '`').collect();
    let inner = span.strip_prefix(&fence).and_then(|rest| rest.strip_suffix(&fence));
    assert!(inner.is_none_or(|inner| fence.is_empty() || !inner.contains(&fence)), "{span:?}");
    let block = markdown::fenced(raw);
    let fence: String = block.chars().take_while(|c| *c == '`').collect();
    assert_eq!(block.lines().filter(|line| line.starts_with(&fence)).count(), 2, "{block:?}");

    if !raw.contains('\0') && !raw.is_empty() {
        let command = [raw.to_owned(), "next".to_owned()];
        assert_eq!(words(&shell::posix(&command)), command);
    }
    let name = file_name::file_name(raw);
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    assert!(name.len() <= 64 && name.bytes().all(is_plain), "{name:?}");
});
