use std::sync::Arc;
use std::time::Duration;

use crate::case::{Accept, Case, Conduct, Cost, Grade, Measures, Play, Roles, Text, Watch};
use crate::close_rule::{CloseRule, EndOfTcp, FirstToClose};
use crate::deflate::DeflatePlan;
use crate::driver::Driver;
use crate::event::Expected;
use crate::id::CaseId;
use crate::profile::{Closes, Ends, Fails, PeerCloses, Profile, Tolerance, Tolerates};
use crate::rule::Rule;
use crate::step::{Await, Awaited, Payload, Step};
use crate::words::text;

/// What a case gets beyond its own timers: for the closing handshake and the end of TCP.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// The words by which a case is declared. The order of the chain is the order of the wire: what is sent,
/// what is accepted, how the connection ends.
impl Case {
    /// A case that does nothing yet.
    pub fn new(id: CaseId, slug: impl Into<Text>, title: impl Into<Text>) -> Self {
        Self {
            id,
            slug: slug.into(),
            title: title.into(),
            expectation: Text::default(),
            rules: Vec::new(),
            roles: Roles::Both,
            deflate: None,
            conduct: Conduct::default(),
            play: Play::Script(Vec::new()),
            accepts: Vec::new(),
            profile: None,
            close: CloseRule::new(FirstToClose::Tester, Vec::new()),
            informational: None,
            time_limit: GRACE,
            measures: Measures::default(),
            cost: Cost::Usual,
        }
    }

    /// What a conforming implementation does.
    pub fn expect(&mut self, expectation: impl Into<Text>) -> &mut Self {
        self.expectation = expectation.into();
        self
    }

    /// A further rule that the case tests.
    pub fn also(&mut self, rule: Rule) -> &mut Self {
        self.rules.push(rule);
        self
    }

    /// Only servers are tested: the tester plays the client.
    pub fn of_servers(&mut self) -> &mut Self {
        self.roles = Roles::Client;
        self
    }

    /// Only clients are tested: the tester plays the server.
    pub fn of_clients(&mut self) -> &mut Self {
        self.roles = Roles::Server;
        self
    }

    /// Send a frame or a message, or start the closing handshake.
    pub fn send(&mut self, step: impl Into<Step>) -> &mut Self {
        self.step(step.into())
    }

    /// Send several frames in a row.
    pub fn send_all<S: Into<Step>>(&mut self, steps: impl IntoIterator<Item = S>) -> &mut Self {
        steps.into_iter().fold(self, |case, step| case.send(step))
    }

    /// Send more payload of the frame that was begun last.
    pub fn data(&mut self, payload: impl Into<Payload>) -> &mut Self {
        self.step(Step::Data(payload.into()))
    }

    /// Go on after that time.
    pub fn wait(&mut self, duration: Duration) -> &mut Self {
        self.lasting(duration).step(Step::Wait { duration, tag: None })
    }

    /// Go on after that time, and record the event [`Elapsed`](crate::Event::Elapsed).
    pub fn wait_noting(&mut self, duration: Duration, tag: &'static str) -> &mut Self {
        self.lasting(duration).step(Step::Wait { duration, tag: Some(tag) })
    }

    /// If the connection is not closed by then, fail it.
    pub fn fail_after(&mut self, duration: Duration) -> &mut Self {
        self.lasting(duration).step(Step::FailAfter(duration))
    }

    /// If the connection is not closed by then, close it.
    pub fn close_after(&mut self, duration: Duration) -> &mut Self {
        self.lasting(duration).step(Step::CloseAfter(duration))
    }

    /// End TCP with a RST, which a case does that has seen enough.
    pub fn reset(&mut self) -> &mut Self {
        self.step(Step::Reset)
    }

    /// Send FIN: nothing more will be sent.
    pub fn half_close(&mut self) -> &mut Self {
        self.step(Step::HalfClose)
    }

    /// The closing handshake is complete: a server ends TCP, a client waits until the server has.
    pub fn end_by_role(&mut self) -> &mut Self {
        self.step(Step::EndByRole)
    }

    /// End TCP, as a server does when the closing handshake is complete.
    pub fn end_tcp(&mut self) -> &mut Self {
        self.step(Step::EndTcp)
    }

    /// Tell the peer to do this, which only one does that agreed to the subprotocol `wst.cmd`.
    pub fn command(&mut self, words: impl Into<Payload>) -> &mut Self {
        self.conduct.commands = true;
        self.step(text(words).into())
    }

