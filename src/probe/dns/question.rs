//! What is asked: a name and a type, whom to ask, and how fast.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::{Name, RecordType};

use crate::model::DomainName;

/// A name and a type, class IN. The name is always absolute and in lower case, so that equal questions are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name, absolute, lower case.
    pub name: Name,
    /// The type of the records wanted.
    pub rtype: RecordType,
}

/// Why a text cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// A label is empty or longer than 63 octets, or the name longer than 255 (RFC 1035, section 2.3.4).
    #[error("the name is too long, or has a label that is empty or too long")]
    Length,
    /// White space or a control character, which would be a slip of the pen and not a name.
    #[error("{0:?} cannot stand in a name")]
    Character(char),
    /// Not convertible to A-labels (UTS 46).
    #[error("the name cannot be written in ASCII (IDNA)")]
    Idna,
}

/// A name on its way into a [`Question`]: made from a text, a [`Name`] or a [`DomainName`].
#[derive(Clone, Debug)]
pub struct QuestionName(Result<Name, QuestionError>);

impl From<&str> for QuestionName {
    fn from(text: &str) -> Self {
        Self(parse(text))
    }
}

impl From<String> for QuestionName {
    fn from(text: String) -> Self {
        Self(parse(&text))
    }
}

impl From<&String> for QuestionName {
    fn from(text: &String) -> Self {
        Self(parse(text))
    }
}

impl From<Name> for QuestionName {
    fn from(name: Name) -> Self {
        Self(Ok(absolute(&name)))
    }
}

impl From<&Name> for QuestionName {
    fn from(name: &Name) -> Self {
        Self(Ok(absolute(name)))
    }
}

impl From<&DomainName> for QuestionName {
    fn from(name: &DomainName) -> Self {
        Self(parse(name.as_str()))
    }
}

impl Question {
    /// The question for `name`, with or without the trailing dot: it is never searched for in other domains.
    ///
    /// # Errors
    /// [`QuestionError`] says why the text is not a name. Its message never contains the name.
    pub fn new(name: impl Into<QuestionName>, rtype: RecordType) -> Result<Self, QuestionError> {
        Ok(Self { name: name.into().0?, rtype })
    }

    /// The reverse question for `ip` (RFC 1035, section 3.5; RFC 3596, section 2.5).
    pub fn ptr(ip: IpAddr) -> Self {
        Self { name: absolute(&Name::from(ip)), rtype: RecordType::PTR }
    }

    /// The same type for another name.
    pub(super) fn at(&self, name: &Name) -> Self {
        Self { name: absolute(name), rtype: self.rtype }
    }
}

/// `name. TYPE`. The name may hold a key: redact before showing (`Dns::redact`).
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name.to_ascii(), self.rtype)
    }
}

/// Whom to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Route {
    /// The configured resolvers.
    #[default]
    Resolver,
    /// The servers of the zone, found by walking down from the root, and asked without recursion.
    Authority,
    /// One server, asked without recursion: it speaks for itself.
    Server(SocketAddr),
}

impl Route {
    /// The word for it in the transcript.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Resolver => "resolver",
            Self::Authority => "authority",
            Self::Server(_) => "server",
        }
    }
}

/// How fast the questions of one operator may go out.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// The operator: equal keys share one pace.
    pub key: String,
    /// Questions a second; a burst of this many, and at least five, is allowed.
    pub per_second: f32,
}

/// A question, whom to put it to, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked.
    pub question: Question,
    /// Whom.
    pub route: Route,
    /// Set CD, so that a validating resolver hands out what it would reject (RFC 4035, section 3.2.2).
    pub checking_disabled: bool,
    /// Not faster than this.
    pub pace: Option<Pace>,
    /// The world as it is, also where a zone is rehearsed.
    pub live: bool,
}

impl Ask {
    /// `question` to the configured resolvers, unpaced.
    pub fn new(question: Question) -> Self {
        Self { question, route: Route::Resolver, checking_disabled: false, pace: None, live: false }
    }

    /// The same by another route.
    #[must_use]
    pub fn via(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// The same with CD set.
    #[must_use]
    pub fn checking_disabled(self) -> Self {
        Self { checking_disabled: true, ..self }
    }

    /// The same, put to the world also where a zone is rehearsed.
    #[must_use]
    pub fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// The same at a pace.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace: Some(pace), ..self }
    }
}

/// `name` as people write it: in lower case, without the dot at its end; the root stays a dot.
pub fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').filter(|bare| !bare.is_empty()).unwrap_or(&text).to_owned()
}

/// `name`, absolute and in lower case.
fn absolute(name: &Name) -> Name {
    let mut name = name.to_lowercase();
    name.set_fqdn(true);
    name
}

/// Cuts at the dots and nowhere else: hickory's parser reads backslashes as octal and refuses some labels that exist.
fn parse(text: &str) -> Result<Name, QuestionError> {
    if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(QuestionError::Character(bad));
    }
    let ascii = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(text).map_err(|_| QuestionError::Idna)?
    };
    if ascii == "." {
        return Ok(Name::root());
    }
    let labels = ascii.strip_suffix('.').unwrap_or(&ascii).split('.').map(str::as_bytes);
    Name::from_labels(labels).map_err(|_| QuestionError::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: one question would be asked, paid for and reported several times, or a search domain appended.
    #[test]
    fn equal_questions_are_equal() {
        let one = Question::new("Mail.Example.JP", RecordType::A).unwrap();
        assert_eq!(one, Question::new("mail.example.jp.", RecordType::A).unwrap());
        assert_eq!(one, Question::new(Name::from_ascii("MAIL.example.jp").unwrap(), RecordType::A).unwrap());
        assert_eq!(one.to_string(), "mail.example.jp. A");
        assert_eq!(Question::new(".", RecordType::NS).unwrap().to_string(), ". NS");
        assert_eq!(Question::new("a_._B.jp", RecordType::TXT).unwrap().to_string(), "a_._b.jp. TXT");
        assert_eq!(Question::new("例え.jp", RecordType::A).unwrap().to_string(), "xn--r8jz45g.jp. A");
    }

    /// Lost if it fails: a reverse name would be built wrongly and every address would lack its name.
    #[test]
    fn reverse_names() {
        assert_eq!(Question::ptr([192, 0, 2, 25].into()).to_string(), "25.2.0.192.in-addr.arpa. PTR");
        let six = Question::ptr("2001:db8::25".parse().unwrap()).to_string();
        assert!(six.starts_with("5.2.0.0.0.0.") && six.ends_with("8.b.d.0.1.0.0.2.ip6.arpa. PTR"), "{six}");
    }

    /// Lost if it fails: an impossible name would be sent, or the error would show the key inside it.
    #[test]
    fn impossible_names_are_refused() {
        let long = "a".repeat(64);
        for bad in ["", "a..b", ".a", long.as_str(), &"abcdefg.".repeat(40)] {
            assert_eq!(Question::new(bad, RecordType::A), Err(QuestionError::Length), "{bad}");
        }
        assert_eq!(Question::new("a b", RecordType::A), Err(QuestionError::Character(' ')));
    }
}
