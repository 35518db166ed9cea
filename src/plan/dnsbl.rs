//! `[dnsbl]`: which lists are asked, with which keys, and the lists of the operator's own.

use std::collections::HashSet;
use std::ops::Range;

use toml::de::DeValue;

use super::Known;
use super::reader::{Notes, Reader, nearest, text};
use super::sections::among;
use super::types::{AddedList, Dnsbl, ListFamily, ListWeight};
use crate::model::visible;

/// `[dnsbl]`.
pub(super) fn read(section: &Reader<'_>, known: &Known<'_>) -> Dnsbl {
    let mut added: Vec<AddedList> = Vec::new();
    let mut ids = HashSet::new();
    for table in &section.tables("list", "dnsbl.list") {
        let Some(list) = added_list(table, known) else { continue };
        if !ids.insert(list.id.clone()) {
            let span = table.value("id").map_or(table.span.clone(), |value| value.span());
            section.notes.add(span, format!("the plan has a list called {} already", list.id), "choose another id");
            continue;
        }
        added.push(list);
    }
    let own: Vec<(&str, &str)> = added.iter().map(|list| (list.zone.as_str(), list.id.as_str())).collect();
    let list = |written: &str, span| list_id(written, span, known, &own, section.notes);
    let lists = |key| -> Vec<(Range<usize>, String)> {
        let texts = section.texts(key, "a list of list ids in quotes").unwrap_or_default();
        texts.into_iter().filter_map(|(span, text)| Some((span.clone(), list(&text, span)?))).collect()
    };
    let ids_of = |lists: Vec<(Range<usize>, String)>| lists.into_iter().map(|(_, id)| id).collect::<Vec<String>>();
    let (disable, require) = (ids_of(lists("disable")), lists("require"));
    let disabled: HashSet<&String> = disable.iter().collect();
    for (span, id) in &require {
        if known.unasked.contains(&id.as_str()) {
            let help = "take it out of `require`: there would never be a GO; `mail-cutover lists --all` says what became of it";
            section.notes.add(span.clone(), format!("no run can ask {id}"), help);
        } else if disabled.contains(id) {
            section.notes.add(span.clone(), format!("{id} stands in `disable` too"), "take it out of one of the two");
        }
    }
    let sets = section.texts("use", "a list of sets in quotes").map(|texts| {
        texts
            .into_iter()
            .filter_map(|(span, text)| among("set of lists", &text, span, &known.sets, section.notes))
            .collect()
    });
    let mut keys = Vec::new();
    if let Some(value) = section.value("key").filter(|value| value.get_ref().as_table().is_none()) {
        section.notes.mask(value);
    }
    for (key, value) in section.free_table("key", "a table: name of the key = \"env:NAME\"").into_iter().flatten() {
        let variable = match value.get_ref() {
            DeValue::String(text) => text.strip_prefix("env:").filter(|name| is_variable(name)),
            _ => None,
        };
        match variable {
            Some(variable) => {
                let id = among("key", key.get_ref(), key.span(), &known.keys, section.notes);
                keys.extend(id.map(|id| (id, variable.to_owned())));
            }
            None => {
                // Whatever stands there may be the key itself, on either side: it is neither repeated nor shown.
                section.notes.mask(value);
                if !known.keys.contains(&key.get_ref().as_ref()) {
                    section.notes.masked.borrow_mut().push(key.span());
                }
                let help = "write \"env:NAME\" and put the key into the environment variable NAME";
                section.notes.add(value.span(), "keys do not stand in the plan", help);
            }
        }
    }
    let mut weights = Vec::new();
    for (key, value) in
        section.free_table("weight", "a table: list id = \"block\", \"warn\" or \"info\"").into_iter().flatten()
    {
        let id = list(key.get_ref(), key.span());
        let weight = text(value, "weight", "\"block\", \"warn\" or \"info\"", section.notes)
            .and_then(|word| weight(word, value.span(), section.notes));
        weights.extend(id.zip(weight));
    }
    let usual = Dnsbl::default();
    Dnsbl {
        sets: sets.unwrap_or(usual.sets),
        lists: ids_of(lists("lists")),
        disable,
        require: ids_of(require),
        keys,
        weights,
        added,
        quorum: quorum(section).unwrap_or(usual.quorum),
    }
}

fn quorum(section: &Reader<'_>) -> Option<u8> {
    let written = section.text("quorum")?;
    let percent =
        written.strip_suffix('%').and_then(|number| number.trim().parse().ok()).filter(|percent| *percent <= 100);
    if percent.is_none() {
        let span = section.value("quorum").map_or(section.span.clone(), |value| value.span());
        section.notes.add(
            span,
            "`quorum` is not a share",
            "write a whole number from 0 to 100 with %, such as \"80%\"",
        );
    }
    percent
}

