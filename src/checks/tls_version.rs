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
            ja: "受信する各アドレスが TLS 1.2 を受け付け、それより古い版を受け付けない",
        },
        short: Text { en: "TLS versions", ja: "TLS の版" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Appliances of partners that know TLS 1.2 at best cannot deliver encrypted to a server that wants 1.3. TLS 1.0 and 1.1 are obsolete, and audits find them.",
            ja: "取引先の機器には TLS 1.2 までしか話せないものがあり、1.3 だけのサーバーには暗号化して配信できない。TLS 1.0 と 1.1 は廃止されており、監査で指摘される。",
        },
        how: Text {
            en: "Two further connections, each up to the handshake: one that offers TLS 1.2 only, one that offers TLS 1.1 at best. Old beside new.",
            ja: "ハンドシェイクまでの接続をさらに二つ行う。一つは TLS 1.2 だけを、もう一つは TLS 1.1 までを提示する。新旧を比べる。",
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
        en: "Disable everything older than TLS 1.2 on {ip} (Postfix: smtpd_tls_protocols = >=TLSv1.2).",
        ja: "{ip} で TLS 1.2 より古い版を無効にする (Postfix では smtpd_tls_protocols = >=TLSv1.2)。",
    },
};

static LOST: Outcome = Outcome {
    tag: "tls-version-lost",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not take TLS 1.2, which many senders still use at best",
        ja: "{ip} は TLS 1.2 を受け付けない。1.2 までしか話せない送信側はまだ多い",
    },
    remedy: Text {
        en: "Enable TLS 1.2 on {ip} beside 1.3, unless every partner was asked.",
        ja: "すべての取引先に確認したのでなければ、{ip} で 1.3 と併せて 1.2 も有効にする。",
    },
};

static RAISED: Outcome = Outcome {
    tag: "tls-version-raised",
    levels: Levels::NOTE,
    says: Text {
        en: "the old server took {version}, and {ip} does not: senders that know nothing newer come without TLS, or not at all",
        ja: "旧サーバーは {version} を受け付けたが、{ip} は受け付けない。それより新しい版を話せない送信側は、TLS なしで来るか、配信できなくなる",
    },
    remedy: Text {
        en: "Look into the old server's log for partners that use {version}, and tell them.",
        ja: "旧サーバーのログで {version} を使う取引先を探し、知らせる。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "tls-version-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "which versions of TLS {ip} takes could not be seen: {what}",
        ja: "{ip} が受け付ける TLS の版を確認できない: {what}",
    },
    remedy: Text {
        en: "Run again; a server that limits connections by client may need a pause.",
        ja: "再実行する。接続数をクライアントごとに制限するサーバーなら、間を空ける。",
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
    let old: Option<&'static str> = talks.iter().zip(&versions).find_map(|(talk, versions)| {
        match (talk.address.side, versions.as_ref()?.old) {
            (Side::Old, Some(OldTls::Accepted(version))) => Some(version),
            _ => None,
        }
    });
    talks.iter().zip(&versions).flat_map(|(talk, versions)| judge(talk, versions.as_deref(), old)).collect()
}

fn judge(talk: &Talk<'_>, versions: Option<&Versions>, old: Option<&'static str>) -> Vec<Statement> {
    let Some(versions) = versions else {
        return vec![Statement::not_covered(talk.subject(), talk.without_tls())];
    };
    let args = Args::none().and("ip", talk.address.ip).and("at", talk.session.detour.unwrap_or(talk.session.server));
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
