//! Every check of the tool: one file each, in the order of the report.

crate::catalogue! {
    plan,
    waivers,
    vantage,
    net_asn,
    ptr,
    ptr_forward,
    ptr_name,
    ptr_zone,
    helo_name,
    helo_dns,
    host,
    sender_domain,
    dns_ttl,
    dns_nxcache,
    dns_authority,
    dns_secure,
    dns_wildcard,
    dnsbl,
    dnsbl_domain,
    dnsbl_lists,
}

/// The check with this id, or the one that can say this tag.
pub fn find(name: &str) -> Option<&'static crate::check::Check> {
    CHECKS.iter().copied().find(|check| check.card.id == name || check.card.outcome(name).is_some())
}
