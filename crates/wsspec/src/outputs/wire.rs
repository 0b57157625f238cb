//! `--pcap` and `--keylog`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rustls::KeyLog;

use super::file;
use crate::errors::Problem;
use crate::exit_code::ExitCode;
use crate::net::capture::{Capture, Keys, private};
use crate::net::tls::ClientTls;
use crate::run::folder::unwritable;
use crate::terminal::Console;

/// What is kept of the wire besides the record.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct WireArgs {
    /// Capture every octet on the wire for Wireshark (pcapng); with wss the keys are in the file
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Write the TLS keys to this file, in the form of SSLKEYLOGFILE
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
}

/// The files, and the keys of all TLS connections.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    pcap: Option<PathBuf>,
    key_log: Option<PathBuf>,
    keys: Arc<Keys>,
}

impl Wire {
    /// What was asked for.
    pub fn new(args: &WireArgs) -> Self {
        Self { pcap: args.pcap.clone(), key_log: args.keylog.clone(), keys: Arc::default() }
    }

    /// TLS that tells its keys if they are wanted.
    pub fn tls(&self, tls: ClientTls) -> ClientTls {
        ClientTls { key_log: self.keys(), ..tls }
    }

    /// Where TLS tells its keys, if they are wanted.
    pub fn keys(&self) -> Option<Arc<dyn KeyLog>> {
        let wanted = self.pcap.is_some() || self.key_log.is_some();
        wanted.then(|| self.keys.clone() as _)
    }

    /// Opens the files, before the first connection. `out` is the folder of all reports.
    ///
    /// # Errors
    /// E21.
    pub fn open(&self, out: &Path, console: &Console) -> Result<Option<Arc<Capture>>, Problem> {
        for path in self.pcap.iter().chain(&self.key_log) {
            let path = path.display();
            console.note(format!(
                "warning[W10]: {path} shows all traffic of this run, secrets too; keep it to yourself"
            ));
        }
        let mut files = self.pcap.iter().chain(&self.key_log);
        files.try_for_each(|path| file::make_folder(path, Some(out), console))?;
        if let Some(path) = &self.key_log {
            self.keys.write_to(path).map_err(|error| unwritable(path, &error))?;
        }
        let create = |path: &PathBuf| {
            if file::is_special(path) {
                return Err(unwritable(
                    path,
                    &io::Error::other("it is no file, and a capture is put together from parts"),
                ));
            }
            Capture::create(&file::behind_links(path), self.keys.clone())
                .map(Arc::new)
                .map_err(|error| unwritable(path, &error))
        };
        self.pcap.as_ref().map(create).transpose()
    }

    /// Puts the capture together. Returns where it is, if it was asked for.
    ///
    /// # Errors
    /// E21.
    pub fn close(&self, capture: Option<&Capture>) -> Result<Option<&Path>, Problem> {
        let (Some(capture), Some(path)) = (capture, &self.pcap) else { return Ok(None) };
        capture.finish().map_err(|error| unwritable(path, &error))?;
        Ok(Some(path))
    }
}

/// Says what became of the capture.
pub fn tell(captured: Result<Option<&Path>, Problem>, console: &Console) -> ExitCode {
    match captured {
        Ok(path) => {
            path.into_iter().for_each(|path| console.say(0, format!("\n   capture  {}", path.display())));
            ExitCode::Ok
        }
        Err(problem) => {
            console.problem(&problem);
            ExitCode::Incomplete
        }
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// E21.
pub fn put(path: &Path, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<(), Problem> {
    file::replace(path, |temporary| file::fill(private(temporary)?, write))
        .map_err(|error| unwritable(path, &error))
}
