//! The HELO name in the DNS: does it exist, is it ours, does it agree with the PTR?

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::ptr::{lookup, names};
use super::ptr_forward::{HANDED_OVER, handed_over};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Text, Value};
use crate::plan::Address;
use crate::probe::{Answer, Question, plain};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "helo-dns",
        title: Text {
            en: "Each HELO name leads to its server", ja: "HELO 名の正引きがそのサーバーに行き着く"
        },
        short: Text { en: "HELO in DNS", ja: "HELO の DNS" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Postfix's reject_unknown_helo_hostname and its likes refuse a name that does not resolve; GMX and others want PTR and HELO to be one name.",
            ja: "Postfix の reject_unknown_helo_hostname などは、解決できない名前を拒否する。GMX などは PTR と HELO が同じ名前であることを求める。",
        },
        how: Text {
            en: "A and AAAA of the HELO name are read: one must exist, and one should be the sending address. The name is compared with the PTR.",
            ja: "HELO 名の A と AAAA を読む。どちらかが存在しなければならず、送信元アドレスを含むことが望ましい。名前を PTR と比べる。",
        },
        by_hand: "dig +short {helo} A {helo} AAAA",
        references: &[
            Reference { title: "RFC 5321, section 4.1.4", url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.4" },
            Reference { title: "RFC 7208, section 2.3", url: "https://www.rfc-editor.org/rfc/rfc7208#section-2.3" },
            Reference { title: "GMX: email policy", url: "https://postmaster.gmx.com/en/email-policy" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&RESOLVES, &FAMILY, &IP, &PTR, &CNAME, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static RESOLVES: Outcome = Outcome {
    tag: "helo-resolves",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{helo}, the HELO name of {ip}, has no address", ja: "{ip} の HELO 名 {helo} にアドレスがない"
    },
    remedy: Text { en: "Publish {rtype} {ip} at {helo}.", ja: "{helo} に {rtype} {ip} を登録する。" },
};

static FAMILY: Outcome = Outcome {
    tag: "helo-family",
    levels: Levels::WARNING,
    says: Text {
        en: "{helo}, the HELO name of {ip}, has addresses of the other family only: {found}",
        ja: "{ip} の HELO 名 {helo} には、もう一方の IP バージョンのアドレスしかない: {found}",
    },
    remedy: Text { en: "Publish {rtype} {ip} at {helo} too.", ja: "{helo} に {rtype} {ip} も登録する。" },
};

static IP: Outcome = Outcome {
    tag: "helo-ip",
    levels: Levels::WARNING,
    says: Text {
        en: "{helo}, the HELO name of {ip}, leads to {found}",
        ja: "{ip} の HELO 名 {helo} の正引きは {found} である",
    },
    remedy: Text {
        en: "Add {rtype} {ip} to {helo}, or say another name.",
        ja: "{helo} に {rtype} {ip} を追加するか、名乗る名前を変える。",
    },
};

static PTR: Outcome = Outcome {
    tag: "helo-ptr",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} says HELO {helo}, and its PTR record says {names}",
        ja: "{ip} の HELO 名は {helo} だが、PTR は {names} である",
    },
    remedy: Text { en: "Give PTR and HELO the same name.", ja: "PTR と HELO を同じ名前にする。" },
};

static CNAME: Outcome = Outcome {
    tag: "helo-cname",
    levels: Levels::WARNING,
    says: Text {
        en: "{helo}, the HELO name of {ip}, is an alias for {names}",
        ja: "{ip} の HELO 名 {helo} は {names} への別名である",
    },
    remedy: Text { en: "Publish A and AAAA at {helo} itself.", ja: "{helo} 自体に A と AAAA を登録する。" },
};

static UNANSWERED: Outcome = Outcome {
    tag: "helo-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {helo}, the HELO name of {ip}, has an address is not known: {why}",
        ja: "{ip} の HELO 名 {helo} にアドレスがあるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {helo} answer.",
        ja: "再実行する。変わらなければ {helo} のネームサーバーが応答するか調べる。",
    },
};

const CHANGES: Text = Text {
    en: "the name is the old server's until the cutover",
    ja: "この名前は切り替えまで旧サーバーのものである",
};
const NO_NAME: Text = Text { en: "the HELO is not a host name", ja: "HELO がホスト名ではない" };

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.addresses().map(|address| ask_one(context, address))).await.concat()
}

async fn ask_one(context: &Context, address: &Address) -> Vec<Statement> {
    let subject = subject_of(address);
    if !address.sends {
        return vec![Statement::not_applicable(subject, DOES_NOT_SEND)];
    }
    let name = match DomainName::parse(&address.helo) {
        Ok(name) if name.is_host_name() => name,
        _ => return vec![Statement::not_applicable(subject, NO_NAME)],
    };
    let (Ok(a), Ok(aaaa)) =
        (Question::new(name.as_str(), RecordType::A), Question::new(name.as_str(), RecordType::AAAA))
    else {
        return vec![Statement::not_applicable(subject, NO_NAME)];
    };
    let (own, other) = if address.ip.is_ipv4() { (a, aaaa) } else { (aaaa, a) };
    let (own, other, ptr) =
        futures::join!(context.published(own), context.published(other), lookup(context, address.ip));
    let args = address_args(address).and("helo", &name).and("rtype", own.question.rtype);
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence([own.observation, other.observation])
    };
    let mut said = Vec::new();
    if !own.chain.is_empty() || !other.chain.is_empty() {
        let chain = if own.chain.is_empty() { &other.chain } else { &own.chain };
        let names = Value::list(chain.iter().map(plain));
        said.push(say(&CNAME, args.clone().with("names", names)));
    }
    let found = [own.addresses(), other.addresses()].concat();
    if found.contains(&address.ip) {
        said.push(Statement::passed(subject.clone()).evidence([own.observation]));
    } else if handed_over(context, address, &name).await.is_some() {
        let why = if context.phase == Phase::Before { CHANGES } else { HANDED_OVER };
        said.push(Statement::not_applicable(subject.clone(), why).evidence([own.observation, other.observation]));
    } else if !own.is_definite() {
        said.push(say(&UNANSWERED, args.clone().with("why", own.why())));
    } else if !own.addresses().is_empty() {
        said.push(say(&IP, args.clone().with("found", Value::list(&found))));
    } else if !other.is_definite() {
        said.push(say(&UNANSWERED, args.clone().with("why", other.why())));
    } else if found.is_empty() {
        said.push(say(&RESOLVES, args.clone()));
    } else {
        said.push(say(&FAMILY, args.clone().with("found", Value::list(&found))));
    }
    let reverse = names(&ptr);
    if ptr.answer == Answer::Data && !reverse.contains(&name) {
        said.push(say(&PTR, args.with("names", Value::list(&reverse))).evidence([ptr.observation]));
    }
    said
}
