//! The TLS reporting policy of each mail domain.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::rdata::MX;
use hickory_proto::rr::{RecordData, RecordType};

use super::client_names::{Lead, lead, published};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::plan::Plan;
use crate::probe::{Answer, Reply};
use crate::records::tls_rpt::{Destination, TlsRpt, policies};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "tls-rpt",
        title: Text {
            en: "Senders can report that TLS to us fails", ja: "TLS 接続の失敗を送信側から報告してもらえる"
        },
        short: Text { en: "TLS reporting", ja: "TLS レポート" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "With MTA-STS or DANE, a wrong certificate on the new server makes senders hold the mail back silently. Their daily TLS report is the only place where it shows.",
            ja: "MTA-STS や DANE を使っていると、新サーバーの証明書の誤りによって送信側はメールを黙って保留する。それが分かるのは、送信側が毎日送る TLS レポートだけである。",
        },
        how: Text {
            en: "TXT of _smtp._tls below every domain is read. Exactly one record must begin with v=TLSRPTv1; its rua must be mailto: or https: addresses, and they must not lead to the old server.",
            ja: "各ドメインの _smtp._tls の TXT を読む。v=TLSRPTv1 で始まるレコードはちょうど 1 つで、rua は mailto: か https: でなければならない。行き先が旧サーバーであってはならない。",
        },
        by_hand: "dig +short _smtp._tls.{name} TXT",
        references: &[Reference {
            title: "RFC 8460, section 3",
            url: "https://www.rfc-editor.org/rfc/rfc8460#section-3",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&ABSENT, &WANTED, &SEVERAL, &MALFORMED, &MOVED, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static ABSENT: Outcome = Outcome {
    tag: "tlsrpt",
    levels: Levels::NOTE,
    says: Text { en: "{name} has no TLS reporting policy", ja: "{name} に TLS レポートのポリシーがない" },
    remedy: Text {
        en: "Publish TXT \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\" at _smtp._tls.{name} if you want to hear of TLS failures.",
        ja: "TLS の失敗を知りたければ、_smtp._tls.{name} に TXT \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\" を登録する。",
    },
};

static WANTED: Outcome = Outcome {
    tag: "tlsrpt-wanted",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has no TLS reporting policy, although the plan uses MTA-STS or DANE",
        ja: "計画では MTA-STS か DANE を使うが、{name} に TLS レポートのポリシーがない",
    },
    remedy: Text {
        en: "Publish TXT \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\" at _smtp._tls.{name} before the cutover.",
        ja: "切り替え前に、_smtp._tls.{name} に TXT \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\" を登録する。",
    },
};

static SEVERAL: Outcome = Outcome {
    tag: "tlsrpt-several",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has {count} TLS reporting policies; senders then follow none",
        ja: "{name} に TLS レポートのポリシーが {count} 個ある。送信側はどれにも従わない",
    },
    remedy: Text {
        en: "Delete all but one of the TXT records at _smtp._tls.{name}.",
        ja: "_smtp._tls.{name} の TXT レコードを 1 つだけ残して削除する。",
    },
};

static MALFORMED: Outcome = Outcome {
    tag: "tlsrpt-malformed",
    levels: Levels::WARNING,
    says: Text {
        en: "the TLS reporting policy of {name} is not well-formed: {detail}",
        ja: "{name} の TLS レポートのポリシーに誤りがある: {detail}",
    },
    remedy: Text {
        en: "Correct the TXT record at _smtp._tls.{name}, such as \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\".",
        ja: "_smtp._tls.{name} の TXT レコードを \"v=TLSRPTv1; rua=mailto:tls-reports@{name}\" のような形に直す。",
    },
};

static MOVED: Outcome = Outcome {
    tag: "tlsrpt-moved",
    levels: Levels::WARNING,
    says: Text {
        en: "the TLS reports of {name} go to {host}, which leads to the old server only: {found}",
        ja: "{name} の TLS レポートの送り先 {host} は旧サーバーだけに行き着く: {found}",
    },
    remedy: Text {
        en: "Change rua at _smtp._tls.{name} to a destination that outlives the old server, or give {host} another address.",
        ja: "_smtp._tls.{name} の rua を、旧サーバーの停止後も残る送り先に変更するか、{host} のアドレスを変更する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "tlsrpt-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the TLS reporting policy of {name} could not be read: {why}",
        ja: "{name} の TLS レポートのポリシーを読めない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const DESTINATION_SILENT: Text = Text {
    en: "where the reports go could not be asked",
    ja: "レポートの送り先のアドレスを確認できない",
};

/// The most destinations that are looked up.
const MOST: usize = 10;

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.plan.domains.iter().map(|domain| ask_one(context, domain))).await.concat()
}

