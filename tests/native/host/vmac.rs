//! Virtual MACs and the sysctls around them, with ip and sysctl as the judges.

use std::num::NonZeroU8;

use lvsadm::{
    host::{
        Host,
        sysctl::{self, Kept, Key},
        vmac::{self, Vmac, VmacWanted},
    },
    model::Family,
};
use serde_json::json;

use super::{neighbour::Neighbour, *};
use crate::support::run;

fn wanted(base: &str, family: Family) -> VmacWanted {
    VmacWanted {
        name: None,
        base: base.to_owned(),
        vrid: NonZeroU8::new(51).expect("not zero"),
        family,
        mac: None,
        link_local: family == Family::V6,
    }
}

fn set_up(host: &mut Host, kept: &mut Kept, wanted: &VmacWanted) -> Vmac {
    let vmac = vmac::set_up(host, kept, wanted).expect("a macvlan");
    assert_eq!(vmac.warnings, []);
    vmac
}

/// A switch as sysctl shows it; with slashes, for names with dots.
fn switch(path: &str) -> String {
    run(["sysctl", "-n", &format!("net/{path}")]).ok().trim().to_owned()
}

#[test]
fn switches_are_set_and_put_back() {
    with_cable(|host| {
        // A name as VLANs have it.
        run("ip link add eth0.5 type veth peer name peer0.5").ok();
        run("ip link set eth0.5 up").ok();
        run("sysctl -q -w net.ipv4.conf.all.rp_filter=1").ok();
        run("sysctl -q -w net.ipv4.conf.peer0.rp_filter=2").ok();
        let filters =
            || ["all", "default", "eth0", "eth0.5", "peer0"].map(|link| switch(&format!("ipv4/conf/{link}/rp_filter")));
        let before = filters();
        let mut kept = Kept::default();
        let vmac = set_up(host, &mut kept, &wanted("eth0.5", Family::V4));
        assert_eq!((vmac.name.as_str(), vmac.adopted, vmac.ours), ("vrrp.51", false, true));
        for (name, value) in
            [("arp_ignore", "1"), ("accept_local", "1"), ("rp_filter", "0"), ("promote_secondaries", "1")]
        {
            assert_eq!(switch(&format!("ipv4/conf/vrrp.51/{name}")), value, "{name}");
        }
        assert_eq!(switch("ipv6/conf/vrrp.51/accept_ra"), "0");
        assert_eq!(
            (switch("ipv4/conf/eth0.5/arp_ignore"), switch("ipv4/conf/eth0.5/arp_filter")),
            ("1".into(), "1".into())
        );
        // For the others, the filter is as strict as before.
        assert_eq!(filters(), ["0", "1", "1", "1", "2"].map(str::to_owned));

        // Two macvlans on one link: what the second needs stays when the first goes.
        let second = VmacWanted { vrid: NonZeroU8::new(52).expect("not zero"), ..wanted("eth0.5", Family::V4) };
        let second = set_up(host, &mut kept, &second);
        vmac.remove(host, &mut kept).expect("removed");
        assert_eq!(host.link("vrrp.51").expect("an answer"), None);
        assert_eq!(switch("ipv4/conf/eth0.5/arp_ignore"), "1");
        // Somebody changes one meanwhile: theirs to keep.
        run(["sysctl", "-q", "-w", "net/ipv4/conf/eth0.5/arp_filter=0"]).ok();
        run(["sysctl", "-q", "-w", "net/ipv4/conf/peer0/rp_filter=0"]).ok();
        second.remove(host, &mut kept).expect("removed");
        assert_eq!(switch("ipv4/conf/eth0.5/arp_ignore"), "0");
        assert_eq!(switch("ipv4/conf/eth0.5/arp_filter"), "0");
        drop(kept);
        let mut after = before;
        after[4] = "0".to_owned();
        assert_eq!(filters(), after);
    });
}

