//! The frame that all tables have.

use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, Table};

/// An empty table of at most `width` columns, its lines drawn with more than ASCII if `unicode`.
pub fn grid(width: usize, unicode: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(if unicode { UTF8_FULL_CONDENSED } else { ASCII_FULL_CONDENSED })
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}
