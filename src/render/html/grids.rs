//! Tables of signs: lists by address, and checks by address with old beside new.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::findings::Anchors;
use super::{shown, sign};
use crate::model::{Column, Lang, Report, Section, Side, Statement, Subject};
use crate::render::digest::{Standing, is_at, is_by_address, is_rehearsed, rehearses, worst};
use crate::words::{self, board as said};

/// The check that says of each address and each list whether one is on the other.
const OF_THE_LISTS: &str = "dnsbl";
/// More columns than this show signs only, and their headings stand upright.
const MOST_WIDE: usize = 6;

/// A cell: where it stands, whether it rests on a rehearsed zone, and the finding that says more.
type Cell = Option<(Standing, bool, Option<String>)>;

/// Which list says what of which address.
pub(super) fn lists(report: &Report, lang: Lang) -> Markup {
    let said = report
        .sections
        .iter()
        .filter(|section| section.card.id == OF_THE_LISTS)
        .flat_map(|section| &section.statements)
        .filter(|statement| statement.about.is_some() && statement.subject.side().is_some());
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut cells: BTreeMap<(&str, &Subject), (Standing, &Statement)> = BTreeMap::new();
    for statement in said {
        let list = statement.about.as_deref().unwrap_or_default();
        names.entry(list).or_insert_with(|| shown(list));
        if let Some(name) = statement.args.value("list") {
            names.insert(list, shown(name.in_lang(lang)));
        }
        let standing = Standing::of(statement);
        let cell = cells.entry((list, &statement.subject)).or_insert((standing, statement));
        if standing > cell.0 {
            *cell = (standing, statement);
        }
    }
    if names.is_empty() {
        return html! { p { (said::no_lists(lang)) } };
    }
    let anchors = Anchors::of(report);
    let lists: Vec<(&str, String)> = names.into_iter().collect();
    let cell = |list: usize, column: &Column| -> Cell {
        let subject = Subject::Address(column.ip, column.side);
        let (standing, statement) = cells.get(&(lists[list].0, &subject))?;
        Some((*standing, is_rehearsed(report, statement), anchors.at(statement)))
    };
    let headings: Vec<String> = lists.iter().map(|(_, name)| name.clone()).collect();
    let grid = Grid { report, lang, caption: said::lists_caption(lang), passed: said::not_listed(lang) };
    html! {
        p.lead { (said::lists_lead(lang)) }
        (grid.draw(&headings, cell))
        (grid.legend())
    }
}

/// The checks that are about addresses, old beside new, and the others below.
pub(super) fn sides(report: &Report, lang: Lang) -> Markup {
    let sections: Vec<&Section> = report.sections.iter().filter(|section| is_by_address(section)).collect();
    let anchors = Anchors::of(report);
    let cell = |row: usize, column: &Column| -> Cell {
        let section = sections[row];
        let about = |subject: &Subject| is_at(subject, column);
        // What a section says of the run as a whole, where it says nothing of an address: left out, cut short.
        let of_run = || worst(section, |subject| *subject == Subject::Run);
        let standing = worst(section, about).or_else(of_run)?;
        let is_it = |one: &&Statement| about(&one.subject) && Standing::of(one) == standing;
        let anchor = section.statements.iter().find(is_it).and_then(|one| anchors.at(one));
        Some((standing, rehearses(report, section, about), anchor))
    };
    let headings: Vec<String> = sections.iter().map(|section| section.card.short.in_lang(lang).to_owned()).collect();
    let passed = words::standing(lang, Standing::Passed.word());
    let grid = Grid { report, lang, caption: said::sides_caption(lang), passed };
    html! {
        p.lead { (said::sides_lead(lang)) }
        (grid.draw(&headings, cell))
        h3 { (said::other_checks(lang)) }
        (rest(report, lang))
    }
}

