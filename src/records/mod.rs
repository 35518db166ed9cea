//! Policies published in the DNS, read from text; nothing is asked here.

pub mod mta_sts;
pub mod spf;
pub mod tags;
