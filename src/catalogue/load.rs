//! The text of config/blocklists.toml, read and checked: a list that comes out of here can be asked and understood.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use serde::Deserialize;

use super::CatalogueError;
use super::codes::{Code, Key, KeyError, Table};
use super::lists::{
    Access, Confidence, Decode, DomainForm, Family, Kind, List, ListStatus, PublicResolvers, Scope, Target, TestPoints,
    Unexplained, Weight,
};
use crate::model::{DomainName, NameError, Value};

/// What is wrong with one list of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not kebab-case.
    #[error("the id is not kebab-case")]
    Id,
    /// Another list has this id, zone or alias.
    #[error("{0:?} belongs to another list already")]
    Twice(String),
    /// A zone is not a domain name.
    #[error("the zone {0:?} is not a domain name: {1}")]
    Zone(String, NameError),
    /// A zone for keys without a place for the key.
    #[error("the zone {0:?} does not begin with \"{{key}}.\"")]
    KeyZone(String),
    /// Neither a zone nor a zone for keys, or one too many for its access.
    #[error("a list in DNS has a zone or a key_zone, any other has none that is asked")]
    NoZone,
    /// A code cannot be read.
    #[error(transparent)]
    Code(#[from] KeyError),
    /// A code does not fit the way the list encodes its answers.
    #[error("the code {0} does not fit decode")]
    Decode(Key),
    /// A test point cannot be read, or is of another family.
    #[error("{point:?} is no test point of the family {}", family.word())]
    TestPoint {
        /// As written.
        point: String,
        /// Where it stands.
        family: Family,
    },
    /// A family without test points that is not said to be untested either.
    #[error("the family {} has no listed and unlisted test point, and is not in untested", .0.word())]
    Untested(Family),
    /// Dead without date and reason, or these without being dead, or dead and in use.
    #[error(
        "a dead list has since or seen_dead, a reason, no sets and is not required; any other has no date or reason"
    )]
    Dead,
    /// Replaced by a list that does not exist.
    #[error("replaced_by names no list: {0:?}")]
    Replacement(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) revised: NaiveDate,
    list: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Alive,
    Dead,
    Unknown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    en: String,
    ja: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    en: String,
    ja: Option<String>,
    weight: Option<Weight>,
    #[serde(default)]
    policy: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    listed: Option<String>,
    unlisted: Option<String>,
    #[serde(default)]
    answers: Vec<std::net::Ipv4Addr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    #[serde(default)]
    operator: String,
    zone: Option<String>,
    zone_ipv6: Option<String>,
    key_zone: Option<String>,
    key: Option<String>,
    #[serde(default)]
    needs_key: bool,
    #[serde(default)]
    registration: bool,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    families: Vec<Family>,
    #[serde(default)]
    families_unverified: Vec<Family>,
    #[serde(default)]
    access: Access,
    #[serde(default)]
    ask: DomainForm,
    kind: Kind,
    weight: Weight,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    sets: Vec<String>,
    status: State,
    since: Option<String>,
    seen_dead: Option<String>,
    reason: Option<Phrase>,
    replaced_by: Option<String>,
    #[serde(default)]
    decode: Decode,
    #[serde(default)]
    scope: Scope,
    pace: Option<u32>,
    #[serde(default)]
    public_resolvers: PublicResolvers,
    free_limit: Option<String>,
    lookup_url: Option<String>,
    delist_url: Option<String>,
    expires: Option<Phrase>,
    note: Option<Phrase>,
    source: Vec<String>,
    checked: NaiveDate,
    confidence: Confidence,
    #[serde(default)]
    undocumented: Unexplained,
    #[serde(default)]
    untested: Vec<Family>,
    #[serde(default)]
    test: BTreeMap<Family, Test>,
    #[serde(default)]
    codes: BTreeMap<String, Meaning>,
    #[serde(default)]
    not_listing: BTreeMap<String, Meaning>,
    #[serde(default)]
    errors: BTreeMap<String, Meaning>,
}

impl Phrase {
    /// As a value; English where there is no Japanese.
    pub(super) fn value(self) -> Value {
        both(self.en, self.ja)
    }
}

fn both(en: String, ja: Option<String>) -> Value {
    match ja {
        Some(ja) => Value::Both { en, ja },
        None => Value::Plain(en),
    }
}

