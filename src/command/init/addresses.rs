//! What is seen of an address: its name, its network, and how the server there greets.

use std::net::{IpAddr, SocketAddr};

use futures::future::join3;

use super::exchangers::both;
use crate::catalogue::{Catalogue, Provider};
use crate::model::{DomainName, Value, visible};
use crate::origin::{Announced, origin_of};
use crate::probe::{Answer, Ask, Depth, Dns, Protocol, Question, Smtp, Visit, plain};

/// An address, and what is seen of it.
pub(super) struct Seen {
    /// The address.
    pub(super) ip: IpAddr,
    /// The first name in its PTR records that can stand in a plan.
    pub(super) ptr: Option<DomainName>,
    /// The name that its server greets with.
    pub(super) greets_as: Option<DomainName>,
    /// Who announces it, if the catalogue knows.
    pub(super) provider: Option<&'static Provider>,
    /// All of that for people.
    pub(super) remarks: Vec<Value>,
    /// What was asked in vain.
    pub(super) unknown: Vec<Value>,
}

/// Looks at `ip`; its server's greeting is read if there is a door to it.
pub(super) async fn look(dns: &Dns, smtp: Option<&Smtp>, ip: IpAddr, name: &str) -> Seen {
    let visit = Visit {
        server: SocketAddr::new(ip, 25),
        protocol: Protocol::Smtp,
        implicit_tls: false,
        depth: Depth::Greeting,
        name: name.to_owned(),
        recipients: Vec::new(),
    };
    let greeting = async {
        match smtp {
            Some(smtp) => Some(smtp.visit(&visit).await),
            None => None,
        }
    };
    let (reply, origin, session) = join3(dns.ask(Ask::new(Question::ptr(ip))), origin_of(dns, ip), greeting).await;
    let mut seen = Seen { ip, ptr: None, greets_as: None, provider: None, remarks: Vec::new(), unknown: Vec::new() };
    match reply.answer {
        Answer::Data => {
            let names: Vec<String> = reply.names().iter().take(10).map(plain).collect();
            seen.remarks.push(Value::plain(format!("{ip} PTR {}", names.join(", "))));
            seen.ptr = names.iter().find_map(|name| DomainName::parse(name).ok());
        }
        Answer::NoData | Answer::NxDomain => {
            seen.remarks.push(Value::both(format!("{ip} has no PTR record"), format!("{ip} に PTR レコードがない")));
        }
        _ => seen.miss("PTR", &reply.why()),
    }
    seen.network(origin);
    if let Some(session) = session {
        match (&session.greeting, &session.stop) {
            (Some(greeting), _) => {
                let told = visible(&greeting.told());
                seen.remarks
                    .push(Value::both(format!("it greets with “{told}”"), format!("サーバーの挨拶は「{told}」")));
                let name = greeting.name().filter(|_| greeting.is_positive());
                seen.greets_as = name.and_then(|name| DomainName::parse(name).ok()).filter(DomainName::is_host_name);
            }
            (None, Some(stop)) => seen.miss("port 25", &stop.why()),
            (None, None) => {}
        }
    }
    seen
}

impl Seen {
    fn network(&mut self, origin: Announced) {
        let ip = self.ip;
        if let Some(why) = origin.why {
            self.miss("AS", &why);
            return;
        }
        self.provider = origin.asns.iter().find_map(|asn| Catalogue::embedded().by_asn(*asn));
        let asns = origin.asns.iter().map(|asn| format!("AS{asn}")).collect::<Vec<_>>().join(", ");
        let name = self.provider.map_or_else(String::new, |provider| format!(" ({})", provider.name));
        self.remarks.push(Value::both(
            format!("{ip} is announced by {asns}{name}"),
            format!("{ip} は {asns}{name} から広告されている"),
        ));
    }

    fn miss(&mut self, what: &str, why: &Value) {
        let ip = self.ip;
        let [en, ja] = both(why);
        self.unknown.push(Value::both(format!("{ip} {what}: not found: {en}"), format!("{ip} {what}: 不明: {ja}")));
    }
}
