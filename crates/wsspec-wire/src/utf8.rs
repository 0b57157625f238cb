//! Streaming UTF-8 validation that knows the exact offending octet, RFC 6455 section 8.1 and RFC 3629.

use std::str;

use simdutf8::compat;
use thiserror::Error;

/// The longest UTF-8 sequence in octets.
const MAX_SEQUENCE: usize = 4;

/// A text is not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not UTF-8 at octet {offset}")]
pub struct InvalidUtf8 {
    /// The index, in the whole text, of the octet with which it became invalid: no continuation of the
    /// octets up to and including this one is UTF-8. For a text that ends inside a sequence, its length.
    pub offset: u64,
}

/// Validates a text that arrives in pieces cut anywhere.
///
/// It reports an error with the piece that holds the offending octet, not later.
#[derive(Clone, Debug, Default)]
pub struct Utf8Validator {
    /// Octets accepted so far, including the carry.
    total: u64,
    /// The unfinished sequence at the end of the accepted octets, and its length.
    carry: [u8; MAX_SEQUENCE],
    carried: usize,
    error: Option<InvalidUtf8>,
}

impl Utf8Validator {
    /// A validator in front of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Validates the next piece of the text.
    ///
    /// # Errors
    ///
    /// The first octet that makes the text invalid. The error stays until [`Self::finish`] or
    /// [`Self::reset`].
    pub fn feed(&mut self, octets: &[u8]) -> Result<(), InvalidUtf8> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let rest = self.complete_carry(octets)?;
        match compat::from_utf8(rest) {
            Ok(_) => {
                self.total += rest.len() as u64;
                Ok(())
            }
            Err(error) => {
                let (valid, broken) = rest.split_at(error.valid_up_to());
                self.total += valid.len() as u64;
                self.take_broken(broken, error.error_len())
            }
        }
    }

    /// Ends the text and makes ready for the next.
    ///
    /// # Errors
    ///
    /// The error found before, or that the text ends inside a sequence.
    pub fn finish(&mut self) -> Result<(), InvalidUtf8> {
        let Self { total, carried, error, .. } = std::mem::take(self);
        match error {
            Some(error) => Err(error),
            None if carried > 0 => Err(InvalidUtf8 { offset: total }),
            None => Ok(()),
        }
    }

    /// Whether the text is valid if it ends here.
    #[must_use]
    pub fn is_at_boundary(&self) -> bool {
        self.carried == 0 && self.error.is_none()
    }

    /// Forgets everything, as if new.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Goes on with the unfinished sequence, octet by octet; returns what follows it.
    fn complete_carry<'a>(&mut self, mut octets: &'a [u8]) -> Result<&'a [u8], InvalidUtf8> {
        while self.carried > 0 {
            let Some((&octet, rest)) = octets.split_first() else { break };
            self.carry[self.carried] = octet;
            match str::from_utf8(&self.carry[..=self.carried]) {
                Ok(_) => self.carried = 0,
                Err(error) if error.error_len().is_none() => self.carried += 1,
                // Without this octet the sequence could still have become valid.
                Err(_) => return Err(self.fail(self.total)),
            }
            self.total += 1;
            octets = rest;
        }
        Ok(octets)
    }

    /// Carries an unfinished sequence, or finds the offending octet of a broken one.
    ///
    /// `broken` begins with the sequence; of it, `error_len` octets are a valid beginning, or the first octet
    /// begins nothing.
    fn take_broken(&mut self, broken: &[u8], error_len: Option<usize>) -> Result<(), InvalidUtf8> {
        let Some(error_len) = error_len else {
            self.carry[..broken.len()].copy_from_slice(broken);
            self.carried = broken.len();
            self.total += broken.len() as u64;
            return Ok(());
        };
        let begins_nothing = matches!(broken[0], 0x80..=0xC1 | 0xF5..=0xFF);
        let valid_beginning = if begins_nothing { 0 } else { error_len as u64 };
        Err(self.fail(self.total + valid_beginning))
    }

    fn fail(&mut self, offset: u64) -> InvalidUtf8 {
        *self.error.insert(InvalidUtf8 { offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offender(text: &[u8]) -> Option<u64> {
        let mut validator = Utf8Validator::new();
        let fed = validator.feed(text);
        fed.and_then(|()| validator.finish()).err().map(|error| error.offset)
    }

    #[test]
    fn the_offending_octet_is_the_first_without_a_way_out() {
        for (text, offset) in [
            (&b"abc\xFFd"[..], 3),
            (b"\x80", 0),
            (b"\xC0\xAF", 0),
            (b"\xF5\x80\x80\x80", 0),
            (b"\xE0\x9F\xBF", 1),
            (b"\xED\xA0\x80", 1),
            (b"\xF4\x90\x80\x80", 1),
            (b"\xCE\xBA\xE1\xBD", 4),
            (b"\xF0\x9F\x98A", 3),
        ] {
            assert_eq!(offender(text), Some(offset), "{text:02X?}");
        }
        assert_eq!(offender("κόσμε \u{10FFFF}".as_bytes()), None);
    }

    #[test]
    fn an_error_stays_until_finish() {
        let mut validator = Utf8Validator::new();
        let error = validator.feed(b"a\xFF").unwrap_err();
        assert_eq!(validator.feed(b"b"), Err(error));
        assert!(!validator.is_at_boundary());
        assert_eq!(validator.finish(), Err(error));
        assert_eq!(validator.finish(), Ok(()));
    }

    #[test]
    fn a_boundary_is_where_no_sequence_is_open() {
        let mut validator = Utf8Validator::new();
        let at_boundary = "aé😀".bytes().map(|octet| {
            validator.feed(&[octet]).unwrap();
            validator.is_at_boundary()
        });
        assert!(at_boundary.eq([true, false, true, false, false, false, true]));
    }

    #[test]
    fn reset_forgets_an_open_sequence() {
        let mut validator = Utf8Validator::new();
        validator.feed(b"ab\xF0\x9F").unwrap();
        validator.reset();
        assert_eq!(validator.feed(b"\xFF"), Err(InvalidUtf8 { offset: 0 }));
    }
}
