//! From which addresses connections leave the new server, by the word of those who see them arrive.

use std::net::{IpAddr, SocketAddr};

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use super::net_outbound::{outward, senders};
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, Detail, Lang, Levels, Needs, ObservationId, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::plan::stays_inside;
use crate::probe::{Ask, Question, Route, Session, Stop};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "net-egress",
        title: Text {
            en: "Connections leave the new server from the planned sending addresses",
            ja: "新サーバーからの接続の送信元が、計画の送信用アドレスである",
        },
        short: Text { en: "source address", ja: "送信元アドレス" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A server can receive on one address and send from another: a NAT gateway, a second interface, an IPv6 address that the system made up by itself. Then PTR, SPF and blocklists were checked for an address that no mail comes from.",
            ja: "サーバーは、受信するアドレスと別のアドレスから送信することがある。NAT ゲートウェイ、二つ目のインターフェース、OS が自動生成した IPv6 アドレスなどである。その場合、PTR も SPF もブロックリストも、送信に使われないアドレスについて調べたことになる。",
        },
        how: Text {
            en: "On the new server, for IPv4 and IPv6 by itself: the address that the old server and the MX hosts of witnesses and partners repeat in their answer to EHLO. Where one does not, the local end of that connection, if it is not an address inside the network. Where that says nothing either, the DNS names o-o.myaddr.l.google.com and whoami.akamai.net, asked at their own servers: they tell from where DNS questions leave, which can confirm a planned address, but is no proof against it. A mail server can be set to use another source address than this program: see its settings, and helo-observed.",
            ja: "新サーバー上で、IPv4 と IPv6 のそれぞれについて、旧サーバーと、witnesses や取引先の MX ホストが EHLO の応答で示すアドレスを見る。示さない相手については、その接続のローカルアドレスを、内部アドレスでない場合に限り使う。それでも分からなければ、DNS の o-o.myaddr.l.google.com と whoami.akamai.net をその権威サーバーに問い合わせる。これで分かるのは DNS の問い合わせの送信元なので、計画のアドレスであることの裏付けにはなるが、計画と違うことの証拠にはしない。メールサーバーの設定によっては、このプログラムと別のアドレスから送信する。設定と helo-observed も確認すること。",
        },
        by_hand: "dig -4 +short TXT o-o.myaddr.l.google.com @ns1.google.com; dig -6 +short TXT o-o.myaddr.l.google.com @ns1.google.com; ip route get {to}",
        references: &[
            Reference {
                title: "RFC 6724, section 5 (source address selection)",
                url: "https://www.rfc-editor.org/rfc/rfc6724#section-5",
            },
            Reference {
                title: "Azure: default outbound access",
                url: "https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access",
            },
            Reference {
                title: "Postfix: smtp_bind_address",
                url: "https://www.postfix.org/postconf.5.html#smtp_bind_address",
            },
            Reference {
                title: "Exim: the smtp transport, interface",
                url: "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-the_smtp_transport.html",
            },
        ],
        needs: Needs::NewServer,
        waivable: true,
        outcomes: &[&IP, &IPV6, &FAMILY, &UNKNOWN],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static IP: Outcome = Outcome {
    tag: "net-egress-ip",
    levels: Levels::BLOCKER,
    says: Text {
        en: "over IPv4, connections leave the new server from {found}, which is not a sending address of the plan ({planned}): {seen}",
        ja: "新サーバーからの IPv4 の接続の送信元が {found} であり、計画の送信用アドレス ({planned}) ではない: {seen}",
    },
    remedy: Text {
        en: "Bind the mail server to the planned address (Postfix: smtp_bind_address; Exim: interface = in the smtp transport) or correct the NAT; or put {found} into the plan, SPF and PTR. Where no mail leaves from this server (a gateway that only receives), write sends = false at its addresses.",
        ja: "メールサーバーの送信元を計画のアドレスに固定する (Postfix は smtp_bind_address、Exim は smtp トランスポートの interface =)。または NAT を直す。あるいは {found} を計画、SPF、PTR に加える。このサーバーから送信しない場合 (受信専用のゲートウェイ) は、そのアドレスに sends = false と書く。",
    },
};

