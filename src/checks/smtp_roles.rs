//! What every server must take: postmaster, abuse, and bounces.

use futures::FutureExt;

use super::smtp_recipients::{Answered, answer, null_sender};
use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text};
use crate::servers::{Mailbox, NOT_SO_FAR, Role, Talk, mailboxes, not_asked, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-roles",
        title: Text {
            en: "The new server takes bounces, and mail for postmaster and abuse",
            ja: "新サーバーがバウンスと、postmaster・abuse 宛てのメールを受け付ける",
        },
        short: Text { en: "postmaster, bounces", ja: "postmaster など" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A server that refuses the null sender (MAIL FROM:<>) never learns that its mail did not arrive, and may be put on blocklists for that. Complaints and answers to delisting requests go to postmaster and abuse.",
            ja: "空の差出人 (MAIL FROM:<>) を拒否するサーバーは、自分のメールが届かなかったことを知ることができず、それを理由にブロックリストに登録されることもある。苦情やリストからの解除の連絡は postmaster と abuse に届く。",
        },
        how: Text {
            en: "MAIL FROM:<> is said at every new address that receives. Where the plan names recipients, postmaster and abuse of the first ten domains and the bare postmaster are asked for as well.",
            ja: "受信する新アドレスのそれぞれに MAIL FROM:<> を送る。計画に recipients があれば、最初の 10 ドメインの postmaster と abuse、およびドメインなしの postmaster についても問い合わせる。",
        },
        by_hand: "swaks --server {ip} --from '<>' --to {mailbox} --quit-after RCPT",
        references: &[
            Reference {
                title: "RFC 5321, sections 4.5.1 and 4.5.5",
                url: "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.1",
            },
            Reference { title: "RFC 2142, section 4", url: "https://www.rfc-editor.org/rfc/rfc2142#section-4" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&NULL_SENDER, &POSTMASTER, &POSTMASTER_NONE, &ABUSE, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NULL_SENDER: Outcome = Outcome {
    tag: "smtp-null-sender",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} refuses the null sender (MAIL FROM:<>), so no bounce can arrive: {reply}",
        ja: "{ip} が空の差出人 (MAIL FROM:<>) を拒否するため、バウンスが届かない: {reply}",
    },
    remedy: Text {
        en: "Let {ip} take MAIL FROM:<> (RFC 5321, section 4.5.5).",
        ja: "{ip} で MAIL FROM:<> を受け付けるようにする (RFC 5321 第 4.5.5 節)。",
    },
};

static POSTMASTER: Outcome = Outcome {
    tag: "smtp-postmaster",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} refuses {mailbox}, and the old server takes it: {reply}",
        ja: "{ip} が {mailbox} を拒否する。旧サーバーは受け付ける: {reply}",
    },
    remedy: Text {
        en: "Create an alias for {mailbox} on the new server that somebody reads.",
        ja: "新サーバーに {mailbox} を、担当者が読む宛先への別名として作る。",
    },
};

static POSTMASTER_NONE: Outcome = Outcome {
    tag: "smtp-postmaster-none",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} refuses {mailbox}, which every server must take: {reply}",
        ja: "{ip} が、必ず受け付けなければならない {mailbox} を拒否する: {reply}",
    },
    remedy: Text {
        en: "Create an alias for {mailbox} that somebody reads (RFC 5321, section 4.5.1).",
        ja: "{mailbox} を、担当者が読む宛先への別名として作る (RFC 5321 第 4.5.1 節)。",
    },
};

static ABUSE: Outcome = Outcome {
    tag: "smtp-abuse",
    levels: Levels::WARNING,
    says: Text { en: "{ip} refuses {mailbox}: {reply}", ja: "{ip} が {mailbox} を拒否する: {reply}" },
    remedy: Text {
        en: "Create an alias for {mailbox}: complaints about the new address arrive there first (RFC 2142).",
        ja: "{mailbox} を別名として作る。新アドレスについての苦情は、まずそこに届く (RFC 2142)。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "smtp-roles-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} takes mail for {mailbox} is not known: {why}",
        ja: "{ip} が {mailbox} 宛てのメールを受け付けるか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again in a few minutes (greylisting lets a later try pass), or let the server accept this machine for the test.",
        ja: "数分後に再実行する (グレイリスティングなら次は通る)。またはテストの間だけこのマシンを許可する。",
    },
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    let mut asked = mailboxes(context, Side::New);
    asked.retain(|mailbox| matches!(mailbox.role, Role::Postmaster | Role::BarePostmaster | Role::Abuse));
    let new = talks.iter().filter(|talk| talk.address.side == Side::New);
    let mut said: Vec<Statement> = new.flat_map(|talk| judge(talk, &talks, &asked)).collect();
    said.extend(not_asked(&context.plan).filter(|_| !asked.is_empty()));
    said
}

fn judge(talk: &Talk<'_>, talks: &[Talk<'_>], asked: &[Mailbox]) -> Vec<Statement> {
    if talk.extensions().is_none() {
        return vec![Statement::not_covered(talk.subject(), NOT_SO_FAR)];
    }
    let args = Args::none().and("ip", talk.address.ip);
    let say = |outcome: &'static Outcome, mailbox: &str, args: Args| {
        let args = args.and("mailbox", mailbox);
        Statement::outcome(outcome, talk.subject()).about(mailbox).args(args).evidence(talk.evidence())
    };
    let mut said = Vec::new();
    match null_sender(talk) {
        Answered::Yes => {}
        Answered::No(reply) => said.push(say(&NULL_SENDER, "<>", args.clone().and("reply", reply.told()))),
        Answered::Unknown(why) => said.push(say(&UNANSWERED, "<>", args.clone().with("why", why))),
    }
    // Without a sender nobody was asked for.
    if !said.is_empty() {
        return said;
    }
    for mailbox in asked {
        let args = args.clone();
        match answer(talk, mailbox) {
            Answered::Yes => {}
            Answered::Unknown(why) => said.push(say(&UNANSWERED, &mailbox.address, args.with("why", why))),
            Answered::No(reply) => {
                let mut old = talks.iter().filter(|old| old.address.side == Side::Old);
                let old_takes = old.any(|old| matches!(answer(old, mailbox), Answered::Yes));
                let outcome = match mailbox.role {
                    Role::Abuse => &ABUSE,
                    // Nobody can write to it from outside.
                    Role::Postmaster if old_takes => &POSTMASTER,
                    _ => &POSTMASTER_NONE,
                };
                said.push(say(outcome, &mailbox.address, args.and("reply", reply.told())));
            }
        }
    }
    if said.is_empty() {
        said.push(Statement::passed(talk.subject()).args(args).evidence(talk.evidence()));
    }
    said
}
