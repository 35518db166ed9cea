//! What the PTR name looks like to a receiver.

use futures::FutureExt;
use futures::future::join_all;

use super::ptr::{MOST_NAMES, lookup, too_many};
use crate::catalogue::{Generic, generic_name};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Text, Value, visible};
use crate::plan::Address;
use crate::probe::{Answer, Reply};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "ptr-name",
        title: Text {
            en: "Each PTR name is a mail server's own", ja: "逆引き名がメールサーバー固有の名前である"
        },
        short: Text { en: "PTR name", ja: "逆引き名" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A provider's default name says \"rented machine\": receivers and lists (SpamRATS, GMX, S25R) treat such addresses as dial-up space.",
            ja: "事業者の初期設定の名前は「借り物のマシン」を意味する。受信側やリスト (SpamRATS、GMX、S25R など) は、動的アドレスと同様に扱う。",
        },
        how: Text {
            en: "Each name, at most eight, is judged as a host name of RFC 5321, against special-use top-level domains, against the default name shapes of known providers, and for the address's own digits in it.",
            ja: "名前 (最大 8 個) が RFC 5321 のホスト名か、特殊用途の TLD でないか、既知の事業者の初期設定名でないか、アドレスの数字を含んでいないかを調べる。",
        },
        by_hand: "dig +short -x {ip}",
        references: &[
            Reference { title: "RFC 5321, section 2.3.5", url: "https://www.rfc-editor.org/rfc/rfc5321#section-2.3.5" },
            Reference { title: "RFC 1123, section 2.1", url: "https://www.rfc-editor.org/rfc/rfc1123#section-2.1" },
            Reference { title: "RFC 6761: special-use domain names", url: "https://www.rfc-editor.org/rfc/rfc6761" },
            Reference { title: "GMX: email policy", url: "https://postmaster.gmx.com/en/email-policy" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&GENERIC, &GENERIC_HINT, &SYNTAX, &SPECIAL_TLD, &OWN_DOMAIN, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static GENERIC: Outcome = Outcome {
    tag: "ptr-generic",
    levels: Levels::BLOCKER,
    says: Text { en: "{ip} is called {name}: {detail}", ja: "{ip} の逆引き名は {name} である: {detail}" },
    remedy: Text {
        en: "Set a name of your own, such as {expected}.", ja: "自社の名前 ({expected} など) を設定する。"
    },
};

static GENERIC_HINT: Outcome = Outcome {
    tag: "ptr-generic-hint",
    levels: Levels::WARNING,
    says: Text {
        en: "{name}, the name of {ip}, looks generic: {detail}",
        ja: "{ip} の逆引き名 {name} は初期設定名のように見える: {detail}",
    },
    remedy: Text {
        en: "Prefer a plain name such as {expected}; some receivers score names like this one.",
        ja: "{expected} のような単純な名前にする。このような名前を減点する受信側がある。",
    },
};

static SYNTAX: Outcome = Outcome {
    tag: "ptr-syntax",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the PTR record of {ip} holds {name}, which is not the name of a host",
        ja: "{ip} の PTR レコードの {name} は、ホスト名として正しくない",
    },
    remedy: Text {
        en: "Use letters, digits and hyphens, and at least two labels, such as {expected}.",
        ja: "英数字とハイフンだけで、二つ以上のラベルからなる名前 ({expected} など) にする。",
    },
};

static SPECIAL_TLD: Outcome = Outcome {
    tag: "ptr-special-tld",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} is called {name}, which no public DNS can resolve",
        ja: "{ip} の逆引き名 {name} は、公開 DNS では解決できない名前である",
    },
    remedy: Text {
        en: "Set a public name, such as {expected}.", ja: "公開された名前 ({expected} など) を設定する。"
    },
};

