//! Where DMARC's aggregate reports go: after a cutover they show what fails, if anybody gets them.

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::dmarc::{organization, sending_domains, silence};
use crate::check::{Check, Context, Run};
use crate::dmarc::{Discovery, Source, discover};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::Question;
use crate::records::dmarc::is_dmarc;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dmarc-rua",
        title: Text { en: "DMARC reports reach somebody", ja: "DMARC レポートが届く" },
        short: Text { en: "DMARC reports", ja: "DMARC レポート" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "The reports of the receivers are the only place where one sees, in the days after a cutover, that mail from the new server fails. A receiver sends none to another organization that has not agreed to it.",
            ja: "切り替え後の数日間、新サーバーからのメールの失敗を知る手段は受信側のレポートだけである。別組織が受け取りに同意していなければ、受信側はそこへレポートを送らない。",
        },
        how: Text {
            en: "The mail addresses in rua= of the policy that applies are read. For each of another organization (by the public suffix list), TXT \"v=DMARC1\" is looked for at domain._report._dmarc.host.",
            ja: "適用されるポリシーの rua= のメールアドレスを読む。宛先が別の組織のドメイン (public suffix list で判断) なら、「ドメイン._report._dmarc.宛先」に TXT「v=DMARC1」があるか調べる。",
        },
        by_hand: "dig +short _dmarc.{at} TXT; dig +short {at}._report._dmarc.{host} TXT",
        references: &[
            Reference { title: "RFC 9990, section 4", url: "https://www.rfc-editor.org/rfc/rfc9990#section-4" },
            Reference { title: "RFC 9989, section 4.7", url: "https://www.rfc-editor.org/rfc/rfc9989#section-4.7" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&RUA, &NONE, &UNANSWERED, &POLICY_UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static RUA: Outcome = Outcome {
    tag: "dmarc-rua",
    levels: Levels::WARNING,
    says: Text {
        en: "DMARC reports on {at} should go to {host}, which has not agreed to take them",
        ja: "{at} の DMARC レポートの宛先 {host} が、受け取りに同意していない",
    },
    remedy: Text {
        en: "Have TXT \"v=DMARC1\" published at {at}._report._dmarc.{host}, or name an address of your own domain in rua=.",
        ja: "{at}._report._dmarc.{host} に TXT「v=DMARC1」を登録してもらうか、rua= を自ドメインのアドレスにする。",
    },
};

static NONE: Outcome = Outcome {
    tag: "dmarc-rua-none",
    levels: Levels::NOTE,
    says: Text {
        en: "the DMARC record at _dmarc.{at} names no mail address for reports: after the cutover nobody will see what fails",
        ja: "_dmarc.{at} の DMARC レコードにレポートの宛先がない。切り替え後の失敗を知る手段がない",
    },
    remedy: Text {
        en: "Add rua=mailto:… to the record at _dmarc.{at}, with a mailbox that somebody reads; reports come once a day.",
        ja: "_dmarc.{at} のレコードに、担当者が読むメールボックスを rua=mailto:… として加える。レポートは 1 日 1 回届く。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dmarc-rua-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {host} takes DMARC reports on {at} is not known: {why}",
        ja: "{host} が {at} の DMARC レポートを受け取るか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, ask who runs {host}.",
        ja: "再実行する。変わらなければ {host} の運用者に問い合わせる。",
    },
};

static POLICY_UNANSWERED: Outcome = Outcome {
    tag: "dmarc-rua-policy-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "where DMARC reports on {name} go is not known, because _dmarc.{at} was not answered: {why}",
        ja: "{name} の DMARC レポートの宛先を確認できない。_dmarc.{at} の応答が得られない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {at} answer.",
        ja: "再実行する。変わらなければ {at} のネームサーバーが応答するか調べる。",
    },
};

const NO_POLICY: Text = Text { en: "no DMARC policy applies", ja: "適用される DMARC ポリシーがない" };
const ELSEWHERE: Text = Text {
    en: "the policy stands at another domain of the plan, and its reports are judged there",
    ja: "ポリシーは計画の別のドメインにあり、レポートはそちらで判定する",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let domains = sending_domains(context);
    join_all(domains.iter().map(|domain| ask_one(context, domain, &domains))).await.concat()
}

async fn ask_one(context: &Context, domain: &DomainName, judged: &[&DomainName]) -> Vec<Statement> {
    let discovery = discover(&context.dns, domain).await;
    let subject = || Subject::Name(domain.to_string());
    let source = match applying(&discovery) {
        Ok(Some(source)) => source,
        Ok(None) => return vec![Statement::not_applicable(subject(), NO_POLICY)],
        Err(args) => {
            let statement = Statement::outcome(&POLICY_UNANSWERED, subject()).args(args.and("host", domain));
            return vec![statement.evidence(discovery.evidence())];
        }
    };
    if source.at != domain && judged.contains(&source.at) {
        return vec![Statement::not_applicable(subject(), ELSEWHERE)];
    }
    let args = Args::none().and("at", source.at);
    let mut hosts: Vec<&DomainName> = source.record.reports.iter().map(|mailbox| &mailbox.domain).collect();
    hosts.sort();
    hosts.dedup();
    if hosts.is_empty() {
        let statement = Statement::outcome(&NONE, subject()).args(args.and("host", source.at));
        return vec![statement.evidence(discovery.evidence())];
    }
    hosts.retain(|host| organization(host) != organization(source.at));
    let asked = hosts.into_iter().map(|host| consent(context, source.at, host, subject()));
    let mut said: Vec<Statement> = join_all(asked).await.into_iter().flatten().collect();
    if said.is_empty() {
        said.push(Statement::passed(subject()).args(args).evidence(discovery.evidence()));
    }
    said
}

/// The record that applies: the tree walk's, else that of the public suffix list.
fn applying(discovery: &Discovery) -> Result<Option<Source<'_>>, Args> {
    let silence = |visit| silence(&discovery.domain, visit);
    let (walk, list) = (discovery.by_walk().map_err(silence)?, discovery.by_list().map_err(silence)?);
    Ok(walk.source.or(list.source))
}

/// What is to be said if `host` has not agreed to take reports on `at` (RFC 9990, section 4).
async fn consent(context: &Context, at: &DomainName, host: &DomainName, subject: Subject) -> Option<Statement> {
    let args = Args::none().and("at", at).and("host", host);
    let say = |outcome, args| Statement::outcome(outcome, subject).args(args).about(host.as_str());
    // Where the name is too long, nobody can agree.
    let Ok(question) = Question::new(format!("{at}._report._dmarc.{host}"), RecordType::TXT) else {
        return Some(say(&RUA, args));
    };
    let reply = context.published(question).await;
    if reply.texts().iter().any(|text| is_dmarc(text)) {
        return None;
    }
    let (outcome, why) = if reply.is_definite() { (&RUA, Value::plain("")) } else { (&UNANSWERED, reply.why()) };
    Some(say(outcome, args.with("why", why)).evidence([reply.observation]))
}
