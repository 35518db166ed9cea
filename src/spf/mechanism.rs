//! Whether a mechanism matches the client (RFC 7208, section 5); `include` is the evaluation's own.

use std::net::IpAddr;

use ipnet::{Ipv4Net, Ipv6Net};

use super::expand::name_of;
use super::lookup::{Run, Told, text_of};
use super::problem::Cause;
use super::tree::Query;
use crate::probe::{RecordType, Reply};
use crate::records::spf::{DualCidr, MacroString};

/// Whether it matches, or why that is not known.
pub(super) type Match = Result<bool, Cause>;

/// What was asked for a term, and the name it meant.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) queries: Vec<Query>,
    pub(super) target: Option<String>,
}

impl Run<'_> {
    /// `a` (RFC 7208, section 5.3).
    pub(super) async fn a(&mut self, spec: Option<&MacroString>, cidr: DualCidr, at: &str, notes: &mut Notes) -> Match {
        let target = self.meant(spec, at, notes).await;
        let told = self.ask(&target, self.client.rtype(), &mut notes.queries).await;
        self.has_address(&told, cidr)
    }

    /// `mx` (RFC 7208, section 5.4).
    pub(super) async fn mx(
        &mut self,
        spec: Option<&MacroString>,
        cidr: DualCidr,
        at: &str,
        notes: &mut Notes,
    ) -> Match {
        let target = self.meant(spec, at, notes).await;
        let told = self.ask(&target, RecordType::MX, &mut notes.queries).await;
        self.count_void(&told)?;
        let exchangers = match told {
            Told::Known(reply) => reply.names(),
            Told::NotAName => return Ok(false),
            Told::Failed(cause) => return Err(cause),
        };
        // Before any of them is asked for: which ten would come first is chance.
        if exchangers.len() > self.evaluator.limits.exchangers {
            return Err(Cause::TooManyExchangers(exchangers.len()));
        }
        // A lone dot says that there is none (RFC 7505).
        let names: Vec<String> = exchangers.iter().filter(|name| !name.is_root()).map(text_of).collect();
        for (query, told) in self.ask_all(&names, self.client.rtype()).await {
            notes.queries.push(query);
            if self.has_address(&told, cidr)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `ptr` (RFC 7208, section 5.5): errors of the reverse tree are no match.
    pub(super) async fn ptr(&mut self, spec: Option<&MacroString>, at: &str, notes: &mut Notes) -> Match {
        let target = self.meant(spec, at, notes).await;
        let (told, names) = self.reverse_names(&mut notes.queries).await;
        self.count_void(&told)?;
        let Some(target) = name_of(&target).map(|name| name.to_lowercase()) else { return Ok(false) };
        let validated = self.validated(&names, &mut notes.queries).await;
        Ok(validated.iter().any(|name| target.zone_of(&name.to_lowercase())))
    }

    /// `exists` (RFC 7208, section 5.7): A, whatever the client's family.
    pub(super) async fn exists(&mut self, spec: &MacroString, at: &str, notes: &mut Notes) -> Match {
        let target = self.meant(Some(spec), at, notes).await;
        let told = self.ask(&target, RecordType::A, &mut notes.queries).await;
        self.count_void(&told)?;
        match told {
            Told::Known(reply) => Ok(!reply.ipv4().is_empty()),
            Told::NotAName => Ok(false),
            Told::Failed(cause) => Err(cause),
        }
    }

    /// The name that a term means, noted; the current domain where it names none.
    pub(super) async fn meant(&self, spec: Option<&MacroString>, at: &str, notes: &mut Notes) -> String {
        let target = match spec {
            Some(spec) => self.target(spec, at, &mut notes.queries).await,
            None => at.to_owned(),
        };
        notes.target = Some(target.clone());
        target
    }

    fn has_address(&mut self, told: &Told, cidr: DualCidr) -> Match {
        self.count_void(told)?;
        match told {
            Told::Known(reply) => Ok(holds(reply, self.client.ip, cidr)),
            Told::NotAName => Ok(false),
            Told::Failed(cause) => Err(cause.clone()),
        }
    }
}

/// Whether an address of `reply` is the client's, as far as `cidr` looks.
fn holds(reply: &Reply, client: IpAddr, cidr: DualCidr) -> bool {
    reply.addresses().into_iter().any(|known| match (known, client) {
        (IpAddr::V4(known), IpAddr::V4(client)) => {
            Ipv4Net::new(known, cidr.v4).is_ok_and(|network| network.contains(&client))
        }
        (IpAddr::V6(known), IpAddr::V6(client)) => {
            Ipv6Net::new(known, cidr.v6).is_ok_and(|network| network.contains(&client))
        }
        _ => false,
    })
}
