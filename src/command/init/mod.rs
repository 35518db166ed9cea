//! `init`: a plan from what there is today.

mod addresses;
mod draft;
mod exchangers;
mod page;
mod present;
mod questions;
mod selectors;
mod senders;
mod wanted;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use super::check::{connect, known};
use super::progress::spinner;
use super::{CommandError, Printed, Terminal, runtime};
use crate::catalogue::Catalogue;
use crate::cli::Init;
use crate::model::{Lang, Secrets, visible, word};
use crate::output::PendingFile;
use crate::plan::{self, Plan};
use crate::probe::{Smtp, SmtpSettings};
use crate::zonefile::Loaded;
use draft::Draft;
use present::Present;
use questions::Asker;
use selectors::{LONGEST_MAIL, Sample, read_sample};
use wanted::Wanted;

/// How long the old server may take for its greeting; a connection gets half of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes the draft of a plan.
pub(super) fn run(arguments: &Init, terminal: &Terminal) -> Result<Printed, CommandError> {
    let to_stdout = arguments.output == Path::new("-");
    // A bad place is told before anybody is asked anything.
    if !to_stdout {
        drop(PendingFile::fresh(&arguments.output)?);
    }
    let mut asker = Asker::at_terminal(terminal.lang);
    let wanted = Wanted::read(arguments, asker.as_mut())?;
    let zones = zones(&arguments.zone)?;
    let sample = arguments.sample.as_deref().map(sample).transpose()?;
    let runtime = runtime()?;
    let present = runtime.block_on(async {
        let dns = connect(&wanted.dns, &Secrets::default(), zones.clone())?;
        let settings =
            SmtpSettings { ehlo: None, patience: PATIENCE, roots: Vec::new(), detours: arguments.connect.clone() };
        let smtp = (!arguments.dns_only).then(|| Smtp::new(settings, &dns)).transpose()?;
        let bar = spinner(terminal);
        bar.set_message(looking(terminal.lang));
        if let Some(asker) = &mut asker {
            asker.busy = bar.clone();
        }
        let present = present::look(&dns, smtp.as_ref(), &wanted, &zones, sample.as_ref(), asker.as_mut()).await;
        bar.finish_and_clear();
        present
    })?;
    let hostname = wanted.hostname(&present, asker.as_mut())?;
    let cutover_at = wanted.cutover_at(asker.as_mut())?;
    let draft =
        Draft { wanted: &wanted, present: &present, zones: &zones, sample: sample.as_ref(), hostname, cutover_at };
    let text = draft.write(terminal.lang);
    let plan = understood(&text, &draft)?;
    let notice = closing(&arguments.output, &plan, &present, terminal.lang);
    if to_stdout {
        return Ok(Printed { text, notice, ..Printed::default() });
    }
    PendingFile::fresh(&arguments.output)?.complete(&text)?;
    Ok(Printed { text: notice, ..Printed::default() })
}

/// Reads the draft as `check` will, and sees that it says what it should.
///
/// # Errors
/// It does not: a bug, and no file is written.
fn understood(text: &str, draft: &Draft<'_>) -> Result<Plan, CommandError> {
    let bug = |what: String| {
        CommandError::Init(format!(
            "the draft is not the plan that was meant ({what}); this is a bug of mail-cutover, and nothing was written"
        ))
    };
    let plan = plan::parse_bytes(text.as_bytes(), "the draft", &known(Catalogue::embedded()))
        .map_err(|problems| bug(visible(problems.render(false).trim())))?;
    let ips = |addresses: &[plan::Address]| addresses.iter().map(|address| address.ip).collect::<Vec<_>>();
    let old: Vec<_> = draft.present.old.iter().map(|old| old.seen.ip).collect();
    for (what, is_as_meant) in [
        ("domains", plan.domains == draft.wanted.domains()),
        ("hostname", plan.hostname == draft.hostname),
        ("cutover_at", plan.cutover_at == draft.cutover_at),
        ("old", ips(&plan.old) == old),
        ("new", ips(&plan.new) == draft.wanted.new),
        ("waive", plan.waivers.is_empty() && plan.must_cover.is_empty() && plan.attest.is_empty()),
    ] {
        if !is_as_meant {
            return Err(bug(what.to_owned()));
        }
    }
    Ok(plan)
}

fn zones(arguments: &[String]) -> Result<Vec<Loaded>, CommandError> {
    super::rehearse::load(arguments).map_err(|error| match error {
        CommandError::Rehearse { path, detail } => {
            CommandError::Init(format!("the zone file {path}: {}", detail.replace("--rehearse", "--zone")))
        }
        other => other,
    })
}

fn sample(path: &Path) -> Result<Sample, CommandError> {
    let shown = visible(&path.display().to_string());
    let fail = |why: String| CommandError::Init(format!("the sample mail {shown}: {why}"));
    let mut octets = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST_MAIL as u64).read_to_end(&mut octets));
    read.map_err(|error| fail(error.to_string()))?;
    read_sample(&octets).ok_or_else(|| fail("it has no header fields; save a mail with all of them".to_owned()))
}

/// What to do next.
fn closing(path: &Path, plan: &Plan, present: &Present, lang: Lang) -> String {
    let name = if path == Path::new("-") { "plan.toml".to_owned() } else { visible(&path.display().to_string()) };
    // In the commands as a shell takes it; a name that no quotes help is left to its owner.
    let file = word(&name).unwrap_or_else(|| "PLAN".to_owned());
    let (domains, old, new) = (plan.domains.len(), plan.old.len(), plan.new.len());
    let domain = &plan.domains[0];
    match lang {
        Lang::En => {
            let open = if present.has_gaps() { "Not everything could be found out; the plan says what.\n" } else { "" };
            format!(
                "{name}: domains {domains}, old addresses {old}, new addresses {new}.\n{open}\
                 Next:\n\
                 \x20 1. read the plan, and write what only you know: partners, mailboxes, DKIM selectors of the new server\n\
                 \x20 2. mail-cutover check {file}\n\
                 \x20 3. mail-cutover check {file} --phase after --rehearse {domain}.zone   (the zone as it shall be)\n\
                 \x20 4. mail-cutover inbound --plan {file} --log mail.log   (whose mail will the new server refuse?)\n"
            )
        }
        Lang::Ja => {
            let open = if present.has_gaps() {
                "分からなかったことがある。計画の注釈に書いてある。\n"
            } else {
                ""
            };
            format!(
                "{name}: ドメイン {domains} 件、旧アドレス {old} 件、新アドレス {new} 件\n{open}\
                 次にすること:\n\
                 \x20 1. 計画を読み、取引先、メールボックス、新サーバーの DKIM セレクターなど、調べても分からないことを書き足す\n\
                 \x20 2. mail-cutover check {file} --lang ja\n\
                 \x20 3. mail-cutover check {file} --phase after --rehearse {domain}.zone --lang ja   (切り替え後のゾーン)\n\
                 \x20 4. mail-cutover inbound --plan {file} --log mail.log --lang ja   (新サーバーは誰のメールを拒否するか)\n"
            )
        }
    }
}

const fn looking(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "looking at what there is today",
        Lang::Ja => "現在の状態を調べています",
    }
}
