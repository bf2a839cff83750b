//! What a virtual router is told to be: plain values, as checked settings. Reading them from lines, and the words for
//! what is wrong with them, belongs to `state`; acting on them to the router.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU8,
    path::PathBuf,
    time::Duration,
};

use crate::{
    host::{Address, Command, Route, Rule},
    model::{Family, ServiceKey, SyncDaemon},
};

/// Virtual router identifier, 1 to 255; unique on a link and family.
pub type Vrid = NonZeroU8;

/// Priority in an election. 0 is no priority: adverts with it say that a master gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(NonZeroU8);

impl Priority {
    /// The owner of the addresses.
    pub const OWNER: Self = Self(NonZeroU8::MAX);
    /// What a virtual router has if nobody says otherwise (RFC 9568 section 5.2.4).
    pub const DEFAULT: Self = Self(NonZeroU8::new(100).unwrap());

    /// Returns the priority `value`, 1 to 255.
    pub fn new(value: u8) -> Option<Self> {
        NonZeroU8::new(value).map(Self)
    }

    /// Returns the number.
    pub fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether this is the owner's priority.
    pub fn is_owner(self) -> bool {
        self == Self::OWNER
    }
}

/// Version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 3768: whole seconds, IPv4 (keepalived speaks it over IPv6, too).
    V2,
    /// RFC 5798 and 9568: hundredths of a second, IPv4 and IPv6.
    V3,
}

/// A secret. Never printed: `Debug` shows asterisks.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Keeps `bytes`.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes, for computing with them and for nothing else.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How adverts are authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all.
    None,
    /// A password of at most 8 bytes in each advert, readable by everybody on the link (RFC 2338, version 2).
    Pass(Secret),
    /// HMAC-MD5-96 in an authentication header, key of at most 8 bytes (RFC 2338, version 2, IPv4).
    Ah(Secret),
    /// keepalived's trailer with HMAC-SHA-256-128.
    Hmac(Hmac),
}

/// keepalived's HMAC trailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hmac {
    /// Keys by their number (1 to 255), 32 to 64 bytes each. Any of them may sign what comes in.
    pub keys: Vec<(u8, Secret)>,
    /// Number of the key that signs what goes out; one of `keys`.
    pub active: u8,
    /// What is done without a trailer.
    pub mode: HmacMode,
    /// Whether the time in the trailer must be near ours; otherwise only that it grows.
    pub replay: AntiReplay,
}

/// What happens to adverts without a trailer, and whether ours have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacMode {
    /// Rejects them; ours have one.
    Enforce,
    /// Takes them; ours have one.
    Permissive,
    /// Takes them; ours have none.
    ReceiveOnly,
}

/// How repeated adverts are found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiReplay {
    /// The trailer's number must grow.
    Monotonic,
    /// It must grow, and differ from our clock by no more than this.
    Window(Duration),
}

/// Who hears adverts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Everybody in a multicast group on the link.
    Multicast {
        /// The group: 224.0.0.18 or ff02::12 unless somebody said otherwise.
        group: IpAddr,
        /// Source address; `None` = the link's first (IPv6: first link-local).
        source: Option<IpAddr>,
    },
    /// Named peers.
    Unicast {
        /// Our address; `None` = the link's first.
        source: Option<IpAddr>,
        /// The others.
        peers: Vec<Peer>,
        /// TTL or hop limit of what is sent; `None` = 255.
        ttl: Option<u8>,
        /// Whether adverts of others than the peers are rejected. Peers with TTL limits imply it.
        check_source: bool,
    },
}

/// A unicast peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// TTL or hop limit that its adverts must have at least and at most; `None` = any.
    pub ttl: Option<(u8, u8)>,
}

/// What becomes of a master of lower priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// It is displaced, so long after we first heard it; zero = when the master-down timer ends.
    After(Duration),
    /// It stays master (`nopreempt`).
    Never,
}

