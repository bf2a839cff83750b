//! `lvsadm undrain`: drained servers get work again, at once or little by little.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    Complaint, Error, Ui,
    args::{Faults, ServiceFilter, ServiceFilterArgs, duration, number},
    drain::{
        agent,
        choose::{Chosen, choose},
        owner, record, servers,
    },
    holder::Holder,
    json, kernel,
    names::Names,
    render,
    vrrp::Target,
};
use crate::{
    ipvs::Client,
    model::{Change, Moment, ServerKey, ServiceKey, SnapshotService, Table, Weight},
    pool::ramp::{self, Ramp},
    state::drains::{Drains, Start},
};

/// The longest slow start: a day.
const MOST_SECONDS: u32 = 24 * 3600;

/// Give drained real servers their work back
///
/// They get the weight that they had, which `drain` has noted. With --ramp they get it in steps, so that a server that has just
/// been started is not buried; all weights of the service are multiplied by one factor meanwhile, so that a server of weight 1 has
/// steps, too, and are what they were at the end.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm undrain -r 10.0.0.11
      All of its work, at once.
  lvsadm undrain -r 10.0.0.11 --ramp 60s
      Its share grows for a minute. Ctrl-C gives it the rest at once.
  lvsadm undrain --all
      Everything that is drained.
  lvsadm undrain -r 10.0.0.11:80 -t 10.0.0.1:80 -w 5
      With another weight than before, or where nobody noted one.")]
pub struct UndrainArgs {
    /// The server; without a port: all of its ports. May be repeated
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]", required_unless_present = "all")]
    servers: Vec<String>,
    /// All servers that are drained
    #[arg(long, conflicts_with = "servers")]
    all: bool,
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// The weight to give, instead of the one before
    #[arg(short = 'w', long, value_name = "WEIGHT", allow_negative_numbers = true)]
    weight: Option<String>,
    /// Time until they have their whole weight: 90, 60s, 5m
    #[arg(long, value_name = "TIME")]
    ramp: Option<String>,
    /// Look host and service names up
    #[arg(long)]
    resolve: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// A server that got work again.
pub(in crate::cli) struct Restored {
    pub(in crate::cli) service: ServiceKey,
    pub(in crate::cli) server: ServerKey,
    /// Its weight; `None` where an agent knows it.
    pub(in crate::cli) weight: Option<Weight>,
    /// Whether it got it in steps.
    pub(in crate::cli) ramped: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such server, no weight is known, or the kernel or the agent refuses.
pub fn run(args: UndrainArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.resolve);
    let services = args.services.filter(&names, &mut faults);
    let servers = servers(&args.servers, &names, &mut faults);
    let weight = faults.read(args.weight.as_ref(), |word| number("-w", word, 1..=Weight::MAX.value()));
    let ramp = faults.read(args.ramp.as_ref(), |word| duration("--ramp", word, MOST_SECONDS));
    faults.check()?;

    let restored = match Holder::for_changes_in(&args.target.run_dir()) {
        Some(holder) => {
            if weight.is_some() {
                let complaint =
                    Complaint::new("-w: the agent holds the weights of its servers, and drains do not change them");
                return Err(Error::usage(vec![complaint.hint("lvsadm edit-real -w gives another weight")]));
            }
            let chosen = choose(&holder.table(None)?.0, &services, &servers)?;
            let drained = agent::drained(&holder, chosen)?.into_iter().map(|each| each.chosen);
            let drained: Vec<Chosen> = drained.collect();
            if drained.is_empty() && !args.all {
                return Err(Error::failed("none of these servers is drained"));
            }
            agent::undrain(&holder, &drained, ramp)?;
            let ramps = |each: &Chosen| ramp.is_some() && ramp::weights_are_shares(each.service.scheduler.as_str());
            if let Some(seconds) = ramp {
                drained.iter().filter(|each| !ramps(each)).for_each(|each| say_at_once(each, ui));
                if drained.iter().any(ramps) {
                    let time = render::duration(seconds.into());
                    ui.note(format_args!("the agent gives them their weight within {time}"));
                }
            }
            drained.iter().map(|each| Restored::new(each, None, ramps(each))).collect()
        }
        None => {
            let wish = Wish { services, servers, all: args.all, weight: weight.and_then(Weight::new) };
            alone(&args.target, &wish, ramp, ui)?
        }
    };
    if args.json {
        ui.json(&json::Undrained::new(&restored))?;
    } else {
        ui.print(render::restored(&restored))?;
    }
    Ok(0)
}

