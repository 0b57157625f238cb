//! Scripts for a shell, and the bare octets.

use std::fmt::Write as _;

use super::{End, Script, Unfit, one_line};
use crate::record::event::hex;
use crate::sanitise::shell;

/// Octets on one line.
const LINE: usize = 16;
/// A shell cannot wait for an answer: it gives the peer so many seconds.
const ANSWER: f64 = 0.3;

/// `printf` and `sleep` into `nc`.
pub(super) fn nc(script: &Script) -> String {
    let mut out = String::from("#!/bin/sh\n");
    comment(&mut out, &script.heading());
    out.push_str("# usage: sh SCRIPT [HOST [PORT]]     needs nc (netcat) and od\n");
    let host = shell::posix(std::slice::from_ref(&script.host));
    let _ = writeln!(out, "HOST=${{1:-}} PORT=${{2:-{}}}\n[ -n \"$HOST\" ] || HOST={host}", script.port);
    out.push_str("cat <<'END OF TEXT'\nexpected\n");
    script.expected.iter().for_each(|line| out.push_str(&format!("    {}\n", one_line(line))));
    out.push_str("received\nEND OF TEXT\n{\n");
    for (place, (step, label)) in script.moves.iter().zip(script.labels()).enumerate() {
        let answer = if place == 1 || step.listen { ANSWER } else { 0.0 };
        let pause = step.pause.as_secs_f64().max(answer);
        if pause > 0.0 {
            let _ = writeln!(out, "  sleep {pause:.3}");
        }
        let _ = writeln!(out, "  # {label}");
        for line in step.octets.chunks(LINE) {
            let octets: String = line.iter().map(|octet| format!("\\{octet:03o}")).collect();
            let _ = writeln!(out, "  printf '{octets}'");
        }
    }
    let patience = if script.end == End::Fin { 0.0 } else { script.patience.as_secs_f64() };
    let pauses = script.moves.iter().map(|step| step.pause.as_secs_f64());
    let idle = pauses.fold(script.patience.as_secs_f64(), f64::max).ceil() + 3.0;
    let _ =
        writeln!(out, "  sleep {patience:.1}\n}} | nc -w {idle:.0} \"$HOST\" \"$PORT\" | od -A d -t x1 -t c");
    out
}

/// A line of hex for every sixteen octets; all else is a comment.
pub(super) fn hex_lines(script: &Script) -> String {
    let mut out = String::new();
    comment(&mut out, &script.heading());
    out.push_str("# the octets alone: grep -v '^#' FILE | xxd -r -p\n");
    for line in &script.expected {
        let _ = writeln!(out, "# expected: {}", one_line(line));
    }
    for (place, (step, label)) in script.moves.iter().zip(script.labels()).enumerate() {
        if step.listen || place == 1 {
            out.push_str("# wait for the peer\n");
        }
        if !step.pause.is_zero() {
            let _ = writeln!(out, "# wait {:.3} s", step.pause.as_secs_f64());
        }
        let _ = writeln!(out, "# {label}: {} octets", step.octets.len());
        for line in step.octets.chunks(LINE) {
            let pairs: Vec<String> = line.iter().map(|octet| hex(&[*octet])).collect();
            let _ = writeln!(out, "{}", pairs.join(" "));
        }
    }
    out.push_str(match script.end {
        End::Close => "# wait for the end of the connection\n",
        End::Fin => "# send FIN\n",
        End::Reset => "# send RST\n",
    });
    out
}

/// The opening handshake as `curl` sends it, if that is octet for octet the same.
pub(super) fn curl(script: &Script) -> Result<String, Unfit> {
    let head = std::str::from_utf8(&script.moves[0].octets).map_err(|_| Unfit::Curl)?;
    let mut lines = head.strip_suffix("\r\n\r\n").ok_or(Unfit::Curl)?.split("\r\n");
    let path = lines.next().and_then(|line| line.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1"));
    let path = path.filter(|path| path.starts_with('/') && !path.contains(['#', ' '])).ok_or(Unfit::Curl)?;
    let headers: Vec<&str> = lines.collect();
    // curl puts Host first, and leaves out what has no value.
    let plain = |header: &&str| {
        header.split_once(": ").is_some_and(|(name, value)| !name.is_empty() && !value.trim().is_empty())
    };
    let hosts = headers.iter().filter(|header| header.to_ascii_lowercase().starts_with("host:")).count();
    if !headers.iter().all(plain) || hosts != 1 || !headers[0].starts_with("Host: ") {
        return Err(Unfit::Curl);
    }
    let scheme = if script.tls { "https" } else { "http" };
    let host = if script.host.contains(':') { format!("[{}]", script.host) } else { script.host.clone() };
    let mut words = ["curl", "--http1.1", "--include", "--no-buffer", "--path-as-is", "--output", "-"]
        .map(str::to_owned)
        .to_vec();
    words.extend(["--globoff", "--max-time"].map(str::to_owned));
    words.push(format!("{:.0}", script.patience.as_secs_f64().ceil() + 1.0));
    words.extend(script.tls.then(|| "--insecure".to_owned()));
    let named = |name: &str| headers.iter().any(|header| header.to_ascii_lowercase().starts_with(name));
    for (name, own) in [("user-agent:", "User-Agent:"), ("accept:", "Accept:")] {
        if !named(name) {
            words.extend(["-H".to_owned(), own.to_owned()]);
        }
    }
    headers.iter().for_each(|header| words.extend(["-H".to_owned(), (*header).to_owned()]));
    words.push(format!("{scheme}://{host}:{}{path}", script.port));
    let mut out = String::from("#!/bin/sh\n");
    comment(&mut out, &script.heading());
    if script.moves.len() > 1 {
        out.push_str("# curl sends the opening handshake; for the frames behind it: --as nc\n");
    }
    for line in &script.expected {
        let _ = writeln!(out, "# expected: {}", one_line(line));
    }
    let _ = writeln!(out, "{}", shell::posix(&words));
    Ok(out)
}

fn comment(out: &mut String, lines: &[String]) {
    lines.iter().for_each(|line| out.push_str(&format!("# {line}\n")));
}
