//! Whether each sending address passes SPF for each MAIL FROM domain: now, in caches, and when MX and A have changed.

use std::net::IpAddr;

use chrono::{DateTime, FixedOffset, TimeDelta};
use futures::FutureExt;
use futures::future::join_all;

use super::spf_record::{distinct, domains, is_retired};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{
    Args, Card, Detail, DomainName, Lang, Level, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value,
};
use crate::plan::{Address, Plan};
use crate::probe::{Name, Question, RData, RecordType};
use crate::records::spf::{Kind, Mechanism, Qualifier, Record, Term, fresh};
use crate::spf::{Envelope, Evaluation, Evaluator, Fate, SpfResult, Supposed};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "spf-sender",
        title: Text {
            en: "Each sending address passes SPF as long as mail leaves from it, and no longer",
            ja: "各送信元アドレスが、送信に使う間だけ SPF に合格する",
        },
        short: Text { en: "SPF by address", ja: "SPF の判定" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "The new server sends from the first minute, and caches keep the old record for its TTL: the new addresses must be in it beforehand. The old ones must stay until the old queue is empty, and must go when the address is given back: its next owner could send as you.",
            ja: "新サーバーは切り替え直後から送信し、古いレコードは TTL の間キャッシュに残るので、新アドレスは前もって登録しておく。旧アドレスは、旧サーバーのキューが空になるまで残し、返却したら削除する。次の使用者が詐称できてしまうためである。",
        },
        how: Text {
            en: "check_host() of RFC 7208 is carried out for each address and each MAIL FROM domain, with postmaster as the sender: on what the zones publish now, on what the resolver remembers, and before the cutover once more as if MX were those of the plan and the names of the new servers led to them.",
            ja: "アドレスと MAIL FROM ドメインの組ごとに、送信者を postmaster として RFC 7208 の check_host() を実行する。対象は、ゾーンが現在公開している内容と、リゾルバーのキャッシュにある内容である。切り替え前は、MX が計画どおりになり、新サーバーの名前が新アドレスを指すものと仮定した場合も評価する。",
        },
        by_hand: "dig +short {name} TXT",
        references: &[
            Reference { title: "RFC 7208, section 4", url: "https://www.rfc-editor.org/rfc/rfc7208#section-4" },
            Reference {
                title: "RFC 7208, sections 5.3 and 5.4",
                url: "https://www.rfc-editor.org/rfc/rfc7208#section-5.3",
            },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &NEW_MAILFROM,
            &OLD_OVERLAP,
            &OLD_QUEUE,
            &PERMERROR,
            &MOVING_TARGET,
            &MOVING_AWAY,
            &OLD_LEFT,
            &CACHED,
            &CACHED_LATE,
            &UNANSWERED,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NEW_MAILFROM: Outcome = Outcome {
    tag: "spf-new-mailfrom",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} does not pass SPF for {name}: {how}", ja: "{ip} は {name} の SPF に合格しない: {how}"
    },
    remedy: Text {
        en: "Publish \"{record}\" as the SPF record of {name} now, so that caches have it in time{unless}.",
        ja: "キャッシュへの反映に間に合うよう、{name} の SPF レコードを今のうちに「{record}」に変更する{unless}。",
    },
};

static OLD_OVERLAP: Outcome = Outcome {
    tag: "spf-old-overlap",
    levels: Levels::BLOCKER.old(Level::Blocker),
    says: Text {
        en: "mail leaves from {ip} until {until}, and it does not pass SPF for {name}: {how}",
        ja: "{ip} からは {until} までメールが出るが、{name} の SPF に合格しない: {how}",
    },
    remedy: Text {
        en: "Publish \"{record}\" as the SPF record of {name}, and take {ip} out after {until}{unless}.",
        ja: "{name} の SPF レコードを「{record}」に変更し、{ip} は {until} を過ぎてから外す{unless}。",
    },
};

/// After the cutover only what is left in the queue leaves from there.
static OLD_QUEUE: Outcome = Outcome {
    tag: "spf-old-queue",
    levels: Levels::WARNING.old(Level::Warning),
    says: Text {
        en: "what is left in the queue of {ip} does not pass SPF for {name}: {how}",
        ja: "{ip} のキューに残ったメールは {name} の SPF に合格しない: {how}",
    },
    remedy: Text {
        en: "Publish \"{record}\" as the SPF record of {name} until {until}, or see that the queue of the old server is empty.",
        ja: "{until} まで {name} の SPF レコードを「{record}」にするか、旧サーバーのキューが空であることを確かめる。",
    },
};

