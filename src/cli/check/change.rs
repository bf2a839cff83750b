//! `lvsadm check add`, `edit`, `delete` and `set`: lines of the save file.

use std::fs;

use clap::{Args, ValueEnum};

use super::passed;
use crate::{
    agent::{
        check::control::SOCKET,
        control::{self, CallError, CheckCall},
    },
    cli::{
        Complaint, Error, Ui,
        agent::{
            ask::{LIMIT, refused},
            state,
        },
        vrrp::{
            Target,
            file::{Saved, lock, placed, put_back, write},
        },
    },
    state::{
        agent_file::AgentFile,
        check::{AddLine, Faults, Given, SetLine, Subject, Typed, Verb},
        file::Fault,
        names::Resolver,
    },
};

/// Add a check: of one server, or of all servers of a service
///
/// Servers that the service gets later are checked, too. A server that has a line of its own, with the same kind of check, is
/// checked by that one.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check add -t 10.0.0.1:80 tcp
      All servers of the service must take connections.
  lvsadm check add -t 10.0.0.1:80 http --path /health --match ok --interval 2s --fall 3 --rise 2
  lvsadm check add -t 10.0.0.1:443 -r 10.0.0.11 http --tls --host www.example.org --warn-expiry 14d
  lvsadm check add -t 10.0.0.1:80 tcp --through-vip
      Proves the whole way: address on lo, ARP, tunnel, reverse path filter.
  lvsadm check add -f 5 tcp --connect :80
      Servers behind a mark have no port.
  lvsadm check add -u 10.0.0.53:53 dns --name example.org --type A
  lvsadm check add -t 10.0.0.1:80 script --interval 10s -- /usr/local/bin/is-web-up --quick")]
pub(super) struct AddArgs {
    #[command(flatten)]
    line: Typed<AddLine, false>,
    /// If it is there already, change what is named
    #[arg(long, global = true)]
    or_edit: bool,
    #[command(flatten)]
    target: Target,
}

/// Change what is named of a check
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check edit -t 10.0.0.1:80 http --interval 5s
      Everything else stays.
  lvsadm check edit -t 10.0.0.1:80 http --unset match --unset retry
      Back to the defaults.")]
pub(super) struct EditArgs {
    #[command(flatten)]
    line: Typed<AddLine, true>,
    /// Back to the default: an option
    #[arg(long, value_name = "OPTION", global = true)]
    unset: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Delete checks
///
/// Those of a service: with -r only of that server, with KIND only of that kind. What `check set` said stays.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check delete -t 10.0.0.1:80 -r 10.0.0.11 http
  lvsadm check delete -t 10.0.0.1:80
      All checks of the service and of its servers.")]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    line: Typed<Selection, false>,
    /// Only this kind
    kind: Option<KindWord>,
    /// What is not there is no failure
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    target: Target,
}

/// What is to be deleted.
#[derive(Debug, Args)]
struct Selection {
    #[command(flatten)]
    selector: crate::state::check::SelectorArgs,
    /// Only the one with this name
    #[arg(long = "as", value_name = "NAME")]
    label: Option<String>,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindWord {
    Tcp,
    Http,
    Smtp,
    Dns,
    Udp,
    Ping,
    Agent,
    Script,
    File,
}

/// Say how the servers of a service make up its pool: quorum, sorry server, commands, bounds of weights
///
/// What is named is changed, everything else stays.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check set -t 10.0.0.1:80 --quorum 3 --hysteresis 1 --sorry-server 10.0.0.9:80 -g
  lvsadm check set -t 10.0.0.1:80 --inhibit --notify-down '/usr/local/bin/page-somebody web'
      Failed servers get weight 0 and keep their connections; somebody is told of each.
  lvsadm check set -t 10.0.0.1:80 -r 10.0.0.11 --weight-min 5 --weight-max 50
      What its agent may make of its weight.
  lvsadm check set -t 10.0.0.1:80 --unset sorry-server --unset g")]
pub(super) struct SetArgs {
    #[command(flatten)]
    line: Typed<SetLine, true>,
    /// Back to the default: an option
    #[arg(long, value_name = "OPTION")]
    unset: Vec<String>,
    #[command(flatten)]
    target: Target,
}

impl AddArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let (subject, given) = checked(&self.line, Verb::Add)?;
        change(&self.target, ui, |file| match find(file, &subject) {
            Some((number, mut old)) if self.or_edit => {
                old.merge(given.clone());
                Ok(Some(file.put_check(Some(number), old.line(&subject))))
            }
            Some((number, _)) => {
                let text = format!("the {subject} is there already, in line {number} of the save file");
                let hint = "`lvsadm check edit` changes it, and so does --or-edit; --as NAME tells two of a kind apart";
                Err(Error::failed(text).hint(hint))
            }
            None => Ok(Some(file.put_check(None, given.line(&subject)))),
        })
    }
}

impl EditArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let (subject, given) = checked(&self.line, Verb::Add)?;
        something(&given, &self.unset)?;
        change(&self.target, ui, |file| {
            let Some((number, mut old)) = find(file, &subject) else {
                return Err(missing(&subject));
            };
            unset(&mut old, &self.unset)?;
            old.merge(given.clone());
            Ok(Some(file.put_check(Some(number), old.line(&subject))))
        })
    }
}

