//! The servers of the plan, spoken to: whom, under which name, about which mailboxes. Every check reads the same conversations.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::Context;
use crate::model::{DomainName, ObservationId, Side, Statement, Subject, Text, Vantage};
use crate::plan::{Address, Service};
use crate::probe::{Depth, Protocol, Question, ServerReply, Session, Visit};

/// So many domains are asked about by role: more would look like the gathering of addresses.
const MOST_DOMAINS: usize = 10;

/// Why a mailbox is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The plan names it.
    Planned,
    /// `postmaster` of a domain (RFC 5321, section 4.5.1).
    Postmaster,
    /// `postmaster` without a domain (RFC 5321, section 4.1.1.3).
    BarePostmaster,
    /// `abuse` of a domain (RFC 2142, section 4).
    Abuse,
    /// Nobody's, below a domain.
    Nobody,
    /// The operator's own on another system.
    Elsewhere,
}

/// A mailbox that servers are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// As it stands in `RCPT TO`.
    pub address: String,
    /// Why.
    pub role: Role,
    /// Its domain; nothing for the bare postmaster.
    pub domain: Option<DomainName>,
}

/// One server of the plan and what it said.
#[derive(Clone, Debug)]
pub struct Talk<'c> {
    /// The address.
    pub address: &'c Address,
    /// The conversation.
    pub session: Arc<Session>,
}

impl Talk<'_> {
    /// What it says it can do, inside TLS where there is TLS; nothing if the conversation did not come so far.
    pub fn extensions(&self) -> Option<&ServerReply> {
        self.session.extensions()
    }

    /// What every statement about it rests on.
    pub fn evidence(&self) -> [ObservationId; 1] {
        [self.session.observation]
    }

    /// The subject that it is.
    pub fn subject(&self) -> Subject {
        crate::check::subject_of(self.address)
    }
}

/// The plan does not want port 25 spoken to.
pub const NOT_PLANNED: Text = Text {
    en: "the plan does not name port 25 under [smtp] ports",
    ja: "計画の [smtp] ports に 25 番ポートがない",
};

/// The plan does not want the ports of mail programs spoken to.
const NO_CLIENT_PORTS: Text = Text {
    en: "the plan names no port of mail programs (465, 587, 993, 995 …) under [smtp] ports",
    ja: "計画の [smtp] ports に、メールソフトが使うポート (465、587、993、995 など) がない",
};

/// No address receives.
const NOBODY_RECEIVES: Text = Text {
    en: "the plan has no new address that receives mail",
    ja: "計画に、メールを受信する新アドレスがない",
};

/// The conversation did not come so far; another check says why.
pub const NOT_SO_FAR: Text = Text {
    en: "the conversation with the server did not get that far (see net-inbound and smtp-service)",
    ja: "サーバーとの対話がそこまで進まなかった (net-inbound と smtp-service を参照)",
};

/// There is nothing to compare with.
pub const NO_OLD: Text = Text {
    en: "no old address receives mail, so there is nothing to compare with",
    ja: "メールを受信する旧アドレスがないので、比べる相手がない",
};

/// Only the new server itself sees this.
pub const ON_NEW_SERVER: Text = Text {
    en: "can only be seen on the new server: run check --on-new-server there, and join the reports with merge",
    ja: "新サーバー上でしか分からない。新サーバーで check --on-new-server を実行し、merge でレポートを統合する",
};

/// The conversations at port 25 with every address that receives, old first.
///
/// # Errors
/// The one statement to make where nobody is to be spoken to.
pub async fn talks(context: &Context) -> Result<Vec<Talk<'_>>, Vec<Statement>> {
    if !context.plan.smtp.services.contains(&Service::Smtp) {
        return Err(vec![Statement::not_covered(Subject::Run, NOT_PLANNED)]);
    }
    if !context.plan.new.iter().any(|address| address.receives) {
        return Err(vec![Statement::not_applicable(Subject::Run, NOBODY_RECEIVES)]);
    }
    Ok(join_all(receiving(context).map(|address| talk(context, address, Service::Smtp))).await)
}

