//! The receivers that the plan cares about: does the new server meet what they ask of senders?

use crate::catalogue::{Consequence, Fact, Receiver, Rule};
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, Levels, Needs, ObservationId, Outcome, Phase, Reference, Section, Side, Statement, Status, Subject,
    Text, Value,
};

/// More messages a day than this make a bulk sender (Gmail, Yahoo and Outlook.com name the same number).
const BULK: u64 = 5000;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "receivers",
        title: Text {
            en: "The receivers that matter take the mail", ja: "重要な受信側がメールを受け取る"
        },
        short: Text { en: "receivers", ja: "受信側" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Large receivers refuse mail for reasons of their own, and say so in their postmaster pages. What is a blemish elsewhere is a refusal there.",
            ja: "大規模な受信側は、それぞれの公開方針に従ってメールを拒否する。ほかでは小さな問題でも、そこでは拒否の理由になる。",
        },
        how: Text {
            en: "The profiles under [receivers] care_about are compared with what the other checks of this run found out about the new addresses; the rules with their sources and dates are in config/receivers.toml. What a reputation is worth there nobody can measure from outside.",
            ja: "[receivers] care_about の各プロファイルを、この実行の他の検査が新アドレスについて得た結果と比べる。規則とその出典、確認日は config/receivers.toml にある。受信側での評判は外から測れない。",
        },
        by_hand: "mail-cutover explain {tag}",
        references: &[
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
            Reference { title: "Yahoo: sender best practices", url: "https://senders.yahooinc.com/best-practices/" },
            Reference { title: "T-Online postmaster", url: "https://postmaster.t-online.de/" },
        ],
        needs: Needs::Results,
        waivable: true,
        outcomes: &[&REFUSES, &HAMPERS, &ATTEST, &UNKNOWN],
    },
    run: Run::Results(judge),
};

static REFUSES: Outcome = Outcome {
    tag: "rcv-refuses",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{receiver} needs {needs}, and would refuse the mail ({answer}): {tags}",
        ja: "{receiver} は「{needs}」を求めており、メールを拒否する ({answer}): {tags}",
    },
    remedy: Text {
        en: "Mend the findings {tags} ({source}, seen {checked}).",
        ja: "{tags} の指摘を直す ({source}、{checked} 確認)。",
    },
};

static HAMPERS: Outcome = Outcome {
    tag: "rcv-hampers",
    levels: Levels::WARNING,
    says: Text {
        en: "{receiver} asks for {needs}, and may refuse, delay or mark the mail ({answer}): {tags}",
        ja: "{receiver} は「{needs}」を求めており、メールを拒否、保留または警告表示することがある ({answer}): {tags}",
    },
    remedy: Text {
        en: "Mend the findings {tags} ({source}, seen {checked}).",
        ja: "{tags} の指摘を直す ({source}、{checked} 確認)。",
    },
};

static ATTEST: Outcome = Outcome {
    tag: "rcv-attest",
    levels: Levels::WARNING,
    says: Text {
        en: "{receiver} takes mail only from servers that it has admitted ({answer}), and the plan does not say that it has",
        ja: "{receiver} は事前に許可したサーバーからのメールしか受け取らない ({answer})。許可済みであることが計画に書かれていない",
    },
    remedy: Text {
        en: "Ask its postmaster a week ahead ({source}), then write {key} = { yes = true, by = \"…\" } under [attest].",
        ja: "1 週間前までに postmaster に申請し ({source})、[attest] に {key} = { yes = true, by = \"…\" } と書く。",
    },
};

static UNKNOWN: Outcome = Outcome {
    tag: "rcv-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {receiver} takes the mail is not known: it needs {needs}, and that was not measured",
        ja: "{receiver} がメールを受け取るか確認できない。「{needs}」を求めるが、測定できていない",
    },
    remedy: Text {
        en: "See which of the checks {checks} did not come to an answer, and run again.",
        ja: "検査 {checks} のうち結果が出なかったものを調べ、再実行する。",
    },
};

