//! Reply codes (RFC 5321, section 4.2) and enhanced status codes (RFC 3463) in texts.

use std::fmt;

/// An enhanced status code: `5.7.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Enhanced {
    /// 2 delivered, 4 temporary, 5 final.
    pub class: u8,
    /// What it is about.
    pub subject: u16,
    /// What about it.
    pub detail: u16,
}

impl Enhanced {
    /// Reads `5.7.1`; the whole of `text`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let mut number = || {
            let part = parts.next()?;
            let fits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| part.parse().ok()).flatten()
        };
        let (subject, detail) = (number()?, number()?);
        parts.next().is_none().then_some(Self { class, subject, detail })
    }

    /// Whether it says nothing: `x.0.0`.
    pub const fn is_vague(self) -> bool {
        self.subject == 0 && self.detail == 0
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// The first reply code and the first enhanced code in `text` that stand as words of their own. A code of success counts only where
/// `text` begins with it: "over quota: 250 MB" was not delivered.
pub fn codes_in(text: &str) -> (Option<u16>, Option<Enhanced>) {
    let mut code = None;
    let mut enhanced = None;
    let mut is_first = true;
    for word in text.split(|c: char| c.is_whitespace() || "()[],;<>\"'".contains(c)).take(400) {
        if word.is_empty() {
            continue;
        }
        let begins = std::mem::take(&mut is_first);
        let word = word.trim_start_matches('#').trim_end_matches(['.', ':']);
        let bytes = word.as_bytes();
        let leads =
            bytes.len() >= 3 && bytes[..3].iter().all(u8::is_ascii_digit) && matches!(bytes[0], b'2' | b'4' | b'5');
        let leads = leads && (begins || bytes[0] != b'2');
        if leads && bytes[1] <= b'7' && code.is_none() && (bytes.len() == 3 || bytes[3] == b'-') {
            code = word[..3].parse().ok();
            if bytes.len() > 4 && enhanced.is_none() {
                enhanced = Enhanced::parse(&word[4..]);
            }
        } else if enhanced.is_none() {
            enhanced = Enhanced::parse(word);
        }
        if code.is_some() && enhanced.is_some() {
            break;
        }
    }
    (code, enhanced)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: an address or a version is taken for a code, and the registry speaks about the wrong thing.
    #[test]
    fn codes_are_words_of_their_own() {
        let enhanced = |text| Enhanced::parse(text);
        assert_eq!(codes_in("550-5.7.1 no"), (Some(550), enhanced("5.7.1")));
        assert_eq!(codes_in("said: 421 4.7.0 [TSS04]"), (Some(421), enhanced("4.7.0")));
        assert_eq!(codes_in("(#5.1.2)"), (None, enhanced("5.1.2")));
        assert_eq!(codes_in("host 192.0.2.5 port 25, 5.1 4.1.1.1 5.1.1234"), (None, None));
        assert_eq!(codes_in("550: x"), (Some(550), None));
        assert_eq!(codes_in(" 250 2.0.0 queued"), (Some(250), enhanced("2.0.0")));
        assert_eq!(codes_in("user is over quota (250 MB)"), (None, None));
        assert_eq!(enhanced("3.1.1"), None);
    }
}
