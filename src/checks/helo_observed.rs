//! What the new server really says in HELO, and from where, as another system wrote it down.

use futures::FutureExt;

use crate::check::{Check, NOBODY_SENDS, Run, subject_of};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};
use crate::plan::{Address, Plan, Sample, stays_inside};
use crate::records::received::{Hop, hops};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "helo-observed",
        title: Text {
            en: "A message from the new server arrived with the planned HELO name, from a planned address",
            ja: "新サーバーから届いたメールの HELO 名と送信元アドレスが計画どおりである",
        },
        short: Text { en: "HELO as seen", ja: "実際の HELO" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "The other checks judge the names and addresses that the plan says. But the mail server has its own settings: a HELO name such as localhost, or a message that takes another way out, is refused or marked as spam, however right the DNS is.",
            ja: "ほかの検査は計画に書かれた名前とアドレスを判定している。しかしメールサーバーには独自の設定があり、HELO 名が localhost だったり、別の経路から送信されたりすれば、DNS が正しくてもメールは拒否されるか、迷惑メールと判定される。",
        },
        how: Text {
            en: "The Received fields of the message under [smtp] sample_eml are read from the top, at most 100 of them in the first 64 KiB. The first in which another system took it from a new address that sends tells the HELO name. If there is none, the first one from an address that is not inside a network tells where the message left. Nothing is asked; whoever can write the file can write the fields.",
            ja: "[smtp] の sample_eml に書いたメールの Received フィールドを上から読む (先頭 64 KiB の中の 100 個まで)。送信する新アドレスから別のシステムが受け取ったことを示す最初のフィールドで HELO 名を見る。なければ、内部アドレスでないアドレスから受け取ったことを示す最初のフィールドで、メールがどこから出たかを見る。外部への問い合わせはしない。ファイルを書ける人ならフィールドも書き換えられる。",
        },
        by_hand: "grep -i -A 3 '^Received:' {file}",
        references: &[
            Reference {
                title: "RFC 5321, section 4.4 (trace information)",
                url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.4",
            },
            Reference {
                title: "RFC 5321, section 4.1.1.1 (EHLO)",
                url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.1",
            },
        ],
        needs: Needs::Plan,
        waivable: true,
        outcomes: &[&OTHER_NAME, &OTHER_SOURCE, &UNREAD],
    },
    run: Run::World(|context| async move { judge(&context.plan) }.boxed()),
};

static OTHER_NAME: Outcome = Outcome {
    tag: "helo-observed",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the message in {file} left {ip} with the HELO name {seen}, not {planned} (seen by {by})",
        ja: "{file} のメールは {ip} から HELO 名 {seen} で送られた。計画では {planned} である ({by} の記録)",
    },
    remedy: Text {
        en: "Set the name in the mail server (Postfix: smtp_helo_name; Exim: helo_data in the smtp transport) and send another message; or correct helo in the plan.",
        ja: "メールサーバーに名前を設定し (Postfix は smtp_helo_name、Exim は smtp トランスポートの helo_data)、もう一度メールを送る。または計画の helo を直す。",
    },
};

static OTHER_SOURCE: Outcome = Outcome {
    tag: "helo-observed-source",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the message in {file} came from {ip} with the HELO name {seen}, and from no new address of the plan that sends (seen by {by})",
        ja: "{file} のメールは {ip} から HELO 名 {seen} で届いた。計画にある送信用の新アドレスのどれでもない ({by} の記録)",
    },
    remedy: Text {
        en: "Send the message from the new server itself; if you did, bind its source address (Postfix: smtp_bind_address, smtp_bind_address6; Exim: interface = in the smtp transport), or put {ip} into the plan, SPF and PTR.",
        ja: "新サーバー自身からメールを送り直す。新サーバーから送ったものなら、送信元アドレスを固定する (Postfix は smtp_bind_address と smtp_bind_address6、Exim は smtp トランスポートの interface =)。または {ip} を計画、SPF、PTR に加える。",
    },
};

