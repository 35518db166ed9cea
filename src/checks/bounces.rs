//! What the mail logs say since the cutover: who refuses our mail, and whose mail we refuse.

use std::collections::BTreeMap;

use futures::FutureExt;

use crate::bounce::{Class, Direction, Group, Ours, Watch};
use crate::check::{Check, Context, Run, ours_of};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};

/// So many receivers or partners are named in one sentence.
const MOST_NAMED: usize = 5;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "bounces",
        title: Text {
            en: "Since the cutover nobody refuses our mail, and we refuse nobody's, for new reasons",
            ja: "切り替え後、新たな理由で拒否されたメールがない",
        },
        short: Text { en: "refusals since", ja: "切り替え後の拒否" },
        phases: &[Phase::After],
        why: Text {
            en: "What no check foresaw shows in the mail log first: a receiver that does not like the new address, a list that nobody asked, a partner whom the new server turns away. Senders see their error mails hours or days later, and many tell nobody.",
            ja: "どの検査でも予見できなかった問題は、まずメールログに現れる: 新しいアドレスを嫌う受信側、問い合わせなかったリスト、新サーバーが断っている取引先。差出人にエラーメールが届くのは数時間から数日後で、届いても誰にも知らせない人が多い。",
        },
        how: Text {
            en: "Reads the logs that logs under [after] names (Postfix, Exim, Sendmail), at most 1 GiB in 20 seconds, and explains every refusal as mail-cutover bounce does. Messages are counted, not tries; what was put off and delivered later is not refused. What was refused for the same reason by the same receiver before cutover_at is not new: name the old server's log too. A refusal of us for a listing, our reputation, PTR, HELO, SPF, DKIM or DMARC, encryption or relaying stops people; another is a warning.",
            ja: "[after] の logs に書いたログ (Postfix、Exim、Sendmail) を 1 GiB、20 秒を上限に読み、拒否の一つ一つを mail-cutover bounce と同じように解釈する。数えるのは試行ではなくメールで、保留の後に届いたものは拒否に含めない。同じ受信側が cutover_at より前にも同じ理由で拒否していれば新規ではない。比較のため旧サーバーのログも書く。自社のメールがリスト登録、評価、PTR、HELO、SPF・DKIM・DMARC、暗号化、中継を理由に拒否されていれば重大とし、それ以外は警告とする。",
        },
        by_hand: "grep -hE 'status=(bounced|deferred)|reject: | \\*\\* | == | rejected |stat=' mail.log",
        references: &[
            Reference { title: "Postfix: bounce(8)", url: "https://www.postfix.org/bounce.8.html" },
            Reference {
                title: "Exim: log files",
                url: "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-log_files.html",
            },
            Reference { title: "RFC 3463", url: "https://www.rfc-editor.org/rfc/rfc3463" },
        ],
        needs: Needs::Plan,
        waivable: true,
        outcomes: &[&REFUSED, &OTHER, &PARTNERS, &UNREAD],
    },
    run: Run::World(|context| async move { judge(&context) }.boxed()),
};

static REFUSED: Outcome = Outcome {
    tag: "bounces-new",
    levels: Levels::BLOCKER,
    says: Text {
        en: "refused since the cutover: {count} to {parties} ({class}){first}: {sentence} For example: {example}",
        ja: "切り替え後の拒否: {parties} 宛て {count} 件 ({class}){first}。{sentence}例: {example}",
    },
    remedy: Text {
        en: "Remove the cause: {remedy} All refusals: mail-cutover bounce --log LOG --plan PLAN.",
        ja: "原因を取り除く: {remedy}すべての拒否は mail-cutover bounce --log LOG --plan PLAN で確認できる。",
    },
};

static OTHER: Outcome = Outcome {
    tag: "bounces-other",
    levels: Levels::WARNING,
    says: Text {
        en: "refused since the cutover: {count} to {parties} ({class}){first}: {sentence} For example: {example}",
        ja: "切り替え後の拒否: {parties} 宛て {count} 件 ({class}){first}。{sentence}例: {example}",
    },
    remedy: Text {
        en: "Look whether the move caused it: {remedy} All refusals: mail-cutover bounce --log LOG --plan PLAN.",
        ja: "移行が原因かどうかを確かめる: {remedy}すべての拒否は mail-cutover bounce --log LOG --plan PLAN で確認できる。",
    },
};

static PARTNERS: Outcome = Outcome {
    tag: "bounces-partner",
    levels: Levels::WARNING,
    says: Text {
        en: "since the cutover our server refuses {count} messages from {parties} ({class}){first}. For example: {example}",
        ja: "切り替え後、自社サーバーが {parties} からのメール {count} 件を拒否した ({class}){first}。例: {example}",
    },
    remedy: Text {
        en: "See whether partners are among them and let these through (mail-cutover explain rbl-in-partner says where): {remedy} All refusals: mail-cutover bounce --log LOG --plan PLAN.",
        ja: "この中に取引先があれば通す (場所は mail-cutover explain rbl-in-partner): {remedy}すべての拒否は mail-cutover bounce --log LOG --plan PLAN で確認できる。",
    },
};

