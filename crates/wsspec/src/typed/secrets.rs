//! `env:NAME` in the place of secrets, and what it stands for.

use wsspec_report::record::{Redaction, user_in};

use super::line::Line;
use crate::errors::{ErrorCode, Problem};
use crate::run::plan::SECRET_HEADERS;
use crate::target::Target;

/// An address with `env:NAME` for its secrets, by the names that `typed` has for them.
pub(super) fn with_variables(address: &str, typed: &str) -> String {
    let key = |parameter: &str| parameter.split('=').next().map(str::to_owned);
    let named = |parameter: &str| {
        let mut typed = typed.split(['?', '&', '#']).filter(|typed| typed.contains("=env:"));
        typed.find(|typed| key(typed) == key(parameter)).unwrap_or(parameter).to_owned()
    };
    let address = match address.split_once('?') {
        Some((path, query)) => {
            format!("{path}?{}", query.split('&').map(named).collect::<Vec<_>>().join("&"))
        }
        None => address.to_owned(),
    };
    Redaction::default().query_as_variables(&without_user(&address))
}

/// An address without user and password, which do not belong into it.
pub(crate) fn without_user(address: &str) -> String {
    match user_in(address) {
        Some(user) => format!("{}{}", &address[..user.start], &address[user.end + 1..]),
        None => address.to_owned(),
    }
}

/// The words with `env:NAME` for the secrets in headers and addresses.
pub(crate) fn without_secrets(words: &[String], redaction: &Redaction) -> Vec<String> {
    let mut plain: Vec<String> = words.iter().map(|word| address(word, redaction)).collect();
    for given in Line::read(words).options().iter().filter(|given| given.id == "header") {
        if let Some(place) = given.value {
            plain[place.word] = words[place.word].clone();
            plain[place.word].replace_range(place.from.., &header(place.of(words), redaction));
        }
    }
    plain
}

/// The word with `env:NAME` for the secrets in it, if it is an address.
fn address(word: &str, redaction: &Redaction) -> String {
    match Target::looks_like(word) && !redaction.is_off() {
        true => redaction.query_as_variables(&without_user(word)),
        false => word.to_owned(),
    }
}

/// A header with `env:NAME` for its value, if that is a secret; the scheme of credentials stays.
pub(crate) fn header(typed: &str, redaction: &Redaction) -> String {
    let Some((name, value)) = typed.split_once(':') else { return without_colon(typed, redaction) };
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

/// What can be told of a header without a colon: its first word, which may be the name.
fn without_colon(typed: &str, redaction: &Redaction) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let name = typed.trim_start().split(|c: char| !is_name(c)).next().unwrap_or_default();
    if redaction.is_off() || name == typed { typed.to_owned() } else { format!("{name} …") }
}

/// An address with what its parameters `env:NAME` stand for. The values are secrets.
///
/// # Errors
/// E27: there is no such variable.
pub(crate) fn read_address(typed: &str, redaction: &mut Redaction) -> Result<String, Problem> {
    let Some((path, query)) = typed.split_once('?').filter(|(_, query)| query.contains("=env:")) else {
        return Ok(typed.to_owned());
    };
    // What is wrong with an address is told without what its variables stand for.
    let read = |address: &str| Target::parse_any_port(address);
    read(typed)?;
    let mut value = |parameter: &str| match parameter.split_once("=env:") {
        None => Ok(parameter.to_owned()),
        Some((key, variable)) => {
            let secret = from_environment(variable, || unreadable(typed))?;
            *redaction = redaction.clone().value(&secret);
            Ok(format!("{key}={secret}"))
        }
    };
    let parameters = query.split('&').map(&mut value).collect::<Result<Vec<_>, _>>()?;
    let address = format!("{path}?{}", parameters.join("&"));
    read(&address).map(|_| address).map_err(|_| {
        unreadable(typed)
            .fact("why", "what a variable stands for has characters that need percent-encoding")
            .advise("the value percent-encoded: %20 for a blank, %23 for #")
    })
}

/// E27 about an address, without the secrets that it is known to hold.
pub(crate) fn unreadable(address: &str) -> Problem {
    let redaction = Redaction::default();
    let shown = redaction.address(&redaction.query_as_variables(address));
    Problem::new(ErrorCode::E27, format!("cannot read the address {shown:?}"))
}

/// The secret that a variable of the environment holds.
///
/// # Errors
/// There is no such variable: what cannot be read, and what to do.
pub(crate) fn from_environment(variable: &str, unread: impl FnOnce() -> Problem) -> Result<String, Problem> {
    std::env::var(variable).map_err(|_| {
        unread()
            .fact("why", format!("the environment has no variable {variable}"))
            .fact("try", format!("export {variable}=SECRET   and this again"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::failure::shell;

    #[test]
    fn secrets_are_variables_in_what_is_typed_again() {
        let redaction = Redaction::default().header("X-Key");
        let words = shell_words::split(
            "wsspec run ws://h/?room=1&token=abc -H 'Authorization: Bearer x y' --header=Cookie:a=b -H 'x-key: q' \
             -HCookie:a=b -H 'X-A: b' -H 'Cookie: env:MINE'",
        );
        let again = without_secrets(&words.unwrap(), &redaction);
        assert_eq!(
            shell(&again),
            "wsspec run 'ws://h/?room=1&token=env:TOKEN' -H 'Authorization: Bearer env:TOKEN' \
             '--header=Cookie: env:COOKIE' -H 'x-key: env:X_KEY' '-HCookie: env:COOKIE' -H 'X-A: b' \
             -H 'Cookie: env:MINE'"
        );
        assert_eq!(without_secrets(&again, &redaction), again);
    }
}