/// The virtual MAC address as a macvlan of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vmac {
    /// Name of the macvlan; `None` = `vrrp.VRID`, or a free one like it.
    pub name: Option<String>,
    /// MAC address; `None` = 00:00:5e:00:01:VRID, IPv6 00:00:5e:00:02:VRID (RFC 9568 section 7.3).
    pub mac: Option<[u8; 6]>,
    /// Whether adverts leave by the link below, with its MAC address (`vmac_xmit_base`).
    pub transmit_on_base: bool,
    /// Whether addresses on other links get a macvlan there, too (`use_vmac_addr`).
    pub other_links: bool,
}

/// Gratuitous ARP and unsolicited neighbour advertisements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announce {
    /// How often each address is announced at once on becoming master; at least 1.
    pub repeat: u32,
    /// When they are announced a second time; zero = never.
    pub delay: Duration,
    /// How often they are announced while being master; zero = never.
    pub refresh: Duration,
    /// How many times each refresh.
    pub refresh_repeat: u32,
    /// How often each is announced after a master of lower priority was heard; 0 = not at all.
    pub lower_repeat: u32,
    /// When a second time; zero = never.
    pub lower_delay: Duration,
    /// How often addresses on other links than that of the adverts are announced; zero = never (`garp_extra_if`).
    pub other_links: Duration,
    /// Pause between two gratuitous ARPs on a link; zero = none.
    pub arp_interval: Duration,
    /// Pause between two neighbour advertisements on a link; zero = none.
    pub na_interval: Duration,
}

impl Default for Announce {
    /// keepalived's: five at once, five more after five seconds.
    fn default() -> Self {
        let second_burst = Duration::from_secs(5);
        Self {
            repeat: 5,
            delay: second_burst,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_repeat: 5,
            lower_delay: second_burst,
            other_links: Duration::ZERO,
            arp_interval: Duration::ZERO,
            na_interval: Duration::ZERO,
        }
    }
}

/// Something whose state bears on an election.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tracker {
    /// A link by name: up with carrier.
    Interface(String),
    /// A script by its name in [`Settings::scripts`].
    Script(String),
    /// A process by its name in [`Settings::processes`].
    Process(String),
    /// A file by its name in [`Settings::files`].
    File(String),
    /// A BFD session by name.
    Bfd(String),
    /// A virtual service with at least the quorum of working weight.
    Service(TrackedService),
}

/// A virtual service as a tracker: up while the weights of its servers in the kernel table add up to the quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackedService {
    /// The service.
    pub service: ServiceKey,
    /// Least sum of weights, at least 1.
    pub quorum: u32,
}

/// How a tracker bears on a priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// What is watched.
    pub tracker: Tracker,
    /// 0: failure is a fault of the instance. Above: added while it works; below: subtracted while it fails. −253 to 253
    /// (files and processes −254 to 254).
    pub weight: i16,
    /// Turns the sign of a weight around (10 then means: 10 less while it works); with weight 0, the meaning of working and
    /// failing.
    pub reverse: bool,
}

/// Where an instance begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Waits for a whole master-down interval.
    Backup,
    /// Waits for one advert interval only.
    Master,
}

/// Commands that are run on transitions; all of them optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// On becoming master.
    pub master: Option<Command>,
    /// On becoming backup.
    pub backup: Option<Command>,
    /// On a fault.
    pub fault: Option<Command>,
    /// When the process ends.
    pub stop: Option<Command>,
    /// When the instance is removed while running; `None` = the fault command runs.
    pub deleted: Option<Command>,
    /// On each of these, with `INSTANCE|GROUP`, name, state and priority as further arguments.
    pub any: Option<Command>,
    /// When a master heard an advert of lower priority.
    pub lower_priority: Option<Command>,
    /// Whether changes of priority go to the FIFO.
    pub priority_changes: bool,
}

