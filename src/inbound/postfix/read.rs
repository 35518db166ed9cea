//! Reads main.cf and master.cf into a policy.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::compile::Compiler;
use super::config::Config;
use super::judge::{Knows, Stage};
use super::master::{Service, services};
use super::mynetworks::Mynetworks;
use super::postscreen::Postscreen;
use super::reply::Class;
use super::steps::{Step, Subject, Test, Unjudgeable};
use super::tables::{ReadFile, Tables};
use super::{Codes, LARGEST_FILE, MOST_UNJUDGED, Postfix, PostfixError, either, number, words, zones};
use crate::inbound::{Place, Rule, Unjudged};
use crate::model::visible;

impl Postfix {
    /// Reads main.cf, or what `postconf -n` printed. master.cf is `master`, or lies beside it. Tables in the server's own folder
    /// (`/etc/postfix`, `$config_directory`) are looked for beside main.cf, others where they are named.
    ///
    /// # Errors
    /// [`PostfixError`]: main.cf, or a master.cf that was named, cannot be read, is longer than 16 MiB or is empty.
    pub fn open(main: &Path, master: Option<&Path>) -> Result<Self, PostfixError> {
        Self::open_with(main, master, &bounded)
    }

    /// The same, with files read by `read`.
    pub(super) fn open_with(main: &Path, master: Option<&Path>, read: &ReadFile<'_>) -> Result<Self, PostfixError> {
        let file = |path: &Path| read(path).map_err(|why| PostfixError::File { file: path.to_owned(), why });
        let main_bytes = file(main)?;
        let beside = main.parent().map_or_else(PathBuf::new, Path::to_owned);
        let (master_path, master_bytes) = match master {
            Some(path) => (path.to_owned(), Some(file(path)?)),
            None => {
                let path = beside.join("master.cf");
                let bytes = read(&path).ok();
                (path, bytes)
            }
        };
        let (config, strays) = Config::read(&main.display().to_string(), &main_bytes);
        if config.is_empty() {
            return Err(PostfixError::Empty { file: main.to_owned() });
        }
        // With such a line no program of Postfix starts. What postconf says to those who run it may stand in what it printed.
        let stray = strays.iter().find(|stray| !stray.text.contains("postconf: "));
        let stops = stray.map(|stray| Rule {
            section: visible(&main.display().to_string()),
            written: zones::shown_words(&stray.text),
            place: Some(stray.place.clone()),
            zone: None,
        });
        let mut unjudged: Vec<Unjudged> = strays
            .into_iter()
            .take(MOST_UNJUDGED / 2)
            .map(|stray| Unjudged {
                place: Some(stray.place),
                written: zones::shown_words(&stray.text),
                why: words::no_parameter(),
            })
            .collect();
        let config_directory = config.value("config_directory").unwrap_or_default();
        let tables = Tables { read, beside, config_directory };
        let setup = Setup::of(&config, master_bytes.as_deref(), &master_path.display().to_string(), &mut unjudged);
        let mut policy = policy(&setup, &tables);
        unjudged.append(&mut policy.unjudged);
        unjudged.truncate(MOST_UNJUDGED);
        Ok(Self { broken: stops.or(policy.broken), unjudged, ..policy })
    }
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = LARGEST_FILE as u64;
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST_FILE {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(bytes)
}

/// What runs at port 25, each program with the parameters that it sees.
struct Setup {
    postscreen: Option<Config>,
    smtpd: Config,
    /// What master.cf has that may refuse everybody and is not judged.
    doubts: Vec<Unjudgeable>,
}

impl Setup {
    fn of(main: &Config, master: Option<&[u8]>, file: &str, notes: &mut Vec<Unjudged>) -> Self {
        let mut note = |line: Option<usize>, written: &str, why| {
            let place = line.map(|line| Place { file: visible(file), line });
            let unjudged = Unjudged { place, written: zones::shown_words(written), why };
            notes.push(unjudged.clone());
            Unjudgeable { why: words::undecided(&unjudged), may_refuse: true, may_accept: false }
        };
        let Some(bytes) = master else {
            note(None, "master.cf", words::no_master());
            let screens = main.value("postscreen_dnsbl_sites").is_ok_and(|sites| !sites.is_empty());
            return Self { postscreen: screens.then(|| main.clone()), smtpd: main.clone(), doubts: Vec::new() };
        };
        let services = services(bytes);
        let mut doubts = Vec::new();
        if main.value("master_service_disable").is_ok_and(|value| !value.is_empty()) {
            doubts.push(note(None, "master_service_disable", words::disabled_services()));
        }
        let mut at_25 = services.iter().filter(|service| service.is_port_25());
        let Some(first) = at_25.next() else {
            doubts.push(note(None, "master.cf", words::no_port_25()));
            return Self { postscreen: None, smtpd: main.clone(), doubts };
        };
        for other in at_25 {
            let written = format!("{} inet {}", other.name, other.program);
            doubts.push(note(Some(other.line), &written, words::second_port_25()));
        }
        let with = |service: &Service| {
            let mut config = main.clone();
            for (name, value) in &service.options {
                config.override_with(name, value, file, service.line);
            }
            config
        };
        let (postscreen, smtpd) = match first.program.as_str() {
            "smtpd" => (None, with(first)),
            "postscreen" => {
                let screen = with(first);
                let name = screen.value("smtpd_service_name").unwrap_or_default();
                let behind = services.iter().find(|service| service.kind == "pass" && service.name == name);
                if behind.is_none() {
                    doubts.push(note(Some(first.line), &name, words::no_pass_service()));
                }
                (Some(screen), behind.map_or_else(|| main.clone(), with))
            }
            other => {
                doubts.push(note(Some(first.line), other, words::strange_program()));
                (None, with(first))
            }
        };
        Self { postscreen, smtpd, doubts }
    }
}

/// Parameters that, where they are set at all, may refuse or drop what the restrictions let in.
const AFTER_RESTRICTIONS: [&str; 7] = [
    "smtpd_milters",
    "smtpd_proxy_filter",
    "content_filter",
    "header_checks",
    "mime_header_checks",
    "nested_header_checks",
    "body_checks",
];
/// Parameters by which a client that sends much is put off.
const LIMITS: [&str; 3] =
    ["smtpd_client_connection_rate_limit", "smtpd_client_message_rate_limit", "smtpd_client_recipient_rate_limit"];

fn policy(setup: &Setup, tables: &Tables<'_>) -> Postfix {
    let config = &setup.smtpd;
    let mut compiler = Compiler::new(config, tables);
    let mut yes = |name: &str| either(config, name, ["yes", "no"], &mut compiler);
    let (delays, relay_first) = (yes("smtpd_delay_reject"), yes("smtpd_relay_before_recipient_restrictions"));
    let (soft_bounce, looks_up_names) = (yes("soft_bounce"), yes("smtpd_peername_lookup"));
    let stages = stages(&mut compiler, !delays, relay_first);
    if !stages[3..=4].iter().any(|stage| keeps_strangers_out(&stage.steps)) {
        let name = "smtpd_relay_restrictions";
        let place = config.place(name).or_else(|| config.place("smtpd_recipient_restrictions"));
        compiler.broken(name, place, name, words::open_relay());
    }
    let postscreen = setup.postscreen.as_ref().map(|screen| Postscreen::read(screen, tables, &mut compiler));
    let mynetworks = Mynetworks::read(&mut compiler, tables);
    let replies = config.value("rbl_reply_maps").unwrap_or_default();
    let replies = (!replies.is_empty()).then(|| tables.open(&replies));
    if let Some(Err(_)) = &replies {
        compiler.note(config.place("rbl_reply_maps"), "rbl_reply_maps", words::reply_map());
    }
    for name in AFTER_RESTRICTIONS {
        if config.value(name).is_ok_and(|value| !value.is_empty()) {
            compiler.note(config.place(name), name, words::after_restrictions());
        }
    }
    for name in LIMITS {
        if config.value(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0")) {
            compiler.note(config.place(name), name, words::limits());
        }
    }
    for (name, why) in
        [("smtpd_dns_reply_filter", words::dns_filter()), ("smtpd_command_filter", words::command_filter())]
    {
        if config.value(name).is_ok_and(|value| !value.is_empty()) {
            compiler.note(config.place(name), name, why);
        }
    }
    let mut doubts = setup.doubts.clone();
    if let Some(name) = wants_encryption(config) {
        let unjudged = compiler.note(config.place(name), name, words::encryption());
        doubts.push(Unjudgeable { why: words::undecided(&unjudged), may_refuse: true, may_accept: false });
    }
    let waits = |name: &str, compiler: &mut Compiler<'_>| either(config, name, ["defer_if_permit", "defer"], compiler);
    let unknown_helo_waits = waits("unknown_helo_hostname_tempfail_action", &mut compiler);
    let unknown_address_waits = waits("unknown_address_tempfail_action", &mut compiler);
    // What is no reply code at all becomes Postfix's general reply.
    let mut code = |name: &str| u16::try_from(number(config, name, &mut compiler)).unwrap_or_default();
    let codes = Codes {
        reject: code("reject_code"),
        defer: code("defer_code"),
        map_defer: code("access_map_defer_code"),
        maps_rbl: code("maps_rbl_reject_code"),
        unknown_client: code("unknown_client_reject_code"),
        invalid_hostname: code("invalid_hostname_reject_code"),
        non_fqdn: code("non_fqdn_reject_code"),
        unknown_hostname: code("unknown_hostname_reject_code"),
        unknown_address: code("unknown_address_reject_code"),
        unknown_helo_waits,
        unknown_address_waits,
    };
    Postfix {
        postscreen,
        stages,
        mynetworks,
        codes,
        default_reply: config.raw_value("default_rbl_reply"),
        replies: replies.and_then(Result::ok),
        soft_bounce,
        looks_up_names,
        doubts,
        broken: compiler.broken,
        unjudged: compiler.unjudged,
    }
}

/// The parameter by which smtpd turns away a client that does not encrypt, if there is one (`530 Must issue a STARTTLS command first`).
fn wants_encryption(config: &Config) -> Option<&'static str> {
    let is_yes = |name: &str| config.value(name).is_ok_and(|value| value.eq_ignore_ascii_case("yes"));
    let level = config.value("smtpd_tls_security_level").unwrap_or_default().to_ascii_lowercase();
    match level.as_str() {
        "none" | "may" => {}
        "" if !is_yes("smtpd_enforce_tls") => {}
        "" => return Some("smtpd_enforce_tls"),
        _ => return Some("smtpd_tls_security_level"),
    }
    is_yes("smtpd_tls_wrappermode").then_some("smtpd_tls_wrappermode")
}

