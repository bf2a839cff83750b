//! What a check process is told → lines about checks, in one form: only what differs from the defaults.
//!
//! What is printed here, laid over the same table, is read back as the same settings; checks that all servers of a service
//! have alike are one line.

use std::{
    collections::HashMap,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    AgentArgs, BfdArgs, DnsArgs, FileArgs, HttpArgs, Kind, PingArgs, ScriptArgs, SmtpArgs, TcpArgs, UdpArgs,
    connection::DEADLINE,
    http::{LARGEST, default_name},
    kinds::{HELO, SOA},
    schedule::INTERVAL,
};
use crate::{
    check::{
        dns,
        settings::{Http, HttpVersion, Initial, Page, Probe, Question, Schedule, Tls, Udp},
    },
    host::Command,
    model::{Checksum, Forwarding, RealServer, ServerKey, ServiceKey, Tunnel, Weight},
    pool::settings::{AtStart, Check, Policy, ServerPolicy, Settings},
    state::{print, print::quoted, vrrp},
};

/// Returns the lines that say all of this about the table in it.
pub fn lines(settings: &Settings) -> Vec<String> {
    let mut of_service: HashMap<ServiceKey, Vec<&Check>> = HashMap::new();
    for check in &settings.checks {
        of_service.entry(check.service).or_default().push(check);
    }
    let mut policies: HashMap<ServiceKey, Vec<&Policy>> = HashMap::new();
    for policy in &settings.policies {
        policies.entry(policy.service).or_default().push(policy);
    }
    let mut servers: HashMap<ServiceKey, Vec<&ServerPolicy>> = HashMap::new();
    for policy in &settings.servers {
        servers.entry(policy.service).or_default().push(policy);
    }
    let mut lines = Vec::new();
    for (key, entry) in &settings.operator.services {
        lines.extend(policies.remove(key).unwrap_or_default().into_iter().map(policy));
        lines.extend(servers.remove(key).unwrap_or_default().into_iter().map(server_policy));
        let checks = of_service.remove(key).unwrap_or_default();
        lines.extend(checks_of(key, entry.servers.len(), &checks));
    }
    // Those of services that the table does not have.
    lines.extend(policies.into_values().flatten().map(policy));
    lines.extend(servers.into_values().flatten().map(server_policy));
    lines.extend(of_service.iter().flat_map(|(key, checks)| checks_of(key, usize::MAX, checks)));
    lines
}

/// Returns the lines of the checks of one service, which has so many servers.
fn checks_of(service: &ServiceKey, count: usize, checks: &[&Check]) -> Vec<String> {
    // Several checks of one kind and server have labels.
    let mut of_kind: HashMap<(ServerKey, &str), u32> = HashMap::new();
    let mut tails: Vec<(ServerKey, Tail)> = Vec::with_capacity(checks.len());
    for check in checks {
        let kind = of_question(&check.probe.question);
        let number = of_kind.entry((check.server, kind.word)).and_modify(|number| *number += 1).or_insert(1);
        let label = (*number > 1).then_some(*number);
        tails.push((check.server, Tail { kind: kind.word, label, text: tail(check, &kind, label) }));
    }
    // What all servers have, by kind and label, and in the same words, is one line.
    let mut alike: HashMap<(&str, Option<u32>), (usize, bool, &str)> = HashMap::new();
    for (_, tail) in &tails {
        let entry = alike.entry((tail.kind, tail.label)).or_insert((0, true, &tail.text));
        entry.0 += 1;
        entry.1 &= entry.2 == tail.text;
    }
    let name = print::service_name(service, &print::numeric);
    let mut lines = Vec::new();
    let mut said: Vec<(&str, Option<u32>)> = Vec::new();
    for (server, tail) in &tails {
        let key = (tail.kind, tail.label);
        let for_all = alike.get(&key).is_some_and(|(found, same, _)| *same && *found == count);
        if !for_all {
            lines.push(format!("check add {name}{} {}", server_name(service, server), tail.text));
        } else if !said.contains(&key) {
            said.push(key);
            lines.push(format!("check add {name} {}", tail.text));
        }
    }
    lines
}

/// The words of a line behind its service and server.
struct Tail {
    kind: &'static str,
    label: Option<u32>,
    text: String,
}

