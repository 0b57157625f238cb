//! Which outcomes of a case are non-strict, which are only told, and which fail, in words.

use wsspec_cases::{
    Case, Closes, EndOfTcp, Ends, Fails, FirstToClose, Grade, Messages, PeerCloses, Play, Profile, Tolerance,
    Tolerates, Watch,
};

use super::duration;

/// Connections of a series that are looked at.
const PARTS: u32 = 40;

/// Outcomes of a case by verdict, each in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grades {
    pub(crate) non_strict: Vec<String>,
    pub(crate) told: Vec<String>,
    pub(crate) fail: Vec<String>,
}

impl Grades {
    /// Of all connections of the case.
    pub(crate) fn of(case: &Case) -> Self {
        let mut grades = Self::default();
        if let Some(because) = &case.informational {
            grades.told.push(format!("whatever happens: {because}"));
            return grades;
        }
        match &case.play {
            Play::Passive(watch) => grades.watch(watch),
            Play::Drive(..) => grades.driver(),
            Play::Script(_) | Play::Series(_) => {}
        }
        for part in case.parts(Some(PARTS)) {
            match &part.profile {
                Some(profile) => grades.profile(profile, &part.close.tcp),
                None if part.accepts.is_empty() => {}
                None => grades.exact(&part),
            }
        }
        for outcomes in [&mut grades.non_strict, &mut grades.told, &mut grades.fail] {
            dedup(outcomes);
        }
        grades
    }

    fn non_strict(&mut self, outcome: impl Into<String>) {
        self.non_strict.push(outcome.into());
    }

    fn told(&mut self, outcome: impl Into<String>) {
        self.told.push(outcome.into());
    }

    fn fail(&mut self, outcome: impl Into<String>) {
        self.fail.push(outcome.into());
    }

    fn watch(&mut self, watch: &Watch) {
        if !watch.habits.is_empty() {
            self.told("what is lawful, and unusual, in any case of the run");
        }
        self.fail("the rule is broken in any case of the run");
    }

    fn driver(&mut self) {
        self.non_strict("what comes breaks a SHOULD and no MUST; the verdict says what");
        self.fail("what comes breaks a MUST, or what has to come does not; the verdict says what");
    }

    fn profile(&mut self, profile: &Profile, tcp: &EndOfTcp) {
        match profile {
            Profile::Fails(fails) => self.fails(fails),
            Profile::Closes(closes) => self.closes(closes),
            Profile::PeerCloses(closes) => self.peer_closes(closes, tcp),
            Profile::Ends(ends) => self.ends(ends),
            // How the connection ends is not judged.
            Profile::Tolerates(tolerates) => return self.tolerates(tolerates),
            Profile::Driven => return,
        }
        self.end_of_tcp(tcp);
    }

    fn fails(&mut self, fails: &Fails) {
        match &fails.tolerated {
            Some((_, because)) => {
                self.non_strict(format!("what was meant is delivered: {because}"));
                self.fail("something else than what was meant is delivered");
            }
            None => self.fail("what had to be refused is delivered"),
        }
        if let Some(because) = &fails.answered {
            self.non_strict(format!("the Close frame is answered: {because}"));
        }
        if !fails.before.is_empty() {
            self.non_strict("what came before is not answered");
        }
        self.non_strict(
            "the end of TCP without a Close frame, or a Close frame with another code or without",
        );
        match (fails.waits, &fails.waits_because) {
            (Some(_), Some(because)) => self.non_strict(format!("the peer waits for more: {because}")),
            (Some(_), None) => self.told("the peer waits for more"),
            (None, _) => self.fail("the connection stays open"),
        }
        if fails.late.is_some() {
            self.told("the connection is failed only when more has come");
        }
    }

