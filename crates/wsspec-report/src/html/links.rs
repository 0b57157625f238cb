use std::collections::{HashMap, HashSet};

use wsspec_cases::CaseId;

use super::article::has_run;
use super::before::Earlier;
use crate::Untrusted;
use crate::compat::Names;
use crate::record::{CaseRecord, Report};

/// The longest key of an agent.
const LIMIT: usize = 40;

/// Where the pages are, and short names for the agents in addresses.
pub(super) struct Links {
    keys: HashMap<Untrusted, String>,
    files: Option<Names>,
    /// The places in the report of the cases that have run, by agent and by case: a page has links to others,
    /// and to look for them among all cases each time takes long where there are many.
    of_agent: HashMap<Untrusted, Siblings>,
    of_case: HashMap<CaseId, Vec<usize>>,
    /// Earlier results of cases that have changed, by agent as it is called now.
    earlier: HashMap<(Untrusted, CaseId), Earlier>,
}

/// The cases of one agent.
#[derive(Default)]
struct Siblings {
    places: Vec<usize>,
    /// Where among them a case is.
    order: HashMap<CaseId, usize>,
    of_cause: HashMap<String, Vec<usize>>,
}

/// The cases that a page leads to.
#[derive(Default)]
pub(super) struct Neighbours<'a> {
    pub(super) previous: Option<&'a CaseRecord>,
    pub(super) next: Option<&'a CaseRecord>,
    pub(super) same_cause: Vec<&'a CaseRecord>,
    /// How many more have its cause.
    pub(super) more_of_cause: usize,
}

impl Links {
    /// Everything is in one document; a page is a fragment.
    pub(super) fn one_file(report: &Report) -> Self {
        Self::new(report, None)
    }

    /// Every page is a file.
    pub(super) fn folder(report: &Report) -> Self {
        Self::new(report, Some(Names::of(report.agents())))
    }

    /// Those of earlier results beside this report, with these keys.
    pub(super) fn of_earlier(&self, earlier: &Report, keys: HashMap<Untrusted, String>) -> Self {
        let files =
            self.files.as_ref().map(|names| names.beside(earlier.cases.iter().map(|case| &case.agent)));
        Self { keys, ..Self::new(earlier, files) }
    }

    /// Where earlier results of cases are.
    pub(super) fn set_earlier(&mut self, earlier: HashMap<(Untrusted, CaseId), Earlier>) {
        self.earlier = earlier;
    }

    /// The earlier result of a case, if it has changed and this document holds it.
    pub(super) fn earlier(&self, agent: &Untrusted, id: CaseId) -> Option<&Earlier> {
        self.earlier.get(&(agent.clone(), id))
    }

    /// The address of a case beside its earlier result, or of the case alone if there is none.
    pub(super) fn with_earlier(&self, case: &CaseRecord) -> String {
        let earlier = self.earlier(&case.agent, case.id);
        earlier.map_or_else(|| self.case(case), |earlier| earlier.beside.clone())
    }

    /// Where a case stands beside its earlier result: in the folder form the page of the earlier one holds both.
    pub(super) fn beside(&self, agent: &Untrusted, id: CaseId, links: &Self, earlier: &CaseRecord) -> String {
        if self.is_folder() {
            return links.case(earlier);
        }
        format!("{}~{}", self.case_of(agent, id), links.key(&earlier.agent))
    }

    fn new(report: &Report, files: Option<Names>) -> Self {
        let (mut of_agent, mut of_case) = (HashMap::<_, Siblings>::new(), HashMap::<_, Vec<_>>::new());
        for (place, case) in report.cases.iter().enumerate().filter(|(_, case)| has_run(case)) {
            of_agent.entry(case.agent.clone()).or_default().add(place, case);
            of_case.entry(case.id).or_default().push(place);
        }
        of_agent.values_mut().for_each(|siblings| siblings.sort(report));
        Self { keys: keys(&report.agents()), files, of_agent, of_case, earlier: HashMap::new() }
    }

