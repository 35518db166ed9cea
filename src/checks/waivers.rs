//! The waivers themselves: an accepted risk without an end becomes the policy.

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Section, Statement, Subject, Text, Waiver};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "waivers",
        title: Text {
            en: "Every waiver is in force and needed", ja: "リスク受容はすべて有効で、必要なものである"
        },
        short: Text { en: "waivers", ja: "リスク受容" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A waiver that has expired, accepts nothing or names a tag that does not exist lets people believe that a risk was weighed when nobody weighed it.",
            ja: "期限切れ、対象なし、存在しないタグのリスク受容は、誰も検討していないリスクを検討済みと思わせる。",
        },
        how: Text {
            en: "Each [[waive]] entry of the plan is compared with what this run found and with today's date in the plan's offset. A finding that names a list is met only by a waiver with the same `about`.",
            ja: "計画の [[waive]] を、今回見つかった事項と、計画の時差での今日の日付に照らす。リスト名を伴う指摘は、同じ about を書いたリスク受容にだけ一致する。",
        },
        by_hand: "grep -n -A7 '\\[\\[waive\\]\\]' PLAN",
        references: &[],
        needs: Needs::Results,
        waivable: false,
        outcomes: &[&EXPIRED, &UNUSED, &UNKNOWN_TAG, &NOT_WAIVABLE],
    },
    run: Run::Last(judge),
};

static EXPIRED: Outcome = Outcome {
    tag: "waiver-expired",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the waiver of {tag} by {owner} ended on {until}",
        ja: "{owner} による {tag} のリスク受容は {until} で期限が切れた",
    },
    remedy: Text {
        en: "Mend what it accepted, or have its owner renew it with a new date.",
        ja: "受容していた問題を解消するか、責任者が新しい期限で更新する。",
    },
};

static UNUSED: Outcome = Outcome {
    tag: "waiver-unused",
    levels: Levels::WARNING,
    says: Text {
        en: "the waiver of {tag}{on} accepts nothing that this run found",
        ja: "{tag}{on} のリスク受容に当たる指摘は今回なかった",
    },
    remedy: Text {
        en: "Take it out of the plan; or correct its `on` and `about` (findings about a list need about = \"LIST-ID\").",
        ja: "計画から消す。または on と about を直す (リストに関する指摘には about = \"リスト ID\" が必要)。",
    },
};

static UNKNOWN_TAG: Outcome = Outcome {
    tag: "waiver-unknown-tag",
    levels: Levels::WARNING,
    says: Text {
        en: "the waiver names {tag}, which no check can say{hint}",
        ja: "リスク受容の {tag} というタグは存在しない{hint}",
    },
    remedy: Text {
        en: "Write a tag that `mail-cutover explain` lists.",
        ja: "`mail-cutover explain` に載っているタグを書く。",
    },
};

static NOT_WAIVABLE: Outcome = Outcome {
    tag: "waiver-not-waivable",
    levels: Levels::BLOCKER,
    says: Text { en: "{tag} cannot be waived", ja: "{tag} はリスク受容の対象にできない" },
    remedy: Text {
        en: "Take the waiver out of the plan and mend what the finding names.",
        ja: "このリスク受容を計画から消し、指摘された問題を解消する。",
    },
};

fn judge(context: &Context, sections: &[Section]) -> Vec<Statement> {
    if context.plan.waivers.is_empty() {
        return vec![Statement::not_applicable(
            Subject::Run,
            Text { en: "the plan waives nothing", ja: "計画にリスク受容はない" },
        )];
    }
    context.plan.waivers.iter().map(|waiver| judge_one(context, sections, waiver)).collect()
}

fn judge_one(context: &Context, sections: &[Section], waiver: &Waiver) -> Statement {
    let subject = Subject::PlanLine(waiver.line);
    let on = waiver.on.as_ref().map_or_else(String::new, |on| format!(" ({on})"));
    let args =
        Args::none().and("tag", &waiver.tag).and("owner", &waiver.owner).and("until", waiver.until).and("on", on);
    if !context.tags.contains_key(waiver.tag.as_str()) {
        let near = context
            .tags
            .keys()
            .map(|tag| (strsim::jaro_winkler(tag, &waiver.tag), *tag))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
        let hint = near.map_or_else(String::new, |(_, tag)| format!(" ({tag}?)"));
        return Statement::outcome(&UNKNOWN_TAG, subject).args(args.and("hint", hint));
    }
    let waivable = context.waivable(&waiver.tag);
    if !waivable {
        return Statement::outcome(&NOT_WAIVABLE, subject).args(args);
    }
    if waiver.expired(context.now.date_naive()) {
        return Statement::outcome(&EXPIRED, subject).args(args);
    }
    let used = sections
        .iter()
        .flat_map(|section| &section.statements)
        .any(|statement| statement.waiver.is_some() && waiver.speaks_of(statement));
    if used { Statement::passed(subject) } else { Statement::outcome(&UNUSED, subject).args(args) }
}
