//! What large receivers ask of senders, by their own pages.

use chrono::NaiveDate;
use serde::Deserialize;

use super::CatalogueError;
use super::load::Phrase;
use crate::model::Value;

/// What other checks find out, under a name for the rules.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Kebab-case, unique.
    pub id: String,
    /// In words that follow "needs".
    pub text: Value,
    /// The ids of the checks that find it out.
    pub checks: Vec<String>,
    /// The tags that refute it.
    pub broken_by: Vec<String>,
    /// It is about the domain in From, whatever MAIL FROM says.
    pub of_from_domain: bool,
}

/// A receiver and its rules.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Kebab-case, unique, permanent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it asks.
    pub rules: Vec<Rule>,
}

/// One thing that a receiver asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case, unique for the receiver, permanent.
    pub id: String,
    /// Facts that must all hold.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Facts of which one must hold.
    #[serde(default)]
    pub needs_one: Vec<String>,
    /// An attestation that must be in the plan.
    pub attest: Option<String>,
    /// Only for bulk senders.
    #[serde(default)]
    pub bulk: bool,
    /// What happens to mail that fails.
    pub weight: Consequence,
    /// What it says to mail that fails.
    pub answer: String,
    /// Where the receiver says so.
    pub source: String,
    /// When somebody looked.
    pub checked: String,
}

/// What a receiver does with mail that fails a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consequence {
    /// Refuses it.
    Block,
    /// Delays it, files it as spam, or marks it.
    Warn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    fact: Vec<FactEntry>,
    receiver: Vec<ReceiverEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactEntry {
    id: String,
    text: Phrase,
    checks: Vec<String>,
    broken_by: Vec<String>,
    #[serde(default)]
    of_from_domain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiverEntry {
    id: String,
    name: String,
    rule: Vec<Rule>,
}

impl File {
    /// Facts and receivers, every rule resting on facts that are there.
    pub(super) fn read(self) -> Result<(Vec<Fact>, Vec<Receiver>), CatalogueError> {
        let fact = |entry: FactEntry| Fact {
            id: entry.id,
            text: entry.text.value(),
            checks: entry.checks,
            broken_by: entry.broken_by,
            of_from_domain: entry.of_from_domain,
        };
        let facts: Vec<Fact> = self.fact.into_iter().map(fact).collect();
        let receiver = |entry: ReceiverEntry| Receiver { id: entry.id, name: entry.name, rules: entry.rule };
        let receivers: Vec<Receiver> = self.receiver.into_iter().map(receiver).collect();
        for receiver in &receivers {
            for rule in &receiver.rules {
                let is_known = |id: &String| facts.iter().any(|fact| fact.id == *id);
                let is_empty = rule.needs.is_empty() && rule.needs_one.is_empty() && rule.attest.is_none();
                let is_date = rule.checked.parse::<NaiveDate>().is_ok();
                if is_empty || !is_date || !rule.needs.iter().chain(&rule.needs_one).all(is_known) {
                    return Err(CatalogueError::Rule { receiver: receiver.id.clone(), rule: rule.id.clone() });
                }
            }
        }
        Ok((facts, receivers))
    }
}
