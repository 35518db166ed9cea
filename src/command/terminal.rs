//! What is known of the place where the output goes.

use std::io::IsTerminal;

use crate::cli::{Cli, When};
use crate::model::Lang;
use crate::render::Style;

/// Columns assumed where there is no terminal to ask.
const WIDTH_WITHOUT_TERMINAL: usize = 100;

/// The terminal, or the lack of one.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Language of the output.
    pub lang: Lang,
    /// Whether colour may be used on standard output.
    pub color: bool,
    /// Whether colour may be used on standard error.
    pub color_errors: bool,
    /// Columns.
    pub width: usize,
    /// Whether the locale can show more than ASCII.
    pub unicode: bool,
    /// Whether somebody watches standard error.
    pub progress: bool,
}

impl Terminal {
    /// Looks at the command line, the environment and the streams.
    pub fn look(cli: &Cli) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        let charset =
            ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        let from_locale =
            if locale.as_deref().is_some_and(|locale| locale.starts_with("ja")) { Lang::Ja } else { Lang::En };
        let on_terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let columns =
            std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
        let measured = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        // What goes through a pager is read at the terminal at which it was asked for.
        let beside = terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
        let beside = beside.map(|width| width.min(WIDTH_WITHOUT_TERMINAL));
        let color = |on_terminal: bool| match cli.color {
            When::Always => true,
            When::Never => false,
            When::Auto => on_terminal && !plain,
        };
        Self {
            lang: cli.lang.map_or(from_locale, Lang::from),
            color: color(on_terminal),
            color_errors: color(std::io::stderr().is_terminal()),
            width: measured.or(columns).or(beside).unwrap_or(WIDTH_WITHOUT_TERMINAL).clamp(40, 400),
            // A pipe gets the same characters as a UTF-8 terminal; only a terminal that names another charset gets ASCII.
            unicode: !on_terminal
                || charset.is_none_or(|charset| charset.to_ascii_lowercase().replace('-', "").contains("utf8")),
            progress: std::io::stderr().is_terminal() && !plain,
        }
    }

    /// The style of a page; a report may say `verbose`, `quiet` or `strict` in it.
    pub fn style(&self) -> Style {
        Style {
            lang: self.lang,
            color: self.color,
            width: self.width,
            unicode: self.unicode,
            verbose: false,
            quiet: false,
            strict: false,
        }
    }
}
