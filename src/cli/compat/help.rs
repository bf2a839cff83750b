//! `-h` and `-v`: the same structure as ipvsadm's help, in our own words.
//!
//! The first two lines and the synopsis are interface; what stands behind the options is not.

/// Returns the version line, which names the ipvsadm whose behaviour this is.
pub(super) fn version() -> &'static str {
    "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n"
}

/// Returns the help for a program called `program`.
pub(super) fn help(program: &str) -> String {
    let mut text = format!("{}Usage:\n", version());
    for line in SYNOPSIS {
        text.extend(["  ", program, " ", line, "\n"]);
    }
    text.push_str(OPTIONS);
    text
}

const SYNOPSIS: [&str; 13] = [
    "-A|E virtual-service [-s scheduler] [-p [timeout]] [-M netmask] [--pe persistence_engine] [-b sched-flags]",
    "-D virtual-service",
    "-C",
    "-R",
    "-S [-n]",
    "-a|e virtual-service -r server-address [options]",
    "-d virtual-service -r server-address",
    "-L|l [virtual-service] [options]",
    "-Z [virtual-service]",
    "--set tcp tcpfin udp",
    "--start-daemon {master|backup} [daemon-options]",
    "--stop-daemon {master|backup}",
    "-h",
];

const OPTIONS: &str = "
Commands:
The first option says what to do; each has a long form, some have a letter too.
  --add-service     -A        new virtual service
  --edit-service    -E        replace the settings of a virtual service
  --delete-service  -D        remove a virtual service and its real servers
  --clear           -C        remove everything
  --restore         -R        read commands from standard input, one a line
  --save            -S        print commands that make this table again
  --add-server      -a        new real server
  --edit-server     -e        replace the settings of a real server
  --delete-server   -d        remove a real server
  --list            -L|-l     show the table, or what the options name
  --zero            -Z        reset the counters of one service, or of all
  --set tcp tcpfin udp        connection timeouts in seconds, 0 = as it is
  --start-daemon              start to send (master) or receive (backup) connections
  --stop-daemon               stop that
  --help            -h        this text

virtual-service:
  --tcp-service|-t  service-address   TCP at host[:port]
  --udp-service|-u  service-address   UDP at host[:port]
  --sctp-service    service-address   SCTP at host[:port]
  --fwmark-service|-f fwmark          packets with this firewall mark, 1 or more

Options:
  --ipv6         -6                   the firewall mark is of IPv6; goes after -f
  --scheduler    -s scheduler         one of rr|wrr|lc|wlc|lblc|lblcr|dh|sh|sed|nq|fo|ovf|mh or whatever
                                      else the kernel has; wlc if none is given
  --pe            engine              persistence engine, such as sip
  --persistent   -p [timeout]         a client keeps its server for so many seconds (360)
  --netmask      -M netmask           clients of one network keep one server: 255.255.255.0, or 64 with IPv6
  --real-server  -r server-address    host, with or without :port
  --gatewaying   -g                   direct routing; taken if none is given
  --ipip         -i                   tunnel
  --masquerading -m                   NAT
  --tun-type      type                kind of tunnel: ipip (taken if none is given), gue or gre
  --tun-port      port                port of a gue tunnel
  --tun-nocsum                        no checksum in the tunnel
  --tun-csum                          checksum in the tunnel
  --tun-remcsum                       remote checksum in the tunnel (gue)
  --weight       -w weight            share of new connections, 0 = none (1)
  --u-threshold  -x uthreshold        no new connections above so many, 0 = no limit
  --l-threshold  -y lthreshold        new connections again below so many
  --connection   -c                   show connections
  --timeout                           show timeouts (tcp tcpfin udp)
  --daemon                            show the daemons
  --stats                             show counters
  --rate                              show rates
  --exact                             show large numbers in full
  --thresholds                        show thresholds
  --persistent-conn                   show persistent connections
  --tun-info                          show tunnels
  --nosort                            show services and servers in the kernel's order
  --sort                              accepted for the sake of old scripts
  --ops          -o                   schedule each packet by itself (UDP and marks)
  --numeric      -n                   addresses and ports as numbers
  --sched-flags  -b flags             flags for the scheduler, with commas between them
Daemon Options:
  --syncid sid                        number of the group of directors, 0 to 255 (0)
  --sync-maxlen length                longest message in bytes (1472)
  --mcast-interface interface         interface to send and receive on (eth0)
  --mcast-group address               multicast group, IPv4 or IPv6 (224.0.0.81)
  --mcast-port port                   UDP port (8848)
  --mcast-ttl ttl                     TTL of what is sent (1)
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::grammar;

    #[test]
    fn the_head_is_ipvsadms() {
        let text = help("/sbin/ipvsadm");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)", "Usage:"]);
        assert_eq!(lines.iter().filter(|line| line.starts_with("  /sbin/ipvsadm -")).count(), 13);
        for block in ["Commands:", "virtual-service:", "Options:", "Daemon Options:"] {
            assert!(lines.contains(&block), "{block}");
        }
    }

    #[test]
    fn every_option_of_the_grammar_is_in_it() {
        for name in grammar::option_names() {
            assert!(OPTIONS.contains(name), "{name}");
        }
    }
}
