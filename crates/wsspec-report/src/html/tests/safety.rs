//! Nothing of the peer becomes markup, and nothing is loaded from elsewhere.

use super::*;

/// The tags and attribute values of a document, without its text, style, script and data.
fn tags(html: &str) -> Vec<&str> {
    let body = html.split_once("<body>").unwrap().1;
    let body = body.split_once("<script type=").map_or(body, |(body, _)| body);
    body.split('<').skip(1).map(|tag| tag.split_once('>').unwrap().0).collect()
}

/// The names of the tags of a document, without the tables of headers: a name that is no header is no line of one.
fn names(html: &str) -> Vec<&str> {
    let mut in_headers = false;
    let outside = tags(html).into_iter().filter(move |tag| {
        in_headers |= tag.starts_with("table class=\"headers\"");
        let is_out = !in_headers;
        in_headers &= *tag != "/table";
        is_out
    });
    outside.map(|tag| tag.split_ascii_whitespace().next().unwrap_or_default()).collect()
}

#[test]
fn hostile_text_never_becomes_markup() {
    let plain = documents(&hostile("plain"));
    for text in HOSTILE {
        let documents = documents(&hostile(text));
        assert_eq!(documents.len(), plain.len());
        for (html, plain) in documents.iter().zip(&plain) {
            assert_eq!(names(html), names(plain), "{text}");
        }
        for html in &documents {
            assert!(
                !html.contains("<svg/")
                    && !html.contains("<svg o")
                    && !html.contains("<script>alert")
                    && !html.contains("<!--"),
                "{text}"
            );
            assert!(!html.contains("\x1b") && !html.contains('\u{202e}'), "{text}");
        }
    }
}

#[test]
fn documents_hold_no_inline_style_no_handlers_and_no_remote_resources() {
    let reports = HOSTILE.iter().map(|text| hostile(text)).chain([every_verdict()]);
    for html in reports.flat_map(|report| documents(&report)) {
        for tag in tags(&html) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{tag}");
            for (address, _) in tag.match_indices("href=\"") {
                let address = tag[address + 6..].split('"').next().unwrap();
                let inside =
                    address.starts_with('#') || (address.contains(".html") && !address.contains(':'));
                assert!(inside || address.starts_with("https://www.rfc-editor.org/"), "{address}");
            }
            assert!(!tag.starts_with("img") && !tag.starts_with("iframe") && !tag.contains("src="), "{tag}");
        }
    }
}

#[test]
fn the_policy_is_the_first_thing_and_allows_exactly_the_script_and_the_style() {
    let html = report(&every_verdict()).unwrap();
    let head = html.split_once("<head>").unwrap().1;
    let metas: Vec<&str> = head.trim_start().lines().take(3).collect();
    assert!(metas[0].contains("charset") && metas[1].contains("Content-Security-Policy"));
    assert!(metas[2].contains("no-referrer"));
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let inner = |from: &str, to: &str| html.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
    let policy = metas[1].replace("&#39;", "'");
    assert!(policy.contains(&format!("style-src {};", hash(&inner("<style>", "</style>")))), "{policy}");
    assert!(policy.contains(&format!("script-src {};", hash(&inner("<script>", "</script>")))), "{policy}");
}

#[test]
fn the_script_never_parses_text_as_markup() {
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        ".style",
        "onclick",
    ] {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}
