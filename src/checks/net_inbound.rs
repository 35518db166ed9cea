//! Whether port 25 of each receiving address takes connections, and whether this machine could tell.

use std::net::IpAddr;

use futures::FutureExt;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, Level, Levels, Needs, ObservationId, Outcome, Phase, Reference, Side, Statement, Text, Value, Vantage,
};
use crate::probe::{Session, Stop};
use crate::servers::{Talk, talks};
use crate::witnesses::{Witness, visit_witnesses};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "net-inbound",
        title: Text {
            en: "Each receiving address takes connections on port 25",
            ja: "受信する各アドレスが 25 番ポートで接続を受け付ける",
        },
        short: Text { en: "port 25", ja: "25 番ポート" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "If nobody opened port 25 in the security group or the firewall, no mail arrives from the minute the MX changes, however perfect the DNS is.",
            ja: "セキュリティグループやファイアウォールで 25 番ポートを開けていなければ、DNS が完璧でも、MX を切り替えた直後からメールは一通も届かない。",
        },
        how: Text {
            en: "One connection to port 25 of each receiving address. That an address does not answer counts only if this machine reached another port 25 of the same family in the same run: another new one, the MX of a witness or partner of the plan, or an old server. An old server alone, which may stand in this machine's own network, does not count if the witnesses are not reached. Many offices and clouds let no port 25 out; then the result is unknown. The new server itself cannot see the firewall in front of it.",
            ja: "受信する各アドレスの 25 番ポートに一度ずつ接続する。応答がないことを「閉じている」と判定するのは、このマシンが同じ実行の中で同じアドレスファミリーの別の 25 番ポート (別の新サーバー、計画の witnesses や取引先の MX、旧サーバー) に接続できた場合に限る。旧サーバーは手元と同じネットワークにあるかもしれないため、witnesses に接続できなければ、旧サーバーだけでは根拠としない。25 番ポートを外に通さない職場やクラウドは多く、その場合の結果は確認不能とする。新サーバー自身からは、その手前のファイアウォールは見えない。",
        },
        by_hand: "openssl s_client -starttls smtp -crlf -connect {at}",
        references: &[Reference {
            title: "RFC 5321, section 2.1",
            url: "https://www.rfc-editor.org/rfc/rfc5321#section-2.1",
        }],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&CLOSED, &OLD_GONE, &VANTAGE, &NEAR, &OWN, &TUNNEL, &INSTEAD],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static CLOSED: Outcome = Outcome {
    tag: "net-inbound-25",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} does not take connections on port 25: {why}; this machine reached {others}",
        ja: "{ip} は 25 番ポートで接続を受け付けない: {why}。このマシンから {others} には接続できた",
    },
    remedy: Text {
        en: "Open port 25 to {ip} in the security group and the firewall, and see that the mail server listens on that address. If it is closed to strangers on purpose until the cutover, or but for a gateway in front of it, admit this machine for the test.",
        ja: "セキュリティグループとファイアウォールで {ip} の 25 番ポートを開け、メールサーバーがそのアドレスで待ち受けているか確かめる。切り替えまで、または手前のゲートウェイ以外に対して意図的に閉じているなら、テストの間このマシンを許可する。",
    },
};

static OLD_GONE: Outcome = Outcome {
    tag: "smtp-old-alive",
    levels: Levels::NOTE.old(Level::Warning),
    says: Text {
        en: "the old server {ip} does not take connections on port 25: {why}; there is nothing to go back to",
        ja: "旧サーバー {ip} が 25 番ポートで接続を受け付けない: {why}。切り戻す先がない",
    },
    remedy: Text {
        en: "Keep the old server up until the overlap ends; if this address does not receive mail, write receives = false for it.",
        ja: "並行運用が終わるまで旧サーバーを動かしておく。このアドレスで受信していないなら、計画のそのアドレスに receives = false と書く。",
    },
};

