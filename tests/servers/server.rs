//! What a mail server of the world is like, whatever program plays it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::certificates::{Authority, Certificate};
use super::client;
use super::namespaces::Host;
use super::process::Daemon;
use super::{exim, postfix};

/// Who may hand mail in at 465 and 587. Only Exim knows users; Postfix offers the log-in, but lets nobody in.
pub(crate) const USER: &str = "info";
pub(crate) const PASSWORD: &str = "secret";
/// The same for AUTH PLAIN (RFC 4616): an empty name, the user and the password, base64.
pub(crate) const LOGIN: &str = "AGluZm8Ac2VjcmV0";

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Exim,
    Postfix,
}

/// A mail server. A test takes a good one and says what is different.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) program: Program,
    /// Its addresses, all those of its host.
    pub(crate) ips: Vec<&'static str>,
    /// Of 25, 465 (TLS at once) and 587; on the last two, nothing is taken without a password.
    pub(crate) ports: Vec<u16>,
    /// What it calls itself in its banner and to EHLO.
    pub(crate) name: &'static str,
    /// The domain that it takes mail for.
    pub(crate) domain: &'static str,
    /// The mailboxes there; `postmaster` without a domain is that of this domain.
    pub(crate) mailboxes: Vec<&'static str>,
    /// The longest message, in octets.
    pub(crate) size: u64,
    pub(crate) certificate: Certificate,
    /// Takes mail from everybody for everybody.
    pub(crate) open_relay: bool,
    /// Takes mail for every mailbox of its domain. Only Exim is told.
    pub(crate) takes_unknown: bool,
    /// Offers the log-in before TLS, and at port 25. Only Exim is told.
    pub(crate) asks_in_the_clear: bool,
    /// Takes TLS 1.0 and 1.1 too, as Debian's Exim and Postfix do unless told.
    pub(crate) old_tls: bool,
}

impl Server {
    /// The server of today.
    pub(crate) fn old() -> Self {
        Self {
            program: Program::Postfix,
            ips: vec!["192.0.2.25"],
            ports: vec![25, 465, 587],
            name: "mx-old.example.co.jp",
            domain: "example.co.jp",
            mailboxes: vec!["info", "sales", "postmaster", "abuse"],
            size: 50 << 20,
            certificate: Certificate::Trusted("mx-old.example.co.jp"),
            open_relay: false,
            takes_unknown: false,
            asks_in_the_clear: false,
            old_tls: false,
        }
    }

    /// The server of tomorrow with nothing wrong.
    pub(crate) fn new(program: Program) -> Self {
        Self {
            program,
            ips: vec!["203.0.113.25", "2001:db8:25::25"],
            name: "mail.example.co.jp",
            certificate: Certificate::Trusted("mail.example.co.jp"),
            size: 60 << 20,
            ..Self::old()
        }
    }

    /// The server of tomorrow as it came out of the box: its own name, its own certificate, less room, two mailboxes short.
    pub(crate) fn unprepared(program: Program) -> Self {
        Self {
            name: "localhost.localdomain",
            mailboxes: vec!["info", "abuse"],
            size: 10 << 20,
            certificate: Certificate::SelfSigned("mx-old.example.co.jp"),
            ..Self::new(program)
        }
    }

    /// The server of tomorrow, set up without care: out of date, asking for passwords in the clear, taking whatever comes.
    pub(crate) fn careless() -> Self {
        Self {
            certificate: Certificate::Expired("mail.example.co.jp"),
            takes_unknown: true,
            asks_in_the_clear: true,
            old_tls: true,
            ..Self::new(Program::Exim)
        }
    }

    /// The mail server of two strangers, one name on each address.
    pub(crate) fn witnesses() -> Self {
        Self {
            program: Program::Exim,
            ips: vec!["198.18.1.25", "198.19.1.25", "2001:db8:1801::25", "2001:db8:1901::25"],
            ports: vec![25],
            name: "mx.one.example",
            domain: "one.example",
            mailboxes: vec!["postmaster", "abuse"],
            size: 20 << 20,
            certificate: Certificate::Trusted("mx.one.example"),
            ..Self::old()
        }
    }

    /// Starts it on its host, its files in `dir`, and waits until every port of every address is open.
    pub(crate) fn start(&self, host: &Host, authority: &Authority, dir: &Path) -> Result<Daemon, String> {
        std::fs::create_dir(dir).unwrap();
        let certificate = authority.write(self.certificate, dir);
        host.within(|| {
            let mut daemon = match self.program {
                Program::Exim => exim::spawn(self, &certificate, dir),
                Program::Postfix => postfix::spawn(self, &certificate, dir),
            };
            for ip in &self.ips {
                let ip: IpAddr = ip.parse().unwrap();
                for port in &self.ports {
                    daemon.wait_until(|| client::reach(SocketAddr::new(ip, *port)))?;
                }
            }
            Ok(daemon)
        })
    }
}
