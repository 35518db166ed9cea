//! `init`: what there is today in, a commented plan out.

use std::process::Command;

use expect_test::expect;
use mail_cutover::demo::{MailScript, MailServer, MailTls};
use mail_cutover::model::DomainName;
use mail_cutover::plan::{Known, Plan, parse};

use crate::{Folder, NOW, Ran, Stage, ready};

/// What every test says, so that nothing is asked and nobody outside the stage is spoken to.
const USUAL: [&str; 5] = ["--dns-only", "--allow-special", "a test", "--cutover-at", "2026-12-05T22:00:00+09:00"];

/// `init` with `arguments`, asking the world of `stage`.
fn tool(stage: &Stage, arguments: &[&str]) -> Command {
    let resolver = stage.world.address().to_string();
    stage.folder.tool(&[&["init"], arguments, &USUAL, &["--resolver", &resolver]].concat())
}

/// A draft on standard output, which must be one.
fn draft(stage: &Stage, arguments: &[&str]) -> (String, Plan) {
    let ran = Ran::of(&mut tool(stage, &[arguments, &["-o", "-"]].concat()));
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    let plan = read(&ran.out);
    (ran.out, plan)
}

fn refused(stage: &Stage, arguments: &[&str]) -> String {
    let error = Ran::of(&mut tool(stage, arguments)).error();
    assert_eq!(stage.folder.names(), ["plan.toml"], "{error}");
    error
}

fn read(text: &str) -> Plan {
    parse(text, "draft", &Known { receivers: vec!["gmail", "outlook"], providers: vec!["hetzner"], ..Known::default() })
        .unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(false)))
}

