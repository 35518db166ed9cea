//! docs/checks: a page for each check in both languages, and their index; written by a test.

use crate::model::{Card, Lang};
use crate::words;

const HEAD: &str = "<!-- Made from src/checks by UPDATE_DOCS=1 cargo test --test catalogue. Do not edit. -->\n";

/// The page of a check.
pub fn page(card: &Card) -> String {
    let mut text = format!("{HEAD}# `{}`\n", card.id);
    for lang in [Lang::En, Lang::Ja] {
        let words = words::page(lang);
        text.push_str(&format!("\n## {}\n", card.title.in_lang(lang)));
        for (word, paragraph) in [(words[0], card.why.in_lang(lang)), (words[1], card.how.in_lang(lang))] {
            text.push_str(&format!("\n**{word}** {}\n", angles(paragraph)));
        }
        text.push_str(&format!("\n**{}** `{}`\n", words[2], card.by_hand));
        let columns = words::page_columns(lang);
        text.push_str(&format!(
            "\n| {} | {} | {} | {} |\n|---|---|---|---|\n",
            columns[0], columns[1], columns[2], columns[3]
        ));
        for outcome in card.outcomes {
            text.push_str(&format!(
                "| `{}` | {} | {} | {} |\n",
                outcome.tag,
                words::levels(lang, outcome.levels),
                cell(outcome.says.in_lang(lang)),
                cell(outcome.remedy.in_lang(lang))
            ));
        }
    }
    if !card.references.is_empty() {
        text.push_str(&format!("\n## {}\n\n", words::page(Lang::En)[4]));
        for reference in card.references {
            text.push_str(&format!("- [{}]({})\n", reference.title, reference.url));
        }
    }
    text
}

/// The index of all checks and tags.
pub fn index(cards: &[&Card]) -> String {
    let mut text = format!(
        "{HEAD}# Checks\n\nWhat `mail-cutover check` asks, in the order of the report. `mail-cutover explain NAME` prints the same.\n"
    );
    text.push_str("\n| check | | |\n|---|---|---|\n");
    for card in cards {
        text.push_str(&format!("| [`{0}`]({0}.md) | {1} | {2} |\n", card.id, cell(card.title.en), cell(card.title.ja)));
    }
    text.push_str("\n| tag | check | weight |\n|---|---|---|\n");
    for card in cards {
        for outcome in card.outcomes {
            let levels = words::levels(Lang::En, outcome.levels);
            text.push_str(&format!("| `{}` | [`{1}`]({1}.md) | {levels} |\n", outcome.tag, card.id));
        }
    }
    text
}

fn angles(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn cell(text: &str) -> String {
    angles(text).replace('|', "\\|")
}
