//! `wsspec config`: what is set and where, whether it is right, and how to begin.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use toml_edit::Value;
use wsspec_cases::suite;
use wsspec_report::record::Redaction;

use crate::baseline::FILE as BASELINE;
use crate::config::{FILE, Layers, Origin, Setting, TargetTable, odd_variables};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::filter::Filter;
use crate::run::folder::unwritable;
use crate::run::plan::SECRET_HEADERS;
use crate::select;
use crate::terminal::Console;
use crate::text;
use crate::typed;
use crate::wstest::patterns::{excluded, included};
use crate::wstest::spec::{self, Choice, FuzzingClientSpec, FuzzingServerSpec, parse};

/// `wsspec config`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Print every value of a command and where it comes from
    Show {
        /// The command
        #[arg(value_name = "COMMAND", default_value = "run", value_parser = ["run", "serve"])]
        command: String,
    },
    /// Say whether the file is right
    Check,
    /// Print the wsspec.toml that says what a spec file of the reference suite says
    Migrate {
        /// fuzzingclient.json or fuzzingserver.json
        #[arg(value_name = "FILE")]
        spec: PathBuf,
    },
    /// Write a wsspec.toml to begin with
    Init {
        /// Print a workflow for GitHub instead
        #[arg(long)]
        github: bool,
    },
}

const EXAMPLES: &str = "\
Examples:
  wsspec config init                    a wsspec.toml to fill in
  wsspec config init --github > .github/workflows/wsspec.yml
  wsspec config show --profile ci
  wsspec config check -C ci/wsspec.toml
  wsspec config migrate fuzzingclient.json > wsspec.toml";

/// Does what was asked for. `load` finds and reads the file.
///
/// # Errors
/// E18: a file or a variable is wrong. E21: the file cannot be written.
pub fn run(
    args: &ConfigArgs,
    load: impl FnOnce() -> Result<Layers, Problem>,
    console: &Console,
) -> Result<ExitCode> {
    match &args.action {
        Action::Show { command } => show(&load()?, command, console)?,
        Action::Check => check(&load()?, console)?,
        Action::Migrate { spec } => migrate(spec, console)?,
        Action::Init { github: true } => console.say(-2, github()),
        Action::Init { github: false } => init(console)?,
    }
    Ok(ExitCode::Ok)
}

fn show(layers: &Layers, command: &str, console: &Console) -> Result<()> {
    console.say(-2, title(layers));
    warn(layers, console);
    let settings = layers.settings(command)?;
    let keys = if command == "serve" { &layers.keys.serve } else { &layers.keys.run };
    console.say(-2, format!("\n[{command}]"));
    if let Some(cases) = settings.iter().find(|setting| setting.key == "cases") {
        console.say(-2, line(cases));
    }
    for key in keys {
        let set = settings.iter().find(|setting| setting.key == key.name).cloned();
        let usual =
            || Setting { key: key.name.clone(), values: key.default.clone(), origin: Origin::Default };
        console.say(-2, line(&set.unwrap_or_else(usual)));
    }
    if command == "run" {
        for target in layers.file.iter().flat_map(|file| &file.targets) {
            console.say(-2, format!("\n{}", self::target(target, layers)));
        }
    }
    Ok(())
}

fn title(layers: &Layers) -> String {
    let Some(file) = &layers.file else { return format!("no {FILE} here or above") };
    match &layers.profile {
        Some(profile) => format!("{}, profile {profile}", file.path.display()),
        None => {
            let all: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
            let all =
                if all.is_empty() { String::new() } else { format!("   (profiles: {})", all.join(" ")) };
            format!("{}{all}", file.path.display())
        }
    }
}

/// `jobs           2                          wsspec.toml:20 (profile ci)`
fn line(setting: &Setting) -> String {
    let values: Vec<String> = setting.values.iter().map(|value| shown(&setting.key, value)).collect();
    let value = match (values.is_empty(), setting.key.as_str()) {
        (true, _) => "-".to_owned(),
        _ => values.join(", "),
    };
    format!("  {:<18} {:<32} {}", setting.key, value, setting.origin)
}

