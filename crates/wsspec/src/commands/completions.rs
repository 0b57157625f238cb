//! `wsspec completions` and `wsspec man`: made from the one definition of the command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit_code::ExitCode;
use crate::run::folder::{Folder, unwritable};
use crate::terminal::Console;

/// `wsspec completions`
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_name = "bash|elvish|fish|powershell|zsh")]
    pub shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(wsspec completions bash)
  wsspec completions fish > ~/.config/fish/completions/wsspec.fish";

/// `wsspec man`
#[derive(Clone, Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Write the pages of all commands to this folder; otherwise that of wsspec is printed
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

const MAN_EXAMPLES: &str = "\
Examples:
  wsspec man | man -l -
  wsspec man -o ~/.local/share/man/man1";

/// Prints the script that completes words of the command line.
///
/// # Errors
/// None that is expected.
pub fn completions(args: &CompletionsArgs, console: &Console) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wsspec", &mut script);
    console.data(&String::from_utf8(script)?);
    Ok(ExitCode::Ok)
}

/// Prints or writes manual pages.
///
/// # Errors
/// E21: the folder cannot be written.
pub fn man(args: &ManArgs, console: &Console) -> Result<ExitCode> {
    let command = Cli::command();
    let Some(out) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        console.data(&String::from_utf8(page)?);
        return Ok(ExitCode::Ok);
    };
    Folder::open(out)?;
    clap_mangen::generate_to(command, out).map_err(|error| unwritable(out, &error))?;
    console.say(-1, format!("wrote {}", out.join("wsspec.1").display()));
    Ok(ExitCode::Ok)
}
