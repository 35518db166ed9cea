//! Would mail from the new server be aligned with the domain in its From line? A judgement on identities only.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::join_all;

use super::dmarc::silence;
use crate::check::{Check, Context, Run};
use crate::dmarc::{Discovery, Visit, discover};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::records::dmarc::{Policy, Record};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dmarc-align",
        title: Text {
            en: "Mail from the new server is aligned with its From domain, by SPF and by DKIM",
            ja: "新サーバーからのメールが SPF と DKIM の両方で From ドメインと整合する (アライメント)",
        },
        short: Text { en: "alignment", ja: "アライメント" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "SPF and DKIM may both pass and DMARC still fail, because they vouch for another domain than the reader sees. One aligned leg is enough, but forwarding breaks SPF and lists break DKIM.",
            ja: "SPF と DKIM がともに成功しても、読み手に見える From と別のドメインを証明していれば DMARC は失敗する。片方が整合すれば足りるが、転送では SPF が、メーリングリストでは DKIM が崩れる。",
        },
        how: Text {
            en: "For every domain of the plan, mail_from (else the domain itself) and the domains under dkim are compared with it: identical for aspf=s and adkim=s, else of the same organization by the tree walk of RFC 9989. Whether SPF and DKIM pass is judged by other checks.",
            ja: "計画のドメインごとに、mail_from (なければそのドメイン自身) と dkim のドメインを比べる。aspf=s、adkim=s なら同一、それ以外は RFC 9989 の方式で求めた組織ドメインが同じであればよい。SPF や DKIM の成否は別の検査が判定する。",
        },
        by_hand: "dig +short _dmarc.{name} TXT",
        references: &[
            Reference {
                title: "RFC 9989, section 4.10.2",
                url: "https://www.rfc-editor.org/rfc/rfc9989#section-4.10.2",
            },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&ALIGN, &ALIGN_NONE, &ALIGN_ONE, &DKIM_UNKNOWN, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static ALIGN: Outcome = Outcome {
    tag: "dmarc-align",
    levels: Levels::BLOCKER,
    says: Text {
        en: "mail from {name} would fail DMARC, whose policy is {policy}: MAIL FROM is {spf}, and DKIM signs as {dkim}",
        ja: "{name} からのメールは DMARC に失敗する (ポリシーは {policy})。MAIL FROM は {spf}、DKIM の署名ドメインは {dkim} である",
    },
    remedy: Text {
        en: "Sign mail from {name} with a key of {name} (d={name}), or send it with a MAIL FROM of {name}; then name them under [auth] in the plan.",
        ja: "{name} からのメールに {name} の鍵 (d={name}) で署名するか、MAIL FROM を {name} にする。そのうえで計画の [auth] に書く。",
    },
};

static ALIGN_NONE: Outcome = Outcome {
    tag: "dmarc-align-none",
    levels: Levels::WARNING,
    says: Text {
        en: "mail from {name} would fail DMARC, though the policy is still none: MAIL FROM is {spf}, and DKIM signs as {dkim}",
        ja: "{name} からのメールは DMARC に失敗する (ポリシーはまだ none)。MAIL FROM は {spf}、DKIM の署名ドメインは {dkim} である",
    },
    remedy: Text {
        en: "Sign mail from {name} with a key of {name} (d={name}), or send it with a MAIL FROM of {name}, before the policy is tightened; Gmail and Outlook.com ask bulk senders for it now.",
        ja: "ポリシーを厳しくする前に、{name} からのメールに {name} の鍵 (d={name}) で署名するか、MAIL FROM を {name} にする。Gmail と Outlook.com は大量送信者に今から求めている。",
    },
};

static ALIGN_ONE: Outcome = Outcome {
    tag: "dmarc-align-one",
    levels: Levels::WARNING,
    says: Text {
        en: "mail from {name} is aligned by {leg} only: MAIL FROM is {spf}, and DKIM signs as {dkim}",
        ja: "{name} からのメールは {leg} でしか整合しない。MAIL FROM は {spf}、DKIM の署名ドメインは {dkim} である",
    },
    remedy: Text {
        en: "Align the other leg too, {other}: whatever breaks {leg} on the way then costs no mail.",
        ja: "もう一方も整合させる ({other})。途中で {leg} が崩れてもメールが失われなくなる。",
    },
};

static DKIM_UNKNOWN: Outcome = Outcome {
    tag: "dmarc-align-dkim-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether mail from {name} would pass DMARC, whose policy is {policy}, is not known: MAIL FROM is {spf}, which is not aligned, and the plan names no DKIM selectors",
        ja: "{name} からのメールが DMARC (ポリシーは {policy}) を通るか確認できない。MAIL FROM の {spf} は整合せず、計画に DKIM セレクターがない",
    },
    remedy: Text {
        en: "Write under [auth] which selectors will sign: dkim = { \"{name}\" = [\"selector\"] }.",
        ja: "署名に使うセレクターを [auth] に書く: dkim = { \"{name}\" = [\"セレクター\"] }。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dmarc-align-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether mail from {name} is aligned is not known, because _dmarc.{at} was not answered: {why}",
        ja: "{name} からのメールが整合するか確認できない。_dmarc.{at} の応答が得られない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {at} answer.",
        ja: "再実行する。変わらなければ {at} のネームサーバーが応答するか調べる。",
    },
};

