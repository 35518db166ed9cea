//! What is wrong with a plan: every problem, each at the octets it stands at, with what to write instead.

use super::{Known, Problems, config, more, new, parse, top};

/// Takes the marks out of `marked` and returns the text and the places between `«` and `»`.
fn unmark(marked: &str) -> (String, Vec<std::ops::Range<usize>>) {
    let (mut text, mut places, mut start) = (String::new(), Vec::new(), 0);
    for character in marked.chars() {
        match character {
            '«' => start = text.len(),
            '»' => places.push(start..text.len()),
            other => text.push(other),
        }
    }
    (text, places)
}

/// Asserts that the plan has a problem at every mark and no other, each with its words in message or help, and that the
/// rendered text names path, line and column of each and shows the line.
fn refuse(marked: &str, words: &[&str]) -> Problems {
    let (text, places) = unmark(marked);
    let Err(problems) = parse(&text) else { panic!("read without a problem:\n{text}") };
    let found: Vec<_> = problems.all.iter().map(|problem| problem.span.clone()).collect();
    assert_eq!(found, places, "{problems}");
    assert_eq!(places.len(), words.len(), "{problems}");
    let rendered = problems.to_string();
    for (problem, words) in problems.all.iter().zip(words) {
        let said = format!("{} | {}", problem.message, problem.help.as_deref().unwrap_or_default());
        for word in words.split('&') {
            assert!(said.contains(word.trim()), "{said:?} lacks {word:?}");
        }
        let before = &text[..problem.span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        assert_eq!(problems.line_of(problem), line);
        let column = text[line_start..problem.span.start].chars().count() + 1;
        assert!(rendered.contains(&format!("plan.toml:{line}:{column}")), "{line}:{column} in\n{rendered}");
    }
    let count = if words.len() == 1 { "1 problem;".to_owned() } else { format!("{} problems;", words.len()) };
    assert!(rendered.contains(&count), "{rendered}");
    problems
}

/// Lost if it fails: an administrator mends one line, runs, mends the next, and the evening of the change is over.
#[test]
fn all_problems_are_told_at_once() {
    let problems = refuse(
        r#"cutover_at = «2026-12-05T22:00:00»
domains = ["example.co.jp", «"192.0.2.1"»]
hostname = «"mail"»
«tittle» = "a move"
[old]
ips = [«"192.0.2.256"»]
[new]
ips = [«"10.0.0.25"»]
[dnsbl]
lists = [«"spamhaus-zenn"»]
«[[waive]]»
tag = "ptr-missing"
reason = "r"
owner = "o"
"#,
        &[
            "no offset & 2026-12-05T22:00:00+09:00",
            "address, not a name",
            "not the name of a host",
            "no key `tittle` & did you mean `title`?",
            "not an IP address",
            "private address & allow_special",
            "no blocklist & did you mean \"spamhaus-zen\"?",
            "[waive] lacks `until` & until = 2026-12-12",
        ],
    );
    let rendered = problems.render(false);
    assert!(rendered.contains("4 | tittle = ") && rendered.contains("8 | ips = [\"10.0.0.25\"]"), "{rendered}");
}

/// Lost if it fails: DANE records would be judged without the certificate that the plan names, and nobody would know.
#[test]
fn the_certificate_must_be_there_and_be_one() {
    for (written, words) in [
        ("gone.pem", "could not read gone.pem & path of a PEM file"),
        (".", "could not read .: it is not a file"),
        ("plan.minimal.toml", "plan.minimal.toml cannot be used: it holds no certificate"),
    ] {
        refuse(&new(&format!("certificate = «\"{written}\"»")), &[words]);
    }
    let nobody_reads = Known { read_file: None, ..Known::default() };
    let text = new("certificate = \"sample-certificate.pem\"");
    assert!(mail_cutover::plan::parse(&text, "plan.toml", &nobody_reads).is_err());
}

/// Lost if it fails: an address that no receiver will ever see would be checked, and found clean.
#[test]
fn new_addresses_must_be_public() {
    for (ip, kind) in [
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "carrier"),
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "this network"),
        ("169.254.1.1", "link-local"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("198.18.0.1", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::192.0.2.1", "outside 2000::/3"),
        ("fe80::1", "link-local"),
        ("fd00::1", "unique local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("2002:102:304::1", "6to4"),
        ("2001::1", "Teredo"),
        ("2001:20::1", "IETF protocol"),
        ("64:ff9b::102:304", "NAT64"),
        ("4000::1", "outside 2000::/3"),
        ("e000::1", "outside 2000::/3"),
    ] {
        refuse(&new(&format!("ips = [«\"{ip}\"»]")), &[kind]);
        refuse(&new(&format!("ips = [{{ sends = true, ip = «\"{ip}\"» }}]")), &[kind]);
        parse(&new(&format!("allow_special = true\nreason = \"laboratory\"\nips = [\"{ip}\"]"))).unwrap();
    }
    for public in ["1.2.3.4", "100.63.255.255", "172.32.0.1", "198.17.255.255", "2600::1", "2a01::1", "2001:200::1"] {
        parse(&new(&format!("ips = [\"{public}\"]"))).unwrap();
    }
}

/// Lost if it fails: an exception for a laboratory would be made without a word, or by half.
#[test]
fn an_exception_and_its_reason_go_together() {
    refuse(&new("ips = [\"10.0.0.1\"]\nallow_special = «true»"), &["needs a reason"]);
    refuse(&new("reason = «\"lab\"»"), &["nothing is allowed & allow_special = true"]);
    refuse(&new("allow_special = false\nreason = «\"lab\"»"), &["nothing is allowed"]);
    refuse(&new("allow_special = true\nreason = «\" \"»"), &["`reason` is empty"]);
    refuse(&new("ips = [{ ip = \"10.0.0.1\", allow_special = «true» }]"), &["needs a reason"]);
}

/// Lost if it fails: one server would be counted twice, or an address would mean another than it says.
#[test]
fn addresses_are_written_once_and_plainly() {
    for (ips, words) in [
        (r#"["1.2.3.4", «"1.2.3.4"»]"#, "twice"),
        (r#"["2600::25", «"2600:0::0025"»]"#, "twice"),
        (r#"["1.2.3.4", { ip = «"1.2.3.4"», sends = false }]"#, "twice"),
        (r#"["1.2.3.4", «"::ffff:1.2.3.4"»]"#, "write \"1.2.3.4\""),
        (r#"[«"fe80::1%eth0"»]"#, "zone id"),
        (r#"[«"1.2.3.0/24"»]"#, "is a range"),
        (r#"[«"01.2.3.4"»]"#, "leading zeros & write \"1.2.3.4\""),
        (r#"[«"1.2.3"»]"#, "not an IP address"),
        (r#"[«"[2600::25]"»]"#, "not an IP address"),
        (r#"[«"mail.example.jp"»]"#, "not an IP address"),
        (r#"[«""»]"#, "is empty"),
        ("[«12»]", "found an integer"),
        (r#"[{ ip = «"1.2.3.4"», sends = false, receives = false }]"#, "neither sends nor receives"),
        (r#"[«{ ptr = "a.example.jp" }»]"#, "lacks `ip`"),
        (r#"[{ ip = "1.2.3.4", «ptrr» = "a.example.jp" }]"#, "did you mean `ptr`?"),
        (r#"«"1.2.3.4"»"#, "wants a list of addresses"),
    ] {
        refuse(&new(&format!("ips = {ips}")), &[words]);
    }
    refuse(&new("ips = []").replace("[new]", "«[new]»"), &["`ips` is empty"]);
}

/// Lost if it fails: two people in two time zones would read two switches out of one plan.
#[test]
fn times_and_days_say_what_they_mean() {
    for (value, words) in [
        ("2026-12-05T22:00:00", "no offset & 2026-12-05T22:00:00+09:00 for Japan"),
        ("2026-12-05 22:00:00", "no offset"),
        ("2026-12-05", "no offset & such as 2026-12-05T22:00:00+09:00"),
        ("22:00:00", "no offset & such as 2026-12-05T22:00:00+09:00"),
        ("\"2026-12-05T22:00:00+09:00\"", "without quotes"),
        ("1796475600", "found an integer"),
    ] {
        refuse(&top(&format!("cutover_at = «{value}»")), &[words]);
    }
    for sound in ["2026-12-05 22:00:00+09:00", "2026-12-05T13:00:00Z", "2026-12-05T22:00+09:00", "2028-02-29t00:00:00z"]
    {
        parse(&top(&format!("cutover_at = {sound}"))).unwrap_or_else(|problems| panic!("{sound}: {problems}"));
    }
    for (value, words) in [("\"2026-12-12\"", "without quotes"), ("2026-12-12T00:00:00Z", "a day"), ("12", "a day")] {
        let waiver = "[[waive]]\ntag = \"ptr-missing\"\nreason = \"r\"\nowner = \"o\"\nuntil = ";
        refuse(&more(&format!("{waiver}«{value}»")), &[words]);
    }
}

/// Lost if it fails: an accepted risk without an owner, a reason or an end.
#[test]
fn waivers_say_what_why_who_and_until_when() {
    let lines = ["tag = \"ptr-missing\"", "reason = \"r\"", "owner = \"o\"", "until = 2020-01-01"];
    let text = |left_out: usize| {
        let kept: Vec<_> = lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| *line).collect();
        more(&format!("[[waive]]\n{}", kept.join("\n")))
    };
    for (at, key) in ["tag", "reason", "owner", "until"].into_iter().enumerate() {
        refuse(&text(at).replace("[[waive]]", "«[[waive]]»"), &[&format!("lacks `{key}`")]);
    }
    let waiver = &parse(&text(4)).unwrap().waivers[0];
    let day = |text: &str| text.parse().unwrap();
    assert!(!waiver.expired(day("2020-01-01")), "the last day counts");
    assert!(waiver.expired(day("2020-01-02")), "the check `waivers` blocks; the plan itself stays readable");
    refuse(
        &more("[[waive]]\n«check» = \"x\"\ntag = \"t\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-12"),
        &["has no key `check`"],
    );
    refuse(&top("waive = «\"ptr-missing\"»"), &["wants a list of tables"]);
}

/// Lost if it fails: a value that is silently replaced by a default, or one that no later code is ready for.
#[test]
fn values_stay_in_their_bounds() {
    for (section, line, words) in [
        ("dns", "authority_port = «0»", "1 to 65535"),
        ("dns", "authority_port = «65536»", "1 to 65535"),
        ("dns", "timeout = «\"5ms\"»", "10ms"),
        ("dns", "timeout = «\"2d\"»", "1m"),
        ("dns", "ttl_target = «\"5 minutes\"»", "not a length of time"),
        ("dns", "ttl_target = «\"99999999999999999999d\"»", "not a length of time"),
        ("dns", "old_ttl = «\"-1d\"»", "not a length of time"),
        ("dns", "old_ttl = «300»", "found an integer"),
        ("dns", "resolver = «[]»", "is empty"),
        ("dns", "resolver = «\"fast\"»", "cannot be"),
        ("dns", "resolver = [«\"dns.example.jp\"»]", "not the address of a server"),
        ("dns", "root_hints = [«\"192.0.2.1:0\"»]", "not the address of a server"),
        ("dns", "unpaced = [«\"mirror.example.jp\"»]", "not the address of a server"),
        ("auth", "dkim = { \"example.jp\" = [«\"a b\"»] }", "not a DKIM selector"),
        ("auth", "keep_dkim = [«\"s1._domainkey.example.jp\"»]", "before ._domainkey"),
        ("smtp", "ports = [25, «0»]", "1 to 65535"),
        ("smtp", "ports = [«-1»]", "out of range"),
        ("smtp", "recipients = [«\"info\"»]", "not a mail address"),
        ("smtp", "recipients = [«\"a b@example.jp\"»]", "not a mail address"),
        ("smtp", "recipients = [«\"a>\\r\\nRSET\\r\\n<b@example.jp\"»]", "not a mail address"),
        ("smtp", "relay_probe = «\"nobody\"»", "not a mail address"),
        ("smtp", "relay_probe = «\"nobody@EXAMPLE.co.jp.\"»", "on another system"),
        ("receivers", "per_day = «-1»", "out of range"),
        ("dnsbl", "quorum = «\"101%\"»", "0 to 100"),
        ("dnsbl", "quorum = «\"80\"»", "\"80%\""),
        ("dnsbl", "use = [«\"recomended\"»]", "did you mean \"recommended\"?"),
        ("dnsbl", "weight = { spamcop = «\"heavy\"» }", "not a weight"),
        ("dnsbl", "weight = { «spamcopp» = \"warn\" }", "did you mean \"spamcop\"?"),
        ("dnsbl", "disable = [«\"nothing-like-it\"»]", "mail-cutover lists --all"),
        ("dnsbl", "list = [{ id = «\"spamcop\"», zone = \"bl.example.jp\" }]", "already"),
        ("dnsbl", "list = [{ id = «\"Our List\"», zone = \"bl.example.jp\" }]", "lower case"),
        ("dnsbl", "list = [{ id = \"a\", zone = \"a.jp\" }, { id = «\"a\"», zone = \"b.jp\" }]", "already"),
        ("dnsbl", "list = [{ id = \"a\", zone = \"a.jp\", families = [«\"ipv5\"»] }]", "\"ipv4\""),
        ("dnsbl", "list = [{ id = \"a\", zone = \"a.jp\", families = «[]» }]", "is empty"),
        ("inbound_dnsbl", "partners = [«{ name = \"n\" }»]", "domain"),
        ("inbound_dnsbl", "partners = [{ name = \"n\", ips = [«\"x\"»] }]", "not an IP address"),
        ("attest", "port25_lifted = «true»", "wants a table"),
        ("attest", "port25_lifted = «{ yes = true }»", "lacks `by`"),
        ("rollback", "owner = \"o\"\ntriggers = [«\"dnsbl-lsited\"»]", "did you mean \"dnsbl-listed\"?"),
        ("mx", "\"*\" = [«\"mail.example.jp\"»]", "10 mail.example.co.jp"),
        ("mx", "\"*\" = [«\"70000 mail.example.jp\"»]", "not an MX record"),
    ] {
        refuse(&more(&format!("[{section}]\n{line}")), &[words]);
    }
    refuse(&top("must_cover = [«\"ptr-misssing\"»]"), &["did you mean \"ptr-missing\"?"]);
    refuse(&top("domains = «[]»"), &["`domains` is empty"]);
    refuse(&top("domains = [\"example.jp\", «\"EXAMPLE.jp.\"»]"), &["twice"]);
    refuse(&top("overlap = «\"1w\"»"), &["not a length of time & \"7d\""]);
    refuse(&new("provider = «\"hetzer\"»"), &["did you mean \"hetzner\"?"]);
}

/// Lost if it fails: `domians`, once misspelt, would be a domain that is never checked.
#[test]
fn misspelt_keys_are_named_with_the_right_one() {
    for (written, meant) in [
        ("cutover-at", "cutover_at"),
        ("Title", "title"),
        ("must_covers", "must_cover"),
        ("inbound_dnsbls", "inbound_dnsbl"),
        ("waiver", "waive"),
    ] {
        refuse(&top(&format!("«{written}» = 1")), &[&format!("did you mean `{meant}`?")]);
    }
    refuse(&top("«zzz» = 1"), &["its keys are change, title, cutover_at"]);
    refuse(&more("[«dnsbI»]\nuse = []"), &["did you mean `dnsbl`?"]);
}

/// Lost if it fails: an empty file would be reported as something stranger than a plan without its keys.
#[test]
fn an_empty_plan_lacks_its_required_keys() {
    for text in ["", "\n\n", "# nothing\n"] {
        let problems = parse(text).unwrap_err();
        let messages: Vec<&str> = problems.all.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            messages,
            ["cutover_at", "domains", "hostname", "old", "new"].map(|key| format!("the plan lacks `{key}`"))
        );
        assert!(problems.to_string().contains("plan.toml"), "{problems}");
    }
}

/// Lost if it fails: after one missing quotation mark, a page of guesses would hide where it is missing.
#[test]
fn a_fault_of_syntax_is_told_alone_and_in_its_line() {
    let text = config("config/plan.full.toml").replacen("\"192.0.2.25\"]", "\"192.0.2.25]", 1);
    let line = text.lines().position(|line| line == "ips = [\"192.0.2.25]").unwrap() + 1;
    let problems = parse(&text).unwrap_err();
    assert!(problems.all.iter().any(|problem| problems.line_of(problem) == line), "{problems}");
    assert!(problems.all.iter().all(|problem| !problem.message.contains("lacks")), "{problems}");
    assert!(problems.to_string().contains("ips = [\"192.0.2.25]"), "{problems}");
}

/// Lost if it fails: without a catalogue of names, a test or a tool that has none could not read a plan.
#[test]
fn what_needs_no_names_is_read_without_them() {
    mail_cutover::plan::parse(super::SOUND, "plan.toml", &Known::default()).unwrap();
}

/// Lost if it fails: a list without whose word there is to be no GO would never be asked, and its silence pass for its word.
#[test]
fn a_required_list_can_be_asked() {
    let section = |lines: &str| more(&format!("[dnsbl]\n{lines}"));
    refuse(&section("require = [«\"sorbs\"»]"), &["sorbs & no run can ask & take it out of `require`"]);
    refuse(&section("require = [\"spamcop\", «\"microsoft\"»]"), &["microsoft & no run can ask"]);
    refuse(
        &section("disable = [\"bl.spamcop.net\"]\nrequire = [«\"spamcop\"»]"),
        &["spamcop & `disable` too & take it out of one"],
    );
    assert_eq!(parse(&section("require = [\"hostkarma\"]")).unwrap().dnsbl.require, ["hostkarma"]);
}

/// Lost if it fails: the records of a domain would be read from one of two lines that contradict each other, or from none.
#[test]
fn the_records_of_a_domain_are_said_once() {
    refuse(&more("[mx]\n\"*\" = «[]»"), &["no MX record & 10 mail.example.co.jp"]);
    refuse(
        &more("[mx]\n\"Example.co.jp.\" = [\"10 a.example\"]\n«\"example.co.jp\"» = [\"10 b.example\"]"),
        &["example.co.jp & twice & once"],
    );
    refuse(
        &more("[auth]\ndkim = { \"EXAMPLE.co.jp\" = [\"a\"], «\"example.co.jp\"» = [\"b\"] }"),
        &["example.co.jp & twice & once"],
    );
}