static OWN_DOMAIN: Outcome = Outcome {
    tag: "ptr-own-domain",
    levels: Levels::NOTE,
    says: Text {
        en: "{name}, the name of {ip}, is not within a domain of the plan",
        ja: "{ip} の逆引き名 {name} は、計画にあるドメインの名前ではない",
    },
    remedy: Text {
        en: "Prefer a name in your own domain: T-Online and iCloud ask for it.",
        ja: "自社ドメインの名前が望ましい。T-Online や iCloud はこれを求めている。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "ptr-name-unanswered",
    levels: Levels::UNKNOWN,
    says: Text { en: "the name of {ip} could not be read: {why}", ja: "{ip} の逆引き名を読めない: {why}" },
    remedy: Text {
        en: "Ask again, from another resolver if it stays so.",
        ja: "再実行する。変わらなければ別のリゾルバーから問い合わせる。",
    },
};

const NO_PTR: Text = Text { en: "there is no PTR name to judge", ja: "調べるべき逆引き名がない" };

/// Top-level domains that the public DNS does not resolve (RFC 6761, 6762, 8375, 9476; ICANN's `internal`), and names that
/// people use as if they were one.
const SPECIAL_TLDS: [&str; 13] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "test",
];

async fn ask(context: &Context) -> Vec<Statement> {
    let each = context.addresses().map(|address| async move {
        if !address.sends {
            return vec![Statement::not_applicable(subject_of(address), DOES_NOT_SEND)];
        }
        judge(context, address, &*lookup(context, address.ip).await)
    });
    join_all(each).await.concat()
}

fn judge(context: &Context, address: &Address, reply: &Reply) -> Vec<Statement> {
    let subject = subject_of(address);
    let args = address_args(address).and("expected", &address.ptr);
    match reply.answer {
        Answer::Data => {}
        Answer::NoData | Answer::NxDomain => return vec![Statement::not_applicable(subject, NO_PTR)],
        _ => {
            let args = args.with("why", reply.why());
            return vec![Statement::outcome(&UNANSWERED, subject).args(args).evidence([reply.observation])];
        }
    }
    let mut said = Vec::new();
    for name in reply.names().iter().take(MOST_NAMES) {
        let shown = visible(name.to_ascii().trim_end_matches('.'));
        let args = args.clone().and("name", &shown);
        let fault = match DomainName::parse(&name.to_ascii()) {
            Ok(name) => judge_name(context, address, &name),
            Err(_) => Some((&SYNTAX, None)),
        };
        if let Some((outcome, detail)) = fault {
            let args = args.with("detail", detail.unwrap_or_else(|| "".into()));
            let statement = Statement::outcome(outcome, subject.clone()).about(shown).args(args);
            said.push(statement.evidence([reply.observation]));
        }
    }
    said.extend(too_many(reply).map(|why| {
        let statement = Statement::outcome(&UNANSWERED, subject.clone());
        statement.args(args.with("why", why)).evidence([reply.observation])
    }));
    if said.is_empty() {
        said.push(Statement::passed(subject).evidence([reply.observation]));
    }
    said
}

fn judge_name(context: &Context, address: &Address, name: &DomainName) -> Option<(&'static Outcome, Option<Value>)> {
    let top = name.labels().next_back().unwrap_or_default();
    if SPECIAL_TLDS.contains(&top) {
        return Some((&SPECIAL_TLD, None));
    }
    if !name.is_host_name() {
        return Some((&SYNTAX, None));
    }
    let ours = is_ours(context, name);
    match generic_name(name, address.ip, &context.catalogue.providers) {
        Some(Generic::Provider { id: provider }) => {
            let known = context.catalogue.provider(&provider).map_or(provider.clone(), |known| known.name.clone());
            let detail = Value::both(format!("the default name at {known}"), format!("{known} の初期設定名"));
            return Some((&GENERIC, Some(detail)));
        }
        Some(Generic::EmbedsAddress { form }) => {
            let detail =
                Value::both(format!("it contains the address ({form})"), format!("アドレスを含んでいる ({form})"));
            return Some((if ours { &GENERIC_HINT } else { &GENERIC }, Some(detail)));
        }
        Some(Generic::Hint { word }) if !ours => {
            let detail = Value::both(format!("it contains \"{word}\""), format!("「{word}」を含んでいる"));
            return Some((&GENERIC_HINT, Some(detail)));
        }
        _ => {}
    }
    (!ours).then_some((&OWN_DOMAIN, None))
}

/// Whether `name` belongs to a domain of the plan, by registrable domain.
pub(super) fn is_ours(context: &Context, name: &DomainName) -> bool {
    let plan = &context.plan;
    let registrable = |name: &DomainName| name.registrable().unwrap_or_else(|| name.clone());
    let theirs = registrable(name);
    plan.domains.iter().chain([&plan.hostname]).any(|own| registrable(own) == theirs)
}
