//! Which network announces an address, by Team Cymru's DNS service.

use std::net::IpAddr;

use hickory_proto::rr::{Name, RecordType};

use crate::model::{ObservationId, Value};
use crate::probe::{Answer, Ask, Dns, Question};

/// What is known of an address's announcement.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The AS numbers of the longest prefix; empty if nothing is known.
    pub asns: Vec<u32>,
    /// Why nothing is known.
    pub why: Option<Value>,
    /// The observations it rests on.
    pub evidence: Vec<ObservationId>,
    /// The name that was asked for.
    pub name: String,
}

/// Finds who announces `ip` (<https://www.team-cymru.com/ip-asn-mapping>).
pub async fn origin_of(dns: &Dns, ip: IpAddr) -> Announced {
    let name = origin_name(ip);
    let Ok(question) = Question::new(&name, RecordType::TXT) else {
        return Announced { asns: Vec::new(), why: None, evidence: Vec::new(), name };
    };
    let reply = dns.ask(Ask::new(question)).await;
    let asns = longest_prefix(&reply.texts());
    let why = match reply.answer {
        Answer::Data if !asns.is_empty() => None,
        Answer::Data => Some(Value::both("the answer is not understood", "応答を解釈できない")),
        Answer::NoData | Answer::NxDomain => {
            Some(Value::both("no network announces it", "広告しているネットワークがない"))
        }
        _ => Some(reply.why()),
    };
    Announced { asns, why, evidence: vec![reply.observation], name }
}

/// `25.113.0.203.origin.asn.cymru.com`, or its IPv6 twin with 32 nibbles.
fn origin_name(ip: IpAddr) -> String {
    let reversed = Name::from(ip).to_string();
    match ip {
        IpAddr::V4(_) => reversed.replace("in-addr.arpa.", "origin.asn.cymru.com."),
        IpAddr::V6(_) => reversed.replace("ip6.arpa.", "origin6.asn.cymru.com."),
    }
}

/// The AS numbers of the longest prefix among `AS[ AS…] | prefix | CC | registry | date` texts.
fn longest_prefix(texts: &[Vec<u8>]) -> Vec<u32> {
    let mut best: Option<(u8, Vec<u32>)> = None;
    for text in texts {
        let text = String::from_utf8_lossy(text);
        let mut fields = text.split('|').map(str::trim);
        let (Some(asns), Some(prefix)) = (fields.next(), fields.next()) else { continue };
        let Ok(prefix) = prefix.parse::<ipnet::IpNet>() else { continue };
        let asns: Vec<u32> = asns.split_whitespace().take(8).filter_map(|asn| asn.parse().ok()).collect();
        if !asns.is_empty() && best.as_ref().is_none_or(|(length, _)| prefix.prefix_len() > *length) {
            best = Some((prefix.prefix_len(), asns));
        }
    }
    best.map_or_else(Vec::new, |(_, asns)| asns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the remedy would name the wrong cloud when an address lies in two announcements.
    #[test]
    fn the_longest_prefix_wins() {
        let texts = [
            b"64500 | 203.0.112.0/22 | JP | apnic | 2020-01-01".to_vec(),
            b"64501 64502 | 203.0.113.0/24 | JP | apnic | 2020-01-01".to_vec(),
            b"garbage".to_vec(),
        ];
        assert_eq!(longest_prefix(&texts), [64501, 64502]);
        assert_eq!(longest_prefix(&[b"\xff | x".to_vec()]), Vec::<u32>::new());
    }

    /// Lost if it fails: the AS of every IPv6 address would be unknown.
    #[test]
    fn origin_names() {
        assert_eq!(origin_name("203.0.113.25".parse().unwrap()), "25.113.0.203.origin.asn.cymru.com.");
        assert!(origin_name("2001:db8::1".parse().unwrap()).ends_with("8.b.d.0.1.0.0.2.origin6.asn.cymru.com."));
    }
}
