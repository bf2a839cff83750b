//! The options of every kind of VRRP line. Their words are read in `instance` and `objects`.

use super::{
    fifo,
    option::{Grammar, Opt, Section},
};

/// Options of `vrrp add`.
#[derive(Clone, Debug)]
pub enum InstanceGrammar {}

impl Grammar for InstanceGrammar {
    const SECTIONS: &'static [&'static Section] =
        &[&ELECTION, &ADDRESSES, &AUTHENTICATION, &TRANSPORT, &TRACKING, &NOTIFICATION, &ANNOUNCEMENTS, &FINE_POINTS];
}

/// Options of `vrrp add-group`.
#[derive(Clone, Debug)]
pub enum GroupGrammar {}

impl Grammar for GroupGrammar {
    const SECTIONS: &'static [&'static Section] = &[&MEMBERS, &TRACKING, &NOTIFICATION];
}

/// Options of `vrrp add-script`.
#[derive(Clone, Debug)]
pub enum ScriptGrammar {}

impl Grammar for ScriptGrammar {
    const SECTIONS: &'static [&'static Section] = &[&SCRIPT];
}

/// Options of `vrrp add-process`.
#[derive(Clone, Debug)]
pub enum ProcessGrammar {}

impl Grammar for ProcessGrammar {
    const SECTIONS: &'static [&'static Section] = &[&PROCESS];
}

/// Options of `vrrp add-file`.
#[derive(Clone, Debug)]
pub enum FileGrammar {}

impl Grammar for FileGrammar {
    const SECTIONS: &'static [&'static Section] = &[&FILE];
}

/// Options of `bfd add`.
#[derive(Clone, Debug)]
pub enum SessionGrammar {}

impl Grammar for SessionGrammar {
    const SECTIONS: &'static [&'static Section] = &[&NEIGHBOUR, &TIMES, &KEY, &HOPS];
}

/// Options of `vrrp set`.
#[derive(Clone, Debug)]
pub enum SetGrammar {}

impl Grammar for SetGrammar {
    const SECTIONS: &'static [&'static Section] = &[&PROCESS_WIDE];
}

/// What stands in front of the first colon, comma, slash or blank: addresses, peers, names of trackers.
fn first(word: &str) -> String {
    let word = word.trim_start();
    word[..word.find(|c: char| c.is_ascii_whitespace() || ",/".contains(c)).unwrap_or(word.len())].to_owned()
}

fn name(word: &str) -> String {
    word[..word.find(':').unwrap_or(word.len())].to_owned()
}

/// The service without weight and quorum: kind, address and port.
fn service(word: &str) -> String {
    let body = &word[..word.find(',').unwrap_or(word.len())];
    let address = body.find("]:").map_or(0, |at| at + 2);
    let mut colons = body[address..].match_indices(':').map(|(at, _)| address + at);
    // Of an IPv4 service the first colon is in front of the port, of a mark it is not.
    let end = if body.starts_with("mark") || address > 0 { colons.next() } else { colons.nth(1) };
    body[..end.unwrap_or(body.len())].to_owned()
}

