//! DANE: do the TLSA records of the mail hosts hold, and do they fit the certificate that the new server will present?

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::TLSA;
use hickory_proto::rr::{RecordData, RecordType};

use super::client_names::{lead, published};
use super::dns_secure::live_zone;
use super::ptr;
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::plan::{Plan, Service};
use crate::probe::{Answer, Ask, Question, Reply, plain};
use crate::records::tlsa::{self, Match, Tlsa, Unusable};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dane",
        title: Text {
            en: "Senders that use DANE accept the new server's certificate",
            ja: "DANE を使う送信側が新サーバーの証明書を受け入れる",
        },
        short: Text { en: "DANE", ja: "DANE の TLSA" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A sender that finds signed TLSA records delivers only to a certificate that matches. With the new server's key and the old server's records it holds every message back, and returns it days later.",
            ja: "署名された TLSA を見つけた送信側は、証明書が一致するサーバーにしか配信しない。新サーバーの鍵に対して旧サーバーの TLSA が残っていると、メールはすべて保留され、数日後に差出人へ戻る。",
        },
        how: Text {
            en: "TLSA of _25._tcp of every mail host, present and planned, is asked of the zone's own servers. Where there is one, the resolver's AD bit must vouch for it, for the host's addresses and for MX (RFC 7672, section 2.2); whether the resolver validates at all is seen from the root and com. Usable records are compared with the certificates of [new]; signatures between those are not verified.",
            ja: "現在と計画のメールホストすべてについて、_25._tcp の TLSA をゾーンの権威サーバーに問い合わせる。あれば、TLSA、ホストのアドレス、MX がリゾルバーの AD ビットで検証済みかどうかを見る (RFC 7672 第 2.2 節)。リゾルバーが検証を行うかどうかはルートと com で確かめる。使える TLSA を [new] の certificate と比べる (証明書間の署名は検証しない)。",
        },
        by_hand: "dig +adflag _25._tcp.{name} TLSA",
        references: &[
            Reference {
                title: "RFC 7672, sections 2.2 and 3.1",
                url: "https://www.rfc-editor.org/rfc/rfc7672#section-2.2",
            },
            Reference { title: "RFC 7671, section 8.1", url: "https://www.rfc-editor.org/rfc/rfc7671#section-8.1" },
            Reference { title: "RFC 6698, section 2.1", url: "https://www.rfc-editor.org/rfc/rfc6698#section-2.1" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &WANTED,
            &PREPUBLISH,
            &NAME,
            &BOGUS,
            &SIGNED,
            &MX_UNSIGNED,
            &USAGE,
            &UNUSABLE,
            &LOST,
            &CERTIFICATE,
            &UNVALIDATED,
            &UNANSWERED,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static WANTED: Outcome = Outcome {
    tag: "dane-wanted",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the plan uses DANE, but {name} has no TLSA record",
        ja: "計画では DANE を使うが、{name} に TLSA レコードがない",
    },
    remedy: Text {
        en: "Publish the TLSA record {record} at _25._tcp.{name}: at least two TTLs before the cutover, or at once if it is over.",
        ja: "_25._tcp.{name} に TLSA {record} を登録する (切り替えの TTL 2 回分以上前。切り替え後ならただちに)。",
    },
};

static PREPUBLISH: Outcome = Outcome {
    tag: "dane-prepublish",
    levels: Levels::BLOCKER,
    says: Text {
        en: "no TLSA record of {name} matches the new server's certificate: {records}",
        ja: "{name} の TLSA のどれも新サーバーの証明書と一致しない: {records}",
    },
    remedy: Text {
        en: "Publish the TLSA record {record} at _25._tcp.{name} beside the others: at least two TTLs before the cutover, or at once if it is over (RFC 7671, section 8.1).",
        ja: "_25._tcp.{name} に TLSA {record} を追加で登録する (切り替えの TTL 2 回分以上前。切り替え後ならただちに。RFC 7671 第 8.1 節)。",
    },
};

static NAME: Outcome = Outcome {
    tag: "dane-name",
    levels: Levels::BLOCKER,
    says: Text {
        en: "TLSA records of {name} match an issuer of the new server's certificate (usage 2), but the certificate is for {names}",
        ja: "{name} の TLSA (usage 2) は新サーバーの証明書の発行者と一致するが、証明書の名前が {names} である",
    },
    remedy: Text {
        en: "Have the certificate issued for {name}, or publish the TLSA record {record} at _25._tcp.{name}, with which no name is compared.",
        ja: "証明書を {name} 宛てに発行し直すか、名前を照合しない TLSA {record} を _25._tcp.{name} に登録する。",
    },
};

static BOGUS: Outcome = Outcome {
    tag: "dane-bogus",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the DNS answers that DANE senders need for {name} fail DNSSEC validation: {names}",
        ja: "DANE を使う送信側が {name} について読む応答が DNSSEC の検証に失敗する: {names}",
    },
    remedy: Text {
        en: "Mend the signatures or the DS records of the zone: senders that validate hold all mail back until then.",
        ja: "ゾーンの署名または DS レコードを直す。直るまで、検証する送信側はすべてのメールを保留する。",
    },
};

