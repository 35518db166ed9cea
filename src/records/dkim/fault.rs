//! What can be wrong with a DKIM key record.

use crate::records::fault::Reason as ToldReason;

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A part without `=`.
    NoEquals,
    /// A part whose name is no name.
    TagName,
    /// A tag that stands more than once: the whole list is invalid (RFC 6376, section 3.2).
    Twice,
    /// `v=` is not `DKIM1`: the record must be discarded (RFC 6376, section 3.6.1).
    Version,
    /// `v=` is not the first tag.
    VersionNotFirst,
    /// There is no `p=`.
    NoKey,
    /// A key type other than `rsa` and `ed25519`.
    KeyType,
    /// A quotation mark that should only surround the string in a zone file.
    Quote,
    /// A backslash that should only protect a character in a zone file.
    Backslash,
    /// The first or last line of a PEM file.
    Armour,
    /// A character that is not of the base64 alphabet.
    Base64Character,
    /// Base64 characters are missing, or the padding is wrong.
    Base64Length,
    /// The key is longer than what is there.
    Cut {
        /// Octets that the key says it has.
        needs: usize,
        /// Octets that are there.
        has: usize,
        /// The record ends where one TXT string ends.
        at_255: bool,
    },
    /// Octets behind the key.
    Trailing(usize),
    /// A private key, published.
    PrivateKey,
    /// A public key for another algorithm than `k=` says.
    OtherAlgorithm,
    /// Octets that are no RSA public key.
    NotAKey,
    /// A modulus that no RSA key has.
    Modulus,
    /// An exponent that no RSA key has, or that libraries refuse.
    Exponent,
    /// An Ed25519 key that has not 32 octets (RFC 8463, section 4).
    Ed25519Length(usize),
}

impl ToldReason for Reason {
    fn phrases(&self) -> (String, String) {
        let fixed = |en: &str, ja: &str| (en.to_owned(), ja.to_owned());
        match self {
            Self::NoEquals => fixed("this is not tag=value", "「タグ=値」の形になっていない"),
            Self::TagName => fixed("this is not the name of a tag", "タグ名として正しくない"),
            Self::Twice => fixed(
                "this tag stands here for the second time, which makes the record invalid",
                "同じタグが二度書かれており、レコード全体が無効になる",
            ),
            Self::Version => fixed(
                "v= must be DKIM1 in capitals; a record with another version is discarded",
                "v= は大文字の DKIM1 でなければならない。それ以外のレコードは無視される",
            ),
            Self::VersionNotFirst => fixed("v= must be the first tag", "v= は先頭のタグでなければならない"),
            Self::NoKey => fixed("there is no p=, the public key", "公開鍵を入れる p= がない"),
            Self::KeyType => {
                fixed("k= must be rsa or ed25519 in lower case", "k= は小文字の rsa か ed25519 でなければならない")
            }
            Self::Quote => fixed(
                "a quotation mark is part of the record: in the zone file it must surround each string, not stand in it",
                "引用符がレコードの内容に入っている。ゾーンファイルでは文字列を囲むだけで、内容に含めてはならない",
            ),
            Self::Backslash => fixed(
                "a backslash is part of the record: the form of the DNS host wants the semicolons without it",
                "バックスラッシュがレコードの内容に入っている。DNS 事業者の入力欄ではセミコロンの前に付けない",
            ),
            Self::Armour => fixed(
                "this is a line of a PEM file: only the base64 between its first and last line belongs into p=",
                "PEM ファイルの行が混ざっている。p= に入れるのは先頭行と末尾行の間の base64 だけである",
            ),
            Self::Base64Character => fixed("this cannot stand in base64", "base64 に使えない文字である"),
            Self::Base64Length => fixed(
                "the base64 ends too early, or its padding is wrong",
                "base64 が途中で終わっているか、末尾の = が正しくない",
            ),
            Self::Cut { needs, has, at_255: false } => (
                format!("the key is cut off: it says it has {needs} octets, and {has} are there"),
                format!("鍵が途中で切れている。{needs} オクテットのはずが {has} オクテットしかない"),
            ),
            Self::Cut { needs, has, at_255: true } => (
                format!(
                    "the key is cut off where a TXT string ends, at 255 octets: it says it has {needs} octets, and {has} are there"
                ),
                format!(
                    "鍵が TXT 文字列の上限 255 オクテットで切れている。{needs} オクテットのはずが {has} オクテットしかない"
                ),
            ),
            Self::Trailing(count) => (
                format!("{count} octets follow the key that do not belong to it"),
                format!("鍵の後ろに余分な {count} オクテットがある"),
            ),
            Self::PrivateKey => fixed(
                "this is a private key, and the world can read it: make a new pair of keys",
                "これは秘密鍵であり、誰でも読める状態にある。鍵の組を作り直す必要がある",
            ),
            Self::OtherAlgorithm => {
                fixed("the key is for another algorithm than RSA", "RSA ではない別のアルゴリズムの鍵である")
            }
            Self::NotAKey => fixed("this is not an RSA public key", "RSA の公開鍵ではない"),
            Self::Modulus => fixed("the modulus cannot be that of an RSA key", "RSA 鍵の法として正しくない"),
            Self::Exponent => {
                fixed("the exponent is none that libraries accept", "指数がライブラリーの受け付けない値である")
            }
            Self::Ed25519Length(count) => (
                format!("an Ed25519 key is 32 bare octets (RFC 8463), and these are {count}"),
                format!("Ed25519 の鍵は 32 オクテットそのもの (RFC 8463) だが、{count} オクテットある"),
            ),
        }
    }
}
