//! The other direction: who sends to us, and what the new server will make of them.

mod allow;
mod exim;
mod forecast;
mod gather;
mod judgement;
pub mod log;
mod outlook;
mod owner;
mod partner;
mod policy;
mod postfix;
mod zones;

pub use allow::Dialect;
pub use exim::{Exim, EximError};
pub use forecast::{Forecast, Partner, Planned, Severity, by_partner, per_week, verdict};
pub(crate) use gather::subject;
pub use gather::{Gatherer, ListState, naming};
pub use judgement::{
    About, AskedZone, BareRule, Caller, Existence, Facts, Fate, Judgement, Naming, Place, Refusal, Rule, Unjudged,
};
pub use outlook::{Finding, List, Log, Outlook, findings, lists, located};
pub use owner::{Owners, by_messages, name_of};
pub use partner::{Sources, authorised, is_domain_of, sources};
pub use policy::{Policy, PolicyError};
pub use postfix::{Postfix, PostfixError};
pub use zones::Zones;
