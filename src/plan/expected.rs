//! What the plan wants to be published after the cutover: MX, the addresses of its mail hosts, the names of its new addresses.

use std::net::IpAddr;

use super::Plan;
use crate::model::Expected;

impl Plan {
    /// The records that the plan names; what it says nothing of is not among them.
    pub fn expected(&self) -> Vec<Expected> {
        let mut found: Vec<Expected> = Vec::new();
        let mut add = |name: String, rtype: &str, values: Vec<String>| {
            if !values.is_empty() {
                found.push(Expected { name, rtype: rtype.to_owned(), values });
            }
        };
        for domain in &self.domains {
            let records = self.planned_mx(domain).into_iter();
            let values = records.map(|record| format!("{} {}.", record.preference, record.host)).collect();
            add(domain.to_string(), "MX", values);
        }
        for host in self.mail_hosts() {
            let receivers = self.new.iter().filter(|address| address.receives && address.ptr == host);
            let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = receivers.map(|address| address.ip).partition(IpAddr::is_ipv4);
            let all = |addresses: Vec<IpAddr>| addresses.iter().map(ToString::to_string).collect();
            add(host.to_string(), "A", all(v4));
            add(host.to_string(), "AAAA", all(v6));
        }
        for address in &self.new {
            let reverse = hickory_proto::rr::Name::from(address.ip).to_string();
            add(reverse.trim_end_matches('.').to_owned(), "PTR", vec![format!("{}.", address.ptr)]);
        }
        found
    }
}
