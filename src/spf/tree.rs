//! What an evaluation came to, and every step on the way.

use std::ops::Range;

use super::SpfResult;
use super::problem::Problem;
use crate::model::ObservationId;
use crate::probe::RecordType;

/// What an evaluation came to. Texts are as they came from outside: make them visible before they are shown.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// The directive that decided; nothing if none matched or it came to an error.
    pub matched: Option<Matched>,
    /// Terms evaluated that ask the DNS, at most one more than the limit (RFC 7208, section 4.6.4).
    pub lookups: u32,
    /// Questions of `a`, `mx`, `ptr` and `exists` that were answered with nothing.
    pub voids: u32,
    /// What the domain says to a "fail" (RFC 7208, section 6.2), cut at 2048 characters; nothing if it says nothing, or
    /// nothing usable.
    pub explanation: Option<String>,
    /// What led to "temperror" or "permerror".
    pub problem: Option<Problem>,
    /// The record of the domain with everything below it.
    pub root: Visit,
    /// What was asked for the explanation, when the result was known.
    pub afterwards: Vec<Query>,
}

/// A directive that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The domain in whose record it stands: the first one, or one reached by `redirect=`.
    pub domain: String,
    /// The term as written.
    pub term: String,
}

/// One record that was read, or looked for.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The domain.
    pub domain: String,
    /// The question for its record; nothing if the domain cannot be asked for.
    pub query: Option<Query>,
    /// The text of the record; an octet is a character.
    pub record: Option<String>,
    /// Its terms in their order; none if it has a mistake.
    pub steps: Vec<Step>,
    /// What it came to.
    pub result: SpfResult,
    /// What led to "temperror" or "permerror" in this record; for an error further down, the same as there.
    pub problem: Option<Problem>,
}

/// One term of a record.
#[derive(Clone, Debug)]
pub struct Step {
    /// The term as written.
    pub term: String,
    /// Its octets in the record.
    pub span: Range<usize>,
    /// What became of it.
    pub fate: Fate,
    /// The name it meant, with its macros expanded; nothing if it names none or was not reached.
    pub target: Option<String>,
    /// What was asked for it, in the order of evaluation; the record that it led to is in `inner`.
    pub queries: Vec<Query>,
    /// The record that `include` or `redirect` led to.
    pub inner: Option<Box<Visit>>,
}

/// What became of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It matched, and this is the result.
    Match(SpfResult),
    /// It did not match.
    NoMatch,
    /// `redirect=`: the result is that of the other record.
    Followed(SpfResult),
    /// It led to an error.
    Error,
    /// A modifier that does nothing at its place.
    Idle,
    /// Something before it had already decided.
    NotReached,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The name as it was asked for.
    pub name: String,
    /// The type.
    pub rtype: RecordType,
    /// The word of the transcript: `data`, `nodata`, `nxdomain`, …; `not a name` for what no question can hold, and `too late`.
    pub outcome: String,
    /// Its place in the transcript; nothing if it was not asked.
    pub observation: Option<ObservationId>,
    /// How long the answer, or the absence, may be kept from now on, in seconds; nothing if the answer does not say.
    pub ttl: Option<u32>,
}

impl Evaluation {
    /// Every question, in the order of the tree.
    pub fn queries(&self) -> Vec<&Query> {
        let mut queries = Vec::new();
        self.root.collect(&mut queries);
        queries
    }

    /// The places of its questions in the transcript.
    pub fn observations(&self) -> Vec<ObservationId> {
        self.queries().iter().filter_map(|query| query.observation).collect()
    }
}

impl Visit {
    /// This record and those below it, from the top.
    pub fn all(&self) -> Vec<&Visit> {
        let below = self.steps.iter().filter_map(|step| step.inner.as_deref()).flat_map(Visit::all);
        std::iter::once(self).chain(below).collect()
    }

    fn collect<'a>(&'a self, queries: &mut Vec<&'a Query>) {
        queries.extend(&self.query);
        for step in &self.steps {
            queries.extend(&step.queries);
            if let Some(inner) = &step.inner {
                inner.collect(queries);
            }
        }
    }
}
