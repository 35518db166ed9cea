//! A world as a file: zones, what differs from the worlds it builds on, blocklists and faults, in TOML.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::fault::{Fault, FaultRule};
use super::lists::{BlocklistTable, ListError, Listings};
use super::mail::MailScript;
use super::world::Setup;
use super::zone::Zone;

/// What a file of a world may say. Zone texts are RFC 1035 master files with names relative to the zone's origin.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorldFile {
    /// One sentence.
    pub about: String,
    /// Files that this one builds on, by their names without folder and extension, in order.
    pub base: Vec<String>,
    /// Zones; one with the origin of a base's zone replaces it.
    pub zones: BTreeMap<String, String>,
    /// By origin: owners whose records are taken out of a base's zone. Done before `add`.
    pub remove: BTreeMap<String, Vec<String>>,
    /// By origin: lines put at the end of a base's zone.
    pub add: BTreeMap<String, String>,
    /// If present, the blocklists of config/demo/lists.toml are served, with this in them.
    pub lists: Option<Listings>,
    /// Faults; a file's own stand before its bases'.
    pub fault: Vec<FaultLine>,
    /// Mail servers by address and port; one of a base at the same place is replaced.
    pub mail: BTreeMap<String, MailScript>,
    /// Names whose answers carry AD for an asker that wants it.
    pub authenticated_below: Vec<String>,
}

/// A fault as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultLine {
    /// Names at or below this one.
    pub below: String,
    /// Only this type of record.
    pub r#type: Option<String>,
    /// Only with this CD bit.
    pub when_cd: Option<bool>,
    /// Only with this RD bit.
    pub when_rd: Option<bool>,
    /// What happens: `drop`, `servfail`, `refused`, `formerr`, `no-edns`, `truncate`, `truncate-always`, `delay MILLISECONDS`,
    /// `garbage`, `wrong-id`, `wrong-question`, `other-source`, `alias-loop`, `huge`, `drip MILLISECONDS`, `ttl SECONDS`,
    /// `nx-rewrite ADDRESS`, `always ADDRESS`, `lame`, `nxdomain`.
    pub r#do: String,
}

/// Why a file is no world.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not TOML, or not these keys.
    #[error("could not read the world: {0}")]
    Toml(#[from] toml::de::Error),
    /// A base that is not there.
    #[error("could not find the base {0:?}")]
    Base(String),
    /// An edit of a zone that no base has.
    #[error("could not change the zone {0:?}: no base has it")]
    NoZone(String),
    /// A removal that removes nothing.
    #[error("could not remove {owner:?} from the zone {origin:?}: no record begins with it")]
    NoOwner {
        /// The zone.
        origin: String,
        /// The name that was to go.
        owner: String,
    },
    /// A fault that is none.
    #[error("could not understand the fault {0:?}")]
    Fault(String),
    /// A place of a mail server that is none.
    #[error("could not place the mail server {0:?}: it is not an address with a port")]
    Mail(String),
    /// A list that is none.
    #[error(transparent)]
    List(#[from] ListError),
}

impl WorldFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Text that is not TOML or has other keys.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        Ok(toml::from_str(text)?)
    }

    /// The setup: bases first (`load` finds them by name), then this file's changes.
    ///
    /// # Errors
    /// A base, zone, owner, list or fault that is not there.
    pub fn setup(&self, table: &BlocklistTable, load: &dyn Fn(&str) -> Option<String>) -> Result<Setup, FileError> {
        let mut setup = Setup::default();
        for base in &self.base {
            let text = load(base).ok_or_else(|| FileError::Base(base.clone()))?;
            let below = Self::parse(&text)?.setup(table, load)?;
            for zone in below.zones {
                put(&mut setup.zones, zone);
            }
            setup.faults.extend(below.faults);
            setup.mail.extend(below.mail);
            setup.authenticated_below.extend(below.authenticated_below);
        }
        let mut faults = self.fault.iter().map(FaultLine::read).collect::<Result<Vec<_>, _>>()?;
        if let Some(listings) = &self.lists {
            let (zones, broken) = table.serve(listings)?;
            for zone in zones {
                put(&mut setup.zones, zone);
            }
            faults.extend(broken);
        }
        for (origin, text) in &self.zones {
            put(&mut setup.zones, Zone::new(origin, text));
        }
        for (origin, owners) in &self.remove {
            let zone = within(&mut setup.zones, origin)?;
            for owner in owners {
                zone.text = without(&zone.text, owner)
                    .ok_or_else(|| FileError::NoOwner { origin: origin.clone(), owner: owner.clone() })?;
            }
        }
        for (origin, lines) in &self.add {
            let zone = within(&mut setup.zones, origin)?;
            zone.text = format!("{}\n{lines}", zone.text);
        }
        for (place, script) in &self.mail {
            let place = place.parse().map_err(|_| FileError::Mail(place.clone()))?;
            setup.mail.insert(place, script.clone());
        }
        faults.extend(setup.faults);
        setup.faults = faults;
        setup.authenticated_below.extend(self.authenticated_below.iter().cloned());
        Ok(setup)
    }
}

