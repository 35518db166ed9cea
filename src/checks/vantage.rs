//! The place the run asks from: whose answers are these?

use std::net::SocketAddr;

use futures::FutureExt;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::plan::Resolver;
use crate::probe::{Answer, Ask, Question, Reply, is_public_resolver};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "vantage",
        title: Text {
            en: "The resolver that answered tells the truth and is not a public one",
            ja: "応答したリゾルバーは応答を書き換えず、公開リゾルバーでもない",
        },
        short: Text { en: "resolver", ja: "リゾルバー" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Blocklists refuse public resolvers and many cloud networks, and some providers answer names that do not exist; through either, a listed address can look clean.",
            ja: "ブロックリストの多くは公開リゾルバーやクラウドからの問い合わせを拒否する。存在しない名前に偽の応答を返す事業者もある。そのどちらを通しても、登録済みのアドレスが未登録に見えることがある。",
        },
        how: Text {
            en: "The addresses of the configured resolvers are compared with the well-known public ones. A random name that exists nowhere is asked: only NXDOMAIN is right.",
            ja: "設定されたリゾルバーのアドレスを既知の公開リゾルバーと照らす。どこにも存在しない無作為な名前を問い合わせ、NXDOMAIN だけを正しい応答とする。",
        },
        by_hand: "dig {name} A",
        references: &[
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
            Reference { title: "RFC 5782, section 5", url: "https://www.rfc-editor.org/rfc/rfc5782#section-5" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&PUBLIC, &REWRITES, &SILENT],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static PUBLIC: Outcome = Outcome {
    tag: "plan-vantage",
    levels: Levels::WARNING,
    says: Text {
        en: "the run asked the public resolver {server} ({operator}), which many blocklists refuse to answer",
        ja: "公開リゾルバー {server} ({operator}) に問い合わせている。多くのブロックリストはこれに応答しない",
    },
    remedy: Text {
        en: "Ask through a recursive resolver of your own, or write resolver = \"direct\" under [dns].",
        ja: "自前の再帰リゾルバーを使うか、[dns] に resolver = \"direct\" と書く。",
    },
};

static REWRITES: Outcome = Outcome {
    tag: "vantage-rewrites",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the resolver answers {answer} for {name}, a name that does not exist: absence proves nothing here",
        ja: "リゾルバーが、存在しない名前 {name} に {answer} と応答する。「登録なし」という応答を信用できない",
    },
    remedy: Text {
        en: "Ask through a resolver that does not rewrite NXDOMAIN, or write resolver = \"direct\" under [dns].",
        ja: "NXDOMAIN を書き換えないリゾルバーを使うか、[dns] に resolver = \"direct\" と書く。",
    },
};

static SILENT: Outcome = Outcome {
    tag: "vantage-silent",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether the resolver rewrites answers is not known: {why} ({name})",
        ja: "リゾルバーが応答を書き換えるかどうか確認できない: {why} ({name})",
    },
    remedy: Text {
        en: "Check that the resolver works from here: any name that exists should be answered by hand.",
        ja: "ここからリゾルバーが使えるか、実在する名前を手作業で問い合わせて確かめる。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let Some(name) = context.consultant.nonexistent() else {
        return Vec::new();
    };
    let Ok(question) = Question::new(name.as_str(), RecordType::A) else {
        return Vec::new();
    };
    let reply = context.dns.ask(Ask::new(question)).await;
    let mut said = vec![judge(name.as_str(), &reply)];
    if context.plan.dns.resolver != Resolver::Direct && !context.lists.is_empty() {
        said.extend(judge_servers(name.as_str(), &context.dns.resolver_addresses()));
    }
    said
}

/// One statement for each resolver that is open to everybody.
fn judge_servers(name: &str, servers: &[SocketAddr]) -> Vec<Statement> {
    let public = |server: &SocketAddr| {
        let args =
            Args::none().and("server", server.ip()).and("operator", is_public_resolver(server.ip())?).and("name", name);
        Some(Statement::outcome(&PUBLIC, Subject::Run).about(server.ip().to_string()).args(args))
    };
    servers.iter().filter_map(public).collect()
}

fn judge(name: &str, reply: &Reply) -> Statement {
    let args = Args::none().and("name", name);
    match reply.answer {
        Answer::NxDomain => Statement::passed(Subject::Run),
        Answer::Data | Answer::NoData => {
            let answer = match reply.addresses().as_slice() {
                [] => Value::both("NOERROR", "NOERROR"),
                addresses => Value::list(addresses),
            };
            Statement::outcome(&REWRITES, Subject::Run).args(args.with("answer", answer))
        }
        _ => Statement::outcome(&SILENT, Subject::Run).args(args.with("why", reply.why())),
    }
    .evidence([reply.observation])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a run through a public resolver, which lists refuse, would not say so.
    #[test]
    fn public_resolvers_are_named() {
        let servers = ["8.8.8.8:53", "127.0.0.1:53", "[2606:4700:4700::1111]:53"].map(|server| server.parse().unwrap());
        let said = judge_servers("x.example", &servers);
        let named: Vec<_> =
            said.iter().map(|statement| (statement.named().unwrap().tag, statement.about.clone())).collect();
        let tag = "plan-vantage";
        assert_eq!(named, [(tag, Some("8.8.8.8".to_owned())), (tag, Some("2606:4700:4700::1111".to_owned()))]);
    }
}
