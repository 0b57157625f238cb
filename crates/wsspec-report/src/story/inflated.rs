//! What compressed messages hold, and how they were compressed.

use std::collections::BTreeMap;

use wsspec_wire::{DeflateInspector, Inspection, Opcode, Rsv};

use super::frame::payload_preview;
use super::units::{count, plural};
use crate::Untrusted;
use crate::record::{CaseRecord, Dir, Happening, Payload, Role};

/// No message is inflated further than that, in octets.
const LARGEST: usize = 1 << 20;
/// Characters of a message.
const PREVIEW: usize = 80;

/// What the compressed messages of a case inflate to, and how they were compressed, by the line of their last frame. Only
/// messages of which every octet was kept are here, and with context takeover only those before the first that was not.
pub fn inflated(case: &CaseRecord) -> BTreeMap<usize, Untrusted> {
    let frames = compressed(case).into_iter();
    frames.filter_map(|(line, frame)| Some((line, frame.message?.told))).collect()
}

/// A frame that belongs to a compressed message.
#[derive(Clone, Debug)]
pub struct Compressed {
    /// The message, with its last frame, as far as it is known.
    message: Option<Message>,
}

/// What a compressed message holds.
#[derive(Clone, Debug)]
struct Message {
    /// What it inflates to, if it does.
    inflated: Option<Payload>,
    /// In how many frames it came.
    frames: usize,
    told: Untrusted,
}

impl Compressed {
    /// Its payload of so many octets in a few words, with at most `limit` characters of what it holds.
    pub fn words(&self, octets: u64, limit: usize) -> Untrusted {
        let size = plural(octets, "octet");
        let Some(message) = &self.message else { return Untrusted::from(format!("{size}, compressed")) };
        let Some(inflated) = &message.inflated else {
            return Untrusted::from(format!("{size} that do not inflate"));
        };
        let shown = payload_preview(inflated, limit);
        Untrusted::from(match message.frames {
            1 => format!("{}, deflated to {}", shown.raw(), count(octets)),
            _ => format!("{size}, compressed; in all {}", shown.raw()),
        })
    }
}

/// The frames of the compressed messages of a case, by their lines; none where compression was not agreed on.
pub fn compressed(case: &CaseRecord) -> BTreeMap<usize, Compressed> {
    let Some(extensions) = case.handshake.extensions.as_ref().map(Untrusted::raw) else {
        return BTreeMap::new();
    };
    if !extensions.contains("permessage-deflate") {
        return BTreeMap::new();
    }
    let server_sends = if case.role == Role::Server { Dir::Rx } else { Dir::Tx };
    let forgets = |dir: Dir| {
        let side = if dir == server_sends { "server" } else { "client" };
        extensions.contains(&format!("{side}_no_context_takeover"))
    };
    let mut ways = [Way::new(forgets(Dir::Tx)), Way::new(forgets(Dir::Rx))];
    let mut found = BTreeMap::new();
    let mut next = None;
    for line in &case.events {
        if next.is_some_and(|next| next != line.i) {
            ways.iter_mut().for_each(Way::lose);
        }
        next = Some(line.i + 1);
        match &line.what {
            Happening::Recording { on: false } => ways.iter_mut().for_each(Way::lose),
            Happening::Frame { dir, op, fin, rsv, data, .. } if !Opcode::new(*op).is_control() => {
                let way = &mut ways[usize::from(*dir == Dir::Rx)];
                let begins = (*op != 0).then(|| Rsv::new(*rsv).contains(Rsv::RSV1));
                if let Some(frame) = way.frame(begins, *fin, data) {
                    found.insert(line.i, frame);
                }
            }
            _ => {}
        }
    }
    found
}

/// The messages of one direction.
struct Way {
    inspector: DeflateInspector,
    /// There is no context takeover.
    forgets: bool,
    /// The message that has begun is compressed.
    is_compressed: bool,
    /// How many frames of it have come.
    frames: usize,
    /// Its octets, if it is complete so far.
    message: Option<Vec<u8>>,
    /// Something is missing that later messages may refer to.
    lost: bool,
}

impl Way {
    fn new(forgets: bool) -> Self {
        Self {
            inspector: DeflateInspector::new(),
            forgets,
            is_compressed: false,
            frames: 0,
            message: None,
            lost: false,
        }
    }

    fn lose(&mut self) {
        self.message = None;
        self.lost = true;
    }

    /// Takes a frame; `begins` tells, of the first frame of a message, whether it is compressed.
    fn frame(&mut self, begins: Option<bool>, fin: bool, data: &Payload) -> Option<Compressed> {
        if let Some(is_compressed) = begins {
            self.is_compressed = is_compressed;
            self.frames = 0;
            self.message = is_compressed.then(Vec::new);
        }
        self.frames += 1;
        self.is_compressed.then(|| Compressed { message: self.message(fin, data) })
    }

    /// The message, if it ends here and all of it is known.
    fn message(&mut self, fin: bool, data: &Payload) -> Option<Message> {
        let message = self.message.as_mut()?;
        if data.is_cut() {
            self.lose();
            return None;
        }
        message.extend_from_slice(data.kept());
        if !fin {
            return None;
        }
        let message = self.message.take()?;
        if self.lost && !self.forgets {
            return None;
        }
        Some(self.inflate(&message))
    }

