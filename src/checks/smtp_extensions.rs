//! What the new server can do, beside what the old one could: message size, extensions, AUTH in clear.

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::probe::ServerReply;
use crate::servers::{NO_OLD, NOT_SO_FAR, Talk, before, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-extensions",
        title: Text {
            en: "The new server takes messages as large as the old one did, and offers the same extensions",
            ja: "新サーバーのサイズ上限と拡張機能が、旧サーバーに劣らない",
        },
        short: Text { en: "size, extensions", ja: "サイズと拡張" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A drawing of 30 MB arrived yesterday and bounces today, because the new server still has the default limit of its software. No DNS check sees that.",
            ja: "昨日は届いた 30 MB の図面が、今日は差出人に戻る。新サーバーのサイズ上限が既定値のままだからである。これは DNS の検査では見つからない。",
        },
        how: Text {
            en: "The answers to EHLO, inside TLS where there is TLS, are compared: the limit in SIZE (0 is none) with the largest of the old servers, and the extensions that any old server had. AUTH with a plain password before TLS is reported for old and new servers.",
            ja: "EHLO への応答 (TLS があればその中でのもの) を比べる。SIZE の上限 (0 は無制限) は旧サーバーのうち最大のものと、拡張機能は旧サーバーのいずれかが持つものと比べる。TLS の開始前に平文パスワードの AUTH を提供していれば、新旧どちらのサーバーでも指摘する。",
        },
        by_hand: "openssl s_client -starttls smtp -crlf -connect {at}",
        references: &[
            Reference { title: "RFC 1870, section 4", url: "https://www.rfc-editor.org/rfc/rfc1870#section-4" },
            Reference { title: "RFC 6531, section 3.1", url: "https://www.rfc-editor.org/rfc/rfc6531#section-3.1" },
            Reference { title: "RFC 4954, section 4", url: "https://www.rfc-editor.org/rfc/rfc4954#section-4" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&SIZE, &UNSTATED, &LOST, &CLEAR, &OLD_UNREAD],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static SIZE: Outcome = Outcome {
    tag: "smtp-size",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} takes messages of at most {new}; the old server took {old}",
        ja: "{ip} が受け付けるメールは最大 {new} である。旧サーバーは {old} だった",
    },
    remedy: Text {
        en: "Raise the limit to that of the old server (Postfix: message_size_limit, and neither mailbox_size_limit nor virtual_mailbox_limit smaller; Exim: message_size_limit; Exchange: MaxMessageSize of the receive connector).",
        ja: "上限を旧サーバーと同じにする (Postfix は message_size_limit。mailbox_size_limit と virtual_mailbox_limit をそれより小さくしない。Exim は message_size_limit、Exchange は受信コネクタの MaxMessageSize)。",
    },
};

static UNSTATED: Outcome = Outcome {
    tag: "smtp-size-unstated",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not say how large a message may be; the old server took {old}",
        ja: "{ip} はメールのサイズ上限を示さない。旧サーバーは {old} だった",
    },
    remedy: Text {
        en: "Look up the limit in the configuration of {ip}, and let the server announce SIZE.",
        ja: "{ip} の設定で上限を確かめ、EHLO の応答で SIZE を示すようにする。",
    },
};

static LOST: Outcome = Outcome {
    tag: "smtp-extensions",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} lacks what the old server offered: {lost}",
        ja: "旧サーバーにあった拡張機能が {ip} にない: {lost}",
    },
    remedy: Text {
        en: "Enable {lost} if partners use it: without SMTPUTF8, mail with internationalized addresses bounces; without 8BITMIME, mail may be recoded on the way, which breaks its DKIM signature.",
        ja: "取引先が使うなら {lost} を有効にする。SMTPUTF8 がないと国際化メールアドレスを使うメールはエラーで戻り、8BITMIME がないと途中で符号化し直されて DKIM 署名が壊れることがある。",
    },
};

static CLEAR: Outcome = Outcome {
    tag: "smtp-auth-clear",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} offers AUTH {mechanisms} before TLS, so passwords may cross the network in clear",
        ja: "{ip} は TLS の開始前に AUTH {mechanisms} を提供する。パスワードが平文で流れるおそれがある",
    },
    remedy: Text {
        en: "Offer AUTH inside TLS only (Postfix: smtpd_tls_auth_only = yes; Exim: auth_advertise_hosts), and none on port 25.",
        ja: "AUTH は TLS の中でだけ提供し (Postfix は smtpd_tls_auth_only = yes、Exim は auth_advertise_hosts)、25 番ポートでは提供しない。",
    },
};

static OLD_UNREAD: Outcome = Outcome {
    tag: "smtp-extensions-old-unread",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} takes what the old server takes is not known: the conversation with the old server {old} did not get that far",
        ja: "{ip} が旧サーバーに劣らないか確認できない。旧サーバー {old} との対話がそこまで進まなかった",
    },
    remedy: Text {
        en: "Run again while the old server answers; if {old} does not receive mail, write receives = false for it.",
        ja: "旧サーバーが応答するうちに再実行する。{old} で受信していないなら、計画のそのアドレスに receives = false と書く。",
    },
};

/// After the cutover the old server may be gone.
const OLD_LEFT: Text = Text {
    en: "the old server does not answer any more, so there is nothing to compare with",
    ja: "旧サーバーはもう応答しないので、比べる相手がない",
};

/// Extensions whose loss changes what becomes of mail.
const MATTER: [&str; 6] = ["PIPELINING", "8BITMIME", "CHUNKING", "DSN", "SMTPUTF8", "ENHANCEDSTATUSCODES"];

