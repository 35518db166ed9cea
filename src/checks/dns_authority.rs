//! The servers of the zones that change: do all of them serve the zone, and the same one?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::{RData, RecordType};

use crate::changing::{Watched, watched};
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Lang, Level, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject,
    Text, Value, visible_bytes,
};
use crate::probe::{Answer, Ask, Authority, Question, Reply, Route, plain};
use crate::zone_servers::{Server, Standing, servers, standing};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dns-authority",
        title: Text {
            en: "All servers of each zone serve it, and the same one",
            ja: "ゾーンのサーバーがすべて、同じ内容のゾーンを提供している",
        },
        short: Text { en: "zone servers", ja: "権威サーバー" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Resolvers pick one of a zone's servers at random. If one of them did not get the change, or does not serve the zone at all, a part of the senders goes to the old server, or nowhere.",
            ja: "リゾルバーはゾーンのサーバーのどれかを無作為に選ぶ。変更が届いていないサーバーや、ゾーンを提供していないサーバーがあると、送信側の一部が旧サーバーに届けるか、どこにも届けられない。",
        },
        how: Text {
            en: "The zones of the domains and of the host name are found by walking from the root. Every address of every server that the parent names is asked without recursion for SOA, NS and each record that mail depends on (MX, addresses of mail hosts, SPF, and the like), and the answers are compared.",
            ja: "ドメインと hostname のゾーンをルートからたどって見つける。親ゾーンが挙げる全サーバーの全アドレスに、SOA、NS、メールに関わる各レコード (MX、メールホストのアドレス、SPF など) を再帰なしで直接問い合わせ、応答を比べる。",
        },
        by_hand: "dig +nssearch {zone}",
        references: &[
            Reference { title: "RFC 1034, section 4.2.2", url: "https://www.rfc-editor.org/rfc/rfc1034#section-4.2.2" },
            Reference { title: "RFC 2181, section 5.2", url: "https://www.rfc-editor.org/rfc/rfc2181#section-5.2" },
            Reference {
                title: "Zonemaster: CONSISTENCY01, DELEGATION04",
                url: "https://doc.zonemaster.net/latest/specifications/tests/",
            },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&AGREE, &LAME_ALL, &LAME, &SILENT, &SKEW, &TTL, &DELEGATION, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static AGREE: Outcome = Outcome {
    tag: "dns-ns-agree",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the servers of {zone} disagree about {rtype} {name}: {answers}",
        ja: "{zone} のサーバーの応答が {name} の {rtype} について食い違う: {answers}",
    },
    remedy: Text {
        en: "Bring the servers of {zone} to one state: mend the zone transfer, or make the change at every DNS provider.",
        ja: "{zone} の全サーバーを同じ内容にする。ゾーン転送を直すか、すべての DNS 事業者に同じ変更を登録する。",
    },
};

static LAME_ALL: Outcome = Outcome {
    tag: "dns-lame-all",
    levels: Levels::BLOCKER,
    says: Text {
        en: "none of the servers to which {zone} is delegated serves it: {servers}",
        ja: "{zone} の委任先のどのサーバーも、このゾーンを提供していない: {servers}",
    },
    remedy: Text {
        en: "Set {zone} up at these servers, or have the registrar delegate it to those that have it.",
        ja: "これらのサーバーに {zone} を設定するか、ゾーンを持つサーバーに委任先を変えるようレジストラーで登録し直す。",
    },
};

static LAME: Outcome = Outcome {
    tag: "dns-lame",
    levels: Levels::WARNING,
    says: Text {
        en: "{zone} is delegated to servers that do not answer for it as they should: {servers}",
        ja: "{zone} の委任先に、このゾーンについて正しく応答しないサーバーがある: {servers}",
    },
    remedy: Text {
        en: "Mend the zone on these servers, or take them out of the delegation at the registrar.",
        ja: "そのサーバーのゾーン設定を直すか、レジストラーで委任先から外す。",
    },
};

