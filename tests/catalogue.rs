//! What every check must be, and the pages made from them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use mail_cutover::check::OF_THE_RUN;
use mail_cutover::checks::CHECKS;
use mail_cutover::model::{Card, Outcome, Text};
use mail_cutover::render;

fn outcomes() -> impl Iterator<Item = &'static Outcome> {
    CHECKS.iter().flat_map(|check| check.card.outcomes.iter().copied()).chain(OF_THE_RUN)
}

fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn has_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

/// The `{word}`s of a text, sorted.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(word, _)| word.to_owned())
        .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
        .collect();
    words.sort();
    words.dedup();
    words
}

/// Lost if it fails: two findings with one name, which no waiver and no page could tell apart.
#[test]
fn ids_and_tags_are_unique() {
    let mut ids = HashSet::new();
    for check in CHECKS {
        assert!(is_kebab(check.card.id), "{}", check.card.id);
        assert!(ids.insert(check.card.id), "{} twice", check.card.id);
    }
    let mut tags = HashSet::new();
    for outcome in outcomes() {
        assert!(is_kebab(outcome.tag), "{}", outcome.tag);
        assert!(tags.insert(outcome.tag), "{} twice", outcome.tag);
    }
}

/// Lost if it fails: a Japanese administrator gets an English remedy, an empty one, or one that names other things.
#[test]
fn every_text_exists_in_both_languages() {
    let complete = |place: &str, text: Text| {
        assert!(!text.en.trim().is_empty() && !text.ja.trim().is_empty(), "{place} is empty");
        assert!(!has_japanese(text.en), "{place}: Japanese in the English text");
        assert!(has_japanese(text.ja), "{place}: no Japanese in {}", text.ja);
        assert_eq!(words_of(text.en), words_of(text.ja), "{place}: the two languages name different values");
    };
    for check in CHECKS {
        let Card { id, title, short, why, how, .. } = &check.card;
        for (part, text) in [("title", title), ("short", short), ("why", why), ("how", how)] {
            // MX is MX in every language.
            let is_acronym = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || "-/ ".contains(c));
            if part == "short" && text.en == text.ja && is_acronym(text.ja) {
                continue;
            }
            complete(&format!("{id}.{part}"), *text);
        }
        assert!(!title.en.ends_with('.'), "{id}: a title is no sentence with a full stop");
        assert!(!check.card.by_hand.is_empty(), "{id} has no way to do it by hand");
        assert!(!check.card.phases.is_empty(), "{id} applies never");
    }
    for outcome in outcomes() {
        complete(outcome.tag, outcome.says);
        complete(outcome.tag, outcome.remedy);
        assert!(outcome.remedy.en.ends_with('.'), "{}: a remedy is a sentence", outcome.tag);
        assert!(!outcome.says.en.ends_with('.'), "{}: a finding is a phrase without a full stop", outcome.tag);
    }
}

/// Lost if it fails: a source that nobody can open.
#[test]
fn references_are_addresses() {
    for check in CHECKS {
        for reference in check.card.references {
            assert!(reference.url.starts_with("https://"), "{}: {}", check.card.id, reference.url);
        }
    }
}

/// Lost if it fails: docs/checks would describe another tool. Run with UPDATE_DOCS=1 to write the pages.
#[test]
fn the_pages_in_docs_are_the_checks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks");
    let cards: Vec<&Card> = CHECKS.iter().map(|check| &check.card).collect();
    let mut wanted: Vec<(String, String)> =
        cards.iter().map(|card| (format!("{}.md", card.id), render::page(card))).collect();
    wanted.push(("README.md".to_owned(), render::index(&cards)));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &wanted {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let names: HashSet<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(names.contains(name.as_str()), "docs/checks/{name} belongs to no check: delete it");
    }
    for (name, page) in &wanted {
        let found = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(found == *page, "docs/checks/{name} differs from the check: UPDATE_DOCS=1 cargo test --test catalogue");
    }
}
