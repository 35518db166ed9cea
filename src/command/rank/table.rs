//! Candidates best first, for people and as one JSON value.

use std::collections::BTreeMap;

use super::standing::{Listing, Standing};
use super::words;
use crate::command::Terminal;
use crate::dnsbl::Selected;
use crate::model::Lang;
use crate::render::{grid, wrap};

/// So many rows are shown.
const SHOWN: usize = 256;

/// A table of `found`, which is in order; `unnamed` is the most addresses whose names are asked for, if there are more.
pub(super) fn table(found: &[Standing], terminal: &Terminal, unnamed: Option<u64>) -> String {
    let lang = terminal.lang;
    let mut table = grid(terminal.width, terminal.unicode);
    table.set_header(words::headings(lang));
    for (number, standing) in found.iter().enumerate().take(SHOWN) {
        table.add_row([
            (number + 1).to_string(),
            standing.ip.to_string(),
            words::verdict(lang, standing.verdict.word()).to_owned(),
            standing.listed.iter().map(|listing| listing_text(lang, listing)).collect::<Vec<_>>().join(", "),
            ptr_text(lang, standing),
            standing.asn.iter().flatten().map(|asn| format!("AS{asn}")).collect::<Vec<_>>().join(" "),
        ]);
    }
    let mut text = format!("{table}\n");
    let mut say = |sentence: &str| {
        for line in sentence.lines().flat_map(|line| wrap(line, terminal.width)) {
            text.push_str(&line);
            text.push('\n');
        }
    };
    if found.len() > SHOWN {
        say(&words::more(lang, found.len() - SHOWN));
    }
    let mut silent: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for unknown in found.iter().flat_map(|standing| &standing.unknown) {
        *silent.entry((&unknown.list, unknown.state)).or_default() += 1;
    }
    if !silent.is_empty() {
        let lists = silent.iter().map(|((list, state), count)| format!("{list} ({state}, {count})"));
        say(&words::not_believed(lang, &lists.collect::<Vec<_>>().join(", ")));
    }
    if let Some(most) = unnamed {
        say(&words::without_names(lang, most));
    }
    say(words::legend(lang));
    text
}

/// One JSON value with `found`, which is in order.
pub(super) fn json(found: &[Standing], lists: &[Selected], is_whole: bool) -> String {
    let complete = is_whole && found.iter().all(|standing| standing.complete);
    let lists: Vec<&str> = lists.iter().map(|selected| selected.list.id.as_str()).collect();
    let value = serde_json::json!({ "schema": 1, "complete": complete, "lists": lists, "candidates": found });
    format!("{value:#}\n")
}

fn listing_text(lang: Lang, listing: &Listing) -> String {
    let weight = match listing.weight {
        crate::catalogue::Weight::Block => "block",
        crate::catalogue::Weight::Warn => "warn",
        crate::catalogue::Weight::Info => "info",
    };
    format!("{} {weight}{}", listing.list, words::scope(lang, listing.scope))
}

fn ptr_text(lang: Lang, standing: &Standing) -> String {
    let Some(ptr) = &standing.ptr else { return String::new() };
    let names = ptr.names.join(" ");
    let state = words::naming(lang, ptr.state.word());
    if names.is_empty() { state.to_owned() } else { format!("{state}: {names}") }
}
