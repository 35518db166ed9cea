//! Postfix: as it is installed, with a configuration, a queue and a log of its own.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::certificates::Files;
use super::process;
use super::process::{Daemon, run, write};
use super::server::Server;

/// Where Debian keeps the programs that the master starts.
const PROGRAMS: &str = "/usr/lib/postfix/sbin";

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

/// Where the program is that starts the others.
pub(crate) fn program() -> Option<PathBuf> {
    Some(Path::new(PROGRAMS).join("master")).filter(|file| file.is_file())
}

/// Starts it where the thread is.
pub(crate) fn spawn(server: &Server, certificate: &Files, dir: &Path) -> Daemon {
    let (queue, data) = (dir.join("queue"), dir.join("data"));
    for folder in
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"]
    {
        std::fs::create_dir_all(queue.join(folder)).unwrap();
    }
    for folder in ["public", "maildrop", "pid"] {
        std::fs::create_dir_all(queue.join(folder)).unwrap();
    }
    std::fs::create_dir(&data).unwrap();
    let shell = "chown postfix data queue/*; chown root queue/pid; chgrp postdrop queue/public queue/maildrop; \
                 chmod 700 data queue/*; chmod 710 queue/public; chmod 730 queue/maildrop; chmod 755 queue/pid";
    run(dir, &process::program("sh").unwrap(), &["-ec", shell]);
    let main = dir.join("main.cf");
    write(&main, &configuration(server, certificate, dir));
    // Postfix reads a file that has just been written again and again until it is two seconds old.
    File::options().write(true).open(&main).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let mut services = String::from(SERVICES);
    for port in &server.ports {
        let _ = writeln!(services, "{port} inet n - n - - smtpd{}", submission(*port));
    }
    write(&dir.join("master.cf"), &services);
    // The user database is not there, so that nobody can log in, but the offer is made. Debian's Postfix looks here for it.
    std::fs::create_dir(dir.join("sasl")).unwrap();
    write(&dir.join("sasl/smtpd.conf"), "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\n");
    let args = ["-c", dir.to_str().unwrap(), "-d"].map(str::to_owned);
    Daemon::spawn("postfix", dir, &program().unwrap(), &args)
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
