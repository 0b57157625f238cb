use std::borrow::Cow;
use std::env;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use indicatif::ProgressBar;
use wsspec_report::record::Redaction;
use wsspec_report::sanitise::ci_log;
use wsspec_report::sanitise::json::visible;

use super::style::Style;
use crate::cli::{Global, Progress, When};
use crate::debug_log;
use crate::errors::Problem;
use crate::fault;
use crate::outputs::args::Format;
use crate::text::wrap;

/// Where everything is printed: what scrolls goes to stdout, warnings and what is erased again to stderr.
pub struct Console {
    /// How text is dressed.
    pub style: Style,
    /// How much is printed: 0 is normal, `-v` adds one, `-q` takes one away.
    pub level: i8,
    /// How progress is shown; never `Auto`.
    pub progress: Progress,
    /// The log of a runner that looks for commands in it.
    watched: bool,
    streams: Mutex<Streams>,
}

struct Streams {
    /// What stdout holds; all but text for people moves that to stderr.
    format: Format,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// What is kept out of text for people.
    redaction: Redaction,
    /// Hidden while a line is printed.
    bar: Option<ProgressBar>,
    /// Whether the last line of text is one of dots, which goes on.
    is_dotted: bool,
}

impl Streams {
    /// Where text for people goes.
    fn text(&mut self) -> &mut Box<dyn Write + Send> {
        if self.format == Format::Human { &mut self.out } else { &mut self.err }
    }
}