static SILENT: Outcome = Outcome {
    tag: "dns-ns-silent",
    levels: Levels::WARNING,
    says: Text {
        en: "servers of {zone} that do not answer from here: {servers}",
        ja: "{zone} のサーバーのうち、ここからは応答しないもの: {servers}",
    },
    remedy: Text {
        en: "Bring these servers back, or take them out of the delegation before the change.",
        ja: "そのサーバーを復旧させるか、変更の前に委任先から外す。",
    },
};

static SKEW: Outcome = Outcome {
    tag: "dns-soa-skew",
    levels: Levels::WARNING,
    says: Text {
        en: "the servers of {zone} have different versions of it: {serials}",
        ja: "{zone} の版がサーバーによって異なる: {serials}",
    },
    remedy: Text {
        en: "Wait for the zone transfer; if the serials stay apart, mend NOTIFY and the transfer.",
        ja: "ゾーン転送を待つ。シリアルが揃わなければ NOTIFY と転送の設定を直す。",
    },
};

static TTL: Outcome = Outcome {
    tag: "dns-ns-ttl",
    levels: Levels::WARNING.after(Level::Note),
    says: Text {
        en: "the servers of {zone} give different TTLs for {rtype} {name}: {ttls}",
        ja: "{name} の {rtype} の TTL が {zone} のサーバーによって異なる: {ttls}",
    },
    remedy: Text {
        en: "Set the same TTL at all servers of {zone}: caches keep the longest one.",
        ja: "{zone} の全サーバーで TTL を同じにする。長いほうの TTL を受け取ったキャッシュが残る。",
    },
};

static DELEGATION: Outcome = Outcome {
    tag: "dns-delegation",
    levels: Levels::WARNING,
    says: Text {
        en: "the parent delegates {zone} to {parent}, but the zone itself names {child}",
        ja: "親ゾーンは {zone} を {parent} に委任しているが、ゾーン自身の NS は {child} である",
    },
    remedy: Text {
        en: "Make the NS records of {zone} and the delegation at the registrar the same.",
        ja: "{zone} の NS レコードと、レジストラーに登録した委任先を一致させる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-ns-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether the servers of {zone} agree is not known: {why}",
        ja: "{zone} のサーバーの応答が一致するか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether this machine may ask name servers directly (port 53 outward) and whether they answer elsewhere.",
        ja: "再実行する。変わらなければ、このマシンからネームサーバーに直接問い合わせできるか (外向き 53 番ポート)、別の場所からは応答があるか調べる。",
    },
};

const NO_WALK: Text = Text {
    en: "the root and its delegations cannot be asked from here, so the servers of the zone are not known",
    ja: "ここからはルートと委任先に直接問い合わせできないため、ゾーンのサーバーが分からない",
};

const NO_ZONE: Text =
    Text { en: "there is no zone of its own for this name", ja: "この名前には独自のゾーンがない" };

const BEYOND: Text = Text {
    en: "some addresses of the zone's servers cannot be asked from this machine, which has no way to them (IPv6, for instance)",
    ja: "ゾーンのサーバーのアドレスの一部 (IPv6 など) には、このマシンからの経路がなく問い合わせできない",
};

const TOO_MANY: Text = Text {
    en: "the zone has more servers, or more records that mail depends on, than are compared in one run",
    ja: "ゾーンのサーバーまたはメールに関わるレコードが 1 回の検査の上限より多く、残りは確認していない",
};

/// So many RRsets of a zone are compared.
const MOST_SETS: usize = 40;
/// So much of each record is shown, in characters.
const SHOWN: usize = 120;

/// A zone with the records in it that mail depends on.
struct Zone {
    name: DomainName,
    authority: Arc<Authority>,
    sets: Vec<(DomainName, Question)>,
}

impl Zone {
    /// The RRsets that are compared.
    fn compared(&self) -> &[(DomainName, Question)] {
        self.sets.get(..MOST_SETS).unwrap_or(&self.sets)
    }
}

/// What one server said.
struct Told {
    server: Server,
    soa: Arc<Reply>,
    ns: Arc<Reply>,
    sets: Vec<Arc<Reply>>,
}

