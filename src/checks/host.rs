//! The addresses of the planned host name.

use std::net::IpAddr;

use futures::FutureExt;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::{Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "host",
        title: Text {
            en: "The host name leads to the planned addresses only",
            ja: "ホスト名の正引きが計画のアドレスだけである",
        },
        short: Text { en: "host name", ja: "ホスト名" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An AAAA record that nobody planned makes partners connect over IPv6 to a machine that does not expect them, and makes the server itself send over IPv6 without a PTR.",
            ja: "計画にない AAAA があると、取引先は想定外のマシンに IPv6 で接続し、サーバー自身も PTR のない IPv6 で送信してしまう。",
        },
        how: Text {
            en: "A and AAAA of the plan's host name are read. Before the cutover they may lead to the old and the new addresses; after it they must lead to every new address that receives.",
            ja: "計画の hostname の A と AAAA を読む。切り替え前は新旧どちらのアドレスでもよい。切り替え後は、受信する新アドレスをすべて含まなければならない。",
        },
        by_hand: "dig +short {name} A {name} AAAA",
        references: &[Reference {
            title: "RFC 5321, section 5.1",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&MISSING, &NOT_NEW, &STRAY, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static MISSING: Outcome = Outcome {
    tag: "host-missing",
    levels: Levels::BLOCKER,
    says: Text { en: "{name} has neither A nor AAAA", ja: "{name} に A も AAAA もない" },
    remedy: Text {
        en: "Publish the addresses of the server at {name}.",
        ja: "{name} にサーバーのアドレスを登録する。",
    },
};

static NOT_NEW: Outcome = Outcome {
    tag: "host-not-new",
    levels: Levels { before: Level::Note, after: Level::Blocker, old: Level::Note },
    says: Text {
        en: "{name} does not lead to {missing}, which should receive",
        ja: "{name} の正引きに、受信するはずの {missing} がない",
    },
    remedy: Text {
        en: "Lead {name} to {missing} from the cutover on; it leads to {found} now.",
        ja: "切り替え以降、{name} の正引きを {missing} にする (現在は {found})。",
    },
};

static STRAY: Outcome = Outcome {
    tag: "host-stray",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} leads to {found}, which the plan does not know",
        ja: "{name} の正引きに、計画にない {found} がある",
    },
    remedy: Text {
        en: "Take {found} out of {name}, or put it into the plan so that it is checked.",
        ja: "{name} から {found} を外すか、計画に加えて検査の対象にする。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "host-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the addresses of {name} could not be read: {why}", ja: "{name} のアドレスを読めない: {why}"
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let name = context.plan.hostname.as_str();
    let (Ok(a), Ok(aaaa)) = (Question::new(name, RecordType::A), Question::new(name, RecordType::AAAA)) else {
        return Vec::new();
    };
    let (a, aaaa) = futures::join!(context.published(a), context.published(aaaa));
    judge(context, &a, &aaaa)
}

fn judge(context: &Context, a: &Reply, aaaa: &Reply) -> Vec<Statement> {
    let plan = &context.plan;
    let subject = Subject::Name(plan.hostname.to_string());
    let found = [a.addresses(), aaaa.addresses()].concat();
    let args = Args::none().and("name", &plan.hostname).with("found", listed(&found));
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence([a.observation, aaaa.observation])
    };
    let mut said: Vec<Statement> = [a, aaaa]
        .iter()
        .filter(|reply| !reply.is_definite())
        .map(|reply| say(&UNANSWERED, args.clone().with("why", reply.why())).about(reply.question.rtype.to_string()))
        .collect();
    if said.is_empty() && found.is_empty() {
        return vec![say(&MISSING, args)];
    }
    let stray: Vec<IpAddr> =
        found.iter().copied().filter(|ip| !context.addresses().any(|address| address.ip == *ip)).collect();
    if !stray.is_empty() {
        said.push(say(&STRAY, args.clone().with("found", listed(&stray))));
    }
    let missing: Vec<IpAddr> = plan
        .new
        .iter()
        .filter(|address| address.receives && address.ptr == plan.hostname && !found.contains(&address.ip))
        .map(|address| address.ip)
        .collect();
    if !missing.is_empty()
        && said.iter().all(|statement| statement.named().is_some_and(|outcome| outcome.tag != UNANSWERED.tag))
    {
        said.push(say(&NOT_NEW, args.with("missing", listed(&missing))));
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).evidence([a.observation, aaaa.observation]));
    }
    said
}

fn listed(addresses: &[IpAddr]) -> Value {
    match addresses {
        [] => Value::both("no address", "アドレスなし"),
        _ => Value::list(addresses),
    }
}
