//! The blocklists that the new server will enforce on others, asked as it will ask them.

use futures::FutureExt;
use futures::future::join_all;

use crate::catalogue::{Family, Holds, List};
use crate::check::{Check, Context, Run};
use crate::dnsbl::{Enforced, Health, Selected, State};
use crate::model::{
    Args, Card, Lang, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value, Vantage,
};
use crate::plan::Resolver;
use crate::servers::ON_NEW_SERVER;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "rbl-in",
        title: Text {
            en: "The blocklists that the new server enforces answer it truthfully",
            ja: "新サーバーが受信に使うブロックリストが、新サーバーに正しく応答する",
        },
        short: Text { en: "enforced lists", ja: "受信用リスト" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Many lists answer resolvers in clouds with an error code such as 127.255.255.254, and a mail server that takes every answer for a listing then refuses all mail of all partners. A list that was closed may list everybody.",
            ja: "多くのリストは、クラウドのリゾルバーには 127.255.255.254 などのエラーコードを返す。どんな応答も「登録あり」と扱う設定のメールサーバーは、それだけで、すべての取引先のすべてのメールを拒否してしまう。廃止されたリストが、あらゆるアドレスを登録済みと返すこともある。",
        },
        how: Text {
            en: "On the new server, through the resolver that the mail server uses: this machine's own, or those that [dns] resolver names; never the list's own servers. Each zone in [inbound_dnsbl] is asked for its listed test point, its unlisted one and a random subject, for IPv4, and for IPv6 or names where it holds those. A zone that the catalogue does not know is judged by RFC 5782. A list that is named by its id is asked with its key under [dnsbl].",
            ja: "新サーバー上で、メールサーバーが使うリゾルバー (このマシンのもの、または [dns] の resolver に書いたもの) を通して問い合わせる。リスト自身のサーバーには問い合わせない。[inbound_dnsbl] の各ゾーンについて、登録済みのテスト用アドレス、未登録のテスト用アドレス、無作為な対象を、IPv4 と、リストが持つ場合は IPv6 や名前についても確かめる。カタログにないゾーンは RFC 5782 に従って判定する。id で書いたリストには、[dnsbl] のキーを付けて問い合わせる。",
        },
        by_hand: "dig +short {query} A",
        references: &[
            Reference { title: "RFC 5782, section 5", url: "https://www.rfc-editor.org/rfc/rfc5782#section-5" },
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
            Reference {
                title: "Postfix: reject_rbl_client",
                url: "https://www.postfix.org/postconf.5.html#reject_rbl_client",
            },
        ],
        needs: Needs::NewServer,
        waivable: true,
        outcomes: &[&RESOLVER, &DEAD_ZONE, &BLIND, &GONE, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static RESOLVER: Outcome = Outcome {
    tag: "rbl-in-resolver",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{zone} refuses the new server's resolver ({families}); a mail server whose rule names no return codes then refuses everybody's mail: {why}",
        ja: "{zone} が新サーバーのリゾルバーを拒否する ({families})。メールサーバーの設定で戻りコードを指定していなければ、すべての相手のメールが拒否される: {why}",
    },
    remedy: Text {
        en: "Run a recursive resolver on the new server itself, or ask with a key of the operator (Spamhaus gives free DQS keys to small users); and name the codes in the rule, so that no error counts as a listing: {rule}.",
        ja: "新サーバー自身で再帰リゾルバーを動かすか、運営者のキーを使う (Spamhaus の DQS キーは、小規模な利用なら無料で得られる)。あわせて、エラーが「登録あり」と扱われないよう、設定に戻りコードを書く: {rule}。",
    },
};

static DEAD_ZONE: Outcome = Outcome {
    tag: "rbl-in-dead-zone",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{zone} gives answers that cannot be true ({families}), and the new server would refuse mail because of them: {why}",
        ja: "{zone} があり得ない応答を返し ({families})、新サーバーがそれを理由にメールを拒否してしまう: {why}",
    },
    remedy: Text {
        en: "Take {zone} out of the mail server's configuration before the cutover, or point it at a resolver that does not rewrite answers.",
        ja: "切り替え前に、メールサーバーの設定から {zone} を外す。または応答を書き換えないリゾルバーを使う。",
    },
};

static BLIND: Outcome = Outcome {
    tag: "rbl-in-blind",
    levels: Levels::WARNING,
    says: Text {
        en: "{zone} does not answer the new server's resolver ({families}): it stops nothing, and delays every message by the question: {why}",
        ja: "{zone} が新サーバーのリゾルバーに応答しない ({families})。何も止められず、問い合わせのたびに受信が遅れる: {why}",
    },
    remedy: Text {
        en: "Run a recursive resolver on the new server itself, or ask with a key of the operator; else take {zone} out of the mail server's configuration.",
        ja: "新サーバー自身で再帰リゾルバーを動かすか、運営者のキーを使う。さもなければ、メールサーバーの設定から {zone} を外す。",
    },
};

static GONE: Outcome = Outcome {
    tag: "rbl-in-gone",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{zone} is closed or empty ({families}): it stops nothing, and one day may list everybody: {why}",
        ja: "{zone} は廃止されたか空である ({families})。何も止められず、いずれあらゆるアドレスを登録済みと返しかねない: {why}",
    },
    remedy: Text {
        en: "Take {zone} out of the mail server's configuration.",
        ja: "メールサーバーの設定から {zone} を外す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "rbl-in-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "what {zone} answers the new server is not known ({families}): {why}",
        ja: "{zone} が新サーバーにどう応答するか確認できない ({families}): {why}",
    },
    remedy: Text {
        en: "Ask by hand on the new server, and run again; if it stays so, take {zone} out of the mail server's configuration.",
        ja: "新サーバー上で手作業で問い合わせ、再実行する。変わらなければ、メールサーバーの設定から {zone} を外す。",
    },
};

