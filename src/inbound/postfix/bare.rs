//! Rules that take every answer of a list for a listing, and what to write instead.

use super::{Postfix, zones};
use crate::catalogue::{Catalogue, Family, List, Weight};
use crate::inbound::BareRule;
use crate::model::{DomainName, visible_whole};

/// What an allow-list answers: 127.0.category.trust (dnswl.org); 127.0.0.255 and 127.255.255.x are refusals.
const ANY_TRUST: &str = "127.0.[0..255].[1..254]";

impl Postfix {
    /// The rules without a reply filter, each once, in the order of the lists.
    pub fn bare_rules(&self) -> Vec<BareRule> {
        let mut found: Vec<BareRule> = Vec::new();
        for site in self.postscreen.iter().flat_map(|screen| &screen.sites).filter(|site| site.filter.is_none()) {
            let weight = site.argument.split_once('*').map(|(_, weight)| format!("*{weight}")).unwrap_or_default();
            let zone = zones::shown(zones::split(&site.argument).0);
            let permits = weight.starts_with("*-");
            let corrected: Vec<String> =
                filters(&site.zone, permits).iter().map(|filter| format!("{zone}={filter}{weight}")).collect();
            found.push(BareRule { rule: site.rule.clone(), corrected: corrected.join(", "), permits });
        }
        self.each_list(&mut |step, list| {
            if list.filter.is_some() || found.iter().any(|bare| bare.rule == step.rule) {
                return;
            }
            let name = step.rule.written.split(' ').next().unwrap_or_default();
            let zone = zones::shown(&list.argument);
            let corrected = filters(&list.zone, list.permits).into_iter();
            let corrected: Vec<String> = corrected.map(|filter| format!("{name} {zone}={filter}")).collect();
            found.push(BareRule {
                rule: step.rule.clone(),
                // It is there to be pasted: whole, however many codes there are.
                corrected: visible_whole(&corrected.join(", ")),
                permits: list.permits,
            });
        });
        found
    }
}

/// The filters for a zone: those of the catalogue, or the usual range for a list that it does not know.
fn filters(zone: &str, permits: bool) -> Vec<String> {
    let known = Catalogue::embedded().list(zone).map(List::postfix_filters);
    // The usual range, as the catalogue has it for a list without known codes.
    let usual = DomainName::parse("list.invalid")
        .map(|zone| List::custom("unknown", zone, &[Family::Ipv4], Weight::Block).postfix_filters())
        .unwrap_or_default();
    match known {
        Some(filters) if !permits || filters != usual => filters,
        _ if permits => vec![ANY_TRUST.to_owned()],
        _ => usual,
    }
}
