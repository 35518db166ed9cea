//! A plan as the checks see it: valid by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};

use crate::model::{DomainName, Side, Subject, Waiver};
use crate::records::certificate::Chain;

/// What the operator intends.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it was read from, as the user wrote it.
    pub path: String,
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// The change ticket.
    pub change: Option<String>,
    /// A title for people.
    pub title: Option<String>,
    /// When the switch happens; its offset is the offset of the report.
    pub cutover_at: DateTime<FixedOffset>,
    /// How long the old server stays alive and in SPF after the switch.
    pub overlap: TimeDelta,
    /// The mail domains that move; never empty.
    pub domains: Vec<DomainName>,
    /// The name of the mail server, the default of PTR, HELO and MX.
    pub hostname: DomainName,
    /// The addresses of today; never empty.
    pub old: Vec<Address>,
    /// The addresses of tomorrow; never empty.
    pub new: Vec<Address>,
    /// The provider of the new addresses, by its id.
    pub provider: Option<String>,
    /// The certificates that the new server will present.
    pub certificate: Option<Chain>,
    /// What MX must be after the cutover, by domain; `*` is every domain not named.
    pub mx: Vec<(String, Vec<Mx>)>,
    /// How the DNS is asked, and the TTLs.
    pub dns: DnsPlan,
    /// How HTTPS is asked.
    pub https: HttpsPlan,
    /// Sender authentication.
    pub auth: Auth,
    /// What the servers are asked over SMTP.
    pub smtp: Smtp,
    /// The lists that judge us.
    pub dnsbl: Dnsbl,
    /// The lists that the new server will enforce on others.
    pub inbound_dnsbl: InboundDnsbl,
    /// The receivers that matter.
    pub receivers: Receivers,
    /// What shows after the cutover whether mail arrives.
    pub after: After,
    /// What no probe can see, by name.
    pub attest: Vec<(String, Attestation)>,
    /// Who decides to go back, and when.
    pub rollback: Option<Rollback>,
    /// Accepted risks.
    pub waivers: Vec<Waiver>,
    /// Checks (ids or tags) that a run must cover.
    pub must_cover: Vec<String>,
    /// The files that it names, from the folder the tool runs in.
    pub files: Vec<PathBuf>,
    /// The first line, 1-based, on which a text stands; addresses and names in the form in which they are compared.
    pub lines: BTreeMap<String, usize>,
}

impl Plan {
    /// The line of the plan that a subject comes from: its own, or that of the nearest domain above it. Nothing if the plan does not
    /// name it.
    pub fn line_of(&self, subject: &Subject) -> Option<usize> {
        match subject {
            Subject::Run => None,
            Subject::PlanLine(line) => Some(*line),
            Subject::Address(ip, side) => {
                let addresses = if *side == Side::Old { &self.old } else { &self.new };
                addresses.iter().find(|address| address.ip == *ip).map(|address| address.line)
            }
            Subject::Name(name) | Subject::List(name) => {
                let above = std::iter::successors(Some(name.as_str()), |name| Some(name.split_once('.')?.1));
                above.filter_map(|name| self.lines.get(name)).copied().next()
            }
        }
    }

    /// What `[mx]` says of a domain; nothing if it says nothing.
    pub fn said_mx(&self, domain: &DomainName) -> Option<&[Mx]> {
        let of = |wanted: &str| self.mx.iter().find(|(name, _)| name == wanted);
        of(domain.as_str()).or_else(|| of("*")).map(|(_, records)| records.as_slice())
    }

    /// The MX records that `domain` is to have after the cutover; the host name, if `[mx]` does not say.
    pub fn planned_mx(&self, domain: &DomainName) -> Vec<Mx> {
        let usual = || vec![Mx { preference: 10, host: self.hostname.clone() }];
        self.said_mx(domain).map_or_else(usual, <[Mx]>::to_vec)
    }

    /// The hosts of [`Self::planned_mx`].
    pub fn planned_hosts(&self, domain: &DomainName) -> Vec<DomainName> {
        self.planned_mx(domain).into_iter().map(|record| record.host).collect()
    }

    /// Every host that is to receive mail after the cutover: the host name and those in `[mx]`.
    pub fn mail_hosts(&self) -> BTreeSet<DomainName> {
        let named = self.mx.iter().flat_map(|(_, records)| records.iter().map(|record| record.host.clone()));
        named.chain([self.hostname.clone()]).collect()
    }

    /// When no mail leaves from the old addresses any more.
    pub fn overlap_ends(&self) -> DateTime<FixedOffset> {
        self.cutover_at + self.overlap
    }

