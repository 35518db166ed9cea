//! Which versions of TLS a server takes: nothing that is broken, and not less than before.

use futures::FutureExt;
use futures::future::join_all;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text};
use crate::plan::Service;
use crate::probe::{OldTls, Versions};
use crate::servers::{Talk, talks, visit};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "tls-version",
        title: Text {
            en: "Each receiving address takes TLS 1.2, and nothing older",
            ja: "受信する各アドレスが TLS 1.2 を受け付け、それより古いバージョンを受け付けない",
        },
        short: Text { en: "TLS versions", ja: "TLS バージョン" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Some partners have appliances that know nothing newer than TLS 1.2: they cannot deliver encrypted mail to a server that insists on 1.3. TLS 1.0 and 1.1 are obsolete, and audits object to them.",
            ja: "取引先の機器には TLS 1.2 までしか対応しないものがあり、TLS 1.3 だけを受け付けるサーバーには暗号化して配送できない。TLS 1.0 と 1.1 は非推奨となっており、監査で指摘される。",
        },
        how: Text {
            en: "Two further connections, each ending with the handshake: one offers TLS 1.2 only, the other TLS 1.1 and older only. Old and new servers are compared.",
            ja: "ハンドシェイクまでの接続をさらに二つ行う。一つは TLS 1.2 だけを、もう一つは TLS 1.1 以前だけを提示する。新旧のサーバーを比べる。",
        },
        by_hand: "openssl s_client -starttls smtp -tls1_2 -connect {at}",
        references: &[
            Reference { title: "RFC 8996", url: "https://www.rfc-editor.org/rfc/rfc8996" },
            Reference { title: "RFC 9325, section 3.1.1", url: "https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&OLD, &LOST, &RAISED, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static OLD: Outcome = Outcome {
    tag: "tls-version-old",
    levels: Levels::WARNING,
    says: Text { en: "{ip} still takes {version}", ja: "{ip} は {version} をまだ受け付ける" },
    remedy: Text {
        en: "Disable everything older than TLS 1.2 on {ip} (Postfix 3.6 and later: smtpd_tls_protocols = >=TLSv1.2; Exim: tls_require_ciphers with GnuTLS, openssl_options with OpenSSL).",
        ja: "{ip} で TLS 1.2 より古いバージョンを無効にする (Postfix 3.6 以降は smtpd_tls_protocols = >=TLSv1.2、Exim は GnuTLS なら tls_require_ciphers、OpenSSL なら openssl_options)。",
    },
};

static LOST: Outcome = Outcome {
    tag: "tls-version-lost",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not take TLS 1.2, the newest version that many senders know",
        ja: "{ip} は TLS 1.2 を受け付けない。TLS 1.2 までしか対応しない送信側はまだ多い",
    },
    remedy: Text {
        en: "Enable TLS 1.2 on {ip} beside 1.3, unless every partner has confirmed that it uses 1.3.",
        ja: "{ip} で TLS 1.3 と併せて 1.2 も有効にする。すべての取引先が 1.3 に対応すると確認できている場合は不要である。",
    },
};

static RAISED: Outcome = Outcome {
    tag: "tls-version-raised",
    levels: Levels::NOTE,
    says: Text {
        en: "the old server took {version}, and {ip} does not: senders that know nothing newer deliver without TLS, or cannot deliver",
        ja: "旧サーバーは {version} を受け付けたが、{ip} は受け付けない。それより新しいバージョンに対応しない送信側は、TLS なしで配送するか、配送できなくなる",
    },
    remedy: Text {
        en: "Look in the old server's log for partners that use {version}, and tell them.",
        ja: "旧サーバーのログで {version} を使う取引先を探し、知らせる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "tls-version-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} takes {what} is not known", ja: "{ip} が {what} を受け付けるか確認できない"
    },
    remedy: Text {
        en: "Run again, after a pause if the server limits the connections of a client.",
        ja: "再実行する。接続元ごとに接続数を制限するサーバーなら、間を空けてから実行する。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let versions = join_all(talks.iter().map(|talk| async move {
        talk.session.tls_seen()?;
        let visit = visit(context, talk.address, Service::Smtp).await;
        Some(context.smtp.versions(&visit).await)
    }))
    .await;
    let old: Option<&'static str> =
        talks.iter().zip(&versions).find_map(|(talk, versions)| match (talk.address.side, versions.as_ref()?.old) {
            (Side::Old, Some(OldTls::Accepted(version))) => Some(version),
            _ => None,
        });
    talks.iter().zip(&versions).flat_map(|(talk, versions)| judge(talk, versions.as_deref(), old)).collect()
}

fn judge(talk: &Talk<'_>, versions: Option<&Versions>, old: Option<&'static str>) -> Vec<Statement> {
    let Some(versions) = versions else {
        return vec![Statement::not_covered(talk.subject(), talk.without_tls())];
    };
    let args = talk.args();
    let evidence = || versions.observations.iter().copied().chain(talk.evidence());
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(evidence())
    };
    let mut said = Vec::new();
    match versions.tls12 {
        Some(true) => {}
        Some(false) => said.push(say(&LOST, args.clone())),
        None => said.push(say(&UNANSWERED, args.clone().and("what", "TLS 1.2")).about("TLS 1.2")),
    }
    match (versions.old, old) {
        (Some(OldTls::Accepted(version)), _) => said.push(say(&OLD, args.clone().and("version", version))),
        (Some(OldTls::Refused), Some(version)) if talk.address.side == Side::New => {
            said.push(say(&RAISED, args.clone().and("version", version)));
        }
        (Some(OldTls::Refused), _) => {}
        (None, _) => said.push(say(&UNANSWERED, args.clone().and("what", "TLS 1.1")).about("TLS 1.1")),
    }
    if said.is_empty() {
        said.push(Statement::passed(talk.subject()).args(args).evidence(evidence()));
    }
    said
}
