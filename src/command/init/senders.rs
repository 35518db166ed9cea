//! From where the mail of a domain may come today, by its SPF record: its own addresses apart from those of others' services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::exchangers::{Own, both};
use crate::inbound::authorised;
use crate::model::{DomainName, Value, visible};
use crate::probe::Dns;
use crate::records::spf::{DualCidr, Kind, Mechanism};
use crate::spf::{Branch, Evaluator};

/// Who may send.
#[derive(Default)]
pub(super) struct Senders {
    /// Single addresses in the domain's own records.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// What else the record says, and what it does not.
    pub(super) remarks: Vec<Value>,
    /// Whether there is a record.
    pub(super) has_record: bool,
}

/// Reads the SPF record of `domain`.
pub(super) async fn senders(dns: &Dns, domain: &DomainName, own: &Own) -> Senders {
    let survey = Evaluator::new(dns.clone()).survey(domain.as_str()).await;
    let mut senders = Senders::default();
    let mut root = survey.root;
    senders.has_record = root.record.is_some();
    match (&root.record, &root.problem) {
        (Some(record), _) => {
            let record = visible(record);
            senders
                .remarks
                .push(Value::both(format!("SPF of {domain}: {record}"), format!("{domain} の SPF: {record}")));
        }
        (None, Some(problem)) => {
            let [en, ja] = both(&problem.cause.why());
            senders.remarks.push(Value::both(
                format!("SPF of {domain}: not found: {en}"),
                format!("{domain} の SPF: 見つからない: {ja}"),
            ));
        }
        (None, None) => {}
    }
    prune(&mut root, own, &mut senders.remarks);
    // A missing record is told already.
    if root.record.is_some() {
        let sources = authorised(dns, &root).await;
        senders.addresses = sources.addresses;
        senders.remarks.extend(sources.unread.into_iter().chain(sources.unanswered));
        if !survey.is_complete {
            senders.remarks.push(Value::both(
                format!("SPF of {domain}: what it leads to could not all be read"),
                format!("{domain} の SPF: 参照先をすべては読めなかった"),
            ));
        }
    }
    senders
}

/// Takes out what names no single address of one's own, and says so.
fn prune(branch: &mut Branch, own: &Own, remarks: &mut Vec<Value>) {
    branch.leaves.retain_mut(|leaf| {
        if !leaf.can_be_reached {
            return false;
        }
        let term = visible(&leaf.term);
        let is_single = match &mut leaf.kind {
            Kind::Directive(_, Mechanism::Ip4(network)) => network.prefix_len() == network.max_prefix_len(),
            Kind::Directive(_, Mechanism::Ip6(network)) => network.prefix_len() == network.max_prefix_len(),
            Kind::Directive(_, Mechanism::A(_, cidr) | Mechanism::Mx(_, cidr)) => {
                std::mem::take(cidr) == DualCidr::default()
            }
            // What no mail is to come from is not missing.
            Kind::Directive(_, Mechanism::All) => return false,
            _ => true,
        };
        if !is_single {
            remarks.push(Value::both(
                format!("{term} is a whole network: write those of its addresses that mail really comes from"),
                format!("{term} はネットワーク全体を指す。実際にメールを送信するアドレスだけを書く"),
            ));
        }
        // The host that `a:` or `mx:` names.
        let host = leaf.term.split_once(':').map(|(_, name)| name.split('/').next().unwrap_or(name));
        if let (Kind::Directive(_, Mechanism::A(Some(_), _) | Mechanism::Mx(Some(_), _)), Some(host)) = (&leaf.kind, host)
            && DomainName::parse(host).is_ok_and(|name| !own.holds(&name))
        {
            remarks.push(Value::both(
                format!("{term} is another organization's host; if it is your old server, add its address"),
                format!("{term} は他組織のホストである。旧サーバーであれば、そのアドレスを加える"),
            ));
            return false;
        }
        if let Some(inner) = &mut leaf.inner {
            if DomainName::parse(&inner.domain).is_ok_and(|name| own.holds(&name)) {
                prune(inner, own, remarks);
                return true;
            }
            remarks.push(Value::both(
                format!("{term} is a service of another organization, which sends for you; if it does not move, nothing is to be done"),
                format!("{term} は他組織の送信サービスである。移行しないなら何もしなくてよい"),
            ));
            return false;
        }
        is_single || matches!(leaf.kind, Kind::Directive(_, Mechanism::A(..) | Mechanism::Mx(..)))
    });
}
