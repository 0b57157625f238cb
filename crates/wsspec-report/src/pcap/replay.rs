use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;

use super::{Flow, Side, header};
use crate::record::{CaseRecord, Dir, Happening, Report, Role};

/// The ports of the side that connects.
const PORTS: u16 = 49152;

/// A capture of what a record holds: the first octets of each read and write, at their times.
///
/// Secrets that were replaced in the record are replaced here too.
///
/// # Errors
/// It cannot be written.
pub fn write(report: &Report, mut out: impl io::Write) -> io::Result<()> {
    out.write_all(&header())?;
    for (place, case) in report.cases.iter().enumerate() {
        out.write_all(&connection(report, &case.whole(), (place % 16_384) as u16))?;
    }
    Ok(())
}

fn connection(report: &Report, case: &CaseRecord, place: u16) -> Vec<u8> {
    let start = case.started.parse::<Timestamp>().map_or(0, |time| time.as_microsecond()).max(0) as u64;
    let server = server_of(report, case);
    let client = SocketAddr::new(server.ip(), PORTS + place);
    let (tester, peer) = match case.role {
        Role::Server => (Side::Client, Side::Server),
        Role::Client => (Side::Server, Side::Client),
    };
    let (mut flow, opening) = Flow::open(client, server, start);
    let mut out = opening;
    for line in &case.events {
        let at = start.saturating_add(line.us);
        out.extend(match &line.what {
            Happening::Octets { dir, data, .. } => {
                let from = if *dir == Dir::Tx { tester } else { peer };
                flow.data(at, from, data.kept(), data.len())
            }
            Happening::Tcp { end } => match end.as_str() {
                "peer-rst" => flow.reset(at, peer),
                "peer-fin" => [flow.fin(at, peer), flow.fin(at, tester)].concat(),
                _ => [flow.fin(at, tester), flow.fin(at, peer)].concat(),
            },
            _ => Vec::new(),
        });
    }
    if case.events.is_empty() { Vec::new() } else { out }
}

/// The address of the server if it was given as numbers, else one of this machine.
fn server_of(report: &Report, case: &CaseRecord) -> SocketAddr {
    let target = report.run.targets.iter().find(|target| target.agent == case.agent);
    let url = target.and_then(|target| target.url.as_deref()).unwrap_or_default();
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
    authority.parse().unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, report};
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn names_of_hosts_and_hostile_agents_are_no_obstacle() {
        for text in HOSTILE {
            let mut report = report(vec![failed(text, "5.15")]);
            for target in &mut report.run.targets {
                target.url = Some((*text).to_owned());
            }
            let mut octets = Vec::new();
            write(&report, &mut octets).unwrap();
            assert!(octets.len() > header().len() && octets.len().is_multiple_of(4));
        }
    }
}
