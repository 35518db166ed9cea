//! What is wrong with a plan: all of it, each at its place.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::visible;

/// The most problems that are shown.
const SHOWN: usize = 40;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Octets of the plan's text it stands at.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// All problems of one plan, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct Problems {
    /// The problems.
    pub all: Vec<Problem>,
    path: String,
    /// The text as it may be shown: control characters are replaced, so are values that may be secrets; no octet moves.
    shown: String,
}

impl Problems {
    /// Problems of the text at `path`; octets in `masked` are not shown.
    pub(super) fn new(path: &str, text: &str, mut all: Vec<Problem>, masked: Vec<Range<usize>>) -> Self {
        all.sort_by_key(|problem| (problem.span.start, problem.span.end));
        all.dedup();
        Self { all, path: visible(path), shown: showable(text, masked) }
    }

    /// A problem of the file as a whole, of which nothing can be shown.
    pub(super) fn of_file(path: &str, message: &str, help: &str) -> Self {
        let problem = Problem { span: 0..0, message: message.to_owned(), help: Some(help.to_owned()) };
        Self { all: vec![problem], path: visible(path), shown: String::new() }
    }

    /// The line of a problem, 1-based.
    pub fn line_of(&self, problem: &Problem) -> usize {
        self.shown.bytes().take(problem.span.start).filter(|byte| *byte == b'\n').count() + 1
    }

    /// The problems for people, each with its line of the plan.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for problem in self.all.iter().take(SHOWN) {
            let title = Level::ERROR.primary_title(&problem.message);
            let group = if self.shown.is_empty() {
                Group::with_title(title).element(annotate_snippets::Origin::path(&self.path))
            } else {
                let start = problem.span.start.min(self.shown.len());
                let end = problem.span.end.clamp(start, self.shown.len());
                // Only the lines of the problem are given: the renderer would read the whole text for each.
                let octets = self.shown.as_bytes();
                let is_break = |octet: &u8| *octet == b'\n';
                let from = octets[..start].iter().rposition(is_break).map_or(0, |at| at + 1);
                let to = octets[end..].iter().position(is_break).map_or(octets.len(), |at| end + at);
                let snippet = Snippet::source(&self.shown[from..to])
                    .line_start(self.line_of(problem))
                    .path(&self.path)
                    .annotation(AnnotationKind::Primary.span(start - from..end - from));
                title.element(snippet)
            };
            let mut report = vec![group];
            if let Some(help) = &problem.help {
                report.push(Group::with_title(Level::HELP.secondary_title(help)));
            }
            text.push_str(&renderer.render(&report));
            text.push_str("\n\n");
        }
        if self.all.len() > SHOWN {
            text.push_str(&format!("… and {} more problems\n", self.all.len() - SHOWN));
        }
        let count = self.all.len();
        text.push_str(&format!(
            "{}: {count} {}; nothing was checked\n",
            self.path,
            if count == 1 { "problem" } else { "problems" }
        ));
        text
    }
}

/// `text` with every octet of a control character and of `masked` replaced by one that shows; all octets keep their places.
fn showable(text: &str, mut masked: Vec<Range<usize>>) -> String {
    masked.sort_by_key(|range| range.start);
    let mut masked = masked.into_iter().peekable();
    let mut hidden_until = 0;
    text.char_indices()
        .flat_map(|(at, character)| {
            while let Some(range) = masked.next_if(|range| range.start <= at) {
                hidden_until = hidden_until.max(range.end);
            }
            let hidden = at < hidden_until && character != '\n';
            let shows = || visible(character.encode_utf8(&mut [0; 4])).chars().eq([character]);
            let kept = !hidden && (matches!(character, '\n' | '\t') || shows());
            let replacement = if hidden { '*' } else { '?' };
            let times = if kept { 1 } else { character.len_utf8() };
            std::iter::repeat_n(if kept { character } else { replacement }, times)
        })
        .collect()
}
