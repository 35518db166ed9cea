//! How many labelled error mails and replies are explained right, beside Sisimai: `MAIL_CUTOVER_BOUNCES=FOLDER cargo bench --bench bounces`.
//!
//! The folder holds `labels.jsonl`, one sample a line: `class`, `sub`, `alt` (a second answer that is right too), `list`, `event` (which
//! of the refusals of a mail, from 1), and either `file` (a path in the folder) or `text`. With `MAIL_CUTOVER_MISSES=1` the samples that
//! were explained wrong are printed.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot read its samples stops there")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use mail_cutover::bounce::{Class, Explanation, Ours, classify, explain};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
struct Sample {
    file: Option<String>,
    text: Option<String>,
    event: usize,
    class: String,
    alt: String,
    sub: String,
}

fn main() {
    speed();
    let Some(folder) = std::env::var_os("MAIL_CUTOVER_BOUNCES") else {
        println!("accuracy: skipped, MAIL_CUTOVER_BOUNCES names no folder of labelled samples");
        return;
    };
    let folder = Path::new(&folder);
    let labels = std::fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    let samples: Vec<Sample> = labels.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mails, lines): (Vec<Sample>, Vec<Sample>) = samples.into_iter().partition(|sample| sample.file.is_some());
    let show = std::env::var_os("MAIL_CUTOVER_MISSES").is_some();
    for (name, samples) in [("mails", &mails), ("lines", &lines)] {
        let told: Vec<Option<Explanation>> = samples.iter().map(|sample| ours(folder, sample)).collect();
        let said: Vec<String> =
            told.iter().map(|told| told.as_ref().map_or("nothing", |told| told.class.word()).to_owned()).collect();
        score("mail-cutover", name, samples, &said);
        confusion(samples, &said);
        for ((sample, told), said) in samples.iter().zip(&told).zip(&said) {
            if show && !is_right(sample, said) {
                let rule = told.as_ref().map_or("-", |told| told.rule);
                let evidence = told.as_ref().map_or("", |told| told.evidence.as_str());
                let what = sample.file.as_deref().or(sample.text.as_deref()).unwrap_or_default();
                println!(
                    "  MISS {}/{} -> {said} by {rule}: {what} #{}: {evidence}",
                    sample.class, sample.sub, sample.event
                );
            }
        }
        match sisimai(folder, samples) {
            Some(said) => score("sisimai", name, samples, &said),
            None => println!("sisimai: skipped, `perl -MSisimai` does not work here (Debian: libsisimai-perl)"),
        }
    }
}

fn ours(folder: &Path, sample: &Sample) -> Option<Explanation> {
    let input = match (&sample.file, &sample.text) {
        (Some(file), _) => std::fs::read(folder.join(file)).unwrap(),
        (_, text) => text.clone().unwrap_or_default().into_bytes(),
    };
    explain(&input, &Ours::default()).into_iter().nth(sample.event - 1)
}

/// Sisimai has one word, "blocked", for what are four classes here (up to version 4): it is right for each of them.
fn is_right(sample: &Sample, said: &str) -> bool {
    let blocked = said == BLOCKED && matches!(sample.class.as_str(), "dnsbl" | "reputation" | "helo" | "ptr");
    blocked || sample.class == said || (!sample.alt.is_empty() && sample.alt == said)
}

fn is_critical(class: &str) -> bool {
    Class::ALL.iter().any(|known| known.word() == class && known.is_critical())
}

fn score(tool: &str, name: &str, samples: &[Sample], said: &[String]) {
    let mut text = format!("{tool:>13} {name}:");
    for (what, critical) in [("overall", false), ("critical", true)] {
        let counted: Vec<(&Sample, &String)> =
            samples.iter().zip(said).filter(|(sample, _)| !critical || is_critical(&sample.class)).collect();
        let right = counted.iter().filter(|(sample, said)| is_right(sample, said)).count();
        let first = counted.iter().filter(|(sample, said)| sample.class == **said).count();
        let percent = |part: usize| 100.0 * part as f64 / counted.len().max(1) as f64;
        let _ = write!(
            text,
            " {what} {right}/{} = {:.1}% (first answer {:.1}%);",
            counted.len(),
            percent(right),
            percent(first)
        );
    }
    println!("{}", text.trim_end_matches(';'));
}

/// Which class was taken for which; right ones (second answers too) stand in their own column.
fn confusion(samples: &[Sample], said: &[String]) {
    let mut table: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (sample, said) in samples.iter().zip(said) {
        let column = if is_right(sample, said) { sample.class.as_str() } else { said };
        *table.entry(&sample.class).or_default().entry(column).or_default() += 1;
    }
    for (class, row) in &table {
        let right = row.get(class).copied().unwrap_or(0);
        let wrong: Vec<String> = row
            .iter()
            .filter(|(column, _)| *column != class)
            .map(|(column, count)| format!("{column} {count}"))
            .collect();
        let all: usize = row.values().sum();
        println!("    {class:<13} {right:>4}/{all:<4} {}", wrong.join(", "));
    }
}

const BLOCKED: &str = "blocked";

