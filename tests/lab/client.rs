//! Our client against the real kernel, stock ipvsadm being the judge of what is in its table.

mod many;
mod proc;
mod refusals;
mod values;

use std::{net::UdpSocket, thread};

use lvsadm::{
    ipvs::{Client, procfs},
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Protocol, Stats, SyncDaemon, Table, Timeouts,
        VirtualService,
    },
};

use values::*;

use crate::support::{in_netns, ipvsadm, run};

/// Every kind of service and server, as changes and as ipvsadm's command lines.
fn everything() -> Vec<(Change, &'static str)> {
    let udp = |port| service_key(Protocol::Udp, "10.0.0.1", port);
    let sctp = service_key(Protocol::Sctp, "2001:db8::1", 0);
    let host = Netmask::host(Family::V4);
    let network = Netmask::V4([255, 255, 255, 0].into());
    let sip = VirtualService { engine: Some("sip".to_owned()), one_packet: true, ..service(udp(5060), "wlc") };
    let mh = VirtualService { flags: flags(true, true, true), ..service(udp(54), "mh") };
    let sh = VirtualService { flags: flags(false, true, false), one_packet: true, ..service(udp(53), "sh") };
    vec![
        (Change::AddService(service(vip(), "rr")), "-A -t 10.0.0.1:80 -s rr"),
        (
            Change::AddService(persistent(service(service_key(Protocol::Tcp, "10.0.0.1", 0), "wrr"), 360, network)),
            "-A -t 10.0.0.1:0 -s wrr -p 360 -M 255.255.255.0",
        ),
        (Change::AddService(sh), "-A -u 10.0.0.1:53 -s sh -o -b sh-port"),
        (Change::AddService(mh), "-A -u 10.0.0.1:54 -s mh -b mh-fallback,mh-port,flag-3"),
        (Change::AddService(persistent(sip, 60, host)), "-A -u 10.0.0.1:5060 -s wlc -p 60 --pe sip -o"),
        (
            Change::AddService(persistent(service(vip6(), "lc"), 1, Netmask::V6(64))),
            "-A -t [2001:db8::1]:80 -s lc -p 1 -M 64",
        ),
        (
            Change::AddService(persistent(service(sctp, "sed"), 2_678_400, Netmask::V6(128))),
            "-A --sctp-service [2001:db8::1]:0 -s sed -p 2678400",
        ),
        (Change::AddService(service(mark(5, Family::V4), "nq")), "-A -f 5 -s nq"),
        (Change::AddService(service(mark(5, Family::V6), "dh")), "-A -f 5 -6 -s dh"),
        (Change::AddService(service(mark(u32::MAX, Family::V4), "fo")), "-A -f 4294967295 -s fo"),
        (
            Change::AddServer(vip(), limited(weighted(masquerade("10.0.0.11"), 7), 1000, 500)),
            "-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 7 -x 1000 -y 500",
        ),
        (
            Change::AddServer(vip(), weighted(server("10.0.0.12", 80, Forwarding::Route), 0)),
            "-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w 0",
        ),
        (Change::AddServer(vip(), server("10.0.0.13", 80, IPIP)), "-a -t 10.0.0.1:80 -r 10.0.0.13:80 -i"),
        (
            Change::AddServer(vip(), server("10.0.0.14", 80, gue(6080, Checksum::None))),
            "-a -t 10.0.0.1:80 -r 10.0.0.14:80 -i --tun-type gue --tun-port 6080 --tun-nocsum",
        ),
        (
            Change::AddServer(vip(), server("2001:db8::14", 80, gue(65535, Checksum::Remote))),
            "-a -t 10.0.0.1:80 -r [2001:db8::14]:80 -i --tun-type gue --tun-port 65535 --tun-remcsum",
        ),
        (
            Change::AddServer(vip(), server("10.0.0.15", 80, gre(Checksum::Full))),
            "-a -t 10.0.0.1:80 -r 10.0.0.15:80 -i --tun-type gre --tun-csum",
        ),
        (
            Change::AddServer(vip(), server("10.0.0.16", 80, gre(Checksum::None))),
            "-a -t 10.0.0.1:80 -r 10.0.0.16:80 -i --tun-type gre --tun-nocsum",
        ),
        (
            Change::AddServer(vip6(), weighted(server("2001:db8::11", 80, Forwarding::Route), 65535)),
            "-a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -g -w 65535",
        ),
        (
            Change::AddServer(vip6(), server("10.0.0.11", 80, gue(1, Checksum::Full))),
            "-a -t [2001:db8::1]:80 -r 10.0.0.11:80 -i --tun-type gue --tun-port 1 --tun-csum",
        ),
        (
            Change::AddServer(mark(5, Family::V4), server("10.0.0.11", 0, Forwarding::Route)),
            "-a -f 5 -r 10.0.0.11:0 -g",
        ),
        (
            Change::AddServer(mark(5, Family::V6), server("2001:db8::11", 0, Forwarding::Masquerade)),
            "-a -f 5 -6 -r [2001:db8::11]:0 -m",
        ),
    ]
}

