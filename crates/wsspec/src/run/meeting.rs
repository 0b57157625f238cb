//! Meets the servers before the first case: starts them, looks at them, tells what was found.

use std::sync::Arc;

use super::Servers;
use super::attempt::Agent;
use super::peer::{PeerPlan, make_unique};
use super::plan::{RunPlan, is_negotiated};
use super::preflight::{self, Look, PeerFacts, preflight};
use crate::cli::Feature;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::socket::Address;
use crate::signals::{Signals, raised};
use crate::sut::Sut;
use crate::sut::plan::Restart;
use crate::target::Target;
use crate::terminal::{Console, lines, opening};
use crate::text::{count, wrap};
use crate::typed;

/// Starts and looks at all peers; nothing if a signal came meanwhile.
pub(super) async fn meet_all(
    plan: &RunPlan,
    servers: &mut Servers,
    console: &Console,
    signals: &Signals,
) -> Result<Option<(Vec<Agent>, Vec<PeerFacts>)>, Problem> {
    let (mut agents, mut facts) = (Vec::new(), Vec::new());
    let mut stop = signals.stop();
    for at in 0..plan.peers.len() {
        let started = tokio::select! {
            started = servers.start(plan, at, console) => started?,
            () = raised(&mut stop) => return Ok(None),
        };
        let (agent, found) = meet(&started.peer, started.sut, plan, console).await?;
        agents.push(agent);
        facts.push(found);
    }
    Ok(Some((agents, facts)))
}

/// Looks at a peer and makes an agent of it.
async fn meet(
    peer: &PeerPlan,
    sut: Option<Arc<Sut>>,
    plan: &RunPlan,
    console: &Console,
) -> Result<(Agent, PeerFacts), Problem> {
    let target = peer.target.as_ref().expect("every peer has an address by now");
    let look = Look {
        target,
        opening: &peer.opening,
        secure: peer.secure.as_ref(),
        limit: plan.settings.open_timeout,
        echo: plan.echo_check,
        lenient: plan.handshake_only(),
        started: peer.exec.is_some(),
        others: &others(peer, plan),
    };
    let facts = match (preflight(&look).await, &sut) {
        (Err(problem), Some(sut)) => return Err(sut.gone().await.unwrap_or(problem)),
        (facts, _) => facts?,
    };
    let named_by_peer = facts.server.as_ref().map(|name| name.raw().chars().take(128).collect::<String>());
    let name = peer.name.clone().or(named_by_peer.filter(|name| !name.trim().is_empty()));
    let is_named = name.is_some() || sut.as_ref().is_some_and(|sut| sut.plan().name().is_some());
    let a_process_each = sut.as_ref().is_some_and(|sut| sut.plan().restart == Restart::Case);
    let agent = Agent {
        name: name.unwrap_or_else(|| match &sut {
            Some(sut) => sut.plan().name().unwrap_or_else(|| target.host.clone()),
            None => target.fallback_name(),
        }),
        url: target.to_string(),
        address: peer.address.clone().unwrap_or_else(|| target.to_string()),
        deflate: facts.deflate,
        built_in: peer.built_in,
        addresses: facts.addresses.clone(),
        secure: peer.secure.clone(),
        opening: peer.opening.clone(),
        again: peer.again.clone(),
        at_a_time: if facts.one_at_a_time || a_process_each { 1 } else { plan.limits.jobs },
        no_delay: true,
        sut,
        process: None,
        capture: None,
        legs: None,
    };
    introduce(&agent, target, is_named, &facts, plan, console)?;
    Ok((agent, facts))
}

/// The ports of the other servers of the run, and of the backend.
fn others(peer: &PeerPlan, plan: &RunPlan) -> Vec<u16> {
    let port = |target: &Target| target.port;
    let own = peer.target.as_ref().map(port);
    let servers = plan.peers.iter().filter_map(|other| other.target.as_ref().map(port));
    let backend = plan.backend.iter().filter_map(|address| address.rsplit(':').next()?.parse().ok());
    servers.chain(backend).filter(|port| Some(*port) != own).collect()
}

