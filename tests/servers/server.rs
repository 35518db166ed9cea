//! What a mail server of the world is like, whatever program plays it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::certificates::{Authority, Certificate};
use super::client;
use super::namespaces::Host;
use super::process::Daemon;
use super::{exim, postfix};

/// Who may submit mail at 465 and 587, and how (after TLS): only Exim knows users.
pub(crate) const USER: &str = "info";
pub(crate) const PASSWORD: &str = "a secret of the laboratory";

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
}

impl Server {
    /// The server of today.
    pub(crate) fn old() -> Self {
        Self {
            program: Program::Postfix,
            ips: vec!["192.0.2.25"],
            ports: vec![25],
            name: "mx-old.example.co.jp",
            domain: "example.co.jp",
            mailboxes: vec!["info", "sales", "postmaster", "abuse"],
            size: 50 << 20,
            certificate: Certificate::Trusted("mx-old.example.co.jp"),
            open_relay: false,
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
            ports: if program == Program::Exim { vec![25, 465, 587] } else { vec![25] },
            ..Self::old()
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
            open_relay: false,
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

    /// Each mailbox with its domain.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = String> {
        self.mailboxes.iter().map(|mailbox| format!("{mailbox}@{}", self.domain))
    }
}
