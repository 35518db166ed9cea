//! Whether a new server sends strangers' mail on.

use futures::FutureExt;

use super::smtp_recipients::{Answered, answer};
use crate::check::{Check, Context, Run, TRUSTS_ITSELF};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Subject, Text, Vantage};
use crate::servers::{Mailbox, NOT_SO_FAR, Role, Talk, mailboxes, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-relay",
        title: Text { en: "No new server is an open relay", ja: "新サーバーがオープンリレーでない" },
        short: Text { en: "open relay", ja: "オープンリレー" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "An open relay is found within hours, relays spam for strangers, and is on every blocklist the next day.",
            ja: "オープンリレーは数時間で見つけられ、他人の迷惑メールを中継し、翌日にはあらゆるブロックリストに載る。",
        },
        how: Text {
            en: "The mailbox under [smtp] relay_probe, which is yours on another system, is asked for at every new address that receives: MAIL FROM:<>, RCPT TO, RSET; no message is sent. Nobody else's mailbox is used. Do not run this on a machine for which the server relays on purpose (mynetworks and the like); on the new server itself it is left out.",
            ja: "[smtp] relay_probe に書かれた宛先 (別のシステムにある自分のメールアドレス) について、受信する新アドレスのそれぞれに MAIL FROM:<>、RCPT TO、RSET を送る。メールは送らず、他人のメールアドレスは使わない。サーバーが中継を許可しているマシン (mynetworks など) では実行しないこと。新サーバー自身では調べない。",
        },
        by_hand: "swaks --server {ip} --from '<>' --to {mailbox} --quit-after RCPT",
        references: &[Reference {
            title: "RFC 5321, section 7.9",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-7.9",
        }],
        needs: Needs::Servers,
        waivable: false,
        outcomes: &[&OPEN, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static OPEN: Outcome = Outcome {
    tag: "smtp-relay",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} is an open relay: it takes mail for {mailbox}, which is not its own, from this machine ({from})",
        ja: "{ip} はオープンリレーである。自分の宛先ではない {mailbox} へのメールを、このマシン ({from}) から受け付ける",
    },
    remedy: Text {
        en: "Close it before anything else (Postfix: mynetworks, smtpd_relay_restrictions; Exim: relay_from_hosts; Exchange: the right Ms-Exch-SMTP-Accept-Any-Recipient on receive connectors). If the server relays for this machine on purpose, run on another one.",
        ja: "何よりも先に塞ぐ (Postfix は mynetworks と smtpd_relay_restrictions、Exim は relay_from_hosts、Exchange は受信コネクタの権限 Ms-Exch-SMTP-Accept-Any-Recipient)。このマシンからの中継を意図して許可しているなら、許可していないマシンで実行する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "smtp-relay-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} relays for strangers is not known: {why}",
        ja: "{ip} が他人のメールを中継するか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again, or on a machine that the server does not refuse for another reason.",
        ja: "再実行する。または、ほかの理由で拒否されないマシンで実行する。",
    },
};

const NO_PROBE: Text = Text {
    en: "the plan names no relay_probe under [smtp]: a mailbox of yours on another system",
    ja: "計画の [smtp] に relay_probe (別のシステムにある自分のメールアドレス) がない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    if context.plan.smtp.relay_probe.is_none() {
        return vec![Statement::not_covered(Subject::Run, NO_PROBE)];
    }
    if context.vantage == Vantage::NewServer {
        return vec![Statement::not_covered(Subject::Run, TRUSTS_ITSELF)];
    }
    let asked = mailboxes(context, Side::New);
    let probe = asked.iter().find(|mailbox| mailbox.role == Role::Elsewhere);
    let new = talks.iter().filter(|talk| talk.address.side == Side::New);
    new.filter_map(|talk| Some(judge(talk, probe?))).collect()
}

fn judge(talk: &Talk<'_>, mailbox: &Mailbox) -> Statement {
    if talk.extensions().is_none() {
        return Statement::not_covered(talk.subject(), NOT_SO_FAR);
    }
    let from = talk.session.local.map_or_else(String::new, |local| local.ip().to_string());
    let args = Args::none().and("ip", talk.address.ip).and("mailbox", &mailbox.address).and("from", from);
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    match answer(talk, mailbox) {
        Answered::Yes => say(&OPEN, args),
        Answered::No(_) => Statement::passed(talk.subject()).args(args).evidence(talk.evidence()),
        Answered::Unknown(why) => say(&UNANSWERED, args.with("why", why)),
    }
}
