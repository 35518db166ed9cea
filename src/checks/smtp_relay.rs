//! Whether a new server sends strangers' mail on.

use futures::FutureExt;

use super::smtp_recipients::{Answered, answer};
use crate::check::{Check, Context, Run};
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
            en: "An open relay is found within hours, sends spam for strangers, and is on every blocklist the next day.",
            ja: "オープンリレーは数時間で見つけられ、他人のスパムを送り、翌日にはあらゆるブロックリストに載る。",
        },
        how: Text {
            en: "The mailbox under [smtp] relay_probe, which is yours on another system, is asked for at every new address that receives: MAIL FROM:<>, RCPT TO, RSET; no message is sent. Nobody else's mailbox is used. A machine that the server trusts on purpose must not run this; the new server itself does not.",
            ja: "[smtp] relay_probe に書かれた、別のシステムにあるあなた自身のメールボックスについて、受信する新アドレスのそれぞれに MAIL FROM:<>、RCPT TO、RSET を送る。メールは送らず、他人のメールボックスは使わない。サーバーが意図して信頼している機械では実行しないこと。新サーバー自身では行わない。",
        },
        by_hand: "swaks --server {ip} --from '<>' --to {mailbox} --quit-after RCPT",
        references: &[
            Reference { title: "RFC 5321, section 7.9", url: "https://www.rfc-editor.org/rfc/rfc5321#section-7.9" },
        ],
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
        en: "{ip} takes mail for {mailbox}, which is not its own, from this machine ({from})",
        ja: "{ip} はこの機械 ({from}) から、自分のものではない {mailbox} 宛てを受け付ける",
    },
    remedy: Text {
        en: "Close it before anything else (Postfix: mynetworks, smtpd_relay_restrictions; Exim: relay_from_hosts). If the server trusts this machine on purpose, run from one that it does not.",
        ja: "何よりも先に閉じる (Postfix は mynetworks と smtpd_relay_restrictions、Exim は relay_from_hosts)。この機械を意図して信頼しているなら、信頼していない機械から実行する。",
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
        en: "Run again, or from a machine that the server does not refuse for another reason.",
        ja: "再実行するか、別の理由で拒否されない機械から実行する。",
    },
};

const NO_PROBE: Text = Text {
    en: "the plan names no relay_probe under [smtp]: a mailbox of yours on another system",
    ja: "計画の [smtp] に relay_probe (別のシステムにあるあなたのメールボックス) がない",
};

const OWN: Text = Text {
    en: "the server trusts itself: an open relay is seen from another machine only",
    ja: "サーバーは自分自身を信頼する。オープンリレーかどうかは別の機械からしか分からない",
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
        return vec![Statement::not_covered(Subject::Run, OWN)];
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
