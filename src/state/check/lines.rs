//! Lines about checks → what the check process is told.
//!
//! Lines are read without the table; then they are laid over one: a line without a server stands for every server that the
//! service has. Where a server has a line of its own for the same kind of check, that one counts.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
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
    pool::settings::{Check, Policy, Settings},
    state::{file::Fault, words::Word},
};

/// The lines of a file about checks, each of them sound.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    adds: Vec<Add>,
    policies: Vec<Policy>,
    of_services: HashMap<ServiceKey, OfServer>,
    of_servers: HashMap<(ServiceKey, ServerKey), OfServer>,
}

/// A `check add`.
#[derive(Clone, Debug)]
struct Add {
    line: usize,
    subject: Subject,
    connection: ConnectionArgs,
    instead: Target,
    question: Question,
    schedule: Schedule,
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
    /// Reads the lines about checks, each with its number.
    ///
    /// # Errors
    /// All faults, in the order of the lines.
    pub fn parse<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Self, Vec<Fault>> {
        let mut grammar = Grammar::new();
        let (mut read, mut faults) = (Self::default(), Vec::new());
        let mut seen: HashMap<Subject, usize> = HashMap::new();
        for (number, line) in lines {
            if let Err(wrong) = read.line(&mut grammar, number, line, &mut seen) {
                faults.extend(wrong);
            }
        }
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }

    fn line(
        &mut self,
        grammar: &mut Grammar,
        number: usize,
        line: &str,
        seen: &mut HashMap<Subject, usize>,
    ) -> Result<(), Vec<Fault>> {
        let words = behind_check(line, number).map_err(|fault| vec![fault])?;
        let (line, given) = grammar.read(number, &words).map_err(|fault| vec![fault])?;
        let mut faults = Faults::default();
        let subject = line.subject(&given, &mut faults);
        let service = subject.as_ref().map(|subject| (subject.service, subject.server));
        let placed = match line {
            Line::Add(add) => {
                let Asked { question, schedule, port } = add.kind.read(&add.schedule, &mut faults);
                let instead = add.connection.target(&mut faults);
                let add = subject.clone().zip(question).map(|(subject, question)| Add {
                    line: number,
                    subject,
                    connection: add.connection.clone(),
                    instead,
                    question,
                    schedule,
                    port,
                    through_vip: add.through_vip,
                });
                if let Some(add) = &add {
                    add.judge(&mut faults);
                }
                Placed::Add(add)
            }
            Line::Set(set) => {
                let (key, server) = service.unwrap_or_else(|| (nobody(), None));
                match server {
                    Some(server) => {
                        set.policy.only_server(&mut faults);
                        Placed::Server(key, server, set.policy.of_server(&mut faults))
                    }
                    None => {
                        let policy = set.policy.of_service(key, &mut faults);
                        Placed::Service(policy, set.policy.of_server(&mut faults))
                    }
                }
            }
        };
        let mut faults = located(faults, number, &words);
        if let Some(subject) = subject {
            if let Some(other) = seen.get(&subject) {
                let message = format!("the {subject} is there already, in line {other}");
                let hint = match subject.verb {
                    Verb::Add => "keep one of the two lines, or tell them apart with --as",
                    Verb::Set => "keep one of the two lines",
                };
                faults.push(Fault { line: number, column: column(&words), message, hint: Some(hint.to_owned()) });
            }
            seen.entry(subject).or_insert(number);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        match placed {
            Placed::Add(add) => self.adds.extend(add),
            Placed::Server(service, server, says) => _ = self.of_servers.insert((service, server), says),
            Placed::Service(policy, says) => {
                self.of_services.insert(policy.service, says);
                self.policies.push(policy);
            }
        }
        Ok(())
    }

    /// Whether a line stands for all servers of this service, also for those that it gets later.
    pub fn stand_for_all(&self, service: &ServiceKey) -> bool {
        let all = |add: &Add| add.subject.server.is_none() && add.subject.service == *service;
        self.of_services.contains_key(service) || self.adds.iter().any(all)
    }

    /// Lays the lines over a table.
    pub fn over(&self, operator: Table) -> Expanded {
        let own: HashSet<_> = self.adds.iter().filter_map(|add| Some((add.key(), add.subject.server?))).collect();
        let mut expanded = Expanded::default();
        for add in &self.adds {
            let service = add.subject.service;
            if let Some(server) = add.subject.server {
                add.check(server, &mut expanded);
                continue;
            }
            let before = expanded.settings.checks.len();
            let servers = operator.services.get(&service).into_iter().flat_map(|entry| entry.servers.keys());
            for server in servers.clone().filter(|server| !own.contains(&(add.key(), **server))) {
                add.check(*server, &mut expanded);
            }
            if servers.count() == 0 && expanded.settings.checks.len() == before {
                expanded.idle.push((service, add.subject.kind.clone().unwrap_or_default()));
            }
        }
        let of_table =
            operator.services.iter().flat_map(|(key, entry)| entry.servers.keys().map(|server| (*key, *server)));
        let named = self.of_servers.keys().copied();
        let mut done = HashSet::new();
        for (service, server) in of_table.chain(named).filter(|pair| done.insert(*pair)) {
            let of_service = (service, self.of_services.get(&service));
            let own = (server, self.of_servers.get(&(service, server)));
            expanded.settings.servers.extend(OfServer::policy(of_service, own));
        }
        expanded.settings.policies.clone_from(&self.policies);
        expanded.settings.operator = operator;
        expanded
    }
}

/// What a line adds.
enum Placed {
    Add(Option<Add>),
    Service(Policy, OfServer),
    Server(ServiceKey, ServerKey, OfServer),
}

impl Add {
    /// What a line of a server has in common with one of its service.
    fn key(&self) -> (ServiceKey, Option<&str>, Option<&str>) {
        (self.subject.service, self.subject.kind.as_deref(), self.subject.label.as_deref())
    }

    /// Finds what is wrong for the server that it names, or for any.
    fn judge(&self, faults: &mut Faults) {
        let stand_in = ServerKey { address: self.subject.service_address(), port: 1 };
        let server = self.subject.server.unwrap_or(stand_in);
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

    fn check(&self, server: ServerKey, expanded: &mut Expanded) {
        let service = self.subject.service;
        let mut faults = Faults::default();
        let target = self.target(server).map_err(|wrong| faults.add("-r", &server.to_string(), wrong)).ok();
        let probe = target.map(|target| self.connection.probe(target, self.question.clone(), &mut faults));
        let faults = faults.into_all().into_iter().map(|fault| Fault {
            line: self.line,
            column: 1,
            message: format!("server {server} of {service} cannot be checked: {fault}"),
            hint: fault.hint,
        });
        let before = expanded.faults.len();
        expanded.faults.extend(faults);
        if let Some(probe) = probe.filter(|_| expanded.faults.len() == before) {
            let (schedule, through_vip) = (self.schedule.clone(), self.through_vip);
            expanded.settings.checks.push(Check { service, server, probe, schedule, through_vip });
        }
    }
}

impl Subject {
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
