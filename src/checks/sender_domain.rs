//! The domains mail is sent from: can anybody answer to them?

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text};
use crate::probe::{Answer, Ask, Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "sender-domain",
        title: Text {
            en: "Each sender domain exists and can be answered",
            ja: "送信ドメインが存在し、返信を受けられる",
        },
        short: Text { en: "sender domain", ja: "送信ドメイン" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers refuse a MAIL FROM domain that has no mail host or says it never receives (null MX); Yahoo looks for its SOA.",
            ja: "メールホストのないドメインや、受信しないと宣言した (null MX) ドメインの MAIL FROM は拒否される。Yahoo は SOA の有無を見る。",
        },
        how: Text {
            en: "For every domain of the plan and every MAIL FROM domain, MX is read, then A and AAAA if there is no MX (RFC 5321, section 5.1), and SOA.",
            ja: "計画のドメインと MAIL FROM のドメインごとに MX を読み、なければ A と AAAA を読む (RFC 5321 第 5.1 節)。SOA も読む。",
        },
        by_hand: "dig +short {name} MX; dig {name} SOA",
        references: &[
            Reference { title: "RFC 7505, section 4", url: "https://www.rfc-editor.org/rfc/rfc7505#section-4" },
            Reference { title: "RFC 5321, section 5.1", url: "https://www.rfc-editor.org/rfc/rfc5321#section-5.1" },
            Reference { title: "Yahoo: SMTP error codes", url: "https://senders.yahooinc.com/smtp-error-codes/" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&RESOLVES, &NULL_MX, &NO_SOA, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static RESOLVES: Outcome = Outcome {
    tag: "dns-sender-resolves",
    levels: Levels::BLOCKER,
    says: Text { en: "{name} has no MX, A or AAAA record", ja: "{name} に MX、A、AAAA のいずれもない" },
    remedy: Text {
        en: "Publish an MX record for {name}, or stop sending from it.",
        ja: "{name} に MX レコードを登録するか、このドメインからの送信をやめる。",
    },
};

static NULL_MX: Outcome = Outcome {
    tag: "dns-sender-null-mx",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name} publishes a null MX: it says that it never receives mail",
        ja: "{name} は null MX を登録しており、メールを受信しないと宣言している",
    },
    remedy: Text {
        en: "Replace \"0 .\" by the real mail host; if no mail is sent from {name} on purpose, take it out of domains in the plan.",
        ja: "「0 .」を実際のメールホストに置き換える。意図して送信に使わないドメインなら、計画の domains から {name} を外す。",
    },
};

static NO_SOA: Outcome = Outcome {
    tag: "dns-apex-soa",
    levels: Levels::WARNING,
    says: Text {
        en: "no SOA record comes with the answer for {name}: the zone is served by something unusual",
        ja: "{name} の応答に SOA が含まれない。ゾーンの提供方法が通常と異なる",
    },
    remedy: Text {
        en: "Have the DNS host return the zone's SOA in negative answers (RFC 2308): Yahoo tests domains by it.",
        ja: "否定応答に SOA を含めるよう DNS 事業者に頼む (RFC 2308)。Yahoo はこれでドメインを確かめる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-sender-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} can receive is not known: {why}", ja: "{name} が受信できるか確認できない: {why}"
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let mut domains: Vec<&DomainName> = context.plan.domains.iter().chain(&context.plan.auth.mail_from).collect();
    domains.sort();
    domains.dedup();
    join_all(domains.into_iter().map(|domain| ask_one(context, domain))).await.concat()
}

async fn ask_one(context: &Context, domain: &DomainName) -> Vec<Statement> {
    let ask = |rtype| {
        let question = Question::new(domain.as_str(), rtype);
        async move {
            match question {
                Ok(question) => Some(context.dns.ask(Ask::new(question)).await),
                Err(_) => None,
            }
        }
    };
    let (mx, a, aaaa, soa) =
        futures::join!(ask(RecordType::MX), ask(RecordType::A), ask(RecordType::AAAA), ask(RecordType::SOA));
    let (Some(mx), Some(a), Some(aaaa), Some(soa)) = (mx, a, aaaa, soa) else {
        return Vec::new();
    };
    let mut said = vec![judge_mail(domain, &mx, &a, &aaaa)];
    if matches!(soa.answer, Answer::NoData) && soa.negative_ttl.is_none() {
        let args = Args::none().and("name", domain);
        said.push(Statement::outcome(&NO_SOA, subject(domain)).args(args).evidence([soa.observation]));
    }
    said
}

fn judge_mail(domain: &DomainName, mx: &Reply, a: &Reply, aaaa: &Reply) -> Statement {
    let args = Args::none().and("name", domain);
    let say = |outcome, args| Statement::outcome(outcome, subject(domain)).args(args);
    match mx.answer {
        Answer::Data if mx.names().iter().all(|host| host.is_root()) => say(&NULL_MX, args).evidence([mx.observation]),
        Answer::Data => Statement::passed(subject(domain)).evidence([mx.observation]),
        Answer::NxDomain => say(&RESOLVES, args).evidence([mx.observation]),
        Answer::NoData => {
            let evidence = [mx.observation, a.observation, aaaa.observation];
            match [a, aaaa].iter().find(|reply| !reply.is_definite()) {
                _ if !a.addresses().is_empty() || !aaaa.addresses().is_empty() => Statement::passed(subject(domain)),
                Some(silent) => say(&UNANSWERED, args.with("why", silent.why())),
                None => say(&RESOLVES, args),
            }
            .evidence(evidence)
        }
        _ => say(&UNANSWERED, args.with("why", mx.why())).evidence([mx.observation]),
    }
}

fn subject(domain: &DomainName) -> Subject {
    Subject::Name(domain.to_string())
}