static UNREAD: Outcome = Outcome {
    tag: "bounces-unread",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether mail is refused since the cutover is not known from {log}: {why}",
        ja: "切り替え後にメールが拒否されているか、{log} からは分からない: {why}",
    },
    remedy: Text {
        en: "Give logs under [after] the new server's mail log of the time since the cutover, where this run can read it; mail-cutover bounce --log reads logs of any size.",
        ja: "[after] の logs に、切り替え後を含む新サーバーのメールログを、この実行が読める場所で指定する。大きなログは mail-cutover bounce --log で読める。",
    },
};

const NO_LOGS: Text = Text { en: "the plan names no logs under [after]", ja: "計画の [after] に logs がない" };

fn judge(context: &Context) -> Vec<Statement> {
    match &context.watch {
        None => vec![Statement::not_covered(Subject::Run, NO_LOGS)],
        Some(watch) => of_logs(watch, context.plan.cutover_at.timestamp(), &ours_of(&context.plan)),
    }
}

fn of_logs(watch: &Watch, cutover: i64, ours: &Ours) -> Vec<Statement> {
    let mut said: Vec<Statement> = watch
        .logs
        .iter()
        .filter_map(|log| log.error.as_ref().map(|error| unread(&log.file, Value::plain(error))))
        .collect();
    let has_news = watch.logs.iter().any(|log| log.news > 0);
    let reaches = watch.period().is_some_and(|(_, last)| last >= cutover);
    if said.is_empty() && !(has_news && reaches) {
        let why = if has_news {
            Value::both("the logs end before the cutover", "ログが切り替え前で終わっている")
        } else {
            Value::both("no line tells what became of a message", "配送結果を示す行がない")
        };
        said.push(unread(&watch.logs.iter().map(|log| log.file.clone()).collect::<Vec<_>>().join(", "), why));
    }
    let compares = watch.period().is_some_and(|(first, _)| first < cutover);
    let mut kinds: BTreeMap<(usize, String), Vec<&Group>> = BTreeMap::new();
    for group in watch.tally.groups().into_iter().filter(|group| group.is_new()) {
        let weight = if group.direction != Direction::Incoming {
            usize::from(!group.is_critical())
        } else if group.class == Class::Dnsbl || group.class == Class::Relay && group.is_for(ours) {
            2
        } else {
            // Unknown recipients, spam, relaying by strangers: that is what a server refuses every day.
            continue;
        };
        kinds.entry((weight, kind(group))).or_default().push(group);
    }
    let found = !kinds.is_empty();
    for ((weight, kind), groups) in kinds {
        let outcome = [&REFUSED, &OTHER, &PARTNERS][weight];
        said.push(refused(outcome, &kind, &groups, compares, ours));
    }
    if said.is_empty() && !found {
        said.push(Statement::passed(Subject::Run));
    }
    said
}

fn unread(file: &str, why: Value) -> Statement {
    // Names of folders differ between the places of a run.
    let names: Vec<&str> = file.split(", ").map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
    Statement::outcome(&UNREAD, Subject::Run)
        .about(names.join(", "))
        .args(Args::none().and("log", file).with("why", why))
}

/// What a waiver must name: the class, and the list if there is one.
fn kind(group: &Group) -> String {
    match &group.list {
        Some(list) => format!("{} {}", group.class.word(), crate::model::visible(list.id())),
        None if group.sub.is_empty() => group.class.word().to_owned(),
        None => format!("{}/{}", group.class.word(), group.sub),
    }
}

/// One statement about all new refusals of a kind; the first of `groups` is the worst.
fn refused(outcome: &'static Outcome, kind: &str, groups: &[&Group], compares: bool, ours: &Ours) -> Statement {
    let count: u64 = groups.iter().map(|group| group.since.lost()).sum();
    let named = groups.iter().take(MOST_NAMED).map(|group| {
        let party = if group.party.is_empty() { "…" } else { &group.party };
        format!("{party} ({})", group.since.lost())
    });
    let more = (groups.len() > MOST_NAMED).then(|| format!("+{}", groups.len() - MOST_NAMED));
    let explained = groups[0].explain(ours);
    let first = if compares {
        Value::Plain(String::new())
    } else {
        Value::both(
            ", as far as is known: no log is older than the cutover",
            " (切り替え前のログがないため、新規かどうかは不明)",
        )
    };
    let args = Args::none()
        .and("count", count)
        .with("parties", Value::list(named.chain(more)))
        .and("class", kind)
        .with("first", first)
        .with("sentence", explained.sentence)
        .with("remedy", explained.remedy)
        .and("example", &groups[0].example);
    Statement::outcome(outcome, Subject::Run).about(kind).args(args)
}
