//! TTLs: when the last cache will have forgotten what the records that change say today.

use chrono::{DateTime, FixedOffset, TimeDelta};
use futures::FutureExt;
use futures::future::join_all;

use super::spf_sender::supposed;
use crate::changing::{Role, Watched, changing};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Level, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::{Ask, Question, Route};
use crate::spf::{Envelope, Evaluator, SpfResult};
use crate::zone_servers::cannot_walk;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dns-ttl",
        title: Text {
            en: "Caches forget the old records before the cutover",
            ja: "変わるレコードの古い内容が、切り替えまでにキャッシュから消える",
        },
        short: Text { en: "TTL", ja: "TTL の長さ" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A cache keeps an answer for its TTL. Whoever asked shortly before the switch goes on using the old server, the old SPF record or the old certificate's fingerprint for that long.",
            ja: "キャッシュは応答を TTL の間保持する。切り替えの直前に問い合わせた相手は、その間、古いサーバー、古い SPF、古い証明書の指紋を使い続ける。",
        },
        how: Text {
            en: "The TTL of every RRset that changes is read from the zone's own servers, because a cache shows only what is left of it. It is compared with dns.ttl_target and with the time until cutover_at; dns.lowered_at and dns.old_ttl tell when answers from before the lowering have expired.",
            ja: "変わる RRset の TTL をゾーンの権威サーバーから読む (キャッシュの TTL は残り時間でしかない)。dns.ttl_target および cutover_at までの時間と比べる。TTL を下げる前の応答がいつ消えるかは dns.lowered_at と dns.old_ttl から求める。",
        },
        by_hand: "dig +trace +nodnssec {name} {rtype}",
        references: &[
            Reference { title: "RFC 1035, section 3.2.1", url: "https://www.rfc-editor.org/rfc/rfc1035#section-3.2.1" },
            Reference { title: "RFC 2181, section 8", url: "https://www.rfc-editor.org/rfc/rfc2181#section-8" },
            Reference { title: "RFC 8767: stale answers", url: "https://www.rfc-editor.org/rfc/rfc8767" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&LOWERED, &NOT_LOWERED, &TARGET, &WINDOW, &TAIL, &STILL_LOW, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

/// What can no longer be helped before the cutover is no blocker after it.
const BLOCKER: Levels = Levels::BLOCKER.after(Level::Note);
const WARNING: Levels = Levels::WARNING.after(Level::Note);

static LOWERED: Outcome = Outcome {
    tag: "dns-ttl-lowered",
    levels: BLOCKER,
    says: Text {
        en: "{rtype} {name} ({reason}) has a TTL of {ttl} s: caches that ask now keep the old record beyond the cutover, until {until} at the latest",
        ja: "{name} の {rtype} ({reason}) の TTL が {ttl} 秒である。いま問い合わせたキャッシュには、切り替え後も古い内容が残る (TTL を下げなければ最長で {until} まで)",
    },
    remedy: Text {
        en: "Lower the TTL to {target} s now and postpone the cutover to {safe} or later, or accept that stale answers live until {until}.",
        ja: "いますぐ TTL を {target} 秒に下げて切り替えを {safe} 以降に延期するか、{until} まで古い応答が残ることを受け入れる。",
    },
};

static NOT_LOWERED: Outcome = Outcome {
    tag: "dns-ttl-not-lowered",
    levels: WARNING,
    says: Text {
        en: "the plan says that the TTLs were lowered at {lowered}, but {rtype} {name} ({reason}) still has {ttl} s",
        ja: "計画では {lowered} に TTL を下げたことになっているが、{name} の {rtype} ({reason}) の TTL はまだ {ttl} 秒である",
    },
    remedy: Text {
        en: "Lower the TTL to {target} s before {latest}, and see whether the change reached all servers of the zone.",
        ja: "{latest} までに TTL を {target} 秒に下げる。変更がゾーンの全サーバーに届いたかも確かめる。",
    },
};

static TARGET: Outcome = Outcome {
    tag: "dns-ttl-target",
    levels: WARNING,
    says: Text {
        en: "{rtype} {name} ({reason}) has a TTL of {ttl} s, more than the {target} s that the plan wants at the cutover",
        ja: "{name} の {rtype} ({reason}) の TTL が {ttl} 秒で、切り替え時に計画が求める {target} 秒より長い",
    },
    remedy: Text {
        en: "Lower the TTL to {target} s before {latest}; later it is too late for this cutover.",
        ja: "{latest} までに TTL を {target} 秒に下げる。それより後では今回の切り替えに間に合わない。",
    },
};

static WINDOW: Outcome = Outcome {
    tag: "dns-ttl-window",
    levels: BLOCKER,
    says: Text {
        en: "with the TTLs lowered from {old} s at {lowered}, answers from before that live until {safe}, which is after the cutover",
        ja: "TTL を {old} 秒から下げる時刻が {lowered} では、それ以前の応答が {safe} まで残り、切り替えに間に合わない",
    },
    remedy: Text {
        en: "Postpone the cutover to {safe} or later, or accept stale answers until then.",
        ja: "切り替えを {safe} 以降に延期するか、それまで古い応答が残ることを受け入れる。",
    },
};

static TAIL: Outcome = Outcome {
    tag: "dns-ttl-tail",
    levels: Levels::NOTE,
    says: Text {
        en: "caches may give the old answer for {rtype} {name} until {until}",
        ja: "{name} の {rtype} は、{until} までキャッシュから古い内容が返ることがある",
    },
    remedy: Text {
        en: "Keep the old server running at least until {until}; some resolvers keep answers longer than they should (RFC 8767).",
        ja: "少なくとも {until} までは旧サーバーを動かしておく。応答を TTL より長く使うリゾルバーもある (RFC 8767)。",
    },
};

static STILL_LOW: Outcome = Outcome {
    tag: "dns-ttl-still-low",
    levels: Levels::NOTE,
    says: Text {
        en: "a week after the cutover the TTL of {rtype} {name} is still {ttl} s",
        ja: "切り替えから 1 週間が過ぎたが、{name} の {rtype} の TTL はまだ {ttl} 秒である",
    },
    remedy: Text {
        en: "Raise the TTL again (an hour to a day) when nobody thinks of going back any more.",
        ja: "旧サーバーに戻す可能性がなくなったら、TTL を元 (1 時間から 1 日) に戻す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-ttl-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the TTL of {rtype} {name} ({reason}) could not be read from the zone's servers: {why}",
        ja: "{name} の {rtype} ({reason}) の TTL をゾーンのサーバーから読めない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {name} answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーが応答するか調べる。",
    },
};

const NO_WALK: Text = Text {
    en: "the root and its delegations cannot be asked from here, and the TTL in a resolver's cache is only what is left of it",
    ja: "ここからはルートと委任先に直接問い合わせできず、リゾルバーのキャッシュにある TTL は残り時間でしかない",
};

const NOT_SAID_WHEN: Text = Text {
    en: "the plan does not say when the TTLs were lowered, and from what (dns.lowered_at and dns.old_ttl): caches may hold older answers for longer than today's TTL",
    ja: "計画に TTL を下げた時刻と下げる前の値 (dns.lowered_at と dns.old_ttl) がない。現在の TTL より長く古い応答を保持するキャッシュがあり得る",
};

const CHANGES_BEFORE: Text = Text {
    en: "the id changes with the policy, before the cutover and not at it",
    ja: "id を変えるのはポリシーの更新時であり、切り替えより前に済ませる",
};

const NOTHING_CHANGES: Text = Text {
    en: "everything that is published is already as it will be after the cutover",
    ja: "公開中のレコードはすでに切り替え後と同じである",
};

/// A TTL that is still low so long after the cutover was forgotten.
const FORGOTTEN: TimeDelta = TimeDelta::days(7);

async fn ask(context: &Context) -> Vec<Statement> {
    let changing = changing(context).await;
    let needed = join_all(changing.iter().map(|one| must_change(context, one))).await;
    let changing: Vec<&Watched> =
        changing.iter().zip(needed).filter_map(|(one, needed)| needed.then_some(one)).collect();
    let mut said = join_all(changing.iter().map(|one| ask_one(context, one))).await;
    if changing.is_empty() {
        said.push(Statement::not_applicable(Subject::Run, NOTHING_CHANGES));
    } else if context.phase == Phase::Before {
        said.push(judge_window(context));
    }
    said
}

/// Whether the record itself must change: an SPF record that passes the new senders as soon as MX and A change may stay, and
/// caches may keep it.
async fn must_change(context: &Context, one: &Watched) -> bool {
    if one.role != Role::Spf || !one.reply.is_definite() || context.phase == Phase::After {
        return true;
    }
    let evaluator = Evaluator::published(context.dns.clone()).supposing(supposed(&context.plan));
    let each = context.plan.new.iter().filter(|address| address.sends).map(|address| {
        let envelope = Envelope::new(address.ip, address.helo.as_str(), format!("postmaster@{}", one.name));
        let evaluator = &evaluator;
        async move { evaluator.check_host(&envelope).await.result == SpfResult::Pass }
    });
    !join_all(each).await.into_iter().all(|passes| passes)
}

async fn ask_one(context: &Context, one: &Watched) -> Statement {
    let subject = Subject::Name(one.name.to_string());
    let about = one.rtype.to_string();
    let Ok(question) = Question::new(&one.name, one.rtype) else {
        return Statement::not_applicable(subject, NOTHING_CHANGES).about(about);
    };
    let reply = context.dns.ask(Ask::new(question).via(Route::Authority)).await;
    let evidence = [reply.observation];
    let args = Args::none()
        .and("name", &one.name)
        .and("rtype", one.rtype)
        .with("reason", one.role.reason())
        .and("target", context.plan.dns.ttl_target.num_seconds());
    let statement = match reply.ttl {
        Some(ttl) if reply.is_definite() => match judge(&times(context), ttl) {
            None => Statement::passed(subject),
            // The check of MTA-STS blocks until the policy names the new host; from then on nothing changes here.
            Some(outcome) if std::ptr::eq(outcome, &LOWERED) && one.role == Role::MtaSts => {
                Statement::not_applicable(subject, CHANGES_BEFORE)
            }
            Some(outcome) => Statement::outcome(outcome, subject).args(with_times(context, args, ttl)),
        },
        _ if one.reply.is_definite() && cannot_walk(context, &reply.question.name).await => {
            Statement::not_covered(subject, NO_WALK)
        }
        _ => Statement::outcome(&UNANSWERED, subject).args(args.with("why", reply.why())),
    };
    statement.about(about).evidence(evidence)
}

/// What a TTL is judged by.
struct Times {
    phase: Phase,
    now: DateTime<FixedOffset>,
    cutover: DateTime<FixedOffset>,
    target: TimeDelta,
    lowered: Option<DateTime<FixedOffset>>,
    /// When the answers from before the lowering have expired.
    expired: Option<DateTime<FixedOffset>>,
}

impl Times {
    /// When the last cache forgets what was published before the cutover.
    fn end_of_tail(&self, ttl: TimeDelta) -> DateTime<FixedOffset> {
        let end = self.cutover + ttl;
        self.expired.map_or(end, |expired| end.max(expired))
    }
}

fn times(context: &Context) -> Times {
    let dns = &context.plan.dns;
    Times {
        phase: context.phase,
        now: context.now,
        cutover: context.plan.cutover_at,
        target: dns.ttl_target,
        lowered: dns.lowered_at,
        expired: dns.lowered_at.zip(dns.old_ttl).map(|(lowered, old)| lowered + old),
    }
}

/// What a TTL means at this time; nothing if it is as it should be.
fn judge(times: &Times, ttl: u32) -> Option<&'static Outcome> {
    let ttl = TimeDelta::seconds(i64::from(ttl));
    let left = times.cutover - times.now;
    match times.phase {
        Phase::After if times.now < times.end_of_tail(ttl) => Some(&TAIL),
        Phase::After if times.now >= times.cutover + FORGOTTEN && ttl <= times.target => Some(&STILL_LOW),
        Phase::Before if ttl <= times.target => None,
        Phase::Before if ttl > left => Some(&LOWERED),
        Phase::Before if times.lowered.is_some_and(|lowered| lowered <= times.now) => Some(&NOT_LOWERED),
        Phase::Before => Some(&TARGET),
        Phase::After => None,
    }
}

fn with_times(context: &Context, args: Args, ttl: u32) -> Args {
    let seconds = TimeDelta::seconds(i64::from(ttl));
    let cutover = context.plan.cutover_at;
    let lowered = context.plan.dns.lowered_at.map_or_else(|| "–".to_owned(), |at| context.clock(at));
    args.and("ttl", ttl)
        .and("until", context.clock(times(context).end_of_tail(seconds)))
        .and("latest", context.clock(cutover - seconds))
        .and("safe", context.clock(context.now + seconds))
        .with("lowered", Value::plain(lowered))
}

/// Whether the answers from before the lowering will have expired.
fn judge_window(context: &Context) -> Statement {
    let dns = &context.plan.dns;
    let (Some(lowered), Some(old)) = (dns.lowered_at, dns.old_ttl) else {
        return Statement::not_covered(Subject::Run, NOT_SAID_WHEN);
    };
    let safe = lowered + old;
    if safe <= context.plan.cutover_at {
        return Statement::passed(Subject::Run);
    }
    let args = Args::none()
        .and("name", &context.plan.hostname)
        .and("rtype", "A")
        .and("lowered", context.clock(lowered))
        .and("old", old.num_seconds())
        .and("safe", context.clock(safe));
    Statement::outcome(&WINDOW, Subject::Run).args(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    /// Four hours of the old TTL, if they were lowered.
    fn said(phase: Phase, now: &str, ttl: u32, lowered: Option<&str>) -> Option<&'static str> {
        let lowered = lowered.map(time);
        let times = Times {
            phase,
            now: time(now),
            cutover: time("2026-12-05T22:00:00+09:00"),
            target: TimeDelta::minutes(5),
            lowered,
            expired: lowered.map(|at| at + TimeDelta::hours(4)),
        };
        judge(&times, ttl).map(|outcome| outcome.tag)
    }

    /// Lost if it fails: a cutover would be stopped by TTLs that can still be lowered, or not by those that cannot.
    #[test]
    fn before_the_cutover() {
        let hour_before = "2026-12-05T12:00:00Z";
        let before = |now, ttl| said(Phase::Before, now, ttl, None);
        assert_eq!(before("2026-12-01T10:00:00+09:00", 3600), Some("dns-ttl-target"));
        assert_eq!(before(hour_before, 3600), Some("dns-ttl-target"), "the last moment");
        assert_eq!(before(hour_before, 3601), Some("dns-ttl-lowered"));
        assert_eq!(before(hour_before, 300), None);
        assert_eq!(before("2026-12-05T21:59:00+09:00", 300), None, "longer than what is left, but as planned");
        assert_eq!(before("2026-12-05T21:59:00+09:00", u32::MAX >> 1), Some("dns-ttl-lowered"));
        let lowered = |at| said(Phase::Before, "2026-12-04T22:00:00+09:00", 3600, Some(at));
        assert_eq!(lowered("2026-12-04T21:00:00+09:00"), Some("dns-ttl-not-lowered"));
        assert_eq!(lowered("2026-12-05T10:00:00+09:00"), Some("dns-ttl-target"), "it was not due yet");
    }

    /// Lost if it fails: the old server would be switched off while caches still send mail to it.
    #[test]
    fn after_the_cutover() {
        let after = |now, ttl| said(Phase::After, now, ttl, None);
        assert_eq!(after("2026-12-05T22:04:59+09:00", 300), Some("dns-ttl-tail"));
        assert_eq!(after("2026-12-05T22:05:00+09:00", 300), None);
        assert_eq!(after("2026-12-12T22:00:00+09:00", 300), Some("dns-ttl-still-low"));
        assert_eq!(after("2026-12-12T22:00:00+09:00", 3600), None);
        let lowered_late = |now| said(Phase::After, now, 300, Some("2026-12-05T20:00:00+09:00"));
        assert_eq!(lowered_late("2026-12-05T23:59:00+09:00"), Some("dns-ttl-tail"), "from before the TTL was lowered");
        assert_eq!(lowered_late("2026-12-06T00:00:00+09:00"), None);
    }
}
