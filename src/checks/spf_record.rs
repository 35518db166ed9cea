//! The SPF record of each MAIL FROM domain: is there exactly one, can it be read, does it fit into an answer?

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, Detail, DomainName, Lang, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value,
    visible,
};
use crate::plan::Address;
use crate::probe::{Question, Reply};
use crate::records::spf::fresh;
use crate::spf::{Branch, Cause, Evaluator, Survey};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "spf-record",
        title: Text {
            en: "Each MAIL FROM domain has one SPF record that can be read",
            ja: "MAIL FROM の各ドメインに、読み取れる SPF レコードが 1 つだけある",
        },
        short: Text { en: "SPF record", ja: "SPF レコード" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Without a record no receiver can tell your mail from forged mail; Gmail and Outlook.com refuse it. With two records, or one with a mistake anywhere, the result is \"permerror\" whatever else stands there.",
            ja: "レコードがなければ、受信側は正規のメールと詐称メールを区別できず、Gmail や Outlook.com は拒否する。2 つある場合や、どこかに誤りがある場合は、ほかの内容にかかわらず permerror になる。",
        },
        how: Text {
            en: "The TXT records of every MAIL FROM domain (of every domain of the plan, if none is named) are read from the zone's own servers, parsed to the last character, and every record that include and redirect lead to as well. The size is that of all TXT records of the name.",
            ja: "MAIL FROM の各ドメイン (指定がなければ計画の全ドメイン) の TXT レコードをゾーンの権威サーバーから読み、最後の 1 文字まで構文を調べる。include と redirect の参照先も同様に調べる。大きさは、その名前のすべての TXT レコードの合計である。",
        },
        by_hand: "dig {name} TXT",
        references: &[
            Reference {
                title: "RFC 7208, sections 3.1 to 3.4",
                url: "https://www.rfc-editor.org/rfc/rfc7208#section-3",
            },
            Reference {
                title: "RFC 7208, sections 4.5 and 4.6",
                url: "https://www.rfc-editor.org/rfc/rfc7208#section-4.5",
            },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&PRESENT, &SINGLE, &SYNTAX, &INCLUDE, &SIZE, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static PRESENT: Outcome = Outcome {
    tag: "spf-present",
    levels: Levels::BLOCKER,
    says: Text { en: "{name} has no SPF record", ja: "{name} に SPF レコードがない" },
    remedy: Text {
        en: "Publish \"{record}\" as a TXT record of {name}, with everything else that sends for it added in front of ~all.",
        ja: "{name} の TXT レコードとして「{record}」を登録する。ほかにもこのドメインで送信するものがあれば ~all の前に加える。",
    },
};

static SINGLE: Outcome = Outcome {
    tag: "spf-single",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name} has {count} SPF records; receivers answer that with permerror",
        ja: "{name} に SPF レコードが {count} 個ある。受信側の評価は permerror になる",
    },
    remedy: Text {
        en: "Merge them into one record with a single v=spf1 and a single all, and delete the others.",
        ja: "v=spf1 と all をそれぞれ 1 つだけ持つ 1 つのレコードにまとめ、残りを削除する。",
    },
};

static SYNTAX: Outcome = Outcome {
    tag: "spf-syntax",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the SPF record of {name} has a mistake, which makes every result permerror: {why}",
        ja: "{name} の SPF レコードに誤りがあり、評価結果は必ず permerror になる: {why}",
    },
    remedy: Text {
        en: "Correct the term in the TXT record of {name}; --verbose shows every mistake with its place.",
        ja: "{name} の TXT レコードの該当する項を直す。--verbose を付けると、すべての誤りが位置とともに表示される。",
    },
};

static INCLUDE: Outcome = Outcome {
    tag: "spf-include",
    levels: Levels::WARNING,
    says: Text {
        en: "the SPF record of {name} leads to {target}, where evaluations end in permerror: {why}",
        ja: "{name} の SPF レコードの参照先 {target} で評価が permerror になる: {why}",
    },
    remedy: Text {
        en: "Take the include or redirect that leads to {target} out, or have its owner mend the record; until then put the terms of your own servers in front of it.",
        ja: "{target} を参照する include または redirect を外すか、その管理者に修正を依頼する。それまでは自社サーバーの項をその前に置く。",
    },
};

static SIZE: Outcome = Outcome {
    tag: "spf-size",
    levels: Levels::WARNING,
    says: Text {
        en: "the TXT records of {name} take {count} octets{tcp}; more than 450 do not fit into every answer over UDP",
        ja: "{name} の TXT レコードは合計 {count} オクテットある{tcp}。450 を超えると UDP の応答に収まらないことがある",
    },
    remedy: Text {
        en: "Shorten the record of {name}, or move TXT records that prove ownership to names of their own.",
        ja: "{name} のレコードを短くするか、所有権確認用の TXT レコードを別の名前に移す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "spf-record-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the SPF record of {target} could not be read: {why}",
        ja: "{target} の SPF レコードを読み取れない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {target} answer for TXT.",
        ja: "再実行する。変わらなければ {target} のネームサーバーが TXT に応答するか調べる。",
    },
};

/// Why a check of the record's content has nothing to read.
pub(super) const NO_RECORD: Text = Text {
    en: "there is no single SPF record that can be read; spf-record says why",
    ja: "読み取れる SPF レコードが 1 つに定まらない (理由は spf-record に示す)",
};

/// More than this may not fit into an answer of 512 octets (RFC 7208, section 3.4).
const LARGEST: usize = 450;