/// The conversations at each port of people's mail programs that the plan names, with every address that receives, old first.
///
/// # Errors
/// The one statement to make where nobody is to be spoken to.
pub async fn client_talks(context: &Context) -> Result<Vec<(Service, Vec<Talk<'_>>)>, Vec<Statement>> {
    let services = context.plan.smtp.services.iter().copied().filter(|service| *service != Service::Smtp);
    let services: Vec<Service> = services.collect();
    if services.is_empty() {
        return Err(vec![Statement::not_covered(Subject::Run, NO_CLIENT_PORTS)]);
    }
    if !context.plan.new.iter().any(|address| address.receives) {
        return Err(vec![Statement::not_applicable(Subject::Run, NOBODY_RECEIVES)]);
    }
    let at_port = |service| async move {
        (service, join_all(receiving(context).map(|address| talk(context, address, service))).await)
    };
    Ok(join_all(services.into_iter().map(at_port)).await)
}

/// The addresses that receive, old first.
pub fn receiving(context: &Context) -> impl Iterator<Item = &Address> {
    context.addresses().filter(|address| address.receives)
}

/// The conversation with one address.
pub async fn talk<'c>(context: &'c Context, address: &'c Address, service: Service) -> Talk<'c> {
    let visit = visit(context, address, service).await;
    Talk { address, session: context.smtp.visit(&visit).await }
}

/// What is asked of an address at the port of `service`.
pub async fn visit(context: &Context, address: &Address, service: Service) -> Visit {
    let smtp = service == Service::Smtp;
    let recipients = if smtp { mailboxes(context, address.side) } else { Vec::new() };
    let mut addresses: Vec<String> = Vec::new();
    for mailbox in recipients {
        if !addresses.contains(&mailbox.address) {
            addresses.push(mailbox.address);
        }
    }
    Visit {
        server: SocketAddr::new(address.ip, service.port()),
        protocol: match service {
            Service::Smtp | Service::Submission | Service::Submissions => Protocol::Smtp,
            Service::Imap | Service::Imaps => Protocol::Imap,
            Service::Pop3 | Service::Pop3s => Protocol::Pop3,
        },
        implicit_tls: service.is_implicit_tls(),
        depth: if smtp { Depth::Envelopes } else { Depth::Capabilities },
        name: if smtp { hosts(context, address).await.remove(0) } else { context.plan.hostname.clone() }.to_string(),
        recipients: addresses,
    }
}

/// The names under which others look for the server at this address: of the hosts that are to receive, those that lead to it; if
/// none does yet, its own name, or else the host name. Never empty.
pub async fn hosts(context: &Context, address: &Address) -> Vec<DomainName> {
    if address.side == Side::Old {
        return vec![address.ptr.clone()];
    }
    let planned = context.plan.mail_hosts();
    let leads = join_all(planned.iter().map(|host| leads_to(context, host, address.ip))).await;
    let found: Vec<DomainName> =
        planned.iter().zip(leads).filter(|(_, leads)| *leads).map(|(host, _)| host.clone()).collect();
    if !found.is_empty() {
        return found;
    }
    vec![if planned.contains(&address.ptr) { address.ptr.clone() } else { context.plan.hostname.clone() }]
}

async fn leads_to(context: &Context, host: &DomainName, ip: IpAddr) -> bool {
    let rtype = if ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    match Question::new(host, rtype) {
        Ok(question) => context.published(question).await.addresses().contains(&ip),
        Err(_) => false,
    }
}

/// The mailboxes that a server of this side is asked for, most important first: a server may hang up after too many errors.
pub fn mailboxes(context: &Context, side: Side) -> Vec<Mailbox> {
    let plan = &context.plan;
    let mut asked = Vec::new();
    if !plan.smtp.recipients.is_empty() {
        let domains = &plan.domains[..plan.domains.len().min(MOST_DOMAINS)];
        let role = |role, local: &str| -> Vec<Mailbox> {
            let of = |domain: &DomainName| Mailbox {
                address: format!("{local}@{domain}"),
                role,
                domain: Some(domain.clone()),
            };
            domains.iter().map(of).collect()
        };
        asked.extend(plan.smtp.recipients.iter().map(|written| planned(written)));
        asked.extend(role(Role::Postmaster, "postmaster"));
        asked.push(Mailbox { address: "postmaster".to_owned(), role: Role::BarePostmaster, domain: None });
        asked.extend(role(Role::Abuse, "abuse"));
        asked.extend(role(Role::Nobody, &format!("nobody-{}", context.unused_label())));
    }
    // Its own machine may send through every server.
    if side == Side::New
        && context.vantage == Vantage::Desk
        && let Some(written) = &plan.smtp.relay_probe
    {
        asked.push(Mailbox { role: Role::Elsewhere, ..planned(written) });
    }
    asked
}

