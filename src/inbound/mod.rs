//! The other direction: who sends to us, and (to come) what the new server will make of them.

pub mod exim;
mod judgement;
pub mod log;
pub mod postfix;

pub use judgement::{
    About, AskedZone, Caller, Existence, Facts, Fate, Judgement, Naming, Place, Refusal, Rule, Unjudged,
};