fn introduce(
    agent: &Agent,
    target: &Target,
    is_named: bool,
    facts: &PeerFacts,
    plan: &RunPlan,
    console: &Console,
) -> Result<(), Problem> {
    let socket = facts.addresses.iter().find(|address| address.tcp().is_none());
    let place = socket.map_or_else(|| agent.url.clone(), |path| format!("{} over {path}", agent.url));
    let place = plan.redaction.text(&place);
    console.say(0, opening::target(&place, facts.answered_in, facts.echoed, console.style));
    let named_by_peer = facts.server.as_ref().is_some_and(|name| agent.name == name.raw());
    if !is_named {
        let name = lines::cut(&lines::agent_name(&agent.name), 24);
        console
            .note(format!("warning[W11]: the server tells no name and is called\n  {name}   (--agent NAME)"));
    }
    console.say(
        0,
        opening::agent(&agent.name, named_by_peer, facts.deflate, agent.secure.is_some(), console.style),
    );
    if !facts.addresses.iter().all(Address::is_nearby) {
        console.note(format!(
            "warning[W07]: {} is a public address; wsspec sends malformed traffic on purpose",
            agent.url
        ));
    }
    if facts.one_at_a_time {
        console.note(format!(
            "warning[W01]: {} takes one connection at a time; so do the cases",
            lines::agent_name(&agent.name)
        ));
    }
    if plan.require.contains(&Feature::Tls) && agent.secure.is_none() {
        return Err(Problem::new(ErrorCode::E30, format!("{} is not reached over TLS", agent.url))
            .fact("why", "--require tls")
            .fact("try", typed::at(target, &agent.url.replacen("ws://", "wss://", 1))));
    }
    let left_out = plan.negotiated();
    if facts.deflate && left_out > 0 {
        let more = format!("is negotiated: {} more", count(left_out, "case"));
        console.say(0, opening::row("deflate", &[&more, "those of @deflate"], console.style));
    }
    let wanting = plan.cases.iter().filter(|case| case.deflate.is_some() || is_negotiated(case)).count();
    if facts.deflate || wanting == 0 && plan.require.is_empty() {
        return Ok(());
    }
    let note = Problem::new(ErrorCode::E13, "permessage-deflate was not negotiated")
        .fact("offered", preflight::OFFER)
        .fact("got", NO_DEFLATE)
        .fact("fine", FINE)
        .advise("the same without --require deflate: those cases are then n/a");
    if plan.require.contains(&Feature::Deflate) {
        return Err(note.exit_with(ExitCode::Unreachable));
    }
    let what = match left_out {
        0 => format!("{} {} n/a", count(wanting, "case"), if wanting == 1 { "is" } else { "are" }),
        _ => format!(
            "the {} of @deflate {} not chosen",
            count(left_out, "case"),
            if left_out == 1 { "is" } else { "are" }
        ),
    };
    console.note(without_deflate(&what, console.style.width));
    Ok(())
}

const NO_DEFLATE: &str = "an answer without permessage-deflate";
const FINE: &str = "if the library has no compression; else: is it on for this endpoint?";

/// What was offered, what came, and what to make of it.
fn without_deflate(what: &str, width: usize) -> String {
    const LABELS: usize = 11;
    let facts = [
        ("offered", preflight::OFFER),
        ("got", NO_DEFLATE),
        ("fine", FINE),
        ("strict", "--require deflate makes this exit 3"),
    ];
    let mut out = wrap(&format!("note[E13]: permessage-deflate was not negotiated; {what}"), width);
    for (label, text) in facts {
        for (at, line) in wrap(text, width.saturating_sub(LABELS).max(20)).iter().enumerate() {
            out.push(format!("  {:<9}{line}", if at == 0 { label } else { "" }));
        }
    }
    out.join("\n")
}

pub(super) fn separate_names(agents: &mut [Agent], console: &Console) {
    let mut names: Vec<String> = agents.iter().map(|agent| agent.name.clone()).collect();
    for name in make_unique(&mut names) {
        let name = lines::agent_name(&name);
        console.note(format!("warning[W03]: two agents are called {name:?};\n  the later one gets a number"));
    }
    for (agent, name) in agents.iter_mut().zip(names) {
        agent.name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_about_deflate_fits_at_every_width() {
        for width in 40..=100 {
            let note = without_deflate("the 67 cases of @deflate are not chosen", width);
            assert!(note.lines().all(|line| line.chars().count() <= width), "{width}: {note}");
            let words: Vec<&str> = note.split_whitespace().collect();
            assert_eq!(words.join(" ").matches("of @deflate are not chosen").count(), 1, "{note}");
        }
        insta::assert_snapshot!(without_deflate("the 67 cases of @deflate are not chosen", 60));
    }
}