impl Told {
    /// Silence over IPv6 says nothing about a server where nobody answers over IPv6: many machines have an address and a route,
    /// but no way.
    fn standing(&self, has_ipv6: bool) -> Standing {
        match standing(&self.soa) {
            Standing::Silent if self.server.is_ipv6() && !has_ipv6 => Standing::Beyond,
            standing => standing,
        }
    }
}

async fn ask(context: &Context) -> Vec<Statement> {
    let mut names: Vec<&DomainName> = context.plan.domains.iter().chain([&context.plan.hostname]).collect();
    names.sort();
    names.dedup();
    let (found, watched) = futures::join!(join_all(names.iter().map(|name| find(context, name))), watched(context));
    let mut said = Vec::new();
    let mut zones: BTreeMap<DomainName, Zone> = BTreeMap::new();
    for one in found.into_iter().flatten() {
        match one {
            Ok(zone) => drop(zones.entry(zone.name.clone()).or_insert(zone)),
            Err(statement) => said.push(*statement),
        }
    }
    let homes = join_all(watched.iter().map(|one| home(context, one))).await;
    for (one, home) in watched.iter().zip(homes) {
        if let Some((home, question)) = home
            && let Some(zone) = zones.get_mut(&home)
        {
            zone.sets.push((one.name.clone(), question));
        }
    }
    let told = join_all(zones.values().map(|zone| ask_zone(context, zone))).await;
    let answers_by_ipv6 =
        |one: &Told| one.server.is_ipv6() && matches!(one.standing(true), Standing::Serves | Standing::Lame);
    let has_ipv6 = told.iter().flatten().any(answers_by_ipv6);
    said.extend(zones.values().zip(&told).flat_map(|(zone, told)| judge(zone, told, has_ipv6)));
    said
}

/// The zone of `name`, or what there is to say without one.
async fn find(context: &Context, name: &DomainName) -> Option<Result<Zone, Box<Statement>>> {
    let question = Question::new(name, RecordType::SOA).ok()?;
    let authority = context.dns.authority(&question.name).await;
    let evidence = authority.observations.clone();
    let own = name.registrable().unwrap_or_else(|| name.clone());
    if let Some(zone) = zone_name(&authority)
        && zone.is_within(&own)
    {
        return Some(Ok(Zone { name: zone, authority, sets: Vec::new() }));
    }
    let subject = Subject::Name(name.to_string());
    let Some(failure) = &authority.failure else {
        return Some(Err(Box::new(Statement::not_applicable(subject, NO_ZONE).evidence(evidence))));
    };
    let seen = context.dns.ask(Ask::new(question)).await;
    let statement = if authority.zone.is_root() && seen.is_definite() {
        Statement::not_covered(subject, NO_WALK)
    } else {
        Statement::outcome(&UNANSWERED, subject).args(Args::none().and("zone", name).with("why", failure.why()))
    };
    Some(Err(Box::new(statement.evidence(evidence).evidence([seen.observation]))))
}

/// The zone that holds a record.
async fn home(context: &Context, one: &Watched) -> Option<(DomainName, Question)> {
    let question = Question::new(&one.name, one.rtype).ok()?;
    let authority = context.dns.authority(&question.name).await;
    Some((zone_name(&authority)?, question))
}

fn zone_name(authority: &Authority) -> Option<DomainName> {
    DomainName::parse(&authority.zone.to_ascii()).ok()
}

async fn ask_zone(context: &Context, zone: &Zone) -> Vec<Told> {
    let each = servers(&zone.authority).0.into_iter().filter_map(|server| Some((server.at?, server)));
    let each = each.map(|(at, server)| async move {
        let ask = |question: Question| context.dns.ask(Ask::new(question).via(Route::Server(at)));
        let soa = Question { name: zone.authority.zone.clone(), rtype: RecordType::SOA };
        let ns = Question { rtype: RecordType::NS, ..soa.clone() };
        let sets = join_all(zone.compared().iter().map(|(_, question)| ask(question.clone())));
        let (soa, ns, sets) = futures::join!(ask(soa), ask(ns), sets);
        Told { server, soa, ns, sets }
    });
    join_all(each).await
}

