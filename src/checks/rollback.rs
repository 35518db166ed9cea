//! After the cutover: the findings for which the plan wants somebody to decide whether to go back.

use std::collections::HashSet;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, Level, Levels, Needs, Outcome, Phase, Section, Side, Statement, Status, Subject, Text, Value,
};
use crate::plan::Rollback;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "rollback",
        title: Text {
            en: "Nothing was found that asks for the way back",
            ja: "切り戻しを検討すべき事項は見つかっていない",
        },
        short: Text { en: "roll back?", ja: "切り戻し" },
        phases: &[Phase::After],
        why: Text {
            en: "At two in the morning nobody weighs well. What asks for the way back, and who decides until when, is settled beforehand.",
            ja: "午前 2 時に冷静な判断は難しい。何が起きたら切り戻しを検討し、誰がいつまでに決めるかは、前もって決めておく。",
        },
        how: Text {
            en: "After the cutover, what this run found is compared with the triggers under [rollback]. A tag counts at any weight, a check's id from a warning up; what is found at an old address, waived or not known never counts, and while a check of the triggers does not know, this one does not pass. A trigger stops the verdict whatever its finding weighs.",
            ja: "切り替え後、今回見つかった事項を [rollback] の triggers に照らす。タグは重みを問わず、検査の id は警告以上で当たりとする。旧アドレスでの指摘、受容済みの指摘、確認不能は対象にしない。条件の検査に確認できないものがあれば、この検査は合格としない。当たれば、元の指摘の重みにかかわらず判定を止める。",
        },
        by_hand: "grep -n -A4 '\\[rollback\\]' PLAN",
        references: &[],
        needs: Needs::Results,
        waivable: false,
        outcomes: &[&TRIGGER, &LATE],
    },
    run: Run::Last(judge),
};

static TRIGGER: Outcome = Outcome {
    tag: "rollback-trigger",
    levels: Levels::BLOCKER,
    says: Text {
        en: "roll back? {trigger} was found ({on}); {owner} decides until {until}",
        ja: "切り戻すか? {trigger} が見つかった ({on})。{until} までに {owner} が決める",
    },
    remedy: Text {
        en: "Tell {owner} now. If the fault cannot be mended before {until}, go back; or waive {trigger} to stay.",
        ja: "すぐに {owner} に知らせる。{until} までに解消できなければ切り戻す。続行するなら {trigger} を受容する。",
    },
};

static LATE: Outcome = Outcome {
    tag: "rollback-late",
    levels: Levels::BLOCKER,
    says: Text {
        en: "roll back? {trigger} was found ({on}), and the time to decide ended at {until} ({owner})",
        ja: "切り戻すか? {trigger} が見つかった ({on})。判断の期限 {until} は過ぎている ({owner})",
    },
    remedy: Text {
        en: "Ask {owner}: mail has arrived at the new server by now, so going back must not leave it behind. Mend the fault, or waive {trigger}.",
        ja: "{owner} に判断を仰ぐ。新サーバーにはすでにメールが届いているので、切り戻すならそれを取り残さない。問題を解消するか、{trigger} を受容する。",
    },
};

fn judge(context: &Context, sections: &[Section]) -> Vec<Statement> {
    let Some(rollback) = context.plan.rollback.as_ref().filter(|rollback| !rollback.triggers.is_empty()) else {
        let nothing =
            Text { en: "the plan names no triggers of a way back", ja: "計画に切り戻しの条件はない" };
        return vec![Statement::not_applicable(Subject::Run, nothing)];
    };
    let until = context.plan.cutover_at + rollback.decide_by;
    let outcome = if context.now < until { &TRIGGER } else { &LATE };
    let until = context.clock(until);
    let mut known = HashSet::new();
    let mut said = Vec::new();
    for section in sections {
        for statement in section.statements.iter().filter(|statement| asks(rollback, section, statement)) {
            let tag = statement.named().map_or("", |outcome| outcome.tag);
            if !known.insert((statement.subject.clone(), tag)) {
                continue;
            }
            let args = Args::none()
                .and("trigger", tag)
                .and("on", &statement.subject)
                .and("owner", &rollback.owner)
                .and("until", &until);
            said.push(Statement::outcome(outcome, statement.subject.clone()).about(tag).args(args));
        }
    }
    if said.is_empty() {
        let open = open_checks(rollback, sections);
        said.push(match open.as_slice() {
            [] => Statement::passed(Subject::Run),
            open => Statement::not_covered(
                Subject::Run,
                Value::both(
                    format!("a trigger may hide behind what is not known: {}", open.join(", ")),
                    format!("確認できていない検査に切り戻しの条件が隠れている可能性がある: {}", open.join("、")),
                ),
            ),
        });
    }
    said
}

/// The checks that could find a trigger and do not know.
fn open_checks(rollback: &Rollback, sections: &[Section]) -> Vec<&'static str> {
    let can_fire = |section: &&Section| {
        rollback.triggers.iter().any(|name| name == section.card.id || section.card.outcome(name).is_some())
    };
    let is_open = |one: &Statement| {
        matches!(one.status(), Status::Unknown | Status::NotCovered) && one.subject.side() != Some(Side::Old)
    };
    let open = sections.iter().filter(can_fire).filter(|section| section.statements.iter().any(is_open));
    open.map(|section| section.card.id).collect()
}

fn asks(rollback: &Rollback, section: &Section, statement: &Statement) -> bool {
    let Some(outcome) = statement.named() else { return false };
    let is_named = |name: &str| rollback.triggers.iter().any(|trigger| trigger == name);
    let is_weighty = statement.level > Some(Level::Note);
    statement.status() == Status::Found
        && statement.waiver.is_none()
        && statement.subject.side() != Some(Side::Old)
        && (is_named(outcome.tag) || is_weighty && is_named(section.card.id))
}
