//! The names that mail carries on domain blocklists.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::join_all;

use super::dnsbl::{Outcomes, is_believed, judge_one, judge_quorum, list_args, silence};
use super::ptr::{MOST_NAMES, lookup, names};
use crate::catalogue::{Family, Holds, Target};
use crate::check::{Check, Context, Run};
use crate::dnsbl::Selected;
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dnsbl-domain",
        title: Text {
            en: "No domain or server name is on a blocklist",
            ja: "ドメインやサーバー名がブロックリストに載っていない",
        },
        short: Text { en: "domain lists", ja: "ドメインリスト" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers ask domain lists about HELO, PTR, MAIL FROM and links; a listed domain moves with you, whatever the address.",
            ja: "受信側は HELO、PTR、MAIL FROM、本文のリンクのドメインをリストに問い合わせる。ドメインの登録は、アドレスを変えてもついて回る。",
        },
        how: Text {
            en: "The plan's domains, host name, HELO and PTR names (and the PTR names found) are put to every selected list that holds domains, with its test points, as for addresses. A name passes only if those that are required, and of the other blocking ones as many as quorum asks for, can be believed.",
            ja: "計画のドメイン、hostname、HELO 名、PTR 名と、実際に見つかった PTR 名を、ドメインを扱う各リストに、テスト用の名前とともに問い合わせる (アドレスの検査と同じ)。必須のリストと、それ以外の送信を妨げるリストのうち quorum の割合が信用できなければ合格としない。",
        },
        by_hand: "dig +short {query} A; dig +short {query} TXT",
        references: &[
            Reference { title: "RFC 5782, section 3", url: "https://www.rfc-editor.org/rfc/rfc5782#section-3" },
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&LISTED, &MINOR, &INFO, &UNKNOWN_CODE, &UNANSWERED, &QUORUM],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static LISTED: Outcome = Outcome {
    tag: "dnsbl-domain",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name} is listed on {list}: {meaning}", ja: "{name} は {list} に登録されている: {meaning}"
    },
    remedy: Text {
        en: "Have the domain removed ({removal}); another address does not help. Expiry: {expires}.",
        ja: "ドメインの解除を申請する ({removal})。アドレスを変えても解決しない。登録の期限: {expires}。",
    },
};

static MINOR: Outcome = Outcome {
    tag: "dnsbl-domain-minor",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} is listed on {list}: {meaning}", ja: "{name} は {list} に登録されている: {meaning}"
    },
    remedy: Text {
        en: "Find out what it was listed for and have it removed ({removal}). Expiry: {expires}.",
        ja: "登録の理由を調べ、解除を申請する ({removal})。登録の期限: {expires}。",
    },
};

static INFO: Outcome = Outcome {
    tag: "dnsbl-domain-info",
    levels: Levels::NOTE,
    says: Text {
        en: "{name} is listed on {list}: {meaning}", ja: "{name} は {list} に登録されている: {meaning}"
    },
    remedy: Text {
        en: "Keep it in mind if a receiver names this list ({removal}). Expiry: {expires}.",
        ja: "受信側がこのリストを理由に挙げたら対処する ({removal})。登録の期限: {expires}。",
    },
};

static UNKNOWN_CODE: Outcome = Outcome {
    tag: "dnsbl-domain-unknown-code",
    levels: Levels::WARNING,
    says: Text {
        en: "{list} answers {codes} for {name}, a code that its operator does not document",
        ja: "{list} が {name} に対し {codes} を返した。運営者の文書にないコードである",
    },
    remedy: Text {
        en: "Look it up at the operator's page ({removal}).", ja: "運営者のページで確かめる ({removal})。"
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dnsbl-domain-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {name} is on {list} is not known: {why}",
        ja: "{name} が {list} に登録されているか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask through a recursive resolver of your own with resolver = \"direct\" or with a key, and look it up by hand meanwhile ({removal}).",
        ja: "自前の再帰リゾルバーや resolver = \"direct\"、またはキーを使って問い合わせる。それまでは手作業で確かめる ({removal})。",
    },
};

