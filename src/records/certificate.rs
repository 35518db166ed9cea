//! Certificates, from PEM or as presented: the octets that TLSA records speak of, names, days and keys (RFC 7468, RFC 5280).
//! Of signatures only those that lead to an issuer are verified.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::model::DomainName;

/// What a server presents: its own certificate first, those of the issuers after it.
#[derive(Clone, PartialEq, Eq)]
pub struct Chain {
    /// The server's own.
    pub leaf: Certificate,
    /// The issuers' in the order of the file, as many as it has.
    pub issuers: Vec<Certificate>,
}

/// One certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The whole in DER: selector 0 (RFC 6698, section 2.1.2).
    pub der: Vec<u8>,
    /// The SubjectPublicKeyInfo in DER: selector 1.
    pub key: Vec<u8>,
    /// The first second at which it is valid, and the last, since 1970 (RFC 5280, section 4.1.2.5).
    pub validity: (i64, i64),
    /// The length of an RSA key in bits; nothing for other keys.
    pub rsa_bits: Option<usize>,
    /// The DNS names of subjectAltName, as written; the common name where there is none (RFC 7672, section 3.2.3).
    pub names: Vec<String>,
}

/// Why a file holds no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No block is called CERTIFICATE.
    #[error("it holds no certificate in PEM")]
    Absent,
    /// A block that cannot be decoded.
    #[error("a PEM block in it is cut off or is not Base64")]
    Pem,
    /// A block that is called CERTIFICATE, and is none.
    #[error("certificate {0} in it cannot be read (X.509)")]
    Certificate(usize),
}

impl Chain {
    /// Reads certificates as a server presents them, its own first.
    ///
    /// # Errors
    /// [`ChainError::Absent`] if there is none, [`ChainError::Certificate`] for one that cannot be read.
    pub fn presented(ders: &[Vec<u8>]) -> Result<Self, ChainError> {
        let read = |(at, der): (usize, &Vec<u8>)| Certificate::read(der.clone()).ok_or(ChainError::Certificate(at + 1));
        let mut certificates = ders.iter().enumerate().map(read);
        let leaf = certificates.next().ok_or(ChainError::Absent)??;
        Ok(Self { leaf, issuers: certificates.collect::<Result<_, _>>()? })
    }

    /// Whether signatures lead from the server's own certificate to `issuer`, through the others that are presented (RFC 5280,
    /// section 6.1). What keeps them from being verified, such as an algorithm of old, does not count against it, nor do days.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let der = |one: &Certificate| CertificateDer::from(one.der.clone());
        let (leaf, anchor) = (der(&self.leaf), der(issuer));
        let others: Vec<CertificateDer<'_>> = self.issuers.iter().map(der).collect();
        // A second at which those that belong together are all valid.
        let (from, to) = self.leaf.validity;
        let latest = self.issuers.iter().map(|one| one.validity.0).fold(from, i64::max).min(to);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(latest).unwrap_or(0)));
        let verified = EndEntityCert::try_from(&leaf).and_then(|leaf| {
            let anchors = [anchor_from_trusted_cert(&anchor)?];
            leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &others, at, KeyUsage::server_auth(), None, None)
                .map(drop)
        });
        !matches!(verified, Err(Error::UnknownIssuer | Error::InvalidSignatureForPublicKey))
    }

    /// Reads the certificates of a PEM file in their order; keys and comments in it are passed over.
    ///
    /// # Errors
    /// [`ChainError`]: lowercase fragments that speak of the file as "it".
    pub fn read(pem: &[u8]) -> Result<Self, ChainError> {
        let mut certificates = Vec::new();
        for block in Pem::iter_from_buffer(pem) {
            let block = block.map_err(|_| ChainError::Pem)?;
            if block.label == "CERTIFICATE" {
                let certificate = Certificate::read(block.contents);
                certificates.push(certificate.ok_or(ChainError::Certificate(certificates.len() + 1))?);
            }
        }
        let mut certificates = certificates.into_iter();
        match certificates.next() {
            Some(leaf) => Ok(Self { leaf, issuers: certificates.collect() }),
            None => Err(ChainError::Absent),
        }
    }
}

