use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};

use crate::Untrusted;
use crate::record::event::hex;
use crate::record::flat::Text;

/// Octets from the wire: all of them, or the first ones and how many there were.
///
/// Written as `{"utf8": …, "len": …}`, or `{"b64": …, "len": …}` if they are no UTF-8, and `sha256`
/// if they were cut and all of them were at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    kept: Vec<u8>,
    len: u64,
    sha256: Option<String>,
}

impl Payload {
    /// The largest number that JSON readers keep exact; larger lengths are written as this.
    const MAX_LEN: u64 = (1 << 53) - 1;

    /// Octets of which the first `limit` are kept, and the hash of all if that cuts them.
    pub fn new(octets: &[u8], limit: usize) -> Self {
        let mut payload = Self::beginning(octets, octets.len() as u64, limit);
        if payload.is_cut() {
            payload.sha256 = Some(hex(&Sha256::digest(octets)));
        }
        payload
    }

    /// The beginning of `len` octets, of which no more than `octets` were kept.
    pub fn beginning(octets: &[u8], len: u64, limit: usize) -> Self {
        let kept = &octets[..octets.len().min(limit)];
        let kept = if (kept.len() as u64) < len { without_broken_end(kept) } else { kept };
        Self { kept: kept.to_vec(), len, sha256: None }
    }

    /// The same with the hash of all octets, which is told only if they were cut.
    pub fn hashed(mut self, sha256: Option<&[u8; 32]>) -> Self {
        self.sha256 = sha256.filter(|_| self.is_cut()).map(|hash| hex(hash));
        self
    }

    /// The octets that were kept.
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// How many octets there were.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there were none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether octets are missing at the end.
    pub fn is_cut(&self) -> bool {
        (self.kept.len() as u64) < self.len
    }

    /// The SHA-256 of all octets in hex, if they were cut and were at hand.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// The kept octets as text, if they are UTF-8.
    pub fn text(&self) -> Option<Untrusted> {
        std::str::from_utf8(&self.kept).ok().map(Untrusted::from)
    }

    /// The same with fewer octets kept.
    pub fn shortened(&self, limit: usize) -> Self {
        let shorter = Self::beginning(&self.kept, self.len, limit);
        let is_first_cut = shorter.is_cut() && !self.is_cut();
        let sha256 = if is_first_cut { Some(hex(&Sha256::digest(&self.kept))) } else { self.sha256.clone() };
        Self { sha256, ..shorter }
    }
}

/// Takes the incomplete character off the end of a text, so that a cut text still is one.
fn without_broken_end(octets: &[u8]) -> &[u8] {
    match std::str::from_utf8(octets) {
        Err(error) if error.error_len().is_none() => &octets[..error.valid_up_to()],
        _ => octets,
    }
}

#[derive(Serialize, Deserialize)]
struct Form<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    utf8: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    b64: Option<Text<'a>>,
    len: u64,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    sha256: Option<Text<'a>>,
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let utf8 = std::str::from_utf8(&self.kept).ok().map(Text::from);
        let b64 = utf8.is_none().then(|| Text::from(STANDARD.encode(&self.kept)));
        let sha256 = self.sha256.as_deref().map(Text::from);
        Form { utf8, b64, len: self.len.min(Self::MAX_LEN), sha256 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let kept = match (form.utf8, form.b64) {
            (Some(text), _) => text.into_string().into_bytes(),
            (None, Some(text)) => STANDARD.decode(&*text).map_err(D::Error::custom)?,
            (None, None) => Vec::new(),
        };
        let len = form.len.max(kept.len() as u64);
        Ok(Self { kept, len, sha256: form.sha256.map(Text::into_string) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(payload: &Payload) -> String {
        serde_json::to_string(payload).unwrap()
    }

    #[test]
    fn text_stays_text_and_other_octets_become_base64() {
        let text = Payload::new("grüße".as_bytes(), 256);
        assert_eq!(json(&text), r#"{"utf8":"grüße","len":7}"#);
        let binary = Payload::new(b"\xff\x00", 256);
        assert_eq!(json(&binary), r#"{"b64":"/wA=","len":2}"#);
        let surrogate = Payload::new(b"\xed\xa0\x80", 256);
        assert_eq!(json(&surrogate), r#"{"b64":"7aCA","len":3}"#, "half a pair is no UTF-8");
        for payload in [text, binary, surrogate] {
            assert_eq!(serde_json::from_str::<Payload>(&json(&payload)).unwrap(), payload);
        }
    }

    #[test]
    fn cut_payloads_carry_the_hash_of_all_octets_and_whole_characters() {
        let cut = Payload::new("ää".as_bytes(), 3);
        assert_eq!((cut.kept(), cut.len(), cut.is_cut()), ("ä".as_bytes(), 4, true));
        assert_eq!(cut.sha256().unwrap(), hex(&Sha256::digest("ää")));
        assert_eq!(serde_json::from_str::<Payload>(&json(&cut)).unwrap(), cut);
    }

    #[test]
    fn claimed_lengths_stay_within_the_exact_numbers_of_json() {
        let claimed = Payload::beginning(b"x", 1 << 63, 256);
        assert_eq!(json(&claimed), r#"{"utf8":"x","len":9007199254740991}"#);
    }
}
