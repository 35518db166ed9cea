//! MTA-STS: the record at `_mta-sts`, and the policy that is fetched by HTTPS (RFC 8461, section 3).

use super::tags::TagList;

/// The longest time a policy may ask to be kept, in seconds: about a year (RFC 8461, section 3.2).
const LONGEST_AGE: u32 = 31_557_600;
/// So many `mx` lines are read.
const MOST_HOSTS: usize = 100;

/// Whether a TXT record claims to be one: it begins with the version.
pub fn is_record(text: &[u8]) -> bool {
    text.strip_prefix(b"v=STSv1").is_some_and(|rest| rest.trim_ascii_start().first().is_none_or(|next| *next == b';'))
}

/// The `id` of a record.
///
/// # Errors
/// What is wrong with it, in words that follow "the record".
pub fn read_record(text: &[u8]) -> Result<String, RecordFault> {
    let list = TagList::read(text);
    if let Some(fault) = list.faults.first() {
        return Err(RecordFault::Tag(fault.text.clone()));
    }
    match list.value("id") {
        None => Err(RecordFault::NoId),
        Some(id) if (1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric()) => {
            Ok(id.to_owned())
        }
        Some(id) => Err(RecordFault::BadId(id.to_owned())),
    }
}

/// Why a record is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// A part is no `tag=value`, or stands twice.
    Tag(String),
    /// There is no `id`.
    NoId,
    /// The `id` is not 1 to 32 letters and digits.
    BadId(String),
}

/// What senders do when the mail host does not fit (RFC 8461, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They do not deliver.
    Enforce,
    /// They deliver and report.
    Testing,
    /// They forget the policy.
    None,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What it asks for.
    pub mode: Mode,
    /// Patterns of mail hosts, in lower case, without the last dot.
    pub hosts: Vec<String>,
    /// How long senders may keep it, in seconds.
    pub max_age: u32,
}

/// Why a policy is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// Not UTF-8.
    Encoding,
    /// A line, from 1, without a colon.
    Line(usize),
    /// A key that must be there.
    Missing(&'static str),
    /// A key and a value that it cannot have.
    Value(&'static str, String),
}

impl Policy {
    /// Reads a policy file; unknown keys are passed over, and of a key that stands twice the first counts, except `mx`
    /// (RFC 8461, section 3.2).
    ///
    /// # Errors
    /// The first [`PolicyFault`].
    pub fn read(body: &[u8]) -> Result<Self, PolicyFault> {
        let text = std::str::from_utf8(body).map_err(|_| PolicyFault::Encoding)?;
        let (mut version, mut mode, mut max_age, mut hosts) = (None, None, None, Vec::new());
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':').ok_or(PolicyFault::Line(number + 1))?;
            let value = value.trim().to_owned();
            match key.trim() {
                "version" => drop(version.get_or_insert(value)),
                "mode" => drop(mode.get_or_insert(value)),
                "max_age" => drop(max_age.get_or_insert(value)),
                "mx" if hosts.len() < MOST_HOSTS => hosts.push(pattern(&value)?),
                _ => {}
            }
        }
        match version {
            None => return Err(PolicyFault::Missing("version")),
            Some(version) if version != "STSv1" => return Err(PolicyFault::Value("version", version)),
            Some(_) => {}
        }
        let mode = match mode.ok_or(PolicyFault::Missing("mode"))?.as_str() {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            other => return Err(PolicyFault::Value("mode", other.to_owned())),
        };
        let max_age = max_age.ok_or(PolicyFault::Missing("max_age"))?;
        let is_number = max_age.bytes().all(|octet| octet.is_ascii_digit());
        let age = max_age.parse().ok().filter(|age| is_number && *age <= LONGEST_AGE);
        let max_age = age.ok_or(PolicyFault::Value("max_age", max_age))?;
        if hosts.is_empty() && mode != Mode::None {
            return Err(PolicyFault::Missing("mx"));
        }
        Ok(Self { mode, hosts, max_age })
    }

    /// Whether a mail host fits one of the patterns: `*` stands for exactly one label (RFC 8461, section 4.1).
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => *pattern == host,
        })
    }
}

fn pattern(value: &str) -> Result<String, PolicyFault> {
    let bad = || PolicyFault::Value("mx", value.to_owned());
    let pattern = value.trim_end_matches('.').to_ascii_lowercase();
    let name = pattern.strip_prefix("*.").unwrap_or(&pattern);
    let is_name = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
        });
    if is_name { Ok(pattern) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: Mail.example.jp\r\nmx: *.example.net\r\nextra: x\r\nmax_age: 604800\r\n";

    /// Lost if it fails: senders would be thought to refuse a host that they accept, or to accept one that they refuse.
    #[test]
    fn a_policy_is_read_and_matched() {
        let policy = Policy::read(GOOD.as_bytes()).unwrap();
        assert_eq!((policy.mode, policy.max_age, policy.hosts.len()), (Mode::Enforce, 604_800, 2));
        for (host, covered) in [
            ("mail.example.jp", true),
            ("MAIL.example.jp.", true),
            ("mx.mail.example.jp", false),
            ("a.example.net", true),
            ("a.b.example.net", false),
            ("example.net", false),
        ] {
            assert_eq!(policy.covers(host), covered, "{host}");
        }
        assert_eq!(Policy::read(b"version: STSv1\nmode: none\nmax_age: 0").unwrap().mode, Mode::None);
    }

    /// Lost if it fails: a policy that senders throw away would be called good.
    #[test]
    fn what_is_no_policy() {
        let without = |key: &str| GOOD.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        for key in ["version", "mode", "mx", "max_age"] {
            assert_eq!(Policy::read(without(key).as_bytes()), Err(PolicyFault::Missing(key)));
        }
        for (key, value) in [
            ("version", "STSv2"),
            ("mode", "Enforce"),
            ("max_age", "31557601"),
            ("max_age", "+1"),
            ("mx", "a..b"),
            ("mx", "*"),
        ] {
            let text = format!("{key}: {value}\n{GOOD}");
            assert_eq!(Policy::read(text.as_bytes()), Err(PolicyFault::Value(key, value.to_owned())), "{text}");
        }
        assert_eq!(Policy::read(b"version: STSv1\n<html>"), Err(PolicyFault::Line(2)));
        assert_eq!(Policy::read(b"\xff"), Err(PolicyFault::Encoding));
        assert!(Policy::read("mx: a.example\n".repeat(100_000).as_bytes()).is_err());
    }

    /// Lost if it fails: a change of the policy would go unseen, or another TXT record be taken for it.
    #[test]
    fn records() {
        assert!(is_record(b"v=STSv1; id=1") && is_record(b"v=STSv1 ;id=1") && is_record(b"v=STSv1"));
        assert!(!is_record(b"v=STSv11; id=1") && !is_record(b"V=STSv1; id=1") && !is_record(b"v=spf1 -all"));
        assert_eq!(read_record(b"v=STSv1; id=20261124T1;"), Ok("20261124T1".to_owned()));
        assert_eq!(read_record(b"v=STSv1;"), Err(RecordFault::NoId));
        assert_eq!(read_record(b"v=STSv1; id=a-b"), Err(RecordFault::BadId("a-b".to_owned())));
        assert_eq!(read_record(b"v=STSv1; id"), Err(RecordFault::Tag("id".to_owned())));
    }
}