static IPV6: Outcome = Outcome {
    tag: "net-egress-ipv6",
    levels: Levels::BLOCKER,
    says: Text {
        en: "over IPv6, connections leave the new server from {found}, which is not a sending address of the plan ({planned}), and may be an automatic or temporary one: {seen}",
        ja: "新サーバーからの IPv6 の接続の送信元が {found} であり、計画の送信用アドレス ({planned}) ではない。自動生成されたアドレスか一時アドレスの可能性がある: {seen}",
    },
    remedy: Text {
        en: "Bind the mail server to the planned address (Postfix: smtp_bind_address6; Exim: interface = in the smtp transport), turn temporary addresses off, or send over IPv4 only (Postfix: inet_protocols = ipv4).",
        ja: "メールサーバーの送信元を計画のアドレスに固定する (Postfix は smtp_bind_address6、Exim は smtp トランスポートの interface =)。一時アドレスを無効にする。または IPv4 だけで送信する (Postfix は inet_protocols = ipv4)。",
    },
};

static FAMILY: Outcome = Outcome {
    tag: "net-egress-unplanned-family",
    levels: Levels::WARNING,
    says: Text {
        en: "the new server can send over IPv6, from {found}, but the plan has no IPv6 address that sends: Gmail and others refuse mail from an IPv6 address without a PTR record: {seen}",
        ja: "新サーバーは IPv6 ({found}) で送信できるが、計画に送信用の IPv6 アドレスがない。逆引きのない IPv6 アドレスからのメールは Gmail などに拒否される: {seen}",
    },
    remedy: Text {
        en: "Let the mail server send over IPv4 only (Postfix: inet_protocols = ipv4; Exim: dns_ipv4_lookup = *), or put the IPv6 address into the plan, SPF and PTR.",
        ja: "メールサーバーが IPv4 だけで送信するよう設定する (Postfix は inet_protocols = ipv4、Exim は dns_ipv4_lookup = *)。または IPv6 アドレスを計画、SPF、PTR に加える。",
    },
};

static UNKNOWN: Outcome = Outcome {
    tag: "net-egress-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "from which address the new server connects over {family} is not known: {why}",
        ja: "新サーバーからの {family} の接続の送信元アドレスを確認できない: {why}",
    },
    remedy: Text {
        en: "Name a mail domain whose server repeats the client's address in its answer to EHLO as a witness under [smtp] (Gmail's and Outlook.com's do); or send a message to another system and name it as sample_eml.",
        ja: "EHLO の応答に接続元アドレスを示すサーバーのメールドメイン (Gmail や Outlook.com など) を [smtp] の witnesses に書く。または別のシステムにメールを送り、届いたものを sample_eml に書く。",
    },
};

const NO_WAY: Text = Text {
    en: "no connection left the new server over this family (see net-outbound)",
    ja: "このアドレスファミリーでは新サーバーから外に接続できない (net-outbound を参照)",
};

/// Names at which a server answers with the address that the question came from.
const MIRRORS: [(&str, RecordType, RecordType); 2] = [
    ("o-o.myaddr.l.google.com", RecordType::TXT, RecordType::TXT),
    ("whoami.akamai.net", RecordType::A, RecordType::AAAA),
];

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A mail server, of the connection that it took.
    Remote,
    /// This machine, of its end of a connection.
    Local,
    /// A name server, of the question that it was asked.
    Dns,
}

/// One word about where we come from.
#[derive(Clone, Debug)]
struct Word {
    ip: IpAddr,
    source: Source,
    /// Whose word, or to whom the connection was.
    who: String,
    observation: ObservationId,
}

