//! The registry of enhanced status codes, by name (RFC 3463, RFC 5248): what a code means where no text says more.

use std::sync::LazyLock;

use serde::Deserialize;

use super::code::Enhanced;
use super::rules::Class;

/// One code of the registry.
#[derive(Clone, Debug)]
pub struct StatusCode {
    /// What it is about.
    pub subject: u16,
    /// What about it.
    pub detail: u16,
    /// Its name in English.
    pub en: String,
    /// Its name in Japanese.
    pub ja: String,
    /// What is made of it where nothing else is known.
    pub class: Class,
    /// The part of the class; may be empty.
    pub sub: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "for those who read the file")]
    revised: String,
    #[expect(dead_code, reason = "for those who read the file")]
    source: String,
    code: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: String,
    en: String,
    ja: String,
    class: Class,
    #[serde(default)]
    sub: String,
}

static REGISTRY: LazyLock<Vec<StatusCode>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../config/status-codes.toml"))
        .expect("the embedded registry never changes after the build, and a test reads it");
    let code = |entry: Entry| {
        let (subject, detail) = entry.code.split_once('.').unwrap_or_default();
        let number = |text: &str| text.parse().expect("a test reads every code");
        let (subject, detail) = (number(subject), number(detail));
        StatusCode { subject, detail, en: entry.en, ja: entry.ja, class: entry.class, sub: entry.sub }
    };
    file.code.into_iter().map(code).collect()
});

/// The whole registry, in order.
pub fn registry() -> &'static [StatusCode] {
    &REGISTRY
}

/// The entry for `code`; where the detail is not registered, the one for its subject.
pub(super) fn named(code: Enhanced) -> Option<&'static StatusCode> {
    let find = |detail| REGISTRY.iter().find(|known| known.subject == code.subject && known.detail == detail);
    find(code.detail).or_else(|| find(0))
}
