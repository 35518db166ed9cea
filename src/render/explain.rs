//! `explain`: the page of a check, or of one tag, for a terminal.

use super::Style;
use super::wrap::{block, pad, width};
use crate::model::{Card, Outcome};
use crate::words;

/// Every check and its tags, one line each, and the tags that any check may say, `of_the_run`.
pub fn explain_all(cards: &[&Card], of_the_run: &[&Outcome], style: &Style) -> String {
    let lang = style.lang;
    let [tag, levels, ..] = words::page_columns(lang);
    let mut text = format!("    {tag}  {levels}\n");
    for card in cards {
        text.push_str(&block(&format!("{}  ", pad(card.id, 14)), card.title.in_lang(lang), style.width));
        text.push_str(&tags(card.outcomes, style));
    }
    text.push_str(&block(&pad("", 16), words::of_any_check(lang), style.width));
    text.push_str(&tags(of_the_run, style));
    text
}

fn tags(outcomes: &[&Outcome], style: &Style) -> String {
    let widest = outcomes.iter().map(|outcome| width(outcome.tag)).max().unwrap_or(0);
    outcomes
        .iter()
        .map(|outcome| {
            let level = words::levels(style.lang, outcome.levels);
            block(&format!("    {}  ", pad(outcome.tag, widest)), &level, style.width)
        })
        .collect()
}

/// The page of a check; with `tag`, its outcome first and alone.
pub fn explain(card: &Card, tag: Option<&str>, style: &Style) -> String {
    let lang = style.lang;
    let words = words::page(lang);
    let mut text = String::new();
    if let Some(outcome) = tag.and_then(|tag| card.outcome(tag)) {
        text.push_str(&explain_outcome(outcome, style));
        text.push('\n');
    }
    text.push_str(&block(&format!("{}  ", card.id), card.title.in_lang(lang), style.width));
    for (word, paragraph) in
        [(words[0], card.why.in_lang(lang)), (words[1], card.how.in_lang(lang)), (words[2], card.by_hand)]
    {
        text.push_str(&format!("\n{word}\n{}", block("  ", paragraph, style.width)));
    }
    if tag.is_none() {
        text.push_str(&format!("\n{}\n", words[3]));
        for outcome in card.outcomes {
            text.push('\n');
            text.push_str(&explain_outcome(outcome, style));
        }
    }
    if !card.references.is_empty() {
        text.push_str(&format!("\n{}\n", words[4]));
        for reference in card.references {
            text.push_str(&format!("  {}\n    {}\n", reference.title, reference.url));
        }
    }
    text
}

/// One outcome: tag, weight, what it says and what to do.
pub fn explain_outcome(outcome: &Outcome, style: &Style) -> String {
    let lang = style.lang;
    let mut text = block(&format!("{}  ", outcome.tag), &words::levels(lang, outcome.levels), style.width);
    text.push_str(&block("  ", outcome.says.in_lang(lang), style.width));
    text.push_str(&block(&format!("  {}: ", words::finding(lang)[1]), outcome.remedy.in_lang(lang), style.width));
    text
}
