//! The other direction: who sends to us, and (to come) what the new server will make of them.

pub mod log;
