//! Commands that can be typed into a shell. Text of the peer never becomes part of one.

/// The command for a POSIX shell.
pub fn posix(words: &[String]) -> String {
    words.iter().map(|word| quoted(word, |word| word.replace('\'', r"'\''"))).collect::<Vec<_>>().join(" ")
}

/// The words of the command for a POSIX shell.
pub fn words(words: &[String]) -> Vec<String> {
    words.iter().map(|word| posix(std::slice::from_ref(word))).collect()
}

/// The command for PowerShell.
pub fn powershell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word, |word| word.replace('\'', "''"))).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str, inside: impl Fn(&str) -> String) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=+%".contains(&b);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", inside(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_touch_are_quoted() {
        let words = ["wsspec", "ws://h/$(id)", "it's", "", "7.*"].map(str::to_owned);
        assert_eq!(posix(&words), r"wsspec 'ws://h/$(id)' 'it'\''s' '' '7.*'");
        assert_eq!(powershell(&words), "wsspec 'ws://h/$(id)' 'it''s' '' '7.*'");
    }
}