static UNREAD: Outcome = Outcome {
    tag: "helo-observed-unread",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "which HELO name the new server says cannot be read from {file}: {why}",
        ja: "{file} からは、新サーバーの HELO 名が読み取れない: {why}",
    },
    remedy: Text {
        en: "Send a message from the new server to a mailbox on another system, and save it there with all its header fields.",
        ja: "新サーバーから別のシステムのメールボックスにメールを送り、届いたものをすべてのヘッダーとともに保存する。",
    },
};

const NO_SAMPLE: Text = Text {
    en: "the plan names no message that the new server sent (sample_eml under [smtp])",
    ja: "新サーバーから送ったメールが計画にない ([smtp] の sample_eml)",
};

const OTHER_WAY: Text = Text {
    en: "the sample message did not leave from this address",
    ja: "sample_eml のメールはこのアドレスから送られていない",
};

fn judge(plan: &Plan) -> Vec<Statement> {
    let Some(sample) = &plan.smtp.sample else { return vec![Statement::not_covered(Subject::Run, NO_SAMPLE)] };
    let senders: Vec<&Address> = plan.new.iter().filter(|address| address.sends).collect();
    if senders.is_empty() {
        return vec![Statement::not_applicable(Subject::Run, NOBODY_SENDS)];
    }
    let hops = hops(&sample.octets);
    // What the new server took itself shows how others speak to it.
    let by_others: Vec<&Hop> = hops.iter().filter(|hop| !is_ours(plan, hop)).collect();
    let from = |hop: &Hop| senders.iter().copied().find(|address| hop.ip == Some(address.ip));
    match by_others.iter().find_map(|hop| Some((*hop, from(hop)?))) {
        Some((hop, address)) => {
            let others = senders.iter().filter(|other| other.ip != address.ip);
            let left_out = others.map(|other| Statement::not_covered(subject_of(other), OTHER_WAY));
            std::iter::once(judge_name(sample, hop, address)).chain(left_out).collect()
        }
        None => vec![judge_source(sample, &hops, &by_others)],
    }
}

fn judge_name(sample: &Sample, hop: &Hop, address: &Address) -> Statement {
    let args = args(sample, hop).and("planned", &address.helo);
    match &hop.helo {
        None => {
            let why =
                Value::both("the field about its address does not tell it", "そのアドレスのフィールドに書かれていない");
            Statement::outcome(&UNREAD, subject_of(address)).args(args.with("why", why))
        }
        Some(seen) if is_same(seen, &address.helo) => Statement::passed(subject_of(address)).args(args),
        Some(_) => Statement::outcome(&OTHER_NAME, subject_of(address)).args(args),
    }
}

/// What is said of a message that came from no planned address.
fn judge_source(sample: &Sample, all: &[Hop], by_others: &[&Hop]) -> Statement {
    let from_outside = by_others.iter().find(|hop| hop.ip.is_some_and(|ip| !stays_inside(ip)));
    if let Some(hop) = from_outside {
        return Statement::outcome(&OTHER_SOURCE, Subject::Run).args(args(sample, hop));
    }
    let why = if all.is_empty() {
        Value::both("it has no Received field", "Received フィールドがない")
    } else {
        Value::both(
            "no other system says that it took the message from a public address",
            "公開アドレスから受け取ったと記す別のシステムがない",
        )
    };
    Statement::outcome(&UNREAD, Subject::Run).args(args(sample, &Hop::default()).with("why", why))
}

/// Whether the new server itself took the message.
fn is_ours(plan: &Plan, hop: &Hop) -> bool {
    let is = |name: &str| hop.by.as_deref().is_some_and(|by| is_same(by, name));
    is(plan.hostname.as_str()) || plan.new.iter().any(|address| is(address.ptr.as_str()) || is(&address.helo))
}

/// Whether two names are one, however they are written.
fn is_same(one: &str, other: &str) -> bool {
    match (DomainName::parse(one), DomainName::parse(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.eq_ignore_ascii_case(other),
    }
}

fn args(sample: &Sample, hop: &Hop) -> Args {
    let or_not = |text: Option<&String>| text.map_or_else(|| Value::both("(not said)", "(記載なし)"), Value::plain);
    Args::none()
        .and("file", &sample.path)
        .and("ip", hop.ip.map_or_else(String::new, |ip| ip.to_string()))
        .with("seen", or_not(hop.helo.as_ref()))
        .with("by", or_not(hop.by.as_ref()))
}
