//! The terms of a record (RFC 7208, sections 4.6.1, 5 and 6).

use std::ops::Range;

use ipnet::{Ipv4Net, Ipv6Net};

use super::macros::MacroString;

/// One term, as written and as understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The text.
    pub text: String,
    /// Its octets in the record.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// A directive or a modifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a match means, and what matches.
    Directive(Qualifier, Mechanism),
    /// `name=value`.
    Modifier(Modifier),
}

impl Kind {
    /// Whether it counts towards the limit of ten terms that ask the DNS (RFC 7208, section 4.6.4).
    pub fn asks(&self) -> bool {
        match self {
            Self::Directive(_, mechanism) => {
                !matches!(mechanism, Mechanism::All | Mechanism::Ip4(_) | Mechanism::Ip6(_))
            }
            Self::Modifier(modifier) => matches!(modifier, Modifier::Redirect(_)),
        }
    }
}

/// What a match means (RFC 7208, section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing.
    Pass,
    /// `-`.
    Fail,
    /// `~`.
    SoftFail,
    /// `?`.
    Neutral,
}

/// What matches (RFC 7208, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Everything.
    All,
    /// What passes by another domain's record.
    Include(MacroString),
    /// The addresses of a name; nothing = of the current domain.
    A(Option<MacroString>, DualCidr),
    /// The addresses of the mail exchangers of a name; nothing = of the current domain.
    Mx(Option<MacroString>, DualCidr),
    /// A validated reverse name at or below a name; nothing = the current domain.
    Ptr(Option<MacroString>),
    /// A network.
    Ip4(Ipv4Net),
    /// A network.
    Ip6(Ipv6Net),
    /// Whether a name has an address.
    Exists(MacroString),
}

/// A modifier (RFC 7208, section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Whose record decides when nothing matches.
    Redirect(MacroString),
    /// Where the text stands that explains a "fail".
    Explanation(MacroString),
    /// Any other: without effect.
    Other {
        /// The name as written.
        name: String,
        /// Its value.
        value: MacroString,
    },
}

/// How many leading bits of an address count, by family (RFC 7208, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DualCidr {
    /// 0 to 32.
    pub v4: u8,
    /// 0 to 128.
    pub v6: u8,
}

impl Default for DualCidr {
    fn default() -> Self {
        Self { v4: 32, v6: 128 }
    }
}
