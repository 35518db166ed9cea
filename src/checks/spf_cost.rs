//! What evaluating the SPF record of each MAIL FROM domain costs: beyond the limits the result is "permerror".

use futures::FutureExt;
use futures::future::join_all;

use super::spf_record::{NO_RECORD, domains, senders, survey, unread};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::spf::{Envelope, Evaluation, Evaluator, Limits, SpfResult, Step, Survey, Unfollowed, Visit};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "spf-cost",
        title: Text {
            en: "Each SPF record stays within the limits of its evaluation",
            ja: "各 SPF レコードが評価の上限に収まっている",
        },
        short: Text { en: "SPF limits", ja: "SPF の上限" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers stop after ten terms that ask the DNS, and after two lookups that find nothing, and answer with permerror: mail that would have passed fails. One more include on the day of the cutover is often the one too many.",
            ja: "受信側は DNS を引く項が 10 個を超えるか、結果のない DNS 参照 (void lookup) が 2 回を超えると評価を打ち切り、permerror とする。合格するはずのメールも不合格になる。切り替え当日に加えた include が最後の 1 つになることが多い。",
        },
        how: Text {
            en: "The whole tree of records is counted as if nothing matched. Then an address that nobody has (0.0.0.0, and :: if the plan sends by IPv6) is evaluated, and the names that lead nowhere are counted; those that depend on the message are left out.",
            ja: "どの項も一致しないものとして、レコードの木全体を数える。次に、誰も使わないアドレス (0.0.0.0、IPv6 で送信する計画なら :: も) で評価し、結果のない名前を数える。メッセージによって変わる名前は数えない。",
        },
        by_hand: "dig +short {name} TXT",
        references: &[Reference {
            title: "RFC 7208, section 4.6.4",
            url: "https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&LOOKUPS, &NEAR, &VOID, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static LOOKUPS: Outcome = Outcome {
    tag: "spf-lookups",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the SPF record of {name} takes {count} terms that ask the DNS; {limit} are allowed",
        ja: "{name} の SPF レコードの評価には DNS を引く項が{count}必要である。上限は {limit} 個",
    },
    remedy: Text {
        en: "Take includes out that send no more, and write ip4: and ip6: instead of a, mx and includes of your own; --verbose shows what each term costs.",
        ja: "もう送信に使わない include を外し、自社の a、mx、include は ip4: と ip6: に置き換える。--verbose を付けると項ごとの個数が表示される。",
    },
};

static NEAR: Outcome = Outcome {
    tag: "spf-lookups-near",
    levels: Levels::WARNING,
    says: Text {
        en: "the SPF record of {name} takes {count} terms that ask the DNS, and {limit} are allowed: somebody else's change can break it",
        ja: "{name} の SPF レコードの評価には DNS を引く項が{count}必要である。上限は {limit} 個で、他社の変更により超えうる",
    },
    remedy: Text {
        en: "Replace a, mx and includes of your own by ip4: and ip6: before you add anything.",
        ja: "何かを追加する前に、自社の a、mx、include を ip4: と ip6: に置き換える。",
    },
};

static VOID: Outcome = Outcome {
    tag: "spf-void",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the SPF record of {name} leads to {count} names without an answer, and {limit} are allowed: {names}",
        ja: "{name} の SPF レコードの参照先のうち {count} 個の名前に結果がない。上限は {limit} 個: {names}",
    },
    remedy: Text {
        en: "Take the terms with these names out of the record, or publish what they should lead to.",
        ja: "これらの名前を参照する項をレコードから外すか、参照先のレコードを登録する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "spf-cost-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "what the SPF record of {name} costs is not known: {why}",
        ja: "{name} の SPF レコードの評価に必要な DNS 参照の数を確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers answer, and take terms out whose names they do not answer for.",
        ja: "再実行する。変わらなければネームサーバーが応答するか調べ、応答のない名前を参照する項を外す。",
    },
};

/// So many are already a warning: one is left.
const NEAR_LIMIT: u32 = 9;
/// Enough to count on where an evaluation would stop.
const MANY_VOIDS: u32 = 60;

async fn ask(context: &Context) -> Vec<Statement> {
    let each = domains(context).iter().map(|domain| async move {
        let survey = survey(context, domain).await;
        if survey.root.problem.as_ref().is_some_and(|problem| !problem.cause.is_temporary()) {
            return vec![Statement::not_applicable(Subject::Name(domain.to_string()), NO_RECORD)];
        }
        let strangers = match survey.root.problem {
            Some(_) => Vec::new(),
            None => strangers(context, domain).await,
        };
        judge(domain, &survey, &strangers)
    });
    join_all(each).await.concat()
}