/// What Sisimai makes of the samples, in our classes.
fn sisimai(folder: &Path, samples: &[Sample]) -> Option<Vec<String>> {
    let script = "use Sisimai; use utf8; $| = 1; for my $f (@ARGV) { \
        my $d = Sisimai->make($f, 'delivered' => 1, 'vacation' => 1); \
        print join(' ', map { $_->reason || 'undefined' } @{ $d || [] }), \"\\n\"; }";
    let scratch = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        files.push(match &sample.file {
            Some(file) => folder.join(file),
            None => {
                let path = scratch.path().join(format!("{number}.eml"));
                std::fs::write(&path, wrapped(sample.text.as_deref().unwrap_or_default())).unwrap();
                path
            }
        });
    }
    let output = Command::new("perl").args(["-e", script]).args(&files).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let reasons = String::from_utf8_lossy(&output.stdout).into_owned();
    let by_file: Vec<Vec<&str>> =
        reasons.lines().map(|line| line.split(' ').filter(|word| !word.is_empty()).collect()).collect();
    assert_eq!(by_file.len(), samples.len(), "sisimai did not answer for every sample");
    let said = |(sample, reasons): (&Sample, &Vec<&str>)| {
        reasons.get(sample.event - 1).map_or("nothing", |reason| class_of(reason)).to_owned()
    };
    Some(samples.iter().zip(&by_file).map(said).collect())
}

/// A reply as Postfix would report it, so that a reader of mails can read it.
fn wrapped(reply: &str) -> String {
    let reply = reply.split_whitespace().collect::<Vec<_>>().join(" ");
    let status = reply
        .split([' ', '-'])
        .find(|word| word.split('.').count() == 3 && word.starts_with(['4', '5']))
        .unwrap_or(if reply.starts_with('4') { "4.0.0" } else { "5.0.0" });
    format!(
        "From: MAILER-DAEMON@mail.example.jp (Mail Delivery System)\nTo: sender@example.jp\nSubject: Undelivered Mail Returned to Sender\n\
         Date: Tue, 24 Nov 2026 10:00:00 +0900\nMessage-Id: <x@mail.example.jp>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\n\
         This is the mail system at host mail.example.jp.\n\n<user@example.org>: host mx.example.org[192.0.2.5] said: {reply} (in reply to\n    RCPT TO command)\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.jp\n\nFinal-Recipient: rfc822; user@example.org\n\
         Action: failed\nStatus: {status}\nRemote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; {reply}\n\n\
         --b\nContent-Type: message/rfc822\n\nFrom: sender@example.jp\nTo: user@example.org\nSubject: test\nMessage-Id: <y@mail.example.jp>\n\ntest\n\n--b--\n"
    )
}

/// Sisimai's reasons in our classes.
fn class_of(reason: &str) -> &'static str {
    let table: HashMap<&str, &'static str> = HashMap::from([
        ("userunknown", "address"),
        ("filtered", "address"),
        ("suspend", "address"),
        ("hasmoved", "address"),
        ("hostunknown", "domain"),
        ("notaccept", "domain"),
        ("blocked", BLOCKED),
        ("badreputation", "reputation"),
        ("speeding", "reputation"),
        ("toomanyconn", "reputation"),
        ("requireptr", "ptr"),
        ("authfailure", "auth"),
        ("rejected", "policy"),
        ("policyviolation", "policy"),
        ("securityerror", "policy"),
        ("spamdetected", "content"),
        ("virusdetected", "content"),
        ("contenterror", "content"),
        ("notcompliantrfc", "content"),
        ("mesgtoobig", "size"),
        ("exceedlimit", "size"),
        ("mailboxfull", "mailbox-full"),
        ("norelaying", "relay"),
        ("failedstarttls", "tls"),
        ("networkerror", "network"),
        ("expired", "network"),
        ("systemerror", "server"),
        ("systemfull", "server"),
        ("mailererror", "server"),
        ("syntaxerror", "server"),
        ("feedback", "not-bounce"),
        ("vacation", "not-bounce"),
        ("delivered", "not-bounce"),
    ]);
    table.get(reason).copied().unwrap_or("unknown")
}

/// How fast replies are classified, all of them refusals.
fn speed() {
    let replies = [
        "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.25",
        "host mx.example.org[192.0.2.5] said: 550 5.1.1 <user@example.org>: Recipient address rejected: User unknown (in reply to RCPT TO command)",
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.25]",
        "connect to mx.example.org[192.0.2.5]:25: Connection timed out",
        "552 5.2.2 <user@example.org>: The mailbox is over quota",
        "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail has been temporarily rate limited.",
        "450 4.2.0 <user@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example.org/help",
    ];
    let octets: usize = replies.iter().map(|reply| reply.len()).sum();
    for round in 0..4 {
        let times = 20_000;
        let began = Instant::now();
        for _ in 0..times {
            for reply in replies {
                black_box(classify(black_box(reply), None, None));
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        if round > 0 {
            println!(
                "speed: {:.0} MB/s of replies, {:.0} replies/s",
                (octets * times) as f64 / seconds / 1e6,
                (replies.len() * times) as f64 / seconds
            );
        }
    }
}
