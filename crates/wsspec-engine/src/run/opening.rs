use std::borrow::Cow;

use wsspec_cases::{COMMANDS, Opened, Play, Step};
use wsspec_wire::{Headers, RequestHead, ResponseHead};

use super::{Broken, CaseRun, Phase};
use crate::Time;
use crate::deflate::{Agreement, Compressor, Decompressor};
use crate::observation::{NeverOpened, TesterRole};
use crate::opening::{Agreed, ClientHandshake, answer_request, header_text};
use crate::random::{Purpose, Random};
use crate::settings::ClientOpening;
use crate::timers::Timer;
use crate::words;

/// Octets that are kept of the body of a refusal.
const BODY: usize = 1024;

impl CaseRun<'_> {
    pub(super) fn start_client(&mut self, opening: &ClientOpening) {
        let nonce = Random::new(self.settings.seed, self.case.id, Purpose::Handshake).nonce();
        let opening = self.with_commands(opening);
        let (handshake, request) = ClientHandshake::start(&opening, self.case.deflate.as_ref(), nonce);
        self.record.request.clone_from(&request);
        self.outbox.octets(request);
        self.hurry();
        self.handshake = Some(handshake);
        self.timers.arm(self.settings.open_timeout, Timer::Open);
    }

    pub(super) fn start_server(&mut self, request: &RequestHead) {
        let (response, agreed) = answer_request(request, self.case, &self.settings);
        self.recorder.received(Time::ZERO, &request.raw);
        self.record.request.clone_from(&request.raw);
        self.record.response.clone_from(&response);
        self.record.agent = agent(&request.headers, self.role);
        self.record.status = Some(if agreed.is_ok() { 101 } else { 400 });
        self.outbox.octets(response);
        match agreed {
            Ok(agreed) => self.open(agreed, Time::ZERO),
            Err(reason) => {
                self.note_never_opened(NeverOpened::Invalid(reason));
                self.drop_tcp(Time::ZERO);
            }
        }
    }

    /// Offers commands where the case needs them: first of all, as servers may take the first they speak.
    fn with_commands<'a>(&self, opening: &'a ClientOpening) -> Cow<'a, ClientOpening> {
        let offered = opening.subprotocols.iter().any(|name| name == COMMANDS);
        if !self.case.conduct.commands || !self.settings.commands || offered {
            return Cow::Borrowed(opening);
        }
        let mut opening = opening.clone();
        opening.subprotocols.insert(0, COMMANDS.to_string());
        Cow::Owned(opening)
    }

    /// Sends the first frames of a case that does not wait for the response.
    fn hurry(&mut self) {
        if !self.case.conduct.hurries {
            return;
        }
        let Play::Script(steps) = &self.case.play else { return };
        self.steps = steps.iter().cloned().collect();
        while let Some(Step::Send(_)) = self.steps.front()
            && let Some(Step::Send(frame)) = self.steps.pop_front()
        {
            self.outbox.frame(frame);
        }
    }

    /// Takes octets of the response; returns how many belonged to it.
    pub(super) fn read_response(&mut self, octets: &[u8], now: Time) -> usize {
        let Some(handshake) = &mut self.handshake else { return 0 };
        let head = handshake.feed(octets);
        self.record.response = handshake.received().to_vec();
        match head {
            Ok(None) => octets.len(),
            Ok(Some((taken, response))) => {
                if response.status != Some(101) {
                    let body = &octets[taken..];
                    self.record.body = body[..body.len().min(BODY)].to_vec();
                }
                self.judge_response(&response, now);
                taken
            }
            Err(why) => {
                self.never_open(why, now);
                octets.len()
            }
        }
    }

    fn judge_response(&mut self, response: &ResponseHead, now: Time) {
        self.record.status = response.status;
        self.record.agent = agent(&response.headers, self.role);
        let Some(handshake) = self.handshake.take() else { return };
        match handshake.check(response, self.case.deflate.as_ref()) {
            Ok(agreed) => self.open(agreed, now),
            Err(why) => self.never_open(why, now),
        }
    }

    /// The connection is open: the case begins, and so does its time.
    fn open(&mut self, agreed: Agreed, now: Time) {
        self.phase = Phase::Open;
        self.opened = Some(now);
        self.record.took = Some(now);
        self.timers.cancel(Timer::Open);
        self.timers.arm(now + self.settings.scaled(self.case.time_limit), Timer::Limit);
        self.recorder.opened();
        self.breaches.extend(agreed.fault.map(|fault| Broken { fault, from: None }));
        if let Some(agreement) = agreed.deflate {
            self.compress(agreement);
        }
        let opened = Opened {
            deflate: agreed.deflate.is_some(),
            subprotocol: agreed.subprotocol.clone(),
            loop_count: self.settings.loop_count,
        };
        self.record.extensions = agreed.extensions;
        self.record.subprotocol = agreed.subprotocol;
        self.begin_play(&opened, agreed.deflate, now);
    }

    fn compress(&mut self, agreement: Agreement) {
        // Where the traffic is large, inspecting all of it takes longer than it is worth.
        let inspect = !self.case.measures.quiet;
        let effort = self.case.deflate.as_ref().map(|plan| plan.effort).unwrap_or_default();
        let shared = self.settings.shared.clone();
        // Negotiation lets only 8 to 15 pass, which both take.
        if let (Ok(compressor), Ok(decompressor)) =
            (Compressor::new(agreement.sent, effort, shared), Decompressor::new(agreement.received, inspect))
        {
            self.outbox.compress_with(compressor);
            self.observer.decompress_with(decompressor);
        }
    }

    pub(super) fn open_timed_out(&mut self, now: Time) {
        self.close.was_open_handshake_timeout = true;
        self.never_open(NeverOpened::TimedOut, now);
    }

    /// The opening handshake failed: the tester ends TCP, unless the peer has.
    pub(super) fn never_open(&mut self, why: NeverOpened, now: Time) {
        let peer = match why {
            NeverOpened::Dropped(how) => Some(how),
            _ => None,
        };
        self.note_never_opened(why);
        match peer {
            Some(how) => self.end(how, now),
            None => self.abort_tcp(now),
        }
    }

    fn note_never_opened(&mut self, why: NeverOpened) {
        self.close.was_not_clean_reason = Some(words::never_opened(&why));
        self.record.never_opened = Some(why);
    }
}

fn agent(headers: &Headers, role: TesterRole) -> Option<String> {
    let name = match role {
        TesterRole::Client => "Server",
        TesterRole::Server => "User-Agent",
    };
    header_text(headers.get(name))
}
