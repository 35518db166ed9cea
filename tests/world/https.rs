//! Sites with certificates on loopback, as good or as bad as a case wants them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::authority::{AGES, Authority, PAST};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// One site, whatever path is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    /// The body.
    #[serde(default)]
    body: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default = "plain", rename = "type")]
    media_type: String,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    fault: Option<Trouble>,
}

/// What is wrong with a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Trouble {
    /// The certificate is another host's.
    WrongName,
    /// It comes from an authority that nobody trusts.
    Untrusted,
    /// It has expired.
    Expired,
    /// The body comes an octet at a time, for ever.
    NeverEnds,
    /// The body is a megabyte.
    TooLong,
    /// What comes is not HTTP.
    Garbage,
}

fn ok() -> u16 {
    200
}

fn plain() -> String {
    "text/plain".to_owned()
}

/// The running sites, all on one port.
#[derive(Debug)]
pub(crate) struct Sites {
    address: SocketAddr,
    authority: PathBuf,
    never_ends: bool,
    _folder: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Certificates(HashMap<String, Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.get(hello.server_name()?).cloned()
    }
}

impl Sites {
    /// Serves them on 127.0.0.1.
    pub(crate) async fn serve(sites: &[(String, Site)]) -> Self {
        let (trusted, other) = (Authority::new(), Authority::new());
        let certificates = sites.iter().map(|(host, site)| {
            let authority = if site.fault == Some(Trouble::Untrusted) { &other } else { &trusted };
            let name = if site.fault == Some(Trouble::WrongName) { "other.test" } else { host };
            (host.clone(), authority.certify(&[name], if site.fault == Some(Trouble::Expired) { PAST } else { AGES }))
        });
        let resolver = Arc::new(Certificates(certificates.collect()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, trusted.pem()).expect("a file");
        let address = listener.local_addr().expect("an address");
        let never_ends = sites.iter().any(|(_, site)| site.fault == Some(Trouble::NeverEnds));
        let sites: Arc<HashMap<String, Site>> = Arc::new(sites.iter().cloned().collect());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, sites) = (acceptor.clone(), Arc::clone(&sites));
                connections.spawn(async move { drop(answer(stream, &acceptor, &sites).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, authority, never_ends, _folder: folder, _tasks: tasks }
    }

    /// The section of a plan that asks them and nobody else.
    pub(crate) fn section(&self) -> String {
        let authority = toml::Value::from(self.authority.display().to_string());
        // Only a site that never ends is waited for to the end.
        let timeout = if self.never_ends { "3s" } else { "30s" };
        format!("\n[https]\nport = {}\ntrust = {authority}\ntimeout = \"{timeout}\"\n", self.address.port())
    }
}

async fn answer(stream: TcpStream, acceptor: &TlsAcceptor, sites: &HashMap<String, Site>) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let host = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
    let Some(site) = sites.get(&host) else { return Ok(()) };
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut more = [0; 1024];
        match stream.read(&mut more).await? {
            0 => return Ok(()),
            length => request.extend_from_slice(&more[..length]),
        }
    }
    let mut head = format!("HTTP/1.1 {} X\r\nContent-Type: {}\r\n", site.status, site.media_type);
    if let Some(location) = &site.location {
        head.push_str(&format!("Location: {location}\r\n"));
    }
    match site.fault {
        Some(Trouble::Garbage) => stream.write_all(b"220 mail.example.co.jp ESMTP\r\n").await?,
        Some(Trouble::NeverEnds) => {
            stream.write_all(format!("{head}\r\nversion: STSv1\nmode: ").as_bytes()).await?;
            loop {
                stream.write_all(b"e").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Some(Trouble::TooLong) => {
            stream.write_all(format!("{head}\r\n").as_bytes()).await?;
            stream.write_all(&vec![b'#'; 1 << 20]).await?;
        }
        _ => {
            let length = site.body.len();
            stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{}", site.body).as_bytes()).await?;
        }
    }
    stream.shutdown().await
}