static PERMERROR: Outcome = Outcome {
    tag: "spf-permerror",
    levels: Levels::BLOCKER.old(Level::Blocker),
    says: Text {
        en: "for {ip} the SPF record of {name} ends in an error: {how}",
        ja: "{ip} について {name} の SPF レコードの評価がエラーで終わる: {how}",
    },
    remedy: Text { en: "Correct the record of {name}{instead}.", ja: "{name} のレコードを直す{instead}。" },
};

static MOVING_TARGET: Outcome = Outcome {
    tag: "spf-moving-target",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not pass SPF for {name} now ({how}) and will only when MX and A change at the cutover ({later}); receivers with older answers in their caches refuse its first mail",
        ja: "{ip} は今は {name} の SPF に合格せず ({how})、切り替え時に MX と A が変わって初めて合格する ({later})。古い応答をキャッシュに持つ受信側は、切り替え直後のメールを拒否する",
    },
    remedy: Text {
        en: "Publish \"{record}\" as the SPF record of {name} before the cutover.",
        ja: "切り替え前に {name} の SPF レコードを「{record}」に変更する。",
    },
};

static MOVING_AWAY: Outcome = Outcome {
    tag: "spf-moving-away",
    levels: Levels::BLOCKER.old(Level::Warning),
    says: Text {
        en: "{ip} passes SPF for {name} now ({how}) and will no longer when MX and A change at the cutover ({later}), while mail still leaves from it",
        ja: "{ip} は今は {name} の SPF に合格する ({how}) が、切り替え時に MX と A が変わると、まだ送信に使うのに合格しなくなる ({later})",
    },
    remedy: Text {
        en: "Publish \"{record}\" as the SPF record of {name} before the cutover.",
        ja: "切り替え前に {name} の SPF レコードを「{record}」に変更する。",
    },
};

static OLD_LEFT: Outcome = Outcome {
    tag: "spf-old-left",
    levels: Levels::WARNING.old(Level::Warning),
    says: Text {
        en: "{ip} was to be retired at {until} and still passes SPF for {name} ({how}): the next owner of the address can send as you",
        ja: "{ip} は {until} に役目を終えたはずだが、まだ {name} の SPF に合格する ({how})。このアドレスの次の使用者が詐称できる",
    },
    remedy: Text {
        en: "Take {ip} out of the SPF record of {name}{instead}.",
        ja: "{name} の SPF レコードから {ip} を外す{instead}。",
    },
};

static CACHED: Outcome = Outcome {
    tag: "spf-cached",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} passes SPF for {name} by what is published, but not yet by what the resolver remembers ({how}) until {until}",
        ja: "公開されている内容では {ip} は {name} の SPF に合格するが、リゾルバーのキャッシュでは {until} まで合格しない ({how})",
    },
    remedy: Text {
        en: "Wait: these answers expire before the cutover; other caches may have other times.",
        ja: "待つ。この応答は切り替え前に期限が切れる。ほかのキャッシュでは期限が異なることがある。",
    },
};

static CACHED_LATE: Outcome = Outcome {
    tag: "spf-cached-late",
    levels: Levels::WARNING.old(Level::Warning),
    says: Text {
        en: "{ip} passes SPF for {name} by what is published, but not by what the resolver remembers ({how}) until {until}: receivers in the same state refuse its mail",
        ja: "公開されている内容では {ip} は {name} の SPF に合格するが、リゾルバーのキャッシュでは {until} まで合格しない ({how})。同じ状態の受信側はメールを拒否する",
    },
    remedy: Text {
        en: "Hold mail from {ip} back until then, or send it from an address that passes.",
        ja: "それまで {ip} からの送信を控えるか、合格するアドレスから送信する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "spf-sender-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} passes SPF for {name} is not known: {how}",
        ja: "{ip} が {name} の SPF に合格するか確認できない: {how}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers answer: receivers that get no answer defer the mail.",
        ja: "再実行する。変わらなければネームサーバーが応答するか調べる。応答を得られない受信側はメールを保留する。",
    },
};