const NO_ZONES: Text =
    Text { en: "the plan names no zones under [inbound_dnsbl]", ja: "計画の [inbound_dnsbl] に zones がない" };

async fn ask(context: &Context) -> Vec<Statement> {
    if context.enforced.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NO_ZONES)];
    }
    if context.vantage != Vantage::NewServer {
        return vec![Statement::not_covered(Subject::Run, ON_NEW_SERVER)];
    }
    let each = context.enforced.iter().map(|enforced| async move {
        if context.plan.dns.resolver == Resolver::Direct {
            let why = Value::both(
                "resolver = \"direct\" asks the list's own servers, which the mail server does not",
                "resolver = \"direct\" ではリスト自身のサーバーに問い合わせるが、メールサーバーはそうしない",
            );
            return vec![unanswered(enforced, why)];
        }
        let Some(selected) = &enforced.selected else {
            let why = Value::both("this is not the name of a zone", "ゾーンの名前ではない");
            return vec![unanswered(enforced, why)];
        };
        let healths = families(&selected.list)
            .into_iter()
            .map(|family| async move { (family, context.consultant.health_through_resolver(selected, family).await) });
        judge(enforced, selected, &join_all(healths).await)
    });
    join_all(each).await.concat()
}

/// What can be proved of the list: the kinds of subject that it holds and has a test point for.
fn families(list: &List) -> Vec<Family> {
    let held = |family: &Family| list.holds(*family) == Holds::Yes && list.test_listed(*family).is_some();
    let found: Vec<Family> = Family::ALL.into_iter().filter(held).collect();
    if found.is_empty() { vec![Family::Ipv4] } else { found }
}

/// One statement for each outcome, over the families that have it.
fn judge(enforced: &Enforced, selected: &Selected, healths: &[(Family, Health)]) -> Vec<Statement> {
    let subject = Subject::List(enforced.written.clone());
    let mut said = Vec::new();
    for outcome in [&RESOLVER, &DEAD_ZONE, &BLIND, &GONE, &UNANSWERED] {
        let with_it: Vec<&(Family, Health)> = healths
            .iter()
            .filter(|(_, health)| outcome_of(enforced, health).is_some_and(|own| std::ptr::eq(own, outcome)))
            .collect();
        let Some((family, first)) = with_it.first() else { continue };
        let why = match &enforced.retired {
            Some(retired) if std::ptr::eq(outcome, &GONE) => Value::both(
                format!("closed {}, {}", retired.since.in_lang(Lang::En), retired.reason.in_lang(Lang::En)),
                format!("{} に廃止: {}", retired.since.in_lang(Lang::Ja), retired.reason.in_lang(Lang::Ja)),
            ),
            _ => first.why.clone(),
        };
        let args = args(enforced, Some(selected), *family)
            .with("families", Value::list(with_it.iter().map(|(family, _)| family.word())))
            .with("why", why);
        let evidence = with_it.iter().flat_map(|(_, health)| health.evidence.iter().copied());
        said.push(Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence));
    }
    if said.is_empty() {
        let evidence = healths.iter().flat_map(|(_, health)| health.evidence.iter().copied());
        said.push(Statement::passed(subject).evidence(evidence));
    }
    said
}

/// What is said of a list in this state; nothing if it is in order.
fn outcome_of(enforced: &Enforced, health: &Health) -> Option<&'static Outcome> {
    match health.state {
        State::Refused if health.refuses_by_address => Some(&RESOLVER),
        State::Refused => Some(&BLIND),
        State::Broken => Some(&DEAD_ZONE),
        // Whoever answers at the zone of a closed list now, or does not, is not the list.
        State::Healthy | State::Dead | State::Silent | State::NoKey if enforced.retired.is_some() => Some(&GONE),
        State::Dead => Some(&GONE),
        State::Silent | State::NoKey => Some(&UNANSWERED),
        State::Healthy => None,
    }
}

fn unanswered(enforced: &Enforced, why: Value) -> Statement {
    let args =
        args(enforced, enforced.selected.as_ref(), Family::Ipv4).and("families", Family::Ipv4.word()).with("why", why);
    Statement::outcome(&UNANSWERED, Subject::List(enforced.written.clone())).args(args)
}

fn args(enforced: &Enforced, selected: Option<&Selected>, family: Family) -> Args {
    let query = selected.and_then(|selected| {
        let name = selected.list.query_name(&selected.list.test_listed(family)?, selected.key.as_deref()).ok()?;
        Some(selected.redact(name.trim_end_matches('.')))
    });
    Args::none()
        .and("zone", &enforced.written)
        .and("query", query.as_deref().unwrap_or(&enforced.written))
        .and("rule", selected.map_or_else(String::new, |selected| rule(selected, family)))
}

/// What a mail server's configuration should say: `reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]`.
fn rule(selected: &Selected, family: Family) -> String {
    let word = if family == Family::Domain { "reject_rhsbl_sender" } else { "reject_rbl_client" };
    let zone = selected.zone(family);
    let each = selected.list.postfix_filters().into_iter().map(|filter| format!("{word} {zone}={filter}"));
    each.collect::<Vec<String>>().join(", ")
}
