//! The miniature internet: DNS zones and faults served on loopback, for `mail-cutover demo` and for tests.
//!
//! The wire format and the master-file parser are hickory-proto's. The look-up and the sockets are our own, because
//! hickory-server (0.26.3) answers a question for a name that exists without that type from a wildcard above it, does
//! not follow an alias into another zone, and cannot send what a broken server sends.

#![expect(clippy::disallowed_methods, reason = "a simulated internet listens on loopback")]

mod answer;
mod fault;
mod file;
mod lists;
mod mail;
mod scenario;
mod world;
mod zone;

pub use fault::{Fault, FaultRule};
pub use file::{FaultLine, FileError, WorldFile};
pub use lists::{BlocklistTable, ListError, Listing, Listings, Refusal, ServedList, TestPoint};
pub use mail::{MailFault, MailProtocol, MailScript, MailServer, MailTls};
pub use scenario::{AUTHORITY, SCENARIOS, Scenario, base, blocklists, mail_tls, scenario};
pub use world::{Asked, Setup, World, WorldError};
pub use zone::Zone;
