//! The addresses on other people's blocklists.

use futures::FutureExt;
use futures::future::join_all;

use crate::catalogue::{Family, Hit, Holds, Kind, Scope, Target, Weight};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::dnsbl::{Belief, Consultation, Selected};
use crate::model::{Args, Card, Lang, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::plan::Address;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dnsbl",
        title: Text {
            en: "No sending address is on a blocklist", ja: "送信元アドレスがブロックリストに載っていない"
        },
        short: Text { en: "blocklists", ja: "ブロックリスト" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Microsoft, Apple, Yahoo and every server that uses Spamhaus or Barracuda refuse a listed address from the first message; cloud addresses are often listed for what their last tenant did.",
            ja: "Microsoft、Apple、Yahoo をはじめ Spamhaus や Barracuda を使うサーバーは、登録されたアドレスを最初の 1 通から拒否する。クラウドのアドレスは、前の利用者のせいで登録されていることが多い。",
        },
        how: Text {
            en: "Each list is asked for the address (IPv4 reversed by octets, IPv6 by 32 nibbles) together with its own test points and a random subject. Its word counts only if it lists what it must and nothing that it must not, through the same resolver, in the same run. A list that is required and cannot be believed holds the verdict; \"not listed\" never means a good reputation.",
            ja: "各リストに、アドレス (IPv4 はオクテット、IPv6 は 32 ニブルの逆順) を、リスト自身のテスト用アドレスと無作為な対象とともに問い合わせる。同じ実行、同じリゾルバーで、登録されているべきものだけが登録済みと返るリストの応答だけを信用する。必須のリストを信用できなければ判定は HOLD となる。「未登録」は評判が良いという意味ではない。",
        },
        by_hand: "dig +short {query} A; dig +short {query} TXT",
        references: &[
            Reference {
                title: "RFC 5782: DNS Blacklists and Whitelists",
                url: "https://www.rfc-editor.org/rfc/rfc5782",
            },
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &LISTED,
            &MINOR,
            &INFO,
            &POLICY,
            &POLICY_MINOR,
            &RANGE,
            &UNKNOWN_CODE,
            &ALLOWED,
            &UNANSWERED,
            &QUORUM,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static LISTED: Outcome = Outcome {
    tag: "dnsbl-listed",
    levels: Levels::BLOCKER,
    says: Text { en: "{ip} is listed on {list}: {meaning}", ja: "{ip} は {list} に登録されている: {meaning}" },
    remedy: Text {
        en: "Have it removed ({removal}), or take another address before the cutover. Expiry: {expires}.",
        ja: "解除を申請する ({removal})。または切り替え前に別のアドレスにする。登録の期限: {expires}。",
    },
};

static MINOR: Outcome = Outcome {
    tag: "dnsbl-listed-minor",
    levels: Levels::WARNING,
    says: Text { en: "{ip} is listed on {list}: {meaning}", ja: "{ip} は {list} に登録されている: {meaning}" },
    remedy: Text {
        en: "Have it removed ({removal}): few receivers refuse on this list alone, many score by it. Expiry: {expires}.",
        ja: "解除を申請する ({removal})。このリストだけで拒否する受信側は少ないが、採点に使う受信側は多い。登録の期限: {expires}。",
    },
};

static INFO: Outcome = Outcome {
    tag: "dnsbl-listed-info",
    levels: Levels::NOTE,
    says: Text { en: "{ip} is listed on {list}: {meaning}", ja: "{ip} は {list} に登録されている: {meaning}" },
    remedy: Text {
        en: "Keep it in mind if a receiver names this list ({removal}). Expiry: {expires}.",
        ja: "受信側がこのリストを理由に挙げたら対処する ({removal})。登録の期限: {expires}。",
    },
};

static POLICY: Outcome = Outcome {
    tag: "dnsbl-policy",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{list} says that {ip} should not send mail directly: {meaning}. This is a policy about its network, no accusation of spam",
        ja: "{list} は {ip} を直接メールを送信すべきでないアドレスとしている: {meaning}。ネットワークの方針による登録で、迷惑メールの疑いではない",
    },
    remedy: Text {
        en: "Set a PTR of your own first, then remove the address yourself ({removal}); some ranges only the provider can remove. Expiry: {expires}.",
        ja: "先に自社の PTR を設定し、その後に自分で解除する ({removal})。事業者しか解除できない範囲もある。登録の期限: {expires}。",
    },
};

static POLICY_MINOR: Outcome = Outcome {
    tag: "dnsbl-policy-minor",
    levels: Levels::WARNING,
    says: Text {
        en: "{list} says that {ip} should not send mail directly: {meaning}. This is a policy about its network, no accusation of spam",
        ja: "{list} は {ip} を直接メールを送信すべきでないアドレスとしている: {meaning}。ネットワークの方針による登録で、迷惑メールの疑いではない",
    },
    remedy: Text {
        en: "Remove the address yourself once its PTR is set ({removal}). Expiry: {expires}.",
        ja: "PTR を設定したのち、自分で解除する ({removal})。登録の期限: {expires}。",
    },
};

static RANGE: Outcome = Outcome {
    tag: "dnsbl-range",
    levels: Levels::NOTE,
    says: Text {
        en: "the network around {ip} is listed on {list}: {meaning}",
        ja: "{ip} を含むネットワークが {list} に登録されている: {meaning}",
    },
    remedy: Text {
        en: "Do not pay for removal; move to another network if a partner enforces this list. The fault is a neighbour's, and only the provider can mend it.",
        ja: "有料の解除には応じない。取引先がこのリストで拒否するなら、別のネットワークに移る。原因は近隣のアドレスにあり、対処できるのは事業者だけである。",
    },
};

static UNKNOWN_CODE: Outcome = Outcome {
    tag: "dnsbl-unknown-code",
    levels: Levels::WARNING,
    says: Text {
        en: "{list} answers {codes} for {ip}, a code that its operator does not document",
        ja: "{list} が {ip} に対し {codes} を返した。運営者の文書にないコードである",
    },
    remedy: Text {
        en: "Look it up at the operator's page ({removal}).", ja: "運営者のページで確かめる ({removal})。"
    },
};

static ALLOWED: Outcome = Outcome {
    tag: "dnswl-listed",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} is on the allow list {list}: {meaning}",
        ja: "{ip} は許可リスト {list} に登録されている: {meaning}",
    },
    remedy: Text {
        en: "Move the entry to the new address with the cutover ({removal}).",
        ja: "切り替えに合わせて登録を新アドレスに移す ({removal})。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dnsbl-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} is on {list} is not known: {why}",
        ja: "{ip} が {list} に登録されているか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask through a recursive resolver of your own with resolver = \"direct\" or with a key, and look it up by hand meanwhile ({removal}).",
        ja: "自前の再帰リゾルバーや resolver = \"direct\"、またはキーを使って問い合わせる。それまでは手作業で確かめる ({removal})。",
    },
};

