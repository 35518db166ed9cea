//! Every key of the plan file with its meaning: the reader, the JSON Schema and docs/plan.md are made of them.

use serde_json::{Map, Value, json};

/// One key of one section.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The shape of its value.
    kind: Kind,
    /// One line on its meaning.
    doc: &'static str,
    usual: Usual,
}

/// What holds where a key is left out.
enum Usual {
    /// It may not be left out.
    Required,
    /// This, as JSON has it.
    Is(&'static str),
    /// Nothing, or what `doc` says.
    Nothing,
}

/// The shape of a value.
enum Kind {
    Text,
    Texts,
    Flag,
    Integer(i64, i64),
    Time,
    Date,
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    Choices(&'static [&'static str]),
    Ports,
    /// A table of this section.
    Table(&'static str),
    /// A list of tables of this section.
    Tables(&'static str),
    /// A list whose items are texts or tables of this section.
    TextsOrTables(&'static str),
    /// A table with keys of the operator's choice and values of this shape.
    Map(&'static Kind),
    /// One text or a list of texts.
    TextOrTexts,
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc, usual: Usual::Nothing }
}

impl Key {
    const fn required(self) -> Self {
        Self { usual: Usual::Required, ..self }
    }

    /// The key with what holds where it is left out, as JSON has it.
    const fn or(self, json: &'static str) -> Self {
        Self { usual: Usual::Is(json), ..self }
    }
}

const WEIGHTS: &[&str] = &["block", "warn", "info"];

const PLAN: &[Key] = &[
    key("change", Kind::Text, "The change ticket; printed on every report."),
    key("title", Kind::Text, "A title for people."),
    key("cutover_at", Kind::Time, "When the switch happens; the offset from UTC is mandatory.").required(),
    key("overlap", Kind::Duration, "How long the old server stays alive after the switch.").or(r#""7d""#),
    key("domains", Kind::Texts, "The mail domains that move, aliases too.").required(),
    key("hostname", Kind::Text, "The mail server's name: the default of `ptr`, `helo` and MX.").required(),
    key(
        "must_cover",
        Kind::Texts,
        "Checks (ids or tags) that a run must cover; what it cannot cover then holds the verdict.",
    ),
    key("old", Kind::Table("old"), "The server of today.").required(),
    key("new", Kind::Table("new"), "The server of tomorrow.").required(),
    key(
        "mx",
        Kind::Map(&Kind::Texts),
        "What MX must be after the cutover, by domain, such as `\"*\" = [\"10 mail.example.co.jp\"]`; `\"*\"` is every domain not named.",
    ),
    key("dns", Kind::Table("dns"), "How the DNS is asked, and the TTLs."),
    key("https", Kind::Table("https"), "How policies are fetched by HTTPS."),
    key("auth", Kind::Table("auth"), "Sender authentication."),
    key("smtp", Kind::Table("smtp"), "What the servers are asked over SMTP."),
    key("dnsbl", Kind::Table("dnsbl"), "The blocklists that judge us."),
    key("inbound_dnsbl", Kind::Table("inbound_dnsbl"), "The blocklists that the new server will enforce on others."),
    key("receivers", Kind::Table("receivers"), "The receivers that matter."),
    key("after", Kind::Table("after"), "What shows after the cutover whether mail arrives."),
    key("attest", Kind::Map(&Kind::Table("attest")), "What no probe can see, such as `port25_lifted`."),
    key("rollback", Kind::Table("rollback"), "Who decides to go back, and when."),
    key("waive", Kind::Tables("waive"), "Accepted risks."),
];

const OLD: &[Key] = &[
    key("ips", Kind::TextsOrTables("address"), "The addresses: texts, or tables with keys of their own.").required(),
    key("ptr", Kind::Text, "The PTR name of all of them; `hostname` if not said."),
    key("helo", Kind::Text, "The HELO name of all of them; `ptr` if not said."),
    key("allow_special", Kind::Flag, "Addresses that are not public may stand here; needs `reason`.").or("false"),
    key("reason", Kind::Text, "Why addresses that are not public stand here."),
];

const NEW: &[Key] = &[
    key("provider", Kind::Text, "The provider's id; guessed from the origin AS if not said."),
    key(
        "certificate",
        Kind::Text,
        "A PEM file with the certificates that the new server will present, its own first; the path is taken from the plan's folder.",
    ),
    key("ips", Kind::TextsOrTables("address"), "The addresses: texts, or tables with keys of their own.").required(),
    key("ptr", Kind::Text, "The PTR name of all of them; `hostname` if not said."),
    key("helo", Kind::Text, "The HELO name of all of them; `ptr` if not said."),
    key("allow_special", Kind::Flag, "Addresses that are not public may stand here; needs `reason`.").or("false"),
    key("reason", Kind::Text, "Why addresses that are not public stand here."),
];

const ADDRESS: &[Key] = &[
    key("ip", Kind::Text, "The address.").required(),
    key("ptr", Kind::Text, "Its PTR name."),
    key("helo", Kind::Text, "Its HELO name."),
    key("sends", Kind::Flag, "Whether mail leaves from here.").or("true"),
    key("receives", Kind::Flag, "Whether mail arrives here.").or("true"),
    key("allow_special", Kind::Flag, "It may be an address that is not public; needs `reason`.").or("false"),
    key("reason", Kind::Text, "Why an address that is not public stands here."),
];

const DNS: &[Key] = &[
    key(
        "resolver",
        Kind::TextOrTexts,
        "`\"auto\"`, `\"system\"`, `\"direct\"`, or a list of addresses with or without port.",
    )
    .or(r#""auto""#),
    key("root_hints", Kind::Texts, "Root servers instead of IANA's; laboratories need them."),
    key("authority_port", Kind::Integer(1, 65_535), "The port of authoritative servers.").or("53"),
    key("timeout", Kind::Duration, "How long to wait for an answer before asking again.").or(r#""1s""#),
    key(
        "unpaced",
        Kind::Texts,
        "Servers of your own, with or without port, that are asked as fast as they answer: a local mirror of the lists, your own resolver.",
    ),
    key("ttl_target", Kind::Duration, "The TTL that changing records should have at the cutover.").or(r#""5m""#),
    key("lowered_at", Kind::Time, "When somebody lowered the TTLs."),
    key("old_ttl", Kind::Duration, "The TTL that they had before."),
];

const HTTPS: &[Key] = &[
    key("port", Kind::Integer(1, 65_535), "The port of HTTPS servers; laboratories use another.").or("443"),
    key(
        "trust",
        Kind::Text,
        "A PEM file with the authorities to trust instead of the public ones, for laboratories; the path is taken from the plan's folder.",
    ),
    key("timeout", Kind::Duration, "How long one fetch may take, the connection included.").or(r#""15s""#),
];

const AUTH: &[Key] = &[
    key("mail_from", Kind::Texts, "The domains of MAIL FROM, if they are others than domains."),
    key("dkim", Kind::Map(&Kind::Texts), "DKIM selectors, by domain."),
    key("keep_dkim", Kind::Texts, "Old selectors that must stay for a week."),
    key("mta_sts", Kind::Flag, "Whether MTA-STS is in use."),
    key("dane", Kind::Flag, "Whether DANE is in use."),
];

const SMTP: &[Key] = &[
    key(
        "ports",
        Kind::Ports,
        "Ports to speak to: 25 (other servers deliver here), 465, 587, 110, 143, 993, 995 (people's mail programs); with `[]` no server is spoken to.",
    )
    .or("[25]"),
    key("recipients", Kind::Texts, "Mailboxes that the old and the new server must accept; each is asked for with RCPT TO, and nothing is sent. Without them no mailbox is asked for, `postmaster` neither."),
    key("relay_probe", Kind::Text, "A mailbox of yours on another system, to test for an open relay; nothing is sent to it."),
    key(
        "sample_eml",
        Kind::Text,
        "A file with a message that the new server sent, as a mailbox on another system received it, with all header fields; the path is taken from the plan's folder.",
    ),
    key(
        "witnesses",
        Kind::Texts,
        "Mail domains of others, in different networks: at their MX hosts it is tried whether port 25 is open from here (greeting and QUIT, on the new server EHLO too, and no more). The domains of partners are used as well.",
    ),
    key(
        "ehlo",
        Kind::Text,
        "The name that this program says in EHLO; if not said, this machine's full name, or else its address.",
    ),
    key("timeout", Kind::Duration, "How long a server may take for one reply.").or(r#""20s""#),
    key(
        "trust",
        Kind::Text,
        "A PEM file with the authorities to trust instead of the public ones, for laboratories; the path is taken from the plan's folder.",
    ),
    key(
        "connect",
        Kind::Map(&Kind::Text),
        "Where to connect instead, such as `\"203.0.113.25:25\" = \"127.0.0.1:2525\"`, for tunnels and laboratories; this shows what a server says, not that others reach it.",
    ),
];

const DNSBL: &[Key] = &[
    key("use", Kind::Texts, "Named sets of the catalogue.").or(r#"["recommended"]"#),
    key("lists", Kind::Texts, "Further lists, by id or zone."),
    key("disable", Kind::Texts, "Lists that are left out, by id or zone."),
    key(
        "require",
        Kind::Texts,
        "Lists without whose word there is no GO, by id or zone; they are asked whether or not they are in `use` or `lists`.",
    ),
    key("key", Kind::Map(&Kind::Text), "Where keys are: name of the key = \"env:NAME\"; never the key itself."),
    key(
        "weight",
        Kind::Map(&Kind::Choice(WEIGHTS)),
        "Weights instead of the catalogue's: list id = \"block\", \"warn\" or \"info\".",
    ),
    key(
        "quorum",
        Kind::Text,
        "How many of the blocking lists that are not required must answer, about an address and about a domain.",
    )
    .or(r#""80%""#),
    key("list", Kind::Tables("dnsbl.list"), "Lists of your own."),
];

const DNSBL_LIST: &[Key] = &[
    key("id", Kind::Text, "Its id; no list of the catalogue has it.").required(),
    key("name", Kind::Text, "Its name for people; the id if not said."),
    key("zone", Kind::Text, "The zone to ask.").required(),
    key("families", Kind::Choices(&["ipv4", "ipv6", "domain"]), "What it holds.").or(r#"["ipv4"]"#),
    key("weight", Kind::Choice(WEIGHTS), "What a listing weighs.").or(r#""warn""#),
];

const INBOUND: &[Key] = &[
    key(
        "zones",
        Kind::Texts,
        "Zones that the new server will enforce, as its configuration names them; a list that it asks with a key, by its id.",
    ),
    key(
        "config",
        Kind::Text,
        "The new server's own rules instead of zones: a copy of Postfix's main.cf, the output of `postconf -n`, or Exim's configuration; the path is taken from the plan's folder.",
    ),
    key("partners", Kind::Tables("partner"), "Who must still get through."),
];

const PARTNER: &[Key] = &[
    key("name", Kind::Text, "Their name.").required(),
    key("domain", Kind::Text, "Their mail domain; this or ips is required."),
    key("ips", Kind::Texts, "Their addresses."),
    key("vip", Kind::Flag, "Refusing them would stop the cutover.").or("false"),
];

const RECEIVERS: &[Key] = &[
    key("care_about", Kind::Texts, "Receivers whose rules are checked, such as \"gmail\"."),
    key(
        "per_day",
        Kind::Integer(0, i64::MAX),
        "Messages a day; more than 5000 switches the rules for bulk senders on.",
    ),
];

const AFTER: &[Key] = &[key(
    "logs",
    Kind::Texts,
    "Mail logs of the new server, and of the old one to compare with (Postfix, Exim, Sendmail; plain, gzip or zstd); paths are taken from the plan's folder.",
)];

const ATTEST: &[Key] = &[
    key("yes", Kind::Flag, "Whether it holds.").required(),
    key("by", Kind::Text, "Who says so.").required(),
    key("on", Kind::Date, "Since when."),
    key("ref", Kind::Text, "A ticket."),
];

const ROLLBACK: &[Key] = &[
    key("owner", Kind::Text, "Who decides.").required(),
    key("decide_by", Kind::Duration, "How long after the cutover the decision must fall.").or(r#""2h""#),
    key("triggers", Kind::Texts, "Tags, or ids of checks, that ask for it: found after the cutover, they make NO-GO."),
];

const WAIVE: &[Key] = &[
    key("tag", Kind::Text, "The tag of the finding.").required(),
    key("on", Kind::Text, "The address, name or list it was found on; any if not said."),
    key("about", Kind::Text, "The list's id, PTR name or domain where the finding names one; then it is required."),
    key("reason", Kind::Text, "Why the risk is accepted.").required(),
    key("owner", Kind::Text, "Who accepts it.").required(),
    key("until", Kind::Date, "The last day on which it holds.").required(),
    key("ref", Kind::Text, "A ticket."),
];

/// Every section by name; the plan itself is the one without.
pub(super) const SECTIONS: &[(&str, &[Key])] = &[
    ("", PLAN),
    ("old", OLD),
    ("new", NEW),
    ("address", ADDRESS),
    ("dns", DNS),
    ("https", HTTPS),
    ("auth", AUTH),
    ("smtp", SMTP),
    ("dnsbl", DNSBL),
    ("dnsbl.list", DNSBL_LIST),
    ("inbound_dnsbl", INBOUND),
    ("partner", PARTNER),
    ("receivers", RECEIVERS),
    ("after", AFTER),
    ("attest", ATTEST),
    ("rollback", ROLLBACK),
    ("waive", WAIVE),
];

/// The keys of a section.
pub(super) fn keys_of(section: &str) -> &'static [Key] {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

/// The JSON Schema (draft 2020-12) of the plan file.
pub fn schema() -> Value {
    let definitions: Map<String, Value> = SECTIONS
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, keys)| ((*name).to_owned(), object(keys)))
        .collect();
    let mut schema = object(PLAN);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("mail-cutover plan");
    schema["$defs"] = Value::Object(definitions);
    schema
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut value = shape(&key.kind);
            value["description"] = json!(key.doc);
            if let Usual::Is(usual) = key.usual {
                value["default"] = serde_json::from_str(usual).unwrap_or_default();
            }
            (key.name.to_owned(), value)
        })
        .collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| matches!(key.usual, Usual::Required)).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn shape(kind: &Kind) -> Value {
    let refer = |section: &str| json!({ "$ref": format!("#/$defs/{section}") });
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Kind::TextOrTexts => json!({ "anyOf": [shape(&Kind::Text), shape(&Kind::Texts)] }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Duration => json!({ "type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h|d)$" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Ports => {
            json!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 65_535 } })
        }
        Kind::Choices(words) => json!({ "type": "array", "items": { "enum": words } }),
        Kind::Table(section) => refer(section),
        Kind::Tables(section) => json!({ "type": "array", "items": refer(section) }),
        Kind::TextsOrTables(section) => {
            json!({ "type": "array", "minItems": 1, "items": { "anyOf": [{ "type": "string" }, refer(section)] } })
        }
        Kind::Map(value) => json!({ "type": "object", "additionalProperties": shape(value) }),
    }
}
