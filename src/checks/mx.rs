//! Where the mail of each domain goes: to the old server before the cutover, to the new one after it.

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::{Name, RData, RecordType};

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Level, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text,
    Value,
};
use crate::plan::Plan;
use crate::probe::{Answer, Question, Reply, plain};

/// So many mail hosts of a domain are looked at.
const MOST_HOSTS: usize = 20;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "mx",
        title: Text {
            en: "Mail goes where the plan wants it", ja: "メールが計画どおりのサーバーに届く"
        },
        short: Text { en: "MX", ja: "MX" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An MX record that was switched too early, or not at all, sends mail to a machine that does not expect it: split mailboxes, or bounces.",
            ja: "MX の切り替えが早すぎたり漏れていたりすると、想定外のマシンにメールが届き、メールボックスが分かれるか、メールが不達になる。",
        },
        how: Text {
            en: "MX of every domain is read from the zone's own servers, and A and AAAA of each host in it. Before the cutover they should lead to the old addresses, after it to the new ones, with nobody whom the plan does not know in front of them; where the plan has [mx], the records themselves are compared too, and a gateway of somebody else that stands first there may take the mail.",
            ja: "ドメインごとに MX を権威サーバーから読み、各ホストの A と AAAA を読む。切り替え前は旧アドレス、切り替え後は新アドレスに行き着かなければならず、計画にないサーバーがその前にあってはならない。計画に [mx] があれば、レコードそのものも比べる。[mx] の先頭が他社のゲートウェイなら、それが受信してもよい。",
        },
        by_hand: "dig +short {name} MX",
        references: &[
            Reference { title: "RFC 5321, section 5.1", url: "https://www.rfc-editor.org/rfc/rfc5321#section-5.1" },
            Reference { title: "RFC 2181, section 10.3", url: "https://www.rfc-editor.org/rfc/rfc2181#section-10.3" },
            Reference { title: "RFC 7505, section 3", url: "https://www.rfc-editor.org/rfc/rfc7505#section-3" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &EARLY,
            &ELSEWHERE,
            &NEW_ABSENT,
            &OLD_FIRST,
            &OLD_LISTED,
            &OTHER_FIRST,
            &DIFFERS,
            &NULL,
            &NULL_MIXED,
            &NONE,
            &IMPLICIT,
            &ALIAS,
            &LITERAL,
            &UNANSWERED,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

/// Says something before the cutover only.
const BEFORE: Levels = Levels { before: Level::Warning, after: Level::Note, old: Level::Note };
/// Says something after it only.
const AFTER: Levels = Levels { before: Level::Note, after: Level::Blocker, old: Level::Note };

static EARLY: Outcome = Outcome {
    tag: "mx-early",
    levels: BEFORE,
    says: Text {
        en: "mail for {name} already goes to the new server, by {hosts}",
        ja: "{name} 宛てのメールは、{hosts} によりすでに新サーバーに届いている",
    },
    remedy: Text {
        en: "Take {hosts} out of the MX of {name} until the cutover, or, if that is a name of the old server too, lead it to the old server only; otherwise see that the new server takes the mail.",
        ja: "切り替えまで {name} の MX から {hosts} を外す (旧サーバーの名前でもあるなら、正引きを旧サーバーだけにする)。外さないなら、新サーバーが受信できることを確かめる。",
    },
};

static ELSEWHERE: Outcome = Outcome {
    tag: "mx-elsewhere",
    levels: BEFORE,
    says: Text {
        en: "mail for {name} goes to {hosts} ({found}): neither an old nor a new address of the plan",
        ja: "{name} 宛てのメールは {hosts} ({found}) に届く。計画の旧アドレスでも新アドレスでもない",
    },
    remedy: Text {
        en: "Put the address that receives now under [old]; if a gateway receives and stays, name it under [mx] and tell it the new address.",
        ja: "今受信しているアドレスを [old] に書く。ゲートウェイが受信し続けるなら [mx] に書き、転送先の新アドレスを設定する。",
    },
};

static NEW_ABSENT: Outcome = Outcome {
    tag: "mx-new-absent",
    levels: AFTER,
    says: Text {
        en: "mail for {name} does not go to the new server: {hosts} leads to {found}",
        ja: "{name} 宛てのメールが新サーバーに届かない: {hosts} の正引きは {found} である",
    },
    remedy: Text {
        en: "Publish {planned} as the MX of {name}, and lead the new server's name in it to {new}.",
        ja: "{name} の MX に {planned} を登録し、その中の新サーバーの名前の正引きを {new} にする。",
    },
};

static OLD_FIRST: Outcome = Outcome {
    tag: "mx-old-first",
    levels: AFTER,
    says: Text {
        en: "mail for {name} still goes to the old server first or as often, by {hosts}",
        ja: "{name} 宛てのメールは、{hosts} により今も旧サーバーに優先的に (または同じ割合で) 届く",
    },
    remedy: Text {
        en: "Take {hosts} out of the MX of {name}. A host that is the new server's name too stays there: take {found} out of its addresses.",
        ja: "{name} の MX から {hosts} を外す。新サーバーの名前でもあるものは MX に残し、その正引きから {found} を外す。",
    },
};

static OLD_LISTED: Outcome = Outcome {
    tag: "mx-old-listed",
    levels: Levels { before: Level::Note, after: Level::Warning, old: Level::Note },
    says: Text {
        en: "the old server is still a mail host of {name}, behind the new one: {hosts}",
        ja: "{name} のメールホストに、新サーバーより低い優先度で旧サーバーが残っている: {hosts}",
    },
    remedy: Text {
        en: "Take {hosts} out of the MX of {name}, or see that the old server hands everything on to the new one.",
        ja: "{name} の MX から {hosts} を外すか、旧サーバーがすべてを新サーバーへ転送することを確かめる。",
    },
};

static OTHER_FIRST: Outcome = Outcome {
    tag: "mx-other-first",
    levels: AFTER,
    says: Text {
        en: "mail for {name} goes first or as often to {hosts} ({found}), which the plan does not want to receive it",
        ja: "{name} 宛てのメールが、計画では受信しないはずの {hosts} ({found}) に優先的に (または同じ割合で) 届く",
    },
    remedy: Text {
        en: "Take {hosts} out of the MX of {name}; if a gateway receives and stays, name it under [mx], in front of the new server.",
        ja: "{name} の MX から {hosts} を外す。ゲートウェイが受信し続けるなら、[mx] の先頭に書く。",
    },
};

static DIFFERS: Outcome = Outcome {
    tag: "mx-differs",
    levels: Levels { before: Level::Note, after: Level::Warning, old: Level::Note },
    says: Text {
        en: "the MX of {name} is not what the plan says: {found} instead of {planned}",
        ja: "{name} の MX が計画と異なる: 計画は {planned}、実際は {found}",
    },
    remedy: Text { en: "Change the record or the plan.", ja: "レコードか計画を直す。" },
};

static NULL: Outcome = Outcome {
    tag: "mx-null",
    levels: Levels { before: Level::Warning, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "{name} publishes a null MX: it says that it never receives mail",
        ja: "{name} は null MX を登録しており、メールを受信しないと宣言している",
    },
    remedy: Text {
        en: "Replace \"0 .\" by {planned}, or take {name} out of the plan's domains.",
        ja: "「0 .」を {planned} に置き換えるか、{name} を計画の domains から外す。",
    },
};

static NULL_MIXED: Outcome = Outcome {
    tag: "mx-null-mixed",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has a null MX beside other MX records: senders understand that differently",
        ja: "{name} には null MX と通常の MX が混在する。解釈は送信側により異なる",
    },
    remedy: Text { en: "Take \"0 .\" out of the MX of {name}.", ja: "{name} の MX から「0 .」を外す。" },
};

static NONE: Outcome = Outcome {
    tag: "mx-none",
    levels: Levels { before: Level::Warning, after: Level::Blocker, old: Level::Note },
    says: Text { en: "{name} has no MX record and no address", ja: "{name} に MX もアドレスもない" },
    remedy: Text { en: "Publish {planned} as the MX of {name}.", ja: "{name} の MX に {planned} を登録する。" },
};

static IMPLICIT: Outcome = Outcome {
    tag: "mx-implicit",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has no MX record; mail goes to its own address, {found}",
        ja: "{name} に MX がなく、メールは {name} 自体のアドレス {found} に届く",
    },
    remedy: Text {
        en: "Publish {planned} as the MX of {name}: a web server's address is often changed by others.",
        ja: "{name} の MX に {planned} を登録する。Web サーバーのアドレスは別の担当者が変更することが多い。",
    },
};

