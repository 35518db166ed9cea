//! One report with every status there is, hostile values included.

use std::net::IpAddr;

use chrono::{DateTime, FixedOffset, TimeDelta};
use mail_cutover::model::{
    Applied, Args, Card, Column, Completion, Exchange, Level, Levels, Milestone, Moment, Needs, Observation,
    ObservationId, Outcome, Part, Phase, Reference, Report, Section, Side, Statement, Subject, Text, Vantage, Verdict,
    visible,
};

const fn text(en: &'static str, ja: &'static str) -> Text {
    Text { en, ja }
}

/// A blocker, with every place for a value filled.
static LISTED: Outcome = Outcome {
    tag: "sample-listed",
    levels: Levels::BLOCKER,
    says: text("{ip} is listed on {list}: “{txt}”", "{ip} は {list} に登録されている: “{txt}”"),
    remedy: text(
        "Have it removed, or take another address before the cutover.",
        "解除を申請する。または切り替え前に別のアドレスにする。",
    ),
};

/// Something that was asked and not answered.
static SILENT: Outcome = Outcome {
    tag: "sample-silent",
    levels: Levels::UNKNOWN,
    says: text("whether {ip} is listed on {list} is not known", "{ip} が {list} に登録されているか確認できない"),
    remedy: text("Ask through a resolver of your own.", "自前の再帰リゾルバーを使って問い合わせる。"),
};

/// A warning of the run as a whole.
static LATE: Outcome = Outcome {
    tag: "sample-late",
    levels: Levels::WARNING,
    says: text("the TTL of {name} is {ttl} s", "{name} の TTL は {ttl} 秒"),
    remedy: text("Lower it.", "短くする。"),
};

/// A note, which changes nothing.
static KNOWN: Outcome = Outcome {
    tag: "sample-known",
    levels: Levels::NOTE,
    says: text("{ip} is announced by AS{asn}", "{ip} は AS{asn} から広告されている"),
    remedy: text("Nothing need be done.", "対処は不要である。"),
};

static BY_ADDRESS: Card = Card {
    id: "sample-address",
    title: text("No sending address is on a blocklist", "送信元アドレスがブロックリストに載っていない"),
    short: text("blocklists", "ブロックリスト"),
    phases: &[Phase::Before, Phase::After],
    why: text("Listed senders are refused.", "登録された送信元は拒否される。"),
    how: text("Each list is asked.", "各リストに問い合わせる。"),
    by_hand: "dig +short {query} A",
    references: &[Reference { title: "RFC 5782", url: "https://www.rfc-editor.org/rfc/rfc5782" }],
    needs: Needs::Dns,
    waivable: true,
    outcomes: &[&LISTED, &SILENT, &KNOWN],
};

static BY_NAME: Card = Card {
    id: "sample-name",
    title: text("Caches will have let go in time", "切り替えまでにキャッシュの期限が切れる"),
    short: text("TTL", "TTL"),
    phases: &[Phase::Before],
    why: text("Old answers live on.", "古い応答が残る。"),
    how: text("The authoritative servers are asked.", "権威サーバーに問い合わせる。"),
    by_hand: "dig {name} A",
    references: &[],
    needs: Needs::Dns,
    waivable: true,
    outcomes: &[&LATE],
};

fn at(clock: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&format!("2026-12-01T{clock}+09:00")).unwrap()
}

fn seen(id: u32, question: &str, outcome: &str, answer: &[&str]) -> Observation {
    let exchange = |took_ms| Exchange {
        server: "[2001:db8::53]:53".to_owned(),
        transport: "udp".into(),
        outcome: outcome.to_owned(),
        at: at("10:00:00").to_utc(),
        took_ms,
    };
    Observation {
        id: ObservationId(id),
        part: 0,
        door: "dns".into(),
        question: question.to_owned(),
        route: "resolver".into(),
        outcome: outcome.to_owned(),
        answer: answer.iter().map(|line| visible(line)).collect(),
        ttl: (outcome == "data").then_some(300),
        negative_ttl: (outcome == "nxdomain").then_some(900),
        authoritative: false,
        authenticated: outcome == "data",
        rehearsed: Vec::new(),
        exchanges: if outcome == "timeout" { vec![exchange(1000.04), exchange(1500.0)] } else { vec![exchange(12.34)] },
    }
}

/// The columns of `new` addresses beside one old one.
fn columns(new: &[IpAddr]) -> Vec<Column> {
    let old = Column { ip: "192.0.2.25".parse().unwrap(), side: Side::Old };
    std::iter::once(old).chain(new.iter().map(|ip| Column { ip: *ip, side: Side::New })).collect()
}