impl DeleteArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let (mut wanted, _) = checked(&self.line, Verb::Add)?;
        wanted.kind = self.kind.and_then(|kind| kind.to_possible_value()).map(|kind| kind.get_name().to_owned());
        change(&self.target, ui, |file| {
            let found = file.find_checks(|subject| {
                subject.verb == Verb::Add
                    && subject.service == wanted.service
                    && (wanted.server.is_none() || subject.server == wanted.server)
                    && (wanted.kind.is_none() || subject.kind == wanted.kind)
                    && (wanted.label.is_none() || subject.label == wanted.label)
            });
            if found.is_empty() && !self.if_exists {
                return Err(missing(&wanted));
            }
            let numbers: Vec<usize> = found.into_iter().map(|(number, ..)| number).collect();
            file.remove_lines(&numbers);
            Ok(None)
        })
    }
}

impl SetArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let (subject, given) = checked(&self.line, Verb::Set)?;
        something(&given, &self.unset)?;
        change(&self.target, ui, |file| {
            let (number, mut line) =
                find(file, &subject).map_or_else(|| (None, Given::default()), |(number, old)| (Some(number), old));
            unset(&mut line, &self.unset)?;
            line.merge(given.clone());
            if line.is_empty() {
                // A line that says nothing any more.
                file.remove_lines(number.as_slice());
                return Ok(None);
            }
            Ok(Some(file.put_check(number, line.line(&subject))))
        })
    }
}

/// Reads what a command is about.
fn checked<L, const EDIT: bool>(line: &Typed<L, EDIT>, verb: Verb) -> Result<(Subject, Given), Error> {
    let mut faults = Faults::default();
    let subject = line.subject(verb, &mut faults);
    let mut complaints = Vec::new();
    if line.given.has_line_ends() {
        complaints.push(Complaint::new("a line of the save file has no line ends in its words"));
    }
    passed(complaints, faults)?;
    subject
        .map(|subject| (subject, line.given.clone()))
        .ok_or_else(|| Error::failed("no service is named").with_status(2))
}

fn find(file: &AgentFile, subject: &Subject) -> Option<(usize, Given)> {
    file.find_checks(|other| other == subject).into_iter().next().map(|(number, _, given)| (number, given))
}

fn missing(subject: &Subject) -> Error {
    Error::failed(format_args!("there is no {subject} in the save file"))
        .hint("`lvsadm check list` shows those that there are")
}

/// Says that an edit must change something.
fn something(given: &Given, unset: &[String]) -> Result<(), Error> {
    if given.is_empty() && unset.is_empty() {
        let complaint = Complaint::new("nothing is to be changed").hint("name what is; --help has the options");
        return Err(Error::usage(vec![complaint]));
    }
    Ok(())
}

fn unset(line: &mut Given, options: &[String]) -> Result<(), Error> {
    let absent = |option: &&String| !line.unset(option);
    let absent: Vec<_> = options.iter().filter(absent).collect();
    let complaint = |option: &String| Complaint::new(format_args!("--unset {option}: the line does not say that"));
    if absent.is_empty() { Ok(()) } else { Err(Error::usage(absent.into_iter().map(complaint).collect())) }
}

/// Changes what the agent runs by `edit`, which returns the line that is this command's own; without an agent, the save
/// file. All of it is checked; then it is written; then the process that runs it, if one does, is told. If that refuses,
/// all is what it was.
fn change(
    target: &Target,
    ui: &mut Ui,
    edit: impl Fn(&mut AgentFile) -> Result<Option<usize>, Error>,
) -> Result<u8, Error> {
    let edit = |saved: &mut Saved| {
        let before = saved.file.clone();
        let own = edit(&mut saved.file)?;
        check(saved, &before, own)?;
        Ok(saved.file != before)
    };
    if state::change(target, ui, |saved, _| edit(saved).map(drop))? {
        return Ok(0);
    }
    let path = target.state();
    let _lock = lock(&path)?;
    let mut saved = Saved::read(&path)?;
    if edit(&mut saved)? {
        write(&saved)?;
    }
    // The process may have been started with another name for the same file.
    let file = fs::canonicalize(&path).unwrap_or(path).display().to_string();
    let (verb, params) = CheckCall::Reload { file, flush_at_end: None }.parts();
    match control::call::<Vec<String>>(&target.run_dir().join(SOCKET), &verb, params, LIMIT) {
        Ok(warnings) => warnings.iter().for_each(|warning| ui.warn(warning)),
        Err(CallError::NotRunning) => {}
        Err(CallError::Refused(complaints)) => {
            put_back(&saved, ui);
            return Err(refused(complaints));
        }
        Err(CallError::Broken(why)) => ui.warn(format_args!(
            "{} is changed, but it is not known whether the running process took it over: {why}",
            saved.path.display()
        )),
    }
    Ok(0)
}

/// Checks what the file says after a change of `before`. `own` is the line of this command, whose faults need no place.
fn check(saved: &Saved, before: &AgentFile, own: Option<usize>) -> Result<(), Error> {
    let Err(faults) = saved.file.checks(&Resolver::new()) else { return Ok(()) };
    let of_command = faults.iter().any(|fault| Some(fault.line) == own);
    let complaints = faults.into_iter().map(|fault| match fault {
        Fault { line, message, hint, .. } if Some(line) == own => Complaint { text: message, hint },
        // Whoever looks for it finds the file as it was.
        fault => placed(&saved.path, Fault { line: before.number_before(&saved.file, fault.line), ..fault }),
    });
    let complaints = complaints.collect();
    Err(if of_command { Error::usage(complaints) } else { Error::all_failed(complaints) })
}
