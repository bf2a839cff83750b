//! The checkers of a real server → probes and their schedules.
//!
//! keepalived gives each step of a check (connection, each answer) the time `connect_timeout`; a probe has a deadline for all
//! of them, which is as many times that.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::{
    page,
    reading::{Reader, Reading, address, inside, number, port, user, whole_seconds},
};
use crate::{
    check::{
        dns,
        settings::{Connection, Initial, Probe, Question, Schedule, Udp},
    },
    config::tree::{Statement, Verdict},
    vrrp::settings::TrackedFile,
};

/// A day: the longest time of a schedule.
const DAY: Duration = Duration::from_secs(86_400);

/// The name that mail servers are greeted with if nothing is said.
const HELO: &str = "smtpchecker.keepalived.org";

/// A name is always looked for; 6 = SOA.
const SOA: u16 = 6;

/// What a virtual server says for all of its servers, and each of them for its checkers: what is not said, comes from the
/// level above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) delay_loop: Option<Duration>,
    pub(super) retry: Option<u32>,
    pub(super) delay_before_retry: Option<Duration>,
    pub(super) warmup: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) alpha: bool,
    pub(super) log_all_failures: bool,
}

impl Common {
    /// Reads a keyword that all levels share; returns whether it was one.
    pub(super) fn take(&mut self, statement: &Statement, r: &mut Reader) -> bool {
        let pause = Duration::ZERO..=DAY;
        match &*statement.keyword.text {
            "delay_loop" => self.delay_loop = r.time(statement, Duration::from_millis(10)..=DAY).or(self.delay_loop),
            "retry" | "nb_get_retry" => self.retry = r.number(statement, 0..=999).or(self.retry),
            "delay_before_retry" => self.delay_before_retry = r.time(statement, pause).or(self.delay_before_retry),
            "warmup" => self.warmup = r.time(statement, pause).or(self.warmup),
            "connect_timeout" => {
                let range = Duration::from_millis(1)..=Duration::from_secs(3600);
                self.connect_timeout = r.time(statement, range).or(self.connect_timeout);
            }
            "alpha" => self.alpha = r.switch(statement),
            "log_all_failures" => self.log_all_failures = r.switch(statement),
            _ => return false,
        }
        true
    }

    fn interval(&self) -> Duration {
        self.delay_loop.unwrap_or(Duration::from_secs(60))
    }

    /// What is waited for in one step.
    fn step(&self) -> Duration {
        self.connect_timeout.unwrap_or(Duration::from_secs(5))
    }

    fn schedule(&self, kind: &Kind) -> Schedule {
        let interval = self.interval();
        Schedule {
            interval,
            jitter: Duration::ZERO,
            retry: self.retry.unwrap_or(kind.retry),
            delay_before_retry: self.delay_before_retry.or(kind.delay).unwrap_or(interval),
            rise: 1,
            warmup: self.warmup.unwrap_or(interval),
            initial: if self.alpha { Initial::Down } else { Initial::Up },
            log_all_failures: self.log_all_failures,
        }
    }
}

/// What a checker has if nothing is said.
struct Kind {
    retry: u32,
    /// `None` = the interval.
    delay: Option<Duration>,
}

/// Whom a checker asks, and what it needs to know beside its own block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    /// The real server, with the port that was written for it.
    pub(super) address: IpAddr,
    /// The port; 0 = none.
    pub(super) port: u16,
    /// Host names that were said of the virtual and of the real server.
    pub(super) of_service: Option<&'a str>,
    pub(super) of_server: Option<&'a str>,
    /// Our certificate and its key, from the `SSL` block.
    pub(super) identity: Option<&'a (PathBuf, PathBuf)>,
    pub(super) files: &'a [TrackedFile],
}

/// Whether a keyword begins a checker.
pub(super) fn is_one(keyword: &str) -> bool {
    let known = [
        "TCP_CHECK",
        "HTTP_GET",
        "SSL_GET",
        "SMTP_CHECK",
        "DNS_CHECK",
        "MISC_CHECK",
        "UDP_CHECK",
        "PING_CHECK",
        "BFD_CHECK",
        "FILE_CHECK",
    ];
    known.contains(&keyword)
}

