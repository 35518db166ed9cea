//! The way back: from the PTR name to the address.

use std::net::IpAddr;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::client_names::lead;
use super::ptr::{MOST_NAMES, lookup, names, too_many};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{
    Card, DomainName, Levels, Needs, ObservationId, Outcome, Phase, Reference, Side, Statement, Text, Value,
};
use crate::plan::Address;
use crate::probe::{Answer, Question};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "ptr-forward",
        title: Text {
            en: "Each sending address has a name that leads back to it",
            ja: "送信元アドレスの逆引き名を正引きすると元のアドレスに戻る",
        },
        short: Text { en: "PTR and back", ja: "逆引きと正引き" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers look up the PTR name again (FCrDNS, `iprev` in RFC 8601): a name that does not lead back counts as none.",
            ja: "受信側は逆引き名をもう一度正引きする (FCrDNS、RFC 8601 の iprev)。元のアドレスに戻らない名前は、ないものと見なされる。",
        },
        how: Text {
            en: "For every name in the PTR RRset, at most eight, A (for IPv4) or AAAA (for IPv6) is read and must contain the address itself.",
            ja: "PTR の名前ごとに (最大 8 個)、IPv4 なら A、IPv6 なら AAAA を読む。そこに元のアドレスが含まれていなければならない。",
        },
        by_hand: "dig +short {name} {rtype}",
        references: &[
            Reference { title: "RFC 8601, section 3 (iprev)", url: "https://www.rfc-editor.org/rfc/rfc8601#section-3" },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
            Reference { title: "Yahoo: sender best practices", url: "https://senders.yahooinc.com/best-practices/" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&FORWARD, &SOME, &CHANGES, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static FORWARD: Outcome = Outcome {
    tag: "ptr-forward",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} is called {name}, and {name} leads to {found} instead",
        ja: "{ip} の逆引き名は {name} だが、{name} の正引きは {found} である",
    },
    remedy: Text {
        en: "Add {rtype} {ip} to {name}, beside what stands there now; many providers ask for it before they set the PTR.",
        ja: "{name} に {rtype} {ip} を追加する (既存の値は残す)。PTR の設定前にこれを求める事業者も多い。",
    },
};

static SOME: Outcome = Outcome {
    tag: "ptr-multiple-forward",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} has several PTR names, and {name} does not lead back: it leads to {found}",
        ja: "{ip} の逆引き名は複数あり、そのうち {name} は元のアドレスに戻らない (正引きは {found})",
    },
    remedy: Text {
        en: "Take {name} out of the PTR RRset, or add {rtype} {ip} to it: receivers pick one of the names at random.",
        ja: "{name} を PTR から外すか、{rtype} {ip} を追加する。受信側がどの名前を使うかは決まっていない。",
    },
};

static CHANGES: Outcome = Outcome {
    tag: "ptr-forward-changes",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} is called {name}, which leads to {found} until the cutover, and back to {ip} only from then on",
        ja: "{ip} の逆引き名 {name} の正引きは切り替えまで {found} であり、{ip} に戻るのは切り替え後になる",
    },
    remedy: Text {
        en: "Give {name} {rtype} {ip} at the cutover, in place of the addresses that are given up, and let the new server send nothing before. Both side by side would draw mail to the new server too early.",
        ja: "切り替え時に {name} に {rtype} {ip} を登録し、手放すアドレスを外す。それまで新サーバーからは送信しない。切り替え前に併記すると、メールの一部が新サーバーに届いてしまう。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "ptr-forward-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} leads back to {ip} is not known: {why}",
        ja: "{name} が {ip} に戻るか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

/// The name has gone over to the new server.
pub(super) const HANDED_OVER: Text = Text {
    en: "the name is the new server's since the cutover",
    ja: "この名前は切り替えで新サーバーのものになった",
};

const NO_PTR: Text = Text { en: "there is no PTR name to look up", ja: "正引きすべき逆引き名がない" };

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.addresses().map(|address| ask_one(context, address))).await.concat()
}

