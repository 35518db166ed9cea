//! One mail: a delivery status notification, a notice for people, or something that is no refusal at all.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::event::{Action, Event};
use super::input::text;
use super::log::{address_in, whole_address};
use super::{body, dsn};

/// So much of the text for people is read, in octets.
const LONGEST_TEXT: usize = 256 * 1024;
/// So much of a mail is searched for a delivery status that stands outside of its part, in octets.
const LONGEST_SEARCH: usize = 4 << 20;
/// So many parts of a mail are looked at; what comes after them is cut off, because each one within another costs the parser memory.
const MOST_PARTS: usize = 1000;
/// So much of a mail is parsed, in octets. The notice and the status stand before the copy of the refused mail (RFC 6522).
const LONGEST_MAIL: usize = 8 << 20;

/// Fields of which one at least stands in the header of every mail.
const FIELDS: [&str; 12] = [
    "from",
    "to",
    "subject",
    "date",
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "x-original-to",
    "x-failed-recipients",
];

/// Whether `input` begins with the header of a mail.
pub(super) fn begins_like_one(input: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&input[..input.len().min(8192)]);
    let mut fields = 0;
    for line in head.trim_start_matches('\n').lines().take(60) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return fields >= 2 };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return fields >= 2;
        }
        fields += usize::from(FIELDS.contains(&name.to_ascii_lowercase().as_str()));
    }
    fields >= 2
}

/// What one mail reports.
pub(super) fn events(mail: &[u8]) -> Vec<Event> {
    let mail = bounded(mail);
    let Some(message) = MessageParser::default().parse(mail) else { return Vec::new() };
    let header = Header::of(&message);
    let report = report_type(&message);
    let mut notice = body::before_copy(&human_text(&message)).to_owned();
    if notice.trim().is_empty() {
        notice = body::before_copy(&raw_body(mail)).to_owned();
    }
    if notice.contains("<<< ") {
        // How Sendmail sums up any refusal that it has just quoted.
        notice = notice.replace("554 5.0.0 Service unavailable", "");
    }
    let status = status_text(&message).or_else(|| stray_status(mail));
    let complaint = header.is_complaint() && status.is_none();
    if report.as_deref() == Some("feedback-report") || has_part(&message, "feedback-report") || complaint {
        return vec![quiet(Action::Complaint, &header, notice)];
    }
    if report.as_deref() == Some("disposition-notification") && status.is_none() {
        return vec![quiet(Action::Delivered, &header, notice)];
    }
    let mut events = status.as_deref().map(dsn::events).unwrap_or_default();
    if events.is_empty() {
        if header.is_auto_reply() {
            return vec![quiet(Action::AutoReply, &header, notice)];
        }
        let mut events = body::events(&notice, &header.failed);
        let doubtful = !header.looks_like_a_bounce();
        events.iter_mut().for_each(|event| event.doubtful = doubtful);
        return events;
    }
    let about_one = events.len() == 1;
    for event in &mut events {
        let mut telling = body::telling(&notice, event.recipient.as_deref());
        // Of several recipients, what the notice says in general would be told of each.
        if !about_one {
            telling.retain(|text| event.recipient.as_deref().is_some_and(|recipient| text.contains(recipient)));
            telling.truncate(1);
        }
        event.texts.extend(telling);
    }
    events
}

/// `mail` up to [`LONGEST_MAIL`] octets and [`MOST_PARTS`] parts.
fn bounded(mail: &[u8]) -> &[u8] {
    let mail = &mail[..mail.len().min(LONGEST_MAIL)];
    let kind = b"content-type:";
    let starts = memchr::memchr_iter(b'\n', mail).map(|end| end + 1);
    let mut parts =
        starts.filter(|at| mail.get(*at..*at + kind.len()).is_some_and(|line| line.eq_ignore_ascii_case(kind)));
    parts.nth(MOST_PARTS).map_or(mail, |at| &mail[..at])
}

fn quiet(action: Action, header: &Header, notice: String) -> Event {
    Event { action, recipient: header.from.clone(), texts: vec![notice], ..Event::default() }
}

/// What the header of a mail tells about its kind.
struct Header {
    from: Option<String>,
    from_text: String,
    subject: String,
    failed: Vec<String>,
    auto: bool,
}

impl Header {
    fn of(message: &Message) -> Self {
        let mut header =
            Self { from: None, from_text: String::new(), subject: String::new(), failed: Vec::new(), auto: false };
        for (name, value) in message.headers_raw().take(MOST_PARTS) {
            let value = super::normal::floor(value, 4096);
            match name.to_ascii_lowercase().as_str() {
                "from" if header.from.is_none() => {
                    header.from = address_in(value);
                    header.from_text = value.to_ascii_lowercase();
                }
                "x-failed-recipients" => {
                    header
                        .failed
                        .extend(value.split([',', ' ', '\n', '\t']).filter_map(whole_address).take(MOST_PARTS));
                }
                "auto-submitted" => header.auto |= value.to_ascii_lowercase().contains("auto-replied"),
                "x-autoreply" | "x-autorespond" | "x-autoresponder" | "x-autoreply-from" | "x-vacation"
                | "x-apple-action" => header.auto = true,
                "precedence" => header.auto |= value.to_ascii_lowercase().replace('-', "_").contains("auto_reply"),
                _ => {}
            }
        }
        header.subject = message.subject().unwrap_or_default().to_lowercase();
        header
    }

    /// Complaints of those who write them without the form of RFC 5965.
    fn is_complaint(&self) -> bool {
        let titles =
            ["complaint about message from", "abuse complaint", "abuse report", "spam complaint", "feedback loop"];
        titles.iter().any(|title| self.subject.contains(title))
    }

