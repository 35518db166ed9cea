//! One refusal (or other news) about one recipient, before it is explained.

use std::net::IpAddr;

use super::code::Enhanced;
use super::side::Direction;

/// What happened to the mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It was refused or given up.
    #[default]
    Failed,
    /// It waits and will be tried again.
    Delayed,
    /// It was delivered or passed on.
    Delivered,
    /// The recipient's absence notice or other automatic reply.
    AutoReply,
    /// A recipient's complaint (RFC 5965).
    Complaint,
}

impl Action {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::AutoReply => "autoreply",
            Self::Complaint => "complaint",
        }
    }
}

/// One refusal about one recipient. Everything in it came from outside and is not yet made visible.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The recipient's address.
    pub recipient: Option<String>,
    /// What happened.
    pub action: Action,
    /// The reply code.
    pub code: Option<u16>,
    /// The enhanced code.
    pub enhanced: Option<Enhanced>,
    /// What was said, the most telling first.
    pub texts: Vec<String>,
    /// The host that said it.
    pub host: Option<String>,
    /// The host that reports it.
    pub reporting: Option<String>,
    /// Which way the mail went, where the form tells.
    pub direction: Option<Direction>,
    /// The client that was refused, where the form tells.
    pub client: Option<IpAddr>,
    /// Nothing but its text can show that it is about a refusal: a mail like any other.
    pub doubtful: bool,
}
