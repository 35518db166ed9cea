//! The zone that holds the PTR record: do all its servers say the same, and does DNSSEC let it through?

use futures::FutureExt;
use futures::future::join_all;

use super::dns_secure::{Validation, validate};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Text, Value};
use crate::plan::{Address, Resolver};
use crate::probe::{Answer, Ask, Question, Reply, Route};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "ptr-zone",
        title: Text {
            en: "The reverse zone is served alike by all its servers",
            ja: "逆引きゾーンのネームサーバーがすべて同じ内容を返す",
        },
        short: Text { en: "reverse zone", ja: "逆引きゾーン" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A server that is lame or still has the old data makes a part of the receivers see no PTR, at random; a bogus signature makes validating receivers see none at all.",
            ja: "応答しない、または古い内容のままのサーバーがあると、一部の受信側からは PTR がないように見える。DNSSEC の検証に失敗すると、検証する受信側すべてから見えなくなる。",
        },
        how: Text {
            en: "The servers of the reverse zone are found from the root and each is asked directly. Through the resolver, a SERVFAIL that disappears with the CD bit means that DNSSEC validation fails.",
            ja: "逆引きゾーンのサーバーをルートからたどって見つけ、それぞれに直接問い合わせる。リゾルバー経由の SERVFAIL が CD ビットで消えるなら、DNSSEC の検証失敗である。",
        },
        by_hand: "dig +trace -x {ip}",
        references: &[
            Reference { title: "RFC 4035, section 4.7", url: "https://www.rfc-editor.org/rfc/rfc4035#section-4.7" },
            Reference {
                title: "Zonemaster: DELEGATION04, CONSISTENCY01",
                url: "https://doc.zonemaster.net/latest/specifications/tests/",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&BOGUS, &LAME, &DIFFERS, &SILENT, &BOGUS_UNKNOWN],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static BOGUS: Outcome = Outcome {
    tag: "ptr-dnssec",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the reverse name of {ip} fails DNSSEC validation: it is answered only with checking disabled",
        ja: "{ip} の逆引き名は DNSSEC の検証に失敗する (検証を止めたときだけ応答がある)",
    },
    remedy: Text {
        en: "Have the owner of the reverse zone mend its DS or RRSIG records.",
        ja: "逆引きゾーンの管理者に DS または RRSIG レコードの修正を頼む。",
    },
};

static LAME: Outcome = Outcome {
    tag: "ptr-delegation",
    levels: Levels::WARNING,
    says: Text {
        en: "of the servers of {zone}, these do not answer for {ip}: {servers}",
        ja: "{zone} のサーバーのうち、次のものが {ip} について応答しない: {servers}",
    },
    remedy: Text {
        en: "Have the owner of the reverse zone (usually the provider) mend or drop them.",
        ja: "逆引きゾーンの管理者 (通常は事業者) に、修復または登録の削除を頼む。",
    },
};

static DIFFERS: Outcome = Outcome {
    tag: "ptr-delegation-differs",
    levels: Levels::WARNING,
    says: Text {
        en: "the servers of {zone} disagree about {ip}: {answers}",
        ja: "{zone} のサーバーの応答が {ip} について食い違う: {answers}",
    },
    remedy: Text {
        en: "Wait until the change has reached all of them; if it does not, open a ticket with the provider.",
        ja: "変更が全サーバーに行き渡るのを待つ。行き渡らなければ事業者に連絡する。",
    },
};

static SILENT: Outcome = Outcome {
    tag: "ptr-delegation-silent",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "none of the servers of {zone} answers from here about {ip}",
        ja: "{zone} のどのサーバーも、ここからは {ip} について応答しない",
    },
    remedy: Text {
        en: "See whether this machine may ask name servers directly (port 53 outward); if so, open a ticket with the provider.",
        ja: "このマシンからネームサーバーに直接問い合わせできるか (外向き 53 番ポート) 確かめる。できるなら事業者に連絡する。",
    },
};

static BOGUS_UNKNOWN: Outcome = Outcome {
    tag: "ptr-dnssec-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether DNSSEC lets the reverse name of {ip} through is not known: {why}",
        ja: "{ip} の逆引き名が DNSSEC の検証を通るか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again, from another resolver if it stays so.",
        ja: "再実行する。変わらなければ別のリゾルバーから問い合わせる。",
    },
};

