//! A record changed: what to publish so that addresses pass, or pass no more.

use std::net::IpAddr;

use super::Record;
use super::term::{Kind, Mechanism, Modifier, Term};

/// The term that lets `ip` pass and nobody else: `ip4:192.0.2.25`.
fn term_for(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("ip4:{ip}"),
        IpAddr::V6(ip) => format!("ip6:{ip}"),
    }
}

/// A record for a name that has none: `ips` pass, and `rest` is what happens to the others, such as `-all`.
pub fn fresh(ips: &[IpAddr], rest: &str) -> String {
    format!("v=spf1 {}{rest}", terms_for(ips))
}

impl Record {
    /// This record with `ips` passing too. Their terms stand in front of the first `all` or `redirect=`, and in front of the
    /// term at `before` if that comes earlier; terms that stood for one of them alone are not kept beside them.
    pub fn allowing(&self, ips: &[IpAddr], before: Option<usize>) -> String {
        let is_end = |term: &Term| {
            matches!(term.kind, Kind::Directive(_, Mechanism::All) | Kind::Modifier(Modifier::Redirect(_)))
        };
        let end = self.terms.iter().position(is_end);
        let place = end.into_iter().chain(before).min().unwrap_or(self.terms.len()).min(self.terms.len());
        let (left, right) = self.terms.split_at(place);
        let keep =
            |terms: &[Term]| terms.iter().filter(|term| !stands_for(term, ips)).map(|term| term.text.clone()).collect();
        let (left, right): (Vec<String>, Vec<String>) = (keep(left), keep(right));
        self.of(left.into_iter().chain(ips.iter().map(|ip| term_for(*ip))).chain(right))
    }

    /// This record without the terms that stand for one of `ips` alone; nothing if it has none.
    pub fn without(&self, ips: &[IpAddr]) -> Option<String> {
        let kept: Vec<&Term> = self.terms.iter().filter(|term| !stands_for(term, ips)).collect();
        (kept.len() < self.terms.len()).then(|| self.of(kept.into_iter().map(|term| term.text.clone())))
    }

    /// A record of the same version with other terms.
    fn of(&self, terms: impl Iterator<Item = String>) -> String {
        let version = self.text[..super::VERSION.len()].to_owned();
        std::iter::once(version).chain(terms).collect::<Vec<_>>().join(" ")
    }
}

/// Whether `term` is about one of `ips` and no other address.
fn stands_for(term: &Term, ips: &[IpAddr]) -> bool {
    match term.kind {
        Kind::Directive(_, Mechanism::Ip4(network)) => {
            network.prefix_len() == 32 && ips.contains(&IpAddr::V4(network.addr()))
        }
        Kind::Directive(_, Mechanism::Ip6(network)) => {
            network.prefix_len() == 128 && ips.contains(&IpAddr::V6(network.addr()))
        }
        _ => false,
    }
}

/// The terms with a space behind each.
fn terms_for(ips: &[IpAddr]) -> String {
    ips.iter().map(|ip| term_for(*ip) + " ").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Lost if it fails: the record that people are told to publish would not let the new server pass.
    #[test]
    fn addresses_are_put_where_they_count() {
        for (record, before, expected) in [
            ("v=spf1 mx -all", None, "v=spf1 mx ip4:192.0.2.1 ip6:2001:db8::1 -all"),
            ("V=SPF1  a  ~ALL", None, "V=SPF1 a ip4:192.0.2.1 ip6:2001:db8::1 ~ALL"),
            ("v=spf1 mx redirect=b.test", None, "v=spf1 mx ip4:192.0.2.1 ip6:2001:db8::1 redirect=b.test"),
            ("v=spf1 exp=e.test mx ?all x=y", None, "v=spf1 exp=e.test mx ip4:192.0.2.1 ip6:2001:db8::1 ?all x=y"),
            (
                "v=spf1 a -ip4:192.0.2.0/24 mx -all",
                Some(1),
                "v=spf1 a ip4:192.0.2.1 ip6:2001:db8::1 -ip4:192.0.2.0/24 mx -all",
            ),
            ("v=spf1 -all mx", Some(1), "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all mx"),
            (
                "v=spf1 include:b.test -ip4:192.0.2.1 ip4:192.0.2.0/24 -all",
                Some(0),
                "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 include:b.test ip4:192.0.2.0/24 -all",
            ),
            ("v=spf1 mx ", None, "v=spf1 mx ip4:192.0.2.1 ip6:2001:db8::1"),
            ("v=spf1", None, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1"),
        ] {
            let parsed = Record::parse(record.as_bytes()).unwrap();
            let amended = parsed.allowing(&ips(&["192.0.2.1", "2001:db8::1"]), before);
            assert_eq!(amended, expected, "{record}");
            assert!(Record::parse(amended.as_bytes()).is_ok(), "{amended}");
        }
        assert_eq!(fresh(&ips(&["::ffff:192.0.2.1"]), "-all"), "v=spf1 ip4:192.0.2.1 -all");
    }

    /// Lost if it fails: cleaning up after the move would take more out of the record than the old address.
    #[test]
    fn only_the_address_itself_is_taken_out() {
        let without =
            |record: &str| Record::parse(record.as_bytes()).unwrap().without(&ips(&["192.0.2.1", "2001:db8::1"]));
        let record = "v=spf1 ip4:192.0.2.1 mx ip6:2001:DB8:0::1 ip4:192.0.2.1/32 ip4:192.0.2.0/24 -all";
        assert_eq!(without(record).as_deref(), Some("v=spf1 mx ip4:192.0.2.0/24 -all"));
        assert_eq!(without("v=spf1 ip4:192.0.2.1").as_deref(), Some("v=spf1"));
        assert_eq!(without("v=spf1 mx -all"), None);
    }
}