/// How a server is reached, as it is said.
#[derive(Clone, Debug, Default)]
struct Way {
    address: Option<IpAddr>,
    port: Option<u16>,
    connection: Connection,
}

impl Way {
    /// Reads a keyword about the way; returns whether it was one.
    fn take(&mut self, statement: &Statement, r: &mut Reader) -> bool {
        let Self { connection, .. } = self;
        match &*statement.keyword.text {
            "connect_ip" => self.address = r.one(statement, address),
            "connect_port" => self.port = r.one(statement, port),
            "bindto" => connection.source = r.one(statement, address),
            "bind_port" => connection.source_port = r.one(statement, port).unwrap_or(0),
            "bind_if" => connection.interface = r.text(statement),
            "fwmark" => connection.mark = r.one(statement, number(0..=u32::MAX)).unwrap_or(0),
            _ => return false,
        }
        true
    }
}

/// Reads a checker: one probe, or for mail servers one for each `host`.
pub(super) fn read(block: &Statement, common: &Common, of: Of<'_>, r: &mut Reader) -> Vec<(Probe, Schedule)> {
    let (mut common, mut way, mut own) = (common.clone(), Way::default(), Vec::new());
    for statement in inside(block) {
        if !way.take(statement, r) && !common.take(statement, r) {
            own.push(statement);
        }
    }
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let usual = Kind { retry: 1, delay: seconds(1) };
    let (question, kind, steps) = match &*block.keyword.text {
        "HTTP_GET" | "SSL_GET" => {
            let tls = &*block.keyword.text == "SSL_GET";
            let Some(http) = page::read(block, &own, tls, of, r) else { return Vec::new() };
            let steps = u32::try_from(http.pages.len()).unwrap_or(u32::MAX).saturating_mul(if tls { 3 } else { 2 });
            (Question::Http(Box::new(http)), Kind { retry: 1, delay: seconds(3) }, steps)
        }
        "SMTP_CHECK" => return smtp((block, &own), &common, &way, of, &usual, r),
        "DNS_CHECK" => (dns(&own, r), Kind { retry: 3, delay: None }, 1),
        "UDP_CHECK" => (udp(&own, r), usual, 1),
        "PING_CHECK" => (Question::Ping, usual, 1),
        "MISC_CHECK" => return script(block, &own, &common, r).into_iter().collect(),
        "BFD_CHECK" => return session(block, &own, &common, r).into_iter().collect(),
        "FILE_CHECK" => return file(block, &own, &common, of, r).into_iter().collect(),
        _ => (Question::Tcp, usual, 1),
    };
    probe(block, question, &common, &kind, &way, (of, steps), r).into_iter().collect()
}