impl FaultLine {
    fn read(&self) -> Result<FaultRule, FileError> {
        let wrong = || FileError::Fault(self.r#do.clone());
        let (word, value) = self.r#do.split_once(' ').unwrap_or((&self.r#do, ""));
        let fault = match (word, value) {
            ("drop", "") => Fault::Drop,
            ("servfail", "") => Fault::ServFail,
            ("refused", "") => Fault::Refused,
            ("formerr", "") => Fault::FormErr,
            ("no-edns", "") => Fault::NoEdns,
            ("truncate", "") => Fault::Truncate,
            ("truncate-always", "") => Fault::TruncateAlways,
            ("garbage", "") => Fault::Garbage,
            ("wrong-id", "") => Fault::WrongId,
            ("wrong-question", "") => Fault::WrongQuestion,
            ("other-source", "") => Fault::OtherSource,
            ("alias-loop", "") => Fault::AliasLoop,
            ("huge", "") => Fault::Huge,
            ("lame", "") => Fault::Lame,
            ("nxdomain", "") => Fault::NxDomain,
            ("delay", millis) => Fault::Delay(Duration::from_millis(millis.parse().map_err(|_| wrong())?)),
            ("drip", millis) => Fault::Drip(Duration::from_millis(millis.parse().map_err(|_| wrong())?)),
            ("ttl", seconds) => Fault::Ttl(seconds.parse().map_err(|_| wrong())?),
            ("nx-rewrite", ip) => Fault::NxRewrite(ip.parse().map_err(|_| wrong())?),
            ("always", ip) => Fault::Always(ip.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        let rtype = match &self.r#type {
            Some(text) => Some(text.parse().map_err(|_| FileError::Fault(text.clone()))?),
            None => None,
        };
        let Self { below, when_cd, when_rd, .. } = self;
        Ok(FaultRule { below: below.clone(), exact: false, rtype, when_cd: *when_cd, when_rd: *when_rd, fault })
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
}

fn put(zones: &mut Vec<Zone>, zone: Zone) {
    zones.retain(|old| !same(&old.origin, &zone.origin));
    zones.push(zone);
}

fn within<'a>(zones: &'a mut [Zone], origin: &str) -> Result<&'a mut Zone, FileError> {
    zones.iter_mut().find(|zone| same(&zone.origin, origin)).ok_or_else(|| FileError::NoZone(origin.to_owned()))
}

/// The text without the records of an owner: the lines that begin with it, and the indented ones that continue them.
fn without(text: &str, owner: &str) -> Option<String> {
    let mut kept = String::new();
    let (mut dropping, mut dropped) = (false, false);
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) && !line.trim().is_empty() {
            dropping = line.split_whitespace().next() == Some(owner);
            dropped |= dropping;
        }
        if !dropping {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    dropped.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "[zones]\n\"a.test\" = \"\"\"\n@ MX 10 mail\nmail A 192.0.2.1\n     A 192.0.2.2\nmail2 A 192.0.2.3\n\"\"\"\n\"b.test\" = \"@ A 192.0.2.9\"\n";

    fn setup(text: &str) -> Result<Setup, FileError> {
        let table = BlocklistTable { list: Vec::new() };
        WorldFile::parse(text)?.setup(&table, &|name| (name == "base").then(|| BASE.to_owned()))
    }

    fn text<'a>(setup: &'a Setup, origin: &str) -> &'a str {
        &setup.zones.iter().find(|zone| zone.origin == origin).unwrap().text
    }

    /// Lost if it fails: a case would run in its base's world and show nothing of what it is about.
    #[test]
    fn a_file_says_only_what_differs() {
        let setup = setup(
            "base = [\"base\"]\n[zones]\n\"b.test\" = \"@ A 192.0.2.10\"\n[add]\n\"a.test\" = \"mail A 192.0.2.4\"\n\
             [remove]\n\"a.test\" = [\"mail\"]\n[[fault]]\nbelow = \"b.test\"\ntype = \"A\"\ndo = \"delay 20\"\n",
        )
        .unwrap();
        assert_eq!(text(&setup, "b.test"), "@ A 192.0.2.10");
        assert_eq!(text(&setup, "a.test").trim(), "@ MX 10 mail\nmail2 A 192.0.2.3\n\nmail A 192.0.2.4");
        let rule = FaultRule::new("b.test", Fault::Delay(Duration::from_millis(20)));
        assert_eq!(setup.faults, [rule.rtype(hickory_proto::rr::RecordType::A)]);
    }

    /// Lost if it fails: a misspelt owner, zone, base, fault or key would silently test the base.
    #[test]
    fn what_is_not_there_is_refused() {
        for text in [
            "base = [\"bass\"]",
            "base = [\"base\"]\n[remove]\n\"a.test\" = [\"male\"]",
            "base = [\"base\"]\n[remove]\n\"c.test\" = [\"mail\"]",
            "base = [\"base\"]\n[add]\n\"c.test\" = \"mail A 192.0.2.1\"",
            "[[fault]]\nbelow = \".\"\ndo = \"explode\"",
            "[[fault]]\nbelow = \".\"\ndo = \"drop now\"",
            "zonez = 1",
        ] {
            assert!(setup(text).is_err(), "{text}");
        }
    }
}
