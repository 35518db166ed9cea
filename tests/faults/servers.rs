//! Mail servers and a policy host that misbehave, one by one, at every step of the conversation.

use std::path::Path;

use crate::world::case::Case;

/// The servers of the worlds' plans: the new ones, then the old one's.
const NEW: [&str; 2] = ["203.0.113.25", "[2001:db8:25::25]"];
const OLD: &str = "192.0.2.25";
const PORTS: [&str; 3] = ["25", "465", "993"];

/// The whole conversation goes wrong.
const FAULTS: [&str; 12] = [
    "refused",
    "dropped",
    "no-route",
    "silent",
    "garbage",
    "long-line",
    "endless-reply",
    "hangs-up",
    "slow",
    "injected",
    "no-handshake",
    "silent-handshake",
];

/// One command gets another reply.
const COMMANDS: [&str; 4] = ["EHLO", "STARTTLS", "MAIL", "RCPT"];
const REPLIES: [&str; 4] = ["421 4.3.2 not now", "451 4.3.0 later", "999 what", "nonsense"];

/// What happens to the policy of MTA-STS.
const SITE: [&str; 6] = [
    "fault = \"untrusted\"",
    "fault = \"wrong-name\"",
    "fault = \"never-ends\"",
    "fault = \"too-long\"",
    "fault = \"garbage\"",
    "status = 500",
];

/// A server's misbehaviour, as a world.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) name: String,
    pub(crate) case: Case,
    /// The new server cannot be measured at port 25: never GO.
    pub(crate) hides: bool,
    /// It must be said at least: one address of two may fail for people's mail programs, which then try the other.
    pub(crate) shows: bool,
}

/// All of them, in the world whose text this is.
pub(crate) fn all(path: &Path) -> Vec<Trouble> {
    let text = std::fs::read_to_string(path).expect("a world");
    let mut troubles = Vec::new();
    let mut add = |header: &str, line: &str, hides: bool, shows: bool| {
        assert!(text.contains(&format!("{header}\n")), "the world has no {header}");
        let text = text.replace(&format!("{header}\n"), &format!("{header}\n{line}\n"));
        let case = Case::parse(path, &text).unwrap_or_else(|problem| panic!("{header} {line}: {problem}"));
        troubles.push(Trouble { name: format!("{header} {line}"), case, hides, shows });
    };
    for (address, new) in NEW.iter().map(|new| (*new, true)).chain([(OLD, false)]) {
        for port in PORTS {
            let header = format!("[mail.\"{address}:{port}\"]");
            for fault in FAULTS {
                // STARTTLS is what these three are about.
                let by_starttls = matches!(fault, "injected" | "no-handshake" | "silent-handshake");
                if port == "25" || !by_starttls && fault != "endless-reply" {
                    add(&header, &format!("fault = \"{fault}\""), new && port == "25", new);
                }
            }
        }
        for command in COMMANDS {
            for reply in REPLIES {
                let line = format!("replies = {{ {command} = \"{reply}\" }}");
                add(&format!("[mail.\"{address}:25\"]"), &line, new, new);
            }
        }
    }
    for line in SITE {
        add("[https.\"mta-sts.example.co.jp\"]", line, false, true);
    }
    troubles
}
