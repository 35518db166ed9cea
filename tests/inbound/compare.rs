//! A prediction and a reception side by side.

use mail_cutover::inbound::{Fate, Refusal};

use super::talk::Reception;

/// What is not as it was said; nothing where all is.
pub(crate) fn difference(fate: &Fate, reception: &Reception) -> Option<String> {
    let said = match fate {
        // The client meets what the mail server does without an answer: nobody answers it either.
        Fate::Unknown { then, .. } => then.as_ref(),
        known => known,
    };
    match (said, reception) {
        (Fate::Accepted, Reception::Taken) => None,
        (Fate::Refused(refusal), Reception::Refused(reply)) if replies(refusal, reply) => None,
        _ => {
            let doubt = if said == fate { "" } else { " (in doubt)" };
            let met = match reception {
                Reception::Taken => "taken",
                Reception::Refused(reply) => reply,
                Reception::Lost(how) => how,
            };
            let said = match said {
                Fate::Refused(Refusal { reply, enhanced, text, .. }) => format!("{reply} {enhanced:?} {text}"),
                other => format!("{other:?}"),
            };
            Some(format!("predicted {said}{doubt}, met {met}"))
        }
    }
}

/// What of that which is only logged is not as it was said; nothing where all is.
pub(crate) fn log_difference(said: &[Refusal], (warnings, ranked): &(Vec<String>, bool)) -> Option<String> {
    let (screen, smtpd): (Vec<&Refusal>, Vec<&Refusal>) =
        said.iter().partition(|refusal| refusal.rule.section.starts_with("postscreen"));
    let same = smtpd.len() == warnings.len() && smtpd.iter().zip(warnings).all(|(one, line)| replies(one, line));
    let texts: Vec<String> = said.iter().map(|one| format!("{} {}", one.reply, one.text)).collect();
    // postscreen tells the rank of everybody who reaches the threshold, refused or not.
    (!same || (!screen.is_empty() && !ranked))
        .then(|| format!("to be only logged {texts:?}, was {warnings:?}, ranked {ranked}"))
}

/// Whether this is the reply: code, enhanced code and text, but for the list's own words at its end.
fn replies(refusal: &Refusal, reply: &str) -> bool {
    let enhanced = refusal.enhanced.as_deref().unwrap_or_default();
    let Some(text) = reply.strip_prefix(&format!("{} {enhanced} ", refusal.reply)) else { return false };
    // Which mailbox of a domain it was is no part of a prediction.
    let text = text.replace("someone@", "…@").replace(&format!("<{}>", super::postfix::RECIPIENT), "<…>");
    // Of several lists of one weight postscreen names the one that answers first.
    let (front, lists) = refusal.text.rsplit_once(" using ").unwrap_or((&refusal.text, ""));
    match text.strip_prefix(front) {
        Some("") => lists.is_empty(),
        Some(rest) if lists.is_empty() => rest.starts_with(", ") || rest.starts_with("; "),
        Some(rest) => rest.strip_prefix(" using ").is_some_and(|rest| {
            let named = rest.split(';').next().unwrap_or_default();
            lists.split(" or ").any(|list| list == named)
        }),
        None => false,
    }
}
