//! A network as in the LVS guides: a client, a director and web servers on one LAN, each a network namespace.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, process, thread};

use tempfile::TempDir;

use super::{Background, Output, Words, in_netns_of, ipvsadm, lvsadm, run, run_with_input};

/// Which of a host's two addresses is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// IPv4, 10.0.0.0/24.
    V4,
    /// IPv6, fd00::/64.
    V6,
}

impl Family {
    /// The address with the given last number, which is written the same way in both families.
    fn address(self, number: u8) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 0, 0, number).into(),
            // Hexadecimal digits that read like the decimal number.
            Self::V6 => format!("fd00::{number}").parse::<Ipv6Addr>().expect("an address").into(),
        }
    }

    /// How long the prefix of a single address is.
    fn host_prefix(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// How the director hands packets to real servers, which decides what the hosts have to be set up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarding {
    /// Direct routing: the servers have the VIP too, and keep quiet about it.
    Dr,
    /// Masquerading: the servers answer through the director.
    Nat,
    /// Tunnelling: the servers unpack what the director wrapped.
    Tun,
}

impl Forwarding {
    /// ipvsadm's option for it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Dr => "-g",
            Self::Nat => "-m",
            Self::Tun => "-i",
        }
    }
}

/// One host: a network namespace with an interface `eth0` on the LAN.
#[derive(Clone)]
pub(crate) struct Host {
    /// What it is called, and what its web server answers: `client`, `director`, `rs1`, `rs2` …
    pub(crate) name: String,
    /// The network namespace, which no other test has.
    pub(crate) namespace: String,
    number: u8,
}

impl Host {
    /// Its address on the LAN.
    pub(crate) fn address(&self, family: Family) -> IpAddr {
        family.address(self.number)
    }

