//! `lvsadm agent`: what runs in the background, and what happened there.

mod events;
mod why;

use clap::{Args, Subcommand};

use super::{Error, Ui};

/// The agent: what happened, and why
#[derive(Debug, Args)]
pub struct AgentArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Events(events::EventsArgs),
    Why(why::WhyArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the agent does not answer.
pub fn run(args: AgentArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.verb {
        Verb::Events(args) => args.run(ui),
        Verb::Why(args) => args.run(ui),
    }
}
