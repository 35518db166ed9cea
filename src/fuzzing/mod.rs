//! Every reader of what comes from outside, given any octets: what `fuzz/` and `tests/fuzz_seeds.rs` run. The tool never comes here.
//!
//! A target is a function that takes octets and panics if something is wrong with what came of them.

mod forms;
mod mail;
mod reports;
mod seeds;
mod servers;
mod texts;

pub use mail::{bounce, log};
pub use reports::{render, report, rows};
pub use seeds::made;
pub use servers::{exim, postfix};
pub use texts::{certificates, plan, records, spf, zone};

use crate::model::visible_whole;
pub use crate::probe::fuzzing::{dns, smtp};

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file in `fuzz/targets/`, and of its function here.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        &[$(Target { name: stringify!($name), run: $name }),+]
    };
}

/// All targets.
pub const TARGETS: &[Target] =
    targets![plan, zone, spf, records, certificates, dns, smtp, bounce, log, postfix, exim, report, rows, render];

/// Nothing in `text` moves a cursor, hides, or turns what stands beside it.
fn assert_visible(text: &str) {
    assert_eq!(visible_whole(text), text);
}

/// The same of several lines.
fn assert_shown(text: &str) {
    text.split('\n').for_each(assert_visible);
}
