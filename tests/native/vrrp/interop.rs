//! Stock keepalived as peer: every kind of advert, both roles, every way to lose a master and to get it back.
//! Only version 3 without pseudo-header has lvsadm on both sides: keepalived 2.2.7 and FRR 8.4 do not speak it.

use std::time::Duration;

use super::site::{Daemon, Host, Site, until};

const VIP4: &str = "10.9.9.100";
const VIP6: &str = "fd09::100";

/// A kind of advert: our options and keepalived's lines for the same.
struct Kind {
    ours: &'static str,
    /// `None` = it does not speak this.
    theirs: Option<&'static str>,
    vip: &'static str,
}

const V2: Kind = Kind { ours: "--version 2", theirs: Some("version 2\nadvert_int 1\n"), vip: VIP4 };

impl Kind {
    /// Starts lvsadm with a priority.
    fn lvsadm(&self, host: &Host, priority: u8) -> Daemon {
        let peer = 3 - host.number;
        let ours = self.ours.replace("PEER", &format!("10.9.9.{peer}"));
        let vip = self.vip;
        host.vrrp_run(format!("VI_1 --interface eth0 --vrid 51 --priority {priority} --address {vip} {ours}"))
    }

    /// Starts keepalived with a priority.
    fn keepalived(&self, host: &Host, priority: u8) -> Daemon {
        let (own, peer) = (host.number, 3 - host.number);
        let Some(theirs) = self.theirs else { return self.lvsadm(host, priority) };
        let theirs = theirs.replace("PEER", &format!("10.9.9.{peer}")).replace("OWN", &format!("10.9.9.{own}"));
        let vip = if self.vip == VIP6 { format!("fe80::51\n{VIP6}") } else { self.vip.to_owned() };
        host.keepalived(&format!(
            "global_defs {{ router_id h{own} }}\nvrrp_instance VI_1 {{\nstate BACKUP\ninterface eth0\n\
             virtual_router_id 51\npriority {priority}\n{theirs}virtual_ipaddress {{\n{vip}\n}}\n}}\n"
        ))
    }
}

/// Longer than any failover at one second.
const LIMIT: Duration = Duration::from_secs(12);

#[track_caller]
fn only(site: &Site, holder: usize, vip: &str) {
    until(&format!("host {} alone has {vip}", holder + 1), LIMIT, || {
        site.hosts.iter().enumerate().all(|(index, host)| host.has(vip) == (index == holder))
    });
}

/// Host 1 has the higher priority. Each time it loses mastership the other takes over, and gives it back.
fn elections(kind: &Kind, we_are_master: bool) {
    let site = Site::new(2);
    let start = |host: usize| {
        let priority = if host == 0 { 150 } else { 100 };
        let host_is_ours = (host == 0) == we_are_master;
        if host_is_ours {
            kind.lvsadm(&site.hosts[host], priority)
        } else {
            kind.keepalived(&site.hosts[host], priority)
        }
    };
    let mut first = start(0);
    let mut second = start(1);
    only(&site, 0, kind.vip);

    // Its end is told: the other needs only its skew time.
    first.stop();
    only(&site, 1, kind.vip);
    first = start(0);
    only(&site, 0, kind.vip);

    // Its cable is pulled.
    site.hosts[0].cable(false);
    until("host 2 has the address", LIMIT, || site.hosts[1].has(kind.vip));
    site.hosts[0].cable(true);
    only(&site, 0, kind.vip);

    // It dies; its address stays behind until it is back.
    first.kill();
    until("host 2 has the address", LIMIT, || site.hosts[1].has(kind.vip));
    first = start(0);
    only(&site, 0, kind.vip);

    // The backup comes and goes: nothing happens.
    second.stop();
    assert!(site.hosts[0].has(kind.vip));
    let _third = start(1);
    std::thread::sleep(Duration::from_millis(1500));
    only(&site, 0, kind.vip);
    drop(first);
}

macro_rules! kinds {
    ($($name:ident: $kind:expr;)*) => { $(
        mod $name {
            #[test]
            fn we_start_as_master() {
                super::elections(&{ use super::*; $kind }, true);
            }
            #[test]
            fn we_start_as_backup() {
                super::elections(&{ use super::*; $kind }, false);
            }
        }
    )* };
}

kinds! {
    v2: V2;
    v2_pass: Kind {
        ours: "--version 2 --auth pass --secret 1111",
        theirs: Some("version 2\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}\n"),
        ..V2
    };
    v2_ah: Kind {
        ours: "--version 2 --auth ah --secret 1111",
        theirs: Some("version 2\nadvert_int 1\nauthentication {\nauth_type AH\nauth_pass 1111\n}\n"),
        ..V2
    };
    v3: Kind { ours: "--version 3 --interval 300ms", theirs: Some("version 3\nadvert_int 0.3\n"), vip: VIP4 };
    v3_without_pseudo_header: Kind {
        ours: "--version 3 --interval 300ms --no-pseudo-header",
        theirs: None,
        vip: VIP4
    };
    v3_ipv6: Kind {
        ours: "--version 3 --interval 300ms --address fe80::51",
        theirs: Some("version 3\nadvert_int 0.3\n"),
        vip: VIP6
    };
    unicast: Kind {
        ours: "--version 3 --interval 300ms --unicast-peer PEER",
        theirs: Some("version 3\nadvert_int 0.3\nunicast_src_ip OWN\nunicast_peer {\nPEER\n}\n"),
        vip: VIP4
    };
}
