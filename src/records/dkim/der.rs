//! The one structure in DER that a DKIM key needs: two integers, bare (RFC 8017, appendix A.1.1) or in a `SubjectPublicKeyInfo`
//! (RFC 5280, section 4.1.2.7).

/// Why octets are no RSA public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The structure says that it is longer than what is there.
    Cut {
        /// The octets it says it has.
        needs: usize,
        /// The octets that are there.
        has: usize,
    },
    /// Octets follow the structure.
    Trailing(usize),
    /// A private key.
    Private,
    /// A public key for another algorithm.
    OtherAlgorithm,
    /// Not the structure at all.
    Structure,
    /// The modulus is zero, negative or even.
    Modulus,
    /// The exponent is even, smaller than 3, or longer than the 31 bits that every library takes.
    Exponent,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption`, 1.2.840.113549.1.1.1, with tag and length.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const NULL: &[u8] = &[0x05, 0x00];

/// The bits of the modulus of an RSA public key.
pub(super) fn modulus_bits(key: &[u8]) -> Result<usize, Flaw> {
    if key.first() != Some(&SEQUENCE) {
        return Err(Flaw::Structure);
    }
    let (_, content, rest) = element(key)?;
    if !rest.is_empty() {
        return Err(Flaw::Trailing(rest.len()));
    }
    match content.first() {
        Some(&SEQUENCE) => two_integers(in_public_key_info(content)?),
        Some(&INTEGER) => two_integers(content),
        _ => Err(Flaw::Structure),
    }
}

/// The content of the `RSAPublicKey` in a `SubjectPublicKeyInfo`.
fn in_public_key_info(content: &[u8]) -> Result<&[u8], Flaw> {
    let (_, algorithm, rest) = inner(content)?;
    let parameters = algorithm.strip_prefix(RSA_ENCRYPTION).ok_or(Flaw::OtherAlgorithm)?;
    if !parameters.is_empty() && parameters != NULL {
        return Err(Flaw::Structure);
    }
    // The first octet of a bit string counts the bits that are not used.
    let (BIT_STRING, [0, key @ ..], []) = inner(rest)? else { return Err(Flaw::Structure) };
    let (SEQUENCE, numbers, []) = inner(key)? else { return Err(Flaw::Structure) };
    Ok(numbers)
}

/// Reads modulus and exponent.
fn two_integers(content: &[u8]) -> Result<usize, Flaw> {
    let (INTEGER, modulus, rest) = inner(content)? else { return Err(Flaw::Structure) };
    // Private keys begin with a version; no modulus is that small.
    if matches!(modulus, [0 | 1]) {
        return Err(Flaw::Private);
    }
    let (INTEGER, exponent, []) = inner(rest)? else { return Err(Flaw::Structure) };
    let modulus = positive(modulus).filter(|octets| is_odd(octets)).ok_or(Flaw::Modulus)?;
    let exponent = positive(exponent).filter(|octets| is_odd(octets)).ok_or(Flaw::Exponent)?;
    if exponent == [1] || bits(exponent) > 31 {
        return Err(Flaw::Exponent);
    }
    Ok(bits(modulus))
}

/// The octets of a positive integer without the zero that keeps it positive; DER allows no other zero in front.
fn positive(octets: &[u8]) -> Option<&[u8]> {
    match octets {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest),
        [1..=0x7f, ..] => Some(octets),
        _ => None,
    }
}

fn is_odd(octets: &[u8]) -> bool {
    octets.last().is_some_and(|last| last % 2 == 1)
}

fn bits(octets: &[u8]) -> usize {
    let unused = octets.first().map_or(0, |first| first.leading_zeros() as usize);
    octets.len() * 8 - unused
}

/// [`element`] inside another one: what is cut there is not cut off at the end of the record, but wrong.
fn inner(octets: &[u8]) -> Result<(u8, &[u8], &[u8]), Flaw> {
    element(octets).map_err(|_| Flaw::Structure)
}

/// Tag, content and what follows. Lengths must be definite and as short as can be, as DER demands.
fn element(octets: &[u8]) -> Result<(u8, &[u8], &[u8]), Flaw> {
    let [tag, first, after @ ..] = octets else { return Err(Flaw::Structure) };
    let (length, after) = match (first, after) {
        (0..=0x7f, _) => (usize::from(*first), after),
        (0x81, [length @ 0x80..=0xff, after @ ..]) => (usize::from(*length), after),
        (0x82, [high @ 1..=0xff, low, after @ ..]) => (usize::from(*high) << 8 | usize::from(*low), after),
        _ => return Err(Flaw::Structure),
    };
    match after.split_at_checked(length) {
        Some((content, rest)) => Ok((*tag, content, rest)),
        None => Err(Flaw::Cut { needs: octets.len() - after.len() + length, has: octets.len() }),
    }
}
