//! Cases by name: id, glob over ids, slug, set.

use wsspec_cases::{Case, Suite};

pub use wsspec_cases::sets::{SETS, Set};

use crate::errors::{ErrorCode, Problem};
use crate::text::{count, did_you_mean};

/// The cases that are meant, in the order of their ids.
///
/// # Errors
/// E17: a name means no case.
pub fn cases(suite: &'static Suite, names: &[String]) -> Result<Vec<&'static Case>, Problem> {
    let mut chosen: Vec<&'static Case> = Vec::new();
    for name in names {
        let meant: Vec<_> = suite.cases().iter().filter(|case| means(name, case)).collect();
        if meant.is_empty() {
            return Err(unknown(name, suite));
        }
        chosen.extend(meant);
    }
    chosen.sort_by_key(|case| case.id);
    chosen.dedup_by_key(|case| case.id);
    Ok(chosen)
}

fn means(name: &str, case: &Case) -> bool {
    if let Some(set) = name.strip_prefix('@') {
        return SETS.iter().any(|known| known.name == set && known.contains(case));
    }
    if name.contains(['*', '?']) {
        return glob(name.as_bytes(), case.id.to_string().as_bytes());
    }
    name == case.slug || name.parse() == Ok(case.id)
}

/// `*` is any text, `?` one character; anchored at both ends.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => glob(rest, text) || !text.is_empty() && glob(pattern, &text[1..]),
        ([b'?', rest @ ..], [_, text @ ..]) => glob(rest, text),
        ([first, rest @ ..], [other, text @ ..]) if first == other => glob(rest, text),
        _ => false,
    }
}

/// Letters that tell a slug of which they are a part.
const PART: usize = 4;

fn unknown(name: &str, suite: &Suite) -> Problem {
    let ids: Vec<String> = suite.cases().iter().map(|case| case.id.to_string()).collect();
    if let Some(problem) = section(name, &ids) {
        return problem;
    }
    let sets: Vec<String> = SETS.iter().map(|set| format!("@{}", set.name)).collect();
    let groups = groups(&ids);
    let names = ids.iter().chain(&sets).chain(&groups).map(String::as_str);
    let slugs = || suite.cases().iter().map(|case| &*case.slug);
    let mut near = did_you_mean(name, names.chain(slugs()));
    if near.is_empty() && name.len() >= PART {
        near = slugs().filter(|slug| slug.contains(name)).take(3).collect();
    }
    let problem = Problem::new(ErrorCode::E17, format!("no case matches {name:?}"));
    let problem =
        if near.is_empty() { problem } else { problem.fact("meant", format!("{}?", near.join(", "))) };
    let section = name.split('.').next().filter(|section| groups.contains(&format!("{section}.*")));
    let problem = match &section {
        _ if name.starts_with('@') => problem.fact("known", sets.join(" ")),
        Some(section) => problem.fact("known", known_groups(section, &groups)),
        None => problem,
    };
    let advice = match section {
        _ if name.starts_with('@') => "wsspec list --sets".to_owned(),
        Some(section) => format!("wsspec list {section}"),
        None => "wsspec list".to_owned(),
    };
    problem.fact("try", advice)
}

/// The beginning of ids, which was typed for all of them.
fn section(name: &str, ids: &[String]) -> Option<Problem> {
    let start = format!("{}.", name.trim_end_matches('.'));
    let inside = ids.iter().filter(|id| id.starts_with(&start)).count();
    let is_id = name.starts_with(|first: char| first.is_ascii_digit()) && inside > 0;
    is_id.then(|| {
        Problem::new(ErrorCode::E17, format!("no case matches {name:?}"))
            .fact("meant", format!("{name} is a section: '{start}*' has {}", count(inside, "case")))
            .fact(
                "try",
                format!("'{start}*' in its place   (wsspec list {} shows them)", name.trim_end_matches('.')),
            )
    })
}

