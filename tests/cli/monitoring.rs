//! `--format nagios` as a monitoring system runs it: the plugin interface's exit codes, and its own words where nothing was judged.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::Path;

use crate::{Folder, NOW, Ran, Stage, nameless, plan, ready, refusing, warning};

/// Where Debian and Fedora put the monitoring plugins; `negate` runs another plugin and turns its state into another.
const NEGATE: [&str; 2] = ["/usr/lib/nagios/plugins/negate", "/usr/lib64/nagios/plugins/negate"];

fn status(ran: &Ran) -> (Option<i32>, &str) {
    (ran.exit, ran.out.lines().next().unwrap_or_default().split(':').next().unwrap())
}

/// Lost if it fails: nobody would be woken for a NO-GO, or somebody for a GO.
#[test]
fn each_verdict_has_its_state() {
    for (world, usual, strict) in [
        (ready(), (0, "MAIL-CUTOVER OK - GO"), 0),
        (warning("why | a=1"), (1, "MAIL-CUTOVER WARNING - GO WITH WARNINGS"), 2),
        (nameless(), (2, "MAIL-CUTOVER CRITICAL - NO-GO"), 2),
        (refusing(), (3, "MAIL-CUTOVER UNKNOWN - HOLD"), 3),
    ] {
        let stage = Stage::set(&world, "");
        let ran = stage.check(&["--format", "nagios"]);
        assert_eq!(status(&ran), (Some(usual.0), usual.1), "{ran:?}");
        assert_eq!((ran.out.matches('|').count(), ran.err.as_str()), (1, ""), "{ran:?}");
        assert_eq!(stage.check(&["--format", "nagios", "--strict"]).exit, Some(strict));
    }
}