const NOT_ASKED: Text = Text {
    en: "the plan names no receivers ([receivers] care_about)",
    ja: "計画に受信側の指定 ([receivers] care_about) がない",
};
const NO_VOLUME: Text = Text {
    en: "the plan does not say how many messages leave in a day ([receivers] per_day): the rules for bulk senders were left out",
    ja: "計画に 1 日の送信数 ([receivers] per_day) がないため、大量送信者向けの規則は調べていない",
};
const NO_INPUT: Text = Text {
    en: "some rule rests on a check that this run did not cover",
    ja: "この実行では確認しなかった検査に基づく規則がある",
};

const FOR_BULK: Text = Text {
    en: "it asks this only of bulk senders, and the plan does not name more than 5000 messages a day ([receivers] per_day)",
    ja: "この受信側の規則は大量送信者だけが対象で、計画の 1 日あたりの通数 ([receivers] per_day) は 5000 を超えていない",
};

/// What is known about a fact.
enum Standing {
    Holds,
    /// By these tags.
    Broken(Vec<&'static str>),
    Unknown,
    NotCovered,
}

fn judge(context: &Context, sections: &[Section]) -> Vec<Statement> {
    let wanted = &context.plan.receivers.care_about;
    if wanted.is_empty() {
        return vec![Statement::not_applicable(Subject::Run, NOT_ASKED)];
    }
    let known = wanted.iter().filter_map(|id| context.catalogue.receivers.iter().find(|one| one.id == *id));
    known.flat_map(|receiver| judge_one(context, sections, receiver)).collect()
}

fn judge_one(context: &Context, sections: &[Section], receiver: &Receiver) -> Vec<Statement> {
    let subject = Subject::Name(receiver.id.clone());
    let is_bulk = context.plan.receivers.per_day.is_some_and(|count| count > BULK);
    let rules: Vec<&Rule> = receiver.rules.iter().filter(|rule| is_bulk || !rule.bulk).collect();
    let is_volume_unknown = context.plan.receivers.per_day.is_none() && rules.len() < receiver.rules.len();
    if rules.is_empty() && !is_volume_unknown {
        return vec![Statement::not_applicable(subject, FOR_BULK)];
    }
    let (mut said, mut gap, mut evidence) = (Vec::new(), false, Vec::new());
    for rule in rules {
        let args = Args::none()
            .and("receiver", &receiver.name)
            .and("answer", &rule.answer)
            .and("source", &rule.source)
            .and("checked", &rule.checked)
            .and("tag", "receivers");
        let say = |outcome, args| Statement::outcome(outcome, subject.clone()).about(&rule.id).args(args);
        if let Some(key) = &rule.attest {
            let is_attested = context.plan.attest.iter().any(|(name, attestation)| name == key && attestation.yes);
            said.extend((!is_attested).then(|| say(&ATTEST, args.clone().and("key", key))));
        }
        for Need { facts, all, standing, seen } in standings(context, sections, rule) {
            evidence.extend(seen.iter().copied());
            let args = args.clone().with("needs", joined(&facts, all));
            match standing {
                Standing::Holds => {}
                Standing::Broken(tags) => {
                    let outcome = if rule.weight == Consequence::Block { &REFUSES } else { &HAMPERS };
                    let args = args.and("tag", tags.first().unwrap_or(&"receivers"));
                    said.push(say(outcome, args.with("tags", Value::list(tags))).evidence(seen));
                }
                Standing::Unknown => {
                    let checks = facts.iter().flat_map(|fact| &fact.checks);
                    said.push(say(&UNKNOWN, args.with("checks", Value::list(checks))).evidence(seen));
                }
                Standing::NotCovered => gap = true,
            }
        }
    }
    if is_volume_unknown {
        said.push(Statement::not_covered(subject.clone(), NO_VOLUME));
    }
    if gap {
        said.push(Statement::not_covered(subject, NO_INPUT));
    } else if said.iter().all(|statement| statement.named().is_none()) && (said.is_empty() || !evidence.is_empty()) {
        said.push(Statement::passed(subject).evidence(evidence));
    }
    said
}

/// Facts that a rule needs, and how they stand.
struct Need<'c> {
    facts: Vec<&'c Fact>,
    /// Whether all of them must hold; else one is enough.
    all: bool,
    standing: Standing,
    seen: Vec<ObservationId>,
}

