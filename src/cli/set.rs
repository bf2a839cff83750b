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
        set::{self, MailGrammar, NotifyGrammar},
        vrrp::{Given, Options},
    },
};

/// Change settings of the agent itself: mail and FIFOs
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm set mail --server mail.example.org --from lvs@example.org --to ops@example.org --test
      Who gets mail when servers and virtual routers come and go; one mail at once.
  lvsadm set notify --fifo '/run/lvs.fifo owner alice'
      A named pipe for programs of alice.")]
pub struct SetArgs {
    #[command(subcommand)]
    topic: Topic,
}

#[derive(Debug, Subcommand)]
enum Topic {
    Mail(Box<MailArgs>),
    Notify(NotifyArgs),
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
    #[command(flatten)]
    more: More,
    /// Send a mail now
    #[arg(long, conflicts_with = "delete")]
    test: bool,
}

/// Say which FIFOs are told of servers and services that come and go
///
/// What is named is changed, everything else stays. The agent makes each FIFO that is not there, for its owner alone, and
/// writes a line for each transition, as keepalived does: `RS [10.0.0.11]:tcp:80 [10.0.0.1]:tcp:80 DOWN`, and
/// `VS [10.0.0.1]:tcp:80 DOWN` when a service loses its quorum. Virtual routers have FIFOs of their own, `vrrp set --fifo`,
/// which may be the same.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm set notify --fifo '/run/lvs.fifo owner alice'
  lvsadm set notify --fifo '/run/lvs.fifo reader alice@/usr/local/bin/on-servers --verbose'
      A program that is run with the path as its last word, and run again when it ends.
  lvsadm set notify --unset fifo=/run/lvs.fifo
  lvsadm set notify --delete
      No more FIFOs.")]
struct NotifyArgs {
    #[command(flatten)]
    options: Options<NotifyGrammar>,
    #[command(flatten)]
    more: More,
}

/// Options of every topic.
#[derive(Debug, Args)]
struct More {
    /// Back to the default: an option, or OPTION=WORD of one that may be repeated
    #[arg(long, value_name = "OPTION[=WORD]")]
    unset: Vec<String>,
    /// Nobody is told any more
    #[arg(long)]
    delete: bool,
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
        Topic::Notify(NotifyArgs { options, more }) => {
            let given = options.into_given();
            if !more.says(&given) {
                return Err(nothing(set::Topic::Notify));
            }
            more.change(set::Topic::Notify, &given, ui)?;
            Ok(0)
        }
    }
}

impl MailArgs {
    fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let Self { options, more, test } = self;
        let given = options.into_given();
        if more.says(&given) {
            more.change(set::Topic::Mail, &given, ui)?;
        } else if !test {
            return Err(nothing(set::Topic::Mail));
        }
        if test { send_test(&more.target, ui) } else { Ok(0) }
    }
}

fn nothing(topic: set::Topic) -> Error {
    let hint = format!("`lvsadm set {} --help` shows what can be", topic.name());
    Error::usage(vec![Complaint::new("nothing is said").hint(hint)])
}

impl More {
    /// Whether anything is to be changed.
    fn says(&self, given: &[Given]) -> bool {
        self.delete || !given.is_empty() || !self.unset.is_empty()
    }

    /// Changes the line of a topic, makes one, or takes it away.
    fn change(&self, topic: set::Topic, given: &[Given], ui: &mut Ui) -> Result<(), Error> {
        let Self { unset, delete, target } = self;
        if *delete && (!given.is_empty() || !unset.is_empty()) {
            return Err(Error::usage(vec![Complaint::new(
                "--delete takes all of it away, so other options have no use",
            )]));
        }
        change(target, ui, |file| {
            let old = file.set_lines().find(|(_, line)| set::topic(line) == Some(topic));
            let old = old.map(|(number, line)| (number, line.to_owned()));
            if *delete {
                let lines: Vec<usize> = old.map(|(number, _)| number).into_iter().collect();
                file.remove_lines(&lines);
                return Ok(None);
            }
            let line = old.map(|(_, line)| line).unwrap_or_default();
            let line = set::edited(topic, &line, given.to_vec(), unset).map_err(|wrong| {
                Error::usage(wrong.into_iter().map(|(text, hint)| Complaint { text, hint }).collect())
            })?;
            Ok(Some(file.put_set(topic, line)))
        })
    }
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
