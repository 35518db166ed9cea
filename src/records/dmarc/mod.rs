//! DMARC policy records (RFC 9989, section 4.7), and what the standard before it (RFC 7489) said differently.

mod fault;
#[cfg(test)]
mod tests;

use std::fmt;

pub use fault::Reason;

use super::fault::Fault;
use super::tags::{Tag, TagFault, TagList, TagSlip};
use crate::model::DomainName;

/// So many addresses of a record are looked at.
const MOST_ADDRESSES: usize = 20;

/// A record that identifies itself as DMARC, with everything that has no meaning in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `p=`: for the domain itself.
    pub policy: Asked,
    /// `sp=`: for names below it; nothing if `p=` counts.
    pub subdomains: Asked,
    /// `psd=`: whether the domain is a public suffix.
    pub suffix: Suffix,
    /// `adkim=s`: the signing domain must be the same as the author's, not only of the same organization.
    pub strict_dkim: bool,
    /// `aspf=s`: the same for the domain of MAIL FROM.
    pub strict_spf: bool,
    /// `t=y`: the policy is on trial, and one level weaker for receivers that know the tag.
    pub is_trial: bool,
    /// `rua=`: the mail addresses for aggregate reports.
    pub reports: Vec<Mailbox>,
    /// The removed tags it has (RFC 9989 has no `pct`, `rf` and `ri`), as written.
    pub removed: Vec<Tag>,
    /// What is wrong with it, in the order of the places.
    pub faults: Vec<Fault<Reason>>,
    /// `np=` is there and is none of the three policies.
    bad_nonexistent: bool,
}

/// What receivers should do with mail that fails, lightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Nothing.
    None,
    /// Treat it as suspicious.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl Policy {
    /// What `t=y` makes of it (RFC 9989, section 4.7).
    #[must_use]
    pub const fn on_trial(self) -> Self {
        match self {
            Self::Reject => Self::Quarantine,
            Self::Quarantine | Self::None => Self::None,
        }
    }
}

/// The word of the record.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        })
    }
}

/// What a tag says about the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The tag is not there.
    Nothing,
    /// It is there and no policy.
    Wrong,
    /// It says this.
    Said(Policy),
}

/// `psd=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// `y`: a public suffix; organizations are one label below.
    Yes,
    /// `n`: an organization, whatever stands above.
    No,
    /// Not said.
    Unsaid,
}

/// An address that reports go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The address, as written, without `mailto:` and what follows `?` or `!`.
    pub address: String,
    /// The domain behind the `@`.
    pub domain: DomainName,
}

/// The TXT records of a name, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// Those that are DMARC records. More than one count as none (RFC 9989, section 4.10).
    pub records: Vec<&'a [u8]>,
    /// Those that were meant to be one, and are ignored.
    pub ignored: Vec<&'a [u8]>,
}

/// Sorts the TXT records of `_dmarc.` and a domain.
pub fn select<T: AsRef<[u8]>>(texts: &[T]) -> Selection<'_> {
    let mut selection = Selection::default();
    for text in texts.iter().map(AsRef::as_ref) {
        if is_dmarc(text) {
            selection.records.push(text);
        } else if text.to_ascii_lowercase().windows(5).any(|word| word == b"dmarc") {
            selection.ignored.push(text);
        }
    }
    selection
}

/// Why a record that was meant to be one is ignored.
pub fn why_ignored(record: &[u8]) -> Fault<Reason> {
    let escape = record.iter().position(|octet| matches!(octet, b'"' | b'\\'));
    match escape {
        Some(at) => Fault::at(record, at..at + 1, Reason::Escape),
        None => Fault::at(record, 0..record.len(), Reason::Version),
    }
}

/// Whether the first tag is `v` and its value exactly `DMARC1` (RFC 9989, section 4.7).
pub fn is_dmarc(record: &[u8]) -> bool {
    let first = record.split(|octet| *octet == b';').next().unwrap_or_default();
    let mut sides = first.splitn(2, |octet| *octet == b'=').map(<[u8]>::trim_ascii);
    sides.next().is_some_and(|name| name.eq_ignore_ascii_case(b"v")) && sides.next() == Some(b"DMARC1")
}

impl Record {
    /// Reads a record for which [`is_dmarc`] holds. It never fails: what cannot be understood has its default, and is told.
    pub fn read(record: &[u8]) -> Self {
        let list = TagList::read(record);
        let tag = |name: &str| list.tags.iter().find(|tag| tag.name.eq_ignore_ascii_case(name));
        let mut faults = shapes(record, &list);
        let mut policy_of = |name: &str| match tag(name) {
            None => Asked::Nothing,
            Some(tag) => policy(&tag.value).map_or_else(
                || {
                    faults.push(Fault::at(record, tag.span.clone(), Reason::Policy));
                    Asked::Wrong
                },
                Asked::Said,
            ),
        };
        let (policy, subdomains, nonexistent) = (policy_of("p"), policy_of("sp"), policy_of("np"));
        match list.tags.iter().position(|tag| tag.name.eq_ignore_ascii_case("p")) {
            None => faults.push(Fault::at(record, 0..record.len(), Reason::NoPolicy)),
            Some(1) => {}
            Some(at) => faults.push(Fault::at(record, list.tags[at].span.clone(), Reason::PolicyNotSecond)),
        }
        let wrong = VALUES.iter().filter_map(|(name, values)| tag(name).filter(|tag| !is_among(&tag.value, values)));
        let wrong = wrong.chain(tag("fo").filter(|tag| !is_failure_option(&tag.value)));
        faults.extend(wrong.map(|tag| Fault::at(record, tag.span.clone(), Reason::Value)));
        let reports = tag("rua").map(|tag| addresses(record, tag, &mut faults)).unwrap_or_default();
        if let Some(failures) = tag("ruf") {
            addresses(record, failures, &mut faults);
        }
        faults.sort_by_key(|fault| fault.span.start);
        let says = |name: &str, value: &str| tag(name).is_some_and(|tag| tag.value.eq_ignore_ascii_case(value));
        let suffix = match (says("psd", "y"), says("psd", "n")) {
            (true, _) => Suffix::Yes,
            (_, true) => Suffix::No,
            _ => Suffix::Unsaid,
        };
        let removed = |tag: &&Tag| is_among(&tag.name, REMOVED);
        Self {
            policy,
            subdomains,
            suffix,
            strict_dkim: says("adkim", "s"),
            strict_spf: says("aspf", "s"),
            is_trial: says("t", "y"),
            reports,
            removed: list.tags.iter().filter(removed).cloned().collect(),
            faults,
            bad_nonexistent: nonexistent == Asked::Wrong,
        }
    }

