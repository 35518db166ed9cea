//! May we switch? The rooms of `mail-cutover`; docs/ARCHITECTURE.md is the map.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod archive;
pub mod bounce;
pub mod catalogue;
pub mod changing;
pub mod check;
pub mod checks;
pub mod cli;
pub mod command;
pub mod compare;
pub mod demo;
pub mod dmarc;
pub mod dnsbl;
pub mod exit;
#[doc(hidden)]
pub mod fuzzing;
pub mod inbound;
pub mod maillog;
pub mod merge;
pub mod model;
pub mod origin;
pub mod output;
pub mod plan;
pub mod probe;
pub mod records;
pub mod render;
pub mod rows;
pub mod runner;
pub mod saved;
pub mod servers;
pub mod spf;
pub mod watch;
pub mod witnesses;
pub mod words;
pub mod zone_servers;
pub mod zonefile;
