//! A zone of the world: a master file, completed with what a world needs no words for.

use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::world::WorldError;
use crate::zonefile::{self, Refused, Start, read};

/// The name server that a zone names when its text names none; the zones of the world put it on loopback.
const SERVER: &str = "ns.world.test.";

/// A zone as written: its origin and an RFC 1035 master file.
///
/// Names may be relative. A text without `$TTL` gets 3600 s; one without SOA or NS at its origin gets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The name of the zone's apex, with or without the trailing dot; `"."` is the root.
    pub origin: String,
    /// The master file.
    pub text: String,
    /// Records besides: owners and data that a master file cannot express.
    pub records: Vec<Record>,
}

impl Zone {
    /// A zone from its origin and its master file.
    pub fn new(origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self { origin: origin.into(), text: text.into(), records: Vec::new() }
    }

    /// The same with more records, whose names are absolute.
    #[must_use]
    pub fn with(mut self, records: impl IntoIterator<Item = Record>) -> Self {
        self.records.extend(records);
        self
    }
}

impl Zone {
    /// The zone, ready to be asked.
    pub(super) fn parse(&self) -> Result<zonefile::Zone, WorldError> {
        let fault = |reason: String| WorldError::Zone { origin: self.origin.clone(), reason };
        let mut origin = Name::from_ascii(&self.origin).map_err(|e| fault(e.to_string()))?;
        origin.set_fqdn(true);
        let server = Name::from_ascii(SERVER).map_err(|e| fault(e.to_string()))?;
        let start = Start { origin: Some(&self.origin), ttl: Some(3600) };
        let mut include = |_: &str| Err(Refused("is not read in a world".to_owned()));
        let (entries, _) = read(self.text.as_bytes(), start, &mut include).map_err(|e| fault(e.to_string()))?;
        let mut zone = zonefile::Zone::new(&origin, entries).map_err(|e| fault(e.to_string()))?;
        self.records.iter().for_each(|record| zone.insert(record.clone()));
        if zone.at_apex(RecordType::NS).is_empty() {
            zone.insert(Record::from_rdata(origin.clone(), 3600, RData::NS(NS(server.clone()))));
        }
        if zone.at_apex(RecordType::SOA).is_empty() {
            let soa = SOA::new(server.clone(), server, 2_026_120_501, 7200, 900, 1_209_600, 300);
            zone.insert(Record::from_rdata(origin, 3600, RData::SOA(soa)));
        }
        Ok(zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a mistake in a zone file would show as a missing record.
    #[test]
    fn foreign_names_and_bad_lines_are_refused() {
        assert!(Zone::new("example.test", "www.example.org. A 192.0.2.1").parse().is_err());
        assert!(Zone::new("example.test", "www A not-an-address").parse().is_err());
        assert!(Zone::new(".", "com NS ns.world.test.").parse().is_ok());
    }
}