impl Restored {
    fn new(chosen: &Chosen, weight: Option<Weight>, ramped: bool) -> Self {
        Self { service: chosen.service.key, server: chosen.server.key, weight, ramped }
    }
}

/// What was asked for.
struct Wish {
    services: ServiceFilter,
    servers: Vec<(std::net::IpAddr, Option<u16>)>,
    all: bool,
    weight: Option<Weight>,
}

impl Wish {
    /// Returns the servers that get weights, and which.
    fn choose(&self, table: &Table, list: &Drains) -> Result<Vec<record::Back>, Error> {
        let mut back = Vec::new();
        let (mut complaints, mut at_work) = (Vec::new(), Vec::new());
        for chosen in choose(table, &self.services, &self.servers)? {
            let noted = list.drain(&chosen.member()).map(|drain| drain.weight);
            let label = chosen.label();
            let before = || noted.and_then(Weight::new).filter(|weight| *weight > Weight::ZERO);
            match (noted, self.weight.or_else(before)) {
                (None, _) if self.all => {}
                (None, _) if chosen.server.weight > Weight::ZERO => at_work.push(Complaint::new(format_args!(
                    "{label} is not drained: it has weight {}",
                    chosen.server.weight
                ))),
                (_, Some(weight)) => back.push(record::Back { chosen, weight }),
                (None, None) => complaints.push(
                    Complaint::new(format_args!("{label} has weight 0, and nobody has noted what it was before"))
                        .hint("name the weight: -w 1"),
                ),
                (Some(_), None) => complaints.push(
                    Complaint::new(format_args!("{label} had weight 0 before it was drained"))
                        .hint("name the weight that it is to have: -w 1"),
                ),
            }
        }
        // A server that is drained in some of its services is at work in the others.
        if complaints.is_empty() && back.is_empty() {
            complaints = at_work;
        }
        if complaints.is_empty() { Ok(back) } else { Err(Error::all_failed(complaints)) }
    }
}

/// Gives weights back without an agent.
fn alone(target: &Target, wish: &Wish, ramp: Option<u32>, ui: &mut Ui) -> Result<Vec<Restored>, Error> {
    let path = record::path(target);
    let mut client = kernel::open()?;
    let owner = owner::operator();
    let slowly = ramp.map(|_| owner.as_str());
    // Before anything is changed, so that an interrupt never ends the command half-way.
    let interrupted = if ramp.is_some() { Some(interrupts()?) } else { None };
    let (back, starts) = record::end(&path, &mut client, |table, list| wish.choose(table, list), slowly)?;
    if let Some((seconds, interrupted)) = ramp.zip(interrupted) {
        let starts_slowly = |each: &record::Back| starts.iter().any(|start| start.member == each.chosen.member());
        back.iter().filter(|each| !starts_slowly(each)).for_each(|each| say_at_once(&each.chosen, ui));
        if !starts.is_empty() {
            climb(&mut client, &back, &starts, seconds, &interrupted, ui)?;
            let members: Vec<_> = starts.iter().map(|start| start.member.clone()).collect();
            record::forget(&path, &members)?;
        }
    }
    Ok(back
        .iter()
        .map(|each| {
            let member = each.chosen.member();
            Restored::new(&each.chosen, Some(each.weight), starts.iter().any(|start| start.member == member))
        })
        .collect())
}

/// Says that a server has its whole weight at once, and why.
fn say_at_once(chosen: &Chosen, ui: &mut Ui) {
    let scheduler = &chosen.service.scheduler;
    ui.note(format_args!(
        "{} has its whole weight at once: the scheduler {scheduler} does not give shares by weight",
        chosen.label()
    ));
}

/// A server on its way to its whole weight.
struct Climber<'a> {
    back: &'a record::Back,
    start: &'a Start,
    /// The weight that it was given last; `None` once somebody else gave it one.
    given: Option<Weight>,
}