    /// The cases of the same agent before and after this one, and some with its cause; all of them have run.
    pub(super) fn neighbours<'a>(
        &self,
        report: &'a Report,
        case: &CaseRecord,
        most: usize,
    ) -> Neighbours<'a> {
        let Some(siblings) = self.of_agent.get(&case.agent) else { return Neighbours::default() };
        let at = siblings.order.get(&case.id).copied();
        let record = |place: &usize| &report.cases[*place];
        let same = case.cause.as_ref().and_then(|cause| siblings.of_cause.get(cause)).into_iter().flatten();
        let mut same = same.map(record).filter(|other| other.id != case.id);
        Neighbours {
            previous: at.and_then(|at| siblings.places.get(at.checked_sub(1)?)).map(record),
            next: at.and_then(|at| siblings.places.get(at + 1)).map(record),
            same_cause: same.by_ref().take(most).collect(),
            more_of_cause: same.count(),
        }
    }

    /// The cases of the agent before and after this one, which has not run.
    pub(super) fn around<'a>(
        &self,
        report: &'a Report,
        agent: &Untrusted,
        id: CaseId,
    ) -> [Option<&'a CaseRecord>; 2] {
        let places = self.of_agent.get(agent).map_or(&[][..], |siblings| &siblings.places);
        let at = places.partition_point(|place| report.cases[*place].id < id);
        let case = |at: usize| places.get(at).map(|place| &report.cases[*place]);
        [at.checked_sub(1).and_then(case), case(at)]
    }

    /// The same case of other agents, as far as it has run with them.
    pub(super) fn others<'a>(
        &self,
        report: &'a Report,
        agent: &Untrusted,
        id: CaseId,
    ) -> impl Iterator<Item = &'a CaseRecord> {
        let places = self.of_case.get(&id).into_iter().flatten();
        places.map(|&place| &report.cases[place]).filter(move |other| other.agent != *agent)
    }

    /// Some result of the case.
    pub(super) fn any<'a>(&self, report: &'a Report, id: CaseId) -> Option<&'a CaseRecord> {
        self.of_case.get(&id)?.first().map(|&place| &report.cases[place])
    }

    /// Whether the case has run with the agent.
    pub(super) fn has_run(&self, agent: &Untrusted, id: CaseId) -> bool {
        self.of_agent.get(agent).is_some_and(|siblings| siblings.order.contains_key(&id))
    }

    /// Whether several implementations have results.
    pub(super) fn has_several(&self) -> bool {
        self.keys.len() > 1
    }

    /// Whether every page is a file.
    pub(super) const fn is_folder(&self) -> bool {
        self.files.is_some()
    }

    /// The key of an agent: letters, digits, `.`, `_` and `-`.
    pub(super) fn key(&self, agent: &Untrusted) -> &str {
        self.keys.get(agent).map_or("agent", String::as_str)
    }

    /// The name of the place where a case is told: `5.15@mylib-2.3`.
    pub(super) fn anchor(&self, case: &CaseRecord) -> String {
        self.anchor_of(&case.agent, case.id)
    }

    /// The same, whether there is a result or not.
    pub(super) fn anchor_of(&self, agent: &Untrusted, id: CaseId) -> String {
        format!("{id}@{}", self.key(agent))
    }

    /// The address of a case.
    pub(super) fn case(&self, case: &CaseRecord) -> String {
        self.case_of(&case.agent, case.id)
    }

    /// The same, whether there is a result or not.
    pub(super) fn case_of(&self, agent: &Untrusted, id: CaseId) -> String {
        match &self.files {
            Some(names) => names.file_of(agent, id, "html"),
            None => format!("#{}", self.anchor_of(agent, id)),
        }
    }

    /// The address of a line of the log of a case; none if the case has not run.
    pub(super) fn line_of(&self, agent: &Untrusted, id: CaseId, line: Option<usize>) -> Option<String> {
        let anchor = line.map(|line| format!("{}:f{line}", self.anchor_of(agent, id)));
        let address = match (&self.files, anchor) {
            (Some(_), Some(anchor)) => format!("{}#{anchor}", self.case_of(agent, id)),
            (None, Some(anchor)) => format!("#{anchor}"),
            (_, None) => self.case_of(agent, id),
        };
        self.has_run(agent, id).then_some(address)
    }

    /// The address that shows all cases of a cause: those that the filter finds, or the list of causes.
    pub(super) fn cause(&self, key: &str) -> String {
        if self.is_folder() {
            return self.overview("");
        }
        let query: String = key.bytes().map(percent_encoded).collect();
        format!("#?q={query}")
    }

    /// The address of the overview, or of a part of it.
    pub(super) fn overview(&self, part: &str) -> String {
        match (&self.files, part) {
            (None, part) => format!("#{part}"),
            (Some(_), "") => "index.html".to_owned(),
            (Some(_), part) => format!("index.html#{part}"),
        }
    }
}

