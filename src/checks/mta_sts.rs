//! MTA-STS: may senders who heed the policy still deliver when the mail host changes?

use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::probe::{Answer, Ask, Fetch, Fetched, Question, Reply, plain};
use crate::records::mta_sts::{Mode, Policy, PolicyFault, RecordFault, is_record, read_record};

/// Where a policy is (RFC 8461, section 3.3).
const PATH: &str = "/.well-known/mta-sts.txt";

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "mta-sts",
        title: Text {
            en: "The MTA-STS policy lets mail reach the new server",
            ja: "MTA-STS ポリシーの下でも新サーバーにメールが届く",
        },
        short: Text { en: "MTA-STS", ja: "MTA-STS" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Senders keep a policy for up to a year. One in mode enforce that does not name the new mail host, or that cannot be fetched anew after the move, makes Gmail, Microsoft and others keep their mail back for days.",
            ja: "送信側はポリシーを最長 1 年保存する。enforce モードで新しいメールホストを含まない、または移行後に取得できないポリシーがあると、Gmail や Microsoft などからのメールが何日も届かない。",
        },
        how: Text {
            en: "The record at _mta-sts is read. If there is one, the policy is fetched over HTTPS as senders do: the certificate is verified, redirects are not followed, 64 KB and 15 s at most. Its mx patterns are compared with the planned and the present mail hosts. Whether id was raised when the policy changed cannot be seen in one run.",
            ja: "_mta-sts のレコードを読む。あれば、送信側と同じように HTTPS でポリシーを取得する (証明書を検証し、リダイレクトに従わず、64 KB、15 秒まで)。mx のパターンを、計画と現在のメールホストと比べる。ポリシーの変更時に id が変わったかどうかは、一度の実行では分からない。",
        },
        by_hand: "dig +short _mta-sts.{name} TXT; curl --max-redirs 0 https://mta-sts.{name}/.well-known/mta-sts.txt",
        references: &[Reference {
            title: "RFC 8461, sections 3 and 8.1",
            url: "https://www.rfc-editor.org/rfc/rfc8461#section-8.1",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &WANTED,
            &RECORD,
            &FETCH,
            &POLICY,
            &COVERS_NEW,
            &COVERS_LIVE,
            &COVERS_TESTING,
            &TYPE,
            &HOST,
            &MAX_AGE,
            &UNANSWERED,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static WANTED: Outcome = Outcome {
    tag: "mtasts-wanted",
    levels: Levels::WARNING,
    says: Text {
        en: "the plan says that {name} uses MTA-STS, and there is no record at _mta-sts.{name}",
        ja: "計画では {name} は MTA-STS を使うが、_mta-sts.{name} にレコードがない",
    },
    remedy: Text {
        en: "Publish _mta-sts.{name} TXT \"v=STSv1; id=1\" when the policy is in place, or write mta_sts = false under [auth].",
        ja: "ポリシーを用意してから _mta-sts.{name} に TXT \"v=STSv1; id=1\" を登録するか、[auth] に mta_sts = false と書く。",
    },
};

static RECORD: Outcome = Outcome {
    tag: "mtasts-record",
    levels: Levels::WARNING,
    says: Text {
        en: "the record at _mta-sts.{name} cannot be used: {why}; senders act as if there were none",
        ja: "_mta-sts.{name} のレコードは使えない: {why}。送信側は MTA-STS がないものとして扱う",
    },
    remedy: Text {
        en: "Publish exactly one TXT record \"v=STSv1; id=…\", with 1 to 32 letters and digits as id.",
        ja: "TXT レコード \"v=STSv1; id=…\" をちょうど一つ登録する (id は英数字 1 から 32 文字)。",
    },
};

static FETCH: Outcome = Outcome {
    tag: "mtasts-fetch",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the MTA-STS policy of {name} cannot be fetched: {why}",
        ja: "{name} の MTA-STS ポリシーを取得できない: {why}",
    },
    remedy: Text {
        en: "Serve https://mta-sts.{name}/.well-known/mta-sts.txt with status 200 and a valid certificate: senders that still hold an enforce policy cannot learn of the new host.",
        ja: "https://mta-sts.{name}/.well-known/mta-sts.txt を、有効な証明書とステータス 200 で提供する。以前の enforce ポリシーを保存している送信側は、新しいホストを知ることができない。",
    },
};

static POLICY: Outcome = Outcome {
    tag: "mtasts-policy",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the MTA-STS policy of {name} cannot be understood: {why}",
        ja: "{name} の MTA-STS ポリシーを解釈できない: {why}",
    },
    remedy: Text {
        en: "Correct the policy file: version, mode, max_age and a line mx for each mail host, as in RFC 8461, section 3.2.",
        ja: "ポリシーファイルを直す。RFC 8461 第 3.2 節のとおり version、mode、max_age と、メールホストごとの mx 行を書く。",
    },
};

