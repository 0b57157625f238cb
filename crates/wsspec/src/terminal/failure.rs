//! One failure: the rule, what was expected, what came, the octets, how to run it again.

use wsspec_cases::CaseId;
use wsspec_engine::{Found, Wanted};
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, CheckRecord, Dir, Happening, LogLine, Standing};
use wsspec_report::sanitise::shell::posix;
use wsspec_report::story::{
    Part, anatomy_in_case, asked_for, broken_texts, came_back, cause_sentence, compressed, compression,
    died_saying, inflated, lack, telling_frames,
};
use wsspec_report::summary::{Cause, id_list};

use super::lines::{agent_name, cut};
use super::style::{Style, Tone};
use super::{diagram, heads};
use crate::text::{count, wrap};

/// Ids that are printed of one cause.
pub(super) const IDS: usize = 40;

/// Characters of what a part of a frame means.
const MEANING: usize = 120;

/// The block of a cause.
pub fn block(cause: &Cause<'_>, report: &str, style: Style) -> String {
    let first = cause.cases[0].whole();
    around(&first, &diagram::render(&first, style), cause, report, style)
}

/// The same where all frames follow: without the diagram of them.
pub fn block_before_frames(cause: &Cause<'_>, report: &str, style: Style) -> String {
    around(&cause.cases[0].whole(), &[], cause, report, style)
}

fn around(record: &CaseRecord, diagram: &[String], cause: &Cause<'_>, report: &str, style: Style) -> String {
    let mut out = vec![heading(record, style)];
    if cause.cases.len() > 1 {
        let same = format!("{}   same check, same observation", others(&cause.cases));
        for line in wrap(&same, style.width.saturating_sub(5)) {
            out.push(format!("     {line}"));
        }
    }
    out.push(String::new());
    out.extend(wrap(&record.title, style.width - 2).into_iter().map(|line| format!(" {line}")));
    out.push(String::new());
    out.extend(expected_and_observed(record, style));
    out.extend(negotiated(record, style));
    out.extend(last_words(record, style));
    if let Some([sent, received]) = compression(record) {
        out.extend(fact("sent    ", Tone::Note, &sent, style));
        out.extend(fact("received", Tone::Note, &received, style));
    }
    let heads = heads::render(record, style);
    if !heads.is_empty() {
        out.push(String::new());
        out.extend(heads);
    }
    // What is wrong in a head that came stands in it.
    let is_head_only = is_in_head(record) && !record.events.iter().any(|line| line.what.header().is_some());
    if !diagram.is_empty() && !is_head_only {
        out.push(String::new());
        out.extend_from_slice(diagram);
    }
    out.extend(marked_frames(record, style));
    if record.short {
        let why = "frames and log: the record of the run had grown too long";
        out.push(String::new());
        out.extend(fact("not kept", Tone::Note, why, style));
    }
    out.push(String::new());
    out.extend(what_next(record, report, style));
    out.join("\n")
}

/// The other cases of a cause; where it is one of several implementations, beside their names.
fn others(cases: &[&CaseRecord]) -> String {
    let mut by_agent: Vec<(&Untrusted, Vec<CaseId>)> = Vec::new();
    for case in &cases[1..] {
        match by_agent.iter_mut().find(|(agent, _)| **agent == case.agent) {
            Some((_, ids)) => ids.push(case.id),
            None => by_agent.push((&case.agent, vec![case.id])),
        }
    }
    let several = by_agent.iter().any(|(agent, _)| **agent != cases[0].agent);
    let list = |(agent, ids): (&Untrusted, Vec<CaseId>)| {
        let name = if several { format!("{}: ", agent_name(agent.raw())) } else { String::new() };
        format!("{name}{}", id_list(&ids, IDS))
    };
    by_agent.into_iter().map(list).collect::<Vec<_>>().join("   ")
}

/// Whether a header of the opening handshake is what is wrong.
fn is_in_head(record: &CaseRecord) -> bool {
    record.first_failed().is_some_and(|check| check.header.is_some())
}