    /// The addresses that are given up: old, and not new as well.
    pub fn given_up(&self) -> Vec<IpAddr> {
        let stays = |ip: IpAddr| self.new.iter().any(|address| address.ip == ip);
        self.old.iter().map(|address| address.ip).filter(|ip| !stays(*ip)).collect()
    }
}

/// One mail-server address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Its side.
    pub side: Side,
    /// The name that its PTR record must have.
    pub ptr: DomainName,
    /// What the server says in HELO, as it says it: a check judges it.
    pub helo: String,
    /// Mail leaves from here.
    pub sends: bool,
    /// Mail arrives here.
    pub receives: bool,
    /// Why an address that is not public may stand here.
    pub special: Option<String>,
    /// Its line in the plan, 1-based.
    pub line: usize,
}

/// One MX record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mx {
    /// Preference; lower is tried first.
    pub preference: u16,
    /// The mail host.
    pub host: DomainName,
}

/// Whom the DNS questions go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// The system's resolver; a list that refuses or breaks there is asked at its own servers.
    #[default]
    Auto,
    /// The system's resolver only.
    System,
    /// The authoritative servers, found from the root.
    Direct,
    /// These, in this order.
    Servers(Vec<SocketAddr>),
}

/// `[dns]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsPlan {
    /// Whom to ask.
    pub resolver: Resolver,
    /// Root servers instead of IANA's.
    pub root_hints: Vec<SocketAddr>,
    /// The port of authoritative servers; laboratories use another than 53.
    pub authority_port: u16,
    /// How long a question may stay without an answer before it is asked again.
    pub timeout: TimeDelta,
    /// Servers for which no operator's pace counts; without a port, at every port.
    pub unpaced: Vec<(IpAddr, Option<u16>)>,
    /// The TTL that changing records should have at the cutover.
    pub ttl_target: TimeDelta,
    /// When somebody lowered the TTLs.
    pub lowered_at: Option<DateTime<FixedOffset>>,
    /// The TTL that they had before.
    pub old_ttl: Option<TimeDelta>,
}

impl Default for DnsPlan {
    fn default() -> Self {
        Self {
            resolver: Resolver::Auto,
            root_hints: Vec::new(),
            authority_port: 53,
            timeout: TimeDelta::seconds(1),
            unpaced: Vec::new(),
            ttl_target: TimeDelta::minutes(5),
            lowered_at: None,
            old_ttl: None,
        }
    }
}

/// `[https]`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpsPlan {
    /// The port of the servers; laboratories use another than 443.
    pub port: u16,
    /// Authorities to trust instead of the public ones.
    pub trust: Option<Chain>,
    /// How long one fetch may take.
    pub timeout: TimeDelta,
}

impl Default for HttpsPlan {
    fn default() -> Self {
        Self { port: 443, trust: None, timeout: TimeDelta::seconds(15) }
    }
}

/// `[auth]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// The domains of MAIL FROM; the plan's domains if none are named.
    pub mail_from: Vec<DomainName>,
    /// DKIM selectors by domain.
    pub dkim: Vec<(DomainName, Vec<String>)>,
    /// Old selectors that must stay for a while.
    pub keep_dkim: Vec<String>,
    /// Whether MTA-STS is in use; unknown if not said.
    pub mta_sts: Option<bool>,
    /// Whether DANE is in use; unknown if not said.
    pub dane: Option<bool>,
}

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// 25: mail between servers (RFC 5321).
    Smtp,
    /// 465: submission inside TLS (RFC 8314).
    Submissions,
    /// 587: submission with STARTTLS (RFC 6409).
    Submission,
    /// 143: IMAP with STARTTLS (RFC 9051).
    Imap,
    /// 993: IMAP inside TLS (RFC 8314).
    Imaps,
    /// 110: POP3 with STLS (RFC 2595).
    Pop3,
    /// 995: POP3 inside TLS (RFC 8314).
    Pop3s,
}

impl Service {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Smtp, Self::Submissions, Self::Submission, Self::Imap, Self::Imaps, Self::Pop3, Self::Pop3s];

    /// Its port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Submissions => 465,
            Self::Submission => 587,
            Self::Imap => 143,
            Self::Imaps => 993,
            Self::Pop3 => 110,
            Self::Pop3s => 995,
        }
    }

    /// What is spoken at `port`.
    pub fn at(port: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.port() == port)
    }

    /// Whether TLS begins with the connection.
    pub const fn is_implicit_tls(self) -> bool {
        matches!(self, Self::Submissions | Self::Imaps | Self::Pop3s)
    }
}

