//! What is known of one candidate, how it compares with others, and its line in a file.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Family, Kind, Scope, Weight, generic_name};
use crate::dnsbl::{Belief, Row, Selected};
use crate::model::{DomainName, visible};
use crate::origin::origin_of;
use crate::probe::{Answer, Ask, Dns, Question, plain};
use crate::render::spreadsheet;

/// The columns of CSV.
pub(super) const COLUMNS: &str = "ip,verdict,complete,listed,range_listed,unknown,allowed,ptr_state,ptr,asn";

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Standing {
    pub(super) ip: IpAddr,
    pub(super) verdict: Verdict,
    /// Every list that holds its kind was believed, and its reverse name answered, if it was asked for.
    pub(super) complete: bool,
    pub(super) listed: Vec<Listing>,
    pub(super) unknown: Vec<Unknown>,
    /// The allow-lists that it is on.
    pub(super) allowed: Vec<String>,
    /// Nothing if it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ptr: Option<Name>,
    /// The numbers of the networks that announce it; nothing if that was not asked for, or not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asn: Option<Vec<u32>>,
}

/// In one word, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// On no list, and every list was believed.
    Clean,
    /// Only what is worth knowing: lists that refuse no mail, or that stand for a whole range.
    Noted,
    /// Not listed where an answer was believed, but not every list was.
    Unknown,
    /// On a list for itself, by which some receivers go.
    Listed,
    /// On a list for itself, and receivers refuse mail because of it.
    Blocked,
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Noted => "noted",
            Self::Unknown => "unknown",
            Self::Listed => "listed",
            Self::Blocked => "blocked",
        }
    }
}

/// One list that it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Listing {
    pub(super) list: String,
    pub(super) weight: Weight,
    /// `ip`, or `range` or `as`: then the entry stands for all addresses around it.
    pub(super) scope: &'static str,
    /// Only a policy is stated, not that spam was seen.
    pub(super) policy: bool,
    pub(super) codes: Vec<Ipv4Addr>,
}

/// One list that was not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unknown {
    pub(super) list: String,
    /// As in `lists --health`; or `unknown-code`.
    pub(super) state: &'static str,
}

/// Its reverse name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Name {
    pub(super) state: Naming,
    /// Visible; at most four.
    pub(super) names: Vec<String>,
}

/// How good a reverse name is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Naming {
    /// A name of its own.
    Own,
    /// A name that a provider gives to everybody.
    Generic,
    /// No name.
    Missing,
    /// Not answered.
    Unknown,
}

impl Naming {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Generic => "generic",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// What else is asked about an address: its reverse name and the networks that announce it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Around {
    ptr: Name,
    asn: Option<Vec<u32>>,
}

impl Around {
    /// Asks.
    pub(super) async fn of(dns: &Dns, catalogue: &Catalogue, ip: IpAddr) -> Self {
        let (reply, origin) = futures::join!(dns.ask(Ask::new(Question::ptr(ip))), origin_of(dns, ip));
        let names: Vec<String> = reply.names().iter().map(plain).collect();
        let is_generic = |name: &String| {
            DomainName::parse(name).map_or(true, |name| generic_name(&name, ip, &catalogue.providers).is_some())
        };
        let state = match reply.answer {
            Answer::Data if names.iter().all(is_generic) => Naming::Generic,
            Answer::Data => Naming::Own,
            Answer::NoData | Answer::NxDomain => Naming::Missing,
            _ => Naming::Unknown,
        };
        let asn = origin.why.is_none().then_some(origin.asns);
        Self { ptr: Name { state, names: names.iter().take(4).map(|name| visible(name)).collect() }, asn }
    }
}