/// The checks that are not about addresses.
fn rest(report: &Report, lang: Lang) -> Markup {
    let [check, result, about] = said::rest_headings(lang);
    html! {
        div.wide role="region" tabindex="0" aria-label=(said::other_checks(lang)) {
            table.rest {
                caption.hidden { (said::other_checks(lang)) }
                thead { tr { th scope="col" { (check) } th scope="col" { (result) } th scope="col" { (about) } } }
                tbody {
                    @for section in report.sections.iter().filter(|section| !is_by_address(section)) {
                        @if let Some(standing) = worst(section, |_| true) {
                            tr {
                                th scope="row" { (section.card.short.in_lang(lang)) }
                                td class=(standing.word()) { (word(lang, standing, rehearses(report, section, |_| true), None)) }
                                td { (subjects(section, standing)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Of whom the worst is said.
fn subjects(section: &Section, standing: Standing) -> String {
    let worst = section.statements.iter().filter(|one| Standing::of(one) == standing && one.named().is_some());
    let mut subjects: Vec<String> =
        worst.filter(|one| one.subject != Subject::Run).map(|one| shown(&one.subject.to_string())).collect();
    subjects.dedup();
    subjects.join(", ")
}

fn word(lang: Lang, standing: Standing, rehearsed: bool, passed: Option<&str>) -> Markup {
    let word = match passed {
        Some(passed) if standing == Standing::Passed => passed,
        _ => words::standing(lang, standing.word()),
    };
    html! {
        span.sign aria-hidden="true" { (sign(standing)) }
        span.text { @if word.is_empty() { (said::not_applicable(lang)) } @else { (word) } }
        @if rehearsed { "*" }
    }
}

/// A table of signs about the addresses of the report.
struct Grid<'r> {
    report: &'r Report,
    lang: Lang,
    caption: &'static str,
    /// The word for "nothing found".
    passed: &'static str,
}

impl Grid<'_> {
    /// Addresses as columns; as rows, where there are too many of them.
    fn draw(&self, headings: &[String], cell: impl Fn(usize, &Column) -> Cell) -> Markup {
        let columns = &self.report.columns;
        if columns.len() <= MOST_WIDE {
            let rows: Vec<Vec<Cell>> =
                (0..headings.len()).map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect();
            let top = columns.iter().map(|column| self.address(column));
            let side = headings.iter().map(|heading| html! { (heading) });
            self.table(&top.collect::<Vec<_>>(), &side.collect::<Vec<_>>(), &rows)
        } else {
            let rows: Vec<Vec<Cell>> =
                columns.iter().map(|column| (0..headings.len()).map(|row| cell(row, column)).collect()).collect();
            let top = headings.iter().map(|heading| html! { span { (heading) } });
            let side = columns.iter().map(|column| self.address(column));
            self.table(&top.collect::<Vec<_>>(), &side.collect::<Vec<_>>(), &rows)
        }
    }

    fn address(&self, column: &Column) -> Markup {
        let side = if column.side == Side::Old { "side old" } else { "side new" };
        html! { span class=(side) { (words::side(self.lang, column.side)) } " " span.ip { (breakable(&column.ip.to_string())) } }
    }

    fn table(&self, top: &[Markup], side: &[Markup], rows: &[Vec<Cell>]) -> Markup {
        let class = if top.len() > MOST_WIDE { "grid narrow" } else { "grid" };
        html! {
            div.wide role="region" tabindex="0" aria-label=(self.caption) {
                table class=(class) {
                    caption.hidden { (self.caption) }
                    thead { tr { td {} @for heading in top { th scope="col" { (heading) } } } }
                    tbody {
                        @for (heading, row) in side.iter().zip(rows) {
                            tr { th scope="row" { (heading) } @for cell in row { (self.cell(cell)) } }
                        }
                    }
                }
            }
        }
    }

    fn cell(&self, cell: &Cell) -> Markup {
        let Some((standing, rehearsed, anchor)) = cell else {
            return html! { td.empty { span.hidden { (said::nothing_known(self.lang)) } } };
        };
        let word = word(self.lang, *standing, *rehearsed, Some(self.passed));
        html! {
            td class=(standing.word()) {
                @if let Some(anchor) = anchor { a href=(format!("#{anchor}")) { (word) } } @else { (word) }
            }
        }
    }

    /// What the signs mean.
    fn legend(&self) -> Markup {
        let kinds = [
            Standing::Passed,
            Standing::Blocker,
            Standing::Warning,
            Standing::Unknown,
            Standing::Note,
            Standing::WaivedBlocker,
        ];
        html! {
            ul.legend aria-label=(said::legend(self.lang)) {
                @for standing in kinds { li class=(standing.word()) { (word(self.lang, standing, false, Some(self.passed))) } }
                li.empty { (said::nothing_known(self.lang)) }
            }
        }
    }
}

/// An address that may be broken after its colons and dots.
fn breakable(ip: &str) -> Markup {
    html! { @for piece in ip.split_inclusive(':') { (piece) wbr; } }
}
