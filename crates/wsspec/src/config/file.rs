use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike, Value};

use super::keys::{CASES, Key, Keys, TARGET};
use super::layers::{Origin, Setting};
use crate::errors::Problem;
use crate::run::plan::SECRET_HEADERS;
use crate::sut::plan::ANY_PORT;
use crate::target::OVER_SOCKET;
use crate::toml_file::{TomlFile, text, texts};

/// A `wsspec.toml` as it was read.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// The folder that its paths are relative to; empty: the current one.
    pub base: PathBuf,
    /// `[run]`, and what it says of cases.
    pub run: Vec<Setting>,
    /// `[serve]`
    pub serve: Vec<Setting>,
    /// `[output]`
    pub output: Vec<Setting>,
    /// `[[target]]`, in order.
    pub targets: Vec<TargetTable>,
    /// `[profile.NAME]`
    pub profiles: BTreeMap<String, Vec<Setting>>,
    /// What is no error, but should not be so.
    pub warnings: Vec<String>,
}

/// A server under test.
#[derive(Clone, Debug, Default)]
pub struct TargetTable {
    /// Its address, if it has one.
    pub url: Option<String>,
    /// The line on which that stands.
    pub url_line: Option<usize>,
    /// Headers of the opening handshake, as `-H` takes them.
    pub headers: Vec<String>,
    /// The line on which each of them stands.
    pub header_lines: Vec<usize>,
    /// Everything else.
    pub settings: Vec<Setting>,
}

impl TargetTable {
    /// Its address, or the usual one: behind its Unix socket, or at a free port.
    pub fn address(&self) -> String {
        let usual = match self.settings.iter().any(|setting| setting.key == "unix") {
            true => OVER_SOCKET,
            false => ANY_PORT,
        };
        self.url.clone().unwrap_or_else(|| usual.to_owned())
    }
}

