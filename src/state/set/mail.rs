//! `set mail`: who is told by mail of what, and by which server.

use std::{net::Ipv6Addr, path::PathBuf, time::Duration};

use crate::state::vrrp::{
    Grammar, Opt, Section,
    reader::Reader,
    values::{Reading, Wrong, digits, one_of, path, time},
};

/// How mail goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// Name or address of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is made secure.
    pub security: Security,
    /// Whether the server must prove who it is.
    pub verify: bool,
    /// Certificates of authorities (PEM); `None` = the system's.
    pub authorities: Option<PathBuf>,
    /// File with user name and password, a line each, for root alone.
    pub auth_file: Option<PathBuf>,
    /// How we call ourselves; `None` = the host's name.
    pub helo: Option<String>,
    /// Who sends.
    pub from: Address,
    /// Who gets it.
    pub to: Vec<Address>,
    /// How long each step of the conversation may take.
    pub timeout: Duration,
    /// What stands in brackets before each subject (keepalived's `router_id`); `None` = the host's short name.
    pub tag: Option<String>,
    /// What mail is about, if nothing is said about the single thing.
    pub about: Vec<About>,
    /// What is said about single things: whether they are told of.
    pub single: Vec<(Subject, bool)>,
    /// Whether nobody is told that an instance or a group is in fault.
    pub no_faults: bool,
}

/// Whether a connection is made secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// No.
    None,
    /// With the command STARTTLS (RFC 3207); a server that does not know it gets no mail.
    StartTls,
    /// From the first byte on (RFC 8314).
    Tls,
}

/// A mailbox (RFC 5322, section 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// With the name that people see: `Ops <ops@example.org>`.
    pub shown: String,
    /// Without it: `ops@example.org`.
    pub address: String,
}

/// Kinds of things that mail can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Real servers that come and go.
    Servers,
    /// Quorums of virtual services.
    Services,
    /// States of VRRP instances.
    Instances,
    /// States of sync groups.
    Groups,
    /// States of BFD sessions.
    Sessions,
    /// Processes of the agent that die.
    Agent,
}

/// A single thing: its kind, and its name as commands print it; of servers the name of their service is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Of which kind it is; `None` = whatever has the name.
    pub about: Option<About>,
    /// `VI_1`, `TCP 10.0.0.1:80`, `10.0.0.11:80 of TCP 10.0.0.1:80`.
    pub name: String,
}

impl Subject {
    /// Whether this is the thing of that kind and name.
    pub fn is(&self, about: About, name: &str) -> bool {
        self.about.is_none_or(|kind| kind == about) && self.name.eq_ignore_ascii_case(name)
    }
}

impl MailSettings {
    /// Whether somebody wants to know of a thing, which has several names: its own first, then those of what it belongs to.
    pub fn wants<'a>(&self, about: About, mut names: impl Iterator<Item = &'a str>) -> bool {
        let said = |name| self.single.iter().find(|(subject, _)| subject.is(about, name));
        names.find_map(said).map_or_else(|| self.about.contains(&about), |(_, wanted)| *wanted)
    }
}

/// Words of `--about`.
const ABOUT: &[(&str, About)] = &[
    ("servers", About::Servers),
    ("services", About::Services),
    ("instances", About::Instances),
    ("groups", About::Groups),
    ("sessions", About::Sessions),
    ("agent", About::Agent),
];

/// How long a step of the conversation may take if nothing is said, as in keepalived.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Most recipients.
const MOST_TO: usize = 100;

/// The longest address (RFC 5321, section 4.5.3.1.3, with brackets), and name of a host.
const MOST_ADDRESS: usize = 254;

/// The options of `set mail`.
#[derive(Clone, Copy, Debug)]
pub struct MailGrammar;

impl Grammar for MailGrammar {
    const SECTIONS: &'static [&'static Section] = &[&MAIL, &SAFETY];
}

const MAIL: Section = Section {
    heading: "Mail",
    rare: false,
    options: &[
        Opt::one("server", "HOST[:PORT]", "Server that takes the mail [default port: 25; with --tls 465]"),
        Opt::one("from", "ADDRESS", "Who sends"),
        Opt::many("to", "ADDRESS", whole, "Who gets it; once for each"),
        Opt::many(
            "about",
            "WHAT",
            whole,
            "servers, services, instances, groups, sessions, agent; once for each [default: all but groups]",
        ),
        Opt::many("also", "NAME", whole, "And about this instance, group, session or service (TCP 10.0.0.1:80)"),
        Opt::many("not", "NAME", whole, "But not about this one"),
        Opt::flag("no-faults", "And not of instances and groups that go into fault"),
        Opt::one("tag", "WORD", "What stands in brackets before each subject [default: the name of this host]"),
        Opt::one("helo", "NAME", "How this host calls itself [default: its name]"),
        Opt::one("timeout", "TIME", "How long each step of the conversation may take [default: 30s]"),
    ],
};

