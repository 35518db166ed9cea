//! The outlook for people: what was read, the lists, the partners whose mail would be lost, what to paste, and the verdict.

use chrono::{DateTime, FixedOffset};
use comfy_table::{CellAlignment, Table};

use super::super::Style;
use super::super::grid::grid;
use super::super::ink::{Ink, verdict_ink};
use super::super::wrap::{grouped, pad, wrap};
use crate::inbound::{Dialect, Fate, Forecast, Outlook, Partner, Severity, located, per_week};
use crate::model::{Lang, Level, Vantage};

/// So many partners, clients of one partner and lines that are not judged are shown; `--verbose`, JSON and CSV have all.
const MOST_PARTNERS: usize = 20;
const MOST_CLIENTS: usize = 5;
const MOST_UNJUDGED: usize = 10;
/// Where the texts of the head begin.
const INDENT: usize = 10;

/// Writes the outlook. The text ends with a line end.
pub fn table(outlook: &Outlook, style: &Style) -> String {
    let writer = Writer { outlook, style };
    let mut parts = Vec::new();
    if !style.quiet {
        parts.push(writer.head());
        parts.extend(writer.lists());
        parts.extend(writer.partners());
    }
    parts.extend(writer.findings());
    if !style.quiet {
        parts.extend(writer.allow_list());
        parts.extend(writer.unjudged());
    }
    parts.push(writer.verdict());
    parts.join("\n")
}

struct Writer<'o> {
    outlook: &'o Outlook,
    style: &'o Style,
}

