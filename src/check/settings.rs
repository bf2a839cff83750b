//! What a check is told to do: plain values, as checked settings. Reading them from lines belongs to `state`.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use crate::host::Command;

/// What is asked, of whom, and what counts as a good answer. Equal probes to one server are made once: everything that
/// bears on the result is in here, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// Address and port of the server, or `connect_ip` and `connect_port` of the check.
    pub target: SocketAddr,
    /// How it is reached.
    pub connection: Connection,
    /// What is asked.
    pub question: Question,
    /// From the begin to the verdict, whatever happens in between.
    pub deadline: Duration,
}

/// How a server is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Source address.
    pub source: Option<IpAddr>,
    /// Source port; 0 = any.
    pub source_port: u16,
    /// Name of the link to use (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// Firewall mark (`SO_MARK`); 0 = none.
    pub mark: u32,
    /// Time for the connection itself; `None` = the deadline is enough.
    pub timeout: Option<Duration>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Whether it takes a TCP connection.
    Tcp,
    /// Whether pages are what they should be, over HTTP or HTTPS.
    Http(Box<Http>),
    /// Whether a mail server greets.
    Smtp {
        /// Name given in HELO.
        helo: String,
    },
    /// Whether a name server answers.
    Dns {
        /// The name asked for; `.` = the root.
        name: String,
        /// The type asked for, as number (SOA 6).
        kind: u16,
    },
    /// Whether a UDP service answers, or at least does not refuse.
    Udp(Udp),
    /// Whether it answers an echo request.
    Ping,
    /// What a script says.
    Script {
        /// What is run.
        command: Command,
        /// Whether exit status 2 to 255 is success with weight status − 2 (`misc_dynamic`).
        dynamic: bool,
    },
    /// What a file's number says: multiplied by `weight` and added to the server's; with weight 0 any number but 0 is a
    /// failure.
    File {
        /// Path.
        path: PathBuf,
        /// Weight, −2147483647 to 2147483647.
        weight: i64,
    },
    /// What an agent on the server says: HAProxy's agent-check text protocol.
    Agent {
        /// What is sent first.
        send: String,
    },
    /// Whether a BFD session is up. Not probed: its state is told by whoever runs the session.
    Bfd {
        /// Name of the session.
        name: String,
    },
}

/// A UDP question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Udp {
    /// What is sent; `None` = a short text of ours.
    pub payload: Option<Vec<u8>>,
    /// Whether silence is a failure.
    pub reply_required: bool,
    /// What a reply must begin with: value and mask of each byte. A reply that is not required must, too, if it comes.
    pub expected: Vec<(u8, u8)>,
    /// Least length of a reply.
    pub least: u16,
    /// Greatest length of a reply; 0 = any.
    pub most: u16,
}

/// Pages asked for in one check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Http {
    /// TLS; `None` = plain HTTP.
    pub tls: Option<Tls>,
    /// Version of requests.
    pub version: HttpVersion,
    /// The pages, one after the other on connections of their own; at least one.
    pub pages: Vec<Page>,
    /// Largest answer in bytes, head and body; more is a failure.
    pub largest: u64,
}

/// TLS of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Name for SNI and for verification; `None` = no SNI.
    pub name: Option<String>,
    /// Whether the certificate must be valid for `name` (or the address); off as in keepalived.
    pub verify: bool,
    /// Certificates of authorities (PEM); `None` = the system's.
    pub authorities: Option<PathBuf>,
    /// Our certificate and key (PEM).
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The check warns if the certificate ends within this.
    pub warn_expiry: Option<Duration>,
}

/// Version of HTTP requests, as keepalived names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0.
    V1_0,
    /// HTTP/1.0 with `Connection: close`.
    V1_0Close,
    /// HTTP/1.1 with `Connection: close`.
    V1_1,
}

/// A page and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Path and query, from `/`.
    pub path: String,
    /// Host header; `None` = address and port.
    pub host: Option<String>,
    /// Method, `GET` by default.
    pub method: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Accepted statuses as ranges; 200 to 299 by default.
    pub statuses: Vec<(u16, u16)>,
    /// MD5 of the body.
    pub digest: Option<[u8; 16]>,
    /// Regular expression on the body, as written; `true` = must match, `false` = must not.
    pub pattern: Option<(String, bool)>,
}

/// When probes are made, and when their results count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// From one probe's begin to the next.
    pub interval: Duration,
    /// Up to so much is added to or taken from each interval at random.
    pub jitter: Duration,
    /// How many failed probes of a working check are forgiven (`retry`): fall = retry + 1.
    pub retry: u32,
    /// Pause before a probe that follows a failed one of a working check.
    pub delay_before_retry: Duration,
    /// How many good probes in a row bring a failed check back.
    pub rise: u32,
    /// The first probe is made within this of the start, at random.
    pub warmup: Duration,
    /// What counts before the first probe.
    pub initial: Initial,
    /// Whether each failed probe is reported, not only those that change the state.
    pub log_all_failures: bool,
}

/// What counts before a check first ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initial {
    /// The server is left as it is in the table until the first verdict, which counts at once: a good one as well as a bad
    /// one. A server that was not in the table is added when it has passed.
    CheckFirst,
    /// The server is taken for working until its check fails (keepalived's way).
    Up,
    /// The server is taken for failed until its check succeeds (`alpha`).
    Down,
}
