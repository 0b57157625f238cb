//! A command line to be typed again: at another address, and with `env:NAME` in the place of secrets.

use std::path::Path;

use wsspec_report::record::Redaction;

use crate::errors::{ErrorCode, Problem};
use crate::run::plan::SECRET_HEADERS;
use crate::target::Target;
use crate::terminal::failure::shell;

/// The commands that are given an address.
const COMMANDS: [&str; 4] = ["run", "probe", "load", "echo"];
/// Options of theirs that may be given more than once.
const REPEATED: [&str; 2] = ["-H", "-s"];
/// Options with a value that `probe` shares with the others, and those without one.
const OF_PEER: [&str; 11] = [
    "-H",
    "--header",
    "-s",
    "--subprotocol",
    "--origin",
    "--unix",
    "--cacert",
    "--cert",
    "--key",
    "--sni",
    "--alpn",
];
const FLAGS_OF_PEER: [&str; 2] = ["-k", "--insecure"];

/// The command of this process, at this address instead of that of `target`.
pub(crate) fn at(target: &Target, address: &str) -> String {
    with(target, address, &[])
}

/// The same with these options, in the place of those of the same name.
pub(crate) fn with(target: &Target, address: &str, options: &[&str]) -> String {
    let words = words().filter(|words| command(words).is_some());
    let words = words.map(|words| moved(words, target, address));
    let plain = || plain("run", target, address, Vec::new());
    shell(&having(words.unwrap_or_else(plain), options))
}

/// The command of this process with another word in the place of this one.
pub(crate) fn instead(word: &str, other: &str) -> String {
    let mut words = words().filter(|words| command(words).is_some()).unwrap_or_default();
    // `{port}` is a number by the time that an address is read.
    let typed = words.iter().position(|typed| typed == word || typed.replace("{port}", "1") == word);
    match typed {
        Some(at) => other.clone_into(&mut words[at]),
        None => words = ["wsspec", "run", other].map(str::to_owned).to_vec(),
    }
    shell(&words)
}

/// The command of this process with these words at its end.
pub(crate) fn and(more: &[&str]) -> String {
    let mut words = words().unwrap_or_else(|| ["wsspec", "run"].map(str::to_owned).to_vec());
    words.extend(more.iter().map(|word| (*word).to_owned()));
    shell(&words)
}

/// `wsspec NAME` at the address, with these options and what was typed of the peer.
pub(crate) fn other(name: &str, target: &Target, options: &[&str]) -> String {
    if is(name) {
        return with(target, &target.to_string(), options);
    }
    let typed = of_peer(words().unwrap_or_default());
    shell(&having(plain(name, target, &target.to_string(), typed), options))
}

/// The command of this process, without this option.
pub(crate) fn without(target: &Target, option: [&str; 2]) -> String {
    let mut words = words().filter(|words| command(words).is_some()).unwrap_or_default();
    words.retain(|word| !option.contains(&word.as_str()));
    let address = target.to_string();
    shell(&match words.is_empty() {
        true => plain("run", target, &address, Vec::new()),
        false => moved(words, target, &address),
    })
}

/// Whether this process is `wsspec NAME`.
pub(crate) fn is(name: &str) -> bool {
    words().is_some_and(|words| command(&words).is_some_and(|at| words[at] == name))
}

/// Whether this option of `wsspec` was typed.
pub(crate) fn gives(option: &str) -> bool {
    let begins = format!("{option}=");
    words().is_some_and(|words| words.iter().any(|word| word == option || word.starts_with(&begins)))
}

/// The words of this process, with a sign for what is no text in them.
pub(crate) fn process() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The words of this process without secrets, if it is `wsspec`.
fn words() -> Option<Vec<String>> {
    let words = std::env::args_os().map(|word| word.into_string().ok());
    let mut words = without_secrets(&words.collect::<Option<Vec<_>>>()?, &Redaction::default());
    let is_own = Path::new(words.first()?).file_stem().is_some_and(|name| name == "wsspec");
    "wsspec".clone_into(words.first_mut()?);
    is_own.then_some(words)
}

/// Where the name of the command stands.
fn command(words: &[String]) -> Option<usize> {
    words.iter().position(|word| COMMANDS.contains(&word.as_str()))
}

/// A command at an address with these options.
fn plain(name: &str, target: &Target, address: &str, options: Vec<String>) -> Vec<String> {
    let mut words = ["wsspec", name, address].map(str::to_owned).to_vec();
    words.extend(options);
    match target.via.unix.as_deref().and_then(Path::to_str) {
        Some(path) => having(words, &["--unix", path]),
        None => words,
    }
}

