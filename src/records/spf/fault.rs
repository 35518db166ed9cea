//! What is wrong with a record, and where.

use std::fmt;
use std::ops::Range;

use crate::model::Value;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The octets it is about, in the joined text of the record.
    pub span: Range<usize>,
    /// The whole term it stands in, as written.
    pub term: String,
    /// What is wrong.
    pub reason: Reason,
}

/// A record with mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The record's text; an octet is a character, so that places in both are equal.
    pub text: String,
    /// The mistakes in their order, at least one and at most 32: one for each term.
    pub faults: Vec<Fault>,
}

/// What can be wrong with a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The record does not begin with the version.
    Version,
    /// An octet above 127 (RFC 7208, section 3.1).
    NotAscii,
    /// A control character: only spaces separate terms.
    Control(char),
    /// A qualifier with nothing behind it, or a term that begins with neither a letter nor a qualifier.
    NoName,
    /// A mechanism that does not exist.
    UnknownMechanism(String),
    /// `redirect:` or `exp:`.
    ModifierWithColon(&'static str),
    /// `-redirect=`.
    QualifiedModifier,
    /// A mechanism that needs `:` and a value.
    NeedsValue(&'static str),
    /// A mechanism that takes no value, or no prefix length.
    TakesNone(&'static str),
    /// Nothing behind `:` or `=`.
    EmptyDomain,
    /// Not an IPv4 address of four decimal numbers.
    Address4,
    /// Not an IPv6 address.
    Address6,
    /// Not a prefix length, or one beyond this.
    Prefix(u8),
    /// A prefix length where none may stand.
    NoPrefix,
    /// An address where a name belongs.
    AddressAsDomain,
    /// A domain without a dot.
    NoDot,
    /// A last label that no domain has.
    TopLabel(String),
    /// `%` with neither `{`, `%`, `_` nor `-` behind it.
    LonePercent,
    /// A macro without its `}`.
    MacroOpen,
    /// A letter that is no macro.
    MacroLetter(char),
    /// `c`, `r` or `t`, which stand only in explanations.
    OnlyInExplanation(char),
    /// The number zero in a macro.
    MacroZero,
    /// Something that is neither a number, `r` nor a delimiter in a macro.
    MacroDelimiter(char),
    /// A character that cannot stand here.
    Character(char),
    /// `redirect=` or `exp=` for the second time (RFC 7208, section 6).
    Twice(&'static str),
}

impl Reason {
    /// A phrase that says what is wrong.
    pub fn why(&self) -> Value {
        let (en, ja) = self.phrases();
        Value::both(en, ja)
    }

    fn phrases(&self) -> (String, String) {
        let fixed = |en: &str, ja: &str| (en.to_owned(), ja.to_owned());
        match self {
            Self::Version => fixed("the record does not begin with v=spf1", "レコードが v=spf1 で始まっていない"),
            Self::NotAscii => fixed("only ASCII may stand in an SPF record", "SPF レコードには ASCII 文字しか使えない"),
            Self::Control(c) => (
                format!("the control character {c:?} cannot stand here: only spaces separate terms"),
                format!("制御文字 {c:?} は使えない。項の区切りは空白のみ"),
            ),
            Self::NoName => fixed("no mechanism or modifier stands here", "機構名も修飾子名もない"),
            Self::UnknownMechanism(name) => {
                (format!("there is no mechanism {name:?}"), format!("{name:?} という機構は存在しない"))
            }
            Self::ModifierWithColon(name) => (
                format!("{name} is a modifier: write {name}= instead of {name}:"),
                format!("{name} は修飾子なので {name}: ではなく {name}= と書く"),
            ),
            Self::QualifiedModifier => fixed("a modifier takes no +, -, ~ or ?", "修飾子に +、-、~、? は付けられない"),
            Self::NeedsValue(name) => {
                (format!("{name} needs \":\" and a value"), format!("{name} には「:」と値が必要"))
            }
            Self::TakesNone(name) => (
                format!("{name} takes nothing of this kind behind its name"),
                format!("{name} の後ろにこのような値は書けない"),
            ),
            Self::EmptyDomain => fixed("the domain is empty", "ドメインが空である"),
            Self::Address4 => fixed(
                "this is not an IPv4 address of four decimal numbers",
                "10 進数 4 つからなる IPv4 アドレスではない",
            ),
            Self::Address6 => fixed("this is not an IPv6 address", "IPv6 アドレスではない"),
            Self::Prefix(most) => (
                format!("the prefix length must be a number from 0 to {most} without leading zeros"),
                format!("プレフィックス長は 0 から {most} までの数で、先頭に 0 を付けられない"),
            ),
            Self::NoPrefix => fixed(
                "only a, mx, ip4 and ip6 take a prefix length",
                "プレフィックス長を書けるのは a、mx、ip4、ip6 だけである",
            ),
            Self::AddressAsDomain => fixed(
                "this is an address, not a name: use ip4: or ip6:",
                "名前ではなくアドレスなので ip4: か ip6: を使う",
            ),
            Self::NoDot => fixed("the domain has only one label", "ドメインのラベルが 1 つしかない"),
            Self::TopLabel(label) => (
                format!("{label:?} cannot be the last label of a domain"),
                format!("{label:?} はドメインの最後のラベルになれない"),
            ),
            Self::LonePercent => {
                fixed("% must be followed by {, %, _ or -", "% の次は {、%、_、- のいずれかでなければならない")
            }
            Self::MacroOpen => fixed("the macro has no closing brace", "マクロの閉じ括弧がない"),
            Self::MacroLetter(c) => (format!("there is no macro {c:?}"), format!("{c:?} というマクロは存在しない")),
            Self::OnlyInExplanation(c) => (
                format!("the macro {c:?} may stand only in an explanation's text"),
                format!("マクロ {c:?} は説明文の中でしか使えない"),
            ),
            Self::MacroZero => fixed("a macro cannot keep zero parts", "マクロで残す部分の数を 0 にはできない"),
            Self::MacroDelimiter(c) => {
                (format!("{c:?} cannot stand in a macro"), format!("{c:?} はマクロの中で使えない"))
            }
            Self::Character(c) => (format!("{c:?} cannot stand here"), format!("{c:?} はここでは使えない")),
            Self::Twice(name) => {
                (format!("{name}= stands here for the second time"), format!("{name}= が二度書かれている"))
            }
        }
    }
}

/// The English phrase.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.phrases().0)
    }
}