impl File {
    /// Every list, checked by itself and against the others.
    pub(super) fn lists(self) -> Result<Vec<List>, CatalogueError> {
        let mut taken = HashSet::new();
        let mut lists: Vec<List> = Vec::with_capacity(self.list.len());
        for entry in self.list {
            let id = entry.id.clone();
            let list = entry.read().and_then(|list| {
                let names = [Some(&list.id), list.key_zone.as_ref()].into_iter().flatten().map(String::as_str);
                let zones = [&list.zone, &list.zone_ipv6].into_iter().flatten().map(DomainName::as_str);
                for name in names.chain(zones).chain(list.aliases.iter().map(String::as_str)) {
                    if !taken.insert(name.to_owned()) {
                        return Err(ListError::Twice(name.to_owned()));
                    }
                }
                Ok(list)
            });
            lists.push(list.map_err(|why| CatalogueError::List { id, why })?);
        }
        for list in &lists {
            if let ListStatus::Dead { replaced_by: Some(other), .. } = &list.status
                && !lists.iter().any(|list| list.id == *other)
            {
                return Err(CatalogueError::List { id: list.id.clone(), why: ListError::Replacement(other.clone()) });
            }
        }
        Ok(lists)
    }
}

impl Entry {
    fn read(mut self) -> Result<List, ListError> {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.id.is_empty() || !self.id.bytes().all(kebab) {
            return Err(ListError::Id);
        }
        let zone = self.zone.take().map(parse_zone).transpose()?;
        let zone_ipv6 = self.zone_ipv6.take().map(parse_zone).transpose()?;
        if let Some(zone) = &self.key_zone {
            let below = zone.strip_prefix("{key}.").ok_or_else(|| ListError::KeyZone(zone.clone()))?;
            parse_zone(below.to_owned())?;
        }
        if self.access == Access::Dns && zone.is_none() && self.key_zone.is_none() {
            return Err(ListError::NoZone);
        }
        let tests = self.tests()?;
        let status = self.status()?;
        let (weight, decode) = (self.weight, self.decode);
        let table = |lines| table(lines, weight, decode);
        Ok(List {
            zone,
            zone_ipv6,
            tests,
            status,
            codes: table(self.codes)?,
            not_listing: table(self.not_listing)?,
            errors: table(self.errors)?,
            unexplained: self.undocumented,
            id: self.id,
            name: self.name,
            operator: self.operator,
            key_zone: self.key_zone,
            key: self.key,
            needs_key: self.needs_key,
            needs_registration: self.registration,
            aliases: self.aliases,
            families: self.families,
            families_unverified: self.families_unverified,
            access: self.access,
            domain_form: self.ask,
            kind: self.kind,
            weight,
            required: self.required,
            sets: self.sets,
            decode,
            scope: self.scope,
            pace: self.pace,
            public_resolvers: self.public_resolvers,
            free_limit: self.free_limit,
            lookup_url: self.lookup_url,
            delist_url: self.delist_url,
            expires: self.expires.map(Phrase::value),
            note: self.note.map(Phrase::value),
            source: self.source,
            checked: Some(self.checked),
            confidence: self.confidence,
        })
    }

    fn tests(&mut self) -> Result<Vec<TestPoints>, ListError> {
        let mut tests = Vec::with_capacity(self.test.len());
        for (family, test) in std::mem::take(&mut self.test) {
            let point = |text: Option<String>| text.map(|text| parse_point(text, family)).transpose();
            let (listed, unlisted) = (point(test.listed)?, point(test.unlisted)?);
            tests.push(TestPoints { family, listed, unlisted, answers: test.answers });
        }
        let complete = |family: &Family| {
            tests.iter().any(|test| test.family == *family && test.listed.is_some() && test.unlisted.is_some())
        };
        let asked = self.access == Access::Dns && matches!(self.status, State::Alive);
        let missing = self.families.iter().find(|family| !complete(family) && !self.untested.contains(family));
        match missing {
            Some(family) if asked => Err(ListError::Untested(*family)),
            _ => Ok(tests),
        }
    }

    fn status(&mut self) -> Result<ListStatus, ListError> {
        let since = match (self.since.take(), self.seen_dead.take()) {
            (Some(since), None) => Some(Value::Plain(since)),
            (None, Some(seen)) => Some(Value::Both { en: format!("{seen} or earlier"), ja: format!("{seen} 以前") }),
            (None, None) => None,
            (Some(_), Some(_)) => return Err(ListError::Dead),
        };
        let idle = self.sets.is_empty() && !self.required;
        match (&self.status, since, self.reason.take().map(Phrase::value)) {
            (State::Dead, Some(since), Some(reason)) if idle => {
                Ok(ListStatus::Dead { since, reason, replaced_by: self.replaced_by.take() })
            }
            (State::Alive, None, None) => Ok(ListStatus::Alive),
            (State::Unknown, None, None) => Ok(ListStatus::Unknown),
            _ => Err(ListError::Dead),
        }
    }
}

