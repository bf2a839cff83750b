//! The two lines about checks: `check add`, a check of one server or of all servers of a service, and `check set`, what is
//! said of a service or server beside its checks. The same words as on the command line, by the same definitions.

use clap::{Args, FromArgMatches, Subcommand, error::ContextKind};

use super::{
    AgentArgs, BfdArgs, ConnectionArgs, DnsArgs, Faults, FileArgs, Given, HttpArgs, Kind, PingArgs, ScheduleArgs,
    ScriptArgs, SmtpArgs, TcpArgs, UdpArgs, policy::PolicyArgs, selector::SelectorArgs,
};
use crate::{
    check::settings::{Question, Schedule},
    model::{ServerKey, ServiceKey},
    state::{
        file::{Fault, without_program},
        words::{self, Word},
    },
};

/// A check.
#[derive(Clone, Debug, Args)]
pub struct AddLine {
    #[command(flatten)]
    pub(super) selector: SelectorArgs,
    #[command(subcommand)]
    pub(super) kind: KindArgs,
    /// Tells several checks of one kind and server apart
    #[arg(long = "as", value_name = "NAME", global = true)]
    pub(super) label: Option<String>,
    /// The probe goes to the virtual address, by the kernel's own forwarding to that server
    #[arg(long, global = true, help_heading = "Connection")]
    pub(super) through_vip: bool,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(super) schedule: ScheduleArgs,
}

/// What is said of a service or server beside its checks.
#[derive(Clone, Debug, Args)]
pub struct SetLine {
    #[command(flatten)]
    pub(super) selector: SelectorArgs,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
}

/// The kinds of checks.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum KindArgs {
    /// Whether it takes a TCP connection
    Tcp(TcpArgs),
    /// Whether pages are as they should be
    Http(Box<HttpArgs>),
    /// Whether a mail server greets
    Smtp(SmtpArgs),
    /// Whether a name server answers
    Dns(DnsArgs),
    /// Whether a UDP service answers, or at least does not refuse
    Udp(UdpArgs),
    /// Whether a host answers echo requests
    Ping(PingArgs),
    /// What an agent on the server says, as HAProxy's agent-check does
    Agent(AgentArgs),
    /// What a script says
    Script(ScriptArgs),
    /// What the number in a file says
    File(FileArgs),
    /// Whether a BFD session is up
    Bfd(BfdArgs),
}

/// What a kind makes of a line.
pub(super) struct Asked {
    pub(super) question: Option<Question>,
    pub(super) schedule: Schedule,
    /// The port where the server has none.
    pub(super) port: Option<u16>,
}

impl KindArgs {
    /// Reads the question and the schedule.
    pub(super) fn read(&self, schedule: &ScheduleArgs, faults: &mut Faults) -> Asked {
        fn asked<K: Kind>(kind: &K, schedule: &ScheduleArgs, faults: &mut Faults) -> Asked {
            Asked { question: kind.question(faults), schedule: schedule.schedule::<K>(faults), port: K::PORT }
        }
        match self {
            Self::Tcp(kind) => asked(kind, schedule, faults),
            Self::Http(kind) => asked(&**kind, schedule, faults),
            Self::Smtp(kind) => asked(kind, schedule, faults),
            Self::Dns(kind) => asked(kind, schedule, faults),
            Self::Udp(kind) => asked(kind, schedule, faults),
            Self::Ping(kind) => asked(kind, schedule, faults),
            Self::Agent(kind) => asked(kind, schedule, faults),
            Self::Script(kind) => asked(kind, schedule, faults),
            Self::File(kind) => asked(kind, schedule, faults),
            Self::Bfd(kind) => asked(kind, schedule, faults),
        }
    }
}

/// Which of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `check add`.
    Add,
    /// `check set`.
    Set,
}

impl Verb {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Set => "set",
        }
    }
}

/// What a line is about; a file has one line about each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Which line.
    pub verb: Verb,
    /// The service.
    pub service: ServiceKey,
    /// The server; `None` = all of the service's.
    pub server: Option<ServerKey>,
    /// The kind of check, of `check add`.
    pub kind: Option<String>,
    /// `--as`.
    pub label: Option<String>,
}

/// For messages: `tcp check of server 10.0.0.11:80 of TCP 10.0.0.1:80`.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.kind, self.verb) {
            (Some(kind), _) => write!(f, "{kind} check ")?,
            (None, Verb::Add) => f.write_str("check ")?,
            (None, Verb::Set) => f.write_str("`check set` ")?,
        }
        if let Some(label) = &self.label {
            write!(f, "{label} ")?;
        }
        match (&self.server, self.verb) {
            (Some(server), _) => write!(f, "of server {server} of {}", self.service),
            (None, Verb::Add) => write!(f, "of all servers of {}", self.service),
            (None, Verb::Set) => write!(f, "of {}", self.service),
        }
    }
}

