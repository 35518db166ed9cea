//! TLSA records as SMTP clients read them: which are usable, and which match a certificate (RFC 6698, RFC 7671, RFC 7672).

use std::fmt;

use sha2::{Digest, Sha256, Sha512};

use super::certificate::{Certificate, Chain};
use crate::model::DomainName;

/// One record, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage (RFC 6698, section 2.1.1).
    pub usage: u8,
    /// Selector (section 2.1.2).
    pub selector: u8,
    /// Matching type (section 2.1.3).
    pub matching: u8,
    /// Certificate association data (section 2.1.4).
    pub data: Vec<u8>,
}

/// Why SMTP clients pass over a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Usage 0 or 1, which SMTP does not have (RFC 7672, section 3.1.3).
    Pkix,
    /// A usage that nothing defines.
    Usage,
    /// A selector that nothing defines.
    Selector,
    /// A matching type that nothing defines.
    Matching,
    /// A digest of another length than its algorithm has, or no data at all.
    Length,
}

/// What a set of records says about a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// A record matches.
    Yes,
    /// None matches.
    No,
    /// Only records with usage 2 match, and the certificate lacks the host's name (RFC 7672, section 3.2.3).
    OtherName,
}

impl Tlsa {
    /// Why a client passes over the record; nothing if it is usable.
    pub fn unusable(&self) -> Option<Unusable> {
        let length = match self.matching {
            0 => None,
            1 => Some(32),
            2 => Some(64),
            _ => return Some(Unusable::Matching),
        };
        match (self.usage, self.selector) {
            (0 | 1, _) => Some(Unusable::Pkix),
            (4.., _) => Some(Unusable::Usage),
            (_, 2..) => Some(Unusable::Selector),
            _ if self.data.is_empty() || length.is_some_and(|length| length != self.data.len()) => {
                Some(Unusable::Length)
            }
            _ => None,
        }
    }

    /// Whether its data are those of `certificate`.
    fn fits(&self, certificate: &Certificate) -> bool {
        let selected = if self.selector == 0 { &certificate.der } else { &certificate.key };
        match self.matching {
            0 => *selected == self.data,
            1 => Sha256::digest(selected)[..] == self.data[..],
            _ => Sha512::digest(selected)[..] == self.data[..],
        }
    }
}

/// The record as a zone file has it; data are cut, because a whole certificate may stand there.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().take(64).try_for_each(|octet| write!(f, "{octet:02x}"))?;
        if self.data.len() > 64 { f.write_str("…") } else { Ok(()) }
    }
}

/// Whether a client that reads `records` accepts `chain` from `host`. `names` are the names by which a certificate may be known
/// besides: the domains whose mail the host takes.
pub fn compare(records: &[Tlsa], chain: &Chain, host: &DomainName, names: &[DomainName]) -> Match {
    let usable: Vec<&Tlsa> = records.iter().filter(|record| record.unusable().is_none()).collect();
    // Of several digests of one kind a client reads the strongest only (RFC 7671, section 9).
    let is_outdone = |record: &Tlsa| {
        let same =
            |other: &&Tlsa| other.usage == record.usage && other.selector == record.selector && other.matching == 2;
        record.matching == 1 && usable.iter().copied().any(|other| same(&other))
    };
    let mut result = Match::No;
    for record in usable.iter().copied().filter(|record| !is_outdone(record)) {
        let is_issuer = || chain.issuers.iter().any(|issuer| record.fits(issuer) && chain.is_signed_by(issuer));
        let named = || chain.leaf.covers(host) || names.iter().any(|name| chain.leaf.covers(name));
        match record.usage {
            3 if record.fits(&chain.leaf) => return Match::Yes,
            2 if is_issuer() && named() => return Match::Yes,
            2 if is_issuer() => result = Match::OtherName,
            _ => {}
        }
    }
    result
}