/// Makes a probe of a question over the network.
fn probe(
    block: &Statement,
    question: Question,
    common: &Common,
    kind: &Kind,
    way: &Way,
    (of, steps): (Of<'_>, u32),
    r: &mut Reader,
) -> Option<(Probe, Schedule)> {
    let address = way.address.unwrap_or(of.address);
    let mut connection = way.connection.clone();
    if connection.source.is_some_and(|source| source.is_ipv4() != address.is_ipv4()) {
        let message = format!("bindto: an address of the other family than {address} cannot ask it");
        r.error(&block.keyword.place, Verdict::Ignores, message);
        connection.source = None;
    }
    let port = match question {
        Question::Ping => 0,
        _ => match way.port.or_else(|| Some(of.port).filter(|port| *port != 0)) {
            Some(port) => port,
            None => {
                let message = format!("{} of a server without a port needs connect_port", block.keyword.text);
                r.error(&block.keyword.place, Verdict::Accepts, message);
                return None;
            }
        },
    };
    let step = common.step();
    let deadline = step.saturating_mul(steps).min(DAY);
    connection.timeout = Some(step).filter(|step| *step < deadline);
    let target = SocketAddr::new(address, port);
    Some((Probe { target, connection, question, deadline }, common.schedule(kind)))
}

/// Makes a probe of a question that asks nobody.
fn local(question: Question, deadline: Duration, schedule: Schedule) -> (Probe, Schedule) {
    let target = SocketAddr::new(IpAddr::from([0; 4]), 0);
    (Probe { target, connection: Connection::default(), question, deadline }, schedule)
}

fn smtp(
    (block, own): (&Statement, &[&Statement]),
    common: &Common,
    way: &Way,
    of: Of<'_>,
    kind: &Kind,
    r: &mut Reader,
) -> Vec<(Probe, Schedule)> {
    let helo = own.iter().find(|statement| &*statement.keyword.text == "helo_name");
    let helo = helo.and_then(|statement| r.one(statement, one_word)).unwrap_or_else(|| HELO.to_owned());
    let question = || Question::Smtp { helo: helo.clone() };
    // Connection, greeting, HELO, end.
    let steps = 4;
    let of = Of { port: if of.port == 0 { 25 } else { of.port }, ..of };
    let hosts: Vec<&Statement> = own.iter().copied().filter(|statement| &*statement.keyword.text == "host").collect();
    let mut probes = Vec::new();
    for host in hosts.iter().copied() {
        let (mut way, mut common) = (way.clone(), common.clone());
        r.within(host, |r| {
            for statement in inside(host) {
                _ = way.take(statement, r) || common.take(statement, r);
            }
            probes.extend(probe(host, question(), &common, kind, &way, (of, steps), r));
        });
    }
    if hosts.is_empty() {
        probes.extend(probe(block, question(), common, kind, way, (of, steps), r));
    }
    probes
}

fn one_word(text: &str) -> Reading<String> {
    let good = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if good { Ok(text.to_owned()) } else { Err("a name has no blanks".to_owned()) }
}

fn dns(own: &[&Statement], r: &mut Reader) -> Question {
    let (mut name, mut kind) = (None, None);
    for statement in own {
        match &*statement.keyword.text {
            "name" => {
                name = r.one(statement, |text| match dns::encode(text) {
                    Ok(_) => Ok(text.to_owned()),
                    Err(fault) => Err(fault.to_string()),
                });
            }
            "type" => {
                kind = r.one(statement, |text| {
                    dns::kind(text).ok_or_else(|| "this is no type of record: A, AAAA, NS, SOA, MX, TXT …".to_owned())
                });
            }
            _ => {}
        }
    }
    Question::Dns { name: name.unwrap_or_else(|| ".".to_owned()), kind: kind.unwrap_or(SOA) }
}

fn udp(own: &[&Statement], r: &mut Reader) -> Question {
    let mut udp = Udp { most: 255, ..Udp::default() };
    for statement in own {
        match &*statement.keyword.text {
            "payload" => udp.payload = r.one(&joined(statement), hex),
            "require_reply" => {
                udp.reply_required = true;
                if !statement.values.is_empty() {
                    udp.expected = r.one(&joined(statement), masked).unwrap_or_default();
                }
            }
            "min_reply_length" => udp.least = r.number(statement, 0..=u16::MAX).unwrap_or(udp.least),
            "max_reply_length" => udp.most = r.number(statement, 0..=u16::MAX).unwrap_or(udp.most),
            _ => {}
        }
    }
    udp.most = udp.most.max(udp.least).max(u16::try_from(udp.expected.len()).unwrap_or(u16::MAX));
    Question::Udp(udp)
}

/// Bytes may be written apart: they are one value.
fn joined(statement: &Statement) -> Statement {
    let mut joined = statement.clone();
    if let Some((first, rest)) = joined.values.split_first_mut() {
        let text: String = std::iter::once(&*first.text).chain(rest.iter().map(|word| &*word.text)).collect();
        first.text = text.into();
    }
    joined
}

fn hex(text: &str) -> Reading<Vec<u8>> {
    masked(text).and_then(|bytes| {
        if bytes.iter().any(|(_, mask)| *mask != u8::MAX) {
            return Err("x stands for nothing that could be sent".to_owned());
        }
        Ok(bytes.into_iter().map(|(byte, _)| byte).collect())
    })
}

/// Reads bytes as hexadecimal digits, `x` for those that do not matter.
fn masked(text: &str) -> Reading<Vec<(u8, u8)>> {
    let digits: Option<Vec<(u8, u8)>> = text
        .chars()
        .map(|c| match c {
            'x' | 'X' => Some((0, 0)),
            c => Some((u8::try_from(c.to_digit(16)?).ok()?, 0xf)),
        })
        .collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2));
    let digits = digits.ok_or_else(|| "pairs of hexadecimal digits are needed".to_owned())?;
    let byte = |pair: &[(u8, u8)]| {
        pair.iter().fold((0, 0), |(value, mask), digit| (value << 4 | digit.0, mask << 4 | digit.1))
    };
    Ok(digits.chunks(2).map(byte).collect())
}

