//! From the ACLs of a conversation to what becomes of the caller.

use super::Exim;
use super::conditions;
use super::config::Part;
use super::hosts;
use super::outcome::{Outcome, Word};
use super::visit::{Stage, Visit};
use super::walk::{self, Ending, Walk};
use crate::inbound::{Caller, Facts, Fate, Judgement, Naming, Place, Refusal, Rule};
use crate::model::Lang::{En, Ja};
use crate::model::{Value, visible};

const OTHER_GREETING: &str = "EHLO argument does not match calling host";
/// So many reasons are named.
const MOST_REASONS: usize = 3;

/// Looks at every condition of a stage, for what it asks of the world and for what is not judged.
pub(super) fn survey(stage: Stage, visit: &mut Visit<'_>) {
    visit.stage = stage;
    before(stage, visit);
    acl(stage, visit);
}

/// What becomes of `caller`.
pub(super) fn judge(exim: &Exim, caller: &Caller, facts: &Facts) -> Judgement {
    let mut visit = Visit::new(exim, caller, facts);
    let mut way = Way::default();
    for stage in Stage::ALL {
        visit.stage = stage;
        if matches!(stage, Stage::Helo | Stage::Mail) {
            visit.forget_message();
        }
        if !(way.take(before(stage, &mut visit), stage) && way.take(acl(stage, &mut visit), stage)) {
            return way.end(false);
        }
    }
    way.end(true)
}

/// What a caller has met so far.
#[derive(Default)]
struct Way {
    assumed: Option<Fate>,
    /// Every reply that is possible, by its first digit.
    classes: Vec<u16>,
    doubts: Vec<Value>,
    logged: Vec<Refusal>,
}

impl Way {
    /// Adds a stage; whether the caller may come to the next one.
    fn take(&mut self, walk: Walk, stage: Stage) -> bool {
        let mut passes = false;
        if self.assumed.is_none() {
            self.logged.extend(walk.logged);
            if let Some(Ending { refusal: Some(refusal), .. }) = walk.assumed {
                self.assumed = Some(Fate::Refused(told(refusal, stage)));
            }
        }
        for ending in walk.possible {
            match ending.refusal {
                None => passes = true,
                Some(refusal) => self.classes.push(told(refusal, stage).reply / 100),
            }
        }
        self.doubts.extend(walk.doubts);
        passes
    }

    fn end(mut self, passes: bool) -> Judgement {
        if passes {
            // A class of its own: taken, and not thrown away.
            self.classes.push(0);
        }
        let assumed = self.assumed.unwrap_or(Fate::Accepted);
        let all_alike = self.classes.windows(2).all(|pair| pair[0] == pair[1]);
        let fate = match all_alike {
            true => assumed,
            false => Fate::Unknown { why: reasons(&self.doubts), then: Box::new(assumed) },
        };
        Judgement { fate, only_logged: self.logged }
    }
}

/// Only where a message can be thrown away does Exim do so; elsewhere the word is a mistake.
fn told(refusal: Refusal, stage: Stage) -> Refusal {
    if refusal.reply == 250 && matches!(stage, Stage::Connect | Stage::Helo | Stage::Predata) {
        return Refusal { reply: 451, text: "Temporary local problem - please try later".to_owned(), ..refusal };
    }
    refusal
}

fn reasons(doubts: &[Value]) -> Value {
    let mut named: Vec<&Value> = Vec::new();
    for doubt in doubts {
        if !named.contains(&doubt) && named.len() < MOST_REASONS {
            named.push(doubt);
        }
    }
    let join = |lang, by: &str| named.iter().map(|doubt| doubt.in_lang(lang)).collect::<Vec<&str>>().join(by);
    Value::both(join(En, "; "), join(Ja, "。"))
}

/// What Exim asks before the ACL of a stage.
fn before(stage: Stage, visit: &mut Visit<'_>) -> Walk {
    match stage {
        Stage::Connect => listed_hosts("host_reject_connection", visit, (554, "SMTP service not available")),
        Stage::Helo => helo(visit),
        _ => passed(),
    }
}

fn passed() -> Walk {
    let ending = Ending { word: Word::Yes, refusal: None };
    Walk { assumed: Some(ending.clone()), possible: vec![ending], ..Walk::default() }
}

fn listed_hosts(option: &str, visit: &mut Visit<'_>, reply: (u16, &str)) -> Walk {
    let exim = visit.exim;
    let Some(list) = exim.config.value(option) else { return passed() };
    let outcome = hosts::judge(list, visit).settled(Word::No);
    // A list that cannot be told refuses nobody here.
    let outcome = outcome.turned(Word::Defer, Word::No);
    refused_if(outcome, option, list, reply, visit)
}