impl Writer<'_> {
    fn say<'t>(&self, en: &'t str, ja: &'t str) -> &'t str {
        match self.style.lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        if self.style.color { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
    }

    /// `text` in lines below each other, the first behind `label`.
    fn labelled(&self, label: &str, text: &str) -> String {
        let lines = wrap(text, self.style.width.saturating_sub(INDENT));
        let mut written = String::new();
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            written.push_str(&format!("{}{line}\n", pad(label, INDENT)));
        }
        written
    }

    fn head(&self) -> String {
        let outlook = self.outlook;
        let place = match outlook.vantage {
            Vantage::NewServer => self.say("on the new server", "新サーバー上"),
            Vantage::Desk => self.say("on another machine than the new server", "新サーバー以外のマシン"),
        };
        let when = outlook.started.format("%Y-%m-%d %H:%M %:z");
        let mut head = self.labelled(self.say("rules", "設定"), &outlook.policy);
        head.push_str(
            &self.labelled(self.say("judged", "判定"), &format!("{when}, {place}, {}", outlook.resolvers.join(", "))),
        );
        for log in &outlook.logs {
            let lines = grouped(log.summary.volume.lines);
            let mut said = match self.style.lang {
                Lang::En => format!("{}: {lines} lines, {} of clients", log.file, grouped(log.summary.understood)),
                Lang::Ja => format!("{}: {lines} 行、接続元の記録 {} 行", log.file, grouped(log.summary.understood)),
            };
            if let Some(error) = &log.error {
                said.push_str(&match self.style.lang {
                    Lang::En => format!("; broke off there: {error}"),
                    Lang::Ja => format!("。ここで途切れた: {error}"),
                });
            }
            head.push_str(&self.labelled(self.say("log", "ログ"), &said));
        }
        let clients: usize = outlook.partners.iter().map(|partner| partner.clients.len()).sum();
        let messages: u64 = outlook.partners.iter().map(|partner| partner.messages().0).sum();
        let (clients, messages) = (grouped(clients as u64), grouped(messages));
        let days = outlook.period.map(|(first, last)| {
            let offset = *outlook.started.offset();
            format!("{} – {}", day(first, offset), day(last, offset))
        });
        head.push_str(&self.labelled(
            self.say("senders", "送信元"),
            &match (self.style.lang, days) {
                (Lang::En, Some(days)) => format!("{clients} addresses, {messages} messages, {days}"),
                (Lang::En, None) => format!("{clients} addresses"),
                (Lang::Ja, Some(days)) => format!("{clients} アドレス、{messages} 通、{days}"),
                (Lang::Ja, None) => format!("{clients} アドレス"),
            },
        ));
        head
    }

    fn grid(&self, headings: &[&str]) -> Table {
        let mut table = grid(self.style.width, self.style.unicode);
        table.set_header(headings);
        table
    }

    fn lists(&self) -> Option<String> {
        if self.outlook.lists.is_empty() {
            return None;
        }
        let mut grid = match self.style.lang {
            Lang::En => self.grid(&["list", "asked about", "answers", "why"]),
            Lang::Ja => self.grid(&["リスト", "対象", "応答", "理由"]),
        };
        for list in &self.outlook.lists {
            let why = list.why.as_ref().map_or("", |why| why.in_lang(self.style.lang));
            grid.add_row([&list.zone, list.about, list.state.unwrap_or("–"), why]);
        }
        Some(format!("{grid}\n"))
    }

    fn partners(&self) -> Option<String> {
        let outlook = self.outlook;
        let troubled: Vec<&Partner> =
            outlook.partners.iter().filter(|partner| partner.worst() != Severity::Taken).collect();
        let fine = outlook.partners.len() - troubled.len();
        let seconds = outlook.period.map(|(first, last)| last - first);
        let mut grid = match self.style.lang {
            Lang::En => self.grid(&["partner", "lost a week", "in the log", "addresses", "refused by"]),
            Lang::Ja => self.grid(&["取引先", "失う通数/週", "ログの通数", "アドレス", "拒否する設定"]),
        };
        let most = if self.style.verbose { usize::MAX } else { MOST_PARTNERS };
        for partner in troubled.iter().take(most) {
            let (messages, refused, unknown) = partner.messages();
            let vip = if partner.vip { "★ " } else { "" };
            let lost = match (per_week(refused, seconds), partner.worst()) {
                (_, Severity::Unknown) if unknown > 0 => "?".to_owned(),
                (Some(lost), _) => grouped(lost),
                (None, _) => "–".to_owned(),
            };
            let refused_clients = partner.count(Severity::Refused) + partner.count(Severity::PutOff);
            grid.add_row([
                format!("{vip}{}", partner.name),
                lost,
                grouped(messages),
                format!("{refused_clients} / {}", partner.clients.len()),
                self.by(partner),
            ]);
        }
        for column in 1..=3 {
            if let Some(column) = grid.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = if troubled.is_empty() { String::new() } else { format!("{grid}\n") };
        let more = troubled.len().saturating_sub(most);
        if more > 0 {
            text.push_str(&match self.style.lang {
                Lang::En => format!("{more} more partners lose mail: --verbose, --format csv\n"),
                Lang::Ja => format!("ほかに {more} 件の取引先がメールを失う: --verbose、--format csv\n"),
            });
        }
        if fine > 0 {
            text.push_str(&match self.style.lang {
                Lang::En if fine == 1 => "1 partner: all mail is taken, as far as it is judged\n".to_owned(),
                Lang::En => format!("{fine} partners: all mail is taken, as far as it is judged\n"),
                Lang::Ja => format!("{fine} 件の取引先: 判定した範囲では、すべて受け入れられる\n"),
            });
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// By what a partner's mail is refused, or why that is not known.
    fn by(&self, partner: &Partner) -> String {
        let rules = partner.rules();
        if let Some((refusal, _)) = rules.first() {
            let more = if rules.len() > 1 { format!(" +{}", rules.len() - 1) } else { String::new() };
            return format!("{}{more}", refusal.rule.zone.as_ref().unwrap_or(&refusal.rule.written));
        }
        let unknown = partner.clients.iter().find_map(|client| match &client.fate {
            Fate::Unknown { why, .. } => Some(why.in_lang(self.style.lang).to_owned()),
            _ => None,
        });
        let nobody = || self.say("no address of it is known", "アドレスが分からない").to_owned();
        format!("? {}", unknown.unwrap_or_else(nobody))
    }

    fn findings(&self) -> Option<String> {
        let mut text = String::new();
        for finding in &self.outlook.findings {
            let (word, ink) = self.level(finding.level);
            let says = format!("{} [{}]: {}", finding.subject, finding.tag, finding.says.in_lang(self.style.lang));
            text.push_str(&self.entry(word, ink, &says));
            if let Some(corrected) = &finding.corrected {
                text.push_str(&self.labelled(self.say("  write", "  修正"), corrected));
            }
        }
        let most = if self.style.verbose { usize::MAX } else { MOST_PARTNERS };
        for partner in self.outlook.partners.iter().take(most) {
            text.push_str(&self.of_partner(partner));
        }
        Some(text).filter(|text| !text.is_empty())
    }

    fn level(&self, level: Level) -> (&str, Ink) {
        match level {
            Level::Blocker => (self.say("BLOCKER", "BLOCKER"), Ink::Bad),
            Level::Unknown => (self.say("UNKNOWN", "UNKNOWN"), Ink::Unknown),
            Level::Warning => (self.say("WARNING", "WARNING"), Ink::Careful),
            Level::Note => (self.say("NOTE", "NOTE"), Ink::Plain),
        }
    }

    fn entry(&self, word: &str, ink: Ink, says: &str) -> String {
        let plain = self.labelled(word, says);
        plain.replacen(word, &self.paint(ink, word), 1)
    }

    fn of_partner(&self, partner: &Partner) -> String {
        let level = match (partner.worst(), partner.vip) {
            (Severity::Refused | Severity::PutOff, true) => Level::Blocker,
            (Severity::Unknown, _) if partner.vip || partner.is_planned => Level::Unknown,
            (Severity::Taken, _) if partner.not_judged.is_empty() => return String::new(),
            (Severity::Taken, _) => Level::Note,
            (Severity::Refused | Severity::PutOff | Severity::Unknown, _) => Level::Warning,
        };
        let (word, ink) = self.level(level);
        let troubled: Vec<&Forecast> =
            partner.clients.iter().filter(|client| Severity::of(&client.fate) != Severity::Taken).collect();
        let most = if self.style.verbose { usize::MAX } else { MOST_CLIENTS };
        let mut text = String::new();
        for client in troubled.iter().take(most) {
            text.push_str(&self.entry(word, ink, &format!("{}: {}", partner.name, self.of_client(client))));
            if let Some(removal) = self.removal(client) {
                let ask = self.say("ask them to request removal at", "先方に解除申請を依頼する:");
                text.push_str(&self.labelled(self.say("  do", "  対処"), &format!("{ask} {removal}")));
            }
        }
        if troubled.len() > most {
            let more = troubled.len() - most;
            let more = match self.style.lang {
                Lang::En => format!("{more} more addresses of {}", partner.name),
                Lang::Ja => format!("{} のアドレスがほかに {more} 個", partner.name),
            };
            text.push_str(&self.labelled("", &more));
        }
        for what in &partner.not_judged {
            let (word, ink) = self.level(if partner.is_open { Level::Unknown } else { Level::Note });
            let says = format!("{}: {}", partner.name, what.in_lang(self.style.lang));
            text.push_str(&self.entry(word, ink, &says));
        }
        text
    }

    fn of_client(&self, client: &Forecast) -> String {
        let name = client.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let who = format!("{}{name}", client.ip);
        match &client.fate {
            Fate::Accepted => who,
            Fate::Unknown { why, .. } => format!("{who}: {}", why.in_lang(self.style.lang)),
            Fate::Refused(refusal) => {
                let enhanced = refusal.enhanced.as_ref().map_or_else(String::new, |code| format!(" {code}"));
                let reply = format!("{}{enhanced} {}", refusal.reply, refusal.text);
                let codes = refusal.codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let codes = if codes.is_empty() { codes } else { format!(" = {codes}") };
                let rule = located(&refusal.rule.written, refusal.rule.place.as_ref());
                match self.style.lang {
                    Lang::En => format!("{who} gets \"{reply}\" by {rule}{codes}"),
                    Lang::Ja => format!("{who} への応答「{reply}」、設定 {rule}{codes}"),
                }
            }
        }
    }

    /// Where the entry that refuses the client can be removed.
    fn removal(&self, client: &Forecast) -> Option<&str> {
        let zone = client.fate.refusal()?.rule.zone.as_deref()?;
        self.outlook.lists.iter().find(|list| list.zone == zone)?.removal.as_deref()
    }

    fn allow_list(&self) -> Option<String> {
        let entries = Dialect::Postfix.table(&self.outlook.partners);
        if entries.is_empty() {
            return None;
        }
        let count = entries.lines().filter(|line| !line.starts_with('#')).count();
        let says = match self.style.lang {
            Lang::En => format!(
                "to let {} off the lists: --format postfix or --format exim prints the entries to paste (mail-cutover explain rbl-in-partner says where)",
                if count == 1 {
                    "this address through until it is".to_owned()
                } else {
                    format!("these {count} addresses through until they are")
                }
            ),
            Lang::Ja => format!(
                "リストから外れるまでこの {count} アドレスを通すには: --format postfix または --format exim で、貼り付ける許可リストを出力する (貼り付け先は mail-cutover explain rbl-in-partner)"
            ),
        };
        Some(self.labelled(self.say("allow", "許可"), &says))
    }

    fn unjudged(&self) -> Option<String> {
        let all = &self.outlook.unjudged;
        if all.is_empty() {
            return None;
        }
        let most = if self.style.verbose { usize::MAX } else { MOST_UNJUDGED };
        let mut text = String::new();
        for unjudged in all.iter().take(most) {
            let says = format!(
                "{}: {}",
                located(&unjudged.written, unjudged.place.as_ref()),
                unjudged.why.in_lang(self.style.lang)
            );
            text.push_str(&self.entry(self.say("unjudged", "未判定"), Ink::Plain, &says));
        }
        if all.len() > most {
            let more = all.len() - most;
            text.push_str(&self.labelled(
                "",
                &match self.style.lang {
                    Lang::En => format!("{more} more lines are not judged: --verbose"),
                    Lang::Ja => format!("未判定の行がほかに {more} 行: --verbose"),
                },
            ));
        }
        Some(text)
    }

    fn verdict(&self) -> String {
        let verdict = self.outlook.verdict();
        let says = match (self.outlook.vantage, self.style.lang) {
            (Vantage::Desk, Lang::En) => {
                "for the mail of others, as seen from here; whether the lists answer the new server: run there with --on-new-server"
            }
            (Vantage::Desk, Lang::Ja) => {
                "受信メールについて、ここから見た判定。リストが新サーバーに応答するかは、新サーバー上で --on-new-server を付けて確かめる"
            }
            (Vantage::NewServer, Lang::En) => "for the mail of others, as the new server would judge it",
            (Vantage::NewServer, Lang::Ja) => "受信メールについて、新サーバーと同じ条件での判定",
        };
        let lines = wrap(says, self.style.width.saturating_sub(2)).join("\n  ");
        format!("{}\n  {lines}\n", self.paint(verdict_ink(verdict), verdict.words()))
    }
}

/// The day where the one sits who reads.
fn day(seconds: i64, offset: FixedOffset) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(String::new, |time| time.with_timezone(&offset).format("%Y-%m-%d").to_string())
}