    fn closes(&mut self, closes: &Closes) {
        self.non_strict("the answer has another code that may be sent");
        let prompt = closes.prompt.map_or_else(|| "1 s".to_owned(), duration);
        self.non_strict(format!("the answer takes longer than {prompt}"));
        match closes.messages {
            Some(Messages::Exactly(count)) => {
                self.non_strict(format!("fewer than {count} messages come before the answer"));
            }
            Some(Messages::Any) => self.told("how many messages come before the answer"),
            None if closes.before.is_empty() => {}
            None if closes.all_before => self.fail("what has to come before the answer is missing"),
            None => self.non_strict("what came before the Close frame is not answered"),
        }
        if closes.may_fail {
            self.non_strict("the end of TCP instead of an answer: the peer may not know the code");
            self.fail("the Close frame is neither answered nor TCP ended");
        } else {
            self.fail("the Close frame is not answered");
        }
        self.fail("something else comes before the answer, or anything behind it");
    }

    fn peer_closes(&mut self, closes: &PeerCloses, tcp: &EndOfTcp) {
        if closes.codes.is_empty() {
            self.non_strict("a code from 5000 on, of which the RFC says nothing");
            self.fail("a Close frame with a code that must not be sent");
        } else {
            self.fail("a Close frame with another code");
        }
        match (closes.codes.is_empty(), closes.reason.is_empty()) {
            (true, _) => {}
            (false, true) => self.non_strict("a reason that was not asked for"),
            (false, false) => self.fail("a Close frame with another reason"),
        }
        if *tcp != EndOfTcp::Told {
            self.non_strict("TCP is ended before the peer's Close frame is answered");
        }
        if closes.may_refuse {
            self.told("the command is neither obeyed nor refused");
        } else {
            self.fail("the peer does not close");
        }
        if !closes.perhaps.is_empty() {
            self.told("whether the peer answers behind its Close frame");
        }
        self.fail("anything else comes, or data behind the Close frame");
    }

    fn ends(&mut self, ends: &Ends) {
        if ends.perhaps.is_empty() {
            self.fail("anything comes but a Close frame and the end of TCP");
        } else {
            self.told("whether what came before is answered");
            self.fail("anything else comes than that answer, a Close frame and the end of TCP");
        }
    }

    fn tolerates(&mut self, tolerates: &Tolerates) {
        self.non_strict("the connection is failed with another code that may be sent");
        match &tolerates.grades {
            Tolerance::Either => self.told("whether the stimulus is taken or refused"),
            Tolerance::MayRefuse => {
                self.non_strict("the stimulus is refused by the end of TCP without a Close frame");
                self.told("the stimulus is refused");
            }
            Tolerance::BetterNotRefuse(because) => {
                self.non_strict(format!("the stimulus is refused: {because}"));
            }
        }
        self.fail("something else comes than what was meant, or nothing at all");
    }

    fn end_of_tcp(&mut self, tcp: &EndOfTcp) {
        match tcp {
            EndOfTcp::ByTheServer => {
                self.non_strict("TCP is reset, or a server leaves it to wsspec to end it")
            }
            EndOfTcp::Within(soon, latest) => {
                if soon == latest {
                    self.non_strict("TCP is reset");
                } else {
                    let (soon, latest) = (duration(*soon), duration(*latest));
                    self.non_strict(format!("TCP is reset, or ended after {soon}, but within {latest}"));
                }
                self.fail(format!("TCP is not ended within {}", duration(*latest)));
            }
            EndOfTcp::NotBefore(time) => {
                self.non_strict(format!("TCP is reset, or ended by the peer within {}", duration(*time)));
            }
            EndOfTcp::Told => {
                self.non_strict("TCP is reset");
                self.told("when the peer ends TCP");
            }
        }
    }

