//! The name that a server says of itself: in its greeting, and in its answer to EHLO.

use futures::FutureExt;
use futures::future::join_all;

use crate::check::{Check, Context, Run};
use crate::model::{Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::probe::ServerReply;
use crate::servers::{NOT_SO_FAR, Talk, hosts, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-banner",
        title: Text {
            en: "Each receiving address greets with its planned name",
            ja: "受信する各アドレスが計画どおりの名前を名乗る",
        },
        short: Text { en: "banner", ja: "バナー" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "The name in the greeting is usually also the name that the server says in HELO when it sends. A copied server that still says the old name, or localhost, is refused by receivers that compare it with the PTR.",
            ja: "バナーの名前と送信時に HELO で名乗る名前は、多くの場合、同じ設定から決まる。複製したまま旧サーバーの名前や localhost を名乗るサーバーは、PTR と照合する受信側に拒否される。",
        },
        how: Text {
            en: "The first word of the greeting and of the answer to EHLO is compared with the planned HELO and PTR name of the address and with the mail hosts that lead to it.",
            ja: "バナーと EHLO への応答の先頭の語を、そのアドレスの計画上の HELO 名、PTR 名、およびそのアドレスに行き着くメールホスト名と比べる。",
        },
        by_hand: "openssl s_client -starttls smtp -crlf -connect {at}",
        references: &[Reference {
            title: "RFC 5321, sections 4.2 and 4.1.1.1",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.2",
        }],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&BANNER, &EHLO],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static BANNER: Outcome = Outcome {
    tag: "smtp-banner",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} greets as “{found}”; the plan has {wanted}",
        ja: "{ip} はバナーで「{found}」と名乗る (計画では {wanted})",
    },
    remedy: Text {
        en: "Set the name in the server's greeting to {helo} (Postfix: myhostname, Exim: primary_hostname), or correct helo in the plan.",
        ja: "サーバーのバナーの名前を {helo} にする (Postfix は myhostname、Exim は primary_hostname)。または計画の helo を直す。",
    },
};

static EHLO: Outcome = Outcome {
    tag: "smtp-ehlo-name",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} answers EHLO as “{found}”; the plan has {wanted}",
        ja: "{ip} は EHLO への応答で「{found}」と名乗る (計画では {wanted})",
    },
    remedy: Text {
        en: "Set the server's own name to {helo} (Postfix: myhostname, Exim: primary_hostname), or correct helo in the plan.",
        ja: "サーバー自身の名前を {helo} にする (Postfix は myhostname、Exim は primary_hostname)。または計画の helo を直す。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let hosts = join_all(talks.iter().map(|talk| hosts(context, talk.address))).await;
    talks.iter().zip(hosts).flat_map(|(talk, hosts)| judge(talk, &hosts)).collect()
}

fn judge(talk: &Talk<'_>, hosts: &[DomainName]) -> Vec<Statement> {
    let (session, address) = (&talk.session, talk.address);
    let (Some(greeting), Some(ehlo)) = (&session.greeting, talk.extensions()) else {
        return vec![Statement::not_covered(talk.subject(), NOT_SO_FAR)];
    };
    let mut wanted = vec![address.helo.to_ascii_lowercase()];
    // Mail hosts lead to the new server; the old one keeps its own names.
    let others = hosts.iter().filter(|_| address.side == Side::New).chain([&address.ptr]);
    for name in others.map(ToString::to_string) {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let args = talk.args().and("helo", &address.helo).with("wanted", Value::list(&wanted));
    let differs = |reply: &ServerReply| {
        let said = reply.name().unwrap_or_default();
        let plain = said.trim_end_matches('.').to_ascii_lowercase();
        (!wanted.contains(&plain)).then(|| said.to_owned())
    };
    let found = [(&BANNER, differs(greeting)), (&EHLO, differs(ehlo))].into_iter().filter_map(|(outcome, found)| {
        Some(
            Statement::outcome(outcome, talk.subject())
                .args(args.clone().and("found", found?))
                .evidence(talk.evidence()),
        )
    });
    let mut said: Vec<Statement> = found.collect();
    if said.is_empty() {
        said.push(Statement::passed(talk.subject()).args(args.clone()).evidence(talk.evidence()));
    }
    said
}
