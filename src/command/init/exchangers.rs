//! Where the mail of a domain goes today: its mail exchangers and their addresses.

use std::net::IpAddr;
use std::sync::Arc;

use futures::future::{join, join_all};

use crate::model::{DomainName, Value};
use crate::probe::{Answer, Ask, Dns, Question, QuestionName, RData, RecordType, Reply, plain};

/// So many mail exchangers of a domain are looked at.
const MOST_HOSTS: usize = 20;
/// So many addresses of one.
const MOST_ADDRESSES: usize = 32;

/// The domains that move: what belongs to them is one's own.
pub(super) struct Own(pub(super) Vec<DomainName>);

impl Own {
    /// Whether a name belongs to the organization of one of the domains.
    pub(super) fn holds(&self, name: &DomainName) -> bool {
        self.0.iter().any(|domain| {
            name.is_within(domain) || (name.registrable().is_some() && name.registrable() == domain.registrable())
        })
    }
}

/// Where the mail of a domain goes.
pub(super) struct Exchangers {
    /// By preference.
    pub(super) hosts: Vec<Exchanger>,
    /// Why there is none, or what is strange about those there are.
    pub(super) remarks: Vec<Value>,
    /// Whether the DNS said something definite.
    pub(super) is_known: bool,
}

/// A host that takes mail.
pub(super) struct Exchanger {
    /// Nothing if there is no MX record, and the domain takes its mail itself (RFC 5321, section 5.1).
    pub(super) preference: Option<u16>,
    /// Its name.
    pub(super) name: DomainName,
    /// Whether it belongs to one of the domains that move.
    pub(super) is_own: bool,
    /// Its addresses.
    pub(super) addresses: Vec<IpAddr>,
    /// Why some, or all, are not known.
    pub(super) unknown: Vec<Value>,
    /// Whether there are TLSA records for its port 25 (RFC 7672); nothing if that was not answered.
    pub(super) has_tlsa: Option<bool>,
}

impl Exchanger {
    /// `MX 10 mail.example.co.jp`, or `A of example.co.jp`.
    pub(super) fn told(&self) -> String {
        match self.preference {
            Some(preference) => format!("MX {preference} {}", self.name),
            None => format!("A/AAAA {}", self.name),
        }
    }
}

/// The answer to one question; nothing if the name cannot be asked for.
pub(super) async fn answer(dns: &Dns, name: impl Into<QuestionName>, rtype: RecordType) -> Option<Arc<Reply>> {
    let question = Question::new(name, rtype).ok()?;
    Some(dns.ask(Ask::new(question)).await)
}

/// Reads the mail exchangers of `domain`.
///
/// # Errors
/// That the domain does not exist.
pub(super) async fn exchangers(dns: &Dns, domain: &DomainName, own: &Own) -> Result<Exchangers, String> {
    let reply = answer(dns, domain, RecordType::MX).await;
    let Some(reply) = reply else { return Err(format!("{domain} cannot be asked for")) };
    let mut found = Exchangers { hosts: Vec::new(), remarks: Vec::new(), is_known: reply.is_definite() };
    let mut named: Vec<(Option<u16>, DomainName)> = Vec::new();
    match &reply.answer {
        Answer::NxDomain => {
            return Err(format!(
                "{domain} does not exist (NXDOMAIN); is it spelled right? If it is not published yet, give its zone file with --zone FILE"
            ));
        }
        Answer::NoData => {
            named.push((None, domain.clone()));
            found.remarks.push(Value::both(
                format!("{domain} has no MX record: senders take the addresses of the domain itself"),
                format!("{domain} に MX レコードがない。送信側はドメイン自身のアドレスへ配送する"),
            ));
        }
        Answer::Data => {
            for record in reply.records.iter().take(MOST_HOSTS) {
                let RData::MX(mx) = &record.data else { continue };
                if mx.exchange.is_root() {
                    found.remarks.push(Value::both(
                        format!("{domain} says with a null MX that it takes no mail (RFC 7505)"),
                        format!("{domain} は null MX でメールを受け取らないと宣言している (RFC 7505)"),
                    ));
                    continue;
                }
                let name = mx.exchange.to_ascii();
                match DomainName::parse(&name) {
                    Ok(name) => named.push((Some(mx.preference), name)),
                    Err(_) => found.remarks.push(Value::both(
                        format!("{domain} names a mail exchanger that is no host: {}", plain(&mx.exchange)),
                        format!("{domain} の MX にホスト名でない名前がある: {}", plain(&mx.exchange)),
                    )),
                }
            }
        }
        answer => {
            let [en, ja] = both(&answer.why());
            found
                .remarks
                .push(Value::both(format!("{domain} MX: not found: {en}"), format!("{domain} MX: 不明: {ja}")));
        }
    }
    named.sort();
    named.dedup();
    let hosts = named.into_iter().map(|(preference, name)| host(dns, preference, name, own));
    found.hosts = join_all(hosts).await;
    // The domain itself is its mail host only if it has addresses.
    found.hosts.retain(|host| host.preference.is_some() || !host.addresses.is_empty());
    Ok(found)
}

async fn host(dns: &Dns, preference: Option<u16>, name: DomainName, own: &Own) -> Exchanger {
    let addresses = join_all([RecordType::A, RecordType::AAAA].map(|rtype| answer(dns, &name, rtype)));
    let (replies, tlsa) = join(addresses, answer(dns, format!("_25._tcp.{name}"), RecordType::TLSA)).await;
    let mut host = Exchanger {
        preference,
        is_own: own.holds(&name),
        name,
        addresses: Vec::new(),
        unknown: Vec::new(),
        has_tlsa: tlsa.filter(|reply| reply.is_definite()).map(|reply| reply.answer == Answer::Data),
    };
    for reply in replies.into_iter().flatten() {
        let rtype = reply.question.rtype;
        if !reply.is_definite() {
            let [en, ja] = both(&reply.why());
            let name = &host.name;
            host.unknown
                .push(Value::both(format!("{name} {rtype}: not found: {en}"), format!("{name} {rtype}: 不明: {ja}")));
        }
        host.addresses.extend(reply.addresses().into_iter().map(|ip| ip.to_canonical()).take(MOST_ADDRESSES));
    }
    host.addresses.sort();
    host.addresses.dedup();
    if host.addresses.is_empty() && host.unknown.is_empty() && preference.is_some() {
        let name = &host.name;
        host.unknown.push(Value::both(format!("{name} has no address"), format!("{name} にアドレスがない")));
    }
    host
}

/// A value in English and in Japanese.
pub(super) fn both(value: &Value) -> [String; 2] {
    [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| value.in_lang(lang).to_owned())
}