/// Lost if it fails: a plan with a mistake in it would look like a mail server that must not be switched to, or like none at all.
#[test]
fn what_cannot_start_is_unknown() {
    let folder = Folder::with_plan("cutover_at = 1\n[new]\nips = [\"203.0.113.25\"]\n");
    for arguments in [&["check", "plan.toml"][..], &["check", "absent.toml"], &["merge", "a.json", "b.json"]] {
        let ran = folder.run(&[arguments, &["--format", "nagios"]].concat());
        assert_eq!((ran.exit, ran.err.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.out.starts_with("MAIL-CUTOVER UNKNOWN - ") && !ran.out.contains('|'), "{ran:?}");
        assert_eq!(folder.run(arguments).exit, Some(2), "other forms keep their code");
    }
}

/// Lost if it fails: a service whose command line has a slip in it would be CRITICAL, and somebody roll a good move back.
#[test]
fn a_wrong_command_line_is_unknown() {
    for arguments in [
        &["check", "plan.toml", "--format", "nagios", "--dedline", "50s"][..],
        &["check", "--format=nagios"],
        &["check", "plan.toml", "--deadline", "1 minute", "--format", "nagios"],
        &["check", "plan.toml", "--format", "nagios", "--lang", "fr|x"],
    ] {
        let ran = Folder::empty().run(arguments);
        assert_eq!((ran.exit, ran.err.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.out.starts_with("MAIL-CUTOVER UNKNOWN - ") && !ran.out.contains('|'), "{ran:?}");
        assert!(!ran.out.contains("Usage"), "{ran:?}");
    }
    let ran = Folder::empty().run(&["check", "plan.toml", "--format", "table", "--dedline", "50s"]);
    assert!(ran.exit == Some(2) && ran.out.is_empty() && ran.err.contains("--dedline"), "{ran:?}");
    assert_eq!(Folder::empty().run(&["check", "--format", "nagios", "--help"]).exit, Some(0));
}

/// Lost if it fails: the monitoring plugins themselves would not take us for one of theirs.
#[test]
fn a_plugin_of_theirs_understands_ours() {
    let Some(negate) = NEGATE.iter().find(|path| Path::new(path).is_file()) else {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "none of {NEGATE:?} is there");
        eprintln!("NOT TESTED: the monitoring plugins are missing: none of {NEGATE:?}");
        return;
    };
    let stage = Stage::set(&nameless(), "");
    let ran = |folder: &Folder, swap: [&str; 3]| {
        let plan = folder.path("plan.toml");
        let ours =
            [env!("CARGO_BIN_EXE_mail-cutover"), "check", plan.to_str().unwrap(), "--at", NOW, "--format", "nagios"];
        let mut command = std::process::Command::new(negate);
        Ran::of(command.args(["--timeout", "60"]).args(swap).args(ours).env_clear())
    };
    let turned = ran(&stage.folder, ["--substitute", "--critical", "OK"]);
    assert_eq!(status(&turned), (Some(0), "MAIL-CUTOVER OK - NO-GO"), "{turned:?}");
    let broken = Folder::with_plan(plan(([127, 0, 0, 1], 9).into()) + "nonsense");
    let turned = ran(&broken, ["--substitute", "--unknown", "CRITICAL"]);
    assert_eq!(turned.exit, Some(2), "{turned:?}");
    assert!(turned.out.starts_with("MAIL-CUTOVER CRITICAL - "), "{turned:?}");
}

/// Where .ci/run unpacks Nagios, and where it is installed.
const NAGIOS: [&str; 2] = [concat!(env!("CARGO_MANIFEST_DIR"), "/target/nagios/usr/sbin/nagios4"), "/usr/sbin/nagios4"];

/// Everything that Nagios needs to check two services once, in `folder`; it writes what it made of them into `figures`.
fn nagios_files(folder: &Folder, services: &[(&str, &Path)]) {
    let path = |name: &str| folder.path(name).display().to_string();
    std::fs::create_dir_all(folder.path("spool")).unwrap();
    let days = "sunday monday tuesday wednesday thursday friday saturday".split(' ');
    let days: String = days.map(|day| format!("{day} 00:00-24:00\n")).collect();
    let mut objects = format!(
        "define timeperiod {{\ntimeperiod_name always\nalias always\n{days}}}\n\
         define command {{\ncommand_name nothing\ncommand_line /bin/true\n}}\n\
         define command {{\ncommand_name ours\ncommand_line {} check $ARG1$ --at {NOW} --format nagios --deadline 20s\n}}\n\
         define contact {{\ncontact_name nobody\nhost_notification_period always\nservice_notification_period always\n\
         host_notification_commands nothing\nservice_notification_commands nothing\n}}\n\
         define host {{\nhost_name mx\naddress 127.0.0.1\nmax_check_attempts 1\ncheck_period always\ncontacts nobody\n}}\n",
        env!("CARGO_BIN_EXE_mail-cutover")
    );
    for (name, plan) in services {
        objects.push_str(&format!(
            "define service {{\nhost_name mx\nservice_description {name}\ncheck_command ours!{}\nmax_check_attempts 1\n\
             check_interval 60\nretry_interval 60\ncheck_period always\nnotification_period always\ncontacts nobody\n}}\n",
            plan.display()
        ));
    }
    folder.write("objects.cfg", objects);
    let files =
        ["log_file", "object_cache_file", "status_file", "temp_file", "lock_file", "command_file", "query_socket"];
    let files: String = files.iter().map(|key| format!("{key}={}\n", path(key))).collect();
    folder.write(
        "nagios.cfg",
        format!(
            "{files}cfg_file={}\ntemp_path={}\ncheck_result_path={}\nnagios_user=root\nnagios_group=root\n\
             service_inter_check_delay_method=n\nretain_state_information=0\nprocess_performance_data=1\n\
             service_perfdata_file={}\nservice_perfdata_file_template=$SERVICEDESC$\\t$SERVICESTATE$\\t$SERVICEOUTPUT$\\t$SERVICEPERFDATA$\n",
            path("objects.cfg"),
            path(""),
            path("spool"),
            path("figures"),
        ),
    );
}

/// Lost if it fails: Nagios itself would see another state than ours, no figures, or the figures of a stranger's record.
#[test]
fn nagios_itself_reads_state_and_figures() {
    let Some(nagios) = NAGIOS.iter().find(|path| Path::new(path).is_file()) else {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "none of {NAGIOS:?} is there");
        eprintln!("NOT TESTED: Nagios is missing: none of {NAGIOS:?}");
        return;
    };
    let listed = Stage::set(&warning("why | stolen=1;;;0 `id`"), "");
    let broken = Folder::with_plan("nonsense");
    let folder = Folder::empty();
    let plans = [("listed", listed.folder.path("plan.toml")), ("broken", broken.path("plan.toml"))];
    nagios_files(&folder, &plans.each_ref().map(|(name, plan)| (*name, plan.as_path())));
    let mut command = std::process::Command::new(nagios);
    command.arg(folder.path("nagios.cfg")).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let read = || std::fs::read_to_string(folder.path("figures")).unwrap_or_default();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while read().lines().count() < 2 && std::time::Instant::now() < until {
        // Nagios looks after its services in its own time.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // Asked to end, it takes its workers with it.
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap();
    let figures = read();
    let row = |name: &str| {
        let row = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        row.unwrap_or_else(|| panic!("nothing about {name}: {figures}")).split('\t').collect::<Vec<_>>()
    };
    let [state, output, numbers] = row("listed")[..] else { panic!("{figures}") };
    assert_eq!(state, "WARNING");
    assert!(output.starts_with("MAIL-CUTOVER WARNING - GO WITH WARNINGS: 1 warning: dnsbl-listed-minor"), "{output}");
    assert!(
        numbers.starts_with("blockers=0;;0;0 unknowns=0;0;;0 warnings=1;0;;0 ") && numbers.ends_with("s;;;0"),
        "{numbers}"
    );
    assert!(!figures.contains("stolen="), "{figures}");
    let [state, output, ..] = row("broken")[..] else { panic!("{figures}") };
    assert_eq!((state, output.starts_with("MAIL-CUTOVER UNKNOWN - ")), ("UNKNOWN", true), "{output}");
}
