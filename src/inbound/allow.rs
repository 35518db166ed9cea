//! Entries that let refused clients through, ready to paste into the new server's configuration.

use std::fmt::Write as _;

use super::forecast::{Partner, Severity};

/// A mail server for which entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A `cidr:` table for `check_client_access` and `postscreen_access_list` (cidr_table(5)).
    Postfix,
    /// A file for a host list: one address or network a line (Exim specification, section 10.11).
    Exim,
}

impl Dialect {
    /// The table for all clients of `partners` that would be refused or put off, worst partner first, with the partner's name as a
    /// comment; empty if there is none.
    pub fn table(self, partners: &[Partner]) -> String {
        let mut text = String::new();
        for partner in partners {
            let refused = partner
                .clients
                .iter()
                .filter(|client| Severity::of(&client.fate) >= Severity::PutOff)
                .map(|client| client.ip);
            for (index, ip) in refused.enumerate() {
                if index == 0 {
                    // A name from a log is visible already, but a line end in it would begin an entry.
                    let _ = writeln!(text, "# {}", partner.name.replace(['\n', '\r'], " "));
                }
                let _ = match self {
                    Self::Postfix => writeln!(text, "{ip}/{} permit", if ip.is_ipv4() { 32 } else { 128 }),
                    Self::Exim => writeln!(text, "{ip}"),
                };
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::forecast::{Forecast, by_partner};
    use super::super::judgement::{Fate, Refusal, Rule};
    use super::*;

    /// Lost if it fails: what is pasted would let a stranger through, or not the partner.
    #[test]
    fn only_refused_clients_are_let_through() {
        let rule = Rule { section: String::new(), written: String::new(), place: None, zone: None };
        let refusal = Refusal { rule, codes: Vec::new(), reply: 554, enhanced: None, text: String::new() };
        let client = |ip: &str, partner: &str, fate: Fate| Forecast {
            ip: ip.parse().unwrap(),
            partner: partner.to_owned(),
            name: None,
            messages: 1,
            refused: 0,
            unknown: 0,
            last_seen: None,
            domains: Vec::new(),
            fate,
            only_logged: Vec::new(),
        };
        let partners = by_partner(
            vec![
                client("192.0.2.1", "a.com", Fate::Refused(refusal.clone())),
                client("2001:db8::1", "a.com", Fate::Refused(Refusal { reply: 450, ..refusal })),
                client("192.0.2.2", "a.com", Fate::Accepted),
                client("192.0.2.3", "b.com", Fate::Accepted),
            ],
            Vec::new(),
        );
        assert_eq!(Dialect::Postfix.table(&partners), "# a.com\n192.0.2.1/32 permit\n2001:db8::1/128 permit\n");
        assert_eq!(Dialect::Exim.table(&partners), "# a.com\n192.0.2.1\n2001:db8::1\n");
    }
}
