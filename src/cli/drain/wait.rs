//! Waiting until drained servers have no connections any more: what is left, how long it will take, and what interrupts it.

use std::{
    collections::HashMap,
    io::{self, IsTerminal},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Ignore, OnInterrupt, agent, choose::Chosen, decay::Decay};
use crate::{
    cli::{Error, Ui, holder::Holder, json, kernel, render},
    ipvs::Client,
    model::{Change, Protocol, ServerStatus, ServiceKey, Weight},
};

/// How often the kernel is asked.
const STEP: Duration = Duration::from_secs(1);

/// How a drain is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum State {
    /// It still has connections.
    Draining,
    /// It has none.
    Emptied,
    /// It had none, and was deleted.
    Deleted,
    /// Somebody else deleted it or its service.
    Gone,
    /// Somebody gave it a weight.
    Raised(Weight),
    /// It got its weight back, because this command was interrupted.
    Restored,
}

impl State {
    /// Returns a word that programs can go by.
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Emptied => "emptied",
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::Raised(_) => "raised",
            Self::Restored => "restored",
        }
    }

    /// Whether the server was seen without connections.
    pub(super) fn is_success(self) -> bool {
        matches!(self, Self::Emptied | Self::Deleted)
    }
}

/// A server that is waited for.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Drained {
    /// Which.
    pub(in crate::cli) chosen: Chosen,
    /// The weight that it had, if that is known here.
    pub(in crate::cli) weight: Option<u32>,
    /// Who drains it.
    pub(in crate::cli) owner: String,
    /// Whether this command began it.
    pub(super) ours: bool,
    /// Since when, in seconds since 1970; only in lists.
    pub(in crate::cli) since: Option<u64>,
    /// How it is going.
    pub(in crate::cli) state: State,
    /// What it has left.
    pub(in crate::cli) status: ServerStatus,
}

/// How it is waited.
pub(super) struct Options<'a> {
    /// What is not waited for.
    pub(super) ignore: &'a [Ignore],
    /// When waiting ends.
    pub(super) timeout: Option<Duration>,
    /// Whether servers are deleted by this command once they have nothing left.
    pub(super) delete: bool,
    /// The agent that drains them, and deletes them if it was told to.
    pub(super) agent: Option<&'a Holder>,
    /// Whether persistence templates bring new connections to a server without weight.
    pub(super) templates_count: bool,
    /// What SIGINT means.
    pub(super) on_interrupt: OnInterrupt,
    /// Whether each step is said as JSON.
    pub(super) json: bool,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing is left to wait for.
    Done,
    /// The time is over.
    TimedOut,
    /// The operator wants the weights back.
    Restore,
    /// The operator leaves it as it is.
    Left,
}

/// Something that happens while we wait.
enum Signal {
    Interrupt,
    Line(String),
}

/// What happens while we wait; made before anything is changed, so that an interrupt never ends the command half-way.
pub(super) struct Signals {
    sender: Sender<Signal>,
    receiver: Receiver<Signal>,
}

impl Signals {
    /// Takes SIGINT over.
    ///
    /// # Errors
    /// It cannot be taken over.
    pub(super) fn new() -> Result<Self, Error> {
        let (sender, receiver) = mpsc::channel();
        let interrupt = sender.clone();
        ctrlc::set_handler(move || interrupt.send(Signal::Interrupt).unwrap_or(()))
            .map_err(|error| Error::failed(format_args!("cannot take the interrupt signal: {error}")))?;
        Ok(Self { sender, receiver })
    }
}

/// Waits.
///
/// # Errors
/// The kernel cannot be asked, or refuses to delete a server; output cannot be written.
pub(super) fn wait(
    client: &mut Client,
    drained: &mut [Drained],
    options: &Options<'_>,
    signals: &Signals,
    ui: &mut Ui,
) -> Result<End, Error> {
    let begin = Instant::now();
    let mut decay = Decay::default();
    let mut said = None;
    let bar = bar();
    loop {
        let warnings = look(client, drained, options)?;
        if !warnings.is_empty() {
            bar.0.suspend(|| warnings.iter().for_each(|warning| ui.warn(warning)));
        }
        let left: u64 = drained.iter().map(|each| left(each, options)).sum();
        decay.note(begin.elapsed(), left);
        show(&bar.0, left, drained, decay.remaining());
        let waiting = drained.iter().any(|each| each.state == State::Draining);
        if options.json && waiting && said != Some(left) {
            ui.json_line(&json::DrainStep::new("progress", drained, left, decay.remaining()))?;
            ui.flush()?;
            said = Some(left);
        }
        if !waiting {
            return Ok(End::Done);
        }
        if options.timeout.is_some_and(|limit| begin.elapsed() >= limit) {
            return Ok(End::TimedOut);
        }
        let step = options.timeout.map_or(STEP, |limit| limit.saturating_sub(begin.elapsed()).min(STEP));
        match signals.receiver.recv_timeout(step.max(Duration::from_millis(10))) {
            Ok(Signal::Interrupt) => {
                bar.0.finish_and_clear();
                match interrupted(left, options.on_interrupt, signals, ui) {
                    Some(end) => return Ok(end),
                    None => bar.0.reset(),
                }
            }
            Ok(Signal::Line(_)) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Left),
        }
    }
}

