//! Defects and quirks of the built-in endpoint, by name.

use wsspec_endpoint::{Deviation, Roles, defects, deviation, growing, quirks};

use crate::terminal::{Style, Tone};
use crate::text::{count, did_you_mean, wrap};

/// The defect of that name.
pub(crate) fn parse_defect(id: &str) -> Result<&'static Deviation, String> {
    parse(id, "defect", defects().chain(growing()))
}

/// The quirk of that name.
pub(crate) fn parse_quirk(id: &str) -> Result<&'static Deviation, String> {
    parse(id, "quirk", quirks())
}

fn parse(
    id: &str,
    kind: &str,
    mut known: impl Iterator<Item = &'static Deviation> + Clone,
) -> Result<&'static Deviation, String> {
    known.clone().find(|deviation| deviation.id == id).ok_or_else(|| {
        let near = did_you_mean(id, known.by_ref().map(|deviation| deviation.id)).join(", ");
        let meant = if near.is_empty() { String::new() } else { format!("; did you mean {near}?") };
        format!("no such {kind}{meant} (wsspec list --{kind}s)")
    })
}

/// All of them, a line or two each.
pub(crate) fn table(
    deviations: impl Iterator<Item = &'static Deviation>,
    kind: &str,
    style: Style,
) -> String {
    let mut out = String::new();
    let mut total = 0;
    for deviation in deviations {
        total += 1;
        let id = style.paint(Tone::Strong, &format!("{:<32}", deviation.id));
        out.push_str(&format!("  {id}  {:<6}  {}\n", roles(deviation.roles), deviation.rule));
        for line in wrap(deviation.title, style.width.saturating_sub(6)) {
            out.push_str(&format!("      {line}\n"));
        }
    }
    out.push_str(&format!("{}\n", count(total, kind)));
    out
}

/// What `explain` says of one.
pub(crate) fn page(id: &str, style: Style) -> Option<String> {
    let deviation = deviation(id)?;
    let is_defect = defects().chain(growing()).any(|defect| defect == deviation);
    let (kind, flag) = if is_defect {
        ("A defect: the built-in endpoint can be told to break this rule.", "--defect")
    } else {
        ("A quirk: lawful, and unusual. The built-in endpoint can be told to behave so.", "--quirk")
    };
    let mut out = style.paint(Tone::Strong, deviation.id);
    out.push_str(&format!("\n\n  {kind}\n"));
    for line in wrap(&format!("The endpoint {}.", deviation.title), style.width.saturating_sub(2)) {
        out.push_str(&format!("\n  {line}"));
    }
    out.push_str(&format!(
        "\n\n   rule       {}\n   role       {}\n",
        deviation.rule,
        roles(deviation.roles)
    ));
    out.push_str(&format!("   try        wsspec echo 127.0.0.1:9001 {flag} {id}\n"));
    out.push_str("              wsspec run ws://127.0.0.1:9001 @all\n");
    out.push_str("   see        docs/defects.md, docs/quirks.md: which case catches it");
    Some(out)
}

fn roles(roles: Roles) -> &'static str {
    match roles {
        Roles::Both => "both",
        Roles::Client => "client",
        Roles::Server => "server",
    }
}
