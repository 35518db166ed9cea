//! The mailboxes that the plan names: the new server takes them as the old one does.

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Subject, Text, Value};
use crate::probe::{ReplyKind, ServerReply};
use crate::servers::{Mailbox, NOT_SO_FAR, Role, Talk, mailboxes, refuses_us, talks};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "smtp-recipients",
        title: Text {
            en: "The new server takes mail for every mailbox that the plan names",
            ja: "計画にあるすべての宛先へのメールを新サーバーが受け付ける",
        },
        short: Text { en: "recipients", ja: "受信者" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Mail for an account, an alias or a whole domain that was not copied bounces with 550 from the minute the MX changes.",
            ja: "移し忘れたアカウント、別名、ドメインへのメールは、MX を変更した直後から 550 で差出人に戻る。",
        },
        how: Text {
            en: "Each mailbox under [smtp] recipients is asked for at the old and at the new server: MAIL FROM:<>, RCPT TO, RSET; no message is sent. 4xx is unknown (greylisting), and so is a refusal that is about this machine. Where the new server takes a mailbox that does not exist, taking the others shows nothing; where it cannot be asked for one, taking the others is unknown. Without recipients nothing is asked.",
            ja: "[smtp] recipients の各メールボックスについて、新旧両方のサーバーに MAIL FROM:<>、RCPT TO、RSET を送る。メールは送らない。4xx (グレイリスティングなど) と、このマシンを理由とする拒否は確認不能とする。新サーバーが存在しないメールボックスまで受け付けるなら、受け付けたことは何の証拠にもならない。それを問えなければ、受け付けたことも確認不能とする。recipients がなければ何も問わない。",
        },
        by_hand: "swaks --server {ip} --from '<>' --to {mailbox} --quit-after RCPT",
        references: &[
            Reference { title: "RFC 5321, section 3.3", url: "https://www.rfc-editor.org/rfc/rfc5321#section-3.3" },
            Reference { title: "RFC 6647 (greylisting)", url: "https://www.rfc-editor.org/rfc/rfc6647" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&REFUSED, &BOTH, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static REFUSED: Outcome = Outcome {
    tag: "smtp-recipients",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} refuses {mailbox}: {reply} ({old})", ja: "{ip} が {mailbox} を拒否する: {reply} ({old})"
    },
    remedy: Text {
        en: "Create {mailbox} on the new server, or let it take mail for the domain (Postfix: mydestination, virtual_mailbox_domains or relay_domains; Exim: local_domains; Exchange: accepted domains).",
        ja: "新サーバーに {mailbox} を作る。またはそのドメインへのメールを受け付けるようにする (Postfix は mydestination、virtual_mailbox_domains、relay_domains のいずれか、Exim は local_domains、Exchange は承認済みドメイン)。",
    },
};

static BOTH: Outcome = Outcome {
    tag: "smtp-recipients-both",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} refuses {mailbox}, and so does the old server: {reply}",
        ja: "{ip} が {mailbox} を拒否する。旧サーバーも同じである: {reply}",
    },
    remedy: Text {
        en: "Correct {mailbox} in the plan, or create it.",
        ja: "計画の {mailbox} を直す。正しい宛先なら作る。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "smtp-recipients-unanswered",
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

const NONE_NAMED: Text =
    Text { en: "the plan names no recipients under [smtp]", ja: "計画の [smtp] に recipients がない" };

const TAKES_ALL: Text = Text {
    en: "the server takes mail for mailboxes that do not exist, so that it takes this one proves nothing (see smtp-unknown)",
    ja: "サーバーが存在しない宛先も受け付けるので、この宛先を受け付けても証拠にならない (smtp-unknown を参照)",
};

const UNCONTROLLED: Text = Text {
    en: "it says yes, but whether it takes mail for mailboxes that do not exist is not known (see smtp-unknown)",
    ja: "受け付けると答えたが、存在しないメールボックスも受け付けるか確認できない (smtp-unknown を参照)",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    if context.plan.smtp.recipients.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NONE_NAMED)];
    }
    let asked = mailboxes(context, Side::New);
    let new = talks.iter().filter(|talk| talk.address.side == Side::New);
    new.flat_map(|talk| judge(talk, &talks, &asked)).collect()
}

