//! Ctrl-C and SIGTERM.

use tokio::sync::watch;

use crate::exit_code::ExitCode;

/// What the process was told by a signal.
#[derive(Clone, Debug)]
pub struct Signals {
    stop: watch::Receiver<bool>,
    code: watch::Receiver<ExitCode>,
}

impl Signals {
    /// Listens from now on. The first signal asks for an orderly end, the second one ends the process.
    pub fn listen() -> Self {
        let (tell_stop, stop) = watch::channel(false);
        let (tell_code, code) = watch::channel(ExitCode::Ok);
        tokio::spawn(async move {
            let first = next().await;
            let _ = tell_code.send(first);
            let _ = tell_stop.send(true);
            let second = next().await;
            leave(second);
        });
        Self { stop, code }
    }

    /// Becomes true with the first signal.
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// `Interrupted` or `Terminated` once there was a signal.
    pub fn exit_code(&self) -> Option<ExitCode> {
        let code = *self.code.borrow();
        (code != ExitCode::Ok).then_some(code)
    }
}

async fn next() -> ExitCode {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => ExitCode::Interrupted,
                _ = terminate.recv() => ExitCode::Terminated,
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::Interrupted
}

#[expect(clippy::exit, reason = "the user asked twice; everything that is finished is on disk")]
fn leave(code: ExitCode) {
    crate::terminal::keys::restore();
    crate::sut::process::kill_all();
    std::process::exit(i32::from(code.number()));
}

/// Waits until the value becomes true, or nobody is left who could set it.
pub async fn raised(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}
