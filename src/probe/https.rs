//! The door to what is published by HTTPS: one request, a verified certificate, no redirects, bounded in size and time.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::dns::Dns;
use super::once::Once;
use super::transcript::Transcript;
use crate::model::{DomainName, Exchange, Observation, ObservationId, Text, Value};

/// The most of a body that is read, in octets.
const MOST: usize = 64 * 1024;
/// The most of a response's head.
const MOST_HEAD: usize = 16 * 1024;
/// So many addresses of a host are tried.
const MOST_ADDRESSES: usize = 4;

/// How a run fetches.
#[derive(Clone, Debug)]
pub struct HttpsSettings {
    /// The servers' port. Default 443; labs use another.
    pub port: u16,
    /// Certificate authorities instead of the public ones, as DER; empty = the public ones.
    pub roots: Vec<Vec<u8>>,
    /// How long everything may take; one address gets a third of it until its connection stands and is verified. Default 15 s.
    pub total: Duration,
}

impl Default for HttpsSettings {
    fn default() -> Self {
        Self { port: 443, roots: Vec::new(), total: Duration::from_secs(15) }
    }
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// A certificate authority of the plan.
    #[error("could not use a certificate authority: {0}")]
    Root(rustls::Error),
    /// The TLS library refuses its own defaults.
    #[error("could not set up TLS: {0}")]
    Tls(rustls::Error),
}

/// How a fetch ended. Only the first four are statements of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// A response, whatever its status.
    Response {
        /// The status code.
        status: u16,
        /// The media type, as sent.
        media_type: Option<String>,
        /// Where a redirect leads; it is not followed.
        location: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// The body is longer than 64 KB.
    TooLong,
    /// The certificate is not valid for the host, or not by an authority that is trusted.
    Certificate(String),
    /// What came is not TLS or HTTP.
    Malformed(String),
    /// Not within the time limit.
    Timeout,
    /// No connection, or one that ended before the response did.
    Unreachable(io::ErrorKind),
}

/// What was fetched, and its place in the transcript.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// How it ended.
    pub fetch: Fetch,
    /// Where it stands in the transcript.
    pub observation: ObservationId,
}

/// The door.
#[derive(Clone, Debug)]
pub struct Https {
    settings: HttpsSettings,
    connector: Arc<ClientConfig>,
    transcript: Arc<Transcript>,
    fetched: Arc<Once<(DomainName, String), Fetched>>,
}

impl Https {
    /// A door whose questions stand in the transcript of `dns`.
    ///
    /// # Errors
    /// [`HttpsError`] if a root certificate is none.
    pub fn new(settings: HttpsSettings, dns: &Dns) -> Result<Self, HttpsError> {
        let mut roots = RootCertStore::empty();
        for root in &settings.roots {
            roots.add(CertificateDer::from(root.as_slice())).map_err(HttpsError::Root)?;
        }
        if settings.roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(HttpsError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { settings, connector: Arc::new(config), transcript: dns.transcript(), fetched: Arc::default() })
    }

    /// `GET https://host/path` at one of `addresses`: the first that takes the connection answers. The same answer for everybody
    /// who asks for the same in this run.
    ///
    /// # Panics
    /// If the work on it panicked.
    pub async fn get(&self, host: &DomainName, addresses: &[IpAddr], path: &str) -> Arc<Fetched> {
        let (door, wanted, addresses, place) = (self.clone(), host.clone(), addresses.to_vec(), path.to_owned());
        let key = (host.clone(), path.to_owned());
        self.fetched.get(key, move || async move { door.fetch(&wanted, &addresses, &place).await }).await
    }

    async fn fetch(&self, host: &DomainName, addresses: &[IpAddr], path: &str) -> Fetched {
        let mut exchanges = Vec::new();
        let work = self.try_all(host, addresses, path, &mut exchanges);
        let fetch = timeout(self.settings.total, work).await.unwrap_or(Fetch::Timeout);
        let observation = Observation {
            id: ObservationId(0),
            part: 0,
            door: "https".into(),
            question: self.transcript.clean(&format!("GET https://{host}{path}")),
            route: "https".into(),
            outcome: fetch.word(),
            answer: fetch.lines().iter().map(|line| self.transcript.clean(line)).collect(),
            ttl: None,
            negative_ttl: None,
            authoritative: false,
            authenticated: false,
            rehearsed: Vec::new(),
            exchanges,
        };
        Fetched { fetch, observation: self.transcript.add(observation) }
    }

    async fn try_all(
        &self,
        host: &DomainName,
        addresses: &[IpAddr],
        path: &str,
        exchanges: &mut Vec<Exchange>,
    ) -> Fetch {
        let mut last = Fetch::Unreachable(io::ErrorKind::AddrNotAvailable);
        for ip in addresses.iter().take(MOST_ADDRESSES) {
            let server = SocketAddr::new(*ip, self.settings.port);
            let (at, began) = (Utc::now(), Instant::now());
            let place = exchanges.len();
            exchanges.push(Exchange {
                server: server.to_string(),
                transport: "tcp".into(),
                outcome: "timeout".to_owned(),
                at,
                took_ms: self.settings.total.as_secs_f64() * 1e3,
            });
            let fetch = self.try_one(host, server, path).await;
            exchanges[place].outcome = fetch.word();
            exchanges[place].took_ms = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
            // Who cannot be reached at one address may answer at another; what a server says of itself stands.
            if !matches!(fetch, Fetch::Timeout | Fetch::Unreachable(_)) {
                return fetch;
            }
            last = fetch;
        }
        last
    }

