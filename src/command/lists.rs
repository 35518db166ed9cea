//! `lists`: the blocklist catalogue, and which of it can be believed from here.

use futures::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;

use super::check::{connect, read_plan};
use super::stop::interrupted;
use super::{CommandError, Printed, Terminal, key_in, runtime, secrets_of};
use crate::catalogue::{Catalogue, Family, Holds, List, ListStatus, Weight};
use crate::cli::{Lists, ListsFormat};
use crate::dnsbl::{Consultant, Health, Selected, State, select};
use crate::model::{Lang, Secrets};
use crate::plan::{DnsPlan, Dnsbl, Resolver};
use crate::render::grid;
use crate::words;

/// Shows the catalogue, or the health of the lists that a run would ask.
pub(super) fn run(arguments: &Lists, terminal: &Terminal) -> Result<Printed, CommandError> {
    let catalogue = Catalogue::embedded();
    let plan = arguments.plan.as_deref().map(|path| read_plan(path, terminal)).transpose()?;
    let secrets = plan.as_ref().map_or_else(Secrets::default, secrets_of);
    let (choice, dns_plan) = plan.map_or_else(|| (Dnsbl::default(), DnsPlan::default()), |plan| (plan.dnsbl, plan.dns));
    let selection = select(&choice, catalogue, key_in);
    if arguments.health {
        return health(arguments, terminal, &selection.asked, &dns_plan, &secrets);
    }
    let mut shown: Vec<Row> = catalogue
        .lists
        .iter()
        .filter(|list| arguments.all || matches!(list.status, ListStatus::Alive))
        .map(|list| Row::new(list, selection.asked.iter().any(|selected| selected.list.id == list.id), terminal.lang))
        .collect();
    shown.sort_by_key(|row| !row.asked);
    let text = match arguments.format {
        ListsFormat::Json => json(&serde_json::json!({ "schema": 1, "revised": catalogue.revised, "lists": shown })),
        ListsFormat::Table => {
            let words = words::list_headings(terminal.lang);
            let mut table = grid(terminal.width, terminal.unicode);
            table.set_header(&words[..6]);
            for row in &shown {
                table.add_row([
                    if row.asked { "●" } else { "" },
                    &row.id,
                    &row.zone,
                    &row.holds.join(" "),
                    &row.weighs(),
                    &row.stands(),
                ]);
            }
            format!("{table}\n{}\n", words::list_footing(terminal.lang, shown.len(), &catalogue.revised))
        }
    };
    Ok(Printed { text, ..Printed::default() })
}

/// A list as it is shown.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    operator: String,
    zone: String,
    zone_ipv6: String,
    holds: Vec<&'static str>,
    weight: &'static str,
    required: bool,
    asked: bool,
    sets: Vec<String>,
    state: &'static str,
    /// Since when it is dead, and why; for people, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    lookup_url: Option<String>,
    delist_url: Option<String>,
    checked: Option<chrono::NaiveDate>,
}

impl Row {
    fn new(list: &List, asked: bool, lang: Lang) -> Self {
        let dead = match &list.status {
            ListStatus::Dead { since, reason, .. } => Some((since, reason)),
            _ => None,
        };
        Self {
            id: list.id.clone(),
            name: list.name.clone(),
            operator: list.operator.clone(),
            zone: list.zone_for(Family::Ipv4).to_owned(),
            zone_ipv6: list.zone_for(Family::Ipv6).to_owned(),
            holds: Family::ALL
                .iter()
                .filter(|family| list.holds(**family) == Holds::Yes)
                .map(|family| family.word())
                .collect(),
            weight: weight_word(list.weight),
            required: list.required,
            asked,
            sets: list.sets.clone(),
            state: match &list.status {
                ListStatus::Alive => "alive",
                ListStatus::Unknown => "unknown",
                ListStatus::Dead { .. } => "dead",
            },
            since: dead.map(|(since, _)| since.in_lang(lang).to_owned()),
            reason: dead.map(|(_, reason)| reason.in_lang(lang).to_owned()),
            lookup_url: list.lookup_url.clone(),
            delist_url: list.delist_url.clone(),
            checked: list.checked,
        }
    }

    fn stands(&self) -> String {
        match (&self.since, &self.reason) {
            (Some(since), Some(reason)) => format!("{} {since}: {reason}", self.state),
            _ => self.state.to_owned(),
        }
    }

    fn weighs(&self) -> String {
        if self.required { format!("{} *", self.weight) } else { self.weight.to_owned() }
    }
}