static VANTAGE: Outcome = Outcome {
    tag: "net-inbound-25-vantage",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} takes connections on port 25 is not known: {why}, and this machine reached no port 25 over {family} at all ({tried} tried): its own network may block outbound port 25",
        ja: "{ip} が 25 番ポートで接続を受け付けるか確認できない: {why}。このマシンからは {family} でどの 25 番ポートにも接続できなかった ({tried} 件試行)。手元のネットワークが外向きの 25 番ポートを遮断している (OP25B など) 可能性がある",
    },
    remedy: Text {
        en: "Run check on a machine whose network lets port 25 out (mostly the old server can do it) with --format json, and join the reports with merge; or name witnesses under [smtp].",
        ja: "外向きの 25 番ポートを使えるマシン (旧サーバーなど) で check を --format json 付きで実行し、merge でレポートを統合する。または [smtp] に witnesses を書く。",
    },
};

static NEAR: Outcome = Outcome {
    tag: "net-inbound-25-near",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} takes connections on port 25 is not known: {why}; this machine reached {others} of the old side, and nobody else's server ({missed}): its own network may let port 25 out to no further",
        ja: "{ip} が 25 番ポートで接続を受け付けるか確認できない: {why}。このマシンから接続できたのは旧サーバー {others} だけで、他者のサーバー ({missed}) には接続できない。手元のネットワークがそれより外に 25 番ポートを通していない可能性がある",
    },
    remedy: Text {
        en: "Run check on a machine that may use port 25 with --format json, and join the reports with merge; or name witnesses that are up under [smtp].",
        ja: "25 番ポートを使えるマシンで check を --format json で実行し、merge でレポートを統合する。または稼働中のサーバーを持つドメインを [smtp] の witnesses に書く。",
    },
};

static OWN: Outcome = Outcome {
    tag: "net-inbound-25-own",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether others reach port 25 of {ip} cannot be seen from the new server itself",
        ja: "外部から {ip} の 25 番ポートに接続できるかは、新サーバー自身からは分からない",
    },
    remedy: Text {
        en: "Run check on another machine whose network lets port 25 out, and join the reports with merge.",
        ja: "外向きの 25 番ポートを使える別のマシンで check を実行し、merge でレポートを統合する。",
    },
};

static TUNNEL: Outcome = Outcome {
    tag: "net-inbound-25-tunnel",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether others reach port 25 of {ip} is not known: this machine looks for it at {to}, as [smtp] connect says",
        ja: "外部から {ip} の 25 番ポートに接続できるか確認できない。このマシンは [smtp] connect のとおり {to} に接続する",
    },
    remedy: Text {
        en: "Take {ip} out of connect, and run check on a machine that may use port 25.",
        ja: "connect から {ip} を外し、25 番ポートを使えるマシンで check を実行する。",
    },
};

static INSTEAD: Outcome = Outcome {
    tag: "net-inbound-25-instead",
    levels: Levels::NOTE,
    says: Text {
        en: "port 25 of {ip}, an address of a laboratory, was reached at {to}, as [smtp] connect says: that others reach it is not shown",
        ja: "検証環境のアドレス {ip} の 25 番ポートには、[smtp] connect のとおり {to} で接続した。外部から接続できることの確認にはならない",
    },
    remedy: Text {
        en: "Run without connect from outside before the cutover.",
        ja: "切り替え前に、外部から connect なしで実行する。",
    },
};

const OVERLAP_OVER: Text = Text {
    en: "the old server does not answer, and its time is over (overlap)",
    ja: "旧サーバーは応答しないが、並行運用の期間 (overlap) は終わっている",
};

async fn ask(context: &Context) -> Vec<Statement> {
    let talks = match talks(context).await {
        Ok(talks) => talks,
        Err(said) => return said,
    };
    // Others are bothered only where the plan's own servers do not show that port 25 is open from here.
    let proven = |doubtful: &Talk<'_>| {
        let is_far = |talk: &&Talk<'_>| talk.address.side == Side::New && proves(&talk.session, &doubtful.session);
        talks.iter().filter(is_far).any(|talk| is_like(talk.address.ip, doubtful.address.ip))
    };
    let doubtful = talks.iter().any(|talk| !talk.session.is_connected() && !proven(talk));
    let witnesses = if doubtful { visit_witnesses(context).await } else { Vec::new() };
    talks.iter().map(|talk| judge(context, talk, &talks, &witnesses)).collect()
}