    async fn try_one(&self, host: &DomainName, server: SocketAddr, path: &str) -> Fetch {
        let connect = async {
            let stream = TcpStream::connect(server).await.map_err(|e| Fetch::Unreachable(e.kind()))?;
            let name = ServerName::try_from(host.as_str().to_owned()).map_err(|e| Fetch::Malformed(e.to_string()))?;
            TlsConnector::from(Arc::clone(&self.connector)).connect(name, stream).await.map_err(|e| refused(&e))
        };
        let stream = match timeout(self.settings.total / 3, connect).await {
            Err(_) => return Fetch::Timeout,
            Ok(Err(fetch)) => return fetch,
            Ok(Ok(stream)) => stream,
        };
        let shake =
            http1::Builder::new().max_buf_size(MOST_HEAD).max_headers(100).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = match shake {
            Ok(both) => both,
            Err(error) => return Fetch::Malformed(error.to_string()),
        };
        let request = Request::get(path)
            .header(HOST, host.as_str())
            // Without it a server may compress (RFC 9110, section 12.5.3).
            .header(ACCEPT_ENCODING, "identity")
            .header(USER_AGENT, concat!("mail-cutover/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new());
        let request = match request {
            Ok(request) => request,
            Err(error) => return Fetch::Malformed(error.to_string()),
        };
        let exchange = async {
            match sender.send_request(request).await {
                Ok(response) => read(response).await,
                Err(error) => spoilt(&error),
            }
        };
        tokio::pin!(exchange, connection);
        tokio::select! {
            biased;
            fetch = &mut exchange => fetch,
            // The connection is closed when the response is complete: the exchange has it by then.
            _ = &mut connection => exchange.await,
        }
    }
}

async fn read(response: Response<hyper::body::Incoming>) -> Fetch {
    let status = response.status().as_u16();
    let header = |name| {
        let value: Option<&hyper::header::HeaderValue> = response.headers().get(name);
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (media_type, location) = (header(CONTENT_TYPE), header(LOCATION));
    match Limited::new(response.into_body(), MOST).collect().await {
        Ok(body) => Fetch::Response { status, media_type, location, body: body.to_bytes().to_vec() },
        Err(error) if error.is::<LengthLimitError>() => Fetch::TooLong,
        Err(error) => error.downcast_ref().map_or_else(|| Fetch::Malformed(error.to_string()), spoilt),
    }
}

/// Why no whole response came: what cannot be read is the server's word, a connection that ended on the way is not.
fn spoilt(error: &hyper::Error) -> Fetch {
    let of_connection = error.source().and_then(|cause| cause.downcast_ref()).map(io::Error::kind);
    match of_connection {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Fetch::Malformed(error.to_string()),
        Some(kind) => Fetch::Unreachable(kind),
        None if error.is_incomplete_message() => Fetch::Unreachable(io::ErrorKind::UnexpectedEof),
        None => Fetch::Malformed(error.to_string()),
    }
}

/// Why TLS did not come about: a certificate that is no good, or something that is not TLS.
fn refused(error: &io::Error) -> Fetch {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        Some(rustls::Error::InvalidCertificate(reason)) => Fetch::Certificate(reason.to_string()),
        Some(rustls::Error::NoCertificatesPresented) => Fetch::Certificate("no certificate was presented".to_owned()),
        Some(other) => Fetch::Malformed(other.to_string()),
        None => Fetch::Unreachable(error.kind()),
    }
}

impl Fetch {
    /// Whether the server said something definite.
    pub fn is_definite(&self) -> bool {
        !matches!(self, Self::Timeout | Self::Unreachable(_))
    }

    /// The word of the transcript: the status, or as for the DNS.
    fn word(&self) -> String {
        match self {
            Self::Response { status, .. } => status.to_string(),
            Self::TooLong => "too-long".to_owned(),
            Self::Certificate(_) => "certificate".to_owned(),
            Self::Malformed(_) => "malformed".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Unreachable(_) => "unreachable".to_owned(),
        }
    }

    /// The body's first lines, or the reason.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Response { body, .. } => String::from_utf8_lossy(body).lines().take(32).map(str::to_owned).collect(),
            Self::Certificate(reason) | Self::Malformed(reason) => vec![reason.clone()],
            _ => Vec::new(),
        }
    }

    /// A phrase for how it ended.
    pub fn why(&self) -> Value {
        let text = |en, ja| Value::from(Text { en, ja });
        match self {
            Self::Response { status, location: Some(location), .. } if (300..400).contains(status) => Value::both(
                format!("the server redirects ({status}) to {location}, which may not be followed"),
                format!("サーバーが {location} へリダイレクト ({status}) する。リダイレクトには従えない"),
            ),
            Self::Response { status, .. } => {
                Value::both(format!("the server answered {status}"), format!("サーバーが {status} を返した"))
            }
            Self::TooLong => text("the answer is longer than 64 KB", "応答が 64 KB を超える"),
            Self::Certificate(reason) => Value::both(
                format!("the certificate is not valid ({reason})"),
                format!("証明書が有効でない ({reason})"),
            ),
            Self::Malformed(reason) => Value::both(
                format!("the answer cannot be used ({reason})"),
                format!("応答が不正で使用できない ({reason})"),
            ),
            Self::Timeout => text("no complete answer within the time limit", "制限時間内に応答が完了しない"),
            Self::Unreachable(kind) => Value::both(
                format!("the server could not be reached ({kind})"),
                format!("サーバーに到達できない ({kind})"),
            ),
        }
    }
}
