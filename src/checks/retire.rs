//! What still points at the old addresses when their time is over.

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::client_names::{Lead, lead, published};
use super::ptr;
use crate::check::{Check, Context, Run, subject_of};
use crate::model::{
    Args, Card, DomainName, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::plan::{Address, Plan};
use crate::probe::{Answer, Ask, Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "retire",
        title: Text {
            en: "Nothing points at the old addresses when the overlap is over",
            ja: "並行運用の終了後、旧アドレスを指すものが残っていない",
        },
        short: Text { en: "clean-up", ja: "後片付け" },
        phases: &[Phase::After],
        why: Text {
            en: "A released address is rented to somebody else within days. What still points at it sends your mail, your visitors and your good name to that machine.",
            ja: "解放したアドレスは数日で別の利用者に貸し出される。それを指すレコードが残っていると、メールや利用者がそのマシンに届き、自社の名前も使われてしまう。",
        },
        how: Text {
            en: "Once the overlap after cutover_at is over: A and AAAA of the mail server's old and new names and of the MX hosts, PTR of the old addresses, and TLSA at names that only the old server has. SPF and MX have checks of their own.",
            ja: "cutover_at から overlap が過ぎた後、新旧サーバーの名前と MX ホストの A と AAAA、旧アドレスの PTR、旧サーバーだけの名前の TLSA を読む。SPF と MX は別の検査で見る。",
        },
        by_hand: "dig +short {name} A {name} AAAA; dig +short _25._tcp.{name} TLSA; dig +short -x {ip}",
        references: &[Reference {
            title: "RFC 7671, section 8.1",
            url: "https://www.rfc-editor.org/rfc/rfc7671#section-8.1",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&ADDRESS, &PTR, &TLSA, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static ADDRESS: Outcome = Outcome {
    tag: "ops-retire",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} still leads to {ip}, although the overlap is over",
        ja: "並行運用の期間が過ぎたが、{name} の正引きにまだ {ip} がある",
    },
    remedy: Text {
        en: "Take {ip} out of {name} before you release the address.",
        ja: "アドレスを解放する前に {name} から {ip} を外す。",
    },
};

static PTR: Outcome = Outcome {
    tag: "ptr-old-stale",
    // It is about an old address, and there it counts.
    levels: Levels::WARNING.old(Level::Warning),
    says: Text {
        en: "the PTR record of the old address {ip} still says {name}, although the overlap is over",
        ja: "並行運用の期間が過ぎたが、旧アドレス {ip} の PTR がまだ {name} である",
    },
    remedy: Text {
        en: "Clear the PTR record of {ip} (or have the provider set its own name) before you release the address.",
        ja: "アドレスを解放する前に {ip} の PTR を消す (または事業者の名前に戻してもらう)。",
    },
};

static TLSA: Outcome = Outcome {
    tag: "ops-retire-tlsa",
    levels: Levels::WARNING,
    says: Text {
        en: "TLSA records are left at _25._tcp.{name}, a name of the old server ({ip}), although the overlap is over",
        ja: "並行運用の期間が過ぎたが、旧サーバー ({ip}) の名前に TLSA が残っている: _25._tcp.{name}",
    },
    remedy: Text {
        en: "Delete the TLSA records at _25._tcp.{name}, after the MX records that name it.",
        ja: "MX から {name} を外した後、_25._tcp.{name} の TLSA を削除する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "ops-retire-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} still points at the old server ({ip}) is not known: {why}",
        ja: "{name} がまだ旧サーバー ({ip}) を指しているか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again before you release the address.", ja: "アドレスを解放する前に再実行する。"
    },
};

const OVERLAP: Text = Text { en: "the overlap is not over", ja: "並行運用の期間中である" };
const SHARED: Text = Text { en: "the address is also a new one", ja: "新アドレスとしても使い続ける" };

async fn ask(context: &Context) -> Vec<Statement> {
    let plan = &context.plan;
    if context.now < plan.overlap_ends() {
        return vec![Statement::not_applicable(Subject::Run, OVERLAP)];
    }
    let old = plan.given_up();
    let names = names(context).await;
    let by_name = join_all(names.iter().map(|name| ask_name(context, &old, name)));
    let by_address = join_all(plan.old.iter().map(|address| async {
        if !old.contains(&address.ip) {
            return Statement::not_applicable(subject_of(address), SHARED);
        }
        let reply = ptr::lookup(context, address.ip).await;
        judge_ptr(plan, address, &reply)
    }));
    let (by_name, by_address) = futures::join!(by_name, by_address);
    by_name.concat().into_iter().chain(by_address).collect()
}

/// The names that the mail server has, had, or is given by MX now.
async fn names(context: &Context) -> Vec<DomainName> {
    let plan = &context.plan;
    let present = plan.domains.iter().filter_map(|domain| Question::new(domain, RecordType::MX).ok());
    let present = join_all(present.map(|question| context.dns.ask(Ask::new(question)))).await;
    let mut names: Vec<DomainName> = present.iter().flat_map(|reply| ptr::names(reply)).collect();
    names.extend(plan.domains.iter().flat_map(|domain| plan.planned_hosts(domain)));
    names.push(plan.hostname.clone());
    for address in context.addresses() {
        names.push(address.ptr.clone());
        names.extend(DomainName::parse(&address.helo).ok().filter(DomainName::is_host_name));
    }
    names.sort();
    names.dedup();
    names
}

/// Whether the name goes with the old server: it is in no part of the plan that speaks of the new one.
fn is_old_only(plan: &Plan, name: &DomainName) -> bool {
    let planned = plan.domains.iter().flat_map(|domain| plan.planned_hosts(domain)).any(|host| host == *name);
    let is_of_new =
        |address: &Address| address.ptr == *name || DomainName::parse(&address.helo).is_ok_and(|helo| helo == *name);
    !planned && plan.hostname != *name && !plan.new.iter().any(is_of_new)
}

async fn ask_name(context: &Context, old: &[IpAddr], name: &DomainName) -> Vec<Statement> {
    let tlsa = async {
        if is_old_only(&context.plan, name) {
            published(context, format!("_25._tcp.{name}"), RecordType::TLSA).await
        } else {
            None
        }
    };
    match futures::join!(lead(context, name.as_str()), tlsa) {
        (Some(lead), tlsa) => judge_name(old, name, &lead, tlsa.as_ref()),
        (None, _) => Vec::new(),
    }
}

fn judge_name(old: &[IpAddr], name: &DomainName, lead: &Lead, tlsa: Option<&Arc<Reply>>) -> Vec<Statement> {
    let subject = Subject::Name(name.to_string());
    let left = lead.among(old);
    let args = Args::none().and("name", name).with("ip", Value::list(old));
    let mut said = Vec::new();
    if !left.is_empty() {
        let args = args.clone().with("ip", Value::list(&left));
        said.push(Statement::outcome(&ADDRESS, subject.clone()).args(args).evidence(lead.evidence()));
    } else if let Some(reply) = lead.failed() {
        let args = args.clone().with("why", reply.why());
        said.push(Statement::outcome(&UNANSWERED, subject.clone()).args(args).evidence(lead.evidence()));
    }
    match tlsa {
        Some(reply) if reply.answer == Answer::Data => {
            said.push(Statement::outcome(&TLSA, subject.clone()).args(args.clone()).evidence([reply.observation]));
        }
        Some(reply) if !reply.is_definite() => {
            let args = args.clone().with("why", reply.why());
            let statement = Statement::outcome(&UNANSWERED, subject.clone()).about("TLSA");
            said.push(statement.args(args).evidence([reply.observation]));
        }
        _ => {}
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).args(args).evidence(lead.evidence()));
    }
    said
}

/// The PTR record of an address that is given up; any name of the operator's in it is one too many.
fn judge_ptr(plan: &Plan, address: &Address, reply: &Reply) -> Statement {
    let ours: Vec<DomainName> =
        plan.domains.iter().chain([&plan.hostname]).filter_map(DomainName::registrable).collect();
    let is_ours =
        |name: &DomainName| *name == address.ptr || name.registrable().is_some_and(|domain| ours.contains(&domain));
    let left: Vec<DomainName> = ptr::names(reply).into_iter().filter(is_ours).collect();
    let args = Args::none().and("ip", address.ip).and("name", &address.ptr);
    if !left.is_empty() {
        Statement::outcome(&PTR, subject_of(address)).args(args.with("name", Value::list(&left)))
    } else if reply.is_definite() {
        Statement::passed(subject_of(address)).args(args)
    } else {
        Statement::outcome(&UNANSWERED, subject_of(address)).args(args.with("why", reply.why()))
    }
    .evidence([reply.observation])
}
