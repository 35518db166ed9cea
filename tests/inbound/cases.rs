//! The configurations of Postfix that are compared: everything that decides about a stranger, in several orders.

/// One configuration.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// main.cf, after the common lines; `{dir}` is the folder of the tables.
    pub(crate) main: &'static str,
    /// Port 25 in master.cf.
    pub(crate) master: &'static str,
    /// Tables beside main.cf.
    pub(crate) tables: &'static [(&'static str, &'static str)],
}

const SMTPD: &str = "smtp inet n - n - - smtpd\n";
const POSTSCREEN: &str = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n";

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "bare rules, and lists that fail",
        main: "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,
  reject_rbl_client refused.bl.test, reject_rbl_client broken.bl.test, reject_rbl_client silent.bl.test
  reject_rbl_client codes.bl.test, permit
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "filters, and a list that refuses",
        main: "filter = 127.0.0.[2..4;11;30]
smtpd_client_restrictions = reject_rbl_client error.bl.test=127.0.0.[2..254],
  reject_rbl_client codes.bl.test=$filter
maps_rbl_reject_code = 550
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "a list that refuses, without a filter",
        main: "smtpd_client_restrictions = permit_dnswl_client allow.wl.test=127.0.[0..255].[1..3]
  reject_rbl_client error.bl.test
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "allow-list before and behind, and one that fails",
        main: "smtpd_client_restrictions =
  permit_dnswl_client broken.bl.test
  permit_dnswl_client allow.wl.test=127.0.[5;10].[1..3]
  reject_rbl_client codes.bl.test=127.0.0.[2..30]
smtpd_helo_restrictions = reject_rbl_client one.bl.test=127.0.0.4 permit_dnswl_client allow.wl.test
smtpd_recipient_restrictions = reject_rbl_client two.bl.test=127.0.0.2
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "names of clients",
        main: "unknown_client_reject_code = 550
smtpd_client_restrictions = reject_unknown_reverse_client_hostname, permit_rhswl_client names.bl.test,
  reject_unknown_client_hostname
smtpd_recipient_restrictions = reject_rhsbl_reverse_client names.bl.test=127.0.1.2
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "HELO and senders",
        main: "smtpd_helo_required = yes
unknown_hostname_reject_code = 554
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname,
  reject_unknown_helo_hostname, reject_rhsbl_helo names.bl.test
smtpd_sender_restrictions = reject_non_fqdn_sender, reject_unknown_sender_domain
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "senders first, put off at once",
        main: "smtpd_delay_reject = no
reject_tempfail_action = defer
smtpd_client_restrictions = reject_rhsbl_sender names.bl.test, reject_rbl_client two.bl.test=127.0.0.2
smtpd_helo_restrictions = reject_unknown_helo_hostname
smtpd_sender_restrictions = reject_rhsbl_sender names.bl.test=127.0.1.[1..3] reject_unknown_sender_domain
  reject_rhsbl_client names.bl.test
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "only warnings",
        main: "smtpd_client_restrictions = warn_if_reject reject_rbl_client codes.bl.test
  warn_if_reject heavy, warn_if_reject reject_unknown_client_hostname, reject_rbl_client three.bl.test=127.0.0.3
smtpd_restriction_classes = heavy
heavy = reject_rbl_client wide.bl.test, permit_dnswl_client allow.wl.test
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "access tables and classes",
        main: "smtpd_restriction_classes = strict, lax
strict = reject_unknown_client_hostname, reject_rbl_client codes.bl.test
lax = reject_rbl_client codes.bl.test=127.0.0.2, permit
smtpd_client_restrictions = check_client_access cidr:{dir}/networks, hash:{dir}/clients
smtpd_helo_restrictions = check_helo_access texthash:{dir}/helo
smtpd_sender_restrictions = check_sender_access inline:{{listed.example=reject 5.7.0 a bad name}, gone.example=421}
  check_reverse_client_hostname_access static:{DUNNO}
