//! `check`: a plan in, a verdict out.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Local, Utc};
use indicatif::ProgressBar;

use super::deliver::{Delivery, is_one_file, spare};
use super::milestones::milestones;
use super::progress::progress;
use super::stop::interrupted;
use super::{CommandError, Printed, Terminal, key_in, keys_in, runtime, secrets_of};
use crate::archive::{Archive, ArchiveError};
use crate::catalogue::{Catalogue, Family};
use crate::check::{Context, ours_of};
use crate::checks::CHECKS;
use crate::cli::{Check, RunArgs};
use crate::compare;
use crate::dnsbl::{Consultant, enforced, select};
use crate::inbound::Policy;
use crate::model::{Column, Completion, DomainName, Part, Phase, Report, Secrets, TOOL, Vantage, Verdict, visible};
use crate::plan::{self, DnsPlan, Known, Plan, Resolver};
use crate::probe::{Dns, Https, HttpsSettings, ResolverChoice, Settings, Smtp, SmtpSettings};
use crate::render::{self, Format};
use crate::runner::{self, Limits};
use crate::saved::Named;
use crate::words;
use crate::zonefile::Loaded;

/// Runs the check of a plan file.
pub(super) fn run(arguments: &Check, terminal: &Terminal) -> Result<Printed, CommandError> {
    let plan = read_plan(&arguments.plan, terminal)?;
    if let Some(output) = &arguments.run.report.output
        && is_one_file(&arguments.plan, output)
    {
        return Err(CommandError::Overwrite(visible(&output.display().to_string())));
    }
    check_plan(plan, &arguments.run, terminal, None)
}

/// The most that is read of a plan file: one byte more than a plan may have, so that a longer one is told apart.
const PLAN_READ_LIMIT: u64 = plan::LONGEST_PLAN as u64 + 1;

/// Reads and understands the plan at `path`; `-` is standard input.
pub(super) fn read_plan(path: &Path, terminal: &Terminal) -> Result<Plan, CommandError> {
    let shown = visible(&path.display().to_string());
    let fail = |error: std::io::Error| CommandError::Plan {
        path: shown.clone(),
        hint: match error.kind() {
            std::io::ErrorKind::NotFound => "; `mail-cutover init DOMAIN` drafts one",
            std::io::ErrorKind::IsADirectory => "; give the plan's file",
            _ => "",
        },
        detail: error.to_string(),
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(PLAN_READ_LIMIT).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(PLAN_READ_LIMIT).read_to_end(&mut bytes)).map_err(fail)?;
    }
    // A plan that comes by /dev/stdin or from a shell's <(…) has no folder of its own, as one that comes by `-`.
    let is_piped = ["/dev", "/proc"].iter().any(|place| path.starts_with(place));
    let folder = path.parent().filter(|_| !is_piped).unwrap_or(Path::new("")).to_owned();
    plan::parse_bytes(&bytes, &shown, &Known { folder, ..known(Catalogue::embedded()) })
        .map_err(|problems| CommandError::Problems(problems.render(terminal.color_errors)))
}

