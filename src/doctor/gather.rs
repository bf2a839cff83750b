//! Reading everything that rules look at. Changes nothing; what cannot be read is said in the facts, and nothing fails for it
//! but what everything else stands on.

use std::{
    collections::BTreeSet,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use thiserror::Error;

use super::{
    facts::{Connections, ELSEWHERE_V4, ELSEWHERE_V6, Facts, Ipvs, Role, Saved, Way},
    firewall, listen,
    probe::{self, Targets},
};
use crate::{
    agent::control::{self, VrrpCall},
    host::{self, Host, fou::Fou, prepare::Mode},
    ipvs::{self, Client, OpenError, procfs},
    model::{Family, ServiceKey},
    state::{file, grammar::NoNames},
    sys::module,
    vrrp::{event::State, status::Status},
};

/// The kernel's table as everybody sees it; missing where this network namespace has no IPVS.
const TABLE: &str = "/proc/thread-self/net/ip_vs";

/// How long the VRRP process may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Adverts are listened for during three intervals, and never longer than this.
const LONGEST: Duration = Duration::from_secs(10);

/// A client whose first packet was this long ago, and who has sent nothing since, waits in vain. The kernel gives a connection 60 s
/// after its first packet.
const JUST_BEGUN: u32 = 59;

/// More waiting clients of a server than this are not told apart.
const MOST_CLIENTS: usize = 64;

/// Files larger than this are no configuration.
const MOST_BYTES: u64 = 1 << 20;

/// Where distributions configure addresses.
const NETWORK_FILES: [&str; 7] = [
    "/etc/network/interfaces",
    "/etc/network/interfaces.d",
    "/etc/sysconfig/network-scripts",
    "/etc/netplan",
    "/etc/systemd/network",
    "/run/systemd/network",
    "/etc/NetworkManager/system-connections",
];

/// IPv4 switches of each link that rules look at.
const OF_LINK: [&str; 6] = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects", "forwarding", "accept_local"];

/// IPv6 switches of each link.
const OF_LINK_IPV6: [&str; 3] = ["forwarding", "accept_redirects", "disable_ipv6"];

/// Other switches.
const SINGLE: [&str; 10] = [
    "ipv4/ip_forward",
    "ipv4/vs/conntrack",
    "ipv4/vs/conn_reuse_mode",
    "ipv4/vs/expire_nodest_conn",
    "ipv4/vs/expire_quiescent_template",
    "ipv4/vs/run_estimation",
    "ipv4/vs/pmtu_disc",
    "ipv4/vs/secure_tcp",
    "netfilter/nf_conntrack_count",
    "netfilter/nf_conntrack_max",
];

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the host is.
    pub role: Role,
    /// Whether probes may be sent, and adverts listened for.
    pub active: bool,
    /// The save file of the table.
    pub saved: PathBuf,
    /// Where the agent's sockets are.
    pub run_dir: PathBuf,
}

/// Why there is nothing to say at all.
#[derive(Debug, Error)]
pub enum Error {
    /// The host's links and addresses cannot be read.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// IPVS is there, and may not be asked.
    #[error(transparent)]
    Ipvs(#[from] OpenError),
    /// The table cannot be read.
    #[error("cannot read the kernel's table: {0}")]
    Table(#[from] ipvs::Error),
}

impl Error {
    /// Returns what to do, if there is more to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Host(error) => error.hint().map(str::to_owned),
            Self::Ipvs(error) => Some(error.hint().to_owned()),
            Self::Table(_) => None,
        }
    }
}