impl<'a> Climber<'a> {
    fn new(back: &'a [record::Back], start: &'a Start) -> Option<Self> {
        let back = back.iter().find(|each| each.chosen.member() == start.member)?;
        Some(Self { back, start, given: Some(Weight::default()) })
    }
}

/// Goes through the steps, until the time is over or somebody interrupts; then puts the weights of the services right.
fn climb(
    client: &mut Client,
    back: &[record::Back],
    starts: &[Start],
    seconds: u32,
    interrupted: &Receiver<()>,
    ui: &mut Ui,
) -> Result<(), Error> {
    let mut climbers: Vec<_> = starts.iter().filter_map(|start| Climber::new(back, start)).collect();
    let begin = Instant::now();
    let now = || Moment::from_start(begin.elapsed());
    let mut ramp = Ramp::new(Moment::from_start(Duration::ZERO), Duration::from_secs(seconds.into()));
    let progress = ui.progress("slow start", 100);
    let mut shown = 0;
    loop {
        ramp.pass(now());
        progress.advance((ramp.percent() - shown) as usize);
        shown = ramp.percent();
        step(client, &mut climbers, &ramp)?;
        if ramp.is_over() || climbers.iter().all(|climber| climber.given.is_none()) {
            break;
        }
        match interrupted.recv_timeout(ramp.due().since(now()).min(Duration::from_secs(1))) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    drop(progress);
    for climber in climbers.iter().filter(|climber| climber.given.is_none()) {
        ui.warn(format_args!(
            "{}: somebody changed its weight or removed it meanwhile, and that is left as it is",
            climber.back.chosen.label()
        ));
    }
    finish(client, &climbers)
}

/// Takes SIGINT over.
fn interrupts() -> Result<Receiver<()>, Error> {
    let (sender, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || sender.send(()).unwrap_or(()))
        .map_err(|error| Error::failed(format_args!("cannot take the interrupt signal: {error}")))?;
    Ok(interrupted)
}

/// Gives each server its part, if it still has the one that it was given.
fn step(client: &mut Client, climbers: &mut [Climber<'_>], ramp: &Ramp) -> Result<(), Error> {
    let mut changes = Vec::new();
    for climber in climbers.iter_mut() {
        let Some(given) = climber.given else { continue };
        let key = climber.back.chosen.service.key;
        let found = client.service(&key)?;
        let server = found.as_ref().and_then(|service| find(service, climber));
        let Some(server) = server.filter(|server| server.weight == given) else {
            climber.given = None;
            continue;
        };
        let part = ramp.part(ramp::multiplied(climber.back.weight, climber.start.factor));
        if part != given {
            changes.push(record::reweighted(key, &server, part));
            climber.given = Some(part);
        }
    }
    kernel::apply(client, &changes)
}

fn find(service: &SnapshotService, climber: &Climber<'_>) -> Option<crate::model::RealServer> {
    let key = climber.back.chosen.server.key;
    service.servers.iter().map(|each| each.server).find(|server| server.key == key)
}

/// Divides all weights by the factor again; the servers that started get their whole weight.
fn finish(client: &mut Client, climbers: &[Climber<'_>]) -> Result<(), Error> {
    let mut changes: Vec<Change> = Vec::new();
    for climber in climbers {
        let key = climber.back.chosen.service.key;
        let Some(service) = client.service(&key)? else { continue };
        if let Some(server) = find(&service, climber).filter(|server| Some(server.weight) == climber.given) {
            changes.push(record::reweighted(key, &server, climber.back.weight));
        }
        for (name, weight) in &climber.start.others {
            let others = service.servers.iter().map(|each| each.server);
            let other = others.into_iter().find(|server| server.key.to_string() == *name);
            let Some((server, weight)) = other.zip(Weight::new(*weight)) else { continue };
            // Who has another weight by now got it from somebody else.
            if server.weight == ramp::multiplied(weight, climber.start.factor) {
                let change = record::reweighted(key, &server, weight);
                if weight != server.weight && !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
    }
    kernel::apply(client, &changes)
}
