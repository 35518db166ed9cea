//! The servers of the plan, spoken to: whom, under which name, about which mailboxes. Every check reads the same conversations.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::Context;
pub use crate::check::{NO_TLS, NOT_SO_FAR};
use crate::model::{Args, DomainName, ObservationId, Phase, Side, Statement, Subject, Text, Value, Vantage};
use crate::plan::{Address, Plan, Service};
use crate::probe::{Depth, Protocol, Question, ServerReply, Session, Stop, Visit};

/// So many domains are asked about by role: more would look like the gathering of addresses.
const MOST_DOMAINS: usize = 10;

/// What to say of the domains that are not asked about, if there are any.
pub fn not_asked(plan: &Plan) -> Option<Statement> {
    let unasked = plan.domains.get(MOST_DOMAINS..).filter(|unasked| !unasked.is_empty())?;
    let names: Vec<&str> = unasked.iter().map(DomainName::as_str).collect();
    let names = names.join(", ");
    let why = Value::both(
        format!("only the first {MOST_DOMAINS} domains are asked about, not {names}"),
        format!("問い合わせるのは最初の {MOST_DOMAINS} ドメインだけで、次のドメインは対象外である: {names}"),
    );
    Some(Statement::not_covered(Subject::Run, why))
}

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

    /// Why there is no TLS to be judged.
    pub fn without_tls(&self) -> Text {
        if self.extensions().is_some() { NO_TLS } else { NOT_SO_FAR }
    }

    /// Values that every statement about it carries: `ip`, and `at`, where it is reached.
    pub fn args(&self) -> Args {
        Args::none().and("ip", self.address.ip).and("at", self.session.reached_at())
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
    let at_port = |service| async move {
        let (mut talks, new) =
            futures::join!(client_talks_at(context, service, Side::Old), client_talks_at(context, service, Side::New));
        talks.extend(new);
        (service, talks)
    };
    Ok(join_all(services.into_iter().map(at_port)).await)
}

/// The conversations at one port with the addresses of a side that receive. Where none of them takes the connection, people may use
/// another server than senders do: those that only send are asked too, and count if they answer or if nobody receives.
async fn client_talks_at(context: &Context, service: Service, side: Side) -> Vec<Talk<'_>> {
    let (receiving, others): (Vec<&Address>, Vec<&Address>) =
        serving(context).filter(|address| address.side == side).partition(|address| address.receives);
    let mut talks = join_all(receiving.into_iter().map(|address| talk(context, address, service))).await;
    if !talks.iter().any(|talk| talk.session.is_connected()) {
        let nobody_receives = talks.is_empty();
        let others = join_all(others.into_iter().map(|address| talk(context, address, service))).await;
        talks.extend(others.into_iter().filter(|talk| nobody_receives || talk.session.is_connected()));
    }
    talks
}

/// The addresses that receive, old first.
pub fn receiving(context: &Context) -> impl Iterator<Item = &Address> {
    serving(context).filter(|address| address.receives)
}