impl Console {
    /// The console of this process.
    pub fn new(global: &Global) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let color = wants_color(global.color, terminal, &|name| env::var(name).ok());
        let style = Style {
            theme: color.then_some(global.theme),
            ascii: global.ascii || !locale_is_utf8(),
            width: width(),
            links: terminal && !global.no_links && env::var_os("TERM").is_none_or(|term| term != "dumb"),
        };
        Self {
            style,
            level: i8::try_from(global.verbose).unwrap_or(4) - i8::try_from(global.quiet).unwrap_or(4),
            progress: progress_form(global.progress, std::io::stderr().is_terminal() && !in_ci()),
            watched: is_watched(),
            streams: Mutex::new(Streams {
                format: Format::Human,
                out: Box::new(std::io::stdout()),
                err: Box::new(std::io::stderr()),
                redaction: Redaction::default(),
                bar: None,
                is_dotted: false,
            }),
        }
    }

    /// Lets stdout hold data: text for people goes to stderr from here on.
    pub fn set_format(&self, format: Format) {
        self.lock().format = format;
    }

    /// Keeps these secrets out of all text for people; without it, those that everybody has.
    pub fn redact(&self, redaction: &Redaction) {
        self.lock().redaction = redaction.clone();
        fault::redact(redaction);
        debug_log::redact(redaction);
    }

    /// What stdout holds.
    pub fn format(&self) -> Format {
        self.lock().format
    }

    /// Prints a line (or several) for people, unless `-q` or `-qq` ask for less than `level`.
    pub fn say(&self, level: i8, text: impl AsRef<str>) {
        let text = self.redacted(text.as_ref());
        debug_log::printed(&text);
        if self.level >= level {
            self.print(&self.guarded(&text), Streams::text);
        }
    }

    /// The same of what wsspec itself made and the user has to type, such as the token that ends a server.
    pub fn say_own(&self, level: i8, text: &str) {
        debug_log::printed(&self.redacted(text));
        if self.level >= level {
            self.print(&self.guarded(text), Streams::text);
        }
    }

    /// Prints lines of data to stdout, as they are and at every level.
    pub fn data(&self, text: &str) {
        self.print(text, |streams| &mut streams.out);
    }

    /// Prints a line of JSON to stdout, with everything invisible as an escape; in the log of a runner so that it holds
    /// no command.
    pub fn data_json(&self, json: &str) {
        let json = visible(json);
        if self.watched { self.data(&ci_log::json(&json)) } else { self.data(&json) }
    }

    /// Prints a part of a line of data to stdout.
    pub fn data_part(&self, text: &str) {
        let mut streams = self.lock();
        let _ = write!(streams.out, "{text}").and_then(|()| streams.out.flush());
    }

    /// Prints commands of a CI runner, which only wsspec itself may give.
    pub fn command(&self, text: &str) {
        self.print(text, Streams::text);
    }

    /// Prints an error to stderr, as wide as the terminal.
    pub fn problem(&self, problem: &Problem) {
        self.warn(format!("{problem:width$}", width = self.style.width));
    }

    /// Prints it as a note to stderr, unless `-qq` asks for errors only.
    pub fn problem_as_note(&self, problem: &Problem) {
        let text = format!("{problem:width$}", width = self.style.width);
        self.warn_from(-1, text.replacen("error[", "note[", 1));
    }

    /// Prints a note or a warning to stderr in lines that fit, unless `-qq` asks for errors only.
    pub fn note(&self, text: impl AsRef<str>) {
        self.warn_from(-1, self.fitting(text.as_ref()));
    }

    /// The same with a note of one sentence, in lines that fit.
    pub fn remark(&self, text: &str) {
        const INDENT: usize = "note: ".len();
        let lines = wrap(text, self.style.width.saturating_sub(INDENT));
        self.warn_from(-1, lines.join(&format!("\n{:INDENT$}", "")));
    }

    /// Prints a note to stderr in lines that fit, unless `-q` asks for less.
    pub fn aside(&self, text: impl AsRef<str>) {
        self.warn_from(0, self.fitting(text.as_ref()));
    }

    fn warn_from(&self, level: i8, text: String) {
        if self.level >= level {
            self.warn(text);
        } else {
            debug_log::printed(&self.redacted(&text));
        }
    }

    /// The text without secrets, whose signs have another length, in lines that are no wider than the terminal.
    fn fitting(&self, text: &str) -> String {
        let room = self.style.width.saturating_sub(2);
        let fits = |line: &str| line.chars().count() <= self.style.width;
        let lines = |line: &str| if fits(line) { vec![line.to_owned()] } else { wrap(line, room) };
        let text = self.redacted(text);
        text.lines().map(|line| lines(line).join("\n  ")).collect::<Vec<_>>().join("\n")
    }

    /// Prints a line (or several) to stderr, at every level.
    pub fn warn(&self, text: impl AsRef<str>) {
        let text = self.redacted(text.as_ref());
        debug_log::printed(&text);
        self.print(&self.guarded(&text), |streams| &mut streams.err);
    }

    /// Prints a sign for people without ending the line.
    pub fn dot(&self, sign: &str) {
        let mut streams = self.lock();
        streams.is_dotted = true;
        let out = streams.text();
        let _ = write!(out, "{sign}").and_then(|()| out.flush());
    }

    /// Keeps this bar off the lines that are printed; `None` once it is gone.
    pub fn set_bar(&self, bar: Option<ProgressBar>) {
        self.lock().bar = bar;
    }

    /// A reader that has gone away (`wsspec list | head`) is no error.
    fn print(&self, text: &str, stream: fn(&mut Streams) -> &mut Box<dyn Write + Send>) {
        let mut streams = self.lock();
        let bar = streams.bar.clone();
        let mut write = || {
            if std::mem::take(&mut streams.is_dotted) {
                let _ = writeln!(streams.text());
            }
            let stream = stream(&mut streams);
            let _ = writeln!(stream, "{}", text.trim_end_matches('\n')).and_then(|()| stream.flush());
        };
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Addresses, for one, may hold secrets; what is printed may be kept for long by a runner.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let redaction = self.lock().redaction.clone();
        redaction.text(text)
    }

    /// What a peer sent may be in the text: a runner must not take it for a command.
    fn guarded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.watched { ci_log::lines(text).into() } else { text.into() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The order of precedence that the conventions NO_COLOR, CLICOLOR and FORCE_COLOR ask for.
fn wants_color(when: When, terminal: bool, env: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name| env(name).is_some_and(|value| !value.is_empty());
    let is = |name, wanted: &str| env(name).is_some_and(|value| value == wanted);
    let forced = |name| set(name) && !is(name, "0");
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR") => false,
        When::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        When::Auto if is("CLICOLOR", "0") || is("TERM", "dumb") => false,
        When::Auto => terminal || COLOURED_CI.iter().any(|name| set(name)),
    }
}

