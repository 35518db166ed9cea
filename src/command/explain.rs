//! `explain`: the page of a check or tag, from the same values that the checks speak with.

use super::{CommandError, Printed, Terminal};
use crate::check::OF_THE_RUN;
use crate::checks::{CHECKS, find};
use crate::model::Card;
use crate::render;

/// Prints one page, or the list of all tags.
pub(super) fn run(name: Option<&str>, terminal: &Terminal) -> Result<Printed, CommandError> {
    let style = terminal.style();
    let cards: Vec<&Card> = CHECKS.iter().map(|check| &check.card).collect();
    let text = match name {
        None => render::explain_all(&cards, &OF_THE_RUN, &style),
        Some(name) => match (find(name), OF_THE_RUN.iter().find(|outcome| outcome.tag == name)) {
            (Some(check), _) => {
                let tag = (check.card.id != name).then_some(name);
                render::explain(&check.card, tag, &style)
            }
            (None, Some(outcome)) => render::explain_outcome(outcome, &style),
            (None, None) => return Err(no_such(name, &cards)),
        },
    };
    Ok(Printed { text, ..Printed::default() })
}

/// Refuses a name that no check and no tag has.
pub(super) fn must_exist(name: &str) -> Result<(), CommandError> {
    if find(name).is_some() {
        return Ok(());
    }
    let cards: Vec<&Card> = CHECKS.iter().map(|check| &check.card).collect();
    Err(no_such(name, &cards))
}

fn no_such(name: &str, cards: &[&Card]) -> CommandError {
    CommandError::NoSuchName { name: crate::model::visible(name), hint: hint(name, cards) }
}

fn hint(name: &str, cards: &[&Card]) -> String {
    let of_the_run = OF_THE_RUN.iter().map(|outcome| outcome.tag);
    let names = cards.iter().flat_map(|card| card.outcomes.iter().map(|outcome| outcome.tag).chain([card.id]));
    // A name that exists and does not fit here is no advice.
    let names = names.chain(of_the_run).filter(|known| *known != name);
    let near = names
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or_else(String::new, |(_, known)| format!(" (did you mean {known}?)"))
}
