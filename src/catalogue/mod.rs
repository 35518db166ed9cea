//! What the tool knows of the world: blocklists and providers, read from config/ into types, and what their answers mean.

mod classify;
mod codes;
mod custom;
mod exim;
mod generic;
mod lists;
mod load;
mod postfix;
mod providers;
mod query;
mod receivers;

use std::collections::BTreeSet;
use std::sync::LazyLock;

pub use classify::{Answer, Hit, classify};
pub use codes::{Code, Key, KeyError};
pub use generic::{Generic, generic_name};
pub use lists::{
    Access, Confidence, Decode, DomainForm, Family, Holds, Kind, List, ListStatus, PublicResolvers, Scope, Target,
    Weight,
};
pub use load::ListError;
pub use providers::{Port25, PortPolicy, Provider, Ptr, Shape};
pub use query::{QueryNameError, is_label};
pub use receivers::{Consequence, Fact, Receiver, Rule};

/// The blocklists and providers the tool knows.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The day on which its sources were last read, `2026-11-24`.
    pub revised: String,
    /// The blocklists, in the order of the file.
    pub lists: Vec<List>,
    /// The providers, in the order of the file.
    pub providers: Vec<Provider>,
    /// What the rules of receivers rest on.
    pub facts: Vec<Fact>,
    /// The receivers, in the order of the file.
    pub receivers: Vec<Receiver>,
}

/// Why a catalogue cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// No TOML, or not of this shape.
    #[error("could not read the catalogue: {0}")]
    Syntax(#[from] toml::de::Error),
    /// One list is wrong.
    #[error("could not read the list {id}: {why}")]
    List {
        /// Its id.
        id: String,
        /// What is wrong.
        why: ListError,
    },
    /// Two providers share an id or an AS number.
    #[error("could not read the provider {id}: its id or an AS number belongs to another one")]
    ProviderTwice {
        /// The id of the later one.
        id: String,
    },
    /// A rule of a receiver rests on nothing, or on a fact that is not there, or its date is none.
    #[error("could not read the rule {rule} of the receiver {receiver}: it needs facts that are there, and a date")]
    Rule {
        /// The receiver's id.
        receiver: String,
        /// The rule's id.
        rule: String,
    },
    /// A shape is no regular expression.
    #[error("could not read the shape {shape:?} of the provider {id}: {why}")]
    Shape {
        /// The provider's id.
        id: String,
        /// The shape.
        shape: String,
        /// What is wrong with it.
        why: regex_lite::Error,
    },
}

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
    let [blocklists, providers, receivers] = [
        include_str!("../../config/blocklists.toml"),
        include_str!("../../config/providers.toml"),
        include_str!("../../config/receivers.toml"),
    ];
    Catalogue::parse(blocklists, providers, receivers)
        .expect("the embedded catalogue never changes after the build, and a test reads it")
});

impl Catalogue {
    /// The catalogue in the binary, read once.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Reads the texts of a blocklists.toml, a providers.toml and a receivers.toml.
    ///
    /// # Errors
    /// [`CatalogueError`] names the list, provider or receiver and what is wrong with it.
    pub fn parse(blocklists: &str, providers: &str, receivers: &str) -> Result<Self, CatalogueError> {
        // Reading the catalogue is half of the tool's start-up; two files, two threads.
        std::thread::scope(|threads| {
            let providers = threads.spawn(|| toml::from_str::<providers::File>(providers)?.providers());
            let lists: load::File = toml::from_str(blocklists)?;
            let revised = lists.revised.to_string();
            let lists = lists.lists()?;
            let (facts, receivers) = toml::from_str::<receivers::File>(receivers)?.read()?;
            let providers = providers.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(Self { revised, lists, providers, facts, receivers })
        })
    }

    /// The list with this id, zone or alias, in any case, with or without a trailing dot; a zone with a key in it
    /// (`KEY.zen.dq.spamhaus.net`) is found too.
    pub fn list(&self, name: &str) -> Option<&List> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        self.lists.iter().find(|list| list.is_called(&name))
    }

    /// The names of all sets.
    pub fn sets(&self) -> BTreeSet<&str> {
        self.lists.iter().flat_map(|list| &list.sets).map(String::as_str).collect()
    }

    /// The lists of a set, in the order of the file.
    pub fn in_set<'a>(&'a self, set: &'a str) -> impl Iterator<Item = &'a List> {
        self.lists.iter().filter(move |list| list.sets.iter().any(|own| own == set))
    }

    /// The id, zone or set that looks most like `name`, if one is near enough to be meant.
    pub fn suggest(&self, name: &str) -> Option<&str> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let ids = self.lists.iter().map(|list| list.id.as_str());
        let zones = self.lists.iter().filter_map(|list| list.zone.as_ref()).map(crate::model::DomainName::as_str);
        ids.chain(zones)
            .chain(self.sets())
            .map(|known| (strsim::jaro_winkler(&name, known), known))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| known)
    }

    /// The provider with this id.
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// The provider that announces addresses from this autonomous system.
    pub fn by_asn(&self, asn: u32) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.asns.contains(&asn))
    }
}

#[cfg(test)]
mod tests;
