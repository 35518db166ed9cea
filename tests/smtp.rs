//! Mail servers on loopback, and what the door to them makes of what they show.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mail_cutover::demo::{MailScript, MailServer, MailTls};
use mail_cutover::probe::{Depth, Dns, Protocol, ResolverChoice, Settings, Smtp, SmtpSettings, Visit};
use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use tokio_rustls::rustls::version::{TLS12, TLS13};

const NAME: &str = "mail.example.jp";

/// A server with a certificate of its own, which goes on with every session in `sessions`; the certificate.
async fn server(version: &'static str, sessions: &Arc<dyn StoresServerSessions>) -> (MailServer, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let versions = if version == "TLS 1.2" { [&TLS12] } else { [&TLS13] };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    config.session_storage = Arc::clone(sessions);
    let script = MailScript { name: NAME.to_owned(), ..MailScript::default() };
    let server = MailServer::start(script, MailTls::Upgrade(Arc::new(config))).await.unwrap();
    (server, certificate.der().to_vec())
}

fn visit(server: SocketAddr) -> Visit {
    Visit {
        server,
        protocol: Protocol::Smtp,
        implicit_tls: false,
        depth: Depth::Capabilities,
        name: NAME.to_owned(),
        recipients: Vec::new(),
    }
}

/// Lost if it fails: of two servers that share their sessions, as the services of one machine and clones of one image do, the second
/// would be judged by the certificate of the first.
#[tokio::test]
async fn each_server_shows_its_own_certificate() {
    for version in ["TLS 1.2", "TLS 1.3"] {
        let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(64);
        let resolver = ResolverChoice::Servers(vec![([127, 0, 0, 1], 9).into()]);
        let dns = Dns::new(Settings { resolver, ..Settings::default() }).unwrap();
        let patience = Duration::from_secs(10);
        let settings = SmtpSettings { ehlo: None, patience, roots: Vec::new(), detours: Vec::new() };
        let smtp = Smtp::new(settings, &dns).unwrap();
        for place in ["the first", "the second", "the third"] {
            let (server, certificate) = server(version, &sessions).await;
            let session = smtp.visit(&visit(server.address())).await;
            let seen = session.tls_seen().unwrap();
            assert_eq!((seen.version, seen.chain == [certificate]), (version, true), "{place}, {version}");
        }
    }
}
