//! The arguments of `init`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Timelike};
use clap::Args;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The mail domains that move, aliases too.
    #[arg(required = true, value_name = "DOMAIN")]
    pub domains: Vec<String>,
    /// The new server's addresses.
    #[arg(long, value_name = "IP", num_args = 1.., action = clap::ArgAction::Append)]
    pub new: Vec<IpAddr>,
    /// The old server's addresses, where MX and SPF do not tell.
    #[arg(long, value_name = "IP", num_args = 1.., action = clap::ArgAction::Append)]
    pub old: Vec<IpAddr>,
    /// Take the records of a zone from this file instead of the live DNS: a master file as the DNS host exports it, or the output
    /// of `dig axfr`; ORIGIN=FILE where the file does not say which zone it is (may be repeated).
    #[arg(long, value_name = "[ORIGIN=]FILE")]
    pub zone: Vec<String>,
    /// A mail that the old server sent, as another system received it: names the DKIM selectors in use.
    #[arg(long, value_name = "MESSAGE.eml")]
    pub sample: Option<PathBuf>,
    /// When the switch happens, with its offset: 2026-12-05T22:00:00+09:00. On a terminal it is asked for.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub cutover_at: Option<DateTime<FixedOffset>>,
    /// The name of the new mail server, for PTR, HELO and MX; without it, that of today's MX.
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// The change ticket.
    #[arg(long, value_name = "TEXT")]
    pub change: Option<String>,
    /// Ask these resolvers (addresses, with or without port), `system`, or `direct`; the plan will say so too (may be repeated).
    #[arg(long, value_name = "ADDRESS")]
    pub resolver: Vec<String>,
    /// Only ask the DNS: do not read the greeting of the old server.
    #[arg(long)]
    pub dns_only: bool,
    /// For laboratories: the new addresses need not be public, because of REASON.
    #[arg(long, value_name = "REASON")]
    pub allow_special: Option<String>,
    /// Where to write; never over a file that is there. `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "plan.toml")]
    pub output: PathBuf,
    /// For tunnels and laboratories: where to connect instead, OF=TO.
    #[arg(long, hide = true, value_name = "OF=TO", value_parser = parse_detour)]
    pub connect: Vec<(SocketAddr, SocketAddr)>,
}

/// A moment with its offset from UTC; seconds may be missing, and a space may stand before the time.
///
/// # Errors
/// What to write instead.
pub fn parse_moment(text: &str) -> Result<DateTime<FixedOffset>, String> {
    let text = text.trim();
    let loose = ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%d %H:%M%:z", "%Y-%m-%d %H:%M %:z", "%Y-%m-%d %H:%M:%S%:z"];
    let read = DateTime::parse_from_rfc3339(text)
        .ok()
        .or_else(|| loose.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()))
        // A plan has no leap seconds.
        .and_then(|moment| moment.with_nanosecond(0));
    let has_no_offset = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .any(|form| NaiveDateTime::parse_from_str(text, form).is_ok());
    read.ok_or_else(|| {
        let what = if has_no_offset { "the offset from UTC is missing: " } else { "" };
        format!("{what}write a time such as 2026-12-05T22:00:00+09:00")
    })
}

fn parse_detour(text: &str) -> Result<(SocketAddr, SocketAddr), String> {
    let read = |part: &str| part.parse::<SocketAddr>().ok();
    let both = text.split_once('=').and_then(|(of, to)| Some((read(of)?, read(to)?)));
    both.ok_or_else(|| "write 203.0.113.25:25=127.0.0.1:2525".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a time without offset would be taken for another night, or a good one refused.
    #[test]
    fn moments_have_an_offset() {
        for good in [
            "2026-12-05T22:00:00+09:00",
            "2026-12-05T22:00+09:00",
            "2026-12-05 22:00+09:00",
            " 2026-12-05 22:00 +09:00",
            "2026-12-05T13:00:00Z",
        ] {
            assert_eq!(parse_moment(good).unwrap().to_utc().to_rfc3339(), "2026-12-05T13:00:00+00:00", "{good}");
        }
        assert_eq!(parse_moment("2026-12-31T23:59:60Z").unwrap().to_rfc3339(), "2026-12-31T23:59:59+00:00");
        assert!(parse_moment("2026-12-05 22:00").unwrap_err().contains("offset"));
        for wrong in ["", "tomorrow", "2026-13-05T22:00:00+09:00", "2026-12-05"] {
            assert!(!parse_moment(wrong).unwrap_err().contains("missing"), "{wrong}");
        }
    }
}
