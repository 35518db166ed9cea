//! The text of the plan: what was found, from where, and what is left to be written.

use chrono::{DateTime, FixedOffset};

use super::exchangers::Own;
use super::page::{Page, length, list, quoted};
use super::present::{Old, Present};
use super::selectors::Sample;
use super::wanted::Wanted;
use crate::catalogue::PortPolicy;
use crate::model::{DomainName, Lang, Value};
use crate::plan::Resolver;
use crate::zonefile::Loaded;

/// A TTL above this, in seconds, has not been lowered yet: the target of a plan that names none.
const LOWERED: u32 = 300;
/// The longest time that a plan takes, in seconds: ten years.
const LONGEST: u32 = 3650 * 86_400;

/// What a plan is made of.
pub(super) struct Draft<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) present: &'a Present,
    pub(super) zones: &'a [Loaded],
    pub(super) sample: Option<&'a Sample>,
    pub(super) hostname: DomainName,
    pub(super) cutover_at: DateTime<FixedOffset>,
}

impl Draft<'_> {
    /// The text, with its remarks in `lang`.
    pub(super) fn write(&self, lang: Lang) -> String {
        let mut page = Page::new(lang);
        self.write_head(&mut page);
        self.write_move(&mut page);
        self.write_old(&mut page);
        self.write_new(&mut page);
        self.write_mx(&mut page);
        self.write_dns(&mut page);
        self.write_auth(&mut page);
        self.write_smtp(&mut page);
        self.write_rest(&mut page);
        page.into_text()
    }

    fn write_head(&self, page: &mut Page) {
        page.say(
            "A plan for mail-cutover, drafted by `mail-cutover init` from what there is today. Remarks say what was found and where. A line that begins with “# ” and a key is a suggestion: take the “# ” away to use it. docs/plan.md has every key.",
            "mail-cutover の計画。現在の状態をもとに `mail-cutover init` が作成した。何がどこで見つかったかを注釈に記す。「#」の後にキーがある行は提案であり、「#」を消すと有効になる。すべてのキーは docs/plan.md にある。",
        );
        let resolvers = self.present.resolvers.join(", ");
        page.say(&format!("The DNS was asked through: {resolvers}"), &format!("問い合わせたリゾルバー: {resolvers}"));
        for loaded in self.zones {
            let (zone, path) = (loaded.zone.origin(), &loaded.path);
            page.say(
                &format!("Not the live DNS, but the file {path} was read for the zone {zone}"),
                &format!("ゾーン {zone} については、公開中の DNS ではなくファイル {path} を読んだ"),
            );
        }
        page.gap();
    }

    fn write_move(&self, page: &mut Page) {
        page.say("The change ticket; it is printed on every report.", "変更チケット。すべてのレポートに表示される。");
        match &self.wanted.change {
            Some(change) => page.line(&format!("change = {}", quoted(change))),
            None => page.suggest("change = \"CHG-1042\""),
        }
        page.say(
            "When the switch happens. The offset from UTC is mandatory.",
            "切り替え日時。UTC との時差は必須である。",
        );
        page.line(&format!("cutover_at = {}", self.cutover_at.format("%Y-%m-%dT%H:%M:%S%:z")));
        page.say(
            "How long the old server stays alive after the switch: senders with old DNS answers still go there.",
            "切り替え後に旧サーバーを動かしておく期間。古い DNS の応答を持つ送信側は旧サーバーへ配送する。",
        );
        page.suggest("overlap = \"7d\"");
        page.say(
            "Every mail domain that moves. Is an alias missing?",
            "移行するメールドメインのすべて。別名のドメインに漏れがないか確かめる。",
        );
        for (domain, written) in self.wanted.named.iter().filter(|(_, written)| !written.is_ascii()) {
            page.note(&Value::plain(format!("{domain} = {written}")));
        }
        page.line(&format!("domains = {}", list(&self.wanted.domains())));
        page.say(
            "The name of the new mail server: PTR, HELO and MX, unless something below says otherwise.",
            "新メールサーバーの名前。以下に別の指定がない限り、PTR、HELO、MX に使われる。",
        );
        let names = self.present.host_names();
        if names.iter().any(|name| *name != self.hostname) {
            let names = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            page.say(
                &format!("Found (today's MX, PTR of the new addresses): {names}"),
                &format!("見つかった名前 (現在の MX、新アドレスの PTR): {names}"),
            );
        }
        page.line(&format!("hostname = \"{}\"", self.hostname));
        page.gap();
    }

    fn write_old(&self, page: &mut Page) {
        page.say(
            "The server of today, as the Internet sees it. What it has and the new one lacks is what breaks.",
            "現在のサーバー (外から見えるアドレス)。旧にあって新にないものが、切り替えで壊れるものである。",
        );
        page.line("[old]");
        for domain in &self.present.domains {
            for remark in domain.exchangers.remarks.iter().chain(&domain.senders.remarks) {
                page.note(remark);
            }
            domain.exchangers.hosts.iter().flat_map(|host| &host.unknown).for_each(|unknown| page.note(unknown));
        }
        self.present.aside.iter().for_each(|aside| page.note(aside));
        page.line("ips = [");
        for old in &self.present.old {
            if !old.by.is_empty() {
                page.note_within(&Value::plain(format!("{}: {}", old.seen.ip, old.by.join(", "))));
            }
            old.seen.remarks.iter().chain(&old.seen.unknown).for_each(|remark| page.note_within(remark));
            if old.receives && old.by.iter().all(|by| !by.starts_with("SPF ")) && self.has_spf() {
                page.note_within(&Value::both(
                    format!("no SPF record names {}: if no mail leaves from it, write sends = false", old.seen.ip),
                    format!("{} を挙げる SPF レコードはない。ここから送信しないなら sends = false と書く", old.seen.ip),
                ));
            }
            page.line(&format!("  {},", self.old_address(old)));
        }
        page.line("]");
        page.gap();
    }

    fn has_spf(&self) -> bool {
        self.present.domains.iter().any(|domain| domain.senders.has_record)
    }

    fn old_address(&self, old: &Old) -> String {
        let ip = old.seen.ip;
        let ptr = old.seen.ptr.as_ref().filter(|ptr| **ptr != self.hostname);
        let helo = old.seen.greets_as.as_ref().filter(|helo| *helo != ptr.unwrap_or(&self.hostname));
        let mut keys = vec![format!("ip = \"{ip}\"")];
        keys.extend(ptr.map(|ptr| format!("ptr = \"{ptr}\"")));
        keys.extend(helo.map(|helo| format!("helo = \"{helo}\"")));
        if !old.receives {
            keys.push("receives = false".to_owned());
        }
        if keys.len() == 1 { format!("\"{ip}\"") } else { format!("{{ {} }}", keys.join(", ")) }
    }

    fn write_new(&self, page: &mut Page) {
        page.say(
            "The server of tomorrow: every address from which mail will leave, or at which it will arrive. sends = false or receives = false beside an address says that it does only the other.",
            "新しいサーバー。メールの送信または受信に使うアドレスのすべて。一方だけに使うアドレスには sends = false か receives = false と書く。",
        );
        page.line("[new]");
        let providers: Vec<_> = self.present.new.iter().map(|seen| seen.provider).collect();
        let only = providers.first().copied().flatten();
        match only.filter(|only| providers.iter().all(|other| other.is_some_and(|other| other.id == only.id))) {
            Some(provider) => {
                page.say(
                    "Who runs the network, by who announces the addresses.",
                    "ネットワークの事業者 (アドレスを広告している AS から判断した)。",
                );
                page.line(&format!("provider = {}", quoted(&provider.id)));
                if provider.port25.policy != PortPolicy::Open {
                    page.note(&provider.port25.text);
                }
            }
            None => {
                page.say(
                    "Who runs the network: an id from config/providers.toml, if it is there; else leave it out.",
                    "ネットワークの事業者。config/providers.toml にあればその ID を書く。なければ省略する。",
                );
                page.suggest("provider = \"hetzner\"");
            }
        }
        if let Some(reason) = &self.wanted.special {
            page.line("allow_special = true");
            page.line(&format!("reason = {}", quoted(reason)));
        }
        let own = Own(self.wanted.domains());
        page.line("ips = [");
        for seen in &self.present.new {
            seen.remarks.iter().chain(&seen.unknown).for_each(|remark| page.note_within(remark));
            let ptr = seen.ptr.as_ref().filter(|ptr| **ptr != self.hostname && own.holds(ptr) && ptr.is_host_name());
            let ip = seen.ip;
            match ptr {
                Some(ptr) => page.line(&format!("  {{ ip = \"{ip}\", ptr = \"{ptr}\" }},")),
                None => page.line(&format!("  \"{ip}\",")),
            }
        }
        page.line("]");
        page.gap();
    }

    fn write_mx(&self, page: &mut Page) {
        page.say(
            "What MX must be after the switch; without this, hostname alone, for every domain.",
            "切り替え後の MX。書かなければ、すべてのドメインで hostname だけとする。",
        );
        page.suggest("[mx]");
        for domain in &self.present.domains {
            let others = domain.exchangers.hosts.iter().filter(|host| !host.is_own);
            let others = others.filter_map(|host| Some(format!("\"{} {}\"", host.preference?, host.name)));
            let records: Vec<String> = std::iter::once(format!("\"10 {}\"", self.hostname)).chain(others).collect();
            page.suggest(&format!("\"{}\" = [{}]", domain.name, records.join(", ")));
        }
        page.gap();
    }

    fn write_dns(&self, page: &mut Page) {
        page.line("[dns]");
        if !matches!(self.wanted.dns.resolver, Resolver::Auto) {
            page.say("As this draft was made.", "この計画の作成時と同じ。");
        }
        match &self.wanted.dns.resolver {
            Resolver::Auto => {}
            Resolver::System => page.line("resolver = \"system\""),
            Resolver::Direct => page.line("resolver = \"direct\""),
            Resolver::Servers(servers) => {
                let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
                page.line(&format!("resolver = [{}]", servers.join(", ")));
            }
        }
        for (what, ttl) in &self.present.ttls {
            page.note(&Value::plain(format!("TTL {what}: {}", length(*ttl))));
        }
        let largest = self.present.ttls.iter().map(|(_, ttl)| (*ttl).min(LONGEST)).max();
        if largest.is_some() && !self.present.ttls_are_whole {
            page.say(
                "These are from the resolver's answers: the zone's own may be longer.",
                "リゾルバーの応答による値であり、ゾーンの値はもっと長いかもしれない。",
            );
        }
        match largest {
            None => {
                page.say(
                    "The TTL of the records that change, before it is lowered: not found.",
                    "変わるレコードの、短縮前の TTL: 不明。",
                );
                page.suggest("old_ttl = \"1d\"");
            }
            Some(ttl) if ttl > LOWERED => {
                page.say(
                    "The longest TTL of today. Lower the TTLs to 5m or less, at least this long before the switch, and write when:",
                    "現在の最長の TTL。切り替えより少なくともこの時間だけ前に TTL を 5 分以下に下げ、その時刻を書く。",
                );
                page.line(&format!("old_ttl = \"{}\"", length(ttl)));
            }
            Some(_) => {
                page.say(
                    "The TTLs are low already. If they were lowered for this move: from what, and when?",
                    "TTL はすでに短い。この移行のために下げたのなら、下げる前の値と下げた時刻を書く。",
                );
                page.suggest("old_ttl = \"1d\"");
            }
        }
        let before = self.cutover_at - chrono::TimeDelta::days(3);
        page.suggest(&format!("lowered_at = {}", before.format("%Y-%m-%dT%H:%M:%S%:z")));
        page.gap();
    }

    fn write_auth(&self, page: &mut Page) {
        page.line("[auth]");
        for domain in &self.present.domains {
            domain.selectors.remarks.iter().for_each(|remark| page.note(remark));
            for (selector, from) in &domain.selectors.usable {
                let name = &domain.name;
                let [en, ja] = super::exchangers::both(from);
                page.note(&Value::both(
                    format!("{name} has the DKIM selector {selector}: {en}"),
                    format!("{name} には DKIM セレクター {selector} がある: {ja}"),
                ));
            }
        }
        let own = self.wanted.domains();
        for signature in self.sample.iter().flat_map(|sample| &sample.signatures) {
            if !own.contains(&signature.domain) {
                let (domain, selector) = (&signature.domain, &signature.selector);
                page.note(&Value::both(
                    format!("the sample mail is also signed for {domain} with {selector}"),
                    format!("見本のメールには {domain} の {selector} による署名もある"),
                ));
            }
        }
        let mut kept: Vec<&String> =
            self.present.domains.iter().flat_map(|domain| domain.selectors.usable.keys()).collect();
        kept.sort();
        kept.dedup();
        if kept.is_empty() {
            page.say(
                "No DKIM selector was found. The headers of a mail that the server sent show it: DKIM-Signature, s=.",
                "DKIM セレクターは見つからなかった。サーバーが送信したメールの DKIM-Signature ヘッダーの s= で分かる。",
            );
            page.suggest("keep_dkim = [\"selector\"]");
        } else {
            page.say(
                "Selectors of today must stay for a week after the switch: mail that they signed is still on its way.",
                "現在のセレクターは切り替え後 1 週間残す。これで署名したメールがまだ配送途中にある。",
            );
            let kept: Vec<String> = kept.iter().map(|selector| format!("\"{selector}\"")).collect();
            page.line(&format!("keep_dkim = [{}]", kept.join(", ")));
        }
        page.say(
            "The selectors that the new server will sign with, by domain (those of today only if the keys move along):",
            "新サーバーが署名に使うセレクター (現在のものを書くのは、鍵も移す場合だけ)。",
        );
        let signs = self.present.domains.iter().map(|domain| {
            let usual = || vec!["\"selector\"".to_owned()];
            let selectors: Vec<String> =
                domain.selectors.usable.keys().map(|selector| format!("\"{selector}\"")).collect();
            let selectors = if selectors.is_empty() { usual() } else { selectors };
            format!("\"{}\" = [{}]", domain.name, selectors.join(", "))
        });
        page.suggest(&format!("dkim = {{ {} }}", signs.collect::<Vec<_>>().join(", ")));
        if let Some(return_path) = self.sample.and_then(|sample| sample.return_path.as_ref())
            && !own.contains(return_path)
        {
            page.say(
                "The envelope sender (Return-Path) of the sample mail is of another domain:",
                "見本のメールのエンベロープ送信者 (Return-Path) は別のドメインである。",
            );
            page.suggest(&format!("mail_from = {}", list(own.iter().chain([return_path]))));
        }
        let sts = self.present.domains.iter().map(|domain| (&domain.name, domain.has_mta_sts));
        in_use(page, "MTA-STS", "mta_sts", sts);
        let hosts = self.present.domains.iter().flat_map(|domain| &domain.exchangers.hosts);
        in_use(page, "DANE (TLSA)", "dane", hosts.map(|host| (&host.name, host.has_tlsa)));
        page.gap();
    }

    fn write_smtp(&self, page: &mut Page) {
        page.line("[smtp]");
        page.say(
            "The ports that servers (25) and people's mail programs use. Without this, 25.",
            "サーバー (25) と利用者のメールソフトが使うポート。書かなければ 25。",
        );
        page.suggest("ports = [25, 465, 587, 993]");
        page.say(
            "Mailboxes that the old and the new server must accept; they are asked for with RCPT TO, and nothing is sent. postmaster and abuse are due for every domain (RFC 5321, RFC 2142).",
            "新旧のサーバーがともに受け付けるべきメールボックス。RCPT TO で確かめるだけで、何も送信しない。postmaster と abuse はどのドメインにも必要である (RFC 5321、RFC 2142)。",
        );
        let mailboxes = self.wanted.domains();
        let mailboxes = mailboxes
            .iter()
            .flat_map(|domain| ["postmaster", "abuse"].map(|mailbox| format!("\"{mailbox}@{domain}\"")));
        page.suggest(&format!("recipients = [{}]", mailboxes.collect::<Vec<_>>().join(", ")));
        page.say(
            "A mailbox of yours on another system, to see whether the new server is an open relay.",
            "別のシステムにあるあなた自身のメールボックス。新サーバーがオープンリレーでないかを確かめるために使う。",
        );
        page.suggest("relay_probe = \"probe@someone-else.example\"");
        if !self.wanted.detours.is_empty() {
            let to = self.wanted.detours.iter().map(|(of, to)| format!("\"{of}\" = \"{to}\""));
            page.line(&format!("connect = {{ {} }}", to.collect::<Vec<_>>().join(", ")));
        }
        page.gap();
    }

    fn write_rest(&self, page: &mut Page) {
        page.say(
            "The receivers whose rules must be met, and how many messages leave a day.",
            "条件を満たすべき受信側と、1 日の送信通数。",
        );
        page.suggest("[receivers]");
        page.suggest("care_about = [\"gmail\", \"outlook\"]");
        page.suggest("per_day = 800");
        page.gap();
        page.say(
            "The new server's own rules, and who must still get through to it (mail-cutover inbound).",
            "新サーバー自身の設定と、必ず届かなければならない取引先 (mail-cutover inbound)。",
        );
        page.suggest("[inbound_dnsbl]");
        page.suggest("config = \"main.cf\"");
        page.suggest("partners = [{ name = \"Big Customer\", domain = \"customer.example\", vip = true }]");
        page.gap();
        page.say(
            "What no probe can see, for example that the provider has opened port 25: who says so, and since when.",
            "外からは調べられないこと。例えば、事業者が 25 番ポートを解除した、など。誰がいつ確かめたかを書く。",
        );
        page.suggest("[attest]");
        page.suggest("port25_lifted = { yes = true, by = \"sato\", on = 2026-11-20, ref = \"ticket 88123\" }");
        page.gap();
        page.say(
            "Who decides to go back, when, and for which findings.",
            "切り戻しを誰がいつ、どの指摘を見て決めるか。",
        );
        page.suggest("[rollback]");
        page.suggest("owner = \"tanaka\"");
        page.suggest("decide_by = \"2h\"");
        page.suggest("triggers = [\"dnsbl-listed\", \"ptr-missing\"]");
    }
}

/// Whether something is published today, by name.
fn in_use<'d>(page: &mut Page, what: &str, key: &str, found: impl Iterator<Item = (&'d DomainName, Option<bool>)>) {
    let found: Vec<_> = found.collect();
    let names = |wanted: Option<bool>| {
        let names = found.iter().filter(|(_, has)| *has == wanted).map(|(name, _)| name.to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    let (with, unanswered) = (names(Some(true)), names(None));
    if !unanswered.is_empty() {
        page.say(
            &format!("{what}: not found: no answer for {unanswered}."),
            &format!("{what}: 不明: {unanswered} について応答がない。"),
        );
    }
    if with.is_empty() {
        if unanswered.is_empty() {
            page.say(&format!("{what}: there is no record."), &format!("{what}: レコードはない。"));
        }
        page.suggest(&format!("{key} = false"));
    } else {
        page.say(
            &format!("{what} is published today: {with}. Will it be in use after the switch?"),
            &format!("{what} が現在公開されている: {with}。切り替え後も使うか。"),
        );
        page.suggest(&format!("{key} = true"));
    }
}