/// The names that a plan may use; its files are read from the folder the tool runs in.
pub fn known(catalogue: &'static Catalogue) -> Known<'static> {
    Known {
        lists: catalogue.lists.iter().map(|list| list.id.as_str()).collect(),
        unasked: catalogue.lists.iter().filter(|list| !list.is_queryable()).map(|list| list.id.as_str()).collect(),
        zones: catalogue
            .lists
            .iter()
            .flat_map(|list| {
                let zones = Family::ALL.map(|family| list.zone_for(family));
                zones.into_iter().chain(list.aliases.iter().map(String::as_str)).map(|zone| (zone, list.id.as_str()))
            })
            .filter(|(zone, _)| !zone.is_empty())
            .collect(),
        key_zones: catalogue
            .lists
            .iter()
            .flat_map(|list| {
                let keyed = list.key_zone().into_iter().chain(list.aliases.iter().map(String::as_str));
                keyed.filter_map(|zone| zone.strip_prefix("{key}.").zip(list.key.as_deref()))
            })
            .collect(),
        keys: catalogue.lists.iter().filter_map(|list| list.key.as_deref()).collect(),
        sets: catalogue.sets().into_iter().collect(),
        providers: catalogue.providers.iter().map(|provider| provider.id.as_str()).collect(),
        tags: CHECKS
            .iter()
            .flat_map(|check| check.card.outcomes.iter().map(|outcome| outcome.tag).chain([check.card.id]))
            .collect(),
        receivers: catalogue.receivers.iter().map(|receiver| receiver.id.as_str()).collect(),
        folder: PathBuf::new(),
        read_file: Some(read_file),
    }
}

/// Reads a file that a plan names.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // Opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut octets = Vec::new();
    std::fs::File::open(path)?.take(plan::LONGEST_FILE as u64 + 1).read_to_end(&mut octets)?;
    if octets.len() > plan::LONGEST_FILE {
        let message = format!("it is longer than {} KiB", plan::LONGEST_FILE / 1024);
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    Ok(octets)
}

/// Checks `plan` and renders the report. `demo` gives the simulated world's clock.
pub(super) fn check_plan(
    plan: Plan,
    arguments: &RunArgs,
    terminal: &Terminal,
    demo: Option<DateTime<FixedOffset>>,
) -> Result<Printed, CommandError> {
    for name in arguments.only.iter().chain(&arguments.skip) {
        super::explain::must_exist(name)?;
    }
    let started = start_of(&plan, arguments, demo);
    let baseline = baseline(&plan, arguments, started, demo.is_some())?;
    let rehearsed = super::rehearse::load(&arguments.rehearse)?;
    let zones = rehearsed.iter().map(|zone| Path::new(&zone.path));
    spare(arguments.report.output.as_deref(), zones.chain(plan.files.iter().map(PathBuf::as_path)))?;
    let archive = arguments.save.as_deref().map(Archive::open).transpose()?;
    let runtime = runtime()?;
    // Before the temporary file, which a signal must not leave behind.
    let interrupted = {
        let _entered = runtime.enter();
        interrupted()
    };
    let delivery = Delivery::open(&arguments.report, terminal)?;
    let rules = super::inbound::policy_of(&plan)?;
    let secrets = secrets_of(&plan).and(keys_in(rules.as_ref()));
    let phase = arguments.phase.map_or_else(|| phase_at(&plan, started), Phase::from);
    let vantage = if arguments.on_new_server { Vantage::NewServer } else { Vantage::Desk };
    let mut report = {
        let _entered = runtime.enter();
        let context = Arc::new(context_by(plan, rules, vantage, phase, started, &secrets, rehearsed)?);
        let limits =
            Limits { deadline: arguments.deadline, only: arguments.only.clone(), skip: arguments.skip.clone() };
        let bar = progress(terminal, CHECKS.len() as u64, arguments.report.quiet);
        runtime.block_on(measure(&context, &limits, &bar, terminal, demo.is_some(), interrupted))
    };
    if let Some(baseline) = &baseline {
        compare::compare(&mut report, baseline);
    }
    let kept = archive.map(|archive| keep(&archive, &report, &secrets, terminal));
    let mut printed = delivery.complete(&report, &secrets)?;
    match kept {
        None => {}
        Some(Ok(path)) => printed.notice.push_str(&words::report_kept(terminal.lang, &path)),
        // The report itself is not held back for it.
        Some(Err(error)) => {
            printed.notice.push_str(&format!("error: {error}\n"));
            printed.exit = crate::exit::COULD_NOT_START;
        }
    }
    Ok(printed)
}

/// When the run begins, in the plan's offset.
fn start_of(plan: &Plan, arguments: &RunArgs, demo: Option<DateTime<FixedOffset>>) -> DateTime<FixedOffset> {
    let offset = *plan.cutover_at.offset();
    demo.or(arguments.at).unwrap_or_else(|| Utc::now().fixed_offset()).with_timezone(&offset)
}

/// The phase that the clock says.
pub(super) fn phase_at(plan: &Plan, now: DateTime<FixedOffset>) -> Phase {
    if now < plan.cutover_at { Phase::Before } else { Phase::After }
}

/// The earlier report, if one is named, refused where it is not of this move.
fn baseline(
    plan: &Plan,
    arguments: &RunArgs,
    started: DateTime<FixedOffset>,
    simulated: bool,
) -> Result<Option<Named>, CommandError> {
    let Some(path) = &arguments.baseline else { return Ok(None) };
    spare(arguments.report.output.as_deref(), [path.as_path()])?;
    let earlier = super::report_file::read(path, "compare with")?;
    compare::fit(&earlier, &columns(plan), &plan.expected(), simulated, started)?;
    Ok(Some(earlier))
}

/// Keeps the report in its folder; where it went.
fn keep(archive: &Archive, report: &Report, secrets: &Secrets, terminal: &Terminal) -> Result<String, ArchiveError> {
    let text = secrets.redact(&render::render(report, Format::Json, &terminal.style()));
    let path = archive.keep(&text, report.started, report.verdict)?;
    Ok(visible(&path.display().to_string()))
}

fn columns(plan: &Plan) -> Vec<Column> {
    plan.old.iter().chain(&plan.new).map(|address| Column { ip: address.ip, side: address.side }).collect()
}

/// Runs the checks and gathers what they said into a report.
pub(super) async fn measure(
    context: &Arc<Context>,
    limits: &Limits,
    bar: &ProgressBar,
    terminal: &Terminal,
    simulated: bool,
    interrupted: impl Future<Output = ()>,
) -> Report {
    let (started, phase) = (context.now, context.phase);
    let clock = Local::now();
    let ending = runner::run(CHECKS, context, limits, interrupted, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(words::questions_asked(terminal.lang, context.dns.queries_sent()));
    })
    .await;
    bar.finish_and_clear();
    let complete = ending.completion == Completion::Complete;
    let verdict = Verdict::over(&ending.sections, phase, complete);
    let part = Part {
        vantage: context.vantage,
        started,
        finished: started + (Local::now() - clock),
        run_by: run_by(),
        resolvers: context.dns.resolvers(),
        completion: ending.completion,
    };
    let plan = &context.plan;
    let observations = context.dns.observations();
    let subjects = ending.sections.iter().flat_map(|section| &section.statements).map(|statement| &statement.subject);
    let lines = subjects.filter_map(|subject| Some((subject.to_string(), plan.line_of(subject)?)));
    Report {
        tool: TOOL,
        catalogue_date: context.catalogue.revised.clone(),
        plan_path: plan.path.clone(),
        plan_sha256: plan.sha256.clone(),
        change: plan.change.clone(),
        title: plan.title.clone(),
        cutover_at: plan.cutover_at,
        expects: plan.expected(),
        milestones: milestones(plan, phase, &ending.sections, &observations),
        plan_lines: lines.collect(),
        phase,
        started: part.started,
        finished: part.finished,
        run_by: part.run_by.clone(),
        resolvers: part.resolvers.clone(),
        completion: part.completion,
        parts: vec![part],
        rehearsed: super::rehearse::described(context.dns.rehearsed()),
        simulated,
        columns: columns(plan),
        sections: ending.sections,
        observations,
        verdict,
        baseline: None,
    }
}