impl Word {
    fn told(&self) -> Value {
        let Self { ip, who, .. } = self;
        match self.source {
            Source::Remote => {
                Value::both(format!("{who} answered EHLO with {ip}"), format!("{who} が EHLO の応答で {ip} を示した"))
            }
            Source::Local => Value::both(
                format!("the connection to {who} left from {ip}"),
                format!("{who} への接続のローカルアドレスが {ip}"),
            ),
            Source::Dns => Value::both(
                format!("DNS questions leave from {ip} (says {who})"),
                format!("DNS の問い合わせの送信元としては {ip} ({who} の応答)"),
            ),
        }
    }
}

/// Everything that was heard.
#[derive(Clone, Debug, Default)]
struct Heard {
    words: Vec<Word>,
    /// Local addresses that a mail server saw as another one: something on the way changes them.
    rewritten: Vec<IpAddr>,
    /// Connections that were tried, and whether this machine had no way at all.
    tried: Vec<(IpAddr, bool)>,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let planned = match senders(context) {
        Ok(senders) => senders,
        Err(said) => return said,
    };
    let ((old, others), mirrored) = futures::join!(outward(context), mirrored(context));
    let mut heard = Heard { words: mirrored, ..Heard::default() };
    let named = |ip: IpAddr, host: &str| format!("{ip} ({host})");
    for talk in &old {
        hear(&mut heard, &named(talk.address.ip, talk.address.ptr.as_str()), &talk.session);
    }
    for witness in &others {
        hear(&mut heard, &named(witness.ip, &witness.host), &witness.session);
    }
    judge(&planned, &heard)
}

fn hear(heard: &mut Heard, who: &str, session: &Session) {
    let no_route = session.stop.as_ref().is_some_and(Stop::is_no_route) && !session.is_connected();
    heard.tried.push((session.server.ip(), no_route));
    // A word about the other family is a lie, or a detour's.
    let of_family = |ip: &IpAddr| ip.is_ipv6() == session.server.is_ipv6();
    let seen = session.seen_as.filter(of_family);
    let local = session.local.map(|local| local.ip().to_canonical()).filter(of_family);
    // The remote's word wins over the local address.
    let word = seen.map(|ip| (ip, Source::Remote)).or_else(|| local.map(|ip| (ip, Source::Local)));
    if let Some((ip, source)) = word {
        heard.words.push(Word { ip, source, who: who.to_owned(), observation: session.observation });
    }
    heard.rewritten.extend(local.filter(|local| seen.is_some_and(|seen| seen != *local)));
}

