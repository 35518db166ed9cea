//! What an error mail or an SMTP reply means, and who must act: rules as data (config/bounces.toml), read against text from outside.

mod body;
mod classify;
mod code;
mod dsn;
mod event;
mod explain;
mod input;
mod literal;
mod log;
mod mail;
mod named;
mod normal;
mod registry;
mod rules;
mod side;
mod words;

pub use classify::{Basis, Ruling, classify, classify_at};
pub use code::{Enhanced, codes_in};
pub use event::{Action, Event};
pub use explain::{Explanation, explain, explain_event};
pub use input::{LONGEST_INPUT, events};
pub use log::line_event;
pub use named::Named;
pub use registry::{StatusCode, registry};
pub use rules::{Class, Confidence, Rule, RulesError, rules};
pub use side::{Direction, Ours, Side};

#[cfg(test)]
mod tests;
