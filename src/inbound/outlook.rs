//! Everything that a run of `inbound` found out: the lists, the partners, and the word for it all.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, FixedOffset};

use super::forecast::{Partner, verdict};
use super::gather::ListState;
use super::judgement::BareRule;
use super::judgement::Unjudged;
use super::log::Summary;
use super::policy::Policy;
use crate::dnsbl::{Enforced, State};
use crate::model::{Lang, Level, Value, Vantage, Verdict};

/// What a run found out.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// Where it took place.
    pub vantage: Vantage,
    /// When it began.
    pub started: DateTime<FixedOffset>,
    /// Where the rules stand: a file, or the plan; visible.
    pub policy: String,
    /// Whom it asked.
    pub resolvers: Vec<String>,
    /// The logs that were read.
    pub logs: Vec<Log>,
    /// First and last moment of the logs, in seconds since 1970.
    pub period: Option<(i64, i64)>,
    /// The lists that the server asks.
    pub lists: Vec<List>,
    /// What is wrong with the lists and the rules, worst first.
    pub findings: Vec<Finding>,
    /// Who sends to us, worst first.
    pub partners: Vec<Partner>,
    /// What the configuration says and is not judged.
    pub unjudged: Vec<Unjudged>,
    /// Whether everybody was judged: the run was not cut short.
    pub is_complete: bool,
}

/// A log that was read.
#[derive(Clone, Debug)]
pub struct Log {
    /// As it was given; visible.
    pub file: String,
    /// What it came to.
    pub summary: Summary,
    /// Why it broke off; visible.
    pub error: Option<String>,
}

/// A list that the server asks.
#[derive(Clone, Debug)]
pub struct List {
    /// Its zone, without a key; visible.
    pub zone: String,
    /// `client`, `sender`, …
    pub about: &'static str,
    /// The word for its state, as in `lists --health`; nothing where it was not asked.
    pub state: Option<&'static str>,
    /// Why it is in it.
    pub why: Option<Value>,
    /// Where a person looks an entry up or asks for its removal.
    pub removal: Option<String>,
}

/// Something that is wrong with a list or a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it means for the verdict.
    pub level: Level,
    /// The tag that `explain` knows.
    pub tag: &'static str,
    /// The zone, or the rule; visible.
    pub subject: String,
    /// What is wrong.
    pub says: Value,
    /// The line as it should stand in the configuration; nothing: take it out.
    pub corrected: Option<String>,
}

impl Outlook {
    /// May we switch, as far as our partners' mail goes?
    pub fn verdict(&self) -> Verdict {
        let of = |finding: &Finding| match finding.level {
            Level::Blocker => Verdict::NoGo,
            Level::Unknown => Verdict::Hold,
            Level::Warning => Verdict::GoWithWarnings,
            Level::Note => Verdict::Go,
        };
        let of_findings = self.findings.iter().map(of).max().unwrap_or(Verdict::Go);
        let of_run = match (self.is_complete, self.logs.iter().any(|log| log.error.is_some())) {
            (false, _) => Verdict::Hold,
            // Somebody who sends to us may be in what is missing.
            (true, true) => Verdict::GoWithWarnings,
            (true, false) => Verdict::Go,
        };
        verdict(&self.partners).max(of_findings).max(of_run)
    }
}

/// What is to be shown of the lists in `states`. `redact` takes keys out.
pub fn lists(states: &[ListState], redact: impl Fn(&str) -> String) -> Vec<List> {
    let list = |state: &ListState| {
        let known = state.enforced.selected.as_ref().map(|selected| &selected.list);
        let worst = state.worst();
        List {
            zone: redact(&state.asked.zone),
            about: state.asked.about.word(),
            state: worst.map(|health| health.state.word()),
            why: worst.map(|health| health.why.clone()),
            removal: known.and_then(|list| list.delist_url.clone().or_else(|| list.lookup_url.clone())),
        }
    };
    states.iter().map(list).collect()
}

