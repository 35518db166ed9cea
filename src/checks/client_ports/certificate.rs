//! The certificate that mail programs see, and under which names they take it.

use std::net::IpAddr;

use futures::future::join_all;

use super::super::client_names::{Lead, leads};
use crate::check::Context;
use crate::model::{DomainName, ObservationId, Side, Text, Value};
use crate::plan::Service;
use crate::probe::{ChainFault, TlsSeen, Visit, is_for};
use crate::servers::{Talk, visit};

const NO_TLS_AGAIN: Text =
    Text { en: "TLS cannot be started under this name", ja: "この名前では TLS を開始できない" };

/// The names of so many domains are looked at.
const MOST_DOMAINS: usize = 10;

/// What mail programs think of a certificate, by the name that they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// When it must hold, for people.
    pub(super) at: String,
    /// What is wrong with it under any name.
    pub(super) chain: Option<ChainFault>,
    /// What is wrong with it under each name that leads here.
    pub(super) names: Vec<(DomainName, Option<Flaw>)>,
    /// Names under which it is not known, and why.
    pub(super) unknown: Vec<(DomainName, Value)>,
    /// What it rests on.
    pub(super) evidence: Vec<ObservationId>,
}

/// What is wrong under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// What is wrong under any name.
    Chain(ChainFault),
    /// It is for other names.
    OtherName,
}

/// The names that people type for a service, where they exist.
pub(super) async fn names(context: &Context, service: Service) -> Vec<(DomainName, Lead)> {
    let words: &[&str] = match service {
        Service::Smtp | Service::Submissions | Service::Submission => &["mail", "smtp"],
        Service::Imap | Service::Imaps => &["mail", "imap"],
        Service::Pop3 | Service::Pop3s => &["mail", "pop", "pop3"],
    };
    let below = |domain: &DomainName| words.iter().map(|word| format!("{word}.{domain}")).collect::<Vec<String>>();
    let domains = context.plan.domains.iter().take(MOST_DOMAINS);
    let found = join_all(domains.map(|domain| leads(context, domain, below(domain)))).await;
    let found = found.into_iter().flat_map(|(found, _)| found);
    found.filter_map(|(name, lead)| Some((DomainName::parse(&name).ok()?, lead))).collect()
}

/// What mail programs think of the certificate of an address.
pub(super) async fn show(
    context: &Context,
    service: Service,
    talk: &Talk<'_>,
    tls: &TlsSeen,
    names: &[(DomainName, Lead)],
) -> Shown {
    let address = talk.address;
    let at = match address.side {
        Side::Old => context.now,
        Side::New => context.now.max(context.plan.cutover_at),
    };
    let chain = context.smtp.chain_fault(&tls.chain, at);
    let mut shown = Shown { at: context.clock(at), chain, ..Shown::default() };
    let mut wanted: Vec<DomainName> = Vec::new();
    let mut ips: Vec<IpAddr> = vec![address.ip];
    if address.side == Side::New {
        wanted.push(context.plan.hostname.clone());
        ips.extend(context.plan.old.iter().map(|old| old.ip));
    }
    for (name, lead) in names.iter().filter(|(name, _)| *name != context.plan.hostname || address.side == Side::Old) {
        if !lead.among(&ips).is_empty() {
            wanted.push(name.clone());
            shown.evidence.extend(lead.evidence());
        } else if let Some(reply) = lead.failed().filter(|_| !covers(tls, name)) {
            shown.unknown.push((name.clone(), reply.why()));
            shown.evidence.extend(lead.evidence());
        }
    }
    for name in wanted {
        if covers(tls, &name) {
            let flaw = shown.chain.clone().map(Flaw::Chain);
            shown.names.push((name, flaw));
            continue;
        }
        // A server may have another certificate for each name (SNI, RFC 6066).
        let again = Visit { name: name.to_string(), ..visit(context, address, service).await };
        let session = context.smtp.visit(&again).await;
        shown.evidence.push(session.observation);
        match (session.tls_seen(), &session.stop) {
            (Some(tls), _) => {
                let chain = context.smtp.chain_fault(&tls.chain, at).map(Flaw::Chain);
                let flaw = chain.or((!covers(tls, &name)).then_some(Flaw::OtherName));
                shown.names.push((name, flaw));
            }
            (None, Some(stop)) => shown.unknown.push((name, stop.why())),
            (None, None) => shown.unknown.push((name, Value::from(NO_TLS_AGAIN))),
        }
    }
    shown
}

fn covers(tls: &TlsSeen, name: &DomainName) -> bool {
    tls.chain.first().is_some_and(|leaf| is_for(leaf, name))
}

impl Shown {
    /// The names under which something is wrong.
    pub(super) fn flawed(&self) -> impl Iterator<Item = (&DomainName, &Flaw)> {
        self.names.iter().filter_map(|(name, flaw)| Some((name, flaw.as_ref()?)))
    }

    /// Whether programs with this name in their settings take it; a name that does not lead there says nothing against it.
    pub(super) fn holds_for(&self, name: &DomainName) -> bool {
        match self.names.iter().find(|(known, _)| known == name) {
            Some((_, flaw)) => flaw.is_none(),
            None => self.chain.is_none(),
        }
    }

    /// The names under which programs reject it, and why; no names where none leads there.
    pub(super) fn rejected(&self) -> Option<(Vec<&DomainName>, Value)> {
        let (names, flaws): (Vec<&DomainName>, Vec<&Flaw>) = self.flawed().unzip();
        let any_name = self.chain.iter().filter(|_| self.names.is_empty());
        let mut chains: Vec<&ChainFault> = any_name.collect();
        for flaw in &flaws {
            match flaw {
                Flaw::Chain(fault) if !chains.contains(&fault) => chains.push(fault),
                Flaw::Chain(_) | Flaw::OtherName => {}
            }
        }
        let (mut en, mut ja): (Vec<String>, Vec<String>) = chains.into_iter().map(|fault| self.told(fault)).unzip();
        let others: Vec<&str> =
            self.flawed().filter(|(_, flaw)| **flaw == Flaw::OtherName).map(|(name, _)| name.as_str()).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            en.push(format!("it is not for {others}"));
            ja.push(format!("{others} を含まない"));
        }
        (!en.is_empty()).then(|| (names, Value::both(en.join("; "), ja.join("、"))))
    }

    /// A fault in English and Japanese.
    fn told(&self, fault: &ChainFault) -> (String, String) {
        let at = &self.at;
        match fault {
            ChainFault::Expired => (format!("it has expired by {at}"), format!("{at} の時点で期限が切れている")),
            ChainFault::NotYet => (format!("it is not valid yet at {at}"), format!("{at} の時点でまだ有効でない")),
            ChainFault::Untrusted => (
                "its chain leads to no trusted authority".to_owned(),
                "証明書チェーンを信頼された認証局までたどれない".to_owned(),
            ),
            ChainFault::Other(what) => (what.clone(), what.clone()),
        }
    }
}
