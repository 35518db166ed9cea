//! Host names and domains in the one form in which they are compared: A-labels, lower case, no trailing dot.

use std::fmt;

use serde::Serialize;

/// A domain name of at least one label, at most 253 octets. Underscores are allowed, because DNS owner names have them;
/// [`DomainName::is_host_name`] tells what SMTP accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DomainName(String);

/// Why a text is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only dots.
    #[error("the name is empty")]
    Empty,
    /// An address where a name belongs.
    #[error("this is an address, not a name")]
    Address,
    /// Longer than DNS allows (RFC 1035, section 2.3.4).
    #[error("the name is longer than 253 characters, or a label is longer than 63 or empty")]
    Length,
    /// A character that no domain name has.
    #[error("{0:?} cannot stand in a domain name")]
    Character(char),
    /// Not convertible to A-labels (UTS 46).
    #[error("the name cannot be written in ASCII (IDNA)")]
    Idna,
}

impl DomainName {
    /// Reads a name as people write it: any case, U-labels, with or without the trailing dot.
    ///
    /// # Errors
    /// [`NameError`] says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        // UTS 46 knows four dots; each may stand at the end.
        let text = text.strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.parse::<std::net::IpAddr>().is_ok() || text.starts_with('[') {
            return Err(NameError::Address);
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| NameError::Idna)?
        };
        if ascii.len() > 253 || ascii.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(NameError::Length);
        }
        match ascii.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
            Some(character) => Err(NameError::Character(character)),
            None => Ok(Self(ascii)),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, leftmost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// The registrable domain by the public suffix list: `example.co.jp` for `mail.example.co.jp`; nothing for a suffix itself.
    pub fn registrable(&self) -> Option<Self> {
        psl::domain_str(&self.0).map(|domain| Self(domain.to_owned()))
    }

    /// Whether this name is `other` or stands below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.strip_suffix(&other.0).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether SMTP accepts it as the name of a host: at least two labels of letters, digits and inner hyphens, the last not
    /// all digits (RFC 5321, section 2.3.5; RFC 1123, section 2.1).
    pub fn is_host_name(&self) -> bool {
        let label_fits = |label: &str| !label.starts_with('-') && !label.ends_with('-') && !label.contains('_');
        self.0.contains('.')
            && self.labels().all(label_fits)
            && !self.labels().next_back().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    /// Lost if it fails: "Mail.Example.JP." in a PTR would be called different from "mail.example.jp" in the plan.
    #[test]
    fn names_compare_in_one_form() {
        assert_eq!(name("Mail.Example.CO.JP.").as_str(), "mail.example.co.jp");
        assert_eq!(name("例え。JP。").as_str(), "xn--r8jz45g.jp");
        assert_eq!(name("メール.例え.jp").as_str(), "xn--4dkua4c.xn--r8jz45g.jp");
        for (text, error) in [
            ("", NameError::Empty),
            (".", NameError::Empty),
            ("a..b", NameError::Length),
            ("192.0.2.1", NameError::Address),
            ("[192.0.2.1]", NameError::Address),
            ("2001:db8::1", NameError::Address),
            ("mail example.jp", NameError::Character(' ')),
        ] {
            assert_eq!(DomainName::parse(text), Err(error), "{text:?}");
        }
    }

    /// Lost if it fails: a name that receivers refuse would pass, or a good one would be refused.
    #[test]
    fn host_names_follow_smtp() {
        for good in ["mail.example.jp", "1.example.jp", "a-b.c"] {
            assert!(name(good).is_host_name(), "{good}");
        }
        for bad in ["localhost", "mail_1.example.jp", "-a.example.jp", "a-.example.jp", "a.1"] {
            assert!(!name(bad).is_host_name(), "{bad}");
        }
    }

    /// Lost if it fails: alignment and "is it ours" would be judged on the wrong domain.
    #[test]
    fn registrable_domain_and_descent() {
        assert_eq!(name("mail.example.co.jp").registrable(), Some(name("example.co.jp")));
        assert_eq!(name("co.jp").registrable(), None);
        assert!(name("a.example.jp").is_within(&name("example.jp")));
        assert!(!name("badexample.jp").is_within(&name("example.jp")));
    }
}