static SIGNED: Outcome = Outcome {
    tag: "dane-signed",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has TLSA records, but these answers about it are not signed, so senders ignore the records: {names}",
        ja: "{name} に TLSA があるが、次の応答が署名されていないため送信側は TLSA を無視する: {names}",
    },
    remedy: Text {
        en: "Sign the zone of {name} with DNSSEC, or delete the TLSA records at _25._tcp.{name}.",
        ja: "{name} のゾーンに DNSSEC で署名するか、_25._tcp.{name} の TLSA を削除する。",
    },
};

static MX_UNSIGNED: Outcome = Outcome {
    tag: "dane-mx-unsigned",
    levels: Levels::WARNING,
    says: Text {
        en: "{name} has signed TLSA records, but these answers that lead to it are not signed and can be forged: {names}",
        ja: "{name} の TLSA は署名されているが、そこに至る次の応答が署名されておらず、偽造できる: {names}",
    },
    remedy: Text {
        en: "Sign the mail domain with DNSSEC; some senders obey the TLSA records all the same (Postfix does).",
        ja: "メールドメインに DNSSEC で署名する。なお、署名がなくても TLSA に従う送信側はある (Postfix など)。",
    },
};

static USAGE: Outcome = Outcome {
    tag: "dane-usage",
    levels: Levels::WARNING,
    says: Text {
        en: "senders pass over some TLSA records of {name}: {detail}",
        ja: "{name} の TLSA の一部は送信側に無視される: {detail}",
    },
    remedy: Text {
        en: "Replace them at _25._tcp.{name} by records that begin with 3 1 1 or 2 1 1.",
        ja: "_25._tcp.{name} のそのレコードを、3 1 1 または 2 1 1 のレコードに置き換える。",
    },
};

static UNUSABLE: Outcome = Outcome {
    tag: "dane-unusable",
    levels: Levels::WARNING,
    says: Text {
        en: "senders can use none of the TLSA records of {name}; they demand TLS and accept any certificate: {detail}",
        ja: "{name} の TLSA はどれも使えない。送信側は TLS を必須とするが、証明書は確かめない: {detail}",
    },
    remedy: Text {
        en: "Replace them at _25._tcp.{name} by records that begin with 3 1 1 or 2 1 1.",
        ja: "_25._tcp.{name} のレコードを、3 1 1 または 2 1 1 のレコードに置き換える。",
    },
};

static LOST: Outcome = Outcome {
    tag: "dane-lost",
    levels: Levels::WARNING,
    says: Text {
        en: "the present mail host {host} has TLSA records, and the planned {name} has none: DANE ends with the cutover",
        ja: "現在のメールホスト {host} には TLSA があるが、計画の {name} にはない。切り替えとともに DANE の保護がなくなる",
    },
    remedy: Text {
        en: "Publish the TLSA record {record} at _25._tcp.{name} before the cutover, or write dane = false under [auth] if that is meant.",
        ja: "切り替え前に _25._tcp.{name} に TLSA {record} を登録する。意図したことなら [auth] に dane = false と書く。",
    },
};

static CERTIFICATE: Outcome = Outcome {
    tag: "dane-certificate-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether the TLSA records of {name} match the new server's certificate is not known: the plan does not name it",
        ja: "{name} の TLSA が新サーバーの証明書と一致するか確認できない (計画に証明書がない)",
    },
    remedy: Text {
        en: "Write certificate = \"new.pem\" under [new], with the certificates that the new server will present.",
        ja: "新サーバーが提示する証明書のファイルを、[new] に certificate = \"new.pem\" のように書く。",
    },
};

