//! The certificate on the wire beside the TLSA records that are published for its host.

use futures::FutureExt;
use futures::future::join_all;

use super::dane::{Role, Seen, Trust, look, records};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::probe::{Answer, Session, TlsState};
use crate::records::certificate::Chain;
use crate::records::tlsa::{self, Match};
use crate::servers::{Talk, hosts, talks, under_name};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "tls-dane",
        title: Text {
            en: "What each receiving address presents matches the published TLSA records",
            ja: "受信する各アドレスが提示する証明書が公開中の TLSA と一致する",
        },
        short: Text { en: "TLSA match", ja: "TLSA との照合" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "The TLSA record may have been made from another certificate than the one that the server was given. Senders that use DANE then hold every message back.",
            ja: "TLSA が、実際にサーバーへ導入した証明書とは別のものから作られていることがある。その場合、DANE を使う送信側はすべてのメールを保留する。",
        },
        how: Text {
            en: "The certificates of the handshake, in which the host is named (SNI), are compared with the signed TLSA records of _25._tcp of every planned mail host that leads to the address or will at the cutover, by the rules of RFC 7672. Whether the records can be trusted is the matter of the check dane.",
            ja: "ホスト名 (SNI) を示したハンドシェイクで提示された証明書を、そのアドレスに至る (または切り替え時に至るようになる) 計画上の各メールホストの _25._tcp にある署名済みの TLSA と、RFC 7672 の規則で比べる。TLSA 自体が信頼できるかどうかは検査 dane で扱う。",
        },
        by_hand: "openssl s_client -starttls smtp -connect {at} -dane_tlsa_domain {host} -dane_tlsa_rrdata {records}",
        references: &[Reference {
            title: "RFC 7672, section 3",
            url: "https://www.rfc-editor.org/rfc/rfc7672#section-3",
        }],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&DIFFERS, &NO_TLS, &UNVALIDATED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static DIFFERS: Outcome = Outcome {
    tag: "dane-presented",
    levels: Levels::BLOCKER,
    says: Text {
        en: "no TLSA record of {host} matches what {ip} presents: {records}",
        ja: "{host} の TLSA のどれも {ip} が提示する証明書と一致しない: {records}",
    },
    remedy: Text {
        en: "Publish the TLSA record {record} at _25._tcp.{host} at least two TTLs before the cutover, or install the certificate that the records were made from.",
        ja: "切り替えより TTL の 2 倍以上前に、_25._tcp.{host} に TLSA {record} を登録する。または、TLSA の元になった証明書を導入する。",
    },
};

static NO_TLS: Outcome = Outcome {
    tag: "dane-no-tls",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{host} has signed TLSA records, and {ip} offers no TLS: senders that use DANE hold mail back",
        ja: "{host} には署名済みの TLSA があるのに、{ip} は TLS を提供しない。DANE を使う送信側はメールを保留する",
    },
    remedy: Text {
        en: "Enable STARTTLS on {ip}, or delete the TLSA records {records} at _25._tcp.{host} at least two TTLs before the cutover.",
        ja: "{ip} で STARTTLS を有効にする。または切り替えより TTL の 2 倍以上前に、_25._tcp.{host} の TLSA {records} を削除する。",
    },
};

static UNVALIDATED: Outcome = Outcome {
    tag: "dane-presented-unvalidated",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "no TLSA record of {host} matches what {ip} presents ({records}); whether senders obey the records is not known: the resolver does not validate DNSSEC",
        ja: "{host} の TLSA のどれも {ip} が提示する証明書と一致しない ({records})。リゾルバーが DNSSEC を検証しないため、送信側が TLSA に従うかどうかは確認できない",
    },
    remedy: Text {
        en: "Run again with a validating resolver, such as unbound on this machine; the record for the certificate is {record}.",
        ja: "DNSSEC を検証するリゾルバー (このマシンで動かす unbound など) で再実行する。この証明書の TLSA は {record} である。",
    },
};

const UNUSED: Text = Text {
    en: "no mail host of this address has TLSA records that bind senders",
    ja: "このアドレスのメールホストには、送信側を拘束する TLSA がない",
};
const UNREAD: Text = Text {
    en: "the TLSA records could not be read or trusted (see dane)",
    ja: "TLSA を読めないか、信頼できない (dane を参照)",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let new = talks.iter().filter(|talk| talk.address.side == Side::New);
    join_all(new.map(|talk| ask_one(context, talk))).await.concat()
}

async fn ask_one(context: &Context, talk: &Talk<'_>) -> Vec<Statement> {
    let hosts = hosts(context, talk.address).await;
    let seen = join_all(hosts.into_iter().map(|host| async move {
        let takes = |domain: &&DomainName| context.plan.planned_hosts(domain).contains(&host);
        let domains = context.plan.domains.iter().filter(takes).cloned().collect();
        let session = under_name(context, talk, &host).await;
        Some((session, look(context, host, Role { domains, planned: true, is_new: true }).await?))
    }))
    .await;
    let found = seen.iter().flatten();
    let mut said: Vec<Statement> = found.filter_map(|(session, seen)| judge(talk, session, seen)).collect();
    if said.is_empty() {
        said.push(Statement::not_applicable(talk.subject(), UNUSED));
    }
    said
}

/// What is to be said of one host; nothing if it has no records.
fn judge(talk: &Talk<'_>, session: &Session, seen: &Seen) -> Option<Statement> {
    match seen.tlsa.answer {
        Answer::Data => {}
        Answer::NoData | Answer::NxDomain => return None,
        _ => return Some(Statement::not_covered(talk.subject(), UNREAD)),
    }
    let published = records(&seen.tlsa);
    let is_trusted = match seen.trust {
        Trust::Secure(_) => true,
        Trust::Unvalidated => false,
        Trust::Insecure(_) => return None,
        Trust::Bogus(_) | Trust::Unanswered(_) => return Some(Statement::not_covered(talk.subject(), UNREAD)),
    };
    let args = talk.args().and("host", &seen.host).with("records", Value::list(&published));
    let say = |outcome: &'static Outcome, args: Args| {
        let statement = Statement::outcome(outcome, talk.subject()).about(seen.host.to_string()).args(args);
        statement.evidence([session.observation]).evidence(seen.evidence.iter().copied())
    };
    let chain = match &session.tls {
        TlsState::Up(presented) => Chain::presented(&presented.chain).ok(),
        TlsState::None if session.stop.is_none() && session.clear.is_some() && is_trusted => {
            return Some(say(&NO_TLS, args));
        }
        _ => None,
    };
    // Records that no sender can use demand TLS, and nothing of its certificate (RFC 7672, section 2.2).
    if published.iter().all(|record| record.unusable().is_some()) {
        return None;
    }
    let Some(chain) = chain else { return Some(Statement::not_covered(talk.subject(), talk.without_tls())) };
    let args = args.with("record", Value::plain(tlsa::recommended(&chain.leaf)));
    Some(match tlsa::compare(&published, &chain, &seen.host, &seen.role.domains) {
        Match::Yes => Statement::passed(talk.subject()).args(args).evidence([session.observation]),
        Match::No | Match::OtherName if is_trusted => say(&DIFFERS, args),
        Match::No | Match::OtherName => say(&UNVALIDATED, args),
    })
}
