//! The new server's rules: from its own configuration, or the zones of the plan.

use std::path::Path;

use super::super::{CommandError, key_in};
use crate::catalogue::Catalogue;
use crate::cli::Inbound;
use crate::dnsbl::enforced;
use crate::inbound::{Policy, Zones};
use crate::model::visible;
use crate::plan::{InboundDnsbl, Plan};

/// The rules of the new server, and where they stand: those of the command line before those of the plan.
pub(super) fn policy(arguments: &Inbound, plan: Option<&Plan>) -> Result<(Policy, String), CommandError> {
    if let Some(path) = &arguments.config {
        return Ok((read_rules(path, plan)?, visible(&path.display().to_string())));
    }
    let Some(plan) = plan else { return Err(CommandError::NoRules) };
    let policy = policy_of(plan)?.ok_or(CommandError::NoRules)?;
    let place = match &plan.inbound_dnsbl.config {
        Some(path) => visible(&path.display().to_string()),
        None => format!("[inbound_dnsbl] {}", plan.path),
    };
    Ok((policy, place))
}

/// The rules that the plan names: those in a file before mere zones.
pub(in crate::command) fn policy_of(plan: &Plan) -> Result<Option<Policy>, CommandError> {
    let InboundDnsbl { zones, config, .. } = &plan.inbound_dnsbl;
    if let Some(path) = config {
        return read_rules(path, Some(plan)).map(Some);
    }
    if zones.is_empty() {
        return Ok(None);
    }
    let lists = enforced(zones, &plan.dnsbl, Catalogue::embedded(), key_in);
    Ok(Some(Policy::Zones(Zones::new(lists))))
}

/// The rules in a mail server's own configuration.
fn read_rules(path: &Path, plan: Option<&Plan>) -> Result<Policy, CommandError> {
    let domains = plan.map_or(&[][..], |plan| &plan.domains);
    Policy::read(path, domains).map_err(|why| CommandError::Rules(visible(&why.to_string())))
}
