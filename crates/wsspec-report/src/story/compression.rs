use super::units::plural;
use crate::record::CaseRecord;

/// How well the messages that were sent, and those that were received, were compressed; none if that means nothing
/// in this case.
pub fn compression(case: &CaseRecord) -> Option<[String; 2]> {
    let traffic = &case.traffic;
    let told = case.measures.compression && traffic.tx_app > 0;
    told.then(|| [told_of(traffic.tx_app, traffic.tx_ws), told_of(traffic.rx_app, traffic.rx_ws)])
}

/// `16 000 octets of messages as 1 234 octets of payload (ratio 0.077)`
fn told_of(messages: u64, payload: u64) -> String {
    let ratio = payload as f64 / messages.max(1) as f64;
    let (messages, payload) = (plural(messages, "octet"), plural(payload, "octet"));
    format!("{messages} of messages as {payload} of payload (ratio {ratio:.3})")
}
