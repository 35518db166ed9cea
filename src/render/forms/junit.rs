//! JUnit XML: a suite per check, a case per statement; a case is red exactly when it keeps the exit code from being 0.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::entry::{Entry, entries, warnings};
use crate::exit;
use crate::model::{Report, Saying, Verdict, visible_whole};
use crate::render::Style;
use crate::render::digest::{Standing, reasons};
use crate::render::findings::tell_one;

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let change = report.change.as_ref().map_or_else(String::new, |change| format!(" {change}"));
    let mut document = Document::new(visible_whole(&format!("mail-cutover{change}")));
    let took = (report.finished - report.started).to_std().unwrap_or(Duration::ZERO);
    document.set_timestamp(report.started).set_time(took);
    document.add_test_suite(verdict(report, style));
    let entries = entries(report);
    for said in entries.chunk_by(|one, next| std::ptr::eq(one.section, next.section)) {
        let mut suite = TestSuite::new(said[0].section.card.id);
        suite.set_timestamp(report.started).set_time(Duration::ZERO);
        suite.add_test_cases(said.iter().map(|entry| case(entry, style)));
        document.add_test_suite(suite);
    }
    // Writing into memory cannot fail, and every text was made fit for XML.
    document.to_string().unwrap_or_default()
}

/// The verdict as a case of its own: a run that was cut short is red even if nothing was found.
fn verdict(report: &Report, style: &Style) -> TestSuite {
    let said = warnings(report, style.lang).into_iter().chain(reasons(report, style.lang));
    let said = visible_lines(said);
    let status = match report.verdict {
        verdict if exit::code(verdict, style.strict) == exit::GO => TestCaseStatus::success(),
        Verdict::Hold => red(NonSuccessKind::Error, "verdict", report.verdict.words(), &said),
        _ => red(NonSuccessKind::Failure, "verdict", report.verdict.words(), &said),
    };
    let is_green = matches!(status, TestCaseStatus::Success { .. });
    let mut case = TestCase::new(format!("verdict: {}", report.verdict.words()), status);
    case.set_classname("mail-cutover.verdict").set_time(Duration::ZERO);
    if is_green {
        case.set_system_out(said);
    }
    let mut suite = TestSuite::new("verdict");
    suite.set_timestamp(report.started).set_time(Duration::ZERO);
    for (name, value) in [
        ("tool", report.tool.to_owned()),
        ("plan", report.plan_path.clone()),
        ("plan_sha256", report.plan_sha256.clone()),
        ("phase", format!("{:?}", report.phase).to_lowercase()),
        ("run_by", report.run_by.clone()),
        ("resolvers", report.resolvers.join(", ")),
        ("catalogue", report.catalogue_date.clone()),
        ("completion", report.completion.word().to_owned()),
        ("simulated", report.simulated.to_string()),
    ] {
        suite.add_property((name, visible_whole(&value).as_str()));
    }
    suite.add_test_case(case);
    suite
}

fn case(entry: &Entry<'_>, style: &Style) -> TestCase {
    let lang = style.lang;
    let tag = entry.tag().unwrap_or_default();
    let sentence = entry.sentence(lang);
    let told = visible_lines(tell_one(entry.report, entry.section, entry.statement, lang));
    let is_red = exit::code(entry.weighs, style.strict) != exit::GO;
    let (status, told) = match (entry.standing, &entry.statement.saying) {
        (Standing::Passed, _) => (TestCaseStatus::success(), None),
        (Standing::Unknown, _) if is_red => (red(NonSuccessKind::Error, tag, &sentence, &told), None),
        (Standing::Warning | Standing::WaivedBlocker | Standing::Blocker, _) if is_red => {
            (red(NonSuccessKind::Failure, tag, &sentence, &told), None)
        }
        (Standing::Note | Standing::Warning, _) => (TestCaseStatus::success(), Some(told)),
        (_, Saying::NotApplicable(why) | Saying::NotCovered(why)) => (skipped(&visible_whole(why.in_lang(lang))), None),
        // Accepted, or not known where it stops nothing.
        _ => (skipped(&sentence), Some(told)),
    };
    let name = [entry.subject(lang), tag.to_owned()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let mut case = TestCase::new(name.join(": "), status);
    case.set_classname(format!("mail-cutover.{}", entry.section.card.id)).set_time(Duration::ZERO);
    if let Some(told) = told {
        case.set_system_out(told);
    }
    case
}

fn red(kind: NonSuccessKind, tag: &str, message: &str, told: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(tag).set_message(message).set_description(told);
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn visible_lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| visible_whole(&line)).collect::<Vec<_>>().join("\n")
}