/// What the words say of the peer, and nothing else.
fn of_peer(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if FLAGS_OF_PEER.contains(&word.as_str()) {
            kept.push(word);
        } else if OF_PEER.contains(&word.as_str()) {
            kept.push(word);
            kept.extend(words.next());
        } else if word.split_once('=').is_some_and(|(name, _)| OF_PEER.contains(&name)) {
            kept.push(word);
        }
    }
    kept
}

/// The words with these options, `--sni NAME`: one that was given already has another value then.
fn having(mut words: Vec<String>, options: &[&str]) -> Vec<String> {
    for option in options.chunk_by(|_, next| !next.starts_with('-')) {
        let (name, new) = (option[0], option.iter().map(|word| (*word).to_owned()));
        let begins = format!("{name}=");
        let is_given = |word: &String| word == name || word.starts_with(&begins);
        match words.iter().position(is_given).filter(|_| !REPEATED.contains(&name)) {
            Some(at) if words[at] == name => {
                drop(words.splice(at..(at + option.len()).min(words.len()), new))
            }
            Some(at) => drop(words.splice(at..=at, new)),
            None => words.extend(new),
        }
    }
    words
}

fn moved(mut words: Vec<String>, target: &Target, address: &str) -> Vec<String> {
    let with_port = |word: &String| Target::parse(&word.replace("{port}", &target.port.to_string())).ok();
    let is_there = |word: &String| {
        let other = with_port(word).filter(|_| Target::looks_like(word));
        other.is_some_and(|other| (&other.host, other.port) == (&target.host, target.port))
    };
    let is_same =
        |word: &&String| is_there(word) && with_port(word).is_some_and(|o| o.resource == target.resource);
    let typed = words.iter().position(|word| is_same(&word)).or_else(|| words.iter().position(is_there));
    let is_any = match typed {
        Some(at) => words[at].contains("{port}"),
        None => words.iter().any(|word| word == "--exec" || word.starts_with("--exec=")),
    };
    let port = format!(":{}", target.port);
    let address = if is_any { address.replacen(&port, ":{port}", 1) } else { address.to_owned() };
    match typed {
        Some(at) => words[at] = address,
        None => {
            let behind =
                command(&words).map_or(words.len(), |at| if words[at] == "load" { at + 2 } else { at + 1 });
            words.insert(behind.min(words.len()), address);
        }
    }
    words
}

/// The words with `env:NAME` for the secrets in headers and addresses.
pub(crate) fn without_secrets(words: &[String], redaction: &Redaction) -> Vec<String> {
    let is_option = |word: &String| word == "-H" || word == "--header";
    let before = std::iter::once(None).chain(words.iter().map(Some));
    let plain = |(before, word): (Option<&String>, &String)| match word.strip_prefix("--header=") {
        Some(value) => format!("--header={}", header(value, redaction)),
        None if before.is_some_and(is_option) => header(word, redaction),
        None if Target::looks_like(word) => redaction.query_as_variables(word),
        None => word.clone(),
    };
    before.zip(words).map(plain).collect()
}

/// A header with `env:NAME` for its value, if that is a secret; the scheme of credentials stays.
pub(crate) fn header(typed: &str, redaction: &Redaction) -> String {
    let Some((name, value)) = typed.split_once(':') else { return typed.to_owned() };
    let (name, value) = (name.trim(), value.trim());
    let is_variable = value.split(' ').any(|word| word.starts_with("env:"));
    if redaction.is_off() || is_variable || !redaction.hides_header(name) {
        return typed.to_owned();
    }
    let credentials = SECRET_HEADERS[..2].iter().any(|known| known.eq_ignore_ascii_case(name));
    match value.split_once(' ').filter(|_| credentials) {
        Some((scheme, _)) => format!("{name}: {scheme} env:TOKEN"),
        None => format!("{name}: env:{}", name.to_ascii_uppercase().replace('-', "_")),
    }
}

/// An address with what its parameters `env:NAME` stand for. The values are secrets.
///
/// # Errors
/// E27: there is no such variable.
pub(crate) fn read_address(typed: &str, redaction: &mut Redaction) -> Result<String, Problem> {
    let Some((path, query)) = typed.split_once('?') else { return Ok(typed.to_owned()) };
    let mut value = |parameter: &str| match parameter.split_once("=env:") {
        None => Ok(parameter.to_owned()),
        Some((key, variable)) => {
            let secret = std::env::var(variable).map_err(|_| no_variable(typed, variable))?;
            *redaction = redaction.clone().value(&secret);
            Ok(format!("{key}={secret}"))
        }
    };
    let parameters = query.split('&').map(&mut value).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{path}?{}", parameters.join("&")))
}

