//! `lvsadm bfd run`: BFD sessions of the save file, or one of the command line, in the foreground.

use std::fs;

use clap::Args;

use crate::{
    agent::vrrp::{self as process, Origin},
    cli::{
        Complaint, Error, Ui,
        agent::ask::refused,
        vrrp::{Target, change::checked, file::Saved, run::ProcessArgs},
    },
    state::{
        file::Fault,
        vrrp::{self, Disk, Kind, Options, SessionGrammar, Subject, edited},
    },
    vrrp::settings::Settings,
};

/// What `run --help` has below its options.
pub(super) const HELP: &str = "\
What happens is said on standard error, one line an event. SIGTERM and Ctrl-C tell the neighbours that it ends.
`lvsadm vrrp run` and the agent run the sessions of the save file, too.

Examples:
  lvsadm bfd run
      All sessions of the save file.
  lvsadm bfd run gw --neighbour 10.9.9.1 --min-rx 50ms --min-tx 50ms --run-dir /tmp/try
      One that is in no file, beside what runs already.";

/// Sessions in the foreground.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Only these sessions of the save file; with options of `add`, the name of the one that they make
    names: Vec<String>,
    #[command(flatten)]
    options: Options<SessionGrammar>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    process: ProcessArgs,
}

impl RunArgs {
    /// Runs them until a signal ends them.
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let options = self.process.options(self.target.run_dir())?;
        let given = checked(self.options.into_given(), ui)?;
        let (settings, origin) = if given.is_empty() {
            saved(&self.target, self.names, ui)?
        } else {
            let name = match self.names.as_slice() {
                [] => "bfd".to_owned(),
                [name] => name.clone(),
                _ => {
                    return Err(Error::usage(vec![Complaint::new("options of `add` make one session, with one name")]));
                }
            };
            let line = edited(&Subject { kind: Kind::Session, name }, "", given, &[])
                .map_err(|error| Error::failed(error.to_string()))?;
            let parsed = vrrp::parse(std::iter::once((1, line.as_str())), &Disk).map_err(|faults| {
                let complaint = |fault: Fault| Complaint { text: fault.message, hint: fault.hint };
                Error::usage(faults.into_iter().map(complaint).collect())
            })?;
            parsed.notes.iter().for_each(|note| ui.warn(&note.message));
            (parsed.settings, Origin::default())
        };
        ui.flush()?;
        process::run(settings, &options, origin).map(|()| 0).map_err(refused)
    }
}

/// Returns the sessions of the save file.
fn saved(target: &Target, names: Vec<String>, ui: &mut Ui) -> Result<(Settings, Origin), Error> {
    let saved = Saved::read(&target.state())?;
    if !saved.is_there() {
        return Err(Error::failed(format_args!("there is no save file {}", saved.path.display()))
            .hint("`lvsadm bfd add` makes it; --state names another, and options of `add` need none"));
    }
    let mut settings = saved.check(ui)?.settings;
    vrrp::select_sessions(&mut settings, &names)
        .map_err(|wrong| Error::all_failed(wrong.into_iter().map(Complaint::new).collect()))?;
    if settings.sessions.is_empty() {
        return Err(Error::failed(format_args!("{} has no BFD session to run", saved.path.display()))
            .hint("`lvsadm bfd add` adds one"));
    }
    // Whoever changes the file may name it differently.
    let file = fs::canonicalize(&saved.path).unwrap_or(saved.path);
    Ok((settings, Origin { file: Some(file), names, sessions_only: true }))
}
