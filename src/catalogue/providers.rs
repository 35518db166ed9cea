//! Where servers stand: what a provider does to port 25, how it sets reverse DNS, how its default names look.

use regex_lite::Regex;
use serde::Deserialize;

use super::CatalogueError;
use super::load::Phrase;
use crate::model::{DomainName, Value};

/// A provider of addresses.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Kebab-case, unique, permanent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The autonomous systems from which its addresses are announced.
    pub asns: Vec<u32>,
    /// Whether mail gets out.
    pub port25: Port25,
    /// How reverse DNS is set.
    pub ptr: Ptr,
    /// The shapes of its default reverse names.
    pub generic: Vec<Shape>,
}

/// What a provider does to connections to port 25 of other networks.
#[derive(Clone, Debug)]
pub struct Port25 {
    /// In one word.
    pub policy: PortPolicy,
    /// In a sentence.
    pub text: Value,
    /// How to have it lifted, where that is known.
    pub lifted: Option<Value>,
    /// Where it says so.
    pub url: Option<String>,
}

/// What a provider does to connections to port 25, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortPolicy {
    /// Let through.
    Open,
    /// Stopped until the provider or a setting lifts it.
    Blocked,
    /// Depends on the product, the contract or the volume.
    Restricted,
    /// Not known: ask.
    Unknown,
}

/// How reverse DNS is set at a provider.
#[derive(Clone, Debug)]
pub struct Ptr {
    /// In a sentence.
    pub how: Value,
    /// Where it says so.
    pub url: Option<String>,
    /// Only by asking the provider; allow days.
    pub on_request: bool,
    /// The name must lead to the address before the PTR can be set.
    pub forward_first: bool,
    /// IPv6 addresses can have one.
    pub ipv6: bool,
}

/// The shape of a default reverse name.
#[derive(Clone, Debug)]
pub struct Shape {
    regex: Regex,
    /// Names that have it.
    pub examples: Vec<String>,
}

impl Shape {
    /// Whether `name` has this shape.
    pub fn fits(&self, name: &DomainName) -> bool {
        self.regex.is_match(name.as_str())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    provider: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    #[serde(default)]
    asns: Vec<u32>,
    port25: PortEntry,
    ptr: PtrEntry,
    #[serde(default)]
    generic: Vec<ShapeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortEntry {
    policy: PortPolicy,
    text: Phrase,
    lifted: Option<Phrase>,
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PtrEntry {
    how: Phrase,
    url: Option<String>,
    #[serde(default)]
    on_request: bool,
    #[serde(default)]
    forward_first: bool,
    #[serde(default = "yes")]
    ipv6: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeEntry {
    shape: String,
    examples: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl File {
    /// Every provider; ids and AS numbers are unique.
    pub(super) fn providers(self) -> Result<Vec<Provider>, CatalogueError> {
        let mut providers: Vec<Provider> = Vec::with_capacity(self.provider.len());
        for entry in self.provider {
            let twice =
                |other: &Provider| other.id == entry.id || other.asns.iter().any(|asn| entry.asns.contains(asn));
            if providers.iter().any(twice) {
                return Err(CatalogueError::ProviderTwice { id: entry.id });
            }
            providers.push(entry.read()?);
        }
        Ok(providers)
    }
}

impl Entry {
    fn read(self) -> Result<Provider, CatalogueError> {
        let mut generic = Vec::with_capacity(self.generic.len());
        for ShapeEntry { shape, examples } in self.generic {
            let regex = Regex::new(&shape).map_err(|why| CatalogueError::Shape { id: self.id.clone(), shape, why })?;
            generic.push(Shape { regex, examples });
        }
        let PortEntry { policy, text, lifted, url } = self.port25;
        let port25 = Port25 { policy, text: text.value(), lifted: lifted.map(Phrase::value), url };
        let PtrEntry { how, url, on_request, forward_first, ipv6 } = self.ptr;
        let ptr = Ptr { how: how.value(), url, on_request, forward_first, ipv6 };
        Ok(Provider { id: self.id, name: self.name, asns: self.asns, port25, ptr, generic })
    }
}
