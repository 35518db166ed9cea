//! Macro-strings: literal text and macros, read but not expanded (RFC 7208, section 7).

use super::fault::Reason;

/// A text with macros in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MacroString {
    /// The pieces in their order; neighbouring literals are joined.
    pub pieces: Vec<Piece>,
}

/// A piece of a macro-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text; `%%`, `%_` and `%-` have become `%`, a space and `%20`.
    Literal(String),
    /// A macro.
    Macro(Expansion),
}

/// `%{…}`: a value and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Which value.
    pub letter: Letter,
    /// Written as a capital: what comes out is escaped for a URL.
    pub escapes: bool,
    /// How many parts are kept, from the right; nothing = all. Never zero.
    pub keep: Option<usize>,
    /// Whether the parts are reversed first.
    pub reverse: bool,
    /// Where the value is split; empty = at dots.
    pub delimiters: String,
}

/// The values (RFC 7208, section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// `s`: the sender.
    Sender,
    /// `l`: its local part.
    LocalPart,
    /// `o`: its domain.
    SenderDomain,
    /// `d`: the domain whose record is being read.
    Domain,
    /// `i`: the address, IPv6 as nibbles between dots.
    Ip,
    /// `p`: the validated reverse name.
    Validated,
    /// `v`: `in-addr` or `ip6`.
    Family,
    /// `h`: the HELO name.
    Helo,
    /// `c`: the address for people.
    ReadableIp,
    /// `r`: who checks.
    Receiver,
    /// `t`: seconds since 1970.
    Time,
}

/// Where a macro-string stands, and so what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A domain-spec.
    Domain,
    /// The value of an unknown modifier.
    Value,
    /// The text of an explanation: spaces, and the macros `c`, `r` and `t` too.
    Explanation,
}

/// A macro-string, where its last macro ends, and nothing about domains yet.
pub(super) struct Read {
    pub(super) string: MacroString,
    /// The place behind the last `%…`; 0 without one.
    pub(super) tail: usize,
}

/// A mistake, and the octets it is about.
pub(super) type Slip = (std::ops::Range<usize>, Reason);

impl MacroString {
    /// Reads the text of an explanation (RFC 7208, section 6.2).
    ///
    /// # Errors
    /// What is wrong first; such an explanation is as good as none.
    pub fn explanation(text: &[u8]) -> Result<Self, Reason> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii()).ok_or(Reason::NotAscii)?;
        read(text, Place::Explanation).map(|read| read.string).map_err(|(_, reason)| reason)
    }

    /// Whether `letter` is used.
    pub fn uses(&self, letter: Letter) -> bool {
        self.letters().any(|used| used == letter)
    }

    /// The macros' letters.
    pub fn letters(&self) -> impl Iterator<Item = Letter> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Macro(expansion) => Some(expansion.letter),
            Piece::Literal(_) => None,
        })
    }

    fn literal(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(literal)) => literal.push_str(text),
            _ => self.pieces.push(Piece::Literal(text.to_owned())),
        }
    }
}

/// Reads `text`, which is ASCII.
pub(super) fn read(text: &str, place: Place) -> Result<Read, Slip> {
    let mut string = MacroString::default();
    let (mut at, mut tail) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('%').unwrap_or(rest.len());
        if plain > 0 {
            let literal = &rest[..plain];
            let fits = |c: char| matches!(c, '!'..='~') || (c == ' ' && place == Place::Explanation);
            if let Some((offset, wrong)) = literal.char_indices().find(|(_, c)| !fits(*c)) {
                return Err((at + offset..at + offset + wrong.len_utf8(), Reason::Character(wrong)));
            }
            string.literal(literal);
            at += plain;
            continue;
        }
        let length = match rest.as_bytes().get(1) {
            Some(b'%') => {
                string.literal("%");
                2
            }
            Some(b'_') => {
                string.literal(" ");
                2
            }
            Some(b'-') => {
                string.literal("%20");
                2
            }
            Some(b'{') => {
                let end = rest.find('}').ok_or((at..text.len(), Reason::MacroOpen))?;
                let expansion = expansion(&rest[2..end], place).map_err(|reason| (at..at + end + 1, reason))?;
                string.pieces.push(Piece::Macro(expansion));
                end + 1
            }
            _ => return Err((at..at + 1, Reason::LonePercent)),
        };
        at += length;
        tail = at;
    }
    Ok(Read { string, tail })
}

/// The inside of the braces: a letter, a number, `r`, delimiters.
fn expansion(inside: &str, place: Place) -> Result<Expansion, Reason> {
    let mut characters = inside.chars();
    let written = characters.next().ok_or(Reason::MacroLetter('}'))?;
    let letter = match written.to_ascii_lowercase() {
        's' => Letter::Sender,
        'l' => Letter::LocalPart,
        'o' => Letter::SenderDomain,
        'd' => Letter::Domain,
        'i' => Letter::Ip,
        'p' => Letter::Validated,
        'v' => Letter::Family,
        'h' => Letter::Helo,
        'c' => Letter::ReadableIp,
        'r' => Letter::Receiver,
        't' => Letter::Time,
        _ => return Err(Reason::MacroLetter(written)),
    };
    if place == Place::Domain && matches!(letter, Letter::ReadableIp | Letter::Receiver | Letter::Time) {
        return Err(Reason::OnlyInExplanation(written));
    }
    let rest = characters.as_str();
    let after_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &rest[..rest.len() - after_digits.len()];
    // More digits than fit are more parts than any name has.
    let keep = if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(usize::MAX)) };
    if keep == Some(0) {
        return Err(Reason::MacroZero);
    }
    let delimiters = after_digits.strip_prefix(['r', 'R']);
    let (reverse, delimiters) = (delimiters.is_some(), delimiters.unwrap_or(after_digits));
    match delimiters.chars().find(|c| !".-+,/_=".contains(*c)) {
        Some(wrong) => Err(Reason::MacroDelimiter(wrong)),
        None => {
            let escapes = written.is_ascii_uppercase();
            Ok(Expansion { letter, escapes, keep, reverse, delimiters: delimiters.to_owned() })
        }
    }
}
