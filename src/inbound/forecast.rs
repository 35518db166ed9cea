//! What the new server will do to everybody who sends to us, partner by partner, worst first; pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::judgement::{Fate, Refusal};
use crate::model::{Value, Verdict};

/// Seconds of a week.
const WEEK: i64 = 7 * 24 * 3600;
/// A log of less than a day says nothing about a week; it counts as a day.
const SHORTEST: i64 = 24 * 3600;

/// One client and what becomes of its mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Its address.
    pub ip: IpAddr,
    /// Whose it is.
    pub partner: String,
    /// Its name in the reverse tree, as far as it was asked for; visible.
    pub name: Option<String>,
    /// Messages that the log has of it; 0 if it is known from the plan only.
    pub messages: u64,
    /// Of these, how many would be refused.
    pub refused: u64,
    /// Of these, of how many it is not known.
    pub unknown: u64,
    /// When it was last seen, in seconds since 1970.
    pub last_seen: Option<i64>,
    /// The domains in whose name it sent, most messages first; visible.
    pub domains: Vec<String>,
    /// The worst that becomes of its mail.
    pub fate: Fate,
    /// Refusals that would only be logged.
    pub only_logged: Vec<Refusal>,
}

/// How bad a fate is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Accepted.
    Taken,
    /// Not known.
    Unknown,
    /// Put off until the sender gives up.
    PutOff,
    /// Refused.
    Refused,
}

impl Severity {
    /// That of a fate.
    pub fn of(fate: &Fate) -> Self {
        match fate {
            Fate::Accepted => Self::Taken,
            Fate::Unknown { .. } => Self::Unknown,
            Fate::Refused(refusal) if refusal.is_temporary() => Self::PutOff,
            Fate::Refused(_) => Self::Refused,
        }
    }

    /// The word for it in JSON and CSV.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "accepted",
            Self::Unknown => "unknown",
            Self::PutOff => "deferred",
            Self::Refused => "refused",
        }
    }
}

/// Everybody who belongs together.
#[derive(Clone, Debug, PartialEq)]
pub struct Partner {
    /// The plan's name for it; else the domain in whose name it sends, the domain of its servers, or its address.
    pub name: String,
    /// Refusing it stops the cutover.
    pub vip: bool,
    /// Whether the plan names it.
    pub is_planned: bool,
    /// Its clients, worst first.
    pub clients: Vec<Forecast>,
    /// What of it cannot be judged: large networks, parts of its SPF record, questions without an answer.
    pub not_judged: Vec<Value>,
    /// Whether a question about where its mail comes from was not answered.
    pub is_open: bool,
}

/// A partner as the plan names it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Refusing it stops the cutover.
    pub vip: bool,
    /// As in [`Partner::not_judged`].
    pub not_judged: Vec<Value>,
    /// As in [`Partner::is_open`].
    pub is_open: bool,
}

impl Partner {
    /// The worst that becomes of its mail; an unknown if there is nothing to judge.
    pub fn worst(&self) -> Severity {
        self.clients.iter().map(|client| Severity::of(&client.fate)).max().unwrap_or(Severity::Unknown)
    }

    /// Messages in the log, those that would be refused or put off, and those of which it is not known.
    pub fn messages(&self) -> (u64, u64, u64) {
        let sum = |part: fn(&Forecast) -> u64| self.clients.iter().map(part).sum();
        (sum(|client| client.messages), sum(|client| client.refused), sum(|client| client.unknown))
    }

    /// Clients with this fate.
    pub fn count(&self, severity: Severity) -> usize {
        self.clients.iter().filter(|client| Severity::of(&client.fate) == severity).count()
    }

    /// The rules that refuse its clients, each once, with the number of clients, most first.
    pub fn rules(&self) -> Vec<(&Refusal, usize)> {
        let mut rules: Vec<(&Refusal, usize)> = Vec::new();
        for refusal in self.clients.iter().filter_map(|client| client.fate.refusal()) {
            match rules.iter_mut().find(|(known, _)| known.rule == refusal.rule) {
                Some((_, count)) => *count += 1,
                None => rules.push((refusal, 1)),
            }
        }
        rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rules
    }
}

