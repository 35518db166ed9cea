//! Whether each receiving address speaks SMTP with this machine.

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Text};
use crate::probe::{ServerReply, Stop};
use crate::servers::{NOT_SO_FAR, Talk, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-service",
        title: Text {
            en: "Each receiving address speaks SMTP", ja: "受信する各アドレスが SMTP で応答する"
        },
        short: Text { en: "SMTP", ja: "SMTP" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An open port is not yet a mail server: a load balancer without a backend, a web server, or a server that refuses every client takes connections too.",
            ja: "ポートが開いていてもメールサーバーとは限らない。背後に何もないロードバランサーや Web サーバー、接続元をすべて拒否するサーバーも、接続そのものは受け付ける。",
        },
        how: Text {
            en: "Greeting, EHLO, STARTTLS, EHLO, the envelopes of the mailboxes that the plan names, QUIT: one connection, one command at a time, never DATA. Each reply has a time limit; lines of more than 2048 octets and replies of more than 200 lines are not SMTP. If the server refuses this machine, the result is unknown: others may be welcome.",
            ja: "接続は一つだけとし、バナーを受け取ったあと、EHLO、STARTTLS、EHLO、計画にある宛先のエンベロープ、QUIT の順に、コマンドを一つずつ送る。DATA は決して送らない。応答ごとに制限時間を設け、2048 オクテットを超える行や 200 行を超える応答は SMTP とみなさない。このマシンだけが拒否された可能性があるため、拒否された場合は確認不能とする。",
        },
        by_hand: "openssl s_client -starttls smtp -crlf -connect {at}",
        references: &[Reference {
            title: "RFC 5321, sections 3.1 and 4.2",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-3.1",
        }],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&NO_SMTP, &REFUSES, &CUT],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NO_SMTP: Outcome = Outcome {
    tag: "smtp-service",
    levels: Levels::BLOCKER,
    says: Text {
        en: "what {ip} says on port 25 is not SMTP: {why}",
        ja: "{ip} の 25 番ポートの応答は SMTP ではない: {why}",
    },
    remedy: Text {
        en: "See what listens on port 25 of {ip}, or stands in front of it; let the mail server answer there.",
        ja: "{ip} の 25 番ポートで何が待ち受けているか、手前に何があるかを調べ、メールサーバーが応答するようにする。",
    },
};

static REFUSES: Outcome = Outcome {
    tag: "smtp-refuses",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "{ip} refuses this machine, so how it treats others is not known: {reply}",
        ja: "{ip} がこのマシンを拒否するため、ほかの相手に対する動作を確認できない: {reply}",
    },
    remedy: Text {
        en: "Admit this machine for the test, or run check on another one and join the reports with merge; if it is the name in EHLO that is refused, write ehlo under [smtp].",
        ja: "テストの間このマシンを許可する。または別のマシンで check を実行し、merge でレポートを統合する。EHLO の名前が拒否されているなら、[smtp] に ehlo を書く。",
    },
};

static CUT: Outcome = Outcome {
    tag: "smtp-cut",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the conversation with {ip} ended before its answer to EHLO was read: {why}",
        ja: "{ip} との対話が、EHLO の応答を読み終える前に終わった: {why}",
    },
    remedy: Text {
        en: "Run again; if it stays so, read the server's log, and raise timeout under [smtp] if the server delays its answers on purpose.",
        ja: "再実行する。変わらなければサーバーのログを調べる。応答を意図的に遅らせるサーバーなら [smtp] の timeout を延ばす。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    match talks(context).await {
        Ok(talks) => talks.iter().map(judge).collect(),
        Err(said) => said,
    }
}

fn judge(talk: &Talk<'_>) -> Statement {
    let session = &talk.session;
    let args = talk.args();
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    if !session.is_connected() {
        return Statement::not_covered(talk.subject(), NOT_SO_FAR);
    }
    let refusal =
        [&session.greeting, &session.clear, &session.secured].into_iter().flatten().find(|reply| !reply.is_positive());
    match (&session.stop, refusal) {
        (Some(stop @ Stop::Malformed(..)), _) => say(&NO_SMTP, args.with("why", stop.why())),
        (_, Some(reply)) => say(&REFUSES, args.and("reply", ServerReply::told(reply))),
        (Some(stop), _) if !is_read(talk) => say(&CUT, args.with("why", stop.why())),
        _ => Statement::passed(talk.subject()).args(args).evidence(talk.evidence()),
    }
}

/// Whether it said what it can do, inside TLS too if there is TLS.
fn is_read(talk: &Talk<'_>) -> bool {
    match talk.session.tls_seen() {
        Some(_) => talk.session.secured.is_some(),
        None => talk.session.clear.is_some(),
    }
}
