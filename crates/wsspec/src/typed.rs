//! A command line to be typed again: at another address, and with `env:NAME` in the place of secrets.

mod line;
mod secrets;

use std::path::Path;

use clap::{Args as _, CommandFactory as _};
use wsspec_report::record::Redaction;

use self::line::{Line, Place};
use self::secrets::with_variables;
pub(crate) use self::secrets::{
    from_environment, header, read_address, unreadable, without_secrets, without_user,
};
use crate::cli::Cli;
use crate::peer_args::PeerArgs;
use crate::target::Target;
use crate::terminal::failure::shell;

/// The commands that are given an address.
const COMMANDS: [&str; 5] = ["run", "probe", "load", "echo", "repro"];

/// The command of this process, at this address instead of that of `target`.
pub(crate) fn at(target: &Target, address: &str) -> String {
    with(target, address, &[])
}

/// The same with these options, in the place of those of the same name.
pub(crate) fn with(target: &Target, address: &str, options: &[&str]) -> String {
    let words = addressed().map(|words| moved(words, target, address));
    let plain = || plain("run", target, address, Vec::new());
    shell(&having(words.unwrap_or_else(plain), options))
}

/// The command of this process with another address in the place of this one, and with this option if it takes it.
pub(crate) fn instead(address: &str, other: &str, option: &[&str]) -> String {
    let words = addressed().and_then(|words| replaced(words, address, other));
    let plain = || ["wsspec", "run", &with_variables(other, "")].map(str::to_owned).to_vec();
    let words = words.unwrap_or_else(plain);
    let is_taken = option.first().is_some_and(|name| Line::read(&words).takes(name));
    shell(&if is_taken { having(words, option) } else { words })
}

/// The command of this process with this operand too.
pub(crate) fn with_operand(operand: &str) -> String {
    shell(&joined(words().unwrap_or_else(run), operand))
}

/// The command of this process with these options.
pub(crate) fn with_options(options: &[&str]) -> String {
    shell(&having(words().unwrap_or_else(run), options))
}

/// The command of this process with one of its own commands, the first that takes all that was typed.
pub(crate) fn with_command(names: &[&str]) -> Option<String> {
    // Only now is it known which options may hold secrets.
    words().map(|words| shell(&without_secrets(&led(&words, names), &Redaction::default())))
}

/// `wsspec NAME` at the address, with these options and what was typed of the peer.
pub(crate) fn other(name: &str, target: &Target, options: &[&str]) -> String {
    if is(name) {
        return with(target, &target.to_string(), options);
    }
    let typed = of_peer(&adding(words().unwrap_or_else(run), untyped_options(target)));
    shell(&having(plain(name, target, &target.to_string(), typed), options))
}

/// `wsspec echo` as a client at this address, with these options: `wstest`, which can be one too, has others.
pub(crate) fn driver(target: &Target, address: &str, options: &[&str]) -> String {
    if is("echo") {
        return with(target, address, options);
    }
    let words = ["wsspec", "echo", "--connect", &with_variables(address, "")].map(str::to_owned);
    shell(&having(words.to_vec(), options))
}

/// The command of this process, without this option.
pub(crate) fn without(target: &Target, option: &str) -> String {
    let address = target.to_string();
    let less = |mut words: Vec<String>| {
        if let Some(given) = Line::read(&words).given(option) {
            given.take_out(&mut words);
        }
        moved(words, target, &address)
    };
    shell(&addressed().map_or_else(|| plain("run", target, &address, Vec::new()), less))
}

