//! Everything that was recorded of a case, more of it with every `-v`.

use wsspec_report::Untrusted;
use wsspec_report::record::{AgentLog, CaseRecord, CheckRecord, Payload, UnreachedRecord};

use super::frames;
use super::style::{Style, Tone};
use crate::text::{count, wrap};

/// Handshake and checks; every frame from level 3 on, every octet from level 4 on.
pub fn render(record: &CaseRecord, level: i8, style: Style) -> String {
    let mut out = Vec::new();
    out.extend(head("sent", &record.handshake.request, style));
    out.extend(head("got", &record.handshake.response, style));
    if let Some(why) = &record.handshake.never_opened {
        out.push(format!("     never opened: {}", why.text.for_terminal(400)));
    }
    for check in &record.checks {
        out.extend(self::check(check, style));
    }
    out.extend(record.not_reached.iter().map(|check| not_reached(check, style)));
    if level >= 3 {
        out.extend(frames::log(record, level >= 4, style));
    }
    out.extend(record.log.iter().flat_map(|log| agent_log(log, level, style)));
    out.join("\n")
}

/// The last lines that the implementation wrote meanwhile; more of them at the higher levels.
fn agent_log(log: &AgentLog, level: i8, style: Style) -> Vec<String> {
    const FEW: usize = 20;
    let lines: Vec<&str> = log.text.raw().lines().collect();
    let before = if level >= 3 { 0 } else { lines.len().saturating_sub(FEW) };
    let more = (before > 0).then(|| {
        let place = format!("agent.log, octets {} to {}", log.from, log.to);
        format!("     | .. {} before, in {place}; -vvv shows them", count(before, "line"))
    });
    let shown = lines[before..].iter().map(|line| Untrusted::from(*line).for_terminal(200));
    more.into_iter().chain(shown.map(|line| format!("     | {}", style.plain(line)))).collect()
}

fn head(label: &str, octets: &Payload, style: Style) -> Vec<String> {
    let text = Untrusted::from_octets(octets.kept());
    let lines = text.raw().lines().filter(|line| !line.is_empty());
    let shown = lines.map(|line| style.plain(Untrusted::from(line).for_terminal(200)));
    shown.enumerate().map(|(n, line)| format!("     {:<5}{line}", if n == 0 { label } else { "" })).collect()
}

/// `     -    SHOULD close.code   RFC 6455 section 7.4   not reached`
fn not_reached(check: &UnreachedRecord, style: Style) -> String {
    let rule = check.rfc.as_ref().map_or_else(String::new, |rfc| format!("   {rfc}"));
    let sign = style.paint(Tone::Faint, "-   ");
    format!("     {sign} {} {}{rule}   not reached", check.level.name(), check.id)
}

fn check(check: &CheckRecord, style: Style) -> Vec<String> {
    let (tone, word) = if check.ok { (Tone::Good, "ok  ") } else { (Tone::Bad, "FAIL") };
    let rule = check.rfc.as_ref().map_or_else(String::new, |rfc| format!("   {rfc}"));
    let mut out = vec![format!("     {} {} {}{rule}", style.paint(tone, word), check.level.name(), check.id)];
    if !check.ok {
        for (label, text) in [("expected", &check.expected), ("observed", &check.observed)] {
            let lines = wrap(&style.plain(text.for_terminal(400)), style.width.saturating_sub(21).max(20));
            out.push(format!("            {label} {}", lines.join("\n                     ")));
        }
    }
    out
}