/// The draft with every suggestion taken up, except for the file that is not there.
fn taken_up(text: &str) -> String {
    let line = |line: &str| {
        let bare = line.strip_prefix("# ").filter(|bare| !bare.starts_with("config = "));
        let key = bare.and_then(|bare| bare.split(" = ").next()).unwrap_or(" ");
        let is_key = !key.is_empty()
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_\"*.-".contains(c));
        let is_head = bare.is_some_and(|bare| bare.starts_with('[') && bare.ends_with(']'));
        if (is_key && bare.is_some_and(|bare| bare.contains(" = "))) || is_head {
            bare.unwrap_or(line).to_owned()
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn ips(addresses: &[mail_cutover::plan::Address]) -> Vec<String> {
    addresses.iter().map(|address| address.ip.to_string()).collect()
}

/// The new addresses of the miniature internet.
const NEW: [&str; 5] = ["--new", "203.0.113.25", "203.0.113.26", "203.0.113.27", "2001:db8:25::25"];
/// A zone with `lines` in place of the company's.
fn company(lines: &str) -> String {
    format!("base = [\"internet\"]\n[zones]\n\"example.co.jp\" = '''\n{lines}\n'''\n")
}

/// Lost if it fails: the first plan of a new user would be wrong, or would not say what it rests on.
#[test]
fn what_there_is_today() {
    let stage = Stage::set("base = [\"internet\"]", "");
    let (text, plan) = draft(
        &stage,
        &[&["example.co.jp", "--hostname", "mail.example.co.jp", "--change", "CHG-7"], &NEW[..]].concat(),
    );
    let shown = text.replace(&stage.world.address().to_string(), "RESOLVER");
    expect![[r##"
        # A plan for mail-cutover, drafted by `mail-cutover init` from what there is today. Remarks say what was found and
        #   where. A line that begins with “# ” and a key is a suggestion: take the “# ” away to use it. docs/plan.md has
        #   every key.
        # The DNS was asked through: RESOLVER

        # The change ticket; it is printed on every report.
        change = "CHG-7"
        # When the switch happens. The offset from UTC is mandatory.
        cutover_at = 2026-12-05T22:00:00+09:00
        # How long the old server stays alive after the switch: senders with old DNS answers still go there.
        # overlap = "7d"
        # Every mail domain that moves. Is an alias missing?
        domains = ["example.co.jp"]
        # The name of the new mail server: PTR, HELO and MX, unless something below says otherwise.
        # Found (today's MX, PTR of the new addresses): mx1.example.co.jp, mail.example.co.jp, out2.example.co.jp,
        #   out3.example.co.jp
        hostname = "mail.example.co.jp"

        # The server of today, as the Internet sees it. What it has and the new one lacks is what breaks.
        [old]
        # SPF of example.co.jp: v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 ip4:203.0.113.26 ip4:203.0.113.27
        #   ip6:2001:db8:25::25 -all
        ips = [
          # 192.0.2.25: MX 10 mx1.example.co.jp, SPF example.co.jp
          # 192.0.2.25 PTR mx1.example.co.jp
          # 192.0.2.25 is announced by AS64496
          { ip = "192.0.2.25", ptr = "mx1.example.co.jp" },
        ]

        # The server of tomorrow: every address from which mail will leave, or at which it will arrive. sends = false or
        #   receives = false beside an address says that it does only the other.
        [new]
        # Who runs the network: an id from config/providers.toml, if it is there; else leave it out.
        # provider = "hetzner"
        allow_special = true
        reason = "a test"
        ips = [
          # 203.0.113.25 PTR mail.example.co.jp
          # 203.0.113.25 is announced by AS64500
          "203.0.113.25",
          # 203.0.113.26 PTR out2.example.co.jp
          # 203.0.113.26 is announced by AS64500
          { ip = "203.0.113.26", ptr = "out2.example.co.jp" },
          # 203.0.113.27 PTR out3.example.co.jp
          # 203.0.113.27 is announced by AS64500
          { ip = "203.0.113.27", ptr = "out3.example.co.jp" },
          # 2001:db8:25::25 PTR mail.example.co.jp
          # 2001:db8:25::25 is announced by AS64500
          "2001:db8:25::25",
        ]

        # What MX must be after the switch; without this, hostname alone, for every domain.
        # [mx]
        # "example.co.jp" = ["10 mail.example.co.jp"]

        [dns]
        # As this draft was made.
        resolver = ["RESOLVER"]
        # TTL example.co.jp MX: 5m
        # TTL mx1.example.co.jp A: 5m
        # TTL example.co.jp TXT: 5m
        # These are from the resolver's answers: the zone's own may be longer.
        # The TTLs are low already. If they were lowered for this move: from what, and when?
        # old_ttl = "1d"
        # lowered_at = 2026-12-02T22:00:00+09:00

        [auth]
        # No DKIM selector was found. The headers of a mail that the server sent show it: DKIM-Signature, s=.
        # keep_dkim = ["selector"]
        # The selectors that the new server will sign with, by domain (those of today only if the keys move along):
        # dkim = { "example.co.jp" = ["selector"] }
        # MTA-STS: there is no record.
        # mta_sts = false
        # DANE (TLSA): there is no record.
        # dane = false

        [smtp]
        # The ports that servers (25) and people's mail programs use. Without this, 25.
        # ports = [25, 465, 587, 993]
        # Mailboxes that the old and the new server must accept; they are asked for with RCPT TO, and nothing is sent.
        #   postmaster and abuse are due for every domain (RFC 5321, RFC 2142).
        # recipients = ["postmaster@example.co.jp", "abuse@example.co.jp"]
        # A mailbox of yours on another system, to see whether the new server is an open relay.
        # relay_probe = "probe@someone-else.example"

        # The receivers whose rules must be met, and how many messages leave a day.
        # [receivers]
        # care_about = ["gmail", "outlook"]
        # per_day = 800

        # The new server's own rules, and who must still get through to it (mail-cutover inbound).
        # [inbound_dnsbl]
        # config = "main.cf"
        # partners = [{ name = "Big Customer", domain = "customer.example", vip = true }]

        # What no probe can see, for example that the provider has opened port 25: who says so, and since when.
        # [attest]
        # port25_lifted = { yes = true, by = "sato", on = 2026-11-20, ref = "ticket 88123" }

        # Who decides to go back, when, and for which findings.
        # [rollback]
        # owner = "tanaka"
        # decide_by = "2h"
        # triggers = ["dnsbl-listed", "ptr-missing"]
    "##]].assert_eq(&shown);
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    assert_eq!(plan.change.as_deref(), Some("CHG-7"));
}

/// Lost if it fails: `check` would refuse the plan that `init` wrote, or suggestions that it made.
#[test]
fn check_takes_the_draft() {
    let stage = Stage::set(&ready(), "");
    let ran = Ran::of(&mut tool(
        &stage,
        &["example.co.jp", "--hostname", "mail.example.co.jp", "--new", "203.0.113.25", "-o", "draft.toml"],
    ));
    assert_eq!((ran.exit, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.out.contains("mail-cutover check draft.toml"), "{}", ran.out);
    assert_eq!(stage.folder.names(), ["draft.toml", "plan.toml"]);
    let text = stage.folder.read("draft.toml");
    let world = stage.world.address();
    let laboratory = format!("[dns]\nroot_hints = [\"{world}\"]\nauthority_port = {}\n", world.port());
    // The stage has no mail servers.
    let text = text.replace("[dns]\n", &laboratory).replace("[smtp]\n", "[smtp]\nports = []\n");
    for key in ["overlap = ", "[mx]", "dkim = ", "lowered_at = ", "recipients = ", "[receivers]", "triggers = "] {
        assert!(taken_up(&text).lines().any(|line| line.starts_with(key)), "{key}: {}", taken_up(&text));
    }
    for (name, text) in [
        ("as-it-is.toml", text.clone()),
        ("taken-up.toml", taken_up(&text).replace("\nports = [25, 465, 587, 993]", "")),
    ] {
        stage.folder.write(name, text);
        let ran = stage.folder.run(&[
            "check", name, "--at", NOW, "--format", "json", "--only", "plan", "--only", "ptr", "--only", "host",
        ]);
        assert!(ran.exit.is_some_and(|exit| exit != 2), "{name}: {ran:?}");
        assert_eq!(ran.json()["plan"]["path"], name, "{}", ran.out);
    }
}

/// Lost if it fails: a plan that was worked on for a week would be gone.
#[test]
fn a_file_that_is_there_is_kept() {
    let stage = Stage::set(&ready(), "");
    let before = stage.folder.read("plan.toml");
    let error = refused(&stage, &["example.co.jp", "--new", "203.0.113.25", "--hostname", "mail.example.co.jp"]);
    assert!(error.contains("plan.toml") && error.contains("never overwritten"), "{error}");
    assert_eq!(stage.folder.read("plan.toml"), before);
    assert_eq!(stage.world.queries(), 0);
    let error = refused(&stage, &["example.co.jp", "--new", "203.0.113.25", "-o", "absent/plan.toml"]);
    assert!(error.contains("absent/plan.toml"), "{error}");
}

/// Lost if it fails: a script would wait for an answer for ever, or get a plan with invented values.
#[test]
fn what_is_missing_is_named() {
    let stage = Stage::set(&ready(), "");
    let out = ["-o", "new.toml"];
    let cases: [(&[&str], &str); 7] = [
        (&["example.co.jp"], "--new"),
        (&["example..jp", "--new", "203.0.113.25"], "write a mail domain such as example.co.jp"),
        (&["example.co.jp", "--new", "203.0.113.25", "--hostname", "mail"], "not the name of a host"),
        // The old MX, and the name that the new address has.
        (&["example.co.jp", "--new", "203.0.113.25"], "mail.example.co.jp: say which with --hostname"),
        (&["nowhere.co.jp", "--new", "203.0.113.25"], "nowhere.co.jp does not exist"),
        (&["example.co.jp", "--new", "203.0.113.25", "--sample", "absent.eml"], "absent.eml"),
        (&["example.co.jp", "--new", "203.0.113.25", "--zone", "absent.zone"], "absent.zone"),
    ];
    for (arguments, wanted) in cases {
        let error = refused(&stage, &[arguments, &out].concat());
        assert!(error.contains(wanted), "{arguments:?}: {error}");
    }
    let nothing = Folder::empty().run(&["init", "example.co.jp"]).error();
    assert!(nothing.contains("--new 203") && nothing.contains("--cutover-at 2026"), "one at a time: {nothing}");
    let resolver = stage.world.address().to_string();
    let init = |arguments: &[&str]| {
        stage
            .folder
            .run(&[&["init", "example.co.jp", "--resolver", &resolver, "-o", "new.toml"], arguments].concat())
            .error()
    };
    assert!(init(&["--new", "203.0.113.25", "--cutover-at", "2026-12-05T22:00:00+09:00"]).contains("--allow-special"));
    assert!(init(&["--new", "8.8.8.8"]).contains("--cutover-at"));
    assert!(init(&["--new", "8.8.8.8", "--cutover-at", "2026-12-05T22:00:00"]).contains("offset"));
}

/// Lost if it fails: a zone that only its export shows could not be planned for, or its selectors would be guessed at.
#[test]
fn a_zone_file_instead_of_the_dns() {
    let stage = Stage::set(&company("@ MX 10 wrong\nwrong A 192.0.2.99"), "");
    let zone = r#"$ORIGIN example.co.jp.
$TTL 86400
@ SOA ns.example.co.jp. root.example.co.jp. 1 3600 600 86400 300
@ NS ns.example.co.jp.
@ MX 10 mx
@ TXT "v=spf1 mx ip4:192.0.2.26 include:spf.others.example ip4:198.51.100.0/28 -all"
mx A 192.0.2.25
mx AAAA 2001:db8:1::25
unusual.selector._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
empty._domainkey TXT "v=DKIM1; p="
_mta-sts TXT "v=STSv1; id=1"
_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
@ SOA ns.example.co.jp. root.example.co.jp. 1 3600 600 86400 300
"#;
    stage.folder.write("example.zone", zone);
    let (text, plan) = draft(&stage, &["example.co.jp", "--new", "203.0.113.77", "--zone", "example.zone"]);
    assert_eq!(ips(&plan.old), ["192.0.2.25", "2001:db8:1::25", "192.0.2.26"]);
    assert_eq!(plan.old.iter().map(|old| old.receives).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(plan.hostname.as_str(), "mx.example.co.jp");
    assert_eq!(plan.auth.keep_dkim, ["unusual.selector"]);
    assert_eq!(plan.dns.old_ttl.map(|ttl| ttl.num_hours()), Some(24));
    for told in [
        "example.zone",
        "include:spf.others.example",
        "198.51.100.0/28",
        "is revoked",
        "MTA-STS is published today",
        "DANE (TLSA) is published today: mx.example.co.jp",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("192.0.2.99"), "{text}");
}

/// Lost if it fails: the selector that is really in use would be missing from the plan, and be deleted on the day.
#[test]
fn a_sample_mail_names_its_selector() {
    let key = "s2024z._domainkey TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
    let stage = Stage::set(&company(&format!("@ MX 10 mx\nmx A 192.0.2.25\n{key}")), "");
    let mail = "Return-Path: <x@bounce.example.net>\nDKIM-Signature: v=1; d=example.co.jp; s=s2024z;\n b=x\nDKIM-Signature: d=example.co.jp; s=gone; b=x\nSubject: x\n\nbody\n";
    stage.folder.write("sample.eml", mail);
    let arguments = ["example.co.jp", "--new", "203.0.113.77"];
    let (text, plan) = draft(&stage, &[&arguments[..], &["--sample", "sample.eml"]].concat());
    assert_eq!(plan.auth.keep_dkim, ["s2024z"]);
    assert!(text.contains("gone at example.co.jp: no key"), "{text}");
    assert!(text.contains("mail_from = [\"example.co.jp\", \"bounce.example.net\"]"), "{text}");
    let (_, without) = draft(&stage, &arguments);
    assert_eq!(without.auth.keep_dkim, Vec::<String>::new());
}

/// Lost if it fails: every selector would seem to be in use where a wildcard answers.
#[test]
fn a_wildcard_is_no_selector() {
    let key = "TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
    let stage = Stage::set(&company(&format!("@ MX 10 mx\nmx A 192.0.2.25\n*._domainkey {key}")), "");
    let (_, plan) = draft(&stage, &["example.co.jp", "--new", "203.0.113.77"]);
    assert_eq!(plan.auth.keep_dkim, Vec::<String>::new());
    let stage = Stage::set(&company(&format!("@ MX 10 mx\nmx A 192.0.2.25\nselector1._domainkey {key}")), "");
    let (_, plan) = draft(&stage, &["example.co.jp", "--new", "203.0.113.77"]);
    assert_eq!(plan.auth.keep_dkim, ["selector1"]);
}

/// Lost if it fails: the name that the old server really says would not stand in the plan.
#[test]
fn the_old_server_is_listened_to() {
    let stage = Stage::set(&company("@ MX 10 mx\nmx A 192.0.2.25"), "");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let serve = |greeting: &str| {
        let script = MailScript { greeting: Some(greeting.to_owned()), ..MailScript::default() };
        runtime.block_on(MailServer::start(script, MailTls::None)).unwrap()
    };
    for (greeting, helo, told) in [
        ("220 Old-Box.example.co.jp ESMTP", "old-box.example.co.jp", "220 Old-Box.example.co.jp ESMTP"),
        ("554 go away", "mx1.example.co.jp", "554 go away"),
        ("220 \"]\u{1b}[2J'''\" = x", "mx1.example.co.jp", "\\u{1b}"),
    ] {
        let server = serve(greeting);
        let resolver = stage.world.address().to_string();
        let connect = format!("192.0.2.25:25={}", server.address());
        let arguments = [
            "init",
            "example.co.jp",
            "--new",
            "203.0.113.77",
            "--connect",
            &connect,
            "--resolver",
            &resolver,
            "-o",
            "-",
        ];
        let ran = stage.folder.run(&[&arguments[..], &USUAL[1..]].concat());
        assert_eq!(ran.exit, Some(0), "{ran:?}");
        assert!(ran.out.contains(told), "{}", ran.out);
        let plan = read(&ran.out);
        assert_eq!((plan.old[0].helo.as_str(), plan.old[0].ptr.as_str()), (helo, "mx1.example.co.jp"), "{}", ran.out);
        assert_eq!(plan.smtp.detours.len(), 1);
    }
}

/// Every octet as master files escape it, so that anything can stand in a name or a text.
fn escaped(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("\\{octet:03}")).collect()
}

/// Lost if it fails: whoever controls a record of the domain could write lines into the plan.
#[test]
fn hostile_texts_stay_remarks() {
    let unkind: [&[u8]; 6] = [
        b"\"]\nwaive = [1]\n#",
        b"'''\r\n[new]\nips = []\n",
        b"\x1b[2J\x7f\0\xe2\x80\xa8",
        b"\\\" \\u0000 \"\"\"",
        b"\xff\xfe\x80\xc2\x85",
        "\u{202e}\u{2028}\u{feff}".as_bytes(),
    ];
    // And what nobody thought of; the same in every run.
    let mut state = 1_u32;
    let mut octet = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let random: Vec<Vec<u8>> = (0..34).map(|_| (0..30).map(|_| octet()).collect()).collect();
    let texts: Vec<&[u8]> = unkind.into_iter().chain(random.iter().map(Vec::as_slice)).collect();
    let (mut zones, mut reverse) = (String::new(), String::new());
    for (number, text) in texts.iter().enumerate() {
        let text = escaped(text);
        zones.push_str(&format!(
            "\"d{number}.co.jp\" = '''\n@ MX 10 a{text}\n@ MX 20 mx\nmx A 192.0.2.{number}\n@ TXT \"v=spf1 ip4:192.0.2.{number} x{text}=y include:{text} -all\"\nmail._domainkey TXT \"v=DKIM1; p={text}\"\n_mta-sts TXT \"v=STSv1; id={text}\"\n'''\n"
        ));
        reverse.push_str(&format!("{number} PTR a{text}.example.\n"));
    }
    let stage = Stage::set(
        &format!("base = [\"internet\"]\n[zones]\n{zones}\"2.0.192.in-addr.arpa\" = '''\n{reverse}'''\n"),
        "",
    );
    let domains: Vec<String> = (0..texts.len()).map(|number| format!("d{number}.co.jp")).collect();
    let mut arguments: Vec<&str> = domains.iter().map(String::as_str).collect();
    arguments.extend([
        "--new",
        "203.0.113.77",
        "--hostname",
        "mx.d0.co.jp",
        "--change",
        "x\"\n[waive]\u{1b}[2J \\ '''",
    ]);
    for lang in ["en", "ja"] {
        let (text, plan) = draft(&stage, &[&arguments[..], &["--lang", lang]].concat());
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!((plan.domains.len(), plan.old.len(), plan.waivers.len()), (texts.len(), texts.len(), 0), "{text}");
        assert_eq!(plan.hostname, DomainName::parse("mx.d0.co.jp").unwrap());
        assert_eq!(plan.change.as_deref(), Some("x\" [waive]\\u{1b}[2J \\ '''"));
        // They did arrive.
        for told in ["waive", "PTR a", "\\u{1b}[2J"] {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert!(
            text.lines().filter(|line| line.contains("waive = ")).all(|line| line.trim_start().starts_with('#')),
            "{text}"
        );
    }
}

/// Lost if it fails: international names, domains without MX and IPv6 would have no plan.
#[test]
fn unusual_domains() {
    let world = r#"
base = ["internet"]
[zones]
"xn--r8jz45g.jp" = "@ MX 10 mail\nmail AAAA 2001:db8:1::25"
"bare.co.jp" = "@ A 192.0.2.80"
"null.co.jp" = "@ MX 0 ."
"elsewhere.co.jp" = "@ MX 10 a.mx.cloud.example.\n@ MX 20 b.mx.cloud.example."
"cloud.example" = "a.mx A 198.51.100.1\nb.mx A 198.51.100.2"
"#;
    let stage = Stage::set(world, "");
    let (text, plan) = draft(&stage, &["例え.jp", "xn--r8jz45g.JP.", "--new", "2001:db8:2::25"]);
    assert_eq!((plan.domains.len(), plan.hostname.as_str()), (1, "mail.xn--r8jz45g.jp"));
    assert_eq!(
        (ips(&plan.old), ips(&plan.new)),
        (vec!["2001:db8:1::25".to_owned()], vec!["2001:db8:2::25".to_owned()])
    );
    assert!(text.contains("xn--r8jz45g.jp = 例え.jp"), "{text}");
    let (text, plan) = draft(&stage, &["bare.co.jp", "--new", "203.0.113.77", "--hostname", "mail.bare.co.jp"]);
    assert_eq!(ips(&plan.old), ["192.0.2.80"]);
    assert!(text.contains("bare.co.jp has no MX record"), "{text}");
    let error =
        refused(&stage, &["null.co.jp", "--new", "203.0.113.77", "--hostname", "mail.null.co.jp", "-o", "x.toml"]);
    assert!(error.contains("null MX") && error.contains("--old"), "{error}");
    let error = refused(&stage, &["elsewhere.co.jp", "--new", "203.0.113.77", "-o", "x.toml"]);
    assert!(error.contains("--hostname"), "{error}");
    let (text, plan) =
        draft(&stage, &["elsewhere.co.jp", "--new", "203.0.113.77", "--hostname", "mail.elsewhere.co.jp"]);
    assert_eq!(ips(&plan.old), ["198.51.100.1"]);
    assert!(text.contains("not taken: 198.51.100.2 (MX 20 b.mx.cloud.example of elsewhere.co.jp)"), "{text}");
}

/// Lost if it fails: silence would be written down as "there is none", or the tool would hang.
#[test]
fn a_resolver_that_says_nothing() {
    let world = "base = [\"internet\"]\n[[fault]]\nbelow = \".\"\ndo = \"drop\"\n";
    let stage = Stage::set(world, "");
    let error = refused(&stage, &["example.co.jp", "--new", "203.0.113.25", "-o", "x.toml"]);
    assert!(error.contains("no answer within the time limit") && error.contains("--resolver"), "{error}");
    let (text, plan) = draft(
        &stage,
        &["example.co.jp", "--new", "203.0.113.25", "--old", "192.0.2.25", "--hostname", "mail.example.co.jp"],
    );
    assert_eq!(ips(&plan.old), ["192.0.2.25"]);
    assert_eq!((plan.auth.keep_dkim.len(), plan.dns.old_ttl), (0, None));
    for told in [
        "example.co.jp MX: not found: no answer within",
        "SPF of example.co.jp: not found",
        "192.0.2.25 PTR: not found: no answer",
        "DKIM selectors were not answered for",
        "MTA-STS: not found",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

/// Lost if it fails: those who read Japanese would get English remarks, or none.
#[test]
fn in_japanese() {
    let stage = Stage::set(&ready(), "");
    let (text, _) =
        draft(&stage, &["example.co.jp", "--new", "203.0.113.25", "--hostname", "mail.example.co.jp", "--lang", "ja"]);
    assert!(text.contains("切り替え日時") && !text.contains("The server of"), "{text}");
    let folder = Folder::empty();
    assert!(folder.run(&["init", "--help"]).out.contains("--sample"));
}

/// `init` at a terminal where `typed` comes from the keyboard: its exit code, what was seen there, and its standard output.
#[cfg(target_os = "linux")]
fn at_terminal(stage: &Stage, arguments: &[&str], typed: &str) -> (Option<i32>, String, String) {
    let resolver = stage.world.address().to_string();
    let usual = ["init", "--dns-only", "--allow-special", "a test", "--resolver", &resolver, "-o", "new.toml"];
    crate::keyboard::at_terminal(stage.folder.tool(&[&usual[..], arguments].concat()), typed)
}

/// Lost if it fails: who types only the domain would be refused, or asked what Enter does not answer.
#[cfg(target_os = "linux")]
#[test]
fn asked_at_a_terminal() {
    let stage = Stage::set(&ready(), "");
    let typed = "nonsense\n203.0.113.25, 2001:db8:25::25\nmail.example.co.jp\n\n";
    let (exit, seen, out) = at_terminal(&stage, &["example.co.jp"], typed);
    assert_eq!(exit, Some(0), "{seen}");
    assert!(seen.contains("Addresses of the new server: ") && seen.contains("nonsense is not an IP address"), "{seen}");
    assert!(seen.contains("(mx1.example.co.jp, mail.example.co.jp) [mx1.example.co.jp]: "), "{seen}");
    assert!(out.contains("Next:"), "{out}");
    let plan = read(&stage.folder.read("new.toml"));
    assert_eq!(ips(&plan.new), ["203.0.113.25", "2001:db8:25::25"]);
    assert_eq!(plan.hostname.as_str(), "mail.example.co.jp");
    let night = plan.cutover_at.format("%a %H:%M %:z").to_string();
    assert_eq!(night, "Sat 22:00 +09:00", "{seen}");
    // What a domain's DNS does not tell is asked for as well; a file that is there is kept.
    let (exit, seen, _) = at_terminal(&stage, &["example.co.jp", "--new", "203.0.113.25"], "\n\n");
    assert_eq!((exit, seen.contains("never overwritten")), (Some(2), true), "{seen}");
    std::fs::remove_file(stage.folder.path("new.toml")).unwrap();
    let (exit, seen, _) = at_terminal(
        &stage,
        &["2.0.192.in-addr.arpa", "--new", "203.0.113.25", "--hostname", "m.example.co.jp", "--lang", "ja"],
        "192.0.2.25\n2026-12-05 22:00 +09:00\n",
    );
    assert_eq!(exit, Some(0), "{seen}");
    assert!(seen.contains("旧サーバーのアドレス"), "{seen}");
    // Whoever goes away leaves no file.
    std::fs::remove_file(stage.folder.path("new.toml")).unwrap();
    let (exit, seen, _) = at_terminal(&stage, &["example.co.jp"], "\u{4}");
    assert_eq!((exit, seen.contains("--new says it without a question")), (Some(2), true), "{seen}");
    assert_eq!(stage.folder.names(), ["plan.toml"]);
}

/// Lost if it fails: the relay or the backup MX of another company would be taken for one's own old server.
#[test]
fn what_is_of_others_is_not_taken() {
    let world = r#"
base = ["internet"]
[zones]
"example.co.jp" = """
@ MX 10 mx
@ MX 20 backup.cloud.example.
@ TXT "v=spf1 mx a:relay.cloud.example a:out.example.co.jp/28 include:cloud.example redirect=spf.example.co.jp"
spf TXT "v=spf1 ip4:192.0.2.27 -all"
mx A 192.0.2.25
out A 192.0.2.26
"""
"cloud.example" = """
@ TXT "v=spf1 ip4:198.51.100.3 -all"
backup A 198.51.100.1
relay A 198.51.100.2
"""
"#;
    let stage = Stage::set(world, "");
    let (text, plan) = draft(&stage, &["example.co.jp", "--new", "203.0.113.77"]);
    assert_eq!(ips(&plan.old), ["192.0.2.25", "192.0.2.26", "192.0.2.27"], "{text}");
    for told in [
        "not taken: 198.51.100.1",
        "a:relay.cloud.example is another",
        "a:out.example.co.jp/28 is a whole network",
        "include:cloud.example is a service",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // Unless the operator says so.
    let (text, plan) = draft(&stage, &["example.co.jp", "--new", "203.0.113.77", "--old", "198.51.100.2"]);
    assert_eq!(ips(&plan.old), ["198.51.100.2"]);
    assert!(text.contains("not taken, because --old does not name it: 192.0.2.25 (MX 10 mx.example.co.jp"), "{text}");
}
