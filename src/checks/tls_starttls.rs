//! STARTTLS at port 25: offered, and kept.

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::probe::{ReplyKind, TlsState};
use crate::servers::{NOT_SO_FAR, Talk, before, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "tls-starttls",
        title: Text {
            en: "Each receiving address offers STARTTLS, and it works",
            ja: "受信する各アドレスで STARTTLS が使える",
        },
        short: Text { en: "STARTTLS", ja: "STARTTLS" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Without STARTTLS, partners that demand TLS hold their mail back, and so does everybody who follows an MTA-STS or DANE policy. A server that offers STARTTLS and then fails in the handshake is worse than one without: some senders try for days.",
            ja: "STARTTLS がないと、TLS を必須とする取引先や、MTA-STS・DANE に従う送信側はメールを送らずに保留する。STARTTLS を提供しながらハンドシェイクに失敗するサーバーはさらに悪く、送信側によっては何日も再試行を続ける。",
        },
        how: Text {
            en: "Where EHLO offers STARTTLS it is used, and a handshake of TLS 1.3 or 1.2 is made, whatever certificate is presented. If unencrypted data follows the answer to STARTTLS, the conversation ends there.",
            ja: "EHLO の応答に STARTTLS があれば実行し、証明書の良否にかかわらず TLS 1.3 または 1.2 でハンドシェイクを行う。STARTTLS への応答の後ろに平文のデータが続いていたら、対話をそこで打ち切る。",
        },
        by_hand: "openssl s_client -starttls smtp -connect {at}",
        references: &[
            Reference { title: "RFC 3207, section 4", url: "https://www.rfc-editor.org/rfc/rfc3207#section-4" },
            Reference { title: "RFC 8461, section 4.2", url: "https://www.rfc-editor.org/rfc/rfc8461#section-4.2" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&LOST, &NONE, &HANDSHAKE, &INJECTED, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static LOST: Outcome = Outcome {
    tag: "tls-starttls",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} does not offer STARTTLS, and the old server did",
        ja: "{ip} は STARTTLS を提供しない。旧サーバーは提供していた",
    },
    remedy: Text {
        en: "Enable STARTTLS on {ip} with a certificate for its host name (Postfix: smtpd_tls_security_level = may; Exim: tls_advertise_hosts, tls_certificate).",
        ja: "ホスト名の証明書を用意し、{ip} で STARTTLS を有効にする (Postfix は smtpd_tls_security_level = may、Exim は tls_advertise_hosts と tls_certificate)。",
    },
};

static NONE: Outcome = Outcome {
    tag: "tls-starttls-none",
    levels: Levels::WARNING,
    says: Text { en: "{ip} does not offer STARTTLS", ja: "{ip} は STARTTLS を提供しない" },
    remedy: Text {
        en: "Enable STARTTLS on {ip}: senders that demand TLS cannot deliver.",
        ja: "{ip} で STARTTLS を有効にする。TLS を必須とする送信側は配信できない。",
    },
};

static HANDSHAKE: Outcome = Outcome {
    tag: "tls-handshake",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} offers STARTTLS, but TLS cannot be started: {why}",
        ja: "{ip} は STARTTLS を提供するが、TLS を開始できない: {why}",
    },
    remedy: Text {
        en: "Read the mail server's log: usually it cannot read the certificate or its key, or only TLS older than 1.2 is enabled.",
        ja: "メールサーバーのログを調べる。多くの場合、サーバーが証明書か秘密鍵を読めないか、1.2 より古い TLS しか有効でないことが原因である。",
    },
};

static INJECTED: Outcome = Outcome {
    tag: "tls-injection",
    levels: Levels::BLOCKER,
    says: Text {
        en: "unencrypted data follows the answer of {ip} to STARTTLS: something on the way changes the connection, or the server is broken",
        ja: "STARTTLS への {ip} の応答の後ろに平文のデータが続いている。通信が途中で改変されているか、サーバーに不具合がある",
    },
    remedy: Text {
        en: "Find what stands between this machine and {ip}; update the mail server.",
        ja: "このマシンと {ip} の間に何があるか調べ、メールサーバーを更新する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "tls-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether TLS works with {ip} is not known: {why}",
        ja: "{ip} で TLS を開始できるか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again; if it stays so, read the mail server's log.",
        ja: "再実行する。変わらなければメールサーバーのログを調べる。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    match talks(context).await {
        Ok(talks) => talks.iter().map(|talk| judge(talk, &talks)).collect(),
        Err(said) => said,
    }
}

/// Whether the server offers TLS.
fn offers(talk: &Talk<'_>) -> bool {
    talk.session.clear.as_ref().is_some_and(|reply| reply.is_positive() && reply.extension("STARTTLS").is_some())
}

fn judge(talk: &Talk<'_>, talks: &[Talk<'_>]) -> Statement {
    let session = &talk.session;
    let args = talk.args();
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    if session.clear.as_ref().is_none_or(|reply| !reply.is_positive()) {
        return Statement::not_covered(talk.subject(), NOT_SO_FAR);
    }
    match &session.tls {
        TlsState::Up(_) => Statement::passed(talk.subject()).args(args).evidence(talk.evidence()),
        TlsState::Injected => say(&INJECTED, args),
        TlsState::Failed(why) => say(&HANDSHAKE, args.and("why", why)),
        TlsState::Refused(reply) if reply.kind == ReplyKind::Transient => {
            say(&UNANSWERED, args.and("why", reply.told()))
        }
        TlsState::Refused(reply) => say(&HANDSHAKE, args.and("why", reply.told())),
        TlsState::None if offers(talk) => {
            let why = session.stop.as_ref().map_or_else(|| Value::plain("?"), |stop| stop.why());
            say(&UNANSWERED, args.with("why", why))
        }
        TlsState::None => {
            let old_did = before(talks).read.iter().any(|old| offers(old));
            say(if old_did && talk.address.side == Side::New { &LOST } else { &NONE }, args)
        }
    }
}