/// Everything that the checks of one run share. Keys are read from the environment; zones in `rehearsed` answer in place of the
/// world.
///
/// # Errors
/// [`CommandError::Resolver`] when there is nobody to ask; [`CommandError::Rules`] when those that the plan names cannot be read.
pub fn context(
    plan: Plan,
    vantage: Vantage,
    phase: Phase,
    now: DateTime<FixedOffset>,
    secrets: &Secrets,
    rehearsed: Vec<Loaded>,
) -> Result<Context, CommandError> {
    let rules = super::inbound::policy_of(&plan)?;
    context_by(plan, rules, vantage, phase, now, secrets, rehearsed)
}

/// The same with the new server's rules, which were read already: their keys are among `secrets`.
pub(super) fn context_by(
    plan: Plan,
    policy: Option<Policy>,
    vantage: Vantage,
    phase: Phase,
    now: DateTime<FixedOffset>,
    secrets: &Secrets,
    rehearsed: Vec<Loaded>,
) -> Result<Context, CommandError> {
    let catalogue = Catalogue::embedded();
    let dns = connect(&plan.dns, secrets, rehearsed)?;
    let selection = select(&plan.dnsbl, catalogue, key_in);
    let zones = policy.as_ref().map(Policy::zones).unwrap_or_default();
    let watch = match phase {
        Phase::Before => None,
        Phase::After => super::refusals::watch(&plan, now, &ours_of(&plan)),
    };
    Ok(Context {
        watch,
        vantage,
        phase,
        now,
        catalogue,
        consultant: Consultant::new(dns.clone(), plan.dns.resolver == Resolver::Auto),
        https: Https::new(https_settings(&plan), &dns)?,
        smtp: Smtp::new(smtp_settings(&plan), &dns)?,
        dns,
        enforced: enforced(&zones, &plan.dnsbl, catalogue, key_in),
        policy,
        lists: selection.asked,
        retired: selection.retired,
        tags: CHECKS
            .iter()
            .flat_map(|check| check.card.outcomes.iter().map(|outcome| (outcome.tag, &check.card)))
            .collect(),
        plan,
    })
}

