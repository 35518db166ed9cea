//! Arguments → plan → run → render → exit.

fn main() {}