/// The record that RFC 7672, section 3.1.1, recommends for a certificate: `3 1 1` and the digest of its key.
pub fn recommended(certificate: &Certificate) -> Tlsa {
    Tlsa { usage: 3, selector: 1, matching: 1, data: Sha256::digest(&certificate.key).to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain::read(include_bytes!("../../config/sample-certificate.pem")).unwrap()
    }

    fn record(usage: u8, selector: u8, matching: u8, data: &[u8]) -> Tlsa {
        Tlsa { usage, selector, matching, data: data.to_vec() }
    }

    fn said(records: &[Tlsa], host: &str) -> Match {
        compare(records, &chain(), &DomainName::parse(host).unwrap(), &[])
    }

    /// Lost if it fails: a record that every DANE sender obeys would be called wrong, or a wrong one right.
    #[test]
    fn every_way_to_match() {
        let chain = chain();
        let (leaf, issuer) = (&chain.leaf, &chain.issuers[0]);
        let host = "mail.example.co.jp";
        let right = [
            record(3, 0, 0, &leaf.der),
            record(3, 1, 0, &leaf.key),
            record(3, 0, 1, &Sha256::digest(&leaf.der)),
            record(3, 1, 1, &Sha256::digest(&leaf.key)),
            record(3, 0, 2, &Sha512::digest(&leaf.der)),
            record(3, 1, 2, &Sha512::digest(&leaf.key)),
            record(2, 0, 1, &Sha256::digest(&issuer.der)),
            record(2, 1, 2, &Sha512::digest(&issuer.key)),
        ];
        for right in right {
            assert_eq!(said(std::slice::from_ref(&right), host), Match::Yes, "{right}");
        }
        // The leaf is not its own issuer, and an issuer is not the leaf.
        assert_eq!(said(&[record(2, 1, 1, &Sha256::digest(&leaf.key))], host), Match::No);
        assert_eq!(said(&[record(3, 1, 1, &Sha256::digest(&issuer.key))], host), Match::No);
        assert_eq!(said(&[], host), Match::No);
        // The digest from `openssl x509 -pubkey | openssl pkey -pubin -outform DER | sha256sum`.
        let by_hand = "3 1 1 c7c2def7815788af4f7ad2aed0d54fbb0453af47ad069910703718c650f16800";
        assert_eq!(recommended(leaf).to_string(), by_hand);
    }

    /// Lost if it fails: usage 2 would pass for a certificate that DANE senders refuse; usage 3 would fail for a name nobody reads.
    #[test]
    fn only_usage_2_looks_at_the_name() {
        let chain = chain();
        let (leaf, issuer) = (Sha256::digest(&chain.leaf.key), Sha256::digest(&chain.issuers[0].key));
        assert_eq!(said(&[record(2, 1, 1, &issuer)], "other.example"), Match::OtherName);
        assert_eq!(said(&[record(3, 1, 1, &leaf)], "other.example"), Match::Yes);
        let domain = DomainName::parse("a.wild.example.co.jp").unwrap();
        let host = DomainName::parse("other.example").unwrap();
        assert_eq!(compare(&[record(2, 1, 1, &issuer)], &chain, &host, &[domain]), Match::Yes);
    }

    /// Lost if it fails: the record of an authority would pass because its certificate lies in the file, although it did not sign
    /// the server's own, and every DANE sender would defer.
    #[test]
    fn an_issuer_must_have_signed() {
        let mut chain = chain();
        let stranger = Chain::read(include_bytes!("../../config/demo/authority.pem")).unwrap().leaf;
        let (issuer, other) = (Sha256::digest(&chain.issuers[0].key), Sha256::digest(&stranger.key));
        chain.issuers.insert(0, stranger);
        let host = DomainName::parse("mail.example.co.jp").unwrap();
        assert_eq!(compare(&[record(2, 1, 1, &other)], &chain, &host, &[]), Match::No);
        assert_eq!(compare(&[record(2, 1, 1, &issuer)], &chain, &host, &[]), Match::Yes);
    }

    /// Lost if it fails: SHA-256 of the new key beside SHA-512 of the old one would pass, and senders would defer.
    #[test]
    fn the_strongest_digest_counts() {
        let chain = chain();
        let right = record(3, 1, 1, &Sha256::digest(&chain.leaf.key));
        assert_eq!(said(&[right.clone(), record(3, 1, 2, &[7; 64])], "mail.example.co.jp"), Match::No);
        assert_eq!(said(&[right.clone(), record(3, 0, 2, &[7; 64])], "mail.example.co.jp"), Match::Yes);
        assert_eq!(said(&[right, record(3, 1, 2, &[7; 63])], "mail.example.co.jp"), Match::Yes);
    }

    /// Lost if it fails: a record that senders pass over would count as protection.
    #[test]
    fn unusable_records_are_told_apart() {
        for (record, reason) in [
            (record(0, 1, 1, &[7; 32]), Unusable::Pkix),
            (record(1, 1, 1, &[7; 32]), Unusable::Pkix),
            (record(4, 1, 1, &[7; 32]), Unusable::Usage),
            (record(3, 2, 1, &[7; 32]), Unusable::Selector),
            (record(3, 1, 3, &[7; 32]), Unusable::Matching),
            (record(3, 1, 1, &[7; 31]), Unusable::Length),
            (record(3, 1, 2, &[7; 32]), Unusable::Length),
            (record(3, 1, 0, &[]), Unusable::Length),
        ] {
            assert_eq!(record.unusable(), Some(reason), "{record}");
        }
        assert_eq!(record(2, 0, 0, &[7]).unusable(), None);
    }
}
