//! Real mail servers, old and new, in a world of their own: what they say to a plain client, and what the tool makes of it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "servers/mod.rs"]
mod servers;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;

use servers::World;
use servers::server::{Program, Server};
use servers::tool::{self, Case};

/// Lost if it fails: what the tool says of the servers would be hidden under what is wrong with the names.
#[test]
fn nothing_is_wrong_with_the_names() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    let run = tool::check(&world, &world.desk, Case { ports: "[]", ..Case::default() });
    assert_eq!((run.exit, run.verdict.as_str()), (0, "GO"), "{:#?}\n{}", run.findings(), world.logs());
}
