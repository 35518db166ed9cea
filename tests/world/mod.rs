//! Servers and files for integration tests: `mod world;`.

pub(crate) mod ask;
