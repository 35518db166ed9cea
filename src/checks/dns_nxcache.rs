//! Names that are yet to be created: will caches have forgotten that they did not exist?

use std::sync::Arc;

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text};
use crate::probe::{Answer, Ask, Question, Reply, Route};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dns-nxcache",
        title: Text {
            en: "No cache remembers that a planned name is missing",
            ja: "予定の名前が「存在しない」とキャッシュに残らない",
        },
        short: Text { en: "negative cache", ja: "否定キャッシュ" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Caches remember absence too: a name that somebody asked for too early stays missing for that resolver's users, although it has been published since.",
            ja: "キャッシュは「存在しない」という応答も保持する。早すぎる問い合わせがあると、名前を登録した後も、そのリゾルバーの利用者には存在しないままになる。",
        },
        how: Text {
            en: "The zone's own servers are asked for the addresses of the plan's host name and MX hosts. Before the cutover an absence may be cached for the smaller of the SOA's TTL and MINIMUM, which must not reach beyond cutover_at; after it, the resolver must see what the zone's servers say.",
            ja: "計画の hostname と MX ホストのアドレスをゾーンの権威サーバーから読む。切り替え前は、不在の応答がキャッシュされる時間 (SOA の TTL と MINIMUM の小さいほう) が cutover_at を越えないこと、切り替え後は、リゾルバーからも同じものが見えることを確かめる。",
        },
        by_hand: "dig {name} A; dig {name} AAAA",
        references: &[Reference {
            title: "RFC 2308, section 5",
            url: "https://www.rfc-editor.org/rfc/rfc2308#section-5",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&NXCACHE, &STILL, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NXCACHE: Outcome = Outcome {
    tag: "dns-nxcache",
    levels: Levels::WARNING.after(Level::Note),
    says: Text {
        en: "{name} has no address yet, and whoever asks for it now remembers that for up to {ttl} s, beyond the cutover (until {until})",
        ja: "{name} にまだアドレスがない。いま問い合わせた相手には、不在の応答が最長 {ttl} 秒、切り替え後の {until} まで残る",
    },
    remedy: Text {
        en: "Publish {name} now: a name that exists and is not used yet does no harm.",
        ja: "{name} をいま登録する。まだ使わない名前が存在していても害はない。",
    },
};

static STILL: Outcome = Outcome {
    tag: "dns-nxcache-still",
    levels: Levels::WARNING,
    says: Text {
        en: "the resolver still says that {name} has no {rtype} record, although its zone has one: it may say so until {until}",
        ja: "{name} の {rtype} はゾーンに登録済みだが、リゾルバーはまだ「ない」と答える ({until} まで続くことがある)",
    },
    remedy: Text {
        en: "Wait until {until}, or flush {name} in the resolvers that you run.",
        ja: "{until} まで待つか、自分で管理するリゾルバーのキャッシュから {name} を消す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-nxcache-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} exists for everybody is not known: {why}",
        ja: "{name} が誰からも見えるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} and the resolver answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーとリゾルバーが応答するか調べる。",
    },
};

const NOT_PUBLISHED: Text = Text {
    en: "the zone's servers have no address for it either",
    ja: "ゾーンのサーバーにもアドレスがない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let hosts = context.plan.mail_hosts();
    join_all(hosts.iter().map(|host| ask_one(context, host))).await.into_iter().flatten().collect()
}

async fn ask_one(context: &Context, host: &DomainName) -> Option<Statement> {
    let a = Question::new(host, RecordType::A).ok()?;
    let aaaa = Question::new(host, RecordType::AAAA).ok()?;
    if context.phase == Phase::Before {
        let (a, aaaa) = futures::join!(context.published(a), context.published(aaaa));
        return Some(judge_before(context, host, [&a, &aaaa]));
    }
    let from = |question: &Question, route| context.dns.ask(Ask::new(question.clone()).via(route));
    let (a, aaaa, seen_a, seen_aaaa) = futures::join!(
        from(&a, Route::Authority),
        from(&aaaa, Route::Authority),
        from(&a, Route::Resolver),
        from(&aaaa, Route::Resolver)
    );
    Some(judge_after(context, host, [(&a, &seen_a), (&aaaa, &seen_aaaa)]))
}

fn judge_before(context: &Context, host: &DomainName, replies: [&Arc<Reply>; 2]) -> Statement {
    let args = Args::none().and("name", host);
    let subject = Subject::Name(host.to_string());
    let ttl = replies.iter().filter_map(|reply| reply.negative_ttl).max().unwrap_or(0);
    let until = context.now + TimeDelta::seconds(i64::from(ttl));
    let statement = if replies.iter().any(|reply| reply.answer == Answer::Data) {
        Statement::passed(subject)
    } else if let Some(silent) = replies.iter().find(|reply| !reply.is_definite()) {
        Statement::outcome(&UNANSWERED, subject).args(args.with("why", silent.why()))
    } else if until > context.plan.cutover_at {
        let args = args.and("ttl", ttl).and("until", context.clock(until));
        Statement::outcome(&NXCACHE, subject).args(args)
    } else {
        Statement::passed(subject)
    };
    statement.evidence(replies.map(|reply| reply.observation))
}

/// Each pair is what the zone's servers say and what the resolver sees.
fn judge_after(context: &Context, host: &DomainName, pairs: [(&Arc<Reply>, &Arc<Reply>); 2]) -> Statement {
    let args = Args::none().and("name", host);
    let subject = Subject::Name(host.to_string());
    let is_absent = |reply: &Reply| matches!(reply.answer, Answer::NoData | Answer::NxDomain);
    let is_hidden = |(own, seen): &&(&Arc<Reply>, &Arc<Reply>)| own.answer == Answer::Data && is_absent(seen);
    // What the resolver sees needs no word from the zone's servers; what it does not see does.
    let silent = pairs.iter().find_map(|(own, seen)| match seen.answer {
        Answer::Data => None,
        Answer::NoData | Answer::NxDomain => (!own.is_definite()).then_some(*own),
        _ => Some(*seen),
    });
    let statement = if let Some((_, seen)) = pairs.iter().find(is_hidden) {
        let until = context.now + TimeDelta::seconds(i64::from(seen.negative_ttl.unwrap_or(0)));
        Statement::outcome(&STILL, subject)
            .args(args.and("rtype", seen.question.rtype).and("until", context.clock(until)))
    } else if let Some(silent) = silent {
        Statement::outcome(&UNANSWERED, subject).args(args.with("why", silent.why()))
    } else if pairs.iter().all(|(_, seen)| is_absent(seen)) {
        Statement::not_applicable(subject, NOT_PUBLISHED)
    } else {
        Statement::passed(subject)
    };
    statement.evidence(pairs.into_iter().flat_map(|(own, seen)| [own.observation, seen.observation]))
}