    /// Whether a mail program wrote it.
    fn is_by_program(&self) -> bool {
        let program = ["mailer-daemon", "postmaster", "mail delivery", "mailerdaemon", "mail-daemon"];
        program.iter().any(|name| self.from_text.contains(name)) || !self.failed.is_empty()
    }

    fn looks_like_a_bounce(&self) -> bool {
        let titles = [
            "deliver",
            "return",
            "fail",
            "bounce",
            "reject",
            "error",
            "undeliv",
            "notif",
            "mailer",
            "warning",
            "problem",
            "unable",
            "cannot",
            "could not",
            "refused",
            "blocked",
            "unzustell",
            "unsent",
            "remis",
            "entreg",
            "recapit",
            "配信",
            "配送",
            "不達",
            "エラー",
            "送信",
            "宛先",
            "戻",
            "未送",
            "退信",
            "系统",
            "достав",
        ];
        self.is_by_program() || titles.iter().any(|title| self.subject.contains(title))
    }

    fn is_auto_reply(&self) -> bool {
        let by_program = self.is_by_program();
        let titles = [
            "out of office",
            "automatic reply",
            "auto reply",
            "autoreply",
            "auto-reply",
            "auto response",
            "automatic response",
            "vacation",
            "away from",
            "out of the office",
            "absence",
            "abwesenheit",
            "réponse automatique",
            "respuesta automática",
            "automatische antwort",
            "automatisch antwoord",
            "risposta automatica",
            "自動応答",
            "自動返信",
            "不在",
            "自动回复",
            "автоответ",
        ];
        let titled = titles.iter().any(|title| self.subject.contains(title)) || self.subject.starts_with("auto:");
        !by_program && (self.auto || titled)
    }
}

fn report_type(message: &Message) -> Option<String> {
    let kind = message.content_type()?;
    kind.attribute("report-type").map(str::to_ascii_lowercase)
}

fn is_kind(part: &MessagePart, kind: &str, ends: &str) -> bool {
    part.content_type().is_some_and(|content| {
        content.ctype().eq_ignore_ascii_case(kind)
            && content.subtype().is_some_and(|subtype| subtype.to_ascii_lowercase().ends_with(ends))
    })
}

fn has_part(message: &Message, ends: &str) -> bool {
    message.parts.iter().take(MOST_PARTS).any(|part| is_kind(part, "message", ends))
}

fn status_text(message: &Message) -> Option<String> {
    let mut parts = message.parts.iter().take(MOST_PARTS);
    let part = parts.find(|part| is_kind(part, "message", "delivery-status"))?;
    let bytes = match &part.body {
        // Taken for a mail of its own, its fields are the header.
        PartType::Message(inner) => inner.raw_message(),
        _ => part.contents(),
    };
    let status = text(&bytes[..bytes.len().min(LONGEST_SEARCH)]);
    (!status.trim().is_empty()).then_some(status)
}

/// A delivery status that stands in a mail without being a part of it; mails that were cut or forwarded have it.
fn stray_status(mail: &[u8]) -> Option<String> {
    let mail = text(&mail[..mail.len().min(LONGEST_SEARCH)]);
    let lower = mail.to_ascii_lowercase();
    let at = lower.find("\nfinal-recipient:")?;
    let starts = lower[..at].rfind("\nreporting-mta:").unwrap_or(at);
    let rest = &mail[starts + 1..];
    let end =
        ["\n--", "\nReceived:", "\nReturn-Path:", "\nContent-Type:"].iter().filter_map(|mark| rest.find(mark)).min();
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// What stands in a mail for people, its parts one after the other.
fn human_text(message: &Message) -> String {
    let mut plain = String::new();
    let mut html = String::new();
    for part in message.parts.iter().take(MOST_PARTS) {
        if plain.len() > LONGEST_TEXT || is_kind(part, "text", "rfc822-headers") || is_kind(part, "message", "") {
            continue;
        }
        match &part.body {
            PartType::Text(text) => {
                let raw = message.raw_message.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize);
                plain.push_str(&readable(text, raw.unwrap_or_default()));
                plain.push('\n');
            }
            PartType::Html(text) if html.is_empty() => {
                let cut = super::normal::floor(text, LONGEST_TEXT);
                html = mail_parser::decoders::html::html_to_text(cut);
            }
            _ => {}
        }
    }
    let chosen = if plain.trim().is_empty() { html } else { plain };
    super::normal::floor(&chosen, LONGEST_TEXT).to_owned()
}

/// `part` as it was meant where the mail names another charset than it is written in: UTF-8, or ISO-2022-JP.
fn readable(part: &str, raw: &[u8]) -> String {
    if part.contains("\u{1b}$") {
        return text(part.as_bytes());
    }
    match std::str::from_utf8(raw) {
        Ok(raw) if part.contains('\u{fffd}') && !raw.is_ascii() => raw.to_owned(),
        _ => part.to_owned(),
    }
}

/// Everything after the header, without the lines that MIME puts between the parts: for mails whose parts cannot be found.
fn raw_body(mail: &[u8]) -> String {
    let body = memchr::memmem::find(mail, b"\n\n").map_or(mail, |at| &mail[at + 2..]);
    let body = text(&body[..body.len().min(LONGEST_TEXT)]);
    let mime = |line: &str| {
        let lower = line.to_ascii_lowercase();
        line.starts_with("--") || lower.starts_with("content-") || lower.trim_start().starts_with("boundary=")
    };
    body.lines().filter(|line| !mime(line)).flat_map(|line| [line, "\n"]).collect()
}
