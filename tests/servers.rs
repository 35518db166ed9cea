//! Real mail servers, old and new, in a world of their own: what they say to a plain client, and what the tool makes of it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "servers/by_hand.rs"]
mod by_hand;
#[path = "servers/mod.rs"]
mod servers;
#[path = "servers/verdicts.rs"]
mod verdicts;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;
