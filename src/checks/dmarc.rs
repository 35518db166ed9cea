//! The DMARC policy of each sending domain: is there one, is it understood, and do all receivers find the same?

use futures::FutureExt;
use futures::future::join_all;

use crate::check::{Check, Context, Run};
use crate::dmarc::{Discovery, Found, Ruling, Source, Visit, discover};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::records::dmarc::Reason;
use crate::records::fault::{Fault, tell};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dmarc",
        title: Text {
            en: "Each sending domain has one DMARC policy that all receivers find",
            ja: "送信ドメインごとに、どの受信側にも見つかる DMARC ポリシーが 1 つある",
        },
        short: Text { en: "DMARC", ja: "DMARC ポリシー" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Gmail, Yahoo and Outlook.com refuse bulk mail without a DMARC record, and docomo marks any mail without one. Since May 2026 (RFC 9989) the record is found by walking up the DNS; many receivers still use the public suffix list.",
            ja: "Gmail、Yahoo、Outlook.com は DMARC レコードのない大量送信を拒否し、ドコモはレコードのないメールに警告を付ける。2026 年 5 月の RFC 9989 からは DNS を上へたどってレコードを探すが、従来の public suffix list を使う受信側も多い。",
        },
        how: Text {
            en: "TXT is read at _dmarc. and each name from the domain up to its top-level domain, at most eight. The policy is found both ways (RFC 9989, section 4.10; RFC 7489, section 6.6.3), and the results are compared.",
            ja: "ドメインから最上位ドメインまでの各名前 (最大 8 個) について _dmarc. の TXT を読む。RFC 9989 第 4.10 節と RFC 7489 第 6.6.3 節の両方の手順でポリシーを求め、結果を比べる。",
        },
        by_hand: "dig +short _dmarc.{name} TXT",
        references: &[
            Reference { title: "RFC 9989, section 4.10", url: "https://www.rfc-editor.org/rfc/rfc9989#section-4.10" },
            Reference { title: "RFC 9989, section 4.7", url: "https://www.rfc-editor.org/rfc/rfc9989#section-4.7" },
            Reference { title: "RFC 7489, section 6.6.3", url: "https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3" },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&PRESENT, &SINGLE, &SYNTAX, &VALUE, &REMOVED, &TRIAL, &DIFF, &ORGANIZATION, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static PRESENT: Outcome = Outcome {
    tag: "dmarc-present",
    levels: Levels::WARNING,
    says: Text { en: "no DMARC policy applies to {name}", ja: "{name} に適用される DMARC ポリシーがない" },
    remedy: Text {
        en: "Publish TXT \"v=DMARC1; p=none; rua=mailto:…\" at _dmarc.{name}; tighten p= later, when the reports are clean.",
        ja: "_dmarc.{name} に TXT「v=DMARC1; p=none; rua=mailto:…」を登録する。p= を厳しくするのは、レポートに問題がないと確認した後にする。",
    },
};

static SINGLE: Outcome = Outcome {
    tag: "dmarc-single",
    levels: Levels::BLOCKER,
    says: Text {
        en: "_dmarc.{at} has {count} DMARC records, and receivers discard them all",
        ja: "_dmarc.{at} に DMARC レコードが {count} 件あり、受信側はすべて無視する",
    },
    remedy: Text {
        en: "Delete all DMARC records at _dmarc.{at} but one.",
        ja: "_dmarc.{at} の DMARC レコードを 1 件だけ残して削除する。",
    },
};

static SYNTAX: Outcome = Outcome {
    tag: "dmarc-syntax",
    levels: Levels::WARNING,
    says: Text {
        en: "the record at _dmarc.{at} does not do what it says, because {effect}: {faults}",
        ja: "_dmarc.{at} のレコードは書かれたとおりに働かない。{effect}: {faults}",
    },
    remedy: Text {
        en: "Publish it as v=DMARC1; p=none (or quarantine, or reject) and then the other tags, with a semicolon after each.",
        ja: "v=DMARC1; p=none (または quarantine、reject) に続けて他のタグを書き、タグごとにセミコロンで区切って登録し直す。",
    },
};

static VALUE: Outcome = Outcome {
    tag: "dmarc-value",
    levels: Levels::WARNING,
    says: Text {
        en: "the DMARC record at _dmarc.{at} has mistakes: {faults}",
        ja: "_dmarc.{at} の DMARC レコードに誤りがある: {faults}",
    },
    remedy: Text {
        en: "Correct these parts of the record at _dmarc.{at}.",
        ja: "_dmarc.{at} のレコードの該当部分を直す。",
    },
};

static REMOVED: Outcome = Outcome {
    tag: "dmarc-removed",
    levels: Levels::NOTE,
    says: Text {
        en: "the DMARC record at _dmarc.{at} has tags that RFC 9989 took away and newer receivers ignore: {tags}",
        ja: "_dmarc.{at} の DMARC レコードに、RFC 9989 で廃止され新しい受信側が無視するタグがある: {tags}",
    },
    remedy: Text {
        en: "Remove them: for a trial, t=y replaces pct= and asks for the next weaker policy; rf= and ri= have no successor.",
        ja: "これらを消す。試行には pct= の代わりに t=y を使う (1 段階弱いポリシーになる)。rf= と ri= の後継はない。",
    },
};

static TRIAL: Outcome = Outcome {
    tag: "dmarc-trial",
    levels: Levels::NOTE,
    says: Text {
        en: "the DMARC policy at _dmarc.{at} is on trial (t=y): newer receivers apply {weaker}, those that do not know the tag {policy}",
        ja: "_dmarc.{at} の DMARC ポリシーは試行中 (t=y) である。新しい受信側は {weaker}、このタグを知らない受信側は {policy} を適用する",
    },
    remedy: Text {
        en: "Count on {policy} during the cutover; remove t=y when the reports are clean.",
        ja: "切り替え中は {policy} が適用されるものと考える。レポートに問題がなくなったら t=y を消す。",
    },
};

static DIFF: Outcome = Outcome {
    tag: "dmarc-walk-diff",
    levels: Levels::WARNING,
    says: Text {
        en: "receivers disagree on the policy for {name}: by the tree walk {walk}; by the public suffix list {list}",
        ja: "{name} のポリシーが受信側によって異なる。DNS をたどる方式では「{walk}」、public suffix list では「{list}」",
    },
    remedy: Text {
        en: "Publish a DMARC record at _dmarc.{name} itself: both ways look there first.",
        ja: "_dmarc.{name} そのものに DMARC レコードを登録する。どちらの方式でも最初に参照される。",
    },
};

static ORGANIZATION: Outcome = Outcome {
    tag: "dmarc-walk-org",
    levels: Levels::NOTE,
    says: Text {
        en: "receivers disagree on the organization of {name}, which decides relaxed alignment: by the tree walk {walk}; by the public suffix list {list}",
        ja: "relaxed の判定に使う {name} の組織ドメインが受信側によって異なる。DNS をたどる方式では {walk}、public suffix list では {list}",
    },
    remedy: Text {
        en: "Publish a DMARC record at the registered domain, or mark the organization with psd=n in its own record.",
        ja: "登録ドメインに DMARC レコードを登録するか、組織ドメインのレコードに psd=n と書いて示す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dmarc-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "which DMARC policy applies to {name} is not known, because _dmarc.{at} was not answered: {why}",
        ja: "{name} に適用される DMARC ポリシーを確認できない。_dmarc.{at} の応答が得られない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {at} answer.",
        ja: "再実行する。変わらなければ {at} のネームサーバーが応答するか調べる。",
    },
};

/// The domains that stand in From: those of the plan, and those of MAIL FROM that belong to the same organizations. DMARC asks
/// nothing of the MAIL FROM domain of somebody else (RFC 9989, section 4.10: it starts from the author's domain).
pub(super) fn sending_domains(context: &Context) -> Vec<&DomainName> {
    let plan = &context.plan;
    let is_own = |one: &&DomainName| plan.domains.iter().any(|domain| organization(domain) == organization(one));
    let mut domains: Vec<&DomainName> = plan.domains.iter().chain(plan.auth.mail_from.iter().filter(is_own)).collect();
    domains.sort();
    domains.dedup();
    domains
}

/// The organization of a domain by the public suffix list; the domain itself, if it is a suffix.
pub(super) fn organization(domain: &DomainName) -> DomainName {
    domain.registrable().unwrap_or_else(|| domain.clone())
}

/// The first name that was not answered, in the words of a statement.
pub(super) fn silence(domain: &DomainName, visit: &Visit) -> Args {
    let why = match &visit.found {
        Found::Unknown(why) => why.clone(),
        _ => Value::plain(""),
    };
    Args::none().and("name", domain).and("at", &visit.domain).with("why", why)
}

async fn ask(context: &Context) -> Vec<Statement> {
    let domains = sending_domains(context);
    let found = join_all(domains.iter().map(|domain| discover(&context.dns, domain))).await;
    found.iter().flat_map(|discovery| judge(discovery, &domains)).collect()
}

/// `judged` are all domains that are judged: what stands at one of them is told there, and not again for the names below it.
fn judge(discovery: &Discovery, judged: &[&DomainName]) -> Vec<Statement> {
    let domain = &discovery.domain;
    let say = |outcome: &'static Outcome, args: Args| {
        let args = args.and("name", domain);
        Statement::outcome(outcome, Subject::Name(domain.to_string())).args(args).evidence(discovery.evidence())
    };
    let say_at = |outcome: &'static Outcome, at: &DomainName, args: Args| {
        let statement = say(outcome, args.and("at", at));
        if at == domain { statement } else { statement.about(at.as_str()) }
    };
    // What stands at a public suffix is not in the hands of the sender.
    let organization = organization(domain);
    let is_told_here = |at: &DomainName| at.is_within(&organization) && (at == domain || !judged.contains(&at));
    let mut said = Vec::new();
    for visit in discovery.visits.iter().filter(|visit| is_told_here(&visit.domain)) {
        if let Found::Several(count) = visit.found {
            said.push(say_at(&SINGLE, &visit.domain, Args::none().and("count", count)));
        }
        if !visit.ignored.is_empty() {
            let args = Args::none().with("effect", IGNORED).with("faults", tell(&visit.ignored));
            said.push(say_at(&SYNTAX, &visit.domain, args));
        }
    }
    match (discovery.by_walk(), discovery.by_list()) {
        (Err(visit), _) | (_, Err(visit)) => said.push(say(&UNANSWERED, silence(domain, visit))),
        (Ok(walk), Ok(list)) => {
            let mut sources: Vec<&Source<'_>> = walk.source.iter().chain(&list.source).collect();
            sources.dedup_by_key(|source| source.at);
            if sources.is_empty() {
                said.push(say(&PRESENT, Args::none()));
            }
            for source in sources.into_iter().filter(|source| is_told_here(source.at)) {
                said.extend(findings(source).into_iter().map(|(outcome, args)| say_at(outcome, source.at, args)));
            }
            said.extend(differences(&walk, &list).map(|(outcome, args)| say(outcome, args)));
        }
    }
    if said.is_empty() {
        let args = Args::none().and("name", domain);
        said.push(Statement::passed(Subject::Name(domain.to_string())).args(args).evidence(discovery.evidence()));
    }
    said
}