#[test]
fn what_a_crashed_run_changed_is_put_back_by_the_next() {
    with_cable(|host| {
        run("sysctl -q -w net.ipv4.conf.all.rp_filter=1").ok();
        let filters = || ["all", "eth0", "vrrp.51"].map(|link| switch(&format!("ipv4/conf/{link}/rp_filter")));
        let mut kept = Kept::default();
        let vmac = set_up(host, &mut kept, &wanted("eth0", Family::V4));
        assert_eq!(filters(), ["0", "1", "0"]);
        let record = serde_json::to_string(&kept.record()).expect("JSON");
        // The run ends without a chance to clean up.
        std::mem::forget(kept);
        assert_eq!(switch("ipv4/conf/eth0/arp_ignore"), "1");

        // The next one takes the macvlan and the record over.
        let mut kept = Kept::resume(serde_json::from_str(&record).expect("a record"));
        let again = set_up(host, &mut kept, &wanted("eth0", Family::V4));
        assert_eq!((again.index, again.adopted, again.ours), (vmac.index, true, true));
        kept.release("");
        assert_eq!(switch("ipv4/conf/eth0/arp_ignore"), "1");
        assert_eq!(filters(), ["0", "1", "0"]);
        again.remove(host, &mut kept).expect("removed");
        assert_eq!(switch("ipv4/conf/eth0/arp_ignore"), "0");
        drop(kept);
        assert_eq!(switch("ipv4/conf/all/rp_filter"), "1");

        // One that wants no macvlan any more puts back at once.
        run("sysctl -q -w net.ipv4.conf.eth0.arp_ignore=1").ok();
        let mut kept = Kept::resume(serde_json::from_str(&record).expect("a record"));
        assert_eq!(kept.release(""), []);
        assert_eq!(switch("ipv4/conf/eth0/arp_ignore"), "0");
        assert_eq!(kept.record(), []);
    });
}

#[test]
fn names_are_those_of_keepalived_and_free() {
    with_cable(|host| {
        let mut kept = Kept::default();
        let first = set_up(host, &mut kept, &wanted("eth0", Family::V4));
        // The same identifier on another link, and for the other family.
        let second = set_up(host, &mut kept, &wanted("peer0", Family::V4));
        let third = set_up(host, &mut kept, &wanted("eth0", Family::V6));
        let fourth = set_up(host, &mut kept, &wanted("peer0", Family::V6));
        let names = [&first, &second, &third, &fourth].map(|vmac| vmac.name.as_str());
        assert_eq!(names, ["vrrp.51", "vrrp1.51", "vrrp6.51", "vrrp2.51"]);
        assert_eq!(ip_json("link show dev vrrp6.51")[0]["address"], json!("00:00:5e:00:02:33"));
        // Found again, each of them.
        for (family, base, vmac) in [
            (Family::V4, "eth0", &first),
            (Family::V4, "peer0", &second),
            (Family::V6, "eth0", &third),
            (Family::V6, "peer0", &fourth),
        ] {
            let again = set_up(host, &mut kept, &wanted(base, family));
            assert_eq!((again.index, again.adopted), (vmac.index, true));
        }
        // The operator's own names and MAC addresses.
        let own =
            VmacWanted { name: Some("own".to_owned()), mac: Some([2, 0, 0, 0, 0, 9]), ..wanted("eth0", Family::V4) };
        let vmac = set_up(host, &mut kept, &own);
        assert_eq!((vmac.name.as_str(), vmac.mac), ("own", [2, 0, 0, 0, 0, 9]));
        let again = set_up(host, &mut kept, &own);
        assert!(again.adopted && !again.ours);
        again.remove(host, &mut kept).expect("let go");
        assert!(host.link("own").expect("an answer").is_some(), "what was adopted by its name stays");

        let taken = VmacWanted { name: Some("eth0".to_owned()), ..wanted("eth0", Family::V4) };
        let error = vmac::set_up(host, &mut kept, &taken).expect_err("taken");
        assert!(error.to_string().contains("another link of this name"), "{error}");
        let error = vmac::set_up(host, &mut kept, &wanted("eth7", Family::V4)).expect_err("no such link");
        assert_eq!(error.to_string(), "there is no link eth7");
    });
}

#[test]
fn an_ipv6_macvlan_speaks_from_the_link_local_address_of_the_link_below() {
    with_cable(|host| {
        run("ip link set eth0 address 02:00:00:00:00:01").ok();
        let mut kept = Kept::default();
        let vmac = set_up(host, &mut kept, &wanted("eth0", Family::V6));
        let seen = &ip_json(&format!("-6 address show dev {}", vmac.name))[0]["addr_info"];
        assert_eq!(seen.as_array().expect("addresses").len(), 1, "{seen}");
        assert_eq!((&seen[0]["local"], &seen[0]["prefixlen"]), (&json!("fe80::ff:fe00:1"), &json!(64)));
        assert_eq!((&seen[0]["scope"], &seen[0]["tentative"]), (&json!("link"), &json!(null)));
    });
}

