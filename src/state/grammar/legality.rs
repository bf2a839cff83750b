//! Which options go with which command, and with which tunnel type.
//!
//! Options are judged in the order of [`OPTS`]; the first that offends is reported.

use super::{
    fault::{Context, Fault, FaultKind},
    options::{OPTS, Opt, Verb},
};

/// The options that were given, each with the word it stands in.
#[derive(Clone, Debug)]
pub(super) struct Given([Option<usize>; OPTS.len()]);

impl Given {
    /// Returns the options of a command line that gave none yet.
    pub(super) fn new() -> Self {
        Self([None; OPTS.len()])
    }

    /// Records an option, which may be given once.
    pub(super) fn insert(&mut self, opt: Opt, word: usize) -> Result<(), Fault> {
        if self.has(opt) {
            return Err(Fault { kind: FaultKind::Multiple(opt.name()), word: Some(word) });
        }
        self.0[opt as usize] = Some(word);
        Ok(())
    }

    pub(super) fn has(&self, opt: Opt) -> bool {
        self.word(opt).is_some()
    }

    /// Returns the options that were given.
    fn all(&self) -> impl Iterator<Item = Opt> {
        OPTS.iter().zip(&self.0).filter(|(_, word)| word.is_some()).map(|((opt, _), _)| *opt)
    }

    /// Returns the word that `opt` stands in.
    pub(super) fn word(&self, opt: Opt) -> Option<usize> {
        self.0[opt as usize]
    }
}

/// What a command takes. Everything that no list names is illegal.
#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    needed: &'static [Opt],
    allowed: &'static [Opt],
    one_of: &'static [Opt],
}

const NOTHING: Rule = Rule { needed: &[], allowed: &[], one_of: &[] };

const SERVICE: Rule = Rule {
    needed: &[Opt::Service],
    allowed: &[Opt::Scheduler, Opt::Persistent, Opt::Netmask, Opt::Ops, Opt::Engine, Opt::Flags],
    ..NOTHING
};

const SERVER: Rule = Rule {
    needed: &[Opt::Service, Opt::Server],
    allowed: &[
        Opt::Forwarding,
        Opt::Weight,
        Opt::Upper,
        Opt::Lower,
        Opt::TunType,
        Opt::TunPort,
        Opt::TunNoCsum,
        Opt::TunCsum,
        Opt::TunRemCsum,
    ],
    ..NOTHING
};

const LIST: Rule = Rule {
    allowed: &[
        Opt::Numeric,
        Opt::Stats,
        Opt::Rate,
        Opt::Thresholds,
        Opt::PersistentConn,
        Opt::NoSort,
        Opt::SyncId,
        Opt::Exact,
        Opt::TunInfo,
    ],
    one_of: &[Opt::Connection, Opt::Service, Opt::Timeout, Opt::Daemon],
    ..NOTHING
};

const START_DAEMON: Rule = Rule {
    allowed: &[Opt::Interface, Opt::SyncId, Opt::Group, Opt::McastPort, Opt::McastTtl, Opt::SyncMaxLen],
    ..NOTHING
};

fn rule(verb: Verb) -> Rule {
    match verb {
        Verb::AddService | Verb::EditService => SERVICE,
        Verb::DeleteService => Rule { needed: &[Opt::Service], ..NOTHING },
        Verb::AddServer | Verb::EditServer => SERVER,
        Verb::DeleteServer => Rule { needed: &[Opt::Service, Opt::Server], ..NOTHING },
        Verb::List => LIST,
        Verb::Save => Rule { allowed: &[Opt::Numeric], ..NOTHING },
        Verb::Zero => Rule { allowed: &[Opt::Service], ..NOTHING },
        Verb::StartDaemon => START_DAEMON,
        Verb::StopDaemon => Rule { allowed: &[Opt::SyncId], ..NOTHING },
        Verb::Clear | Verb::Set | Verb::Restore | Verb::Help | Verb::Version => NOTHING,
    }
}

/// Checks that `verb` takes what was given and has what it needs.
pub(super) fn check_command(verb: Verb, given: &Given) -> Result<(), Fault> {
    check(rule(verb), Context::Command(verb.name()), given, |_| true)
}

/// Checks the options of a tunnel of the type called `name`.
pub(super) fn check_tunnel(name: &'static str, given: &Given) -> Result<(), Fault> {
    let rule = match name {
        "gue" => Rule { needed: &[Opt::TunPort], one_of: &[Opt::TunNoCsum, Opt::TunCsum, Opt::TunRemCsum], ..NOTHING },
        "gre" => Rule { one_of: &[Opt::TunNoCsum, Opt::TunCsum], ..NOTHING },
        _ => NOTHING,
    };
    check(rule, Context::TunnelType(name), given, |opt| opt > Opt::TunType)
}

fn check(rule: Rule, context: Context, given: &Given, concerned: fn(Opt) -> bool) -> Result<(), Fault> {
    // Most lines are as they should be, and files have many lines.
    if rule.needed.iter().all(|opt| given.has(*opt))
        && given.all().all(|opt| rule.needed.contains(&opt) || rule.allowed.contains(&opt))
    {
        return Ok(());
    }
    let mut earlier = None;
    for (opt, name) in OPTS.into_iter().filter(|(opt, _)| concerned(*opt)) {
        let word = given.word(opt);
        if word.is_none() {
            if rule.needed.contains(&opt) {
                return Err(Fault { kind: FaultKind::Needed { option: name, context }, word: None });
            }
        } else if rule.one_of.contains(&opt) {
            if let Some(earlier) = earlier {
                return Err(Fault { kind: FaultKind::Conflict { later: name, earlier, context }, word });
            }
            earlier = Some(name);
        } else if !rule.needed.contains(&opt) && !rule.allowed.contains(&opt) {
            return Err(Fault { kind: FaultKind::Illegal { option: name, context }, word });
        }
    }
    Ok(())
}

/// Checks which listings go together; a table of its own because it speaks of pairs.
pub(super) fn check_listing(given: &Given) -> Result<(), Fault> {
    let first = |opts: &[Opt]| opts.iter().find_map(|opt| given.word(*opt));
    let special = first(&[Opt::Connection, Opt::Timeout, Opt::Daemon]);
    let counters = first(&[Opt::Stats, Opt::Rate, Opt::Thresholds]);
    let small = first(&[Opt::Timeout, Opt::Daemon]);
    let persistent = first(&[Opt::PersistentConn]);
    match (special.and(counters), small.and(persistent)) {
        (None, None) => Ok(()),
        (word, other) => Err(Fault { kind: FaultKind::ListConflict, word: word.or(other) }),
    }
}