/// A value as it can be shown: secrets are not.
fn shown(key: &str, value: &str) -> String {
    let pair = match key {
        "url" => return Redaction::default().address(value),
        "header" if !value.contains(':') => return typed::header(value, &Redaction::default()),
        "header" => value.split_once(':'),
        "exec-env" => value.split_once('='),
        _ => None,
    };
    let Some((name, rest)) = pair else { return value.to_owned() };
    let is_secret =
        key == "exec-env" || SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name));
    let sign = if key == "header" { ':' } else { '=' };
    if is_secret && !rest.trim().starts_with("env:") {
        format!("{name}{sign}[redacted]")
    } else {
        value.to_owned()
    }
}

fn target(target: &TargetTable, layers: &Layers) -> String {
    let path = layers.file.as_ref().map(|file| file.path.display().to_string()).unwrap_or_default();
    let origin = |line| Origin::File { path: path.clone(), line };
    let mut out = vec!["[[target]]".to_owned()];
    let url = target.address();
    let place = target.url_line.map_or(Origin::Default, origin);
    out.push(line(&Setting { key: "url".to_owned(), values: vec![url], origin: place }));
    out.extend(target.settings.iter().map(line));
    for (header, place) in target.headers.iter().zip(&target.header_lines) {
        let values = vec![header.clone()];
        out.push(line(&Setting { key: "header".to_owned(), values, origin: origin(*place) }));
    }
    out.join("\n")
}

fn check(layers: &Layers, console: &Console) -> Result<(), Problem> {
    let Some(file) = &layers.file else {
        return Err(Problem::new(ErrorCode::E18, format!("there is no {FILE} here or above"))
            .fact("try", "wsspec config init"));
    };
    layers.settings("run")?;
    layers.settings("serve")?;
    let tables = [&file.run, &file.serve, &file.output].into_iter().chain(file.profiles.values());
    let of_targets = file.targets.iter().map(|target| &target.settings);
    tables.chain(of_targets).flatten().try_for_each(try_setting)?;
    warn(layers, console);
    let targets = text::count(file.targets.len(), "target");
    let profiles = text::count(file.profiles.len(), "profile");
    console.say(0, format!("{} is right: {targets}, {profiles}", file.path.display()));
    Ok(())
}

/// Whether cases, sets and filters mean something, which `run` would find out.
fn try_setting(setting: &Setting) -> Result<(), Problem> {
    let at = |problem: Problem| problem.fact("where", setting.origin.to_string());
    for value in &setting.values {
        let names = match setting.key.as_str() {
            "cases" | "exclude" => vec![value.clone()],
            "set" => vec![format!("@{}", value.trim_start_matches('@'))],
            "filter" => {
                Filter::parse(value).map_err(at)?;
                continue;
            }
            _ => continue,
        };
        select::cases(suite(), &names).map_err(at)?;
    }
    Ok(())
}

fn warn(layers: &Layers, console: &Console) {
    for warning in layers.file.iter().flat_map(|file| &file.warnings) {
        console.note(warning);
    }
    odd_variables(&layers.keys).iter().for_each(|warning| console.note(warning));
}

fn init(console: &Console) -> Result<(), Problem> {
    let path = PathBuf::from(FILE);
    if path.exists() {
        return Err(Problem::new(ErrorCode::E21, format!("{FILE} is there already"))
            .fact("try", "wsspec config check")
            .exit_with(ExitCode::Usage));
    }
    std::fs::write(&path, FIRST).map_err(|error| unwritable(&path, &error))?;
    console.say(-1, format!("wrote {FILE}; fill in [[target]], then   wsspec run"));
    Ok(())
}

/// A workflow that runs what is configured here, if something is.
fn github() -> String {
    let there = |name: &str| Path::new(name).exists();
    let mut run = "wsspec run".to_owned();
    if !there(FILE) {
        run += " --exec './my_server --port {port}'";
    }
    if there(BASELINE) {
        run += " --baseline ";
        run += BASELINE;
    }
    GITHUB.replace("RUN", &run)
}

