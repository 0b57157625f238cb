//! Defects and quirks of the built-in endpoint, by name.

use wsspec_cases::suite;
use wsspec_endpoint::{Deviation, Roles, defects, deviation, growing, quirks};

use crate::terminal::{Style, Tone};
use crate::text::{count, did_you_mean, wrap};

/// For each case the defect that it is there for; written by `cargo xtask defects --write-docs`.
const OF_CASES: &str = include_str!("defects_of_cases.txt");

/// The defect of that name, or the one that a case of that name is there for.
pub(crate) fn parse_defect(id: &str) -> Result<&'static Deviation, String> {
    parse(id, "defect", defects().chain(growing())).or_else(|why| of_case(id).ok_or(why))
}

/// The rarest defect that a case catches: of a server, or of a client where no server has one.
fn of_case(name: &str) -> Option<&'static Deviation> {
    let case = suite().cases().iter().find(|case| case.slug == name || name.parse() == Ok(case.id))?;
    let id = case.id.to_string();
    let row =
        OF_CASES.lines().map(|line| line.split(' ')).find_map(|mut row| (row.next()? == id).then_some(row));
    row?.find(|defect| *defect != "-").and_then(deviation)
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
        let slugs = suite().cases().iter().map(|case| &*case.slug).filter(|_| kind == "defect");
        let near = did_you_mean(id, known.by_ref().map(|deviation| deviation.id).chain(slugs)).join(", ");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_that_catches_a_defect_names_one() {
        let page = include_str!("../../../docs/defects.md");
        for line in OF_CASES.lines().filter(|line| !line.starts_with('#')) {
            let [id, server, client] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(suite().get(id.parse().unwrap()).is_some(), "{line}");
            for (role, defect) in [("server", server), ("client", client)] {
                if defect == "-" {
                    continue;
                }
                assert!(deviation(defect).is_some(), "{line}");
                assert!(page.contains(&format!("| {id} | {role} | {defect} ")), "docs/defects.md: {line}");
            }
        }
    }

    #[test]
    fn a_defect_can_be_named_by_a_case() {
        let named = |name| parse_defect(name).map(|defect| defect.id);
        assert_eq!(named("orphan-continuation"), Ok("orphan-not-last-skipped"));
        assert_eq!((named("5.15"), named("pong-empty")), (named("orphan-continuation"), Ok("pong-empty")));
        assert!(named("orphan-continuatoin").unwrap_err().contains("did you mean orphan-continuation"));
        assert!(named("99.1").is_err() && parse_quirk("5.15").is_err());
    }
}
