//! Whom the SPF record of each MAIL FROM domain lets send: not everybody, and not by terms that receivers distrust.

use futures::FutureExt;
use futures::future::join_all;

use super::spf_record::{NO_RECORD, domains, survey, unread};
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value, visible,
};
use crate::records::spf::{DualCidr, Kind, Mechanism, Modifier, Qualifier};
use crate::spf::{Branch, Leaf, Survey};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "spf-scope",
        title: Text {
            en: "Each SPF record admits its own servers and nobody else",
            ja: "各 SPF レコードが自社のサーバーだけを許可している",
        },
        short: Text { en: "SPF scope", ja: "SPF の範囲" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A record that lets everybody pass protects nobody, and receivers count it against the domain: Gmail defers mail of records that it finds suspicious. The reverse-name term ptr is slow, and many receivers ignore it.",
            ja: "誰にでも合格を与えるレコードは何も守らず、受信側はドメインの評価を下げる。Gmail は不審な SPF レコードのメールを保留する。逆引きを使う ptr は遅く、無視する受信側が多い。",
        },
        how: Text {
            en: "The terms of the record are read, and those of every record that include and redirect lead to. Networks wider than /16 (IPv4) or /32 (IPv6) and ptr are reported in records at or below the plan's domains; a provider's own are its own affair.",
            ja: "レコードと、include と redirect の参照先すべての項を読む。/16 (IPv4) または /32 (IPv6) より広いネットワークと ptr は、計画のドメインとその下のレコードについてだけ報告する。事業者のレコードはその事業者の管理下にある。",
        },
        by_hand: "dig +short {name} TXT",
        references: &[
            Reference { title: "RFC 7208, section 5.1", url: "https://www.rfc-editor.org/rfc/rfc7208#section-5.1" },
            Reference { title: "RFC 7208, section 5.5", url: "https://www.rfc-editor.org/rfc/rfc7208#section-5.5" },
            Reference { title: "Gmail: SMTP error codes", url: "https://support.google.com/a/answer/3726730" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&ALL, &OPEN, &PTR, &BROAD, &MACRO, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static ALL: Outcome = Outcome {
    tag: "spf-all",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the SPF record of {name} lets the whole world send as {name}: {term} in the record of {target}",
        ja: "{name} の SPF レコードは、誰でも {name} として送信することを許している: {target} のレコードの {term}",
    },
    remedy: Text {
        en: "Replace {term} by the networks that send, and end the record with -all or ~all; if the record of {target} is not yours, take the include or redirect that leads there out.",
        ja: "{term} を実際に送信するネットワークに置き換え、レコードの末尾を -all か ~all にする。{target} のレコードが自社のものでなければ、そこを参照する include または redirect を外す。",
    },
};

static OPEN: Outcome = Outcome {
    tag: "spf-all-open",
    levels: Levels::WARNING,
    says: Text {
        en: "the SPF record of {name} says nothing about everybody else: {end}",
        ja: "{name} の SPF レコードは、その他の送信元について何も述べていない: {end}",
    },
    remedy: Text {
        en: "End the record with ~all, and with -all when reports show that nothing is missing.",
        ja: "レコードの末尾を ~all にし、レポートで漏れがないと確かめてから -all にする。",
    },
};

static PTR: Outcome = Outcome {
    tag: "spf-ptr",
    levels: Levels::WARNING,
    says: Text {
        en: "the SPF record of {name} uses {term}, which should no longer be used (in the record of {target})",
        ja: "{name} の SPF レコードが、使うべきでない {term} を使っている ({target} のレコード)",
    },
    remedy: Text {
        en: "Replace {term} by ip4: and ip6: terms of the servers that it stands for.",
        ja: "{term} を、該当するサーバーの ip4: と ip6: に置き換える。",
    },
};

static BROAD: Outcome = Outcome {
    tag: "spf-broad",
    levels: Levels::WARNING,
    says: Text {
        en: "the SPF record of {name} lets very wide networks send: {term} in the record of {target}",
        ja: "{name} の SPF レコードは非常に広いネットワークを許可している: {target} のレコードの {term}",
    },
    remedy: Text {
        en: "Replace {term} by the addresses that really send.",
        ja: "{term} を、実際に送信するアドレスに置き換える。",
    },
};

static MACRO: Outcome = Outcome {
    tag: "spf-macro",
    levels: Levels::NOTE,
    says: Text {
        en: "the SPF record of {name} asks for names that depend on the message ({term}); it was evaluated for the addresses of the plan only",
        ja: "{name} の SPF レコードには、メッセージによって変わる名前を引く項がある ({term})。計画のアドレスについてだけ評価した",
    },
    remedy: Text {
        en: "Nothing need be done; what others get is not known from here.",
        ja: "対処は不要である。ほかの送信元での結果はここからは分からない。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "spf-scope-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whom the SPF record of {name} lets send is not known: the record of {target} could not be read ({why})",
        ja: "{name} の SPF レコードが誰に送信を許可しているか確認できない。{target} のレコードを読み取れない ({why})",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {target} answer for TXT.",
        ja: "再実行する。変わらなければ {target} のネームサーバーが TXT に応答するか調べる。",
    },
};

/// Shorter prefixes are broad (RFC 7208 has no number; /16 and /32 are what a large company gets at most).
const BROAD_V4: u8 = 16;
const BROAD_V6: u8 = 32;

async fn ask(context: &Context) -> Vec<Statement> {
    let own: Vec<&DomainName> = context.plan.domains.iter().chain(&context.plan.auth.mail_from).collect();
    let own = &own;
    let each = domains(context).iter().map(|domain| async move { judge(domain, &survey(context, domain).await, own) });
    join_all(each).await.concat()
}

fn judge(domain: &DomainName, survey: &Survey, own: &[&DomainName]) -> Vec<Statement> {
    let subject = Subject::Name(domain.to_string());
    if survey.root.problem.as_ref().is_some_and(|problem| !problem.cause.is_temporary()) {
        return vec![Statement::not_applicable(subject, NO_RECORD)];
    }
    let evidence = survey.root.query.as_ref().and_then(|query| query.observation);
    let args = Args::none().and("name", domain);
    let say = |outcome, args: Args| Statement::outcome(outcome, subject.clone()).args(args).evidence(evidence);
    let at = |branch: &Branch, terms: Value| args.clone().and("target", &branch.domain).with("term", terms);
    let mut said = Vec::new();
    if let Some((branch, leaf)) = admits_all(&survey.root) {
        said.push(say(&ALL, at(branch, Value::plain(&leaf.term))));
    } else if survey.root.problem.is_none()
        && let Some(end) = open_end(&survey.root)
    {
        said.push(say(&OPEN, args.clone().with("end", end)));
    }
    let branches = survey.root.all();
    for branch in branches.iter().filter(|branch| own.iter().any(|own| is_within(&branch.domain, own))) {
        let named = |wanted: fn(&Kind) -> bool| {
            let terms: Vec<&str> =
                branch.reachable().filter(|leaf| wanted(&leaf.kind)).map(|leaf| leaf.term.as_str()).collect();
            (!terms.is_empty()).then(|| at(branch, Value::list(terms)))
        };
        let about = visible(&branch.domain);
        let is_ptr = |kind: &Kind| matches!(kind, Kind::Directive(_, Mechanism::Ptr(_)));
        said.extend(named(is_ptr).map(|args| say(&PTR, args).about(about.clone())));
        said.extend(named(is_broad).map(|args| say(&BROAD, args).about(about)));
    }
    if let Some((target, why)) = unread(survey) {
        said.push(say(&UNANSWERED, args.clone().and("target", target).with("why", why)));
    }
    if said.is_empty() {
        said.push(Statement::passed(subject.clone()).evidence(evidence));
    }
    let mut terms: Vec<&str> = branches
        .iter()
        .flat_map(|branch| branch.reachable())
        .filter(|leaf| {
            leaf.term.contains("%{")
                && !matches!(leaf.kind, Kind::Modifier(Modifier::Explanation(_) | Modifier::Other { .. }))
        })
        .map(|leaf| leaf.term.as_str())
        .collect();
    terms.dedup();
    if !terms.is_empty() {
        said.push(say(&MACRO, args.with("term", Value::list(terms))));
    }
    said
}

/// Whether `domain` is `own` or below it.
fn is_within(domain: &str, own: &DomainName) -> bool {
    let (domain, own) = (domain.to_ascii_lowercase(), own.as_str());
    domain == own || domain.strip_suffix(own).is_some_and(|left| left.ends_with('.'))
}

/// The term by which everybody passes, and the record it stands in.
fn admits_all(branch: &Branch) -> Option<(&Branch, &Leaf)> {
    branch.reachable().find_map(|leaf| match &leaf.kind {
        Kind::Directive(Qualifier::Pass, Mechanism::All) => Some((branch, leaf)),
        Kind::Directive(Qualifier::Pass, Mechanism::Ip4(network)) if network.prefix_len() == 0 => Some((branch, leaf)),
        Kind::Directive(Qualifier::Pass, Mechanism::Ip6(network)) if network.prefix_len() == 0 => Some((branch, leaf)),
        Kind::Directive(Qualifier::Pass, Mechanism::Include(_)) | Kind::Modifier(Modifier::Redirect(_)) => {
            admits_all(leaf.inner.as_deref()?)
        }
        _ => None,
    })
}

/// How the record ends, if it ends without a word about everybody else; a record that could not be read says nothing here.
fn open_end(branch: &Branch) -> Option<Value> {
    let mut end = Some(Value::both(
        format!("the record of {} has neither all nor redirect=", branch.domain),
        format!("{} のレコードに all も redirect= もない", branch.domain),
    ));
    for leaf in branch.reachable() {
        match &leaf.kind {
            Kind::Directive(Qualifier::Neutral, Mechanism::All) => {
                return Some(Value::both(
                    format!("{} in the record of {}", leaf.term, branch.domain),
                    format!("{} のレコードの {}", branch.domain, leaf.term),
                ));
            }
            Kind::Directive(_, Mechanism::All) => return None,
            Kind::Modifier(Modifier::Redirect(_)) => {
                end = leaf.inner.as_deref().filter(|inner| inner.problem.is_none()).and_then(open_end);
            }
            _ => {}
        }
    }
    end
}

fn is_broad(kind: &Kind) -> bool {
    let is_wide = |cidr: &DualCidr| cidr.v4 < BROAD_V4 || cidr.v6 < BROAD_V6;
    match kind {
        Kind::Directive(Qualifier::Pass, mechanism) => match mechanism {
            Mechanism::Ip4(network) => (1..BROAD_V4).contains(&network.prefix_len()),
            Mechanism::Ip6(network) => (1..BROAD_V6).contains(&network.prefix_len()),
            Mechanism::A(_, cidr) | Mechanism::Mx(_, cidr) => is_wide(cidr),
            _ => false,
        },
        _ => false,
    }
}
