//! Commands that can be typed into a shell. Text of the peer never becomes part of one.

/// The command for a POSIX shell.
pub fn posix(words: &[String]) -> String {
    let posix = |word: &String| match word.chars().any(is_hidden) {
        true => format!("$'{}'", word.chars().map(escaped).collect::<String>()),
        false => quoted(word, |word| word.replace('\'', r"'\''")),
    };
    words.iter().map(posix).collect::<Vec<_>>().join(" ")
}

/// Characters that steer a terminal or turn the direction of text around.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As bash, zsh and ksh read it between `$'` and `'`.
fn escaped(character: char) -> String {
    match character {
        '\'' | '\\' => format!("\\{character}"),
        _ if is_hidden(character) && character.is_ascii() => format!("\\x{:02x}", u32::from(character)),
        _ if is_hidden(character) => format!("\\u{:04x}", u32::from(character)),
        _ => character.to_string(),
    }
}

/// The words of the command for a POSIX shell.
pub fn words(words: &[String]) -> Vec<String> {
    words.iter().map(|word| posix(std::slice::from_ref(word))).collect()
}

/// The command for PowerShell.
pub fn powershell(words: &[String]) -> String {
    let plain = |word: &String| word.replace(is_hidden, "\u{fffd}");
    words
        .iter()
        .map(|word| quoted(&plain(word), |word| word.replace('\'', "''")))
        .collect::<Vec<_>>()
        .join(" ")
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
    fn control_characters_that_were_typed_reached_the_terminal() {
        let words = ["--agent", "a\u{1b}[31mit's\u{202e}", "plain"].map(str::to_owned);
        assert_eq!(posix(&words), r"--agent $'a\x1b[31mit\'s\u202e' plain");
        assert_eq!(powershell(&words), "--agent 'a\u{fffd}[31mit''s\u{fffd}' plain");
    }

    #[test]
    fn words_that_a_shell_would_touch_are_quoted() {
        let words = ["wsspec", "ws://h/$(id)", "it's", "", "7.*"].map(str::to_owned);
        assert_eq!(posix(&words), r"wsspec 'ws://h/$(id)' 'it'\''s' '' '7.*'");
        assert_eq!(powershell(&words), "wsspec 'ws://h/$(id)' 'it''s' '' '7.*'");
    }
}
