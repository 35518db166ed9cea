//! Sites that misbehave on loopback, and what the HTTPS door makes of them: a definite answer, or not known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use mail_cutover::model::{DomainName, Observation};
use mail_cutover::probe::{Dns, Fetch, Https, HttpsSettings, ResolverChoice, Settings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// How a site ends what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By the book.
    Closed,
    /// The connection is gone without a word.
    Cut,
    /// It stays open.
    Open,
    /// What it said last is said again for ever.
    Again,
    /// TLS does not come about: the connection is taken and nothing is said.
    Mute,
    /// The connection is taken and cut.
    Gone,
}

struct Lab {
    port: u16,
    root: Vec<u8>,
    _tasks: JoinSet<()>,
}

const HOST: &str = "mta-sts.example.jp";
/// Where the lab's sites listen; nobody does on the next one.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 99));

impl Lab {
    /// A site that says `first`, then `last`, to whatever is asked.
    async fn serve(first: &'static str, last: &'static str, end: End) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                match end {
                    End::Mute => std::future::pending().await,
                    End::Gone => continue,
                    _ => {}
                }
                let Ok(mut tls) = acceptor.accept(&mut stream).await else { continue };
                let mut asked = vec![0; 4096];
                let length = tls.read(&mut asked).await.unwrap_or_default();
                // Who may compress does.
                let asked = String::from_utf8_lossy(&asked[..length]).to_ascii_lowercase();
                assert!(asked.contains("\r\naccept-encoding: identity\r\n"), "{asked}");
                drop(tls.write_all(first.as_bytes()).await);
                drop(tls.write_all(last.as_bytes()).await);
                while end == End::Again && tls.write_all(last.as_bytes()).await.is_ok() {}
                drop(tls.flush().await);
                match end {
                    End::Closed => drop(tls.shutdown().await),
                    End::Open => std::future::pending().await,
                    _ => {}
                }
            }
        });
        Self { port, root, _tasks: tasks }
    }

    async fn get(&self, addresses: &[IpAddr], total: Duration) -> (Fetch, Observation) {
        let resolver = ResolverChoice::Servers(vec![(HERE, 9).into()]);
        let dns = Dns::new(Settings { resolver, ..Settings::default() }).unwrap();
        let settings = HttpsSettings { port: self.port, roots: vec![self.root.clone()], total };
        let https = Https::new(settings, &dns).unwrap();
        let host = DomainName::parse(HOST).unwrap();
        let began = Instant::now();
        let fetched = https.get(&host, addresses, "/.well-known/mta-sts.txt").await;
        assert!(began.elapsed() < total + Duration::from_secs(2), "it took {:?}", began.elapsed());
        (fetched.fetch.clone(), dns.observations().remove(0))
    }
}

/// What a site says came to, in a word; a response with its body's length.
async fn word(first: &'static str, last: &'static str, end: End) -> String {
    let lab = Lab::serve(first, last, end).await;
    let (fetch, seen) = lab.get(&[HERE], Duration::from_secs(3)).await;
    assert!(seen.answer.len() <= 32 && seen.answer.iter().all(|line| line.len() < 2000), "the transcript grew");
    match fetch {
        Fetch::Response { status, body, .. } => format!("{status} {}", body.len()),
        Fetch::Malformed(_) => "malformed".to_owned(),
        Fetch::Unreachable(_) => "unreachable".to_owned(),
        Fetch::TooLong => "too long".to_owned(),
        Fetch::Timeout => "timeout".to_owned(),
        Fetch::Certificate(why) => why,
    }
}

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Lost if it fails: a policy that was cut on its way would be called wrong, or right; or a hostile site would hold the run or fill
/// the memory.
#[tokio::test]
async fn only_what_came_whole_is_definite() {
    use End::{Again, Closed, Cut, Gone, Mute, Open};
    let cases = [
        ("200 4", LENGTH, "abcd", Closed),
        ("200 4", LENGTH, "abcd", Cut),
        ("200 4", LENGTH, "abcd", Open),
        ("unreachable", LENGTH, "abc", Closed),
        ("unreachable", LENGTH, "abc", Cut),
        ("timeout", LENGTH, "abc", Open),
        // The end of the connection is the end of the body, if it was said.
        ("200 4", "HTTP/1.1 200 OK\r\n\r\n", "abcd", Closed),
        ("unreachable", "HTTP/1.1 200 OK\r\n\r\n", "abcd", Cut),
        ("too long", "HTTP/1.1 200 OK\r\n\r\n", LONG, Again),
        ("200 4", "HTTP/1.0 200 OK\r\n\r\n", "abcd", Closed),
        ("unreachable", "HTTP/1.0 200 OK\r\n\r\n", "abcd", Cut),
        ("200 4", CHUNKED, "4\r\nabcd\r\n0\r\n\r\n", Cut),
        ("unreachable", CHUNKED, "4\r\nabcd\r\n", Closed),
        ("unreachable", CHUNKED, "4\r\nabcd\r\n", Cut),
        ("malformed", CHUNKED, "zz\r\nabcd\r\n", Closed),
        ("timeout", CHUNKED, "ffffffffffffff\r\nabcd\r\n", Open),
        ("malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;", LONG, Again),
        ("malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n", Again),
        ("malformed", "HTTP/1.1 200 OK\r\n", "a: b\r\n", Again),
        ("malformed", "HTTP/1.1 200 OK\r\na: ", LONG, Again),
        ("malformed", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 3\r\n\r\n", "abcd", Closed),
        ("malformed", "version: STSv1\n", "mode: none\n", Closed),
        ("malformed", "HTTP/2 200\r\n\r\n", "", Closed),
        ("200 4", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", Closed),
        ("timeout", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", Again),
        ("unreachable", "HTTP/1.1 200 OK\r\nConte", "", Closed),
        ("unreachable", "HTTP/1.1 200 OK\r\nConte", "", Cut),
        ("unreachable", "", "", Closed),
        ("unreachable", "", "", Cut),
        ("timeout", "", "", Open),
        ("timeout", "", "", Mute),
        ("unreachable", "", "", Gone),
    ];
    let found = join_all(cases.iter().map(|(_, first, last, end)| word(first, last, *end))).await;
    let wrong: Vec<_> = cases.iter().zip(&found).filter(|(case, found)| case.0 != *found).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lost if it fails: a host would be called dead of whose addresses the first is, or all would get their time again and again.
#[tokio::test]
async fn a_dead_address_does_not_hide_a_live_one() {
    let lab = Lab::serve(LENGTH, "abcd", End::Closed).await;
    let (fetch, seen) = lab.get(&[NOBODY, HERE], Duration::from_secs(3)).await;
    assert!(matches!(fetch, Fetch::Response { status: 200, .. }), "{fetch:?}");
    let outcomes: Vec<&str> = seen.exchanges.iter().map(|exchange| exchange.outcome.as_str()).collect();
    assert_eq!(outcomes, ["unreachable", "200"]);
    let mute = Lab::serve("", "", End::Mute).await;
    let (fetch, seen) = mute.get(&[HERE; 9], Duration::from_secs(1)).await;
    assert_eq!((fetch, seen.exchanges.len() <= 4), (Fetch::Timeout, true));
}
