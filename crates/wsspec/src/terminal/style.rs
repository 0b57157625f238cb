use anstyle::{AnsiColor, Style as Ansi};
use wsspec_engine::Verdict;

use crate::cli::Theme;

/// How text is dressed: colours, signs, width. Colour never carries information alone.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The colours, if any.
    pub theme: Option<Theme>,
    /// ASCII only.
    pub ascii: bool,
    /// Columns.
    pub width: usize,
    /// Paths of files that wsspec wrote are links (OSC 8).
    pub links: bool,
}

/// What a piece of text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tone {
    Good,
    Doubtful,
    Bad,
    Note,
    Faint,
    Strong,
}

impl Style {
    /// Plain text, 80 columns.
    pub const PLAIN: Self = Self { theme: None, ascii: true, width: 80, links: false };

    /// The text in the colour of its tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let Some(theme) = self.theme else { return text.to_owned() };
        let ansi = ansi(theme, tone);
        format!("{ansi}{text}{ansi:#}")
    }

    /// The text in the characters that may be used: under `--ascii` others are written as `\u{3ba}`.
    pub fn plain(&self, text: impl Into<String>) -> String {
        let text = text.into();
        if !self.ascii || text.is_ascii() {
            return text;
        }
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '…' => out.push_str("..."),
                '\0'..='\x7f' => out.push(c),
                c => out.push_str(&c.escape_unicode().to_string()),
            }
        }
        out
    }

    /// The path of a file that wsspec wrote, as a link to it if the terminal may get links. `fragment` is a place
    /// in the file.
    pub fn path(&self, path: &str, fragment: &str) -> String {
        let shown = if fragment.is_empty() { path.to_owned() } else { format!("{path}#{fragment}") };
        let absolute = std::path::absolute(path).ok().filter(|_| self.links);
        let Some(url) = absolute.as_deref().and_then(file_url) else { return shown };
        let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
        format!("\x1b]8;;{url}{fragment}\x1b\\{shown}\x1b]8;;\x1b\\")
    }

    /// The text in the colour of a verdict.
    pub fn verdict(&self, verdict: Verdict, text: &str) -> String {
        self.paint(tone_of(verdict), text)
    }

    /// The sign of a verdict, one character wide.
    pub fn sign(&self, verdict: Verdict) -> &'static str {
        match (verdict, self.ascii) {
            (Verdict::Pass, false) => "✓",
            (Verdict::Pass, true) => ".",
            (Verdict::NonStrict, _) => "~",
            (Verdict::Fail, false) => "✗",
            (Verdict::Fail, true) => "F",
            (Verdict::Info, _) => "i",
            (Verdict::NotApplicable, false) => "–",
            (Verdict::NotApplicable, true) => "-",
            (Verdict::Timeout, false) => "⧗",
            (Verdict::Timeout, true) => "T",
            (Verdict::Crash, false) => "☠",
            (Verdict::Crash, true) => "D",
            (Verdict::Error, _) => "!",
            (Verdict::Skipped, false) => "·",
            (Verdict::Skipped, true) => "s",
            (Verdict::NotRun, _) => "?",
        }
    }

    /// The word that starts the line of a case.
    pub fn label(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Fail => "FAIL",
            Verdict::Timeout => "TIME",
            Verdict::Crash => "DIED",
            Verdict::Error => "ERR",
            Verdict::Pass => "ok",
            other => other.word(),
        }
    }

    /// A horizontal line with a text at its left and one at its right, as wide as the terminal.
    pub fn rule(&self, left: &str, right: &str) -> String {
        let room =
            self.width.saturating_sub("---- ".len() + " -- ".len() + right.chars().count() + " ----".len());
        let left = super::lines::cut(left, room);
        let fill = "-".repeat(2 + room.saturating_sub(left.chars().count()));
        format!("---- {} {fill} {right} ----", self.paint(Tone::Strong, &left))
    }
}

/// The address of a file, with everything odd percent-encoded; none if the path is no text.
fn file_url(path: &std::path::Path) -> Option<String> {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/-_.~".contains(&octet);
    let encoded = path.to_str()?.replace('\\', "/").bytes().fold(String::new(), |mut url, octet| {
        if plain(octet) {
            url.push(char::from(octet))
        } else {
            url.push_str(&format!("%{octet:02X}"))
        }
        url
    });
    Some(format!("file://{}{encoded}", if encoded.starts_with('/') { "" } else { "/" }))
}

const fn tone_of(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::NonStrict => Tone::Doubtful,
        Verdict::Fail | Verdict::Timeout | Verdict::Crash | Verdict::Error => Tone::Bad,
        Verdict::Info | Verdict::NotApplicable => Tone::Note,
        Verdict::Skipped | Verdict::NotRun => Tone::Faint,
    }
}

fn ansi(theme: Theme, tone: Tone) -> Ansi {
    let plain = Ansi::new();
    match (tone, theme) {
        (Tone::Strong, _) => plain.bold(),
        (Tone::Faint, _) => plain.dimmed(),
        (Tone::Bad, Theme::Mono) => plain.bold().underline(),
        (_, Theme::Mono) => plain,
        (Tone::Good, Theme::Default) => AnsiColor::Green.on_default(),
        (Tone::Good, Theme::Blue) => AnsiColor::Blue.on_default(),
        (Tone::Bad, Theme::Default) => AnsiColor::Red.on_default().bold(),
        (Tone::Bad, Theme::Blue) => AnsiColor::Magenta.on_default().bold(),
        (Tone::Doubtful, _) => AnsiColor::Yellow.on_default(),
        (Tone::Note, _) => AnsiColor::Cyan.on_default(),
    }
}
