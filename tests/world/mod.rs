//! Servers and files for integration tests: `mod world;`.

#![expect(dead_code, reason = "each test binary uses its part of this module")]

pub mod ask;