fn whole(word: &str) -> String {
    word.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// A route by its destination.
fn destination(word: &str) -> String {
    let kinds = ["to", "unicast", "blackhole", "unreachable", "prohibit"];
    word.split_ascii_whitespace().find(|word| !kinds.contains(word)).unwrap_or_default().to_owned()
}

const ELECTION: Section = Section {
    heading: "Election",
    rare: false,
    options: &[
        Opt::one("interface", "NAME", "Interface that adverts are sent and received on"),
        Opt::one("vrid", "NUMBER", "Virtual router identifier, 1 to 255, the same on all directors"),
        Opt::one("version", "2|3", "Version of VRRP [default: 2 for IPv4, 3 for IPv6]"),
        Opt::one("priority", "NUMBER", "1 to 255; the highest becomes master, 255 owns the addresses [default: 100]"),
        Opt::one("interval", "TIME", "Time between adverts: 1s, 100ms; version 2 whole seconds [default: 1s]"),
        Opt::one(
            "initial",
            "master|backup",
            "How long to listen at first: one interval, or until the master is silent",
        ),
        Opt::flag("nopreempt", "Leave a master of lower priority alone"),
        Opt::one("preempt-delay", "TIME", "Wait so long before a master of lower priority is displaced"),
    ],
};

const ADDRESSES: Section = Section {
    heading: "What moves",
    rare: false,
    options: &[
        Opt::many("address", "ADDRESS", first, "Virtual address: 'ADDR[/LEN] [dev IF] [label L] …', as ip takes it"),
        Opt::many("exclude", "ADDRESS", first, "Address that moves along and is not in adverts"),
        Opt::many("route", "ROUTE", destination, "Route of the master: '10.1.0.0/16 via 10.9.9.1', as ip takes it"),
        Opt::many("rule", "RULE", whole, "Rule of the master: 'from 10.9.9.100 lookup 100 preference 500'"),
        Opt::one("family", "ipv4|ipv6", "Family of an election without addresses"),
    ],
};

const AUTHENTICATION: Section = Section {
    heading: "Authentication",
    rare: false,
    options: &[
        Opt::one("auth", "pass|ah", "Password in each advert, or authentication header: version 2 only"),
        Opt::one("secret-file", "FILE", "File with the secret, of at most 8 bytes"),
        Opt::one("secret", "SECRET", "The secret itself, or hex:…; others see it in ps and in the save file"),
        Opt::many("hmac-key", "ID:KEY", name, "Key of keepalived's HMAC: ID:file:PATH, ID:hex:…, or 32 to 64 letters"),
        Opt::one("hmac-active", "ID", "Key that signs what is sent [default: the first]"),
        Opt::one("hmac-mode", "MODE", "enforce, permissive, receive-only [default: enforce]"),
        Opt::one("hmac-window", "TIME", "How far clocks may differ, or none [default: 3 intervals, at least 5s]"),
    ],
};

const TRANSPORT: Section = Section {
    heading: "Who hears adverts",
    rare: false,
    options: &[
        Opt::many("unicast-peer", "ADDR", first, "Speak with this peer instead of the multicast group: ADDR[,ttl=1-5]"),
        Opt::one("source", "ADDR", "Source address of adverts [default: the interface's first]"),
        Opt::one("ttl", "NUMBER", "TTL of adverts to peers [default: 255]"),
        Opt::flag("check-source", "Reject adverts of others than the peers"),
        Opt::one("group", "ADDR", "Multicast group [default: 224.0.0.18, ff02::12]"),
        Opt::perhaps("vmac", "NAME", "Virtual MAC address, on a macvlan of this name [default: vrrp.VRID]"),
    ],
};

const TRACKING: Section = Section {
    heading: "Tracking",
    rare: false,
    options: &[
        Opt::many(
            "track-interface",
            "NAME[:WEIGHT]",
            name,
            "Fault while it is down; or WEIGHT[:reverse] for the priority",
        ),
        Opt::many("track-script", "NAME[:WEIGHT]", name, "The same for a script (add-script)"),
        Opt::many("track-process", "NAME[:WEIGHT]", name, "The same for a process (add-process)"),
        Opt::many("track-file", "NAME[:WEIGHT]", name, "A file's number times WEIGHT (add-file)"),
        Opt::many("track-bfd", "NAME[:WEIGHT]", name, "A BFD session"),
        Opt::many(
            "track-service",
            "SERVICE[:WEIGHT]",
            service,
            "Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]",
        ),
    ],
};

const NOTIFICATION: Section = Section {
    heading: "Commands ([USER[:GROUP]@]PROGRAM ARGUMENTS, without a shell)",
    rare: true,
    options: &[
        Opt::one("notify", "COMMAND", "On each transition, with kind, name, state and priority as further arguments"),
        Opt::one("notify-master", "COMMAND", "On becoming master"),
        Opt::one("notify-backup", "COMMAND", "On becoming backup"),
        Opt::one("notify-fault", "COMMAND", "On a fault"),
        Opt::one("notify-stop", "COMMAND", "When the process ends"),
        Opt::one("notify-deleted", "COMMAND", "When it is deleted while it runs [default: that of a fault]"),
        Opt::one("notify-lower-priority", "COMMAND", "When a master hears an advert of lower priority"),
        Opt::flag("notify-priority-changes", "Changes of priority go to the FIFO, too"),
    ],
};

const ANNOUNCEMENTS: Section = Section {
    heading: "Announcements (gratuitous ARP, neighbour advertisements)",
    rare: true,
    options: &[
        Opt::one("garp-repeat", "NUMBER", "How often each address is announced on becoming master [default: 5]"),
        Opt::one("garp-delay", "TIME", "When they are announced a second time; 0 = never [default: 5s]"),
        Opt::one("garp-refresh", "TIME", "Announce again so often while master; 0 = never [default: 0]"),
        Opt::one("garp-refresh-repeat", "NUMBER", "How many times each refresh [default: 1]"),
        Opt::one("garp-lower-repeat", "NUMBER", "The same after a master of lower priority was heard [default: 5]"),
        Opt::one("garp-lower-delay", "TIME", "When a second time; 0 = never [default: 5s]"),
        Opt::one("garp-other-links", "TIME", "Announce addresses on other interfaces so often; 0 = never [default: 0]"),
        Opt::one("garp-interval", "TIME", "Pause between two gratuitous ARPs on an interface [default: 0]"),
        Opt::one("na-interval", "TIME", "Pause between two neighbour advertisements on an interface [default: 0]"),
    ],
};

const FINE_POINTS: Section = Section {
    heading: "Fine points",
    rare: true,
    options: &[
        Opt::flag("strict", "Refuse what the RFC forbids (see lvsadm-vrrp(7))"),
        Opt::flag("accept", "Take packets to the addresses; the default unless --strict"),
        Opt::flag("no-accept", "Take no packets to the addresses unless their owner: they are routed to, not pinged"),
        Opt::one("down-timer-adverts", "NUMBER", "How many adverts are missed before the master is dead [default: 3]"),
        Opt::flag("no-answer-lower", "Do not answer adverts of lower priority at once"),
        Opt::flag("answer-higher", "Answer an advert of higher priority before giving way"),
        Opt::flag("owner-ignores-adverts", "As owner (priority 255), ignore all adverts"),
        Opt::flag("skip-address-check", "Do not compare the addresses of a known master again"),
        Opt::flag("promote-secondaries", "Other addresses of a network stay when its first one goes (IPv4)"),
        Opt::flag("no-track-primary", "A fault of the own interface is none of the instance"),
        Opt::flag("track-source", "The absence of the address of --source is a fault"),
        Opt::flag("no-pseudo-header", "Version 3 over IPv4: checksum without pseudo-header, as RFC 9568 has it"),
        Opt::one("vmac-mac", "MAC", "MAC address of the macvlan [default: 00:00:5e:00:01:VRID]"),
        Opt::flag("vmac-transmit-base", "Send adverts by the interface below, with its MAC address"),
        Opt::flag("vmac-other-links", "Macvlans for addresses on other interfaces, too"),
    ],
};

const MEMBERS: Section = Section {
    heading: "Members",
    rare: false,
    options: &[
        Opt::many("member", "NAME", whole, "Instance that is master and backup together with the others"),
        Opt::flag("weights", "Members may have trackers with weights"),
    ],
};

const SCRIPT: Section = Section {
    heading: "Script",
    rare: false,
    options: &[
        Opt::one("command", "COMMAND", "[USER[:GROUP]@]PROGRAM ARGUMENTS; exit status 0 is success"),
        Opt::one("interval", "TIME", "From one start to the next [default: 1s]"),
        Opt::one("timeout", "TIME", "Counts as failed after this time [default: the interval]"),
        Opt::one("weight", "WEIGHT", "For trackers that say none: 0 = fault, else added or taken away [default: 0]"),
        Opt::one("rise", "NUMBER", "Successes in a row until it works again [default: 1]"),
        Opt::one("fall", "NUMBER", "Failures in a row until it fails [default: 1]"),
        Opt::flag("init-fail", "Failed until it ran"),
    ],
};

const PROCESS: Section = Section {
    heading: "Process",
    rare: false,
    options: &[
        Opt::one(
            "program",
            "NAME",
            "Name of the program, as ps -o comm shows it; or its path with --full-command or --arguments",
        ),
        Opt::one("arguments", "WORDS", "Arguments that it must have, quoted as in a shell"),
        Opt::one("match", "HOW", "How arguments are compared: exact, initial, partial [default: exact]"),
        Opt::flag("full-command", "Compare the whole command line"),
        Opt::one("weight", "WEIGHT", "For trackers that say none: 0 = fault, else added or taken away [default: 0]"),
        Opt::one("quorum", "NUMBER", "Least number that must run [default: 1]"),
        Opt::one("quorum-max", "NUMBER", "Most that may run; 0 = it must not run"),
        Opt::one("terminate-delay", "TIME", "How long a missing process may stay away [default: 0]"),
        Opt::one("fork-delay", "TIME", "How long a new process must have run [default: 0]"),
    ],
};

const FILE: Section = Section {
    heading: "File",
    rare: false,
    options: &[
        Opt::one("path", "FILE", "The file; the first line is a number"),
        Opt::one("weight", "WEIGHT", "What the number is multiplied by; 0 = fault unless it is 0 [default: 1]"),
        Opt::one("initial", "NUMBER", "Written at start if there is no file; NUMBER:overwrite = always"),
    ],
};

const NEIGHBOUR: Section = Section {
    heading: "Neighbour",
    rare: false,
    options: &[
        Opt::one("neighbour", "ADDR", "Address of the other end"),
        Opt::one("source", "ADDR", "Our address [default: as the route says]"),
        Opt::one("interface", "NAME", "Interface that packets leave and come in by; link-local addresses need one"),
        Opt::flag("multihop", "The neighbour is beyond routers (RFC 5883, port 4784)"),
        Opt::flag("passive", "Say nothing before the neighbour does"),
        Opt::flag("admin-down", "Hold the session down, and tell the neighbour so"),
    ],
};

const TIMES: Section = Section {
    heading: "Times",
    rare: false,
    options: &[
        Opt::one("min-rx", "TIME", "Least time between packets of the neighbour that we can take [default: 10ms]"),
        Opt::one("min-tx", "TIME", "Least time between our packets [default: 10ms]"),
        Opt::one("idle-tx", "TIME", "Time between our packets while the session is not up, 1s or more [default: 1s]"),
        Opt::one(
            "multiplier",
            "NUMBER",
            "How many packets are missed before the path has failed, 1 to 255 [default: 5]",
        ),
    ],
};

const KEY: Section = Section {
    heading: "Authentication",
    rare: false,
    options: &[
        Opt::one("auth", "METHOD", "simple, md5, meticulous-md5, sha1, meticulous-sha1; the same at both ends"),
        Opt::one("key-id", "NUMBER", "Number of the key, 0 to 255, the same at both ends [default: 1]"),
        Opt::one("secret-file", "FILE", "File with the key, of at most 16 bytes (SHA1: 20)"),
        Opt::one("secret", "SECRET", "The key itself, or hex:…; others see it in ps and in the save file"),
    ],
};

const HOPS: Section = Section {
    heading: "Routers in between",
    rare: false,
    options: &[
        Opt::one("ttl", "NUMBER", "TTL or hop limit of our packets [default: 255]"),
        Opt::one(
            "max-hops",
            "NUMBER|any",
            "How much lower than --ttl that of the neighbour's packets may be [default: 0; with --multihop: any]",
        ),
    ],
};

const PROCESS_WIDE: Section = Section {
    heading: "Settings of the whole process",
    rare: false,
    options: &[
        Opt::one("startup-delay", "TIME", "No elections so long after the start [default: 0]"),
        Opt::flag("missing-interfaces", "Interfaces may be missing, and come and go"),
        Opt::one(
            "script-user",
            "USER[:GROUP]",
            "Who runs commands without a user [default: lvsadm_script, keepalived_script, nobody]",
        ),
        fifo::FIFO,
        Opt::many(
            "static-address",
            "ADDRESS",
            first,
            "Address that is there whoever is master: 'ADDR/LENGTH dev IF …'",
        ),
        Opt::many(
            "static-route",
            "ROUTE",
            destination,
            "Route that is there whoever is master, as `ip route` takes it",
        ),
        Opt::many("static-rule", "RULE", whole, "Rule that is there whoever is master, as `ip rule` takes it"),
        Opt::one(
            "sync-daemon",
            "DAEMON",
            "Sync daemon that follows an instance: 'IF inst NAME [id N] [maxlen N] [port N] [ttl N] [group ADDR]'",
        ),
    ],
};