/// All that stock ipvsadm can tell of a table's configuration. Lines are sorted: its own order is not the same everywhere.
fn as_stock_sees_it() -> String {
    let listings =
        ["-S -n", "-L -n --thresholds", "-L -n --tun-info", "-L -n --persistent-conn", "-L --timeout", "-L --daemon"];
    let listing = |options| {
        let listing = ipvsadm(options).ok();
        let mut lines: Vec<_> = listing.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    listings.map(listing).join("\n")
}

/// The table that stock ipvsadm makes, and what it then sees.
fn made_by_stock() -> (Table, String) {
    in_netns(|| {
        everything().iter().for_each(|(_, command)| drop(ipvsadm(*command).ok()));
        (client().table().expect("a table"), as_stock_sees_it())
    })
}

#[test]
fn what_we_make_is_what_stock_makes() {
    let (table, listings) = made_by_stock();
    in_netns(|| {
        let changes: Vec<_> = everything().into_iter().map(|(change, _)| change).collect();
        let mut client = client();
        apply(&mut client, &changes);
        assert_eq!(as_stock_sees_it(), listings);

        let found = client.table().expect("a table");
        assert_eq!(found, table);
        let mut wanted = Table { timeouts: found.timeouts, ..Table::default() };
        changes.iter().for_each(|change| wanted.apply(change).expect("it fits"));
        assert_eq!(found, wanted);

        for (key, entry) in &wanted.services {
            let one = client.service(key).expect("an answer").expect("the service");
            assert_eq!(one.service, entry.service);
            assert_eq!(one.servers.len(), entry.servers.len());
        }
        assert_eq!(client.service(&mark(6, Family::V4)).expect("an answer"), None);
        apply(&mut client, &[Change::Clear]);
        assert_eq!(ipvsadm("-S -n").ok(), "");
        assert_eq!(client.snapshot().expect("a snapshot").services, []);
    });
}

#[test]
fn edits_replace_everything() {
    in_netns(|| {
        let mut client = client();
        let full = VirtualService {
            engine: Some("sip".to_owned()),
            one_packet: true,
            flags: flags(true, false, true),
            ..persistent(
                service(service_key(Protocol::Udp, "10.0.0.1", 53), "rr"),
                60,
                Netmask::V4([255, 0, 0, 0].into()),
            )
        };
        let tunnelled = limited(weighted(server("10.0.0.11", 53, gue(6080, Checksum::Full)), 9), 10, 5);
        apply(&mut client, &[Change::AddService(full.clone()), Change::AddServer(full.key, tunnelled)]);
        let plain = (service(full.key, "wlc"), server("10.0.0.11", 53, Forwarding::Route));
        for (service, server) in [plain.clone(), (full.clone(), tunnelled), plain] {
            apply(&mut client, &[Change::EditService(service.clone()), Change::EditServer(full.key, server)]);
            let found = client.service(&full.key).expect("an answer").expect("the service");
            assert_eq!(found.service, service);
            assert_eq!(found.servers.iter().map(|each| each.server).collect::<Vec<_>>(), [server]);
        }
        assert_eq!(ipvsadm("-S -n").ok(), "-A -u 10.0.0.1:53 -s wlc\n-a -u 10.0.0.1:53 -r 10.0.0.11:53 -g -w 1\n");
        apply(&mut client, &[Change::DeleteServer(full.key, tunnelled.key)]);
        assert_eq!(ipvsadm("-S -n").ok(), "-A -u 10.0.0.1:53 -s wlc\n");
        apply(&mut client, &[Change::DeleteService(full.key)]);
        assert_eq!(ipvsadm("-S -n").ok(), "");
    });
}

#[test]
fn info_timeouts_and_daemons() {
    in_netns(|| {
        let mut client = client();
        let heading = ipvsadm("-L -n").ok();
        assert_eq!(client.info().expect("info").to_string(), heading.lines().next().expect("a heading"));
        assert_eq!(procfs::read_info().expect("info"), client.info().expect("info"));

        apply(&mut client, &[Change::SetTimeouts(Timeouts { tcp: 100, tcp_fin: 0, udp: 7 })]);
        assert_eq!(ipvsadm("-L --timeout").ok(), "Timeout (tcp tcpfin udp): 100 120 7\n");
        assert_eq!(client.timeouts().expect("timeouts"), Timeouts { tcp: 100, tcp_fin: 120, udp: 7 });

        lan_interface();
        assert_eq!(client.daemons().expect("daemons"), []);
        let master = daemon(DaemonRole::Master, "eth0");
        let backup = SyncDaemon {
            sync_id: 255,
            max_len: Some(2000),
            group: Some("ff02::81".parse().expect("an address")),
            port: Some(9000),
            ttl: Some(3),
            ..daemon(DaemonRole::Backup, "eth0")
        };
        apply(&mut client, &[Change::StartDaemon(backup.clone()), Change::StartDaemon(master.clone())]);
        assert_eq!(
            ipvsadm("-L --daemon").ok(),
            "master sync daemon (mcast=eth0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n\
             backup sync daemon (mcast=eth0, syncid=255, maxlen=2000, group=ff02::81, port=9000, ttl=3)\n"
        );
        let running = client.daemons().expect("daemons");
        assert_eq!(running[1], backup);
        assert!(running[0].satisfies(&master), "{running:?}");
        assert_eq!(client.table().expect("a table").daemons, running);
        apply(&mut client, &[Change::StopDaemon(DaemonRole::Master), Change::StopDaemon(DaemonRole::Backup)]);
        assert_eq!(ipvsadm("-L --daemon").ok(), "");
    });
}

#[test]
fn statistics_are_counted_and_zeroed() {
    in_netns(|| {
        run("ip address add 10.0.0.1/24 dev lo").ok();
        let mut client = client();
        let udp = VirtualService { one_packet: true, ..service(service_key(Protocol::Udp, "10.0.0.1", 53), "rr") };
        let backend = server("127.0.0.1", 5353, Forwarding::Masquerade);
        apply(&mut client, &[Change::AddService(udp.clone()), Change::AddServer(udp.key, backend)]);
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        (0..10).for_each(|_| drop(socket.send_to(b"12345", "10.0.0.1:53")));
        // The kernel adds up its counters every two seconds.
        thread::sleep(std::time::Duration::from_secs(3));
        let found = client.service(&udp.key).expect("an answer").expect("the service");
        let counted = |stats: Stats| (stats.connections, stats.in_packets, stats.in_bytes);
        assert_eq!(found.stats.map(counted), Some((10, 10, 330)));
        assert_eq!(found.servers[0].status.stats.map(counted), Some((10, 10, 330)));
        apply(&mut client, &[Change::Zero(None), Change::Zero(Some(udp.key))]);
        let found = client.service(&udp.key).expect("an answer").expect("the service");
        assert_eq!(found.stats.map(counted), Some((0, 0, 0)));
        assert_eq!(found.servers[0].status.stats.map(counted), Some((0, 0, 0)));
    });
}

/// Not a test by itself: tells whether a client can be opened, for [`those_without_permission_are_told_what_they_lack`].
#[test]
fn opening() {
    match Client::open() {
        Ok(_) => println!("open"),
        Err(error) => println!("{error}; {}", error.hint()),
    }
}

#[test]
fn those_without_permission_are_told_what_they_lack() {
    let program = std::env::current_exe().expect("this program");
    let open = |wrapper: &str| {
        let mut words: Vec<_> = wrapper.split_whitespace().map(str::to_owned).collect();
        words.push(program.display().to_string());
        words.extend(["--exact", "client::opening", "--nocapture"].map(str::to_owned));
        run(words).ok()
    };
    assert!(open("env").contains("open\n"));
    for (wrapper, message) in [
        ("unshare -r -n", "in a user namespace of its own, where root is not the machine's root; the kernel wants"),
        (
            "setpriv --reuid 65534 --clear-groups",
            "is neither root nor has it the capability CAP_NET_ADMIN; run as root",
        ),
        ("setpriv --bounding-set -net_admin --inh-caps -net_admin", "is root without the capability CAP_NET_ADMIN"),
    ] {
        let said = open(wrapper);
        assert!(said.contains("not permitted to use the kernel's IPVS: this process"), "{wrapper}: {said}");
        assert!(said.contains(message), "{wrapper}: {said}");
    }
}
