//! The files in /proc against netlink and stock ipvsadm.

use std::net::UdpSocket;

use lvsadm::{
    ipvs::procfs,
    model::{Forwarding, SchedulerFlags, SnapshotServer, SnapshotService, Thresholds},
};

use super::{everything, values::*};
use crate::support::{in_netns, ipvsadm, run_with_input};

#[test]
fn proc_tells_what_netlink_tells_as_far_as_it_goes() {
    in_netns(|| {
        let mut client = client();
        apply(&mut client, &everything().into_iter().map(|(change, _)| change).collect::<Vec<_>>());
        let mut expected = client.snapshot().expect("a snapshot");
        for each in &mut expected.services {
            each.stats = None;
            each.service.flags = SchedulerFlags::default();
            each.service.engine = None;
            for SnapshotServer { server, status } in &mut each.servers {
                status.stats = None;
                server.thresholds = Thresholds::default();
                if let Forwarding::Tunnel(_) = server.forwarding {
                    server.forwarding = IPIP;
                }
            }
        }
        let mut found = procfs::read_snapshot().expect("a snapshot");
        // Firewall marks come last in both, in an order of their own.
        let order = |services: &mut Vec<SnapshotService>| services.sort_by_key(|each| each.service.key);
        order(&mut found.services);
        order(&mut expected.services);
        assert_eq!(found, expected);
    });
}

#[test]
fn connections_are_what_stock_ipvsadm_lists() {
    in_netns(|| {
        run_with_input(
            "ip -batch -",
            "address add 10.0.0.1/24 dev lo
address add 2001:db8::1/64 dev lo nodad
",
        )
        .ok();
        for command in [
            "-A -u 10.0.0.1:53 -s rr",
            "-a -u 10.0.0.1:53 -r 127.0.0.1:5353 -m",
            "-A -u 10.0.0.1:5060 -s rr -p 3600 --pe sip -o",
            "-a -u 10.0.0.1:5060 -r 127.0.0.1:5060 -m",
            "-A -u [2001:db8::1]:53 -s rr -p 100 -M 64",
            "-a -u [2001:db8::1]:53 -r [2001:db8::1]:5353 -m",
        ] {
            ipvsadm(command).ok();
        }
        let v4 = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        v4.send_to(b"x", "10.0.0.1:53").expect("it goes");
        let call = b"INVITE sip:x SIP/2.0\r\nCall-ID: abc123@10.0.0.2\r\n\r\n";
        v4.send_to(call, "10.0.0.1:5060").expect("it goes");
        let v6 = UdpSocket::bind("[::]:0").expect("a socket");
        v6.send_to(b"x", "[2001:db8::1]:53").expect("it goes");

        let text = procfs::read_connections().expect("readable");
        let found = procfs::connections(&text).map(|connection| {
            let c = connection.expect("understood");
            let engine = c.engine.map_or(String::new(), |(name, data)| format!(" {name} {data}"));
            format!("{} {} {} {} {}{engine}", c.protocol_name, c.state, c.client, c.service, c.server)
        });
        let found: Vec<_> = found.collect();
        // Without the heading and the seconds, which pass.
        let listed = ipvsadm("-L -n -c --persistent-conn").ok();
        let words = listed.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let listed: Vec<_> = words.map(|words| [&words[..1], &words[2..]].concat().join(" ")).collect();
        assert_eq!(found, listed);
        assert!(found.iter().any(|line| line.ends_with("127.0.0.1:5060 sip abc123@10.0.0.2")), "{found:#?}");
        assert_eq!(found.len(), 4, "{found:#?}");
        let first = procfs::connections(&text).flatten().map(|c| c.expires).max();
        assert!(first.is_some_and(|seconds| (3500..=3600).contains(&seconds)), "{text}");
    });
}
