//! TLS as a mail server offers it: what it presents is written down, whatever it is worth, and judged afterwards.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme, version,
};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::model::DomainName;

/// What a handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSeen {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The cipher suite, as its registry names it.
    pub cipher: String,
    /// The certificates in DER as presented, the server's own first; never empty.
    pub chain: Vec<Vec<u8>>,
}

/// What is wrong with a chain of certificates, its names aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// It has ended.
    Expired,
    /// It has not begun.
    NotYet,
    /// No authority that is trusted stands at its end.
    Untrusted,
    /// Something else, in words.
    Other(String),
}

/// Which versions are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Offer {
    /// TLS 1.3 and 1.2.
    All,
    /// TLS 1.2 only.
    Only12,
}

/// How TLS is spoken, and which authorities are believed.
#[derive(Debug)]
pub(super) struct Tls {
    all: Arc<ClientConfig>,
    only12: Arc<ClientConfig>,
    roots: Vec<TrustAnchor<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Tls {
    /// Believes `roots` (DER), or the public ones if there are none.
    pub(super) fn new(roots: &[Vec<u8>]) -> Result<Self, rustls::Error> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.as_slice()))?;
        }
        let roots = if roots.is_empty() { webpki_roots::TLS_SERVER_ROOTS.to_vec() } else { store.roots };
        let provider = Arc::new(ring::default_provider());
        let config = |versions| -> Result<Arc<ClientConfig>, rustls::Error> {
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Recorder(Arc::clone(&provider))))
                .with_no_client_auth();
            // A session that goes on shows the certificate of the server with which it began, whoever takes it up.
            config.resumption = Resumption::disabled();
            Ok(Arc::new(config))
        };
        Ok(Self {
            all: config(&[&version::TLS13, &version::TLS12])?,
            only12: config(&[&version::TLS12])?,
            roots,
            provider,
        })
    }

    pub(super) fn config(&self, offer: Offer) -> Arc<ClientConfig> {
        Arc::clone(match offer {
            Offer::All => &self.all,
            Offer::Only12 => &self.only12,
        })
    }

    /// What is wrong with `chain` at the time `at`, its names aside (RFC 5280, section 6).
    pub(super) fn chain_fault(&self, chain: &[Vec<u8>], at: DateTime<FixedOffset>) -> Option<ChainFault> {
        let ders: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Some((leaf, issuers)) = ders.split_first() else { return Some(ChainFault::Untrusted) };
        let since_epoch = Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0));
        let verified = EndEntityCert::try_from(leaf).and_then(|leaf| {
            leaf.verify_for_usage(
                self.provider.signature_verification_algorithms.all,
                &self.roots,
                issuers,
                UnixTime::since_unix_epoch(since_epoch),
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map(drop)
        });
        match verified {
            Ok(()) => None,
            Err(Error::CertExpired { .. }) => Some(ChainFault::Expired),
            Err(Error::CertNotValidYet { .. }) => Some(ChainFault::NotYet),
            // A certificate that signed itself may be an authority too, or bear the name of one that is believed.
            Err(Error::UnknownIssuer | Error::CaUsedAsEndEntity | Error::InvalidSignatureForPublicKey) => {
                Some(ChainFault::Untrusted)
            }
            Err(other) => Some(ChainFault::Other(other.to_string())),
        }
    }
}

/// Whether the certificate is for `host`, by its subjectAltName alone (RFC 9525, section 6).
pub fn is_for(leaf: &[u8], host: &DomainName) -> bool {
    let der = CertificateDer::from(leaf);
    let name = ServerName::try_from(host.as_str());
    match (EndEntityCert::try_from(&der), name) {
        (Ok(leaf), Ok(name)) => leaf.verify_is_valid_for_subject_name(&name).is_ok(),
        _ => false,
    }
}

/// The version in its usual spelling.
pub(super) fn spelled(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    }
}

/// The library verifies nothing with an RSA key of less than 2048 bits, and many senders do: such a handshake goes on, so that
/// the key is seen.
fn unless_short(
    verified: Result<HandshakeSignatureValid, rustls::Error>,
    certificate: &CertificateDer<'_>,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let is_short = || match X509Certificate::from_der(certificate) {
        Ok((_, certificate)) => {
            matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < 2048)
        }
        Err(_) => false,
    };
    verified.or_else(|error| if is_short() { Ok(HandshakeSignatureValid::assertion()) } else { Err(error) })
}

/// Takes every certificate, as opportunistic TLS does (RFC 7435), but only from somebody who has its key.
#[derive(Debug)]
struct Recorder(Arc<CryptoProvider>);

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms);
        unless_short(verified, certificate)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms);
        unless_short(verified, certificate)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a server that shows nothing would have a chain without fault.
    #[test]
    fn no_certificate_is_not_trusted() {
        let now = DateTime::parse_from_rfc3339("2026-12-05T22:00:00+09:00").unwrap();
        assert_eq!(Tls::new(&[]).unwrap().chain_fault(&[], now), Some(ChainFault::Untrusted));
    }
}
