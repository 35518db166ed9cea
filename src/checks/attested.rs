//! What no probe can see and somebody vouches for: who, since when, by which ticket.

use chrono::{NaiveDate, TimeDelta};
use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Statement, Subject, Text, Value, visible};
use crate::plan::Attestation;

/// So long is somebody's word taken without being asked for again.
const FRESH: TimeDelta = TimeDelta::days(90);

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "attested",
        title: Text {
            en: "What no probe can see is attested, and lately",
            ja: "外から確かめられない事項に最近の申告がある",
        },
        short: Text { en: "attestations", ja: "申告" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Whether a partner has changed its allow-list or a provider has lifted its block is not seen from outside. A word that nobody gave, or gave a season ago, is forgotten at the cutover.",
            ja: "取引先が許可リストを変更したか、事業者が制限を解除したかは外から見えない。誰も申告していない事項や、何か月も前の申告は、切り替えのときに忘れられる。",
        },
        how: Text {
            en: "Each entry of [attest] is shown with who said so, when, and the ticket. One with yes = false, of a day to come, or older than 90 days asks for a person. Nothing of it is measured: other checks read some of these names (port25_lifted, t_online_admitted).",
            ja: "[attest] の各項目を、申告者、日付、チケットとともに示す。yes = false のもの、日付が未来のもの、90 日より古いものは人の判断を求める。ここでは何も測定しない。一部の名前 (port25_lifted、t_online_admitted) は他の検査が読む。",
        },
        by_hand: "grep -n -A20 '\\[attest\\]' PLAN",
        references: &[],
        needs: Needs::Plan,
        waivable: true,
        outcomes: &[&NOT_YET, &FUTURE, &OLD, &GIVEN],
    },
    run: Run::World(|context| async move { judge(&context) }.boxed()),
};

static NOT_YET: Outcome = Outcome {
    tag: "attest-no",
    levels: Levels::WARNING,
    says: Text {
        en: "{by} says that {name} does not hold{when}",
        ja: "{by} は {name} を「いいえ」と申告している{when}",
    },
    remedy: Text {
        en: "Settle it and write yes = true with the day and the ticket; or waive attest-no with about = \"{name}\".",
        ja: "解決してから、日付とチケットを添えて yes = true と書く。または about = \"{name}\" として attest-no を受容する。",
    },
};

static FUTURE: Outcome = Outcome {
    tag: "attest-future",
    levels: Levels::WARNING,
    says: Text {
        en: "{by} attests {name}{when}: that day has not come",
        ja: "{by} による {name} の申告{when} は日付が未来である",
    },
    remedy: Text {
        en: "Correct the day under `on`; nobody can vouch for what is to come.",
        ja: "on の日付を直す。これから起きることは誰も保証できない。",
    },
};

static OLD: Outcome = Outcome {
    tag: "attest-old",
    levels: Levels::WARNING,
    says: Text {
        en: "{by} attested {name}{when}: that is more than {days} days ago",
        ja: "{by} による {name} の申告{when} は {days} 日より前のものである",
    },
    remedy: Text {
        en: "Ask {by} whether it still holds, and write today's date under `on`.",
        ja: "今も変わらないか {by} に確かめ、on に今日の日付を書く。",
    },
};

static GIVEN: Outcome = Outcome {
    tag: "attest-given",
    levels: Levels::NOTE,
    says: Text { en: "{by} attests {name}{when}", ja: "{by} が {name} を申告している{when}" },
    remedy: Text {
        en: "Nothing need be done; ask again when 90 days have passed.",
        ja: "対処は不要である。90 日を過ぎたら改めて確かめる。",
    },
};

fn judge(context: &Context) -> Vec<Statement> {
    if context.plan.attest.is_empty() {
        let nothing = Text { en: "the plan attests nothing", ja: "計画に申告はない" };
        return vec![Statement::not_applicable(Subject::Run, nothing)];
    }
    let today = context.now.with_timezone(context.plan.cutover_at.offset()).date_naive();
    context.plan.attest.iter().map(|(name, attestation)| judge_one(name, attestation, today)).collect()
}

fn judge_one(name: &str, attestation: &Attestation, today: NaiveDate) -> Statement {
    let outcome = match attestation.on {
        _ if !attestation.yes => &NOT_YET,
        Some(on) if on > today => &FUTURE,
        Some(on) if today.signed_duration_since(on) > FRESH => &OLD,
        _ => &GIVEN,
    };
    let args = Args::none()
        .and("name", name)
        .and("by", &attestation.by)
        .and("days", FRESH.num_days())
        .with("when", when(attestation));
    Statement::outcome(outcome, Subject::PlanLine(attestation.line)).about(visible(name)).args(args)
}

/// ` (2026-11-20, ticket 88123)`, as far as it is known.
fn when(attestation: &Attestation) -> Value {
    let on = attestation.on.map(|on| on.to_string());
    let known: Vec<String> = on.into_iter().chain(attestation.reference.clone()).collect();
    match known.as_slice() {
        [] => Value::both(" (no day is given)", " (日付なし)"),
        known => Value::both(format!(" ({})", known.join(", ")), format!(" ({})", known.join("、"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a word of last season would count as fresh, or today's as one of tomorrow.
    #[test]
    fn the_day_decides() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let said = |yes, on: Option<&str>| {
            let attestation = Attestation { yes, by: "sato".to_owned(), on: on.map(day), reference: None, line: 7 };
            judge_one("static_ip", &attestation, day("2026-12-01")).named().unwrap().tag
        };
        for (yes, on, tag) in [
            (true, Some("2026-12-01"), "attest-given"),
            (true, Some("2026-12-02"), "attest-future"),
            (true, Some("2026-09-02"), "attest-given"),
            (true, Some("2026-09-01"), "attest-old"),
            (true, None, "attest-given"),
            (false, Some("2026-09-01"), "attest-no"),
            (false, None, "attest-no"),
        ] {
            assert_eq!(said(yes, on), tag, "{yes} {on:?}");
        }
    }
}
