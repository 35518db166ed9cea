//! Metrics for the textfile collector of Prometheus' node exporter (text format 0.0.4).

use std::collections::BTreeMap;

use super::entry::entries;
use crate::model::{Report, Subject, Verdict, visible_whole};
use crate::render::digest::counts;

/// Labels of one sample, and its value.
type Sample = (Vec<(&'static str, String)>, f64);

/// Writes the report.
pub(super) fn write(report: &Report) -> String {
    let flag = |is: bool| if is { 1.0 } else { 0.0 };
    let verdicts = [Verdict::Go, Verdict::GoWithWarnings, Verdict::Hold, Verdict::NoGo];
    let counted = counts(report);
    let levels = [
        ("blocker", counted.blockers),
        ("unknown", counted.unknowns),
        ("warning", counted.warnings),
        ("note", counted.notes),
        ("waived", counted.waived),
        ("passed", counted.passed),
    ];
    let mut page = Page::default();
    page.metric(
        "mail_cutover_verdict",
        "1 for the verdict of the last run, 0 for the others.",
        verdicts.map(|one| (vec![("verdict", one.words().to_owned())], flag(one == report.verdict))),
    );
    page.metric(
        "mail_cutover_statements",
        "Statements of the last run by what they weigh.",
        levels.map(|(level, count)| (vec![("level", level.to_owned())], as_f64(count))),
    );
    page.metric(
        "mail_cutover_check_state",
        "1 for the worst that a check says of a subject, as the label state.",
        check_states(report),
    );
    page.metric("mail_cutover_finding", "1 for each finding of the last run, by its tag.", findings(report));
    page.metric(
        "mail_cutover_complete",
        "1 if every check of the last run came to its end.",
        [(Vec::new(), flag(report.completion == crate::model::Completion::Complete))],
    );
    page.metric("mail_cutover_simulated", "1 if the world was the demo's.", [(Vec::new(), flag(report.simulated))]);
    page.metric(
        "mail_cutover_rehearsed",
        "1 if zones were judged from files.",
        [(Vec::new(), flag(!report.rehearsed.is_empty()))],
    );
    page.metric(
        "mail_cutover_last_run_timestamp_seconds",
        "When the last run ended, in seconds since 1970.",
        [(Vec::new(), seconds(report.finished))],
    );
    page.metric(
        "mail_cutover_planned_timestamp_seconds",
        "When the cutover is planned, in seconds since 1970.",
        [(Vec::new(), seconds(report.cutover_at))],
    );
    page.metric(
        "mail_cutover_run_duration_seconds",
        "How long the last run took.",
        [(Vec::new(), (report.finished - report.started).as_seconds_f64())],
    );
    page.metric("mail_cutover_info", "What was run, as labels.", [(about(report), 1.0)]);
    page.0
}

fn about(report: &Report) -> Vec<(&'static str, String)> {
    vec![
        ("version", report.tool.to_owned()),
        ("change", report.change.clone().unwrap_or_default()),
        ("plan", report.plan_path.clone()),
        ("plan_sha256", report.plan_sha256.clone()),
        ("phase", format!("{:?}", report.phase).to_lowercase()),
        ("catalogue", report.catalogue_date.clone()),
        ("run_by", report.run_by.clone()),
    ]
}

/// Worst first where a check says several things of one subject; one sample for each.
fn check_states(report: &Report) -> Vec<Sample> {
    let mut worst = BTreeMap::new();
    for entry in entries(report) {
        let key = (entry.section.card.id, entry.statement.subject.to_string(), side(&entry.statement.subject));
        let standing = worst.entry(key).or_insert(entry.standing);
        *standing = entry.standing.max(*standing);
    }
    let sample = |((check, subject, side), standing): ((&str, String, &str), crate::render::digest::Standing)| {
        let labels = vec![
            ("check", check.to_owned()),
            ("subject", subject),
            ("side", side.to_owned()),
            ("state", standing.word().to_owned()),
        ];
        (labels, 1.0)
    };
    worst.into_iter().map(sample).collect()
}

fn findings(report: &Report) -> Vec<Sample> {
    let mut found: Vec<Vec<(&'static str, String)>> = entries(report)
        .iter()
        .filter_map(|entry| {
            Some(vec![
                ("check", entry.section.card.id.to_owned()),
                ("tag", entry.tag()?.to_owned()),
                ("level", entry.standing.word().to_owned()),
                ("subject", entry.statement.subject.to_string()),
                ("side", side(&entry.statement.subject).to_owned()),
                ("about", entry.statement.about.clone().unwrap_or_default()),
            ])
        })
        .collect();
    // The same series twice makes the whole file unreadable.
    found.sort();
    found.dedup();
    found.into_iter().map(|labels| (labels, 1.0)).collect()
}

fn side(subject: &Subject) -> &'static str {
    subject.side().map_or("", |side| match side {
        crate::model::Side::Old => "old",
        crate::model::Side::New => "new",
    })
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// A gauge with all its samples; none, without samples.
    fn metric(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = Sample>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            self.0.push_str(&format!("{name}{labels} {value}\n"));
        }
    }
}

/// The value of a label: backslash, quotation mark and line end are escaped.
fn escape(value: &str) -> String {
    visible_whole(value).replace('\\', "\\\\").replace('"', "\\\"")
}

fn seconds(time: chrono::DateTime<chrono::FixedOffset>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}

fn as_f64(count: usize) -> f64 {
    count as f64
}