const NO_POLICY: Text = Text {
    en: "no DMARC policy applies, so nothing must be aligned",
    ja: "適用される DMARC ポリシーがなく、整合は問われない",
};
const SPF_ONLY: Text = Text {
    en: "MAIL FROM is aligned; the DKIM leg is not known, because the plan names no selectors ([auth] dkim)",
    ja: "MAIL FROM は整合する。計画に DKIM セレクターがない ([auth] dkim) ため、DKIM 側は確認できない",
};
const NOTHING_KNOWN: Text = Text {
    en: "MAIL FROM is not aligned (the policy is none); the DKIM leg is not known, because the plan names no selectors ([auth] dkim)",
    ja: "MAIL FROM は整合しない (ポリシーは none)。計画に DKIM セレクターがない ([auth] dkim) ため、DKIM 側は確認できない",
};

/// What the mail of one author's domain will be authenticated as.
struct Identities<'a> {
    author: &'a Discovery,
    mail_from: Vec<&'a Discovery>,
    /// Empty if the plan names no selectors.
    signing: Vec<&'a Discovery>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let (plan, auth) = (&context.plan, &context.plan.auth);
    let signing: Vec<&DomainName> =
        auth.dkim.iter().filter(|(_, selectors)| !selectors.is_empty()).map(|(domain, _)| domain).collect();
    let mut all: Vec<&DomainName> = plan.domains.iter().chain(&auth.mail_from).chain(signing.iter().copied()).collect();
    all.sort();
    all.dedup();
    let found = join_all(all.iter().map(|domain| discover(&context.dns, domain))).await;
    let found: BTreeMap<&DomainName, &Discovery> = all.into_iter().zip(&found).collect();
    let known = |domain: &DomainName| found.get(domain).copied();
    let one = |author: &Discovery| {
        let mail_from: Vec<&Discovery> = auth.mail_from.iter().filter_map(known).collect();
        judge(&Identities {
            author,
            mail_from: if mail_from.is_empty() { vec![author] } else { mail_from },
            signing: signing.iter().copied().filter_map(known).collect(),
        })
    };
    plan.domains.iter().filter_map(known).map(one).collect()
}

fn judge(identities: &Identities<'_>) -> Statement {
    let Identities { author, mail_from, signing } = identities;
    let subject = Subject::Name(author.domain.to_string());
    let mut evidence: Vec<ObservationId> =
        [*author].into_iter().chain(mail_from.iter().chain(signing).copied()).flat_map(Discovery::evidence).collect();
    evidence.sort();
    evidence.dedup();
    let args = Args::none()
        .and("name", &author.domain)
        .with("spf", Value::list(mail_from.iter().map(|discovery| &discovery.domain)))
        .with("dkim", Value::list(signing.iter().map(|discovery| &discovery.domain)));
    let unanswered = |visit| Statement::outcome(&UNANSWERED, subject.clone()).args(silence(&author.domain, visit));
    let statement = match applying(author) {
        Err(visit) => unanswered(visit),
        Ok(None) => Statement::not_applicable(subject, NO_POLICY),
        Ok(Some((record, policy))) => {
            let args = args.and("policy", policy);
            let legs =
                (any_aligned(author, mail_from, record.strict_spf), any_aligned(author, signing, record.strict_dkim));
            match legs {
                (Err(visit), _) | (_, Err(visit)) => unanswered(visit),
                (Ok(spf), Ok(_)) if signing.is_empty() => without_selectors(spf, policy, subject, args),
                (Ok(spf), Ok(dkim)) => weigh(spf, dkim, policy, subject, args),
            }
        }
    };
    statement.evidence(evidence)
}

/// The record whose modes count, and the strictest policy that any receiver finds; nothing if none applies.
fn applying(author: &Discovery) -> Result<Option<(&Record, Policy)>, &Visit> {
    let (walk, list) = (author.by_walk()?.source, author.by_list()?.source);
    let policy = [&walk, &list].into_iter().flatten().filter_map(|source| source.policy).max();
    Ok(walk.or(list).map(|source| source.record).zip(policy))
}

/// Whether one of the identities is aligned. Silence about one matters only if no other is.
fn any_aligned<'a>(author: &'a Discovery, others: &[&'a Discovery], strict: bool) -> Result<bool, &'a Visit> {
    let mut silent = None;
    for other in others {
        match author.is_aligned(other, strict) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(visit) => silent = silent.or(Some(visit)),
        }
    }
    silent.map_or(Ok(false), Err)
}

fn without_selectors(spf: bool, policy: Policy, subject: Subject, args: Args) -> Statement {
    match (spf, policy) {
        (true, _) => Statement::not_covered(subject, SPF_ONLY),
        (false, Policy::None) => Statement::not_covered(subject, NOTHING_KNOWN),
        (false, _) => Statement::outcome(&DKIM_UNKNOWN, subject).args(args),
    }
}

fn weigh(spf: bool, dkim: bool, policy: Policy, subject: Subject, args: Args) -> Statement {
    let sign = Text { en: "by signing as the From domain", ja: "From ドメインで署名する" };
    let envelope = Text { en: "by a MAIL FROM of the From domain", ja: "MAIL FROM を From ドメインにする" };
    let (outcome, args) = match (spf, dkim, policy) {
        (true, true, _) => return Statement::passed(subject).args(args),
        (true, false, _) => (&ALIGN_ONE, args.and("leg", "SPF").with("other", sign)),
        (false, true, _) => (&ALIGN_ONE, args.and("leg", "DKIM").with("other", envelope)),
        (false, false, Policy::None) => (&ALIGN_NONE, args),
        (false, false, _) => (&ALIGN, args),
    };
    Statement::outcome(outcome, subject).args(args)
}
