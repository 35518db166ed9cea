//! Which DMARC policy applies to a domain, and to which organization it belongs: by the tree walk of RFC 9989, and by the public
//! suffix list, as RFC 7489 had it and many receivers still do.

#[cfg(test)]
mod tests;

use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::model::{DomainName, ObservationId, Value};
use crate::probe::{Answer, Ask, Dns, Question};
use crate::records::dmarc::{Policy, Reason, Record, Suffix, select, why_ignored};
use crate::records::fault::Fault;

/// More labels than this, and the walk leaves some out (RFC 9989, section 4.10).
const MOST_LABELS: usize = 8;

/// Everything that DMARC's two ways of discovery look at for one domain.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The domain.
    pub domain: DomainName,
    /// The names of the tree walk, the domain itself first, the top-level domain last.
    pub visits: Vec<Visit>,
}

/// What stands at `_dmarc.` and one domain.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The domain, without `_dmarc.`.
    pub domain: DomainName,
    /// What was found.
    pub found: Found,
    /// Why records that were meant to be DMARC are ignored.
    pub ignored: Vec<Fault<Reason>>,
    /// Its place in the transcript; nothing if the name is too long to be asked for.
    pub observation: Option<ObservationId>,
}

/// What was found at a name.
#[derive(Clone, Debug)]
pub enum Found {
    /// No DMARC record.
    Nothing,
    /// One.
    One(Box<Record>),
    /// Several, which count as none.
    Several(usize),
    /// Not known, and why.
    Unknown(Value),
}

/// What one way of discovery comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// The organizational domain.
    pub organization: DomainName,
    /// The record that applies, if there is any.
    pub source: Option<Source<'a>>,
}

/// A record that applies to a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Where it stands, without `_dmarc.`.
    pub at: &'a DomainName,
    /// The record.
    pub record: &'a Record,
    /// The policy for the domain; nothing if the record is so wrong that receivers leave it.
    pub policy: Option<Policy>,
}

/// Asks for the records of all names that discovery for `domain` can need, at most eight, as they are published now.
pub async fn discover(dns: &Dns, domain: &DomainName) -> Discovery {
    let visits = join_all(names(domain).into_iter().map(|name| visit(dns, name))).await;
    Discovery { domain: domain.clone(), visits }
}

/// The names of the tree walk: the domain, and each above it; of a long one, only those of at most seven labels.
fn names(domain: &DomainName) -> Vec<DomainName> {
    let labels: Vec<&str> = domain.labels().collect();
    let first = (labels.len() + 1).saturating_sub(MOST_LABELS).max(1);
    let above = (first..labels.len()).filter_map(|from| DomainName::parse(&labels[from..].join(".")).ok());
    std::iter::once(domain.clone()).chain(above).collect()
}

async fn visit(dns: &Dns, domain: DomainName) -> Visit {
    let Ok(question) = Question::new(format!("_dmarc.{domain}"), RecordType::TXT) else {
        return Visit { domain, found: Found::Nothing, ignored: Vec::new(), observation: None };
    };
    let reply = dns.published(Ask::new(question)).await;
    let texts = reply.texts();
    let selection = select(&texts);
    let found = match (&reply.answer, selection.records.as_slice()) {
        (Answer::Data, [record]) => Found::One(Box::new(Record::read(record))),
        (Answer::Data, []) | (Answer::NoData | Answer::NxDomain, _) => Found::Nothing,
        (Answer::Data, several) => Found::Several(several.len()),
        _ => Found::Unknown(reply.why()),
    };
    let ignored = selection.ignored.into_iter().map(why_ignored).collect();
    Visit { domain, found, ignored, observation: Some(reply.observation) }
}

impl Discovery {
    /// What the tree walk comes to (RFC 9989, sections 4.10.1 and 4.10.2). The domain is taken to exist, so `np=` does not count.
    ///
    /// # Errors
    /// The first name on the way that was not answered.
    pub fn by_walk(&self) -> Result<Ruling<'_>, &Visit> {
        let mut found: Vec<Source<'_>> = Vec::new();
        for visit in &self.visits {
            match &visit.found {
                Found::Unknown(_) => return Err(visit),
                Found::Nothing | Found::Several(_) => {}
                Found::One(record) => {
                    found.push(self.source(&visit.domain, record));
                    if record.suffix != Suffix::Unsaid {
                        break;
                    }
                }
            }
        }
        let Some(last) = found.last() else {
            return Ok(Ruling { organization: self.domain.clone(), source: None });
        };
        let is_above = last.at != &self.domain;
        let organization = match last.record.suffix {
            Suffix::Yes if is_above => self.below(last.at),
            _ => last.at.clone(),
        };
        // The domain's own record, the organization's, or that of the public suffix, which is the last of a walk.
        let wanted = |name: &DomainName| found.iter().find(|source| source.at == name).cloned();
        let source = wanted(&self.domain).or_else(|| wanted(&organization)).or_else(|| Some(last.clone()));
        Ok(Ruling { organization, source })
    }

    /// What the public suffix list comes to (RFC 7489, sections 3.2 and 6.6.3).
    ///
    /// # Errors
    /// The name that was not answered.
    pub fn by_list(&self) -> Result<Ruling<'_>, &Visit> {
        let organization = self.domain.registrable().unwrap_or_else(|| self.domain.clone());
        let source = self.first_of([&self.domain, &organization])?;
        Ok(Ruling { organization, source })
    }

    /// Whether an identifier with `other`'s domain is aligned with this domain of an author (RFC 9989, section 4.10.2).
    ///
    /// # Errors
    /// The name that was not answered, if the organizations must be known.
    pub fn is_aligned<'a>(&'a self, other: &'a Self, strict: bool) -> Result<bool, &'a Visit> {
        if self.domain == other.domain || strict {
            return Ok(self.domain == other.domain);
        }
        Ok(self.by_walk()?.organization == other.by_walk()?.organization)
    }

    /// The observations it rests on.
    pub fn evidence(&self) -> impl Iterator<Item = ObservationId> {
        self.visits.iter().filter_map(|visit| visit.observation)
    }

    /// The record at the first of these names that has any.
    fn first_of(&self, names: [&DomainName; 2]) -> Result<Option<Source<'_>>, &Visit> {
        for name in names {
            match self.visits.iter().find(|visit| visit.domain == *name) {
                None => {}
                Some(visit) => match &visit.found {
                    Found::Unknown(_) => return Err(visit),
                    Found::Nothing => {}
                    // Several end the search; only none lets it go on.
                    Found::Several(_) => return Ok(None),
                    Found::One(record) => return Ok(Some(self.source(&visit.domain, record))),
                },
            }
        }
        Ok(None)
    }

    fn source<'a>(&self, at: &'a DomainName, record: &'a Record) -> Source<'a> {
        Source { at, record, policy: record.applied(*at != self.domain) }
    }

    /// The name one label below `suffix` on the way to the domain.
    fn below(&self, suffix: &DomainName) -> DomainName {
        let is_longer = |visit: &&Visit| visit.domain.is_within(suffix) && visit.domain != *suffix;
        self.visits.iter().rfind(is_longer).map_or_else(|| self.domain.clone(), |visit| visit.domain.clone())
    }
}
