//! Wildcards: does a name that nobody registered exist all the same?

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::{Answer, Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dns-wildcard",
        title: Text {
            en: "Only registered names exist below each domain",
            ja: "ドメインの下には登録した名前だけが存在する",
        },
        short: Text { en: "wildcard", ja: "ワイルドカード" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Under a wildcard every name exists: a misspelt MX host or a forgotten record looks published and leads elsewhere.",
            ja: "ワイルドカードがあるとあらゆる名前が存在してしまい、綴りを間違えた MX ホストや登録し忘れたレコードも登録済みに見え、別の宛先に届く。",
        },
        how: Text {
            en: "MX, A and AAAA of a random name below each domain are read: none may exist.",
            ja: "各ドメインの下の無作為な名前について MX、A、AAAA を読む。どれも存在しないのが正しい。",
        },
        by_hand: "dig +short {name} MX {name} A {name} AAAA",
        references: &[Reference {
            title: "RFC 4592, section 2.2",
            url: "https://www.rfc-editor.org/rfc/rfc4592#section-2.2",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&WILDCARD, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static WILDCARD: Outcome = Outcome {
    tag: "dns-wildcard",
    levels: Levels::NOTE,
    says: Text {
        en: "every name below {domain} has {rtypes}: a wildcard hides records that are missing",
        ja: "{domain} の下ではどの名前にも {rtypes} がある。ワイルドカードのため、レコードの不足に気付けない",
    },
    remedy: Text {
        en: "Replace the wildcard below {domain} by the names that are needed, or compare each name's records with the plan by eye.",
        ja: "{domain} のワイルドカードを必要な名前だけの登録に置き換えるか、各名前のレコードを計画と目で照らし合わせる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-wildcard-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether there is a wildcard below {domain} is not known: {why}",
        ja: "{domain} の下にワイルドカードがあるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {domain} answer.",
        ja: "再実行する。変わらなければ {domain} のネームサーバーが応答するか調べる。",
    },
};

const TOO_LONG: Text =
    Text { en: "no name fits below this domain", ja: "このドメインの下には名前を置く余地がない" };
const TYPES: [RecordType; 3] = [RecordType::MX, RecordType::A, RecordType::AAAA];

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.plan.domains.iter().map(|domain| ask_one(context, domain))).await
}

async fn ask_one(context: &Context, domain: &DomainName) -> Statement {
    let subject = Subject::Name(domain.to_string());
    let name = format!("{}.{domain}", context.unused_label());
    let questions: Vec<Question> = TYPES.iter().filter_map(|rtype| Question::new(&name, *rtype).ok()).collect();
    if questions.len() < TYPES.len() {
        return Statement::not_applicable(subject, TOO_LONG);
    }
    let replies = join_all(questions.into_iter().map(|question| context.published(question))).await;
    let args = Args::none().and("name", &name).and("domain", domain);
    // An alias exists, wherever it leads.
    let exists = |reply: &&std::sync::Arc<Reply>| reply.answer == Answer::Data || !reply.chain.is_empty();
    let found: Vec<RecordType> = replies.iter().filter(exists).map(|reply| reply.question.rtype).collect();
    let statement = if !found.is_empty() {
        Statement::outcome(&WILDCARD, subject).args(args.with("rtypes", Value::list(found)))
    } else if let Some(silent) = replies.iter().find(|reply| !reply.is_definite()) {
        Statement::outcome(&UNANSWERED, subject).args(args.with("why", silent.why()))
    } else {
        Statement::passed(subject)
    };
    statement.evidence(replies.iter().map(|reply| reply.observation))
}
