//! ipvsadm's options as data: letters, long names, values, and what each stands for.

use crate::model::Protocol;

/// A command: exactly one a line, and the first option of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    AddService,
    EditService,
    DeleteService,
    Clear,
    List,
    AddServer,
    DeleteServer,
    EditServer,
    Set,
    StartDaemon,
    StopDaemon,
    Restore,
    Save,
    Zero,
    Help,
    Version,
}

impl Verb {
    /// Returns the name in messages; `-h` and `-v` are in none.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AddService => "add-service",
            Self::EditService => "edit-service",
            Self::DeleteService => "delete-service",
            Self::Clear => "flush",
            Self::List => "list",
            Self::AddServer => "add-server",
            Self::DeleteServer => "delete-server",
            Self::EditServer => "edit-server",
            Self::Set => "set",
            Self::StartDaemon => "start-daemon",
            Self::StopDaemon => "stop-daemon",
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Zero => "zero",
            Self::Help => "help",
            Self::Version => "version",
        }
    }
}

/// What may be given once a line. The order is the one in which legality is judged, so it decides which of several
/// faults is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opt {
    Numeric,
    Connection,
    Service,
    Scheduler,
    Persistent,
    Netmask,
    Server,
    Forwarding,
    Weight,
    Upper,
    Lower,
    Interface,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    NoSort,
    SyncId,
    Exact,
    Ops,
    Engine,
    Flags,
    Group,
    McastPort,
    McastTtl,
    SyncMaxLen,
    TunInfo,
    TunType,
    TunPort,
    TunNoCsum,
    TunCsum,
    TunRemCsum,
}

/// All of [`Opt`] with their names in messages, in order.
pub(super) const OPTS: [(Opt, &str); 34] = [
    (Opt::Numeric, "numeric"),
    (Opt::Connection, "connection"),
    (Opt::Service, "service-address"),
    (Opt::Scheduler, "scheduler"),
    (Opt::Persistent, "persistent"),
    (Opt::Netmask, "netmask"),
    (Opt::Server, "real-server"),
    (Opt::Forwarding, "forwarding-method"),
    (Opt::Weight, "weight"),
    (Opt::Upper, "u-threshold"),
    (Opt::Lower, "l-threshold"),
    (Opt::Interface, "mcast-interface"),
    (Opt::Timeout, "timeout"),
    (Opt::Daemon, "daemon"),
    (Opt::Stats, "stats"),
    (Opt::Rate, "rate"),
    (Opt::Thresholds, "thresholds"),
    (Opt::PersistentConn, "persistent-conn"),
    (Opt::NoSort, "nosort"),
    (Opt::SyncId, "syncid"),
    (Opt::Exact, "exact"),
    (Opt::Ops, "ops"),
    (Opt::Engine, "pe"),
    (Opt::Flags, "sched-flags"),
    (Opt::Group, "mcast-group"),
    (Opt::McastPort, "mcast-port"),
    (Opt::McastTtl, "mcast-ttl"),
    (Opt::SyncMaxLen, "sync-maxlen"),
    (Opt::TunInfo, "tun-info"),
    (Opt::TunType, "tun-type"),
    (Opt::TunPort, "tun-port"),
    (Opt::TunNoCsum, "tun-nocsum"),
    (Opt::TunCsum, "tun-csum"),
    (Opt::TunRemCsum, "tun-remcsum"),
];

impl Opt {
    /// Returns the name in messages.
    pub(super) fn name(self) -> &'static str {
        OPTS.iter().find(|(opt, _)| *opt == self).map_or("", |(_, name)| name)
    }
}

/// Forwarding method by its letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Route,
    Tunnel,
    Masquerade,
}

/// What an option stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// A command.
    Verb(Verb),
    /// The address of a service of this protocol.
    Service(Protocol),
    /// A firewall mark; shares [`Opt::Service`] with the addresses.
    Mark,
    /// A forwarding method; they share [`Opt::Forwarding`].
    Method(Method),
    /// The mark is of IPv6; may be repeated.
    Ipv6,
    /// Accepted for the sake of old scripts, does nothing, may be repeated.
    Sort,
    /// Any other option.
    Plain(Opt),
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// The next word only if it does not begin with `-`.
    Optional,
}

/// One option.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) short: Option<char>,
    pub(super) long: &'static str,
    pub(super) takes: Takes,
    pub(super) means: Means,
}

const fn spec(short: Option<char>, long: &'static str, takes: Takes, means: Means) -> Spec {
    Spec { short, long, takes, means }
}

