//! What the grammar has to say: faults in ipvsadm's own words, notes in ours.
//!
//! The texts of [`FaultKind`] are interface: scripts match them. They must stay exactly what ipvsadm 1.31 prints.

use std::{fmt, net::Ipv4Addr};

use thiserror::Error;

use crate::model::Netmask;

/// Why words were refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Index of the offending word; `None` where something is missing altogether.
    pub word: Option<usize>,
}

/// What is wrong with a command line. `Display` is ipvsadm's text, for a program called `ipvsadm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The first option is no command.
    NoCommand,
    /// The option parser's: no such option.
    UnknownOption(String),
    /// The option parser's: the value that an option needs is missing.
    MissingArgument(String),
    /// The option parser's: `--flag=value` where the option takes none.
    UnwantedArgument(String),
    /// A second command.
    InvalidOption(String),
    /// A word that belongs to no option.
    UnexpectedArgument(String),
    /// An option twice.
    Multiple(&'static str),
    /// A compulsory option is missing.
    Needed {
        /// The missing option.
        option: &'static str,
        /// The command or tunnel type.
        context: Context,
    },
    /// An option that the command or tunnel type does not take.
    Illegal {
        /// The option.
        option: &'static str,
        /// The command or tunnel type.
        context: Context,
    },
    /// Two options that exclude each other.
    Conflict {
        /// The one that stands later in the table of options.
        later: &'static str,
        /// The one that stands earlier there.
        earlier: &'static str,
        /// The command or tunnel type.
        context: Context,
    },
    /// Listings that exclude each other.
    ListConflict,
    /// A bad `-t`, `-u` or `--sctp-service`.
    VirtualServer,
    /// A bad `-r`.
    RealServer,
    /// A bad firewall mark.
    Mark(String),
    /// `-6` without a firewall mark before it.
    Ipv6BeforeMark,
    /// A bad IPv4 mask.
    Netmask,
    /// A bad IPv6 prefix length.
    Prefix,
    /// A bad `-p` or `--set` value.
    Timeout(String),
    /// `--set` with fewer than three values.
    TimeoutsMissing,
    /// A bad number: the option by the name that its message uses (`weight`, `u_threshold`, `tunnel port` …).
    Number(&'static str),
    /// A `--mcast-group` that is no multicast address; whether it was read as IPv6.
    Group {
        /// The word.
        word: String,
        /// Whether it was read as IPv6.
        v6: bool,
    },
    /// A `--start-daemon` that is neither master nor backup.
    StartRole,
    /// A `--stop-daemon` that is neither master nor backup.
    StopRole,
    /// A scheduler flag that does not exist.
    Flag(String),
    /// A scheduler flag of another scheduler.
    FlagOfOther(String),
    /// A service on port 0 without persistence.
    ZeroPort,
    /// One-packet scheduling of TCP or SCTP.
    OnePacket,
    /// A server of the other family without a tunnel.
    OtherFamily,
    /// Tunnel options without a tunnel.
    TunnelOptions,
}

/// What an option stands with in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A command, by the name in messages.
    Command(&'static str),
    /// A tunnel type.
    TunnelType(&'static str),
}

/// How ipvsadm treats a fault: which exit status it has, and whether a restore goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A word that the option parser does not take: status 255, a restore goes on.
    Options,
    /// The first option is no command: status 255, a restore stops.
    NoCommand,
    /// Anything else: status 2, a restore stops.
    Local,
}

impl Fault {
    /// Returns what to do about it, where that is not plain from the message.
    pub fn hint(&self) -> Option<String> {
        let hint = match &self.kind {
            FaultKind::NoCommand => {
                "start with a command: -A -E -D -C -a -e -d -L -Z -S -R --set --start-daemon --stop-daemon"
            }
            FaultKind::InvalidOption(_) => "one command at a time",
            FaultKind::Multiple("service-address") => {
                "-t, -u, --sctp-service and -f all name the service: give one of them, once"
            }
            FaultKind::Multiple("forwarding-method") => "-g, -i and -m exclude each other",
            FaultKind::VirtualServer | FaultKind::RealServer => {
                "write ADDRESS:PORT, for IPv6 [ADDRESS]:PORT; a host name must have an IPv4 address, a service name \
                 must exist for the protocol"
            }
            FaultKind::Mark(_) => "a firewall mark is a number from 1 to 4294967295",
            FaultKind::Ipv6BeforeMark => "put -6 after -f MARK",
            FaultKind::Netmask => "write a dotted IPv4 mask such as 255.255.255.0; IPv6 prefixes go after the service",
            FaultKind::Prefix => "an IPv6 netmask is a prefix length from 1 to 128",
            FaultKind::Timeout(_) => "a timeout is 1 to 2678400 seconds (31 days); --set also takes 0 = leave it",
            FaultKind::TimeoutsMissing => "write --set TCP TCPFIN UDP, in seconds",
            FaultKind::Number("weight") => "a weight is a number from 0 to 2147483647",
            FaultKind::Number("u_threshold" | "l_threshold") => "a threshold is a number from 0 to 2147483647",
            FaultKind::Number("syncid") => "a sync id is a number from 0 to 255",
            FaultKind::Number("mcast-port" | "tunnel port") => "a port is a number from 1 to 65535",
            FaultKind::Number("mcast-ttl") => "a TTL is a number from 1 to 255",
            FaultKind::Number("sync-maxlen") => "the length is a number from 1 to 65507",
            FaultKind::Number("tunnel type") => "the tunnel type is ipip, gue or gre",
            FaultKind::Group { .. } => "IPv4 groups are 224.0.0.0 to 239.255.255.255, IPv6 groups start with ff",
            FaultKind::StartRole | FaultKind::StopRole => "write master or backup",
            FaultKind::Flag(_) => "flags are flag-1, flag-2, flag-3, sh-fallback, sh-port, mh-fallback and mh-port",
            FaultKind::FlagOfOther(_) => "sh-… flags need -s sh, mh-… flags need -s mh",
            FaultKind::ZeroPort => "give a port, or make the service persistent with -p: then it takes all ports",
            FaultKind::OtherFamily => "add -i: only a tunnel carries IPv4 to IPv6 servers and the other way round",
            FaultKind::TunnelOptions => "add -i",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl FaultKind {
    /// Returns ipvsadm's message for a program called `program`, without the line end.
    pub fn message(&self, program: &str) -> String {
        match self {
            Self::NoCommand => format!("Try `{program} -h' or '{program} --help' for more information."),
            other => other.to_string(),
        }
    }

    /// Returns how ipvsadm treats it.
    pub fn class(&self) -> Class {
        match self {
            Self::NoCommand => Class::NoCommand,
            Self::UnknownOption(_) | Self::MissingArgument(_) | Self::UnwantedArgument(_) => Class::Options,
            _ => Class::Local,
        }
    }
}

impl Class {
    /// Returns ipvsadm's exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Options | Self::NoCommand => 255,
            Self::Local => 2,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str(&self.message("ipvsadm")),
            Self::UnknownOption(word) => write!(f, "{word}: unknown option"),
            Self::MissingArgument(word) => write!(f, "{word}: missing argument"),
            Self::UnwantedArgument(word) => write!(f, "{word}: option does not take an argument"),
            Self::InvalidOption(word) => write!(f, "invalid option `{word}'"),
            Self::UnexpectedArgument(word) => write!(f, "unexpected argument {word}"),
            Self::Multiple(option) => write!(f, "multiple '{option}' options specified"),
            Self::Needed { option, context } => {
                write!(f, "You need to supply the '{option}' option for the {context}")
            }
            Self::Illegal { option, context } => write!(f, "Illegal '{option}' option with the {context}"),
            Self::Conflict { later, earlier, context } => {
                write!(f, "The option '{later}' conflicts with the '{earlier}' option in the {context}")
            }
            Self::ListConflict => f.write_str("options conflicts in the list command"),
            Self::VirtualServer => f.write_str("illegal virtual server address[:port] specified"),
            Self::RealServer => f.write_str("illegal real server address[:port] specified"),
            Self::Mark(word) => write!(f, "invalid fwmark value `{word}' specified"),
            // The message ends in a line end of its own: an empty line follows it.
            Self::Ipv6BeforeMark => f.write_str("-6 used before -f\n"),
            Self::Netmask => f.write_str("illegal virtual server persistent mask specified"),
            Self::Prefix => f.write_str("illegal ipv6 netmask specified"),
            Self::Timeout(word) => write!(f, "invalid timeout value `{word}' specified"),
            Self::TimeoutsMissing => f.write_str("--set option requires 3 timeout values"),
            Self::Number(what) => write!(f, "illegal {what} specified"),
            Self::Group { word, v6: false } => write!(f, "invalid IPv4 mcast-group `{word}'"),
            Self::Group { word, v6: true } => write!(f, "invalid IPv6 mcast-group `{word}'"),
            Self::StartRole => f.write_str("illegal start-daemon parameter specified"),
            Self::StopRole => f.write_str("illegal start_daemon specified"),
            Self::Flag(word) => write!(f, "invalid scheduler flag `{word}'"),
            Self::FlagOfOther(word) => write!(f, "incompatible scheduler flag `{word}'"),
            Self::ZeroPort => f.write_str("Zero port specified for non-persistent service"),
            Self::OnePacket => f.write_str("One-Packet Scheduling is only for UDP virtual services"),
            Self::OtherFamily => f.write_str("Different address family is allowed only for tunneling servers"),
            Self::TunnelOptions => f.write_str("Tunnel options conflict with forward method"),
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(f, "'{name}' command"),
            Self::TunnelType(name) => write!(f, "'{name}' tunnel type"),
        }
    }
}

/// Something that ipvsadm does without a word and that a person may not expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The port of `[1.2.3.4]:80` was dropped: brackets are for IPv6.
    PortDropped(String),
    /// The real server's port was replaced: direct routing and tunnels cannot change it.
    PortForced {
        /// What was typed.
        given: u16,
        /// The service's port, which counts.
        used: u16,
    },
    /// `-r` stood before the service, so it could not take the service's port.
    PortUnknown,
    /// `-M` before an IPv6 service was read as an IPv4 mask and lost.
    MaskOverwritten(Netmask),
    /// A number was read as an IPv4 mask, not as a prefix length.
    MaskIsNoPrefix(Ipv4Addr),
    /// `-M` without `-p` has no effect.
    MaskWithoutPersistence,
    /// What follows the number of an IPv6 netmask was not read.
    PrefixTail(String),
    /// A name was cut to what the kernel takes.
    Cut {
        /// What was typed.
        given: String,
        /// What is left.
        used: String,
    },
    /// The option has no effect with this command.
    Unused(&'static str),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortDropped(word) => {
                write!(f, "the port of `{word}' is not read: brackets are for IPv6 addresses")
            }
            Self::PortForced { given, used } => write!(
                f,
                "port {given} of the real server is replaced by {used}, the service's: only -m can change the port"
            ),
            Self::PortUnknown => {
                f.write_str("the real server gets port 0: -r stands before the service and names no port")
            }
            Self::MaskOverwritten(mask) => {
                write!(f, "the netmask {mask} is lost: with an IPv6 service -M must follow the service (and -6)")
            }
            Self::MaskIsNoPrefix(mask) => {
                write!(f, "the netmask is {mask}: a number is no prefix length with IPv4")
            }
            Self::MaskWithoutPersistence => f.write_str("the netmask has no effect without -p"),
            Self::PrefixTail(word) => write!(f, "only the number at the start of netmask `{word}' is read"),
            Self::Cut { given, used } => write!(f, "the kernel takes no longer names: `{given}' is cut to `{used}'"),
            Self::Unused(option) => write!(f, "{option} has no effect with this command"),
        }
    }
}
