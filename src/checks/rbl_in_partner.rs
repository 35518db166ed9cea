//! The partners of the plan, judged as the new server will judge them.

use futures::FutureExt;
use futures::future::join_all;

use crate::catalogue::Family;
use crate::check::{Check, Context, Run};
use crate::inbound::{Caller, Fate, Gatherer, Refusal, Severity, located, sources};
use crate::model::{
    Args, Card, Lang, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value, Vantage,
};
use crate::plan::Partner;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "rbl-in-partner",
        title: Text {
            en: "The new server takes the mail of the partners that the plan names",
            ja: "新サーバーが、計画に書いた取引先のメールを受け入れる",
        },
        short: Text { en: "partners' mail", ja: "取引先のメール" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "It is enough that one side uses blocklists. From the minute of the switch the new server's lists decide about the mail of others, and a partner whose own server is on one of them is refused, although nothing changed there. The partner sees a bounce that names the company that moved.",
            ja: "片方がブロックリストを使っているだけで、メールは届かなくなる。切り替えた瞬間から、新サーバーの使うリストが相手のメールの可否を決める。取引先のサーバーがそのリストに載っていれば、先方では何も変わっていないのにメールは拒否され、エラーメールには移行した会社の名前が出る。",
        },
        how: Text {
            en: "For each partner under [inbound_dnsbl]: its addresses, those of its mail exchangers, and those that its SPF record lets send; networks of more than 32 addresses are named instead of being judged; where the DNS does not answer for these names, the result is unknown. Each is judged by the new server's rules: those in the file that config names, else the zones, a listing on any of which counts as a refusal. On the new server the lists are asked through its resolver and their answers taken as they come; elsewhere only lists that can be believed from there count. To let a partner through until it is off the list: in Postfix put `check_client_access cidr:/etc/postfix/partners.cidr` before the first reject_rbl_client (behind reject_unauth_destination, if both stand in one list), and the same file into postscreen_access_list behind permit_mynetworks, if postscreen is in use; in Exim put `!hosts = /etc/exim4/partners` into the statement with dnslists. `mail-cutover inbound --format postfix` (or exim) prints the entries, and judges everybody who is in a mail log.",
            ja: "[inbound_dnsbl] の取引先ごとに、書かれたアドレス、MX のアドレス、SPF レコードで送信を許されたアドレスを調べる。32 アドレスを超えるネットワークは、判定せずに名前だけを挙げる。これらの名前に DNS の応答がなければ、結果は確認不能とする。判定は新サーバーの設定 (config のファイル、なければ zones。どれかに登録されていれば拒否とみなす) に従う。新サーバー上では、そのリゾルバーを通して得た応答をそのまま使う。それ以外の場所では、そこから信用できるリストだけを使う。リストから外れるまで取引先を通すには、Postfix では最初の reject_rbl_client の前 (同じ設定に reject_unauth_destination があればその後) に `check_client_access cidr:/etc/postfix/partners.cidr` を置き、postscreen を使うなら同じファイルを postscreen_access_list の permit_mynetworks の後にも加える。Exim では dnslists のある文に `!hosts = /etc/exim4/partners` を加える。`mail-cutover inbound --format postfix` (または exim) がその内容を出力し、メールログにいる全員を判定する。",
        },
        by_hand: "dig +short {query} A",
        references: &[
            Reference {
                title: "Postfix: check_client_access",
                url: "https://www.postfix.org/postconf.5.html#check_client_access",
            },
            Reference {
                title: "Exim: DNS lists",
                url: "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-access_control_lists.html",
            },
            Reference { title: "RFC 7208, section 5", url: "https://www.rfc-editor.org/rfc/rfc7208#section-5" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[&VIP, &REFUSED, &UNKNOWN, &NETWORKS],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static VIP: Outcome = Outcome {
    tag: "rbl-in-vip",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{partner} must get through, and {ip} would be refused: {reply} (by {rule}; {count} of {all} addresses)",
        ja: "{partner} のメールは必ず受け取る必要があるが、{ip} は拒否される: {reply} (設定 {rule}。{all} アドレス中 {count} 個)",
    },
    remedy: Text {
        en: "Let {ip} through in the new server's configuration before the cutover (mail-cutover explain rbl-in-partner says where), and ask {partner} to have it taken off the list: {removal}.",
        ja: "切り替え前に、新サーバーの設定で {ip} を許可する (場所は mail-cutover explain rbl-in-partner)。あわせて、リストからの解除を {partner} に依頼する: {removal}。",
    },
};

static REFUSED: Outcome = Outcome {
    tag: "rbl-in-partner",
    levels: Levels::WARNING,
    says: Text {
        en: "mail of {partner} from {ip} would be refused: {reply} (by {rule}; {count} of {all} addresses)",
        ja: "{ip} からの {partner} のメールは拒否される: {reply} (設定 {rule}。{all} アドレス中 {count} 個)",
    },
    remedy: Text {
        en: "Let {ip} through in the new server's configuration (mail-cutover explain rbl-in-partner says where), or tell {partner} before the cutover: {removal}.",
        ja: "新サーバーの設定で {ip} を許可する (場所は mail-cutover explain rbl-in-partner)。または切り替え前に {partner} に知らせる: {removal}。",
    },
};

static UNKNOWN: Outcome = Outcome {
    tag: "rbl-in-partner-unknown",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether the new server takes the mail of {partner} is not known: {why}",
        ja: "新サーバーが {partner} のメールを受け入れるか確認できない: {why}",
    },
    remedy: Text {
        en: "See to it that the lists answer here or run on the new server with --on-new-server; give the partner's addresses with ips = [...], or its domain.",
        ja: "ここからリストに問い合わせできるようにするか、新サーバー上で --on-new-server を付けて実行する。取引先のアドレス (ips = [...]) またはドメインを計画に書く。",
    },
};