fn server_name(service: &ServiceKey, server: &ServerKey) -> String {
    // Behind a mark ports belong to no protocol.
    let protocol = match service {
        ServiceKey::Address { protocol, .. } => Some(*protocol),
        ServiceKey::Mark { .. } => None,
    };
    format!(" -r {}", print::numeric(server.address, server.port, protocol))
}

/// What a kind of check has if nothing is said.
struct OfKind {
    word: &'static str,
    port: Option<u16>,
    retry: u32,
    delay: Option<Duration>,
}

fn of_question(question: &Question) -> OfKind {
    fn of<K: Kind>() -> OfKind {
        OfKind { word: K::WORD, port: K::PORT, retry: K::RETRY, delay: K::RETRY_DELAY.map(Duration::from_secs) }
    }
    match question {
        Question::Tcp => of::<TcpArgs>(),
        Question::Http(_) => of::<HttpArgs>(),
        Question::Smtp { .. } => of::<SmtpArgs>(),
        Question::Dns { .. } => of::<DnsArgs>(),
        Question::Udp(_) => of::<UdpArgs>(),
        Question::Ping => of::<PingArgs>(),
        Question::Script { .. } => of::<ScriptArgs>(),
        Question::File { .. } => of::<FileArgs>(),
        Question::Agent { .. } => of::<AgentArgs>(),
        Question::Bfd { .. } => of::<BfdArgs>(),
    }
}

/// Words as they grow: options, and operands that stand behind all of them.
#[derive(Default)]
struct Words {
    options: String,
    operands: String,
}

impl Words {
    fn value(&mut self, option: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        // What begins with a hyphen would be taken for an option.
        let separator = if value.starts_with('-') { '=' } else { ' ' };
        let _ = write!(self.options, " --{option}{separator}{}", quoted(value));
    }

    fn differs<T: PartialEq>(&mut self, option: &str, value: &T, default: &T, print: impl Fn(&T) -> String) {
        if value != default {
            self.value(option, print(value));
        }
    }

    fn flag(&mut self, option: &str, set: bool) {
        if set {
            let _ = write!(self.options, " --{option}");
        }
    }

    fn operand(&mut self, word: &str) {
        let _ = write!(self.operands, " {}", quoted(word));
    }
}

fn tail(check: &Check, kind: &OfKind, label: Option<u32>) -> String {
    let mut words = Words::default();
    question(&mut words, &check.probe.question);
    if let Some(label) = label {
        words.value("as", label.to_string());
    }
    words.flag("through-vip", check.through_vip);
    connection(&mut words, check.server, &check.probe, kind);
    schedule(&mut words, &check.schedule, kind);
    let Words { options, operands } = words;
    // A script may have arguments that look like options.
    let end = if operands.starts_with(" -") || !operands.is_empty() && kind.word == "script" { " --" } else { "" };
    format!("{}{options}{end}{operands}", kind.word)
}

fn connection(words: &mut Words, server: ServerKey, probe: &Probe, kind: &OfKind) {
    let local = matches!(probe.question, Question::Script { .. } | Question::File { .. } | Question::Bfd { .. });
    let port = Some(server.port).filter(|port| *port != 0).or(kind.port).unwrap_or(0);
    let port = if probe.question == Question::Ping { 0 } else { port };
    let target = probe.target;
    if !local && target != SocketAddr::new(server.address, port) {
        let text = match (target.ip() == server.address, target.port() == 0) {
            (true, _) => format!(":{}", target.port()),
            (false, true) => target.ip().to_string(),
            (false, false) => target.to_string(),
        };
        words.value("connect", text);
    }
    let connection = &probe.connection;
    if let Some(source) = connection.source {
        words.value("source", source.to_string());
    }
    words.differs("source-port", &connection.source_port, &0, u16::to_string);
    if let Some(interface) = &connection.interface {
        words.value("interface", interface);
    }
    words.differs("mark", &connection.mark, &0, u32::to_string);
    if let Some(timeout) = connection.timeout {
        words.value("connect-timeout", time(&timeout));
    }
    words.differs("timeout", &probe.deadline, &DEADLINE, time);
}

