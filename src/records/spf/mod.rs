//! An SPF record as text: which record of a name it is, its terms, and every place where it is wrong (RFC 7208, section 4.6).

mod amend;
mod domain;
mod fault;
mod macros;
mod reader;
mod term;

#[cfg(test)]
mod tests;

pub use amend::fresh;
pub use fault::{Fault, Faults, Reason};
pub use macros::{Expansion, Letter, MacroString, Piece};
pub use term::{DualCidr, Kind, Mechanism, Modifier, Qualifier, Term};

/// The version section (RFC 7208, section 4.5).
const VERSION: &str = "v=spf1";

/// A record without a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The whole text.
    pub text: String,
    /// The terms in their order, the version left out.
    pub terms: Vec<Term>,
}

impl Record {
    /// Reads the text of one TXT record, its character strings joined.
    ///
    /// # Errors
    /// Every mistake with its place; the result of such a record is "permerror", whatever stands before the mistake (RFC 7208,
    /// section 4.6).
    pub fn parse(octets: &[u8]) -> Result<Self, Faults> {
        reader::read(octets)
    }

    /// The domain-spec of `redirect=`, if no `all` makes it idle (RFC 7208, section 6.1), with its place among the terms.
    pub fn redirect(&self) -> Option<(usize, &MacroString)> {
        let is_all = |term: &Term| matches!(term.kind, Kind::Directive(_, Mechanism::All));
        if self.terms.iter().any(is_all) {
            return None;
        }
        self.terms.iter().enumerate().find_map(|(place, term)| match &term.kind {
            Kind::Modifier(Modifier::Redirect(target)) => Some((place, target)),
            _ => None,
        })
    }

    /// The domain-spec of `exp=` (RFC 7208, section 6.2).
    pub fn explanation(&self) -> Option<&MacroString> {
        self.terms.iter().find_map(|term| match &term.kind {
            Kind::Modifier(Modifier::Explanation(target)) => Some(target),
            _ => None,
        })
    }
}

/// The SPF records among the TXT records of a name: those that begin with the version, in any case, and end there or go on with
/// a space (RFC 7208, section 4.5). None means "none", more than one "permerror".
pub fn select<T: AsRef<[u8]>>(texts: &[T]) -> Vec<&[u8]> {
    texts.iter().map(AsRef::as_ref).filter(|text| is_spf(text)).collect()
}

fn is_spf(text: &[u8]) -> bool {
    text.get(..VERSION.len()).is_some_and(|start| start.eq_ignore_ascii_case(VERSION.as_bytes()))
        && matches!(text.get(VERSION.len()), None | Some(b' '))
}

/// `octets` as text in which an octet is a character, so that places in both are equal.
fn one_char_each(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}
