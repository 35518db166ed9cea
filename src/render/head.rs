//! Who asked whom, and when: one line for each run that a report is made of.

use super::digest::part_name;
use crate::model::{Lang, Part, Report, Vantage};
use crate::words;

/// The runs, a line each. Of one run its resolvers are told by [`asked`]; of several each says its own.
pub(super) fn runs(report: &Report, lang: Lang, seconds: bool) -> Vec<String> {
    let when = |part: &Part| {
        let took = (part.finished - part.started).as_seconds_f64();
        let took = if seconds { format!(", {took:.1} s") } else { String::new() };
        format!("{}{took}", part.started.format("%Y-%m-%d %H:%M %:z"))
    };
    if let [part] = report.parts.as_slice() {
        let place = match part.vantage {
            Vantage::Desk => String::new(),
            Vantage::NewServer => format!(" ({})", words::on_the_new_server(lang)),
        };
        return vec![format!("{}, {}{place}, {}", when(part), part.run_by, report.tool)];
    }
    let line = |(index, part): (usize, &Part)| {
        let place = part_name(report, index, lang);
        let cut = words::completion(lang, part.completion).map_or_else(String::new, |cut| format!(" ({cut})"));
        format!("{place}: {}, {}, {}{cut}", when(part), part.run_by, part.resolvers.join(", "))
    };
    report.parts.iter().enumerate().map(line).collect()
}

/// What was asked: the resolvers, unless each run names its own, and the catalogue of lists.
pub(super) fn asked(report: &Report, lang: Lang, between: &str) -> String {
    let catalogue = words::catalogue_of(lang, &report.catalogue_date);
    match report.parts.len() {
        1 => format!("{}{between}{catalogue}", report.resolvers.join(", ")),
        _ => format!("{}{between}{catalogue}", words::merged_by(lang, report.tool)),
    }
}
