//! The key record that a DKIM selector leads to (RFC 6376, section 3.6.1; RFC 8301; RFC 8463).

mod base64;
mod der;
mod fault;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use fault::Reason;

use super::fault::Fault;
use super::tags::{Tag, TagFault, TagList, TagSlip};
use base64::Slip;
use der::Flaw;

/// A record that verifiers can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The public key.
    pub material: Material,
    /// `h=`: the hashes that signatures may use; nothing if all may.
    pub hashes: Option<Vec<String>>,
    /// `s=`: the services it is for; nothing if it is for all.
    pub services: Option<Vec<String>>,
    /// `t=`: flags.
    pub flags: Vec<String>,
}

/// What stands in `p=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// Nothing: the key is revoked.
    Revoked,
    /// An RSA key with so many bits in its modulus.
    Rsa(usize),
    /// An Ed25519 key.
    Ed25519,
}

impl Key {
    /// Reads a record, its strings joined without a separator.
    ///
    /// # Errors
    /// Everything that makes verifiers ignore it, in the order of the places.
    pub fn read(record: &[u8]) -> Result<Self, Vec<Fault<Reason>>> {
        read(record)
    }

    /// Whether signatures over SHA-256 may be verified with it; SHA-1 must not be used any more (RFC 8301, section 3.1).
    pub fn takes_sha256(&self) -> bool {
        self.hashes.as_ref().is_none_or(|hashes| hashes.iter().any(|hash| hash == "sha256"))
    }

    /// Whether it is for mail.
    pub fn is_for_mail(&self) -> bool {
        self.services.as_ref().is_none_or(|all| all.iter().any(|service| service == "*" || service == "email"))
    }

    /// `t=y`: the domain is testing DKIM, and verifiers treat its signatures as if there were none.
    pub fn is_testing(&self) -> bool {
        self.flags.iter().any(|flag| flag == "y")
    }
}

/// The longest TXT string (RFC 1035, section 3.3).
const LONGEST_STRING: usize = 255;

fn read(record: &[u8]) -> Result<Key, Vec<Fault<Reason>>> {
    let list = TagList::read(record);
    let tag = |name: &str| list.tags.iter().find(|tag| tag.name == name);
    let mut faults: Vec<Fault<Reason>> = list.faults.iter().map(|fault| shape(record, fault)).collect();
    if let Some(version) = tag("v") {
        if version.value != "DKIM1" {
            faults.push(Fault::at(record, version.span.clone(), Reason::Version));
        } else if list.tags.first() != Some(version) {
            faults.push(Fault::at(record, version.span.clone(), Reason::VersionNotFirst));
        }
    }
    let material = match (tag("k"), tag("p")) {
        (_, None) => Err(Fault::at(record, 0..record.len(), Reason::NoKey)),
        (_, Some(key)) if key.value.is_empty() => Ok(Material::Revoked),
        (Some(kind), Some(key)) if kind.value == "ed25519" => ed25519(record, key),
        (Some(kind), Some(_)) if kind.value != "rsa" => Err(Fault::at(record, kind.span.clone(), Reason::KeyType)),
        (_, Some(key)) => rsa(record, key),
    };
    match material {
        Ok(material) if faults.is_empty() => Ok(Key {
            material,
            hashes: tag("h").map(words),
            services: tag("s").map(words),
            flags: tag("t").map(words).unwrap_or_default(),
        }),
        material => {
            faults.extend(material.err());
            faults.sort_by_key(|fault| fault.span.start);
            Err(explained(record, faults))
        }
    }
}

/// What the zone file should have kept for itself is the cause of all else; a sound key may have it in `n=`.
fn explained(record: &[u8], faults: Vec<Fault<Reason>>) -> Vec<Fault<Reason>> {
    let found = |octet: u8, reason: Reason| {
        let at = record.iter().position(|found| *found == octet)?;
        Some(Fault::at(record, at..at + 1, reason))
    };
    match found(b'"', Reason::Quote).or_else(|| found(b'\\', Reason::Backslash)) {
        Some(cause) => vec![cause],
        None => faults,
    }
}

fn shape(record: &[u8], fault: &TagFault) -> Fault<Reason> {
    let reason = match fault.slip {
        TagSlip::NoEquals => Reason::NoEquals,
        TagSlip::Name => Reason::TagName,
        TagSlip::Twice => Reason::Twice,
    };
    fault.told(record, reason)
}

/// The words of a list with colons between them.
fn words(tag: &Tag) -> Vec<String> {
    tag.value.split(':').map(|word| word.trim().to_owned()).collect()
}

fn rsa(record: &[u8], tag: &Tag) -> Result<Material, Fault<Reason>> {
    let (octets, slip) = base64::decode(&record[value(record, tag)]);
    let whole = |reason| Err(Fault::at(record, tag.span.clone(), reason));
    match (der::modulus_bits(&octets), slip) {
        // A key that is cut off usually breaks the base64 too: the cut says more.
        (Err(Flaw::Cut { needs, has }), None | Some(Slip::Length)) => {
            whole(Reason::Cut { needs, has, at_255: record.len() == LONGEST_STRING })
        }
        (_, Some(slip)) => Err(not_base64(record, tag, slip)),
        (Ok(bits), None) => Ok(Material::Rsa(bits)),
        (Err(flaw), None) => whole(match flaw {
            Flaw::Cut { .. } | Flaw::Structure => Reason::NotAKey,
            Flaw::Trailing(count) => Reason::Trailing(count),
            Flaw::Private => Reason::PrivateKey,
            Flaw::OtherAlgorithm => Reason::OtherAlgorithm,
            Flaw::Modulus => Reason::Modulus,
            Flaw::Exponent => Reason::Exponent,
        }),
    }
}

fn ed25519(record: &[u8], tag: &Tag) -> Result<Material, Fault<Reason>> {
    match base64::decode(&record[value(record, tag)]) {
        (_, Some(slip)) => Err(not_base64(record, tag, slip)),
        (octets, None) if octets.len() == 32 => Ok(Material::Ed25519),
        (octets, None) => Err(Fault::at(record, tag.span.clone(), Reason::Ed25519Length(octets.len()))),
    }
}

fn not_base64(record: &[u8], tag: &Tag, slip: Slip) -> Fault<Reason> {
    let Slip::Octet(at) = slip else {
        return Fault::at(record, tag.span.clone(), Reason::Base64Length);
    };
    let at = value(record, tag).start + at;
    let rest = record.get(at..).unwrap_or_default();
    if rest.starts_with(b"-----") {
        let line = rest.iter().skip(5).take_while(|octet| **octet != b'-').count() + 10;
        return Fault::at(record, at..at + line, Reason::Armour);
    }
    // The whole character, not its first octet, is shown.
    let length = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8);
    Fault::at(record, at..at + length, Reason::Base64Character)
}

/// Where the value of a tag stands, the white space around it included.
fn value(record: &[u8], tag: &Tag) -> Range<usize> {
    let name = record[tag.span.clone()].iter().take_while(|octet| **octet != b'=').count() + 1;
    tag.span.start + name..tag.span.end
}