async fn ask_one(context: &Context, domain: &DomainName) -> Vec<Statement> {
    let Some(reply) = published(context, format!("_smtp._tls.{domain}"), RecordType::TXT).await else {
        return vec![Statement::not_applicable(Subject::Name(domain.to_string()), TOO_LONG)];
    };
    let texts = reply.texts();
    let policy = match policies(&texts).as_slice() {
        [one] => Some(TlsRpt::read(one)),
        _ => None,
    };
    let destinations = policy.iter().flat_map(|policy| &policy.destinations).take(MOST);
    let leads = join_all(destinations.map(|destination| ask_destination(context, destination))).await;
    let leads: Vec<(DomainName, Lead)> = leads.into_iter().flatten().collect();
    judge(&context.plan, domain, &reply, policy.as_ref(), &leads)
}

const TOO_LONG: Text =
    Text { en: "the name would be too long for the DNS", ja: "名前が長すぎて DNS で使えない" };

/// The host that takes the reports, and where it leads; nothing if it moves with the mail server, or is written as an address.
async fn ask_destination(context: &Context, destination: &Destination) -> Option<(DomainName, Lead)> {
    let host = match destination {
        Destination::Https(host) => host.clone()?,
        // The mail of these domains is what moves.
        Destination::Mailto(domain) if context.plan.domains.contains(domain) => return None,
        Destination::Mailto(domain) => mail_host(context, domain).await?,
    };
    let plan = &context.plan;
    let moves = host == plan.hostname || plan.new.iter().any(|address| address.ptr == host);
    if moves {
        return None;
    }
    let lead = lead(context, host.as_str()).await?;
    Some((host, lead))
}

/// The host that is tried first for a mail domain (RFC 5321, section 5.1); nothing if it takes no mail.
async fn mail_host(context: &Context, domain: &DomainName) -> Option<DomainName> {
    let reply = published(context, domain, RecordType::MX).await?;
    let mut hosts: Vec<&MX> = reply.records.iter().filter_map(|record| MX::try_borrow(&record.data)).collect();
    hosts.sort_by_key(|mx| mx.preference);
    match hosts.first() {
        Some(mx) => DomainName::parse(&mx.exchange.to_ascii()).ok(),
        None => Some(domain.clone()),
    }
}

fn judge(
    plan: &Plan,
    domain: &DomainName,
    reply: &Arc<Reply>,
    policy: Option<&TlsRpt>,
    leads: &[(DomainName, Lead)],
) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    let args = Args::none().and("name", domain);
    let say =
        |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence([reply.observation]);
    let texts = reply.texts();
    let count = policies(&texts).len();
    let wanted = plan.auth.mta_sts == Some(true) || plan.auth.dane == Some(true);
    let Some(policy) = policy else {
        return vec![match (&reply.answer, count) {
            (Answer::Data, 2..) => say(&SEVERAL, args.and("count", count)),
            _ if !reply.is_definite() => say(&UNANSWERED, args.with("why", reply.why())),
            _ if wanted => say(&WANTED, args),
            _ => say(&ABSENT, args),
        }];
    };
    let mut said = Vec::new();
    if !policy.faults.is_empty() {
        said.push(say(&MALFORMED, args.clone().with("detail", policy.faults_told())));
    }
    let old = plan.given_up();
    for (host, lead) in leads {
        if lead.only_among(&old) {
            let args = args.clone().and("host", host).with("found", Value::list(lead.addresses()));
            said.push(say(&MOVED, args).about(host.as_str()).evidence(lead.evidence()));
        } else if lead.failed().is_some() {
            said.push(
                Statement::not_covered(subject.clone(), DESTINATION_SILENT)
                    .about(host.as_str())
                    .evidence(lead.evidence()),
            );
        }
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).args(args).evidence([reply.observation]));
    }
    said
}
