//! `lvsadm set`: settings of the agent itself, lines of the save file.

use clap::{Args, Subcommand};

use super::{
    Complaint, Error, Ui,
    agent::state,
    vrrp::{
        Target,
        file::{Saved, lock, placed, write},
    },
};
use crate::{
    notify::{Note, send_now},
    state::{
        agent_file::AgentFile,
        file::Fault,
        set::{MailGrammar, edited_mail, is_mail},
        vrrp::{Given, Options},
    },
};

/// Change settings of the agent itself: who gets mail
#[derive(Debug, Args)]
pub struct SetArgs {
    #[command(subcommand)]
    topic: Topic,
}

#[derive(Debug, Subcommand)]
enum Topic {
    Mail(Box<MailArgs>),
}

/// Say who gets mail about what, and how it is sent
///
/// What is named is changed, everything else stays. Mail is sent by the agent: one for each transition, or one for all when
/// there are many at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm set mail --server mail.example.org --from lvs@example.org --to ops@example.org
  lvsadm set mail --server mail.example.org:587 --starttls --auth-file /etc/lvsadm/mail.auth
      With user name and password, a line each in that file.
  lvsadm set mail --about servers --about instances --not VI_test
      Nothing about quorums, and nothing about this instance.
  lvsadm set mail --test
      Sends a mail now, and says what came of it.
  lvsadm set mail --delete
      No more mail.")]
struct MailArgs {
    #[command(flatten)]
    options: Options<MailGrammar>,
    /// Back to the default: an option, or OPTION=WORD of one that may be repeated
    #[arg(long, value_name = "OPTION[=WORD]")]
    unset: Vec<String>,
    /// Nobody gets mail any more
    #[arg(long)]
    delete: bool,
    /// Send a mail now
    #[arg(long, conflicts_with = "delete")]
    test: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the verb.
///
/// # Errors
/// The command line or the save file is wrong, a file cannot be read or written, the agent refuses, or mail cannot be sent.
pub fn run(args: SetArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.topic {
        Topic::Mail(args) => args.run(ui),
    }
}

impl MailArgs {
    fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let Self { options, unset, delete, test, target } = self;
        let given = options.into_given();
        let changes = !given.is_empty() || !unset.is_empty();
        if delete && changes {
            return Err(Error::usage(vec![Complaint::new(
                "--delete takes all of it away, so other options have no use",
            )]));
        }
        if !changes && !delete && !test {
            return Err(Error::usage(vec![
                Complaint::new("nothing is said").hint("`lvsadm set mail --help` shows what can be"),
            ]));
        }
        if changes || delete {
            change(&target, ui, |file| {
                if delete {
                    let lines: Vec<usize> = mail_line(file).map(|(number, _)| number).into_iter().collect();
                    file.remove_lines(&lines);
                    return Ok(None);
                }
                edit(file, given.clone(), &unset).map(Some)
            })?;
        }
        if test { send_test(&target, ui) } else { Ok(0) }
    }
}

fn mail_line(file: &AgentFile) -> Option<(usize, String)> {
    file.set_lines().find(|(_, line)| is_mail(line)).map(|(number, line)| (number, line.to_owned()))
}

/// Changes the line, or makes one; returns its number.
fn edit(file: &mut AgentFile, given: Vec<Given>, unset: &[String]) -> Result<usize, Error> {
    let old = mail_line(file).map(|(_, line)| line).unwrap_or_default();
    let line = edited_mail(&old, given, unset)
        .map_err(|wrong| Error::usage(wrong.into_iter().map(|(text, hint)| Complaint { text, hint }).collect()))?;
    Ok(file.put_mail(line))
}

/// Changes what the agent runs; without an agent, the save file. `edit` returns the line that is this command's own.
fn change(
    target: &Target,
    ui: &mut Ui,
    edit: impl Fn(&mut AgentFile) -> Result<Option<usize>, Error>,
) -> Result<(), Error> {
    let edit = |saved: &mut Saved| {
        let own = edit(&mut saved.file)?;
        let Err(faults) = saved.file.agent() else { return Ok(()) };
        let of_command = faults.iter().any(|fault| Some(fault.line) == own);
        let complaints = faults.into_iter().map(|fault| match fault {
            Fault { line, message, hint, .. } if Some(line) == own => Complaint { text: message, hint },
            fault => placed(&saved.path, fault),
        });
        let complaints = complaints.collect();
        Err(if of_command { Error::usage(complaints) } else { Error::all_failed(complaints) })
    };
    if state::change(target, ui, |saved, _| edit(saved))? {
        return Ok(());
    }
    let path = target.state();
    let _lock = lock(&path)?;
    let mut saved = Saved::read(&path)?;
    edit(&mut saved)?;
    write(&saved)
}

fn send_test(target: &Target, ui: &mut Ui) -> Result<u8, Error> {
    let saved = Saved::of(target)?;
    let settings = saved
        .file
        .agent()
        .map_err(|faults| Error::all_failed(faults.into_iter().map(|fault| placed(&saved.path, fault)).collect()))?;
    let Some(settings) = settings.mail else {
        return Err(Error::failed(format_args!("{} does not say who gets mail", saved.path.display()))
            .hint("lvsadm set mail --server HOST --from ADDRESS --to ADDRESS"));
    };
    let note = Note::now("test", "lvsadm can send mail from here.");
    let (server, port, count) = (settings.server.clone(), settings.port, settings.to.len());
    send_now(settings, &note).map_err(|why| Error::failed(format_args!("the mail is not sent: {why}")))?;
    ui.note(format_args!("{server}:{port} has taken a mail for {count} of those who get mail"));
    Ok(0)
}
