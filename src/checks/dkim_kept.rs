//! The DKIM keys of the old server: mail that they signed is still on its way for a while.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::join_all;

use super::dkim::{absence, key_name, lookup};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::{Answer, Reply};
use crate::records::dkim::{Key, Material};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dkim-kept",
        title: Text {
            en: "The old DKIM keys are still published", ja: "旧サーバーの DKIM の鍵が残っている"
        },
        short: Text { en: "old DKIM keys", ja: "旧 DKIM の鍵" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Queues hold a message for days, and receivers verify it when it arrives: without the key that signed it, the signature fails.",
            ja: "メールはキューに数日とどまることがあり、署名は到着時に検証される。署名に使った鍵がなければ検証に失敗する。",
        },
        how: Text {
            en: "Every selector in [auth] keep_dkim is looked for at every domain of the plan. A week after cutover_at the last message has left the queues, and the key may go.",
            ja: "[auth] keep_dkim のセレクターを計画の各ドメインで探す。cutover_at から 1 週間たてば最後のメールもキューを出ており、鍵を消してよい。",
        },
        by_hand: "dig +short {key} TXT",
        references: &[
            Reference { title: "RFC 6376, section 3.6.1", url: "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1" },
            Reference {
                title: "RFC 5321, section 4.5.4.1",
                url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.4.1",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&KEPT, &GONE, &PARTLY, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static KEPT: Outcome = Outcome {
    tag: "dkim-old-kept",
    levels: Levels::WARNING,
    says: Text {
        en: "{key} has no usable DKIM key any more, and mail signed with the old one may still be on its way: {why}",
        ja: "{key} に使用できる旧 DKIM の鍵がない。旧鍵で署名されたメールがまだ配送中の可能性がある: {why}",
    },
    remedy: Text {
        en: "Publish the old key at {key} again, and leave it there until a week after the cutover; if the old server never signed with it, take it out of keep_dkim.",
        ja: "旧鍵を {key} に登録し直し、切り替えの 1 週間後まで残す。旧サーバーが使っていない鍵なら keep_dkim から外す。",
    },
};

static GONE: Outcome = Outcome {
    tag: "dkim-old-gone",
    levels: Levels::NOTE,
    says: Text {
        en: "{key} has no usable DKIM key any more, more than a week after the cutover: {why}",
        ja: "切り替えから 1 週間以上たち、{key} に使用できる旧 DKIM の鍵はない: {why}",
    },
    remedy: Text { en: "Take the selector out of keep_dkim.", ja: "keep_dkim からこのセレクターを外す。" },
};

static PARTLY: Outcome = Outcome {
    tag: "dkim-old-partly",
    levels: Levels::NOTE,
    says: Text {
        en: "there is no usable old DKIM key at {key}, though the selector has one at {others}: {why}",
        ja: "このセレクターの旧 DKIM の鍵は {others} にあるが、{key} には使えるものがない: {why}",
    },
    remedy: Text {
        en: "Ask whether the old server ever signed with {key}; if it did, publish that key again.",
        ja: "旧サーバーが {key} で署名していたか確認し、していたなら鍵を登録し直す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dkim-old-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether the old DKIM key is still at {key} is not known: {why}",
        ja: "旧 DKIM の鍵が {key} に残っているか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {key} answer.",
        ja: "再実行する。変わらなければ {key} のネームサーバーが応答するか調べる。",
    },
};

const NONE_NAMED: Text = Text {
    en: "the plan names no old DKIM selectors: write keep_dkim = [\"selector\"] under [auth]",
    ja: "計画に旧 DKIM セレクターがない。[auth] に keep_dkim = [\"セレクター\"] と書く",
};

/// So long after the cutover a signed message may still be in a queue: RFC 5321 has senders give up after four or five days.
const IN_QUEUES: TimeDelta = TimeDelta::days(7);

/// One key, and what is published at its name.
struct Found {
    key: String,
    reply: Option<Arc<Reply>>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let auth = &context.plan.auth;
    if auth.keep_dkim.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NONE_NAMED)];
    }
    let mut domains: Vec<&DomainName> =
        context.plan.domains.iter().chain(auth.dkim.iter().map(|(domain, _)| domain)).collect();
    domains.sort();
    domains.dedup();
    let is_over = context.phase == Phase::After && context.now > context.plan.cutover_at + IN_QUEUES;
    let mut selectors: Vec<&String> = auth.keep_dkim.iter().collect();
    selectors.sort();
    selectors.dedup();
    let judged = selectors.into_iter().map(|selector| {
        let found = domains.iter().map(|domain| async {
            let key = key_name(selector, domain);
            Found { reply: lookup(context, &key).await, key }
        });
        async move { judge(&join_all(found).await, is_over) }
    });
    join_all(judged).await.concat()
}

/// One selector at all domains. It need not have signed for each of them: where one has the key, the others are only noted.
fn judge(all: &[Found], is_over: bool) -> Vec<Statement> {
    let (usable, lacking): (Vec<&Found>, Vec<&Found>) = all.iter().partition(|found| found.is_usable());
    let missing = match (usable.is_empty(), is_over) {
        (false, _) => &PARTLY,
        (true, false) => &KEPT,
        (true, true) => &GONE,
    };
    let others = Value::list(usable.iter().map(|found| &found.key));
    let mut said: Vec<Statement> = usable.iter().map(|found| found.about(Statement::passed(found.subject()))).collect();
    said.extend(lacking.into_iter().map(|found| {
        let (outcome, why) = match found.reply.as_deref() {
            Some(reply) if !reply.is_definite() => (&UNANSWERED, reply.why()),
            Some(reply) if reply.answer == Answer::Data => (missing, found.flaw()),
            reply => (missing, absence(reply)),
        };
        let statement = found.about(Statement::outcome(outcome, found.subject()));
        let args = Args::none().and("key", &found.key).with("why", why).with("others", others.clone());
        statement.args(args)
    }));
    said
}

impl Found {
    fn subject(&self) -> Subject {
        Subject::Name(self.key.clone())
    }

    fn about(&self, statement: Statement) -> Statement {
        statement.args(Args::none().and("key", &self.key)).evidence(self.reply.as_ref().map(|reply| reply.observation))
    }

    /// The keys that can be read.
    fn keys(&self) -> Vec<Key> {
        let texts = self.reply.as_ref().map(|reply| reply.texts()).unwrap_or_default();
        texts.iter().filter_map(|text| Key::read(text).ok()).collect()
    }

    fn is_usable(&self) -> bool {
        self.keys().iter().any(|key| key.material != Material::Revoked)
    }

    /// Why a record that is there is of no use.
    fn flaw(&self) -> Value {
        if self.keys().is_empty() {
            Text { en: "the record there cannot be read", ja: "そこにあるレコードを読み取れない" }.into()
        } else {
            Text { en: "the key is revoked (p= is empty)", ja: "鍵が失効している (p= が空)" }.into()
        }
    }
}
