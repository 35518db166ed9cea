//! Certificate authorities of a test, and what they sign.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// A day: year, month, day of the month.
type Day = (i32, u8, u8);
/// From when to when a certificate is valid.
pub(crate) type Validity = (Day, Day);

/// Valid whenever a test plays.
pub(crate) const AGES: Validity = ((2001, 1, 1), (2200, 1, 1));
/// Over long ago.
pub(crate) const PAST: Validity = ((2001, 1, 1), (2002, 1, 1));

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        // Two of one name would be taken for one whose key was changed.
        let name = format!("authority {:02x?}", &key.public_key_raw()[..8]);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names, and its key.
    pub(crate) fn certify(&self, names: &[&str], validity: Validity) -> Arc<CertifiedKey> {
        self.certify_key(names, validity, KeyPair::generate().expect("a key"))
    }

    /// The same for this key.
    pub(crate) fn certify_key(&self, names: &[&str], validity: Validity, key: KeyPair) -> Arc<CertifiedKey> {
        let certificate = request(names, validity).signed_by(&key, &self.issuer).expect("a certificate");
        pair(certificate.der().clone(), &key)
    }
}

/// The key of known-key.pem, whose digest stands in TLSA records of cases.
pub(crate) fn known_key() -> KeyPair {
    KeyPair::from_pem(include_str!("known-key.pem")).expect("a key")
}

/// A certificate that signed itself.
pub(crate) fn self_signed(names: &[&str], validity: Validity) -> Arc<CertifiedKey> {
    let key = KeyPair::generate().expect("a key");
    pair(request(names, validity).self_signed(&key).expect("a certificate").der().clone(), &key)
}

fn request(names: &[&str], ((y1, m1, d1), (y2, m2, d2)): Validity) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("parameters");
    params.not_before = date_time_ymd(y1, m1, d1);
    params.not_after = date_time_ymd(y2, m2, d2);
    // Or a certificate would bear the authority's own name.
    params.distinguished_name.push(DnType::CommonName, "a server");
    params
}

fn pair(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<CertifiedKey> {
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    Arc::new(CertifiedKey::from_der(vec![certificate], private, &ring::default_provider()).expect("a pair"))
}
