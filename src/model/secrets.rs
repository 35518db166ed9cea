//! Keys that must never be shown.

/// The keys of a run. Its debug form shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// What stands for a key in every output.
pub const REDACTED: &str = "[key]";

/// A key of so many letters and digits is found in pieces too: shorter ones could be pieces of anything.
const LONG: usize = 12;

impl Secrets {
    /// The keys `values`; empty ones are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        Self(Vec::new()).and(values)
    }

    /// These, and `values`.
    #[must_use]
    pub fn and(mut self, values: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(values.into_iter().filter(|value| !value.is_empty()));
        // A key that begins as another does must not leave the rest of the longer one behind.
        self.0.sort_by_key(|key| std::cmp::Reverse(key.len()));
        self
    }

    /// `text` with every key replaced by [`REDACTED`]: in whatever case, and, if it is long, also where quotes, dots, escapes, line ends
    /// or the frame of a table stand between its letters.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        for secret in &self.0 {
            let needle = secret.to_ascii_lowercase();
            let mut from = 0;
            // ASCII case folding keeps byte positions, so the lower-cased copy can be searched and the original cut.
            while let Some(at) = redacted.to_ascii_lowercase().get(from..).and_then(|rest| rest.find(&needle)) {
                let start = from + at;
                redacted.replace_range(start..start + needle.len(), REDACTED);
                from = start + REDACTED.len();
            }
            let letters: Vec<u8> = needle.bytes().filter(u8::is_ascii_alphanumeric).collect();
            if letters.len() >= LONG && needle.is_ascii() {
                redacted = without_pieces(&redacted, &letters);
            }
        }
        redacted
    }
}

/// `text` without what is `letters`, lower case, with nothing that counts between them.
fn without_pieces(text: &str, letters: &[u8]) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut done, mut at) = (0, 0);
    while let Some(offset) = text.as_bytes()[at..].iter().position(|byte| byte.eq_ignore_ascii_case(&letters[0])) {
        let start = at + offset;
        at = start + 1;
        if let Some(length) = pieces(&text[start..], letters) {
            kept.push_str(&text[done..start]);
            kept.push_str(REDACTED);
            done = start + length;
            at = done;
        }
    }
    kept + &text[done..]
}

/// How many octets of `text` the letters take from its beginning; nothing if it does not begin with them.
fn pieces(text: &str, letters: &[u8]) -> Option<usize> {
    // What may stand between two letters of one text in one of our forms, and never between two texts.
    const BETWEEN: &str = " \n\t\"\\'.-_|│";
    let mut letters = letters.iter();
    let mut wanted = letters.next()?;
    for (at, sign) in text.char_indices() {
        if u8::try_from(sign).is_ok_and(|octet| octet.eq_ignore_ascii_case(wanted)) {
            match letters.next() {
                Some(next) => wanted = next,
                None => return Some(at + 1),
            }
        } else if !BETWEEN.contains(sign) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a customer's paid key would be posted with the report.
    #[test]
    fn keys_are_redacted_in_any_case() {
        let secrets = Secrets::new(["AbC123".to_owned(), String::new()]);
        assert_eq!(secrets.redact("2.0.0.127.abc123.zen ABC123"), "2.0.0.127.[key].zen [key]");
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    /// Lost if it fails: the rest of a key would stand behind one that begins as it does.
    #[test]
    fn the_longest_key_is_taken_out_first() {
        let secrets = Secrets::new(["abc".to_owned()]).and(["abcdefghijkl".to_owned()]);
        assert_eq!(secrets.redact("x.abcdefghijkl.y abc"), "x.[key].y [key]");
    }

    /// Lost if it fails: a key that a record gives in two strings, or that a table breaks, would be shown.
    #[test]
    fn a_key_in_pieces_is_a_key() {
        let secrets = Secrets::new(["SeCrEtk3yabcdefghij".to_owned()]);
        for (text, shown) in [
            ("TXT \"seCrEtk3\" \"yabcdefghij\" x", "TXT \"[key]\" x"),
            ("│ SeCrEtk3yabc │\n│ defghij      │", "│ [key]      │"),
            ("SeCrEtk3y-abc.defghij", "[key]"),
            ("SeSeCrEtk3yabcdefghij", "Se[key]"),
            ("SeCrEtk3yabcdefghi", "SeCrEtk3yabcdefghi"),
            ("[\"SeCrEtk3\",\"yabcdefghij\"]", "[\"SeCrEtk3\",\"yabcdefghij\"]"),
        ] {
            assert_eq!(secrets.redact(text), shown);
        }
    }
}
