//! Rules that take any answer of a list for a listing, and how they should be written.

use super::Exim;
use super::config::Verb;
use super::dnslists::{self, Entry};
use super::expand::{Expanded, expand};
use super::visit::Visit;
use crate::catalogue::{Catalogue, List, PublicResolvers};
use crate::inbound::{BareRule, Caller, Facts, Rule};
use crate::model::{Lang, Value, visible};

/// All of them, in the order of the file.
pub(super) fn rules(exim: &Exim) -> Vec<BareRule> {
    let (nobody, nothing) = (Caller { ip: [192, 0, 2, 1].into(), helo: None, sender: None }, Facts::default());
    let visit = Visit::survey(exim, &nobody, &nothing);
    let mut found = Vec::new();
    for (acl, statement) in exim.config.acls.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one))) {
        for part in statement.parts.iter().filter(|part| part.name == "dnslists") {
            let Expanded::Known(list) = expand(&part.value, &visit) else { continue };
            for entry in dnslists::entries(&list) {
                let Entry::Zone(item) = entry else { continue };
                let Some(list) = bare(&item) else { continue };
                let tested = format!("{}{}", item.zone, list.exim_test());
                let corrected = item.named.map_or_else(|| tested.clone(), |named| format!("{named},{tested}"));
                let key = part.value.split_once(&item.zone).and_then(|(_, rest)| rest.strip_prefix('/'));
                let key = key
                    .map_or_else(String::new, |key| format!("/{}", key.split(':').next().unwrap_or_default().trim()));
                let rule = Rule {
                    section: visible(acl),
                    written: visit.shown(&statement.written),
                    place: Some(part.place.clone()),
                    zone: Some(visit.shown(&item.zone)),
                };
                // It is there to be pasted: whole, however many codes there are.
                let corrected = Value::record(&exim.secrets.redact(&format!("{corrected}{key}")));
                let corrected = corrected.in_lang(Lang::En).to_owned();
                found.push(BareRule { rule, corrected, permits: statement.verb == Verb::Accept });
            }
        }
    }
    found.sort_by(|one, other| {
        let place = |rule: &BareRule| rule.rule.place.as_ref().map(|place| (place.file.clone(), place.line));
        place(one).cmp(&place(other))
    });
    found
}

/// The list that an item asks without a test, if that has answers which are no listing.
fn bare(item: &dnslists::Item) -> Option<&'static List> {
    let list = Catalogue::embedded().list(&item.zone).filter(|_| item.test.is_none())?;
    let refuses = matches!(list.public_resolvers, PublicResolvers::Refused | PublicResolvers::Partly);
    let other = !list.error_codes().is_empty() || !list.not_listing_codes().is_empty();
    (refuses || other).then_some(list)
}