#[test]
fn a_link_that_vanishes_takes_its_macvlan_along_without_harm() {
    with_cable(|host| {
        let mut kept = Kept::default();
        let vmac = set_up(host, &mut kept, &wanted("eth0", Family::V4));
        run("ip link delete eth0").ok();
        assert_eq!(host.link(&vmac.name).expect("an answer"), None);
        vmac.remove(host, &mut kept).expect("nothing to do");
        assert_eq!(kept.record(), []);
        // And it can come back.
        run("ip link add eth0 type veth peer name peer0").ok();
        run("ip link set eth0 up").ok();
        assert!(!set_up(host, &mut kept, &wanted("eth0", Family::V4)).adopted);
    });
}

#[test]
fn secondaries_are_promoted() {
    with_cable(|host| {
        let mut kept = Kept::default();
        run("sysctl -q -w net.ipv4.conf.eth0.promote_secondaries=0").ok();
        vmac::promote_secondaries(&mut kept, "one", "eth0").expect("set");
        run("ip address add 192.0.2.1/24 dev eth0").ok();
        run("ip address add 192.0.2.2/24 dev eth0").ok();
        let held = host.addresses().expect("a list");
        let secondary = |address: &str| held.iter().any(|held| held.address.address == ip(address) && held.secondary);
        assert!(!secondary("192.0.2.1") && secondary("192.0.2.2"));
        run("ip address del 192.0.2.1/24 dev eth0").ok();
        assert!(run("ip address show dev eth0").ok().contains("192.0.2.2/24"));
        assert_eq!(kept.restore(), []);
        assert_eq!(switch("ipv4/conf/eth0/promote_secondaries"), "0");
        let error = vmac::promote_secondaries(&mut kept, "one", "eth7").expect_err("no such link");
        assert!(error.to_string().contains("or the link is gone"), "{error}");
    });
}

#[test]
fn values_that_the_kernel_does_not_take_are_refused_and_not_remembered() {
    with_cable(|_| {
        let mut kept = Kept::default();
        let key = Key::ipv4_of("eth0", "arp_ignore").expect("a switch");
        let error = kept.set("one", key.clone(), "seven").expect_err("no number");
        assert_eq!(error.to_string(), "cannot set net/ipv4/conf/eth0/arp_ignore: Invalid argument");
        assert_eq!(error.hint(), Some("the kernel does not take this value"));
        assert_eq!((kept.record(), sysctl::read(&key).expect("a value")), (Vec::new(), "0".to_owned()));
    });
}

#[test]
fn neighbours_find_virtual_addresses_at_the_virtual_mac_and_no_others() {
    with_cable(|host| {
        run("sysctl -q -w net.ipv4.conf.all.rp_filter=1").ok();
        let neighbour = Neighbour::new();
        let found = |address: &str| {
            neighbour.run("ip neigh flush all").ok();
            // The link's own link-local address is checked for duplicates in the first second.
            assert!((0..4).any(|_| neighbour.reaches(address)), "{address}");
            let shown = neighbour.run(&format!("ip neigh show {address}")).ok();
            shown
                .split_whitespace()
                .skip_while(|word| *word != "lladdr")
                .nth(1)
                .map(str::to_owned)
                .expect("a neighbour")
        };
        let own = found("192.0.2.1");
        let mut kept = Kept::default();
        for (family, vip, prefix, mac) in [
            (Family::V4, "192.0.2.100", 32, "00:00:5e:00:01:33"),
            (Family::V6, "2001:db8::100", 128, "00:00:5e:00:02:33"),
        ] {
            let vmac = set_up(host, &mut kept, &wanted("eth0", family));
            let vip = address(vip, prefix);
            assert_eq!(host.change_addresses(&change(Action::Add, vmac.index, [&vip])).expect("an outcome"), []);
            // Several times, because the link below would answer as well if it were asked to.
            for _ in 0..3 {
                assert_eq!(found(&vip.address.to_string()), mac);
            }
        }
        assert_eq!(found("192.0.2.1"), own);
        assert_eq!(found("2001:db8::1"), own);
    });
}
