//! Many addresses against many lists: against servers that behave badly, real rbldnsd, dnsdist and GNU parallel.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[cfg(unix)]
mod daemon;
mod health;
mod lab;
#[cfg(target_os = "linux")]
mod lossy;
mod packets;
#[cfg(unix)]
mod ranked;

use std::net::{IpAddr, Ipv4Addr};

use mail_cutover::catalogue::{Family, List, Weight};
use mail_cutover::dnsbl::{Belief, Consultant, Row, Selected, Sweep};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Dns, Settings};

/// A list with the test points of RFC 5782 at `zone`.
pub(crate) fn list(zone: &str) -> Selected {
    let zone = DomainName::parse(zone).unwrap();
    let list = List::custom(zone.as_str(), zone.clone(), &[Family::Ipv4], Weight::Block);
    Selected { list, weight: None, required: false, key: None, key_source: None }
}

/// The n-th address that is asked about.
pub(crate) fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number)
}

/// Sweeps the first `count` addresses in blocks of `block`.
pub(crate) fn sweep(settings: Settings, falls_back: bool, lists: &[Selected], count: u32, block: usize) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dns = Dns::new(settings).unwrap();
    let consultant = Consultant::new(dns, falls_back);
    let addresses = (0..count).map(|number| IpAddr::from(address(number)));
    let lists = lists.to_vec();
    let begun = Sweep::with_blocks_of(block, &consultant, lists, &[Family::Ipv4], addresses);
    let rows: Vec<Row> = runtime.block_on(begun).unwrap().collect();
    let order: Vec<IpAddr> = rows.iter().map(|row| row.ip).collect();
    assert_eq!(
        order,
        (0..count).map(|number| address(number).into()).collect::<Vec<IpAddr>>(),
        "the order of the rows"
    );
    rows
}

/// The belief about the n-th address on the m-th list, in a word.
pub(crate) fn word(rows: &[Row], number: u32, list: usize) -> String {
    match &rows[number as usize].words[list].belief {
        Belief::Listed(hits) => format!("listed {}", hits[0].code),
        Belief::NotListed => "clean".to_owned(),
        Belief::Unknown(state, _) => state.word().to_owned(),
        other => format!("{other:?}"),
    }
}
