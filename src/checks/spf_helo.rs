//! SPF of the HELO name, which receivers check for bounces: their MAIL FROM is empty.

use std::net::IpAddr;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::spf_record::{domains, is_retired};
use super::spf_sender::supposed;
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::plan::Address;
use crate::probe::Question;
use crate::records::spf::fresh;
use crate::spf::{Envelope, Evaluation, Evaluator, SpfResult};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "spf-helo",
        title: Text {
            en: "Each sending address passes SPF for its HELO name",
            ja: "各送信元アドレスが HELO 名の SPF に合格する",
        },
        short: Text { en: "SPF of HELO", ja: "HELO の SPF" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Bounces and other notices have an empty MAIL FROM, so that receivers check the HELO name instead. Without a record of its own they get no pass, and such mail is treated as unauthenticated.",
            ja: "バウンスなどの通知は MAIL FROM が空なので、受信側は代わりに HELO 名を調べる。HELO 名に SPF レコードがなければ合格とならず、認証されていないメールとして扱われる。",
        },
        how: Text {
            en: "check_host() of RFC 7208 is carried out for each sending address with an empty sender, on what the zones publish now, and before the cutover also as if the names of the new servers led to them. This check alone speaks of the records of HELO names, so that nothing is said twice; a HELO name that is also a MAIL FROM domain is left to spf-record and spf-sender.",
            ja: "各送信元アドレスについて、送信者を空として RFC 7208 の check_host() を、ゾーンが現在公開している内容で実行する。切り替え前は、新サーバーの名前が新アドレスを指すものと仮定した場合も評価する。HELO 名のレコードについて述べるのはこの検査だけで、同じことを二度は言わない。MAIL FROM のドメインと同じ HELO 名は spf-record と spf-sender に任せる。",
        },
        by_hand: "dig +short {helo} TXT",
        references: &[
            Reference { title: "RFC 7208, section 2.3", url: "https://www.rfc-editor.org/rfc/rfc7208#section-2.3" },
            Reference { title: "RFC 7208, section 2.4", url: "https://www.rfc-editor.org/rfc/rfc7208#section-2.4" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&PRESENT, &NEW_HELO, &MOVING, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static PRESENT: Outcome = Outcome {
    tag: "spf-helo-present",
    levels: Levels::WARNING,
    says: Text {
        en: "{helo}, the HELO name of {ip}, has no SPF record: its bounces cannot pass",
        ja: "{ip} の HELO 名 {helo} に SPF レコードがなく、バウンスが合格できない",
    },
    remedy: Text {
        en: "Publish \"{record}\" as a TXT record of {helo}.",
        ja: "{helo} の TXT レコードとして「{record}」を登録する。",
    },
};

static NEW_HELO: Outcome = Outcome {
    tag: "spf-new-helo",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not pass SPF for its HELO name {helo}: {how}",
        ja: "{ip} は HELO 名 {helo} の SPF に合格しない: {how}",
    },
    remedy: Text {
        en: "Replace the SPF record of {helo} by \"{record}\".",
        ja: "{helo} の SPF レコードを「{record}」に置き換える。",
    },
};

static MOVING: Outcome = Outcome {
    tag: "spf-helo-moving",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} will pass SPF for its HELO name {helo} when A and MX change at the cutover ({later}); now it does not: {how}",
        ja: "{ip} は、切り替え時に A と MX が変わると HELO 名 {helo} の SPF に合格する ({later})。今は合格しない: {how}",
    },
    remedy: Text {
        en: "Lower the TTL of {helo} in time, or publish \"{record}\" as its SPF record now.",
        ja: "{helo} の TTL を前もって短くするか、SPF レコードを今のうちに「{record}」に変更する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "spf-helo-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} passes SPF for its HELO name {helo} is not known: {how}",
        ja: "{ip} が HELO 名 {helo} の SPF に合格するか確認できない: {how}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {helo} answer.",
        ja: "再実行する。変わらなければ {helo} のネームサーバーが応答するか調べる。",
    },
};

const NO_NAME: Text = Text { en: "the HELO is not a host name", ja: "HELO がホスト名ではない" };
const MAIL_FROM: Text = Text {
    en: "the HELO name is a MAIL FROM domain, which spf-record and spf-sender judge",
    ja: "HELO 名は MAIL FROM のドメインでもあり、spf-record と spf-sender が判定する",
};

const RETIRED: Text = Text {
    en: "the overlap is over, and no mail leaves from this address any more",
    ja: "並行運用の期間が終わり、このアドレスからはもうメールを送信しない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.addresses().map(|address| ask_one(context, address))).await
}

async fn ask_one(context: &Context, address: &Address) -> Statement {
    let subject = subject_of(address);
    if !address.sends {
        return Statement::not_applicable(subject, DOES_NOT_SEND);
    }
    if address.side == Side::Old && is_retired(context) {
        return Statement::not_applicable(subject, RETIRED);
    }
    let name = match DomainName::parse(&address.helo) {
        Ok(name) if name.is_host_name() => name,
        _ => return Statement::not_applicable(subject, NO_NAME),
    };
    if domains(context).contains(&name) {
        return Statement::not_applicable(subject, MAIL_FROM);
    }
    let envelope = Envelope { at: context.now.timestamp(), ..Envelope::new(address.ip, name.as_str(), "") };
    let published = Evaluator::published(context.dns.clone());
    let planned = async {
        match (context.phase, address.side) {
            (Phase::Before, Side::New) => {
                Some(published.clone().supposing(supposed(&context.plan)).check_host(&envelope).await)
            }
            _ => None,
        }
    };
    let (now, later, record) = futures::join!(published.check_host(&envelope), planned, record(context, &name));
    judge(address, &name, &now, later.as_ref(), &record)
}

/// The record for a HELO name: the shortest that lets every sender pass who uses the name.
async fn record(context: &Context, name: &DomainName) -> String {
    let says_it = |address: &&Address| DomainName::parse(&address.helo).is_ok_and(|helo| helo == *name);
    let is_in_use = |address: &&Address| address.side == Side::New || !is_retired(context);
    let mut ips: Vec<IpAddr> = context.senders().filter(is_in_use).filter(says_it).map(|address| address.ip).collect();
    ips.sort();
    ips.dedup();
    let mut known = Vec::new();
    for rtype in [RecordType::A, RecordType::AAAA] {
        if let Ok(question) = Question::new(name, rtype) {
            known.extend(context.published(question).await.addresses());
        }
    }
    if ips.iter().all(|ip| known.contains(ip)) { "v=spf1 a -all".to_owned() } else { fresh(&ips, "-all") }
}

fn judge(
    address: &Address,
    name: &DomainName,
    now: &Evaluation,
    later: Option<&Evaluation>,
    record: &str,
) -> Statement {
    let subject = subject_of(address);
    let args =
        address_args(address).and("helo", name).with("how", now.how()).with("record", Value::quoted_record(record));
    let said = match (now.result, later) {
        (SpfResult::Pass, _) => Statement::passed(subject),
        (SpfResult::None, _) => Statement::outcome(&PRESENT, subject).args(args),
        (SpfResult::TempError, _) => Statement::outcome(&UNANSWERED, subject).args(args),
        (_, Some(later)) if later.result == SpfResult::Pass => {
            Statement::outcome(&MOVING, subject).args(args.with("later", later.how()))
        }
        _ => Statement::outcome(&NEW_HELO, subject).args(args),
    };
    said.evidence(now.observations()).details(now.details())
}