",
        master: SMTPD,
        tables: &[
            (
                "networks",
                "198.18.0.0/28 strict\n198.18.0.16/29 lax\n198.18.0.24 REJECT not you\n!198.18.0.0/25 DEFER\n2001:db8:c::/120 dunno\n",
            ),
            (
                "clients",
                "partners.example lax\nunknown 450 4.7.9 who are you\n198.18.0 DEFER_IF_REJECT later\n\
                 2001:db8:c 554 no\n",
            ),
            (
                "helo",
                "listed.example reject_rbl_client one.bl.test\nlocalhost DEFER_IF_PERMIT\nmail.partners.example OK\n",
            ),
        ],
    },
    Case {
        name: "deferrals that wait",
        main: "smtpd_client_restrictions = defer_if_reject, reject_rbl_client codes.bl.test=127.0.0.2
smtpd_helo_restrictions = check_helo_access inline:{{mail.partners.example=defer_if_permit}},
  reject_rbl_client one.bl.test=127.0.0.2
smtpd_relay_restrictions = permit_dnswl_client silent.bl.test, reject_unauth_destination,
  reject_rbl_client two.bl.test=127.0.0.4
smtpd_recipient_restrictions = reject_rbl_client three.bl.test, check_client_access cidr:{{198.18.0.0/27 reject_nothing}}
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "options of master.cf, own replies",
        main: "smtpd_client_restrictions = reject
default_rbl_reply = $rbl_code 5.7.300 $rbl_domain lists ${rbl_class}${rbl_reason?, $rbl_reason}
rbl_reply_maps = texthash:{dir}/replies
relay_first = reject_rbl_client three.bl.test
smtpd_relay_restrictions = $relay_first, reject_unauth_destination
smtpd_recipient_restrictions = reject_rbl_client one.bl.test
",
        master: "smtp inet n - n - - smtpd -o smtpd_client_restrictions=reject_rbl_client,codes.bl.test=127.0.0.[2..30]
  -o { smtpd_sender_restrictions = reject_rbl_client two.bl.test=127.0.0.2 }
",
        tables: &[("replies", "one.bl.test 451 4.7.8 come later\n")],
    },
    Case {
        name: "postscreen, scores around the threshold",
        main: "postscreen_dnsbl_sites = one.bl.test=127.0.0.[2..3]*2 one.bl.test=127.0.0.4*1 two.bl.test*2
  three.bl.test=127.0.0.3 broken.bl.test*3, silent.bl.test*3 allow.wl.test=127.0.[5;10].[1..3]*-3
postscreen_dnsbl_threshold = 3
postscreen_dnsbl_action = enforce
smtpd_client_restrictions = reject_rbl_client codes.bl.test=127.0.0.[2..30]
",
        master: POSTSCREEN,
        tables: &[],
    },
    Case {
        name: "postscreen drops, and its access list",
        main: "postscreen_access_list = permit_mynetworks cidr:{dir}/screen
postscreen_blacklist_action = enforce
postscreen_dnsbl_sites = one.bl.test*2, two.bl.test, error.bl.test=127.0.0.[2..254]*9
postscreen_dnsbl_threshold = 2
postscreen_dnsbl_action = drop
postscreen_dnsbl_reply_map = texthash:{dir}/names
smtpd_client_restrictions = reject
",
        master: "smtp inet n - n - 1 postscreen
smtpd pass - - n - - smtpd -o smtpd_client_restrictions=reject_rbl_client,three.bl.test
",
        tables: &[
            ("screen", "198.18.0.0/29 permit\n198.18.0.8/29 reject\n198.18.0.16/30 dunno\n198.18.0.20 nonsense\n"),
            ("names", "one.bl.test a list of ours\n"),
        ],
    },
    Case {
        name: "postscreen only logs",
        main: "postscreen_dnsbl_sites = wide.bl.test*3
smtpd_recipient_restrictions = reject_rbl_client wide.bl.test=127.0.0.3, reject_rbl_client two.bl.test
soft_bounce = yes
",
        master: POSTSCREEN,
        tables: &[],
    },
    Case {
        name: "recipients before relays, words, codes about addresses",
        main: "smtpd_relay_before_recipient_restrictions = no
reject_code = 550
non_fqdn_reject_code = 555
smtpd_sender_restrictions = check_sender_access texthash:{dir}/senders, reject_non_fqdn_sender
smtpd_recipient_restrictions = check_client_access cidr:{{198.18.0.0/28 reject}, {198.18.0.16/28 permit_auth_destination}},
  check_helo_access inline:{{localhost=defer}}, reject_rhsbl_client names.bl.test=127.0.1.3, reject_rhsbl_helo names.bl.test=127.0.1.2
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination, reject_rbl_client three.bl.test=[127.0.0.[1..2;9]]
",
        master: SMTPD,
        tables: &[(
            "senders",
            "gone.example 550 5.1.1 no such thing\nbroken.example 450 4.1.5 later\npartners.example OK\nexample DUNNO\n\
             someone@listed.example.invalid REJECT\nnodots 1234\n",
        )],
    },
    Case {
        name: "nobody looks at names, and parents have a dot",
        main: "smtpd_peername_lookup = no
parent_domain_matches_subdomains =
unknown_client_reject_code = 551
smtpd_client_restrictions = check_client_access texthash:{dir}/clients, reject_rhsbl_reverse_client names.bl.test
  reject_unknown_reverse_client_hostname
smtpd_helo_restrictions = check_helo_access texthash:{dir}/helo
",
        master: SMTPD,
        tables: &[
            ("clients", "198.18 reject_rbl_client codes.bl.test, permit\nunknown.example OK\n"),
            ("helo", "listed.example 554 exactly\n.partners.example 554 5.7.7 below\n"),
        ],
    },
    Case {
        name: "an old configuration",
        main: "compatibility_level = 0
maps_rbl_domains = one.bl.test, two.bl.test=127.0.0.[2..3]
smtpd_client_restrictions = reject_maps_rbl
smtpd_sender_restrictions = warn_if_reject reject_unknown_address, reject_non_fqdn_sender
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_unknown_client,
  reject_invalid_hostname, reject_rbl three.bl.test
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "names on lists that fail",
        main: "smtpd_client_restrictions = permit_rhswl_client broken.bl.test, reject_rhsbl_client names.bl.test
smtpd_helo_restrictions = reject_rhsbl_helo broken.bl.test=127.0.0.2, warn_if_reject reject_unknown_helo_hostname,
  warn_if_reject permit_dnswl_client broken.bl.test, reject_invalid_helo_hostname
smtpd_recipient_restrictions = check_client_access cidr:{{198.18.0.0/27 dunno}, {0.0.0.0/0 warn_if_reject reject, strict}},
  check_sender_access static:{DEFER_IF_PERMIT 4.1.2 wait}
smtpd_restriction_classes = strict
strict = warn_if_reject reject_rbl_client codes.bl.test permit
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "our networks with bits behind the prefix",
        main: "mynetworks = 198.18.0.0/28 198.18.0.17/28 198.18.0.32/28
smtpd_client_restrictions = permit_mynetworks, reject_rbl_client codes.bl.test
",
        master: SMTPD,
        tables: &[],
    },
    Case {
        name: "our networks in a file, with a name in it",
        main: "mynetworks = {dir}/ours, 198.18.0.32/28
smtpd_client_restrictions = permit_mynetworks, reject_rbl_client codes.bl.test
",
        master: SMTPD,
        tables: &[("ours", "198.18.0.0/28\n# a comment\nmail.partners.example !198.18.0.40\n")],
    },
    Case {
        name: "our networks with bits behind the prefix, and postscreen",
        main: "mynetworks = 198.18.0.0/28 198.18.0.17/28 198.18.0.32/28
postscreen_dnsbl_sites = codes.bl.test
postscreen_dnsbl_action = enforce
",
        master: POSTSCREEN,
        tables: &[],
    },
];
