use clap::CommandFactory;

use super::*;

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_in_a_group_of_the_help() {
    let mut command = Cli::command();
    command.build();
    let help = command.render_long_help().to_string();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let line = format!("\n  {:<12} {}\n", sub.get_name(), sub.get_about().unwrap());
        assert_eq!(help.matches(&line).count(), 1, "{line}{help}");
    }
    assert!(help.contains("\nPeers\n  echo ") && help.contains("--ascii"), "{help}");
}

#[test]
fn times_need_a_unit() {
    assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
    assert_eq!(parse_duration("20m"), Ok(Duration::from_secs(1200)));
    for text in ["5", "s", "0s", "-1s", "1.2.3s", "1e9h", "99999h"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn help_fits_80_columns() {
    let mut command = Cli::command();
    command.build();
    assert_narrow(&mut command);
}

/// The help of this command and of all below it.
fn assert_narrow(command: &mut clap::Command) {
    let help = command.render_long_help().to_string();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
    }
    command.get_subcommands_mut().for_each(assert_narrow);
}

/// Where users find examples.
const DOCUMENTS: [&str; 4] = [
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/command-line.md"),
    include_str!("../../../../docs/outputs.md"),
    include_str!("../../../../docs/ci.md"),
];

/// All commands that can be typed, `baseline create` and `load rtt` among them.
fn typed_commands(command: &clap::Command, before: &[String]) -> Vec<(Vec<String>, clap::Command)> {
    let mut all = Vec::new();
    for sub in command.get_subcommands().filter(|sub| !["help", "wstest"].contains(&sub.get_name())) {
        let name = [before, &[sub.get_name().to_owned()]].concat();
        let below = typed_commands(sub, &name);
        all.push((name, sub.clone()));
        all.extend(below);
    }
    all
}

/// The lines of code blocks and help texts that are commands of ours.
fn example_lines() -> Vec<String> {
    let mut command = Cli::command();
    command.build();
    let mut lines: Vec<String> = Vec::new();
    for text in DOCUMENTS {
        let blocks = text.split("\n```").skip(1).step_by(2);
        lines.extend(blocks.flat_map(str::lines).map(str::to_owned));
    }
    for (_, sub) in typed_commands(&command, &[]) {
        let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
        lines.extend(help.lines().map(str::to_owned));
    }
    let typed = lines.iter().filter_map(|line| {
        let line = line.trim().trim_start_matches("- run: ").trim_start_matches("$ ");
        line.starts_with("wsspec ").then(|| line.to_owned())
    });
    typed.collect()
}

#[test]
fn every_flag_appears_in_an_example_of_its_command() {
    let mut command = Cli::command();
    command.build();
    let lines = example_lines();
    let words = |line: &str| -> Vec<String> {
        line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).map(str::to_owned).collect()
    };
    let lines: Vec<Vec<String>> = lines.iter().map(|line| words(line)).collect();
    let shows = |line: &[String], argument: &clap::Arg| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        long.into_iter().chain(short).any(|name| line.contains(&name))
    };
    let mut missing = Vec::new();
    for (name, sub) in typed_commands(&command, &[]) {
        // What `load` and `baseline` have in common need not be shown for each of their parts.
        let own: Vec<&Vec<String>> = lines.iter().filter(|line| line.get(1) == name.first()).collect();
        for argument in sub.get_arguments().filter(|argument| argument.get_long().is_some()) {
            let is_everywhere = argument.is_global_set();
            let hidden = ["help", "version"].contains(&argument.get_long().unwrap_or_default());
            let shown = match is_everywhere {
                true => lines.iter().any(|line| shows(line, argument)),
                false => own.iter().any(|line| shows(line, argument)),
            };
            if !hidden && !shown {
                missing.push(format!("{} --{}", name.join(" "), argument.get_long().unwrap_or_default()));
            }
        }
    }
    assert!(missing.is_empty(), "in no example of its command: {missing:#?}");
}