/// The report: `new` addresses, the first of them listed, the second not measured, the third clean, the rest not covered.
pub(crate) fn report(new: &[IpAddr]) -> Report {
    // What a hostile list could answer.
    let hostile = "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は\u{202e}リストのページを参照";
    let args = |ip: IpAddr| {
        Args::none().and("ip", ip).and("list", "リスト例 list.example").and("query", format!("{ip}.list.example"))
    };
    let subject = |ip: IpAddr, side| Subject::Address(ip, side);
    let with = |statement: Statement, level| Statement { level: Some(level), ..statement };
    let old: IpAddr = "192.0.2.25".parse().unwrap();
    let mut statements = vec![
        Statement::passed(subject(old, Side::Old)).evidence([ObservationId(0)]),
        with(Statement::outcome(&KNOWN, subject(old, Side::Old)).args(args(old).and("asn", 64496)), Level::Note),
    ];
    for (number, ip) in new.iter().enumerate() {
        let subject = subject(*ip, Side::New);
        statements.push(match number {
            0 => with(
                Statement::outcome(&LISTED, subject)
                    .about("list-example")
                    .args(args(*ip).and("txt", hostile))
                    .evidence([ObservationId(1), ObservationId(2)]),
                Level::Blocker,
            ),
            1 => with(
                Statement::outcome(&SILENT, subject).about("list-example").args(args(*ip)).evidence([ObservationId(3)]),
                Level::Unknown,
            ),
            2 => Statement::passed(subject).evidence([ObservationId(0)]),
            3 => Statement {
                waiver: Some(Applied {
                    owner: "佐藤".to_owned(),
                    reason: "解除を申請済み".to_owned(),
                    reference: Some("CHG-7".to_owned()),
                    until: "2026-12-31".parse().unwrap(),
                    line: 7,
                }),
                ..with(
                    Statement::outcome(&LISTED, subject).args(args(*ip).and("txt", "x")).evidence([ObservationId(1)]),
                    Level::Blocker,
                )
            },
            _ => {
                Statement::not_covered(subject, text("no key is set for this list", "このリストの鍵が設定されていない"))
            }
        });
    }
    let name = Subject::Name("mail.example.co.jp".to_owned());
    let late = Statement::outcome(&LATE, name).args(Args::none().and("name", "mail.example.co.jp").and("ttl", 86400));
    let not_asked = text("the plan says that this name does not change", "計画ではこの名前は変わらない");
    let sections = vec![
        Section { card: &BY_ADDRESS, statements },
        Section {
            card: &BY_NAME,
            statements: vec![
                with(late, Level::Warning),
                Statement::not_applicable(Subject::Name("old.example.co.jp".to_owned()), not_asked),
            ],
        },
    ];
    let verdict = Verdict::over(&sections, Phase::Before, true);
    Report {
        baseline: None,
        tool: "mail-cutover 0.0.0",
        catalogue_date: "2026-11-24".to_owned(),
        plan_path: "移行計画.toml".to_owned(),
        plan_sha256: "0123456789abcdef".repeat(4),
        change: Some("CHG-1042".to_owned()),
        title: Some("メールサーバーの移行 | 本番".to_owned()),
        cutover_at: at("22:00:00"),
        expects: Vec::new(),
        milestones: vec![
            Milestone { what: Moment::TtlLowered, at: at("07:00:00") },
            Milestone { what: Moment::LowerBy, at: at("21:00:00") },
            Milestone { what: Moment::Cutover, at: at("22:00:00") },
            Milestone { what: Moment::LastOldAnswer, at: at("22:00:00") + TimeDelta::days(1) },
            Milestone { what: Moment::OverlapEnds, at: at("22:00:00") + TimeDelta::days(7) },
        ],
        plan_lines: [("203.0.113.25".to_owned(), 11), ("mail.example.co.jp".to_owned(), 4)].into(),
        phase: Phase::Before,
        parts: vec![Part {
            vantage: Vantage::Desk,
            started: at("10:00:00"),
            finished: at("10:00:02"),
            run_by: "kanri@mx1".to_owned(),
            resolvers: vec!["system: [2001:db8::53]:53".to_owned()],
            completion: Completion::Complete,
        }],
        started: at("10:00:00"),
        finished: at("10:00:02"),
        run_by: "kanri@mx1".to_owned(),
        resolvers: vec!["system: [2001:db8::53]:53".to_owned()],
        rehearsed: Vec::new(),
        simulated: false,
        completion: Completion::Complete,
        columns: columns(new),
        sections,
        observations: vec![
            seen(0, "25.2.0.192.list.example. A", "nxdomain", &[]),
            seen(1, "25.113.0.203.list.example. A", "data", &["A 127.0.0.2"]),
            seen(2, "25.113.0.203.list.example. TXT", "data", &[&format!("TXT \"{hostile}\"")]),
            seen(3, "26.113.0.203.list.example. A", "timeout", &[]),
        ],
        verdict,
    }
}

/// Five new addresses: one of each kind.
pub(crate) fn five() -> Vec<IpAddr> {
    ["203.0.113.25", "203.0.113.26", "203.0.113.27", "203.0.113.28", "2001:db8:1234:5678:9abc:def0:1234:5678"]
        .map(|ip| ip.parse().unwrap())
        .to_vec()
}

/// Two hundred new addresses.
pub(crate) fn many() -> Vec<IpAddr> {
    (1..=200).map(|last| IpAddr::from([203, 0, 113, last])).collect()
}
