//! `lvsadm diff`: how two tables differ, each a save file or the kernel's.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;

use super::{
    Error, Ui,
    holder::Holder,
    json,
    source::{Source, kernel_table, operator_table},
};
use crate::{
    model::{DaemonRole, ServerKey, ServiceKey, Table},
    state::print,
};

/// Show how two tables differ
///
/// In the lines of a save file: those with `-` are only in the first table, those with `+` only in the second. With one
/// operand the first table is the one that is in force: what `lvsadm restore` of that file would change. That is the
/// kernel's, or with an agent that holds the table what people asked for (`operator`).
#[derive(Debug, Args)]
#[command(after_long_help = "Exit status: 0 the tables are the same; 1 they differ; 2 trouble.

Examples:
  lvsadm diff /etc/sysconfig/ipvsadm              the kernel against the file
  lvsadm diff /etc/sysconfig/ipvsadm kernel       the other way round
  lvsadm diff operator kernel                     what health, drains and others make of what was asked for
  lvsadm diff monday tuesday                      two files
  ssh backup lvsadm save | lvsadm diff -          this director against another")]
pub struct DiffArgs {
    /// Save file, `-` for standard input, `kernel`, or `operator`: what an agent was asked for
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The same
    #[arg(value_name = "B")]
    second: Option<PathBuf>,
    /// Print the differences as JSON
    #[arg(long)]
    json: bool,
}

/// One line that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first table's line.
    pub minus: Option<String>,
    /// The second table's line.
    pub plus: Option<String>,
}

/// Runs the verb.
///
/// # Errors
/// A table cannot be read: exit status 2.
pub fn run(args: DiffArgs, ui: &mut Ui) -> Result<u8, Error> {
    let (first, second) = match args.second {
        Some(second) => (Side::new(args.first), Side::new(second)),
        None if Holder::for_reading().is_some() => (Side::Operator, Side::new(args.first)),
        None => (Side::Kernel, Side::new(args.first)),
    };
    let trouble = |error: Error| error.with_status(2);
    if first == Side::File(Source::Stdin) && second == first {
        return Err(Error::failed("standard input cannot be both tables").with_status(2));
    }
    let mut a = first.load(ui).map_err(trouble)?;
    let mut b = second.load(ui).map_err(trouble)?;
    match (&first, &second) {
        (Side::Kernel | Side::Operator, Side::File(_)) => leave_unsaid(&mut a, &mut b),
        (Side::File(_), Side::Kernel | Side::Operator) => leave_unsaid(&mut b, &mut a),
        _ => {}
    }
    let differences = differences(&a, &b);
    if args.json {
        ui.json(&json::Differences::new(&first.to_string(), &second.to_string(), &differences))?;
    } else if !differences.is_empty() {
        ui.print(format!("--- {first}\n+++ {second}\n"))?;
        for difference in &differences {
            let lines = difference.minus.iter().map(|line| ('-', line));
            for (sign, line) in lines.chain(difference.plus.iter().map(|line| ('+', line))) {
                ui.print(format!("{sign} {line}\n"))?;
            }
        }
    }
    Ok(if differences.is_empty() { 0 } else { 1 })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Kernel,
    Operator,
    File(Source),
}

impl Side {
    fn new(operand: PathBuf) -> Self {
        match operand.to_str() {
            Some("kernel") => Self::Kernel,
            Some("operator") => Self::Operator,
            _ => Self::File(Source::new(operand)),
        }
    }

    fn load(&self, ui: &mut Ui) -> Result<Table, Error> {
        match self {
            Self::Kernel => kernel_table(),
            Self::Operator => operator_table(false).map(|(table, _)| table),
            Self::File(source) => Ok(source.load(ui)?.table),
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel => f.write_str("kernel"),
            Self::Operator => f.write_str("operator"),
            Self::File(source) => source.fmt(f),
        }
    }
}

/// Makes equal what the file leaves to the kernel: a restore would not touch it either.
fn leave_unsaid(kernel: &mut Table, file: &mut Table) {
    match (&mut file.timeouts, kernel.timeouts) {
        (Some(wanted), Some(running)) => {
            // 0 keeps what is set.
            let fill = |wanted: &mut u32, running: u32| *wanted = if *wanted == 0 { running } else { *wanted };
            fill(&mut wanted.tcp, running.tcp);
            fill(&mut wanted.tcp_fin, running.tcp_fin);
            fill(&mut wanted.udp, running.udp);
        }
        _ => kernel.timeouts = None,
    }
    kernel.daemons.retain_mut(|running| match file.daemons.iter().find(|daemon| daemon.role == running.role) {
        Some(wanted) => {
            if running.satisfies(wanted) {
                running.clone_from(wanted);
            }
            true
        }
        None => false,
    });
}

/// Returns the lines that differ: timeouts, daemons, then services with their servers in the order of their keys.
pub fn differences(a: &Table, b: &Table) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |minus: Option<String>, plus: Option<String>| {
        if minus != plus {
            found.push(Difference { minus, plus });
        }
    };
    compare(a.timeouts.as_ref().map(print::timeouts_line), b.timeouts.as_ref().map(print::timeouts_line));
    for role in [DaemonRole::Master, DaemonRole::Backup] {
        let line = |table: &Table| table.daemons.iter().find(|daemon| daemon.role == role).map(print::daemon_line);
        compare(line(a), line(b));
    }
    let services: BTreeSet<&ServiceKey> = a.services.keys().chain(b.services.keys()).collect();
    for key in services {
        let (left, right) = (a.services.get(key), b.services.get(key));
        compare(
            left.map(|entry| print::service_line(&entry.service)),
            right.map(|entry| print::service_line(&entry.service)),
        );
        let entries = [left, right];
        let servers: BTreeSet<&ServerKey> = entries.iter().flatten().flat_map(|entry| entry.servers.keys()).collect();
        for server in servers {
            let [minus, plus] = entries.map(|entry| {
                entry.and_then(|entry| entry.servers.get(server)).map(|server| print::server_line(key, server))
            });
            compare(minus, plus);
        }
    }
    found
}
