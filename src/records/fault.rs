//! A mistake in a record: where it stands, and what is wrong there, in both languages.

use std::ops::Range;

use crate::model::Value;

/// So many mistakes of one record are told; the rest are counted.
const TOLD: usize = 3;

/// So many characters of what was written are quoted.
const QUOTED: usize = 40;

/// What can be wrong in one kind of record.
pub trait Reason {
    /// A phrase that says what is wrong, in English and in Japanese.
    fn phrases(&self) -> (String, String);
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<R> {
    /// The octets it is about, in the joined text of the record.
    pub span: Range<usize>,
    /// What stands there.
    pub written: String,
    /// What is wrong.
    pub reason: R,
}

impl<R> Fault<R> {
    /// A mistake at `span` of `record`; a span beyond the end is cut.
    pub fn at(record: &[u8], span: Range<usize>, reason: R) -> Self {
        let octets = record.get(span.start..span.end.min(record.len())).unwrap_or_default();
        Self { span, written: String::from_utf8_lossy(octets).into_owned(), reason }
    }
}

/// The first mistakes with their places (octets counted from 1), as one value for a text.
pub fn tell<R: Reason>(faults: &[Fault<R>]) -> Value {
    let (mut en, mut ja) = (Vec::new(), Vec::new());
    for fault in faults.iter().take(TOLD) {
        let (place, quote) = (fault.span.start + 1, quote(&fault.written));
        let (reason_en, reason_ja) = fault.reason.phrases();
        en.push(format!("octet {place}{quote}: {reason_en}"));
        ja.push(format!("{place} オクテット目{quote}: {reason_ja}"));
    }
    match faults.len().saturating_sub(TOLD) {
        0 => {}
        more => {
            en.push(format!("and {more} more"));
            ja.push(format!("ほか {more} 件"));
        }
    }
    Value::both(en.join("; "), ja.join("; "))
}

/// ` (…)` around what was written, or nothing around nothing.
fn quote(written: &str) -> String {
    let mut shown: String = written.chars().take(QUOTED).collect();
    if shown.is_empty() {
        return shown;
    }
    if written.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    format!(" ({shown})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lang;

    struct Odd;

    impl Reason for Odd {
        fn phrases(&self) -> (String, String) {
            ("odd".to_owned(), "変".to_owned())
        }
    }

    /// Lost if it fails: a finding would not say where, or would carry a whole hostile record to the terminal.
    #[test]
    fn mistakes_are_told_with_their_places() {
        let record = [b"v=X; \x1b[2J".as_slice(), &[b'a'; 100]].concat();
        let fault = Fault::at(&record, 5..record.len() + 9, Odd);
        assert_eq!(
            tell(std::slice::from_ref(&fault)).in_lang(Lang::En).chars().count(),
            "octet 6 (…): odd".chars().count() + 40 + 5
        );
        assert!(tell(&[fault]).in_lang(Lang::Ja).starts_with("6 オクテット目 (\\u{1b}[2Jaaa"));
        let many: Vec<Fault<Odd>> = (0..9).map(|at| Fault::at(b"", at..at, Odd)).collect();
        assert_eq!(tell(&many).in_lang(Lang::En), "octet 1: odd; octet 2: odd; octet 3: odd; and 6 more");
    }
}
