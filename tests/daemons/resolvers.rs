//! unbound: an iterating and a validating resolver over the private root.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use super::authorities::{Plan, address};
use super::process::{Daemon, program, run, write};

/// Starts unbound; with trust anchors (DS records) it validates below them.
pub(crate) fn start(
    name: &'static str,
    at: SocketAddr,
    port: u16,
    dir: &Path,
    plan: &Plan,
    anchors: Option<&str>,
) -> Daemon {
    let modules = if anchors.is_some() { "validator iterator" } else { "iterator" };
    let mut conf = format!(
        "server:\n  interface: {}@{}\n  access-control: 127.0.0.0/8 allow\n  module-config: \"{modules}\"\n  \
         directory: \"{}\"\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  \
         do-daemonize: no\n  do-ip6: no\n  num-threads: 1\n  outgoing-range: 512\n  do-not-query-localhost: no\n  \
         qname-minimisation: yes\n  unblock-lan-zones: yes\n  insecure-lan-zones: yes\n",
        at.ip(),
        at.port(),
        dir.display()
    );
    // unbound answers for reserved names itself unless told otherwise.
    for origin in ["test", "example"].into_iter().chain(plan.servers().map(|(origin, _)| origin)) {
        if !origin.is_empty() {
            let _ = writeln!(conf, "  local-zone: \"{origin}.\" nodefault");
        }
    }
    if let Some(anchors) = anchors {
        let file = dir.join(format!("{name}.anchors"));
        write(&file, anchors);
        let _ = writeln!(conf, "  trust-anchor-file: \"{}\"", file.display());
    }
    conf.push_str("remote-control:\n  control-enable: no\n");
    for (origin, ip) in plan.servers() {
        let server = address(ip, port);
        let _ = write!(conf, "stub-zone:\n  name: \"{origin}.\"\n  stub-addr: {}@{port}\n", server.ip());
    }
    let file = dir.join(format!("{name}.conf"));
    write(&file, &conf);
    // Debian's AppArmor profile is bound to the path of the binary and forbids files elsewhere than /etc/unbound.
    let own = dir.join(name).with_extension("bin");
    // By another process: while this one holds a file open for writing, a child of another thread may inherit it, and nobody
    // can run it ("text file busy").
    run(
        dir,
        &program("cp").unwrap(),
        &[&program("unbound").unwrap().display().to_string(), &own.display().to_string()],
    );
    Daemon::spawn(name, dir, &own, &["-d".to_owned(), "-c".to_owned(), file.display().to_string()])
}
