//! `check_host()`: record after record, term after term, until one decides (RFC 7208, section 4).

use futures::FutureExt;
use futures::future::BoxFuture;

use super::expand::{expand_text, is_domain, without_dot};
use super::lookup::{Run, Told};
use super::mechanism::{Match, Notes};
use super::problem::{Cause, Problem};
use super::tree::{Evaluation, Fate, Matched, Query, Step, Visit};
use super::{Envelope, Evaluator, SpfResult};
use crate::probe::RecordType;
use crate::records::spf::{Faults, Kind, MacroString, Mechanism, Qualifier, Record, Term, select};

/// A record evaluated, and what only the first evaluation needs.
struct Checked {
    visit: Visit,
    matched: Option<Matched>,
    /// The `exp=` that counts, and the domain whose record it stands in.
    explanation: Option<(String, MacroString)>,
}

/// What the record of a domain turned out to be.
pub(super) enum Found {
    /// A good one.
    Record(Record),
    /// None.
    None,
    /// One with mistakes, too many, or not known; and the text, if there is one.
    Bad(Cause, Option<String>),
}

pub(super) async fn evaluate(evaluator: &Evaluator, envelope: &Envelope) -> Evaluation {
    let mut run = Run::new(evaluator, envelope);
    let domain = without_dot(&run.client.sender_domain);
    let Checked { visit, matched, explanation } = run.check(domain).await;
    let mut afterwards = Vec::new();
    let explanation = match explanation {
        Some((domain, spec)) if visit.result == SpfResult::Fail => run.explain(&domain, &spec, &mut afterwards).await,
        _ => None,
    };
    Evaluation {
        result: visit.result,
        matched,
        lookups: run.lookups,
        voids: run.voids,
        explanation,
        problem: visit.problem.clone(),
        root: visit,
        afterwards,
    }
}

impl Run<'_> {
    /// The record of `domain`, evaluated. It ends: each deeper one costs a lookup.
    fn check(&mut self, domain: String) -> BoxFuture<'_, Checked> {
        async move {
            let mut visit =
                Visit { domain, query: None, record: None, steps: Vec::new(), result: SpfResult::None, problem: None };
            let mut checked = Checked { visit: visit.clone(), matched: None, explanation: None };
            if is_domain(&visit.domain) {
                let mut queries = Vec::new();
                let told = self.ask(&visit.domain, RecordType::TXT, &mut queries).await;
                visit.query = queries.pop();
                match find(told) {
                    Found::None => {}
                    Found::Record(record) => {
                        visit.record = Some(record.text.clone());
                        checked.matched = self.walk(&record, &mut visit, &mut checked.explanation).await;
                    }
                    Found::Bad(cause, text) => {
                        visit.record = text;
                        visit.fail(None, cause);
                    }
                }
            }
            checked.visit = visit;
            checked
        }
        .boxed()
    }

    /// Evaluates the terms of `record` in `visit`.
    async fn walk(
        &mut self,
        record: &Record,
        visit: &mut Visit,
        explanation: &mut Option<(String, MacroString)>,
    ) -> Option<Matched> {
        visit.steps = record.terms.iter().map(Step::not_reached).collect();
        visit.result = SpfResult::Neutral;
        for (place, term) in record.terms.iter().enumerate() {
            let Kind::Directive(qualifier, mechanism) = &term.kind else { continue };
            let mut notes = Notes::default();
            let mut inner: Option<Box<Visit>> = None;
            let outcome = match self.spend(term) {
                Ok(()) => self.matches(mechanism, &visit.domain, &mut notes, &mut inner).await,
                Err(cause) => Err(cause),
            };
            // A `ptr` that had no time left must not read as one that does not match.
            let outcome = if outcome == Ok(false) && self.is_late() { Err(Cause::Time) } else { outcome };
            let result = result_of(*qualifier);
            let step = &mut visit.steps[place];
            step.target = notes.target;
            step.queries = notes.queries;
            step.fate = match &outcome {
                Ok(true) => Fate::Match(result),
                Ok(false) => Fate::NoMatch,
                Err(_) => Fate::Error,
            };
            let below = inner.as_ref().and_then(|visit| visit.problem.clone());
            step.inner = inner;
            match outcome {
                Ok(false) => {}
                Ok(true) => {
                    visit.result = result;
                    *explanation = record.explanation().map(|spec| (visit.domain.clone(), spec.clone()));
                    visit.idle_modifiers(record);
                    return Some(Matched { domain: visit.domain.clone(), term: term.text.clone() });
                }
                Err(cause) => {
                    visit.fail(Some(term), cause);
                    // What is wrong further down says more than that something is.
                    visit.problem = below.or(visit.problem.take());
                    return None;
                }
            }
        }
        visit.idle_modifiers(record);
        let (place, spec) = record.redirect()?;
        self.redirect(&record.terms[place], place, spec, visit, explanation).await
    }

    /// `redirect=` (RFC 7208, section 6.1).
    async fn redirect(
        &mut self,
        term: &Term,
        place: usize,
        spec: &MacroString,
        visit: &mut Visit,
        explanation: &mut Option<(String, MacroString)>,
    ) -> Option<Matched> {
        if let Err(cause) = self.spend(term) {
            visit.steps[place].fate = Fate::Error;
            visit.fail(Some(term), cause);
            return None;
        }
        let mut notes = Notes::default();
        let target = self.meant(Some(spec), &visit.domain, &mut notes).await;
        let checked = self.check(target.clone()).await;
        let inner = checked.visit;
        let step = &mut visit.steps[place];
        step.target = notes.target;
        step.queries = notes.queries;
        step.fate = Fate::Followed(inner.result);
        visit.result = inner.result;
        visit.problem.clone_from(&inner.problem);
        if inner.result == SpfResult::None {
            visit.steps[place].fate = Fate::Error;
            visit.fail(Some(term), without_record(&target));
        }
        visit.steps[place].inner = Some(Box::new(inner));
        *explanation = checked.explanation;
        checked.matched
    }

    async fn matches(
        &mut self,
        mechanism: &Mechanism,
        at: &str,
        notes: &mut Notes,
        inner: &mut Option<Box<Visit>>,
    ) -> Match {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network) => Ok(match self.client.ip {
                std::net::IpAddr::V4(ip) => network.contains(&ip),
                std::net::IpAddr::V6(_) => false,
            }),
            Mechanism::Ip6(network) => Ok(match self.client.ip {
                std::net::IpAddr::V4(_) => false,
                std::net::IpAddr::V6(ip) => network.contains(&ip),
            }),
            Mechanism::A(spec, cidr) => self.a(spec.as_ref(), *cidr, at, notes).await,
            Mechanism::Mx(spec, cidr) => self.mx(spec.as_ref(), *cidr, at, notes).await,
            Mechanism::Ptr(spec) => self.ptr(spec.as_ref(), at, notes).await,
            Mechanism::Exists(spec) => self.exists(spec, at, notes).await,
            Mechanism::Include(spec) => {
                let target = self.meant(Some(spec), at, notes).await;
                let visit = self.check(target.clone()).await.visit;
                let outcome = included(&visit, &target);
                *inner = Some(Box::new(visit));
                outcome
            }
        }
    }

    /// Counts `term` if it asks the DNS; a cause if that is one too many (RFC 7208, section 4.6.4).
    fn spend(&mut self, term: &Term) -> Result<(), Cause> {
        let most = self.evaluator.limits.lookups;
        if term.kind.asks() {
            self.lookups += 1;
            if self.lookups > most {
                return Err(Cause::TooManyLookups(most));
            }
        }
        Ok(())
    }

    /// The explanation that `spec` in the record of `domain` leads to; nothing if anything is wrong with it (RFC 7208,
    /// section 6.2). None of its questions counts towards a limit.
    async fn explain(&self, domain: &str, spec: &MacroString, queries: &mut Vec<Query>) -> Option<String> {
        let target = self.target(spec, domain, queries).await;
        let Told::Known(reply) = self.ask(&target, RecordType::TXT, queries).await else { return None };
        let [text] = reply.texts().try_into().ok()?;
        let text = MacroString::explanation(&text).ok()?;
        let validated = self.validated_for(&text, domain, queries).await;
        Some(expand_text(&text, &self.client.scope(domain, &validated)))
    }
}

