//! Asking a blocklist and deciding whether to believe it (RFC 5782): health and subject at once, judged together.

mod consult;
mod enforced;
mod judge;
mod lookup;
mod rests;
mod select;
mod sweep;

pub use consult::{Consultant, Consultation, Health};
pub use enforced::{Enforced, enforced};
pub use judge::{Belief, State};
pub use lookup::Lookup;
pub use rests::Rests;
pub use select::{Retired, Selected, Selection, select};
pub use sweep::{BLOCK, Row, Stop, Sweep, Word};
