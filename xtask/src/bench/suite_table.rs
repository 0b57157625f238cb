//! The table of `cargo xtask bench suite`.

use super::machine;
use super::suite::{Figures, Pair};
use super::table::Table;

/// On what and with what a table was measured.
pub(super) fn heading() -> String {
    format!("Measured on {}; wsspec {} ({}).\n", machine::machine(), machine::revision(), machine::compiler())
}

/// Said of a table whose volume is not full.
pub(super) fn reduced(messages: u32) -> String {
    format!(
        "Both programs sent {messages} messages in each case of sections 12 and 13 instead of a thousand.\n\n"
    )
}

/// Ratios first, then the figures of both programs and of the server.
pub(super) fn table(pairs: &[Pair]) -> String {
    let mut table = Table::new(&[
        "cases",
        "wall: reference / wsspec",
        "CPU: reference / wsspec",
        "memory: reference / wsspec",
        "wall of the reference, s",
        "wall of wsspec, s",
        "CPU of the reference, s",
        "CPU of wsspec, s",
        "memory of the reference, MiB",
        "memory of wsspec, MiB",
        "server's CPU under the reference, s",
        "server's CPU under wsspec, s",
        "reference measured on",
        "wsspec measured on",
        "runs of wsspec",
    ]);
    for Pair { set, reference, wsspec } in pairs {
        let (old, new) = (&reference.tester, &wsspec.tester);
        let mebibytes = |octets: u64| octets as f64 / f64::from(1 << 20);
        let number = |value: f64| format!("{value:.2}");
        let whole = |value: f64| format!("{value:.0}");
        table.row([
            format!("{set} ({})", cases(reference, wsspec)),
            format!("**{:.1}**", old.wall / new.wall),
            format!("**{:.1}**", old.cpu() / new.cpu()),
            format!("{:.1}", old.memory as f64 / new.memory as f64),
            number(old.wall),
            number(new.wall),
            number(old.cpu()),
            number(new.cpu()),
            whole(mebibytes(old.memory)),
            whole(mebibytes(new.memory)),
            number(reference.server.cpu()),
            number(wsspec.server.cpu()),
            reference.measured.clone(),
            wsspec.measured.clone(),
            wsspec.runs.to_string(),
        ]);
    }
    table.to_string()
}

fn cases(reference: &Figures, wsspec: &Figures) -> String {
    match reference.cases == wsspec.cases {
        true => reference.cases.to_string(),
        false => format!("reference {}, wsspec {}", reference.cases, wsspec.cases),
    }
}
