use std::fmt;
use std::str::FromStr;

/// The stable id of a case: two or three numbers, ordered numerically (`2.10` after `2.9`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId([u16; 3]);

/// The text is not two or three positive numbers with dots between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a case id is two or three numbers with dots between, such as 7.1.2")]
pub struct CaseIdError;

impl CaseId {
    /// The section that the case belongs to: the first number.
    pub const fn section(self) -> u16 {
        self.0[0]
    }

    /// The numbers of the id: two or three.
    pub fn numbers(&self) -> &[u16] {
        let len = if self.0[2] == 0 { 2 } else { 3 };
        &self.0[..len]
    }
}

impl FromStr for CaseId {
    type Err = CaseIdError;

    fn from_str(text: &str) -> Result<Self, CaseIdError> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for (place, part) in parts.by_ref().take(3).enumerate() {
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && !part.starts_with('0');
            numbers[place] = part.parse().ok().filter(|_| plain).ok_or(CaseIdError)?;
        }
        if numbers[1] == 0 || parts.next().is_some() { Err(CaseIdError) } else { Ok(Self(numbers)) }
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [section, first, second] = self.0;
        if second == 0 { write!(f, "{section}.{first}") } else { write!(f, "{section}.{first}.{second}") }
    }
}

impl fmt::Debug for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_printed_and_ordered_numerically() {
        for text in ["2.10", "7.1.2", "13.7.18"] {
            assert_eq!(text.parse::<CaseId>().unwrap().to_string(), text);
        }
        assert!("2.9".parse::<CaseId>().unwrap() < "2.10".parse().unwrap());
        for text in ["", "7", "7.", "7..1", "1.2.3.4", "a.b", "1.0", "01.2", "+1.2", "1.99999"] {
            assert_eq!(text.parse::<CaseId>(), Err(CaseIdError), "{text}");
        }
    }
}