    /// Exactly these events, then exactly this end.
    fn exact(&mut self, case: &Case) {
        let others = case.accepts.iter().filter(|accept| accept.grade == Grade::NonStrict);
        self.non_strict.extend(others.map(|accept| accept.because.to_string()));
        self.non_strict(match case.close.wrong_code_fails {
            false => "another close code that may be sent, or a server leaves it to wsspec to end TCP",
            true => "a server leaves it to wsspec to end TCP",
        });
        self.fail(match case.close.first {
            FirstToClose::Tester => format!(
                "anything else comes, or in another order, or nothing within {}, or the connection does not end as \
                 below",
                duration(case.time_limit)
            ),
            FirstToClose::Peer => {
                "what had to be refused is delivered, or the connection stays open".to_owned()
            }
        });
    }
}

/// Each once, in the order of the first.
fn dedup(outcomes: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    outcomes.retain(|outcome| seen.insert(outcome.clone()));
}

#[cfg(test)]
mod tests {
    use wsspec_cases::suite;

    use super::*;

    fn of(id: &str) -> Grades {
        Grades::of(suite().get(id.parse().unwrap()).unwrap())
    }

    fn says(outcomes: &[String], words: &str) -> bool {
        outcomes.iter().any(|outcome| outcome.contains(words))
    }

    /// Words that the line of each non-strict outcome of the profile has.
    fn outcomes(profile: &Profile) -> Vec<&str> {
        match profile {
            Profile::Fails(fails) => {
                let tolerated = fails.tolerated.as_ref().map(|(_, because)| &**because);
                let because = [tolerated, fails.answered.as_deref(), fails.waits_because.as_deref()];
                because.into_iter().flatten().chain(["without a Close frame"]).collect()
            }
            Profile::Closes(closes) => {
                let fails = closes.may_fail.then_some("the end of TCP instead of an answer");
                let fewer = matches!(closes.messages, Some(Messages::Exactly(_))).then_some("fewer than");
                ["another code", "takes longer"].into_iter().chain(fails).chain(fewer).collect()
            }
            Profile::PeerCloses(_) | Profile::Ends(_) => vec!["TCP is"],
            Profile::Tolerates(tolerates) => match &tolerates.grades {
                Tolerance::BetterNotRefuse(because) => vec!["another code", because],
                Tolerance::MayRefuse => vec!["another code", "without a Close frame"],
                Tolerance::Either => vec!["another code"],
            },
            Profile::Driven => Vec::new(),
        }
    }

    #[test]
    fn every_case_with_a_non_strict_outcome_says_so() {
        for case in suite().cases().iter().filter(|case| case.informational.is_none()) {
            let grades = Grades::of(case);
            for part in case.parts(Some(PARTS)) {
                for words in part.profile.iter().flat_map(outcomes) {
                    assert!(says(&grades.non_strict, words), "{}: {words:?} is not in {grades:?}", case.id);
                }
                for accept in part.accepts.iter().filter(|accept| accept.grade == Grade::NonStrict) {
                    assert!(says(&grades.non_strict, &accept.because), "{}: {grades:?}", case.id);
                }
            }
        }
    }

    #[test]
    fn every_case_says_what_fails_unless_it_only_tells() {
        for case in suite().cases() {
            let grades = Grades::of(case);
            assert_eq!(grades.fail.is_empty(), case.informational.is_some(), "{}: {grades:?}", case.id);
        }
    }

    #[test]
    fn no_case_fails_what_it_finds_non_strict() {
        for case in suite().cases() {
            let Some(Profile::Fails(fails)) = &case.profile else { continue };
            let grades = Grades::of(case);
            assert_eq!(says(&grades.fail, "stays open"), fails.waits.is_none(), "{}", case.id);
            assert_eq!(says(&grades.fail, "had to be refused"), fails.tolerated.is_none(), "{}", case.id);
        }
    }

    #[test]
    fn the_end_of_tcp_has_its_times() {
        assert!(says(&of("18.6.1").non_strict, "ended after 5.00 s, but within 30.00 s"));
        assert!(says(&of("18.6.1").fail, "not ended within 30.00 s"));
    }
}