static ALIAS: Outcome = Outcome {
    tag: "mx-alias",
    levels: Levels::WARNING,
    says: Text {
        en: "the MX of {name} leads to an alias, {hosts}, where only a name with addresses of its own may stand",
        ja: "{name} の MX が別名 {hosts} を指している。MX は自身のアドレスを持つ名前でなければならない",
    },
    remedy: Text {
        en: "Name the host that {hosts} stands for in the MX of {name}: some senders refuse aliases.",
        ja: "{name} の MX に、{hosts} の参照先のホスト名を書く。別名を拒否する送信側がある。",
    },
};

static LITERAL: Outcome = Outcome {
    tag: "mx-literal",
    levels: Levels { before: Level::Warning, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "the MX of {name} is an address, {hosts}, where only a name may stand",
        ja: "{name} の MX に、名前ではなくアドレス {hosts} が書かれている",
    },
    remedy: Text { en: "Publish {planned} as the MX of {name}.", ja: "{name} の MX に {planned} を登録する。" },
};

static UNANSWERED: Outcome = Outcome {
    tag: "mx-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "where mail for {name} goes is not known: {asked}: {why}",
        ja: "{name} 宛てのメールの届け先を確認できない: {asked}: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers answer.",
        ja: "再実行する。変わらなければネームサーバーが応答するか調べる。",
    },
};