const SAFETY: Section = Section {
    heading: "Security",
    rare: false,
    options: &[
        Opt::flag("starttls", "Make the connection secure before anything is said; else no mail"),
        Opt::flag("tls", "A secure connection from the first byte on"),
        Opt::one("auth-file", "FILE", "User name and password, a line each; nobody but root may read it"),
        Opt::one("authorities", "FILE", "Certificates of authorities [default: the system's]"),
        Opt::flag("no-verify", "The server need not prove who it is"),
    ],
};

fn whole(word: &str) -> String {
    word.to_owned()
}

/// Reads `set mail`; nothing if something must be there and is not.
pub(super) fn settings(r: &mut Reader<'_>) -> Option<MailSettings> {
    r.need("server", "a host that takes mail from this one: --server mail.example.org");
    r.need("from", "an address: --from lvs@example.org");
    r.need("to", "an address, once for each: --to ops@example.org");
    let (tls, starttls) = (r.flag("tls"), r.flag("starttls"));
    let security = match (tls, starttls) {
        (true, _) => Security::Tls,
        (false, true) => Security::StartTls,
        (false, false) => Security::None,
    };
    if tls {
        r.useless(&["starttls"], "with --tls the connection is secure already");
    }
    if security == Security::None {
        r.useless(&["auth-file"], "a password goes over secure connections only: add --starttls or --tls");
        r.useless(&["authorities", "no-verify"], "nothing is verified without --starttls or --tls");
    } else if r.flag("no-verify") {
        r.useless(&["authorities"], "--no-verify verifies nothing");
    }
    let server = r.one("server", server);
    let from = r.one("from", address);
    let to = r.values("to", address);
    if to.len() > MOST_TO {
        r.refuse("to", Wrong::new(format_args!("at most {MOST_TO} are possible")));
    }
    let about = r.values("about", one_of(ABOUT));
    let name = |wanted: bool| move |word: &str| Ok((Subject { about: None, name: header_word(word)? }, wanted));
    let mut single = r.values("also", name(true));
    single.extend(r.values("not", name(false)));
    let settings = MailSettings {
        security,
        verify: !r.flag("no-verify"),
        authorities: r.one("authorities", path),
        auth_file: r.one("auth-file", path),
        helo: r.one("helo", host),
        timeout: r.one("timeout", time(Duration::from_secs(1)..=Duration::from_secs(600))).unwrap_or(TIMEOUT),
        tag: r.one("tag", header_word),
        about: if about.is_empty() { default_about() } else { about },
        single,
        no_faults: r.flag("no-faults"),
        port: server.as_ref().and_then(|(_, port)| *port).unwrap_or(if tls { 465 } else { 25 }),
        server: server?.0,
        from: from?,
        to,
    };
    Some(settings)
}

/// What mail is about if nothing is said: groups say what their instances say.
fn default_about() -> Vec<About> {
    ABOUT.iter().map(|(_, about)| *about).filter(|about| *about != About::Groups).collect()
}

/// Reads `HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or an IPv6 address.
fn server(text: &str) -> Reading<(String, Option<u16>)> {
    let port = |text: &str| {
        digits::<u16>(text).filter(|port| *port > 0).ok_or_else(|| Wrong::new("a port is a number from 1 to 65535"))
    };
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| Wrong::new("this is no IPv6 address"))?;
        let port = rest.strip_prefix(':').map(port).transpose()?;
        return Ok((address.to_string(), port));
    }
    match text.split_once(':') {
        Some((name, number)) => Ok((host(name)?, Some(port(number)?))),
        None => Ok((host(text)?, None)),
    }
}

/// Reads the name or address of a host.
fn host(text: &str) -> Reading<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if (1..=MOST_ADDRESS).contains(&text.len()) && !text.starts_with('-') && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new("a host name or an address is needed"))
}

/// Reads `user@host` or `Name <user@host>`. What could end a line of a mail is no part of one.
fn address(text: &str) -> Reading<Address> {
    let bare = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    let letters = |c: char| c.is_ascii_graphic() && !"<>()[],;:\\\"".contains(c);
    let sound = bare.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && bare.len() <= MOST_ADDRESS
        && bare.chars().all(letters);
    let shown = text.len() <= 2 * MOST_ADDRESS && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if sound && shown {
        return Ok(Address { shown: text.to_owned(), address: bare.to_owned() });
    }
    Err(Wrong::new("an address is needed").hint("ops@example.org, or 'Ops <ops@example.org>', in ASCII"))
}

/// Reads words that stand in a header or are compared with names.
fn header_word(text: &str) -> Reading<String> {
    if (1..=MOST_ADDRESS).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new("a name is needed"))
}
