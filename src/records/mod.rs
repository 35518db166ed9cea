//! Policies published in the DNS, and the fields of a message, read from text; nothing is asked here.

pub mod caa;
pub mod certificate;
pub mod dkim;
pub mod dmarc;
pub mod fault;
pub mod mta_sts;
pub mod received;
pub mod spf;
pub mod tags;
pub mod tls_rpt;
pub mod tlsa;
