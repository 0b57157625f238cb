//! File names made from text of the peer.

use sha2::{Digest, Sha256};

/// The most characters of the text itself in a file name.
const READABLE: usize = 40;

/// A name for a file or folder: what can be read of the text, and a hash that keeps names apart.
///
/// Only `a` to `z`, digits, `-` and `_`, at most 64 characters; never a path, a device name or a
/// name that starts with a dot.
pub fn file_name(text: &str) -> String {
    let mut readable = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        let c = if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        if c != '-' || !readable.ends_with('-') {
            readable.push(c);
        }
        if readable.len() == READABLE {
            break;
        }
    }
    let hash: String = Sha256::digest(text).iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    match readable.trim_matches('-') {
        "" => format!("agent-{hash}"),
        readable => format!("{readable}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn names_are_short_plain_and_different() {
        let long = "x".repeat(4096);
        let mut names: Vec<String> =
            HOSTILE.iter().chain([&&*long, &"a b", &"A/b"]).map(|t| file_name(t)).collect();
        for name in &names {
            assert!(name.len() <= 64, "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            );
        }
        assert_eq!(file_name("CON"), "con-a3dbc4b6");
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
