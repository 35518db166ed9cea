//! The names that people typed into their mail programs: where do they lead?

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Level, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text,
    Value,
};
use crate::plan::Plan;
use crate::probe::{Answer, Question, QuestionName, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "client-names",
        title: Text {
            en: "The names in people's mail programs lead to the new server",
            ja: "メールソフトに設定されるサーバー名が新サーバーに行き着く",
        },
        short: Text { en: "client names", ja: "クライアント用の名前" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "People's programs keep the name that was typed years ago. One that still leads to the old server shows them an empty mailbox, or an error on the day it is switched off.",
            ja: "メールソフトには何年も前に入力されたサーバー名が残っている。旧サーバーを指したままの名前があると、新着メールが見えず、旧サーバーの停止日にはエラーになる。",
        },
        how: Text {
            en: "A and AAAA of mail, imap, pop, pop3, smtp, webmail, autodiscover and autoconfig below every domain, and of the host name, are asked of the zone's own servers, aliases followed. A random name shows whether a wildcard answers.",
            ja: "各ドメイン直下の mail、imap、pop、pop3、smtp、webmail、autodiscover、autoconfig と計画の hostname の A と AAAA を、ゾーンの権威サーバーに問い合わせる (CNAME もたどる)。無作為な名前でワイルドカードの有無も見る。",
        },
        by_hand: "dig +short {name} A {name} AAAA",
        references: &[Reference {
            title: "RFC 1034, section 3.6.2",
            url: "https://www.rfc-editor.org/rfc/rfc1034#section-3.6.2",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&OLD, &WILDCARD, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static OLD: Outcome = Outcome {
    tag: "client-names",
    levels: Levels { before: Level::Note, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "{name}, a name that people's mail programs use, leads to the old server: {found}",
        ja: "メールソフトが使う名前 {name} が旧サーバーに行き着く: {found}",
    },
    remedy: Text {
        en: "Change A and AAAA of {name} (or the name that it is an alias for) to the new server at the cutover; it must not lead to {found} any more.",
        ja: "切り替え時に {name} (別名ならその参照先) の A と AAAA を新サーバーに変更し、{found} を外す。",
    },
};

/// Nobody set these names up for mail; the wildcard is often the web server's.
static WILDCARD: Outcome = Outcome {
    tag: "client-names-wildcard",
    levels: Levels { before: Level::Note, after: Level::Warning, old: Level::Note },
    says: Text {
        en: "every name that does not exist ({name}) leads to the old server: {found}; mail programs that guess a name find it",
        ja: "存在しない名前がすべて ({name}) 旧サーバーに行き着く: {found}。名前を推測するメールソフトが旧サーバーを見つける",
    },
    remedy: Text {
        en: "Change {name} or take it out, if the old server is to be switched off; names that people use get records of their own.",
        ja: "旧サーバーを停止するなら {name} を変更または削除し、利用者が使う名前には個別のレコードを登録する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "client-names-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "where the names that mail programs use below {name} lead is not known ({names}): {why}",
        ja: "{name} でメールソフトが使う名前の行き先を確認できない ({names}): {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const NONE: Text = Text {
    en: "none of the usual names exists below this domain",
    ja: "このドメインには、メールソフト用によく使われる名前がない",
};

/// What people type before the domain.
const USUAL: [&str; 8] = ["mail", "imap", "pop", "pop3", "smtp", "webmail", "autodiscover", "autoconfig"];

/// Where a name leads, as published now.
pub(super) struct Lead {
    replies: Vec<Arc<Reply>>,
}

impl Lead {
    /// Its addresses, aliases followed.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = self.replies.iter().flat_map(|reply| reply.addresses()).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Those of its addresses that are among `wanted`.
    pub(super) fn among(&self, wanted: &[IpAddr]) -> Vec<IpAddr> {
        self.addresses().into_iter().filter(|ip| wanted.contains(ip)).collect()
    }

    /// Whether it leads nowhere but to addresses among `wanted`.
    pub(super) fn only_among(&self, wanted: &[IpAddr]) -> bool {
        let found = self.addresses();
        self.failed().is_none() && !found.is_empty() && found.iter().all(|ip| wanted.contains(ip))
    }

    /// The question that got no definite answer.
    pub(super) fn failed(&self) -> Option<&Reply> {
        self.replies.iter().map(Arc::as_ref).find(|reply| !reply.is_definite())
    }

    /// What it rests on.
    pub(super) fn evidence(&self) -> Vec<ObservationId> {
        self.replies.iter().map(|reply| reply.observation).collect()
    }
}

/// What is published at `name`; nothing if the name is too long for the DNS.
pub(super) async fn published(
    context: &Context,
    name: impl Into<QuestionName>,
    rtype: RecordType,
) -> Option<Arc<Reply>> {
    let question = Question::new(name, rtype).ok()?;
    Some(context.published(question).await)
}

/// Where `name` leads; nothing if the name is too long for the DNS.
pub(super) async fn lead(context: &Context, name: &str) -> Option<Lead> {
    let a = published(context, name, RecordType::A).await?;
    let mut replies = vec![a];
    // A name that does not exist has no other address either (RFC 8020).
    if replies[0].answer != Answer::NxDomain {
        replies.extend(published(context, name, RecordType::AAAA).await);
    }
    Some(Lead { replies })
}

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(groups(&context.plan).into_iter().map(|(domain, names)| ask_group(context, domain, names))).await.concat()
}

/// The names to ask for, by the domain they belong to; the host name, where it is in none, stands for itself.
fn groups(plan: &Plan) -> Vec<(DomainName, Vec<String>)> {
    let usual = |domain: &DomainName| USUAL.iter().map(|word| format!("{word}.{domain}")).collect();
    let mut groups: Vec<(DomainName, Vec<String>)> =
        plan.domains.iter().map(|domain| (domain.clone(), usual(domain))).collect();
    let hostname = plan.hostname.to_string();
    if groups.iter().any(|(_, names)| names.contains(&hostname)) {
        return groups;
    }
    match groups.iter_mut().find(|(domain, _)| plan.hostname.is_within(domain)) {
        Some((_, names)) => names.push(hostname),
        None => groups.push((plan.hostname.clone(), vec![hostname])),
    }
    groups
}

async fn ask_group(context: &Context, domain: DomainName, names: Vec<String>) -> Vec<Statement> {
    let (mut found, wildcard) = leads(context, &domain, names).await;
    // What a wildcard answers for is no name that anybody set up: it is told once.
    found.extend(wildcard.map(|wildcard| (format!("*.{domain}"), wildcard)));
    judge(&context.plan.given_up(), &domain, &found)
}

/// Where `names` below `domain` lead, but for those that a wildcard answers for; and where the wildcard leads, if there is one.
pub(super) async fn leads(
    context: &Context,
    domain: &DomainName,
    names: Vec<String>,
) -> (Vec<(String, Lead)>, Option<Lead>) {
    let star = format!("{}.{domain}", context.unused_label());
    let (wildcard, leads) =
        futures::join!(lead(context, &star), join_all(names.iter().map(|name| lead(context, name))));
    let mut found: Vec<(String, Lead)> =
        names.into_iter().zip(leads).filter_map(|(name, lead)| Some((name, lead?))).collect();
    let wildcard = wildcard.filter(|lead| !lead.addresses().is_empty());
    if let Some(wildcard) = &wildcard {
        found.retain(|(_, lead)| lead.failed().is_some() || lead.addresses() != wildcard.addresses());
    }
    (found, wildcard)
}

fn judge(old: &[IpAddr], domain: &DomainName, found: &[(String, Lead)]) -> Vec<Statement> {
    let mut said = Vec::new();
    let mut unanswered: Vec<(&str, &Reply)> = Vec::new();
    for (name, lead) in found {
        let still = lead.among(old);
        let subject = Subject::Name(name.clone());
        let args = Args::none().and("name", name);
        if !still.is_empty() {
            let args = args.with("found", Value::list(&still));
            let outcome = if name.starts_with("*.") { &WILDCARD } else { &OLD };
            said.push(Statement::outcome(outcome, subject).args(args).evidence(lead.evidence()));
        } else if let Some(reply) = lead.failed() {
            unanswered.push((name, reply));
        } else if !lead.addresses().is_empty() {
            said.push(Statement::passed(subject).args(args).evidence(lead.evidence()));
        }
    }
    let subject = Subject::Name(domain.to_string());
    if let Some((_, first)) = unanswered.first() {
        let names = Value::list(unanswered.iter().map(|(name, _)| name));
        let args = Args::none().and("name", domain).with("names", names).with("why", first.why());
        let evidence = unanswered.iter().map(|(_, reply)| reply.observation);
        said.push(Statement::outcome(&UNANSWERED, subject.clone()).args(args).evidence(evidence));
    }
    if said.is_empty() {
        let evidence = found.iter().flat_map(|(_, lead)| lead.evidence());
        said.push(Statement::not_applicable(subject, NONE).evidence(evidence));
    }
    said
}