/// All lists in Postfix's order.
fn stages(compiler: &mut Compiler<'_>, at_once: bool, relay_first: bool) -> Vec<Stage> {
    let recipient = ("smtpd_recipient_restrictions", Some(Subject::Recipient), Class::Recipient);
    let relay = ("smtpd_relay_restrictions", Some(Subject::Recipient), Class::Recipient);
    let (third, fourth) = if relay_first { (relay, recipient) } else { (recipient, relay) };
    let lists = [
        ("smtpd_client_restrictions", Some(Subject::Client), Class::Client),
        ("smtpd_helo_restrictions", Some(Subject::Helo), Class::Helo),
        ("smtpd_sender_restrictions", Some(Subject::Sender), Class::Sender),
        third,
        fourth,
        ("smtpd_data_restrictions", None, Class::Data),
        ("smtpd_end_of_data_restrictions", None, Class::EndOfData),
    ];
    let stage = |(index, (name, bare, class)): (usize, (&str, Option<Subject>, Class))| Stage {
        steps: compiler.list(name, bare),
        class,
        knows: Knows { helo: !at_once || index > 0, sender: !at_once || index > 1, recipient: !at_once || index > 2 },
        // Relay and recipient restrictions are gone through as one.
        fresh: index != 4,
        settles: index >= 4,
    };
    lists.into_iter().enumerate().map(stage).collect()
}

