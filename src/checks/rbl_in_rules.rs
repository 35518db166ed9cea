//! The new server's own rules about blocklists: whether an error of a list counts as a listing in them.

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::inbound::{BareRule, Unjudged, located};
use crate::model::{Args, Card, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value};

/// So many lines that are not judged are named.
const MOST_NAMED: usize = 5;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "rbl-in-rules",
        title: Text {
            en: "The new server's rules take only listings for listings",
            ja: "新サーバーの設定が、登録だけを「登録あり」と扱う",
        },
        short: Text { en: "blocklist rules", ja: "リストの設定" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A list that refuses to answer says so with an address such as 127.255.255.254, and one whose domain has lapsed answers anything. A rule that names no return codes takes either for a listing and refuses all mail, from one moment to the next.",
            ja: "問い合わせを断るリストは 127.255.255.254 などのアドレスでそれを知らせ、ドメインが失効したリストは何でも返す。戻りコードを指定しない設定は、どちらも「登録あり」と扱い、ある瞬間からすべてのメールを拒否する。",
        },
        how: Text {
            en: "Reads the file that config under [inbound_dnsbl] names: Postfix's main.cf (with tables and master.cf beside it), the output of postconf -n, or Exim's configuration. Looks at every rule that asks a list by name, and at whether it names the codes that count. What of the file is not understood is named, never guessed; milters, rspamd and SpamAssassin are not judged.",
            ja: "[inbound_dnsbl] の config に書いたファイルを読む: Postfix の main.cf (同じ場所にある表と master.cf も)、postconf -n の出力、または Exim の設定。リストに問い合わせる設定のそれぞれについて、登録とみなす戻りコードが書かれているかを調べる。読み取れない部分は推測せず、そのまま名前を挙げる。milter、rspamd、SpamAssassin は判定しない。",
        },
        by_hand: "postconf -n | grep -E 'rbl|dnsbl|rhsbl'",
        references: &[
            Reference {
                title: "Postfix: reject_rbl_client",
                url: "https://www.postfix.org/postconf.5.html#reject_rbl_client",
            },
            Reference {
                title: "Exim: DNS lists",
                url: "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-access_control_lists.html",
            },
            Reference {
                title: "Spamhaus: DNSBL usage and return codes",
                url: "https://www.spamhaus.org/faqs/dnsbl-usage/",
            },
        ],
        needs: Needs::Plan,
        waivable: true,
        outcomes: &[&BARE, &BARE_ALLOW, &UNJUDGED],
    },
    run: Run::World(|context| async move { judge(&context) }.boxed()),
};

static BARE: Outcome = Outcome {
    tag: "rbl-in-bare",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{rule} takes every answer for a listing, also the one by which the list refuses to answer: all mail would be refused",
        ja: "{rule} はどんな応答も「登録あり」と扱う。リストが問い合わせを断る応答でも、すべてのメールが拒否される",
    },
    remedy: Text {
        en: "Name the codes that count: {corrected}.", ja: "登録とみなす戻りコードを書く: {corrected}。"
    },
};

static BARE_ALLOW: Outcome = Outcome {
    tag: "rbl-in-bare-allow",
    levels: Levels::WARNING,
    says: Text {
        en: "{rule} takes every answer for an entry, also the one by which the list refuses to answer: everybody would be let in",
        ja: "{rule} はどんな応答も「登録あり」と扱う。リストが問い合わせを断る応答でも、すべての相手が許可される",
    },
    remedy: Text {
        en: "Name the codes that count: {corrected}.", ja: "登録とみなす戻りコードを書く: {corrected}。"
    },
};

static UNJUDGED: Outcome = Outcome {
    tag: "rbl-in-unjudged",
    levels: Levels::NOTE,
    says: Text {
        en: "{count} parts of the new server's rules are not judged: {parts}",
        ja: "新サーバーの設定のうち {count} 箇所は判定していない: {parts}",
    },
    remedy: Text {
        en: "Read these lines yourself; mail-cutover inbound --plan PLAN --verbose lists all of them with the reasons.",
        ja: "該当の行を自分で確かめる。mail-cutover inbound --plan PLAN --verbose で、すべてを理由とともに表示できる。",
    },
};

const NO_CONFIG: Text = Text {
    en: "the plan names no config under [inbound_dnsbl]: how the new server reads the lists' answers is not known",
    ja: "計画の [inbound_dnsbl] に config がなく、新サーバーがリストの応答をどう扱うか分からない",
};

fn judge(context: &Context) -> Vec<Statement> {
    let policy = match &context.policy {
        Some(policy) if context.plan.inbound_dnsbl.config.is_some() => policy,
        _ => return vec![Statement::not_covered(Subject::Run, NO_CONFIG)],
    };
    let mut said: Vec<Statement> = policy.bare_rules().iter().map(bare).collect();
    if said.is_empty() {
        said.push(Statement::passed(Subject::Run));
    }
    said.extend(unjudged(policy.unjudged()));
    said
}

fn bare(bare: &BareRule) -> Statement {
    let zone = bare.rule.zone.as_ref().unwrap_or(&bare.rule.written);
    let args = Args::none()
        .and("rule", located(&bare.rule.written, bare.rule.place.as_ref()))
        .with("corrected", Value::record(&bare.corrected));
    let outcome = if bare.permits { &BARE_ALLOW } else { &BARE };
    Statement::outcome(outcome, Subject::List(zone.clone())).args(args)
}

fn unjudged(all: &[Unjudged]) -> Option<Statement> {
    let named = all.iter().take(MOST_NAMED).map(|one| located(&one.written, one.place.as_ref()));
    let more = if all.len() > MOST_NAMED { Some("…".to_owned()) } else { None };
    let args = Args::none().and("count", all.len()).with("parts", Value::list(named.chain(more)));
    (!all.is_empty()).then(|| Statement::outcome(&UNJUDGED, Subject::Run).args(args))
}
