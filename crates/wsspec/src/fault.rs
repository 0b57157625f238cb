//! A defect of wsspec itself: what has to be known of it goes into a file that can be attached to a report.

use std::backtrace::Backtrace;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use jiff::Timestamp;
use wsspec_cases::CaseId;
use wsspec_report::Untrusted;
use wsspec_report::record::Redaction;

use crate::errors::labelled;
use crate::exit_code::ExitCode;
use crate::outputs::args::Ci;
use crate::outputs::ci;
use crate::terminal::Console;
use crate::terminal::failure::shell;
use crate::typed::{self, without_secrets};

/// The name of the file.
pub(crate) const FAULT: &str = "fault.txt";
/// Further ones follow from these.
const MOST: usize = 5;
/// Characters of what is said of one.
const WIDTH: usize = 2000;

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct State {
    /// The output folder, if there is one.
    folder: Option<PathBuf>,
    redaction: Redaction,
    running: Vec<CaseId>,
    faults: Vec<Fault>,
    /// The file, or why there is none.
    file: Option<io::Result<PathBuf>>,
}

/// What is said of a fault on the terminal.
#[derive(Clone, Default)]
struct Fault {
    what: String,
    place: String,
    cases: String,
}

/// Writes down every panic from here on.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(|panic| keep(&message(panic), &place(panic), &Backtrace::force_capture())));
}

/// The file belongs into this folder.
pub(crate) fn goes_to(folder: &Path) {
    lock().folder = Some(folder.to_owned());
}

/// What is a secret, there too, and also with `--redact none`: the file is to be sent away.
pub(crate) fn redact(redaction: &Redaction) {
    lock().redaction = redaction.clone().on();
}

/// Removes the file of an earlier run.
pub(crate) fn forget_earlier(folder: &Path) {
    let state = lock();
    if state.faults.is_empty() {
        // There is none, as a rule.
        let _ = fs::remove_file(folder.join(FAULT));
    }
}

/// A case that runs, for as long as this value lives.
pub(crate) struct Running(CaseId);

impl Running {
    /// From now on.
    pub(crate) fn new(case: CaseId) -> Self {
        lock().running.push(case);
        Self(case)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock();
        if let Some(at) = state.running.iter().position(|case| *case == self.0) {
            state.running.swap_remove(at);
        }
    }
}

/// Whether anything went wrong that must not.
pub(crate) fn happened() -> bool {
    !lock().faults.is_empty()
}

/// Does something; a panic in it ends the process with 70. So does an error that is none of the user.
pub(crate) fn guard(work: impl FnOnce() -> Result<ExitCode>) -> Result<ExitCode> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Ok(ExitCode::Internal))
}

/// Keeps an error that should not have happened.
pub(crate) fn keep_error(error: &anyhow::Error) {
    keep(&format!("{error:#}"), "an error that nobody expected", &Backtrace::force_capture());
}

/// Says what went wrong, if anything did, and where that is written down.
pub(crate) fn tell(code: ExitCode, service: Ci, console: &Console) -> ExitCode {
    let state = lock();
    let Some(fault) = state.faults.first().cloned() else { return code };
    let file = match &state.file {
        Some(Ok(path)) => format!("{}: please attach it to a report", path.display()),
        Some(Err(error)) => format!("could not be written: {}", crate::text::io_error(error)),
        None => return code,
    };
    drop(state);
    let mut text = format!("error: wsspec itself failed: {}", Untrusted::from(fault.what).for_terminal(300));
    for (label, fact) in [("at", fault.place), ("cases", fault.cases), ("file", file), ("report", tracker())]
    {
        if !fact.is_empty() {
            text.push_str(&format!("\n{}", labelled(label, &fact, console.style.width)));
        }
    }
    let code = code.worst(ExitCode::Internal);
    console.warn(format!("{text}\n{code}"));
    ci::publish_problem(service, &text, console);
    code
}

/// Where defects are reported.
fn tracker() -> String {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => "the issues of the repository that wsspec came from".to_owned(),
        repository => format!("{repository}/issues"),
    }
}

/// Panics where a test asks for it: `WSSPEC_PANIC=5.1`, or `WSSPEC_PANIC=command`.
#[cfg(debug_assertions)]
pub(crate) fn provoked(place: &str) {
    assert!(std::env::var("WSSPEC_PANIC").as_deref() != Ok(place), "a panic was asked for in {place}");
}

/// Nothing can be asked of what is installed.
#[cfg(not(debug_assertions))]
pub(crate) const fn provoked(_place: &str) {}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let (text, string) = (panic.payload().downcast_ref::<&str>(), panic.payload().downcast_ref::<String>());
    let text = text.copied().or(string.map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    panic.location().map_or_else(String::new, |place| format!("{place}, thread {thread}"))
}

/// Writes one down. It must not fail itself, so that nothing here may panic.
fn keep(what: &str, place: &str, backtrace: &Backtrace) {
    let redaction = lock().redaction.clone();
    let typed = without_secrets(&typed::process(), &redaction);
    let typed: Vec<String> = typed.iter().map(|word| redaction.text(word)).collect();
    let mut state = lock();
    if state.faults.len() == MOST {
        return;
    }
    let cases: Vec<String> = state.running.iter().map(ToString::to_string).collect();
    let what = Untrusted::from(redaction.text(what)).for_terminal(WIDTH);
    let fault = Fault { what, place: place.to_owned(), cases: cases.join(" ") };
    let text = format!(
        "wsspec {version}, {os} on {arch}, {now:.0}\ncommand  {command}\nfailed   {what}\nat       {place}\n\
         cases    {cases}\n\n{backtrace}\n",
        version = env!("CARGO_PKG_VERSION"),
        os = std::env::consts::OS,
        arch = std::env::consts::ARCH,
        now = Timestamp::now(),
        command = Untrusted::from(shell(&typed)).for_terminal(WIDTH),
        what = fault.what,
        cases = fault.cases,
    );
    log::error!("{}, {place}", fault.what);
    let earlier = match state.file.take() {
        Some(Ok(path)) => Some(path),
        _ => None,
    };
    state.file = Some(write(state.folder.as_deref(), earlier, &text));
    state.faults.push(fault);
}

/// Adds it to the file, or begins one: in the output folder, or else among the temporary files.
fn write(folder: Option<&Path>, earlier: Option<PathBuf>, text: &str) -> io::Result<PathBuf> {
    if let Some(path) = earlier {
        File::options().append(true).open(&path)?.write_all(text.as_bytes())?;
        return Ok(path);
    }
    if let Some(path) = folder.map(|folder| folder.join(FAULT))
        && fs::write(&path, text).is_ok()
    {
        return Ok(path);
    }
    let folder = std::env::temp_dir().join(format!("wsspec-{:08x}", rand::random::<u32>()));
    fs::create_dir(&folder)?;
    let path = folder.join(FAULT);
    fs::write(&path, text)?;
    Ok(path)
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
