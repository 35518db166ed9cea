//! A report in which everything that can come from outside says the same.

use std::borrow::Cow;

use mail_cutover::model::{
    Applied, Args, Baseline, Detail, Expected, Fate, Gone, Mark, Phase, RecordChange, Rehearsed, Report, Saying,
    Subject, Value, Verdict,
};

use crate::sample;

/// The sample, with `text` in every field that holds a text from outside. Values are made as checks make them.
pub(crate) fn report(text: &str) -> Report {
    let mut report = sample::report(&sample::five());
    let said = || text.to_owned();
    report.plan_path = said();
    report.catalogue_date = said();
    report.change = Some(said());
    report.title = Some(said());
    report.run_by = said();
    report.resolvers = vec![said()];
    report.plan_lines.insert(said(), 3);
    report.rehearsed = vec![Rehearsed { zone: said(), path: said(), sha256: said() }];
    report.expects = vec![Expected { name: said(), rtype: said(), values: vec![said()] }];
    for part in &mut report.parts {
        part.run_by = said();
        part.resolvers = vec![said()];
    }
    let mut gone = Vec::new();
    for section in &mut report.sections {
        for statement in &mut section.statements {
            statement.about = Some(said());
            let names = ["ip", "list", "txt", "name", "ttl", "asn", "query"];
            statement.args = Args(names.map(|name| (Cow::Borrowed(name), Value::plain(text))).into_iter().collect());
            statement.details = vec![Detail::new(text).with([Detail::new(text)])];
            match &mut statement.subject {
                Subject::Name(name) | Subject::List(name) => *name = said(),
                _ => {}
            }
            match &mut statement.saying {
                Saying::NotCovered(why) | Saying::NotApplicable(why) => *why = Value::plain(text),
                _ => {}
            }
            if let Some(Applied { owner, reason, reference, .. }) = &mut statement.waiver {
                (*owner, *reason, *reference) = (said(), said(), Some(said()));
            }
            statement.mark = Some(Mark::Same);
            let fates = [Fate::Fixed, Fate::Lost, Fate::Moot];
            gone.push(Gone { card: section.card, statement: statement.clone(), fate: fates[gone.len() % 3] });
        }
    }
    report.baseline = Some(Baseline {
        path: said(),
        started: report.started,
        phase: Phase::Before,
        verdict: Verdict::Hold,
        same_plan: false,
        rehearsed: true,
        gone,
        records: vec![RecordChange {
            name: said(),
            rtype: said(),
            was: vec![said()],
            now: vec![said()],
            expected: false,
        }],
    });
    for seen in &mut report.observations {
        seen.question = said();
        seen.answer = vec![said()];
        seen.rehearsed = vec![said()];
        for exchange in &mut seen.exchanges {
            exchange.server = said();
        }
    }
    report
}
