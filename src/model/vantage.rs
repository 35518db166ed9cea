//! Where a run asks from.

use serde::{Deserialize, Serialize};

/// The machine that a run takes place on, as far as its answers depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vantage {
    /// Any machine: the administrator's desk.
    #[default]
    Desk,
    /// The new server itself (`--on-new-server`): what leaves it, and what its resolver is told.
    NewServer,
}