static UNVALIDATED: Outcome = Outcome {
    tag: "dane-unvalidated",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether senders will obey the TLSA records of {name} is not known: the resolver does not validate DNSSEC",
        ja: "送信側が {name} の TLSA に従うか確認できない (リゾルバーが DNSSEC を検証しない)",
    },
    remedy: Text {
        en: "Run again with a validating resolver, such as unbound on this machine: resolver = [\"127.0.0.1\"] under [dns].",
        ja: "DNSSEC を検証するリゾルバー (このマシンの unbound など) で再実行する。[dns] に resolver = [\"127.0.0.1\"] と書く。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dane-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the TLSA records of {name}, or what must be signed with them, could not be read: {why}",
        ja: "{name} の TLSA、または併せて署名が必要な応答を読めない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, mend the name servers of {name}: senders that use DANE hold mail back until they get an answer.",
        ja: "再実行する。変わらなければ {name} のネームサーバーを直す。応答がないと、DANE を使う送信側はメールを保留する。",
    },
};

const UNUSED: Text = Text { en: "the host has no TLSA records", ja: "TLSA レコードがない" };
const NO_CERTIFICATE: Text = Text {
    en: "the plan does not name the new server's certificate ([new] certificate)",
    ja: "計画に新サーバーの証明書がない ([new] certificate)",
};
const NO_VALIDATION: Text =
    Text { en: "the resolver does not validate DNSSEC", ja: "リゾルバーが DNSSEC を検証しない" };
const LEFT_HOST: Text = Text {
    en: "the TLSA records of a host that will not serve the domain could not be judged",
    ja: "今後使わないホストの TLSA を判定できない",
};

/// One mail host.
#[derive(Default)]
pub(super) struct Role {
    /// The domains whose mail it takes or will take.
    pub(super) domains: Vec<DomainName>,
    /// The plan names it: it is MX after the cutover.
    pub(super) planned: bool,
    /// It will be the new server: its certificate is the plan's.
    pub(super) is_new: bool,
}

/// What is published for one host, and how far it can be trusted.
pub(super) struct Seen {
    pub(super) host: DomainName,
    pub(super) role: Role,
    pub(super) tlsa: Arc<Reply>,
    pub(super) trust: Trust,
    pub(super) evidence: Vec<ObservationId>,
}

/// How far the resolver vouches for the answers that DANE rests on.
pub(super) enum Trust {
    /// For all that concerns the host; not for MX of these domains.
    Secure(Vec<String>),
    /// Not for these.
    Insecure(Vec<String>),
    /// It rejects these.
    Bogus(Vec<String>),
    /// It vouches for nothing in the world.
    Unvalidated,
    /// It did not answer.
    Unanswered(Value),
}

async fn ask(context: &Context) -> Vec<Statement> {
    let hosts = hosts(context).await;
    let seen = join_all(hosts.into_iter().map(|(host, role)| look(context, host, role))).await;
    let seen: Vec<Seen> = seen.into_iter().flatten().collect();
    let protected = seen.iter().find(|one| !one.role.planned && one.tlsa.answer == Answer::Data);
    let protected = protected.filter(|one| matches!(one.trust, Trust::Secure(_))).map(|one| &one.host);
    seen.iter().flat_map(|one| judge(&context.plan, one, protected)).collect()
}

/// The mail hosts of now and of the plan.
async fn hosts(context: &Context) -> BTreeMap<DomainName, Role> {
    let plan = &context.plan;
    let present = join_all(plan.domains.iter().map(|domain| async move {
        let question = Question::new(domain, RecordType::MX).ok()?;
        let reply = context.dns.ask(Ask::new(question)).await;
        match reply.answer {
            Answer::Data => Some(ptr::names(&reply)),
            // The domain is its own mail host (RFC 5321, section 5.1).
            Answer::NoData => Some(vec![domain.clone()]),
            _ => None,
        }
    }));
    let mut hosts: BTreeMap<DomainName, Role> = BTreeMap::new();
    for (domain, present) in plan.domains.iter().zip(present.await) {
        let present = present.into_iter().flatten().map(|host| (host, false));
        let planned = plan.planned_hosts(domain).into_iter().map(|host| (host, true));
        for (host, planned) in present.chain(planned) {
            let role = hosts.entry(host).or_default();
            role.planned |= planned;
            if !role.domains.contains(domain) {
                role.domains.push(domain.clone());
            }
        }
    }
    for (host, role) in &mut hosts {
        role.is_new = role.planned && is_new(context, host).await;
    }
    hosts
}

