//! When a list is believed: the proofs around each block, silence, refusals, and the way around a resolver.

use std::time::{Duration, Instant};

use mail_cutover::catalogue::{Family, List, Weight};
use mail_cutover::dnsbl::{Consultant, Selected, Sweep};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Dns, ResolverChoice};

use super::lab::{Lab, REFUSED, answer, in_order, now, subject};
use super::{list, sweep, word};

/// Lost if it fails: the answers that a list gave while it was refusing us would count as clean.
#[test]
fn a_list_that_begins_to_refuse_makes_its_block_unknown() {
    let mut refused = 0;
    let mut is_refusing = false;
    let lab = Lab::start(move |asked| {
        if !asked.name.ends_with("bad.test") {
            return now(in_order(asked));
        }
        // The 100th address stands in the second block.
        is_refusing |= subject(&asked.name) == Some(100) && refused == 0;
        if is_refusing && asked.name.starts_with("2.0.0.127.") {
            refused += 1;
            is_refusing = refused < 2;
            return now(answer(asked.octets, REFUSED, &[]));
        }
        // What refuses its test points may lie about the rest: here it says "not listed".
        if is_refusing { now(answer(asked.octets, super::lab::NXDOMAIN, &[])) } else { now(in_order(asked)) }
    });
    let rows = sweep(lab.settings(500), false, &[list("bad.test"), list("good.test")], 250, 40);
    let of_block = |block: u32| (block * 40..(block * 40 + 40).min(250)).map(|number| word(&rows, number, 0));
    assert!(of_block(0).all(|word| word.starts_with("listed") || word == "clean"), "before");
    assert!(
        of_block(2).all(|word| word == "refused"),
        "the block in which it began: {:?}",
        of_block(2).collect::<Vec<_>>()
    );
    assert!(of_block(6).all(|word| word.starts_with("listed") || word == "clean"), "it answers again");
    assert!((0..250).all(|number| word(&rows, number, 1) != "refused"), "the other list");
}

/// Lost if it fails: a thousand addresses would be unknown because of one test point whose packets were lost.
#[test]
fn a_proof_that_is_lost_in_part_is_asked_for_once_more() {
    // The proof before the block is the first question; the one after it is lost, three packets of it.
    let lab = Lab::start(|asked| {
        let lost = asked.name == "2.0.0.127.good.test" && (1..=3).contains(&asked.before);
        if lost { Vec::new() } else { now(in_order(asked)) }
    });
    let rows = sweep(lab.settings(200), false, &[list("good.test")], 40, 40);
    assert!((0..40).all(|number| word(&rows, number, 0) != "silent"));
    assert_eq!(lab.count(|name| name == "2.0.0.127.good.test"), 5, "the packets that were lost were these");
}

/// Lost if it fails: a list that does not want us would be asked about every address all the same.
#[test]
fn a_list_that_refuses_is_not_hammered() {
    let lab = Lab::start(|asked| {
        let refuses = asked.name.ends_with("bad.test");
        now(if refuses { answer(asked.octets, 0, &[[127, 255, 255, 254]]) } else { in_order(asked) })
    });
    let rows = sweep(lab.settings(500), false, &[list("bad.test"), list("good.test")], 200, 40);
    assert!((0..200).all(|number| word(&rows, number, 0) == "refused"));
    assert!((0..200).all(|number| word(&rows, number, 1) != "refused"));
    assert!(rows.iter().all(|row| row.words[0].lookup.is_none()), "nothing was said about the addresses");
    assert_eq!(lab.count(|name| name.ends_with("bad.test") && subject(name).is_some()), 0);
    // Three test points for each of five blocks.
    assert_eq!(lab.count(|name| name.ends_with("bad.test")), 15);
}

