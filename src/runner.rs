//! All checks at once, within a deadline, each on its own: what one cannot finish or breaks never stops the others.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{Future, FutureExt};

use crate::check::{BUG, Check, Context, DEADLINE, INTERRUPTED, LEFT_OUT, NOT_COVERED, Run};
use crate::model::{Args, Completion, Level, Saying, Section, Statement, Status, Subject, Text};

/// What a run came to.
pub struct Ending {
    /// One section for each check, in the order given.
    pub sections: Vec<Section>,
    /// Whether the run came to its end.
    pub completion: Completion,
}

/// Which checks to run, and for how long.
pub struct Limits {
    /// The whole run may take this long.
    pub deadline: Duration,
    /// Tags or check ids; when not empty, only checks with one of these run.
    pub only: Vec<String>,
    /// Tags or check ids; checks with one of these do not run.
    pub skip: Vec<String>,
}

impl Limits {
    fn admit(&self, check: &Check) -> bool {
        let named =
            |names: &[String]| names.iter().any(|name| check.card.id == name || check.card.outcome(name).is_some());
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// Runs `checks` until they are done, `limits.deadline` has passed or `interrupted` resolves. `progress` hears how many of how
/// many are done.
pub async fn run(
    checks: &[&'static Check],
    context: &Arc<Context>,
    limits: &Limits,
    interrupted: impl Future<Output = ()>,
    progress: impl Fn(usize, usize),
) -> Ending {
    let mut said: Vec<Option<Vec<Statement>>> = checks.iter().map(|_| None).collect();
    let mut under_way = FuturesUnordered::new();
    let mut left_out = false;
    for (index, check) in checks.iter().enumerate() {
        if !check.card.phases.contains(&context.phase) {
            said[index] = Some(vec![Statement::not_applicable(Subject::Run, OTHER_PHASE)]);
        } else if !limits.admit(check) {
            left_out |= check.can_block(context.phase, None);
            said[index] = Some(vec![Statement::not_covered(Subject::Run, LEFT_OUT)]);
        } else if let Run::World(ask) = check.run {
            let context = Arc::clone(context);
            let answer = AssertUnwindSafe(async move { ask(context).await }).catch_unwind();
            under_way.push(answer.map(move |outcome| (index, outcome)));
        }
    }
    let total = under_way.len();
    let completion = {
        tokio::pin!(interrupted);
        let time_is_up = tokio::time::sleep(limits.deadline);
        tokio::pin!(time_is_up);
        loop {
            tokio::select! {
                biased;
                next = under_way.next() => match next {
                    Some((index, outcome)) => {
                        said[index] = Some(outcome.unwrap_or_else(|panic| vec![failed(panic.as_ref(), context)]));
                        progress(total - under_way.len(), total);
                    }
                    None if left_out => break Completion::Partial,
                    None => break Completion::Complete,
                },
                () = &mut interrupted => break Completion::Interrupted,
                () = &mut time_is_up => break Completion::Deadline,
            }
        }
    };
    let unfinished = if completion == Completion::Interrupted { &INTERRUPTED } else { &DEADLINE };
    let mut sections: Vec<Section> = Vec::with_capacity(checks.len());
    let mut results = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let statements = match (said[index].take(), &check.run) {
            (Some(statements), _) => statements,
            (None, Run::World(_)) => vec![Statement::outcome(unfinished, Subject::Run)],
            (None, Run::Results(judge) | Run::Last(judge)) => {
                results.push((index, *judge));
                Vec::new()
            }
        };
        let mut section = Section { card: &check.card, statements };
        settle(check, &mut section, context);
        sections.push(section);
    }
    results.sort_by_key(|(index, _)| matches!(checks[*index].run, Run::Last(_)));
    for (index, judge) in results {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| judge(context, &sections)));
        sections[index].statements = outcome.unwrap_or_else(|panic| vec![failed(panic.as_ref(), context)]);
        settle(checks[index], &mut sections[index], context);
    }
    Ending { sections, completion }
}

const OTHER_PHASE: Text = Text { en: "belongs to the other phase", ja: "もう一方の段階の検査" };

/// Gives every statement its level for this phase, turns what the plan says must be covered into unknowns, marks what is waived,
/// and replaces what the check never declared by a bug.
fn settle(check: &Check, section: &mut Section, context: &Context) {
    let must_cover = context.plan.must_cover.iter().any(|id| id == check.card.id || check.card.outcome(id).is_some());
    if section.statements.is_empty() {
        section.statements.push(bug("the check said nothing"));
    }
    for statement in &mut section.statements {
        if let Saying::NotCovered(why) = &statement.saying
            && must_cover
        {
            statement.args = std::mem::take(&mut statement.args).with("detail", why.clone());
            statement.saying = Saying::Outcome(&NOT_COVERED);
        }
        if let Some(outcome) = statement.named()
            && !check.may_say(outcome)
        {
            *statement = bug(&format!("the check said {}, which it never declared", outcome.tag));
        }
        statement.level = statement.named().map(|outcome| outcome.levels.at(context.phase, statement.subject.side()));
        if statement.status() == Status::Found && statement.level > Some(Level::Note) && check.card.waivable {
            let today = context.now.date_naive();
            let waiver =
                context.plan.waivers.iter().find(|waiver| waiver.speaks_of(statement) && !waiver.expired(today));
            statement.waiver = waiver.map(crate::model::Waiver::applied);
        }
    }
}

/// The statement that stands in for a check that panicked. What it says of itself may hold whatever it worked on: a key, a stranger's text.
fn failed(panic: &(dyn std::any::Any + Send), context: &Context) -> Statement {
    let detail = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    bug(&context.dns.redact(detail.unwrap_or("no message")))
}

/// The statement that stands in for a check that failed.
fn bug(detail: &str) -> Statement {
    Statement::outcome(&BUG, Subject::Run).args(Args::none().and("detail", detail))
}