/// A mailbox as it stands in a command: the domain in A-labels.
fn planned(written: &str) -> Mailbox {
    let (local, domain) = written.rsplit_once('@').unwrap_or((written, ""));
    let domain = DomainName::parse(domain).ok();
    let address = domain.as_ref().map_or_else(|| written.to_owned(), |domain| format!("{local}@{domain}"));
    Mailbox { address, role: Role::Planned, domain }
}

/// The best that the old servers do: the extensions of every one of them, with whether each could be read.
pub struct Before<'t, 'c> {
    /// Those whose conversation came to the extensions.
    pub read: Vec<&'t Talk<'c>>,
    /// One that receives and could not be read.
    pub unread: Option<&'t Talk<'c>>,
}

/// The old servers among `talks`.
pub fn before<'t, 'c>(talks: &'t [Talk<'c>]) -> Before<'t, 'c> {
    let (read, unread): (Vec<&Talk<'c>>, Vec<&Talk<'c>>) =
        talks.iter().filter(|talk| talk.address.side == Side::Old).partition(|talk| talk.extensions().is_some());
    Before { read, unread: unread.first().copied() }
}

/// Whether a refusal is about this machine and not about the recipient: then others may fare better.
pub fn refuses_us(reply: &ServerReply, session: &Session) -> bool {
    match reply.enhanced() {
        // Bad mailbox, bad system, bad syntax of it (RFC 3463, section 3.2); full mailbox (section 3.3).
        Some((5, 1 | 2, _)) => return false,
        // SPF, reverse DNS and several at once (RFC 7372, section 3), by which only a client is judged.
        Some((5, 7, 23..=25 | 27)) => return true,
        _ => {}
    }
    let text = reply.told().to_ascii_lowercase();
    let ours = session.local.map(|local| local.ip().to_canonical().to_string());
    const OF_CLIENTS: [&str; 12] = [
        "client host",
        "blocked",
        "blocklist",
        "blacklist",
        "dnsbl",
        "rbl",
        "listed",
        "reverse dns",
        "ptr",
        "helo",
        "spf",
        "too many",
    ];
    let word = |wanted: &&str| {
        let mut rest = text.as_str();
        // Not "unlisted", not "helob": a word by itself.
        while let Some(at) = rest.find(*wanted) {
            let (before, after) = (&rest[..at], &rest[at + wanted.len()..]);
            let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            if !is_letter(before.chars().next_back()) && !is_letter(after.chars().next()) {
                return true;
            }
            rest = after;
        }
        false
    };
    ours.is_some_and(|ip| text.contains(&ip)) || OF_CLIENTS.iter().any(word)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::probe::ReplyKind;

    /// Lost if it fails: a list that holds the desk would make a missing mailbox of every recipient, or a missing mailbox would
    /// be excused as a quarrel with the desk.
    #[test]
    fn refusals_of_us_are_told_from_refusals_of_the_recipient() {
        let local: SocketAddr = "198.51.100.7:40000".parse().unwrap();
        let session = Session { local: Some(local), ..Session::unspoken(local) };
        let reply =
            |line: &str| ServerReply { kind: ReplyKind::Permanent, code: Some(550), lines: vec![line.to_owned()] };
        for line in [
            "5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org",
            "5.7.1 <desk>: Helo command rejected: need fully-qualified hostname",
            "5.7.25 Client host rejected: cannot find your reverse hostname",
            "Your IP 198.51.100.7 is not welcome",
            "5.7.23 SPF validation failed",
            "JunkMail rejected - is in an RBL",
        ] {
            assert!(refuses_us(&reply(line), &session), "{line}");
        }
        for line in [
            "5.1.1 <info@example.co.jp>: Recipient address rejected: User unknown in local recipient table",
            "5.7.1 <info@example.co.jp>: Relay access denied",
            "relay not permitted",
            "5.1.1 <listed@example.co.jp>: user is not listed here",
            "5.2.2 mailbox full",
            "unlisted mailbox",
        ] {
            assert!(!refuses_us(&reply(line), &session), "{line}");
        }
    }
}