fn judge(talk: &Talk<'_>, talks: &[Talk<'_>], asked: &[Mailbox]) -> Vec<Statement> {
    if talk.extensions().is_none() {
        return vec![Statement::not_covered(talk.subject(), NOT_SO_FAR)];
    }
    let of_role = |role: Role| asked.iter().filter(move |mailbox| mailbox.role == role);
    of_role(Role::Planned)
        .map(|mailbox| {
            let stranger = of_role(Role::Nobody).find(|nobody| nobody.domain == mailbox.domain);
            judge_one(talk, talks, mailbox, stranger)
        })
        .collect()
}

/// `stranger` is a mailbox of the same domain that does not exist.
fn judge_one(talk: &Talk<'_>, talks: &[Talk<'_>], mailbox: &Mailbox, stranger: Option<&Mailbox>) -> Statement {
    let args = Args::none().and("ip", talk.address.ip).and("mailbox", &mailbox.address);
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).about(&mailbox.address).args(args).evidence(talk.evidence())
    };
    // "Not now" to a stranger is another answer too; a goodbye is none.
    let control =
        stranger.and_then(|stranger| talk.session.recipient(&stranger.address)).filter(|reply| reply.code != Some(421));
    match answer(talk, mailbox) {
        Answered::Yes if control.is_some_and(ServerReply::is_positive) => {
            Statement::not_covered(talk.subject(), TAKES_ALL)
        }
        Answered::Yes if control.is_none() => say(&UNANSWERED, args.with("why", Value::from(UNCONTROLLED))),
        Answered::Yes => Statement::passed(talk.subject()).about(&mailbox.address).args(args).evidence(talk.evidence()),
        Answered::Unknown(why) => say(&UNANSWERED, args.with("why", why)),
        Answered::No(reply) => {
            let old: Vec<(&Talk<'_>, Answered<'_>)> = talks
                .iter()
                .filter(|old| old.address.side == Side::Old)
                .map(|old| (old, answer(old, mailbox)))
                .collect();
            let args = args.and("reply", reply.told());
            let evidence = old.iter().flat_map(|(old, _)| old.evidence());
            let all_refuse = !old.is_empty() && old.iter().all(|(_, answer)| matches!(answer, Answered::No(_)));
            if all_refuse {
                return say(&BOTH, args).evidence(evidence);
            }
            let said = match old.iter().find(|(_, answer)| matches!(answer, Answered::Yes)) {
                Some((old, _)) => {
                    Value::both(format!("{} takes it", old.address.ip), format!("{} は受け付ける", old.address.ip))
                }
                None => Value::both("whether the old server takes it is not known", "旧サーバーが受け付けるかは不明"),
            };
            say(&REFUSED, args.with("old", said)).evidence(evidence)
        }
    }
}

/// What a server says of a mailbox.
pub(super) enum Answered<'r> {
    /// It takes it.
    Yes,
    /// It refuses it.
    No(&'r ServerReply),
    /// Not known, and why.
    Unknown(Value),
}

/// What the server of `talk` says of `mailbox`.
pub(super) fn answer<'r>(talk: &'r Talk<'_>, mailbox: &Mailbox) -> Answered<'r> {
    let session = &talk.session;
    match (session.recipient(&mailbox.address), &session.stop, &session.null_sender) {
        (None, None, Some(reply)) if !reply.is_positive() => {
            Answered::Unknown(Value::plain(format!("MAIL FROM:<> → {}", reply.told())))
        }
        (reply, ..) => answered(talk, reply),
    }
}

/// What the server of `talk` says to the sender of bounces.
pub(super) fn null_sender<'r>(talk: &'r Talk<'_>) -> Answered<'r> {
    answered(talk, talk.session.null_sender.as_ref())
}

fn answered<'r>(talk: &'r Talk<'_>, reply: Option<&'r ServerReply>) -> Answered<'r> {
    let session = &talk.session;
    match reply {
        Some(reply) if reply.is_positive() => Answered::Yes,
        Some(reply) if reply.kind == ReplyKind::Permanent && !refuses_us(reply, session) => Answered::No(reply),
        Some(reply) if reply.kind == ReplyKind::Permanent => Answered::Unknown(Value::both(
            format!("it refuses this machine ({})", reply.told()),
            format!("このマシンを拒否している ({})", reply.told()),
        )),
        Some(reply) => Answered::Unknown(Value::plain(reply.told())),
        None => Answered::Unknown(match &session.stop {
            Some(stop) => stop.why(),
            None => Value::both("it was not asked", "問い合わせていない"),
        }),
    }
}
