//! The only room with sockets: questions to the world, and what came back.

#![expect(clippy::disallowed_methods, reason = "the room with the sockets; the transcript says when")]

mod bulk;
mod dns;
pub(crate) mod fuzzing;
mod https;
mod once;
mod smtp;
mod transcript;

pub use bulk::{Answered, Pipeline, Way, ZoneNumber};
pub use dns::{
    Answer, Ask, Authority, Dns, Limits, NameServer, Pace, Question, QuestionError, QuestionName, Reply,
    ResolverChoice, ResolverError, Route, Settings, is_public_resolver, plain, presentation,
};
pub use hickory_proto::op::ResponseCode;
pub use hickory_proto::rr::{Name, RData, Record, RecordType};
pub use https::{Fetch, Fetched, Https, HttpsError, HttpsSettings};
pub use smtp::{
    ChainFault, Depth, OldTls, Protocol, ReplyKind, ServerReply, Session, Smtp, SmtpError, SmtpSettings, Step, Stop,
    TlsSeen, TlsState, Versions, Visit, is_for,
};