/// Reads everything. Takes a second or two where probes are made, and three intervals of VRRP where it runs. `step` is told what
/// is done next.
///
/// # Errors
/// The kernel cannot be asked.
pub fn gather(asked: &Asked, mut step: impl FnMut(&'static str)) -> Result<Facts, Error> {
    step("reading");
    let mut facts = Facts::new(asked.role.clone());
    let mut host = Host::open()?;
    facts.links = host.links()?;
    facts.addresses = host.addresses()?;
    facts.kernel = kernel();
    facts.machine = text("/sys/class/dmi/id/sys_vendor").unwrap_or_default().trim().to_owned();
    if let Role::Director = asked.role {
        facts.ipvs = ipvs()?;
        facts.connections = connections(&mut facts);
        facts.saved = saved(&asked.saved, &facts);
        facts.vrrp = vrrp(&asked.run_dir, &mut facts.unread);
        facts.keepalived = keepalived();
        facts.configured = configured(&facts.vips());
    }
    switches(&mut facts);
    facts.conntrack = conntrack(&facts);
    facts.firewall = firewall(&mut facts.unread);
    facts.gue_ports = gue_ports(&mut facts.unread);
    ways(&mut host, &mut facts)?;
    if asked.active && matches!(asked.role, Role::Director) {
        if !facts.services().is_empty() {
            step("probing");
            let (probes, unread) = probe::run(&facts, &Targets { vips: facts.vips() });
            facts.probes = probes;
            facts.unread.extend(unread);
        }
        if let Some(status) = &facts.vrrp {
            step("listening for adverts");
            match adverts(status, &facts) {
                Ok(adverts) => facts.adverts = Some(adverts),
                Err(why) => facts.unread.push(why),
            }
        }
    }
    Ok(facts)
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Returns major and minor number of the kernel's version.
fn kernel() -> (u32, u32) {
    let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Whether a process of keepalived runs in this network namespace.
fn keepalived() -> bool {
    let namespace = |process: &Path| fs::read_link(process.join("ns/net")).ok();
    let own = namespace(Path::new("/proc/self"));
    let is_one = |path: &Path| text(path.join("comm")).is_some_and(|name| name.starts_with("keepalived"));
    let mut processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    processes.any(|path| is_one(&path) && namespace(&path) == own)
}

fn ipvs() -> Result<Ipvs, Error> {
    if !Path::new(TABLE).exists() {
        return Ok(absent());
    }
    match Client::open() {
        Ok(mut client) => Ok(Ipvs::Present {
            services: client.snapshot()?.services,
            daemons: client.daemons()?,
            info: client.info()?,
        }),
        Err(error @ (OpenError::NoModule(_) | OpenError::ModuleUseless)) => {
            Ok(Ipvs::Absent { why: error.to_string(), hint: Some(error.hint().to_owned()) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Says why there is no IPVS, without loading anything.
fn absent() -> Ipvs {
    let (why, hint) = if Path::new("/sys/module/ip_vs").exists() {
        (
            "the module ip_vs is loaded, and this network namespace has no IPVS",
            Some(
                "run this in a network namespace of the machine itself, or make a new container: old kernels give IPVS to new ones only",
            ),
        )
    } else {
        match module::exists("ip_vs") {
            Some(true) => ("the module ip_vs is not loaded", None),
            Some(false) => (
                "this kernel has no module ip_vs",
                Some(
                    "install the package that has this kernel's modules (for `uname -r`), or a kernel built with CONFIG_IP_VS",
                ),
            ),
            None => (
                "the module ip_vs is not loaded, and there is no modprobe to load it",
                Some("load it from outside: modprobe ip_vs on the machine itself"),
            ),
        }
    };
    Ipvs::Absent { why: why.to_owned(), hint: hint.map(str::to_owned) }
}

fn connections(facts: &mut Facts) -> Connections {
    let mut found = Connections::default();
    if facts.services().is_empty() {
        return found;
    }
    let text = match procfs::read_connections() {
        Ok(text) => text,
        Err(error) => {
            facts.unread.push(error.to_string());
            return found;
        }
    };
    // Under attack the kernel gives first packets less time: how long one waits cannot be told then.
    let defends = text_of_switch("ipv4/vs/secure_tcp").is_some_and(|value| value.trim() != "0");
    for connection in procfs::connections(&text).flatten() {
        let ends = (connection.service, connection.server);
        if connection.client.port() == 0 {
            *found.templates.entry(ends).or_default() += 1;
        } else if connection.state == "ESTABLISHED" {
            found.alive.insert(ends);
        } else if connection.state == "SYN_RECV" && connection.expires < JUST_BEGUN && !defends {
            let clients = found.stuck.entry(ends).or_default();
            if clients.len() < MOST_CLIENTS || clients.contains_key(&connection.client.ip()) {
                *clients.entry(connection.client.ip()).or_default() += 1;
            }
        }
    }
    found
}

fn text_of_switch(path: &str) -> Option<String> {
    text(Path::new("/proc/sys/net").join(path))
}

/// Reads the save file; `None` if there is none.
fn saved(path: &Path, facts: &Facts) -> Option<Saved> {
    let content =
        fs::metadata(path).ok().filter(|found| found.len() <= MOST_BYTES).and_then(|_| fs::read(path).ok())?;
    let text = String::from_utf8_lossy(&content);
    let mixed = file::parse(&content, &NoNames).err().unwrap_or_default().into_iter().filter_map(|fault| {
        let line = text.lines().nth(fault.line.checked_sub(1)?)?;
        fault.message.contains("Different address family").then(|| (fault.line, line.trim().to_owned()))
    });
    let mut schedulers = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace().skip_while(|word| !matches!(*word, "-s" | "--scheduler"));
        schedulers.extend(words.nth(1).filter(|_| !line.trim_start().starts_with('#')));
    }
    let in_use: BTreeSet<&str> = facts.services().iter().map(|each| each.service.scheduler.as_str()).collect();
    let is_missing = |name: &&str| {
        !in_use.contains(name) && module::exists(&format!("ip_vs_{name}")) == Some(false) && {
            // The one that says so may know no modules at all.
            module::exists("ip_vs") == Some(true)
        }
    };
    let missing_schedulers = schedulers.into_iter().filter(is_missing).map(str::to_owned).collect();
    Some(Saved { path: path.to_owned(), missing_schedulers, mixed: mixed.collect() })
}

fn vrrp(run_dir: &Path, unread: &mut Vec<String>) -> Option<Status> {
    let (verb, params) = VrrpCall::Status {}.parts();
    match control::call(&run_dir.join("vrrp.sock"), &verb, params, PATIENCE) {
        Ok(status) => Some(status),
        Err(control::CallError::NotRunning) => None,
        Err(error) => {
            unread.push(format!("the VRRP process does not answer: {error}"));
            None
        }
    }
}

/// Looks for addresses in the files of the system's network configuration.
fn configured(vips: &BTreeSet<IpAddr>) -> Vec<(IpAddr, PathBuf)> {
    let mut found = Vec::new();
    for path in NETWORK_FILES.iter().map(Path::new) {
        let files = match fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![path.to_owned()],
        };
        for file in files {
            let small = fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= MOST_BYTES);
            let Some(text) = small.then(|| text(&file)).flatten() else { continue };
            found.extend(vips.iter().filter(|vip| names(&text, **vip)).map(|vip| (*vip, file.clone())));
        }
    }
    found
}

/// Whether a configuration names an address, outside of comments.
fn names(text: &str, address: IpAddr) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']))
        .flat_map(|line| line.split(|c| !is_part(c)))
        .any(|word| word.parse::<IpAddr>().is_ok_and(|found| found == address))
}

fn switches(facts: &mut Facts) {
    let mut read = |path: String| {
        if let Some(value) = text_of_switch(&path) {
            facts.switches.insert(path, value.trim().to_owned());
        }
    };
    for link in facts.links.iter().map(|link| link.name.as_str()).chain(["all"]) {
        OF_LINK.iter().for_each(|name| read(format!("ipv4/conf/{link}/{name}")));
        OF_LINK_IPV6.iter().for_each(|name| read(format!("ipv6/conf/{link}/{name}")));
    }
    SINGLE.iter().for_each(|path| read((*path).to_owned()));
}

fn conntrack(facts: &Facts) -> Option<(u64, u64)> {
    let number = |path: &str| u64::try_from(facts.switch(path)?).ok();
    Some((number("netfilter/nf_conntrack_count")?, number("netfilter/nf_conntrack_max")?))
}

/// Reads the rules of nftables and of iptables, by way of their own tools, which know the language of every version of them.
fn firewall(unread: &mut Vec<String>) -> Option<firewall::Ruleset> {
    let mut read = |words: &[&str], what: &str| match output(words) {
        Ok(text) => Some(text),
        Err(why) => {
            unread.push(format!("the rules of {what}: {why}"));
            None
        }
    };
    let mut rules = read(&["nft", "-j", "list", "ruleset"], "nftables").and_then(|text| firewall::parse(&text));
    for (names, program, ipv6) in [("ip_tables_names", "iptables", false), ("ip6_tables_names", "ip6tables", true)] {
        // Where no table of the old kind is in use, asking for one would make it.
        if text(Path::new("/proc/thread-self/net").join(names)).is_none_or(|tables| tables.trim().is_empty()) {
            continue;
        }
        let legacy = format!("{program}-legacy-save");
        let words = if output(&[&legacy, "--version"]).is_ok() { legacy } else { format!("{program}-save") };
        if let Some(text) = read(&[&words], program) {
            firewall::add_legacy(rules.get_or_insert_default(), &text, ipv6);
        }
    }
    rules
}

/// Runs a command that only reads; why not, in words.
fn output(words: &[&str]) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("nothing to run")?;
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            Err(format!("{program} failed: {said}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("{program} is not installed")),
        Err(error) => Err(format!("cannot run {program}: {error}")),
    }
}

fn gue_ports(unread: &mut Vec<String>) -> Vec<host::fou::Port> {
    // Where the module is not loaded, no port is open.
    let ports = Fou::open().and_then(|fou| fou.map_or(Ok(Vec::new()), |mut fou| fou.ports()));
    ports.unwrap_or_else(|error| {
        unread.push(error.to_string());
        Vec::new()
    })
}

fn ways(host: &mut Host, facts: &mut Facts) -> Result<(), Error> {
    let mut addresses: BTreeSet<IpAddr> = [ELSEWHERE_V4, ELSEWHERE_V6].into();
    addresses.extend(facts.vips());
    addresses.extend(facts.servers().map(|(_, server)| server.server.key.address));
    if let Role::RealServer(wanted) = &facts.role {
        addresses.extend(&wanted.vips);
        addresses.extend(wanted.gateway);
        addresses.extend(wanted.clients.iter().map(|(client, _)| *client).filter(|_| wanted.mode == Mode::Nat));
    }
    for address in addresses {
        facts.ways.insert(address, Way::of(host.way_to(address, 0)?));
    }
    let marks: Vec<(u32, Family)> = facts
        .services()
        .iter()
        .filter_map(|each| match each.service.key {
            ServiceKey::Mark { mark, family } => Some((mark, family)),
            ServiceKey::Address { .. } => None,
        })
        .collect();
    for (mark, _) in marks {
        let marked = facts.firewall.as_ref().and_then(|rules| rules.marks(mark)).unwrap_or_default();
        for address in marked {
            facts.marked_ways.insert((mark, address), Way::of(host.way_to(address, mark)?));
        }
    }
    Ok(())
}

fn adverts(status: &Status, facts: &Facts) -> Result<Vec<listen::Advert>, String> {
    let running: Vec<_> = status.instances.iter().filter(|instance| instance.state != State::Stopped).collect();
    let links: BTreeSet<&str> = running.iter().filter_map(|instance| instance.interface.as_deref()).collect();
    let links: Vec<_> = links.into_iter().filter_map(|name| facts.link_named(name)).filter(|link| link.up).collect();
    let longest = running.iter().map(|instance| instance.interval_ms).max().unwrap_or(0);
    let time = Duration::from_millis(longest.saturating_mul(3).saturating_add(100)).min(LONGEST);
    let own = |advert: &listen::Advert| {
        facts.links.iter().any(|link| link.mac() == Some(advert.mac)) && facts.held(advert.from).next().is_some()
    };
    if links.is_empty() { Ok(Vec::new()) } else { listen::listen(&links, own, time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_name_addresses_whole() {
        let vip: IpAddr = "10.0.0.10".parse().expect("an address");
        for text in
            ["address 10.0.0.10/24", "IPADDR1=10.0.0.10", "addresses: [10.0.0.1/24, 10.0.0.10/32]", "x;10.0.0.10;y"]
        {
            assert!(names(text, vip), "{text}");
        }
        for text in ["address 10.0.0.100", "110.0.0.10", "# address 10.0.0.10", "10.0.0.1.0"] {
            assert!(!names(text, vip), "{text}");
        }
        assert!(names("Address=fd00:0::100/128", "fd00::100".parse().expect("an address")));
    }

    #[test]
    fn the_kernel_has_a_version() {
        assert!(kernel() >= (3, 0));
    }
}