fn parse_zone(text: String) -> Result<DomainName, ListError> {
    DomainName::parse(&text).map_err(|why| ListError::Zone(text, why))
}

fn parse_point(text: String, family: Family) -> Result<Target, ListError> {
    let target = match family {
        Family::Domain => DomainName::parse(&text).ok().map(Target::Domain),
        Family::Ipv4 | Family::Ipv6 => text.parse().ok().map(Target::Ip),
    };
    target.filter(|target| target.family() == family).ok_or(ListError::TestPoint { point: text, family })
}

fn table(lines: BTreeMap<String, Meaning>, weight: Weight, decode: Decode) -> Result<Table, ListError> {
    let mut table = Vec::with_capacity(lines.len());
    for (key, meaning) in lines {
        let key = Key::parse(&key)?;
        let fits = match key {
            Key::Range(..) => true,
            Key::Octets(_) => decode == Decode::Pattern,
            Key::Bit(_) => decode == Decode::Bitmask,
            Key::Txt => decode == Decode::Txt,
        };
        if !fits {
            return Err(ListError::Decode(key));
        }
        let weight = meaning.weight.unwrap_or(weight);
        table.push(Code::new(key, both(meaning.en, meaning.ja), weight).policy(meaning.policy));
    }
    Ok(Table::new(table))
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    const GOOD: &str = r#"
        id = "a"
        name = "A"
        zone = "a.example"
        families = ["ipv4"]
        kind = "block"
        weight = "warn"
        status = "alive"
        test.ipv4 = { listed = "127.0.0.2", unlisted = "127.0.0.1" }
        source = []
        checked = "2026-11-24"
        confidence = "low"
    "#;

    fn read(list: &str) -> Result<Catalogue, CatalogueError> {
        Catalogue::parse(
            &format!("revised = \"2026-11-24\"\n[[list]]\n{list}"),
            "provider = []",
            "fact = []\nreceiver = []",
        )
    }

    /// Lost if it fails: a slip in the file would become a list that looks clean for ever.
    #[test]
    fn slips_are_refused() {
        assert!(read(GOOD).is_ok());
        let twice = format!("{GOOD}\n[[list]]\n{}", GOOD.replace("\"a\"", "\"b\""));
        let (alive, test) = ("status = \"alive\"", "test.ipv4 = { listed");
        for (list, why) in [
            (GOOD.replace("\"a\"", "\"A b\""), ListError::Id),
            (twice, ListError::Twice("a.example".into())),
            (GOOD.replace("a.example", "a b"), ListError::Zone("a b".into(), NameError::Character(' '))),
            (GOOD.replace("zone", "key_zone"), ListError::KeyZone("a.example".into())),
            (GOOD.replace("zone = \"a.example\"", ""), ListError::NoZone),
            (format!("{GOOD}codes = {{ \"127.0.0\" = {{ en = \"x\" }} }}"), KeyError("127.0.0".into()).into()),
            (format!("{GOOD}codes = {{ \"bit:2\" = {{ en = \"x\" }} }}"), ListError::Decode(Key::Bit(2))),
            (GOOD.replace(test, "test.ipv4 = { answers = [] }\n#"), ListError::Untested(Family::Ipv4)),
            (GOOD.replace("\"ipv4\"", "\"ipv4\", \"ipv6\""), ListError::Untested(Family::Ipv6)),
            (GOOD.replace("127.0.0.2", "::1"), ListError::TestPoint { point: "::1".into(), family: Family::Ipv4 }),
            (GOOD.replace(alive, "status = \"dead\""), ListError::Dead),
            (GOOD.replace(alive, "status = \"dead\"\nsince = \"2020\""), ListError::Dead),
            (GOOD.replace(alive, "status = \"alive\"\nsince = \"2020\""), ListError::Dead),
            (
                GOOD.replace(
                    alive,
                    "status = \"dead\"\nsince = \"2020\"\nreason = { en = \"x\" }\nreplaced_by = \"z\"",
                ),
                ListError::Replacement("z".into()),
            ),
        ] {
            match read(&list) {
                Err(CatalogueError::List { why: found, .. }) => assert_eq!(found, why, "{list}"),
                other => panic!("{why}: {:?}", other.map(|_| ())),
            }
        }
        let misspelt = format!("{GOOD}requierd = true");
        assert!(matches!(read(&misspelt), Err(CatalogueError::Syntax(_))));
    }
}
