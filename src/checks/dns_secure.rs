//! DNSSEC of the names that mail depends on: does validation let them through?

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{LowerName, Name, RecordType};

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::plan::Resolver;
use crate::probe::{Answer, Ask, Question, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dns-secure",
        title: Text {
            en: "DNSSEC lets the names of domains and mail hosts through",
            ja: "ドメインとメールホストの名前が DNSSEC の検証を通る",
        },
        short: Text { en: "DNSSEC", ja: "DNSSEC の検証" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A validating resolver answers SERVFAIL for a name whose signatures are broken: its users can neither send to the domain nor accept mail from it.",
            ja: "検証するリゾルバーは、署名の壊れた名前に SERVFAIL を返す。その利用者は、そのドメイン宛てに送信できず、そのドメインからの受信もできない。",
        },
        how: Text {
            en: "MX of each domain and A of each planned mail host (AAAA, if it has no A) are asked through the resolver. A SERVFAIL that disappears with the CD bit means that validation fails. A resolver that vouches for nothing (AD), not even for the root, is taken not to validate.",
            ja: "各ドメインの MX と予定のメールホストの A (なければ AAAA) をリゾルバーに問い合わせる。SERVFAIL が CD ビットで消えるなら検証の失敗である。ルートを含め何にも AD ビットを付けないリゾルバーは、検証しないものとみなす。",
        },
        by_hand: "dig +dnssec {name} {rtype}; dig +cd {name} {rtype}",
        references: &[
            Reference { title: "RFC 4035, section 4.7", url: "https://www.rfc-editor.org/rfc/rfc4035#section-4.7" },
            Reference { title: "RFC 6840, section 5.8", url: "https://www.rfc-editor.org/rfc/rfc6840#section-5.8" },
            Reference { title: "RFC 7672: DANE for SMTP", url: "https://www.rfc-editor.org/rfc/rfc7672" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&BOGUS, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static BOGUS: Outcome = Outcome {
    tag: "dns-bogus",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{name} fails DNSSEC validation: its {rtype} is answered only with checking disabled",
        ja: "{name} は DNSSEC の検証に失敗する ({rtype} は検証を止めたときだけ応答がある)",
    },
    remedy: Text {
        en: "Mend the DS records at the registrar or sign the zone of {name} anew; taking the DS records out makes it unsigned but visible.",
        ja: "レジストラーの DS レコードを直すか、{name} のゾーンを署名し直す。DS を削除すれば署名なしにはなるが、名前は見えるようになる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dns-secure-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether DNSSEC lets {name} through is not known: {why}",
        ja: "{name} が DNSSEC の検証を通るか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again, from another resolver if it stays so.",
        ja: "再実行する。変わらなければ別のリゾルバーから問い合わせる。",
    },
};

const NO_RESOLVER: Text = Text {
    en: "the plan asks the zones' servers directly (resolver = \"direct\"), and nobody validates",
    ja: "計画では各ゾーンのサーバーに直接問い合わせる (resolver = \"direct\") ため、検証する者がいない",
};

const NOT_VALIDATING: Text = Text {
    en: "the resolver does not validate DNSSEC, so it would let broken signatures through",
    ja: "リゾルバーが DNSSEC を検証しないため、署名が壊れていても見つけられない",
};

const NOT_YET: Text = Text { en: "there is no such record yet", ja: "レコードがまだ登録されていない" };

/// What a resolver makes of the signatures of an answer.
pub(super) enum Validation {
    /// It answers: the records are signed well or not signed, if it validates at all.
    Answered(Arc<Reply>),
    /// It answers only with checking disabled.
    Bogus([ObservationId; 2]),
    /// It does not answer.
    Unknown(Value, Vec<ObservationId>),
}

/// Asks the resolver, and once more with checking disabled if it fails (RFC 4035, section 4.7).
pub(super) async fn validate(context: &Context, question: Question) -> Validation {
    let mut ask = Ask::new(question);
    let mut reply = context.dns.ask(ask.clone()).await;
    if let Some(zone) = live_zone(context, &reply).filter(|_| reply.is_definite()) {
        ask = zone;
        reply = context.dns.ask(ask.clone()).await;
    }
    if reply.is_definite() {
        return Validation::Answered(reply);
    }
    if reply.answer != Answer::Rcode(ResponseCode::ServFail) {
        return Validation::Unknown(reply.why(), vec![reply.observation]);
    }
    let unchecked = context.dns.ask(ask.checking_disabled()).await;
    let evidence = [reply.observation, unchecked.observation];
    if unchecked.is_definite() {
        return Validation::Bogus(evidence);
    }
    Validation::Unknown(unchecked.why(), evidence.to_vec())
}

/// What to ask in place of a question that a rehearsed file answered. The file does not tell whether it will be signed: the zone as
/// it is now answers for the zone as it shall be.
pub(super) fn live_zone(context: &Context, reply: &Reply) -> Option<Ask> {
    let name = LowerName::new(&reply.question.name);
    let around =
        context.dns.rehearsed().iter().map(|loaded| loaded.zone.origin()).filter(|origin| origin.zone_of(&name));
    let origin = around.max_by_key(|origin| origin.num_labels()).filter(|_| reply.rehearsed)?;
    Some(Ask::new(Question::new(Name::from(origin.clone()), RecordType::SOA).ok()?).live())
}

async fn ask(context: &Context) -> Vec<Statement> {
    let domains = context.plan.domains.iter().map(|domain| (domain.clone(), RecordType::MX));
    let hosts = context.plan.mail_hosts().into_iter().map(|host| (host, RecordType::A));
    let names: Vec<_> = domains.chain(hosts).collect();
    if context.plan.dns.resolver == Resolver::Direct {
        let said = |(name, rtype): &(DomainName, RecordType)| {
            Statement::not_covered(Subject::Name(name.to_string()), NO_RESOLVER).about(rtype.to_string())
        };
        return names.iter().map(said).collect();
    }
    let (found, vouches_for_root) = futures::join!(
        join_all(names.iter().map(|(name, rtype)| look(context, name, *rtype))),
        root_is_vouched_for(context)
    );
    let answered = |look: &Look| matches!(&look.validation, Some(Validation::Answered(reply)) if reply.ad);
    let validates = vouches_for_root || found.iter().any(answered);
    found.into_iter().map(|look| judge(look, validates)).collect()
}

/// One name and what the resolver made of it; nothing if it is not published yet.
struct Look {
    name: DomainName,
    rtype: RecordType,
    validation: Option<Validation>,
}

async fn look(context: &Context, name: &DomainName, rtype: RecordType) -> Look {
    // A host may have IPv6 only.
    let types = if rtype == RecordType::A { vec![rtype, RecordType::AAAA] } else { vec![rtype] };
    for rtype in types {
        let Ok(question) = Question::new(name, rtype) else { continue };
        // A resolver that is asked too early would remember that the name is missing.
        if !is_absent(&*context.published(question.clone()).await) {
            let validation = Some(validate(context, question).await);
            return Look { name: name.clone(), rtype, validation };
        }
    }
    Look { name: name.clone(), rtype, validation: None }
}

/// Whether the record is still to come. A domain without MX may be its own mail host: it is looked at all the same.
fn is_absent(reply: &Reply) -> bool {
    reply.answer == Answer::NxDomain || (reply.answer == Answer::NoData && reply.question.rtype != RecordType::MX)
}

async fn root_is_vouched_for(context: &Context) -> bool {
    match Question::new(".", RecordType::SOA) {
        Ok(question) => context.dns.ask(Ask::new(question)).await.ad,
        Err(_) => false,
    }
}

fn judge(look: Look, validates: bool) -> Statement {
    let subject = Subject::Name(look.name.to_string());
    let args = Args::none().and("name", &look.name).and("rtype", look.rtype);
    let statement = match look.validation {
        None => Statement::not_applicable(subject, NOT_YET),
        Some(Validation::Bogus(evidence)) => Statement::outcome(&BOGUS, subject).args(args).evidence(evidence),
        Some(Validation::Unknown(why, evidence)) => {
            Statement::outcome(&UNANSWERED, subject).args(args.with("why", why)).evidence(evidence)
        }
        Some(Validation::Answered(reply)) if validates => Statement::passed(subject).evidence([reply.observation]),
        Some(Validation::Answered(reply)) => {
            Statement::not_covered(subject, NOT_VALIDATING).evidence([reply.observation])
        }
    };
    statement.about(look.rtype.to_string())
}