    /// Runs a function on a thread in this host's namespace.
    pub(crate) fn inside<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        in_netns_of(&self.namespace_file(), function)
    }

    /// Runs a command on this host.
    pub(crate) fn run(&self, words: impl Words) -> Output {
        let words = words.words();
        self.inside(|| run(words))
    }

    /// Runs stock ipvsadm on this host.
    pub(crate) fn ipvsadm(&self, arguments: impl Words) -> Output {
        let arguments = arguments.words();
        self.inside(|| ipvsadm(arguments))
    }

    /// Runs the lvsadm under test on this host.
    pub(crate) fn lvsadm(&self, arguments: impl Words) -> Output {
        let arguments = arguments.words();
        self.inside(|| lvsadm(arguments))
    }

    /// Starts a command on this host that runs until the result is dropped.
    pub(crate) fn start(&self, words: impl Words) -> Background {
        let words = words.words();
        self.inside(|| Background::start(words))
    }

    /// Sets a kernel parameter of this host's network, named as for sysctl but with slashes: `net/ipv4/ip_forward`.
    pub(crate) fn sysctl(&self, name: &str, value: impl fmt::Display) {
        let value = value.to_string();
        self.inside(|| fs::write(format!("/proc/sys/{name}"), value))
            .unwrap_or_else(|error| panic!("{}: cannot set {name}: {error}", self.name));
    }

    /// Gives this host one more address, without a LAN behind it.
    pub(crate) fn add_address(&self, address: IpAddr, interface: &str) {
        // Being the longest prefix, an IPv6 VIP would become the source of the director's own packets, neighbour
        // solicitations for real servers included, and a server that has the VIP too would answer itself. A deprecated
        // address is never chosen.
        let rest = if address.is_ipv4() { "32" } else { "128 nodad preferred_lft 0" };
        self.run(format!("ip address add {address}/{rest} dev {interface}")).ok();
    }

    fn namespace_file(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.namespace)
    }

    fn wait_for_web_server(&self) {
        let address = SocketAddr::new(self.address(Family::V4), 80);
        let give_up = Instant::now() + Duration::from_secs(20);
        while let Err(error) = self.inside(|| TcpStream::connect_timeout(&address, Duration::from_secs(1))) {
            assert!(Instant::now() < give_up, "{}: no web server: {error}", self.name);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The network. Everything of it is gone when this is dropped.
pub(crate) struct Hosts {
    /// Where requests come from: 10.0.0.2 and fd00::2.
    pub(crate) client: Host,
    /// Where IPVS runs: 10.0.0.1 and fd00::1.
    pub(crate) director: Host,
    /// A second director, if the test has one: 10.0.0.3 and fd00::3.
    pub(crate) backup: Option<Host>,
    /// The real servers rs1, rs2 …, each with a web server on port 80: 10.0.0.11 and fd00::11, and so on.
    pub(crate) servers: Vec<Host>,
    lan: String,
    web: Vec<Option<Background>>,
    directory: TempDir,
}

impl Hosts {
    /// Makes the network, with so many real servers.
    pub(crate) fn new(servers: u8) -> Self {
        Self::make(servers, false)
    }

    /// Makes the network with two directors.
    pub(crate) fn with_backup(servers: u8) -> Self {
        Self::make(servers, true)
    }

    fn make(servers: u8, backup: bool) -> Self {
        // Tests run at the same time, and on the host backend beside whatever else the machine has.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("lab{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let host = |name: String, number| Host { namespace: format!("{id}-{name}"), name, number };
        let mut hosts = Self {
            client: host("client".to_owned(), 2),
            director: host("director".to_owned(), 1),
            backup: backup.then(|| host("backup".to_owned(), 3)),
            servers: (1..=servers).map(|n| host(format!("rs{n}"), 10 + n)).collect(),
            lan: format!("{id}-lan"),
            web: Vec::new(),
            directory: TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory"),
        };
        hosts.connect();
        hosts.start_web_servers();
        hosts
    }

    /// The address that clients use: 10.0.0.100 or fd00::100.
    pub(crate) fn vip(&self, family: Family) -> IpAddr {
        family.address(100)
    }

    /// Sets the hosts up for a forwarding method, as the LVS guides do, and gives the director the VIP. What is left
    /// for a test to do is the IPVS table.
    pub(crate) fn prepare(&self, forwarding: Forwarding, family: Family) {
        let vip = self.vip(family);
        self.director.add_address(vip, "eth0");
        match forwarding {
            Forwarding::Dr => self.servers.iter().for_each(|server| server.add_address(vip, "lo")),
            Forwarding::Nat => {
                // The client is on the servers' LAN, where a default route would not lead its packets to the director.
                let client = self.client.address(family);
                let route =
                    format!("ip route add {client}/{} via {}", family.host_prefix(), self.director.address(family));
                self.servers.iter().for_each(|server| drop(server.run(route.as_str()).ok()));
            }
            Forwarding::Tun => {
                let (module, tunnel) = match family {
                    Family::V4 => ("ipip", "tunl0"),
                    Family::V6 => ("ip6_tunnel", "ip6tnl0"),
                };
                run(["modprobe", module]).ok();
                for server in &self.servers {
                    server.run(["ip", "link", "set", tunnel, "up"]).ok();
                    server.add_address(vip, tunnel);
                    if family == Family::V4 {
                        // The client's address does not belong behind the tunnel.
                        server.sysctl("net/ipv4/conf/tunl0/rp_filter", 0);
                    }
                }
            }
        }
    }

    /// What the client got from each of so many requests, each over a connection of its own; fails the test if one
    /// failed.
    pub(crate) fn requests(&self, count: usize, address: IpAddr) -> Vec<String> {
        let url = format!("http://{}/", SocketAddr::new(address, 80));
        let mut words = vec!["curl", "--silent", "--show-error", "--fail", "--max-time", "10"];
        words.extend(std::iter::repeat_n(url.as_str(), count));
        self.client.run(words).ok().lines().map(str::to_owned).collect()
    }

    /// Downloads a file that takes some four seconds, over one connection; fails the test if it does not come whole.
    pub(crate) fn slow_request(&self, address: IpAddr) {
        let url = format!("http://{}/large", SocketAddr::new(address, 80));
        let words =
            ["curl", "-sSf", "--limit-rate", "4M", "--max-time", "60", "-o", "/dev/null", "-w", "%{size_download}"];
        let size = self.client.run([words.as_slice(), &[&url]].concat()).ok();
        assert_eq!(size, LARGE.to_string());
    }

    /// Runs a command where the cables of all hosts end: `rs1`, `director` and so on, on a bridge.
    pub(crate) fn on_lan(&self, words: impl Words) -> Output {
        let words = words.words();
        in_netns_of(&PathBuf::from("/run/netns").join(&self.lan), || run(words))
    }

    fn all(&self) -> impl Iterator<Item = &Host> {
        [&self.client, &self.director].into_iter().chain(&self.backup).chain(&self.servers)
    }

    /// Makes the namespaces, a bridge in one of its own, and a cable from each host to it.
    fn connect(&self) {
        let lan = &self.lan;
        let mut batch = format!("netns add {lan}\n");
        for host in self.all() {
            let Host { namespace, name, .. } = host;
            batch += &format!("netns add {namespace}\n");
            batch += &format!("link add eth0 netns {namespace} type veth peer name {name} netns {lan}\n");
        }
        run_with_input("ip -batch -", &batch).ok();

        let mut batch = "link add bridge type bridge\nlink set bridge up\n".to_owned();
        for host in self.all() {
            batch += &format!("link set {} master bridge up\n", host.name);
        }
        run_with_input(["ip", "-n", lan, "-batch", "-"], &batch).ok();

        for host in self.all() {
            for (name, value) in [
                // Real servers have VIPs they must not answer for.
                ("net/ipv4/conf/all/arp_ignore", 1),
                ("net/ipv4/conf/all/arp_announce", 2),
                ("net/ipv4/conf/all/rp_filter", 0),
                ("net/ipv4/conf/default/rp_filter", 0),
                // In NAT mode servers must not learn that the client is their neighbour.
                ("net/ipv4/conf/all/send_redirects", 0),
                ("net/ipv4/conf/default/send_redirects", 0),
                ("net/ipv6/conf/all/accept_redirects", 0),
                ("net/ipv6/conf/eth0/accept_redirects", 0),
                // Addresses are usable at once.
                ("net/ipv6/conf/all/accept_dad", 0),
                ("net/ipv6/conf/eth0/accept_dad", 0),
            ] {
                host.sysctl(name, value);
            }
            let (ipv4, ipv6) = (host.address(Family::V4), host.address(Family::V6));
            let batch = format!(
                "link set lo up\nlink set eth0 up\n\
                 address add {ipv4}/24 dev eth0\naddress add {ipv6}/64 dev eth0 nodad\n"
            );
            run_with_input(["ip", "-n", &host.namespace, "-batch", "-"], batch).ok();
        }
        self.director.sysctl("net/ipv4/ip_forward", 1);
        self.director.sysctl("net/ipv6/conf/all/forwarding", 1);
    }

    /// Kills the web server of a real server, counted from 0. The host stays, and refuses connections.
    pub(crate) fn kill_web_server(&mut self, number: usize) {
        self.web[number] = None;
    }

    /// Starts the web server of a real server again, and waits until it answers.
    pub(crate) fn revive_web_server(&mut self, number: usize) {
        self.web[number] = Some(self.web_server(&self.servers[number]));
        self.servers[number].wait_for_web_server();
    }

    fn web_server(&self, server: &Host) -> Background {
        let directory = self.directory.path().join(&server.name);
        let directory = directory.display();
        server.start(format!("nginx -p {directory} -e {directory}/error.log -c {directory}/nginx.conf"))
    }

    fn start_web_servers(&mut self) {
        for server in &self.servers {
            let directory = self.directory.path().join(&server.name);
            let content = directory.join("www");
            fs::create_dir_all(&content).expect("a directory for the web server");
            fs::write(content.join("index.html"), format!("{}\n", server.name)).expect("a page");
            let large = fs::File::create(content.join("large")).expect("a large file");
            large.set_len(LARGE).expect("a large file");
            let configuration = directory.join("nginx.conf");
            fs::write(&configuration, NGINX).expect("a configuration");
        }
        self.web = self.servers.iter().map(|server| Some(self.web_server(server))).collect();
        self.servers.iter().for_each(Host::wait_for_web_server);
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.web.clear();
        let mut batch = format!("netns delete {}\n", self.lan);
        for host in self.all() {
            batch += &format!("netns delete {}\n", host.namespace);
        }
        // A test that failed half-way may have left less to delete, and its own message is what counts.
        let _ = run_with_input("ip -force -batch -", batch);
    }
}

/// Bytes of the file that takes long to download.
const LARGE: u64 = 16 << 20;

/// A web server that is one process, writes only below its own directory, and closes each connection after one answer,
/// so that every request is scheduled.
const NGINX: &str = "\
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
    access_log off;
    keepalive_timeout 0;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    server {
        listen 80;
        listen [::]:80;
        root www;
    }
}
";