fn migrate(spec: &Path, console: &Console) -> Result<(), Problem> {
    let name = spec.display().to_string();
    let octets = std::fs::read(spec).map_err(|error| {
        Problem::new(ErrorCode::E18, format!("cannot read {name}"))
            .fact("why", text::io_error(&error))
            .fact("try", "wsspec config migrate fuzzingclient.json")
    })?;
    let is_server = String::from_utf8_lossy(&octets).contains("\"url\"") && !has_servers(&octets);
    let (text, warnings) = if is_server {
        let (spec, mut warnings) = parse::<FuzzingServerSpec>(&name, &octets)?;
        (from_server(&spec, &mut warnings)?, warnings)
    } else {
        let (spec, mut warnings) = parse::<FuzzingClientSpec>(&name, &octets)?;
        (from_client(&spec, &mut warnings)?, warnings)
    };
    for warning in warnings {
        console.note(spec::warning(&warning));
    }
    console.say(-2, text);
    Ok(())
}

fn has_servers(octets: &[u8]) -> bool {
    String::from_utf8_lossy(octets).contains("\"servers\"")
}

fn from_client(spec: &FuzzingClientSpec, warnings: &mut Vec<String>) -> Result<String, Problem> {
    let mut out = vec!["schema = 1".to_owned(), String::new(), "[run]".to_owned()];
    out.extend(choice(&spec.choice, warnings)?);
    for server in &spec.servers {
        out.extend([String::new(), "[[target]]".to_owned()]);
        let pairs = [
            ("agent", server.agent.as_deref()),
            ("url", Some(server.url.as_str())),
            ("sni", server.hostname.as_deref()),
            ("origin", server.origin.as_deref()),
        ];
        out.extend(pairs.into_iter().filter_map(|(key, value)| Some(pair(key, value?))));
        if !server.protocols.is_empty() {
            out.push(list("subprotocol", &server.protocols));
        }
        if server.url.starts_with("wss:") {
            out.push("insecure = true     # as the reference suite, which checks no certificate".to_owned());
        }
    }
    out.extend([String::new(), "[output]".to_owned(), pair("out", &spec.outdir.display().to_string())]);
    Ok(out.join("\n"))
}

fn from_server(spec: &FuzzingServerSpec, warnings: &mut Vec<String>) -> Result<String, Problem> {
    let mut out = vec!["schema = 1".to_owned(), String::new(), "[serve]".to_owned()];
    out.extend(choice(&spec.choice, warnings)?);
    let port = crate::target::Target::parse(&spec.url).map_or(9001, |target| target.port);
    out.push(format!("port = {port}"));
    if spec.url.starts_with("wss:") {
        out.push("tls = true".to_owned());
    }
    let files = [("key", &spec.key), ("cert", &spec.cert)];
    out.extend(
        files.into_iter().filter_map(|(key, path)| Some(pair(key, &path.as_ref()?.display().to_string()))),
    );
    if !spec.protocols.is_empty() {
        out.push(list("subprotocol", &spec.protocols));
    }
    out.extend([String::new(), "[output]".to_owned(), pair("out", &spec.outdir.display().to_string())]);
    Ok(out.join("\n"))
}

/// Patterns without a case mean nothing there, and are errors here: they are left out, with a warning.
fn choice(choice: &Choice, warnings: &mut Vec<String>) -> Result<Vec<String>, Problem> {
    let all = suite().cases();
    included(&choice.cases, all, warnings)?;
    excluded(&choice.exclude_cases, all, warnings)?;
    let everything = choice.cases.iter().any(|pattern| pattern == "*");
    let cases = if everything {
        vec!["@autobahn".to_owned()]
    } else {
        let chosen = choice
            .cases
            .iter()
            .filter(|pattern| included(std::slice::from_ref(*pattern), all, &mut Vec::new()).is_ok());
        chosen.flat_map(|pattern| as_meant_there(pattern)).collect()
    };
    let mut out = vec![list("cases", &cases)];
    let removed = choice.exclude_cases.iter().filter(|pattern| {
        excluded(std::slice::from_ref(*pattern), all, &mut Vec::new()).is_ok_and(|cases| !cases.is_empty())
    });
    let removed: Vec<String> = removed.flat_map(|pattern| as_meant_there(pattern)).collect();
    if !removed.is_empty() {
        out.push(list("exclude", &removed));
    }
    for (agent, cases) in &choice.exclude_agent_cases {
        out.push(format!("# not for the agent {agent:?}: {}", cases.join(" ").replace('\n', " ")));
    }
    Ok(out)
}

