//! Every message that ipvsadm has, and what it leaves of the table.

use super::{compare_sessions, words};

fn sessions(lines: &str) {
    let lines: Vec<Vec<String>> = lines.lines().map(words).filter(|words| !words.is_empty()).collect();
    compare_sessions(&lines);
}

/// What the kernel refuses, and what it accepts.
#[test]
fn of_the_kernel() {
    sessions(
        "-A -t 10.0.0.1:80
         -A -t 10.0.0.1:80
         -A -t 10.0.0.1:81 -s nosuch
         -A -u 10.0.0.1:81 -p --pe nosuch
         -E -t 10.0.0.1:80 -s nosuch
         -E -t 10.0.0.9:80
         -D -t 10.0.0.9:80
         -Z -t 10.0.0.9:80
         -L -t 10.0.0.9:80
         -a -t 10.0.0.9:80 -r 10.0.0.11
         -e -t 10.0.0.9:80 -r 10.0.0.11
         -d -t 10.0.0.9:80 -r 10.0.0.11
         -a -t 10.0.0.1:80 -r 127.0.0.2
         -a -t 10.0.0.1:80 -r 127.0.0.2
         -e -t 10.0.0.1:80 -r 127.0.0.99
         -d -t 10.0.0.1:80 -r 127.0.0.99
         -a -t 10.0.0.1:80 -r 224.0.0.1
         -a -t 10.0.0.1:80 -r 127.0.0.3 -x 5 -y 6
         -a -t 10.0.0.1:80 -r 127.0.0.3:99 -g
         -d -t 10.0.0.1:80 -r 127.0.0.3:99
         -a -t 10.0.0.1:80 -r 127.0.0.4:99 -m -w 0
         -e -t 10.0.0.1:80 -r 127.0.0.4:99
         -e -t 10.0.0.1:80 -r 127.0.0.4:99 -m -w 2147483647 -x 2147483647
         -a -t 10.0.0.1:80 -r 127.0.0.5 -i --tun-type gue --tun-port 6080 --tun-remcsum
         -a -t 10.0.0.1:80 -r [::1]:80 -i
         -A -f 4294967295 -6 -p 30 -M 64
         -a -f 4294967295 -6 -r [::1]:80 -m
         -a -f 4294967295 -6 -r ::1 -g
         -a -f 4294967295 -r 127.0.0.1
         -A -t 10.0.0.2 -p
         -A -u 10.0.0.2:0 -p 2678400 -M 255.255.255.0
         -A --sctp-service 10.0.0.2:9 -s averyveryverylongname
         -A -u 10.0.0.3:5060 -p --pe sip -o -s sh -b sh-port,flag-3
         -E -u 10.0.0.3:5060 -s rr
         -Z
         -Z -t 0.0.0.0:0
         -Z -t [::]:0
         -Z -u 0.0.0.0:0
         -D -t 0.0.0.0:0
         --set 0 0 0
         --set 100 200 300
         --set 2678400 0 1
         --start-daemon master --mcast-interface nosuch0
         --stop-daemon master
         --start-daemon master --mcast-interface lo
         -C
         --start-daemon master --mcast-interface lo --syncid 255 --mcast-group 224.0.0.99 --mcast-port 9 --mcast-ttl 7
         --start-daemon master --mcast-interface lo
         --start-daemon backup --mcast-interface lo --mcast-group ff02::99 --sync-maxlen 1
         -L --daemon
         --stop-daemon backup --syncid 3
         --stop-daemon backup
         -A -t 10.0.0.7:80",
    );
}

/// What is wrong before the kernel is asked. One line each: a table of faults in the order of the reference.
#[test]
fn of_command_lines() {
    sessions(
        "-A
         -a -t 10.0.0.1:80
         -d -t 10.0.0.1:80 -r 10.0.0.1 -w 3
         -C -n
         -L -c -t 10.0.0.1:80
         -L -c --stats
         -L --timeout --daemon
         -L --timeout --persistent-conn
         -L --daemon --rate
         -L --bogus
         -L -nz
         --bogus
         -n -L
         --
         -
         ''
         foo
         foo -L
         -L foo
         -L -- -n
         -L -n=3
         --list=3
         -list
         -A -t
         -A -L
         -AL
         -A --start-daemon foo
         -L -n -n
         -A -t 10.0.0.1:80 -t 10.0.0.1:81
         -a -t 10.0.0.1:80 -r 10.0.0.2 -m -g
         -A -t 10.0.0.1
         -A -t 10.0.0.1:0
         -A -t 80
         -A -t ''
         -A -t bad
         -A -t [::1]
         -A -t 10.0.0.1:65536
         -a -t 10.0.0.1:80 -r 80
         -A -f 0
         -A -f -1
         -A -f 4294967296
         -A -6 -f 1
         -A -t 10.0.0.1:80 -M bad
         -A -t [::1]:80 -M 0
         -A -t [::1]:80 -M 129
         -A -t 10.0.0.1:80 -p 0
         -A -t 10.0.0.1:80 -p 2678401
         -A -t 10.0.0.1:80 -p -1
         -A -t 10.0.0.1:80 -ps rr
         --set 1 2
         --set 1 2 x
         --set 1 2 3 4
         -a -t 10.0.0.1:80 -r 10.0.0.2 -w -1
         -a -t 10.0.0.1:80 -r 10.0.0.2 -w 2147483648
         -a -t 10.0.0.1:80 -r 10.0.0.2 -x x
         -a -t 10.0.0.1:80 -r 10.0.0.2 -y 0x3
         --start-daemon foo
         --stop-daemon foo
         --start-daemon
         --start-daemon master --syncid 256
         --start-daemon master --mcast-port 0
         --start-daemon master --mcast-ttl 0
         --start-daemon master --sync-maxlen 65508
         --start-daemon master --mcast-group 10.0.0.1
         --start-daemon master --mcast-group ::1
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type GRE
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-port 0
         -a -t 10.0.0.1:80 -r 10.0.0.2 --tun-csum
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-csum
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 9 --tun-csum --tun-nocsum
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gre --tun-port 9
         -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gre --tun-remcsum
         -a -t 10.0.0.1:80 -r [2001:db8::11]:80
         -A -t 10.0.0.1:80 -o
         -A --sctp-service 10.0.0.1:80 -o
         -A -t 10.0.0.1:80 -b bogus
         -A -t 10.0.0.1:80 -b sh-port
         -A -t 10.0.0.1:80 -s sh -b mh-port
         -S --stats
         -R -n",
    );
}

#[test]
fn help_and_version() {
    use super::{ours, stock};

    for option in ["-h", "--help", "-hL"] {
        let (stock, ours) = (stock("ipvsadm", &words(option), ""), ours("ipvsadm", &words(option), ""));
        let head = |text: &str| text.lines().take(15).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(head(&stock.stdout), head(&ours.stdout), "{option}");
        assert_eq!((stock.stderr, stock.status), (ours.stderr, ours.status), "{option}");
    }
    for option in ["-v", "--version", "-v foo"] {
        super::compare(option);
    }
}