/// CI services whose log viewers show colours.
const COLOURED_CI: [&str; 5] = ["GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "TF_BUILD"];

/// Whether this is a job of a CI service. Its log is read later: nothing is erased in it.
pub(crate) fn in_ci() -> bool {
    is_ci(&|name| env::var(name).ok())
}

/// Other services set CI only.
fn is_ci(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name| env(name).is_some_and(|value| !value.is_empty());
    let generic = env("CI").is_some_and(|value| !["", "0", "false"].contains(&value.as_str()));
    generic || COLOURED_CI.iter().any(|name| set(name))
}

/// Runners that look for commands in the log: GitHub, Azure, TeamCity.
fn is_watched() -> bool {
    ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn locale_is_utf8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| env::var(name).ok()).find(|v| !v.is_empty());
    locale.is_some_and(|name| {
        let name = name.to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// What COLUMNS says, if a shell has exported it, or the terminal; 80 if neither says anything.
fn width() -> usize {
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.filter(|columns| *columns > 0).or_else(terminal).unwrap_or(80).clamp(20, 100)
}

const fn progress_form(asked: Progress, terminal: bool) -> Progress {
    match (asked, terminal) {
        (Progress::Auto, true) => Progress::Bar,
        (Progress::Auto, false) => Progress::Lines,
        (asked, _) => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there are colours under this environment, on a terminal and elsewhere.
    fn colours(when: When, environment: &[(&str, &str)]) -> [bool; 2] {
        let env = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        [true, false].map(|terminal| wants_color(when, terminal, &env))
    }

    #[test]
    fn flags_beat_the_environment() {
        let all = [("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("GITHUB_ACTIONS", "true")];
        assert_eq!(colours(When::Always, &all), [true, true]);
        assert_eq!(colours(When::Never, &all), [false, false]);
    }

    #[test]
    fn the_conventions_have_their_order() {
        for (environment, wanted) in [
            (&[][..], [true, false]),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")], [false, false]),
            (&[("NO_COLOR", ""), ("FORCE_COLOR", "1")], [true, true]),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")], [true, true]),
            (&[("FORCE_COLOR", "3"), ("CLICOLOR", "0")], [true, true]),
            (&[("CLICOLOR_FORCE", "0"), ("FORCE_COLOR", "0")], [true, false]),
            (&[("CLICOLOR", "0"), ("GITHUB_ACTIONS", "true")], [false, false]),
            (&[("TERM", "dumb"), ("GITLAB_CI", "true")], [false, false]),
            (&[("GITHUB_ACTIONS", "true")], [true, true]),
            (&[("GITLAB_CI", "true")], [true, true]),
            (&[("BUILDKITE", "true")], [true, true]),
            (&[("CIRCLECI", "true")], [true, true]),
            (&[("TF_BUILD", "True")], [true, true]),
            (&[("CI", "true")], [true, false]),
        ] {
            assert_eq!(colours(When::Auto, environment), wanted, "{environment:?}");
        }
    }

    #[test]
    fn only_services_that_are_known_by_name_were_ci() {
        let ci = |name: &'static str, value: &'static str| {
            is_ci(&move |asked: &str| (asked == name).then(|| value.to_owned()))
        };
        for (name, value) in [("CI", "1"), ("CI", "true"), ("CI", "woodpecker"), ("BUILDKITE", "true")] {
            assert!(ci(name, value), "{name}={value}");
        }
        for (name, value) in [("CI", ""), ("CI", "0"), ("CI", "false"), ("GITLAB_CI", ""), ("HOME", "/ci")] {
            assert!(!ci(name, value), "{name}={value}");
        }
    }

    #[test]
    fn a_bar_needs_a_terminal() {
        assert_eq!(progress_form(Progress::Auto, false), Progress::Lines);
        assert_eq!(progress_form(Progress::Auto, true), Progress::Bar);
        assert_eq!(progress_form(Progress::Dots, true), Progress::Dots);
    }

    #[test]
    fn mono_is_a_theme_without_colours() {
        let style = Style { theme: Some(crate::cli::Theme::Mono), ..Style::PLAIN };
        assert_eq!(style.paint(super::super::Tone::Good, "ok"), "ok");
    }
}
