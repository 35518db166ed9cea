//! CAA: which certification authorities may issue for the new server's names.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordData;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::CAA;

use super::client_names::published;
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::plan::Plan;
use crate::probe::{Answer, Reply};
use crate::records::caa::{Policy, Property};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "caa",
        title: Text {
            en: "The new server can get and renew its certificates",
            ja: "新サーバーが証明書を取得し、更新できる",
        },
        short: Text { en: "CAA", ja: "CAA の制限" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "CAA records can bind certificates to one authority, one account, or one method. A new server has a new account: its first renewal fails weeks after the cutover, when nobody looks any more.",
            ja: "CAA レコードは、発行できる認証局、アカウント、検証方法を限定できる。新サーバーのアカウントは新しいため、切り替えの数週間後、誰も見ていない頃に最初の更新が失敗する。",
        },
        how: Text {
            en: "CAA of every planned name of the mail server is asked of the zone's own servers, aliases followed, and if there is none, of its parents in turn (RFC 8659, section 3). Names of other organizations are left to them.",
            ja: "計画にあるメールサーバーの名前ごとに、ゾーンの権威サーバーへ CAA を問い合わせる (CNAME もたどる)。なければ親の名前へ順に上る (RFC 8659 第 3 節)。他組織の名前は調べない。",
        },
        by_hand: "dig +short {name} CAA",
        references: &[
            Reference { title: "RFC 8659, section 3", url: "https://www.rfc-editor.org/rfc/rfc8659#section-3" },
            Reference { title: "RFC 8657, sections 3 and 4", url: "https://www.rfc-editor.org/rfc/rfc8657#section-3" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&ISSUERS, &BOUND, &NOBODY, &CRITICAL, &MALFORMED, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static ISSUERS: Outcome = Outcome {
    tag: "tls-caa-issuers",
    levels: Levels::NOTE,
    says: Text {
        en: "CAA at {at} says who may issue certificates for {name}: {issuers}",
        ja: "{at} の CAA により、{name} の証明書を発行できる認証局は次のとおり: {issuers}",
    },
    remedy: Text {
        en: "Make sure that the certification authority of the new server is among them, or add it to CAA at {at}.",
        ja: "新サーバーの認証局がその中にあることを確かめる。なければ {at} の CAA に追加する。",
    },
};

static BOUND: Outcome = Outcome {
    tag: "tls-caa",
    levels: Levels::WARNING,
    says: Text {
        en: "CAA at {at} binds certificates for {name} to an account or a method: {records}",
        ja: "{at} の CAA が {name} の証明書を特定のアカウントまたは検証方法に限定している: {records}",
    },
    remedy: Text {
        en: "Move the ACME account to the new server together with its key, or add the new account and its methods to CAA at {at}; renew once on the new server to see that it works.",
        ja: "ACME アカウントを鍵ごと新サーバーに移すか、新しいアカウントと検証方法を {at} の CAA に追加する。新サーバーで一度更新を試して確かめる。",
    },
};

static NOBODY: Outcome = Outcome {
    tag: "tls-caa-nobody",
    levels: Levels::WARNING,
    says: Text {
        en: "CAA at {at} forbids every certification authority to issue for {name}",
        ja: "{at} の CAA は、{name} の証明書の発行をすべての認証局に禁じている",
    },
    remedy: Text {
        en: "Publish CAA 0 issue \"…\" with the domain of the new server's certification authority at {name}.",
        ja: "{name} に CAA 0 issue \"…\" (新サーバーの認証局のドメイン) を登録する。",
    },
};

static CRITICAL: Outcome = Outcome {
    tag: "tls-caa-critical",
    levels: Levels::WARNING,
    says: Text {
        en: "CAA at {at} marks as critical what no certification authority knows ({tags}): none may issue for {name}",
        ja: "{at} の CAA に、認証局の知らない必須プロパティがある ({tags})。{name} の証明書はどの認証局も発行できない",
    },
    remedy: Text {
        en: "Correct the property's name in CAA at {at}, or set its flags to 0.",
        ja: "{at} の CAA のプロパティ名を直すか、フラグを 0 にする。",
    },
};

static MALFORMED: Outcome = Outcome {
    tag: "tls-caa-malformed",
    levels: Levels::WARNING,
    says: Text {
        en: "CAA at {at}, which holds for {name}, has values that cannot be read and allow nobody: {records}",
        ja: "{name} に適用される {at} の CAA に、読めない値がある (誰にも許可しないものとして扱われる): {records}",
    },
    remedy: Text {
        en: "Write the domain of the certification authority, then parameters as name=value after semicolons: 0 issue \"ca.example; policy=ev\".",
        ja: "認証局のドメインを書き、続くパラメーターはセミコロンの後に 名前=値 で書く: 0 issue \"ca.example; policy=ev\"。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "tls-caa-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "who may issue certificates for {name} is not known, {at} did not answer: {why}",
        ja: "{name} の証明書を誰が発行できるか確認できない ({at} への問い合わせ): {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, mend the name servers of {at}: a certification authority that gets no answer must not issue either.",
        ja: "再実行する。変わらなければ {at} のネームサーバーを直す。応答を得られない認証局も発行できない。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(names(&context.plan).into_iter().map(|name| ask_one(context, name))).await.concat()
}

/// The names for which the new server needs certificates, as far as they are in the domains of this organization.
fn names(plan: &Plan) -> Vec<DomainName> {
    let ours: Vec<DomainName> =
        plan.domains.iter().chain([&plan.hostname]).filter_map(DomainName::registrable).collect();
    let addresses =
        plan.new.iter().flat_map(|address| [Some(address.ptr.clone()), DomainName::parse(&address.helo).ok()]);
    let mut names = vec![plan.hostname.clone()];
    names.extend(addresses.flatten());
    names.extend(plan.domains.iter().flat_map(|domain| plan.planned_hosts(domain)));
    names.retain(|name| name.is_host_name() && name.registrable().is_some_and(|domain| ours.contains(&domain)));
    names.sort();
    names.dedup();
    names
}

async fn ask_one(context: &Context, name: DomainName) -> Vec<Statement> {
    let mut asked: Vec<Arc<Reply>> = Vec::new();
    let mut at = Some(name.as_str());
    while let Some(here) = at {
        let Some(reply) = published(context, here, RecordType::CAA).await else { break };
        let goes_on = matches!(reply.answer, Answer::NoData | Answer::NxDomain);
        asked.push(reply);
        if !goes_on {
            break;
        }
        at = here.split_once('.').map(|(_, parent)| parent);
    }
    judge(&name, &asked)
}

/// `asked` is the way upwards; only its last reply can be anything else than an absence.
fn judge(name: &DomainName, asked: &[Arc<Reply>]) -> Vec<Statement> {
    let subject = Subject::Name(name.to_string());
    let evidence: Vec<_> = asked.iter().map(|reply| reply.observation).collect();
    let Some(last) = asked.last() else {
        return Vec::new();
    };
    let at = last.question.name.to_ascii();
    let args = Args::none().and("name", name).and("at", at.trim_end_matches('.'));
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence.iter().copied())
    };
    if !last.is_definite() {
        return vec![say(&UNANSWERED, args.with("why", last.why()))];
    }
    let property =
        |caa: &CAA| Property { critical: caa.issuer_critical, tag: caa.tag.clone(), value: caa.value.clone() };
    let records: Vec<Property> =
        last.records.iter().filter_map(|record| CAA::try_borrow(&record.data)).map(property).collect();
    let policy = Policy::of(&records);
    let mut said = Vec::new();
    if !policy.critical.is_empty() {
        said.push(say(&CRITICAL, args.clone().with("tags", Value::list(&policy.critical))));
    }
    if !policy.malformed.is_empty() {
        said.push(say(&MALFORMED, args.clone().with("records", Value::list(&policy.malformed))));
    }
    if !policy.bound.is_empty() {
        said.push(say(&BOUND, args.clone().with("records", Value::list(&policy.bound))));
    }
    match (&policy.issue, &policy.wildcard) {
        (Some(nobody), _) if nobody.is_empty() => said.push(say(&NOBODY, args)),
        (None, None) if said.is_empty() => {
            said.push(Statement::passed(subject).args(args).evidence(evidence));
        }
        (None, None) => {}
        _ => said.push(say(&ISSUERS, args.with("issuers", issuers(&policy)))),
    }
    said
}

/// Who may issue, in words.
fn issuers(policy: &Policy) -> Value {
    let words = |issuers: &Option<Vec<String>>| match issuers.as_deref() {
        None => ("anybody".to_owned(), "すべての認証局".to_owned()),
        Some([]) => ("nobody".to_owned(), "なし".to_owned()),
        Some(some) => (some.join(", "), some.join(", ")),
    };
    let (en, ja) = words(&policy.issue);
    if policy.wildcard.is_none() {
        return Value::both(en, ja);
    }
    let (wild_en, wild_ja) = words(&policy.wildcard);
    Value::both(format!("{en}; with a wildcard: {wild_en}"), format!("{ja}、ワイルドカード証明書は {wild_ja}"))
}