static QUORUM: Outcome = Outcome {
    tag: "dnsbl-quorum",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "only {count} of {total} blocking lists could be believed about {ip}; the plan asks for {quorum}",
        ja: "{ip} について信用できたのは、送信を妨げるリスト {total} 件のうち {count} 件だけである (計画の quorum は {quorum})",
    },
    remedy: Text {
        en: "Run again from a place whose resolver these lists answer: {list}.",
        ja: "これらのリストが応答する場所から再実行する: {list}。",
    },
};

const NO_LIST: Text = Text {
    en: "no selected list holds this address family",
    ja: "選ばれたリストにこの IP バージョンを扱うものがない",
};

const NO_TEST_POINT: Text = Text {
    en: "it publishes no test point, so nothing proves that it answers truthfully from here",
    ja: "テスト用アドレスを公開していないため、ここから正しく応答しているか確かめられない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let each = context.addresses().map(|address| async move {
        if !address.sends {
            return vec![Statement::not_applicable(subject_of(address), DOES_NOT_SEND)];
        }
        let target = Target::Ip(address.ip);
        let consulted = join_all(context.lists.iter().map(|selected| {
            let target = &target;
            async move { (selected, context.consultant.consult(selected, target).await) }
        }))
        .await;
        judge(context, address, &consulted)
    });
    join_all(each).await.concat()
}