/// Puts forecasts together by partner, worst first: refused before put off before unknown, important ones before others, then by
/// messages that would be lost. The partners of the plan appear even without a client.
pub fn by_partner(forecasts: Vec<Forecast>, planned: Vec<Planned>) -> Vec<Partner> {
    let mut partners: BTreeMap<String, Partner> = BTreeMap::new();
    for Planned { name, vip, not_judged, is_open } in planned {
        let partner = Partner { name: name.clone(), vip, is_planned: true, clients: Vec::new(), not_judged, is_open };
        partners.insert(name, partner);
    }
    for forecast in forecasts {
        let new = || Partner {
            name: forecast.partner.clone(),
            vip: false,
            is_planned: false,
            clients: Vec::new(),
            not_judged: Vec::new(),
            is_open: false,
        };
        partners.entry(forecast.partner.clone()).or_insert_with(new).clients.push(forecast);
    }
    let mut partners: Vec<Partner> = partners.into_values().collect();
    for partner in &mut partners {
        partner.clients.sort_by(|one, other| {
            let key =
                |client: &Forecast| (Severity::of(&client.fate), client.refused.max(client.unknown), client.messages);
            key(other).cmp(&key(one)).then(one.ip.cmp(&other.ip))
        });
    }
    partners.sort_by(|one, other| {
        let key = |partner: &Partner| {
            let (all, refused, unknown) = partner.messages();
            (partner.worst(), partner.vip, refused, unknown, all)
        };
        key(other).cmp(&key(one)).then_with(|| one.name.cmp(&other.name))
    });
    partners
}

/// Messages per week, of `messages` within `seconds`; nothing where the log had no times.
pub fn per_week(messages: u64, seconds: Option<i64>) -> Option<u64> {
    let seconds = u64::try_from(seconds?.max(SHORTEST)).ok()?;
    let week = u64::try_from(WEEK).ok()?;
    // Rounded up: one message in three weeks is still mail that bounces.
    Some(u64::try_from((u128::from(messages) * u128::from(week)).div_ceil(u128::from(seconds))).unwrap_or(u64::MAX))
}

/// May we switch, as far as our partners' mail goes? A refused important partner stops it; what is not known of one that the plan
/// names holds it; other refusals and unknowns are warnings. Nobody to judge holds it.
pub fn verdict(partners: &[Partner]) -> Verdict {
    let of = |partner: &Partner| {
        let of_client = |severity| match severity {
            Severity::Refused | Severity::PutOff if partner.vip => Verdict::NoGo,
            Severity::Unknown if partner.vip || partner.is_planned => Verdict::Hold,
            Severity::Taken if partner.vip && !partner.not_judged.is_empty() => Verdict::GoWithWarnings,
            Severity::Taken => Verdict::Go,
            Severity::Refused | Severity::PutOff | Severity::Unknown => Verdict::GoWithWarnings,
        };
        // A partner of whom one client is refused may have another that is not known: a refusal hides no unknown.
        let clients = partner.clients.iter().map(|client| Severity::of(&client.fate));
        let nobody = partner.clients.is_empty().then_some(Severity::Unknown);
        let open = partner.is_open.then_some(Severity::Unknown);
        clients.chain(nobody).chain(open).map(of_client).max().unwrap_or(Verdict::Hold)
    };
    let judged = partners.iter().flat_map(|partner| &partner.clients);
    let nothing_known = judged.clone().all(|client| Severity::of(&client.fate) == Severity::Unknown);
    let worst = partners.iter().map(of).max().unwrap_or(Verdict::Hold);
    if nothing_known { worst.max(Verdict::Hold) } else { worst }
}

impl Fate {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judgement::Rule;
    use super::*;

    fn forecast(ip: &str, partner: &str, messages: u64, fate: Fate) -> Forecast {
        let refused = if fate.refusal().is_some() { messages } else { 0 };
        let unknown = if matches!(fate, Fate::Unknown { .. }) { messages } else { 0 };
        Forecast {
            ip: ip.parse().unwrap(),
            partner: partner.to_owned(),
            name: None,
            messages,
            refused,
            unknown,
            last_seen: None,
            domains: Vec::new(),
            fate,
            only_logged: Vec::new(),
        }
    }

    fn planned(name: &str, vip: bool) -> Planned {
        Planned { name: name.to_owned(), vip, not_judged: Vec::new(), is_open: false }
    }