fn script(block: &Statement, own: &[&Statement], common: &Common, r: &mut Reader) -> Option<(Probe, Schedule)> {
    let (mut path, mut who, mut timeout, mut dynamic) = (None, None, None, false);
    for statement in own {
        match &*statement.keyword.text {
            "misc_path" => path = Some(*statement),
            "misc_timeout" => timeout = r.one(statement, whole_seconds(1..=86_400)),
            "misc_dynamic" => dynamic = true,
            "user" => who = user(&statement.values),
            _ => {}
        }
    }
    let Some(path) = path else {
        r.error(&block.keyword.place, Verdict::Ignores, "MISC_CHECK has no misc_path").hint =
            Some("misc_path \"/PATH ARGUMENTS\"".to_owned());
        return None;
    };
    let command = r.whole_command(path, who)?;
    if command.words.first().is_some_and(|word| !word.starts_with('/')) {
        let message = "misc_path: an absolute path is needed";
        r.error(&path.keyword.place, Verdict::Corrects, message).hint = Some("write the whole path, from /".to_owned());
        return None;
    }
    let schedule = common.schedule(&Kind { retry: 0, delay: Some(Duration::from_secs(1)) });
    Some(local(Question::Script { command, dynamic }, timeout.unwrap_or_else(|| common.interval()).min(DAY), schedule))
}

fn session(block: &Statement, own: &[&Statement], common: &Common, r: &mut Reader) -> Option<(Probe, Schedule)> {
    let name = own.iter().find(|statement| &*statement.keyword.text == "name");
    let Some(name) = name else {
        r.error(&block.keyword.place, Verdict::Ignores, "BFD_CHECK has no name").hint =
            Some("name of a bfd_instance".to_owned());
        return None;
    };
    let name = r.text(name)?;
    let mut schedule = common.schedule(&Kind { retry: 0, delay: Some(Duration::from_secs(1)) });
    schedule.retry = 0;
    Some(local(Question::Bfd { name }, Duration::from_secs(5), schedule))
}

fn file(
    block: &Statement,
    own: &[&Statement],
    common: &Common,
    of: Of<'_>,
    r: &mut Reader,
) -> Option<(Probe, Schedule)> {
    let (mut found, mut weight) = (None, None);
    for statement in own {
        match &*statement.keyword.text {
            "track_file" => {
                let name = r.text(statement)?;
                found = of.files.iter().find(|file| file.name == name);
                if found.is_none() {
                    r.error(&statement.keyword.place, Verdict::Ignores, format_args!("there is no track_file {name}"));
                    return None;
                }
            }
            "weight" => {
                let most = i64::from(i32::MAX);
                let reverse = statement.values.get(1).is_some_and(|word| &*word.text == "reverse");
                weight = r.number(statement, -most..=most).map(|weight| if reverse { -weight } else { weight });
            }
            _ => {}
        }
    }
    let Some(file) = found else {
        r.error(&block.keyword.place, Verdict::Ignores, "FILE_CHECK names no track_file");
        return None;
    };
    let of_file = i64::from(if file.weight.1 { -file.weight.0 } else { file.weight.0 });
    let question = Question::File { path: file.path.clone(), weight: weight.unwrap_or(of_file) };
    // A look at a file costs nothing, and nobody says how often it is wanted.
    let schedule = Common { delay_loop: common.delay_loop, ..Common::default() };
    let mut schedule = schedule.schedule(&Kind { retry: 0, delay: Some(Duration::from_secs(1)) });
    (schedule.interval, schedule.warmup) = (Duration::from_secs(1), Duration::ZERO);
    Some(local(question, Duration::from_secs(5), schedule))
}
