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
        title: Text { en: "Each receiving address speaks SMTP", ja: "受信する各アドレスが SMTP で応答する" },
        short: Text { en: "SMTP", ja: "SMTP" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An open port is not yet a mail server: a load balancer without a backend, a web server, or a server that refuses every client also takes connections.",
            ja: "ポートが開いていてもメールサーバーとは限らない。背後に何もないロードバランサーや Web サーバー、すべてのクライアントを拒否するサーバーも接続は受け付ける。",
        },
        how: Text {
            en: "Greeting, EHLO, STARTTLS, EHLO, the envelopes of the mailboxes that the plan names, QUIT: one connection, one command at a time, never DATA. Each reply has a time limit; lines of more than 2048 octets and replies of more than 200 lines are no SMTP. A refusal of this machine is unknown: others may be welcome.",
            ja: "接続は一つだけとし、挨拶、EHLO、STARTTLS、EHLO、計画にあるメールボックスのエンベロープ、QUIT を一命令ずつ送る。DATA は決して送らない。応答ごとに制限時間を設け、2048 オクテットを超える行や 200 行を超える応答は SMTP とみなさない。この機械だけが拒否された可能性があるため、拒否された場合の結果は不明とする。",
        },
        by_hand: "openssl s_client -starttls smtp -crlf -connect {at}",
        references: &[
            Reference { title: "RFC 5321, sections 3.1 and 4.2", url: "https://www.rfc-editor.org/rfc/rfc5321#section-3.1" },
        ],
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
        en: "Let the mail server listen at port 25 of {ip}; see what stands in front of it.",
        ja: "{ip} の 25 番ポートでメールサーバーを待ち受けさせる。手前に何があるかも調べる。",
    },
};

static REFUSES: Outcome = Outcome {
    tag: "smtp-refuses",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "{ip} does not speak with this machine, so what it does with others is not known: {reply}",
        ja: "{ip} はこの機械との対話を拒否するため、他者への応対を確認できない: {reply}",
    },
    remedy: Text {
        en: "Admit this machine for the test, or run check on another one and join the reports with merge; if it is the name in EHLO that is refused, write ehlo under [smtp].",
        ja: "試験の間この機械を許可する。または別の機械で check を実行し、merge で報告書を合わせる。EHLO の名前が拒否されているなら、[smtp] に ehlo を書く。",
    },
};

static CUT: Outcome = Outcome {
    tag: "smtp-cut",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the conversation with {ip} ended before it said what it can do: {why}",
        ja: "{ip} との対話が、機能の一覧を得る前に終わった: {why}",
    },
    remedy: Text {
        en: "Run again; if it stays so, read the server's log, and raise timeout under [smtp] for a server that is slow on purpose.",
        ja: "再実行する。変わらなければサーバーのログを調べる。意図的に遅いサーバーなら [smtp] の timeout を延ばす。",
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
    let args = Args::none().and("ip", talk.address.ip).and("at", session.detour.unwrap_or(session.server));
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    if !session.is_connected() {
        return Statement::not_covered(talk.subject(), NOT_SO_FAR);
    }
    let refusal = [&session.greeting, &session.clear, &session.secured].into_iter().flatten().find(|reply| !reply.is_positive());
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