/// A virtual router on one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Name, unique among instances.
    pub name: String,
    /// Name of the link; `None` = unicast by a source address.
    pub interface: Option<String>,
    /// Virtual router identifier.
    pub vrid: Vrid,
    /// Version of the protocol.
    pub version: Version,
    /// Family of adverts and addresses.
    pub family: Family,
    /// Priority before trackers.
    pub priority: Priority,
    /// Advert interval: version 2 whole seconds 1 s to 255 s, version 3 10 ms to 40.95 s by 10 ms.
    pub interval: Duration,
    /// Where it begins.
    pub initial: Initial,
    /// What becomes of a master of lower priority.
    pub preempt: Preempt,
    /// Virtual addresses, all of `family`, in the order of the advert; at most 255.
    pub addresses: Vec<Address>,
    /// Addresses that move along and are not in adverts; any family.
    pub excluded: Vec<Address>,
    /// Routes of the master.
    pub routes: Vec<Route>,
    /// Rules of the master.
    pub rules: Vec<Rule>,
    /// How adverts are authenticated.
    pub authentication: Authentication,
    /// Version 3 over IPv4: whether the checksum covers a pseudo-header (keepalived's and FRR's habit; RFC 9568: none).
    /// Without, wrong checksums are tolerated.
    pub pseudo_header: bool,
    /// Who hears adverts.
    pub transport: Transport,
    /// The virtual MAC address.
    pub vmac: Option<Vmac>,
    /// Announcements of addresses.
    pub announce: Announce,
    /// Whether the host takes packets to the virtual addresses while it is master and not their owner.
    pub accept: bool,
    /// Whether what the RFC forbids is refused (`strict_mode`).
    pub strict: bool,
    /// Whether a fault of its own link is a fault of the instance (not `dont_track_primary`).
    pub track_primary: bool,
    /// Whether the absence of the configured source address is a fault (`track_src_ip`).
    pub track_source: bool,
    /// Whether a master answers an advert of lower priority at once (RFC 9568 section 6.4.3).
    pub answer_lower: bool,
    /// Whether a master answers an advert of higher priority before it gives way.
    pub answer_higher: bool,
    /// Whether an owner ignores adverts.
    pub owner_ignores_adverts: bool,
    /// Whether the addresses of the master heard last are not compared again.
    pub skip_address_check: bool,
    /// Whether the other addresses of a network stay on a link when its first one goes away.
    pub promote_secondaries: bool,
    /// How many adverts must be missed before the master counts as dead, 1 to 100.
    pub down_timer_adverts: u8,
    /// What is watched.
    pub tracks: Vec<Track>,
    /// Commands on transitions.
    pub notify: Notify,
}

impl Instance {
    /// Returns a virtual router as it is if nobody says anything else: backup with priority 100, an advert a second by
    /// multicast, no addresses and no link yet.
    pub fn new(name: &str, vrid: Vrid, version: Version, family: Family) -> Self {
        let group: IpAddr = match family {
            Family::V4 => Ipv4Addr::new(224, 0, 0, 18).into(),
            Family::V6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).into(),
        };
        Self {
            name: name.to_owned(),
            interface: None,
            vrid,
            version,
            family,
            priority: Priority::DEFAULT,
            interval: Duration::from_secs(1),
            initial: Initial::Backup,
            preempt: Preempt::After(Duration::ZERO),
            addresses: Vec::new(),
            excluded: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            authentication: Authentication::None,
            pseudo_header: true,
            transport: Transport::Multicast { group, source: None },
            vmac: None,
            announce: Announce::default(),
            accept: true,
            strict: false,
            track_primary: true,
            track_source: false,
            answer_lower: true,
            answer_higher: false,
            owner_ignores_adverts: false,
            skip_address_check: false,
            promote_secondaries: false,
            down_timer_adverts: 3,
            tracks: Vec::new(),
            notify: Notify::default(),
        }
    }
}

