//! Stand-alone scripts that send the octets of a case and print what comes back.
//!
//! A script holds octets that the tester sent, and texts of the suite. No text of the peer is ever part of one.

mod frames;
mod makeable;
mod recorded;
mod shell_scripts;
mod templates;

use std::time::Duration;

use crate::record::Role;
use frames::pieces;
pub use makeable::forms;
pub use recorded::{PATIENCE, add, answer_any_key, expected, head, pause};

/// The most octets that a script spells out.
const LIMIT: usize = 256 << 10;

/// A conversation that can be had again.
#[derive(Clone, Debug)]
pub struct Script {
    /// Id and name of the case.
    pub name: String,
    /// What happens in it.
    pub title: String,
    /// What should come back, line by line.
    pub expected: Vec<String>,
    /// Where the octets are from, such as `the record` or `case and seed`.
    pub origin: String,
    /// The role of the implementation: a server is connected to, a client is waited for.
    pub role: Role,
    /// Where the server is, or where the client is waited for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether there is TLS below.
    pub tls: bool,
    /// Secrets in the opening handshake are starred out.
    pub redacted: bool,
    /// What is sent.
    pub moves: Vec<Move>,
    /// What follows the last octet.
    pub end: End,
    /// How long to wait then for the peer.
    pub patience: Duration,
}

/// A write of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// Wait so long before it.
    pub pause: Duration,
    /// Wait, before the pause, until the peer has sent something since the last move.
    pub listen: bool,
    /// What is sent.
    pub octets: Vec<u8>,
}

/// How the tester ends what it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It waits for the peer, and closes.
    #[default]
    Close,
    /// It sends FIN, and waits for the peer.
    Fin,
    /// It sends RST.
    Reset,
}

/// The language of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Python 3.
    Python,
    /// A shell script around `nc`.
    Nc,
    /// Rust.
    Rust,
    /// Node.js.
    Js,
    /// The octets in hex, with comments.
    Hex,
    /// `curl`, for the opening handshake.
    Curl,
}

/// Why there is no script of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The case sends more than a script should hold.
    #[error("the case sends {0} octets that do not repeat; a script holds at most {LIMIT}")]
    TooLarge(usize),
    /// The form cannot wait for a client.
    #[error("this form can only connect to a server, and the case tests a client")]
    Client,
    /// The form knows no TLS.
    #[error("this form speaks no TLS")]
    Tls,
    /// curl would send other octets.
    #[error("curl would not send the octets of this opening handshake")]
    Curl,
    /// The case has nothing to send.
    #[error("nothing is sent in this case")]
    Silent,
}

impl Script {
    /// Whether the form can hold this conversation.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn fits(&self, form: Form) -> Result<(), Unfit> {
        if self.moves.is_empty() {
            return Err(Unfit::Silent);
        }
        let spelled = self.moves.iter().flat_map(|step| pieces(&step.octets)).map(|piece| match form {
            Form::Nc | Form::Hex => piece.octets.len() * piece.times,
            _ => piece.octets.len(),
        });
        match spelled.sum() {
            size if size > LIMIT && form != Form::Curl => return Err(Unfit::TooLarge(size)),
            _ => {}
        }
        if self.role == Role::Client && matches!(form, Form::Nc | Form::Curl | Form::Rust) {
            return Err(Unfit::Client);
        }
        if self.tls && matches!(form, Form::Nc | Form::Rust) {
            return Err(Unfit::Tls);
        }
        Ok(())
    }

    /// The script.
    ///
    /// # Errors
    /// The form cannot hold this conversation.
    pub fn render(&self, form: Form) -> Result<String, Unfit> {
        self.fits(form)?;
        match form {
            Form::Python => Ok(templates::python(self)),
            Form::Js => Ok(templates::js(self)),
            Form::Rust => Ok(templates::rust(self)),
            Form::Nc => Ok(shell_scripts::nc(self)),
            Form::Hex => Ok(shell_scripts::hex_lines(self)),
            Form::Curl => shell_scripts::curl(self),
        }
    }

    /// The lines that every form begins with.
    fn heading(&self) -> Vec<String> {
        let peer = match self.role {
            Role::Server => "Connects, sends the octets of the case, prints what comes back.",
            Role::Client => "Waits for the client, sends the octets of the case, prints what comes back.",
        };
        let mut lines = vec![
            format!("wsspec {}: {}", env!("CARGO_PKG_VERSION"), one_line(&self.name)),
            one_line(&self.title),
            format!("{peer} Octets: {}.", one_line(&self.origin)),
        ];
        if self.redacted {
            lines.push("Secrets in the opening handshake are starred out: put yours in.".to_owned());
        }
        lines
    }

    /// What the moves are, each in a few words of our own.
    fn labels(&self) -> Vec<String> {
        frames::labels(self.moves.iter().map(|step| step.octets.as_slice()), self.role)
    }
}

/// A text of the suite on one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
