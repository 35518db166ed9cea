//! Reports of runs of one plan, made at different places: whether they fit together, and what they say as one.

mod fit;
mod join;

pub use fit::{Misfit, fit};
pub use join::join;