const NOW: Text = Text { en: "as published now", ja: "現在公開されている内容での評価" };
const LATER: Text =
    Text { en: "when MX and A are as planned", ja: "MX と A が計画どおりになったときの評価" };
const REMEMBERED: Text =
    Text { en: "as the resolver remembers it", ja: "リゾルバーのキャッシュでの評価" };

/// What one address came to for one domain.
struct Seen<'a> {
    address: &'a Address,
    /// By what is published.
    now: Evaluation,
    /// By what the resolver says.
    cached: Evaluation,
    /// By what will be published when MX and A have changed; nothing after the cutover, or if no mail leaves from here then.
    later: Option<Evaluation>,
}

/// What decides which address must pass.
struct Clock {
    now: DateTime<FixedOffset>,
    cutover_at: DateTime<FixedOffset>,
    retires_at: DateTime<FixedOffset>,
    /// Old addresses from which no mail leaves any more.
    retired: Vec<IpAddr>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let (senders, silent): (Vec<&Address>, Vec<&Address>) = context.addresses().partition(|address| address.sends);
    let supposed = supposed(&context.plan);
    let supposed = &supposed;
    let clock = &Clock {
        now: context.now,
        cutover_at: context.plan.cutover_at,
        retires_at: context.plan.overlap_ends(),
        retired: if is_retired(context) { given_back(&context.plan) } else { Vec::new() },
    };
    let senders = &senders;
    let each = domains(context).iter().map(|domain| async move {
        let seen = join_all(senders.iter().map(|address| look(context, address, domain, supposed))).await;
        judge(domain, &seen, clock)
    });
    let mut said = join_all(each).await.concat();
    said.extend(silent.into_iter().map(|address| Statement::not_applicable(subject_of(address), DOES_NOT_SEND)));
    said
}

/// The old addresses that are not new ones too.
fn given_back(plan: &Plan) -> Vec<IpAddr> {
    let is_new = |ip: &IpAddr| plan.new.iter().any(|new| new.sends && new.ip == *ip);
    plan.old.iter().map(|old| old.ip).filter(|ip| !is_new(ip)).collect()
}

async fn look<'a>(context: &Context, address: &'a Address, domain: &DomainName, supposed: &Supposed) -> Seen<'a> {
    let sender = format!("postmaster@{domain}");
    let envelope = Envelope { at: context.now.timestamp(), ..Envelope::new(address.ip, address.helo.as_str(), sender) };
    let published = Evaluator::published(context.dns.clone());
    let remembered = Evaluator::new(context.dns.clone());
    // Without an overlap nothing leaves from the old server when MX and A have changed.
    let is_needed_later = address.side == Side::New || context.plan.overlap_ends() > context.plan.cutover_at;
    let planned = async {
        match context.phase {
            Phase::Before if is_needed_later => {
                Some(published.clone().supposing(supposed.clone()).check_host(&envelope).await)
            }
            _ => None,
        }
    };
    let (now, cached, later) =
        futures::join!(published.check_host(&envelope), remembered.check_host(&envelope), planned);
    Seen { address, now, cached, later }
}

/// What the DNS will say after the cutover as far as the plan tells: the MX of its domains, the addresses of the new names.
pub(super) fn supposed(plan: &Plan) -> Supposed {
    let mut supposed = Supposed::new();
    for domain in &plan.domains {
        let data = plan.planned_mx(domain).into_iter().filter_map(|mx| {
            let host = Name::from_ascii(mx.host.as_str()).ok()?;
            Some(RData::MX(hickory_proto::rr::rdata::MX::new(mx.preference, host)))
        });
        if let Ok(question) = Question::new(domain, RecordType::MX) {
            supposed.insert(question, data.collect());
        }
    }
    for address in &plan.new {
        // A name that moves to servers of one family keeps no address of the other.
        for rtype in [RecordType::A, RecordType::AAAA] {
            if let Ok(question) = Question::new(&address.ptr, rtype) {
                let of_name = supposed.entry(question).or_default();
                match (address.ip, rtype) {
                    (IpAddr::V4(ip), RecordType::A) => of_name.push(RData::A(ip.into())),
                    (IpAddr::V6(ip), RecordType::AAAA) => of_name.push(RData::AAAA(ip.into())),
                    _ => {}
                }
            }
        }
    }
    supposed
}

