//! The body of a response that refuses the upgrade: servers and proxies say in it why.

use crate::Untrusted;
use crate::record::CaseRecord;
use crate::story::units;

/// The beginning of it, as text if it is that, in hex if not.
pub(super) struct Body {
    pub(super) text: Untrusted,
    /// What is not here.
    pub(super) cut: Option<String>,
}

impl Body {
    /// At most so many octets; none if nothing came.
    pub(super) fn of(case: &CaseRecord, most: usize) -> Option<Self> {
        let body = &case.handshake.body;
        let kept = &body.kept()[..body.kept().len().min(most)];
        let text = match body.text() {
            _ if body.is_empty() => return None,
            Some(_) => Untrusted::from_octets(kept),
            None => units::spaced_hex(kept).into(),
        };
        let missing = body.len().saturating_sub(kept.len() as u64);
        let all = units::plural(body.len(), "octet");
        let cut = (missing > 0).then(|| format!("{} of {all} are not shown here.", units::count(missing)));
        Some(Self { text, cut })
    }
}