    /// The driver tells the peer what to do.
    pub fn commanded(&mut self) -> &mut Self {
        self.conduct.commands = true;
        self
    }

    /// The steps of the case answer the peer's Close frame, and end TCP.
    pub fn closing_by_script(&mut self) -> &mut Self {
        self.conduct.closes_by_script = true;
        self
    }

    /// The peer's Pings are not answered.
    pub fn ignoring_pings(&mut self) -> &mut Self {
        self.conduct.ignores_pings = true;
        self
    }

    /// What is sent does not wait for the response to the opening handshake.
    pub fn with_the_request(&mut self) -> &mut Self {
        self.conduct.hurries = true;
        self
    }

    /// What was sent was the tester's Close frame, with this code, octet by octet.
    pub fn closing_began(&mut self, code: u16) -> &mut Self {
        self.step(Step::ClosingBegan(Some(code)))
    }

    /// Go on when this has come; if it does not come in that time, fail the connection.
    pub fn await_(&mut self, what: Awaited, within: Duration) -> &mut Self {
        self.lasting(within).step(Step::Await(Await { what, within, perhaps: false }))
    }

    /// Go on when this has come, or when that time has passed.
    pub fn await_perhaps(&mut self, what: Awaited, within: Duration) -> &mut Self {
        self.lasting(within).step(Step::Await(Await { what, within, perhaps: true }))
    }

    /// Answer the last Ping that came.
    pub fn answer_ping(&mut self) -> &mut Self {
        self.step(Step::AnswerPing)
    }

    /// Read nothing from here on.
    pub fn stop_reading(&mut self) -> &mut Self {
        self.step(Step::StopReading)
    }

    /// Read again.
    pub fn resume_reading(&mut self) -> &mut Self {
        self.step(Step::ResumeReading)
    }

