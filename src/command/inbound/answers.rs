//! What the lists say of every client: swept, and kept in a file of rows if one is named, so that a run can be continued.

use std::net::IpAddr;
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Value as Json, json};

use super::super::CommandError;
use crate::catalogue::Family;
use crate::dnsbl::{Belief, Consultant, Lookup, Selected, Sweep, Word};
use crate::model::TOOL;
use crate::probe::{Answer, ResponseCode};
use crate::rows::{Form, Head, RowFile, Shard};

/// So many rows are taken from the sweep at once.
const ROWS: usize = 256;

/// What is to be asked, and where it is kept.
pub(super) struct Question<'q> {
    pub(super) consultant: &'q Consultant,
    /// The lists, and the zones by which the rules name them, without keys.
    pub(super) lists: Vec<Selected>,
    pub(super) zones: Vec<String>,
    pub(super) families: &'q [Family],
    /// All clients in their order.
    pub(super) all: &'q [IpAddr],
    /// Those of them to ask about: the shard's.
    pub(super) ips: &'q [IpAddr],
    /// Answers are taken as they come; elsewhere only those count that can be believed.
    pub(super) as_it_comes: bool,
    pub(super) file: Option<&'q Path>,
    pub(super) shard: Option<Shard>,
}

/// What each list said of each client: of the first ones, if the run was cut short. Nothing where it was not asked, or its word does not
/// count.
pub(super) type Answers = Vec<Vec<Option<Lookup>>>;

impl Question<'_> {
    /// Asks what the file does not have yet. `interrupted` ends it; what was answered by then is in the file.
    pub(super) async fn ask(
        self,
        bar: &ProgressBar,
        interrupted: &mut (impl Future<Output = ()> + Unpin),
    ) -> Result<Answers, CommandError> {
        let mut answers = Answers::new();
        let mut file = match self.file {
            None => None,
            Some(path) => {
                let wanted = self.ips.len() as u64;
                let read = |line: &str| answers.push(read_row(line, self.lists.len()));
                Some(RowFile::resume(path, self.head(), wanted, read)?)
            }
        };
        bar.inc(answers.len() as u64);
        let rest = self.ips[answers.len().min(self.ips.len())..].to_vec();
        if rest.is_empty() {
            file.map_or(Ok(()), RowFile::end)?;
            return Ok(answers);
        }
        let mut sweep = Sweep::start(self.consultant, self.lists.clone(), self.families, rest.into_iter()).await?;
        let stop = sweep.stopper();
        let mut is_cut = false;
        loop {
            let taken = tokio::task::spawn_blocking(move || {
                let rows: Vec<_> = sweep.by_ref().take(ROWS).collect();
                (sweep, rows)
            });
            tokio::pin!(taken);
            let (back, rows) = loop {
                tokio::select! {
                    taken = &mut taken => break taken.map_err(std::io::Error::from)?,
                    () = &mut *interrupted, if !is_cut => { is_cut = true; stop.stop(); }
                }
            };
            sweep = back;
            if rows.is_empty() {
                break;
            }
            bar.inc(rows.len() as u64);
            for row in rows {
                let said: Vec<Option<Lookup>> = row.words.into_iter().map(|word| self.counted(word)).collect();
                if let Some(file) = &mut file {
                    file.add(&write_row(row.ip, &said))?;
                    if row.ends_block {
                        file.flush()?;
                    }
                }
                answers.push(said);
            }
        }
        match file {
            Some(file) if !is_cut => file.end()?,
            Some(mut file) => file.flush()?,
            None => {}
        }
        Ok(answers)
    }

    /// What counts of a word.
    fn counted(&self, word: Word) -> Option<Lookup> {
        if word.belief == Belief::NotApplicable {
            // A list that holds no such entries has none for it.
            return Some(Lookup::Absent);
        }
        let is_believed = match (&word.belief, &word.lookup) {
            (_, Some(Lookup::Failed(_))) => true,
            (Belief::Unknown(..), _) => self.as_it_comes,
            _ => true,
        };
        word.lookup.filter(|_| is_believed)
    }

    /// What the rows are the result of.
    fn head(&self) -> Head {
        let lists = self.zones.iter().map(|zone| format!("list {zone}"));
        let ips = self.all.iter().map(ToString::to_string);
        let place = std::iter::once(format!("as it comes: {}", self.as_it_comes));
        Head::new(Form::Ndjson, "inbound", TOOL, place.chain(lists).chain(ips), self.shard, "")
    }
}

/// `{"ip":"192.0.2.1","said":[[],["127.0.0.4"],"timeout",null]}`: for each list no entry, its answers, why there is none, not asked.
fn write_row(ip: IpAddr, said: &[Option<Lookup>]) -> String {
    let said = said.iter().map(|one| match one {
        None => Json::Null,
        Some(Lookup::Absent) => json!([]),
        Some(Lookup::Addresses(codes)) => json!(codes),
        Some(Lookup::Failed(answer)) => json!(answer.to_string()),
    });
    json!({ "ip": ip, "said": said.collect::<Vec<Json>>() }).to_string()
}

/// What a row says; what cannot be read was not said.
fn read_row(line: &str, lists: usize) -> Vec<Option<Lookup>> {
    let row: Json = serde_json::from_str(line).unwrap_or_default();
    let one = |place: usize| match &row["said"][place] {
        Json::Array(codes) if codes.is_empty() => Some(Lookup::Absent),
        Json::Array(codes) => {
            let codes: Option<Vec<_>> = codes.iter().map(|code| code.as_str()?.parse().ok()).collect();
            codes.map(Lookup::Addresses)
        }
        Json::String(word) => Some(Lookup::Failed(match word.as_str() {
            "servfail" => Answer::Rcode(ResponseCode::ServFail),
            "refused" => Answer::Rcode(ResponseCode::Refused),
            _ => Answer::Timeout,
        })),
        _ => None,
    };
    (0..lists).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a continued run would judge by other answers than those that came.
    #[test]
    fn rows_are_read_as_they_were_written() {
        let said = vec![
            None,
            Some(Lookup::Absent),
            Some(Lookup::Addresses(vec![[127, 0, 0, 4].into(), [127, 0, 0, 10].into()])),
            Some(Lookup::Failed(Answer::Timeout)),
            Some(Lookup::Failed(Answer::Rcode(ResponseCode::ServFail))),
        ];
        let line = write_row([192, 0, 2, 1].into(), &said);
        assert_eq!(line, r#"{"ip":"192.0.2.1","said":[null,[],["127.0.0.4","127.0.0.10"],"timeout","servfail"]}"#);
        assert_eq!(read_row(&line, 5), said);
        for damaged in ["", "{", r#"{"said":[["no address"]]}"#, r#"{"said":7}"#] {
            assert_eq!(read_row(damaged, 1), [None], "{damaged}");
        }
    }
}