/// A line that was read as far as clap does.
pub(super) enum Line {
    Add(Box<AddLine>),
    Set(Box<SetLine>),
}

/// Reads lines; the definition is made once.
pub(super) struct Grammar(clap::Command);

impl Grammar {
    pub(super) fn new() -> Self {
        let verb = |name| clap::Command::new(name).disable_help_flag(true).disable_help_subcommand(true);
        let check = verb("check").no_binary_name(true).subcommand_required(true);
        let add = AddLine::augment_args(verb("add")).mut_subcommands(|kind| kind.disable_help_flag(true));
        Self(check.subcommand(add).subcommand(SetLine::augment_args(verb("set"))))
    }

    /// Reads the words of line `number`, without `check`.
    pub(super) fn read(&mut self, number: usize, words: &[Word<'_>]) -> Result<(Line, Given), Fault> {
        let matches = self.0.try_get_matches_from_mut(words.iter().map(|word| &*word.text));
        let matches = matches.map_err(|error| of_clap(&error, number, words))?;
        let (verb, matches) = matches.subcommand().ok_or_else(|| nothing(number))?;
        let command = self.0.find_subcommand(verb).ok_or_else(|| nothing(number))?;
        let given = Given::of(command, matches);
        let read = match verb {
            "add" => AddLine::from_arg_matches(matches).map(|line| Line::Add(Box::new(line))),
            _ => SetLine::from_arg_matches(matches).map(|line| Line::Set(Box::new(line))),
        };
        Ok((read.map_err(|error| of_clap(&error, number, words))?, given))
    }
}

fn nothing(line: usize) -> Fault {
    let hint = Some("lines are `check add …` and `check set …`".to_owned());
    Fault { line, column: 1, message: "this line says nothing about a check".to_owned(), hint }
}

/// Returns clap's complaint, at the word that it complains of.
fn of_clap(error: &clap::Error, line: usize, words: &[Word<'_>]) -> Fault {
    let text = error.to_string();
    let (said, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let said: Vec<&str> = said.lines().map(str::trim).collect();
    let tip = rest.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let about = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand, ContextKind::InvalidValue];
    let about = about.into_iter().filter_map(|kind| error.get(kind)).map(ToString::to_string).find_map(|about| {
        let first = about.split([' ', '=']).next().unwrap_or_default().to_owned();
        words.iter().find(|word| !first.is_empty() && word.text.starts_with(first.as_str()))
    });
    Fault {
        line,
        column: about.or_else(|| words.first()).map_or(1, |word| word.column),
        message: said.join(" ").trim_start_matches("error: ").to_owned(),
        hint: tip.map(str::to_owned),
    }
}

/// Returns the words of a line behind `check`.
pub(super) fn behind_check<'a>(line: &'a str, number: usize) -> Result<Vec<Word<'a>>, Fault> {
    let words = words::split(line).map_err(|unsplit| Fault {
        line: number,
        column: unsplit.column(),
        message: unsplit.to_string(),
        hint: None,
    })?;
    Ok(without_program(&words).iter().skip(1).cloned().collect())
}

impl Line {
    /// Returns what it is about.
    pub(super) fn subject(&self, given: &Given, faults: &mut Faults) -> Option<Subject> {
        let (verb, selector, label) = match self {
            Self::Add(add) => (Verb::Add, &add.selector, add.label.clone()),
            Self::Set(set) => (Verb::Set, &set.selector, None),
        };
        let (service, server) = selector.read(faults)?;
        Some(Subject { verb, service, server, kind: given.kind().map(str::to_owned), label })
    }
}

/// Finds the lines about subjects; the definition is made once for all of them.
pub struct Subjects(Grammar);

impl Subjects {
    /// Prepares to read lines.
    pub fn new() -> Self {
        Self(Grammar::new())
    }

    /// Returns what a line is about, and its words; nothing if it cannot be read.
    pub fn of(&mut self, line: &str) -> Option<(Subject, Given)> {
        let words = behind_check(line, 0).ok()?;
        let (line, given) = self.0.read(0, &words).ok()?;
        let subject = line.subject(&given, &mut Faults::default())?;
        Some((subject, given))
    }
}

impl Default for Subjects {
    fn default() -> Self {
        Self::new()
    }
}
