//! What `wsspec serve` starts besides the server: a process per case, a driver, a browser.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::args::ServeArgs;
use super::exec_case::ExecCase;
use super::notice::Notice;
use super::{Shared, route};
use crate::errors::Problem;
use crate::sut::command::{CommandLine, Value};
use crate::sut::process::{Process, StopRule, in_words};
use crate::text;

/// A client without a name.
pub const CLIENT: &str = "client";

/// For the processes of cases that still run when the server ends.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// What is to be started.
pub enum Client {
    /// Clients come by themselves.
    None,
    /// A process per case.
    PerCase(ExecCase),
    /// A process that goes through the cases.
    Driver(CommandLine),
    /// A browser that opens the page, for a client of this name.
    Browser(CommandLine, Option<String>),
}

impl Client {
    /// What was asked for.
    ///
    /// # Errors
    /// E31: the command cannot be read.
    pub fn new(args: &ServeArgs) -> Result<Self, Problem> {
        let jobs = args
            .jobs
            .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
        Ok(match (&args.exec_case, &args.exec, &args.browser) {
            (Some(command), ..) => Self::PerCase(ExecCase::new(
                CommandLine::parse(command)?,
                args.agent.clone().unwrap_or_else(|| CLIENT.to_owned()),
                jobs,
                args.timeout_scale,
            )),
            (_, Some(command), _) => Self::Driver(CommandLine::parse(command)?),
            (.., Some(command)) => Self::Browser(CommandLine::parse(command)?, args.agent.clone()),
            _ => Self::None,
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// E31: the command cannot be started.
    pub fn start(self, shared: &Arc<Shared>) -> Result<Started, Problem> {
        let (base, log) = (shared.address(), &shared.plan.log);
        Ok(match self {
            Self::None => Started::Nothing,
            Self::PerCase(exec) => {
                let exec = Arc::new(ExecCase { base, ..exec });
                let running = tokio::spawn(exec.clone().run(shared.clone()));
                Started::Cases(exec, running)
            }
            Self::Driver(command) => {
                let url = Value { placeholder: "{url}", variable: "WSSPEC_URL", value: &base };
                Started::Process(command.start(&[url], log)?, "the driver")
            }
            Self::Browser(command, agent) => {
                let page = page(&base, agent.as_deref());
                let page = Value { placeholder: "{page}", variable: "WSSPEC_PAGE", value: &page };
                Started::Process(command.start(&[page], log)?, "the browser")
            }
        })
    }
}

/// What was started.
pub enum Started {
    /// Clients come by themselves.
    Nothing,
    /// The processes of cases, and the task that starts them.
    Cases(Arc<ExecCase>, JoinHandle<Result<String, Problem>>),
    /// A process with its name for people.
    Process(Process, &'static str),
}

impl Started {
    /// Waits until it has ended by itself. Says how.
    ///
    /// # Errors
    /// The command of a case cannot be started.
    pub async fn ended(&mut self, shared: &Shared) -> Result<String, Problem> {
        match self {
            Self::Nothing => future::pending().await,
            Self::Cases(_, running) => running.await.expect("a case does not panic"),
            Self::Process(process, name) => Ok(exit(process, name, shared).await),
        }
    }

    /// Ends it, and names what does not end.
    pub async fn end(self, shared: &Shared) {
        match self {
            Self::Nothing => {}
            Self::Cases(exec, running) => {
                exec.stop();
                if !running.is_finished() {
                    let _ = timeout(STOP_LIMIT, running).await;
                }
            }
            Self::Process(process, _) => {
                let rule = StopRule::default();
                process.end(rule).await.lines(rule).into_iter().for_each(|line| shared.leak(line));
            }
        }
    }
}

async fn exit(process: &mut Process, name: &str, shared: &Shared) -> String {
    match process.wait().await {
        Ok(status) => {
            let why = format!("{name} ended with {}", in_words(status));
            if !status.success() {
                shared.tell(Notice::ProcessNote(why.clone()));
            }
            why
        }
        Err(error) => format!("{name} is gone ({})", text::io_error(&error)),
    }
}

/// The page that runs all cases by itself.
fn page(base: &str, agent: Option<&str>) -> String {
    let agent = agent.map(|name| format!("&agent={}", route::encode(name))).unwrap_or_default();
    format!("{}/?autostart=1{agent}", base.replacen("ws", "http", 1))
}
