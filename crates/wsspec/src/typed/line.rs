//! The words of a command line, and what each of them is by the definition of the commands.

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::cli::Cli;

/// What the words of a command line are. It does not judge: what is not defined is an option without a value.
pub(super) struct Line {
    /// From the root to the command that was typed.
    commands: Vec<Command>,
    /// Behind the name of the command.
    pub(super) behind_command: usize,
    /// Words that are no options, and no values of options.
    pub(super) operands: Vec<usize>,
    options: Vec<Given>,
    /// Where more options may stand.
    pub(super) end: usize,
}

/// A part of a word: from this octet on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) word: usize,
    pub(super) from: usize,
}

impl Place {
    /// What stands there.
    pub(super) fn of(self, words: &[String]) -> &str {
        &words[self.word][self.from..]
    }
}

/// An option that was typed.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// What it is called in the definition.
    pub(super) id: String,
    /// Its name; behind the first octet of the word that is one letter, maybe among others.
    name: Place,
    /// Its value, which may stand in the same word.
    pub(super) value: Option<Place>,
}

impl Line {
    /// Reads the words, the first of which is the program.
    pub(super) fn read(words: &[String]) -> Self {
        let mut line = Self {
            commands: vec![Cli::command()],
            behind_command: 1.min(words.len()),
            operands: Vec::new(),
            options: Vec::new(),
            end: words.len(),
        };
        let mut at = 1;
        while at < words.len() {
            let word = words[at].as_str();
            let command = line.commands.last().and_then(|command| command.find_subcommand(word)).cloned();
            if let Some(command) = command {
                line.commands.push(command);
                line.behind_command = at + 1;
            } else if word == "--" {
                line.end = at;
                line.operands.extend(at + 1..words.len());
                break;
            } else if let Some(name) = word.strip_prefix("--") {
                line.long(name, words, &mut at);
            } else if word.starts_with('-') && word != "-" {
                line.letters(words, &mut at);
            } else {
                line.operands.push(at);
            }
            at += 1;
        }
        line
    }

    /// The name of the command.
    pub(super) fn command(&self) -> Option<&str> {
        self.commands.get(1).map(Command::get_name)
    }

    /// This option, if it was typed.
    pub(super) fn given(&self, id: &str) -> Option<&Given> {
        self.options.iter().find(|given| given.id == id)
    }

    /// All options, in the order in which they were typed.
    pub(super) fn options(&self) -> &[Given] {
        &self.options
    }

    /// The option that is called so, `--jobs` or `-j`, if it was typed and cannot be typed again.
    pub(super) fn only(&self, name: &str) -> Option<&Given> {
        let argument = self.argument(name);
        let argument = argument.filter(|argument| !matches!(argument.get_action(), ArgAction::Append));
        self.given(argument?.get_id().as_str())
    }

    /// Whether the command has an option that is called so.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.argument(name).is_some()
    }

    fn argument(&self, name: &str) -> Option<&Arg> {
        match name.strip_prefix("--") {
            Some(name) => self.long_one(name),
            None => self.letter(name.chars().nth(1)?),
        }
    }

    /// `--name value`, `--name=value`, `--name`
    fn long(&mut self, name: &str, words: &[String], at: &mut usize) {
        let (name, attached) = name.split_once('=').map_or((name, false), |(name, _)| (name, true));
        let Some(argument) = self.long_one(name) else { return };
        let (id, word) = (argument.get_id().to_string(), *at);
        let value = match attached {
            true => Some(Place { word, from: "--=".len() + name.len() }),
            false => following(argument, words, at),
        };
        self.options.push(Given { id, name: Place { word, from: 0 }, value });
    }

    /// `-k`, `-j 8`, `-j8`, `-kj8`
    fn letters(&mut self, words: &[String], at: &mut usize) {
        let word = *at;
        for (from, letter) in words[word].char_indices().skip(1) {
            let Some(argument) = self.letter(letter) else { continue };
            let (id, rest) = (argument.get_id().to_string(), from + letter.len_utf8());
            let value = match &words[word][rest..] {
                _ if !takes_value(argument) => None,
                "" => following(argument, words, at),
                attached => Some(Place { word, from: rest + usize::from(attached.starts_with('=')) }),
            };
            self.options.push(Given { id, name: Place { word, from }, value });
            if value.is_some() {
                return;
            }
        }
    }

    fn long_one(&self, name: &str) -> Option<&Arg> {
        self.arguments().find(|argument| argument.get_long() == Some(name))
    }

    fn letter(&self, letter: char) -> Option<&Arg> {
        self.arguments().find(|argument| argument.get_short() == Some(letter))
    }

    /// Those of the command, and those of all.
    fn arguments(&self) -> impl Iterator<Item = &Arg> {
        self.commands.iter().rev().flat_map(Command::get_arguments)
    }
}