/// How large a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    /// The server does not say.
    Unstated,
    /// So many octets.
    Octets(u64),
    /// There is no fixed limit.
    None,
}

async fn ask(context: &Context) -> Vec<Statement> {
    match talks(context).await {
        Ok(talks) => talks.iter().flat_map(|talk| judge(context.phase, talk, &talks)).collect(),
        Err(said) => said,
    }
}

fn judge(phase: Phase, talk: &Talk<'_>, talks: &[Talk<'_>]) -> Vec<Statement> {
    let Some(new) = talk.extensions() else {
        return vec![Statement::not_covered(talk.subject(), NOT_SO_FAR)];
    };
    let args = talk.args();
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    let mut said = Vec::new();
    if let Some(mechanisms) = passwords_in_clear(talk) {
        said.push(say(&CLEAR, args.clone().with("mechanisms", Value::list(mechanisms))));
    }
    if talk.address.side == Side::New {
        said.extend(compare(phase, talk, new, talks, &args, &say));
    }
    if said.is_empty() {
        said.push(Statement::passed(talk.subject()).args(args.clone()).evidence(talk.evidence()));
    }
    said
}

/// What the new server lacks beside the old ones.
fn compare(
    phase: Phase,
    talk: &Talk<'_>,
    new: &ServerReply,
    talks: &[Talk<'_>],
    args: &Args,
    say: &dyn Fn(&'static Outcome, Args) -> Statement,
) -> Vec<Statement> {
    let before = before(talks);
    let mut said = Vec::new();
    match before.unread {
        Some(unread) if phase == Phase::Before => {
            let of_old = say(&OLD_UNREAD, args.clone().and("old", unread.address.ip));
            said.push(of_old.evidence(unread.evidence()));
        }
        Some(_) if before.read.is_empty() => return vec![Statement::not_covered(talk.subject(), OLD_LEFT)],
        None if before.read.is_empty() => return vec![Statement::not_covered(talk.subject(), NO_OLD)],
        _ => {}
    }
    let evidence = before.read.iter().flat_map(|old| old.evidence());
    let olds: Vec<&ServerReply> = before.read.iter().filter_map(|old| old.extensions()).collect();
    let old_limit = olds.iter().map(|old| limit(old)).max().unwrap_or(Limit::Unstated);
    let new_limit = limit(new);
    if old_limit != Limit::Unstated && new_limit < old_limit {
        let args = args.clone().with("old", told(old_limit)).with("new", told(new_limit));
        let outcome = if new_limit == Limit::Unstated { &UNSTATED } else { &SIZE };
        said.push(say(outcome, args).evidence(evidence.clone()));
    }
    let has = |reply: &ServerReply, keyword: &str| reply.extension(keyword).is_some();
    let lost: Vec<&str> =
        MATTER.into_iter().filter(|keyword| !has(new, keyword) && olds.iter().any(|old| has(old, keyword))).collect();
    if !lost.is_empty() {
        said.push(say(&LOST, args.clone().with("lost", Value::list(lost))).evidence(evidence));
    }
    said
}

/// The mechanisms that send a password as it is, offered in clear.
fn passwords_in_clear(talk: &Talk<'_>) -> Option<Vec<String>> {
    let clear = talk.session.clear.as_ref().filter(|reply| reply.is_positive())?;
    let mechanisms = clear.extension("AUTH")?;
    let plain: Vec<String> = mechanisms
        .into_iter()
        .filter(|mechanism| ["PLAIN", "LOGIN"].iter().any(|plain| mechanism.eq_ignore_ascii_case(plain)))
        .collect();
    (!plain.is_empty()).then_some(plain)
}

/// The limit that SIZE states (RFC 1870, section 4).
fn limit(reply: &ServerReply) -> Limit {
    let Some(parameters) = reply.extension("SIZE") else { return Limit::Unstated };
    match parameters.first().map(|octets| octets.parse::<u64>()) {
        Some(Ok(0)) => Limit::None,
        Some(Ok(octets)) => Limit::Octets(octets),
        _ => Limit::Unstated,
    }
}

fn told(limit: Limit) -> Value {
    match limit {
        Limit::Unstated => Value::both("nothing known", "不明"),
        Limit::None => Value::both("messages of any size", "無制限"),
        Limit::Octets(octets) => {
            // Whole tenths of a megabyte are enough for people.
            let tenths = octets / 100_000;
            Value::both(
                format!("{octets} octets ({}.{} MB)", tenths / 10, tenths % 10),
                format!("{octets} オクテット ({}.{} MB)", tenths / 10, tenths % 10),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::ReplyKind;

    /// Lost if it fails: a server without a limit would be smaller than one with a limit, or an odd spelling be no limit at all.
    #[test]
    fn limits_are_read_and_ordered() {
        let reply = |line: &str| ServerReply {
            kind: ReplyKind::Positive,
            code: Some(250),
            lines: vec!["mail.example.co.jp".to_owned(), line.to_owned()],
        };
        for (line, expected) in [
            ("SIZE 52428800", Limit::Octets(52_428_800)),
            ("size 10", Limit::Octets(10)),
            ("SIZE 0", Limit::None),
            ("SIZE", Limit::Unstated),
            ("SIZE x", Limit::Unstated),
            ("SIZE 99999999999999999999999", Limit::Unstated),
            ("PIPELINING", Limit::Unstated),
        ] {
            assert_eq!(limit(&reply(line)), expected, "{line}");
        }
        assert!(Limit::None > Limit::Octets(u64::MAX) && Limit::Octets(0) > Limit::Unstated);
    }
}
