//! Exim: unpacked beside the build or installed, each with a configuration and a spool of its own.

use std::path::PathBuf;

use super::process::{self, program, run, write};
use super::stage::{Stage, address_of};

/// Whom it becomes when it has opened its ports; the name is compiled in.
const USER: &str = "Debian-exim";

/// The mailbox that is there.
pub(crate) const RECIPIENT: &str = "taken@example.co.jp";

/// Where the program is, if it can run.
pub(crate) fn binary() -> Option<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if !users.lines().any(|line| line.split(':').next() == Some(USER)) {
        return None;
    }
    let unpacked = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/exim/usr/sbin/exim4"));
    Some(unpacked).filter(|file| file.is_file()).or_else(|| process::program("exim4"))
}

/// A policy: what stands before the ACLs, the ACLs, and files beside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    pub(crate) main: &'static str,
    pub(crate) acls: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
}

/// Starts Exim on address `number` with a policy (`{dir}` stands for its folder); its configuration file.
pub(crate) fn start(stage: &mut Stage, number: u8, policy: &Policy) -> PathBuf {
    let dir = stage.folder(&format!("exim-{number}"));
    std::fs::create_dir(dir.join("spool")).unwrap();
    run(&dir, &program("chown").unwrap(), &[USER, "spool"]);
    for (name, text) in policy.files {
        write(&dir.join(name), text);
    }
    let file = dir.join("exim4.conf");
    let at = |text: &str| text.replace("{dir}", &dir.display().to_string());
    let [v4, v6] = address_of(number);
    let binary = binary().unwrap();
    let whole = format!(
        "primary_hostname = mx{number}.example.co.jp
local_interfaces = <; {v4} ; {v6}
exim_path = {binary}
spool_directory = {spool}
log_file_path = {spool}/%slog
pid_file_path = {spool}/exim.pid
keep_environment =
tls_advertise_hosts =
helo_lookup_domains =
rfc1413_hosts =
queue_only
smtp_accept_max = 200
smtp_accept_max_per_host = 200
smtp_connect_backlog = 200
domainlist local_domains = example.co.jp
{main}
begin acl
{acls}
begin routers
remote:
  driver = dnslookup
  domains = ! +local_domains
  transport = nowhere
  no_more
local:
  driver = accept
  transport = nowhere
begin transports
nowhere:
  driver = appendfile
  file = /dev/null
",
        spool = dir.join("spool").display(),
        binary = binary.display(),
        main = at(policy.main),
        acls = at(policy.acls),
    );
    write(&file, &whole);
    let args = ["-C".to_owned(), file.display().to_string(), "-bdf".to_owned()];
    stage.serve("exim", &dir, &binary, &args, v4);
    file
}
