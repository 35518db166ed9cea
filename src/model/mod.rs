//! The words of the tool: no I/O, no async, no clock.

mod baseline;
mod card;
mod detail;
mod level;
mod milestone;
mod name;
mod observation;
mod report;
mod secrets;
mod shell;
mod statement;
mod subject;
mod text;
mod vantage;
mod verdict;
mod visible;
mod waiver;

pub use baseline::{Baseline, Expected, Fate, Gone, Mark, RecordChange};
pub use card::{Card, Needs, Outcome, Reference};
pub use detail::{Detail, MOST_DETAILS};
pub use level::{Level, Levels, Phase, Side};
pub use milestone::{Milestone, Moment};
pub use name::{DomainName, NameError};
pub use observation::{Exchange, Observation, ObservationId};
pub use report::{Column, Completion, Part, Rehearsed, Report, Section, TOOL};
pub use secrets::{REDACTED, Secrets};
pub use shell::{way, word};
pub use statement::{Saying, Statement, Status};
pub use subject::Subject;
pub use text::{Args, Lang, Text, Value};
pub use vantage::Vantage;
pub use verdict::Verdict;
pub use visible::{LONGEST, LONGEST_RECORD, visible, visible_bytes, visible_whole};
pub use waiver::{Applied, Waiver};