impl Standing {
    /// What `row`, about `lists`, and what was asked `around` it say together.
    pub(super) fn of(row: &Row, lists: &[Selected], around: Option<Around>) -> Self {
        let (mut listed, mut unknown, mut allowed) = (Vec::new(), Vec::new(), Vec::new());
        for (selected, word) in lists.iter().zip(&row.words) {
            let list = &selected.list;
            let is_allow = list.kind == Kind::Allow;
            let state = match &word.belief {
                Belief::Listed(_) if is_allow => {
                    allowed.push(list.id.clone());
                    continue;
                }
                Belief::Listed(hits) => {
                    let heaviest = hits.iter().map(|hit| hit.weight).max().unwrap_or(Weight::Info);
                    listed.push(Listing {
                        list: list.id.clone(),
                        weight: selected.weight.unwrap_or(heaviest),
                        scope: scope_word(list.scope),
                        policy: hits.iter().all(|hit| hit.policy),
                        codes: codes(hits),
                    });
                    continue;
                }
                Belief::Unknown(state, _) => state.word(),
                Belief::UnknownCode(_) => "unknown-code",
                Belief::NotListed | Belief::NotListing(_) | Belief::NotApplicable | Belief::Unverified => continue,
            };
            // That praise is not known takes nothing from anybody.
            if !is_allow {
                unknown.push(Unknown { list: list.id.clone(), state });
            }
        }
        let (ptr, asn) = around.map_or((None, None), |around| (Some(around.ptr), around.asn));
        let complete = unknown.is_empty() && ptr.as_ref().is_none_or(|ptr| ptr.state != Naming::Unknown);
        let own = listed.iter().filter(|listing| listing.scope == "ip").map(|listing| listing.weight).max();
        let verdict = match own {
            Some(Weight::Block) => Verdict::Blocked,
            Some(Weight::Warn) => Verdict::Listed,
            _ if !unknown.is_empty() => Verdict::Unknown,
            _ if !listed.is_empty() => Verdict::Noted,
            _ => Verdict::Clean,
        };
        Self { ip: row.ip, verdict, complete, listed, unknown, allowed, ptr, asn }
    }

    /// Smaller is better; of equals, whoever came first.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let weights = |scopes: &[&str]| {
            let among = self.listed.iter().filter(|listing| scopes.contains(&listing.scope));
            let mut weights: Vec<Reverse<Weight>> = among.map(|listing| Reverse(listing.weight)).collect();
            weights.sort();
            weights.into_iter().map(|Reverse(weight)| weight).collect::<Vec<_>>()
        };
        // Of two lists of weights the one with the heavier first is worse; then the longer one.
        let (own, around) = (weights(&["ip"]), weights(&["range", "as"]));
        let naming = self.ptr.as_ref().map(|ptr| ptr.state);
        (self.verdict, own, around, self.unknown.len(), naming)
    }

    /// Its line in a file of rows: ndjson.
    pub(super) fn json_line(&self) -> String {
        // Texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Its line in a file of rows: CSV.
    pub(super) fn csv_line(&self) -> String {
        let lists = |is_own: bool| {
            let wanted = self.listed.iter().filter(|listing| (listing.scope == "ip") == is_own);
            let one = |listing: &Listing| {
                let codes: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
                format!("{}={}", listing.list, codes.join("+"))
            };
            wanted.map(one).collect::<Vec<_>>().join(" ")
        };
        let unknown: Vec<String> = self.unknown.iter().map(|one| format!("{}={}", one.list, one.state)).collect();
        let asn = self.asn.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        spreadsheet::line([
            self.ip.to_string(),
            self.verdict.word().to_owned(),
            self.complete.to_string(),
            lists(true),
            lists(false),
            unknown.join(" "),
            self.allowed.join(" "),
            self.ptr.as_ref().map_or("", |ptr| ptr.state.word()).to_owned(),
            self.ptr.as_ref().map_or(String::new(), |ptr| ptr.names.join(" ")),
            asn,
        ])
    }
}

/// Whether the row on this line, ndjson or CSV, says that everything was measured.
pub(super) fn is_complete(line: &str) -> bool {
    if line.starts_with('{') {
        // Within a text the quotes would be escaped.
        line.contains("\"complete\":true")
    } else {
        line.split(',').nth(2) == Some("true")
    }
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Address => "ip",
        Scope::Range => "range",
        Scope::System => "as",
    }
}

fn codes(hits: &[crate::catalogue::Hit]) -> Vec<Ipv4Addr> {
    let mut codes: Vec<Ipv4Addr> = hits.iter().map(|hit| hit.code).collect();
    // Lists hand out their records in any order.
    codes.sort();
    codes.dedup();
    codes
}