/// What a rule needs: its facts taken together, and those of which one is enough. A bulk sender's rule fails once, by whichever.
fn standings<'c>(context: &'c Context, sections: &[Section], rule: &Rule) -> Vec<Need<'c>> {
    let find = |ids: &[String]| -> Vec<&'c Fact> {
        ids.iter().filter_map(|id| context.catalogue.facts.iter().find(|fact| fact.id == *id)).collect()
    };
    let mut found = Vec::new();
    for (facts, all) in [(find(&rule.needs), true), (find(&rule.needs_one), false)] {
        if facts.is_empty() {
            continue;
        }
        let each: Vec<(Standing, Vec<ObservationId>)> =
            facts.iter().map(|fact| standing(context, sections, fact)).collect();
        let seen = each.iter().flat_map(|(_, seen)| seen.iter().copied()).collect();
        let standing = together(each.into_iter().map(|(standing, _)| standing).collect(), all);
        found.push(Need { facts, all, standing, seen });
    }
    found
}

/// Of several facts, all or one: what is broken, then what is not known, decides against.
fn together(each: Vec<Standing>, all: bool) -> Standing {
    let (mut tags, mut unknown, mut gap, mut holds) = (Vec::new(), false, false, 0);
    let count = each.len();
    let mut broken = 0;
    for standing in each {
        match standing {
            Standing::Holds => holds += 1,
            Standing::Unknown => unknown = true,
            Standing::NotCovered => gap = true,
            Standing::Broken(more) => {
                broken += 1;
                tags.extend(more);
            }
        }
    }
    let is_broken = if all { broken > 0 } else { broken == count };
    match (is_broken, if all { holds == count } else { holds > 0 }) {
        (true, _) => Standing::Broken(tags),
        (_, true) => Standing::Holds,
        _ if unknown => Standing::Unknown,
        _ if gap => Standing::NotCovered,
        _ => Standing::Unknown,
    }
}

/// What the run says about one fact, as far as the new server is concerned.
fn standing(context: &Context, sections: &[Section], fact: &Fact) -> (Standing, Vec<ObservationId>) {
    let of_check = |id: &String| -> Vec<&Statement> {
        let section = sections.iter().find(|section| section.card.id == id);
        let statements = section.into_iter().flat_map(|section| &section.statements);
        statements.filter(|statement| statement.subject.side() != Some(Side::Old)).collect()
    };
    let by_check: Vec<Vec<&Statement>> = fact.checks.iter().map(of_check).collect();
    let own: Vec<&Statement> = by_check.concat();
    let breaks = |statement: &&&Statement| {
        statement.named().is_some_and(|outcome| fact.broken_by.iter().any(|known| known == outcome.tag))
    };
    let broken: Vec<&Statement> = own.iter().filter(breaks).copied().collect();
    let telling = if broken.is_empty() { &own } else { &broken };
    let evidence = telling.iter().flat_map(|statement| statement.evidence.iter().copied()).collect();
    let mut tags: Vec<&'static str> =
        broken.iter().filter_map(|statement| statement.named()).map(|outcome| outcome.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let has_answer = |statements: &Vec<&Statement>| {
        statements.iter().any(|statement| matches!(statement.status(), Status::Passed | Status::Found))
    };
    // What was found about one domain says nothing of another.
    let is_open = |statement: &&Statement| statement.status() == Status::NotCovered;
    // A receiver that looks at the From domain is not answered by what was found for another MAIL FROM domain.
    let mail_from = &context.plan.auth.mail_from;
    let is_of_another = fact.of_from_domain
        && !mail_from.is_empty()
        && !context.plan.domains.iter().all(|domain| mail_from.contains(domain));
    let standing = if !tags.is_empty() {
        Standing::Broken(tags)
    } else if own.iter().any(|statement| statement.status() == Status::Unknown) {
        Standing::Unknown
    } else if is_of_another || own.iter().any(is_open) || !by_check.iter().all(has_answer) {
        Standing::NotCovered
    } else {
        Standing::Holds
    };
    (standing, evidence)
}

fn joined(facts: &[&Fact], all: bool) -> Value {
    use crate::model::Lang;
    let text = |lang, between: &str| facts.iter().map(|fact| fact.text.in_lang(lang)).collect::<Vec<_>>().join(between);
    let (en, ja) = if all { ("; ", "、") } else { ("; or ", "」または「") };
    Value::both(text(Lang::En, en), text(Lang::Ja, ja))
}
