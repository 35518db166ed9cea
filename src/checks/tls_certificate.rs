//! The certificate that a server presents at port 25: names, chain, days, key.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};
use futures::FutureExt;
use futures::future::join_all;

use super::mta_sts::enforces;
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::plan::Plan;
use crate::probe::{ChainFault, Session, TlsSeen, TlsState, is_for};
use crate::records::certificate::Chain;
use crate::servers::{Talk, hosts, talks, under_name};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "tls-certificate",
        title: Text {
            en: "Each receiving address presents a valid certificate for its mail host",
            ja: "受信する各アドレスがメールホスト名の有効な証明書を提示する",
        },
        short: Text { en: "certificate", ja: "証明書" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Senders that follow MTA-STS in mode enforce deliver only where the certificate is valid for the MX host. Most others do not verify it, but some partners demand it.",
            ja: "MTA-STS の enforce モードに従う送信側は、MX ホスト名に有効な証明書がなければ配送しない。ほかの送信側の多くは証明書を検証しないが、検証を必須とする取引先もある。",
        },
        how: Text {
            en: "The certificates of the handshake, one for each mail host (SNI), are judged as of now and as of the cutover: a name in subjectAltName for every planned mail host that leads to the address or will at the cutover, a chain to the public authorities (or to [smtp] trust), the days, the length of an RSA key, and that it is the certificate of [new] in the plan. Whether MTA-STS binds senders is read from the published policy.",
            ja: "メールホスト名ごと (SNI) のハンドシェイクで提示された証明書を、現在と切り替え時点について調べる。そのアドレスに至る (または切り替え時に至るようになる) 計画上のメールホスト名が subjectAltName にあるか、パブリック認証局 (または [smtp] trust) まで連鎖するか、有効期間、RSA 鍵の長さ、計画の [new] certificate と同じものかを見る。MTA-STS が送信側を拘束するかどうかは、公開されたポリシーで確かめる。",
        },
        by_hand: "openssl s_client -starttls smtp -servername {host} -connect {at} -showcerts",
        references: &[
            Reference { title: "RFC 8461, section 4.1", url: "https://www.rfc-editor.org/rfc/rfc8461#section-4.1" },
            Reference { title: "RFC 9525, section 6", url: "https://www.rfc-editor.org/rfc/rfc9525#section-6" },
            Reference { title: "RFC 7435, section 3", url: "https://www.rfc-editor.org/rfc/rfc7435#section-3" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&REFUSED, &NAME, &CHAIN, &EXPIRED, &EXPIRY, &KEY, &OTHER],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static REFUSED: Outcome = Outcome {
    tag: "tls-cert-refused",
    levels: Levels::BLOCKER,
    says: Text {
        en: "senders that follow the MTA-STS policy of {domains} will not deliver to {ip}: {why}",
        ja: "{domains} の MTA-STS ポリシーに従う送信側は {ip} に配送しない: {why}",
    },
    remedy: Text {
        en: "Install a certificate for {host} from a public authority, with its intermediate certificates, before the MX changes, and enable STARTTLS.",
        ja: "MX を変更する前に、パブリック認証局が発行した {host} の証明書を中間証明書とともに導入し、STARTTLS を有効にする。",
    },
};

static NAME: Outcome = Outcome {
    tag: "tls-cert-name",
    levels: Levels::WARNING,
    says: Text {
        en: "the certificate of {ip} is not for {host}; its names: {names}",
        ja: "{ip} の証明書に {host} が含まれていない (証明書の名前: {names})",
    },
    remedy: Text {
        en: "Have a certificate issued that covers {host}, and install it.",
        ja: "{host} を含む証明書を取得し、サーバーに導入する。",
    },
};

static CHAIN: Outcome = Outcome {
    tag: "tls-cert-chain",
    levels: Levels::WARNING,
    says: Text {
        en: "the certificate chain of {ip} leads to no trusted authority: {why}",
        ja: "{ip} の証明書チェーンを、信頼された認証局までたどれない: {why}",
    },
    remedy: Text {
        en: "Install the intermediate certificates beside the server's own; replace a self-signed certificate with one from a public authority.",
        ja: "サーバーの証明書と併せて中間証明書を導入する。自己署名なら、パブリック認証局の証明書に置き換える。",
    },
};

static EXPIRED: Outcome = Outcome {
    tag: "tls-cert-expired",
    levels: Levels::WARNING,
    says: Text {
        en: "the certificate of {ip} is not valid at {time}: it is valid from {from} to {to}",
        ja: "{ip} の証明書は {time} の時点で有効でない。有効期間は {from} から {to} まで",
    },
    remedy: Text {
        en: "Renew the certificate before the cutover, and see that renewal works on the new server.",
        ja: "切り替え前に証明書を更新し、新サーバーで自動更新が動くことも確かめる。",
    },
};

static EXPIRY: Outcome = Outcome {
    tag: "tls-cert-expiry",
    levels: Levels::WARNING,
    says: Text {
        en: "the certificate of {ip} expires on {to}, less than {days} days after the cutover",
        ja: "{ip} の証明書は、切り替えから {days} 日もたたない {to} に期限が切れる",
    },
    remedy: Text {
        en: "Renew it before the move, or see that renewal works on the new server.",
        ja: "移行前に更新するか、新サーバーで自動更新が動くことを確かめる。",
    },
};

static KEY: Outcome = Outcome {
    tag: "tls-cert-key",
    levels: Levels::WARNING,
    says: Text {
        en: "the RSA key of the certificate of {ip} has {bits} bits",
        ja: "{ip} の証明書の RSA 鍵は {bits} ビットである",
    },
    remedy: Text {
        en: "Use an RSA key of at least 2048 bits, or an elliptic-curve key: newer TLS libraries refuse shorter RSA keys.",
        ja: "2048 ビット以上の RSA 鍵か、楕円曲線の鍵にする。新しい TLS ライブラリは、それより短い RSA 鍵を拒否する。",
    },
};

static OTHER: Outcome = Outcome {
    tag: "tls-cert-other",
    levels: Levels::WARNING,
    says: Text {
        en: "the key of the certificate that {ip} presents is not that of [new] certificate in the plan",
        ja: "{ip} が提示する証明書の鍵が、計画の [new] certificate のものと違う",
    },
    remedy: Text {
        en: "Install the planned certificate, or name the right file under [new] certificate: TLSA records are judged by it.",
        ja: "計画の証明書を導入するか、[new] certificate に正しいファイルを書く。TLSA はそのファイルで判定している。",
    },
};

/// So many days after the cutover the certificate should still hold.
const GRACE_DAYS: i64 = 21;
/// The shortest RSA key that is taken without a word (NIST SP 800-131A).
const LEAST_BITS: usize = 2048;

/// What senders compare, for one chain of a server.
struct Demand {
    /// What it is presented in.
    session: Arc<Session>,
    /// The mail hosts that lead to the address, or will, and for which it is presented; never empty.
    hosts: Vec<DomainName>,
    /// Domains whose policy binds senders, and the host that it binds them to.
    enforced: Vec<(DomainName, DomainName)>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let demands = join_all(talks.iter().map(|talk| demands(context, talk))).await;
    talks.iter().zip(demands).flat_map(|(talk, demands)| judge(context, talk, &demands)).collect()
}

/// One for each chain that the server presents.
async fn demands(context: &Context, talk: &Talk<'_>) -> Vec<Demand> {
    let mut demands: Vec<Demand> = Vec::new();
    for host in hosts(context, talk.address).await {
        let session = under_name(context, talk, &host).await;
        let chain = |session: &Session| session.tls_seen().map(|seen| seen.chain.clone());
        match demands.iter_mut().find(|known| chain(&known.session) == chain(&session)) {
            Some(known) => known.hosts.push(host),
            None => demands.push(Demand { session, hosts: vec![host], enforced: Vec::new() }),
        }
    }
    if talk.address.side == Side::New {
        for domain in &context.plan.domains {
            for host in context.plan.planned_hosts(domain) {
                let Some(demand) = demands.iter_mut().find(|demand| demand.hosts.contains(&host)) else { continue };
                if enforces(context, domain, &host).await {
                    demand.enforced.push((domain.clone(), host));
                }
            }
        }
    }
    demands
}

fn judge(context: &Context, talk: &Talk<'_>, demands: &[Demand]) -> Vec<Statement> {
    if talk.session.tls_seen().is_none() {
        return vec![without_tls(talk, demands)];
    }
    let mut said: Vec<Statement> = demands.iter().flat_map(|demand| judge_chain(context, talk, demand)).collect();
    let args = talk.args().with("host", Value::list(demands.iter().flat_map(|demand| &demand.hosts)));
    let evidence = || demands.iter().map(|demand| demand.session.observation);
    if talk.address.side == Side::New && is_other(&context.plan, demands) {
        said.push(Statement::outcome(&OTHER, talk.subject()).args(args.clone()).evidence(evidence()));
    }
    if said.is_empty() {
        said.push(Statement::passed(talk.subject()).args(args).evidence(evidence()));
    }
    said
}

/// What is said of a server without TLS: it must not be without where a policy binds senders (RFC 8461, section 4.2).
fn without_tls(talk: &Talk<'_>, demands: &[Demand]) -> Statement {
    let session = &talk.session;
    let is_seen = session.tls == TlsState::None && session.stop.is_none() && talk.extensions().is_some();
    let enforced: Vec<&(DomainName, DomainName)> = demands.iter().flat_map(|demand| &demand.enforced).collect();
    match enforced.first() {
        Some((_, host)) if is_seen => {
            let args = talk
                .args()
                .and("host", host)
                .with("domains", Value::list(enforced.iter().map(|(domain, _)| domain)))
                .with("why", Value::both("it offers no STARTTLS", "STARTTLS を提供しない"));
            Statement::outcome(&REFUSED, talk.subject()).args(args).evidence(talk.evidence())
        }
        _ => Statement::not_covered(talk.subject(), talk.without_tls()),
    }
}

/// Whether the key of the planned certificate is in none of the chains.
fn is_other(plan: &Plan, demands: &[Demand]) -> bool {
    let chains = demands.iter().filter_map(|demand| Chain::presented(&demand.session.tls_seen()?.chain).ok());
    let keys: Vec<_> = chains.map(|chain| chain.leaf.key).collect();
    plan.certificate.as_ref().is_some_and(|planned| !keys.is_empty() && !keys.contains(&planned.leaf.key))
}

fn judge_chain(context: &Context, talk: &Talk<'_>, demand: &Demand) -> Vec<Statement> {
    let session = &demand.session;
    let Some(seen) = session.tls_seen() else { return Vec::new() };
    let host = &demand.hosts[0];
    let args = talk.args().and("host", host);
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence([session.observation])
    };
    let Ok(chain) = Chain::presented(&seen.chain) else {
        let why = Value::both("it cannot be read (X.509)", "X.509 として読めない");
        return vec![say(&CHAIN, args.with("why", why))];
    };
    let moment = context.now.max(context.plan.cutover_at);
    let mut said = faults(context, seen, &chain, demand, &args, moment, &say);
    // A fault of one name is none for senders that a policy binds to another; others have no name and are about the chain.
    let concerns =
        |fault: &Statement, host: &DomainName| fault.about.as_ref().is_none_or(|about| *about == host.as_str());
    let refused = |(_, host): &&(DomainName, DomainName)| said.iter().any(|fault| concerns(fault, host));
    let refused: Vec<&(DomainName, DomainName)> = demand.enforced.iter().filter(refused).collect();
    if let Some((_, bound)) = refused.first() {
        let binds = |fault: &Statement| refused.iter().any(|(_, host)| concerns(fault, host));
        let (bound_to, others): (Vec<Statement>, Vec<Statement>) = said.into_iter().partition(binds);
        let args = args
            .clone()
            .and("host", bound)
            .with("domains", Value::list(refused.iter().map(|(domain, _)| domain)))
            .with("why", reasons(&bound_to));
        said = others;
        said.push(say(&REFUSED, args));
    }
    said.extend(doubts(&context.plan, &chain, moment, &args, &say));
    said
}