const DOES_NOT_RECEIVE: Text = Text {
    en: "the plan says that no new address receives mail",
    ja: "計画では、どの新アドレスもメールを受信しない",
};

/// One mail host of a domain, and where it leads.
struct Host {
    preference: u16,
    name: Name,
    addresses: Vec<IpAddr>,
    /// It is an alias.
    is_alias: bool,
    /// Why the addresses are not all known.
    silent: Option<Arc<Reply>>,
    evidence: Vec<ObservationId>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.plan.domains.iter().map(|domain| ask_one(context, domain))).await.concat()
}

async fn ask_one(context: &Context, domain: &DomainName) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    if !context.plan.new.iter().any(|address| address.receives) {
        return vec![Statement::not_applicable(subject, DOES_NOT_RECEIVE)];
    }
    let Ok(question) = Question::new(domain, RecordType::MX) else { return Vec::new() };
    let mx = context.published(question).await;
    let mut records = exchanges(&mx);
    // Those that are tried first are looked at, wherever they stand in the answer.
    records.sort_by_key(|(preference, _)| *preference);
    let hosts = match mx.answer {
        // RFC 5321, section 5.1: without MX the domain is its own mail host.
        Answer::NoData => vec![find(context, 0, mx.question.name.clone()).await],
        _ => {
            join_all(
                records
                    .iter()
                    .filter(|(_, name)| !name.is_root())
                    .take(MOST_HOSTS)
                    .map(|(preference, name)| find(context, *preference, name.clone())),
            )
            .await
        }
    };
    judge(context, domain, &mx, &records, &hosts)
}

async fn find(context: &Context, preference: u16, name: Name) -> Host {
    let ask = |rtype| Question::new(&name, rtype).ok().map(|question| context.published(question));
    let replies: Vec<Arc<Reply>> = join_all([RecordType::A, RecordType::AAAA].into_iter().filter_map(ask)).await;
    Host {
        addresses: replies.iter().flat_map(|reply| reply.addresses()).collect(),
        is_alias: replies.iter().any(|reply| !reply.chain.is_empty()),
        silent: replies.iter().find(|reply| !reply.is_definite()).cloned(),
        evidence: replies.iter().map(|reply| reply.observation).collect(),
        preference,
        name,
    }
}

