//! Policies of Exim servers: every form of `dnslists`, and the conditions that stand around them in practice.

use super::exim::Policy;

const RCPT: &str = "acl_smtp_rcpt = check_rcpt\n";

const fn policy(name: &'static str, main: &'static str, acls: &'static str) -> Policy {
    Policy { name, main, acls, files: &[] }
}

/// All of them.
pub(crate) const POLICIES: &[Policy] = &[
    policy(
        "bare lists, the first that lists decides",
        RCPT,
        "check_rcpt:
  deny message = $sender_host_address is listed at $dnslist_domain ($dnslist_value)
       dnslists = codes.bl.test : one.bl.test : two.bl.test
  accept",
    ),
    policy(
        "values, bits and their negations",
        RCPT,
        "check_rcpt:
  deny message = first $dnslist_domain $dnslist_value
       dnslists = codes.bl.test=127.0.0.2,127.0.0.4
  deny message = second $dnslist_domain $dnslist_value
       dnslists = codes.bl.test!=127.0.0.1,127.0.0.10,127.0.0.2
  deny message = third $dnslist_domain $dnslist_value
       dnslists = one.bl.test&0.0.0.4 : two.bl.test=&0.0.0.2
  deny message = fourth $dnslist_domain $dnslist_value
       dnslists = two.bl.test==127.0.0.2,127.0.0.4 : three.bl.test!&0.0.0.2
  deny message = fifth $dnslist_domain $dnslist_value
       dnslists = one.bl.test!==127.0.0.2 : three.bl.test!=&0.0.0.1
  accept",
    ),
    policy(
        "an allow-list before the lists",
        "acl_smtp_rcpt = check_rcpt\nhostlist friends = 198.18.0.10 : 198.18.0.20\n",
        "check_rcpt:
  accept dnslists = allow.wl.test&0.0.0.1
  accept hosts = : +friends
  deny dnslists = codes.bl.test
       message = 554 5.7.1 go away, $dnslist_matched
  deny dnslists = wide.bl.test
       hosts = *.listed.example
       message = listed and named $sender_host_name
  accept

",
    ),
    policy(
        "what does not answer is listed",
        RCPT,
        "check_rcpt:
  accept dnslists = allow.wl.test
  deny dnslists = codes.bl.test=127.0.0.11 : +include_unknown : refused.bl.test : broken.bl.test
       message = $dnslist_domain
  accept",
    ),
    policy(
        "what does not answer is not listed",
        RCPT,
        "check_rcpt:
  deny dnslists = broken.bl.test : silent.bl.test : +include_unknown : +exclude_unknown : refused.bl.test : codes.bl.test
       message = $dnslist_domain
  accept",
    ),
    policy(
        "what does not answer defers",
        RCPT,
        "check_rcpt:
  accept dnslists = +defer_unknown : two.bl.test : three.bl.test
  deny dnslists = codes.bl.test : +defer_unknown : silent.bl.test : one.bl.test
       message = $dnslist_domain
  accept",
    ),
    policy(
        "warnings that only log, and scores from them",
        RCPT,
        "check_rcpt:
  warn set acl_m_score = 0
  warn dnslists = one.bl.test
       set acl_m_score = ${eval:$acl_m_score+2}
       log_message = $dnslist_domain
  warn dnslists = two.bl.test=127.0.0.2
       set acl_m_score = ${eval:$acl_m_score+3}
  warn dnslists = allow.wl.test
       set acl_m_score = ${eval:$acl_m_score-2}
  warn dnslists = +defer_unknown : broken.bl.test
       set acl_m_score = 100
  deny condition = ${if >={$acl_m_score}{3}}
       message = score $acl_m_score
  accept",
    ),
    policy(
        "keys: the sender's domain, the greeting, the name, several and fixed ones",
        RCPT,
        "check_rcpt:
  deny dnslists = names.bl.test/$sender_address_domain
       message = sender: $dnslist_matched at $dnslist_domain
  deny dnslists = names.bl.test=127.0.1.2/$sender_helo_name
       message = greeting: $dnslist_matched
  deny !dnslists = allow.wl.test
       dnslists = names.bl.test/<|$sender_host_name|${lc:$sender_host_name}
       message = name: $dnslist_matched
  deny dnslists = <; codes.bl.test=127.0.0.30/<,$sender_host_address
       message = address: $dnslist_matched
  accept",
    ),
    policy(
        "the text of another list",
        RCPT,
        "check_rcpt:
  deny dnslists = one.bl.test,codes.bl.test=127.0.0.2,127.0.0.4 : wide.bl.test,two.bl.test=127.0.0.2 : error.bl.test,three.bl.test
       message = $dnslist_domain says $dnslist_value of $dnslist_matched
  accept",
    ),
    policy(
        "a list that refuses the resolver, taken for a listing",
        RCPT,
        "check_rcpt:
  drop dnslists = error.bl.test=127.0.0.2 : one.bl.test=127.0.0.3
  drop dnslists = error.bl.test
       condition = ${if eq{$sender_address_domain}{listed.example}}
       message = 451 not a code of this kind
  accept",
    ),
    Policy {
        name: "lists of hosts: networks, files, names, negations",
        main: "acl_smtp_rcpt = check_rcpt
hostlist inner = 198.18.0.3 : 198.18.0.16/28 : <, x
hostlist friends = <; 198.18.0.0/29 ; 2001:db8:c::/125 ; +inner
hostlist filed = !198.18.0.40 : {dir}/friends
",
        acls: "check_rcpt:
  accept hosts = !198.18.0.2 : +friends
  deny hosts = +filed
       message = in the file
  deny hosts = +ignore_unknown : *.listed.example : 198.18.0.64/26
       message = by name or number
  deny hosts = ^host-[0-9]*1\\\\.partners : 198.18.0.128/26
       message = by an expression, or behind it
  deny hosts = +include_unknown : *.gone.example
       message = nobody knows whether
  accept hosts = mail.partners.example
  require hosts = !*.nowhere.example : 0.0.0.0/0
          message = neither name nor number
  accept",
        files: &[("friends", "# ours\n198.18.0.32/28\n! 198.18.0.50 # not him\n198.18.0.48/28\n2001:db8:c::18\n")],
    },
    policy(
        "names and greetings",
        "acl_smtp_rcpt = check_rcpt\nacl_smtp_helo = check_helo\nacl_smtp_connect = check_connect\n",
        "check_connect:
  deny dnslists = codes.bl.test=127.0.0.4
       message = at once: $dnslist_domain
  accept
check_helo:
  deny condition = ${if eq{$sender_helo_name}{localhost}}
       message = nobody is called $sender_helo_name
  accept
check_rcpt:
  deny !verify = helo
       dnslists = one.bl.test
       message = $sender_helo_name is not yours
  deny !verify = reverse_host_lookup
       message = no name leads to $sender_host_address
  accept",
    ),
    policy(
        "names that may be unknown for a while",
        RCPT,
        "check_rcpt:
  deny !verify = reverse_host_lookup/defer_ok
  require verify = helo
          message = say who you are
  accept",
    ),
    policy(
        "senders",
        RCPT,
        "check_rcpt:
  deny sender_domains = *.partners.example : nodots
       dnslists = two.bl.test
       message = two
  accept senders = partners.example
  deny !verify = sender
       !dnslists = allow.wl.test
  deny dnslists = three.bl.test
       !sender_domains = ^listed
  accept",
    ),
    policy(
        "ACLs that ask ACLs",
        RCPT,
        "trusted:
  accept hosts = 198.18.0.0/28
  accept dnslists = allow.wl.test=127.0.10.3
  deny dnslists = three.bl.test
       message = three
listed:
  require message = one
          !dnslists = one.bl.test
  accept
check_rcpt:
  accept acl = trusted
         message = a friend
  require acl = listed
  deny !acl = trusted
       dnslists = codes.bl.test
  accept domains = +local_domains
         endpass
         message = two
         !dnslists = two.bl.test
  deny message = relay not permitted",
    ),
    policy(
        "macros, conditions and a verb for every ending",
        "LISTS = codes.bl.test=BAD : \\
   # the second
   one.bl.test
BAD = 127.0.0.2,127.0.0.30
LISTS == two.bl.test : codes.bl.test=BAD
.ifdef BAD
acl_smtp_rcpt = check_rcpt
.else
acl_smtp_rcpt = nothing
.endif
helo_allow_chars = _
",
        "check_rcpt:
  defer message = later: $dnslist_domain
        dnslists = LISTS
  .ifdef NOTHING
  deny
  .endif
  discard dnslists = three.bl.test=127.0.0.9
  defer dnslists = one.bl.test=127.0.0.2
  deny dnslists = one.bl.test
       condition = maybe
  accept authenticated = *
  accept domains = example.co.jp
         !encrypted = *
         dnslists = ${if eq{a}{b}{x}fail}
  deny",
    ),
    policy(
        "greetings that must be the client's own",
        "acl_smtp_rcpt = check_rcpt\nhelo_verify_hosts = 198.18.0.0/26 : 2001::db8::c::::/124\nhelo_accept_junk_hosts = 198.18.0.0/27\n",
        "check_rcpt:
  deny dnslists = one.bl.test
  accept",
    ),
    policy(
        "hosts by names that lead to addresses, or do not",
        RCPT,
        "check_rcpt:
  deny hosts = host-1.partners.example : 198.18.0.0/28
       message = a name without an address ends the list
  deny hosts = +ignore_unknown : host-1.partners.example : 198.18.0.16/28
       message = or is passed over
  deny hosts = +include_unknown : 198.18.0.32/29 : mx.broken.example
       dnslists = one.bl.test
       message = a name that is not answered
  warn hosts = mx.broken.example
  accept hosts = +ignore_defer : mx.broken.example : 198.18.0.0/16
  accept hosts = +include_defer : mx.broken.example
         dnslists = two.bl.test
  accept hosts = 1.2.3 : *",
    ),
    policy(
        "silence that means no entry",
        "acl_smtp_rcpt = check_rcpt\ndns_again_means_nonexist = *.broken.bl.test\n",
        "check_rcpt:
  deny dnslists = +include_unknown : broken.bl.test : one.bl.test
  accept dnslists = +defer_unknown : broken.bl.test : two.bl.test
  deny dnslists = +defer_unknown : silent.bl.test
  accept",
    ),
    policy(
        "items that look odd",
        RCPT,
        "check_rcpt:
  deny dnslists = codes.bl.test =127.0.0.2 : ONE.bl.test.=127.0.0.2, 127.0.0.4 : two.bl.test= 127.0.0.3
       message = first $dnslist_domain
  deny dnslists = +Include_Unknown : +exclude_unknown : +whatever : two.bl.test&127.0.0.4 : -odd.bl.test : three.bl.test.
       message = second $dnslist_domain
  deny dnslists = +defer_unknown : codes.bl.test,one.bl.test : silent.bl.test,codes.bl.test=127.0.0.30
       message = third $dnslist_domain
  deny dnslists = one.bl.test/ <; $sender_host_address ; 198.51.100.9 : names.bl.test/$sender_helo_name.
       message = fourth $dnslist_matched
  deny dnslists = names.bl.test / $sender_address_domain
       message = fifth
  deny dnslists = codes.bl.test/$sender_host_address
       message = sixth $dnslist_matched
  accept",
    ),
    policy(
        "which message is told",
        RCPT,
        "nested:
  deny message = from within
       dnslists = one.bl.test
  accept
check_rcpt:
  require message = before
          !dnslists = codes.bl.test=127.0.0.2
          message = after
  require !dnslists = codes.bl.test=127.0.0.4
          message = too late
  accept dnslists = codes.bl.test=127.0.0.10
         message = 250 welcome
  require message = outside
          acl = nested
          acl = nested
  deny !acl = nested
  deny message = ${if def:sender_host_name {$sender_host_name}{nobody}} $dnslist_text
       message =
       dnslists = two.bl.test=127.0.0.2
  deny message = 553-first line\\n553 5.7.26 second line
       dnslists = two.bl.test
  defer message = 450 4.7.1 later
        dnslists = three.bl.test=127.0.0.2
  drop message = 521 at once
       dnslists = three.bl.test
  accept",
    ),
    policy(
        "ACLs within ACLs, and what each ending becomes",
        "acl_smtp_rcpt = check_rcpt\nacl_smtp_mail = check_mail\nacl_smtp_helo = check_helo\nacl_smtp_connect = check_connect\n",
        "drops:
  drop dnslists = one.bl.test
       message = dropped
  accept
defers:
  accept dnslists = two.bl.test=127.0.0.4
  defer dnslists = two.bl.test
        message = deferred
  deny message = denied
throws:
  discard dnslists = three.bl.test
  accept hosts = 198.18.0.0/26
empty:
check_connect:
  warn set acl_c_first = 1
       set acl_m_first = 1
  accept
check_helo:
  warn set acl_c_second = $acl_c_first$acl_m_first
       set acl_m_second = 1
  drop condition = ${if eq{$sender_helo_name}{mail.listed.example}}
       condition = ${if eq{$acl_c_second}{11}}
  defer condition = ${if eq{$sender_helo_name}{localhost}}
  accept
check_mail:
  deny condition = ${if eq{$sender_address_domain}{listed.example}}
       condition = ${if eq{$acl_c_second}{1}}
       message = a variable was forgotten
  deny condition = ${if eq{$acl_m_second}{1}}
       dnslists = codes.bl.test=127.0.0.2
       message = a variable was kept
  accept
check_rcpt:
  deny acl = empty
  accept !acl = drops
         dnslists = codes.bl.test
  require acl = drops
  accept acl = throws
         dnslists = allow.wl.test
  deny !acl = defers
       dnslists = allow.wl.test : two.bl.test
  accept",
    ),
    policy(
        "conditions at the wrong time, and values that are none",
        "acl_smtp_rcpt = check_rcpt\nacl_smtp_mail = check_mail\n",
        "check_mail:
  deny dnslists = one.bl.test=127.0.0.3
       domains = example.co.jp
  accept hosts = !198.18.0.8 : !198.18.0.9
         condition = -0
  accept condition =
  deny dnslists = one.bl.test=127.0.0.9
       hosts = +unheard_of
  warn dnslists = one.bl.test=127.0.0.4
       recipients = x@y
  accept condition = 010
check_rcpt:
  deny dnslists = two.bl.test
       condition = -1
       message = below zero
  deny dnslists = three.bl.test
       condition = TRUE
  accept domains = *.co.jp : !example.co.jp
         local_parts = !postmaster
         verify = recipient
  deny",
    ),
    policy(
        "lists of senders and hosts that name each other",
        "acl_smtp_rcpt = \"check_rcpt\"
hide hostlist even = 198.18.0.2 : 198.18.0.4 : 198.18.0.6
hostlist most = !+even : !+odd : 198.18.0.0/27
hostlist odd = 198.18.0.1 : !198.18.0.3 : !198.18.0.5 : 198.18.0.0/29
hostlist rest = !+most
domainlist bad = \"gone.example : *.partners.example : !nodots\"
addresslist worse = *@+bad : !someone@broken.example : someone@listed.example
",
        "check_rcpt:
  deny hosts = +most
       message = most
  deny sender_domains = !partners.example : +bad
       dnslists = one.bl.test
       message = bad
  deny senders = !*@broken.example : *@*.partners.example : gone.example
       dnslists = two.bl.test
       message = worse
  accept !sender_domains = +bad : listed.example
  deny hosts = !+rest
       message = rest
  deny hosts = !*.partners.example
       message = not by name
  accept",
    ),
    policy(
        "the end of an ACL",
        "acl_smtp_mail = check_mail\nacl_smtp_rcpt = check_rcpt\nhost_reject_connection = 198.18.0.5 : 198.18.0.9\n",
        "check_mail:
  deny dnslists = codes.bl.test : +include_unknown : silent.bl.test
       sender_domains = listed.example
  accept
check_rcpt:
  accept dnslists = allow.wl.test : codes.bl.test/198.51.100.200
  accept !dnslists = one.bl.test : two.bl.test : three.bl.test",
    ),
    policy(
        "expressions that look at capitals",
        RCPT,
        "check_rcpt:
  deny condition = ${if match{$sender_helo_name}{\\N^MAIL\\.\\N}}
       message = in capitals
  deny condition = ${if match{$sender_helo_name}{\\N[A-Z]\\N}}
       message = a capital
  deny condition = ${if match{$sender_helo_name}{\\Npartners\\N}}
       dnslists = one.bl.test
       message = in small letters
  accept",
    ),
];