/// Only the names: the octets would fill pages.
impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("names", &self.leaf.names).field("issuers", &self.issuers.len()).finish()
    }
}

/// Only the names.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Certificate {
    fn read(der: Vec<u8>) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(&der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let key = parsed.public_key().raw.to_vec();
        let alternative = parsed.subject_alternative_name().ok()?;
        let dns = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        };
        let mut names: Vec<String> =
            alternative.map_or_else(Vec::new, |names| names.value.general_names.iter().filter_map(dns).collect());
        if names.is_empty() {
            let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
            names.extend(common.map(str::to_owned));
        }
        let validity = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
        let rsa_bits = match parsed.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => Some(key.key_size()),
            _ => None,
        };
        Some(Self { key, validity, rsa_bits, names, der })
    }

    /// Whether one of its names is `host`; `*` stands for one whole leftmost label (RFC 9525, section 6.3).
    pub fn covers(&self, host: &DomainName) -> bool {
        self.names.iter().any(|written| {
            let (wild, rest) = written.strip_prefix("*.").map_or((false, written.as_str()), |rest| (true, rest));
            let Ok(name) = DomainName::parse(rest) else { return false };
            let below = || host.as_str().split_once('.').is_some_and(|(_, parent)| parent == name.as_str());
            if wild { below() } else { name == *host }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: &[u8] = include_bytes!("../../config/sample-certificate.pem");

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    /// Lost if it fails: a TLSA record of the right key would be called wrong, and the other way round.
    #[test]
    fn the_chain_is_read_in_its_order() {
        let chain = Chain::read(CHAIN).unwrap();
        assert_eq!(chain.leaf.names, ["mail.example.co.jp", "*.wild.example.co.jp"]);
        assert_eq!(chain.issuers.len(), 1);
        // A SubjectPublicKeyInfo is a sequence within the certificate.
        assert_eq!(chain.leaf.key[0], 0x30);
        assert!(chain.leaf.der.windows(chain.leaf.key.len()).any(|part| part == chain.leaf.key));
        assert_ne!(chain.leaf.key, chain.issuers[0].key);
        assert!(chain.leaf.validity.0 < chain.leaf.validity.1);
        let ders: Vec<Vec<u8>> =
            std::iter::once(&chain.leaf).chain(&chain.issuers).map(|one| one.der.clone()).collect();
        assert_eq!(Chain::presented(&ders), Ok(chain.clone()));
        assert_eq!(Chain::presented(&[]), Err(ChainError::Absent));
        assert_eq!(Chain::presented(&[ders[0].clone(), vec![0x30]]), Err(ChainError::Certificate(2)));
        // The common name stands in where there is no alternative name.
        assert_eq!(chain.issuers[0].names, ["Example CA"]);
    }

    /// Lost if it fails: a certificate for another host would satisfy a record with usage 2.
    #[test]
    fn names_are_compared_label_by_label() {
        let leaf = Chain::read(CHAIN).unwrap().leaf;
        for host in ["mail.example.co.jp", "a.wild.example.co.jp"] {
            assert!(leaf.covers(&name(host)), "{host}");
        }
        for host in ["example.co.jp", "wild.example.co.jp", "a.b.wild.example.co.jp", "xmail.example.co.jp"] {
            assert!(!leaf.covers(&name(host)), "{host}");
        }
    }

    /// Lost if it fails: a file without a certificate would count as one, or end the tool.
    #[test]
    fn what_is_no_chain_is_refused() {
        let text = std::str::from_utf8(CHAIN).unwrap();
        let key = text.replace("CERTIFICATE", "PRIVATE KEY");
        assert_eq!(Chain::read(key.as_bytes()), Err(ChainError::Absent));
        assert_eq!(Chain::read(b""), Err(ChainError::Absent));
        assert_eq!(Chain::read(&[0xff; 300]), Err(ChainError::Absent));
        let cut = &text[..text.len() / 4];
        assert_eq!(Chain::read(cut.as_bytes()), Err(ChainError::Pem));
        let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(Chain::read(other.as_bytes()), Err(ChainError::Certificate(1)));
        let with_key = format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\u{e9}\n{text}");
        assert_eq!(Chain::read(with_key.as_bytes()), Chain::read(CHAIN));
    }
}