static COVERS_NEW: Outcome = Outcome {
    tag: "mtasts-covers-new",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the MTA-STS policy of {name} is in mode enforce and does not name {hosts}, planned as a mail host",
        ja: "{name} の MTA-STS ポリシーは enforce モードで、計画のメールホスト {hosts} を含まない",
    },
    remedy: Text {
        en: "Add \"mx: {hosts}\" to the policy first, keep the old hosts in it, then change id in _mta-sts.{name}.",
        ja: "まず旧ホストを残したままポリシーに「mx: {hosts}」を加え、その後 _mta-sts.{name} の id を変更する。",
    },
};

static COVERS_LIVE: Outcome = Outcome {
    tag: "mtasts-covers-live",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the MTA-STS policy of {name} is in mode enforce and does not name {hosts}, which is in the MX record now",
        ja: "{name} の MTA-STS ポリシーは enforce モードで、現在の MX の {hosts} を含まない",
    },
    remedy: Text {
        en: "Add \"mx: {hosts}\" to the policy, then change id in _mta-sts.{name}: senders refuse that host now.",
        ja: "ポリシーに「mx: {hosts}」を加え、その後 _mta-sts.{name} の id を変更する。送信側は今このホストを拒否している。",
    },
};

static COVERS_TESTING: Outcome = Outcome {
    tag: "mtasts-covers-testing",
    levels: Levels::WARNING,
    says: Text {
        en: "the MTA-STS policy of {name} is in mode testing and does not name {hosts}: senders deliver, and report a failure",
        ja: "{name} の MTA-STS ポリシーは testing モードで、{hosts} を含まない。配送はされるが、失敗として報告される",
    },
    remedy: Text {
        en: "Add \"mx: {hosts}\" to the policy, then change id in _mta-sts.{name}.",
        ja: "ポリシーに「mx: {hosts}」を加え、その後 _mta-sts.{name} の id を変更する。",
    },
};

static TYPE: Outcome = Outcome {
    tag: "mtasts-type",
    levels: Levels::WARNING,
    says: Text {
        en: "the MTA-STS policy of {name} comes as {found}; some senders take text/plain only",
        ja: "{name} の MTA-STS ポリシーのメディアタイプは {found} である。text/plain しか受け付けない送信側がある",
    },
    remedy: Text { en: "Serve the policy as text/plain.", ja: "ポリシーを text/plain で提供する。" },
};

static HOST: Outcome = Outcome {
    tag: "mtasts-host",
    levels: Levels::WARNING,
    says: Text {
        en: "mta-sts.{name} leads to {found}, the old server: the policy goes when the server goes",
        ja: "mta-sts.{name} の正引きは旧サーバー {found} である。サーバーがなくなればポリシーもなくなる",
    },
    remedy: Text {
        en: "Serve the policy from a machine that stays, and change mta-sts.{name}.",
        ja: "残るマシンでポリシーを提供し、mta-sts.{name} を変更する。",
    },
};

static MAX_AGE: Outcome = Outcome {
    tag: "mtasts-maxage",
    levels: Levels::NOTE,
    says: Text {
        en: "senders that fetch the MTA-STS policy of {name} now may keep it until {until}",
        ja: "{name} の MTA-STS ポリシーを今取得した送信側は、{until} まで保存しうる",
    },
    remedy: Text {
        en: "Keep old and new mail hosts in the policy until then.",
        ja: "それまで新旧のメールホストをポリシーに残す。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "mtasts-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether MTA-STS of {name} allows the move is not known: {asked}: {why}",
        ja: "{name} の MTA-STS が移行を許すか確認できない: {asked}: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether this machine may reach HTTPS servers outside, and whether mta-sts.{name} answers.",
        ja: "再実行する。変わらなければ、このマシンから外部の HTTPS に到達できるか、mta-sts.{name} が応答するか調べる。",
    },
};