/// Lost if it fails: one silent list would cost three time-outs for each of 65,536 addresses.
#[test]
fn a_list_that_falls_silent_is_left_alone_for_the_block() {
    let lab = Lab::start(|asked| {
        let is_mute = asked.name.ends_with("mute.test") && subject(&asked.name).is_some();
        if is_mute { vec![] } else { now(in_order(asked)) }
    });
    let began = Instant::now();
    let rows = sweep(lab.settings(50), false, &[list("mute.test"), list("good.test")], 2000, 1000);
    assert!((0..2000).all(|number| word(&rows, number, 0) == "silent"));
    assert!((0..2000).all(|number| word(&rows, number, 1) != "silent"));
    let asked = lab.count(|name| name.ends_with("mute.test"));
    assert!(asked < 2 * 3 * 100, "{asked} questions in two blocks");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// Lost if it fails: a list that does not answer the resolver would be unknown although its own servers answer.
#[test]
fn the_lists_own_servers_are_asked_where_the_resolver_fails() {
    let resolver = Lab::start(|asked| now(answer(asked.octets, REFUSED, &[])));
    // The root of this little world answers for everything itself.
    let root = Lab::start(|asked| now(in_order(asked)));
    let mut settings = resolver.settings(200);
    settings.root_hints = vec![root.address];
    settings.authority_port = root.address.port();
    let through = |falls_back, resolver: ResolverChoice| {
        let settings = mail_cutover::probe::Settings { resolver, ..settings.clone() };
        let rows = sweep(settings, falls_back, &[list("one.test")], 30, 16);
        (0..30).map(|number| word(&rows, number, 0)).collect::<Vec<_>>()
    };
    let own = ResolverChoice::Servers(vec![resolver.address]);
    assert!(through(false, own.clone()).iter().all(|word| word == "refused"));
    assert_eq!(resolver.count(|name| subject(name).is_some()), 0);
    let by_root = through(true, own);
    assert_eq!(by_root[..3], ["listed 127.0.0.2", "clean", "clean"]);
    assert_eq!(by_root, through(false, ResolverChoice::Direct));
}

/// Lost if it fails: an operator's limit would be broken, or one's own mirror be asked as slowly as a stranger's server.
#[test]
fn the_operators_pace_holds_except_for_ones_own_servers() {
    let lab = Lab::start(|asked| now(in_order(asked)));
    let mut paced: Selected = list("one.test");
    paced.list.pace = Some(10);
    let time = |unpaced: Vec<(std::net::IpAddr, Option<u16>)>| {
        let began = Instant::now();
        let settings = mail_cutover::probe::Settings { unpaced, ..lab.settings(500) };
        let rows = sweep(settings, false, &[paced.clone()], 24, 64);
        assert!((0..24).all(|number| word(&rows, number, 0) != "silent"));
        began.elapsed()
    };
    // 24 addresses and twice three test points, of which ten may leave at once: two seconds.
    let (ip, port) = (lab.address.ip(), lab.address.port());
    for strange in [vec![], vec![(ip, Some(port ^ 1))]] {
        let elapsed = time(strange);
        assert!(elapsed > Duration::from_millis(1900), "{elapsed:?}");
    }
    for own in [vec![(ip, None)], vec![(ip, Some(port))]] {
        let elapsed = time(own);
        assert!(elapsed < Duration::from_millis(1900), "{elapsed:?}");
    }
}

/// Lost if it fails: IPv6 addresses would be asked about wrongly, or answers be given to the wrong address where families mix.
#[test]
fn families_mix() {
    let lab = Lab::start(|asked| {
        // The test point ::ffff:127.0.0.2, and 2001:db8::a.
        let is_listed = ["2.0.0.0.0.0.f.7.f.f.f.f.0.", "a.0.0.0.0."].iter().any(|start| asked.name.starts_with(start))
            || asked.name.starts_with("2.0.0.127.")
            || subject(&asked.name) == Some(3);
        now(answer(
            asked.octets,
            if is_listed { 0 } else { super::lab::NXDOMAIN },
            if is_listed { &[[127, 0, 0, 2]] } else { &[] },
        ))
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let consultant = Consultant::new(Dns::new(lab.settings(500)).unwrap(), false);
    let zone = DomainName::parse("both.test").unwrap();
    let families = [Family::Ipv4, Family::Ipv6];
    let both = Selected { list: List::custom("both", zone, &families, Weight::Block), ..list("both.test") };
    let written = ["198.18.0.1", "2001:db8::a", "198.18.0.3", "2001:db8::b", "198.18.0.4", "2001:db8::1a"];
    let addresses = written.map(|ip| ip.parse().unwrap()).into_iter();
    let begun = Sweep::with_blocks_of(4, &consultant, vec![list("four.test"), both], &families, addresses);
    let rows: Vec<_> = runtime.block_on(begun).unwrap().collect();
    let found: Vec<String> = rows
        .iter()
        .zip(0..)
        .map(|(row, number)| format!("{} {} {}", row.ip, word(&rows, number, 0), word(&rows, number, 1)))
        .collect();
    assert_eq!(
        found,
        [
            "198.18.0.1 clean clean",
            "2001:db8::a NotApplicable listed 127.0.0.2",
            "198.18.0.3 listed 127.0.0.2 listed 127.0.0.2",
            "2001:db8::b NotApplicable clean",
            "198.18.0.4 clean clean",
            "2001:db8::1a NotApplicable clean",
        ]
    );
    assert_eq!(rows.iter().filter(|row| row.ends_block).count(), 2);
}
