//! The mail hosts that the plan wants: can mail be delivered to them?

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::plan::special_purpose;
use crate::probe::{Question, Reply, plain};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "mx-host",
        title: Text {
            en: "Each planned mail host can be delivered to", ja: "計画のメールホストに配送できる"
        },
        short: Text { en: "mail hosts", ja: "メールホスト" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An MX record that names a host without an address, an alias or a private address loses every message from the moment of its publication.",
            ja: "アドレスのないホスト、別名、プライベートアドレスを指す MX は、公開した瞬間からすべてのメールを失う。",
        },
        how: Text {
            en: "For every host under [mx], and the plan's host name where [mx] says nothing, A and AAAA are read from the zone's own servers: there must be addresses, public ones, no CNAME, and those of the new server.",
            ja: "[mx] の各ホスト ([mx] がなければ計画の hostname) の A と AAAA を権威サーバーから読む。CNAME ではなく、公開アドレスがあり、新サーバーのものでなければならない。",
        },
        by_hand: "dig {name} A; dig {name} AAAA",
        references: &[
            Reference { title: "RFC 5321, section 5.1", url: "https://www.rfc-editor.org/rfc/rfc5321#section-5.1" },
            Reference { title: "RFC 2181, section 10.3", url: "https://www.rfc-editor.org/rfc/rfc2181#section-10.3" },
            Reference { title: "RFC 6890", url: "https://www.rfc-editor.org/rfc/rfc6890" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&RESOLVES, &CNAME, &PRIVATE, &OLD_ADDRESS, &WILL_CHANGE, &MIXED, &BACKUP, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static RESOLVES: Outcome = Outcome {
    tag: "mx-resolves",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name}, a planned mail host, has no address", ja: "計画のメールホスト {name} にアドレスがない"
    },
    remedy: Text {
        en: "Publish the address of the new server at {name} before the MX record names it.",
        ja: "MX に書く前に、{name} に新サーバーのアドレスを登録する。",
    },
};

static CNAME: Outcome = Outcome {
    tag: "mx-cname",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name}, a planned mail host, is an alias for {found}; an MX record may not lead to an alias",
        ja: "計画のメールホスト {name} は {found} への別名である。MX は別名を指してはならない",
    },
    remedy: Text {
        en: "Publish A and AAAA at {name} itself, or name {found} in the MX record.",
        ja: "{name} 自体に A と AAAA を登録するか、MX に {found} を書く。",
    },
};

static PRIVATE: Outcome = Outcome {
    tag: "mx-private",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name}, a planned mail host, leads to {found}, where nobody outside can deliver ({why})",
        ja: "計画のメールホスト {name} の正引きは {found} であり、外部からは配送できない ({why})",
    },
    remedy: Text {
        en: "Publish public addresses only at {name}, and take {found} out.",
        ja: "{name} には公開アドレスだけを登録し、{found} を外す。",
    },
};

static OLD_ADDRESS: Outcome = Outcome {
    tag: "mx-old-address",
    levels: Levels { before: Level::Warning, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "{name}, a planned mail host, leads to the old server: {found}",
        ja: "計画のメールホスト {name} の正引きは旧サーバー {found} である",
    },
    remedy: Text {
        en: "Publish the address of the new server at {name}, in place of {found}.",
        ja: "{name} の {found} を新サーバーのアドレスに置き換える。",
    },
};

static WILL_CHANGE: Outcome = Outcome {
    tag: "mx-host-changes",
    levels: Levels::NOTE,
    says: Text {
        en: "{name}, a planned mail host, leads to the old server now: its address {found} must change at the cutover",
        ja: "計画のメールホスト {name} の正引きは現在は旧サーバーである。切り替え時にアドレス {found} を変更しなければならない",
    },
    remedy: Text {
        en: "Lower the TTL of {name} beforehand, and change A and AAAA at the cutover.",
        ja: "事前に {name} の TTL を下げ、切り替え時に A と AAAA を変更する。",
    },
};

static MIXED: Outcome = Outcome {
    tag: "mx-parity",
    levels: Levels { before: Level::Warning, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "{name}, a planned mail host, leads to the new server and also to {found}",
        ja: "計画のメールホスト {name} の正引きは、新サーバーのほかに {found} も含む",
    },
    remedy: Text {
        en: "Take {found} out of {name}: part of the mail goes there.",
        ja: "{name} から {found} を外す。メールの一部がそこに届いてしまう。",
    },
};