/// The health of one list about one family.
#[derive(Serialize)]
struct Probed {
    id: String,
    name: String,
    zone: String,
    family: &'static str,
    required: bool,
    state: &'static str,
    route: &'static str,
    why: String,
}

fn health(
    arguments: &Lists,
    terminal: &Terminal,
    lists: &[Selected],
    dns_plan: &DnsPlan,
    secrets: &Secrets,
) -> Result<Printed, CommandError> {
    let wanted: Vec<(&Selected, Family)> = lists
        .iter()
        .flat_map(|selected| Family::ALL.map(|family| (selected, family)))
        .filter(|(selected, family)| {
            selected.list.holds(*family) == Holds::Yes && selected.list.test_listed(*family).is_some()
        })
        .collect();
    // Required, and yet never to be believed.
    let cannot_prove = |selected: &&Selected| {
        let lacks = |family| selected.list.holds(family) == Holds::Yes && selected.list.test_listed(family).is_none();
        selected.required && Family::ALL.into_iter().any(lacks)
    };
    let unproved: Vec<&str> = lists.iter().filter(cannot_prove).map(|selected| selected.list.name.as_str()).collect();
    let mut known: Vec<Option<Health>> = wanted.iter().map(|_| None).collect();
    let cut = runtime()?.block_on(async {
        let interrupted = interrupted();
        let dns = connect(dns_plan, secrets, Vec::new())?;
        let consultant = Consultant::new(dns, dns_plan.resolver == Resolver::Auto);
        let probe = async |index: usize, (selected, family): (&Selected, Family)| {
            (index, consultant.health(selected, family).await)
        };
        let mut under_way: FuturesUnordered<_> =
            wanted.iter().enumerate().map(|(index, wanted)| probe(index, *wanted)).collect();
        let time_is_up = tokio::time::sleep(arguments.deadline);
        tokio::pin!(interrupted, time_is_up);
        loop {
            tokio::select! {
                biased;
                next = under_way.next() => match next {
                    Some((index, health)) => known[index] = Some(health),
                    None => break Ok::<_, CommandError>(None),
                },
                () = &mut interrupted => break Ok(Some(words::interrupted(terminal.lang))),
                () = &mut time_is_up => break Ok(Some(words::deadline_passed(terminal.lang))),
            }
        }
    })?;
    let healthy = |health: &Option<Health>| health.as_ref().is_some_and(|health| health.state == State::Healthy);
    let silent = wanted.iter().zip(&known).any(|((selected, _), health)| selected.required && !healthy(health));
    let rows: Vec<Probed> = wanted
        .iter()
        .zip(&known)
        .map(|((selected, family), health)| row(selected, *family, health.as_ref(), cut.as_deref(), terminal.lang))
        .collect();
    let text = match arguments.format {
        ListsFormat::Json => json(&serde_json::json!({ "schema": 1, "health": rows })),
        ListsFormat::Table => {
            let words = words::list_headings(terminal.lang);
            let mut table = grid(terminal.width, terminal.unicode);
            table.set_header([words[1], words[3], words[4], words[5], words[6]]);
            for row in &rows {
                let required = if row.required { "*" } else { "" };
                table.add_row([&row.id, row.family, required, &format!("{} ({})", row.state, row.route), &row.why]);
            }
            let healthy = rows.iter().filter(|row| row.state == State::Healthy.word()).count();
            format!("{table}\n{}\n", words::health_footing(terminal.lang, healthy, rows.len()))
        }
    };
    let exit = if silent || cut.is_some() || !unproved.is_empty() { crate::exit::HOLD } else { 0 };
    let unproved = (!unproved.is_empty()).then(|| words::without_test_points(terminal.lang, &unproved.join(", ")));
    let notice = cut.into_iter().chain(unproved).map(|line| line + "\n").collect();
    Ok(Printed { text: secrets.redact(&text), notice, exit })
}

/// A row; without `health`, the run was `cut` before the list had proved anything.
fn row(selected: &Selected, family: Family, health: Option<&Health>, cut: Option<&str>, lang: Lang) -> Probed {
    Probed {
        id: selected.list.id.clone(),
        name: selected.list.name.clone(),
        zone: selected.zone(family),
        family: family.word(),
        required: selected.required,
        state: health.map_or("unfinished", |health| health.state.word()),
        route: health.map_or("resolver", |health| health.route),
        why: health.map_or(cut.unwrap_or_default(), |health| health.why.in_lang(lang)).to_owned(),
    }
}

fn weight_word(weight: Weight) -> &'static str {
    match weight {
        Weight::Block => "block",
        Weight::Warn => "warn",
        Weight::Info => "info",
    }
}

fn json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
