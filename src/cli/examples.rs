//! The examples at the end of every `--help` and manual page, one text a command.

/// Of the tool as a whole: the way of a move.
pub(super) const TOOL: &str = "\
Examples:
  mail-cutover demo
  mail-cutover init example.co.jp --new 203.0.113.25
  mail-cutover check plan.toml
  mail-cutover explain ptr-missing";

pub(super) const INIT: &str = "\
Examples:
  mail-cutover init example.co.jp --new 203.0.113.25
  mail-cutover init example.co.jp example.com --new 203.0.113.25 2001:db8:25::25
  mail-cutover init example.co.jp --zone example.co.jp.zone -o -";

pub(super) const CHECK: &str = "\
Examples:
  mail-cutover check plan.toml
  mail-cutover check plan.toml --format markdown -o CHG-1042.md
  mail-cutover check plan.toml --phase after --rehearse example.co.jp.zone
  mail-cutover check plan.toml --on-new-server --format json -o new.json";

pub(super) const MERGE: &str = "\
Examples:
  mail-cutover merge desk.json new.json
  mail-cutover merge desk.json old.json new.json --format html -o CHG-1042.html
  mail-cutover merge shard-1.ndjson shard-2.ndjson -o rank.ndjson";

pub(super) const COMPARE: &str = "\
Examples:
  mail-cutover compare before.json after.json
  mail-cutover compare before.json after.json --format json -o changes.json";

pub(super) const WATCH: &str = "\
Examples:
  mail-cutover watch plan.toml --until 24h
  mail-cutover watch plan.toml --every 10m --save reports --on-change ./tell";

pub(super) const INBOUND: &str = "\
Examples:
  mail-cutover inbound --plan plan.toml --log mail.log mail.log.1
  mail-cutover inbound --config main.cf --address 198.51.100.7
  mail-cutover inbound --plan plan.toml --log mail.log --format postfix";

pub(super) const RANK: &str = "\
Examples:
  mail-cutover rank 203.0.113.25 203.0.113.26
  mail-cutover rank 203.0.113.0/24
  mail-cutover rank --plan plan.toml --yes --resume rank.ndjson 198.18.0.0/16

Write your own addresses: samples from documentation are refused.";

pub(super) const BOUNCE: &str = "\
Examples:
  mail-cutover bounce error.eml
  mail-cutover bounce --plan plan.toml mailbox.mbox
  mail-cutover bounce --log mail.log mail.log.1.gz --plan plan.toml";

pub(super) const EXPLAIN: &str = "\
Examples:
  mail-cutover explain
  mail-cutover explain ptr-missing
  mail-cutover explain dnsbl --lang ja";

pub(super) const LISTS: &str = "\
Examples:
  mail-cutover lists
  mail-cutover lists --health --plan plan.toml";

pub(super) const SCHEMA: &str = "\
Examples:
  mail-cutover schema > plan.schema.json
  mail-cutover schema | less";

pub(super) const COMPLETIONS: &str = "\
Examples:
  mail-cutover completions bash > /etc/bash_completion.d/mail-cutover
  mail-cutover completions zsh > ~/.zfunc/_mail-cutover";

pub(super) const MANPAGE: &str = "\
Examples:
  mail-cutover manpage | man -l -
  mail-cutover manpage check > mail-cutover-check.1";

pub(super) const DEMO: &str = "\
Examples:
  mail-cutover demo
  mail-cutover demo --scenario clean --lang ja
  mail-cutover demo --format html -o demo.html";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::cli::Cli;

    /// Lost if it fails: a command would show no example, or one that it refuses, or one that a terminal of 80 columns breaks.
    #[test]
    fn every_command_shows_examples_that_it_takes() {
        let mut cli = Cli::command();
        cli.build();
        let commands = cli.get_subcommands().filter(|command| command.get_name() != "help");
        let mut seen = 0;
        for command in std::iter::once(&cli).chain(commands) {
            let name = command.get_name();
            let text = command.get_after_help().unwrap_or_else(|| panic!("{name} has no examples")).to_string();
            let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  mail-cutover")).collect();
            assert!(text.starts_with("Examples:\n") && (2..=4).contains(&lines.len()), "{name}: {text}");
            for line in lines {
                // What stands behind is the shell's.
                let words = line.split_whitespace().take_while(|word| !["|", ">"].contains(word));
                let words: Vec<&str> = std::iter::once("mail-cutover").chain(words).collect();
                assert!(name == "mail-cutover" || words.get(1) == Some(&name), "{line} stands at {name}");
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{line}: {error}");
                }
                assert!(line.len() + "  mail-cutover".len() <= 80, "{line}");
                seen += 1;
            }
        }
        assert!(seen > 30, "{seen}");
    }
}