/// What name servers say of our questions, over IPv4 and over IPv6.
async fn mirrored(context: &Context) -> Vec<Word> {
    let each = MIRRORS.into_iter().flat_map(|mirror| [(mirror, false), (mirror, true)]);
    let asked = each.map(|((name, v4, v6), over_v6)| async move {
        let question = Question::new(name, if over_v6 { v6 } else { v4 }).ok()?;
        let authority = context.dns.authority(&question.name).await;
        let seats = authority.servers.iter().flat_map(|server| server.addresses.iter().copied());
        let server: SocketAddr = seats.into_iter().find(|at| at.is_ipv6() == over_v6)?;
        let reply = context.dns.ask(Ask::new(question).via(Route::Server(server)).live()).await;
        let texts = reply.texts();
        let of_text = texts.iter().find_map(|text| std::str::from_utf8(text).ok()?.parse::<IpAddr>().ok());
        let ip = of_text.or_else(|| reply.addresses().first().copied())?.to_canonical();
        // What speaks of the other family passed through something on the way.
        (ip.is_ipv6() == over_v6).then(|| Word {
            ip,
            source: Source::Dns,
            who: name.to_owned(),
            observation: reply.observation,
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// One statement for each family that counts.
fn judge(planned: &[IpAddr], heard: &Heard) -> Vec<Statement> {
    [false, true].into_iter().filter_map(|v6| judge_family(planned, heard, v6)).collect()
}

fn judge_family(planned: &[IpAddr], heard: &Heard, v6: bool) -> Option<Statement> {
    let family = if v6 { "IPv6" } else { "IPv4" };
    let planned: Vec<IpAddr> = planned.iter().copied().filter(|ip| ip.is_ipv6() == v6).collect();
    // An address inside the network is seen by nobody outside: it says nothing, unless the plan is of such a network.
    let counts = |word: &&Word| {
        let is_rewritten = word.source == Source::Local && heard.rewritten.contains(&word.ip);
        word.ip.is_ipv6() == v6 && !is_rewritten && (planned.contains(&word.ip) || !stays_inside(word.ip))
    };
    let words: Vec<&Word> = heard.words.iter().filter(counts).collect();
    let tried: Vec<bool> =
        heard.tried.iter().filter(|(ip, _)| ip.is_ipv6() == v6).map(|(_, no_route)| *no_route).collect();
    let is_dns = words.iter().all(|word| word.source == Source::Dns);
    let believed: Vec<&Word> = words.iter().copied().filter(|word| is_dns || word.source != Source::Dns).collect();
    let mut strangers: Vec<IpAddr> = believed.iter().map(|word| word.ip).filter(|ip| !planned.contains(ip)).collect();
    strangers.sort_unstable();
    strangers.dedup();
    let args = Args::none()
        .and("family", family)
        .with("found", Value::list(&strangers))
        .with("planned", if planned.is_empty() { Value::both("none", "なし") } else { Value::list(&planned) })
        .with("seen", together(believed.iter().filter(|word| strangers.contains(&word.ip)).copied()))
        .and("to", if v6 { "2001:4860:4860::8888" } else { "8.8.8.8" });
    let say = |statement: Statement, args: Args| {
        let details = words.iter().map(|word| Detail::new(word.told()));
        let evidence = words.iter().map(|word| word.observation);
        Some(statement.about(family).args(args).evidence(evidence).details(details))
    };
    let named = |outcome: &'static Outcome| Statement::outcome(outcome, Subject::Run);
    if believed.is_empty() {
        if planned.is_empty() {
            return None;
        }
        if v6 && !tried.is_empty() && tried.iter().all(|no_route| *no_route) {
            return say(Statement::not_covered(Subject::Run, NO_WAY), args);
        }
        let why = Value::both("nobody who was asked repeats our address", "接続元アドレスを示す相手がいない");
        return say(named(&UNKNOWN), args.with("why", why));
    }
    if strangers.is_empty() {
        return say(Statement::passed(Subject::Run), args);
    }
    match (v6, planned.is_empty()) {
        (true, true) => say(named(&FAMILY), args),
        // What only the DNS says condemns nothing.
        (false, true) if is_dns => None,
        (_, false) if is_dns => {
            let why = together(believed.into_iter());
            say(named(&UNKNOWN), args.with("why", why))
        }
        (true, false) => say(named(&IPV6), args),
        (false, _) => say(named(&IP), args),
    }
}

/// Several words in a row.
fn together<'w>(words: impl Iterator<Item = &'w Word>) -> Value {
    let told: Vec<Value> = words.map(Word::told).collect();
    let joined = |lang| told.iter().map(|one| one.in_lang(lang)).collect::<Vec<&str>>().join("; ");
    Value::both(joined(Lang::En), joined(Lang::Ja))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(planned: &[&str], words: &[(Source, &str)], tried: &[(&str, bool)]) -> Vec<String> {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let word = |(source, text): &(Source, &str)| Word {
            ip: ip(text),
            source: *source,
            who: "mx.other.test".to_owned(),
            observation: ObservationId(0),
        };
        let heard = Heard {
            words: words.iter().map(word).collect(),
            rewritten: vec![ip(REWRITTEN)],
            tried: tried.iter().map(|(text, no_route)| (ip(text), *no_route)).collect(),
        };
        let planned: Vec<IpAddr> = planned.iter().map(|text| ip(text)).collect();
        let shown = |statement: Statement| {
            let tag =
                statement.named().map_or_else(|| format!("{:?}", statement.status()), |outcome| outcome.tag.to_owned());
            format!("{tag} {}", statement.about.unwrap_or_default())
        };
        judge(&planned, &heard).into_iter().map(shown).collect()
    }

    const V4: &str = "203.0.113.25";
    const REWRITTEN: &str = "198.51.100.77";
    const V6: &str = "2001:db8:25::25";

    /// Lost if it fails: mail would leave from an address that nobody judged, or an address inside a cloud would stop the switch.
    #[test]
    fn the_better_word_wins() {
        use Source::{Dns, Local, Remote};
        for (words, expected) in [
            (vec![(Remote, V4)], "Passed IPv4"),
            (vec![(Remote, V4), (Local, REWRITTEN), (Dns, "198.51.100.9")], "Passed IPv4"),
            (vec![(Remote, "198.51.100.9"), (Local, V4)], "net-egress-ip IPv4"),
            // To another server the way out is another.
            (vec![(Remote, V4), (Local, "198.51.100.9")], "net-egress-ip IPv4"),
            (vec![(Local, REWRITTEN)], "net-egress-unknown IPv4"),
            (vec![(Remote, V4), (Remote, "198.51.100.9")], "net-egress-ip IPv4"),
            (vec![(Local, V4)], "Passed IPv4"),
            (vec![(Local, "198.51.100.9"), (Dns, V4)], "net-egress-ip IPv4"),
            (vec![(Remote, "10.0.0.5"), (Local, "10.0.0.5")], "net-egress-unknown IPv4"),
            (vec![(Local, "100.64.0.5"), (Dns, V4)], "Passed IPv4"),
            (vec![(Local, "172.16.0.5"), (Dns, "198.51.100.9")], "net-egress-unknown IPv4"),
            (vec![], "net-egress-unknown IPv4"),
        ] {
            assert_eq!(said(&[V4], &words, &[]), [expected], "{words:?}");
        }
        // A laboratory's own addresses.
        assert_eq!(said(&["10.0.0.5"], &[(Local, "10.0.0.5")], &[]), ["Passed IPv4"]);
        assert_eq!(said(&["10.0.0.5"], &[(Local, "10.0.0.6")], &[]), ["net-egress-unknown IPv4"]);
    }

    /// Lost if it fails: an IPv6 address that the system made up would send, and Gmail refuse it.
    #[test]
    fn families_are_judged_apart() {
        use Source::{Dns, Local, Remote};
        let stranger = "2001:db8:25::dead";
        let four = (Remote, V4);
        for (planned, words, expected) in [
            (vec![V4, V6], vec![four, (Local, V6)], vec!["Passed IPv4", "Passed IPv6"]),
            (vec![V4, V6], vec![four, (Local, stranger)], vec!["Passed IPv4", "net-egress-ipv6 IPv6"]),
            (vec![V4, V6], vec![four, (Local, "fe80::1")], vec!["Passed IPv4", "net-egress-unknown IPv6"]),
            (vec![V4], vec![four, (Local, stranger)], vec!["Passed IPv4", "net-egress-unplanned-family IPv6"]),
            (vec![V4], vec![four, (Dns, stranger)], vec!["Passed IPv4", "net-egress-unplanned-family IPv6"]),
            (vec![V4], vec![four, (Local, "fd00::1")], vec!["Passed IPv4"]),
            (vec![V6], vec![four, (Local, V6)], vec!["net-egress-ip IPv4", "Passed IPv6"]),
            (vec![V6], vec![(Dns, V4), (Local, V6)], vec!["Passed IPv6"]),
        ] {
            assert_eq!(said(&planned, &words, &[]), expected, "{words:?}");
        }
    }

    /// Lost if it fails: a server without IPv6, which net-outbound names, would hold the verdict a second time.
    #[test]
    fn a_server_without_ipv6() {
        let four = (Source::Remote, V4);
        let no_way = [("2001:db8::1", true)];
        assert_eq!(said(&[V4, V6], &[four], &no_way), ["Passed IPv4", "NotCovered IPv6"]);
        let closed = [("2001:db8::1", true), ("2001:db8::2", false)];
        assert_eq!(said(&[V4, V6], &[four], &closed), ["Passed IPv4", "net-egress-unknown IPv6"]);
    }
}
