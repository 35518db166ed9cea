//! May we switch? The rooms of `mail-cutover`; docs/ARCHITECTURE.md is the map.

pub mod catalogue;
pub mod model;
