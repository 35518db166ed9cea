//! The defaults of Postfix 3.7 (Debian 12) for every parameter that is used here (postconf(5)).

/// Parameters whose defaults are made of what the server is called and where it stands.
const OF_THE_MACHINE: [&str; 8] = [
    "inet_interfaces",
    "mydestination",
    "mydomain",
    "myhostname",
    "mynetworks",
    "myorigin",
    "proxy_interfaces",
    "relay_domains",
];

/// Where newer versions differ: 3.9 and later refuse bare newlines and unauthorised pipelining in smtpd, which meets no well-behaved
/// client; 3.11 takes lmdb for the default type of tables. Nothing else here has changed up to 3.10.
const DEFAULTS: &[(&str, &str)] = &[
    ("access_map_defer_code", "450"),
    ("access_map_reject_code", "554"),
    ("compatibility_level", "0"),
    ("config_directory", "/etc/postfix"),
    ("data_directory", "/var/lib/postfix"),
    (
        "default_rbl_reply",
        "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}",
    ),
    ("default_database_type", "hash"),
    ("defer_code", "450"),
    ("inet_protocols", "all"),
    ("invalid_hostname_reject_code", "501"),
    ("maps_rbl_reject_code", "554"),
    ("mynetworks_style", "${{$compatibility_level} <level {2} ? {subnet} : {host}}"),
    ("non_fqdn_reject_code", "504"),
    (
        "parent_domain_matches_subdomains",
        "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,\
         smtpd_access_maps",
    ),
    ("postscreen_access_list", "permit_mynetworks"),
    (
        "postscreen_allowlist_interfaces",
        "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}",
    ),
    ("postscreen_bare_newline_enable", "no"),
    ("postscreen_denylist_action", "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}"),
    ("postscreen_dnsbl_action", "ignore"),
    (
        "postscreen_dnsbl_allowlist_threshold",
        "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}",
    ),
    ("postscreen_dnsbl_threshold", "1"),
    ("postscreen_greet_action", "ignore"),
    ("postscreen_non_smtp_command_enable", "no"),
    ("postscreen_pipelining_enable", "no"),
    ("queue_directory", "/var/spool/postfix"),
    ("reject_code", "554"),
    ("reject_tempfail_action", "defer_if_permit"),
    ("smtpd_delay_reject", "yes"),
    ("smtpd_null_access_lookup_key", "<>"),
    ("smtpd_peername_lookup", "yes"),
    ("smtpd_relay_before_recipient_restrictions", "${{$compatibility_level} <level {3.6} ? {no} : {yes}}"),
    (
        "smtpd_relay_restrictions",
        "${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}",
    ),
    ("smtpd_service_name", "smtpd"),
    ("soft_bounce", "no"),
    ("unknown_address_reject_code", "450"),
    ("unknown_address_tempfail_action", "$reject_tempfail_action"),
    ("unknown_client_reject_code", "450"),
    ("unknown_helo_hostname_tempfail_action", "$reject_tempfail_action"),
    ("unknown_hostname_reject_code", "450"),
];

/// The default of `name`, raw; nothing for an empty one, and for a parameter that is not used here.
pub(super) fn of(name: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Whether its default can be known on the server only.
pub(super) fn depends_on_machine(name: &str) -> bool {
    OF_THE_MACHINE.contains(&name)
}
