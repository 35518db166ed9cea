//! Report → text; sees a report and nothing else. The list of forms is in forms/mod.rs.

mod beside;
mod comparison;
mod digest;
mod explain;
mod findings;
mod forms;
mod grid;
mod head;
mod html;
pub mod inbound;
mod ink;
mod json;
mod markdown;
mod news;
mod page;
pub mod spreadsheet;
mod table;
mod wrap;

pub use comparison::comparison;
pub use explain::{explain, explain_all, explain_outcome};
pub use forms::{Format, render};
pub use grid::grid;
pub use news::{json_line as news_json, line as news_line};
pub use page::{index, page};
pub use wrap::{block, grouped, pad, width, wrap};

use crate::model::Lang;

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// Colour may be used.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// More than ASCII may be used for lines and marks.
    pub unicode: bool,
    /// Every question and its answer too.
    pub verbose: bool,
    /// Verdict and what stands in its way only.
    pub quiet: bool,
    /// Warnings stand in the way too.
    pub strict: bool,
}
