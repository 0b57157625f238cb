//! Which rule a check is about.

use wsspec_cases::requirements;

use crate::record::{CaseRecord, CheckRecord, Clause, Role, RuleRecord};

/// That the connection opens, and that the peer fails it, no rule says by itself: other rules ask for it.
const OPENED: &str = "handshake";
const FAILED: &str = "close.initiator";

impl CaseRecord {
    /// Where the rule stands that was broken; of a case in which nothing failed, the first rule that it is about. None where
    /// what failed is no rule: a process that ends breaks none, nor does who turns a connection away.
    pub fn clause(&self) -> Option<Clause> {
        match self.first_failed() {
            Some(check) => self.clause_of(check),
            None => self.rules.first().map(|rule| rule.rfc.clone()),
        }
    }

    /// Where the rule stands that a check is about.
    pub fn clause_of(&self, check: &CheckRecord) -> Option<Clause> {
        self.rule_behind(check).map(|rule| rule.rfc).or_else(|| check.rfc.clone())
    }

    /// The rule because of which the connection had to be opened, or failed by the peer: that of the header that is wrong,
    /// or the main rule of the case. None of any other check.
    pub fn rule_behind(&self, check: &CheckRecord) -> Option<RuleRecord> {
        let named = check.rfc.as_ref()?;
        let is_own = self.rules.iter().any(|rule| rule.rfc == *named);
        match &*check.id {
            OPENED => self.rule_of_header(check).or_else(|| self.main_rule()),
            FAILED if !is_own => self.main_rule(),
            _ => None,
        }
    }

    /// Whether the connection did not open: nothing that the case is about came to pass.
    pub fn is_without_connection(&self) -> bool {
        self.checks.iter().any(|check| !check.ok && check.id == OPENED)
    }

    fn rule_of_header(&self, check: &CheckRecord) -> Option<RuleRecord> {
        let header = check.header.as_deref()?;
        let rule = match self.role {
            Role::Client => requirements::of_request(header),
            Role::Server => requirements::of_response(header),
        };
        rule.as_ref().map(RuleRecord::from)
    }

    fn main_rule(&self) -> Option<RuleRecord> {
        self.rules.iter().min_by_key(|rule| rule.level).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::failed;

    fn clause(id: &str, rfc: &str, header: Option<&str>) -> String {
        let mut case = failed("a", "4.1.1");
        case.checks.truncate(1);
        case.checks[0].id = id.to_owned();
        case.checks[0].rfc = Clause::parse(rfc);
        case.checks[0].header = header.map(str::to_owned);
        case.clause().map(|clause| clause.section).unwrap_or_default()
    }

    #[test]
    fn the_rule_of_a_case_was_not_named_where_the_peer_had_to_fail_the_connection() {
        assert_eq!(clause("close.initiator", "6455#7.1.7", None), "5.4");
        assert_eq!(clause("close.clean", "6455#5.5.1", None), "5.5.1");
    }

    #[test]
    fn a_wrong_header_is_named_by_its_own_rule() {
        assert_eq!(clause("handshake", "6455#4", Some("Sec-WebSocket-Accept")), "4.2.2");
        assert_eq!(clause("handshake", "6455#4", None), "5.4");
        assert_eq!(clause("handshake", "", None), "", "who turns a connection away breaks no rule");
    }
}
