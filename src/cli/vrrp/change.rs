//! `lvsadm vrrp add`, `edit`, `delete` and `set`: lines of the save file.

use clap::Args;

use super::{Target, file::change};
use crate::{
    cli::{Complaint, Error, Ui, args::Faults},
    state::vrrp::{self, Given, Grammar, Kind, NotOne, Options, SetGrammar, Subject},
};

/// What `edit --help` has below its options.
pub(super) const EDIT_HELP: &str = "\
Options that may be repeated add to what is there, or replace what is said about the same address, peer or tracker.

Examples:
  lvsadm vrrp edit VI_1 --priority 200
      Everything else stays.
  lvsadm vrrp edit VI_1 --address 10.9.9.101/24 --track-script chk:-30
      One address more; another weight of the script.
  lvsadm vrrp edit VI_1 --unset address=10.9.9.101 --unset nopreempt
      One address less; preemption again.";

/// A new line.
#[derive(Debug, Args)]
pub(super) struct AddArgs<G: Grammar> {
    /// Its name
    name: String,
    #[command(flatten)]
    options: Options<G>,
    /// If it is there already, change what is named
    #[arg(long)]
    or_edit: bool,
    #[command(flatten)]
    target: Target,
}

/// Changes to a line.
#[derive(Debug, Args)]
pub(super) struct EditArgs<G: Grammar> {
    /// Its name
    name: String,
    #[command(flatten)]
    options: Options<G>,
    /// Back to the default: an option, or OPTION=WORD of one that may be repeated
    #[arg(long, value_name = "OPTION[=WORD]")]
    unset: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Lines to delete.
#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    /// Their names
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// What is not there is no failure
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    target: Target,
}

/// Changes to the line without a name.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    options: Options<SetGrammar>,
    /// Back to the default: an option, or OPTION=WORD of one that may be repeated
    #[arg(long, value_name = "OPTION[=WORD]")]
    unset: Vec<String>,
    #[command(flatten)]
    target: Target,
}

impl<G: Grammar> AddArgs<G> {
    pub(super) fn run(self, kind: Kind, ui: &mut Ui) -> Result<u8, Error> {
        let subject = Subject { kind, name: self.name };
        let given = checked(self.options.into_given(), ui)?;
        change(&self.target, ui, |file, _| {
            let old = file.find(&subject).map(|(number, line)| (number, line.to_owned()));
            let old = match old {
                Some((_, line)) if self.or_edit => line,
                Some((number, _)) => {
                    let name = &subject.name;
                    let text = format!("{} {name} is there already, in line {number} of the save file", kind.noun());
                    let edit = kind.verb().replace("add", "edit");
                    let hint = format!("`lvsadm vrrp {edit} {name}` changes it; so does --or-edit");
                    return Err(Error::failed(text).hint(hint));
                }
                None => String::new(),
            };
            let line = line(&subject, &old, given.clone(), &[])?;
            Ok(Some(file.put(&subject, line)))
        })?;
        Ok(0)
    }
}

impl<G: Grammar> EditArgs<G> {
    pub(super) fn run(self, kind: Kind, ui: &mut Ui) -> Result<u8, Error> {
        let subject = Subject { kind, name: self.name };
        let given = checked(self.options.into_given(), ui)?;
        something(&given, &self.unset)?;
        change(&self.target, ui, |file, _| {
            let Some((_, old)) = file.find(&subject) else {
                return Err(missing(&subject, &file.names(kind)).into());
            };
            let line = line(&subject, old, given.clone(), &self.unset)?;
            Ok(Some(file.put(&subject, line)))
        })?;
        Ok(0)
    }
}

impl DeleteArgs {
    pub(super) fn run(self, kind: Kind, ui: &mut Ui) -> Result<u8, Error> {
        change(&self.target, ui, |file, _| {
            let names = file.names(kind);
            let mut complaints = Vec::new();
            for name in &self.names {
                let subject = Subject { kind, name: name.clone() };
                if !file.remove(&subject) && !self.if_exists {
                    complaints.push(missing(&subject, &names));
                }
            }
            if complaints.is_empty() { Ok(None) } else { Err(Error::all_failed(complaints)) }
        })?;
        Ok(0)
    }
}

impl SetArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let subject = Subject { kind: Kind::Set, name: String::new() };
        let given = checked(self.options.into_given(), ui)?;
        something(&given, &self.unset)?;
        change(&self.target, ui, |file, _| {
            let old = file.find(&subject).map(|(_, line)| line.to_owned()).unwrap_or_default();
            let line = line(&subject, &old, given.clone(), &self.unset)?;
            // A line that says nothing any more.
            if line == vrrp::BARE_SET {
                file.remove(&subject);
                return Ok(None);
            }
            Ok(Some(file.put(&subject, line)))
        })?;
        Ok(0)
    }
}

/// Returns a line with its changes.
fn line(subject: &Subject, old: &str, given: Vec<Given>, unset: &[String]) -> Result<String, Error> {
    let complaint = |text, hint| Complaint { text, hint };
    vrrp::edited(subject, old, given, unset).map_err(|error| match error {
        NotOne::Unset(wrong) => Error::usage(wrong.into_iter().map(|(text, hint)| complaint(text, hint)).collect()),
        NotOne::Line(faults) => {
            let name = &subject.name;
            let said = |text| format!("the line of {name} in the save file cannot be edited: {text}");
            Error::all_failed(faults.into_iter().map(|fault| complaint(said(fault.message), fault.hint)).collect())
        }
    })
}

/// Says that an edit must change something.
fn something(given: &[Given], unset: &[String]) -> Result<(), Error> {
    let mut faults = Faults::default();
    if given.is_empty() && unset.is_empty() {
        faults.add(Complaint::new("nothing is to be changed").hint("name what is; --help has the options"));
    }
    faults.check()
}

/// Passes words that can stand in a line; warns of secrets that others may see.
pub(super) fn checked(given: Vec<Given>, ui: &mut Ui) -> Result<Vec<Given>, Error> {
    let mut faults = Faults::default();
    for each in &given {
        if each.value.as_ref().is_some_and(|value| value.contains(['\n', '\r', '\0'])) {
            let name = each.option.name;
            faults.add(Complaint::new(format_args!("--{name}: a line of the save file has no line ends in it")));
        }
    }
    faults.check()?;
    if given.iter().any(Given::is_secret) {
        ui.warn("others on this machine may see the secret while this command runs (ps)");
        ui.hint("--secret-file FILE, or --hmac-key ID:file:PATH, keeps it in a file of its own");
    }
    Ok(given)
}

/// Says that there is no such thing, and which there are.
fn missing(subject: &Subject, names: &[String]) -> Complaint {
    let (noun, name) = (subject.kind.noun(), &subject.name);
    let complaint = Complaint::new(format_args!("there is no {noun} {name} in the save file"));
    match names {
        [] => complaint,
        names => complaint.hint(format_args!("there are: {}", names.join(", "))),
    }
}

impl From<Complaint> for Error {
    fn from(complaint: Complaint) -> Self {
        Self::all_failed(vec![complaint])
    }
}