/// The addresses at which a server is looked for, old first. After the cutover it is the new one that answers at an address of both
/// sides, and no measure for itself.
fn serving(context: &Context) -> impl Iterator<Item = &Address> {
    let is_taken_over = |address: &Address| {
        context.phase == Phase::After
            && address.side == Side::Old
            && context.plan.new.iter().any(|new| new.ip == address.ip)
    };
    context.addresses().filter(move |address| !is_taken_over(address))
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
/// none does yet, its own name, or else the host name; and before the cutover those that still lead to the old server, if they are
/// not the name of another new address. Never empty.
pub async fn hosts(context: &Context, address: &Address) -> Vec<DomainName> {
    if address.side == Side::Old {
        return vec![address.ptr.clone()];
    }
    let planned = context.plan.mail_hosts();
    let leads = join_all(planned.iter().map(|host| lead(context, host))).await;
    let leading = planned.iter().zip(&leads).filter(|(_, lead)| lead.contains(&address.ip));
    let mut found: Vec<DomainName> = leading.map(|(host, _)| host.clone()).collect();
    if found.is_empty() {
        found.push(if planned.contains(&address.ptr) { address.ptr.clone() } else { context.plan.hostname.clone() });
    }
    let given_up = context.plan.given_up();
    let is_moving = |lead: &[IpAddr]| context.phase == Phase::Before && lead.iter().any(|ip| given_up.contains(ip));
    let is_anothers =
        |host: &DomainName| address.ptr != *host && context.plan.new.iter().any(|other| other.ptr == *host);
    for (host, lead) in planned.iter().zip(&leads) {
        if is_moving(lead) && !is_anothers(host) && !found.contains(host) {
            found.push(host.clone());
        }
    }
    found
}

/// The conversation in which the server of `talk` is looked for under the name `host`: it may have a certificate for each of its
/// names, and senders say which one they mean (SNI, RFC 6066; RFC 7672, section 8.1; RFC 8461, section 4.1).
pub async fn under_name(context: &Context, talk: &Talk<'_>, host: &DomainName) -> Arc<Session> {
    let usual = visit(context, talk.address, Service::Smtp).await;
    if usual.name == host.as_str() || talk.session.tls_seen().is_none() {
        return Arc::clone(&talk.session);
    }
    let again = Visit { name: host.to_string(), depth: Depth::Capabilities, recipients: Vec::new(), ..usual };
    let session = context.smtp.visit(&again).await;
    if session.tls_seen().is_some() { session } else { Arc::clone(&talk.session) }
}

/// The addresses that a name leads to, as far as they are known.
async fn lead(context: &Context, host: &DomainName) -> Vec<IpAddr> {
    let questions = [RecordType::A, RecordType::AAAA].into_iter().filter_map(|rtype| Question::new(host, rtype).ok());
    let replies = join_all(questions.map(|question| context.published(question))).await;
    replies.iter().flat_map(|reply| reply.addresses()).collect()
}

/// The mailboxes that a server of this side is asked for, most important first: a server may hang up after too many errors.
pub fn mailboxes(context: &Context, side: Side) -> Vec<Mailbox> {
    let plan = &context.plan;
    let mut asked = Vec::new();
    if !plan.smtp.recipients.is_empty() {
        let domains = &plan.domains[..plan.domains.len().min(MOST_DOMAINS)];
        let role = |role, local: &str, domains: &[DomainName]| -> Vec<Mailbox> {
            let of = |domain: &DomainName| Mailbox {
                address: format!("{local}@{domain}"),
                role,
                domain: Some(domain.clone()),
            };
            domains.iter().map(of).collect()
        };
        asked.extend(plan.smtp.recipients.iter().map(|written| planned(written)));
        // What a server does with nobody is what its consent to others is worth; one that sends mail for strangers on would seem
        // to know the mailboxes of a domain that it does not have.
        let mut controlled = domains.to_vec();
        for domain in asked.iter().filter_map(|mailbox| mailbox.domain.clone()) {
            if !controlled.contains(&domain) {
                controlled.push(domain);
            }
        }
        asked.extend(role(Role::Nobody, &format!("nobody-{}", context.unused_label()), &controlled));
        asked.extend(role(Role::Postmaster, "postmaster", domains));
        asked.push(Mailbox { address: "postmaster".to_owned(), role: Role::BarePostmaster, domain: None });
        asked.extend(role(Role::Abuse, "abuse", domains));
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
    let unread = unread.into_iter().find(|talk| !is_read_elsewhere(talk, &read));
    Before { read, unread }
}

/// Whether this machine lacks the family of an address, and read the server of the same name over the other one.
pub fn is_read_elsewhere(talk: &Talk<'_>, read: &[&Talk<'_>]) -> bool {
    let has_no_way = talk.session.stop.as_ref().is_some_and(Stop::is_no_route) && !talk.session.is_connected();
    let is_same = |other: &&Talk<'_>| {
        other.address.ptr == talk.address.ptr && other.address.ip.is_ipv4() != talk.address.ip.is_ipv4()
    };
    has_no_way && read.iter().any(is_same)
}

/// Words of refusals that are about the client, whatever else they say.
const OF_CLIENTS: [&str; 17] = [
    "client host",
    "blocklist",
    "blacklist",
    "block list",
    "dnsbl",
    "rbl",
    "spamhaus",
    "reputation",
    "reverse dns",
    "rdns",
    "ptr",
    "helo",
    "ehlo",
    "spf",
    "your ip",
    "sending ip",
    "open relay",
];
/// Words that are about the client unless the refusal speaks of the recipient; the client's own address is another one.
const OF_CLIENTS_MOSTLY: [&str; 7] =
    ["blocked", "listed", "blacklisted", "blocklisted", "banned", "ip address", "too many"];
/// Words of refusals that are about the recipient. Sendmail names the client when it does not relay.
const OF_RECIPIENTS: [&str; 12] = [
    "recipient address rejected",
    "recipient rejected",
    "user unknown",
    "unknown user",
    "no such",
    "not exist",
    "mailbox",
    "relaying denied",
    "relay access denied",
    "relay not permitted",
    "unable to relay",
    "rcpthosts",
];

