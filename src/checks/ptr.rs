//! The PTR record of each sending address.

use std::net::IpAddr;

use futures::FutureExt;
use futures::future::join_all;

use super::net_asn::{Origin, origin};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Text, Value, visible};
use crate::plan::Address;
use crate::probe::{Answer, Ask, Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "ptr",
        title: Text {
            en: "Each sending address has the planned name",
            ja: "送信元アドレスごとに、計画どおりの逆引き名がある",
        },
        short: Text { en: "PTR", ja: "逆引き (PTR)" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Gmail, Outlook.com, Yahoo and most other receivers refuse or defer mail from an address without reverse DNS.",
            ja: "Gmail、Outlook.com、Yahoo をはじめ多くの受信側は、逆引きのないアドレスからのメールを拒否または保留する。",
        },
        how: Text {
            en: "The PTR RRset of every address that sends is read, followed through a CNAME if there is one, and compared with the name in the plan, without regard to case or a trailing dot.",
            ja: "送信するアドレスごとに PTR レコードを読み (CNAME があればたどり)、大文字小文字と末尾のドットを無視して計画の名前と比べる。",
        },
        by_hand: "dig +short -x {ip}",
        references: &[
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
            Reference {
                title: "Outlook.com: policies",
                url: "https://substrate.office.com/ip-domain-management-snds/Postmaster/Policies",
            },
            Reference { title: "RFC 1912, section 2.1", url: "https://www.rfc-editor.org/rfc/rfc1912#section-2.1" },
            Reference {
                title: "RFC 2317: classless IN-ADDR.ARPA delegation",
                url: "https://www.rfc-editor.org/rfc/rfc2317",
            },
            Reference { title: "RFC 2181, section 10.2", url: "https://www.rfc-editor.org/rfc/rfc2181#section-10.2" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&MISSING, &EXPECTED, &MULTIPLE, &CNAME, &CNAME_BROKEN, &IPV6_LIMIT, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static MISSING: Outcome = Outcome {
    tag: "ptr-missing",
    levels: Levels::BLOCKER,
    says: Text { en: "{ip} has no PTR record", ja: "{ip} に PTR レコードがない" },
    remedy: Text { en: "Set it to {expected} ({howto}).", ja: "{expected} を設定する ({howto})。" },
};

static EXPECTED: Outcome = Outcome {
    tag: "ptr-expected",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the PTR record of {ip} says {name}, the plan says {expected}",
        ja: "{ip} の PTR レコードは {name}、計画では {expected}",
    },
    remedy: Text {
        en: "Change one of the two, so that PTR, HELO and forward DNS carry the same name ({howto}).",
        ja: "どちらかを直し、PTR、HELO、正引きを同じ名前にそろえる ({howto})。",
    },
};

static MULTIPLE: Outcome = Outcome {
    tag: "ptr-multiple",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} has {count} PTR records: {names}", ja: "{ip} に PTR レコードが {count} 個ある: {names}"
    },
    remedy: Text {
        en: "Keep {expected} only: strict receivers want every one of them to lead back.",
        ja: "{expected} だけを残す。厳格な受信側は、すべての名前が元のアドレスに戻ることを求める。",
    },
};

static CNAME: Outcome = Outcome {
    tag: "ptr-cname",
    levels: Levels::NOTE,
    says: Text {
        en: "the reverse name of {ip} is an alias for {names} (classless delegation)",
        ja: "{ip} の逆引き名は {names} への別名である (クラスレス委任)",
    },
    remedy: Text {
        en: "Leave it: this is how RFC 2317 delegates.", ja: "そのままでよい。RFC 2317 の委任方法である。"
    },
};

static CNAME_BROKEN: Outcome = Outcome {
    tag: "ptr-cname-broken",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the reverse name of {ip} is an alias for {names}, and there is no PTR record there",
        ja: "{ip} の逆引き名は {names} への別名だが、その先に PTR レコードがない",
    },
    remedy: Text {
        en: "Have whoever serves the zone of {names} add the PTR record, or have the provider take the alias away.",
        ja: "{names} のゾーンの管理者に PTR レコードの追加を頼むか、事業者に別名を消してもらう。",
    },
};