    /// The policy for mail from the domain of the record, or from an existing name `below` it; nothing if receivers do not apply
    /// the record at all (RFC 9989, section 4.10.1; RFC 7489, section 6.6.3, step 6).
    pub fn applied(&self, below: bool) -> Option<Policy> {
        let is_wrong = self.policy == Asked::Wrong || self.subdomains == Asked::Wrong || self.bad_nonexistent;
        if is_wrong {
            return (!self.reports.is_empty()).then_some(Policy::None);
        }
        Some(match (self.policy, self.subdomains) {
            (_, Asked::Said(policy)) if below => policy,
            (Asked::Said(policy), _) => policy,
            _ => Policy::None,
        })
    }
}

/// The tags that have few values, in any case (RFC 9989, section 4.8); `fo` has a rule of its own.
const VALUES: &[(&str, &[&str])] =
    &[("psd", &["y", "n", "u"]), ("adkim", &["r", "s"]), ("aspf", &["r", "s"]), ("t", &["y", "n"])];

/// The tags that RFC 9989 took away.
const REMOVED: &[&str] = &["pct", "rf", "ri"];

fn is_among(value: &str, values: &[&str]) -> bool {
    values.iter().any(|known| value.eq_ignore_ascii_case(known))
}

/// `0`, `1`, `d` and `s` with colons between them, none twice, and not both digits.
fn is_failure_option(value: &str) -> bool {
    let options: Vec<&str> = value.split(':').map(str::trim).collect();
    let count = |option: &str| options.iter().filter(|written| written.eq_ignore_ascii_case(option)).count();
    options.iter().all(|option| is_among(option, &["0", "1", "d", "s"]))
        && count("0") + count("1") <= 1
        && count("d") <= 1
        && count("s") <= 1
}

fn policy(word: &str) -> Option<Policy> {
    [Policy::None, Policy::Quarantine, Policy::Reject]
        .into_iter()
        .find(|policy| word.eq_ignore_ascii_case(&policy.to_string()))
}

/// What is wrong with the record as a list of tags.
fn shapes(record: &[u8], list: &TagList) -> Vec<Fault<Reason>> {
    let shape = |fault: &TagFault| {
        let reason = match fault.slip {
            TagSlip::NoEquals => Reason::NoEquals,
            TagSlip::Name => Reason::TagName,
            TagSlip::Twice => Reason::Twice,
        };
        fault.told(record, reason)
    };
    let mut faults: Vec<Fault<Reason>> = list.faults.iter().map(shape).collect();
    let fits = |octet: &u8| matches!(octet, b' '..=b'~' | b'\t');
    if let Some(at) = record.iter().position(|octet| !fits(octet)) {
        let length = record[at..].iter().take_while(|octet| !fits(octet)).count();
        faults.push(Fault::at(record, at..at + length, Reason::Character));
    } else if let Some(at) = record.iter().position(|octet| matches!(octet, b'"' | b'\\')) {
        faults.push(Fault::at(record, at..at + 1, Reason::Escape));
    }
    faults
}

/// The mail addresses of `rua=` or `ruf=`; what is none is told.
fn addresses(record: &[u8], tag: &Tag, faults: &mut Vec<Fault<Reason>>) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for written in tag.value.split(',').take(MOST_ADDRESSES).map(str::trim) {
        match mailbox(written) {
            Some(mailbox) => found.push(mailbox),
            None => {
                let mut fault = Fault::at(record, tag.span.clone(), Reason::Address);
                written.clone_into(&mut fault.written);
                faults.push(fault);
            }
        }
    }
    found
}

fn mailbox(uri: &str) -> Option<Mailbox> {
    let (scheme, rest) = uri.split_once(':')?;
    // `?` begins header fields (RFC 6068), `!` the size limit that RFC 7489 had.
    let address = rest.split(['?', '!']).next().unwrap_or_default();
    let (local, domain) = address.rsplit_once('@')?;
    let is_mail = scheme.eq_ignore_ascii_case("mailto") && !local.is_empty() && !address.contains(char::is_whitespace);
    let domain = DomainName::parse(domain).ok()?;
    is_mail.then(|| Mailbox { address: address.to_owned(), domain })
}
