//! Mailboxes that do not exist: refused by both, or taken by both.

use futures::FutureExt;

use super::smtp_recipients::{Answered, answer};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Subject, Text};
use crate::servers::{Mailbox, NOT_SO_FAR, Role, Talk, mailboxes, not_asked, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-unknown",
        title: Text {
            en: "Mail for mailboxes that do not exist is treated as before",
            ja: "存在しないメールボックス宛ての扱いが新旧で同じである",
        },
        short: Text { en: "unknown mailboxes", ja: "存在しない宛先" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A server that takes everything and bounces later sends its bounces to forged senders, and gets onto blocklists. If a catch-all was not copied, mail that arrived yesterday is refused today.",
            ja: "何でも受け付けてからエラーメールを返すサーバーは、詐称された差出人にバウンスを送りつけ (バックスキャッター)、ブロックリストに載る。逆に、キャッチオールを移し忘れると、昨日まで届いていたメールが拒否される。",
        },
        how: Text {
            en: "A random mailbox of the first ten domains, and of the domain of each recipient, is asked for at the old and the new server, as in smtp-recipients.",
            ja: "最初の 10 ドメインと recipients のドメインの無作為な (存在しない) 宛先を、smtp-recipients と同じ手順で新旧のサーバーに問い合わせる。",
        },
        by_hand: "swaks --server {ip} --from '<>' --to {mailbox} --quit-after RCPT",
        references: &[Reference {
            title: "RFC 5321, section 3.3",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-3.3",
        }],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&TAKES, &TAKES_BOTH, &CATCH_ALL, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static TAKES: Outcome = Outcome {
    tag: "smtp-unknown",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} takes mail for {mailbox}, which does not exist; that it takes the other mailboxes proves nothing, then",
        ja: "{ip} は存在しない {mailbox} 宛てのメールを受け付ける。したがって、ほかの宛先を受け付けても証拠にならない",
    },
    remedy: Text {
        en: "Let the new server refuse unknown recipients during SMTP (Postfix: local_recipient_maps, virtual_mailbox_maps, relay_recipient_maps; Exim: verify = recipient; Exchange: recipient filtering).",
        ja: "新サーバーが SMTP の段階で不明な宛先を拒否するようにする (Postfix は local_recipient_maps、virtual_mailbox_maps、relay_recipient_maps、Exim は verify = recipient、Exchange は受信者フィルター)。",
    },
};

static TAKES_BOTH: Outcome = Outcome {
    tag: "smtp-unknown-both",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} takes mail for {mailbox}, which does not exist, and so does the old server",
        ja: "{ip} は存在しない {mailbox} 宛てのメールを受け付ける。旧サーバーも同じである",
    },
    remedy: Text {
        en: "Compare the lists of accounts by hand: asking the server proves nothing here.",
        ja: "アカウントの一覧を手作業で照合する。問い合わせでは分からない。",
    },
};

static CATCH_ALL: Outcome = Outcome {
    tag: "smtp-catch-all",
    levels: Levels::WARNING,
    says: Text {
        en: "the old server takes mail for any mailbox (a catch-all), such as {mailbox}, and {ip} refuses it: {reply}",
        ja: "旧サーバーは {mailbox} のような任意の宛先を受け付ける (キャッチオール) が、{ip} は拒否する: {reply}",
    },
    remedy: Text {
        en: "Copy the catch-all, or find in the old server's log which of its addresses were in use, and create those.",
        ja: "キャッチオールを移す。または、使われていた宛先を旧サーバーのログで調べて作る。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "smtp-unknown-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "what {ip} does with {mailbox}, which does not exist, is not known: {why}",
        ja: "{ip} が存在しない {mailbox} 宛てのメールをどう扱うか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again in a few minutes (greylisting lets a later try pass), or let the server accept this machine for the test.",
        ja: "数分後に再実行する (グレイリスティングなら次は通る)。またはテストの間だけこのマシンを許可する。",
    },
};

const NOT_ASKED: Text = Text {
    en: "mailboxes are asked for only where the plan names recipients under [smtp]",
    ja: "計画の [smtp] に recipients があるときだけ問い合わせる",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let mut asked = mailboxes(context, Side::New);
    asked.retain(|mailbox| mailbox.role == Role::Nobody);
    if asked.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NOT_ASKED)];
    }
    let new = talks.iter().filter(|talk| talk.address.side == Side::New);
    let judged = new.flat_map(|talk| asked.iter().map(|mailbox| judge(talk, &talks, mailbox)));
    judged.chain(not_asked(&context.plan)).collect()
}

fn judge(talk: &Talk<'_>, talks: &[Talk<'_>], mailbox: &Mailbox) -> Statement {
    if talk.extensions().is_none() {
        return Statement::not_covered(talk.subject(), NOT_SO_FAR);
    }
    let domain = mailbox.domain.as_ref().map_or_else(String::new, ToString::to_string);
    let args = Args::none().and("ip", talk.address.ip).and("mailbox", &mailbox.address);
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).about(&domain).args(args).evidence(talk.evidence())
    };
    let old = || talks.iter().filter(|old| old.address.side == Side::Old);
    let old_takes = old().any(|old| matches!(answer(old, mailbox), Answered::Yes));
    let said = match answer(talk, mailbox) {
        Answered::Yes if old_takes => say(&TAKES_BOTH, args),
        Answered::Yes => say(&TAKES, args),
        Answered::No(reply) if old_takes => say(&CATCH_ALL, args.and("reply", reply.told())),
        Answered::No(_) => Statement::passed(talk.subject()).about(&domain).args(args).evidence(talk.evidence()),
        Answered::Unknown(why) => say(&UNANSWERED, args.with("why", why)),
    };
    said.evidence(old().flat_map(Talk::evidence))
}
