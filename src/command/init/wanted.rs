//! What the operator says, by options or in answers.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, FixedOffset, Local};

use super::present::Present;
use super::questions::{Asker, next_saturday};
use crate::cli::{Init, parse_moment};
use crate::command::CommandError;
use crate::model::{DomainName, visible};
use crate::plan::{DnsPlan, Resolver, special_purpose};

/// The most domains of one plan that is drafted.
const MOST_DOMAINS: usize = 100;
/// The most addresses of one side that are given.
const MOST_ADDRESSES: usize = 100;

/// What is wanted.
pub(super) struct Wanted {
    /// The domains, each once, and as they were written.
    pub(super) named: Vec<(DomainName, String)>,
    /// The new addresses, each once.
    pub(super) new: Vec<IpAddr>,
    /// The old addresses, if they are given.
    pub(super) old: Vec<IpAddr>,
    /// Whom to ask.
    pub(super) dns: DnsPlan,
    /// The change ticket.
    pub(super) change: Option<String>,
    /// Why the new addresses need not be public.
    pub(super) special: Option<String>,
    /// Where to connect instead.
    pub(super) detours: Vec<(SocketAddr, SocketAddr)>,
    hostname: Option<DomainName>,
    cutover_at: Option<DateTime<FixedOffset>>,
}

impl Wanted {
    /// Reads the options; what cannot be done without is asked for.
    ///
    /// # Errors
    /// What is wrong, or missing with nobody to ask.
    pub(super) fn read(arguments: &Init, mut asker: Option<&mut Asker>) -> Result<Self, CommandError> {
        let mut named: Vec<(DomainName, String)> = Vec::new();
        for text in &arguments.domains {
            let domain = DomainName::parse(text).map_err(|error| {
                refuse(format!("{}: {error}; write a mail domain such as example.co.jp", visible(text)))
            })?;
            if !named.iter().any(|(known, _)| *known == domain) {
                named.push((domain, text.clone()));
            }
        }
        if named.len() > MOST_DOMAINS {
            return Err(refuse(format!("more than {MOST_DOMAINS} domains at once; make several plans")));
        }
        if asker.is_none() {
            // All at once: a script is not to be started three times to learn three options.
            let missing = [
                (arguments.new.is_empty(), "which the new addresses are: give --new 203.0.113.25"),
                (
                    arguments.cutover_at.is_none(),
                    "when the switch happens: give --cutover-at 2026-12-05T22:00:00+09:00",
                ),
            ];
            let missing: Vec<&str> =
                missing.iter().filter(|(is_missing, _)| *is_missing).map(|(_, what)| *what).collect();
            if !missing.is_empty() {
                return Err(refuse(format!("nothing says {}", missing.join("; and nothing says "))));
            }
        }
        let hostname = arguments.hostname.as_deref().map(host_name).transpose().map_err(refuse)?;
        let new = match (&arguments.new[..], &mut asker) {
            ([], Some(asker)) => {
                let question = ("Addresses of the new server", "新サーバーのアドレス");
                asker.ask(question, None, "--new", |text| addresses(text, arguments.allow_special.is_some()))?
            }
            (given, _) => each_once(given),
        };
        are_usable(&new, arguments.allow_special.is_some()).map_err(refuse)?;
        let old = each_once(&arguments.old);
        if new.len().max(old.len()) > MOST_ADDRESSES {
            return Err(refuse(format!("more than {MOST_ADDRESSES} addresses on one side; make several plans")));
        }
        if arguments.allow_special.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err(refuse("--allow-special wants a reason".to_owned()));
        }
        Ok(Self {
            named,
            new,
            old,
            dns: DnsPlan { resolver: resolver(&arguments.resolver).map_err(refuse)?, ..DnsPlan::default() },
            change: arguments.change.clone().filter(|change| !change.trim().is_empty()),
            special: arguments.allow_special.clone(),
            detours: arguments.connect.clone(),
            hostname,
            cutover_at: arguments.cutover_at,
        })
    }

    /// The domains.
    pub(super) fn domains(&self) -> Vec<DomainName> {
        self.named.iter().map(|(domain, _)| domain.clone()).collect()
    }

    /// Whether the option says the new server's name.
    pub(super) fn names_host(&self) -> bool {
        self.hostname.is_some()
    }

    /// The new server's name: that of the option, else the only one that there is today.
    ///
    /// # Errors
    /// There are several, or none, with nobody to ask.
    pub(super) fn hostname(&self, present: &Present, asker: Option<&mut Asker>) -> Result<DomainName, CommandError> {
        if let Some(hostname) = &self.hostname {
            return Ok(hostname.clone());
        }
        let candidates = present.host_names();
        match (&candidates[..], asker) {
            ([only], _) => Ok(only.clone()),
            (several, Some(asker)) => {
                let names = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let found = if names.is_empty() { names } else { format!(" ({names})") };
                let en = format!("Name of the new mail server, for PTR, HELO and MX{found}");
                let ja = format!("新メールサーバーの名前 (PTR、HELO、MX){found}");
                let usual = several.first().map(ToString::to_string);
                asker.ask((&en, &ja), usual.as_deref(), "--hostname", host_name)
            }
            ([], None) => Err(refuse(
                "nothing tells the name of the new mail server: give --hostname mail.example.co.jp".to_owned(),
            )),
            (several, None) => {
                let names = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Err(refuse(format!("the new mail server could be called {names}: say which with --hostname")))
            }
        }
    }

    /// When the switch happens.
    ///
    /// # Errors
    /// Nobody says.
    pub(super) fn cutover_at(&self, asker: Option<&mut Asker>) -> Result<DateTime<FixedOffset>, CommandError> {
        match (self.cutover_at, asker) {
            (Some(moment), _) => Ok(moment),
            (None, Some(asker)) => {
                let usual = next_saturday(&Local::now()).map(|night| night.format("%Y-%m-%d %H:%M %:z").to_string());
                let question = ("Time of the switch, with its offset", "切り替え日時 (時差を含む)");
                asker.ask(question, usual.as_deref(), "--cutover-at", parse_moment)
            }
            (None, None) => Err(refuse("nothing says when the switch happens: give --cutover-at".to_owned())),
        }
    }
}