fn judge(
    context: &Context,
    domain: &DomainName,
    mx: &Reply,
    records: &[(u16, Name)],
    hosts: &[Host],
) -> Vec<Statement> {
    let plan = &context.plan;
    let subject = Subject::Name(domain.to_string());
    let planned = planned(plan, domain);
    let args = Args::none().and("name", domain).with("planned", Value::list(planned.iter().map(shown)));
    let evidence =
        || std::iter::once(mx.observation).chain(hosts.iter().flat_map(|host| host.evidence.iter().copied()));
    let say = |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence());
    let unknown = |reply: &Reply| say(&UNANSWERED, args.clone().and("asked", &reply.question).with("why", reply.why()));

    match mx.answer {
        Answer::Data => {}
        Answer::NoData if hosts.iter().all(|host| host.addresses.is_empty() && host.silent.is_none()) => {
            return vec![say(&NONE, args)];
        }
        Answer::NoData => {}
        Answer::NxDomain => return vec![say(&NONE, args)],
        _ => return vec![unknown(mx)],
    }
    let mut said = Vec::new();
    if records.iter().any(|(_, name)| name.is_root()) {
        if hosts.is_empty() {
            return vec![say(&NULL, args)];
        }
        said.push(say(&NULL_MIXED, args.clone()));
    }
    if mx.answer == Answer::NoData {
        let found: Vec<IpAddr> = hosts.iter().flat_map(|host| host.addresses.iter().copied()).collect();
        said.push(say(&IMPLICIT, args.clone().with("found", Value::list(found))));
    }
    let literal = |name: &&Name| plain(name).parse::<IpAddr>().is_ok();
    let literals: Vec<String> = records.iter().map(|(_, name)| name).filter(literal).map(plain).collect();
    if !literals.is_empty() {
        said.push(say(&LITERAL, args.clone().with("hosts", Value::list(literals))));
    }
    // A planned host that is an alias is told by the check of those hosts.
    let is_planned = |name: &Name| planned.iter().any(|(_, host)| plain(host) == plain(name));
    let aliases = hosts.iter().filter(|host| host.is_alias && mx.answer == Answer::Data && !is_planned(&host.name));
    let aliases: Vec<String> = aliases.map(|host| plain(&host.name)).collect();
    if !aliases.is_empty() {
        said.push(say(&ALIAS, args.clone().with("hosts", Value::list(aliases))));
    }
    said.extend(match context.phase {
        Phase::Before => before(plan, domain, hosts, &args, &say),
        Phase::After => after(plan, domain, hosts, &args, &say),
    });
    // What is silent may lead anywhere: only what was seen is said.
    let silent = hosts.iter().filter_map(|host| host.silent.as_ref());
    said.extend(silent.map(|reply| unknown(reply).about(reply.question.to_string())));
    let same = |one: &[(u16, Name)], other: &[(u16, Name)]| {
        let sorted = |records: &[(u16, Name)]| {
            let mut lines: Vec<String> = records.iter().map(shown).collect();
            lines.sort();
            lines
        };
        sorted(one) == sorted(other)
    };
    if context.phase == Phase::After && plan.said_mx(domain).is_some() && !same(records, &planned) {
        let found = match records {
            [] => Value::both("no record", "レコードなし"),
            _ => Value::list(records.iter().map(shown)),
        };
        said.push(say(&DIFFERS, args.clone().with("found", found)));
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).evidence(evidence()));
    }
    said
}

/// Before the cutover mail should go to the old server and only there, or to the gateway that stays before it.
fn before(
    plan: &Plan,
    domain: &DomainName,
    hosts: &[Host],
    args: &Args,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let old: Vec<IpAddr> = plan.old.iter().map(|address| address.ip).collect();
    let new: Vec<IpAddr> = plan.new.iter().map(|address| address.ip).filter(|ip| !old.contains(ip)).collect();
    let (old, new) = (leading(hosts, &old), leading(hosts, &new));
    let is_known = hosts.iter().all(|host| host.silent.is_none());
    if !new.is_empty() {
        vec![say(&EARLY, args.clone().with("hosts", names(&new)))]
    } else if old.is_empty() && is_known && gateways(plan, domain, hosts).is_empty() {
        let all: Vec<&Host> = hosts.iter().collect();
        vec![say(&ELSEWHERE, args.clone().with("hosts", names(&all)).with("found", addresses(&all)))]
    } else {
        Vec::new()
    }
}

/// After it to the new server or the gateway that stays before it, and to the old server at the most behind them.
fn after(
    plan: &Plan,
    domain: &DomainName,
    hosts: &[Host],
    args: &Args,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let receiving: Vec<IpAddr> = plan.new.iter().filter(|address| address.receives).map(|address| address.ip).collect();
    let old = leading(hosts, &plan.given_up());
    let new = [leading(hosts, &receiving), gateways(plan, domain, hosts)].concat();
    let is_known = hosts.iter().all(|host| host.silent.is_none());
    let first = |hosts: &[&Host]| hosts.iter().map(|host| host.preference).min();
    let mut said = Vec::new();
    match (first(&old), first(&new)) {
        (_, None) if is_known => {
            let all: Vec<&Host> = hosts.iter().collect();
            let args = args.clone().with("hosts", names(&all)).with("found", addresses(&all));
            return vec![say(&NEW_ABSENT, args.with("new", Value::list(receiving)))];
        }
        (Some(of_old), Some(of_new)) if of_old <= of_new => {
            let given_up = plan.given_up();
            let found = old.iter().flat_map(|host| &host.addresses).filter(|ip| given_up.contains(ip));
            said.push(say(&OLD_FIRST, args.clone().with("hosts", names(&old)).with("found", Value::list(found))));
        }
        (Some(_), Some(_)) => said.push(say(&OLD_LISTED, args.clone().with("hosts", names(&old)))),
        _ => {}
    }
    let others = others(plan, domain, hosts, &receiving).into_iter();
    let others: Vec<&Host> = others.filter(|host| Some(host.preference) <= first(&new)).collect();
    if !others.is_empty() {
        said.push(say(&OTHER_FIRST, args.clone().with("hosts", names(&others)).with("found", addresses(&others))));
    }
    said
}

