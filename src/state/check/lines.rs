//! Lines about checks → what the check process is told.
//!
//! Lines are read without the table; then they are laid over one: a line without a server stands for every server that the
//! service has. Where a server has a line of its own for the same kind of check, that one counts.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use super::{
    ConnectionArgs, Faults, Subject, Target, Verb,
    fault::Wrong,
    line::{Asked, Grammar, Line, behind_check},
    policy::OfServer,
};
use crate::{
    check::settings::{Question, Schedule},
    model::{ServerKey, ServiceKey, Table},
    pool::settings::{Check, Policy, Scope, Settings},
    state::{file::Fault, words::Word},
};

/// The lines of a file about checks, each of them sound.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// With their numbers.
    read: Vec<(usize, Arc<Read>)>,
    /// Services of all servers of which something is said.
    of_all: HashSet<ServiceKey>,
}

/// A line that was read. The next reading of the file takes it over if it is still there: that costs a hundredth of reading
/// it again.
#[derive(Debug)]
struct Read {
    text: String,
    subject: Subject,
    says: Says,
}

/// What a line says.
#[derive(Debug)]
enum Says {
    Add(Box<Add>),
    OfService(Box<(Policy, OfServer)>),
    OfServer(ServerKey, Box<OfServer>),
}

/// A `check add`.
#[derive(Debug)]
struct Add {
    connection: ConnectionArgs,
    instead: Target,
    question: Question,
    schedule: Arc<Schedule>,
    port: Option<u16>,
    through_vip: bool,
}

/// Lines laid over a table.
#[derive(Clone, Debug, Default)]
pub struct Expanded {
    /// What the check process is told.
    pub settings: Settings,
    /// Checks of all servers of a service that has none: service and kind.
    pub idle: Vec<(ServiceKey, String)>,
    /// Lines that make no sense for a server that the service has: the line, and why.
    pub faults: Vec<Fault>,
}