fn percent_encoded(octet: u8) -> String {
    if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02X}") }
}

impl Siblings {
    fn add(&mut self, place: usize, case: &CaseRecord) {
        self.places.push(place);
        if let Some(cause) = &case.cause {
            self.of_cause.entry(cause.clone()).or_default().push(place);
        }
    }

    /// Orders all by their ids, whatever order they ran in.
    fn sort(&mut self, report: &Report) {
        self.places.sort_by_key(|place| report.cases[*place].id);
        self.order =
            self.places.iter().enumerate().map(|(at, place)| (report.cases[*place].id, at)).collect();
    }
}

fn keys(agents: &[&Untrusted]) -> HashMap<Untrusted, String> {
    let mut taken = HashSet::new();
    let mut keys = HashMap::new();
    for agent in agents {
        let plain = key(agent.raw());
        let numbered = (2..=agents.len() + 1).map(|number| format!("{plain}-{number}"));
        let mut all = std::iter::once(plain.clone()).chain(numbered);
        let free = all.find(|key| !taken.contains(key)).unwrap_or(plain);
        taken.insert(free.clone());
        keys.insert((*agent).clone(), free);
    }
    keys
}

fn key(agent: &str) -> String {
    let mut key = String::new();
    for c in agent.to_lowercase().chars().take(LIMIT) {
        match c {
            'a'..='z' | '0'..='9' | '.' | '_' => key.push(c),
            _ if !key.ends_with('-') => key.push('-'),
            _ => {}
        }
    }
    match key.trim_matches('-') {
        "" => "agent".to_owned(),
        key => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report};

    #[test]
    fn cases_of_the_same_cause_were_cut_without_a_word() {
        let cases = (1..=15).map(|n| failed("a", &format!("5.{n}"))).collect();
        let report = report(cases);
        let near = |most| Links::one_file(&report).neighbours(&report, &report.cases[0], most);
        assert_eq!((near(12).same_cause.len(), near(12).more_of_cause), (12, 2));
        assert_eq!((near(20).same_cause.len(), near(20).more_of_cause), (14, 0));
        let pages = [
            (Links::one_file(&report), "#?q=events%406455%235%2E4%2Fextra"),
            (Links::folder(&report), "index.html"),
        ];
        for (links, address) in pages {
            assert_eq!(links.cause("events@6455#5.4/extra"), address);
        }
        let page = crate::html::case_page(&report, &report.cases[0]).content;
        assert!(page.contains("<a href=\"index.html\">+2 more</a>"), "{page}");
    }

    #[test]
    fn agents_have_different_plain_keys() {
        let names = ["mylib/2.3", "mylib 2.3", "\"><svg>", "", "\u{202e}"];
        let report = report(names.map(|name| passed(name, "1.1.1")).to_vec());
        let links = Links::one_file(&report);
        let keys: Vec<&str> = report.cases.iter().map(|case| links.key(&case.agent)).collect();
        assert_eq!(keys, ["mylib-2.3", "mylib-2.3-2", "svg", "agent", "agent-2"]);
        assert_eq!(links.case(&report.cases[0]), "#1.1.1@mylib-2.3");
        assert_eq!(Links::folder(&report).case(&report.cases[1]), "mylib_2_3__2_case_1_1_1.html");
    }
}
