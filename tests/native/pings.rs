//! Echo requests that get lost on the way: the router's reason, at once.

use std::time::{Duration, Instant};

use crate::vrrp::site::Site;

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

#[test]
fn what_a_router_says_is_the_reason() {
    let site = Site::new(2);
    let [us, router] = site.hosts.as_slice() else { panic!("two hosts") };
    for name in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        router.set_sysctl(name, "1");
    }
    us.run("ip route add default via 10.9.9.2").ok();
    us.run("ip route add default via fd09::2").ok();
    for (route, target, says, why) in [
        ("unreachable 192.0.2.0/28", "192.0.2.1", "10.9.9.2", "host unreachable"),
        ("prohibit 192.0.2.16/28", "192.0.2.17", "10.9.9.2", "administratively prohibited"),
        ("unreachable 2001:db8:1::/48", "2001:db8:1::1", "fd09::2", "network unreachable"),
        ("prohibit 2001:db8:2::/48", "2001:db8:2::1", "fd09::2", "administratively prohibited"),
    ] {
        router.run(format!("ip route add {route}")).ok();
        let begun = Instant::now();
        let tried = us.run(format!("{LVSADM} check try ping {target} --timeout 10s"));
        let said = format!("{}{}", tried.stdout, tried.stderr);
        assert!(tried.status != 0 && begun.elapsed() < Duration::from_secs(5), "{tried}");
        assert!(said.contains(&format!("{target} cannot be reached: {says}")), "{target}: {said}");
        assert!(said.contains(&format!("says \"{why}\"")), "{target}: {said}");
    }
    // Nobody answers for it on the link: our own kernel says so, after three questions a second apart.
    let tried = us.run(format!("{LVSADM} check try ping 10.9.9.77 --timeout 10s"));
    assert!(tried.to_string().contains("10.9.9.1 says \"host unreachable\""), "{tried}");
}
