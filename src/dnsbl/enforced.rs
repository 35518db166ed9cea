//! Which lists the new server will enforce on others, as `[inbound_dnsbl]` names them.

use super::select::{Retired, Selected, key_of, retired};
use crate::catalogue::{Catalogue, Family, List, Weight};
use crate::model::DomainName;
use crate::plan::Dnsbl;

/// A list that the new server will ask about everybody who sends it mail.
#[derive(Clone, Debug)]
pub struct Enforced {
    /// As the plan names it: a zone, or a list's id.
    pub written: String,
    /// The list, asked at that zone; nothing if what the plan writes is no name.
    pub selected: Option<Selected>,
    /// Why and since when nobody should ask it any more.
    pub retired: Option<Retired>,
}

/// Finds the lists behind `zones`, each once. A zone is asked as it stands, without a key; a list that is named by its id is asked
/// with the key that `choice` gives it, as its operator wants it. What the catalogue does not know is a list by RFC 5782 that holds
/// IPv4 addresses. `environment` answers for the variables that hold keys.
pub fn enforced(
    zones: &[String],
    choice: &Dnsbl,
    catalogue: &Catalogue,
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<Enforced> {
    let mut found: Vec<Enforced> = Vec::new();
    for written in zones {
        let plain = written.trim().trim_end_matches('.').to_ascii_lowercase();
        if found.iter().any(|known| known.written == plain) {
            continue;
        }
        let known = catalogue.list(&plain);
        let retired = known.and_then(retired);
        let by_id = known.filter(|list| list.id == plain);
        let zone = DomainName::parse(by_id.map_or(plain.as_str(), |list| list.zone_for(Family::Ipv4)));
        let alive = known.filter(|_| retired.is_none());
        let selected = match (alive, by_id, zone) {
            (Some(list), Some(_), _) => {
                let (key, key_source) = key_of(list, choice, &environment);
                Some(Selected { list: list.clone(), weight: None, required: false, key, key_source })
            }
            (Some(list), None, Ok(zone)) => Some(without_key(list.clone().at(zone))),
            // The mail server asks a list that is out of service too, and may be answered by whoever has its zone now.
            (None, _, Ok(zone)) => {
                let mut list = List::custom(&plain, zone, &[Family::Ipv4], Weight::Block);
                list.families_unverified = vec![Family::Ipv6, Family::Domain];
                Some(without_key(list))
            }
            (_, _, Err(_)) => None,
        };
        found.push(Enforced { written: plain, selected, retired });
    }
    found
}

fn without_key(list: List) -> Selected {
    Selected { list, weight: None, required: false, key: None, key_source: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Target;

    /// Lost if it fails: another zone would be asked than the one that the new server asks, or a key be sent where it has none.
    #[test]
    fn each_zone_is_asked_as_the_mail_server_asks_it() {
        let zones = [
            "ZEN.spamhaus.org.",
            "zen.spamhaus.org",
            "spamhaus-zen",
            "sbl.spamhaus.org",
            "bl.house.test",
            "no zone",
            "dnsbl.sorbs.net",
            "sorbs",
        ]
        .map(str::to_owned);
        let choice = Dnsbl { keys: vec![("spamhaus-dqs".to_owned(), "KEY".to_owned())], ..Dnsbl::default() };
        let found = enforced(&zones, &choice, Catalogue::embedded(), |_| Some("secret".to_owned()));
        let point = Target::Ip([127, 0, 0, 2].into());
        let asked: Vec<(&str, Option<String>, bool)> = found
            .iter()
            .map(|one| {
                let name = |selected: &Selected| selected.list.query_name(&point, selected.key.as_deref()).unwrap();
                (one.written.as_str(), one.selected.as_ref().map(name), one.retired.is_some())
            })
            .collect();
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(
            asked,
            [
                ("zen.spamhaus.org", name("2.0.0.127.zen.spamhaus.org."), false),
                ("spamhaus-zen", name("2.0.0.127.secret.zen.dq.spamhaus.net."), false),
                ("sbl.spamhaus.org", name("2.0.0.127.sbl.spamhaus.org."), false),
                ("bl.house.test", name("2.0.0.127.bl.house.test."), false),
                ("no zone", None, false),
                ("dnsbl.sorbs.net", name("2.0.0.127.dnsbl.sorbs.net."), true),
                ("sorbs", name("2.0.0.127.dnsbl.sorbs.net."), true),
            ]
        );
    }
}