    /// Let a state machine decide what is sent; `words` says what it does.
    pub fn drive<D: Driver + 'static>(
        &mut self,
        words: impl Into<Text>,
        make: impl Fn() -> D + Send + Sync + 'static,
    ) -> &mut Self {
        self.play = Play::Drive(Arc::new(move || Box::new(make())), words.into());
        self
    }

    /// No connection of its own: the peer fails if it breaks one of these rules in any other case.
    pub fn watch(&mut self, breaches: impl Into<Vec<&'static str>>) -> &mut Self {
        self.time_limit = Duration::ZERO;
        self.play = Play::Passive(Watch { breaches: breaches.into(), ..Watch::default() });
        self.driver_judges()
    }

    /// In a passive case: no two connections begin with the same masking keys.
    pub fn comparing_keys(&mut self) -> &mut Self {
        if let Play::Passive(watch) = &mut self.play {
            watch.keys = true;
        }
        self
    }

    /// In a passive case: it applies only if the peer compressed messages.
    pub fn where_compressed(&mut self) -> &mut Self {
        if let Play::Passive(watch) = &mut self.play {
            watch.compressed = true;
        }
        self
    }

    /// In a passive case: these are told, without a verdict.
    pub fn tell_of(&mut self, habits: impl Into<Vec<&'static str>>) -> &mut Self {
        if let Play::Passive(watch) = &mut self.play {
            watch.habits = habits.into();
        }
        self
    }

    /// A driven case takes no longer than that.
    pub fn within(&mut self, duration: Duration) -> &mut Self {
        self.lasting(duration)
    }

    /// Negotiate permessage-deflate.
    pub fn deflate(&mut self, plan: DeflatePlan) -> &mut Self {
        self.deflate = Some(plan);
        self
    }

    /// These events, exactly, are as the RFC asks.
    pub fn ok(&mut self, events: impl Into<Vec<Expected>>) -> &mut Self {
        self.accept(Grade::Ok, events.into(), Text::default())
    }

    /// These events, exactly, keep every MUST, though a SHOULD is broken.
    pub fn non_strict(&mut self, events: impl Into<Vec<Expected>>, because: impl Into<Text>) -> &mut Self {
        self.accept(Grade::NonStrict, events.into(), because.into())
    }

    /// After an accepted outcome: its Pongs may come before or behind any message.
    pub fn pongs_anywhere(&mut self) -> &mut Self {
        if let Some(accept) = self.accepts.last_mut() {
            accept.pongs_anywhere = true;
        }
        self
    }

    /// How the connection has to end.
    pub fn close(&mut self, rule: CloseRule) -> &mut Self {
        self.close = rule;
        self
    }

    /// The peer has to fail the connection.
    pub fn fails(&mut self, fails: Fails) -> &mut Self {
        self.close = CloseRule::new(FirstToClose::Peer, fails.codes.clone()).need_not_be_clean();
        self.profile = Some(Profile::Fails(fails));
        self
    }

    /// The Close frame that the tester sends has to be answered.
    pub fn closes(&mut self, closes: Closes) -> &mut Self {
        self.close = CloseRule::new(FirstToClose::Tester, closes.codes.clone()).stays_open();
        self.profile = Some(Profile::Closes(closes));
        self
    }

    /// The peer has to start the closing handshake.
    pub fn peer_closes(&mut self, closes: PeerCloses) -> &mut Self {
        self.close = CloseRule::new(FirstToClose::Peer, vec![1000]).need_not_be_clean().stays_open();
        self.profile = Some(Profile::PeerCloses(closes));
        self
    }

    /// The peer has to end TCP; these events may come before.
    pub fn ends(&mut self, perhaps: impl Into<Vec<Expected>>) -> &mut Self {
        self.close = CloseRule::new(FirstToClose::Peer, vec![1000]).need_not_be_clean().stays_open();
        self.profile = Some(Profile::Ends(Ends { perhaps: perhaps.into() }));
        self
    }

    /// After the profile: who has to end TCP, and when.
    pub fn tcp(&mut self, end: EndOfTcp) -> &mut Self {
        self.close.tcp = end;
        self
    }

    /// Any sane reaction conforms: these events or the first of them, or failing with one of the codes.
    pub fn tolerates(&mut self, intact: impl Into<Vec<Expected>>, codes: impl Into<Vec<u16>>) -> &mut Self {
        let tolerates = Tolerates { intact: intact.into(), codes: codes.into(), grades: Tolerance::Either };
        self.close = CloseRule::new(FirstToClose::Tester, vec![1000]).need_not_be_clean();
        self.ok(tolerates.intact.clone());
        self.profile = Some(Profile::Tolerates(tolerates));
        self
    }

    /// After `tolerates`: taking the stimulus as it is meant is more than tolerated.
    pub fn grading(&mut self, grades: Tolerance) -> &mut Self {
        if let Some(Profile::Tolerates(tolerates)) = &mut self.profile {
            tolerates.grades = grades;
        }
        self
    }

    /// The conclusion of the driver is the verdict.
    pub fn driver_judges(&mut self) -> &mut Self {
        self.close = CloseRule::new(FirstToClose::Tester, vec![1000]).need_not_be_clean();
        self.profile = Some(Profile::Driven);
        self
    }

    /// On one connection of a series: nothing is judged but that it opened, and how the peer behaves in passing.
    pub fn only_plays(&mut self) -> &mut Self {
        self.driver_judges()
    }

    /// Nothing is judged, for this reason.
    pub fn informational(&mut self, because: impl Into<Text>) -> &mut Self {
        self.informational = Some(because.into());
        self
    }

    /// The time that the case takes is worth reporting.
    pub fn measure_time(&mut self) -> &mut Self {
        self.measures.time = true;
        self
    }

    /// The compression ratio is worth reporting.
    pub fn measure_compression(&mut self) -> &mut Self {
        self.measures.compression = true;
        self
    }

    /// The case takes a minute or more.
    pub fn slow(&mut self) -> &mut Self {
        self.cost = Cost::Slow;
        self
    }

    /// The case has hundreds of connections or more.
    pub fn many(&mut self) -> &mut Self {
        self.cost = Cost::Many;
        self
    }

    /// The traffic is too much for the wire log.
    pub fn quiet(&mut self) -> &mut Self {
        self.measures.quiet = true;
        self
    }

    /// Steps belong to a script: after `drive` they have no place, and `check` finds their absence.
    fn step(&mut self, step: Step) -> &mut Self {
        if let Play::Script(steps) = &mut self.play {
            steps.push(step);
        }
        self
    }

    fn accept(&mut self, grade: Grade, events: Vec<Expected>, because: Text) -> &mut Self {
        self.accepts.push(Accept { grade, events, because, pongs_anywhere: false });
        self
    }

    fn lasting(&mut self, duration: Duration) -> &mut Self {
        self.time_limit += duration;
        self
    }
}