fn schedule(words: &mut Words, schedule: &Schedule, kind: &OfKind) {
    words.differs("interval", &schedule.interval, &INTERVAL, time);
    words.differs("jitter", &schedule.jitter, &Duration::ZERO, time);
    words.differs("retry", &schedule.retry, &kind.retry, u32::to_string);
    let delay = kind.delay.unwrap_or(schedule.interval);
    words.differs("retry-delay", &schedule.delay_before_retry, &delay, time);
    words.differs("rise", &schedule.rise, &1, u32::to_string);
    words.differs("warmup", &schedule.warmup, &schedule.interval, time);
    words.differs("initial", &schedule.initial, &Initial::CheckFirst, |initial| {
        let word = match initial {
            Initial::CheckFirst => "check-first",
            Initial::Up => "up",
            Initial::Down => "down",
        };
        word.to_owned()
    });
    words.flag("log-all-failures", schedule.log_all_failures);
}

/// Writes a time: `5s`, `100ms`; what is finer as a fraction of seconds.
fn time(time: &Duration) -> String {
    let micros = time.as_micros();
    if micros.is_multiple_of(1_000) {
        return vrrp::print_time(*time);
    }
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn question(words: &mut Words, question: &Question) {
    match question {
        Question::Tcp | Question::Ping => {}
        Question::Http(http) => pages(words, http),
        Question::Smtp { helo } => words.differs("helo", &helo.as_str(), &HELO, |helo| (*helo).to_owned()),
        Question::Dns { name, kind } => {
            words.differs("name", &name.as_str(), &".", |name| (*name).to_owned());
            words.differs("type", kind, &SOA, |kind| dns::kind_name(*kind));
        }
        Question::Udp(udp) => datagrams(words, udp),
        Question::Script { command, dynamic } => {
            words.flag("dynamic", *dynamic);
            if let Some((user, group)) = &command.user {
                words.value("user", group.as_ref().map_or_else(|| user.clone(), |group| format!("{user}:{group}")));
            }
            command.words.iter().for_each(|word| words.operand(word));
        }
        Question::File { path, weight } => {
            words.differs("weight", weight, &0, i64::to_string);
            words.operand(&path.to_string_lossy());
        }
        Question::Agent { send } => words.differs("send", &send.as_str(), &"", |send| {
            send.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
        }),
        Question::Bfd { name } => words.operand(name),
    }
}

fn datagrams(words: &mut Words, udp: &Udp) {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if let Some(payload) = &udp.payload {
        words.value("payload", hex(payload));
    }
    words.flag("reply", udp.reply_required && udp.expected.is_empty());
    if !udp.expected.is_empty() {
        let nibble =
            |value: u8, mask: u8| if mask == 0 { 'x' } else { char::from_digit(value.into(), 16).unwrap_or('x') };
        let byte = |(value, mask): &(u8, u8)| [nibble(value >> 4, mask >> 4), nibble(value & 15, mask & 15)];
        words.value("expect", udp.expected.iter().flat_map(byte).collect::<String>());
    }
    words.differs("least", &udp.least, &0, u16::to_string);
    words.differs("most", &udp.most, &udp.least.max(255), u16::to_string);
}

fn pages(words: &mut Words, http: &Http) {
    let Some((first, more)) = http.pages.split_first() else { return };
    words.differs("path", &first.path.as_str(), &"/", |path| (*path).to_owned());
    for (option, value) in details(first) {
        words.value(option, value);
    }
    words.differs("http-version", &http.version, &HttpVersion::V1_0, |version| {
        let word = match version {
            HttpVersion::V1_0 => "1.0",
            HttpVersion::V1_0Close => "1.0c",
            HttpVersion::V1_1 => "1.1",
        };
        word.to_owned()
    });
    words.differs("largest", &http.largest, &LARGEST, u64::to_string);
    if let Some(tls) = &http.tls {
        secure(words, tls, first.host.as_deref());
    }
    for page in more {
        let mut text = quoted(&page.path).into_owned();
        for (option, value) in details(page) {
            let _ = write!(text, " {}", quoted(&format!("{option}={value}")));
        }
        words.value("page", text);
    }
}

/// Returns what is said of a page beside its path, by the names of options.
fn details(page: &Page) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    if let Some(host) = &page.host {
        details.push(("host", host.clone()));
    }
    if page.method != "GET" {
        details.push(("method", page.method.clone()));
    }
    details.extend(page.headers.iter().map(|(name, value)| ("header", format!("{name}: {value}"))));
    if page.statuses != [(200, 299)] {
        let range = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        details.push(("status", page.statuses.iter().map(range).collect::<Vec<_>>().join(",")));
    }
    if let Some(digest) = page.digest {
        details.push(("digest", digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))));
    }
    if let Some((pattern, wanted)) = &page.pattern {
        details.push((if *wanted { "match" } else { "no-match" }, pattern.clone()));
    }
    details
}