/// Notes and masks a key that stands in the name of a zone, as those with a key ask it.
pub(super) fn holds_key(zone: &str, span: &Range<usize>, known: &Known<'_>, notes: &Notes) -> bool {
    let plain = zone.trim().trim_end_matches('.').to_lowercase();
    let below = |end: &str| plain.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    let Some((_, key)) = known.key_zones.iter().find(|(end, _)| below(end)) else { return false };
    notes.masked.borrow_mut().push(span.clone());
    let help = format!("name the list by its id, and write key = {{ {key} = \"env:NAME\" }} under [dnsbl]");
    notes.add(span.clone(), "a key stands in this zone: keys do not stand in the plan", help);
    true
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.as_bytes()[0].is_ascii_digit()
}

fn added_list(table: &Reader<'_>, known: &Known<'_>) -> Option<AddedList> {
    let id = table.require("id", table.text("id"), "write id = \"…\", a short name for the list");
    let zone = table.require("zone", table.name("zone"), "write zone = \"…\", the DNS zone of the list");
    if let (Some(zone), Some(value)) = (&zone, table.value("zone"))
        && holds_key(zone.as_str(), &value.span(), known, table.notes)
    {
        return None;
    }
    if let (Some(id), Some(value)) = (&id, table.value("id"))
        && !is_id(id)
    {
        let help = "write lower case letters, digits and hyphens, such as \"house\"";
        table.notes.add(value.span(), format!("\"{}\" cannot be the id of a list", visible(id)), help);
        return None;
    }
    if let Some(id) = &id
        && known.lists.contains(&id.as_str())
    {
        let span = table.value("id").map_or(table.span.clone(), |value| value.span());
        table.notes.add(
            span,
            format!("the catalogue has a list called {id} already"),
            "choose another id, or name the list under `lists`",
        );
    }
    if let Some(value) =
        table.value("families").filter(|value| value.get_ref().as_array().is_some_and(|all| all.is_empty()))
    {
        table.notes.add(
            value.span(),
            "`families` is empty: the list would never be asked",
            "write \"ipv4\", \"ipv6\" or \"domain\"",
        );
    }
    let families = table.texts("families", "a list of \"ipv4\", \"ipv6\" and \"domain\"").map(|texts| {
        let family = |(span, text): (Range<usize>, String)| match text.as_str() {
            "ipv4" => Some(ListFamily::Ipv4),
            "ipv6" => Some(ListFamily::Ipv6),
            "domain" => Some(ListFamily::Domain),
            _ => {
                table.notes.add(span, "no list holds that", "write \"ipv4\", \"ipv6\" or \"domain\"");
                None
            }
        };
        texts.into_iter().filter_map(family).collect()
    });
    let weight = table.text("weight").and_then(|word| weight(&word, table.value("weight")?.span(), table.notes));
    let name = table.text("name");
    let (id, zone) = (id?, zone?);
    Some(AddedList {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        zone: zone.to_string(),
        families: families.unwrap_or_else(|| vec![ListFamily::Ipv4]),
        weight: weight.unwrap_or(ListWeight::Warn),
    })
}

fn is_id(text: &str) -> bool {
    text.split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn weight(word: &str, span: Range<usize>, notes: &Notes) -> Option<ListWeight> {
    match word {
        "block" => Some(ListWeight::Block),
        "warn" => Some(ListWeight::Warn),
        "info" => Some(ListWeight::Info),
        _ => {
            notes.add(span, format!("\"{}\" is not a weight", visible(word)), "write \"block\", \"warn\" or \"info\"");
            None
        }
    }
}

/// The id of a list that is written by its id or its zone.
fn list_id(
    written: &str,
    span: Range<usize>,
    known: &Known<'_>,
    own: &[(&str, &str)],
    notes: &Notes,
) -> Option<String> {
    if holds_key(written, &span, known, notes) {
        return None;
    }
    let plain = written.trim_end_matches('.').to_ascii_lowercase();
    let zones = || known.zones.iter().chain(own);
    let ids = || known.lists.iter().copied().chain(own.iter().map(|(_, id)| *id));
    let by_zone = || zones().find(|(zone, _)| *zone == plain).map(|(_, id)| *id);
    let found = ids().find(|id| *id == plain).or_else(by_zone);
    if found.is_none() {
        let words = ids().chain(zones().map(|(zone, _)| *zone));
        let help = nearest(&plain, words).map_or_else(
            || "`mail-cutover lists --all` shows them".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        notes.add(span, format!("no blocklist is called \"{}\"", visible(written)), help);
    }
    found.map(str::to_owned)
}
