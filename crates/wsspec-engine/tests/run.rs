//! How a case runs: the life of a connection, in memory and virtual time.

mod common;

use std::time::Duration;

use common::{Scripted, case, mannered, run_client};
use wsspec_cases::words::{message, secs, text};
use wsspec_cases::{Case, Step};
use wsspec_engine::{Behavior, BehaviorClose, Verdict};
use wsspec_wire::Opcode;

fn echo_case() -> Case {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]);
    case
}

#[test]
fn an_echo_is_followed_by_a_clean_close() {
    let (outcome, peer) = run_client(&echo_case(), Scripted::server(mannered));
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    assert_eq!(outcome.behavior, Behavior::Ok);
    assert_eq!(outcome.behavior_close, BehaviorClose::Ok);
    assert!(outcome.observation.close.was_clean);
    assert_eq!(outcome.observation.close.remote_code, Some(1000));
    assert_eq!(outcome.observation.duration, Duration::ZERO);
    assert_eq!(outcome.observation.handshake.agent.as_deref(), Some("scripted"));
    let opcodes: Vec<_> = peer.frames.iter().map(|frame| frame.header.opcode).collect();
    assert_eq!(opcodes, [Opcode::TEXT, Opcode::CLOSE]);
    assert!(peer.frames.iter().all(|frame| frame.header.mask.is_some()), "a client masks");
}
