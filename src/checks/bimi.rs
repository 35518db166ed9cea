//! BIMI: a logo beside the sender's name, which is shown only while DMARC stays strict.

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::client_names::published;
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text};
use crate::probe::Reply;
use crate::records::tags::TagList;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "bimi",
        title: Text {
            en: "No logo depends on the DMARC policy", ja: "DMARC ポリシーに依存するロゴ表示がない"
        },
        short: Text { en: "BIMI", ja: "BIMI のロゴ" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers show the logo only while DMARC says quarantine or reject. Whoever relaxes DMARC for the cutover, to be on the safe side, takes the logo away from every message.",
            ja: "受信側がロゴを表示するのは、DMARC が quarantine か reject の間だけである。念のためにと切り替え中に DMARC を緩めると、すべてのメールからロゴが消える。",
        },
        how: Text {
            en: "TXT of default._bimi below every domain is read; a record that begins with v=BIMI1 and names a logo is noted.",
            ja: "各ドメインの default._bimi の TXT を読む。v=BIMI1 で始まり、ロゴを指定するレコードがあれば参考として示す。",
        },
        by_hand: "dig +short default._bimi.{name} TXT",
        references: &[Reference {
            title: "Brand Indicators for Message Identification (draft)",
            url: "https://datatracker.ietf.org/doc/draft-brand-indicators-for-message-identification/",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&USED, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static USED: Outcome = Outcome {
    tag: "bimi",
    levels: Levels::NOTE,
    says: Text {
        en: "{name} has a BIMI logo, which receivers show only while its DMARC policy is quarantine or reject",
        ja: "{name} は BIMI のロゴを登録している。表示されるのは DMARC が quarantine か reject の間だけである",
    },
    remedy: Text {
        en: "Leave the DMARC policy of {name} as it is during the change window.",
        ja: "切り替え作業の間は {name} の DMARC ポリシーを変更しない。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "bimi-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} has a BIMI logo is not known: {why}",
        ja: "{name} に BIMI のロゴがあるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const NONE: Text = Text { en: "the domain has no BIMI record", ja: "BIMI レコードがない" };

async fn ask(context: &Context) -> Vec<Statement> {
    let each = context.plan.domains.iter().map(|domain| async move {
        let reply = published(context, format!("default._bimi.{domain}"), RecordType::TXT).await?;
        Some(judge(domain, &reply))
    });
    join_all(each).await.into_iter().flatten().collect()
}

fn judge(domain: &DomainName, reply: &Reply) -> Statement {
    let subject = Subject::Name(domain.to_string());
    let args = Args::none().and("name", domain);
    let records: Vec<TagList> =
        reply.texts().iter().map(|text| TagList::read(text)).filter(|list| list.value("v") == Some("BIMI1")).collect();
    let says_something = |list: &TagList, tag| list.value(tag).is_some_and(|value| !value.is_empty());
    if !reply.is_definite() {
        Statement::outcome(&UNANSWERED, subject).args(args.with("why", reply.why()))
    } else if records.is_empty() {
        Statement::not_applicable(subject, NONE)
    } else if records.iter().any(|list| says_something(list, "l") || says_something(list, "a")) {
        Statement::outcome(&USED, subject).args(args)
    } else {
        // Empty l and a say that the domain wants no logo.
        Statement::passed(subject).args(args)
    }
    .evidence([reply.observation])
}
