//! Everything from outside is hostile: what strangers say stays text in every form, and keys are shown in none.

#![expect(clippy::print_stderr, reason = "a test says how much it tried")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod alphabet;
mod clean;
mod files;
mod forms;
mod paste;
mod said;
#[expect(dead_code, reason = "many addresses are for the tests of the layout")]
#[path = "../render/sample.rs"]
mod sample;
mod secrets;
mod skeleton;
#[expect(dead_code, reason = "asking by hand is for the tests of the world itself")]
#[path = "../world/mod.rs"]
mod world;
mod worldwide;
