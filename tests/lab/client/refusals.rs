//! Every reason that the kernel has for refusing a change, and what we say about it.

use lvsadm::{
    ipvs::{Client, explain},
    model::{Change, Checksum, DaemonRole, Forwarding, Netmask, Protocol, SyncDaemon, Timeouts, VirtualService},
};
use nix::errno::Errno;

use super::values::*;
use crate::support::{in_netns, ipvsadm, run};

#[test]
fn every_refusal_is_explained() {
    in_netns(|| {
        let mut client = client();
        let rip = masquerade("10.0.0.11");
        let prefix = |prefix| persistent(service(vip6(), "rr"), 1, Netmask::V6(prefix));
        let engine = |name: &str| VirtualService { engine: Some(name.to_owned()), ..service(vip6(), "rr") };
        let absent = service_key(Protocol::Udp, "10.0.0.9", 9);
        let local = |port| server("127.0.0.1", port, Forwarding::Masquerade);
        apply(&mut client, &[Change::AddService(service(vip(), "rr")), Change::AddServer(vip(), rip)]);
        run("ip address add 10.0.0.1/24 brd + dev lo").ok();
        let timeouts = Timeouts { tcp: u32::MAX, tcp_fin: 0, udp: 0 };
        let cases = [
            (Change::AddService(service(vip(), "rr")), Errno::EEXIST, "it exists already"),
            (Change::AddService(service(vip6(), "nope")), Errno::ENOENT, "the kernel has no scheduler 'nope'"),
            (
                Change::AddService(engine("seventeen-letters")),
                Errno::EINVAL,
                "the name of a persistence engine has at most 16 bytes",
            ),
            (Change::AddService(engine("sap")), Errno::ENOENT, "the kernel has no persistence engine 'sap'"),
            (Change::AddService(prefix(0)), Errno::EINVAL, "the persistence prefix length 0 is not one for IPv6"),
            (Change::AddService(prefix(129)), Errno::EINVAL, "the persistence prefix length 129 is not one for IPv6"),
            (Change::EditService(service(vip(), "nope")), Errno::ENOENT, "the kernel has no scheduler 'nope'"),
            (Change::EditService(service(absent, "rr")), Errno::ESRCH, "there is no such service"),
            (Change::DeleteService(absent), Errno::ESRCH, "there is no such service"),
            (Change::Zero(Some(absent)), Errno::ESRCH, "there is no such service"),
            (Change::AddServer(absent, rip), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::EditServer(absent, rip), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::DeleteServer(absent, rip.key), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::AddServer(vip(), rip), Errno::EEXIST, "the service has this server already"),
            (Change::EditServer(vip(), local(1)), Errno::ENOENT, "the service has no such server"),
            (Change::DeleteServer(vip(), local(1).key), Errno::ENOENT, "the service has no such server"),
            (Change::AddServer(vip(), masquerade("224.0.0.1")), Errno::EINVAL, "224.0.0.1 is no unicast address"),
            (Change::AddServer(vip(), masquerade("0.0.0.0")), Errno::EINVAL, "0.0.0.0 is no unicast address"),
            (
                Change::AddServer(vip(), masquerade("10.0.0.255")),
                Errno::EINVAL,
                "the kernel does not take 10.0.0.255 for a unicast address",
            ),
            (
                Change::AddServer(vip(), masquerade("2001:db8::11")),
                Errno::EINVAL,
                "server and service are of different families",
            ),
            (
                Change::AddServer(vip(), limited(local(2), 5, 10)),
                Errno::ERANGE,
                "the lower threshold 10 is above the upper threshold 5",
            ),
            (
                Change::EditServer(vip(), limited(rip, 5, 10)),
                Errno::ERANGE,
                "the lower threshold 10 is above the upper threshold 5",
            ),
            (
                Change::AddServer(vip(), server("10.0.0.12", 80, gue(0, Checksum::None))),
                Errno::EINVAL,
                "a GUE tunnel needs a destination port",
            ),
            (Change::SetTimeouts(timeouts), Errno::EINVAL, "4294967295 seconds are more than this kernel can count"),
            (Change::StartDaemon(daemon(DaemonRole::Master, "eth9")), Errno::ENODEV, "there is no interface eth9"),
            (
                Change::StartDaemon(daemon(DaemonRole::Master, "an-interface-of-20-b")),
                Errno::EINVAL,
                "an interface's name has at most 15 bytes",
            ),
            (
                Change::StartDaemon(SyncDaemon {
                    group: Some([10, 0, 0, 1].into()),
                    ..daemon(DaemonRole::Master, "lo")
                }),
                Errno::EINVAL,
                "10.0.0.1 is no multicast address",
            ),
            (Change::StopDaemon(DaemonRole::Backup), Errno::ESRCH, "no backup sync daemon is running"),
        ];
        let changes: Vec<_> = cases.iter().map(|(change, ..)| change.clone()).collect();
        let refused = client.apply(&changes).expect("answers");
        assert_eq!(
            refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(),
            (0..cases.len()).collect::<Vec<_>>()
        );
        for ((change, errno, reason), refusal) in cases.iter().zip(&refused) {
            assert_eq!(refusal.errno, *errno, "{change:?}");
            assert_eq!(explain(change, refusal).reason(), *reason, "{change:?}");
        }
        assert_eq!(ipvsadm("-S -n").ok(), "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 1\n");
    });
}

#[test]
fn refusals_that_depend_on_something_else_are_explained() {
    in_netns(|| {
        let mut client = client();
        lan_interface();
        let mixed = Change::AddServer(vip(), server("2001:db8::11", 80, IPIP));
        let master = Change::StartDaemon(daemon(DaemonRole::Master, "eth0"));
        apply(&mut client, &[Change::AddService(service(vip(), "rr")), master.clone()]);
        check(&mut client, &mixed, Errno::EINVAL, "which cannot be while a sync daemon is running");
        check(&mut client, &master, Errno::EEXIST, "a master sync daemon is running already");
        apply(&mut client, &[Change::StopDaemon(DaemonRole::Master), mixed]);
        check(&mut client, &master, Errno::EINVAL, "which the sync protocol cannot carry");

        apply(&mut client, &[Change::AddService(service(vip6(), "rr"))]);
        let link_local = Change::AddServer(vip6(), server("fe80::1", 80, Forwarding::Route));
        check(&mut client, &link_local, Errno::EINVAL, "is a link-local address that is not this machine's");
        let group = Change::AddServer(vip6(), server("ff02::1", 80, Forwarding::Route));
        check(&mut client, &group, Errno::EINVAL, "is no unicast address");
    });
}

#[track_caller]
fn check(client: &mut Client, change: &Change, errno: Errno, reason: &str) {
    let refused = client.apply(std::slice::from_ref(change)).expect("answers");
    let [refusal] = &refused[..] else { panic!("{change:?}: {refused:?}") };
    assert_eq!((refusal.index, refusal.errno), (0, errno), "{change:?}");
    let explanation = explain(change, refusal).to_string();
    assert!(explanation.ends_with(reason), "{explanation}");
}