/// Reads from the kernel what the servers have left, and notes what became of them. Returns what a person should know of that.
fn look(client: &mut Client, drained: &mut [Drained], options: &Options<'_>) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let mut services: HashMap<ServiceKey, Option<_>> = HashMap::new();
    for each in drained.iter_mut().filter(|each| each.state == State::Draining) {
        let key = each.chosen.service.key;
        if let std::collections::hash_map::Entry::Vacant(vacant) = services.entry(key) {
            vacant.insert(client.service(&key)?);
        }
        let service = services.get(&key).and_then(Option::as_ref);
        let found = service.and_then(|it| it.servers.iter().find(|it| it.server.key == each.chosen.server.key));
        each.state = match found {
            None => match options.agent {
                Some(holder) => match agent::left(holder, &each.chosen)? {
                    Some(state) => state,
                    // Whether it put back by now what somebody else deleted depends on what it was told.
                    None if is_there(client, &each.chosen)? => State::Draining,
                    None => State::Gone,
                },
                None => State::Gone,
            },
            Some(found) if found.server.weight > Weight::ZERO => State::Raised(found.server.weight),
            Some(found) => {
                each.status = found.status;
                if left(each, options) > 0 { State::Draining } else { State::Emptied }
            }
        };
        let label = each.chosen.label();
        match each.state {
            State::Emptied if options.delete => {
                kernel::apply(client, &[Change::DeleteServer(key, each.chosen.server.key)])?;
                each.state = State::Deleted;
            }
            State::Gone => {
                each.status = ServerStatus::default();
                warnings.push(format!("{label} was deleted by somebody else while it drained"));
            }
            State::Raised(weight) => {
                warnings.push(format!("{label} has weight {weight} again: somebody gave it back while it drained"));
            }
            _ => {}
        }
    }
    Ok(warnings)
}

/// Whether the kernel has a server.
fn is_there(client: &mut Client, chosen: &Chosen) -> Result<bool, Error> {
    let service = client.service(&chosen.service.key)?;
    Ok(service.is_some_and(|service| service.servers.iter().any(|each| each.server.key == chosen.server.key)))
}

/// Returns how many connections are waited for.
fn left(each: &Drained, options: &Options<'_>) -> u64 {
    if each.state != State::Draining && each.state != State::Emptied {
        return 0;
    }
    let service = &each.chosen.service;
    let is_udp = matches!(service.key, ServiceKey::Address { protocol: Protocol::Udp, .. });
    let flows = if is_udp && options.ignore.contains(&Ignore::Udp) {
        0
    } else {
        u64::from(each.status.active) + u64::from(each.status.inactive)
    };
    let templates = if options.templates_count { u64::from(each.status.persistent) } else { 0 };
    flows + templates
}

/// What is shown on a terminal while we wait, and gone afterwards.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn bar() -> Bar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:12} {wide_msg}") {
        bar.set_style(style);
    }
    Bar(bar)
}

fn show(bar: &ProgressBar, left: u64, drained: &[Drained], remaining: Option<Duration>) {
    // Clients that are remembered can come back with more connections than there were.
    if bar.length().is_none_or(|length| length < left) {
        bar.set_length(left);
    }
    bar.set_position(bar.length().unwrap_or(left).saturating_sub(left));
    bar.set_message(words(left, drained, remaining));
}

/// `37 left (12 active, 25 inactive), about 2m`.
fn words(left: u64, drained: &[Drained], remaining: Option<Duration>) -> String {
    let sum =
        |number: fn(&ServerStatus) -> u32| drained.iter().map(|each| u64::from(number(&each.status))).sum::<u64>();
    let (active, inactive, clients) = (sum(|s| s.active), sum(|s| s.inactive), sum(|s| s.persistent));
    let mut text = format!("{left} left ({active} active, {inactive} inactive");
    if clients > 0 {
        text += &format!(", {clients} clients remembered");
    }
    text += ")";
    if let Some(remaining) = remaining {
        text += &format!(", about {}", about(remaining));
    }
    text
}

/// Returns a duration as exactly as an estimate deserves.
fn about(remaining: Duration) -> String {
    let seconds = remaining.as_secs();
    render::duration(match seconds {
        0..=9 => seconds,
        10..=89 => seconds.next_multiple_of(5),
        90..=3599 => seconds.next_multiple_of(60),
        _ => seconds.next_multiple_of(600),
    })
}

/// Finds out what an interrupt means; `None`: nothing, it is waited on.
fn interrupted(left: u64, choice: OnInterrupt, signals: &Signals, ui: &mut Ui) -> Option<End> {
    match choice {
        OnInterrupt::Restore => return Some(End::Restore),
        OnInterrupt::Leave => return Some(End::Left),
        OnInterrupt::Ask if !io::stdin().is_terminal() || !io::stderr().is_terminal() => return Some(End::Left),
        OnInterrupt::Ask => {}
    }
    loop {
        ui.ask(format_args!("{left} connections are left. Weights: [r]estore, [l]eave at 0, or [c]ontinue to wait? "));
        let sender = signals.sender.clone();
        thread::spawn(move || {
            let mut line = String::new();
            // The end of input is an empty answer.
            let _ = io::stdin().read_line(&mut line);
            sender.send(Signal::Line(line)).unwrap_or(());
        });
        match signals.receiver.recv() {
            Ok(Signal::Line(line)) => match line.trim().to_ascii_lowercase().as_str() {
                "r" | "restore" => return Some(End::Restore),
                "l" | "leave" => return Some(End::Left),
                "c" | "continue" => return None,
                _ if line.is_empty() => return Some(End::Left),
                _ => {}
            },
            // A second interrupt wants out.
            Ok(Signal::Interrupt) | Err(_) => return Some(End::Left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_round() {
        let about = |seconds| about(Duration::from_secs(seconds));
        assert_eq!([about(3), about(41), about(100), about(3700)], ["3s", "45s", "2m", "1h10m"]);
    }
}
