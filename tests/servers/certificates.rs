//! The certificates of the mail servers, as good or as bad as a test wants them.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::process::write;

/// What a server presents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Certificate {
    /// For this name, from the authority that the plan trusts.
    Trusted(&'static str),
    /// For this name, from the same authority, and out of date since 2002.
    Expired(&'static str),
    /// For this name, by itself.
    SelfSigned(&'static str),
    /// For mail.example.co.jp, by itself, with an RSA key of 1024 bits, which no library of ours makes.
    ShortKey,
}

/// The authority that the plan trusts.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub(crate) pem: String,
}

/// The files of one server.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Authority of the laboratory");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes a certificate and its key into `dir`.
    pub(crate) fn write(&self, certificate: Certificate, dir: &Path) -> Files {
        let files = Files { certificate: dir.join("certificate.pem"), key: dir.join("key.pem") };
        let key = KeyPair::generate().unwrap();
        let params = |name: &str| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let signed = match certificate {
            Certificate::Trusted(name) => params(name).signed_by(&key, &self.issuer),
            Certificate::Expired(name) => {
                let mut params = params(name);
                params.not_before = rcgen::date_time_ymd(2001, 1, 1);
                params.not_after = rcgen::date_time_ymd(2002, 1, 1);
                params.signed_by(&key, &self.issuer)
            }
            Certificate::SelfSigned(name) => params(name).self_signed(&key),
            Certificate::ShortKey => {
                write(&files.certificate, include_str!("short-certificate.pem"));
                write(&files.key, include_str!("short-key.pem"));
                return files;
            }
        };
        write(&files.certificate, &signed.unwrap().pem());
        write(&files.key, &key.serialize_pem());
        files
    }
}
