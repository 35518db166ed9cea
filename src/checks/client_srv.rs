//! The SRV records by which mail programs find their servers.

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{RData, RecordType};

use super::client_names::{Lead, lead, published};
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value, visible,
};
use crate::probe::Reply;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "client-srv",
        title: Text {
            en: "The SRV records for mail programs name the new server",
            ja: "メールソフト用の SRV レコードが新サーバーを指す",
        },
        short: Text { en: "client SRV", ja: "クライアント用 SRV" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Programs that set themselves up read these records; one that still names the old server leads every new device to a machine that is about to go.",
            ja: "自動設定を行うメールソフトはこのレコードを読む。旧サーバーのままだと、新しく設定した端末がすべて停止予定のマシンにつながる。",
        },
        how: Text {
            en: "SRV of _submissions, _submission, _imaps, _imap, _pop3s, _pop3 and _autodiscover (_tcp) of every domain is asked of the zone's own servers, and the addresses of its targets. The target \".\" means that the service is not offered.",
            ja: "各ドメインの _submissions、_submission、_imaps、_imap、_pop3s、_pop3、_autodiscover (_tcp) の SRV と、そのターゲットのアドレスを、ゾーンの権威サーバーに問い合わせる。ターゲット「.」は「提供しない」という意味である。",
        },
        by_hand: "dig +short {name} SRV",
        references: &[
            Reference { title: "RFC 6186, section 3", url: "https://www.rfc-editor.org/rfc/rfc6186#section-3" },
            Reference { title: "RFC 8314, section 5.1", url: "https://www.rfc-editor.org/rfc/rfc8314#section-5.1" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&OLD, &AUTODISCOVER, &NOWHERE, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static OLD: Outcome = Outcome {
    tag: "client-srv",
    // Before the cutover this is how it must be.
    levels: Levels { before: Level::Note, after: Level::Warning, old: Level::Note },
    says: Text {
        en: "the SRV record {name} names {target}, which leads to the old server only: {found}",
        ja: "SRV レコード {name} のターゲット {target} は旧サーバーだけに行き着く: {found}",
    },
    remedy: Text {
        en: "Change the target of {name} to a name of the new server at the cutover, or give {target} the new addresses.",
        ja: "切り替え時に {name} のターゲットを新サーバーの名前に変更するか、{target} に新アドレスを登録する。",
    },
};

static AUTODISCOVER: Outcome = Outcome {
    tag: "client-autodiscover",
    levels: OLD.levels,
    says: Text {
        en: "{name}, which Outlook reads, names {target}, which leads to the old server only: {found}",
        ja: "Outlook が読む {name} のターゲット {target} は旧サーバーだけに行き着く: {found}",
    },
    remedy: Text {
        en: "Change the target of {name} to the host that will serve Autodiscover, or take the record out at the cutover.",
        ja: "切り替え時に {name} のターゲットを Autodiscover を提供するホストに変更するか、レコードを削除する。",
    },
};

static NOWHERE: Outcome = Outcome {
    tag: "client-srv-nowhere",
    levels: Levels::WARNING,
    says: Text {
        en: "the SRV record {name} names {target}, which has no address",
        ja: "SRV レコード {name} のターゲット {target} にアドレスがない",
    },
    remedy: Text {
        en: "Give {target} an address, or change the target of {name}; \".\" says that the service is not offered.",
        ja: "{target} にアドレスを登録するか、{name} のターゲットを変更する (「.」なら「提供しない」という意味になる)。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "client-srv-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "where the SRV records of {name} lead is not known ({names}): {why}",
        ja: "{name} の SRV レコードの行き先を確認できない ({names}): {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const NONE: Text = Text {
    en: "the domain has no SRV records for mail programs",
    ja: "このドメインにはメールソフト用の SRV レコードがない",
};

const AUTODISCOVER_LABEL: &str = "_autodiscover";

const SERVICES: [&str; 7] = ["_submissions", "_submission", "_imaps", "_imap", "_pop3s", "_pop3", AUTODISCOVER_LABEL];

/// The most records of one service that are looked at.
const MOST: usize = 20;

/// One service, its records, and where each target leads; an empty one (`.`) leads nowhere by intention, any other without a lead
/// because it is no name of a host.
struct Service {
    label: &'static str,
    name: String,
    reply: Arc<Reply>,
    targets: Vec<(String, Option<Lead>)>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let old = context.plan.given_up();
    let each = context.plan.domains.iter().map(|domain| async {
        let services = join_all(SERVICES.map(|label| ask_service(context, label, domain))).await;
        judge(&old, domain, &services.into_iter().flatten().collect::<Vec<_>>())
    });
    join_all(each).await.concat()
}

async fn ask_service(context: &Context, label: &'static str, domain: &DomainName) -> Option<Service> {
    let name = format!("{label}._tcp.{domain}");
    let reply = published(context, &name, RecordType::SRV).await?;
    let mut names: Vec<String> = reply.records.iter().filter_map(|record| target(&record.data)).take(MOST).collect();
    names.sort();
    names.dedup();
    let targets = names.into_iter().map(|target| async {
        let lead = match DomainName::parse(&target) {
            Ok(name) => lead(context, name.as_str()).await,
            Err(_) => None,
        };
        (target, lead)
    });
    Some(Service { label, targets: join_all(targets).await, name, reply })
}

/// The target in lower case without the trailing dot; empty for `.`.
fn target(data: &RData) -> Option<String> {
    match data {
        RData::SRV(SRV { target, .. }) => Some(target.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    }
}

fn judge(old: &[IpAddr], domain: &DomainName, services: &[Service]) -> Vec<Statement> {
    let mut said = Vec::new();
    let mut unanswered: Vec<(&str, &Reply)> = Vec::new();
    for service in services {
        if !service.reply.is_definite() {
            unanswered.push((&service.name, &service.reply));
            continue;
        }
        let subject = Subject::Name(service.name.clone());
        let args = Args::none().and("name", &service.name);
        let before = (said.len(), unanswered.len());
        for (target, lead) in service.targets.iter().filter(|(target, _)| !target.is_empty()) {
            let found = lead.as_ref().map_or_else(Vec::new, Lead::addresses);
            let is_old = lead.as_ref().is_some_and(|lead| lead.only_among(old));
            let outcome = match lead.as_ref().and_then(Lead::failed) {
                _ if is_old && service.label == AUTODISCOVER_LABEL => &AUTODISCOVER,
                _ if is_old => &OLD,
                None if found.is_empty() => &NOWHERE,
                None => continue,
                Some(reply) => {
                    unanswered.push((&service.name, reply));
                    continue;
                }
            };
            let args = args.clone().and("target", target).with("found", Value::list(&found));
            let evidence = lead.iter().flat_map(Lead::evidence).chain([service.reply.observation]);
            said.push(
                Statement::outcome(outcome, subject.clone()).about(visible(target)).args(args).evidence(evidence),
            );
        }
        if before == (said.len(), unanswered.len()) && !service.targets.is_empty() {
            said.push(Statement::passed(subject).args(args).evidence([service.reply.observation]));
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
        let evidence = services.iter().map(|service| service.reply.observation);
        said.push(Statement::not_applicable(subject, NONE).evidence(evidence));
    }
    said
}
