//! Lists as a plan wants them: its own ones, and known ones with another weight.

use std::net::{IpAddr, Ipv4Addr};

use super::codes::{Code, Key, Table};
use super::lists::{
    Access, Confidence, Decode, DomainForm, Family, Kind, List, ListStatus, PublicResolvers, Scope, Target, TestPoints,
    Unexplained, Weight,
};
use crate::model::{DomainName, Value};

impl List {
    /// A list that only a plan knows, by the rules of RFC 5782: test points 127.0.0.2 and 127.0.0.1 (section 5), as mapped
    /// addresses for IPv6, `test` and `invalid` for domains; every answer in 127.0.0.0/8 is a listing, except 127.0.0.1 and
    /// 127.255.255.0/24.
    pub fn custom(id: impl Into<String>, zone: DomainName, families: &[Family], weight: Weight) -> Self {
        let listed = |first, last| {
            Code::new(Key::Range(first, last), Value::Both { en: "listed".into(), ja: "登録あり".into() }, weight)
        };
        let zero = Ipv4Addr::new(127, 0, 0, 0);
        let codes = vec![listed(zero, zero), listed(Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 255, 254, 255))];
        Self {
            id: id.into(),
            name: zone.to_string(),
            operator: String::new(),
            zone: Some(zone),
            zone_ipv6: None,
            key_zone: None,
            key: None,
            needs_key: false,
            needs_registration: false,
            aliases: Vec::new(),
            families: families.to_vec(),
            families_unverified: Vec::new(),
            access: Access::Dns,
            domain_form: DomainForm::Host,
            kind: Kind::Block,
            weight,
            required: false,
            sets: Vec::new(),
            status: ListStatus::Alive,
            decode: Decode::Exact,
            codes: Table::new(codes),
            not_listing: Table::default(),
            errors: Table::default(),
            unexplained: Unexplained::Unknown,
            tests: families.iter().map(|family| TestPoints::standard(*family)).collect(),
            scope: Scope::Address,
            pace: None,
            public_resolvers: PublicResolvers::Unknown,
            free_limit: None,
            lookup_url: None,
            delist_url: None,
            expires: None,
            note: None,
            source: Vec::new(),
            checked: None,
            confidence: Confidence::Low,
        }
    }

    /// The same list asked at `zone`, another one of its own, and without a key: what a mail server asks that has this zone in its
    /// configuration. It then holds what this zone holds.
    #[must_use]
    pub fn at(mut self, zone: DomainName) -> Self {
        match &self.zone_ipv6 {
            Some(own) if *own == zone => self.families = vec![Family::Ipv6],
            Some(_) => self.families.retain(|family| *family != Family::Ipv6),
            None => {}
        }
        (self.zone, self.zone_ipv6, self.key_zone, self.needs_key) = (Some(zone), None, None, false);
        self
    }

    /// The same list with another weight. Codes that weighed as the list did take the new weight; others keep theirs, unless
    /// it is heavier than the new one.
    #[must_use]
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.codes.reweigh(|own| if own == self.weight { weight } else { own.min(weight) });
        self.weight = weight;
        self
    }
}

impl TestPoints {
    /// The test points of RFC 5782, section 5.
    fn standard(family: Family) -> Self {
        let ip = |last| {
            let v4 = Ipv4Addr::new(127, 0, 0, last);
            if family == Family::Ipv6 { IpAddr::V6(v4.to_ipv6_mapped()) } else { IpAddr::V4(v4) }
        };
        let name = |text| DomainName::parse(text).ok().map(Target::Domain);
        let (listed, unlisted) = match family {
            Family::Ipv4 | Family::Ipv6 => (Some(Target::Ip(ip(2))), Some(Target::Ip(ip(1)))),
            Family::Domain => (name("test"), name("invalid")),
        };
        Self { family, listed, unlisted, answers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    /// Lost if it fails: the new server's own zone would be judged by the answers of another one, or with somebody's key.
    #[test]
    fn a_list_can_be_asked_at_another_zone() {
        let at = |id, zone| Catalogue::embedded().list(id).unwrap().clone().at(DomainName::parse(zone).unwrap());
        let four = Target::Ip([127, 0, 0, 2].into());
        let zen = at("spamhaus-zen", "sbl.spamhaus.org");
        assert_eq!(zen.query_name(&four, Some("secret")).unwrap(), "2.0.0.127.sbl.spamhaus.org.");
        assert_eq!(at("sem-black", "bl.ipv6.spameatingmonkey.net").families, [Family::Ipv6]);
        assert_eq!(at("sem-black", "bl.spameatingmonkey.net").families, [Family::Ipv4]);
    }

    /// Lost if it fails: `weight = "info"` in a plan would leave blockers, or `"block"` would make blockers of click trackers.
    #[test]
    fn a_plan_can_reweigh_a_list() {
        let weights = |weight| -> Vec<Weight> {
            let list = Catalogue::embedded().list("surbl").unwrap().clone().weighing(weight);
            assert_eq!(list.weight, weight);
            let bits =
                [4, 8, 128].map(|bit| list.codes().iter().find(|code| code.key() == Key::Bit(bit)).unwrap().weight);
            bits.to_vec()
        };
        assert_eq!(weights(Weight::Block), [Weight::Info, Weight::Block, Weight::Warn]);
        assert_eq!(weights(Weight::Warn), [Weight::Info, Weight::Warn, Weight::Warn]);
        assert_eq!(weights(Weight::Info), [Weight::Info; 3]);
    }
}
