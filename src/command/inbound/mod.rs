//! `inbound`: mail logs and the new server's rules in, whose mail it would refuse out.

mod answers;
mod rules;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset};
use futures::StreamExt;
use futures::stream;

use super::check::{connect, read_plan};
use super::deliver::spare;
use super::progress::{progress, spinner};
use super::stop::interrupted;
use super::{CommandError, Printed, Terminal, key_in, runtime, secrets_of};
use crate::catalogue::{Catalogue, Family, Target};
use crate::cli::{Inbound, InboundFormat};
use crate::dnsbl::{Consultant, Lookup, enforced};
use crate::inbound::{
    self, About, Caller, Dialect, Facts, Forecast, Gatherer, ListState, Log, Naming, Outlook, Owners, Planned, Policy,
    Severity, by_messages, by_partner, name_of, naming, sources,
};
use crate::maillog;
use crate::model::{DomainName, Secrets, Value, Vantage, visible};
use crate::output::PendingFile;
use crate::plan::{Dnsbl, InboundDnsbl, Plan, Resolver};
use crate::probe::Dns;
use crate::render;
use crate::words;
use answers::Question;

pub(super) use rules::policy_of;

/// So many callers are judged at once: what is known of them is forgotten before the next ones.
const BLOCK: usize = 2048;
/// So many clients are put to lists that do not answer as they should.
const MOST_ASKED_IN_VAIN: usize = 1000;
/// The names of so many refused clients are asked for, to call them by.
const MOST_NAMES: usize = 2000;

/// Reads the rules and the logs, judges everybody who sends to us, and writes what would become of their mail.
pub(super) fn run(arguments: &Inbound, terminal: &Terminal) -> Result<Printed, CommandError> {
    let plan = arguments.plan.as_deref().map(|path| read_plan(path, terminal)).transpose()?;
    let policy = rules::policy(arguments, plan.as_ref())?;
    let secrets = plan.as_ref().map_or_else(Secrets::default, secrets_of).and(policy.0.keys());
    let now = arguments.at.unwrap_or_else(|| chrono::Local::now().fixed_offset());
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    let named = [&arguments.plan, &arguments.config, &arguments.resume];
    let read = arguments.logs.iter().chain(named.into_iter().flatten());
    let of_plan = plan.iter().flat_map(|plan| &plan.files);
    spare(output, read.chain(of_plan).map(PathBuf::as_path))?;
    let open = || output.map(|path| Ok::<_, CommandError>((path, PendingFile::beside(path)?))).transpose();
    // A bad path fails before the logs are read, which a signal may end at any time.
    drop(open()?);
    let (clients, logs) = read_logs(&arguments.logs, now, terminal)?;
    let runtime = runtime()?;
    // Before the temporary file, which a signal must not leave behind.
    let interrupted = {
        let _entered = runtime.enter();
        interrupted()
    };
    let file = open()?;
    let work = Work { plan, secrets: &secrets, policy, clients, logs, now };
    let outlook = match runtime.block_on(work.judge(arguments, terminal, interrupted))? {
        Judged::Whole(outlook) => outlook,
        Judged::Shard { is_complete } => {
            let exit = if is_complete { crate::exit::GO } else { crate::exit::HOLD };
            return Ok(Printed { exit, ..Printed::default() });
        }
    };
    let style = render::Style {
        verbose: arguments.verbose,
        quiet: arguments.quiet,
        color: terminal.color && file.is_none(),
        ..terminal.style()
    };
    let text = match arguments.format {
        InboundFormat::Table => render::inbound::table(&outlook, &style),
        InboundFormat::Json => render::inbound::json(&outlook, terminal.lang),
        InboundFormat::Csv => render::inbound::csv(&outlook, terminal.lang),
        InboundFormat::Postfix => Dialect::Postfix.table(&outlook.partners),
        InboundFormat::Exim => Dialect::Exim.table(&outlook.partners),
    };
    // Everything was redacted where it came in; this holds even if one place was forgotten.
    let text = secrets.redact(&text);
    let exit = crate::exit::code(outlook.verdict(), arguments.strict);
    match file {
        None => Ok(Printed { text, exit, ..Printed::default() }),
        Some((path, file)) => {
            file.complete(&text)?;
            let path = visible(&path.display().to_string());
            let notice = words::report_written(terminal.lang, outlook.verdict(), &path);
            Ok(Printed { notice, exit, ..Printed::default() })
        }
    }
}