#[test]
fn every_example_can_be_typed() {
    let mut wrong = Vec::new();
    for line in example_lines() {
        // Two blanks part a command from what is said of it.
        let command = line.split_once("  ").map_or(line.as_str(), |(command, _)| command);
        let command = command.split(" | ").next().unwrap_or(command);
        if command.contains(" > ") || command.contains('…') {
            continue;
        }
        let words = shell_words::split(command).unwrap_or_else(|error| panic!("{line}: {error}"));
        if words.get(1).is_some_and(|word| word == "help") || words.len() == 1 {
            continue;
        }
        if let Err(error) = Cli::try_parse_from(words)
            && error.use_stderr()
        {
            wrong.push(format!("{line}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What users are promised to be able to type, one of each kind.
const PROMISED: &str = r"
    wsspec run ws://127.0.0.1:9001
    wsspec run ws://127.0.0.1:9001 7.* 5.15 -x 7.13.*
    wsspec run ws://127.0.0.1:{port}/echo --exec './target/release/echo {port}'
    wsspec run ws://127.0.0.1:{port} --exec 'node echo.js' --ready 'log:listening'
    wsspec run wss://staging.example/ws -H 'Authorization: Bearer env:TOKEN'
    wsspec run ws://a:9001 ws://b:9002 --agent a=libA --agent b=libB --html cmp.html
    wsspec run -E 'rfc(6455#5.4) and not time(>1s)' ws://127.0.0.1:9001
    wsspec run @all ws://127.0.0.1:9001 --slice 2/4 -o shard2
    wsspec merge shard1 shard2 -o all
    wsspec run ws://127.0.0.1:9001 --baseline wsspec.baseline.toml --junit junit.xml
    wsspec run ws://proxy:8080/ --backend 0.0.0.0:9100
    wsspec serve --once --exec './my_driver {url}'
    wsspec serve --once --exec-case './my_client {url}'
    wsspec serve --once --browser 'chromium --headless=new {page}'
    wsspec list
    wsspec list 7.* -v
    wsspec list --sets
    wsspec list -E 'level(should)' --format json
    wsspec explain 7.1.2
    wsspec explain 1007
    wsspec explain E09
    wsspec show 5.15 -vvv
    wsspec show 5.15 --hex
    wsspec report --open
    wsspec report --junit j.xml --badge b.svg
    wsspec diff main.jsonl new.jsonl --md diff.md
    wsspec baseline create --reason 'initial import'
    wsspec baseline update --only-fixed
    wsspec echo 127.0.0.1:9001
    wsspec echo --defect orphan-continuation
    wsspec load connect ws://127.0.0.1:9001 -n 10000 --rate 500
    wsspec load rtt ws://127.0.0.1:9001 --rate 2000 --size 1KiB --for 30s --threshold 'p99<5ms' --threshold 'errors=0'
    wsspec load rtt ws://127.0.0.1:9001 --rate 2000 --threshold 'p99<5ms'
    wsspec repro 5.15 --as python
    wsspec repro 5.15 --as nc
    wsspec repro 5.15 --as rust
    wsspec repro 5.15 --as js
    wsspec repro 5.15 --as hex
    wsspec repro 5.15 --as pcap
    wsspec probe wss://example.org/chat
    wsspec probe ws://10.0.0.7:9001 --timeout 20s
    wsspec wstest -m fuzzingclient -s fuzzingclient.json
    wsspec config show
    wsspec config check
    wsspec config migrate fuzzingclient.json
    wsspec config init --github
    wsspec schema results
    wsspec completions bash
    wsspec demo";

#[test]
fn every_line_that_users_are_promised_is_understood() {
    for line in PROMISED.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = shell_words::split(line).unwrap();
        match Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).command {
            Some(Command::Run(args)) => {
                if let Some(filter) = &args.filter {
                    crate::filter::Filter::parse(filter).unwrap();
                }
                let names: Vec<String> =
                    args.words.into_iter().filter(|word| !word.contains("://")).collect();
                crate::select::cases(wsspec_cases::suite(), &names).unwrap();
            }
            Some(Command::List(args)) => {
                args.filter.iter().for_each(|filter| drop(crate::filter::Filter::parse(filter).unwrap()));
            }
            _ => {}
        }
    }
}

#[test]
fn every_command_has_an_example_of_its_own() {
    let mut command = Cli::command();
    command.build();
    for sub in command.get_subcommands().filter(|sub| !["help", "wstest"].contains(&sub.get_name())) {
        let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = format!("wsspec {}", sub.get_name());
        assert!(help.contains(&example), "{example}: {help}");
    }
}
