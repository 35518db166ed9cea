//! What a check is, and what it may use to find its answer.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use futures::future::BoxFuture;

use crate::bounce::{Ours, Watch};
use crate::catalogue::Catalogue;
use crate::dnsbl::{Consultant, Enforced, Retired, Selected};
use crate::inbound::Policy;
use crate::model::{Args, Card, Level, Levels, Outcome, Phase, Section, Side, Statement, Subject, Text, Vantage};
use crate::plan::{Address, Plan};
use crate::probe::{Ask, Dns, Https, Question, Reply, Smtp};

/// One family of questions: what it says of itself, and how it finds out.
pub struct Check {
    /// What its readers see.
    pub card: Card,
    /// How it finds out.
    pub run: Run,
}

/// How a check finds out.
pub enum Run {
    /// It asks the world.
    World(fn(Arc<Context>) -> BoxFuture<'static, Vec<Statement>>),
    /// It reads what those said who ask the world, when they are done.
    Results(fn(&Context, &[Section]) -> Vec<Statement>),
    /// It reads what all others said, those of [`Run::Results`] too.
    Last(fn(&Context, &[Section]) -> Vec<Statement>),
}

/// Everything a check may use. Nothing else reaches the world.
pub struct Context {
    /// The operator's intention.
    pub plan: Plan,
    /// Where the run takes place.
    pub vantage: Vantage,
    /// Which phase is judged.
    pub phase: Phase,
    /// When the run began; checks have no other clock.
    pub now: DateTime<FixedOffset>,
    /// Blocklists and providers.
    pub catalogue: &'static Catalogue,
    /// The DNS.
    pub dns: Dns,
    /// What is published by HTTPS.
    pub https: Https,
    /// Mail servers.
    pub smtp: Smtp,
    /// The blocklists of this run.
    pub lists: Vec<Selected>,
    /// Lists that the plan names and that nobody can ask any more.
    pub retired: Vec<Retired>,
    /// The lists that the new server will enforce on others.
    pub enforced: Vec<Enforced>,
    /// What it will do with their answers; nothing if the plan does not say.
    pub policy: Option<Policy>,
    /// What the plan's mail logs tell; nothing before the cutover, or if it names none.
    pub watch: Option<Watch>,
    /// How blocklists are asked.
    pub consultant: Consultant,
    /// Every tag, and the check that can say it: waivers are judged against it.
    pub tags: HashMap<&'static str, &'static Card>,
}

impl Context {
    /// The plan's addresses, old first.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.plan.old.iter().chain(&self.plan.new)
    }

    /// The addresses that send mail, old first.
    pub fn senders(&self) -> impl Iterator<Item = &Address> {
        self.addresses().filter(|address| address.sends)
    }

    /// What is published now: the zone's own servers are asked, past all caches, and no cache is made to remember that a record
    /// was still missing (RFC 2308). Where they cannot be reached from here, the resolver is asked instead.
    pub async fn published(&self, question: Question) -> Arc<Reply> {
        self.dns.published(Ask::new(question)).await
    }

    /// A time as people read it, in the plan's offset.
    pub fn clock(&self, at: DateTime<FixedOffset>) -> String {
        at.with_timezone(self.plan.cutover_at.offset()).format("%Y-%m-%d %H:%M %:z").to_string()
    }

    /// A label that nobody uses, drawn once a run, so that the same question is asked only once.
    pub fn unused_label(&self) -> &str {
        self.consultant.nonexistent().and_then(|name| name.labels().next()).unwrap_or("mail-cutover")
    }

    /// Whether a waiver may accept what `tag` says.
    pub fn waivable(&self, tag: &str) -> bool {
        self.tags.get(tag).is_some_and(|card| card.waivable)
    }
}

/// What is ours by the plan, for the words of explanations.
pub fn ours_of(plan: &Plan) -> Ours {
    let ips = |addresses: &[Address]| addresses.iter().map(|address| address.ip).collect();
    let names = plan.old.iter().chain(&plan.new).map(|address| address.ptr.clone());
    Ours {
        old: ips(&plan.old),
        new: ips(&plan.new),
        domains: plan.domains.clone(),
        hostnames: std::iter::once(plan.hostname.clone()).chain(names).chain(plan.mail_hosts()).collect(),
    }
}

/// The subject that an address is.
pub fn subject_of(address: &Address) -> Subject {
    Subject::Address(address.ip, address.side)
}

/// Values that every statement about an address carries: `ip`, and `reverse`, its name in the reverse tree.
pub fn address_args(address: &Address) -> Args {
    let reverse = hickory_proto::rr::Name::from(address.ip).to_string();
    Args::none().and("ip", address.ip).and("reverse", reverse.trim_end_matches('.'))
}

/// An address that only receives mail is not judged as a sender.
pub const DOES_NOT_SEND: Text = Text {
    en: "the plan says that this address does not send mail",
    ja: "計画ではこのアドレスからはメールを送信しない",
};