/// The domains of MAIL FROM.
pub(super) fn domains(context: &Context) -> &[DomainName] {
    match context.plan.auth.mail_from.as_slice() {
        [] => &context.plan.domains,
        named => named,
    }
}

/// The tree of a domain's record as it is published now; nothing in it is asked twice.
pub(super) async fn survey(context: &Context, domain: &DomainName) -> Survey {
    Evaluator::published(context.dns.clone()).survey(domain.as_str()).await
}

/// Why part of a tree could not be read: the domain, and the reason.
pub(super) fn unread(survey: &Survey) -> Option<(&str, Value)> {
    survey.root.all().into_iter().find_map(|branch| {
        let problem = branch.problem.as_ref().filter(|problem| problem.cause.is_temporary())?;
        Some((branch.domain.as_str(), problem.cause.why()))
    })
}

/// Whether no mail leaves from the old addresses any more.
pub(super) fn is_retired(context: &Context) -> bool {
    context.phase == Phase::After && context.now >= context.plan.overlap_ends()
}

/// The addresses that must pass: those that send, the old ones first as long as they are in use, each once.
pub(super) fn senders(context: &Context) -> Vec<IpAddr> {
    let old: &[Address] = if is_retired(context) { &[] } else { &context.plan.old };
    distinct(old.iter().chain(&context.plan.new).filter(|address| address.sends).map(|address| address.ip))
}

/// Each of `ips` once, in their order.
pub(super) fn distinct(ips: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut once: Vec<IpAddr> = Vec::new();
    for ip in ips {
        if !once.contains(&ip) {
            once.push(ip);
        }
    }
    once
}

async fn ask(context: &Context) -> Vec<Statement> {
    let each = domains(context).iter().map(|domain| async move {
        let question = Question::new(domain.as_str(), RecordType::TXT);
        let reply = async {
            match question {
                Ok(question) => Some(context.published(question).await),
                Err(_) => None,
            }
        };
        let (survey, reply) = futures::join!(survey(context, domain), reply);
        judge(domain, &survey, reply, &fresh(&senders(context), "~all"))
    });
    join_all(each).await.concat()
}

fn judge(domain: &DomainName, survey: &Survey, reply: Option<Arc<Reply>>, record: &str) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    let evidence: Vec<_> = reply.iter().map(|reply| reply.observation).collect();
    let args = Args::none().and("name", domain);
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence.iter().copied())
    };
    let mut said = Vec::new();
    if let Some(problem) = &survey.root.problem {
        let args = args.with("why", problem.cause.why());
        return vec![match &problem.cause {
            Cause::NoRecord(_) | Cause::NotADomain(_) => {
                say(&PRESENT, args.with("record", Value::quoted_record(record)))
            }
            Cause::SeveralRecords(count) => say(&SINGLE, args.and("count", count)),
            cause if cause.is_temporary() => say(&UNANSWERED, args.and("target", domain)),
            _ => say(&SYNTAX, args).details(mistakes(&survey.root)),
        }];
    }
    if let Some((target, why)) = unread(survey) {
        said.push(say(&UNANSWERED, args.clone().and("target", target).with("why", why)).about(visible(target)));
    }
    let broken = survey.root.all().into_iter().skip(1);
    let mut told: Vec<&str> = Vec::new();
    for branch in broken {
        let Some(problem) = branch.problem.as_ref().filter(|problem| !problem.cause.is_temporary()) else { continue };
        if !told.contains(&branch.domain.as_str()) {
            told.push(&branch.domain);
            let args = args.clone().and("target", &branch.domain).with("why", problem.cause.why());
            said.push(say(&INCLUDE, args).about(visible(&branch.domain)).details(mistakes(branch)));
        }
    }
    if said.is_empty() {
        said.push(Statement::passed(subject.clone()).evidence(evidence.iter().copied()));
    }
    said.extend(reply.and_then(|reply| {
        let count = size(&reply);
        let tcp = if reply.tcp { (" and came by TCP", "。TCP で取得した") } else { ("", "") };
        let args = args.and("count", count).with("tcp", Value::both(tcp.0, tcp.1));
        (count > LARGEST || reply.tcp).then(|| say(&SIZE, args))
    }));
    said
}

/// The octets of the name and of all its TXT records with the length of each character string.
fn size(reply: &Reply) -> usize {
    let strings = reply.records.iter().filter_map(|record| match &record.data {
        crate::probe::RData::TXT(txt) => Some(txt.txt_data.iter().map(|string| string.len() + 1).sum::<usize>()),
        _ => None,
    });
    strings.sum::<usize>() + reply.question.name.len()
}

/// The record, and everything that is wrong with it.
fn mistakes(branch: &Branch) -> Vec<Detail> {
    let faults = match branch.problem.as_ref().map(|problem| &problem.cause) {
        Some(Cause::Syntax(faults)) => faults.as_slice(),
        _ => &[],
    };
    let line = |fault: &crate::records::spf::Fault| {
        let (why, at) = (fault.reason.why(), fault.span.start + 1);
        Detail::new(Value::both(
            format!("octet {at}: {}: {:?}", why.in_lang(Lang::En), fault.term),
            format!("{at} オクテット目: {}: {:?}", why.in_lang(Lang::Ja), fault.term),
        ))
    };
    let record =
        branch.record.as_deref().map(|record| Detail::new(Value::record(record)).with(faults.iter().map(line)));
    record.into_iter().collect()
}