    fn refused(reply: u16) -> Fate {
        let rule =
            Rule { section: String::new(), written: "reject_rbl_client bl.test".to_owned(), place: None, zone: None };
        Fate::Refused(Refusal { rule, codes: Vec::new(), reply, enhanced: None, text: String::new() })
    }

    fn unknown() -> Fate {
        Fate::Unknown { why: Value::plain("silent"), then: Box::new(Fate::Accepted) }
    }

    /// Lost if it fails: the partner who loses most would stand at the end of a long table.
    #[test]
    fn the_worst_comes_first() {
        let forecasts = vec![
            forecast("192.0.2.1", "fine", 900, Fate::Accepted),
            forecast("192.0.2.2", "few", 3, refused(554)),
            forecast("192.0.2.3", "many", 70, refused(554)),
            forecast("192.0.2.4", "many", 500, Fate::Accepted),
            forecast("192.0.2.5", "later", 800, refused(450)),
            forecast("192.0.2.6", "dark", 1000, unknown()),
            forecast("192.0.2.7", "dear", 1, refused(554)),
        ];
        let planned = vec![planned("dear", true), planned("absent", false)];
        let names: Vec<String> = by_partner(forecasts, planned).into_iter().map(|partner| partner.name).collect();
        assert_eq!(names, ["dear", "many", "few", "later", "dark", "absent", "fine"]);
    }

    /// Lost if it fails: a cutover that loses an important partner, or of which nothing is known, would be a GO.
    #[test]
    fn verdicts() {
        let with = |fate: &Fate, planned_if: Option<bool>| {
            let fate = fate.clone();
            let planned = planned_if.map(|vip| planned("a", vip)).into_iter().collect();
            let others = forecast("192.0.2.9", "b", 5, Fate::Accepted);
            verdict(&by_partner(vec![forecast("192.0.2.1", "a", 5, fate), others], planned))
        };
        // An important partner, another one of the plan, and one that only the log knows.
        let table = [
            (Fate::Accepted, [Verdict::Go; 3]),
            (refused(554), [Verdict::NoGo, Verdict::GoWithWarnings, Verdict::GoWithWarnings]),
            (refused(450), [Verdict::NoGo, Verdict::GoWithWarnings, Verdict::GoWithWarnings]),
            (unknown(), [Verdict::Hold, Verdict::Hold, Verdict::GoWithWarnings]),
        ];
        for (fate, expected) in table {
            assert_eq!([Some(true), Some(false), None].map(|planned| with(&fate, planned)), expected, "{fate:?}");
        }
        assert_eq!(verdict(&[]), Verdict::Hold);
        let dark = by_partner(vec![forecast("192.0.2.1", "a", 5, unknown())], Vec::new());
        assert_eq!(verdict(&dark), Verdict::Hold);
        let nobody = by_partner(Vec::new(), vec![planned("a", false)]);
        assert_eq!(verdict(&nobody), Verdict::Hold);
        // A refusal of one client hides no silence about another, nor does a taken one about where mail comes from.
        let mixed = vec![forecast("192.0.2.1", "a", 5, refused(554)), forecast("192.0.2.2", "a", 5, unknown())];
        assert_eq!(verdict(&by_partner(mixed.clone(), vec![planned("a", false)])), Verdict::Hold);
        assert_eq!(verdict(&by_partner(mixed.clone(), vec![planned("a", true)])), Verdict::NoGo);
        assert_eq!(verdict(&by_partner(mixed, Vec::new())), Verdict::GoWithWarnings);
        let open = vec![Planned { is_open: true, ..planned("a", false) }];
        assert_eq!(verdict(&by_partner(vec![forecast("192.0.2.1", "a", 5, Fate::Accepted)], open)), Verdict::Hold);
    }

    /// Lost if it fails: a year's log would be read as a week's.
    #[test]
    fn weeks() {
        let day = 24 * 3600;
        assert_eq!(per_week(10, Some(70 * day)), Some(1));
        assert_eq!(per_week(1, Some(70 * day)), Some(1));
        assert_eq!(per_week(0, Some(70 * day)), Some(0));
        assert_eq!(per_week(10, Some(60)), Some(70));
        assert_eq!(per_week(10, None), None);
    }
}