static BACKUP: Outcome = Outcome {
    tag: "mx-backup",
    levels: Levels::WARNING,
    says: Text {
        en: "{name}, a planned mail host, is none of the plan's servers ({found}): a backup or a gateway, which hands mail on to where it was told",
        ja: "計画のメールホスト {name} ({found}) は計画のサーバーではない。バックアップまたはゲートウェイであり、設定された先へメールを転送する",
    },
    remedy: Text {
        en: "See that {name} hands mail on to the new server, knows the same recipients, and accept this with a waiver.",
        ja: "{name} が新サーバーへ転送し、同じ宛先を知っていることを確かめ、リスク受容 (waiver) に記録する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "mx-host-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "where {name}, a planned mail host, leads to is not known: {asked}: {why}",
        ja: "計画のメールホスト {name} の正引きを確認できない: {asked}: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const DOES_NOT_RECEIVE: Text = Text {
    en: "the plan says that no new address receives mail",
    ja: "計画では、どの新アドレスもメールを受信しない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let plan = &context.plan;
    if !plan.new.iter().any(|address| address.receives) {
        return vec![Statement::not_applicable(Subject::Run, DOES_NOT_RECEIVE)];
    }
    let hosts: BTreeSet<DomainName> = plan.domains.iter().flat_map(|domain| plan.planned_hosts(domain)).collect();
    join_all(hosts.iter().map(|host| ask_one(context, host))).await.concat()
}

async fn ask_one(context: &Context, host: &DomainName) -> Vec<Statement> {
    let (Ok(a), Ok(aaaa)) = (Question::new(host, RecordType::A), Question::new(host, RecordType::AAAA)) else {
        return Vec::new();
    };
    let ((a, aaaa), receives_now) = futures::join!(
        async { futures::join!(context.published(a), context.published(aaaa)) },
        receives_now(context, host)
    );
    judge(context, host, receives_now, &a, &aaaa)
}

/// Whether an MX record names the host already.
async fn receives_now(context: &Context, host: &DomainName) -> bool {
    let questions = context.plan.domains.iter().filter_map(|domain| Question::new(domain, RecordType::MX).ok());
    let replies = join_all(questions.map(|question| context.published(question))).await;
    let is_host = |name: hickory_proto::rr::Name| plain(&name) == host.as_str();
    replies.iter().flat_map(|reply| reply.names()).any(is_host)
}

fn judge(context: &Context, host: &DomainName, receives_now: bool, a: &Reply, aaaa: &Reply) -> Vec<Statement> {
    let plan = &context.plan;
    let subject = Subject::Name(host.to_string());
    let args = Args::none().and("name", host);
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence([a.observation, aaaa.observation])
    };
    let mut said = Vec::new();
    if let Some(target) = a.chain.first().or(aaaa.chain.first()) {
        said.push(say(&CNAME, args.clone().and("found", plain(target))));
    }
    let found = [a.addresses(), aaaa.addresses()].concat();
    let of = |wanted: &dyn Fn(&IpAddr) -> bool| found.iter().copied().filter(|ip| wanted(ip)).collect::<Vec<IpAddr>>();
    let given_up = plan.given_up();
    let is_new = |ip: &IpAddr| plan.new.iter().any(|address| address.ip == *ip);
    let special = of(&|ip| !is_new(ip) && !given_up.contains(ip) && special_purpose(*ip).is_some());
    for ip in &special {
        let kind = special_purpose(*ip).unwrap_or_default();
        let rfc = kind.rsplit_once('(').map_or(kind, |(_, rfc)| rfc.trim_end_matches(')'));
        let why = Value::both(kind, format!("{rfc} の特殊用途アドレス"));
        said.push(say(&PRIVATE, args.clone().and("found", ip).with("why", why)).about(ip.to_string()));
    }
    let (new, old) = (of(&is_new), of(&|ip| given_up.contains(ip)));
    let other = of(&|ip| !is_new(ip) && !given_up.contains(ip) && special_purpose(*ip).is_none());
    // The check of the host name says what is wrong with its own addresses.
    let is_own = *host == plan.hostname;
    let at = |ips: &[IpAddr]| args.clone().with("found", Value::list(ips));
    let changes = receives_now || is_own;
    match (new.is_empty(), old.is_empty(), other.is_empty()) {
        _ if !a.is_definite() || !aaaa.is_definite() => {
            for reply in [a, aaaa].into_iter().filter(|reply| !reply.is_definite()) {
                let args = args.clone().and("asked", &reply.question).with("why", reply.why());
                said.push(say(&UNANSWERED, args).about(reply.question.rtype.to_string()));
            }
        }
        (true, true, true) if special.is_empty() && !is_own => said.push(say(&RESOLVES, args)),
        (_, false, _) if changes && context.phase == Phase::Before => said.push(say(&WILL_CHANGE, at(&old))),
        (true, false, _) => said.push(say(&OLD_ADDRESS, at(&old))),
        (false, false, _) => said.push(say(&MIXED, at(&old))),
        // Before the cutover the check of the host name warns of it.
        (false, true, false) if !is_own || context.phase == Phase::After => said.push(say(&MIXED, at(&other))),
        (true, true, false) if !is_own => said.push(say(&BACKUP, at(&other))),
        _ => {}
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).evidence([a.observation, aaaa.observation]));
    }
    said
}