/// The old addresses from a person.
///
/// # Errors
/// The answers end, or there is nobody to ask; `why` they are not known.
pub(super) fn old_addresses(why: &str, asker: Option<&mut Asker>) -> Result<Vec<IpAddr>, CommandError> {
    match asker {
        Some(asker) => {
            let question =
                ("Addresses of the old server (DNS does not tell)", "旧サーバーのアドレス (DNS からは分からない)");
            asker.ask(question, None, "--old", |text| addresses(text, true))
        }
        None => Err(refuse(format!("nothing tells the old server's addresses{why}: give --old 192.0.2.25"))),
    }
}

fn refuse(why: String) -> CommandError {
    CommandError::Init(why)
}

fn each_once(ips: &[IpAddr]) -> Vec<IpAddr> {
    let mut seen = BTreeSet::new();
    ips.iter().map(IpAddr::to_canonical).filter(|ip| seen.insert(*ip)).collect()
}

/// Addresses in an answer.
fn addresses(text: &str, may_be_special: bool) -> Result<Vec<IpAddr>, String> {
    let words = text.split([' ', ',', '\t', '、']).filter(|word| !word.is_empty());
    let read = |word: &str| word.parse::<IpAddr>().map_err(|_| format!("{word} is not an IP address"));
    let ips = each_once(&words.map(read).collect::<Result<Vec<_>, _>>()?);
    if ips.is_empty() {
        return Err("write addresses such as 203.0.113.25 2001:db8::25".to_owned());
    }
    are_usable(&ips, may_be_special)?;
    Ok(ips)
}

fn are_usable(ips: &[IpAddr], may_be_special: bool) -> Result<(), String> {
    let special = ips.iter().find_map(|ip| Some((ip, special_purpose(*ip)?))).filter(|_| !may_be_special);
    match special {
        None => Ok(()),
        Some((ip, kind)) => Err(format!(
            "{ip} is {kind}: no mail server on the Internet has it; give the public address, or in a laboratory --allow-special REASON"
        )),
    }
}

fn host_name(text: &str) -> Result<DomainName, String> {
    match DomainName::parse(text) {
        Ok(name) if name.is_host_name() => Ok(name),
        Ok(name) => Err(format!("{name} is not the name of a host; give a full name such as mail.example.co.jp")),
        Err(error) => Err(format!("{}: {error}", visible(text))),
    }
}

fn resolver(words: &[String]) -> Result<Resolver, String> {
    let help = "write --resolver with an address such as 192.0.2.53 or [2001:db8::53]:5353, or with system or direct";
    match words {
        [] => Ok(Resolver::Auto),
        [word] if word == "auto" => Ok(Resolver::Auto),
        [word] if word == "system" => Ok(Resolver::System),
        [word] if word == "direct" => Ok(Resolver::Direct),
        words => {
            let read = |word: &String| {
                let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
                let server = bare.parse().map(|ip| SocketAddr::new(ip, 53)).or_else(|_| word.parse::<SocketAddr>());
                server.ok().filter(|server| server.port() != 0).ok_or_else(|| format!("{}: {help}", visible(word)))
            };
            Ok(Resolver::Servers(words.iter().map(read).collect::<Result<_, _>>()?))
        }
    }
}
