//! Every check of the tool: one file each, in the order of the report.

crate::catalogue! {
    plan,
    waivers,
    vantage,
    rehearsal,
    net_asn,
    ptr,
    ptr_forward,
    ptr_name,
    ptr_zone,
    helo_name,
    helo_dns,
    host,
    sender_domain,
    dkim,
    dkim_kept,
    dmarc,
    dmarc_rua,
    dmarc_align,
    mx,
    mx_host,
    mta_sts,
    receivers,
    dnsbl,
    dnsbl_domain,
    dnsbl_lists,
    tls_rpt,
    bimi,
    caa,
    dane,
    client_names,
    client_srv,
    retire,
}

/// The check with this id, or the one that can say this tag.
pub fn find(name: &str) -> Option<&'static crate::check::Check> {
    CHECKS.iter().copied().find(|check| check.card.id == name || check.card.outcome(name).is_some())
}