/// Whether a refusal is about this machine and not about the recipient: then others may fare better.
pub fn refuses_us(reply: &ServerReply, session: &Session) -> bool {
    match reply.enhanced() {
        // Bad mailbox, bad system, bad syntax of it (RFC 3463, section 3.2); full mailbox (section 3.3).
        Some((5, 1 | 2, _)) => return false,
        // SPF, reverse DNS and several at once (RFC 7372, section 3), by which only a client is judged; and Exchange Online's codes
        // for spam and banned addresses.
        Some((5, 7, 23..=25 | 27 | 500..=699)) => return true,
        _ => {}
    }
    let text = reply.told().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| has_word(&text, word));
    // Behind a translation the server knows us by another address.
    let ours = session.local.map(|local| local.ip().to_canonical()).into_iter().chain(session.seen_as);
    let names_us = || ours.map(|ip| ip.to_string()).any(|ip| has_word(&text, &ip));
    says(&OF_CLIENTS) || !says(&OF_RECIPIENTS) && (says(&OF_CLIENTS_MOSTLY) || names_us())
}

/// Whether `text` has `wanted` between other than letters and digits: not "unlisted", not "198.51.100.77".
fn has_word(text: &str, wanted: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(wanted)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + wanted.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::model::{Lang, Saying};
    use crate::plan::{Known, parse};
    use crate::probe::ReplyKind;

    /// Lost if it fails: the mailboxes of an eleventh domain would pass without being asked for.
    #[test]
    fn domains_that_are_not_asked_about_are_named() {
        let said = |count: usize| {
            let domains: Vec<String> = (1..=count).map(|n| format!("\"d{n}.example\"")).collect();
            let text = format!(
                "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [{}]\nhostname = \"mail.d1.example\"\n[old]\nips = \
                 [\"192.0.2.25\"]\n[new]\nips = [\"9.9.9.9\"]",
                domains.join(", ")
            );
            not_asked(&parse(&text, "plan.toml", &Known::default()).unwrap()).map(|statement| statement.saying)
        };
        assert!(said(MOST_DOMAINS).is_none());
        let Some(Saying::NotCovered(why)) = said(MOST_DOMAINS + 2) else { panic!("nothing is said") };
        assert!(why.in_lang(Lang::En).ends_with("not d11.example, d12.example"), "{}", why.in_lang(Lang::En));
    }

    /// Lost if it fails: a list that holds the desk would make a missing mailbox of every recipient, or a missing mailbox would
    /// be excused as a quarrel with the desk.
    #[test]
    fn refusals_of_us_are_told_from_refusals_of_the_recipient() {
        let local: SocketAddr = "198.51.100.7:40000".parse().unwrap();
        let seen_as = Some("203.0.113.9".parse().unwrap());
        let session = Session { local: Some(local), seen_as, ..Session::unspoken(local) };
        let reply =
            |line: &str| ServerReply { kind: ReplyKind::Permanent, code: Some(550), lines: vec![line.to_owned()] };
        for line in [
            "5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org",
            "5.7.1 <desk>: Helo command rejected: need fully-qualified hostname",
            "5.7.25 Client host rejected: cannot find your reverse hostname",
            "Your IP 198.51.100.7 is not welcome",
            "5.7.23 SPF validation failed",
            "JunkMail rejected - is in an RBL",
            "5.7.1 Service unavailable; client [198.51.100.7] blocked using Cloudmark Sender Intelligence",
            "5.7.1 messages from [198.51.100.7] weren't sent; part of their network is on our block list (S3150)",
            "5.7.1 likely suspicious due to the very low reputation of the sending IP address",
            "5.7.606 Access denied, banned sending IP [203.0.113.9]",
            "5.7.1 Connections not accepted from servers without a valid sender domain. Fix reverse DNS for 203.0.113.9",
            "Server access forbidden by invalid RDNS record of your mail server",
            "<info@example.co.jp>... no access from mail server [203.0.113.9] which is an open relay.",
            "5.7.1 <info@example.co.jp>: Recipient address rejected: Blocked by RBL",
            "refused, 203.0.113.9 is not welcome",
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
            "5.7.1 <info@example.co.jp>... Relaying denied. IP name lookup failed [198.51.100.7]",
            "5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
            "5.4.1 Recipient address rejected: Access denied",
            "5.7.1 <info@example.co.jp>: Recipient address rejected: blocked",
            "The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.",
            "no such user here, 198.51.100.7",
            "refused, says 198.51.100.77",
            "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        ] {
            assert!(!refuses_us(&reply(line), &session), "{line}");
        }
    }
}
