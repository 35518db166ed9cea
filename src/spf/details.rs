//! Evaluations and surveys as lines that people read: each record, each term, what it asked, which one decided, what it costs.

use super::survey::{Branch, Leaf, Survey, Unfollowed};
use super::tree::{Evaluation, Fate, Query, Step, Visit};
use super::{Limits, phrase};
use crate::model::{Detail, Lang, Value};

impl Evaluation {
    /// The record with everything below it, and what it cost.
    pub fn details(&self) -> Vec<Detail> {
        let Limits { lookups, voids, .. } = Limits::default();
        let (asked, empty) = (self.lookups, self.voids);
        let cost = Value::both(
            format!("terms that asked the DNS: {asked} (limit {lookups}); empty answers: {empty} (limit {voids})"),
            format!("DNS を引いた項: {asked} 個 (上限 {lookups})、結果のない検索: {empty} 回 (上限 {voids})"),
        );
        vec![self.root.detail(), Detail::new(cost)]
    }

    /// What it came to and by what, in a phrase: `fail, by "-all" of example.co.jp`.
    pub fn how(&self) -> Value {
        let result = self.result;
        match (&self.matched, &self.problem) {
            (Some(matched), _) => Value::both(
                format!("{result}, by {:?} of {}", cut(&matched.term), matched.domain),
                format!("{result}: {} の {:?}", matched.domain, cut(&matched.term)),
            ),
            (None, Some(problem)) => {
                let why = problem.cause.why();
                let term = problem.term.as_ref().map_or_else(String::new, |(term, _)| format!(" {:?}", cut(term)));
                Value::both(
                    format!("{result} in the record of {}{term}: {}", problem.domain, why.in_lang(Lang::En)),
                    format!("{result}: {} のレコード{term}、{}", problem.domain, why.in_lang(Lang::Ja)),
                )
            }
            (None, None) if self.root.record.is_none() => Value::both(
                format!("{result}, {} has no SPF record", self.root.domain),
                format!("{result}: {} に SPF レコードがない", self.root.domain),
            ),
            (None, None) => Value::both(
                format!("{result}, no term matches and the record ends without all"),
                format!("{result}: 一致する項がなく、レコードの末尾に all がない"),
            ),
        }
    }
}

impl Visit {
    fn detail(&self) -> Detail {
        let below = self.steps.iter().map(Step::detail);
        Detail::new(record_line(&self.domain, self.record.as_deref(), &self.result.to_string()))
            .with(self.query.iter().filter(|_| self.record.is_none()).map(Query::detail))
            .with(self.problem.iter().map(|problem| Detail::new(problem.cause.why())))
            .with(below)
    }
}

impl Step {
    fn detail(&self) -> Detail {
        let (en, ja) = match self.fate {
            Fate::Match(result) => (format!("matches → {result}"), format!("一致 → {result}")),
            Fate::NoMatch => ("does not match".to_owned(), "一致しない".to_owned()),
            Fate::Followed(result) => (format!("followed → {result}"), format!("参照先に従う → {result}")),
            Fate::Error => ("error".to_owned(), "エラー".to_owned()),
            Fate::Idle => ("without effect here".to_owned(), "ここでは効果がない".to_owned()),
            Fate::NotReached => ("not reached".to_owned(), "評価されない".to_owned()),
        };
        let target = match &self.target {
            Some(target) if self.term.contains('%') => format!(" ({target})"),
            _ => String::new(),
        };
        let term = cut(&self.term);
        Detail::new(Value::both(format!("{term}{target}: {en}"), format!("{term}{target}: {ja}")))
            .with(self.queries.iter().map(Query::detail))
            .with(self.inner.iter().map(|visit| visit.detail()))
    }
}

impl Query {
    fn detail(&self) -> Detail {
        Detail::new(Value::plain(format!("{} {}: {}", self.name, self.rtype, self.outcome)))
    }
}

impl Survey {
    /// The record with everything below it, and what each part costs.
    pub fn details(&self) -> Vec<Detail> {
        let least = if self.is_complete { ["", ""] } else { ["at least ", "少なくとも "] };
        let (count, limit) = (self.lookups, self.limit);
        let cost = Value::both(
            format!("terms that ask the DNS: {}{count} (limit {limit})", least[0]),
            format!("DNS を引く項: {}{count} 個 (上限 {limit})", least[1]),
        );
        vec![self.root.detail(), Detail::new(cost)]
    }
}

impl Branch {
    fn detail(&self) -> Detail {
        Detail::new(record_line(&self.domain, self.record.as_deref(), &self.lookups.to_string()))
            .with(self.problem.iter().map(|problem| Detail::new(problem.cause.why())))
            .with(self.leaves.iter().map(Leaf::detail))
    }
}

impl Leaf {
    fn detail(&self) -> Detail {
        let said = match (self.can_be_reached, self.unfollowed) {
            (false, _) => phrase("never reached", "評価されない"),
            (true, Some(why)) => why.why(),
            (true, None) if self.lookups == 0 => phrase("costs nothing", "DNS を引かない"),
            (true, None) => Value::both(format!("costs {}", self.lookups), format!("{} 個", self.lookups)),
        };
        let (en, ja) = (said.in_lang(Lang::En), said.in_lang(Lang::Ja));
        let term = cut(&self.term);
        Detail::new(Value::both(format!("{term}: {en}"), format!("{term}: {ja}")))
            .with(self.inner.iter().map(|branch| branch.detail()))
    }
}

impl Unfollowed {
    /// A phrase that says why a record was not read.
    pub fn why(self) -> Value {
        match self {
            Self::Macro => phrase("its name depends on the message", "名前がメッセージによって変わる"),
            Self::Loop => phrase("it leads back to a record that led here", "参照が循環している"),
            Self::TooMuch => phrase("not read: the limit was passed long before", "上限を大きく超えたため読んでいない"),
        }
    }
}

/// A record in a line, with what it came to.
fn record_line(domain: &str, record: Option<&str>, end: &str) -> Value {
    match record {
        Some(record) => Value::plain(format!("{domain} TXT {:?} → {end}", cut(record))),
        None => Value::both(format!("{domain}: no SPF record → {end}"), format!("{domain}: SPF レコードなし → {end}")),
    }
}

/// The beginning of a record or a term, so that a long one does not hide what is said behind it.
fn cut(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