async fn ask_one(context: &Context, address: &Address) -> Vec<Statement> {
    let subject = subject_of(address);
    if !address.sends {
        return vec![Statement::not_applicable(subject, DOES_NOT_SEND)];
    }
    let rtype = if address.ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    let args = address_args(address).and("rtype", rtype);
    let reply = lookup(context, address.ip).await;
    let names = match reply.answer {
        Answer::Data => names(&reply),
        Answer::NoData | Answer::NxDomain => return vec![Statement::not_applicable(subject, NO_PTR)],
        _ => {
            let args = args.and("name", Question::ptr(address.ip).name).with("why", reply.why());
            return vec![Statement::outcome(&UNANSWERED, subject).args(args).evidence([reply.observation])];
        }
    };
    let several = names.len() > 1;
    let told = join_all(names.iter().take(MOST_NAMES).map(|name| {
        let args = args.clone().and("name", name);
        let subject = subject.clone();
        let ptr = reply.observation;
        async move {
            let Some(question) = question(name, rtype) else {
                return Err(Statement::outcome(&FORWARD, subject).args(args.with("found", nothing())).evidence([ptr]));
            };
            let forward = context.published(question).await;
            let evidence = [ptr, forward.observation];
            if forward.addresses().contains(&address.ip) {
                return Ok(evidence);
            }
            if let Some(found) = handed_over(context, address, name).await {
                let statement = match context.phase {
                    Phase::Before => Statement::outcome(&CHANGES, subject).args(args.with("found", Value::list(found))),
                    Phase::After => Statement::not_applicable(subject, HANDED_OVER),
                };
                return Err(statement.about(name.as_str()).evidence(evidence));
            }
            let statement = if forward.is_definite() {
                let found = if forward.addresses().is_empty() { nothing() } else { Value::list(forward.addresses()) };
                let outcome = if several { &SOME } else { &FORWARD };
                Statement::outcome(outcome, subject).args(args.with("found", found))
            } else {
                Statement::outcome(&UNANSWERED, subject).args(args.with("why", forward.why()))
            };
            Err(statement.about(name.as_str()).evidence(evidence))
        }
    }))
    .await;
    let evidence: Vec<ObservationId> = told.iter().filter_map(|told| told.as_ref().ok()).flatten().copied().collect();
    let mut said: Vec<Statement> = told.into_iter().filter_map(Result::err).collect();
    said.extend(too_many(&reply).map(|why| {
        let args = args.clone().and("name", Question::ptr(address.ip).name).with("why", why);
        Statement::outcome(&UNANSWERED, subject.clone()).args(args).evidence([reply.observation])
    }));
    if said.is_empty() {
        // A PTR RRset of nothing but impossible names is judged by `ptr`, and leads nowhere.
        said.push(match names.is_empty() {
            true => Statement::outcome(&FORWARD, subject).args(args.and("name", "?").with("found", nothing())),
            false => Statement::passed(subject).evidence(evidence),
        });
    }
    said
}

/// Where `name` leads, if it is a mail host that goes from the old server to the new one: before the cutover it has an old address
/// and must not have the new one yet, after it the other way round.
pub(super) async fn handed_over(context: &Context, address: &Address, name: &DomainName) -> Option<Vec<IpAddr>> {
    let plan = &context.plan;
    let new: Vec<IpAddr> = plan.new.iter().map(|address| address.ip).collect();
    let holders = match (context.phase, address.side) {
        (Phase::Before, Side::New) => plan.given_up(),
        (Phase::After, Side::Old) => new,
        _ => return None,
    };
    let is_planned =
        *name == plan.hostname || plan.domains.iter().any(|domain| plan.planned_hosts(domain).contains(name));
    if !is_planned {
        return None;
    }
    let lead = lead(context, name.as_str()).await.filter(|lead| lead.failed().is_none())?;
    let known: Vec<IpAddr> = context.addresses().map(|address| address.ip).collect();
    (!lead.among(&holders).is_empty() && lead.only_among(&known)).then(|| lead.addresses())
}

fn question(name: &DomainName, rtype: RecordType) -> Option<Question> {
    Question::new(name.as_str(), rtype).ok()
}

fn nothing() -> Value {
    Value::both("no address", "アドレスなし")
}
