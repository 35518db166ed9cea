//! What can be wrong with a DMARC record.

use crate::records::fault::Reason as ToldReason;

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `v=DMARC1` with other letters, at another place, or with more behind it: this is no DMARC record.
    Version,
    /// A quotation mark or a backslash that belongs to the zone file and not to the record.
    Escape,
    /// A part without `=`.
    NoEquals,
    /// A part whose name is no name.
    TagName,
    /// A tag that stands more than once.
    Twice,
    /// A character that is neither printable ASCII nor a space.
    Character,
    /// There is no `p=`: it counts as `none` (RFC 9989, section 4.7), and before it was a mistake.
    NoPolicy,
    /// `p=`, `sp=` or `np=` is neither `none`, `quarantine` nor `reject`.
    Policy,
    /// `p=` is not the second tag, as RFC 7489 wants it.
    PolicyNotSecond,
    /// A value that its tag does not have; the default counts.
    Value,
    /// An address that reports cannot be sent to: it does not begin with `mailto:` or holds no mailbox.
    Address,
}

impl ToldReason for Reason {
    fn phrases(&self) -> (String, String) {
        let (en, ja) = match self {
            Self::Version => (
                "a DMARC record must begin with v=DMARC1; in exactly these letters",
                "DMARC レコードはこのとおりの綴りの v=DMARC1; で始まらなければならない",
            ),
            Self::Escape => (
                "a quotation mark or backslash is part of the record",
                "引用符かバックスラッシュがレコードの内容に入っている",
            ),
            Self::NoEquals => ("this is not tag=value", "「タグ=値」の形になっていない"),
            Self::TagName => ("this is not the name of a tag", "タグ名として正しくない"),
            Self::Twice => ("this tag stands here for the second time", "同じタグが二度書かれている"),
            Self::Character => ("only printable ASCII may stand here", "印字可能な ASCII 文字しか使えない"),
            Self::NoPolicy => ("there is no p=; it counts as p=none", "p= がない。p=none とみなされる"),
            Self::Policy => {
                ("this must be none, quarantine or reject", "none、quarantine、reject のいずれかでなければならない")
            }
            Self::PolicyNotSecond => (
                "p= is not the second tag, as older receivers (RFC 7489) want it",
                "p= が 2 番目のタグでない。RFC 7489 に従う受信側は 2 番目を求める",
            ),
            Self::Value => {
                ("this tag has no such value; the default counts", "このタグにない値であり、既定値として扱われる")
            }
            Self::Address => (
                "reports cannot be sent there: write mailto: and a mail address",
                "レポートの送付先にならない。mailto: に続けてメールアドレスを書く",
            ),
        };
        (en.to_owned(), ja.to_owned())
    }
}
