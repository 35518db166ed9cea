//! The new server's policy on strangers: what real mail servers with real blocklists say to many clients, and what was predicted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "inbound/asked.rs"]
mod asked;
#[path = "inbound/clients.rs"]
mod clients;
#[path = "inbound/exim.rs"]
mod exim;
#[path = "inbound/exim_policies.rs"]
mod exim_policies;
#[path = "inbound/names.rs"]
mod names;
#[expect(dead_code, reason = "walls and other ways out are tested elsewhere")]
#[path = "servers/namespaces.rs"]
mod namespaces;
#[path = "inbound/postfix.rs"]
mod postfix;
#[path = "inbound/predicted_exim.rs"]
mod predicted_exim;
#[path = "daemons/process.rs"]
mod process;
#[path = "inbound/stage.rs"]
mod stage;
#[path = "inbound/talk.rs"]
mod talk;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;

use talk::Reception;

/// How many clients come. The default keeps the test short; the promise was measured with more.
const CLIENTS: &str = "MAIL_CUTOVER_INBOUND_CLIENTS";

fn count() -> usize {
    std::env::var(CLIENTS).map_or(60, |count| count.parse().unwrap())
}

/// Lost if it fails: the stage itself would hide what a server says, and every comparison on it would be worth nothing.
#[test]
fn the_stage_shows_what_a_server_says() {
    let clients = clients::clients(24);
    let Some(mut stage) = stage::Stage::start(&clients, &[("Postfix", postfix::master().is_some())]) else { return };
    postfix::start(
        &mut stage,
        1,
        "smtpd_client_restrictions = reject_rbl_client codes.bl.test=127.0.0.2\n",
        "smtp inet n - n - - smtpd\n",
        &[],
    );
    let received = talk::all(&stage.clients, &clients, stage::address_of(1), postfix::RECIPIENT);
    for (client, reception) in clients.iter().zip(&received) {
        let listed = client.listed.iter().any(|(list, codes)| *list == "codes" && codes.contains(&[0, 2]));
        let refused = matches!(reception, Reception::Refused(text) if text.contains("blocked using codes.bl.test"));
        assert_eq!(listed, refused, "{client:?}: {reception:?}\n{}", stage.logs());
    }
    assert!(received.iter().any(|reception| *reception != Reception::Taken), "nobody was refused");
    let _ = count;
}
