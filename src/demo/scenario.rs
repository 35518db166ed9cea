//! The scenarios of `mail-cutover demo`: one plan, and a world that is or is not ready for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use super::fault::FaultRule;
use super::file::WorldFile;
use super::lists::BlocklistTable;
use super::mail::{MailScript, MailTls};
use super::zone::Zone;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The authority that certifies the mail servers of the demo.
pub const AUTHORITY: &[u8] = include_bytes!("../../config/demo/authority.pem");

/// The names of the scenarios; the first is the default.
pub const SCENARIOS: [&str; 3] = ["default", "clean", "silent"];

/// Five days before the cutover of the plan.
const NOW: &str = "2026-12-01T10:00:00+09:00";
const PLAN: &str = include_str!("../../config/demo/plan.toml");
const LISTS: &str = include_str!("../../config/demo/lists.toml");
const INTERNET: &str = include_str!("../../config/demo/internet.toml");
const WORLDS: [&str; 3] = [
    include_str!("../../config/demo/default.toml"),
    include_str!("../../config/demo/clean.toml"),
    include_str!("../../config/demo/silent.toml"),
];

/// A story to show.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is the matter, in one sentence.
    pub about: String,
    /// The plan; who runs it adds the address of the world as the only resolver.
    pub plan_text: &'static str,
    /// The zones of its world.
    pub zones: Vec<Zone>,
    /// Its mail servers.
    pub mail: BTreeMap<SocketAddr, MailScript>,
    /// What is broken in it.
    pub faults: Vec<FaultRule>,
    /// The time at which it plays.
    pub now: DateTime<FixedOffset>,
}

/// The scenario of that name; nothing if there is none.
pub fn scenario(name: &str) -> Option<Scenario> {
    let at = SCENARIOS.iter().position(|known| *known == name)?;
    // The files are part of the program, and a test reads them all: an error here cannot reach a user.
    let file = WorldFile::parse(WORLDS.get(at)?).ok()?;
    let setup = file.setup(&blocklists()?, &base).ok()?;
    Some(Scenario {
        about: file.about,
        plan_text: PLAN,
        zones: setup.zones,
        mail: setup.mail,
        faults: setup.faults,
        now: DateTime::parse_from_rfc3339(NOW).ok()?,
    })
}

/// How the mail servers of the demo do TLS; nothing if its certificate cannot be read, which a test would have seen.
pub fn mail_tls() -> Option<MailTls> {
    let pem = include_bytes!("../../config/demo/mail-server.pem");
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .ok()?;
    Some(MailTls::Upgrade(Arc::new(config)))
}

/// The blocklists that worlds serve.
pub fn blocklists() -> Option<BlocklistTable> {
    toml::from_str(LISTS).ok()
}

/// The files that worlds can build on.
pub fn base(name: &str) -> Option<String> {
    (name == "internet").then(|| INTERNET.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: `mail-cutover demo` would say that its own scenario does not exist.
    #[test]
    fn every_scenario_can_be_read() {
        for (name, text) in SCENARIOS.iter().zip(WORLDS) {
            let file = WorldFile::parse(text).unwrap();
            assert!(!file.about.is_empty());
            file.setup(&blocklists().unwrap(), &base).unwrap();
            assert!(scenario(name).is_some_and(|scenario| !scenario.mail.is_empty()) && mail_tls().is_some());
        }
        assert!(scenario("other").is_none());
        PLAN.parse::<toml::Table>().unwrap();
    }
}
