//! What the world says of the clients: asked of the mail servers' own resolver, as the tool itself asks it.

use std::time::Duration;

use mail_cutover::catalogue::{Catalogue, Family};
use mail_cutover::dnsbl::{Consultant, enforced};
use mail_cutover::inbound::{Caller, Facts, Gatherer, Policy};
use mail_cutover::model::DomainName;
use mail_cutover::plan::Dnsbl;
use mail_cutover::probe::{Dns, ResolverChoice, Settings};

use super::clients::Client;
use super::namespaces::Host;
use super::stage::RESOLVER;

/// The client as a prediction knows it.
pub(crate) fn caller(client: &Client) -> Caller {
    let domain = client.sender.rsplit_once('@').map(|(_, domain)| domain);
    Caller {
        ip: client.ip,
        helo: Some(client.helo.clone()),
        sender: domain.map(|domain| DomainName::parse(domain).unwrap()),
    }
}

/// Asks everything that one of `policies` wants to know about one of `callers`, as on the server itself.
pub(crate) fn gather(host: &Host, callers: &[Caller], policies: &[Policy]) -> Facts {
    host.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask_all(callers, policies))
    })
}

async fn ask_all(callers: &[Caller], policies: &[Policy]) -> Facts {
    let resolver = ResolverChoice::Servers(vec![RESOLVER]);
    // What is silent here is silent to the end: no need to wait long for it.
    let retransmit = Duration::from_millis(300);
    let dns = Dns::new(Settings { resolver, retransmit, ..Settings::default() }).unwrap();
    let consultant = Consultant::new(dns.clone(), false);
    let asked = policies.iter().map(|policy| async {
        let lists = enforced(&policy.zones(), &Dnsbl::default(), Catalogue::embedded(), |_| None);
        let families = [Family::Ipv4, Family::Ipv6];
        let gatherer = Gatherer::new(&dns, policy, &consultant, &lists, &families, true).await;
        gatherer.gather(callers).await
    });
    let mut facts = Facts::default();
    for more in futures::future::join_all(asked).await {
        facts.zones.extend(more.zones);
        facts.names.extend(more.names);
        facts.domains.extend(more.domains);
        facts.addresses.extend(more.addresses);
    }
    facts
}
