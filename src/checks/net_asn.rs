//! Whose network an address is in, and what that provider does with port 25.

use futures::FutureExt;
use futures::future::join_all;

use crate::catalogue::{PortPolicy, Provider};
use crate::check::{Check, Context, Run, address_args, subject_of};
use crate::model::{
    Card, Level, Levels, Needs, ObservationId, Outcome, Phase, Reference, Side, Statement, Text, Value,
};
use crate::origin::{Announced, origin_of};
use crate::plan::Address;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "net-asn",
        title: Text {
            en: "The provider of each address lets mail out",
            ja: "各アドレスの事業者はメールの送信を妨げない",
        },
        short: Text { en: "provider", ja: "事業者" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Most clouds block outgoing port 25 until somebody asks, and some never lift it; the request takes days.",
            ja: "多くのクラウドは外向き 25 番ポートを初期状態で遮断しており、解除の申請には日数がかかる。解除しない事業者もある。",
        },
        how: Text {
            en: "The origin AS of each address is read from Team Cymru's DNS service and looked up in the provider table; `provider` in the plan overrides it. It never blocks: whether port 25 is really open can only be measured on the server itself.",
            ja: "各アドレスの起源 AS を Team Cymru の DNS サービスで調べ、事業者の表と照らす。計画の provider があればそれを優先する。この検査が移行を止めることはない。25 番ポートが実際に開いているかは、そのサーバー上でしか測れない。",
        },
        by_hand: "dig +short TXT {origin}",
        references: &[Reference {
            title: "Team Cymru: IP to ASN mapping",
            url: "https://www.team-cymru.com/ip-asn-mapping",
        }],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&NAMED, &PORT25, &UNANSWERED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NAMED: Outcome = Outcome {
    tag: "net-asn",
    levels: Levels::NOTE,
    says: Text {
        en: "{ip} is announced by AS{asn}{provider}", ja: "{ip} は AS{asn} から広告されている{provider}"
    },
    remedy: Text {
        en: "Ask whether outbound port 25 is open, if the provider is new to you ({policy}).",
        ja: "初めて使う事業者なら、外向き 25 番ポートが開いているか問い合わせる ({policy})。",
    },
};

static PORT25: Outcome = Outcome {
    tag: "net-outbound-25-policy",
    levels: Levels::WARNING.after(Level::Note),
    says: Text {
        en: "{ip} is at{provider}, which does not let port 25 out by default: {policy}",
        ja: "{ip} の事業者{provider}は、初期状態では外向き 25 番ポートを通さない: {policy}",
    },
    remedy: Text {
        en: "Have it opened: {lift}. Then write port25_lifted = { yes = true, by = …, on = … } under [attest].",
        ja: "解除を申請する: {lift}。解除されたら [attest] に port25_lifted = { yes = true, by = …, on = … } と書く。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "net-asn-unanswered",
    levels: Levels::NOTE,
    says: Text {
        en: "which provider announces {ip} is not known: {why}",
        ja: "{ip} を広告している事業者は不明: {why}",
    },
    remedy: Text {
        en: "Write provider = \"…\" under [new] if you know it; nothing else depends on this.",
        ja: "分かっていれば [new] に provider = \"…\" と書く。他の検査には影響しない。",
    },
};

/// The origin of an address.
pub(super) struct Origin {
    /// AS numbers, as announced.
    pub(super) asns: Vec<u32>,
    /// The provider, if the table or the plan knows it.
    pub(super) provider: Option<&'static Provider>,
    /// Why nothing is known.
    why: Option<Value>,
    evidence: Vec<ObservationId>,
    origin: String,
}

/// Finds the origin of `address`; asked again, the probe gives the same answer.
pub(super) async fn origin(context: &Context, address: &Address) -> Origin {
    let planned = match address.side {
        Side::New => context.plan.provider.as_deref().and_then(|id| context.catalogue.provider(id)),
        Side::Old => None,
    };
    let Announced { asns, why, evidence, name } = origin_of(&context.dns, address.ip).await;
    let provider = planned.or_else(|| asns.iter().find_map(|asn| context.catalogue.by_asn(*asn)));
    Origin { asns, provider, why, evidence, origin: name }
}

async fn ask(context: &Context) -> Vec<Statement> {
    join_all(context.addresses().map(|address| async move { judge(context, address, &origin(context, address).await) }))
        .await
}

fn judge(context: &Context, address: &Address, origin: &Origin) -> Statement {
    let subject = subject_of(address);
    let provider = origin.provider.map_or_else(
        || Value::both("", ""),
        |provider| Value::both(format!(" ({})", provider.name), format!(" ({})", provider.name)),
    );
    let args = address_args(address)
        .and("origin", &origin.origin)
        .and("asn", origin.asns.iter().map(u32::to_string).collect::<Vec<_>>().join(", AS"))
        .with("provider", provider)
        .with("policy", origin.provider.map_or_else(unknown_policy, |provider| provider.port25.text.clone()))
        .with("lift", origin.provider.and_then(|provider| provider.port25.lifted.clone()).unwrap_or_else(ask_provider));
    let lifted = context.plan.attest.iter().any(|(name, attestation)| name == "port25_lifted" && attestation.yes);
    let closed = origin
        .provider
        .is_some_and(|provider| matches!(provider.port25.policy, PortPolicy::Blocked | PortPolicy::Restricted));
    let statement = match &origin.why {
        _ if closed && address.sends && !lifted => Statement::outcome(&PORT25, subject).args(args),
        Some(why) if origin.provider.is_none() => {
            Statement::outcome(&UNANSWERED, subject).args(args.with("why", why.clone()))
        }
        _ if origin.asns.is_empty() => Statement::passed(subject),
        _ => Statement::outcome(&NAMED, subject).args(args),
    };
    statement.evidence(origin.evidence.iter().copied())
}

fn ask_provider() -> Value {
    Value::both("ask the provider how", "方法は事業者に問い合わせる")
}

fn unknown_policy() -> Value {
    Value::both(
        "unknown for this provider: ask whether outbound port 25 is open",
        "この事業者については不明。外向き 25 番ポートが開いているか問い合わせる",
    )
}