/// Every option, ipvsadm's whole interface.
pub(super) const SPECS: [Spec; 58] = {
    use Means::{Ipv6, Mark, Method as M, Plain, Service, Sort, Verb as V};
    use Takes::{Nothing, Optional, Value};
    [
        spec(Some('A'), "add-service", Nothing, V(Verb::AddService)),
        spec(Some('E'), "edit-service", Nothing, V(Verb::EditService)),
        spec(Some('D'), "delete-service", Nothing, V(Verb::DeleteService)),
        spec(Some('C'), "clear", Nothing, V(Verb::Clear)),
        spec(Some('L'), "list", Nothing, V(Verb::List)),
        spec(Some('l'), "list", Nothing, V(Verb::List)),
        spec(Some('a'), "add-server", Nothing, V(Verb::AddServer)),
        spec(Some('d'), "delete-server", Nothing, V(Verb::DeleteServer)),
        spec(Some('e'), "edit-server", Nothing, V(Verb::EditServer)),
        spec(None, "set", Nothing, V(Verb::Set)),
        spec(None, "start-daemon", Value, V(Verb::StartDaemon)),
        spec(None, "stop-daemon", Value, V(Verb::StopDaemon)),
        spec(Some('R'), "restore", Nothing, V(Verb::Restore)),
        spec(Some('S'), "save", Nothing, V(Verb::Save)),
        spec(Some('Z'), "zero", Nothing, V(Verb::Zero)),
        spec(Some('h'), "help", Nothing, V(Verb::Help)),
        spec(Some('v'), "version", Nothing, V(Verb::Version)),
        spec(Some('t'), "tcp-service", Value, Service(Protocol::Tcp)),
        spec(Some('u'), "udp-service", Value, Service(Protocol::Udp)),
        spec(None, "sctp-service", Value, Service(Protocol::Sctp)),
        spec(Some('f'), "fwmark-service", Value, Mark),
        spec(Some('6'), "ipv6", Nothing, Ipv6),
        spec(Some('s'), "scheduler", Value, Plain(Opt::Scheduler)),
        spec(Some('p'), "persistent", Optional, Plain(Opt::Persistent)),
        spec(Some('M'), "netmask", Value, Plain(Opt::Netmask)),
        spec(Some('r'), "real-server", Value, Plain(Opt::Server)),
        spec(Some('g'), "gatewaying", Nothing, M(Method::Route)),
        spec(Some('i'), "ipip", Nothing, M(Method::Tunnel)),
        spec(Some('m'), "masquerading", Nothing, M(Method::Masquerade)),
        spec(Some('w'), "weight", Value, Plain(Opt::Weight)),
        spec(Some('x'), "u-threshold", Value, Plain(Opt::Upper)),
        spec(Some('y'), "l-threshold", Value, Plain(Opt::Lower)),
        spec(None, "mcast-interface", Value, Plain(Opt::Interface)),
        spec(None, "syncid", Value, Plain(Opt::SyncId)),
        spec(None, "mcast-group", Value, Plain(Opt::Group)),
        spec(None, "mcast-port", Value, Plain(Opt::McastPort)),
        spec(None, "mcast-ttl", Value, Plain(Opt::McastTtl)),
        spec(None, "sync-maxlen", Value, Plain(Opt::SyncMaxLen)),
        spec(Some('c'), "connection", Nothing, Plain(Opt::Connection)),
        spec(Some('n'), "numeric", Nothing, Plain(Opt::Numeric)),
        spec(None, "timeout", Nothing, Plain(Opt::Timeout)),
        spec(None, "daemon", Nothing, Plain(Opt::Daemon)),
        spec(None, "stats", Nothing, Plain(Opt::Stats)),
        spec(None, "rate", Nothing, Plain(Opt::Rate)),
        spec(None, "thresholds", Nothing, Plain(Opt::Thresholds)),
        spec(None, "persistent-conn", Nothing, Plain(Opt::PersistentConn)),
        spec(None, "nosort", Nothing, Plain(Opt::NoSort)),
        spec(None, "sort", Nothing, Sort),
        spec(Some('X'), "exact", Nothing, Plain(Opt::Exact)),
        spec(Some('o'), "ops", Nothing, Plain(Opt::Ops)),
        spec(None, "pe", Value, Plain(Opt::Engine)),
        spec(Some('b'), "sched-flags", Value, Plain(Opt::Flags)),
        spec(None, "tun-info", Nothing, Plain(Opt::TunInfo)),
        spec(None, "tun-type", Value, Plain(Opt::TunType)),
        spec(None, "tun-port", Value, Plain(Opt::TunPort)),
        spec(None, "tun-nocsum", Nothing, Plain(Opt::TunNoCsum)),
        spec(None, "tun-csum", Nothing, Plain(Opt::TunCsum)),
        spec(None, "tun-remcsum", Nothing, Plain(Opt::TunRemCsum)),
    ]
};

/// Returns the long names of all options but the ones that ipvsadm leaves out of its help.
#[cfg(test)]
pub(crate) fn documented() -> impl Iterator<Item = &'static str> {
    SPECS.iter().map(|spec| spec.long).filter(|long| *long != "version")
}