impl Lines {
    /// Reads the lines about checks, each with its number. Those that are also in `before` are taken from there.
    ///
    /// # Errors
    /// All faults, in the order of the lines.
    pub fn parse<'a>(lines: impl Iterator<Item = (usize, &'a str)>, before: Option<&Self>) -> Result<Self, Vec<Fault>> {
        let known: HashMap<&str, &Arc<Read>> =
            before.into_iter().flat_map(|before| &before.read).map(|(_, read)| (read.text.as_str(), read)).collect();
        let mut grammar = None;
        let (mut all, mut faults) = (Self::default(), Vec::new());
        let mut seen: HashMap<Subject, usize> = HashMap::new();
        for (number, line) in lines {
            let read = match known.get(line) {
                Some(read) => Arc::clone(read),
                None => match read(grammar.get_or_insert_with(Grammar::new), number, line) {
                    Ok(read) => Arc::new(read),
                    Err(wrong) => {
                        faults.extend(wrong);
                        continue;
                    }
                },
            };
            if let Some(other) = seen.insert(read.subject.clone(), number) {
                faults.push(repeated(&read.subject, line, number, other));
                continue;
            }
            if read.subject.server.is_none() {
                all.of_all.insert(read.subject.service);
            }
            all.read.push((number, read));
        }
        if faults.is_empty() { Ok(all) } else { Err(faults) }
    }

    /// Returns the names of BFD sessions that checks go by, each with its line.
    pub fn sessions(&self) -> impl Iterator<Item = (usize, &str)> {
        self.read.iter().filter_map(|(number, read)| match &read.says {
            Says::Add(add) => match &add.question {
                Question::Bfd { name } => Some((*number, name.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether a line says something of all servers of this service, also of those that it gets later.
    pub fn stand_for_all(&self, service: &ServiceKey) -> bool {
        self.of_all.contains(service)
    }

    /// Returns the services of which these lines say something else than `before`, which these were read after.
    pub fn differ_from(&self, before: &Self) -> HashSet<ServiceKey> {
        let set = |lines: &Self| lines.read.iter().map(|(_, read)| Arc::as_ptr(read)).collect::<HashSet<_>>();
        let (old, new) = (set(before), set(self));
        let only_in = |lines: &'_ Self, other: &HashSet<*const Read>| -> Vec<ServiceKey> {
            let only = lines.read.iter().filter(|(_, read)| !other.contains(&Arc::as_ptr(read)));
            only.map(|(_, read)| read.subject.service).collect()
        };
        only_in(before, &new).into_iter().chain(only_in(self, &old)).collect()
    }

    /// Lays the lines about the services of `scope` over a table, which has no others.
    pub fn over(&self, operator: Table, scope: Scope) -> Expanded {
        let mut expanded = Expanded::default();
        let (mut adds, mut own) = (Vec::new(), HashSet::new());
        let (mut of_services, mut of_servers) = (HashMap::new(), HashMap::new());
        for (number, read) in self.read.iter().filter(|(_, read)| scope.has(&read.subject.service)) {
            let (service, server) = (read.subject.service, read.subject.server);
            match &read.says {
                Says::Add(add) => {
                    own.extend(server.map(|server| (read.subject.of_all(), server)));
                    adds.push((*number, &read.subject, &**add));
                }
                Says::OfService(says) => {
                    let (policy, of_server) = &**says;
                    expanded.settings.policies.push(policy.clone());
                    of_services.insert(service, of_server);
                }
                Says::OfServer(server, says) => _ = of_servers.insert((service, *server), &**says),
            }
        }
        for (number, subject, add) in adds {
            let service = subject.service;
            if let Some(server) = subject.server {
                add.check((number, service), server, &mut expanded);
                continue;
            }
            let servers = || operator.services.get(&service).into_iter().flat_map(|entry| entry.servers.keys());
            for server in servers().filter(|server| !own.contains(&(subject.of_all(), **server))) {
                add.check((number, service), *server, &mut expanded);
            }
            if servers().next().is_none() {
                expanded.idle.push((service, subject.kind.clone().unwrap_or_default()));
            }
        }
        // Of most servers nothing is said.
        let said = operator.services.iter().filter(|(key, _)| of_services.contains_key(*key));
        let of_table = said.flat_map(|(key, entry)| entry.servers.keys().map(|server| (*key, *server)));
        let mut done = HashSet::new();
        let pairs: Vec<_> = of_table.chain(of_servers.keys().copied()).filter(|pair| done.insert(*pair)).collect();
        for (service, server) in pairs {
            let of_service = (service, of_services.get(&service).copied());
            let own = (server, of_servers.get(&(service, server)).copied());
            expanded.settings.servers.extend(OfServer::policy(of_service, own));
        }
        expanded.settings.operator = operator;
        expanded.settings.scope = scope;
        expanded
    }
}

/// Reads a line.
fn read(grammar: &mut Grammar, number: usize, line: &str) -> Result<Read, Vec<Fault>> {
    let words = behind_check(line, number).map_err(|fault| vec![fault])?;
    let (parsed, given) = grammar.read(number, &words).map_err(|fault| vec![fault])?;
    let mut faults = Faults::default();
    let subject = parsed.subject(&given, &mut faults);
    let says = match parsed {
        Line::Add(add) => {
            let Asked { question, schedule, port } = add.kind.read(&add.schedule, &mut faults);
            let instead = add.connection.target(&mut faults);
            let (connection, through_vip) = (add.connection, add.through_vip);
            let schedule = Arc::new(schedule);
            let add = question.map(|question| Add { connection, instead, question, schedule, port, through_vip });
            if let (Some(add), Some(subject)) = (&add, &subject) {
                add.judge(subject, &mut faults);
            }
            add.map(|add| Says::Add(Box::new(add)))
        }
        Line::Set(set) => {
            let (key, server) =
                subject.as_ref().map_or_else(|| (nobody(), None), |subject| (subject.service, subject.server));
            Some(match server {
                Some(server) => {
                    set.policy.only_server(&mut faults);
                    Says::OfServer(server, Box::new(set.policy.of_server(&mut faults)))
                }
                None => {
                    let policy = set.policy.of_service(key, &mut faults);
                    Says::OfService(Box::new((policy, set.policy.of_server(&mut faults))))
                }
            })
        }
    };
    let faults = located(faults, number, &words);
    match (subject, says) {
        (Some(subject), Some(says)) if faults.is_empty() => Ok(Read { text: line.to_owned(), subject, says }),
        _ => Err(faults),
    }
}

/// Says that a line is about the same as another.
fn repeated(subject: &Subject, line: &str, number: usize, other: usize) -> Fault {
    let hint = match subject.verb {
        Verb::Add => "keep one of the two lines, or tell them apart with --as",
        Verb::Set => "keep one of the two lines",
    };
    let column = behind_check(line, number).map_or(1, |words| column(&words));
    let message = format!("the {subject} is there already, in line {other}");
    Fault { line: number, column, message, hint: Some(hint.to_owned()) }
}

impl Add {
    /// Finds what is wrong for the server that it names, or for any.
    fn judge(&self, subject: &Subject, faults: &mut Faults) {
        let stand_in = ServerKey { address: subject.service_address(), port: 1 };
        let server = subject.server.unwrap_or(stand_in);
        let target = self.target(server).unwrap_or_else(|wrong| {
            faults.add("-r", &server.to_string(), wrong);
            SocketAddr::new(server.address, 1)
        });
        self.connection.probe(target, self.question.clone(), faults);
    }

    /// Returns whom a probe of this server asks.
    fn target(&self, server: ServerKey) -> Result<SocketAddr, Wrong> {
        // What asks nobody is the same for all servers.
        if matches!(self.question, Question::Script { .. } | Question::File { .. } | Question::Bfd { .. }) {
            return Ok(SocketAddr::new(IpAddr::from([0; 4]), 0));
        }
        let address = self.instead.address.unwrap_or(server.address);
        if self.question == Question::Ping {
            return Ok(SocketAddr::new(address, 0));
        }
        let port = self.instead.port.or_else(|| Some(server.port).filter(|port| *port != 0)).or(self.port);
        let port = port.ok_or_else(|| {
            Wrong::new("the server has no port of its own, so the check needs one").hint("--connect :80 names it")
        })?;
        Ok(SocketAddr::new(address, port))
    }

    /// Adds the check of a server by the line with this number.
    fn check(&self, (line, service): (usize, ServiceKey), server: ServerKey, expanded: &mut Expanded) {
        let mut faults = Faults::default();
        let target = self.target(server).map_err(|wrong| faults.add("-r", &server.to_string(), wrong)).ok();
        let probe = target.map(|target| self.connection.probe(target, self.question.clone(), &mut faults));
        let faults = faults.into_all().into_iter().map(|fault| Fault {
            line,
            column: 1,
            message: format!("server {server} of {service} cannot be checked: {fault}"),
            hint: fault.hint,
        });
        let before = expanded.faults.len();
        expanded.faults.extend(faults);
        if let Some(probe) = probe.filter(|_| expanded.faults.len() == before) {
            let (probe, schedule) = (Arc::new(probe), Arc::clone(&self.schedule));
            let through_vip = self.through_vip;
            expanded.settings.checks.push(Check { service, server, probe, schedule, through_vip });
        }
    }
}

impl Subject {
    /// What a line of a server has in common with one of all servers.
    fn of_all(&self) -> (ServiceKey, Option<&str>, Option<&str>) {
        (self.service, self.kind.as_deref(), self.label.as_deref())
    }

    /// Returns an address of the service's family, its own if it has one.
    fn service_address(&self) -> IpAddr {
        match self.service {
            ServiceKey::Address { address, .. } => address,
            ServiceKey::Mark { family: crate::model::Family::V4, .. } => IpAddr::from([0; 4]),
            ServiceKey::Mark { family: crate::model::Family::V6, .. } => IpAddr::from([0; 16]),
        }
    }
}

/// Stands for a service while the rest of its line is read, whose own name is wrong.
fn nobody() -> ServiceKey {
    ServiceKey::Mark { mark: 0, family: crate::model::Family::V4 }
}

/// Returns where a line begins.
fn column(words: &[Word<'_>]) -> usize {
    words.first().map_or(1, |word| word.column)
}

/// Gives faults the places of their options.
fn located(faults: Faults, line: usize, words: &[Word<'_>]) -> Vec<Fault> {
    let place = |fault: super::Fault| {
        let at = words.iter().find(|word| {
            let option = word.text.split('=').next().unwrap_or_default();
            option == fault.option || !fault.word.is_empty() && word.text == fault.word
        });
        let column = at.map_or_else(|| column(words), |word| word.column);
        Fault { line, column, message: fault.to_string(), hint: fault.hint }
    };
    faults.into_all().into_iter().map(place).collect()
}

#[cfg(test)]
mod tests;