/// What is wrong with the rules of `policy` and the lists that it asks, and, in `caveats`, what of the rules could decide otherwise.
/// What a list answers others is no finding: only a run on the new server says what it answers there.
pub fn findings(
    policy: &Policy,
    states: &[ListState],
    caveats: &BTreeSet<Value>,
    vantage: Vantage,
    redact: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for BareRule { rule, corrected, permits } in policy.bare_rules() {
        let (level, says) = if permits {
            let says = Value::both(
                "it takes every answer for an entry, also the one by which the list refuses to answer: everybody would be let in",
                "どんな応答も「登録あり」と扱うため、リストが問い合わせを断る応答でも、すべての相手が許可される",
            );
            (Level::Warning, says)
        } else {
            let says = Value::both(
                "it takes every answer for a listing, also the one by which the list refuses to answer: all mail would be refused",
                "どんな応答も「登録あり」と扱うため、リストが問い合わせを断る応答でも、すべてのメールが拒否される",
            );
            (Level::Blocker, says)
        };
        found.push(Finding {
            level,
            tag: if permits { "rbl-in-bare-allow" } else { "rbl-in-bare" },
            subject: located(&rule.written, rule.place.as_ref()),
            says,
            corrected: Some(corrected),
        });
    }
    for state in states {
        found.extend(of_list(&state.enforced, state, vantage, &redact));
    }
    found.extend(caveats.iter().map(|caveat| Finding {
        level: Level::Warning,
        tag: "rbl-in-unjudged",
        subject: "rules".to_owned(),
        says: caveat.clone(),
        corrected: None,
    }));
    found.dedup();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found
}

fn of_list(
    enforced: &Enforced,
    state: &ListState,
    vantage: Vantage,
    redact: &impl Fn(&str) -> String,
) -> Option<Finding> {
    let subject = redact(&state.asked.zone);
    let finding = |level, tag, says| Some(Finding { level, tag, subject: subject.clone(), says, corrected: None });
    if let Some(retired) = &enforced.retired {
        return finding(
            Level::Blocker,
            "rbl-in-gone",
            Value::both(
                format!(
                    "closed {}: {}; take it out",
                    retired.since.in_lang(Lang::En),
                    retired.reason.in_lang(Lang::En)
                ),
                format!(
                    "{} に廃止: {}。設定から外す",
                    retired.since.in_lang(Lang::Ja),
                    retired.reason.in_lang(Lang::Ja)
                ),
            ),
        );
    }
    let health = state.worst()?;
    let why = health.why.clone();
    match (health.state, vantage) {
        (State::Healthy, _) => None,
        // Whoever reads an address for a listing refuses everybody; REFUSED lists nobody.
        (State::Refused, Vantage::NewServer) if health.refuses_by_address => {
            finding(Level::Blocker, "rbl-in-resolver", why)
        }
        (State::Broken, _) => finding(Level::Blocker, "rbl-in-dead-zone", why),
        (State::Dead, Vantage::NewServer) => finding(Level::Blocker, "rbl-in-gone", why),
        (State::Refused, Vantage::NewServer) => finding(Level::Warning, "rbl-in-blind", why),
        (State::Silent | State::NoKey, Vantage::NewServer) => finding(Level::Unknown, "rbl-in-unanswered", why),
        (State::Refused | State::Dead | State::Silent | State::NoKey, Vantage::Desk) => {
            finding(Level::Unknown, "rbl-in-unanswered", why)
        }
    }
}

/// A rule and where it stands.
pub fn located(written: &str, place: Option<&super::judgement::Place>) -> String {
    match place {
        Some(place) => format!("{written} ({place})"),
        None => written.to_owned(),
    }
}

/// `file:line`.
impl fmt::Display for super::judgement::Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl super::judgement::About {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ClientName => "client-name",
            Self::ReverseName => "reverse-name",
            Self::Helo => "helo",
            Self::Sender => "sender",
        }
    }
}
