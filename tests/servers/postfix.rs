//! Postfix: as it is installed, with a configuration, a queue and a log of its own.

use std::fmt::Write as _;
use std::path::Path;

use super::certificates::Files;
use super::postfix_queue::{PROGRAMS, master, prepare, settle};
use super::process::{Daemon, write};
use super::server::Server;

/// The services that a server without delivery needs, apart from its ports.
const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

/// Starts it where the thread is.
pub(crate) fn spawn(server: &Server, certificate: &Files, dir: &Path) -> Daemon {
    prepare(dir);
    let main = dir.join("main.cf");
    write(&main, &configuration(server, certificate, dir));
    settle(&main);
    let mut services = String::from(SERVICES);
    for port in &server.ports {
        let _ = writeln!(services, "{port} inet n - n - - smtpd{}", submission(*port));
    }
    write(&dir.join("master.cf"), &services);
    // The user database is not there, so that nobody can log in, but the offer is made. Debian's Postfix looks here for it.
    std::fs::create_dir(dir.join("sasl")).unwrap();
    write(&dir.join("sasl/smtpd.conf"), "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\n");
    let args = ["-c", dir.to_str().unwrap(), "-d"].map(str::to_owned);
    Daemon::spawn("postfix", dir, &master().unwrap(), &args)
}

/// What is different at a port where people hand mail in, as in Postfix's sample.
fn submission(port: u16) -> &'static str {
    match port {
        465 => {
            " -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes \
             -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
        }
        587 => {
            " -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes \
             -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
        }
        _ => "",
    }
}

fn configuration(server: &Server, certificate: &Files, dir: &Path) -> String {
    let Server { name, domain, size, .. } = server;
    let addresses = server.ips.join(", ");
    let mut mailboxes = String::new();
    for mailbox in &server.mailboxes {
        let _ = write!(mailboxes, " {{ {mailbox}@{domain} = taken }}");
    }
    let versions = if server.old_tls { "" } else { ">=TLSv1.2" };
    // The usual way to become an open relay: everybody is a friend.
    let friends = if server.open_relay { "0.0.0.0/0, [::]/0" } else { "127.0.0.0/8" };
    let (dir, certificate, key) = (dir.display(), certificate.certificate.display(), certificate.key.display());
    format!(
        "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = {PROGRAMS}
maillog_file = {dir}/postfix.own.log
maillog_file_prefixes = {dir}
inet_interfaces = {addresses}
inet_protocols = all
myhostname = {name}
myorigin = {domain}
mydestination =
mynetworks = {friends}
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = inline:{{{mailboxes} }}
virtual_transport = discard:
message_size_limit = {size}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_protocols = {versions}
smtpd_tls_mandatory_protocols = {versions}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_auth_only = yes
# The names of clients are nobody's business here, and no resolver answers the system.
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
"
    )
}
