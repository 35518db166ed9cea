//! On which line of the plan a name or an address stands, for reports that point into the plan.

use std::collections::BTreeMap;
use std::net::IpAddr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::Notes;
use crate::model::DomainName;

/// Tables whose texts are about something else than what is checked.
const ELSEWHERE: [&str; 3] = ["waive", "rollback", "key"];

/// The first line, 1-based, of every text of the plan. Addresses and names stand in the form in which they are compared.
pub(super) fn lines(document: &DeTable<'_>, notes: &Notes) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    of_table(document, notes, &mut lines);
    lines
}

fn of_table(table: &DeTable<'_>, notes: &Notes, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        if !ELSEWHERE.contains(&name) {
            of_value(value, notes, lines);
        }
    }
}

fn of_value(value: &Spanned<DeValue<'_>>, notes: &Notes, lines: &mut BTreeMap<String, usize>) {
    match value.get_ref() {
        DeValue::String(text) => {
            let line = notes.line_at(value.span().start);
            let known = lines.entry(compared(text)).or_insert(line);
            *known = line.min(*known);
        }
        DeValue::Array(items) => items.iter().for_each(|item| of_value(item, notes, lines)),
        DeValue::Table(table) => of_table(table, notes, lines),
        _ => {}
    }
}

/// An address or a name in the one form in which it is compared; any other text as it is.
pub(super) fn compared(text: &str) -> String {
    let address = text.trim().parse::<IpAddr>().map(|ip| ip.to_string());
    address.or_else(|_| DomainName::parse(text).map(|name| name.to_string())).unwrap_or_else(|_| text.to_owned())
}