fn judge(zone: &Zone, told: &[Told], has_ipv6: bool) -> Vec<Statement> {
    let subject = Subject::Name(zone.name.to_string());
    let args = Args::none().and("zone", &zone.name);
    let evidence: Vec<ObservationId> =
        told.iter().map(|one| one.soa.observation).chain(zone.authority.observations.iter().copied()).collect();
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence.iter().copied())
    };
    let of = |wanted| told.iter().filter(move |one| one.standing(has_ipv6) == wanted);
    let serving: Vec<&Told> = of(Standing::Serves).collect();
    let mut lame: Vec<(String, Value)> = of(Standing::Lame).map(|one| faulty(one, &one.soa)).collect();
    let mut silent: Vec<(String, Value)> = of(Standing::Silent).map(|one| faulty(one, &one.soa)).collect();
    let no_address = Value::from(Text { en: "no address could be found", ja: "アドレスが見つからない" });
    let (all, is_complete) = servers(&zone.authority);
    let nowhere = all.iter().filter(|server| server.at.is_none());
    silent.extend(nowhere.map(|server| (server.to_string(), no_address.clone())));
    let mut said = Vec::new();
    let is_beyond = of(Standing::Beyond).next().is_some();
    for (holds, why) in [(is_beyond, BEYOND), (!is_complete || zone.sets.len() > MOST_SETS, TOO_MANY)] {
        if holds {
            said.push(Statement::not_covered(subject.clone(), why).evidence(evidence.iter().copied()));
        }
    }
    if serving.is_empty() {
        if silent.is_empty() && said.is_empty() && !lame.is_empty() {
            said.push(say(&LAME_ALL, args.with("servers", listed(&lame))));
        } else if !silent.is_empty() || !lame.is_empty() {
            lame.extend(silent);
            said.push(say(&UNANSWERED, args.with("why", listed(&lame))));
        } else if said.is_empty() {
            let why = Text { en: "no server of it could be found", ja: "サーバーが 1 台も見つからない" };
            said.push(say(&UNANSWERED, args.with("why", why)));
        }
        return said;
    }
    for (place, (name, question)) in zone.compared().iter().enumerate() {
        let replies: Vec<(&Told, &Arc<Reply>)> =
            serving.iter().filter_map(|one| Some((*one, one.sets.get(place)?))).collect();
        for (one, reply) in replies.iter().filter(|(_, reply)| !tells(reply)) {
            let list = if standing(reply) == Standing::Lame { &mut lame } else { &mut silent };
            list.push(faulty(one, reply));
        }
        said.extend(judge_set(&args, name, question.rtype, &replies));
    }
    // Who does not name the zone's servers leaves open whether the delegation is right.
    for one in serving.iter().filter(|one| !tells(&one.ns)) {
        let list = if standing(&one.ns) == Standing::Lame { &mut lame } else { &mut silent };
        list.push(faulty(one, &one.ns));
    }
    let before = said.len();
    if !lame.is_empty() {
        said.push(say(&LAME, args.clone().with("servers", listed(&lame))));
    }
    if !silent.is_empty() {
        said.push(say(&SILENT, args.clone().with("servers", listed(&silent))));
    }
    let serials: Vec<(String, u32)> =
        serving.iter().filter_map(|one| Some((one.server.to_string(), serial(&one.soa)?))).collect();
    if differ(serials.iter().map(|(_, serial)| serial)) {
        let shown = serials.iter().map(|(server, serial)| format!("{server}: {serial}"));
        said.push(say(&SKEW, args.clone().with("serials", Value::list(shown))));
    }
    let parent: BTreeSet<String> = zone.authority.servers.iter().map(|server| plain(&server.name)).collect();
    let own = |one: &&Told| -> Option<BTreeSet<String>> {
        (one.ns.answer == Answer::Data).then(|| one.ns.names().iter().map(plain).collect())
    };
    if let Some(child) = serving.iter().filter_map(own).find(|child| *child != parent) {
        let ns = serving.iter().map(|one| one.ns.observation);
        let args = args.clone().with("parent", Value::list(&parent)).with("child", Value::list(&child));
        said.push(say(&DELEGATION, args).evidence(ns));
    }
    if said.len() == before && !said.iter().any(|statement| statement.subject == subject && statement.about.is_none()) {
        said.push(Statement::passed(subject).evidence(evidence));
    }
    said
}