/// The door to HTTPS as `[https]` says.
fn https_settings(plan: &Plan) -> HttpsSettings {
    let trusted = plan.https.trust.iter().flat_map(|chain| std::iter::once(&chain.leaf).chain(&chain.issuers));
    let roots = trusted.map(|certificate| certificate.der.clone()).collect();
    let usual = HttpsSettings::default();
    HttpsSettings { port: plan.https.port, roots, total: plan.https.timeout.to_std().unwrap_or(usual.total) }
}

/// The door to mail servers as `[smtp]` says.
fn smtp_settings(plan: &Plan) -> SmtpSettings {
    let smtp = &plan.smtp;
    let trusted = smtp.trust.iter().flat_map(|chain| std::iter::once(&chain.leaf).chain(&chain.issuers));
    SmtpSettings {
        ehlo: smtp.ehlo.clone().or_else(own_name),
        patience: smtp.timeout.to_std().unwrap_or(std::time::Duration::from_secs(20)),
        roots: trusted.map(|certificate| certificate.der.clone()).collect(),
        detours: smtp.detours.iter().map(|detour| (detour.of, detour.to)).collect(),
    }
}

/// This machine's name, if it is a full one.
fn own_name() -> Option<String> {
    let name = DomainName::parse(&host_name()?).ok()?;
    (name.is_host_name() && name.labels().count() > 1 && !name.as_str().ends_with(".localdomain"))
        .then(|| name.to_string())
}

/// Opens the door to the DNS as `[dns]` says.
pub(super) fn connect(plan: &DnsPlan, secrets: &Secrets, rehearsed: Vec<Loaded>) -> Result<Dns, CommandError> {
    let settings = Settings {
        resolver: match &plan.resolver {
            Resolver::Auto | Resolver::System => ResolverChoice::System,
            Resolver::Direct => ResolverChoice::Direct,
            Resolver::Servers(servers) => ResolverChoice::Servers(servers.clone()),
        },
        root_hints: plan.root_hints.clone(),
        authority_port: plan.authority_port,
        retransmit: plan.timeout.to_std().unwrap_or(Settings::default().retransmit),
        unpaced: plan.unpaced.clone(),
        secrets: secrets.clone(),
        rehearsed,
        ..Settings::default()
    };
    Ok(Dns::new(settings)?)
}

/// `user@host`, or as much of it as the system tells.
fn run_by() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let known: Vec<String> = [user, host_name()].into_iter().flatten().map(|name| name.trim().to_owned()).collect();
    visible(&known.join("@"))
}

/// The name that the system gives this machine.
fn host_name() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
}