/// Reads every log; one that breaks off is kept as far as it goes, and is said to have broken off.
fn read_logs(
    paths: &[PathBuf],
    now: DateTime<FixedOffset>,
    terminal: &Terminal,
) -> Result<(inbound::log::Clients, Vec<Log>), CommandError> {
    let mut clients = inbound::log::Clients::default();
    let mut logs = Vec::new();
    let bar = spinner(terminal);
    for path in paths {
        let file = visible(&path.display().to_string());
        bar.set_message(file.clone());
        let fail =
            |error: std::io::Error| CommandError::Log { path: file.clone(), detail: visible(&error.to_string()) };
        let mut reader = maillog::open(path).map_err(fail)?;
        let (summary, error) = inbound::log::read(&mut *reader, now, &mut clients);
        logs.push(Log { file, summary, error: error.map(|error| visible(&error.to_string())) });
    }
    bar.finish_and_clear();
    Ok((clients, logs))
}

/// What a run comes to.
enum Judged {
    /// Everybody was judged, as far as the run came.
    Whole(Box<Outlook>),
    /// Only the lists' answers about a part were gathered, all of them or not.
    Shard { is_complete: bool },
}

struct Work<'w> {
    plan: Option<Plan>,
    secrets: &'w Secrets,
    policy: (Policy, String),
    clients: inbound::log::Clients,
    logs: Vec<Log>,
    now: DateTime<FixedOffset>,
}

