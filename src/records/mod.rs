//! Policies published in the DNS, read from text; nothing is asked here.

pub mod dkim;
pub mod dmarc;
pub mod fault;
pub mod spf;
pub mod tags;