fn no_variable(typed: &str, variable: &str) -> Problem {
    Problem::new(ErrorCode::E27, format!("cannot read the address {typed:?}"))
        .fact("why", format!("the environment has no variable {variable}"))
        .fact("try", format!("export {variable}=SECRET   and this again"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn typed(line: &str, target: &str, address: &str) -> String {
        let words = shell_words::split(line).unwrap();
        shell(&moved(words, &Target::parse(target).unwrap(), address))
    }

    #[test]
    fn advice_dropped_what_was_typed_beside_the_address() {
        for (line, target, address, again) in [
            (
                "wsspec run h:1 5.15 -o x -H 'X-A: b'",
                "ws://h:1",
                "ws://h:2",
                "wsspec run ws://h:2 5.15 -o x -H 'X-A: b'",
            ),
            (
                "wsspec run ws://h:1/a ws://h:1/b",
                "ws://h:1/b",
                "ws://h:1/ws",
                "wsspec run ws://h:1/a ws://h:1/ws",
            ),
            (
                "wsspec run 'ws://h:{port}/a' --exec './s {port}'",
                "ws://h:417/a",
                "ws://h:417/ws",
                "wsspec run 'ws://h:{port}/ws' --exec './s {port}'",
            ),
            (
                "wsspec run --exec './s {port}'",
                "ws://h:417",
                "ws://h:417/ws",
                "wsspec run 'ws://h:{port}/ws' --exec './s {port}'",
            ),
            ("wsspec -q run --profile ci", "ws://h:1", "ws://h:2", "wsspec -q run ws://h:2 --profile ci"),
            ("wsspec load rtt --unix s", "ws://h", "ws://h/ws", "wsspec load rtt ws://h/ws --unix s"),
        ] {
            assert_eq!(typed(line, target, address), again);
        }
    }

    #[test]
    fn advice_named_an_option_that_had_been_typed_once_more() {
        let words = |line: &str| shell_words::split(line).unwrap();
        for (line, options, again) in [
            ("run ws://h -k", &["--sni", "a.test"][..], "run ws://h -k --sni a.test"),
            ("run ws://h --sni=b 1.1", &["--sni", "a.test"], "run ws://h --sni a.test 1.1"),
            (
                "run ws://h --cacert a --key b",
                &["--cacert", "c", "--key", "d"],
                "run ws://h --cacert c --key d",
            ),
            ("run ws://h -H a:b", &["-H", "c:d"], "run ws://h -H a:b -H c:d"),
        ] {
            assert_eq!(shell(&having(words(line), options)), again);
        }
    }

    #[test]
    fn another_command_is_given_what_was_typed_of_the_peer() {
        let words =
            shell_words::split("wsspec run ws://h 5.15 -H 'A: b' -j 3 --cacert=c.pem -k -o x --sni n");
        assert_eq!(shell(&of_peer(words.unwrap())), "-H 'A: b' --cacert=c.pem -k --sni n");
        let command = Cli::command();
        let probe = command.find_subcommand("probe").unwrap();
        for name in OF_PEER.into_iter().chain(FLAGS_OF_PEER) {
            let bare = name.trim_start_matches('-');
            let is_it = |argument: &&clap::Arg| {
                argument.get_long() == Some(bare)
                    || argument.get_short().map(String::from).as_deref() == Some(bare)
            };
            let argument = probe.get_arguments().find(is_it).unwrap();
            assert_eq!(argument.get_action().takes_values(), OF_PEER.contains(&name), "{name}");
        }
    }

    #[test]
    fn secrets_are_variables_in_what_is_typed_again() {
        let redaction = Redaction::default().header("X-Key");
        let words = shell_words::split(
            "run ws://h/?room=1&token=abc -H 'Authorization: Bearer x y' --header=Cookie:a=b -H 'x-key: q' \
             -H 'X-A: b' -H 'Cookie: env:MINE'",
        );
        let again = without_secrets(&words.unwrap(), &redaction);
        assert_eq!(
            shell(&again),
            "run 'ws://h/?room=1&token=env:TOKEN' -H 'Authorization: Bearer env:TOKEN' \
             '--header=Cookie: env:COOKIE' -H 'x-key: env:X_KEY' -H 'X-A: b' -H 'Cookie: env:MINE'"
        );
        assert_eq!(without_secrets(&again, &redaction), again);
    }
}
