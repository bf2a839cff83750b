//! Virtual routers beside a real kernel table.

use crate::support::{Background, in_netns, ipvsadm, lvsadm, run, until};

#[test]
fn a_service_without_working_servers_takes_its_address_down() {
    in_netns(|| {
        for line in [
            "ip link add eth0 type veth peer name other",
            "ip link set other up",
            "ip link set eth0 up",
            "ip address add 10.9.9.1/24 dev eth0",
        ] {
            run(line).ok();
        }
        let has_address = || run("ip -o address show dev eth0").ok().contains(" 10.9.9.100/");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let run_dir = directory.path().display().to_string();
        let words = [
            env!("CARGO_BIN_EXE_lvsadm"),
            "vrrp",
            "run",
            "VI_1",
            "--interface=eth0",
            "--vrid=51",
            "--version=3",
            "--interval=200ms",
            "--address=10.9.9.100",
            "--track-service=tcp/10.9.9.100:80",
            "--run-dir",
            &run_dir,
        ];
        // The service is not there yet: nobody should be sent here.
        let _director = Background::start(words);
        let state = || lvsadm(["vrrp", "show", "--run-dir", &run_dir]).stdout;
        until("it waits for its service", || state().contains("fault"));
        assert!(!has_address());

        ipvsadm("-A -t 10.9.9.100:80 -s rr").ok();
        ipvsadm("-a -t 10.9.9.100:80 -r 10.9.9.11 -g -w 1").ok();
        until("the address is there", has_address);

        ipvsadm("-e -t 10.9.9.100:80 -r 10.9.9.11 -g -w 0").ok();
        until("the address is given up", || !has_address());
        assert!(state().contains("service TCP 10.9.9.100:80 fails"), "{}", state());

        ipvsadm("-e -t 10.9.9.100:80 -r 10.9.9.11 -g -w 1").ok();
        until("the address is back", has_address);
        ipvsadm("-D -t 10.9.9.100:80").ok();
        until("the address is given up with its service", || !has_address());
    });
}
