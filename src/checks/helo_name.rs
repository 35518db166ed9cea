//! The name each server will say of itself: is it one that receivers accept?

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;

use super::ptr_name::is_ours;
use crate::catalogue::{Generic, generic_name};
use crate::check::{Check, Context, DOES_NOT_SEND, Run, address_args, subject_of};
use crate::model::{Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Statement, Text, Value};
use crate::plan::Address;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "helo-name",
        title: Text {
            en: "Each server introduces itself by a name of its own",
            ja: "各サーバーは自分自身の正しい名前を名乗る",
        },
        short: Text { en: "HELO name", ja: "HELO 名" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Receivers refuse a HELO that is no host name, or that claims to be somebody else; Spamhaus lists addresses for it.",
            ja: "ホスト名でない HELO や、他者を名乗る HELO は受信側に拒否される。Spamhaus はそのようなアドレスを登録する。",
        },
        how: Text {
            en: "The HELO name of the plan (by default the host name) is judged as a domain or an address literal of RFC 5321, and compared with the partners' domains, large mail providers and the default names of clouds. What the server really says is not seen here.",
            ja: "計画の HELO 名 (省略時は hostname) を、RFC 5321 のドメインまたはアドレスリテラルとして調べ、取引先のドメイン、大手メール事業者、クラウドの初期設定名と照らす。サーバーが実際に名乗る名前はここでは確認しない。",
        },
        by_hand: "postconf -h smtp_helo_name myhostname",
        references: &[
            Reference {
                title: "RFC 5321, section 4.1.1.1",
                url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.1",
            },
            Reference { title: "RFC 5321, section 4.1.3", url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.3" },
        ],
        needs: Needs::Plan,
        waivable: true,
        outcomes: &[&SYNTAX, &LITERAL, &FOREIGN],
    },
    run: Run::World(|context| async move { judge_all(&context) }.boxed()),
};

static SYNTAX: Outcome = Outcome {
    tag: "helo-syntax",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} would say HELO {helo}, which is neither a host name nor an address in brackets",
        ja: "{ip} の HELO 名 {helo} は、ホスト名でも角括弧付きアドレスでもない",
    },
    remedy: Text {
        en: "Use the full name of the server, such as {expected} (Postfix: smtp_helo_name or myhostname; Exim: primary_hostname).",
        ja: "{expected} のような完全なホスト名にする (Postfix は smtp_helo_name または myhostname、Exim は primary_hostname)。",
    },
};

static LITERAL: Outcome = Outcome {
    tag: "helo-literal",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} would say HELO {helo}: legal, and badly received",
        ja: "{ip} の HELO 名が {helo} である。規格上は正しいが、嫌われる",
    },
    remedy: Text { en: "Use a name, such as {expected}.", ja: "{expected} のような名前にする。" },
};

static FOREIGN: Outcome = Outcome {
    tag: "helo-foreign",
    levels: Levels::BLOCKER,
    says: Text { en: "{ip} would say HELO {helo}, which is {detail}", ja: "{ip} の HELO 名 {helo} は{detail}" },
    remedy: Text {
        en: "Use your own host name, such as {expected}.", ja: "自社のホスト名 ({expected} など) にする。"
    },
};

/// Registrable domains of mailbox providers that nobody else may call himself.
const MAILBOX_PROVIDERS: [&str; 18] = [
    "gmail.com",
    "google.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "microsoft.com",
    "yahoo.com",
    "yahoo.co.jp",
    "icloud.com",
    "apple.com",
    "gmx.net",
    "gmx.com",
    "web.de",
    "t-online.de",
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "softbank.ne.jp",
];

fn judge_all(context: &Arc<Context>) -> Vec<Statement> {
    context
        .addresses()
        .map(|address| match address.sends {
            true => judge(context, address),
            false => Statement::not_applicable(subject_of(address), DOES_NOT_SEND),
        })
        .collect()
}

fn judge(context: &Context, address: &Address) -> Statement {
    let subject = subject_of(address);
    let args = address_args(address).and("helo", &address.helo).and("expected", &context.plan.hostname);
    if let Some(literal) = literal(&address.helo) {
        return if literal == address.ip {
            Statement::outcome(&LITERAL, subject).args(args)
        } else {
            let detail = Value::both("the literal of another address", "別のアドレスのリテラルである");
            Statement::outcome(&FOREIGN, subject).args(args.with("detail", detail))
        };
    }
    let name = match DomainName::parse(&address.helo) {
        Ok(name) if name.is_host_name() => name,
        _ => return Statement::outcome(&SYNTAX, subject).args(args),
    };
    match foreign(context, address, &name) {
        Some(detail) => Statement::outcome(&FOREIGN, subject).args(args.with("detail", detail)),
        None => Statement::passed(subject),
    }
}

/// The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321, section 4.1.3).
pub(super) fn literal(helo: &str) -> Option<IpAddr> {
    let inside = helo.strip_prefix('[')?.strip_suffix(']')?;
    match inside.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inside[5..].parse().ok().map(IpAddr::V6),
        _ => inside.parse().ok().map(IpAddr::V4),
    }
}

fn foreign(context: &Context, address: &Address, name: &DomainName) -> Option<Value> {
    if is_ours(context, name) {
        return None;
    }
    if context
        .plan
        .inbound_dnsbl
        .partners
        .iter()
        .filter_map(|partner| partner.domain.as_ref())
        .any(|domain| name.is_within(domain))
    {
        return Some(Value::both("a partner's domain", "取引先のドメインである"));
    }
    if name.registrable().is_some_and(|domain| MAILBOX_PROVIDERS.contains(&domain.as_str())) {
        return Some(Value::both("a mailbox provider's domain", "メール事業者のドメインである"));
    }
    match generic_name(name, address.ip, &context.catalogue.providers) {
        Some(Generic::Provider { .. }) => Some(Value::both("a cloud's default name", "クラウドの初期設定名である")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a legal address literal would be refused as syntax, or a broken one would pass.
    #[test]
    fn literals() {
        assert_eq!(literal("[192.0.2.1]"), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(literal("[IPv6:2001:db8::1]"), Some("2001:db8::1".parse().unwrap()));
        for broken in ["192.0.2.1", "[192.0.2.1", "[2001:db8::1]", "[]", "[ipv6:]", "[あ]"] {
            assert_eq!(literal(broken), None, "{broken}");
        }
    }
}
