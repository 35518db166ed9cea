//! Whose a client is: a partner of the plan, the domain in whose name it sends, or its network's.

use std::net::IpAddr;

use super::log::Client;
use super::partner::{Sources, is_domain_of};
use crate::model::DomainName;
use crate::plan::Partner;

/// A client that sends for more companies than this belongs to none of them: it is a provider's.
const MOST_COMPANIES: usize = 3;

/// The partners of the plan, with where their mail comes from.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// In the order of the plan.
    pub partners: Vec<(Partner, Sources)>,
}

impl Owners {
    /// The partner of the plan whose client this is: by its address, else by the domain in whose name it sends most.
    pub fn planned(&self, ip: IpAddr, client: Option<&Client>) -> Option<&Partner> {
        let by_address = self.partners.iter().find(|(_, sources)| sources.holds(ip));
        let by_domain = || {
            let most = client.and_then(most_used).and_then(|domain| DomainName::parse(domain).ok())?;
            self.partners.iter().find(|(partner, _)| is_domain_of(partner, &most))
        };
        by_address.or_else(by_domain).map(|(partner, _)| partner)
    }
}

/// A name for a client of nobody whom the plan names: the domain in whose name it sends most; that of its host name, if it sends for
/// many; else its address.
pub fn name_of(ip: IpAddr, client: Option<&Client>, host: Option<&DomainName>) -> String {
    let registrable =
        |domain: &str| DomainName::parse(domain).ok().map(|name| name.registrable().unwrap_or(name).to_string());
    let mut companies: Vec<String> = Vec::new();
    if let Some(client) = client {
        companies = by_messages(client).into_iter().filter_map(registrable).collect();
        // The most used one stays in front.
        let mut seen = std::collections::HashSet::new();
        companies.retain(|company| seen.insert(company.clone()));
    }
    let provider = companies.len() > MOST_COMPANIES || client.is_some_and(|client| client.other_domains > 0);
    let host = host.and_then(|host| registrable(host.as_str()));
    match companies.into_iter().next() {
        Some(company) if !provider => company,
        company => host.or(company).unwrap_or_else(|| ip.to_string()),
    }
}

/// Its sender domains, most messages first; bounces have none.
pub fn by_messages(client: &Client) -> Vec<&str> {
    let mut domains: Vec<&(String, u64)> = client.domains.iter().filter(|(domain, _)| domain != "<>").collect();
    domains.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    domains.into_iter().map(|(domain, _)| domain.as_str()).collect()
}

fn most_used(client: &Client) -> Option<&str> {
    by_messages(client).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(domains: &[(&str, u64)], other_domains: u64) -> Client {
        let domains = domains.iter().map(|(domain, count)| ((*domain).to_owned(), *count)).collect();
        Client { domains, other_domains, ..Client::default() }
    }

    /// Lost if it fails: a partner's refused mail would stand under a name that nobody knows.
    #[test]
    fn clients_are_named_after_whom_they_send_for() {
        let ip: IpAddr = "192.0.2.7".parse().unwrap();
        let host = DomainName::parse("mx7.bigmail.example").unwrap();
        let many = [("a.com", 9), ("b.com", 8), ("c.com", 7), ("d.com", 1)];
        for (client, host, expected) in [
            (Some(client(&[("<>", 50), ("mail.supplier.co.jp", 3), ("b.com", 2)], 0)), Some(&host), "supplier.co.jp"),
            (Some(client(&many, 0)), Some(&host), "bigmail.example"),
            (Some(client(&many, 0)), None, "a.com"),
            (Some(client(&[("a.com", 9)], 40)), Some(&host), "bigmail.example"),
            (Some(client(&[("<>", 1)], 0)), None, "192.0.2.7"),
            (None, Some(&host), "bigmail.example"),
        ] {
            assert_eq!(name_of(ip, client.as_ref(), host), expected);
        }
    }

    /// Lost if it fails: an important partner's client would count as a stranger's.
    #[test]
    fn partners_of_the_plan_are_known_by_address_and_by_domain() {
        let partner = |name: &str, domain: &str| Partner {
            name: name.to_owned(),
            domain: DomainName::parse(domain).ok(),
            ips: Vec::new(),
            vip: true,
        };
        let by_network = Sources { networks: ["198.51.100.0/24".parse().unwrap()].into(), ..Sources::default() };
        let owners =
            Owners { partners: vec![(partner("A", "a.com"), Sources::default()), (partner("B", "b.com"), by_network)] };
        let found = |ip: &str, client: Option<&Client>| {
            owners.planned(ip.parse().unwrap(), client).map(|partner| partner.name.as_str())
        };
        assert_eq!(found("198.51.100.9", None), Some("B"));
        assert_eq!(found("192.0.2.1", Some(&client(&[("news.a.com", 2), ("c.com", 1)], 0))), Some("A"));
        assert_eq!(found("192.0.2.1", Some(&client(&[("nota.com", 2)], 0))), None);
        assert_eq!(found("192.0.2.1", None), None);
    }
}
