//! Reports of runs of one plan, made at different places, joined into one: compared and joined.

mod fit;
mod join;

pub use fit::{Misfit, fit};
pub use join::join;
