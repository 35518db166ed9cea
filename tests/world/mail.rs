//! The mail servers of a case: scripts on loopback, to which the plan's `connect` leads, and the authority it trusts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use mail_cutover::demo::{MailFault, MailProtocol, MailScript, MailServer, MailTls};
use serde::Deserialize;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

use super::authority::{AGES, Authority, PAST, Validity, known_key, self_signed};

/// What a server presents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Presents {
    /// A certificate for its name by the authority that the plan trusts.
    #[default]
    Good,
    /// One that signed itself.
    SelfSigned,
    /// One by an authority that nobody trusts.
    Untrusted,
    /// One for another host.
    WrongName,
    /// One that ended long ago.
    Expired,
    /// One that ends ten days after the cutover of the usual plan.
    EndsSoon,
    /// One that begins after the cutover of the usual plan.
    NotYet,
    /// One that ends before it begins.
    Backwards,
    /// One for its name with the key of known-key.pem.
    KnownKey,
    /// The server has no TLS.
    Nothing,
}

const SOON: Validity = ((2026, 1, 1), (2026, 12, 15));
const NOT_YET: Validity = ((2027, 1, 1), (2028, 1, 1));

/// A server of a case: the keys of a [`MailScript`], and these.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    server: SocketAddr,
    presents: Presents,
    /// Names in the certificate, if others than its own.
    names: Vec<String>,
    /// `1.2` or `1.3`, if not both.
    tls: Option<String>,
    /// Names for which it has a good certificate of their own, chosen by SNI.
    sni: Vec<String>,
    script: MailScript,
}

impl Seat {
    /// Reads `[mail."ADDRESS:PORT"]`; what is left out is as in a good server of the usual plan.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn read(place: &str, mut table: toml::Table) -> Result<Self, String> {
        let server: SocketAddr = place.parse().map_err(|e| format!("mail.{place:?}: {e}"))?;
        let mut own = |key: &str| table.remove(key);
        let presents = own("presents").map(Presents::deserialize).transpose().map_err(|e| e.to_string())?;
        let sni = own("sni").map(Vec::<String>::deserialize).transpose().map_err(|e| e.to_string())?;
        let names = own("names").map(Vec::<String>::deserialize).transpose().map_err(|e| e.to_string())?;
        let tls = own("tls").map(String::deserialize).transpose().map_err(|e| e.to_string())?;
        let given = |key: &str| table.contains_key(key);
        let (extensions_given, accepts_given) = (given("extensions"), given("accepts"));
        let mut script = MailScript::deserialize(table).map_err(|e| format!("mail.{place:?}: {e}"))?;
        if script.name.is_empty() {
            let old = server.ip().to_string().starts_with("192.0.2.");
            script.name = if old { "mx-old.example.co.jp" } else { "mail.example.co.jp" }.to_owned();
        }
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let usual: &[&str] =
            &["PIPELINING", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "CHUNKING"];
        let (protocol, able, clear) = match server.port() {
            143 | 993 => (MailProtocol::Imap, words(&["AUTH=PLAIN"]), words(&["LOGINDISABLED"])),
            110 | 995 => (MailProtocol::Pop3, words(&["SASL PLAIN", "USER"]), words(&["UIDL"])),
            465 | 587 => (MailProtocol::Smtp, [words(usual), words(&["AUTH PLAIN LOGIN"])].concat(), words(usual)),
            _ => (MailProtocol::Smtp, words(usual), words(usual)),
        };
        script.protocol = protocol;
        if !extensions_given {
            script.extensions = able;
            script.clear.get_or_insert(clear);
        }
        if !accepts_given {
            script.accepts =
                words(&["info@example.co.jp", "postmaster@example.co.jp", "postmaster", "abuse@example.co.jp"]);
        }
        Ok(Self {
            server,
            presents: presents.unwrap_or_default(),
            names: names.unwrap_or_default(),
            sni: sni.unwrap_or_default(),
            tls,
            script,
        })
    }

    fn tls(&self, trusted: &Authority) -> MailTls {
        let own: Vec<&str> = match self.names.as_slice() {
            [] => vec![self.script.name.as_str()],
            names => names.iter().map(String::as_str).collect(),
        };
        let pair = match self.presents {
            Presents::Nothing => return MailTls::None,
            Presents::Good => trusted.certify(&own, AGES),
            Presents::Backwards => trusted.certify(&own, (SOON.1, SOON.0)),
            Presents::KnownKey => trusted.certify_key(&own, AGES, known_key()),
            Presents::SelfSigned => self_signed(&own, AGES),
            Presents::Untrusted => Authority::new().certify(&own, AGES),
            Presents::WrongName => trusted.certify(&["other.test"], AGES),
            Presents::Expired => trusted.certify(&own, PAST),
            Presents::EndsSoon => trusted.certify(&own, SOON),
            Presents::NotYet => trusted.certify(&own, NOT_YET),
        };
        let versions: &[&SupportedProtocolVersion] = match self.tls.as_deref() {
            Some("1.2") => &[&TLS12],
            Some("1.3") => &[&TLS13],
            Some(other) => panic!("no version of TLS is called {other}"),
            None => &[&TLS12, &TLS13],
        };
        let named = self.sni.iter().map(|name| (name.clone(), trusted.certify(&[name], AGES))).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ByName { usual: pair, named }));
        let config = Arc::new(config);
        if matches!(self.server.port(), 465 | 993 | 995) { MailTls::Implicit(config) } else { MailTls::Upgrade(config) }
    }
}

#[derive(Debug)]
struct ByName {
    usual: Arc<CertifiedKey>,
    named: Vec<(String, Arc<CertifiedKey>)>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = self.named.iter().find(|(name, _)| hello.server_name() == Some(name));
        Some(Arc::clone(named.map_or(&self.usual, |(_, pair)| pair)))
    }
}

/// The running servers of a case.
#[derive(Debug)]
pub(crate) struct Mail {
    running: Vec<(SocketAddr, MailServer)>,
    authority: PathBuf,
    /// Something is waited for to its end.
    waits: bool,
    _folder: tempfile::TempDir,
}

impl Mail {
    /// Starts them.
    pub(crate) async fn serve(seats: &[Seat]) -> Self {
        let trusted = Authority::new();
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, trusted.pem()).expect("a file");
        let mut running = Vec::new();
        for seat in seats {
            let server = MailServer::start(seat.script.clone(), seat.tls(&trusted)).await.expect("a port");
            running.push((seat.server, server));
        }
        let waits = seats.iter().filter_map(|seat| seat.script.fault).any(|fault| {
            matches!(
                fault,
                MailFault::Dropped
                    | MailFault::Silent
                    | MailFault::Slow
                    | MailFault::SilentHandshake
                    | MailFault::SilentOldTls
            )
        });
        Self { running, authority, waits, _folder: folder }
    }

    /// The section of a plan that speaks to them and nobody else, with these lines more.
    pub(crate) fn section(&self, more: &str) -> String {
        let mut ports: Vec<u16> = self.running.iter().map(|(server, _)| server.port()).collect();
        ports.sort_unstable();
        ports.dedup();
        let detours: Vec<String> =
            self.running.iter().map(|(of, server)| format!("\"{of}\" = \"{}\"", server.address())).collect();
        let authority = toml::Value::from(self.authority.display().to_string());
        // Only what never comes is waited for to the end.
        let timeout = if self.waits { "1s" } else { "20s" };
        format!(
            "\n[smtp]\nports = {ports:?}\ntimeout = \"{timeout}\"\ntrust = {authority}\nconnect = {{ {} }}\n{more}\n",
            detours.join(", ")
        )
    }
}
