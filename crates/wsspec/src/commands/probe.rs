//! `wsspec probe`: what is this peer?

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::cli::parse_duration;
use crate::exit_code::ExitCode;
use crate::peer_args::PeerArgs;
use crate::probe::{Finding, Probe};
use crate::run::preflight::Look;
use crate::terminal::{Console, Tone};
use crate::text::wrap;
use crate::typed;

/// Before the text of a line.
const INDENT: usize = 9;
/// Between the texts of a line.
const GAP: usize = 6;

/// `wsspec probe`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProbeArgs {
    /// The peer.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// Wait so long for connection, answer and echo, each
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s")]
    pub timeout: Duration,
    /// Send large messages and open several connections also to a public address
    #[arg(long)]
    pub limits: bool,
}

const EXAMPLES: &str = "\
Examples:
  wsspec probe ws://127.0.0.1:9001
  wsspec probe wss://example.org/chat -H 'Authorization: env:TOKEN'
  wsspec probe ws://10.0.0.7:9001 --timeout 20s
  wsspec probe --unix /run/my_server.sock
Exit status:
  0 if cases can be run; 3 if not, with the reason";

/// Looks at a peer from all sides and says what there is.
///
/// # Errors
/// E01 to E12: the one reason why no case could run.
pub async fn run(args: &ProbeArgs, console: &Console) -> Result<ExitCode> {
    let peer = args.peer.plan(console)?;
    let Some(target) = &peer.target else { unreachable!("a URL was given") };
    if target.scheme_guessed {
        console.note(format!("note: no scheme, using ws:// for {}", target.authority()));
    }
    let look = Look {
        target,
        opening: &peer.opening,
        secure: peer.secure.as_ref(),
        limit: args.timeout,
        echo: true,
        lenient: false,
        started: false,
        others: &[],
    };
    let tell = |finding: &Finding| console.say(-1, line(finding, console));
    Probe { look, always_limits: args.limits, tell: &tell }.run().await?;
    let ready = format!("yes: {}", typed::other("run", target, &[]));
    let code = ExitCode::Ok;
    tell(&Finding { label: "ready", texts: vec![(Tone::Good, ready), (Tone::Note, code.to_string())] });
    Ok(code)
}

/// `echo     ok (text, binary, empty)      ping -> pong 0.2 ms`, broken where it gets too wide.
fn line(finding: &Finding, console: &Console) -> String {
    let style = console.style;
    let mut out = format!("{:<INDENT$}", finding.label);
    let mut width = INDENT;
    for (place, (tone, text)) in finding.texts.iter().enumerate() {
        let length = text.chars().count();
        if place > 0 && width + GAP + length > style.width {
            out.push_str(&format!("\n{:INDENT$}", ""));
            width = INDENT;
        } else if place > 0 {
            out.push_str(&" ".repeat(GAP));
            width += GAP;
        }
        let lines = wrap(text, style.width.saturating_sub(width).max(20));
        let painted: Vec<String> = lines.iter().map(|line| style.paint(*tone, line)).collect();
        out.push_str(&painted.join(&format!("\n{:INDENT$}", "")));
        width += length;
    }
    out
}
