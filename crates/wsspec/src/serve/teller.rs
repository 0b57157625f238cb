//! Tells what happens while the server serves, on a thread of its own: who reads it slowly, or not at all, holds up
//! nothing but that.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Shared;
use super::queue::Receiver;
use super::stream::Stream;
use super::voice::Voice;

/// Between two looks at what was not told for long.
const TICK: Duration = Duration::from_millis(100);

/// The thread that tells. It ends when this is dropped.
pub struct Teller {
    end: oneshot::Sender<()>,
    told: oneshot::Receiver<()>,
}

impl Teller {
    /// Starts to tell what comes.
    pub fn start(telling: Telling) -> Self {
        let (end, ended) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let runtime = Handle::current();
        std::thread::spawn(move || {
            runtime.block_on(telling.run(ended));
            let _ = tell.send(());
        });
        Self { end, told }
    }

    /// Waits until everything is told.
    pub async fn end(self) {
        drop(self.end);
        let _ = self.told.await;
    }
}

/// What is told, and how.
pub struct Telling {
    /// The server.
    pub shared: Arc<Shared>,
    /// What happens.
    pub notices: Receiver,
    /// The lines of the record, if stdout holds them.
    pub stream: Stream<'static>,
    /// For people.
    pub voice: Voice<'static>,
}

impl Telling {
    async fn run(mut self, mut ended: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                Some(notice) = self.notices.recv() => self.voice.tell(&notice, &self.shared),
                () = self.stream.next() => {}
                _ = tick.tick() => {
                    self.tell_left_out();
                    self.voice.tick(&self.shared);
                }
                _ = &mut ended => break,
            }
        }
        while let Some(notice) = self.notices.try_recv() {
            self.voice.tell(&notice, &self.shared);
        }
        self.tell_left_out();
        self.voice.end(&self.shared);
        self.stream.drain();
    }

    fn tell_left_out(&mut self) {
        let left_out = self.notices.left_out();
        left_out.into_iter().for_each(|count| self.voice.left_out(count, &self.shared));
    }
}