/// The families that lists are asked about here.
pub(super) const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Hit, List};
    use crate::dnsbl::{State, Word};
    use crate::model::Value;

    fn lists() -> Vec<Selected> {
        let zone = |name: &str| DomainName::parse(name).unwrap();
        let list = |id: &str| List::custom(id, zone("bl.test"), &[Family::Ipv4], Weight::Block);
        let mut range = list("range");
        range.scope = Scope::Range;
        [list("one"), list("two"), range]
            .map(|list| Selected { list, weight: None, required: false, key: None, key_source: None })
            .to_vec()
    }

    fn listed(weight: Weight) -> Belief {
        let code = Ipv4Addr::new(127, 0, 0, 2);
        Belief::Listed(vec![Hit { code, meaning: Value::plain("x"), weight, policy: false }])
    }

    fn silent() -> Belief {
        Belief::Unknown(State::Silent, Value::plain("x"))
    }

    fn standing(last: u8, beliefs: [Belief; 3], naming: Naming) -> Standing {
        let words = beliefs.map(|belief| Word { lookup: None, belief }).to_vec();
        let row = Row { ip: [198, 51, 100, last].into(), words, ends_block: false };
        let ptr = Name { state: naming, names: vec!["=x,\"".to_owned()] };
        Standing::of(&row, &lists(), Some(Around { ptr, asn: Some(vec![64500]) }))
    }

    /// Lost if it fails: somebody would choose an address that is listed, or one of which nothing is known, over a clean one.
    #[test]
    fn the_best_come_first_and_silence_is_no_pass() {
        use Belief::NotListed as Clean;
        let mut all = [
            standing(0, [listed(Weight::Block), Clean, Clean], Naming::Own),
            standing(1, [listed(Weight::Block), listed(Weight::Warn), Clean], Naming::Own),
            standing(2, [listed(Weight::Warn), Clean, Clean], Naming::Own),
            standing(3, [silent(), silent(), Clean], Naming::Own),
            standing(4, [silent(), Clean, Clean], Naming::Own),
            standing(5, [Clean, Clean, listed(Weight::Block)], Naming::Own),
            standing(6, [listed(Weight::Info), Clean, Clean], Naming::Own),
            standing(7, [Clean, Clean, Clean], Naming::Unknown),
            standing(8, [Clean, Clean, Clean], Naming::Missing),
            standing(9, [Clean, Clean, Clean], Naming::Generic),
            standing(10, [Clean, Clean, Clean], Naming::Own),
        ];
        all.sort_by_key(Standing::rank);
        let order: Vec<String> = all
            .iter()
            .map(|one| format!("{} {}", one.ip.to_string().rsplit('.').next().unwrap(), one.verdict.word()))
            .collect();
        assert_eq!(
            order,
            [
                "10 clean",
                "9 clean",
                "8 clean",
                "7 clean",
                "5 noted",
                "6 noted",
                "4 unknown",
                "3 unknown",
                "2 listed",
                "0 blocked",
                "1 blocked"
            ]
        );
        assert_eq!(all.iter().filter(|one| !one.complete).count(), 3);
    }

    /// Lost if it fails: a resumed run would forget that something was not measured, or a spreadsheet run what a stranger wrote.
    #[test]
    fn lines_say_whether_they_are_complete_and_hold_no_formula() {
        use Belief::NotListed as Clean;
        for (standing, complete) in [
            (standing(1, [Clean, Clean, listed(Weight::Block)], Naming::Own), true),
            (standing(2, [Clean, silent(), Clean], Naming::Own), false),
        ] {
            assert_eq!(is_complete(&standing.json_line()), complete, "{}", standing.json_line());
            assert_eq!(is_complete(&standing.csv_line()), complete, "{}", standing.csv_line());
            assert_eq!(standing.csv_line().lines().count(), 1);
            assert!(standing.csv_line().ends_with(",own,\"'=x,\"\"\",64500"), "{}", standing.csv_line());
        }
        let line = standing(1, [Clean, silent(), listed(Weight::Block)], Naming::Missing).csv_line();
        assert!(line.starts_with("198.51.100.1,unknown,false,,range=127.0.0.2,two=silent,,missing,"), "{line}");
        assert_eq!(COLUMNS.split(',').count(), 10);
    }
}