static IPV6_LIMIT: Outcome = Outcome {
    tag: "ptr-ipv6-limit",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} sends, and its provider {provider} offers no PTR records for IPv6",
        ja: "{ip} から送信する計画だが、事業者 {provider} は IPv6 の PTR レコードに対応していない",
    },
    remedy: Text {
        en: "Send over IPv4 only: write sends = false at this address, and bind the MTA to IPv4.",
        ja: "IPv4 だけで送信する。このアドレスに sends = false と書き、MTA の送信を IPv4 に限る。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "ptr-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} has a PTR record is not known: {why}",
        ja: "{ip} に PTR レコードがあるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again, from another resolver if it stays so; receivers that get no answer defer the mail.",
        ja: "再実行する。変わらなければ別のリゾルバーから問い合わせる。応答を得られない受信側はメールを保留する。",
    },
};

/// So many names of an address are looked at.
pub(super) const MOST_NAMES: usize = 8;

/// Why not all names of a PTR reply are known, if it holds more than are looked at.
pub(super) fn too_many(reply: &Reply) -> Option<Value> {
    let count = reply.names().len();
    (count > MOST_NAMES).then(|| {
        Value::both(
            format!("of its {count} names only {MOST_NAMES} are looked at"),
            format!("{count} 個の名前のうち {MOST_NAMES} 個しか調べていない"),
        )
    })
}

/// The PTR reply for `ip`; every check that asks gets the same one.
pub(super) async fn lookup(context: &Context, ip: IpAddr) -> std::sync::Arc<Reply> {
    context.dns.ask(Ask::new(Question::ptr(ip))).await
}

/// The names a PTR reply holds; what is no domain name is left out.
pub(super) fn names(reply: &Reply) -> Vec<DomainName> {
    reply.names().iter().filter_map(|name| DomainName::parse(&name.to_ascii()).ok()).collect()
}

async fn ask(context: &Context) -> Vec<Statement> {
    let each = context.addresses().map(|address| async move {
        if !address.sends {
            return vec![Statement::not_applicable(subject_of(address), DOES_NOT_SEND)];
        }
        let (reply, origin) = futures::join!(lookup(context, address.ip), origin(context, address));
        judge(address, &reply, &origin)
    });
    join_all(each).await.concat()
}

fn judge(address: &Address, reply: &Reply, origin: &Origin) -> Vec<Statement> {
    let subject = subject_of(address);
    let raw: Vec<String> = reply.names().iter().map(|name| visible(name.to_ascii().trim_end_matches('.'))).collect();
    let args = args(address, origin).and("count", raw.len());
    let say =
        |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence([reply.observation]);
    let mut said = Vec::new();
    if let Some(provider) = origin.provider
        && address.ip.is_ipv6()
        && !provider.ptr.ipv6
    {
        said.push(say(&IPV6_LIMIT, args.clone().and("provider", &provider.name)));
    }
    let chain: Vec<String> = reply.chain.iter().map(|name| name.to_ascii().trim_end_matches('.').to_owned()).collect();
    match reply.answer {
        Answer::NoData | Answer::NxDomain if !chain.is_empty() => {
            said.push(say(&CNAME_BROKEN, args.with("names", Value::list(&chain))));
        }
        Answer::NoData | Answer::NxDomain => said.push(say(&MISSING, args)),
        Answer::Data => {
            if !chain.is_empty() {
                said.push(say(&CNAME, args.clone().with("names", Value::list(&chain))));
            }
            if raw.len() > 1 {
                said.push(say(&MULTIPLE, args.clone().with("names", Value::list(&raw))));
            }
            if names(reply).contains(&address.ptr) {
                said.push(Statement::passed(subject.clone()).evidence([reply.observation]));
            } else {
                said.push(say(&EXPECTED, args.with("name", Value::list(&raw))));
            }
        }
        _ => said.push(say(&UNANSWERED, args.with("why", reply.why()))),
    }
    said
}

fn args(address: &Address, origin: &Origin) -> Args {
    let howto = origin.provider.map_or_else(
        || {
            Value::both(
                "where the address was rented, there is a page or a form for reverse DNS",
                "アドレスの提供元に、逆引きを設定する画面または申請がある",
            )
        },
        |provider| provider.ptr.how.clone(),
    );
    address_args(address).and("expected", &address.ptr).with("howto", howto)
}