/// The hosts that lead where the plan knows nobody who receives, and that it does not name: neither to the new server nor to the old
/// one. What is wrong with the planned hosts is told by the check of those.
fn others<'h>(plan: &Plan, domain: &DomainName, hosts: &'h [Host], receiving: &[IpAddr]) -> Vec<&'h Host> {
    let planned = plan.planned_hosts(domain);
    let given_up = plan.given_up();
    let is_elsewhere = |ip: &IpAddr| !receiving.contains(ip) && !given_up.contains(ip);
    let is_planned = |host: &Host| planned.iter().any(|name| name.as_str() == plain(&host.name));
    hosts.iter().filter(|host| !is_planned(host) && host.addresses.iter().any(is_elsewhere)).collect()
}

/// The hosts that lead to one of these addresses.
fn leading<'h>(hosts: &'h [Host], to: &[IpAddr]) -> Vec<&'h Host> {
    hosts.iter().filter(|host| host.addresses.iter().any(|ip| to.contains(ip))).collect()
}

/// The hosts of somebody else that `[mx]` puts before the plan's servers: they take the mail and hand it on. A host of somebody
/// else behind the new server is a backup and does not stand for it.
fn gateways<'h>(plan: &Plan, domain: &DomainName, hosts: &'h [Host]) -> Vec<&'h Host> {
    let records = plan.said_mx(domain).unwrap_or_default();
    let first = records.iter().map(|mx| mx.preference).min();
    let front: Vec<&DomainName> = records.iter().filter(|mx| Some(mx.preference) == first).map(|mx| &mx.host).collect();
    if front.iter().any(|host| is_ours(plan, host)) {
        return Vec::new();
    }
    let known: Vec<IpAddr> = plan.old.iter().chain(&plan.new).map(|address| address.ip).collect();
    let is_front = |host: &&Host| front.iter().any(|name| name.as_str() == plain(&host.name));
    let is_elsewhere = |host: &&Host| !host.addresses.is_empty() && !host.addresses.iter().any(|ip| known.contains(ip));
    hosts.iter().filter(is_front).filter(is_elsewhere).collect()
}

/// Whether the plan calls one of its servers so, or the name is in a domain of this organization.
fn is_ours(plan: &Plan, host: &DomainName) -> bool {
    let is_server = plan.old.iter().chain(&plan.new).any(|address| address.ptr == *host);
    let mut ours = plan.domains.iter().chain([&plan.hostname]).filter_map(DomainName::registrable);
    is_server || *host == plan.hostname || host.registrable().is_some_and(|domain| ours.any(|own| own == domain))
}

/// What MX shall be; the host name, if the plan does not say.
fn planned(plan: &Plan, domain: &DomainName) -> Vec<(u16, Name)> {
    let parse = |host: &DomainName| Name::from_ascii(format!("{host}.")).unwrap_or_default();
    plan.planned_mx(domain).iter().map(|mx| (mx.preference, parse(&mx.host))).collect()
}

fn exchanges(reply: &Reply) -> Vec<(u16, Name)> {
    let exchange = |record: &hickory_proto::rr::Record| match &record.data {
        RData::MX(mx) => Some((mx.preference, mx.exchange.to_lowercase())),
        _ => None,
    };
    reply.records.iter().filter_map(exchange).collect()
}

fn shown((preference, name): &(u16, Name)) -> String {
    format!("{preference} {}", plain(name))
}

fn names(hosts: &[&Host]) -> Value {
    Value::list(hosts.iter().map(|host| plain(&host.name)))
}

fn addresses(hosts: &[&Host]) -> Value {
    let found: Vec<IpAddr> = hosts.iter().flat_map(|host| host.addresses.iter().copied()).collect();
    match found.as_slice() {
        [] => Value::both("no address", "アドレスなし"),
        found => Value::list(found),
    }
}
