//! Exim: unpacked beside the build by `.ci/run`, or installed.

use std::path::{Path, PathBuf};

use super::certificates::Files;
use super::process::{self, Daemon, run, write};
use super::server::{PASSWORD, Server, USER};

/// Whom it becomes when it has opened its ports; the name is compiled in.
const USER_OF_EXIM: &str = "Debian-exim";

/// Where the program is, if it can run.
pub(crate) fn program() -> Option<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if !users.lines().any(|line| line.split(':').next() == Some(USER_OF_EXIM)) {
        return None;
    }
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/exim/usr/sbin/exim4");
    Some(unpacked).filter(|file| file.is_file()).or_else(|| process::program("exim4"))
}

/// Starts it where the thread is.
pub(crate) fn spawn(server: &Server, certificate: &Files, dir: &Path) -> Daemon {
    let spool = dir.join("spool");
    std::fs::create_dir(&spool).unwrap();
    run(dir, &process::program("chown").unwrap(), &[USER_OF_EXIM, "spool"]);
    let file = dir.join("exim.conf");
    write(&file, &configuration(server, certificate, &spool));
    Daemon::spawn("exim", dir, &program().unwrap(), &["-C".to_owned(), file.display().to_string(), "-bdf".to_owned()])
}

fn configuration(server: &Server, certificate: &Files, spool: &Path) -> String {
    let Server { name, domain, size, .. } = server;
    let addresses = server.ips.join(" ; ");
    let ports: Vec<String> = server.ports.iter().map(u16::to_string).collect();
    let ports = ports.join(" : ");
    let mailboxes = if server.takes_unknown { "*".to_owned() } else { server.mailboxes.join(" : ") };
    let offered =
        if server.asks_in_the_clear { "yes" } else { "${if and {{def:tls_in_cipher}{!={$received_port}{25}}}}" };
    let versions = if server.old_tls { "NORMAL" } else { "NORMAL:-VERS-TLS1.1:-VERS-TLS1.0" };
    let everybody = if server.open_relay { "  accept\n" } else { "" };
    let (spool, certificate, key) = (spool.display(), certificate.certificate.display(), certificate.key.display());
    let exim = program().unwrap();
    let exim = exim.display();
    format!(
        "primary_hostname = {name}
local_interfaces = <; {addresses}
daemon_smtp_ports = {ports}
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
tls_dhparam = none
tls_require_ciphers = {versions}
exim_path = {exim}
spool_directory = {spool}
log_file_path = {spool}/%slog
pid_file_path = {spool}/exim.pid
keep_environment =
message_size_limit = {size}
qualify_domain = {domain}
recipient_unqualified_hosts = *
# The names of clients are nobody's business here, and no resolver answers the system.
host_lookup =
helo_lookup_domains =
rfc1413_hosts =
queue_only
acl_smtp_rcpt = recipient
acl_smtp_data = message
begin acl
recipient:
{everybody}  accept authenticated = *
  deny condition = ${{if !={{$received_port}}{{25}}}}
       message = log in first
  accept domains = {domain}
         local_parts = {mailboxes}
  deny domains = {domain}
       message = no such mailbox here
  deny message = relay not permitted
message:
  defer message = the laboratory takes no mail
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = {offered}
"
    )
}
