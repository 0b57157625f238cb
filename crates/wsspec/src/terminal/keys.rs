//! Keys while a run goes on, on a terminal: `f` failures in full as they happen, `p` pause, `s` the log of the
//! server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was asked for by keys so far.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    detail: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
    log: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<&'static str>>>,
}

impl Wishes {
    /// Failures are shown in full as they happen.
    pub fn detail(&self) -> bool {
        self.detail.load(Ordering::Relaxed)
    }

    /// No case is started.
    pub fn pause(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Whether the log was asked for since the last call.
    pub fn take_log(&self) -> bool {
        self.log.swap(false, Ordering::Relaxed)
    }

    /// What keys did since the last call, in words.
    pub fn take_said(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, text: &'static str) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Does what a key stands for, and says so; none if it stands for nothing.
    pub fn press(&self, key: u8) -> Option<&'static str> {
        let toggle = |wish: &AtomicBool| !wish.fetch_xor(true, Ordering::Relaxed);
        match key {
            b'f' if toggle(&self.detail) => Some("failures are shown in full (f: in short)"),
            b'f' => Some("failures are shown in short (f: in full)"),
            b'p' if toggle(&self.pause) => Some("paused; running cases come to their end (p: go on)"),
            b'p' => Some("going on (p: pause)"),
            b's' => {
                self.log.store(true, Ordering::Relaxed);
                None
            }
            _ => None,
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::os::fd::AsFd as _;
    use std::sync::{Mutex, PoisonError};

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

    /// How the terminal was, while a keyboard is open.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// The terminal that keys come from, without echo and line by line input until it is dropped. Ctrl-C stays
    /// what it is.
    pub(super) struct Keyboard(());

    impl Keyboard {
        /// None if stdin is no terminal, or one in whose background the process runs.
        pub(super) fn open() -> Option<Self> {
            let stdin = std::io::stdin();
            let fd = stdin.as_fd();
            let in_front = rustix::termios::tcgetpgrp(fd).ok()? == rustix::process::getpgrp();
            let before = tcgetattr(fd).ok().filter(|_| isatty(fd) && in_front)?;
            let mut raw = before.clone();
            raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            tcsetattr(fd, OptionalActions::Now, &raw).ok()?;
            Some(Self(()))
        }

        /// The next key, if there is one within a tenth of a second.
        pub(super) fn key(&self) -> Option<u8> {
            let stdin = std::io::stdin();
            let fd = stdin.as_fd();
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let tenth = rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            let mut octet = [0];
            match poll(&mut fds, Some(&tenth)) {
                Ok(1..) if rustix::io::read(fd, &mut octet[..]).is_ok_and(|read| read == 1) => Some(octet[0]),
                _ => None,
            }
        }
    }

    impl Drop for Keyboard {
        fn drop(&mut self) {
            restore();
        }
    }

    pub(super) fn restore() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &before);
        }
    }
}

/// Listens for keys until it is dropped.
#[derive(Debug, Default)]
pub struct Listener {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listener {
    /// Listens if stdin is a terminal.
    pub fn start(wishes: Wishes) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = listen(stop.clone(), wishes);
        Self { stop, thread }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(unix)]
fn listen(stop: Arc<AtomicBool>, wishes: Wishes) -> Option<std::thread::JoinHandle<()>> {
    let keyboard = unix::Keyboard::open()?;
    Some(std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if let Some(text) = keyboard.key().and_then(|key| wishes.press(key)) {
                wishes.note(text);
            }
        }
    }))
}

#[cfg(not(unix))]
fn listen(_: Arc<AtomicBool>, _: Wishes) -> Option<std::thread::JoinHandle<()>> {
    None
}

/// Gives the terminal back as it was, for a process that is about to end at once.
pub fn restore() {
    #[cfg(unix)]
    unix::restore();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_switch_on_and_off() {
        let wishes = Wishes::default();
        assert!(wishes.press(b'f').unwrap().contains("in full (f: in short)") && wishes.detail());
        assert!(wishes.press(b'f').unwrap().contains("in short") && !wishes.detail());
        assert!(wishes.press(b'p').unwrap().starts_with("paused") && wishes.pause());
        assert!(wishes.press(b'p').unwrap().starts_with("going on") && !wishes.pause());
        assert!(wishes.press(b's').is_none() && wishes.take_log() && !wishes.take_log());
        assert!(wishes.press(b'x').is_none());
    }
}
