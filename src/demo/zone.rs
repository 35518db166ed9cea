//! One zone in memory: read from a master file, asked by the rules of RFC 1034, section 4.3.2, and RFC 4592.

use std::collections::{BTreeMap, HashMap, HashSet};

use hickory_proto::rr::rdata::{CNAME, NS, SOA};
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordSet, RecordType, RrKey};
use hickory_proto::serialize::txt::Parser;

use super::world::WorldError;

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

/// What a zone says to one question.
pub(super) enum Found {
    /// Records of the type asked for.
    Data(Vec<Record>),
    /// The name is an alias: the record, and where it leads.
    Alias(Box<Record>, Name),
    /// The name exists, the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The name lies below a cut: the name servers of the child zone.
    Referral(Vec<Record>),
}

/// A zone that can be asked.
pub(super) struct Apex {
    pub(super) origin: LowerName,
    soa: Record,
    nodes: HashMap<LowerName, BTreeMap<RecordType, RecordSet>>,
    /// Every name that exists, empty non-terminals too (RFC 8020).
    names: HashSet<LowerName>,
}

impl Apex {
    pub(super) fn parse(zone: &Zone) -> Result<Self, WorldError> {
        let fault = |reason: String| WorldError::Zone { origin: zone.origin.clone(), reason };
        let mut origin = Name::from_ascii(&zone.origin).map_err(|e| fault(e.to_string()))?;
        origin.set_fqdn(true);
        let server = Name::from_ascii(SERVER).map_err(|e| fault(e.to_string()))?;
        let text = format!("$TTL 3600\n{}\n", zone.text);
        let (_, mut sets) = Parser::new(text, None, Some(origin.clone())).parse().map_err(|e| fault(e.to_string()))?;

        for record in &zone.records {
            let key = RrKey::new(LowerName::new(&record.name), record.record_type());
            match sets.get_mut(&key) {
                Some(set) => drop(set.add_rdata(record.data.clone())),
                None => drop(sets.insert(key, RecordSet::from(record.clone()))),
            }
        }

        let apex = LowerName::new(&origin);
        let mut nodes: HashMap<LowerName, BTreeMap<RecordType, RecordSet>> = HashMap::new();
        for (key, set) in sets {
            if !apex.zone_of(&key.name) {
                return Err(fault(format!("{} lies outside the zone", key.name)));
            }
            nodes.entry(key.name).or_default().insert(key.record_type, set);
        }
        let top = nodes.entry(apex.clone()).or_default();
        top.entry(RecordType::NS).or_insert_with(|| {
            RecordSet::from(Record::from_rdata(origin.clone(), 3600, RData::NS(NS(server.clone()))))
        });
        let soa = top
            .entry(RecordType::SOA)
            .or_insert_with(|| {
                let soa = SOA::new(server.clone(), server, 2_026_120_501, 7200, 900, 1_209_600, 300);
                RecordSet::from(Record::from_rdata(origin, 3600, RData::SOA(soa)))
            })
            .records_without_rrsigs()
            .next()
            .cloned()
            .ok_or_else(|| fault("the SOA is empty".to_owned()))?;

        let mut zone = Self { origin: apex, soa, nodes, names: HashSet::new() };
        let owners: Vec<LowerName> = zone.nodes.keys().cloned().collect();
        for owner in owners {
            zone.admit(owner);
        }
        Ok(zone)
    }

    /// Makes a name exist, and with it every name between it and the apex. The apex of a zone below exists here too,
    /// delegated or not, so that a world needs no NS records for the zones it serves.
    pub(super) fn admit(&mut self, mut name: LowerName) {
        while self.names.insert(name.clone()) && name != self.origin {
            name = name.base_name();
        }
    }

    pub(super) fn find(&self, asked: &Name, rtype: RecordType) -> Found {
        let name = LowerName::new(asked);
        if let Some(cut) = self.cut(&name, rtype) {
            return Found::Referral(cut);
        }
        let node = if self.names.contains(&name) { self.nodes.get(&name) } else { self.wildcard(&name) };
        let Some(node) = node else {
            return if self.names.contains(&name) { Found::NoData } else { Found::NxDomain };
        };
        if rtype == RecordType::ANY {
            return Found::Data(node.values().flat_map(|set| own(set, asked)).collect());
        }
        if let Some(set) = node.get(&rtype) {
            return Found::Data(own(set, asked).collect());
        }
        let alias = node.get(&RecordType::CNAME).and_then(|set| own(set, asked).next());
        match alias {
            Some(record) => match &record.data {
                RData::CNAME(CNAME(target)) => {
                    let target = target.clone();
                    Found::Alias(Box::new(record), target)
                }
                _ => Found::NoData,
            },
            None => Found::NoData,
        }
    }