fn heading(record: &CaseRecord, style: Style) -> String {
    let label = match record.outcome {
        Some(Standing::Flaky) => "flaky",
        _ => Style::label(record.verdict),
    };
    let left = format!("{label} {} {}", record.id, record.slug);
    let right = record.clause().map_or_else(String::new, |clause| {
        let level = record.first_failed().map_or_else(|| record.level(), |check| check.level);
        format!("{}   RFC {} section {}", level.name(), clause.rfc, clause.section)
    });
    let gap = style.width.saturating_sub(left.chars().count() + right.chars().count());
    let gap = if gap < 2 { "\n     ".to_owned() } else { " ".repeat(gap) };
    let left = style.verdict(record.verdict, &cut(&left, style.width));
    if right.is_empty() { left } else { format!("{left}{gap}{right}") }
}

fn expected_and_observed(record: &CaseRecord, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    let mut failed: Vec<&CheckRecord> = record.checks.iter().filter(|check| !check.ok).collect();
    // What else went wrong when the process ended follows from that.
    if failed.iter().any(|check| check.is_alive()) {
        failed.retain(|check| check.is_alive());
    }
    let before_the_case = failed.iter().any(|check| check.id == "handshake" || check.is_alive());
    if !before_the_case {
        out.extend(fact("expected", Tone::Good, &record.expectation, style));
    }
    let mut wanted = vec![record.expectation.clone()];
    // The sequence says what was due at the row that is marked.
    let first = record.first_failed().filter(|check| !before_the_case && check.line().is_some());
    for check in failed.iter().filter(|check| first.is_none_or(|first| first.id != check.id)) {
        let expected = asked_for(record, check);
        if (before_the_case || !is_said_by_the_case(check, record)) && !wanted.contains(&expected) {
            out.extend(fact("expected", Tone::Good, &expected, style));
            wanted.push(expected);
        }
    }
    out.extend(fact("observed", Tone::Bad, &observed(record, &failed), style));
    out
}

/// What was seen: the sentence of the cause, and what the other checks add to it.
fn observed(record: &CaseRecord, failed: &[&CheckRecord]) -> String {
    if failed.is_empty() {
        return record.summary.for_terminal(400);
    }
    let cause = cause_sentence(record).for_terminal(400);
    let mut found = vec![cause.trim_end_matches('.').to_owned()];
    // What came back is what was accepted.
    let others = if came_back(record) { &[] } else { failed };
    for check in others {
        let clause =
            check.found.as_deref().map_or_else(|| check.observed.clone(), |found| found.clause().into());
        let clause = clause.for_terminal(400);
        // That the tester failed the connection for it says the same once more.
        let again = matches!(check.found.as_deref(), Some(Found::FailedByTester { .. }))
            || check.found == record.first_failed().and_then(|first| first.found.clone());
        let is_told = |told: &String| told.to_lowercase().contains(&clause.to_lowercase());
        if !again && !found.iter().any(is_told) {
            found.push(clause);
        }
    }
    found.join("; ")
}

/// The last words of a process that ended.
fn last_words(record: &CaseRecord, style: Style) -> Vec<String> {
    const LINES: usize = 10;
    let room = style.width.saturating_sub(16).max(20);
    let told = died_saying(record, LINES).into_iter();
    let told = told.map(|line| cut(&style.plain(line.for_terminal(400)), room));
    let label = |n: usize| if n == 0 { "log" } else { "" };
    told.enumerate().map(|(n, line)| format!("   {:<11}| {line}", label(n))).collect()
}

/// Of a case that does not apply: what was offered and answered, so that it can be seen what is missing.
fn negotiated(record: &CaseRecord, style: Style) -> Vec<String> {
    let Some(lack) = lack(record) else { return Vec::new() };
    let mut out = fact("offered ", Tone::Note, &lack.offered().for_terminal(400), style);
    out.extend(fact("answered", Tone::Note, &lack.answered().for_terminal(400), style));
    out
}

/// Whether what a check asks for is said better by the case itself.
fn is_said_by_the_case(check: &CheckRecord, record: &CaseRecord) -> bool {
    if check.id == "reaction" {
        return true;
    }
    let of_a_code = matches!(check.found.as_deref(), Some(Found::Code { .. } | Found::CodelessClose));
    check.wanted.as_deref().is_some_and(|wanted| match wanted {
        Wanted::LawfulFrames => came_back(record),
        // Which code is due does not matter before the connection is failed.
        Wanted::Failing { .. } if !of_a_code => true,
        wanted => wanted.is_general() || wanted.is_sentence(),
    })
}