const NO_WALK: Text = Text {
    en: "the root and its delegations cannot be asked from here, so the servers of the reverse zone are not known",
    ja: "ここからはルートと委任先に直接問い合わせできないため、逆引きゾーンのサーバーが分からない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let each = context.addresses().map(|address| async move {
        if !address.sends {
            return vec![Statement::not_applicable(subject_of(address), DOES_NOT_SEND)];
        }
        let (mut said, servers) = futures::join!(ask_dnssec(context, address), ask_servers(context, address));
        said.extend(servers);
        if said.is_empty() {
            said.push(Statement::passed(subject_of(address)));
        }
        said
    });
    join_all(each).await.concat()
}

async fn ask_dnssec(context: &Context, address: &Address) -> Vec<Statement> {
    if context.plan.dns.resolver == Resolver::Direct {
        return Vec::new();
    }
    let statement = |outcome, args: Args| Statement::outcome(outcome, subject_of(address)).args(args);
    match validate(context, Question::ptr(address.ip)).await {
        Validation::Answered(_) => Vec::new(),
        Validation::Bogus(evidence) => vec![statement(&BOGUS, address_args(address)).evidence(evidence)],
        Validation::Unknown(why, evidence) => {
            vec![statement(&BOGUS_UNKNOWN, address_args(address).with("why", why)).evidence(evidence)]
        }
    }
}

async fn ask_servers(context: &Context, address: &Address) -> Vec<Statement> {
    let subject = subject_of(address);
    let question = Question::ptr(address.ip);
    let authority = context.dns.authority(&question.name).await;
    let servers: Vec<_> = authority
        .servers
        .iter()
        .flat_map(|server| server.addresses.iter().map(|at| (server.name.clone(), *at)))
        .take(26)
        .collect();
    let lost_at_root = authority.failure.is_some() && authority.zone.is_root();
    if servers.is_empty() || lost_at_root {
        return vec![Statement::not_covered(subject, NO_WALK).evidence(authority.observations.iter().copied())];
    }
    let replies =
        join_all(servers.iter().map(|(_, at)| context.dns.ask(Ask::new(question.clone()).via(Route::Server(*at)))))
            .await;
    let zone = authority.zone.to_ascii();
    let args = address_args(address).and("zone", zone.trim_end_matches('.'));
    let answered = |reply: &Reply| reply.is_definite() && reply.aa;
    let lame: Vec<String> = servers
        .iter()
        .zip(&replies)
        // An address family that this machine does not have is its own lack, not the server's.
        .filter(|(_, reply)| !answered(reply) && !matches!(reply.answer, Answer::Unreachable(_)))
        .map(|((name, at), _)| format!("{} ({})", name.to_ascii().trim_end_matches('.'), at.ip()))
        .collect();
    let evidence: Vec<_> = replies.iter().map(|reply| reply.observation).collect();
    let mut said = Vec::new();
    if !replies.iter().any(|reply| answered(reply)) {
        return vec![Statement::outcome(&SILENT, subject).args(args).evidence(evidence)];
    }
    if !lame.is_empty() {
        let args = args.clone().with("servers", Value::list(&lame));
        said.push(Statement::outcome(&LAME, subject.clone()).args(args).evidence(evidence.iter().copied()));
    }
    let mut answers: Vec<String> =
        replies.iter().filter(|reply| answered(reply)).map(|reply| answer_of(reply)).collect();
    answers.sort();
    answers.dedup();
    if answers.len() > 1 {
        let args = args.and("answers", answers.join(" / "));
        said.push(Statement::outcome(&DIFFERS, subject).args(args).evidence(evidence));
    }
    said
}

/// The answer in a form in which two servers' answers can be compared.
fn answer_of(reply: &Reply) -> String {
    let mut names: Vec<String> =
        reply.names().iter().chain(&reply.chain).map(|name| name.to_ascii().to_ascii_lowercase()).collect();
    names.sort();
    if names.is_empty() { "–".to_owned() } else { names.join(" + ") }
}
