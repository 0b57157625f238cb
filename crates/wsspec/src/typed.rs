//! A command line to be typed again: at another address, and with `env:NAME` in the place of secrets.

use std::path::Path;

use wsspec_report::record::Redaction;

use crate::errors::{ErrorCode, Problem};
use crate::run::plan::SECRET_HEADERS;
use crate::target::Target;
use crate::terminal::failure::shell;

/// The commands that are given an address.
const COMMANDS: [&str; 3] = ["run", "probe", "load"];

/// The command of this process, at this address instead of that of `target`.
pub(crate) fn at(target: &Target, address: &str) -> String {
    let words = words().filter(|words| command(words).is_some());
    let plain = || target.command(&shell(&[address.to_owned()]));
    words.map_or_else(plain, |words| shell(&moved(words, target, address)))
}

/// The command of this process, without this option.
pub(crate) fn without(target: &Target, option: [&str; 2]) -> String {
    let words = words().filter(|words| command(words).is_some());
    let plain = || target.command(&target.to_string());
    words.map_or_else(plain, |mut words| {
        words.retain(|word| !option.contains(&word.as_str()));
        shell(&moved(words, target, &target.to_string()))
    })
}

/// Whether this process is `wsspec NAME`.
pub(crate) fn is(name: &str) -> bool {
    words().is_some_and(|words| command(&words).is_some_and(|at| words[at] == name))
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
    use super::*;

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
