//! The rehearsed zones beside what is published now: what would change.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::{LowerName, Name, RData, RecordType};

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::probe::{Answer, Ask, Question, Reply, plain, presentation};
use crate::zonefile::{Found, Loaded};

/// The most sets of records that are compared in a zone.
const MOST: usize = 1000;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "rehearsal",
        title: Text {
            en: "The rehearsed zones change what they should",
            ja: "リハーサルのゾーンは意図した変更だけを含む",
        },
        short: Text { en: "rehearsal", ja: "リハーサル" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A zone file that is published whole also publishes what was forgotten in it: a DKIM key that is not there any more loses mail as surely as a wrong MX.",
            ja: "ゾーンファイルを丸ごと公開すると、書き忘れも公開される。DKIM 鍵が消えれば、MX の誤りと同じように確実にメールを失う。",
        },
        how: Text {
            en: "Every set of records in the file, and every name that the plan implies, is asked of the zone's own servers and compared, at most 1000 sets for each zone. What only the live zone has at other names cannot be seen from outside.",
            ja: "ファイルの各レコード集合と、計画から導かれる名前を、ゾーンの権威サーバーに問い合わせて比べる (ゾーンごとに 1000 集合まで)。公開中のゾーンだけにあるその他の名前は、外からは見えない。",
        },
        by_hand: "dig {name} {rtype}",
        references: &[
            Reference { title: "RFC 1035, section 5", url: "https://www.rfc-editor.org/rfc/rfc1035#section-5" },
            Reference { title: "RFC 1982: serial number arithmetic", url: "https://www.rfc-editor.org/rfc/rfc1982" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&NEW, &CHANGED, &REMOVED, &TTL, &SERIAL, &SERVERS, &UNUSED, &CUT, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NEW: Outcome = Outcome {
    tag: "rehearsal-new",
    levels: Levels::NOTE,
    says: Text { en: "{name} {rtype} is new: + {intended}", ja: "{name} {rtype} が加わる: + {intended}" },
    remedy: Text { en: "See that it is meant.", ja: "意図したものか確かめる。" },
};

static CHANGED: Outcome = Outcome {
    tag: "rehearsal-changed",
    levels: Levels::NOTE,
    says: Text {
        en: "{name} {rtype} changes: - {live}; + {intended}",
        ja: "{name} {rtype} が変わる: - {live}; + {intended}",
    },
    remedy: Text { en: "See that it is meant.", ja: "意図したものか確かめる。" },
};

static REMOVED: Outcome = Outcome {
    tag: "rehearsal-removed",
    levels: Levels::NOTE,
    says: Text { en: "{name} {rtype} goes away: - {live}", ja: "{name} {rtype} がなくなる: - {live}" },
    remedy: Text {
        en: "See that it is meant; else add it to the zone file.",
        ja: "意図したものか確かめ、そうでなければゾーンファイルに加える。",
    },
};

static TTL: Outcome = Outcome {
    tag: "rehearsal-ttl",
    levels: Levels::NOTE,
    says: Text {
        en: "{name} {rtype} gets the TTL {intended} instead of {live}",
        ja: "{name} {rtype} の TTL が {live} から {intended} になる",
    },
    remedy: Text { en: "See that it is meant.", ja: "意図したものか確かめる。" },
};

static SERIAL: Outcome = Outcome {
    tag: "rehearsal-serial",
    levels: Levels::NOTE,
    says: Text {
        en: "the file of {name} has the serial {intended}, the live zone has {live}: secondaries would not fetch it",
        ja: "{name} のファイルのシリアルは {intended}、公開中は {live}。セカンダリは転送しない",
    },
    remedy: Text {
        en: "Raise the serial above {live} before the zone is loaded.",
        ja: "ゾーンを読み込ませる前に、シリアルを {live} より大きくする。",
    },
};

static SERVERS: Outcome = Outcome {
    tag: "rehearsal-servers",
    levels: Levels::NOTE,
    says: Text {
        en: "the file of {name} names other name servers than the live zone: - {live}; + {intended}",
        ja: "{name} のファイルのネームサーバーは公開中のものと異なる: - {live}; + {intended}",
    },
    remedy: Text {
        en: "Change name servers on another day than mail servers; if they change, change the delegation too.",
        ja: "ネームサーバーの変更はメールサーバーの切り替えとは別の日に行う。変えるなら委任も変える。",
    },
};

static UNUSED: Outcome = Outcome {
    tag: "rehearsal-unused",
    levels: Levels::WARNING,
    says: Text {
        en: "no name of the plan lies in {name}: its rehearsal has judged nothing",
        ja: "計画の名前はどれも {name} の中にない。このリハーサルは何も判定していない",
    },
    remedy: Text {
        en: "Give the zone of the plan's domains, or write its name before the file: --rehearse ORIGIN=FILE.",
        ja: "計画のドメインのゾーンを指定するか、ファイルの前にゾーン名を書く (--rehearse ORIGIN=FILE)。",
    },
};

static CUT: Outcome = Outcome {
    tag: "rehearsal-cut",
    levels: Levels::NOTE,
    says: Text {
        en: "{name} has {count} sets of records; only the first 1000 were compared with the live zone",
        ja: "{name} には {count} のレコード集合がある。公開中のゾーンと比べたのは最初の 1000 だけである",
    },
    remedy: Text { en: "Compare the rest by other means.", ja: "残りは別の方法で比べる。" },
};

static UNANSWERED: Outcome = Outcome {
    tag: "rehearsal-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "what {name} {rtype} is now is not known: {why}",
        ja: "{name} {rtype} の現在の内容を確認できない: {why}",
    },
    remedy: Text { en: "Ask again.", ja: "再実行する。" },
};

const NOTHING: Text =
    Text { en: "no zone was rehearsed", ja: "リハーサルのゾーンが指定されていない" };

async fn ask(context: &Context) -> Vec<Statement> {
    if context.dns.rehearsed().is_empty() {
        return vec![Statement::not_applicable(Subject::Run, NOTHING)];
    }
    let implied = implied(context);
    join_all(context.dns.rehearsed().iter().map(|loaded| compare(context, loaded, &implied))).await.concat()
}

async fn compare(context: &Context, loaded: &Loaded, implied: &[Question]) -> Vec<Statement> {
    let origin = Name::from(loaded.zone.origin().clone());
    let args = Args::none().and("name", plain(&origin)).and("rtype", "SOA");
    let own: Vec<Question> = implied
        .iter()
        .filter(|question| loaded.zone.origin().zone_of(&LowerName::new(&question.name)))
        .cloned()
        .collect();
    let mut said = Vec::new();
    if own.is_empty() {
        said.push(Statement::outcome(&UNUSED, subject(&origin)).args(args.clone()));
    }
    let questions = questions(loaded, own);
    if questions.len() > MOST {
        said.push(Statement::outcome(&CUT, subject(&origin)).args(args.clone().and("count", questions.len())));
    }
    let pairs = join_all(questions.iter().take(MOST).map(|question| pair(context, question))).await;
    let mut seen = BTreeSet::new();
    for (live, intended) in &pairs {
        // The name may lie below a delegation, or in another rehearsed zone.
        if intended.rehearsed {
            said.extend(judge(live, intended).filter(|one| seen.insert((one.subject.clone(), one.about.clone()))));
        }
    }
    said.extend(apex(context, &origin, args).await);
    if said.is_empty() {
        let evidence = pairs.iter().flat_map(|(live, intended)| [live.observation, intended.observation]);
        said.push(Statement::passed(subject(&origin)).evidence(evidence));
    }
    said
}

/// What is published now, and what the file says.
async fn pair(context: &Context, question: &Question) -> (Arc<Reply>, Arc<Reply>) {
    let ask = Ask::new(question.clone());
    futures::join!(context.dns.published(ask.clone().live()), context.dns.ask(ask))
}

/// Names that the plan implies, with the types that matter there.
fn implied(context: &Context) -> Vec<Question> {
    let plan = &context.plan;
    let (address, host) = ([RecordType::A, RecordType::AAAA], [RecordType::A, RecordType::AAAA, RecordType::TXT]);
    let mut names: Vec<(String, &[RecordType])> = Vec::new();
    for domain in plan.domains.iter().chain(&plan.auth.mail_from) {
        names.push((domain.to_string(), &[RecordType::MX, RecordType::TXT, RecordType::A, RecordType::AAAA]));
        for label in ["_dmarc", "_mta-sts", "_smtp._tls"] {
            names.push((format!("{label}.{domain}"), &[RecordType::TXT]));
        }
        names.push((format!("mta-sts.{domain}"), &address));
    }
    for (domain, selectors) in &plan.auth.dkim {
        let all = selectors.iter().chain(&plan.auth.keep_dkim);
        names.extend(all.map(|selector| (format!("{selector}._domainkey.{domain}"), &[RecordType::TXT] as &[_])));
    }
    let hosts = plan.mail_hosts();
    let spoken = context.addresses().flat_map(|address| [address.ptr.to_string(), address.helo.clone()]);
    for name in hosts.iter().map(ToString::to_string).chain(spoken) {
        names.push((format!("_25._tcp.{name}"), &[RecordType::TLSA]));
        names.push((name, &host));
    }
    let questions = names.iter().flat_map(|(name, types)| types.iter().map(move |rtype| Question::new(name, *rtype)));
    questions.flatten().chain(context.addresses().map(|address| Question::ptr(address.ip))).collect()
}

/// What the plan implies, then what the file holds; each once, the zone's own SOA and NS and what lies below a cut left out.
fn questions(loaded: &Loaded, mut questions: Vec<Question>) -> Vec<Question> {
    for (owner, rtype, _) in loaded.zone.sets() {
        let is_of_apex = owner == loaded.zone.origin() && [RecordType::SOA, RecordType::NS].contains(&rtype);
        let name = Name::from(owner.clone());
        if is_of_apex || matches!(loaded.zone.find(&name, rtype), Found::Referral(_)) {
            continue;
        }
        // What an alias would take the place of.
        let types = if rtype == RecordType::CNAME { &[RecordType::A, RecordType::AAAA][..] } else { &[rtype] };
        questions.extend(types.iter().flat_map(|rtype| Question::new(&name, *rtype)));
    }
    let mut known = BTreeSet::new();
    questions.retain(|question| known.insert(question.to_string()));
    questions
}

/// The records as a sorted list; an alias is what stands there, not what it leads to.
fn state(reply: &Reply) -> Vec<String> {
    match reply.chain.first() {
        Some(target) => vec![format!("CNAME {}", target.to_ascii())],
        None => {
            let mut lines: Vec<String> = reply.records.iter().map(presentation).collect();
            lines.sort();
            lines.dedup();
            lines
        }
    }
}

fn judge(live: &Reply, intended: &Reply) -> impl Iterator<Item = Statement> {
    let (now, then) = (state(live), state(intended));
    let is_alias = !live.chain.is_empty() || !intended.chain.is_empty();
    let rtype = if is_alias { RecordType::CNAME } else { live.question.rtype };
    let name = &live.question.name;
    let args = Args::none().and("name", plain(name)).and("rtype", rtype);
    let say = |outcome, args: Args| {
        Statement::outcome(outcome, subject(name))
            .about(rtype.to_string())
            .args(args)
            .evidence([live.observation, intended.observation])
    };
    // Without the type, which the sentence says.
    let shown = |lines: &[String]| {
        let bare = |line: &String| line.strip_prefix(&format!("{rtype} ")).unwrap_or(line).to_owned();
        Value::list(lines.iter().map(bare))
    };
    let is_known = live.is_definite() || is_alias;
    let ttls = || Some((live.ttl.filter(|_| live.aa)?, intended.ttl?)).filter(|(now, then)| now != then);
    let statement = match (now.is_empty(), then.is_empty()) {
        _ if !is_known => Some(say(&UNANSWERED, args.with("why", live.why()))),
        (true, true) => None,
        (true, false) => Some(say(&NEW, args.with("intended", shown(&then)))),
        (false, true) => Some(say(&REMOVED, args.with("live", shown(&now)))),
        _ if now != then => Some(say(&CHANGED, args.with("live", shown(&now)).with("intended", shown(&then)))),
        _ if is_alias => None,
        _ => ttls().map(|(now, then)| say(&TTL, args.and("live", now).and("intended", then))),
    };
    statement.into_iter()
}

/// The zone's own records: is the serial newer, are the servers the same?
async fn apex(context: &Context, origin: &Name, args: Args) -> Vec<Statement> {
    let (Ok(soa), Ok(ns)) = (Question::new(origin, RecordType::SOA), Question::new(origin, RecordType::NS)) else {
        return Vec::new();
    };
    let ((live_soa, soa), (live_ns, ns)) = futures::join!(pair(context, &soa), pair(context, &ns));
    let mut said = Vec::new();
    if let (Some(now), Some(then)) = (serial(&live_soa), serial(&soa))
        // Newer by RFC 1982, section 3.2.
        && !(1..1 << 31).contains(&then.wrapping_sub(now))
    {
        let args = args.clone().and("live", now).and("intended", then);
        let evidence = [live_soa.observation, soa.observation];
        said.push(Statement::outcome(&SERIAL, subject(origin)).about("SOA").args(args).evidence(evidence));
    }
    if (&live_ns.answer, &ns.answer) == (&Answer::Data, &Answer::Data) && state(&live_ns) != state(&ns) {
        let names = |reply: &Reply| Value::list(reply.names().iter().map(plain));
        let args = args.and("rtype", "NS").with("live", names(&live_ns)).with("intended", names(&ns));
        let evidence = [live_ns.observation, ns.observation];
        said.push(Statement::outcome(&SERVERS, subject(origin)).about("NS").args(args).evidence(evidence));
    }
    said
}

fn serial(reply: &Reply) -> Option<u32> {
    reply.records.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}

fn subject(name: &Name) -> Subject {
    Subject::Name(crate::model::visible(&plain(name)))
}