const TABLES: [&str; 6] = ["schema", "run", "serve", "output", "target", "profile"];

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// E18, with line and column: it is missing, no TOML, or says something that is not known.
    pub fn read(path: &Path, keys: &Keys) -> Result<Self, Problem> {
        Self::from_toml(&TomlFile::read(path, "wsspec config init")?, keys)
    }

    /// What a file says.
    ///
    /// # Errors
    /// E18, with line and column.
    pub fn from_toml(file: &TomlFile, keys: &Keys) -> Result<Self, Problem> {
        file.check_schema()?;
        let base = file.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut read = Self { path: file.path.clone(), base, ..Self::default() };
        for (name, item) in file.root().iter() {
            match name {
                "schema" => {}
                "run" => read.run = read.table(file, item, &keys.run, &[CASES], None)?,
                "serve" => read.serve = read.table(file, item, &keys.serve, &[CASES], None)?,
                "output" => read.output = read.table(file, item, &keys.output, &[], None)?,
                "target" => read.targets(file, item, keys)?,
                "profile" => read.profiles(file, item, keys)?,
                _ => return Err(unknown(file, file.root(), name, &TABLES)),
            }
        }
        Ok(read)
    }

    fn profiles(&mut self, file: &TomlFile, item: &Item, keys: &Keys) -> Result<(), Problem> {
        let Some(tables) = item.as_table_like() else {
            return Err(file.wrong_value("profile", item, "tables, as in [profile.ci]"));
        };
        for (name, item) in tables.iter() {
            let settings = self.table(file, item, &keys.profile(), &[CASES], Some(name))?;
            self.profiles.insert(name.to_owned(), settings);
        }
        Ok(())
    }

    fn targets(&mut self, file: &TomlFile, item: &Item, keys: &Keys) -> Result<(), Problem> {
        let Some(tables) = item.as_array_of_tables() else {
            return Err(file.wrong_value("target", item, "a list of tables, as in [[target]]"));
        };
        let known: Vec<Key> = keys.target().cloned().collect();
        for table in tables {
            let mut target = TargetTable::default();
            for (name, item) in table {
                match name {
                    "url" => {
                        target.url = Some(required_text(file, name, item)?);
                        target.url_line = Some(file.line(item.span()));
                    }
                    "headers" => {
                        (target.headers, target.header_lines) = self.headers(file, item)?.into_iter().unzip();
                    }
                    _ => {
                        let mut names: Vec<&str> = known.iter().map(|key| key.name.as_str()).collect();
                        names.retain(|name| *name != "header");
                        let key = known.iter().find(|key| key.name == name);
                        let Some(key) = key.filter(|key| key.name != "header") else {
                            return Err(unknown(file, table, name, &[&TARGET[..], &names].concat()));
                        };
                        target.settings.push(self.setting(file, item, key, None)?);
                    }
                }
            }
            let is_set = |name: &str| target.settings.iter().any(|setting| setting.key == name);
            if target.url.is_none() && !is_set("exec") && !is_set("unix") {
                return Err(file
                    .wrong(table.span(), "this target has no address", "neither url nor exec nor unix")
                    .fact("try", "url = \"ws://127.0.0.1:9001\"   or   exec = \"./my_server {port}\""));
            }
            self.targets.push(target);
        }
        Ok(())
    }

    /// `{ Authorization = "env:WS_TOKEN" }`, each with its line.
    fn headers(&mut self, file: &TomlFile, item: &Item) -> Result<Vec<(String, usize)>, Problem> {
        let Some(table) = item.as_table_like() else {
            return Err(file.wrong_value(
                "headers",
                item,
                "names and values, as in { Authorization = \"env:TOKEN\" }",
            ));
        };
        let mut headers = Vec::new();
        for (name, item) in table.iter() {
            let value = required_text(file, name, item)?;
            if SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
                && !value.starts_with("env:")
            {
                self.secret(file, item, name);
            }
            headers.push((format!("{name}: {value}"), file.line(item.span())));
        }
        Ok(headers)
    }

    fn secret(&mut self, file: &TomlFile, item: &Item, name: &str) {
        let line = file.line(item.span());
        self.warnings.push(format!(
            "warning[W08]: {}:{line}: the value of {name} looks like a secret; \"env:NAME\" takes it from the \
             environment",
            file.path.display()
        ));
    }

    fn table(
        &mut self,
        file: &TomlFile,
        item: &Item,
        known: &[Key],
        more: &[&str],
        profile: Option<&str>,
    ) -> Result<Vec<Setting>, Problem> {
        let Some(table) = item.as_table_like() else {
            let at = item.span();
            return Err(file.wrong(at, "a table belongs here", "as in [run]").fact("try", "[run]"));
        };
        let mut settings = Vec::new();
        for (name, item) in table.iter() {
            if let Some(key) = known.iter().find(|key| key.name == name) {
                settings.push(self.setting(file, item, key, profile)?);
            } else if more.contains(&name) {
                let Some(values) = texts(item) else {
                    return Err(file.wrong_value(name, item, "a list of texts, as in [\"7.*\"]"));
                };
                settings.push(Setting { key: name.to_owned(), values, origin: origin(file, item, profile) });
            } else {
                let names: Vec<&str> = known.iter().map(|key| key.name.as_str()).collect();
                return Err(unknown(file, table, name, &[more, &names].concat()));
            }
        }
        Ok(settings)
    }

    fn setting(
        &mut self,
        file: &TomlFile,
        item: &Item,
        key: &Key,
        profile: Option<&str>,
    ) -> Result<Setting, Problem> {
        let values = match (item.as_value(), key.is_flag, key.is_list) {
            (Some(Value::Boolean(value)), true, _) => vec![value.value().to_string()],
            (_, true, _) => return Err(file.wrong_value(&key.name, item, "true or false, as in true")),
            (Some(Value::Array(_)), _, true) => {
                let form = "a list of texts, as in [\"a\", \"b\"]";
                texts(item).ok_or_else(|| file.wrong_value(&key.name, item, form))?
            }
            (Some(Value::Integer(number)), ..) => vec![number.value().to_string()],
            (Some(Value::Float(number)), ..) => vec![number.value().to_string()],
            (Some(Value::String(text)), ..) => vec![text.value().clone()],
            _ => return Err(file.wrong_value(&key.name, item, "a text or a number, as in \"value\"")),
        };
        self.look_for_secrets(file, item, key, &values);
        super::layers::check(key, &values).map_err(|why| {
            let what = format!("the value of {:?} cannot be used", key.name);
            file.wrong(item.span(), &what, why)
                .fact("try", format!("wsspec help run   tells of --{}", key.name))
        })?;
        let at_base = |value: String| match key.is_path {
            true => self.base.join(&value).display().to_string(),
            false => value,
        };
        let values = values.into_iter().map(at_base).collect();
        Ok(Setting { key: key.name.clone(), values, origin: origin(file, item, profile) })
    }

    /// Variables and headers whose names say that their values are nobody's business.
    fn look_for_secrets(&mut self, file: &TomlFile, item: &Item, key: &Key, values: &[String]) {
        const NAMES: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "KEY"];
        for value in values {
            let pair = match key.name.as_str() {
                "exec-env" => value.split_once('='),
                "header" => value.split_once(':'),
                _ => None,
            };
            let Some((name, value)) = pair else { continue };
            let upper = name.trim().to_uppercase();
            let tells = NAMES.iter().any(|word| upper.contains(word));
            let is_header = SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name.trim()));
            if (tells || is_header)
                && !value.trim().starts_with("env:")
                && !upper.starts_with("SEC-WEBSOCKET")
            {
                self.secret(file, item, name.trim());
            }
        }
    }
}

fn origin(file: &TomlFile, item: &Item, profile: Option<&str>) -> Origin {
    let line = file.line(item.span());
    let path = file.path.display().to_string();
    match profile {
        Some(name) => Origin::Profile { name: name.to_owned(), path, line },
        None => Origin::File { path, line },
    }
}

fn required_text(file: &TomlFile, name: &str, item: &Item) -> Result<String, Problem> {
    text(item).ok_or_else(|| file.wrong_value(name, item, "a text, as in \"...\""))
}

fn unknown(file: &TomlFile, table: &dyn TableLike, name: &str, known: &[&str]) -> Problem {
    let (key, _) = table.get_key_value(name).expect("the key has just been read");
    file.unknown_key(key, known)
}