    fn inflate(&mut self, message: &[u8]) -> Message {
        if self.forgets {
            self.inspector.reset();
        }
        let mut out = Vec::new();
        let frames = self.frames;
        match self.inspector.message(message, LARGEST, &mut out) {
            Ok(seen) => {
                let inflated = Payload::new(&out, 256);
                let told = Untrusted::from(format!(
                    "inflates to {}: {} ({})",
                    plural(seen.inflated, "octet"),
                    payload_preview(&inflated, PREVIEW).raw(),
                    blocks(message, &seen)
                ));
                Message { inflated: Some(inflated), frames, told }
            }
            Err(error) => {
                self.lost = true;
                let told = Untrusted::from(format!("does not inflate: {error}"));
                Message { inflated: None, frames, told }
            }
        }
    }
}

/// `1 block with fixed codes, no match, the tail 00 00 ff ff left out`
fn blocks(message: &[u8], seen: &Inspection) -> String {
    let kinds = ["stored", "with fixed codes", "with dynamic codes"];
    let mut parts: Vec<String> = seen
        .blocks
        .iter()
        .zip(kinds)
        .filter(|(number, _)| **number > 0)
        .map(|(number, kind)| format!("{} {kind}", plural(u64::from(*number), "block")))
        .collect();
    if seen.last_blocks > 0 {
        parts.push(format!("{} marked as the last", count(u64::from(seen.last_blocks))));
    }
    parts.push(match seen.longest_distance {
        0 => "no match".to_owned(),
        distance => {
            format!("matches reach back up to {}", plural(u64::from(distance), "octet"))
        }
    });
    if seen.reach_before_message > 0 {
        let reach = plural(u64::from(seen.reach_before_message), "octet");
        parts.push(format!("{reach} of them into earlier messages"));
    }
    let kept = message.ends_with(&[0, 0, 0xff, 0xff]);
    parts.push(format!("the tail 00 00 ff ff {}", if kept { "was sent" } else { "left out" }));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use wsspec_wire::Deflater;

    use super::*;
    use crate::record::{LogLine, Role};
    use crate::samples::{frame, log, passed};
    use crate::story::anatomy_in_case;

    /// A case in which these messages were sent, compressed, in pieces of so many octets.
    fn sent(texts: &[&str], piece: usize, extensions: &str) -> CaseRecord {
        let mut deflater = Deflater::new(15, 6).unwrap();
        let mut entries = Vec::new();
        for text in texts {
            let mut octets = Vec::new();
            deflater.message(text.as_bytes(), &mut octets);
            let pieces = octets.chunks(piece).count();
            for (n, chunk) in octets.chunks(piece).enumerate() {
                let opcode = if n == 0 { Opcode::TEXT } else { Opcode::CONTINUATION };
                let mut what = frame(Dir::Tx, opcode, n + 1 == pieces, chunk);
                if let (Happening::Frame { rsv, .. }, 0) = (&mut what, n) {
                    *rsv = 4;
                }
                entries.push((3010, what));
            }
        }
        let mut case = passed("a", "1.1.1");
        case.events = log(entries);
        case.handshake.extensions = Some(extensions.into());
        case.role = Role::Server;
        case
    }

    fn told(case: &CaseRecord) -> Vec<(usize, String)> {
        inflated(case).into_iter().map(|(i, text)| (i, text.raw().to_owned())).collect()
    }

    #[test]
    fn messages_inflate_also_in_fragments_and_with_what_came_before() {
        let case = sent(&["Hello Hello", "Hello Hello"], 4, "permessage-deflate");
        let told = told(&case);
        assert_eq!(told.len(), 2);
        assert!(told[0].1.starts_with("inflates to 11 octets: \"Hello Hello\" ("), "{told:?}");
        assert!(told[0].1.contains("1 block with fixed codes"), "{told:?}");
        assert!(told[0].1.ends_with("the tail 00 00 ff ff left out)"), "{told:?}");
        assert!(told[1].1.contains("into earlier messages"), "{told:?}");
        assert!(told[0].0 > 0 && told[1].0 == case.events.len() - 1);
    }

    #[test]
    fn nothing_is_claimed_of_what_was_not_kept() {
        let mut case = sent(&["Hello Hello", "Hello Hello"], 400, "permessage-deflate");
        case.events.remove(0);
        case.events.insert(0, LogLine { i: 9, ..case.events[0].clone() });
        assert!(told(&case).len() < 2);
        assert!(told(&sent(&["Hello"], 400, "x-other")).is_empty());
    }

    #[test]
    fn a_frame_says_what_it_holds() {
        let words = |texts: &[&str], piece: usize, extensions: &str| -> Vec<String> {
            let frames = compressed(&sent(texts, piece, extensions));
            frames.into_values().map(|frame| frame.words(7, 40).raw().to_owned()).collect()
        };
        assert_eq!(words(&["Hello"], 400, "permessage-deflate"), ["\"Hello\", deflated to 7"]);
        assert_eq!(
            words(&["Hello"], 4, "permessage-deflate"),
            ["7 octets, compressed", "7 octets, compressed; in all \"Hello\""]
        );
        assert!(words(&["Hello"], 400, "x-other").is_empty());
        let case = sent(&["Hello"], 400, "permessage-deflate");
        let parts = anatomy_in_case(&case.events[0].what, None, compressed(&case).values().next());
        let payload = parts.last().unwrap().meaning.raw();
        assert!(payload.ends_with("\"Hello\", deflated to 7"), "{payload}");
    }

    #[test]
    fn what_is_no_deflate_is_said() {
        let mut case = sent(&["Hello"], 400, "permessage-deflate; client_no_context_takeover");
        if let Happening::Frame { data, .. } = &mut case.events[0].what {
            *data = Payload::new(&[0x06], 256);
        }
        assert_eq!(told(&case)[0].1, "does not inflate: a block has the reserved type 3");
    }
}
