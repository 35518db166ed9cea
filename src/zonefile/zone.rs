//! One zone in memory, asked by the rules of RFC 1034, section 4.3.2, and RFC 4592.

use std::collections::{BTreeMap, HashMap, HashSet};

use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use super::{Entry, Fault};

/// A zone that can be asked.
#[derive(Clone, Debug)]
pub struct Zone {
    origin: LowerName,
    nodes: HashMap<LowerName, BTreeMap<RecordType, Vec<Record>>>,
    /// Every name that exists, empty non-terminals too (RFC 8020).
    names: HashSet<LowerName>,
}

/// What a zone says to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
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

impl Zone {
    /// The zone at `origin` from its entries.
    ///
    /// # Errors
    /// The [`Fault`] at an entry whose owner is not in the zone.
    pub fn new(origin: &Name, entries: impl IntoIterator<Item = Entry>) -> Result<Self, Fault> {
        let origin = LowerName::new(origin);
        let mut zone = Self { nodes: HashMap::new(), names: HashSet::from([origin.clone()]), origin };
        for entry in entries {
            let owner = LowerName::new(&entry.owner);
            if !zone.origin.zone_of(&owner) {
                let says = format!("{owner} lies outside the zone {}: take the line out", zone.origin);
                return Err(Fault { place: entry.place, says });
            }
            zone.admit(owner.clone());
            zone.nodes.entry(owner).or_default();
            entry.record.into_iter().for_each(|record| zone.insert(record));
        }
        Ok(zone)
    }

    /// The name of its apex.
    pub fn origin(&self) -> &LowerName {
        &self.origin
    }

    /// Adds a record that lies in the zone; one that is there already stays alone. The first of a set tells the TTL of all, as
    /// name servers have it (RFC 2181, section 5.2).
    pub fn insert(&mut self, mut record: Record) {
        let owner = LowerName::new(&record.name);
        self.admit(owner.clone());
        let set = self.nodes.entry(owner).or_default().entry(record.record_type()).or_default();
        if let Some(first) = set.first() {
            record.ttl = first.ttl;
        }
        if !set.iter().any(|known| known.data == record.data) {
            set.push(record);
        }
    }

    /// Makes a name in the zone exist, and with it every name between it and the apex.
    pub fn admit(&mut self, mut name: LowerName) {
        while self.names.insert(name.clone()) && name != self.origin {
            name = name.base_name();
        }
    }

    /// The records of `rtype` at the apex.
    pub fn at_apex(&self, rtype: RecordType) -> &[Record] {
        self.nodes.get(&self.origin).and_then(|node| node.get(&rtype)).map_or(&[], Vec::as_slice)
    }

    /// Every set of records: owner, type, records; in the order of the names.
    pub fn sets(&self) -> Vec<(&LowerName, RecordType, &[Record])> {
        let sets = |(owner, node)| {
            let node: &BTreeMap<RecordType, Vec<Record>> = node;
            node.iter().map(move |(rtype, records)| (owner, *rtype, records.as_slice()))
        };
        let mut all: Vec<_> = self.nodes.iter().flat_map(sets).collect();
        all.sort_by(|(one, a, _), (other, b, _)| one.cmp(other).then(a.cmp(b)));
        all
    }

    /// What the zone's server says to the question for `asked`, which lies in the zone.
    pub fn find(&self, asked: &Name, rtype: RecordType) -> Found {
        let name = LowerName::new(asked);
        if let Some(cut) = self.cut(&name, rtype) {
            return Found::Referral(cut);
        }
        let exists = self.names.contains(&name);
        let node = if exists { self.nodes.get(&name) } else { self.wildcard(&name) };
        let Some(node) = node else {
            return if exists { Found::NoData } else { Found::NxDomain };
        };
        if rtype == RecordType::ANY {
            return Found::Data(node.values().flat_map(|set| own(set, asked)).collect());
        }
        if let Some(set) = node.get(&rtype) {
            return Found::Data(own(set, asked).collect());
        }
        let alias = node.get(&RecordType::CNAME).and_then(|set| own(set, asked).next());
        match alias.map(|record| (record.data.clone(), record)) {
            Some((RData::CNAME(target), record)) => Found::Alias(Box::new(record), target.0),
            _ => Found::NoData,
        }
    }

    /// The addresses that the zone holds for a name, cuts or not: glue.
    pub fn glue(&self, name: &Name) -> Vec<Record> {
        let Some(node) = self.nodes.get(&LowerName::new(name)) else { return Vec::new() };
        [RecordType::A, RecordType::AAAA].iter().filter_map(|t| node.get(t)).flat_map(|set| own(set, name)).collect()
    }

    /// The SOA as it stands under a negative answer: its TTL is the time the answer may be kept (RFC 2308, section 3).
    pub fn negative(&self) -> Option<Record> {
        let mut soa = self.at_apex(RecordType::SOA).first()?.clone();
        if let RData::SOA(data) = &soa.data {
            soa.ttl = soa.ttl.min(data.minimum);
        }
        Some(soa)
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
        found.cloned()
    }

    /// The source of synthesis: only the one directly below the closest name that exists (RFC 4592, section 3.3.1).
    fn wildcard(&self, name: &LowerName) -> Option<&BTreeMap<RecordType, Vec<Record>>> {
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
fn own<'a>(set: &'a [Record], name: &'a Name) -> impl Iterator<Item = Record> + 'a {
    set.iter().map(|record| {
        let mut record = record.clone();
        record.name = name.clone();
        record
    })
}
