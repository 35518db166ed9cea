//! `rank`: which of the addresses on offer is best for a mail server?

mod candidates;
mod standing;
mod table;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufWriter, IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::check::{connect, read_plan};
use super::deliver::spare;
use super::progress::progress;
use super::stop::interrupted;
use super::{CommandError, Printed, Terminal, key_in, runtime, secrets_of};
use crate::catalogue::{Catalogue, Family, Holds};
use crate::cli::{Rank, RankFormat};
use crate::dnsbl::{Consultant, Selected, Sweep, select};
use crate::model::{Lang, Secrets, TOOL, visible};
use crate::output::PendingFile;
use crate::plan::{DnsPlan, Dnsbl, Resolver};
use crate::probe::Dns;
use crate::rows::{Form, Head, RowFile, RowWriter, RowsError};
use candidates::{Candidates, FEW};
use standing::{Around, COLUMNS, FAMILIES, Standing, is_complete};
use words::Cost;

/// For so many addresses their names and networks are asked for, too.
const NAMED: u64 = 1024;
/// So many addresses' names at once.
const NAMES_AT_ONCE: usize = 32;
/// So many addresses are held to be ordered.
const HELD: u64 = 65_536;

/// Ranks the candidates.
pub(super) fn run(arguments: &Rank, terminal: &Terminal) -> Result<Printed, CommandError> {
    let candidates = Candidates::parse(&arguments.addresses).map_err(CommandError::Rank)?;
    let form = match arguments.format {
        Some(RankFormat::Ndjson) => Some(Form::Ndjson),
        Some(RankFormat::Csv) => Some(Form::Csv),
        None if arguments.resume.is_some() => Some(Form::Ndjson),
        _ => None,
    };
    let refuse = |text: String| Err(CommandError::Rank(text));
    if form.is_none() && (arguments.resume.is_some() || arguments.shard.is_some()) {
        return refuse("into such a file; --resume and --shard want --format ndjson or csv".to_owned());
    }
    if form.is_none() && candidates.count() > HELD {
        return refuse(format!("more than {HELD} addresses best first; --format ndjson or csv takes them in order"));
    }
    // A plan may have lists of a laboratory.
    if arguments.plan.is_none()
        && let Some((range, kind)) = candidates.special()
    {
        return refuse(format!("{range}: it is {kind}; public lists are not to be asked about it"));
    }
    let plan = arguments.plan.as_deref().map(|path| read_plan(path, terminal)).transpose()?;
    let of_plan = plan.iter().flat_map(|plan| &plan.files);
    spare(arguments.output.as_deref(), arguments.plan.iter().chain(of_plan).map(PathBuf::as_path))?;
    let secrets = plan.as_ref().map_or_else(Secrets::default, secrets_of);
    let (choice, dns_plan) = plan.map_or_else(|| (Dnsbl::default(), DnsPlan::default()), |plan| (plan.dnsbl, plan.dns));
    let holds = |selected: &Selected| {
        FAMILIES.iter().any(|family| candidates.count_of(*family) > 0 && selected.list.holds(*family) != Holds::No)
    };
    let lists: Vec<Selected> = select(&choice, Catalogue::embedded(), key_in).asked.into_iter().filter(holds).collect();
    if lists.is_empty() {
        return refuse("without a list; the plan chooses none that holds such addresses".to_owned());
    }
    let runtime = runtime()?;
    let dns = {
        let _entered = runtime.enter();
        connect(&dns_plan, &secrets, Vec::new())?
    };
    let count = arguments.shard.map_or(candidates.count(), |shard| shard.count(candidates.count()));
    agree(arguments, terminal, &cost_of(&candidates, &lists, count, &dns_plan, &dns))?;
    let work = Work { arguments, candidates, lists, count, runtime, dns, dns_plan, terminal };
    let printed = match form {
        Some(form) => work.stream(form)?,
        None => work.hold()?,
    };
    // Everything was redacted where it came in; this holds even if one place was forgotten.
    Ok(Printed { text: secrets.redact(&printed.text), notice: secrets.redact(&printed.notice), ..printed })
}