fn is_like(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
}

fn judge(context: &Context, talk: &Talk<'_>, talks: &[Talk<'_>], witnesses: &[Witness]) -> Statement {
    let (address, session) = (talk.address, &talk.session);
    let args = talk.args();
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, talk.subject()).args(args).evidence(talk.evidence())
    };
    if address.side == Side::New && context.vantage == Vantage::NewServer {
        return say(&OWN, args);
    }
    // Nobody reaches an address that is not public anyway.
    if let Some(to) = session.detour.filter(|_| address.side == Side::New && address.special.is_none()) {
        return say(&TUNNEL, args.and("to", to));
    }
    let Some(stop) = session.stop.as_ref().filter(|_| !session.is_connected()) else {
        return match session.detour {
            Some(to) if address.side == Side::New => say(&INSTEAD, args.and("to", to)),
            _ => Statement::passed(talk.subject()).args(args).evidence(talk.evidence()),
        };
    };
    if address.side == Side::Old && context.phase == Phase::After && context.now >= context.plan.overlap_ends() {
        return Statement::not_applicable(talk.subject(), OVERLAP_OVER).args(args).evidence(talk.evidence());
    }
    let mut args = args.with("why", why(talk, stop));
    let of_plan = talks.iter().filter(|other| is_like(other.address.ip, address.ip)).map(|other| {
        (other.address.ip, reaches_out(other) && proves(&other.session, session), other.session.observation)
    });
    let of_others = witnesses
        .iter()
        .filter(|witness| is_like(witness.ip, address.ip))
        .map(|witness| (witness.ip, proves(&witness.session, session), witness.session.observation));
    let tried: Vec<(IpAddr, bool, ObservationId)> = of_plan.chain(of_others).collect();
    let reached: Vec<IpAddr> = tried.iter().filter(|(_, reached, _)| *reached).map(|(ip, ..)| *ip).collect();
    if reached.is_empty() || stop.is_no_route() {
        let family = if address.ip.is_ipv4() { "IPv4" } else { "IPv6" };
        args = args.and("family", family).and("tried", tried.len());
        return say(&VANTAGE, args)
            .evidence(tried.into_iter().map(|(.., id)| id).filter(|id| *id != session.observation));
    }
    let is_old = |ip: &IpAddr| talks.iter().any(|talk| talk.address.side == Side::Old && talk.address.ip == *ip);
    let missed: Vec<IpAddr> = witnesses
        .iter()
        .map(|witness| witness.ip)
        .filter(|ip| is_like(*ip, address.ip) && !reached.contains(ip))
        .collect();
    let is_near = address.side == Side::New && reached.iter().all(is_old) && !missed.is_empty();
    args = args.with("others", Value::list(reached.into_iter().take(3)));
    if is_near {
        let args = args.with("missed", Value::list(&missed));
        return say(&NEAR, args).evidence(tried.into_iter().map(|(.., id)| id).filter(|id| *id != session.observation));
    }
    say(if address.side == Side::Old { &OLD_GONE } else { &CLOSED }, args)
}

/// Whether a connection shows that port 25 leaves this machine: not one to itself, on the server in question.
fn reaches_out(talk: &Talk<'_>) -> bool {
    talk.session.local.is_some_and(|local| local.ip().to_canonical() != talk.address.ip)
}

/// Whether a connection tells something of another server: what was reached somewhere else says nothing of the straight way.
fn proves(reached: &Session, other: &Session) -> bool {
    reached.is_connected() && (reached.detour.is_none() || other.detour.is_some())
}

/// Why there was no connection; a detour is named.
fn why(talk: &Talk<'_>, stop: &Stop) -> Value {
    match (talk.session.detour, stop.why()) {
        (Some(to), Value::Both { en, ja }) => Value::both(format!("{en} (at {to})"), format!("{ja} ({to})")),
        (_, why) => why,
    }
}
