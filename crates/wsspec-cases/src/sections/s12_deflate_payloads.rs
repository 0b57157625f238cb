//! 12.*: permessage-deflate over five kinds of data, in messages of every size.

use std::time::Duration;

use crate::data::DataSet;
use crate::deflate::{DeflateAnswer, DeflateEffort, DeflateOffer, DeflatePlan};
use crate::drivers::EchoLoop;
use crate::prelude::*;

const PAYLOAD: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "a message with RSV1 in its first frame is inflated, whatever its DEFLATE blocks and fragments",
);
const COMPRESS: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a compressed message is one DEFLATE stream over all its fragments, without the last four octets",
);

/// How large the messages of a loop are, how they are cut, and how long a thousand of them may take.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Characters of text or octets of binary data.
    units: usize,
    /// Octets on the wire.
    fragment: Option<usize>,
    seconds: u64,
}

const fn whole(units: usize, seconds: u64) -> Load {
    Load { units, fragment: None, seconds }
}

const fn in_fragments(units: usize, octets: usize) -> Load {
    Load { units, fragment: Some(octets), seconds: 480 }
}

const LOADS: [Load; 18] = [
    whole(16, 60),
    whole(64, 60),
    whole(256, 120),
    whole(1024, 240),
    whole(4096, 480),
    whole(8192, 480),
    whole(16_384, 480),
    whole(32_768, 480),
    whole(65_536, 480),
    whole(131_072, 480),
    in_fragments(8192, 256),
    in_fragments(16_384, 256),
    in_fragments(32_768, 256),
    in_fragments(65_536, 256),
    in_fragments(131_072, 256),
    in_fragments(131_072, 1024),
    in_fragments(131_072, 4096),
    in_fragments(131_072, 32_768),
];

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(12, "Compression: data");
    s.rules([PAYLOAD, COMPRESS]);
    for (number, data) in (1..).zip(DataSet::ALL) {
        s.group(number, data.about());
        let slug = format!("deflate-{}", data.name().to_lowercase());
        loops(&mut s, number, data, &slug, "", &defaults());
    }
}

/// The plain offer, which leaves all to the server, and the plain answer.
fn defaults() -> DeflatePlan {
    DeflatePlan::with(DeflateOffer::OPEN, DeflateAnswer::PLAIN)
}

/// One case for each load: a thousand messages, each sent when the one before has come back.
pub(super) fn loops(
    s: &mut Declaration<'_>,
    group: u16,
    data: DataSet,
    slug: &str,
    parameters: &str,
    plan: &DeflatePlan,
) {
    let section = s.number();
    for (n, Load { units, fragment, seconds }) in (1..).zip(LOADS) {
        let unit = if data.is_text() { "characters" } else { "octets" };
        let fragments = fragment.map_or(String::new(), |octets| format!(" in fragments of {octets} octets"));
        let title = format!("1000 messages of {units} {unit} of {}{fragments}{parameters}", data.name());
        let cut = fragment.map_or(String::new(), |octets| format!("-in-{}", short(octets)));
        let time = Duration::from_secs(seconds);
        s.case(format!("{section}.{group}.{n}"), format!("{slug}-{}{cut}", short(units)), title.clone())
            .expect(
                "Every message comes back unchanged, all of them in time. Without permessage-deflate the case \
                 does not apply.",
            )
            .deflate(plan.clone().compressed_with(effort(units)))
            .drive(format!("{title}, each sent when the one before has come back"), move || {
                EchoLoop::over(data, units, 1000, time).in_fragments_of(fragment)
            })
            .within(time)
            .measure_compression()
            .quiet()
            .close(we_close([NORMAL]));
    }
}

/// Most of the volume is in the large messages. That peers can read Huffman codes of all kinds shows in the others;
/// and so they meet both kinds of blocks.
fn effort(units: usize) -> DeflateEffort {
    if units > 16 * 1024 { DeflateEffort::Least } else { DeflateEffort::Usual }
}

/// 65536 is `64k`.
fn short(number: usize) -> String {
    if number < 1024 { number.to_string() } else { format!("{}k", number / 1024) }
}