/// What a sweep of `count` of the candidates costs others, without what is lost and asked again.
fn cost_of(candidates: &Candidates, lists: &[Selected], count: u64, dns_plan: &DnsPlan, dns: &Dns) -> Cost {
    let resolvers = dns.resolver_addresses();
    let is_unpaced = |server: &std::net::SocketAddr| {
        let is_it =
            |(ip, port): &(IpAddr, Option<u16>)| *ip == server.ip() && port.is_none_or(|port| port == server.port());
        dns_plan.unpaced.iter().any(is_it)
    };
    let all_unpaced = !resolvers.is_empty() && resolvers.iter().all(is_unpaced);
    let mut by_operator: HashMap<&str, (u64, u64)> = HashMap::new();
    let mut questions = 0;
    for selected in lists {
        let asked: u64 = FAMILIES
            .iter()
            .filter(|family| selected.list.holds(**family) != Holds::No)
            .map(|family| {
                let own = candidates.count_of(*family) * count / candidates.count().max(1);
                // Three test points before and after each block.
                if own == 0 { 0 } else { own + 3 * (count.div_ceil(crate::dnsbl::BLOCK as u64) + 1) }
            })
            .sum();
        questions += asked;
        let entry = by_operator.entry(&selected.list.operator).or_default();
        entry.0 += asked;
        entry.1 = selected.list.pace.map_or(entry.1, |pace| u64::from(pace).max(1));
    }
    let at_pace = |(asked, pace): &(u64, u64)| if *pace == 0 || all_unpaced { 0 } else { asked / pace };
    Cost {
        addresses: count,
        lists: lists.len(),
        questions,
        operators: by_operator.len(),
        seconds: by_operator.values().map(at_pace).max().unwrap_or(0),
    }
}

/// Asks before a large sweep.
fn agree(arguments: &Rank, terminal: &Terminal, cost: &Cost) -> Result<(), CommandError> {
    if cost.addresses <= FEW || arguments.yes {
        return Ok(());
    }
    let lang = terminal.lang;
    let text = words::cost(lang, cost);
    let stdin = std::io::stdin();
    if stdin.is_terminal() && std::io::stderr().is_terminal() {
        let mut answer = String::new();
        let asked = write!(std::io::stderr(), "{text}\n{}", words::go_on(lang));
        if asked.and_then(|()| stdin.lock().read_line(&mut answer)).is_ok()
            && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
        {
            return Ok(());
        }
    }
    // Errors are in English everywhere.
    let text = words::cost(Lang::En, cost);
    Err(CommandError::Rank(format!("so many addresses without a word: {text}; say --yes if that is wanted")))
}

/// A run.
struct Work<'a> {
    arguments: &'a Rank,
    candidates: Candidates,
    lists: Vec<Selected>,
    /// How many addresses this run, or this shard of it, is about.
    count: u64,
    runtime: Runtime,
    dns: Dns,
    dns_plan: DnsPlan,
    terminal: &'a Terminal,
}

