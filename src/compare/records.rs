//! The records that a report saw published, and which of them are others in a later one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Expected, Observation, RecordChange, Report, Side};

/// Types that somebody publishes on purpose; serial numbers and signatures change by themselves.
const TYPES: [&str; 11] = ["A", "AAAA", "CAA", "CNAME", "DS", "MX", "NS", "PTR", "SRV", "TLSA", "TXT"];

/// The data of each RRset of the move, by owner and type; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records(BTreeMap<(String, String), BTreeSet<String>>);

/// What `report` saw of the move's own names: at and below its domains, its hosts, and the reverse names of its addresses. What the
/// servers of a zone say counts before what a resolver says; what nobody answered is not among them.
pub fn published(report: &Report) -> Records {
    let mut found: BTreeMap<(String, String), (bool, BTreeSet<String>)> = BTreeMap::new();
    for seen in report.observations.iter().filter(|seen| seen.door == "dns") {
        let Some((name, rtype)) = seen.question.rsplit_once(' ') else { continue };
        let name = bare(name);
        let by_authority = seen.route == "authority";
        let is_told = matches!(seen.outcome.as_str(), "data" | "nodata" | "nxdomain");
        if !is_told || !(by_authority || seen.route == "resolver") || !TYPES.contains(&rtype) || !is_ours(report, &name)
        {
            continue;
        }
        let place = found.entry((name, rtype.to_owned())).or_default();
        if by_authority || !place.0 {
            *place = (by_authority, values(seen, rtype));
        }
    }
    Records(found.into_iter().map(|(key, (_, values))| (key, values)).collect())
}

impl Records {
    /// The RRsets that `later`, what `report` saw, has otherwise; those that only one of them knows are not compared.
    pub fn changes(&self, later: &Self, report: &Report) -> Vec<RecordChange> {
        let wanted: HashMap<(&str, &str), &Expected> =
            report.expects.iter().map(|one| ((one.name.as_str(), one.rtype.as_str()), one)).collect();
        let both = self.0.iter().filter_map(|(key, was)| Some((key, was, later.0.get(key)?)));
        both.filter(|(_, was, now)| was != now)
            .map(|((name, rtype), was, now)| RecordChange {
                name: name.clone(),
                rtype: rtype.clone(),
                was: was.iter().cloned().collect(),
                now: now.iter().cloned().collect(),
                expected: is_expected(was, now, wanted.get(&(name.as_str(), rtype.as_str())).copied(), report),
            })
            .collect()
    }

    /// These, with what `later` knows in its place: what nobody answered this time is remembered.
    pub fn learn(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

/// Whether a change leads to what the plan wants and takes nothing away that it wants. Addresses may go from old to new at any name
/// of the move.
fn is_expected(was: &BTreeSet<String>, now: &BTreeSet<String>, wanted: Option<&Expected>, report: &Report) -> bool {
    let of = |side| -> BTreeSet<String> {
        report.columns.iter().filter(|column| column.side == side).map(|column| column.ip.to_string()).collect()
    };
    let (added, removed) = (now.difference(was), was.difference(now));
    match wanted {
        Some(wanted) => {
            let wanted: BTreeSet<String> = wanted.values.iter().map(|value| bare(value)).collect();
            added.clone().all(|value| wanted.contains(value)) && !removed.clone().any(|value| wanted.contains(value))
        }
        None => {
            let (old, new) = (of(Side::Old), of(Side::New));
            added.clone().count() > 0
                && added.clone().all(|value| new.contains(value))
                && removed.clone().all(|value| old.contains(value))
        }
    }
}

/// The move's own names: nobody else's zones, no blocklists.
fn is_ours(report: &Report, name: &str) -> bool {
    report.expects.iter().any(|one| {
        let below = name.strip_suffix(one.name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        below && (one.rtype == "MX" || name == one.name)
    })
}

fn values(seen: &Observation, rtype: &str) -> BTreeSet<String> {
    // The answer repeats the type only where it is another than the one asked for.
    let value = |line: &String| {
        let line = line.strip_prefix(rtype).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(line);
        if rtype == "TXT" { line.to_owned() } else { bare(line) }
    };
    seen.answer.iter().map(value).collect()
}

/// A name, or data that ends in one, in the one form in which it is compared.
fn bare(text: &str) -> String {
    text.to_ascii_lowercase().trim_end_matches('.').to_owned()
}
