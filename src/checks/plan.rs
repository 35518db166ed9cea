//! The plan: what a valid plan can still get wrong.

use std::sync::Arc;

use futures::FutureExt;

use crate::check::{Check, Context, Run, subject_of};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "plan",
        title: Text {
            en: "The plan describes a move that can happen", ja: "計画は実行できる移行を記述している"
        },
        short: Text { en: "plan", ja: "計画" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A run over the wrong addresses or in the wrong phase answers a question nobody asked.",
            ja: "アドレスや段階が間違ったまま実行しても、求めている答えは得られない。",
        },
        how: Text {
            en: "The phase is compared with cutover_at and the clock; old and new addresses are compared with each other and with the IANA special-purpose registries. Syntax, unknown keys and impossible values are refused before the run begins (exit code 2).",
            ja: "段階を cutover_at と時計に照らし、新旧のアドレスを互いに、また IANA の特殊用途アドレス登録簿と照らし合わせる。書式の誤り、未知のキー、あり得ない値は実行前に拒否される (終了コード 2)。",
        },
        by_hand: "date --iso-8601=seconds",
        references: &[Reference {
            title: "RFC 6890: Special-Purpose IP Address Registries",
            url: "https://www.rfc-editor.org/rfc/rfc6890",
        }],
        needs: Needs::Plan,
        waivable: false,
        outcomes: &[&IP_SAME, &PHASE_CLOCK, &OWN_TRUST, &IP_SPECIAL],
    },
    run: Run::World(|context| async move { judge(&context) }.boxed()),
};

static IP_SAME: Outcome = Outcome {
    tag: "plan-ip-same",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} is an old and a new address: for it only names move",
        ja: "{ip} は新旧両方に書かれている。このアドレスでは名前だけが移る",
    },
    remedy: Text {
        en: "Check that the address really stays in use, or take it out of one side.",
        ja: "本当に引き続き使うアドレスか確かめる。そうでなければ片方から消す。",
    },
};

static OWN_TRUST: Outcome = Outcome {
    tag: "plan-own-trust",
    levels: Levels::WARNING,
    says: Text {
        en: "HTTPS servers were verified by the authorities in the plan's [https] trust, not by those that senders trust",
        ja: "HTTPS サーバーの証明書を、送信側が信頼する認証局ではなく、計画の [https] trust の認証局で検証した",
    },
    remedy: Text {
        en: "Take trust out of [https], except in a laboratory.",
        ja: "検証環境でなければ、[https] から trust を外す。",
    },
};

static PHASE_CLOCK: Outcome = Outcome {
    tag: "plan-phase-clock",
    levels: Levels::WARNING,
    says: Text {
        en: "judged as \"{phase}\" the cutover, but it is {now} and cutover_at is {cutover}",
        ja: "「{phase}」段階として判定したが、現在は {now}、cutover_at は {cutover} である",
    },
    remedy: Text {
        en: "Leave --phase out, or correct cutover_at in the plan.",
        ja: "--phase を外すか、計画の cutover_at を直す。",
    },
};

static IP_SPECIAL: Outcome = Outcome {
    tag: "plan-ip-special",
    levels: Levels::NOTE,
    says: Text {
        en: "not public, and allowed by the plan: {ips} ({detail})",
        ja: "公開アドレスではないが、計画で許可されている: {ips} ({detail})",
    },
    remedy: Text {
        en: "Put the public egress address into the plan, unless this is a laboratory.",
        ja: "検証環境でないなら、外から見える送信元アドレスを計画に書く。",
    },
};

fn judge(context: &Arc<Context>) -> Vec<Statement> {
    let plan = &context.plan;
    let mut said = Vec::new();
    for address in &plan.new {
        if plan.old.iter().any(|old| old.ip == address.ip) {
            said.push(Statement::outcome(&IP_SAME, subject_of(address)).args(Args::none().and("ip", address.ip)));
        }
    }
    let mut reasons: Vec<&String> = plan.new.iter().filter_map(|address| address.special.as_ref()).collect();
    reasons.dedup();
    for reason in reasons {
        let special = plan.new.iter().filter(|address| address.special.as_ref() == Some(reason));
        let args = Args::none().with("ips", Value::list(special.map(|address| address.ip))).and("detail", reason);
        said.push(Statement::outcome(&IP_SPECIAL, Subject::Run).args(args));
    }
    let phase_by_clock = if context.now < plan.cutover_at { Phase::Before } else { Phase::After };
    // A rehearsal judges the state after the cutover before it comes.
    let is_ahead = context.phase == Phase::After && !context.dns.rehearsed().is_empty();
    if phase_by_clock != context.phase && !is_ahead {
        let phase = match context.phase {
            Phase::Before => Text { en: "before", ja: "切り替え前" },
            Phase::After => Text { en: "after", ja: "切り替え後" },
        };
        let args = Args::none()
            .with("phase", phase)
            .and("now", context.now.to_rfc3339())
            .and("cutover", plan.cutover_at.to_rfc3339());
        said.push(Statement::outcome(&PHASE_CLOCK, Subject::Run).args(args));
    }
    if plan.https.trust.is_some() {
        said.push(Statement::outcome(&OWN_TRUST, Subject::Run));
    }
    if said.is_empty() {
        said.push(Statement::passed(Subject::Run));
    }
    said
}
