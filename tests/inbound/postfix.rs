//! Postfix: as it is installed, each with a configuration, a queue and a log of its own.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::postfix_queue::{PROGRAMS, master, prepare, settle};
use super::process::{program, run, write};
use super::stage::{Stage, address_of};

/// The services that a server without delivery needs, apart from its port.
const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
";

/// The mailbox that is there.
pub(crate) const RECIPIENT: &str = "taken@example.co.jp";

/// Starts Postfix on address `number` with these lines in main.cf (after the common ones), these for port 25 in master.cf, and these
/// tables beside main.cf (`hash:` ones are made ready by postmap); main.cf and master.cf, as Postfix reads them.
pub(crate) fn start(
    stage: &mut Stage,
    number: u8,
    main: &str,
    master_lines: &str,
    tables: &[(&str, &str)],
) -> [PathBuf; 2] {
    let dir = stage.folder(&format!("postfix-{number}"));
    prepare(&dir);
    let addresses = address_of(number).map(|ip| ip.to_string()).join(", ");
    let files = [dir.join("main.cf"), dir.join("master.cf")];
    let whole = format!("{}{}", common(&dir, number, &addresses), main.replace("{dir}", &dir.display().to_string()));
    write(&files[0], &whole);
    write(&files[1], &format!("{SERVICES}{master_lines}"));
    settle(&files[0]);
    for (name, text) in tables {
        let table = dir.join(name);
        write(&table, text);
        settle(&table);
        if main.contains(&format!("hash:{{dir}}/{name}")) {
            let at = format!("hash:{}", table.display());
            // Postfix programs look whether the configured addresses are there.
            stage.mail.within(|| run(&dir, &program("postmap").unwrap(), &["-c", dir.to_str().unwrap(), &at]));
        }
    }
    let args = ["-c", dir.to_str().unwrap(), "-d"].map(str::to_owned);
    stage.serve("postfix", &dir, &master().unwrap(), &args, address_of(number)[0]);
    files
}

/// What a Postfix wrote that no client heard.
pub(crate) struct Log {
    /// Refusals that were only logged, from the client on.
    warnings: Vec<String>,
    /// Ranks that postscreen told.
    ranks: Vec<String>,
}

impl Log {
    /// The log of Postfix number `number` so far.
    pub(crate) fn read(stage: &Stage, number: u8) -> Self {
        let text = std::fs::read_to_string(stage.path(&format!("postfix-{number}/postfix.own.log"))).unwrap();
        let behind = |mark| text.lines().filter_map(move |line| Some(line.split_once(mark)?.1.to_owned()));
        Self { warnings: behind(": reject_warning: ").collect(), ranks: behind("DNSBL rank ").collect() }
    }

    /// The replies that were only logged about a client, and whether postscreen told its rank.
    pub(crate) fn of(&self, ip: IpAddr) -> (Vec<String>, bool) {
        let from = format!("[{ip}]: ");
        let warnings = self.warnings.iter().filter_map(|line| Some(line.split_once(&from)?.1.to_owned())).collect();
        let mark = format!("for [{ip}]:");
        (warnings, self.ranks.iter().any(|line| line.contains(&mark)))
    }
}

fn common(dir: &Path, number: u8, addresses: &str) -> String {
    let dir = dir.display();
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
myhostname = mx{number}.example.co.jp
mydestination =
mynetworks = 127.0.0.0/8 [::1]/128
local_recipient_maps =
virtual_mailbox_domains = example.co.jp
virtual_mailbox_maps = inline:{{ {{ {RECIPIENT} = taken }} }}
virtual_transport = discard:
smtpd_tls_security_level = none
smtpd_error_sleep_time = 0
# Whoever was refused once must be asked about again.
postscreen_cache_map =
# Half a greeting would cost every client some seconds.
postscreen_greet_banner =
"
    )
}