static NETWORKS: Outcome = Outcome {
    tag: "rbl-in-partner-networks",
    levels: Levels::NOTE,
    says: Text {
        en: "not all of the mail of {partner} is judged: {why}",
        ja: "{partner} のメールのうち判定していないものがある: {why}",
    },
    remedy: Text {
        en: "Judge the addresses that really send: mail-cutover inbound --plan PLAN --log with the old server's mail log.",
        ja: "実際に送信してくるアドレスを判定する: 旧サーバーのメールログを指定して mail-cutover inbound --plan PLAN --log を実行する。",
    },
};

const NO_PARTNERS: Text = Text {
    en: "the plan names no partners under [inbound_dnsbl]",
    ja: "計画の [inbound_dnsbl] に partners がない",
};

const NO_RULES: Text = Text {
    en: "the plan names neither zones nor config under [inbound_dnsbl]",
    ja: "計画の [inbound_dnsbl] に zones も config もない",
};

async fn ask(context: &Context) -> Vec<Statement> {
    if context.plan.inbound_dnsbl.partners.is_empty() {
        return vec![Statement::not_covered(Subject::Run, NO_PARTNERS)];
    }
    let Some(policy) = &context.policy else { return vec![Statement::not_covered(Subject::Run, NO_RULES)] };
    let families = [Family::Ipv4, Family::Ipv6];
    let as_it_comes = context.vantage == Vantage::NewServer;
    let gatherer =
        Gatherer::new(&context.dns, policy, &context.consultant, &context.enforced, &families, as_it_comes).await;
    let partners = context.plan.inbound_dnsbl.partners.iter();
    join_all(partners.map(|partner| of_partner(context, &gatherer, partner))).await.concat()
}