/// A check that `--only` or `--skip` left out.
pub const LEFT_OUT: Text =
    Text { en: "left out by --only or --skip", ja: "--only または --skip で除外された" };

/// The new server only receives.
pub const NOBODY_SENDS: Text = Text {
    en: "the plan has no new address that sends mail",
    ja: "計画に、メールを送信する新アドレスがない",
};

/// What a server cannot learn from itself; a run there has not done the check.
pub const TRUSTS_ITSELF: Text = Text {
    en: "the server trusts itself: only another machine can see an open relay",
    ja: "サーバーは自分自身を信頼する。オープンリレーかどうかは、別のマシンからでないと分からない",
};

/// The conversation with a server at port 25 did not come so far; another check says why.
pub const NOT_SO_FAR: Text = Text {
    en: "the conversation with the server did not get that far (see net-inbound and smtp-service)",
    ja: "サーバーとの対話がそこまで進まなかった (net-inbound と smtp-service を参照)",
};

/// The same at a port of people's mail programs.
pub const PORT_NOT_SO_FAR: Text = Text {
    en: "the conversation with the server did not get that far (see client-ports)",
    ja: "サーバーとの対話がそこまで進まなかった (client-ports を参照)",
};

/// It came so far, and there was no TLS.
pub const NO_TLS: Text = Text {
    en: "TLS did not come about with the server (see tls-starttls)",
    ja: "サーバーとの間で TLS が成立しなかった (tls-starttls を参照)",
};

/// The time limit of the run passed while the check was under way.
pub static DEADLINE: Outcome = Outcome {
    tag: "run-deadline",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "this check had not come to its end when the run's time limit passed",
        ja: "実行全体の制限時間までにこの検査は終わらなかった",
    },
    remedy: Text {
        en: "Run again with a longer --deadline; with --verbose the transcript shows which server was slow.",
        ja: "--deadline を延ばして再実行する。--verbose を付けると、どのサーバーが遅かったかが記録に表示される。",
    },
};

/// Somebody pressed Ctrl-C while the check was under way.
pub static INTERRUPTED: Outcome = Outcome {
    tag: "run-interrupted",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the run was interrupted before this check came to its end",
        ja: "この検査が終わる前に実行が中断された",
    },
    remedy: Text { en: "Run again and let it finish.", ja: "再実行し、最後まで終わらせる。" },
};

/// The check itself failed.
pub static BUG: Outcome = Outcome {
    tag: "run-bug",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "this check failed through a fault of mail-cutover itself: {detail}",
        ja: "mail-cutover 自体の不具合でこの検査は失敗した: {detail}",
    },
    remedy: Text {
        en: "Report it to the makers of mail-cutover with this line; do by hand what the check asks.",
        ja: "この行を添えて mail-cutover の開発者に報告する。検査の内容は手作業で確認する。",
    },
};

/// The plan demands that this check be covered, and this run could not cover it.
pub static NOT_COVERED: Outcome = Outcome {
    tag: "run-not-covered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "the plan lists this check under must_cover, but this run did not cover it: {detail}",
        ja: "計画の must_cover にある検査だが、この実行では確認できなかった: {detail}",
    },
    remedy: Text {
        en: "Give the run what the check needs, or take the check out of must_cover.",
        ja: "検査に必要なものを用意して再実行するか、must_cover から外す。",
    },
};

/// Some run reached the server, and none that did this check did.
pub static NOT_SPOKEN: Outcome = Outcome {
    tag: "run-not-spoken",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "{ip} was reached, but no run spoke with it far enough for this check",
        ja: "{ip} には到達できたが、この検査に必要なところまで対話した実行がない",
    },
    remedy: Text {
        en: "Run check where {ip} is reached, without --only and --skip, and merge again.",
        ja: "{ip} に到達できる場所で、--only と --skip を付けずに check を実行し、merge をやり直す。",
    },
};

/// What the runner and the merge can say in the section of any check.
pub static OF_THE_RUN: [&Outcome; 5] = [&DEADLINE, &INTERRUPTED, &BUG, &NOT_COVERED, &NOT_SPOKEN];

impl Check {
    /// Whether this check may say `outcome`: it declared it, or it is the runner's.
    pub fn may_say(&self, outcome: &Outcome) -> bool {
        let same = |known: &&&Outcome| std::ptr::eq(**known, outcome);
        self.card.outcomes.iter().chain(&OF_THE_RUN).any(|known| same(&known))
    }

    /// Whether silence on `side` would hold the verdict.
    pub fn can_block(&self, phase: Phase, side: Option<Side>) -> bool {
        self.card.can_reach(Level::Blocker, phase, side)
    }
}

/// Declares the checks' modules and lists them, in the order of the report.
#[macro_export]
macro_rules! catalogue {
    ($($module:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Every check, in the order of the report.
        pub static CHECKS: &[&$crate::check::Check] = &[$(&$module::CHECK),+];
    };
}