/// Whatever a sender that looks would refuse.
fn faults(
    context: &Context,
    seen: &TlsSeen,
    chain: &Chain,
    demand: &Demand,
    args: &Args,
    moment: DateTime<FixedOffset>,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let mut said = Vec::new();
    let day = |seconds: i64| {
        DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |at| context.clock(at.fixed_offset()))
    };
    for host in demand.hosts.iter().filter(|host| !is_for(&seen.chain[0], host)) {
        let names = Value::list(chain.leaf.names.iter().take(5));
        said.push(say(&NAME, args.clone().and("host", host).with("names", names)).about(host.to_string()));
    }
    let (from, to) = chain.leaf.validity;
    let lapsed = [context.now, moment].into_iter().find(|at| !(from..=to).contains(&at.timestamp()));
    // A chain is looked at while its certificate holds, so that an expired one is not called untrusted too.
    // It may end before it begins.
    let within =
        DateTime::from_timestamp(moment.timestamp().max(from).min(to), 0).map_or(moment, |at| at.fixed_offset());
    match context.smtp.chain_fault(&seen.chain, within) {
        None => {}
        Some(fault) => said.push(say(&CHAIN, args.clone().with("why", why(&fault)))),
    }
    if let Some(at) = lapsed {
        let args = args.clone().and("time", context.clock(at)).and("from", day(from)).and("to", day(to));
        said.push(say(&EXPIRED, args));
    }
    said
}