const NOT_USED: Text =
    Text { en: "the domain does not use MTA-STS", ja: "このドメインは MTA-STS を使っていない" };

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.plan.domains.iter().map(|domain| ask_one(context, domain))).await.concat()
}

async fn ask_one(context: &Context, domain: &DomainName) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    let Ok(question) = Question::new(format!("_mta-sts.{domain}"), RecordType::TXT) else {
        return vec![Statement::not_applicable(subject, NOT_USED)];
    };
    let record = context.published(question).await;
    let args = Args::none().and("name", domain);
    let say =
        |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence([record.observation]);
    if !record.is_definite() {
        return vec![say(&UNANSWERED, args.and("asked", &record.question).with("why", record.why()))];
    }
    let texts: Vec<Vec<u8>> = record.texts().into_iter().filter(|text| is_record(text)).collect();
    let why = match texts.as_slice() {
        [] if context.plan.auth.mta_sts == Some(true) => return vec![say(&WANTED, args)],
        [] => return vec![Statement::not_applicable(subject, NOT_USED).evidence([record.observation])],
        [text] => read_record(text).err().map(|fault| why_no_record(&fault)),
        _ => Some(Value::both("there are several", "複数ある")),
    };
    // A policy may be held by senders although the record is broken now.
    let mut said: Vec<Statement> = why.map(|why| say(&RECORD, args.clone().with("why", why))).into_iter().collect();
    said.extend(policy(context, domain, &args).await);
    if said.iter().all(|statement| statement.named().is_some_and(|outcome| std::ptr::eq(outcome, &MAX_AGE))) {
        let evidence: Vec<ObservationId> = said.iter().flat_map(|statement| statement.evidence.clone()).collect();
        said.push(Statement::passed(subject).evidence(evidence).evidence([record.observation]));
    }
    said
}

/// Fetches the policy and judges it.
async fn policy(context: &Context, domain: &DomainName, args: &Args) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    let Ok(host) = DomainName::parse(&format!("mta-sts.{domain}")) else { return Vec::new() };
    let (addresses, live) = futures::join!(resolve(context, &host), live_hosts(context, domain));
    let mut evidence: Vec<ObservationId> = addresses.iter().map(|reply| reply.observation).collect();
    let say = |outcome, args: Args, evidence: &[ObservationId]| {
        Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence.to_vec())
    };
    let found: Vec<IpAddr> = addresses.iter().flat_map(|reply| reply.addresses()).collect();
    if found.is_empty() {
        return vec![match addresses.iter().find(|reply| !reply.is_definite()) {
            Some(silent) => {
                say(&UNANSWERED, args.clone().and("asked", &silent.question).with("why", silent.why()), &evidence)
            }
            None => {
                let why = Value::both(format!("{host} has no address"), format!("{host} にアドレスがない"));
                say(&FETCH, args.clone().with("why", why), &evidence)
            }
        }];
    }
    let mut said = Vec::new();
    let given_up = context.plan.given_up();
    let old: Vec<IpAddr> = found.iter().copied().filter(|ip| given_up.contains(ip)).collect();
    if !old.is_empty() {
        said.push(say(&HOST, args.clone().with("found", Value::list(old)), &evidence));
    }
    let fetched = context.https.get(&host, &found, PATH).await;
    let Fetched { fetch, observation } = fetched.as_ref();
    evidence.push(*observation);
    let (media_type, body) = match fetch {
        Fetch::Response { status: 200, media_type, body, .. } => (media_type, body),
        silent if !silent.is_definite() => {
            let asked = format!("https://{host}{PATH}");
            said.push(say(&UNANSWERED, args.clone().and("asked", asked).with("why", silent.why()), &evidence));
            return said;
        }
        other => {
            said.push(say(&FETCH, args.clone().with("why", other.why()), &evidence));
            return said;
        }
    };
    let shown = media_type.clone().unwrap_or_else(|| "?".to_owned());
    if !shown.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/plain") {
        said.push(say(&TYPE, args.clone().and("found", shown), &evidence));
    }
    let policy = match Policy::read(body) {
        Ok(policy) => policy,
        Err(fault) => {
            said.push(say(&POLICY, args.clone().with("why", why_no_policy(&fault)), &evidence));
            return said;
        }
    };
    evidence.extend(live.iter().map(|reply| reply.observation));
    said.extend(cover(context, domain, &policy, live.as_deref(), args, &|outcome, args| say(outcome, args, &evidence)));
    said
}