/// The groups of a section, `7.1 7.3`, where it has some, and at most as many as fit two lines.
fn known_groups(section: &str, groups: &[String]) -> String {
    const MOST: usize = 16;
    let names = groups.iter().filter_map(|group| group.strip_suffix(".*"));
    let mut known: Vec<&str> = names.filter(|group| group.starts_with(&format!("{section}."))).collect();
    if known.is_empty() {
        return format!("{section}.*");
    }
    known.sort_by_key(|group| (group.len(), *group));
    let more = known.len().saturating_sub(MOST);
    let shown = known[..known.len() - more].join(" ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// `7.*`, `7.1.*`
fn groups(ids: &[String]) -> Vec<String> {
    let mut groups: Vec<String> =
        ids.iter().filter_map(|id| id.rsplit_once('.')).map(|(group, _)| format!("{group}.*")).collect();
    groups.extend(ids.iter().filter_map(|id| id.split_once('.')).map(|(section, _)| format!("{section}.*")));
    groups.sort();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use wsspec_cases::suite;

    use super::*;

    fn ids(names: &[&str]) -> Result<Vec<String>, Problem> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(cases(suite(), &names)?.iter().map(|case| case.id.to_string()).collect())
    }

    #[test]
    fn globs_are_anchored_at_both_ends() {
        assert!(ids(&["1.*"]).unwrap().iter().all(|id| id.starts_with("1.")));
        assert_eq!(ids(&["2.1?"]).unwrap(), ["2.10", "2.11"]);
        assert_eq!(ids(&["5.2*", "5.20", "5.2"]).unwrap(), ["5.2", "5.20"]);
    }

    #[test]
    fn a_name_without_a_case_is_an_error_with_a_suggestion() {
        let text = ids(&["7.12.*"]).unwrap_err().to_string();
        assert!(text.contains("7.13.*") && text.contains("wsspec list 7"), "{text}");
        assert!(text.contains("known    7.1 7.3 7.5 7.7 7.9 7.13"), "{text}");
        assert!(ids(&["@cor"]).unwrap_err().to_string().contains("@core"));
        let part = ids(&["orphan"]).unwrap_err().to_string();
        assert!(part.contains("meant    orphan-continuation"), "{part}");
        assert!(ids(&["99.1.1"]).is_err() && ids(&[""]).is_err());
    }

    #[test]
    fn sets_hold_what_they_say() {
        let core = ids(&["@core"]).unwrap();
        assert!(core.contains(&"10.1.1".to_owned()) && !core.iter().any(|id| id.starts_with("9.")));
        assert_eq!(core.len(), 247);
        let quick = ids(&["@quick"]).unwrap();
        assert!(
            quick.iter().all(|id| core.contains(id)) && (40..=80).contains(&quick.len()),
            "{}",
            quick.len()
        );
        let handshake = ids(&["@handshake"]).unwrap();
        assert!(
            ["16.5.10", "22.4.1"].iter().all(|id| handshake.contains(&(*id).to_owned())),
            "{handshake:?}"
        );
        assert!(!handshake.contains(&"22.1.1".to_owned()), "{handshake:?}");
        assert!(ids(&["@deflate"]).unwrap().iter().all(|id| id.starts_with("2") || id.starts_with("19")));
    }

    #[test]
    fn all_and_many_are_everything_and_share_nothing() {
        let (all, many) = (ids(&["@all"]).unwrap(), ids(&["@many"]).unwrap());
        assert_eq!(many.len(), 6, "as README.md says: {many:?}");
        assert!(many.iter().all(|id| !all.contains(id)));
        assert_eq!(all.len() + many.len(), suite().cases().len());
        assert_eq!(ids(&["@all", "@many"]).unwrap().len(), suite().cases().len());
        let slow = ids(&["@slow"]).unwrap();
        assert!(slow.iter().all(|id| all.contains(id)), "{slow:?}");
    }
}