/// What is no fault yet.
fn doubts(
    plan: &Plan,
    chain: &Chain,
    moment: DateTime<FixedOffset>,
    args: &Args,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let mut said = Vec::new();
    let (_, to) = chain.leaf.validity;
    let grace = moment + TimeDelta::days(GRACE_DAYS);
    if (moment.timestamp()..grace.timestamp()).contains(&to)
        && let Some(end) = DateTime::from_timestamp(to, 0)
    {
        let end = end.with_timezone(plan.cutover_at.offset()).format("%Y-%m-%d");
        said.push(say(&EXPIRY, args.clone().and("to", end).and("days", GRACE_DAYS)));
    }
    if let Some(bits) = chain.leaf.rsa_bits.filter(|bits| *bits < LEAST_BITS) {
        said.push(say(&KEY, args.clone().and("bits", bits)));
    }
    said
}

fn why(fault: &ChainFault) -> Value {
    match fault {
        ChainFault::Untrusted => Value::both(
            "the issuer is not known, or an intermediate certificate is missing",
            "発行者が不明か、中間証明書がない",
        ),
        ChainFault::Expired => Value::both("a certificate in it has expired", "期限切れの証明書が含まれる"),
        ChainFault::NotYet => Value::both("a certificate in it is not valid yet", "まだ有効でない証明書が含まれる"),
        ChainFault::Other(reason) => Value::both(reason, reason),
    }
}

/// The sentences of several statements in one.
fn reasons(said: &[Statement]) -> Value {
    let told = |lang| {
        let all: Vec<String> = said.iter().filter_map(|one| Some(one.args.say(one.named()?.says, lang))).collect();
        all.join("; ")
    };
    Value::both(told(crate::model::Lang::En), told(crate::model::Lang::Ja))
}