static QUORUM: Outcome = Outcome {
    tag: "dnsbl-domain-quorum",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "only {count} of {total} blocking lists could be believed about {name}, not {list}; the plan asks for {quorum}",
        ja: "{name} について信用できたのは、メールを妨げるリスト {total} 件のうち {count} 件だけで、{list} は信用できない (計画の quorum は {quorum})",
    },
    remedy: Text {
        en: "Run again from a place whose resolver they answer, or leave them out on purpose with disable = [...] under [dnsbl].",
        ja: "それらのリストが応答する場所から再実行する。または計画の [dnsbl] の disable = [...] で、承知のうえで対象から外す。",
    },
};

/// No domain list says "policy", lists ranges or allows; what would be said there is said plainly.
static OUTCOMES: Outcomes = Outcomes {
    listed: &LISTED,
    minor: &MINOR,
    info: &INFO,
    policy: &LISTED,
    policy_minor: &MINOR,
    range: &INFO,
    allowed: &INFO,
    unknown_code: &UNKNOWN_CODE,
    unanswered: &UNANSWERED,
};

const NO_LIST: Text =
    Text { en: "no selected list holds domains", ja: "選ばれたリストにドメインを扱うものがない" };
const NO_WORD: Text = Text {
    en: "no selected list can hold this name, or can be proved to",
    ja: "選ばれたリストに、この名前を扱うもの、または扱うと証明できるものがない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let lists: Vec<_> =
        context.lists.iter().filter(|selected| selected.list.holds(Family::Domain) != Holds::No).collect();
    if lists.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NO_LIST)];
    }
    // The planned names go out at once; the PTR names found follow when they are known.
    let planned = planned_names(context);
    let (mut said, found) = futures::join!(ask_names(context, &lists, &planned), found_names(context));
    let found: BTreeSet<DomainName> = found.difference(&planned).cloned().collect();
    said.extend(ask_names(context, &lists, &found).await);
    said
}

async fn ask_names(context: &Context, lists: &[&Selected], names: &BTreeSet<DomainName>) -> Vec<Statement> {
    let each = names.iter().map(|name| async move {
        let target = Target::Domain(name.clone());
        let subject = Subject::Name(name.to_string());
        let consulted = join_all(lists.iter().map(|selected| {
            let target = &target;
            async move { (*selected, context.consultant.consult(selected, target).await) }
        }))
        .await;
        let mut said: Vec<Statement> = consulted
            .iter()
            .flat_map(|(selected, consultation)| {
                let args = list_args(Args::none().and("name", name), selected, &target);
                judge_one(selected, consultation, &subject, &args, &OUTCOMES)
            })
            .collect();
        let has_word = consulted.iter().any(|(_, consultation)| is_believed(&consultation.belief));
        if has_word {
            let args = Args::none().and("name", name);
            said.extend(judge_quorum(context, Family::Domain, &consulted, &QUORUM, &subject, args));
        }
        if said.is_empty() && has_word {
            let evidence = consulted.iter().flat_map(|(_, said)| said.evidence.iter().copied());
            said.push(Statement::passed(subject.clone()).evidence(evidence));
        }
        if said.is_empty() {
            let args = |selected: &Selected| list_args(Args::none().and("name", name), selected, &target);
            said.extend(silence(&consulted, &subject, &args, &OUTCOMES));
        }
        if said.is_empty() {
            said.push(Statement::not_covered(subject, NO_WORD));
        }
        said
    });
    join_all(each).await.concat()
}

fn planned_names(context: &Context) -> BTreeSet<DomainName> {
    let plan = &context.plan;
    let mut names: BTreeSet<DomainName> = plan.domains.iter().chain(&plan.auth.mail_from).cloned().collect();
    names.insert(plan.hostname.clone());
    for address in plan.new.iter().filter(|address| address.sends) {
        names.insert(address.ptr.clone());
        names.extend(DomainName::parse(&address.helo));
    }
    names
}

async fn found_names(context: &Context) -> BTreeSet<DomainName> {
    let senders = context.plan.new.iter().filter(|address| address.sends);
    let replies = join_all(senders.map(|address| lookup(context, address.ip))).await;
    replies.iter().flat_map(|reply| names(reply).into_iter().take(MOST_NAMES)).collect()
}