/// `[smtp]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// What servers and people use, each once.
    pub services: Vec<Service>,
    /// Mailboxes that old and new must accept.
    pub recipients: Vec<String>,
    /// A mailbox that the operator owns on another system, to test for an open relay.
    pub relay_probe: Option<String>,
    /// A message that the new server really sent.
    pub sample: Option<Sample>,
    /// Mail domains of others at whose MX port 25 is tried.
    pub witnesses: Vec<DomainName>,
    /// What this program says in EHLO.
    pub ehlo: Option<String>,
    /// How long a server may take for one reply.
    pub timeout: TimeDelta,
    /// Authorities to trust instead of the public ones.
    pub trust: Option<Chain>,
    /// Where to connect instead.
    pub detours: Vec<Detour>,
}

/// A message as another system received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The file, as the plan names it.
    pub path: String,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// An address and port of the plan that is reached somewhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detour {
    /// What the plan means.
    pub of: SocketAddr,
    /// Where to connect.
    pub to: SocketAddr,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            services: vec![Service::Smtp],
            recipients: Vec::new(),
            relay_probe: None,
            sample: None,
            witnesses: Vec::new(),
            ehlo: None,
            timeout: TimeDelta::seconds(20),
            trust: None,
            detours: Vec::new(),
        }
    }
}

/// What a listing weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListWeight {
    /// Stops the cutover.
    Block,
    /// Warns.
    Warn,
    /// Is noted.
    Info,
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFamily {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// Domain names.
    Domain,
}

/// `[dnsbl]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dnsbl {
    /// Named sets of the catalogue.
    pub sets: Vec<String>,
    /// Further lists, by id.
    pub lists: Vec<String>,
    /// Lists that are left out, by id.
    pub disable: Vec<String>,
    /// Lists without whose word there is no GO, by id.
    pub require: Vec<String>,
    /// The environment variables that hold keys, by the key's name in the catalogue.
    pub keys: Vec<(String, String)>,
    /// Weights instead of the catalogue's, by list id.
    pub weights: Vec<(String, ListWeight)>,
    /// Lists that the catalogue does not know.
    pub added: Vec<AddedList>,
    /// How many of a hundred blocking lists that are not required must answer.
    pub quorum: u8,
}

impl Default for Dnsbl {
    fn default() -> Self {
        Self {
            sets: vec!["recommended".to_owned()],
            lists: Vec::new(),
            disable: Vec::new(),
            require: Vec::new(),
            keys: Vec::new(),
            weights: Vec::new(),
            added: Vec::new(),
            quorum: 80,
        }
    }
}

/// `[[dnsbl.list]]`: a list of the operator's own, with the test points of RFC 5782, section 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedList {
    /// Its id; no list of the catalogue has it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The zone to ask.
    pub zone: String,
    /// What it holds.
    pub families: Vec<ListFamily>,
    /// What a listing weighs.
    pub weight: ListWeight,
}

/// `[inbound_dnsbl]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundDnsbl {
    /// Zones that the new server will enforce.
    pub zones: Vec<String>,
    /// The file with its rules, which tells more than zones do.
    pub config: Option<PathBuf>,
    /// Who must still get through.
    pub partners: Vec<Partner>,
}

/// Somebody whose mail matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Their name.
    pub name: String,
    /// Their mail domain.
    pub domain: Option<DomainName>,
    /// Their addresses.
    pub ips: Vec<IpAddr>,
    /// Refusing them would stop the cutover.
    pub vip: bool,
}

/// `[receivers]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receivers {
    /// Profiles, by id.
    pub care_about: Vec<String>,
    /// Messages a day.
    pub per_day: Option<u64>,
}

/// `[attest] name = { … }`: something no probe can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Whether it holds.
    pub yes: bool,
    /// Who says so.
    pub by: String,
    /// Since when.
    pub on: Option<NaiveDate>,
    /// A ticket.
    pub reference: Option<String>,
    /// Its line in the plan, 1-based.
    pub line: usize,
}

/// `[rollback]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Who decides.
    pub owner: String,
    /// How long after the cutover the decision must fall.
    pub decide_by: TimeDelta,
    /// Tags, or ids of checks, that ask for it.
    pub triggers: Vec<String>,
}

/// What shows after the cutover whether mail arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Mail logs, from the folder the tool runs in.
    pub logs: Vec<PathBuf>,
}