async fn of_partner(context: &Context, gatherer: &Gatherer<'_>, partner: &Partner) -> Vec<Statement> {
    let sources = sources(&context.dns, partner).await;
    let callers: Vec<Caller> =
        sources.addresses.iter().map(|ip| Caller { ip: *ip, helo: None, sender: partner.domain.clone() }).collect();
    let facts = gatherer.gather(&callers).await;
    let mut fates: Vec<(&Caller, Fate)> = Vec::new();
    let mut missed: Vec<Value> = Vec::new();
    for caller in &callers {
        let (judgement, caveat) = gatherer.judge(caller, &facts);
        fates.push((caller, judgement.fate));
        missed.extend(caveat.filter(|caveat| !missed.contains(caveat)));
    }
    let networks = sources.networks.iter().map(Value::plain);
    missed.extend(networks.chain(sources.unread.iter().cloned()));
    // Where its mail comes from may be what was not answered.
    if sources.is_silent && fates.iter().all(|(_, fate)| *fate == Fate::Accepted) && !fates.is_empty() {
        return vec![unknown(partner, all(&missed))];
    }
    let mut said = judge(context, partner, &fates);
    if !missed.is_empty() {
        let args = Args::none().and("partner", &partner.name).and("query", "").with("why", all(&missed));
        said.push(Statement::outcome(&NETWORKS, subject(partner)).args(args));
    }
    said
}

/// One statement about a partner: what becomes of the address that fares worst.
fn judge(context: &Context, partner: &Partner, fates: &[(&Caller, Fate)]) -> Vec<Statement> {
    let worst = fates.iter().max_by_key(|(_, fate)| Severity::of(fate));
    match worst {
        None => vec![unknown(partner, Value::both("no address of it is known", "アドレスが分からない"))],
        Some((_, Fate::Accepted)) => vec![Statement::passed(subject(partner))],
        Some((caller, Fate::Unknown { why, .. })) => {
            let ip = caller.ip;
            let why =
                Value::both(format!("{ip}: {}", why.in_lang(Lang::En)), format!("{ip}: {}", why.in_lang(Lang::Ja)));
            vec![unknown(partner, why)]
        }
        Some((caller, Fate::Refused(refusal))) => {
            let count = fates.iter().filter(|(_, fate)| fate.refusal().is_some()).count();
            let args = Args::none()
                .and("partner", &partner.name)
                .and("ip", caller.ip)
                .and("query", query(context, refusal, caller))
                .and("reply", reply(refusal))
                .and("rule", located(&refusal.rule.written, refusal.rule.place.as_ref()))
                .and("count", count)
                .and("all", fates.len())
                .with("removal", removal(context, refusal));
            let outcome = if partner.vip { &VIP } else { &REFUSED };
            vec![Statement::outcome(outcome, subject(partner)).args(args)]
        }
    }
}

fn unknown(partner: &Partner, why: Value) -> Statement {
    let args = Args::none().and("partner", &partner.name).and("query", "").with("why", why);
    Statement::outcome(&UNKNOWN, subject(partner)).args(args)
}

fn subject(partner: &Partner) -> Subject {
    Subject::Name(partner.name.clone())
}

fn reply(refusal: &Refusal) -> String {
    let enhanced = refusal.enhanced.as_ref().map_or_else(String::new, |code| format!("{code} "));
    format!("{} {enhanced}{}", refusal.reply, refusal.text)
}

/// The name to ask for by hand.
fn query(context: &Context, refusal: &Refusal, caller: &Caller) -> String {
    let zone = refusal.rule.zone.as_deref().unwrap_or_default();
    let known = context.enforced.iter().find(|enforced| enforced.written == zone);
    let name = known.and_then(|enforced| enforced.selected.as_ref()).and_then(|selected| {
        let target = crate::catalogue::Target::Ip(caller.ip);
        let name = selected.list.query_name(&target, selected.key.as_deref()).ok()?;
        Some(selected.redact(name.trim_end_matches('.')))
    });
    name.unwrap_or_default()
}

/// Where a person asks for removal.
fn removal(context: &Context, refusal: &Refusal) -> Value {
    let zone = refusal.rule.zone.as_deref().unwrap_or_default();
    let page =
        context.catalogue.list(zone).and_then(|list| list.delist_url.clone().or_else(|| list.lookup_url.clone()));
    page.map_or_else(|| Value::both("at the list's operator", "リストの運営者"), Value::plain)
}

fn all(values: &[Value]) -> Value {
    let in_lang = |lang, between: &str| {
        values.iter().map(|value| value.in_lang(lang).to_owned()).collect::<Vec<_>>().join(between)
    };
    Value::both(in_lang(Lang::En, "; "), in_lang(Lang::Ja, "、"))
}