impl Work<'_> {
    async fn judge(
        self,
        arguments: &Inbound,
        terminal: &Terminal,
        interrupted: impl Future<Output = ()>,
    ) -> Result<Judged, CommandError> {
        let dns_plan = self.plan.as_ref().map(|plan| plan.dns.clone()).unwrap_or_default();
        let dns = connect(&dns_plan, self.secrets, Vec::new())?;
        let vantage = if arguments.on_new_server { Vantage::NewServer } else { Vantage::Desk };
        // The mail server has nobody to turn to but its resolver.
        let falls_back = dns_plan.resolver == Resolver::Auto && vantage == Vantage::Desk;
        let consultant = Consultant::new(dns.clone(), falls_back);
        let (policy, written) = &self.policy;
        let zones = policy.zones();
        let choice = self.plan.as_ref().map_or_else(Dnsbl::default, |plan| plan.dnsbl.clone());
        let enforced = enforced(&zones, &choice, Catalogue::embedded(), key_in);
        tokio::pin!(interrupted);
        let owners = self.owners(&dns).await;
        let ips = self.addresses(&owners, arguments);
        let families: Vec<Family> = [Family::Ipv4, Family::Ipv6]
            .into_iter()
            .filter(|family| ips.is_empty() || ips.iter().any(|ip| Family::of(*ip) == *family))
            .collect();
        let as_it_comes = vantage == Vantage::NewServer;
        let gatherer = Gatherer::new(&dns, policy, &consultant, &enforced, &families, as_it_comes).await;
        let bar = progress(terminal, ips.len() as u64, arguments.quiet);
        let all = ips;
        let ips: Vec<IpAddr> = match arguments.shard {
            Some(shard) => shard.of(all.iter().copied()).collect(),
            None => all.clone(),
        };
        let swept = gatherer.swept();
        let zones: Vec<String> = swept.iter().map(|list| list.asked.zone.clone()).collect();
        let question = Question {
            consultant: &consultant,
            lists: swept.iter().filter_map(|list| list.enforced.selected.clone()).collect(),
            zones: zones.iter().map(|zone| dns.redact(zone)).collect(),
            families: &families,
            all: &all,
            ips: &ips,
            as_it_comes,
            file: arguments.resume.as_deref(),
            shard: arguments.shard,
        };
        let answers = question.ask(&bar, &mut interrupted).await?;
        let is_complete = answers.len() == ips.len();
        if arguments.shard.is_some() {
            bar.finish_and_clear();
            return Ok(Judged::Shard { is_complete });
        }
        // A list that is not in order answers everybody alike, and the mail server asks it all the same; a few are enough to see that.
        let asks_others = as_it_comes && ips.len() <= MOST_ASKED_IN_VAIN;
        let mut forecasts = Vec::new();
        let mut caveats = BTreeSet::new();
        for (block, said) in ips.chunks(BLOCK).zip(answers.chunks(BLOCK)) {
            let known = known(block, &zones, said);
            let (judged, doubts) = self.block(&block[..said.len()], known, asks_others, &gatherer, &owners, &dns).await;
            forecasts.extend(judged);
            caveats.extend(doubts);
            bar.set_message(words::questions_asked(terminal.lang, dns.queries_sent()));
        }
        bar.finish_and_clear();
        let planned = owners.partners.iter().map(|(partner, sources)| {
            let networks = sources.networks.iter().map(|network| {
                Value::both(
                    format!("the network {network} may send for it and is too large to be judged address by address"),
                    format!("ネットワーク {network} からも送信し得るが、広いためアドレスごとの判定はしない"),
                )
            });
            let other = sources.unread.iter().chain(&sources.unanswered).cloned();
            Planned {
                name: partner.name.clone(),
                vip: partner.vip,
                not_judged: networks.chain(other).collect(),
                is_open: !sources.unanswered.is_empty(),
            }
        });
        let redact = |text: &str| dns.redact(text);
        Ok(Judged::Whole(Box::new(Outlook {
            vantage,
            started: self.now,
            policy: written.clone(),
            resolvers: dns.resolvers(),
            period: self.period(),
            lists: inbound::lists(gatherer.lists(), redact),
            findings: inbound::findings(policy, gatherer.lists(), &caveats, vantage, redact),
            partners: by_partner(forecasts, planned.collect()),
            unjudged: policy.unjudged().to_vec(),
            is_complete,
            logs: self.logs,
        })))
    }

    /// The partners of the plan, with where their mail comes from.
    async fn owners(&self, dns: &Dns) -> Owners {
        let none = InboundDnsbl::default();
        let partners = &self.plan.as_ref().map_or(&none, |plan| &plan.inbound_dnsbl).partners;
        let found = stream::iter(partners).map(|partner| async { (partner.clone(), sources(dns, partner).await) });
        Owners { partners: found.buffered(16).collect().await }
    }

    /// Everybody who is to be judged, each once.
    fn addresses(&self, owners: &Owners, arguments: &Inbound) -> Vec<IpAddr> {
        let of_partners = owners.partners.iter().flat_map(|(_, sources)| sources.addresses.iter().copied());
        let of_log = self.clients.iter().map(|(ip, _)| ip);
        let named = arguments.addresses.iter().map(IpAddr::to_canonical);
        let mut all: Vec<IpAddr> = of_log.chain(of_partners).chain(named).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    async fn block(
        &self,
        ips: &[IpAddr],
        known: Facts,
        asks_others: bool,
        gatherer: &Gatherer<'_>,
        owners: &Owners,
        dns: &Dns,
    ) -> (Vec<Forecast>, BTreeSet<Value>) {
        let callers: Vec<(Caller, u64)> = ips.iter().flat_map(|ip| self.callers(*ip)).collect();
        let asked: Vec<Caller> = callers.iter().map(|(caller, _)| caller.clone()).collect();
        let wanted = |list: &ListState| {
            list.asked.about != About::Client || !list.is_believed() && (asks_others || !gatherer.takes_as_it_comes())
        };
        let facts = gatherer.gather_beside(&asked, known, wanted).await;
        let mut forecasts: Vec<Forecast> = Vec::new();
        let mut caveats = BTreeSet::new();
        for (caller, messages) in callers {
            let (judgement, caveat) = gatherer.judge(&caller, &facts);
            caveats.extend(caveat);
            let severity = Severity::of(&judgement.fate);
            if forecasts.last().is_none_or(|last| last.ip != caller.ip) {
                forecasts.push(self.forecast(caller.ip, &facts));
            }
            let Some(forecast) = forecasts.last_mut() else { continue };
            match severity {
                Severity::Taken => {}
                Severity::Unknown => forecast.unknown += messages,
                Severity::PutOff | Severity::Refused => forecast.refused += messages,
            }
            if severity > Severity::of(&forecast.fate) {
                forecast.fate = judgement.fate;
            }
            if forecast.only_logged.is_empty() {
                forecast.only_logged = judgement.only_logged;
            }
        }
        let unnamed = forecasts.iter().filter(|one| one.name.is_none() && Severity::of(&one.fate) != Severity::Taken);
        let unnamed: Vec<IpAddr> = unnamed.map(|one| one.ip).take(MOST_NAMES).collect();
        let names = stream::iter(unnamed).map(|ip| async move { (ip, naming(dns, ip).await) });
        let names: std::collections::HashMap<_, _> = names.buffer_unordered(256).collect().await;
        for forecast in &mut forecasts {
            let client = self.clients.client(forecast.ip);
            let host = names.get(&forecast.ip).or_else(|| facts.names.get(&forecast.ip)).and_then(host_of).cloned();
            forecast.partner = owners
                .planned(forecast.ip, client)
                .map_or_else(|| name_of(forecast.ip, client, host.as_ref()), |partner| partner.name.clone());
            forecast.name = host.map(|host| host.to_string());
        }
        (forecasts, caveats)
    }

    /// A client as it comes: once, or once for each domain in whose name it sends, if that matters; with the number of messages.
    fn callers(&self, ip: IpAddr) -> Vec<(Caller, u64)> {
        let Some(client) = self.clients.client(ip) else {
            return vec![(Caller { ip, helo: None, sender: None }, 0)];
        };
        if !self.policy.0.wants_senders() {
            return vec![(Caller { ip, helo: None, sender: None }, client.messages)];
        }
        let of_domain = |(domain, count): &(String, u64)| {
            let sender = DomainName::parse(domain).ok();
            (Caller { ip, helo: None, sender }, *count)
        };
        let mut callers: Vec<(Caller, u64)> = client.domains.iter().map(of_domain).collect();
        let named: u64 = callers.iter().map(|(_, count)| count).sum();
        if named < client.messages || callers.is_empty() {
            callers.push((Caller { ip, helo: None, sender: None }, client.messages.saturating_sub(named)));
        }
        callers
    }

    fn forecast(&self, ip: IpAddr, facts: &Facts) -> Forecast {
        let client = self.clients.client(ip);
        Forecast {
            ip,
            partner: String::new(),
            name: facts.names.get(&ip).and_then(host_of).map(ToString::to_string),
            messages: client.map_or(0, |client| client.messages),
            refused: 0,
            unknown: 0,
            last_seen: client.and_then(|client| client.seen).map(|(_, last)| last),
            domains: client
                .map_or_else(Vec::new, |client| by_messages(client).iter().map(ToString::to_string).collect()),
            fate: inbound::Fate::Accepted,
            only_logged: Vec::new(),
        }
    }

    fn period(&self) -> Option<(i64, i64)> {
        let seen = self.clients.iter().filter_map(|(_, client)| client.seen);
        seen.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }
}

/// The answers about some clients as facts.
fn known(ips: &[IpAddr], zones: &[String], said: &[Vec<Option<Lookup>>]) -> Facts {
    let mut facts = Facts::default();
    for (ip, said) in ips.iter().zip(said) {
        for (zone, lookup) in zones.iter().zip(said) {
            facts.zones.extend(lookup.clone().map(|lookup| ((zone.clone(), Target::Ip(*ip)), lookup)));
        }
    }
    facts
}

fn host_of(naming: &Naming) -> Option<&DomainName> {
    match naming {
        Naming::Confirmed(name) | Naming::Unconfirmed(name) | Naming::Unanswered(Some(name)) => Some(name),
        Naming::Nameless | Naming::Unanswered(None) => None,
    }
}