/// Whether a list has one of the restrictions without which smtpd does not start (has_required in smtpd_check.c).
fn keeps_strangers_out(steps: &[Step]) -> bool {
    const REQUIRED: [&str; 6] = [
        "reject_unauth_destination",
        "defer_unauth_destination",
        "check_relay_domains",
        "reject",
        "defer",
        "defer_if_permit",
    ];
    for step in steps.iter().filter(|step| !step.warns) {
        match &step.test {
            Test::Permit => return false,
            Test::Class(inner) if keeps_strangers_out(inner) => return true,
            // Nobody can say what a list holds that cannot be read.
            Test::Unjudged(_) if step.rule.written == step.rule.section => return true,
            _ if REQUIRED.iter().any(|required| step.rule.written.eq_ignore_ascii_case(required)) => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a device or a disk image named by mistake would fill the memory, or a missing file be an empty policy.
    #[test]
    fn files_are_bounded_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.cf");
        let error = |main: &Path, master: Option<&Path>| Postfix::open(main, master).unwrap_err().to_string();
        assert!(error(&main, None).starts_with(&format!("could not read {}: ", main.display())));
        let mut text = vec![b'#'; LARGEST_FILE];
        text[LARGEST_FILE - 7..].copy_from_slice(b"\na = b\n");
        std::fs::write(&main, &text).unwrap();
        assert!(Postfix::open(&main, None).is_ok());
        assert!(error(&main, Some(&folder.path().join("master.cf"))).contains("master.cf"));
        text.push(b'\n');
        std::fs::write(&main, &text).unwrap();
        assert!(error(&main, None).ends_with("it is longer than 16 MiB"));
        assert!(error(Path::new("/dev/zero"), None).ends_with("it is longer than 16 MiB"));
    }
}