fn judge(context: &Context, address: &Address, consulted: &[(&Selected, Consultation)]) -> Vec<Statement> {
    let subject = subject_of(address);
    let target = Target::Ip(address.ip);
    let mut said: Vec<Statement> = consulted
        .iter()
        .flat_map(|(selected, consultation)| {
            let args = list_args(address_args(address), selected, &target);
            let mut said = judge_one(selected, consultation, &subject, &args, &OUTCOMES);
            if said.is_empty() && is_believed(&consultation.belief) {
                let passed = Statement::passed(subject.clone()).about(selected.list.id.clone());
                let passed = passed.args(Args::none().and("list", &selected.list.name));
                said.push(passed.evidence(consultation.evidence.iter().copied()));
            }
            said
        })
        .collect();
    let family = Family::of(address.ip);
    said.extend(judge_quorum(context, family, consulted, &QUORUM, &subject, address_args(address)));
    if said.is_empty() {
        let args = |selected: &Selected| list_args(address_args(address), selected, &target);
        said.extend(silence(consulted, &subject, &args, &OUTCOMES));
    }
    if said.is_empty() {
        said.push(Statement::not_covered(subject, NO_LIST));
    }
    said
}

/// What is said where no list says anything: it is not known of each that was asked, required or not.
pub(super) fn silence(
    consulted: &[(&Selected, Consultation)],
    subject: &Subject,
    args: &dyn Fn(&Selected) -> Args,
    outcomes: &Outcomes,
) -> Vec<Statement> {
    let unknown = |(selected, consultation): &(&Selected, Consultation)| {
        let required = Selected { required: true, ..(*selected).clone() };
        judge_one(&required, consultation, subject, &args(selected), outcomes)
    };
    consulted.iter().flat_map(unknown).collect()
}

/// Which outcome is said for what; addresses and domains differ in their words only.
pub(super) struct Outcomes {
    pub(super) listed: &'static Outcome,
    pub(super) minor: &'static Outcome,
    pub(super) info: &'static Outcome,
    pub(super) policy: &'static Outcome,
    pub(super) policy_minor: &'static Outcome,
    pub(super) range: &'static Outcome,
    pub(super) allowed: &'static Outcome,
    pub(super) unknown_code: &'static Outcome,
    pub(super) unanswered: &'static Outcome,
}

static OUTCOMES: Outcomes = Outcomes {
    listed: &LISTED,
    minor: &MINOR,
    info: &INFO,
    policy: &POLICY,
    policy_minor: &POLICY_MINOR,
    range: &RANGE,
    allowed: &ALLOWED,
    unknown_code: &UNKNOWN_CODE,
    unanswered: &UNANSWERED,
};

/// What one consultation says of a subject: nothing, one statement, or one for policy and one for the rest.
pub(super) fn judge_one(
    selected: &Selected,
    consultation: &Consultation,
    subject: &Subject,
    args: &Args,
    outcomes: &Outcomes,
) -> Vec<Statement> {
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, subject.clone())
            .about(selected.list.id.clone())
            .args(args)
            .evidence(consultation.evidence.iter().copied())
    };
    match &consultation.belief {
        Belief::Listed(hits) if selected.list.kind == Kind::Allow => {
            vec![say(outcomes.allowed, args.clone().with("meaning", meaning(hits.iter(), None)))]
        }
        Belief::Listed(hits) => {
            let (policy, plain): (Vec<&Hit>, Vec<&Hit>) = hits.iter().partition(|hit| hit.policy);
            [(plain, false), (policy, true)]
                .into_iter()
                .filter(|(hits, _)| !hits.is_empty())
                .map(|(hits, is_policy)| {
                    let heaviest = hits.iter().map(|hit| hit.weight).max().unwrap_or(Weight::Info);
                    let outcome = match (selected.weight.unwrap_or(heaviest), is_policy) {
                        _ if selected.list.scope != Scope::Address && selected.weight.is_none() => outcomes.range,
                        (Weight::Block, true) => outcomes.policy,
                        (Weight::Warn, true) => outcomes.policy_minor,
                        (Weight::Block, false) => outcomes.listed,
                        (Weight::Warn, false) => outcomes.minor,
                        (Weight::Info, _) => outcomes.info,
                    };
                    let reason = consultation.reason.as_deref();
                    say(outcome, args.clone().with("meaning", meaning(hits.into_iter(), reason)))
                })
                .collect()
        }
        Belief::UnknownCode(codes) => vec![say(outcomes.unknown_code, args.clone().with("codes", codes.clone()))],
        Belief::Unknown(_, why) if selected.required => {
            vec![say(outcomes.unanswered, args.clone().with("why", why.clone()))]
        }
        // Without a test point its word never counts: nobody can require it and have it.
        Belief::Unverified if selected.required && selected.list.holds(family_of(subject)) == Holds::Yes => {
            vec![say(outcomes.unanswered, args.clone().with("why", NO_TEST_POINT))]
        }
        // A required list that does not document this family cannot be relied on for it, in either direction.
        Belief::Unknown(..)
        | Belief::NotListed
        | Belief::NotListing(_)
        | Belief::NotApplicable
        | Belief::Unverified => Vec::new(),
    }
}

