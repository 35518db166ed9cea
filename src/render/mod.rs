//! Report → text, one file per format; sees a report and nothing else.

use crate::model::{Card, Lang, Outcome, Report};

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// Colour may be used.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// More than ASCII may be used.
    pub unicode: bool,
    /// Every question and its answer too.
    pub verbose: bool,
    /// Verdict and what stands in its way only.
    pub quiet: bool,
}

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// For programs.
    Json,
    /// For a change ticket.
    Markdown,
}

/// Writes a report.
pub fn render(report: &Report, _format: Format, style: &Style) -> String {
    let mut out = String::new();
    for s in &report.sections {
        for st in &s.statements {
            let tag = st.named().map_or("", |o| o.tag);
            let says = st.named().map_or(String::new(), |o| st.args.say(o.says, style.lang));
            out.push_str(&format!("{:14} {:18} {:?} {:?} {tag} {says}\n", s.card.id, st.subject.to_string(), st.status(), st.level));
        }
    }
    out.push_str(report.verdict.words());
    out.push('\n');
    out
}
/// x
pub fn explain_all(_cards: &[&Card], _style: &Style) -> String { String::new() }
/// x
pub fn explain(_card: &Card, _tag: Option<&str>, _style: &Style) -> String { String::new() }
/// x
pub fn explain_outcome(_o: &Outcome, _style: &Style) -> String { String::new() }
/// x
pub fn page(_card: &Card) -> String { String::new() }
/// x
pub fn index(_cards: &[&Card]) -> String { String::new() }
