//! Patterns with `*` for any text, anchored at both ends.

/// Whether the whole text matches the pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.len() >= last.len() && text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_both_ends_are_anchored() {
        for (pattern, text) in
            [("7.*", "7.1.1"), ("*", ""), ("a*b*c", "a--b--c"), ("a*a", "aa"), ("7.1", "7.1")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("7.*", "17.1"), ("7.1", "7.11"), ("a*a", "a"), ("a*b*c", "a--c--b"), ("*.1", "7.12")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