/// Whether `reply` says what its server has, be it nothing, or an alias that leads out of its zones.
fn tells(reply: &Reply) -> bool {
    reply.is_definite() || !reply.chain.is_empty()
}

fn judge_set(args: &Args, name: &DomainName, rtype: RecordType, replies: &[(&Told, &Arc<Reply>)]) -> Vec<Statement> {
    let telling: Vec<&(&Told, &Arc<Reply>)> = replies.iter().filter(|(_, reply)| tells(reply)).collect();
    if telling.is_empty() {
        // Every server was named as lame or silent about it.
        return Vec::new();
    }
    let args = args.clone().and("name", name).and("rtype", rtype);
    let evidence = telling.iter().map(|(_, reply)| reply.observation);
    let subject = Subject::Name(name.to_string());
    let statement = if differ(telling.iter().map(|(_, reply)| content(reply))) {
        let answers: Vec<(String, Value)> =
            telling.iter().map(|(one, reply)| (one.server.to_string(), shown(reply))).collect();
        Statement::outcome(&AGREE, subject).args(args.with("answers", listed(&answers)))
    } else if differ(telling.iter().filter(|(_, reply)| reply.chain.is_empty()).map(|(_, reply)| reply.ttl)) {
        let ttls = telling.iter().filter_map(|(one, reply)| Some(format!("{}: {} s", one.server, reply.ttl?)));
        Statement::outcome(&TTL, subject).args(args.with("ttls", Value::list(ttls)))
    } else {
        Statement::passed(subject)
    };
    vec![statement.about(rtype.to_string()).evidence(evidence)]
}

/// The answer in a form in which two servers' answers can be compared: order and the case of names are no difference. Of an
/// alias only where it leads: one server may know the target's zone, another not. Of texts only the policies that are watched:
/// a proof of ownership for somebody else may stand at one provider and not at the other.
fn content(reply: &Reply) -> BTreeSet<Vec<u8>> {
    if let Some(alias) = reply.chain.first() {
        return BTreeSet::from([plain(alias).into_bytes()]);
    }
    let is_policy = |text: &[u8]| text.starts_with(b"v=spf1") || text.starts_with(b"v=STSv1");
    let records = reply.records.iter().filter_map(|record| match &record.data {
        RData::MX(mx) => Some(format!("{} {}", mx.preference, plain(&mx.exchange)).into_bytes()),
        RData::TXT(text) => Some(text.txt_data.concat()).filter(|text| is_policy(text)),
        other => Some(other.to_string().into_bytes()),
    });
    records.collect()
}

fn shown(reply: &Reply) -> Value {
    match content(reply) {
        nothing if nothing.is_empty() && reply.answer == Answer::Data => {
            Value::from(Text { en: "no such policy", ja: "該当するポリシーなし" })
        }
        nothing if nothing.is_empty() => reply.why(),
        // Cut, so that one server's long TXT record does not hide what the next one says.
        content => {
            Value::list(content.iter().map(|octets| visible_bytes(octets).chars().take(SHOWN).collect::<String>()))
        }
    }
}

fn serial(soa: &Reply) -> Option<u32> {
    soa.records.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}

fn differ<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
    let first = values.next();
    values.any(|value| Some(&value) != first.as_ref())
}

/// A server and what is the matter with its answer.
fn faulty(one: &Told, reply: &Reply) -> (String, Value) {
    let why = match reply.answer {
        Answer::Data | Answer::NoData | Answer::NxDomain => {
            Value::from(Text { en: "an answer without authority", ja: "権威のない応答" })
        }
        _ => reply.why(),
    };
    (format!("{} {}", one.server, reply.question.rtype), why)
}

/// `server: what it says` for each, in both languages.
fn listed(servers: &[(String, Value)]) -> Value {
    let joined = |lang| {
        servers.iter().map(|(server, why)| format!("{server}: {}", why.in_lang(lang))).collect::<Vec<_>>().join(" / ")
    };
    Value::both(joined(Lang::En), joined(Lang::Ja))
}
