//! What is said of each class, in both languages (config/bounce-classes.toml).

use std::sync::LazyLock;

use serde::Deserialize;

use super::rules::Class;
use super::side::Side;
use crate::model::{Args, Lang, Value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrase {
    en: String,
    ja: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Class,
    #[serde(default)]
    sub: String,
    name: Option<Phrase>,
    says: Option<Phrase>,
    ours: Option<Phrase>,
    partner: Option<Phrase>,
    side: Option<Side>,
    partner_side: Option<Side>,
    tag: Option<String>,
    partner_tag: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    class: Vec<Entry>,
}

static CLASSES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../config/bounce-classes.toml"))
        .expect("the embedded texts never change after the build, and a test reads them");
    file.class
});

/// The texts for one class and sub; what the sub has not of its own is that of the class.
pub(super) struct Words {
    entries: Vec<&'static Entry>,
}

/// The texts for `class` and `sub`.
pub(super) fn words(class: Class, sub: &str) -> Words {
    let of_class = || CLASSES.iter().filter(|entry| entry.id == class);
    let own = of_class().find(|entry| !sub.is_empty() && entry.sub == sub);
    Words { entries: own.into_iter().chain(of_class().find(|entry| entry.sub.is_empty())).collect() }
}

impl Words {
    fn first<T>(&self, pick: impl Fn(&'static Entry) -> Option<T>) -> Option<T> {
        self.entries.iter().find_map(|entry| pick(entry))
    }

    fn filled(phrase: Option<&Phrase>, args: &Args) -> Value {
        let [en, ja] = phrase.map_or(["", ""], |phrase| [&phrase.en, &phrase.ja]);
        Value::Both { en: args.fill(en, Lang::En), ja: set_japanese(&args.fill(ja, Lang::Ja)) }
    }

    /// The heading.
    pub(super) fn name(&self) -> Value {
        Self::filled(self.first(|entry| entry.name.as_ref()), &Args::none())
    }

    /// The sentence.
    pub(super) fn says(&self, args: &Args) -> Value {
        Self::filled(self.first(|entry| entry.says.as_ref()), args)
    }

    /// What to do, where a partner's mail was refused by our own server (`partner`) or ours by a receiver.
    pub(super) fn remedy(&self, partner: bool, args: &Args) -> Value {
        let phrase = self.first(|entry| if partner { entry.partner.as_ref() } else { entry.ours.as_ref() });
        Self::filled(phrase, args)
    }

    /// Who must act.
    pub(super) fn side(&self, partner: bool) -> Side {
        self.first(|entry| if partner { entry.partner_side } else { entry.side }).unwrap_or(Side::Either)
    }

    /// The tag of the check that would have found it.
    pub(super) fn tag(&self, partner: bool) -> Option<&'static str> {
        self.first(|entry| if partner { entry.partner_tag.as_deref() } else { entry.tag.as_deref() })
    }
}

/// `text` without the spaces that stand between two Japanese characters: which words a value brings is not known where the text is
/// written, and spaces belong around Latin ones only.
fn set_japanese(text: &str) -> String {
    let mut set = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let between =
            set.chars().next_back().is_some_and(|c| !c.is_ascii()) && rest.peek().is_some_and(|c| !c.is_ascii());
        if character != ' ' || !between {
            set.push(character);
        }
    }
    set
}

/// The tags that explanations point to; each must be one of a check.
#[cfg(test)]
pub(super) fn tags() -> Vec<&'static str> {
    let both = |entry: &'static Entry| [entry.tag.as_deref(), entry.partner_tag.as_deref()];
    CLASSES.iter().flat_map(both).flatten().collect()
}

/// The classes and subs that have texts of their own.
#[cfg(test)]
pub(super) fn known() -> Vec<(Class, &'static str)> {
    CLASSES.iter().map(|entry| (entry.id, entry.sub.as_str())).collect()
}