/// A pattern there is the beginning of an id of the reference's cases, so that `1*` means 10, 12 and 13 too; here it is
/// matched whole, against the cases of all sections.
fn as_meant_there(pattern: &str) -> Vec<String> {
    let Some(start) = pattern.strip_suffix('*').filter(|start| !start.is_empty() && !start.ends_with('.'))
    else {
        return vec![pattern.to_owned()];
    };
    let is_meant = |section: &u16| section.to_string().starts_with(start);
    match start.bytes().all(|octet| octet.is_ascii_digit()) {
        true => (1..=13).filter(is_meant).map(|section| format!("{section}.*")).collect(),
        false => vec![pattern.to_owned()],
    }
}

fn pair(key: &str, value: &str) -> String {
    format!("{key} = {}", Value::from(value))
}

fn list(key: &str, values: &[String]) -> String {
    format!("{key} = {}", Value::from(values.iter().map(String::as_str).collect::<toml_edit::Array>()))
}

const FIRST: &str = "\
# What `wsspec run` does in this folder. Every long option is a key: wsspec help run
# wsspec config show   prints all values and where they come from
schema = 1

[run]
# set      = [\"core\", \"deflate\"]
# exclude  = [\"7.13.*\"]
# baseline = \"wsspec.baseline.toml\"

[[target]]
# agent   = \"mylib\"
url       = \"ws://127.0.0.1:{port}/\"
exec      = \"./my_server --port {port}\"
# headers = { Authorization = \"env:WS_TOKEN\" }

[output]
out = \"wsspec-out\"

[profile.ci]             # wsspec run --profile ci
jobs          = 2
timeout-scale = 2.0
";

const GITHUB: &str = "\
name: wsspec
on: [push, pull_request]
jobs:
  conformance:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - run: cargo install --locked --git https://github.com/OWNER/wsspec wsspec
      - run: make my_server
      - run: RUN
      - uses: actions/upload-artifact@v7
        if: always()
        with: { name: wsspec, path: wsspec-out }";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::{ConfigFile, Keys};
    use crate::toml_file::TomlFile;

    fn read(text: &str) -> ConfigFile {
        let file = TomlFile::parse(Path::new("wsspec.toml"), text.to_owned()).unwrap();
        ConfigFile::from_toml(&file, &Keys::of(&crate::cli::Cli::command())).unwrap()
    }

    #[test]
    fn what_is_written_can_be_read() {
        let first = read(FIRST);
        assert_eq!((first.targets.len(), first.profiles.len()), (1, 1));
        let spec = br#"{"outdir":"./r","servers":[{"agent":"a\"b","url":"wss://h:1/x"}],
            "cases":["1.*","9.1.1"],"exclude-cases":["1.1.1"],"exclude-agent-cases":{"x*":["2.*"]}}"#;
        let (spec, _) = parse::<FuzzingClientSpec>("f.json", spec).unwrap();
        let file = read(&from_client(&spec, &mut Vec::new()).unwrap());
        assert_eq!(file.targets[0].url.as_deref(), Some("wss://h:1/x"));
        assert_eq!(file.run[0].values, ["1.*", "9.1.1"]);
        assert_eq!(as_meant_there("1*"), ["1.*", "10.*", "11.*", "12.*", "13.*"]);
        assert_eq!(as_meant_there("7.1*"), ["7.1*"]);
        let spec = br#"{"url":"ws://127.0.0.1:9009","outdir":"./r","cases":["*"],"exclude-cases":[]}"#;
        let (spec, _) = parse::<FuzzingServerSpec>("f.json", spec).unwrap();
        let file = read(&from_server(&spec, &mut Vec::new()).unwrap());
        assert_eq!(file.serve[0].values, ["@autobahn"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown("header", "Authorization: Bearer x"), "Authorization:[redacted]");
        assert_eq!(shown("header", "Authorization: env:T"), "Authorization: env:T");
        assert_eq!(shown("exec-env", "TOKEN=x"), "TOKEN=[redacted]");
        assert_eq!(shown("header", "Authorization Bearer x"), "Authorization …");
        assert_eq!(
            shown("url", "ws:/me:x@h/?a=1&key=x y"),
            "ws:/[redacted 4 bytes]@h/?a=1&key=[redacted 3 bytes]"
        );
    }
}