impl Step {
    fn not_reached(term: &Term) -> Self {
        Self {
            term: term.text.clone(),
            span: term.span.clone(),
            fate: Fate::NotReached,
            target: None,
            queries: Vec::new(),
            inner: None,
        }
    }
}

impl Visit {
    /// Ends with `cause`, to which `term` led.
    fn fail(&mut self, term: Option<&Term>, cause: Cause) {
        self.result = if cause.is_temporary() { SpfResult::TempError } else { SpfResult::PermError };
        let term = term.map(|term| (term.text.clone(), term.span.clone()));
        self.problem = Some(Problem { domain: self.domain.clone(), term, cause });
    }

    /// Modifiers without effect here; whether `redirect=` has one is known later.
    fn idle_modifiers(&mut self, record: &Record) {
        for (step, term) in self.steps.iter_mut().zip(&record.terms) {
            if matches!(term.kind, Kind::Modifier(_)) {
                step.fate = Fate::Idle;
            }
        }
    }
}

/// The record among what was told about the TXT records of a name (RFC 7208, sections 4.4 and 4.5).
pub(super) fn find(told: Told) -> Found {
    let reply = match told {
        Told::Known(reply) => reply,
        Told::NotAName => return Found::None,
        Told::Failed(cause) => return Found::Bad(cause, None),
    };
    let texts = reply.texts();
    match select(&texts).as_slice() {
        [] => Found::None,
        [text] => match Record::parse(text) {
            Ok(record) => Found::Record(record),
            Err(Faults { text, faults }) => Found::Bad(Cause::Syntax(faults), Some(text)),
        },
        several => Found::Bad(Cause::SeveralRecords(several.len()), None),
    }
}

/// Why a target that came to "none" is an error.
pub(super) fn without_record(target: &str) -> Cause {
    if is_domain(target) { Cause::NoRecord(target.to_owned()) } else { Cause::NotADomain(target.to_owned()) }
}

/// Whether `include` matches, by what the included record came to (RFC 7208, section 5.2).
fn included(visit: &Visit, target: &str) -> Match {
    match visit.result {
        SpfResult::Pass => Ok(true),
        SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral => Ok(false),
        SpfResult::None => Err(without_record(target)),
        SpfResult::TempError | SpfResult::PermError => match &visit.problem {
            Some(problem) => Err(problem.cause.clone()),
            None => Err(Cause::NoRecord(target.to_owned())),
        },
    }
}

fn result_of(qualifier: Qualifier) -> SpfResult {
    match qualifier {
        Qualifier::Pass => SpfResult::Pass,
        Qualifier::Fail => SpfResult::Fail,
        Qualifier::SoftFail => SpfResult::SoftFail,
        Qualifier::Neutral => SpfResult::Neutral,
    }
}
