//! The blocklists themselves: which of them can be believed from here, now?

use futures::FutureExt;
use futures::future::join_all;

use crate::catalogue::{Family, Holds};
use crate::check::{Check, Context, Run};
use crate::dnsbl::{Health, Retired, Selected, State};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dnsbl-lists",
        title: Text {
            en: "The blocklists answer truthfully from here", ja: "ブロックリストがここから正しく応答する"
        },
        short: Text { en: "list health", ja: "リストの応答" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A list that refuses this resolver, has been switched off or lists everything says nothing about an address, and its silence looks just like \"not listed\".",
            ja: "このリゾルバーを拒否するリスト、廃止されたリスト、すべてを登録済みと返すリストからは何も分からない。しかもその沈黙は「未登録」と見分けがつかない。",
        },
        how: Text {
            en: "Per list and family: the listed test point must answer a documented code, the unlisted test point and a random subject must not be listed. With resolver = \"auto\", a list that fails through the resolver is asked at its own servers. Lists that are not required are named here and do not change the verdict; required ones hold it in the rows above.",
            ja: "リストと種類ごとに、登録済みテスト用アドレスが文書どおりのコードを返し、未登録のテスト用アドレスと無作為な対象が登録されていないことを確かめる。resolver = \"auto\" では、リゾルバー経由で失敗したリストを、そのリスト自身のサーバーに問い合わせる。必須でないリストはここに示すだけで、判定は変えない。必須のリストは上の行で判定を HOLD にする。",
        },
        by_hand: "dig +short {query} A",
        references: &[
            Reference { title: "RFC 5782, section 5", url: "https://www.rfc-editor.org/rfc/rfc5782#section-5" },
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&REFUSED, &BROKEN, &SILENT, &DEAD, &NO_KEY, &RETIRED, &REPLACED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static REFUSED: Outcome = Outcome {
    tag: "dnsbl-list-refused",
    levels: Levels::NOTE,
    says: Text {
        en: "{list} refuses to answer ({families}): {why}",
        ja: "{list} は応答を拒否した ({families}): {why}",
    },
    remedy: Text {
        en: "Ask through a recursive resolver of your own, or get a key from the operator; this list is not part of the verdict unless it is required.",
        ja: "自前の再帰リゾルバーを使うか、運営者からキーを得る。必須のリストでなければ判定には含まれない。",
    },
};

static BROKEN: Outcome = Outcome {
    tag: "dnsbl-list-broken",
    levels: Levels::NOTE,
    says: Text {
        en: "{list} cannot be believed ({families}): {why}", ja: "{list} は信用できない ({families}): {why}"
    },
    remedy: Text {
        en: "Write it under disable in [dnsbl] if it stays so, and take it out of your MTA's configuration: there it may refuse everybody.",
        ja: "続くようなら [dnsbl] の disable に書き、MTA の設定からも外す。設定したままだと全員のメールを拒否しかねない。",
    },
};

static SILENT: Outcome = Outcome {
    tag: "dnsbl-list-silent",
    levels: Levels::NOTE,
    says: Text {
        en: "{list} does not answer ({families}): {why}", ja: "{list} は応答しない ({families}): {why}"
    },
    remedy: Text {
        en: "Run again; if it stays so, ask from another resolver.",
        ja: "再実行する。変わらなければ別のリゾルバーから問い合わせる。",
    },
};

static DEAD: Outcome = Outcome {
    tag: "dnsbl-list-dead",
    levels: Levels::NOTE,
    says: Text { en: "{list} is empty ({families}): {why}", ja: "{list} は空である ({families}): {why}" },
    remedy: Text {
        en: "See whether its operator has closed it; if so, write it under disable in [dnsbl] and take it out of your MTA's configuration.",
        ja: "運営者が廃止していないか調べる。廃止なら [dnsbl] の disable に書き、MTA の設定からも外す。",
    },
};

static NO_KEY: Outcome = Outcome {
    tag: "dnsbl-list-no-key",
    levels: Levels::NOTE,
    says: Text {
        en: "{list} was not asked ({families}): {why}",
        ja: "{list} には問い合わせていない ({families}): {why}",
    },
    remedy: Text {
        en: "Set the variable before the run, or take the list's key out of [dnsbl].",
        ja: "実行前に環境変数を設定するか、[dnsbl] の key からこのリストを外す。",
    },
};

static RETIRED: Outcome = Outcome {
    tag: "dnsbl-list-retired",
    levels: Levels::WARNING,
    says: Text {
        en: "{list} is never asked: closed {since}, {why}",
        ja: "{list} には問い合わせない。{since} に廃止: {why}",
    },
    remedy: Text {
        en: "Take it out of the plan, and out of your MTA's configuration.",
        ja: "計画から外し、MTA の設定からも外す。",
    },
};

static REPLACED: Outcome = Outcome {
    tag: "dnsbl-list-replaced",
    levels: Levels::NOTE,
    says: Text {
        en: "{list} was closed {since} and is answered for through {name}: {why}",
        ja: "{list} は {since} に廃止され、{name} が代わりに答える: {why}",
    },
    remedy: Text { en: "Write {name} in the plan instead.", ja: "計画では代わりに {name} と書く。" },
};

const NO_LIST: Text =
    Text { en: "the plan selects no blocklist", ja: "計画で選ばれたブロックリストがない" };

async fn ask(context: &Context) -> Vec<Statement> {
    let families = families(context);
    let mut said: Vec<Statement> = context.retired.iter().map(|retired| judge_retired(context, retired)).collect();
    let each = context.lists.iter().map(|selected| {
        let families: Vec<Family> =
            families.iter().copied().filter(|family| can_be_proved(selected, *family)).collect();
        async move {
            let healths = join_all(
                families
                    .into_iter()
                    .map(|family| async move { (family, context.consultant.health(selected, family).await) }),
            )
            .await;
            judge(selected, &healths)
        }
    });
    said.extend(join_all(each).await.into_iter().flatten());
    if said.is_empty() {
        said.push(Statement::not_covered(Subject::Run, NO_LIST));
    }
    said
}

/// Whether the list has a test point for this family; without one its word never counts.
fn can_be_proved(selected: &Selected, family: Family) -> bool {
    selected.list.holds(family) == Holds::Yes && selected.list.test_listed(family).is_some()
}

/// The kinds of subject that this run has.
fn families(context: &Context) -> Vec<Family> {
    let has = |v6: bool| context.senders().any(|address| address.ip.is_ipv6() == v6);
    [(Family::Ipv4, has(false)), (Family::Ipv6, has(true)), (Family::Domain, true)]
        .into_iter()
        .filter_map(|(family, wanted)| wanted.then_some(family))
        .collect()
}

/// One statement for each state that a list is in, over its families.
fn judge(selected: &Selected, healths: &[(Family, Health)]) -> Vec<Statement> {
    let subject = Subject::List(selected.list.id.clone());
    let mut said = Vec::new();
    for (outcome, state) in [
        (&REFUSED, State::Refused),
        (&BROKEN, State::Broken),
        (&SILENT, State::Silent),
        (&DEAD, State::Dead),
        (&NO_KEY, State::NoKey),
    ] {
        let in_state: Vec<_> = healths.iter().filter(|(_, health)| health.state == state).collect();
        let Some((family, first)) = in_state.first() else { continue };
        let test_point = selected.list.test_listed(*family);
        let query = test_point.and_then(|target| selected.list.query_name(&target, selected.key.as_deref()).ok());
        let args = Args::none()
            .and("list", &selected.list.name)
            .with("families", Value::list(in_state.iter().map(|(family, _)| family.word())))
            .with("why", first.why.clone())
            .and("query", selected.redact(query.unwrap_or_default().trim_end_matches('.')));
        let evidence = in_state.iter().flat_map(|(_, health)| health.evidence.iter().copied());
        said.push(Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence));
    }
    if said.is_empty() && !healths.is_empty() {
        said.push(
            Statement::passed(subject).evidence(healths.iter().flat_map(|(_, health)| health.evidence.iter().copied())),
        );
    }
    said
}

fn judge_retired(context: &Context, retired: &Retired) -> Statement {
    let successor = retired.replaced_by.as_deref().and_then(|id| context.catalogue.list(id));
    let args = Args::none()
        .and("list", &retired.name)
        .with("since", retired.since.clone())
        .with("why", retired.reason.clone())
        .and("name", successor.map_or("", |list| list.name.as_str()))
        .and("query", "");
    let answered = successor.is_some_and(|list| context.lists.iter().any(|selected| selected.list.id == list.id));
    let outcome = if answered { &REPLACED } else { &RETIRED };
    Statement::outcome(outcome, Subject::List(retired.id.clone())).args(args)
}