fn fact(label: &str, tone: Tone, text: &str, style: Style) -> Vec<String> {
    const INDENT: usize = 14;
    let text = style.plain(text);
    let mut lines = wrap(&text, style.width.saturating_sub(INDENT).max(20)).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![format!("   {}   {first}", style.paint(tone, label))];
    out.extend(lines.map(|line| format!("{:INDENT$}{line}", "")));
    out
}

/// The frames that show what is wrong, octet by octet.
fn marked_frames(record: &CaseRecord, style: Style) -> Vec<String> {
    telling_frames(record).into_iter().flat_map(|line| marked_frame(line, record, style)).collect()
}

fn marked_frame(line: &LogLine, record: &CaseRecord, style: Style) -> Vec<String> {
    let is_sent = matches!(line.what, Happening::Frame { dir: Dir::Tx, .. });
    let way = if is_sent { "sent" } else { "received" };
    let size = line.what.frame_octets().unwrap_or_default();
    let size = count(usize::try_from(size).unwrap_or(usize::MAX), "octet");
    let mut out = vec![String::new()];
    let head = format!("octets of the marked frame ({way}, {size})");
    out.extend(wrap(&head, style.width.saturating_sub(3)).into_iter().map(|line| format!("   {line}")));
    let broken = broken_texts(record);
    let parts = anatomy_in_case(&line.what, broken.get(&line.i), compressed(record).get(&line.i));
    let octets: Vec<String> = parts.iter().map(|part| spaced_hex(&part.octets)).collect();
    // The payload may be longer than what stands in front of it, and is followed by what it means.
    let is_payload = |part: &Part| part.fields == "websocket.payload";
    let header = parts.iter().zip(&octets).filter(|(part, _)| !is_payload(part));
    let column = header.map(|(_, octets)| octets.len()).max().unwrap_or(0);
    for (part, octets) in parts.iter().zip(&octets) {
        let meaning = style.plain(part.meaning.for_terminal(MEANING));
        let line = format!("     {octets:<column$}  {meaning}");
        if line.chars().count() <= style.width {
            out.push(line);
        } else {
            out.push(format!("     {octets}"));
            let lines = wrap(&meaning, style.width.saturating_sub(column + 7).max(20));
            out.extend(lines.into_iter().map(|line| format!("     {:column$}  {line}", "")));
        }
    }
    if let Some(message) = inflated(record).get(&line.i) {
        let message = style.plain(message.for_terminal(MEANING * 2));
        let lines = wrap(&message, style.width.saturating_sub(5).max(20));
        out.extend(lines.into_iter().map(|line| format!("     {line}")));
    }
    out
}

/// The octets of a part that are shown, in hexadecimal.
fn spaced_hex(octets: &[u8]) -> String {
    const SHOWN: usize = 14;
    let shown: Vec<String> = octets.iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect();
    let more = if octets.len() > SHOWN { " .." } else { "" };
    format!("{}{more}", shown.join(" "))
}

fn what_next(record: &CaseRecord, report: &str, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    if !record.repro.is_empty() {
        out.push(format!("   again    {}", shell(&record.repro)));
    }
    let core = record.log.as_ref().and_then(|log| log.core.as_ref());
    out.extend(core.map(|core| format!("   core     {}", style.plain(core.for_terminal(400)))));
    out.extend(seen_in(record).map(|place| format!("   where    {place}")));
    out.push(format!("   why      wsspec explain {}", record.id));
    if !report.is_empty() {
        out.push(format!("   page     {}", style.path(report, &record.id.to_string())));
    }
    out
}

/// Where it is to be seen, if not in a line of this case.
fn seen_in(record: &CaseRecord) -> Option<String> {
    let check = record.first_failed()?;
    let line = check.event.map_or_else(String::new, |line| format!("   (line {line})"));
    let header = || Some(format!("the header {} of the opening handshake", check.header.as_deref()?));
    check.case.map(|case| format!("wsspec show {} -vv{line}", case.0)).or_else(header)
}

/// A command as it can be typed into a POSIX shell.
pub fn shell(words: &[String]) -> String {
    let quote = |word: &String| {
        if !word.is_ascii() || word.chars().any(char::is_control) {
            return posix(std::slice::from_ref(word));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&b);
        if !word.is_empty() && word.bytes().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