/// Whether a planned host will be the new server, and not a backup that stays where it is.
async fn is_new(context: &Context, host: &DomainName) -> bool {
    let plan = &context.plan;
    if *host == plan.hostname || plan.new.iter().any(|address| address.receives && address.ptr == *host) {
        return true;
    }
    let lead = lead(context, host.as_str()).await;
    let found = lead.map_or_else(Vec::new, |lead| lead.addresses());
    if found.is_empty() {
        // It is yet to be published.
        let mut ours = plan.domains.iter().chain([&plan.hostname]).filter_map(DomainName::registrable);
        return host.registrable().is_some_and(|domain| ours.any(|own| own == domain));
    }
    // Its name may be in anybody's domain.
    found.iter().any(|ip| context.addresses().any(|address| address.ip == *ip))
}

pub(super) async fn look(context: &Context, host: DomainName, role: Role) -> Option<Seen> {
    let question = Question::new(format!("_25._tcp.{host}"), RecordType::TLSA).ok()?;
    let tlsa = context.published(question.clone()).await;
    let mut evidence = vec![tlsa.observation];
    let mut trust = Trust::Secure(Vec::new());
    if tlsa.answer == Answer::Data {
        // What does not exist yet is not asked of the resolver: it would remember the absence.
        let mut needed = vec![question];
        let others = [RecordType::A, RecordType::AAAA].map(|rtype| (host.clone(), rtype));
        let others = others.into_iter().chain(role.domains.iter().map(|domain| (domain.clone(), RecordType::MX)));
        for (name, rtype) in others {
            if let Some(reply) = published(context, &name, rtype).await
                && reply.answer == Answer::Data
            {
                needed.push(reply.question.clone());
            }
        }
        trust = trust_in(context, &needed, &mut evidence).await;
    }
    Some(Seen { host, role, tlsa, trust, evidence })
}

/// What the resolver says of the answers to these questions.
async fn trust_in(context: &Context, needed: &[Question], evidence: &mut Vec<ObservationId>) -> Trust {
    let replies = join_all(needed.iter().map(|question| vouched(context, question))).await;
    evidence.extend(replies.iter().map(|reply| reply.observation));
    let (mut bogus, mut silent) = (Vec::new(), None);
    // Of the host, and of MX: with an unsigned MX there are senders that obey signed TLSA records, and senders that do not.
    let (mut insecure, mut insecure_mx) = (Vec::new(), Vec::new());
    for (question, reply) in needed.iter().zip(&replies) {
        let name = format!("{} {}", plain(&question.name), question.rtype);
        match reply.answer {
            Answer::Data if reply.ad => {}
            Answer::Data if question.rtype == RecordType::MX => insecure_mx.push(name),
            Answer::Data => insecure.push(name),
            Answer::Rcode(ResponseCode::ServFail) => {
                let unchecked = context.dns.ask(Ask::new(question.clone()).checking_disabled()).await;
                evidence.push(unchecked.observation);
                if unchecked.is_definite() {
                    bogus.push(name);
                } else {
                    silent = Some(reply.why());
                }
            }
            _ => silent = Some(reply.why()),
        }
    }
    match silent {
        _ if !bogus.is_empty() => Trust::Bogus(bogus),
        Some(why) => Trust::Unanswered(why),
        None if insecure.is_empty() => Trust::Secure(insecure_mx),
        None if replies.iter().any(|reply| reply.ad) || validates(context).await => Trust::Insecure(insecure),
        None => Trust::Unvalidated,
    }
}

/// The resolver's answer; for one from a rehearsed file, that of the live zone.
async fn vouched(context: &Context, question: &Question) -> Arc<Reply> {
    let reply = context.dns.ask(Ask::new(question.clone())).await;
    match live_zone(context, &reply) {
        Some(zone) => context.dns.ask(zone).await,
        None => reply,
    }
}

/// Whether the resolver vouches for anything: the root and com have been signed since 2011. In a laboratory one of them may not be.
async fn validates(context: &Context) -> bool {
    let asked = [".", "com."].map(|zone| async move {
        let question = Question::new(zone, RecordType::SOA).ok()?;
        Some(context.dns.ask(Ask::new(question)).await)
    });
    join_all(asked).await.into_iter().flatten().any(|reply| reply.answer == Answer::Data && reply.ad)
}