const IGNORED: Text = Text { en: "receivers ignore it", ja: "受信側に無視される" };
const AS_NONE: Text = Text { en: "it counts as p=none", ja: "p=none として扱われる" };

/// What is wrong with the record that applies.
fn findings(source: &Source<'_>) -> Vec<(&'static Outcome, Args)> {
    let record = source.record;
    let is_policy = |fault: &&Fault<Reason>| fault.reason == Reason::Policy;
    let (policy, rest): (Vec<_>, Vec<_>) = record.faults.iter().partition(is_policy);
    let own = |faults: Vec<&Fault<Reason>>| faults.into_iter().cloned().collect::<Vec<_>>();
    let mut found = Vec::new();
    if !policy.is_empty() {
        let effect = if source.policy.is_some() { AS_NONE } else { IGNORED };
        found.push((&SYNTAX, Args::none().with("effect", effect).with("faults", tell(&own(policy)))));
    }
    if !rest.is_empty() {
        found.push((&VALUE, Args::none().with("faults", tell(&own(rest)))));
    }
    if let Some(policy) = source.policy.filter(|policy| record.is_trial && *policy != policy.on_trial()) {
        found.push((&TRIAL, Args::none().and("policy", policy).and("weaker", policy.on_trial())));
    }
    if !record.removed.is_empty() {
        let tags = record.removed.iter().map(|tag| format!("{}={}", tag.name, tag.value));
        found.push((&REMOVED, Args::none().with("tags", Value::list(tags))));
    }
    found
}

/// How the two ways of discovery differ, if they find anything at all.
fn differences(walk: &Ruling<'_>, list: &Ruling<'_>) -> Option<(&'static Outcome, Args)> {
    let policy = |ruling: &Ruling<'_>| ruling.source.as_ref().and_then(|source| source.policy);
    if policy(walk) != policy(list) {
        return Some((&DIFF, Args::none().with("walk", told(walk)).with("list", told(list))));
    }
    let found_any = walk.source.is_some() || list.source.is_some();
    let args = || Args::none().and("walk", &walk.organization).and("list", &list.organization);
    (found_any && walk.organization != list.organization).then(|| (&ORGANIZATION, args()))
}

fn told(ruling: &Ruling<'_>) -> Value {
    match &ruling.source {
        None => Text { en: "there is none", ja: "なし" }.into(),
        Some(Source { at, policy: None, .. }) => Value::both(
            format!("none, because the record at _dmarc.{at} is ignored"),
            format!("なし (_dmarc.{at} のレコードは無視される)"),
        ),
        Some(Source { at, policy: Some(policy), .. }) => {
            Value::both(format!("{policy}, from _dmarc.{at}"), format!("{policy} (_dmarc.{at} による)"))
        }
    }
}