fn family_of(subject: &Subject) -> Family {
    match subject {
        Subject::Address(ip, _) => Family::of(*ip),
        _ => Family::Domain,
    }
}

/// `127.0.0.2 (spam source); the list's own TXT`.
fn meaning<'a>(hits: impl Iterator<Item = &'a Hit> + Clone, reason: Option<&str>) -> Value {
    let in_lang = |lang| {
        let codes: Vec<String> =
            hits.clone().map(|hit| format!("{} ({})", hit.code, hit.meaning.in_lang(lang))).collect();
        let reason = reason.map_or_else(String::new, |reason| format!(" \u{201c}{reason}\u{201d}"));
        format!("{}{reason}", codes.join(", "))
    };
    Value::both(in_lang(Lang::En), in_lang(Lang::Ja))
}

/// What every statement about a list carries.
pub(super) fn list_args(args: Args, selected: &Selected, target: &Target) -> Args {
    let list = &selected.list;
    let query = list.query_name(target, selected.key.as_deref()).unwrap_or_default();
    let removal = list
        .delist_url
        .as_ref()
        .or(list.lookup_url.as_ref())
        .map_or_else(|| Value::both("its operator gives no page for it", "運営者の解除ページはない"), Value::plain);
    args.and("list", &list.name)
        .and("query", selected.redact(query.trim_end_matches('.')))
        .with("removal", removal)
        .with("expires", list.expires.clone().unwrap_or_else(|| Value::both("not published", "公表されていない")))
}

/// Whether the list's word counts.
pub(super) fn is_believed(belief: &Belief) -> bool {
    matches!(belief, Belief::NotListed | Belief::Listed(_) | Belief::NotListing(_) | Belief::UnknownCode(_))
}

/// Of the lists that block, are not required and hold this family, enough must have been believed; else `outcome`, with `args` and
/// `{count}`, `{total}`, `{quorum}`, `{list}`.
pub(super) fn judge_quorum(
    context: &Context,
    family: Family,
    consulted: &[(&Selected, Consultation)],
    outcome: &'static Outcome,
    subject: &Subject,
    args: Args,
) -> Option<Statement> {
    let counted: Vec<_> = consulted
        .iter()
        .filter(|(selected, consultation)| {
            !selected.required
                && selected.list.kind != Kind::Allow
                && selected.weight.unwrap_or(selected.list.weight) == Weight::Block
                && selected.list.holds(family) == Holds::Yes
                && consultation.belief != Belief::NotApplicable
        })
        .collect();
    let believed = counted.iter().filter(|(_, consultation)| is_believed(&consultation.belief)).count();
    let quorum = context.plan.dnsbl.quorum;
    if believed * 100 >= counted.len() * usize::from(quorum) {
        return None;
    }
    let silent = counted.iter().filter(|(_, consultation)| !is_believed(&consultation.belief));
    let args = args
        .and("count", believed)
        .and("total", counted.len())
        .and("quorum", format!("{quorum}%"))
        .with("list", Value::list(silent.clone().map(|(selected, _)| &selected.list.name)))
        .and("query", "");
    let evidence = silent.flat_map(|(_, consultation)| consultation.evidence.iter().copied());
    Some(Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence))
}