    /// The addresses that the zone holds for a name, cuts or not: glue.
    pub(super) fn glue(&self, name: &Name) -> Vec<Record> {
        let Some(node) = self.nodes.get(&LowerName::new(name)) else { return Vec::new() };
        [RecordType::A, RecordType::AAAA].iter().filter_map(|t| node.get(t)).flat_map(|set| own(set, name)).collect()
    }

    /// The SOA as it stands under a negative answer: its TTL is the time the answer may be kept (RFC 2308, section 3).
    pub(super) fn negative(&self) -> Record {
        let mut soa = self.soa.clone();
        if let RData::SOA(data) = &soa.data {
            soa.ttl = soa.ttl.min(data.minimum);
        }
        soa
    }

    /// The highest delegation on the way from the apex to the name.
    fn cut(&self, name: &LowerName, rtype: RecordType) -> Option<Vec<Record>> {
        let mut found = None;
        let mut at = name.clone();
        while at != self.origin {
            // The parent answers for the DS of a cut (RFC 4035, section 3.1.4.1).
            if !(at == *name && rtype == RecordType::DS) {
                found = self.nodes.get(&at).and_then(|node| node.get(&RecordType::NS)).or(found);
            }
            at = at.base_name();
        }
        found.map(|set| set.records_without_rrsigs().cloned().collect())
    }

    /// The source of synthesis: only the one directly below the closest name that exists (RFC 4592, section 3.3.1).
    fn wildcard(&self, name: &LowerName) -> Option<&BTreeMap<RecordType, RecordSet>> {
        let mut at = name.clone();
        while !self.names.contains(&at) {
            if at.is_root() {
                return None;
            }
            let star = at.clone().into_wildcard();
            at = at.base_name();
            if self.names.contains(&at) {
                return self.nodes.get(&star);
            }
        }
        None
    }
}

/// The records of a set under the name that was asked, in its spelling.
fn own<'a>(set: &'a RecordSet, name: &'a Name) -> impl Iterator<Item = Record> + 'a {
    set.records_without_rrsigs().map(|record| {
        let mut record = record.clone();
        record.name = name.clone();
        record
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apex(text: &str) -> Apex {
        Apex::parse(&Zone::new("example.test", text)).unwrap()
    }

    fn word(apex: &Apex, name: &str, rtype: RecordType) -> &'static str {
        match apex.find(&Name::from_ascii(format!("{name}.example.test.")).unwrap(), rtype) {
            Found::Data(_) => "data",
            Found::Alias(..) => "alias",
            Found::NoData => "nodata",
            Found::NxDomain => "nxdomain",
            Found::Referral(_) => "referral",
        }
    }

    /// Lost if it fails: a case about a wildcard would test the world's mistake instead of the tool.
    #[test]
    fn wildcards_reach_only_names_that_do_not_exist() {
        let zone = apex("* MX 10 mx\nmail A 192.0.2.1\na.deep A 192.0.2.2\n");
        assert_eq!(word(&zone, "other", RecordType::MX), "data");
        assert_eq!(word(&zone, "far.other", RecordType::MX), "data");
        assert_eq!(word(&zone, "mail", RecordType::MX), "nodata");
        assert_eq!(word(&zone, "below.mail", RecordType::MX), "nxdomain");
        assert_eq!(word(&zone, "deep", RecordType::MX), "nodata");
        assert_eq!(word(&zone, "b.deep", RecordType::MX), "nxdomain");
        assert_eq!(word(&zone, "other", RecordType::A), "nodata");
    }

    /// Lost if it fails: names below a delegation would be denied by the parent.
    #[test]
    fn cuts_refer_except_for_ds() {
        let zone = apex("child NS ns.child\nns.child A 192.0.2.3\n");
        assert_eq!(word(&zone, "mail.child", RecordType::A), "referral");
        assert_eq!(word(&zone, "child", RecordType::NS), "referral");
        assert_eq!(word(&zone, "child", RecordType::DS), "nodata");
        assert_eq!(zone.glue(&Name::from_ascii("ns.child.example.test.").unwrap()).len(), 1);
    }

    /// Lost if it fails: a mistake in a zone file would show as a missing record.
    #[test]
    fn foreign_names_and_bad_lines_are_refused() {
        assert!(Apex::parse(&Zone::new("example.test", "www.example.org. A 192.0.2.1")).is_err());
        assert!(Apex::parse(&Zone::new("example.test", "www A not-an-address")).is_err());
        assert!(Apex::parse(&Zone::new(".", "com NS ns.world.test.")).is_ok());
    }
}
