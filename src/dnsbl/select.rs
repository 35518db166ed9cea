//! Which lists a run asks: the plan's choices laid over the catalogue.

use crate::catalogue::{Catalogue, Family, List, ListStatus, Weight, is_label};
use crate::model::{DomainName, REDACTED, Secrets, Value};
use crate::plan::{AddedList, Dnsbl, ListFamily, ListWeight};
use crate::probe::Pace;

/// A list that this run asks. Its debug form shows no key.
#[derive(Clone)]
pub struct Selected {
    /// The list.
    pub list: List,
    /// The weight that the plan gives it, instead of its own and of its codes'.
    pub weight: Option<Weight>,
    /// Whether silence on it holds the verdict.
    pub required: bool,
    /// The key.
    pub key: Option<String>,
    /// The environment variable that should hold the key.
    pub key_source: Option<String>,
}

impl std::fmt::Debug for Selected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.key.as_ref().map(|_| REDACTED);
        f.debug_struct("Selected").field("list", &self.list.id).field("key", &key).finish_non_exhaustive()
    }
}

impl Selected {
    /// Why it cannot be asked, if that is for its key: there is none, or one that fits into no question.
    pub fn wants_key(&self) -> Option<Value> {
        let variable = self.key_source.as_deref();
        match &self.key {
            Some(key) if self.list.key_zone().is_some() && !is_label(key) => {
                let variable = variable.unwrap_or_default();
                Some(Value::both(
                    format!(
                        "its key in the environment variable {variable} is not one label of letters, digits and hyphens"
                    ),
                    format!("環境変数 {variable} のキーが、英数字とハイフンだけの一つのラベルでない"),
                ))
            }
            Some(_) => None,
            None => match variable {
                Some(variable) => Some(Value::both(
                    format!("its key is not set: the environment variable {variable} is empty"),
                    format!("キーが設定されていない。環境変数 {variable} が空である"),
                )),
                None if self.list.needs_key => {
                    Some(Value::both("it needs a key, and the plan names none", "キーが必要だが、計画に指定がない"))
                }
                None => None,
            },
        }
    }

    /// The pace at which the list's operator wants to be asked; shared by all of the operator's lists.
    pub fn pace(&self) -> Option<Pace> {
        // A list's pace is a few queries a second: exact in any float.
        let per_second = f32::from(u16::try_from(self.list.pace?).unwrap_or(u16::MAX));
        Some(Pace { key: self.list.operator.clone(), per_second })
    }

    /// `text` without the key.
    pub fn redact(&self, text: &str) -> String {
        match &self.key {
            Some(key) => Secrets::new([key.clone()]).redact(text),
            None => text.to_owned(),
        }
    }

    /// The zone asked about `family`, with [`REDACTED`] where the key stands.
    pub fn zone(&self, family: Family) -> String {
        match (&self.key, self.list.key_zone()) {
            (Some(_), Some(zone)) => zone.replace("{key}", REDACTED),
            _ => self.list.zone_for(family).replace("{key}", REDACTED),
        }
    }
}

/// What became of the plan's choice.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The lists to ask, in the catalogue's order.
    pub asked: Vec<Selected>,
    /// Lists that the plan names and that are never asked: id, since when dead, why, and the list that answers instead.
    pub retired: Vec<Retired>,
}

/// A list that the plan names although nobody can ask it any more.
#[derive(Clone, Debug)]
pub struct Retired {
    /// Id in the catalogue.
    pub id: String,
    /// Name.
    pub name: String,
    /// Since when, as far as it is known.
    pub since: Value,
    /// Why.
    pub reason: Value,
    /// The id of the list that answers instead.
    pub replaced_by: Option<String>,
}

/// Lays the plan's `[dnsbl]` over the catalogue. `environment` answers for the variables that hold keys.
pub fn select(choice: &Dnsbl, catalogue: &Catalogue, environment: impl Fn(&str) -> Option<String>) -> Selection {
    let mut selection = Selection::default();
    for list in &catalogue.lists {
        // Whoever wants no GO without a list's word wants it asked.
        let named = choice.lists.contains(&list.id) || choice.require.contains(&list.id);
        let in_set = list.sets.iter().any(|set| choice.sets.contains(set));
        if !(named || in_set) || choice.disable.contains(&list.id) {
            continue;
        }
        if let Some(retired) = retired(list) {
            if named {
                selection.retired.push(retired);
            }
            continue;
        }
        if !list.is_queryable() {
            continue;
        }
        let (key, key_source) = key_of(list, choice, &environment);
        selection.asked.push(Selected {
            weight: weight_of(choice, &list.id),
            required: list.required || choice.require.contains(&list.id),
            key,
            key_source,
            list: list.clone(),
        });
    }
    let added = choice.added.iter().filter(|added| !choice.disable.contains(&added.id));
    selection.asked.extend(added.filter_map(|added| {
        Some(Selected {
            list: list_of(added)?,
            weight: weight_of(choice, &added.id),
            required: choice.require.contains(&added.id),
            key: None,
            key_source: None,
        })
    }));
    selection
}

/// What is known of a list that is out of service; nothing for one in service.
pub(super) fn retired(list: &List) -> Option<Retired> {
    let ListStatus::Dead { since, reason, replaced_by } = &list.status else { return None };
    Some(Retired {
        id: list.id.clone(),
        name: list.name.clone(),
        since: since.clone(),
        reason: reason.clone(),
        replaced_by: replaced_by.clone(),
    })
}

/// The key for a list and the variable that should hold it, as far as the plan names one.
pub(super) fn key_of(
    list: &List,
    choice: &Dnsbl,
    environment: &impl Fn(&str) -> Option<String>,
) -> (Option<String>, Option<String>) {
    let source =
        choice.keys.iter().find(|(name, _)| Some(name) == list.key.as_ref()).map(|(_, variable)| variable.clone());
    let key = source.as_deref().and_then(environment).filter(|key| !key.trim().is_empty());
    (key, source)
}

/// A list of the plan as if the catalogue had it; the plan's zones are names.
fn list_of(added: &AddedList) -> Option<List> {
    let family = |family: &ListFamily| match family {
        ListFamily::Ipv4 => Family::Ipv4,
        ListFamily::Ipv6 => Family::Ipv6,
        ListFamily::Domain => Family::Domain,
    };
    let families: Vec<Family> = added.families.iter().map(family).collect();
    let zone = DomainName::parse(&added.zone).ok()?;
    let mut list = List::custom(&added.id, zone, &families, weight_in_catalogue(added.weight));
    list.name.clone_from(&added.name);
    Some(list)
}

fn weight_of(choice: &Dnsbl, id: &str) -> Option<Weight> {
    choice.weights.iter().find(|(known, _)| known == id).map(|(_, weight)| weight_in_catalogue(*weight))
}

fn weight_in_catalogue(weight: ListWeight) -> Weight {
    match weight {
        ListWeight::Block => Weight::Block,
        ListWeight::Warn => Weight::Warn,
        ListWeight::Info => Weight::Info,
    }
}