impl Work<'_> {
    fn lang(&self) -> Lang {
        self.terminal.lang
    }

    /// All candidates of this run, in order.
    fn addresses(&self) -> Box<dyn Iterator<Item = IpAddr> + Send> {
        let all = self.candidates.addresses();
        match self.arguments.shard {
            Some(shard) => Box::new(shard.of(all)),
            None => Box::new(all),
        }
    }

    /// Best first, as a table or one JSON value.
    fn hold(&self) -> Result<Printed, CommandError> {
        let output = self.arguments.output.as_deref().filter(|path| *path != Path::new("-"));
        let file = output.map(PendingFile::beside).transpose()?;
        let mut found = Vec::new();
        let is_whole = self.sweep(0, |standing, _| {
            found.push(standing);
            Ok(())
        })?;
        found.sort_by_cached_key(Standing::rank);
        let text = match self.arguments.format {
            Some(RankFormat::Json) => table::json(&found, &self.lists, is_whole),
            _ => table::table(&found, self.terminal, (self.count > NAMED).then_some(NAMED)),
        };
        let complete = is_whole && found.iter().all(|standing| standing.complete);
        let notice = if is_whole { String::new() } else { words::stopped(self.lang(), None) + "\n" };
        let exit = if complete { crate::exit::GO } else { crate::exit::HOLD };
        match file {
            None => Ok(Printed { text, notice, exit }),
            Some(file) => {
                file.complete(&text)?;
                Ok(Printed { text: String::new(), notice, exit })
            }
        }
    }

    /// In the order of the input, row by row.
    fn stream(&self, form: Form) -> Result<Printed, CommandError> {
        let head = self.head(form);
        let line = |standing: &Standing| match form {
            Form::Ndjson => standing.json_line(),
            Form::Csv => standing.csv_line(),
        };
        let mut complete = true;
        let is_whole = if let Some(path) = &self.arguments.resume {
            let mut file = RowFile::resume(path, head, self.count, |row| complete &= is_complete(row))?;
            let is_whole = file.is_complete()
                || self.sweep(file.rows_before(), |standing, ends_block| {
                    complete &= standing.complete;
                    file.add(&line(&standing))?;
                    if ends_block { Ok(file.flush()?) } else { Ok(()) }
                })?;
            if is_whole {
                file.end()?;
            } else {
                file.flush()?;
            }
            is_whole
        } else if let Some(path) = self.arguments.output.as_deref().filter(|path| *path != Path::new("-")) {
            let file = PendingFile::beside(path)?;
            let failed = |source| CommandError::Rows(RowsError::Write { path: path.to_owned(), source });
            let mut writer = RowWriter::begin(head, BufWriter::new(file)).map_err(failed)?;
            let is_whole = self.sweep(0, |standing, _| {
                complete &= standing.complete;
                writer.add(&line(&standing)).map_err(failed)
            })?;
            if is_whole {
                let file = writer.end().map_err(failed)?;
                file.into_inner().map_err(|error| failed(error.into_error()))?.keep()?;
            }
            is_whole
        } else {
            let printed = self.print(head, |standing| {
                complete &= standing.complete;
                line(standing)
            });
            match printed {
                // Whoever closed the pipe has read enough.
                Err(CommandError::Stdout(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => false,
                printed => printed?,
            }
        };
        let mut notice = String::new();
        if self.count > NAMED {
            notice += &format!("{}\n", words::without_names(self.lang(), NAMED));
        }
        if !is_whole {
            let path = self.arguments.resume.as_ref().map(|path| visible(&path.display().to_string()));
            notice += &format!("{}\n", words::stopped(self.lang(), path.as_deref()));
        }
        let exit = if complete && is_whole { crate::exit::GO } else { crate::exit::HOLD };
        Ok(Printed { notice, exit, ..Printed::default() })
    }

    /// Rows to standard output; whether all were measured.
    fn print(&self, head: Head, mut line: impl FnMut(&Standing) -> String) -> Result<bool, CommandError> {
        let failed = CommandError::Stdout;
        let mut writer = RowWriter::begin(head, BufWriter::new(std::io::stdout().lock())).map_err(failed)?;
        let is_whole = self.sweep(0, |standing, ends_block| {
            writer.add(&line(&standing)).map_err(failed)?;
            if ends_block { writer.flush().map_err(failed) } else { Ok(()) }
        })?;
        if is_whole {
            writer.end().map_err(failed)?;
        } else {
            writer.flush().map_err(failed)?;
        }
        Ok(is_whole)
    }

    /// What decides what the rows say: addresses, lists and whom they are asked through.
    fn head(&self, form: Form) -> Head {
        let lists = self.lists.iter().flat_map(|selected| {
            // Not the key itself: the file may go to others.
            let zones = FAMILIES.map(|family| selected.zone(family));
            [selected.list.id.clone(), zones.join(" "), format!("{:?}", selected.weight)]
        });
        let resolver = [format!("{:?}", self.dns_plan.resolver), format!("{:?}", self.dns_plan.root_hints)];
        let catalogue = [Catalogue::embedded().revised.clone(), self.candidates.text()];
        let input = catalogue.into_iter().chain(resolver).chain(lists);
        Head::new(form, "rank", TOOL, input, self.arguments.shard, COLUMNS)
    }

    /// Measures all candidates but the first `done` and hands each to `take`, with whether a block ends; whether all were measured.
    fn sweep(
        &self,
        done: u64,
        mut take: impl FnMut(Standing, bool) -> Result<(), CommandError>,
    ) -> Result<bool, CommandError> {
        let left = self.count.saturating_sub(done);
        let skipped = usize::try_from(done).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(true);
        }
        let addresses = self.addresses().skip(skipped);
        let bar = progress(self.terminal, self.count, false);
        bar.set_position(done);
        let consultant = Consultant::new(self.dns.clone(), self.dns_plan.resolver == Resolver::Auto);
        let present: BTreeSet<Family> =
            FAMILIES.into_iter().filter(|family| self.candidates.count_of(*family) > 0).collect();
        let families: Vec<Family> = present.into_iter().collect();
        let stopped = Arc::new(Notify::new());
        let heard = {
            let _entered = self.runtime.enter();
            interrupted()
        };
        let telling = Arc::clone(&stopped);
        self.runtime.spawn(async move {
            heard.await;
            telling.notify_one();
        });
        let begun = self.runtime.block_on(async {
            let begin = async {
                let named = if self.count <= NAMED { self.around(skipped).await } else { HashMap::new() };
                let sweep = Sweep::start(&consultant, self.lists.clone(), &families, addresses).await;
                (named, sweep)
            };
            tokio::select! {
                biased;
                () = stopped.notified() => None,
                begun = begin => Some(begun),
            }
        });
        let Some((mut named, sweep)) = begun else { return Ok(false) };
        let mut sweep = sweep?;
        let stop = sweep.stopper();
        self.runtime.spawn(async move {
            stopped.notified().await;
            stop.stop();
        });
        let mut rows = 0;
        for row in &mut sweep {
            rows += 1;
            take(Standing::of(&row, &self.lists, named.remove(&row.ip)), row.ends_block)?;
            bar.inc(1);
            if row.ends_block {
                bar.set_message(words::progress(self.lang(), self.dns.queries_sent()));
            }
        }
        bar.finish_and_clear();
        Ok(rows == left)
    }

    /// Names and networks of all candidates but the first `skipped`.
    async fn around(&self, skipped: usize) -> HashMap<IpAddr, Around> {
        let one = |ip| async move { (ip, Around::of(&self.dns, Catalogue::embedded(), ip).await) };
        futures::stream::iter(self.addresses().skip(skipped)).map(one).buffer_unordered(NAMES_AT_ONCE).collect().await
    }
}