/// Whether a policy that is published for `domain` binds senders to a valid certificate of `host` (RFC 8461, section 4.1).
pub(super) async fn enforces(context: &Context, domain: &DomainName, host: &DomainName) -> bool {
    let Ok(policy_host) = DomainName::parse(&format!("mta-sts.{domain}")) else { return false };
    let Ok(question) = Question::new(format!("_mta-sts.{domain}"), RecordType::TXT) else { return false };
    if !context.published(question).await.texts().iter().any(|text| is_record(text)) {
        return false;
    }
    let found: Vec<IpAddr> = resolve(context, &policy_host).await.iter().flat_map(|reply| reply.addresses()).collect();
    if found.is_empty() {
        return false;
    }
    match &context.https.get(&policy_host, &found, PATH).await.fetch {
        Fetch::Response { status: 200, body, .. } => {
            Policy::read(body).is_ok_and(|policy| policy.mode == Mode::Enforce && policy.covers(host.as_str()))
        }
        _ => false,
    }
}

/// Whether the policy names the hosts that receive, now and then.
fn cover(
    context: &Context,
    domain: &DomainName,
    policy: &Policy,
    live: Option<&Reply>,
    args: &Args,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let mut said = Vec::new();
    let uncovered = |hosts: Vec<String>| hosts.into_iter().filter(|host| !policy.covers(host)).collect::<Vec<String>>();
    let planned: Vec<String> = context.plan.planned_hosts(domain).iter().map(ToString::to_string).collect();
    let planned = uncovered(planned);
    let present: Vec<String> = live.map(Reply::names).unwrap_or_default().iter().map(plain).collect();
    let mut present = uncovered(present);
    present.retain(|host| host != ".");
    match policy.mode {
        Mode::None => return said,
        Mode::Testing => {
            let all: Vec<String> = planned.into_iter().chain(present).collect();
            if !all.is_empty() {
                said.push(say(&COVERS_TESTING, args.clone().with("hosts", Value::list(all))));
            }
        }
        Mode::Enforce => {
            present.retain(|host| !planned.contains(host));
            if !planned.is_empty() {
                said.push(say(&COVERS_NEW, args.clone().with("hosts", Value::list(planned))));
            }
            if !present.is_empty() {
                said.push(say(&COVERS_LIVE, args.clone().with("hosts", Value::list(present))));
            }
        }
    }
    if let Some(silent) = live.filter(|reply| !reply.is_definite()) {
        said.push(say(&UNANSWERED, args.clone().and("asked", &silent.question).with("why", silent.why())));
    }
    let until = context.now + TimeDelta::seconds(i64::from(policy.max_age));
    said.push(say(&MAX_AGE, args.clone().and("until", context.clock(until))));
    said
}

/// The addresses that senders find.
async fn resolve(context: &Context, host: &DomainName) -> Vec<Arc<Reply>> {
    let questions = [RecordType::A, RecordType::AAAA].map(|rtype| Question::new(host, rtype));
    join_all(questions.into_iter().flatten().map(|question| context.dns.ask(Ask::new(question)))).await
}

/// The MX record of the domain; nothing where it has none.
async fn live_hosts(context: &Context, domain: &DomainName) -> Option<Arc<Reply>> {
    let reply = context.published(Question::new(domain, RecordType::MX).ok()?).await;
    (!matches!(reply.answer, Answer::NoData | Answer::NxDomain)).then_some(reply)
}

fn why_no_record(fault: &RecordFault) -> Value {
    match fault {
        RecordFault::Tag(text) => {
            Value::both(format!("“{text}” is out of place"), format!("「{text}」の書き方が正しくない"))
        }
        RecordFault::NoId => Value::both("it has no id", "id がない"),
        RecordFault::BadId(id) => Value::both(format!("its id is “{id}”"), format!("id が「{id}」である")),
    }
}

fn why_no_policy(fault: &PolicyFault) -> Value {
    match fault {
        PolicyFault::Encoding => Value::both("it is not UTF-8", "UTF-8 ではない"),
        PolicyFault::Line(line) => {
            Value::both(format!("line {line} has no colon"), format!("{line} 行目にコロンがない"))
        }
        PolicyFault::Missing(key) => Value::both(format!("{key} is missing"), format!("{key} がない")),
        PolicyFault::Value(key, value) => {
            Value::both(format!("“{value}” is no value of {key}"), format!("「{value}」は {key} の値にならない"))
        }
    }
}
