use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use wsspec_cases::CaseId;

use crate::Untrusted;
use crate::record::CaseRecord;

/// The longest part of a file name that is made from the name of an agent. The reference cuts none, but systems do.
const LIMIT: usize = 120;

/// What is left of a name that is longer, and behind it a hash that keeps names apart.
const CUT: usize = 55;

/// The name of a file for one case and agent, as the reference makes it: `my_agent_case_7_1_2.json`.
pub fn file_name(agent: &Untrusted, id: CaseId, extension: &str) -> String {
    with_slug(&slug(agent), id, extension)
}

/// File names for several agents, different also where the reference's would be the same.
#[derive(Clone, Debug, Default)]
pub struct Names {
    slugs: HashMap<Untrusted, String>,
}

impl Names {
    /// The names for these agents; the first one with a name gets it, later ones get a number.
    pub fn of<'a>(agents: impl IntoIterator<Item = &'a Untrusted>) -> Self {
        Self::default().beside(agents)
    }

    /// The names for other agents, whose files lie beside those of these, even if they are called the same.
    pub(crate) fn beside<'a>(&self, agents: impl IntoIterator<Item = &'a Untrusted>) -> Self {
        let mut slugs = HashMap::new();
        let mut taken: HashSet<String> = self.slugs.values().cloned().collect();
        for agent in agents {
            if slugs.contains_key(agent) {
                continue;
            }
            let plain = slug(agent);
            let numbered = (2..).map(|number| format!("{plain}__{number}"));
            let free = std::iter::once(plain.clone()).chain(numbered).find(|slug| !taken.contains(slug));
            let free = free.unwrap_or(plain);
            taken.insert(free.clone());
            slugs.insert(agent.clone(), free);
        }
        Self { slugs }
    }

    /// The name of the file of a case.
    pub fn file(&self, case: &CaseRecord, extension: &str) -> String {
        self.file_of(&case.agent, case.id, extension)
    }

    /// The same, whether there is a result or not.
    pub(crate) fn file_of(&self, agent: &Untrusted, id: CaseId, extension: &str) -> String {
        match self.slugs.get(agent) {
            Some(slug) => with_slug(slug, id, extension),
            None => file_name(agent, id, extension),
        }
    }
}

fn with_slug(slug: &str, id: CaseId, extension: &str) -> String {
    format!("{slug}_case_{}.{extension}", id.to_string().replace('.', "_"))
}

/// Trimmed, lower case, everything but letters and digits a space, trimmed, spaces underscores.
fn slug(agent: &Untrusted) -> String {
    let lower = agent.raw().trim().to_lowercase();
    let spaced: String =
        lower.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { ' ' }).collect();
    let plain = spaced.trim().replace(' ', "_");
    if plain.len() <= LIMIT {
        return plain;
    }
    let hash: String =
        Sha256::digest(agent.raw()).iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    format!("{}_{hash}", &plain[..CUT])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn names_follow_the_reference() {
        let id = "7.1.2".parse().unwrap();
        assert_eq!(file_name(&"My Agent/1.0  x".into(), id, "json"), "my_agent_1_0__x_case_7_1_2.json");
        assert_eq!(file_name(&" ../../Ä x ".into(), id, "html"), "x_case_7_1_2.html");
        let [long, longer] = [4096, 4097].map(|number| file_name(&"y".repeat(number).into(), id, "json"));
        assert_eq!((long.len(), long == longer), ("_case_7_1_2.json".len() + 64, false), "{long}");
        let as_there = "y".repeat(120);
        assert_eq!(file_name(&as_there.as_str().into(), id, "json"), format!("{as_there}_case_7_1_2.json"));
    }

    #[test]
    fn agents_never_share_a_file() {
        let cases = [samples::passed("a b", "1.1.1"), samples::passed("a/b", "1.1.1")];
        let names = Names::of(cases.iter().map(|case| &case.agent));
        assert_eq!(names.file(&cases[0], "json"), "a_b_case_1_1_1.json");
        assert_eq!(names.file(&cases[1], "json"), "a_b__2_case_1_1_1.json");
    }
}