/// The evaluation of an address that nobody has, for each family that the plan sends by, past the limit of empty answers.
async fn strangers(context: &Context, domain: &DomainName) -> Vec<Evaluation> {
    let limits = Limits { voids: MANY_VOIDS, ..Limits::default() };
    let evaluator = Evaluator::published(context.dns.clone()).within(limits);
    let v4 = std::net::IpAddr::from(std::net::Ipv4Addr::UNSPECIFIED);
    let v6 = std::net::IpAddr::from(std::net::Ipv6Addr::UNSPECIFIED);
    let senders = senders(context);
    let nobody = [v4, v6].into_iter().filter(|ip| senders.iter().any(|sender| sender.is_ipv4() == ip.is_ipv4()));
    let evaluations = nobody.map(|ip| {
        let envelope = Envelope::new(ip, context.plan.hostname.as_str(), format!("postmaster@{domain}"));
        let evaluator = evaluator.clone();
        async move { evaluator.check_host(&envelope).await }
    });
    join_all(evaluations).await
}

fn judge(domain: &DomainName, survey: &Survey, strangers: &[Evaluation]) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    let args = Args::none().and("name", domain);
    let evidence = survey.root.all().into_iter().filter_map(|branch| branch.query.as_ref()?.observation);
    let evidence: Vec<_> = evidence.collect();
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence.iter().copied())
    };
    let mut said = Vec::new();
    let turns = survey
        .root
        .all()
        .into_iter()
        .any(|branch| branch.leaves.iter().any(|leaf| leaf.unfollowed == Some(Unfollowed::Loop)));
    let counted = args.clone().with("count", count(survey, turns)).and("limit", survey.limit);
    if turns || survey.lookups > survey.limit {
        said.push(say(&LOOKUPS, counted).details(survey.details()));
    } else if let Some((target, why)) = unread(survey) {
        let why = Value::both(
            format!("{target}: {}", why.in_lang(crate::model::Lang::En)),
            format!("{target}: {}", why.in_lang(crate::model::Lang::Ja)),
        );
        return vec![say(&UNANSWERED, args.with("why", why)).details(survey.details())];
    } else if survey.lookups >= NEAR_LIMIT {
        said.push(say(&NEAR, counted).details(survey.details()));
    }
    let limit = Limits::default().voids;
    let counted = strangers.iter().map(|stranger| (voids(&stranger.root), stranger));
    let worst = counted.max_by_key(|(voids, _)| voids.len());
    let silent = strangers.iter().find(|evaluation| evaluation.result == SpfResult::TempError);
    match worst {
        Some((voids, stranger)) if voids.len() > usize::try_from(limit).unwrap_or(usize::MAX) => {
            let args = args.and("count", voids.len()).and("limit", limit).with("names", Value::list(voids));
            said.push(say(&VOID, args).evidence(stranger.observations()).details(stranger.details()));
        }
        _ => said.extend(silent.map(|silent| {
            say(&UNANSWERED, args.with("why", silent.how())).evidence(silent.observations()).details(silent.details())
        })),
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).evidence(evidence).details(survey.details()));
    }
    said
}

/// How many terms it takes, as far as that can be counted.
fn count(survey: &Survey, turns: bool) -> Value {
    let count = survey.lookups;
    match (turns, survey.is_complete) {
        (true, _) => Value::both("endlessly many, in a circle,", "無数に (参照が循環している) "),
        (false, true) => Value::both(count, format!(" {count} 個")),
        (false, false) => Value::both(format!("at least {count}"), format!("少なくとも {count} 個")),
    }
}

/// The questions of an evaluation that were answered with nothing, name and type; not those that depend on the message.
fn voids(visit: &Visit) -> Vec<String> {
    let is_fixed = |step: &&Step| {
        let name = step.term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        !step.term.contains('%') && !name.starts_with("ptr")
    };
    visit
        .all()
        .into_iter()
        .flat_map(|visit| visit.steps.iter().filter(is_fixed))
        .flat_map(|step| &step.queries)
        .filter(|query| matches!(query.outcome.as_str(), "nodata" | "nxdomain"))
        .map(|query| format!("{} {}", query.name, query.rtype))
        .collect()
}
