//! Reports of runs of one plan, made at different places, joined into one: read back, compared, joined.

mod fit;
mod join;
mod read;

pub use fit::{Misfit, Named, fit};
pub use join::join;
pub use read::{ReadError, read};

/// The longest report that is read, in bytes.
pub const LONGEST_REPORT: usize = 64 << 20;