/// All statements about one domain.
fn judge(domain: &DomainName, seen: &[Seen<'_>], clock: &Clock) -> Vec<Statement> {
    let record = record_for(seen, clock);
    seen.iter().flat_map(|seen| judge_one(domain, seen, clock, record.as_deref())).collect()
}

fn judge_one(domain: &DomainName, seen: &Seen<'_>, clock: &Clock, record: Option<&str>) -> Vec<Statement> {
    let when = |at: DateTime<FixedOffset>| at.format("%Y-%m-%d %H:%M %:z").to_string();
    let args = address_args(seen.address)
        .and("name", domain)
        .with("how", seen.now.how())
        .with("record", Value::quoted_record(record.unwrap_or("v=spf1 …")))
        .with("unless", unless_parked(domain, &seen.now))
        .and("until", when(clock.retires_at));
    let of = |statement: Statement, evaluation: &Evaluation| {
        statement.about(domain.as_str()).evidence(evaluation.observations()).details(evaluation.details())
    };
    let say = |outcome, args: Args, evaluation: &Evaluation| {
        of(Statement::outcome(outcome, subject_of(seen.address)).args(args), evaluation)
    };
    // What is published now beside another state of the world.
    let beside = |outcome, args: Args, other: &Evaluation, state: Text| {
        let both = [Detail::new(NOW).with(seen.now.details()), Detail::new(state).with(other.details())];
        say(outcome, args, &seen.now).evidence(other.observations()).details(both)
    };
    let passed = || of(Statement::passed(subject_of(seen.address)), &seen.now);
    let is_retired = clock.retired.contains(&seen.address.ip);
    let later = seen.later.as_ref().map(|later| (later.result, later));
    let now = seen.now.result;
    let first = match (now, later) {
        (SpfResult::TempError, _) => say(&UNANSWERED, args.clone(), &seen.now),
        (SpfResult::Pass, _) if is_retired => {
            let args = args.clone().with("instead", instead(seen, &clock.retired));
            return vec![say(&OLD_LEFT, args, &seen.now)];
        }
        _ if is_retired => return vec![passed()],
        (SpfResult::PermError, _) => say(&PERMERROR, args.clone().with("instead", in_front(record)), &seen.now),
        (SpfResult::Pass, _) if seen.cached.result == SpfResult::TempError => {
            say(&UNANSWERED, args.clone().with("how", seen.cached.how()), &seen.cached)
        }
        (SpfResult::Pass, Some((SpfResult::TempError, later))) => {
            say(&UNANSWERED, args.clone().with("how", later.how()), later)
        }
        (SpfResult::Pass, None | Some((SpfResult::Pass, _))) => passed(),
        (SpfResult::Pass, Some((_, later))) => {
            beside(&MOVING_AWAY, args.clone().with("later", later.how()), later, LATER)
        }
        (_, Some((SpfResult::Pass, later))) if seen.address.side == Side::New => {
            beside(&MOVING_TARGET, args.clone().with("later", later.how()), later, LATER)
        }
        _ if seen.address.side == Side::New => say(&NEW_MAILFROM, args.clone(), &seen.now),
        _ if seen.later.is_none() => say(&OLD_QUEUE, args.clone(), &seen.now),
        _ => say(&OLD_OVERLAP, args.clone(), &seen.now),
    };
    let mut said = vec![first];
    if now == SpfResult::Pass && !matches!(seen.cached.result, SpfResult::Pass | SpfResult::TempError) {
        let until = expiry(&seen.now, &seen.cached).map(|seconds| clock.now + TimeDelta::seconds(i64::from(seconds)));
        let in_time = seen.address.side == Side::New && until.is_some_and(|until| until <= clock.cutover_at);
        let until = until.map_or_else(
            || Value::both("a time that it does not tell", "不明の時刻"),
            |until| Value::plain(when(until)),
        );
        let args = args.with("how", seen.cached.how()).with("until", until);
        said.push(beside(if in_time { &CACHED } else { &CACHED_LATE }, args, &seen.cached, REMEMBERED));
    }
    said
}

/// When the cache will have forgotten what makes the difference, in seconds from now: the records that differ, or else all
/// that was asked, because an address may differ. Nothing if an answer does not say how long it is kept.
fn expiry(now: &Evaluation, cached: &Evaluation) -> Option<u32> {
    let published: Vec<_> = now.root.all().into_iter().map(|visit| (&visit.domain, &visit.record)).collect();
    let visits = cached.root.all();
    let different = visits.iter().filter(|visit| !published.contains(&(&visit.domain, &visit.record)));
    let mut ttls: Vec<Option<u32>> =
        different.filter_map(|visit| visit.query.as_ref()).map(|query| query.ttl).collect();
    if ttls.is_empty() {
        ttls = cached.queries().into_iter().map(|query| query.ttl).collect();
    }
    ttls.into_iter().collect::<Option<Vec<u32>>>()?.into_iter().max()
}

/// The record to publish: the present one with every address that must pass and does not, old ones as long as they are needed.
fn record_for(seen: &[Seen<'_>], clock: &Clock) -> Option<String> {
    let fails = |evaluation: &&Evaluation| !matches!(evaluation.result, SpfResult::Pass | SpfResult::TempError);
    let failures = |seen: &Seen<'_>| {
        let failed: Vec<Option<usize>> =
            std::iter::once(&seen.now).chain(&seen.later).filter(fails).map(decided_at).collect();
        (!failed.is_empty()).then_some((seen.address.ip, failed))
    };
    let needed: Vec<&Seen<'_>> = seen.iter().filter(|seen| !clock.retired.contains(&seen.address.ip)).collect();
    let Some(text) = seen.iter().find_map(|seen| seen.now.root.record.as_ref()) else {
        let is_absent = seen.iter().any(|seen| seen.now.root.result == SpfResult::None);
        return is_absent.then(|| fresh(&distinct(needed.iter().map(|seen| seen.address.ip)), "~all"));
    };
    let (missing, places): (Vec<IpAddr>, Vec<Vec<Option<usize>>>) =
        needed.iter().filter_map(|seen| failures(seen)).unzip();
    let before = places.into_iter().flatten().flatten().min();
    Record::parse(text.as_bytes()).ok().map(|record| record.allowing(&distinct(missing), before))
}

/// What else may be meant, where the record says of the domain that nobody sends from it.
fn unless_parked(domain: &DomainName, now: &Evaluation) -> Value {
    let record = now.root.record.as_ref().and_then(|text| Record::parse(text.as_bytes()).ok());
    let is_no = |term: &Term| matches!(term.kind, Kind::Directive(Qualifier::Fail, Mechanism::All));
    match record {
        Some(record) if matches!(record.terms.as_slice(), [term] if is_no(term)) => Value::both(
            format!("; if {domain} never sends on purpose, name the domains that do under [auth] mail_from instead"),
            " (意図して送信に使わないドメインなら、代わりに、送信に使うドメインを計画の [auth] mail_from に書く)",
        ),
        _ => Value::plain(""),
    }
}

/// The place of the term in the domain's own record that kept an address from passing.
fn decided_at(evaluation: &Evaluation) -> Option<usize> {
    let decides = |fate: Fate| matches!(fate, Fate::Match(_) | Fate::Followed(_) | Fate::Error);
    evaluation.root.steps.iter().position(|step| decides(step.fate))
}

/// How an error further down can be avoided; a record that has the mistake itself must be mended first.
fn in_front(record: Option<&str>) -> Value {
    match record {
        Some(record) => Value::record_within(
            record,
            (", or put the addresses in front of the term that leads to the error: \"", "\""),
            ("。または、エラーになる項の前にアドレスを置く:「", "」"),
        ),
        None => Value::both(": spf-record says what is wrong with it", " (誤りの内容は spf-record に示す)"),
    }
}

/// What is left of the record without the addresses that have retired, if this one stands there by itself.
fn instead(seen: &Seen<'_>, retired: &[IpAddr]) -> Value {
    let root = &seen.now.root;
    let record = root.record.as_ref().and_then(|text| Record::parse(text.as_bytes()).ok());
    let by_itself = record.filter(|record| record.without(&[seen.address.ip]).is_some());
    match by_itself.and_then(|record| record.without(retired)) {
        Some(record) => Value::record_within(&record, (": publish \"", "\""), (":「", "」を登録する")),
        None => {
            let how = seen.now.how();
            Value::both(
                format!(": it stands in the term that matches ({})", how.in_lang(Lang::En)),
                format!(" (一致した項に含まれている: {})", how.in_lang(Lang::Ja)),
            )
        }
    }
}