impl Given {
    /// The words that say this and nothing else.
    pub(super) fn words(&self, words: &[String]) -> Vec<String> {
        let Place { word, from } = self.name;
        let last = self.value.map_or(word, |value| value.word);
        if from == 0 {
            return words[word..=last].to_vec();
        }
        let letter = words[word][from..].chars().take(1);
        let name = std::iter::once('-').chain(letter).collect();
        std::iter::once(name).chain(self.value.map(|value| value.of(words).to_owned())).collect()
    }

    /// Takes it out of the words. Returns where it stood.
    pub(super) fn take_out(&self, words: &mut Vec<String>) -> usize {
        let Place { word, from } = self.name;
        if let Some(value) = self.value.filter(|value| value.word > word) {
            words.remove(value.word);
        }
        let (before, name) = words[word].split_at(from);
        let behind = if self.value.is_none() && from > 0 { name.get(1..).unwrap_or_default() } else { "" };
        let letters = format!("{before}{behind}");
        if letters.len() < 2 {
            words.remove(word);
            return word;
        }
        words[word] = letters;
        word + 1
    }
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

/// The value in the word behind the option, if there is one.
fn following(argument: &Arg, words: &[String], at: &mut usize) -> Option<Place> {
    let word = *at + 1;
    let is_value = |word: &String| !word.starts_with('-') || word == "-";
    let is_taken = takes_value(argument) && !argument.is_require_equals_set();
    let taken = is_taken && words.get(word).is_some_and(is_value);
    taken.then(|| {
        *at = word;
        Place { word, from: 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shell_words::split(line).unwrap()
    }

    #[test]
    fn operands_are_told_from_values() {
        for (line, operands) in [
            ("wsspec run ws://h 5.15 -o x", &["ws://h", "5.15"][..]),
            ("wsspec -q run --out run 1.1", &["1.1"]),
            ("wsspec run --html a.html 1.1", &["1.1"]),
            ("wsspec run --html=a.html 1.1 --html", &["1.1"]),
            ("wsspec run --fail-fast ws://h", &["ws://h"]),
            ("wsspec run -kj8 ws://h -j 8 -vvv 1.1", &["ws://h", "1.1"]),
            ("wsspec load rtt ws://h --rate 5", &["ws://h"]),
            ("wsspec echo --connect ws://h", &[]),
            ("wsspec run --junit - -- ws://h -1", &["ws://h", "-1"]),
        ] {
            let words = words(line);
            let found: Vec<&str> = Line::read(&words).operands.iter().map(|at| words[*at].as_str()).collect();
            assert_eq!(found, operands, "{line}");
        }
    }

    #[test]
    fn an_option_is_taken_out_in_whatever_form_it_was_typed() {
        for (line, id, rest) in [
            ("wsspec run ws://h -j 8 1.1", "jobs", "wsspec run ws://h 1.1"),
            ("wsspec run -j8", "jobs", "wsspec run"),
            ("wsspec run --jobs=8 -k", "jobs", "wsspec run -k"),
            ("wsspec run -vkj8 1.1", "jobs", "wsspec run -vk 1.1"),
            ("wsspec run -v6k", "ipv6", "wsspec run -vk"),
            ("wsspec run --insecure 1.1", "insecure", "wsspec run 1.1"),
        ] {
            let mut words = words(line);
            Line::read(&words).given(id).unwrap().take_out(&mut words);
            assert_eq!(words.join(" "), rest, "{line}");
        }
    }
}
