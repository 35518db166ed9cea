//! The outlook of `inbound` → table, JSON, CSV.

mod rows;
mod table;

pub use rows::{csv, json};
pub use table::table;