/// Whether this process is `wsspec NAME`.
pub(crate) fn is(name: &str) -> bool {
    words().is_some_and(|words| Line::read(&words).command() == Some(name))
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

/// The same, if the command is given an address.
fn addressed() -> Option<Vec<String>> {
    words().filter(|words| Line::read(words).command().is_some_and(|name| COMMANDS.contains(&name)))
}

fn run() -> Vec<String> {
    ["wsspec", "run"].map(str::to_owned).to_vec()
}

/// A command at an address with these options.
fn plain(name: &str, target: &Target, address: &str, options: Vec<String>) -> Vec<String> {
    let mut words = ["wsspec", name, &with_variables(address, "")].map(str::to_owned).to_vec();
    words.extend(options);
    match target.via.unix.as_deref().and_then(Path::to_str) {
        Some(path) => having(words, &["--unix", path]),
        None => words,
    }
}

/// What the words say of the peer, and nothing else.
fn of_peer(words: &[String]) -> Vec<String> {
    let peer = PeerArgs::augment_args(clap::Command::new("peer"));
    let line = Line::read(words);
    let of_peer =
        line.options().iter().filter(|given| peer.get_arguments().any(|arg| arg.get_id() == &given.id));
    of_peer.flat_map(|given| given.words(words)).collect()
}

/// The words with these options, `--sni NAME`: one that was given already has another value then.
fn having(mut words: Vec<String>, options: &[&str]) -> Vec<String> {
    for option in options.chunk_by(|_, next| !next.starts_with('-')) {
        let line = Line::read(&words);
        let at = line.only(option[0]).map_or(line.end, |given| given.take_out(&mut words));
        words.splice(at..at, option.iter().map(|word| (*word).to_owned()));
    }
    words
}

/// The words with one more operand. At the end an option might take it for its value.
fn joined(mut words: Vec<String>, operand: &str) -> Vec<String> {
    let line = Line::read(&words);
    let at = line.operands.last().map_or(line.behind_command, |last| last + 1);
    words.insert(at, operand.to_owned());
    words
}

/// The words with one of these behind the command, the first that what follows can stand behind.
fn led(words: &[String], names: &[&str]) -> Vec<String> {
    let at = Line::read(words).behind_command;
    let with = |name: &&str| [&words[..at], &[(*name).to_owned()], &words[at..]].concat();
    let fits = |words: &Vec<String>| Cli::command().try_get_matches_from(words).is_ok();
    let mut all = names.iter().map(with);
    all.clone().find(fits).or_else(|| all.next()).unwrap_or_default()
}

/// Where addresses of a peer stand.
fn addresses(line: &Line) -> Vec<Place> {
    match line.command() {
        Some("echo") => line.given("connect").and_then(|given| given.value).into_iter().collect(),
        _ => line.operands.iter().map(|word| Place { word: *word, from: 0 }).collect(),
    }
}

/// The words with another address in the place of this one, if it is there.
fn replaced(mut words: Vec<String>, address: &str, other: &str) -> Option<Vec<String>> {
    let is_it = |place: &Place| {
        let typed = place.of(&words);
        typed == address || typed == with_variables(address, typed)
    };
    let place = addresses(&Line::read(&words)).into_iter().find(is_it)?;
    let other = with_variables(other, place.of(&words));
    words[place.word].replace_range(place.from.., &other);
    Some(words)
}

fn moved(mut words: Vec<String>, target: &Target, address: &str) -> Vec<String> {
    let line = Line::read(&words);
    let with_port = |word: &str| Target::parse(&word.replace("{port}", &target.port.to_string())).ok();
    let is_there = |place: &Place| {
        let word = place.of(&words);
        let other = with_port(word).filter(|_| Target::looks_like(word));
        other.is_some_and(|other| (&other.host, other.port) == (&target.host, target.port))
    };
    let is_same = |place: &Place| {
        let word = place.of(&words);
        with_port(word).is_some_and(|other| other.resource == with_variables(&target.resource, word))
    };
    let there: Vec<Place> = addresses(&line).into_iter().filter(is_there).collect();
    let typed = there.iter().find(|place| is_same(place)).or(there.first());
    let untyped = target.via.untyped.first().map_or("", String::as_str);
    let before = typed.map_or(untyped, |place| place.of(&words));
    let is_any = before.contains("{port}") || before.is_empty() && line.given("exec").is_some();
    let address = with_variables(address, before);
    let port = format!(":{}", target.port);
    let address = if is_any { address.replacen(&port, ":{port}", 1) } else { address };
    match typed {
        Some(place) => words[place.word].replace_range(place.from.., &address),
        None => {
            words.insert(line.behind_command, address);
            words = adding(words, untyped_options(target));
        }
    }
    words
}

/// The options that a file has for the target: beside an address that is typed it counts no more.
fn untyped_options(target: &Target) -> &[String] {
    target.via.untyped.get(1..).unwrap_or_default()
}

/// The words with those of these options that they lack.
fn adding(mut words: Vec<String>, options: &[String]) -> Vec<String> {
    let others = [&run()[..], options].concat();
    let (line, read) = (Line::read(&words), Line::read(&others));
    let is_there = |other: &Vec<String>| {
        line.only(&other[0]).is_some() || line.options().iter().any(|given| given.words(&words) == *other)
    };
    let others = read.options().iter().map(|other| other.words(&others));
    let new: Vec<Vec<String>> = others.filter(|other| !is_there(other)).collect();
    words.splice(line.end..line.end, new.concat());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shell_words::split(line).unwrap()
    }

    fn typed(line: &str, target: &str, address: &str) -> String {
        shell(&moved(words(line), &Target::parse(target).unwrap(), address))
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
            (
                "wsspec run -o run --origin ws://h:1 h:1",
                "ws://h:1",
                "ws://h:2",
                "wsspec run -o run --origin ws://h:1 ws://h:2",
            ),
            (
                "wsspec echo --connect=ws://a:1 --agent x",
                "ws://a:1",
                "ws://h:2",
                "wsspec echo --connect=ws://h:2 --agent x",
            ),
        ] {
            assert_eq!(typed(line, target, address), again);
        }
    }

    #[test]
    fn advice_about_a_target_of_a_file_left_out_what_starts_it() {
        let mut target = Target::parse("ws://h:417/echo").unwrap();
        let moved = |line: &str, target: &Target| shell(&moved(words(line), target, "ws://h:417/ws"));
        target.via.untyped = words("ws://h:{port}/echo -H 'A: b' --exec './s {port}' -k");
        for (line, again) in [
            ("wsspec run 1.1 -q", "wsspec run 'ws://h:{port}/ws' 1.1 -q -H 'A: b' --exec './s {port}' -k"),
            (
                "wsspec run -H 'A: c' --exec t --insecure",
                "wsspec run 'ws://h:{port}/ws' -H 'A: c' --exec t --insecure -H 'A: b'",
            ),
            ("wsspec run ws://h:417", "wsspec run ws://h:417/ws"),
        ] {
            assert_eq!(moved(line, &target), again);
        }
        // What is no target of its own stays in force.
        target.via.untyped = words("ws://h:{port}");
        assert_eq!(moved("wsspec run 1.1", &target), "wsspec run 'ws://h:{port}/ws' 1.1");
    }

    #[test]
    fn an_address_in_another_place_was_corrected_or_none() {
        for (line, address, other, again) in [
            ("wsspec echo --connect=http://h", "http://h", "ws://h", "wsspec echo --connect=ws://h"),
            (
                "wsspec run --origin http://h:1 http://h:1",
                "http://h:1",
                "ws://h:1",
                "wsspec run --origin http://h:1 ws://h:1",
            ),
            (
                "wsspec run 'http://[::1]:{port}' --exec s",
                "http://[::1]:{port}",
                "ws://[::1]:{port}",
                "wsspec run 'ws://[::1]:{port}' --exec s",
            ),
            (
                "wsspec probe 'http://h/?token=env:TOKEN' -k",
                "http://h/?token=abc",
                "ws://h/?token=abc",
                "wsspec probe 'ws://h/?token=env:TOKEN' -k",
            ),
            (
                "wsspec probe 'http://h/?a=1&x=env:MINE'",
                "http://h/?a=1&x=abc",
                "ws://h/?a=1&x=abc",
                "wsspec probe 'ws://h/?a=1&x=env:MINE'",
            ),
        ] {
            assert_eq!(shell(&replaced(words(line), address, other).unwrap()), again);
        }
    }

    #[test]
    fn an_operand_was_taken_for_the_value_of_an_option() {
        for (line, again) in [
            ("wsspec run --last-failed --html", "wsspec run ws://h --last-failed --html"),
            ("wsspec -C f run 5.15 -x @core --backend", "wsspec -C f run 5.15 ws://h -x @core --backend"),
        ] {
            assert_eq!(shell(&joined(words(line), "ws://h")), again);
        }
    }

    #[test]
    fn advice_named_an_option_that_had_been_typed_once_more() {
        for (line, options, again) in [
            ("wsspec run ws://h -k", &["--sni", "a.test"][..], "wsspec run ws://h -k --sni a.test"),
            ("wsspec run ws://h --sni=b 1.1", &["--sni", "a.test"], "wsspec run ws://h --sni a.test 1.1"),
            (
                "wsspec run ws://h --cacert a --key b",
                &["--cacert", "c", "--key", "d"],
                "wsspec run ws://h --cacert c --key d",
            ),
            ("wsspec run ws://h -H a:b", &["-H", "c:d"], "wsspec run ws://h -H a:b -H c:d"),
            ("wsspec run ws://h -j 8 1.1", &["--jobs", "1"], "wsspec run ws://h --jobs 1 1.1"),
            ("wsspec run ws://h -vj8", &["--jobs", "1"], "wsspec run ws://h -v --jobs 1"),
            ("wsspec run ws://h --insecure", &["-k"], "wsspec run ws://h -k"),
            ("wsspec run -- ws://h", &["-k"], "wsspec run -k -- ws://h"),
        ] {
            assert_eq!(shell(&having(words(line), options)), again);
        }
    }

    #[test]
    fn the_tip_after_a_command_without_its_own_dropped_the_options() {
        let names = ["connect", "rtt", "throughput"];
        for (line, again) in [
            ("wsspec load ws://h:1 -n 5", "wsspec load connect ws://h:1 -n 5"),
            (
                "wsspec -q load ws://h:1 --size 1KiB --rate 5",
                "wsspec -q load rtt ws://h:1 --size 1KiB --rate 5",
            ),
            ("wsspec load ws://h:1 -k --in-flight=4", "wsspec load throughput ws://h:1 -k --in-flight=4"),
            ("wsspec load ws://h:1 --nonsense", "wsspec load connect ws://h:1 --nonsense"),
        ] {
            assert_eq!(shell(&led(&words(line), &names)), again);
        }
    }

    #[test]
    fn another_command_is_given_what_was_typed_of_the_peer() {
        let words = words("wsspec run ws://h 5.15 -H 'A: b' -j 3 --cacert=c.pem -vk -o x --sni n");
        assert_eq!(shell(&of_peer(&words)), "-H 'A: b' --cacert=c.pem -k --sni n");
    }
}
