//! Domain-specs: macro-strings that end like a domain, and the prefix lengths behind them (RFC 7208, sections 5.3 and 7.1).

use std::net::IpAddr;

use super::fault::Reason;
use super::macros::{MacroString, Place, Slip, read};
use super::term::DualCidr;

/// Reads a domain-spec.
pub(super) fn domain_spec(text: &str) -> Result<MacroString, Slip> {
    if text.is_empty() {
        return Err((0..0, Reason::EmptyDomain));
    }
    let read = read(text, Place::Domain)?;
    let tail = &text[read.tail..];
    if tail.is_empty() {
        return Ok(read.string);
    }
    let whole = read.tail..text.len();
    if text.parse::<IpAddr>().is_ok() || is_dotted_numbers(text) {
        return Err((whole, Reason::AddressAsDomain));
    }
    let (_, cidr) = split_cidr(tail);
    if !cidr.is_empty() {
        return Err((text.len() - cidr.len()..text.len(), Reason::NoPrefix));
    }
    let without_dot = tail.strip_suffix('.').unwrap_or(tail);
    let Some((before, top)) = without_dot.rsplit_once('.') else { return Err((whole, Reason::NoDot)) };
    if is_top_label(top) {
        return Ok(read.string);
    }
    let start = read.tail + before.len() + 1;
    Err((start..start + top.len(), Reason::TopLabel(top.to_owned())))
}

/// Reads `[domain-spec][/n][//n]`, behind the `:` if there was one.
pub(super) fn domain_and_cidr(text: &str, has_colon: bool) -> Result<(Option<MacroString>, DualCidr), Slip> {
    if !has_colon {
        return Ok((None, dual_cidr(text).map_err(|reason| (0..text.len(), reason))?));
    }
    let (domain, cidr) = split_cidr(text);
    let target = domain_spec(domain)?;
    Ok((Some(target), dual_cidr(cidr).map_err(|reason| (domain.len()..text.len(), reason))?))
}

/// Splits before the slashes and digits at the end. A domain-spec ends in a label or a macro, never in a slash with digits: what
/// looks like a prefix length is one.
fn split_cidr(text: &str) -> (&str, &str) {
    let last = text.rfind(|c: char| !(c == '/' || c.is_ascii_digit())).map_or(0, |last| last + 1);
    text.split_at(text[last..].find('/').map_or(text.len(), |slash| last + slash))
}

fn dual_cidr(text: &str) -> Result<DualCidr, Reason> {
    let mut cidr = DualCidr::default();
    let (four, six) = match text.split_once("//") {
        Some((four, six)) => (four, Some(six)),
        None => (text, None),
    };
    if let Some(six) = six {
        cidr.v6 = prefix(six, 128)?;
    }
    if !four.is_empty() {
        cidr.v4 = prefix(four.strip_prefix('/').unwrap_or(four), 32)?;
    }
    Ok(cidr)
}

/// A prefix length up to `most`, without leading zeros.
pub(super) fn prefix(text: &str, most: u8) -> Result<u8, Reason> {
    let has_zeros = text.len() > 1 && text.starts_with('0');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(length) if is_number && !has_zeros && length <= most => Ok(length),
        _ => Err(Reason::Prefix(most)),
    }
}

/// `toplabel`: letters, digits and inner hyphens, not all digits.
fn is_top_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.bytes().all(|byte| byte.is_ascii_digit())
}

/// `111.222.333.44`: meant as an address, if not one.
fn is_dotted_numbers(text: &str) -> bool {
    let parts = text.split('.');
    parts.clone().count() == 4 && parts.clone().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}
