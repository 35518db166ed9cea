//! The addresses that are to be ranked: single ones and ranges, each address once, in the order given.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::catalogue::Family;
use crate::model::visible;
use crate::plan::{special_purpose, stays_inside};

/// So many addresses of one IPv6 range are enumerated, and of one run before it asks back.
pub(super) const FEW: u64 = 256;
/// The most addresses of one run.
const MOST: u64 = 1 << 20;

/// The candidates of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    ranges: Vec<IpNet>,
    /// How many addresses there are, IPv4 and IPv6.
    counts: [u64; 2],
}

impl Candidates {
    /// Reads addresses and ranges.
    ///
    /// # Errors
    /// Which of them cannot be ranked, and why.
    pub(super) fn parse(written: &[String]) -> Result<Self, String> {
        let ranges = written.iter().map(|text| range(text)).collect::<Result<Vec<_>, _>>()?;
        let sizes = ranges.iter().map(|range| 1_u64 << (range.max_prefix_len() - range.prefix_len()));
        if sizes.sum::<u64>() > MOST {
            return Err(format!("more than {MOST} addresses at once; name smaller ranges"));
        }
        let mut candidates = Self { ranges, counts: [0, 0] };
        let mut counts = [0, 0];
        candidates.addresses().for_each(|ip| counts[usize::from(ip.is_ipv6())] += 1);
        candidates.counts = counts;
        Ok(candidates)
    }

    /// Each address once.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let ranges = self.ranges.clone();
        let mut place = 0;
        let mut hosts = None;
        std::iter::from_fn(move || {
            loop {
                let range: &IpNet = ranges.get(place)?;
                let current = hosts.get_or_insert_with(|| subnets(*range));
                match current.next() {
                    Some(ip) if ranges[..place].iter().any(|earlier| earlier.contains(&ip)) => {}
                    Some(ip) => return Some(ip),
                    None => {
                        hosts = None;
                        place += 1;
                    }
                }
            }
        })
    }

    /// How many addresses there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many of them are of `family`.
    pub(super) fn count_of(&self, family: Family) -> u64 {
        self.counts[usize::from(family == Family::Ipv6)]
    }

    /// A range of addresses that are not public, and what they are.
    pub(super) fn special(&self) -> Option<(IpNet, &'static str)> {
        self.ranges.iter().find_map(|range| Some((*range, special_purpose(range.network())?)))
    }

    /// The ranges as one text, for the fingerprint.
    pub(super) fn text(&self) -> String {
        self.ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// All addresses of a range, the first and the last too: a provider hands out those as well.
fn subnets(range: IpNet) -> Box<dyn Iterator<Item = IpAddr> + Send> {
    match range {
        IpNet::V4(range) => {
            let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
            Box::new((first..=last).map(|ip| IpAddr::from(std::net::Ipv4Addr::from(ip))))
        }
        IpNet::V6(range) => {
            let (first, last) = (u128::from(range.network()), u128::from(range.broadcast()));
            Box::new((first..=last).map(|ip| IpAddr::from(std::net::Ipv6Addr::from(ip))))
        }
    }
}

fn range(text: &str) -> Result<IpNet, String> {
    let shown = visible(text);
    let single = text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
    let range = single
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| format!("{shown}: write an address, or a range such as 198.51.100.0/24"))?
        .trunc();
    let size = u32::from(range.max_prefix_len() - range.prefix_len());
    if matches!(range, IpNet::V6(_)) && size > FEW.ilog2() {
        return Err(format!(
            "{shown}: of an IPv6 range at most {FEW} addresses are asked for; name the addresses on offer"
        ));
    }
    if size > MOST.ilog2() {
        return Err(format!("{shown}: more than {MOST} addresses at once; name smaller ranges"));
    }
    if stays_inside(range.network()) || range.network().is_unspecified() {
        return Err(format!("{shown}: no blocklist knows addresses that stay inside a network"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(written: &[&str]) -> Result<Candidates, String> {
        Candidates::parse(&written.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    /// Lost if it fails: an address would be left out, or asked and counted twice.
    #[test]
    fn each_address_comes_once_and_in_order() {
        let found = parse(&["198.51.100.9", "198.51.100.8/30", "2001:db8::fe/127", "::ffff:198.51.100.11"]).unwrap();
        let all: Vec<String> = found.addresses().map(|ip| ip.to_string()).collect();
        assert_eq!(
            all,
            ["198.51.100.9", "198.51.100.8", "198.51.100.10", "198.51.100.11", "2001:db8::fe", "2001:db8::ff"]
        );
        assert_eq!((found.count(), found.count_of(Family::Ipv4), found.count_of(Family::Ipv6)), (6, 4, 2));
        assert_eq!(parse(&["198.18.0.0/15"]).unwrap().count(), 131_072);
    }

    /// Lost if it fails: a slip of the pen would ask the lists about half of the internet, or about nobody.
    #[test]
    fn what_cannot_be_ranked_is_refused() {
        for (written, said) in [
            ("198.51.100", "write an address"),
            ("198.51.100.0/33", "write an address"),
            ("0.0.0.0/0", "more than 1048576"),
            ("2001:db8::/64", "at most 256"),
            ("2001:db8::/119", "at most 256"),
            ("10.0.0.0/24", "stay inside"),
            ("127.0.0.2", "stay inside"),
            ("mail.example.jp\u{1b}[31m", "write an address"),
        ] {
            let error = parse(&[written]).unwrap_err();
            assert!(error.contains(said) && !error.contains('\u{1b}'), "{written}: {error}");
        }
        assert!(parse(&["198.0.0.0/12", "203.0.0.0/24"]).unwrap_err().contains("more than"));
    }
}
