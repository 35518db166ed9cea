//! A policy of which nothing is known but the zones it asks: those of the plan, in the plan's order.

use std::net::IpAddr;

use super::judgement::{About, AskedZone, Caller, Facts, Fate, Judgement, Refusal, Rule};
use crate::catalogue::{Answer, Family, Target, classify};
use crate::dnsbl::{Enforced, Lookup};
use crate::model::{Lang, Value};

/// Lists that the new server asks about every client, and refuses those that are on one.
#[derive(Clone, Debug)]
pub struct Zones {
    enforced: Vec<Enforced>,
}

impl Zones {
    /// The policy of `[inbound_dnsbl] zones`.
    pub fn new(enforced: Vec<Enforced>) -> Self {
        Self { enforced }
    }

    /// Whom it asks about what.
    pub fn asked_zones(&self) -> Vec<AskedZone> {
        let zone = |enforced: &Enforced| AskedZone { zone: enforced.written.clone(), about: About::Client };
        self.enforced.iter().map(zone).collect()
    }

    /// What becomes of `caller`: refused by the first list that lists it.
    pub fn judge(&self, caller: &Caller, facts: &Facts) -> Judgement {
        let mut unknown = None;
        for enforced in &self.enforced {
            match said(enforced, caller.ip, facts) {
                Said::Nothing => {}
                Said::Listed(refusal) => return Judgement { fate: Fate::Refused(refusal), only_logged: Vec::new() },
                Said::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        let fate = match unknown {
            None => Fate::Accepted,
            Some(why) => Fate::Unknown { why, then: Box::new(Fate::Accepted) },
        };
        Judgement { fate, only_logged: Vec::new() }
    }
}

enum Said {
    Nothing,
    Listed(Refusal),
    Unknown(Value),
}

fn said(enforced: &Enforced, ip: IpAddr, facts: &Facts) -> Said {
    let zone = &enforced.written;
    let Some(selected) = &enforced.selected else {
        return Said::Unknown(Value::both(format!("{zone} is no zone"), format!("{zone} はゾーンの名前ではない")));
    };
    let family = Family::of(ip);
    let target = Target::Ip(ip);
    if selected.list.query_name(&target, selected.key.as_deref()).is_err() && selected.wants_key().is_none() {
        return Said::Nothing;
    }
    match facts.zones.get(&(zone.clone(), target)) {
        // Nobody answers for a list that was closed; that it is still asked is a finding of its own.
        None if enforced.retired.is_some() => Said::Nothing,
        None => Said::Unknown(Value::both(
            format!("{zone} could not be asked from here"),
            format!("ここから {zone} に問い合わせできない"),
        )),
        Some(Lookup::Absent) => Said::Nothing,
        Some(Lookup::Failed(answer)) => {
            let why = answer.why();
            Said::Unknown(Value::both(
                format!("{zone}: {}; mail servers let through what a list does not answer", why.in_lang(Lang::En)),
                format!("{zone}: {}。応答がないとき、メールサーバーは受け入れる", why.in_lang(Lang::Ja)),
            ))
        }
        Some(Lookup::Addresses(codes)) => match classify(&selected.list, family, codes) {
            Answer::Listed(_) | Answer::UnknownCode(_) => Said::Listed(Refusal {
                rule: Rule {
                    section: "inbound_dnsbl".to_owned(),
                    written: zone.clone(),
                    place: None,
                    zone: Some(zone.clone()),
                },
                codes: codes.clone(),
                reply: 554,
                enhanced: Some("5.7.1".to_owned()),
                text: format!("Service unavailable; Client host [{ip}] blocked using {zone}"),
            }),
            Answer::NotListing(_) => Said::Nothing,
            Answer::Refused { code, .. } | Answer::Broken { address: code } => Said::Unknown(Value::both(
                format!("{zone} answered {code}, which is no listing; a rule without return codes refuses everybody"),
                format!(
                    "{zone} が {code} を返した。これは登録ではないが、戻りコードのない設定ではすべての相手が拒否される"
                ),
            )),
        },
    }
}
