//! What one question to a zone came to, without the record of how it was asked.

use std::net::Ipv4Addr;

use crate::probe::{Answer, Reply};

/// What a zone said of a subject, as everybody sees it who asks for its A records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// NXDOMAIN or NODATA: no entry.
    Absent,
    /// These A records, at least one.
    Addresses(Vec<Ipv4Addr>),
    /// No answer; never [`Answer::is_definite`].
    Failed(Answer),
}

impl From<&Reply> for Lookup {
    fn from(reply: &Reply) -> Self {
        match &reply.answer {
            Answer::Data => Self::Addresses(reply.ipv4()),
            Answer::NoData | Answer::NxDomain => Self::Absent,
            failure => Self::Failed(failure.clone()),
        }
    }
}

impl From<Result<Vec<Ipv4Addr>, Answer>> for Lookup {
    /// What the bulk path says: no addresses are an absence.
    fn from(said: Result<Vec<Ipv4Addr>, Answer>) -> Self {
        match said {
            Ok(addresses) if addresses.is_empty() => Self::Absent,
            Ok(addresses) => Self::Addresses(addresses),
            Err(failure) => Self::Failed(failure),
        }
    }
}