fn secure(words: &mut Words, tls: &Tls, host: Option<&str>) {
    words.flag("tls", true);
    match &tls.name {
        None => words.flag("no-sni", default_name(host).is_some()),
        Some(name) if default_name(host).as_ref() == Some(name) => {}
        Some(name) => words.value("sni", name),
    }
    words.flag("verify", tls.verify);
    if let Some(authorities) = &tls.authorities {
        words.value("ca", authorities.to_string_lossy());
    }
    if let Some((certificate, key)) = &tls.identity {
        words.value("cert", certificate.to_string_lossy());
        words.value("key", key.to_string_lossy());
    }
    if let Some(warn) = &tls.warn_expiry {
        words.value("warn-expiry", time(warn));
    }
}

fn policy(policy: &Policy) -> String {
    let mut words = Words::default();
    words.differs("quorum", &policy.quorum, &1, u32::to_string);
    words.differs("hysteresis", &policy.hysteresis, &0, u32::to_string);
    commands(&mut words, [("quorum-up", &policy.quorum_up), ("quorum-down", &policy.quorum_down)]);
    if let Some(sorry) = &policy.sorry {
        sorry_server(&mut words, sorry);
    }
    words.flag("sorry-inhibit", policy.sorry_inhibit);
    words.flag("omega", policy.omega);
    if let Some(address) = policy.suspend_without {
        words.value("suspend-without", IpAddr::to_string(&address));
    }
    match policy.at_start {
        AtStart::Nothing => {}
        AtStart::Quorum => words.value("at-start", "quorum"),
        AtStart::Servers => words.value("at-start", "servers"),
    }
    words.flag("inhibit", policy.inhibit);
    format!("check set {}{}", print::service_name(&policy.service, &print::numeric), words.options)
}

fn sorry_server(words: &mut Words, sorry: &RealServer) {
    words.value("sorry-server", SocketAddr::new(sorry.key.address, sorry.key.port).to_string());
    let (letter, tunnel) = match sorry.forwarding {
        Forwarding::Masquerade => (" -m", Tunnel::Ipip),
        Forwarding::Tunnel(tunnel) => (" -i", tunnel),
        Forwarding::Route | Forwarding::Local | Forwarding::Bypass => return,
    };
    words.options.push_str(letter);
    let checksum = match tunnel {
        Tunnel::Ipip => return,
        Tunnel::Gue { port, checksum } => {
            words.value("tun-type", "gue");
            words.value("tun-port", port.to_string());
            checksum
        }
        Tunnel::Gre { checksum } => {
            words.value("tun-type", "gre");
            checksum
        }
    };
    words.flag("tun-csum", checksum == Checksum::Full);
    words.flag("tun-remcsum", checksum == Checksum::Remote);
}

fn server_policy(policy: &ServerPolicy) -> String {
    let mut words = Words::default();
    words.flag("inhibit", policy.inhibit == Some(true));
    words.flag("no-inhibit", policy.inhibit == Some(false));
    commands(&mut words, [("notify-up", &policy.up), ("notify-down", &policy.down)]);
    if let Some((least, most)) = policy.weights {
        words.differs("weight-min", &least, &Weight::ZERO, Weight::to_string);
        words.differs("weight-max", &most, &Weight::MAX, Weight::to_string);
    }
    let service = print::service_name(&policy.service, &print::numeric);
    format!("check set {service}{}{}", server_name(&policy.service, &policy.server), words.options)
}

fn commands(words: &mut Words, commands: [(&str, &Option<Command>); 2]) {
    for (option, command) in commands {
        if let Some(command) = command {
            words.value(option, vrrp::print_command(command));
        }
    }
}
