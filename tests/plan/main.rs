//! The plan as people write it: sound plans are read, all others are refused with every problem at its place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod hostile;
mod problems;
mod reference;
mod secrets;

use mail_cutover::catalogue::Catalogue;
use mail_cutover::model::{DomainName, Side, Subject};
use mail_cutover::plan::{self, Known, ListFamily, Plan, Problems, Resolver};

/// A sound plan. Its new addresses stand for any public ones: nothing is asked of them.
const SOUND: &str = r#"cutover_at = 2026-12-05T22:00:00+09:00
domains = ["example.co.jp"]
hostname = "mail.example.co.jp"
[old]
ips = ["192.0.2.25"]
[new]
ips = ["1.2.3.4", "2600::25"]
"#;

fn known() -> Known<'static> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    Known { folder, ..mail_cutover::command::known(Catalogue::embedded()) }
}

fn parse(text: &str) -> Result<Plan, Problems> {
    plan::parse(text, "plan.toml", &known())
}

fn read(text: &str) -> Plan {
    parse(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn config(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// [`SOUND`] with `line` in place of the line of the same key, or before all others.
fn top(line: &str) -> String {
    let key = line.split(" =").next().unwrap();
    let rest: String = SOUND.lines().filter(|old| !old.starts_with(key)).map(|old| format!("{old}\n")).collect();
    format!("{line}\n{rest}")
}

/// [`SOUND`] with these lines under `[new]`; a line of `ips` replaces the old one.
fn new(lines: &str) -> String {
    let kept = if lines.contains("ips =") { SOUND.split("ips = [\"1.2.3.4").next().unwrap() } else { SOUND };
    format!("{kept}{lines}\n")
}

/// [`SOUND`] and more.
fn more(lines: &str) -> String {
    format!("{SOUND}{lines}\n")
}

fn names(names: &[DomainName]) -> Vec<&str> {
    names.iter().map(DomainName::as_str).collect()
}

/// Lost if it fails: a server of one's own would be asked at a stranger's pace, or a stranger's without any.
#[test]
fn unpaced_servers_are_read_with_and_without_port() {
    let written = "[dns]\nunpaced = [\"127.0.0.1:5353\", \"192.0.2.53\", \"192.0.2.54:53\", \"[2001:db8::53]\", \"[2001:db8::53]:54\"]";
    let found: Vec<String> =
        read(&more(written)).dns.unpaced.iter().map(|(ip, port)| format!("{ip} {port:?}")).collect();
    assert_eq!(
        found,
        [
            "127.0.0.1 Some(5353)",
            "192.0.2.53 None",
            "192.0.2.54 Some(53)",
            "2001:db8::53 None",
            "2001:db8::53 Some(54)"
        ]
    );
    assert!(read(&more("")).dns.unpaced.is_empty());
}

/// Lost if it fails: the plans that everybody copies from would be refused.
#[test]
fn the_plans_in_config_are_sound() {
    let minimal = read(&config("config/plan.minimal.toml"));
    assert_eq!((minimal.old.len(), minimal.new.len()), (1, 2));
    let full = read(&config("config/plan.full.toml"));
    assert_eq!((full.new.len(), full.waivers.len(), full.dnsbl.added.len(), full.attest.len()), (4, 1, 1, 2));
    assert_eq!(full.dnsbl.keys, [("spamhaus-dqs".to_owned(), "DQS_KEY".to_owned())]);
    let certificate = full.certificate.unwrap();
    assert_eq!((certificate.leaf.names[0].as_str(), certificate.issuers.len()), ("mail.example.co.jp", 1));
    assert_eq!(full.new[3].special.as_deref(), Some("behind the load balancer of the laboratory"));
}

/// Lost if it fails: a domain with mail hosts of its own would be judged by those of the others, or by none.
#[test]
fn mail_hosts_are_planned_domain_by_domain() {
    let mx = "[mx]\n\"*\" = [\"10 a.example\"]\n\"example.com\" = [\"10 b.example\", \"20 c.example\"]";
    let (said, silent) = (read(&more(mx)), read(SOUND));
    let hosts = |plan: &Plan, domain| plan.planned_hosts(&DomainName::parse(domain).unwrap());
    assert_eq!(names(&hosts(&said, "example.com")), ["b.example", "c.example"]);
    assert_eq!(names(&hosts(&said, "example.co.jp")), ["a.example"]);
    assert_eq!(names(&hosts(&silent, "example.co.jp")), ["mail.example.co.jp"]);
}

/// Lost if it fails: an address that stays in use would be cleaned up after.
#[test]
fn what_is_also_new_is_not_given_up() {
    let plan = read(&SOUND.replace("[\"192.0.2.25\"]", "[\"192.0.2.25\", \"1.2.3.4\"]"));
    assert_eq!(plan.given_up(), ["192.0.2.25".parse::<std::net::IpAddr>().unwrap()]);
}

/// Lost if it fails: the README and the file it stands for would tell two stories.
#[test]
fn the_readme_shows_the_minimal_plan() {
    let (readme, minimal) = (config("README.md"), config("config/plan.minimal.toml"));
    let block = readme.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    for line in block.lines().map(str::trim) {
        assert!(minimal.lines().any(|known| known == line) || line.is_empty(), "not in plan.minimal.toml: {line}");
    }
    read(&block.replace("203.0.113.25", "1.2.3.4").replace("2001:db8:25::25", "2600::25"));
}

/// Lost if it fails: one name written in two ways would be compared as two names.
#[test]
fn names_take_their_one_form() {
    let plan = read(&top(r#"domains = ["Example.CO.JP.", "例え.jp", " xn--fsqu00a.jp "]"#));
    assert_eq!(names(&plan.domains), ["example.co.jp", "xn--r8jz45g.jp", "xn--fsqu00a.jp"]);
    let plan = read(&top(r#"hostname = "メール.例え.JP。""#));
    assert_eq!(plan.hostname.as_str(), "xn--4dkua4c.xn--r8jz45g.jp");
    let plan = read(&new(r#"ips = [{ ip = "2600:0:0::0025", ptr = "OUT2.example.jp.", helo = "OUT2.example.jp." }]"#));
    let address = &plan.new[0];
    assert_eq!((address.ip.to_string().as_str(), address.ptr.as_str()), ("2600::25", "out2.example.jp"));
    assert_eq!(address.helo, "OUT2.example.jp.", "a server says what it says; a check judges it");
}

/// Lost if it fails: a waiver would not meet the finding it was written for.
#[test]
fn the_subject_of_a_waiver_takes_its_one_form() {
    for (written, compared) in
        [("2001:DB8:0::25", "2001:db8::25"), ("Mail.Example.JP.", "mail.example.jp"), ("203.0.113.25", "203.0.113.25")]
    {
        let plan = read(&more(&format!(
            "[[waive]]\ntag = \"ptr-missing\"\non = \"{written}\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-12"
        )));
        assert_eq!(plan.waivers[0].on.as_deref(), Some(compared));
        assert_eq!(plan.waivers[0].line, 8);
    }
}

/// Lost if it fails: PTR and HELO of an address would be compared with another name than the plan means.
#[test]
fn names_of_an_address_fall_back_in_order() {
    let ips =
        r#"ips = ["1.2.3.4", { ip = "1.2.3.5", ptr = "b.example.jp" }, { ip = "1.2.3.6", helo = "c.example.jp" }]"#;
    for (more, expected) in [
        ("", ["mail.example.co.jp mail.example.co.jp", "b.example.jp b.example.jp", "mail.example.co.jp c.example.jp"]),
        (
            "ptr = \"p.example.jp\"",
            ["p.example.jp p.example.jp", "b.example.jp b.example.jp", "p.example.jp c.example.jp"],
        ),
        (
            "helo = \"h.example.jp\"",
            ["mail.example.co.jp h.example.jp", "b.example.jp h.example.jp", "mail.example.co.jp c.example.jp"],
        ),
    ] {
        let plan = read(&new(&format!("{ips}\n{more}")));
        let found: Vec<String> = plan.new.iter().map(|at| format!("{} {}", at.ptr, at.helo)).collect();
        assert_eq!(found, expected, "{more}");
    }
}

/// Lost if it fails: a laboratory could not be checked, or its exception would leave no trace in the report.
#[test]
fn special_addresses_pass_with_a_reason() {
    let one = new(r#"ips = ["1.2.3.4", { ip = "10.0.0.25", allow_special = true, reason = "lab" }]"#);
    let all = new("ips = [\"1.2.3.4\", \"10.0.0.25\"]\nallow_special = true\nreason = \"lab\"");
    for text in [one, all] {
        let specials: Vec<_> = read(&text).new.into_iter().map(|address| address.special).collect();
        assert_eq!(specials, [None, Some("lab".to_owned())], "{text}");
    }
    let same = read(&top("title = \"same address on both sides\"").replace("192.0.2.25", "1.2.3.4"));
    assert_eq!(same.old[0].ip, same.new[0].ip, "the check `plan` warns; the plan itself may say so");
}

/// Lost if it fails: questions would go to another server than the plan names.
#[test]
fn resolvers_are_read_in_every_spelling() {
    for (written, expected) in [
        ("\"auto\"", "auto"),
        ("\"system\"", "system"),
        ("\"direct\"", "direct"),
        ("\"192.0.2.53\"", "192.0.2.53:53"),
        ("[\"192.0.2.53:5353\", \"2001:db8::53\"]", "192.0.2.53:5353 [2001:db8::53]:53"),
        ("[\"[2001:db8::53]\", \"[2001:db8::53]:5353\"]", "[2001:db8::53]:53 [2001:db8::53]:5353"),
    ] {
        let found = match read(&more(&format!("[dns]\nresolver = {written}"))).dns.resolver {
            Resolver::Auto => "auto".to_owned(),
            Resolver::System => "system".to_owned(),
            Resolver::Direct => "direct".to_owned(),
            Resolver::Servers(servers) => servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(found, expected, "{written}");
    }
}

/// Lost if it fails: a list named by its zone, or one of the operator's own, would not be asked.
#[test]
fn lists_are_found_by_id_and_by_zone() {
    let plan = read(&more(
        "[dnsbl]\nlists = [\"ZEN.spamhaus.org.\", \"house\", \"bl.example.jp\"]\nrequire = [\"spamcop\"]\n\
         [[dnsbl.list]]\nid = \"house\"\nzone = \"BL.example.jp\"\nfamilies = [\"ipv6\", \"domain\"]",
    ));
    assert_eq!(plan.dnsbl.lists, ["spamhaus-zen", "house", "house"]);
    assert_eq!(plan.dnsbl.require, ["spamcop"]);
    let own = &plan.dnsbl.added[0];
    assert_eq!((own.zone.as_str(), own.name.as_str()), ("bl.example.jp", "house"));
    assert_eq!(own.families, [ListFamily::Ipv6, ListFamily::Domain]);
}

/// Lost if it fails: an editor on Windows would write plans that cannot be read, or the fingerprint in the report would
/// differ from the one that `sha256sum` prints.
#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let text = format!("\u{feff}{}", SOUND.replace('\n', "\r\n"));
    let plan = plan::parse_bytes(text.as_bytes(), "plan.toml", &known()).unwrap();
    assert_eq!(plan.new[0].line, 7);
    assert_eq!(plan.sha256, "12dbd75e3c3058fde2db54c3b20c1422172973e7a487e8dc4ff52cf2c6402e07");
}

/// Lost if it fails: reviews would show a finding at somebody else's line, or at the line of the waiver that should be judged by it.
#[test]
fn subjects_have_the_lines_they_stand_on() {
    let plan = read(
        "# 日本語\ncutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\n  \"Example.CO.jp.\",\n]\nhostname = \"mail.example.co.jp\"\n\
         [[waive]]\ntag = \"ptr-missing\"\non = \"1.2.3.4\"\nreason = \"out.example.net\"\nowner = \"x\"\nuntil = 2026-12-31\n\
         [old]\nips = [\"192.0.2.25\"]\n[new]\nips = [\n\"1.2.3.4\",\n\"2600:0::25\"]\n[receivers]\ncare_about = [\"gmail\"]\n",
    );
    let address = |ip: &str, side| plan.line_of(&Subject::Address(ip.parse().unwrap(), side));
    assert_eq!(
        [address("192.0.2.25", Side::Old), address("1.2.3.4", Side::New), address("2600::25", Side::New)],
        [Some(14), Some(17), Some(18)]
    );
    assert_eq!(address("192.0.2.25", Side::New), None);
    let name = |name: &str| plan.line_of(&Subject::Name(name.to_owned()));
    assert_eq!(
        [name("example.co.jp"), name("_dmarc.example.co.jp"), name("mail.example.co.jp"), name("gmail")],
        [Some(4), Some(4), Some(6), Some(20)]
    );
    assert_eq!([name("out.example.net"), name("co.jp"), plan.line_of(&Subject::Run)], [None, None, None]);
    assert_eq!(plan.line_of(&Subject::PlanLine(9)), Some(9));
}

/// Lost if it fails: a risk that somebody accepted for a partner would stop the cutover all the same, unless its name happened to look
/// like a domain.
#[test]
fn a_waiver_finds_the_partner_by_the_plans_own_name() {
    let plan = read(&more(
        "[[waive]]\ntag = \"rbl-in-vip\"\non = \"取引先A\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-31\n\
         [[waive]]\ntag = \"rbl-in-vip\"\non = \"ACME\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-31\n\
         [[waive]]\ntag = \"mx-none\"\non = \"Example.CO.jp.\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-31\n\
         [inbound_dnsbl]\nzones = [\"zen.spamhaus.org\"]\n\
         partners = [{ name = \"取引先A\", domain = \"a.example\" }, { name = \"ACME\", domain = \"b.example\" }]",
    ));
    let on: Vec<&str> = plan.waivers.iter().filter_map(|waiver| waiver.on.as_deref()).collect();
    assert_eq!(on, ["取引先A", "ACME", "example.co.jp"]);
}