fn judge(plan: &Plan, seen: &Seen, protected: Option<&DomainName>) -> Vec<Statement> {
    let subject = Subject::Name(seen.host.to_string());
    let record = plan.certificate.as_ref().map_or_else(
        || Value::both("3 1 1 and the SHA-256 of the new server's public key", "3 1 1 (新サーバーの公開鍵の SHA-256)"),
        |chain| Value::plain(tlsa::recommended(&chain.leaf)),
    );
    let args = Args::none().and("name", &seen.host).with("record", record);
    let evidence = || seen.evidence.iter().copied();
    let say = |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence());
    let lacks = |why: Text| Statement::not_covered(subject.clone(), why).args(args.clone()).evidence(evidence());
    let (is_new, wanted) = (seen.role.is_new, plan.auth.dane == Some(true));
    match seen.tlsa.answer {
        Answer::Data => {}
        Answer::NoData | Answer::NxDomain => {
            return vec![match protected {
                _ if is_new && wanted => say(&WANTED, args),
                Some(host) if is_new && plan.auth.dane.is_none() => say(&LOST, args.and("host", host)),
                _ => Statement::not_applicable(subject, UNUSED).args(args).evidence(evidence()),
            }];
        }
        _ if is_new => return vec![say(&UNANSWERED, args.with("why", seen.tlsa.why()))],
        _ => return vec![lacks(LEFT_HOST)],
    }
    let records = records(&seen.tlsa);
    let compared = plan
        .certificate
        .as_ref()
        .filter(|_| is_new)
        .map(|chain| (chain, tlsa::compare(&records, chain, &seen.host, &seen.role.domains)));
    let mut said = Vec::new();
    match &seen.trust {
        Trust::Secure(all) if all.is_empty() => {}
        Trust::Secure(names) => said.push(say(&MX_UNSIGNED, args.clone().with("names", Value::list(names)))),
        Trust::Insecure(names) => return vec![say(&SIGNED, args.with("names", Value::list(names)))],
        Trust::Bogus(names) if is_new => return vec![say(&BOGUS, args.with("names", Value::list(names)))],
        Trust::Unanswered(why) if is_new => return vec![say(&UNANSWERED, args.with("why", why.clone()))],
        Trust::Unvalidated => {
            let matters = is_new && (wanted || compared.is_some_and(|(_, result)| result != Match::Yes));
            return vec![if matters { say(&UNVALIDATED, args) } else { lacks(NO_VALIDATION) }];
        }
        Trust::Bogus(_) | Trust::Unanswered(_) => return vec![lacks(LEFT_HOST)],
    }
    let unusable: Vec<(&Tlsa, Unusable)> =
        records.iter().filter_map(|record| Some((record, record.unusable()?))).collect();
    if !unusable.is_empty() {
        let outcome = if unusable.len() == records.len() { &UNUSABLE } else { &USAGE };
        said.push(say(outcome, args.clone().with("detail", reasons(&unusable))));
    }
    if unusable.len() == records.len() {
        return said;
    }
    match compared {
        None if !is_new => {}
        // Where the server is spoken to, its own certificate is compared (tls-dane).
        None if wanted && !plan.smtp.services.contains(&Service::Smtp) => said.push(say(&CERTIFICATE, args.clone())),
        None => said.push(lacks(NO_CERTIFICATE)),
        Some((_, Match::Yes)) => {}
        Some((_, Match::No)) => said.push(say(&PREPUBLISH, args.clone().with("records", Value::list(&records)))),
        Some((chain, Match::OtherName)) => {
            said.push(say(&NAME, args.clone().with("names", Value::list(&chain.leaf.names))));
        }
    }
    if said.is_empty() {
        said.push(Statement::passed(subject).args(args.clone()).evidence(evidence()));
    }
    said
}

pub(super) fn records(reply: &Reply) -> Vec<Tlsa> {
    let record = |data: &TLSA| Tlsa {
        usage: data.cert_usage.into(),
        selector: data.selector.into(),
        matching: data.matching.into(),
        data: data.cert_data.clone(),
    };
    reply.records.iter().filter_map(|one| TLSA::try_borrow(&one.data)).map(record).collect()
}

/// The records that are passed over, each with its reason.
fn reasons(unusable: &[(&Tlsa, Unusable)]) -> Value {
    let reason = |reason: &Unusable| match reason {
        Unusable::Pkix => ("SMTP has no usage 0 and 1", "SMTP では usage 0 と 1 を使わない"),
        Unusable::Usage => ("unknown usage", "未知の usage"),
        Unusable::Selector => ("unknown selector", "未知の selector"),
        Unusable::Matching => ("unknown matching type", "未知の matching type"),
        Unusable::Length => ("data of the wrong length", "データの長さが不正"),
    };
    let told = |(record, why): &(&Tlsa, Unusable)| {
        let (en, ja) = reason(why);
        let kind = format!("{} {} {}", record.usage, record.selector, record.matching);
        (format!("{kind} ({en})"), format!("{kind} ({ja})"))
    };
    let (en, ja): (Vec<String>, Vec<String>) = unusable.iter().take(5).map(told).unzip();
    Value::both(en.join(", "), ja.join("、"))
}