fn refused_if(outcome: Outcome, option: &str, value: &str, (reply, text): (u16, &str), visit: &Visit<'_>) -> Walk {
    let rule = Rule {
        section: option.to_owned(),
        written: visit.shown(&format!("{option} = {value}")),
        place: None,
        zone: None,
    };
    let refusal = Refusal { rule, codes: Vec::new(), reply, enhanced: None, text: visible(text) };
    let ending = |word| Ending { word, refusal: (word == Word::Yes).then(|| refusal.clone()) };
    Walk {
        assumed: outcome.assumed.map(ending),
        possible: outcome.possible.iter().map(ending).collect(),
        doubts: outcome.doubts,
        logged: Vec::new(),
    }
}

/// The name in HELO must be one (`helo_allow_chars`, `helo_accept_junk_hosts`), and for some hosts their own (`helo_verify_hosts`).
fn helo(visit: &mut Visit<'_>) -> Walk {
    let exim = visit.exim;
    let Some(helo) = visit.caller.helo.clone() else { return passed() };
    let junk = exim.config.value("helo_accept_junk_hosts");
    let syntax = if is_helo(&helo, exim.config.value("helo_allow_chars").unwrap_or_default()) {
        passed()
    } else {
        let takes = junk.map_or_else(|| Outcome::holds(false), |hosts| hosts::judge(hosts, visit));
        let outcome = takes.settled(Word::No).turned(Word::Defer, Word::No).negated();
        refused_if(outcome, "helo_allow_chars", "", (501, "Syntactically invalid EHLO argument(s)"), visit)
    };
    let Some(hosts) = exim.config.value("helo_verify_hosts") else { return syntax };
    let part = Part {
        negated: false,
        name: "helo_verify_hosts".to_owned(),
        value: hosts.to_owned(),
        place: Place { file: String::new(), line: 0 },
    };
    let wanted = hosts::judge(hosts, visit).settled(Word::No).turned(Word::Defer, Word::No);
    let verified = conditions::verify_helo(&part, visit).settled(Word::Yes);
    let both = wanted.and(verified.negated());
    let refused =
        |code, visit: &Visit<'_>| refused_if(both.clone(), "helo_verify_hosts", hosts, (code, OTHER_GREETING), visit);
    let mut walk = refused(550, visit);
    if matches!(visit.naming(), Some(Naming::Unanswered(_))) {
        // While nobody says whose address it is, whoever would be refused is put off.
        let put_off = refused(451, visit);
        walk.assumed = put_off.assumed;
        walk.possible.extend(put_off.possible);
        if both.possible.has(Word::Yes) {
            walk.doubts.push(conditions::helo_unanswered());
        }
    }
    joined(syntax, walk)
}

/// One walk after the other.
fn joined(first: Walk, second: Walk) -> Walk {
    let passes = |walk: &Walk| walk.possible.iter().any(|ending| ending.refusal.is_none());
    if !passes(&first) {
        return first;
    }
    let refused = |walk: &Walk| walk.assumed.as_ref().is_some_and(|ending| ending.refusal.is_some());
    let assumed = if refused(&first) { first.assumed } else { second.assumed };
    let before = first.possible.into_iter().filter(|ending| ending.refusal.is_some());
    Walk {
        assumed,
        possible: before.chain(second.possible).collect(),
        doubts: [first.doubts, second.doubts].concat(),
        logged: Vec::new(),
    }
}

/// Whether Exim takes a name in HELO for one (`check_helo` in `smtp_in.c`).
fn is_helo(name: &str, allowed: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[') {
        let Some(ip) = literal.strip_suffix(']') else { return false };
        let tagged = |tag: &str| ip.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        return match (tagged("IPv6:"), tagged("IPv4:")) {
            (true, _) => ip[5..].parse::<std::net::Ipv6Addr>().is_ok(),
            (_, true) => ip[5..].parse::<std::net::Ipv4Addr>().is_ok(),
            _ => ip.parse::<std::net::IpAddr>().is_ok(),
        };
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-') || allowed.contains(c);
    !name.is_empty() && name.chars().all(fits)
}

fn acl(stage: Stage, visit: &mut Visit<'_>) -> Walk {
    let exim = visit.exim;
    let option = stage.option();
    let Some(value) = exim.config.value(option) else {
        if stage != Stage::Rcpt {
            return passed();
        }
        // Without an ACL nobody may send to anybody.
        let refusal = Some(walk::implicit(option, visit));
        let ending = Ending { word: Word::No, refusal };
        return Walk { assumed: Some(ending.clone()), possible: vec![ending], ..Walk::default() };
    };
    match walk::named(value, visit) {
        Some((name, statements)) => walk::acl(&name, &statements, 0, visit),
        None => {
            let doubts = visit.unjudged(&format!("{option} = {value}"), which()).doubts;
            let ending = |word, refusal| Ending { word, refusal };
            let refusal = walk::implicit(option, visit);
            let passes = ending(Word::Yes, None);
            let possible = vec![passes.clone(), ending(Word::No, Some(refusal))];
            Walk { assumed: Some(passes), possible, doubts, logged: Vec::new() }
        }
    }
}

fn which() -> Value {
    Value::both("which ACL it is is not known here", "どの ACL かをここでは知ることができない")
}