/// Instances that are master and backup together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Name, unique among groups.
    pub name: String,
    /// Names of the members; an instance is in one group at most.
    pub members: Vec<String>,
    /// What is watched for all members.
    pub tracks: Vec<Track>,
    /// Whether members may have trackers with weights (`sync_group_tracking_weight`).
    pub weights: bool,
    /// Commands on transitions.
    pub notify: Notify,
}

/// A script that is run time and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Name.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// Time from one start to the next. A start that falls into a run is left out.
    pub interval: Duration,
    /// How long it may take; longer is a failure.
    pub timeout: Duration,
    /// Weight for trackers that give none.
    pub weight: (i16, bool),
    /// How many successes in a row make it work again.
    pub rise: u32,
    /// How many failures in a row make it fail.
    pub fall: u32,
    /// Whether it counts as failed before it first ran.
    pub init_fail: bool,
}

/// Processes that should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Name.
    pub name: String,
    /// Name of the program as in `/proc/PID/comm` (15 bytes count); the first word of its command line if `full_command` or
    /// `arguments` say so.
    pub program: String,
    /// Arguments that it must have; `None` = any.
    pub arguments: Option<(Vec<String>, ArgumentMatch)>,
    /// Whether `/proc/PID/cmdline` is compared.
    pub full_command: bool,
    /// Weight for trackers that give none.
    pub weight: (i16, bool),
    /// Least number that must run.
    pub quorum: u32,
    /// Most that may run; `None` = any number.
    pub quorum_max: Option<u32>,
    /// How long a missing process may stay away.
    pub terminate_delay: Duration,
    /// How long a new process must have run.
    pub fork_delay: Duration,
}

/// How arguments of a process are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentMatch {
    /// All of them, exactly.
    Exact,
    /// The first ones, exactly.
    Initial,
    /// The first ones, the last of them by its begin.
    Partial,
}

/// A file whose number bears on priorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedFile {
    /// Name.
    pub name: String,
    /// Path of the file. While it is missing, or does not begin with a number, its number is 0, as in keepalived.
    pub path: PathBuf,
    /// Weight for trackers that give none; the file's number is multiplied by it.
    pub weight: (i16, bool),
    /// What is written into the file at start; `true` = even if it exists.
    pub initial: Option<(i64, bool)>,
}

/// Everything that one VRRP process holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The virtual routers.
    pub instances: Vec<Instance>,
    /// The sync groups.
    pub groups: Vec<SyncGroup>,
    /// The scripts.
    pub scripts: Vec<Script>,
    /// The processes.
    pub processes: Vec<Process>,
    /// The files.
    pub files: Vec<TrackedFile>,
    /// How long after its start the process ignores adverts and starts no election.
    pub startup_delay: Duration,
    /// Whether links may be missing, and come and go (`dynamic_interfaces`).
    pub missing_interfaces: bool,
    /// FIFOs that transitions are written to, with their owner.
    pub fifos: Vec<Fifo>,
    /// User and group by name or number who run commands that name none; `None` = as the host decides.
    pub script_user: Option<(String, Option<String>)>,
    /// What is on the host as long as the process runs.
    pub statics: Statics,
    /// A sync daemon of the kernel's table that follows an instance.
    pub sync: Option<SyncFollower>,
}

/// What is on the host as long as the process runs, whoever is master.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statics {
    /// Addresses, each with its link.
    pub addresses: Vec<Address>,
    /// Routes.
    pub routes: Vec<Route>,
    /// Rules.
    pub rules: Vec<Rule>,
}

impl Statics {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.routes.is_empty() && self.rules.is_empty()
    }
}

/// A sync daemon that sends connections while an instance is master, and receives them while it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncFollower {
    /// The instance by name.
    pub instance: String,
    /// How the daemon runs; its role means nothing.
    pub daemon: SyncDaemon,
}

/// A named pipe that transitions are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// Path.
    pub path: PathBuf,
    /// User and group that may read it; `None` = ours.
    pub owner: Option<(String, Option<String>)>,
    /// A command that is started with the path as its last argument and reads it.
    pub reader: Option<Command>,
}
